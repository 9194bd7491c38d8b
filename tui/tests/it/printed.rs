//! What reaches a terminal and what does not: escapes of others, long lists, notices.

use std::process::Command;

use serde_json::json;

use crate::scratch::Scratch;
use crate::terminal::Session;

/// Colours and titles that a hostile agent would set, in everything that an agent or an old file may hold.
const HOSTILE: &str = "
INSERT INTO consensus_artifacts(spec_id, stage, agent_name, content_json, run_id, created_at)
  VALUES('S' || char(27) || '[31m', 'plan' || char(27) || ']0;x' || char(7), 'a' || char(155) || '2J',
    'answer ' || char(27) || '[2J' || char(8238) || 'end', 'odd' || char(27) || 'c', '2025-11-11 02:33:20');
INSERT INTO consensus_synthesis(spec_id, stage, output_markdown, status, run_id, created_at)
  VALUES('S' || char(27) || '[31m', 'plan' || char(27) || ']0;x' || char(7), '# said ' || char(27) || '[2J',
    'ok' || char(27) || '[5m', 'odd' || char(27) || 'c', '2025-11-11 02:33:21');";

/// Under a name that is hostile as well.
fn hostile() -> Scratch {
    let scratch = Scratch::new();
    let fixture = scratch.path("old\u{1b}[31m.db");
    std::fs::rename(scratch.fixture(), &fixture).unwrap();
    conclave_db::foreign::run(&fixture, HOSTILE).unwrap();
    let said = scratch.ok(&["migrate", "import", fixture.to_str().unwrap()]);
    assert_eq!(obeyed(&said), [], "{said:?}");
    scratch
}

/// Everything that a terminal obeys, but line feeds.
fn obeyed(text: &str) -> Vec<char> {
    text.chars()
        .filter(|each| each.is_control() && *each != '\n' || ('\u{202A}'..='\u{202E}').contains(each))
        .collect()
}

#[test]
fn what_others_wrote_is_shown_and_never_obeyed() {
    let scratch = hostile();
    for words in [&["runs", "list"][..], &["runs", "show", "odd"], &["status"], &["migrate", "status"]] {
        let text = scratch.ok(words);
        assert_eq!(obeyed(&text), [], "{words:?}: {text:?}");
    }
    let shown = scratch.ok(&["runs", "show", "odd"]);
    for part in
        ["S\u{241B}[31m", "# said \u{241B}[2J", "odd\u{241B}c", "recorded  ok\u{241B}[5m", "a<U+009B>2J"]
    {
        assert!(shown.contains(part), "{part}: {shown}");
    }
    // On a terminal an answer is shown as well; into a pipe it goes as it is.
    let (code, text) = Session::start(&scratch, &["runs", "output", "odd", "a\u{9b}2J"]).said();
    assert_eq!(code, Some(0), "{text}");
    assert!(text.contains("answer \u{241B}[2J<U+202E>end"), "{text:?}");
    assert_eq!(obeyed(&text.replace("\r\n", "\n")), [], "{text:?}");
    assert_eq!(
        scratch.run(&["runs", "output", "odd", "a\u{9b}2J", "--raw"]).stdout,
        "answer \u{1b}[2J\u{202e}end".as_bytes()
    );
}

#[test]
fn a_list_on_a_terminal_is_cut_at_fifty() {
    let scratch = Scratch::new();
    let fixture = scratch.fixture();
    let many = "INSERT INTO consensus_artifacts(spec_id, stage, agent_name, content_json, run_id)
      WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 50) SELECT 'S', 'plan', 'a', '{}', 'many' || i FROM n";
    conclave_db::foreign::run(&fixture, many).unwrap();
    scratch.ok(&["migrate", "import", fixture.to_str().unwrap()]);
    let lines = |words: &[&str]| {
        let (code, text) = Session::start(&scratch, words).said();
        assert_eq!(code, Some(0), "{text}");
        text.lines().filter(|line| line.contains("degraded") || line.contains("insufficient")).count()
    };
    assert_eq!(lines(&["runs", "list"]), 50);
    assert_eq!(lines(&["runs", "list", "--limit", "55"]), 55);
    let (_, said) = Session::start(&scratch, &["runs", "list"]).said();
    assert!(said.contains("the newest 50 are shown; --limit N shows more"), "{said}");
    let (_, document) = Session::start(&scratch, &["runs", "list", "--json"]).said();
    let document: serde_json::Value = serde_json::from_str(&document).unwrap();
    assert_eq!(document.as_array().unwrap().len(), 60, "a document is whole");
    assert_eq!(scratch.ok(&["runs", "list"]).lines().count(), 61, "and so is what goes into a pipe");
}

#[test]
fn quiet_leaves_out_notices_and_no_errors() {
    let scratch = Scratch::new();
    let done = scratch.run(&["--quiet", "runs", "list", "--json"]);
    assert_eq!((done.code, done.text(), done.stderr.as_str()), (Some(0), "[]\n", ""));
    let done = scratch.run(&["--quiet", "migrate", "import", scratch.fixture().to_str().unwrap()]);
    assert_eq!((done.code, done.stderr.as_str()), (Some(0), ""));
    scratch.run(&["--quiet", "runs", "show", "99"]).refused(1);
}

/// `NO_COLOR` and `--color` decide, the terminal is only asked by default.
#[test]
fn colours_are_for_terminals_that_want_them() {
    let scratch = Scratch::with_runs();
    let coloured = |command: &mut Command| {
        let done = command.args(["runs", "show", "run_B"]).output().unwrap();
        done.stdout.contains(&0x1b)
    };
    assert!(!coloured(&mut scratch.command()), "into a pipe");
    assert!(coloured(scratch.command().args(["--color", "always"])));
    assert!(
        coloured(scratch.command().env("NO_COLOR", "1").args(["--color", "always"])),
        "asked for by name"
    );
    let on_terminal = |words: &[&str]| Session::start(&scratch, words).said().1.contains('\u{1b}');
    assert!(on_terminal(&["runs", "show", "run_B"]));
    assert!(!on_terminal(&["--color", "never", "runs", "show", "run_B"]));
}

/// A refused step is the state's word, and its code that of every other refusal.
#[test]
fn refusals_of_an_import_have_their_own_exit_codes() {
    let scratch = Scratch::with_runs();
    let database = scratch.database();
    let refused = |words: &[&str], code, kind: &str| {
        let done = scratch.run(&[words, &["--json"]].concat());
        done.refused(code);
        let document: serde_json::Value = serde_json::from_str(done.text()).unwrap();
        assert_eq!(document["error"]["kind"], json!(kind), "{words:?}");
    };
    refused(&["migrate", "import", database.to_str().unwrap()], 1, "source-is-state");
    let other = Scratch::with_runs();
    refused(&["migrate", "import", other.database().to_str().unwrap()], 2, "source-refused");
    // A trigger stands for any defect of the copying.
    let spoil = "CREATE TRIGGER spoil AFTER INSERT ON agent_outputs
      BEGIN UPDATE agent_outputs SET content = content || ' ' WHERE id = NEW.id; END";
    conclave_db::foreign::run(&database, spoil).unwrap();
    let fixture = scratch.fixture();
    let row = "INSERT INTO consensus_artifacts(spec_id, stage, agent_name, content_json) VALUES('S', 'plan', 'a', 'x')";
    conclave_db::foreign::run(&fixture, row).unwrap();
    refused(&["migrate", "import", fixture.to_str().unwrap()], 1, "differs");
}
