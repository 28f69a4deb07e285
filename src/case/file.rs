//! `case.toml` as text to a checked `CaseFile`: every reference resolved, every month inside the horizon, all errors told
//! at once. Not the lines of options (`file/lines`), nor what a Treasury reviewer would say (`review`).

mod lines;

use std::collections::BTreeMap;
use std::ops::Range;
use std::path::Path;

use rust_decimal::Decimal;
use toml::Spanned;

use super::book::{self, Assumption, Measure};
use super::keys::{BiasToml, CaseToml, CommitmentToml, DriverToml, OneOrMore, RampToml, ScenarioToml};
use super::month::Month;
use super::{
    Bias, CaseFile, Commitment, Count, Driver, DriverQuery, Moves, Ramp, RampShape, Scenario, Setting, parameters,
};
use crate::error::Error;
use crate::units::FinancialYear;

/// Longest horizon.
const LONGEST: u16 = 100;
/// Draws of a simulation.
const MOST_DRAWS: u32 = 10_000_000;

type Id = Spanned<String>;

/// The text under the reader's eye, and what has been found wrong in it so far.
struct Page<'a> {
    name: String,
    text: &'a str,
    errors: Vec<Error>,
    /// Lines that benefits say they avoid, with the benefit's option and place: found once all options are read.
    pending: Vec<(Id, usize, String)>,
}

/// Reads and checks a case file; `path` is only for messages, `read` gives the files it names, relative to it.
pub fn load(path: &Path, text: &str, read: &dyn Fn(&str) -> Result<String, Error>) -> Result<CaseFile, Vec<Error>> {
    let mut page = Page { name: path.display().to_string(), text, errors: Vec::new(), pending: Vec::new() };
    let raw: CaseToml = toml::from_str(text).map_err(|error| vec![page.unreadable(&error)])?;
    let beside = |name: &str| path.parent().unwrap_or(Path::new("")).join(name);
    let mut book = read(raw.assumptions.get_ref())
        .map_err(|error| vec![error])
        .and_then(|text| book::read(&beside(raw.assumptions.get_ref()), &text))
        .unwrap_or_else(|errors| {
            page.errors.extend(errors);
            Vec::new()
        });
    let mut deflators = BTreeMap::new();
    if let Some(name) = &raw.deflators {
        match read(name.get_ref()).and_then(|text| series(&beside(name.get_ref()).display().to_string(), &text)) {
            Ok(series) => {
                for (year, input) in series {
                    deflators.insert(year, book.len());
                    book.push(input);
                }
            }
            Err(error) => page.errors.push(error),
        }
    }
    let (discount, discount_edition) = page.discount(raw.discount.as_ref(), &mut book);
    let (unused_share, low_use_share) = (book.len(), book.len() + 1);
    book.push(Assumption {
        owner: None,
        ..parameters::assumption(
            "unused_share".into(),
            "Silent phones that are really unused".into(),
            Decimal::ONE,
            "evidence: onhook query idle-interval".into(),
            "the lake",
        )
    });
    book.push(Assumption {
        owner: None,
        ..parameters::assumption(
            "low_use_share".into(),
            "Phones of low use whose true use is low".into(),
            Decimal::ONE,
            "evidence: uses and covered days of each, 95 % upper bound of the rate (Poisson, Byar)".into(),
            "the lake",
        )
    });
    if !page.errors.is_empty() && book.is_empty() {
        return Err(page.errors);
    }
    let first = *raw.first_year.get_ref();
    let horizon = *raw.horizon_years.get_ref();
    if !(1..=LONGEST).contains(&horizon) {
        page.note(&raw.horizon_years, format!("{horizon} years are no horizon"), format!("write 1 to {LONGEST}"));
        return Err(page.errors);
    }
    let base_year = raw.base_year.as_ref().map_or(first, |year| *year.get_ref());
    if let Some(year) = raw.base_year.as_ref().filter(|_| !(0..=i32::from(LONGEST)).contains(&first.since(base_year))) {
        let what = format!("the base year {base_year} and the first year {first} do not go together");
        page.note(year, what, "let the base year be the first year, or lie before it".into());
        return Err(page.errors);
    }
    let mut case = CaseFile {
        place: page.name.clone(),
        title: raw.title,
        first_year: first,
        horizon_years: horizon,
        base_year,
        price_base: raw.price_base.as_ref().map_or(base_year, |year| *year.get_ref()),
        steady_year: first.plus(horizon - 1),
        life_years: raw.life_years,
        price_note: raw.price_note,
        book,
        discount,
        discount_edition,
        deflators,
        vat_rate: None,
        unused_share,
        low_use_share,
        baseline: 0,
        drivers: Vec::new(),
        ramps: Vec::new(),
        biases: Vec::new(),
        options: Vec::new(),
        commitments: Vec::new(),
        scenarios: Vec::new(),
        seed: raw.simulation.seed,
        draws: *raw.simulation.draws.get_ref(),
    };
    if !(1..=MOST_DRAWS).contains(&case.draws) {
        let what = format!("{} draws are no simulation", case.draws);
        page.note(&raw.simulation.draws, what, format!("write 1 to {MOST_DRAWS}"));
    }
    if let Some(year) = &raw.steady_year
        && let Some(year) = page.inside(&case, year)
    {
        case.steady_year = year;
    }
    case.vat_rate = raw.vat_rate.as_ref().and_then(|id| page.part(&case, id));
    page.drivers(&mut case, raw.driver);
    for ramp in raw.ramp {
        let ramp = page.ramp(&case, ramp);
        case.ramps.extend(ramp);
    }
    for bias in raw.bias {
        let bias = page.bias(&mut case, bias);
        case.biases.extend(bias);
    }
    page.options(&mut case, raw.option);
    let ids: Vec<String> = case.options.iter().map(|option| option.id.clone()).collect();
    case.baseline = page.find("option", &raw.baseline, &ids).unwrap_or_default();
    page.avoided(&mut case);
    for CommitmentToml { title, ceiling, years } in raw.commitment {
        if let Some((ceiling, years)) = page.money(&case, &ceiling).zip(page.number(&case, &years)) {
            case.commitments.push(Commitment { title, ceiling, years });
        }
    }
    for scenario in raw.scenario {
        let scenario = page.scenario(&case, scenario);
        case.scenarios.extend(scenario);
    }
    if page.errors.is_empty() { Ok(case) } else { Err(page.errors) }
}

/// The files a case names, as it names them; none if it cannot be read.
pub fn named_files(text: &str) -> Vec<String> {
    let Ok(raw) = toml::from_str::<CaseToml>(text) else { return Vec::new() };
    [Some(raw.assumptions), raw.deflators].into_iter().flatten().map(Spanned::into_inner).collect()
}

/// `year,index,source`: the price level of each financial year, whatever its base.
fn series(name: &str, text: &str) -> Result<Vec<(FinancialYear, Assumption)>, Error> {
    let error =
        |line: u64, what: String, hint: &str| Error::Case { place: format!("{name}:{line}"), what, hint: hint.into() };
    let mut reader = csv::ReaderBuilder::new().trim(csv::Trim::All).from_reader(text.as_bytes());
    let header = reader.headers().map_err(|problem| error(1, format!("not CSV: {problem}"), "write it as UTF-8"))?;
    if header != vec!["year", "index", "source"] {
        return Err(error(1, "not a deflator series".into(), "its columns: year, index, source"));
    }
    let mut found: Vec<(FinancialYear, Assumption)> = Vec::new();
    for record in reader.records() {
        let record = record.map_err(|problem| error(0, format!("not CSV: {problem}"), "three cells in each line"))?;
        let line = record.position().map_or(0, csv::Position::line);
        let year: FinancialYear =
            record[0].parse().map_err(|problem: crate::units::Invalid| error(line, problem.what, problem.hint))?;
        let index = book::decimal(Measure::Number, &record[1]).filter(|index| *index > Decimal::ZERO);
        let index =
            index.ok_or_else(|| error(line, format!("`{}` is no index", &record[1]), "write one such as 103.25"))?;
        if found.iter().any(|(other, _)| *other == year) {
            return Err(error(line, format!("{year} stands twice"), "keep one"));
        }
        let id = format!("deflator_{}", year.to_string().replace('-', "_"));
        let source = (!record[2].is_empty()).then(|| record[2].to_string());
        found.push((
            year,
            Assumption {
                unit: "index".into(),
                measure: Measure::Number,
                source,
                owner: None,
                ..parameters::assumption(
                    id,
                    format!("Price level of {year}"),
                    index,
                    String::new(),
                    &format!("{name}:{line}"),
                )
            },
        ));
    }
    Ok(found)
}

impl Page<'_> {
    fn discount(&mut self, named: Option<&Id>, book: &mut Vec<Assumption>) -> (Vec<(u16, usize)>, String) {
        let editions = parameters::editions();
        let edition = match named {
            None => parameters::in_force(),
            Some(name) => editions.iter().find(|edition| edition.name == *name.get_ref()).cloned(),
        };
        let Some(edition) = edition else {
            let known: Vec<String> = editions.iter().map(|e| format!("{} ({})", e.name, e.used)).collect();
            if let Some(name) = named {
                let what = format!("no edition of the discount rates is called `{}`", name.get_ref());
                self.note(name, what, format!("known: {}", known.join(", ")));
            }
            return (Vec::new(), String::new());
        };
        let mut steps = Vec::new();
        for (from, rate, source) in edition.steps {
            steps.push((from, book.len()));
            let title = format!("Discount rate from year {from}");
            let row = parameters::assumption(
                format!("discount_from_year_{from}"),
                title,
                rate,
                source,
                "discount.csv of onhook",
            );
            book.push(Assumption { date: Some(edition.published.clone()), ..row });
        }
        (steps, format!("{}, {}", edition.name, edition.used))
    }

    /// In an order in which each driver comes after those it refers to.
    fn drivers(&mut self, case: &mut CaseFile, raw: Vec<DriverToml>) {
        let ids: Vec<String> = raw.iter().map(|driver| driver.id.get_ref().clone()).collect();
        for (at, driver) in raw.iter().enumerate() {
            self.is_new("driver", &driver.id, &ids[..at]);
        }
        let mut left: Vec<&DriverToml> = raw.iter().collect();
        loop {
            let done: Vec<String> = case.drivers.iter().map(|driver| driver.id.clone()).collect();
            let ready = |driver: &&DriverToml| needs(driver).iter().all(|id| done.contains(id.get_ref()));
            let Some(next) = left.iter().position(ready) else { break };
            let driver = self.driver(case, left.remove(next), &done);
            case.drivers.extend(driver);
        }
        // What is left refers to nothing, or in a circle.
        let unknown = |driver: &&&DriverToml| needs(driver).iter().any(|id| !ids.contains(id.get_ref()));
        let mut told = false;
        for driver in left.iter().filter(unknown) {
            told = true;
            for id in needs(driver).into_iter().filter(|id| !ids.contains(id.get_ref())) {
                self.find("driver", id, &ids);
            }
        }
        if let (false, Some(start)) = (told, left.first()) {
            let mut round = vec![start.id.get_ref().clone()];
            let mut at = *start;
            while let Some(next) = needs(at).iter().find_map(|id| left.iter().find(|d| d.id == **id)) {
                round.push(next.id.get_ref().clone());
                if round.iter().filter(|id| *id == next.id.get_ref()).count() > 1 {
                    break;
                }
                at = next;
            }
            let what = format!("a circular reference: {}", round.join(" needs "));
            self.note(&start.id, what, "let one of them be counted by a query or given by an assumption".into());
        }
    }

    fn driver(&mut self, case: &CaseFile, raw: &DriverToml, known: &[String]) -> Option<Driver> {
        let id = raw.id.get_ref().clone();
        let count = match (&raw.value, &raw.query, &raw.column, &raw.r#where, &raw.difference, &raw.sum) {
            (Some(value), None, None, None, None, None) => Count::Given(self.number(case, value)?),
            (None, Some(query), Some(column), filters, None, None) => {
                let values = |values: &OneOrMore| match values {
                    OneOrMore::One(value) => vec![value.clone()],
                    OneOrMore::More(values) => values.clone(),
                };
                let filters = filters.iter().flatten().map(|(column, any)| (column.clone(), values(any))).collect();
                Count::Asked(DriverQuery { driver: id.clone(), query: query.clone(), column: column.clone(), filters })
            }
            (None, None, None, None, Some([whole, part]), None) => {
                Count::Difference(self.find("driver", whole, known)?, self.find("driver", part, known)?)
            }
            (None, None, None, None, None, Some(all)) if !all.is_empty() => {
                Count::Sum(all.iter().map(|id| self.find("driver", id, known)).collect::<Option<_>>()?)
            }
            _ => {
                let what = format!("driver `{id}` says not one way to count it");
                let hint = "give `value` (an assumption), or `query` and `column` with an optional `where`, or \
                    `difference`, or `sum`";
                return self.wrong(&raw.id, what, hint.into());
            }
        };
        let title = raw.title.clone().unwrap_or_else(|| id.clone());
        Some(Driver { title, place: self.place(raw.id.span()), id, count })
    }

    fn ramp(&mut self, case: &CaseFile, raw: RampToml) -> Option<Ramp> {
        let ids: Vec<String> = case.ramps.iter().map(|ramp| ramp.id.clone()).collect();
        self.is_new("ramp", &raw.id, &ids);
        let shape = *raw.shape.get_ref();
        let moves = match (shape, &raw.from, &raw.months, &raw.steps) {
            (RampShape::Linear | RampShape::SCurve, Some(from), Some(months), None) => {
                let months_id = months;
                let months = self.number(case, months)?;
                let low = case.book[months].range.map_or(case.book[months].value, |(low, _)| low);
                if low < Decimal::ONE {
                    let what = format!("`{}` lets a ramp take less than a month", months_id.get_ref());
                    return self.wrong(months_id, what, "a ramp takes one month at least".into());
                }
                Moves::Evenly { from: self.month(case, from)?, months, s_curve: shape == RampShape::SCurve }
            }
            (RampShape::Steps, None, None, Some(steps)) if !steps.is_empty() => {
                let mut found: Vec<(i32, usize)> = Vec::new();
                for (month, share) in steps {
                    let step = (self.month(case, month)?, self.part(case, share)?);
                    let before = found.last().map_or(Decimal::ZERO, |(_, input)| case.book[*input].value);
                    let value = case.book[step.1].value;
                    if value < before || value > Decimal::ONE {
                        let what = format!("{}% by {} after {}%", percent(value), month.get_ref(), percent(before));
                        return self.wrong(share, what, "a ramp never falls and ends at most at 100".into());
                    }
                    found.push(step);
                }
                Moves::Steps(found)
            }
            _ => {
                let hint = "give `from` and `months` to a linear or s_curve ramp, `steps` to one in steps";
                return self.wrong(
                    &raw.id,
                    format!("ramp `{}` says not one way to move", raw.id.get_ref()),
                    hint.into(),
                );
            }
        };
        let mut months = |id: &Option<Id>| id.as_ref().and_then(|id| self.number(case, id));
        let (delay, double_running) = (months(&raw.delay), months(&raw.double_running));
        Some(Ramp { id: raw.id.into_inner(), moves, delay, double_running })
    }

    fn bias(&mut self, case: &mut CaseFile, raw: BiasToml) -> Option<Bias> {
        let ids: Vec<String> = case.biases.iter().map(|bias| bias.id.clone()).collect();
        self.is_new("bias", &raw.id, &ids);
        let mitigation = match &raw.mitigation {
            Some(id) => Some(self.part(case, id)?),
            None => None,
        };
        let (class, uplift) = match (&raw.class, &raw.uplift) {
            (Some(name), None) => {
                let classes = parameters::bias_classes();
                let Some(found) = classes.iter().find(|class| class.class == *name.get_ref()) else {
                    let known: Vec<&str> = classes.iter().map(|class| class.class.as_str()).collect();
                    let what = format!("no class of optimism bias is called `{}`", name.get_ref());
                    return self.wrong(name, what, format!("known: {}", known.join(", ")));
                };
                let id = format!("optimism_bias_{}", found.class);
                let at = case.book.iter().position(|input| input.id == id).unwrap_or_else(|| {
                    let title = format!(
                        "Optimism bias, {}, upper value on {} cost (lower value {}%)",
                        found.class.replace('_', " "),
                        found.measure,
                        percent(found.lower)
                    );
                    let place = "optimism-bias.csv of onhook";
                    let row = parameters::assumption(id, title, found.upper, found.source.clone(), place);
                    // The published value is where one starts from; how much of it is mitigated is the input with a range.
                    case.book.push(row);
                    case.book.len() - 1
                });
                (found.class.clone(), at)
            }
            (None, Some(id)) => ("own".into(), self.part(case, id)?),
            _ => {
                let what = format!("bias `{}` says not how much", raw.id.get_ref());
                return self.wrong(&raw.id, what, "give `class` or `uplift`".into());
            }
        };
        let place = self.place(raw.id.span());
        Some(Bias { id: raw.id.into_inner(), class, uplift, mitigation, reason: raw.reason, author: raw.author, place })
    }

    fn scenario(&mut self, case: &CaseFile, raw: ScenarioToml) -> Option<Scenario> {
        let ids: Vec<String> = case.scenarios.iter().map(|scenario| scenario.id.clone()).collect();
        self.is_new("scenario", &raw.id, &ids);
        let mut set = Vec::new();
        for (id, to) in &raw.set {
            let input = self.input(case, id, None)?;
            let setting = match to.as_str() {
                "low" | "high"
                    if case.book[input].range.is_none()
                        && ![case.unused_share, case.low_use_share].contains(&input) =>
                {
                    let what = format!("`{}` has no range", id.get_ref());
                    return self.wrong(id, what, "give it low and high in the book, or name another assumption".into());
                }
                "low" => Setting::Low,
                "high" => Setting::High,
                other => match case.book.iter().position(|input| input.id == other) {
                    Some(at) if case.book[at].measure == case.book[input].measure => Setting::As(at),
                    _ => {
                        let what = format!("`{}` cannot be `{other}`", id.get_ref());
                        return self.wrong(id, what, "write low, high, or an assumption of the same unit".into());
                    }
                },
            };
            set.push((input, setting));
        }
        Some(Scenario { id: raw.id.into_inner(), title: raw.title, set })
    }

    /// An assumption by its id, of one of these measures.
    fn input(&mut self, case: &CaseFile, id: &Id, measure: Option<Measure>) -> Option<usize> {
        let Some(at) = case.book.iter().position(|input| input.id == *id.get_ref()) else {
            let what = format!("no assumption is called `{}`", id.get_ref());
            return self.wrong(id, what, "add it to the book, or correct the name".into());
        };
        if measure.is_some_and(|measure| measure != case.book[at].measure) {
            let (what, hint) = match measure {
                Some(Measure::Money) => ("no sum of money", "name one whose unit begins with GBP"),
                Some(Measure::Part) => ("no percentage", "name one whose unit begins with %"),
                _ => ("no number", "name one whose unit is neither GBP nor %"),
            };
            return self.wrong(id, format!("`{}` is {what}", id.get_ref()), hint.into());
        }
        Some(at)
    }

    fn money(&mut self, case: &CaseFile, id: &Id) -> Option<usize> {
        self.input(case, id, Some(Measure::Money))
    }

    fn part(&mut self, case: &CaseFile, id: &Id) -> Option<usize> {
        self.input(case, id, Some(Measure::Part))
    }

    fn number(&mut self, case: &CaseFile, id: &Id) -> Option<usize> {
        self.input(case, id, Some(Measure::Number))
    }

    /// A year of the file, refused outside the horizon: an amount there would be lost in silence.
    fn inside(&mut self, case: &CaseFile, year: &Spanned<FinancialYear>) -> Option<FinancialYear> {
        let (first, last) = (case.first_year, case.first_year.plus(case.horizon_years - 1));
        if (first..=last).contains(year.get_ref()) {
            return Some(*year.get_ref());
        }
        let what = format!("{} lies outside the horizon {first} to {last}", year.get_ref());
        self.wrong(year, what, "correct the year, or `first_year` and `horizon_years`".into())
    }

    /// A month of the file, counted from the first of the horizon.
    fn month(&mut self, case: &CaseFile, month: &Spanned<Month>) -> Option<i32> {
        let first = Month::first_of(case.first_year);
        let at = month.get_ref().since(first);
        let last = i32::from(case.horizon_years) * 12 - 1;
        if (0..=last).contains(&at) {
            return Some(at);
        }
        let what = format!("{} lies outside the horizon {first} to {}", month.get_ref(), first.plus(last));
        self.wrong(month, what, "correct the month, or `first_year` and `horizon_years`".into())
    }

    fn find(&mut self, kind: &str, id: &Id, known: &[String]) -> Option<usize> {
        let found = known.iter().position(|name| name == id.get_ref());
        if found.is_none() {
            let hint = match known {
                [] => format!("no {kind} is defined: add one"),
                names => format!("known here: {}", names.join(", ")),
            };
            self.note(id, format!("no {kind} is called `{}`", id.get_ref()), hint);
        }
        found
    }

    fn is_new(&mut self, kind: &str, id: &Id, known: &[String]) {
        if known.contains(id.get_ref()) {
            let what = format!("a second {kind} is called `{}`", id.get_ref());
            self.note(id, what, "give each a name of its own".into());
        }
    }

    fn note<T>(&mut self, at: &Spanned<T>, what: String, hint: String) {
        let place = self.place(at.span());
        self.errors.push(Error::Case { place, what, hint });
    }

    /// Notes what is wrong, and gives nothing.
    fn wrong<T, U>(&mut self, at: &Spanned<T>, what: String, hint: String) -> Option<U> {
        self.note(at, what, hint);
        None
    }

    /// What the TOML reader says, in one line.
    fn unreadable(&self, error: &toml::de::Error) -> Error {
        let what = error.message().trim().replace('\n', "; ");
        let hint = if what.starts_with("unknown field") {
            "correct its spelling, or take it out"
        } else if what.starts_with("missing field") {
            "add it"
        } else if what.starts_with("invalid type: floating point") || what.starts_with("invalid type: integer") {
            "a case holds no number of its own: name an assumption of the book"
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
        let is_key =
            |key: &&str| !key.is_empty() && key.bytes().all(|b| b.is_ascii_alphanumeric() || b"_-".contains(&b));
        match line.split_once('=').map(|(key, _)| key.trim()).filter(is_key) {
            Some(key) => format!("{}:{number}, {key}", self.name),
            None => format!("{}:{number}", self.name),
        }
    }
}

/// The drivers it counts from.
fn needs(driver: &DriverToml) -> Vec<&Id> {
    driver.difference.iter().flatten().chain(driver.sum.iter().flatten()).collect()
}

fn percent(part: Decimal) -> Decimal {
    (part * Decimal::ONE_HUNDRED).normalize()
}
