//! Bytes a second from text to columns, for each reader, on one core: decode and normalise, no lake.

use std::hint::black_box;

use criterion::{Criterion, Throughput, criterion_group, criterion_main};
use onhook::config::Config;
use onhook::leg::LegBuilder;
use onhook::normalise::{Normaliser, Trunks};
use onhook::read::{About, Block, RawRecord, Reject, Sink, Skip, reader};

struct Columns<'a>(Normaliser<'a>, LegBuilder);

impl Sink for Columns<'_> {
    fn record(&mut self, raw: &RawRecord<'_>) {
        let legs = &mut self.1;
        self.0.leg(raw, |leg| legs.push(leg));
    }

    fn skip(&mut self, _: u64, _: Skip) {}

    fn reject(&mut self, _: u64, _: Reject, _: &str, _: &[u8]) {}
}

fn decode(c: &mut Criterion) {
    let folder = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures/small");
    let config = Config::load(&folder.join("onhook.toml"), &["cisco-cucm", "mitel-smdr"]).expect("the fixture");
    let files = ["landing/cucm/cdr_HQ-CL01_01_202403081200_231", "landing/mitel/smdr_20240331.log"];
    let mut group = c.benchmark_group("decode");
    for (source, name) in config.sources.iter().zip(files) {
        let text = std::fs::read(folder.join(name)).expect("the fixture");
        let header = text.iter().position(|b| *b == b'\n').map_or(0, |end| end + 1);
        // The same lines over and over: about four megabytes, so that the caches are no help.
        let header = if source.format == "cisco-cucm" { &text[..header] } else { &text[..0] };
        let body = &text[header.len()..];
        let many = [header, &body.repeat((4 << 20) / body.len())].concat();
        let reader = reader(&source.format).expect("a known format");
        let about = About { name, received_on: chrono::NaiveDate::from_ymd_opt(2024, 4, 1).expect("a date") };
        let decoder = reader.open(&mut &many[..], &about).expect("the fixture");
        group.throughput(Throughput::Bytes(many.len() as u64));
        group.bench_function(reader.id(), |b| {
            b.iter(|| {
                let trunks = Trunks::new();
                let mut columns = Columns(Normaliser::new(source, reader.id(), &trunks, 1), LegBuilder::default());
                decoder.decode(Block { first_line: 1, bytes: black_box(&many) }, &mut columns);
                columns.1.finish()
            });
        });
    }
    group.finish();
}

criterion_group!(benches, decode);
criterion_main!(benches);
