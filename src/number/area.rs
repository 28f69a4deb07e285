//! The part of an outside number that tells where it is, or in what network, and not whose it is. Country codes are data.

/// Country codes of two digits (ITU-T E.164); 1 and 7 have one, all others three.
const TWO: &str = "20 27 30 31 32 33 34 36 39 40 41 43 44 45 46 47 48 49 51 52 53 54 55 56 57 58 60 61 62 63 64 65 66 \
                   81 82 84 86 90 91 92 93 94 95 98";
/// Digits behind the area that a number must have, or less of it is told.
const HIDDEN: usize = 5;

/// The leading part of a number in E.164: of a UK number its area or network code, of another its country code and one
/// digit more (three in North America, where they tell the country). Blank for what is no E.164.
pub fn area(number: &str) -> &str {
    let Some(digits) = number.strip_prefix('+').filter(|digits| digits.bytes().all(|b| b.is_ascii_digit())) else {
        return "";
    };
    let country = match digits {
        _ if digits.starts_with(['1', '7']) => 1,
        _ if TWO.split(' ').any(|code| digits.starts_with(code)) => 2,
        _ => 3,
    };
    let more = match digits.get(country..) {
        Some(rest) if digits.starts_with("44") => uk(rest),
        Some(_) if digits.starts_with('1') => 3,
        _ => 1,
    };
    let long = country + more;
    let told = if digits.len() >= long + HIDDEN { long } else { country };
    number.get(..=told).unwrap_or(number)
}

/// Digits of the area or network code of a national significant number.
fn uk(nsn: &str) -> usize {
    match nsn.as_bytes() {
        [b'2', ..] => 2,
        [b'1', b'1', ..] | [b'1', _, b'1', ..] | [b'3' | b'5' | b'8' | b'9', ..] => 3,
        // Of five digits are 07624, which is the Isle of Man, and a few towns, which share their first four.
        _ => 4,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Area codes as Ofcom lists them, country codes as the ITU does.
    #[test]
    fn an_area_ends_before_the_subscriber() {
        for (number, told) in [
            ("+442079460001", "+4420"),
            ("+442920180001", "+4429"),
            ("+441134960001", "+44113"),
            ("+441214960001", "+44121"),
            ("+441632960001", "+441632"),
            ("+44169772345", "+441697"),
            ("+447700900123", "+447700"),
            ("+447624999000", "+447624"),
            ("+443069990001", "+44306"),
            ("+448081570001", "+44808"),
            ("+449098790001", "+44909"),
            ("+33142685300", "+331"),
            ("+12025550123", "+1202"),
            ("+79161234567", "+79"),
            ("+353201234567", "+3532"),
            ("+6834002", "+683"),
            ("+2902", "+290"),
            ("999", ""),
            ("20101", ""),
            ("+44*", ""),
            ("", ""),
            ("+", "+"),
        ] {
            assert_eq!(area(number), told, "{number}");
        }
    }
}
