//! Bytes a second from text to columns, for each reader, on one core: decode and normalise, no lake. The texts are those of
//! `onhook synth --every-format`.

use std::hint::black_box;
use std::io::Read;
use std::path::Path;

use criterion::{Criterion, Throughput, criterion_group, criterion_main};
use onhook::config::{Config, Source};
use onhook::discover::{Limits, source_files};
use onhook::leg::{Legs, Texts};
use onhook::normalise::{Normaliser, Trunks};
use onhook::quality::QualityBuilder;
use onhook::read::{About, Block, RawQuality, RawRecord, Reject, Sink, Skip, formats, reader};
use onhook::synth::generate_every_format;

struct Columns<'a>(Normaliser<'a>, Legs, Texts, QualityBuilder);

impl Sink for Columns<'_> {
    fn record(&mut self, raw: &RawRecord<'_>) {
        self.1.push(&self.0.leg(raw, &mut self.2));
    }

    fn quality(&mut self, raw: &RawQuality<'_>) {
        let reports = &mut self.3;
        self.0.quality(raw, |report| reports.push(report));
    }

    fn skip(&mut self, _: u64, _: Skip) {}

    fn reject(&mut self, _: u64, _: Reject, _: &str, _: &[u8]) {}
}

/// The largest text of a source, unpacked: its name and its bytes.
fn largest(config: &Config, source: &Source, aside: &Path) -> (String, Vec<u8>) {
    let files = source_files(config, source).files;
    let texts = files.iter().flat_map(|file| file.texts(&Limits::default(), aside)).filter_map(Result::ok);
    let text = texts.max_by_key(|text| text.length()).expect("each source has a file");
    let mut bytes = Vec::new();
    text.open()
        .and_then(|mut t| t.read_to_end(&mut bytes).map_err(|e| text.unreadable(e)))
        .expect("it was read before");
    (text.file_name().to_string(), bytes)
}

fn decode(c: &mut Criterion) {
    let folder = tempfile::tempdir().expect("a folder");
    generate_every_format(1, folder.path()).expect("an estate");
    let config = Config::load(&folder.path().join("onhook.toml"), &formats()).expect("its configuration");
    let received_on = chrono::NaiveDate::from_ymd_opt(2024, 5, 1).expect("a date");
    let mut group = c.benchmark_group("decode");
    for source in &config.sources {
        let (name, text) = largest(&config, source, folder.path());
        let reader = reader(&source.format).expect("a known format");
        // The same lines over and over, about four megabytes, so that the caches are no help; but not of one document.
        let many = if text.starts_with(b"{") { text } else { text.repeat((4 << 20) / text.len() + 1) };
        let about = About { name: &name, received_on, options: &source.options() };
        let decoder = reader.open(&mut &many[..], &about).expect("its own format");
        group.throughput(Throughput::Bytes(many.len() as u64));
        group.bench_function(&source.name, |b| {
            b.iter(|| {
                let trunks = Trunks::new();
                let mut texts = Texts::default();
                let normaliser = Normaliser::new(source, reader.id(), &trunks, &mut texts, 1);
                let mut columns = Columns(normaliser, Legs::default(), texts, QualityBuilder::default());
                decoder.decode(Block { first_line: 1, bytes: black_box(&many) }, &mut columns);
                columns.1.len()
            });
        });
    }
    group.finish();
}

criterion_group!(benches, decode);
criterion_main!(benches);
