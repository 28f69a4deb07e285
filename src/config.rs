//! `onhook.toml` to `Config`: sources, number ranges, evidence, places. An unknown
//! key is an error that names its line. Relative paths are relative to the file and stay inside its folder. Besides it
//! only layout files are read that it names.

mod billing;
mod nightly;
mod lake;
mod pattern;
mod privacy;
mod serve;

use std::path::{Component, Path, PathBuf};

use chrono::NaiveDate;
use schemars::JsonSchema;
use serde::Deserialize;

pub use billing::{BankHolidays, Billing};
pub use lake::Lake;
pub use nightly::{Expect, Nightly, time_of_day};
pub use pattern::{Ddi, Pattern};
pub use privacy::{OutsideNumbers, Privacy};
pub use serve::Serve;

use crate::error::{Error, Result};
use crate::layout::{DateOrder, Format, Layout, Mapping, Options, SecDur};

/// The whole of `onhook.toml`.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Config {
    pub lake: Lake,
    #[serde(default, rename = "source")]
    pub sources: Vec<Source>,
    #[serde(default)]
    pub estate: Estate,
    #[serde(default)]
    pub evidence: Evidence,
    #[serde(default)]
    pub billing: Billing,
    #[serde(default)]
    pub privacy: Privacy,
    #[serde(default)]
    pub serve: Serve,
    pub case: Option<Case>,
    #[serde(default)]
    pub output: Output,
    #[serde(default)]
    pub nightly: Nightly,
    /// Folder of `onhook.toml`; relative paths start there.
    #[serde(skip)]
    pub folder: PathBuf,
    /// BLAKE3 of the file, hexadecimal; blank for a configuration that is no file.
    #[serde(skip)]
    pub digest: String,
}

/// One telephony platform's call records.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Source {
    /// Short name, used in every table: letters, digits, `-` and `_`.
    pub name: String,
    /// Format of its files, see docs/formats.md: `cisco-cucm`, `mitel-smdr`, `avaya-cm`, …
    pub format: String,
    /// Folders, files and globs; packed files and archives are looked into.
    pub paths: Vec<String>,
    /// Civil time zone of the site, e.g. `Europe/London`.
    pub timezone: String,
    /// Digits that fetch an outside line; empty for none.
    #[serde(default)]
    pub outside_prefix: String,
    /// Area code of the site in national form (`020`), for numbers dialled without one.
    #[serde(default)]
    pub area_code: String,
    /// Our own extensions, as patterns: `2XXXXX`, `7[0-4]XXX`.
    #[serde(default)]
    pub extensions: Vec<Pattern>,
    /// Direct-dial ranges and how many of their last digits are the extension.
    #[serde(default)]
    pub ddi: Vec<Ddi>,
    /// Columns of a format that does not describe itself: a built-in layout's name (`"teleseer"`), a file of
    /// `item,width` lines, `[["date", 6], ["space", 1], …]`, or the names of delimited columns.
    pub layout: Option<Layout>,
    /// Which of two numbers in a date is the day: `dmy`, `mdy`, `ymd`.
    pub date_order: Option<DateOrder>,
    /// What an Avaya `sec-dur` of five digits counts: `hms` (the default) or `seconds`.
    pub sec_dur: Option<SecDur>,
    /// Whether Avaya circuit ids are printed rotated (123 as 231), where the layout leaves it open.
    pub rotated_circuits: Option<bool>,
    /// Columns of a `mapped-csv` file and what they mean.
    pub mapping: Option<Mapping>,
    /// What wall clocks in the records show: `local` (the time zone's, the default) or `utc`.
    #[serde(default)]
    pub clock: Clock,
    /// Only chargeable calls are recorded: then silence proves nothing.
    #[serde(default)]
    pub chargeable_only: bool,
    /// Of a carrier's bill: the carrier, as the trunk list names it; blank for the bill of all trunks that no other bill is for.
    #[serde(default)]
    pub carrier: String,
    /// On which days it has calls, `"daily"` or `"working_days"`: then `onhook nightly` says when their records are late.
    pub expect: Option<Expect>,
    /// How many days after such a day its records must be there.
    #[serde(default = "a_day")]
    pub expected_lag_days: u16,
    /// What is kept of numbers that are not ours: `keep`, `truncate` (area or network code only) or `pseudonym`.
    #[serde(default)]
    pub outside_numbers: OutsideNumbers,
}

/// Yesterday's records are there this morning.
fn a_day() -> u16 {
    1
}

/// What the wall clock of a record shows.
#[derive(Clone, Copy, Debug, Default, Deserialize, JsonSchema, PartialEq, Eq)]
#[serde(rename_all = "lowercase")]
pub enum Clock {
    #[default]
    Local,
    Utc,
}

/// The register and its companions, all CSV.
#[derive(Clone, Debug, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Estate {
    pub extensions: Option<PathBuf>,
    pub sites: Option<PathBuf>,
    pub trunks: Option<PathBuf>,
    pub cost_centres: Option<PathBuf>,
    /// `use,verdict,action`; the built-in policy where absent.
    pub policy: Option<PathBuf>,
    /// `source,extension,action,decided_by,decided_on,reason`: what named people decided, line by line. Nothing else
    /// releases a protected line.
    pub decisions: Option<PathBuf>,
    /// What calls cost, line by line: docs/billing.md.
    pub tariffs: Option<PathBuf>,
    /// What an extension costs a month whether it is used or not.
    pub fixed_charges: Option<PathBuf>,
}

/// What counts as silence, and for how long.
#[derive(Clone, Copy, Debug, Deserialize, JsonSchema, PartialEq)]
#[serde(deny_unknown_fields, default)]
pub struct Evidence {
    /// Days up to and including `as_of`.
    pub window_days: u16,
    /// Fewer days with records than this prove nothing.
    pub min_covered_days: u16,
    /// Handset uses per covered week, at most, for `low_use`.
    pub low_use_per_week: f64,
    /// Covered days before silence may cost a line or a handset; with fewer a person looks at it. In 274 days a phone
    /// that is used once a quarter stays silent in fewer than 5 of 100 cases.
    pub min_cease_days: u16,
    /// Legs on covered days without a single unanswered (or internal) one that show that the platform does not log
    /// such calls.
    pub blind_after_legs: u32,
    /// Legs in a hundred that name nobody of ours, above which silence in the source proves nothing.
    pub max_unattributed_percent: f64,
    /// Last day of the window (`"2024-03-31"`); the last day with records where absent.
    #[schemars(with = "Option<String>")]
    pub as_of: Option<NaiveDate>,
    /// How far apart the clocks of two platforms may be for the two records of a call over a tie line to be matched.
    pub tie_line_skew_s: u32,
    /// How far apart their starts and lengths may be once the usual difference of the clocks is taken out.
    pub tie_line_tolerance_s: u32,
    /// Rejected records in a hundred read, above which a run needs a person (exit code 1).
    pub max_rejected_percent: f64,
}

impl Default for Evidence {
    fn default() -> Self {
        Self {
            window_days: 365,
            min_covered_days: 90,
            low_use_per_week: 1.0,
            min_cease_days: 274,
            blind_after_legs: 200,
            max_unattributed_percent: 5.0,
            as_of: None,
            tie_line_skew_s: 120,
            tie_line_tolerance_s: 5,
            max_rejected_percent: 1.0,
        }
    }
}

#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Case {
    pub file: PathBuf,
}

#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct Output {
    pub dir: PathBuf,
}

impl Default for Output {
    fn default() -> Self {
        Self { dir: PathBuf::from("out") }
    }
}

impl Source {
    /// What its reader is told.
    pub fn options(&self) -> Options {
        Options {
            layout: self.layout.clone(),
            date_order: self.date_order,
            sec_dur: self.sec_dur,
            rotated_circuits: self.rotated_circuits,
            mapping: self.mapping.clone(),
        }
    }

    /// Keys that are set and only some formats have a use for.
    fn set_keys(&self) -> impl Iterator<Item = &'static str> {
        let keys = [
            ("layout", self.layout.is_some()),
            ("date_order", self.date_order.is_some()),
            ("sec_dur", self.sec_dur.is_some()),
            ("rotated_circuits", self.rotated_circuits.is_some()),
            ("mapping", self.mapping.is_some()),
        ];
        keys.into_iter().filter(|(_, is_set)| *is_set).map(|(key, _)| key)
    }

    /// Whether calls of that extension would be known as its own.
    pub fn is_extension(&self, number: &str) -> bool {
        self.extensions.iter().any(|p| p.matches(number)) || self.ddi.iter().any(|d| d.gives(number))
    }
}

impl Config {
    /// Reads and checks the file. `formats` are the readers' ids.
    ///
    /// # Errors
    /// The file cannot be read, is not TOML, has an unknown key, or a value that means nothing.
    pub fn load(path: &Path, formats: &[Format]) -> Result<Self> {
        let text = std::fs::read_to_string(path).map_err(|source| match source.kind() {
            std::io::ErrorKind::NotFound => Error::Config {
                place: path.display().to_string(),
                what: "no such file".into(),
                hint: "name it with -c, or make a workspace with `onhook init DIR`".into(),
            },
            _ => Error::io(path)(source),
        })?;
        let folder = path.parent().unwrap_or(Path::new("")).to_path_buf();
        let mut config = Self::parse(&text, &path.display().to_string(), folder, formats)?;
        config.load_layouts()?;
        config.digest = blake3::hash(text.as_bytes()).to_hex().to_string();
        Ok(config)
    }

    /// Layout files in place of their names; a name without a dot is a built-in layout's.
    fn load_layouts(&mut self) -> Result<()> {
        for source in &mut self.sources {
            let Some(Layout::Name(name)) = &source.layout else { continue };
            if !name.contains('.') {
                continue;
            }
            let path = self.folder.join(name);
            let text = std::fs::read_to_string(&path).map_err(Error::io(&path))?;
            source.layout = Some(Layout::parse(&text).map_err(|what| Error::Config {
                place: path.display().to_string(),
                what,
                hint: "a layout file has a line `item,width` for each column".into(),
            })?);
        }
        Ok(())
    }

    /// The same from text; `place` stands before every error.
    pub fn parse(text: &str, place: &str, folder: PathBuf, formats: &[Format]) -> Result<Self> {
        let mut config: Self = toml::from_str(text).map_err(|e| toml_error(text, place, &e))?;
        config.folder = folder;
        config.check(place, formats)?;
        Ok(config)
    }

    /// The source of that name.
    pub fn source(&self, name: &str) -> Result<&Source> {
        self.sources.iter().find(|s| s.name == name).ok_or_else(|| Error::Config {
            place: "--source".into(),
            what: format!("no source is named {name:?}"),
            hint: format!("the configuration has: {}", self.source_names()),
        })
    }

    /// A configured path, from the folder of `onhook.toml`.
    pub fn at(&self, path: &Path) -> PathBuf {
        self.folder.join(path)
    }

    fn source_names(&self) -> String {
        self.sources.iter().map(|s| s.name.as_str()).collect::<Vec<_>>().join(", ")
    }

    fn check(&self, place: &str, formats: &[Format]) -> Result<()> {
        let wrong = |key: &str, what: String, hint: &str| {
            Err(Error::Config { place: format!("{place}: {key}"), what, hint: hint.into() })
        };
        for (i, source) in self.sources.iter().enumerate() {
            let key = format!("source {:?}", source.name);
            if source.name.is_empty() || !source.name.bytes().all(|b| b.is_ascii_alphanumeric() || b"-_".contains(&b)) {
                return wrong(&key, "a source's name is letters, digits, - and _".into(), "rename it");
            }
            if self.sources[..i].iter().any(|s| s.name == source.name) {
                return wrong(&key, "two sources have this name".into(), "give each platform a name of its own");
            }
            let Some(format) = formats.iter().find(|f| f.id == source.format) else {
                let what = format!("no reader for format {:?}", source.format);
                let known: Vec<&str> = formats.iter().map(|f| f.id).collect();
                return wrong(&key, what, &format!("known: {}", known.join(", ")));
            };
            if let Some(idle) = source.set_keys().find(|key| !format.keys.contains(key)) {
                let what = format!("format {:?} has no use for {idle:?}", source.format);
                return wrong(&key, what, "take it out, or see docs/formats.md for the format meant");
            }
            if let Some(Layout::Name(name)) = &source.layout {
                inside(Path::new(name)).or_else(|what| wrong(&key, what, OUTSIDE))?;
            }
            if source.timezone.parse::<chrono_tz::Tz>().is_err() {
                return wrong(&key, format!("no time zone {:?}", source.timezone), "write it like Europe/London");
            }
            if source.ddi.iter().any(|d| !(1..=d.range.digits()).contains(&d.extension_digits)) {
                let what = "extension_digits is not from 1 to the digits of its range".to_string();
                return wrong(&key, what, "say how many of the last digits are the extension");
            }
            for path in &source.paths {
                inside(Path::new(path)).or_else(|what| wrong(&key, what, OUTSIDE))?;
            }
        }
        let estate = &self.estate;
        let paths = [
            &estate.extensions,
            &estate.sites,
            &estate.trunks,
            &estate.cost_centres,
            &estate.policy,
            &estate.decisions,
            &estate.tariffs,
            &estate.fixed_charges,
        ];
        let case = self.case.as_ref().map(|c| &c.file);
        let cache = self.lake.cache.as_ref();
        let serve = [self.serve.certificate.as_ref(), self.serve.key.as_ref(), Some(&self.serve.users)];
        let others = case.into_iter().chain(cache).chain(serve.into_iter().flatten());
        for path in paths.into_iter().flatten().chain(others).chain([&self.lake.path, &self.output.dir]) {
            inside(path).or_else(|what| wrong("path", what, OUTSIDE))?;
        }
        self.lake.check(place)?;
        let evidence = &self.evidence;
        if evidence.window_days == 0 || evidence.min_covered_days > evidence.window_days {
            let what = "window_days must be at least 1 and at least min_covered_days".to_string();
            return wrong("evidence", what, "a window shorter than min_covered_days can prove nothing");
        }
        let percents = [evidence.max_rejected_percent, evidence.max_unattributed_percent];
        if !(evidence.low_use_per_week >= 0.0 && percents.iter().all(|p| (0.0..=100.0).contains(p))) {
            let what = "low_use_per_week cannot be negative, and a percentage is from 0 to 100".to_string();
            return wrong("evidence", what, "correct it");
        }
        self.serve.check().or_else(|(what, hint)| wrong("serve", what, hint))?;
        self.nightly.check().or_else(|(what, hint)| wrong("nightly", what, hint))?;
        self.billing.check().or_else(|what| wrong("billing", what, "write times of day like \"07:00\""))?;
        self.privacy.check(self).or_else(|(what, hint)| wrong("privacy", what, hint))
    }
}

/// The JSON schema of `onhook.toml`.
pub fn schema() -> String {
    let schema = schemars::schema_for!(Config);
    serde_json::to_string_pretty(&schema).expect("a schema is plain JSON")
}

/// What to do about a path that `inside` refuses.
pub const OUTSIDE: &str = "write the full path if it is meant to be elsewhere; `..` is not followed";

/// Refuses a path that climbs out of its folder.
pub fn inside(path: &Path) -> Result<(), String> {
    match path.components().any(|c| c == Component::ParentDir) {
        true => Err(format!("{} leaves the folder of the configuration", path.display())),
        false => Ok(()),
    }
}

/// A TOML error as `file:line` and the parser's one sentence.
pub fn toml_error(text: &str, place: &str, error: &toml::de::Error) -> Error {
    let line = error.span().map_or(0, |span| text[..span.start.min(text.len())].matches('\n').count() + 1);
    let place = if line == 0 { place.to_string() } else { format!("{place}:{line}") };
    let what = error.message().lines().collect::<Vec<_>>().join("; ");
    Error::Config { place, what, hint: "`onhook config schema` lists every key".into() }
}

#[cfg(test)]
mod tests {
    use super::*;

    const FORMATS: &[Format] =
        &[Format { id: "cisco-cucm", keys: &[] }, Format { id: "avaya-cm", keys: &["layout", "date_order"] }];

    const SMALL: &str = "[lake]\npath = \"lake\"\n[[source]]\nname = \"a\"\nformat = \"cisco-cucm\"\npaths = [\"landing/**\"]\ntimezone = \"Europe/London\"\n";

    fn message(text: &str) -> String {
        Config::parse(text, "onhook.toml", PathBuf::new(), FORMATS).unwrap_err().to_string()
    }

    #[test]
    fn an_unknown_key_is_named_with_its_line() {
        let message = message(&format!("{SMALL}colour = 1\n"));
        assert!(message.starts_with("onhook.toml:8: unknown field `colour`"), "{message}");
    }

    #[test]
    fn what_means_nothing_is_refused() {
        assert!(message(&SMALL.replace("Europe/London", "Europe/Londres")).contains("no time zone"));
        assert!(message(&SMALL.replace("cisco-cucm", "cisco-cumc")).contains("no reader for format"));
        assert!(message(&SMALL.replace("landing/**", "../../etc/*")).contains("leaves the folder"));
        for digits in [0, 13] {
            let ddi = format!("{SMALL}ddi = [{{ range = \"+44207946XXXX\", extension_digits = {digits} }}]\n");
            assert!(message(&ddi).contains("extension_digits is not"), "{digits}");
        }
        assert!(
            message(&format!("{SMALL}{}", SMALL.split_once('\n').unwrap().1.split_once('\n').unwrap().1))
                .contains("two sources")
        );
        assert!(message(&format!("{SMALL}[evidence]\nwindow_days = 30\n")).contains("min_covered_days"));
    }

    #[test]
    fn defaults_are_those_of_the_design() {
        let config = Config::parse(SMALL, "onhook.toml", PathBuf::from("x"), FORMATS).unwrap();
        assert_eq!((config.evidence.window_days, config.evidence.min_covered_days), (365, 90));
        assert_eq!(config.at(&config.output.dir), PathBuf::from("x/out"));
    }
}
