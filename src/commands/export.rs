//! `onhook export`: a report, or any query, into a file of another program or a table of its database. The forms of a file
//! are those of `onhook query`.

mod cells;
mod connection;
mod old;
mod table;

use std::path::Path;

use super::{Talk, Verdict, load, query};
use crate::cli::{self, Output};
use crate::error::Error;
use crate::sql::Args;
use connection::Server;
use table::Table;

pub fn command(config: &Path, args: &cli::Export, talk: &mut Talk) -> Result<Verdict, Vec<Error>> {
    let query = query::named(&args.name)?;
    let config = load(config)?;
    let given: Args = args.params.iter().cloned().collect();
    let below = args.suppress.unwrap_or(config.privacy.suppress_below);
    match args.to.form() {
        Some(format) => {
            let found = query::with_engine(&config, |engine| engine.run(&query, &given))?;
            let (query, found) = query::suppressed(query, found, below, talk)?;
            query::deliver(Some(&query), &found, &Output { format, output: args.file.clone() }, talk)?;
        }
        None => {
            // What was typed and where it goes are looked at before a long question is asked.
            let table = Table::named(args.table.as_deref().unwrap_or_default(), args.replace)?;
            let server = Server::of(args.url.as_deref(), &|name| std::env::var(name).ok())?;
            let (found, origin) = query::with_engine(&config, |engine| {
                let with: String = given.iter().map(|(name, value)| format!(" {name}={value}")).collect();
                let origin = format!("{}{with}, lake batch {}, as of {}", query.name, engine.batch(), engine.as_of());
                Ok((engine.run(&query, &given)?, origin))
            })?;
            let (query, found) = query::suppressed(query, found, below, talk)?;
            let rows = server.wait(async |client| table.put(client, &query, &found, &origin).await)?;
            talk.say(&format!("wrote     {rows} rows to {table} at {server}"));
        }
    }
    Ok(Verdict::Good)
}
