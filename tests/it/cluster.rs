//! Every report on three engines: in this process, on a Ballista cluster of upstream's own scheduler and executors, and on
//! DuckDB. And a cluster that is not there, or loses an executor in the middle of a question.

mod duck;
pub mod peers;
mod rows;

use std::path::PathBuf;

use onhook::config::Config;
use onhook::estate;
use onhook::lake::{Access, Lake};
use onhook::sql::{Answer, Args, Cluster, Engine, REPORTS};

use crate::running::Running;
use crate::workdir::Workdir;
use peers::Peers;

/// An estate whose lake is full, and the folder of its `onhook.toml`.
struct Estate {
    name: &'static str,
    work: Workdir,
    folder: PathBuf,
}

impl Estate {
    fn of(name: &'static str, work: Workdir, folder: &str) -> Self {
        let folder = work.join(folder);
        let estate = Self { name, work, folder };
        let night = estate.work.run(&["-c", &estate.config(), "nightly"]);
        assert!(night.code < 2, "{night:?}");
        estate
    }

    /// The hand-made estate, the thirty conversations on four platforms, and the invented estate of the README.
    fn all() -> [Self; 3] {
        [
            Self::of("small", Workdir::small(), ""),
            Self::of("scene", Workdir::of("scene"), ""),
            Self::of("sample", Workdir::sample(), "sample-data"),
        ]
    }

    fn config(&self) -> String {
        self.folder.join("onhook.toml").display().to_string()
    }

    /// What the reports say in a session of this process, on a cluster where one is given.
    fn asked(&self, cluster: Option<&Cluster>, args: &Args) -> Vec<(&'static str, Answer)> {
        let config = Config::load(&self.folder.join("onhook.toml"), &onhook::read::formats()).unwrap();
        let lake = Lake::open(&self.folder.join("lake"), Access::Read).unwrap();
        let policy = estate::policy_rows(&estate::policy(&config).unwrap());
        let engine = match cluster {
            Some(cluster) => Engine::open_on(cluster, &lake, &config, &policy).unwrap(),
            None => Engine::open(&lake, &config, &policy).unwrap(),
        };
        let said = |query: &'static onhook::sql::Query| {
            let known = |name: &&String| query.settings.contains(name);
            let args: Args = args.iter().filter(|(name, _)| known(name)).map(|(n, v)| (n.clone(), v.clone())).collect();
            engine.run(query, &args).map(|answer| (query.name.as_str(), answer)).map_err(|error| format!("{error}\n"))
        };
        let (said, failed): (Vec<_>, Vec<_>) = REPORTS.iter().map(said).partition(Result::is_ok);
        let failed: String = failed.into_iter().filter_map(Result::err).collect();
        assert!(failed.is_empty(), "{}: {failed}", self.name);
        said.into_iter().flatten().collect()
    }

    /// Panics with all that differs.
    fn compare(&self, ours: &[(&str, Answer)], theirs: &[(&str, Answer)], engine: &str) -> usize {
        assert_eq!(ours.len(), theirs.len());
        let pairs = ours.iter().zip(theirs);
        let wrong: Vec<String> =
            pairs.flat_map(|((name, ours), (_, theirs))| rows::differences(name, ours, theirs)).collect();
        assert!(wrong.is_empty(), "{} here and on {engine}:\n{}", self.name, wrong.join("\n"));
        ours.iter().map(|(_, answer)| answer.rows()).sum()
    }
}

/// In a thread with room: a plan is as deep as its views stand on each other, and is walked in depth.
fn deep(work: impl FnOnce() + Send + 'static) {
    let thread = std::thread::Builder::new().stack_size(64 << 20).spawn(work).unwrap();
    if let Err(panic) = thread.join() {
        std::panic::resume_unwind(panic);
    }
}

#[test]
fn every_report_says_on_a_cluster_what_it_says_here() {
    deep(on_a_cluster);
}

fn on_a_cluster() {
    let peers = Peers::start(2);
    let cluster: Cluster = (peers.place() + "?partitions=4").parse().unwrap();
    for estate in Estate::all() {
        let here = estate.asked(None, &Args::new());
        // Standing answers are read as files of the lake where they are there,
        let rows = estate.compare(&here, &estate.asked(Some(&cluster), &Args::new()), "the cluster");
        assert!(rows > 100, "{}: {rows}", estate.name);
        // and go along with the plan where they are not.
        if estate.name == "small" {
            std::fs::remove_dir_all(estate.folder.join("lake/standing")).unwrap();
            estate.compare(&here, &estate.asked(Some(&cluster), &Args::new()), "the cluster, without standing answers");
        }
    }
}

#[test]
fn every_report_says_on_duckdb_what_it_says_here() {
    let Some(duck) = duck::Duck::find("every_report_says_on_duckdb_what_it_says_here") else { return };
    for estate in Estate::all() {
        let rows = estate.compare(&estate.asked(None, &Args::new()), &duck.asked(&estate), "DuckDB");
        assert!(rows > 100, "{}: {rows}", estate.name);
    }
}

/// A setting given for one question, a query of the user's own, SQL: by the command, as a user types it.
#[test]
fn a_question_on_a_cluster_is_typed_like_any_other() {
    let peers = Peers::start(1);
    let work = Workdir::small();
    work.good(&["nightly"]);
    work.write("days.sql", "-- param: least int = 1\nselect local_day, count(*) as rows from usage group by local_day having count(*) >= $least order by 1");
    let place = peers.place() + "?partitions=3";
    for args in [
        &["query", "usage-bands", "-f", "csv", "-p", "window_days=10", "-p", "light=0.5"][..],
        &["query", "days.sql", "-f", "csv", "-p", "least=2"],
        &["query", "disposition", "-f", "json", "-p", "site=HQ"],
        &["sql", "-f", "csv", "-e", "select verdict, count(*) as n from verdicts group by verdict order by verdict"],
        &["sql", "-f", "csv", "-e", "select * from conversation_share order by platform"],
        &["sql", "-f", "csv", "-e", "select source, leg_key from legs where talk_s > 100 order by leg_key limit 3"],
        &["sql", "-f", "csv", "-e", "select 1 as one where 1 = 2"],
        &["sql", "-f", "csv", "-e", "select table_name from information_schema.tables order by table_name"],
    ] {
        let (here, there) = (work.good(args), work.good(&[args, &["--engine", &place]].concat()));
        assert_eq!(here.stdout, there.stdout, "{args:?}");
        assert_eq!(there.stderr, "", "{args:?}");
    }
    let recursive =
        "with recursive n as (select 1 as i union all select i + 1 from n where i < 5) select sum(i) as s from n";
    let array = "select cardinality([source, platform, 'x']) as s from legs limit 1";
    // Sixty operators within each other, each another than the next; of 27 and 10 records seven are of media.
    let deep = format!("select count(*) as s from legs where record_no{} = record_no", " + 1 - 1".repeat(30));
    for (sql, said, why) in [
        (recursive, "s\n15\n", "it is recursive"),
        (array, "s\n3\n", "it uses the function "),
        (deep.as_str(), "s\n30\n", "its plan is too deep"),
    ] {
        let ran = work.good(&["sql", "-f", "csv", "-e", sql, "--engine", &place]);
        assert_eq!(ran.stdout, said);
        assert!(ran.stderr.contains(why) && ran.stderr.contains("worked out in this process"), "{}", ran.stderr);
    }
    let ran = work.run(&["sql", "-e", "select nothing from legs", "--engine", &place]);
    assert_eq!((ran.code, ran.stderr.lines().count()), (2, 2), "{ran:?}");
    assert!(ran.stderr.starts_with("error: query sql:"), "{}", ran.stderr);
    let ran = work.run(&["sql", "-e", "select cast(source as int) from legs", "--engine", &place]);
    assert_eq!((ran.code, ran.stderr.lines().count()), (2, 2), "{ran:?}");
    assert!(ran.stderr.starts_with(&format!("error: cluster {place}: ")), "{}", ran.stderr);
}

/// Where no two columns are asked to be equal, or a column without a value counts, the left side goes to every task. What each
/// tells of left rows without a match must come once.
#[test]
fn a_join_without_an_equality_gives_each_left_row_once() {
    let peers = Peers::start(2);
    let estate = Estate::of("sample", Workdir::sample(), "sample-data");
    let place = peers.place() + "?partitions=4";
    let days = "(select distinct local_day as d, source as s from legs order by d, s limit 20)";
    let questions = [
        format!(
            "select a.d, a.s, count(*) as n, count(b.source) as m from {days} a left join legs b on b.talk_s > 100000000 + length(a.s) group by a.d, a.s order by a.d, a.s"
        ),
        format!(
            "select count(*) as n, count(a.d) as a, count(b.source) as b from {days} a full join legs b on b.talk_s > 3000 + length(a.s)"
        ),
        format!(
            "select a.d, count(*) as n from {days} a where not exists (select 1 from legs b where b.talk_s < a.d - date '2024-04-01') group by a.d order by a.d"
        ),
        format!("select count(*) as n from {days} a where exists (select 1 from legs b where b.talk_s > length(a.s))"),
        format!(
            "select count(*) as n from {days} a where length(a.s) > 100 or exists (select 1 from legs b where b.talk_s > 100 + length(a.s))"
        ),
        format!(
            "select count(*) as n from {days} a where a.s not in (select case when talk_s >= 0 then platform end from legs)"
        ),
    ];
    let asked = |question: &str, engine: &[&str]| {
        let args = ["-c", &estate.config(), "sql", "-f", "csv", "-e", question];
        estate.work.good(&[&args[..], engine].concat())
    };
    let differ = |question: &&String| {
        let (here, there) = (asked(question, &[]), asked(question, &["--engine", &place]));
        let differs = here.stdout != there.stdout || !there.stderr.is_empty();
        differs.then(|| format!("{question}\nhere:\n{}there:\n{}{}", here.stdout, there.stdout, there.stderr))
    };
    let wrong: Vec<String> = questions.iter().filter_map(|question| differ(&question)).collect();
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn a_cluster_that_is_not_there_is_said_in_one_line() {
    let work = Workdir::small();
    work.good(&["ingest"]);
    // Nobody listens; somebody does who never answers; a scheduler without executors.
    let silent = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let silent = silent.local_addr().unwrap().port();
    let alone = Peers::start(0);
    for (place, what) in [
        (format!("df://127.0.0.1:{}", peers::free_port()), "Connection refused"),
        (format!("df://127.0.0.1:{silent}"), ""),
        (alone.place(), "no executor has answered within 20 seconds"),
    ] {
        let ran = work.run(&["query", "coverage", "--engine", &place]);
        assert_eq!((ran.code, ran.stdout.as_str()), (2, ""), "{ran:?}");
        let lines: Vec<&str> = ran.stderr.lines().collect();
        let [error, hint] = lines[..] else { panic!("{ran:?}") };
        assert!(error.starts_with(&format!("error: cluster {place}: ")) && error.contains(what), "{error}");
        assert_eq!(hint, "hint: is a Ballista 55 scheduler running there, with executors? docs/scale.md says how");
    }
    let ran = work.run(&["query", "coverage", "--engine", "http://127.0.0.1:1"]);
    assert_eq!(ran.code, 2);
    assert!(ran.stderr.contains("write it as df://host:port"), "{}", ran.stderr);
}

/// Legs by legs of the same minute: seconds of work on all cores, in stages that every executor has a share of.
const LONG: &str = "select a.source, count(*) as pairs, sum(a.talk_s * (b.record_no % 97)) as weighed, max(a.leg_key - b.leg_key) as gap \
    from legs a join legs b on a.local_minute % 16 = b.local_minute % 16 group by a.source order by a.source";

#[test]
fn an_executor_killed_in_the_middle_of_a_question_leaves_the_right_answer_or_a_clear_error() {
    let estate = Estate::of("sample", Workdir::sample(), "sample-data");
    let args = ["-c", &estate.config(), "sql", "-f", "csv", "-e", LONG];
    let here = estate.work.good(&args);
    let mut peers = Peers::start(2);
    let place = peers.place() + "?partitions=16&seconds=60";
    let asked = Running::start(&estate.work, &[&args[..], &["--engine", &place]].concat());
    // Both have written rows of the same job, and it is not done.
    peers.wait_until_both_work(&asked);
    peers.kill(0);
    assert!(!asked.is_over(), "the question was answered before the executor was killed");
    let ran = asked.ended();
    if ran.code == 0 {
        assert_eq!(ran.stdout, here.stdout);
    } else {
        let lines: Vec<&str> = ran.stderr.lines().collect();
        assert_eq!((ran.code, ran.stdout.as_str(), lines.len()), (2, "", 2), "{ran:?}");
        assert!(lines[0].starts_with(&format!("error: cluster {place}: ")), "{ran:?}");
        assert!(lines[1].starts_with("hint: ask again if an executor went away"), "{ran:?}");
    }
}
