//! Which item stands in which columns: the list of items and widths as the administrator's screen shows it, or a
//! built-in one. It knows what an item must look like, not what it means.

use crate::layout::Layout;
use crate::read::ReadError;

/// Widest record; longer lines are not looked at to their end.
pub(super) const WIDEST: usize = 1000;

/// The items that are read. `calling-num-1`, `calling-num-2-5`, `in-crt-id-1` and `in-crt-id-2-3` are ours, for LSU.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Item {
    Date,
    Time,
    Duration,
    SecDur,
    CondCode,
    CodeDial,
    CodeUsed,
    DialedNum,
    CallingNum,
    CallingNumFirst,
    CallingNumRest,
    ClgNumInTac,
    Vdn,
    InTrkCode,
    InCrtId,
    InCrtIdFirst,
    InCrtIdRest,
    OutCrtId,
    AcctCode,
    AuthCode,
    Ucid,
}

/// Names on the screen (formats page 3.5), the width where only one is possible, and the item.
static READ: [(&str, Option<u16>, Item); 21] = [
    ("date", Some(6), Item::Date),
    ("time", Some(4), Item::Time),
    ("duration", Some(4), Item::Duration),
    ("sec-dur", None, Item::SecDur),
    ("cond-code", Some(1), Item::CondCode),
    ("code-dial", None, Item::CodeDial),
    ("code-used", None, Item::CodeUsed),
    ("dialed-num", None, Item::DialedNum),
    ("calling-num", None, Item::CallingNum),
    ("calling-num-1", Some(1), Item::CallingNumFirst),
    ("calling-num-2-5", Some(4), Item::CallingNumRest),
    ("clg-num/in-tac", None, Item::ClgNumInTac),
    ("vdn", None, Item::Vdn),
    ("in-trk-code", None, Item::InTrkCode),
    ("in-crt-id", None, Item::InCrtId),
    ("in-crt-id-1", Some(1), Item::InCrtIdFirst),
    ("in-crt-id-2-3", Some(2), Item::InCrtIdRest),
    ("out-crt-id", None, Item::OutCrtId),
    ("acct-code", None, Item::AcctCode),
    ("auth-code", None, Item::AuthCode),
    ("ucid", None, Item::Ucid),
];

/// Items that take their columns and are not kept. `other` is ours, for columns whose item has no name here.
static PASSED_OVER: [&str; 25] = [
    "frl",
    "ixc-code",
    "ins",
    "isdn-cc",
    "ppm",
    "bcc",
    "bandwidth",
    "ma-uui",
    "feat-flag",
    "attd-console",
    "node-num",
    "res-flag",
    "tsc-ct",
    "tsc-flag",
    "location-from",
    "location-to",
    "timezone-from",
    "timezone-to",
    "country-from",
    "country-to",
    "start-time",
    "end-time",
    "tenant",
    "clg-pty-cat",
    "other",
];

static BUILT_IN: [(&str, &str); 3] = [
    ("teleseer", include_str!("layouts/teleseer.csv")),
    ("isdn-teleseer", include_str!("layouts/isdn-teleseer.csv")),
    ("lsu", include_str!("layouts/lsu.csv")),
];

const HINT: &str = "set the source's `layout` to \"teleseer\", \"isdn-teleseer\", \"lsu\", or to the items and widths of \
                    the switch's screen `change system-parameters cdr`, in their order; name `other` what has no name here";

/// Columns from the first up to and without the last, counted from 0 after the blanks that begin the record.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
struct Span(usize, usize);

#[derive(Debug)]
pub(super) struct Columns {
    /// Name of a built-in layout; `own` for any other.
    pub name: &'static str,
    /// Columns of a whole record, without line end and NULs.
    pub width: usize,
    /// Blank columns that begin every record.
    pub lead: usize,
    spans: [Option<Span>; READ.len()],
    blanks: Vec<Span>,
}

impl Columns {
    /// # Errors
    /// No layout, or one that no record can have; the message names the item.
    pub fn new(layout: Option<&Layout>) -> Result<Self, ReadError> {
        match layout {
            None => Err(refuse("no layout is configured, and Avaya's records do not describe themselves".into())),
            Some(Layout::Names(_)) => Err(refuse("the layout has items without widths".into())),
            Some(Layout::Widths(items)) => Self::of("own", items),
            Some(Layout::Name(name)) => {
                let text = BUILT_IN.iter().find(|(known, _)| known.eq_ignore_ascii_case(name));
                let (name, text) = text.ok_or_else(|| refuse(format!("there is no built-in layout `{name}`")))?;
                match Layout::parse(text) {
                    Ok(Layout::Widths(items)) => Self::of(name, &items),
                    Ok(_) => Err(refuse(format!("layout `{name}` has no widths"))),
                    Err(what) => Err(refuse(format!("layout `{name}`: {what}"))),
                }
            }
        }
    }

    fn of(name: &'static str, items: &[(String, u16)]) -> Result<Self, ReadError> {
        let mut columns = Self { name, width: 0, lead: 0, spans: [None; READ.len()], blanks: Vec::new() };
        let mut ended = false;
        for (item, width) in items {
            let (word, columns_wide) = (item.trim().to_ascii_lowercase().replace('_', "-"), usize::from(*width));
            match word.as_str() {
                // NULs are stripped before a line is looked at, and so take no columns.
                "null" => continue,
                "return" | "line-feed" => ended = true,
                _ if ended => {
                    return Err(refuse(format!(
                        "`{item}` follows the line end: a record of two lines is not supported"
                    )));
                }
                "space" if columns.width == columns.lead => {
                    columns.lead += columns_wide;
                    columns.width += columns_wide;
                }
                "space" => {
                    let from = columns.take(columns_wide);
                    columns.blanks.push(from);
                }
                word if PASSED_OVER.contains(&word) => drop(columns.take(columns_wide)),
                word => {
                    let known = READ.iter().find(|(known, ..)| *known == word);
                    let (_, only, read) =
                        known.ok_or_else(|| refuse(format!("the layout has an unknown item `{item}`")))?;
                    if let Some(only) = only.filter(|only| only != width) {
                        return Err(refuse(format!("layout item `{item}` is {only} wide, not {width}")));
                    }
                    let span = columns.take(columns_wide);
                    match columns.spans.get_mut(*read as usize) {
                        Some(free @ None) => *free = Some(span),
                        _ => return Err(refuse(format!("layout item `{item}` stands there twice"))),
                    }
                }
            }
        }
        let lacks = match () {
            () if !columns.has(Item::Duration) && !columns.has(Item::SecDur) => "`duration` or `sec-dur`",
            () if ![Item::DialedNum, Item::CallingNum, Item::ClgNumInTac].iter().any(|item| columns.has(*item)) => {
                "`dialed-num` or `calling-num`"
            }
            () if columns.width > WIDEST => return Err(refuse(format!("the layout is wider than {WIDEST} columns"))),
            () => return Ok(columns),
        };
        Err(refuse(format!("the layout lacks {lacks}")))
    }

    fn take(&mut self, width: usize) -> Span {
        let from = self.width - self.lead;
        self.width += width;
        Span(from, from + width)
    }

    pub fn has(&self, item: Item) -> bool {
        self.span(item).is_some()
    }

    fn span(&self, item: Item) -> Option<Span> {
        self.spans.get(item as usize).copied().flatten()
    }

    /// The item's columns as they stand; what the line is too short for is left out.
    pub fn verbatim<'a>(&self, item: Item, text: &'a str) -> &'a str {
        let Some(Span(from, to)) = self.span(item) else { return "" };
        text.get(from.min(text.len())..to.min(text.len())).unwrap_or_default()
    }

    /// The same without the blanks that fill it on either side.
    pub fn field<'a>(&self, item: Item, text: &'a str) -> &'a str {
        self.verbatim(item, text).trim_matches(' ')
    }

    /// Whether all columns that part items are blank.
    pub fn parted(&self, text: &str) -> bool {
        let part = |Span(from, to): &Span| text.get((*from).min(text.len())..(*to).min(text.len()));
        self.blanks.iter().all(|span| part(span).is_some_and(|part| part.bytes().all(|b| b == b' ')))
    }
}

fn refuse(what: String) -> ReadError {
    ReadError::Refused { what, hint: HINT }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn widths(items: &[(&str, u16)]) -> Result<Columns, String> {
        let items = items.iter().map(|(item, width)| (item.to_string(), *width)).collect();
        Columns::new(Some(&Layout::Widths(items))).map_err(|error| error.to_string())
    }

    /// The columns of Avaya's tables, 1-based and inclusive (formats page 3.3).
    #[test]
    fn built_in_layouts_are_the_vendors_tables() {
        let table = [
            ("teleseer", 76, "4-7 8-11 - 12-12 13-15 16-18 19-33 34-38 - - - - - 56-58 - - 59-61 39-53 63-69 -"),
            ("isdn-teleseer", 76, "4-7 8-11 - 12-12 - 16-18 19-33 34-38 - - - - - 56-58 - - 59-61 39-53 63-69 -"),
            ("lsu", 54, "- 1-4 - 5-5 6-8 9-11 12-26 - 46-46 27-30 - - - - 53-53 47-48 50-52 31-35 36-42 -"),
        ];
        for (name, width, spans) in table {
            let columns = Columns::new(Some(&Layout::Name(name.to_string()))).unwrap();
            let printed = |span: &Option<Span>| match span {
                Some(Span(from, to)) => format!("{}-{}", from + 1 + columns.lead, to + columns.lead),
                None => "-".to_string(),
            };
            // In the order of `Item`, from the time on.
            let found: Vec<String> = columns.spans.iter().skip(1).map(printed).collect();
            assert_eq!(found.join(" "), spans, "{name}");
            assert_eq!((columns.width, columns.name), (width, name));
        }
    }

    #[test]
    fn an_item_has_its_name_and_its_width() {
        for (items, what) in [
            (&[("date", 6), ("duration", 4)][..], "`dialed-num` or `calling-num`"),
            (&[("dialed-num", 15)], "`duration` or `sec-dur`"),
            (&[("date", 8)], "`date` is 6 wide, not 8"),
            (&[("shoe-size", 8)], "unknown item `shoe-size`"),
            (&[("vdn", 5), ("vdn", 5)], "`vdn` stands there twice"),
            (&[("duration", 4), ("line-feed", 1), ("dialed-num", 15)], "`dialed-num` follows the line end"),
            (&[("duration", 4), ("dialed-num", 600), ("other", 600)], "wider than"),
        ] {
            let found = widths(items).unwrap_err();
            assert!(found.contains(what), "{found}");
        }
        let recent = [("Sec-Dur", 5), ("calling-num", 15), ("res_flag", 1), ("location-from", 3), ("ucid", 20)];
        assert_eq!(widths(&recent).unwrap().width, 44);
        for layout in [None, Some(Layout::Names(vec!["date".into()])), Some(Layout::Name("printer".into()))] {
            assert!(Columns::new(layout.as_ref()).is_err());
        }
    }
}
