//! Writers of one lake in an object store who do not know of each other: at once, paused and overtaken, killed with a request
//! still on the way. The lake is what one clean run leaves.

use super::proxy::{Manner, Proxy};
use super::servers::{Kind, Server};
use super::{another, is_like, local, remote};
use crate::running::Running;
use crate::workdir::Workdir;

/// The commit of a batch is one of a table each; these are held up one after the other, `inputs` makes it count.
const COMMITS: [&str; 3] = ["/legs/_delta_log/", "/usage/_delta_log/", "/inputs/_delta_log/"];

#[test]
fn writers_at_once_leave_what_one_leaves() {
    let here = Workdir::small();
    here.good(&["ingest"]);
    here.good(&["estate", "load"]);
    for server in Server::all("writers_at_once") {
        let proxy = Proxy::to(server.port, Manner::Tenth);
        let first = remote(&server, "race", proxy.port);
        let works = [another(&server, &first, proxy.port), another(&server, &first, proxy.port), first];
        let steps: [&[&str]; 2] = [&["ingest"], &["estate", "load"]];
        let mut refused = 0;
        for args in steps {
            // All three the same, until each has had its way.
            let mut left: Vec<usize> = (0..works.len()).collect();
            for _ in 0..20 {
                let running: Vec<(usize, Running)> =
                    left.iter().map(|n| (*n, Running::start(&works[*n], args))).collect();
                left.clear();
                for (n, run) in running {
                    let ran = run.ended();
                    match ran.code {
                        0 => {}
                        2 => {
                            let is_told =
                                ran.stderr.contains("another run is writing") || ran.stderr.contains("taken over");
                            assert!(is_told, "{ran:?}");
                            refused += 1;
                            left.push(n);
                        }
                        _ => panic!("{ran:?}"),
                    }
                }
                if left.is_empty() {
                    break;
                }
            }
            assert!(left.is_empty(), "{args:?}: {left:?}");
        }
        assert!(refused > 0, "they never met");
        is_like(&works[0], &here, &format!("{:?}", server.kind));
    }
}

/// A writer whose connection stands still with part of its batch committed; another takes the lake over, and commits the same
/// batch. Then the first goes on.
#[test]
fn a_writer_that_was_overtaken_is_told_and_what_it_wrote_never_counts() {
    let here = local();
    for server in Server::all("a_writer_that_was_overtaken") {
        for (n, commit) in COMMITS.into_iter().enumerate() {
            let what = format!("{:?} at {commit}", server.kind);
            let proxy = Proxy::to(server.port, Manner::Honest);
            let first = remote(&server, &format!("paused{n}"), proxy.port);
            first.good(&["ingest", "--source", "hq-cucm"]);
            proxy.hold("PUT", commit);
            let paused = Running::start(&first, &["ingest", "--source", "north-mitel"]);
            proxy.held();
            let second = another(&server, &first, server.port);
            let (code, said) = second.ingest(&["--source", "north-mitel"]);
            assert_eq!((code, said["inputs"]["new"].as_u64()), (0, Some(1)), "{what}: it commits the very batch");
            proxy.release();
            let told = paused.ended();
            assert_eq!(told.code, 2, "{what}: {told:?}");
            assert!(told.stderr.contains("taken over by"), "{what}: {told:?}");
            second.good(&["estate", "load"]);
            is_like(&second, &here, &what);
            // Nothing stands in its way the next time.
            let again = first.ingest(&[]);
            assert_eq!((again.0, again.1["inputs"]["new"].as_u64()), (0, Some(0)), "{what}");
            is_like(&first, &here, &what);
        }
    }
}

/// A night that finds a run of another machine at work waits for it as for one beside it, and leaves its figures alone.
#[test]
fn a_night_waits_for_the_run_of_another_machine() {
    for server in Server::all("a_night_waits") {
        let first = remote(&server, "night", server.port);
        let second = another(&server, &first, server.port);
        // There is nothing of yesterday: it waits for that, and holds the lake.
        let config = first.read("onhook.toml");
        first.write("onhook.toml", config.replacen("timezone", "expect = \"working_days\"\ntimezone", 1));
        let running = Running::start(&first, &["nightly", "--wait", "60"]);
        running.says("waiting   hq-cucm is late");
        let told = second.run(&["nightly", "--metrics", "figures.prom"]);
        assert_eq!(told.code, 2, "{told:?}");
        assert!(told.stderr.contains("another run is writing to it: "), "{told:?}");
        assert!(!second.join("figures.prom").exists(), "the figures of the night are the other's");
        let waiting = Running::start(&second, &["nightly", "--wait", "5"]);
        waiting.says("waiting   lake ");
        assert!(!waiting.is_over());
        running.kill();
        let waited = waiting.ended();
        assert_eq!(waited.code, 0, "{waited:?}");
        assert_eq!(second.sql("select outcome from run_history"), ["good", "cut_short"]);
    }
}

/// Killed with a commit on the way: it arrives when the next run is long at work, or done.
#[test]
fn a_killed_run_is_made_good_by_the_next_and_its_last_request_comes_too_late() {
    let here = local();
    for server in Server::all("a_killed_run") {
        for (n, commit) in COMMITS.into_iter().enumerate() {
            let what = format!("{:?} at {commit}", server.kind);
            let proxy = Proxy::to(server.port, Manner::Honest);
            let mut work = remote(&server, &format!("killed{n}"), proxy.port);
            work.good(&["ingest", "--source", "hq-cucm"]);
            proxy.hold("PUT", commit);
            let run = Running::start(&work, &["ingest", "--source", "north-mitel"]);
            proxy.held();
            run.kill();
            // The same machine need not wait: it holds the lock that the dead run had.
            work.set_env(server.env(server.port));
            work.good(&["ingest", "--source", "north-mitel"]);
            let before = proxy.requests().len();
            proxy.release();
            while !proxy.requests()[before..].iter().any(|line| line.contains(commit)) {
                std::thread::yield_now();
            }
            work.good(&["estate", "load"]);
            is_like(&work, &here, &what);
        }
    }
}

/// Readers beside a writer that stands still in the middle of its batch see the batch before it.
#[test]
fn who_reads_sees_whole_batches_only() {
    let Some(server) = Server::start(Kind::S3, "who_reads_sees_whole_batches") else { return };
    let proxy = Proxy::to(server.port, Manner::Honest);
    let work = remote(&server, "whole", proxy.port);
    work.good(&["ingest", "--source", "hq-cucm"]);
    let reader = another(&server, &work, server.port);
    let counts = "select (select count(*) from legs) as legs, (select sum(made + offered) from usage) as uses, \
                  (select count(*) from inputs) as inputs";
    let before = reader.sql(counts);
    proxy.hold("PUT", "/inputs/_delta_log/");
    let run = Running::start(&work, &["ingest", "--source", "north-mitel"]);
    proxy.held();
    assert_eq!(reader.sql(counts), before);
    let said = reader.good(&["lake", "verify"]).stdout;
    assert!(said.contains("a run is writing") && said.contains("unfinished batch"), "{said}");
    proxy.release();
    assert_eq!(run.ended().code, 0);
    assert_ne!(reader.sql(counts), before);
}
