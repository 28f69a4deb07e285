//! The ledger against the rows: for every input read = kept + repeated + skipped + rejected, and what was kept and rejected is
//! there, or was removed and is written down in `removals`.

use std::collections::{BTreeMap, HashMap};

use arrow::array::{Array, AsArray, RecordBatch};
use arrow::datatypes::Int64Type;

use super::super::{Lake, Table, draft};
use super::files::Counts;
use super::{Finding, Kind, Picture, Report};
use crate::error::Result;

/// Lines for one table: beyond these one line says how many more.
const MOST: usize = 100;

/// The inputs of the lake by number, each with the node that wrote it.
#[derive(Debug, Default)]
pub struct Inputs {
    nodes: Vec<String>,
    by_id: HashMap<i64, usize>,
}

impl Inputs {
    /// The node of an input, blank where its file does not tell.
    pub fn node(&self, input: i64) -> &str {
        self.by_id.get(&input).and_then(|at| self.nodes.get(*at)).map_or("", String::as_str)
    }

    fn node_number(&mut self, node: &str) -> usize {
        // A cluster has a handful.
        self.nodes.iter().position(|n| n == node).unwrap_or_else(|| {
            self.nodes.push(node.to_string());
            self.nodes.len() - 1
        })
    }
}

/// Findings of one table, held to a number.
struct Lines {
    table: &'static str,
    found: Vec<Finding>,
    more: usize,
}

impl Lines {
    fn of(table: Table) -> Self {
        Self { table: table.name(), found: Vec::new(), more: 0 }
    }

    fn push(&mut self, file: &str, what: String) {
        if self.found.len() < MOST {
            self.found.push(Finding { table: self.table, file: file.into(), what, kind: Kind::Damaged });
        } else {
            self.more += 1;
        }
    }

    fn put(mut self, report: &mut Report) {
        if self.more > 0 {
            let what = format!("{} more of the kind", self.more);
            self.found.push(Finding { table: self.table, file: String::new(), what, kind: Kind::Damaged });
        }
        report.findings.append(&mut self.found);
    }
}

pub fn check(lake: &Lake, picture: &Picture, counts: &Counts, report: &mut Report) -> Result<Inputs> {
    let removed = removed(lake, picture)?;
    let taken = |table: Table, input: i64| removed.get(&(table.name(), input)).copied().unwrap_or(0);
    let there = |table: Table, input: i64| counts.get(&table).and_then(|t| t.get(&input)).copied().unwrap_or(0) as i64;
    let (mut inputs, mut lines) = (Inputs::default(), Lines::of(Table::Inputs));
    for entry in picture.entries(Table::Inputs) {
        let path = lake.folder().join(Table::Inputs.name()).join(&entry.name);
        draft::each(&path, None, None, |rows| {
            for row in 0..rows.num_rows() {
                let number = |name: &str| number(rows, name, row);
                let id = number("input_id");
                let [read, kept, repeated, skipped, rejected] =
                    ["read", "kept", "repeated", "skipped", "rejected"].map(number);
                let node = text(rows, "node", row);
                let at = inputs.node_number(node.unwrap_or_default());
                if inputs.by_id.insert(id, at).is_some() {
                    lines.push(&entry.name, format!("input {id} has two rows"));
                }
                if read != kept + repeated + skipped + rejected {
                    let sum = kept + repeated + skipped + rejected;
                    lines.push(&entry.name, format!("input {id}: read is {read}, what became of it adds up to {sum}"));
                }
                let gone = [Table::Legs, Table::Quality].map(|table| taken(table, id)).iter().sum::<i64>();
                let [legs, quality] = [Table::Legs, Table::Quality].map(|table| there(table, id));
                // Between the writing down and the taking, rows are there and removed at once.
                let is_between = picture.is_removing && gone + taken(Table::Rejects, id) > 0;
                if kept != legs + quality + gone && !is_between {
                    let gone = if gone > 0 { format!(", {gone} were removed") } else { String::new() };
                    let what = format!(
                        "input {id}: kept is {kept}, but there are {legs} rows of legs and {quality} of quality{gone}"
                    );
                    lines.push(&entry.name, what);
                }
                let (refused, gone) = (there(Table::Rejects, id), taken(Table::Rejects, id));
                if rejected != refused + gone && !is_between {
                    let gone = if gone > 0 { format!(", {gone} were removed") } else { String::new() };
                    lines.push(
                        &entry.name,
                        format!("input {id}: rejected is {rejected}, but there are {refused} rows of rejects{gone}"),
                    );
                }
            }
            Ok(())
        })?;
    }
    lines.put(report);
    for table in [Table::Legs, Table::Quality, Table::Rejects] {
        let strangers: BTreeMap<i64, u64> = counts
            .get(&table)
            .into_iter()
            .flatten()
            .filter(|(input, _)| !inputs.by_id.contains_key(input))
            .map(|(input, rows)| (*input, *rows))
            .collect();
        let mut lines = Lines::of(table);
        for (input, rows) in strangers {
            let file = holder(lake, picture, table, input);
            lines.push(&file, format!("{rows} rows are of input {input}, which inputs does not have"));
        }
        lines.put(report);
    }
    Ok(inputs)
}

/// The first file that has rows of an input.
fn holder(lake: &Lake, picture: &Picture, table: Table, input: i64) -> String {
    let has = |path: &std::path::Path| {
        let mut has = false;
        let looked = draft::each(path, Some(&["input_id"]), None, |rows| {
            has |= rows.column(0).as_primitive::<Int64Type>().values().contains(&input);
            Ok(())
        });
        looked.is_ok() && has
    };
    let folder = lake.folder().join(table.name());
    let found = picture.entries(table).iter().find(|entry| has(&folder.join(&entry.name)));
    found.map(|entry| entry.name.clone()).unwrap_or_default()
}

/// Rows that were removed, by table and input.
fn removed(lake: &Lake, picture: &Picture) -> Result<HashMap<(&'static str, i64), i64>> {
    let mut removed = HashMap::new();
    for entry in picture.entries(Table::Removals) {
        let path = lake.folder().join(Table::Removals.name()).join(&entry.name);
        draft::each(&path, None, None, |rows| {
            for row in 0..rows.num_rows() {
                let word = text(rows, "table_name", row).unwrap_or_default();
                let table = [Table::Legs, Table::Quality, Table::Rejects].into_iter().find(|t| t.name() == word);
                let Some(table) = table else { continue };
                *removed.entry((table.name(), number(rows, "input_id", row))).or_default() += number(rows, "rows", row);
            }
            Ok(())
        })?;
    }
    Ok(removed)
}

fn number(rows: &RecordBatch, name: &str, row: usize) -> i64 {
    rows.column_by_name(name).and_then(|c| c.as_primitive_opt::<Int64Type>()).map_or(0, |c| c.value(row))
}

fn text<'r>(rows: &'r RecordBatch, name: &str, row: usize) -> Option<&'r str> {
    let column = rows.column_by_name(name)?.as_string_opt::<i32>()?;
    column.is_valid(row).then(|| column.value(row))
}
