//! Lays a chart out and draws it as an inline SVG; knows neither the page around it nor how a mark is drawn (`brush`).
//! Only cells of the section's table are drawn: what the picture shows can be read there too.

use super::brush::*;
use super::{Chart, Kind, Plot, Table, clean};
use crate::error::{Error, Result};
use plotters::style::text_anchor::{HPos, VPos};

/// The chart over the first `rows` rows, or `None` where these hold no number. `id` must be unique on the page.
pub fn svg(id: &str, chart: &Chart, table: &Table, rows: usize) -> Result<Option<String>> {
    let data = Data::of(chart, table, rows);
    if !data.series.iter().flat_map(|(_, values)| values).any(Option::is_some) {
        return Ok(None);
    }
    let (drawn, what) = match chart {
        Chart::StackedBars(_) if data.fits_upright() => (upright_bars(&data), "Stacked bars"),
        Chart::StackedBars(_) => (lying_bars(&data), "Stacked bars"),
        Chart::Lines(_) => (lines(&data), "Lines"),
    };
    let drawn = drawn.map_err(|error| Error::Render { what: format!("chart {id}: {error}") })?;
    Ok(Some(finish(id, chart.plot(), &data, what, drawn)))
}

const WIDTH: i32 = 760;
/// The figures of a plot, in the order of the table.
struct Data {
    categories: Vec<String>,
    series: Vec<(String, Vec<Option<f64>>)>,
    axis: Axis,
    label: String,
}

impl Data {
    fn of(chart: &Chart, table: &Table, rows: usize) -> Self {
        let plot = chart.plot();
        let rows = &table.rows[..rows.min(table.rows.len())];
        let categories = rows.iter().map(|row| clean(&row[plot.category].to_string())).collect();
        let series: Vec<(String, Vec<Option<f64>>)> = plot
            .series
            .iter()
            .map(|&at| (clean(&table.columns[at].title), rows.iter().map(|row| row[at].number()).collect()))
            .collect();
        let kinds = || plot.series.iter().map(|&at| table.columns[at].kind);
        let (money, whole) = (kinds().all(|kind| kind == Kind::Pence), kinds().all(|kind| kind == Kind::Int));
        let mut ends: Vec<f64> = series.iter().flat_map(|(_, values)| values.iter().copied().flatten()).collect();
        let stacks = if matches!(chart, Chart::StackedBars(_)) { rows.len() } else { 0 };
        for row in 0..stacks {
            let stack = || series.iter().filter_map(|(_, values)| values[row]);
            ends.push(stack().filter(|value| *value > 0.0).sum());
            ends.push(stack().filter(|value| *value < 0.0).sum());
        }
        let axis = Axis::over(&ends, money, whole);
        let label = [clean(&plot.value_label), axis.unit.to_string()].join(" ").trim().to_string();
        Self { categories, series, axis, label }
    }

    fn fits_upright(&self) -> bool {
        let slot = f64::from(WIDTH - 80) / self.categories.len() as f64;
        let longest = self.categories.iter().flat_map(|name| name.split_whitespace()).map(width).max();
        longest.is_some_and(|longest| f64::from(longest) + 8.0 <= slot)
            && self.categories.iter().all(|name| wrap(name, slot as i32 - 8).len() <= 2)
    }
}

/// A value axis from a round number to a round number, always with zero on it.
struct Axis {
    ticks: Vec<f64>,
    unit: &'static str,
    divisor: f64,
    places: usize,
}

impl Axis {
    fn over(values: &[f64], money: bool, whole: bool) -> Self {
        let low = values.iter().copied().fold(0.0, f64::min);
        let high = values.iter().copied().fold(0.0, f64::max);
        let (low, high) = if low == high { (0.0, 1.0) } else { (low, high) };
        let size = 10_f64.powf(((high - low) / 5.0).log10().floor());
        let fits = |step: &f64| (high - low) / step <= 5.0 + 1e-9 && !(whole && step.fract() != 0.0);
        let step = [1.0, 2.0, 2.5, 5.0, 10.0].map(|factor| factor * size).into_iter().find(fits);
        let step = step.unwrap_or(if whole { 1.0 } else { 10.0 * size });
        let (from, to) = ((low / step + 1e-9).floor() as i64, (high / step - 1e-9).ceil() as i64);
        let (unit, divisor) = match high.max(-low) {
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
        Self { ticks: (from..=to).map(|count| count as f64 * step).collect(), unit, divisor, places }
    }

    fn text(&self, tick: f64) -> String {
        super::Cell::Decimal(tick / self.divisor, self.places as u8).to_string()
    }

    fn widest(&self) -> i32 {
        self.ticks.iter().map(|tick| width(&self.text(*tick))).max().unwrap_or(0)
    }

    /// Where `value` lies between `start` (lowest tick) and `end` (highest).
    fn place(&self, value: f64, start: i32, end: i32) -> i32 {
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

fn lines(data: &Data) -> Drawn {
    let labels: Vec<Vec<String>> = data.series.iter().map(|(name, _)| wrap(name, 190)).collect();
    let longest = labels.iter().flatten().map(|line| width(line)).max().unwrap_or(0);
    let (left, top) = (data.axis.widest() + 14, 34);
    let right = WIDTH - longest - 30;
    let count = data.categories.len();
    let step = if count > 1 { f64::from(right - left - 24) / (count - 1) as f64 } else { 0.0 };
    let x = |at: usize| left + 12 + (step * at as f64).round() as i32;
    let widest = data.categories.iter().map(|name| width(name)).max().unwrap_or(0).min(150);
    let every = if step > 0.0 { ((f64::from(widest) + 12.0) / step).ceil() as usize } else { 1 };
    let tall: i32 = labels.iter().map(|label| label.len() as i32 * LINE + 4).sum();
    let bottom = top + tall.max(290);
    let deepest = data.categories.iter().map(|name| wrap(name, 150).len()).max().unwrap_or(1) as i32;
    draw(WIDTH, bottom + 12 + deepest * LINE, |area| {
        write_text(area, &data.label, (2, 2), HPos::Left, VPos::Top, MUTED)?;
        level_grid(area, data, left, right, top, bottom)?;
        stroke(
            area,
            &[(left, data.axis.place(0.0, bottom, top)), (right, data.axis.place(0.0, bottom, top))],
            MUTED,
            1,
        )?;
        for at in (0..count).step_by(every.max(1)) {
            write_lines(area, &wrap(&data.categories[at], 150), (x(at), bottom + 8), HPos::Center, VPos::Top)?;
        }
        let mut ends = Vec::new();
        for (series, (_, values)) in data.series.iter().enumerate() {
            let point = |at: usize| values[at].map(|value| (x(at), data.axis.place(value, bottom, top)));
            let points: Vec<Option<(i32, i32)>> = (0..count).map(point).collect();
            for run in points.split(Option::is_none).filter(|run| run.len() > 1) {
                stroke(area, &run.iter().copied().flatten().collect::<Vec<_>>(), colour(series), 3)?;
            }
            let marks = count.div_ceil(16);
            for (at, point) in points.iter().enumerate() {
                let alone = (at == 0 || points[at - 1].is_none()) && points.get(at + 1).copied().flatten().is_none();
                if let Some(point) = point.filter(|_| alone || at % marks == 0) {
                    marker(area, series, point)?;
                }
            }
            if let Some(end) = points.iter().rev().copied().flatten().next() {
                ends.push((end, series));
            }
        }
        end_labels(area, ends, &labels, right, (top, bottom))
    })
}

/// Names each line beside its last point, pushed apart where they would overlap.
fn end_labels(
    area: &Area<'_>,
    mut ends: Vec<((i32, i32), usize)>,
    labels: &[Vec<String>],
    right: i32,
    (top, bottom): (i32, i32),
) -> Done {
    ends.sort_by_key(|&((_, y), series)| (y, series));
    let high = |series: usize| labels[series].len() as i32 * LINE + 4;
    let mut places = Vec::new();
    let mut free = top - LINE;
    for &((_, y), series) in &ends {
        let start = (y - high(series) / 2).max(free);
        free = start + high(series);
        places.push(start);
    }
    let mut limit = bottom + LINE;
    for (place, &(_, series)) in places.iter_mut().zip(&ends).rev() {
        *place = (*place).min(limit - high(series));
        limit = *place;
    }
    for (start, ((x, y), series)) in places.into_iter().zip(ends) {
        let middle = start + high(series) / 2;
        stroke(area, &[(x, y), (right - 4, y), (right + 6, middle)], colour(series), 1)?;
        marker(area, series, (right + 12, middle))?;
        write_lines(area, &labels[series], (right + 22, middle), HPos::Left, VPos::Center)?;
    }
    Ok(())
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
fn heading(area: &Area<'_>, data: &Data) -> Done {
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

fn key_lines(data: &Data) -> i32 {
    if data.series.len() < 2 { 0 } else { key(data).last().map_or(0, |(_, y)| (y - 26) / 22 + 1) }
}

fn level_grid(area: &Area<'_>, data: &Data, left: i32, right: i32, top: i32, bottom: i32) -> Done {
    for &tick in &data.axis.ticks {
        let y = data.axis.place(tick, bottom, top);
        stroke(area, &[(left, y), (right, y)], GRID, 1)?;
        write_text(area, &data.axis.text(tick), (left - 8, y), HPos::Right, VPos::Center, MUTED)?;
    }
    Ok(())
}

/// Gives the drawing its accessible name and description, its hatches, and no size of its own.
fn finish(id: &str, plot: &Plot, data: &Data, what: &str, drawn: String) -> String {
    let names = data.series.iter().map(|(name, _)| name.as_str()).collect::<Vec<_>>().join(", ");
    let ends = (data.categories.first().map_or("", String::as_str), data.categories.last().map_or("", String::as_str));
    let says = clean(&plot.says);
    let size = drawn.find("viewBox=").map_or("", |from| &drawn[from..]);
    let (size, body) = size.split_once(">\n").unwrap_or((size, ""));
    let mut out = format!(
        "<svg class=\"chart\" role=\"img\" aria-labelledby=\"{id}-title {id}-desc\" {size}>\n\
         <title id=\"{id}-title\">{}</title>\n<desc id=\"{id}-desc\">{}</desc>\n<defs>",
        Escaped(&clean(&plot.title)),
        Escaped(&format!(
            "{says} {what}: {names}; {} from {} to {}. The same figures are in the table that follows.",
            data.label, ends.0, ends.1
        )),
    );
    out.push_str(&hatch_patterns(id));
    out.push_str("</defs>\n");
    out.push_str(with_hatches(id, body).trim_end());
    out
}

#[cfg(test)]
mod tests {
    use super::super::{Cell, Column, sample};
    use super::*;

    fn texts(svg: &str) -> Vec<&str> {
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
        for at in 0..2 {
            assert_eq!(of(at), of(at), "equal data, equal bytes");
            assert!(!of(at).contains("<script") && !of(at).contains("</title></svg>"), "text is escaped");
            assert!(of(at).contains("<title id=\"x-title\">") && of(at).contains("<desc id=\"x-desc\">"));
        }
    }

    #[test]
    fn long_categories_lie_on_their_side_and_all_have_a_name() {
        let names: Vec<String> = (0..60).map(|at| format!("Police station number {at}")).collect();
        let names: Vec<&str> = names.iter().map(String::as_str).collect();
        let values: Vec<Cell> = (0..60).map(Cell::Int).collect();
        let svg = svg("x", &bars(), &table(&names, &values), usize::MAX).unwrap().unwrap();
        assert!(names.iter().all(|name| texts(&svg).contains(name)));
        let cut = super::svg("x", &bars(), &table(&names, &values), 3).unwrap().unwrap();
        assert!(texts(&cut).contains(&names[2]) && !texts(&cut).contains(&names[3]));
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
