//! `conclave spool write` as the end of a pipe: what it is given, who else is there, and how it ends.

use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};

use conclave_testkit::skipped;
use rustix::process::{Pid, Signal, kill_process};
use serde_json::{Value, json};

use crate::patience::{ended, output_of};
use crate::scratch::{Done, Scratch};
use crate::spool::{event, events};
use crate::terminal::Session;

/// A writer at work.
struct Writer {
    child: Child,
    stdin: ChildStdin,
    stdout: BufReader<ChildStdout>,
}

impl Writer {
    fn start(scratch: &Scratch, words: &[&str]) -> Self {
        let mut command = scratch.command();
        command.args(["spool", "write"]).args(words);
        command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
        let mut child = command.spawn().unwrap();
        let stdin = child.stdin.take().unwrap();
        let stdout = BufReader::new(child.stdout.take().unwrap());
        Self { child, stdin, stdout }
    }

    /// The next acknowledgement.
    fn synced(&mut self) -> u64 {
        let mut line = String::new();
        self.stdout.read_line(&mut line).unwrap();
        line.trim_end().strip_prefix("synced=").unwrap_or_else(|| panic!("{line:?}")).parse().unwrap()
    }

    /// Ends its input, and waits.
    fn finish(self) -> Done {
        let Self { mut child, stdin, mut stdout } = self;
        drop(stdin);
        let mut rest = Vec::new();
        stdout.read_to_end(&mut rest).unwrap();
        let status = ended(&mut child);
        let mut stderr = String::new();
        child.stderr.take().unwrap().read_to_string(&mut stderr).unwrap();
        Done { code: status.code(), stdout: rest, stderr }
    }
}

/// What `zcat` says of all segments together, in the order of their names: the second of an hour has more of it.
fn inflated(scratch: &Scratch) -> Option<Vec<u8>> {
    let mut all = Vec::new();
    let mut names = scratch.segments();
    // Whatever became of them: a file with a line that is too long to be kept among the rejects is in quarantine.
    names.sort_by_key(|name| name.rsplit('/').next().map(|file| file.replace(".ndjson.gz", "")));
    for name in names {
        let path = scratch.spool().join(name);
        let tested = Command::new("gzip").arg("-t").arg(&path).output().ok()?;
        assert!(tested.status.success(), "{}", String::from_utf8_lossy(&tested.stderr));
        all.extend(Command::new("zcat").arg(&path).output().ok()?.stdout);
    }
    Some(all)
}

#[test]
fn each_line_is_acknowledged_when_it_is_durable() {
    let scratch = Scratch::spooling("");
    scratch.ok(&["init"]);
    let mut writer = Writer::start(&scratch, &["keyboard", "--sync"]);
    for number in 1..=5 {
        writeln!(writer.stdin, "{}", event("keyboard", number)).unwrap();
        assert_eq!(writer.synced(), number as u64);
    }
    // It counts already, while the writer lives.
    assert_eq!(scratch.ledger()["pending"], 5);
    let done = writer.finish();
    assert_eq!((done.code, done.text(), done.stderr.as_str()), (Some(0), "", ""));
    assert_eq!(scratch.ledger()["written"], 5);
}

/// Without `--sync` and without a next line, too.
#[test]
fn what_came_is_durable_although_nothing_more_comes() {
    let scratch = Scratch::spooling("");
    scratch.ok(&["init"]);
    let mut writer = Writer::start(&scratch, &["keyboard"]);
    writer.stdin.write_all(events("keyboard", 0, 3).as_bytes()).unwrap();
    crate::patience::until("the sync point", || scratch.ledger()["pending"] == 3);
    assert_eq!(writer.finish().text(), "stored 3 events of keyboard\n");
}

#[test]
fn lines_are_stored_as_they_are() {
    let scratch = Scratch::spooling("");
    let long = format!("{{\"long\":\"{}\"}}", "x".repeat(9 << 20));
    let last = event("keyboard", 4);
    let input = [
        format!("{}\r\n\n  \n\t\r\n", event("keyboard", 1)).into_bytes(),
        b"nul\0nul \xff no text\n".to_vec(),
        format!("{}\n{long}\n{last}", event("keyboard", 3)).into_bytes(),
    ]
    .concat();
    let done = scratch.fed(&["spool", "write", "keyboard", "--json"], input);
    let document: Value = serde_json::from_str(done.text()).unwrap();
    assert_eq!(document, json!({ "monitor": "keyboard", "written": 5, "durable": 5, "dropped": 0 }));
    let flushed = scratch.json(&["spool", "flush"]);
    assert_eq!((&flushed["imported"], &flushed["quarantined"]), (&json!(3), &json!(2)), "{flushed}");
    scratch.ledger();
    let wanted = [
        format!("{}\r\n", event("keyboard", 1)).into_bytes(),
        b"nul\0nul \xff no text\n".to_vec(),
        format!("{}\n{long}\n{last}\n", event("keyboard", 3)).into_bytes(),
    ]
    .concat();
    let Some(found) = inflated(&scratch) else { return skipped("no gzip") };
    assert!(found == wanted, "{} bytes, wanted {}", found.len(), wanted.len());
}

#[test]
fn a_line_without_end_costs_no_memory_and_is_counted() {
    let scratch = Scratch::spooling("");
    let mut input = event("keyboard", 1).into_bytes();
    input.push(b'\n');
    input.resize(input.len() + (65 << 20), b'x');
    input.extend_from_slice(b"\n");
    input.extend_from_slice(event("keyboard", 2).as_bytes());
    let done = scratch.fed(&["spool", "write", "keyboard"], input);
    let error = done.refused(1);
    assert!(error.contains("1 of 3 events were not stored"), "{error}");
    assert!(error.contains("longer than 67108864 bytes"), "{error}");
    assert_eq!(done.text(), "stored 2 events of keyboard\n");
    let ledger = scratch.ledger();
    assert_eq!((&ledger["written"], &ledger["dropped"]), (&json!(3), &json!({ "too_long": 1 })));
}

#[test]
fn nothing_at_all_is_stored_as_nothing() {
    for input in ["", "\n\n  \n", "\r\n"] {
        let scratch = Scratch::spooling("");
        let done = scratch.fed(&["spool", "write", "keyboard"], input);
        assert_eq!((done.code, done.text()), (Some(0), "stored 0 events of keyboard\n"), "{}", done.stderr);
        assert_eq!(scratch.segments(), Vec::<String>::new());
        assert_eq!(scratch.ledger()["written"], 0);
        assert_eq!(scratch.json(&["spool", "flush"])["files"], 0);
    }
}

#[test]
fn a_terminal_is_told_what_is_awaited() {
    let scratch = Scratch::spooling("");
    scratch.ok(&["init"]);
    let mut session = Session::start(&scratch, &["spool", "write", "keyboard"]);
    session.until("one JSON object on a line");
    session.until("Ctrl-D");
    session.keys("{\"id\":\"typed\"}\n\u{4}");
    let (code, said) = session.said();
    assert_eq!(code, Some(0), "{said}");
    assert!(said.contains("stored 1 event of keyboard"), "{said}");
}

#[test]
fn an_input_that_cannot_be_read_is_said_and_what_came_is_kept() {
    let scratch = Scratch::spooling("");
    let folder = std::fs::File::open(scratch.project()).unwrap();
    let done = Done::of(scratch.command().args(["spool", "write", "keyboard"]).stdin(folder));
    let error = done.refused(3);
    assert!(error.contains("read standard input"), "{error}");
}

/// Acknowledgements that nobody reads are no reason to lose what comes.
#[test]
fn a_reader_of_acknowledgements_that_leaves_costs_no_event() {
    let scratch = Scratch::spooling("");
    let mut command = scratch.command();
    command.args(["spool", "write", "keyboard", "--sync"]);
    command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
    let mut child = command.spawn().unwrap();
    drop(child.stdout.take());
    let mut stdin = child.stdin.take().unwrap();
    stdin.write_all(events("keyboard", 0, 40).as_bytes()).unwrap();
    drop(stdin);
    let output = output_of(child);
    let said = String::from_utf8_lossy(&output.stderr).into_owned();
    assert!(!said.contains("error") && !said.contains("panicked"), "{said}");
    assert_eq!(output.status.code(), Some(0), "{said}");
    assert_eq!(scratch.ledger()["written"], 40);
}

// spool A10
#[test]
fn a_monitor_has_one_writer_and_the_second_waits_or_is_told() {
    let scratch = Scratch::spooling("");
    let mut first = Writer::start(&scratch, &["keyboard", "--sync"]);
    writeln!(first.stdin, "{}", event("keyboard", 1)).unwrap();
    assert_eq!(first.synced(), 1);
    let done =
        scratch.fed(&["spool", "write", "keyboard", "--wait", "0", "--json"], events("keyboard", 10, 5));
    let error = done.refused(1);
    assert!(error.contains("another process writes to keyboard"), "{error}");
    let document: Value = serde_json::from_str(done.text()).unwrap();
    assert_eq!(document["error"]["kind"], "monitor_busy");
    // Another monitor is free, and importing does not touch what is written.
    scratch.ok(&["spool", "generate", "mouse", "--count", "5"]);
    let flushed = scratch.run(&["spool", "flush", "--json"]);
    let document: Value = serde_json::from_str(flushed.text()).unwrap();
    assert_eq!((&document["imported"], &document["recovered"]["live"]), (&json!(5), &json!(1)));
    assert!(flushed.stderr.contains("1 segment is being written"), "{}", flushed.stderr);

    let mut second = Writer::start(&scratch, &["keyboard", "--sync", "--wait", "60s"]);
    second.stdin.write_all(events("keyboard", 20, 5).as_bytes()).unwrap();
    writeln!(first.stdin, "{}", event("keyboard", 2)).unwrap();
    assert_eq!(first.synced(), 2);
    assert_eq!(first.finish().code, Some(0));
    assert_eq!((1..=5).map(|_| second.synced()).collect::<Vec<_>>(), [1, 2, 3, 4, 5]);
    assert_eq!(second.finish().code, Some(0));
    assert_eq!(scratch.ledger()["monitors"]["keyboard"]["written"], 7);
    scratch.ok(&["spool", "flush"]);
    assert_eq!(scratch.number("SELECT count(*) FROM events WHERE monitor = 'keyboard'"), 7);
}

/// A signal that asks for the end ends the input: what came is stored.
#[test]
fn a_writer_that_is_asked_to_end_stores_what_came() {
    for (signal, code) in [(Signal::INT, 130), (Signal::TERM, 143), (Signal::HUP, 129)] {
        let scratch = Scratch::spooling("sync_events = 1000000\n");
        let mut writer = Writer::start(&scratch, &["keyboard"]);
        writer.stdin.write_all(events("keyboard", 0, 3).as_bytes()).unwrap();
        crate::patience::until("the writer", || scratch.ledger()["pending"] == 3);
        let pid = Pid::from_raw(i32::try_from(writer.child.id()).unwrap()).unwrap();
        kill_process(pid, signal).unwrap();
        let status = ended(&mut writer.child);
        assert_eq!(status.code(), Some(code), "{signal:?}");
        assert!(scratch.segments().iter().all(|name| name.ends_with(".gz")), "{:?}", scratch.segments());
        assert_eq!(scratch.ledger()["written"], 3);
    }
}

// spool A6
#[test]
fn what_was_acknowledged_survives_kill_9() {
    let scratch = Scratch::spooling("");
    scratch.ok(&["init"]);
    let mut acknowledged = Vec::new();
    for round in 0..6_usize {
        let mut writer = Writer::start(&scratch, &["mouse", "--sync"]);
        let input = events("mouse", 10_000 * (round + 1), 400);
        let mut stdin = writer.stdin;
        let feeding = std::thread::spawn(move || drop(stdin.write_all(input.as_bytes())));
        let mut last = 0;
        for _ in 0..round * 15 {
            let mut line = String::new();
            writer.stdout.read_line(&mut line).unwrap();
            last = line.trim_end().strip_prefix("synced=").unwrap().parse().unwrap();
        }
        writer.child.kill().unwrap();
        ended(&mut writer.child);
        feeding.join().unwrap();
        // What had been printed before the kill, and nobody had read yet.
        for line in writer.stdout.lines() {
            let line = line.unwrap();
            last = line.strip_prefix("synced=").and_then(|number| number.parse().ok()).unwrap_or(last);
        }
        acknowledged.push(last);
        scratch.ledger();
    }
    assert!(acknowledged.iter().sum::<usize>() > 0, "{acknowledged:?}");
    scratch.ok(&["spool", "recover"]);
    assert!(scratch.segments().iter().all(|name| name.ends_with(".gz")), "{:?}", scratch.segments());
    scratch.ledger();
    if inflated(&scratch).is_none() {
        skipped("no gzip");
    }
    scratch.ok(&["spool", "flush"]);
    for (round, count) in acknowledged.iter().enumerate() {
        let base = 10_000 * (round + 1);
        let number = |sql: &str| {
            let between = format!(
                "id BETWEEN '01J7ZZZZZZZZZZZZZZ{base:08}' AND '01J7ZZZZZZZZZZZZZZ{:08}'",
                base + 9_999
            );
            usize::try_from(scratch.number(&format!("SELECT {sql} FROM events WHERE {between}"))).unwrap()
        };
        let stored = number("count(*)");
        assert!(stored >= *count, "round {round}: {stored} of {count} that were acknowledged");
        if stored > 0 {
            assert_eq!(
                number("CAST(substr(max(id), 19) AS INTEGER)"),
                base + stored - 1,
                "a prefix, round {round}"
            );
        }
    }
    assert_eq!(scratch.ledger()["pending"], 0);
    assert_eq!(scratch.json(&["spool", "verify"])["findings"], json!([]));
}

// spool A11
#[test]
fn a_disk_that_is_full_is_named_and_what_was_durable_stays() {
    let scratch = Scratch::spooling("");
    scratch.ok(&["init"]);
    let input = scratch.path("input.ndjson");
    // What hardly can be compressed.
    let noise = |number: u64| {
        use std::fmt::Write as _;
        let mut state = number.wrapping_mul(0x9e37_79b9_7f4a_7c15) | 1;
        let mut text = String::new();
        while text.len() < 200 {
            state ^= state << 13;
            state ^= state >> 7;
            state ^= state << 17;
            write!(text, "{state:016x}").unwrap();
        }
        text
    };
    let line = |number: u64| format!("{{\"id\":\"{number:06}\",\"noise\":\"{}\"}}\n", noise(number));
    std::fs::write(&input, (0..2_000).map(line).collect::<String>()).unwrap();
    let binary = env!("CARGO_BIN_EXE_conclave");
    let script = format!("ulimit -f 40; exec {binary} spool write keyboard < ../input.ndjson");
    let done = Done::of(&mut scratch.shell(&script));
    let error = done.refused(3);
    assert!(error.contains("File too large"), "{error}");
    let ledger = scratch.ledger();
    let pending = ledger["pending"].as_u64().unwrap();
    scratch.ok(&["spool", "recover"]);
    assert_eq!(scratch.ledger()["pending"], pending);
    assert!(ledger["written"].as_u64().unwrap() <= 2_000, "{ledger}");
    // With room the next one goes on.
    let done = scratch.fed(&["spool", "write", "keyboard"], events("keyboard", 0, 5));
    assert_eq!(done.code, Some(0), "{}", done.stderr);
    scratch.ok(&["spool", "flush"]);
    assert_eq!(scratch.ledger()["pending"], 0);
}

#[test]
fn other_programs_read_what_is_written() {
    let scratch = Scratch::spooling("");
    scratch.fed(&["spool", "write", "keyboard"], events("keyboard", 0, 300));
    let path = scratch.spool().join(&scratch.segments()[0]);
    let script = format!("zcat '{}' | jq -c .ts_utc | sort -u", path.display());
    let done = Done::of(&mut scratch.shell(&script));
    if !done.stderr.is_empty() {
        return skipped("no zcat or jq");
    }
    assert_eq!(done.text(), "1757440800000\n");
}
