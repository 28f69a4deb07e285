//! Finds input files: folders and globs. What is in them is `unpack`'s business. Knows no formats.

mod unpack;

use std::path::{Path, PathBuf};

use globset::{GlobBuilder, GlobMatcher};
use walkdir::WalkDir;

use crate::config::{Config, Source};
use crate::error::Error;
pub use unpack::{Limits, Text, input_id};

/// A file that may be an input.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Found {
    /// How it is called in `inputs` and in messages: relative to the configuration where it lies under it, with `/`.
    pub name: String,
    pub path: PathBuf,
}

/// What was found, and what could not be looked at.
#[derive(Debug, Default)]
pub struct Finds {
    /// By name, each file once.
    pub files: Vec<Found>,
    pub errors: Vec<Error>,
}

/// The files of a source's `paths`.
pub fn source_files(config: &Config, source: &Source) -> Finds {
    let mut finds = Finds::default();
    for pattern in &source.paths {
        glob(config, pattern, &mut finds);
    }
    finish(finds)
}

/// The files under paths given by hand.
pub fn path_files(config: &Config, paths: &[PathBuf]) -> Finds {
    let mut finds = Finds::default();
    for path in paths {
        match path.metadata() {
            Ok(_) => walk(config, path, |_| true, &mut finds),
            Err(error) => finds.errors.push(Error::io(path)(error)),
        }
    }
    finish(finds)
}

/// Whether a file of that name (as [`Found::name`], or within it) lies where the source's `paths` look.
pub fn covers(source: &Source, name: &str) -> bool {
    let name = Path::new(name);
    source.paths.iter().any(|pattern| {
        let pattern = tidy(pattern);
        match compiled(&pattern) {
            Ok(Some(glob)) => name.ancestors().any(|part| glob.is_match(part)),
            Ok(None) => name.starts_with(&pattern),
            Err(_) => false,
        }
    })
}

fn finish(mut finds: Finds) -> Finds {
    finds.files.sort();
    finds.files.dedup();
    finds
}

/// `landing//cucm/./*` is `landing/cucm/*`: the glob is matched against paths put together from components.
fn tidy(pattern: &str) -> String {
    Path::new(pattern).components().collect::<PathBuf>().to_string_lossy().into_owned()
}

fn is_wild(part: &str) -> bool {
    part.contains(['*', '?', '[', '{'])
}

/// `None` for a plain path.
fn compiled(pattern: &str) -> Result<Option<GlobMatcher>, globset::Error> {
    match is_wild(pattern) {
        true => Ok(Some(GlobBuilder::new(pattern).literal_separator(true).build()?.compile_matcher())),
        false => Ok(None),
    }
}

fn glob(config: &Config, pattern: &str, finds: &mut Finds) {
    let tidied = tidy(pattern);
    let fixed: PathBuf =
        Path::new(&tidied).components().take_while(|c| !is_wild(&c.as_os_str().to_string_lossy())).collect();
    // Only the pattern is a glob; the folder of the configuration may have brackets in its name.
    let base = config.at(&fixed);
    match compiled(&tidied) {
        Ok(None) => match base.metadata() {
            Ok(_) => walk(config, &base, |_| true, finds),
            Err(error) => finds.errors.push(Error::io(&base)(error)),
        },
        Ok(Some(glob)) => {
            let base = if base.as_os_str().is_empty() { PathBuf::from(".") } else { base };
            walk(config, &base, |path| glob.is_match(below(config, path)), finds);
        }
        Err(error) => finds.errors.push(Error::Config {
            place: format!("paths {pattern:?}"),
            what: error.kind().to_string(),
            hint: "a glob is like landing/cucm/**/*.gz".into(),
        }),
    }
}

fn walk(config: &Config, base: &Path, wanted: impl Fn(&Path) -> bool, finds: &mut Finds) {
    for entry in WalkDir::new(base).sort_by_file_name() {
        let entry = match entry {
            Ok(entry) => entry,
            Err(error) => {
                let path = error.path().unwrap_or(base).to_path_buf();
                finds.errors.push(Error::io(path)(error.into()));
                continue;
            }
        };
        let path = entry.path();
        // A landing folder that is itself a link is where the operator put it.
        let is_folder = entry.file_type().is_dir() || (entry.depth() == 0 && path.is_dir());
        if is_folder || !wanted(path) {
            continue;
        }
        if entry.file_type().is_symlink() && !stays_inside(base, path) {
            finds.errors.push(Error::Input {
                path: path.to_path_buf(),
                what: "a link that leads out of its folder".into(),
                hint: "deliver the file itself, or add the folder it lies in to `paths`",
            });
            continue;
        }
        if !path.is_file() {
            finds.errors.push(Error::Input {
                path: path.to_path_buf(),
                what: "neither a file nor a folder".into(),
                hint: "take it out of the landing folder",
            });
            continue;
        }
        let name =
            below(config, path).components().map(|c| c.as_os_str().to_string_lossy()).collect::<Vec<_>>().join("/");
        finds.files.push(Found { name: name.replace("//", "/"), path: path.to_path_buf() });
    }
}

/// The path as the configuration would write it: without its folder where it lies under that.
fn below<'p>(config: &Config, path: &'p Path) -> &'p Path {
    let path = path.strip_prefix(&config.folder).unwrap_or(path);
    path.strip_prefix(".").unwrap_or(path)
}

fn stays_inside(base: &Path, link: &Path) -> bool {
    match (base.canonicalize(), link.canonicalize()) {
        (Ok(base), Ok(target)) => target.starts_with(base) && target.is_file(),
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn workspace() -> (tempfile::TempDir, Config) {
        let dir = tempfile::tempdir().unwrap();
        let text = "[lake]\npath = \"lake\"\n[[source]]\nname = \"a\"\nformat = \"cisco-cucm\"\npaths = [\"landing/**\"]\ntimezone = \"Europe/London\"\n";
        let config = Config::parse(
            text,
            "onhook.toml",
            dir.path().to_path_buf(),
            &[crate::layout::Format { id: "cisco-cucm", keys: &[] }],
        )
        .unwrap();
        std::fs::create_dir_all(dir.path().join("landing/deep/.hidden")).unwrap();
        (dir, config)
    }

    fn write(dir: &tempfile::TempDir, name: &str, bytes: &[u8]) {
        std::fs::write(dir.path().join(name), bytes).unwrap();
    }

    #[test]
    fn every_file_below_is_found_hidden_ones_too_each_once_and_in_order() {
        let (dir, mut config) = workspace();
        for name in ["landing/b", "landing/deep/a", "landing/deep/.hidden/c", "other"] {
            write(&dir, name, b"x");
        }
        config.sources[0].paths.push("landing/deep/a".into());
        let finds = source_files(&config, &config.sources[0]);
        let names: Vec<_> = finds.files.iter().map(|f| f.name.as_str()).collect();
        assert_eq!(names, ["landing/b", "landing/deep/.hidden/c", "landing/deep/a"]);
        assert!(finds.errors.is_empty());
    }

    #[cfg(unix)]
    #[test]
    fn a_link_out_of_its_folder_is_reported_and_not_followed() {
        let (dir, config) = workspace();
        write(&dir, "secret", b"x");
        std::os::unix::fs::symlink(dir.path().join("secret"), dir.path().join("landing/link")).unwrap();
        let finds = source_files(&config, &config.sources[0]);
        assert!(finds.files.is_empty());
        assert!(finds.errors[0].to_string().contains("leads out of its folder"));
    }

    #[test]
    fn a_glob_is_only_the_pattern() {
        let (dir, mut config) = workspace();
        let odd = dir.path().join("estate [2024]");
        std::fs::create_dir_all(odd.join("landing/cucm")).unwrap();
        std::fs::write(odd.join("landing/cucm/a.log"), b"x").unwrap();
        std::fs::write(odd.join("b.log"), b"x").unwrap();
        config.folder = odd.clone();
        let names = |config: &Config, pattern: &str| -> Vec<String> {
            let source = Source { paths: vec![pattern.into()], ..config.sources[0].clone() };
            let finds = source_files(config, &source);
            assert!(finds.errors.is_empty(), "{pattern}: {:?}", finds.errors);
            finds.files.into_iter().map(|f| f.name).collect()
        };
        for pattern in ["landing/**", "landing//cucm/*", "landing/./cucm/*.log", "**/a.log"] {
            assert_eq!(names(&config, pattern), ["landing/cucm/a.log"], "{pattern}");
        }
        assert_eq!(names(&config, "*.log"), ["b.log"]);
        let absolute = dir.path().join("landing/*").to_string_lossy().into_owned();
        write(&dir, "landing/c", b"x");
        assert_eq!(names(&config, &absolute).len(), 1);
    }
}
