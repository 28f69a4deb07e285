//! What a run that needs a person says at its end: one paragraph that can be sent as it is. What, where, what next.

use super::super::Need;
use crate::lake::Run;

/// So many things are told; a mail that lists forty is read by nobody.
const MOST: usize = 8;
/// Characters of one thing.
const LONGEST: usize = 300;

pub fn paragraph(run: &Run, needs: &[Need]) -> String {
    let (exit_code, started) = (run.exit_code.unwrap_or(2), run.started_at.format("%Y-%m-%d %H:%M UTC"));
    let things = match needs.len() {
        1 => "1 thing needs a person".to_string(),
        n => format!("{n} things need a person"),
    };
    let how = if exit_code == 2 { "could not finish" } else { "finished" };
    let mut text = format!("The nightly run of {started} {how}, exit code {exit_code}: {things}.");
    for (n, Need { what, next }) in needs.iter().take(MOST).enumerate() {
        text += &format!(" ({}) {}", n + 1, sentence(what));
        if !next.is_empty() {
            text += &format!(" Next: {}", sentence(next));
        }
    }
    if needs.len() > MOST {
        text += &format!(" And {} more, in the lines above.", needs.len() - MOST);
    }
    if exit_code == 2 {
        text += " What was read before is kept; run it again once that is put right.";
    }
    text + &format!(" Run {}; `onhook query run-history` has the runs before it.", run.run_id)
}

/// On one line, of bearable length, with a stop at its end.
fn sentence(text: &str) -> String {
    let words: Vec<&str> = text.split_whitespace().collect();
    let mut line = words.join(" ");
    if line.chars().count() > LONGEST {
        line = line.chars().take(LONGEST).chain(['…']).collect();
    }
    if line.ends_with(['.', '!', '?', '…']) { line } else { line + "." }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn need(what: &str, next: &str) -> Need {
        Need { what: what.into(), next: next.into() }
    }

    fn run(exit_code: u8) -> Run {
        let started_at = chrono::DateTime::from_timestamp(1_709_288_100, 0).unwrap();
        Run { run_id: "r1".into(), started_at, exit_code: Some(exit_code), ..Run::default() }
    }

    #[test]
    fn it_says_what_where_and_what_next_in_one_line() {
        let needs = [need("landing/a.log: the file\nis empty", "deliver it again"), need("no space left.", "")];
        assert_eq!(
            paragraph(&run(1), &needs),
            "The nightly run of 2024-03-01 10:15 UTC finished, exit code 1: 2 things need a person. (1) landing/a.log: \
             the file is empty. Next: deliver it again. (2) no space left. Run r1; `onhook query run-history` has the \
             runs before it."
        );
        assert!(paragraph(&run(2), &needs[..1]).contains("could not finish, exit code 2: 1 thing needs a person."));
    }

    #[test]
    fn it_stays_a_paragraph_whatever_went_wrong() {
        let needs: Vec<Need> =
            (0..5000).map(|n| need(&format!("{n} {}", "x".repeat(2000)), &"y ".repeat(2000))).collect();
        let text = paragraph(&run(1), &needs);
        assert!(text.contains("And 4992 more") && !text.contains('\n'));
        assert!(text.len() < 8000, "less than a pipe takes at once: {}", text.len());
    }
}
