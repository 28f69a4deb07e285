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
    "coverage",
    "leg_quality",
    "stitched_calls",
    "calls",
    "tie_line_legs",
    "tie_line_crossings",
    "tie_line_candidates",
    "tie_line_matches",
    "crossed_calls",
    "conversations",
    "extension_facts",
    "verdicts",
);

/// One business question each.
pub static REPORTS: LazyLock<Vec<Query>> = queries!("reports":
    "conversation-share",
    "cost-centre-usage",
    "coverage",
    "coverage-hours",
    "disposition",
    "disposition-summary",
    "extension-usage",
    "idle-handsets",
    "ingest-health",
    "platform-share",
    "third-parties",
    "tie-lines",
    "unknown-extensions",
    "usage-bands",
    "voice-quality",
);

/// The report of that name, or what there is.
pub fn report(name: &str) -> Result<&'static Query> {
    REPORTS.iter().find(|query| query.name == name).ok_or_else(|| Error::Query {
        name: name.to_string(),
        what: "there is no such report".into(),
        hint: format!("there are: {}", REPORTS.iter().map(|q| q.name.as_str()).collect::<Vec<_>>().join(", ")),
    })
}
