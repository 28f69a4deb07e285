//! The daily roll-up: who used what, how often, per civil day. Counts add up over rows and batches, so that a
//! question about the estate costs extensions × days and not calls. Works on legs in memory; stores nothing.
//!
//! The rules are those of DESIGN section 4, put as one row per leg and subject:
//! a *number* that calls has `made`; one that was asked for, ended at or passed the call on has `offered`, and just one of
//! `answered` (it picked up), `voicemail`, `diverted` (met elsewhere, also beyond a trunk), `missed`. A *device* or *user*
//! has `made`, or `offered` with `answered` or `missed`. System legs count for nobody, continued ones only by their seconds,
//! onward ones for who was called and not again for who called. A *group* (hunt pilot, queue) is offered a call and has
//! one fate of it as a number has.
//! Seconds in belong to the end that answered last: no record says how long the others had the call.

use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;

use arrow::array::{
    Array, ArrayRef, AsArray, Date32Builder, Int16Builder, Int64Array, Int64Builder, PrimitiveArray, RecordBatch,
    StringArray, StringBuilder,
};
use arrow::datatypes::{DataType, Date32Type, Field, Int16Type, Int32Type, Schema, SchemaRef};

use crate::leg::{Direction, Outcome, Part, RedirectReason, words};
use crate::number::Class;

words!(
    /// Things that are not one: a number, the handset it rings on, the person logged in there, the group it was asked by.
    Subject {
        Number = "number",
        Device = "device",
        User = "user",
        Group = "group",
    }
);

/// The counts, in the order of [`schema`].
pub const COUNTS: [&str; 19] = [
    "made",
    "made_answered",
    "offered",
    "answered",
    "missed",
    "diverted",
    "voicemail",
    "internal",
    "external",
    "emergency",
    "talk_in_s",
    "talk_out_s",
    "answer_timed",
    "answered_10s",
    "answered_20s",
    "answered_30s",
    "wait_s",
    "abandoned",
    "in_hours",
];
/// Behind the counts: the longest ring of a call offered, the longest call, and of what was dialled a hash of 16 bits,
/// -1 where it was more than one number. Over rows, the least and the greatest are equal and not -1 where one number is
/// all that ever was (two may look like one in 1 of 65,536).
pub const EXTREMES: [&str; 3] = ["longest_wait_s", "longest_call_s", "dialled_one"];
const SEVERAL: i64 = -1;
const MADE: usize = 0;
const MADE_ANSWERED: usize = 1;
const OFFERED: usize = 2;
const ANSWERED: usize = 3;
const MISSED: usize = 4;
const DIVERTED: usize = 5;
const VOICEMAIL: usize = 6;
const INTERNAL: usize = 7;
const EXTERNAL: usize = 8;
const EMERGENCY: usize = 9;
const TALK_IN: usize = 10;
const TALK_OUT: usize = 11;
const ANSWER_TIMED: usize = 12;
/// Seconds within which a call was answered, and where that is counted.
const ANSWERED_WITHIN: [(i64, usize); 3] = [(10, 13), (20, 14), (30, 15)];
const WAIT: usize = 16;
const ABANDONED: usize = 17;
const IN_HOURS: usize = 18;

/// Minutes of the civil day that are office hours: 08:00 to 17:59. Weekends and holidays are the calendar's to tell.
const OFFICE_MINUTES: std::ops::Range<i16> = 480..1080;

/// The Arrow schema of `usage`.
pub fn schema() -> SchemaRef {
    let mut fields = vec![
        Field::new("source", DataType::Utf8, false),
        Field::new("local_day", DataType::Date32, false),
        Field::new("subject_kind", DataType::Utf8, false),
        Field::new("subject", DataType::Utf8, false),
    ];
    fields.extend(COUNTS.iter().map(|name| Field::new(*name, DataType::Int64, false)));
    fields.extend(EXTREMES.iter().map(|name| Field::new(*name, DataType::Int64, true)));
    fields.push(Field::new("first_minute", DataType::Int16, false));
    fields.push(Field::new("last_minute", DataType::Int16, false));
    fields.push(Field::new("batch", DataType::Int64, false));
    Arc::new(Schema::new(fields))
}

/// In the order of [`COUNTS`].
type Row = [i64; COUNTS.len()];

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Counts {
    counts: Row,
    /// In the order of [`EXTREMES`].
    extremes: [Option<i64>; EXTREMES.len()],
    first_minute: i16,
    last_minute: i16,
}

/// Usage of a batch, growing leg by leg.
#[derive(Debug, Default)]
pub struct Usage {
    /// By source, day and kind of subject; then by subject, so that a look-up needs no owned text.
    groups: HashMap<(String, i32, &'static str), HashMap<String, Counts>>,
}

impl Usage {
    /// Adds the legs of one source (rows of [`crate::leg::schema`]).
    pub fn add(&mut self, legs: &RecordBatch) {
        let rows = Rows::of(legs);
        for row in 0..legs.num_rows() {
            self.add_row(&rows, row);
        }
    }

    /// One row per source, day, kind and subject, in that order.
    pub fn batch(&self, batch: i64) -> RecordBatch {
        let groups: BTreeMap<_, _> = self.groups.iter().collect();
        let (mut source, mut kind, mut subject) = (StringBuilder::new(), StringBuilder::new(), StringBuilder::new());
        let (mut day, mut first, mut last) = (Date32Builder::new(), Int16Builder::new(), Int16Builder::new());
        let mut counts: [Int64Builder; COUNTS.len()] = Default::default();
        let mut extremes: [Int64Builder; EXTREMES.len()] = Default::default();
        for (key, subjects) in groups {
            for (name, row) in subjects.iter().collect::<BTreeMap<_, _>>() {
                source.append_value(&key.0);
                day.append_value(key.1);
                kind.append_value(key.2);
                subject.append_value(name);
                counts.iter_mut().zip(row.counts).for_each(|(builder, n)| builder.append_value(n));
                extremes.iter_mut().zip(row.extremes).for_each(|(builder, n)| builder.append_option(n));
                first.append_value(row.first_minute);
                last.append_value(row.last_minute);
            }
        }
        let subject = subject.finish();
        let batches = Int64Array::from_iter_values(std::iter::repeat_n(batch, subject.len()));
        let mut columns: Vec<ArrayRef> =
            vec![Arc::new(source.finish()), Arc::new(day.finish()), Arc::new(kind.finish()), Arc::new(subject)];
        columns.extend(counts.iter_mut().map(|b| Arc::new(b.finish()) as ArrayRef));
        columns.extend(extremes.iter_mut().map(|b| Arc::new(b.finish()) as ArrayRef));
        columns.extend([Arc::new(first.finish()) as ArrayRef, Arc::new(last.finish()), Arc::new(batches) as ArrayRef]);
        RecordBatch::try_new(schema(), columns).expect("COUNTS and the builders agree")
    }

    fn add_row(&mut self, rows: &Rows<'_>, row: usize) {
        let part = rows.part.value(row);
        if part == Part::System.word() {
            return;
        }
        let leg = LegView::of(rows, row);
        let (caller_device, caller_user) = (text(rows.caller_device, row), text(rows.caller_user, row));
        let made_by = [(Subject::Number, leg.caller), (Subject::Device, caller_device), (Subject::User, caller_user)];
        for (kind, subject) in made_by {
            let Some(subject) = subject else { continue };
            let row = self.row(&leg, kind, subject);
            row.talked(leg.talk_s);
            if leg.is_whole {
                row.dialled(leg.asked_for);
            }
            let counts = &mut row.counts;
            counts[TALK_OUT] += leg.talk_s;
            if leg.is_whole {
                counts[MADE] += 1;
                counts[MADE_ANSWERED] += i64::from(leg.is_answered);
                counts[EMERGENCY] += i64::from(leg.is_emergency);
                leg.count_direction(counts);
            }
        }
        for (kind, subject, caller) in [
            (Subject::Device, text(rows.callee_device, row), caller_device),
            (Subject::User, text(rows.callee_user, row), caller_user),
        ] {
            let Some(subject) = subject else { continue };
            let how = if leg.is_answered { ANSWERED } else { MISSED };
            let talk_s = if leg.is_answered { leg.talk_s } else { 0 };
            self.offer(&leg, kind, subject, how, caller, talk_s);
        }
        if let Some(group) = text(rows.hunt_group, row) {
            let how = match () {
                () if leg.is_answered => ANSWERED,
                () if leg.outcome == Outcome::Voicemail.word() => VOICEMAIL,
                () if leg.outcome == Outcome::Diverted.word() => DIVERTED,
                () => MISSED,
            };
            self.offer(&leg, Subject::Group, group, how, None, if leg.is_answered { leg.talk_s } else { 0 });
        }
        self.add_numbers(&leg);
    }

    /// The numbers a call was for: asked for, ended at, passed on by. Each of them meets one fate.
    fn add_numbers(&mut self, leg: &LegView<'_>) {
        let callee = leg.callee.filter(|_| leg.callee != leg.dialled);
        // Who passes on his own call was not called.
        let redirect = leg.redirect.filter(|_| ![leg.dialled, leg.callee, leg.caller].contains(&leg.redirect));
        for number in [leg.dialled, callee, redirect].into_iter().flatten() {
            let picked_up = leg.is_answered && leg.ended_at(number);
            let how = match () {
                // Who transfers or brings into a conference has picked up first.
                () if leg.is_handed_on && leg.redirect == Some(number) => ANSWERED,
                () if leg.outcome == Outcome::Voicemail.word() => VOICEMAIL,
                () if picked_up => ANSWERED,
                () if leg.is_answered || leg.outcome == Outcome::Diverted.word() => DIVERTED,
                () => MISSED,
            };
            self.offer(leg, Subject::Number, number, how, leg.caller, if picked_up { leg.talk_s } else { 0 });
        }
    }

    /// Counts the offer of a leg, what became of it and for how long. A leg from a subject to itself is one leg, offered
    /// and made.
    fn offer(
        &mut self,
        leg: &LegView<'_>,
        kind: Subject,
        subject: &str,
        how: usize,
        caller: Option<&str>,
        talk_s: i64,
    ) {
        let row = self.row(leg, kind, subject);
        row.counts[TALK_IN] += talk_s;
        row.talked(talk_s);
        if leg.is_attempt {
            row.offered(leg, how);
            if !leg.is_whole || caller != Some(subject) {
                leg.count_direction(&mut row.counts);
            }
        }
    }

    /// The row of a subject on the leg's day.
    fn row(&mut self, leg: &LegView<'_>, kind: Subject, subject: &str) -> &mut Counts {
        let key = (leg.source.to_string(), leg.day, kind.word());
        let group = self.groups.entry(key).or_default();
        if !group.contains_key(subject) {
            group.insert(subject.to_string(), Counts::at(leg.minute));
        }
        let row = group.get_mut(subject).expect("it was just put there");
        row.first_minute = row.first_minute.min(leg.minute);
        row.last_minute = row.last_minute.max(leg.minute);
        row
    }
}

impl Counts {
    fn at(minute: i16) -> Self {
        Self { counts: Row::default(), extremes: Default::default(), first_minute: minute, last_minute: minute }
    }

    fn talked(&mut self, talk_s: i64) {
        let [_, longest, ..] = &mut self.extremes;
        *longest = (*longest).max((talk_s > 0).then_some(talk_s));
    }

    fn dialled(&mut self, number: Option<&str>) {
        let Some(hash) = number.map(|number| (crate::read::hash(&[number.as_bytes()]) & 0xffff) as i64) else { return };
        let [.., one] = &mut self.extremes;
        *one = Some(if one.is_none_or(|one| one == hash) { hash } else { SEVERAL });
    }

    fn offered(&mut self, leg: &LegView<'_>, how: usize) {
        self.counts[OFFERED] += 1;
        self.counts[how] += 1;
        self.counts[IN_HOURS] += i64::from(OFFICE_MINUTES.contains(&leg.minute));
        self.counts[ABANDONED] += i64::from(how == MISSED && leg.is_given_up);
        let [longest, ..] = &mut self.extremes;
        *longest = (*longest).max(leg.ring_s);
        if let (ANSWERED, Some(ring_s)) = (how, leg.ring_s) {
            self.counts[ANSWER_TIMED] += 1;
            self.counts[WAIT] += ring_s;
            for (within, at) in ANSWERED_WITHIN {
                self.counts[at] += i64::from(ring_s <= within);
            }
        }
    }
}

/// A cell, none where it is null.
pub(crate) fn text(column: &StringArray, row: usize) -> Option<&str> {
    column.is_valid(row).then(|| column.value(row))
}

struct LegView<'a> {
    source: &'a str,
    day: i32,
    minute: i16,
    talk_s: i64,
    ring_s: Option<i64>,
    direction: &'a str,
    outcome: &'a str,
    /// The first number asked for, ours or not.
    asked_for: Option<&'a str>,
    caller: Option<&'a str>,
    dialled: Option<&'a str>,
    callee: Option<&'a str>,
    redirect: Option<&'a str>,
    /// It ended at a number, ours or not.
    has_callee: bool,
    /// An attempt of who called.
    is_whole: bool,
    /// An attempt at who was called, whoever started it.
    is_attempt: bool,
    is_answered: bool,
    is_handed_on: bool,
    /// Nobody picked up, and the caller let it be.
    is_given_up: bool,
    is_emergency: bool,
}

impl<'a> LegView<'a> {
    fn of(rows: &Rows<'a>, row: usize) -> Self {
        let (direction, outcome) = (rows.direction.value(row), rows.outcome.value(row));
        let reason = text(rows.redirect_reason, row);
        Self {
            source: rows.source.value(row),
            day: rows.local_day.value(row),
            minute: rows.local_minute.value(row),
            talk_s: i64::from(rows.talk_s.value(row)),
            ring_s: rows.ring_s.is_valid(row).then(|| i64::from(rows.ring_s.value(row))),
            direction,
            outcome,
            asked_for: text(rows.dialled, row).or_else(|| text(rows.callee, row)),
            caller: text(rows.caller_ext, row),
            dialled: text(rows.dialled_ext, row),
            callee: text(rows.callee_ext, row),
            redirect: text(rows.redirect_ext, row),
            has_callee: rows.callee.is_valid(row),
            is_whole: rows.part.value(row) == Part::Whole.word(),
            is_attempt: [Part::Whole, Part::Onward].iter().any(|p| rows.part.value(row) == p.word()),
            is_answered: outcome == Outcome::Answered.word(),
            is_handed_on: [RedirectReason::Transfer, RedirectReason::Conference]
                .iter()
                .any(|r| reason == Some(r.word())),
            is_given_up: [Outcome::NoAnswer, Outcome::Abandoned].iter().any(|o| outcome == o.word()),
            is_emergency: direction == Direction::Outbound.word()
                && text(rows.number_class, row) == Some(Class::Emergency.word()),
        }
    }

    /// Whether the call ended at this number of ours on this platform: where it left by a trunk, it did not.
    fn ended_at(&self, number: &str) -> bool {
        let left_us = [Direction::Outbound, Direction::Tandem].iter().any(|d| self.direction == d.word());
        let nowhere_else = !self.has_callee && self.redirect.is_none();
        !left_us && (self.callee == Some(number) || (nowhere_else && self.dialled == Some(number)))
    }

    fn count_direction(&self, counts: &mut Row) {
        let is_internal = self.direction == Direction::Internal.word();
        counts[INTERNAL] += i64::from(is_internal);
        counts[EXTERNAL] += i64::from(!is_internal && self.direction != Direction::Unknown.word());
    }
}

/// The columns of `legs` the rules look at.
struct Rows<'a> {
    source: &'a StringArray,
    local_day: &'a PrimitiveArray<Date32Type>,
    local_minute: &'a PrimitiveArray<Int16Type>,
    talk_s: &'a PrimitiveArray<Int32Type>,
    ring_s: &'a PrimitiveArray<Int32Type>,
    direction: &'a StringArray,
    outcome: &'a StringArray,
    dialled: &'a StringArray,
    callee: &'a StringArray,
    caller_ext: &'a StringArray,
    dialled_ext: &'a StringArray,
    callee_ext: &'a StringArray,
    redirect_ext: &'a StringArray,
    redirect_reason: &'a StringArray,
    caller_device: &'a StringArray,
    callee_device: &'a StringArray,
    caller_user: &'a StringArray,
    callee_user: &'a StringArray,
    hunt_group: &'a StringArray,
    number_class: &'a StringArray,
    part: &'a StringArray,
}

impl<'a> Rows<'a> {
    fn of(legs: &'a RecordBatch) -> Self {
        let column = |name: &str| legs.column_by_name(name).expect("a batch of leg::schema");
        let text = |name: &str| column(name).as_string::<i32>();
        Self {
            source: text("source"),
            local_day: column("local_day").as_primitive(),
            local_minute: column("local_minute").as_primitive(),
            talk_s: column("talk_s").as_primitive(),
            ring_s: column("ring_s").as_primitive(),
            direction: text("direction"),
            outcome: text("outcome"),
            dialled: text("dialled"),
            callee: text("callee"),
            caller_ext: text("caller_ext"),
            dialled_ext: text("dialled_ext"),
            callee_ext: text("callee_ext"),
            redirect_ext: text("redirect_ext"),
            redirect_reason: text("redirect_reason"),
            caller_device: text("caller_device"),
            callee_device: text("callee_device"),
            caller_user: text("caller_user"),
            callee_user: text("callee_user"),
            hunt_group: text("hunt_group"),
            number_class: text("number_class"),
            part: text("part"),
        }
    }
}

#[cfg(test)]
mod tests;
