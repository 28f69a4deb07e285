//! Which records are of one call, and what part of it each of them is: settled in one pass over the file, because a
//! record alone cannot tell.

use std::collections::{HashMap, HashSet};

use super::line::{Kind, Line};
use crate::leg::Part;
use crate::read::{hash, link};

/// Parts of one call come out within this many lines; what is older is forgotten where a file is very long.
const REACH: u64 = 200_000;
/// How many calls are remembered before the old ones are looked for.
const ROOM: usize = 1 << 20;
/// How many seconds the ends of two records of one moment may differ, for each time in them is cut to seconds.
const SLACK: i64 = 5;
/// Most devices and numbers of one call that are remembered.
const PARTIES: usize = 64;

/// What the survey found out.
#[derive(Debug, Default)]
pub(super) struct Calls {
    /// Calls that are one with another.
    joined: HashMap<u64, u64>,
    /// Part of each line that is not the first record of its call.
    parts: HashMap<u64, Part>,
    /// Unique call ids that stand for a line and not for a call.
    ports: HashSet<u64>,
}

impl Calls {
    /// [`crate::read::RawRecord::call`]
    pub fn call(&self, line: &Line<'_>) -> u64 {
        let key = key(line);
        self.joined.get(&key).copied().unwrap_or(key)
    }

    pub fn part(&self, number: u64, line: &Line<'_>) -> Part {
        let first = if line.is_twin() { Part::Onward } else { Part::Whole };
        self.parts.get(&number).copied().unwrap_or(first)
    }

    /// [`crate::read::Side::link`] of the caller's end, or the called one's.
    pub fn link(&self, line: &Line<'_>, end: usize) -> Option<i64> {
        let mark = mark(line, end).filter(|mark| !self.ports.contains(&hash(&[mark.as_bytes()])))?;
        link(&mark)
    }
}

/// Start and call id; the id alone begins anew after each reboot.
fn key(line: &Line<'_>) -> u64 {
    hash(&[&line.start.and_utc().timestamp().to_le_bytes(), line.call_id.as_bytes()])
}

/// Server and unique call id of an end; none where it was never connected, or where it is a port's.
fn mark(line: &Line<'_>, end: usize) -> Option<String> {
    let [server, id] = line.marks.get(end)?;
    let is_id = !server.is_empty() && *server != "0.0.0.0" && !id.is_empty() && *id != "0";
    let is_port = end == 0 && line.sides().0.is_port;
    (is_id && !is_port).then(|| format!("{server} {id}"))
}

/// A call as far as its records are known.
#[derive(Debug)]
struct Call {
    start: i64,
    last_line: u64,
    /// When the last record ended, and its handsets.
    end: i64,
    last: [u64; 2],
    /// Handsets and trunks that had a part, and whether they dialled or answered.
    devices: Vec<(u64, bool)>,
    /// Numbers that were called.
    numbers: Vec<u64>,
    /// Whether the voicemail had a part.
    voicemail: bool,
}

/// The last record of a handset.
#[derive(Debug)]
struct Talk {
    call: u64,
    with: u64,
    end: i64,
    /// It dialled or answered.
    used: bool,
}

/// Where a unique call id was met.
#[derive(Debug)]
struct Met {
    call: u64,
    start: i64,
    end: i64,
    line: u64,
}

/// The pass over the file.
#[derive(Debug, Default)]
pub(super) struct Survey {
    calls: HashMap<u64, Call>,
    /// The call that had a call id last.
    ids: HashMap<u64, u64>,
    handsets: HashMap<u64, Talk>,
    marks: HashMap<u64, Met>,
    /// Joined calls and the older call that each is joined to, with its start.
    joined: HashMap<u64, (i64, u64)>,
    found: Calls,
}

impl Survey {
    pub fn see(&mut self, number: u64, line: &Line<'_>) {
        let start = line.start.and_utc().timestamp();
        let end = start + [line.ring_s, line.connected_s, line.hold_s, line.park_s].map(i64::from).iter().sum::<i64>();
        let own = self.own_call(line, start);
        self.ids.insert(hash(&[line.call_id.as_bytes()]), own);
        let (calling, called) = line.sides();
        let [from, to] = [calling, called].map(|party| match party.kind {
            Kind::Handset | Kind::Trunk => hash(&[party.device.as_bytes()]),
            _ => 0,
        });
        let handsets =
            [(calling.kind, from), (called.kind, to)].map(|(kind, d)| if kind == Kind::Handset { d } else { 0 });
        if let Some(call) = self.calls.get(&own) {
            let part = self.later(own, call, line, [from, to]);
            self.found.parts.insert(number, part);
        }
        let call = self.calls.entry(own).or_insert_with(|| Call {
            start,
            last_line: number,
            end,
            last: [0; 2],
            devices: Vec::new(),
            numbers: Vec::new(),
            voicemail: false,
        });
        (call.last_line, call.end, call.last) = (number, end, handsets);
        call.voicemail |= called.kind == Kind::Voicemail;
        let called_number = hash(&[line.called.as_bytes()]);
        if call.numbers.len() < PARTIES && !call.numbers.contains(&called_number) {
            call.numbers.push(called_number);
        }
        let used = [!line.is_twin(), line.is_answered()];
        let [one, other] = handsets;
        for (device, used, talk) in [(from, used[0], (one, other)), (to, used[1], (other, one))] {
            if device == 0 {
                continue;
            }
            let has_room = call.devices.len() < PARTIES;
            match call.devices.iter_mut().find(|(known, _)| *known == device) {
                Some((_, before)) => *before |= used,
                None if has_room => call.devices.push((device, used)),
                None => {}
            }
            if talk.0 != 0 {
                self.handsets.insert(talk.0, Talk { call: own, with: talk.1, end, used });
            }
        }
        for at in 0..2 {
            if let Some(mark) = mark(line, at) {
                self.meet(hash(&[mark.as_bytes()]), Met { call: own, start, end, line: number });
            }
        }
        self.sweep(number);
    }

    /// The call the record is of. With "call splitting for diverts" the forwarded part of a call has its id, but a start
    /// of its own.
    fn own_call(&mut self, line: &Line<'_>, start: i64) -> u64 {
        let key = key(line);
        if self.calls.contains_key(&key) || !line.is_forwarded() {
            return key;
        }
        let Some(&before) = self.ids.get(&hash(&[line.call_id.as_bytes()])) else { return key };
        let Some(call) = self.calls.get(&before) else { return key };
        if !(call.start..=call.end + SLACK).contains(&start) {
            return key;
        }
        let oldest = self.oldest(before);
        if oldest.1 != key {
            self.joined.entry(key).or_insert(oldest);
        }
        before
    }

    /// The part that a record is which is not the first of its call. A handset that dialled or answered and has no other
    /// record of that is never hidden.
    fn later(&self, own: u64, call: &Call, line: &Line<'_>, [from, to]: [u64; 2]) -> Part {
        let known = |device: u64| call.devices.iter().find(|(known, _)| *known == device).map(|(_, used)| *used);
        let (calling, called) = line.sides();
        let calls = calling.kind == Kind::Handset && !self.was_asked(own, call, from);
        if calls && !line.is_twin() && known(from) != Some(true) {
            return Part::Whole;
        }
        if called.kind == Kind::Handset {
            let is_new = match known(to) {
                Some(used) => line.is_answered() && !used,
                None => !self.was_asked(own, call, to),
            };
            if is_new {
                return Part::Onward;
            }
        }
        if calls && known(from).is_none() {
            return Part::Onward;
        }
        let new_number = !line.called.is_empty() && !call.numbers.contains(&hash(&[line.called.as_bytes()]));
        let is_onward = match called.kind {
            Kind::Handset | Kind::Conference | Kind::Other => false,
            Kind::Voicemail => !call.voicemail || new_number,
            Kind::Trunk if calling.kind == Kind::Trunk => line.is_forwarded(),
            Kind::Trunk => known(to).is_none(),
            Kind::Nothing => new_number,
        };
        if is_onward { Part::Onward } else { Part::Continued }
    }

    /// Whether the handset was asked before the call was passed to it: it has just spoken, in a call of its own, with
    /// the handset that passed the call on. That record counts for it.
    fn was_asked(&self, own: u64, call: &Call, handset: u64) -> bool {
        self.handsets.get(&handset).is_some_and(|talk| {
            let with = talk.with != 0 && call.last.contains(&talk.with);
            talk.used && talk.call != own && with && (talk.end - call.end).abs() <= SLACK
        })
    }

    /// Two calls with one unique call id are one if they were there at the same time (formats page 4.3). If not, the id
    /// is a port's or began anew.
    fn meet(&mut self, mark: u64, now: Met) {
        let Some(before) = self.marks.get_mut(&mark) else {
            self.marks.insert(mark, now);
            return;
        };
        let together = before.start <= now.end && now.start <= before.end;
        if before.call != now.call && !together {
            *before = now;
            self.found.ports.insert(mark);
            return;
        }
        (before.start, before.end, before.line) = (before.start.min(now.start), before.end.max(now.end), now.line);
        let [a, b] = [before.call, now.call].map(|call| self.oldest(call));
        if a.1 != b.1 {
            let (younger, older) = if a < b { (b, a) } else { (a, b) };
            self.joined.insert(younger.1, older);
        }
    }

    /// The oldest call that this one is joined to, with its start. The next time the way there is short.
    fn oldest(&mut self, call: u64) -> (i64, u64) {
        let mut oldest = (self.calls.get(&call).map_or(0, |call| call.start), call);
        while let Some(next) = self.joined.get(&oldest.1) {
            oldest = *next;
        }
        let mut at = call;
        while at != oldest.1 {
            let Some((_, next)) = self.joined.insert(at, oldest) else { break };
            at = next;
        }
        oldest
    }

    fn sweep(&mut self, number: u64) {
        if self.calls.len().max(self.marks.len()) > ROOM {
            let from = number.saturating_sub(REACH);
            self.calls.retain(|_, call| call.last_line >= from);
            self.ids.retain(|_, call| self.calls.contains_key(call));
            self.marks.retain(|_, met| met.line >= from);
        }
    }

    pub fn finish(mut self) -> Calls {
        let joined: Vec<u64> = self.joined.keys().copied().collect();
        for call in joined {
            let (_, oldest) = self.oldest(call);
            self.found.joined.insert(call, oldest);
        }
        self.found
    }
}
