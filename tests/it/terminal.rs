//! `onhook sql` as a session: in a real pseudo-terminal, typed at like a person types; and from a pipe.

use std::path::PathBuf;
use std::process::Command;

use crate::peers;
use crate::workdir::{Ran, Workdir, repository};

/// A person at a terminal, in the folder of an estate after its night.
struct Person {
    python: PathBuf,
    work: Workdir,
    /// Where questions are worked out: what follows `onhook sql`.
    engine: Vec<String>,
}

/// What the person does next.
enum Does<'a> {
    Types(&'a str),
    /// A pattern that must come to stand on the screen, after those before.
    Sees(&'a str),
    TypesUntil(&'a str, &'a str),
    Resizes(u16, u16),
}
use Does::{Resizes, Sees, Types, TypesUntil};

/// A prompt with nothing after it: it is the person's turn.
const TURN: Does<'_> = Sees("onhook> \\r*$");

impl Person {
    fn sit_down(test: &str) -> Option<Self> {
        let python = peers::python(test, &["pty"])?;
        let work = Workdir::small();
        work.good(&["nightly"]);
        Some(Self { python, work, engine: Vec::new() })
    }

    /// Does it all in one session that is left with Ctrl-D; gives what stood on the screen.
    fn does(&self, all: &[Does<'_>]) -> String {
        self.does_with(all, &[])
    }

    fn does_with(&self, all: &[Does<'_>], variables: &[(&str, &str)]) -> String {
        let step = |does: &Does<'_>| match does {
            Types(text) => serde_json::json!(["type", text]),
            Sees(pattern) => serde_json::json!(["expect", pattern]),
            TypesUntil(text, pattern) => serde_json::json!(["until", text, pattern]),
            Resizes(columns, rows) => serde_json::json!(["resize", columns, rows]),
        };
        let end = [TURN, Types("\u{4}")];
        let mut steps: Vec<_> = all.iter().chain(&end).map(step).collect();
        steps.push(serde_json::json!(["end"]));
        let ran = Command::new(&self.python)
            .arg(repository().join("tests/it/terminal/driver.py"))
            .args([&serde_json::Value::from(steps).to_string(), env!("CARGO_BIN_EXE_onhook"), "sql"])
            .args(&self.engine)
            .current_dir(self.work.path())
            .env("TERM", "xterm")
            .env("PAGER", "cat")
            .env("XDG_STATE_HOME", self.work.join("state"))
            .envs(variables.iter().copied())
            .output()
            .unwrap();
        let screen = String::from_utf8_lossy(&ran.stdout).into_owned();
        let said = String::from_utf8_lossy(&ran.stderr);
        assert_eq!(ran.status.code(), Some(0), "{screen}\n{said}");
        assert!(!screen.contains("panicked"), "{screen}");
        screen
    }
}

#[test]
fn a_question_over_several_lines_is_answered_and_errors_go_by() {
    let Some(person) = Person::sit_down("a_question_over_several_lines") else { return };
    let screen = person.does(&[
        Sees(r"as of 2024-03-31; \\\? for help"),
        TURN,
        Types("select 6 * 7 as answer,\r  ';' as mark\rwhere 1 = 1\r;\r"),
        Sees(r"\| 42 +\| ;"),
        Sees("1 row\r\n"),
        TURN,
        Types("select nothing_of_the_kind;\r"),
        Sees("error: query sql: .*nothing_of_the_kind"),
        TURN,
        Types("drop table legs;\r"),
        Sees("error: query sql: .*DDL"),
        TURN,
        Types("\\nonsense\r"),
        Sees("error: .*there is no such command"),
        TURN,
        // The fixture registers eighteen extensions.
        Types("select 1; select count(*) + 1000 as n from verdicts;\r"),
        Sees("1018"),
    ]);
    assert!(!screen.contains("warning"), "{screen}");
}

#[test]
fn tab_completes_tables_columns_reports_and_their_parameters() {
    let Some(person) = Person::sit_down("tab_completes") else { return };
    person.does(&[
        TURN,
        Types("select 1000 + count(*) from verd\t;\r"),
        Sees("from verdicts"),
        Sees("1018"),
        TURN,
        Types("select 2000 + count(l.redirect_rea\u{3}"),
        TURN,
        Types("select 7 * 6 from legs l where l.redirect_rea\t is null limit 1;\r"),
        Sees("where l.redirect_reason"),
        Sees("42"),
        TURN,
        // Two of them begin like this: the second Tab shows both.
        Types("select * from site_\t\t"),
        Sees("site_days"),
        Sees("site_weeks"),
        Types("\u{3}"),
        TURN,
        Types("\\report idle-h\t sou\tnorth-mitel\r"),
        Sees(r"idle-handsets.*source=.*\r\n"),
        Sees("north-mitel"),
        Sees(r"\d+ rows?\r\n"),
    ]);
}

#[test]
fn backslash_commands_describe_report_time_and_write() {
    let Some(person) = Person::sit_down("backslash_commands") else { return };
    let screen = person.does(&[
        TURN,
        Types("\\?\r"),
        Sees(r"\\report NAME \[name=value …\]"),
        TURN,
        Types("\\d\r"),
        Sees("table +legs +One row per vendor record"),
        Sees("view +verdicts"),
        Sees("report +idle_handsets +Idle handsets"),
        TURN,
        Types("\\d legs\r"),
        Sees("talk_s +Int32 +seconds connected, 0 if not answered"),
        TURN,
        Types("\\d idle_handsets\r"),
        Sees(r"silent_days +int \(days\) +covered days since the last handset use"),
        TURN,
        Types("\\reports\r"),
        Sees("usage-bands +"),
        TURN,
        Types("\\format csv\r"),
        Sees("answers are csv"),
        TURN,
        Types("\\report coverage window_days=10\r"),
        Sees("hq-cucm,"),
        Sees(r"\d+ rows"),
        TURN,
        Types("\\report coverage dark=1\r"),
        Sees("error: query coverage: no parameter"),
        TURN,
        Types("\\timing\r"),
        Sees("timing is on"),
        TURN,
        Types("select 1 as a;\r"),
        Sees(r"\d+\.\d{3} s\r\n"),
        TURN,
        Types("\\format parquet\r"),
        TURN,
        Types("select 1 as a;\r"),
        Sees("error: .*nothing to look at"),
        TURN,
        Types("\\o 'an answer.parquet'\r"),
        TURN,
        Types("select local_day, count(*) as legs from legs group by local_day;\r"),
        Sees("wrote +[0-9]+ rows to an answer.parquet"),
        TURN,
        Types("\\format table\r"),
        TURN,
        Types("select 6 * 7;\r"),
        Sees("42"),
    ]);
    assert!(screen.contains("source,platform,") || screen.contains("source,"), "{screen}");
    let days = person.work.sql("select count(distinct local_day) from legs");
    let written = std::fs::File::open(person.work.join("an answer.parquet")).unwrap();
    let written = parquet::arrow::arrow_reader::ParquetRecordBatchReaderBuilder::try_new(written).unwrap();
    assert_eq!(written.metadata().file_metadata().num_rows().to_string(), days[0]);
}

/// The question would take an hour, without a pause in it that an engine could stop at. The key is pressed until it is heard: at first the editor may still have it.
#[test]
fn ctrl_c_ends_the_question_and_not_the_session() {
    let Some(person) = Person::sit_down("ctrl_c") else { return };
    person.does(&[
        TURN,
        Types("select count(*) from generate_series(1, 900000) a, generate_series(1, 900000) b where a.value * b.value = -1;\r"),
        TypesUntil("\u{3}", "error: interrupted"),
        TURN,
        Types("select 6 * 7 as answer;\r"),
        Sees("42"),
        TURN,
        // What stands on the line goes, and nothing is run.
        Types("select 1 / 0\u{3}"),
        TURN,
        Types("select 7 * 8 as answer;\r"),
        Sees("56"),
    ]);
}

/// The cluster may go on for nobody: the person has the prompt again.
#[test]
fn ctrl_c_ends_the_wait_for_a_cluster_and_not_the_session() {
    let Some(mut person) = Person::sit_down("ctrl_c_and_a_cluster") else { return };
    let peers = crate::cluster::peers::Peers::start(1);
    person.engine = vec!["--engine".into(), peers.place()];
    person.does(&[
        TURN,
        Types("select count(*) as n from legs a, legs b, legs c, legs d, legs e, legs f, legs g, legs h where a.talk_s * b.talk_s + c.talk_s * d.talk_s + e.talk_s * f.talk_s + g.talk_s * h.talk_s = -1;\r"),
        TypesUntil("\u{3}", "error: interrupted"),
        TURN,
        // Of the session itself, so the busy cluster is not asked.
        Types("select count(*) + 4000 as n from information_schema.tables where table_name = 'legs';\r"),
        Sees("4001"),
    ]);
}

#[test]
fn the_next_session_remembers_what_was_typed_but_no_number_of_somebody_outside() {
    let Some(person) = Person::sit_down("history") else { return };
    let up = "\u{1b}[A";
    person.does(&[
        TURN,
        Types("select 4000 + 242\ras kept;\r"),
        Sees("4242"),
        TURN,
        Types("select '07700900123' as somebody;\r"),
        Sees("1 row"),
        TURN,
        // The session itself knows it.
        Types(up),
        Sees("select '07700900123' as somebody;"),
        Types("\u{3}"),
    ]);
    let file = person.work.join("state/onhook/history");
    let text = std::fs::read_to_string(&file).unwrap();
    assert!(text.contains("4000 + 242") && !text.contains("07700900123"), "{text}");
    let mode = |path: &std::path::Path| {
        use std::os::unix::fs::PermissionsExt;
        path.metadata().unwrap().permissions().mode() & 0o777
    };
    assert_eq!((mode(&file), mode(file.parent().unwrap())), (0o600, 0o700));
    person.does(&[TURN, Types(up), Sees("as kept;"), Types("\r"), Sees("4242")]);
}

#[test]
fn what_is_longer_than_the_window_goes_through_the_pager() {
    let Some(person) = Person::sit_down("pager") else { return };
    let many =
        "select 'line ' || cast(value as varchar) as text from unnest(range(1, 41)) as t(value) order by value;\r";
    // It counts lines: forty rows, three rules, a heading.
    let pager = [("PAGER", "sed -n '$='; true")];
    let screen = person.does_with(
        &[
            TURN,
            Types(many),
            Sees("\n44\r\n"),
            TURN,
            Resizes(100, 60),
            Types(many),
            Sees("line 1 "),
            Sees("line 40 "),
            TURN,
            // Wider than it is.
            Types("select repeat('x', 120) as wide;\r"),
            Sees("\n5\r\n"),
            TURN,
            Types("\\pager off\r"),
            TURN,
            Types("select repeat('y', 120) as wide;\r"),
            Sees("y{90}"),
        ],
        &pager,
    );
    assert_eq!(screen.matches("line 40 ").count(), 1, "{screen}");
}

fn piped(work: &Workdir, text: &str, args: &[&str]) -> Ran {
    work.piped(&[&["sql"], args].concat(), text)
}

#[test]
fn a_pipe_is_answered_step_by_step_and_ends_at_the_first_error() {
    let work = Workdir::small();
    work.good(&["nightly"]);
    let ran = piped(&work, "-- one\nselect 1 as a", &["-f", "csv"]);
    assert_eq!((ran.code, ran.stdout.as_str(), ran.stderr.as_str()), (0, "a\n1\n", ""));
    let ran = piped(&work, "select 1 as a;\n\\format json\nselect 2 as b; ", &["-f", "csv"]);
    assert_eq!((ran.code, ran.stdout.as_str()), (0, "a\n1\n[{\"b\":2}]\n"));
    let ran = piped(&work, "select 1 as a; select nothing; select 3 as c;", &["-f", "csv"]);
    assert_eq!((ran.code, ran.stdout.as_str()), (2, "a\n1\n"));
    assert!(ran.stderr.starts_with("error: ") && ran.stderr.contains("nothing"), "{}", ran.stderr);
    let ran = piped(&work, "select 1; select 2;", &["-o", "x.csv"]);
    assert!(ran.code == 2 && ran.stderr.contains("several statements") && !work.join("x.csv").exists(), "{ran:?}");
    let ran = piped(&work, " ;\n-- nothing\n", &[]);
    assert!(ran.code == 2 && ran.stderr.contains("there is no statement"), "{ran:?}");
    assert_eq!(work.sql("select 1 as a; select 2 as b"), ["1", "b", "2"]);
}
