//! What an analyst sees and a manager sees: the same rows, but for the numbers of people outside.

use std::collections::BTreeSet;

use tokio_postgres::Client;

use super::{ANALYST, MANAGER, Server, block_on, code, one, rows};
use crate::workdir::Workdir;

/// Tables, views and reports that there are.
async fn relations(client: &Client) -> Vec<String> {
    let all = "select table_name from information_schema.tables where table_schema = 'public' order by table_name";
    rows(client, all).await.into_iter().map(|row| row[0].clone().unwrap()).collect()
}

/// Every number that somebody outside was called by or called from, as the calls have it, in the forms it is written in. Those
/// of emergency services, short codes and directory enquiries are nobody's.
async fn outside(manager: &Client) -> BTreeSet<String> {
    let mut numbers = BTreeSet::new();
    for (number, extension) in [("caller", "caller_ext"), ("dialled", "dialled_ext"), ("callee", "callee_ext")] {
        let found = format!(
            "select distinct {number} from legs where {extension} is null and {number} is not null
             and coalesce(number_class, '') not in ('emergency', 'short_code', 'directory')"
        );
        numbers.extend(rows(manager, &found).await.into_iter().filter_map(|row| row[0].clone()));
    }
    // What a rejected line holds is whatever somebody sent: its digits are looked for too.
    for row in rows(manager, "select raw from rejects").await {
        let raw = row[0].clone().unwrap_or_default();
        numbers.extend(raw.split(|c: char| !c.is_ascii_digit()).filter(|run| run.len() >= 11).map(str::to_string));
    }
    let digits = |n: &String| n.chars().filter(char::is_ascii_digit).collect::<String>();
    numbers.iter().map(digits).filter(|n| n.len() >= 7).collect()
}

/// The digits of a cell that stand together, long enough for a number.
fn runs(cell: &str) -> impl Iterator<Item = &str> {
    cell.split(|c: char| !c.is_ascii_digit()).filter(|run| run.len() >= 7)
}

/// Holds the two roles to one another over everything there is; `names` are numbers that stand in names too.
fn compared(work: &Workdir, fewest: usize, names: &[&str]) {
    let server = Server::start(work);
    block_on(async {
        let (analyst, manager) = (server.connect(ANALYST).await.unwrap(), server.connect(MANAGER).await.unwrap());
        let all = relations(&manager).await;
        assert_eq!(relations(&analyst).await, all);
        for name in ["legs", "calls", "rejects", "verdicts", "third_parties", "coverage_report", "extension_usage"] {
            assert!(all.iter().any(|one| one == name), "{name} is not among {all:?}");
        }
        let mut outside = outside(&manager).await;
        outside.extend(names.iter().map(|number| number.to_string()));
        assert!(outside.len() >= fewest, "{outside:?}");
        // National and E.164, with and without the access digit: all end alike.
        let tails: BTreeSet<&str> = outside.iter().map(|n| &n[n.len() - 7..]).collect();
        let (mut masked, mut seen) = (BTreeSet::new(), 0);
        for name in &all {
            let statement = format!("select * from \"{name}\"");
            let (less, more) = (rows(&analyst, &statement).await, rows(&manager, &statement).await);
            assert_eq!(less.len(), more.len(), "{name}");
            // Prices that are for one number have it, as they were loaded: it is no call's.
            let is_price = ["tariffs", "tariffs_in_force"].contains(&name.as_str());
            for row in less.iter().filter(|_| !is_price) {
                for cell in row.iter().flatten() {
                    let found = runs(cell).find(|run| tails.contains(&run[run.len() - 7..]));
                    assert!(found.is_none() || is_key(cell), "{name}: {cell:?}");
                }
            }
            for column in 0..less.first().map_or(0, Vec::len) {
                let cells = |rows: &[Vec<Option<String>>]| -> BTreeSet<Option<String>> {
                    rows.iter().map(|row| row[column].clone()).collect()
                };
                // What only the analyst is told is a number with its end masked, or no more than that there is something.
                for cell in cells(&less).difference(&cells(&more)) {
                    let Some(cell) = cell else {
                        assert_eq!(name, "usage", "column {column} is blank");
                        continue;
                    };
                    assert!(cell.contains("xxxx") || cell == "masked", "{name}, column {column}: {cell:?}");
                    masked.insert(format!("{name} {column}"));
                }
            }
            for row in &more {
                seen += row.iter().flatten().filter(|cell| runs(cell).any(|run| outside.contains(run))).count();
            }
        }
        // The same search finds them where nothing is masked: it is no blind one.
        assert!(seen > fewest, "{seen}");
        assert!(masked.iter().any(|column| column.starts_with("legs ")), "{masked:?}");
        // Whatever is asked of it.
        for statement in [
            "select max(caller), min(callee), string_agg(dialled, ',') from legs",
            "select regexp_replace(callee, '^.', '') from legs union all select reverse(callee) from legs",
            "select array_agg(distinct callee) from legs group by direction",
            "with x as (select * from calls) select x.* from x join legs on legs.call_key = x.call_key",
            "select encode(callee::bytea, 'hex') from legs",
            "explain select caller, callee from legs where caller > '+44'",
            "select md5(callee) from legs where callee like '+447%'",
        ] {
            let Ok(messages) = analyst.simple_query(statement).await else { continue };
            let text = format!("{messages:?}");
            let found = runs(&text).find(|run| tails.contains(&run[run.len() - 7..]));
            assert!(found.is_none(), "{statement}: {found:?}");
        }
        // A plan shows nobody either; one that was run would, and is refused.
        for name in &all {
            let text =
                format!("{:?}", analyst.simple_query(&format!("explain select * from \"{name}\"")).await.unwrap());
            let found = runs(&text).find(|run| tails.contains(&run[run.len() - 7..]));
            assert!(found.is_none(), "{name}: {found:?}");
            for words in ["explain analyze", "explain verbose", "explain (analyze)"] {
                let error = analyst.simple_query(&format!("{words} select * from \"{name}\"")).await.unwrap_err();
                assert!(
                    ["25006", "42501", "42601", "0A000"].contains(&code(&error).as_str()),
                    "{words} {name}: {error}"
                );
            }
        }
        // A number that is asked for by itself finds nobody.
        let some =
            one(&manager, "select callee from legs where callee like '+44%' and callee_ext is null limit 1").await;
        let count = format!("select count(*) from legs where callee = '{some}'");
        assert_ne!(one(&manager, &count).await, "0");
        assert_eq!(one(&analyst, &count).await, "0");
    });
}

/// Keys are hashes: that one ends in the digits of a number is chance.
fn is_key(cell: &str) -> bool {
    cell.trim_start_matches('-').len() >= 17 && cell.trim_start_matches('-').bytes().all(|b| b.is_ascii_digit())
}

/// With the answers that `nightly` keeps, made from what is not masked.
#[test]
fn an_analyst_sees_no_number_from_outside_in_anything_there_is() {
    let work = Workdir::small();
    let ran = work.run(&["nightly"]);
    assert!(ran.code < 2, "{ran:?}");
    assert!(work.join("lake/standing").read_dir().unwrap().count() > 5);
    compared(&work, 5, &[]);
}

/// What people put into names of trunks, handsets and logins stands in the roll-ups as well. The register's own names stay.
#[test]
fn nor_in_the_names_that_calls_are_counted_by() {
    let work = Workdir::small();
    let pbx = "[[source]]\nname = \"pbx\"\nformat = \"asterisk-csv\"\npaths = [\"landing/pbx/*\"]\n\
        timezone = \"Europe/London\"\nextensions = [\"1XX\"]\n\n[estate]";
    work.write("onhook.toml", work.read("onhook.toml").replace("[estate]", pbx));
    let end = "\"Dial\",\"\",\"2024-03-05 09:00:00\",\"2024-03-05 09:00:06\",\"2024-03-05 09:01:00\",60,54,\"ANSWERED\",\"DOCUMENTATION\"";
    work.write(
        "landing/pbx/Master.csv",
        format!(
            "\"\",\"101\",\"07700900123\",\"out\",\"Desk\",\"PJSIP/+441632960556-00000001\",\"SIP/Room 12 0113 496 0501-00000002\",{end},\"1709629200.1\",\"\"\n\
             \"\",\"102\",\"07700900123\",\"out\",\"Desk\",\"PJSIP/001565123456-00000003\",\"SIP/447700900124-00000004\",{end},\"1709629200.3\",\"\"\n"
        ),
    );
    let lines = work.read("estate/extensions.csv");
    let line = "pbx,102,,PJSIP/001565123456,Yealink T54W,desk_phone,personal,HQ,,CC100,,,2019-05-01,,false,,\n";
    work.write("estate/extensions.csv", lines + line);
    // A trunk that was taken off the list later is still in what was read.
    let trunks = work.read("estate/trunks.csv");
    let pilot = "pbx,SIP/447700900124,,pstn,,30,\n";
    work.write("estate/trunks.csv", format!("{trunks}{pilot}"));
    assert!(work.run(&["ingest"]).code < 2);
    work.write("estate/trunks.csv", trunks);
    assert!(work.run(&["estate", "load"]).code < 2);
    compared(&work, 5, &["441632960556", "447700900124"]);
    let server = Server::start(&work);
    block_on(async {
        let (analyst, manager) = (server.connect(ANALYST).await.unwrap(), server.connect(MANAGER).await.unwrap());
        for (sql, less, more) in [
            (
                "select subject from usage where source = 'pbx' and subject like 'PJSIP/+%'",
                "PJSIP/+441632xxxxxx",
                "PJSIP/+441632960556",
            ),
            (
                "select distinct name from traffic where source = 'pbx' and name like 'SIP/4%'",
                "SIP/447700xxxxxx",
                "SIP/447700900124",
            ),
            (
                "select subject from usage where source = 'pbx' and subject like 'SIP/R%'",
                "SIP/Room 12 0113 4xx xxxx",
                "SIP/Room 12 0113 496 0501",
            ),
            (
                "select subject from usage where source = 'pbx' and subject like 'PJSIP/0%'",
                "PJSIP/001565123456",
                "PJSIP/001565123456",
            ),
        ] {
            assert_eq!((one(&analyst, sql).await.as_str(), one(&manager, sql).await.as_str()), (less, more));
        }
    });
}

#[test]
fn nor_in_the_records_of_any_platform() {
    let work = Workdir::new();
    onhook::synth::generate_every_format(1, work.path()).unwrap();
    assert_eq!(work.ingest(&[]).0, 0);
    compared(&work, 20, &[]);
}
