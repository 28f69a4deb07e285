//! The two legs of a call: with `legs` set to `ab` each has a record, joined by uuid and bleg_uuid. A survey of the file
//! settles which is the second, and whether the first tells all of it. It reads no fields.

use std::cmp::Ordering;
use std::collections::HashMap;

use super::super::asterisk::recent::Recent;
use super::super::link;

/// What the survey is told of a record.
#[derive(Clone, Copy, Debug, Default)]
pub struct Seen<'a> {
    pub line: u64,
    pub uuid: &'a str,
    pub other: &'a str,
    pub started: &'a str,
    pub destination: &'a str,
    pub device: &'a str,
    pub is_answered: bool,
}

/// A leg that was met: kept until the other one comes.
#[derive(Clone, Debug)]
struct Met {
    line: u64,
    uuid: i64,
    other: Option<i64>,
    started: String,
    /// Index of its end in [`Legs::ends`].
    end: u32,
    is_answered: bool,
}

#[derive(Default)]
pub struct Survey {
    legs: Legs,
    /// By uuid.
    met: Recent<Option<Met>>,
    /// By bleg_uuid: the leg that names it.
    wanted: Recent<Option<Met>>,
    known: HashMap<(String, String), u32>,
}

impl Survey {
    pub fn see(&mut self, seen: &Seen<'_>) {
        let Some(uuid) = link(seen.uuid) else { return };
        let slot = self.met.entry(uuid as u64, || None);
        // The same record again, or the same channel: what was said of it holds.
        if slot.is_some() {
            return;
        }
        let end = match self.known.get(&(seen.destination.to_owned(), seen.device.to_owned())) {
            Some(end) => *end,
            None => {
                let end = self.legs.ends.len() as u32;
                let names = (seen.destination.to_owned(), seen.device.to_owned());
                self.legs.ends.push(names.clone());
                self.known.insert(names, end);
                end
            }
        };
        let met = Met {
            line: seen.line,
            uuid,
            other: link(seen.other).filter(|other| *other != uuid),
            started: seen.started.to_owned(),
            end,
            is_answered: seen.is_answered,
        };
        *slot = Some(met.clone());
        if let Some(other) = met.other {
            if let Some(other) = self.met.get(other as u64).cloned().flatten() {
                self.legs.join(&met, &other);
            }
            *self.wanted.entry(other as u64, || None) = Some(met.clone());
        }
        if let Some(first) = self.wanted.get(uuid as u64).cloned().flatten() {
            self.legs.join(&first, &met);
        }
    }

    pub fn finish(self) -> Legs {
        self.legs
    }
}

/// What the survey found, by line.
#[derive(Debug, Default)]
pub struct Legs {
    /// Of a second leg: the first one's uuid, and whether that tells all.
    second: HashMap<u64, (i64, bool)>,
    /// Of a first leg that tells all: where the second one went.
    first: HashMap<u64, u32>,
    /// Numbers and devices.
    ends: Vec<(String, String)>,
}

/// What the other records tell of one.
#[derive(Clone, Copy, Debug, Default)]
pub struct Found<'a> {
    pub is_second: bool,
    /// Mark of the call's first leg.
    pub first: Option<i64>,
    /// The first leg tells all of this one.
    pub is_told: bool,
    /// Where the second leg went; empty where the record has to speak for itself.
    pub destination: &'a str,
    pub device: &'a str,
}

impl Legs {
    pub fn of(&self, line: u64) -> Found<'_> {
        if let Some((first, is_told)) = self.second.get(&line) {
            return Found { is_second: true, first: Some(*first), is_told: *is_told, ..Found::default() };
        }
        let end = self.first.get(&line).and_then(|end| self.ends.get(*end as usize));
        end.map_or_else(Found::default, |(destination, device)| Found { destination, device, ..Found::default() })
    }

    /// `first` names `second` as its other leg.
    fn join(&mut self, first: &Met, second: &Met) {
        let names = |one: &Met, other: &Met| one.other == Some(other.uuid);
        let names_third = second.other.is_some() && !names(second, first);
        // The caller's channel is the older one: a destination rung in vain, or left by a transfer, may name its caller, who
        // names the destination of the end, or nobody.
        let is_older = match second.started.cmp(&first.started) {
            Ordering::Equal if names_third => return,
            Ordering::Equal => names(second, first) && second.line < first.line,
            order => order == Ordering::Less,
        };
        let (first, second) = if is_older { (second, first) } else { (first, second) };
        let has_told = |leg: &Met| self.first.contains_key(&leg.line);
        if [first, second].iter().any(|leg| self.second.contains_key(&leg.line)) || has_told(second) {
            return;
        }
        // Where one was answered and the other not (a menu answered), each counts for itself; and a leg tells of one other
        // only, the one it names.
        let is_told = names(first, second)
            && second.other.is_none_or(|other| other == first.uuid)
            && !has_told(first)
            && first.is_answered == second.is_answered;
        self.second.insert(second.line, (first.uuid, is_told));
        if is_told {
            self.first.insert(first.line, second.end);
        }
    }
}
