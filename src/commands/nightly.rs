//! `onhook nightly`: wait for files, ingest, load, check, query, case, report: one command for the scheduler. Holds the lake from
//! its beginning to its end, puts down how it went, and tells whom it concerns.

mod late;
mod metrics;
mod notify;
mod outputs;
mod summary;

use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use chrono::{DateTime, TimeDelta, Utc};
use serde_json::json;

use super::{Need, Talk, Verdict, case, check, estate, ingest, is_broken_pipe, open, write};
use crate::cli;
use crate::config::Config;
use crate::error::{Error, Result};
use crate::lake::{Access, Lake, Run};
use crate::sql::Engine;
use late::Gathered;
use metrics::Figures;

/// Between two tries to get a lake that another run holds.
const TRY_AGAIN: Duration = Duration::from_millis(500);

/// Says its errors itself, before the paragraph that is the last word of a night. Without a configuration that much is done
/// and no more.
pub fn nightly(config: Result<Config>, args: &cli::Nightly, talk: &mut Talk) -> Verdict {
    let begun = Utc::now();
    let run_id = format!("{}-{}", begun.format("%Y%m%dT%H%M%S%.3fZ"), std::process::id());
    let _within = tracing::error_span!("nightly", run = %run_id).entered();
    let run = Run { run_id, started_at: begun, ..Run::default() };
    let mut night = Night { args, run, figures: None };
    let config = match config {
        Ok(config) => config,
        Err(error) => return night.end(None, None, Err(vec![error]), talk),
    };
    // One lock for the whole of it: nothing is read, loaded or written by two at once.
    let (lake, done) = match held(&config, args, begun, talk) {
        Ok(lake) => {
            let done = lake.put_down(&night.run).map_err(Vec::from).and_then(|()| night.steps(&config, &lake, talk));
            (Some(lake), done)
        }
        Err(error) => (None, Err(vec![error])),
    };
    night.end(Some(&config), lake.as_ref(), done, talk)
}

/// A night on its way.
struct Night<'a> {
    args: &'a cli::Nightly,
    run: Run,
    /// None where it did not come so far.
    figures: Option<Figures>,
}

impl Night<'_> {
    fn steps(&mut self, config: &Config, lake: &Lake, talk: &mut Talk) -> Result<Verdict, Vec<Error>> {
        let folder: PathBuf =
            self.args.output.as_deref().map_or_else(|| config.at(&config.output.dir), Path::to_path_buf);
        // What a person must put right anyway is found before the long part.
        let policy = crate::estate::policy_rows(&crate::estate::policy(config)?);
        let told = ingest::Told::of(config)?;
        let case_file = case::file(config)?;
        std::fs::create_dir_all(&folder).map_err(Error::io(&folder))?;

        let step = Instant::now();
        let until = late::deadline(config, self.args, self.run.started_at);
        let Gathered { outcome, late, waited } =
            late::gather(config, lake, &policy, &told, self.run.started_at, until, talk)?;
        self.run.waited_ms = Some(waited.as_millis() as u64);
        self.run.ingest_ms = Some(step.elapsed().saturating_sub(waited).as_millis() as u64);
        self.run.inputs = Some([outcome.inputs.new, outcome.inputs.repeated, outcome.inputs.failed]);
        self.run.records = Some(outcome.records);
        self.run.late = Some(late.iter().map(|late| late.source.clone()).collect());
        let mut verdict = ingest::verdict(config, &outcome, talk);
        for late in &late {
            talk.need(&late.to_string(), "ask for its files; the next run reads them");
            verdict = Verdict::NeedsAPerson;
        }

        let step = Instant::now();
        estate::run(config, lake, None, talk)?;
        self.run.register_ms = Some(step.elapsed().as_millis() as u64);

        let step = Instant::now();
        // Worked out once, for the reports of tonight and the questions of tomorrow.
        let engine = Engine::open(lake, config, &policy)?.stand()?;
        engine.stand_reports()?;
        let (checked, found) = check::run(config, &engine, talk)?;
        found.iter().for_each(|line| talk.say(line));
        verdict = verdict.and(checked);
        self.figures = Some(Figures::gather(config, &engine, self.run.started_at, &late)?);
        self.run.answers_ms = Some(step.elapsed().as_millis() as u64);

        let step = Instant::now();
        let case = case_file.map(|file| case::built(file, &engine)).transpose()?;
        let appraisal = case.as_ref().map(case::worked_out).transpose()?;
        if let Some(appraisal) = &appraisal {
            verdict = verdict.and(case::judged(appraisal, talk));
        }
        let outputs = outputs::outputs(lake, config, &engine, case.as_ref(), appraisal.as_ref())?;
        for (name, bytes) in &outputs.files {
            write(&folder.join(name), bytes)?;
        }
        talk.say(&format!("wrote     {} files to {}", outputs.files.len(), folder.display()));
        if self.args.json {
            let night = json!({
                "run_id": self.run.run_id,
                "exit_code": verdict.exit_code(),
                "late": self.run.late,
                "needs": talk.needs.iter().map(|need| json!({ "what": need.what, "next": need.next })).collect::<Vec<_>>(),
            });
            let did = json!({ "ingest": ingest::summary(&outcome), "run": outputs.run, "night": night });
            heard(talk.data(format!("{did}\n").as_bytes()))?;
        } else {
            heard(talk.data(outputs::lines(&engine, appraisal.as_ref())?.as_bytes()))?;
        }
        self.run.outputs_ms = Some(step.elapsed().as_millis() as u64);
        Ok(verdict)
    }

    /// Says what went wrong, and puts down how it went: in the figures for the monitoring, in the lake, in a paragraph for a
    /// person.
    fn end(
        mut self,
        config: Option<&Config>,
        lake: Option<&Lake>,
        mut done: Result<Verdict, Vec<Error>>,
        talk: &mut Talk,
    ) -> Verdict {
        let mut needs = std::mem::take(&mut talk.needs);
        for error in done.as_ref().err().into_iter().flatten() {
            talk.error(error);
            needs.push(need(error));
        }
        self.run.ended_at = Some(Utc::now());
        self.judge(&done, &needs);
        if let Some(lake) = lake {
            self.run.lake_version = lake.version().ok();
            self.run.batch = lake.finished_batch().ok();
        }
        // Where another run holds the lake, the figures are that run's.
        let is_ours = !matches!(&done, Err(errors) if errors.iter().any(|error| matches!(error, Error::Busy { .. })));
        let (place, figures) = (self.metrics(config).filter(|_| is_ours), self.figures.take());
        let write =
            |run: &Run| place.as_ref().map_or(Ok(()), |place| metrics::write(place, run, figures.as_ref(), lake));
        // Before the history, which then has it where they could not be written.
        let written = write(&self.run);
        let is_there = written.is_ok();
        if let Err(error) = written {
            talk.need(&error.to_string(), "the monitoring has the figures of an earlier run");
            needs.append(&mut talk.needs);
            done = done.map(|_| Verdict::NeedsAPerson);
            self.judge(&done, &needs);
        }
        if let Some(lake) = lake
            && let Err(error) = lake.put_down(&self.run)
        {
            talk.error(&error);
            needs.push(need(&error));
            done = Err(vec![error]);
            self.judge(&done, &needs);
            // Once more, with what is known now. Where that cannot be, those of a moment ago must not stay: they may say a good
            // night, and for figures that are not there there is an alert.
            if let Err(error) = write(&self.run)
                && is_there
            {
                let is_gone = place.as_ref().is_none_or(|place| std::fs::remove_file(place).is_ok());
                let next = match is_gone {
                    true => "the monitoring has no figures: those written before the end were taken away",
                    false => "the figures there are of before the end and say too little: take the file away",
                };
                talk.need(&error.to_string(), next);
                needs.append(&mut talk.needs);
                self.judge(&done, &needs);
            }
        }
        if let Some(summary) = &self.run.summary {
            talk.conclude(summary);
            if let Some(config) = config
                && let Err(what) = notify::notify(config, &self.run, summary)
            {
                talk.warn(&format!("notify: {what}"));
            }
        }
        done.unwrap_or(Verdict::CouldNotFinish)
    }

    /// Exit code and paragraph.
    fn judge(&mut self, done: &Result<Verdict, Vec<Error>>, needs: &[Need]) {
        let exit_code = done.as_ref().map_or(Verdict::CouldNotFinish.exit_code(), |verdict| verdict.exit_code());
        self.run.exit_code = Some(exit_code);
        self.run.needs = Some(if exit_code == 0 { 0 } else { needs.len() });
        self.run.summary = (exit_code > 0).then(|| summary::paragraph(&self.run, needs));
    }

    fn metrics(&self, config: Option<&Config>) -> Option<PathBuf> {
        let configured = config.and_then(|config| Some(config.at(config.nightly.metrics.as_ref()?)));
        self.args.metrics.clone().or(configured)
    }
}

/// The lake, for this run alone. Where another has it, it is waited for as long as was said.
fn held(config: &Config, args: &cli::Nightly, begun: DateTime<Utc>, talk: &mut Talk) -> Result<Lake> {
    let until = begun + TimeDelta::minutes(args.wait.unwrap_or(0).into());
    let mut has_said = false;
    loop {
        match open(config, Access::Write) {
            Err(error @ Error::Busy { .. }) if Utc::now() < until => {
                if !has_said {
                    talk.say(&format!("waiting   {error}"));
                    has_said = true;
                }
                std::thread::sleep(TRY_AGAIN);
            }
            opened => return opened,
        }
    }
}

/// A reader that has gone away has not spoilt the night.
fn heard(told: Result<()>) -> Result<()> {
    told.or_else(|error| if is_broken_pipe(&error) { Ok(()) } else { Err(error) })
}

fn need(error: &Error) -> Need {
    Need { what: error.to_string(), next: error.hint().to_string() }
}
