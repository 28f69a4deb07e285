//! `[serve]`: where the lake is served over the PostgreSQL protocol, to whom, and within what limits. Opens nothing.

use std::net::SocketAddr;
use std::path::PathBuf;

use schemars::JsonSchema;
use serde::Deserialize;

/// How `onhook serve` answers.
#[derive(Clone, Debug, Deserialize, JsonSchema, PartialEq, Eq)]
#[serde(deny_unknown_fields, default)]
pub struct Serve {
    /// Address and port, `"127.0.0.1:5433"`. One that other machines can reach needs a certificate.
    pub listen: String,
    /// The users, a line each; made by `onhook serve --add-user`. Nobody else may be able to read it.
    pub users: PathBuf,
    /// The server's certificate and those that lead from it to one that is trusted, PEM. With it connections are
    /// encrypted, and none that is not is taken.
    pub certificate: Option<PathBuf>,
    /// The private key that belongs to it, PEM. Nobody else may be able to read it.
    pub key: Option<PathBuf>,
    /// Seconds that a statement may take, sending its rows included. A client may ask for less.
    pub statement_timeout_s: u32,
    /// Memory for all statements together, in MiB; what does not fit is put aside on disk, up to four times as much.
    pub memory_mib: u32,
    /// Clients at once.
    pub connections: u16,
}

impl Default for Serve {
    fn default() -> Self {
        Self {
            listen: "127.0.0.1:5433".into(),
            users: "serve-users".into(),
            certificate: None,
            key: None,
            statement_timeout_s: 300,
            memory_mib: 1024,
            connections: 32,
        }
    }
}

impl Serve {
    /// # Errors
    /// What is wrong, and what to write instead.
    pub fn check(&self) -> Result<(), (String, &'static str)> {
        if self.listen.parse::<SocketAddr>().is_err() {
            let what = format!("listen = {:?} is no address and port", self.listen);
            return Err((what, "write it like 127.0.0.1:5433, or [::1]:5433"));
        }
        if self.certificate.is_some() != self.key.is_some() {
            return Err(("certificate and key go together".into(), "name both, or neither"));
        }
        if self.statement_timeout_s == 0 || self.memory_mib < 64 || self.connections == 0 {
            let what = "statement_timeout_s and connections are at least 1, and memory_mib at least 64".into();
            return Err((what, "correct it"));
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_cannot_be_served_is_refused() {
        assert_eq!(Serve::default().check(), Ok(()));
        let wrong = |serve: Serve| serve.check().unwrap_err().0;
        assert!(wrong(Serve { listen: "localhost".into(), ..Serve::default() }).contains("no address and port"));
        assert!(wrong(Serve { key: Some("key.pem".into()), ..Serve::default() }).contains("go together"));
        assert!(wrong(Serve { connections: 0, ..Serve::default() }).contains("at least 1"));
    }
}
