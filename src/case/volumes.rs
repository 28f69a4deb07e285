//! What is counted, and how it moves month by month: drivers, ramps, and for each pair of them what has moved, what is left
//! on the old platform and whether that is still in use. No money here.
//!
//! - moved by the end of a month = the driver's count × the ramp's part, to the nearest whole phone;
//! - linear: elapsed ÷ months; s_curve: e² (3n − 2e) ÷ n³, slow at both ends; steps: as given;
//! - left in a month = what had not moved by the end of the month before, or of one still earlier by the months of double
//!   running: so the month of a move is paid for on both platforms.

use std::collections::BTreeMap;

use super::evidence::{Doubt, TAKEN_FOR};
use super::formula::{Formula, Id, Pick};
use super::grid::{Model, Unit, Words};
use super::{CaseFile, Count, DriverQuery, Evidence, Moves, Part};
use crate::error::Result;

/// First row of drivers on the sheet, and columns there.
const DRIVERS: u32 = 4;

/// A column of months.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Series {
    /// Months of a ramp gone by, or its part moved; as it counts for what has moved, or for what is left.
    Gone(usize, Part),
    Moved(usize, usize),
    Left(usize, usize),
    Packs {
        of: usize,
        ramp: Option<(usize, Part)>,
        pack: usize,
    },
    InUse {
        of: usize,
        ramp: usize,
        paid_until: Option<i32>,
    },
    Broken {
        of: usize,
        ramp: usize,
        contract: i32,
    },
}

/// The sheet Volumes while it grows.
pub struct Volumes<'a> {
    pub file: &'a CaseFile,
    /// Cells of the inputs, in the prices of the case.
    pub inputs: &'a [Id],
    /// What each driver counts.
    pub drivers: Vec<Id>,
    sheet: usize,
    first_row: u32,
    months: Vec<Id>,
    columns: BTreeMap<Series, Vec<Id>>,
    next: u16,
}

/// Lays out drivers and months.
pub fn lay<'a>(
    model: &mut Model,
    sheet: usize,
    file: &'a CaseFile,
    inputs: &'a [Id],
    evidence: &Evidence,
) -> Result<Volumes<'a>> {
    model.write(sheet, 0, 0, Words::Title("Volumes".into()));
    let note = "What is counted, and how it moves month by month. A month of a move is paid for on both platforms.";
    model.write(sheet, 1, 0, Words::Note(note.into()));
    model.heads(
        sheet,
        DRIVERS - 1,
        &[
            "Driver",
            "What it is",
            "Counted",
            "Of these by silence",
            "Of these by low use",
            "Count",
            "How it is counted",
        ],
    );
    let mut drivers: Vec<Id> = Vec::with_capacity(file.drivers.len());
    for (row, driver) in (DRIVERS..).zip(&file.drivers) {
        let known: &[Id] = &drivers;
        let of = |at: &usize| Formula::from(known[*at]);
        let (formula, how) = match &driver.count {
            Count::Given(input) => {
                (inputs[*input].into(), file.book[*input].source.clone().unwrap_or_else(|| "unsourced".into()))
            }
            Count::Difference(whole, part) => {
                (of(whole).less(of(part)), format!("{} less {}", file.drivers[*whole].id, file.drivers[*part].id))
            }
            Count::Sum(all) => {
                let names: Vec<&str> = all.iter().map(|at| file.drivers[*at].id.as_str()).collect();
                (Formula::Plus(all.iter().map(of).collect()), names.join(" and "))
            }
            Count::Asked(query) => {
                let asked = asked(evidence, file, query)?;
                let label = format!("{}, counted", driver.title);
                let counted = model.put((sheet, row, 2), Unit::Count, label, asked.counted);
                let mut formula = Formula::from(counted);
                for (column, (doubt, moving)) in (3..).zip(Doubt::ALL.into_iter().zip(asked.moving)) {
                    let Some((phones, leaves)) = moving else { continue };
                    let label = format!("{}, by {}", driver.title, doubt.word());
                    let phones = Formula::from(model.put((sheet, row, column), Unit::Count, label, phones));
                    // Those for which it does not hold, in whole phones.
                    let others = phones.clone().less(phones.times(inputs[file.share_of(doubt)].into()).down());
                    formula = if leaves { formula.less(others) } else { formula.plus(others) };
                }
                (formula, query.words())
            }
        };
        model.write(sheet, row, 0, Words::Label(driver.id.clone()));
        model.write(sheet, row, 1, Words::Label(driver.title.clone()));
        model.write(sheet, row, 6, Words::Label(how));
        drivers.push(model.put((sheet, row, 5), Unit::Count, driver.title.clone(), formula));
    }
    let head = DRIVERS + file.drivers.len() as u32 + 2;
    model.heads(sheet, head, &["Month", "Financial year", "Month no."]);
    let mut months = Vec::new();
    for ((row, month), number) in (head + 1..).zip(file.months()).zip(0_i64..) {
        model.write(sheet, row, 0, Words::Label(month.to_string()));
        model.write(sheet, row, 1, Words::Label(month.year().to_string()));
        months.push(model.put((sheet, row, 2), Unit::Plain, format!("number of {month}"), Formula::number(number)));
    }
    Ok(Volumes { file, inputs, drivers, sheet, first_row: head + 1, months, columns: BTreeMap::new(), next: 3 })
}

/// What a query counts.
struct Asked {
    counted: Formula,
    /// For each doubt: phones that leave the count, or come into it, once it does not hold and they go to review; and
    /// whether they leave.
    moving: [Option<(Formula, bool)>; 2],
}

fn asked(evidence: &Evidence, file: &CaseFile, query: &DriverQuery) -> Result<Asked> {
    let (table, of) = evidence.of(file, query)?;
    let columns = &evidence.tables[table].columns;
    let at = |name: &str| columns.iter().position(|column| column == name).unwrap_or_default();
    let whose = |leave_out: &[&str]| -> Vec<(usize, Vec<String>)> {
        let filters = query.filters.iter().filter(|(column, _)| !leave_out.contains(&column.as_str()));
        filters.map(|(column, any)| (at(column), any.clone())).collect()
    };
    let pick = |whose| Formula::Picked(Pick { table, of, whose });
    let taken = |doubt: Doubt, mut whose: Vec<(usize, Vec<String>)>| {
        whose.push((at(TAKEN_FOR), vec![doubt.word().into()]));
        pick(whose)
    };
    let takes = |column: &str, word: &str| query.filters.get(column).is_none_or(|any| any.iter().any(|w| w == word));
    let by_verdict = query.filters.contains_key("verdict") || query.filters.contains_key("action");
    let moving = Doubt::ALL.map(|doubt| {
        if !by_verdict || !columns.iter().any(|column| column == TAKEN_FOR) {
            None
        } else if takes("verdict", doubt.overturned()) && takes("action", "review") {
            // They come in: all that were taken for it but those counted already.
            Some((taken(doubt, whose(&["verdict", "action"])).less(taken(doubt, whose(&[]))), false))
        } else {
            Some((taken(doubt, whose(&[])), true))
        }
    });
    Ok(Asked { counted: pick(whose(&[])), moving })
}

impl Volumes<'_> {
    /// What has moved by the end of each month, or is left during it.
    pub fn units(&mut self, model: &mut Model, driver: usize, ramp: usize, part: Part) -> Vec<Id> {
        self.column(
            model,
            match part {
                Part::Migrated => Series::Moved(driver, ramp),
                Part::Remaining => Series::Left(driver, ramp),
            },
        )
    }

    /// Packs bought for that, or for the driver's whole count.
    pub fn packs(&mut self, model: &mut Model, of: usize, ramp: Option<(usize, Part)>, pack: usize) -> Vec<Id> {
        self.column(model, Series::Packs { of, ramp, pack })
    }

    /// 1 in each month in which any is left, or that is paid for until the contract ends.
    pub fn in_use(&mut self, model: &mut Model, of: usize, ramp: usize, paid_until: Option<i32>) -> Vec<Id> {
        self.column(model, Series::InUse { of, ramp, paid_until })
    }

    /// 1 in the month after the last has left, if a contract still runs then.
    pub fn broken(&mut self, model: &mut Model, of: usize, ramp: usize, contract: i32) -> Vec<Id> {
        self.column(model, Series::Broken { of, ramp, contract })
    }

    fn column(&mut self, model: &mut Model, series: Series) -> Vec<Id> {
        if let Some(column) = self.columns.get(&series) {
            return column.clone();
        }
        let (head, unit, formulas) = self.formulas(model, series);
        let column = self.next;
        self.next += 1;
        model.write(self.sheet, self.first_row - 1, column, Words::Head(head.clone()));
        let mut ids = Vec::with_capacity(formulas.len());
        for ((row, month), formula) in (self.first_row..).zip(self.file.months()).zip(formulas) {
            ids.push(model.put((self.sheet, row, column), unit, format!("{head}, {month}"), formula));
        }
        self.columns.insert(series, ids.clone());
        ids
    }

    fn formulas(&mut self, model: &mut Model, series: Series) -> (String, Unit, Vec<Formula>) {
        let zero = || Formula::number(0);
        let name = |driver: usize| self.file.drivers[driver].id.clone();
        let ramp_name = |ramp: usize| self.file.ramps[ramp].id.clone();
        match series {
            Series::Gone(ramp, part) => {
                let what = match (&self.file.ramps[ramp].moves, part) {
                    (Moves::Evenly { .. }, Part::Migrated) => "months gone",
                    (Moves::Evenly { .. }, Part::Remaining) => "months gone, old platform",
                    (Moves::Steps(_), Part::Migrated) => "part moved",
                    (Moves::Steps(_), Part::Remaining) => "part gone, old platform",
                };
                let formulas = self.months.iter().map(|month| self.gone(ramp, part, *month)).collect();
                (format!("{}: {what}", ramp_name(ramp)), Unit::Plain, formulas)
            }
            Series::Moved(driver, ramp) => {
                let gone = self.column(model, Series::Gone(ramp, Part::Migrated));
                let formulas = gone.into_iter().map(|gone| self.moved(driver, ramp, gone)).collect();
                (format!("{} moved by {}", name(driver), ramp_name(ramp)), Unit::Count, formulas)
            }
            Series::Left(driver, ramp) => {
                let gone = self.column(model, Series::Gone(ramp, Part::Remaining));
                let left = |gone| Formula::from(self.drivers[driver]).less(self.moved(driver, ramp, gone));
                (
                    format!("{} left by {}", name(driver), ramp_name(ramp)),
                    Unit::Count,
                    gone.into_iter().map(left).collect(),
                )
            }
            Series::Packs { of, ramp, pack } => {
                let size = Formula::from(self.inputs[pack]);
                let units: Vec<Formula> = match ramp {
                    Some((ramp, part)) => self.units(model, of, ramp, part).into_iter().map(Formula::from).collect(),
                    None => self.months.iter().map(|_| self.drivers[of].into()).collect(),
                };
                let packs = units.into_iter().map(|units| units.over(size.clone()).up()).collect();
                (format!("packs for {}", name(of)), Unit::Count, packs)
            }
            Series::InUse { of, ramp, paid_until } => {
                let left = self.column(model, Series::Left(of, ramp));
                let in_use = (0..).zip(left).map(|(month, left)| match paid_until {
                    Some(until) if month <= until => Formula::number(1),
                    _ => Formula::from(left).if_over(zero(), Formula::number(1), zero()),
                });
                let until = paid_until.map_or(String::new(), |month| format!(", paid to month {month}"));
                (format!("{} in use{until}", name(of)), Unit::Plain, in_use.collect())
            }
            Series::Broken { of, ramp, contract } => {
                let in_use = self.column(model, Series::InUse { of, ramp, paid_until: None });
                let broken = (0_usize..).zip(&in_use).map(|(month, now)| match month.checked_sub(1) {
                    Some(before) if month as i32 <= contract => {
                        Formula::from(in_use[before]).if_over((*now).into(), Formula::number(1), zero())
                    }
                    _ => zero(),
                });
                (format!("{}: contract broken", name(of)), Unit::Plain, broken.collect())
            }
        }
    }

    /// Months of the ramp gone by the end of the month, or its part moved.
    fn gone(&self, ramp: usize, part: Part, month: Id) -> Formula {
        let ramp = &self.file.ramps[ramp];
        let mut now = Formula::from(month);
        for later in ramp.delay.iter().chain(ramp.double_running.iter().filter(|_| part == Part::Remaining)) {
            now = now.less(self.inputs[*later].into());
        }
        // What is left in a month had not moved by the end of the month before.
        let ahead = i32::from(part == Part::Migrated);
        match &ramp.moves {
            Moves::Evenly { from, months, .. } => {
                let gone = now.less(Formula::number(from - ahead));
                Formula::number(0).max(Formula::from(self.inputs[*months]).min(gone))
            }
            Moves::Steps(steps) => {
                let mut before = None;
                let mut parts = Vec::new();
                for (at, share) in steps {
                    let share = Formula::from(self.inputs[*share]);
                    let more = before.replace(share.clone()).map_or(share.clone(), |before| share.less(before));
                    let reached = now.clone().if_at_least(
                        Formula::number(at + 1 - ahead),
                        Formula::number(1),
                        Formula::number(0),
                    );
                    parts.push(more.times(reached));
                }
                Formula::Plus(parts)
            }
        }
    }

    fn moved(&self, driver: usize, ramp: usize, gone: Id) -> Formula {
        let (count, gone) = (Formula::from(self.drivers[driver]), Formula::from(gone));
        match &self.file.ramps[ramp].moves {
            Moves::Evenly { months, s_curve: false, .. } => {
                count.times(gone).over(self.inputs[*months].into()).round(0)
            }
            Moves::Evenly { months, .. } => {
                let all = Formula::from(self.inputs[*months]);
                let three = Formula::number(3).times(all.clone()).less(Formula::number(2).times(gone.clone()));
                let whole = all.clone().times(all.clone()).times(all);
                count.times(gone.clone()).times(gone).times(three).over(whole).round(0)
            }
            Moves::Steps(_) => count.times(gone).round(0),
        }
    }
}
