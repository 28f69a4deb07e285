//! Encryption with certificates made by openssl, and what a server does without one.

use std::process::Command;

use super::clients::{jdbc, program, psql};
use super::{ANALYST, Server, block_on, code, fill, users};
use crate::workdir::Workdir;

fn openssl(work: &Workdir, args: &[&str]) {
    let out = Command::new("openssl").args(args).current_dir(work.path()).output().unwrap();
    assert!(out.status.success(), "{args:?}: {}", String::from_utf8_lossy(&out.stderr));
}

/// A certificate of its own making, in force for so many days from now; it makes keys that only their owner can read.
fn certificate(work: &Workdir, days: &str, key: &[&str]) {
    work.write("names", "subjectAltName=DNS:localhost,IP:127.0.0.1\nbasicConstraints=CA:FALSE\n");
    let request = ["req", "-new", "-nodes", "-keyout", "key.pem", "-out", "request.pem", "-subj", "/CN=localhost"];
    openssl(work, &[&request[..], key].concat());
    let sign = ["x509", "-req", "-in", "request.pem", "-signkey", "key.pem", "-extfile", "names", "-out", "chain.pem"];
    openssl(work, &[&sign[..], &["-days", days]].concat());
}

/// The hand-made estate with a lake and `[serve]` as given.
fn with(settings: &str) -> Workdir {
    let work = Workdir::small();
    fill(&work);
    users(&work);
    let config = work.read("onhook.toml");
    work.write("onhook.toml", format!("{config}\n[serve]\n{settings}\n"));
    work
}

const FILES: &str = "certificate = \"chain.pem\"\nkey = \"key.pem\"";
const RSA: [&str; 2] = ["-newkey", "rsa:2048"];
const EC: [&str; 4] = ["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1"];

#[test]
fn with_a_certificate_connections_are_encrypted_and_bound_to_it() {
    if program("ONHOOK_PSQL", "psql", &["--version"], "TLS").is_none()
        || program("ONHOOK_OPENSSL", "openssl", &["version"], "TLS").is_none()
    {
        return;
    }
    for kind in [&RSA[..], &EC[..]] {
        let work = with(FILES);
        certificate(&work, "2", kind);
        let server = Server::start(&work);
        let root = work.join("chain.pem").display().to_string();
        // The server is who its certificate says, and the login is bound to it (SCRAM-SHA-256-PLUS).
        let url = format!(
            "host=localhost port={} user=ann dbname=onhook sslmode=verify-full sslrootcert={root} channel_binding=require",
            server.port
        );
        let out = Command::new("psql")
            .args(["-X", "-A", "-t", "-d", &url, "-c", "select 6 * 7"])
            .env("PGPASSWORD", ANALYST.1)
            .output()
            .unwrap();
        assert_eq!(String::from_utf8_lossy(&out.stdout).trim(), "42", "{}", String::from_utf8_lossy(&out.stderr));
        // Nobody is listened to in the clear, whoever he is.
        let plain = block_on(async { server.connect(ANALYST).await.unwrap_err() });
        assert_eq!(code(&plain), "28000");
        let (status, _, stderr) = psql(&server, (ANALYST.0, "not the password"), &["-c", "select 1"]);
        assert!(status == 2 && stderr.contains("password authentication failed"), "{stderr}");
        let url = format!("jdbc:postgresql://localhost:{}/onhook", server.port);
        let more = ["sslmode=verify-full", &format!("sslrootcert={root}")];
        if let Some(told) = jdbc(&url, ANALYST, &more, "JDBC over TLS") {
            assert_eq!(told["fetched"], (2500 * 2501 / 2).to_string());
        }
    }
}

/// Exit code 2 and one line with its hint.
fn refused(work: &Workdir, args: &[&str]) -> String {
    let ran = work.run(&[&["serve"], args].concat());
    assert_eq!((ran.code, ran.stdout.as_str()), (2, ""), "{ran:?}");
    let lines: Vec<&str> = ran.stderr.lines().collect();
    assert!(lines.len() == 2 && lines[0].starts_with("error: ") && lines[1].starts_with("hint: "), "{ran:?}");
    lines[0].to_string()
}

#[test]
fn what_would_not_be_safe_is_not_begun() {
    if program("ONHOOK_OPENSSL", "openssl", &["version"], "TLS").is_none() {
        return;
    }
    let work = with(FILES);
    let any = ["--listen", "127.0.0.1:0"];
    certificate(&work, "-1", &RSA);
    assert_eq!(refused(&work, &any), "error: chain.pem: the certificate has expired");
    let other = work.read("key.pem");
    certificate(&work, "2", &RSA);
    openssl(&work, &["x509", "-in", "chain.pem", "-out", "chain.pem"]);
    let own = work.read("key.pem");
    work.write("key.pem", other);
    assert!(refused(&work, &any).contains("chain.pem: "), "a key of another certificate");
    work.write("key.pem", own);
    assert!(Command::new("chmod").args(["644", "key.pem"]).current_dir(work.path()).status().unwrap().success());
    assert_eq!(refused(&work, &any), "error: key.pem: others can read it (mode 0644)");
    work.write("chain.pem", "no certificate\n");
    assert_eq!(refused(&work, &any), "error: chain.pem: there is no certificate in it");

    let open = with("connections = 2");
    let told = refused(&open, &["--listen", "0.0.0.0:0"]);
    assert_eq!(told, "error: [serve] listen 0.0.0.0:0: other machines can reach it, and it is not encrypted");
    assert!(Command::new("chmod").args(["640", "serve-users"]).current_dir(open.path()).status().unwrap().success());
    assert_eq!(refused(&open, &any), "error: serve-users: others can read it (mode 0640)");
    std::fs::remove_file(open.join("serve-users")).unwrap();
    assert_eq!(refused(&open, &any), "error: serve-users: there is no file of users");
    let taken = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    users(&open);
    let address = taken.local_addr().unwrap().to_string();
    assert!(refused(&open, &["--listen", &address]).contains("in use"));
    assert!(refused(&open, &["--listen", "localhost"]).contains("no address and port"));
}
