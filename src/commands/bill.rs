//! `onhook bill`: a month's statements for the cost centres, and the proof that they add up. Prices and rounding are in the
//! SQL (`rated_calls`, `cost-centre-statement`); how the statements look is in `pages`.

mod pages;

use std::collections::{BTreeMap, HashSet};
use std::path::{Path, PathBuf};

use chrono::{Months, NaiveDate};

use super::{Talk, Verdict, answer, open, write};
use crate::config::Config;
use crate::error::{Error, Result};
use crate::lake::Access;
use crate::render::{Cell, Table};
use crate::sql::{Args, Engine, Query, report};
use crate::units::Pence;

/// What the statements must add up to, asked of the calls themselves and not of the statements.
const RATED: &str = "-- title: Rated calls of a month
-- param: month text
select
    count(*) as calls,
    count(*) filter (where charge_micros is null) as unrated,
    cast(coalesce(sum(charge_micros), 0) as bigint) as charge_micros
from rated_calls
where local_day >= cast($month || '-01' as date)
    and local_day <= cast($month || '-01' as date) + 30
    and substr(cast(local_day as varchar), 1, 7) = $month";

/// Days of the month, as far as it lies in the window, on which calls may be missing.
const GAPS: &str = "-- title: Days of a month whose records are not whole
-- param: month text
select source, count(*) as days
from coverage_days
where state <> 'covered'
    and substr(cast(local_day as varchar), 1, 7) = $month
group by source
order by source";

/// A line of a statement.
#[derive(Clone, Debug, PartialEq)]
struct Line {
    cost_centre: String,
    name: String,
    is_fixed: bool,
    item: String,
    band: String,
    /// Calls, or extensions where it is a fixed charge.
    count: i64,
    unrated: i64,
    billed_s: i64,
    micros: i64,
    pence: i64,
}

/// Everything of a month, before it is put on paper.
struct Month {
    /// As `2024-03`.
    name: String,
    last_day: NaiveDate,
    lines: Vec<Line>,
    rated: Rated,
    unrated: Table,
    against_bill: Table,
    gaps: Table,
    provenance: Vec<(String, String)>,
}

/// The calls of a month as they were rated.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
struct Rated {
    calls: i64,
    unrated: i64,
    micros: i64,
}

/// What some lines come to: exactly, and as they are printed.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
struct Sum {
    micros: i64,
    pence: i64,
}

const MICROS_A_PENNY: i64 = 10_000;

pub fn command(
    config: &Config,
    first_day: NaiveDate,
    output: Option<&Path>,
    talk: &mut Talk,
) -> Result<Verdict, Vec<Error>> {
    let name = first_day.format("%Y-%m").to_string();
    let folder: PathBuf =
        output.map_or_else(|| config.at(&config.output.dir).join(format!("bill-{name}")), Path::to_path_buf);
    let lake = open(config, Access::Read)?;
    let policy = crate::estate::policy_rows(&crate::estate::policy(config)?);
    let engine = Engine::open(&lake, config, &policy)?;
    let month = ask(&engine, name, first_day)?;
    adds_up(&month.lines, month.rated)?;
    let files = pages::files(&month)?;
    for (name, bytes) in &files {
        write(&folder.join(name), bytes)?;
    }
    talk.say(&format!("wrote     {} files to {}", files.len(), folder.display()));
    talk.data(pages::summary(&month).as_bytes())?;
    Ok(Verdict::of(complaints(&month, engine.as_of(), talk)))
}

/// Says what needs a person, and whether anything does.
fn complaints(month: &Month, last_record: NaiveDate, talk: &mut Talk) -> bool {
    if last_record < month.last_day {
        talk.warn(&format!("{} is not over: the last day with records is {last_record}", month.name));
    }
    for row in &month.gaps.rows {
        let cell = |column| pages::cell(&month.gaps, row, column);
        let (source, days) = (cell("source"), cell("days"));
        talk.warn(&format!(
            "{source}: the records of {days} days of {} are not whole, and calls may be missing",
            month.name
        ));
    }
    if month.rated.unrated > 0 {
        let (calls, name) = (month.rated.unrated, &month.name);
        talk.warn(&format!(
            "{calls} calls have no price and are in no charge: onhook query unrated-calls -p month={name}"
        ));
    }
    let differs = pages::rows_where(&month.against_bill, "state", "differs");
    for row in &differs {
        let cell = |column| pages::cell(&month.against_bill, row, column);
        talk.warn(&format!(
            "the bill of {} differs by {}: {} calls only on ours, {} only on theirs",
            cell("carrier"),
            cell("difference_pence"),
            cell("calls_only_ours"),
            cell("calls_only_billed")
        ));
    }
    month.rated.unrated > 0 || !differs.is_empty()
}

fn ask(engine: &Engine<'_>, name: String, first_day: NaiveDate) -> Result<Month> {
    let args: Args = [("month".to_string(), name.clone())].into();
    let table = |query: &Query| answer::table(Some(query), &engine.run(query, &args)?);
    let asked = |name: &str, sql: &str| table(&Query::parse(name, sql).map_err(|what| broken(&what))?);
    let rated = asked("rated-calls", RATED)?;
    let number = |column| rated.rows.first().map_or(0, |row| whole(pages::cell(&rated, row, column)));
    let statement = table(report("cost-centre-statement")?)?;
    let last_day = first_day.checked_add_months(Months::new(1)).and_then(|next| next.pred_opt()).unwrap_or(first_day);
    Ok(Month {
        last_day,
        lines: statement.rows.iter().map(|row| line(&statement, row)).collect(),
        rated: Rated { calls: number("calls"), unrated: number("unrated"), micros: number("charge_micros") },
        unrated: table(report("unrated-calls")?)?,
        against_bill: pages::money(table(report("rated-against-bill")?)?),
        gaps: asked("gaps", GAPS)?,
        provenance: vec![
            ("Lake".into(), format!("batch {}, last call {}", engine.batch(), engine.as_of())),
            ("Program".into(), concat!("onhook ", env!("CARGO_PKG_VERSION")).into()),
            ("Every line".into(), format!("onhook query cost-centre-statement -p month={name}")),
            ("Every call".into(), "onhook sql -e 'select * from rated_calls'".into()),
        ],
        name,
    })
}

fn line(table: &Table, row: &[Cell]) -> Line {
    let text = |column| match pages::cell(table, row, column) {
        Cell::Text(text) => text.clone(),
        _ => String::new(),
    };
    let number = |column| whole(pages::cell(table, row, column));
    let is_fixed = text("kind") == "fixed";
    Line {
        cost_centre: text("cost_centre"),
        name: text("name"),
        is_fixed,
        item: text("item"),
        band: text("band"),
        count: number(if is_fixed { "extensions" } else { "calls" }),
        unrated: number("unrated"),
        billed_s: number("billed_s"),
        micros: number("charge_micros"),
        pence: number("charge_pence"),
    }
}

fn whole(cell: &Cell) -> i64 {
    match cell {
        Cell::Int(number) => *number,
        _ => 0,
    }
}

/// The proof: every call is on one statement, at its own price, and every line is rounded as the rule says.
///
/// # Errors
/// The statements do not add up to the calls. Then none is written.
fn adds_up(lines: &[Line], rated: Rated) -> Result<()> {
    let mut stated = Rated::default();
    let mut seen = HashSet::new();
    for line in lines {
        if line.pence != to_pence(line.micros) {
            return Err(broken(&format!("{} millionths of a pound are not {}", line.micros, Pence(line.pence))));
        }
        if !seen.insert((&line.cost_centre, line.is_fixed, &line.item, &line.band)) {
            return Err(broken(&format!("{} has the line {} {} twice", line.cost_centre, line.item, line.band)));
        }
        if !line.is_fixed {
            stated.calls += line.count;
            stated.unrated += line.unrated;
            stated.micros += line.micros;
        }
    }
    if stated == rated {
        return Ok(());
    }
    Err(broken(&format!(
        "{} calls and {} millionths of a pound stand on them, {} and {} were rated",
        stated.calls, stated.micros, rated.calls, rated.micros
    )))
}

/// To the nearest penny, half up; nothing is charged less than nothing.
fn to_pence(micros: i64) -> i64 {
    (micros + MICROS_A_PENNY / 2).div_euclid(MICROS_A_PENNY)
}

fn broken(what: &str) -> Error {
    Error::Query {
        name: "cost-centre-statement".into(),
        what: format!("the statements do not add up: {what}"),
        hint: "nothing was written; this is a bug in onhook: please report it".into(),
    }
}

fn sum<'a>(lines: impl IntoIterator<Item = &'a Line>) -> Sum {
    lines
        .into_iter()
        .fold(Sum::default(), |sum, line| Sum { micros: sum.micros + line.micros, pence: sum.pence + line.pence })
}

/// The lines of each cost centre, by its code.
fn by_cost_centre(lines: &[Line]) -> BTreeMap<&str, Vec<&Line>> {
    let mut centres: BTreeMap<&str, Vec<&Line>> = BTreeMap::new();
    lines.iter().for_each(|line| centres.entry(&line.cost_centre).or_default().push(line));
    centres
}

#[cfg(test)]
mod tests {
    use super::*;

    fn a_line(cost_centre: &str, item: &str, micros: i64, pence: i64) -> Line {
        Line {
            cost_centre: cost_centre.into(),
            name: String::new(),
            is_fixed: false,
            item: item.into(),
            band: "day".into(),
            count: 1,
            unrated: 0,
            billed_s: 60,
            micros,
            pence,
        }
    }

    #[test]
    fn halves_of_a_penny_go_up() {
        assert_eq!([0, 4_999, 5_000, 14_999, 15_000].map(to_pence), [0, 0, 1, 1, 2]);
    }

    /// One thing wrong each: a call that is on no statement, one at another price, a line rounded otherwise, a line twice.
    #[test]
    fn statements_that_do_not_add_up_are_refused() {
        let lines = [a_line("A", "mobile", 14_999, 1), a_line("B", "mobile", 25_000, 3)];
        let rated = Rated { calls: 2, unrated: 0, micros: 39_999 };
        assert!(adds_up(&lines, rated).is_ok());
        let refused = |lines: &[Line], rated, words: &str| {
            let said = adds_up(lines, rated).unwrap_err().to_string();
            assert!(said.contains(words), "{said}");
        };
        refused(&lines, Rated { calls: 3, ..rated }, "2 calls");
        refused(&lines, Rated { micros: 40_000, ..rated }, "40000 were rated");
        refused(&lines, Rated { unrated: 1, ..rated }, "were rated");
        refused(&lines[..1], rated, "1 calls");
        refused(&[a_line("A", "mobile", 14_999, 2)], rated, "are not £0.02");
        refused(&[lines[0].clone(), lines[0].clone()], Rated { calls: 2, unrated: 0, micros: 29_998 }, "twice");
    }
}
