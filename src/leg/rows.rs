//! Legs in columns, as they lie in memory between the reader and the data file: figures as they are, texts as numbers of
//! a [`Texts`]. Knows no Parquet.

use arrow::array::{ArrayRef, ArrowPrimitiveType, AsArray, RecordBatch, StringArray};
use arrow::datatypes::{Date32Type, Int16Type, Int32Type, Int64Type, TimestampMicrosecondType};

use super::texts::{NONE, TextId, Texts};
use super::{Direction, Leg, Outcome, Part, RedirectReason};
use crate::number::Class;

/// Columns of text that name something; the closed sets of words are columns of their own.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Name {
    Source,
    Platform,
    Caller,
    Dialled,
    Callee,
    CallerExt,
    DialledExt,
    CalleeExt,
    RedirectExt,
    CallerDevice,
    CalleeDevice,
    CallerUser,
    CalleeUser,
    TrunkIn,
    TrunkOut,
    HuntGroup,
    AccountCode,
    Currency,
    VendorKind,
    CallerNode,
    CalleeNode,
}

impl Name {
    pub const ALL: [Self; 21] = [
        Self::Source,
        Self::Platform,
        Self::Caller,
        Self::Dialled,
        Self::Callee,
        Self::CallerExt,
        Self::DialledExt,
        Self::CalleeExt,
        Self::RedirectExt,
        Self::CallerDevice,
        Self::CalleeDevice,
        Self::CallerUser,
        Self::CalleeUser,
        Self::TrunkIn,
        Self::TrunkOut,
        Self::HuntGroup,
        Self::AccountCode,
        Self::Currency,
        Self::VendorKind,
        Self::CallerNode,
        Self::CalleeNode,
    ];

    /// Its column of `legs`.
    pub const fn column(self) -> &'static str {
        match self {
            Self::Source => "source",
            Self::Platform => "platform",
            Self::Caller => "caller",
            Self::Dialled => "dialled",
            Self::Callee => "callee",
            Self::CallerExt => "caller_ext",
            Self::DialledExt => "dialled_ext",
            Self::CalleeExt => "callee_ext",
            Self::RedirectExt => "redirect_ext",
            Self::CallerDevice => "caller_device",
            Self::CalleeDevice => "callee_device",
            Self::CallerUser => "caller_user",
            Self::CalleeUser => "callee_user",
            Self::TrunkIn => "trunk_in",
            Self::TrunkOut => "trunk_out",
            Self::HuntGroup => "hunt_group",
            Self::AccountCode => "account_code",
            Self::Currency => "currency",
            Self::VendorKind => "vendor_kind",
            Self::CallerNode => "caller_node",
            Self::CalleeNode => "callee_node",
        }
    }
}

/// Legs, column by column; every column has as many rows.
#[derive(Clone, Debug, Default)]
pub struct Legs {
    pub leg_key: Vec<i64>,
    pub call_key: Vec<i64>,
    pub input_id: Vec<i64>,
    pub record_no: Vec<i64>,
    pub started_at_us: Vec<i64>,
    pub local_day: Vec<i32>,
    pub local_minute: Vec<i16>,
    pub ring_s: Vec<Option<i32>>,
    pub talk_s: Vec<i32>,
    pub direction: Vec<Direction>,
    pub outcome: Vec<Outcome>,
    pub redirect_reason: Vec<Option<RedirectReason>>,
    pub number_class: Vec<Option<Class>>,
    pub part: Vec<Part>,
    pub cause: Vec<Option<i64>>,
    pub charge_micros: Vec<Option<i64>>,
    pub caller_link: Vec<Option<i64>>,
    pub callee_link: Vec<Option<i64>>,
    names: [Vec<TextId>; Name::ALL.len()],
}

impl Legs {
    pub fn len(&self) -> usize {
        self.leg_key.len()
    }

    pub fn is_empty(&self) -> bool {
        self.leg_key.is_empty()
    }

    /// A column of names.
    pub fn names(&self, name: Name) -> &[TextId] {
        &self.names[name as usize]
    }

    /// Makes room for so many rows more.
    pub fn reserve(&mut self, rows: usize) {
        [&mut self.leg_key, &mut self.call_key, &mut self.input_id, &mut self.record_no, &mut self.started_at_us]
            .into_iter()
            .for_each(|column| column.reserve(rows));
        [&mut self.cause, &mut self.charge_micros, &mut self.caller_link, &mut self.callee_link]
            .into_iter()
            .for_each(|column| column.reserve(rows));
        self.local_day.reserve(rows);
        self.local_minute.reserve(rows);
        self.ring_s.reserve(rows);
        self.talk_s.reserve(rows);
        self.direction.reserve(rows);
        self.outcome.reserve(rows);
        self.redirect_reason.reserve(rows);
        self.number_class.reserve(rows);
        self.part.reserve(rows);
        self.names.iter_mut().for_each(|column| column.reserve(rows));
    }

    pub fn push(&mut self, leg: &Leg) {
        self.leg_key.push(leg.leg_key);
        self.call_key.push(leg.call_key);
        self.input_id.push(leg.input_id);
        self.record_no.push(leg.record_no);
        self.started_at_us.push(leg.started_at_us);
        self.local_day.push(leg.local_day);
        self.local_minute.push(leg.local_minute);
        self.ring_s.push(leg.ring_s);
        self.talk_s.push(leg.talk_s);
        self.direction.push(leg.direction);
        self.outcome.push(leg.outcome);
        self.redirect_reason.push(leg.redirect_reason);
        self.number_class.push(leg.number_class);
        self.part.push(leg.part);
        self.cause.push(leg.cause);
        self.charge_micros.push(leg.charge_micros);
        self.caller_link.push(leg.caller_link);
        self.callee_link.push(leg.callee_link);
        // In the order of `Name`.
        let names = [
            leg.source,
            leg.platform,
            leg.caller,
            leg.dialled,
            leg.callee,
            leg.caller_ext,
            leg.dialled_ext,
            leg.callee_ext,
            leg.redirect_ext,
            leg.caller_device,
            leg.callee_device,
            leg.caller_user,
            leg.callee_user,
            leg.trunk_in,
            leg.trunk_out,
            leg.hunt_group,
            leg.account_code,
            leg.currency,
            leg.vendor_kind,
            leg.caller_node,
            leg.callee_node,
        ];
        for (column, name) in self.names.iter_mut().zip(names) {
            column.push(name);
        }
    }

    /// Puts other numbers in place of those of the texts: `to` has the new one of each old one.
    pub fn renumber(&mut self, to: &[TextId]) {
        for id in self.names.iter_mut().flatten() {
            *id = to[*id as usize];
        }
    }

    /// Leaves only the rows that are kept.
    pub fn retain(&mut self, kept: &[bool]) {
        fn only<T: Copy>(column: &mut Vec<T>, kept: &[bool]) {
            let mut row = 0;
            column.retain(|_| {
                row += 1;
                kept[row - 1]
            });
        }
        [&mut self.leg_key, &mut self.call_key, &mut self.input_id, &mut self.record_no, &mut self.started_at_us]
            .into_iter()
            .for_each(|column| only(column, kept));
        [&mut self.cause, &mut self.charge_micros, &mut self.caller_link, &mut self.callee_link]
            .into_iter()
            .for_each(|column| only(column, kept));
        only(&mut self.local_day, kept);
        only(&mut self.local_minute, kept);
        only(&mut self.ring_s, kept);
        only(&mut self.talk_s, kept);
        only(&mut self.direction, kept);
        only(&mut self.outcome, kept);
        only(&mut self.redirect_reason, kept);
        only(&mut self.number_class, kept);
        only(&mut self.part, kept);
        self.names.iter_mut().for_each(|column| only(column, kept));
    }

    /// Rows of [`super::schema`] read back; `texts` takes their texts. None where a column is not there or has words of
    /// another version.
    pub fn of(rows: &RecordBatch, texts: &mut Texts) -> Option<Self> {
        fn plain<T: ArrowPrimitiveType>(column: &ArrayRef) -> Option<Vec<T::Native>> {
            Some(column.as_primitive_opt::<T>()?.values().to_vec())
        }
        fn optional<T: ArrowPrimitiveType>(column: &ArrayRef) -> Option<Vec<Option<T::Native>>> {
            Some(column.as_primitive_opt::<T>()?.iter().collect())
        }
        fn words<T: Copy>(column: &ArrayRef, all: &[T], word: fn(T) -> &'static str) -> Option<Vec<Option<T>>> {
            let column: &StringArray = column.as_string_opt()?;
            let find = |text: &str| all.iter().copied().find(|w| word(*w) == text);
            column.iter().map(|text| text.map_or(Some(None), |text| find(text).map(Some))).collect()
        }
        fn word<T: Copy>(column: &ArrayRef, all: &[T], word: fn(T) -> &'static str) -> Option<Vec<T>> {
            words(column, all, word)?.into_iter().collect()
        }
        let column = |name: &str| rows.column_by_name(name);
        let mut names: [Vec<TextId>; Name::ALL.len()] = Default::default();
        for (ids, name) in names.iter_mut().zip(Name::ALL) {
            let column: &StringArray = column(name.column())?.as_string_opt()?;
            ids.extend(column.iter().map(|text| texts.id(text)));
        }
        Some(Self {
            leg_key: plain::<Int64Type>(column("leg_key")?)?,
            call_key: plain::<Int64Type>(column("call_key")?)?,
            input_id: plain::<Int64Type>(column("input_id")?)?,
            record_no: plain::<Int64Type>(column("record_no")?)?,
            started_at_us: plain::<TimestampMicrosecondType>(column("started_at")?)?,
            local_day: plain::<Date32Type>(column("local_day")?)?,
            local_minute: plain::<Int16Type>(column("local_minute")?)?,
            ring_s: optional::<Int32Type>(column("ring_s")?)?,
            talk_s: plain::<Int32Type>(column("talk_s")?)?,
            direction: word(column("direction")?, Direction::ALL, Direction::word)?,
            outcome: word(column("outcome")?, Outcome::ALL, Outcome::word)?,
            redirect_reason: words(column("redirect_reason")?, RedirectReason::ALL, RedirectReason::word)?,
            number_class: words(column("number_class")?, Class::ALL, Class::word)?,
            part: word(column("part")?, Part::ALL, Part::word)?,
            cause: optional::<Int64Type>(column("cause")?)?,
            charge_micros: optional::<Int64Type>(column("charge_micros")?)?,
            caller_link: optional::<Int64Type>(column("caller_link")?)?,
            callee_link: optional::<Int64Type>(column("callee_link")?)?,
            names,
        })
    }
}

/// Whether the column names anything.
pub fn names_any(column: &[TextId]) -> bool {
    column.iter().any(|id| *id != NONE)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_stand_in_the_order_of_the_columns() {
        for (i, name) in Name::ALL.iter().enumerate() {
            assert_eq!(*name as usize, i, "{name:?}");
        }
    }
}
