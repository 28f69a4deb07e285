//! Invented estates against their truth: every extension's verdict, the ledger, the files left alone.

use std::collections::BTreeMap;

use chrono::NaiveDate;
use onhook::synth::{Plan, Summary, generate};

use crate::workdir::Workdir;

/// (source, extension) → verdict, from a CSV file with these columns among others.
fn verdicts(csv: &str) -> BTreeMap<(String, String), String> {
    let mut lines = csv.lines().map(|line| line.split(',').collect::<Vec<_>>());
    let header = lines.next().unwrap();
    let at = |name: &str| header.iter().position(|column| *column == name).unwrap();
    let (source, extension, verdict) = (at("source"), at("extension"), at("verdict"));
    lines.map(|row| ((row[source].to_string(), row[extension].to_string()), row[verdict].to_string())).collect()
}

fn made(plan: &Plan) -> (Workdir, Summary) {
    let work = Workdir::new();
    let summary = generate(plan, work.path()).unwrap();
    (work, summary)
}

fn holds(plan: &Plan) -> Workdir {
    let (work, summary) = made(plan);
    let (code, said) = work.ingest(&[]);
    assert_eq!(code, 0, "{said}");
    let mut expected = onhook::ledger::Ledger::default();
    summary.sources.iter().for_each(|source| expected += source.ledger);
    assert_eq!(said["records"], serde_json::to_value(expected).unwrap(), "by construction");
    let repeated: u64 = summary.sources.iter().map(|s| s.repeated_files).sum();
    assert_eq!(said["inputs"]["repeated"], repeated);
    work.good(&["estate", "load"]);
    let disposition = work.good(&["query", "disposition", "-f", "csv"]).stdout;
    let (truth, found) = (verdicts(&work.read("truth.csv")), verdicts(&disposition));
    let wrong: Vec<_> = truth.iter().filter(|(key, verdict)| found.get(*key) != Some(*verdict)).collect();
    assert!(wrong.is_empty(), "seed {}: {wrong:?}", plan.seed);
    assert_eq!(truth.len(), found.len(), "no more and no fewer than the register");
    let unknown = work.good(&["query", "unknown-extensions", "-f", "csv"]).stdout;
    assert_eq!(unknown.lines().count() - 1, summary.unknown_extensions.len(), "{unknown}");
    work
}

/// What is true of an estate against what was found: no line that may not be ceased is taken away, no phone is called
/// idle without proof, and every idle one that the records can prove is found. Gives how many those were.
fn proves(work: &Workdir) -> usize {
    let rows = |csv: &str| -> Vec<BTreeMap<String, String>> {
        let mut reader = csv::Reader::from_reader(csv.as_bytes());
        reader.deserialize().map(Result::unwrap).collect()
    };
    let key = |row: &BTreeMap<String, String>| (row["source"].clone(), row["extension"].clone());
    let found = rows(&work.good(&["query", "disposition", "-f", "csv"]).stdout);
    let found: BTreeMap<_, _> = found.into_iter().map(|row| (key(&row), row)).collect();
    let mut proven = 0;
    for truth in rows(&work.read("truth.csv")) {
        let line = &found[&key(&truth)];
        let is = |row: &BTreeMap<String, String>, column: &str| row[column] == "true";
        let is_taken = ["cease", "remove_handset"].contains(&line["action"].as_str());
        assert!(is(&truth, "may_cease") || !is_taken, "taken away: {line:?}");
        let is_idle = line["verdict"] == "idle";
        assert!(!is_idle || is(&truth, "provable"), "idle without proof: {line:?}");
        if is(&truth, "truly_idle") && is(&truth, "provable") && line["verdict"] != "protected" {
            assert!(is_idle, "idle, provably, and not found: {line:?}");
            proven += 1;
        }
    }
    proven
}

#[test]
fn three_estates_get_the_verdicts_they_were_made_for() {
    let last_day = NaiveDate::from_ymd_opt(2024, 4, 30).unwrap();
    for seed in [1, 7, 2024] {
        let work = holds(&Plan { awkward: true, ..Plan::new(90, 120, seed, last_day) });
        assert!(proves(&work) >= 3);
    }
}

/// Large enough that hours are planted empty, too.
#[test]
fn an_estate_with_every_kind_of_gap_proves_what_can_be_proven() {
    let last_day = NaiveDate::from_ymd_opt(2024, 4, 30).unwrap();
    let work = holds(&Plan::new(400, 130, 3, last_day));
    assert!(proves(&work) >= 20);
    let reasons = work.sql("select distinct reason from coverage_days where reason is not null order by reason");
    assert_eq!(reasons, ["missing_files", "missing_hours", "no_records"]);
}

/// The promise at full size: `just full-estate`.
#[test]
#[ignore = "ten minutes and 25 GB of disk"]
fn twenty_thousand_extensions_over_four_hundred_days() {
    let last_day = NaiveDate::from_ymd_opt(2024, 4, 30).unwrap();
    let work = holds(&Plan::new(20_000, 400, 4, last_day));
    assert!(proves(&work) >= 1_000);
}

/// The same over thirteen months: both clock changes and a New Year, few calls, packed files.
#[test]
fn the_shipped_sample_gets_the_verdicts_it_was_made_for() {
    let work = holds(&Plan::sample());
    // Calls in the hours around both changes of the clock, on both platforms; the skipped hour has none.
    for day in ["2023-10-29", "2024-03-31"] {
        let hours =
            format!("select count(distinct source) from legs where local_day = date '{day}' and local_minute < 240");
        assert_eq!(work.sql(&hours), ["2"], "{day}");
    }
    let skipped = "select count(*) from legs where local_day = date '2024-03-31' and local_minute between 60 and 119";
    assert_eq!(work.sql(skipped), ["0"]);
}

/// No threshold and no policy turns a protected line, or one that ever dialled emergency services, into `cease`.
#[test]
fn nothing_ceases_what_is_protected() {
    let last_day = NaiveDate::from_ymd_opt(2024, 4, 30).unwrap();
    let (work, _) = made(&Plan { awkward: true, ..Plan::new(90, 120, 5, last_day) });
    work.write("estate/policy.csv", "use,verdict,action\n*,*,cease\n");
    work.good(&["nightly"]);
    // Somebody decided by name on the lines of this list, and on no others.
    let decisions = work.read("estate/decisions.csv");
    let decided: Vec<&str> = decisions.lines().skip(1).filter_map(|row| row.split(',').nth(1)).collect();
    assert!(!decided.is_empty());
    for settings in [["min_covered_days=0", "low_use_per_week=100000"], ["window_days=1", "min_covered_days=0"]] {
        let no_days = "min_cease_days=0";
        let args = ["query", "disposition", "-f", "csv", "-p", settings[0], "-p", settings[1], "-p", no_days];
        let csv = work.good(&args).stdout;
        let rows: Vec<Vec<&str>> = csv.lines().map(|row| row.split(',').collect()).collect();
        assert!(rows.iter().any(|row| row[3] == "cease" && !decided.contains(&row[1])), "the policy does bite");
        for row in rows.iter().filter(|row| row[2] == "protected" && !decided.contains(&row[1])) {
            assert_eq!(row[3], "review", "{row:?}");
        }
    }
    let emergency = work.sql(
        "select v.source, v.extension, v.action from verdicts v join (select source, caller_ext from legs \
         where number_class = 'emergency' and direction = 'outbound' group by source, caller_ext) e \
         on e.source = v.source and e.caller_ext = v.extension",
    );
    assert!(!emergency.is_empty());
    assert!(emergency.iter().all(|row| row.ends_with(",review")), "{emergency:?}");
}

/// The shipped sample is what `onhook synth --sample` makes, small, and shows what it should.
#[test]
fn the_shipped_sample_is_fresh() {
    use std::io::Read;
    let (work, summary) = made(&Plan::sample());
    let shipped = crate::workdir::repository().join("sample-data");
    let unpacked = |path: &std::path::Path| {
        let bytes =
            std::fs::read(path).unwrap_or_else(|e| panic!("{}: {e}; run `onhook synth --sample`", path.display()));
        let mut text = Vec::new();
        // The packer may differ from machine to machine; what is in it may not.
        match bytes.starts_with(&[0x1f, 0x8b]) {
            true => flate2::read::MultiGzDecoder::new(&bytes[..]).read_to_end(&mut text).map(|_| text).unwrap(),
            false => bytes,
        }
    };
    let (mut files, mut bytes) = (0, 0);
    for entry in walkdir::WalkDir::new(work.path()).into_iter().map(Result::unwrap).filter(|e| e.file_type().is_file())
    {
        let name = entry.path().strip_prefix(work.path()).unwrap();
        assert!(unpacked(entry.path()) == unpacked(&shipped.join(name)), "{} is not what synth makes", name.display());
        (files, bytes) = (files + 1, bytes + shipped.join(name).metadata().unwrap().len());
    }
    assert!(files > 20 && bytes < 4_000_000, "{files} files, {bytes} bytes");
    assert!(summary.verdicts.len() == 7 && summary.verdicts.values().all(|n| *n >= 3), "{:?}", summary.verdicts);
    assert!(!summary.unknown_extensions.is_empty() && summary.sources.iter().any(|s| s.repeated_files > 0));
    assert!(summary.sources.iter().all(|s| s.ledger.rejected > 0), "both formats show a rejected line");
}
