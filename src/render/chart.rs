//! Makes an inline SVG of a chart: its figures, axis and bars (lines, tornados and calendars have files of their own);
//! knows neither the page around it nor how a mark is drawn (`brush`). Only cells of the section's table are drawn: what the
//! picture shows can be read there too.

use super::brush::*;
use super::{Cell, Chart, Guides, Kind, Plot, Range, Table, clean, heat, lines, tornado};
use crate::error::{Error, Result};
use plotters::style::text_anchor::{HPos, VPos};

/// The chart, or `None` where there is nothing to draw. Plots show the first `rows` rows, calendars always all of them.
/// `id` must be unique on the page.
pub fn svg(id: &str, chart: &Chart, table: &Table, rows: usize) -> Result<Option<String>> {
    let wrong = |error: Box<dyn std::error::Error>| Error::Render { what: format!("chart {id}: {error}") };
    let rows = &table.rows[..rows.min(table.rows.len())];
    let (plot, guides) = match chart {
        Chart::HeatMap(map) => return heat::svg(id, map, table).map_err(wrong),
        Chart::Tornado(swings) => return tornado::svg(id, swings, rows, table).map_err(wrong),
        Chart::GuidedLines(plot, guides) => (plot, guides.clone()),
        Chart::Fan(plot, _) | Chart::StackedBars(plot) | Chart::Lines(plot) => (plot, Guides::default()),
    };
    let bars = matches!(chart, Chart::StackedBars(_));
    let ranges = if let Chart::Fan(_, ranges) = chart { ranges.as_slice() } else { guides.range.as_slice() };
    let found = rows.len();
    let rows = if bars { largest(plot, rows) } else { rows.iter().collect() };
    let mut data = Data::of(plot, ranges, &guides, bars, &rows, table);
    data.turns_on_zero = matches!(chart, Chart::Fan(..));
    let mut figures = data.series.iter().map(|(_, values)| values).chain(data.ranges.iter().flat_map(|(_, ends)| ends));
    if !figures.any(|values| values.iter().any(Option::is_some)) {
        return Ok(None);
    }
    let (drawn, what) = match bars {
        true if data.fits_upright() => (upright_bars(&data), "Stacked bars"),
        true => (lying_bars(&data), "Stacked bars"),
        false => (lines::draw_lines(&data), if data.turns_on_zero { "Fan" } else { "Lines" }),
    };
    let mut says = clean(&plot.says);
    if rows.len() < found {
        let count = |count: usize| Cell::Int(count as i64);
        says += &format!(" The {} largest of {}, the largest first.", count(rows.len()), count(found));
    }
    let says = describe(&says, what, &data);
    Ok(Some(finish(id, &plot.title, &says, &drawn.map_err(wrong)?)))
}

pub const WIDTH: i32 = 760;
/// More bars than these are neither read nor printed on one page.
pub const MOST_BARS: usize = 30;

/// The rows that bars are drawn of: all, or the largest of too many.
fn largest<'a>(plot: &Plot, rows: &'a [Vec<Cell>]) -> Vec<&'a Vec<Cell>> {
    let mut found: Vec<&Vec<Cell>> = rows.iter().collect();
    if found.len() > MOST_BARS {
        let size = |row: &Vec<Cell>| plot.series.iter().filter_map(|&at| row[at].number()).map(f64::abs).sum::<f64>();
        found.sort_by(|a, b| size(b).total_cmp(&size(a)));
        found.truncate(MOST_BARS);
    }
    found
}

/// The figures of a plot, in the order of the table.
pub struct Data {
    pub categories: Vec<String>,
    pub series: Vec<(String, Vec<Option<f64>>)>,
    /// Name, lower and upper ends; the widest first.
    pub ranges: Vec<(String, [Vec<Option<f64>>; 2])>,
    /// Where the mark stands, counted in categories, and its label.
    pub mark: Option<(f64, String)>,
    pub axis: Axis,
    pub label: String,
    /// Whether it matters above all on which side of zero a figure is.
    pub turns_on_zero: bool,
}

impl Data {
    fn of(plot: &Plot, ranges: &[Range], guides: &Guides, bars: bool, rows: &[&Vec<Cell>], table: &Table) -> Self {
        let column = |at: usize| -> Vec<Option<f64>> { rows.iter().map(|row| row[at].number()).collect() };
        let categories = rows.iter().map(|row| clean(&row[plot.category].to_string())).collect();
        let series: Vec<(String, Vec<Option<f64>>)> =
            plot.series.iter().map(|&at| (clean(&table.columns[at].title), column(at))).collect();
        let ends = |range: &Range| (clean(&range.name), [column(range.low), column(range.high)]);
        let drawn = plot.series.iter().copied().chain(ranges.iter().flat_map(|range| [range.low, range.high]));
        let ranges: Vec<(String, [Vec<Option<f64>>; 2])> = ranges.iter().map(ends).collect();
        let mark = guides.mark.as_ref().and_then(|mark| {
            let named: Vec<&Cell> = rows.iter().map(|row| &row[plot.category]).collect();
            Some((lines::place_of(&mark.at, &named)?, clean(&mark.label)))
        });
        let kinds: Vec<Kind> = drawn.map(|at| table.columns[at].kind).collect();
        let all = |kind: Kind| kinds.iter().all(|one| *one == kind);
        let values = series.iter().map(|(_, values)| values).chain(ranges.iter().flat_map(|(_, ends)| ends));
        let mut ends: Vec<f64> = values.flat_map(|values| values.iter().copied().flatten()).collect();
        for row in 0..if bars { rows.len() } else { 0 } {
            let stack = || series.iter().filter_map(|(_, values)| values[row]);
            ends.push(stack().filter(|value| *value > 0.0).sum());
            ends.push(stack().filter(|value| *value < 0.0).sum());
        }
        let axis = Axis::over(&ends, all(Kind::Pence), all(Kind::Int));
        let label = axis.label(&plot.value_label);
        Self { categories, series, ranges, mark, axis, label, turns_on_zero: false }
    }

    fn fits_upright(&self) -> bool {
        let slot = f64::from(WIDTH - 80) / self.categories.len() as f64;
        let longest = self.categories.iter().flat_map(|name| name.split_whitespace()).map(width).max();
        longest.is_some_and(|longest| f64::from(longest) + 8.0 <= slot)
            && self.categories.iter().all(|name| wrap(name, slot as i32 - 8).len() <= 2)
    }
}

/// A value axis from a round number to a round number.
pub struct Axis {
    pub ticks: Vec<f64>,
    unit: &'static str,
    divisor: f64,
    places: usize,
    /// Counts, not amounts.
    whole: bool,
}

impl Axis {
    fn over(values: &[f64], money: bool, whole: bool) -> Self {
        let low = values.iter().copied().fold(0.0, f64::min);
        let high = values.iter().copied().fold(0.0, f64::max);
        Self::between(if low == high { (0.0, 1.0) } else { (low, high) }, money, whole)
    }

    /// From `low` to `high`, with zero on it only if it lies between them.
    pub fn between((low, high): (f64, f64), money: bool, whole: bool) -> Self {
        let size = 10_f64.powf(((high - low) / 5.0).log10().floor());
        let fits = |step: &f64| (high - low) / step <= 5.0 + 1e-9 && !(whole && step.fract() != 0.0);
        let step = [1.0, 2.0, 2.5, 5.0, 10.0].map(|factor| factor * size).into_iter().find(fits);
        let step = step.unwrap_or(if whole { 1.0 } else { 10.0 * size });
        let (from, to) = ((low / step + 1e-9).floor() as i64, (high / step - 1e-9).ceil() as i64);
        let (unit, divisor) = match high.abs().max(low.abs()) {
            _ if !money => ("", 1.0),
            largest if largest >= 2e6 => ("(£ million)", 1e6),
            largest if largest >= 2e4 => ("(£ thousand)", 1e3),
            _ => ("(£)", 1.0),
        };
        let exact = |places: &i32| {
            let scaled = step / divisor * 10_f64.powi(*places);
            (scaled - scaled.round()).abs() < 1e-6
        };
        let places = (0..6).find(exact).unwrap_or(6) as usize;
        Self { ticks: (from..=to).map(|count| count as f64 * step).collect(), unit, divisor, places, whole }
    }

    /// What it measures, with its unit.
    pub fn label(&self, measured: &str) -> String {
        [clean(measured), self.unit.to_string()].join(" ").trim().to_string()
    }

    /// A figure between the ticks, in the axis' unit.
    pub fn fine(&self, value: f64) -> String {
        Cell::Decimal(value / self.divisor, if self.whole { 0 } else { self.places as u8 + 1 }).to_string()
    }

    pub fn text(&self, tick: f64) -> String {
        super::Cell::Decimal(tick / self.divisor, self.places as u8).to_string()
    }

    pub fn widest(&self) -> i32 {
        self.ticks.iter().map(|tick| width(&self.text(*tick))).max().unwrap_or(0)
    }

    /// Where `value` lies between `start` (lowest tick) and `end` (highest).
    pub fn place(&self, value: f64, start: i32, end: i32) -> i32 {
        let (low, high) = (self.ticks[0], self.ticks[self.ticks.len() - 1]);
        start + ((value - low) / (high - low) * f64::from(end - start)).round() as i32
    }
}

fn upright_bars(data: &Data) -> Drawn {
    let key = key_lines(data);
    let (left, right, top) = (data.axis.widest() + 14, WIDTH - 8, 34 + key * 22);
    let slot = f64::from(right - left) / data.categories.len() as f64;
    let names: Vec<Vec<String>> = data.categories.iter().map(|name| wrap(name, slot as i32 - 8)).collect();
    let deepest = names.iter().map(Vec::len).max().unwrap_or(1) as i32;
    let bottom = top + 270;
    draw(WIDTH, bottom + 12 + deepest * LINE, |area| {
        heading(area, data)?;
        level_grid(area, data, left, right, top, bottom)?;
        let half = (slot * 0.31).min(46.0) as i32;
        for (at, name) in names.iter().enumerate() {
            let middle = left + (slot * (at as f64 + 0.5)) as i32;
            for (series, from, to) in stack(data, at) {
                let (y1, y2) = (data.axis.place(from, bottom, top), data.axis.place(to, bottom, top));
                bar(area, series, (middle - half, y1.min(y2)), (middle + half, y1.max(y2)), (0, 1))?;
            }
            write_lines(area, name, (middle, bottom + 8), HPos::Center, VPos::Top)?;
        }
        let zero = data.axis.place(0.0, bottom, top);
        stroke(area, &[(left, zero), (right, zero)], MUTED, 1)
    })
}

fn lying_bars(data: &Data) -> Drawn {
    let names: Vec<Vec<String>> = data.categories.iter().map(|name| wrap(name, 200)).collect();
    let longest = names.iter().flatten().map(|name| width(name)).max().unwrap_or(0);
    let (left, right, top) = (longest + 12, WIDTH - 12 - data.axis.widest() / 2, 34 + key_lines(data) * 22);
    let high = 34;
    let bottom = top + high * names.len() as i32;
    draw(WIDTH, bottom + 30, |area| {
        heading(area, data)?;
        for &tick in &data.axis.ticks {
            let x = data.axis.place(tick, left, right);
            stroke(area, &[(x, top), (x, bottom)], GRID, 1)?;
            write_text(area, &data.axis.text(tick), (x, bottom + 8), HPos::Center, VPos::Top, MUTED)?;
        }
        for (at, name) in names.iter().enumerate() {
            let middle = top + high * at as i32 + high / 2;
            for (series, from, to) in stack(data, at) {
                let (x1, x2) = (data.axis.place(from, left, right), data.axis.place(to, left, right));
                bar(area, series, (x1.min(x2), middle - 11), (x1.max(x2), middle + 11), (1, 0))?;
            }
            write_lines(area, name, (left - 8, middle), HPos::Right, VPos::Center)?;
        }
        let zero = data.axis.place(0.0, left, right);
        stroke(area, &[(zero, top), (zero, bottom)], MUTED, 1)
    })
}

/// The pieces of one bar: series, from, to; positive ones upwards from zero, negative ones downwards.
fn stack(data: &Data, at: usize) -> Vec<(usize, f64, f64)> {
    let (mut above, mut below) = (0.0, 0.0);
    let pieces = data.series.iter().enumerate().filter_map(|(series, (_, values))| {
        let value = values[at].filter(|value| *value != 0.0)?;
        let end = if value > 0.0 { &mut above } else { &mut below };
        let from = *end;
        *end += value;
        Some((series, from, *end))
    });
    pieces.collect()
}

/// What the axis measures and, for more than one series of bars, the key.
pub fn heading(area: &Area<'_>, data: &Data) -> Done {
    write_text(area, &data.label, (2, 2), HPos::Left, VPos::Top, MUTED)?;
    if key_lines(data) == 0 {
        return Ok(());
    }
    for (series, (x, y)) in key(data).into_iter().enumerate() {
        bar(area, series, (x, y), (x + 16, y + 14), (0, 0))?;
        write_text(area, &data.series[series].0, (x + 22, y + 7), HPos::Left, VPos::Center, INK)?;
    }
    Ok(())
}

fn key(data: &Data) -> Vec<(i32, i32)> {
    let (mut x, mut y) = (2, 26);
    let mut places = Vec::new();
    for (name, _) in &data.series {
        let wide = width(name) + 38;
        if x > 2 && x + wide > WIDTH {
            (x, y) = (2, y + 22);
        }
        places.push((x, y));
        x += wide;
    }
    places
}

pub fn key_lines(data: &Data) -> i32 {
    if data.series.len() < 2 { 0 } else { key(data).last().map_or(0, |(_, y)| (y - 26) / 22 + 1) }
}

pub fn level_grid(area: &Area<'_>, data: &Data, left: i32, right: i32, top: i32, bottom: i32) -> Done {
    for &tick in &data.axis.ticks {
        let y = data.axis.place(tick, bottom, top);
        stroke(area, &[(left, y), (right, y)], GRID, 1)?;
        write_text(area, &data.axis.text(tick), (left - 8, y), HPos::Right, VPos::Center, MUTED)?;
    }
    Ok(())
}

/// The picture in words: what kind it is, what it shows, from where to where.
fn describe(says: &str, what: &str, data: &Data) -> String {
    let names: Vec<&str> = data.series.iter().map(|(name, _)| name.as_str()).collect();
    let ends = (data.categories.first().map_or("", String::as_str), data.categories.last().map_or("", String::as_str));
    let mut out = format!("{says} {what}: {}; {} from {} to {}.", names.join(", "), data.label, ends.0, ends.1);
    for (name, [low, _]) in &data.ranges {
        out += &format!(" Shaded between its lowest and highest values: {name}.");
        // the first from which on the low end is never below zero again
        let good = low.iter().rposition(|low| !low.is_some_and(|low| low >= 0.0)).map_or(0, |last| last + 1);
        if let Some(category) = data.categories.get(good).filter(|_| data.turns_on_zero) {
            out += &format!(" All of it is above zero from {category} on.");
        } else if data.turns_on_zero {
            out += " At the end it is not all above zero.";
        }
    }
    if let Some((_, label)) = &data.mark {
        out += &format!(" A vertical line marks {label}.");
    }
    out + " The same figures are in the table that follows."
}

/// Gives the drawing its accessible name and description, its patterns, and no size of its own.
pub fn finish(id: &str, title: &str, says: &str, drawn: &str) -> String {
    let size = drawn.find("viewBox=").map_or("", |from| &drawn[from..]);
    let (size, body) = size.split_once(">\n").unwrap_or((size, ""));
    let body = with_patterns(id, body);
    format!(
        "<svg class=\"chart\" role=\"img\" aria-labelledby=\"{id}-title {id}-desc\" \
         preserveAspectRatio=\"xMinYMin\" {size}>\n\
         <title id=\"{id}-title\">{}</title>\n<desc id=\"{id}-desc\">{}</desc>\n<defs>{}</defs>\n{}",
        Escaped(&clean(title)),
        Escaped(says),
        patterns(id, &body),
        body.trim_end()
    )
}

#[cfg(test)]
pub mod tests {
    use super::super::{Column, sample};
    use super::*;

    pub fn texts(svg: &str) -> Vec<&str> {
        svg.split("<text")
            .skip(1)
            .filter_map(|text| Some(text.split_once(">\n")?.1.split_once("</text>")?.0.trim()))
            .collect()
    }

    fn of(section: usize) -> String {
        let section = &sample::report().sections[section];
        svg("x", section.chart.as_ref().unwrap(), &section.table, usize::MAX).unwrap().unwrap()
    }

    fn table(names: &[&str], values: &[Cell]) -> Table {
        let rows = names.iter().zip(values).map(|(name, value)| vec![Cell::Text(name.to_string()), value.clone()]);
        let columns = vec![Column::new("a", "A", Kind::Text), Column::new("n", "Handsets", Kind::Int)];
        Table { columns, rows: rows.collect(), ..Table::default() }
    }

    fn bars() -> Chart {
        let (title, says, value_label) = (String::new(), String::new(), "Handsets".to_string());
        Chart::StackedBars(Plot { title, says, category: 0, series: vec![1], value_label })
    }

    #[test]
    fn a_chart_names_every_category_and_series() {
        let bars = of(0);
        for name in ["personal", "hot desk", "meeting room", "Idle", "In use", "Handsets"] {
            assert!(texts(&bars).contains(&name), "{name} not in {:?}", texts(&bars));
        }
        let lines = of(1);
        for name in ["2024/25", "2026/27", "2028/29", "Business as usual", "Move to Teams", "Cost a year (£ million)"]
        {
            assert!(texts(&lines).contains(&name), "{name} not in {:?}", texts(&lines));
        }
        for at in [0, 1, 3, 4] {
            assert_eq!(of(at), of(at), "equal data, equal bytes");
            assert!(!of(at).contains("<script") && !of(at).contains("</title></svg>"), "text is escaped");
            assert!(of(at).contains("<title id=\"x-title\">") && of(at).contains("<desc id=\"x-desc\">"));
        }
    }

    #[test]
    fn long_categories_lie_on_their_side_and_all_have_a_name() {
        let names: Vec<String> = (0..30).map(|at| format!("Police station number {at}")).collect();
        let names: Vec<&str> = names.iter().map(String::as_str).collect();
        let values: Vec<Cell> = (0..30).map(Cell::Int).collect();
        let svg = svg("x", &bars(), &table(&names, &values), usize::MAX).unwrap().unwrap();
        assert!(names.iter().all(|name| texts(&svg).contains(name)));
        let cut = super::svg("x", &bars(), &table(&names, &values), 3).unwrap().unwrap();
        assert!(texts(&cut).contains(&names[2]) && !texts(&cut).contains(&names[3]));
    }

    #[test]
    fn of_too_many_bars_the_largest_are_drawn_and_it_is_said() {
        // sizes 0 to 499 in a muddled order: 7 and 500 share no factor
        let names: Vec<String> = (0..500).map(|at| format!("Station {}", at * 7 % 500)).collect();
        let names: Vec<&str> = names.iter().map(String::as_str).collect();
        let values: Vec<Cell> = (0..500).map(|at| Cell::Int(at * 7 % 500)).collect();
        let svg = svg("x", &bars(), &table(&names, &values), usize::MAX).unwrap().unwrap();
        let shown: Vec<&str> = texts(&svg).into_iter().filter(|text| text.starts_with("Station")).collect();
        let wanted: Vec<String> = (470..500).rev().map(|size| format!("Station {size}")).collect();
        assert_eq!(shown, wanted);
        assert!(svg.contains("The 30 largest of 500, the largest first."));
    }

    #[test]
    fn bars_are_as_long_as_their_values() {
        let table = table(&["a", "b", "c", "d"], &[Cell::Int(40), Cell::Int(80), Cell::Int(-20), Cell::Empty]);
        let svg = svg("x", &bars(), &table, usize::MAX).unwrap().unwrap();
        let high = |rect: &str| rect.split("height=\"").nth(1)?.split('"').next()?.parse::<f64>().ok();
        let highs: Vec<f64> = svg.split("<rect").skip(1).filter_map(high).collect();
        // 270 units for −20 … 80, less the gap of one
        assert_eq!(highs, [107.0, 215.0, 53.0]);
        assert_eq!(texts(&svg), ["Handsets", "−20", "0", "20", "40", "60", "80", "a", "b", "c", "d"]);
    }

    #[test]
    fn an_axis_has_few_round_ticks_and_zero() {
        let ticks = |values: &[f64], money, whole| {
            let axis = Axis::over(values, money, whole);
            (axis.ticks.iter().map(|tick| axis.text(*tick)).collect::<Vec<_>>(), axis.unit)
        };
        assert_eq!(ticks(&[3.0], false, true).0, ["0", "1", "2", "3"]);
        assert_eq!(ticks(&[0.0], false, true).0, ["0", "1"]);
        assert_eq!(ticks(&[0.42], false, false).0, ["0.0", "0.1", "0.2", "0.3", "0.4", "0.5"]);
        assert_eq!(ticks(&[12.0, -1.0], false, true).0, ["−5", "0", "5", "10", "15"]);
        assert_eq!(
            ticks(&[10_000_000.0], true, false),
            (["0", "2", "4", "6", "8", "10"].map(String::from).to_vec(), "(£ million)")
        );
        assert_eq!(
            ticks(&[950_000.0], true, false),
            (["0", "200", "400", "600", "800", "1,000"].map(String::from).to_vec(), "(£ thousand)")
        );
        assert_eq!(ticks(&[99.5], true, false).1, "(£)");
    }

    #[test]
    fn nothing_to_draw_is_no_chart() {
        assert_eq!(svg("x", &bars(), &table(&["a"], &[Cell::Empty]), usize::MAX).unwrap(), None);
        assert_eq!(svg("x", &bars(), &table(&[], &[]), usize::MAX).unwrap(), None);
        assert!(svg("x", &bars(), &table(&["a"], &[Cell::Int(0)]), usize::MAX).unwrap().is_some());
        let Chart::StackedBars(plot) = bars() else { return };
        assert!(svg("x", &Chart::Lines(plot), &table(&["a"], &[Cell::Int(7)]), usize::MAX).unwrap().is_some());
    }
}
