//! The case as a range: the same figures with fewer of the silent phones really unused, as far as the evidence leaves
//! open. It says how counts move, not how sure they are; the interval comes from the estate.

use serde::Serialize;

use super::{Appraisal, Counts};
use crate::units::Pence;

/// How many phones were silent, and how many of those are really unused: at least (95 % interval) and as estimated.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub struct Unused {
    pub silent: i64,
    pub low: i64,
    pub expected: i64,
}

/// What an option comes to over the range.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct OptionRange {
    pub option: String,
    /// With as few phones unused as the interval allows, and as many as estimated; as counted in the case itself.
    pub npv_low: Pence,
    pub npv_expected: Pence,
    pub npv: Pence,
    pub steady_saving_low: Pence,
    pub steady_saving_expected: Pence,
    pub steady_saving: Pence,
}

/// The figures over the range, with what was counted at its low end.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Range {
    pub unused: Unused,
    /// Drivers that move, as counted with as few unused phones as the interval allows.
    pub counts_low: Counts,
    pub options: Vec<OptionRange>,
}

/// The rows of an answer once only `kept` of `of` silent phones are unused: of each row whose silence costs a line or a
/// handset that share stays (whole phones, rounded down once over all rows), and the rest turns out to be used a little and goes to review.
/// Answers that tell no verdict and action are left as they are.
pub fn with_fewer_unused<S: AsRef<str>>(
    columns: &[S],
    rows: &[Vec<String>],
    column: &str,
    kept: i64,
    of: i64,
) -> Vec<Vec<String>> {
    let find = |name: &str| columns.iter().position(|c| c.as_ref() == name);
    let (Some(verdict), Some(action), Some(count)) = (find("verdict"), find("action"), find(column)) else {
        return rows.to_vec();
    };
    let cell = |row: &[String], at: usize| row.get(at).cloned().unwrap_or_default();
    let share =
        |n: i64| i64::try_from(i128::from(n) * i128::from(kept.clamp(0, of)) / i128::from(of.max(1))).unwrap_or(n);
    let (mut moved, mut silent) = (Vec::with_capacity(rows.len()), 0_i64);
    for row in rows {
        let is_silent = ["idle", "unattended", "diverted"].contains(&cell(row, verdict).as_str());
        let is_taken = ["cease", "remove_handset"].contains(&cell(row, action).as_str());
        match cell(row, count).parse::<i64>() {
            Ok(n) if is_silent && is_taken && of > 0 => {
                // By the running total: many rows of one phone each must not lose all of them to rounding.
                let stays = share(silent.saturating_add(n)) - share(silent);
                silent = silent.saturating_add(n);
                let put = |n: i64, words: Option<[&str; 2]>| {
                    let mut row = row.clone();
                    row[count] = n.to_string();
                    if let Some([new_verdict, new_action]) = words {
                        (row[verdict], row[action]) = (new_verdict.to_string(), new_action.to_string());
                    }
                    row
                };
                moved.extend([put(stays, None), put(n - stays, Some(["low_use", "review"]))]);
            }
            _ => moved.push(row.clone()),
        }
    }
    moved
}

/// Puts three appraisals of one case side by side.
pub fn range(unused: Unused, as_counted: &Appraisal, expected: &Appraisal, low: &Appraisal) -> Range {
    let counts = |appraisal: &Appraisal| -> Counts {
        appraisal.drivers.iter().map(|driver| (driver.id.clone(), driver.count)).collect()
    };
    let (counted, mut counts_low) = (counts(as_counted), counts(low));
    counts_low.retain(|driver, count| counted.get(driver) != Some(count));
    let options = as_counted.options.iter().zip(&expected.options).zip(&low.options);
    let options = options.map(|((counted, expected), low)| OptionRange {
        option: counted.id.clone(),
        npv_low: low.npv,
        npv_expected: expected.npv,
        npv: counted.npv,
        steady_saving_low: low.steady_saving,
        steady_saving_expected: expected.steady_saving,
        steady_saving: counted.steady_saving,
    });
    Range { unused, counts_low, options: options.collect() }
}

#[cfg(test)]
mod tests {
    use super::*;

    const COLUMNS: [&str; 3] = ["verdict", "action", "extensions"];

    fn rows(rows: &[[&str; 3]]) -> Vec<Vec<String>> {
        rows.iter().map(|row| row.iter().map(ToString::to_string).collect()).collect()
    }

    /// 90 of 100 silent phones are unused: of 40 idle to cease 36 stay and 4 are looked at; nothing else moves.
    #[test]
    fn only_what_silence_takes_away_moves_and_nothing_is_lost() {
        let before = rows(&[["idle", "cease", "40"], ["in_use", "remove_handset", "7"], ["idle", "review", "3"]]);
        let after = with_fewer_unused(&COLUMNS, &before, "extensions", 90, 100);
        let wanted = [
            ["idle", "cease", "36"],
            ["low_use", "review", "4"],
            ["in_use", "remove_handset", "7"],
            ["idle", "review", "3"],
        ];
        assert_eq!(after, rows(&wanted));
        assert_eq!(with_fewer_unused(&COLUMNS, &before, "extensions", 0, 0), before, "nobody was silent");
        assert_eq!(with_fewer_unused(&["use", "n", "extensions"], &before, "extensions", 1, 2), before);
    }

    /// Nine of ten, however the ten are spread over rows.
    #[test]
    fn the_share_does_not_depend_on_how_rows_are_grouped() {
        let before = rows(&[["idle", "cease", "1"]; 10]);
        let after = with_fewer_unused(&COLUMNS, &before, "extensions", 9, 10);
        let count = |word: &str| -> i64 {
            after.iter().filter(|row| row[1] == word).map(|row| row[2].parse::<i64>().unwrap()).sum()
        };
        assert_eq!((count("cease"), count("review")), (9, 1));
    }

    #[test]
    fn phones_are_whole_and_rounded_against_the_saving() {
        let before = rows(&[["diverted", "remove_handset", "3"]]);
        let after = with_fewer_unused(&COLUMNS, &before, "extensions", 999, 1000);
        assert_eq!(after, rows(&[["diverted", "remove_handset", "2"], ["low_use", "review", "1"]]));
    }
}
