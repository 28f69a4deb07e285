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

use std::collections::HashMap;
use std::sync::Arc;

use arrow::array::{ArrayRef, Date32Builder, Int16Builder, Int64Array, Int64Builder, RecordBatch, StringBuilder};
use arrow::datatypes::{DataType, Field, Schema, SchemaRef};
use foldhash::fast::FixedState;

use crate::leg::{Direction, Legs, NONE, Name, Outcome, Part, RedirectReason, TextId, Texts, words};
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
const SEVERAL: i32 = -1;
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
const ANSWERED_WITHIN: [(i32, usize); 3] = [(10, 13), (20, 14), (30, 15)];
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

/// Of the [`COUNTS`], those that add up seconds.
const SUMS: [usize; 3] = [TALK_IN, TALK_OUT, WAIT];
const SUM_IN: usize = 0;
const SUM_OUT: usize = 1;
const SUM_WAIT: usize = 2;

/// A subject's day. A leg touches six of them all over memory, so each is two cache lines and no more.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(align(64))]
struct Counts {
    /// In the order of [`COUNTS`]; those of [`SUMS`] are not used.
    counts: [u32; COUNTS.len()],
    /// In the order of [`SUMS`].
    sums: [i64; SUMS.len()],
    /// In the order of [`EXTREMES`].
    extremes: [Option<i32>; EXTREMES.len()],
    first_minute: i16,
    last_minute: i16,
}

const _: () = assert!(size_of::<Counts>() == 128);

/// Kind of subject, subject.
type Who = (Subject, TextId);

/// Usage of a batch, growing leg by leg. All is found by its place: a leg touches six rows, and to hash a key for each
/// would cost more than to count.
#[derive(Debug, Default)]
pub struct Usage {
    /// By kind: the number of each text as a subject, from 1; 0 where it is none.
    numbers: [Vec<u32>; Subject::ALL.len()],
    subjects: Vec<Who>,
    days: HashMap<(TextId, i32), usize, FixedState>,
    /// Source, civil day, and by number of the subject where its row is, from 1.
    seats: Vec<(TextId, i32, Vec<u32>)>,
    rows: Vec<Counts>,
    /// 16 bits of a hash of each text that was dialled.
    dialled: Vec<Option<u16>>,
    /// Where the day of the leg before is.
    last: Option<(TextId, i32, usize)>,
    /// Kinds that somebody else counts.
    leaves_out: [bool; Subject::ALL.len()],
}

impl Usage {
    /// A usage of some kinds of subject only: so that two can share the legs, and neither waits for the other's rows.
    pub fn only(kinds: &[Subject]) -> Self {
        let mut leaves_out = [true; Subject::ALL.len()];
        kinds.iter().for_each(|kind| leaves_out[*kind as usize] = false);
        Self { leaves_out, ..Self::default() }
    }

    /// Adds legs. All legs of one usage have their texts in one [`Texts`].
    pub fn add(&mut self, legs: &Legs, texts: &Texts) {
        for row in 0..legs.len() {
            if legs.part[row] != Part::System {
                let asked_for = self.asked_for(legs, texts, row);
                let leg = LegView::of(legs, row, asked_for);
                self.warm(&leg);
                self.add_row(&leg);
            }
        }
    }

    /// Adds what was counted elsewhere, with the same texts.
    pub fn merge(&mut self, other: &Self) {
        for (source, day, who, theirs) in other.told() {
            self.row(source, day, who, theirs.first_minute).merge(theirs);
        }
    }

    /// Every row, in no order.
    fn told(&self) -> impl Iterator<Item = (TextId, i32, Who, &Counts)> {
        self.seats.iter().flat_map(|(source, day, seats)| {
            let taken = seats.iter().enumerate().filter(|(_, row)| **row != 0);
            taken.map(|(number, row)| (*source, *day, self.subjects[number - 1], &self.rows[*row as usize - 1]))
        })
    }

    /// One row per source, day, kind and subject, in that order.
    pub fn batch(&self, texts: &Texts, batch: i64) -> RecordBatch {
        Self::batch_of(&[self], texts, batch)
    }

    /// The same of several, of which no two count the same subject.
    pub fn batch_of(counted: &[&Self], texts: &Texts, batch: i64) -> RecordBatch {
        // Texts are compared once each; after that their ranks.
        let named = counted.iter().flat_map(|usage| {
            let sources = usage.seats.iter().map(|(source, ..)| *source);
            usage.subjects.iter().map(|(_, subject)| *subject).chain(sources)
        });
        let mut ids: Vec<TextId> = named.collect();
        ids.sort_unstable();
        ids.dedup();
        ids.sort_unstable_by_key(|id| texts.text(*id));
        let mut rank = vec![0u32; texts.len()];
        ids.iter().zip(0..).for_each(|(id, n)| rank[*id as usize] = n);
        let mut kinds = Subject::ALL.to_vec();
        kinds.sort_unstable_by_key(|kind| kind.word());
        let mut kind_rank = [0; Subject::ALL.len()];
        kinds.iter().zip(0..).for_each(|(kind, n)| kind_rank[*kind as usize] = n);
        let mut sorted: Vec<_> = counted
            .iter()
            .flat_map(|usage| usage.told())
            .map(|(source, day, who, row)| {
                let (kind, subject) = who;
                let order = (rank[source as usize], day, kind_rank[kind as usize], rank[subject as usize]);
                (order, source, who, row)
            })
            .collect();
        sorted.sort_unstable_by_key(|(order, ..)| *order);
        let (mut source, mut kind, mut subject) = (StringBuilder::new(), StringBuilder::new(), StringBuilder::new());
        let (mut day, mut first, mut last) = (Date32Builder::new(), Int16Builder::new(), Int16Builder::new());
        let mut counts: [Int64Builder; COUNTS.len()] = Default::default();
        let mut extremes: [Int64Builder; EXTREMES.len()] = Default::default();
        for ((_, on, ..), of, (what, who), row) in &sorted {
            source.append_value(texts.text(*of).unwrap_or_default());
            day.append_value(*on);
            kind.append_value(what.word());
            subject.append_value(texts.text(*who).unwrap_or_default());
            counts.iter_mut().zip(row.counts()).for_each(|(builder, n)| builder.append_value(n));
            extremes.iter_mut().zip(row.extremes).for_each(|(builder, n)| builder.append_option(n.map(i64::from)));
            first.append_value(row.first_minute);
            last.append_value(row.last_minute);
        }
        let batches = Int64Array::from_value(batch, sorted.len());
        let mut columns: Vec<ArrayRef> = vec![
            Arc::new(source.finish()),
            Arc::new(day.finish()),
            Arc::new(kind.finish()),
            Arc::new(subject.finish()),
        ];
        columns.extend(counts.iter_mut().map(|b| Arc::new(b.finish()) as ArrayRef));
        columns.extend(extremes.iter_mut().map(|b| Arc::new(b.finish()) as ArrayRef));
        columns.extend([Arc::new(first.finish()) as ArrayRef, Arc::new(last.finish()), Arc::new(batches) as ArrayRef]);
        RecordBatch::try_new(schema(), columns).expect("COUNTS and the builders agree")
    }

    /// Brings the rows of a leg near, all at once: counted one by one, each would wait for the memory.
    #[inline]
    fn warm(&self, leg: &LegView) {
        let Some((source, day, seat)) = self.last else { return };
        if (source, day) != (leg.source, leg.day) {
            return;
        }
        let [calling, called] = leg.devices;
        let [caller, callee] = leg.users;
        let mut any = 0;
        for (kind, subject) in [
            (Subject::Number, leg.caller),
            (Subject::Number, leg.dialled),
            (Subject::Number, leg.callee),
            (Subject::Device, calling),
            (Subject::Device, called),
            (Subject::User, caller),
            (Subject::User, callee),
        ] {
            let number = self.numbers[kind as usize].get(subject as usize).copied().unwrap_or(0);
            let row = self.seats[seat].2.get(number as usize).copied().unwrap_or(0);
            any ^=
                self.rows.get((row as usize).wrapping_sub(1)).map_or(0, |row| row.first_minute ^ row.counts[0] as i16);
        }
        std::hint::black_box(any);
    }

    fn add_row(&mut self, leg: &LegView) {
        let made_by = [(Subject::Number, leg.caller), (Subject::Device, leg.devices[0]), (Subject::User, leg.users[0])];
        for (kind, subject) in made_by {
            if subject == NONE || self.leaves_out[kind as usize] {
                continue;
            }
            let row = self.row_of(leg, kind, subject);
            row.talked(leg.talk_s);
            row.sums[SUM_OUT] += i64::from(leg.talk_s);
            let counts = &mut row.counts;
            if leg.is_whole {
                counts[MADE] += 1;
                counts[MADE_ANSWERED] += u32::from(leg.is_answered);
                counts[EMERGENCY] += u32::from(leg.is_emergency);
                leg.count_direction(counts);
                row.dialled(leg.asked_for);
            }
        }
        let talk_s = if leg.is_answered { leg.talk_s } else { 0 };
        for (kind, [caller, subject]) in [(Subject::Device, leg.devices), (Subject::User, leg.users)] {
            if subject != NONE {
                let how = if leg.is_answered { ANSWERED } else { MISSED };
                self.offer(leg, kind, subject, how, caller, talk_s);
            }
        }
        if leg.hunt_group != NONE {
            let how = match leg.outcome {
                Outcome::Answered => ANSWERED,
                Outcome::Voicemail => VOICEMAIL,
                Outcome::Diverted => DIVERTED,
                _ => MISSED,
            };
            self.offer(leg, Subject::Group, leg.hunt_group, how, NONE, talk_s);
        }
        if !self.leaves_out[Subject::Number as usize] {
            self.add_numbers(leg);
        }
    }

    /// The numbers a call was for: asked for, ended at, passed on by. Each of them meets one fate.
    fn add_numbers(&mut self, leg: &LegView) {
        let callee = if leg.callee == leg.dialled { NONE } else { leg.callee };
        // Who passes on his own call was not called.
        let is_named = [leg.dialled, leg.callee, leg.caller].contains(&leg.redirect);
        let redirect = if is_named { NONE } else { leg.redirect };
        for number in [leg.dialled, callee, redirect] {
            if number == NONE {
                continue;
            }
            let picked_up = leg.is_answered && leg.ended_at(number);
            let how = match () {
                // Who transfers or brings into a conference has picked up first.
                () if leg.is_handed_on && leg.redirect == number => ANSWERED,
                () if leg.outcome == Outcome::Voicemail => VOICEMAIL,
                () if picked_up => ANSWERED,
                () if leg.is_answered || leg.outcome == Outcome::Diverted => DIVERTED,
                () => MISSED,
            };
            self.offer(leg, Subject::Number, number, how, leg.caller, if picked_up { leg.talk_s } else { 0 });
        }
    }

    /// Counts the offer of a leg, what became of it and for how long. A leg from a subject to itself is one leg, offered
    /// and made.
    fn offer(&mut self, leg: &LegView, kind: Subject, subject: TextId, how: usize, caller: TextId, talk_s: i32) {
        if self.leaves_out[kind as usize] {
            return;
        }
        let row = self.row_of(leg, kind, subject);
        row.sums[SUM_IN] += i64::from(talk_s);
        row.talked(talk_s);
        if leg.is_attempt {
            row.offered(leg, how);
            if !leg.is_whole || caller != subject {
                leg.count_direction(&mut row.counts);
            }
        }
    }

    /// The row of a subject on the leg's day.
    fn row_of(&mut self, leg: &LegView, kind: Subject, subject: TextId) -> &mut Counts {
        let row = self.row(leg.source, leg.day, (kind, subject), leg.minute);
        row.first_minute = row.first_minute.min(leg.minute);
        row.last_minute = row.last_minute.max(leg.minute);
        row
    }

    fn row(&mut self, source: TextId, day: i32, who: Who, minute: i16) -> &mut Counts {
        let numbers = &mut self.numbers[who.0 as usize];
        if numbers.len() <= who.1 as usize {
            numbers.resize(who.1 as usize + 1, 0);
        }
        let number = &mut numbers[who.1 as usize];
        if *number == 0 {
            self.subjects.push(who);
            *number = self.subjects.len() as u32;
        }
        let number = *number as usize;
        let seat = match self.last {
            Some((last_source, last_day, seat)) if (last_source, last_day) == (source, day) => seat,
            _ => *self.days.entry((source, day)).or_insert_with(|| {
                self.seats.push((source, day, Vec::new()));
                self.seats.len() - 1
            }),
        };
        self.last = Some((source, day, seat));
        let seats = &mut self.seats[seat].2;
        if seats.len() <= number {
            seats.resize(self.subjects.len().max(number) + 1, 0);
        }
        let row = &mut seats[number];
        if *row == 0 {
            self.rows.push(Counts::at(minute));
            *row = self.rows.len() as u32;
        }
        &mut self.rows[*row as usize - 1]
    }

    /// 16 bits of a hash of the first number asked for, ours or not.
    fn asked_for(&mut self, legs: &Legs, texts: &Texts, row: usize) -> Option<i32> {
        let (dialled, callee) = (legs.names(Name::Dialled)[row], legs.names(Name::Callee)[row]);
        let id = if dialled == NONE { callee } else { dialled };
        if self.dialled.len() <= id as usize {
            self.dialled.resize(texts.len(), None);
        }
        let hash = &mut self.dialled[id as usize];
        if hash.is_none() {
            *hash = texts.text(id).map(|text| crate::read::hash(&[text.as_bytes()]) as u16);
        }
        hash.map(i32::from)
    }
}

impl Counts {
    fn at(minute: i16) -> Self {
        Self {
            counts: Default::default(),
            sums: Default::default(),
            extremes: Default::default(),
            first_minute: minute,
            last_minute: minute,
        }
    }

    /// All of them, in the order of [`COUNTS`].
    fn counts(&self) -> [i64; COUNTS.len()] {
        let mut counts = self.counts.map(i64::from);
        SUMS.iter().zip(self.sums).for_each(|(at, sum)| counts[*at] = sum);
        counts
    }

    fn talked(&mut self, talk_s: i32) {
        let [_, longest, ..] = &mut self.extremes;
        *longest = (*longest).max((talk_s > 0).then_some(talk_s));
    }

    fn dialled(&mut self, hash: Option<i32>) {
        let Some(hash) = hash else { return };
        let [.., one] = &mut self.extremes;
        *one = Some(if one.is_none_or(|one| one == hash) { hash } else { SEVERAL });
    }

    fn merge(&mut self, other: &Self) {
        self.counts.iter_mut().zip(other.counts).for_each(|(sum, n)| *sum += n);
        self.sums.iter_mut().zip(other.sums).for_each(|(sum, n)| *sum += n);
        let [wait, call, dialled] = other.extremes;
        let [longest_wait, longest_call, _] = &mut self.extremes;
        *longest_wait = (*longest_wait).max(wait);
        *longest_call = (*longest_call).max(call);
        self.dialled(dialled);
        self.first_minute = self.first_minute.min(other.first_minute);
        self.last_minute = self.last_minute.max(other.last_minute);
    }

    fn offered(&mut self, leg: &LegView, how: usize) {
        self.counts[OFFERED] += 1;
        self.counts[how] += 1;
        self.counts[IN_HOURS] += u32::from(OFFICE_MINUTES.contains(&leg.minute));
        self.counts[ABANDONED] += u32::from(how == MISSED && leg.is_given_up);
        let [longest, ..] = &mut self.extremes;
        *longest = (*longest).max(leg.ring_s);
        if let (ANSWERED, Some(ring_s)) = (how, leg.ring_s) {
            self.counts[ANSWER_TIMED] += 1;
            self.sums[SUM_WAIT] += i64::from(ring_s);
            for (within, at) in ANSWERED_WITHIN {
                self.counts[at] += u32::from(ring_s <= within);
            }
        }
    }
}

/// A leg as the rules look at it; texts by their numbers.
struct LegView {
    source: TextId,
    day: i32,
    minute: i16,
    talk_s: i32,
    ring_s: Option<i32>,
    direction: Direction,
    outcome: Outcome,
    /// 16 bits of a hash of the first number asked for, ours or not.
    asked_for: Option<i32>,
    caller: TextId,
    dialled: TextId,
    callee: TextId,
    redirect: TextId,
    /// Calling and called.
    devices: [TextId; 2],
    users: [TextId; 2],
    hunt_group: TextId,
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

impl LegView {
    fn of(legs: &Legs, row: usize, asked_for: Option<i32>) -> Self {
        let name = |name: Name| legs.names(name)[row];
        let (direction, outcome, part) = (legs.direction[row], legs.outcome[row], legs.part[row]);
        Self {
            source: name(Name::Source),
            day: legs.local_day[row],
            minute: legs.local_minute[row],
            talk_s: legs.talk_s[row],
            ring_s: legs.ring_s[row],
            direction,
            outcome,
            asked_for,
            caller: name(Name::CallerExt),
            dialled: name(Name::DialledExt),
            callee: name(Name::CalleeExt),
            redirect: name(Name::RedirectExt),
            devices: [name(Name::CallerDevice), name(Name::CalleeDevice)],
            users: [name(Name::CallerUser), name(Name::CalleeUser)],
            hunt_group: name(Name::HuntGroup),
            has_callee: name(Name::Callee) != NONE,
            is_whole: part == Part::Whole,
            is_attempt: matches!(part, Part::Whole | Part::Onward),
            is_answered: outcome == Outcome::Answered,
            is_handed_on: matches!(
                legs.redirect_reason[row],
                Some(RedirectReason::Transfer | RedirectReason::Conference)
            ),
            is_given_up: matches!(outcome, Outcome::NoAnswer | Outcome::Abandoned),
            is_emergency: direction == Direction::Outbound && legs.number_class[row] == Some(Class::Emergency),
        }
    }

    /// Whether the call ended at this number of ours on this platform: where it left by a trunk, it did not.
    fn ended_at(&self, number: TextId) -> bool {
        let left_us = matches!(self.direction, Direction::Outbound | Direction::Tandem);
        let nowhere_else = !self.has_callee && self.redirect == NONE;
        !left_us && (self.callee == number || (nowhere_else && self.dialled == number))
    }

    fn count_direction(&self, counts: &mut [u32]) {
        counts[INTERNAL] += u32::from(self.direction == Direction::Internal);
        counts[EXTERNAL] += u32::from(!matches!(self.direction, Direction::Internal | Direction::Unknown));
    }
}

#[cfg(test)]
mod tests;
