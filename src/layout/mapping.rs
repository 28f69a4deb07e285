//! `[source.mapping]`: how the columns of a file that no reader knows become a call. Data only; `read::mapped` checks and
//! uses it, and knows what the words mean.

use std::collections::BTreeMap;

use schemars::JsonSchema;
use serde::Deserialize;

/// The mapping of one source. Columns are called by the names of the header line or of the source's `layout`.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Mapping {
    /// What parts the columns (`","`, `";"`, `"\t"`); absent for fixed widths, which `layout` then gives.
    pub delimiter: Option<char>,
    /// The first line after `skip_lines` names the columns; else `layout` does.
    #[serde(default)]
    pub header: bool,
    /// Lines before the header or the first record that are neither.
    #[serde(default)]
    pub skip_lines: u64,
    /// Values that stand for nothing, in whatever column (`"-"`, `"NULL"`).
    #[serde(default)]
    pub blank: Vec<String>,
    /// Lines that are no calls, by the value of a column (messages, faxes, totals).
    pub ignore: Option<Ignore>,
    pub started: Moment,
    /// Whether that moment is the start of the call or its end.
    #[serde(default)]
    pub time_is: TimeIs,
    /// Time connected; blank is none.
    pub talk: Option<Seconds>,
    /// Time it rang before the answer, or before the end where nobody answered; blank is not known.
    pub ring: Option<Seconds>,
    /// Who called.
    pub caller: Option<Columns>,
    /// First number asked for; the callee where absent.
    pub dialled: Option<Columns>,
    /// Where the call ended; the number dialled where absent.
    pub callee: Option<Columns>,
    /// Who last passed the call on.
    pub redirect: Option<Columns>,
    pub redirect_reason: Option<Words>,
    /// Handsets, as the platform names them.
    pub caller_device: Option<Columns>,
    pub callee_device: Option<Columns>,
    /// Logins at them.
    pub caller_user: Option<Columns>,
    pub callee_user: Option<Columns>,
    /// Trunks; where one is named, that end of the call is outside.
    pub trunk_in: Option<Columns>,
    pub trunk_out: Option<Columns>,
    pub hunt_group: Option<Columns>,
    pub account_code: Option<Columns>,
    /// What all records of one call share, and no other call ever.
    pub call_id: Option<Columns>,
    /// Unique for each record, for good; without it the line itself is the record's identity.
    pub record_id: Option<Columns>,
    /// The platform's own mark of each end (leg, channel), the same in all records of that end within a day.
    pub caller_link: Option<Columns>,
    pub callee_link: Option<Columns>,
    /// The platform's word for the kind of record, kept as it stands.
    pub kind: Option<Columns>,
    /// The platform's clearing cause, a whole number.
    pub cause: Option<Columns>,
    pub charge: Option<Charge>,
    /// Which way the call went; the trunks decide where absent, and for values without a word.
    pub direction: Option<Words>,
    /// How it ended; where absent, and for values without a word: `answered` if somebody talked.
    pub outcome: Option<Words>,
    /// What part of a call the record is; `whole` where absent.
    pub part: Option<Words>,
}

/// A column, or several of which the first that is not blank counts.
#[derive(Clone, Debug, Deserialize, JsonSchema, PartialEq, Eq)]
#[serde(untagged, expecting = "a column's name, or a list of names of which the first that is not blank counts")]
pub enum Columns {
    One(String),
    FirstOf(Vec<String>),
}

impl Columns {
    pub fn names(&self) -> &[String] {
        match self {
            Self::One(name) => std::slice::from_ref(name),
            Self::FirstOf(names) => names,
        }
    }
}

/// A moment, put together from one or more columns with a blank between them.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Moment {
    pub columns: Vec<String>,
    /// As of `strftime` (`"%d/%m/%Y %H:%M:%S"`), or `epoch` or `epoch_ms` (UTC). With an offset in it (`%z`) it is UTC, else
    /// the wall clock that the source's `timezone` or `clock` tells of.
    pub format: String,
}

#[derive(Clone, Copy, Debug, Default, Deserialize, JsonSchema, PartialEq, Eq)]
#[serde(rename_all = "lowercase")]
pub enum TimeIs {
    #[default]
    Start,
    End,
}

/// A duration. What is less than a second is cut off.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Seconds {
    pub column: String,
    #[serde(default)]
    pub unit: Unit,
}

/// What a duration counts.
#[derive(Clone, Copy, Debug, Default, Deserialize, JsonSchema, PartialEq, Eq)]
#[serde(rename_all = "snake_case")]
pub enum Unit {
    #[default]
    Seconds,
    Milliseconds,
    /// `2.5` is 150 seconds.
    Minutes,
    /// Tenths of a minute: `25` is 150 seconds.
    Tenths,
    /// `0:02:30`.
    Hms,
    /// `2:30`.
    Ms,
    /// The same without colons: `000230`, `230`.
    Hhmmss,
}

/// The vendor's charge.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Charge {
    pub column: String,
    #[serde(default)]
    pub unit: Money,
    /// Currency of all charges; GBP where absent.
    pub currency: Option<String>,
}

/// Whole units of a currency, or hundredths.
#[derive(Clone, Copy, Debug, Default, Deserialize, JsonSchema, PartialEq, Eq)]
#[serde(rename_all = "lowercase")]
pub enum Money {
    #[default]
    Pounds,
    Pence,
}

/// A column whose values stand for words of the lake.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Words {
    pub column: String,
    /// The platform's value, as it stands, and our word for it.
    pub words: BTreeMap<String, String>,
    /// Our word for all other values; a blank is none, unless `words` has a word for `""`.
    pub otherwise: Option<String>,
}

/// Lines to be left out.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Ignore {
    pub column: String,
    pub values: Vec<String>,
}
