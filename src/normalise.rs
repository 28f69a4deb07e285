//! The vendor's words to a `Leg`: zone to UTC and civil day, digits to numbers and extensions, trunks to direction.
//! The only place that knows zones and numbering. It reads nothing and cannot fail: what it cannot tell is `unknown`.

mod parties;
mod zone;

use std::borrow::Cow;
use std::collections::HashMap;

use crate::config::{Clock, Ddi, Pattern, Source};
use crate::leg::{Direction, Leg, NONE, Outcome, RedirectReason, TextId, Texts};
use crate::number::{self, Class};
use crate::privacy::Mask;
use crate::quality::Quality;
use crate::read::{RawQuality, RawRecord, RawTime, RecordId, Side, SideKind, hash};
use parties::{Parties, Party, Way};
use zone::Zone;
pub use zone::days;

/// What is at the far end of a trunk, from `trunks.csv`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum TrunkKind {
    /// Public network, SBC or gateway: what is dialled there is a number of the public plan.
    Public,
    /// Tie line or third party: calls leave and enter by it, with numbers of a private plan.
    Private,
    Voicemail,
    Recorder,
}

/// Trunk names of one source.
pub type Trunks = HashMap<String, TrunkKind>;

/// All that is settled for one source before its first record.
#[derive(Debug)]
pub struct Normaliser<'a> {
    source: &'a str,
    platform: &'static str,
    /// The same by their numbers.
    names: [TextId; 2],
    outside_prefix: &'a str,
    area_code: &'a str,
    extensions: &'a [Pattern],
    ddi: &'a [Ddi],
    /// What the trunk list says, by the number of the name.
    trunks: Vec<Option<TrunkKind>>,
    /// It lists a voicemail or a recorder, and so perhaps its number.
    lists_services: bool,
    zone: Zone,
    /// Wall clocks in the records show UTC, whatever the zone of the site.
    clock_is_utc: bool,
    input_id: i64,
    /// What digits were found to be: the same few thousand numbers come again and again.
    parties: Parties,
    /// What stands for outside numbers; none where they are kept.
    mask: Option<&'a Mask>,
    /// What stands for texts that may hold one, as the name of a device or of anything else.
    shown: HashMap<(TextId, bool), TextId>,
    scratch: String,
}

/// A side of the leg once the trunk list has had its word.
#[derive(Clone, Copy, PartialEq, Eq)]
enum End {
    /// A handset, or an end of ours that the platform does not name.
    Ours,
    Public,
    Private,
    Voicemail,
    Recorder,
}

impl End {
    /// As far as the record alone tells.
    const fn of(kind: SideKind) -> Self {
        match kind {
            SideKind::Trunk => Self::Public,
            SideKind::Voicemail => Self::Voicemail,
            SideKind::Unknown | SideKind::Handset => Self::Ours,
        }
    }

    const fn is_line(self) -> bool {
        matches!(self, Self::Public | Self::Private)
    }

    const fn is_service(self) -> bool {
        matches!(self, Self::Voicemail | Self::Recorder)
    }
}

/// What digits that are no extension of ours can be.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Plan {
    /// They went by a public trunk: an outside number, whatever they look like.
    Public,
    /// They belong to a handset or to somebody's private plan: outside only where they cannot mean anything else.
    Private,
    /// Nobody can tell but their shape.
    Shape,
}

/// A party in texts, before they are kept.
#[derive(Clone, Copy)]
struct Found<'b> {
    number: &'b str,
    extension: Option<&'b str>,
    class: Option<Class>,
}

impl<'a> Normaliser<'a> {
    /// `texts` is that of all its legs. The zone's name was checked with the configuration; one that is unknown all the
    /// same counts as UTC.
    pub fn new(source: &'a Source, platform: &'static str, trunks: &Trunks, texts: &mut Texts, input_id: i64) -> Self {
        let names = [source.name.as_str(), platform].map(|name| texts.id(Some(name)));
        let mut kinds = Vec::new();
        for (name, kind) in trunks {
            let id = texts.id(Some(name)) as usize;
            kinds.resize(kinds.len().max(id + 1), None);
            kinds[id] = Some(*kind);
        }
        Self {
            source: &source.name,
            platform,
            names,
            outside_prefix: &source.outside_prefix,
            area_code: &source.area_code,
            extensions: &source.extensions,
            ddi: &source.ddi,
            lists_services: kinds
                .iter()
                .flatten()
                .any(|kind| *kind != TrunkKind::Public && *kind != TrunkKind::Private),
            trunks: kinds,
            zone: Zone::new(source.timezone.parse().unwrap_or(chrono_tz::UTC)),
            clock_is_utc: source.clock == Clock::Utc,
            input_id,
            parties: Parties::default(),
            mask: None,
            shown: HashMap::new(),
            scratch: String::new(),
        }
    }

    /// The same, with something in the place of outside numbers. All is decided on the numbers first.
    #[must_use]
    pub fn masked(mut self, mask: Option<&'a Mask>) -> Self {
        self.mask = mask;
        self
    }

    /// The leg of a record. Where the record has no id of the vendor's, `leg_key` is the hash of its text alone, and the
    /// ordinal within the day is still to be worked in ([`ordinal_key`]).
    pub fn leg(&mut self, raw: &RawRecord<'_>, texts: &mut Texts) -> Leg {
        texts.warm([raw.calling.device, raw.called.device, raw.calling.user, raw.called.user]);
        self.parties.warm([raw.caller, raw.callee]);
        let devices = [&raw.calling, &raw.called].map(|side| texts.id(some(side.device)));
        let (from, to) = self.ends(raw, devices, texts);
        let from_plan = if from == End::Public { Plan::Public } else { Plan::Private };
        let to_plan = match to {
            End::Public => Plan::Public,
            End::Ours if raw.called.device.is_empty() && raw.called.kind != SideKind::Handset => Plan::Shape,
            End::Ours | End::Private | End::Voicemail | End::Recorder => Plan::Private,
        };
        // What was dialled is where the call went, unless it was passed on to somewhere else.
        let dialled_plan = match raw.redirect.is_empty() || raw.dialled == raw.callee {
            true => to_plan,
            false if from.is_line() => Plan::Private,
            false => Plan::Shape,
        };
        let caller = self.party(raw.caller, from_plan, false, texts);
        let callee = self.party(raw.callee, to_plan, true, texts);
        let dialled = match raw.dialled == raw.callee && dialled_plan == to_plan {
            true => callee,
            false => self.party(raw.dialled, dialled_plan, true, texts),
        };
        let redirect_ext = self.party(raw.redirect, Plan::Shape, true, texts).extension;
        let (started_at_us, local_day, local_minute) = self.moment(raw.started);
        let asked = if callee.number != NONE { callee } else { dialled };
        let direction = match raw.direction {
            // The trunk list has the last word: what a record calls a trunk may be the voicemail.
            Some(direction) if !from.is_service() && !to.is_service() => direction,
            _ => direction(from, to, [&raw.calling, &raw.called], caller, asked),
        };
        let was_ours = dialled.extension != NONE || redirect_ext != NONE;
        let outcome = outcome(raw, to, was_ours && callee.extension == NONE);
        let outside = match direction {
            Direction::Inbound => caller.class,
            Direction::Outbound | Direction::Tandem => callee.class.or(dialled.class),
            Direction::Internal | Direction::Unknown => None,
        };
        let (leg_key, call_key) = self.keys(raw);
        let [source, platform] = self.names;
        let [calling, called] = devices.map(|device| self.shown(device, true, texts));
        let [caller_link, callee_link] = [raw.calling.link, raw.called.link].map(|link| link.map(|l| self.hidden(l)));
        Leg {
            leg_key,
            call_key,
            source,
            platform,
            input_id: self.input_id,
            record_no: raw.line as i64,
            started_at_us,
            local_day,
            local_minute,
            ring_s: raw.ring_s,
            talk_s: raw.talk_s,
            direction,
            outcome,
            caller: caller.number,
            dialled: dialled.number,
            callee: callee.number,
            caller_ext: caller.extension,
            dialled_ext: dialled.extension,
            callee_ext: callee.extension,
            redirect_ext,
            redirect_reason: raw.redirect_reason,
            caller_device: if from == End::Ours { calling } else { NONE },
            callee_device: if to == End::Ours { called } else { NONE },
            caller_user: self.text(raw.calling.user, texts),
            callee_user: self.text(raw.called.user, texts),
            trunk_in: if from == End::Ours { NONE } else { calling },
            trunk_out: if to == End::Ours { NONE } else { called },
            hunt_group: self.text(raw.hunt_group, texts),
            number_class: outside,
            cause: raw.cause,
            account_code: self.text(raw.account_code, texts),
            charge_micros: raw.charge_micros,
            currency: texts.id(some(raw.currency)),
            vendor_kind: texts.id(some(raw.vendor_kind)),
            part: raw.part,
            caller_link,
            callee_link,
            caller_node: texts.id(some(raw.calling.node)),
            callee_node: texts.id(some(raw.called.node)),
        }
    }

    /// Gives the row of a quality report to `take`.
    pub fn quality<R>(&mut self, raw: &RawQuality<'_>, take: impl FnOnce(&Quality<'_>) -> R) -> R {
        let (ended_at_us, local_day, local_minute) = self.moment(raw.ended);
        let number = self.written(raw.number);
        let device = self.mask.map_or(Cow::Borrowed(raw.device), |mask| mask.device(raw.device));
        take(&Quality {
            quality_key: hash(&[self.source.as_bytes(), raw.id.as_bytes()]) as i64,
            source: self.source,
            platform: self.platform,
            input_id: self.input_id,
            record_no: raw.line as i64,
            ended_at_us,
            local_day,
            local_minute,
            link: self.hidden(raw.link),
            number: some(&number),
            device: some(&device),
            duration_s: raw.duration_s,
            packets_sent: raw.packets_sent,
            packets_received: raw.packets_received,
            packets_lost: raw.packets_lost,
            jitter_ms: raw.jitter_ms,
            latency_ms: raw.latency_ms,
            mos: raw.mos,
            mos_min: raw.mos_min,
            concealed_s: raw.concealed_s,
            severely_concealed_s: raw.severely_concealed_s,
        })
    }

    /// Microseconds UTC, civil day and minute.
    fn moment(&mut self, time: RawTime) -> (i64, i32, i16) {
        match time {
            RawTime::Utc(seconds) => self.zone.civil(seconds),
            RawTime::Local(civil) if self.clock_is_utc => self.zone.civil(civil.and_utc().timestamp()),
            RawTime::Local(civil) => self.zone.of_clock(civil),
        }
    }

    fn keys(&self, raw: &RawRecord<'_>) -> (i64, i64) {
        let source = self.source.as_bytes();
        let leg = match raw.id {
            RecordId::Vendor(id) => hash(&[source, id.as_bytes()]),
            RecordId::Text(text) => hash(&[source, text]),
        };
        (leg as i64, self.hidden(hash(&[source, &raw.call.to_le_bytes()]) as i64))
    }

    fn ends(&self, raw: &RawRecord<'_>, [calling, called]: [TextId; 2], texts: &Texts) -> (End, End) {
        let mut from = self.end(&raw.calling, calling, raw.caller, texts);
        let mut to = self.end(&raw.called, called, raw.callee, texts);
        // Trunks that the record knows of and does not name.
        if from == End::Ours && matches!(raw.direction, Some(Direction::Inbound | Direction::Tandem)) {
            from = End::Public;
        }
        if to == End::Ours && matches!(raw.direction, Some(Direction::Outbound | Direction::Tandem)) {
            to = End::Public;
        }
        // A trunk to the voicemail that the list lacks, but the record knows.
        if to == End::Public && raw.outcome == Outcome::Voicemail && self.trunk(called).is_none() {
            to = End::Voicemail;
        }
        (from, to)
    }

    fn end(&self, side: &Side<'_>, device: TextId, number: &str, texts: &Texts) -> End {
        // Voicemail and recorders without a device are listed by their number.
        if device == NONE {
            let listed = if self.lists_services { texts.find(number) } else { NONE };
            return match self.trunk(listed) {
                Some(TrunkKind::Voicemail) if !number.is_empty() => End::Voicemail,
                Some(TrunkKind::Recorder) if !number.is_empty() => End::Recorder,
                _ => End::of(side.kind),
            };
        }
        match self.trunk(device) {
            Some(TrunkKind::Public) => End::Public,
            Some(TrunkKind::Private) => End::Private,
            Some(TrunkKind::Voicemail) => End::Voicemail,
            Some(TrunkKind::Recorder) => End::Recorder,
            None => End::of(side.kind),
        }
    }

    fn trunk(&self, name: TextId) -> Option<TrunkKind> {
        self.trunks.get(name as usize).copied().flatten()
    }

    /// What digits are under a plan; worked out where they are new.
    #[inline]
    fn party(&mut self, digits: &str, plan: Plan, with_prefix: bool, texts: &mut Texts) -> Party {
        if digits.is_empty() {
            return Party::default();
        }
        let way = plan as Way * 2 + Way::from(with_prefix);
        match self.parties.find(digits, way) {
            Some(party) => party,
            None => self.new_party(digits, plan, with_prefix, way, texts),
        }
    }

    #[cold]
    fn new_party(&mut self, digits: &str, plan: Plan, with_prefix: bool, way: Way, texts: &mut Texts) -> Party {
        let mut scratch = std::mem::take(&mut self.scratch);
        let prefix = if with_prefix { self.outside_prefix } else { "" };
        let Found { number, extension, class } = self.found(digits, plan, prefix, &mut scratch);
        let instead = match (self.mask, extension) {
            (Some(mask), None) => mask.number(number, class),
            _ => None,
        };
        let number = texts.id(Some(instead.as_deref().unwrap_or(number)));
        let party = Party { number, extension: texts.id(extension), class };
        self.parties.keep(digits, way, party);
        self.scratch = scratch;
        party
    }

    /// Our own extensions come first: only the site knows that 11100 is one of its desks and no short code. But a line
    /// that called 999 by a public trunk must not look as if it had not.
    fn found<'b>(&self, digits: &'b str, plan: Plan, prefix: &str, scratch: &'b mut String) -> Found<'b> {
        let area_code = if plan == Plan::Private { "" } else { self.area_code };
        let rules = number::Rules { outside_prefix: prefix, area_code, by_trunk: plan == Plan::Public };
        if let Some(extension) = self.extension(digits) {
            let is_emergency = plan == Plan::Public
                && number::outside(digits, &rules, scratch).is_some_and(|found| found.class.is_emergency());
            if !is_emergency {
                return Found { number: extension, extension: Some(extension), class: None };
            }
        }
        match number::outside(digits, &rules, scratch) {
            Some(found) if plan != Plan::Private || found.number.starts_with('+') || found.class.is_emergency() => {
                match self.ddi.iter().find_map(|d| d.extension(found.number)) {
                    Some(extension) => Found { number: extension, extension: Some(extension), class: None },
                    None => Found { number: found.number, extension: None, class: Some(found.class) },
                }
            }
            _ => Found { number: digits, extension: None, class: None },
        }
    }

    /// A line that is rejected, as far as it may be kept.
    pub fn rejected(&self, line: String) -> String {
        if self.mask.is_some() { Mask::line(&line) } else { line }
    }

    /// A number as the vendor writes it, unless it is an outside one that is not kept.
    fn written<'b>(&self, digits: &'b str) -> Cow<'b, str> {
        let Some(mask) = self.mask else { return Cow::Borrowed(digits) };
        let mut scratch = String::new();
        let Found { number, extension, class } = self.found(digits, Plan::Public, self.outside_prefix, &mut scratch);
        let instead = if extension.is_none() { mask.number(number, class) } else { None };
        instead.map_or(Cow::Borrowed(digits), Cow::Owned)
    }

    /// A text that names something, kept; without outside numbers in it where those are not.
    fn text(&mut self, text: &str, texts: &mut Texts) -> TextId {
        let id = texts.id(some(text));
        self.shown(id, false, texts)
    }

    fn shown(&mut self, id: TextId, is_device: bool, texts: &mut Texts) -> TextId {
        let Some(mask) = self.mask.filter(|_| id != NONE) else { return id };
        if let Some(shown) = self.shown.get(&(id, is_device)) {
            return *shown;
        }
        let shown = texts.text(id).map(|text| match is_device {
            true => mask.device(text).into_owned(),
            false => mask.text(text).into_owned(),
        });
        let shown = texts.id(shown.as_deref());
        self.shown.insert((id, is_device), shown);
        shown
    }

    /// A hash that could be guessed, were it not keyed.
    fn hidden(&self, hash: i64) -> i64 {
        self.mask.map_or(hash, |mask| mask.hidden(hash))
    }

    fn extension<'b>(&self, digits: &'b str) -> Option<&'b str> {
        match self.extensions.iter().any(|p| p.matches(digits)) || self.ddi.iter().any(|d| d.gives(digits)) {
            true => Some(digits),
            // A direct-dial number already in E.164; other spellings go through the dialling pipeline first.
            false => self.ddi.iter().find_map(|d| d.extension(digits)),
        }
    }
}

/// The civil day of a moment (seconds UTC) at a source, as days since 1970-01-01.
pub fn civil_day(source: &Source, seconds: i64) -> i32 {
    Zone::new(source.timezone.parse().unwrap_or(chrono_tz::UTC)).civil(seconds).1
}

/// The key of a record that has no id of its own: its text and which of the equal texts of that day it is.
pub fn ordinal_key(text_key: i64, ordinal: u32) -> i64 {
    hash(&[&text_key.to_le_bytes(), &ordinal.to_le_bytes()]) as i64
}

fn some(text: &str) -> Option<&str> {
    (!text.is_empty()).then_some(text)
}

/// Voicemail and recorders are ours: a call to them stays inside. `asked` is where it ended, or should have.
fn direction(from: End, to: End, [calling, called]: [&Side<'_>; 2], caller: Party, asked: Party) -> Direction {
    match (from.is_line(), to.is_line()) {
        (true, true) => Direction::Tandem,
        (true, false) => Direction::Inbound,
        (false, true) => Direction::Outbound,
        // A platform that names neither trunk nor device: who has a number of the public plan called from outside, be it
        // an extension or a group that was asked for.
        (false, false)
            if asked.number != NONE
                && asked.class.is_none_or(|class| class == Class::Unknown)
                && calling.device.is_empty()
                && called.device.is_empty()
                && caller.class.is_some_and(|class| class != Class::Unknown) =>
        {
            Direction::Inbound
        }
        (false, false) if to != End::Ours || asked.extension != NONE => Direction::Internal,
        // A device that nobody listed and whose name tells nothing is no handset if it took an emergency call.
        (false, false) if !called.device.is_empty() => match asked.class {
            Some(Class::Emergency) if called.kind != SideKind::Handset => Direction::Outbound,
            _ => Direction::Internal,
        },
        // No trunk and no device was reached: what was dialled tells where it should have gone.
        (false, false) => match asked.class {
            Some(Class::Unknown) | None if asked.number == NONE => Direction::Unknown,
            Some(Class::Unknown) | None if caller.extension != NONE || from.is_service() => Direction::Internal,
            Some(Class::Unknown) | None => Direction::Unknown,
            Some(_) => Direction::Outbound,
        },
    }
}

/// `left_us`: a number of ours was asked for, and the call did not end at one.
fn outcome(raw: &RawRecord<'_>, to: End, left_us: bool) -> Outcome {
    let forwarded = matches!(
        raw.redirect_reason,
        Some(RedirectReason::ForwardAll | RedirectReason::ForwardBusy | RedirectReason::ForwardNoAnswer)
    );
    match raw.outcome {
        Outcome::Answered if to == End::Voicemail => Outcome::Voicemail,
        // Forwarded out of the platform: somebody answered, but none of our handsets.
        Outcome::Answered if forwarded && to.is_line() && left_us => Outcome::Diverted,
        outcome => outcome,
    }
}

#[cfg(test)]
mod tests;
