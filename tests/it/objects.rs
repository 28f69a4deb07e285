//! Lakes in object stores: an S3 server and an Azure Blob server that are not ours, with a bad connection between. Whatever
//! goes wrong, the lake there is what the lake in a folder is.
//!
//! - `servers`: the stores
//! - `proxy`: the bad connection
//! - `writers`: writers that race, stop, and die
//! - `care`: damage, compaction, deletion
//! - `refused`: stores that do not answer, and those that say no

#[path = "objects/care.rs"]
mod care;
#[path = "objects/proxy.rs"]
mod proxy;
#[path = "objects/refused.rs"]
mod refused;
#[path = "objects/servers.rs"]
mod servers;
#[path = "objects/writers.rs"]
mod writers;

use std::collections::BTreeMap;
use std::path::Path;

use crate::workdir::{Ran, Workdir, copy};
use proxy::{Manner, Proxy};
use servers::{Kind, Server};

const CONFIG: &str = "onhook.toml";

/// The hand-made estate with its lake in a store, reached through that port.
fn remote(server: &Server, prefix: &str, port: u16) -> Workdir {
    let mut work = Workdir::small();
    point(&work, CONFIG, &server.address(prefix));
    work.set_env(server.env(port));
    work
}

/// Another machine: the same files, and no copies of anything.
fn another(server: &Server, like: &Workdir, port: u16) -> Workdir {
    let mut work = Workdir::new();
    copy(like.path(), work.path());
    work.set_env(server.env(port));
    work
}

/// The lake of a configuration goes elsewhere. A run that died is given up soon, so that nobody has to wait.
fn point(work: &Workdir, config: &str, address: &str) {
    let text = work.read(config);
    assert!(text.contains("path = \"lake\""), "{text}");
    work.write(config, text.replace("path = \"lake\"", &format!("path = \"{address}\"\nlease_s = 4")));
}

/// The hand-made estate in a folder, loaded whole, as a run without any trouble leaves it.
fn local() -> Workdir {
    let work = Workdir::small();
    deliver(&work);
    work
}

/// Two batches and the register.
fn deliver(work: &Workdir) {
    work.good(&["ingest", "--source", "hq-cucm"]);
    work.good(&["ingest", "--source", "north-mitel"]);
    work.good(&["estate", "load"]);
}

const TABLES: [&str; 13] = [
    "legs",
    "quality",
    "rejects",
    "usage",
    "traffic",
    "inputs",
    "extensions",
    "sites",
    "trunks",
    "cost_centres",
    "decisions",
    "tariffs",
    "fixed_charges",
];

/// All rows of all tables, but for when they were read.
fn rows(work: &Workdir) -> BTreeMap<&'static str, Vec<String>> {
    let all = TABLES.map(|table| {
        let columns = if table == "inputs" { "* except (ingested_at)" } else { "*" };
        let mut rows = work.sql(&format!("select {columns} from {table}"));
        rows.sort();
        (table, rows)
    });
    let all = BTreeMap::from(all);
    assert!(all["legs"].len() > 20 && all["inputs"].len() > 3 && all["extensions"].len() > 10, "there is something");
    all
}

/// What every report prints.
fn reports(work: &Workdir) -> BTreeMap<String, String> {
    let list = work.good(&["query", "--list"]).stdout;
    let names = list.lines().map(|line| line.split_whitespace().next().unwrap().to_string());
    names.map(|name| (name.clone(), work.good(&["query", &name, "-f", "csv"]).stdout)).collect()
}

/// The lake is sound, and its rows are those of the one in a folder.
fn is_like(work: &Workdir, local: &Workdir, what: &str) {
    let said = work.run(&["lake", "verify"]);
    assert_eq!(said.code, 0, "{what}: {said:?}");
    let (there, here) = (rows(work), rows(local));
    for (table, rows) in &here {
        assert_eq!(&there[table], rows, "{what}: {table}");
    }
}

#[test]
fn behind_a_bad_connection_every_row_and_every_report_is_that_of_a_folder() {
    let here = local();
    let expected = reports(&here);
    for server in Server::all("behind_a_bad_connection") {
        let proxy = Proxy::to(server.port, Manner::Tenth);
        let work = remote(&server, "bad", proxy.port);
        deliver(&work);
        is_like(&work, &here, "written");
        // Where nothing was written or kept.
        let mut reader = another(&server, &work, proxy.port);
        assert_eq!(rows(&reader), rows(&here));
        reader.set_env(server.env(server.port));
        for (name, answer) in reports(&reader) {
            assert_eq!(answer, expected[&name], "{:?}: {name}", server.kind);
        }
        assert_eq!(work.ingest(&[]).1["inputs"]["new"], 0, "all of it is known there");
        work.good(&["lake", "compact"]);
        is_like(&reader, &here_compacted(&here), "compacted");
        // No folder of the address's name.
        assert!(!reader.join("lake").exists() && !work.join("s3:").exists() && !work.join("az:").exists());
        assert!(proxy.requests().len() > 300, "{}", proxy.requests().len());
    }
}

fn here_compacted(here: &Workdir) -> Workdir {
    let work = Workdir::new();
    copy_all(here.path(), work.path());
    work.good(&["lake", "compact"]);
    work
}

/// A folder with its lake.
fn copy_all(from: &Path, to: &Path) {
    copy(from, to);
    fn deep(from: &Path, to: &Path) {
        std::fs::create_dir_all(to).unwrap();
        for entry in from.read_dir().unwrap() {
            let entry = entry.unwrap();
            match entry.file_type().unwrap().is_dir() {
                true => deep(&entry.path(), &to.join(entry.file_name())),
                false => drop(std::fs::copy(entry.path(), to.join(entry.file_name())).unwrap()),
            }
        }
    }
    deep(&from.join("lake"), &to.join("lake"));
}

/// The sample of the README, by the one command for the scheduler: the same lists and the same page as in a folder.
#[test]
fn the_night_of_the_sample_gives_the_same_outputs_there() {
    let config = "sample-data/onhook.toml";
    let night = |work: &Workdir| {
        let ran = work.run(&["-c", config, "nightly", "-o", "out"]);
        assert!(ran.code == 0 || ran.code == 1, "{ran:?}");
        let mut outputs = BTreeMap::new();
        for entry in work.join("out").read_dir().unwrap() {
            let entry = entry.unwrap();
            let name = entry.file_name().into_string().unwrap();
            // Says of which configuration it is, and that one is another.
            if name.ends_with(".csv") || name.ends_with(".html") {
                let text = std::fs::read_to_string(entry.path()).unwrap();
                outputs.insert(name, text);
            }
        }
        assert!(outputs.len() > 3, "{:?}", outputs.keys());
        (ran.code, outputs)
    };
    let here = Workdir::sample();
    let expected = night(&here);
    for server in Server::all("the_night_of_the_sample") {
        let proxy = Proxy::to(server.port, Manner::Tenth);
        let mut work = Workdir::sample();
        point(&work, config, &server.address("night"));
        work.set_env(server.env(proxy.port));
        let (code, outputs) = night(&work);
        assert_eq!(code, expected.0);
        for (name, text) in &expected.1 {
            assert!(outputs[name] == *text, "{:?}: {name} differs", server.kind);
        }
        assert_eq!(work.good(&["-c", config, "lake", "verify"]).code, 0);
    }
}

/// A server over a lake in a store; and a cluster is told nothing of one.
#[test]
fn it_is_served_like_a_lake_in_a_folder_and_no_cluster_gets_its_keys() {
    for server in Server::all("it_is_served") {
        let proxy = Proxy::to(server.port, Manner::Tenth);
        let work = remote(&server, "served", proxy.port);
        crate::serve::fresh::seen_without_a_restart(&work);
        let ran = work.run(&["query", "coverage", "--engine", "df://127.0.0.1:1"]);
        let lines: Vec<&str> = ran.stderr.lines().collect();
        let said = "error: cluster df://127.0.0.1:1: the lake is in an object store, whose keys no executor is told";
        assert_eq!((ran.code, lines.len(), lines[0]), (2, 2, said), "{ran:?}");
    }
}

/// Reads a file that becomes a data file of several parts.
fn long(work: &Workdir) -> Ran {
    // Lines that are no records, and that do not pack: they are kept as they are.
    let name = "landing/mitel/smdr_20240331.log";
    let mut text = work.read(name).into_bytes();
    let mut state = 1_u64;
    for _ in 0..150_000 {
        let line: String = (0..12).map(|_| format!("{:020}", next(&mut state))).collect();
        text.extend(format!("?{line}\n").bytes());
    }
    work.write(name, text);
    work.run(&["ingest", "--source", "north-mitel"])
}

/// Who only looks again whether a batch has come reads no entry of a log a second time.
#[test]
fn a_log_in_which_nothing_is_new_is_not_read_again() {
    let Some(server) = Server::start(Kind::S3, "a_log_in_which_nothing_is_new") else { return };
    let proxy = Proxy::to(server.port, Manner::Honest);
    let work = remote(&server, "again", server.port);
    deliver(&work);
    // It asks for the last batch, then for the files of each table, and once more for the last batch.
    another(&server, &work, proxy.port).good(&["lake", "status"]);
    let requests = proxy.requests();
    let reads = |line: &String, entries: &str| line.starts_with("GET") && line.contains(entries);
    let behind = requests.iter().position(|line| reads(line, "/extensions/_delta_log/0")).unwrap();
    let (before, after) = requests.split_at(behind);
    assert!(before.iter().any(|line| reads(line, "/inputs/_delta_log/0")), "{before:?}");
    assert!(!after.iter().any(|line| reads(line, "/inputs/_delta_log/0")), "{after:?}");
}

/// Longer than one request takes: it goes and comes in parts.
#[test]
fn a_long_file_goes_and_comes_in_parts() {
    let here = Workdir::small();
    assert_eq!(long(&here).code, 1, "so many rejected lines need a person");
    let sums = "select count(*), count(distinct raw), sum(record_no), min(raw), max(raw) from rejects";
    let expected = here.sql(sums);
    for server in Server::all("a_long_file") {
        let proxy = Proxy::to(server.port, Manner::Tenth);
        let work = remote(&server, "long", proxy.port);
        assert_eq!(long(&work).code, 1);
        let requests = proxy.requests();
        let words = if server.kind == Kind::S3 { "partNumber=" } else { "comp=block&" };
        let parts = requests.iter().filter(|line| line.contains("/rejects/") && line.contains(words)).count();
        assert!(parts > 1, "{requests:?}");
        let reader = another(&server, &work, proxy.port);
        assert_eq!(reader.sql(sums), expected);
        assert_eq!(reader.good(&["lake", "verify"]).code, 0, "it was fetched whole");
    }
}

/// Xorshift: numbers that do not pack, the same every time.
fn next(state: &mut u64) -> u64 {
    *state ^= *state << 13;
    *state ^= *state >> 7;
    *state ^= *state << 17;
    *state
}

#[test]
fn copies_may_be_deleted_at_any_time_and_a_machine_without_any_writes_on() {
    let Some(server) = Server::start(Kind::S3, "copies_may_be_deleted") else { return };
    let here = local();
    let work = remote(&server, "copies", server.port);
    work.good(&["ingest", "--source", "hq-cucm"]);
    std::fs::remove_dir_all(work.join("lake-cache")).unwrap();
    work.good(&["ingest", "--source", "north-mitel"]);
    let other = another(&server, &work, server.port);
    other.good(&["estate", "load"]);
    is_like(&other, &here, "by two machines");
    // A copy that is not what was written does not last beyond a proof.
    let legs = find(&work.join("lake-cache"), "legs");
    std::fs::write(&legs[0], vec![0; legs[0].metadata().unwrap().len() as usize]).unwrap();
    assert_ne!(work.run(&["sql", "-e", "select count(*), min(started_at) from legs"]).code, 0);
    work.good(&["lake", "verify"]);
    is_like(&work, &here, "proved");
}

/// Data files of a table below a folder.
fn find(folder: &Path, table: &str) -> Vec<std::path::PathBuf> {
    let mut found = Vec::new();
    for entry in folder.read_dir().unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            found.extend(find(&path, table));
        } else if path.extension().is_some_and(|end| end == "parquet") && path.parent().unwrap().ends_with(table) {
            found.push(path);
        }
    }
    found.sort();
    found
}
