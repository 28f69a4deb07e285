//! One small report for the renderers' tests, with every kind of cell, every chart and hostile text in it.
//! Not an example of a real one: the figures are invented.

use super::{
    Cell, Chart, Column, DayMap, Fact, Guides, Kind, Look, Mark, Part, Plot, Range, Report, Section, Swings, Table,
};
use chrono::NaiveDate;

/// Texts that must never run, break out of their place or turn the line round.
pub const HOSTILE: [&str; 6] = [
    "<script>alert(1)</script>",
    "\"&'</title></svg>",
    "=1+1",
    "+442079460001",
    "@SUM(A1:A9)",
    "\u{202e}\u{5d0}\u{5d1} 12",
];

pub fn report() -> Report {
    let text = |text: &str| Cell::Text(text.into());
    let as_of = NaiveDate::from_ymd_opt(2024, 3, 31).unwrap_or_default();
    let fact = |id: &str, label: &str, value, unit: &str, note: &str| Fact {
        id: id.into(),
        label: label.into(),
        value,
        unit: unit.into(),
        note: note.into(),
    };
    let by_use = Table {
        caption: "Handsets and yearly cost by use".into(),
        columns: vec![
            Column::new("use", "Use", Kind::Text),
            Column::new("idle", "Idle", Kind::Int),
            Column::new("in_use", "In use", Kind::Int),
            Column::new("cost", "Cost a year", Kind::Pence),
        ],
        rows: vec![
            vec![text("personal"), Cell::Int(6_104), Cell::Int(9_220), Cell::Pence(91_560_000)],
            vec![text("hot desk"), Cell::Int(1_310), Cell::Int(802), Cell::Pence(19_650_050)],
            vec![text("meeting room"), Cell::Int(405), Cell::Int(377), Cell::Empty],
            vec![text(HOSTILE[0]), Cell::Int(0), Cell::Int(12), Cell::Pence(-5)],
        ],
        total: Some(vec![text("All"), Cell::Int(7_819), Cell::Int(10_411), Cell::Pence(111_210_045)]),
    };
    let by_year = Table {
        caption: "Cost of each option by year".into(),
        columns: vec![
            Column::new("year", "Year", Kind::Text),
            Column::new("bau", "Business as usual", Kind::Pence),
            Column::new("teams", "Move to Teams", Kind::Pence),
            Column::new("odd", HOSTILE[1], Kind::Pence),
        ],
        rows: (0..5)
            .map(|year: i64| {
                let odd = if year == 2 { Cell::Empty } else { Cell::Pence(100_000_000 - year * 30_000_000) };
                let name = format!("{}/{}", 2024 + year, 25 + year);
                vec![text(&name), Cell::Pence(410_000_000), Cell::Pence(520_000_000 - year * 90_000_000), odd]
            })
            .collect(),
        total: None,
    };
    let register = Table {
        caption: "Idle handsets".into(),
        columns: vec![
            Column::new("extension", "Extension", Kind::Text),
            Column::new("ddi", "DDI", Kind::Text),
            Column::new("last_used_on", "Last used", Kind::Date),
            Column::new("rate", "Rate (uses a week)", Kind::Decimal),
            Column::new("protected", "Protected", Kind::Bool),
        ],
        rows: HOSTILE
            .iter()
            .enumerate()
            .map(|(at, hostile)| {
                let rate = Cell::Decimal(at as f64 / 8.0, 3);
                vec![text(&format!("0{at}1")), text(hostile), Cell::Date(as_of), rate, Cell::Bool(at == 0)]
            })
            .collect(),
        total: None,
    };
    Report {
        title: "Desk phones nobody picks up".into(),
        subtitle: "Met & Co <estate review>".into(),
        as_of,
        facts: vec![
            fact("idle.handsets", "Idle handsets", Cell::Int(7_819), "handsets", "of 20,000 registered"),
            fact("saving", "Saving", Cell::Pence(1_234_567_890), "over 10 years", "net present value at 3.5 %"),
            fact("covered-until", "Covered until", Cell::Date(as_of), "", HOSTILE[0]),
        ],
        sections: vec![
            Section {
                id: "by-use".into(),
                title: "Where the idle handsets are".into(),
                intro: "Most are personal.\n\nA second paragraph & more.".into(),
                chart: Some(Chart::StackedBars(Plot {
                    title: "Handsets by use".into(),
                    says: "Personal phones are by far the most.".into(),
                    category: 0,
                    series: vec![1, 2],
                    value_label: "Handsets".into(),
                })),
                table: by_use,
                note: "Cost is rental, power and licence.".into(),
                ..Section::default()
            },
            Section {
                id: "by-year".into(),
                title: "What each option costs".into(),
                chart: Some(Chart::Lines(Plot {
                    title: "Yearly cost".into(),
                    says: "Moving costs more at first and less from the third year.".into(),
                    category: 0,
                    series: vec![1, 2, 3],
                    value_label: "Cost a year".into(),
                })),
                table: by_year,
                ..Section::default()
            },
            Section {
                id: "idle-handsets".into(),
                title: "Idle handsets [first: of all/any?]".into(),
                table: register,
                rows_shown: Some(5),
                file: Some("idle-handsets.csv".into()),
                ..Section::default()
            },
            Section {
                id: "coverage".into(),
                title: "Which days have records".into(),
                chart: Some(Chart::HeatMap(DayMap {
                    title: "Coverage by day".into(),
                    says: "One source has a gap.".into(),
                    of: 0,
                    state: 1,
                    first: 2,
                    last: 3,
                    states: states(),
                })),
                table: coverage(),
                rows_shown: Some(2),
                ..Section::default()
            },
            Section {
                id: "legacy-use".into(),
                title: "How the old platform empties".into(),
                chart: Some(Chart::GuidedLines(
                    Plot {
                        title: "Calls a week".into(),
                        says: "They fall.".into(),
                        category: 0,
                        series: vec![1],
                        value_label: "Calls".into(),
                    },
                    Guides {
                        range: Some(Range { name: "If it goes on so".into(), low: 2, high: 3 }),
                        mark: Some(Mark { at: Cell::Date(day(2024, 5, 6)), label: "Cease, 6 May 2024".into() }),
                    },
                )),
                table: legacy_use(),
                ..Section::default()
            },
        ],
        provenance: vec![
            ("Lake version".into(), "42".into()),
            ("Configuration".into(), HOSTILE[1].into()),
            ("Formula".into(), HOSTILE[2].into()),
        ],
    }
}

/// The same with every kind of chart.
pub fn full() -> Report {
    let mut report = report();
    report.sections.extend([what_matters(), what_it_may_come_to()]);
    report
}

fn day(year: i32, month: u32, day: u32) -> NaiveDate {
    NaiveDate::from_ymd_opt(year, month, day).unwrap_or_default()
}

pub fn states() -> Vec<(String, Look)> {
    let states = [("covered", Look::Full), ("partly_blind", Look::Half), ("gap", Look::Barred), ("outside", Look::Dot)];
    states.map(|(word, look)| (word.to_string(), look)).to_vec()
}

/// January and February 2024 of two sources: 41 + 10 + 9 and 20 + 3 of 60 days.
fn coverage() -> Table {
    let row = |source: &str, state: &str, first: NaiveDate, last: NaiveDate| {
        vec![Cell::Text(source.into()), Cell::Text(state.into()), Cell::Date(first), Cell::Date(last)]
    };
    Table {
        caption: "Stretches of days".into(),
        columns: vec![
            Column::new("source", "Source", Kind::Text),
            Column::new("state", "State", Kind::Text),
            Column::new("first_day", "First day", Kind::Date),
            Column::new("last_day", "Last day", Kind::Date),
        ],
        rows: vec![
            row("first", "covered", day(2024, 1, 1), day(2024, 2, 10)),
            row("first", "gap", day(2024, 2, 11), day(2024, 2, 20)),
            row("first", "partly_blind", day(2024, 2, 21), day(2024, 2, 29)),
            row(HOSTILE[1], "outside", day(2024, 1, 4), day(2024, 1, 23)),
            row(HOSTILE[1], "gap", day(2024, 1, 29), day(2024, 1, 31)),
        ],
        total: None,
    }
}

/// Six weeks of calls, the last two known as a range only.
fn legacy_use() -> Table {
    let weeks = [(4, Some(900), None), (11, Some(700), None), (18, Some(620), None), (25, Some(400), Some((400, 400)))];
    let mut rows: Vec<Vec<Cell>> = Vec::new();
    let int = |value: Option<i64>| value.map_or(Cell::Empty, Cell::Int);
    for (date, calls, range) in weeks {
        let ends = [range.map(|(low, _)| low), range.map(|(_, high)| high)].map(int);
        rows.push([Cell::Date(day(2024, 3, date)), int(calls)].into_iter().chain(ends).collect());
    }
    rows.push(vec![Cell::Date(day(2024, 4, 1)), Cell::Empty, Cell::Int(250), Cell::Int(390)]);
    rows.push(vec![Cell::Date(day(2024, 4, 8)), Cell::Empty, Cell::Int(120), Cell::Int(380)]);
    let columns = vec![
        Column::new("week", "Week of", Kind::Date),
        Column::new("calls", "Calls on the old platform", Kind::Int),
        Column::new("low", "At least", Kind::Int),
        Column::new("high", "At most", Kind::Int),
    ];
    Table { caption: "Calls a week".into(), columns, rows, total: None }
}

/// A saving of £2 million at the ends of four assumptions, one of which is worse at both ends.
fn what_matters() -> Section {
    let text = |text: &str| Cell::Text(text.into());
    let rows = [
        ("Handsets to give up", "6,100", "8,900", 150_000_000, 260_000_000),
        ("Months of delay", "0", "12", 210_000_000, 90_000_000),
        (HOSTILE[1], HOSTILE[0], "none", 180_000_000, 120_000_000),
        ("Price of a licence", "£4.10", "£5.60", 205_000_000, 196_000_000),
    ];
    let row = |(name, from, to, low, high): (&str, &str, &str, i64, i64)| {
        vec![text(name), text(from), text(to), Cell::Pence(low), Cell::Pence(200_000_000), Cell::Pence(high)]
    };
    let kinds = [Kind::Text, Kind::Text, Kind::Text, Kind::Pence, Kind::Pence, Kind::Pence];
    let titles = ["Assumption", "Low end", "High end", "Saving at the low end", "Saving", "Saving at the high end"];
    let columns = titles.iter().zip(kinds).map(|(title, kind)| Column::new(title.to_lowercase(), *title, kind));
    let swings = Swings {
        title: "What the saving hangs on".into(),
        says: "The number of handsets matters most.".into(),
        category: 0,
        low: 3,
        high: 5,
        base: 4,
        ends: Some((1, 2)),
        value_label: "Saving".into(),
    };
    Section {
        part: Part::Risks,
        id: "tornado".into(),
        title: "What the saving hangs on".into(),
        chart: Some(Chart::Tornado(swings)),
        table: Table { columns: columns.collect(), rows: rows.into_iter().map(row).collect(), ..Table::default() },
        ..Section::default()
    }
}

/// Cumulative net present value by year: nine in ten, one in two, and the middle one.
fn what_it_may_come_to() -> Section {
    let years = [-80_000_000, -60_000_000, -20_000_000, 40_000_000, 110_000_000, 190_000_000];
    let row = |(at, middle): (usize, i64)| {
        let off = [-2, -1, 0, 1, 2].map(|step| Cell::Pence(middle + step * (10_000_000 + 8_000_000 * at as i64)));
        [Cell::Text(format!("{}-{}", 2024 + at, 25 + at))].into_iter().chain(off).collect()
    };
    let titles = ["P5", "P25", "Median", "P75", "P95"].into_iter();
    let columns = [Column::new("year", "Year", Kind::Text)].into_iter();
    let columns = columns.chain(titles.map(|title| Column::new(title.to_lowercase(), title, Kind::Pence)));
    let plot = Plot {
        title: "Cumulative net present value".into(),
        says: "It turns in the fourth year.".into(),
        category: 0,
        series: vec![3],
        value_label: "Net present value".into(),
    };
    let range = |name: &str, low, high| Range { name: name.into(), low, high };
    Section {
        part: Part::Risks,
        id: "fan".into(),
        title: "What it may come to".into(),
        chart: Some(Chart::Fan(plot, vec![range("Nine in ten", 1, 5), range("One in two", 2, 4)])),
        table: Table {
            columns: columns.collect(),
            rows: years.into_iter().enumerate().map(row).collect(),
            ..Table::default()
        },
        ..Section::default()
    }
}
