//! Mitel MiVoice Business (3300 ICP, SX-2000) SMDR: lines of fixed columns without a header, a year or a zone.
//! `layout` has the columns, `year` the years; this says what the fields mean. Other Mitel products write other formats.

mod layout;
mod record;
mod year;

use std::io::BufRead;

use chrono::NaiveDate;
use rayon::prelude::*;

use super::{About, Block, Decoder, Likelihood, ReadError, Reader, Reject, Sink, Skip, next_block};
use layout::{Layout, Vote, WIDEST};
use year::{MonthDay, Survey, Years};

/// Bytes that are looked at in one task for layout and years, and tasks at a time.
const BLOCK_BYTES: usize = 1 << 18;
const BLOCKS: usize = 16;

pub struct MitelSmdr;

impl Reader for MitelSmdr {
    fn id(&self) -> &'static str {
        "mitel-smdr"
    }

    fn blind_spots(&self) -> &'static str {
        "records name no handset, so use is judged by the number; calls between extensions are there only if the platform was \
         told to record internal calls, incomplete ones only with extended reporting"
    }

    fn sniff(&self, head: &[u8], _name: &str) -> Likelihood {
        let mut padded = Padded::default();
        let block = Block { first_line: 1, bytes: head };
        let records =
            block.lines().filter(|(_, line)| matches!(padded.take(line), Content::Record(line) if line.has_time()));
        match records.take(2).count() {
            0 => Likelihood::No,
            1 => Likelihood::Maybe,
            _ => Likelihood::Sure,
        }
    }

    fn keeps_order(&self) -> bool {
        true
    }

    fn open(&self, text: &mut dyn BufRead, about: &About<'_>) -> Result<Box<dyn Decoder>, ReadError> {
        let (vote, survey, seen) = surveyed(text, BLOCK_BYTES)?;
        let layout = vote.winner().ok_or_else(|| refuse(seen.dated))?;
        Ok(Box::new(MitelDecoder { layout, trimmed: seen.trimmed, years: survey.finish(about) }))
    }
}

/// Layout and years of a whole file, looked at in blocks of so many bytes on all cores.
fn surveyed(text: &mut dyn BufRead, block_bytes: usize) -> std::io::Result<(Vote, Survey, Seen)> {
    let (mut vote, mut survey, mut all) = (Vote::default(), Survey::default(), Seen::default());
    let mut blocks: Vec<Vec<u8>> = vec![Vec::new(); BLOCKS];
    loop {
        let mut filled = 0;
        while filled < BLOCKS && next_block(text, block_bytes, &mut blocks[filled])? {
            filled += 1;
        }
        if filled == 0 {
            return Ok((vote, survey, all));
        }
        let seen: Vec<(Vote, Seen)> = blocks[..filled].par_iter().map(|block| Seen::of(block)).collect();
        for (votes, seen) in seen {
            vote.add(&votes);
            seen.dates.iter().for_each(|(line, date, prefix)| survey.see(all.lines + line, *date, *prefix));
            all.lines += seen.lines;
            all.dated |= seen.dated;
            all.trimmed |= seen.trimmed;
        }
    }
}

/// What the lines of a block show.
#[derive(Default)]
struct Seen {
    /// Lines, from 1, and their dates: of a run of one date the first two, for the second confirms the first and more say
    /// nothing new.
    dates: Vec<(u64, MonthDay, Option<NaiveDate>)>,
    lines: u64,
    dated: bool,
    trimmed: bool,
}

impl Seen {
    fn of(block: &[u8]) -> (Vote, Self) {
        let (mut vote, mut seen, mut padded) = (Vote::default(), Self::default(), Padded::default());
        for (number, line) in (Block { first_line: 1, bytes: block }).lines() {
            seen.lines = number;
            let Content::Record(line) = padded.take(line) else { continue };
            seen.dated = true;
            if line.has_time()
                && let Some(date) = line.date()
                && vote.count(line.text, line.used, line.length)
            {
                let is_told = |(_, day, prefix): &(u64, MonthDay, _)| (*day, *prefix) == (date, line.prefix);
                if !(seen.dates.len() > 1 && seen.dates[seen.dates.len() - 2..].iter().all(is_told)) {
                    seen.dates.push((number, date, line.prefix));
                }
                seen.trimmed |= line.restored;
            }
        }
        (vote, seen)
    }
}

fn refuse(dated: bool) -> ReadError {
    if dated {
        ReadError::Refused {
            what: "no line fits the columns of any MiVoice Business SMDR layout".to_owned(),
            hint: "the log must keep the blanks between the columns; save it again without collapsing or replacing them",
        }
    } else {
        ReadError::Refused {
            what: "no line looks like a MiVoice Business SMDR record (`mm/dd hh:mm` in columns 2 to 12)".to_owned(),
            hint: "MiVoice 5000, MiVoice Office 400, SX-200 and MX-ONE write other formats; check the source's `format`",
        }
    }
}

struct MitelDecoder {
    layout: Layout,
    /// Some lines came without their left blank.
    trimmed: bool,
    years: Years,
}

impl Decoder for MitelDecoder {
    fn options(&self) -> String {
        let Layout { columns, extended_answer, meter, twelve_hours, ani, oli, network } = self.layout;
        let yes = |it: bool| if it { "yes" } else { "no" };
        format!(
            "layout={}; ani={}; oli={}; tta={}; clock={}; meter_pulses={}; network_format={}; left_trimmed={}; year={}",
            columns.name,
            yes(ani),
            yes(oli),
            if extended_answer { "extended" } else { "normal" },
            if twelve_hours { "12h" } else { "24h" },
            yes(meter),
            yes(network),
            yes(self.trimmed),
            self.years.source,
        )
    }

    fn decode(&self, block: Block<'_>, sink: &mut dyn Sink) {
        let mut padded = Padded::default();
        for (number, raw) in block.lines() {
            let rejected = match padded.take(raw) {
                Content::Blank => {
                    sink.skip(number, Skip::Blank);
                    continue;
                }
                Content::Notice => {
                    sink.skip(number, Skip::Notice);
                    continue;
                }
                Content::NotText => (Reject::NotText, "bytes that are no plain text"),
                Content::Odd => (Reject::WrongShape, "neither a record nor a notice"),
                Content::Record(line) => match record::read(&self.layout, &self.years, number, &line, sink) {
                    Ok(()) => continue,
                    Err(why) => why,
                },
            };
            sink.reject(number, rejected.0, rejected.1, raw);
        }
    }
}

/// Room for one line, padded with blanks to the longest layout.
struct Padded([u8; WIDEST]);

impl Default for Padded {
    fn default() -> Self {
        Self([b' '; WIDEST])
    }
}

/// What a line is before its columns are looked at.
enum Content<'a> {
    Blank,
    Notice,
    NotText,
    Odd,
    Record(Line<'a>),
}

/// A line that has, or once had, a date where records have it.
struct Line<'a> {
    /// Plain ASCII in its right columns, padded with blanks to [`WIDEST`].
    text: &'a [u8],
    /// Length without trailing blanks; beyond [`WIDEST`] for a line too long for any layout.
    used: usize,
    /// Length with them.
    length: usize,
    /// The left blank was missing.
    restored: bool,
    prefix: Option<NaiveDate>,
}

impl Padded {
    fn take(&mut self, raw: &[u8]) -> Content<'_> {
        let raw = raw.strip_prefix(b"\xEF\xBB\xBF").unwrap_or(raw);
        let raw = raw.strip_suffix(b"\r").unwrap_or(raw);
        if raw.trim_ascii().is_empty() {
            return Content::Blank;
        }
        let (prefix, line) = split_prefix(raw);
        let restored = line.first().is_some_and(u8::is_ascii_digit);
        let shift = usize::from(restored);
        let (length, used) = (line.len() + shift, line.trim_ascii_end().len() + shift);
        let at = |column: usize| line.get(column - 1 - shift).copied();
        let date_at = |column: usize| line.get(column - 1 - shift..).is_some_and(starts_with_date);
        // A slash in column 4 and a colon in column 10 are a record too, with a damaged date.
        let record = date_at(2) || (at(4) == Some(b'/') && at(10) == Some(b':'));
        if !record {
            return without_date(line, (3..6).any(date_at));
        }
        if !line.iter().all(|b| (b' '..=b'~').contains(b)) {
            return Content::NotText;
        }
        let kept = used.min(WIDEST);
        self.0.fill(b' ');
        if let (Some(to), Some(from)) = (self.0.get_mut(shift..kept), line.get(..kept - shift)) {
            to.copy_from_slice(from);
        }
        Content::Record(Line { text: &self.0, used, length, restored, prefix })
    }
}

impl Line<'_> {
    /// `hh:mm` in columns 8 to 12, as in every layout.
    fn has_time(&self) -> bool {
        matches!(self.text.get(7..12), Some([a, b, b':', c, d]) if [a, b, c, d].into_iter().all(u8::is_ascii_digit))
    }

    fn date(&self) -> Option<MonthDay> {
        let [a, b, b'/', c, d] = self.text.get(1..6)? else { return None };
        MonthDay::new(two(*a, *b)?, two(*c, *d)?)
    }
}

/// The number that two digits make.
fn two(tens: u8, ones: u8) -> Option<u32> {
    (tens.is_ascii_digit() && ones.is_ascii_digit()).then(|| u32::from(tens - b'0') * 10 + u32::from(ones - b'0'))
}

fn starts_with_date(text: &[u8]) -> bool {
    matches!(text, [a, b, b'/', c, d, ..] if [a, b, c, d].into_iter().all(u8::is_ascii_digit))
}

/// Some loggers put `@YYYYMMDD@ ` before the line.
fn split_prefix(line: &[u8]) -> (Option<NaiveDate>, &[u8]) {
    let found = match line {
        [b'@', y1, y2, y3, y4, m1, m2, d1, d2, b'@', rest @ ..] => {
            two(*y1, *y2).zip(two(*y3, *y4)).and_then(|(y, yy)| {
                let year = i32::try_from(y * 100 + yy).ok()?;
                let date = NaiveDate::from_ymd_opt(year, two(*m1, *m2)?, two(*d1, *d2)?)?;
                Some((date, rest.strip_prefix(b" ").unwrap_or(rest)))
            })
        }
        _ => None,
    };
    found.map_or((None, line), |(date, rest)| (Some(date), rest))
}

/// A notice has a word in it, or no figure; what has neither a date nor a word may be the rest of a record.
fn without_date(line: &[u8], date_close_by: bool) -> Content<'static> {
    let text = |line: &str| line.chars().all(|c| c == '\t' || !c.is_control());
    if !std::str::from_utf8(line).is_ok_and(text) {
        return Content::NotText;
    }
    let word = line.split(|b| !b.is_ascii_alphabetic()).any(|word| word.len() >= 4);
    let figures = line.iter().any(u8::is_ascii_digit);
    if !date_close_by && (word || !figures) { Content::Notice } else { Content::Odd }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;
    use std::path::{Path, PathBuf};

    use proptest::prelude::*;

    use super::*;
    use crate::layout::Options;
    use crate::leg::RedirectReason;
    use crate::read::{RawQuality, RawRecord, RawTime, RecordId};

    /// What became of each line, in the columns of the `.expect.csv` files, and the hash of its call.
    #[derive(Default)]
    struct Found(Vec<(u64, String, u64)>);

    impl Sink for Found {
        fn record(&mut self, raw: &RawRecord<'_>) {
            let RawTime::Local(started) = raw.started else { panic!("SMDR times are local") };
            let RecordId::Text(text) = raw.id else { panic!("SMDR has no id of its own") };
            assert_eq!(text, text.trim_ascii_end());
            let ring = raw.ring_s.map_or_else(String::new, |s| s.to_string());
            let talk = raw.talk_s.to_string();
            let fields = [
                "record",
                &started.to_string(),
                &ring,
                &talk,
                raw.direction.map_or("", |d| d.word()),
                raw.outcome.word(),
                raw.caller,
                raw.dialled,
                raw.callee,
                raw.redirect,
                raw.redirect_reason.map_or("", RedirectReason::word),
                raw.calling.device,
                raw.called.device,
                raw.account_code,
                raw.vendor_kind,
            ];
            self.0.push((raw.line, fields.join(","), raw.call));
        }

        fn quality(&mut self, _: &RawQuality<'_>) {
            panic!("SMDR says nothing of media");
        }

        fn skip(&mut self, line: u64, why: Skip) {
            self.0.push((line, why.word().to_owned() + &",".repeat(14), 0));
        }

        fn reject(&mut self, line: u64, why: Reject, detail: &str, _raw: &[u8]) {
            assert!(!detail.is_empty() && !detail.contains(|c: char| c.is_ascii_digit()), "{detail}");
            self.0.push((line, why.word().to_owned() + &",".repeat(14), 0));
        }
    }

    fn folder() -> PathBuf {
        Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures/mitel-smdr")
    }

    fn day(year: i32, month: u32, day: u32) -> NaiveDate {
        NaiveDate::from_ymd_opt(year, month, day).unwrap()
    }

    fn open(bytes: &[u8], name: &str, received_on: NaiveDate) -> Result<Box<dyn Decoder>, ReadError> {
        // A small buffer, so that lines lie across its ends.
        MitelSmdr.open(
            &mut std::io::BufReader::with_capacity(61, bytes),
            &About { name, received_on, options: &Options::default() },
        )
    }

    fn decode(decoder: &dyn Decoder, first_line: u64, bytes: &[u8]) -> Vec<(u64, String, u64)> {
        let mut found = Found::default();
        decoder.decode(Block { first_line, bytes }, &mut found);
        found.0
    }

    fn fixtures() -> BTreeMap<String, Vec<u8>> {
        let texts = std::fs::read_dir(folder()).unwrap().map(|entry| entry.unwrap().path());
        let texts = texts.filter(|path| path.extension().is_some_and(|e| e == "txt"));
        texts
            .map(|path| (path.file_name().unwrap().to_str().unwrap().to_owned(), std::fs::read(path).unwrap()))
            .collect()
    }

    /// The `# key=value` lines of a fixture's expectations, then its rows.
    fn expectations(name: &str) -> (BTreeMap<String, String>, Vec<String>) {
        let text = std::fs::read_to_string(folder().join(name.replace(".txt", ".expect.csv"))).unwrap();
        let (facts, rows): (Vec<&str>, Vec<&str>) = text.lines().partition(|line| line.starts_with("# "));
        let facts = facts.iter().filter_map(|fact| fact[2..].split_once('='));
        (
            facts.map(|(k, v)| (k.to_owned(), v.to_owned())).collect(),
            rows.iter().skip(1).map(|r| r.to_string()).collect(),
        )
    }

    #[test]
    fn fixtures_become_the_records_beside_them() {
        let fixtures = fixtures();
        assert_eq!(fixtures.len(), 15);
        for (name, bytes) in fixtures {
            let (facts, rows) = expectations(&name);
            let decoder = open(&bytes, &name, facts["received_on"].parse().unwrap()).unwrap();
            assert_eq!(decoder.options(), facts["options"], "{name}");
            let found: Vec<String> =
                decode(&*decoder, 1, &bytes).into_iter().map(|(line, what, _)| format!("{line},{what}")).collect();
            assert_eq!(found, rows, "{name}");
            assert_eq!(MitelSmdr.sniff(&bytes, &name), Likelihood::Sure, "{name}");
        }
    }

    #[test]
    fn records_of_one_call_share_its_hash() {
        let bytes = &fixtures()["standard-oli-131.txt"];
        let found = decode(&*open(bytes, "", day(2024, 10, 1)).unwrap(), 1, bytes);
        assert_eq!(found[0].2, found[1].2);
        assert_ne!(found[0].2, found[2].2);
        // The number came round again the next day.
        assert_ne!(found[0].2, found[3].2);
    }

    /// By identifier, or by the other call's identifier as the associated one; nothing without OLI.
    #[test]
    fn records_of_two_trunks_share_a_mark() {
        struct Links(Vec<[Option<i64>; 2]>);
        impl Sink for Links {
            fn record(&mut self, raw: &RawRecord<'_>) {
                self.0.push([raw.calling.link, raw.called.link]);
            }
            fn quality(&mut self, _: &RawQuality<'_>) {}
            fn skip(&mut self, _: u64, _: Skip) {}
            fn reject(&mut self, _: u64, _: Reject, detail: &str, _: &[u8]) {
                panic!("{detail}");
            }
        }
        let links = |bytes: &[u8]| {
            let mut links = Links(Vec::new());
            let decoder = open(bytes, "", day(2024, 10, 1)).unwrap();
            decoder.decode(Block { first_line: 1, bytes }, &mut links);
            links.0
        };
        let [first, second, other, next_day] = links(&fixtures()["standard-oli-131.txt"])[..] else {
            panic!("4 records")
        };
        assert!(first[0].is_some() && first == [second[0]; 2], "one identifier, two trunks");
        assert!(second[1] != second[0], "C0020007 is the call it goes on as");
        assert!(other[0] != first[0] && next_day[0] != first[0], "another number; the number come round again");
        let far = b" 09/30 23:58  00:09:58 X201      901632960777              A T007                    001   1632960042            C0020007A         \n";
        let near = &fixtures()["standard-oli-131.txt"];
        let both = links(&[&near[..], &far[..]].concat());
        assert_eq!(both[4], [second[1]; 2], "the other switch's record has it as its own");
        assert!(links(&fixtures()["standard-ani-112.txt"]).iter().all(|ends| *ends == [None; 2]));
        let level1 = links(&fixtures()["level1-169.txt"]);
        assert!(level1[2][0] != level1[2][1] && level1[0][0] == level1[0][1]);
    }

    /// The same record is the same text whether or not a logger trimmed it, and whatever it put before it.
    #[test]
    fn id_is_the_line_as_the_platform_wrote_it() {
        struct Ids(Vec<String>);
        impl Sink for Ids {
            fn record(&mut self, raw: &RawRecord<'_>) {
                let RecordId::Text(text) = raw.id else { panic!("SMDR has no id of its own") };
                self.0.push(std::str::from_utf8(text).unwrap().to_owned());
            }
            fn quality(&mut self, _: &RawQuality<'_>) {}
            fn skip(&mut self, _: u64, _: Skip) {}
            fn reject(&mut self, _: u64, _: Reject, detail: &str, _: &[u8]) {
                panic!("{detail}");
            }
        }
        let record = " 06/01 09:00  00:00:10 2014       901632960123              A T001";
        let text = format!("{record}\n{record}   \r\n{}\n@20240601@ {record}\n", record.trim_start());
        let mut ids = Ids(Vec::new());
        let decoder = open(text.as_bytes(), "", day(2024, 6, 1)).unwrap();
        decoder.decode(Block { first_line: 1, bytes: text.as_bytes() }, &mut ids);
        assert_eq!(ids.0, [record; 4]);
    }

    #[test]
    fn what_is_no_smdr_is_refused_with_a_hint() {
        let collapsed =
            "06/01 09:00 00:00:10 2014 901632960123 A T001\n06/01 09:02 00:00:11 2014 901632960124 A T001\n";
        for (text, what) in [
            ("", "no line looks like"),
            ("\u{0}\u{1}\u{2}\u{ff}", "no line looks like"),
            ("03-13 11:25 00:00:03 1411 1412\n", "no line looks like"),
            ("\"cdrRecordType\",\"globalCallID_callManagerId\"\n1,2\n", "no line looks like"),
            (collapsed, "no line fits the columns"),
            ("06/13_11:42p_00:08:29_214 _fttt_01632960123xxxmmmmmAsT054k\n", "no line fits the columns"),
        ] {
            let Err(ReadError::Refused { what: said, hint }) = open(text.as_bytes(), "a.txt", day(2024, 6, 2)) else {
                panic!("{text} was taken")
            };
            assert!(said.starts_with(what) && !hint.is_empty(), "{text}: {said}");
        }
        assert_eq!(MitelSmdr.sniff(b"03-13 11:25 00:00:03 1411\n03-13 11:26 00:00:03 1411\n", ""), Likelihood::No);
        assert_eq!(MitelSmdr.sniff(b"notice\n 03/13 11:25  00:00:03 1411\n", ""), Likelihood::Maybe);
    }

    /// Fixture lines, some damaged: bytes set, cut out or put in, line ends included.
    fn damaged() -> impl Strategy<Value = Vec<u8>> {
        let all: Vec<u8> = fixtures().into_values().flat_map(|bytes| [bytes, vec![b'\n']].concat()).collect();
        let change = (0..all.len(), 0..3u8, prop_oneof![Just(b'\n'), Just(b' '), Just(b'9'), any::<u8>()]);
        proptest::collection::vec(change, 0..40).prop_map(move |changes| {
            let mut bytes = all.clone();
            for (at, how, byte) in changes {
                let at = at.min(bytes.len() - 1);
                match how {
                    0 => bytes[at] = byte,
                    1 => bytes.insert(at, byte),
                    _ => drop(bytes.remove(at)),
                }
            }
            bytes
        })
    }

    /// Lines of one layout with dates about New Year, in runs and astray.
    fn years() -> impl Strategy<Value = Vec<u8>> {
        let dates = prop::sample::select(vec!["12/20", "12/31", "01/01", "01/02", "01/20", "02/29", "06/15"]);
        proptest::collection::vec((dates, 1..5usize), 0..30).prop_map(|runs| {
            // Extended digits with ANI and DNIS: column 26 the caller, 39 the digits, 67 the called party, 97 the system.
            let line = |date: &str| {
                let parties = format!("{:7}  {:3} {:26}I {:7}", "30101", "", "30102", "30102");
                format!(" {date} 10:15  0000:01:02 {parties}{:23}001   {:18}\n", "", "")
            };
            runs.into_iter().flat_map(|(date, times)| vec![line(date); times]).collect::<String>().into_bytes()
        })
    }

    proptest! {
        #![proptest_config(ProptestConfig { cases: 64, failure_persistence: None, ..ProptestConfig::default() })]

        /// Line by line nothing of a run is left out: a whole file in one block shows the same.
        #[test]
        fn years_do_not_depend_on_the_blocks(text in years()) {
            let options = Options::default();
            let about = || About { name: "", received_on: day(2024, 9, 1), options: &options };
            let [by_line, whole] = [1, BLOCK_BYTES].map(|size| {
                let (vote, survey, seen) = surveyed(&mut &text[..], size).unwrap();
                assert_eq!(vote.winner().is_some(), !text.is_empty());
                (format!("{:?}", survey.finish(&about())), seen.lines)
            });
            prop_assert_eq!(by_line, whole);
        }

        /// Every line is accounted for once, and blocks cut at any line ends give what the whole gives.
        #[test]
        fn any_split_gives_the_same(bytes in damaged(), cuts in proptest::collection::vec(any::<prop::sample::Index>(), 0..6)) {
            let Ok(decoder) = open(&bytes, "smdr.txt", day(2024, 9, 1)) else { return Ok(()) };
            let whole = decode(&*decoder, 1, &bytes);
            let lines: Vec<&[u8]> = bytes.split_inclusive(|b| *b == b'\n').collect();
            prop_assert_eq!(whole.iter().map(|found| found.0).collect::<Vec<_>>(), (1..=lines.len() as u64).collect::<Vec<_>>());
            let mut ends: Vec<usize> = cuts.iter().map(|cut| cut.index(lines.len() + 1)).chain([0, lines.len()]).collect();
            ends.sort_unstable();
            let mut parts: Vec<_> = ends
                .windows(2)
                .rev()
                .map(|ends| decode(&*decoder, ends[0] as u64 + 1, &lines[ends[0]..ends[1]].concat()))
                .collect();
            parts.reverse();
            prop_assert_eq!(parts.concat(), whole);
        }

        /// Neither bytes of any kind nor a decoder of another file's lines can panic.
        #[test]
        fn any_bytes_are_accounted_for(bytes in proptest::collection::vec(any::<u8>(), 0..600), at in 0..15usize) {
            let _ = MitelSmdr.sniff(&bytes, "");
            let _ = open(&bytes, "20240131", day(2024, 9, 1));
            let good = fixtures().into_values().nth(at).unwrap_or_default();
            if let Ok(decoder) = open(&good, "", day(2024, 9, 1)) {
                let lines = bytes.split_inclusive(|b| *b == b'\n').count();
                prop_assert_eq!(decode(&*decoder, 1, &bytes).len(), lines);
            }
        }
    }
}
