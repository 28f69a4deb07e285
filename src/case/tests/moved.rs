//! Evidence, sensitivities, scenarios, chance and the chain of a figure.

use super::*;
use rust_decimal::Decimal;

fn sample() -> Case {
    const CASE: &str = include_str!("../../../sample-data/case.toml");
    const BOOK: &str = include_str!("../../../sample-data/assumptions.csv");
    const DEFLATORS: &str = include_str!("../../../sample-data/deflators.csv");
    let read = |name: &str| Ok(if name == "deflators.csv" { DEFLATORS } else { BOOK }.to_string());
    let case = load(Path::new("case.toml"), CASE, &read).unwrap_or_else(|errors| panic!("{errors:?}"));
    let mut evidence = Evidence::default();
    for query in case.queries().map(|query| query.query.clone()).collect::<std::collections::BTreeSet<_>>() {
        let (columns, rows) = table(&query);
        evidence.take(&query, columns, rows);
    }
    evidence.unused = Some(Unused { silent: 50, low: 40, expected: 45 });
    Case::new(case, evidence).unwrap()
}

fn table(query: &str) -> (Vec<String>, Vec<Vec<String>>) {
    let text = |cells: &[&str]| cells.iter().map(ToString::to_string).collect::<Vec<String>>();
    if query != "disposition-summary" {
        let columns = text(&["source", "platform", "charge_pence_a_year"]);
        return (columns, vec![text(&["hq", "cisco-cucm", "123456"]), text(&["mcvp", "avaya-cm", "7"])]);
    }
    let rows = [
        ["hq", "cisco-cucm", "hot_desk", "idle", "cease", "40"],
        ["hq", "cisco-cucm", "meeting_room", "in_use", "remove_handset", "20"],
        ["hq", "cisco-cucm", "personal", "in_use", "teams_ddi", "100"],
        ["old", "mitel-smdr", "custody", "protected", "fixed", "30"],
        ["old", "mitel-smdr", "unknown", "idle", "review", "10"],
        ["mcvp", "avaya-cm", "role", "idle", "cease", "50"],
        ["mcvp", "avaya-cm", "role", "in_use", "keep", ""],
    ];
    (
        text(&["source", "platform", "use", "verdict", "action", "extensions"]),
        rows.iter().map(|row| text(row)).collect(),
    )
}

fn counts(case: &Case) -> Vec<(String, i64)> {
    case.appraisal().drivers.into_iter().map(|driver| (driver.id, driver.count)).collect()
}

#[test]
fn drivers_count_the_rows_they_name() {
    let counts: std::collections::BTreeMap<String, i64> = counts(&sample()).into_iter().collect();
    let of = |id: &str| counts[id];
    assert_eq!((of("old"), of("removed"), of("to_teams"), of("unused")), (200, 60, 100, 40));
    assert_eq!((of("left_by_removal"), of("to_fixed"), of("left_by_unused")), (140, 40, 160));
    assert_eq!(sample().review().iter().filter(|finding| finding.severity == Severity::Error).count(), 0);
}

/// Of 40 idle phones to cease 36 stay with nine tenths really unused; four are used and go to review.
#[test]
fn fewer_unused_phones_move_what_silence_took_and_nothing_else() {
    let text = head("")
        + r#"driver = [
  { id = "all", query = "disposition-summary", column = "extensions" },
  { id = "taken", query = "disposition-summary", column = "extensions", where = { action = ["cease", "remove_handset"], platform = "cisco-cucm" } },
  { id = "review", query = "disposition-summary", column = "extensions", where = { action = "review", platform = "cisco-cucm" } },
  { id = "kept", query = "disposition-summary", column = "extensions", where = { action = "keep" } },
  { id = "either", query = "disposition-summary", column = "extensions", where = { action = ["cease", "review"], platform = "cisco-cucm" } },
]
option = [{ id = "stay", title = "S" }]
"#;
    let with = |percent: &str| {
        let mut file = load_case(&text, &[]).unwrap();
        file.set("unused_share", percent).unwrap();
        let mut evidence = Evidence::default();
        let (columns, rows) = table("disposition-summary");
        evidence.take("disposition-summary", columns, rows);
        counts(&Case::new(file, evidence).unwrap()).into_iter().map(|(_, n)| n).collect::<Vec<_>>()
    };
    assert_eq!(with("100"), [250, 60, 0, 0, 40]);
    assert_eq!(with("90"), [250, 56, 4, 0, 40]);
    // Half of 40 and a bit: whole phones, rounded against the saving.
    assert_eq!(with("51"), [250, 40, 20, 0, 40]);
}

/// Of 20 phones of low use to remove 15 stay with three quarters really of low use; five are in use and go to review.
#[test]
fn fewer_phones_of_low_use_move_likewise() {
    let text = head("")
        + r#"driver = [
  { id = "taken", query = "q", column = "n", where = { action = "remove_handset" } },
  { id = "review", query = "q", column = "n", where = { action = "review" } },
  { id = "review_in_use", query = "q", column = "n", where = { action = "review", verdict = "in_use" } },
  { id = "review_low_use", query = "q", column = "n", where = { action = "review", verdict = "low_use" } },
]
option = [{ id = "stay", title = "S" }]
"#;
    let mut file = load_case(&text, &[]).unwrap();
    file.set("low_use_share", "75").unwrap();
    file.set("unused_share", "50").unwrap();
    let mut evidence = Evidence::default();
    let row = |cells: [&str; 3]| cells.map(String::from).to_vec();
    let rows = vec![
        row(["low_use", "remove_handset", "20"]),
        row(["idle", "remove_handset", "8"]),
        row(["low_use", "review", "3"]),
    ];
    evidence.take("q", row(["verdict", "action", "n"]), rows);
    // 28 − 5 − 4; 3 + 5 + 4; 5; 3 + 4: idle phones that are used turn out to be of low use.
    let found: Vec<i64> = counts(&Case::new(file, evidence).unwrap()).into_iter().map(|(_, n)| n).collect();
    assert_eq!(found, [19, 12, 5, 7]);
}

#[test]
fn an_answer_that_is_no_count_is_refused_by_name() {
    let text = head("")
        + "driver = [{ id = \"d\", query = \"q\", column = \"n\", where = { a = \"x\" } }]\noption = [{ id = \"stay\", title = \"S\" }]\n";
    let refused = |columns: &[&str], cell: &str| {
        let mut evidence = Evidence::default();
        evidence.take("q", columns.iter().map(ToString::to_string).collect(), vec![vec!["x".into(), cell.into()]]);
        Case::new(load_case(&text, &[]).unwrap(), evidence).unwrap_err().to_string()
    };
    assert_eq!(refused(&["a", "n"], "4.5"), "case.toml:8, driver: driver d: query q, column n: `4.5` is not a count");
    assert_eq!(refused(&["a", "m"], "4"), "case.toml:8, driver: driver d: query q has no column `n`");
    assert_eq!(refused(&["b", "n"], "4"), "case.toml:8, driver: driver d: query q has no column `a`");
    let unasked = Case::new(load_case(&text, &[]).unwrap(), Evidence::default()).unwrap_err().to_string();
    assert!(unasked.ends_with("query q has not been asked"), "{unasked}");
}

/// Floating point comes to the same penny, whatever the inputs within their ranges.
#[test]
fn the_quick_way_agrees_with_the_exact_one() {
    let case = sample();
    for part in [0, 1, 3, 7, 10] {
        let between = |input: &Assumption| match input.range {
            Some((low, high)) => (low + (high - low) * Decimal::from(part) / Decimal::from(10)).round_dp(2),
            None => input.value,
        };
        let inputs: Vec<Decimal> = case.file.book.iter().map(between).collect();
        let quick: Vec<f64> = inputs.iter().map(|value| value.to_string().parse().unwrap()).collect();
        let (exact, quick) = (case.model.values(&inputs), case.model.values(&quick));
        for ((cell, exact), quick) in case.model.cells.iter().zip(exact).zip(quick) {
            match (exact, quick) {
                (Ok(exact), Ok(quick)) => {
                    let exact: f64 = exact.to_string().parse().unwrap();
                    assert!((exact - quick).abs() < 1e-4, "{}: {exact} and {quick}", cell.label);
                }
                (exact, quick) => assert_eq!(exact.is_err(), quick.is_err(), "{}", cell.label),
            }
        }
    }
}

#[test]
fn what_is_set_by_hand_is_what_the_tornado_says() {
    let case = sample();
    let sensitivity = case.sensitivity().unwrap();
    let with = |id: &str, value: &str| {
        let mut file = case.file.clone();
        file.set(id, value).unwrap();
        let npvs = Case::new(file, case.evidence.clone()).unwrap().appraisal().options;
        npvs.into_iter().map(|option| option.npv).collect::<Vec<_>>()
    };
    let swing = sensitivity.swings.iter().find(|swing| swing.input == "teams_user").unwrap();
    assert_eq!((swing.low.as_str(), swing.value.as_str(), swing.high.as_str()), ("£48.00", "£54.00", "£66.00"));
    let (low, high) = (with("teams_user", "48"), with("teams_user", "66"));
    for (at, option) in swing.options.iter().enumerate() {
        assert_eq!((option.npv_low, option.npv_high), (low[at], high[at]), "{}", option.option);
    }
    let widths: Vec<i64> =
        sensitivity.swings.iter().map(|s| s.options.iter().map(OptionSwing::width).max().unwrap()).collect();
    assert!(widths.is_sorted_by(|a, b| a >= b), "{widths:?}");
    // At the value where it turns, the net present value is nothing, but for the pennies of rounding.
    let turning = swing.options.iter().find_map(|o| o.switches_at.clone().map(|at| (o.option.clone(), at)));
    let (option, at) = turning.expect("one option turns");
    let npv = with("teams_user", &at)[case.file.options.iter().position(|o| o.id == option).unwrap()];
    assert!(npv.0.abs() < 1_000, "{option} at {at}: {npv}");
    // The published test of the discount rate, and a scenario of several.
    let of = |id: &str| &sensitivity.scenarios.iter().find(|scenario| scenario.id == id).unwrap().npv;
    assert_eq!(*of("review-2026"), with("discount_from_year_0", "3.0"));
    assert_eq!(*of("less-idle"), with("unused_share", "80"));
}

#[test]
fn the_same_seed_gives_the_same_draws_on_any_number_of_cores() {
    let mut case = sample();
    case.file.draws = 3_500;
    let on = |threads: usize| {
        let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build().unwrap();
        pool.install(|| case.simulate().unwrap())
    };
    let first = on(1);
    assert_eq!(first, on(3));
    assert!(
        first.drawn.iter().any(|line| line.starts_with("unused_share: triangular, 0.8 to 1, likeliest 0.9")),
        "{:?}",
        first.drawn
    );
    let mut other = case.clone();
    other.file.seed = 2;
    assert_ne!(first.options, other.simulate().unwrap().options);
    for spread in &first.options {
        assert!(spread.p10 <= spread.p50 && spread.p50 <= spread.p80 && spread.p80 <= spread.p90, "{}", spread.option);
        let last = spread.fan.last().unwrap();
        assert_eq!((last.p10, last.p50, last.p90), (spread.p10, spread.p50, spread.p90), "the fan ends at the npv");
    }
}

/// One saving of £0 to £1,000 a year, even or triangular: the quantiles are known.
#[test]
fn draws_have_the_quantiles_of_their_shape() {
    for (shape, p10, p50, p90) in
        [("uniform", 0.1, 0.5, 0.9), ("triangular", 0.05_f64.sqrt(), 0.5, 1.0 - 0.05_f64.sqrt())]
    {
        let text = head("").replace("horizon_years = 3", "horizon_years = 1")
            + "[[option]]\nid = \"stay\"\ntitle = \"S\"\nline = [{ title = \"l\", kind = \"revenue\", each_year = \"x_a_year\" }]\n\
               [[option]]\nid = \"go\"\ntitle = \"G\"\n[simulation]\ndraws = 50000\n";
        let row = format!("x_a_year,,500,0,1000,GBP,2022-23,,s,o,,,{shape}");
        let spread = case_of(&text, &[&row]).simulate().unwrap().options[1].clone();
        for (found, wanted) in [(spread.p10, p10), (spread.p50, p50), (spread.p90, p90)] {
            let found = found.pounds() / 1000.0;
            assert!((found - wanted).abs() < 0.01, "{shape}: {found}, not {wanted}");
        }
        assert!((spread.above_zero.as_f64() - 1.0).abs() < 0.001);
    }
}

#[test]
fn the_chain_of_a_figure_ends_at_assumptions_and_queries() {
    let case = sample();
    let steps = case.trace("npv.consolidate").unwrap();
    assert_eq!(steps[0].value, case.printed(case.model.figures["npv.consolidate"]));
    assert!(steps[0].formula.as_deref().unwrap().starts_with("ROUND(SUMPRODUCT("), "{:?}", steps[0].formula);
    let has = |wanted: &dyn Fn(&From) -> bool| steps.iter().any(|step| wanted(&step.from));
    assert!(has(
        &|from| matches!(from, From::Assumption(row) if row.id == "teams_user" && row.place == "assumptions.csv:8")
    ));
    assert!(has(&|from| matches!(from, From::Query(query) if query.driver == "old")));
    assert!(has(&|from| matches!(from, From::Assumption(row) if row.id == "discount_from_year_0" && row.is_parameter)));
    // What has a value and no cells behind it is an input, a query or a number of the grid.
    for step in &steps {
        assert!(step.formula.is_some() || step.value.is_some(), "{step:?}");
    }
    assert!(case.trace("npv.nobody").unwrap_err().hint().contains("npv.consolidate"));
}

/// Lines to sums, sums to savings, savings to present values: pencil arithmetic over the published figures.
#[test]
fn whatever_the_values_everything_adds_up() {
    let case = sample();
    for part in [0, 3, 10] {
        let mut file = case.file.clone();
        for input in &mut file.book {
            if let Some((low, high)) = input.range {
                input.value = (low + (high - low) * Decimal::from(part) / Decimal::from(10)).round_dp(4);
            }
        }
        let appraisal = Case::new(file, case.evidence.clone()).unwrap().appraisal();
        let base = appraisal.options.iter().find(|option| option.id == appraisal.baseline).unwrap();
        for option in &appraisal.options {
            let sum = |of: &dyn Fn(&YearFigures) -> i64| option.years.iter().map(of).sum::<i64>();
            let mut cumulative = 0;
            for (y, year) in option.years.iter().enumerate() {
                let of = |kind: Kind| -> i64 {
                    option.lines.iter().filter(|line| line.kind == kind).map(|line| line.by_year[y].0).sum()
                };
                assert_eq!((year.capital.0, year.revenue.0), (of(Kind::Capital), of(Kind::Revenue)), "{}", option.id);
                assert_eq!(year.total.0, year.capital.0 + year.revenue.0);
                assert_eq!(year.capital_saving.0, base.years[y].capital.0 - year.capital.0);
                assert_eq!(year.revenue_saving.0, base.years[y].revenue.0 - year.revenue.0);
                cumulative += year.saving.0;
                assert_eq!(year.cumulative.0, cumulative);
            }
            let benefits: i64 = option.benefits.iter().flat_map(|benefit| benefit.total).map(|total| total.0).sum();
            assert_eq!(option.saving.0, base.total.0 - option.total.0 + benefits, "{}", option.id);
            assert_eq!((option.total.0, option.cdel.0), (sum(&|y| y.total.0), sum(&|y| y.cdel.0)));
            assert_eq!(option.lines.iter().map(|line| line.total.0).sum::<i64>(), option.total.0);
            // Each year's present value is rounded, their sum once: half a penny a year apart at most.
            let present = sum(&|y| y.present_saving.0);
            assert!(
                (present - option.npv.0).abs() <= option.years.len() as i64 / 2 + 1,
                "{present} and {}",
                option.npv
            );
            let cash: i64 =
                option.lines.iter().flat_map(|line| line.nominal.iter().flatten()).map(|pence| pence.0).sum();
            assert_eq!(cash, option.cdel.0 + option.rdel.0, "no cash-releasing benefit in the sample");
        }
    }
}
