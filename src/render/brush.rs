//! What charts are drawn with: colours, hatches, marks and text through `plotters`' SVG backend; knows no figures.
//! Fonts are the page's, so widths of text are estimates with room to spare.

use super::Look;
use plotters::coord::Shift;
use plotters::prelude::*;
use plotters::style::text_anchor::{HPos, Pos, VPos};
use std::fmt::{Display, Write};

pub type Area<'a> = DrawingArea<SVGBackend<'a>, Shift>;
pub type Drawn = std::result::Result<String, Box<dyn std::error::Error>>;
pub type Done = std::result::Result<(), Box<dyn std::error::Error>>;

const FONT: i32 = 13;
pub const LINE: i32 = 17;
/// A generous mean width of a letter at `FONT`.
pub const LETTER: f64 = 7.2;

pub fn draw(wide: i32, high: i32, paint: impl FnOnce(&Area<'_>) -> Done) -> Drawn {
    let mut svg = String::new();
    let area = SVGBackend::with_string(&mut svg, (wide.unsigned_abs(), high.unsigned_abs())).into_drawing_area();
    paint(&area)?;
    area.present()?;
    drop(area);
    Ok(svg)
}

/// A filled piece with its hatch, kept `gap` short at its far edge so that neighbours do not touch.
pub fn bar(area: &Area<'_>, series: usize, from: (i32, i32), to: (i32, i32), gap: (i32, i32)) -> Done {
    let (from, to) = ((from.0, from.1 + gap.1), (to.0 - gap.0, to.1));
    let to = (to.0.max(from.0 + 1), to.1.max(from.1 + 1));
    area.draw(&Rectangle::new([from, to], rgb(colour(series)).filled()))?;
    let hatch = (series + series / SERIES.len()) % HATCHES.len();
    if !HATCHES[hatch].is_empty() {
        area.draw(&Rectangle::new([from, to], rgb(HATCH + hatch as u32).filled()))?;
    }
    Ok(())
}

/// A run of the two edges of a range, filled with the range's hatch; one within another (`depth`) crosses the outer's.
pub fn band(area: &Area<'_>, depth: usize, upper: &[(i32, i32)], lower: &[(i32, i32)]) -> Done {
    let points: Vec<(i32, i32)> = upper.iter().chain(lower.iter().rev()).copied().collect();
    area.draw(&Polygon::new(points, rgb(RANGE + (depth % RANGES.len()) as u32).filled()))?;
    stroke(area, upper, MUTED, 1)?;
    stroke(area, lower, MUTED, 1)
}

/// A small piece of a range, for its label: with the ranges it lies in.
pub fn band_marker(area: &Area<'_>, depth: usize, (x, y): (i32, i32), half: i32) -> Done {
    let (upper, lower) = ([(x - half, y - 6), (x + half, y - 6)], [(x - half, y + 6), (x + half, y + 6)]);
    (0..=depth).try_for_each(|depth| band(area, depth, &upper, &lower))
}

pub fn marker(area: &Area<'_>, series: usize, (x, y): (i32, i32)) -> Done {
    let shape: &[(i32, i32)] = match series % 5 {
        1 => &[(-4, -4), (4, -4), (4, 4), (-4, 4)],
        2 => &[(0, -6), (6, 5), (-6, 5)],
        3 => &[(0, -6), (6, 0), (0, 6), (-6, 0)],
        4 => &[(0, 6), (6, -5), (-6, -5)],
        _ => return Ok(area.draw(&Circle::new((x, y), 5, rgb(colour(series)).filled()))?),
    };
    let points: Vec<(i32, i32)> = shape.iter().map(|(dx, dy)| (x + dx, y + dy)).collect();
    Ok(area.draw(&Polygon::new(points, rgb(colour(series)).filled()))?)
}

pub fn stroke(area: &Area<'_>, points: &[(i32, i32)], colour: u32, wide: u32) -> Done {
    Ok(area.draw(&PathElement::new(points.to_vec(), rgb(colour).stroke_width(wide)))?)
}

/// A stroke with the dashes of `pen`.
pub fn dashed(area: &Area<'_>, points: &[(i32, i32)], pen: Pen, wide: u32) -> Done {
    let at = match pen {
        Pen::Series(series) => series % PENS,
        Pen::Mark => PENS,
        Pen::Leader => PENS + 1,
    };
    stroke(area, points, PEN + at as u32, wide)
}

pub fn write_lines(area: &Area<'_>, lines: &[String], (x, y): (i32, i32), across: HPos, down: VPos) -> Done {
    let up = if matches!(down, VPos::Center) { (lines.len() as i32 - 1) * LINE / 2 } else { 0 };
    for (at, line) in lines.iter().enumerate() {
        write_text(area, line, (x, y - up + at as i32 * LINE), across, down, INK)?;
    }
    Ok(())
}

pub fn write_text(area: &Area<'_>, text: &str, at: (i32, i32), across: HPos, down: VPos, colour: u32) -> Done {
    // plotters writes its sizes divided by 1.24
    let style = ("sans-serif", f64::from(FONT) * 1.24).into_font().color(&rgb(colour)).pos(Pos::new(across, down));
    Ok(area.draw(&Text::new(text.to_string(), at, style))?)
}

/// Style rules that turn the colours of a light chart into those of a dark one.
pub fn dark_css() -> String {
    let pairs = SERIES.iter().map(|colours| (colours.light, colours.dark));
    pairs.chain([(INK, 0xE6_EB_F0), (MUTED, 0xAE_BA_C6), (GRID, 0x36_41_4C), (PAPER, DARK_PAPER)]).fold(
        String::new(),
        |mut css, (light, dark)| {
            let _ = writeln!(css, ".chart [fill=\"#{light:06X}\"]{{fill:#{dark:06X}}}");
            let _ = writeln!(css, ".chart [stroke=\"#{light:06X}\"]{{stroke:#{dark:06X}}}");
            css
        },
    )
}

/// The patterns that a drawing out of `with_patterns` refers to, for its `<defs>`.
pub fn patterns(id: &str, drawn: &str) -> String {
    let mut out = String::new();
    for (at, path) in HATCHES.iter().enumerate().filter(|(at, _)| drawn.contains(&format!("#{id}-hatch{at})"))) {
        let _ = write!(
            out,
            "<pattern id=\"{id}-hatch{at}\" width=\"8\" height=\"8\" patternUnits=\"userSpaceOnUse\"><path d=\"{path}\" \
             fill=\"none\" stroke=\"#{PAPER:06X}\" stroke-opacity=\"0.7\" stroke-width=\"1.3\"/></pattern>"
        );
    }
    for (name, path) in RANGES.iter().filter(|(name, _)| drawn.contains(&format!("#{id}-{name})"))) {
        let _ = write!(
            out,
            "<pattern id=\"{id}-{name}\" width=\"7\" height=\"7\" patternUnits=\"userSpaceOnUse\"><path d=\"{path}\" \
             fill=\"none\" stroke=\"#{MUTED:06X}\" stroke-opacity=\"0.45\" stroke-width=\"1\"/></pattern>"
        );
    }
    out
}

/// The drawing with its stand-in colours turned into patterns and dashes.
pub fn with_patterns(id: &str, drawn: &str) -> String {
    let hatches = (0..HATCHES.len()).map(|at| (HATCH + at as u32, format!("hatch{at}")));
    let ranges = RANGES.iter().enumerate().map(|(at, (name, _))| (RANGE + at as u32, name.to_string()));
    let mut drawn = hatches.chain(ranges).fold(drawn.to_string(), |drawn, (flat, name)| {
        drawn.replace(&format!("fill=\"#{flat:06X}\""), &format!("fill=\"url(#{id}-{name})\""))
    });
    for at in 0..PENS + 2 {
        let flat = format!("stroke=\"#{:06X}\"", PEN + at as u32);
        if drawn.contains(&flat) {
            let (colour, dash) = match at.checked_sub(PENS) {
                None => (colour(at), DASHES[(at + at / SERIES.len()) % DASHES.len()]),
                Some(0) => (INK, "5 4"),
                Some(_) => (MUTED, "1 4"),
            };
            let dash = if dash.is_empty() { String::new() } else { format!(" stroke-dasharray=\"{dash}\"") };
            drawn = drawn.replace(&flat, &format!("stroke=\"#{colour:06X}\"{dash}"));
        }
    }
    drawn
}

/// What a calendar's day leaves free of its `pitch`.
pub const DAY_GAP: i32 = 2;

/// Days of one look, as runs down a column: left, top and how many. Each run is one stroke whose dashes are the days:
/// small, and sharp on paper, where patterns are not.
pub fn day_path(id: &str, look: Look, pitch: i32, runs: &[(i32, i32, i32)]) -> String {
    let side = f64::from(pitch - DAY_GAP);
    let [full, half, barred] = DAY_COLOURS;
    // a layer is its colour, how wide it is, and where in the day it begins and ends
    let layers: &[(u32, f64, f64, f64)] = match look {
        Look::Full => &[(full, side, 0.0, side)],
        Look::Half => &[(half, side, 0.0, side), (PAPER, side - 2.6, 1.3, side / 2.0)],
        Look::Barred => &[(barred, side, 0.0, side), (PAPER, side * 0.7, side * 0.35, side * 0.65)],
        Look::Hollow => &[(MUTED, side, 0.0, side), (PAPER, side - 2.6, 1.3, side - 1.3)],
        Look::Dot => &[(MUTED, side * 0.26, side * 0.37, side * 0.63)],
    };
    let mut out = format!("<defs><path id=\"{id}-{look:?}\" fill=\"none\" d=\"");
    let mut from = (0, 0);
    for &(x, y, days) in runs {
        let to = (x + (pitch - DAY_GAP) / 2, y);
        let long = days * pitch - DAY_GAP;
        let _ = write!(out, "m{} {}v{long}", to.0 - from.0, to.1 - from.1);
        from = (to.0, to.1 + long);
    }
    out.push_str("\"/></defs>\n");
    for (colour, wide, begins, ends) in layers {
        let (dash, rest) = (ends - begins, f64::from(pitch) - ends + begins);
        let _ = writeln!(
            out,
            "<use href=\"#{id}-{look:?}\" stroke=\"#{colour:06X}\" stroke-width=\"{wide:.2}\" \
             stroke-dasharray=\"{dash:.2} {rest:.2}\" stroke-dashoffset=\"{:.2}\"/>",
            f64::from(pitch) - begins
        );
    }
    out
}

pub fn colour(series: usize) -> u32 {
    SERIES[series % SERIES.len()].light
}

/// Where there are no hatches: the tints of dark pages stand in for the second six series.
pub fn plain_colour(series: usize) -> u32 {
    let Colours { light, dark } = SERIES[series % SERIES.len()];
    if (series / SERIES.len()).is_multiple_of(2) { light } else { dark }
}

pub fn rgb(colour: u32) -> RGBColor {
    let [_, red, green, blue] = colour.to_be_bytes();
    RGBColor(red, green, blue)
}

pub fn width(text: &str) -> i32 {
    (text.chars().count() as f64 * LETTER).ceil() as i32
}

/// At most two lines of about `limit` units, broken at spaces; what does not fit ends in `…` (the table has it whole).
pub fn wrap(text: &str, limit: i32) -> Vec<String> {
    let mut lines = vec![String::new()];
    for word in text.split_whitespace() {
        let full = lines.len() == 2;
        let Some(line) = lines.last_mut() else { break };
        if line.is_empty() || full || width(line) + width(word) + LETTER as i32 <= limit {
            if !line.is_empty() {
                line.push(' ');
            }
            line.push_str(word);
        } else {
            lines.push(word.to_string());
        }
    }
    for line in &mut lines {
        *line = cut(line, limit);
    }
    lines
}

/// One line of about `limit` units.
pub fn cut(text: &str, limit: i32) -> String {
    if width(text) <= limit {
        return text.to_string();
    }
    let room = (f64::from(limit) / LETTER) as usize;
    let kept: String = text.chars().take(room.saturating_sub(1)).collect();
    format!("{}…", kept.trim_end())
}

/// Text between SVG tags.
pub struct Escaped<'a>(pub &'a str);

impl Display for Escaped<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        for c in self.0.chars() {
            match c {
                '<' => f.write_str("&lt;")?,
                '>' => f.write_str("&gt;")?,
                '&' => f.write_str("&amp;")?,
                '"' => f.write_str("&quot;")?,
                '\'' => f.write_str("&#39;")?,
                _ => f.write_char(c)?,
            }
        }
        Ok(())
    }
}

/// What a line is drawn with; each has dashes of its own.
#[derive(Clone, Copy)]
pub enum Pen {
    Series(usize),
    /// A day or week that the picture points out.
    Mark,
    /// From a line's end to its label.
    Leader,
}

struct Colours {
    light: u32,
    dark: u32,
}

/// All at least 4.5 : 1 against the panel (a test holds it). Series are told apart by pattern, marker and label as well.
const SERIES: [Colours; 6] = [
    Colours { light: 0x1F_5A_96, dark: 0x7D_B3_F2 },
    Colours { light: 0xB4_52_0A, dark: 0xF2_A2_5C },
    Colours { light: 0x0F_76_6E, dark: 0x5C_C8_BC },
    Colours { light: 0x7A_3E_9D, dark: 0xC9_A0_EA },
    Colours { light: 0x80_65_00, dark: 0xD9_C0_4A },
    Colours { light: 0xA3_20_4F, dark: 0xF5_90_AE },
];
pub const INK: u32 = 0x1B_27_33;
pub const MUTED: u32 = 0x4A_58_66;
pub const GRID: u32 = 0xD3_DA_E1;
/// The panel, light and dark; `page.css` has the same.
const PAPER: u32 = 0xFF_FF_FF;
const DARK_PAPER: u32 = 0x16_1C_23;

/// Hatches laid over a series' colour, 8 by 8 units each; `plotters` has none, so they are drawn in a colour nothing
/// else has and given their pattern in `with_hatches`.
const HATCHES: [&str; 6] = [
    "",
    "M-2 10L10 -2M-2 2L2 -2M6 10L10 6",
    "M2 2h1.6v1.6h-1.6zM6 6h1.6v1.6h-1.6z",
    "M-2 -2L10 10M-2 6L2 10M6 -2L10 2",
    "M0 4h8",
    "M4 0v8M0 4h8",
];
const HATCH: u32 = 0x01_02_F0;

/// Hatches of ranges, 7 by 7 units, the same way: the outermost first.
const RANGES: [(&str, &str); 2] =
    [("range", "M-2 9L9 -2M-2 2L2 -2M5 9L9 5"), ("inner", "M-2 -2L9 9M-2 5L2 9M5 -2L9 2")];
const RANGE: u32 = 0x01_02_E0;

/// Dashes of lines, by stand-in colours as well: series first, then the mark and the leader.
const DASHES: [&str; 6] = ["", "9 4", "3 3", "10 4 3 4", "16 5", "10 4 3 3 3 4"];
const PENS: usize = SERIES.len() * DASHES.len();
const PEN: u32 = 0x01_03_00;

/// Full, half and barred.
const DAY_COLOURS: [u32; 3] = [SERIES[0].light, SERIES[1].light, SERIES[5].light];

#[cfg(test)]
mod tests {
    use super::*;

    /// WCAG 2.2's contrast ratio.
    fn contrast(one: u32, two: u32) -> f64 {
        let light = |colour: u32| {
            let [_, red, green, blue] = colour.to_be_bytes().map(|part| {
                let part = f64::from(part) / 255.0;
                if part <= 0.04045 { part / 12.92 } else { ((part + 0.055) / 1.055).powf(2.4) }
            });
            0.2126 * red + 0.7152 * green + 0.0722 * blue
        };
        let (one, two) = (light(one), light(two));
        (one.max(two) + 0.05) / (one.min(two) + 0.05)
    }

    #[test]
    fn colours_stand_out_from_the_panel_in_light_and_dark() {
        // black on white is 21 : 1 by definition; #767676 on white is the well-known edge of AA
        assert!(
            (contrast(0, 0xFF_FF_FF) - 21.0).abs() < 1e-9 && (4.5..4.6).contains(&contrast(0x76_76_76, 0xFF_FF_FF))
        );
        for Colours { light, dark } in SERIES {
            assert!(contrast(light, PAPER) >= 4.5, "{light:06X}");
            assert!(contrast(dark, DARK_PAPER) >= 4.5, "{dark:06X}");
            let css = dark_css();
            assert!(css.contains(&format!(".chart [fill=\"#{light:06X}\"]{{fill:#{dark:06X}}}")));
        }
        assert!(contrast(INK, PAPER) >= 7.0 && contrast(MUTED, PAPER) >= 4.5);
    }

    #[test]
    fn days_can_be_told_apart_without_colour_and_stand_out_in_both_schemes() {
        let dark = |light: u32| SERIES.iter().find(|pair| pair.light == light).map(|pair| pair.dark);
        for light in DAY_COLOURS {
            // a day's neighbours are the gaps around it and the shape upon it: both are the panel's colour
            assert!(contrast(light, PAPER) >= 3.0 && contrast(dark(light).unwrap(), DARK_PAPER) >= 3.0, "{light:06X}");
        }
        assert!(contrast(MUTED, PAPER) >= 3.0 && contrast(0xAE_BA_C6, DARK_PAPER) >= 3.0);
        let looks = [Look::Full, Look::Half, Look::Barred, Look::Hollow, Look::Dot];
        let shapes: std::collections::HashSet<String> = looks
            .iter()
            .map(|look| {
                let path = day_path("x", *look, 12, &[(0, 0, 3)]).replace(&format!("{look:?}"), "");
                path.split("stroke=\"#").map(|part| part.get(6..).unwrap_or("")).collect()
            })
            .collect();
        assert_eq!(shapes.len(), looks.len(), "a shape of its own, colours left out");
        // three days of 12 from (20, 40) on: cells of 10, a bar from 3.5 to 6.5 of each
        let path = day_path("x", Look::Barred, 12, &[(20, 40, 3), (32, 40, 1)]);
        assert!(path.contains("d=\"m25 40v34m12 -34v10\""), "{path}");
        let cell = "stroke-width=\"10.00\" stroke-dasharray=\"10.00 2.00\" stroke-dashoffset=\"12.00\"";
        let bar = "stroke=\"#FFFFFF\" stroke-width=\"7.00\" stroke-dasharray=\"3.00 9.00\" stroke-dashoffset=\"8.50\"";
        assert!(path.contains(cell) && path.contains(bar), "{path}");
    }

    #[test]
    fn stand_in_colours_become_patterns_and_dashes() {
        let drawn = draw(100, 100, |area| {
            (0..40).try_for_each(|series| dashed(area, &[(0, 0), (9, 9)], Pen::Series(series), 3))?;
            dashed(area, &[(0, 0), (9, 9)], Pen::Mark, 2)?;
            dashed(area, &[(0, 0), (9, 9)], Pen::Leader, 1)?;
            (0..2).try_for_each(|depth| band(area, depth, &[(0, 0), (9, 0)], &[(0, 9), (9, 9)]))?;
            (0..12).try_for_each(|series| bar(area, series, (0, 0), (9, 9), (0, 0)))
        });
        let drawn = with_patterns("x", &drawn.unwrap());
        assert!(!drawn.contains("\"#0102") && !drawn.contains("\"#0103"), "{drawn}");
        let pens: std::collections::HashSet<&str> =
            drawn.lines().filter(|line| line.contains("stroke-width=\"3\"")).collect();
        assert_eq!(pens.len(), 36, "colour and dashes together");
        assert!(drawn.contains("fill=\"url(#x-range)\"") && drawn.contains("fill=\"url(#x-inner)\""));
        assert_eq!(patterns("x", &drawn).matches("<pattern").count(), 2 + 5, "two ranges, five hatches of six");
    }

    #[test]
    fn text_is_wrapped_to_two_lines_at_most() {
        assert_eq!(wrap("meeting room", 100), ["meeting room"]);
        assert_eq!(wrap("meeting room", 60), ["meeting", "room"]);
        assert_eq!(wrap("a b c d e f", 16), ["a", "b…"]);
        assert_eq!(wrap("", 60), [""]);
        assert_eq!((cut("a long name", 60).as_str(), cut("short", 60).as_str()), ("a long…", "short"));
    }
}
