//! The calls of a day, in no vendor's words: who called whom, when, and what came of it. Each call is chosen so that
//! no phone gets more use or demand than its verdict allows; how calls are written down is the writers' business.

use chrono::NaiveDate;

use super::calendar::{self, Calendar};
use super::phones::{self, Forward, Habit, Once, Phone, Phones, Platform};
use super::rng::Rng;
use super::{Plan, outside};

/// One call as it was experienced; a writer may need several records for it.
#[derive(Clone, Debug)]
pub struct Call<'a> {
    pub platform: Platform,
    /// UTC seconds.
    pub start: i64,
    pub ring: i64,
    pub end: End,
    pub from: Party<'a>,
    pub to: Party<'a>,
    /// The phone that was asked for and passed the call on to `to`.
    pub via: Option<(&'a Phone, Forward)>,
    pub shape: Shape<'a>,
}

impl<'a> Call<'a> {
    /// Seconds from set-up to end.
    pub fn length(&self) -> i64 {
        self.ring + if let End::Answered(talk) = self.end { talk } else { 0 }
    }

    /// Who called an emergency service with it.
    pub fn emergency_caller(&self) -> Option<&'a Phone> {
        match (&self.from, &self.to) {
            (Party::Phone(phone), Party::Outside(number, Route::Pstn)) if EMERGENCY.contains(&number.as_str()) => {
                Some(*phone)
            }
            _ => None,
        }
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum End {
    /// Seconds talked; 0 is an answer of less than one.
    Answered(i64),
    NoAnswer,
    Busy,
    /// The network's cause.
    Failed(u32),
}

#[derive(Clone, Debug)]
pub enum Party<'a> {
    Phone(&'a Phone),
    /// National form, or the other side's own numbering for other routes than the public one.
    Outside(String, Route),
    Withheld,
    Voicemail,
    /// Off-hook and on-hook again: nobody was called.
    Nobody,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Route {
    Pstn,
    Iccs,
    Airwave,
    Vodafone,
    Tie,
}

#[derive(Clone, Copy, Debug)]
pub enum Shape<'a> {
    Plain,
    /// The called phone hands the caller to this one.
    Transferred(&'a Phone),
    /// The caller adds this phone.
    Conference(&'a Phone),
    Recorded,
    /// By way of the hunt pilot.
    Hunt,
}

/// What a phone in use may do, with how often out of a thousand or so.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Event {
    Internal,
    Outbound,
    Inbound,
    InternalUnanswered,
    InternalBusy,
    OutboundUnanswered,
    OutboundFailed,
    InboundMissed,
    Withheld,
    OffHook,
    SubSecond,
    ToVoicemail,
    ToColleague,
    BusyToColleague,
    ReadVoicemail,
    Transfer,
    Conference,
    Recorded,
    Hunt,
    HuntMissed,
    Tandem,
    ThirdPartyOut,
    ThirdPartyIn,
    Tie,
    Emergency,
}

const EVENTS: [(Event, u64); 25] = [
    (Event::Internal, 280),
    (Event::Outbound, 230),
    (Event::Inbound, 220),
    (Event::InternalUnanswered, 30),
    (Event::InternalBusy, 15),
    (Event::OutboundUnanswered, 20),
    (Event::OutboundFailed, 6),
    (Event::InboundMissed, 40),
    (Event::Withheld, 12),
    (Event::OffHook, 8),
    (Event::SubSecond, 6),
    (Event::ToVoicemail, 25),
    (Event::ToColleague, 14),
    (Event::BusyToColleague, 4),
    (Event::ReadVoicemail, 12),
    (Event::Transfer, 14),
    (Event::Conference, 4),
    (Event::Recorded, 10),
    (Event::Hunt, 24),
    (Event::HuntMissed, 5),
    (Event::Tandem, 5),
    (Event::ThirdPartyOut, 12),
    (Event::ThirdPartyIn, 6),
    (Event::Tie, 8),
    (Event::Emergency, 1),
];

const EMERGENCY: [&str; 2] = ["999", "112"];

/// Thousandths of a week's calls.
const WEEKDAY_SHARE: u64 = 190;
const WEEKEND_SHARE: u64 = 25;

/// Weight of each hour of a weekday: quiet nights, a busy hour before noon, a lower one after lunch.
const HOURS: [u64; 24] = [2, 1, 1, 1, 1, 2, 4, 10, 60, 110, 135, 125, 85, 80, 115, 110, 85, 50, 10, 6, 5, 4, 3, 2];

/// Calls that begin in that hour of a weekday on that platform, about.
pub fn usual_calls(plan: &Plan, platform: Platform, hour: u32) -> u64 {
    let a_week = u64::from(plan.calls_per_week.saturating_sub(3)) * WEEKDAY_SHARE + 600;
    phones::busy_on(plan, platform) as u64 * a_week * HOURS[hour as usize % 24] / (1_000 * HOURS.iter().sum::<u64>())
}

/// All calls that start on that civil day, in no order. The same day of the same plan is always the same.
pub fn day<'a>(plan: &'a Plan, phones: &'a Phones, calendar: &'a Calendar, day: NaiveDate) -> Vec<Call<'a>> {
    let rng = Rng::new(plan.seed, calendar::number(day) as u64);
    let mut today = Today { plan, phones, calendar, day, rng, calls: Vec::new() };
    for platform in Platform::ALL {
        if !calendar.is_gap(platform, day) {
            today.duty_desk(platform);
        }
    }
    for phone in phones.registered.iter().chain(&phones.unknown) {
        if phone.installed(day) && !calendar.is_gap(phone.platform, day) {
            today.live(phone);
        }
    }
    if day == calendar.showcase() {
        for platform in Platform::ALL {
            for (event, _) in EVENTS {
                today.event(event, &phones.registered[phones.busy(platform)[1]]);
            }
        }
    }
    today.calls
}

/// A call that phone made at noon, whatever its habit.
pub fn proof(phone: &Phone, day: NaiveDate) -> Call<'_> {
    let (start, to) = (calendar::utc(day, 12 * 3_600), Party::Outside(outside::monitoring(0), Route::Pstn));
    let (from, end, shape) = (Party::Phone(phone), End::Answered(60), Shape::Plain);
    Call { platform: phone.platform, start, ring: 5, end, from, to, via: None, shape }
}

struct Today<'a> {
    plan: &'a Plan,
    phones: &'a Phones,
    calendar: &'a Calendar,
    day: NaiveDate,
    rng: Rng,
    calls: Vec<Call<'a>>,
}

impl<'a> Today<'a> {
    /// The two calls that a staffed desk makes every day of the year and the one it misses, so that each day but the
    /// lost one is covered and shows what is internal and what nobody answered; a call on each Cisco node; and the
    /// calls that cross midnight and the changes of the clock.
    fn duty_desk(&mut self, platform: Platform) {
        let busy = self.phones.busy(platform);
        let (desk, other) = (&self.phones.registered[busy[0]], &self.phones.registered[busy[1]]);
        let (from, to) = (|| Party::Phone(desk), || Party::Phone(other));
        for second in [7 * 3_600, 19 * 3_600 + 1_800] {
            let (at, talk) = (calendar::utc(self.day, second) + self.rng.between(0, 600), self.talk());
            self.put_at(platform, at, End::Answered(talk), from(), to());
        }
        let (at, caller) = (calendar::utc(self.day, 12 * 3_600) + self.rng.between(0, 600), self.caller());
        self.put_at(platform, at, End::NoAnswer, caller, from());
        if let Some(far) = self.phones.far_desk.filter(|_| platform == Platform::Cucm) {
            let (at, talk) = (calendar::utc(self.day, 8 * 3_600) + self.rng.between(0, 600), self.talk());
            self.put_at(platform, at, End::Answered(talk), Party::Phone(&self.phones.registered[far]), from());
        }
        if let Some(change) = calendar::shifted(self.day) {
            // Over the change, and half an hour before and after it: the same wall-clock time twice in autumn.
            for (at, talk) in [(change - 2_400, 7_200), (change - 1_800, 240), (change + 1_800, 240)] {
                self.put_at(platform, at, End::Answered(talk), from(), to());
            }
        }
        if self.day.format("%m-%d").to_string() == "12-31" || calendar::number(self.day) % 9 == 4 {
            let at = calendar::utc(self.day, 86_400 - 540);
            self.put_at(platform, at, End::Answered(1_500), from(), to());
        }
    }

    /// A phone's day.
    fn live(&mut self, phone: &'a Phone) {
        let weekday = !calendar::weekend(self.day);
        match phone.habit {
            Habit::Stray => {
                if phone.due(self.day) {
                    self.made(phone);
                }
            }
            Habit::Busy => self.busy(phone),
            Habit::Lapsed => {
                if self.day < self.calendar.window_start && phone.due(self.day) {
                    self.made(phone);
                    if phone.turn(self.day) % 3 == 0 {
                        self.event(Event::Emergency, phone);
                    }
                }
            }
            Habit::Low => {
                if let Some(turn) = self.low_turn(phone) {
                    match turn % 4 {
                        // Never the same number again and again, as a lift does.
                        0 => self.called(phone, true),
                        2 => self.called(phone, false),
                        _ => self.inbound(phone),
                    }
                    self.missed(phone);
                }
            }
            Habit::Once(once) => {
                if phone.due(self.day) {
                    self.once(phone, once);
                }
            }
            Habit::Silent => {}
            Habit::Rung => {
                if phone.due(self.day) {
                    self.missed(phone);
                }
            }
            Habit::Diverted(forward) => {
                if phone.due(self.day) {
                    self.diverted(phone, forward);
                    if phone.turn(self.day) % 4 == 0 {
                        self.missed(phone);
                    }
                }
            }
            Habit::Counter => {
                if weekday && (phone.due(self.day) || self.plan.calls_per_week > 5) {
                    self.inbound(phone);
                    self.missed(phone);
                    self.made(phone);
                }
            }
            Habit::SelfTest => {
                if calendar::number(self.day) % 3 == phone.phase % 3 {
                    let line = phone.extension.bytes().fold(0, |sum, digit| sum * 10 + usize::from(digit - b'0'));
                    let to = Party::Outside(outside::monitoring(line), Route::Pstn);
                    let at = calendar::utc(self.day, 3 * 3_600 + 900) + phone.phase;
                    let talk = self.rng.between(30, 90);
                    self.put_at(phone.platform, at, End::Answered(talk), Party::Phone(phone), to);
                }
            }
        }
    }

    /// Which of a phone's few uses falls on this day: it waits for a day whose records arrive.
    fn low_turn(&self, phone: &Phone) -> Option<i64> {
        let covered = |day: NaiveDate| self.calendar.is_covered(phone.platform, day);
        if !covered(self.day) {
            return None;
        }
        let mut due = self.day;
        loop {
            if phone.due(due) {
                return Some(phone.turn(due));
            }
            due = due.pred_opt()?;
            if covered(due) || due < self.calendar.first_day {
                return None;
            }
        }
    }

    /// The only day this phone is ever used.
    fn once(&mut self, phone: &'a Phone, once: Once) {
        match once {
            Once::Emergency => self.event(Event::Emergency, phone),
            Once::Unseen => {
                for hour in 10..13 {
                    self.at_hour(phone, hour);
                }
            }
            Once::Spoiled => self.at_hour(phone, 15),
        }
    }

    fn at_hour(&mut self, phone: &'a Phone, hour: u32) {
        let at = calendar::utc(self.day, hour * 3_600) + self.rng.between(0, 1_800);
        let (talk, colleague) = (self.rng.between(20, 600), self.colleague(phone));
        self.put_at(phone.platform, at, End::Answered(talk), Party::Phone(phone), Party::Phone(colleague));
    }

    /// Three calls of its own on fixed weekdays, and chance for the rest.
    fn busy(&mut self, phone: &'a Phone) {
        let weekday = calendar::number(self.day) % 7;
        let extra = u64::from(self.plan.calls_per_week.saturating_sub(3));
        let share = if weekday < 5 {
            if (0..3).any(|k| (phone.phase + 2 * k) % 5 == weekday) {
                self.made(phone);
            }
            if calendar::is_bank_holiday(self.day) { WEEKEND_SHARE } else { WEEKDAY_SHARE }
        } else {
            WEEKEND_SHARE
        };
        // Uniform from nothing to twice the mean.
        let extra = self.rng.below(2 * extra * share + 1_000) / 1_000;
        for _ in 0..extra {
            let event = EVENTS[self.rng.weighted(EVENTS.iter().map(|(_, weight)| *weight))].0;
            self.event(event, phone);
        }
    }

    fn event(&mut self, event: Event, phone: &'a Phone) {
        let platform = phone.platform;
        let cucm = platform == Platform::Cucm;
        let own = || Party::Phone(phone);
        let colleague = self.colleague(phone);
        let peer = Party::Phone(colleague);
        let talk = End::Answered(self.talk());
        match event {
            Event::Internal => self.put(platform, talk, own(), peer),
            Event::Outbound => self.made(phone),
            Event::Inbound => self.inbound(phone),
            Event::InternalUnanswered => self.put(platform, End::NoAnswer, own(), peer),
            Event::InternalBusy => self.put(platform, End::Busy, own(), peer),
            Event::OutboundUnanswered => {
                let to = self.somebody();
                self.put(platform, End::NoAnswer, own(), to);
            }
            Event::OutboundFailed => {
                let cause = [34, 41, 1, 27][self.rng.below(4) as usize];
                let to = self.somebody();
                self.put(platform, End::Failed(cause), own(), to);
            }
            Event::InboundMissed => self.missed(phone),
            Event::Withheld => self.put(platform, talk, Party::Withheld, own()),
            Event::OffHook => self.put(platform, End::NoAnswer, own(), Party::Nobody),
            Event::SubSecond => {
                let from = self.caller();
                self.put(platform, End::Answered(0), from, own());
            }
            Event::ToVoicemail => self.diverted(phone, Forward::NoAnswerToVoicemail),
            Event::ToColleague => self.diverted(phone, Forward::NoAnswerToColleague),
            Event::BusyToColleague => self.diverted(phone, Forward::BusyToColleague),
            Event::ReadVoicemail => self.put(platform, talk, own(), Party::Voicemail),
            Event::Transfer => {
                let from = self.caller();
                self.put(platform, talk, from, own());
                self.shape(Shape::Transferred(colleague));
            }
            Event::Conference => {
                let third = self.colleague(phone);
                self.put(platform, talk, own(), peer);
                if third.extension != colleague.extension {
                    self.shape(Shape::Conference(third));
                }
            }
            Event::Recorded | Event::Hunt | Event::HuntMissed => {
                let from = self.caller();
                let end = if event == Event::HuntMissed { End::NoAnswer } else { talk };
                self.put(platform, end, from, own());
                self.shape(if event == Event::Recorded { Shape::Recorded } else { Shape::Hunt });
            }
            Event::Tandem => {
                let (from, to) = (self.caller(), Party::Outside(outside::mobile(&mut self.rng), Route::Pstn));
                self.put(platform, talk, from, to);
            }
            Event::ThirdPartyOut if cucm => {
                let to = self.third_party();
                self.put(platform, talk, own(), to);
            }
            Event::ThirdPartyIn if cucm => {
                let from = self.third_party();
                self.put(platform, talk, from, own());
            }
            Event::ThirdPartyOut | Event::ThirdPartyIn => self.made(phone),
            Event::Tie => self.tie(phone, talk),
            // A call that no record shows could guard nothing.
            Event::Emergency if !self.calendar.is_covered(platform, self.day) => {}
            Event::Emergency => {
                let number = EMERGENCY[usize::from(!self.rng.chance(80))];
                self.put(platform, End::Answered(95), own(), Party::Outside(number.to_string(), Route::Pstn));
            }
        }
    }

    /// An answered call from the phone to somebody who may be called.
    fn made(&mut self, phone: &'a Phone) {
        let is_internal = self.rng.chance(45);
        self.called(phone, is_internal);
    }

    fn called(&mut self, phone: &'a Phone, is_internal: bool) {
        let to = if is_internal { Party::Phone(self.colleague(phone)) } else { self.somebody() };
        let end = End::Answered(self.talk());
        self.put(phone.platform, end, Party::Phone(phone), to);
    }

    fn inbound(&mut self, phone: &'a Phone) {
        let (from, end) = (self.caller(), End::Answered(self.talk()));
        self.put(phone.platform, end, from, Party::Phone(phone));
    }

    fn missed(&mut self, phone: &'a Phone) {
        let from = match phone.platform {
            // Mitel writes nothing of an internal call nobody answered, so the demand must come from outside.
            Platform::Cucm if self.rng.chance(40) => Party::Phone(self.colleague(phone)),
            _ => self.caller(),
        };
        self.put(phone.platform, End::NoAnswer, from, Party::Phone(phone));
    }

    fn diverted(&mut self, phone: &'a Phone, forward: Forward) {
        let colleague = self.colleague(phone);
        let to = match forward {
            Forward::AllToVoicemail | Forward::NoAnswerToVoicemail => Party::Voicemail,
            Forward::AllToMobile => Party::Outside(outside::mobile(&mut self.rng), Route::Pstn),
            _ => Party::Phone(colleague),
        };
        let (from, end) = (self.caller(), End::Answered(self.talk()));
        self.put(phone.platform, end, from, to);
        if let Some(call) = self.calls.last_mut() {
            call.via = Some((phone, forward));
        }
    }

    /// A call to a phone of the other platform, seen by both; by one alone on the other's lost day.
    fn tie(&mut self, phone: &'a Phone, end: End) {
        let other = if phone.platform == Platform::Cucm { Platform::Mitel } else { Platform::Cucm };
        let callee = self.somebody_busy(other);
        self.put(phone.platform, end, Party::Phone(phone), Party::Outside(callee.extension.clone(), Route::Tie));
        let at = self.calls.last().map_or(0, |call| call.start) + 1;
        if !self.calendar.is_gap(other, self.day) && calendar::wall(at).date() == self.day {
            self.put_at(other, at, end, Party::Outside(phone.extension.clone(), Route::Tie), Party::Phone(callee));
        }
    }

    fn put(&mut self, platform: Platform, end: End, from: Party<'a>, to: Party<'a>) {
        let hour = self.rng.weighted(HOURS.iter().copied()) as u32;
        let at = calendar::utc(self.day, hour * 3_600 + self.rng.below(3_600) as u32);
        self.put_at(platform, at, end, from, to);
    }

    fn put_at(&mut self, platform: Platform, start: i64, end: End, from: Party<'a>, to: Party<'a>) {
        let ring = match end {
            End::Failed(_) => 0,
            End::Busy => 2,
            End::Answered(_) => self.rng.between(1, 24),
            End::NoAnswer => self.rng.between(8, 45),
        };
        self.calls.push(Call { platform, start, ring, end, from, to, via: None, shape: Shape::Plain });
    }

    fn shape(&mut self, shape: Shape<'a>) {
        if let Some(call) = self.calls.last_mut() {
            call.shape = shape;
        }
    }

    /// Mostly a minute or three, now and then an hour.
    fn talk(&mut self) -> i64 {
        let longest = [60, 180, 420, 900, 3_900][self.rng.weighted([40, 35, 17, 7, 1].into_iter())];
        self.rng.between(4, longest)
    }

    /// A phone in use on the same platform that is not this one.
    fn colleague(&mut self, phone: &Phone) -> &'a Phone {
        for _ in 0..8 {
            let found = self.somebody_busy(phone.platform);
            if found.extension != phone.extension {
                return found;
            }
        }
        let busy = self.phones.busy(phone.platform);
        let first = &self.phones.registered[busy[0]];
        if first.extension == phone.extension { &self.phones.registered[busy[1]] } else { first }
    }

    fn somebody_busy(&mut self, platform: Platform) -> &'a Phone {
        let busy = self.phones.busy(platform);
        let found = &self.phones.registered[busy[self.rng.below(busy.len() as u64) as usize]];
        if found.installed(self.day) { found } else { &self.phones.registered[busy[0]] }
    }

    fn somebody(&mut self) -> Party<'a> {
        Party::Outside(outside::called(&mut self.rng), Route::Pstn)
    }

    fn caller(&mut self) -> Party<'a> {
        if self.rng.chance(4) { Party::Withheld } else { Party::Outside(outside::calling(&mut self.rng), Route::Pstn) }
    }

    fn third_party(&mut self) -> Party<'a> {
        let n = self.rng.below(40);
        match self.rng.below(3) {
            0 => Party::Outside(format!("760{n:02}"), Route::Iccs),
            1 => Party::Outside(format!("770{n:02}"), Route::Airwave),
            _ => Party::Outside(outside::mobile(&mut self.rng), Route::Vodafone),
        }
    }
}
