//! Rating and statements: every line held to a count of its own in whole numbers, from the calls as they were written down and
//! without a line of onhook's code or SQL; who pays, for how long, and what is told apart.

mod count;
mod cases;

use std::collections::BTreeMap;
use std::time::Instant;

use crate::workdir::Workdir;
use count::{Key, Sums};

/// A CUCM's columns, as few as will do.
const CISCO: &str = "cdrRecordType,globalCallID_callManagerId,globalCallID_callId,globalCallId_ClusterID,\
    dateTimeOrigination,origNodeId,callingPartyNumber,origCause_value,destNodeId,originalCalledPartyNumber,\
    finalCalledPartyNumber,destCause_value,dateTimeConnect,dateTimeDisconnect,lastRedirectDn,pkid,duration,origDeviceName,\
    destDeviceName,lastRedirectRedirectReason,joinOnBehalfOf,origLegCallIdentifier,destLegIdentifier";

/// One record. Times are seconds UTC.
#[derive(Clone, Debug)]
struct Record {
    started: i64,
    ring: i64,
    talk: i64,
    from: String,
    dialled: String,
    to: String,
    devices: [String; 2],
    redirect: (String, u32),
    join: u32,
    legs: [i64; 2],
}

impl Record {
    fn line(&self, serial: u64) -> String {
        let Self { started, ring, talk, from, dialled, to, devices: [one, other], redirect: (dn, reason), join, legs } =
            self;
        let connected = if *talk > 0 { started + ring } else { 0 };
        let (ended, cause) = (started + ring + talk, if *talk > 0 { 16 } else { 19 });
        format!(
            "1,1,{serial},HQ,{started},1,{from},0,1,{dialled},{to},{cause},{connected},{ended},{dn},\
             00000000-0000-4000-8000-{serial:012},{talk},{one},{other},{reason},{join},{},{}\n",
            legs[0], legs[1]
        )
    }
}

fn handset(extension: &str) -> String {
    format!("SEP{extension:0>12}")
}

/// What every world here has: a Cisco at headquarters, its trunks, and what the site says of it.
fn toml(more_sources: &str, evidence: &str, rest: &str) -> String {
    format!(
        "[lake]\npath = \"lake\"\n[[source]]\nname = \"hq\"\nformat = \"cisco-cucm\"\npaths = [\"landing/hq/*\"]\n\
         timezone = \"Europe/London\"\noutside_prefix = \"9\"\nextensions = [\"60XXX\"]\n{more_sources}\
         [estate]\nextensions = \"estate/extensions.csv\"\ntrunks = \"estate/trunks.csv\"\n\
         cost_centres = \"estate/cost_centres.csv\"\ntariffs = \"estate/tariffs.csv\"\n\
         fixed_charges = \"estate/fixed_charges.csv\"\n[evidence]\nas_of = \"2024-03-31\"\n{evidence}{rest}"
    )
}

/// Lines of the statements by cost centre, class or charge, and band, as `onhook query` gives them.
fn stated(work: &Workdir) -> BTreeMap<Key, Sums> {
    let csv = work.good(&["query", "cost-centre-statement", "-p", "month=2024-03", "-f", "csv"]).stdout;
    let mut rows = csv::Reader::from_reader(csv.as_bytes());
    let rows = rows.deserialize::<BTreeMap<String, String>>().map(Result::unwrap);
    let line = |row: BTreeMap<String, String>| {
        let number = |column: &str| row[column].parse().unwrap_or(0);
        let key = (row["cost_centre"].clone(), row["item"].clone(), row["band"].clone());
        let sums = Sums {
            calls: number("calls") + number("extensions"),
            unrated: number("unrated"),
            billed_s: number("billed_s"),
            micros: number("charge_micros"),
        };
        assert_eq!(number("charge_pence"), (sums.micros + 5_000) / 10_000, "{key:?}");
        (key, sums)
    };
    rows.map(line).collect()
}

/// Makes so many calls, reads and rates them, and holds every line and every total to the count.
fn adds_up(calls: usize) {
    let work = Workdir::new();
    let expected = count::world(&work, calls);
    let begun = Instant::now();
    let (_, said) = work.ingest(&[]);
    assert_eq!(
        (&said["records"]["rejected"], said["records"]["kept"].as_u64()),
        (&0.into(), Some(expected.records)),
        "{said}"
    );
    work.good(&["estate", "load"]);
    let read = begun.elapsed();

    let stated = stated(&work);
    for (key, sums) in &expected.lines {
        assert_eq!(stated.get(key), Some(sums), "{key:?}");
    }
    assert_eq!(stated.len(), expected.lines.len(), "no line more");

    let begun = Instant::now();
    let bill = work.run(&["bill", "--month", "2024-03", "-o", "bill"]);
    let billed = begun.elapsed();
    // Some calls have no price on purpose.
    assert_eq!(bill.code, 1, "{bill:?}");
    assert!(bill.stderr.contains(&format!("{} calls have no price", expected.unrated())), "{}", bill.stderr);
    let pence = expected.pence();
    let last = bill.stdout.lines().last().unwrap();
    assert!(
        last.starts_with(&format!("calls {} rated, exactly {}", expected.rated(), exact(expected.call_micros()))),
        "{last}"
    );
    assert!(last.ends_with(&format!("statements {}", pounds(pence))), "{last}, wanted {}", pounds(pence));

    // The files say the same: every line of the CSV in pounds and pence, a page for each cost centre.
    let csv = work.read("bill/statements.csv");
    let printed =
        csv.lines().skip(1).map(|line| line.rsplit(',').next().unwrap().replace('.', "").parse::<i64>().unwrap());
    assert_eq!(printed.sum::<i64>(), pence);
    let pages = work.join("bill/statements").read_dir().unwrap().count();
    assert_eq!(pages, expected.cost_centres(), "a page for each cost centre");
    let mut book: calamine::Xlsx<_> = calamine::open_workbook(work.join("bill/statements.xlsx")).unwrap();
    let range = calamine::Reader::worksheet_range(&mut book, "Cost centres").unwrap();
    let total = calamine::DataType::get_float(range.rows().next_back().unwrap().last().unwrap()).unwrap();
    assert_eq!((total * 100.0).round() as i64, pence, "the workbook's total");

    eprintln!(
        "{} records, {} calls rated, {} without a price; read and loaded in {read:.1?}, billed in {billed:.1?}; {} in all",
        expected.records,
        expected.rated(),
        expected.unrated(),
        pounds(pence)
    );
}

fn exact(micros: i64) -> String {
    format!("{}.{:06}", grouped(micros / 1_000_000), micros % 1_000_000)
}

fn pounds(pence: i64) -> String {
    format!("{}.{:02}", grouped(pence / 100), pence % 100)
}

/// `£1,234,567`.
fn grouped(pounds: i64) -> String {
    let digits = pounds.to_string();
    let groups: Vec<&str> =
        digits.as_bytes().rchunks(3).rev().map(|group| std::str::from_utf8(group).unwrap()).collect();
    format!("£{}", groups.join(","))
}

#[test]
fn statements_of_twenty_thousand_calls_add_up_to_the_penny() {
    adds_up(20_000);
}

#[test]
#[ignore = "a million calls: a minute or two"]
fn statements_of_a_million_rated_calls_add_up_to_the_penny() {
    adds_up(1_000_000);
}
