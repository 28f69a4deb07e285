//! One invented estate written in every format at once, with the legs that reading must give beside it. The writers
//! follow the vendors' pages and not the readers, so that each checks the other; they decide nothing about calls.

mod asterisk;
mod avaya;
mod billing;
mod cisco;
mod estate;
mod freeswitch;
mod graph;
mod ipoffice;
mod mapped;
mod mitel;
mod scene;
mod teams;
mod truth;

use std::collections::BTreeSet;
use std::fs::{self, File};
use std::io::Write as _;
use std::path::Path;
use std::time::{Duration, UNIX_EPOCH};

use chrono::{Days, NaiveDate, NaiveTime};

use crate::error::{Error, Result};
use scene::Scene;
use truth::{Field, Leg};

/// What was written for each source.
#[derive(Clone, Debug)]
pub struct EveryFormat {
    pub sources: Vec<FormatSummary>,
}

#[derive(Clone, Debug)]
pub struct FormatSummary {
    pub source: &'static str,
    pub format: &'static str,
    /// Records of calls, each a row of `truth.csv`.
    pub legs: u64,
    /// Human calls behind them.
    pub calls: u64,
    /// Whether the format says which of its records are one call.
    pub stitches: bool,
}

/// Heading of `truth.csv`: `source`, the columns of `legs` that are compared (a blank is null, `-` is open), and `call`,
/// the same number in all rows of one human call of any source.
pub fn truth_columns() -> Vec<&'static str> {
    let mut columns = vec!["source"];
    columns.extend(Field::ALL.iter().map(|field| field.name()));
    columns.push("call");
    columns
}

/// Writes the estate into `out`, which must not have a landing folder yet.
///
/// # Errors
/// When there is one, or a file cannot be written.
pub fn generate_every_format(seed: u64, out: &Path) -> Result<EveryFormat> {
    let landing = out.join("landing");
    if landing.exists() {
        return Err(Error::Config {
            place: landing.display().to_string(),
            what: "is there already".into(),
            hint: "name another folder, or remove it first".into(),
        });
    }
    let scene = Scene::new(seed);
    let deliveries = deliveries(&scene)?;
    for delivery in &deliveries {
        for file in &delivery.files {
            file.save(&landing.join(delivery.source))?;
        }
    }
    estate::write(&scene, &deliveries, out)?;
    let sources = deliveries.iter().map(|delivery| FormatSummary {
        source: delivery.source,
        format: delivery.format,
        legs: delivery.legs.len() as u64,
        calls: delivery.legs.iter().map(|leg| leg.call).collect::<BTreeSet<_>>().len() as u64,
        stitches: delivery.stitches,
    });
    Ok(EveryFormat { sources: sources.collect() })
}

fn deliveries(scene: &Scene) -> Result<Vec<Delivery>> {
    Ok(vec![
        cisco::write(scene),
        mitel::write(scene),
        avaya::customised(scene),
        avaya::teleseer(scene),
        ipoffice::write(scene),
        teams::write(scene)?,
        graph::write(scene),
        billing::fcs(scene),
        billing::bt(scene),
        asterisk::write(scene),
        freeswitch::write(scene),
        mapped::write(scene),
    ])
}

/// One source: what its platform delivers and what reading that must give.
struct Delivery {
    source: &'static str,
    format: &'static str,
    /// Further lines of its `[[source]]`.
    config: String,
    /// Rows of `trunks.csv`: trunk, kind, party.
    trunks: Vec<[&'static str; 3]>,
    files: Vec<Delivered>,
    legs: Vec<Leg>,
    /// Columns that the format cannot carry, or whose content its page leaves to the reader, and why.
    untold: &'static [(&'static [Field], &'static str)],
    stitches: bool,
}

/// A file as it lands.
struct Delivered {
    name: String,
    bytes: Vec<u8>,
    /// Last day in it; it is dated the morning after.
    last_day: NaiveDate,
}

impl Delivery {
    /// The rows as they are compared: what the format cannot tell is open in all of them.
    fn rows(&self) -> impl Iterator<Item = Leg> {
        let untold: Vec<Field> = self.untold.iter().flat_map(|(fields, _)| fields.iter().copied()).collect();
        self.legs.iter().map(move |leg| leg.clone().open(&untold))
    }
}

impl Delivered {
    fn new(name: impl Into<String>, bytes: impl Into<Vec<u8>>, last_day: NaiveDate) -> Self {
        Self { name: name.into(), bytes: bytes.into(), last_day }
    }

    /// `name` may have a folder before it.
    fn save(&self, folder: &Path) -> Result<()> {
        let path = folder.join(&self.name);
        let write = || {
            if let Some(folder) = path.parent() {
                fs::create_dir_all(folder)?;
            }
            let mut file = File::create(&path)?;
            file.write_all(&self.bytes)?;
            let morning = (self.last_day + Days::new(1)).and_time(NaiveTime::MIN).and_utc().timestamp() + 6 * 3_600;
            file.set_modified(UNIX_EPOCH + Duration::from_secs(morning.unsigned_abs()))
        };
        write().map_err(Error::io(&path))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_same_seed_gives_the_same_bytes_and_every_source_a_truth() {
        let folders = [tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap()];
        let made = folders.each_ref().map(|folder| generate_every_format(4, folder.path()).unwrap());
        for source in &made[0].sources {
            assert!(source.legs > 50 && source.calls > 50, "{source:?}");
        }
        let scene = Scene::new(4);
        for file in deliveries(&scene).unwrap().iter().flat_map(|d| &d.files) {
            assert!(file.bytes.len() > 1_000, "{}", file.name);
        }
        for name in ["onhook.toml", "truth.csv", "estate/trunks.csv", "estate/extensions.csv"] {
            let [one, two] = folders.each_ref().map(|folder| fs::read(folder.path().join(name)).unwrap());
            assert!(one == two && !one.is_empty(), "{name}");
        }
        let truth = fs::read_to_string(folders[0].path().join("truth.csv")).unwrap();
        assert_eq!(truth.lines().count() as u64, 1 + made[0].sources.iter().map(|s| s.legs).sum::<u64>());
        assert!(generate_every_format(4, folders[0].path()).unwrap_err().to_string().contains("is there already"));
    }
}
