//! The certificate of the server: read, checked for its time, made ready. Knows no connection.

use std::fs::File;
use std::io::Read;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use tokio_rustls::TlsAcceptor;
use tokio_rustls::rustls::client::WebPkiServerVerifier;
use tokio_rustls::rustls::crypto::ring::default_provider;
use tokio_rustls::rustls::pki_types::pem::PemObject;
use tokio_rustls::rustls::pki_types::{CertificateDer, PrivateKeyDer, ServerName, UnixTime};
use tokio_rustls::rustls::{self, CertificateError, RootCertStore, ServerConfig};

use super::users::kept_to_oneself;
use crate::error::{Error, Result};

/// What encrypts connections.
#[derive(Clone)]
pub struct Tls {
    pub acceptor: TlsAcceptor,
    /// The certificates as PEM: what a login is bound to.
    pub pem: Arc<Vec<u8>>,
}

/// `now` is the time since 1970.
///
/// # Errors
/// A file that cannot be read, a key that others can read or that is not the certificate's, a certificate that is not in force.
pub fn load(certificate: &Path, key: &Path, now: Duration) -> Result<Tls> {
    let pem = std::fs::read(certificate).map_err(Error::io(certificate))?;
    let chain: Vec<CertificateDer<'static>> = CertificateDer::pem_slice_iter(&pem)
        .collect::<Result<_, _>>()
        .map_err(|e| wrong(certificate, &format!("no PEM: {e}"), "give it as PEM: -----BEGIN CERTIFICATE-----"))?;
    let Some(own) = chain.first() else {
        return Err(wrong(certificate, "there is no certificate in it", "give it as PEM: -----BEGIN CERTIFICATE-----"));
    };
    in_force(certificate, own, now)?;
    let mut file = File::open(key).map_err(Error::io(key))?;
    kept_to_oneself(key, &file)?;
    let mut secret = Vec::new();
    file.read_to_end(&mut secret).map_err(Error::io(key))?;
    let secret = PrivateKeyDer::from_pem_slice(&secret)
        .map_err(|_| wrong(key, "there is no private key in it", "give it as PEM, without a pass phrase"))?;
    let config = ServerConfig::builder_with_provider(Arc::new(default_provider()))
        .with_safe_default_protocol_versions()
        .map(|config| config.with_no_client_auth());
    let config = config.and_then(|config| config.with_single_cert(chain, secret));
    let mut config = config.map_err(|e| wrong(certificate, &e.to_string(), "certificate and key belong together"))?;
    config.alpn_protocols = vec![b"postgresql".to_vec()];
    Ok(Tls { acceptor: TlsAcceptor::from(Arc::new(config)), pem: Arc::new(pem) })
}

/// Asks the library that clients ask: the time is the first thing that it looks at. What else it finds, such as an issuer that only
/// clients know, is not for us to say.
fn in_force(path: &Path, certificate: &CertificateDer<'_>, now: Duration) -> Result<()> {
    let mut roots = RootCertStore::empty();
    let is_read = roots.add(certificate.clone().into_owned());
    let verifier = WebPkiServerVerifier::builder_with_provider(Arc::new(roots), Arc::new(default_provider())).build();
    let (Ok(()), Ok(verifier)) = (is_read, verifier) else {
        return Err(wrong(path, "the certificate cannot be understood", "make it anew; it must be X.509 version 3"));
    };
    use rustls::client::danger::ServerCertVerifier;
    let name = ServerName::try_from("localhost").expect("a name");
    let told = verifier.verify_server_cert(certificate, &[], &name, &[], UnixTime::since_unix_epoch(now));
    let hint = "put one that is in force in its place: docs/serve.md has the line";
    match told {
        Err(rustls::Error::InvalidCertificate(CertificateError::Expired | CertificateError::ExpiredContext { .. })) => {
            Err(wrong(path, "the certificate has expired", hint))
        }
        Err(rustls::Error::InvalidCertificate(
            CertificateError::NotValidYet | CertificateError::NotValidYetContext { .. },
        )) => Err(wrong(path, "the certificate is not valid yet", hint)),
        _ => Ok(()),
    }
}

fn wrong(path: &Path, what: &str, hint: &str) -> Error {
    Error::Config { place: path.display().to_string(), what: what.into(), hint: hint.into() }
}
