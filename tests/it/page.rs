//! The page in a browser that is not ours: it opens from a file, says nothing on the console, has the figures of the run;
//! its tables sort and filter; axe-core finds nothing to object to; it prints. Needs Chromium, axe-core and poppler.

mod browser;

use std::path::PathBuf;

use onhook::render::{self, Cell, Column, Fact, Kind, Part, Report, Section, Table};
use serde_json::{Value, json};

use self::browser::{Browser, Opened, runs};
use crate::workdir::Workdir;

const PROBE: &str = include_str!("page/probe.js");
const DARK: &str = "--blink-settings=preferredColorScheme=0";
const LIGHT: &str = "--blink-settings=preferredColorScheme=1";

/// A folder with the night's outputs of the sample in `out`.
fn night() -> Workdir {
    let work = Workdir::sample();
    work.good(&["nightly", "-c", "sample-data/onhook.toml", "-o", "out"]);
    work
}

/// What a test needs, or a word on why it is left out; with ONHOOK_NO_SKIP it fails instead.
fn needed<T>(found: Option<T>, what: &str) -> Option<T> {
    if found.is_none() {
        assert!(std::env::var_os("ONHOOK_NO_SKIP").is_none(), "{what}");
        eprintln!("SKIPPED a test of the page: {what}");
    }
    found
}

fn browser() -> Option<Browser> {
    needed(Browser::find(), "Chromium is not installed")
}

/// The file that `ONHOOK_AXE` names.
fn axe() -> Option<String> {
    let file = std::env::var_os("ONHOOK_AXE").map(PathBuf::from);
    needed(file.and_then(|file| std::fs::read_to_string(file).ok()), "ONHOOK_AXE does not name axe-core's axe.min.js")
}

/// Rows of one of the lists, each with its cells by the names of the columns.
fn list(work: &Workdir, name: &str) -> Vec<std::collections::HashMap<String, String>> {
    let text = work.read(&format!("out/{name}"));
    csv::Reader::from_reader(text.as_bytes()).deserialize().map(Result::unwrap).collect()
}

fn column(rows: &[std::collections::HashMap<String, String>], name: &str) -> Vec<String> {
    rows.iter().map(|row| row[name].clone()).collect()
}

#[test]
fn it_opens_from_a_file_without_a_word_on_the_console() {
    let Some(browser) = browser() else { return };
    let work = night();
    let page = work.read("out/report.html");
    let Opened { dom, console } = browser.open(&work.join("out/report.html"), &[]);
    assert!(console.is_empty(), "{console:#?}");
    assert!(dom.contains("class=\"controls\""), "its script has run");
    // The policy holds, and a breach of it would have been heard: other code, another style, a picture from elsewhere.
    for (from, to) in [
        ("\"use strict\";", "\"use strict\"; "),
        (":root {", ":root  {"),
        ("</main>", "<img alt=\"\" src=\"https://example.invalid/x.png\"></main>"),
        ("</main>", "<p style=\"color:red\">x</p></main>"),
        ("</main>", "<script>document.title = 'changed'</script></main>"),
    ] {
        let changed = page.replacen(from, to, 1);
        assert_ne!(changed, page, "{from}");
        work.write("changed.html", &changed);
        let Opened { dom, console } = browser.open(&work.join("changed.html"), &[]);
        assert!(console.iter().any(|line| line.contains("Content Security Policy")), "{to}: {console:#?}");
        assert!(!dom.contains("<title>changed"));
        if from.starts_with("\"use strict\"") {
            // Without its script everything is there still, and nothing that would not work.
            for tag in ["<tr", "<td", "<svg", "<details", "data-figure=", "<h3"] {
                assert_eq!(dom.matches(tag).count(), page.matches(tag).count(), "{tag}");
            }
            assert!(!dom.contains("<button") && !dom.contains("<input"));
        }
    }
}

#[test]
fn its_figures_are_those_of_the_run_its_tables_obey_and_axe_finds_nothing() {
    let (Some(browser), Some(axe)) = (browser(), axe()) else { return };
    let work = night();
    let disposition = list(&work, "disposition.csv");
    let unattended = |row: &&std::collections::HashMap<String, String>| row["verdict"] == "unattended";
    let plan = json!([
        { "answer": "disposition", "read": "Extension" },
        { "answer": "disposition", "read": "Extension", "sort": "Calls" },
        { "answer": "disposition", "read": "Extension", "sort": "Calls" },
        { "answer": "disposition", "read": "Extension", "sort": "Calls" },
        { "answer": "disposition", "read": "Extension", "sort": "Last used on" },
        { "answer": "disposition", "read": "Extension", "sort": "Last used on" },
        { "answer": "disposition", "read": "Extension", "sort": "Last used on", "choose": { "Verdict": "unattended" } },
        { "answer": "disposition", "read": "Extension", "search": "s004" },
        { "answer": "disposition", "read": "Extension", "search": "nobody has this" },
        { "answer": "disposition", "read": "Extension", "clear": true },
        { "answer": "verdicts-by-site", "read": "Site", "search": "S001" },
    ]);
    work.write("out/axe.min.js", axe);
    let page = work.read("out/report.html");
    let (head, rest) = page.split_once("<meta http-equiv=\"Content-Security-Policy\"").expect("the policy");
    let rest = rest.split_once('>').unwrap().1.replace(
        "</body>",
        &format!(
            "<script type=\"application/json\" id=\"plan\">{plan}</script><script src=\"axe.min.js\"></script>\
             <script>{PROBE}</script></body>"
        ),
    );
    work.write("out/probed.html", format!("{head}{rest}"));
    let probed = |scheme: &str| -> Value {
        let Opened { dom, console } = browser.open(&work.join("out/probed.html"), &[scheme]);
        assert!(console.is_empty(), "{console:#?}");
        let (_, found) = dom.rsplit_once("<pre id=\"probe\">").expect("the probe has written");
        let found = found.split_once("</pre>").unwrap().0;
        let found = found.replace("&lt;", "<").replace("&gt;", ">").replace("&nbsp;", "\u{a0}").replace("&amp;", "&");
        serde_json::from_str(&found).unwrap()
    };
    let [light, dark] = [LIGHT, DARK].map(probed);
    assert_eq!((&light["dark"], &dark["dark"]), (&json!(false), &json!(true)));
    assert_ne!(light["background"], dark["background"]);
    for found in [&light, &dark] {
        assert_eq!(found["errors"], json!([]));
        assert_eq!(found["requests"], json!([]));
        assert_eq!(found["violations"], json!([]), "{:#}", found["violations"]);
        let looked_at = |rule: &str| {
            found["passed"]
                .as_array()
                .unwrap()
                .iter()
                .find(|pair| pair[0] == rule)
                .map_or(0, |pair| pair[1].as_u64().unwrap())
        };
        for (rule, least) in [("color-contrast", 5_000), ("label", 8), ("target-size", 300), ("button-name", 200)] {
            assert!(looked_at(rule) >= least, "{rule} was looked at {} times only", looked_at(rule));
        }
    }
    assert_eq!(light["steps"], dark["steps"]);

    // Figures: those of the page, of run.json, and counted from the lists.
    let run: Value = serde_json::from_str(&work.read("out/run.json")).unwrap();
    let plain = |value: &Value| value.as_str().map_or_else(|| value.to_string(), String::from);
    let shown: Vec<(String, String)> =
        light["figures"].as_array().unwrap().iter().map(|figure| (plain(&figure[0]), plain(&figure[1]))).collect();
    let mut told: Vec<(String, String)> =
        run["figures"].as_object().unwrap().iter().map(|(id, value)| (id.clone(), plain(value))).collect();
    let mut sorted = shown.clone();
    told.sort();
    sorted.sort();
    // run.json has the figures of every option, the page those of the best.
    let of_the_page: Vec<_> = told.into_iter().filter(|(id, _)| sorted.iter().any(|(shown, _)| shown == id)).collect();
    assert_eq!(sorted, of_the_page);
    let figure = |id: &str| shown.iter().find(|(name, _)| name == id).map_or("", |(_, value)| value.as_str());
    assert_eq!(figure("extensions.registered"), disposition.len().to_string());
    assert_eq!(figure("handsets.unused"), list(&work, "idle-handsets.csv").len().to_string());
    for action in ["cease", "remove_handset", "teams_ddi", "fixed", "keep", "review"] {
        let count = disposition.iter().filter(|row| row["action"] == action).count();
        assert_eq!(figure(&format!("action.{action}")), count.to_string(), "{action}");
        assert_eq!(run["extensions"]["by_action"][action].as_u64().unwrap_or(0), count as u64, "{action}");
    }
    let options = run["case"]["options"].as_array().unwrap();
    let mut valued = 0;
    for (id, value) in &shown {
        if let Some(option) = id.strip_prefix("npv.").and_then(|id| options.iter().find(|option| option["id"] == id)) {
            assert_eq!(*value, plain(&option["npv"]), "{id}");
            valued += 1;
        }
    }
    assert!(valued > 0, "no net present value among {shown:?}");

    // Tables, held to the lists. A sort is stable, and what has no value comes last either way.
    let extension = |rows: &[&std::collections::HashMap<String, String>]| -> Vec<String> {
        rows.iter().map(|row| row["extension"].clone()).collect()
    };
    let step = |at: usize| {
        let step = &light["steps"][at];
        let cells: Vec<String> = step["cells"].as_array().unwrap().iter().map(plain).collect();
        (cells, plain(&step["status"]), step["sorted"].clone())
    };
    let all = disposition.len();
    let as_it_came = (column(&disposition, "extension"), format!("{all} of {all} rows"), json!([]));
    assert_eq!(step(0), as_it_came);
    let calls = |row: &std::collections::HashMap<String, String>| row["calls"].parse::<i64>().unwrap();
    let mut rising: Vec<_> = disposition.iter().collect();
    rising.sort_by_key(|row| calls(row));
    assert!(calls(rising[all - 1]) >= 1_000, "numbers that sort otherwise as words");
    let mut falling: Vec<_> = disposition.iter().collect();
    falling.sort_by_key(|row| -calls(row));
    for (at, rows, word, aria) in [(1, &rising, "rising", "ascending"), (2, &falling, "falling", "descending")] {
        let status = format!("{all} of {all} rows, sorted by Calls, {word}");
        assert_eq!(step(at), (extension(rows), status, json!([["Calls", aria]])));
    }
    assert_eq!(step(3), as_it_came, "a third time: as it came");
    let (used, unused): (Vec<_>, Vec<_>) = disposition.iter().partition(|row| !row["last_used_on"].is_empty());
    assert!(!used.is_empty() && !unused.is_empty());
    let (mut rising, mut falling) = (used.clone(), used);
    rising.sort_by(|a, b| a["last_used_on"].cmp(&b["last_used_on"]));
    falling.sort_by(|a, b| b["last_used_on"].cmp(&a["last_used_on"]));
    assert_eq!(step(4).0, extension(&[rising, unused.clone()].concat()));
    assert_eq!(step(5).0, extension(&[falling, unused].concat()));

    let chosen: Vec<_> = disposition.iter().filter(unattended).collect();
    assert!(!chosen.is_empty() && chosen.len() < all);
    assert_eq!(step(6), (extension(&chosen), format!("{} of {all} rows", chosen.len()), json!([])));
    let both: Vec<_> = chosen.into_iter().filter(|row| row["site"] == "S004").collect();
    assert!(!both.is_empty());
    assert_eq!(step(7).0, extension(&both), "list and box together");
    assert_eq!(step(8), (vec![], format!("0 of {all} rows"), json!([])));
    assert_eq!(step(9), as_it_came);
    let sites: std::collections::BTreeSet<String> = column(&disposition, "site").into_iter().collect();
    let status = format!("1 of {} rows; the last line sums up all rows", sites.len());
    assert_eq!(step(10), (vec!["S001".to_string()], status, json!([])));
}

#[test]
fn hostile_texts_stay_texts() {
    let Some(browser) = browser() else { return };
    const HOSTILE: [&str; 7] = [
        "<script>document.title = 'changed'</script>",
        "</script><script>document.title = 'changed'</script>",
        "</style><img src=x onerror=\"document.title = 'changed'\">",
        "\" autofocus onfocus=\"document.title = 'changed'",
        "</title></svg></table><iframe src=\"javascript:alert(1)\">",
        "{{ 7 * 7 }}{% raw %}&lt;b&gt;",
        "'); } body { display: none } /*",
    ];
    let text = |at: usize| HOSTILE[at % HOSTILE.len()].to_string();
    let columns = (0..4).map(|at| Column::new(text(at), text(at + 1), Kind::Text)).collect();
    let rows = (0..30).map(|row| (0..4).map(|at| Cell::Text(text(row + at * row))).collect()).collect();
    let table = Table { caption: text(2), columns, rows, total: Some((0..4).map(|at| Cell::Text(text(at))).collect()) };
    let fact =
        |at: usize| Fact { id: text(at), label: text(at), value: Cell::Text(text(at)), unit: text(at), note: text(at) };
    let report = Report {
        title: HOSTILE.join(" "),
        subtitle: text(1),
        as_of: "2024-03-31".parse().unwrap(),
        facts: (0..HOSTILE.len()).map(fact).collect(),
        sections: vec![Section {
            part: Part::Money,
            id: text(3),
            title: text(4),
            intro: text(2),
            table,
            note: text(1),
            file: Some(text(2)),
            rows_shown: Some(29),
            ..Section::default()
        }],
        provenance: vec![(text(0), text(1))],
    };
    let work = Workdir::new();
    work.write("hostile.html", render::html(&report).unwrap());
    let Opened { dom, console } = browser.open(&work.join("hostile.html"), &[]);
    assert!(console.is_empty(), "{console:#?}");
    for tag in ["<img", "<iframe", "<b>", "49", "<title>changed"] {
        assert!(!dom.contains(tag), "{tag}");
    }
    assert_eq!((dom.matches("<script").count(), dom.matches("<style").count()), (1, 1));
    assert_eq!(dom.matches("data-figure=").count(), HOSTILE.len());
    assert_eq!(dom.matches("<tr").count(), 1 + 29 + 1);
    assert!(dom.contains("29 of 29 rows"), "its script has run");
    let title = dom.split_once("<title>").unwrap().1.split_once("</title>").unwrap().0;
    assert!(
        HOSTILE
            .iter()
            .all(|text| title.contains(&text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;")))
    );
}

#[test]
fn on_paper_it_is_a4_and_nothing_is_folded_away() {
    let tools = ["pdfinfo", "pdftotext"].into_iter().all(|program| runs(program, "-v"));
    let (Some(browser), Some(_)) = (browser(), needed(tools.then_some(()), "poppler-utils are not installed")) else {
        return;
    };
    let work = night();
    assert!(browser.print(&work.join("out/report.html"), &work.join("report.pdf")));
    let ask = |program: &str, arguments: &[&str]| {
        let ran = std::process::Command::new(program).args(arguments).current_dir(work.path()).output().unwrap();
        assert!(ran.status.success(), "{program}");
        String::from_utf8_lossy(&ran.stdout).into_owned()
    };
    let sizes = ask("pdfinfo", &["-f", "1", "-l", "999", "report.pdf"]);
    let sizes: Vec<[i64; 2]> = sizes
        .lines()
        .filter(|line| line.starts_with("Page ") && line.contains("size:"))
        .filter_map(|line| {
            let (wide, high) = line.split_once("size:")?.1.split_once("pts")?.0.split_once('x')?;
            Some([wide, high].map(|side| side.trim().parse::<f64>().unwrap().round() as i64))
        })
        .collect();
    assert!(sizes.len() > 5, "{sizes:?}");
    // 210 by 297 mm, upright or on its side
    for [wide, high] in &sizes {
        assert!([[595, 842], [842, 595]].contains(&[*wide, *high]), "{sizes:?}");
    }
    // A table too wide for its sheet would make a browser shrink all pages: the heading of a part has 20 points, and the
    // box of a word is a tenth higher at least.
    let boxes = ask("pdftotext", &["-bbox", "-f", "2", "report.pdf", "-"]);
    let side = |word: &str, name: &str| -> f64 {
        word.split_once(&format!("{name}=\"")).unwrap().1.split('"').next().unwrap().parse().unwrap()
    };
    let heights =
        boxes.lines().filter(|line| line.contains("<word")).map(|word| side(word, "yMax") - side(word, "yMin"));
    let tallest = heights.fold(0.0, f64::max);
    assert!((22.0..30.0).contains(&tallest), "the heading of a part is {tallest} points high");
    let text = ask("pdftotext", &["-layout", "report.pdf", "-"]);
    let words: std::collections::HashSet<&str> = text.split_whitespace().collect();
    for row in list(&work, "disposition.csv") {
        assert!(words.contains(row["extension"].as_str()), "{} is not on paper", row["extension"]);
    }
    let pages: Vec<&str> = text.split('\u{c}').filter(|page| !page.trim().is_empty()).collect();
    assert_eq!(pages.len(), sizes.len());
    for (at, page) in pages.iter().enumerate() {
        assert!(page.contains(&format!("Page {} of {}", at + 1, pages.len())), "page {}", at + 1);
        assert!(at == 0 || page.contains("Desk phones: what is used"), "page {} has no title", at + 1);
    }
    assert!(!text.contains("Search the rows") && !text.contains("Skip to the report"), "controls are for screens");
    // The list goes over several pages; each begins with its headings.
    let headed = pages.iter().filter(|page| {
        page.lines().any(|line| {
            ["Source", "Extension", "Verdict", "Owner", "Calls", "Reason"].iter().all(|head| line.contains(head))
        })
    });
    let headed = headed.count();
    assert!(headed >= 5, "{headed} pages with the headings of the list");
}
