//! `conclave db dump`: all of a file, whatever its tables are called and however large they are.

use std::io::Read as _;
use std::process::Stdio;

use conclave_db::foreign::Client;
use serde_json::{Value, json};

use crate::db_files::both;
use crate::patience::ended;
use crate::scratch::Scratch;

// runtime-state 8.5
#[test]
fn a_table_is_dumped_whatever_its_name() {
    let (scratch, targets) = both();
    for target in &targets {
        let client = target.client();
        for name in ["weird name", "q\"t", "_hidden", "sqliteX", "Zebra", "ärger", "task_search_"] {
            let quoted = name.replace('"', "\"\"");
            client.run(&format!("CREATE TABLE \"{quoted}\"(z, a)")).unwrap();
            client.run(&format!("INSERT INTO \"{quoted}\" VALUES (2, 1), (x'00', NULL)")).unwrap();
        }
        let text = scratch.ok(&target.words(&["dump"]));
        let dump: Value = serde_json::from_str(&text).unwrap();
        for name in ["weird name", "q\"t", "_hidden", "sqliteX", "Zebra", "ärger", "task_search_"] {
            let expected = json!([{ "z": 2, "a": 1 }, { "z": { "base64": "AA==" }, "a": null }]);
            assert_eq!(dump[name], expected, "{name}");
        }
        // The columns in the order of the table, the keys in that of their bytes.
        assert!(text.contains(r#"{"z":2,"a":1}"#), "{text}");
        let places: Vec<usize> =
            ["\"Zebra\":", "\"_hidden\":", "\"q\\\"t\":", "\"weird name\":", "\"ärger\":"]
                .iter()
                .map(|key| text.find(key).unwrap_or_else(|| panic!("{key}: {text}")))
                .collect();
        assert!(places.is_sorted(), "{places:?}");
    }
}

#[test]
fn what_cannot_be_read_is_named() {
    let scratch = Scratch::new();
    scratch.ok(&["init"]);
    let client = Client::open(&scratch.database()).unwrap();
    client.run("CREATE TABLE \"of others\"(a)").unwrap();
    client
        .run("PRAGMA writable_schema=ON;
              UPDATE sqlite_schema SET sql = 'CREATE VIRTUAL TABLE \"of others\" USING theirs(a)', rootpage = 0
              WHERE name = 'of others'")
        .unwrap();
    drop(client);
    let done = scratch.run(&["db", "dump"]);
    assert!(done.refused(3).contains("of others"), "{}", done.stderr);
}

/// A hundred thousand rows of a thousand bytes.
fn large() -> Scratch {
    let scratch = Scratch::new();
    scratch.ok(&["init"]);
    let client = Client::open(&scratch.database()).unwrap();
    client.run("CREATE TABLE large(id INTEGER PRIMARY KEY, text TEXT) STRICT").unwrap();
    client
        .run(
            "WITH RECURSIVE t(n) AS (VALUES (1) UNION ALL SELECT n + 1 FROM t WHERE n < 100000)
              INSERT INTO large(text) SELECT hex(zeroblob(500)) FROM t",
        )
        .unwrap();
    scratch
}

// runtime-state 8.39: at most 64 MiB, whatever the size of the tables.
#[test]
fn a_large_dump_needs_little_memory() {
    const MOST: u64 = 64 << 10;
    let scratch = large();
    let mut child = scratch.command().args(["db", "dump"]).stdout(Stdio::piped()).spawn().unwrap();
    let mut out = child.stdout.take().unwrap();
    let mut read = 0_u64;
    let mut page = vec![0; 1 << 16];
    let mut peak = None;
    loop {
        let length = out.read(&mut page).unwrap();
        if length == 0 {
            break;
        }
        read += length as u64;
        if read > 90 << 20 && peak.is_none() {
            peak = Some(kibibytes_at_most(child.id()));
        }
    }
    assert_eq!(ended(&mut child).code(), Some(0));
    assert!(read > 95 << 20, "{read} bytes");
    match peak.unwrap() {
        Some(peak) => assert!(peak < MOST, "{peak} KiB for {read} bytes"),
        None => conclave_testkit::skipped("no /proc"),
    }
}

/// The most memory that a process had so far, without the pages of its program (proc(5)): those of an unoptimised one with
/// all that is linked into it are tens of MiB, and no memory of the dump.
fn kibibytes_at_most(pid: u32) -> Option<u64> {
    let status = std::fs::read_to_string(format!("/proc/{pid}/status")).ok()?;
    let kibibytes = |name: &str| -> Option<u64> {
        let line = status.lines().find_map(|line| line.strip_prefix(name))?;
        line.split_whitespace().next()?.parse().ok()
    };
    kibibytes("VmHWM:")?.checked_sub(kibibytes("RssFile:")?)
}

// runtime-state 8.39
#[test]
fn a_reader_that_leaves_ends_a_dump_quietly() {
    let scratch = large();
    for words in [&["db", "dump"][..], &["db", "query", "SELECT * FROM large"], &["db", "dump", "--json"]] {
        let mut child =
            scratch.command().args(words).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
        let mut first = [0; 1000];
        child.stdout.as_mut().unwrap().read_exact(&mut first).unwrap();
        drop(child.stdout.take());
        let mut said = String::new();
        child.stderr.take().unwrap().read_to_string(&mut said).unwrap();
        assert_eq!((ended(&mut child).code(), said.as_str()), (Some(0), ""), "{words:?}");
    }
}

/// What fails in the middle stays without its end: nobody takes a part for the whole, and the exit code says it too.
#[test]
fn an_answer_that_fails_late_has_no_end() {
    let scratch = large();
    let late = "SELECT abs(CASE id WHEN 90000 THEN -9223372036854775808 ELSE id END) AS a, text FROM large";
    let done = scratch.run(&["db", "query", late, "--json"]);
    assert_eq!(done.refused(2), "error: query: integer overflow");
    assert!(done.stdout.starts_with(b"[\n{") && serde_json::from_slice::<Value>(&done.stdout).is_err());
    // Of the document for the error nothing is mixed in.
    assert!(!done.text().contains("\"error\""));
}
