//! The published case and the Treasury's oracles (domain.md; peers-and-standards.md 3.2).

use super::*;

fn thousand(pounds: i64) -> Pence {
    Pence(pounds * 100_000)
}

fn published() -> Case {
    let text = include_str!("../../../sample-data/published-case/case.toml");
    let book = include_str!("../../../sample-data/published-case/assumptions.csv");
    let file = load(Path::new("case.toml"), text, &|_| Ok(book.to_string())).unwrap();
    assert_eq!(file.queries().count(), 0);
    Case::new(file, Evidence::default()).unwrap()
}

/// The figures of reference document 001 and what they imply, each to the pound.
#[test]
fn the_published_case_comes_out_as_published() {
    let appraisal = published().appraisal();
    let counts: Vec<i64> = appraisal.drivers.iter().map(|driver| driver.count).collect();
    assert_eq!(counts, [20_000, 5_000, 15_000, 15_000, 5_000, 5_000]);

    let [stay, go] = appraisal.options.as_slice() else { panic!("two options") };
    let of = |read: fn(&YearFigures) -> Pence| -> Vec<Pence> { go.years.iter().map(read).collect() };
    let nothing = [Pence::ZERO; 5];
    assert_eq!(of(|year| year.capital), [&[thousand(1_443), thousand(3_316)], &nothing[..]].concat());
    assert_eq!(of(|year| year.revenue), [&[thousand(470), thousand(1_581)], &nothing[..]].concat());
    assert_eq!(of(|year| year.total)[..2], [thousand(1_913), thousand(4_897)]);
    assert_eq!((go.capital, go.revenue), (thousand(4_759), thousand(2_051)));
    assert_eq!((go.one_off, go.total), (thousand(6_810), thousand(6_810)));

    assert_eq!(appraisal.steady_year.to_string(), "2024-25");
    assert_eq!(go.steady_saving, thousand(882));
    assert_eq!(of(|year| year.revenue_saving)[2..], [thousand(882); 5]);
    assert_eq!(of(|year| year.capital_saving)[2..], nothing);
    let payback = go.payback_years.unwrap();
    assert_eq!((payback, payback.one_decimal().as_str()), (Millionths(7_721_088), "7.7"));
    assert_eq!((appraisal.life_years, go.pays_back_in_life), (Some(5), Some(false)));
    // Five years save £4,410k, which is £2,400k short.
    assert_eq!(go.years[6].cumulative, thousand(-2_400));
    assert_eq!((go.saving, go.cumulative_payback), (thousand(-2_400), Payback::NotWithinHorizon));

    let unit = go.per_unit.as_ref().unwrap();
    assert_eq!((unit.driver.as_str(), unit.count), ("phones_removed", 15_000));
    assert_eq!((unit.steady_saving.to_string(), unit.one_off.to_string()), ("£58.80".into(), "£454.00".into()));

    // −1,913 − 4,897 / 1.035 + 882 × (1.035⁻² … 1.035⁻⁶), in exact fractions: −£2,796,791.1158.
    assert_eq!(go.npv, Pence(-279_679_112));
    assert_eq!(go.discounted_payback, Payback::NotWithinHorizon);
    // To be worth nothing either way, one-off costs would have to fall by 42.0924 %, or the saving rise by 72.6891 %.
    assert_eq!(go.one_off_may_rise, Some(Millionths(-420_924)));
    assert_eq!(go.saving_may_fall, Some(Millionths(-726_891)));
    assert_eq!(go.benefit_cost_ratio, Some(Millionths(579_076)));
    assert_eq!((stay.npv, stay.saving, stay.one_off), (Pence::ZERO, Pence::ZERO, Pence::ZERO));
    assert_eq!(stay.npv_against, [Against { option: "consolidate".into(), npv: Pence(279_679_112) }]);

    let [contract] = appraisal.commitments.as_slice() else { panic!("one commitment") };
    assert_eq!((contract.ceiling, contract.years, contract.a_year), (thousand(1_725), 5, thousand(345)));
    // What a reviewer would say of it, and no error.
    let kinds: Vec<&str> = appraisal.findings.iter().map(|finding| finding.kind).collect();
    assert!(appraisal.findings.iter().all(|finding| finding.severity == Severity::Warning), "{kinds:?}");
    for wanted in ["baseline_no_one_off", "no_price_base", "no_deflators", "short_list_too_short", "no_optimism_bias"] {
        assert!(kinds.contains(&wanted), "{wanted} in {kinds:?}");
    }
}

/// A case whose option pays and saves these pounds, by year from 2022-23; outlay is capital, saving is income.
fn flow(pounds: &[i64]) -> OptionFigures {
    let mut rows = Vec::new();
    let (mut out, mut back) = (Vec::new(), Vec::new());
    for (at, amount) in pounds.iter().enumerate() {
        rows.push(format!("year_{at}x,{},GBP", -amount));
        let year = format!("\"{}-{}\" = \"year_{at}x\"", 2022 + at, 23 + at);
        if *amount < 0 { out.push(year) } else { back.push(year) }
    }
    let text = head("").replace("horizon_years = 3", &format!("horizon_years = {}", pounds.len()))
        + &format!(
            "[[option]]\nid = \"stay\"\ntitle = \"S\"\n[[option]]\nid = \"go\"\ntitle = \"G\"\nline = [\n\
             {{ title = \"o\", kind = \"capital\", by_year = {{ {} }} }},\n{{ title = \"b\", kind = \"revenue\", by_year = {{ {} }} }} ]\n",
            out.join(", "),
            back.join(", ")
        );
    let rows: Vec<&str> = rows.iter().map(String::as_str).collect();
    case_of(&text, &rows).appraisal().options[1].clone()
}

#[test]
fn net_present_values_are_those_of_the_oracles() {
    // NPV(−100, 30 × 5) = 35.451571, here in millions of pounds so that six decimals are whole pounds.
    let go = flow(&[-100_000_000, 30_000_000, 30_000_000, 30_000_000, 30_000_000, 30_000_000]);
    assert_eq!(go.npv.whole_pounds(), "£35,451,571");
    // NPV(−100, −50, −50, 30 × 7) = −23.744947.
    let m = 1_000_000;
    let go = flow(&[-100 * m, -50 * m, -50 * m, 30 * m, 30 * m, 30 * m, 30 * m, 30 * m, 30 * m, 30 * m]);
    assert_eq!(go.npv.whole_pounds(), "-£23,744,947");
    assert_eq!(go.npv_against[0].npv, go.npv);
}

#[test]
fn payback_return_and_switching_values_are_those_of_the_oracle() {
    // £m −2.0, 0.5, 0.9 × 4: NPV 1.677074, IRR 27.216009 %, payback 2.666667 y, discounted 2.833692 y; benefits may fall
    // 45.6089 % or capital rise 83.8537 %.
    let go = flow(&[-2_000_000, 500_000, 900_000, 900_000, 900_000, 900_000]);
    assert_eq!(go.npv.whole_pounds(), "£1,677,074");
    assert_eq!(go.internal_rate_of_return, Some(Millionths(272_160)));
    let within = |payback: Payback| match payback {
        Payback::Within { year, after } => (year.to_string(), after),
        other => panic!("{other:?}"),
    };
    assert_eq!(within(go.cumulative_payback), ("2025-26".into(), Millionths(2_666_667)));
    assert_eq!(within(go.discounted_payback), ("2025-26".into(), Millionths(2_833_692)));
    assert_eq!((go.saving_may_fall, go.one_off_may_rise), (Some(Millionths(456_089)), Some(Millionths(838_537))));
    assert_eq!(go.benefit_cost_ratio, Some(Millionths(1_838_537)));
}

#[test]
fn what_turns_twice_has_no_rate_of_return_and_what_never_costs_more_no_payback() {
    let go = flow(&[-100, 230, -132]);
    assert_eq!(go.internal_rate_of_return, None, "two rates would do: 10 % and 20 %");
    // What is lent first has a rate of another meaning, and what never comes back whole has one below nothing.
    assert_eq!(flow(&[100, -50]).internal_rate_of_return, None);
    assert_eq!(flow(&[-100, 50, 40]).internal_rate_of_return, None);
    let go = flow(&[5, 0, 5]);
    assert_eq!((go.internal_rate_of_return, go.cumulative_payback), (None, Payback::NoOutlay));
    // Behind again after having been ahead: only the last crossing counts. −100, +50, −150, 0, +50.
    let go = flow(&[-100, 150, -200, 150, 50]);
    assert_eq!(
        go.cumulative_payback,
        Payback::Within { year: "2025-26".parse().unwrap(), after: Millionths(3_000_000) }
    );
    assert_eq!(flow(&[-100, 50, 40]).cumulative_payback, Payback::NotWithinHorizon);
}

/// A case over a hundred years has every factor of the schedule.
#[test]
fn factors_and_annuities_are_those_of_the_green_book() {
    let text = head("").replace("horizon_years = 3", "horizon_years = 100")
        + "[[option]]\nid = \"stay\"\ntitle = \"S\"\n[[option]]\nid = \"go\"\ntitle = \"G\"\n";
    let early = text.replace("2022-23", "2023-24").replace("baseline", "base_year = \"2022-23\"\nbaseline");
    let (case, after) = (case_of(&text, &[]).appraisal(), case_of(&early, &[]).appraisal());
    let published = [
        (0, 1_000_000),
        (1, 966_184),
        (2, 933_511),
        (3, 901_943),
        (4, 871_442),
        (5, 841_973),
        (10, 708_919),
        (15, 596_891),
        (20, 502_566),
        (30, 356_278),
        (31, 345_901),
        (50, 197_263),
        (75, 94_214),
        (76, 91_916),
    ];
    for (year, factor) in published {
        assert_eq!(case.factors[year], Millionths(factor), "t{year}");
        if year > 0 {
            assert_eq!(after.factors[year - 1], Millionths(factor), "t{year} from an earlier base year");
        }
    }
    assert_eq!(after.factors[99], Millionths(50_818), "t100");
    let annuity = |edition: Option<&str>, years: std::ops::RangeInclusive<i64>| -> String {
        let text = head("").replace("horizon_years = 3", "horizon_years = 11")
            + "[[option]]\nid = \"stay\"\ntitle = \"S\"\n[[option.line]]\ntitle = \"l\"\nkind = \"revenue\"\n"
            + &format!(
                "each_year = \"million\"\nfrom = \"{}-04\"\nuntil = \"{}-03\"\n",
                2022 + years.start(),
                2023 + years.end()
            );
        let text = edition.map_or(text.clone(), |name| format!("discount = \"{name}\"\n{text}"));
        case_of(&text, &["million,-1000000,GBP"]).appraisal().options[0].present_cost.whole_pounds()
    };
    for (edition, years, wanted) in [
        (None, 1..=5, "-£4,515,052"),
        (None, 0..=4, "-£4,673,079"),
        (None, 1..=10, "-£8,316,605"),
        (None, 0..=9, "-£8,607,687"),
        (Some("review-2026"), 1..=5, "-£4,579,707"),
        (Some("review-2026"), 1..=10, "-£8,530,203"),
    ] {
        assert_eq!(annuity(edition, years.clone()), wanted, "{edition:?} {years:?}");
    }
}
