//! What one end of a leg told of its media: every column of `quality`, its unit and meaning; its builder. It knows
//! nothing of vendors; which leg it belongs to is the view `leg_quality`'s business.

use std::sync::{Arc, LazyLock};

use arrow::array::{
    ArrayRef, Date32Builder, Float64Builder, Int16Builder, Int32Builder, Int64Builder, RecordBatch, StringBuilder,
    TimestampMicrosecondBuilder,
};
use arrow::datatypes::{DataType, Field, Schema, SchemaRef, TimeUnit};

use crate::leg::in_utc;

/// One row, borrowed from the input. Absent text is `None`.
#[derive(Clone, Debug)]
pub struct Quality<'a> {
    pub quality_key: i64,
    pub source: &'a str,
    pub platform: &'static str,
    pub input_id: i64,
    /// 1-based physical line.
    pub record_no: i64,
    /// Microseconds since 1970-01-01 UTC.
    pub ended_at_us: i64,
    /// Days since 1970-01-01, civil, at the source's zone.
    pub local_day: i32,
    pub local_minute: i16,
    pub link: i64,
    pub number: Option<&'a str>,
    pub device: Option<&'a str>,
    pub duration_s: Option<i32>,
    pub packets_sent: Option<i64>,
    pub packets_received: Option<i64>,
    pub packets_lost: Option<i64>,
    pub jitter_ms: Option<i32>,
    pub latency_ms: Option<i32>,
    pub mos: Option<f64>,
    pub mos_min: Option<f64>,
    pub concealed_s: Option<i32>,
    pub severely_concealed_s: Option<i32>,
}

/// Name, type, may be null, meaning.
pub static COLUMNS: &[(&str, DataType, bool, &str)] = &[
    ("quality_key", DataType::Int64, false, "identity of the report: 64-bit hash of the vendor's own id"),
    ("source", DataType::Utf8, false, "configured source"),
    ("platform", DataType::Utf8, false, "format of the source"),
    ("input_id", DataType::Int64, false, "row of inputs the report came from"),
    ("record_no", DataType::Int64, false, "1-based physical line of the report"),
    ("ended_at", DataType::Timestamp(TimeUnit::Microsecond, None), false, "about when the call ended, UTC"),
    ("local_day", DataType::Date32, false, "civil day of ended_at at the source's time zone"),
    ("local_minute", DataType::Int16, false, "minute of that civil day, 0–1439"),
    ("link", DataType::Int64, false, "the end that reports: caller_link or callee_link of its leg, within a day"),
    ("number", DataType::Utf8, true, "number of the end that reports, as the vendor writes it"),
    ("device", DataType::Utf8, true, "handset or gateway that reports"),
    ("duration_s", DataType::Int32, true, "seconds of media"),
    ("packets_sent", DataType::Int64, true, "RTP packets sent"),
    ("packets_received", DataType::Int64, true, "RTP packets received"),
    ("packets_lost", DataType::Int64, true, "RTP packets lost on the way here; duplicates can make it negative"),
    ("jitter_ms", DataType::Int32, true, "jitter, milliseconds"),
    ("latency_ms", DataType::Int32, true, "latency, milliseconds; 0 where the device does not measure it"),
    ("mos", DataType::Float64, true, "listening quality (MOS), 1 to 5, at the end of the call"),
    ("mos_min", DataType::Float64, true, "lowest listening quality of the call"),
    ("concealed_s", DataType::Int32, true, "seconds in which lost sound was made up"),
    ("severely_concealed_s", DataType::Int32, true, "seconds of which more than 5 % was made up"),
];

/// The Arrow schema of `quality`.
pub fn schema() -> SchemaRef {
    static SCHEMA: LazyLock<SchemaRef> = LazyLock::new(|| {
        Arc::new(Schema::new(
            COLUMNS.iter().map(|(name, kind, null, _)| Field::new(*name, in_utc(kind), *null)).collect::<Vec<_>>(),
        ))
    });
    SCHEMA.clone()
}

/// Gathers reports into columns.
#[derive(Default)]
pub struct QualityBuilder {
    int64: [Int64Builder; 7],
    int32: [Int32Builder; 5],
    float: [Float64Builder; 2],
    text: [StringBuilder; 4],
    ended_at: TimestampMicrosecondBuilder,
    local_day: Date32Builder,
    local_minute: Int16Builder,
    rows: usize,
}

impl QualityBuilder {
    pub fn push(&mut self, report: &Quality<'_>) {
        self.rows += 1;
        let whole = [
            Some(report.quality_key),
            Some(report.input_id),
            Some(report.record_no),
            Some(report.link),
            report.packets_sent,
            report.packets_received,
            report.packets_lost,
        ];
        self.int64.iter_mut().zip(whole).for_each(|(column, value)| column.append_option(value));
        let short =
            [report.duration_s, report.jitter_ms, report.latency_ms, report.concealed_s, report.severely_concealed_s];
        self.int32.iter_mut().zip(short).for_each(|(column, value)| column.append_option(value));
        let score = [report.mos, report.mos_min];
        self.float.iter_mut().zip(score).for_each(|(column, value)| column.append_option(value));
        let words = [Some(report.source), Some(report.platform), report.number, report.device];
        self.text.iter_mut().zip(words).for_each(|(column, value)| column.append_option(value));
        self.ended_at.append_value(report.ended_at_us);
        self.local_day.append_value(report.local_day);
        self.local_minute.append_value(report.local_minute);
    }

    pub fn is_empty(&self) -> bool {
        self.rows == 0
    }

    /// The rows so far as one batch of [`schema`]; the builder starts again from empty.
    pub fn finish(&mut self) -> RecordBatch {
        self.rows = 0;
        let mut int64 = self.int64.iter_mut().map(|b| Arc::new(b.finish()) as ArrayRef);
        let mut int32 = self.int32.iter_mut().map(|b| Arc::new(b.finish()) as ArrayRef);
        let mut float = self.float.iter_mut().map(|b| Arc::new(b.finish()) as ArrayRef);
        let mut text = self.text.iter_mut().map(|b| Arc::new(b.finish()) as ArrayRef);
        let columns = COLUMNS.iter().filter_map(|(_, kind, ..)| match kind {
            // `push` keeps the order of COLUMNS among columns of one type.
            DataType::Int64 => int64.next(),
            DataType::Int32 => int32.next(),
            DataType::Float64 => float.next(),
            DataType::Int16 => Some(Arc::new(self.local_minute.finish()) as ArrayRef),
            DataType::Date32 => Some(Arc::new(self.local_day.finish()) as ArrayRef),
            DataType::Timestamp(..) => Some(Arc::new(self.ended_at.finish().with_timezone("UTC")) as ArrayRef),
            _ => text.next(),
        });
        RecordBatch::try_new(schema(), columns.collect()).expect("COLUMNS and the builders agree")
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use arrow::util::display::{ArrayFormatter, FormatOptions};

    /// Catches a column filled from its neighbour: every field has a value of its own.
    #[test]
    fn every_field_lands_in_its_own_column() {
        let mut builder = QualityBuilder::default();
        builder.push(&Quality {
            quality_key: 1,
            source: "source",
            platform: "platform",
            input_id: 2,
            record_no: 3,
            ended_at_us: 4,
            local_day: 5,
            local_minute: 6,
            link: 7,
            number: Some("number"),
            device: None,
            duration_s: Some(8),
            packets_sent: Some(9),
            packets_received: Some(10),
            packets_lost: Some(-11),
            jitter_ms: Some(12),
            latency_ms: Some(13),
            mos: Some(4.5),
            mos_min: None,
            concealed_s: Some(14),
            severely_concealed_s: Some(15),
        });
        let row = builder.finish();
        assert!(builder.is_empty());
        let options = FormatOptions::default().with_null("-");
        let cells: Vec<String> = row
            .columns()
            .iter()
            .map(|column| ArrayFormatter::try_new(column, &options).unwrap().value(0).to_string())
            .collect();
        let expected =
            "1 source platform 2 3 1970-01-01T00:00:00.000004Z 1970-01-06 6 7 number - 8 9 10 -11 12 13 4.5 - 14 15";
        assert_eq!(cells.join(" "), expected);
    }
}
