//! Tests only: reads a written estate back with code of its own and counts, by the rules of DESIGN 4, what each
//! extension must get. It shares nothing with the writers but the folder.

use std::collections::{BTreeSet, HashMap, HashSet};
use std::io::Read as _;
use std::path::{Path, PathBuf};

use chrono::{DateTime, Datelike, Days, NaiveDate, NaiveDateTime, TimeZone, Timelike};
use chrono_tz::Europe::London;

use super::Plan;
use super::recount_coverage::{self, Coverage};

pub type Row = HashMap<String, String>;

/// A record, as far as coverage asks: civil day and hour, node whose file it is in.
pub struct Seen {
    pub day: NaiveDate,
    pub hour: u32,
    pub node: String,
    pub is_unanswered: bool,
    pub is_internal: bool,
}

/// A file, as far as its name tells.
pub struct Named {
    pub node: String,
    pub number: u32,
    pub is_media: bool,
    pub at: NaiveDateTime,
}

/// All an extension ever did.
#[derive(Default)]
pub struct Life {
    dialled: BTreeSet<String>,
    made: u64,
    answered: u64,
    longest: i64,
    pub emergencies: u64,
}

/// What one source's files say, repeats left out.
#[derive(Default)]
pub struct Recount {
    pub seen: Vec<Seen>,
    pub named: Vec<Named>,
    pub coverage: Coverage,
    /// Per subject (Cisco device, Mitel number): days of its uses.
    uses: HashMap<String, Vec<NaiveDate>>,
    rung: HashMap<String, Vec<NaiveDate>>,
    elsewhere: HashMap<String, Vec<NaiveDate>>,
    groups: HashMap<String, Vec<NaiveDate>>,
    pub lives: HashMap<String, Life>,
    pub kept: u64,
    pub numbers: BTreeSet<String>,
    pub callers: BTreeSet<String>,
}

/// All files below a folder.
pub fn files(folder: &Path) -> Vec<PathBuf> {
    let mut found = Vec::new();
    for entry in std::fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() { found.extend(files(&path)) } else { found.push(path) }
    }
    found.sort();
    found
}

pub fn text(path: &Path) -> String {
    let bytes = std::fs::read(path).unwrap();
    let mut text = String::new();
    if path.extension().is_some_and(|e| e == "gz") {
        flate2::read::GzDecoder::new(&bytes[..]).read_to_string(&mut text).unwrap();
    } else {
        text = String::from_utf8(bytes).unwrap();
    }
    text
}

pub fn name(path: &Path) -> String {
    path.file_name().unwrap().to_string_lossy().into_owned()
}

pub fn table(path: &Path) -> Vec<Row> {
    let mut reader = csv::Reader::from_path(path).unwrap();
    reader.deserialize().map(|row| row.unwrap()).collect()
}

pub fn ours_cucm(number: &str) -> bool {
    number.len() == 6 && number.starts_with('2') && number.bytes().all(|b| b.is_ascii_digit())
}

pub fn ours_mitel(number: &str) -> bool {
    number.len() == 4 && (b'3'..=b'6').contains(&number.as_bytes()[0]) && number.bytes().all(|b| b.is_ascii_digit())
}

/// Node, number and minute from `cdr_SYNTH-CL01_02_202404300012_4123`.
fn named(path: &Path) -> Named {
    let name = name(path);
    let parts: Vec<&str> = name.trim_end_matches(".gz").split('_').collect();
    Named {
        node: parts[2].trim_start_matches('0').to_string(),
        number: parts[4].parse().unwrap(),
        is_media: parts[0] == "cmr",
        at: NaiveDateTime::parse_from_str(parts[3], "%Y%m%d%H%M").unwrap(),
    }
}

/// Media reports: each of 44 fields, about a leg of these.
fn media_rows(out: &Path, legs: &HashSet<String>) -> u64 {
    let mut ids = HashSet::new();
    for path in files(&out.join("landing/cucm")).iter().filter(|path| name(path).starts_with("cmr_")) {
        let text = text(path);
        let mut reader = csv::ReaderBuilder::new().has_headers(false).from_reader(text.as_bytes());
        let lines: Vec<csv::StringRecord> = reader.records().map(|line| line.unwrap()).collect();
        assert_eq!((lines[0].len(), &lines[0][5], &lines[1][5]), (44, "callIdentifier", "INTEGER"));
        for line in &lines[2..] {
            assert!(&line[0] == "2" && legs.contains(&line[5]) && ours_cucm(&line[4]) && line[17].starts_with("SEP"));
            assert!(ids.insert(line[14].to_string()), "{} twice", &line[14]);
        }
    }
    ids.len() as u64
}

/// Every CUCM record as a map by column name, `node` that of its file; each line of 129 fields, but for the broken one.
pub fn cucm_rows(out: &Path) -> Vec<Row> {
    let (mut seen, mut rows) = (HashSet::new(), Vec::new());
    for path in files(&out.join("landing/cucm")) {
        if !name(&path).starts_with("cdr_") {
            continue;
        }
        let text = text(&path);
        let mut reader = csv::ReaderBuilder::new().flexible(true).has_headers(false).from_reader(text.as_bytes());
        let lines: Vec<csv::StringRecord> = reader.records().map(|line| line.unwrap()).collect();
        assert_eq!((lines[0].len(), &lines[1][0]), (129, "INTEGER"), "{}", name(&path));
        for line in &lines[2..] {
            if line.len() != 129 || &line[0] != "1" {
                assert!(line.len() == 40 || &line[0] == "cdrRecordType" || &line[0] == "INTEGER");
                continue;
            }
            if seen.insert(line[50].to_string()) {
                let fields = lines[0].iter().zip(line).map(|(column, value)| (column.to_string(), value.to_string()));
                rows.push(fields.chain([("node".to_string(), named(&path).node)]).collect());
            }
        }
    }
    rows
}

pub fn recount_cucm(out: &Path, plan: &Plan) -> Recount {
    let mut found = Recount::default();
    let mut legs = HashSet::new();
    let is_delivered = |path: &&PathBuf| !name(path).starts_with('_') && !path.parent().unwrap().ends_with("again");
    found.named = files(&out.join("landing/cucm")).iter().filter(is_delivered).map(|path| named(path)).collect();
    for row in cucm_rows(out) {
        found.kept += 1;
        let get = |column: &str| row[column].as_str();
        let start: i64 = get("dateTimeOrigination").parse().unwrap();
        let at = DateTime::from_timestamp(start, 0).unwrap().with_timezone(&London);
        let day = at.date_naive();
        let (connect, end): (i64, i64) =
            (get("dateTimeConnect").parse().unwrap(), get("dateTimeDisconnect").parse().unwrap());
        let duration: i64 = get("duration").parse().unwrap();
        assert_eq!(duration, if connect == 0 { 0 } else { end - connect });
        assert!(end >= start && (connect == 0 || (start..=end).contains(&connect)));
        legs.extend([get("origLegCallIdentifier").to_string(), get("destLegIdentifier").to_string()]);
        let parties =
            ["callingPartyNumber", "originalCalledPartyNumber", "finalCalledPartyNumber", "lastRedirectDn"].map(get);
        found.numbers.extend(parties.map(String::from));
        found.numbers.insert(get("outpulsedCalledPartyNumber").to_string());
        if parties[0].starts_with("b00") {
            continue; // the recorder's leg
        }
        found.seen.push(Seen {
            day,
            hour: at.hour(),
            node: get("node").to_string(),
            is_unanswered: connect == 0 && ["0", "16"].contains(&get("destCause_value")),
            is_internal: ours_cucm(parties[0]) && ours_cucm(parties[2]),
        });
        if ours_cucm(parties[0]) {
            found.callers.insert(parties[0].to_string());
            found.life(parties[0]).made(parties[2], duration);
        }
        if ours_cucm(parties[2]) && connect != 0 {
            found.life(parties[2]).answered(duration);
        }
        if !get("huntPilotDN").is_empty() {
            found.groups.entry(get("huntPilotDN").to_string()).or_default().push(day);
        }
        found.uses.entry(get("origDeviceName").to_string()).or_default().push(day);
        if connect != 0 {
            found.uses.entry(get("destDeviceName").to_string()).or_default().push(day);
        }
        for number in BTreeSet::from([parties[1], parties[2], parties[3]]) {
            found.rung.entry(number.to_string()).or_default().push(day);
            if number != parties[2] && connect != 0 {
                found.elsewhere.entry(number.to_string()).or_default().push(day);
            }
        }
    }
    found.kept += media_rows(out, &legs);
    found.coverage = recount_coverage::of(&found, plan);
    found
}

pub fn recount_mitel(out: &Path, plan: &Plan) -> Recount {
    let mut found = Recount::default();
    let mut seen: HashMap<(NaiveDate, String), usize> = HashMap::new();
    for path in files(&out.join("landing/mitel")) {
        let anchor = NaiveDate::parse_from_str(&name(&path)[5..13], "%Y%m%d").unwrap();
        let mut in_file: HashMap<(NaiveDate, String), usize> = HashMap::new();
        for line in text(&path).split_terminator("\r\n") {
            assert_eq!(line.len(), 120);
            let cut = |first: usize, last: usize| line[first - 1..last].trim();
            for spacer in [7, 13, 14, 25, 33, 38, 75, 83, 100, 102, 113] {
                assert_eq!(cut(spacer, spacer), "", "column {spacer} of {line}");
            }
            if cut(2, 6) == "13/45" {
                continue;
            }
            let of_year = |year: i32| {
                NaiveDateTime::parse_from_str(&format!("{year}/{} {}", cut(2, 6), cut(8, 12)), "%Y/%m/%d %H:%M").ok()
            };
            let at = (0..5)
                .filter_map(|back| of_year(anchor.year() - back))
                .find(|at| at.date() <= anchor + Days::new(1))
                .unwrap();
            let key = (at.date(), line.to_string());
            let ordinal = in_file.entry(key.clone()).or_default();
            *ordinal += 1;
            let known = seen.entry(key).or_default();
            if *ordinal <= *known {
                continue;
            }
            *known = *ordinal;
            found.kept += 1;
            let (day, calling, dialled, called, third) =
                (at.date(), cut(26, 32), cut(39, 64), cut(67, 73), cut(76, 82));
            let (duration, tta) = (cut(15, 24), cut(35, 37));
            let ani = cut(103, 112);
            found.numbers.insert(if ani.len() == 10 { format!("0{ani}") } else { ani.to_string() });
            found.numbers.insert(dialled.to_string());
            assert!(dialled.ends_with(cut(114, 120)), "DNIS is the end of the digits");
            let seconds = duration.split(':').fold(0, |sum, part| sum * 60 + part.parse::<i64>().unwrap_or_default());
            found.seen.push(Seen {
                day,
                hour: at.hour(),
                node: String::new(),
                is_unanswered: tta == "***" || (duration.is_empty() && cut(65, 65).is_empty()),
                is_internal: ours_mitel(calling) && ours_mitel(called),
            });
            if ours_mitel(calling) {
                found.callers.insert(calling.to_string());
                found.life(calling).made(dialled, seconds);
                found.uses.entry(calling.to_string()).or_default().push(day);
            }
            let answered = !duration.is_empty() && tta != "***";
            for party in [called, third] {
                if answered && ours_mitel(party) {
                    found.life(party).answered(seconds);
                    found.uses.entry(party.to_string()).or_default().push(day);
                }
            }
            for number in BTreeSet::from([dialled, called]) {
                found.rung.entry(number.to_string()).or_default().push(day);
                if number == dialled && number != called && answered {
                    found.elsewhere.entry(number.to_string()).or_default().push(day);
                }
            }
        }
    }
    found.coverage = recount_coverage::of(&found, plan);
    found
}

impl Recount {
    fn life(&mut self, extension: &str) -> &mut Life {
        self.lives.entry(extension.to_string()).or_default()
    }
}

impl Life {
    fn made(&mut self, to: &str, seconds: i64) {
        self.made += 1;
        self.longest = self.longest.max(seconds);
        self.emergencies += u64::from(["9999", "9112"].contains(&to));
        self.dialled.insert(to.to_string());
    }

    fn answered(&mut self, seconds: i64) {
        self.answered += 1;
        self.longest = self.longest.max(seconds);
    }

    fn is_like_a_lift(&self) -> bool {
        self.dialled.len() == 1 && self.made >= 3 && self.longest <= 180 && self.answered <= self.made
    }
}

/// Why a line is protected, by the rules of issue 4.
fn is_protected(row: &Row, register: &[Row], found: &Recount) -> bool {
    let always = "reception front_counter custody control_room door_entry lift alarm fax refuge help_point";
    let is = |column: &str, value: &str| row[column] == value;
    let text =
        ["location", "notes", "owner", "device_model", "protected_reason"].map(|column| row[column].to_lowercase());
    let text = text.map(|text| text.replace(|c: char| !c.is_alphanumeric(), " "));
    let text = text.map(|text| format!(" {} ", text.split_whitespace().collect::<Vec<_>>().join(" "))).concat();
    let has_word = |word: &str| text.contains(&format!(" {word} "));
    let words = include_str!("../sql/protection_words.csv").lines().skip(1);
    let is_port = ["AN", "VGC", "ATA"].iter().any(|prefix| row["device_name"].starts_with(prefix))
        || ["VG", "ATA"].iter().any(|prefix| row["device_model"].starts_with(prefix));
    is("protected", "true")
        || always.split(' ').any(|use_| is("use", use_))
        || (is("use", "unknown") && (is("device_kind", "analogue") || is_port))
        || (is("use", "unknown") && is("owner", "") && is("user_id", ""))
        || words.filter_map(|line| line.split(',').next()).any(has_word)
        || register.iter().filter(|other| other["site"] == row["site"]).count() == 1
        || found.lives.get(&row["extension"]).is_some_and(Life::is_like_a_lift)
}

/// What counting finds of a registered extension.
pub struct Found {
    pub verdict: &'static str,
    pub is_provable: bool,
    /// No record of a use, or of anybody asking for it.
    pub is_silent: bool,
}

/// The verdict by counting, in the order of DESIGN 4.
pub fn verdict(plan: &Plan, row: &Row, register: &[Row], found: &Recount) -> Found {
    let start = plan.last_day - Days::new(u64::from(plan.window_days - 1));
    let from = row["installed_on"].parse::<NaiveDate>().map_or(start, |on| on.max(start));
    let covered = found.coverage.covered.range(from..=plan.last_day).count() as u64;
    let is_cisco = row["source"] == "force-cucm";
    let subject = if is_cisco { &row["device_name"] } else { &row["extension"] };
    let count = |days: Option<&Vec<NaiveDate>>| {
        days.map_or(0, |d| d.iter().filter(|d| (from..=plan.last_day).contains(d)).count())
    };
    let uses = count(found.uses.get(subject));
    let (rung, elsewhere) = (count(found.rung.get(&row["extension"])), count(found.elsewhere.get(&row["extension"])));
    let is_silent = uses == 0 && rung == 0;
    // Mitel's records do not name the group that rang: none of its members may be silent.
    assert!(is_cisco || row["hunt_groups"].is_empty() || !is_silent);
    let is_hidden = is_silent && count(found.groups.get(&row["hunt_groups"])) > 0;
    let verdict = match (uses, rung, elsewhere) {
        _ if is_protected(row, register, found) => "protected",
        _ if uses as u64 * 7 > covered => "in_use",
        _ if covered < u64::from(plan.min_covered_days) => "insufficient_evidence",
        _ if is_hidden => "unattended",
        (0, 0, _) => "idle",
        (0, _, 0) => "unattended",
        (0, _, _) => "diverted",
        _ => "low_use",
    };
    Found { verdict, is_provable: covered >= u64::from(plan.min_covered_days) && !is_hidden, is_silent }
}

/// The civil day in London of a time in UTC.
pub fn civil_day(at: NaiveDateTime) -> NaiveDate {
    London.from_utc_datetime(&at).date_naive()
}
