//! Everything of the invented estate but its calls: `onhook.toml`, the register and its companions, the policy, the
//! decisions, the prices and the truth. Writes what `phones` settled and decides nothing.

use std::collections::BTreeSet;
use std::fs;
use std::path::Path;

use chrono::Days;

use super::calendar::Calendar;
use super::mitel;
use super::phones::{Habit, Papers, Phone, Phones, Platform, Verdict};
use super::prices::{FIXED_CHARGES, TARIFFS};
use super::{LOW_USE_PER_WEEK, Plan};
use crate::error::{Error, Result};

pub fn write(plan: &Plan, calendar: &Calendar, phones: &Phones, out: &Path) -> Result<()> {
    let estate = out.join("estate");
    fs::create_dir_all(&estate).map_err(Error::io(&estate))?;
    let config = out.join("onhook.toml");
    fs::write(&config, toml(plan, calendar)).map_err(Error::io(&config))?;
    let register = phones.registered.iter().zip(&phones.papers).map(|(phone, papers)| register_row(phone, papers));
    table(&estate.join("extensions.csv"), &REGISTER, register)?;
    table(&estate.join("sites.csv"), &["site", "name", "area_code"], (0..phones.sites).map(site_row))?;
    table(&estate.join("trunks.csv"), &TRUNKS[0], TRUNKS[1..].iter().map(|row| row.map(String::from)))?;
    let centres = (0..phones.cost_centres).map(cost_centre_row);
    table(&estate.join("cost_centres.csv"), &["cost_centre", "name", "directorate"], centres)?;
    table(&estate.join("policy.csv"), &POLICY[0], POLICY[1..].iter().map(|row| row.map(String::from)))?;
    table(&estate.join("tariffs.csv"), &TARIFFS[0], TARIFFS[1..].iter().map(|row| row.map(String::from)))?;
    let charges = FIXED_CHARGES[1..].iter().map(|row| row.map(String::from));
    table(&estate.join("fixed_charges.csv"), &FIXED_CHARGES[0], charges)?;
    let decisions = Decisions::of(phones);
    table(&estate.join("decisions.csv"), &DECISIONS, decisions.rows(phones, calendar).into_iter())
}

/// What reading the records must find, once it is known who called an emergency service.
///
/// `truly_idle`: in the window nobody used the line and nobody asked for it, whatever the records show. `provable`: there
/// are days enough that prove silence, and no group could have rung it unseen. `may_cease`: false where no threshold
/// and no policy may end in `cease`.
pub fn truth(
    plan: &Plan,
    calendar: &Calendar,
    phones: &Phones,
    emergency: &BTreeSet<(Platform, &str)>,
    out: &Path,
) -> Result<()> {
    let decisions = Decisions::of(phones);
    let rows = phones.registered.iter().zip(&phones.papers).enumerate().map(|(n, (phone, papers))| {
        let is_guarded = phone.verdict == Verdict::Protected
            || papers.is_alone
            || emergency.contains(&(phone.platform, phone.extension.as_str()));
        let may_cease = decisions.released == Some(n) || !is_guarded && decisions.kept != Some(n);
        let covered = calendar.covered_days(phone.platform, phone.installed_on);
        let is_hidden = phone.hunt_group.is_some() && phone.habit == Habit::Silent;
        [
            phone.platform.source().to_string(),
            phone.extension.clone(),
            phone.verdict.word().to_string(),
            matches!(phone.habit, Habit::Silent | Habit::Lapsed).to_string(),
            (covered >= plan.min_covered_days && !is_hidden).to_string(),
            may_cease.to_string(),
        ]
    });
    table(&out.join("truth.csv"), &TRUTH, rows)
}

/// The two lines somebody has decided about, as places in the register.
struct Decisions {
    /// Protected, and given up all the same.
    released: Option<usize>,
    /// Idle, and kept.
    kept: Option<usize>,
}

impl Decisions {
    fn of(phones: &Phones) -> Self {
        let find = |verdict, habits: &[Habit]| {
            let of_verdict = |n: &usize| {
                let phone = &phones.registered[*n];
                phone.verdict == verdict && !phones.papers[*n].is_alone && habits.contains(&phone.habit)
            };
            (0..phones.registered.len()).find(of_verdict)
        };
        let released = find(Verdict::Protected, &[Habit::Silent]);
        Self {
            // A small estate may have no silent one.
            released: released.or_else(|| find(Verdict::Protected, &[Habit::SelfTest, Habit::Low, Habit::Rung])),
            kept: find(Verdict::Idle, &[Habit::Silent]),
        }
    }

    fn rows(&self, phones: &Phones, calendar: &Calendar) -> Vec<[String; 6]> {
        let decided = [
            (self.released, "cease", "Head of Estates", "building sold; the site was visited and the line is dead"),
            (self.kept, "keep", "Telephony Manager", "spare desk for the summer events team"),
        ];
        let rows = decided.into_iter().zip([30, 20]).filter_map(|((line, action, by, reason), days_ago)| {
            let phone = &phones.registered[line?];
            let on = calendar.last_day - Days::new(days_ago);
            let line = [phone.platform.source(), phone.extension.as_str(), action, by, &on.to_string(), reason];
            Some(line.map(String::from))
        });
        rows.collect()
    }
}

const TRUTH: [&str; 6] = ["source", "extension", "verdict", "truly_idle", "provable", "may_cease"];
const DECISIONS: [&str; 6] = ["source", "extension", "action", "decided_by", "decided_on", "reason"];

const REGISTER: [&str; 17] = [
    "source",
    "extension",
    "ddi",
    "device_name",
    "device_model",
    "device_kind",
    "use",
    "site",
    "location",
    "cost_centre",
    "owner",
    "user_id",
    "installed_on",
    "hunt_groups",
    "protected",
    "protected_reason",
    "notes",
];

const TRUNKS: [[&str; 7]; 14] = [
    ["source", "trunk", "carrier", "kind", "party", "circuits", "peer_source"],
    ["force-cucm", "SIP_TRUNK_PSTN", "Example Telecom", "pstn", "", "120", ""],
    ["force-cucm", "ICCS", "", "third_party", "ICCS", "30", ""],
    ["force-cucm", "AIRWAVE", "", "third_party", "Airwave", "30", ""],
    ["force-cucm", "VODAFONE", "", "third_party", "Vodafone", "60", ""],
    ["force-cucm", "TIE_NORTH", "", "tie_line", "", "30", "north-mitel"],
    ["force-cucm", "CUC-VM", "", "voicemail", "", "24", ""],
    ["force-cucm", "RECORDER", "", "recorder", "", "12", ""],
    ["north-mitel", "T001", "Example Telecom", "pstn", "", "1", ""],
    ["north-mitel", "T002", "Example Telecom", "pstn", "", "1", ""],
    ["north-mitel", "T003", "Example Telecom", "pstn", "", "1", ""],
    ["north-mitel", "T004", "Example Telecom", "pstn", "", "1", ""],
    ["north-mitel", "X999", "", "tie_line", "", "30", "force-cucm"],
    ["north-mitel", mitel::VOICEMAIL, "", "voicemail", "", "8", ""],
];

/// The most specific row wins, so a use with a row of its own for all verdicts repeats the two that must not change.
const POLICY: [[&str; 3]; 23] = [
    ["use", "verdict", "action"],
    ["*", "*", "review"],
    ["*", "protected", "keep"],
    ["*", "insufficient_evidence", "review"],
    ["*", "idle", "cease"],
    ["*", "unattended", "review"],
    ["*", "diverted", "teams_ddi"],
    ["*", "low_use", "teams_ddi"],
    ["*", "in_use", "teams_ddi"],
    ["hot_desk", "*", "remove_handset"],
    ["hot_desk", "protected", "keep"],
    ["hot_desk", "insufficient_evidence", "review"],
    ["meeting_room", "*", "remove_handset"],
    ["meeting_room", "protected", "keep"],
    ["meeting_room", "insufficient_evidence", "review"],
    ["fixed", "low_use", "fixed"],
    ["fixed", "in_use", "fixed"],
    ["role", "in_use", "fixed"],
    ["contact_centre", "*", "fixed"],
    ["contact_centre", "protected", "keep"],
    ["contact_centre", "insufficient_evidence", "review"],
    ["contact_centre", "idle", "review"],
    ["contact_centre", "unattended", "review"],
];

const PLACES: [&str; 12] = [
    "North",
    "Canal Street",
    "Mill Lane",
    "Harbour",
    "Castle Hill",
    "Station Road",
    "Riverside",
    "Market Square",
    "Park View",
    "Foundry Yard",
    "Weir",
    "Orchard",
];
const BUILDINGS: [&str; 6] = ["Station", "Custody Centre", "Annexe", "Training Centre", "Control Centre", "Depot"];
const DIRECTORATES: [&str; 5] =
    ["Frontline Policing", "Investigation", "Control and Contact", "People and Training", "Estates and Fleet"];

fn register_row(phone: &Phone, papers: &Papers) -> [String; 17] {
    let is_unit = phone.user.is_empty() && !papers.is_nobodys;
    let owner = if is_unit { format!("Unit {}", phone.cost_centre + 1) } else { String::new() };
    let desk = format!("floor {} desk {}", phone.site % 4, phone.phase % 100 + 1);
    let location = papers.location.map_or(desk, String::from);
    [
        phone.platform.source().into(),
        phone.extension.clone(),
        phone.ddi.clone().unwrap_or_default(),
        phone.device.clone(),
        phone.model.into(),
        phone.kind.into(),
        phone.use_.into(),
        format!("S{:03}", phone.site + 1),
        location,
        format!("CC{:03}", phone.cost_centre + 1),
        owner,
        phone.user.clone(),
        phone.installed_on.map(|day| day.to_string()).unwrap_or_default(),
        phone.hunt_group.unwrap_or_default().into(),
        phone.protected_reason.is_some().to_string(),
        phone.protected_reason.unwrap_or_default().into(),
        papers.notes.into(),
    ]
}

fn site_row(n: usize) -> [String; 3] {
    let name = format!("{} {}", PLACES[n % PLACES.len()], BUILDINGS[(n + n / PLACES.len()) % BUILDINGS.len()]);
    let round = n / (PLACES.len() * BUILDINGS.len());
    let name = if round == 0 { name } else { format!("{name} {}", round + 1) };
    [format!("S{:03}", n + 1), name, ["020", "0113", "0114", "01632"][n % 4].to_string()]
}

fn cost_centre_row(n: usize) -> [String; 3] {
    let directorate = DIRECTORATES[n % DIRECTORATES.len()];
    [format!("CC{:03}", n + 1), format!("{directorate} {}", n / DIRECTORATES.len() + 1), directorate.to_string()]
}

fn toml(plan: &Plan, calendar: &Calendar) -> String {
    let case = if plan.case { "[case]\nfile = \"case.toml\"\n\n" } else { "" };
    format!(
        r#"# An invented estate: {extensions} registered extensions, {days} days to {last_day}, seed {seed}.
# Nobody and no number in it is real. truth.csv holds the verdict each extension must get under this file.

[lake]
path = "lake"

{cucm}{mitel}[estate]
extensions = "estate/extensions.csv"
sites = "estate/sites.csv"
trunks = "estate/trunks.csv"
cost_centres = "estate/cost_centres.csv"
policy = "estate/policy.csv"        # use and verdict to action
decisions = "estate/decisions.csv"  # what somebody has answered for by name
tariffs = "estate/tariffs.csv"      # what calls cost; every price is invented
fixed_charges = "estate/fixed_charges.csv"

[evidence]
as_of = "{last_day}"
window_days = {window_days}
min_covered_days = {min_covered_days}
min_cease_days = {min_cease_days}
low_use_per_week = {LOW_USE_PER_WEEK}.0              # handset uses per covered week, at most

{case}[output]
dir = "out"
"#,
        extensions = plan.extensions,
        days = plan.days,
        seed = plan.seed,
        last_day = calendar.last_day,
        window_days = plan.window_days,
        min_covered_days = plan.min_covered_days,
        min_cease_days = plan.window_days * 2 / 3,
        cucm = source(Platform::Cucm, "2XXXXX", "020"),
        mitel = source(Platform::Mitel, "[3-6]XXX", "0113"),
    )
}

fn source(platform: Platform, extensions: &str, area_code: &str) -> String {
    format!(
        r#"[[source]]
name = "{name}"
format = "{format}"
paths = ["landing/{folder}/**"]
timezone = "Europe/London"          # civil zone of the sites
outside_prefix = "9"
extensions = ["{extensions}"]
ddi = []                            # the records hold extensions; direct lines are in the register
area_code = "{area_code}"

"#,
        name = platform.source(),
        format = platform.format(),
        folder = platform.folder(),
    )
}

fn table<const N: usize>(path: &Path, heading: &[&str; N], rows: impl Iterator<Item = [String; N]>) -> Result<()> {
    let mut text = csv::Writer::from_writer(Vec::new());
    let failed = |error: csv::Error| Error::io(path)(std::io::Error::other(error));
    text.write_record(heading).map_err(failed)?;
    for row in rows {
        text.write_record(&row).map_err(failed)?;
    }
    let text = text.into_inner().map_err(|error| Error::io(path)(std::io::Error::other(error.to_string())))?;
    fs::write(path, text).map_err(Error::io(path))
}
