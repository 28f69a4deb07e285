//! The quarter-hourly roll-up: what nodes, trunks and groups carried, and what their records show, per quarter of the
//! civil day. Counts add up over rows and batches. Works on legs in memory; stores nothing.
//!
//! A call holds its circuit from set-up to end: ring and talk, the half-open interval, cut at the quarters (E.500). Legs are
//! counted in the quarter they began in; system legs count for nothing. Quarters run on as if no clock was changed
//! during a call.

use std::collections::HashMap;
use std::ops::Range;
use std::sync::Arc;

use arrow::array::{ArrayRef, Date32Builder, Int16Builder, Int64Array, Int64Builder, RecordBatch, StringBuilder};
use arrow::datatypes::{DataType, Field, Schema, SchemaRef};
use foldhash::fast::FixedState;

use crate::leg::{Direction, Legs, NONE, Name, Outcome, Part, TextId, Texts, words};

words!(
    /// What carried the calls.
    Carrier {
        /// The node whose file the record came in; every leg counts for just one.
        Node = "node",
        /// A node that a record names at one of its ends.
        FarNode = "far_node",
        Trunk = "trunk",
        /// Hunt pilot or queue.
        Group = "group",
    }
);

/// The counts, in the order of [`schema`].
pub const COUNTS: [&str; 7] = ["legs", "answered", "unanswered", "internal", "unattributed", "held_s", "long_s"];
const LEGS: usize = 0;
const ANSWERED: usize = 1;
const UNANSWERED: usize = 2;
const INTERNAL: usize = 3;
const UNATTRIBUTED: usize = 4;
const HELD: usize = 5;
const LONG: usize = 6;

const QUARTER_S: i64 = 900;
const QUARTERS: i64 = 96;
/// A call longer than this may be one that nobody hung up: its seconds are told apart.
const LONG_S: i64 = 4 * 3600;
/// Of a longer call the first day is told: a damaged length must not fill the table.
const LONGEST_S: i64 = 86_400;

/// The Arrow schema of `traffic`.
pub fn schema() -> SchemaRef {
    let mut fields = vec![
        Field::new("source", DataType::Utf8, false),
        Field::new("local_day", DataType::Date32, false),
        Field::new("quarter", DataType::Int16, false),
        Field::new("kind", DataType::Utf8, false),
        Field::new("name", DataType::Utf8, false),
    ];
    fields.extend(COUNTS.iter().map(|name| Field::new(*name, DataType::Int64, false)));
    fields.push(Field::new("batch", DataType::Int64, false));
    Arc::new(Schema::new(fields))
}

type Row = [i64; COUNTS.len()];
/// Civil day and quarter.
type Slot = (i32, i16);
/// Source, kind of carrier, its name.
type Key = (TextId, Carrier, TextId);

/// Traffic of a batch, growing leg by leg. All is found by its place; a place is one more than an index, and 0 is none.
#[derive(Debug, Default)]
pub struct Traffic {
    carriers: Vec<Key>,
    /// Of each source, by kind and by name: the place among `carriers`.
    numbers: Vec<(TextId, [Vec<u32>; Carrier::ALL.len()])>,
    /// Of each slot, by place of the carrier: the place among `rows`.
    slots: Vec<(Slot, Vec<u32>)>,
    at: HashMap<Slot, usize, FixedState>,
    rows: Vec<Row>,
    /// Where the slot before is.
    last: Option<(Slot, usize)>,
}

impl Traffic {
    /// Adds rows of one input, which the platform's node `node` wrote; the number of a blank text where the file does not
    /// tell. All legs of one traffic have their texts in one [`Texts`].
    pub fn add(&mut self, legs: &Legs, rows: Range<usize>, node: TextId) {
        for row in rows {
            if legs.part[row] != Part::System {
                self.add_row(legs, row, node);
            }
        }
    }

    /// Adds what was counted elsewhere, with the same texts.
    pub fn merge(&mut self, other: &Self) {
        for (slot, key, theirs) in other.told() {
            let carrier = self.carrier(key);
            self.row(slot, carrier).iter_mut().zip(theirs).for_each(|(sum, n)| *sum += n);
        }
    }

    /// Every row, in no order.
    fn told(&self) -> impl Iterator<Item = (Slot, Key, &Row)> {
        self.slots.iter().flat_map(|(slot, places)| {
            let taken = places.iter().enumerate().filter(|(_, row)| **row != 0);
            taken.map(|(carrier, row)| (*slot, self.carriers[carrier - 1], &self.rows[*row as usize - 1]))
        })
    }

    /// The place of a carrier.
    fn carrier(&mut self, (source, kind, name): Key) -> usize {
        let of = self.numbers.iter().position(|(of, _)| *of == source).unwrap_or_else(|| {
            self.numbers.push((source, Default::default()));
            self.numbers.len() - 1
        });
        let places = &mut self.numbers[of].1[kind as usize];
        if places.len() <= name as usize {
            places.resize(name as usize + 1, 0);
        }
        let place = &mut places[name as usize];
        if *place == 0 {
            self.carriers.push((source, kind, name));
            *place = self.carriers.len() as u32;
        }
        *place as usize
    }

    fn row(&mut self, slot: Slot, carrier: usize) -> &mut Row {
        let at = match self.last {
            Some((last, at)) if last == slot => at,
            _ => *self.at.entry(slot).or_insert_with(|| {
                self.slots.push((slot, Vec::new()));
                self.slots.len() - 1
            }),
        };
        self.last = Some((slot, at));
        let places = &mut self.slots[at].1;
        if places.len() <= carrier {
            places.resize(carrier + 1, 0);
        }
        let place = &mut places[carrier];
        if *place == 0 {
            self.rows.push(Row::default());
            *place = self.rows.len() as u32;
        }
        &mut self.rows[*place as usize - 1]
    }

    /// One row per source, day, quarter, kind and name, in that order.
    pub fn batch(&self, texts: &Texts, batch: i64) -> RecordBatch {
        let text = |id: TextId| texts.text(id).unwrap_or_default();
        let mut sorted: Vec<_> = self
            .told()
            .map(|(slot, (source, kind, name), row)| ((text(source), slot, kind.word(), text(name)), row))
            .collect();
        sorted.sort_unstable_by_key(|(key, _)| *key);
        let mut told: [StringBuilder; 3] = Default::default();
        let (mut day, mut quarter) = (Date32Builder::new(), Int16Builder::new());
        let mut counts: [Int64Builder; COUNTS.len()] = Default::default();
        for ((source, slot, kind, name), row) in &sorted {
            told.iter_mut().zip([source, kind, name]).for_each(|(builder, text)| builder.append_value(text));
            day.append_value(slot.0);
            quarter.append_value(slot.1);
            counts.iter_mut().zip(**row).for_each(|(builder, n)| builder.append_value(n));
        }
        let [source, kind, name] = told.map(|mut builder| Arc::new(builder.finish()) as ArrayRef);
        let mut columns = vec![source, Arc::new(day.finish()), Arc::new(quarter.finish()), kind, name];
        columns.extend(counts.iter_mut().map(|b| Arc::new(b.finish()) as ArrayRef));
        columns.push(Arc::new(Int64Array::from_value(batch, sorted.len())));
        RecordBatch::try_new(schema(), columns).expect("COUNTS and the builders agree")
    }

    fn add_row(&mut self, legs: &Legs, row: usize, node: TextId) {
        let leg = LegView::of(legs, row);
        let mut counts = leg.counts;
        let name = |name: Name| legs.names(name)[row];
        self.put(&leg, Carrier::Node, node, counts);
        let ends = [name(Name::CallerNode), name(Name::CalleeNode)];
        for (i, far) in ends.into_iter().enumerate() {
            if ![NONE, node].contains(&far) && !ends[..i].contains(&far) {
                self.put(&leg, Carrier::FarNode, far, counts);
            }
        }
        for trunk in [name(Name::TrunkIn), name(Name::TrunkOut)] {
            if trunk != NONE {
                self.put(&leg, Carrier::Trunk, trunk, counts);
            }
        }
        let group = name(Name::HuntGroup);
        if group != NONE {
            let hides = [NONE, group].contains(&name(Name::CalleeExt));
            counts[UNATTRIBUTED] = i64::from(leg.is_answered && hides);
            self.put(&leg, Carrier::Group, group, counts);
        }
    }

    fn put(&mut self, leg: &LegView, kind: Carrier, name: TextId, counts: Row) {
        let carrier = self.carrier((leg.source, kind, name));
        let row = self.row(slot(leg.day, leg.second), carrier);
        row.iter_mut().zip(counts).for_each(|(sum, n)| *sum += n);
        let (mut at, end) = (leg.second, leg.second + leg.held_s);
        while at < end {
            let until = ((at / QUARTER_S + 1) * QUARTER_S).min(end);
            let row = self.row(slot(leg.day, at), carrier);
            row[HELD] += until - at;
            row[LONG] += if leg.held_s > LONG_S { until - at } else { 0 };
            at = until;
        }
    }
}

/// The quarter of a second counted from the start of `day`.
fn slot(day: i32, second: i64) -> Slot {
    let quarter = second / QUARTER_S;
    (day + (quarter / QUARTERS) as i32, (quarter % QUARTERS) as i16)
}

struct LegView {
    source: TextId,
    day: i32,
    /// Of the civil day.
    second: i64,
    held_s: i64,
    is_answered: bool,
    /// All but the seconds, which lie where they lie.
    counts: Row,
}

impl LegView {
    /// A number, handset or login of ours at either end.
    const OURS: [Name; 8] = [
        Name::CallerExt,
        Name::DialledExt,
        Name::CalleeExt,
        Name::RedirectExt,
        Name::CallerDevice,
        Name::CalleeDevice,
        Name::CallerUser,
        Name::CalleeUser,
    ];

    fn of(legs: &Legs, row: usize) -> Self {
        let (direction, outcome) = (legs.direction[row], legs.outcome[row]);
        let is_answered = outcome == Outcome::Answered;
        let is_ours = Self::OURS.iter().any(|name| legs.names(*name)[row] != NONE);
        let mut counts = Row::default();
        counts[LEGS] = 1;
        counts[ANSWERED] = i64::from(is_answered);
        counts[UNANSWERED] = i64::from(matches!(outcome, Outcome::NoAnswer | Outcome::Abandoned));
        counts[INTERNAL] = i64::from(direction == Direction::Internal);
        counts[UNATTRIBUTED] = i64::from(!is_ours && direction != Direction::Tandem);
        // Zones differ by whole minutes: the second of the minute is that of UTC.
        let second = legs.started_at_us[row].div_euclid(1_000_000).rem_euclid(60);
        let held_s = i64::from(legs.ring_s[row].unwrap_or(0)) + i64::from(legs.talk_s[row]);
        Self {
            source: legs.names(Name::Source)[row],
            day: legs.local_day[row],
            second: i64::from(legs.local_minute[row]) * 60 + second,
            held_s: held_s.clamp(0, LONGEST_S),
            is_answered,
            counts,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::leg::Told as Leg;
    use arrow::array::AsArray;
    use arrow::datatypes::{Date32Type, Int16Type};
    use proptest::prelude::*;

    /// 60101 calls out on day 100 at 10:14:30, rings 20 s, talks 70 s: 30 s before the quarter and 60 s behind it.
    fn leg() -> Leg<'static> {
        Leg {
            leg_key: 1,
            call_key: 1,
            source: Some("hq"),
            platform: Some("p"),
            input_id: 1,
            record_no: 1,
            started_at_us: 30_000_000,
            local_day: 100,
            local_minute: 614,
            ring_s: Some(20),
            talk_s: 70,
            direction: Direction::Outbound,
            outcome: Outcome::Answered,
            caller: Some("60101"),
            dialled: None,
            callee: None,
            caller_ext: Some("60101"),
            dialled_ext: None,
            callee_ext: None,
            redirect_ext: None,
            redirect_reason: None,
            caller_device: None,
            callee_device: None,
            caller_user: None,
            callee_user: None,
            trunk_in: None,
            trunk_out: Some("PSTN"),
            hunt_group: None,
            number_class: None,
            cause: None,
            account_code: None,
            charge_micros: None,
            currency: None,
            vendor_kind: None,
            part: Part::Whole,
            caller_link: None,
            callee_link: None,
            caller_node: Some("1"),
            callee_node: None,
        }
    }

    /// `day quarter kind name: counts`, zeros left out.
    fn told(legs: &[Leg<'_>], node: &str) -> Vec<String> {
        let (mut rows, mut texts, mut traffic) = (Legs::default(), Texts::default(), Traffic::default());
        legs.iter().for_each(|leg| rows.push(&leg.kept(&mut texts)));
        let node = texts.id(Some(node));
        traffic.add(&rows, 0..rows.len(), node);
        let batch = traffic.batch(&texts, 1);
        let word = |row, column: usize| batch.column(column).as_string::<i32>().value(row).to_string();
        let line = |row| {
            let day = batch.column(1).as_primitive::<Date32Type>().value(row);
            let quarter = batch.column(2).as_primitive::<Int16Type>().value(row);
            let mut line = format!("{day} {quarter} {} {}:", word(row, 3), word(row, 4));
            for (i, name) in COUNTS.iter().enumerate() {
                let n = batch.column(5 + i).as_primitive::<arrow::datatypes::Int64Type>().value(row);
                line += &if n == 0 { String::new() } else { format!(" {name} {n}") };
            }
            line
        };
        (0..batch.num_rows()).map(line).collect()
    }

    #[test]
    fn a_call_is_cut_at_the_quarter() {
        assert_eq!(
            told(&[leg()], "1"),
            [
                "100 40 node 1: legs 1 answered 1 held_s 30",
                "100 40 trunk PSTN: legs 1 answered 1 held_s 30",
                "100 41 node 1: held_s 60",
                "100 41 trunk PSTN: held_s 60",
            ]
        );
    }

    #[test]
    fn a_call_over_midnight_goes_on_in_the_next_day() {
        let late = Leg { local_minute: 1439, trunk_out: None, ring_s: None, talk_s: 31, ..leg() };
        assert_eq!(
            told(&[late], ""),
            [
                "100 95 far_node 1: legs 1 answered 1 held_s 30",
                "100 95 node : legs 1 answered 1 held_s 30",
                "101 0 far_node 1: held_s 1",
                "101 0 node : held_s 1",
            ]
        );
    }

    /// Twelve hours off the hook: all of it is told as long, and a day is the most.
    #[test]
    fn a_stuck_call_is_told_apart() {
        let stuck = |hours: i32| Leg { trunk_out: None, ring_s: None, talk_s: hours * 3_600, ..leg() };
        let sums = |legs: &[Leg<'_>]| {
            let lines = told(legs, "1");
            let sum = |word: &str| -> i64 {
                let of = |line: &String| {
                    line.split(' ').skip_while(|w| *w != word).nth(1).map(|n| n.parse::<i64>().unwrap())
                };
                lines.iter().filter_map(of).sum()
            };
            (lines.len(), sum("held_s"), sum("long_s"))
        };
        assert_eq!(sums(&[stuck(12)]), (48 + 1, 43_200, 43_200));
        assert_eq!(sums(&[stuck(300)]), (96 + 1, LONGEST_S, LONGEST_S));
    }

    #[test]
    fn a_group_that_hides_who_answered_is_seen() {
        let hunted = |member| Leg {
            direction: Direction::Inbound,
            hunt_group: Some("8000"),
            callee_ext: member,
            caller_node: None,
            trunk_out: None,
            ring_s: None,
            talk_s: 0,
            ..leg()
        };
        let legs = [hunted(Some("60101")), hunted(Some("8000")), hunted(None)];
        assert_eq!(told(&legs, "")[0], "100 40 group 8000: legs 3 answered 3 unattributed 2");
    }

    #[test]
    fn a_leg_that_names_nobody_of_ours_is_seen_and_a_system_leg_is_not() {
        let nobody = Leg { caller_ext: None, trunk_out: None, caller_node: None, ring_s: None, talk_s: 0, ..leg() };
        let tandem = Leg { direction: Direction::Tandem, ..nobody.clone() };
        let system = Leg { part: Part::System, ..nobody.clone() };
        assert_eq!(told(&[nobody, tandem, system], ""), ["100 40 node : legs 2 answered 2 unattributed 1"]);
    }

    proptest! {
        /// No second is lost or made, wherever a call begins.
        #[test]
        fn every_second_lies_in_a_quarter(second in 0i64..86_400, ring in proptest::option::of(0i32..300), talk in 0i32..86_000) {
            let any = Leg {
                local_minute: (second / 60) as i16,
                started_at_us: second * 1_000_000,
                ring_s: ring,
                talk_s: talk,
                trunk_out: None,
                ..leg()
            };
            let held: i64 = told(&[any], "1").iter().filter_map(|line| {
                line.split(' ').skip_while(|w| *w != "held_s").nth(1).map(|n| n.parse::<i64>().unwrap())
            }).sum();
            prop_assert_eq!(held, i64::from(ring.unwrap_or(0) + talk));
        }
    }
}
