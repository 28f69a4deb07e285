//! What the case comes to by chance: all inputs with a range drawn at once, many times, in parallel. Draws are independent
//! of each other; the same seed gives the same figures on any number of cores.
//!
//! Every thousand draws have a random stream of their own (PCG-64, stream = their number), so it does not matter which core
//! draws them. Inputs are drawn in the order of the book. Draws are worked out in floating point: they are estimates, and are
//! rounded to whole pounds.

use polars::prelude::{Column, DataFrame, IntoLazy, PolarsResult, QuantileMethod, col, lit};
use rand_distr::{Distribution, Pert, Triangular, Uniform};
use rand_pcg::Pcg64;
use rayon::prelude::*;
use serde::Serialize;

use super::formula::{Id, Number};
use super::quick::Quick;
use super::{Case, Shape};
use crate::error::{Error, Result};
use crate::units::{FinancialYear, Millionths, Pence};

const CHUNK: usize = 1_000;

#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Simulation {
    pub seed: u64,
    pub draws: u32,
    /// Each input that was drawn, with its shape and ends, in words.
    pub drawn: Vec<String>,
    pub options: Vec<Spread>,
}

/// How the net present value of an option spreads.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Spread {
    pub option: String,
    pub p10: Pence,
    pub p50: Pence,
    pub p80: Pence,
    pub p90: Pence,
    pub mean: Pence,
    /// The part of the draws in which it is above zero.
    pub above_zero: Millionths,
    /// Cumulative present value of the saving by the end of each year.
    pub fan: Vec<Fan>,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Fan {
    pub year: FinancialYear,
    pub p10: Pence,
    pub p50: Pence,
    pub p90: Pence,
}

/// How one input is drawn.
enum Draw {
    Triangular(Triangular<f64>),
    Pert(Pert<f64>),
    Uniform(Uniform<f64>),
}

impl Draw {
    fn new(shape: Shape, low: f64, likely: f64, high: f64) -> Option<Self> {
        match shape {
            Shape::Triangular => Triangular::new(low, high, likely).ok().map(Self::Triangular),
            Shape::Pert => Pert::new(low, high).with_mode(likely).ok().map(Self::Pert),
            Shape::Uniform => Uniform::new_inclusive(low, high).ok().map(Self::Uniform),
        }
    }

    fn draw(&self, chance: &mut Pcg64) -> f64 {
        match self {
            Self::Triangular(shape) => shape.sample(chance),
            Self::Pert(shape) => shape.sample(chance),
            Self::Uniform(shape) => shape.sample(chance),
        }
    }
}

impl Case {
    /// As many draws as the case says.
    pub fn simulate(&self) -> Result<Simulation> {
        let draws = self.file.draws as usize;
        let mut moving = Vec::new();
        let mut drawn = Vec::new();
        for (at, input) in self.file.book.iter().enumerate() {
            let Some((low, high)) = input.range else { continue };
            // The evidence's own estimate of the phones that are really unused is the likeliest.
            let likely = match self.evidence.unused {
                Some(unused) if at == self.file.unused_share => unused.expected as f64 / unused.silent as f64,
                _ => input.value.as_f64(),
            };
            let (low, high) = (low.as_f64(), high.as_f64());
            let likely = likely.clamp(low, high);
            if let Some(draw) = Draw::new(input.shape, low, likely, high) {
                let shape = match input.shape {
                    Shape::Triangular => "triangular",
                    Shape::Pert => "PERT",
                    Shape::Uniform => "uniform",
                };
                let [low, likely, high] = [low, likely, high].map(|value| (value * 1e4).round() / 1e4);
                drawn.push(format!("{}: {shape}, {low} to {high}, likeliest {likely}", input.id));
                moving.push((at, draw));
            }
        }
        // First the net present value of each option, then its cumulative present values.
        let npvs = self.appraised.iter().map(|cells| cells.npv);
        let sums = self.appraised.iter().flat_map(|cells| cells.present_cumulative.iter().copied());
        let wanted: Vec<Id> = npvs.chain(sums).collect();
        let inputs: Vec<usize> = moving.iter().map(|(at, _)| *at).collect();
        let quick = Quick::new(self, &inputs, wanted.clone());
        let chunks: Vec<Vec<f64>> = (0..draws.div_ceil(CHUNK))
            .into_par_iter()
            .map_init(
                || quick.clone(),
                |quick, chunk| {
                    let mut chance = Pcg64::new(self.file.seed.into(), chunk as u128);
                    let count = CHUNK.min(draws - chunk * CHUNK);
                    let mut figures = vec![0.0; count * wanted.len()];
                    for row in figures.chunks_mut(wanted.len().max(1)) {
                        for (at, draw) in &moving {
                            quick.inputs[*at] = draw.draw(&mut chance);
                        }
                        quick.figures(row);
                    }
                    figures
                },
            )
            .collect();
        let column = |at: usize| -> Vec<f64> {
            chunks.iter().flat_map(|chunk| chunk.iter().skip(at).step_by(wanted.len().max(1)).copied()).collect()
        };
        let error = |problem: String| Error::Case {
            place: self.file.place.clone(),
            what: format!("the draws cannot be summed up: {problem}"),
            hint: String::new(),
        };
        let years: Vec<FinancialYear> = self.file.years().collect();
        let mut options = Vec::with_capacity(self.file.options.len());
        for (at, option) in self.file.options.iter().enumerate() {
            let npv = column(at);
            let above = npv.iter().filter(|value| **value > 0.0).count();
            let mean = npv.iter().sum::<f64>() / npv.len().max(1) as f64;
            let [p10, p50, p80, p90] =
                quantiles(npv, [0.1, 0.5, 0.8, 0.9]).map_err(|problem| error(problem.to_string()))?;
            let mut fan = Vec::with_capacity(years.len());
            for (y, year) in years.iter().enumerate() {
                let sums = column(self.file.options.len() + at * years.len() + y);
                let [p10, p50, p90] = quantiles(sums, [0.1, 0.5, 0.9]).map_err(|problem| error(problem.to_string()))?;
                fan.push(Fan { year: *year, p10: pounds(p10), p50: pounds(p50), p90: pounds(p90) });
            }
            options.push(Spread {
                option: option.id.clone(),
                p10: pounds(p10),
                p50: pounds(p50),
                p80: pounds(p80),
                p90: pounds(p90),
                mean: pounds(mean),
                above_zero: Millionths::of(above as i128, draws as i128).unwrap_or_default(),
                fan,
            });
        }
        Ok(Simulation { seed: self.file.seed, draws: self.file.draws, drawn, options })
    }
}

/// Quantiles of a column of draws, linear between two.
fn quantiles<const N: usize>(draws: Vec<f64>, wanted: [f64; N]) -> PolarsResult<[f64; N]> {
    let count = draws.len();
    let table = DataFrame::new(count, vec![Column::new("draw".into(), draws)])?;
    let each: Vec<_> = wanted
        .iter()
        .map(|part| col("draw").quantile(lit(*part), QuantileMethod::Linear).alias(format!("q{part}")))
        .collect();
    let found = table.lazy().select(each).collect()?;
    let mut values = [f64::NAN; N];
    for (value, part) in values.iter_mut().zip(wanted) {
        *value = found.column(&format!("q{part}"))?.f64()?.get(0).unwrap_or(f64::NAN);
    }
    Ok(values)
}

/// To the whole pound: an estimate is no more exact.
fn pounds(value: f64) -> Pence {
    Pence(value.round() as i64 * 100)
}
