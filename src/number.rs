//! UK numbering: the class of a number, and dialled digits to E.164. It knows no site's own extensions, no prices, no files.
//!
//! The ranges are data, `number_plan.csv`. Nothing here allocates once `scratch` has grown.

mod area;
mod plan;
pub mod written;

pub use area::area;
pub use plan::Class;
use plan::{PLAN, Role};

/// The class of a number in E.164 (`+44…`, `+33…`), national (`0…`, `00…`) or short-code form, without separators.
pub fn classify(number: &str) -> Class {
    exact(number).map_or(Class::Unknown, |found| found.class)
}

/// How outside numbers are dialled at a site.
#[derive(Clone, Copy, Debug, Default)]
pub struct Rules<'a> {
    /// The access digit for an outside line, usually `9`; empty if there is none.
    pub outside_prefix: &'a str,
    /// The site's area code, national (`020`); empty if unknown.
    pub area_code: &'a str,
    /// The leg used a trunk to the public network, so the digits are outside ones. Not for tie lines: theirs are extensions.
    pub by_trunk: bool,
}

/// An outside number.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Outside<'b> {
    /// E.164 where it has one (`+442079460001`), else the short code (`999`); the bare digits if the class is unknown.
    pub number: &'b str,
    pub class: Class,
    /// Through text relay (18001, 18002).
    pub relay: bool,
    /// A service prefix (141, 1470, 1280) stood before it.
    pub prefixed: bool,
}

/// Makes dialled or presented digits an outside number; `None` if under these rules they are none.
///
/// Test your own extensions first: they may look like short codes. Local digits count only behind an access digit or on a
/// trunk, because by length alone they look like extensions. What a trunk carried is never `None` if it has a digit, save
/// a URI with a name.
pub fn outside<'b>(digits: &str, rules: &Rules<'_>, scratch: &'b mut String) -> Option<Outside<'b>> {
    scratch.clear();
    let unknown = |number| Outside { number, class: Class::Unknown, relay: false, prefixed: false };
    match tidy(digits, rules.outside_prefix, scratch) {
        Tidied::Digits => {}
        Tidied::Text => return (rules.by_trunk && has_digit(scratch)).then_some(unknown(scratch)),
        Tidied::Address => return None,
    }
    let behind = match scratch.strip_prefix(rules.outside_prefix) {
        Some(rest) if !rules.outside_prefix.is_empty() => rest,
        _ => "",
    };
    let Some(found) = search(scratch, behind, rules) else {
        let start = if has_digit(behind) { scratch.len() - behind.len() } else { 0 };
        return (rules.by_trunk && has_digit(scratch)).then_some(unknown(&scratch[start..]));
    };
    // The number is made at the end of `scratch`, out of the digits that stand there.
    let end = scratch.len();
    let (body, mut start) = (end - found.body, end);
    match found.form {
        Form::Short => start = body,
        Form::Abroad => scratch.push('+'),
        Form::Uk => scratch.push_str("+44"),
        Form::Local => {
            scratch.push_str("+44");
            scratch.push_str(rules.area_code.strip_prefix('0').unwrap_or_default());
        }
    }
    if start == end {
        scratch.extend_from_within(body..end);
    }
    Some(Outside { number: &scratch[start..], class: found.class, relay: found.relay, prefixed: found.prefixed })
}

/// The best reading of all the digits (`whole`), or of those `behind` the access digit (empty if there was none).
fn search(whole: &str, behind: &str, rules: &Rules<'_>) -> Option<Found> {
    let certain = find(behind, "").or_else(|| find(whole, ""));
    if !rules.by_trunk {
        return certain.or_else(|| find(behind, rules.area_code));
    }
    certain
        // Whatever the access digit is said to be: a line that called 999 must not look as if it had not.
        .or_else(|| whole.strip_prefix('9').and_then(exact).filter(|found| found.class.is_emergency()))
        .or_else(|| find(behind, rules.area_code))
        .or_else(|| find(whole, rules.area_code))
        .or_else(|| without_zero(whole))
}

/// The longest text that is looked at as a number: 15 digits of E.164 and every prefix before them.
const LONGEST: usize = 48;

#[derive(Clone, Copy, PartialEq, Eq)]
enum Form {
    /// `body` is the national significant number.
    Uk,
    /// `body` lacks the site's area code.
    Local,
    /// `body` starts with a country code.
    Abroad,
    /// `body` is a short code.
    Short,
}

#[derive(Clone, Copy)]
struct Found {
    form: Form,
    /// Length of the number's own digits; they always end the text.
    body: usize,
    class: Class,
    relay: bool,
    prefixed: bool,
}

impl Found {
    fn new(form: Form, body: &str, class: Class) -> Self {
        Self { form, body: body.len(), class, relay: false, prefixed: false }
    }
}

/// A number of the plan, or one of `area` without its code (if `area` is given), or either behind service prefixes.
fn find(digits: &str, area: &str) -> Option<Found> {
    if digits.len() > LONGEST {
        return None;
    }
    exact(digits).or_else(|| local(digits, area)).or_else(|| {
        let (role, length) = PLAN.role(digits)?;
        let found = find(&digits[length..], area)?;
        Some(match role {
            Role::Relay => Found { relay: true, ..found },
            Role::Service => Found { prefixed: true, ..found },
        })
    })
}

fn exact(digits: &str) -> Option<Found> {
    if let Some(abroad) = digits.strip_prefix('+').or_else(|| digits.strip_prefix("00")) {
        return international(abroad);
    }
    let class = PLAN.class(digits.bytes(), digits.len())?;
    Some(match digits.strip_prefix('0') {
        Some(nsn) => Found::new(Form::Uk, nsn, class),
        None => Found::new(Form::Short, digits, class),
    })
}

/// `digits` start with a country code.
fn international(digits: &str) -> Option<Found> {
    let Some(uk) = digits.strip_prefix("44") else {
        let plausible = (7..=15).contains(&digits.len()) && !digits.starts_with('0') && all_digits(digits);
        return plausible.then(|| Found::new(Form::Abroad, digits, Class::International));
    };
    let nsn = uk.strip_prefix('0').unwrap_or(uk);
    if let Some(class) = PLAN.national(nsn) {
        return Some(Found::new(Form::Uk, nsn, class));
    }
    // `+44999`: some gateways put the country code before anything. No national number is so short.
    PLAN.class(uk.bytes(), uk.len()).filter(|_| !uk.starts_with('0')).map(|class| Found::new(Form::Short, uk, class))
}

/// Subscriber digits without the area code. None starts with 0, 1 or 99.
fn local(digits: &str, area: &str) -> Option<Found> {
    if !area.starts_with('0') || digits.starts_with(['0', '1', '+']) || digits.starts_with("99") || digits.is_empty() {
        return None;
    }
    let class = PLAN.class(area.bytes().chain(digits.bytes()), area.len() + digits.len())?;
    (class == Class::Geographic).then(|| Found::new(Form::Local, digits, class))
}

/// A number that came by trunk without its 0 or its +: `2079460001`, `442079460001`. Ten digits, and never premium: too
/// much else starts with 9.
fn without_zero(digits: &str) -> Option<Found> {
    let nsn = if digits.len() == 12 { digits.strip_prefix("44")? } else { digits };
    let class = PLAN.national(nsn).filter(|class| nsn.len() == 10 && *class != Class::Premium)?;
    Some(Found::new(Form::Uk, nsn, class))
}

fn all_digits(text: &str) -> bool {
    text.bytes().all(|b| b.is_ascii_digit())
}

enum Tidied {
    /// Digits, perhaps with a `+` before them; perhaps none.
    Digits,
    /// Something else, without its white space.
    Text,
    /// A URI of somebody who is no number.
    Address,
}

fn has_digit(text: &str) -> bool {
    text.bytes().any(|b| b.is_ascii_digit())
}

/// Copies the number without what people and systems put around the digits.
fn tidy(text: &str, outside_prefix: &str, out: &mut String) -> Tidied {
    let (user, is_uri) = user_part(text.trim());
    let user = user.trim_end_matches('#');
    if all_digits(user) {
        out.push_str(user);
        return Tidied::Digits;
    }
    // Few digits with a stroke between are two things: `1/12` is not 112.
    let is_short = user.bytes().filter(u8::is_ascii_digit).count() < 7;
    let mut rest = user;
    while let Some(c) = rest.chars().next() {
        if rest.starts_with("(0)") && is_international(out, outside_prefix) {
            rest = &rest["(0)".len()..];
            continue;
        }
        rest = &rest[c.len_utf8()..];
        match c {
            '0'..='9' => out.push(c),
            '+' if out.is_empty() || out == outside_prefix => out.push(c),
            _ if c.is_whitespace() || (written::is_sign(c) && !(c == '/' && is_short)) => {}
            _ if is_uri => return Tidied::Address,
            _ => {
                out.clear();
                out.extend(text.chars().filter(|c| !c.is_whitespace() && !c.is_control()));
                return Tidied::Text;
            }
        }
    }
    Tidied::Digits
}

/// Whether a `(0)` after these digits is the trunk zero that is not dialled from abroad.
fn is_international(digits: &str, outside_prefix: &str) -> bool {
    let behind = digits.strip_prefix(outside_prefix).unwrap_or(digits);
    let starts = |text: &str| text.starts_with('+') || text.starts_with("00");
    starts(digits) || starts(behind) || behind == "44"
}

/// The user part of a `sip:`, `sips:`, `tel:` or bare `user@host`, without parameters.
fn user_part(text: &str) -> (&str, bool) {
    let scheme =
        ["sip:", "sips:", "tel:"].iter().find(|s| text.get(..s.len()).is_some_and(|t| t.eq_ignore_ascii_case(s)));
    let address = scheme.map_or(text, |scheme| &text[scheme.len()..]);
    let user = address.split_once('@').map(|(user, _)| user);
    if scheme.is_none() && user.is_none() {
        return (text, false);
    }
    (user.unwrap_or(address).split(';').next().unwrap_or_default(), true)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const DESK: Rules<'static> = Rules { outside_prefix: "9", area_code: "020", by_trunk: false };
    const TRUNK: Rules<'static> = Rules { by_trunk: true, ..DESK };

    /// Number, class, relay, prefixed.
    fn read(digits: &str, rules: Rules<'_>) -> Option<(String, Class, bool, bool)> {
        let mut scratch = String::from("left over");
        outside(digits, &rules, &mut scratch).map(|o| (o.number.to_owned(), o.class, o.relay, o.prefixed))
    }

    fn plain(number: &str, class: Class) -> Option<(String, Class, bool, bool)> {
        Some((number.to_owned(), class, false, false))
    }

    #[test]
    fn a_wrong_length_is_no_number() {
        for short in [
            "0207946000",
            "020794600011",
            "016329600",
            "0770090000",
            "0800111",
            "08454",
            "11811",
            "1180000",
            "99",
            "0",
            "",
        ] {
            assert_eq!(classify(short), Class::Unknown, "{short}");
            assert_eq!(read(short, DESK), None, "{short}");
        }
        for nine in ["0120462345", "0169772345"] {
            assert_eq!(classify(nine), Class::Geographic, "{nine}");
        }
        for odd in [
            "+44",
            "+",
            "00",
            "+33",
            "+1234567890123456",
            "+0142685300",
            "+44207946000x",
            "+33 1",
            "tel:999",
            "18001",
            "١١٢",
        ] {
            assert_eq!(classify(odd), Class::Unknown, "{odd}");
        }
        assert_eq!(read("0207946000", TRUNK), plain("0207946000", Class::Unknown));
        for parted in ["020/79460001", "020\u{2212}7946\u{202f}0001", "020 \u{2013} 7946 0001"] {
            assert_eq!(read(parted, TRUNK), plain("+442079460001", Class::Geographic), "{parted}");
        }
        assert_eq!(read("1/12", TRUNK), plain("1/12", Class::Unknown), "two things, and no emergency");
        assert_eq!(read("+33 6 \u{2022}\u{2022} 12 34 56", TRUNK).map(|read| read.1), Some(Class::Unknown), "hidden");
        assert_eq!(
            read("90207946000", TRUNK),
            plain("0207946000", Class::Unknown),
            "the access digit goes all the same"
        );
        assert_eq!(read("04009990000", TRUNK), plain("04009990000", Class::Unknown));
    }

    #[test]
    fn emergencies_are_seen_behind_the_access_digit() {
        for (digits, number) in [
            ("9999", "999"),
            ("9112", "112"),
            ("918000", "18000"),
            ("999", "999"),
            ("112", "112"),
            ("18000", "18000"),
            ("9 999#", "999"),
            ("+44999", "999"),
        ] {
            for rules in [DESK, TRUNK, Rules { outside_prefix: "", ..TRUNK }, Rules { area_code: "01204", ..TRUNK }] {
                assert_eq!(read(digits, rules), plain(number, Class::Emergency), "{digits} {rules:?}");
            }
        }
        let none = Rules { outside_prefix: "", ..DESK };
        assert_eq!(read("9112", none), None, "an extension where nobody dials 9");
        let trunk = Rules { by_trunk: true, ..none };
        assert_eq!(
            read("9123", trunk),
            plain("9123", Class::Unknown),
            "only emergencies are looked for behind a 9 not in the rules"
        );
        assert_eq!(read("0999", Rules { outside_prefix: "0", ..DESK }), plain("999", Class::Emergency));
        assert_eq!(read("9991", DESK), None);
        assert_eq!(read("18001 999", DESK), Some(("999".into(), Class::Emergency, true, false)));
    }

    #[test]
    fn the_access_digit_goes_only_before_an_outside_number() {
        assert_eq!(read("902079460001", DESK), plain("+442079460001", Class::Geographic));
        assert_eq!(read("902079460001", Rules { outside_prefix: "", ..DESK }), None);
        assert_eq!(read("90033142685300", DESK), plain("+33142685300", Class::International));
        assert_eq!(read("9118118", DESK), plain("118118", Class::Directory));
        assert_eq!(read("91234", DESK), None, "an extension");
        assert_eq!(read("9", TRUNK), plain("9", Class::Unknown));
        let zero = Rules { outside_prefix: "0", ..TRUNK };
        assert_eq!(
            read("002079460001", zero),
            plain("+442079460001", Class::Geographic),
            "0 and London, not 00 and Egypt"
        );
        assert_eq!(read("02079460001", zero), plain("+442079460001", Class::Geographic), "already stripped");
        assert_eq!(read("08001111", Rules { area_code: "0121", ..zero }), plain("+448001111", Class::Freephone));
    }

    #[test]
    fn service_and_relay_prefixes_leave_a_flag() {
        let london = |relay, prefixed| Some(("+442079460001".to_owned(), Class::Geographic, relay, prefixed));
        for digits in [
            "14102079460001",
            "9141 020 7946 0001",
            "147002079460001",
            "1280 02079460001",
            "1470 00442079460001",
            "9141 79460001",
        ] {
            assert_eq!(read(digits, DESK), london(false, true), "{digits}");
        }
        assert_eq!(read("18001 020 7946 0001", DESK), london(true, false));
        assert_eq!(read("9 18002 02079460001", DESK), london(true, false));
        assert_eq!(read("141 18002 02079460001", DESK), london(true, true));
        assert_eq!(read("1471", DESK), plain("1471", Class::ShortCode));
        assert_eq!(read("18001", DESK), None, "no number behind it: an extension");
        assert_eq!(read("18002", DESK), None);
        assert_eq!(read(&"141".repeat(100_000), TRUNK).map(|o| o.1), Some(Class::Unknown), "no depth without end");
    }

    #[test]
    fn separators_country_codes_and_trunk_zeros_are_read() {
        for digits in [
            "+442079460001",
            "+44 (0)20 7946 0001",
            "+44(0)2079460001",
            "+4402079460001",
            "0044 20 7946 0001",
            "00442079460001",
            "0044(0)20-7946-0001",
            "9 00 44 (0)20 7946 0001",
            "9+442079460001",
            "(020) 7946 0001",
            "(0)20 7946 0001",
            "020.7946.0001",
            "020\u{a0}7946\u{2013}0001",
            " 02079460001# ",
            "sip:+442079460001@sbc.example;user=phone",
            "+442079460001@sbc.example",
            "tel:+44-20-7946-0001",
        ] {
            assert_eq!(read(digits, DESK), plain("+442079460001", Class::Geographic), "{digits}");
        }
        assert_eq!(read("+33 (0)1 42 68 53 00", DESK), plain("+33142685300", Class::International));
        assert_eq!(read("+390669812345", DESK), plain("+390669812345", Class::International), "Italy keeps its 0");
        assert_eq!(read("+44118118", DESK), plain("118118", Class::Directory));
    }

    #[test]
    fn local_digits_get_the_area_code_but_extensions_do_not() {
        let london = plain("+442079460001", Class::Geographic);
        assert_eq!(read("79460001", TRUNK), london);
        assert_eq!(read("979460001", TRUNK), london);
        assert_eq!(read("979460001", DESK), london);
        assert_eq!(read("79460001", DESK), None, "could be an extension");
        assert_eq!(read("79460001", Rules { area_code: "", ..TRUNK }), plain("79460001", Class::Unknown));
        assert_eq!(read("7946000", TRUNK), plain("7946000", Class::Unknown), "too short for London");
        let no_area = Rules { area_code: "01632", ..TRUNK };
        assert_eq!(read("960123", no_area), plain("+441632960123", Class::Geographic), "not 9 and 60123");
        let bolton = Rules { area_code: "01204", ..TRUNK };
        assert_eq!(read("62345", bolton), plain("+44120462345", Class::Geographic));
        assert_eq!(read("2345", Rules { area_code: "016977", ..TRUNK }), plain("+44169772345", Class::Geographic));
        assert_eq!(read("99999", bolton), plain("9999", Class::Unknown), "nobody's number starts with 99");
        assert_eq!(read("118118", no_area), plain("118118", Class::Directory), "short codes come first");
    }

    #[test]
    fn a_trunk_may_lose_the_zero() {
        assert_eq!(read("2079460001", TRUNK), plain("+442079460001", Class::Geographic));
        assert_eq!(read("442079460001", TRUNK), plain("+442079460001", Class::Geographic));
        assert_eq!(read("7700900123", TRUNK), plain("+447700900123", Class::Mobile));
        assert_eq!(read("44 (0)20 7946 0001", TRUNK), plain("+442079460001", Class::Geographic));
        assert_eq!(read("2079460001", DESK), None);
        assert_eq!(read("120462345", TRUNK), plain("120462345", Class::Unknown), "nine digits are too little to go by");
        assert_eq!(read("9098790000", TRUNK), plain("098790000", Class::Unknown), "9 and a number too short, not 09");
    }

    #[test]
    fn what_is_no_number_stays_bare() {
        for text in
            ["", "  ", "#", "-", "+", "anonymous", "alice@example.com", "sip:alice7@example.com", "sip:", "@", "T"]
        {
            assert_eq!(read(text, DESK), None, "{text}");
            assert_eq!(read(text, TRUNK), None, "{text}");
        }
        assert_eq!(read("*88 123", DESK), None);
        assert_eq!(read(" *88 123 ", TRUNK), plain("*88123", Class::Unknown));
        assert_eq!(read("sip:2001@pbx.example", DESK), None);
        assert_eq!(read("sip:2001@pbx.example", TRUNK), plain("2001", Class::Unknown));
        for extension in ["2001", "201234", "18003", "11234", "7123456"] {
            assert_eq!(read(extension, DESK), None, "{extension}");
        }
    }

    proptest! {
        #[test]
        fn any_text_is_read_without_panic(
            text in prop_oneof![".{0,60}", "[0-9]{0,20}", "(sip:|9|0|00|\\+|\\+44|141|18001){0,3}[0-9() #+*.-]{0,14}(@x)?"],
            prefix in "|9|9|0|99|.{0,2}",
            area in "|020|01204|016977|0|.{0,5}",
            by_trunk: bool,
        ) {
            let mut scratch = String::new();
            let rules = Rules { outside_prefix: &prefix, area_code: &area, by_trunk };
            if let Some(found) = outside(&text, &rules, &mut scratch) {
                prop_assert!(!found.number.is_empty() && !found.number.contains(char::is_whitespace), "{found:?}");
                prop_assert!(by_trunk || found.class != Class::Unknown, "{found:?}");
                if found.class != Class::Unknown {
                    // What was made is what is read: the same class, and nothing left to strip.
                    prop_assert_eq!(classify(found.number), found.class);
                    let again = Rules { outside_prefix: "", area_code: "", by_trunk: false };
                    let number = found.number.to_owned();
                    prop_assert_eq!(outside(&number, &again, &mut String::new()).map(|o| o.number.to_owned()), Some(number));
                }
            }
        }
    }
}
