//! onhook finds the desk phones that nobody picks up.
//!
//! Data goes one way through the house, and the modules stand in that order; each uses only those above it:
//!
//! ```text
//! discover ─Input─▶ read ─RawRecord─▶ normalise ─Leg─▶ lake ─version─▶ sql ─facts─▶ estate ─▶ case ─▶ render
//!                     └─ kept │ rejected │ skipped │ repeated ─▶ ledger (must balance) ─▶ printed and stored
//! ```

pub mod case;
pub mod cli;
pub mod commands;
pub mod config;
pub mod discover;
pub mod error;
pub mod estate;
pub mod ingest;
pub mod lake;
pub mod ledger;
pub mod leg;
pub mod normalise;
pub mod number;
pub mod read;
pub mod render;
pub mod sql;
pub mod synth;
pub mod units;
pub mod usage;
