//! Tables of a session that are data and not records: the calendar, bank holidays, bands, the words that protect a line, Erlang's table.
//! Everything here is the same for every lake but for the one row of `billing`, which the configuration says.

use std::sync::{Arc, LazyLock};

use arrow::array::{
    ArrayRef, BooleanArray, Date32Array, Float64Array, Int16Array, Int32Array, RecordBatch, StringArray,
};
use arrow::datatypes::{DataType, Field, Schema, SchemaRef};
use chrono::{Datelike, Days, NaiveDate};
use datafusion::catalog::{Session, TableProvider};
use datafusion::datasource::{MemTable, TableType};
use datafusion::error::Result;
use datafusion::logical_expr::Expr;
use datafusion::physical_plan::ExecutionPlan;

use crate::config::{BankHolidays, Billing};
use crate::{erlang, holidays};

/// Days before the window that its first weeks are compared with.
const DAYS_BEFORE: u64 = 60;

/// One row a day, from some weeks before the window to its end: weekday, bank holiday of England and Wales.
pub fn calendar(as_of: NaiveDate, window_days: u16) -> RecordBatch {
    let first = as_of.checked_sub_days(Days::new(u64::from(window_days) + DAYS_BEFORE)).unwrap_or(as_of);
    let days: Vec<NaiveDate> = first.iter_days().take_while(|day| *day <= as_of).collect();
    let weekdays = days.iter().map(|day| day.weekday().number_from_monday() as i32);
    let columns: Vec<ArrayRef> = vec![
        Arc::new(Date32Array::from_iter_values(days.iter().map(|day| crate::normalise::days(*day)))),
        Arc::new(Int32Array::from_iter_values(weekdays)),
        Arc::new(days.iter().map(|day| holidays::bank_holiday(*day)).collect::<StringArray>()),
        Arc::new(days.iter().map(|day| Some(holidays::is_working(*day))).collect::<BooleanArray>()),
    ];
    let schema = Schema::new(vec![
        Field::new("day", DataType::Date32, false),
        Field::new("isodow", DataType::Int32, false),
        Field::new("bank_holiday", DataType::Utf8, true),
        Field::new("is_working", DataType::Boolean, false),
    ]);
    RecordBatch::try_new(Arc::new(schema), columns).expect("the columns are those of the schema")
}

/// Every bank holiday of England and Wales that is known, whatever the window: a bill may be of any month.
pub fn bank_holidays() -> RecordBatch {
    let first = NaiveDate::from_ymd_opt(*holidays::KNOWN.start(), 1, 1).unwrap_or_default();
    let days = first.iter_days().take_while(|day| day.year() <= *holidays::KNOWN.end());
    let (days, names): (Vec<i32>, Vec<&str>) =
        days.filter_map(|day| Some((crate::normalise::days(day), holidays::bank_holiday(day)?))).unzip();
    let columns: Vec<ArrayRef> = vec![Arc::new(Date32Array::from(days)), Arc::new(StringArray::from(names))];
    let schema =
        Schema::new(vec![Field::new("day", DataType::Date32, false), Field::new("name", DataType::Utf8, false)]);
    RecordBatch::try_new(Arc::new(schema), columns).expect("the columns are those of the schema")
}

/// The one row that says which hours are the day band.
pub fn billing(billing: &Billing) -> RecordBatch {
    let (from, until) = billing.day_minutes();
    let are_weekend = billing.bank_holidays == BankHolidays::Weekend;
    let columns: Vec<ArrayRef> = vec![
        Arc::new(Int16Array::from(vec![from])),
        Arc::new(Int16Array::from(vec![until])),
        Arc::new(BooleanArray::from(vec![are_weekend])),
    ];
    let schema = Schema::new(vec![
        Field::new("day_from_minute", DataType::Int16, false),
        Field::new("day_until_minute", DataType::Int16, false),
        Field::new("bank_holidays_are_weekend", DataType::Boolean, false),
    ]);
    RecordBatch::try_new(Arc::new(schema), columns).expect("the columns are those of the schema")
}

/// Words in the register that name a protected class, with the class.
pub fn protection_words() -> RecordBatch {
    let lines = include_str!("protection_words.csv").lines().skip(1).filter_map(|line| line.split_once(','));
    let (words, classes): (Vec<&str>, Vec<&str>) = lines.unzip();
    let field = |name| Field::new(name, DataType::Utf8, false);
    let columns: Vec<ArrayRef> = vec![Arc::new(StringArray::from(words)), Arc::new(StringArray::from(classes))];
    RecordBatch::try_new(Arc::new(Schema::new(vec![field("word"), field("class")])), columns)
        .expect("the columns are those of the schema")
}

/// A table of Erlang's, worked out when a query first asks for it.
#[derive(Clone, Copy, Debug)]
pub struct Erlang {
    pub name: &'static str,
    /// Share of calls that are lost or wait; what serves them; the most traffic that so many serve at that share.
    columns: [&'static str; 3],
    rows: &'static LazyLock<Vec<erlang::Row>>,
}

/// Circuits for calls that are lost where none is free.
pub const ERLANG_B: Erlang =
    Erlang { name: "erlang_b", columns: ["grade_of_service", "circuits", "erlangs"], rows: &CIRCUITS };
/// Agents for calls that wait.
pub const ERLANG_C: Erlang =
    Erlang { name: "erlang_c", columns: ["waiting_chance", "agents", "erlangs"], rows: &AGENTS };

static CIRCUITS: LazyLock<Vec<erlang::Row>> = LazyLock::new(erlang::table);
static AGENTS: LazyLock<Vec<erlang::Row>> = LazyLock::new(erlang::waiting_table);

#[async_trait::async_trait]
impl TableProvider for Erlang {
    fn schema(&self) -> SchemaRef {
        let [share, servers, erlangs] = self.columns;
        Arc::new(Schema::new(vec![
            Field::new(share, DataType::Float64, false),
            Field::new(servers, DataType::Int32, false),
            Field::new(erlangs, DataType::Float64, false),
        ]))
    }

    fn table_type(&self) -> TableType {
        TableType::Base
    }

    async fn scan(
        &self,
        state: &dyn Session,
        projection: Option<&Vec<usize>>,
        filters: &[Expr],
        limit: Option<usize>,
    ) -> Result<Arc<dyn ExecutionPlan>> {
        let columns: Vec<ArrayRef> = vec![
            Arc::new(Float64Array::from_iter_values(self.rows.iter().map(|row| row.grade))),
            Arc::new(Int32Array::from_iter_values(self.rows.iter().map(|row| row.circuits as i32))),
            Arc::new(Float64Array::from_iter_values(self.rows.iter().map(|row| row.erlangs))),
        ];
        let rows = MemTable::try_new(self.schema(), vec![vec![RecordBatch::try_new(self.schema(), columns)?]])?;
        rows.scan(state, projection, filters, limit).await
    }
}
