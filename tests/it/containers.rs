//! Deliveries as they come: archives of any depth, files without a source, files in the wrong folder.

use std::io::{Cursor, Write};

use crate::workdir::Workdir;

fn zipped(entries: &[(&str, Vec<u8>)]) -> Vec<u8> {
    let mut archive = zip::ZipWriter::new(Cursor::new(Vec::new()));
    for (name, bytes) in entries {
        archive.start_file(*name, zip::write::SimpleFileOptions::default()).unwrap();
        archive.write_all(bytes).unwrap();
    }
    archive.finish().unwrap().into_inner()
}

fn gz(bytes: &[u8]) -> Vec<u8> {
    let mut packer = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::default());
    packer.write_all(bytes).unwrap();
    packer.finish().unwrap()
}

fn tarred(entries: &[(&str, Vec<u8>)]) -> Vec<u8> {
    let mut archive = tar::Builder::new(Vec::new());
    for (name, bytes) in entries {
        let mut header = tar::Header::new_gnu();
        header.set_size(bytes.len() as u64);
        // 1 May 2024: no record is later than its file.
        header.set_mtime(1_714_521_600);
        header.set_cksum();
        archive.append_data(&mut header, name, &bytes[..]).unwrap();
    }
    archive.into_inner().unwrap()
}

/// Name and bytes of the Cisco files of the hand-made estate.
fn cisco(work: &Workdir) -> Vec<(String, Vec<u8>)> {
    let mut files: Vec<_> = std::fs::read_dir(work.join("landing/cucm"))
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .map(|path| (path.file_name().unwrap().to_str().unwrap().to_string(), std::fs::read(&path).unwrap()))
        .collect();
    files.sort();
    files
}

/// Everything of a leg but where it was read.
fn legs(work: &Workdir) -> Vec<String> {
    work.sql("select leg_key, call_key, record_no, started_at, talk_s, caller, callee, outcome from legs order by leg_key, started_at")
}

#[test]
fn an_archive_gives_what_its_files_give() {
    let plain = Workdir::small();
    plain.ingest(&[]);
    let files = cisco(&plain);
    let entries: Vec<(&str, Vec<u8>)> = files.iter().map(|(name, bytes)| (name.as_str(), bytes.clone())).collect();
    let (first, rest) = entries.split_at(1);
    let nested = tarred(&[("inner.zip", zipped(rest)), (first[0].0, first[0].1.clone())]);
    for (name, archive) in [("a.zip", zipped(&entries)), ("a.tar", tarred(&entries)), ("a.tgz", gz(&nested))] {
        let packed = Workdir::small();
        for (file, _) in &entries {
            std::fs::remove_file(packed.join(&format!("landing/cucm/{file}"))).unwrap();
        }
        packed.write(&format!("landing/cucm/{name}"), &archive);
        let (code, said) = packed.ingest(&[]);
        assert_eq!(code, 0, "{name}: {said}");
        assert_eq!(legs(&packed), legs(&plain), "{name}");
        let inputs = packed.sql(&format!("select name from inputs where name like 'landing/cucm/{name}/%'"));
        // A file that CUCM is still writing is left alone in an archive too.
        let finished = entries.iter().filter(|(name, _)| !name.starts_with('_')).count();
        assert_eq!(inputs.len(), finished, "{name}: each file in it is an input of its own");
        // The same files again, unpacked: all were seen before.
        for (file, bytes) in &entries {
            packed.write(&format!("landing/cucm/{file}"), bytes);
        }
        assert_eq!(packed.ingest(&[]).1["inputs"]["new"], 0, "{name}");
    }
}

#[test]
fn a_bad_entry_stops_no_other_and_a_name_leads_nowhere() {
    let work = Workdir::small();
    let files = cisco(&work);
    let (name, text) = files.iter().find(|(name, _)| name.starts_with("cdr")).unwrap();
    std::fs::remove_file(work.join(&format!("landing/cucm/{name}"))).unwrap();
    let entries =
        [("../../../escaped", text.clone()), ("broken.gz", gz(text)[..40].to_vec()), ("notes.txt", b"to do".to_vec())];
    work.write("landing/cucm/odd.zip", zipped(&entries));
    let ran = work.run(&["ingest", "--json"]);
    assert_eq!(ran.code, 1, "{ran:?}");
    assert!(ran.stderr.contains("landing/cucm/odd.zip/broken.gz: the compressed file is cut short"), "{}", ran.stderr);
    assert!(ran.stderr.contains("landing/cucm/odd.zip/notes.txt: "), "{}", ran.stderr);
    assert_eq!(work.sql("select count(*) from inputs where name = 'landing/cucm/odd.zip/escaped' and kept > 0"), ["1"]);
    let outside = work.path().parent().unwrap();
    assert!(!outside.join("escaped").exists() && !work.join("escaped").exists());
}

#[test]
fn a_file_without_a_source_is_known_by_its_format() {
    let plain = Workdir::small();
    plain.ingest(&[]);
    let work = Workdir::small();
    let (code, said) = work.ingest(&["landing/cucm", "landing/mitel"]);
    assert_eq!(code, 0, "{said}");
    assert_eq!(legs(&work), legs(&plain));
    assert_eq!(
        work.sql("select distinct source from inputs order by source"),
        plain.sql("select distinct source from inputs order by source")
    );
    // What shows no format is not guessed at.
    let odd = Workdir::small();
    odd.write("elsewhere/list.txt", "name;number\nfront desk;1001\n");
    let ran = odd.run(&["ingest", "elsewhere"]);
    assert_eq!(ran.code, 1);
    assert!(
        ran.stderr.contains("list.txt: its format is none that shows itself") && ran.stderr.contains("--source"),
        "{}",
        ran.stderr
    );
}

#[test]
fn a_file_in_the_wrong_folder_is_refused_with_both_names() {
    let work = Workdir::small();
    let (_, cisco) = cisco(&work).into_iter().find(|(name, _)| name.starts_with("cdr")).unwrap();
    work.write("landing/mitel/wrong", &cisco);
    let ran = work.run(&["ingest"]);
    assert_eq!(ran.code, 1, "{ran:?}");
    let line = ran.stderr.lines().find(|line| line.starts_with("error: ")).unwrap();
    assert!(
        line.contains("landing/mitel/wrong") && line.contains("cisco-cucm") && line.contains("mitel-smdr"),
        "{line}"
    );
}

/// Two sources of one format: the folder decides, and nothing else does.
#[test]
fn two_sources_of_one_format_are_told_apart_by_their_folders() {
    let work = Workdir::small();
    let text = work.read("onhook.toml");
    let second = "\n[[source]]\nname = \"second-cucm\"\nformat = \"cisco-cucm\"\npaths = [\"landing/second/**\"]\ntimezone = \"Europe/London\"\nextensions = [\"2XXXXX\"]\n";
    let at = text.find("[estate]").unwrap();
    work.write("onhook.toml", format!("{}{second}\n{}", &text[..at], &text[at..]));
    let (name, bytes) = cisco(&work).into_iter().find(|(name, _)| name.starts_with("cdr")).unwrap();
    work.write("landing/second/a", &bytes);
    work.write("elsewhere/b", &bytes);
    let (code, _) = work.ingest(&["landing/second", &format!("landing/cucm/{name}")]);
    assert_eq!(code, 0);
    assert_eq!(work.sql("select source from inputs order by source"), ["hq-cucm", "second-cucm"]);
    let ran = work.run(&["ingest", "elsewhere"]);
    assert_eq!(ran.code, 1);
    assert!(ran.stderr.contains("hq-cucm, second-cucm") && ran.stderr.contains("--source"), "{}", ran.stderr);
}
