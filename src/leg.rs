//! THE leg: one row per vendor record. Every column of `legs`, its unit and its meaning; its words; the rows in memory.
//! It knows nothing of vendors, zones or files.

mod rows;
mod short;
mod texts;

use std::sync::{Arc, LazyLock};

use arrow::datatypes::{DataType, Field, Schema, SchemaRef, TimeUnit};

use crate::number::Class;
pub use rows::{Legs, Name, names_any};
pub use short::{OWN_BITS, SHORT, Short, packed};
pub use texts::{NONE, TextId, Texts};

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
            /// Its place among [`Self::ALL`], and the word.
            pub const fn word_no(self) -> (usize, &'static str) { (self as usize, self.word()) }
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

/// One row; its texts by their numbers, [`NONE`] where there is none.
#[derive(Clone, Debug)]
pub struct Leg<Text = TextId> {
    pub leg_key: i64,
    pub call_key: i64,
    pub source: Text,
    pub platform: Text,
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
    pub caller: Text,
    pub dialled: Text,
    pub callee: Text,
    pub caller_ext: Text,
    pub dialled_ext: Text,
    pub callee_ext: Text,
    pub redirect_ext: Text,
    pub redirect_reason: Option<RedirectReason>,
    pub caller_device: Text,
    pub callee_device: Text,
    pub caller_user: Text,
    pub callee_user: Text,
    pub trunk_in: Text,
    pub trunk_out: Text,
    pub hunt_group: Text,
    pub number_class: Option<Class>,
    pub cause: Option<i64>,
    pub account_code: Text,
    pub charge_micros: Option<i64>,
    pub currency: Text,
    pub vendor_kind: Text,
    pub part: Part,
    pub caller_link: Option<i64>,
    pub callee_link: Option<i64>,
    pub caller_node: Text,
    pub callee_node: Text,
}

/// A row with its texts written out.
#[cfg(test)]
pub type Told<'a> = Leg<Option<&'a str>>;

#[cfg(test)]
impl Told<'_> {
    /// The same with the texts kept in `texts`.
    pub fn kept(&self, texts: &mut Texts) -> Leg {
        let mut id = |text| texts.id(text);
        Leg {
            leg_key: self.leg_key,
            call_key: self.call_key,
            source: id(self.source),
            platform: id(self.platform),
            input_id: self.input_id,
            record_no: self.record_no,
            started_at_us: self.started_at_us,
            local_day: self.local_day,
            local_minute: self.local_minute,
            ring_s: self.ring_s,
            talk_s: self.talk_s,
            direction: self.direction,
            outcome: self.outcome,
            caller: id(self.caller),
            dialled: id(self.dialled),
            callee: id(self.callee),
            caller_ext: id(self.caller_ext),
            dialled_ext: id(self.dialled_ext),
            callee_ext: id(self.callee_ext),
            redirect_ext: id(self.redirect_ext),
            redirect_reason: self.redirect_reason,
            caller_device: id(self.caller_device),
            callee_device: id(self.callee_device),
            caller_user: id(self.caller_user),
            callee_user: id(self.callee_user),
            trunk_in: id(self.trunk_in),
            trunk_out: id(self.trunk_out),
            hunt_group: id(self.hunt_group),
            number_class: self.number_class,
            cause: self.cause,
            account_code: id(self.account_code),
            charge_micros: self.charge_micros,
            currency: id(self.currency),
            vendor_kind: id(self.vendor_kind),
            part: self.part,
            caller_link: self.caller_link,
            callee_link: self.callee_link,
            caller_node: id(self.caller_node),
            callee_node: id(self.callee_node),
        }
    }
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
    (
        "caller",
        DataType::Utf8,
        true,
        "who called: E.164 or the bare extension, or what stands for an outside number; null if withheld",
    ),
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
