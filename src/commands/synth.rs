//! `onhook synth`: an invented estate to try everything on.

use super::{Talk, Verdict};
use crate::cli;
use crate::error::Result;
use crate::synth::{Plan, generate};

pub fn synth(args: &cli::Synth, talk: &mut Talk) -> Result<Verdict> {
    let plan = match args.sample {
        true => Plan::sample(),
        false => Plan::new(args.extensions, args.days, args.seed, args.until),
    };
    let made = generate(&plan, &args.output)?;
    let records: u64 = made.sources.iter().map(|s| s.ledger.read).sum();
    talk.say(&format!("made      {} extensions, {records} records in {}", made.extensions, args.output.display()));
    talk.say(&format!("try       onhook nightly -c {}/onhook.toml", args.output.display()));
    Ok(Verdict::Good)
}
