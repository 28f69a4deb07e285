//! Which record of a call counts for whom. Asterisk writes a record for every pair of channels: one for each phone that
//! `Dial` or a queue rings, one for each half of a Local channel, one more after a transfer. A survey of the file settles
//! it, so that no attempt counts twice and no answer is lost. It reads no fields.

use std::collections::HashMap;

use super::super::hash;
use super::channel;
use super::recent::Recent;
use crate::leg::Part;

/// What the survey is told of a record.
#[derive(Clone, Copy, Debug, Default)]
pub struct Seen<'a> {
    pub line: u64,
    /// Seconds of the wall clock.
    pub started: i64,
    /// Hash of the whole line.
    pub text: u64,
    pub unique_id: &'a str,
    pub linked_id: &'a str,
    pub channel: &'a str,
    pub dstchannel: &'a str,
    pub is_answered: bool,
    pub is_voicemail: bool,
    pub callee: &'a str,
}

/// Names of channels begin anew when Asterisk does: records further apart than this, seconds, are of two channels.
const APART: u64 = 6 * 3600;

/// Who calls is counted by another record of the same channel.
const NO_CALLER: u8 = 1;
/// Who is called is counted by another record that names the same channel as called.
const NO_CALLED: u8 = 2;
/// The record of the other half of the Local channel tells all of it.
const TOLD: u8 = 4;

/// Where a Local channel led to in the end.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
pub struct End {
    pub device: String,
    pub callee: String,
    pub is_voicemail: bool,
}

#[derive(Default)]
pub struct Survey {
    calls: Calls,
    /// By unique id of the calling channel.
    callers: Recent<Claim>,
    /// By name of the called channel.
    called: Recent<Claim>,
    /// By the name that both halves of a Local channel share.
    locals: Recent<Local>,
    /// By linked id.
    linked: Recent<Linked>,
    known: HashMap<End, u32>,
}

/// The record that counts for a channel, and how much it tells.
#[derive(Clone, Copy)]
struct Claim {
    line: u64,
    text: u64,
    started: i64,
    tells: u8,
}

#[derive(Default)]
struct Local {
    /// The record that calls it.
    parent: Option<(u64, bool)>,
    /// The best record of its other half, which calls on.
    child: Option<(Claim, Option<u32>)>,
    /// Where nobody but the half itself has called so far.
    waiting: Vec<u64>,
    told: Option<(u64, u64)>,
}

#[derive(Default)]
struct Linked {
    has_real_caller: bool,
    waiting: Vec<u64>,
}

impl Survey {
    pub fn see(&mut self, seen: &Seen<'_>) {
        // Without a called channel, with one, with one that answered.
        let tells = if seen.dstchannel.is_empty() { 0 } else { 1 + u8::from(seen.is_answered) };
        let claim = Claim { line: seen.line, text: seen.text, started: seen.started, tells };
        if !seen.unique_id.is_empty() {
            let key = hash(&[seen.unique_id.as_bytes()]);
            self.calls.claim(&mut self.callers, key, claim, NO_CALLER);
        }
        if channel::mark(seen.dstchannel).is_some() {
            let key = hash(&[seen.dstchannel.as_bytes()]);
            self.calls.claim(&mut self.called, key, claim, NO_CALLED);
        }
        // What an announcer or recorder calls counts for nobody, so it cannot tell of a phone.
        if let Some(stem) = channel::local(seen.dstchannel).filter(|_| !channel::is_service(seen.channel)) {
            self.see_parent(stem, seen);
        }
        if let Some(stem) = channel::local(seen.channel) {
            self.see_child(stem, seen, claim);
        }
        if !seen.linked_id.is_empty() {
            self.see_linked(seen);
        }
    }

    pub fn finish(self) -> Calls {
        self.calls
    }

    fn see_parent(&mut self, stem: &str, seen: &Seen<'_>) {
        let local = self.locals.entry(hash(&[stem.as_bytes()]), Local::default);
        for line in std::mem::take(&mut local.waiting) {
            self.calls.mark(line, NO_CALLER);
        }
        if local.parent.is_none_or(|(_, answered)| !answered && seen.is_answered) {
            local.parent = Some((seen.line, seen.is_answered));
            self.calls.resolve(local);
        }
    }

    fn see_child(&mut self, stem: &str, seen: &Seen<'_>, claim: Claim) {
        let device = channel::device(seen.dstchannel);
        // Where it led into another Local channel, that one's own end is the end.
        let end = channel::local(seen.dstchannel).is_none().then(|| End {
            device: device.to_owned(),
            callee: seen.callee.to_owned(),
            is_voicemail: seen.is_voicemail,
        });
        let local = self.locals.entry(hash(&[stem.as_bytes()]), Local::default);
        match local.parent {
            Some(_) => self.calls.mark(seen.line, NO_CALLER),
            None => local.waiting.push(seen.line),
        }
        if local.child.as_ref().is_none_or(|(best, _)| claim.tells > best.tells) {
            let end = end.map(|end| match self.known.get(&end) {
                Some(number) => *number,
                None => {
                    let number = self.calls.ends.len() as u32;
                    self.calls.ends.push(end.clone());
                    self.known.insert(end, number);
                    number
                }
            });
            local.child = Some((claim, end));
            self.calls.resolve(local);
        }
    }

    /// The caller of a Local channel is counted where a real channel of the same call has its record.
    fn see_linked(&mut self, seen: &Seen<'_>) {
        let is_local = channel::local(seen.channel).is_some();
        if !is_local && !channel::is_real(seen.channel) {
            return;
        }
        let linked = self.linked.entry(hash(&[seen.linked_id.as_bytes()]), Linked::default);
        if !is_local {
            linked.has_real_caller = true;
            for line in std::mem::take(&mut linked.waiting) {
                self.calls.mark(line, NO_CALLER);
            }
        } else if linked.has_real_caller {
            self.calls.mark(seen.line, NO_CALLER);
        } else {
            linked.waiting.push(seen.line);
        }
    }
}

/// What the survey found, by line.
#[derive(Default)]
pub struct Calls {
    marks: Vec<u8>,
    /// By line of a record that calls a Local channel: the line of the record that calls on, and its end.
    told: HashMap<u64, (u64, Option<u32>)>,
    ends: Vec<End>,
}

impl Calls {
    /// What part of its call the record is. `has_end`: it names somebody called, or the voicemail.
    pub fn part(&self, line: u64, has_end: bool) -> Part {
        let (last, _) = self.last(line);
        let no_called = !has_end || self.marks(last) & NO_CALLED != 0;
        match self.marks(line) {
            marks if marks & TOLD != 0 => Part::System,
            marks if marks & NO_CALLER == 0 => Part::Whole,
            _ if no_called => Part::Continued,
            _ => Part::Onward,
        }
    }

    /// Where the Local channel that the record calls led to.
    pub fn end(&self, line: u64) -> Option<&End> {
        self.ends.get(self.last(line).1? as usize)
    }

    /// Follows Local channels from one to the next; a dialplan that goes round in circles is left.
    fn last(&self, line: u64) -> (u64, Option<u32>) {
        let mut last = (line, None);
        for _ in 0..8 {
            let Some(next) = self.told.get(&last.0) else { break };
            last = *next;
        }
        last
    }

    fn marks(&self, line: u64) -> u8 {
        usize::try_from(line).ok().and_then(|at| self.marks.get(at)).copied().unwrap_or_default()
    }

    fn mark(&mut self, line: u64, mark: u8) {
        let Ok(at) = usize::try_from(line) else { return };
        if self.marks.len() <= at {
            self.marks.resize(at + 1, 0);
        }
        if let Some(marks) = self.marks.get_mut(at) {
            *marks |= mark;
        }
    }

    /// The record that tells most counts for the channel; of equals, the first. The same line again is no other record.
    fn claim(&mut self, claims: &mut Recent<Claim>, key: u64, claim: Claim, mark: u8) {
        let best = claims.entry(key, || claim);
        if mark == NO_CALLED && best.started.abs_diff(claim.started) > APART {
            *best = claim;
            return;
        }
        if best.text == claim.text {
            return;
        }
        let loser = if claim.tells > best.tells { std::mem::replace(best, claim) } else { claim };
        self.mark(loser.line, mark);
    }

    /// Joins both halves where they agree; where they do not, each counts for itself.
    fn resolve(&mut self, local: &mut Local) {
        if let Some((parent, child)) = local.told.take() {
            self.told.remove(&parent);
            if let Some(marks) = usize::try_from(child).ok().and_then(|at| self.marks.get_mut(at)) {
                *marks &= !TOLD;
            }
        }
        let (Some((parent, is_answered)), Some((child, end))) = (local.parent, &local.child) else { return };
        // A half without a called channel was answered by the dialplan itself, or by nobody.
        let is_voicemail = end.and_then(|n| self.ends.get(n as usize)).is_some_and(|end| end.is_voicemail);
        if is_answered == (child.tells == 2 || is_voicemail) && parent != child.line {
            local.told = Some((parent, child.line));
            self.told.insert(parent, (child.line, *end));
            self.mark(child.line, TOLD);
        }
    }
}
