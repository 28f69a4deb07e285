//! Everything of the estate but its records: `onhook.toml` with a source for each format, the register, the trunks and
//! the truth. It only writes down what the deliveries say.

use std::fs;
use std::path::Path;

use super::scene::Scene;
use super::truth::Field;
use super::{Delivery, truth_columns};
use crate::error::{Error, Result};

pub fn write(scene: &Scene, deliveries: &[Delivery], out: &Path) -> Result<()> {
    let estate = out.join("estate");
    fs::create_dir_all(&estate).map_err(Error::io(&estate))?;
    let config = out.join("onhook.toml");
    fs::write(&config, toml(scene, deliveries)).map_err(Error::io(&config))?;
    let register = deliveries.iter().flat_map(|delivery| {
        scene.phones.iter().map(|phone| {
            let ddi = phone.ddi.clone().unwrap_or_default();
            [delivery.source.to_string(), phone.extension.clone(), ddi, phone.kind.into(), phone.use_.into()].to_vec()
        })
    });
    table(&estate.join("extensions.csv"), &["source", "extension", "ddi", "device_kind", "use"], register)?;
    let trunks = deliveries.iter().flat_map(|delivery| {
        delivery
            .trunks
            .iter()
            .map(|[trunk, kind, party]| [delivery.source, *trunk, *kind, *party].map(String::from).to_vec())
    });
    table(&estate.join("trunks.csv"), &["source", "trunk", "kind", "party"], trunks)?;
    let truth = deliveries.iter().flat_map(|delivery| {
        delivery.rows().map(|leg| {
            let mut row = vec![delivery.source.to_string()];
            row.extend(Field::ALL.iter().map(|field| leg.get(*field).to_string()));
            row.push(leg.call.to_string());
            row
        })
    });
    table(&out.join("truth.csv"), &truth_columns(), truth)
}

fn toml(scene: &Scene, deliveries: &[Delivery]) -> String {
    let mut text = format!(
        "# An invented estate of {} extensions, seed {}: the same calls in every format that onhook reads.\n\
         # Nobody and no number in it is real. truth.csv holds the leg that each record must become.\n\n\
         [lake]\npath = \"lake\"\n\n",
        scene.phones.len(),
        scene.seed
    );
    for Delivery { source, format, config, .. } in deliveries {
        text += &format!(
            r#"[[source]]
name = "{source}"
format = "{format}"
paths = ["landing/{source}/**"]
timezone = "Europe/London"
outside_prefix = "9"
extensions = ["60[0-3]XX"]
ddi = [{{ range = "+442079460[0-3]XX", extension_digits = 5 }}]
{config}
"#
        );
    }
    text + "[estate]\nextensions = \"estate/extensions.csv\"\ntrunks = \"estate/trunks.csv\"\n\n\
            [evidence]\nas_of = \"2024-04-04\"\nwindow_days = 10\nmin_covered_days = 5\n"
}

fn table(path: &Path, heading: &[&str], rows: impl Iterator<Item = Vec<String>>) -> Result<()> {
    let mut text = csv::Writer::from_writer(Vec::new());
    let failed = |error: csv::Error| Error::io(path)(std::io::Error::other(error));
    text.write_record(heading).map_err(failed)?;
    for row in rows {
        text.write_record(&row).map_err(failed)?;
    }
    let text = text.into_inner().map_err(|error| Error::io(path)(std::io::Error::other(error.to_string())))?;
    fs::write(path, text).map_err(Error::io(path))
}
