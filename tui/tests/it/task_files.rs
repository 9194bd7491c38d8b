//! Files of tasks, in and out: what is refused, what is kept, and that nothing is lost.

use std::path::{Path, PathBuf};

use serde_json::{Value, json};

use crate::scratch::{Done, Scratch, files_below};
use crate::tasks::{ids, record};

fn write(scratch: &Scratch, name: &str, bytes: impl AsRef<[u8]>) -> PathBuf {
    let path = scratch.path(name);
    std::fs::write(&path, bytes).unwrap();
    path
}

/// Records whose bytes no JSON tree would give back.
const ODD: &str = concat!(
    r#"{"id": "t-2", "title": "é\u00e9 \u2028","status":"open","priority":1e0,"x":1.50,"big":123456789012345678901234567890,"created_at":"2026-01-01T01:00:00.120-08:00"}"#,
    "\n",
    r#"{"_type":"memory","key":"k","value":[1,2]}"#,
    "\n",
    r#"{"id":"t-1","title":"T","status":"closed","dependencies":["t-2",{"depends_on_id":"gone"}],"unknown":{"a":null}}"#,
    "\n",
);

#[test]
fn what_comes_in_goes_out_byte_for_byte() {
    let scratch = Scratch::new();
    let crlf = format!("\u{feff}{}\r\n\r\n", ODD.trim_end().replace('\n', "\r\n"));
    let file = write(&scratch, "odd.jsonl", crlf);
    let report = scratch.json(&["task", "import", file.to_str().unwrap()]);
    assert_eq!(
        (&report["created"], &report["opaque"], &report["dangling"][0]),
        (&json!(3), &json!(1), &json!("t-1 -> gone (blocks)"))
    );
    for key in [
        "source",
        "created",
        "updated",
        "unchanged",
        "older",
        "conflicts",
        "duplicates",
        "dangling",
        "opaque",
        "quarantined",
    ] {
        assert!(report.get(key).is_some(), "{key}");
    }
    assert_eq!(scratch.ok(&["task", "export", "--order", "file"]), ODD);
    let lines: Vec<&str> = ODD.lines().collect();
    let by_id = format!("{}\n{}\n{}\n", lines[2], lines[0], lines[1]);
    assert_eq!(scratch.ok(&["task", "export"]), by_id);
    let array = scratch.ok(&["task", "export", "--json"]);
    assert_eq!(array, format!("[{}]\n", by_id.trim_end().replace('\n', ",\n")));
    let again = scratch.json(&["task", "import", file.to_str().unwrap()]);
    assert_eq!(
        (&again["created"], &again["updated"], &again["unchanged"]),
        (&json!(0), &json!(0), &json!(3))
    );
    assert!(file.exists(), "the source is left alone");
    // To a file: whole, and not over what is not here.
    let done = scratch.json(&["task", "export", "-o", "out.jsonl"]);
    assert_eq!((&done["records"], &done["bytes"]), (&json!(3), &json!(by_id.len())));
    let out = scratch.project().join("out.jsonl");
    assert_eq!(std::fs::read_to_string(&out).unwrap(), by_id);
    std::fs::write(&out, record("t-9", &json!({}))).unwrap();
    scratch.run(&["task", "export", "-o", "out.jsonl"]).refused(1);
    assert_eq!(std::fs::read_to_string(&out).unwrap(), record("t-9", &json!({})));
    scratch.ok(&["task", "export", "-o", "out.jsonl", "--force", "--read-only"]);
    assert_eq!(std::fs::read_to_string(&out).unwrap(), by_id);
    assert_eq!(
        files_below(&scratch.project()).iter().filter(|file| file.parent() == out.parent()).count(),
        1
    );
}

#[test]
fn a_bad_line_is_named_and_nothing_is_imported() {
    let good = record("t-1", &json!({}));
    let deep = format!("{{\"id\":\"t-2\",\"x\":{}{}}}", "[".repeat(10_001), "]".repeat(10_001));
    let long = format!("{{\"id\":\"t-2\",\"x\":\"{}\"}}", "x".repeat(5000));
    for (what, line) in [
        ("a conflict marker", &b"<<<<<<< HEAD"[..]),
        ("a conflict marker", b"======="),
        ("a conflict marker", b">>>>>>> theirs"),
        ("a conflict marker", b"||||||| base"),
        ("a torn line", b"{\"id\":\"t-2\",\"title\":\"to"),
        ("half of a pair", b"{\"id\":\"t-2\",\"title\":\"\\ud800\"}"),
        ("a key twice", b"{\"id\":\"t-2\",\"a\":1,\"\\u0061\":2}"),
        ("a key twice, deep", b"{\"id\":\"t-2\",\"a\":[{\"b\":1,\"b\":2}]}"),
        ("no object", b"[1]"),
        ("no UTF-8", b"{\"id\":\"t-2\",\"title\":\"\xff\"}"),
        ("too deep", deep.as_bytes()),
        ("too long", long.as_bytes()),
        ("two values", b"{\"id\":\"t-2\"} {\"id\":\"t-3\"}"),
    ] {
        let scratch = Scratch::new();
        let config = write(&scratch, "config.toml", "[tasks]\nmax_line = '4KiB'\n");
        // Depth is looked at where length lets it.
        let limits: &[&str] = if what == "too long" { &["--config", config.to_str().unwrap()] } else { &[] };
        let file = write(
            &scratch,
            "bad.jsonl",
            [good.as_bytes(), line, b"\n", record("t-4", &json!({})).as_bytes()].concat(),
        );
        let words = [&["task", "import", file.to_str().unwrap()], limits].concat();
        for more in [&[][..], &["--dry-run"], &["--json"]] {
            let done = scratch.run(&[&words[..], more].concat());
            let error = done.refused(2);
            assert!(error.contains(&format!("{}: line 2: ", file.display())), "{what}: {error}");
            assert!(error.len() < 400, "{what}: {error}");
        }
        assert_eq!(files_below(&scratch.project()), Vec::<PathBuf>::new(), "{what}: nothing is made");
        let kept = scratch.path("kept");
        let done = scratch.run(&[&words[..], &["--quarantine", kept.to_str().unwrap(), "--json"]].concat());
        assert_eq!(done.code, Some(0), "{what}: {}", done.stderr);
        assert!(done.stderr.contains("1 line was refused and kept"), "{what}: {}", done.stderr);
        let report: Value = serde_json::from_slice(&done.stdout).unwrap();
        assert_eq!((&report["created"], &report["quarantined"]), (&json!(2), &json!(1)), "{what}");
        assert_eq!(ids(&scratch.json(&["task", "list"])), ["t-1", "t-4"], "{what}");
        let all: Vec<u8> = files_below(&kept).iter().flat_map(|file| std::fs::read(file).unwrap()).collect();
        if what != "too long" {
            assert!(all.windows(line.len()).any(|window| window == line), "{what}: the line is kept");
        }
        let reasons = String::from_utf8_lossy(&all).into_owned();
        assert!(reasons.contains('2'), "{what}: its number is kept: {reasons}");
    }
}

#[test]
fn other_inputs_are_told_apart() {
    let scratch = Scratch::new();
    scratch.ok(&["init"]);
    let tasks = write(&scratch, "tasks.jsonl", format!("\n{}", record("t-1", &json!({}))));
    let done = scratch.run(&["migrate", "import", tasks.to_str().unwrap()]);
    done.refused(3);
    assert!(
        done.stderr.contains("hint: this is a file of tasks: `conclave task import FILE`"),
        "{}",
        done.stderr
    );
    let done = scratch.run(&["task", "import", scratch.fixture().to_str().unwrap()]);
    done.refused(2);
    assert!(done.stderr.contains("`conclave migrate import FILE`"), "{}", done.stderr);
    for (name, code) in [("missing", 3), ("", 3)] {
        scratch.run(&["task", "import", scratch.path(name).to_str().unwrap()]).refused(code);
    }
    // Standard input, and a dry run that leaves no trace.
    let fed = |words: &[&str]| {
        let input = std::fs::File::open(&tasks).unwrap();
        Done::of(scratch.command().args(words).stdin(input))
    };
    let dry = fed(&["task", "import", "-", "--dry-run", "--json"]);
    let report: Value = serde_json::from_slice(&dry.stdout).unwrap();
    assert_eq!(
        (&report["created"], &report["dry_run"], &report["source"]),
        (&json!(1), &json!(true), &json!("-"))
    );
    assert_eq!(scratch.json(&["task", "list"]), json!([]));
    assert_eq!(fed(&["task", "import", "-"]).code, Some(0));
    assert_eq!(ids(&scratch.json(&["task", "list"])), ["t-1"]);
    let fresh = Scratch::new();
    let done = fresh.json(&["task", "import", tasks.to_str().unwrap(), "--dry-run"]);
    assert_eq!(done["created"], 1);
    assert_eq!(fresh.files(), Vec::<PathBuf>::new());
}

#[test]
fn newer_records_win_and_nothing_newer_here_is_lost() {
    let scratch = Scratch::new();
    let at = |id: &str, title: &str, time: &str| record(id, &json!({"title": title, "updated_at": time}));
    let first = write(
        &scratch,
        "1.jsonl",
        ["t-1", "t-2", "t-3"].map(|id| at(id, "old", "2026-01-02T00:00:00Z")).concat(),
    );
    scratch.ok(&["task", "import", first.to_str().unwrap()]);
    let second = [
        at("t-1", "later", "2026-01-02T01:00:00.5+00:30"),
        at("t-2", "earlier", "2026-01-01T00:00:00Z"),
        at("t-3", "same time", "2026-01-02T01:00:00+01:00"),
        at("t-4", "twice", "2026-01-01T00:00:00Z"),
        at("t-4", "twice, later", "2026-01-03T00:00:00Z"),
    ];
    let second = write(&scratch, "2.jsonl", second.concat());
    let report = scratch.json(&["task", "import", second.to_str().unwrap()]);
    for (key, wanted) in [
        ("created", json!(1)),
        ("updated", json!(1)),
        ("unchanged", json!(0)),
        ("older", json!(["t-2"])),
        ("conflicts", json!(["t-3"])),
        ("duplicates", json!(["t-4"])),
    ] {
        assert_eq!(report[key], wanted, "{key}");
    }
    let titles: Vec<Value> = ["t-1", "t-2", "t-3", "t-4"]
        .map(|id| scratch.json(&["task", "show", id])[0]["title"].clone())
        .to_vec();
    assert_eq!(titles, ["later", "old", "old", "twice, later"]);
    let text = scratch.ok(&["task", "import", second.to_str().unwrap()]);
    assert!(text.contains("1 older than here, kept as they are here: t-2"), "{text}");
}

#[test]
fn an_archived_file_gets_a_name_that_is_free() {
    let scratch = Scratch::new();
    for (number, name) in [(1, "a.jsonl.backup"), (2, "a.jsonl.backup.1")] {
        let text = record(&format!("t-{number}"), &json!({}));
        let file = write(&scratch, "a.jsonl", &text);
        let report = scratch.json(&["task", "import", file.to_str().unwrap(), "--archive"]);
        assert_eq!(report["archived"], json!(scratch.path(name)));
        assert!(!file.exists());
        assert_eq!(std::fs::read_to_string(scratch.path(name)).unwrap(), text);
    }
    let bad = write(&scratch, "bad.jsonl", "{");
    scratch.run(&["task", "import", bad.to_str().unwrap(), "--archive"]).refused(2);
    assert!(bad.exists(), "what was not imported stays");
    assert_eq!(ids(&scratch.json(&["task", "list"])), ["t-1", "t-2"]);
}

fn merge(scratch: &Scratch, words: &[&str]) -> Done {
    scratch.run(&[&["task", "merge"], words].concat())
}

#[test]
fn a_merge_needs_no_state_and_makes_none() {
    let scratch = Scratch::new();
    let at = |time: &str, more: &Value| {
        let mut more = more.clone();
        more["updated_at"] = json!(time);
        record("t-1", &more)
    };
    let base = write(&scratch, "base", at("2026-01-01T00:00:00Z", &json!({"labels": []})));
    let left =
        write(&scratch, "left", at("2026-01-02T00:00:00Z", &json!({"labels": ["x"], "title": "left"})));
    let right = at("2026-01-03T00:00:00Z", &json!({"labels": ["y"], "title": "right"}));
    let right = write(&scratch, "right", right + &record("t-2", &json!({})));
    let name = |path: &Path| path.to_str().unwrap().to_owned();
    let words = [name(&base), name(&left), name(&right), "-o".to_owned(), name(&left)];
    let words: Vec<&str> = words.iter().map(String::as_str).collect();
    let done = merge(&scratch, &words);
    assert_eq!((done.code, done.text()), (Some(0), ""), "{}", done.stderr);
    assert!(done.stderr.contains("t-1: title: ours \"left\", theirs \"right\""), "{}", done.stderr);
    let merged = std::fs::read_to_string(&left).unwrap();
    let records: Vec<Value> = merged.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    assert_eq!(ids(&Value::from(records.clone())), ["t-1", "t-2"]);
    assert_eq!((&records[0]["title"], &records[0]["labels"]), (&json!("right"), &json!(["x", "y"])));
    assert_eq!(files_below(&scratch.project()), Vec::<PathBuf>::new());
    // What cannot be read leaves the result as it was.
    let before = std::fs::read(&left).unwrap();
    for bad in [&b"<<<<<<< HEAD\n"[..], b"{\n"] {
        std::fs::write(&base, bad).unwrap();
        let done = merge(&scratch, &words);
        assert!(done.refused(2).contains("base: line 1: "), "{}", done.stderr);
    }
    std::fs::remove_file(&base).unwrap();
    merge(&scratch, &words).refused(2);
    assert_eq!(std::fs::read(&left).unwrap(), before);
    assert!(files_below(scratch.path("").as_path()).iter().all(|file| !name(file).ends_with(".tmp")));
}

#[test]
fn what_is_no_file_is_neither_read_nor_replaced() {
    let scratch = Scratch::new();
    let file = write(&scratch, "f.jsonl", record("t-1", &json!({})));
    let file = file.to_str().unwrap();
    let pipe = scratch.path("pipe");
    assert_eq!(Done::of(&mut scratch.shell(&format!("mkfifo {}", pipe.display()))).code, Some(0));
    for out in [pipe.to_str().unwrap(), "/dev/null"] {
        let done = merge(&scratch, &[file, file, file, "-o", out, "--read-only"]);
        assert!(done.refused(3).contains("not a regular file"), "{}", done.stderr);
        assert!(!std::fs::metadata(out).unwrap().is_file());
    }
    for words in [&["import", "/dev/zero"][..], &["merge", "/dev/zero", file, file, "-o", file]] {
        let done = scratch.run(&[&["task"], words].concat());
        assert!(done.refused(2).contains("/dev/zero is a device, not a file"), "{}", done.stderr);
    }
    // Who knows git writes a base that is not there so.
    let out = scratch.path("merged.jsonl");
    let done = merge(&scratch, &["/dev/null", file, file, "-o", out.to_str().unwrap()]);
    assert_eq!((done.code, std::fs::read(&out).unwrap()), (Some(0), std::fs::read(file).unwrap()));
    assert!(scratch.run(&["task", "sync", "/dev/zero"]).refused(2).contains("is a device"));
    scratch.ok(&["task", "import", file]);
    assert!(scratch.run(&["task", "sync", "/dev/zero"]).refused(3).contains("not a regular file"));
}

#[test]
fn a_sync_that_would_empty_the_store_must_be_forced() {
    let scratch = Scratch::new();
    let file = write(&scratch, "s.jsonl", record("t-1", &json!({})));
    let sync = ["task", "sync", file.to_str().unwrap()];
    scratch.ok(&sync);
    std::fs::write(&file, record("q-1", &json!({}))).unwrap();
    let done = scratch.run(&sync);
    assert!(done.refused(1).contains("1 would be removed here: t-1"), "{}", done.stderr);
    assert!(done.stderr.contains("--force"), "{}", done.stderr);
    scratch.ok(&[&sync[..], &["--force"]].concat());
    assert_eq!(ids(&scratch.json(&["task", "list", "--all"])), ["q-1"]);
}

#[test]
fn a_sync_goes_both_ways() {
    let scratch = Scratch::new();
    scratch.run(&["task", "sync", "missing.jsonl"]).refused(3);
    let bad = write(&scratch, "bad.jsonl", "{");
    scratch.run(&["task", "sync", bad.to_str().unwrap()]).refused(2);
    assert_eq!(files_below(&scratch.project()), Vec::<PathBuf>::new(), "nothing is made for it");
    let file = write(&scratch, "s.jsonl", record("t-1", &json!({})) + &record("t-2", &json!({})));
    let file = file.to_str().unwrap();
    let dry = scratch.json(&["task", "sync", file, "--dry-run"]);
    assert_eq!((&dry["created"], &dry["dry_run"]), (&json!(2), &json!(true)));
    assert_eq!(files_below(&scratch.project()), Vec::<PathBuf>::new());
    let report = scratch.json(&["task", "sync", file]);
    assert_eq!(
        (&report["created"], &report["written"], &report["records"]),
        (&json!(2), &json!(0), &json!(2))
    );
    assert!(scratch.ok(&["task", "sync", file]).contains("nothing to do; 2 records in it"));
    scratch.ok(&["task", "update", "t-1", "--title", "changed here"]);
    let theirs = record("t-2", &json!({"title": "changed there", "updated_at": "2026-02-01T00:00:00Z"}));
    std::fs::write(file, record("t-1", &json!({})) + &theirs).unwrap();
    let report = scratch.json(&["task", "sync", file]);
    assert_eq!(
        (&report["updated"], &report["written"], &report["conflicts"]),
        (&json!(1), &json!(1), &json!([]))
    );
    assert_eq!(scratch.json(&["task", "show", "t-2"])[0]["title"], "changed there");
    let text = std::fs::read_to_string(file).unwrap();
    assert!(text.contains("changed here") && text.contains("changed there"), "{text}");
    // Removed there, untouched here: removed here; both sides changed: decided, and told.
    let mut changed: Value = serde_json::from_str(text.lines().next().unwrap()).unwrap();
    changed["title"] = json!("theirs");
    changed["updated_at"] = json!("2020-01-01T00:00:00Z");
    std::fs::write(file, format!("{changed}\n")).unwrap();
    scratch.ok(&["task", "update", "t-1", "--title", "ours"]);
    let done = scratch.run(&["task", "sync", file]);
    assert_eq!(done.code, Some(0), "{}", done.stderr);
    assert!(done.text().contains("1 removed"), "{}", done.text());
    assert!(done.stderr.contains("t-1: title: ours \"ours\", theirs \"theirs\""), "{}", done.stderr);
    assert_eq!(ids(&scratch.json(&["task", "list", "--all"])), ["t-1"]);
}

#[test]
fn git_is_told_of_the_merge() {
    let scratch = Scratch::new();
    let git = |words: &[&str]| {
        let script = format!("git {}", words.join(" "));
        Done::of(&mut scratch.shell(&script))
    };
    if git(&["--version"]).code != Some(0) {
        return;
    }
    scratch.run(&["task", "merge", "--install"]).refused(1);
    assert_eq!(git(&["init", "-q", "."]).code, Some(0));
    let refused = scratch.run(&["task", "merge", "--install", "--read-only"]);
    assert!(refused.refused(2).contains("read-only: task merge --install"), "{}", refused.stderr);
    assert!(!scratch.project().join(".gitattributes").exists());
    let said = scratch.ok(&["task", "merge", "--install"]);
    assert!(said.contains(".gitattributes") && said.contains(".beads/*.jsonl merge="), "{said}");
    let attributes = std::fs::read_to_string(scratch.project().join(".gitattributes")).unwrap();
    assert_eq!(scratch.ok(&["task", "merge", "--install"]), said);
    assert_eq!(std::fs::read_to_string(scratch.project().join(".gitattributes")).unwrap(), attributes);
    assert!(!scratch.project().join(".conclave").exists());
    scratch.ok(&["task", "merge", "--install", "work/*.jsonl"]);
    let attributes = std::fs::read_to_string(scratch.project().join(".gitattributes")).unwrap();
    assert!(attributes.contains("work/*.jsonl merge="), "{attributes}");
}
