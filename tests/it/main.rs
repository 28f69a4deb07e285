//! The binary run as a user runs it, and the queries on a hand-counted estate. One program, so that it links once.
//!
//! - `workdir`: a folder to run in, and the runner
//! - `ingest`: ledger, repeats, overlaps, packed and broken files
//! - `queries`: every `.slt` of `queries/` on `tests/fixtures/small`
//! - `verdicts`: invented estates against their truth
//! - `nightly`: the main job, its outputs, twice; the README's first screen
//! - `bad_input`: one line, the right exit code, nothing lost

mod bad_input;
mod ingest;
mod nightly;
mod queries;
mod verdicts;
mod workdir;
