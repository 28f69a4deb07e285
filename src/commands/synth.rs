//! `onhook synth`: an invented estate to try everything on.

use super::{Talk, Verdict};
use crate::cli;
use crate::error::Result;
use crate::synth::{Plan, generate, generate_every_format};

pub fn synth(args: &cli::Synth, talk: &mut Talk) -> Result<Verdict> {
    if args.every_format {
        let made = generate_every_format(args.seed, &args.output)?;
        let records: u64 = made.sources.iter().map(|s| s.legs).sum();
        talk.say(&format!(
            "made      {} sources, {records} call records in {}",
            made.sources.len(),
            args.output.display()
        ));
        talk.say(&format!("try       onhook ingest -c {}/onhook.toml", args.output.display()));
        return Ok(Verdict::Good);
    }
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
