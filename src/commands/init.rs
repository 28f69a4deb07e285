//! `onhook init`: a commented workspace, ready for the first files.

use std::path::Path;

use super::{Talk, Verdict};
use crate::error::{Error, Result};

/// The files of a new workspace.
pub fn workspace_files() -> [(&'static str, &'static str); 5] {
    [
        ("onhook.toml", include_str!("init/onhook.toml")),
        ("estate/extensions.csv", include_str!("init/extensions.csv")),
        ("estate/sites.csv", "site,name,area_code\n"),
        ("estate/trunks.csv", "source,trunk,carrier,kind,party,circuits,peer_source\n"),
        ("estate/cost_centres.csv", "cost_centre,name,directorate\n"),
    ]
}

pub fn init(dir: &Path, talk: &mut Talk) -> Result<Verdict> {
    let config = dir.join("onhook.toml");
    if let Some((name, _)) = workspace_files().iter().find(|(name, _)| dir.join(name).exists()) {
        return Err(Error::Config {
            place: dir.join(name).display().to_string(),
            what: "there is a workspace already".into(),
            hint: "name another folder; nothing was changed".into(),
        });
    }
    for folder in ["estate", "landing/cucm", "landing/mitel"] {
        let folder = dir.join(folder);
        std::fs::create_dir_all(&folder).map_err(Error::io(&folder))?;
    }
    // The configuration last: without it there is no workspace yet.
    for (name, text) in workspace_files().into_iter().rev() {
        super::write(&dir.join(name), text.as_bytes())?;
    }
    talk.say(&format!(
        "made      {}: put call records under landing/ and the register into estate/extensions.csv",
        config.display()
    ));
    talk.say(&format!("then      onhook nightly -c {}", config.display()));
    Ok(Verdict::Good)
}
