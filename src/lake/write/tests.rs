//! Data files read back with the library's own reader: what went in comes out, in its own column, whatever was null.

use parquet::arrow::arrow_reader::ParquetRecordBatchReaderBuilder;
use proptest::prelude::*;
use proptest::sample::select;

use super::*;
use crate::lake::Table;
use crate::leg::{COLUMNS, Direction, Name, Outcome, Part, RedirectReason, Told as Leg};
use crate::number::Class;

/// The rows of a file of legs, and what Delta is told of it.
fn read_back(parts: &[Vec<Leg<'_>>]) -> (RecordBatch, Written) {
    let folder = tempfile::tempdir().unwrap();
    let mut texts = Texts::default();
    let mut gather = |legs: &Vec<Leg<'_>>| {
        let mut rows = Legs::default();
        legs.iter().for_each(|leg| rows.push(&leg.kept(&mut texts)));
        rows
    };
    let parts: Vec<Legs> = parts.iter().map(&mut gather).collect();
    let schema = Table::Legs.schema();
    let mut file = DataFile::create(folder.path(), "legs.parquet", &schema).unwrap();
    file.append_legs(&parts.iter().collect::<Vec<_>>(), &texts).unwrap();
    let written = file.finish().unwrap();
    let path = folder.path().join("legs.parquet");
    assert_eq!(written.size as u64, path.metadata().unwrap().len());
    assert_eq!(written.hash, blake3::hash(&std::fs::read(&path).unwrap()).to_hex().to_string());
    let reader = ParquetRecordBatchReaderBuilder::try_new(File::open(&path).unwrap()).unwrap();
    assert_eq!(reader.schema().fields(), schema.fields());
    let batches: Vec<RecordBatch> = reader.build().unwrap().map(Result::unwrap).collect();
    (arrow::compute::concat_batches(&schema, &batches).unwrap(), written)
}

fn leg() -> Leg<'static> {
    Leg {
        leg_key: 1,
        call_key: 2,
        source: Some("source"),
        platform: Some("platform"),
        input_id: 3,
        record_no: 4,
        started_at_us: 5,
        local_day: 6,
        local_minute: 7,
        ring_s: Some(8),
        talk_s: 9,
        direction: Direction::Tandem,
        outcome: Outcome::Busy,
        caller: Some("caller"),
        dialled: Some("dialled"),
        callee: Some("callee"),
        caller_ext: Some("caller_ext"),
        dialled_ext: Some("dialled_ext"),
        callee_ext: Some("callee_ext"),
        redirect_ext: Some("redirect_ext"),
        redirect_reason: Some(RedirectReason::Queue),
        caller_device: Some("caller_device"),
        callee_device: Some("callee_device"),
        caller_user: Some("caller_user"),
        callee_user: Some("callee_user"),
        trunk_in: Some("trunk_in"),
        trunk_out: Some("trunk_out"),
        hunt_group: Some("hunt_group"),
        number_class: Some(Class::Premium),
        cause: Some(10),
        account_code: Some("account_code"),
        charge_micros: Some(11),
        currency: Some("currency"),
        vendor_kind: Some("vendor_kind"),
        part: Part::System,
        caller_link: Some(12),
        callee_link: Some(13),
        caller_node: Some("caller_node"),
        callee_node: Some("callee_node"),
    }
}

/// The cells of a row as text; null is a dash.
fn cells(rows: &RecordBatch, row: usize) -> Vec<String> {
    use arrow::util::display::{ArrayFormatter, FormatOptions};
    let options = FormatOptions::default().with_null("-");
    let cell = |column| ArrayFormatter::try_new(column, &options).unwrap().value(row).to_string();
    rows.columns().iter().map(|column| cell(column)).collect()
}

/// Catches a column filled from its neighbour: every field carries its own name or a number of its own.
#[test]
fn every_field_lands_in_its_own_column() {
    let (rows, written) = read_back(&[vec![leg()]]);
    assert_eq!(rows.num_rows(), 1);
    let numbers = [
        ("leg_key", "1"),
        ("call_key", "2"),
        ("input_id", "3"),
        ("record_no", "4"),
        ("started_at", "1970-01-01T00:00:00.000005Z"),
        ("local_day", "1970-01-07"),
        ("local_minute", "7"),
        ("ring_s", "8"),
        ("talk_s", "9"),
        ("direction", "tandem"),
        ("outcome", "busy"),
        ("redirect_reason", "queue"),
        ("number_class", "premium"),
        ("cause", "10"),
        ("charge_micros", "11"),
        ("part", "system"),
        ("caller_link", "12"),
        ("callee_link", "13"),
    ];
    for ((name, ..), cell) in COLUMNS.iter().zip(cells(&rows, 0)) {
        let expected = numbers.iter().find(|(column, _)| column == name).map_or(*name, |(_, cell)| cell);
        assert_eq!(cell, expected, "{name}");
    }
    let told: Value = serde_json::from_str(&written.stats).unwrap();
    assert_eq!(told["numRecords"], 1);
    assert_eq!(told["minValues"]["local_day"], "1970-01-07");
    assert_eq!(told["maxValues"]["started_at"], "1970-01-01T00:00:00.000005Z");
}

prop_compose! {
    /// Legs with every mixture of present and absent, few values and many.
    fn any_leg()(
        keys in any::<[i64; 4]>(),
        moment in prop_oneof![0i64..3, -4_000_000_000_000_000i64..4_000_000_000_000_000],
        minute in 0i16..1440,
        seconds in (proptest::option::of(0i32..5), 0i32..100_000),
        words in (select(Direction::ALL), select(Outcome::ALL), select(Part::ALL), proptest::option::of(select(RedirectReason::ALL)), proptest::option::of(select(Class::ALL))),
        figures in proptest::array::uniform4(proptest::option::of(prop_oneof![Just(7i64), any::<i64>()])),
        names in proptest::collection::vec(proptest::option::of(select(vec!["200123", "é", "a long name of somebody's trunk", ""])), 19),
    ) -> Leg<'static> {
        Leg {
            leg_key: keys[0], call_key: keys[1], input_id: keys[2], record_no: keys[3],
            started_at_us: moment, local_day: (moment / 86_400_000_000) as i32, local_minute: minute,
            ring_s: seconds.0, talk_s: seconds.1,
            direction: words.0, outcome: words.1, part: words.2, redirect_reason: words.3, number_class: words.4,
            cause: figures[0], charge_micros: figures[1], caller_link: figures[2], callee_link: figures[3],
            caller: names[0], dialled: names[1], callee: names[2], caller_ext: names[3], dialled_ext: names[4],
            callee_ext: names[5], redirect_ext: names[6], caller_device: names[7], callee_device: names[8],
            caller_user: names[9], callee_user: names[10], trunk_in: names[11], trunk_out: names[12],
            hunt_group: names[13], account_code: names[14], currency: names[15], vendor_kind: names[16],
            caller_node: names[17], callee_node: names[18],
            ..leg()
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(48))]

    /// Rows come back as they were, in runs and out of them, across parts; and read into memory again they are the same.
    #[test]
    fn what_is_written_is_read(few in proptest::collection::vec((any_leg(), 1usize..40), 1..40), cut in 0usize..40) {
        let legs: Vec<Leg<'_>> = few.iter().flat_map(|(leg, times)| std::iter::repeat_n(leg.clone(), *times)).collect();
        let (first, second) = legs.split_at(cut.min(legs.len()));
        let (rows, _) = read_back(&[first.to_vec(), second.to_vec()]);
        prop_assert_eq!(rows.num_rows(), legs.len());
        let mut texts = Texts::default();
        let again = Legs::of(&rows, &mut texts).unwrap();
        for (row, leg) in legs.iter().enumerate() {
            let number = |n: Option<i64>| n.map_or("-".to_string(), |n| n.to_string());
            let told = cells(&rows, row);
            let at = |name: &str| &told[rows.schema().index_of(name).unwrap()];
            prop_assert_eq!(at("leg_key"), &leg.leg_key.to_string());
            prop_assert_eq!(at("cause"), &number(leg.cause));
            prop_assert_eq!(at("callee_link"), &number(leg.callee_link));
            prop_assert_eq!(at("ring_s"), &number(leg.ring_s.map(i64::from)));
            prop_assert_eq!(at("local_minute"), &leg.local_minute.to_string());
            prop_assert_eq!(at("hunt_group"), leg.hunt_group.unwrap_or("-"));
            prop_assert_eq!(at("number_class"), leg.number_class.map_or("-", Class::word));
            prop_assert_eq!(again.started_at_us[row], leg.started_at_us);
            prop_assert_eq!((again.part[row], again.talk_s[row]), (leg.part, leg.talk_s));
            prop_assert_eq!(texts.text(again.names(Name::CalleeNode)[row]), leg.callee_node);
        }
    }
}

/// More rows than a data page, a row group and a dictionary hold: keys of many bits, pages that end within a run.
#[test]
fn many_rows_in_many_pages() {
    let names: Vec<String> = (0..300_000).map(|n| format!("{}", n % 70_001)).collect();
    let legs = |range: std::ops::Range<usize>| -> Vec<Leg<'_>> {
        range.map(|n| Leg { record_no: n as i64, caller: (n % 5 != 0).then(|| names[n].as_str()), ..leg() }).collect()
    };
    let (rows, _) = read_back(&[legs(0..200_000), legs(200_000..300_000)]);
    let callers = rows.column_by_name("caller").unwrap().as_string::<i32>();
    assert_eq!(rows.num_rows(), 300_000);
    for (n, name) in names.iter().enumerate() {
        assert_eq!(callers.is_valid(n).then(|| callers.value(n)), (n % 5 != 0).then_some(name.as_str()), "{n}");
    }
}
