//! The human calls that every format tells in its own words: forty phones of one invented exchange over two fortnights
//! with the changes of the clock in them. Vendors' words and truth are not made here.

use chrono::NaiveDate;

use super::super::calendar;
use super::super::outside;
use super::super::phones::{Forward, Habit, Phone, Platform, Verdict};
use super::super::rng::{Rng, mix};
use super::super::traffic::{Call, End, Party, Route, Shape};

/// First and last day of the two stretches: the clock goes back on 29 October and forward on 31 March.
const STRETCHES: [[(i32, u32, u32); 2]; 2] = [[(2023, 10, 27), (2023, 10, 30)], [(2024, 3, 26), (2024, 4, 4)]];

const PHONES: usize = 40;

/// The hunt group's number: no extension of ours.
pub const PILOT: &str = "7100";

/// Who there is.
pub struct Scene {
    pub seed: u64,
    pub phones: Vec<Phone>,
}

/// A call as people had it, and its number among all calls: the same for all records of it.
#[derive(Clone, Debug)]
pub struct Conversation<'a> {
    pub number: usize,
    pub call: Call<'a>,
    /// Account code keyed by the caller.
    pub account: &'static str,
}

/// Calls that end within a delivery, in the order in which they end: the order in which platforms write them.
pub struct Stretch<'a> {
    pub last_day: NaiveDate,
    pub calls: Vec<Conversation<'a>>,
}

#[derive(Clone, Copy)]
enum Event {
    Internal,
    InternalMissed,
    InternalBusy,
    Outbound,
    OutboundMissed,
    OutboundFailed,
    Inbound,
    InboundMissed,
    InboundBusy,
    Withheld,
    ToColleague,
    ToMobile,
    ToVoicemail,
    Transfer,
    Conference,
    Hunt,
    Emergency,
    ThirdPartyOut,
    ThirdPartyIn,
}

/// Each happens every day once; the first of them again and again.
const EVENTS: [Event; 19] = [
    Event::Internal,
    Event::Outbound,
    Event::Inbound,
    Event::InboundMissed,
    Event::OutboundMissed,
    Event::InternalMissed,
    Event::InternalBusy,
    Event::InboundBusy,
    Event::OutboundFailed,
    Event::Withheld,
    Event::ToColleague,
    Event::ToMobile,
    Event::ToVoicemail,
    Event::Transfer,
    Event::Conference,
    Event::Hunt,
    Event::Emergency,
    Event::ThirdPartyOut,
    Event::ThirdPartyIn,
];
const OFTEN: usize = 4;
const MORE_CALLS_A_DAY: usize = 24;

impl Conversation<'_> {
    /// UTC seconds; of the end where nobody answered.
    pub fn answer(&self) -> i64 {
        self.call.start + self.call.ring
    }

    pub fn end(&self) -> i64 {
        self.answer() + self.talk()
    }

    /// Seconds; 0 if nobody answered.
    pub fn talk(&self) -> i64 {
        if let End::Answered(talk) = self.call.end { talk } else { 0 }
    }

    pub fn is_answered(&self) -> bool {
        matches!(self.call.end, End::Answered(_))
    }

    /// Our phone that took part: the caller, else the one asked for.
    pub fn phone(&self) -> Option<&Phone> {
        match (&self.call.from, &self.call.via, &self.call.to) {
            (Party::Phone(phone), ..) | (_, Some((phone, _)), _) | (_, _, Party::Phone(phone)) => Some(*phone),
            _ => None,
        }
    }
}

impl Scene {
    pub fn new(seed: u64) -> Self {
        Self { seed, phones: (1..=PHONES).map(|n| phone(seed, n)).collect() }
    }

    pub fn stretches(&self) -> Vec<Stretch<'_>> {
        let mut rng = Rng::new(self.seed, 0x0066_6f72_6d61_7473);
        let mut number = 0;
        let date = |(year, month, day)| NaiveDate::from_ymd_opt(year, month, day).unwrap_or_default();
        let stretch = |[first, last]: [(i32, u32, u32); 2]| {
            let mut calls = Vec::new();
            for day in date(first).iter_days().take_while(|day| *day <= date(last)) {
                self.day(day, &mut rng, &mut calls);
            }
            calls.sort_by_key(|c| (c.end(), c.call.start));
            for call in &mut calls {
                call.number = number;
                number += 1;
            }
            Stretch { last_day: date(last), calls }
        };
        STRETCHES.into_iter().map(stretch).collect()
    }

    fn day<'a>(&'a self, day: NaiveDate, rng: &mut Rng, calls: &mut Vec<Conversation<'a>>) {
        let at = |second: i64| calendar::utc(day, second as u32);
        for event in EVENTS {
            let start = at(rng.between(7 * 3_600, 20 * 3_600));
            calls.push(self.event(event, start, rng));
        }
        for _ in 0..MORE_CALLS_A_DAY {
            let event = EVENTS[rng.below(OFTEN as u64) as usize];
            let start = at(rng.between(3 * 3_600, 22 * 3_600));
            calls.push(self.event(event, start, rng));
        }
        let mut fixed = |event, start, talk| {
            let mut made = self.event(event, start, rng);
            made.call.end = End::Answered(talk);
            calls.push(made);
        };
        for (event, second) in [(Event::Internal, 86_000), (Event::Outbound, 86_010), (Event::Inbound, 86_020)] {
            fixed(event, at(second), 1_500); // over midnight
        }
        if let Some(change) = calendar::shifted(day) {
            for (from, talk) in [(-2_413, 7_200), (-1_807, 240), (1_805, 240)] {
                for event in [Event::Internal, Event::Outbound, Event::Inbound] {
                    fixed(event, change + from, talk);
                }
            }
        }
    }

    fn event<'a>(&'a self, event: Event, start: i64, rng: &mut Rng) -> Conversation<'a> {
        let [a, b, c] = self.three(rng);
        let own = |phone: &'a Phone| Party::Phone(phone);
        let pstn = |number: String| Party::Outside(number, Route::Pstn);
        let (mut from, mut to, mut via, mut shape) = (pstn(outside::calling(rng)), own(a), None, Shape::Plain);
        // Six seconds are the finest that a tenth of a minute can tell.
        let mut end = End::Answered(6 * rng.between(1, 90));
        let mut ring = rng.between(2, 24);
        let unanswered = 6 * rng.between(2, 7);
        match event {
            Event::Internal | Event::InternalMissed | Event::InternalBusy | Event::Conference => {
                (from, to) = (own(a), own(b));
                match event {
                    Event::InternalMissed => (end, ring) = (End::NoAnswer, unanswered),
                    Event::InternalBusy => (end, ring) = (End::Busy, 2),
                    Event::Conference => (end, shape) = (End::Answered(6 * rng.between(20, 90)), Shape::Conference(c)),
                    _ => {}
                }
            }
            Event::Outbound => (from, to) = (own(a), pstn(outside::called(rng))),
            Event::OutboundMissed => {
                (from, to, end, ring) = (own(a), pstn(outside::called(rng)), End::NoAnswer, unanswered);
            }
            Event::OutboundFailed => {
                (from, to, end, ring) = (own(a), pstn(outside::called(rng)), End::Failed(34), 0);
            }
            Event::Inbound => {}
            Event::InboundMissed => (end, ring) = (End::NoAnswer, unanswered),
            Event::InboundBusy => (end, ring) = (End::Busy, 2),
            Event::Withheld => from = Party::Withheld,
            Event::ToColleague => (to, via) = (own(b), Some((a, Forward::NoAnswerToColleague))),
            Event::ToMobile => (to, via) = (pstn(outside::mobile(rng)), Some((a, Forward::AllToMobile))),
            Event::ToVoicemail => (to, via) = (Party::Voicemail, Some((a, Forward::NoAnswerToVoicemail))),
            Event::Transfer => (end, shape) = (End::Answered(6 * rng.between(20, 90)), Shape::Transferred(c)),
            Event::Hunt => shape = Shape::Hunt,
            Event::Emergency => {
                let number = if rng.chance(80) { "999" } else { "112" };
                (from, to) = (own(a), pstn(number.into()));
            }
            Event::ThirdPartyOut => (from, to) = (own(a), airwave(rng)),
            Event::ThirdPartyIn => from = airwave(rng),
        }
        let keyed = matches!(event, Event::Outbound) && rng.chance(30);
        let account = if keyed { ["1201", "1202", "3300"][rng.below(3) as usize] } else { "" };
        let call = Call { platform: Platform::Cucm, start, ring, end, from, to, via, shape };
        Conversation { number: 0, call, account }
    }

    /// Three phones, no two the same.
    fn three(&self, rng: &mut Rng) -> [&Phone; 3] {
        let count = self.phones.len() as u64;
        let first = rng.below(count);
        let second = first + 1 + rng.below(count / 2 - 1);
        let third = second + 1 + rng.below(count / 2 - 1);
        [first, second, third].map(|n| &self.phones[(n % count) as usize])
    }
}

fn airwave(rng: &mut Rng) -> Party<'static> {
    Party::Outside(format!("770{:02}", rng.below(40)), Route::Airwave)
}

/// Extension 60nnn is the end of its direct line 020 7946 0nnn.
fn phone(seed: u64, n: usize) -> Phone {
    let mac = mix(seed ^ n as u64) & 0xFF_FFFF_FFFF;
    Phone {
        platform: Platform::Cucm,
        extension: format!("60{n:03}"),
        ddi: outside::ddi(true, n),
        device: format!("SEP02{mac:010X}"),
        model: "Cisco 8841",
        kind: "desk_phone",
        use_: "role",
        site: n % 2,
        cost_centre: 0,
        user: format!("u{n:05}"),
        installed_on: None,
        hunt_group: None,
        protected_reason: None,
        habit: Habit::Busy,
        verdict: Verdict::InUse,
        period: 7,
        phase: 0,
    }
}

/// Calls for the writers' tests, on 27 March 2024 from 09:15:07: rings 8 s, lasts 2 min 6 s.
#[cfg(test)]
pub mod example {
    use super::*;

    pub fn call<'a>(from: Party<'a>, to: Party<'a>) -> Conversation<'a> {
        let start = calendar::utc("2024-03-27".parse().unwrap(), 9 * 3_600 + 15 * 60 + 7);
        let (platform, end) = (Platform::Cucm, End::Answered(126));
        let call = Call { platform, start, ring: 8, end, from, to, via: None, shape: Shape::Plain };
        Conversation { number: 5, call, account: "" }
    }

    pub fn outside(number: &str) -> Party<'static> {
        Party::Outside(number.to_string(), Route::Pstn)
    }

    pub fn tie(number: &str) -> Party<'static> {
        Party::Outside(number.to_string(), Route::Airwave)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_scene_is_the_same_every_time_and_holds_every_kind_of_call() {
        let (scene, again) = (Scene::new(3), Scene::new(3));
        let tell = |scene: &Scene| format!("{:?}", scene.stretches().iter().map(|s| &s.calls).collect::<Vec<_>>());
        assert_eq!(tell(&scene), tell(&again));
        let stretches = scene.stretches();
        let calls: Vec<&Conversation<'_>> = stretches.iter().flat_map(|s| &s.calls).collect();
        assert_eq!(calls.len(), 14 * (19 + 24 + 3) + 2 * 9);
        assert!(calls.iter().enumerate().all(|(n, call)| call.number == n));
        assert!(calls.iter().all(|c| c.talk() % 6 == 0 && (c.is_answered() || c.call.ring % 6 < 3)));
        assert!(calls.iter().any(|c| !c.account.is_empty()));
        let over_midnight =
            |c: &&&Conversation<'_>| calendar::wall(c.call.start).date() != calendar::wall(c.end()).date();
        assert!(calls.iter().filter(over_midnight).count() >= 3 * 14);
    }
}
