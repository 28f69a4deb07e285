//! Lays out a tornado: what a figure comes to at the ends of each assumption, as bars to both sides of what it is now,
//! the widest first. What a bar looks like is in `brush`, the axis and the key are those of `chart`.

use super::brush::*;
use super::chart::{Axis, Data, WIDTH, finish, heading, key_lines};
use super::{Cell, Kind, Swings, Table, clean};
use plotters::style::text_anchor::{HPos, VPos};

/// More would not fit a page; the narrow ones matter least.
const MOST: usize = 20;
/// The widest label at the end of a bar.
const WIDEST: i32 = 110;

type Found = std::result::Result<Option<String>, Box<dyn std::error::Error>>;

/// The bars of `rows`, or `None` where there is nothing to draw.
pub fn svg(id: &str, swings: &Swings, rows: &[Vec<Cell>], table: &Table) -> Found {
    let Some(base) = rows.first().and_then(|row| row[swings.base].number()) else { return Ok(None) };
    let mut bars: Vec<Bar> = rows.iter().filter_map(|row| Bar::of(row, swings, base)).collect();
    if bars.is_empty() {
        return Ok(None);
    }
    let found = bars.len();
    bars.sort_by(|a, b| b.width().total_cmp(&a.width()));
    bars.truncate(MOST);
    let columns = [swings.low, swings.high, swings.base].map(|at| &table.columns[at]);
    let all = |kind: Kind| columns.iter().all(|column| column.kind == kind);
    let axis = Axis::between(span(&bars, base), all(Kind::Pence), all(Kind::Int));
    let side = |at: usize| bars.iter().map(|bar| bar.ends[at]).collect();
    let data = Data {
        categories: bars.iter().map(|bar| bar.name.clone()).collect(),
        series: vec![(clean(&columns[0].title), side(0)), (clean(&columns[1].title), side(1))],
        ranges: Vec::new(),
        mark: None,
        label: axis.label(&swings.value_label),
        axis,
        turns_on_zero: false,
    };
    let now = format!("{}: {}", clean(&columns[2].title), rows[0][swings.base]);
    let says = describe(&clean(&swings.says), &data, &now, found);
    Ok(Some(finish(id, &swings.title, &says, &drawn(&data, &bars, base, &now)?)))
}

/// An assumption with what the figure comes to at its low and its high end.
struct Bar {
    name: String,
    ends: [Option<f64>; 2],
    words: [Option<String>; 2],
    base: f64,
}

impl Bar {
    fn of(row: &[Cell], swings: &Swings, base: f64) -> Option<Self> {
        let ends = [row[swings.low].number(), row[swings.high].number()];
        let words = |at: Option<usize>| at.map(|at| clean(&row[at].to_string()));
        let words = [words(swings.ends.map(|(low, _)| low)), words(swings.ends.map(|(_, high)| high))];
        let name = clean(&row[swings.category].to_string());
        ends.iter().any(Option::is_some).then_some(Self { name, ends, words, base })
    }

    fn width(&self) -> f64 {
        let ends = self.ends.iter().flatten();
        let (low, high) = ends.fold((self.base, self.base), |(low, high), end| (low.min(*end), high.max(*end)));
        high - low
    }

    /// Whether both ends lie on the same side, so that each needs a lane of its own.
    fn is_split(&self) -> bool {
        matches!(self.ends, [Some(low), Some(high)] if (low - self.base) * (high - self.base) > 0.0)
    }

    fn label(&self, end: usize, axis: &Axis) -> Option<String> {
        let value = self.ends[end]?;
        Some(cut(&self.words[end].clone().unwrap_or_else(|| axis.fine(value)), WIDEST))
    }
}

/// From the lowest end to the highest, with zero on it where that squashes nothing.
fn span(bars: &[Bar], base: f64) -> (f64, f64) {
    let ends = bars.iter().flat_map(|bar| bar.ends).flatten();
    let (low, high) = ends.fold((base, base), |(low, high), end| (low.min(end), high.max(end)));
    if low == high {
        return (low.min(0.0), if low < 0.0 { 0.0 } else { high.max(1.0) });
    }
    let near = (high - low) / 2.0;
    (if (0.0..near).contains(&low) { 0.0 } else { low }, if (-near..0.0).contains(&high) { 0.0 } else { high })
}

fn drawn(data: &Data, bars: &[Bar], base: f64, now: &str) -> Drawn {
    let axis = &data.axis;
    let names: Vec<Vec<String>> = bars.iter().map(|bar| wrap(&bar.name, 200)).collect();
    let longest = names.iter().flatten().map(|name| width(name)).max().unwrap_or(0);
    // to the left and to the right of the bars stand their labels
    let mut beside = [0, 0];
    for (bar, end) in bars.iter().flat_map(|bar| [(bar, 0), (bar, 1)]) {
        let (Some(value), Some(label)) = (bar.ends[end], bar.label(end, axis)) else { continue };
        let room = &mut beside[usize::from(value >= base)];
        *room = (*room).max(width(&label) + 8);
    }
    let (left, right) = (longest + 14 + beside[0], WIDTH - 4 - beside[1].max(axis.widest() / 2));
    let top = 34 + key_lines(data) * 22 + LINE + 6;
    let pitch = if bars.iter().any(Bar::is_split) { 44 } else { 34 };
    let bottom = top + pitch * bars.len() as i32;
    let place = |value: f64| axis.place(value, left, right);
    draw(WIDTH, bottom + 30, |area| {
        heading(area, data)?;
        for &tick in &axis.ticks {
            // where zero is on it, it is where a gain turns into a loss
            let colour = if tick == 0.0 { MUTED } else { GRID };
            stroke(area, &[(place(tick), top), (place(tick), bottom)], colour, 1)?;
            write_text(area, &axis.text(tick), (place(tick), bottom + 8), HPos::Center, VPos::Top, MUTED)?;
        }
        for (at, (bar, name)) in bars.iter().zip(&names).enumerate() {
            let middle = top + pitch * at as i32 + pitch / 2;
            write_lines(area, name, (left - beside[0] - 8, middle), HPos::Right, VPos::Center)?;
            for end in 0..2 {
                let (Some(value), Some(label)) = (bar.ends[end], bar.label(end, axis)) else { continue };
                let (from, to) = (place(base.min(value)), place(base.max(value)));
                let (above, below) = match (bar.is_split(), end) {
                    (false, _) => (middle - 11, middle + 11),
                    (true, 0) => (middle - 17, middle - 1),
                    (true, _) => (middle + 1, middle + 17),
                };
                if value != base {
                    super::brush::bar(area, end, (from, above), (to, below), (0, 0))?;
                }
                let (x, across) = if value < base { (from - 5, HPos::Right) } else { (to + 5, HPos::Left) };
                write_text(area, &label, (x, (above + below) / 2), across, VPos::Center, INK)?;
            }
        }
        stroke(area, &[(place(base), top - 4), (place(base), bottom)], INK, 2)?;
        let now = cut(now, WIDTH - 8);
        let half = width(&now) / 2;
        let x = place(base).clamp(half.min(WIDTH / 2) + 2, (WIDTH - half - 2).max(WIDTH / 2));
        write_text(area, &now, (x, top - 8), HPos::Center, VPos::Bottom, INK)
    })
}

fn describe(says: &str, data: &Data, now: &str, found: usize) -> String {
    let [(low, _), (high, _)] = &data.series[..] else { return says.to_string() };
    let shown = data.categories.len();
    let cut = if shown < found { format!(" The {shown} widest of {found}.") } else { String::new() };
    format!(
        "{says} Bars from {now} to {low} and {high} of each assumption; {}; the widest first: {}.{cut} The same figures are \
         in the table that follows.",
        data.label,
        data.categories.join(", ")
    )
}

#[cfg(test)]
mod tests {
    use super::super::chart::{svg, tests::texts};
    use super::super::{Chart, Column};
    use super::*;

    /// Name, low and high result, and what the ends are; the figure is 100.
    type Row<'a> = (&'a str, Option<i64>, Option<i64>, [&'a str; 2]);

    fn drawn(rows: &[Row<'_>], ends: Option<(usize, usize)>) -> String {
        let text = |text: &str| Cell::Text(text.into());
        let int = |value: Option<i64>| value.map_or(Cell::Empty, Cell::Int);
        let kinds = [Kind::Text, Kind::Int, Kind::Int, Kind::Int, Kind::Text, Kind::Text];
        let titles = ["What", "Low <end>", "High end", "Now", "From", "To"];
        let columns = titles.iter().zip(kinds).map(|(title, kind)| Column::new(*title, *title, kind)).collect();
        let row = |(name, low, high, [from, to]): &Row<'_>| {
            vec![text(name), int(*low), int(*high), Cell::Int(100), text(from), text(to)]
        };
        let table = Table { columns, rows: rows.iter().map(row).collect(), ..Table::default() };
        let (title, says, value_label) = ("Title".into(), "Says.".into(), "Saving".into());
        let swings = Swings { title, says, category: 0, low: 1, high: 2, base: 3, ends, value_label };
        svg("x", &Chart::Tornado(swings), &table, usize::MAX).unwrap().unwrap()
    }

    /// Left, top, width and height of the bars that have the colour of an end.
    fn rects(svg: &str, end: usize) -> Vec<[i32; 4]> {
        let fill = format!("fill=\"#{:06X}\"", colour(end));
        let number = |tag: &str, name: &str| -> i32 {
            tag.split_once(&format!(" {name}=\"")).unwrap().1.split('"').next().unwrap().parse().unwrap()
        };
        let tags = svg.split("<rect").skip(1).filter(|tag| tag.split('>').next().unwrap().contains(&fill));
        tags.map(|tag| ["x", "y", "width", "height"].map(|name| number(tag, name))).skip(1).collect()
    }

    const ROWS: [Row<'static>; 3] = [
        ("narrow", Some(90), Some(105), ["1", "2"]),
        ("wide <b>", Some(200), Some(0), ["-20 %", "+20 %"]),
        ("middling", Some(60), Some(160), ["£3", "£9"]),
    ];

    #[test]
    fn the_widest_comes_first_and_each_end_lies_on_its_side() {
        let svg = drawn(&ROWS, None);
        let order: Vec<&str> =
            texts(&svg).into_iter().filter(|t| ["narrow", "wide &lt;b&gt;", "middling"].contains(t)).collect();
        assert_eq!(order, ["wide &lt;b&gt;", "middling", "narrow"]);
        let (low, high) = (rects(&svg, 0), rects(&svg, 1));
        let base = low[1][0] + low[1][2];
        // 200 units for 0 to 200: a bar is as long as its end is far, to the one and to the other side
        let unit = f64::from(low[0][2]) / 100.0;
        let far = |bar: &[i32; 4]| (f64::from(bar[2]) / unit).round() as i32;
        assert_eq!(low.iter().map(far).collect::<Vec<_>>(), [100, 40, 10]);
        assert_eq!(high.iter().map(far).collect::<Vec<_>>(), [100, 60, 5]);
        assert_eq!((low[0][0], high[0][0] + high[0][2]), (base, base), "a low end may be the larger figure");
        assert_eq!((high[1][0], low[2][0] + low[2][2], high[2][0]), (base, base, base));
        assert!(
            svg.contains("the widest first: wide &lt;b&gt;, middling, narrow.")
                && svg.contains("Bars from Now: 100 to")
        );
        assert!(!svg.contains("<b>") && !svg.contains("<end>"));
    }

    #[test]
    fn the_ends_are_written_at_the_bars() {
        let named = drawn(&ROWS, Some((4, 5)));
        for end in ["-20 %", "+20 %", "£3", "£9"] {
            assert!(texts(&named).contains(&end), "{end}: {:?}", texts(&named));
        }
        let bare = drawn(&ROWS, None);
        for figure in ["90", "105", "60", "160"] {
            assert!(texts(&bare).contains(&figure), "{figure}: {:?}", texts(&bare));
        }
        assert!(texts(&bare).contains(&"Now: 100"));
    }

    #[test]
    fn both_ends_on_one_side_have_a_lane_each() {
        let svg = drawn(&[("worse", Some(40), Some(70), ["", ""]), ("one end", None, Some(130), ["", ""])], None);
        let (low, high) = (rects(&svg, 0), rects(&svg, 1));
        assert_eq!((low.len(), high.len()), (1, 2));
        assert!(low[0][1] + low[0][3] <= high[0][1], "{low:?} {high:?}");
        assert_eq!(low[0][0] + low[0][2], high[0][0] + high[0][2], "both end at the base");
    }

    #[test]
    fn the_axis_has_zero_where_it_is_near_and_only_there() {
        let ticks = |low, high| {
            let bar = Bar { name: String::new(), ends: [Some(low), Some(high)], words: [None, None], base: 100.0 };
            span(&[bar], 100.0)
        };
        assert_eq!(ticks(20.0, 180.0), (0.0, 180.0));
        assert_eq!(ticks(90.0, 120.0), (90.0, 120.0));
        assert_eq!(ticks(-20.0, 180.0), (-20.0, 180.0));
        assert_eq!(ticks(100.0, 100.0), (0.0, 100.0));
        let many: Vec<String> = (0..40).map(|at| format!("assumption {at}")).collect();
        let rows: Vec<Row<'_>> =
            many.iter().zip(0..).map(|(name, at)| (name.as_str(), Some(99 - at), None, ["", ""])).collect();
        let svg = drawn(&rows, None);
        assert!(svg.contains("The 20 widest of 40.") && texts(&svg).contains(&"assumption 39"));
        assert!(!texts(&svg).contains(&"assumption 19"));
    }
}
