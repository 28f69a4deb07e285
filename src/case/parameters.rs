//! What the Treasury publishes and onhook brings along, each figure with its edition and source: discount rates and the
//! table of optimism bias, from the two CSV files beside this one. No price and no rule.

use rust_decimal::Decimal;

use super::book::{Assumption, Measure, Shape, Vat, decimal};

const DISCOUNT: &str = include_str!("discount.csv");
const BIAS: &str = include_str!("optimism-bias.csv");

/// A schedule of discount rates.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Edition {
    pub name: String,
    /// `in force`, or `test` for one that is recommended and not in force.
    pub used: String,
    pub published: String,
    /// Years after the base year, the rate from there on as a part of one, and its source.
    pub steps: Vec<(u16, Decimal, String)>,
}

/// All editions, in the order of the file.
pub fn editions() -> Vec<Edition> {
    let mut editions: Vec<Edition> = Vec::new();
    for row in rows(DISCOUNT) {
        let [name, _, used, published, from, percent, source] = row.as_slice() else { continue };
        let step =
            (from.parse().unwrap_or_default(), decimal(Measure::Part, percent).unwrap_or_default(), source.clone());
        match editions.iter_mut().find(|edition| edition.name == *name) {
            Some(edition) => edition.steps.push(step),
            None => editions.push(Edition {
                name: name.clone(),
                used: used.clone(),
                published: published.clone(),
                steps: vec![step],
            }),
        }
    }
    editions
}

/// The edition in force, and it alone, is the default.
pub fn in_force() -> Option<Edition> {
    editions().into_iter().rev().find(|edition| edition.used == "in force")
}

/// A class of the table of optimism bias.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct BiasClass {
    pub class: String,
    /// What it is measured on: `capital` or `revenue`.
    pub measure: String,
    pub lower: Decimal,
    pub upper: Decimal,
    pub source: String,
}

pub fn bias_classes() -> Vec<BiasClass> {
    let classes = rows(BIAS).into_iter().filter_map(|row| {
        let [class, measure, lower, upper, source] = <[String; 5]>::try_from(row).ok()?;
        let (lower, upper) = (decimal(Measure::Part, &lower)?, decimal(Measure::Part, &upper)?);
        Some(BiasClass { class, measure, lower, upper, source })
    });
    classes.collect()
}

/// A published figure as a row of the book.
pub fn assumption(id: String, title: String, value: Decimal, source: String, place: &str) -> Assumption {
    Assumption {
        id,
        title,
        value,
        range: None,
        measure: Measure::Part,
        unit: "%".into(),
        price_base: None,
        vat: Vat::Excluded,
        source: Some(source),
        owner: Some("HM Treasury".into()),
        date: None,
        confidence: None,
        shape: Shape::default(),
        place: place.into(),
        is_parameter: true,
    }
}

fn rows(text: &str) -> Vec<Vec<String>> {
    let mut reader = csv::Reader::from_reader(text.as_bytes());
    reader.records().flatten().map(|record| record.iter().map(str::to_string).collect()).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The tables of peers-and-standards.md 3.2 and 3.5.
    #[test]
    fn the_parameters_are_the_published_ones() {
        let editions = editions();
        let rates = |edition: &Edition| -> Vec<(u16, String)> {
            let percent = |part: &Decimal| (part * Decimal::ONE_HUNDRED).normalize().to_string();
            edition.steps.iter().map(|(from, rate, _)| (*from, percent(rate))).collect()
        };
        let standard = [(0, "3.5"), (31, "3"), (76, "2.5"), (126, "2"), (201, "1.5"), (301, "1")];
        let test = [(0, "3"), (31, "2.57"), (76, "2.14"), (126, "1.71"), (201, "1.29"), (301, "0.86")];
        assert_eq!(editions.len(), 2);
        assert_eq!(rates(&editions[0]), standard.map(|(from, rate)| (from, rate.to_string())));
        assert_eq!(rates(&editions[1]), test.map(|(from, rate)| (from, rate.to_string())));
        assert_eq!(in_force().unwrap().name, "green-book-2026");
        let bias = bias_classes();
        let of = |class: &str| {
            let found = bias.iter().find(|row| row.class == class).unwrap();
            let percent = |part: Decimal| (part * Decimal::ONE_HUNDRED).normalize().to_string();
            (found.measure.clone(), percent(found.lower), percent(found.upper))
        };
        assert_eq!(bias.len(), 6);
        assert_eq!(of("equipment_development"), ("capital".into(), "10".into(), "200".into()));
        // The published table measures outsourcing on operating cost; a well-known copy of it puts it under capital.
        assert_eq!(of("outsourcing"), ("revenue".into(), "0".into(), "41".into()));
    }
}
