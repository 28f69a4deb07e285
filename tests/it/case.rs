//! The business case as its author meets it: a workbook that a spreadsheet program recalculates to the penny, other values
//! on the command line, the chain of a figure, what a reviewer would say.

use std::collections::BTreeMap;
use std::fmt::Write;
use std::io::Read;

use calamine::{Data, DataType};

use crate::office::{Office, folder, results, with_input};
use crate::workdir::Workdir;

/// The sample with its calls read and its register loaded.
fn sample() -> Workdir {
    let work = Workdir::sample();
    work.good(&["ingest", "-c", "sample-data/onhook.toml"]);
    work.good(&["estate", "load", "-c", "sample-data/onhook.toml"]);
    work
}

/// The workbook of the case with these values set.
fn workbook(work: &Workdir, to: &str, set: &[&str]) -> Vec<u8> {
    let mut args = vec!["case", "-c", "sample-data/onhook.toml", "-o", to];
    set.iter().for_each(|set| args.extend(["--set", set]));
    let ran = work.run(&args);
    assert!(ran.code < 2, "{ran:?}");
    std::fs::read(work.join(to).join("business-case.xlsx")).unwrap()
}

/// Every formula the same to a tenth of a penny, and texts alike.
fn assert_same(found: &BTreeMap<(String, u32, u32), Data>, wanted: &BTreeMap<(String, u32, u32), Data>) {
    assert_eq!(found.len(), wanted.len());
    for (key, wanted) in wanted {
        let found = &found[key];
        let same = match (found.as_f64(), wanted.as_f64()) {
            (Some(found), Some(wanted)) => (found - wanted).abs() < 0.001,
            (None, None) => found.get_string() == wanted.get_string() && found.get_string().is_some(),
            _ => false,
        };
        assert!(same, "{key:?}: {found:?}, and the engine says {wanted:?}");
    }
}

#[test]
fn a_spreadsheet_program_recalculates_the_sample_to_the_penny() {
    let Some(office) = Office::find("a_spreadsheet_program_recalculates_the_sample_to_the_penny") else { return };
    let work = sample();
    let book = workbook(&work, "out", &[]);
    let ours = results(&book);
    assert!(ours.len() > 2_000, "{} formulas", ours.len());
    assert_same(&office.recalculated(&book, &folder(&work, "as-it-is")), &ours);
    // Another discount rate, a price and a count of months: in the sheet, and in the engine.
    for (name, in_the_sheet, set) in [
        ("discount_from_year_0", "0.03", "discount_from_year_0=3.0"),
        ("teams_user", "61.37", "teams_user=61.37"),
        ("delay_months", "7", "delay_months=7"),
        ("unused_share", "0.83", "unused_share=83"),
    ] {
        let changed = office.recalculated(&with_input(&book, name, in_the_sheet), &folder(&work, name));
        let set = results(&workbook(&work, "set", &[set]));
        assert_same(&changed, &set);
        assert!(ours != set, "{name} moves something");
    }
}

#[test]
fn a_spreadsheet_program_recalculates_random_cases_to_the_penny() {
    let Some(office) = Office::find("a_spreadsheet_program_recalculates_random_cases_to_the_penny") else { return };
    let work = sample();
    for seed in [1, 2, 3] {
        let (case, book) = random_case(seed);
        work.write("sample-data/case.toml", case);
        work.write("sample-data/assumptions.csv", book);
        let book = workbook(&work, "out", &[]);
        let ours = results(&book);
        assert!(ours.len() > 1_000, "{} formulas", ours.len());
        assert_same(&office.recalculated(&book, &folder(&work, &format!("seed-{seed}"))), &ours);
    }
}

/// A case of every kind of line, its amounts and months drawn by chance.
fn random_case(seed: u64) -> (String, String) {
    let mut state = seed.wrapping_mul(0x9e37_79b9_7f4a_7c15) | 1;
    let mut below = |limit: u64| {
        // xorshift64
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        state % limit
    };
    let mut book = String::from("id,title,value,low,high,unit,price_base,vat,source,owner,date,confidence\n");
    let mut row = |id: &str, value: String, unit: &str, base: &str| {
        let _ = writeln!(book, "{id},,{value},,,{unit},{base},,drawn by chance,test,,");
    };
    let mut case = String::from(
        "title = \"By chance\"\nassumptions = \"assumptions.csv\"\ndeflators = \"deflators.csv\"\nfirst_year = \"2024-25\"\n\
         horizon_years = 6\nprice_base = \"2024-25\"\nprice_note = \"invented\"\nbaseline = \"one\"\nvat_rate = \"vat\"\n\
         driver = [{ id = \"old\", query = \"disposition-summary\", column = \"extensions\", where = { platform = [\"cisco-cucm\", \"mitel-smdr\"] } },\n\
         { id = \"taken\", query = \"disposition-summary\", column = \"extensions\", where = { action = [\"cease\", \"remove_handset\"] } },\n\
         { id = \"some\", value = \"some\" }, { id = \"both\", sum = [\"old\", \"some\"] }]\n",
    );
    row("vat", "20".into(), "%", "");
    row("some", (1 + below(5_000)).to_string(), "phones", "");
    row("size", (2 + below(40)).to_string(), "licences", "");
    row("back", below(101).to_string(), "%", "");
    row("eased", below(101).to_string(), "%", "");
    for (id, most) in [("long", 40), ("later", 9), ("twice", 5)] {
        row(id, (1 + below(most)).to_string(), "months", "");
    }
    row("first_part", format!("{}.{:02}", below(60), below(100)), "%", "");
    row("next_part", format!("{}.{:02}", 60 + below(40), below(100)), "%", "");
    case += "bias = [{ id = \"b\", class = \"outsourcing\", mitigation = \"eased\", reason = \"r\", author = \"a\" }]\n\
        ramp = [{ id = \"even\", shape = \"linear\", from = \"2024-08\", months = \"long\", delay = \"later\", double_running = \"twice\" },\n\
        { id = \"curve\", shape = \"s_curve\", from = \"2025-02\", months = \"long\", double_running = \"later\" },\n\
        { id = \"steps\", shape = \"steps\", steps = { \"2024-11\" = \"first_part\", \"2026-01\" = \"next_part\" } }]\n";
    for option in ["one", "two", "three"] {
        let _ = writeln!(case, "[[option]]\nid = \"{option}\"\ntitle = \"{option}\"\nper_unit = \"both\"\nline = [");
        for line in 0..12 + below(6) {
            let price = format!("{option}_{line}_price");
            row(&price, format!("{}.{:02}", below(400), below(100)), "GBP", ["2023-24", "2024-25"][below(2) as usize]);
            let driver = ["old", "taken", "some", "both"][below(4) as usize];
            let ramp = ["even", "curve", "steps"][below(3) as usize];
            let part = ["migrated", "remaining"][below(2) as usize];
            let kind = ["capital", "revenue"][below(2) as usize];
            let how = match below(8) {
                0 => format!("each_year = \"{price}\", from = \"2025-0{}\"", 1 + below(9)),
                1 => format!(
                    "unit_cost = \"{price}\", driver = \"{driver}\", per = \"year\", ramp = \"{ramp}\", ramp_as = \"{part}\""
                ),
                2 => format!(
                    "unit_cost = \"{price}\", driver = \"{driver}\", per = \"year\", ramp = \"{ramp}\", pack = \"size\""
                ),
                3 => format!("unit_cost = \"{price}\", driver = \"{driver}\", per = \"once\", ramp = \"{ramp}\""),
                4 => format!(
                    "unit_cost = \"{price}\", driver = \"{driver}\", per = \"once\", ramp = \"{ramp}\", ramp_as = \"remaining\", from = \"2025-1{}\"",
                    below(3)
                ),
                5 => format!(
                    "each_year = \"{price}\", driver = \"{driver}\", ramp = \"{ramp}\", ramp_as = \"remaining\", contract_until = \"2026-0{}\", break_cost = \"{price}\"",
                    1 + below(9)
                ),
                6 => format!("pence = \"some\", driver = \"{driver}\", ramp = \"{ramp}\", ramp_as = \"{part}\""),
                _ => format!("by_year = {{ \"2024-25\" = \"{price}\", \"2027-28\" = \"{price}\" }}"),
            };
            let bias = ["", ", bias = \"b\""][below(2) as usize];
            let vat = ["", ", vat_recoverable = \"back\""][below(2) as usize];
            let _ = writeln!(case, "  {{ title = \"L{line}\", kind = \"{kind}\", {how}{bias}{vat} }},");
        }
        case += "]\n";
    }
    case += "[simulation]\ndraws = 10\n";
    (case, book)
}

#[test]
fn the_chain_of_a_figure_ends_at_a_line_of_a_vendors_file() {
    let work = sample();
    let said = work.good(&["case", "-c", "sample-data/onhook.toml", "--trace", "npv.consolidate"]).stdout;
    for wanted in [
        "Net present value against the baseline: consolidate = ",
        "=ROUND(SUMPRODUCT(",
        "assumption teams_user (",
        "invented: framework price, owner Head of IT, 2024-05-01",
        "onhook query disposition-summary: sum of extensions where",
        "lake      batch 1, evidence up to 2024-04-30",
    ] {
        assert!(said.contains(wanted), "{wanted} in\n{said}");
    }
    // An extension, its last record, and that record in the file it names.
    let last = said.lines().find(|line| line.contains("last record ")).expect("a record");
    let (file, line) = last.split("last record ").nth(1).unwrap().rsplit_once(':').unwrap();
    let line: usize = line.parse().unwrap();
    let extension = last.split_whitespace().nth(1).unwrap();
    let landing = work.join("sample-data/landing");
    let path = find(&landing, file).unwrap_or_else(|| panic!("{file}"));
    let mut bytes = std::fs::read(&path).unwrap();
    if file.ends_with(".gz") {
        let packed = std::mem::take(&mut bytes);
        flate2::read::MultiGzDecoder::new(packed.as_slice()).read_to_end(&mut bytes).unwrap();
    }
    let text = String::from_utf8_lossy(&bytes);
    assert!(
        text.lines().nth(line - 1).is_some_and(|record| record.contains(extension)),
        "{extension} in {file}:{line}"
    );
    let unknown = work.run(&["case", "-c", "sample-data/onhook.toml", "--trace", "npv.nobody"]);
    assert_eq!(unknown.code, 2);
    assert!(unknown.stderr.contains("no figure is called `npv.nobody`"), "{}", unknown.stderr);
}

fn find(folder: &std::path::Path, name: &str) -> Option<std::path::PathBuf> {
    let name = std::path::Path::new(name).file_name()?;
    let entries = std::fs::read_dir(folder).ok()?.flatten().map(|entry| entry.path());
    entries.into_iter().find_map(|path| {
        if path.is_dir() {
            find(&path, &name.to_string_lossy())
        } else {
            (path.file_name() == Some(name)).then_some(path)
        }
    })
}

#[test]
fn figures_are_the_same_in_every_output() {
    let work = sample();
    workbook(&work, "out", &[]);
    let case: serde_json::Value = serde_json::from_str(&work.read("out/case.json")).unwrap();
    let figures = &case["figures"];
    for option in case["options"].as_array().unwrap() {
        let id = option["id"].as_str().unwrap();
        for (figure, field) in
            [("npv", "npv"), ("one_off", "one_off"), ("total", "total"), ("steady_saving", "steady_saving")]
        {
            assert_eq!(figures[format!("{figure}.{id}")], option[field], "{figure} of {id}");
        }
    }
    let page = work.read("out/report.html");
    let npv = figures["npv.consolidate"].as_str().unwrap();
    assert!(page.contains(&format!("data-value=\"{npv}\"")), "{npv}");
}

#[test]
fn a_case_that_a_reviewer_would_send_back_needs_a_person() {
    let work = sample();
    let book = work.read("sample-data/assumptions.csv");
    work.write(
        "sample-data/assumptions.csv",
        book.replace(
            "teams_user,Teams direct dial,54.00,48.00,66.00,GBP a user a year,2024-25,excluded",
            "teams_user,Teams direct dial,54.00,48.00,66.00,GBP a user a year,2019-20,included",
        ),
    );
    let ran = work.run(&["case", "-c", "sample-data/onhook.toml", "-o", "out"]);
    assert_eq!(ran.code, 1);
    for wanted in [
        "sample-data/assumptions.csv:8: `teams_user` includes VAT and is in the economic case",
        "mixed price bases: `teams_user` is in prices of 2019-20",
    ] {
        assert!(ran.stderr.contains(wanted), "{wanted} in {}", ran.stderr);
    }
    let set = work.run(&["case", "-c", "sample-data/onhook.toml", "--set", "nobody=1"]);
    assert_eq!(set.code, 2);
    assert!(set.stderr.contains("no assumption is called `nobody`"), "{}", set.stderr);
    work.write("sample-data/assumptions.csv", book.replace(",54.00,", ",54.00.1,"));
    let ran = work.run(&["case", "-c", "sample-data/onhook.toml"]);
    assert_eq!(ran.code, 2);
    assert!(ran.stderr.contains("assumptions.csv:8, value: `54.00.1` is not a number"), "{}", ran.stderr);
}
