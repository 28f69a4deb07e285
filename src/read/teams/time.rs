//! Moments as Teams writes them: ISO 8601 in UTC or with an offset, in steps of 100 nanoseconds. No local times.

use crate::read::field;

/// Steps of a second; the seventh decimal place is the last one .NET writes.
pub const TICKS: i64 = 10_000_000;

/// 1990 to 2106: outside of it something is broken.
const YEARS: std::ops::Range<i64> = 631_152_000 * TICKS..(u32::MAX as i64) * TICKS;

/// Ticks since 1970-01-01 UTC; `None` for a blank and for year 1, which is how .NET writes a time that never was.
///
/// # Errors
/// It is no such moment.
pub fn moment(text: &str) -> Result<Option<i64>, ()> {
    if text.is_empty() || text.starts_with("0001-01-01") {
        return Ok(None);
    }
    let (civil, rest) = text.split_at_checked(19).ok_or(())?;
    if civil.as_bytes().get(4) != Some(&b'-') {
        return Err(());
    }
    let civil = field::stamp(civil).ok_or(())?;
    let (fraction, zone) = fraction(rest).ok_or(())?;
    let ticks = (civil.and_utc().timestamp() - offset(zone.trim_start()).ok_or(())?) * TICKS + fraction;
    if YEARS.contains(&ticks) { Ok(Some(ticks)) } else { Err(()) }
}

/// The ticks of `.2589935` and what follows; further places are cut off.
fn fraction(text: &str) -> Option<(i64, &str)> {
    let Some(text) = text.strip_prefix('.') else { return Some((0, text)) };
    let end = text.bytes().position(|b| !b.is_ascii_digit()).unwrap_or(text.len());
    let (digits, rest) = text.split_at_checked(end)?;
    if digits.is_empty() {
        return None;
    }
    let places = digits.bytes().chain(std::iter::repeat(b'0')).take(7);
    Some((places.fold(0, |n, b| n * 10 + i64::from(b - b'0')), rest))
}

/// Seconds east of Greenwich. Without a zone it is UTC: Microsoft's page says all times of the export are.
fn offset(zone: &str) -> Option<i64> {
    if matches!(zone, "" | "Z" | "z") {
        return Some(0);
    }
    let (sign, digits) = match zone.strip_prefix('+') {
        Some(digits) => (1, digits),
        None => (-1, zone.strip_prefix('-')?),
    };
    let (hours, minutes) = match digits.split_once(':') {
        Some(parts) => parts,
        None => digits.split_at_checked(2)?,
    };
    let number = |text: &str, most| {
        let is_number = text.len() == 2 && text.bytes().all(|b| b.is_ascii_digit());
        text.parse::<i64>().ok().filter(|n| is_number && *n <= most)
    };
    Some(sign * (number(hours, 14)? * 3600 + number(minutes, 59)? * 60))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn moments_are_in_utc_whatever_their_offset() {
        // 2024-03-31T01:02:03Z is 1,711,846,923 seconds after 1970.
        let seconds = 1_711_846_923;
        for text in [
            "2024-03-31T01:02:03Z",
            "2024-03-31T02:02:03+01:00",
            "2024-03-30T19:32:03-0530",
            "2024-03-31 01:02:03 +00:00",
            "2024-03-31T01:02:03",
        ] {
            assert_eq!(moment(text), Ok(Some(seconds * TICKS)), "{text}");
        }
        assert_eq!(moment("2024-03-31T01:02:03.2589935Z"), Ok(Some(seconds * TICKS + 2_589_935)));
        assert_eq!(moment("2024-03-31T01:02:03.5Z"), Ok(Some(seconds * TICKS + 5_000_000)));
    }

    #[test]
    fn year_one_is_no_time() {
        for text in ["", "0001-01-01T00:00:00Z", "0001-01-01T00:00:00.0000000+00:00"] {
            assert_eq!(moment(text), Ok(None), "{text}");
        }
    }

    #[test]
    fn local_forms_are_none() {
        for text in [
            "31/03/2024 01:02",
            "2024/03/31T01:02:03Z",
            "2024-03-31",
            "2024-03-31T01:02:03.Z",
            "2024-03-31T01:02:03+1",
            "2024-03-31T01:02:03 BST",
            "2024-02-30T01:02:03Z",
            "1601-01-01T00:00:00Z",
            "/Date(1711846923000)/",
            "2024-03-31T01:02:0é",
            "45382.04309",
        ] {
            assert_eq!(moment(text), Err(()), "{text}");
        }
    }
}
