//! The queries that come with onhook: every file of `queries/`, read once. A new file is a new line here; a test holds
//! that none is forgotten.

use std::sync::LazyLock;

use super::Query;
use crate::error::{Error, Result};

macro_rules! queries {
    ($folder:literal: $($name:literal),+ $(,)?) => {
        LazyLock::new(|| vec![$(
            Query::parse($name, include_str!(concat!("../../queries/", $folder, "/", $name, ".sql")))
                .unwrap_or_else(|why| panic!("{}: {why}", $name)),
        )+])
    };
}

/// Building blocks, each after those it stands on.
pub static VIEWS: LazyLock<Vec<Query>> = queries!("views":
    "register",
    "sites_in_force",
    "trunks_in_force",
    "cost_centres_in_force",
    "tariffs_in_force",
    "fixed_charges_in_force",
    "day_kinds",
    "node_hours",
    "missing_hours",
    "missing_files",
    "silent_nodes",
    "coverage_days",
    "coverage",
    "busy_days",
    "busy_quarters",
    "counted_lines",
    "leg_quality",
    "outside_calls",
    "rated_calls",
    "linked_keys",
    "stitched_calls",
    "calls",
    "tie_line_legs",
    "tie_line_crossings",
    "tie_line_candidates",
    "tie_line_matches",
    "crossed_calls",
    "conversations",
    "subject_use",
    "blind_spots",
    "protection_hints",
    "group_exposure",
    "site_phones",
    "decisions_in_force",
    "extension_facts",
    "judgements",
    "verdicts",
    "idle_interval",
    "site_days",
    "site_weeks",
);

/// One business question each.
pub static REPORTS: LazyLock<Vec<Query>> = queries!("reports":
    "answer-times",
    "asset-use",
    "audit-list",
    "bill-reconciliation",
    "burn-down",
    "busy-hour",
    "call-charges",
    "capacity",
    "circuits",
    "collect-list",
    "concurrent-calls",
    "conversation-share",
    "cost-centre-statement",
    "cost-centre-usage",
    "coverage",
    "coverage-hours",
    "disposition",
    "disposition-summary",
    "emergency-calls",
    "extension-usage",
    "idle-handsets",
    "idle-interval",
    "incidents",
    "ingest-health",
    "legacy-use",
    "platform-share",
    "port-list",
    "rated-against-bill",
    "register-findings",
    "run-history",
    "surrender-list",
    "third-parties",
    "tie-lines",
    "unknown-extensions",
    "unrated-calls",
    "unused-assets",
    "usage-bands",
    "voice-quality",
    "voicemail-use",
);

/// The report of that name, or what there is.
pub fn report(name: &str) -> Result<&'static Query> {
    REPORTS.iter().find(|query| query.name == name).ok_or_else(|| Error::Query {
        name: name.to_string(),
        what: "there is no such report".into(),
        hint: format!("there are: {}", REPORTS.iter().map(|q| q.name.as_str()).collect::<Vec<_>>().join(", ")),
    })
}
