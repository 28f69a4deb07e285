//! The columns of the two bills, by name. Carriers write the names of the FCS standard with and without blanks, and name a
//! few of them otherwise; so capitals, blanks and brackets do not count. It gives no row a meaning.

use crate::read::Reject;
use crate::read::field::{Fields, Refusal, plain};

/// Which of the two bills.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Layout {
    Fcs,
    BtWeb,
}

impl Layout {
    pub const fn name(self) -> &'static str {
        match self {
            Self::Fcs => "fcs",
            Self::BtWeb => "bt-web",
        }
    }

    /// What a row cannot do without.
    fn needed(self) -> &'static [(&'static str, &'static [Field])] {
        match self {
            Self::Fcs => &[
                ("Call Type", &[Field::Kind]),
                ("Customer Identifier", &[Field::Line]),
                ("Non-Charged Party", &[Field::OtherParty, Field::Dialled]),
                ("Call Date", &[Field::Date]),
                ("Call Time", &[Field::Time]),
                ("Duration", &[Field::Duration]),
            ],
            Self::BtWeb => &[
                ("ChargeCode", &[Field::Kind]),
                ("InstallationNo", &[Field::Line]),
                ("Date", &[Field::Date]),
                ("Time", &[Field::Time]),
                ("CalledNo", &[Field::Dialled]),
                ("Duration", &[Field::Duration]),
            ],
        }
    }
}

/// A column that something is read from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Field {
    /// FCS: call type; BT: charge code.
    Kind,
    /// Whom the call is charged to: a number, or an account's name.
    Line,
    /// Who is at the other end, caller or called.
    OtherParty,
    /// What was dialled.
    Dialled,
    /// The number the calling party showed.
    CallerId,
    Extension,
    Ddi,
    Date,
    Time,
    Duration,
    RingTime,
    Price,
    Currency,
    RecordId,
    ChargeCode,
    Description,
    BytesSent,
    BytesReceived,
    BytesTotal,
}

const FIELDS: usize = Field::BytesTotal as usize + 1;

/// FCS names in small letters without anything but letters, as Gamma [formats page 3.1], Callroute (v3 names without
/// blanks: `TelephoneNumberDialled`, `PresentationNumber`) and others write them.
const FCS: &[(&str, Field)] = &[
    ("calltype", Field::Kind),
    ("customeridentifier", Field::Line),
    ("nonchargedparty", Field::OtherParty),
    ("telephonenumberdialled", Field::Dialled),
    ("calldate", Field::Date),
    ("calltime", Field::Time),
    ("duration", Field::Duration),
    ("bytestransmitted", Field::BytesSent),
    ("bytesreceived", Field::BytesReceived),
    ("totalbytestransferred", Field::BytesTotal),
    ("description", Field::Description),
    ("chargecode", Field::ChargeCode),
    ("salesprice", Field::Price),
    ("extension", Field::Extension),
    ("ddi", Field::Ddi),
    ("ringtime", Field::RingTime),
    ("recordid", Field::RecordId),
    ("currency", Field::Currency),
    ("callerlineidentity", Field::CallerId),
    ("presentationnumber", Field::CallerId),
];

const BT: &[(&str, Field)] = &[
    ("chargecode", Field::Kind),
    ("installationno", Field::Line),
    ("date", Field::Date),
    ("time", Field::Time),
    ("destination", Field::Description),
    ("calledno", Field::Dialled),
    ("duration", Field::Duration),
    ("cost", Field::Price),
];

/// Where the columns of one header row are.
#[derive(Debug)]
pub struct Columns {
    pub layout: Layout,
    pub count: usize,
    at: [Option<usize>; FIELDS],
}

impl Columns {
    /// None for a line that is no header; else the columns, or the name of one that is missing.
    pub fn of(line: &[u8]) -> Option<Result<Self, &'static str>> {
        // Most lines are rows: these have dates and numbers, a header at most a figure in a name.
        if line.len() > 4096 || line.split(|b| !b.is_ascii_digit()).any(|figures| figures.len() >= 4) {
            return None;
        }
        let mut fields = Fields::default();
        fields.split(plain(line.trim_ascii_end()).ok()?, b',').ok()?;
        let names: Vec<String> = (0..fields.len()).map(|at| letters(fields.get(at))).collect();
        let has = |wanted: &str| names.iter().any(|name| name == wanted);
        let (layout, known) = match () {
            () if has("calldate") && has("calltime") && (has("calltype") || has("customeridentifier")) => {
                (Layout::Fcs, FCS)
            }
            () if has("installationno") && has("calledno") => (Layout::BtWeb, BT),
            () => return None,
        };
        let mut at = [None; FIELDS];
        for (place, name) in names.iter().enumerate() {
            if let Some((_, field)) = known.iter().find(|(wanted, _)| wanted == name)
                && let Some(at) = at.get_mut(*field as usize)
            {
                // The first of two columns of one name is the standard's own.
                *at = at.or(Some(place));
            }
        }
        let columns = Self { layout, count: fields.len(), at };
        let lacking = layout.needed().iter().find(|(_, any)| any.iter().all(|field| !columns.has(*field)));
        Some(lacking.map_or(Ok(columns), |(name, _)| Err(name)))
    }

    pub fn has(&self, field: Field) -> bool {
        self.at.get(field as usize).is_some_and(Option::is_some)
    }

    /// The row's text in that column; empty where there is no such column.
    pub fn get<'a>(&self, row: &'a Fields, field: Field) -> &'a str {
        self.at.get(field as usize).copied().flatten().map_or("", |at| row.get(at))
    }

    pub fn id<'a>(&self, row: &'a Fields) -> &'a str {
        self.get(row, Field::RecordId)
    }

    /// # Errors
    /// The row has fewer or more fields than the header; blank ones too many at its end do no harm.
    pub fn split(&self, line: &str, row: &mut Fields) -> Result<(), Refusal> {
        row.split(line, b',')?;
        let more_is_blank = (self.count..row.len()).all(|at| row.get(at).is_empty());
        match row.len() < self.count || !more_is_blank {
            true => Err((Reject::WrongShape, "more or fewer fields than the header")),
            false => Ok(()),
        }
    }

    /// Telephone numbers turned into the form `4.42079E+11`: no carrier writes that.
    pub fn is_saved_by_a_spreadsheet(&self, row: &Fields) -> bool {
        [Field::Line, Field::OtherParty, Field::Dialled, Field::CallerId, Field::Ddi].into_iter().any(|field| {
            let number = self.get(row, field);
            number.split_once("E+").is_some_and(|(digits, power)| {
                let all = |text: &str| !text.is_empty() && text.bytes().all(|b| b.is_ascii_digit() || b == b'.');
                all(digits) && all(power) && power.len() <= 2
            })
        })
    }
}

fn letters(name: &str) -> String {
    name.chars().filter(char::is_ascii_alphabetic).map(|c| c.to_ascii_lowercase()).collect()
}
