//! `case.toml` as text to a checked `CaseFile`: every reference resolved, every year inside the horizon.
//! Not what the figures come to (`model`, `appraisal`).

use std::collections::BTreeMap;
use std::ops::Range;
use std::path::Path;

use toml::Spanned;

use super::keys::{CaseToml, CommitmentToml, DiscountToml, DriverToml, LineToml, OneOrMore, OptionToml, RampToml};
use super::{
    Amount, CaseFile, CaseOption, Commitment, Count, Driver, DriverQuery, Kind, Line, Part, Per, Ramp, Schedule,
};
use crate::error::{Error, Result};
use crate::units::{BasisPoints, FinancialYear, Invalid};

/// Longest horizon: past it the Green Book's own schedule is flat.
const LONGEST: u16 = 300;

/// The text under the reader's eye, for errors that name file, line and key.
struct Page<'a> {
    name: String,
    text: &'a str,
}

/// Reads and checks a case file; `path` is only for messages.
pub fn load(path: &Path, text: &str) -> Result<CaseFile> {
    let page = Page { name: path.display().to_string(), text };
    let raw: CaseToml = toml::from_str(text).map_err(|error| page.unreadable(&error))?;

    let first = *raw.first_year.get_ref();
    let horizon = *raw.horizon_years.get_ref();
    if !(1..=LONGEST).contains(&horizon) {
        let what = format!("{horizon} years are no horizon");
        return Err(page.error(&raw.horizon_years, what, format!("write 1 to {LONGEST}")));
    }
    let base_year = raw.base_year.as_ref().map_or(first, |year| *year.get_ref());
    let since = first.since(base_year);
    if let Some(year) = raw.base_year.as_ref().filter(|_| !(0..=i32::from(LONGEST)).contains(&since)) {
        let what = format!("the base year {base_year} and the first year {first} do not go together");
        return Err(page.error(year, what, "let the base year be the first year, or lie before it".into()));
    }
    let mut case = CaseFile {
        place: page.name.clone(),
        title: raw.title,
        first_year: first,
        horizon_years: horizon,
        base_year,
        steady_year: first.plus(horizon - 1),
        life_years: raw.life_years,
        price_note: raw.price_note,
        schedule: schedule(&page, raw.discount_rate_percent.as_ref(), &raw.discount)?,
        baseline: 0,
        drivers: Vec::new(),
        ramps: Vec::new(),
        options: Vec::new(),
        commitments: Vec::new(),
    };
    if let Some(year) = &raw.steady_year {
        case.steady_year = page.inside(&case, year)?;
    }
    for driver in raw.driver {
        let driver = page.driver(&case, driver)?;
        case.drivers.push(driver);
    }
    for ramp in raw.ramp {
        let ramp = page.ramp(&case, ramp)?;
        case.ramps.push(ramp);
    }
    for option in raw.option {
        let option = page.option(&case, option)?;
        case.options.push(option);
    }
    case.baseline = page.find("option", &raw.baseline, case.options.iter().map(|option| option.id.as_str()))?;
    for commitment in raw.commitment {
        let CommitmentToml { title, ceiling, years, source } = commitment;
        if *years.get_ref() == 0 {
            return Err(page.error(&years, "a commitment of no years".into(), "write how long it runs".into()));
        }
        case.commitments.push(Commitment { title, ceiling, years: *years.get_ref(), source });
    }
    Ok(case)
}

fn schedule(page: &Page<'_>, flat: Option<&Spanned<BasisPoints>>, steps: &[Spanned<DiscountToml>]) -> Result<Schedule> {
    let invalid = |span: Range<usize>| move |error: Invalid| page.error_at(span, error.what, error.hint.into());
    match (flat, steps) {
        (Some(rate), []) => Schedule::flat(*rate.get_ref()).map_err(invalid(rate.span())),
        (None, [first, ..]) => {
            let pairs = steps.iter().map(|step| (step.get_ref().from, step.get_ref().percent)).collect();
            Schedule::stepped(pairs).map_err(invalid(first.span()))
        }
        (Some(rate), _) => Err(page.error(
            rate,
            "one discount rate and a schedule of them".into(),
            "keep `discount_rate_percent` or the `[[discount]]` steps, not both".into(),
        )),
        (None, []) => Err(Error::Case {
            place: page.name.clone(),
            what: "no discount rate".into(),
            hint: "add `discount_rate_percent = 3.5`, or `[[discount]]` steps with `from` and `percent`".into(),
        }),
    }
}

impl Page<'_> {
    fn driver(&self, case: &CaseFile, raw: DriverToml) -> Result<Driver> {
        self.is_new("driver", &raw.id, case.drivers.iter().map(|driver| driver.id.as_str()))?;
        let id = raw.id.get_ref().clone();
        let count = match (raw.value, raw.query, raw.column, raw.r#where, raw.difference) {
            (Some(value), None, None, None, None) if value >= 0 => Count::Given(value),
            (None, Some(query), Some(column), filters, None) => {
                let one_or_more = |(column, values)| match values {
                    OneOrMore::One(value) => (column, vec![value]),
                    OneOrMore::More(values) => (column, values),
                };
                let filters = filters.unwrap_or_default().into_iter().map(one_or_more).collect();
                Count::Asked(DriverQuery { driver: id.clone(), query, column, filters })
            }
            (None, None, None, None, Some([whole, part])) => {
                let known = || case.drivers.iter().map(|driver| driver.id.as_str());
                Count::Difference(self.find("driver", &whole, known())?, self.find("driver", &part, known())?)
            }
            _ => {
                let what = format!("driver `{id}` says not one way to count it");
                let hint =
                    "give `value` (0 or more), or `query` and `column` with an optional `where`, or `difference`";
                return Err(self.error(&raw.id, what, hint.into()));
            }
        };
        Ok(Driver { title: raw.title.unwrap_or_else(|| id.clone()), id, count, source: raw.source })
    }

    fn ramp(&self, case: &CaseFile, raw: RampToml) -> Result<Ramp> {
        self.is_new("ramp", &raw.id, case.ramps.iter().map(|ramp| ramp.id.as_str()))?;
        let mut named = BTreeMap::new();
        let mut before = BasisPoints(0);
        for (year, share) in raw.percent {
            let at = self.inside(case, &year)?;
            if !(before..=BasisPoints::ALL).contains(&share) {
                let what = format!("{share} in {at} after {before}");
                return Err(self.error(
                    &year,
                    what,
                    "a ramp is cumulative: it never falls and ends at most at 100".into(),
                ));
            }
            named.insert(at, share);
            before = share;
        }
        let mut reached = BasisPoints(0);
        let shares = case.years().map(|year| {
            reached = named.get(&year).copied().unwrap_or(reached);
            reached
        });
        Ok(Ramp { shares: shares.collect(), id: raw.id.into_inner() })
    }

    fn option(&self, case: &CaseFile, raw: OptionToml) -> Result<CaseOption> {
        self.is_new("option", &raw.id, case.options.iter().map(|option| option.id.as_str()))?;
        let known = || case.drivers.iter().map(|driver| driver.id.as_str());
        let per_unit = raw.per_unit.as_ref().map(|id| self.find("driver", id, known())).transpose()?;
        let lines = raw.line.into_iter().map(|line| self.line(case, line)).collect::<Result<_>>()?;
        Ok(CaseOption { id: raw.id.into_inner(), title: raw.title, note: raw.note, per_unit, lines })
    }

    fn line(&self, case: &CaseFile, raw: LineToml) -> Result<Line> {
        let wrong = |what: &str, hint: &str| {
            Err(self.error(&raw.title, format!("line \"{}\" {what}", raw.title.get_ref()), hint.into()))
        };
        let amount = match (&raw.by_year, raw.each_year, raw.unit_cost, &raw.driver, raw.per) {
            (Some(years), None, None, None, None) => {
                let amounts = years.iter().map(|(year, amount)| Ok((self.inside(case, year)?, *amount)));
                Amount::ByYear(amounts.collect::<Result<_>>()?)
            }
            (None, Some(amount), None, None, None) => Amount::EachYear(amount),
            (None, None, Some(cost), Some(driver), Some(per)) => {
                let known = case.drivers.iter().map(|driver| driver.id.as_str());
                Amount::Unit { cost, driver: self.find("driver", driver, known)?, per }
            }
            _ => {
                let hint =
                    "give `by_year`, or `each_year`, or `unit_cost` with `driver` and `per` (\"year\" or \"once\")";
                return wrong("says not one way to work it out", hint);
            }
        };
        let once = matches!(amount, Amount::Unit { per: Per::Once, .. });
        let one_off = match (&amount, raw.one_off) {
            (Amount::ByYear(_), said) => said.unwrap_or(raw.kind == Kind::Capital),
            (_, None) => once,
            (_, Some(_)) => return wrong("needs no `one_off`", "only `by_year` leaves it open: drop the key"),
        };
        let ramp = match (&raw.ramp, raw.ramp_as) {
            (Some(id), part) => {
                let known = case.ramps.iter().map(|ramp| ramp.id.as_str());
                Some((self.find("ramp", id, known)?, part.unwrap_or(Part::Migrated)))
            }
            (None, None) => None,
            (None, Some(_)) => return wrong("has `ramp_as` without `ramp`", "name the ramp, or drop `ramp_as`"),
        };
        if let (Amount::ByYear(_), true, Some(_)) = (&amount, one_off, ramp) {
            return wrong("spreads one-off amounts twice", "`by_year` already says when they fall: drop `ramp`");
        }
        if let (true, Some((_, Part::Remaining))) = (once, ramp) {
            return wrong("falls once on what remains", "a cost that falls once follows what is migrated");
        }
        let (from, until) = (raw.from.as_ref(), raw.until.as_ref());
        let timed = match (&amount, ramp) {
            (Amount::ByYear(_), _) if from.or(until).is_some() => Err("`by_year` already says when: drop them"),
            (Amount::Unit { per: Per::Once, .. }, Some(_)) if from.or(until).is_some() => {
                Err("the ramp already says when: drop them")
            }
            (Amount::Unit { per: Per::Once, .. }, None) if from.is_none() || until.is_some() => {
                Err("a cost that falls once needs a `ramp`, or `from` alone for the year it falls in")
            }
            _ => Ok(()),
        };
        if let Err(hint) = timed {
            return wrong("has `from` or `until` where they do not belong, or lacks them", hint);
        }
        let (first, last) = (case.first_year, case.first_year.plus(case.horizon_years - 1));
        let from = from.map_or(Ok(first), |year| self.inside(case, year))?;
        let until =
            until.map_or(Ok(if once && ramp.is_none() { from } else { last }), |year| self.inside(case, year))?;
        if until < from {
            return wrong(&format!("ends in {until}, before it begins in {from}"), "swap `from` and `until`");
        }
        let place = self.place(raw.title.span());
        Ok(Line {
            title: raw.title.into_inner(),
            kind: raw.kind,
            one_off,
            source: raw.source,
            amount,
            ramp,
            from,
            until,
            place,
        })
    }

    /// A year of the file, refused outside the horizon: an amount there would be lost in silence.
    fn inside(&self, case: &CaseFile, year: &Spanned<FinancialYear>) -> Result<FinancialYear> {
        let (first, last) = (case.first_year, case.first_year.plus(case.horizon_years - 1));
        if (first..=last).contains(year.get_ref()) {
            return Ok(*year.get_ref());
        }
        let what = format!("{} lies outside the horizon {first} to {last}", year.get_ref());
        Err(self.error(year, what, "correct the year, or `first_year` and `horizon_years`".into()))
    }

    fn find<'k>(&self, kind: &str, id: &Spanned<String>, known: impl Iterator<Item = &'k str>) -> Result<usize> {
        let known: Vec<&str> = known.collect();
        known.iter().position(|name| name == id.get_ref()).ok_or_else(|| {
            let hint = match known.as_slice() {
                [] => format!("no {kind} is defined above it: add one"),
                names => format!("known here: {}", names.join(", ")),
            };
            self.error(id, format!("no {kind} is called `{}`", id.get_ref()), hint)
        })
    }

    fn is_new<'k>(&self, kind: &str, id: &Spanned<String>, mut known: impl Iterator<Item = &'k str>) -> Result<()> {
        if known.any(|name| name == id.get_ref()) {
            let what = format!("a second {kind} is called `{}`", id.get_ref());
            return Err(self.error(id, what, "give each a name of its own".into()));
        }
        Ok(())
    }

    fn error<T>(&self, at: &Spanned<T>, what: String, hint: String) -> Error {
        self.error_at(at.span(), what, hint)
    }

    fn error_at(&self, span: Range<usize>, what: String, hint: String) -> Error {
        Error::Case { place: self.place(span), what, hint }
    }

    /// What the TOML reader says, in one line.
    fn unreadable(&self, error: &toml::de::Error) -> Error {
        let what = error.message().trim().replace('\n', "; ");
        let hint = if what.starts_with("unknown field") {
            "correct its spelling, or take it out"
        } else if what.starts_with("missing field") {
            "add it"
        } else {
            "correct this line"
        };
        let place = error.span().map_or_else(|| self.name.clone(), |span| self.place(span));
        Error::Case { place, what, hint: hint.into() }
    }

    /// `case.toml:12, unit_cost`: the line and, where it holds one, its key.
    fn place(&self, span: Range<usize>) -> String {
        let start = span.start.min(self.text.len());
        let before = self.text.get(..start).unwrap_or_default();
        let number = before.matches('\n').count() + 1;
        let line = self.text.lines().nth(number - 1).unwrap_or_default();
        match line.split_once('=') {
            Some((key, _)) if !line.trim_start().starts_with(['#', '[']) => {
                format!("{}:{number}, {}", self.name, key.trim())
            }
            _ => format!("{}:{number}", self.name),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::units::Pence;

    const GOOD: &str = r#"title = "T"
first_year = "2022-23"
horizon_years = 3
baseline = "stay"
discount_rate_percent = 3.5

[[driver]]
id = "phones"
value = 20

[[driver]]
id = "idle"
query = "disposition-summary"
column = "extensions"
where = { action = ["cease", "remove_handset"], platform = "mitel-smdr" }

[[ramp]]
id = "move"
percent = { "2023-24" = "40" }

[[option]]
id = "stay"
title = "Stay"

[[option]]
id = "go"
title = "Go"
line = [
  { title = "L", kind = "revenue", unit_cost = "58.80", driver = "phones", per = "year", ramp = "move" },
]
"#;

    fn refused(from: &str, to: &str) -> (String, String) {
        assert!(GOOD.contains(from), "{from}");
        match load(Path::new("case.toml"), &GOOD.replacen(from, to, 1)) {
            Err(Error::Case { place, what, hint }) => {
                assert!(!hint.is_empty(), "{what}");
                (place, what)
            }
            other => panic!("{to} gave {other:?}"),
        }
    }

    #[test]
    fn a_case_is_read_with_its_defaults() {
        let case = load(Path::new("case.toml"), GOOD).unwrap();
        assert_eq!((case.base_year, case.steady_year.to_string().as_str()), (case.first_year, "2024-25"));
        assert_eq!(case.schedule.steps(), [(0, BasisPoints(350))]);
        // Before the first year named nothing has moved; after the last the share stays.
        assert_eq!(case.ramps[0].shares, [BasisPoints(0), BasisPoints(4_000), BasisPoints(4_000)]);
        let asked: Vec<&DriverQuery> = case.queries().collect();
        assert_eq!(asked.len(), 1);
        assert_eq!((asked[0].query.as_str(), asked[0].column.as_str()), ("disposition-summary", "extensions"));
        assert_eq!(asked[0].filters["action"], ["cease", "remove_handset"]);
        let line = &case.options[1].lines[0];
        assert_eq!(line.amount, Amount::Unit { cost: Pence(5_880), driver: 0, per: Per::Year });
        assert_eq!((line.ramp, line.one_off), (Some((0, Part::Migrated)), false));
    }

    #[test]
    fn an_error_names_file_line_key_and_what_is_wrong() {
        for (from, to, place, what) in [
            ("horizon_years", "horizn_years", "case.toml:3, horizn_years", "unknown field `horizn_years`"),
            ("title = \"T\"\n", "", "case.toml:1", "missing field `title`"),
            ("= 3\n", "= 0\n", "case.toml:3, horizon_years", "no horizon"),
            ("\"2022-23\"", "\"2022-24\"", "case.toml:2, first_year", "`2022-24` is not a financial year"),
            ("\"2022-23\"\n", "\"2022-23\"\nbase_year = \"2023-24\"\n", "case.toml:3, base_year", "do not go together"),
            ("= 3.5", "= 3.555", "case.toml:5, discount_rate_percent", "`3.555` is not a percentage"),
            ("= 3.5", "= 101", "case.toml:5, discount_rate_percent", "a discount rate of 101%"),
            ("discount_rate_percent = 3.5", "", "case.toml", "no discount rate"),
            ("baseline = \"stay\"", "baseline = \"say\"", "case.toml:4, baseline", "no option is called `say`"),
            ("value = 20", "value = -1", "case.toml:8, id", "says not one way"),
            ("value = 20", "value = 20\nquery = \"q\"", "case.toml:8, id", "says not one way"),
            ("id = \"idle\"", "id = \"phones\"", "case.toml:12, id", "a second driver is called `phones`"),
            (
                "\"2023-24\" = ",
                "\"2025-26\" = ",
                "case.toml:19, percent",
                "2025-26 lies outside the horizon 2022-23 to 2024-25",
            ),
            ("= \"40\"", "= \"40\", \"2024-25\" = \"30\"", "case.toml:19, percent", "30% in 2024-25 after 40%"),
            ("\"58.80\"", "58.80", "case.toml:29", "expected pounds in quotes"),
            ("\"58.80\"", "\"58.805\"", "case.toml:29", "`58.805` is not an amount"),
            ("driver = \"phones\"", "driver = \"fones\"", "case.toml:29", "no driver is called `fones`"),
            ("ramp = \"move\"", "ramp = \"mve\"", "case.toml:29", "no ramp is called `mve`"),
            ("ramp = \"move\"", "ramp_as = \"remaining\"", "case.toml:29", "`ramp_as` without `ramp`"),
            ("ramp = \"move\"", "one_off = true", "case.toml:29", "needs no `one_off`"),
            ("ramp = \"move\"", "from = \"2024-25\", until = \"2023-24\"", "case.toml:29", "ends in 2023-24"),
            ("ramp = \"move\"", "from = \"2021-22\"", "case.toml:29", "2021-22 lies outside"),
            ("\"year\", ramp", "\"once\", from = \"2023-24\", ramp", "case.toml:29", "where they do not belong"),
            ("\"year\", ramp = \"move\"", "\"once\"", "case.toml:29", "where they do not belong, or lacks them"),
            ("\"year\",", "\"once\", ramp_as = \"remaining\",", "case.toml:29", "falls once on what remains"),
            ("per = \"year\",", "", "case.toml:29", "says not one way to work it out"),
            ("kind = \"revenue\"", "kind = \"opex\"", "case.toml:29", "unknown variant `opex`"),
            ("id = \"go\"", "id = \"stay\"", "case.toml:26, id", "a second option is called `stay`"),
            ("title = \"T\"", "title = \"T", "case.toml:1, title", ""),
        ] {
            let (at, said) = refused(from, to);
            assert!(at.starts_with(place), "{to}: at {at}, wanted {place}");
            assert!(said.contains(what), "{to}: said {said}, wanted {what}");
        }
    }

    #[test]
    fn an_amount_outside_the_horizon_is_refused_and_not_dropped() {
        let line = "unit_cost = \"58.80\", driver = \"phones\", per = \"year\", ramp = \"move\"";
        let (_, what) = refused(line, "by_year = { \"2024-25\" = \"1\", \"2025-26\" = \"1\" }");
        assert_eq!(what, "2025-26 lies outside the horizon 2022-23 to 2024-25");
    }

    #[test]
    fn a_difference_names_drivers_above_it() {
        let text =
            GOOD.replace("[[ramp]]", "[[driver]]\nid = \"rest\"\ndifference = [\"phones\", \"idle\"]\n\n[[ramp]]");
        let case = load(Path::new("case.toml"), &text).unwrap();
        assert_eq!(case.drivers[2].count, Count::Difference(0, 1));
        let text = GOOD.replace("value = 20", "difference = [\"phones\", \"idle\"]");
        let error = load(Path::new("case.toml"), &text).unwrap_err();
        assert_eq!(error.to_string(), "case.toml:9, difference: no driver is called `phones`");
        assert!(error.hint().contains("no driver is defined above it"));
    }
}
