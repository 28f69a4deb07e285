//! Finds input files and unpacks them: folders, globs, gzip and zstd by their magic bytes. Knows no formats.

use std::fs::File;
use std::io::{BufRead, BufReader, Cursor};
use std::path::{Path, PathBuf};

use chrono::{DateTime, NaiveDate};
use globset::GlobBuilder;
use walkdir::WalkDir;

use crate::config::{Config, Source};
use crate::error::{Error, Result};

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

fn finish(mut finds: Finds) -> Finds {
    finds.files.sort();
    finds.files.dedup();
    finds
}

fn glob(config: &Config, pattern: &str, finds: &mut Finds) {
    let wild = |part: &str| part.contains(['*', '?', '[', '{']);
    // `landing//cucm/./*` is `landing/cucm/*`: the glob is matched against paths put together from components.
    let tidy: PathBuf = Path::new(pattern).components().collect();
    let pattern = &*tidy.to_string_lossy();
    let fixed: PathBuf =
        Path::new(pattern).components().take_while(|c| !wild(&c.as_os_str().to_string_lossy())).collect();
    let base = config.at(&fixed);
    if !wild(pattern) {
        match base.metadata() {
            Ok(_) => walk(config, &base, |_| true, finds),
            Err(error) => finds.errors.push(Error::io(&base)(error)),
        }
        return;
    }
    // Only the pattern is a glob; the folder of the configuration may have brackets in its name.
    match GlobBuilder::new(pattern).literal_separator(true).build() {
        Ok(glob) => {
            let matcher = glob.compile_matcher();
            let base = if base.as_os_str().is_empty() { PathBuf::from(".") } else { base };
            walk(config, &base, |path| matcher.is_match(below(config, path)), finds);
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

impl Found {
    /// File name without its folders and without the packer's suffix, as the platform wrote it.
    pub fn file_name(&self) -> &str {
        let name = self.name.rsplit('/').next().unwrap_or(&self.name);
        [".gz", ".zst"].iter().find_map(|suffix| name.strip_suffix(suffix)).unwrap_or(name)
    }

    /// The unpacked text, from its start.
    pub fn open(&self) -> Result<Box<dyn BufRead>> {
        let mut file = BufReader::with_capacity(1 << 18, File::open(&self.path).map_err(Error::io(&self.path))?);
        let head = file.fill_buf().map_err(Error::io(&self.path))?;
        let mut text: Box<dyn BufRead> = match head {
            [0x1f, 0x8b, ..] => Box::new(BufReader::with_capacity(1 << 18, flate2::bufread::MultiGzDecoder::new(file))),
            [0x28, 0xb5, 0x2f, 0xfd, ..] => {
                let decoder = zstd::stream::read::Decoder::with_buffer(file).map_err(Error::io(&self.path))?;
                Box::new(BufReader::with_capacity(1 << 18, decoder))
            }
            [b'P', b'K', 3, 4, ..] => return Err(self.refused("a zip archive", "unpack it first")),
            _ => Box::new(file),
        };
        match is_tar(text.fill_buf().map_err(|e| self.unreadable(e))?) {
            true => Err(self.refused("a tar archive", "unpack it first")),
            false => Ok(text),
        }
    }

    /// Reads the whole text once: its size, its fingerprint, and the text itself if it is no longer than `keep`.
    pub fn fingerprint(&self, keep: usize) -> Result<Fingerprint> {
        let mut text = self.open()?;
        let mut hasher = blake3::Hasher::new();
        let mut kept = Vec::new();
        let mut size = 0;
        loop {
            let some = text.fill_buf().map_err(|e| self.unreadable(e))?;
            if some.is_empty() {
                break;
            }
            hasher.update(some);
            size += some.len();
            if size <= keep {
                kept.extend_from_slice(some);
            } else {
                kept = Vec::new();
            }
            let used = some.len();
            text.consume(used);
        }
        let content = (size <= keep).then_some(kept);
        Ok(Fingerprint { hash: hasher.finalize(), size: size as u64, content })
    }

    /// The last day a record in it can be from, by the file's own time.
    pub fn modified_on(&self) -> Result<NaiveDate> {
        let modified = self.path.metadata().and_then(|m| m.modified()).map_err(Error::io(&self.path))?;
        Ok(DateTime::<chrono::Utc>::from(modified).date_naive())
    }

    /// An error met while unpacking, in words that help.
    pub fn unreadable(&self, error: std::io::Error) -> Error {
        match error.kind() {
            std::io::ErrorKind::UnexpectedEof | std::io::ErrorKind::InvalidInput | std::io::ErrorKind::InvalidData => {
                self.refused("the compressed file is cut short or damaged", "deliver it again; nothing of it was kept")
            }
            _ => Error::io(&self.path)(error),
        }
    }

    fn refused(&self, what: &str, hint: &'static str) -> Error {
        Error::Input { path: self.path.clone(), what: what.into(), hint }
    }
}

fn is_tar(head: &[u8]) -> bool {
    head.get(257..262) == Some(b"ustar")
}

/// An input's identity: its unpacked bytes, whatever the file is called and however it was packed.
#[derive(Debug)]
pub struct Fingerprint {
    pub hash: blake3::Hash,
    pub size: u64,
    /// The text, where it is short enough to keep.
    pub content: Option<Vec<u8>>,
}

impl Fingerprint {
    /// Key of the input's row: 63 bits of a hash of its source and content. Two platforms may write the same bytes.
    pub fn input_id(&self, source: &str) -> i64 {
        let both = blake3::Hasher::new().update(source.as_bytes()).update(self.hash.as_bytes()).finalize();
        let mut first = [0; 8];
        first.copy_from_slice(&both.as_bytes()[..8]);
        (u64::from_le_bytes(first) >> 1) as i64
    }

    /// The text again: from memory, or unpacked once more.
    pub fn open<'a>(&'a self, found: &Found) -> Result<Box<dyn BufRead + 'a>> {
        match &self.content {
            Some(text) => Ok(Box::new(Cursor::new(text))),
            None => Ok(found.open()?),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn workspace() -> (tempfile::TempDir, Config) {
        let dir = tempfile::tempdir().unwrap();
        let text = "[lake]\npath = \"lake\"\n[[source]]\nname = \"a\"\nformat = \"cisco-cucm\"\npaths = [\"landing/**\"]\ntimezone = \"Europe/London\"\n";
        let config = Config::parse(text, "onhook.toml", dir.path().to_path_buf(), &["cisco-cucm"]).unwrap();
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

    #[test]
    fn a_packed_file_has_the_identity_of_what_is_in_it() {
        let (dir, config) = workspace();
        let text = b"one\ntwo\n".repeat(1000);
        write(&dir, "landing/plain", &text);
        let mut gz = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::default());
        std::io::Write::write_all(&mut gz, &text).unwrap();
        let gz = gz.finish().unwrap();
        write(&dir, "landing/packed.gz", &gz);
        write(&dir, "landing/packed.zst", &zstd::encode_all(&text[..], 3).unwrap());
        write(&dir, "landing/torn.gz", &gz[..gz.len() / 2]);
        let files = source_files(&config, &config.sources[0]).files;
        let prints: Vec<_> = files.iter().map(|f| f.fingerprint(100)).collect();
        let [gz, zst, plain, torn] = &prints[..] else { panic!("{files:?}") };
        let hash = blake3::hash(&text);
        for print in [gz, zst, plain] {
            assert_eq!(print.as_ref().unwrap().hash, hash);
            assert!(print.as_ref().unwrap().content.is_none(), "longer than it may keep");
        }
        assert!(torn.as_ref().unwrap_err().to_string().contains("cut short"));
        assert_eq!(files[0].file_name(), "packed");
    }
}
