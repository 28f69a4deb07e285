//! Roll-ups that are wrong are worked out again from legs, day by day. Touches `usage` and `traffic` and nothing else.

use arrow::array::{AsArray, BooleanArray, RecordBatch};
use arrow::compute::filter_record_batch;
use arrow::datatypes::Date32Type;

use super::super::draft::{self, Draft};
use super::super::{Lake, Table, batch_of};
use super::derived::{self, Days};
use super::{Examined, has_damaged_log};
use crate::error::Result;

impl Lake {
    /// Works out again what is wrong in the roll-ups; gives the tables it put right.
    pub(super) fn mend(&self, examined: &Examined) -> Result<Vec<&'static str>> {
        let mut mended = Vec::new();
        for table in [Table::Usage, Table::Traffic] {
            if has_damaged_log(&examined.report, table) {
                continue;
            }
            let Some(days) = examined.is_sound.then(|| days(examined, table)).flatten() else { continue };
            if !days.is_empty() {
                self.mend_table(examined, table, &days)?;
                mended.push(table.name());
            }
        }
        Ok(mended)
    }

    fn mend_table(&self, examined: &Examined, table: Table, days: &Days) -> Result<()> {
        let Examined { picture, inputs, damaged, .. } = examined;
        let (folder, schema) = (self.folder.join(table.name()), table.schema());
        let version = self.wait(async { Ok(self.table(table).await?.and_then(|delta| delta.version())) })?;
        let (mut out, mut written) = (Vec::new(), Vec::new());
        let name =
            |batch: i64, n: usize| self.file_name(format!("b{batch:08}-v{:08}-r{n:04}", version.unwrap_or_default()));
        for entry in picture.entries(table).iter().filter(|entry| days.iter().any(|span| entry.meets(*span))) {
            out.push(entry.name.as_str());
            if damaged.iter().any(|(t, file)| *t == table && *file == entry.name) {
                continue;
            }
            let path = folder.join(&entry.name);
            let batch = batch_of(&entry.name).unwrap_or_default();
            let mut draft = Draft::create(&folder, name(batch, out.len()), &schema)?;
            draft::each(&path, None, None, |rows| {
                draft.write(&on(rows, days, false).map_err(|e| draft::damaged(&path, &e))?)
            })?;
            written.extend(draft.finish()?);
        }
        let mut draft = Draft::create(&folder, name(picture.finished, 0), &schema)?;
        for span in derived::all_spans(self, picture, damaged)? {
            if !days.iter().any(|(first, last)| *first <= span.1 && *last >= span.0) {
                continue;
            }
            let anew = derived::work_out(self, picture, inputs, span, &mut |_, _| {})?;
            let rows = if table == Table::Usage { anew.usage } else { anew.traffic };
            let rows = derived::within(&rows, span).and_then(|rows| on(&rows, days, true));
            draft.write(&rows.map_err(|e| draft::damaged(&folder, &e))?)?;
        }
        written.extend(draft.finish()?);
        self.put_in_place(table, &out, written, true)
    }
}

/// The days to be worked out again; none where calls of some of them are no longer kept.
fn days(examined: &Examined, table: Table) -> Option<Days> {
    let mut days = examined.days.get(table.name()).cloned().unwrap_or_default();
    for (_, name) in examined.damaged.iter().filter(|(t, _)| *t == table) {
        let span = examined.picture.entries(table).iter().find(|entry| entry.name == *name)?.days?;
        if examined.picture.kept_from.is_some_and(|from| span.0 < from) {
            return None;
        }
        days.push(span);
    }
    Some(days)
}

/// The rows of those days, or all the others.
fn on(rows: &RecordBatch, days: &Days, wanted: bool) -> Result<RecordBatch, arrow::error::ArrowError> {
    let Some(column) = rows.column_by_name("local_day").map(|c| c.as_primitive::<Date32Type>()) else {
        return Ok(rows.clone());
    };
    let is_on = |day: &i32| days.iter().any(|(first, last)| (*first..=*last).contains(day));
    let mask: BooleanArray = column.values().iter().map(|day| Some(is_on(day) == wanted)).collect();
    filter_record_batch(rows, &mask)
}
