//! The report as one self-contained page: its parts in order, nothing fetched, WCAG 2.2 AA. What it looks like is in
//! `page.html.j2` and `page.css`, what its tables do in `page.js`; this file only turns the model into texts for them.

use super::{Cell, Chart, Column, Kind, Part, Report, Section, Table, brush, chart, check, clean, csp, unique};
use crate::error::{Error, Result};
use minijinja::syntax::SyntaxConfig;
use minijinja::value::{Serde, Value};
use minijinja::{Environment, UndefinedBehavior};
use serde::Serialize;
use std::collections::HashSet;

/// Longer tables are folded: the page is read for its charts and short tables first.
const LONG: usize = 15;
/// Words of a column are kept on one line up to so many letters, and given room from so many on.
const SHORT_WORDS: usize = 24;
const LONG_WORDS: usize = 40;
/// Millimetres that a sheet has for a table, upright and on its side, with some to spare: these are estimates.
const UPRIGHT: usize = 168;
const ASIDE: usize = 265;

/// The whole page. Equal reports give equal bytes.
pub fn html(report: &Report) -> Result<String> {
    check(report)?;
    let fixed = ["main", "figures", "contents", "provenance"].map(String::from);
    let mut ids: HashSet<String> = fixed.into_iter().chain(Part::ALL.map(Part::anchor)).collect();
    let (mut parts, mut names) = (Vec::new(), HashSet::new());
    for part in Part::ALL {
        let within = report.sections.iter().filter(|section| section.part == part);
        let sections =
            within.map(|section| SectionView::of(section, &mut ids, &mut names)).collect::<Result<Vec<_>>>()?;
        if !sections.is_empty() {
            parts.push(PartView { id: part.anchor(), title: part.title(), lead: part.lead(), sections });
        }
    }
    let fact = |fact: &super::Fact| FactView {
        id: fact.id.clone(),
        label: clean(&fact.label),
        value: shown(&headline(&fact.value)),
        exact: clean(&fact.value.exact()),
        unit: clean(&fact.unit),
        note: clean(&fact.note),
    };
    let (style, script) = (style(&report.title), unix(include_str!("page.js")));
    let page = Page {
        policy: csp::policy(&style, &script),
        title: clean(&report.title),
        subtitle: clean(&report.subtitle),
        as_of: Cell::Date(report.as_of).to_string(),
        facts: report.facts.iter().map(fact).collect(),
        parts,
        provenance: report.provenance.iter().map(|(name, value)| (clean(name), clean(value))).collect(),
        style: Value::from_safe_string(style),
        script: Value::from_safe_string(script),
    };
    fill(&page).map_err(|error| Error::Render { what: format!("page: {error}") })
}

/// The name ends in `.html`, so everything that is not marked as safe is escaped.
fn fill(page: &Page) -> std::result::Result<String, minijinja::Error> {
    let mut environment = Environment::new();
    environment.set_undefined_behavior(UndefinedBehavior::Strict);
    environment.set_syntax(SyntaxConfig::builder().trim_blocks(true).lstrip_blocks(true).build()?);
    environment.add_template("page.html", include_str!("page.html.j2"))?;
    environment.get_template("page.html")?.render(Serde(page))
}

/// The style sheet with the colours of charts in the dark, and with the title for the top of each sheet of paper.
fn style(title: &str) -> String {
    let css = unix(include_str!("page.css"));
    let css = css.replace("/* charts in the dark */", &brush::dark_css());
    css.replace("/* title */ \"\"", &format!("\"{}\"", css_text(title)))
}

/// A text within a CSS string: all but letters, digits and blanks by their code, so that none can end it.
fn css_text(text: &str) -> String {
    let short: String = clean(text).chars().take(90).collect();
    let code =
        |c: char| if c.is_ascii_alphanumeric() || c == ' ' { c.to_string() } else { format!("\\{:06x} ", c as u32) };
    short.chars().map(code).collect()
}

/// Line ends as a browser sees them: a digest of others would not be that of what it has.
fn unix(text: &str) -> String {
    text.replace("\r\n", "\n")
}

#[derive(Serialize)]
struct Page {
    policy: String,
    title: String,
    subtitle: String,
    as_of: String,
    facts: Vec<FactView>,
    parts: Vec<PartView>,
    provenance: Vec<(String, String)>,
    style: Value,
    script: Value,
}

#[derive(Serialize)]
struct FactView {
    id: String,
    label: String,
    value: String,
    exact: String,
    unit: String,
    note: String,
}

#[derive(Serialize)]
struct PartView {
    id: String,
    title: &'static str,
    lead: &'static str,
    sections: Vec<SectionView>,
}

#[derive(Serialize)]
struct SectionView {
    id: String,
    title: String,
    intro: Vec<String>,
    chart: Option<Value>,
    chart_title: String,
    caption: String,
    /// Names of the places that scroll: no two alike on the page.
    chart_name: String,
    table_name: String,
    /// Whether the table is folded, and what tells its length then.
    is_long: bool,
    /// Whether it needs a sheet on its side, and whether its words must be broken even then.
    is_broad: bool,
    is_tight: bool,
    count: String,
    columns: Vec<ColumnView>,
    rows: Vec<Vec<CellView>>,
    /// How many rows there are, where not all of them are shown.
    of: String,
    total: Option<Vec<CellView>>,
    cut: String,
    file: String,
    note: String,
}

#[derive(Serialize)]
struct ColumnView {
    title: String,
    class: &'static str,
    /// About as wide as it is on paper.
    #[serde(skip)]
    millimetres: usize,
}

/// `exact` is what the cell is sorted by; empty for words.
#[derive(Serialize)]
struct CellView {
    text: String,
    exact: String,
}

impl SectionView {
    fn of(section: &Section, ids: &mut HashSet<String>, names: &mut HashSet<String>) -> Result<Self> {
        let table = &section.table;
        let all = table.rows.len();
        let shows = section.rows_shown.map_or(all, |shown| shown.min(all));
        let id = unique(ids, &slug(&section.id), "-", 80);
        let chart = match &section.chart {
            Some(chart) => chart::svg(&id, chart, table, shows)?,
            None => None,
        };
        let places: Vec<usize> = match section.columns_shown.as_slice() {
            [] => (0..table.columns.len()).collect(),
            names => names.iter().filter_map(|name| table.column(name)).collect(),
        };
        let rows = &table.rows[..shows];
        let cells = |row: &Vec<Cell>| places.iter().map(|&at| CellView::of(&row[at])).collect();
        let columns: Vec<ColumnView> = places.iter().map(|&at| ColumnView::of(table, at, rows)).collect();
        let (wide, paper) = (table.columns.len(), columns.iter().map(|column| column.millimetres).sum::<usize>());
        let cut = match (shows < all, places.len() < wide) {
            (false, false) => String::new(),
            (true, false) => format!("The first {} of {} rows.", counted(shows), counted(all)),
            (false, true) => format!("All {} rows; {} of {wide} columns.", counted(all), places.len()),
            (true, true) => {
                format!("The first {} of {} rows; {} of {wide} columns.", counted(shows), counted(all), places.len())
            }
        };
        let caption = clean(if table.caption.is_empty() { &section.title } else { &table.caption });
        let chart_title = section.chart.as_ref().map_or(String::new(), |chart| chart_title(chart, shows));
        let mut name = |kind: &str, of: &str| unique(names, &format!("{kind}: {of}"), " ", 200);
        Ok(Self {
            id,
            chart_name: name("Chart", &chart_title),
            table_name: name("Table", &caption),
            title: clean(&section.title),
            intro: clean(&section.intro)
                .split("\n\n")
                .map(str::trim)
                .filter(|text| !text.is_empty())
                .map(String::from)
                .collect(),
            chart: chart.map(Value::from_safe_string),
            chart_title,
            caption,
            is_long: shows > LONG,
            count: if shows < all {
                format!("{} of {} rows", counted(shows), counted(all))
            } else {
                format!("{} {}", counted(shows), if shows == 1 { "row" } else { "rows" })
            },
            is_broad: paper > UPRIGHT,
            is_tight: paper > ASIDE,
            columns,
            rows: rows.iter().map(cells).collect(),
            of: if shows < all { counted(all).to_string() } else { String::new() },
            total: table.total.as_ref().map(cells),
            cut,
            file: clean(section.file.as_deref().unwrap_or("")),
            note: clean(&section.note),
        })
    }
}

impl ColumnView {
    fn of(table: &Table, at: usize, rows: &[Vec<Cell>]) -> Self {
        let Column { title, kind, .. } = &table.columns[at];
        let title = clean(title);
        let letters = |text: &str| text.chars().count();
        let longest = rows.iter().map(|row| letters(&shown(&row[at]))).max().unwrap_or(0);
        let class = match kind {
            kind if kind.is_number() => "n",
            Kind::Date => "d",
            _ if longest > LONG_WORDS => "w",
            _ if longest <= SHORT_WORDS => "s",
            _ => "m",
        };
        let word = title.split_whitespace().map(letters).max().unwrap_or(0);
        let millimetres = match class {
            "w" => 50,
            // goes over two lines
            "m" => 3 + (longest / 2).max(word).max(15) * 14 / 10,
            _ => 3 + longest.max(word) * 14 / 10,
        };
        Self { title, class, millimetres }
    }
}

impl CellView {
    fn of(cell: &Cell) -> Self {
        let exact = match cell {
            Cell::Int(_) | Cell::Decimal(..) | Cell::Pence(_) | Cell::Date(_) => cell.exact(),
            Cell::Empty | Cell::Text(_) | Cell::Bool(_) => String::new(),
        };
        Self { text: shown(cell), exact }
    }
}

/// With what of the table is drawn, where that is not all of it.
fn chart_title(chart: &Chart, rows: usize) -> String {
    let title = clean(chart.title());
    match chart {
        Chart::StackedBars(_) if rows > chart::MOST_BARS => {
            format!("{title}: the {} largest of {}", chart::MOST_BARS, counted(rows))
        }
        _ => title,
    }
}

fn counted(count: usize) -> Cell {
    Cell::Int(i64::try_from(count).unwrap_or(i64::MAX))
}

/// A headline has two decimals at most; programs read all of them beside it.
fn headline(cell: &Cell) -> Cell {
    match cell {
        Cell::Decimal(value, places) => Cell::Decimal(*value, (*places).min(2)),
        other => other.clone(),
    }
}

fn shown(cell: &Cell) -> String {
    clean(&cell.to_string())
}

/// Small letters, digits and dashes: fit for an anchor and an `id`.
fn slug(id: &str) -> String {
    let dashed = id.to_ascii_lowercase().replace(|c: char| !c.is_ascii_alphanumeric(), "-");
    let slug = dashed.trim_matches('-');
    if slug.is_empty() { "section".into() } else { slug.into() }
}

#[cfg(test)]
mod tests {
    use super::super::sample;
    use super::*;

    /// Every tag closed in order, every attribute quoted, no id twice; gives the text between the tags.
    fn parse(page: &str) -> String {
        let void = ["meta", "link", "br", "hr", "img", "input"];
        let (mut open, mut ids, mut texts) = (Vec::<&str>::new(), HashSet::new(), String::new());
        let mut rest = page.strip_prefix("<!doctype html>").expect("doctype");
        while let Some(at) = rest.find('<') {
            texts.push_str(&rest[..at]);
            let end = at + rest[at..].find('>').expect("an open tag ends");
            let tag = &rest[at + 1..end];
            rest = &rest[end + 1..];
            if let Some(name) = tag.strip_prefix('/') {
                assert_eq!(open.pop(), Some(name), "closed out of order");
                continue;
            }
            let name = tag.split([' ', '\n', '/']).next().unwrap_or("");
            assert!(name.bytes().all(|byte| byte.is_ascii_alphanumeric()), "odd tag <{tag}>");
            assert_eq!(tag.matches('"').count() % 2, 0, "odd quotes in <{tag}>");
            if let Some((_, id)) = tag.split_once(" id=\"") {
                assert!(ids.insert(id.split('"').next()), "id twice in <{tag}>");
            }
            if ["style", "script"].contains(&name) {
                rest = &rest[rest.find(&format!("</{name}>")).expect("it ends")..];
            }
            if !tag.ends_with('/') && !void.contains(&name) {
                open.push(name);
            }
        }
        assert!(open.is_empty(), "left open: {open:?}");
        for (from, to) in [
            ("&lt;", "<"),
            ("&gt;", ">"),
            ("&quot;", "\""),
            ("&#x27;", "'"),
            ("&#x2f;", "/"),
            ("&#39;", "'"),
            ("&apos;", "'"),
            ("&amp;", "&"),
        ] {
            texts = texts.replace(from, to);
        }
        texts
    }

    #[test]
    fn everything_in_the_report_is_on_the_page_and_nothing_of_it_is_markup() {
        let report = sample::full();
        let page = html(&report).unwrap();
        let texts = parse(&page);
        let mut wanted = vec![report.title, report.subtitle, "31 Mar 2024".into(), "£12,345,678.90".into()];
        for fact in report.facts {
            wanted.extend([fact.label, fact.value.to_string(), fact.unit, fact.note]);
        }
        for section in report.sections {
            wanted.extend([section.title, section.note, section.table.caption]);
            wanted.extend(section.intro.split("\n\n").map(String::from));
            wanted.extend(section.table.columns.into_iter().map(|column| column.title));
            wanted.extend([section.part.title(), section.part.lead()].map(String::from));
            let shown = section.rows_shown.unwrap_or(usize::MAX);
            wanted.extend(
                section.table.rows.iter().take(shown).chain(&section.table.total).flatten().map(Cell::to_string),
            );
        }
        wanted.extend(report.provenance.into_iter().flat_map(|(name, value)| [name, value]));
        for text in wanted {
            assert!(texts.contains(&text), "not on the page: {text}");
        }
        assert_eq!(page.matches("<script").count(), 1, "its own");
        assert!(
            texts.contains("The first 5 of 6 rows.") && !texts.contains("051"),
            "the sixth row is in the file only"
        );
        assert!(page.contains("<table data-of=\"6\">"));
        assert!(texts.contains("The whole table is in idle-handsets.csv and in the workbook."));
    }

    #[test]
    fn parts_stand_in_their_order_whatever_the_order_of_sections() {
        let mut report = sample::full();
        let part = |at: usize| [Part::Unseen, Part::Money, Part::Found, Part::Money, Part::Found][at % 5];
        report.sections.iter_mut().enumerate().for_each(|(at, section)| section.part = part(at));
        let page = html(&report).unwrap();
        let place = |id: &str| page.find(&format!(" id=\"{id}\"")).unwrap_or_else(|| panic!("{id} is not there"));
        let order = [
            "what-was-found",
            "idle-handsets",
            "legacy-use",
            "money-by-year",
            "by-year",
            "coverage",
            "what-could-not-be-seen",
            "by-use",
        ];
        assert!(order.map(place).is_sorted(), "{:?}", order.map(place));
        assert!(!page.contains("what-it-means"), "a part without sections is left out");
        let contents = &page[page.find("<nav").unwrap()..page.find("</nav>").unwrap()];
        for id in order {
            assert_eq!(contents.matches(&format!("href=\"#{id}\"")).count(), 1, "{id}");
        }
    }

    #[test]
    fn figures_carry_their_name_and_exact_value_and_so_do_numbers_of_tables() {
        let page = html(&sample::full()).unwrap();
        for figure in [
            "data-figure=\"idle.handsets\" data-value=\"7819\">7,819<",
            "data-figure=\"saving\" data-value=\"12345678.90\">£12,345,678.90<",
            "data-figure=\"covered-until\" data-value=\"2024-03-31\">31 Mar 2024<",
            "<td class=\"n\" data-value=\"915600.00\">£915,600.00</td>",
            "<td class=\"n\" data-value=\"-0.05\">−£0.05</td>",
            "<td class=\"n\">—</td>",
            "<td class=\"d\" data-value=\"2024-03-31\">31 Mar 2024</td>",
        ] {
            assert!(page.contains(figure), "{figure}");
        }
    }

    #[test]
    fn only_the_columns_asked_for_are_shown_and_it_is_said() {
        let mut report = sample::full();
        let section = &mut report.sections[2];
        section.columns_shown = ["protected", "extension"].map(String::from).to_vec();
        let page = html(&report).unwrap();
        assert!(page.contains("The first 5 of 6 rows; 2 of 5 columns."));
        assert!(
            page.contains("<tr><th scope=\"row\" class=\"s\">yes</th><td class=\"s\">001</td></tr>")
                && !page.contains(">Last used<")
        );
        report.sections[2].columns_shown = vec!["nobody".into()];
        assert!(html(&report).unwrap_err().to_string().contains("nobody"));
    }

    #[test]
    fn the_policy_lets_the_page_use_what_is_its_own_and_nothing_else() {
        let mut report = sample::full();
        report.title = "\"}</style><script>alert(1)</script>\\".into();
        let page = html(&report).unwrap();
        let inside = |name: &str| {
            let (_, rest) = page.split_once(&format!("<{name}>")).unwrap();
            rest.split_once(&format!("</{name}>")).unwrap().0.to_string()
        };
        let policy = csp::policy(&inside("style"), &inside("script")).replace('\'', "&#x27;").replace('/', "&#x2f;");
        assert!(page.contains(&format!("content=\"{policy}\"")), "{policy}");
        assert!(page.find("Content-Security-Policy").unwrap() < page.find("<style").unwrap(), "before what it rules");
        assert!(!page.contains(" style=") && !page.contains(" onclick"), "it would forbid them");
        assert!(inside("style").contains("content: \"\\000022 \\00007d \\00003c \\00002f style"));
    }

    #[test]
    fn a_chart_that_leaves_bars_out_says_so() {
        let mut report = sample::full();
        let table = &mut report.sections[0].table;
        table.rows = (0..40).map(|_| table.rows[0].clone()).collect();
        assert!(html(&report).unwrap().contains("<figcaption>Handsets by use: the 30 largest of 40</figcaption>"));
    }

    #[test]
    fn the_page_needs_nothing_from_elsewhere() {
        let page = html(&sample::full()).unwrap();
        assert_eq!(
            page.matches("http").count() - page.matches("http-equiv").count(),
            page.matches("xmlns=\"http://www.w3.org/2000/svg\"").count()
        );
        for word in ["<link", "<img", "src=", "@import", "javascript:", "onload", "@font-face", "fetch(", "import("] {
            assert!(!page.contains(word), "{word}");
        }
        for (at, _) in page.match_indices("url(") {
            assert!(page[at..].starts_with("url(#"), "a style from elsewhere");
        }
        assert_eq!(page, html(&sample::full()).unwrap(), "equal reports, equal bytes");
    }

    #[test]
    fn the_page_can_be_used_without_seeing_it() {
        let page = html(&sample::full()).unwrap();
        assert!(page.contains("<html lang=\"en-GB\">") && page.contains("href=\"#main\""));
        assert_eq!(page.matches("<h1").count(), 1);
        assert!(!page.contains("<h4"), "no level below the one the sections use");
        assert!(page.find("<h2").unwrap() < page.find("<h3").unwrap());
        assert_eq!(page.matches("<table").count(), page.matches("<caption").count());
        assert_eq!(page.matches("<th").count(), page.matches("<thead").count() + page.matches(" scope=\"").count());
        assert_eq!(page.matches("<svg").count(), 6);
        assert_eq!(page.matches("role=\"img\" aria-labelledby=\"by-").count(), 2);
        assert_eq!(page.matches("role=\"img\" aria-labelledby=\"").count(), 6);
        for (at, _) in page.match_indices("tabindex=\"0\"") {
            let tag = &page[page[..at].rfind('<').unwrap_or(0)..];
            assert!(tag[..tag.find('>').unwrap_or(0)].contains("aria-label"), "a stop without a name");
        }
        for id in ["main", "figures", "contents", "provenance", "by-use", "by-year", "idle-handsets"] {
            assert_eq!(page.matches(&format!(" id=\"{id}\"")).count(), 1, "{id}");
        }
    }

    #[test]
    fn an_empty_report_and_a_hostile_id_still_make_a_page() {
        let mut report = sample::full();
        report.facts.clear();
        report.provenance.clear();
        report.sections = vec![
            Section { id: "\"><b>".into(), title: "Main\u{0}".into(), ..Section::default() },
            Section { id: "main".into(), ..Section::default() },
            Section { id: "main".into(), ..Section::default() },
        ];
        report.sections[0].table.columns = vec![Column::new("a", "A", Kind::Text)];
        let page = html(&report).unwrap();
        let texts = parse(&page);
        assert!(page.contains(" id=\"b\"") && page.contains(" id=\"main-2\"") && page.contains(" id=\"main-3\""));
        assert!(texts.contains("No rows") && texts.contains('\u{fffd}') && !page.contains('\u{0}'));
    }

    #[test]
    fn a_long_table_does_not_blow_the_page() {
        let mut report = sample::full();
        let rows = (0..20_000).map(|at| vec![Cell::Int(at)]).collect();
        let table = Table { columns: vec![Column::new("n", "N", Kind::Int)], rows, ..Table::default() };
        report.sections = vec![Section { table, rows_shown: Some(200), ..Section::default() }];
        let page = html(&report).unwrap();
        assert!(page.contains("The first 200 of 20,000 rows.") && page.len() < 150_000, "{}", page.len());
    }
}
