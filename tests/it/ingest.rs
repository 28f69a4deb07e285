//! Exactly once, whatever the files are called, how they are packed and how often they come.

use std::io::Write;

use crate::workdir::Workdir;

const MITEL: &str = "landing/mitel/smdr_20240331.log";

fn records(said: &serde_json::Value) -> [u64; 4] {
    ["kept", "repeated", "skipped", "rejected"].map(|name| said["records"][name].as_u64().unwrap())
}

fn inputs(said: &serde_json::Value) -> [u64; 3] {
    ["new", "repeated", "failed"].map(|name| said["inputs"][name].as_u64().unwrap())
}

fn gz(bytes: &[u8]) -> Vec<u8> {
    let mut packer = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::default());
    packer.write_all(bytes).unwrap();
    packer.finish().unwrap()
}

/// All rows of `legs`, for comparison.
fn legs(work: &Workdir) -> Vec<String> {
    work.sql("select * from legs order by leg_key, started_at")
}

#[test]
fn the_same_files_under_any_name_add_nothing() {
    let work = Workdir::small();
    let (code, first) = work.ingest(&[]);
    assert_eq!(code, 0);
    assert_eq!(inputs(&first), [8, 0, 0]);
    let before = legs(&work);
    let reports = work.sql("select * from quality order by quality_key");
    assert_eq!((before.len() + reports.len()) as u64, records(&first)[0]);
    assert_eq!(work.ingest(&[]).1["inputs"]["new"], 0);
    // Renamed, packed, and in another folder.
    let mitel = std::fs::read(work.join(MITEL)).unwrap();
    std::fs::rename(work.join(MITEL), work.join("landing/mitel/renamed.log")).unwrap();
    work.write("landing/mitel/packed.log.gz", gz(&mitel));
    work.write("landing/mitel/packed.log.zst", zstd::encode_all(&mitel[..], 1).unwrap());
    let (code, again) = work.ingest(&[]);
    assert_eq!((code, inputs(&again), records(&again)), (0, [0, 10, 0], [0, 0, 0, 0]));
    assert_eq!(again["version"], first["version"], "no commit for nothing");
    assert_eq!(legs(&work), before);
}

#[test]
fn an_overlapping_dump_adds_only_what_is_new() {
    let work = Workdir::small();
    let whole = work.read(MITEL);
    let lines: Vec<&str> = whole.split_inclusive('\n').collect();
    let (head, tail) = (lines[..lines.len() * 2 / 3].concat(), lines[lines.len() / 3..].concat());
    let (_, all) = work.ingest(&["--source", "north-mitel"]);
    let expected = legs(&work).len();
    let split = Workdir::small();
    std::fs::remove_file(split.join(MITEL)).unwrap();
    split.write(MITEL, head);
    split.ingest(&["--source", "north-mitel"]);
    split.write("landing/mitel/later_20240331.log", &tail);
    let (_, second) = split.ingest(&["--source", "north-mitel"]);
    assert_eq!(legs(&split).len(), expected);
    let [kept, repeated, ..] = records(&second);
    assert!(kept > 0 && repeated > 0, "{second}");
    let keys = "select leg_key, started_at from legs order by 1, 2";
    assert_eq!(split.sql(keys), work.sql(keys), "identity does not depend on which dump brought it");
    assert!(records(&all)[0] > kept);
    // In one run the result is the same.
    let at_once = Workdir::small();
    at_once.write("landing/mitel/later_20240331.log", tail);
    at_once.ingest(&["--source", "north-mitel"]);
    assert_eq!(at_once.sql(keys), work.sql(keys));
}

/// Two equal lines in one file are two calls; the same two in another file are repeats.
#[test]
fn equal_lines_are_counted() {
    let work = Workdir::small();
    let line = work.read(MITEL).lines().next().unwrap().to_string();
    std::fs::remove_file(work.join(MITEL)).unwrap();
    work.write("landing/mitel/twice_20240331.log", format!("{line}\n{line}\n"));
    assert_eq!(records(&work.ingest(&["--source", "north-mitel"]).1), [2, 0, 0, 0]);
    work.write("landing/mitel/thrice_20240331.log", format!("{line}\r\n{line}\r\n{line}\r\n"));
    assert_eq!(records(&work.ingest(&["--source", "north-mitel"]).1), [1, 2, 0, 0], "CR LF is no difference");
}

/// A file given to the wrong source by mistake is not lost to the right one; two sources may share a file.
#[test]
fn an_input_is_its_source_and_its_content() {
    let work = Workdir::small();
    let (code, wrong) = work.ingest(&["--source", "hq-cucm", MITEL]);
    assert_eq!((code, inputs(&wrong)), (1, [0, 0, 1]));
    let (code, right) = work.ingest(&["--source", "north-mitel", MITEL]);
    assert_eq!((code, inputs(&right)), (0, [1, 0, 0]));
    let config = work.read("onhook.toml");
    let (head, mitel) = config.split_once("[[source]]\nname = \"north-mitel\"").unwrap();
    let mitel = mitel.split_once("[estate]").unwrap().0;
    let copy = format!("{head}[[source]]\nname = \"copy\"{mitel}[[source]]\nname = \"north-mitel\"");
    work.write("onhook.toml", config.replace(&format!("{head}[[source]]\nname = \"north-mitel\""), &copy));
    let (_, copied) = work.ingest(&["--source", "copy"]);
    assert_eq!((inputs(&copied), records(&copied)), ([1, 0, 0], records(&right)));
    assert_eq!(work.sql("select count(*), count(distinct input_id) from inputs"), ["2,2"]);
    assert_eq!(work.sql("select count(*) - count(distinct leg_key) from legs"), ["0"], "the source is part of the key");
}

/// CUCM's own id with other content is kept out, and said.
#[test]
fn the_same_id_with_other_content_is_a_conflict() {
    let work = Workdir::small();
    let name = "landing/cucm/cdr_HQ-CL01_01_202402101105_100";
    let text = work.read(name);
    let header = text.lines().next().unwrap().replace('"', "");
    let at = header.split(',').position(|column| column == "duration").unwrap();
    work.ingest(&["--source", "hq-cucm"]);
    let before = legs(&work);
    let forged: Vec<String> = text
        .lines()
        .enumerate()
        .map(|(i, line)| {
            let mut fields: Vec<&str> = line.split(',').collect();
            if i >= 2 {
                fields[at] = "4321";
            }
            fields.join(",")
        })
        .collect();
    work.write("landing/cucm/cdr_HQ-CL01_01_202402101105_999", forged.join("\n"));
    let (_, said) = work.ingest(&["--source", "hq-cucm"]);
    let [kept, repeated, _, rejected] = records(&said);
    assert_eq!((kept, repeated), (0, 0));
    assert!(rejected > 0);
    assert_eq!(legs(&work), before, "the first delivery stands");
    let reasons = work.sql("select reason, count(*) from rejects group by reason order by reason");
    assert!(reasons.contains(&format!("conflict,{rejected}")), "{reasons:?}");
}

/// A large file is read in blocks by several workers: its rows come out as if read in one piece.
#[test]
fn a_large_file_keeps_the_order_of_its_lines() {
    let work = Workdir::small();
    let line = work.read(MITEL).lines().next().unwrap().to_string();
    std::fs::remove_file(work.join(MITEL)).unwrap();
    let many: String =
        (0..120_000).map(|i| format!("{}{:02}:{:02}{}\n", &line[..7], i / 60 % 24, i % 60, &line[12..])).collect();
    work.write("landing/mitel/many_20240331.log", many);
    assert_eq!(records(&work.ingest(&["--source", "north-mitel"]).1), [120_000, 0, 0, 0]);
    let wrong = "select count(*) from legs where local_minute <> (record_no - 1) % 1440";
    assert_eq!(work.sql(wrong), ["0"]);
    let keys = "select count(distinct leg_key), min(record_no), max(record_no) from legs";
    assert_eq!(work.sql(keys), ["120000,1,120000"]);
}

/// `inputs` has one row a file, that balances and says what was detected.
#[test]
fn every_input_has_its_ledger() {
    let work = Workdir::small();
    work.ingest(&[]);
    let unbalanced = "select name from inputs where read <> kept + repeated + skipped + rejected";
    assert_eq!(work.sql(unbalanced), Vec::<String>::new());
    let against_rows = "select i.name from inputs i left join (select input_id, count(*) as n from (select input_id from legs \
        union all select input_id from quality) k group by input_id) l \
        on l.input_id = i.input_id left join (select input_id, count(*) as n from rejects group by input_id) r \
        on r.input_id = i.input_id where i.kept <> coalesce(l.n, 0) or i.rejected <> coalesce(r.n, 0)";
    assert_eq!(work.sql(against_rows), Vec::<String>::new());
    let options = work.sql("select distinct options from inputs where format = 'mitel-smdr'");
    assert!(options[0].contains("layout=extended") && options[0].contains("year=2024"), "{options:?}");
    let options = work.sql("select distinct options from inputs where format = 'cisco-cucm' order by 1");
    assert!(options.iter().any(|o| o.contains("columns=129; layout=cdr")), "{options:?}");
}

/// What an unfinished run left behind is not seen, and taken back.
#[test]
fn a_batch_counts_whole_or_not_at_all() {
    use arrow::array::RecordBatch;
    use onhook::lake::{Access, Lake, Table};
    let work = Workdir::small();
    work.ingest(&["--source", "north-mitel"]);
    let before = legs(&work);
    let lake = Lake::open(&work.join("lake"), Access::Write).unwrap();
    let half: Vec<RecordBatch> = {
        let path = lake.files(Table::Legs, lake.finished_batch().unwrap()).unwrap().paths.remove(0);
        let file = std::fs::File::open(path).unwrap();
        let reader = parquet::arrow::arrow_reader::ParquetRecordBatchReaderBuilder::try_new(file).unwrap();
        reader.build().unwrap().map(Result::unwrap).collect()
    };
    // As if the process had died between `legs` and `inputs`.
    let next = lake.finished_batch().unwrap() + 1;
    let mut file = lake.data_file(Table::Legs, next, 1).unwrap();
    half.iter().for_each(|rows| file.append(rows).unwrap());
    lake.append_batch(next, vec![(Table::Legs, vec![file.finish().unwrap()])]).unwrap();
    drop(lake);
    assert_eq!(legs(&work), before, "a reader sees whole batches only");
    let (_, said) = work.ingest(&[]);
    assert_eq!(inputs(&said), [7, 1, 0]);
    let clean = Workdir::small();
    clean.ingest(&[]);
    let rows = "select source, leg_key, started_at, caller, callee, talk_s, record_no from legs order by 1, 2, 3";
    assert_eq!(work.sql(rows), clean.sql(rows), "as one clean run");
    let usage = "select source, local_day, subject_kind, subject, sum(made), sum(offered) from usage group by 1, 2, 3, 4 order by 1, 2, 3, 4";
    assert_eq!(work.sql(usage), clean.sql(usage));
}

/// The roll-up counts what an independent count over `legs` gives.
#[test]
fn usage_agrees_with_legs() {
    let work = Workdir::small();
    work.ingest(&[]);
    let wrong = work.sql(
        "with made as (select source, local_day, caller_ext as subject, count(*) as n from legs \
            where caller_ext is not null and part = 'whole' group by 1, 2, 3), \
         used as (select source, local_day, subject, sum(made) as n from usage where subject_kind = 'number' group by 1, 2, 3) \
         select coalesce(m.subject, u.subject) from made m full outer join used u \
            on m.source = u.source and m.local_day = u.local_day and m.subject = u.subject \
         where coalesce(m.n, 0) <> coalesce(u.n, 0)",
    );
    assert_eq!(wrong, Vec::<String>::new());
    let unbalanced = "select subject from usage where offered <> answered + missed + diverted + voicemail";
    assert_eq!(work.sql(unbalanced), Vec::<String>::new());
}
