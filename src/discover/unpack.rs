//! What is in a file: its text, or the texts in it where it is an archive, of any depth up to a limit. Goes by magic
//! bytes, never by names; names in archives are told and never used as paths. Knows no formats and no sources.

mod counted;

use std::cell::Cell;
use std::fs::File;
use std::io::{BufRead, BufReader, Cursor, Read, Seek, SeekFrom, Write};
use std::path::{Path, PathBuf};
use std::rc::Rc;
use std::sync::{Arc, Mutex, PoisonError};

use chrono::{DateTime, NaiveDate, Utc};

use super::Found;
use crate::error::{Error, Result};
use counted::{Counted, Exactly, OverBudget};

/// How much may come out of one file. An archive bomb ends here, with what came before it kept.
#[derive(Clone, Copy, Debug)]
pub struct Limits {
    /// Packings one in another: gzip, zstd, zip and tar count one each.
    pub depth: u8,
    /// Entries of all archives in one file.
    pub entries: u64,
    /// Bytes unpacked, of all layers together.
    pub unpacked: u64,
    /// Bytes unpacked for each byte of the file, once there are more than `free` of them. Call records pack to a tenth or a
    /// fortieth; deflate cannot do more than a thousandth.
    pub ratio: u64,
    pub free: u64,
    /// A longer text is put aside on disk, and so are all texts of an archive once they are longer together.
    pub keep: usize,
    pub keep_together: usize,
    /// A line must fit in memory; a JSON document may be one line.
    pub line: u64,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            depth: 5,
            entries: 200_000,
            unpacked: 256 << 30,
            ratio: 400,
            free: 256 << 20,
            keep: 32 << 20,
            keep_together: 128 << 20,
            line: 256 << 20,
        }
    }
}

#[derive(Clone, Debug)]
struct Aside {
    file: Arc<Mutex<File>>,
    at: u64,
    left: u64,
}

impl Read for Aside {
    fn read(&mut self, buffer: &mut [u8]) -> std::io::Result<usize> {
        let most = buffer.len().min(usize::try_from(self.left).unwrap_or(usize::MAX));
        // Texts of one file are read side by side: each has its own place in it.
        let mut file = self.file.lock().unwrap_or_else(PoisonError::into_inner);
        file.seek(SeekFrom::Start(self.at))?;
        let read = file.read(&mut buffer[..most])?;
        self.at += read as u64;
        self.left -= read as u64;
        Ok(read)
    }
}

/// One text to be read: an input.
#[derive(Debug)]
pub struct Text {
    /// The file's name, and behind it the names within archives: `landing/calls.zip/PSTN.calls.csv`.
    pub name: String,
    /// Hash and count of the unpacked bytes, however they were packed; none where they are too many to be read for that.
    fingerprint: Option<(blake3::Hash, u64)>,
    /// The last day a record in it can be from, by the time the file or its archive says.
    pub modified_on: NaiveDate,
    kept: Kept,
}

#[derive(Debug)]
enum Kept {
    Memory(Vec<u8>),
    /// A part of a file without a name, which goes with the process. All long texts of an archive are in one file: an
    /// archive may have more of them than a process may have files.
    Aside(Aside),
    /// Only compressed, not archived: unpacked again for every pass.
    Again(Found, State),
}

impl Text {
    /// Name without folders and archives, and without the packer's suffix: as the platform wrote it.
    pub fn file_name(&self) -> &str {
        file_name(&self.name)
    }

    /// For messages.
    pub fn place(&self) -> PathBuf {
        PathBuf::from(&self.name)
    }

    /// The text from its start. One reader at a time.
    pub fn open(&self) -> Result<Box<dyn BufRead + '_>> {
        match &self.kept {
            Kept::Memory(text) => Ok(Box::new(Cursor::new(text))),
            Kept::Aside(aside) => Ok(Box::new(BufReader::with_capacity(1 << 18, aside.clone()))),
            Kept::Again(found, _) => found.open(),
        }
    }

    /// Whether a second pass may meet other bytes than the first.
    pub fn may_change(&self) -> bool {
        matches!(self.kept, Kept::Again(..))
    }

    /// Whether its file has the length and time it was found with: else half of what is being written may have been read.
    pub fn is_as_it_was(&self) -> bool {
        match &self.kept {
            Kept::Again(found, then) => File::open(&found.path).is_ok_and(|file| state(&file) == *then),
            Kept::Memory(_) | Kept::Aside(_) => true,
        }
    }

    /// Hash and size of its bytes, where they were read already.
    pub fn fingerprint(&self) -> Option<(blake3::Hash, u64)> {
        self.fingerprint
    }

    /// Unpacked bytes, where they were counted already.
    pub fn length(&self) -> Option<u64> {
        self.fingerprint.map(|(_, size)| size)
    }

    /// Reads it to its end for its hash.
    ///
    /// # Errors
    /// It cannot be read.
    pub fn read_fingerprint(&self) -> Result<blake3::Hash> {
        let mut hasher = blake3::Hasher::new();
        hasher.update_reader(self.open()?).map_err(|error| self.unreadable(error))?;
        Ok(hasher.finalize())
    }

    /// Whether it has more bytes than that.
    ///
    /// # Errors
    /// It cannot be read.
    pub fn is_longer_than(&self, bytes: u64) -> Result<bool> {
        if let Some((_, size)) = self.fingerprint {
            return Ok(size > bytes);
        }
        let read = std::io::copy(&mut self.open()?.take(bytes + 1), &mut std::io::sink());
        Ok(read.map_err(|error| self.unreadable(error))? > bytes)
    }

    /// An error met while unpacking it again, in words that help.
    pub fn unreadable(&self, error: std::io::Error) -> Error {
        unreadable(&self.name, error)
    }
}

/// Key of an input's row: 63 bits of a hash of its source and content. Two platforms may write the same bytes.
pub fn input_id(source: &str, hash: &blake3::Hash) -> i64 {
    let both = blake3::Hasher::new().update(source.as_bytes()).update(hash.as_bytes()).finalize();
    let mut first = [0; 8];
    first.copy_from_slice(&both.as_bytes()[..8]);
    (u64::from_le_bytes(first) >> 1) as i64
}

impl Found {
    /// File name without its folders and without the packer's suffix.
    pub fn file_name(&self) -> &str {
        file_name(&self.name)
    }

    /// The texts in the file, one after the other, and what in it could not be read. `aside` is a folder for long ones.
    pub fn texts(&self, limits: &Limits, aside: &Path) -> Vec<Result<Text>> {
        let file = match File::open(&self.path) {
            Ok(file) => file,
            Err(error) => return vec![Err(Error::io(&self.path)(error))],
        };
        let mut unpacking = match Unpacking::of(self, &file, limits, aside) {
            Ok(unpacking) => unpacking,
            Err(error) => return vec![Err(error)],
        };
        let mut packed =
            Packed { name: self.name.clone(), modified_on: unpacking.modified_on, depth: 0, in_archive: false };
        let layer = Layer::of(BufReader::with_capacity(1 << 18, &file));
        match layer {
            Ok(Layer::Zip(_)) => {
                packed.depth = 1;
                unpacking.zip(&file, &packed);
            }
            Ok(layer) => unpacking.layer(layer, packed),
            Err(error) => unpacking.failed(&self.name, error),
        }
        // What was read may be half of what is being written.
        if unpacking.state != state(&file) {
            let what = "it changed while it was read".into();
            let hint = "let the delivery finish, then run it again";
            return vec![Err(Error::Input { path: self.name.clone().into(), what, hint })];
        }
        unpacking.texts
    }

    /// The text of a file that is compressed at most.
    fn open(&self) -> Result<Box<dyn BufRead + '_>> {
        let wrong = |error| unreadable(&self.name, error);
        let file = File::open(&self.path).map_err(Error::io(&self.path))?;
        let mut text: Box<dyn BufRead> = Box::new(BufReader::with_capacity(1 << 15, file));
        loop {
            text = match Layer::of(text).map_err(wrong)? {
                Layer::Gzip(inner) => Box::new(gunzip(inner)),
                Layer::Zstd(inner) => Box::new(unzstd(inner).map_err(wrong)?),
                Layer::Text(inner) | Layer::Zip(inner) | Layer::Tar(inner) => return Ok(inner),
            }
        }
    }
}

/// What a file is under its outermost layer.
enum Layer<R> {
    Gzip(R),
    Zstd(R),
    Zip(R),
    Tar(R),
    Text(R),
}

impl Layer<()> {
    /// Bytes that tell a tar: its magic stands at 257.
    const HEAD: usize = 512;
}

impl<'a> Layer<Box<dyn BufRead + 'a>> {
    fn of(mut text: impl BufRead + 'a) -> std::io::Result<Self> {
        // A decoder may give a few bytes at a time; the head is read whole and put back.
        let mut head = Vec::with_capacity(Layer::HEAD);
        (&mut text).take(Layer::HEAD as u64).read_to_end(&mut head)?;
        let kind = match &head[..] {
            [0x1f, 0x8b, 8, ..] => Self::Gzip,
            [0x28, 0xb5, 0x2f, 0xfd, ..] => Self::Zstd,
            [b'P', b'K', 3, 4, ..] | [b'P', b'K', 5, 6, ..] => Self::Zip,
            head if head.get(257..262) == Some(b"ustar") => Self::Tar,
            _ => Self::Text,
        };
        Ok(kind(Box::new(Cursor::new(head).chain(text))))
    }
}

fn gunzip<'a>(inner: impl BufRead + 'a) -> impl BufRead + 'a {
    BufReader::with_capacity(1 << 18, flate2::bufread::MultiGzDecoder::new(inner))
}

fn unzstd<'a>(inner: impl BufRead + 'a) -> std::io::Result<impl BufRead + 'a> {
    Ok(BufReader::with_capacity(1 << 18, zstd::stream::read::Decoder::with_buffer(inner)?))
}

/// Where in the file we are.
#[derive(Clone)]
struct Packed {
    name: String,
    modified_on: NaiveDate,
    depth: u8,
    in_archive: bool,
}

impl Packed {
    fn entry(&self, name: &str, modified_on: Option<NaiveDate>) -> Self {
        Self {
            name: format!("{}/{}", self.name, tidy(name)),
            modified_on: modified_on.unwrap_or(self.modified_on),
            in_archive: true,
            ..*self
        }
    }
}

/// One file on its way out.
struct Unpacking<'a> {
    found: &'a Found,
    /// Of the file, before it was read.
    state: State,
    limits: &'a Limits,
    aside: &'a Path,
    modified_on: NaiveDate,
    /// The most bytes that may come out.
    budget: u64,
    unpacked: Rc<Cell<u64>>,
    entries: u64,
    in_memory: usize,
    /// Where long texts are, and its length.
    long: Option<(Arc<Mutex<File>>, u64)>,
    texts: Vec<Result<Text>>,
    /// A limit was met: nothing more is taken out.
    is_over: bool,
}

impl<'a> Unpacking<'a> {
    fn of(found: &'a Found, file: &File, limits: &'a Limits, aside: &'a Path) -> Result<Self> {
        let data = file.metadata().map_err(Error::io(&found.path))?;
        let modified = data.modified().map_err(Error::io(&found.path))?;
        Ok(Self {
            found,
            state: Some((data.len(), modified.into())),
            limits,
            aside,
            modified_on: DateTime::<Utc>::from(modified).date_naive(),
            budget: limits.unpacked.min(limits.free.max(data.len().saturating_mul(limits.ratio))),
            unpacked: Rc::default(),
            entries: 0,
            in_memory: 0,
            long: None,
            texts: Vec::new(),
            is_over: false,
        })
    }

    fn layer(&mut self, layer: Layer<Box<dyn BufRead + '_>>, mut packed: Packed) {
        if !matches!(layer, Layer::Text(_)) {
            packed.depth += 1;
            if packed.depth > self.limits.depth {
                return self.over(&packed.name, "packed more often than any platform does");
            }
        }
        let inner = match layer {
            Layer::Text(text) => return self.text(text, packed),
            Layer::Tar(archive) => return self.tar(archive, &packed),
            Layer::Zip(archive) => {
                // Its table of contents is at the end.
                return match self.put_aside(archive) {
                    Ok(file) => self.zip(&file, &packed),
                    Err(error) => self.failed(&packed.name, error),
                };
            }
            Layer::Gzip(inner) => Layer::of(self.counted(gunzip(inner))),
            Layer::Zstd(inner) => unzstd(inner).and_then(|inner| Layer::of(self.counted(inner))),
        };
        match inner {
            Ok(inner) => self.layer(inner, packed),
            Err(error) => self.failed(&packed.name, error),
        }
    }

    fn tar(&mut self, archive: impl Read, packed: &Packed) {
        let mut archive = tar::Archive::new(archive);
        // Goes on behind the end mark: archives put one behind the other are read to the last, and so is the checksum of
        // what they are packed in.
        archive.set_ignore_zeros(true);
        let entries = match archive.entries() {
            Ok(entries) => entries,
            Err(error) => return self.failed(&packed.name, error),
        };
        for entry in entries {
            let entry = match entry {
                Ok(entry) => entry,
                // Where one entry ends badly, nobody knows where the next begins.
                Err(error) => return self.failed(&packed.name, error),
            };
            let kind = entry.header().entry_type();
            let name = String::from_utf8_lossy(&entry.path_bytes()).into_owned();
            let seconds = entry.header().mtime().ok().and_then(|s| i64::try_from(s).ok());
            let modified_on = seconds.and_then(|s| DateTime::from_timestamp(s, 0)).map(|t| t.date_naive());
            let packed = packed.entry(&name, modified_on.filter(is_plausible));
            if kind.is_dir() || kind.is_pax_global_extensions() {
                continue;
            }
            if !(kind.is_file() || kind.is_contiguous() || kind.is_gnu_sparse()) {
                self.refuse(&packed.name, "a link or a device in an archive", "deliver the file itself");
                continue;
            }
            let left = entry.size();
            if !self.next(&packed, &name, Exactly { inner: entry, left }) {
                return;
            }
        }
    }

    fn zip(&mut self, file: &File, packed: &Packed) {
        let mut archive = match zip::ZipArchive::new(BufReader::new(file)) {
            Ok(archive) => archive,
            Err(error) => return self.failed(&packed.name, error.into()),
        };
        // The library finds entries by name; of two with one name it knows one.
        if entry_count(file).is_some_and(|count| count != archive.len()) {
            let what = "two of its entries have one name, and only one of them can be read";
            self.refuse(&packed.name, what, "pack it again, each file under a name of its own");
        }
        for at in 0..archive.len() {
            let entry = match archive.by_index(at) {
                Ok(entry) => entry,
                Err(error) => {
                    let name = format!("{}/entry {}", packed.name, at + 1);
                    match error {
                        zip::result::ZipError::UnsupportedArchive(what) if what.contains("assword") => {
                            self.refuse(&name, "locked with a password", "deliver it unlocked");
                        }
                        error => self.failed(&name, error.into()),
                    }
                    continue;
                }
            };
            let name = String::from_utf8_lossy(entry.name_raw()).into_owned();
            let date = entry.last_modified();
            let date = date.and_then(|d| NaiveDate::from_ymd_opt(d.year().into(), d.month().into(), d.day().into()));
            let packed = packed.entry(&name, date.filter(is_plausible));
            if entry.is_dir() || name.starts_with("__MACOSX/") {
                continue;
            }
            if entry.is_symlink() {
                self.refuse(&packed.name, "a link in an archive", "deliver the file itself");
                continue;
            }
            if !self.next(&packed, &name, entry) {
                return;
            }
        }
    }

    /// Goes on with an entry; false once a limit was met.
    fn next(&mut self, packed: &Packed, name: &str, entry: impl Read) -> bool {
        self.entries += 1;
        if self.entries > self.limits.entries {
            self.over(&packed.name, "more entries than any delivery has");
        } else if name.contains('\0') {
            self.refuse(&packed.name, "a name that is none", "pack the file again");
        } else {
            match Layer::of(BufReader::with_capacity(1 << 16, self.counted(entry))) {
                Ok(layer) => self.layer(layer, packed.clone()),
                Err(error) => self.failed(&packed.name, error),
            }
        }
        !self.is_over
    }

    /// Reads the whole text once, for its fingerprint, and keeps it where the next pass finds it.
    fn text(&mut self, mut text: impl BufRead, packed: Packed) {
        let mut hasher = blake3::Hasher::new();
        let (mut size, mut line, mut memory, mut aside) = (0u64, 0u64, Vec::new(), None::<Aside>);
        let room = self.limits.keep.min(self.limits.keep_together.saturating_sub(self.in_memory));
        // Who decodes it reads it to its end, and need not have it read before. What is packed may be a bomb.
        if packed.depth == 0 && !packed.in_archive && self.state.is_some_and(|(length, _)| length > room as u64) {
            let Packed { name, modified_on, .. } = packed;
            let kept = Kept::Again(self.found.clone(), self.state);
            return self.texts.push(Ok(Text { name, fingerprint: None, modified_on, kept }));
        }
        loop {
            let some = match text.fill_buf() {
                Ok([]) => break,
                Ok(some) => some,
                Err(error) => return self.failed(&packed.name, error),
            };
            hasher.update(some);
            size += some.len() as u64;
            line = match memchr::memrchr(b'\n', some) {
                Some(end) => (some.len() - end) as u64,
                None => line + some.len() as u64,
            };
            if line > self.limits.line {
                return self.refuse(&packed.name, "a line longer than any record", "see whether it is text at all");
            }
            let put = match &mut aside {
                _ if !packed.in_archive && size > room as u64 => {
                    memory.clear();
                    Ok(())
                }
                None if size <= room as u64 => {
                    memory.extend_from_slice(some);
                    Ok(())
                }
                _ => {
                    memory.extend_from_slice(some);
                    let put = self.append(&memory, aside.take()).map(|put| aside = Some(put));
                    memory.clear();
                    put
                }
            };
            if let Err(error) = put {
                self.texts.push(Err(Error::io(self.aside)(error)));
                return;
            }
            let used = some.len();
            text.consume(used);
        }
        let kept = match aside {
            Some(aside) => Kept::Aside(aside),
            None if size > room as u64 => Kept::Again(self.found.clone(), self.state),
            None => Kept::Memory(memory),
        };
        if let Kept::Memory(text) = &kept {
            self.in_memory += text.len();
        }
        let Packed { name, modified_on, .. } = packed;
        let fingerprint = Some((hasher.finalize(), size));
        self.texts.push(Ok(Text { name, fingerprint, modified_on, kept }));
    }

    /// Puts more of a text behind what was put aside of it, or behind the texts before it.
    fn append(&mut self, some: &[u8], text: Option<Aside>) -> std::io::Result<Aside> {
        let (file, end) = match self.long.take() {
            Some(long) => long,
            None => (Arc::new(Mutex::new(tempfile::tempfile_in(self.aside)?)), 0),
        };
        let written = {
            let mut file = file.lock().unwrap_or_else(PoisonError::into_inner);
            file.seek(SeekFrom::Start(end)).and_then(|_| file.write_all(some))
        };
        let length = some.len() as u64;
        self.long = Some((file.clone(), end + length));
        written?;
        let (at, left) = text.map_or((end, 0), |text| (text.at, text.left));
        Ok(Aside { file, at, left: left + length })
    }

    fn put_aside(&self, mut archive: impl Read) -> std::io::Result<File> {
        let mut file = tempfile::tempfile_in(self.aside)?;
        std::io::copy(&mut archive, &mut file)?;
        file.seek(SeekFrom::Start(0))?;
        Ok(file)
    }

    /// What comes out, against the budget.
    fn counted<R: Read>(&self, inner: R) -> BufReader<Counted<R>> {
        BufReader::with_capacity(1 << 16, Counted { inner, unpacked: self.unpacked.clone(), budget: self.budget })
    }

    fn failed(&mut self, name: &str, error: std::io::Error) {
        let is_over = error.get_ref().is_some_and(|inner| inner.is::<OverBudget>());
        match is_over {
            true => self.over(name, "it unpacks to more than any delivery"),
            false => self.texts.push(Err(unreadable(name, error))),
        }
    }

    fn over(&mut self, name: &str, what: &str) {
        self.is_over = true;
        self.refuse(name, what, "if it is genuine, unpack it and deliver the files");
    }

    fn refuse(&mut self, name: &str, what: &str, hint: &'static str) {
        self.texts.push(Err(Error::Input { path: name.into(), what: what.into(), hint }));
    }
}

/// Entries by the record at the end of a zip (APPNOTE 4.3.16); `None` where it leaves the number to its larger kin.
fn entry_count(mut file: &File) -> Option<usize> {
    let size = file.seek(SeekFrom::End(0)).ok()?;
    // The record and the longest comment behind it.
    file.seek(SeekFrom::Start(size.saturating_sub(22 + 0xffff))).ok()?;
    let mut end = Vec::new();
    file.take(22 + 0xffff).read_to_end(&mut end).ok()?;
    let at = memchr::memmem::rfind(&end, b"PK\x05\x06")?;
    let count = u16::from_le_bytes(end.get(at + 10..at + 12)?.try_into().ok()?);
    (count != u16::MAX).then_some(usize::from(count))
}

/// Length and time of the last change.
type State = Option<(u64, DateTime<Utc>)>;

fn state(file: &File) -> State {
    let data = file.metadata().ok()?;
    Some((data.len(), data.modified().ok()?.into()))
}

fn file_name(name: &str) -> &str {
    let name = name.rsplit('/').next().unwrap_or(name);
    [".gz", ".zst"].iter().find_map(|suffix| name.strip_suffix(suffix)).unwrap_or(name)
}

/// A name from an archive for people to read: no way up, no way to the root, nothing a terminal would act on.
fn tidy(name: &str) -> String {
    let parts = name.split(['/', '\\']).filter(|part| !["", ".", ".."].contains(part));
    let plain = |part: &str| part.chars().map(|c| if c.is_control() { '?' } else { c }).take(255).collect::<String>();
    parts.map(plain).collect::<Vec<_>>().join("/")
}

/// Archives made without a clock say 1970 or 1980.
fn is_plausible(day: &NaiveDate) -> bool {
    NaiveDate::from_ymd_opt(1990, 1, 1).is_some_and(|first| *day >= first)
}

fn unreadable(name: &str, error: std::io::Error) -> Error {
    use std::io::ErrorKind::{InvalidData, InvalidInput, Other, UnexpectedEof};
    match error.kind() {
        UnexpectedEof | InvalidInput | InvalidData | Other => Error::Input {
            path: name.into(),
            what: "the compressed file is cut short or damaged".into(),
            hint: "deliver it again; nothing of it was kept",
        },
        _ => Error::io(name)(error),
    }
}

#[cfg(test)]
mod tests;
