//! Tests of `unpack`: archives as they are delivered, damaged and hostile ones, made here by the packers themselves.

use super::*;

const TEXT: &[u8] = b"one\ntwo\n";

fn small() -> Limits {
    Limits { keep: 1000, keep_together: 4000, free: 1 << 20, ratio: 100, entries: 50, depth: 4, ..Limits::default() }
}

fn gz(bytes: &[u8]) -> Vec<u8> {
    let mut packer = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::best());
    packer.write_all(bytes).unwrap();
    packer.finish().unwrap()
}

fn tarred(entries: &[(&str, &[u8])]) -> Vec<u8> {
    let mut archive = tar::Builder::new(Vec::new());
    for (name, bytes) in entries {
        let mut header = tar::Header::new_gnu();
        // The packer itself would not write `..`: the name goes straight into the header.
        header.as_gnu_mut().unwrap().name[..name.len()].copy_from_slice(name.as_bytes());
        header.set_size(bytes.len() as u64);
        header.set_mtime(1_700_000_000);
        header.set_entry_type(tar::EntryType::Regular);
        header.set_cksum();
        archive.append(&header, *bytes).unwrap();
    }
    archive.into_inner().unwrap()
}

fn zipped(entries: &[(&str, &[u8])]) -> Vec<u8> {
    let mut archive = zip::ZipWriter::new(Cursor::new(Vec::new()));
    for (name, bytes) in entries {
        archive.start_file(*name, zip::write::SimpleFileOptions::default()).unwrap();
        archive.write_all(bytes).unwrap();
    }
    archive.finish().unwrap().into_inner()
}

/// Name and text of everything in the file, or the message.
fn texts_of(bytes: &[u8], limits: &Limits) -> Vec<Result<(String, Vec<u8>), String>> {
    let folder = tempfile::tempdir().unwrap();
    let found = Found { name: "landing/file".into(), path: folder.path().join("file") };
    std::fs::write(&found.path, bytes).unwrap();
    let aside = tempfile::tempdir().unwrap();
    let texts = found.texts(limits, aside.path());
    let read = |text: Text| {
        let mut bytes = Vec::new();
        text.open().unwrap().read_to_end(&mut bytes).unwrap();
        // Only a long text that stands alone is left to who decodes it.
        let hash = blake3::hash(&bytes);
        assert_eq!(text.fingerprint().unwrap_or((hash, bytes.len() as u64)), (hash, bytes.len() as u64));
        assert!(text.fingerprint().is_some() || (text.may_change() && bytes.len() > limits.keep), "{}", text.name);
        assert_eq!(text.read_fingerprint().unwrap(), hash);
        assert!(!text.is_longer_than(bytes.len() as u64).unwrap());
        assert!(bytes.is_empty() || text.is_longer_than(bytes.len() as u64 - 1).unwrap());
        let mut again = Vec::new();
        text.open().unwrap().read_to_end(&mut again).unwrap();
        assert_eq!(again, bytes, "a second pass gives the same");
        (text.name, bytes)
    };
    let found = texts.into_iter().map(|text| text.map(read).map_err(|error| error.to_string())).collect();
    // Nothing an archive says is a path: no file was written anywhere but the one there was.
    assert_eq!(walkdir::WalkDir::new(folder.path()).into_iter().count(), 2);
    assert_eq!(aside.path().read_dir().unwrap().count(), 0, "what is put aside has no name");
    found
}

fn names_of(bytes: &[u8]) -> Vec<String> {
    texts_of(bytes, &small())
        .into_iter()
        .map(|text| {
            let (name, bytes) = text.unwrap();
            assert_eq!(bytes, TEXT, "{name}");
            name
        })
        .collect()
}

#[test]
fn a_text_is_found_however_it_is_packed() {
    assert_eq!(names_of(TEXT), ["landing/file"]);
    assert_eq!(names_of(&gz(TEXT)), ["landing/file"]);
    assert_eq!(names_of(&zstd::encode_all(TEXT, 3).unwrap()), ["landing/file"]);
    assert_eq!(names_of(&gz(&gz(TEXT))), ["landing/file"]);
    let two = [("a.csv", TEXT), ("deep/b.csv", TEXT)];
    let names = ["landing/file/a.csv", "landing/file/deep/b.csv"];
    for archive in [zipped(&two), tarred(&two), gz(&tarred(&two)), zstd::encode_all(&tarred(&two)[..], 3).unwrap()] {
        assert_eq!(names_of(&archive), names);
    }
    let inner = zipped(&[("x.gz", &gz(TEXT))]);
    assert_eq!(
        names_of(&gz(&tarred(&[("in.zip", &inner), ("y", TEXT)]))),
        ["landing/file/in.zip/x.gz", "landing/file/y"]
    );
}

#[test]
fn texts_too_long_to_keep_come_back_whole() {
    let long = b"0123456789abcdef\n".repeat(300);
    let part = b"0123456789abcdef\n".repeat(50);
    let entries: Vec<(String, &[u8])> =
        (0..9).map(|n| (format!("{n}"), if n == 4 { &long[..] } else { &part[..] })).collect();
    let entries: Vec<(&str, &[u8])> = entries.iter().map(|(name, bytes)| (name.as_str(), *bytes)).collect();
    for archive in [zipped(&entries), gz(&tarred(&entries))] {
        let texts = texts_of(&archive, &small());
        for ((n, bytes), text) in entries.iter().zip(texts) {
            assert_eq!(text.unwrap(), (format!("landing/file/{n}"), bytes.to_vec()));
        }
    }
    assert_eq!(texts_of(&long, &small())[0].as_ref().unwrap().1, long);
    assert_eq!(texts_of(&gz(&long), &small())[0].as_ref().unwrap().1, long);
}

#[test]
fn a_name_in_an_archive_leads_nowhere() {
    let names = ["../../evil", "/etc/passwd", "a/../../../b", "c:\\windows\\d", "e\u{7}f", "..", "./g"];
    let tidied = ["evil", "etc/passwd", "a/b", "c:/windows/d", "e?f", "", "g"];
    let entries: Vec<(&str, &[u8])> = names.iter().map(|name| (*name, TEXT)).collect();
    for archive in [tarred(&entries), zipped(&entries)] {
        let expected: Vec<String> = tidied.iter().map(|name| format!("landing/file/{name}")).collect();
        assert_eq!(names_of(&archive), expected);
    }
}

/// The packer itself refuses to write one name twice: the second name is written over in its bytes.
#[test]
fn two_entries_of_one_name_are_not_passed_over() {
    let mut bytes = zipped(&[("aaaa", TEXT), ("bbbb", b"other")]);
    let places: Vec<usize> = memchr::memmem::find_iter(&bytes, b"bbbb").collect();
    assert_eq!(places.len(), 2, "before the entry and in the table of contents");
    for at in places {
        bytes[at..at + 4].copy_from_slice(b"aaaa");
    }
    let texts = texts_of(&bytes, &small());
    assert!(texts[0].as_ref().unwrap_err().contains("two of its entries have one name"), "{texts:?}");
    assert_eq!(texts.len(), 2, "the one that can be read is");
}

#[test]
fn links_and_devices_are_refused_by_name_and_stop_nothing() {
    let mut archive = tar::Builder::new(Vec::new());
    for (name, kind) in
        [("link", tar::EntryType::Symlink), ("hard", tar::EntryType::Link), ("pipe", tar::EntryType::Fifo)]
    {
        let mut header = tar::Header::new_gnu();
        header.set_entry_type(kind);
        header.set_size(0);
        archive.append_link(&mut header, name, "/etc/passwd").unwrap();
    }
    let mut bytes = archive.into_inner().unwrap();
    bytes.truncate(3 * 512);
    bytes.extend(tarred(&[("good", TEXT)]));
    let texts = texts_of(&bytes, &small());
    for (text, name) in texts.iter().zip(["link", "hard", "pipe"]) {
        let message = text.as_ref().unwrap_err();
        assert!(message.starts_with(&format!("landing/file/{name}: a link")), "{message}");
    }
    assert_eq!(texts[3].as_ref().unwrap().0, "landing/file/good");
}

#[test]
fn a_bomb_is_put_out() {
    let zeros = vec![0u8; 4 << 20];
    let bombs = [
        ("by ratio", gz(&zeros), "unpacks to more"),
        ("by ratio in a zip", zipped(&[("zeros", &zeros)]), "unpacks to more"),
        ("by ratio in layers", gz(&gz(&tarred(&[("zeros", &zeros)]))), "unpacks to more"),
        ("by depth", gz(&gz(&gz(&gz(&gz(TEXT))))), "packed more often"),
    ];
    for (name, bytes, what) in bombs {
        let texts = texts_of(&bytes, &small());
        assert!(texts.last().unwrap().as_ref().unwrap_err().contains(what), "{name}: {texts:?}");
    }
    let many: Vec<(String, &[u8])> = (0..60).map(|n| (format!("{n}"), TEXT)).collect();
    let many: Vec<(&str, &[u8])> = many.iter().map(|(name, text)| (name.as_str(), *text)).collect();
    for archive in [zipped(&many), tarred(&many)] {
        let texts = texts_of(&archive, &small());
        assert_eq!(texts.len(), 51, "what came before is kept");
        assert!(texts[50].as_ref().unwrap_err().contains("more entries"));
    }
}

#[test]
fn what_is_cut_short_is_said_to_be() {
    let long: Vec<u8> = (0..4000u32).flat_map(|n| n.wrapping_mul(2_654_435_761).to_le_bytes()).collect();
    for whole in [
        gz(&long),
        zstd::encode_all(&long[..], 3).unwrap(),
        zipped(&[("a", &long)]),
        gz(&tarred(&[("a", &long)])),
        tarred(&[("a", &long)]),
    ] {
        let texts = texts_of(&whole[..whole.len() / 2], &small());
        assert!(texts.iter().all(|text| text.as_ref().is_err_and(|m| m.contains("cut short"))), "{texts:?}");
        assert!(!texts.is_empty());
    }
}

#[test]
fn an_entry_has_its_own_day() {
    let folder = tempfile::tempdir().unwrap();
    let found = Found { name: "a.tar".into(), path: folder.path().join("a.tar") };
    std::fs::write(&found.path, tarred(&[("smdr.log", TEXT)])).unwrap();
    let texts = found.texts(&small(), folder.path());
    // 1,700,000,000 seconds are 14 November 2023, 22:13:20 UTC.
    assert_eq!(texts[0].as_ref().unwrap().modified_on, NaiveDate::from_ymd_opt(2023, 11, 14).unwrap());
    assert_eq!(texts[0].as_ref().unwrap().file_name(), "smdr.log");
}

#[test]
fn many_long_texts_share_one_file_and_are_read_side_by_side() {
    let entries: Vec<(String, Vec<u8>)> =
        (0..600).map(|n| (n.to_string(), format!("{n}\n").repeat(40).into())).collect();
    let entries: Vec<(&str, &[u8])> = entries.iter().map(|(name, bytes)| (name.as_str(), &bytes[..])).collect();
    let folder = tempfile::tempdir().unwrap();
    let found = Found { name: "a.zip".into(), path: folder.path().join("a.zip") };
    std::fs::write(&found.path, zipped(&entries)).unwrap();
    let limits = Limits { keep: 10, keep_together: 0, entries: 1000, ..small() };
    let texts: Vec<Text> = found.texts(&limits, folder.path()).into_iter().map(Result::unwrap).collect();
    let files: Vec<_> = texts
        .iter()
        .map(|text| match &text.kept {
            Kept::Aside(aside) => &aside.file,
            other => panic!("{other:?}"),
        })
        .collect();
    assert!(files.iter().all(|file| Arc::ptr_eq(file, files[0])), "one file for all");
    let (mut first, mut last) = (texts[0].open().unwrap(), texts[599].open().unwrap());
    for _ in 0..40 {
        let mut line = String::new();
        first.read_line(&mut line).unwrap();
        last.read_line(&mut line).unwrap();
        assert_eq!(line, "0\n599\n");
    }
}

#[test]
fn archives_put_one_behind_the_other_are_read_to_the_last() {
    let (a, b) = (tarred(&[("a", TEXT)]), tarred(&[("b", TEXT)]));
    let both = [&a[..], &b].concat();
    let packed = [gz(&a), gz(&b)].concat();
    for archive in [&both, &packed] {
        assert_eq!(names_of(archive), ["landing/file/a", "landing/file/b"]);
    }
    // The entry reads well; that its packing did not is still said.
    let mut damaged = gz(&a);
    let checksum = damaged.len() - 8;
    damaged[checksum] ^= 1;
    let texts = texts_of(&damaged, &small());
    assert!(texts.last().unwrap().as_ref().unwrap_err().contains("damaged"), "{texts:?}");
}

#[test]
fn a_line_without_end_is_no_text() {
    // A plain file too long to be kept is not read here: who decodes it sees its lines.
    let limits = Limits { line: 5000, keep: 10_000, keep_together: 10_000, ..small() };
    let line = [b'a'; 6000];
    for bytes in [line.to_vec(), gz(&line), zipped(&[("a", &line)])] {
        let texts = texts_of(&bytes, &limits);
        assert!(texts[0].as_ref().unwrap_err().contains("longer than any record"), "{texts:?}");
    }
    assert!(texts_of(&[&line[..4000], b"\n", &line[..4000]].concat(), &limits)[0].is_ok());
}
