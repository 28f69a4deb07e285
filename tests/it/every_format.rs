//! One invented estate in every format at once: what reading gives, against the truth that was written beside it.

use std::collections::BTreeMap;

use onhook::synth::{EveryFormat, generate_every_format, truth_columns};

use crate::workdir::Workdir;

/// Not to be compared: the format cannot tell.
const OPEN: &str = "-";
/// Differences told of each source.
const SHOWN: usize = 4;

type Row = Vec<String>;

fn rows(csv: &str) -> Vec<Row> {
    let mut reader = csv::ReaderBuilder::new().has_headers(false).from_reader(csv.as_bytes());
    reader.records().map(|row| row.unwrap().iter().map(str::to_string).collect()).collect()
}

/// Rows by source.
fn by_source(rows: Vec<Row>) -> BTreeMap<String, Vec<Row>> {
    let mut sources: BTreeMap<String, Vec<Row>> = BTreeMap::new();
    for row in rows {
        sources.entry(row[0].clone()).or_default().push(row);
    }
    sources
}

/// What rows are sorted by: first the columns that tell them apart best; none that is open anywhere in the source.
fn order(row: &Row, columns: &[&str], open: &[bool]) -> Vec<String> {
    let first = ["started_at", "talk_s", "ring_s", "caller", "dialled", "callee", "direction", "part", "callee_device"];
    let at = |name: &&str| columns.iter().position(|column| column == name).unwrap();
    let known = first.iter().map(at).chain(0..columns.len()).filter(|at| !open[*at]);
    known.map(|at| row[at].clone()).collect()
}

/// The first differences of a source, a line each.
fn differences(columns: &[&str], mut truth: Vec<Row>, mut found: Vec<Row>) -> Vec<String> {
    if truth.len() != found.len() {
        return vec![format!("{} legs expected, {} found", truth.len(), found.len())];
    }
    let open: Vec<bool> = (0..columns.len()).map(|at| truth.iter().any(|row| row[at] == OPEN)).collect();
    truth.sort_by_cached_key(|row| order(row, columns, &open));
    found.sort_by_cached_key(|row| order(row, columns, &open));
    let mut told = Vec::new();
    for (at, column) in columns.iter().enumerate() {
        let differ = |(want, have): &(&Row, &Row)| want[at] != OPEN && want[at] != have[at];
        let wrong: Vec<(&Row, &Row)> = truth.iter().zip(&found).filter(differ).collect();
        if let Some((want, have)) = wrong.first() {
            let count = wrong.len();
            told.push(format!("{column}: {:?} expected, {:?} found ({count} rows), in {want:?}", want[at], have[at]));
        }
    }
    told
}

fn made() -> (Workdir, EveryFormat) {
    let work = Workdir::new();
    let made = generate_every_format(1, work.path()).unwrap();
    (work, made)
}

#[test]
fn every_format_reads_back_to_the_same_calls() {
    let (work, made) = made();
    let (code, said) = work.ingest(&[]);
    assert_eq!((code, &said["inputs"]["failed"], &said["records"]["rejected"]), (0, &0.into(), &0.into()), "{said}");
    let expected: u64 = made.sources.iter().map(|source| source.legs).sum();
    assert_eq!(said["records"]["kept"], expected, "{said}");
    let unbalanced =
        work.sql("select name from inputs where read <> kept + repeated + skipped + rejected or rejected > 0");
    assert_eq!(unbalanced, Vec::<String>::new());

    let columns = truth_columns();
    let compared = &columns[..columns.len() - 1]; // `call` is no column of legs
    let mut truth = rows(&work.read("truth.csv"));
    assert_eq!(truth.remove(0), columns);
    let truth = by_source(truth);
    let select = format!("select {} from legs", compared.join(", "));
    let mut found = by_source(rows(&work.sql(&select).join("\n")));
    let mut wrong = Vec::new();
    for (source, mut truth) in truth {
        truth.iter_mut().for_each(|row| row.truncate(compared.len()));
        let told = differences(compared, truth, found.remove(&source).unwrap_or_default());
        wrong.extend(told.into_iter().take(SHOWN).map(|line| format!("{source}: {line}")));
    }
    assert!(wrong.is_empty(), "\n{}", wrong.join("\n"));
    assert!(found.is_empty(), "sources that nobody wrote: {:?}", found.keys());
}

/// A human call is one row of `calls`, wherever the format says which of its records belong together.
#[test]
fn a_human_call_counts_once_in_every_format() {
    let (work, made) = made();
    work.ingest(&[]);
    let counted: BTreeMap<String, u64> =
        rows(&work.sql("select source, count(*) from calls group by source").join("\n"))
            .into_iter()
            .map(|row| (row[0].clone(), row[1].parse().unwrap()))
            .collect();
    let mut wrong = Vec::new();
    for source in made.sources.iter().filter(|source| source.stitches) {
        let counted = counted.get(source.source).copied().unwrap_or_default();
        if counted != source.calls {
            wrong.push(format!("{}: {} calls expected, {counted} found", source.source, source.calls));
        }
    }
    assert!(wrong.is_empty(), "\n{}", wrong.join("\n"));
}
