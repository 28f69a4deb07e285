//! What readers of lines share: plain text, delimited fields, dates and durations as vendors write them. It knows no
//! format and gives no field a meaning.

use chrono::{NaiveDate, NaiveDateTime, NaiveTime};

use super::Reject;

/// Why a line is no record, as `Sink::reject` takes it.
pub type Refusal = (Reject, &'static str);

/// The line as text: UTF-8 without control characters but tabs, a byte order mark left out.
pub fn plain(line: &[u8]) -> Result<&str, Refusal> {
    let line = line.strip_prefix(b"\xEF\xBB\xBF").unwrap_or(line);
    // All bytes are looked at, without an early end, so that it costs next to nothing.
    if line.iter().fold(false, |found, b| found | (b.is_ascii_control() & (*b != b'\t'))) {
        return Err((Reject::NotText, "control characters"));
    }
    std::str::from_utf8(line).map_err(|_| (Reject::NotText, "bytes that are no text"))
}

/// The fields of one line; used again for the next.
#[derive(Debug, Default)]
pub struct Fields {
    text: String,
    ends: Vec<usize>,
}

impl Fields {
    /// Splits a line by RFC 4180: fields may be quoted, a quote within is doubled. Blanks are kept.
    ///
    /// # Errors
    /// A quote is left open, or text follows a closed one.
    pub fn split(&mut self, line: &str, delimiter: u8) -> Result<(), Refusal> {
        self.text.clear();
        self.ends.clear();
        let mut rest = line;
        loop {
            match rest.strip_prefix('"') {
                None => {
                    let end = memchr::memchr(delimiter, rest.as_bytes()).unwrap_or(rest.len());
                    self.text.push_str(&rest[..end]);
                    rest = &rest[end..];
                }
                Some(mut quoted) => loop {
                    let end = memchr::memchr(b'"', quoted.as_bytes()).ok_or((Reject::WrongShape, "an open quote"))?;
                    self.text.push_str(&quoted[..end]);
                    quoted = &quoted[end + 1..];
                    match quoted.strip_prefix('"') {
                        Some(more) => {
                            self.text.push('"');
                            quoted = more;
                        }
                        None => {
                            rest = quoted;
                            break;
                        }
                    }
                },
            }
            self.ends.push(self.text.len());
            match rest.as_bytes().first() {
                None => return Ok(()),
                Some(next) if *next == delimiter => rest = &rest[1..],
                Some(_) => return Err((Reject::WrongShape, "text after a closed quote")),
            }
        }
    }

    pub fn len(&self) -> usize {
        self.ends.len()
    }

    /// The field at that place, from 0, without blanks around it; empty where the line is shorter.
    pub fn get(&self, at: usize) -> &str {
        let Some(end) = self.ends.get(at) else { return "" };
        let start = at.checked_sub(1).map_or(0, |before| self.ends[before]);
        self.text[start..*end].trim()
    }
}

/// `YYYY-MM-DD HH:MM:SS`, also with `/` or `T`, and with a fraction of a second or a `Z` behind, which is left out.
pub fn stamp(text: &str) -> Option<NaiveDateTime> {
    let (date, time) = (text.get(..10)?, text.get(11..)?);
    if !matches!(text.as_bytes()[10], b' ' | b'T') {
        return None;
    }
    let [y, m, d] = numbers(date, if date.contains('/') { '/' } else { '-' })?;
    let (time, fraction) = time.split_at_checked(8)?;
    let fraction = fraction.strip_suffix('Z').unwrap_or(fraction);
    let is_fraction = fraction.is_empty()
        || fraction.strip_prefix('.').is_some_and(|f| !f.is_empty() && f.bytes().all(|b| b.is_ascii_digit()));
    let time = clock(time).filter(|_| is_fraction)?;
    Some(NaiveDate::from_ymd_opt(i32::try_from(y).ok()?, m, d)?.and_time(time))
}

/// `HH:MM:SS` of a day.
pub fn clock(text: &str) -> Option<NaiveTime> {
    let [h, m, s] = numbers(text, ':').filter(|_| text.len() == 8)?;
    NaiveTime::from_hms_opt(h, m, s)
}

/// `H…H:MM:SS` as seconds.
pub fn hms(text: &str) -> Option<i32> {
    let [h, m, s] = numbers(text, ':').filter(|[h, m, s]| *h < 100_000 && *m < 60 && *s < 60)?;
    i32::try_from(h * 3600 + m * 60 + s).ok()
}

/// Whole seconds of one record, 0 to some months.
pub fn seconds(text: &str) -> Option<i32> {
    let is_number = (1..=8).contains(&text.len()) && text.bytes().all(|b| b.is_ascii_digit());
    if is_number { text.parse().ok() } else { None }
}

/// A decimal amount (`0.0618`, `-1,5` not) as millionths; further places are cut off.
pub fn micros(text: &str) -> Option<i64> {
    let (sign, digits) = text.strip_prefix('-').map_or((1, text), |digits| (-1, digits));
    let (whole, part) = digits.split_once('.').unwrap_or((digits, ""));
    let all_digits = |text: &str| text.bytes().all(|b| b.is_ascii_digit());
    if (whole.is_empty() && part.is_empty()) || whole.len() > 12 || !all_digits(whole) || !all_digits(part) {
        return None;
    }
    let whole: i64 = if whole.is_empty() { 0 } else { whole.parse().ok()? };
    let part = part.bytes().chain(std::iter::repeat(b'0')).take(6).fold(0, |n, b| n * 10 + i64::from(b - b'0'));
    Some(sign * (whole * 1_000_000 + part))
}

/// Three numbers of digits only.
fn numbers(text: &str, between: char) -> Option<[u32; 3]> {
    let mut parts = text.split(between);
    let mut next = || -> Option<u32> {
        let part = parts.next()?;
        let digits = (1..=6).contains(&part.len()) && part.bytes().all(|b| b.is_ascii_digit());
        if digits { part.parse().ok() } else { None }
    };
    let three = [next()?, next()?, next()?];
    parts.next().is_none().then_some(three)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn fields(line: &str) -> Result<Vec<String>, Refusal> {
        let mut fields = Fields::default();
        fields.split(line, b',')?;
        Ok((0..fields.len()).map(|n| fields.get(n).to_string()).collect())
    }

    #[test]
    fn quotes_are_those_of_rfc_4180() {
        assert_eq!(fields(r#"a,"b,""c""",,"""" ,"#).unwrap_err().0, Reject::WrongShape);
        assert_eq!(fields(r#"a,"b,""c""",, d ,"""""#).unwrap(), ["a", "b,\"c\"", "", "d", "\""]);
        assert_eq!(fields("").unwrap(), [""]);
        assert!(fields("a,\"b").is_err());
    }

    #[test]
    fn dates_and_durations_as_vendors_write_them() {
        let day = |h, m, s| NaiveDate::from_ymd_opt(2024, 3, 31).unwrap().and_hms_opt(h, m, s);
        for text in ["2024-03-31 01:02:03", "2024/03/31 01:02:03", "2024-03-31T01:02:03.2589935Z"] {
            assert_eq!(stamp(text), day(1, 2, 3), "{text}");
        }
        for text in [
            "2024-03-31",
            "2024-02-30 01:02:03",
            "2024-03-31 24:00:00",
            "2024-03-31 1:2:3",
            "2024-03-31 01:02:03+01",
            "",
            "é2024-03-31 01:02:03",
        ] {
            assert_eq!(stamp(text), None, "{text}");
        }
        assert_eq!(
            [hms("00:01:02"), hms("0100:00:00"), hms("00:60:00"), hms("1:2")],
            [Some(62), Some(360_000), None, None]
        );
        assert_eq!([seconds("0"), seconds("-1"), seconds(""), seconds("1.5")], [Some(0), None, None, None]);
        let amounts = ["0.0618", "-1.5", ".5", "", "1,5", "2", "0.1234567", "."].map(micros);
        let expected =
            [Some(61_800), Some(-1_500_000), Some(500_000), None, None, Some(2_000_000), Some(123_456), None];
        assert_eq!(amounts, expected);
    }

    proptest! {
        /// What a strict writer wrote comes back, whatever is in it.
        #[test]
        fn what_was_quoted_comes_back(cells in proptest::collection::vec("[a-c,\" é]{0,6}", 1..8)) {
            let line: Vec<String> = cells.iter().map(|cell| format!("\"{}\"", cell.replace('"', "\"\""))).collect();
            let trimmed: Vec<&str> = cells.iter().map(|cell| cell.trim()).collect();
            prop_assert_eq!(fields(&line.join(",")).unwrap(), trimmed);
        }

        #[test]
        fn no_text_makes_it_panic(text in "\\PC{0,24}") {
            let _ = (fields(&text), stamp(&text), clock(&text), hms(&text), seconds(&text), micros(&text));
        }
    }
}
