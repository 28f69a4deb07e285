//! The key file, its rotation, and what is read before and after a change of mind.

use super::{KEY, close, with};
use crate::workdir::Workdir;

const MITEL: &str = "landing/mitel/smdr_20240331.log";

/// The same records in other files: a blank line or two more make them another content. The Mitel's year is in the name.
fn delivered_again(work: &Workdir, name: &str) {
    let blank = "\n".repeat(1 + usize::from(name.as_bytes()[0] - b'a'));
    work.write(&format!("landing/mitel/{name}_20240331.log"), work.read(MITEL) + &blank);
    for first in ["landing/cucm/cdr_HQ-CL01_01_202403081200_101", "landing/cucm/cmr_HQ-CL01_01_202403081200_102"] {
        work.write(&format!("{first}_{name}"), work.read(first) + &blank);
    }
}

#[test]
fn a_repeat_is_a_repeat_whatever_is_kept_and_whichever_key_is_in_force() {
    let work = Workdir::small();
    assert!(work.ingest(&[]).1["records"]["kept"].as_u64().unwrap() > 10);
    let count = work.sql("select count(*) from legs");
    with(&work, "pseudonym");
    for (n, name) in ["a", "b", "c"].into_iter().enumerate() {
        delivered_again(&work, name);
        let (_, said) = work.ingest(&[]);
        assert_eq!(said["records"]["kept"], 0, "{name}: {said}");
        assert!(said["inputs"]["new"].as_u64().unwrap() >= 2, "{name}: {said}");
        assert!(said["records"]["repeated"].as_u64().unwrap() >= 10, "{name}: {said}");
        assert_eq!(work.sql("select count(*) from rejects where reason = 'conflict'"), ["0"], "{name}");
        if n == 0 {
            work.good(&["privacy", "key", "--rotate"]);
        }
    }
    assert_eq!(work.sql("select count(*) from legs"), count);
    // What was read with numbers kept is said, every time.
    let ran = work.run(&["ingest"]);
    assert!(ran.stderr.contains("files were read when outside numbers were kept"), "{ran:?}");
    // Back again would make every call two.
    work.write("onhook.toml", work.read("onhook.toml").replace("\"pseudonym\"", "\"keep\""));
    let ran = work.run(&["ingest"]);
    assert_eq!((ran.code, ran.stderr.contains("its calls would count twice")), (2, true), "{ran:?}");
}

/// Two equal lines of a file are two calls, keyed or not; and a number is the same under one key and another under the next.
#[test]
fn a_new_key_gives_new_pseudonyms_and_the_old_ones_are_still_found() {
    let work = Workdir::small();
    with(&work, "pseudonym");
    let line = " 03/04 09:01  0000:01:05 4101         901632960601              A T1                            001\n";
    let of = |day: &str| line.replace("03/04", day);
    work.write("landing/mitel/x_20240331.log", of("03/04") + &of("03/04"));
    std::fs::remove_file(work.join(MITEL)).unwrap();
    work.good(&["ingest", "--source", "north-mitel"]);
    let before = work.sql("select distinct callee from legs");
    assert_eq!((before.len(), work.sql("select count(*) from legs")), (1, vec!["2".to_string()]));
    work.good(&["privacy", "key", "--rotate"]);
    work.write("landing/mitel/y_20240331.log", of("03/05"));
    work.good(&["ingest", "--source", "north-mitel"]);
    let after = work.sql("select distinct callee from legs order by 1");
    assert_eq!(after.len(), 2, "{after:?}");
    assert!(after.contains(&before[0]) && after.iter().all(|number| number.starts_with("'+441632p")), "{after:?}");
    let keys = work.sql("select distinct options from inputs order by 1");
    assert_eq!(
        keys.iter().filter(|options| options.contains("outside_numbers=pseudonym; key=")).count(),
        2,
        "{keys:?}"
    );
    let ran = work.good(&["subject", "01632 960601", "--json"]);
    let said: serde_json::Value = serde_json::from_str(&ran.stdout).unwrap();
    assert_eq!(said["held"][0]["rows"], 3, "{said}");
}

/// A lift's dialler is known by calling one number only: it stays known when numbers are kept otherwise from a day on, by
/// whichever way each of its days was read, and when the rows of such a day are merged.
#[test]
fn who_calls_one_number_only_is_known_by_it_beyond_a_change_of_key() {
    let work = Workdir::small();
    std::fs::remove_file(work.join(MITEL)).unwrap();
    let call = |line: &str, day: &str, hour: &str, last: &str| {
        format!(
            " {day} {hour}:01  0000:01:05 {line}         90163296060{last}              A T1                            001\n"
        )
    };
    let read = |name: &str, calls: &[String]| {
        work.write(&format!("landing/mitel/{name}_20240331.log"), calls.concat());
        work.good(&["ingest", "--source", "north-mitel"]);
    };
    read("a", &[call("4102", "03/04", "09", "1"), call("4103", "03/04", "09", "1")]);
    with(&work, "pseudonym");
    read("b", &[call("4102", "03/05", "09", "1"), call("4103", "03/05", "09", "1")]);
    work.good(&["privacy", "key", "--rotate"]);
    read("c", &[call("4102", "03/05", "10", "1"), call("4102", "03/06", "09", "1"), call("4103", "03/06", "09", "1")]);
    // Another number, one day: four texts in three ways.
    read("d", &[call("4103", "03/07", "09", "2")]);
    let asked =
        "select subject from subject_use where is_hotline and source = 'north-mitel' and subject_kind = 'number'";
    assert_eq!(work.sql("select count(distinct dialled_one) from usage where subject = '4102'"), ["3"], "three texts");
    assert_eq!(work.sql(asked), ["4102"]);
    work.good(&["lake", "compact"]);
    assert_eq!(work.sql("select count(*) from usage where subject = '4102' and dialled_one = -1"), ["1"], "both keys");
    assert_eq!(work.sql(asked), ["4102"]);
}

/// The line `records …` is what a repeated record is known by: with another one a file read again would count twice.
#[test]
fn another_key_file_in_place_of_the_lost_one_is_refused() {
    let work = Workdir::small();
    with(&work, "truncate");
    assert!(work.ingest(&[]).0 < 2);
    let legs = work.sql("select count(*) from legs");
    delivered_again(&work, "a");
    let text = work.read(KEY);
    work.write(KEY, text.replace(&"11".repeat(32), &"12".repeat(32)));
    let ran = work.run(&["ingest"]);
    assert_eq!((ran.code, ran.stderr.contains("another line `records …`")), (2, true), "{ran:?}");
    work.write(KEY, &text);
    assert!(work.run(&["ingest"]).code < 2);
    assert_eq!(work.sql("select count(*) from legs"), legs);
}

#[cfg(unix)]
#[test]
fn a_key_file_that_is_a_link_is_rotated_where_it_lies() {
    use std::os::unix::fs::symlink;
    let work = Workdir::small();
    with(&work, "pseudonym");
    std::fs::create_dir(work.join("secure")).unwrap();
    std::fs::rename(work.join(KEY), work.join("secure/outside.key")).unwrap();
    symlink(work.join("secure/outside.key"), work.join(KEY)).unwrap();
    work.good(&["privacy", "key", "--rotate"]);
    assert!(work.join(KEY).is_symlink());
    assert_eq!(work.read("secure/outside.key").matches("numbers ").count(), 2);
    // The disk it lies on is not there: no other key is put in its place.
    std::fs::rename(work.join("secure"), work.join("unmounted")).unwrap();
    for args in [&["privacy", "key"][..], &["privacy", "key", "--rotate"]] {
        let ran = work.run(args);
        assert_eq!((ran.code, ran.stderr.contains("a link that leads nowhere")), (2, true), "{ran:?}");
    }
    assert!(work.join(KEY).is_symlink());
}

#[cfg(unix)]
#[test]
fn a_key_is_made_for_its_owner_only_and_none_else_is_taken() {
    use std::os::unix::fs::PermissionsExt;
    let work = Workdir::small();
    let refused = |work: &Workdir, args: &[&str], why: &str| {
        let ran = work.run(args);
        assert_eq!((ran.code, ran.stderr.contains(why)), (2, true), "{why}: {ran:?}");
        assert!(ran.stderr.lines().count() <= 2, "{ran:?}");
    };
    refused(&work, &["privacy", "key"], "no key file is named");
    let plain = work.read("onhook.toml");
    work.write("onhook.toml", plain.replace("[[source]]", "[[source]]\noutside_numbers = \"pseudonym\""));
    refused(&work, &["ingest"], "no key is named");
    with(&work, "keep");
    work.write(
        "onhook.toml",
        plain.replace("[[source]]", "[[source]]\noutside_numbers = \"pseudonym\"")
            + "\n[privacy]\nkey = \"keys/outside.key\"\n",
    );
    std::fs::remove_file(work.join(KEY)).unwrap();
    refused(&work, &["ingest"], "there is no key file");
    refused(&work, &["privacy", "key", "--rotate"], "there is no key file");
    assert!(!work.join("lake").exists(), "nothing was begun");
    let made = work.good(&["privacy", "key"]);
    assert_eq!(work.join(KEY).metadata().unwrap().permissions().mode() & 0o777, 0o600);
    let text = work.read(KEY);
    let secrets: Vec<&str> =
        text.lines().filter_map(|line| line.strip_prefix("numbers ").or(line.strip_prefix("records "))).collect();
    assert_eq!((secrets.len(), secrets[0] == secrets[1]), (2, false));
    assert!(secrets.iter().all(|secret| secret.len() == 64 && !made.stderr.contains(secret)), "{made:?}");
    refused(&work, &["privacy", "key"], "there is a key already");
    assert_eq!(work.read(KEY), text, "the key that is there stays");
    for mode in [0o640, 0o604, 0o660] {
        std::fs::set_permissions(work.join(KEY), std::fs::Permissions::from_mode(mode)).unwrap();
        refused(&work, &["ingest"], "others than its owner may read the key");
        refused(&work, &["privacy", "key", "--rotate"], "others than its owner may read the key");
    }
    close(&work);
    work.write(KEY, text.replace("records", "record"));
    refused(&work, &["ingest"], "is no key");
    work.write(KEY, &text);
    work.run(&["ingest"]);
    work.write("onhook.toml", work.read("onhook.toml").replace("keys/outside.key", "lake/outside.key"));
    refused(&work, &["ingest"], "lies in the lake");
}

/// Where a call is recorded on both ends of a line, both must say the same of it.
#[test]
fn sources_that_a_line_joins_keep_alike_or_are_refused() {
    let work = Workdir::of("scene");
    let config = work.read("onhook.toml").replacen("[[source]]", "[[source]]\noutside_numbers = \"truncate\"", 1);
    work.write("onhook.toml", config + "\n[privacy]\nkey = \"keys/outside.key\"\n");
    let ran = work.run(&["ingest"]);
    assert_eq!((ran.code, ran.stderr.contains("a line joins them")), (2, true), "{ran:?}");
}

/// The paths tell them apart, and the disk does not: the key's folder leads into the lake, or the lake is a link to where
/// the key lies.
#[cfg(unix)]
#[test]
fn a_key_that_a_link_puts_into_the_lake_is_neither_made_nor_read() {
    use std::os::unix::fs::symlink;
    for is_key_linked in [true, false] {
        let work = Workdir::small();
        with(&work, "pseudonym");
        let text = work.read(KEY);
        std::fs::remove_dir_all(work.join("keys")).unwrap();
        if is_key_linked {
            std::fs::create_dir_all(work.join("lake/inner")).unwrap();
            symlink(work.join("lake/inner"), work.join("keys")).unwrap();
        } else {
            std::fs::create_dir_all(work.join("keys")).unwrap();
            symlink(work.join("keys"), work.join("lake")).unwrap();
        }
        let refused = |args: &[&str]| {
            let ran = work.run(args);
            assert_eq!((ran.code, ran.stderr.contains("lies in the lake")), (2, true), "{args:?}: {ran:?}");
        };
        refused(&["privacy", "key"]);
        assert!(!work.join(KEY).exists());
        work.write(KEY, &text);
        close(&work);
        refused(&["privacy", "key", "--rotate"]);
        refused(&["ingest"]);
        refused(&["subject", "01632 960601"]);
        assert_eq!(work.read(KEY), text);
    }
    // A link to a folder elsewhere is as good as the folder.
    let work = Workdir::small();
    with(&work, "pseudonym");
    std::fs::rename(work.join("keys"), work.join("kept")).unwrap();
    symlink(work.join("kept"), work.join("keys")).unwrap();
    work.good(&["privacy", "key", "--rotate"]);
    assert!(work.run(&["ingest"]).code < 2);
}
