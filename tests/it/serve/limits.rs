//! Clients that do wrong or want too much: each is told, in bounded time and memory, and the others go on.

use std::io::{Read, Write};
use std::net::TcpStream;

use futures::{TryStreamExt, pin_mut};
use tokio_postgres::{Client, Config, NoTls};

use super::{ANALYST, MANAGER, Server, block_on, code, fill, one, rows, small};
use crate::workdir::Workdir;

/// The hand-made estate and a server with `[serve]` as given.
fn with(settings: &str) -> (Workdir, Server) {
    let work = Workdir::small();
    fill(&work);
    let config = work.read("onhook.toml");
    work.write("onhook.toml", format!("{config}\n[serve]\n{settings}\n"));
    let server = Server::start(&work);
    (work, server)
}

/// A client and, beside it, its socket: what is written there comes in between.
async fn with_socket(server: &Server) -> (Client, TcpStream) {
    let socket = TcpStream::connect(("127.0.0.1", server.port)).unwrap();
    let beside = socket.try_clone().unwrap();
    socket.set_nonblocking(true).unwrap();
    let stream = tokio::net::TcpStream::from_std(socket).unwrap();
    let mut config = Config::new();
    config.user(ANALYST.0).password(ANALYST.1).dbname("onhook");
    let (client, connection) = config.connect_raw(stream, NoTls).await.unwrap();
    tokio::spawn(connection);
    (client, beside)
}

#[test]
fn a_wrong_password_and_a_name_that_is_not_there_are_told_alike() {
    let (work, server) = small();
    block_on(async {
        for name in [ANALYST.0, "nobody"] {
            let error = server.connect((name, "wrong")).await.unwrap_err();
            assert_eq!(code(&error), "28P01");
            let expected = format!("password authentication failed for user \"{name}\"");
            assert_eq!(error.as_db_error().unwrap().message(), expected);
        }
        // Who is taken out of the file comes in no more, and who is put in does, without a restart.
        let ran = work.piped(&["serve", "--add-user", "eve", "--role", "manager"], "a third long pass phrase\n");
        assert_eq!(ran.code, 0, "{ran:?}");
        assert!(ran.stderr.contains("eve, manager") && !ran.stderr.contains("third"), "{ran:?}");
        let eve = ("eve", "a third long pass phrase");
        assert_eq!(one(&server.connect(eve).await.unwrap(), "select current_user").await, "eve");
        let users = work.read("serve-users");
        assert!(!users.contains("third long"));
        let without: String =
            users.lines().filter(|line| !line.starts_with("eve ")).map(|l| format!("{l}\n")).collect();
        work.write("serve-users", without);
        assert_eq!(code(&server.connect(eve).await.unwrap_err()), "28P01");
    });
    assert!(!server.said().contains("wrong"), "{}", server.said());
}

/// A message of the protocol.
fn message(kind: Option<u8>, body: &[u8]) -> Vec<u8> {
    let mut bytes: Vec<u8> = kind.into_iter().collect();
    bytes.extend((body.len() as u32 + 4).to_be_bytes());
    bytes.extend(body);
    bytes
}

const STARTUP: &[u8] = b"\x00\x03\x00\x00user\0ann\0database\0onhook\0\0";

#[test]
fn nobody_gets_past_the_login_by_breaking_it() {
    let (_work, server) = small();
    let sasl = |name: &[u8], body: &[u8]| [name, b"\0", &(body.len() as u32).to_be_bytes()[..], body].concat();
    let tries: [Vec<u8>; 6] = [
        message(Some(b'Q'), b"select * from legs\0"),
        message(Some(b'p'), b"correct horse battery staple\0"),
        message(Some(b'p'), &sasl(b"SCRAM-SHA-256", b"nonsense")),
        message(Some(b'p'), &sasl(b"PLAIN", b"\0ann\0x")),
        message(Some(b'p'), &sasl(b"SCRAM-SHA-256", b"n,,n=,r=abc")),
        message(Some(b'P'), b"\0select 1\0\0\0"),
    ];
    for first in &tries {
        let mut socket = TcpStream::connect(("127.0.0.1", server.port)).unwrap();
        socket.write_all(&message(None, STARTUP)).unwrap();
        socket.write_all(first).unwrap();
        // What comes behind is never a question that is answered.
        for _ in 0..3 {
            let _ = socket.write_all(&message(Some(b'p'), b"c=biws,r=abc,p=AAAA"));
            let _ = socket.write_all(&message(Some(b'Q'), b"select 40 + 2 as secret\0"));
        }
        let mut told = Vec::new();
        let _ = socket.read_to_end(&mut told);
        let told = String::from_utf8_lossy(&told);
        assert!(!told.contains("secret") && !told.contains("SELECT"), "{told:?}");
    }
    block_on(async { assert_eq!(one(&server.connect(ANALYST).await.unwrap(), "select 1").await, "1") });
}

#[test]
fn half_a_message_is_waited_for_and_then_no_more() {
    let (_work, server) = small();
    // Before the login: some bytes and silence, and not a byte at all.
    let mut silent = [b"\x00\x00".to_vec(), Vec::new(), message(None, STARTUP)].map(|bytes| {
        let mut socket = TcpStream::connect(("127.0.0.1", server.port)).unwrap();
        socket.write_all(&bytes).unwrap();
        socket
    });
    block_on(async {
        let (client, mut beside) = with_socket(&server).await;
        assert_eq!(one(&client, "select 1").await, "1");
        beside.set_nonblocking(false).unwrap();
        beside.write_all(b"Q\x00\x00\x01\x00select").unwrap();
        let other = server.connect(MANAGER).await.unwrap();
        assert_eq!(one(&other, "select 1").await, "1");
        while !client.is_closed() {
            tokio::time::sleep(std::time::Duration::from_millis(200)).await;
        }
        assert_eq!(one(&other, "select 1").await, "1");
        // One that says it is a gigabyte long is not waited for to its end, before the login still less.
        let mut stranger = TcpStream::connect(("127.0.0.1", server.port)).unwrap();
        stranger.write_all(&message(None, STARTUP)).unwrap();
        let (client, mut beside) = with_socket(&server).await;
        beside.set_nonblocking(false).unwrap();
        let before = server.resident();
        for (socket, most) in [(&mut stranger, 64), (&mut beside, 96)] {
            socket.write_all(b"Q\x3f\xff\xff\x00").unwrap();
            let megabyte = vec![b' '; 1 << 20];
            let sent = (0..1000).take_while(|_| socket.write_all(&megabyte).is_ok()).count();
            let taken = server.resident().saturating_sub(before);
            assert!(sent < most && taken < most as u64, "{sent} MiB sent, {taken} MiB taken");
        }
        assert!(client.simple_query("select 1").await.is_err());
        assert_eq!(one(&other, "select 1").await, "1");
    });
    for socket in &mut silent {
        // Ends, with or without a word.
        let _ = socket.read_to_end(&mut Vec::new());
    }
}

#[test]
fn two_hundred_clients_at_once_are_as_many_as_there_is_room_for() {
    let (_work, server) = with("connections = 5");
    block_on(async {
        let first = server.connect(ANALYST).await.unwrap();
        let many = (0..200).map(|_| server.connect(ANALYST));
        let (mut good, mut full) = (Vec::new(), 0);
        for told in futures::future::join_all(many).await {
            match told {
                Ok(client) => good.push(client),
                Err(error) => {
                    assert_eq!(code(&error), "53300");
                    full += 1;
                }
            }
        }
        assert!((1..=4).contains(&good.len()) && full == 200 - good.len(), "{} and {full}", good.len());
        assert_eq!(one(&first, "select 1").await, "1");
        drop(good);
        let mut again = server.connect(MANAGER).await;
        for _ in 0..100 {
            if again.is_ok() {
                break;
            }
            tokio::time::sleep(std::time::Duration::from_millis(100)).await;
            again = server.connect(MANAGER).await;
        }
        assert_eq!(one(&again.unwrap(), "select 1").await, "1");
    });
}

const BILLION: &str =
    "select value, 'a text that makes the row longer than it would be' from generate_series(1, 1000000000)";

#[test]
fn a_billion_rows_end_at_the_time_limit_and_take_no_memory() {
    let (_work, server) = with("statement_timeout_s = 4");
    block_on(async {
        let other = server.connect(MANAGER).await.unwrap();
        one(&other, "select count(*) from calls").await;
        let before = server.resident();
        // All rows at once in the extended protocol: what the library would gather before it sends any.
        let client = server.connect(ANALYST).await.unwrap();
        let rows = client.query_raw(BILLION, &[] as &[i32; 0]).await.unwrap();
        pin_mut!(rows);
        let (mut count, mut most) = (0_u64, 0);
        let error = loop {
            match rows.try_next().await {
                Ok(Some(_)) => count += 1,
                Ok(None) => panic!("{count} rows and no end"),
                Err(error) => break error,
            }
            if count % 100_000 == 0 {
                most = most.max(server.resident());
            }
        };
        assert_eq!(code(&error), "57014");
        assert!(count > 10_000 && most < before + 150, "{count} rows, {before} MiB before and {most} MiB at most");
        assert_eq!(one(&client, "select 1").await, "1");
        // A client that asks and takes nothing: it is let go, and the others do not notice.
        let (idle, mut beside) = with_socket(&server).await;
        beside.set_nonblocking(false).unwrap();
        let slow = TcpStream::try_clone(&beside).unwrap();
        drop(idle);
        let _ = beside.write_all(&message(Some(b'Q'), format!("{BILLION}\0").as_bytes()));
        assert_eq!(one(&other, "select count(*) from generate_series(1, 1000)").await, "1000");
        assert!(server.resident() < before + 150);
        drop(slow);
        // Its own limit, and a calculation that gives no row for long.
        client.batch_execute("set statement_timeout = '300ms'").await.unwrap();
        let long = "select count(*) from generate_series(1, 100000) a cross join generate_series(1, 10000000) b";
        assert_eq!(code(&client.simple_query(long).await.unwrap_err()), "57014");
        // Nobody gives himself more than there is.
        client.batch_execute("set statement_timeout = '1h'").await.unwrap();
        assert_eq!(one(&client, "show statement_timeout").await, "4000ms");
        let cancel = client.cancel_token();
        let (told, cancelled) = tokio::join!(client.simple_query(long), async {
            tokio::time::sleep(std::time::Duration::from_millis(300)).await;
            cancel.cancel_query(NoTls).await
        });
        cancelled.unwrap();
        let told = told.unwrap_err();
        assert_eq!(code(&told), "57014");
        assert!(told.as_db_error().unwrap().message().contains("user request"), "{told:?}");
        assert_eq!(one(&client, "select 1").await, "1");
    });
}

#[test]
fn what_does_not_fit_into_the_memory_is_refused_and_the_rest_goes_on() {
    let (_work, server) = with("memory_mib = 64\nstatement_timeout_s = 60");
    block_on(async {
        let client = server.connect(ANALYST).await.unwrap();
        let much = "select count(*) from generate_series(1, 20000000) a(x) join generate_series(1, 20000000) b(x) on a.x = b.x";
        let error = client.simple_query(much).await.unwrap_err();
        assert_eq!(code(&error), "53200", "{error:?}");
        assert!(server.resident() < 900, "{} MiB", server.resident());
        assert_ne!(one(&client, "select count(*) from legs where caller is not null").await, "0");
        // A sort of more than fits is put aside on disk.
        let sorted = "select max(n) from (select value, row_number() over (order by value desc) as n from generate_series(1, 6000000))";
        assert_eq!(one(&client, sorted).await, "6000000");
    });
}

#[test]
fn a_statement_that_goes_too_deep_is_refused_and_one_that_goes_deep_is_answered() {
    let (_work, server) = small();
    block_on(async {
        let client = server.connect(ANALYST).await.unwrap();
        let chain = |n: usize| {
            let conditions: Vec<String> = (0..n).map(|i| format!("talk_s = {i}")).collect();
            format!("select count(*) from legs where {}", conditions.join(" or "))
        };
        assert_eq!(code(&client.simple_query(&chain(20_000)).await.unwrap_err()), "54001");
        let some = one(&client, "select count(*) from legs where talk_s between 0 and 2399").await;
        assert_eq!(one(&client, &chain(2400)).await, some);
        let sum = format!("select {}", vec!["1"; 4900].join(" + "));
        assert_eq!(one(&client, &sum).await, "4900");
        let union = vec!["select 1"; 2000].join(" union all ");
        assert_eq!(rows(&client, &union).await.len(), 2000);
    });
}

#[test]
fn told_to_end_it_ends_its_statements_and_exits_well() {
    let (_work, server) = small();
    block_on(async {
        let (idle, busy) = (server.connect(ANALYST).await.unwrap(), server.connect(ANALYST).await.unwrap());
        assert_eq!(one(&idle, "select 1").await, "1");
        let (told, ()) = tokio::join!(busy.simple_query(BILLION), async {
            tokio::time::sleep(std::time::Duration::from_millis(500)).await;
            server.signal("TERM");
            while !idle.is_closed() {
                tokio::time::sleep(std::time::Duration::from_millis(50)).await;
            }
            assert!(server.connect(ANALYST).await.is_err(), "a new client was let in");
        });
        assert_eq!(code(&told.unwrap_err()), "57P01");
    });
    let (status, said) = server.ended();
    assert_eq!(status, 0, "{said}");
    assert!(said.ends_with("ended\n"), "{said}");
}

/// A statement of one kilobyte: each query has the one before it twice.
fn doubled(queries: usize) -> String {
    let with = (1..=queries).map(|n| {
        let before = format!("select * from a{}", n - 1);
        format!(", a{n} as ({before} union all {before})")
    });
    format!("with a0 as (select 1 as x){} select count(*) from a{queries}", with.collect::<String>())
}

#[test]
fn little_that_would_become_much_is_refused_at_once() {
    let (_work, server) = small();
    block_on(async {
        let client = server.connect(ANALYST).await.unwrap();
        assert_eq!(one(&client, &doubled(8)).await, "256");
        let before = server.resident();
        for (statement, expected) in [
            (doubled(24), "54001"),
            (doubled(90), "54001"),
            ("select length(rpad('x', 2000000000))".into(), "53200"),
            ("select length(replace(repeat('a', 10000), 'a', repeat('b', 10000)))".into(), "53200"),
            ("select levenshtein(repeat('a', 100000), repeat('b', 100000))".into(), "42883"),
            (format!("select 1 in (1{})", ",1".repeat(600_000)), "54000"),
        ] {
            let client = server.connect(ANALYST).await.unwrap();
            let error = client.simple_query(&statement).await.unwrap_err();
            assert_eq!(code(&error), expected, "{}", statement.chars().take(80).collect::<String>());
        }
        assert!(server.resident() < before + 200, "{before} and {} MiB", server.resident());
        assert_eq!(one(&client, "select 1").await, "1");
    });
}

#[test]
fn a_cursor_that_nobody_reads_from_is_closed_when_its_time_is_over() {
    let (work, server) = with("statement_timeout_s = 3");
    block_on(async {
        let mut client = server.connect(ANALYST).await.unwrap();
        let under_way = client.transaction().await.unwrap();
        let portal = under_way.bind("select l.* from legs l cross join generate_series(1, 10000)", &[]).await.unwrap();
        assert_eq!(under_way.query_portal(&portal, 2).await.unwrap().len(), 2);
        // The lake is held as long as the cursor may be read from, and no longer.
        let mut said = work.run(&["lake", "vacuum"]);
        assert_eq!(said.code, 1, "{said:?}");
        for _ in 0..100 {
            if said.code == 0 {
                break;
            }
            tokio::time::sleep(std::time::Duration::from_millis(200)).await;
            said = work.run(&["lake", "vacuum"]);
        }
        assert_eq!(said.code, 0, "{said:?}");
        let error = loop {
            // What had been made ready may still be given.
            match under_way.query_portal(&portal, 50_000).await {
                Ok(rows) => assert!(!rows.is_empty(), "it ended as if those were all"),
                Err(error) => break error,
            }
        };
        assert_eq!(code(&error), "57014");
        under_way.rollback().await.unwrap();
        assert_eq!(one(&client, "select 1").await, "1");
    });
}

#[test]
fn who_has_not_logged_in_takes_nobodys_place() {
    let (_work, server) = with("connections = 2");
    let silent: Vec<TcpStream> = (0..10)
        .map(|_| {
            let mut socket = TcpStream::connect(("127.0.0.1", server.port)).unwrap();
            socket.write_all(&message(None, STARTUP)).unwrap();
            socket
        })
        .collect();
    block_on(async {
        let (one_of_two, other) = (server.connect(ANALYST).await.unwrap(), server.connect(MANAGER).await.unwrap());
        assert_eq!(one(&one_of_two, "select 1").await + &one(&other, "select 1").await, "11");
        assert_eq!(code(&server.connect(MANAGER).await.unwrap_err()), "53300");
    });
    drop(silent);
}

#[test]
fn a_parameter_whose_place_says_its_type_is_told_so() {
    let (work, server) = small();
    block_on(async {
        let client = server.connect(MANAGER).await.unwrap();
        let rows =
            client.query("select leg_key from legs order by leg_key limit $1 offset $2", &[&3_i64, &1_i64]).await;
        let told: Vec<String> = rows.unwrap().iter().map(|row| row.get::<_, i64>(0).to_string()).collect();
        assert_eq!(told, work.sql("select leg_key from legs order by leg_key limit 3 offset 1"));
        let wanted = vec!["hq-cucm", "nowhere"];
        let count = client.query_one("select count(*) from legs where source = any($1)", &[&wanted]).await.unwrap();
        assert_eq!(
            count.get::<_, i64>(0).to_string(),
            work.sql("select count(*) from legs where source = 'hq-cucm'")[0]
        );
    });
}
