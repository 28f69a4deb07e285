//! Lays out lines over ordered categories, with their labels at their ends, a shaded range and a marked day. What a line
//! looks like is in `brush`, the figures come from `chart`.

use super::Cell;
use super::brush::*;
use super::chart::{Data, WIDTH, level_grid};
use plotters::style::text_anchor::{HPos, VPos};

/// Where `at` stands among `categories`, counted from 0; between two dates, or after the last, in proportion.
pub fn place_of(at: &Cell, categories: &[&Cell]) -> Option<f64> {
    if let Some(found) = categories.iter().position(|category| *category == at) {
        return Some(found as f64);
    }
    let Cell::Date(at) = at else { return None };
    let mut dates = Vec::new();
    for category in categories {
        let Cell::Date(date) = category else { return None };
        dates.push(*date);
    }
    let days = |pair: &[chrono::NaiveDate]| (pair[1] - pair[0]).num_days() as f64;
    if dates.windows(2).any(|pair| days(pair) <= 0.0) {
        return None;
    }
    let (first, last) = (*dates.first()?, *dates.last()?);
    let steps = dates.len() - 1;
    if *at > last {
        // one date alone tells no pace; then a step is a week
        let pace = if steps == 0 { 7.0 } else { days(&[first, last]) / steps as f64 };
        return Some(steps as f64 + days(&[last, *at]) / pace);
    }
    let from = dates.windows(2).position(|pair| (pair[0]..pair[1]).contains(at))?;
    Some(from as f64 + days(&[dates[from], *at]) / days(&dates[from..from + 2]))
}

/// How much of a line its label shows.
const SAMPLE: i32 = 26;

/// Places across the plot: categories, and the mark where it stands after the last of them.
struct Across {
    start: i32,
    step: f64,
    mark: Option<i32>,
}

impl Across {
    fn over(data: &Data, left: i32, right: i32) -> Self {
        let last = data.categories.len().saturating_sub(1) as f64;
        // a mark that is further away than the weeks before it are long would squash them
        let mark = data.mark.as_ref().map(|(at, _)| *at).filter(|at| *at <= (2.0 * last).max(8.0));
        let units = mark.unwrap_or(0.0).max(last);
        let step = if units > 0.0 { f64::from(right - left - 24) / units } else { 0.0 };
        let place = |at: f64| left + 12 + (step * at).round() as i32;
        Self { start: left + 12, step, mark: mark.map(place) }
    }

    fn place(&self, at: usize) -> i32 {
        self.start + (self.step * at as f64).round() as i32
    }
}

pub fn draw_lines(data: &Data) -> Drawn {
    let names = data.series.iter().map(|(name, _)| name).chain(data.ranges.iter().map(|(name, _)| name));
    let labels: Vec<Vec<String>> = names.map(|name| wrap(name, 190)).collect();
    let longest = labels.iter().flatten().map(|line| width(line)).max().unwrap_or(0);
    let (left, top) = (data.axis.widest() + 14, if data.mark.is_some() { 58 } else { 34 });
    let right = WIDTH - longest - SAMPLE - 20;
    let count = data.categories.len();
    let across = Across::over(data, left, right);
    let widest = data.categories.iter().map(|name| width(name)).max().unwrap_or(0).min(150);
    let every = if across.step > 0.0 { ((f64::from(widest) + 12.0) / across.step).ceil() as usize } else { 1 };
    let tall: i32 = labels.iter().map(|label| label.len() as i32 * LINE + 4).sum();
    let bottom = top + tall.max(290);
    let deepest = data.categories.iter().map(|name| wrap(name, 150).len()).max().unwrap_or(1) as i32;
    draw(WIDTH, bottom + 12 + deepest * LINE, |area| {
        write_text(area, &data.label, (2, 2), HPos::Left, VPos::Top, MUTED)?;
        level_grid(area, data, left, right, top, bottom)?;
        let zero = data.axis.place(0.0, bottom, top);
        // between two outcomes it is what counts, elsewhere only where the figures begin
        let (colour, wide) = if data.turns_on_zero { (INK, 2) } else { (MUTED, 1) };
        stroke(area, &[(left, zero), (right, zero)], colour, wide)?;
        for at in (0..count).step_by(every.max(1)) {
            let place = (across.place(at), bottom + 8);
            write_lines(area, &wrap(&data.categories[at], 150), place, HPos::Center, VPos::Top)?;
        }
        let point = |at: usize, value: f64| (across.place(at), data.axis.place(value, bottom, top));
        let mut ends = Vec::new();
        for (depth, (_, [low, high])) in data.ranges.iter().enumerate() {
            let pair = |at: usize| Some((point(at, low[at]?.min(high[at]?)), point(at, low[at]?.max(high[at]?))));
            let pairs: Vec<Option<Pair>> = (0..count).map(pair).collect();
            for run in pairs.split(Option::is_none).filter(|run| !run.is_empty()) {
                let (mut lower, mut upper): (Vec<_>, Vec<_>) = run.iter().copied().flatten().unzip();
                if let ([(x, low)], [(_, high)]) = (lower.as_slice(), upper.as_slice()) {
                    // a range on one day only is still to be seen
                    (lower, upper) = (vec![(x - 4, *low), (x + 4, *low)], vec![(x - 4, *high), (x + 4, *high)]);
                }
                band(area, depth, &upper, &lower)?;
            }
            if let Some(((x, low), (_, high))) = pairs.iter().rev().copied().flatten().next() {
                ends.push(((x, (low + high) / 2), data.series.len() + depth));
            }
        }
        draw_mark(area, data, &across, (left, right), (top, bottom))?;
        for (series, (_, values)) in data.series.iter().enumerate() {
            let points: Vec<Option<(i32, i32)>> = (0..count).map(|at| Some(point(at, values[at]?))).collect();
            for run in points.split(Option::is_none).filter(|run| run.len() > 1) {
                dashed(area, &run.iter().copied().flatten().collect::<Vec<_>>(), Pen::Series(series), 3)?;
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
        end_labels(area, ends, &labels, data.series.len(), right, (top, bottom))
    })
}

type Pair = ((i32, i32), (i32, i32));

/// The mark with its label above it; one too far off to be drawn has an arrow that points there.
fn draw_mark(
    area: &Area<'_>,
    data: &Data,
    across: &Across,
    (left, right): (i32, i32),
    (top, bottom): (i32, i32),
) -> Done {
    let Some((_, label)) = &data.mark else { return Ok(()) };
    let Some(x) = across.mark else {
        let label = format!("{} →", cut(label, right - left - 20));
        return write_text(area, &label, (right, top - 10), HPos::Right, VPos::Bottom, INK);
    };
    dashed(area, &[(x, top - 8), (x, bottom)], Pen::Mark, 2)?;
    let label = cut(label, WIDTH - left);
    let half = width(&label) / 2;
    let (at, across) = if x + half > WIDTH - 2 {
        (WIDTH - 2, HPos::Right)
    } else if x - half < 2 {
        (2, HPos::Left)
    } else {
        (x, HPos::Center)
    };
    write_text(area, &label, (at, top - 10), across, VPos::Bottom, INK)
}

/// Names each line, and the ranges (`range` is the first one's place among the labels), beside its last point, pushed
/// apart where they would overlap.
fn end_labels(
    area: &Area<'_>,
    mut ends: Vec<((i32, i32), usize)>,
    labels: &[Vec<String>],
    range: usize,
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
        // a long one would look like a line that goes on
        if right - x < 60 {
            dashed(area, &[(x + 7, y), (right - 4, y), (right + 4, middle)], Pen::Leader, 1)?;
        }
        let place = (right + SAMPLE / 2 + 8, middle);
        if let Some(depth) = series.checked_sub(range) {
            band_marker(area, depth, place, SAMPLE / 2)?;
        } else {
            dashed(area, &[(right + 8, middle), (right + 8 + SAMPLE, middle)], Pen::Series(series), 3)?;
            marker(area, series, place)?;
        }
        write_lines(area, &labels[series], (right + SAMPLE + 16, middle), HPos::Left, VPos::Center)?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::super::chart::{svg, tests::texts};
    use super::super::{Chart, Column, Guides, Kind, Mark, Plot, Range, Table, sample};
    use super::*;
    use chrono::NaiveDate;

    fn day(month: u32, day: u32) -> Cell {
        Cell::Date(NaiveDate::from_ymd_opt(2024, month, day).unwrap())
    }

    /// Five weeks from Monday 4 March on.
    fn weeks() -> Vec<Cell> {
        vec![day(3, 4), day(3, 11), day(3, 18), day(3, 25), day(4, 1)]
    }

    fn drawn(series: Vec<usize>, guides: Guides) -> String {
        let ints = |values: [i64; 5]| values.map(Cell::Int);
        let columns = [("w", Kind::Date), ("a", Kind::Int), ("low", Kind::Int), ("high", Kind::Int)];
        let columns = columns.map(|(name, kind)| Column::new(name, name, kind)).to_vec();
        let (a, low, high) = (ints([100, 80, 60, 40, 20]), ints([90, 70, 50, 30, 10]), ints([100, 90, 80, 70, 60]));
        let rows = weeks().into_iter().enumerate();
        let rows = rows.map(|(at, week)| vec![week, a[at].clone(), low[at].clone(), high[at].clone()]).collect();
        let (title, says, value_label) = ("Title".into(), "Says.".into(), "Calls".into());
        let plot = Plot { title, says, category: 0, series, value_label };
        svg("x", &Chart::GuidedLines(plot, guides), &Table { columns, rows, ..Table::default() }, 9).unwrap().unwrap()
    }

    fn mark(at: Cell) -> Guides {
        Guides { mark: Some(Mark { at, label: "Cease <day>".into() }), range: None }
    }

    /// The points of the first shape of a kind, told by a part of its tag.
    fn points(svg: &str, kind: &str) -> Vec<(i32, i32)> {
        let tag = svg.lines().find(|line| line.contains(kind)).unwrap_or_else(|| panic!("no {kind} in {svg}"));
        let pair = |pair: &str| pair.split_once(',').map(|(x, y)| (x.parse().unwrap(), y.parse().unwrap()));
        tag.split_once("points=\"").unwrap().1.split('"').next().unwrap().split(' ').filter_map(pair).collect()
    }

    #[test]
    fn a_mark_finds_its_place_between_and_after_the_weeks() {
        let weeks = weeks();
        let weeks: Vec<&Cell> = weeks.iter().collect();
        assert_eq!(place_of(&day(3, 18), &weeks), Some(2.0));
        assert_eq!(place_of(&day(4, 1), &weeks), Some(4.0));
        assert!((place_of(&day(3, 13), &weeks).unwrap() - (1.0 + 2.0 / 7.0)).abs() < 1e-9);
        assert_eq!(place_of(&day(4, 15), &weeks), Some(6.0), "two weeks on");
        assert_eq!(place_of(&day(3, 3), &weeks), None, "before the first");
        assert_eq!(place_of(&day(3, 18), &weeks[..1]), Some(2.0), "one week tells the pace");
        assert_eq!(place_of(&day(4, 15), &[]), None);
        assert_eq!(place_of(&day(3, 13), &[weeks[2], weeks[0]]), None, "dates out of order");
        assert_eq!(place_of(&day(3, 13), &[weeks[0], &Cell::Empty]), None);
        let names = [Cell::Text("2024/25".into()), Cell::Text("2025/26".into())];
        assert_eq!(place_of(&names[1], &names.iter().collect::<Vec<_>>()), Some(1.0));
        assert_eq!(place_of(&Cell::Text("2026/27".into()), &names.iter().collect::<Vec<_>>()), None);
    }

    #[test]
    fn the_mark_stands_where_its_date_is_and_has_its_label() {
        let mark_x = |svg: &str| points(svg, "stroke-dasharray=\"5 4\"")[0].0;
        let line = "stroke=\"#1F5A96\" stroke-width=\"3\"";
        let at = drawn(vec![1], mark(day(3, 18)));
        assert_eq!(mark_x(&at), points(&at, line)[2].0);
        // two weeks after the last: the line takes four of six steps
        let after = drawn(vec![1], mark(day(4, 15)));
        let (start, end) = (points(&after, line)[0].0, points(&after, line)[4].0);
        assert!((2 * (mark_x(&after) - start) - 3 * (end - start)).abs() <= 3);
        assert!(
            texts(&after).contains(&"Cease &lt;day&gt;") && after.contains("A vertical line marks Cease &lt;day&gt;.")
        );
        let far = drawn(vec![1], mark(Cell::Date(NaiveDate::MAX)));
        assert!(!far.contains("\"5 4\"") && texts(&far).contains(&"Cease &lt;day&gt; →"));
        assert_eq!(points(&far, line), points(&at, line), "one far away squashes nothing");
        let before = drawn(vec![1], mark(day(1, 1)));
        assert!(!before.contains("\"5 4\"") && !before.contains("Cease"));
        assert_eq!(far, drawn(vec![1], mark(Cell::Date(NaiveDate::MAX))), "equal data, equal bytes");
    }

    #[test]
    fn a_range_is_shaded_from_its_low_to_its_high_values() {
        let range = Some(Range { name: "If <it> goes on".into(), low: 2, high: 3 });
        let svg = drawn(vec![], Guides { range, mark: None });
        let edges = points(&svg, "url(#x-range)");
        assert_eq!(edges.len(), 10);
        // 290 units for 0 to 100 from 34 on: 100 is at 34, 60 at 150, 10 at 295, 90 at 63
        let ys: Vec<i32> = edges.iter().map(|(_, y)| *y).collect();
        assert_eq!((ys[0], ys[4], ys[5], ys[9]), (34, 150, 295, 63));
        assert!(svg.contains("Shaded between its lowest and highest values: If &lt;it&gt; goes on."));
        assert!(texts(&svg).contains(&"If &lt;it&gt; goes on") && !svg.contains("<it>"));
        let section = &sample::report().sections[4];
        let sampled =
            super::super::chart::svg("x", section.chart.as_ref().unwrap(), &section.table, 9).unwrap().unwrap();
        // one week with a range beside two more: one shape of three weeks, and the label's sample
        assert_eq!(sampled.matches("url(#x-range)").count(), 2);
    }

    #[test]
    fn a_fan_has_its_ranges_one_in_the_other_around_the_likely_line_over_zero() {
        let section = sample::full().sections.into_iter().find(|section| section.id == "fan").unwrap();
        let svg = svg("x", section.chart.as_ref().unwrap(), &section.table, 9).unwrap().unwrap();
        // −£1 million to £3 million over 290 units from 324 up: zero is at 324 − 72.5
        let zero = svg.lines().find(|line| line.contains("stroke=\"#1B2733\" stroke-width=\"2\"")).unwrap();
        assert_eq!(zero.matches(",251").count(), 2, "{zero}");
        let (outer, inner) = (points(&svg, "url(#x-range)"), points(&svg, "url(#x-inner)"));
        let middle = points(&svg, "stroke=\"#1F5A96\" stroke-width=\"3\"");
        assert_eq!((outer.len(), inner.len(), middle.len()), (12, 12, 6));
        // the last year: £1.9 million, and £0.5 million to a step
        let at = |million: f64| 324 - (72.5 * (million + 1.0)).round() as i32;
        assert_eq!([outer[5].1, inner[5].1, middle[5].1], [at(2.9), at(2.4), at(1.9)]);
        assert_eq!([outer[6].1, inner[6].1], [at(0.9), at(1.4)]);
        for said in [
            "Fan: Median;",
            "values: Nine in ten. All of it is above zero from 2028-29 on.",
            "One in two. All of it is above zero from 2027-28 on.",
        ] {
            assert!(svg.contains(said), "{said}");
        }
        assert!(["Median", "Nine in ten", "One in two"].iter().all(|name| texts(&svg).contains(name)));
    }

    #[test]
    fn lines_differ_in_dashes_and_markers_and_have_their_names_beside_them() {
        let svg = drawn(vec![1, 2, 3], Guides::default());
        let lines: Vec<&str> = svg.lines().filter(|line| line.contains("stroke-width=\"3\"")).collect();
        assert_eq!(lines.len(), 6, "three lines and a sample of each");
        let dash =
            |line: &str| line.split_once("dasharray=\"").map(|(_, rest)| rest.split('"').next().unwrap().to_string());
        let dashes: std::collections::HashSet<_> = lines.iter().map(|line| dash(line)).collect();
        assert_eq!(dashes.len(), 3);
        assert!(["a", "low", "high"].iter().all(|name| texts(&svg).contains(name)));
    }
}
