//! Who sits where: the phones of the invented estate, what each is used for, and the verdict each must get. Settled
//! before any call is made; nothing here counts calls.

use std::collections::BTreeMap;

use chrono::{Days, NaiveDate};

use super::calendar::{self, Calendar, LOST_NODE};
use super::rng::{Rng, mix};
use super::{Plan, outside};

#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Platform {
    Cucm,
    Mitel,
}

impl Platform {
    pub const ALL: [Self; 2] = [Self::Cucm, Self::Mitel];

    pub fn source(self) -> &'static str {
        match self {
            Self::Cucm => "force-cucm",
            Self::Mitel => "north-mitel",
        }
    }

    pub fn format(self) -> &'static str {
        match self {
            Self::Cucm => "cisco-cucm",
            Self::Mitel => "mitel-smdr",
        }
    }

    /// Its folder under `landing/`.
    pub fn folder(self) -> &'static str {
        match self {
            Self::Cucm => "cucm",
            Self::Mitel => "mitel",
        }
    }

    /// The one hunt pilot, outside the platform's extension range so that no register need list it.
    pub fn pilot(self) -> &'static str {
        match self {
            Self::Cucm => "80001",
            Self::Mitel => "7100",
        }
    }

    /// Numbers in its range.
    fn room(self) -> usize {
        match self {
            Self::Cucm => 100_000,
            Self::Mitel => 4_000,
        }
    }

    /// The `n`th number of its range, in an order that jumps about; no two are the same.
    fn extension(self, seed: u64, n: usize) -> String {
        let (first, step) = match self {
            Self::Cucm => (200_000, 61_803), // no common factor with 100,000
            Self::Mitel => (3_000, 1_237),   // none with 4,000
        };
        let start = (mix(seed) % self.room() as u64) as usize;
        (first + (start + n * step) % self.room()).to_string()
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Verdict {
    Protected,
    InsufficientEvidence,
    Idle,
    Unattended,
    Diverted,
    LowUse,
    InUse,
}

impl Verdict {
    pub fn word(self) -> &'static str {
        match self {
            Self::Protected => "protected",
            Self::InsufficientEvidence => "insufficient_evidence",
            Self::Idle => "idle",
            Self::Unattended => "unattended",
            Self::Diverted => "diverted",
            Self::LowUse => "low_use",
            Self::InUse => "in_use",
        }
    }
}

/// What a phone does, day by day. Each verdict follows from one of these.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Habit {
    /// Makes three calls a week or more and takes calls from anybody.
    Busy,
    /// One use in two or three weeks.
    Low,
    Silent,
    /// Busy, but only before the window.
    Lapsed,
    /// Rung, never answered, nothing forwarded.
    Rung,
    /// Its calls go elsewhere.
    Diverted(Forward),
    /// Staffed: answers callers from outside every weekday.
    Counter,
    /// Calls its monitoring service every third night.
    SelfTest,
    /// In no register, yet it makes a call a week.
    Stray,
    /// Used on one day and never else; `phase` is that day.
    Once(Once),
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Once {
    /// An emergency call.
    Emergency,
    /// Three calls whose records are lost.
    Unseen,
    /// One call whose record arrived, on a day that proves no silence.
    Spoiled,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Forward {
    AllToVoicemail,
    NoAnswerToVoicemail,
    AllToColleague,
    NoAnswerToColleague,
    AllToMobile,
    BusyToColleague,
}

/// A line of the register, or a phone that should have been one.
#[derive(Clone, Debug)]
pub struct Phone {
    pub platform: Platform,
    pub extension: String,
    pub ddi: Option<String>,
    /// The register's `device_name`; Mitel's records never show it.
    pub device: String,
    pub model: &'static str,
    pub kind: &'static str,
    pub use_: &'static str,
    pub site: usize,
    pub cost_centre: usize,
    pub user: String,
    pub installed_on: Option<NaiveDate>,
    pub hunt_group: Option<&'static str>,
    pub protected_reason: Option<&'static str>,
    pub habit: Habit,
    pub verdict: Verdict,
    /// Every `period` days, on the day whose number leaves `phase` over.
    pub period: i64,
    pub phase: i64,
}

impl Phone {
    pub fn installed(&self, day: NaiveDate) -> bool {
        self.installed_on.is_none_or(|on| on <= day)
    }

    /// Whether the day is one of its regular ones; never a weekend.
    pub fn due(&self, day: NaiveDate) -> bool {
        calendar::number(day) % self.period == self.phase
    }

    /// Which of its regular days that is.
    pub fn turn(&self, day: NaiveDate) -> i64 {
        calendar::number(day) / self.period
    }
}

/// What the register says of a line beside its [`Phone`].
#[derive(Clone, Copy, Debug, Default)]
pub struct Papers {
    pub location: Option<&'static str>,
    pub notes: &'static str,
    /// Neither owner nor user.
    pub is_nobodys: bool,
    /// The only one of its site.
    pub is_alone: bool,
    /// Why it is there, for the summary; blank for a plain line.
    pub planted: &'static str,
}

pub struct Phones {
    /// The register, Cisco first.
    pub registered: Vec<Phone>,
    /// Beside each of `registered`.
    pub papers: Vec<Papers>,
    /// Phones that make calls although no register knows them.
    pub unknown: Vec<Phone>,
    /// Indexes into `registered` of the phones in use, for each platform.
    pub busy: [Vec<usize>; 2],
    /// Of those, a Cisco phone there from the start whose records [`LOST_NODE`] writes.
    pub far_desk: Option<usize>,
    pub sites: usize,
    pub cost_centres: usize,
}

/// Verdicts in the order phones get them, again and again: the first ten hold each verdict, all forty the proportions.
const VERDICTS: [Verdict; 40] = {
    use Verdict::{
        Diverted as D, Idle as N, InUse as I, InsufficientEvidence as X, LowUse as L, Protected as P, Unattended as U,
    };
    [
        I, I, I, L, N, U, D, P, X, I, I, N, I, D, I, P, L, I, I, U, P, N, I, D, I, P, L, I, X, I, N, U, P, D, I, P, I,
        N, L, I,
    ]
};

/// What protects a line.
#[derive(Clone, Copy)]
enum Guard {
    /// Its use; with `unknown` and `analogue`, that nobody knows what hangs there.
    Use,
    /// The register's own word for it.
    Marked(&'static str),
    /// A word in the location or the notes, whatever the use.
    Place(&'static str),
    Note(&'static str),
    /// An analogue port by its model and the beginning of its name, its kind left blank.
    Port(&'static str, &'static str),
    /// Neither owner nor user nor known use.
    Nobodys,
    /// No other phone at its site.
    Alone,
    /// What it does: short calls to one number and nothing else.
    Pattern,
}

/// Lines that silence proves nothing about: use, kind, habit and guard. Old and new classes take turns, so that a
/// small estate, which has a few of these from some place on, has both.
const PROTECTED: [(&str, &str, Habit, Guard); 28] = [
    ("front_counter", "desk_phone", Habit::Counter, Guard::Use),
    ("fixed", "desk_phone", Habit::SelfTest, Guard::Pattern),
    ("unknown", "desk_phone", Habit::Silent, Guard::Place("plant room boiler")),
    ("lift", "analogue", Habit::SelfTest, Guard::Use),
    ("unknown", "", Habit::Silent, Guard::Port("VG224", "AN")),
    ("personal", "desk_phone", Habit::Silent, Guard::Alone),
    ("custody", "desk_phone", Habit::Counter, Guard::Use),
    ("unknown", "desk_phone", Habit::Silent, Guard::Nobodys),
    ("fixed", "desk_phone", Habit::Silent, Guard::Note("fire panel")),
    ("alarm", "analogue", Habit::Silent, Guard::Use),
    ("personal", "desk_phone", Habit::Silent, Guard::Place("ward 2, nurse call")),
    ("unknown", "analogue", Habit::Silent, Guard::Use),
    ("unknown", "desk_phone", Habit::Silent, Guard::Place("stair 2 refuge")),
    ("personal", "desk_phone", Habit::Silent, Guard::Marked("fallback line of the business continuity plan")),
    ("fixed", "desk_phone", Habit::Low, Guard::Place("kitchen, common area")),
    ("control_room", "desk_phone", Habit::Counter, Guard::Use),
    ("fixed", "desk_phone", Habit::SelfTest, Guard::Pattern),
    ("personal", "desk_phone", Habit::Silent, Guard::Note("telecare base unit")),
    ("fax", "analogue", Habit::Rung, Guard::Use),
    ("unknown", "", Habit::Silent, Guard::Port("ATA 191", "ATA")),
    ("fixed", "desk_phone", Habit::Silent, Guard::Note("red phone to the ambulance service")),
    ("reception", "desk_phone", Habit::Counter, Guard::Use),
    ("personal", "desk_phone", Habit::Silent, Guard::Alone),
    ("fixed", "desk_phone", Habit::Silent, Guard::Place("EVC outstation, landing 3")),
    ("refuge", "analogue", Habit::Silent, Guard::Use),
    ("unknown", "desk_phone", Habit::Low, Guard::Note("card terminal in the canteen")),
    ("help_point", "desk_phone", Habit::Low, Guard::Use),
    ("door_entry", "desk_phone", Habit::Silent, Guard::Use),
];

const BUSY_USES: [&str; 10] = [
    "personal",
    "personal",
    "role",
    "personal",
    "contact_centre",
    "personal",
    "fixed",
    "personal",
    "meeting_room",
    "hot_desk",
];
const QUIET_USES: [&str; 6] = ["personal", "hot_desk", "personal", "meeting_room", "role", "fixed"];
const FORWARDS: [Forward; 5] = [
    Forward::NoAnswerToVoicemail,
    Forward::AllToColleague,
    Forward::AllToVoicemail,
    Forward::AllToMobile,
    Forward::NoAnswerToColleague,
];

/// Registered phones of a platform: a third on Mitel, as far as its numbers go.
fn registered_on(plan: &Plan, platform: Platform) -> usize {
    let mitel = (plan.extensions / 3).min(Platform::Mitel.room() - 100);
    [plan.extensions - mitel, mitel][platform as usize]
}

/// How many of them are in use.
pub fn busy_on(plan: &Plan, platform: Platform) -> usize {
    (0..registered_on(plan, platform)).filter(|n| VERDICTS[n % VERDICTS.len()] == Verdict::InUse).count()
}

impl Phones {
    pub fn plan(plan: &Plan, calendar: &Calendar) -> Self {
        let mut rng = Rng::new(plan.seed, 0x0070_686f_6e65);
        let (sites, cost_centres) = (plan.extensions / 40 + 3, plan.extensions / 60 + 4);
        let mut phones = Self {
            registered: Vec::new(),
            papers: Vec::new(),
            unknown: Vec::new(),
            busy: [Vec::new(), Vec::new()],
            far_desk: None,
            sites,
            cost_centres,
        };
        for platform in Platform::ALL {
            let mut seen = [0; 7];
            let count = registered_on(plan, platform);
            for n in 0..count {
                let verdict = VERDICTS[n % VERDICTS.len()];
                let nth = seen[verdict as usize];
                seen[verdict as usize] += 1;
                let mut phone = blank(plan, platform, n, sites, cost_centres, &mut rng);
                phone.verdict = verdict;
                let papers = phone.suit(nth, plan, calendar);
                if phone.habit == Habit::Busy && verdict == Verdict::InUse {
                    phones.busy[platform as usize].push(phones.registered.len());
                }
                phones.registered.push(phone);
                phones.papers.push(papers);
            }
            for n in 0..[3, 2][platform as usize] {
                let mut phone = blank(plan, platform, count + n, sites, cost_centres, &mut rng);
                phone.user = String::new();
                phone.device = if platform == Platform::Cucm { format!("SEP{}", phone.device) } else { String::new() };
                (phone.habit, phone.phase) = (Habit::Stray, phone.phase % 5);
                phones.unknown.push(phone);
            }
        }
        phones.settle(plan);
        phones.far_desk = phones.busy[0].iter().copied().find(|i| {
            let phone = &phones.registered[*i];
            phone.node() == LOST_NODE && phone.installed(calendar.first_day)
        });
        phones
    }

    pub fn busy(&self, platform: Platform) -> &[usize] {
        &self.busy[platform as usize]
    }

    /// Lines planted for a reason, by it.
    pub fn planted(&self) -> BTreeMap<&'static str, u64> {
        let mut counts = BTreeMap::new();
        for papers in self.papers.iter().filter(|papers| !papers.planted.is_empty()) {
            *counts.entry(papers.planted).or_default() += 1;
        }
        counts
    }

    /// Gives a few lines a site of their own, and leaves no other site with fewer than three.
    fn settle(&mut self, plan: &Plan) {
        let mut own_sites = 3 + plan.extensions / 1_000;
        for (phone, papers) in self.registered.iter_mut().zip(&mut self.papers).filter(|(_, papers)| papers.is_alone) {
            if own_sites == 0 {
                // Enough of these: this one is marked instead.
                *papers = Papers { planted: "protected: marked", ..Papers::default() };
                phone.protected_reason = Some("kept for the site manager");
                continue;
            }
            own_sites -= 1;
            phone.site = self.sites;
            self.sites += 1;
        }
        let mut at_site = vec![0; self.sites];
        self.registered.iter().for_each(|phone| at_site[phone.site] += 1);
        for (phone, papers) in self.registered.iter_mut().zip(&self.papers) {
            if at_site[phone.site] < 3 && !papers.is_alone {
                phone.site %= 2; // the first two have more, and the node stays the same
            }
        }
    }
}

impl Phone {
    /// The Cisco node it registers with, which writes the records of the calls it makes.
    pub fn node(&self) -> u8 {
        1 + (self.site % 2) as u8
    }

    /// Makes it the `nth` phone of its verdict on its platform.
    fn suit(&mut self, nth: usize, plan: &Plan, calendar: &Calendar) -> Papers {
        let covered = |days| Some(calendar.installed_for(self.platform, days));
        let mut papers = Papers::default();
        let mut guard = None;
        self.use_ = QUIET_USES[nth % QUIET_USES.len()];
        match self.verdict {
            Verdict::InUse => {
                self.use_ = BUSY_USES[nth % BUSY_USES.len()];
                // The first two are there from the start: they answer for the day's cover.
                if nth % 9 == 4 {
                    self.installed_on = covered(plan.window_days / 2);
                }
            }
            Verdict::LowUse => self.habit = self.low(nth, plan, calendar),
            Verdict::Idle => match nth % 5 {
                1 => self.habit = Habit::Lapsed,
                2 => (self.habit, self.installed_on) = (Habit::Silent, covered(plan.min_covered_days)),
                3 => self.habit = self.unseen(nth, calendar),
                4 => {
                    // Words within words protect nothing.
                    self.habit = Habit::Silent;
                    papers = Papers { notes: "shared since March", planted: "trap: words within words", ..papers };
                }
                _ => self.habit = Habit::Silent,
            },
            Verdict::Unattended if self.platform == Platform::Cucm && nth % 3 == 1 => self.habit = Habit::Silent,
            Verdict::Unattended => self.habit = Habit::Rung,
            Verdict::Diverted => self.habit = Habit::Diverted(FORWARDS[nth % FORWARDS.len()]),
            Verdict::InsufficientEvidence => {
                let (habit, days) = match nth % 3 {
                    0 => (Habit::Silent, plan.min_covered_days - 1),
                    // Use would prove itself, however few the days.
                    1 => (Habit::Silent, plan.min_covered_days / 2),
                    _ => (Habit::Rung, plan.min_covered_days * 2 / 3),
                };
                (self.habit, self.installed_on) = (habit, covered(days));
            }
            Verdict::Protected => {
                // Where the list begins depends on the seed and the platform, so that small estates differ.
                let from = (plan.seed % PROTECTED.len() as u64) as usize + self.platform as usize * PROTECTED.len() / 2;
                let found = PROTECTED[(from + nth) % PROTECTED.len()];
                (self.use_, self.kind, self.habit, guard) = (found.0, found.1, found.2, Some(found.3));
                papers = self.guarded(found.3);
            }
        }
        (self.period, self.phase) = match self.habit {
            // Twice in the shortest window, so that a lost day leaves one.
            Habit::Low if plan.window_days < 84 => (14, self.phase % 5 + 7 * (self.phase % 2)),
            Habit::Low => (21, self.phase % 5 + 7 * (self.phase % 3)),
            Habit::Once(_) => (ONE_DAY, self.phase),
            _ => (7, self.phase % 5),
        };
        self.equip(nth);
        if let Some(Guard::Port(model, prefix)) = guard {
            self.model = model;
            if self.platform == Platform::Cucm {
                self.device = format!("{prefix}{}", self.device.trim_start_matches("SEP"));
            }
        }
        if self.verdict == Verdict::Unattended && self.habit == Habit::Silent {
            self.hunt_group = Some(self.platform.pilot());
            papers.planted = "silent member of a ringing group";
        }
        match self.habit {
            Habit::Once(Once::Emergency) => papers.planted = "one emergency call in the window",
            Habit::Once(Once::Unseen) => papers.planted = "used, the records lost",
            Habit::Once(Once::Spoiled) => papers.planted = "used on a gap day, the record there",
            Habit::Lapsed => papers.planted = "used before the window only",
            _ if papers.planted.is_empty() && self.verdict == Verdict::LowUse && self.use_ == "meeting_room" => {
                papers.planted = "meeting room, low use";
            }
            _ if papers.planted.is_empty() && self.verdict != Verdict::InUse && self.installed_late(calendar) => {
                papers.planted = "installed late";
            }
            _ => {}
        }
        papers
    }

    fn installed_late(&self, calendar: &Calendar) -> bool {
        self.installed_on.is_some_and(|on| on > calendar.window_start)
    }

    /// A habit of little use; sets the day of one that is used only once.
    fn low(&mut self, nth: usize, plan: &Plan, calendar: &Calendar) -> Habit {
        let outage = calendar.outage(self.platform).map(|first| first - Days::new(1));
        let (habit, day) = match (nth % 4, outage.or(calendar.dark_day(self.platform))) {
            (2, _) => {
                let days = 2 + (nth as u32 * 7) % plan.min_covered_days;
                (Habit::Once(Once::Emergency), calendar.installed_for(self.platform, days))
            }
            (1, Some(spoiled)) => (Habit::Once(Once::Spoiled), spoiled),
            _ => return Habit::Low,
        };
        self.phase = calendar::number(day);
        habit
    }

    /// A phone in use on a day whose records are lost, where the plan loses any.
    fn unseen(&mut self, nth: usize, calendar: &Calendar) -> Habit {
        let outage = calendar.outage(self.platform);
        let day = match calendar.dark_day(self.platform) {
            Some(dark) if outage.is_none() || nth.is_multiple_of(2) => Some(dark),
            _ => {
                if outage.is_some() && self.node() != LOST_NODE {
                    self.site = 1;
                }
                outage
            }
        };
        let Some(day) = day else { return Habit::Silent };
        self.phase = calendar::number(day);
        Habit::Once(Once::Unseen)
    }

    fn guarded(&mut self, guard: Guard) -> Papers {
        let papers = Papers::default();
        match guard {
            Guard::Use => Papers { planted: "protected: use", ..papers },
            Guard::Marked(reason) => {
                self.protected_reason = Some(reason);
                Papers { planted: "protected: marked", ..papers }
            }
            Guard::Place(location) => {
                Papers { location: Some(location), planted: "protected: word in the location", ..papers }
            }
            Guard::Note(notes) => Papers { notes, planted: "protected: word in the notes", ..papers },
            Guard::Port(..) => Papers { planted: "protected: gateway port, kind blank", ..papers },
            Guard::Nobodys => Papers { is_nobodys: true, planted: "protected: nobody's", ..papers },
            Guard::Alone => Papers { is_alone: true, planted: "protected: only phone of its site", ..papers },
            Guard::Pattern => Papers { planted: "protected: calls like a lift's, the register wrong", ..papers },
        }
    }

    /// Model, device name, user and group, now that kind and use are known.
    fn equip(&mut self, nth: usize) {
        if self.use_ == "meeting_room" {
            self.kind = "conference_phone";
        } else if self.verdict == Verdict::InUse && nth % 11 == 7 {
            self.kind = "softphone";
        }
        let mac = std::mem::take(&mut self.device);
        (self.model, self.device) = match (self.platform, self.kind) {
            (Platform::Cucm, "analogue") => ("VG224", format!("AN{mac}001")),
            (Platform::Cucm, "conference_phone") => ("Cisco 8831", format!("SEP{mac}")),
            (Platform::Cucm, "softphone") => ("Cisco Jabber", format!("CSF{}", self.user.to_uppercase())),
            (Platform::Cucm, _) => (["Cisco 7821", "Cisco 8841"][nth % 2], format!("SEP{mac}")),
            (Platform::Mitel, "analogue") => ("ONS port", String::new()),
            (Platform::Mitel, "conference_phone") => ("Mitel 5310", mac),
            (Platform::Mitel, _) if nth.is_multiple_of(3) => ("Mitel 5304", String::new()),
            (Platform::Mitel, _) => ("Mitel 5320", mac),
        };
        let somebodys = matches!(self.use_, "personal" | "role") && self.verdict != Verdict::Protected;
        if !somebodys && self.kind != "softphone" {
            self.user.clear();
        }
        if self.use_ == "contact_centre" {
            self.hunt_group = Some(self.platform.pilot());
        }
    }
}

/// A period longer than any plan: due on one day only.
const ONE_DAY: i64 = 10_000_000;

/// A desk phone somewhere, in use by somebody, before anything more is known of it.
fn blank(plan: &Plan, platform: Platform, n: usize, sites: usize, cost_centres: usize, rng: &mut Rng) -> Phone {
    let id = n as u64 * 2 + platform as u64;
    // 02…: an address no maker has. The multiplier is odd, so 40 bits never repeat.
    let mac = (id + 1).wrapping_mul(0x9E_3779_B97F) ^ mix(plan.seed ^ 0x006d_6163);
    Phone {
        platform,
        extension: platform.extension(plan.seed, n),
        ddi: if n.is_multiple_of(4) { outside::ddi(platform == Platform::Cucm, n / 4) } else { None },
        device: format!("02{:010X}", mac & 0xFF_FFFF_FFFF),
        model: "Cisco 7821",
        kind: "desk_phone",
        use_: "personal",
        site: (n / 13 + platform as usize) % sites,
        cost_centre: rng.below(cost_centres as u64) as usize,
        user: format!("u{:05}", id),
        installed_on: (n % 3 == 1).then(|| plan.last_day - Days::new(u64::from(plan.days) + 100 + rng.below(2_000))),
        hunt_group: None,
        protected_reason: None,
        habit: Habit::Busy,
        verdict: Verdict::InUse,
        period: 7,
        phase: rng.below(30) as i64,
    }
}
