//! `conclave spool`, `diag` and the spool in `status`, as scripts and people see them.

use std::fs::File;
use std::io::Write as _;
use std::path::PathBuf;
use std::process::Stdio;

use conclave_db::foreign::Client;
use serde_json::{Value, json};

use crate::patience::output_of;
use crate::scratch::{Done, Scratch, files_below};

/// The n-th event of a monitor, with what a reader of lines may stumble over.
pub(crate) fn event(monitor: &str, number: usize) -> String {
    format!(
        "{{\"id\":\"01J7ZZZZZZZZZZZZZZ{number:08}\",\"ts_utc\":1757440800000,\"monitor\":\"{monitor}\",\"action\":\"key_press\",\
         \"subject_type\":\"none\",\"session_id\":\"01J7ZZZZZZZZZZZZZZZZZZZZZZ\",\"attrs_json\":\"{{\\\"k\\\":\\\"\u{2028}日本\\\"}}\"}}"
    )
}

/// Such lines, from the first number on.
pub(crate) fn events(monitor: &str, first: usize, count: usize) -> String {
    (first..first + count).map(|number| event(monitor, number) + "\n").collect()
}

impl Scratch {
    /// With a disk that may be as full as it is, and these settings of the spool.
    pub(crate) fn spooling(settings: &str) -> Self {
        let scratch = Self::new();
        let folder = scratch.path("home/.config/conclave");
        std::fs::create_dir_all(&folder).unwrap();
        let text = format!("[spool]\nkeep_free_pct = 0\n{settings}");
        std::fs::write(folder.join("config.toml"), text).unwrap();
        scratch
    }

    /// The spool's folder.
    pub(crate) fn spool(&self) -> PathBuf {
        self.project().join(".conclave/spool")
    }

    /// Runs with this on standard input.
    pub(crate) fn fed(&self, words: &[&str], input: impl Into<Vec<u8>>) -> Done {
        let mut command = self.command();
        command.args(words).stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
        let mut child = command.spawn().unwrap();
        let (mut stdin, input) = (child.stdin.take().unwrap(), input.into());
        let feeding = std::thread::spawn(move || drop(stdin.write_all(&input)));
        let output = output_of(child);
        feeding.join().unwrap();
        Done {
            code: output.status.code(),
            stdout: output.stdout,
            stderr: String::from_utf8_lossy(&output.stderr).into_owned(),
        }
    }

    /// The ledger, which balances.
    #[track_caller]
    pub(crate) fn ledger(&self) -> Value {
        let ledger = self.json(&["status"])["spool"]["ledger"].clone();
        let balances = |entry: &Value| {
            let number = |key: &str| entry[key].as_u64().unwrap();
            let dropped: u64 =
                entry["dropped"].as_object().unwrap().values().map(|n| n.as_u64().unwrap()).sum();
            number("written") == number("pending") + number("imported") + number("quarantined") + dropped
        };
        assert!(balances(&ledger), "{ledger}");
        for (name, entry) in ledger["monitors"].as_object().unwrap() {
            assert!(balances(entry), "{name}: {ledger}");
        }
        ledger
    }

    /// What the state answers to a question for one number.
    #[track_caller]
    pub(crate) fn number(&self, sql: &str) -> u64 {
        let rows = self.json(&["db", "query", sql]);
        rows[0].as_object().unwrap().values().next().unwrap().as_u64().unwrap()
    }

    /// The names below the spool's folder, but for what is ours alone.
    pub(crate) fn segments(&self) -> Vec<String> {
        if !self.spool().exists() {
            return Vec::new();
        }
        let names = files_below(&self.spool()).into_iter();
        let names = names.map(|path| path.strip_prefix(self.spool()).unwrap().display().to_string());
        names.filter(|name| name.ends_with(".ndjson.gz") || name.ends_with(".part")).collect()
    }

    /// A file of this size, which takes no room on the disk.
    pub(crate) fn large(&self, name: &str, bytes: u64) {
        let path = self.spool().join(name);
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        File::create(path).unwrap().set_len(bytes).unwrap();
    }
}

fn quota(scratch: &Scratch) -> Value {
    let mut block = scratch.json(&["status"])["spool"].clone();
    block.as_object_mut().unwrap().remove("ledger");
    block
}

#[test]
fn events_go_in_and_become_rows_once() {
    let scratch = Scratch::spooling("");
    let done = scratch.fed(&["spool", "write", "keyboard"], events("keyboard", 0, 30));
    assert_eq!((done.code, done.text()), (Some(0), "stored 30 events of keyboard\n"), "{}", done.stderr);
    let ledger = scratch.ledger();
    assert_eq!(
        (&ledger["written"], &ledger["pending"], &ledger["reason"]),
        (&json!(30), &json!(30), &json!(null))
    );
    let done = scratch.fed(&["spool", "write", "keyboard", "--json"], events("keyboard", 20, 20));
    let wanted = json!({ "monitor": "keyboard", "written": 20, "durable": 20, "dropped": 0 });
    assert_eq!(serde_json::from_str::<Value>(done.text()).unwrap(), wanted);
    assert_eq!(scratch.segments().len(), 2);

    let flushed = scratch.json(&["spool", "flush"]);
    for (key, wanted) in
        [("files", 2), ("imported", 40), ("duplicates", 10), ("quarantined", 0), ("deferred", 0)]
    {
        assert_eq!(flushed[key], wanted, "{key}: {flushed}");
    }
    assert_eq!(scratch.number("SELECT count(*) FROM events"), 40);
    let ledger = scratch.ledger();
    assert_eq!((&ledger["written"], &ledger["imported"]), (&json!(50), &json!(50)));
    assert_eq!(ledger["monitors"]["keyboard"]["imported"], 50);
    let again = scratch.json(&["spool", "flush"]);
    assert_eq!((&again["files"], &again["imported"]), (&json!(0), &json!(0)));
    assert_eq!(scratch.json(&["spool", "verify"])["findings"], json!([]));
    let text = scratch.ok(&["status"]);
    assert!(text.contains("\nspool      0MB / 512MB (normal) · 0 files to import\n"), "{text}");
    assert!(text.contains("50 written · 0 pending · 50 imported · 0 quarantined\n"), "{text}");
}

/// The lines of the original, and one for each monitor.
#[test]
fn a_flush_says_what_it_did() {
    let scratch = Scratch::spooling("");
    scratch.ok(&["spool", "generate", "mouse", "--count", "3"]);
    assert_eq!(
        scratch.ok(&["spool", "generate", "keyboard", "--count", "1"]),
        "generated 1 event of keyboard\n"
    );
    let bad = scratch.fed(&["spool", "write", "keyboard"], "{bad\n");
    assert_eq!(bad.code, Some(0), "{}", bad.stderr);
    let done = scratch.run(&["spool", "flush"]);
    assert_eq!(done.code, Some(0), "{}", done.stderr);
    let lines: Vec<&str> = done.text().lines().collect();
    let wanted = [
        "[OK] Import completed:",
        "Files processed: 3",
        "Events imported: 4",
        "Duplicates skipped: 0",
        "Invalid events: 1",
    ];
    assert_eq!(lines[..5], wanted);
    assert!(lines[5].starts_with("Duration: ") && lines[5].ends_with('s'), "{}", lines[5]);
    assert!(lines[6].starts_with("Throughput: ") && lines[6].ends_with(" events/min"), "{}", lines[6]);
    assert_eq!(lines[7], "Per-monitor breakdown:");
    assert!(lines[8].starts_with("  keyboard: 2 files, 1 events, "), "{}", lines[8]);
    assert!(lines[9].starts_with("  mouse: 1 files, 3 events, "), "{}", lines[9]);
    assert_eq!(lines.len(), 10);
    assert!(done.stderr.contains("1 line is in quarantine"), "{}", done.stderr);
    assert_eq!(scratch.ledger()["quarantined"], 1);
    // One monitor alone.
    for monitor in ["keyboard", "mouse"] {
        scratch.ok(&["spool", "generate", monitor]);
    }
    assert_eq!(scratch.json(&["spool", "flush", "--monitor", "mouse"])["imported"], 10);
    assert_eq!(scratch.ledger()["pending"], 10);
}

// spool A13
#[test]
fn the_state_of_the_quota_is_that_of_the_bytes() {
    for (bytes, state) in [(943_717, "normal"), (943_718, "soft"), (1_048_575, "soft"), (1_048_576, "hard")] {
        let scratch = Scratch::spooling("quota_mb = 1\n");
        scratch.large("_done/keyboard/20250909-18.ndjson.gz", bytes);
        let used = bytes >> 20;
        let wanted = json!({
            "quota_mb": 1, "used_mb": used, "soft_pct": 90, "hard_pct": 100, "state": state, "dropped_batches": 0,
        });
        assert_eq!(quota(&scratch), wanted, "{bytes}");
        let text = scratch.ok(&["status"]);
        let said = match state {
            "normal" => "0MB",
            "soft" => {
                if bytes < 1_000_000 {
                    "0.89MB"
                } else {
                    "0.99MB"
                }
            }
            _ => "1.00MB",
        };
        assert!(text.contains(&format!("spool      {said} / 1MB ({state})")), "{text}");
    }
}

// spool A13
#[test]
fn settings_that_cannot_be_are_refused_with_the_key_and_left_alone() {
    for (settings, key) in [
        ("quota_mb = 0", "spool.quota_mb"),
        ("quota_mb = -1", "spool.quota_mb"),
        ("soft_pct = 100\nhard_pct = 90", "spool.soft_pct"),
        ("hard_pct = 150", "spool.hard_pct"),
        ("log_interval = 0", "spool.log_interval"),
        ("quota_mb = \"abc\"", "spool.quota_mb"),
        ("resume_pct = 95", "spool.resume_pct"),
        ("monitors = [\"../evil\"]", "spool.monitors"),
    ] {
        let scratch = Scratch::spooling(settings);
        let file = scratch.path("home/.config/conclave/config.toml");
        let before = std::fs::read(&file).unwrap();
        for words in
            [&["status"][..], &["spool", "flush"], &["spool", "write", "keyboard"], &["diag", "--json"]]
        {
            let done = scratch.run(words);
            let error = done.refused(2);
            assert!(error.contains(key), "{settings}, {words:?}: {error}");
        }
        assert_eq!(std::fs::read(&file).unwrap(), before);
        assert!(!scratch.project().join(".conclave").exists(), "{settings}");
    }
}

// spool A15, spool A17
#[test]
fn what_the_quota_refuses_is_counted_where_everybody_sees_it() {
    let scratch = Scratch::spooling("quota_mb = 1\n");
    scratch.large("_done/keyboard/20250909-18.ndjson.gz", 1 << 20);
    let before = scratch.segments();
    let done = scratch.fed(&["spool", "write", "keyboard"], events("keyboard", 0, 4));
    let error = done.refused(1);
    assert!(error.contains("4 of 4 events were not stored") && error.contains("quota"), "{error}");
    assert!(done.stderr.contains("hint: "), "{}", done.stderr);
    assert_eq!(done.text(), "stored 0 events of keyboard\n");
    assert_eq!(scratch.segments(), before, "nothing is written");

    let done = scratch.fed(&["spool", "write", "mouse", "--json"], events("mouse", 0, 3));
    let document: Value = serde_json::from_str(done.text()).unwrap();
    assert_eq!(done.code, Some(1), "{}", done.stderr);
    for (key, wanted) in
        [("monitor", json!("mouse")), ("written", json!(3)), ("durable", json!(0)), ("dropped", json!(3))]
    {
        assert_eq!(document[key], wanted, "{document}");
    }
    assert_eq!(document["error"]["kind"], "not-stored");
    assert_eq!((&quota(&scratch)["state"], &quota(&scratch)["dropped_batches"]), (&json!("hard"), &json!(7)));
    let ledger = scratch.ledger();
    assert_eq!((&ledger["written"], &ledger["dropped"]), (&json!(7), &json!({ "quota": 7 })));
    assert_eq!(ledger["monitors"]["keyboard"]["dropped"], json!({ "quota": 4 }));
    assert_eq!(ledger["monitors"]["mouse"]["dropped"], json!({ "quota": 3 }));
    let text = scratch.ok(&["diag"]);
    assert!(text.contains("\n  Dropped batches: 7\n"), "{text}");
    assert!(scratch.ok(&["status"]).contains("7 events dropped"), "in words, too");
    let sample = scratch.run(&["spool", "generate", "keyboard", "--count", "2"]);
    assert!(sample.refused(1).contains("2 of 2 events were not stored"));

    // With room again everything is as before.
    assert!(scratch.ok(&["spool", "trim"]).contains("trimmed 1 file "));
    let done = scratch.fed(&["spool", "write", "keyboard"], events("keyboard", 0, 4));
    assert_eq!(done.code, Some(0), "{}", done.stderr);
    assert_eq!(
        (quota(&scratch)["state"].clone(), scratch.ledger()["pending"].clone()),
        (json!("normal"), json!(4))
    );
}

// spool A27
#[test]
fn a_name_that_is_no_monitor_makes_nothing() {
    let long = "m".repeat(300);
    let names = [
        "../evil",
        "a/b",
        "_done",
        "",
        ".",
        "..",
        "CON",
        &long,
        "keyboard ",
        "Keyboard",
        "é",
        "unheard_of",
        "-",
    ];
    let scratch = Scratch::spooling("");
    let files = || files_below(&scratch.project());
    for name in names {
        for words in [
            &["spool", "write", name][..],
            &["spool", "write", name, "--json"],
            &["spool", "generate", name],
            &["spool", "flush", "--monitor", name],
        ] {
            let done = scratch.fed(words, events("keyboard", 0, 1));
            done.refused(2);
            assert_eq!(files(), Vec::<PathBuf>::new(), "{words:?}");
        }
    }
    let bytes = std::os::unix::ffi::OsStringExt::from_vec(b"key\xff".to_vec());
    let words: [std::ffi::OsString; 3] = ["spool".into(), "write".into(), bytes];
    scratch.run(&words).refused(2);
    let scratch = Scratch::spooling("monitors = [\"unheard_of\"]\n");
    assert_eq!(scratch.ok(&["spool", "generate", "unheard_of"]), "generated 10 events of unheard_of\n");
}

// spool A28
#[test]
fn diag_prints_the_section_of_the_quota_line_for_line() {
    let scratch = Scratch::spooling("");
    let files = [
        ("keyboard/20250909-18", 3 << 20),
        ("mouse/20250909-18", 2 << 20),
        ("browser/20250909-18", 2 << 20),
        ("keyboard/20250909-17", (1 << 20) - 1),
        ("file/20250909-18", 10),
        ("agent/20250909-18", 1),
    ];
    for (name, bytes) in files {
        scratch.large(&format!("_done/{name}.ndjson.gz"), bytes);
    }
    for folder in ["keyboard", "odd one"] {
        std::fs::create_dir_all(scratch.spool().join(folder)).unwrap();
    }
    std::fs::write(scratch.spool().join("odd one/x.ndjson.gz"), "x").unwrap();
    let text = scratch.ok(&["diag"]);
    let (spool, quota) = text.split_once("\nQuota:\n").unwrap();
    assert_eq!(
        quota,
        "  Usage: 8MB / 512MB (normal)\n  Thresholds: 90% soft, 100% hard\n  Largest _done files:\n    \
         keyboard/20250909-18.ndjson.gz: 3MB\n    browser/20250909-18.ndjson.gz: 2MB\n    \
         mouse/20250909-18.ndjson.gz: 2MB\n    keyboard/20250909-17.ndjson.gz: 0MB\n    \
         file/20250909-18.ndjson.gz: 0MB\n"
    );
    assert_eq!(
        spool,
        "Spool:\n  Status: exists\n  Pending files: 1\n  Monitor directories:\n    OK keyboard: 0 pending / 2 total\n    \
         ?? odd one: 1 pending / 1 total\n"
    );
    let root = scratch.path("");
    for words in [&["diag", "--json"][..], &["diag"], &["spool", "trim", "--dry-run"], &["spool", "verify"]] {
        let done = scratch.run(words);
        assert!(!done.text().contains(root.to_str().unwrap()), "{words:?}: {}", done.text());
    }
    let document = scratch.json(&["diag"]);
    let wanted = json!({
        "status": "exists", "total_pending_files": 1, "monitor_dirs": {
            "keyboard": { "known_monitor": true, "total_files": 2, "pending_files": 0 },
            "odd one": { "known_monitor": false, "total_files": 1, "pending_files": 1 },
        },
    });
    assert_eq!(document["spool"], wanted);
    let quota = &document["quota"];
    assert_eq!((&quota["used_mb"], &quota["state"]), (&json!(8), &json!("normal")));
    let first = json!({ "monitor": "keyboard", "filename": "20250909-18.ndjson.gz", "size_mb": 3 });
    assert_eq!(
        (&quota["largest_done_files"][0], quota["largest_done_files"].as_array().unwrap().len()),
        (&first, 5)
    );
}

// spool A29
#[test]
fn a_state_that_cannot_be_read_keeps_nobody_from_the_spool() {
    for (what, junk) in [("no database", &b"garbage"[..]), ("corrupt", b"SQLite format 3\0nonsense")] {
        let scratch = Scratch::spooling("");
        scratch.fed(&["spool", "write", "keyboard"], events("keyboard", 0, 5));
        for ending in ["-wal", "-shm"] {
            drop(std::fs::remove_file(scratch.project().join(format!(".conclave/state.db{ending}"))));
        }
        std::fs::write(scratch.database(), junk.repeat(1000)).unwrap();
        let done = scratch.run(&["status", "--json"]);
        done.refused(3);
        let status: Value = serde_json::from_str(done.text()).unwrap();
        assert_eq!(status["database"]["state"], "error", "{what}");
        assert!(status["error"]["message"].is_string() && status["error"]["kind"].is_string(), "{status}");
        let spool = status["spool"].as_object().unwrap();
        let keys: Vec<&str> = spool.keys().map(String::as_str).collect();
        let mut wanted =
            vec!["quota_mb", "used_mb", "soft_pct", "hard_pct", "state", "dropped_batches", "ledger"];
        wanted.sort_unstable();
        let mut sorted = keys.clone();
        sorted.sort_unstable();
        assert_eq!(sorted, wanted, "{what}");
        assert_eq!((&spool["quota_mb"], &spool["state"]), (&json!(512), &json!("normal")));
        assert_eq!(
            (&spool["ledger"]["pending"], &spool["ledger"]["written"]),
            (&json!(5), &json!(5)),
            "{what}"
        );
        assert_eq!(status["consensus"]["runs"], json!(null), "what cannot be known is not zero");
        assert_eq!(status["attention"][0]["name"], "state");

        let done = scratch.run(&["status"]);
        done.refused(3);
        assert!(done.text().contains("\nspool      0MB / 512MB (normal)"), "{}", done.text());
        let done = scratch.run(&["diag", "--json"]);
        done.refused(3);
        let document: Value = serde_json::from_str(done.text()).unwrap();
        assert_eq!(
            (&document["quota"]["quota_mb"], &document["spool"]["status"]),
            (&json!(512), &json!("exists"))
        );
        // And events go in meanwhile.
        let done = scratch.fed(&["spool", "write", "mouse"], events("mouse", 100, 2));
        assert_eq!((done.code, done.text()), (Some(0), "stored 2 events of mouse\n"), "{}", done.stderr);
        assert!(done.stderr.contains("warning: "), "{}", done.stderr);
        scratch.run(&["spool", "flush"]).refused(3);
        assert_eq!(scratch.segments().len(), 2, "{what}: nothing is lost");
        scratch.ok(&["db", "reset", "--force"]);
        assert_eq!(scratch.json(&["spool", "flush"])["imported"], 7, "{what}");
        assert_eq!(scratch.ledger()["imported"], 7);
    }
}

// spool A20
#[test]
fn a_state_that_is_held_puts_files_off_and_keeps_nobody_from_writing() {
    let scratch = Scratch::spooling("");
    scratch.ok(&["init"]);
    let other = Client::open(&scratch.database()).unwrap();
    other.run("BEGIN IMMEDIATE").unwrap();
    let done = scratch.fed(&["spool", "write", "keyboard", "--sync"], events("keyboard", 0, 5));
    assert_eq!(done.code, Some(0), "{}", done.stderr);
    assert!(done.text().ends_with("synced=5\n"), "{}", done.text());
    assert_eq!(scratch.ledger()["pending"], 5);
    let done = scratch.run(&["spool", "flush", "--json"]);
    let error = done.refused(3);
    assert!(error.contains("1 file was put off"), "{error}");
    let document: Value = serde_json::from_str(done.text()).unwrap();
    assert_eq!((&document["deferred"], &document["files"]), (&json!(1), &json!(0)));
    assert_eq!(document["error"]["kind"], "deferred");
    assert_eq!(scratch.ledger()["pending"], 5);
    other.run("ROLLBACK").unwrap();
    assert_eq!(scratch.json(&["spool", "flush"])["imported"], 5);
    assert_eq!(scratch.ledger()["imported"], 5);
}

#[test]
fn what_can_be_trimmed_goes_the_oldest_first_and_the_rest_is_said() {
    let scratch = Scratch::spooling("quota_mb = 1\n");
    for hour in 10..15 {
        scratch.large(&format!("_done/keyboard/20250909-{hour}.ndjson.gz"), 300_000);
    }
    let dry = scratch.ok(&["spool", "trim", "--dry-run"]);
    let first =
        "keyboard/20250909-10.ndjson.gz\nkeyboard/20250909-11.ndjson.gz\nkeyboard/20250909-12.ndjson.gz\n";
    assert!(dry.starts_with(first) && dry.contains("would trim 3 files"), "{dry}");
    assert_eq!(scratch.segments().len(), 5, "nothing went");
    let trimmed = scratch.json(&["spool", "trim"]);
    assert_eq!(
        (&trimmed["bytes"], &trimmed["used"], &trimmed["untrimmable"]),
        (&json!(900_000), &json!(600_000), &json!(false))
    );
    assert_eq!(
        scratch.segments(),
        ["_done/keyboard/20250909-13.ndjson.gz", "_done/keyboard/20250909-14.ndjson.gz"]
    );
    // What is no event may not go.
    scratch.large("_quarantine/keyboard/20250909-10.ndjson.gz", 1 << 20);
    let done = scratch.run(&["spool", "trim"]);
    assert_eq!(done.code, Some(0), "{}", done.stderr);
    assert!(done.stderr.contains("nothing is left that may be trimmed"), "{}", done.stderr);
    assert_eq!(scratch.segments(), ["_quarantine/keyboard/20250909-10.ndjson.gz"]);
    assert_eq!(scratch.ledger()["reason"], "untrimmable");
}

#[test]
fn what_is_wrong_with_a_file_is_found_and_said() {
    let scratch = Scratch::spooling("");
    scratch.ok(&["spool", "generate", "keyboard", "--count", "50"]);
    assert_eq!(scratch.ok(&["spool", "verify"]), "read 1 file: nothing is wrong\n");
    let path = scratch.spool().join(&scratch.segments()[0]);
    let mut bytes = std::fs::read(&path).unwrap();
    let middle = bytes.len() / 2;
    bytes[middle] ^= 0x55;
    std::fs::write(&path, &bytes).unwrap();
    let done = scratch.run(&["spool", "verify"]);
    assert_eq!(done.code, Some(1), "{}", done.stderr);
    assert!(done.text().starts_with("keyboard/") && done.text().contains("corrupt"), "{}", done.text());
    let done = scratch.run(&["spool", "verify", "--json"]);
    let document: Value = serde_json::from_str(done.text()).unwrap();
    assert_eq!((done.code, &document["files"]), (Some(1), &json!(1)));
    assert_eq!(document["findings"][0]["kind"], "corrupt");
    let checks = serde_json::from_str::<Value>(scratch.run(&["doctor", "--json"]).text()).unwrap();
    let checks = checks["checks"].as_array().unwrap().clone();
    assert!(checks.iter().any(|check| check["name"].as_str().unwrap().contains("spool")), "{checks:?}");
}

#[test]
fn commands_that_change_something_are_refused_when_only_reading_is_allowed() {
    let scratch = Scratch::spooling("");
    for words in [
        &["spool", "write", "keyboard"][..],
        &["spool", "generate", "keyboard"],
        &["spool", "flush"],
        &["spool", "recover"],
        &["spool", "trim"],
    ] {
        let done = scratch.run(&[&["--read-only"], words].concat());
        assert!(done.refused(2).contains("read-only: spool "), "{}", done.stderr);
    }
    for words in [&["spool", "verify"][..], &["spool", "trim", "--dry-run"], &["diag"]] {
        scratch.ok(&[&["--read-only"], words].concat());
    }
    // To look for what is not there makes nothing either.
    assert_eq!(scratch.ok(&["spool", "recover"]), "nothing to recover\n");
    assert!(scratch.ok(&["spool", "trim"]).starts_with("trimmed 0 files"));
    assert!(!scratch.project().join(".conclave").exists());
}
