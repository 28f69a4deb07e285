//! One CMR row to one quality report: packets, jitter, latency, and the voice-quality metrics that the phone itself wrote.

use super::columns::{Field, Fields};
use crate::read::{RawQuality, RawTime, Reject};

/// The report of one end of a leg about the media it received.
pub fn report<'a>(fields: &Fields<'a>, line: u64, not_from: i64) -> Result<RawQuality<'a>, (Reject, &'static str)> {
    let ended = super::moment(fields.number(Field::MediaEnd, "dateTimeStamp")?)
        .ok_or((Reject::BadTime, "dateTimeStamp is out of range"))?;
    if ended >= not_from {
        return Err((Reject::BadTime, "dateTimeStamp is days after the file itself"));
    }
    let id = fields.text(Field::Pkid);
    if id.is_empty() {
        return Err((Reject::Missing, "pkid"));
    }
    let link = super::leg_link(
        super::cluster_bits(fields.text(Field::Cluster)),
        fields.number(Field::MediaLeg, "callIdentifier")?,
    )
    .ok_or((Reject::Missing, "callIdentifier names no leg"))?;
    // Counters, durations and averages; only the loss may be negative, where duplicates came.
    let count = |field, name| not_negative(fields.figure::<i64>(field, name)?, name);
    let short = |field, name| not_negative(fields.figure::<i32>(field, name)?, name);
    let metrics = Metrics(fields.text(Field::Metrics));
    Ok(RawQuality {
        line,
        id,
        link,
        ended: RawTime::Utc(ended),
        number: fields.text(Field::MediaNumber),
        device: fields.text(Field::MediaDevice),
        duration_s: short(Field::Duration, "duration")?,
        packets_sent: count(Field::PacketsSent, "numberPacketsSent")?,
        packets_received: count(Field::PacketsReceived, "numberPacketsReceived")?,
        packets_lost: fields.figure(Field::PacketsLost, "numberPacketsLost")?,
        jitter_ms: short(Field::Jitter, "jitter")?,
        latency_ms: short(Field::Latency, "latency")?,
        mos: metrics.score("MLQK"),
        mos_min: metrics.score("MLQKmn"),
        concealed_s: metrics.seconds("CS"),
        severely_concealed_s: metrics.seconds("SCS"),
    })
}

fn not_negative<N: Default + PartialOrd>(
    figure: Option<N>,
    name: &'static str,
) -> Result<Option<N>, (Reject, &'static str)> {
    match figure {
        Some(n) if n < N::default() => Err((Reject::BadNumber, name)),
        figure => Ok(figure),
    }
}

/// `varVQMetrics`: `key=value` by semicolons, in older files by commas. CUCM hands on what the phone says and checks
/// nothing, so that what is odd here is taken for not measured and does not spoil the row.
struct Metrics<'a>(&'a str);

impl<'a> Metrics<'a> {
    fn value(&self, key: &str) -> Option<&'a str> {
        let pairs = self.0.split([';', ',']).filter_map(|pair| pair.split_once('='));
        pairs
            .map(|(found, value)| (found.trim(), value.trim()))
            .find(|(found, _)| *found == key)
            .map(|(_, value)| value)
    }

    /// Listening quality on the scale from 1 to 5. The phone scores every eight seconds of speech; 0.0000 is what it says
    /// before the first score.
    fn score(&self, key: &str) -> Option<f64> {
        let value = self.value(key).filter(|text| text.bytes().all(|b| b.is_ascii_digit() || b == b'.'))?;
        value.parse().ok().filter(|score| (1.0..=5.0).contains(score))
    }

    fn seconds(&self, key: &str) -> Option<i32> {
        self.value(key)?.parse().ok().filter(|seconds| *seconds >= 0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn metrics_are_parted_by_semicolons_or_commas() {
        for text in
            ["MLQK=4.5000;MLQKav=4.4;MLQKmn=4.2919;CS=4;SCS=1", "CS=4,SCS=1,MLQKmn=4.2919,MLQK=4.5000,MLQKvr=0.95"]
        {
            let metrics = Metrics(text);
            assert_eq!((metrics.score("MLQK"), metrics.score("MLQKmn")), (Some(4.5), Some(4.2919)), "{text}");
            assert_eq!((metrics.seconds("CS"), metrics.seconds("SCS")), (Some(4), Some(1)), "{text}");
        }
    }

    #[test]
    fn what_is_no_score_was_not_measured() {
        for text in [
            "",
            "MLQK",
            "MLQK=",
            "MLQK=0.0000",
            "MLQK=5.1",
            "MLQK=-4.5",
            "MLQK=NaN",
            "MLQK=4.5.0",
            "MLQKav=4.5",
            "mlqk 4",
        ] {
            assert_eq!(Metrics(text).score("MLQK"), None, "{text}");
        }
        assert_eq!((Metrics("CS=-1").seconds("CS"), Metrics("CS=x").seconds("CS")), (None, None));
    }
}
