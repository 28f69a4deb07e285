//! Lines, ramps, bias, prices: each amount worked out by hand.

use super::*;

/// `stay` with one line, 1,001 phones, a ramp that moves over four months from June 2022, packs of ten.
fn line(line: &str) -> Case {
    let text = head("deflators = \"d.csv\"\nvat_rate = \"vat\"")
        + r#"
driver = [{ id = "phones", value = "phones" }, { id = "kept", value = "kept" },
  { id = "all", sum = ["gone", "kept"] }, { id = "gone", difference = ["phones", "kept"] },
  { id = "pence", value = "calls" }]
ramp = [
  { id = "move", shape = "linear", from = "2022-06", months = "four", double_running = "one_month" },
  { id = "curve", shape = "s_curve", from = "2022-06", months = "four", delay = "one_month" },
  { id = "steps", shape = "steps", steps = { "2022-08" = "third", "2023-04" = "whole" } },
]
bias = [{ id = "b", class = "equipment_development", mitigation = "half", reason = "r", author = "a" }]
[[option]]
id = "stay"
title = "Stay"
line = [ { title = "L", kind = "revenue", LINE } ]
"#
        .replace("LINE", line)
        .as_str();
    let rows = [
        "phones,1001,phones",
        "kept,1,phones",
        "calls,120001,pence",
        "four,4,months",
        "one_month,1,months",
        "pack,10,licences",
        "third,33.33,%",
        "whole,100,%",
        "half,50,%",
        "vat,20,%",
        "back,25,%",
        "penny,0.01,GBP",
        "price,1.20,GBP",
        "odd,5.01,GBP",
        "less,-1,GBP",
        "year_fee,7.00,GBP",
        "fee,12.00,GBP",
        "break_fee,5.00,GBP",
        "old_price,,0.90,,,GBP,2021-22,,s,o,,,",
    ];
    case_of(&text, &rows)
}

fn pence(text: &str) -> Vec<i64> {
    by_year(&line(text), 0, "L")
}

#[test]
fn drivers_are_counted_from_each_other_in_any_order() {
    let drivers = line("each_year = \"fee\"").appraisal().drivers;
    let count = |id: &str| drivers.iter().find(|driver| driver.id == id).unwrap().count;
    assert_eq!((count("gone"), count("all")), (1_000, 1_001));
}

#[test]
fn amounts_without_a_ramp_are_months_of_a_year() {
    assert_eq!(pence("by_year = { \"2023-24\" = \"odd\", \"2024-25\" = \"less\" }"), [0, 501, -100]);
    assert_eq!(pence("each_year = \"year_fee\", from = \"2023-04\""), [0, 700, 700]);
    // Seven pounds a year are 58⅓p a month: five months 291⅔p.
    assert_eq!(pence("each_year = \"year_fee\", until = \"2023-08\""), [700, 292, 0]);
    let unit = |more: &str| pence(&format!("unit_cost = \"penny\", driver = \"phones\", {more}"));
    assert_eq!(unit("per = \"year\""), [1_001, 1_001, 1_001]);
    assert_eq!(unit("per = \"once\", from = \"2023-04\""), [0, 1_001, 0]);
    // 120,001 pence a year; one month less in the first: 110,000.9.
    assert_eq!(pence("pence = \"pence\", from = \"2022-05\""), [110_001, 120_001, 120_001]);
}

/// 1,001 phones by the end of June, July, August, September: 250.25, 500.5, 750.75, 1,001; whole: 250, 501, 751, 1,001.
#[test]
fn a_linear_ramp_moves_whole_phones_and_doubles_what_has_moved() {
    let unit = |more: &str| pence(&format!("unit_cost = \"price\", driver = \"phones\", ramp = \"move\", {more}"));
    assert_eq!(unit("per = \"once\""), [120_120, 0, 0]);
    // Phone-months moved in the year: 250 + 501 + 751 + 7 × 1,001 = 8,509 (June to March), at 10p a month.
    assert_eq!(unit("per = \"year\""), [85_090, 120_120, 120_120]);
    // Left during a month: not moved by the end of the month before the last (one month of double running): April to July
    // 1,001 each, August 751, September 500, October 250, then none: 5,505.
    assert_eq!(unit("per = \"year\", ramp_as = \"remaining\""), [55_050, 0, 0]);
    // In September 500 are left.
    assert_eq!(unit("per = \"once\", ramp_as = \"remaining\", from = \"2022-09\""), [60_000, 0, 0]);
    // Packs of ten for 250, 501, 751, 1,001: 25, 51, 76, 101: 25 + 51 + 76 + 7 × 101 = 859.
    assert_eq!(unit("per = \"year\", pack = \"pack\""), [8_590, 12_120, 12_120]);
    // 1,200.01 pounds of calls a year, by phone-months left: 5,505 ÷ 1,001 ÷ 12 of it, 54,995.46 p.
    assert_eq!(
        pence("pence = \"pence\", driver = \"phones\", ramp = \"move\", ramp_as = \"remaining\""),
        [54_995, 0, 0]
    );
}

/// A month later and slow at both ends: e² (12 − 2e) ÷ 64 = 10, 32, 54, 64 of 64 by the end of July to October, so 156.4, 500.5,
/// 844.6, 1,001; whole: 156, 501, 845, 1,001.
#[test]
fn an_s_curve_is_slow_at_both_ends() {
    let unit = |more: &str| pence(&format!("unit_cost = \"price\", driver = \"phones\", ramp = \"curve\", {more}"));
    // 156 + 501 + 845 + 6 × 1,001 = 7,508.
    assert_eq!(unit("per = \"year\""), [75_080, 120_120, 120_120]);
    // Left at the start of each month: April to July 1,001, August 845, September 500, October 156: 5,505.
    assert_eq!(unit("per = \"year\", ramp_as = \"remaining\""), [55_050, 0, 0]);
}

#[test]
fn steps_move_when_they_say() {
    let unit = |more: &str| pence(&format!("unit_cost = \"price\", driver = \"phones\", ramp = \"steps\", {more}"));
    // 33.33 % of 1,001 is 333.6, so 334 by the end of August 2022, and all by the end of April 2023.
    assert_eq!(unit("per = \"once\""), [40_080, 80_040, 0]);
    // 8 months × 334; then 12 × 1,001.
    assert_eq!(unit("per = \"year\""), [26_720, 120_120, 120_120]);
    // Left: April to August 1,001, then 667 to April.
    assert_eq!(unit("per = \"year\", ramp_as = \"remaining\""), [50_050 + 7 * 6_670, 6_670, 0]);
}

/// The last phone leaves in September and counts in October too: seven months of twelve pounds a year.
#[test]
fn a_platform_is_paid_for_until_it_is_empty_and_a_contract_to_its_end_or_break() {
    let fixed = "each_year = \"fee\", driver = \"phones\", ramp = \"move\", ramp_as = \"remaining\"";
    assert_eq!(pence(fixed), [700, 0, 0]);
    assert_eq!(pence(&format!("{fixed}, contract_until = \"2023-06\"")), [1_200, 300, 0]);
    assert_eq!(pence(&format!("{fixed}, contract_until = \"2022-07\"")), [700, 0, 0], "it has ended by then");
    let broken = line(&format!("{fixed}, contract_until = \"2023-06\", break_cost = \"break_fee\""));
    assert_eq!(by_year(&broken, 0, "L"), [700, 0, 0]);
    assert_eq!(by_year(&broken, 0, "Breaking the contract: L"), [500, 0, 0]);
    let option = &broken.appraisal().options[0];
    assert_eq!(option.one_off, Pence(500), "the break is paid once");
}

#[test]
fn bias_is_a_line_of_its_own_and_no_cash() {
    let case = line("each_year = \"fee\", bias = \"b\"");
    // 200 % by half: as much again.
    assert_eq!(by_year(&case, 0, "Optimism bias: L"), [1_200; 3]);
    let option = &case.appraisal().options[0];
    assert_eq!((option.total, option.rdel), (Pence(7_200), Pence(1_200 + 1_260 + 1_323)));
    assert_eq!(case.appraisal().biases[0].uplift, "200%");
}

/// Prices go to the year of the case by the deflators, and cash to its own year with the VAT that stays.
#[test]
fn prices_are_real_in_the_economic_case_and_nominal_in_the_financial_one() {
    // 0.90 in prices of 2021-22 is 0.90 × 100 ÷ 90 = 1.00.
    let case = line("each_year = \"old_price\", vat_recoverable = \"back\"");
    assert_eq!(by_year(&case, 0, "L"), [100; 3]);
    let option = &case.appraisal().options[0];
    // × 1, 1.05, 1.1025 and × (1 + 20 % × 75 %) = 1.15: 115, 120.75, 126.7875.
    let rdel: Vec<i64> = option.years.iter().map(|year| year.rdel.0).collect();
    assert_eq!((rdel, option.cdel), (vec![115, 121, 127], Pence::ZERO));
    assert_eq!(case.appraisal().findings.iter().filter(|f| f.severity == Severity::Error).count(), 0);
}

/// Benefits stand apart by class; only cash-releasing ones are in the financial case.
#[test]
fn benefits_are_apart_by_class_and_only_cash_is_cash() {
    let text = head("")
        + r#"[[option]]
id = "stay"
title = "S"
line = [{ title = "l", kind = "revenue", each_year = "ten" }]
[[option]]
id = "go"
title = "G"
line = [{ title = "l", kind = "revenue", each_year = "ten" }]
benefit = [
  { title = "cash", class = "cash_releasing", kind = "revenue", each_year = "one", owner = "o", measure = "m" },
  { title = "time", class = "non_cash_releasing", kind = "revenue", each_year = "two", owner = "o", measure = "m" },
  { title = "ease", class = "qualitative", owner = "o", measure = "m" },
]
"#;
    let go = &case_of(&text, &["ten,10,GBP", "one,1,GBP", "two,2,GBP"]).appraisal().options[1];
    assert_eq!((go.saving, go.steady_saving, go.rdel), (Pence(900), Pence(100), Pence(2_700)));
    assert_eq!(go.benefits.iter().map(|b| b.total).collect::<Vec<_>>(), [Some(Pence(300)), Some(Pence(600)), None]);
    // 1 + 1/1.035 + 1/1.035² = 2.899694; ÷ itself, ten pounds a year are ten pounds a year.
    assert_eq!(go.present_benefits[&BenefitClass::CashReleasing], Pence(290));
    assert_eq!(
        (go.present_benefits[&BenefitClass::NonCashReleasing], go.equivalent_annual_cost),
        (Pence(580), Pence(1_000))
    );
}
