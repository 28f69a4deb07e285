//! The main job: its outputs, twice the same, readable by those they are for; the README's first screen.

use calamine::Reader;

use crate::office::{Office, folder};
use crate::workdir::{Ran, Workdir, repository};

const OUTPUTS: [&str; 7] = [
    "report.html",
    "business-case.xlsx",
    "idle-handsets.csv",
    "disposition.csv",
    "usage-bands.csv",
    "unknown-extensions.csv",
    "run.json",
];

fn nightly(work: &Workdir) -> Ran {
    work.good(&["nightly", "-c", "sample-data/onhook.toml"])
}

#[test]
fn twice_gives_the_same_bytes_and_adds_no_row() {
    let work = Workdir::sample();
    nightly(&work);
    let outputs = |folder: &str| OUTPUTS.map(|name| std::fs::read(work.join(folder).join(name)).unwrap());
    let rows = || {
        work.good(&[
            "sql",
            "-c",
            "sample-data/onhook.toml",
            "-f",
            "csv",
            "-e",
            "select 'legs', count(*) from legs union all select 'usage', count(*) from usage union all \
         select 'inputs', count(*) from inputs union all select 'rejects', count(*) from rejects union all \
         select 'extensions', count(*) from extensions order by 1",
        ])
        .stdout
    };
    let (first, before) = (outputs("sample-data/out"), rows());
    let second = work.good(&["nightly", "-c", "sample-data/onhook.toml", "-o", "again"]);
    assert!(second.stderr.contains("read      0 new files, 42 seen before"), "{}", second.stderr);
    for (name, (first, again)) in OUTPUTS.iter().zip(first.iter().zip(outputs("again"))) {
        assert!(*first == again, "{name} differs");
    }
    assert_eq!(rows(), before);
}

/// The first screen of the README: its command on a fresh copy prints what stands there.
#[test]
fn the_readme_shows_what_is_printed() {
    let ran = nightly(&Workdir::sample());
    let readme = std::fs::read_to_string(repository().join("README.md")).unwrap();
    let shown = readme.split("<!-- nightly -->").nth(1).expect("the marker").split("```").nth(1).expect("a block");
    let shown = shown.split_once('\n').unwrap().1;
    let printed = format!("{}{}", ran.stderr, ran.stdout);
    assert_eq!(shown, printed, "paste what the command prints into README.md:\n{printed}");
    assert!(
        readme.lines().take(40).any(|line| line.contains("cargo run --release -- nightly -c sample-data/onhook.toml"))
    );
    assert!(readme.contains("cargo test --release"));
}

#[test]
fn the_lists_start_with_what_the_contract_says_and_add_up() {
    let work = Workdir::sample();
    nightly(&work);
    let read = |name: &str| work.read(&format!("sample-data/out/{name}"));
    for name in ["idle-handsets.csv", "disposition.csv"] {
        assert!(read(name).starts_with("source,extension,verdict,action"), "{name}");
    }
    let run: serde_json::Value = serde_json::from_str(&read("run.json")).unwrap();
    let sum =
        |what: &str| run["extensions"][what].as_object().unwrap().values().map(|n| n.as_u64().unwrap()).sum::<u64>();
    let registered = read("disposition.csv").lines().count() as u64 - 1;
    assert_eq!((sum("by_verdict"), sum("by_action")), (registered, registered));
    let idle = ["idle", "unattended", "diverted"].map(|v| run["extensions"]["by_verdict"][v].as_u64().unwrap());
    assert_eq!(read("idle-handsets.csv").lines().count() as u64 - 1, idle.iter().sum::<u64>());
    for (name, digest) in run["files"].as_object().unwrap() {
        let bytes = std::fs::read(work.join("sample-data/out").join(name)).unwrap();
        assert_eq!(blake3::hash(&bytes).to_hex().as_str(), digest.as_str().unwrap(), "{name}");
    }
}

/// What is kept beside the lake changes no answer, and another policy is not answered from it.
#[test]
fn standing_answers_are_what_the_views_say() {
    let work = Workdir::sample();
    nightly(&work);
    let standing = work.join("sample-data/lake/standing");
    assert_eq!(std::fs::read_dir(&standing).unwrap().count(), 7 + 16, "views and reports");
    let ask = |report: &str| work.good(&["query", report, "-c", "sample-data/onhook.toml", "-f", "csv"]).stdout;
    let reports = ["disposition", "coverage", "burn-down", "incidents", "busy-hour", "register-findings"];
    let kept = reports.map(ask);
    std::fs::remove_dir_all(&standing).unwrap();
    assert!(kept == reports.map(ask), "answers differ without the standing ones");
    nightly(&work);
    // One row of many is another policy: nothing of the key is left out.
    let policy = work.read("sample-data/estate/policy.csv");
    let (before, row) = (ask("disposition-summary"), "meeting_room,*,remove_handset");
    assert!(
        policy.lines().count() > 20 && policy.contains(row) && before.contains("meeting_room,low_use,remove_handset")
    );
    work.write("sample-data/estate/policy.csv", policy.replace(row, "meeting_room,*,keep"));
    assert!(!ask("disposition-summary").contains("meeting_room,low_use,remove_handset"));
    work.write("sample-data/estate/policy.csv", "use,verdict,action\n*,*,review\n");
    let reviewed = ask("disposition");
    let actions: Vec<&str> = reviewed.lines().skip(1).filter_map(|row| row.split(',').nth(3)).collect();
    assert!(actions.iter().filter(|action| **action != "review").count() <= 2, "but for what was decided by name");
}

#[test]
fn the_page_stands_alone_and_has_its_charts() {
    let work = Workdir::sample();
    nightly(&work);
    let page = work.read("sample-data/out/report.html");
    assert!(page.matches("<script").count() == 1 && !page.contains("<link") && !page.contains("src=\""));
    assert_eq!(page.matches("url(").count(), page.matches("url(#").count(), "patterns of its own only");
    let charts = "verdicts by site, usage bands, burn-down, coverage, cumulative saving, cost by year, tornado, fan";
    assert_eq!(page.matches("<svg").count(), 8, "{charts}");
    assert_eq!(page.matches("role=\"img\"").count(), 8);
    for text in [
        "Verdicts by site",
        "Usage bands",
        "Days covered",
        "Budget by financial year",
        "Net present value",
        "The case by chance",
    ] {
        assert!(page.contains(text), "{text}");
    }
    assert!(page.matches("<table").count() >= 15);
}

#[test]
fn the_workbook_holds_the_figures_of_the_lists() {
    let work = Workdir::sample();
    nightly(&work);
    let mut book: calamine::Xlsx<_> = calamine::open_workbook(work.join("sample-data/out/business-case.xlsx")).unwrap();
    let names = book.sheet_names();
    assert_eq!(names.first().map(String::as_str), Some("Summary"));
    let rows = work.read("sample-data/out/disposition.csv").lines().count();
    let sheet = names.iter().find(|name| name.to_lowercase() == "disposition").unwrap().clone();
    let range = book.worksheet_range(&sheet).unwrap();
    let first =
        range.rows().position(|row| row.first().is_some_and(|c| c.to_string().eq_ignore_ascii_case("source"))).unwrap();
    assert_eq!(range.rows().count() - first, rows, "header and one row an extension");
}

/// A spreadsheet program that is not ours opens it.
#[test]
fn a_spreadsheet_program_opens_the_workbook() {
    let Some(office) = Office::find("a_spreadsheet_program_opens_the_workbook") else { return };
    let work = Workdir::sample();
    nightly(&work);
    let folder = folder(&work, "opened");
    let book = work.join("sample-data/out/business-case.xlsx");
    office.convert(&book, "csv:Text - txt - csv (StarCalc):44,34,76", &folder);
    let summary = work.read("opened/business-case.csv");
    assert!(summary.contains("Net present value against the baseline") && summary.contains("consolidate"), "{summary}");
}

/// What the figures rest on is in run.json by its content: any change of it shows.
#[test]
fn run_json_says_what_the_figures_rest_on() {
    let work = Workdir::sample();
    nightly(&work);
    let run: serde_json::Value = serde_json::from_str(&work.read("sample-data/out/run.json")).unwrap();
    let digest =
        |name: &str| blake3::hash(&std::fs::read(work.join("sample-data").join(name)).unwrap()).to_hex().to_string();
    let rests = &run["rests_on"];
    assert_eq!(rests["configuration"], digest("onhook.toml"));
    for name in ["case.toml", "assumptions.csv", "deflators.csv"] {
        assert_eq!(rests["case"][name], digest(name), "{name}");
    }
    assert_eq!(rests["register"]["extensions"], digest("estate/extensions.csv"));
    assert_eq!(rests["register"].as_object().unwrap().len(), 6);
    assert_eq!(rests["queries"].as_str().unwrap().len(), 64);
    assert_eq!(run["figures"]["npv.consolidate"], run["case"]["figures"]["npv.consolidate"]);
}

/// The published figures of the reference estate, through the command.
#[test]
fn the_published_case_runs_as_a_command() {
    let work = Workdir::sample();
    work.good(&["ingest", "-c", "sample-data/onhook.toml"]);
    let config = work.read("sample-data/onhook.toml").replace("\"case.toml\"", "\"published-case/case.toml\"");
    work.write("sample-data/published.toml", config);
    let printed = work.good(&["case", "-c", "sample-data/published.toml"]).stdout;
    for figure in ["4759000.00", "2051000.00", "6810000.00", "882000.00"] {
        assert!(printed.contains(figure), "{figure}: {printed}");
    }
}

/// What the register said on a day is what it says of that day ever after.
#[test]
fn the_register_is_kept_by_date() {
    let work = Workdir::small();
    work.good(&["ingest"]);
    let load = |as_of: &str| -> serde_json::Value {
        serde_json::from_str(&work.good(&["estate", "load", "--as-of", as_of, "--json"]).stdout).unwrap()
    };
    assert_eq!(load("2024-03-01")["changed"]["extensions"], 18);
    assert_eq!(load("2024-03-02")["changed"], serde_json::json!({}), "nothing changed, nothing is written");
    let register = work.read("estate/extensions.csv");
    let (head, last) = register.trim_end().rsplit_once('\n').unwrap();
    work.write("estate/extensions.csv", format!("{head}\n"));
    assert_eq!(load("2024-03-20")["changed"]["extensions"], 17);
    let gone = last.split(',').nth(1).unwrap();
    let registered = |as_of: &str| {
        let csv = work.good(&["query", "disposition", "-f", "csv", "-p", &format!("as_of={as_of}")]).stdout;
        (csv.lines().count() - 1, csv.contains(&format!(",{gone},")))
    };
    assert_eq!(registered("2024-03-19"), (18, true));
    assert_eq!(registered("2024-03-31"), (17, false));
    // The same date again is a correction of that load.
    work.write("estate/extensions.csv", &register);
    assert_eq!(load("2024-03-20")["changed"]["extensions"], 18);
    assert_eq!(registered("2024-03-31"), (18, true));
}

/// `init` makes a workspace that runs as it is.
#[test]
fn a_new_workspace_is_valid() {
    let work = Workdir::new();
    work.good(&["init", "here"]);
    work.good(&["config", "show", "-c", "here/onhook.toml"]);
    let (code, said) = work.ingest(&["-c", "here/onhook.toml"]);
    assert_eq!((code, said["inputs"]["new"].as_u64()), (0, Some(0)));
    let ran = work.run(&["nightly", "-c", "here/onhook.toml"]);
    assert_eq!(ran.code, 1, "{ran:?}");
    assert!(ran.stderr.contains("there are no call records yet") && !ran.stderr.contains("1970"), "{}", ran.stderr);
    let again = work.run(&["init", "here"]);
    assert_eq!(again.code, 2);
    assert!(again.stderr.contains("there is a workspace already"));
}
