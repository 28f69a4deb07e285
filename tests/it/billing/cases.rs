//! Single calls, each counted by hand: who pays, for how long, which band, what is on-net; bills, bad tables, odd names.

use super::{CISCO, Record, handset, toml};
use crate::workdir::{Workdir, copy, repository};

/// Midnight of Friday, 1 March 2024, UTC and local.
const MARCH: i64 = 1_709_251_200;

const TRUNKS: &str = "\
source,trunk,carrier,kind,party,circuits,peer_source
hq,SIP-PSTN-1,Example Telecom,pstn,,30,
hq,TIE-NORTH,,tie_line,,30,north
hq,AIRWAVE,,third_party,Airwave,30,
";
const EXTENSIONS: &str = "\
source,extension,ddi,device_name,device_kind,use,cost_centre
hq,60101,+442079460101,,desk_phone,personal,CC1
hq,60102,,,desk_phone,personal,CC2
hq,60103,,,desk_phone,personal,
north,4101,,,desk_phone,personal,CC3
mobile,70901,+447700900901,,mobile,personal,CC4
mobile,70902,+447700900902,,mobile,personal,CC4
";
/// A penny a second for everything, so that a charge tells the seconds, and another price for each band of mobiles.
const HEADER: &str = "tariff,source,carrier,number_class,prefix,band,rate_pence_per_minute,first_increment_s,increment_s,\
    minimum_pence,vat,effective_from,effective_to,price_source\n";
const TARIFFS: &str = "\
T,,,geographic,,,60,1,1,,exclusive,2024-01-01,,invented
T,,,mobile,,day,3,60,60,,exclusive,2024-01-01,,invented
T,,,mobile,,evening,2,60,60,,exclusive,2024-01-01,,invented
T,,,mobile,,weekend,1,60,60,,exclusive,2024-01-01,,invented
T,,,on_net,,,0.5,60,60,,exclusive,2024-01-01,,invented
";

/// A call of headquarters, at an hour and minute of a day of March by UTC.
fn call(day: i64, clock: (i64, i64), talk: i64, from: &str, to: &str) -> Record {
    let device = |number: &str| if number.len() == 5 { handset(number) } else { "SIP-PSTN-1".to_string() };
    Record {
        started: MARCH + (day - 1) * 86_400 + clock.0 * 3_600 + clock.1 * 60,
        ring: 4,
        talk,
        from: from.into(),
        dialled: to.into(),
        to: to.into(),
        devices: [device(from), device(to)],
        redirect: (String::new(), 0),
        join: 0,
        legs: [0, 0],
    }
}

fn world(records: &[Record], more: &[(&str, &str)], billing: &str) -> Workdir {
    let work = Workdir::new();
    let mut text = format!("{CISCO}\n");
    (1..).zip(records).for_each(|(serial, record)| text += &record.line(serial));
    work.write("landing/hq/cdr_HQ_01_202404010000_1", text);
    // A folder that is not there would be told as a fault.
    let source = |name: &str, format: &str, rest: &str| {
        let has_files = more.iter().any(|(file, _)| file.starts_with(&format!("landing/{name}/")));
        let paths = if has_files { format!("\"landing/{name}/*\"") } else { String::new() };
        format!(
            "[[source]]\nname = \"{name}\"\nformat = \"{format}\"\npaths = [{paths}]\ntimezone = \"Europe/London\"\n\
             outside_prefix = \"9\"\n{rest}\n"
        )
    };
    let sources = [
        source("north", "mitel-smdr", "extensions = [\"4XXX\"]"),
        source("bill", "fcs-uk", "extensions = [\"60XXX\"]\ncarrier = \"Example Telecom\""),
        source(
            "mobile",
            "fcs-uk",
            "extensions = [\"709XX\"]\ncarrier = \"Example Mobile\"\n\
             ddi = [{ range = \"+4477009009XX\", extension_digits = 3 }]",
        ),
    ];
    work.write("onhook.toml", toml(&sources.concat(), "window_days = 31\nmin_covered_days = 1\n", billing));
    work.write("estate/extensions.csv", EXTENSIONS);
    work.write("estate/trunks.csv", TRUNKS);
    work.write("estate/cost_centres.csv", "cost_centre,name,directorate\nCC1,One,\nCC2,Two,\nCC3,Three,\nCC4,Four,\n");
    work.write("estate/tariffs.csv", format!("{HEADER}{TARIFFS}"));
    work.write("estate/fixed_charges.csv", "charge,pence_per_month,vat,effective_from,price_source\n");
    for (name, text) in more {
        work.write(name, text);
    }
    let (code, said) = work.ingest(&[]);
    assert_eq!((code, said["records"]["rejected"].as_u64()), (0, Some(0)), "{said}");
    work.good(&["estate", "load"]);
    work
}

/// A column or several of the rated calls, in order of their start.
fn rated(work: &Workdir, columns: &str) -> Vec<String> {
    work.sql(&format!("select {columns} from rated_calls order by started_at, source"))
}

/// 140 s in two records are one call of 140 s, whoever talked at the end; so are the other shapes of a transfer.
#[test]
fn a_call_that_is_transferred_is_one_call_of_whoever_made_it() {
    let geographic = "901632960123";
    let outside = |record: Record, legs| Record { legs, ..record };
    let joined =
        |record: Record, by: &str, reason, legs| Record { redirect: (by.into(), reason), join: 10, legs, ..record };
    let from_outside =
        |record: Record| Record { devices: ["SIP-PSTN-1".into(), record.devices[1].clone()], ring: 0, ..record };
    let both_outside =
        |record: Record| Record { devices: ["SIP-PSTN-1".into(), "SIP-PSTN-1".into()], ring: 0, ..record };
    let records = [
        // 60101 calls out for 40 s, asks 60102, and hands the call over for 100 s.
        outside(call(4, (9, 0), 40, "60101", geographic), [11, 12]),
        outside(call(4, (9, 1), 5, "60101", "60102"), [13, 14]),
        joined(from_outside(call(4, (9, 2), 100, "01632960123", "60102")), "60101", 0, [12, 14]),
        // 60102 calls out for 20 s and sends the call on to 60101 without asking: 30 s more.
        outside(call(4, (10, 0), 20, "60102", geographic), [21, 22]),
        Record { ring: 3, ..joined(from_outside(call(4, (10, 1), 30, "01632960123", "60101")), "60102", 34, [22, 23]) },
        // Somebody calls 60101, who asks an outside number for 15 s and joins the two for 60 s: one call out of 75 s.
        outside(call(4, (11, 0), 50, "01632960777", "60101"), [31, 32]),
        outside(call(4, (11, 1), 15, "60101", geographic), [33, 34]),
        joined(both_outside(call(4, (11, 2), 60, "01632960777", geographic)), "60101", 0, [31, 34]),
        // Somebody calls 60102, who sends the call out without asking: a call out of 25 s, paid by 60102.
        outside(call(4, (12, 0), 9, "01632960777", "60102"), [41, 42]),
        Record {
            ring: 3,
            ..joined(both_outside(call(4, (12, 1), 25, "01632960777", geographic)), "60102", 34, [41, 44])
        },
        // Somebody calls 60102, who hands the call over to 60101: nothing goes out.
        outside(call(4, (13, 0), 9, "01632960777", "60102"), [51, 52]),
        outside(call(4, (13, 1), 9, "60102", "60101"), [53, 54]),
        joined(from_outside(call(4, (13, 2), 90, "01632960777", "60101")), "60102", 0, [51, 54]),
        // The marks of the first call come back a week later.
        outside(call(11, (9, 0), 7, "60102", geographic), [11, 12]),
    ];
    let work = world(&records, &[], "");
    assert_eq!(
        rated(&work, "payer_extension, cost_centre, talk_s, charge_micros"),
        [
            "60101,CC1,140,1400000",
            "60102,CC2,50,500000",
            "60101,CC1,75,750000",
            "60102,CC2,25,250000",
            "60102,CC2,7,70000"
        ]
    );
}

/// A call that comes over a line from the north and goes out here is the north's, once; private lines cost nothing.
#[test]
fn a_call_that_passes_through_is_paid_where_it_began() {
    let through = |day, from: &str, to: &str, devices: [&str; 2]| Record {
        devices: devices.map(String::from),
        ..call(day, (9, 0), 10, from, to)
    };
    let records = [
        through(4, "4101", "901632960123", ["TIE-NORTH", "SIP-PSTN-1"]),
        // Nobody we know: on no cost centre, and on a statement all the same.
        through(5, "4999", "901632960123", ["TIE-NORTH", "SIP-PSTN-1"]),
        through(6, "60101", "78001", [&handset("60101"), "AIRWAVE"]),
        through(7, "60101", "4101", [&handset("60101"), "TIE-NORTH"]),
        call(8, (9, 0), 10, "60103", "901632960123"),
    ];
    // The north's own record of the first: out by the line.
    let mitel = " 03/04 09:00  0000:00:10 4101         901632960123              A X999                          001\n";
    let trunks = format!("{TRUNKS}north,X999,,tie_line,,30,hq\n");
    let work = world(&records, &[("landing/north/smdr_20240331.log", mitel), ("estate/trunks.csv", &trunks)], "");
    let calls = rated(&work, "local_day, payer_source, payer_extension, cost_centre");
    assert_eq!(calls, ["2024-03-04,north,4101,CC3", "2024-03-05,,,", "2024-03-08,hq,60103,"]);
    let bill = work.good(&["bill", "--month", "2024-03"]);
    let none = bill.stdout.lines().find(|line| line.starts_with("(none)")).unwrap();
    assert!(none.contains("£0.20"), "two calls of 10 s at a penny a second: {none}");
}

/// By the clock on the wall when a call begins: 07:00 is day and 19:00 is evening, also in summer time.
#[test]
fn the_band_is_that_of_the_start() {
    let number = "907700900123";
    let records = [
        call(4, (6, 59), 600, "60101", number),
        call(4, (7, 0), 60, "60101", number),
        call(4, (18, 59), 600, "60101", number),
        call(4, (19, 0), 60, "60101", number),
        call(8, (23, 59), 600, "60101", number),
        call(9, (12, 0), 60, "60101", number),
        call(10, (23, 59), 600, "60101", number),
        call(11, (0, 0), 60, "60101", number),
        // Good Friday; then the day on which the clocks go forward, a Sunday.
        call(29, (12, 0), 60, "60101", number),
        call(31, (12, 0), 60, "60101", number),
    ];
    let bands = ["evening", "day", "day", "evening", "evening", "weekend", "weekend", "evening", "day", "weekend"];
    let work = world(&records, &[], "");
    assert_eq!(rated(&work, "band"), bands);
    let micros: i64 = rated(&work, "charge_micros").iter().map(|micros| micros.parse::<i64>().unwrap()).sum();
    // Minutes by band: day 1 + 10 + 1 at 3p, evening 10 + 1 + 10 + 1 at 2p, weekend 1 + 10 + 1 at 1p.
    assert_eq!(micros, (12 * 3 + 22 * 2 + 12) * 10_000);
    let other =
        world(&records, &[], "[billing]\nday_from = \"06:59\"\nday_until = \"12:00\"\nbank_holidays = \"weekend\"\n");
    let bands = ["day", "day", "evening", "evening", "evening", "weekend", "weekend", "evening", "weekend", "weekend"];
    assert_eq!(rated(&other, "band"), bands);
}

const BILL: &str =
    "Call Type,Customer Identifier,Non-Charged Party,Call Date,Call Time,Duration,Salesprice,Record ID\n";

/// To an own mobile from a desk, from an own mobile to a desk and to another; all others of the mobile are as dear as they are.
#[test]
fn calls_with_own_mobiles_are_on_net_and_told_apart() {
    let records = [call(4, (9, 0), 61, "60101", "907700900901"), call(4, (9, 10), 61, "60101", "907700900123")];
    let bill = format!(
        "{BILL}V,07700900901,02079460101,04/03/2024,09:20:00,61,0.01,M1\n\
         V,07700900901,07700900902,04/03/2024,09:30:00,61,0.01,M2\n\
         V,07700900902,07700900555,04/03/2024,09:40:00,61,0.06,M3\n"
    );
    // A mobile's line in the register is the last three digits of its number here.
    let register = EXTENSIONS.replace("70901", "901").replace("70902", "902");
    let work = world(&records, &[("landing/mobile/march.csv", &bill), ("estate/extensions.csv", &register)], "");
    assert_eq!(
        rated(&work, "source, payer_extension, number_class, charge_micros"),
        [
            "hq,60101,on_net,10000",
            "hq,60101,mobile,60000",
            "mobile,901,on_net,10000",
            "mobile,901,on_net,10000",
            "mobile,902,mobile,60000"
        ]
    );
    let said = work.good(&["query", "call-charges", "-f", "csv"]).stdout;
    assert!(said.contains("hq,cisco-cucm,on_net,1,0,120,1,"), "{said}");
    let bill = work.run(&["bill", "--month", "2024-03"]);
    // The mobile carrier's bill has its three calls at our prices.
    assert_eq!(bill.code, 0, "{bill:?}");
    let four = bill.stdout.lines().find(|line| line.starts_with("CC4")).unwrap();
    assert!(four.ends_with("£0.06          £0.02          £0.00          £0.08"), "{four}");
    // Without an on-net price they have none: they are not priced as something else.
    let work = world(
        &records,
        &[("estate/tariffs.csv", &format!("{HEADER}{}", TARIFFS.replace("T,,,on_net", "T,,,voip")))],
        "",
    );
    assert_eq!(rated(&work, "number_class, charge_micros"), ["on_net,", "mobile,60000"]);
    let bill = work.run(&["bill", "--month", "2024-03"]);
    assert!(bill.code == 1 && bill.stderr.contains("warning: 1 calls have no price"), "{bill:?}");
}

/// One call the same, one dearer on the bill, one on the bill only, one on ours only, one after the last day billed.
#[test]
fn a_carriers_bill_is_held_against_the_rated_calls() {
    let records = [
        call(4, (9, 0), 100, "60101", "901632960123"),
        call(5, (9, 0), 100, "60101", "901632960124"),
        call(6, (9, 0), 100, "60101", "901632960125"),
        call(8, (9, 0), 100, "60101", "901632960126"),
    ];
    let bill = |prices: [&str; 3]| {
        format!(
            "{BILL}V,60101,01632960123,04/03/2024,09:00:03,100,{},B1\nV,60101,01632960124,05/03/2024,09:00:02,100,{},B2\n\
             V,60101,01632960129,07/03/2024,09:00:00,50,{},B3\n",
            prices[0], prices[1], prices[2]
        )
    };
    let work = world(&records, &[("landing/bill/march.csv", &bill(["1.00", "1.20", "0.50"]))], "");
    let against = work.good(&["query", "rated-against-bill", "-p", "month=2024-03", "-f", "csv"]).stdout;
    assert_eq!(against.lines().nth(1), Some("Example Telecom,2024-03,3,3,1,1,0,300,270,-30,differs"));
    let ran = work.run(&["bill", "--month", "2024-03"]);
    assert_eq!(ran.code, 1);
    assert!(
        ran.stderr.contains("bill of Example Telecom differs by −£0.30: 1 calls only on ours, 1 only on theirs"),
        "{ran:?}"
    );

    let same = [&records[..2], &[call(7, (9, 0), 50, "60102", "901632960129")]].concat();
    let work = world(&same, &[("landing/bill/march.csv", &bill(["1.00", "1.00", "0.50"]))], "");
    let ran = work.good(&["bill", "--month", "2024-03"]);
    assert!(ran.stdout.ends_with("statements £2.50\n"), "{}", ran.stdout);
}

/// A code is a person's text: it names no file outside the folder and runs as no formula.
#[test]
fn a_cost_centre_of_any_name_stays_in_its_folder() {
    let odd = "../../../out";
    let register = EXTENSIONS.replace("CC1", odd).replace("CC2", "=1+1");
    let centres = format!("cost_centre,name,directorate\n{odd},<script>alert(1)</script>,\n=1+1,@x,\nCC3,,\nCC4,,\n");
    let records = [call(4, (9, 0), 10, "60101", "901632960123"), call(4, (9, 5), 10, "60102", "901632960123")];
    let work = world(&records, &[("estate/extensions.csv", &register), ("estate/cost_centres.csv", &centres)], "");
    work.good(&["bill", "--month", "2024-03", "-o", "deep/er/bill"]);
    let mut names: Vec<String> = walkdir::WalkDir::new(work.join("deep"))
        .into_iter()
        .map(|entry| {
            entry.unwrap().path().strip_prefix(work.join("deep/er/bill")).unwrap_or("".as_ref()).display().to_string()
        })
        .filter(|name| name.contains('.') || name.contains("html"))
        .collect();
    names.sort();
    let pages = [
        "statements.csv",
        "statements.html",
        "statements.xlsx",
        "statements/_1_1.html",
        "statements/_________out.html",
    ];
    assert_eq!(names, pages);
    assert!(!work.join("out.html").exists() && !work.join("deep/out.html").exists());
    assert!(work.read("deep/er/bill/statements.csv").contains("\n'=1+1,'@x,"));
    assert!(!work.read("deep/er/bill/statements.html").contains("<script>alert"));
}

/// A table that contradicts itself is refused with its line, and nothing of it is loaded.
#[test]
fn a_wrong_tariff_table_is_named_and_not_loaded() {
    let records = [call(4, (9, 0), 10, "60101", "901632960123")];
    let work = world(&records, &[], "");
    let twice = "T,,,geographic,,,1,1,1,,exclusive,2024-02-01,,invented\n";
    work.write("estate/tariffs.csv", format!("{HEADER}{TARIFFS}{twice}"));
    let ran = work.run(&["estate", "load"]);
    assert_eq!(ran.code, 2);
    assert!(ran.stderr.contains("tariffs.csv:7, effective_from: line 2 has a price for the same"), "{}", ran.stderr);
    assert_eq!(rated(&work, "charge_micros"), ["100000"]);
    for month in ["2024-3", "2024-13", "24-03", "2024-03-01", "'; drop"] {
        assert_eq!(work.run(&["bill", "--month", month]).code, 2, "{month}");
    }
}

/// A lake from before there were tariffs has no such tables: all its calls are without a price, and said to be.
#[test]
fn a_lake_without_tariffs_still_answers() {
    let records = [call(4, (9, 0), 10, "60101", "901632960123")];
    let work = world(&records, &[], "");
    assert!(!work.join("lake/fixed_charges").exists(), "a table without a row is not made");
    std::fs::remove_dir_all(work.join("lake/tariffs")).unwrap();
    assert_eq!(rated(&work, "cost_centre, charge_micros"), ["CC1,"]);
    let said = work.good(&["query", "unrated-calls", "-f", "csv"]).stdout;
    assert!(said.lines().nth(1).unwrap().ends_with(",1,10,2024-03-04,2024-03-04,tariffs"), "{said}");
    assert_eq!(work.run(&["bill", "--month", "2024-03"]).code, 1);
    work.good(&["lake", "verify"]);
}

/// Whoever had a line when it called pays, and not who has it now.
#[test]
fn the_register_of_the_day_says_whose_call_it_was() {
    let records = [call(4, (9, 0), 10, "60101", "901632960123"), call(20, (9, 0), 10, "60101", "901632960123")];
    let work = world(&records, &[], "");
    work.good(&["estate", "load", "--as-of", "2024-03-01"]);
    work.write("estate/extensions.csv", EXTENSIONS.replace("CC1", "CC2"));
    work.good(&["estate", "load", "--as-of", "2024-03-10"]);
    // The load of the last day of the month is the first one made: it stands for the days from then on.
    assert_eq!(rated(&work, "local_day, cost_centre"), ["2024-03-04,CC1", "2024-03-20,CC2"]);
}

/// The line in the documents is what the hand-counted estate gives: its five calls of March come to 69.555p, on five lines of
/// 3p, 15p, 20p, 8p and 23p; its fixed charges to £211.53.
#[test]
fn the_sums_in_the_documents_are_those_of_the_small_estate() {
    let work = Workdir::small();
    work.run(&["ingest"]);
    work.good(&["estate", "load"]);
    let said = work.good(&["bill", "--month", "2024-03"]);
    let last = said.stdout.lines().last().unwrap();
    assert_eq!(
        last,
        "calls 5 rated, exactly £0.695550 = lines of calls £0.69 less rounding −£0.005550; statements £212.22"
    );
    let documents = std::fs::read_to_string(repository().join("docs/billing.md")).unwrap();
    assert!(documents.contains(&format!("\n    {last}\n")));
    assert!(said.stderr.contains("north-mitel: the records of 18 days of 2024-03 are not whole"), "{}", said.stderr);
}

/// What a newcomer sees: every call of the sample has a price.
#[test]
fn the_sample_has_a_price_for_every_call() {
    let work = Workdir::new();
    copy(&repository().join("sample-data"), work.path());
    work.run(&["ingest"]);
    work.good(&["estate", "load"]);
    work.good(&["bill", "--month", "2024-03"]);
    assert_eq!(work.sql("select count(*) from rated_calls where charge_micros is null"), ["0"]);
}
