//! Masks numbers in a text: the last six digits of each run of digits that is long enough to be a telephone number and
//! is none of ours. Emergency numbers, short codes and directory enquiries stay. Knows no plan.

use std::hash::{Hash, Hasher};
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

/// `text` with the numbers in it masked. Unless `everywhere`, digits that a letter touches are part of a name.
pub fn mask(text: &str, ours: &Ours, everywhere: bool) -> Option<String> {
    let bytes = text.as_bytes();
    let mut masked: Option<Vec<u8>> = None;
    let mut at = 0;
    while at < bytes.len() {
        if !bytes[at].is_ascii_digit() {
            at += 1;
            continue;
        }
        let end = bytes[at..].iter().position(|b| !b.is_ascii_digit()).map_or(bytes.len(), |n| at + n);
        let plus = at > 0 && bytes[at - 1] == b'+';
        let touches = |i: Option<usize>| i.and_then(|i| bytes.get(i)).is_some_and(u8::is_ascii_alphabetic);
        let is_name = !everywhere && (touches(at.checked_sub(1)) || touches(Some(end)));
        if end - at >= SHORTEST && !is_name && is_outside(&text[at..end], plus, ours) {
            let out = masked.get_or_insert_with(|| bytes.to_vec());
            out[at.max(end.saturating_sub(HIDDEN))..end].fill(b'x');
        }
        at = end;
    }
    // Digits were put out by letters: it is a text as it was.
    masked.map(|bytes| String::from_utf8_lossy(&bytes).into_owned())
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
            ("07700900123", "07700xxxxxx"),
        ];
        for (text, expected) in cases {
            assert_eq!(mask(text, &ours(), false).as_deref().unwrap_or(text), expected);
        }
    }
}
