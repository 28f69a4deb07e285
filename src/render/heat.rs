//! Lays out a calendar for each of a few sources: a column a week, a row a weekday, a cell a day, each in the look of its
//! state. What a look is like is in `brush`; this file knows only which days stand where.

use super::brush::*;
use super::chart::{WIDTH, finish};
use super::{Cell, DayMap, Look, Table, clean};
use chrono::{Datelike, Days, NaiveDate};
use plotters::style::text_anchor::{HPos, VPos};
use std::collections::HashMap;

/// More would be too small to tell apart.
const MOST_DAYS: i64 = 1_100;
/// From a source's name to its first row of cells; the months are in between.
const HEAD: i32 = 2 * LINE + 7;
/// And from its left end, over the names of the weekdays.
const SIDE: i32 = 38;

type Found = std::result::Result<Option<String>, Box<dyn std::error::Error>>;

/// The calendars over all rows, or `None` where these tell no day.
pub fn svg(id: &str, map: &DayMap, table: &Table) -> Found {
    let Some(days) = Told::of(map, table) else { return Ok(None) };
    let layout = Layout::of(&days);
    let drawn = draw(layout.wide, layout.high, |area| {
        write_text(area, &days.heading(), (2, 2), HPos::Left, VPos::Top, MUTED)?;
        for (at, (x, y)) in layout.key.iter().enumerate() {
            let middle = (x + layout.pitch + 5, y + layout.pitch / 2 - 1);
            write_text(area, &days.states[at].0, middle, HPos::Left, VPos::Center, INK)?;
        }
        (0..days.sources.len()).try_for_each(|source| frame(area, &days, source, &layout))
    })?;
    let mut cells = String::new();
    for (state, (_, look)) in days.states.iter().enumerate() {
        let (x, y) = layout.key[state];
        let mut runs = vec![(x, y, 1)];
        for (source, panel) in days.sources.iter().enumerate() {
            runs.extend(runs_of(panel, state).map(|(at, long)| {
                let (x, y) = layout.cell(source, days.shift + at);
                (x, y, long)
            }));
        }
        cells += &day_path(id, *look, layout.pitch, &runs);
    }
    let drawn = match drawn.rfind("</svg>") {
        Some(end) => format!("{}{cells}</svg>", &drawn[..end]),
        None => drawn,
    };
    Ok(Some(finish(id, &map.title, &days.says(&clean(&map.says)), &drawn)))
}

/// What the rows tell, day by day.
struct Told {
    first: NaiveDate,
    /// Days from the Monday before to `first`.
    shift: usize,
    length: usize,
    /// Whether rows tell of days before `first`.
    is_cut: bool,
    states: Vec<(String, Look)>,
    sources: Vec<Source>,
}

struct Source {
    name: String,
    /// From `first`: the state of each day; none where no row tells it.
    days: Vec<Option<usize>>,
    shift: usize,
}

impl Told {
    fn of(map: &DayMap, table: &Table) -> Option<Self> {
        let spans = || {
            table.rows.iter().filter_map(|row| match (&row[map.first], &row[map.last]) {
                (Cell::Date(first), Cell::Date(last)) if first <= last => Some((row, *first, *last)),
                _ => None,
            })
        };
        let (start, end) = (spans().map(|(_, first, _)| first).min()?, spans().map(|(.., last)| last).max()?);
        let is_cut = (end - start).num_days() >= MOST_DAYS;
        let first = if is_cut { end.checked_sub_days(Days::new(MOST_DAYS as u64 - 1))? } else { start };
        let length = (end - first).num_days() as usize + 1;
        let shift = first.weekday().num_days_from_monday() as usize;
        let (mut sources, mut places) = (Vec::new(), HashMap::new());
        for (row, from, to) in spans() {
            let name = clean(&row[map.of].to_string());
            let at = *places.entry(name.clone()).or_insert_with(|| {
                sources.push(Source { name, days: vec![None; length], shift });
                sources.len() - 1
            });
            let Cell::Text(word) = &row[map.state] else { continue };
            let state = map.states.iter().position(|(known, _)| known == word);
            let (from, to) = ((from - first).num_days().max(0) as usize, (to - first).num_days());
            // a stretch that ends before the cut has no day left
            let days = sources[at].days.iter_mut().skip(from).take((to + 1 - from as i64).max(0) as usize);
            days.for_each(|day| *day = (*day).max(state));
        }
        let states = map.states.iter().map(|(word, look)| (clean(word).replace('_', " "), *look)).collect();
        Some(Self { first, shift, length, is_cut, states, sources })
    }

    fn date(&self, at: usize) -> NaiveDate {
        self.first.checked_add_days(Days::new(at as u64)).unwrap_or(self.first)
    }

    fn weeks(&self) -> usize {
        (self.shift + self.length).div_ceil(7)
    }

    fn span(&self) -> String {
        let [first, last] = [0, self.length - 1].map(|at| Cell::Date(self.date(at)).to_string());
        let cut = format!("the last {} days, ", Cell::Int(MOST_DAYS));
        let what = if self.is_cut { cut.as_str() } else { "" };
        if first == last { first } else { format!("{what}{first} to {last}") }
    }

    fn heading(&self) -> String {
        format!("A cell is a day, a column a week: {}", self.span())
    }

    /// `360 covered, 5 gap`: states that have days, and days that no row tells.
    fn counts(&self, source: usize) -> Vec<String> {
        let days = &self.sources[source].days;
        let count = |state: Option<usize>| Cell::Int(days.iter().filter(|day| **day == state).count() as i64);
        let states = self.states.iter().enumerate().map(|(at, (word, _))| (count(Some(at)), word.as_str()));
        let told = states.chain([(count(None), "not told")]).filter(|(count, _)| *count != Cell::Int(0));
        told.map(|(count, word)| format!("{count} {word}")).collect()
    }

    fn says(&self, says: &str) -> String {
        let mut out = format!("{says} Calendar of {}. Days of each state:", self.span());
        for (at, source) in self.sources.iter().enumerate() {
            let end = if at + 1 < self.sources.len() { ";" } else { "." };
            out += &format!(" {}: {}{end}", source.name, self.counts(at).join(", "));
        }
        out + " The same days are in the table that follows."
    }
}

/// Where `state` begins and how long it lasts, never over a Sunday.
fn runs_of(source: &Source, state: usize) -> impl Iterator<Item = (usize, i32)> {
    let is = move |at: usize| source.days.get(at) == Some(&Some(state));
    let monday = |at: usize| (source.shift + at).is_multiple_of(7);
    let starts = (0..source.days.len()).filter(move |&at| is(at) && (at == 0 || monday(at) || !is(at - 1)));
    starts.map(move |at| (at, 1 + (1..7).take_while(|more| is(at + more) && !monday(at + more)).count() as i32))
}

/// Where things stand.
struct Layout {
    pitch: i32,
    wide: i32,
    high: i32,
    key: Vec<(i32, i32)>,
    /// The corner of each source's part.
    panels: Vec<(i32, i32)>,
    panel_wide: i32,
    /// Whether all the counts have room beside the names.
    has_counts: bool,
}

impl Layout {
    fn of(days: &Told) -> Self {
        let weeks = days.weeks() as i32;
        let pitch = ((WIDTH - 40) / weeks).clamp(8, 16);
        let panel_wide = (SIDE + weeks * pitch).max(168);
        let step = (panel_wide + 22, HEAD + 7 * pitch + 20);
        let wide = (panel_wide + 2).max(WIDTH);
        let (mut key, mut x, mut y) = (Vec::new(), 2, 28);
        for (word, _) in &days.states {
            let long = pitch + width(word) + 22;
            if x > 2 && x + long > wide {
                (x, y) = (2, y + 22);
            }
            key.push((x, y));
            x += long;
        }
        let top = y + pitch + 20;
        let across = ((wide + 22) / step.0).max(1);
        let place = |at: usize| (at as i32 % across * step.0, top + at as i32 / across * step.1);
        let panels: Vec<(i32, i32)> = (0..days.sources.len()).map(place).collect();
        let beside = |at: usize| width(&days.counts(at).join(" · ")) + 16 + width(&days.sources[at].name).min(150);
        let has_counts = (0..days.sources.len()).all(|at| beside(at) <= panel_wide);
        let high = panels.last().map_or(top, |(_, y)| y + HEAD + 7 * pitch + 6);
        Self { pitch, wide, high, key, panels, panel_wide, has_counts }
    }

    /// The corner of a day's cell, counted from a Monday.
    fn cell(&self, source: usize, day: usize) -> (i32, i32) {
        let (x, y) = self.panels[source];
        let (week, weekday) = ((day / 7) as i32, (day % 7) as i32);
        (x + SIDE + week * self.pitch, y + HEAD + weekday * self.pitch)
    }
}

/// A source's name and counts, its months and weekdays.
fn frame(area: &Area<'_>, days: &Told, source: usize, layout: &Layout) -> Done {
    let (left, top) = layout.cell(source, 0);
    let (x, y) = layout.panels[source];
    let right = x + layout.panel_wide;
    let counts = days.counts(source).join(" · ");
    let room = if layout.has_counts { layout.panel_wide - width(&counts) - 16 } else { layout.panel_wide };
    write_text(area, &cut(&days.sources[source].name, room), (x + 2, y), HPos::Left, VPos::Top, INK)?;
    if layout.has_counts {
        write_text(area, &counts, (right - 2, y), HPos::Right, VPos::Top, MUTED)?;
    }
    for (weekday, name) in [(0, "Mon"), (2, "Wed"), (4, "Fri"), (6, "Sun")] {
        let middle = (left - 6, top + weekday * layout.pitch + layout.pitch / 2 - 1);
        write_text(area, name, middle, HPos::Right, VPos::Center, MUTED)?;
    }
    let mut free = left;
    for (label, day) in months(days) {
        let (at, _) = layout.cell(source, day / 7 * 7);
        if at >= free && at + width(&label) <= right + 4 {
            write_text(area, &label, (at, top - 5), HPos::Left, VPos::Bottom, MUTED)?;
            free = at + width(&label) + 5;
        }
    }
    Ok(())
}

/// Labels for the columns that months begin in, with the day counted from a Monday; a January shows its year instead.
/// A first month that is nearly over has none.
fn months(days: &Told) -> Vec<(String, usize)> {
    let mut labels = Vec::new();
    for at in 0..days.length {
        let date = days.date(at);
        let begins = date.day() == 1;
        if begins || (at == 0 && (date.day() < 15 || days.length < 15)) {
            let format = if begins && date.month() == 1 && days.length > 45 { "%Y" } else { "%b" };
            labels.push((date.format(format).to_string(), days.shift + at));
        }
    }
    labels
}

#[cfg(test)]
mod tests {
    use super::super::{Column, Kind, chart, sample};
    use super::*;
    use std::collections::BTreeMap;

    fn day(year: i32, month: u32, day: u32) -> NaiveDate {
        NaiveDate::from_ymd_opt(year, month, day).unwrap()
    }

    fn map() -> DayMap {
        let (title, says) = ("Coverage <by> day".into(), "Says & so.".into());
        DayMap { title, says, of: 0, state: 1, first: 2, last: 3, states: sample::states() }
    }

    fn table(rows: &[(&str, &str, NaiveDate, NaiveDate)]) -> Table {
        let kinds = [Kind::Text, Kind::Text, Kind::Date, Kind::Date];
        let row = |(source, state, first, last): &(&str, &str, NaiveDate, NaiveDate)| {
            vec![Cell::Text(source.to_string()), Cell::Text(state.to_string()), Cell::Date(*first), Cell::Date(*last)]
        };
        let columns = kinds.map(|kind| Column::new("c", "C", kind)).to_vec();
        Table { columns, rows: rows.iter().map(row).collect(), ..Table::default() }
    }

    fn drawn(rows: &[(&str, &str, NaiveDate, NaiveDate)]) -> String {
        svg("x", &map(), &table(rows)).unwrap().unwrap()
    }

    /// Corner and look of every cell but the key's, read back from the paths; no cell may be drawn twice.
    fn cells(svg: &str) -> (i32, BTreeMap<(i32, i32), String>) {
        let mut cells = BTreeMap::new();
        let dashes = svg.split_once("<use href=\"#x-Full\"").unwrap().1.split_once("dasharray=\"").unwrap().1;
        let (side, gap) = dashes.split_once('"').unwrap().0.split_once(' ').unwrap();
        let (side, gap): (f64, f64) = (side.parse().unwrap(), gap.parse().unwrap());
        let pitch = (side + gap) as i32;
        for path in svg.lines().filter_map(|line| line.strip_prefix("<defs><path id=\"x-")) {
            let (look, path) = path.split_once("\" fill=\"none\" d=\"").unwrap();
            let (mut x, mut y) = (0, 0);
            for (number, run) in path.trim_end_matches("\"/></defs>").split('m').skip(1).enumerate() {
                let parts: Vec<i32> = run.split([' ', 'v']).map(|part| part.parse().unwrap()).collect();
                let [dx, dy, long] = parts[..] else { panic!("odd run {run}") };
                (x, y) = (x + dx, y + dy);
                assert_eq!((long + gap as i32) % pitch, 0, "{run} ends within a day");
                for at in 0..if number == 0 { 0 } else { (long + gap as i32) / pitch } {
                    let corner = (x - side as i32 / 2, y + at * pitch);
                    assert_eq!(cells.insert(corner, look.to_string()), None, "drawn twice");
                }
                y += long;
            }
        }
        (pitch, cells)
    }

    fn description(svg: &str) -> &str {
        svg.split_once("<desc id=\"x-desc\">").unwrap().1.split_once("</desc>").unwrap().0
    }

    /// Where a text begins, for texts that stand at their left end.
    fn left_of(svg: &str, wanted: &str) -> i32 {
        let at = svg.find(&format!(">\n{wanted}\n</text>")).unwrap();
        let tag = &svg[svg[..at].rfind("<text").unwrap()..at];
        tag.split_once(" x=\"").unwrap().1.split('"').next().unwrap().parse().unwrap()
    }

    #[test]
    fn every_day_has_its_cell_in_its_week_and_weekday() {
        // Wednesday 29 November 2023 to Sunday 3 March 2024, each month in another state
        let rows = [
            ("a", "covered", day(2023, 11, 29), day(2023, 12, 31)),
            ("a", "gap", day(2024, 1, 1), day(2024, 1, 31)),
            ("a", "partly_blind", day(2024, 2, 1), day(2024, 2, 29)),
            ("a", "outside", day(2024, 3, 1), day(2024, 3, 3)),
        ];
        let svg = drawn(&rows);
        let (pitch, cells) = cells(&svg);
        let (left, top) = (cells.keys().map(|(x, _)| x).min().unwrap(), cells.keys().map(|(_, y)| y).min().unwrap());
        let mut wanted = BTreeMap::new();
        for (_, state, first, last) in rows {
            let look = sample::states().into_iter().find(|(word, _)| word == state).unwrap().1;
            for date in first.iter_days().take_while(|date| *date <= last) {
                let weeks = (date - day(2023, 11, 27)).num_days() as i32 / 7;
                let weekday = date.weekday().num_days_from_monday() as i32;
                wanted.insert((left + weeks * pitch, top + weekday * pitch), format!("{look:?}"));
            }
        }
        assert_eq!(cells, wanted);
        assert_eq!(cells.len(), 96);
        // 1 January 2024 is the Monday of the sixth week; its column has the year
        assert_eq!(left_of(&svg, "2024"), left + 5 * pitch);
        assert!(!svg.contains(">\nNov\n") && svg.contains(">\nDec\n") && svg.contains(">\nFeb\n"));
    }

    #[test]
    fn the_description_counts_the_days_of_each_state() {
        let svg = drawn(&[
            ("first", "covered", day(2024, 1, 1), day(2024, 12, 31)),
            ("first", "gap", day(2024, 2, 27), day(2024, 3, 2)),
            ("second", "outside", day(2024, 1, 1), day(2024, 1, 1)),
            ("second", "covered", day(2024, 1, 3), day(2024, 1, 3)),
        ]);
        // 2024 has 366 days; 27 February to 2 March are five of them; what comes later among the states counts
        assert!(description(&svg).contains("Calendar of 1 Jan 2024 to 31 Dec 2024."), "{}", description(&svg));
        assert!(description(&svg).contains("first: 361 covered, 5 gap; second: 1 covered, 1 outside, 364 not told."));
        assert!(description(&svg).starts_with("Says &amp; so."));
        assert_eq!(cells(&svg).1.values().filter(|look| *look == "Barred").count(), 5);
        assert_eq!(cells(&svg).1.len(), 368);
        assert!(svg.contains(">\n361 covered · 5 gap\n</text>") && svg.contains(">\npartly blind\n</text>"));
        let turned = drawn(&[
            ("first", "gap", day(2024, 2, 27), day(2024, 3, 2)),
            ("first", "covered", day(2024, 1, 1), day(2024, 12, 31)),
        ]);
        assert!(description(&turned).contains("first: 361 covered, 5 gap."), "whatever the order of the rows");
    }

    #[test]
    fn twelve_sources_over_400_days_stay_small_and_twenty_days_stay_legible() {
        let names: Vec<String> = (0..12)
            .map(|at| format!("source-{at} with a name that is much too long to be shown here in full"))
            .collect();
        let states = ["covered", "gap", "partly_blind"];
        let first = day(2023, 2, 26);
        // the worst there is: no two days alike
        let rows: Vec<_> = names
            .iter()
            .flat_map(|name| {
                first.iter_days().take(400).enumerate().map(move |(at, day)| (name.as_str(), states[at % 3], day, day))
            })
            .collect();
        let svg = drawn(&rows);
        assert_eq!(cells(&svg).1.len(), 4_800);
        assert!(svg.len() < 100_000, "{}", svg.len());
        assert!(
            svg.contains("…\n</text>") && !svg.contains("in full\n</text>") && description(&svg).contains("in full: ")
        );
        let (wide, high) =
            svg.split_once("viewBox=\"0 0 ").unwrap().1.split_once('"').unwrap().0.split_once(' ').unwrap();
        let (wide, high): (i32, i32) = (wide.parse().unwrap(), high.parse().unwrap());
        let few: Vec<_> = names.iter().map(|name| (name.as_str(), "covered", first, first + Days::new(399))).collect();
        assert!(drawn(&few).len() < 70_000, "{}", drawn(&few).len());
        for svg in [svg, drawn(&few), drawn(&few[..1])] {
            let (pitch, cells) = cells(&svg);
            assert!(pitch >= 8 && cells.keys().all(|(x, y)| *x >= 30 && x + pitch <= wide && y + pitch <= high));
        }
        let short: Vec<_> = names.iter().map(|name| (name.as_str(), "gap", first, first + Days::new(19))).collect();
        let (pitch, cells) = cells(&drawn(&short));
        assert_eq!((pitch, cells.len()), (16, 240));
        assert!(
            cells.keys().all(|(x, _)| x + pitch <= WIDTH) && cells.keys().any(|(x, _)| *x > WIDTH / 2),
            "side by side"
        );
    }

    #[test]
    fn text_is_never_markup_and_equal_days_give_equal_bytes() {
        let first = day(2024, 1, 1);
        let rows: Vec<_> =
            sample::HOSTILE.iter().map(|name| (*name, "covered", first, first + Days::new(30))).collect();
        let mut map = map();
        map.states[0].0 = "covered".into();
        map.states[1].0 = sample::HOSTILE[0].into();
        map.title = sample::HOSTILE[1].into();
        let svg = || super::svg("x", &map, &table(&rows)).unwrap().unwrap();
        assert_eq!(svg(), svg());
        assert_eq!((svg().matches("<script").count(), svg().matches("</svg>").count()), (0, 1));
        assert!(svg().ends_with("</svg>") && svg().contains("role=\"img\" aria-labelledby=\"x-title x-desc\""));
        for look in ["Full", "Half", "Barred", "Dot"] {
            assert_eq!(svg().matches(&format!("<path id=\"x-{look}\"")).count(), 1);
            assert!(svg().contains(&format!("<use href=\"#x-{look}\" stroke=\"#")));
        }
    }

    #[test]
    fn days_that_make_no_sense_do_no_harm() {
        let none = |rows: &[(&str, &str, NaiveDate, NaiveDate)]| svg("x", &map(), &table(rows)).unwrap();
        assert_eq!(none(&[]), None);
        assert_eq!(none(&[("a", "gap", day(2024, 1, 2), day(2024, 1, 1))]), None, "ends before it begins");
        let mut empty = table(&[("a", "gap", day(2024, 1, 1), day(2024, 1, 1))]);
        empty.rows[0][2] = Cell::Empty;
        assert_eq!(svg("x", &map(), &empty).unwrap(), None);
        let one = drawn(&[("a", "gap", day(2024, 2, 29), day(2024, 2, 29))]);
        assert!(description(&one).contains("Calendar of 29 Feb 2024.") && cells(&one).1.len() == 1);
        let long =
            drawn(&[("a", "gap", NaiveDate::MIN, day(2020, 5, 1)), ("a", "covered", day(2024, 1, 1), day(2024, 1, 1))]);
        // 1,100 days up to 1 January 2024 begin on 28 December 2020: 4 + 3 × 365 + 1
        assert!(
            description(&long).contains("the last 1,100 days, 28 Dec 2020 to 1 Jan 2024"),
            "{}",
            description(&long)
        );
        assert!(description(&long).contains("a: 1 covered, 1,099 not told."));
        assert!(svg("x", &map(), &table(&[("a", "gap", NaiveDate::MIN, NaiveDate::MAX)])).unwrap().is_some());
    }

    #[test]
    fn the_page_shows_all_days_whatever_rows_it_shows() {
        let section = &sample::report().sections[3];
        let svg = chart::svg("x", section.chart.as_ref().unwrap(), &section.table, 2).unwrap().unwrap();
        assert!(description(&svg).contains("first: 41 covered, 9 partly blind, 10 gap; "), "{}", description(&svg));
        assert!(description(&svg).contains(": 3 gap, 20 outside, 37 not told."));
        assert_eq!(cells(&svg).1.len(), 83);
    }
}
