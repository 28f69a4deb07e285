//! Which PostgreSQL server, and how it is spoken to: a URL, a service file, the variables of libpq and a password file, in
//! that order, as psql goes by them. Encrypted and verified wherever the server is not on this machine.

use std::collections::BTreeMap;
use std::fmt;
use std::net::IpAddr;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use tokio_postgres::config::SslMode;
use tokio_postgres::{Client, NoTls};
use tokio_postgres_rustls::MakeRustlsConnect;
use tokio_rustls::rustls::pki_types::CertificateDer;
use tokio_rustls::rustls::pki_types::pem::PemObject;
use tokio_rustls::rustls::{ClientConfig, RootCertStore, crypto};
use url::Url;

use super::table::Refused;
use crate::error::{Error, Result};

/// libpq's words for what it may be told, with the variable of each.
const SETTINGS: [(&str, &str); 10] = [
    ("host", "PGHOST"),
    ("port", "PGPORT"),
    ("dbname", "PGDATABASE"),
    ("user", "PGUSER"),
    ("password", "PGPASSWORD"),
    ("passfile", "PGPASSFILE"),
    ("sslmode", "PGSSLMODE"),
    ("sslrootcert", "PGSSLROOTCERT"),
    ("connect_timeout", "PGCONNECT_TIMEOUT"),
    ("options", "PGOPTIONS"),
];
/// Where systems keep the authorities that they trust.
const SYSTEM_ROOTS: [&str; 4] = [
    "/etc/ssl/certs/ca-certificates.crt",
    "/etc/pki/tls/certs/ca-bundle.crt",
    "/etc/ssl/ca-bundle.pem",
    "/etc/ssl/cert.pem",
];

/// A variable of the environment.
type Variable<'a> = &'a dyn Fn(&str) -> Option<String>;
type Settings = BTreeMap<String, String>;

/// A server that can be spoken to.
pub struct Server {
    config: tokio_postgres::Config,
    tls: Option<MakeRustlsConnect>,
    place: String,
}

impl fmt::Display for Server {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.place)
    }
}

impl Server {
    /// Opens no connection yet.
    ///
    /// # Errors
    /// A password in the URL; a setting that makes no sense; a file that is named and cannot be read.
    pub fn of(url: Option<&str>, variable: Variable<'_>) -> Result<Self> {
        let settings = settings(url, variable)?;
        let get = |name: &str| settings.get(name).map(String::as_str);
        let (host, user) = (get("host").unwrap_or("localhost"), get("user").unwrap_or_default());
        if user.is_empty() {
            return Err(wrong(
                "PGUSER",
                "nobody is named to connect as",
                "set PGUSER, or write --url postgresql://user@host/name",
            ));
        }
        let port = get("port").unwrap_or("5432");
        let port: u16 =
            port.parse().map_err(|_| wrong("PGPORT", &format!("{port:?} is no port"), "a number such as 5432"))?;
        let database = get("dbname").unwrap_or(user);
        let mut config = tokio_postgres::Config::new();
        config.host(host).port(port).user(user).dbname(database).application_name("onhook");
        if let Some(options) = get("options") {
            config.options(options);
        }
        if let Some(seconds) = get("connect_timeout") {
            let seconds = seconds.parse().map_err(|_| {
                wrong("PGCONNECT_TIMEOUT", &format!("{seconds:?} is no number"), "whole seconds, 0 for no limit")
            })?;
            if seconds > 0 {
                config.connect_timeout(Duration::from_secs(seconds));
            }
        }
        let password = match get("password") {
            Some(password) => Some(password.to_string()),
            None => match passfile(get("passfile"), variable) {
                Some(file) => from_passfile(&file, [host, &port.to_string(), database, user])?,
                None => None,
            },
        };
        if let Some(password) = password {
            config.password(password);
        }
        let is_secured = is_secured(host, get("sslmode"))?;
        config.ssl_mode(if is_secured { SslMode::Require } else { SslMode::Disable });
        let tls = is_secured.then(|| tls(get("sslrootcert"), variable)).transpose()?;
        Ok(Self { config, tls, place: format!("{host}:{port}/{database}") })
    }

    /// Does something with a connection, and waits until it is done.
    ///
    /// # Errors
    /// The server cannot be reached or will not have it, or the work itself gives up.
    pub fn wait<T>(&self, work: impl AsyncFnOnce(&mut Client) -> Result<T, Refused>) -> Result<T> {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
        let runtime = runtime.map_err(|error| wrong(&self.place, &error.to_string(), ""))?;
        runtime.block_on(async {
            let mut client = self.connect().await.map_err(|error| self.refused(&error))?;
            work(&mut client).await.map_err(|refused| match refused {
                Refused::Server(error) => self.refused(&error),
                Refused::Us(error) => error,
            })
        })
    }

    async fn connect(&self) -> Result<Client, tokio_postgres::Error> {
        // What the connection itself has to say comes back to whoever waits for an answer.
        match &self.tls {
            Some(tls) => {
                let (client, connection) = self.config.connect(tls.clone()).await?;
                tokio::spawn(connection);
                Ok(client)
            }
            None => {
                let (client, connection) = self.config.connect(NoTls).await?;
                tokio::spawn(connection);
                Ok(client)
            }
        }
    }

    /// One line without a value of a row: those stand in the server's details, which are left out.
    fn refused(&self, error: &tokio_postgres::Error) -> Error {
        let mut what = match error.as_db_error() {
            Some(said) => said.message().to_string(),
            None => error.to_string(),
        };
        let mut below = std::error::Error::source(error).filter(|_| error.as_db_error().is_none());
        while let Some(error) = below {
            let more = error.to_string();
            if !what.contains(&more) {
                what = format!("{what}: {more}");
            }
            below = error.source();
        }
        let hint = match error.code().map(|code| code.code()) {
            Some("28P01" | "28000") => "check PGUSER, and the password in PGPASSWORD or in the file PGPASSFILE",
            Some("3D000") => "check PGDATABASE",
            Some("3F000") => "make the schema first, or name another one in --table",
            Some("42501") => {
                "have the user given the right to make tables in that schema; one that is there must be the user's own"
            }
            Some("2BP01") => "drop what stands on the table, or export under another name",
            Some(_) => "nothing was changed there",
            None if what.contains("password") => "set PGPASSWORD, or PGPASSFILE to a file with it",
            None if what.contains("certificate") => "PGSSLROOTCERT names the file with the server's authority",
            None if what.contains("TLS") => {
                "the server must have TLS on, or PGSSLMODE=disable say that it may do without"
            }
            None => "check PGHOST and PGPORT, and that the server is up",
        };
        wrong(&self.place, what.lines().next().unwrap_or_default(), hint)
    }
}

fn wrong(place: &str, what: &str, hint: &str) -> Error {
    Error::Server { place: format!("PostgreSQL {place}"), what: what.into(), hint: hint.into() }
}

/// What is known, by libpq's words; what comes first counts.
fn settings(url: Option<&str>, variable: Variable<'_>) -> Result<Settings> {
    let mut settings = url.map(from_url).transpose()?.unwrap_or_default();
    let mut add = |more: Settings| {
        for (name, value) in more {
            settings.entry(name).or_insert(value);
        }
    };
    if let Some(service) = variable("PGSERVICE").filter(|name| !name.is_empty()) {
        add(from_service(&service, variable)?);
    }
    let said = SETTINGS.iter().filter_map(|(name, key)| Some((name.to_string(), variable(key)?)));
    add(said.filter(|(_, value)| !value.is_empty()).collect());
    let user = ["USER", "LOGNAME", "USERNAME"].into_iter().find_map(variable);
    add(user.map(|user| ("user".to_string(), user)).into_iter().collect());
    Ok(settings)
}

/// An error does not repeat the URL: there may be a password in it.
fn from_url(text: &str) -> Result<Settings> {
    let form = "write it as postgresql://user@host:port/name";
    let place = "--url";
    let url = Url::parse(text).ok().filter(|url| ["postgresql", "postgres"].contains(&url.scheme()));
    let url = url.ok_or_else(|| wrong(place, "it is no URL of a PostgreSQL database", form))?;
    if url.password().is_some() || url.query_pairs().any(|(name, _)| name == "password") {
        let hint = "take it out, it shows in the list of processes: PGPASSWORD or the file PGPASSFILE has it";
        return Err(wrong(place, "there is a password in it", hint));
    }
    let mut settings = Settings::new();
    for (name, value) in url.query_pairs() {
        if !SETTINGS.iter().any(|(known, _)| *known == name) {
            return Err(wrong(place, &format!("{name:?} cannot be said there"), form));
        }
        settings.insert(name.into_owned(), value.into_owned());
    }
    let mut bare = url.clone();
    bare.set_query(None);
    let parsed: tokio_postgres::Config = bare.as_str().parse().map_err(|_| wrong(place, "it cannot be read", form))?;
    let host = match parsed.get_hosts().first() {
        Some(tokio_postgres::config::Host::Tcp(host)) => Some(host.clone()),
        #[cfg(unix)]
        Some(tokio_postgres::config::Host::Unix(folder)) => Some(folder.display().to_string()),
        None => None,
    };
    // What is read of it has a port always.
    let port = url.port().map(|port| port.to_string());
    let found = [("host", host), ("port", port), ("user", parsed.get_user().map(str::to_string))];
    let database = ("dbname", parsed.get_dbname().map(str::to_string));
    for (name, value) in found.into_iter().chain([database]) {
        if let Some(value) = value.filter(|value| !value.is_empty()) {
            settings.insert(name.to_string(), value);
        }
    }
    Ok(settings)
}

/// A section of the service file.
fn from_service(service: &str, variable: Variable<'_>) -> Result<Settings> {
    let file = variable("PGSERVICEFILE").map(PathBuf::from).or_else(|| Some(home(variable)?.join(".pg_service.conf")));
    let file = file.ok_or_else(|| wrong("PGSERVICE", "there is no service file", "PGSERVICEFILE names it"))?;
    let text = std::fs::read_to_string(&file).map_err(Error::io(&file))?;
    let mut lines = text.lines().map(str::trim).skip_while(|line| *line != format!("[{service}]"));
    if lines.next().is_none() {
        let what = format!("there is no [{service}] in {}", file.display());
        return Err(wrong("PGSERVICE", &what, "check the name"));
    }
    let lines = lines.take_while(|line| !line.starts_with('['));
    let pairs = lines.filter(|line| !line.starts_with('#')).filter_map(|line| line.split_once('='));
    Ok(pairs.map(|(name, value)| (name.trim().to_string(), value.trim().to_string())).collect())
}

fn home(variable: Variable<'_>) -> Option<PathBuf> {
    variable("HOME").or_else(|| variable("USERPROFILE")).map(PathBuf::from)
}

/// The file that is named, or the usual one where it is there.
fn passfile(named: Option<&str>, variable: Variable<'_>) -> Option<PathBuf> {
    match named {
        Some(file) => Some(PathBuf::from(file)),
        None => home(variable).map(|home| home.join(".pgpass")).filter(|file| file.is_file()),
    }
}

/// The password of the first line that fits host, port, database and user.
fn from_passfile(file: &Path, wanted: [&str; 4]) -> Result<Option<String>> {
    let text = std::fs::read_to_string(file).map_err(Error::io(file))?;
    if is_open_to_others(file)? {
        let what = format!("{} can be read by others", file.display());
        return Err(wrong("PGPASSFILE", &what, "chmod 0600 makes it yours alone"));
    }
    let wanted = wanted.map(|value| if value.starts_with('/') { "localhost" } else { value });
    for line in text.lines().filter(|line| !line.starts_with('#')) {
        let fields = fields(line);
        let [known @ .., password] = fields.as_slice() else { continue };
        if known.len() == 4 && known.iter().zip(wanted).all(|(known, wanted)| known == "*" || known == wanted) {
            return Ok(Some(password.clone()));
        }
    }
    Ok(None)
}

/// `host:port:database:user:password`, where a backslash keeps a colon or another backslash.
fn fields(line: &str) -> Vec<String> {
    let (mut fields, mut letters) = (vec![String::new()], line.chars());
    while let Some(letter) = letters.next() {
        match letter {
            ':' if fields.len() < 5 => fields.push(String::new()),
            letter => {
                let letter = if letter == '\\' { letters.next().unwrap_or(letter) } else { letter };
                if let Some(field) = fields.last_mut() {
                    field.push(letter);
                }
            }
        }
    }
    fields
}

#[cfg(unix)]
fn is_open_to_others(file: &Path) -> Result<bool> {
    use std::os::unix::fs::PermissionsExt;
    Ok(file.metadata().map_err(Error::io(file))?.permissions().mode() & 0o077 != 0)
}

#[cfg(not(unix))]
fn is_open_to_others(_: &Path) -> Result<bool> {
    Ok(false)
}

/// Whether the connection is encrypted: on this machine only if that is asked for, elsewhere unless it is forbidden.
fn is_secured(host: &str, mode: Option<&str>) -> Result<bool> {
    let is_here = host == "localhost" || host.parse().is_ok_and(|address: IpAddr| address.is_loopback());
    match mode {
        // A socket in the file system leaves no machine and has no encryption.
        _ if host.starts_with('/') => Ok(false),
        Some("disable") => Ok(false),
        None | Some("allow" | "prefer") => Ok(!is_here),
        Some("require" | "verify-ca" | "verify-full") => Ok(true),
        Some(other) => {
            let hint = "it is disable, prefer, require, verify-ca or verify-full; the last three are one here";
            Err(wrong("PGSSLMODE", &format!("{other:?} is unknown"), hint))
        }
    }
}

/// Verifies certificate and name, whatever the mode: a connection to nobody knows whom protects nothing.
fn tls(roots: Option<&str>, variable: Variable<'_>) -> Result<MakeRustlsConnect> {
    let usual = home(variable).map(|home| home.join(".postgresql/root.crt")).filter(|file| file.is_file());
    let system = || SYSTEM_ROOTS.into_iter().map(PathBuf::from).find(|file| file.is_file());
    let file = match roots {
        Some("system") => system(),
        Some(file) => Some(PathBuf::from(file)),
        None => usual.or_else(system),
    };
    let hint = "PGSSLROOTCERT names a file with the certificate of the server's authority, as PEM";
    let file =
        file.ok_or_else(|| wrong("PGSSLROOTCERT", "no authority is known that could vouch for the server", hint))?;
    // Not found, or no PEM: the file is named either way.
    std::fs::File::open(&file).map_err(Error::io(&file))?;
    let broken = || wrong("PGSSLROOTCERT", &format!("{} has no certificate in it", file.display()), hint);
    let found: Vec<_> = CertificateDer::pem_file_iter(&file).map_err(|_| broken())?.flatten().collect();
    let mut store = RootCertStore::empty();
    let (good, _) = store.add_parsable_certificates(found);
    if good == 0 {
        return Err(broken());
    }
    let config = ClientConfig::builder_with_provider(Arc::new(crypto::ring::default_provider()));
    let config = config.with_safe_default_protocol_versions().map_err(|error| wrong("TLS", &error.to_string(), ""))?;
    Ok(MakeRustlsConnect::new(config.with_root_certificates(store).with_no_client_auth()))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(url: Option<&str>, variables: &[(&str, &str)]) -> Result<Settings> {
        let variable = |name: &str| variables.iter().find(|(known, _)| *known == name).map(|(_, v)| v.to_string());
        settings(url, &variable)
    }

    #[test]
    fn a_url_counts_before_the_environment_and_fills_what_it_does_not_say_from_there() {
        let there = [("PGHOST", "other"), ("PGPORT", "5433"), ("PGUSER", "ann"), ("PGDATABASE", "")];
        let found = of(Some("postgresql://bob@db.example/phones?sslmode=verify-full"), &there).unwrap();
        let found: Vec<_> = found.iter().map(|(name, value)| format!("{name}={value}")).collect();
        assert_eq!(found, ["dbname=phones", "host=db.example", "port=5433", "sslmode=verify-full", "user=bob"]);
    }

    #[test]
    fn a_password_in_a_url_is_refused_and_not_repeated() {
        for url in
            ["postgresql://ann:s3cret@db/x", "postgres://ann@db/x?password=s3cret", "mysql://ann:s3cret@db/x", "s3cret"]
        {
            let error = of(Some(url), &[]).unwrap_err();
            assert!(!error.to_string().contains("s3cret") && !error.hint().contains("s3cret"), "{error}");
        }
    }

    #[test]
    fn encryption_ends_only_where_the_way_does() {
        let is = |host: &str, mode: Option<&str>| is_secured(host, mode).unwrap();
        for here in ["localhost", "127.0.0.1", "127.9.9.9", "::1", "/run/postgresql"] {
            assert!(!is(here, None) && !is(here, Some("prefer")), "{here}");
        }
        for there in ["db.example", "192.0.2.7", "2001:db8::1", "localhost.example"] {
            assert!(is(there, None) && is(there, Some("prefer")) && !is(there, Some("disable")), "{there}");
        }
        assert!(is("localhost", Some("require")) && is("127.0.0.1", Some("verify-full")));
        assert!(is_secured("localhost", Some("on")).is_err());
    }

    #[test]
    fn a_password_file_is_read_as_libpq_reads_it() {
        assert_eq!(fields(r"h:5432:d:u:p\:a\\s:s"), ["h", "5432", "d", "u", r"p:a\s:s"]);
        let file = tempfile::NamedTempFile::new().unwrap();
        std::fs::write(&file, "# ours\ndb:5432:x:ann:one\ndb:*:*:ann:two\nlocalhost:*:*:*:three\n").unwrap();
        let of = |wanted: [&str; 4]| from_passfile(file.path(), wanted).unwrap();
        assert_eq!(of(["db", "5432", "x", "ann"]).as_deref(), Some("one"));
        assert_eq!(of(["db", "5433", "x", "ann"]).as_deref(), Some("two"));
        assert_eq!(of(["/run/postgresql", "5432", "x", "bob"]).as_deref(), Some("three"));
        assert_eq!(of(["db", "5432", "x", "bob"]), None);
        #[cfg(unix)]
        {
            use std::os::unix::fs::PermissionsExt;
            std::fs::set_permissions(file.path(), std::fs::Permissions::from_mode(0o640)).unwrap();
            assert!(from_passfile(file.path(), ["db", "5432", "x", "ann"]).is_err());
        }
    }

    #[test]
    fn a_service_is_a_section_of_its_file() {
        let file = tempfile::NamedTempFile::new().unwrap();
        std::fs::write(&file, "[other]\nhost=o\n\n[ours]\n# the reports\nhost=s\nport = 6432\n[last]\nuser=l\n")
            .unwrap();
        let path = file.path().to_str().unwrap();
        let found = of(None, &[("PGSERVICE", "ours"), ("PGSERVICEFILE", path), ("PGUSER", "ann"), ("PGHOST", "e")]);
        let found: Vec<_> = found.unwrap().into_iter().map(|(name, value)| format!("{name}={value}")).collect();
        assert_eq!(found, ["host=s", "port=6432", "user=ann"]);
        assert!(of(None, &[("PGSERVICE", "none"), ("PGSERVICEFILE", path)]).is_err());
    }
}
