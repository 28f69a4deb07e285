//! Stores that do not answer, say no, or are not there: one line that names the place, exit code 2, after a number of requests
//! that has an end; and never a key.

use super::proxy::{Manner, Proxy};
use super::servers::{BUCKET, Kind, Server};
use super::{another, long, point, remote};
use crate::workdir::{Ran, Workdir};

/// More than the library tries again, for the few requests that a command begins with.
const MOST_REQUESTS: usize = 40;

fn told(work: &Workdir, args: &[&str], words: &str) -> Ran {
    let ran = work.run(args);
    assert_eq!(ran.code, 2, "{args:?}: {ran:?}");
    let errors: Vec<&str> = ran.stderr.lines().filter(|line| line.starts_with("error: ")).collect();
    assert_eq!(errors.len(), 1, "{ran:?}");
    assert!(errors[0].contains(words) && errors[0].contains("://"), "{words}: {ran:?}");
    assert!(ran.stderr.lines().count() == 2 && ran.stderr.contains("\nhint: "), "{ran:?}");
    assert!(
        !ran.stderr.contains("hush") && !ran.stderr.contains("AKIA") && !ran.stderr.contains("127.0.0.1"),
        "{ran:?}"
    );
    ran
}

#[test]
fn a_store_that_stays_away_is_told_in_one_line() {
    for server in Server::all("a_store_that_stays_away") {
        for (status, words) in [
            ("503 Service Unavailable", "the store answered 503"),
            ("403 Forbidden", "the store refuses access"),
            ("500 Internal Server Error", "the store answered 500"),
        ] {
            let proxy = Proxy::to(server.port, Manner::Always(status));
            let work = remote(&server, "away", proxy.port);
            for args in [["ingest", "--json"], ["lake", "status"]] {
                let before = proxy.requests().len();
                told(&work, &args, words);
                let asked = proxy.requests().len() - before;
                assert!((1..=MOST_REQUESTS).contains(&asked), "{args:?}: {asked}");
            }
        }
        // It goes away in the middle: what was written before stays, and nothing of the batch counts.
        let proxy = Proxy::to(server.port, Manner::Honest);
        let mut work = remote(&server, "middle", proxy.port);
        work.good(&["ingest", "--source", "hq-cucm"]);
        let before = work.sql("select count(*) from legs");
        proxy.refuse_from("PUT", "/usage/_delta_log/");
        told(&work, &["ingest", "--source", "north-mitel"], "the store answered 503");
        work.set_env(server.env(server.port));
        assert_eq!(work.sql("select count(*) from legs"), before);
        work.good(&["ingest", "--source", "north-mitel"]);
        work.good(&["lake", "verify"]);
    }
}

/// Only the log of one table cannot be read. It is not damaged, and nothing is to be restored.
#[test]
fn a_log_that_the_store_does_not_give_is_not_a_damaged_one() {
    for server in Server::all("a_log_that_the_store_does_not_give") {
        let proxy = Proxy::to(server.port, Manner::Honest);
        let work = remote(&server, "log", server.port);
        work.good(&["ingest", "--source", "hq-cucm"]);
        let reader = another(&server, &work, proxy.port);
        for (status, words, args) in [
            ("403 Forbidden", "the store refuses access", ["query", "coverage"]),
            ("403 Forbidden", "the store refuses access", ["ingest", "--json"]),
            ("503 Service Unavailable", "the store answered 503 Service Unavailable", ["lake", "status"]),
        ] {
            proxy.refuse("GET", "/legs/_delta_log/", status);
            let ran = told(&reader, &args, words);
            let error = format!("error: lake {}: {words}", server.address("log"));
            assert!(ran.stderr.lines().any(|line| line == error), "{ran:?}");
            assert!(!ran.stderr.contains("damaged") && !ran.stderr.contains("backup"), "{ran:?}");
        }
    }
}

/// Parts of an object that never comes to be are seen by nobody, and paid for.
#[test]
fn parts_of_a_file_that_did_not_get_there_are_taken_back() {
    let Some(server) = Server::start(Kind::S3, "parts_of_a_file") else { return };
    let proxy = Proxy::to(server.port, Manner::Honest);
    let work = remote(&server, "parts", proxy.port);
    proxy.refuse("PUT", "partNumber=2", "403 Forbidden");
    let ran = long(&work);
    assert_eq!(ran.code, 2, "{ran:?}");
    assert!(ran.stderr.contains("the store refuses access"), "{ran:?}");
    assert!(proxy.requests().iter().any(|line| line.contains("partNumber=1&")), "one got there");
    let left = server.s3("GET", &format!("/{BUCKET}?uploads"), b"");
    assert!(left.contains("ListMultipartUploadsResult") && !left.contains("<UploadId>"), "{left}");
}

#[test]
fn what_is_not_there_is_told_in_one_line() {
    for server in Server::all("what_is_not_there") {
        let mut work = remote(&server, "none", server.port);
        told(&work, &["lake", "status"], "there is no lake yet");
        let config = work.read("onhook.toml").replace(&format!("//{BUCKET}/"), "//no-such-bucket/");
        work.write("onhook.toml", config);
        for args in [["lake", "status"], ["ingest", "--json"]] {
            told(&work, &args, "there is no such bucket or container");
        }
        // Nobody listens there, and no name of that domain resolves.
        for endpoint in ["http://127.0.0.1:9", "http://store.invalid:80"] {
            let env = server.env(9).into_iter().map(|(name, value)| match value.starts_with("http") {
                true => (name, endpoint.to_string()),
                false => (name, value),
            });
            work.set_env(env.collect());
            told(&work, &["lake", "status"], "the store cannot be reached");
        }
    }
}

#[test]
fn a_place_of_something_else_and_a_damaged_lake_are_left_alone() {
    let Some(server) = Server::start(Kind::S3, "a_place_of_something_else") else { return };
    let work = remote(&server, "other", server.port);
    server.s3("PUT", &format!("/{BUCKET}/other/holiday.jpg"), b"sun");
    told(&work, &["ingest", "--json"], "in use by something else");
    assert_eq!(server.keys("other"), ["other/holiday.jpg"]);
    let work = remote(&server, "broken", server.port);
    work.good(&["ingest", "--source", "hq-cucm"]);
    let marker = format!("/{BUCKET}/broken/onhook-lake.json");
    let mark = server.s3("GET", &marker, b"");
    let mark = mark.rsplit("\r\n\r\n").next().unwrap();
    server.s3("PUT", &marker, mark.replace("\"layout\":3", "\"layout\":9").as_bytes());
    told(&work, &["ingest", "--json"], "written by a newer onhook");
    server.s3("DELETE", &marker, b"");
    let before = server.keys("broken");
    told(&work, &["ingest", "--json"], "onhook-lake.json is missing");
    assert_eq!(server.keys("broken"), before);
    server.s3("PUT", &marker, mark.as_bytes());
    // A commit of nothing but noise.
    server.s3("PUT", &format!("/{BUCKET}/broken/legs/_delta_log/00000000000000000001.json"), b"{\"noise\"");
    told(&work, &["ingest", "--json"], "its commit log is damaged");
}

#[test]
fn an_address_that_holds_a_key_is_refused_and_not_repeated() {
    let work = Workdir::small();
    point(&work, "onhook.toml", "s3://AKIA:hush@calls/lake");
    let ran = work.run(&["ingest"]);
    assert_eq!(ran.code, 2, "{ran:?}");
    assert!(ran.stderr.contains("only a bucket and a prefix") && !ran.stderr.contains("hush"), "{ran:?}");
}
