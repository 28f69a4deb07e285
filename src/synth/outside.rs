//! Telephone numbers that belong to nobody: Ofcom's ranges for drama (peers-and-standards 4.4). No other number of
//! the outside world may enter an invented estate, emergency numbers excepted.

use super::rng::Rng;

/// A range of numbers `prefix` + three digits, from `first` on, and how often it is called and calls.
struct Range {
    prefix: &'static str,
    first: u64,
    called: u64,
    calling: u64,
}

/// The low ends of 020 7946 0xxx and 0113 496 0xxx are the estate's own direct lines ([`ddi`]).
const RANGES: [Range; 10] = [
    Range { prefix: "02079460", first: OWN, called: 24, calling: 26 },
    Range { prefix: "01134960", first: OWN, called: 10, calling: 10 },
    Range { prefix: "01144960", first: 0, called: 6, calling: 6 },
    Range { prefix: "01214960", first: 0, called: 6, calling: 6 },
    Range { prefix: "01614960", first: 0, called: 6, calling: 6 },
    Range { prefix: "01632960", first: 0, called: 8, calling: 10 },
    Range { prefix: "07700900", first: 0, called: 30, calling: 36 },
    Range { prefix: "08081570", first: 0, called: 5, calling: 0 },
    Range { prefix: "03069990", first: 0, called: 4, calling: 0 },
    Range { prefix: "09098790", first: 0, called: 1, calling: 0 },
];
const OWN: u64 = 400;

/// A number somebody in the estate might call, in national form.
pub fn called(rng: &mut Rng) -> String {
    draw(rng, |range| range.called)
}

/// A number somebody outside might call from, in national form.
pub fn calling(rng: &mut Rng) -> String {
    draw(rng, |range| range.calling)
}

pub fn mobile(rng: &mut Rng) -> String {
    format!("07700900{:03}", rng.below(1_000))
}

/// The monitoring service that lifts and alarms report to: one number for each line, for ever.
pub fn monitoring(line: usize) -> String {
    format!("08081570{:03}", line % 1_000)
}

/// The estate's own direct line number `n` of the range, in E.164; there are few.
pub fn ddi(london: bool, n: usize) -> Option<String> {
    let range = if london { "+44207946" } else { "+44113496" };
    (n < OWN as usize).then(|| format!("{range}0{n:03}"))
}

fn draw(rng: &mut Rng, weight: impl Fn(&Range) -> u64 + Clone) -> String {
    let range = &RANGES[rng.weighted(RANGES.iter().map(weight))];
    format!("{}{:03}", range.prefix, range.first + rng.below(1_000 - range.first))
}

/// Whether a number in national form is in one of the safe ranges, told without looking at [`RANGES`].
#[cfg(test)]
pub fn is_safe(number: &str) -> bool {
    let shapes = [
        "0113496", "0114496", "0121496", "0161496", "0207946", "01632960", "07700900", "08081570", "0909879",
        "03069990",
    ];
    let three = |rest: &str| rest.len() == 3 || (rest.len() == 4 && rest.starts_with('0'));
    number.len() == 11
        && number.bytes().all(|b| b.is_ascii_digit())
        && shapes.iter().any(|shape| number.strip_prefix(shape).is_some_and(three))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_number_drawn_is_safe_and_never_one_of_our_own() {
        let mut rng = Rng::new(5, 0);
        let own: Vec<String> = (0..400).filter_map(|n| ddi(true, n)).collect();
        for _ in 0..5_000 {
            for number in [called(&mut rng), calling(&mut rng), mobile(&mut rng), monitoring(3)] {
                assert!(is_safe(&number), "{number}");
                assert!(!own.contains(&format!("+44{}", &number[1..])), "{number} is our own");
            }
        }
        assert!(own.iter().all(|ddi| is_safe(&format!("0{}", &ddi[3..]))));
        assert_eq!(ddi(false, 7).as_deref(), Some("+441134960007"));
        assert_eq!(ddi(true, 400), None);
        assert!(!is_safe("02079461000") && !is_safe("02079560000") && !is_safe("0770090012"));
    }
}
