//! Masks numbers in a text: the last six digits of each run of digits that is long enough to be a telephone number and
//! is none of ours, however it is parted. Emergency numbers, short codes and directory enquiries stay. Knows no plan.

use std::hash::{Hash, Hasher};
use std::sync::Arc;

use arrow::array::{Array, ArrayRef, AsArray, StringArray, StringViewArray};
use arrow::datatypes::DataType;
use datafusion::common::{ScalarValue, exec_err};
use datafusion::error::Result;
use datafusion::logical_expr::{ColumnarValue, ScalarFunctionArgs, ScalarUDF, ScalarUDFImpl, Signature, Volatility};

use crate::number::{self, Class};
use crate::privacy::{Own, spans};

/// Shorter runs of digits are no number that reaches anybody outside.
const SHORTEST: usize = 5;
/// Digits that are masked: a million people share what stays.
const HIDDEN: usize = 6;
/// Digits of the longest number there is (E.164, 6.1).
const LONGEST: usize = 15;
/// Digits of the shortest and the longest number of this country with its nought.
const LONG: usize = 10;
const WHOLE: usize = 11;

/// `text` with the numbers in it masked, also where signs part their digits. Unless `everywhere`, a text may be a name of
/// ours, and digits that a letter touches are part of a name, but for those that can only be a number.
pub fn mask(text: &str, own: &Own, everywhere: bool) -> Option<String> {
    if text.bytes().filter(u8::is_ascii_digit).count() < SHORTEST || (!everywhere && own.has_name(text)) {
        return None;
    }
    let bytes = text.as_bytes();
    let mut masked: Option<Vec<u8>> = None;
    // Up to where digits are joined to the first of their run, are a number that was looked at, are one that stays.
    let (mut run, mut read, mut stays) = (0, 0, 0);
    for span in spans(text) {
        let plus = bytes[span.start] == b'+';
        let places: Vec<usize> = (span.start..span.end).filter(|place| bytes[*place].is_ascii_digit()).collect();
        let is_first = span.start >= run;
        run = run.max(span.end);
        let may_be = match span.groups {
            1 => span.start >= stays && (everywhere || !is_of_a_name(bytes, &places)),
            // What begins as a number does; any number may be written in a place that is for numbers.
            _ => {
                let begins = plus || bytes[places[0]] == b'0';
                let is_long = is_first || places.len() >= LONG;
                let is_name = !everywhere && is_letter(bytes, places[0].checked_sub(1)) && !is_national(&places);
                span.start >= read && ((everywhere && is_first) || (begins && is_long && !is_name))
            }
        };
        if !may_be || places.len() < SHORTEST {
            continue;
        }
        let is_outside =
            is_outside(&places.iter().map(|place| char::from(bytes[*place])).collect::<String>(), plus, own);
        if span.groups > 1 {
            read = span.end;
            stays = if is_outside { stays } else { span.end };
        }
        if is_outside {
            let out = masked.get_or_insert_with(|| bytes.to_vec());
            // Which of many digits end the number cannot be told: no more stays than of the shortest whole one.
            let whole = if span.groups > 1 { WHOLE + usize::from(plus) } else { LONGEST };
            let stay = places.len().min(whole).saturating_sub(HIDDEN);
            places[stay..].iter().for_each(|place| out[*place] = b'x');
        }
    }
    // Digits were put out by letters: it is a text as it was.
    masked.map(|bytes| String::from_utf8_lossy(&bytes).into_owned())
}

fn is_letter(bytes: &[u8], at: Option<usize>) -> bool {
    at.and_then(|at| bytes.get(at)).is_some_and(u8::is_ascii_alphabetic)
}

/// Whether a letter touches digits, unless it stands before them and they are as long as a number with its nought before it:
/// `T1`, `SEP001122334455`, `AN0011223344A0`.
fn is_of_a_name(bytes: &[u8], places: &[usize]) -> bool {
    let (first, last) = (places[0], places[places.len() - 1]);
    let (before, after) = (is_letter(bytes, first.checked_sub(1)), is_letter(bytes, Some(last + 1)));
    let is_a_number = is_national(places) && bytes[first] == b'0' && !after;
    !is_a_number && (before || after)
}

/// As long as a number of this country with its nought.
fn is_national(places: &[usize]) -> bool {
    (LONG..=WHOLE).contains(&places.len())
}

fn is_outside(digits: &str, plus: bool, own: &Own) -> bool {
    let number = if plus { format!("+{digits}") } else { digits.to_string() };
    let stays = matches!(number::classify(&number), Class::Emergency | Class::ShortCode | Class::Directory);
    let national = (!plus).then(|| digits.strip_prefix('0')).flatten();
    let is_own = own.has(&number)
        || (!plus && own.has(&format!("+{digits}")))
        || national.is_some_and(|rest| own.has(&format!("+44{rest}")));
    !stays && !is_own
}

/// The same as a function of the engine, known to no client by name.
pub fn function(own: Arc<Own>, everywhere: bool) -> ScalarUDF {
    let texts = vec![DataType::Utf8View, DataType::Utf8];
    let signature = Signature::uniform(1, texts, Volatility::Immutable);
    ScalarUDF::new_from_impl(Mask { own, everywhere, signature })
}

#[derive(Debug)]
struct Mask {
    own: Arc<Own>,
    everywhere: bool,
    signature: Signature,
}

impl PartialEq for Mask {
    fn eq(&self, other: &Self) -> bool {
        self.everywhere == other.everywhere && Arc::ptr_eq(&self.own, &other.own)
    }
}

impl Eq for Mask {}

impl Hash for Mask {
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.everywhere.hash(state);
    }
}

impl ScalarUDFImpl for Mask {
    fn name(&self) -> &str {
        if self.everywhere { "masked" } else { "masked_in_names" }
    }

    fn signature(&self) -> &Signature {
        &self.signature
    }

    fn return_type(&self, kinds: &[DataType]) -> Result<DataType> {
        Ok(kinds.first().cloned().unwrap_or(DataType::Utf8))
    }

    fn invoke_with_args(&self, args: ScalarFunctionArgs) -> Result<ColumnarValue> {
        let one = |text: Option<&str>| text.map(|t| mask(t, &self.own, self.everywhere).unwrap_or_else(|| t.into()));
        Ok(match args.args.first() {
            Some(ColumnarValue::Scalar(ScalarValue::Utf8(text))) => {
                ColumnarValue::Scalar(ScalarValue::Utf8(one(text.as_deref())))
            }
            Some(ColumnarValue::Scalar(ScalarValue::Utf8View(text))) => {
                ColumnarValue::Scalar(ScalarValue::Utf8View(one(text.as_deref())))
            }
            Some(ColumnarValue::Array(texts)) => ColumnarValue::Array(match texts.data_type() {
                DataType::Utf8View => {
                    let masked: StringViewArray = texts.as_string_view().iter().map(one).collect();
                    Arc::new(masked) as ArrayRef
                }
                DataType::Utf8 => {
                    let masked: StringArray = texts.as_string::<i32>().iter().map(one).collect();
                    Arc::new(masked)
                }
                other => return exec_err!("{other} is no text"),
            }),
            other => return exec_err!("{other:?} is no text"),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::Config;

    fn own() -> Own {
        let text = "[lake]\npath = \"lake\"\n[[source]]\nname = \"a\"\nformat = \"f\"\npaths = []\ntimezone = \"UTC\"\n\
             extensions = [\"2XXXXX\", \"7XXX\"]\nddi = [{ range = \"+442079461XXX\", extension_digits = 4 }]\n";
        let formats = [crate::layout::Format { id: "f", keys: &[] }];
        Own::new(&Config::parse(text, "onhook.toml", std::path::PathBuf::new(), &formats).unwrap())
    }

    #[test]
    fn numbers_outside_lose_their_last_six_digits_and_ours_none() {
        let cases = [
            ("+447700900123", "+447700xxxxxx"),
            ("07700900123", "07700xxxxxx"),
            ("+33199001234", "+33199xxxxxx"),
            ("01632 960001", "xxxxx xxxxxx"),
            ("(0163)296-0123ext.5", "(0163)2xx-xxxxext.5"),
            ("+44 1632-960-123 ext. 5", "+44 1632-xxx-xxx ext. 5"),
            ("+44\u{a0}7700\u{a0}900123", "+44\u{a0}7700\u{a0}xxxxxx"),
            ("0 7 7 0 0 9 0 0 1 2 3", "0 7 7 0 0 x x x x x x"),
            ("0163 \u{2013} 296 \u{2013} 0123", "0163 \u{2013} 2xx \u{2013} xxxx"),
            ("0163\u{202f}296\u{2212}0123", "0163\u{202f}2xx\u{2212}xxxx"),
            ("id=01a3f123-45cc-795a-b999-99ea874bc1c5", "id=01a3f123-45cc-795a-b999-99ea874bc1c5"),
            ("01a3f123-45cc-795a-b999-99ea874bc1c5", "01a3f123-45cc-795a-b999-99ea874bc1c5"),
            ("07700900123 07700900124 07700900125", "07700xxxxxx xxxxxxxxxxx 07700xxxxxx"),
            ("020 7946 0001 2001", "020 79xx xxxx xxxx"),
            ("200123", "200123"),
            ("960123", "xxxxxx"),
            ("7123", "7123"),
            ("+442079461234", "+442079461234"),
            ("02079461234", "02079461234"),
            ("442079461234", "442079461234"),
            ("+442079460234", "+442079xxxxxx"),
            ("200123 > +447700900123 > 7001", "200123 > +447700xxxxxx > 7001"),
            ("999", "999"),
            ("112", "112"),
            ("116123", "116123"),
            ("118500", "118500"),
            ("sip:07700900123@example.org", "sip:07700xxxxxx@example.org"),
            ("anonymous", "anonymous"),
            ("é+447700900123é", "é+447700xxxxxxé"),
        ];
        for (text, expected) in cases {
            assert_eq!(mask(text, &own(), true).as_deref().unwrap_or(text), expected);
        }
    }

    #[test]
    fn digits_of_a_name_are_none_of_a_number() {
        let cases = [
            ("SEP001122334455", "SEP001122334455"),
            ("AN0011223344A0", "AN0011223344A0"),
            ("Local/07700900123@out", "Local/07700xxxxxx@out"),
            ("tel07700900123", "tel07700xxxxxx"),
            ("mob07700 900 123", "mob07700 xxx xxx"),
            ("late: SEP020000001234 (12)", "late: SEP020000001234 (12)"),
            ("mob 07700 900 123", "mob xxxxx xxx xxx"),
            ("Room 12 020 7946 0001", "Room 12 020 79xx xxxx"),
            ("9 020 7946 0001", "9 020 79xx xxxx"),
            ("BT 2 (0113) 496 0001", "BT 2 (0113) 4xx xxxx"),
            ("020 7946 0001 2001", "020 79xx xxxx xxxx"),
            ("Room 12 +44 20 7946 0001", "Room 12 +44 20 79xx xxxx"),
            ("10.20.30.40", "10.20.30.40"),
            ("10.1.0.3-0001", "10.1.0.3-0001"),
            ("31.03.2024 0915", "31.03.2024 0915"),
            ("2024-03-31 09:00", "2024-03-31 09:00"),
            ("T1/T2", "T1/T2"),
            ("07700900123", "07700xxxxxx"),
        ];
        for (text, expected) in cases {
            assert_eq!(mask(text, &own(), false).as_deref().unwrap_or(text), expected);
        }
    }
}
