//! What can go wrong, for a person to read: one line that says what and where, and a hint that says what next.
//! Bad records are not errors (`read::Reject`); neither are counts that need a person (`commands::Verdict`).

use std::path::{Path, PathBuf};

pub type Result<T, E = Error> = std::result::Result<T, E>;

/// An error that ends the command it meets (exit code 2), unless the caller can carry on without the thing.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// A file or folder could not be opened, read or written.
    #[error("{}: {}", path.display(), plain(source))]
    Io { path: PathBuf, source: std::io::Error },
    /// An input that its reader cannot take as a whole.
    #[error("{}: {what}", path.display())]
    Input { path: PathBuf, what: String, hint: &'static str },
    /// `onhook.toml`, `case.toml` or a flag. `place` is file, line and key as far as they are known.
    #[error("{place}: {what}")]
    Config { place: String, what: String, hint: String },
    /// A row of the register or of one of its companions. `place` is `file:line, column`.
    #[error("{place}: {what}")]
    Estate { place: String, what: String, hint: String },
    /// A query, its header or its parameters.
    #[error("query {name}: {what}")]
    Query { name: String, what: String, hint: String },
    /// The lake: not ours, newer than we are, or its log would not take a commit.
    #[error("lake {place}: {what}")]
    Lake { place: String, what: String, hint: String },
    /// Another run holds the lake for writing; `holder` is who that says it is, where it says so.
    #[error("lake {place}: another run is writing to it{}{holder}", if holder.is_empty() { "" } else { ": " })]
    Busy { place: String, holder: String, hint: String },
    /// A cluster that a query was to run on: not there, or lost on the way.
    #[error("cluster {place}: {what}")]
    Cluster { place: String, what: String, hint: String },
    /// The business case cannot be worked out from what it was given.
    #[error("{place}: {what}")]
    Case { place: String, what: String, hint: String },
    /// A server of another program, which cannot be reached or will not have what it was given.
    #[error("{place}: {what}")]
    Server { place: String, what: String, hint: String },
    /// A question that somebody no longer wants answered.
    #[error("interrupted")]
    Interrupted,
    /// An output could not be made (a chart, the page, the workbook).
    #[error("{what}")]
    Render { what: String },
}

impl Error {
    /// For `map_err`: an I/O error that names its path.
    pub fn io(path: impl AsRef<Path>) -> impl FnOnce(std::io::Error) -> Self {
        let path = path.as_ref().to_path_buf();
        move |source| Self::Io { path, source }
    }

    /// What the person can do next; empty where the message already says it.
    pub fn hint(&self) -> &str {
        match self {
            Self::Io { source, .. } => match source.kind() {
                std::io::ErrorKind::NotFound => "check the path; paths in onhook.toml are relative to it",
                std::io::ErrorKind::PermissionDenied => "give the user that runs onhook permission to it",
                std::io::ErrorKind::StorageFull => "free some space and run it again; nothing was lost",
                _ => "",
            },
            Self::Input { hint, .. } => hint,
            Self::Config { hint, .. }
            | Self::Estate { hint, .. }
            | Self::Query { hint, .. }
            | Self::Lake { hint, .. }
            | Self::Server { hint, .. }
            | Self::Cluster { hint, .. }
            | Self::Busy { hint, .. }
            | Self::Case { hint, .. } => hint,
            Self::Interrupted | Self::Render { .. } => "",
        }
    }
}

/// `No such file or directory (os error 2)` without the number, which helps nobody.
fn plain(source: &std::io::Error) -> String {
    let text = source.to_string();
    match text.find(" (os error") {
        Some(at) => text[..at].to_string(),
        None => text,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_io_error_names_its_path_and_says_what_next() {
        let error = Error::io("landing/x")(std::io::Error::from_raw_os_error(2));
        assert_eq!(error.to_string(), "landing/x: No such file or directory");
        assert!(error.hint().starts_with("check the path"));
    }
}
