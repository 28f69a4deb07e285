//! Standing answers: the few views that every report stands on, and the reports that look at the whole window call by
//! call, worked out once after a load and kept beside the lake. An answer is told by all it depends on and is never changed; where anything differs, the view itself is asked. They
//! hold nothing that the lake does not, and may be deleted at any time.

use std::path::{Path, PathBuf};

use arrow::array::RecordBatch;
use arrow::util::pretty::pretty_format_batches;
use parquet::arrow::ArrowWriter;
use parquet::arrow::arrow_reader::ParquetRecordBatchReaderBuilder;

use super::{Answer, REPORTS, VIEWS};
use crate::config::Evidence;
use crate::error::{Error, Result};

/// The views that are kept, each before those that stand on it: they sum up the whole window, and are small.
pub const STANDING: [&str; 7] =
    ["missing_hours", "coverage_days", "blind_spots", "subject_use", "verdicts", "site_days", "site_weeks"];

/// The reports that are kept, as they answer without parameters.
pub const STANDING_REPORTS: [&str; 16] = [
    "answer-times",
    "busy-hour",
    "circuits",
    "concurrent-calls",
    "coverage-hours",
    "emergency-calls",
    "extension-usage",
    "incidents",
    "legacy-use",
    "platform-share",
    "register-findings",
    "third-parties",
    "unknown-extensions",
    "usage-bands",
    "voice-quality",
    "voicemail-use",
];

/// Folder of the lake with the answers.
const FOLDER: &str = "standing";

/// Where the answers to one state of lake, settings and rules are.
pub struct Standing {
    folder: PathBuf,
    key: String,
}

impl Standing {
    /// `files` are the names and sizes of all data files that are read; `tables` the tables that are no files.
    pub fn of(lake: &Path, files: &[(String, u64)], evidence: &Evidence, tables: &[&RecordBatch]) -> Result<Self> {
        let broken =
            |e: arrow::error::ArrowError| Error::Render { what: format!("the key of the standing answers: {e}") };
        let mut hasher = blake3::Hasher::new();
        let mut part = |text: &str| {
            hasher.update(&(text.len() as u64).to_le_bytes());
            hasher.update(text.as_bytes());
        };
        part(env!("CARGO_PKG_VERSION"));
        for (name, size) in files {
            part(name);
            part(&size.to_string());
        }
        part(&format!("{evidence:?}"));
        for rows in tables {
            // Every cell: what is printed for people to debug by leaves out the middle of a long column.
            part(&pretty_format_batches(std::slice::from_ref(*rows)).map_err(broken)?.to_string());
        }
        VIEWS.iter().chain(REPORTS.iter()).for_each(|query| part(&query.sql));
        Ok(Self { folder: lake.join(FOLDER), key: hasher.finalize().to_hex()[..16].to_string() })
    }

    /// Whether there is a kept answer of a view or a report.
    pub fn has(&self, name: &str) -> bool {
        (STANDING.contains(&name) || STANDING_REPORTS.contains(&name)) && self.path(name).is_file()
    }

    /// The kept answer, rows in their order. None where there is none, or where it cannot be read: then the view is asked.
    pub fn read(&self, name: &str) -> Option<Answer> {
        let file = std::fs::File::open(self.path(name)).ok().filter(|_| self.has(name))?;
        let rows = ParquetRecordBatchReaderBuilder::try_new(file).ok()?;
        let schema = rows.schema().clone();
        let batches = rows.build().ok()?.collect::<Result<_, _>>().ok()?;
        Some(Answer { schema, batches })
    }

    /// Keeps an answer, at one stroke.
    pub fn keep(&self, view: &str, answer: &Answer) -> Result<()> {
        std::fs::create_dir_all(&self.folder).map_err(Error::io(&self.folder))?;
        let path = self.path(view);
        let draft = path.with_extension("new");
        let broken = |e: parquet::errors::ParquetError| Error::io(&draft)(std::io::Error::other(e));
        let mut writer = ArrowWriter::try_new(Vec::new(), answer.schema.clone(), None).map_err(broken)?;
        answer.batches.iter().try_for_each(|rows| writer.write(rows)).map_err(broken)?;
        std::fs::write(&draft, writer.into_inner().map_err(broken)?).map_err(Error::io(&draft))?;
        std::fs::rename(&draft, &path).map_err(Error::io(&path))
    }

    /// Removes answers to other states; a reader that looks for one in that moment asks the view.
    pub fn tidy(&self) -> Result<()> {
        for entry in self.folder.read_dir().map_err(Error::io(&self.folder))? {
            let path = entry.map_err(Error::io(&self.folder))?.path();
            let is_ours = path.file_name().is_some_and(|name| name.to_string_lossy().starts_with(&self.key));
            let is_draft = path.extension().is_some_and(|end| end == "new");
            if path.is_file() && (!is_ours || is_draft) {
                std::fs::remove_file(&path).map_err(Error::io(&path))?;
            }
        }
        Ok(())
    }

    /// The file of a kept answer.
    pub fn path(&self, name: &str) -> PathBuf {
        self.folder.join(format!("{}-{name}.parquet", self.key))
    }
}
