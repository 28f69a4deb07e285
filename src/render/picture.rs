//! The pictures of a report as plain data: which columns of a table are drawn, and how. Not how it is done (`chart`).

use super::{Cell, Kind, Table};

/// A picture of some columns of its section's table, so it cannot carry a figure the table lacks.
#[derive(Clone, Debug, PartialEq)]
pub enum Chart {
    /// Amounts that add up within each category; negative ones stack downwards.
    StackedBars(Plot),
    /// One line a series over ordered categories; a cell without a number is a gap.
    Lines(Plot),
    /// The same, with a shaded range or a marked day.
    GuidedLines(Plot, Guides),
    /// What is likely in `Plot::series`, and around it ranges from the widest to the narrowest, over a line at zero.
    Fan(Plot, Vec<Range>),
    /// What a figure comes to at either end of each of some assumptions: bars to both sides of what it is, widest first.
    Tornado(Swings),
    /// A calendar for each of a few sources: a cell a day, a column a week.
    HeatMap(DayMap),
}

/// Columns are indices into `Table::columns`; series are named by their columns' titles.
#[derive(Clone, Debug, PartialEq)]
pub struct Plot {
    pub title: String,
    /// What the picture shows, in a sentence, for those who cannot see it.
    pub says: String,
    pub category: usize,
    pub series: Vec<usize>,
    /// What the value axis measures, with its unit: `Handsets`. The axis of a `Pence` column adds its own `(£ million)`.
    pub value_label: String,
}

/// What helps to read lines. With a range, `Plot::series` may be empty.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Guides {
    pub range: Option<Range>,
    pub mark: Option<Mark>,
}

/// Shaded between two columns, for a figure that is only known to lie somewhere in between.
#[derive(Clone, Debug, PartialEq)]
pub struct Range {
    pub name: String,
    pub low: usize,
    pub high: usize,
}

/// All are indices into `Table::columns`. A row is an assumption that goes from one end to the other.
#[derive(Clone, Debug, PartialEq)]
pub struct Swings {
    pub title: String,
    /// What the picture shows, in a sentence, for those who cannot see it.
    pub says: String,
    pub category: usize,
    /// What the figure comes to at the low and at the high end, whichever of them is the larger.
    pub low: usize,
    pub high: usize,
    /// What it comes to as things are: the same in every row.
    pub base: usize,
    /// The ends themselves, written at the bars: `-20 %`. Without them the figures are.
    pub ends: Option<(usize, usize)>,
    /// What the axis measures, as in `Plot`.
    pub value_label: String,
}

/// A vertical line. `at` is a category of the plot, or any date where these are dates in order: one after the last
/// lengthens the axis up to twice its length. A mark that has no place is left out.
#[derive(Clone, Debug, PartialEq)]
pub struct Mark {
    pub at: Cell,
    /// With the date: `Cease, 31 Jan 2027`.
    pub label: String,
}

/// A picture of rows that each tell the state of something (`of`) on the days from `first` to `last`, both included;
/// name one column twice where a row is a day. All are indices into `Table::columns`.
#[derive(Clone, Debug, PartialEq)]
pub struct DayMap {
    pub title: String,
    /// What the picture shows, in a sentence, for those who cannot see it; the days of each state are added to it.
    pub says: String,
    /// The column whose values have a calendar each, in the order they come in.
    pub of: usize,
    pub state: usize,
    pub first: usize,
    pub last: usize,
    /// All the words that the state column may hold, each with a look of its own. Where rows tell the same day
    /// differently, the word that stands later here counts.
    pub states: Vec<(String, Look)>,
}

/// How the days of a state look: a shape and a colour each, from solid to hardly there.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Look {
    /// As it should be: covered.
    Full,
    /// In part: partly blind.
    Half,
    /// Bad: a gap.
    Barred,
    /// Open: not judged yet.
    Hollow,
    /// Does not matter: outside.
    Dot,
}

impl Look {
    /// The same on a terminal.
    pub fn glyph(self) -> char {
        match self {
            Self::Full => '█',
            Self::Half => '▒',
            Self::Barred => '×',
            Self::Hollow => '□',
            Self::Dot => '·',
        }
    }
}

impl Chart {
    pub fn title(&self) -> &str {
        match self {
            Self::StackedBars(plot) | Self::Lines(plot) | Self::GuidedLines(plot, _) | Self::Fan(plot, _) => {
                &plot.title
            }
            Self::HeatMap(map) => &map.title,
            Self::Tornado(swings) => &swings.title,
        }
    }

    /// Its plot and the columns of numbers it draws; a calendar has neither, a tornado is no plot of its rows in order.
    pub(super) fn plot(&self) -> Option<(&Plot, Vec<usize>)> {
        match self {
            Self::StackedBars(plot) | Self::Lines(plot) => Some((plot, plot.series.clone())),
            Self::GuidedLines(plot, guides) => {
                let range = guides.range.iter().flat_map(|range| [range.low, range.high]);
                Some((plot, plot.series.iter().copied().chain(range).collect()))
            }
            Self::Fan(plot, ranges) => {
                let ends = ranges.iter().flat_map(|range| [range.low, range.high]);
                Some((plot, plot.series.iter().copied().chain(ends).collect()))
            }
            Self::HeatMap(_) | Self::Tornado(_) => None,
        }
    }
}

/// That a calendar has its columns and knows every state, each by a look of its own.
pub(super) fn check_map(map: &DayMap, table: &Table) -> std::result::Result<(), String> {
    let kind = |at: usize| table.columns.get(at).map(|column| column.kind);
    if let Some(at) = [map.first, map.last].into_iter().find(|&at| kind(at) != Some(Kind::Date)) {
        return Err(format!("column {at} is not a column of dates"));
    }
    if let Some(at) = [map.of, map.state].into_iter().find(|&at| kind(at).is_none()) {
        return Err(format!("there is no column {at}"));
    }
    let same = |(at, (word, look)): (usize, &(String, Look))| {
        map.states.iter().take(at).any(|(other, worn)| word == other || look == worn)
    };
    if map.states.iter().enumerate().any(same) {
        return Err("every state needs a word and a look of its own".into());
    }
    let known = |cell: &Cell| map.states.iter().any(|(word, _)| matches!(cell, Cell::Text(text) if text == word));
    match table.rows.iter().map(|row| &row[map.state]).find(|cell| !known(cell)) {
        Some(cell) => Err(format!("{cell} is not among its states")),
        None => Ok(()),
    }
}

/// That a tornado has its columns, of one kind, and that its rows agree on what things are now.
pub(super) fn check_swings(swings: &Swings, table: &Table) -> std::result::Result<(), String> {
    let kind = |at: usize| table.columns.get(at).map(|column| column.kind);
    let drawn = [swings.low, swings.high, swings.base];
    if let Some(at) = drawn.into_iter().find(|&at| !kind(at).is_some_and(Kind::is_number)) {
        return Err(format!("column {at} is not a column of numbers"));
    }
    if drawn.iter().any(|&at| (kind(at) == Some(Kind::Pence)) != (kind(swings.base) == Some(Kind::Pence))) {
        return Err("money and other figures cannot share an axis".into());
    }
    let named = [swings.category].into_iter().chain(swings.ends.iter().flat_map(|&(low, high)| [low, high]));
    if let Some(at) = named.into_iter().find(|&at| kind(at).is_none()) {
        return Err(format!("there is no column {at}"));
    }
    let base = table.rows.first().map(|row| &row[swings.base]);
    match table.rows.iter().find(|row| Some(&row[swings.base]) != base) {
        Some(row) => Err(format!("{}: starts from another figure than the rows before it", row[swings.category])),
        None => Ok(()),
    }
}
