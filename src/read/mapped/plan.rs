//! The mapping of the configuration, checked word by word and tied to the columns of one file. It reads no lines but the
//! header.

use std::collections::BTreeMap;

use chrono::format::{Fixed, Item, Numeric, Parsed, StrftimeItems, parse};
use chrono::{DateTime, FixedOffset, Timelike};

use super::cells::{Cells, Cut, Shape};
use crate::layout::Layout;
use crate::layout::mapping::{Columns, Mapping, Money, Seconds, TimeIs, Unit, Words};
use crate::leg::{Direction, Outcome, Part, RedirectReason};
use crate::read::field::{Fields, Refusal, hms, micros, plain};
use crate::read::{RawTime, ReadError, Reject};

/// Which column is what. A list of columns: the first that is not blank counts; empty: not mapped.
pub struct Plan {
    pub shape: Shape,
    blank: Vec<String>,
    pub ignore: Option<(usize, Vec<String>)>,
    pub started_columns: Vec<usize>,
    pub started: Moment,
    pub time_is: TimeIs,
    pub talk: Option<Duration>,
    pub ring: Option<Duration>,
    pub caller: Vec<usize>,
    pub dialled: Vec<usize>,
    pub callee: Vec<usize>,
    pub redirect: Vec<usize>,
    pub redirect_reason: Option<Lookup<RedirectReason>>,
    pub caller_device: Vec<usize>,
    pub callee_device: Vec<usize>,
    pub caller_user: Vec<usize>,
    pub callee_user: Vec<usize>,
    pub trunk_in: Vec<usize>,
    pub trunk_out: Vec<usize>,
    pub hunt_group: Vec<usize>,
    pub account_code: Vec<usize>,
    pub call_id: Vec<usize>,
    pub record_id: Vec<usize>,
    pub caller_link: Vec<usize>,
    pub callee_link: Vec<usize>,
    pub kind: Vec<usize>,
    pub cause: Vec<usize>,
    pub charge: Option<Charge>,
    pub direction: Option<Lookup<Direction>>,
    pub outcome: Option<Lookup<Outcome>>,
    pub part: Option<Lookup<Part>>,
}

/// The file cannot be read, or the configuration is wrong.
pub fn refused(what: impl Into<String>, hint: &'static str) -> ReadError {
    ReadError::Refused { what: what.into(), hint }
}

fn wrong(key: &str, what: &str, hint: &'static str) -> ReadError {
    refused(format!("mapping.{key}: {what}"), hint)
}

/// Whether the file itself names its columns.
///
/// # Errors
/// Layout, delimiter and header contradict each other.
pub fn is_header_wanted(mapping: &Mapping, layout: Option<&Layout>) -> Result<bool, ReadError> {
    match (layout, mapping.delimiter, mapping.header) {
        (Some(Layout::Name(_)), ..) => Err(refused(
            "layout: this format has no built-in layouts",
            "name the columns, give their widths, or name a file of `item,width` lines",
        )),
        (Some(Layout::Widths(widths)), ..) if widths.is_empty() => {
            Err(refused("layout: it names no column", "name the columns in their order"))
        }
        (_, None, true) => Err(wrong(
            "header",
            "a file of fixed widths cannot name its columns",
            "give mapping.delimiter; or leave the header out by mapping.skip_lines and give their widths in layout",
        )),
        (Some(_), _, true) => Err(wrong(
            "header",
            "the columns are named twice, by the header line and by layout",
            "take layout out; or mapping.header, and leave that line out by mapping.skip_lines",
        )),
        (Some(Layout::Widths(_)), Some(_), _) => Err(wrong(
            "delimiter",
            "layout has widths, so nothing parts the columns",
            "take out mapping.delimiter or the widths",
        )),
        (Some(Layout::Names(_)), None, _) => Err(wrong(
            "delimiter",
            "layout names columns without widths, and nothing parts them",
            "give mapping.delimiter, or the width of each column",
        )),
        (None, _, false) => Err(refused(
            "layout: nothing names the columns",
            "name them in layout, or set mapping.header if the first line does",
        )),
        (_, _, header) => Ok(header),
    }
}

impl Plan {
    /// Ties the mapping to the columns of `header`, or of `layout` where there is none.
    ///
    /// # Errors
    /// A key with its name: no such column, no such word, a format that means nothing.
    pub fn new(mapping: &Mapping, layout: Option<&Layout>, header: Option<&[u8]>) -> Result<Self, ReadError> {
        let (names, shape) = columns(mapping, layout, header)?;
        let one = |key: &str, name: &str| {
            let mut places = names.iter().enumerate().filter(|(_, n)| n.as_str() == name).map(|(at, _)| at);
            match (places.next(), places.next()) {
                (Some(at), None) => Ok(at),
                (None, _) => Err(wrong(
                    key,
                    &format!("there is no column {name:?}"),
                    "write it as the header line or layout does, capitals and all",
                )),
                (Some(_), Some(_)) => {
                    Err(wrong(key, &format!("there are several columns {name:?}"), "rename them in layout"))
                }
            }
        };
        let some = |key: &str, columns: &Option<Columns>| -> Result<Vec<usize>, ReadError> {
            match columns.as_ref().map(Columns::names) {
                Some([]) => Err(wrong(key, "the list is empty", "name a column, or take the key out")),
                names => names.unwrap_or_default().iter().map(|name| one(key, name)).collect(),
            }
        };
        let seconds = |key: &str, seconds: &Option<Seconds>| {
            let read = |s: &Seconds| Ok::<_, ReadError>(Duration { at: one(key, &s.column)?, unit: s.unit });
            seconds.as_ref().map(read).transpose()
        };
        let started_columns: Vec<usize> =
            mapping.started.columns.iter().map(|name| one("started.columns", name)).collect::<Result<_, _>>()?;
        if started_columns.is_empty() {
            return Err(wrong("started.columns", "the list is empty", "name the columns of date and time"));
        }
        let [caller, dialled, callee] =
            [some("caller", &mapping.caller)?, some("dialled", &mapping.dialled)?, some("callee", &mapping.callee)?];
        let [caller_device, callee_device] =
            [some("caller_device", &mapping.caller_device)?, some("callee_device", &mapping.callee_device)?];
        if [&caller, &dialled, &callee, &caller_device, &callee_device].iter().all(|columns| columns.is_empty()) {
            return Err(wrong("caller", "no number and no device is mapped", "say which columns name the parties"));
        }
        if mapping.talk.is_none() && mapping.outcome.is_none() {
            return Err(wrong(
                "talk",
                "neither talk nor outcome is mapped, so nothing tells an answered call",
                "say which column is the time connected, or which tells how the call ended",
            ));
        }
        let charge = mapping.charge.as_ref().map(|charge| {
            let currency = charge.currency.clone().unwrap_or_else(|| "GBP".into());
            Ok::<_, ReadError>(Charge { at: one("charge.column", &charge.column)?, unit: charge.unit, currency })
        });
        let ignore = mapping
            .ignore
            .as_ref()
            .map(|ignore| Ok::<_, ReadError>((one("ignore.column", &ignore.column)?, ignore.values.clone())));
        Ok(Self {
            ignore: ignore.transpose()?,
            blank: mapping.blank.clone(),
            started_columns,
            started: Moment::new(&mapping.started.format)?,
            time_is: mapping.time_is,
            talk: seconds("talk.column", &mapping.talk)?,
            ring: seconds("ring.column", &mapping.ring)?,
            caller,
            dialled,
            callee,
            redirect: some("redirect", &mapping.redirect)?,
            redirect_reason: lookup("redirect_reason", &mapping.redirect_reason, &one, |word| {
                find(RedirectReason::ALL, word, RedirectReason::word)
            })?,
            caller_device,
            callee_device,
            caller_user: some("caller_user", &mapping.caller_user)?,
            callee_user: some("callee_user", &mapping.callee_user)?,
            trunk_in: some("trunk_in", &mapping.trunk_in)?,
            trunk_out: some("trunk_out", &mapping.trunk_out)?,
            hunt_group: some("hunt_group", &mapping.hunt_group)?,
            account_code: some("account_code", &mapping.account_code)?,
            call_id: some("call_id", &mapping.call_id)?,
            record_id: some("record_id", &mapping.record_id)?,
            caller_link: some("caller_link", &mapping.caller_link)?,
            callee_link: some("callee_link", &mapping.callee_link)?,
            kind: some("kind", &mapping.kind)?,
            cause: some("cause", &mapping.cause)?,
            charge: charge.transpose()?,
            direction: lookup("direction", &mapping.direction, &one, |word| {
                find(Direction::ALL, word, Direction::word)
            })?,
            outcome: lookup("outcome", &mapping.outcome, &one, |word| find(Outcome::ALL, word, Outcome::word))?,
            part: lookup("part", &mapping.part, &one, |word| find(Part::ALL, word, Part::word))?,
            shape,
        })
    }

    /// # Errors
    /// The line does not fall into the columns.
    pub fn row<'a>(&'a self, line: &'a str, cells: &'a mut Cells) -> Result<Row<'a>, Refusal> {
        Ok(Row { cut: self.shape.cut(line, cells)?, blank: &self.blank })
    }
}

/// Names of the columns, and how a line falls into them.
fn columns(
    mapping: &Mapping,
    layout: Option<&Layout>,
    header: Option<&[u8]>,
) -> Result<(Vec<String>, Shape), ReadError> {
    let names = match (header, layout) {
        (_, Some(Layout::Widths(widths))) => {
            let mut end = 0;
            let places = widths.iter().map(|(_, width)| {
                end += usize::from(*width);
                (end - usize::from(*width), end)
            });
            let places: Vec<_> = places.collect();
            return match places.iter().any(|(start, end)| start == end) {
                true => Err(refused("layout: a column without width", "a width is 1 or more characters")),
                false => Ok((widths.iter().map(|(name, _)| name.trim().to_owned()).collect(), Shape::Fixed(places))),
            };
        }
        (_, Some(Layout::Names(names))) => names.iter().map(|name| name.trim().to_owned()).collect(),
        (Some(header), _) => {
            let mut fields = Fields::default();
            let is_text = plain(header).and_then(|text| fields.split(text, delimiter(mapping).unwrap_or(b','))).is_ok();
            if !is_text {
                return Err(refused("the header line is no text of delimited names", "see mapping.skip_lines"));
            }
            (0..fields.len()).map(|at| fields.get(at).to_owned()).collect()
        }
        (None, _) => Vec::new(),
    };
    let delimiter = delimiter(mapping).ok_or_else(|| {
        wrong("delimiter", "it cannot be told from the text", "it is one character such as , ; | or a tab")
    })?;
    let shape = Shape::Delimited { delimiter, columns: names.len() };
    Ok((names, shape))
}

/// Anything ASCII that cannot be part of a name, a number or a quoted field.
fn delimiter(mapping: &Mapping) -> Option<u8> {
    let byte = u8::try_from(mapping.delimiter?).ok()?;
    let is_fit = byte == b'\t' || byte == b' ' || (byte.is_ascii_punctuation() && byte != b'"');
    is_fit.then_some(byte)
}

/// One line under the plan.
pub struct Row<'a> {
    cut: Cut<'a>,
    blank: &'a [String],
}

impl<'a> Row<'a> {
    /// The column's text; empty where it stands for nothing.
    pub fn get(&self, at: usize) -> &'a str {
        let text = self.cut.get(at);
        if self.blank.iter().any(|blank| blank == text) { "" } else { text }
    }

    /// The first of the columns that is not blank.
    pub fn pick(&self, columns: &[usize]) -> &'a str {
        columns.iter().map(|at| self.get(*at)).find(|text| !text.is_empty()).unwrap_or("")
    }
}

/// A column's values and what they mean.
pub struct Lookup<T> {
    at: usize,
    words: BTreeMap<String, T>,
    otherwise: Option<T>,
}

impl<T: Copy> Lookup<T> {
    pub fn of(&self, row: &Row<'_>) -> Option<T> {
        let value = row.get(self.at);
        self.words.get(value).copied().or(self.otherwise.filter(|_| !value.is_empty()))
    }
}

fn find<T: Copy>(all: &[T], word: &str, of: impl Fn(T) -> &'static str) -> Result<T, String> {
    all.iter().copied().find(|t| of(*t) == word).ok_or_else(|| {
        format!("{word:?} is none of our words: {}", all.iter().map(|t| of(*t)).collect::<Vec<_>>().join(", "))
    })
}

fn lookup<T>(
    key: &str,
    words: &Option<Words>,
    place: &impl Fn(&str, &str) -> Result<usize, ReadError>,
    meaning: impl Fn(&str) -> Result<T, String>,
) -> Result<Option<Lookup<T>>, ReadError> {
    let Some(words) = words else { return Ok(None) };
    let meaning =
        |word: &String| meaning(word).map_err(|what| wrong(key, &what, "docs/formats.md says what they mean"));
    let at = place(key, &words.column)?;
    let otherwise = words.otherwise.as_ref().map(meaning).transpose()?;
    let words = words.words.iter().map(|(value, word)| Ok((value.clone(), meaning(word)?)));
    Ok(Some(Lookup { at, words: words.collect::<Result<_, ReadError>>()?, otherwise }))
}

/// A column of seconds.
pub struct Duration {
    pub at: usize,
    unit: Unit,
}

/// A duration that was told.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Lasted {
    /// Whole ones.
    pub seconds: i32,
    /// There was one, if less than a second.
    pub is_some: bool,
}

impl Duration {
    /// # Errors
    /// It is no duration of that unit; `key` says which.
    pub fn read(&self, text: &str, key: &'static str) -> Result<Option<Lasted>, Refusal> {
        if text.is_empty() {
            return Ok(None);
        }
        let whole = |seconds: i32| i64::from(seconds) * 1_000_000;
        let micros = match self.unit {
            Unit::Seconds => micros(text),
            Unit::Milliseconds => micros(text).map(|m| m / 1000),
            Unit::Minutes => micros(text).and_then(|m| m.checked_mul(60)),
            Unit::Tenths => micros(text).and_then(|m| m.checked_mul(6)),
            Unit::Hms => hms(text).map(whole),
            Unit::Ms => text.split_once(':').filter(|(m, _)| m.len() <= 6).and_then(|(m, s)| {
                let digits = |part: &str| !part.is_empty() && part.bytes().all(|b| b.is_ascii_digit());
                let (minutes, seconds) = (digits(m) && digits(s)).then_some((m.parse::<i32>().ok()?, s))?;
                let seconds = seconds.parse::<i32>().ok().filter(|s| *s < 60)?;
                Some(whole(minutes.checked_mul(60)?.checked_add(seconds)?))
            }),
            Unit::Hhmmss => crate::read::field::seconds(text)
                .filter(|n| n / 100 % 100 < 60 && n % 100 < 60)
                .map(|n| whole(n / 10_000 * 3600 + n / 100 % 100 * 60 + n % 100)),
        };
        let seconds = micros.filter(|m| *m >= 0).and_then(|m| i32::try_from(m / 1_000_000).ok());
        let detail = if key == "ring" { "ring is no duration of its unit" } else { "talk is no duration of its unit" };
        let seconds = seconds.ok_or((Reject::BadNumber, detail))?;
        Ok(Some(Lasted { seconds, is_some: micros.is_some_and(|m| m > 0) }))
    }
}

/// A column of money.
pub struct Charge {
    pub at: usize,
    unit: Money,
    pub currency: String,
}

impl Charge {
    /// Millionths of the currency.
    ///
    /// # Errors
    /// It is no decimal number.
    pub fn read(&self, text: &str) -> Result<Option<i64>, Refusal> {
        if text.is_empty() {
            return Ok(None);
        }
        let amount = micros(text).ok_or((Reject::BadNumber, "charge is no decimal number"))?;
        Ok(Some(match self.unit {
            Money::Pounds => amount,
            Money::Pence => amount / 100,
        }))
    }
}

/// How moments are written.
#[derive(Debug)]
pub enum Moment {
    /// How many of the number make a second.
    Epoch(i64),
    Pattern(Vec<Item<'static>>),
}

impl Moment {
    fn new(format: &str) -> Result<Self, ReadError> {
        const KEY: &str = "started.format";
        const HINT: &str = "write it like \"%d/%m/%Y %H:%M:%S\", or `epoch` or `epoch_ms`";
        match format {
            "epoch" => return Ok(Self::Epoch(1)),
            "epoch_ms" => return Ok(Self::Epoch(1000)),
            _ => {}
        }
        let items = StrftimeItems::new(format).parse_to_owned();
        let items = items.map_err(|_| wrong(KEY, &format!("{format:?} is no date format"), HINT))?;
        for item in &items {
            match item {
                Item::Fixed(Fixed::TimezoneName) => {
                    return Err(wrong(KEY, "%Z, a zone's name, cannot be read", "leave it to the source's timezone"));
                }
                Item::Numeric(Numeric::Timestamp, _) => {
                    return Err(wrong(KEY, "%s cannot be read", "write `epoch` for seconds since the start of 1970"));
                }
                _ => {}
            }
        }
        let moment = Self::Pattern(items);
        // What cannot read what it wrote lacks a part of the date or the time.
        let sample = DateTime::parse_from_rfc3339("2001-02-03T16:05:06+00:00").unwrap_or_default();
        match moment.written(sample).map(|text| moment.read(&text)) {
            Some(None) => Err(wrong(KEY, &format!("{format:?} lacks a part of the date or the time"), HINT)),
            _ => Ok(moment),
        }
    }

    /// None for the few patterns that can only be read.
    fn written(&self, moment: DateTime<FixedOffset>) -> Option<String> {
        use std::fmt::Write;
        let Self::Pattern(items) = self else { return None };
        let mut text = String::new();
        write!(text, "{}", moment.format_with_items(items.iter())).ok().map(|()| text)
    }

    /// None if the text is not of this format.
    pub fn read(&self, text: &str) -> Option<RawTime> {
        match self {
            Self::Epoch(unit) => {
                let whole =
                    text.split('.').next().filter(|t| t.len() <= 16 && t.bytes().all(|b| b.is_ascii_digit()))?;
                Some(RawTime::Utc(whole.parse::<i64>().ok()? / unit))
            }
            Self::Pattern(items) => {
                let mut parsed = Parsed::new();
                parse(&mut parsed, text, items.iter()).ok()?;
                match parsed.offset() {
                    Some(_) => Some(RawTime::Utc(parsed.to_datetime().ok()?.timestamp())),
                    None => {
                        let civil = parsed.to_naive_datetime_with_offset(0).ok()?;
                        Some(RawTime::Local(civil.with_nanosecond(0).unwrap_or(civil)))
                    }
                }
            }
        }
    }
}
