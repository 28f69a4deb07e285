//! The users of the server: a file of one line each, and what SCRAM-SHA-256 needs to know of them. No password is kept; but
//! who has the file can log in as anybody in it, so it is refused where others can read it. Asks nobody for a password.

use std::collections::BTreeMap;
use std::fs::{File, OpenOptions};
use std::io::{Read, Write};
use std::os::unix::fs::{MetadataExt, OpenOptionsExt};
use std::path::{Path, PathBuf};

use async_trait::async_trait;
use base64::Engine;
use base64::prelude::BASE64_STANDARD;
use pgwire::api::auth::sasl::scram::{gen_salted_password, random_nonce};
use pgwire::api::auth::{AuthSource, LoginInfo, Password};
use pgwire::error::{PgWireError, PgWireResult};

use crate::error::{Error, Result};

/// How often a password is hashed. The client does it at each login, we once.
pub const ITERATIONS: usize = 20_000;
/// Shorter ones can be tried out.
const SHORTEST: usize = 12;
const MECHANISM: &str = "scram-sha-256";
const HINT: &str = "make it with: onhook serve --add-user NAME --role analyst";

/// What a user may see.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Role {
    /// Everything but the numbers of people outside.
    Analyst,
    /// Everything.
    Manager,
}

impl Role {
    pub const fn word(self) -> &'static str {
        match self {
            Self::Analyst => "analyst",
            Self::Manager => "manager",
        }
    }

    pub fn from_word(word: &str) -> Option<Self> {
        [Self::Analyst, Self::Manager].into_iter().find(|role| role.word() == word)
    }
}

#[derive(Clone, Debug)]
struct User {
    role: Role,
    salt: Vec<u8>,
    salted: Vec<u8>,
}

/// The file, read anew at each login: who is added can log in at once, and who is taken out no more.
#[derive(Debug)]
pub struct Users {
    path: PathBuf,
    /// What the salts of names that are not there are made from, so that nobody can tell which are.
    secret: [u8; 32],
}

impl Users {
    /// # Errors
    /// The file cannot be read, others can read it, or a line of it is not one of ours.
    pub fn open(path: &Path) -> Result<Self> {
        let users = read(path)?;
        if users.is_empty() {
            return Err(wrong(path, "there is no user in it", HINT));
        }
        Ok(Self { path: path.to_path_buf(), secret: *blake3::hash(random_nonce().as_bytes()).as_bytes() })
    }

    pub fn role(&self, name: &str) -> Option<Role> {
        read(&self.path).ok()?.get(name).map(|user| user.role)
    }

    /// A salt that is always the same for a name, and a password that nobody can give.
    fn nobody(&self, name: &str) -> Password {
        let salt = blake3::keyed_hash(&self.secret, name.as_bytes());
        Password::new(Some(salt.as_bytes()[..18].to_vec()), random_nonce().into_bytes())
    }
}

#[async_trait]
impl AuthSource for Users {
    async fn get_password(&self, login: &LoginInfo) -> PgWireResult<Password> {
        let name = login.user().ok_or(PgWireError::UserNameRequired)?;
        let mut users = read(&self.path).map_err(|error| PgWireError::ApiError(Box::new(error)))?;
        Ok(match users.remove(name) {
            Some(user) => Password::new(Some(user.salt), user.salted),
            None => self.nobody(name),
        })
    }
}

/// Puts a user into the file, in the place of one of that name; makes the file where there is none. Says whether the
/// name was there.
///
/// # Errors
/// A name or password that will not do, or a file that cannot be read or written.
pub fn add(path: &Path, name: &str, role: Role, password: &str) -> Result<bool> {
    let is_plain = |c: char| c.is_ascii_alphanumeric() || "-_.@".contains(c);
    if name.is_empty() || name.len() > 63 || !name.chars().all(is_plain) {
        return Err(wrong(path, &format!("{name:?} is no user name"), "use letters, digits, - _ . and @, at most 63"));
    }
    if password.chars().count() < SHORTEST {
        let what = format!("the password has fewer than {SHORTEST} characters");
        return Err(wrong(path, &what, "choose a longer one, such as four words"));
    }
    let mut users = if path.exists() { read(path)? } else { BTreeMap::new() };
    let salt = BASE64_STANDARD.decode(random_nonce()).unwrap_or_default();
    let salted = gen_salted_password(password, &salt, ITERATIONS);
    let was_there = users.insert(name.to_string(), User { role, salt, salted }).is_some();
    let lines = users.iter().map(|(name, user)| {
        let (salt, salted) = (BASE64_STANDARD.encode(&user.salt), BASE64_STANDARD.encode(&user.salted));
        format!("{name} {} {MECHANISM} {ITERATIONS} {salt} {salted}\n", user.role.word())
    });
    // At one stroke, so that no login meets half a file.
    let mut draft = path.as_os_str().to_owned();
    draft.push(".new");
    let write = || {
        // One that a run left behind may have other permissions.
        std::fs::remove_file(&draft).or_else(|e| if path_is_missing(&e) { Ok(()) } else { Err(e) })?;
        let mut file = OpenOptions::new().write(true).create_new(true).mode(0o600).open(&draft)?;
        file.write_all(lines.collect::<String>().as_bytes())?;
        file.sync_all()?;
        std::fs::rename(&draft, path)
    };
    write().map_err(Error::io(path))?;
    Ok(was_there)
}

fn path_is_missing(error: &std::io::Error) -> bool {
    error.kind() == std::io::ErrorKind::NotFound
}

fn read(path: &Path) -> Result<BTreeMap<String, User>> {
    let mut file = File::open(path).map_err(|error| match path_is_missing(&error) {
        true => wrong(path, "there is no file of users", HINT),
        false => Error::io(path)(error),
    })?;
    kept_to_oneself(path, &file)?;
    let mut text = String::new();
    file.read_to_string(&mut text).map_err(Error::io(path))?;
    let lines = text.lines().enumerate().filter(|(_, line)| !line.trim().is_empty() && !line.starts_with('#'));
    let users = lines.map(|(i, line)| {
        let place = PathBuf::from(format!("{}:{}", path.display(), i + 1));
        parse(line).ok_or_else(|| wrong(&place, "no line of a user", "take it out and add the user again"))
    });
    users.collect()
}

fn parse(line: &str) -> Option<(String, User)> {
    let words: Vec<&str> = line.split_whitespace().collect();
    let [name, role, MECHANISM, iterations, salt, salted] = words[..] else { return None };
    if iterations.parse() != Ok(ITERATIONS) {
        return None;
    }
    let bytes = |text: &str| BASE64_STANDARD.decode(text).ok().filter(|bytes| bytes.len() >= 16);
    Some((name.to_string(), User { role: Role::from_word(role)?, salt: bytes(salt)?, salted: bytes(salted)? }))
}

/// Refuses a secret that others on the machine can read.
///
/// # Errors
/// It is open to its group or to everybody.
pub fn kept_to_oneself(path: &Path, file: &File) -> Result<()> {
    let mode = file.metadata().map_err(Error::io(path))?.mode();
    match mode & 0o077 {
        0 => Ok(()),
        _ => {
            let what = format!("others can read it (mode {:04o})", mode & 0o7777);
            Err(wrong(path, &what, &format!("chmod 600 {}", path.display())))
        }
    }
}

fn wrong(path: &Path, what: &str, hint: &str) -> Error {
    Error::Config { place: path.display().to_string(), what: what.into(), hint: hint.into() }
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::PermissionsExt;

    use super::*;

    #[test]
    fn the_file_holds_no_password_and_only_its_owner_reads_it() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("users");
        assert!(!add(&path, "ann", Role::Analyst, "correct horse battery").unwrap());
        assert!(!add(&path, "max", Role::Manager, "another long password").unwrap());
        assert!(add(&path, "ann", Role::Manager, "correct horse staple").unwrap());
        let text = std::fs::read_to_string(&path).unwrap();
        assert!(text.starts_with("ann manager scram-sha-256 20000 ") && text.lines().count() == 2, "{text}");
        assert!(!text.contains("horse"), "{text}");
        assert_eq!(path.metadata().unwrap().permissions().mode() & 0o777, 0o600);
        assert_eq!(Users::open(&path).unwrap().role("max"), Some(Role::Manager));
        std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o640)).unwrap();
        let error = Users::open(&path).unwrap_err();
        assert!(error.to_string().ends_with("others can read it (mode 0640)"), "{error}");
        assert!(error.hint().starts_with("chmod 600 "));
    }

    #[test]
    fn what_will_not_do_is_refused() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("users");
        let why = |name: &str, password: &str| add(&path, name, Role::Analyst, password).unwrap_err().to_string();
        assert!(why("a b", "correct horse battery").contains("no user name"));
        assert!(why("", "correct horse battery").contains("no user name"));
        assert!(why("ann", "short").contains("fewer than 12"));
        assert!(Users::open(&path).unwrap_err().to_string().contains("no file of users"));
        add(&path, "ann", Role::Analyst, "correct horse battery").unwrap();
        let text = std::fs::read_to_string(&path).unwrap().replace("analyst", "admin");
        std::fs::write(&path, text).unwrap();
        assert!(Users::open(&path).unwrap_err().to_string().ends_with(":1: no line of a user"));
    }

    #[test]
    fn a_name_that_is_not_there_looks_like_one_that_is() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("users");
        add(&path, "ann", Role::Analyst, "correct horse battery").unwrap();
        let users = Users::open(&path).unwrap();
        let (one, again, other) = (users.nobody("bob"), users.nobody("bob"), users.nobody("eve"));
        assert_eq!(one.salt(), again.salt());
        assert_ne!(one.salt(), other.salt());
        assert_ne!(one.password(), again.password());
        assert_eq!(one.salt().unwrap().len(), read(&path).unwrap()["ann"].salt.len());
    }
}
