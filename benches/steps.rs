//! What becomes of a record after decoding, step by step on invented traffic: normalise, gather into columns, write a batch of
//! legs (encode, sync, commit), commit hardly anything. The difference of the last two is the encoding. No reader is compared
//! here; `decode.rs` does.

use std::hint::black_box;
use std::io::Read;
use std::path::Path;

use criterion::{BatchSize, Criterion, Throughput, criterion_group, criterion_main};
use onhook::config::{Config, Source};
use onhook::discover::{Limits, source_files};
use onhook::lake::{Access, Lake, Table};
use onhook::leg::{Legs as Rows, Texts};
use onhook::normalise::{Normaliser, Trunks};
use onhook::read::{About, Block, Decoder, RawQuality, RawRecord, Reject, Sink, Skip, formats, reader};
use onhook::synth::{Plan, generate};

/// Counts and does no more.
#[derive(Default)]
struct Count(u64);

/// Makes legs and throws them away.
struct Legs<'a>(Normaliser<'a>, Texts);

/// Makes legs and gathers them.
struct Columns<'a>(Normaliser<'a>, Texts, Rows);

macro_rules! calls_only {
    ($sink:ty, |$self:ident, $raw:ident| $record:expr) => {
        impl Sink for $sink {
            fn record(&mut $self, $raw: &RawRecord<'_>) {
                $record
            }
            fn quality(&mut self, _: &RawQuality<'_>) {}
            fn skip(&mut self, _: u64, _: Skip) {}
            fn reject(&mut self, _: u64, _: Reject, _: &str, _: &[u8]) {}
        }
    };
}

calls_only!(Count, |self, raw| self.0 += black_box(raw).line);
calls_only!(Legs<'_>, |self, raw| {
    black_box(self.0.leg(raw, &mut self.1));
});
calls_only!(Columns<'_>, |self, raw| self.2.push(&self.0.leg(raw, &mut self.1)));

/// The longest call file of a source, read whole: its name and its bytes. Media reports are no calls.
fn longest(config: &Config, source: &Source, aside: &Path) -> (String, Vec<u8>) {
    let files = source_files(config, source).files;
    let texts = files.iter().flat_map(|file| file.texts(&Limits::default(), aside)).filter_map(Result::ok);
    let calls = texts.filter(|text| !text.file_name().starts_with("cmr"));
    let text = calls.max_by_key(|text| text.length()).expect("each source has a file");
    let mut bytes = Vec::new();
    text.open()
        .and_then(|mut t| t.read_to_end(&mut bytes).map_err(|e| text.unreadable(e)))
        .expect("it was read before");
    (text.file_name().to_string(), bytes)
}

fn steps(c: &mut Criterion) {
    let folder = tempfile::tempdir().expect("a folder");
    let last_day = chrono::NaiveDate::from_ymd_opt(2024, 4, 30).expect("a date");
    // A file a month: 30,000 calls and more, no two alike.
    let files = onhook::synth::Files::Every(30);
    let plan = Plan { files, ..Plan::new(900, 30, 1, last_day) };
    generate(&plan, folder.path()).expect("an estate");
    let config = Config::load(&folder.path().join("onhook.toml"), &formats()).expect("its configuration");
    let trunks = Trunks::new();
    for source in &config.sources {
        let (name, text) = longest(&config, source, folder.path());
        let reader = reader(&source.format).expect("a known format");
        let about = About { name: &name, received_on: last_day, options: &source.options() };
        let decoder = reader.open(&mut &text[..], &about).expect("its own format");
        let normaliser = || {
            let mut texts = Texts::default();
            (Normaliser::new(source, reader.id(), &trunks, &mut texts, 1), texts)
        };
        let block = || Block { first_line: 1, bytes: black_box(&text) };
        let decode = |mut sink: Columns<'_>| {
            decoder.decode(block(), &mut sink);
            (sink.2, sink.1)
        };
        let gathered = || {
            let (normaliser, texts) = normaliser();
            Columns(normaliser, texts, Rows::default())
        };
        let (legs, texts) = decode(gathered());
        let mut one = legs.clone();
        one.retain(&(0..legs.len()).map(|row| row == 0).collect::<Vec<_>>());
        let mut group = c.benchmark_group(format!("steps/{}", source.name));
        group.throughput(Throughput::Elements(legs.len() as u64));
        group.bench_function("1 decode", |b| b.iter(|| count(decoder.as_ref(), block())));
        group.bench_function("2 decode, normalise", |b| {
            b.iter(|| {
                let (normaliser, texts) = normaliser();
                decoder.decode(block(), &mut Legs(normaliser, texts));
            });
        });
        group.bench_function("3 decode, normalise, gather", |b| {
            b.iter(|| decode(gathered()));
        });
        group.sample_size(20);
        for (step, rows) in [("4 append all", &legs), ("5 append one", &one)] {
            group.bench_function(step, |b| {
                let append = |lake: &Lake, batch, rows: &Rows| {
                    let mut file = lake.data_file(Table::Legs, batch, 1).expect("a file");
                    file.append_legs(&[rows], &texts).expect("rows");
                    let file = file.finish().expect("a whole file");
                    lake.append_batch(batch, vec![(Table::Legs, vec![file])]).expect("a batch");
                };
                // The first commit makes the table, so each time a lake that has one.
                let fresh = || {
                    let folder = tempfile::tempdir().expect("a folder");
                    let lake = Lake::open(&folder.path().join("lake"), Access::Write).expect("a lake");
                    append(&lake, 1, &one);
                    (folder, lake)
                };
                let append = |(folder, lake): (tempfile::TempDir, Lake)| {
                    append(&lake, 2, rows);
                    (folder, lake)
                };
                b.iter_batched(fresh, append, BatchSize::PerIteration);
            });
        }
        group.finish();
    }
}

fn count(decoder: &dyn Decoder, block: Block<'_>) -> u64 {
    let mut sink = Count::default();
    decoder.decode(block, &mut sink);
    sink.0
}

criterion_group!(benches, steps);
criterion_main!(benches);
