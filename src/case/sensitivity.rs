//! What the case comes to if an input is another: one at a time over its range (a tornado), to the point where the choice
//! turns (switching values), and several together (scenarios). Nothing is drawn by chance (`simulate`).

use rust_decimal::Decimal;
use serde::Serialize;

use super::figures::pence;
use super::quick::Quick;
use super::{Case, Measure, Setting, parameters};
use crate::error::Result;
use crate::units::Pence;

#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Sensitivity {
    /// Every input with a range that moves a net present value, the one that moves any most first.
    pub swings: Vec<Swing>,
    pub scenarios: Vec<ScenarioFigures>,
}

/// One input over its range, everything else as it is.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Swing {
    pub input: String,
    pub title: String,
    /// As they are printed: `£96.00`, `5%`, `12`.
    pub low: String,
    pub value: String,
    pub high: String,
    pub options: Vec<OptionSwing>,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct OptionSwing {
    pub option: String,
    /// Net present value with the input at its low and high end.
    pub npv_low: Pence,
    pub npv_high: Pence,
    /// The value nearest to the input's own at which the net present value is nothing, from nought to five times the
    /// larger of value and high end (a part: up to the whole); none where there is no such.
    pub switches_at: Option<String>,
}

impl OptionSwing {
    pub fn width(&self) -> i64 {
        (self.npv_high.0 - self.npv_low.0).abs()
    }
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct ScenarioFigures {
    pub id: String,
    pub title: String,
    /// What is set, in words.
    pub set: Vec<String>,
    /// Net present value of each option, in the order of the file.
    pub npv: Vec<Pence>,
}

impl Case {
    /// Tornado, switching values, scenarios, and each schedule of discount rates that is published as a test.
    pub fn sensitivity(&self) -> Result<Sensitivity> {
        let mut swings = Vec::new();
        for (at, input) in self.file.book.iter().enumerate() {
            let Some((low, high)) = input.range else { continue };
            let with = |value: Decimal| {
                let mut inputs = self.inputs();
                inputs[at] = value;
                self.npvs(&inputs)
            };
            let (at_low, at_high) = (with(low), with(high));
            if at_low == at_high {
                continue;
            }
            let switches = self.switches(at);
            let options = self.file.options.iter().enumerate().map(|(o, option)| OptionSwing {
                option: option.id.clone(),
                npv_low: at_low[o],
                npv_high: at_high[o],
                switches_at: switches[o]
                    .and_then(Decimal::from_f64_retain)
                    .map(|value| input.printed(value.round_dp(if input.measure == Measure::Part { 4 } else { 2 }))),
            });
            swings.push(Swing {
                input: input.id.clone(),
                title: input.title.clone(),
                low: input.printed(low),
                value: input.printed(input.value),
                high: input.printed(high),
                options: options.collect(),
            });
        }
        let widest = |swing: &Swing| swing.options.iter().map(OptionSwing::width).max().unwrap_or(0);
        swings.sort_by(|a, b| widest(b).cmp(&widest(a)).then_with(|| a.input.cmp(&b.input)));
        Ok(Sensitivity { swings, scenarios: self.scenarios() })
    }

    fn scenarios(&self) -> Vec<ScenarioFigures> {
        let tests = parameters::editions().into_iter().filter(|edition| edition.used == "test");
        let tests = tests.map(|edition| {
            let mut inputs = self.inputs();
            for (from, at) in &self.file.discount {
                let step = edition.steps.iter().rev().find(|(step, _, _)| step <= from);
                inputs[*at] = step.map_or(inputs[*at], |(_, rate, _)| *rate);
            }
            let first = edition.steps.first().map_or(Decimal::ZERO, |(_, rate, _)| *rate);
            ScenarioFigures {
                id: edition.name.clone(),
                title: format!("Discount rates of {} (a test, not in force)", edition.name),
                set: vec![format!("discount rate from year 0: {}%", (first * Decimal::ONE_HUNDRED).normalize())],
                npv: self.npvs(&inputs),
            }
        });
        let own = self.file.scenarios.iter().map(|scenario| {
            let mut inputs = self.inputs();
            let mut set = Vec::new();
            for (at, setting) in &scenario.set {
                let input = &self.file.book[*at];
                let value = match setting {
                    Setting::Low => input.range.map_or(input.value, |(low, _)| low),
                    Setting::High => input.range.map_or(input.value, |(_, high)| high),
                    Setting::As(other) => self.file.book[*other].value,
                };
                inputs[*at] = value;
                set.push(format!("{}: {}", input.title, input.printed(value)));
            }
            ScenarioFigures { id: scenario.id.clone(), title: scenario.title.clone(), set, npv: self.npvs(&inputs) }
        });
        own.collect::<Vec<_>>().into_iter().chain(tests).collect()
    }

    /// Net present value of each option with these inputs, exactly.
    fn npvs(&self, inputs: &[Decimal]) -> Vec<Pence> {
        let values = self.model.values(inputs);
        self.appraised.iter().map(|cells| pence(values[cells.npv.0 as usize].ok())).collect()
    }

    /// Where the net present value of each option turns as the input moves.
    fn switches(&self, at: usize) -> Vec<Option<f64>> {
        const STEPS: u32 = 60;
        let wanted: Vec<_> = self.appraised.iter().map(|cells| cells.npv).collect();
        let mut quick = Quick::new(self, &[at], wanted);
        let input = &self.file.book[at];
        let own = quick.inputs[at];
        let high = input.range.map_or(own, |(_, high)| super::formula::Number::as_f64(high));
        let end = if input.measure == Measure::Part { 1.0 } else { 5.0 * own.max(high).max(0.0) };
        let mut npv = |value: f64| {
            let mut figures = vec![0.0; self.appraised.len()];
            quick.inputs[at] = value;
            quick.figures(&mut figures);
            figures
        };
        let points: Vec<(f64, Vec<f64>)> =
            (0..=STEPS).map(|step| end * f64::from(step) / f64::from(STEPS)).map(|value| (value, npv(value))).collect();
        (0..self.appraised.len())
            .map(|option| {
                if option == self.file.baseline {
                    return None;
                }
                let turns = points.windows(2).filter(|two| (two[0].1[option] > 0.0) != (two[1].1[option] > 0.0));
                let zeros = turns.map(|two| {
                    let (mut low, mut high, sign) = (two[0].0, two[1].0, two[0].1[option] > 0.0);
                    for _ in 0..60 {
                        let middle = (low + high) / 2.0;
                        if (npv(middle)[option] > 0.0) == sign { low = middle } else { high = middle }
                    }
                    (low + high) / 2.0
                });
                zeros.min_by(|a, b| (a - own).abs().total_cmp(&(b - own).abs()))
            })
            .collect()
    }
}
