//! Files that do not hold together, and cases a reviewer would send back: each named with file and line.

use super::*;

const GOOD: &str = r#"title = "T"
assumptions = "a.csv"
first_year = "2022-23"
horizon_years = 3
baseline = "stay"
price_note = "n"

[[driver]]
id = "phones"
value = "phones"

[[driver]]
id = "idle"
query = "disposition-summary"
column = "extensions"
where = { action = ["cease", "remove_handset"], platform = "mitel-smdr" }

[[ramp]]
id = "move"
shape = "linear"
from = "2023-04"
months = "months"

[[option]]
id = "stay"
title = "Stay"

[[option]]
id = "go"
title = "Go"
line = [
  { title = "L", kind = "revenue", unit_cost = "price", driver = "phones", per = "year", ramp = "move" },
]
"#;

const ROWS: [&str; 4] = ["phones,20,phones", "months,6,months", "price,58.80,GBP", "part,50,%"];

fn refused(from: &str, to: &str) -> Vec<String> {
    assert!(GOOD.contains(from), "{from}");
    match load_case(&GOOD.replacen(from, to, 1), &ROWS) {
        Err(errors) => {
            assert!(errors.iter().all(|error| !error.hint().is_empty()), "{errors:?}");
            errors.iter().map(ToString::to_string).collect()
        }
        Ok(_) => panic!("{to} was taken"),
    }
}

#[test]
fn a_case_is_read_with_its_defaults() {
    let case = load_case(GOOD, &ROWS).unwrap();
    assert_eq!((case.base_year, case.price_base), (case.first_year, case.first_year));
    assert_eq!((case.steady_year.to_string().as_str(), case.draws, case.seed), ("2024-25", 100_000, 1));
    assert_eq!(case.discount_edition, "green-book-2026, in force");
    let asked: Vec<&DriverQuery> = case.queries().collect();
    assert_eq!(
        asked[0].words(),
        "disposition-summary: sum of extensions where action is cease or remove_handset, platform is mitel-smdr"
    );
    let line = &case.options[1].lines[0];
    assert_eq!((line.months, line.one_off), ((0, 35), false));
    assert!(matches!(line.amount, Amount::Unit { ramp: Some((0, Part::Migrated)), pack: None, .. }));
}

#[test]
fn an_error_names_file_line_key_and_what_is_wrong() {
    for (from, to, wanted) in [
        ("horizon_years", "horizn_years", "case.toml:4, horizn_years: unknown field `horizn_years`"),
        ("title = \"T\"\n", "", "case.toml:1, assumptions: missing field `title`"),
        ("= 3\n", "= 0\n", "case.toml:4, horizon_years: 0 years are no horizon"),
        ("\"2022-23\"", "\"2022-24\"", "case.toml:3, first_year: `2022-24` is not a financial year"),
        ("= \"stay\"", "= \"say\"", "case.toml:5, baseline: no option is called `say`"),
        (
            "price_note = \"n\"",
            "discount = \"2020\"",
            "case.toml:6, discount: no edition of the discount rates is called `2020`",
        ),
        ("value = \"phones\"", "value = 20", "case.toml:10, value: invalid type: integer `20`, expected a string"),
        ("value = \"phones\"", "value = \"fones\"", "case.toml:10, value: no assumption is called `fones`"),
        ("value = \"phones\"", "value = \"price\"", "case.toml:10, value: `price` is no number"),
        ("id = \"idle\"", "id = \"phones\"", "case.toml:13, id: a second driver is called `phones`"),
        (
            "from = \"2023-04\"",
            "from = \"2025-04\"",
            "case.toml:21, from: 2025-04 lies outside the horizon 2022-04 to 2025-03",
        ),
        ("from = \"2023-04\"", "", "case.toml:19, id: ramp `move` says not one way to move"),
        ("shape = \"linear\"", "shape = \"slow\"", "case.toml:20, shape: unknown variant `slow`"),
        ("unit_cost = \"price\"", "unit_cost = \"part\"", "case.toml:32: `part` is no sum of money"),
        ("driver = \"phones\"", "driver = \"fones\"", "case.toml:32: no driver is called `fones`"),
        ("ramp = \"move\"", "ramp = \"mve\"", "case.toml:32: no ramp is called `mve`"),
        ("ramp = \"move\"", "ramp_as = \"remaining\"", "case.toml:32: line \"L\" has `ramp_as` without `ramp`"),
        ("ramp = \"move\"", "one_off = true", "case.toml:32: line \"L\" needs no `one_off`"),
        (
            "ramp = \"move\"",
            "from = \"2024-05\", until = \"2023-05\"",
            "case.toml:32: line \"L\" ends before it begins",
        ),
        (
            "\"year\", ramp",
            "\"once\", from = \"2023-04\", ramp",
            "case.toml:32: line \"L\" has `from` or `until` where",
        ),
        (
            "\"year\", ramp = \"move\"",
            "\"once\"",
            "case.toml:32: line \"L\" has `from` or `until` where they do not belong, or lacks",
        ),
        ("per = \"year\",", "", "case.toml:32: line \"L\" is a price of nothing"),
        ("ramp = \"move\"", "vat_recoverable = \"part\"", "case.toml:32: VAT of no rate"),
        ("ramp = \"move\"", "bias = \"b\"", "case.toml:32: no bias is called `b`"),
        ("kind = \"revenue\"", "kind = \"opex\"", "case.toml:32: unknown variant `opex`"),
        ("id = \"go\"", "id = \"stay\"", "case.toml:29, id: a second option is called `stay`"),
        (
            "unit_cost = \"price\", driver = \"phones\", per = \"year\", ramp = \"move\"",
            "by_year = { \"2025-26\" = \"price\" }",
            "case.toml:32: 2025-26 lies outside the horizon 2022-23 to 2024-25",
        ),
    ] {
        let said = refused(from, to);
        assert!(said.iter().any(|said| said.starts_with(wanted)), "{to}: said {said:?}, wanted {wanted}");
    }
}

#[test]
fn all_that_is_wrong_is_told_at_once() {
    let said = refused("unit_cost = \"price\", driver = \"phones\"", "unit_cost = \"prise\", driver = \"fones\"");
    assert_eq!(said.len(), 1, "a line is left at its first error: {said:?}");
    let text = GOOD.replace("value = \"phones\"", "value = \"fones\"").replace("\"move\" }", "\"mve\" }");
    let said = load_case(&text, &ROWS).unwrap_err();
    assert!(said.len() >= 2, "{said:?}");
}

#[test]
fn a_circle_of_drivers_is_named() {
    let circle =
        "[[driver]]\nid = \"a\"\ndifference = [\"phones\", \"b\"]\n[[driver]]\nid = \"b\"\nsum = [\"a\"]\n[[ramp]]";
    let said = refused("[[ramp]]", circle);
    assert_eq!(said, ["case.toml:19, id: a circular reference: a needs b needs a"]);
    let said = refused("[[ramp]]", "[[driver]]\nid = \"a\"\nsum = [\"nobody\"]\n[[ramp]]");
    assert_eq!(said, ["case.toml:20, sum: no driver is called `nobody`"]);
}

/// What a reviewer would find in the case with this change, as kind and place.
fn found(text: &str, rows: &[&str]) -> Vec<(&'static str, Severity, String)> {
    let case = case_of(text, rows);
    case.review().into_iter().map(|finding| (finding.kind, finding.severity, finding.place)).collect()
}

#[test]
fn a_reviewer_finds_each_failure_at_its_line() {
    let given = GOOD.replace("query = \"disposition-summary\"\ncolumn = \"extensions\"\nwhere = { action = [\"cease\", \"remove_handset\"], platform = \"mitel-smdr\" }", "value = \"phones\"");
    let benefit = |keys: &str| {
        format!(
            "{given}benefit = [ {{ title = \"B\", class = \"cash_releasing\", kind = \"revenue\", each_year = \"price\", {keys} }} ]\n"
        )
    };
    let stay = given.replace(
        "title = \"Stay\"",
        "title = \"Stay\"\nline = [ { title = \"U\", kind = \"capital\", by_year = { \"2023-24\" = \"price\" } } ]",
    );
    let claimed = stay.clone()
        + "benefit = [ { title = \"B\", class = \"cash_releasing\", kind = \"revenue\", each_year = \"price\", owner = \"o\", measure = \"m\", avoids = \"stay: U\" } ]\n";
    let biased = given.replace(
        "[[option]]\nid = \"stay\"",
        "[[bias]]\nid = \"b\"\nclass = \"outsourcing\"\nmitigation = \"part\"\n[[option]]\nid = \"stay\"",
    );
    let late = ROWS.map(|row| if row.starts_with("price") { "price,,58.80,,,GBP,2021-22,,s,o,,," } else { row });
    let gross =
        ROWS.map(|row| if row.starts_with("price") { "price,,58.80,,,GBP,2022-23,included,s,o,,," } else { row });
    let unsourced = ROWS.map(|row| if row.starts_with("price") { "price,,58.80,,,GBP,2022-23,,,o,,," } else { row });
    for (text, rows, kind, severity, place) in [
        (given.clone(), late, "mixed_price_bases", Severity::Error, "a.csv:4"),
        (given.clone(), gross, "vat_in_economic_case", Severity::Error, "a.csv:4"),
        (given.clone(), unsourced, "unsourced", Severity::Warning, "a.csv:4"),
        (given.clone(), ROWS, "baseline_costs_nothing", Severity::Error, "case.toml"),
        (stay.clone(), ROWS, "no_optimism_bias", Severity::Warning, "case.toml:25, line"),
        (benefit("measure = \"m\""), ROWS, "benefit_without_owner", Severity::Error, "case.toml:32, benefit"),
        (benefit("owner = \"o\""), ROWS, "benefit_without_measure", Severity::Warning, "case.toml:32, benefit"),
        (claimed.clone(), ROWS, "capital_claimed_as_revenue", Severity::Error, "case.toml:33, benefit"),
        (claimed, ROWS, "counted_twice", Severity::Error, "case.toml:33, benefit"),
        (biased, ROWS, "bias_without_method", Severity::Error, "case.toml:23, id"),
        (
            given
                .replace("assumptions", "deflators = \"d.csv\"\nassumptions")
                .replace("horizon_years = 3", "horizon_years = 4"),
            ROWS,
            "deflator_missing",
            Severity::Error,
            "case.toml",
        ),
    ] {
        let found = found(&text, &rows);
        assert!(found.contains(&(kind, severity, place.to_string())), "{kind} at {place} in {found:?}");
    }
    // With the deflators of both years the bases are brought together.
    let with = given.replace("assumptions", "deflators = \"d.csv\"\nassumptions");
    assert!(!found(&with, &late).iter().any(|(kind, ..)| *kind == "mixed_price_bases"));
}

#[test]
fn a_count_below_zero_and_an_amount_too_large_are_refused() {
    let less = "[[driver]]\nid = \"less\"\ndifference = [\"months\", \"phones\"]\n[[driver]]\nid = \"months\"\nvalue = \"months\"\n[[ramp]]";
    let given = GOOD.replace("query = \"disposition-summary\"\ncolumn = \"extensions\"\nwhere = { action = [\"cease\", \"remove_handset\"], platform = \"mitel-smdr\" }", "value = \"phones\"");
    let file = load_case(&given.replacen("[[ramp]]", less, 1), &ROWS).unwrap();
    let error = Case::new(file, Evidence::default()).unwrap_err();
    assert_eq!(error.to_string(), "case.toml:17, id: driver less: its count is -14");
    let large = ROWS.map(|row| if row.starts_with("price") { "price,999999999999999,GBP" } else { row });
    let error = Case::new(load_case(&given, &large).unwrap(), Evidence::default()).unwrap_err();
    assert!(error.to_string().contains("ten million million pounds"), "{error}");
}
