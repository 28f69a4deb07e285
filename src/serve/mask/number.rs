//! Masks numbers in a text: the last six digits of each run of digits that is long enough to be a telephone number and
//! is none of ours, however it is parted. Emergency numbers, short codes and directory enquiries stay. Knows no plan.

use std::hash::{Hash, Hasher};
use std::ops::Range;
use std::sync::Arc;

use arrow::array::{Array, ArrayRef, AsArray, StringArray, StringViewArray};
use arrow::datatypes::DataType;
use datafusion::common::{ScalarValue, exec_err};
use datafusion::error::Result;
use datafusion::logical_expr::{ColumnarValue, ScalarFunctionArgs, ScalarUDF, ScalarUDFImpl, Signature, Volatility};

use crate::config::{Config, Ddi, Pattern};
use crate::number::{self, Class};

/// Shorter runs of digits are no number that reaches anybody outside.
const SHORTEST: usize = 5;
/// Digits that are masked: a million people share what stays.
const HIDDEN: usize = 6;
/// Digits of the longest number there is (E.164, 6.1).
const LONGEST: usize = 15;
/// Most bytes between two groups of digits of one number: a dash with blanks about it, a bracket, a blank that is no ASCII.
const BETWEEN: usize = 4;

/// The numbers of our own, as the configuration has them.
#[derive(Debug)]
pub struct Ours {
    extensions: Vec<Pattern>,
    ddi: Vec<Ddi>,
}

impl Ours {
    pub fn of(config: &Config) -> Self {
        let extensions = config.sources.iter().flat_map(|s| s.extensions.clone()).collect();
        Self { extensions, ddi: config.sources.iter().flat_map(|s| s.ddi.clone()).collect() }
    }

    /// Whether digits are one of our extensions, or of our numbers in any of the forms they are written in.
    fn has(&self, digits: &str, plus: bool) -> bool {
        let is_ddi = |e164: &str| self.ddi.iter().any(|ddi| ddi.range.matches(e164));
        if plus {
            return is_ddi(&format!("+{digits}"));
        }
        self.extensions.iter().any(|pattern| pattern.matches(digits))
            || self.ddi.iter().any(|ddi| ddi.gives(digits))
            || is_ddi(&format!("+{digits}"))
            || digits.strip_prefix('0').is_some_and(|rest| is_ddi(&format!("+44{rest}")))
    }
}

/// `text` with the numbers in it masked, also where blanks, dashes, dots, strokes or brackets part their digits. Unless
/// `everywhere`, digits that a letter touches are part of a name, but for those that can only be a number.
pub fn mask(text: &str, ours: &Ours, everywhere: bool) -> Option<String> {
    let bytes = text.as_bytes();
    let mut masked: Option<Vec<u8>> = None;
    let mut hide = |places: &[usize]| {
        let out = masked.get_or_insert_with(|| bytes.to_vec());
        // Of what is longer than any number is, no more stays than of a number.
        let stay = places.len().saturating_sub(HIDDEN).min(LONGEST - HIDDEN);
        places[stay..].iter().for_each(|place| out[*place] = b'x');
    };
    let mut at = 0;
    while let Some(start) = bytes[at..].iter().position(u8::is_ascii_digit).map(|n| at + n) {
        let groups = groups(bytes, start);
        at = groups[groups.len() - 1].end;
        let plus = start > 0 && bytes[start - 1] == b'+';
        // An address or a date is digits with signs between them too: a name's have to begin like a number.
        let is_one = groups.len() > 1 && !is_guid(bytes) && (everywhere || plus || bytes[start] == b'0');
        let joined: Vec<usize> = groups.iter().cloned().flatten().collect();
        let of = |places: &[usize]| places.iter().map(|place| char::from(bytes[*place])).collect::<String>();
        // A handset's name and a count behind it are no number: `SEP020000001234 (12)`.
        let is_name = !everywhere && is_letter(bytes, start.checked_sub(1)) && !(10..=11).contains(&joined.len());
        if is_one && !is_name && joined.len() >= SHORTEST && is_outside(&of(&joined), plus, ours) {
            hide(&joined);
        }
        for (nth, group) in groups.into_iter().enumerate() {
            let plus = plus && nth == 0;
            let is_name = !everywhere && is_of_a_name(bytes, &group);
            let places: Vec<usize> = group.collect();
            if places.len() >= SHORTEST && !is_name && is_outside(&of(&places), plus, ours) {
                hide(&places);
            }
        }
    }
    // Digits were put out by letters: it is a text as it was.
    masked.map(|bytes| String::from_utf8_lossy(&bytes).into_owned())
}

/// Runs of digits that only signs part which are written between the digits of one number, from the digit at `start` on.
fn groups(bytes: &[u8], start: usize) -> Vec<Range<usize>> {
    let (mut groups, mut at) = (Vec::new(), start);
    loop {
        let end = bytes[at..].iter().position(|b| !b.is_ascii_digit()).map_or(bytes.len(), |n| at + n);
        groups.push(at..end);
        let between = bytes[end..].iter().take_while(|b| b" -./()".contains(b) || !b.is_ascii()).count();
        match bytes.get(end + between) {
            Some(next) if next.is_ascii_digit() && between <= BETWEEN => at = end + between,
            _ => return groups,
        }
    }
}

fn is_letter(bytes: &[u8], at: Option<usize>) -> bool {
    at.and_then(|at| bytes.get(at)).is_some_and(u8::is_ascii_alphabetic)
}

/// `01a3f123-45cc-795a-b999-99ea8748c1c5`: an id of a record, whose digits are parted like a number's.
fn is_guid(bytes: &[u8]) -> bool {
    let shape = |(at, b): (usize, &u8)| match at {
        8 | 13 | 18 | 23 => *b == b'-',
        _ => b.is_ascii_hexdigit(),
    };
    bytes.len() == 36 && bytes.iter().enumerate().all(shape)
}

/// Whether a letter touches digits, unless it stands before them and they are as long as a number with its nought before it:
/// `T1`, `SEP001122334455`, `AN0011223344A0`.
fn is_of_a_name(bytes: &[u8], digits: &Range<usize>) -> bool {
    let (before, after) = (is_letter(bytes, digits.start.checked_sub(1)), is_letter(bytes, Some(digits.end)));
    let is_a_number = (10..=11).contains(&digits.len()) && bytes[digits.start] == b'0' && !after;
    !is_a_number && (before || after)
}

fn is_outside(digits: &str, plus: bool, ours: &Ours) -> bool {
    let number = if plus { format!("+{digits}") } else { digits.to_string() };
    let stays = matches!(number::classify(&number), Class::Emergency | Class::ShortCode | Class::Directory);
    !stays && !ours.has(digits, plus)
}

/// The same as a function of the engine, known to no client by name.
pub fn function(ours: Arc<Ours>, everywhere: bool) -> ScalarUDF {
    let texts = vec![DataType::Utf8View, DataType::Utf8];
    let signature = Signature::uniform(1, texts, Volatility::Immutable);
    ScalarUDF::new_from_impl(Mask { ours, everywhere, signature })
}

#[derive(Debug)]
struct Mask {
    ours: Arc<Ours>,
    everywhere: bool,
    signature: Signature,
}

impl PartialEq for Mask {
    fn eq(&self, other: &Self) -> bool {
        self.everywhere == other.everywhere && Arc::ptr_eq(&self.ours, &other.ours)
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
        let one = |text: Option<&str>| text.map(|t| mask(t, &self.ours, self.everywhere).unwrap_or_else(|| t.into()));
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

    fn ours() -> Ours {
        let pattern = |text: &str| Pattern::try_from(text.to_string()).unwrap();
        Ours {
            extensions: vec![pattern("2XXXXX"), pattern("7XXX")],
            ddi: vec![Ddi { range: pattern("+442079461XXX"), extension_digits: 4 }],
        }
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
            ("01a3f123-45cc-795a-b999-99ea874bc1c5", "01a3f123-45cc-795a-b999-99ea874bc1c5"),
            ("07700900123 07700900124 07700900125", "07700xxxxxx xxxxxxxxxxx xxxxxxxxxxx"),
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
            assert_eq!(mask(text, &ours(), true).as_deref().unwrap_or(text), expected);
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
            ("10.20.30.40", "10.20.30.40"),
            ("2024-03-31 09:00", "2024-03-31 09:00"),
            ("T1/T2", "T1/T2"),
            ("07700900123", "07700xxxxxx"),
        ];
        for (text, expected) in cases {
            assert_eq!(mask(text, &ours(), false).as_deref().unwrap_or(text), expected);
        }
    }
}
