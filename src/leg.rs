//! THE leg: one row per vendor record. Every column of `legs`, its unit and its meaning; its words; its builder.
//! It knows nothing of vendors, zones or files.

use std::sync::{Arc, LazyLock};

use arrow::array::{
    ArrayRef, Date32Builder, Int16Builder, Int32Builder, Int64Builder, RecordBatch, StringBuilder,
    TimestampMicrosecondBuilder,
};
use arrow::datatypes::{DataType, Field, Schema, SchemaRef, TimeUnit};

/// A closed set of words, stored as text: `words!(Direction { Internal = "internal", … })`.
macro_rules! words {
    ($(#[$doc:meta])* $name:ident { $($(#[$vdoc:meta])* $variant:ident = $word:literal),+ $(,)? }) => {
        $(#[$doc])*
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
        pub enum $name { $($(#[$vdoc])* $variant),+ }
        impl $name {
            pub const ALL: &'static [Self] = &[$(Self::$variant),+];
            /// The word as it stands in the lake.
            pub const fn word(self) -> &'static str { match self { $(Self::$variant => $word),+ } }
        }
    };
}
pub(crate) use words;

words!(
    /// Which way the call went, seen from the platform that wrote the record.
    Direction {
        Internal = "internal",
        Inbound = "inbound",
        Outbound = "outbound",
        /// In and out by trunk: none of our handsets took part.
        Tandem = "tandem",
        Unknown = "unknown",
    }
);

words!(
    /// How the attempt ended.
    Outcome {
        Answered = "answered",
        NoAnswer = "no_answer",
        Busy = "busy",
        Failed = "failed",
        /// The caller gave up: while it rang, or before a number was complete.
        Abandoned = "abandoned",
        Voicemail = "voicemail",
        /// Connected, but forwarded out of the platform: the desk phone took no part.
        Diverted = "diverted",
        Unknown = "unknown",
    }
);

words!(
    /// Why the call moved from one number to another.
    RedirectReason {
        ForwardAll = "forward_all",
        ForwardBusy = "forward_busy",
        ForwardNoAnswer = "forward_no_answer",
        Transfer = "transfer",
        Pickup = "pickup",
        Park = "park",
        Hunt = "hunt",
        Conference = "conference",
        Queue = "queue",
        Other = "other",
    }
);

words!(
    /// What part of a call the record is, so that nobody's use is counted twice or made up.
    Part {
        /// An attempt of its own: somebody called, somebody was called.
        Whole = "whole",
        /// The same call gone on to somebody else (blind transfer, the next member rung): an attempt for who was called,
        /// not again for who called.
        Onward = "onward",
        /// A later stretch of a call whose set-up has its own record (after a transfer, into a conference): talk, no new attempt.
        Continued = "continued",
        /// The platform talking to itself (bridge, recorder, a meeting's dial-in): nobody's use.
        System = "system",
    }
);

/// One row, borrowed from the input wherever the text did not have to change. Absent text is `None`.
#[derive(Clone, Debug)]
pub struct Leg<'a> {
    pub leg_key: i64,
    pub call_key: i64,
    pub source: &'a str,
    pub platform: &'static str,
    pub input_id: i64,
    /// 1-based physical line of the record's start.
    pub record_no: i64,
    /// Microseconds since 1970-01-01 UTC.
    pub started_at_us: i64,
    /// Days since 1970-01-01, civil, at the source's zone.
    pub local_day: i32,
    /// Minute of the civil day, 0–1439.
    pub local_minute: i16,
    pub ring_s: Option<i32>,
    pub talk_s: i32,
    pub direction: Direction,
    pub outcome: Outcome,
    pub caller: Option<&'a str>,
    pub dialled: Option<&'a str>,
    pub callee: Option<&'a str>,
    pub caller_ext: Option<&'a str>,
    pub dialled_ext: Option<&'a str>,
    pub callee_ext: Option<&'a str>,
    pub redirect_ext: Option<&'a str>,
    pub redirect_reason: Option<RedirectReason>,
    pub caller_device: Option<&'a str>,
    pub callee_device: Option<&'a str>,
    pub caller_user: Option<&'a str>,
    pub callee_user: Option<&'a str>,
    pub trunk_in: Option<&'a str>,
    pub trunk_out: Option<&'a str>,
    pub hunt_group: Option<&'a str>,
    pub number_class: Option<&'static str>,
    pub cause: Option<i64>,
    pub account_code: Option<&'a str>,
    pub charge_micros: Option<i64>,
    pub currency: Option<&'a str>,
    pub vendor_kind: Option<&'a str>,
    pub part: Part,
    pub caller_link: Option<i64>,
    pub callee_link: Option<i64>,
    pub caller_node: Option<&'a str>,
    pub callee_node: Option<&'a str>,
}

/// Name, type, may be null, meaning: the one list that the lake, the docs and the builder are held to.
pub static COLUMNS: &[(&str, DataType, bool, &str)] = &[
    (
        "leg_key",
        DataType::Int64,
        false,
        "identity of the record: 64-bit hash of the vendor's own id, else of the text and its ordinal within the day",
    ),
    ("call_key", DataType::Int64, false, "the same for all records of one call in one source"),
    ("source", DataType::Utf8, false, "configured source"),
    ("platform", DataType::Utf8, false, "format of the source: cisco-cucm, mitel-smdr, …"),
    ("input_id", DataType::Int64, false, "row of inputs the record came from"),
    ("record_no", DataType::Int64, false, "1-based physical line of the record's start"),
    ("started_at", DataType::Timestamp(TimeUnit::Microsecond, None), false, "off-hook or set-up, UTC"),
    ("local_day", DataType::Date32, false, "civil day at the source's time zone"),
    ("local_minute", DataType::Int16, false, "minute of the civil day, 0–1439"),
    (
        "ring_s",
        DataType::Int32,
        true,
        "seconds before answer, or before the end where nobody answered; null if the vendor does not say",
    ),
    ("talk_s", DataType::Int32, false, "seconds connected, 0 if not answered"),
    ("direction", DataType::Utf8, false, "internal, inbound, outbound, tandem, unknown"),
    ("outcome", DataType::Utf8, false, "answered, no_answer, busy, failed, abandoned, voicemail, diverted, unknown"),
    ("caller", DataType::Utf8, true, "who called: E.164 or the bare extension; null if withheld"),
    ("dialled", DataType::Utf8, true, "first number asked for"),
    ("callee", DataType::Utf8, true, "number where the call ended"),
    ("caller_ext", DataType::Utf8, true, "the caller as our own extension, null when not ours"),
    ("dialled_ext", DataType::Utf8, true, "the first number asked for as our own extension"),
    ("callee_ext", DataType::Utf8, true, "the number where it ended as our own extension"),
    ("redirect_ext", DataType::Utf8, true, "our extension that last passed the call on"),
    (
        "redirect_reason",
        DataType::Utf8,
        true,
        "forward_all, forward_busy, forward_no_answer, transfer, pickup, park, hunt, conference, queue, other",
    ),
    ("caller_device", DataType::Utf8, true, "calling handset as the vendor names it"),
    ("callee_device", DataType::Utf8, true, "handset that answered, or was last offered the call"),
    ("caller_user", DataType::Utf8, true, "login at the calling handset"),
    ("callee_user", DataType::Utf8, true, "login at the called handset"),
    ("trunk_in", DataType::Utf8, true, "trunk the call came in by"),
    ("trunk_out", DataType::Utf8, true, "trunk the call went out by"),
    ("hunt_group", DataType::Utf8, true, "hunt pilot or group"),
    ("number_class", DataType::Utf8, true, "UK class of the outside party"),
    ("cause", DataType::Int64, true, "vendor's clearing cause (Q.850 and above)"),
    ("account_code", DataType::Utf8, true, "account or authorisation code"),
    ("charge_micros", DataType::Int64, true, "vendor's own charge, millionths of the currency"),
    ("currency", DataType::Utf8, true, "currency of the charge"),
    ("vendor_kind", DataType::Utf8, true, "the vendor's own word for the record type, verbatim"),
    (
        "part",
        DataType::Utf8,
        false,
        "whole attempt, onward (the call gone on to somebody else), continued stretch of a call, or system leg (nobody's use)",
    ),
    (
        "caller_link",
        DataType::Int64,
        true,
        "the platform's own mark of the calling end (leg or channel), the same in every record of that end within a day",
    ),
    (
        "callee_link",
        DataType::Int64,
        true,
        "the same of the called end; of the bridge where the call was joined to one",
    ),
    ("caller_node", DataType::Utf8, true, "node of the platform that had the calling end"),
    ("callee_node", DataType::Utf8, true, "node of the platform that had the called end"),
];

/// The Arrow schema of `legs`.
pub fn schema() -> SchemaRef {
    static SCHEMA: LazyLock<SchemaRef> = LazyLock::new(|| {
        Arc::new(Schema::new(
            COLUMNS.iter().map(|(name, kind, null, _)| Field::new(*name, in_utc(kind), *null)).collect::<Vec<_>>(),
        ))
    });
    SCHEMA.clone()
}

/// Every moment in the lake is UTC and says so; a zone cannot stand in a constant.
pub fn in_utc(kind: &DataType) -> DataType {
    match kind {
        DataType::Timestamp(unit, _) => DataType::Timestamp(*unit, Some("UTC".into())),
        kind => kind.clone(),
    }
}

/// Gathers legs into columns.
#[derive(Default)]
pub struct LegBuilder {
    int64: [Int64Builder; 8],
    started_at: TimestampMicrosecondBuilder,
    local_day: Date32Builder,
    local_minute: Int16Builder,
    seconds: [Int32Builder; 2],
    text: [StringBuilder; 26],
    rows: usize,
}

impl LegBuilder {
    pub fn len(&self) -> usize {
        self.rows
    }

    pub fn is_empty(&self) -> bool {
        self.rows == 0
    }

    pub fn push(&mut self, leg: &Leg<'_>) {
        self.rows += 1;
        let [key, call, input, record, cause, charge, caller_link, callee_link] = &mut self.int64;
        key.append_value(leg.leg_key);
        call.append_value(leg.call_key);
        input.append_value(leg.input_id);
        record.append_value(leg.record_no);
        cause.append_option(leg.cause);
        charge.append_option(leg.charge_micros);
        caller_link.append_option(leg.caller_link);
        callee_link.append_option(leg.callee_link);
        self.started_at.append_value(leg.started_at_us);
        self.local_day.append_value(leg.local_day);
        self.local_minute.append_value(leg.local_minute);
        self.seconds[0].append_option(leg.ring_s);
        self.seconds[1].append_value(leg.talk_s);
        let words = [
            Some(leg.source),
            Some(leg.platform),
            Some(leg.direction.word()),
            Some(leg.outcome.word()),
            leg.caller,
            leg.dialled,
            leg.callee,
            leg.caller_ext,
            leg.dialled_ext,
            leg.callee_ext,
            leg.redirect_ext,
            leg.redirect_reason.map(RedirectReason::word),
            leg.caller_device,
            leg.callee_device,
            leg.caller_user,
            leg.callee_user,
            leg.trunk_in,
            leg.trunk_out,
            leg.hunt_group,
            leg.number_class,
            leg.account_code,
            leg.currency,
            leg.vendor_kind,
            Some(leg.part.word()),
            leg.caller_node,
            leg.callee_node,
        ];
        for (column, word) in self.text.iter_mut().zip(words) {
            column.append_option(word);
        }
    }

    /// The rows so far as one batch of [`schema`]; the builder starts again from empty.
    pub fn finish(&mut self) -> RecordBatch {
        self.rows = 0;
        let mut int64 = self.int64.iter_mut().map(|b| Arc::new(b.finish()) as ArrayRef);
        let mut seconds = self.seconds.iter_mut().map(|b| Arc::new(b.finish()) as ArrayRef);
        let mut text = self.text.iter_mut().map(|b| Arc::new(b.finish()) as ArrayRef);
        let columns = COLUMNS.iter().filter_map(|(name, kind, ..)| match (*name, kind) {
            // `push` keeps the order of COLUMNS among columns of one type.
            (_, DataType::Int64) => int64.next(),
            (_, DataType::Int32) => seconds.next(),
            (_, DataType::Int16) => Some(Arc::new(self.local_minute.finish()) as ArrayRef),
            (_, DataType::Date32) => Some(Arc::new(self.local_day.finish()) as ArrayRef),
            (_, DataType::Timestamp(..)) => Some(Arc::new(self.started_at.finish().with_timezone("UTC")) as ArrayRef),
            _ => text.next(),
        });
        RecordBatch::try_new(schema(), columns.collect()).expect("COLUMNS and the builders agree")
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use arrow::array::{AsArray, cast::as_string_array};
    use arrow::datatypes::Int64Type;

    /// Catches a column filled from its neighbour: every field carries its own name or a number of its own.
    #[test]
    fn every_field_lands_in_its_own_column() {
        let mut builder = LegBuilder::default();
        builder.push(&Leg {
            leg_key: 1,
            call_key: 2,
            source: "source",
            platform: "platform",
            input_id: 3,
            record_no: 4,
            started_at_us: 5,
            local_day: 6,
            local_minute: 7,
            ring_s: Some(8),
            talk_s: 9,
            direction: Direction::Tandem,
            outcome: Outcome::Busy,
            caller: Some("caller"),
            dialled: Some("dialled"),
            callee: Some("callee"),
            caller_ext: Some("caller_ext"),
            dialled_ext: Some("dialled_ext"),
            callee_ext: Some("callee_ext"),
            redirect_ext: Some("redirect_ext"),
            redirect_reason: Some(RedirectReason::Queue),
            caller_device: Some("caller_device"),
            callee_device: Some("callee_device"),
            caller_user: Some("caller_user"),
            callee_user: Some("callee_user"),
            trunk_in: Some("trunk_in"),
            trunk_out: Some("trunk_out"),
            hunt_group: Some("hunt_group"),
            number_class: Some("number_class"),
            cause: Some(10),
            account_code: Some("account_code"),
            charge_micros: Some(11),
            currency: Some("currency"),
            vendor_kind: Some("vendor_kind"),
            part: Part::System,
            caller_link: Some(12),
            callee_link: Some(13),
            caller_node: Some("caller_node"),
            callee_node: Some("callee_node"),
        });
        assert_eq!(builder.len(), 1);
        let batch = builder.finish();
        assert!(builder.is_empty());
        for (name, number) in [
            ("leg_key", 1),
            ("call_key", 2),
            ("input_id", 3),
            ("record_no", 4),
            ("cause", 10),
            ("charge_micros", 11),
            ("caller_link", 12),
            ("callee_link", 13),
        ] {
            assert_eq!(batch.column_by_name(name).unwrap().as_primitive::<Int64Type>().value(0), number, "{name}");
        }
        for (name, kind, ..) in COLUMNS.iter().filter(|c| c.1 == DataType::Utf8) {
            let word = match *name {
                "direction" => "tandem",
                "outcome" => "busy",
                "redirect_reason" => "queue",
                "part" => "system",
                name => name,
            };
            assert_eq!(as_string_array(batch.column_by_name(name).unwrap()).value(0), word, "{name} {kind}");
        }
    }
}
