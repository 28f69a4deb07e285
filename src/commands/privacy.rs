//! `onhook privacy key` and `onhook subject`: the key file and its secrets, and what one number's owner may ask for.
//! The only place that reads a key.

use std::collections::HashMap;
use std::fs::File;
use std::io::Write;
use std::path::{Path, PathBuf};

use super::{Talk, Verdict};
use crate::config::{Config, OutsideNumbers};
use crate::error::{Error, Result};
use crate::normalise::Trunks;
use crate::privacy::{Keys, Masks, Own, SECRET_BYTES};

mod subject;

pub use subject::subject;

/// What stands for outside numbers, by source. `trunks` are ours by their names.
///
/// # Errors
/// The key is not there or not kept to its owner; or of two sources that a line joins only one keeps outside numbers.
pub fn masks(config: &Config, trunks: &HashMap<String, Trunks>) -> Result<Masks> {
    if config.sources.iter().all(|source| source.outside_numbers == OutsideNumbers::Keep) {
        return Ok(Masks::new());
    }
    for (one, other) in crate::estate::joined(config)? {
        let way = |name: &str| config.source(name).map(|source| source.outside_numbers);
        if way(&one)? != way(&other)? {
            return Err(Error::Config {
                place: format!("sources {one:?} and {other:?}"),
                what: "a line joins them, and their outside_numbers differ: a call over it would be two".into(),
                hint: "say the same of both".into(),
            });
        }
    }
    let (mut numbers, mut names) = crate::estate::registered(config)?;
    numbers.extend(crate::estate::priced_numbers(config)?);
    names.extend(trunks.values().flat_map(|trunks| trunks.keys().cloned()));
    let own = Own::new(config).listing(numbers, names);
    let Some(keys) = keys(config)? else { return Ok(Masks::new()) };
    Ok(crate::privacy::masks(config, keys, own))
}

/// The keys, where the configuration names any.
pub fn keys(config: &Config) -> Result<Option<Keys>> {
    let Some(path) = &config.privacy.key else { return Ok(None) };
    let path = config.at(path);
    apart(config, &path)?;
    let text = secret(&path)?;
    let wrong = |what| unusable(&path, what, "restore it from its backup; a new one gives other pseudonyms");
    Keys::parse(&text).map(Some).map_err(wrong)
}

/// Makes the key file, or adds a key to it.
pub fn key(config: &Config, rotate: bool, talk: &mut Talk) -> Result<Verdict> {
    let Some(path) = &config.privacy.key else {
        return Err(Error::Config {
            place: "[privacy] key".into(),
            what: "no key file is named".into(),
            hint: "add [privacy] and key = \"keys/outside.key\" to the configuration".into(),
        });
    };
    let path = config.at(path);
    apart(config, &path)?;
    // A link stays one: others may read the key by it.
    let path = match path.is_symlink() {
        true => real(&path),
        false => path,
    };
    if path.is_symlink() {
        let hint = "make the folder it leads to available, or take the link away";
        return Err(unusable(&path, "the key is a link that leads nowhere".into(), hint));
    }
    let text = match (rotate, path.exists()) {
        (false, true) => {
            let hint = "onhook privacy key --rotate adds a key; a new file would give every number another pseudonym";
            return Err(unusable(&path, "there is a key already".into(), hint));
        }
        (false, false) => Keys::text_of(&random()?, &random()?),
        (true, _) => {
            let text = secret(&path)?;
            Keys::parse(&text).map_err(|what| unusable(&path, what, "restore it from its backup"))?;
            Keys::rotated(&text, &random()?)
        }
    };
    keep(&path, &text)?;
    let keys = Keys::parse(&text).map_err(|what| unusable(&path, what, ""))?;
    talk.say(&format!("key       {} is in force, number {} in {}", keys.id(), keys.count(), path.display()));
    talk.say("          keep a copy of the file, apart from the lake: without it no number is found again");
    Ok(Verdict::Good)
}

/// Holds the key to be outside the lake on the disk as well: a link may lead into it, whatever the paths say.
fn apart(config: &Config, key: &Path) -> Result<()> {
    let lake = config.at(&config.lake.path);
    match real(key).starts_with(real(&lake)) {
        true => {
            let what = format!("the key {} lies in the lake", key.display());
            Err(unusable(key, what, "keep it apart: whoever has both can undo the pseudonyms"))
        }
        false => Ok(()),
    }
}

/// A path without links, as far as there is anything of it.
fn real(path: &Path) -> PathBuf {
    let whole = std::path::absolute(path).unwrap_or_else(|_| path.to_path_buf());
    let there =
        whole.ancestors().find_map(|folder| Some((folder.canonicalize().ok()?, whole.strip_prefix(folder).ok()?)));
    match there {
        // Nothing behind a file: joined to it, a blank would make it a folder.
        Some((folder, rest)) if rest.as_os_str().is_empty() => folder,
        Some((folder, rest)) => folder.join(rest),
        None => whole,
    }
}

/// The text of a file that only its owner may read.
fn secret(path: &Path) -> Result<String> {
    let missing = |source: std::io::Error| match source.kind() {
        std::io::ErrorKind::NotFound => {
            unusable(path, "there is no key file".into(), "make one with `onhook privacy key`, or restore it")
        }
        _ => Error::io(path)(source),
    };
    let file = File::open(path).map_err(missing)?;
    if is_open_to_others(&file).map_err(Error::io(path))? {
        let what = "others than its owner may read the key".into();
        return Err(unusable(path, what, "chmod 600 it; if others may have read it, rotate it as well"));
    }
    std::io::read_to_string(file).map_err(Error::io(path))
}

#[cfg(unix)]
fn is_open_to_others(file: &File) -> std::io::Result<bool> {
    use std::os::unix::fs::PermissionsExt;
    Ok(file.metadata()?.permissions().mode() & 0o077 != 0)
}

/// Elsewhere who may read a file is not told by its mode.
#[cfg(not(unix))]
fn is_open_to_others(_: &File) -> std::io::Result<bool> {
    Ok(false)
}

/// Puts a text where only its owner may read it, at one stroke.
fn keep(path: &Path, text: &str) -> Result<()> {
    if let Some(folder) = path.parent().filter(|folder| !folder.as_os_str().is_empty()) {
        std::fs::create_dir_all(folder).map_err(Error::io(folder))?;
    }
    let mut draft = path.as_os_str().to_owned();
    draft.push(".new");
    // One that a killed run left may be open to others.
    match std::fs::remove_file(&draft) {
        Err(error) if error.kind() != std::io::ErrorKind::NotFound => return Err(Error::io(&draft)(error)),
        _ => {}
    }
    let mut options = File::options();
    options.write(true).create_new(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    let mut file = options.open(&draft).map_err(Error::io(&draft))?;
    file.write_all(text.as_bytes()).and_then(|()| file.sync_all()).map_err(Error::io(&draft))?;
    std::fs::rename(&draft, path).map_err(Error::io(path))?;
    // Its new name has to outlast a power cut too. Where a folder cannot be asked for that, the file system sees to it.
    if let Some(folder) = path.parent().filter(|folder| !folder.as_os_str().is_empty()) {
        let _ = File::open(folder).and_then(|folder| folder.sync_all());
    }
    Ok(())
}

fn random() -> Result<[u8; SECRET_BYTES]> {
    let mut secret = [0; SECRET_BYTES];
    let none = |error: getrandom::Error| Error::Config {
        place: "the operating system".into(),
        what: format!("it gives no random bytes: {error}"),
        hint: "a key cannot be made on this machine".into(),
    };
    getrandom::getrandom(&mut secret).map_err(none)?;
    Ok(secret)
}

fn unusable(path: &Path, what: String, hint: &str) -> Error {
    Error::Config { place: path.display().to_string(), what, hint: hint.into() }
}
