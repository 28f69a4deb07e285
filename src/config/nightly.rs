//! `[nightly]`: until when the nightly run waits for files, what it leaves for the monitoring, whom it tells. Knows no clock.

use std::path::{Path, PathBuf};

use chrono::NaiveTime;
use chrono_tz::Tz;
use schemars::JsonSchema;
use serde::Deserialize;

/// The run that a scheduler starts.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct Nightly {
    /// Until when sources that say what they `expect` are waited for, as `"06:30"`: the next such time of day after the start,
    /// where it is less than twelve hours off.
    pub wait_until: Option<String>,
    /// Civil time zone of `wait_until`; that of the first source where absent.
    pub timezone: Option<String>,
    /// Seconds between two looks into the landing folders while it waits.
    pub poll_seconds: u32,
    /// File for the figures of the run, as Prometheus' node_exporter reads them; its name ends in `.prom`.
    pub metrics: Option<PathBuf>,
    /// A program by its path, and its arguments: where a run needs a person it is given the summary on its standard input.
    /// No shell is between.
    pub notify: Vec<String>,
    /// Seconds that it may take.
    pub notify_seconds: u32,
}

/// On which days a source has calls, so that a missing file is late.
#[derive(Clone, Copy, Debug, Deserialize, JsonSchema, PartialEq, Eq)]
#[serde(rename_all = "snake_case")]
pub enum Expect {
    /// On every day.
    Daily,
    /// From Monday to Friday, bank holidays of England and Wales left out.
    WorkingDays,
}

impl Default for Nightly {
    fn default() -> Self {
        Self {
            wait_until: None,
            timezone: None,
            poll_seconds: 60,
            metrics: None,
            notify: Vec::new(),
            notify_seconds: 60,
        }
    }
}

impl Nightly {
    /// The configured time of day.
    pub fn until(&self) -> Option<NaiveTime> {
        time_of_day(self.wait_until.as_deref()?).ok()
    }

    /// # Errors
    /// What is wrong with a value, and what to do about it.
    pub fn check(&self) -> Result<(), (String, &'static str)> {
        if let Some(text) = &self.wait_until {
            time_of_day(text)
                .map_err(|_| (format!("wait_until = {text:?} is no time of day"), "write it like \"06:30\""))?;
        }
        if let Some(zone) = self.timezone.as_ref().filter(|zone| zone.parse::<Tz>().is_err()) {
            return Err((format!("no time zone {zone:?}"), "write it like Europe/London"));
        }
        if !(1..=3600).contains(&self.poll_seconds) || !(1..=3600).contains(&self.notify_seconds) {
            let what = "poll_seconds and notify_seconds are from 1 to 3600".to_string();
            return Err((what, "a look a minute is often enough"));
        }
        if let Some(path) = &self.metrics {
            metrics_name(path).map_err(|what| (what, "name it like /var/lib/prometheus/node-exporter/onhook.prom"))?;
        }
        match self.notify.first() {
            Some(program) if program.is_empty() => Err(("notify names no program".into(), "write its path first")),
            Some(program) => super::inside(Path::new(program)).map_err(|what| (what, super::OUTSIDE)),
            None => Ok(()),
        }
    }
}

/// `06:30`.
///
/// # Errors
/// It is no time of day.
pub fn time_of_day(text: &str) -> Result<NaiveTime, String> {
    let is_short = text.len() == 5;
    is_short.then(|| NaiveTime::parse_from_str(text, "%H:%M").ok()).flatten().ok_or_else(|| "write it as 06:30".into())
}

/// Whether the node_exporter would read a file of this name.
fn metrics_name(path: &Path) -> Result<(), String> {
    match path.extension().is_some_and(|end| end == "prom") {
        true => super::inside(path),
        false => Err(format!("metrics = {:?}: only files that end in .prom are read", path.display().to_string())),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn wrong(text: &str) -> String {
        toml::from_str::<Nightly>(text).map_err(|e| e.to_string()).unwrap().check().unwrap_err().0
    }

    #[test]
    fn what_would_never_work_is_refused() {
        for text in ["25:00", "6:30", "06:30:00", "half past six", ""] {
            assert!(wrong(&format!("wait_until = \"{text}\"")).contains("is no time of day"), "{text}");
        }
        assert!(wrong("timezone = \"Europe/Londres\"").contains("no time zone"));
        assert!(wrong("poll_seconds = 0").contains("from 1 to 3600"));
        assert!(wrong("notify_seconds = 86400").contains("from 1 to 3600"));
        assert!(wrong("metrics = \"/var/lib/onhook.txt\"").contains("end in .prom"));
        assert!(wrong("metrics = \"../../etc/x.prom\"").contains("leaves the folder"));
        assert!(wrong("notify = [\"../tell\"]").contains("leaves the folder"));
        assert!(wrong("notify = [\"\"]").contains("names no program"));
    }

    #[test]
    fn what_is_usual_is_good() {
        let text =
            "wait_until = \"06:30\"\nmetrics = \"metrics/onhook.prom\"\nnotify = [\"/usr/sbin/sendmail\", \"-t\"]";
        let nightly: Nightly = toml::from_str(text).unwrap();
        nightly.check().unwrap();
        assert_eq!(nightly.until(), NaiveTime::from_hms_opt(6, 30, 0));
        Nightly::default().check().unwrap();
    }
}
