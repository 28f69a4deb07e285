//! `onhook serve`: the server until it is told to end, and the users who may ask it.

use std::io::{BufRead, IsTerminal};
use std::net::SocketAddr;
use std::time::{Duration, Instant, SystemTime};

use tokio::signal::unix::{SignalKind, signal};

use super::{Talk, Verdict};
use crate::cli;
use crate::config::Config;
use crate::error::{Error, Result};
use crate::estate;
use crate::serve::{self, Role, Server, Surroundings};

pub fn command(config: Config, args: &cli::Serve, talk: &mut Talk) -> Result<Verdict, Vec<Error>> {
    if let Some(name) = &args.add_user {
        let role = args.role.unwrap_or(Role::Analyst);
        let path = config.at(&config.serve.users);
        let was_there = serve::add(&path, name, role, &password(talk)?)?;
        let done = if was_there { "changed" } else { "added" };
        talk.say(&format!("{done:<10}{name}, {}, in {}", role.word(), path.display()));
        return Ok(Verdict::Good);
    }
    let policy = estate::policy_rows(&estate::policy(&config)?);
    let listen = address(args.listen.as_deref().unwrap_or(&config.serve.listen))?;
    let now = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).unwrap_or(Duration::ZERO);
    let site = super::site(&config)?;
    let server = Server::open(config, site, policy, listen, &Surroundings { clock: Instant::now, now })?;
    talk.say(&format!("listening on {}", server.address()?));
    server.run(told_to_end())?;
    talk.say("ended");
    Ok(Verdict::Good)
}

fn address(text: &str) -> Result<SocketAddr> {
    text.parse().map_err(|_| Error::Config {
        place: "--listen".into(),
        what: format!("{text:?} is no address and port"),
        hint: "write it like 127.0.0.1:5433".into(),
    })
}

/// Until somebody ends the program, as a service manager or Ctrl-C does.
async fn told_to_end() {
    let (Ok(mut term), Ok(mut int)) = (signal(SignalKind::terminate()), signal(SignalKind::interrupt())) else {
        // Then it ends at once, as any program does.
        return std::future::pending().await;
    };
    tokio::select! {
        _ = term.recv() => {}
        _ = int.recv() => {}
    }
}

/// From the terminal without showing it, or a line of standard input: never from the command line, which others can read.
fn password(talk: &mut Talk) -> Result<String> {
    let stdin = std::io::stdin();
    if stdin.is_terminal() {
        talk.say("at least 12 characters");
        let ask = |prompt: &str| rpassword::prompt_password(prompt).map_err(Error::io("the terminal"));
        let (one, two) = (ask("password: ")?, ask("again: ")?);
        return match one == two {
            true => Ok(one),
            false => Err(Error::Config {
                place: "password".into(),
                what: "the two are not the same".into(),
                hint: "try again".into(),
            }),
        };
    }
    let mut line = String::new();
    stdin.lock().read_line(&mut line).map_err(Error::io("standard input"))?;
    Ok(line.trim_end_matches(['\n', '\r']).to_string())
}
