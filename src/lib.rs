//! onhook finds the desk phones that nobody picks up.
//!
//! Data goes one way through the house, and the modules stand in that order; each uses only those above it:
//!
//! ```text
//! discover ─Input─▶ read ─RawRecord─▶ normalise ─Leg─▶ lake ─version─▶ sql ─facts─▶ estate ─▶ case ─▶ render
//!                     └─ kept │ rejected │ skipped │ repeated ─▶ ledger (must balance) ─▶ printed and stored
//! ```

pub mod error;
pub mod units;
pub mod number;
pub mod leg;
pub mod quality;
pub mod layout;
pub mod ledger;
pub mod config;
pub mod privacy;
pub mod discover;
pub mod read;
pub mod normalise;
pub mod usage;
pub mod traffic;
pub mod lake;
pub mod ingest;
pub mod erlang;
pub mod holidays;
pub mod sql;
pub mod estate;
pub mod import;
pub mod case;
pub mod render;
pub mod synth;
pub mod serve;
pub mod cli;
pub mod commands;
