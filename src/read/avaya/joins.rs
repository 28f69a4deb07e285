//! Lines that are parts of one call: ten-hour periods and ring times put together with the record they lead up to, and
//! the records that share a universal call id. Settled over the whole file, so that any block of it can be decoded.

use std::collections::{HashMap, HashSet};

use super::record::{Call, Kind, Length};
use crate::read::hash;

const DAY: i32 = 24 * 3600;
/// Seconds by which the end of one part and the start of the next may differ: both are cut to the minute, and a full
/// period is printed as 9 hours, 59 minutes and 1 to 9 tenths (formats page 3.6).
const APART: i32 = 120;
/// Parts of the same parties that may wait for their record at once; older ones stay records of their own.
const MOST_WAITING: usize = 16;

/// What came before a record, in lines of its own.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Before {
    pub talk_s: i32,
    pub ring_s: Option<i32>,
}

#[derive(Debug, Default)]
pub(super) struct Joins {
    before: HashMap<u64, Before>,
    doubles: HashSet<u64>,
    onward: HashSet<u64>,
}

impl Joins {
    /// Whether the line is told in the record that it leads up to.
    pub fn is_double(&self, line: u64) -> bool {
        self.doubles.contains(&line)
    }

    pub fn before(&self, line: u64) -> Before {
        self.before.get(&line).copied().unwrap_or_default()
    }

    /// Whether the call id was in the file before, with the same calling number. With another one it is somebody who
    /// called, or went on with the call, and must not be hidden.
    pub fn is_onward(&self, line: u64) -> bool {
        self.onward.contains(&line)
    }
}

#[derive(Debug, Default)]
pub(super) struct Survey {
    /// By the hash of parties and trunks.
    waiting: HashMap<u64, Vec<Waiting>>,
    /// Calling number of the first record of each call id, hashed.
    first_caller: HashMap<u64, u64>,
    joins: Joins,
}

#[derive(Debug, Default)]
struct Waiting {
    lines: Vec<u64>,
    /// Second of the day.
    ended: Option<i32>,
    before: Before,
}

impl Survey {
    pub fn see(&mut self, line: u64, call: &Call<'_>) {
        match call.kind() {
            Kind::Alone => self.see_id(line, call),
            Kind::Ring => {
                let ring_s = call.length.seconds();
                self.wait(
                    line,
                    call,
                    Waiting { lines: Vec::new(), ended: call.ended, before: Before { talk_s: 0, ring_s } },
                );
            }
            Kind::Period => {
                let mut found = self.follows(call).unwrap_or_default();
                found.before.talk_s = found.before.talk_s.saturating_add(call.length.seconds().unwrap_or(0));
                self.wait(line, call, Waiting { ended: call.ended, ..found });
            }
            Kind::Call => {
                if let Some(found) = self.follows(call) {
                    self.joins.doubles.extend(found.lines);
                    self.joins.before.insert(line, found.before);
                }
                self.see_id(line, call);
            }
        }
    }

    pub fn finish(self) -> Joins {
        self.joins
    }

    fn wait(&mut self, line: u64, call: &Call<'_>, mut waiting: Waiting) {
        waiting.lines.push(line);
        let others = self.waiting.entry(key(call)).or_default();
        if others.len() == MOST_WAITING {
            others.remove(0);
        }
        others.push(waiting);
    }

    /// The part that ended when this one began.
    fn follows(&mut self, call: &Call<'_>) -> Option<Waiting> {
        let began = match (call.ended, call.length) {
            (Some(ended), Length::Known(seconds)) => Some((ended - seconds).rem_euclid(DAY)),
            (Some(_), _) => return None,
            (None, _) => None,
        };
        let waiting = self.waiting.get_mut(&key(call))?;
        let at = waiting.iter().rposition(|part| match (part.ended, began) {
            (Some(ended), Some(began)) => {
                let apart = (ended - began).rem_euclid(DAY);
                apart.min(DAY - apart) <= APART
            }
            // No time of day in either: the order of the lines is all there is.
            _ => true,
        })?;
        Some(waiting.remove(at))
    }

    fn see_id(&mut self, line: u64, call: &Call<'_>) {
        if call.ucid.is_empty() {
            return;
        }
        let (id, caller) = (hash(&[call.ucid.as_bytes()]), hash(&[call.calling.as_bytes(), call.clg.as_bytes()]));
        match self.first_caller.get(&id) {
            None => drop(self.first_caller.insert(id, caller)),
            Some(first) if *first == caller => drop(self.joins.onward.insert(line)),
            Some(_) => {}
        }
    }
}

/// The same parties on the same circuits.
fn key(call: &Call<'_>) -> u64 {
    hash(&[
        call.calling.as_bytes(),
        call.clg.as_bytes(),
        call.dialled.as_bytes(),
        call.in_code.as_bytes(),
        call.out_code.as_bytes(),
        &call.circuits[0].to_le_bytes(),
        &call.circuits[1].to_le_bytes(),
    ])
}
