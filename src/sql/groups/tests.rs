//! The step against the engine's own, over the same rows.

use arrow::array::{Date32Array, Int32Array, StringViewArray};
use arrow::datatypes::{Field, Schema};
use arrow::util::pretty::pretty_format_batches;
use datafusion::datasource::MemTable;
use datafusion::execution::SessionStateBuilder;
use datafusion::prelude::{SessionConfig, SessionContext};

use super::*;

const SQL: &str = "select day, word, minute, count(*) as n, sum(minute) as minutes, count(distinct word) as words, max(word) \
                   from rows group by day, word, minute order by day, word, minute";

type Row = (i32, Option<String>, Option<i32>);

fn batch(rows: impl Iterator<Item = Row>) -> RecordBatch {
    let (mut days, mut words, mut minutes) = (Vec::new(), Vec::new(), Vec::new());
    for (day, word, minute) in rows {
        days.push(day);
        words.push(word);
        minutes.push(minute);
    }
    let schema = Schema::new(vec![
        Field::new("day", DataType::Date32, false),
        Field::new("word", DataType::Utf8View, true),
        Field::new("minute", DataType::Int32, true),
    ]);
    let columns: Vec<ArrayRef> = vec![
        Arc::new(Date32Array::from(days)),
        Arc::new(words.iter().map(Option::as_deref).collect::<StringViewArray>()),
        Arc::new(Int32Array::from(minutes)),
    ];
    RecordBatch::try_new(Arc::new(schema), columns).unwrap()
}

/// The answer with this step in the plan and without it.
fn both(batches: &[RecordBatch]) -> [String; 2] {
    let runtime = tokio::runtime::Builder::new_multi_thread().build().unwrap();
    [true, false].map(|is_ours| {
        let state = SessionStateBuilder::new()
            .with_config(SessionConfig::new().with_target_partitions(2))
            .with_default_features();
        let state = if is_ours { state.with_physical_optimizer_rule(Arc::new(FewGroups)) } else { state };
        let context = SessionContext::new_with_state(state.build());
        let half = batches.len().div_ceil(2);
        let parts = batches.chunks(half).map(<[RecordBatch]>::to_vec).collect();
        context.register_table("rows", Arc::new(MemTable::try_new(batches[0].schema(), parts).unwrap())).unwrap();
        let ask = |sql: String| {
            let rows = runtime.block_on(async { context.sql(&sql).await.unwrap().collect().await.unwrap() });
            pretty_format_batches(&rows).unwrap().to_string()
        };
        assert_eq!(ask(format!("explain {SQL}")).contains("FewGroupsExec"), is_ours);
        ask(SQL.to_string())
    })
}

/// Days that come in runs, a word of a few, and gaps.
fn usual(n: i32) -> Row {
    let word = ["inbound", "outbound", "internal", "", "twelve bytes"][(n * 7 % 5) as usize];
    (n / 900, (n % 11 != 0).then(|| word.to_string()), (n % 13 != 0).then_some(n % 3 * -60))
}

#[test]
fn few_groups_are_those_of_the_engine() {
    let batches: Vec<RecordBatch> = (0..6).map(|b| batch((b * 1000..(b + 1) * 1000).map(usual))).collect();
    let [ours, theirs] = both(&batches);
    assert!(ours.lines().count() > 30, "{ours}");
    assert_eq!(ours, theirs);
}

#[test]
fn many_groups_are_left_to_the_engine_midway() {
    let many = |n: i32| (n % 5, Some(format!("w{}", n % 40_000)), Some(n % 7));
    let batches: Vec<RecordBatch> = (0..10).map(|b| batch((b * 9000..(b + 1) * 9000).map(many))).collect();
    let [ours, theirs] = both(&batches);
    assert!(ours.lines().count() > 2 * FEW, "{}", ours.lines().count());
    assert_eq!(ours, theirs);
}

#[test]
fn one_batch_of_all_is_taken_piece_by_piece() {
    let many = |n: i32| (n / 2, Some(format!("w{}", n % 3)), Some(n));
    let [ours, theirs] = both(&[batch((0..100_000).map(many)), batch((0..50_000).map(usual))]);
    assert_eq!(ours, theirs);
}

#[test]
fn a_long_key_is_left_to_the_engine_with_its_batch() {
    let long = |n: i32| (n / 500, Some(format!("a key of more than twelve bytes, {}", n % 3)), None);
    let mut batches: Vec<RecordBatch> = (0..4).map(|b| batch((b * 100..(b + 1) * 100).map(usual))).collect();
    batches.insert(1, batch((0..100).map(long)));
    batches.push(batch((0..100).map(long)));
    let [ours, theirs] = both(&batches);
    assert_eq!(ours, theirs);
}

#[test]
fn no_rows_are_no_groups() {
    let [ours, theirs] = both(&[batch(std::iter::empty()), batch(std::iter::empty())]);
    assert_eq!(ours, theirs);
}
