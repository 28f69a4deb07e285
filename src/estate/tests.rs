//! Tests of `estate`: small registers with one thing wrong each, and where the error says it is. The good register is the
//! one in [`GOOD`]; every number is invented and from the ranges Ofcom keeps for drama.

use std::path::PathBuf;

use arrow::array::{Array, AsArray};
use arrow::datatypes::{Date32Type, Int64Type};

use super::*;

const EXTENSIONS_CSV: &str = "\
source,extension,ddi,device_name,device_kind,use,site,cost_centre,installed_on,protected,notes
hq,60101,+442079460101,SEP1,desk_phone,personal,HQ,CC1,2019-05-01,no,
hq,60102,,SEP1,desk_phone,personal,HQ,CC1,,,second line
north,60101,,,,unknown,,,,yes,\"plant room, door\"
";
const SITES_CSV: &str = "site,name,area_code\nHQ,Headquarters,020\nNTH,North,\n";
const CENTRES_CSV: &str = "cost_centre,name,directorate\nCC1,Training,People\n";
const TRUNKS_CSV: &str = "\
source,trunk,carrier,kind,party,circuits,peer_source
hq,PSTN,Example Telecom,pstn,,30,
hq,TIE,,tie_line,ICCS,30,north
hq,AIRWAVE,,third_party,Airwave,,
hq,UNITY,,voicemail,,16,
hq,NICE,,recorder,,,
hq,SBC,,sbc,,,
hq,GW,,gateway,,,
north,PSTN,,third_party,,2,
";
const POLICY_CSV: &str = "use,verdict,action\n*,*,review\npersonal,idle,cease\n*,protected,keep\n";
const TARIFFS_CSV: &str = "\
tariff,source,carrier,number_class,prefix,band,connection_pence,rate_pence_per_minute,first_increment_s,increment_s,\
minimum_pence,cap_pence,cap_minutes,rounding,round_to_pence,vat,effective_from,effective_to,price_source
T,,,geographic,,day,1.25,0.5,1,1,3,,,,,exclusive,2024-01-01,2024-03-31,invented
T,,,geographic,,evening,,0.25,60,1,,,,up,0.01,exclusive,2024-01-01,,invented
T,hq,Example Telecom,mobile,44770,,,10,60,60,,50,60,half_even,1,exclusive,2024-01-01,,invented
T,,,,,,,100,1,1,,,,,,exclusive,2024-01-01,,invented
";
const FIXED_CSV: &str = "\
charge,source,platform,device_kind,use,pence_per_month,vat,effective_from,effective_to,price_source
rental,,,,,1000,exclusive,2024-01-01,2024-03-31,invented
rental,,,,,1050.25,exclusive,2024-04-01,,invented
rental,hq,cisco-cucm,desk_phone,personal,900,exclusive,2024-01-01,,invented
";
const GOOD: [(&str, &str); 7] = [
    ("extensions.csv", EXTENSIONS_CSV),
    ("sites.csv", SITES_CSV),
    ("cost_centres.csv", CENTRES_CSV),
    ("trunks.csv", TRUNKS_CSV),
    ("policy.csv", POLICY_CSV),
    ("tariffs.csv", TARIFFS_CSV),
    ("fixed_charges.csv", FIXED_CSV),
];

/// A workspace with the good files, but for one.
struct Desk {
    config: Config,
    _folder: tempfile::TempDir,
}

fn desk(name: &str, bytes: &[u8]) -> Desk {
    let folder = tempfile::tempdir().unwrap();
    let mut toml = String::from("[lake]\npath = \"lake\"\n");
    for source in ["hq", "north"] {
        toml += &format!(
            "[[source]]\nname = \"{source}\"\nformat = \"cisco-cucm\"\npaths = []\ntimezone = \"Europe/London\"\n\
             extensions = [\"60XXX\"]\n"
        );
    }
    toml += "[estate]\n";
    for (file, good) in GOOD {
        toml += &format!("{} = \"{file}\"\n", file.trim_end_matches(".csv"));
        std::fs::write(folder.path().join(file), if file == name { bytes } else { good.as_bytes() }).unwrap();
    }
    let config = Config::parse(
        &toml,
        "onhook.toml",
        folder.path().to_path_buf(),
        &[crate::layout::Format { id: "cisco-cucm", keys: &[] }],
    )
    .unwrap();
    Desk { config, _folder: folder }
}

/// The errors, without the folder: `extensions.csv:3, use: …`.
fn told(desk: &Desk, errors: &[Error]) -> Vec<String> {
    let folder = format!("{}{}", desk.config.folder.display(), std::path::MAIN_SEPARATOR);
    errors.iter().map(|error| error.to_string().replace(&folder, "")).collect()
}

fn errors(name: &str, bytes: impl AsRef<[u8]>) -> Vec<String> {
    let desk = desk(name, bytes.as_ref());
    let errors = match name {
        "policy.csv" => policy(&desk.config).map(|_| ()),
        _ => Estate::load(&desk.config).map(|_| ()),
    };
    told(&desk, &errors.err().unwrap_or_default())
}

/// One error, which starts with a place and holds these words.
fn one(name: &str, text: impl AsRef<[u8]>, place: &str, words: &str) {
    let errors = errors(name, text.as_ref());
    let right = matches!(&errors[..], [error] if error.starts_with(&format!("{place}: ")) && error.contains(words));
    assert!(right, "wanted {place}: …{words}…, got {errors:#?}");
}

/// The register with `from` made `to`, once.
fn register(from: &str, to: &str) -> String {
    changed(EXTENSIONS_CSV, from, to)
}

fn changed(text: &str, from: &str, to: &str) -> String {
    assert_eq!(text.matches(from).count(), 1, "{from}");
    text.replace(from, to)
}

fn good() -> Estate {
    Estate::load(&desk("", b"").config).unwrap()
}

fn table(estate: &Estate, table: Table) -> RecordBatch {
    let as_of = "2024-03-31".parse().unwrap();
    estate.rows(as_of).into_iter().find(|(t, _)| *t == table).unwrap().1
}

#[test]
fn a_good_estate_becomes_rows_of_the_lake() {
    let estate = good();
    assert_eq!(estate.extensions(), 3);
    let rows = table(&estate, Table::Extensions);
    assert_eq!(rows.schema(), Table::Extensions.schema());
    let text = |column: &str, row: usize| {
        let column = rows.column_by_name(column).unwrap().as_string::<i32>();
        column.is_valid(row).then(|| column.value(row).to_string())
    };
    let some = |text: &str| Some(text.to_string());
    assert_eq!(
        (text("source", 0), text("extension", 0), text("ddi", 0)),
        (some("hq"), some("60101"), some("+442079460101"))
    );
    assert_eq!((text("use", 2), text("notes", 2)), (some("unknown"), some("plant room, door")));
    for (column, row) in
        [("ddi", 1), ("notes", 0), ("site", 2), ("device_kind", 2), ("device_name", 2), ("owner", 0), ("user_id", 1)]
    {
        assert_eq!(text(column, row), None, "{column} of row {row} is blank or not there");
    }
    let days =
        |column: &str| rows.column_by_name(column).unwrap().as_primitive::<Date32Type>().iter().collect::<Vec<_>>();
    // `date -d 2019-05-01 +%s` / 86400 and the same of 2024-03-31.
    assert_eq!((days("installed_on"), days("as_of")), (vec![Some(18_017), None, None], vec![Some(19_813); 3]));
    let protected = rows.column_by_name("protected").unwrap().as_boolean();
    assert_eq!(protected.iter().collect::<Vec<_>>(), [Some(false), Some(false), Some(true)]);

    let trunks = table(&estate, Table::Trunks);
    assert_eq!(trunks.schema(), Table::Trunks.schema());
    let circuits = trunks.column_by_name("circuits").unwrap().as_primitive::<Int64Type>();
    assert_eq!(circuits.iter().collect::<Vec<_>>(), [Some(30), Some(30), None, Some(16), None, None, None, Some(2)]);
    assert_eq!(table(&estate, Table::Sites).num_rows(), 2);
    assert!(table(&estate, Table::Sites).column_by_name("area_code").unwrap().is_null(1));
    assert_eq!(table(&estate, Table::CostCentres).num_rows(), 1);
}

#[test]
fn what_is_not_configured_is_not_loaded() {
    let mut desk = desk("", b"");
    desk.config.estate.sites = None;
    desk.config.estate.trunks = None;
    let tables: Vec<Table> =
        Estate::load(&desk.config).unwrap().rows(NaiveDate::default()).iter().map(|(t, _)| *t).collect();
    assert_eq!(
        tables,
        [Table::CostCentres, Table::Extensions, Table::Tariffs, Table::FixedCharges],
        "and a site cannot be wrong where there is no list of sites"
    );
    assert!(trunks(&desk.config).unwrap().is_empty());
    desk.config.estate.extensions = Some(PathBuf::from("nowhere.csv"));
    let missing = told(&desk, &Estate::load(&desk.config).unwrap_err());
    assert_eq!(missing, ["nowhere.csv: No such file or directory"]);
}

#[test]
fn a_cell_that_means_nothing_is_named() {
    let cases = [
        ("hq,60102,", "hqq,60102,", "extensions.csv:3, source", "\"hqq\" is not a source"),
        ("hq,60102,", ",60102,", "extensions.csv:3, source", "is not a source"),
        ("hq,60102,", "hq, ,", "extensions.csv:3, extension", "blank"),
        ("hq,60102,", "hq,60101,", "extensions.csv:3, extension", "hq 60101 is already in line 2"),
        (",,unknown,", ",,lifts,", "extensions.csv:4, use", "\"lifts\" is not a use"),
        (",,unknown,", ",,,", "extensions.csv:4, use", "\"\" is not a use"),
        (",,unknown,", ",,Unknown,", "extensions.csv:4, use", "\"Unknown\" is not a use"),
        (",,unknown,", ",phone,unknown,", "extensions.csv:4, device_kind", "\"phone\" is not a kind of device"),
        ("CC1,2019-05-01", "CC2,2019-05-01", "extensions.csv:2, cost_centre", "\"CC2\" is not a cost centre"),
        ("north,60101,,,,unknown,,", "north,60101,,,,unknown,hq,", "extensions.csv:4, site", "\"hq\" is not a site"),
        (",yes,", ",maybe,", "extensions.csv:4, protected", "\"maybe\" is neither yes nor no"),
        ("north,60101,,", "north,60101,+442079460101,", "extensions.csv:4, ddi", "line 2"),
        (
            "personal,HQ,CC1,,,second",
            "personal,NTH,CC1,,,second",
            "extensions.csv:3, site",
            "device SEP1 is at NTH here and at HQ in line 2",
        ),
    ];
    for (from, to, place, words) in cases {
        one("extensions.csv", register(from, to), place, words);
    }
    for date in [
        "01/05/2019",
        "2019-13-01",
        "2019-02-29",
        "19-05-01",
        "2019-5-1",
        "20190501",
        "2019-05-01T00:00",
        "+2019-05-01",
        "yes",
    ] {
        one("extensions.csv", register("2019-05-01", date), "extensions.csv:2, installed_on", "is not a date");
    }
}

#[test]
fn what_is_no_contradiction_is_let_through() {
    let good = |from: &str, to: &str| assert_eq!(errors("extensions.csv", register(from, to)), [""; 0], "{to}");
    good("north,60101,,,,", "north,60101,,SEP1,,"); // The same name on another platform is another device.
    good("personal,HQ,CC1,,,second", "personal,,CC1,,,second"); // A blank site contradicts none.
    good("2019-05-01", "2020-02-29");
    for yes in ["Yes", "TRUE", "1", "y", "no", "False", "0", "N"] {
        good(",yes,", &format!(",{yes},"));
    }
}

#[test]
fn every_wrong_cell_is_told_in_one_go() {
    let text = EXTENSIONS_CSV.replace("personal", "persona").replace("2019-05-01", "soon").replace(",yes,", ",maybe,");
    let places: BTreeSet<String> =
        errors("extensions.csv", text).iter().map(|e| e.split(": ").next().unwrap().to_string()).collect();
    let expected =
        ["2, installed_on", "2, use", "3, use", "4, protected"].map(|place| format!("extensions.csv:{place}"));
    assert_eq!(places, BTreeSet::from(expected));
    let desk = desk("sites.csv", b"site\n\"");
    std::fs::write(desk.config.folder.join("trunks.csv"), "source\n").unwrap();
    let files = told(&desk, &Estate::load(&desk.config).unwrap_err()).join("\n");
    assert!(files.contains("trunks.csv:1"), "a bad file does not hide the next: {files}");
}

#[test]
fn companions_are_checked_too() {
    one("sites.csv", changed(SITES_CSV, "NTH,", "HQ,"), "sites.csv:3, site", "HQ is already in line 2");
    one("sites.csv", changed(SITES_CSV, "NTH,", ","), "sites.csv:3, site", "blank");
    one("cost_centres.csv", format!("{CENTRES_CSV}CC1,,\n"), "cost_centres.csv:3, cost_centre", "already in line 2");
    one("cost_centres.csv", format!("{CENTRES_CSV},Nobody,\n"), "cost_centres.csv:3, cost_centre", "blank");
    one(
        "trunks.csv",
        changed(TRUNKS_CSV, "hq,SBC,,sbc", "hq,SBC,,sbcs"),
        "trunks.csv:7, kind",
        "\"sbcs\" is not a kind of trunk",
    );
    one("trunks.csv", changed(TRUNKS_CSV, "hq,GW,", "hq,SBC,"), "trunks.csv:8, trunk", "hq SBC is already in line 7");
    one("trunks.csv", changed(TRUNKS_CSV, "hq,GW,", "east,GW,"), "trunks.csv:8, source", "\"east\" is not a source");
    one("trunks.csv", changed(TRUNKS_CSV, "hq,GW,", "hq,,"), "trunks.csv:8, trunk", "blank");
    for circuits in ["thirty", "-2", "2.5", "4294967296"] {
        one(
            "trunks.csv",
            changed(TRUNKS_CSV, ",2,", &format!(",{circuits},")),
            "trunks.csv:9, circuits",
            "is not a whole number",
        );
    }
}

#[test]
fn columns_are_named_once_and_known() {
    one("extensions.csv", register("notes\n", "colour\n"), "extensions.csv:1", "unknown column \"colour\"");
    one("extensions.csv", register("notes\n", "ddi\n"), "extensions.csv:1", "column 11 is \"ddi\" a second time");
    one("extensions.csv", EXTENSIONS_CSV.replace(',', ";"), "extensions.csv:1", "unknown column");
    assert_eq!(errors("extensions.csv", register("source,extension", " Source ,EXTENSION")), [""; 0]);
    for (file, good, column) in [
        ("extensions.csv", EXTENSIONS_CSV, "source"),
        ("extensions.csv", EXTENSIONS_CSV, "extension"),
        ("extensions.csv", EXTENSIONS_CSV, "use"),
        ("sites.csv", SITES_CSV, "site"),
        ("cost_centres.csv", CENTRES_CSV, "cost_centre"),
        ("trunks.csv", TRUNKS_CSV, "source"),
        ("trunks.csv", TRUNKS_CSV, "trunk"),
        ("trunks.csv", TRUNKS_CSV, "kind"),
        ("policy.csv", POLICY_CSV, "use"),
        ("policy.csv", POLICY_CSV, "verdict"),
        ("policy.csv", POLICY_CSV, "action"),
    ] {
        let header = good.lines().next().unwrap();
        let without: Vec<&str> = header.split(',').filter(|c| *c != column).collect();
        let place = format!("{file}:1");
        let errors = errors(file, format!("{}\n", without.join(",")));
        let named =
            errors.iter().filter(|e| e.starts_with(&place) && e.contains(&format!("no column {column:?}"))).count();
        assert_eq!(named, 1, "{file} without {column}: {errors:?}");
        assert!(errors.len() == 1 || file != "extensions.csv", "{errors:?}");
    }
    let no_use = "source,extension\nhq,60101\nhq,60102\n";
    one("extensions.csv", no_use, "extensions.csv:1", "no column \"use\"");
    one("extensions.csv", "", "extensions.csv:1", "no column");
}

#[test]
fn shapes_of_csv() {
    one("extensions.csv", register("hq,60102,", "60102,"), "extensions.csv:3", "10 fields where the header has 11");
    one("extensions.csv", register("plant room, door", "plant room\", door"), "extensions.csv:4", "12 fields");
    let latin1 = EXTENSIONS_CSV.replace("second line", "caf\u{e9}").chars().map(|c| c as u8).collect::<Vec<u8>>();
    one("extensions.csv", latin1, "extensions.csv:3, notes", "not UTF-8");
    one("extensions.csv", b"source,ext\xe9nsion\n", "extensions.csv:1", "not UTF-8");
    for good in [
        format!("\u{feff}{EXTENSIONS_CSV}"),
        EXTENSIONS_CSV.replace('\n', "\r\n"),
        EXTENSIONS_CSV.trim_end().to_string(),
        EXTENSIONS_CSV.replace("hq,60102", " hq , 60102 "),
        EXTENSIONS_CSV.replace("second line", "\"second\nline\""),
    ] {
        let estate = Estate::load(&desk("extensions.csv", good.as_bytes()).config).unwrap();
        assert_eq!(estate.extensions(), 3, "{good:?}");
    }
}

/// The line a person's editor shows, whatever stood above it.
#[test]
fn lines_are_those_of_the_file() {
    for (above, line) in [("", 4), ("\n\n", 6), ("\r\n", 5), ("hq,60103,,,,role,,,,,\"one\ntwo\nthree\"\n", 7)] {
        let text = register("north,60101", &format!("{above}north,60101")).replace(",yes,", ",maybe,");
        one("extensions.csv", &text, &format!("extensions.csv:{line}, protected"), "neither yes nor no");
        let ragged = register("north,60101,", &format!("{above}north,"));
        one("extensions.csv", &ragged, &format!("extensions.csv:{line}"), "10 fields");
    }
    one("extensions.csv", format!("\n{}", register("notes\n", "colour\n")), "extensions.csv:2", "unknown column");
}

/// A quote that is opened and not closed takes the rows behind it into its cell: they must not be lost in silence.
#[test]
fn a_quote_left_open_is_an_error() {
    let plain = EXTENSIONS_CSV.replace("\"plant room, door\"", "plant room");
    one("extensions.csv", changed(&plain, "second line", "\"second line"), "extensions.csv:3, notes", "quote");
    let closed_by_the_next = plain.replace("plant room", "\"plant room\"").replace("second line", "\"second line");
    one("extensions.csv", closed_by_the_next, "extensions.csv:3, notes", "quote");
    one(
        "extensions.csv",
        register("SEP1,desk_phone,personal,HQ,CC1,,,", "\"SEP1,desk_phone,personal,HQ,CC1,,,"),
        "extensions.csv:3",
        "fields",
    );
    one("sites.csv", "site,name,area_code\nHQ,,\"020\nNTH,North,\nSTH,South,\n", "sites.csv:2, area_code", "quote");
}

#[test]
fn a_register_without_rows() {
    let header = EXTENSIONS_CSV.lines().next().unwrap();
    for text in [format!("{header}\n"), header.to_string(), "source,extension,use\n\n\n".to_string()] {
        let estate = Estate::load(&desk("extensions.csv", text.as_bytes()).config).unwrap();
        assert_eq!(estate.extensions(), 0);
        let rows = table(&estate, Table::Extensions);
        assert_eq!((rows.num_rows(), rows.schema()), (0, Table::Extensions.schema()));
    }
}

/// By DESIGN section 3: `voicemail` and `recorder` are ours, `tie_line` and `third_party` private, the rest public.
#[test]
fn trunks_become_what_normalise_asks_for() {
    let trunks = trunks(&desk("", b"").config).unwrap();
    let hq: std::collections::BTreeMap<&str, TrunkKind> =
        trunks["hq"].iter().map(|(name, kind)| (name.as_str(), *kind)).collect();
    let (public, private) = (TrunkKind::Public, TrunkKind::Private);
    let expected = [("PSTN", public), ("TIE", private), ("AIRWAVE", private), ("SBC", public), ("GW", public)];
    let inside = [("UNITY", TrunkKind::Voicemail), ("NICE", TrunkKind::Recorder)];
    assert_eq!(hq, expected.into_iter().chain(inside).collect());
    assert_eq!(
        trunks["north"],
        Trunks::from([("PSTN".to_string(), private)]),
        "another source, another trunk of that name"
    );
}

/// Legs are written once: an ingest with a list that means nothing would give them the wrong direction for good.
#[test]
fn a_wrong_trunk_list_stops_an_ingest() {
    for (from, to, place) in [
        ("hq,TIE,,tie_line", "hq,TIE,,tieline", "trunks.csv:3, kind"),
        ("hq,TIE,", "hq,,", "trunks.csv:3, trunk"),
        ("hq,TIE,", "hq,PSTN,", "trunks.csv:3, trunk"),
        ("hq,TIE,", "hqq,TIE,", "trunks.csv:3, source"),
        (",kind,", ",sort,", "trunks.csv:1"),
    ] {
        let desk = desk("trunks.csv", changed(TRUNKS_CSV, from, to).as_bytes());
        let error = told(&desk, &[trunks(&desk.config).unwrap_err()]);
        assert!(error[0].starts_with(&format!("{place}: ")), "{error:?}");
    }
}

#[test]
fn the_policy_is_held_to_its_words() {
    assert_eq!(errors("policy.csv", POLICY_CSV), [""; 0]);
    one(
        "policy.csv",
        changed(POLICY_CSV, "personal", "private"),
        "policy.csv:3, use",
        "\"private\" is not a use, or *",
    );
    one(
        "policy.csv",
        changed(POLICY_CSV, "idle", "silent"),
        "policy.csv:3, verdict",
        "\"silent\" is not a verdict, or *",
    );
    one("policy.csv", changed(POLICY_CSV, "cease", "remove"), "policy.csv:3, action", "\"remove\" is not an action");
    one("policy.csv", changed(POLICY_CSV, "cease", "*"), "policy.csv:3, action", "\"*\" is not an action");
    one(
        "policy.csv",
        format!("{POLICY_CSV}personal,idle,keep\n"),
        "policy.csv:5, verdict",
        "personal idle is already in line 3",
    );
    one(
        "policy.csv",
        changed(POLICY_CSV, "keep", "cease"),
        "policy.csv:4, action",
        "no policy may cease a protected line",
    );
    for protected in PROTECTED_USES {
        one("policy.csv", format!("{POLICY_CSV}{protected},*,cease\n"), "policy.csv:5, action", "protected");
    }
}

#[test]
fn the_policy_becomes_a_table() {
    let rows = policy_rows(&policy(&desk("", b"").config).unwrap());
    let names: Vec<String> = rows.schema().fields().iter().map(|f| f.name().clone()).collect();
    assert_eq!(names, ["use", "verdict", "action"]);
    let row = |i: usize| rows.columns().iter().map(|c| c.as_string::<i32>().value(i)).collect::<Vec<_>>().join(",");
    assert_eq!((0..rows.num_rows()).map(row).collect::<Vec<_>>(), POLICY_CSV.lines().skip(1).collect::<Vec<_>>());
}

/// A line to a source that is not there would leave its calls unmatched, and counted twice.
#[test]
fn a_line_to_no_source_is_refused() {
    let trunks = "source,trunk,kind,peer_source\nhq,TIE,tie_line,nowhere\n";
    one("trunks.csv", trunks, "trunks.csv:2, peer_source", "nowhere");
}

/// A row no call could ever be counted for is a false idle handset in waiting.
#[test]
fn an_extension_outside_the_patterns_is_refused() {
    one("extensions.csv", register("hq,60102", "hq,70102"), "extensions.csv:3, extension", "its calls would not count");
}

/// Every use and verdict has a row in the built-in policy, exact or not, and none ends a protected line.
#[test]
fn the_built_in_policy_is_whole() {
    let mut desk = desk("", b"");
    desk.config.estate.policy = None;
    let policy = policy(&desk.config).unwrap();
    let rows: Vec<[&str; 3]> =
        policy.rows.iter().map(|row| COLUMNS_OF_POLICY.map(|column| policy.text(row, column))).collect();
    let action = |of_use: &str, verdict: &str| {
        let find = |u: &str, v: &str| rows.iter().find(|row| row[0] == u && row[1] == v).map(|row| row[2]);
        find(of_use, verdict).or_else(|| find(of_use, "*")).or_else(|| find("*", verdict)).or_else(|| find("*", "*"))
    };
    for of_use in USES {
        for verdict in VERDICTS {
            let action = action(of_use, verdict).unwrap();
            assert!(ACTIONS.contains(&action));
            assert!(
                action != "cease" || (verdict == "idle" && !PROTECTED_USES.contains(&of_use)),
                "{of_use} {verdict}"
            );
            assert!(
                verdict != "insufficient_evidence" || !["cease", "remove_handset"].contains(&action),
                "{of_use}: no proof"
            );
        }
    }
    assert_eq!(action("personal", "idle"), Some("cease"), "what the whole thing is for");
}

const COLUMNS_OF_POLICY: [&str; 3] = ["use", "verdict", "action"];

#[test]
fn pence_of_the_file_are_millionths_of_a_pound_in_the_lake() {
    let estate = good();
    let rows = table(&estate, Table::Tariffs);
    assert_eq!(rows.schema(), Table::Tariffs.schema());
    let numbers = |rows: &RecordBatch, column: &str| -> Vec<Option<i64>> {
        rows.column_by_name(column).unwrap().as_primitive::<Int64Type>().iter().collect()
    };
    assert_eq!(numbers(&rows, "connection_micros"), [Some(12_500), None, None, None]);
    assert_eq!(numbers(&rows, "rate_micros_per_minute"), [5_000, 2_500, 100_000, 1_000_000].map(Some));
    assert_eq!(numbers(&rows, "cap_minutes"), [None, None, Some(60), None]);
    assert_eq!(numbers(&rows, "round_to_micros"), [None, Some(100), Some(10_000), None]);
    let fixed = table(&estate, Table::FixedCharges);
    assert_eq!(numbers(&fixed, "micros_per_month"), [10_000_000, 10_502_500, 9_000_000].map(Some));
}

#[test]
fn a_tariff_that_cannot_be_is_refused_where_it_stands() {
    let day = "T,,,geographic,,day,1.25,0.5,1,1,3,,,,,exclusive,2024-01-01,2024-03-31,invented";
    let mobile = "T,hq,Example Telecom,mobile,44770,,,10,60,60,,50,60,half_even,1,exclusive,2024-01-01,,invented";
    let bad = |row: &str, from: &str, to: &str, place: &str, words: &str| {
        let text = changed(TARIFFS_CSV, row, &changed(row, from, to));
        one("tariffs.csv", text, place, words);
    };
    bad(day, "1.25", "1.23456", "tariffs.csv:2, connection_pence", "at most four decimals");
    bad(day, ",0.5,", ",,", "tariffs.csv:2, rate_pence_per_minute", "blank");
    bad(day, "geographic", "landline", "tariffs.csv:2, number_class", "not a class of number");
    bad(day, ",day,", ",night,", "tariffs.csv:2, band", "not a band");
    bad(day, "exclusive", "inclusive", "tariffs.csv:2, vat", "without VAT");
    bad(day, "2024-03-31", "2023-12-31", "tariffs.csv:2, effective_to", "before effective_from");
    bad(day, ",0.5,1,1,", ",0.5,0,1,", "tariffs.csv:2, first_increment_s", "from 1 to 86400");
    bad(day, "invented", "", "tariffs.csv:2, price_source", "blank");
    bad(mobile, "hq", "south", "tariffs.csv:4, source", "not a source");
    bad(mobile, "Telecom", "Mobile", "tariffs.csv:4, carrier", "no call would reach it");
    bad(mobile, "44770", "+44770", "tariffs.csv:4, prefix", "no start of a number");
    bad(mobile, "44770", "4420", "tariffs.csv:4, prefix", "starts no number of the class mobile");
    bad(mobile, "mobile", "", "tariffs.csv:4, prefix", "needs a number_class");
    bad(mobile, "mobile", "on_net", "tariffs.csv:4, prefix", "told by the register");
    bad(mobile, ",50,60,", ",,60,", "tariffs.csv:4, cap_minutes", "no cap_pence");
    bad(mobile, ",,50,", ",51,50,", "tariffs.csv:4, cap_pence", "less than minimum_pence");
    bad(mobile, "even,1,", "even,0,", "tariffs.csv:4, round_to_pence", "0.0001 is the least");
    let again = format!("{TARIFFS_CSV}{}\n", day.replace("2024-01-01", "2024-03-31"));
    one("tariffs.csv", again, "tariffs.csv:6, effective_from", "line 2 has a price for the same");
}

/// Day, evening and weekend of their own leave nothing for a row without a band; a gap of a day does.
#[test]
fn a_tariff_that_no_call_would_reach_is_refused() {
    let any = "T,,,geographic,,,,1,1,1,,,,,,exclusive,2024-02-01,2024-05-31,invented\n";
    let weekend = "T,,,geographic,,weekend,,1,1,1,,,,,,exclusive,2024-01-01,,invented\n";
    let day = |from: &str| format!("T,,,geographic,,day,,1,1,1,,,,,,exclusive,{from},,invented\n");
    let text = |day: &str| format!("{TARIFFS_CSV}{any}{weekend}{day}");
    one("tariffs.csv", text(&day("2024-04-01")), "tariffs.csv:6, band", "no call would reach this row");
    assert_eq!(errors("tariffs.csv", text(&day("2024-04-02"))), Vec::<String>::new());
    assert_eq!(errors("tariffs.csv", text("")), Vec::<String>::new());
}

#[test]
fn a_fixed_charge_that_cannot_be_is_refused_where_it_stands() {
    let change = |from: &str, to: &str, place: &str, words: &str| {
        one("fixed_charges.csv", changed(FIXED_CSV, from, to), place, words);
    };
    change(
        "1050.25,exclusive,2024-04-01",
        "1050.25,exclusive,2024-03-31",
        "fixed_charges.csv:3, effective_from",
        "line 2",
    );
    change("hq,cisco-cucm", "hq,mitel", "fixed_charges.csv:4, platform", "not the format of a source");
    change("desk_phone", "phone", "fixed_charges.csv:4, device_kind", "not a kind of device");
    change("personal", "private", "fixed_charges.csv:4, use", "not a use");
    change("900,", "-900,", "fixed_charges.csv:4, pence_per_month", "is not pence");
}
