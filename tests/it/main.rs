//! The binary run as a user runs it, and the queries on a hand-counted estate. One program, so that it links once.
//!
//! - `workdir`: a folder to run in, and the runner
//! - `ingest`: ledger, repeats, overlaps, packed and broken files
//! - `containers`: archives, files without a source, files in the wrong folder
//! - `every_format`: one estate in every format at once against its truth
//! - `fuzz`: the fuzz targets on the fixtures
//! - `scene`: thirty conversations across four platforms
//! - `queries`: every `.slt` of `queries/` on `tests/fixtures/small`
//! - `lake`: planted damage and its repair, compaction, retention
//! - `verdicts`: invented estates against their truth
//! - `nightly`: the main job, its outputs, twice; the README's first screen
//! - `operations`: one night at a time, late files, what people and monitoring are told, units and rules
//! - `page`: the report page in a browser: figures, tables, accessibility, paper
//! - `case`: the business case: its workbook recalculated, its chain, its reviewer
//! - `office`: a spreadsheet program that is not ours
//! - `faults`: kill, power cut, full disk, files that change, runs side by side
//! - `objects`: lakes in object stores that are not ours: faults, races, writers that stop, damage, refusals
//! - `serve`: psql, psycopg, SQLAlchemy, JDBC and wrongdoers against a running server
//! - `billing`: statements against a count of their own, a million calls; who pays, for how long, and on-net
//! - `export`: files and tables of a PostgreSQL server, as their own programs see them
//! - `terminal`: SQL typed in a pseudo-terminal, and from a pipe
//! - `interop`: the examples of docs/interop.md, engine by engine
//! - `help`: help, manual pages, completion, and that their examples are true
//! - `peers`, `postgres`: programs of others that tests run; `running`: ours while it runs
//! - `privacy`: outside numbers kept nowhere, answers as they were; one number found and erased; small counts
//! - `cluster`: every report here, on a Ballista cluster and on DuckDB; a cluster that is not there or loses an executor
//! - `bad_input`: one line, the right exit code, nothing lost

mod bad_input;
mod billing;
mod case;
mod cluster;
mod containers;
mod doubts;
mod every_format;
mod export;
mod faults;
mod fuzz;
mod help;
mod ingest;
mod interop;
mod lake;
mod nightly;
mod objects;
mod office;
mod operations;
mod page;
mod peers;
mod postgres;
mod privacy;
mod queries;
mod running;
mod scene;
mod segments;
mod serve;
mod terminal;
mod causes;
mod protected;
mod verdicts;
mod world;
mod workdir;

// In the fuzzer's own crates these are crates; the targets name them so.
extern crate self as libfuzzer_sys;
extern crate self as onhook_fuzz;
pub use onhook::{layout, number, read};

#[path = "../../fuzz/src/promise.rs"]
mod promise;
pub use promise::accounts_for_every_line;

/// In place of the fuzzer's: the target as a function.
#[macro_export]
macro_rules! fuzz_target {
    (|$text:ident: &[u8]| $body:expr) => {
        pub fn run($text: &[u8]) {
            $body
        }
    };
    (|$text:ident: &str| $body:expr) => {
        pub fn run(bytes: &[u8]) {
            let Ok($text) = std::str::from_utf8(bytes) else { return };
            $body
        }
    };
}
