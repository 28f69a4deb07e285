//! Texts longer than what is held in memory at once: written in segments, alone in their batch, and the same lake as if
//! they had come in pieces.

use crate::workdir::Workdir;

/// More than a segment holds, in a file that still is in a group with others.
const LINES: usize = 900_000;

const CONFIG: &str = r#"
[lake]
path = "lake"

[[source]]
name = "mitel"
format = "mitel-smdr"
paths = ["landing/*"]
timezone = "Europe/London"
extensions = ["3XXXX"]
"#;

/// No two lines are alike: 10,000 callers, each calling once a minute.
fn lines(numbers: std::ops::Range<usize>) -> String {
    let mut text = String::with_capacity(numbers.len() * 96);
    for n in numbers {
        let (minute, caller) = (n / 10_000, 30_000 + n % 10_000);
        let (hour, minute, second) = (minute / 60, minute % 60, n % 60);
        let parties = format!("{caller:<7}  {:3} {:26}I {:7}", "", "30001", "30001");
        text += &format!(" 01/30 {hour:02}:{minute:02}  0000:00:{second:02} {parties}{:23}001\n", "");
    }
    text
}

fn ledger(told: &serde_json::Value) -> [u64; 3] {
    ["read", "kept", "repeated"].map(|name| told["records"][name].as_u64().unwrap())
}

#[test]
fn a_text_of_several_segments_is_what_its_pieces_are() {
    let summed = "select caller, count(*), sum(talk_s), min(started_at), max(started_at), sum(leg_key / 1000000), \
                  count(distinct source) from legs group by 1 order by 1";
    let used = "select subject_kind, subject, local_day, sum(made), sum(offered), sum(talk_in_s), sum(talk_out_s), \
                min(first_minute), max(last_minute) from usage group by 1, 2, 3 order by 1, 2, 3";
    let whole = Workdir::new();
    whole.write("onhook.toml", CONFIG);
    // Read before the long one and in one group with it: a batch of its own all the same.
    whole.write("landing/smdr-20240129.log", lines(0..1_000));
    whole.write("landing/smdr-20240130.log", lines(1_000..LINES));
    let (code, told) = whole.ingest(&[]);
    assert_eq!((code, ledger(&told)), (0, [LINES as u64, LINES as u64, 0]));
    let (code, again) = whole.ingest(&[]);
    assert_eq!((code, ledger(&again)), (0, [0, 0, 0]), "a text that stood alone is known again");

    let pieces = Workdir::new();
    pieces.write("onhook.toml", CONFIG);
    for piece in 0..9 {
        pieces.write(&format!("landing/smdr-20240130_{piece}.log"), lines(piece * LINES / 9..(piece + 1) * LINES / 9));
    }
    let (code, told) = pieces.ingest(&[]);
    assert_eq!((code, ledger(&told)), (0, [LINES as u64, LINES as u64, 0]));
    for statement in [summed, used] {
        let rows = whole.sql(statement);
        assert!(rows.len() > 9_000, "{} rows", rows.len());
        assert_eq!(rows, pieces.sql(statement));
    }

    // What a later dump repeats is seen across the segments of one batch and of another.
    whole.write("landing/smdr-20240131.log", lines(0..LINES + 500));
    let (code, told) = whole.ingest(&[]);
    assert_eq!((code, ledger(&told)), (0, [LINES as u64 + 500, 500, LINES as u64]));
}
