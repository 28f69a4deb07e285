//! The report as one self-contained page: no script, nothing fetched, WCAG 2.2 AA. What it looks like is in
//! `report.html.j2`; this file only turns the model into the texts that the template sets.

use super::{Cell, Kind, Report, Section, brush, chart, check, clean, unique};
use crate::error::{Error, Result};
use minijinja::syntax::SyntaxConfig;
use minijinja::value::{Serde, Value};
use minijinja::{Environment, UndefinedBehavior};
use serde::Serialize;
use std::collections::HashSet;

/// The whole page. Equal reports give equal bytes.
pub fn html(report: &Report) -> Result<String> {
    check(report)?;
    let mut ids: HashSet<String> = ["main", "figures", "contents", "provenance"].map(String::from).into();
    let sections = report.sections.iter().map(|section| SectionView::of(section, &mut ids)).collect::<Result<_>>()?;
    let fact = |fact: &super::Fact| FactView {
        label: clean(&fact.label),
        value: shown(&fact.value),
        unit: clean(&fact.unit),
        note: clean(&fact.note),
    };
    let page = Page {
        title: clean(&report.title),
        subtitle: clean(&report.subtitle),
        as_of: Cell::Date(report.as_of).to_string(),
        facts: report.facts.iter().map(fact).collect(),
        sections,
        provenance: report.provenance.iter().map(|(name, value)| (clean(name), clean(value))).collect(),
        chart_dark_css: Value::from_safe_string(brush::dark_css()),
    };
    fill(&page).map_err(|error| Error::Render { what: format!("page: {error}") })
}

/// The name ends in `.html`, so everything that is not marked as safe is escaped.
fn fill(page: &Page) -> std::result::Result<String, minijinja::Error> {
    let mut environment = Environment::new();
    environment.set_undefined_behavior(UndefinedBehavior::Strict);
    environment.set_syntax(SyntaxConfig::builder().trim_blocks(true).lstrip_blocks(true).build()?);
    environment.add_template("report.html", include_str!("report.html.j2"))?;
    environment.get_template("report.html")?.render(Serde(page))
}

#[derive(Serialize)]
struct Page {
    title: String,
    subtitle: String,
    as_of: String,
    facts: Vec<FactView>,
    sections: Vec<SectionView>,
    provenance: Vec<(String, String)>,
    chart_dark_css: Value,
}

#[derive(Serialize)]
struct FactView {
    label: String,
    value: String,
    unit: String,
    note: String,
}

#[derive(Serialize)]
struct SectionView {
    id: String,
    title: String,
    intro: Vec<String>,
    chart: Option<Value>,
    chart_title: String,
    caption: String,
    columns: Vec<ColumnView>,
    rows: Vec<Vec<String>>,
    total: Option<Vec<String>>,
    cut: String,
    file: String,
    note: String,
}

#[derive(Serialize)]
struct ColumnView {
    title: String,
    class: &'static str,
}

impl SectionView {
    fn of(section: &Section, ids: &mut HashSet<String>) -> Result<Self> {
        let table = &section.table;
        let all = table.rows.len();
        let shows = section.rows_shown.map_or(all, |shown| shown.min(all));
        let id = unique(ids, &slug(&section.id), "-", 80);
        let chart = match &section.chart {
            Some(chart) => chart::svg(&id, chart, table, shows)?,
            None => None,
        };
        let column = |column: &super::Column| ColumnView {
            title: clean(&column.title),
            class: match column.kind {
                kind if kind.is_number() => "n",
                Kind::Date => "d",
                _ => "",
            },
        };
        let counted = |count: usize| Cell::Int(i64::try_from(count).unwrap_or(i64::MAX));
        Ok(Self {
            id,
            title: clean(&section.title),
            intro: clean(&section.intro)
                .split("\n\n")
                .map(str::trim)
                .filter(|text| !text.is_empty())
                .map(String::from)
                .collect(),
            chart: chart.map(Value::from_safe_string),
            chart_title: section.chart.as_ref().map_or(String::new(), |chart| clean(chart.title())),
            caption: clean(if table.caption.is_empty() { &section.title } else { &table.caption }),
            columns: table.columns.iter().map(column).collect(),
            rows: table.rows[..shows].iter().map(|row| row.iter().map(shown).collect()).collect(),
            total: table.total.as_ref().map(|row| row.iter().map(shown).collect()),
            cut: if shows < all { format!("{} of {}", counted(shows), counted(all)) } else { String::new() },
            file: clean(section.file.as_deref().unwrap_or("")),
            note: clean(&section.note),
        })
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
    use super::super::{Column, Table, sample};
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
            if name == "style" {
                rest = &rest[rest.find("</style>").expect("style ends")..];
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
        let report = sample::report();
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
            let shown = section.rows_shown.unwrap_or(usize::MAX);
            wanted.extend(
                section.table.rows.iter().take(shown).chain(&section.table.total).flatten().map(Cell::to_string),
            );
        }
        wanted.extend(report.provenance.into_iter().flat_map(|(name, value)| [name, value]));
        for text in wanted {
            assert!(texts.contains(&text), "not on the page: {text}");
        }
        assert!(!page.contains("<script"));
        assert!(texts.contains("First 5 of 6 rows") && !texts.contains("051"), "the sixth row is in the file only");
        assert!(texts.contains("idle-handsets.csv"));
    }

    #[test]
    fn the_page_needs_nothing_from_elsewhere() {
        let page = html(&sample::report()).unwrap();
        assert_eq!(page.matches("http").count(), page.matches("xmlns=\"http://www.w3.org/2000/svg\"").count());
        for word in ["<link", "<img", "src=", "@import", "javascript:", "onload", "@font-face"] {
            assert!(!page.contains(word), "{word}");
        }
        for (at, _) in page.match_indices("url(") {
            assert!(page[at..].starts_with("url(#"), "a style from elsewhere");
        }
        assert_eq!(page, html(&sample::report()).unwrap(), "equal reports, equal bytes");
    }

    #[test]
    fn the_page_can_be_used_without_seeing_it() {
        let page = html(&sample::report()).unwrap();
        assert!(page.contains("<html lang=\"en-GB\">") && page.contains("href=\"#main\""));
        assert_eq!(page.matches("<h1").count(), 1);
        assert!(!page.contains("<h4"), "no level below the one the sections use");
        assert_eq!(page.matches("<table").count(), page.matches("<caption").count());
        assert_eq!(page.matches("<th").count(), page.matches("<thead").count() + page.matches(" scope=\"").count());
        assert_eq!(page.matches("<svg").count(), 4);
        assert_eq!(page.matches("role=\"img\" aria-labelledby=\"by-").count(), 2);
        assert_eq!(page.matches("role=\"img\" aria-labelledby=\"").count(), 4);
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
        let mut report = sample::report();
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
        let mut report = sample::report();
        let rows = (0..20_000).map(|at| vec![Cell::Int(at)]).collect();
        let table = Table { columns: vec![Column::new("n", "N", Kind::Int)], rows, ..Table::default() };
        report.sections = vec![Section { table, rows_shown: Some(200), ..Section::default() }];
        let page = html(&report).unwrap();
        assert!(page.contains("First 200 of 20,000 rows") && page.len() < 100_000, "{}", page.len());
    }
}
