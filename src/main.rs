//! Parse, run, print the error and its hint, choose the exit code. Nothing else.

use std::process::ExitCode;

use onhook::cli::Cli;
use onhook::commands;

fn main() -> ExitCode {
    let cli = match Cli::read(std::env::args_os()) {
        Ok(cli) => cli,
        Err(error) => {
            // Help and version are answers; anything else is wrong use.
            let code = if error.use_stderr() { 2 } else { 0 };
            return match error.print() {
                Ok(()) => ExitCode::from(code),
                Err(_) => ExitCode::from(2),
            };
        }
    };
    commands::logging(cli.quiet, cli.log);
    let mut talk = commands::Talk::new(cli.quiet, cli.log);
    match commands::run(cli, &mut talk) {
        Ok(verdict) => ExitCode::from(verdict.exit_code()),
        Err(errors) => {
            if errors.iter().all(commands::is_broken_pipe) {
                return ExitCode::SUCCESS;
            }
            errors.iter().for_each(|error| talk.error(error));
            ExitCode::from(2)
        }
    }
}
