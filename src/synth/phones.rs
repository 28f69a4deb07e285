//! Who sits where: the phones of the invented estate, what each is used for, and the verdict each must get. Settled
//! before any call is made; nothing here counts calls.

use chrono::{Days, NaiveDate};

use super::calendar::{self, Calendar};
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

pub struct Phones {
    /// The register, Cisco first.
    pub registered: Vec<Phone>,
    /// Phones that make calls although no register knows them.
    pub unknown: Vec<Phone>,
    /// Indexes into `registered` of the phones in use, for each platform.
    pub busy: [Vec<usize>; 2],
    pub sites: usize,
    pub cost_centres: usize,
}

/// Verdicts in the order phones get them, again and again: the first ten hold each verdict, all forty the proportions.
const VERDICTS: [Verdict; 40] = {
    use Verdict::{
        Diverted as D, Idle as N, InUse as I, InsufficientEvidence as X, LowUse as L, Protected as P, Unattended as U,
    };
    [
        I, I, I, L, N, U, D, P, X, I, I, N, I, D, I, P, L, I, I, U, I, N, I, D, I, P, L, I, X, I, N, U, I, D, I, P, I,
        N, L, I,
    ]
};

/// Lines that silence proves nothing about: use, kind, habit, and the register's reason where only that protects.
const PROTECTED: [(&str, &str, Habit, Option<&str>); 12] = [
    ("front_counter", "desk_phone", Habit::Counter, None),
    ("lift", "analogue", Habit::SelfTest, None),
    ("custody", "desk_phone", Habit::Counter, None),
    ("alarm", "analogue", Habit::Silent, None),
    ("unknown", "analogue", Habit::Silent, None),
    ("personal", "desk_phone", Habit::Silent, Some("fallback line of the business continuity plan")),
    ("control_room", "desk_phone", Habit::Counter, None),
    ("fax", "analogue", Habit::Rung, None),
    ("reception", "desk_phone", Habit::Counter, None),
    ("refuge", "analogue", Habit::Silent, None),
    ("help_point", "desk_phone", Habit::Low, None),
    ("door_entry", "desk_phone", Habit::Silent, None),
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

impl Phones {
    pub fn plan(plan: &Plan, calendar: &Calendar) -> Self {
        let mitel = (plan.extensions / 3).min(Platform::Mitel.room() - 100);
        let counts = [plan.extensions - mitel, mitel];
        let mut rng = Rng::new(plan.seed, 0x0070_686f_6e65);
        let (sites, cost_centres) = (plan.extensions / 40 + 3, plan.extensions / 60 + 4);
        let mut phones =
            Self { registered: Vec::new(), unknown: Vec::new(), busy: [Vec::new(), Vec::new()], sites, cost_centres };
        for platform in Platform::ALL {
            let mut seen = [0; 7];
            for n in 0..counts[platform as usize] {
                let verdict = VERDICTS[n % VERDICTS.len()];
                let nth = seen[verdict as usize];
                seen[verdict as usize] += 1;
                let mut phone = blank(plan, platform, n, sites, cost_centres, &mut rng);
                phone.verdict = verdict;
                phone.suit(nth, plan, calendar);
                if phone.habit == Habit::Busy && verdict == Verdict::InUse {
                    phones.busy[platform as usize].push(phones.registered.len());
                }
                phones.registered.push(phone);
            }
            for n in 0..[3, 2][platform as usize] {
                let mut phone = blank(plan, platform, counts[platform as usize] + n, sites, cost_centres, &mut rng);
                phone.user = String::new();
                phone.device = if platform == Platform::Cucm { format!("SEP{}", phone.device) } else { String::new() };
                (phone.habit, phone.phase) = (Habit::Stray, phone.phase % 5);
                phones.unknown.push(phone);
            }
        }
        phones
    }

    pub fn busy(&self, platform: Platform) -> &[usize] {
        &self.busy[platform as usize]
    }
}

impl Phone {
    /// Makes it the `nth` phone of its verdict on its platform.
    fn suit(&mut self, nth: usize, plan: &Plan, calendar: &Calendar) {
        let covered = |days| Some(calendar.installed_for(self.platform, days));
        self.use_ = QUIET_USES[nth % QUIET_USES.len()];
        match self.verdict {
            Verdict::InUse => {
                self.use_ = BUSY_USES[nth % BUSY_USES.len()];
                // The first two are there from the start: they answer for the day's cover.
                if nth % 9 == 4 {
                    self.installed_on = covered(plan.window_days / 2);
                }
            }
            Verdict::LowUse => self.habit = Habit::Low,
            Verdict::Idle => {
                self.habit = if nth % 5 == 1 { Habit::Lapsed } else { Habit::Silent };
                if nth % 5 == 2 {
                    self.installed_on = covered(plan.min_covered_days);
                }
            }
            Verdict::Unattended => self.habit = Habit::Rung,
            Verdict::Diverted => self.habit = Habit::Diverted(FORWARDS[nth % FORWARDS.len()]),
            Verdict::InsufficientEvidence => {
                let (habit, days) = match nth % 3 {
                    0 => (Habit::Silent, plan.min_covered_days - 1),
                    1 => (Habit::Busy, plan.min_covered_days / 2),
                    _ => (Habit::Rung, plan.min_covered_days * 2 / 3),
                };
                (self.habit, self.installed_on) = (habit, covered(days));
            }
            Verdict::Protected => {
                (self.use_, self.kind, self.habit, self.protected_reason) = PROTECTED[nth % PROTECTED.len()];
            }
        }
        (self.period, self.phase) = match self.habit {
            // Twice in the shortest window, so that a lost day leaves one.
            Habit::Low if plan.window_days < 84 => (14, self.phase % 5 + 7 * (self.phase % 2)),
            Habit::Low => (21, self.phase % 5 + 7 * (self.phase % 3)),
            _ => (7, self.phase % 5),
        };
        self.equip(nth);
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
