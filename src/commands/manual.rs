//! What tells a person, or his shell, how onhook is used: completion scripts and manual pages, both from the commands
//! themselves.

use std::path::Path;

use super::{Talk, Verdict, write};
use crate::cli::Cli;
use crate::error::{Error, Result};

pub fn completions(shell: clap_complete::Shell, talk: &mut Talk) -> Result<Verdict> {
    let mut script = Vec::new();
    clap_complete::generate(shell, &mut Cli::described(), "onhook", &mut script);
    talk.data(&script)?;
    Ok(Verdict::Good)
}

/// One page a command, `onhook-lake-verify.1` and its like.
pub fn pages(folder: &Path, talk: &mut Talk) -> Result<Verdict> {
    let mut command = Cli::described();
    // Names in full and flags that hold everywhere are set here.
    command.build();
    let mut count = 0;
    let mut next = vec![command];
    while let Some(command) = next.pop() {
        next.extend(command.get_subcommands().cloned());
        let page = clap_mangen::Man::new(command).manual("onhook");
        let path = folder.join(page.get_filename());
        let mut text = Vec::new();
        page.render(&mut text).map_err(Error::io(&path))?;
        write(&path, &text)?;
        count += 1;
    }
    talk.say(&format!("wrote     {count} pages to {}", folder.display()));
    Ok(Verdict::Good)
}
