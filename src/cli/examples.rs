//! Examples of every command, shown at the end of its help and of its manual page. Each line is typed as it stands; tests
//! read them all and run those that they can.

use clap::Command;

/// By the words of the command.
pub const EXAMPLES: &[(&str, &[&str])] = &[
    ("", &["onhook init my-estate", "onhook nightly -c my-estate/onhook.toml"]),
    ("init", &["onhook init my-estate"]),
    ("ingest", &["onhook ingest", "onhook ingest --source cucm Calls.Export.zip"]),
    ("estate", &["onhook estate load"]),
    ("estate load", &["onhook estate load --as-of 2024-03-31"]),
    ("estate import", &["onhook estate import --source cucm phone.csv -o draft.csv"]),
    ("query", &["onhook query idle-handsets -p site=S001 -f csv -o idle.csv", "onhook query --describe idle-handsets"]),
    (
        "export",
        &[
            "onhook export disposition --to xlsx disposition.xlsx",
            "onhook export idle-handsets -p site=S001 --to postgres --table telephony.idle_handsets --replace",
        ],
    ),
    ("sql", &["onhook sql", "onhook sql -e 'select source, count(*) from legs group by source' -f csv"]),
    ("explain", &["onhook explain 202395"]),
    ("case", &["onhook case -o out", "onhook case --set teams_user=60"]),
    ("bill", &["onhook bill --month 2024-03"]),
    ("nightly", &["onhook nightly -q -c my-estate/onhook.toml"]),
    ("check", &["onhook check"]),
    ("serve", &["onhook serve", "onhook serve --add-user ann --role analyst"]),
    ("privacy", &["onhook privacy key"]),
    ("privacy key", &["onhook privacy key --rotate"]),
    ("subject", &["onhook subject '+44 20 7946 0001'", "onhook subject '+44 20 7946 0001' --erase"]),
    ("lake", &["onhook lake status"]),
    ("lake status", &["onhook lake status"]),
    ("lake verify", &["onhook lake verify --repair"]),
    ("lake compact", &["onhook lake compact"]),
    ("lake vacuum", &["onhook lake vacuum --older-than 730d"]),
    ("synth", &["onhook synth --extensions 2000 --days 400 -o invented"]),
    ("config", &["onhook config show"]),
    ("config show", &["onhook config show"]),
    ("config schema", &["onhook config schema > onhook.schema.json"]),
    ("completions", &["onhook completions bash > ~/.local/share/bash-completion/completions/onhook"]),
    ("man", &["onhook man -o ~/.local/share/man/man1"]),
];

/// A command and all below it, each with its examples.
pub fn shown(command: Command, words: &str) -> Command {
    let below: Vec<String> = command.get_subcommands().map(|command| command.get_name().to_string()).collect();
    let command = below.into_iter().fold(command, |command, name| {
        let words = format!("{words} {name}");
        command.mut_subcommand(name, |command| shown(command, words.trim()))
    });
    match EXAMPLES.iter().find(|(of, _)| *of == words) {
        Some((_, lines)) => {
            let heading = if lines.len() == 1 { "Example" } else { "Examples" };
            command.after_help(format!("{heading}:\n  {}", lines.join("\n  ")))
        }
        None => command,
    }
}
