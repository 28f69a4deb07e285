//! Small worlds written in code: a register and calls in, a folder that `onhook` has read out. Knows no verdicts.
//! Numbers are `60XXX` on the Cisco, `4XXX` on the Mitel, `5XXX` on the platform that only `mapped-csv` reads, the last
//! five digits of the direct-dial number in Teams; everything else is outside. Days count from the first of the world.

use std::collections::BTreeMap;
use std::fmt::Write;
use std::ops::Range;

use chrono::{Days, NaiveDate, NaiveDateTime, TimeDelta};
use serde_json::Value;

use crate::workdir::Workdir;

/// Somebody outside.
pub const CALLER: &str = "01632960601";
/// Somebody outside, with the digit for an outside line.
pub const DIALLED: &str = "901632960602";

const TRUNK: &str = "SIP-PSTN-1";

/// One call as it was, whatever a platform writes of it. `talk` of 0 is a call that nobody answered.
#[derive(Clone)]
pub struct Call {
    pub day: i64,
    /// Of the civil day; wall clocks and UTC are taken for the same, so calls keep away from midnight.
    pub minute: i64,
    pub ring: i64,
    pub talk: i64,
    pub from: String,
    pub to: String,
    pub devices: [String; 2],
    pub users: [String; 2],
    pub group: String,
    pub nodes: [u8; 2],
    /// The platform's own word for it.
    pub kind: String,
}

/// A call of one minute; from and to whatever end, on that end's own handset.
pub fn call(day: i64, minute: i64, from: &str, to: &str) -> Call {
    Call {
        day,
        minute,
        ring: 5,
        talk: 60,
        from: from.into(),
        to: to.into(),
        devices: [from, to].map(|number| if is_ours(number) { handset(number) } else { TRUNK.into() }),
        users: Default::default(),
        group: String::new(),
        nodes: [1, 1],
        kind: String::new(),
    }
}

impl Call {
    pub fn talk(self, talk: i64) -> Self {
        Self { talk, ..self }
    }

    pub fn missed(self) -> Self {
        Self { talk: 0, ring: 25, ..self }
    }

    pub fn on(self, from: &str, to: &str) -> Self {
        Self { devices: [from.into(), to.into()], ..self }
    }

    pub fn users(self, from: &str, to: &str) -> Self {
        Self { users: [from.into(), to.into()], ..self }
    }

    pub fn group(self, pilot: &str) -> Self {
        Self { group: pilot.into(), ..self }
    }

    /// The node of each end; the first writes the record.
    pub fn nodes(self, from: u8, to: u8) -> Self {
        Self { nodes: [from, to], ..self }
    }

    pub fn kind(self, kind: &str) -> Self {
        Self { kind: kind.into(), ..self }
    }

    pub fn is_internal(&self) -> bool {
        is_ours(&self.from) && is_ours(&self.to)
    }
}

/// Three calls a day between two phones and the outside: one internal, one that nobody answered, one going out.
pub fn background(days: Range<i64>, one: &str, other: &str) -> Vec<Call> {
    let day = |d: i64| {
        let out = format!("9016329607{:02}", d.rem_euclid(17));
        let who = if d % 2 == 0 { one } else { other };
        [call(d, 545, one, other), call(d, 610, CALLER, one).missed(), call(d, 675, who, &out).talk(90)]
    };
    days.flat_map(day).collect()
}

/// The handset a number of the Cisco stands on.
pub fn handset(number: &str) -> String {
    format!("SEP{number:0>12}")
}

fn is_ours(number: &str) -> bool {
    matches!((number.len(), &number[..1]), (5, "6") | (4, "4" | "5"))
}

/// A row of the register.
#[derive(Clone, Copy, Default)]
pub struct Line<'a> {
    pub source: &'a str,
    pub extension: &'a str,
    pub device_name: &'a str,
    pub device_model: &'a str,
    pub device_kind: &'a str,
    pub use_: &'a str,
    pub site: &'a str,
    pub location: &'a str,
    pub owner: &'a str,
    pub user_id: &'a str,
    pub installed_on: &'a str,
    pub hunt_groups: &'a str,
    pub protected: bool,
    pub protected_reason: &'a str,
    pub notes: &'a str,
}

/// One person's desk phone at headquarters.
pub fn desk<'a>(source: &'a str, extension: &'a str) -> Line<'a> {
    Line {
        source,
        extension,
        device_model: "8841",
        device_kind: "desk_phone",
        use_: "personal",
        site: "HQ",
        location: "Floor 1",
        owner: "Training",
        user_id: "someone",
        ..Line::default()
    }
}

/// How a Cisco cluster delivers.
pub struct Cisco {
    /// Hours of calls in one file of a node.
    pub hours: i64,
    /// Files of media records come too, numbered with the others.
    pub has_media: bool,
    /// Files of calls that never arrive, by node and number of the period.
    pub lost: fn(u8, i64) -> bool,
}

impl Default for Cisco {
    fn default() -> Self {
        Self { hours: 30 * 24, has_media: false, lost: |_, _| false }
    }
}

/// What is written down before `onhook` sees any of it.
pub struct World {
    first: NaiveDate,
    sources: BTreeMap<String, String>,
    evidence: BTreeMap<String, String>,
    register: String,
    register_of: String,
    decisions: String,
    policy: Option<String>,
    files: BTreeMap<String, String>,
    serial: u64,
}

impl World {
    /// A world of so many days, all of them the window, ending on 29 February 2024.
    pub fn new(days: i64) -> Self {
        let last = NaiveDate::from_ymd_opt(2024, 2, 29).unwrap();
        let evidence = [("window_days", days.to_string()), ("as_of", format!("\"{last}\""))];
        let columns = "source,extension,device_name,device_model,device_kind,use,site,location,owner,user_id,\
            installed_on,hunt_groups,protected,protected_reason,notes\n";
        Self {
            first: last - Days::new(days as u64 - 1),
            sources: BTreeMap::new(),
            evidence: evidence.map(|(key, value)| (key.to_string(), value)).into(),
            register: columns.into(),
            register_of: last.to_string(),
            decisions: "source,extension,action,decided_by,decided_on,reason\n".into(),
            policy: None,
            files: BTreeMap::new(),
            serial: 0,
        }
    }

    pub fn date(&self, day: i64) -> NaiveDate {
        self.first + TimeDelta::days(day)
    }

    fn moment(&self, call: &Call) -> NaiveDateTime {
        self.date(call.day).and_hms_opt(0, 0, 0).unwrap() + TimeDelta::minutes(call.minute)
    }

    /// A key of `[evidence]`.
    pub fn evidence(&mut self, key: &str, value: impl ToString) -> &mut Self {
        self.evidence.insert(key.into(), value.to_string());
        self
    }

    /// On the Cisco, a line without a device name has the handset of its number; `-` is none.
    pub fn line(&mut self, line: Line<'_>) -> &mut Self {
        let device = match line.device_name {
            "-" => String::new(),
            "" if line.source == "hq" => handset(line.extension),
            name => name.into(),
        };
        let Line { source, extension, device_model, device_kind, use_, site, location, owner, .. } = line;
        let Line { user_id, installed_on, hunt_groups, protected, protected_reason, notes, .. } = line;
        let user_id = if user_id == "someone" { format!("u{extension}") } else { user_id.into() };
        writeln!(
            self.register,
            "{source},{extension},{device},{device_model},{device_kind},{use_},{site},\"{location}\",\"{owner}\",{user_id},\
             {installed_on},{hunt_groups},{protected},\"{protected_reason}\",\"{notes}\""
        )
        .unwrap();
        self
    }

    /// The day the register was true, in place of the last.
    pub fn register_of(&mut self, day: NaiveDate) -> &mut Self {
        self.register_of = day.to_string();
        self
    }

    /// A row of `decisions.csv`.
    pub fn decision(&mut self, row: &str) -> &mut Self {
        writeln!(self.decisions, "{row}").unwrap();
        self
    }

    /// Rows of `policy.csv`, in place of the built-in policy.
    pub fn policy(&mut self, rows: &str) -> &mut Self {
        self.policy = Some(format!("use,verdict,action\n{rows}\n"));
        self
    }

    pub fn file(&mut self, name: &str, text: &str) -> &mut Self {
        self.files.insert(name.into(), text.into());
        self
    }

    fn source(&mut self, name: &str, format: &str, keys: &str) {
        let toml = format!(
            "[[source]]\nname = \"{name}\"\nformat = \"{format}\"\npaths = [\"landing/{name}/*\"]\n\
             timezone = \"Europe/London\"\noutside_prefix = \"9\"\n{keys}\n"
        );
        self.sources.insert(name.into(), toml);
    }

    fn serial(&mut self) -> u64 {
        self.serial += 1;
        self.serial
    }

    /// A Cisco cluster. Records stand in the order in which calls ended, as CUCM writes them.
    pub fn cisco(&mut self, name: &str, how: &Cisco, mut calls: Vec<Call>) -> &mut Self {
        self.source(name, "cisco-cucm", "extensions = [\"60XXX\"]");
        calls.sort_by_key(|call| (self.moment(call) + TimeDelta::seconds(call.ring + call.talk), call.from.clone()));
        let mut periods: BTreeMap<(u8, i64), String> = BTreeMap::new();
        for call in &calls {
            let ended = self.moment(call) + TimeDelta::seconds(call.ring + call.talk);
            let hours = (ended - self.date(0).and_hms_opt(0, 0, 0).unwrap()).num_hours();
            let line = self.cisco_line(name, call);
            *periods.entry((call.nodes[0], hours / how.hours)).or_default() += &line;
        }
        let mut numbers: BTreeMap<u8, u32> = BTreeMap::new();
        for ((node, period), lines) in periods {
            let closed = self.date(0).and_hms_opt(0, 0, 0).unwrap() + TimeDelta::hours((period + 1) * how.hours)
                - TimeDelta::minutes(1);
            let number = numbers.entry(node).or_default();
            let mut file = |kind: &str, text: String, is_lost: bool| {
                *number += 1;
                let time = closed.format("%Y%m%d%H%M");
                if !is_lost {
                    self.files.insert(format!("landing/{name}/{kind}_{name}_{node:02}_{time}_{number}"), text);
                }
            };
            file("cdr", format!("{CISCO}{lines}"), (how.lost)(node, period));
            if how.has_media {
                let stamp = closed.and_utc().timestamp();
                let row = format!("2,media-{name}-{node}-{period},{},{stamp}\n", period + 1);
                file("cmr", format!("cdrRecordType,pkid,callIdentifier,dateTimeStamp\n{row}"), false);
            }
        }
        self
    }

    fn cisco_line(&mut self, cluster: &str, call: &Call) -> String {
        let serial = self.serial();
        let started = self.moment(call).and_utc().timestamp();
        let connected = if call.talk > 0 { started + call.ring } else { 0 };
        let ended = started + call.ring + call.talk;
        let Call { from, to, devices: [from_device, to_device], users: [from_user, to_user], .. } = call;
        let Call { group, talk, nodes: [from_node, to_node], .. } = call;
        let cause = if *talk > 0 { 16 } else { 19 };
        format!(
            "1,{from_node},{serial},{cluster},{started},{from_node},{from},{from_user},0,{to_node},{to},{to},{to_user},\
             {cause},{connected},{ended},00000000-0000-4000-8000-{serial:012},{talk},{from_device},{to_device},{group}\n"
        )
    }

    /// A Mitel, one log for thirty days. Of internal calls it writes those that were answered.
    pub fn mitel(&mut self, name: &str, mut calls: Vec<Call>) -> &mut Self {
        self.source(name, "mitel-smdr", "extensions = [\"4XXX\"]");
        calls.sort_by_key(|call| (self.moment(call), call.from.clone()));
        for call in calls.iter().filter(|call| call.talk > 0 || !call.is_internal()) {
            let last = self.date((call.day / 30 + 1) * 30 - 1);
            let text = mitel_line(self.moment(call), call);
            *self.files.entry(format!("landing/{name}/smdr_{}.log", last.format("%Y%m%d"))).or_default() += &text;
        }
        self
    }

    /// A platform that names no devices, read by a mapping of the site's own.
    pub fn mapped(&mut self, name: &str, calls: Vec<Call>) -> &mut Self {
        self.source(name, "mapped-csv", MAPPING);
        let mut text = String::from("id,started,talk,ring,from,to,group,way,result\n");
        for call in &calls {
            let way = match (is_ours(&call.from), is_ours(&call.to)) {
                (true, true) => "internal",
                (true, false) => "out",
                (false, _) => "in",
            };
            let (serial, started) = (self.serial(), self.moment(call).format("%Y-%m-%d %H:%M:%S"));
            let Call { talk, ring, from, to, group, .. } = call;
            let result = if *talk > 0 { "answered" } else { "missed" };
            writeln!(text, "{serial},{started},{talk},{ring},{from},{to},{group},{way},{result}").unwrap();
        }
        self.file(&format!("landing/{name}/calls.csv"), &text)
    }

    /// Teams: the report PSTN, which has no unanswered call. A call id is not unique there.
    pub fn teams(&mut self, name: &str, calls: Vec<Call>) -> &mut Self {
        self.source(name, "teams-pstn", "ddi = [{ range = \"+442079460XXX\", extension_digits = 5 }]");
        let mut text = String::from(
            "UsageId,Call ID,AAD ObjectId,UPN,Caller ID,Call Type,Destination Number,Start Time,End Time,\
             Duration Seconds\n",
        );
        for call in calls.iter().filter(|call| call.talk > 0) {
            let (serial, started) = (self.serial(), self.moment(call));
            let ended = started + TimeDelta::seconds(call.talk);
            let Call { from, to, users: [from_user, to_user], kind, talk, .. } = call;
            let form = "%Y-%m-%dT%H:%M:%SZ";
            writeln!(
                text,
                "usage-{serial},call-{},{from_user}{to_user},,{from},{kind},{to},{},{},{talk}",
                call.day,
                started.format(form),
                ended.format(form)
            )
            .unwrap();
        }
        self.file(&format!("landing/{name}/PSTN.calls.csv"), &text)
    }

    /// A carrier's bill: what went out and was answered, every six seconds begun.
    pub fn bill(&mut self, name: &str, calls: &[Call]) -> &mut Self {
        self.source(name, "fcs-uk", "extensions = [\"60XXX\"]");
        let columns = ["Call Type", "Customer Identifier", "Non-Charged Party", "Call Date", "Call Time", "Duration"];
        let mut text = format!("{},Salesprice,Extension,Ring time,Record ID\n", columns.join(","));
        for call in calls.iter().filter(|call| call.talk > 0 && is_ours(&call.from) && !is_ours(&call.to)) {
            let (serial, started) = (self.serial(), self.moment(call));
            writeln!(
                text,
                "V,02079460100,{},{},{},{},0.01,{},{},B{serial}",
                &call.to[1..],
                started.format("%d/%m/%Y"),
                started.format("%H:%M:%S"),
                (call.talk + 5) / 6 * 6,
                call.from,
                call.ring
            )
            .unwrap();
        }
        self.file(&format!("landing/{name}/bill.csv"), &text)
    }

    /// Writes the folder, reads the calls, loads the register.
    pub fn load(&self) -> Workdir {
        let work = Workdir::new();
        for (name, text) in &self.files {
            work.write(name, text);
        }
        let mut config: String = "[lake]\npath = \"lake\"\n".into();
        self.sources.values().for_each(|source| config += source);
        config += "[estate]\nextensions = \"estate/extensions.csv\"\ntrunks = \"estate/trunks.csv\"\n\
            decisions = \"estate/decisions.csv\"\n";
        work.write("estate/extensions.csv", &self.register);
        work.write("estate/decisions.csv", &self.decisions);
        let mut trunks = String::from("source,trunk,carrier,kind,party,circuits,peer_source\n");
        for (source, trunk) in self.sources.keys().flat_map(|source| [(source, TRUNK), (source, "T1")]) {
            writeln!(trunks, "{source},{trunk},Example Carrier,pstn,,30,").unwrap();
        }
        work.write("estate/trunks.csv", trunks);
        if let Some(policy) = &self.policy {
            config += "policy = \"estate/policy.csv\"\n";
            work.write("estate/policy.csv", policy);
        }
        config += "[evidence]\n";
        self.evidence.iter().for_each(|(key, value)| writeln!(config, "{key} = {value}").unwrap());
        work.write("onhook.toml", config);
        let (code, said) = work.ingest(&[]);
        assert_eq!((code, &said["records"]["rejected"]), (0, &Value::from(0)), "the world is well written: {said}");
        work.good(&["estate", "load", "--as-of", &self.register_of]);
        work
    }
}

const CISCO: &str = "cdrRecordType,globalCallID_callManagerId,globalCallID_callId,globalCallId_ClusterID,\
    dateTimeOrigination,origNodeId,callingPartyNumber,callingPartyUnicodeLoginUserID,origCause_value,destNodeId,\
    originalCalledPartyNumber,finalCalledPartyNumber,finalCalledPartyUnicodeLoginUserID,destCause_value,dateTimeConnect,\
    dateTimeDisconnect,pkid,duration,origDeviceName,destDeviceName,huntPilotDN\n";

const MAPPING: &str = r#"extensions = ["5XXX"]
[source.mapping]
delimiter = ","
header = true
started = { columns = ["started"], format = "%Y-%m-%d %H:%M:%S" }
talk = { column = "talk" }
ring = { column = "ring" }
caller = "from"
dialled = "to"
callee = "to"
hunt_group = "group"
record_id = "id"
direction = { column = "way", words = { in = "inbound", out = "outbound", internal = "internal" } }
outcome = { column = "result", words = { answered = "answered", missed = "no_answer" } }"#;

/// A line of 101 columns (extended digits), its fields at their places.
fn mitel_line(started: NaiveDateTime, call: &Call) -> String {
    let seconds = if call.talk > 0 { call.talk } else { 0 };
    let duration = format!("{:04}:{:02}:{:02}", seconds / 3600, seconds / 60 % 60, seconds % 60);
    let from = if is_ours(&call.from) { &call.from } else { "T1" };
    let answer = match (is_ours(&call.from), call.talk > 0) {
        (true, _) => String::new(),
        (false, true) => format!("{:03}", call.ring),
        (false, false) => "***".into(),
    };
    let to = if is_ours(&call.to) { &call.to } else { "T1" };
    let letter = match (is_ours(&call.from), is_ours(&call.to)) {
        (true, true) => "I",
        (true, false) => "A",
        (false, _) => "",
    };
    let date = started.format("%m/%d %H:%M");
    format!(" {date}  {duration} {from:<7}  {answer:<3} {:<26}{letter:<1} {to:<29} 001\n", call.to)
}

/// A row of an answer.
#[derive(Debug)]
pub struct Row(Value);

impl Row {
    /// The text of a cell, blank where it is null.
    pub fn text(&self, column: &str) -> &str {
        // JSON leaves out what is null.
        self.0.get(column).and_then(Value::as_str).unwrap_or_default()
    }

    pub fn is(&self, column: &str) -> bool {
        self.cell(column).as_bool().unwrap_or_default()
    }

    pub fn number(&self, column: &str) -> f64 {
        let cell = self.cell(column);
        cell.as_f64().or_else(|| cell.as_str()?.parse().ok()).unwrap_or_else(|| panic!("{column}: {:?}", self.0))
    }

    fn cell(&self, column: &str) -> &Value {
        self.0.get(column).unwrap_or_else(|| panic!("no column {column}: {:?}", self.0))
    }

    /// Verdict and what becomes of it.
    pub fn verdict(&self) -> (&str, &str) {
        (self.text("verdict"), self.text("action"))
    }

    /// Of number, device and user.
    pub fn three(&self) -> [&str; 3] {
        ["number_verdict", "device_verdict", "user_verdict"].map(|column| self.text(column))
    }
}

/// Rows of a command's JSON.
pub fn rows(work: &Workdir, args: &[&str]) -> Vec<Row> {
    let said = work.good(&[args, &["-f", "json"]].concat()).stdout;
    let rows: Vec<Value> = serde_json::from_str(&said).unwrap_or_else(|e| panic!("{e}: {said}"));
    rows.into_iter().map(Row).collect()
}

/// What `onhook` says of every registered extension.
pub fn verdicts(work: &Workdir) -> BTreeMap<String, Row> {
    let rows = rows(work, &["sql", "-e", "select * from verdicts"]);
    rows.into_iter().map(|row| (row.text("extension").to_string(), row)).collect()
}

/// The words of `blind_spots`, each once.
pub fn spots(work: &Workdir) -> Vec<String> {
    work.sql("select distinct spot from blind_spots order by spot")
}

/// What a report from the calls finds: registered extensions that answered calls name at most so often.
pub fn naive(work: &Workdir, most: u32) -> Vec<String> {
    work.sql(&format!(
        "with used as (select caller_ext as extension from legs where talk_s > 0 \
            union all select callee_ext from legs where talk_s > 0) \
         select r.extension from register r left join used u on r.extension = u.extension \
         group by r.extension having count(u.extension) <= {most} order by 1"
    ))
}
