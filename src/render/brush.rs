//! What charts are drawn with: colours, hatches, marks and text through `plotters`' SVG backend; knows no figures.
//! Fonts are the page's, so widths of text are estimates with room to spare.

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

/// The patterns that `with_hatches` refers to, for the drawing's `<defs>`.
pub fn hatch_patterns(id: &str) -> String {
    let mut out = String::new();
    for (at, path) in HATCHES.iter().enumerate().filter(|(_, path)| !path.is_empty()) {
        let _ = write!(
            out,
            "<pattern id=\"{id}-hatch{at}\" width=\"8\" height=\"8\" patternUnits=\"userSpaceOnUse\"><path d=\"{path}\" \
             fill=\"none\" stroke=\"#{PAPER:06X}\" stroke-opacity=\"0.7\" stroke-width=\"1.3\"/></pattern>"
        );
    }
    out
}

/// The drawing with its stand-in colours turned into patterns.
pub fn with_hatches(id: &str, drawn: &str) -> String {
    (0..HATCHES.len()).fold(drawn.to_string(), |drawn, at| {
        let flat = format!("fill=\"#{:06X}\"", HATCH + at as u32);
        drawn.replace(&flat, &format!("fill=\"url(#{id}-hatch{at})\""))
    })
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
    for line in lines.iter_mut().filter(|line| width(line) > limit) {
        let room = (f64::from(limit) / LETTER) as usize;
        *line = line.chars().take(room.saturating_sub(1)).chain(['…']).collect();
    }
    lines
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
/// The panel, light and dark; `report.html.j2` has the same.
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
    fn text_is_wrapped_to_two_lines_at_most() {
        assert_eq!(wrap("meeting room", 100), ["meeting room"]);
        assert_eq!(wrap("meeting room", 60), ["meeting", "room"]);
        assert_eq!(wrap("a b c d e f", 16), ["a", "b…"]);
        assert_eq!(wrap("", 60), [""]);
    }
}
