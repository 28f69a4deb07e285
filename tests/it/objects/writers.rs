//! Writers of one lake in an object store who do not know of each other: at once, paused and overtaken, killed with a request
//! still on the way. The lake is what one clean run leaves.

use super::proxy::{Manner, Proxy};
use super::servers::{BUCKET, Kind, Server};
use super::{another, is_like, local, remote};
use crate::running::Running;
use crate::workdir::Workdir;

/// The commit of a batch is one of a table each; these are held up one after the other, `inputs` makes it count.
const COMMITS: [&str; 3] = ["/legs/_delta_log/", "/usage/_delta_log/", "/inputs/_delta_log/"];
/// Signs of life are put there.
const LEASE: &str = "/onhook-lease.json";

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

/// A writer that has the lease and has read nothing yet stands still until another is in the middle of its batch. It must not take
/// that for what a dead run left. No sign of life tells it that it has lost the lake: those are refused, as by a store in trouble.
#[test]
fn a_writer_that_was_overtaken_before_it_read_anything_takes_nothing_back() {
    let here = local();
    for server in Server::all("a_writer_that_was_overtaken_before") {
        let what = format!("{:?}", server.kind);
        let (proxy, other) = (Proxy::to(server.port, Manner::Honest), Proxy::to(server.port, Manner::Honest));
        let first = remote(&server, "early", proxy.port);
        first.good(&["ingest", "--source", "hq-cucm"]);
        let second = another(&server, &first, other.port);
        // The first log of all.
        proxy.hold("GET", COMMITS[0]);
        let paused = Running::start(&first, &["ingest", "--source", "north-mitel"]);
        proxy.held();
        proxy.refuse("PUT", LEASE, "403 Forbidden");
        // Its legs are committed when it sends the first file of `usage`.
        other.hold("PUT", "/usage/b");
        let at_work = Running::start(&second, &["ingest", "--source", "north-mitel"]);
        other.held();
        proxy.release();
        let told = paused.ended();
        assert_eq!(told.code, 2, "{what}: {told:?}");
        assert!(told.stderr.contains("taken over by"), "{what}: {told:?}");
        other.release();
        let ran = at_work.ended();
        assert_eq!(ran.code, 0, "{what}: {ran:?}");
        second.good(&["estate", "load"]);
        is_like(&second, &here, &what);
    }
}

/// The same with a repair: it must not commit behind the fence of the other, whatever it finds that is to be mended.
#[test]
fn a_repair_that_was_overtaken_mends_nothing() {
    let Some(server) = Server::start(Kind::S3, "a_repair_that_was_overtaken") else { return };
    let proxy = Proxy::to(server.port, Manner::Honest);
    let first = remote(&server, "repair", proxy.port);
    first.good(&["ingest", "--source", "hq-cucm"]);
    let lost = server.keys("repair/usage/").into_iter().find(|key| key.ends_with(".parquet")).unwrap();
    server.s3("DELETE", &format!("/{BUCKET}/{lost}"), b"");
    let second = another(&server, &first, server.port);
    // The first log that is looked for.
    proxy.hold("GET", "removals");
    let paused = Running::start(&first, &["lake", "verify", "--repair"]);
    proxy.held();
    proxy.refuse("PUT", LEASE, "403 Forbidden");
    second.good(&["ingest", "--source", "north-mitel"]);
    let before = server.keys("repair/usage/");
    proxy.release();
    let told = paused.ended();
    assert_eq!(told.code, 2, "{told:?}");
    assert!(told.stderr.contains("taken over by"), "{told:?}");
    assert_eq!(server.keys("repair/usage/"), before);
    let said = second.good(&["lake", "verify", "--repair"]).stdout;
    assert!(said.contains("repaired  usage"), "{said}");
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

/// A run is killed with the commit that makes its batch count on the way. The next cannot read the log that it would have to
/// fence; the one after that takes back what the first had done. Only then the commit arrives.
#[test]
fn a_fence_that_failed_is_made_by_the_next_writer() {
    let here = local();
    for server in Server::all("a_fence_that_failed") {
        let what = format!("{:?}", server.kind);
        let proxy = Proxy::to(server.port, Manner::Honest);
        let mut work = remote(&server, "fence", proxy.port);
        work.good(&["ingest", "--source", "hq-cucm"]);
        proxy.hold("PUT", COMMITS[2]);
        let run = Running::start(&work, &["ingest", "--source", "north-mitel"]);
        proxy.held();
        run.kill();
        let refusing = Proxy::to(server.port, Manner::Honest);
        refusing.refuse("GET", COMMITS[2], "403 Forbidden");
        work.set_env(server.env(refusing.port));
        let refused = work.run(&["estate", "load"]);
        assert_eq!(refused.code, 2, "{what}: {refused:?}");
        assert!(refused.stderr.contains("the store refuses access"), "{what}: {refused:?}");
        work.set_env(server.env(server.port));
        work.good(&["estate", "load"]);
        let before = proxy.requests().len();
        proxy.release();
        while !proxy.requests()[before..].iter().any(|line| line.contains(COMMITS[2])) {
            std::thread::yield_now();
        }
        let (code, said) = work.ingest(&["--source", "north-mitel"]);
        assert_eq!((code, said["inputs"]["new"].as_u64()), (0, Some(1)), "{what}: it does not count: {said}");
        is_like(&work, &here, &what);
    }
}

/// Killed while it makes a table of a new lake. The next run has seen that the table is not there; then it is.
#[test]
fn a_table_that_a_killed_run_makes_late_is_taken_as_it_is() {
    let Some(server) = Server::start(Kind::S3, "a_table_that_a_killed_run_makes_late") else { return };
    let here = local();
    let (dead, next) = (Proxy::to(server.port, Manner::Honest), Proxy::to(server.port, Manner::Honest));
    let mut work = remote(&server, "late", dead.port);
    dead.hold("PUT", COMMITS[0]);
    let run = Running::start(&work, &["ingest", "--source", "hq-cucm"]);
    dead.held();
    run.kill();
    next.hold("PUT", COMMITS[0]);
    work.set_env(server.env(next.port));
    let run = Running::start(&work, &["ingest", "--source", "hq-cucm"]);
    next.held();
    dead.release();
    while !server.keys("late/legs/").iter().any(|key| key.ends_with("/_delta_log/00000000000000000000.json")) {
        std::thread::yield_now();
    }
    next.release();
    let ran = run.ended();
    assert_eq!(ran.code, 0, "{ran:?}");
    work.good(&["ingest", "--source", "north-mitel"]);
    work.good(&["estate", "load"]);
    is_like(&work, &here, "late");
}

/// A reader knows the last batch and has read no log yet; then the next batch is finished and merged with all before it.
#[test]
fn who_reads_beside_a_merge_sees_all_of_it() {
    for server in Server::all("who_reads_beside_a_merge") {
        let work = remote(&server, "merge", server.port);
        work.good(&["ingest", "--source", "hq-cucm"]);
        let proxy = Proxy::to(server.port, Manner::Honest);
        let reader = another(&server, &work, proxy.port);
        let question = [
            "sql",
            "-f",
            "csv",
            "-e",
            "select (select count(*) from legs) as legs, (select count(*) from inputs) as inputs",
        ];
        proxy.hold("GET", "/legs/_delta_log/");
        let reading = Running::start(&reader, &question);
        proxy.held();
        work.good(&["ingest", "--source", "north-mitel"]);
        work.good(&["lake", "compact"]);
        proxy.release();
        let read = reading.ended();
        assert_eq!((read.code, read.stdout), (0, work.good(&question).stdout), "{:?}: {}", server.kind, read.stderr);
    }
}

/// The same for what is held under a number.
#[test]
fn who_asks_for_a_number_beside_a_merge_finds_all_of_it() {
    for server in Server::all("who_asks_for_a_number_beside_a_merge") {
        let work = remote(&server, "subject", server.port);
        work.good(&["ingest", "--source", "north-mitel"]);
        let proxy = Proxy::to(server.port, Manner::Honest);
        let reader = another(&server, &work, proxy.port);
        // Called once by the first line of the Mitel's file.
        let question = ["subject", "+441632960601", "--json"];
        proxy.hold("GET", COMMITS[0]);
        let reading = Running::start(&reader, &question);
        proxy.held();
        work.good(&["ingest", "--source", "hq-cucm"]);
        work.good(&["lake", "compact"]);
        proxy.release();
        let read = reading.ended();
        let after = work.good(&question).stdout;
        assert!(after.contains("\"table\":\"legs\""), "{after}");
        assert_eq!((read.code, read.stdout), (0, after), "{:?}: {}", server.kind, read.stderr);
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
