//! A lake in an object store looked after: damage is named, merging changes no answer, what was removed is gone.

use std::fs::File;
use std::time::{Duration, SystemTime};

use super::servers::{BUCKET, Kind, Server};
use super::{another, deliver, find, is_like, local, remote, reports};

/// Keys of the data files of a table.
fn data(server: &Server, prefix: &str, table: &str) -> Vec<String> {
    let keys = server.keys(&format!("{prefix}/{table}/"));
    keys.into_iter().filter(|key| key.ends_with(".parquet")).collect()
}

#[test]
fn a_damaged_object_is_named_whatever_copy_there_is() {
    let Some(server) = Server::start(Kind::S3, "a_damaged_object") else { return };
    let work = remote(&server, "damage", server.port);
    deliver(&work);
    let (legs, quality) = (data(&server, "damage", "legs"), data(&server, "damage", "quality"));
    let usage = data(&server, "damage", "usage");
    let size = |table: &str, n: usize| find(&work.join("lake-cache"), table)[n].metadata().unwrap().len() as usize;
    let put = |key: &str, bytes: &[u8]| assert!(server.s3("PUT", &format!("/{BUCKET}/{key}"), bytes).contains(" 200 "));
    put(&legs[0], &vec![7; size("legs", 0)]);
    put(&legs[1], b"short");
    server.s3("DELETE", &format!("/{BUCKET}/{}", usage[0]), b"");
    let said = work.run(&["lake", "verify"]);
    assert_eq!(said.code, 1, "{said:?}");
    let name = |key: &String| key.rsplit('/').next().unwrap().to_string();
    for (table, key, what) in [
        ("legs", &legs[0], "its bytes are not those that were written"),
        ("legs", &legs[1], "it has 5 bytes, the log says"),
        ("usage", &usage[0], "the file is missing"),
    ] {
        let line = format!("wrong     {table} {}: {what}", name(key));
        assert!(said.stdout.contains(&line), "{line}: {}", said.stdout);
    }
    assert!(!said.stdout.contains(&format!("quality {}", name(&quality[0]))), "{}", said.stdout);
    // The damaged copies are gone, and who has none is told of the first by name.
    let reader = another(&server, &work, server.port);
    let told = reader.run(&["sql", "-e", "select count(distinct leg_key) from legs"]);
    assert_eq!((told.code, told.stderr.lines().count()), (2, 2), "{told:?}");
}

#[test]
fn roll_ups_are_mended_there() {
    let Some(server) = Server::start(Kind::S3, "roll_ups_are_mended") else { return };
    let here = local();
    let work = remote(&server, "mend", server.port);
    deliver(&work);
    let usage = data(&server, "mend", "usage");
    server.s3("DELETE", &format!("/{BUCKET}/{}", usage[0]), b"");
    assert_eq!(work.run(&["lake", "verify"]).code, 1);
    let said = work.good(&["lake", "verify", "--repair"]).stdout;
    assert!(said.contains("repaired  usage"), "{said}");
    let sums = "select source, local_day, subject_kind, subject, sum(made + offered) from usage group by 1, 2, 3, 4 order by 1, 2, 3, 4";
    assert_eq!(another(&server, &work, server.port).sql(sums), here.sql(sums));
}

#[test]
fn merged_files_wait_an_hour_removed_calls_go_at_once_and_orphans_too() {
    let Some(server) = Server::start(Kind::S3, "merged_files_wait") else { return };
    let (here, work) = (local(), remote(&server, "care", server.port));
    deliver(&work);
    let before = data(&server, "care", "legs");
    let reader = another(&server, &work, server.port);
    let answers = reports(&reader);
    work.good(&["lake", "compact"]);
    assert_eq!(data(&server, "care", "legs").len(), before.len() + 1);
    for (name, answer) in reports(&reader) {
        assert_eq!(answer, answers[&name], "{name}");
    }
    // What no log ever named nobody reads; what a later writer put there is none of our business.
    let (orphan, later) =
        ("care/legs/b00000009-v00000009-001-w000001.parquet", "care/legs/b00000009-v00000009-001-w999999.parquet");
    for key in [orphan, later] {
        server.s3("PUT", &format!("/{BUCKET}/{key}"), b"half");
    }
    let said = work.good(&["lake", "vacuum"]).stdout;
    assert!(said.starts_with("deleted   1 files of 4 bytes\nwaiting"), "{said}");
    let kept = data(&server, "care", "legs");
    assert!(before.iter().all(|key| kept.contains(key)), "somebody may still read them");
    assert!(kept.iter().any(|key| key == later) && !kept.iter().any(|key| key == orphan), "{kept:?}");
    server.s3("DELETE", &format!("/{BUCKET}/{later}"), b"");
    // Retention is for good: in the store, and in the copies here.
    let old = "select count(*) from legs where local_day < date '2024-03-04'";
    let old = here.sql(old).remove(0);
    let said = work.good(&["lake", "vacuum", "--older-than", "2024-03-04"]).stdout;
    assert!(old != "0" && said.starts_with(&format!("removed   {old} legs, ")), "{old}: {said}");
    assert!(said.contains("deleted   ") && !said.contains("waiting"), "{said}");
    let kept = data(&server, "care", "legs");
    assert!(kept.iter().all(|key| key.contains("-k")), "{kept:?}");
    let copies = find(&work.join("lake-cache"), "legs");
    assert_eq!(copies.len(), kept.len(), "{copies:?}");
    let later = "select * from legs where local_day >= date '2024-03-04' order by leg_key, started_at";
    assert_eq!(work.sql("select * from legs order by leg_key, started_at"), here.sql(later));
    work.good(&["lake", "verify"]);
    // Copies on other machines go when these write the next time.
    reader.good(&["lake", "verify"]);
    reader.run(&["ingest"]);
    assert_eq!(find(&reader.join("lake-cache"), "legs").len(), copies.len());
}

/// An entry of the log that cannot be understood may be the one that took the files out a moment ago.
#[test]
fn where_a_log_cannot_be_read_to_its_end_dead_files_wait() {
    let Some(server) = Server::start(Kind::S3, "where_a_log_cannot_be_read") else { return };
    let work = remote(&server, "young", server.port);
    deliver(&work);
    work.good(&["lake", "compact"]);
    let merged = data(&server, "young", "legs");
    assert_eq!(merged.len(), 3, "two, and one in their place: {merged:?}");
    let log = server.keys("young/legs/_delta_log/").into_iter().filter(|key| key.ends_with(".json")).max().unwrap();
    let entry = server.s3("GET", &format!("/{BUCKET}/{log}"), b"");
    let entry = entry.split_once("\r\n\r\n").unwrap().1;
    assert!(entry.contains("\"remove\""), "{entry}");
    // Delta passes over what it does not know.
    let changed = format!("{{\"of a later version\":{{}}}}\n{entry}");
    server.s3("PUT", &format!("/{BUCKET}/{log}"), changed.as_bytes());
    let said = work.good(&["lake", "vacuum"]).stdout;
    assert!(said.starts_with("deleted   0 files of 0 bytes\nwaiting"), "{said}");
    assert_eq!(data(&server, "young", "legs"), merged);
}

/// A run that was killed while it fetched a file has left half a copy, under a name that nobody else will ever write.
#[test]
fn half_a_copy_that_nobody_is_fetching_any_more_goes() {
    let Some(server) = Server::start(Kind::S3, "half_a_copy") else { return };
    let work = remote(&server, "half", server.port);
    work.good(&["ingest", "--source", "hq-cucm"]);
    let folder = find(&work.join("lake-cache"), "legs").remove(0).parent().unwrap().to_path_buf();
    for (name, minutes) in [(".fetch-old", 61), (".fetch-new", 59)] {
        let grown = SystemTime::now() - Duration::from_secs(minutes * 60);
        File::create(folder.join(name)).unwrap().set_modified(grown).unwrap();
    }
    work.good(&["ingest", "--source", "north-mitel"]);
    assert!(!folder.join(".fetch-old").exists());
    assert!(folder.join(".fetch-new").exists(), "somebody may be fetching it");
}

#[test]
fn on_azure_files_are_deleted_as_well() {
    let Some(server) = Server::start(Kind::Azure, "on_azure_files_are_deleted") else { return };
    let here = local();
    let work = remote(&server, "care", server.port);
    deliver(&work);
    is_like(&work, &here, "before");
    work.good(&["lake", "compact"]);
    let said = work.good(&["lake", "vacuum", "--older-than", "2024-03-04"]).stdout;
    assert!(said.contains("deleted   ") && !said.contains("deleted   0 files"), "{said}");
    assert!(work.good(&["lake", "status"]).stdout.contains("dead               0 files"), "{said}");
}
