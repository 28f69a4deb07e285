//! Object stores on loopback that are not ours: an S3 server and an Azure Blob server, each with one bucket. Ended when dropped.

use std::io::{Read, Write};
use std::net::{TcpListener, TcpStream};
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use base64::Engine;
use sha2::{Digest, Sha256};

/// One request at a time: so it is as strict about two puts at once as the real ones.
const MOTO: &str = "\
import sys
from werkzeug.serving import run_simple
from moto.moto_server.werkzeug_app import DomainDispatcherApplication, create_backend_app
run_simple('127.0.0.1', int(sys.argv[1]), DomainDispatcherApplication(create_backend_app), threaded=False)
";
/// What Azurite's documentation gives for its one account.
const ACCOUNT: &str = "devstoreaccount1";
const KEY: &str = "Eby8vdM02xNOcqFlqUwJPLlmEtlCDXJ1OUzFT50uSRZ6IFsuFq2UVErCz4I6tq/K1SZFPTOtr/KBHBeksoGMGw==";
pub const BUCKET: &str = "calls";

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    S3,
    Azure,
}

pub struct Server {
    pub kind: Kind,
    pub port: u16,
    child: Child,
    /// Where it keeps what it keeps.
    _folder: tempfile::TempDir,
}

impl Drop for Server {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

impl Server {
    /// Both, as far as they are installed; in CI one that is not is a failure.
    pub fn all(test: &str) -> Vec<Self> {
        [Kind::S3, Kind::Azure].into_iter().filter_map(|kind| Self::start(kind, test)).collect()
    }

    pub fn start(kind: Kind, test: &str) -> Option<Self> {
        let python = std::env::var("ONHOOK_PYTHON").unwrap_or_else(|_| "python3".into());
        let azurite = std::env::var("ONHOOK_AZURITE").unwrap_or_else(|_| "azurite".into());
        let is_there = |program: &str, args: &[&str]| {
            let run = Command::new(program).args(args).stdout(Stdio::null()).stderr(Stdio::null()).status();
            run.is_ok_and(|status| status.success())
        };
        let (is_there, what) = match kind {
            Kind::S3 => (is_there(&python, &["-c", "import moto.moto_server.werkzeug_app"]), "moto[server] of PyPI"),
            Kind::Azure => (is_there(&azurite, &["--version"]), "azurite of npm"),
        };
        if !is_there {
            crate::workdir::skip(test, &format!("{what} is not installed"));
            return None;
        }
        // Somebody else may take a port between our looking for one and the server's having it.
        (0..5).find_map(|_| Self::try_start(kind, &python, &azurite)).or_else(|| panic!("{what} does not start"))
    }

    fn try_start(kind: Kind, python: &str, azurite: &str) -> Option<Self> {
        let folder = tempfile::tempdir().unwrap();
        let ports = [(); 3].map(|()| TcpListener::bind("127.0.0.1:0").unwrap());
        let [port, queue, table] = ports.each_ref().map(|listener| listener.local_addr().unwrap().port());
        drop(ports);
        let mut command = match kind {
            Kind::S3 => {
                let mut command = Command::new(python);
                command.args(["-c", MOTO, &port.to_string()]);
                command
            }
            Kind::Azure => {
                let mut command = Command::new(azurite);
                command.args(["--silent", "--skipApiVersionCheck", "--disableTelemetry", "--location"]);
                command.arg(folder.path());
                command.args(["--blobPort", &port.to_string(), "--queuePort", &queue.to_string()]);
                command.args(["--tablePort", &table.to_string()]);
                command
            }
        };
        let child = command.stdout(Stdio::null()).stderr(Stdio::null()).stdin(Stdio::null()).spawn().unwrap();
        let mut server = Self { kind, port, child, _folder: folder };
        for _ in 0..1200 {
            if server.child.try_wait().unwrap().is_some() {
                return None;
            }
            if TcpStream::connect(("127.0.0.1", port)).is_ok() {
                server.make_bucket();
                return Some(server);
            }
            std::thread::sleep(Duration::from_millis(50));
        }
        None
    }

    /// Of a lake there.
    pub fn address(&self, prefix: &str) -> String {
        let scheme = if self.kind == Kind::S3 { "s3" } else { "az" };
        format!("{scheme}://{BUCKET}/{prefix}")
    }

    /// What a run needs to reach it, or a proxy before it, at that port.
    pub fn env(&self, port: u16) -> Vec<(String, String)> {
        let variables = match self.kind {
            Kind::S3 => vec![
                ("AWS_ENDPOINT_URL", format!("http://127.0.0.1:{port}")),
                ("AWS_ALLOW_HTTP", "true".to_string()),
                ("AWS_REGION", "us-east-1".to_string()),
                ("AWS_ACCESS_KEY_ID", "AKIAHUSH".to_string()),
                ("AWS_SECRET_ACCESS_KEY", "hush-hush-hush".to_string()),
            ],
            Kind::Azure => vec![
                ("AZURE_STORAGE_USE_EMULATOR", "true".to_string()),
                ("AZURITE_BLOB_STORAGE_URL", format!("http://127.0.0.1:{port}")),
            ],
        };
        variables.into_iter().map(|(name, value)| (name.to_string(), value)).collect()
    }

    fn make_bucket(&self) {
        let answer = match self.kind {
            Kind::S3 => self.s3("PUT", &format!("/{BUCKET}"), b""),
            Kind::Azure => {
                let date = chrono::Utc::now().format("%a, %d %b %Y %H:%M:%S GMT").to_string();
                let headers = format!("x-ms-date:{date}\nx-ms-version:2021-08-06\n");
                let resource = format!("/{ACCOUNT}/{ACCOUNT}/{BUCKET}\nrestype:container");
                let key = base64::engine::general_purpose::STANDARD.decode(KEY).unwrap();
                let signed = hmac(&key, format!("PUT\n\n\n\n\n\n\n\n\n\n\n\n{headers}{resource}").as_bytes());
                let signed = base64::engine::general_purpose::STANDARD.encode(signed);
                let head = format!(
                    "PUT /{ACCOUNT}/{BUCKET}?restype=container HTTP/1.1\r\nHost: 127.0.0.1:{}\r\nConnection: close\r\n\
                     x-ms-date: {date}\r\nx-ms-version: 2021-08-06\r\nContent-Length: 0\r\n\
                     Authorization: SharedKey {ACCOUNT}:{signed}\r\n\r\n",
                    self.port
                );
                exchange(self.port, head.as_bytes())
            }
        };
        assert!(answer.starts_with("HTTP/1.0 200") || answer.starts_with("HTTP/1.1 201"), "{answer}");
    }

    /// A request to the S3 server, which looks whether it is signed and not how.
    pub fn s3(&self, method: &str, path: &str, body: &[u8]) -> String {
        assert_eq!(self.kind, Kind::S3);
        let mut request = format!(
            "{method} {path} HTTP/1.1\r\nHost: 127.0.0.1:{}\r\nConnection: close\r\n\
             Content-Type: application/octet-stream\r\nContent-Length: {}\r\nAuthorization: AWS4-HMAC-SHA256 \
             Credential=AKIAHUSH/20240331/us-east-1/s3/aws4_request, SignedHeaders=host, Signature=0\r\n\r\n",
            self.port,
            body.len()
        )
        .into_bytes();
        request.extend(body);
        exchange(self.port, &request)
    }

    /// Keys of all objects of the S3 server under a prefix.
    pub fn keys(&self, prefix: &str) -> Vec<String> {
        let listed = self.s3("GET", &format!("/{BUCKET}?list-type=2&max-keys=1000&prefix={prefix}"), b"");
        assert!(listed.contains("<IsTruncated>false</IsTruncated>"), "{listed}");
        listed.split("<Key>").skip(1).map(|rest| rest.split("</Key>").next().unwrap().to_string()).collect()
    }
}

fn exchange(port: u16, request: &[u8]) -> String {
    let mut stream = TcpStream::connect(("127.0.0.1", port)).unwrap();
    stream.write_all(request).unwrap();
    let mut answer = Vec::new();
    stream.read_to_end(&mut answer).unwrap();
    String::from_utf8_lossy(&answer).into_owned()
}

fn hmac(key: &[u8], text: &[u8]) -> Vec<u8> {
    let block = |with: u8| -> Vec<u8> { (0..64).map(|at| key.get(at).copied().unwrap_or(0) ^ with).collect() };
    assert!(key.len() <= 64);
    let inner = Sha256::new().chain_update(block(0x36)).chain_update(text).finalize();
    Sha256::new().chain_update(block(0x5c)).chain_update(inner).finalize().to_vec()
}
