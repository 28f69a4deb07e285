//! Small counts in exported answers: gone, with what would give them away, and said.

use crate::workdir::Workdir;

fn cells(csv: &str) -> Vec<Vec<String>> {
    csv.lines().map(|line| line.split(',').map(str::to_string).collect()).collect()
}

#[test]
fn an_export_holds_no_small_count_and_nothing_that_gives_one_away() {
    let work = Workdir::small();
    assert!(work.run(&["nightly"]).code < 2);
    let plain = cells(&work.good(&["query", "extension-usage", "-f", "csv"]).stdout);
    let ran = work.good(&["query", "extension-usage", "-f", "csv", "--suppress", "3"]);
    let told = cells(&ran.stdout);
    assert_eq!(plain.len(), told.len());
    let at = |name: &str| plain[0].iter().position(|column| column == name).unwrap();
    let counts = ["calls", "handset_uses", "made", "offered", "answered", "missed", "internal", "external"].map(at);
    let mut blank = 0;
    for (plain, told) in plain.iter().zip(&told).skip(1) {
        assert_eq!((&plain[..2], &plain[at("use")]), (&told[..2], &told[at("use")]), "who it is stays");
        let is_small = counts.iter().any(|at| matches!(plain[*at].parse::<i64>(), Ok(1 | 2)));
        if told[at("calls")].is_empty() {
            blank += 1;
            assert!(
                counts.iter().chain(&[at("talk_s"), at("uses_per_week")]).all(|at| told[*at].is_empty()),
                "{told:?}"
            );
        } else {
            assert!(!is_small, "{plain:?}");
            // Decimals are as many as the column needs.
            let figure = |cell: &String| cell.parse::<f64>().map_or_else(|_| cell.clone(), |n| n.to_string());
            assert_eq!(plain.iter().map(figure).collect::<Vec<_>>(), told.iter().map(figure).collect::<Vec<_>>());
        }
    }
    assert!(blank > 1 && blank < plain.len() - 1, "{blank}");
    assert!(ran.stderr.contains(&format!("suppress  {blank} of {} rows: counts under 3", plain.len() - 1)), "{ran:?}");
}

#[test]
fn the_configuration_suppresses_exports_and_no_table_at_the_terminal() {
    let work = Workdir::small();
    assert!(work.run(&["nightly"]).code < 2);
    let ask = |args: &[&str]| work.good(&[&["query", "extension-usage"], args].concat()).stdout;
    let (table, csv) = (ask(&[]), ask(&["-f", "csv"]));
    let told = ask(&["-f", "csv", "--suppress", "3"]);
    assert_ne!(csv, told);
    work.write("onhook.toml", work.read("onhook.toml") + "\n[privacy]\nsuppress_below = 3\n");
    assert_eq!((ask(&[]), ask(&["-f", "csv"]), ask(&["-f", "csv", "--suppress", "0"])), (table, told, csv));
    // In a workbook the words of the report say it.
    work.good(&["query", "extension-usage", "-f", "xlsx", "-o", "usage.xlsx"]);
    let mut book = calamine::open_workbook::<calamine::Xlsx<_>, _>(work.join("usage.xlsx")).unwrap();
    let sheets = calamine::Reader::worksheets(&mut book);
    let said = sheets
        .iter()
        .flat_map(|(_, sheet)| sheet.rows())
        .flatten()
        .any(|cell| cell.to_string().contains("Counts from 1 to 2"));
    assert!(said);
    for format in ["json", "parquet"] {
        work.good(&["query", "extension-usage", "-f", format, "-o", "usage.out"]);
        let bytes = std::fs::read(work.join("usage.out")).unwrap();
        assert!(!bytes.is_empty());
    }
}

/// Columns of words that say a row's counts again lose them too. Names of places, people and makes have digits of their own, and
/// what a person wrote of a decision is no count.
#[test]
fn no_words_of_a_row_say_the_counts_that_were_taken_from_it() {
    let (small, sample) = (Workdir::small(), Workdir::sample());
    assert!(small.run(&["nightly"]).code < 2);
    assert!(sample.run(&["nightly", "-c", "sample-data/onhook.toml"]).code < 2);
    let mut blank = std::collections::BTreeSet::new();
    for (work, config) in [(&small, "onhook.toml"), (&sample, "sample-data/onhook.toml")] {
        let list = work.good(&["query", "--list"]).stdout;
        for name in list.lines().filter_map(|line| line.split_whitespace().next()) {
            let ask = |args: &[&str]| {
                let csv = work.good(&[&["query", name, "-c", config, "-f", "csv"], args].concat()).stdout;
                let mut reader = csv::ReaderBuilder::new().has_headers(false).from_reader(csv.as_bytes());
                let lines = reader.records().map(|line| line.unwrap().iter().map(str::to_string).collect());
                lines.collect::<Vec<Vec<String>>>()
            };
            let (plain, told) = (ask(&[]), ask(&["--suppress", "5"]));
            for (plain_row, row) in plain.iter().zip(&told).skip(1) {
                let lost = |at: &usize| row[*at].is_empty() && !plain_row[*at].is_empty();
                if !(0..row.len()).any(|at| lost(&at)) {
                    continue;
                }
                for (at, cell) in row.iter().enumerate() {
                    let column = plain[0][at].as_str();
                    let says = |cell: &str| {
                        let mut words = cell.split(|c: char| !c.is_alphanumeric());
                        cell.contains(' ')
                            && words.any(|word| !word.is_empty() && word.bytes().all(|b| b.is_ascii_digit()))
                    };
                    let is_own = ["location", "device_model", "owner", "name", "leave_here"].contains(&column)
                        || (name, column) == ("audit-list", "reason");
                    assert!(is_own || !says(cell), "{name} {column}: {cell}");
                    if says(&plain_row[at]) && !is_own {
                        blank.insert(format!("{name} {column}"));
                    }
                }
            }
        }
    }
    for seen in ["disposition reason", "idle-handsets reason", "register-findings detail"] {
        assert!(blank.contains(seen), "{seen}: {blank:?}");
    }
}
