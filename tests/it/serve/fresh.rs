//! A server over a lake that others write to: what is committed is seen, what is old is let go.

use std::time::Duration;

use tokio_postgres::Client;

use super::{ANALYST, MANAGER, Server, block_on, fill, one};
use crate::workdir::Workdir;

const LATE: &str = "landing/cucm/cdr_HQ-CL01_01_202403151000_103";

/// Asks until the answer is as expected; the server looks at the lake now and then.
async fn until(client: &Client, statement: &str, expected: &str) {
    for _ in 0..300 {
        if one(client, statement).await == expected {
            return;
        }
        tokio::time::sleep(Duration::from_millis(200)).await;
    }
    panic!("{statement}: {} and not {expected}", one(client, statement).await);
}

#[test]
fn a_new_commit_is_seen_without_a_restart_by_what_was_prepared_before_it_too() {
    seen_without_a_restart(&Workdir::small());
}

/// For the hand-made estate, wherever its lake is.
pub fn seen_without_a_restart(work: &Workdir) {
    let late = work.read(LATE);
    std::fs::remove_file(work.join(LATE)).unwrap();
    fill(work);
    let server = Server::start(work);
    block_on(async {
        let (analyst, manager) = (server.connect(ANALYST).await.unwrap(), server.connect(MANAGER).await.unwrap());
        let prepared = analyst.prepare("select count(*) from legs where source = $1").await.unwrap();
        let count = async || analyst.query_one(&prepared, &[&"hq-cucm"]).await.unwrap().get::<_, i64>(0);
        let before = count().await;
        let ran_before = one(&manager, "select count(*) from calls").await;
        work.write(LATE, late);
        fill(work);
        let now = work.sql("select count(*) from legs where source = 'hq-cucm'")[0].clone();
        assert!(now.parse::<i64>().unwrap() > before);
        until(&analyst, "select count(*) from legs where source = 'hq-cucm'", &now).await;
        assert_eq!(count().await.to_string(), now);
        let calls = work.sql("select count(*) from calls")[0].clone();
        assert_ne!(calls, ran_before);
        until(&manager, "select count(*) from calls", &calls).await;
        // The register is no batch, and is seen all the same.
        let register = work.read("estate/sites.csv");
        work.write("estate/sites.csv", format!("{register}new-site,A new site,\n"));
        work.good(&["estate", "load", "--as-of", "2024-03-31"]);
        until(&manager, "select count(*) from sites where site = 'new-site'", "1").await;
    });
}

#[test]
fn vacuum_waits_for_a_statement_and_not_for_a_server_at_rest() {
    let work = Workdir::small();
    let late = work.read(LATE);
    std::fs::remove_file(work.join(LATE)).unwrap();
    fill(&work);
    work.write(LATE, late);
    fill(&work);
    let server = Server::start(&work);
    let count = "select count(*) from legs where talk_s >= 0";
    block_on(async {
        let mut client = server.connect(ANALYST).await.unwrap();
        let before = one(&client, count).await;
        // Rows that nobody has taken yet: the statement is under way.
        let under_way = client.transaction().await.unwrap();
        let portal = under_way.bind("select l.* from legs l cross join generate_series(1, 1000)", &[]).await.unwrap();
        assert_eq!(under_way.query_portal(&portal, 3).await.unwrap().len(), 3);
        work.good(&["lake", "compact"]);
        let ran = work.run(&["lake", "vacuum"]);
        assert_eq!((ran.code, ran.stdout.as_str()), (1, ""), "{ran:?}");
        let other = server.connect(ANALYST).await.unwrap();
        until(&other, count, &before).await;
        // It goes on over the files that it began with.
        assert_eq!(under_way.query_portal(&portal, 5000).await.unwrap().len(), 5000);
        under_way.rollback().await.unwrap();
        let mut said = String::new();
        for _ in 0..200 {
            said = work.run(&["lake", "vacuum"]).stdout;
            if said.starts_with("deleted") {
                break;
            }
            tokio::time::sleep(Duration::from_millis(200)).await;
        }
        assert!(said.starts_with("deleted") && !said.starts_with("deleted   0"), "{said}");
        // What the sessions knew is gone, and the next statement finds what is there.
        let client = server.connect(ANALYST).await.unwrap();
        assert_eq!(one(&client, count).await, before);
    });
}
