//! `conclave cache …` through the binary. Numbers such as C8 are those of the scenarios.

use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::path::PathBuf;
use std::process::{Command, Stdio};
use std::time::Duration;

use conclave_leases::file_guard::FileGuard;
use conclave_testkit::{UnwritableFolder, skipped};
use serde_json::{Value, json};

use crate::patience::output_of;
use crate::scratch::{Done, Scratch, files_below};

const TWO: &str = "pub fn one() {}\nstruct Two { x: u8 }\n";

/// A project with state, and with a file of Rust.
fn project() -> Scratch {
    let scratch = Scratch::new();
    scratch.ok(&["init"]);
    write(&scratch, "a.rs", TWO);
    scratch
}

fn write(scratch: &Scratch, name: &str, text: &str) -> PathBuf {
    let path = scratch.project().join(name);
    fs::write(&path, text).unwrap();
    path
}

fn cache_file(scratch: &Scratch) -> PathBuf {
    scratch.project().join(".conclave/cache.db")
}

/// The answer for one file.
fn look(scratch: &Scratch, words: &[&str]) -> Value {
    let mut answer = scratch.json(&[&["cache", "symbols"], words].concat());
    assert_eq!(answer.as_array().map(Vec::len), Some(1), "{answer}");
    answer[0].take()
}

fn names(answer: &Value) -> Vec<&str> {
    answer["symbols"].as_array().unwrap().iter().map(|symbol| symbol["name"].as_str().unwrap()).collect()
}

#[track_caller]
fn is(answer: &Value, status: &str, symbols: &[&str]) {
    assert_eq!((answer["cache_status"].as_str(), &names(answer)[..]), (Some(status), symbols), "{answer}");
    assert_eq!(answer["cached"], json!(status == "hit"), "{answer}");
}

fn stats(scratch: &Scratch) -> Value {
    scratch.json(&["cache", "stats"])
}

fn put(scratch: &Scratch, key: &str, value: &[u8]) -> Done {
    let file = scratch.path("value");
    fs::write(&file, value).unwrap();
    Done::of(scratch.command().args(["cache", "put", key]).stdin(fs::File::open(&file).unwrap()))
}

#[test]
fn a_file_is_parsed_once() {
    let scratch = project();
    let first = look(&scratch, &["a.rs"]);
    is(&first, "miss", &["one", "Two"]);
    let wanted = json!({
        "file": "a.rs", "language": "rust", "cache_status": "miss", "cached": false, "error": null,
        "symbols": [
            {"kind": "function", "name": "one", "qualified_name": "one", "start_line": 1, "end_line": 1,
             "signature": "pub fn one()"},
            {"kind": "struct", "name": "Two", "qualified_name": "Two", "start_line": 2, "end_line": 2,
             "signature": "struct Two"},
        ],
    });
    assert_eq!(first, wanted);
    let second = look(&scratch, &["a.rs"]);
    is(&second, "hit", &["one", "Two"]);
    assert_eq!(second["symbols"], first["symbols"]);
    // By another way, and named as given.
    let third = look(&scratch, &["./.conclave/../a.rs"]);
    is(&third, "hit", &["one", "Two"]);
    assert_eq!(third["file"], "./.conclave/../a.rs");
    let text = scratch.ok(&["cache", "symbols", "a.rs"]);
    assert_eq!(
        text,
        "a.rs  rust  hit\nlines  kind      name  signature\n  1-1  function  one   pub fn one()\n  \
         2-2  struct    Two   struct Two\n"
    );
    let found = stats(&scratch);
    let bytes = found["bytes"].as_u64().unwrap();
    let wanted = json!({
        "entries": 1, "bytes": bytes, "hits": 3, "misses": 1, "stale": 0, "errors": 0, "evictions": 0,
        "max_entries": 10_000, "max_bytes": 104_857_600, "hit_rate": 0.75,
    });
    assert_eq!(found, wanted);
    assert_eq!(scratch.json(&["status"])["cache"], wanted);
    assert!(scratch.ok(&["status"]).contains("cache      1 entry"), "{}", scratch.ok(&["status"]));
    scratch.ok(&["cache", "stats", "--reset"]);
    let found = stats(&scratch);
    assert_eq!((&found["entries"], &found["hits"], &found["hit_rate"]), (&json!(1), &json!(0), &Value::Null));
    assert_eq!(cache_file(&scratch).metadata().unwrap().permissions().mode() & 0o777, 0o600);
}

/// Neither size nor time say that a file is another one; every lookup reads it.
#[test]
fn a_rewrite_of_the_same_size_and_time_is_seen() {
    let scratch = project();
    let path = scratch.project().join("a.rs");
    let modified = path.metadata().unwrap().modified().unwrap();
    is(&look(&scratch, &["a.rs"]), "miss", &["one", "Two"]);
    write(&scratch, "a.rs", &TWO.replace("one", "uno"));
    fs::File::options().write(true).open(&path).unwrap().set_modified(modified).unwrap();
    is(&look(&scratch, &["a.rs"]), "stale", &["uno", "Two"]);
    // Through a map of the file, where there is somebody who can make one.
    let program = "import mmap,os\nf=open('a.rs','r+b')\ns=os.stat('a.rs')\nm=mmap.mmap(f.fileno(),0)\n\
                   m[7:10]=b'een'\nm.flush()\nm.close()\nos.utime('a.rs',ns=(s.st_atime_ns,s.st_mtime_ns))";
    let python = Command::new("python3").args(["-c", program]).current_dir(scratch.project()).status();
    if !python.is_ok_and(|status| status.success()) {
        return skipped("no python3");
    }
    assert_eq!(path.metadata().unwrap().modified().unwrap(), modified);
    is(&look(&scratch, &["a.rs"]), "stale", &["een", "Two"]);
    assert_eq!(stats(&scratch)["stale"], 2);
}

// cache C15
#[test]
fn a_syntax_error_is_said_every_time() {
    let scratch = project();
    write(&scratch, "bad.py", "def x(:");
    let first = look(&scratch, &["bad.py"]);
    assert_eq!((&first["cache_status"], &first["cached"]), (&json!("error"), &json!(false)), "{first}");
    assert_eq!(first["error"], "line 1, column 7: \")\" is missing");
    let second = look(&scratch, &["bad.py"]);
    assert_eq!((&second["cache_status"], &second["cached"]), (&json!("error"), &json!(true)), "{second}");
    assert_eq!((&second["error"], &second["symbols"]), (&first["error"], &first["symbols"]));
    let text = scratch.ok(&["cache", "symbols", "bad.py"]);
    assert!(text.starts_with("bad.py  python  error, cached: line 1, column 7: "), "{text}");
}

#[test]
fn what_cannot_be_read_is_told_and_the_others_are_shown() {
    let scratch = project();
    look(&scratch, &["a.rs"]);
    let done = scratch.run(&["cache", "symbols", "missing.rs", "a.rs", "words.txt", ".conclave", "--json"]);
    assert_eq!(done.code, Some(1), "{}", done.stderr);
    let found: Vec<Value> = serde_json::from_slice(&done.stdout).unwrap();
    let status: Vec<&str> = found.iter().map(|one| one["cache_status"].as_str().unwrap()).collect();
    assert_eq!(status, ["error", "hit", "error", "error"]);
    assert!(found[0]["error"].as_str().unwrap().starts_with("cannot be read: "), "{}", found[0]);
    assert_eq!((&found[0]["language"], &found[2]["language"]), (&json!("rust"), &Value::Null));
    let done = scratch.run(&["cache", "symbols", "missing.rs", "a.rs"]);
    assert_eq!(done.code, Some(1));
    assert!(
        done.text().contains("missing.rs  rust  error: cannot be read")
            && done.text().contains("a.rs  rust  hit")
    );
    scratch.run(&["cache", "symbols"]).refused(2);
}

// cache C24, C20
#[test]
fn without_state_nothing_is_made_and_all_is_parsed() {
    let scratch = Scratch::new();
    write(&scratch, "a.rs", TWO);
    let files = || files_below(&scratch.project());
    let before = files();
    let done = scratch.run(&["cache", "stats", "--json"]);
    assert_eq!((done.code, done.stderr.as_str()), (Some(0), "no state here\nhint: conclave init\n"));
    let found: Value = serde_json::from_slice(&done.stdout).unwrap();
    assert_eq!((&found["entries"], &found["max_entries"]), (&json!(0), &json!(10_000)));
    is(&look(&scratch, &["a.rs"]), "bypass", &["one", "Two"]);
    is(&look(&scratch, &["a.rs"]), "bypass", &["one", "Two"]);
    let done = scratch.run(&["cache", "symbols", "a.rs"]);
    assert_eq!(done.stderr, "nothing was kept: no state here\nhint: conclave init\n");
    assert_eq!(scratch.json(&["cache", "check"]), json!({"checks": [], "fixed": []}));
    assert_eq!(scratch.json(&["cache", "check", "--fix"]), json!({"checks": [], "fixed": []}));
    assert_eq!(scratch.json(&["cache", "clear"]), json!({"entries": 0}));
    scratch.ok(&["cache", "stats", "--reset"]);
    scratch.run(&["cache", "get", "k"]).refused(1);
    scratch.run(&["cache", "delete", "k"]).refused(1);
    assert_eq!(files(), before);
    // With state, but read-only.
    scratch.ok(&["init"]);
    let before = files();
    is(&look(&scratch, &["a.rs", "--read-only"]), "bypass", &["one", "Two"]);
    let done = scratch.run(&["cache", "stats"]);
    assert!(done.stderr.starts_with("no cache here yet\n"), "{}", done.stderr);
    assert_eq!(files(), before);
}

#[test]
fn many_processes_at_once_make_one_cache() {
    let scratch = project();
    let files: Vec<String> = (0..12).map(|n| format!("f{n}.py")).collect();
    for (n, file) in files.iter().enumerate() {
        write(&scratch, file, &format!("def f{n}(): pass\n"));
    }
    let started: Vec<_> = (0..48)
        .map(|_| {
            let mut command = scratch.command();
            command.args(["cache", "symbols", "--json"]).args(&files);
            command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap()
        })
        .collect();
    for child in started {
        let done = output_of(child);
        let said = String::from_utf8_lossy(&done.stderr).into_owned();
        assert!(done.status.success() && said.is_empty(), "{said}");
        let found: Vec<Value> = serde_json::from_slice(&done.stdout).unwrap();
        for (n, one) in found.iter().enumerate() {
            assert_eq!((&one["error"], names(one)), (&Value::Null, vec![format!("f{n}").as_str()]), "{one}");
            assert_ne!(one["cache_status"], "bypass");
        }
    }
    let found = stats(&scratch);
    let lookups = ["hits", "misses", "stale"].iter().map(|key| found[key].as_u64().unwrap()).sum::<u64>();
    assert_eq!((&found["entries"], &found["errors"], lookups), (&json!(12), &json!(0), 48 * 12), "{found}");
    scratch.ok(&["cache", "check"]);
}

// cache C13
#[test]
fn a_file_that_is_no_cache_is_put_aside_and_made_anew() {
    let scratch = project();
    look(&scratch, &["a.rs"]);
    let file = cache_file(&scratch);
    fs::write(&file, b"garbage".repeat(3000)).unwrap();
    let done = scratch.run(&["cache", "stats", "--json"]);
    done.refused(3);
    assert!(done.stderr.contains("hint: `conclave cache check --fix`"), "{}", done.stderr);
    scratch.run(&["cache", "check"]).code.filter(|code| *code == 1).unwrap();
    let status = scratch.json(&["status"]);
    assert_eq!(status["cache"]["entries"], Value::Null, "{}", status["cache"]);
    assert_eq!(status["cache"]["error"]["kind"], "not-a-database", "{}", status["cache"]);
    is(&look(&scratch, &["a.rs"]), "miss", &["one", "Two"]);
    is(&look(&scratch, &["a.rs"]), "hit", &["one", "Two"]);
    let aside = fs::read_dir(scratch.project().join(".conclave")).unwrap();
    let aside =
        aside.filter(|entry| entry.as_ref().unwrap().file_name().to_string_lossy().contains(".corrupt-"));
    assert_eq!(aside.count(), 1);
    scratch.ok(&["cache", "check"]);
    assert!(scratch.ok(&["doctor"]).contains("cache"), "{}", scratch.ok(&["doctor"]));
    // `check --fix` does the same.
    fs::write(&file, "short").unwrap();
    scratch.ok(&["cache", "check", "--fix"]);
    assert_eq!(stats(&scratch)["entries"], 0);
}

/// Each of these ended the process, or held it for a minute, and all other files with it.
#[test]
fn garbage_takes_nothing_with_it() {
    let scratch = project();
    write(&scratch, "deep.rs", &"<|>=&&{[(".repeat(150_000));
    write(&scratch, "slow.rs", &"r#\"".repeat(41_000));
    let done = scratch.run(&["cache", "symbols", "deep.rs", "slow.rs", "a.rs", ".", "--json"]);
    assert_eq!(done.code, Some(1), "{}", done.stderr);
    let found: Vec<Value> = serde_json::from_slice(&done.stdout).unwrap();
    for garbage in &found[..2] {
        assert_eq!((&garbage["cache_status"], &garbage["cached"]), (&json!("error"), &json!(false)));
        assert!(garbage["error"].is_string(), "{garbage}");
    }
    is(&found[2], "miss", &["one", "Two"]);
    assert_eq!(found[3]["error"], "is a folder: name its files");
}

#[test]
fn what_the_cache_has_no_room_for_is_said() {
    let scratch = project();
    let config = scratch.project().join(".conclave/config.toml");
    let usual = fs::read_to_string(&config).unwrap();
    fs::write(&config, format!("{usual}\n[cache]\nmax_bytes = 20\n")).unwrap();
    let done = scratch.run(&["cache", "symbols", "a.rs"]);
    assert!(done.text().starts_with("a.rs  rust  bypass\n"), "{}", done.text());
    assert!(
        done.stderr.starts_with("1 file was not kept: larger than the whole cache may be (20 B)\n"),
        "{}",
        done.stderr
    );
}

/// A newer program's file is left alone, and nothing is kept meanwhile.
#[test]
fn the_cache_of_a_newer_program_is_gone_around() {
    let scratch = project();
    look(&scratch, &["a.rs"]);
    let file = cache_file(&scratch);
    let mut bytes = fs::read(&file).unwrap();
    // <https://sqlite.org/fileformat.html#user_version_number>
    bytes[60..64].copy_from_slice(&9999_u32.to_be_bytes());
    for other in ["cache.db-wal", "cache.db-shm"] {
        let _ = fs::remove_file(file.with_file_name(other));
    }
    fs::write(&file, &bytes).unwrap();
    let done = scratch.run(&["cache", "symbols", "a.rs"]);
    assert_eq!(done.code, Some(0), "{}", done.stderr);
    assert!(done.text().starts_with("a.rs  rust  bypass\n"), "{}", done.text());
    assert!(done.stderr.starts_with("warning: the cache is not used: "), "{}", done.stderr);
    let why = "schema version 9999 is newer";
    let done = scratch.run(&["cache", "get", "k"]);
    assert_eq!(done.code, Some(1), "{}", done.stderr);
    assert!(done.stderr.starts_with("warning: the cache is not used: ") && done.stderr.contains(why));
    let said = put(&scratch, "k", b"v").refused(1).to_owned();
    assert!(said.contains("the value was not kept: ") && said.contains(why), "{said}");
    // What is advised is what helps: nothing of ours puts it aside.
    for words in [&["cache", "check", "--fix"][..], &["cache", "clear"], &["cache", "stats"]] {
        let done = scratch.run(words);
        done.refused(3);
        assert!(done.stderr.contains("hint: update this program, or delete `cache.db`"), "{}", done.stderr);
    }
    let done = scratch.run(&["cache", "check"]);
    assert_eq!(done.code, Some(1));
    assert!(done.text().contains("update this program, or delete `cache.db`"), "{}", done.text());
    assert!(!done.text().contains("--fix"), "{}", done.text());
    assert_eq!(fs::read(&file).unwrap()[60..64], 9999_u32.to_be_bytes());
}

/// Each use puts aside what is no cache behind its marks, says so, and `clear` is rid of it.
#[test]
fn what_was_put_aside_is_said() {
    let scratch = project();
    let file = cache_file(&scratch);
    let spoil = || {
        put(&scratch, "k", b"v");
        conclave_db::foreign::run(&file, "DROP TABLE entries").unwrap();
    };
    spoil();
    let done = scratch.run(&["cache", "check"]);
    assert_eq!(done.code, Some(1));
    let advice = "run `conclave cache check --fix`, which puts the file aside";
    assert!(done.text().contains(advice) && !done.text().contains("restore"), "{}", done.text());
    let fixed = scratch.ok(&["cache", "check", "--fix"]);
    assert!(fixed.starts_with("fixed: the cache was damaged: put aside as cache.db.corrupt-"), "{fixed}");
    spoil();
    let done = scratch.run(&["cache", "get", "k"]);
    assert_eq!(done.code, Some(1));
    assert!(
        done.stderr.starts_with("warning: the cache was damaged: put aside as cache.db."),
        "{}",
        done.stderr
    );
    spoil();
    let done = put(&scratch, "k", b"w");
    assert_eq!(done.code, Some(0));
    assert!(
        done.stderr.starts_with("warning: the cache was damaged: put aside as cache.db."),
        "{}",
        done.stderr
    );
    assert!(scratch.ok(&["cache", "check"]).contains("`conclave cache clear` removes what was put aside"));
    let done = scratch.run(&["cache", "clear"]);
    assert_eq!(done.stderr, "3 damaged files that had been put aside went too\n");
    assert!(!scratch.ok(&["cache", "check"]).contains("put-aside"));
    // A folder in its place is nobody's to put aside.
    for name in ["cache.db", "cache.db-wal", "cache.db-shm"] {
        let _ = fs::remove_file(file.with_file_name(name));
    }
    fs::create_dir(&file).unwrap();
    let done = scratch.run(&["cache", "check"]);
    assert_eq!(done.code, Some(1));
    assert!(
        done.text().contains("move away what is in its place") && !done.text().contains("--fix"),
        "{}",
        done.text()
    );
}

// cache C8, C9
#[test]
fn who_cannot_have_the_guard_fails_or_goes_around() {
    let scratch = project();
    let config = scratch.project().join(".conclave/config.toml");
    let usual = fs::read_to_string(&config).unwrap();
    let setting = |words: &str| {
        fs::write(&config, format!("{usual}\n[cache]\nlock_timeout = '200ms'\n{words}\n")).unwrap();
    };
    setting("");
    let guard = FileGuard::acquire(&cache_file(&scratch), "test", Duration::from_secs(5)).unwrap();
    let done = scratch.run(&["cache", "symbols", "a.rs", "--json"]);
    let said = done.refused(3).to_owned();
    let wanted = "after 0.2s. Another process may be using the cache.";
    assert!(said.contains("Could not acquire lock for ") && said.contains(wanted), "{said}");
    let object: Value = serde_json::from_slice(&done.stdout).unwrap();
    assert_eq!(object["error"]["kind"], "lock_timeout", "{object}");
    setting("on_lock_timeout = 'bypass'");
    let done = scratch.run(&["cache", "symbols", "a.rs", "--json"]);
    assert_eq!(done.code, Some(0), "{}", done.stderr);
    assert!(done.stderr.contains("warning: the cache is not used: "), "{}", done.stderr);
    let found: Value = serde_json::from_slice(&done.stdout).unwrap();
    is(&found[0], "bypass", &["one", "Two"]);
    let said = put(&scratch, "k", b"v").refused(1).to_owned();
    assert!(said.contains("the value was not kept: "), "{said}");
    drop(guard);
    is(&look(&scratch, &["a.rs"]), "miss", &["one", "Two"]);
    // Nothing but the life of the file needs the guard.
    let _guard = FileGuard::acquire(&cache_file(&scratch), "test", Duration::from_secs(5)).unwrap();
    is(&look(&scratch, &["a.rs"]), "hit", &["one", "Two"]);
    assert_eq!(put(&scratch, "k", b"v").code, Some(0));
    assert_eq!(scratch.ok(&["cache", "get", "k"]), "v");
    setting("");
    scratch.run(&["cache", "clear"]).refused(3);
}

// cache C22
#[test]
fn in_a_folder_that_cannot_be_written_the_cache_is_read() {
    let scratch = project();
    look(&scratch, &["a.rs"]);
    put(&scratch, "k", b"v");
    let copied = UnwritableFolder::filled(|folder| {
        for entry in fs::read_dir(scratch.project().join(".conclave")).unwrap() {
            let path = entry.unwrap().path();
            fs::copy(&path, folder.join(path.file_name().unwrap())).unwrap();
        }
    });
    let Some(folder) = copied else { return };
    write(&scratch, "b.rs", "fn b() {}\n");
    let folder = folder.path().to_str().unwrap();
    let done = scratch.run(&["--state-dir", folder, "cache", "symbols", "a.rs", "b.rs", "a.rs", "--json"]);
    assert_eq!(done.code, Some(0), "{}", done.stderr);
    let found: Vec<Value> = serde_json::from_slice(&done.stdout).unwrap();
    is(&found[0], "hit", &["one", "Two"]);
    is(&found[1], "bypass", &["b"]);
    is(&found[2], "hit", &["one", "Two"]);
    assert_eq!(done.stderr.matches("warning: ").count(), 1, "{}", done.stderr);
    assert_eq!(scratch.ok(&["--state-dir", folder, "cache", "get", "k"]), "v");
}

// cache C16, C23
#[test]
fn values_come_back_as_they_are() {
    let scratch = project();
    let deep = "[".repeat(10_000);
    let values: [&[u8]; 10] = [
        b"",
        b"null",
        b"[]",
        b"0",
        b"NaN",
        b"1180591620717411303424",
        b"\"\\ud800\"",
        b"\xed\xa0\x80\x00\xff",
        deep.as_bytes(),
        b"line\nfeed\n",
    ];
    for value in values {
        assert_eq!(put(&scratch, "k", value).code, Some(0));
        let done = scratch.run(&["cache", "get", "k"]);
        assert_eq!((done.code, &done.stdout[..], done.stderr.as_str()), (Some(0), value, ""));
    }
    assert_eq!(scratch.json(&["cache", "get", "k"]), json!({"key": "k", "value": "line\nfeed\n"}));
    put(&scratch, "k", b"\xff");
    assert_eq!(scratch.json(&["cache", "get", "k"]), json!({"key": "k", "value": {"base64": "/w=="}}));
    assert_eq!(scratch.json(&["cache", "delete", "k"]), json!({"key": "k", "deleted": true}));
    let said = scratch.run(&["cache", "get", "k"]).refused(1).to_owned();
    assert_eq!(said, "error: the cache has no key \"k\"");
    scratch.run(&["cache", "delete", "k"]).refused(1);
}

#[test]
fn keys_and_values_have_limits() {
    let scratch = project();
    let config = scratch.project().join(".conclave/config.toml");
    let usual = fs::read_to_string(&config).unwrap();
    fs::write(&config, format!("{usual}\n[cache]\nmax_entries = 2\nmax_bytes = 100\n")).unwrap();
    for key in ["", &"k".repeat(1025)] {
        put(&scratch, key, b"v").refused(2);
    }
    let longest = "é".repeat(512);
    assert_eq!(put(&scratch, &longest, b"v").code, Some(0));
    assert_eq!(scratch.ok(&["cache", "get", &longest]), "v");
    let said = put(&scratch, "large", &[b'x'; 101]).refused(1).to_owned();
    assert_eq!(said, "error: the value is larger than the whole cache may be (100 B)");
    assert_eq!(stats(&scratch)["entries"], 1, "nothing went for it");
    assert_eq!(put(&scratch, "two", &[b'x'; 60]).code, Some(0));
    assert_eq!(put(&scratch, "three", &[b'x'; 30]).code, Some(0));
    let found = stats(&scratch);
    let numbers =
        ["entries", "bytes", "evictions", "max_entries", "max_bytes"].map(|key| found[key].as_u64().unwrap());
    assert_eq!(numbers, [2, 90, 1, 2, 100]);
    // Symbols and values of users share the room, not the keys.
    put(&scratch, "a.rs", b"mine");
    is(&look(&scratch, &["a.rs"]), "miss", &["one", "Two"]);
    assert_eq!(scratch.ok(&["cache", "get", "a.rs"]), "mine");
    assert_eq!(scratch.json(&["cache", "clear"])["entries"], 2);
    assert_eq!(scratch.ok(&["cache", "clear"]), "0 entries removed\n");
}

#[test]
fn a_value_may_be_kept_before_there_is_any_state() {
    let scratch = Scratch::new();
    let done = put(&scratch, "k", b"v");
    assert_eq!(done.code, Some(0), "{}", done.stderr);
    assert!(done.stderr.starts_with("created "), "{}", done.stderr);
    assert_eq!(scratch.ok(&["cache", "get", "k"]), "v");
    assert!(!scratch.database().exists());
    let done = put(&scratch, "k", b"w");
    assert_eq!((done.code, done.stderr.as_str()), (Some(0), ""));
    scratch.run(&["--read-only", "cache", "put", "k"]).refused(2);
    scratch.run(&["--read-only", "cache", "clear"]).refused(2);
    assert_eq!(scratch.ok(&["--read-only", "cache", "get", "k"]), "w");
}

// cache C21
#[test]
fn what_is_logged_of_the_cache_names_no_path_and_no_content() {
    let scratch = project();
    let done = scratch.run(&["-vv", "--log-stderr", "cache", "symbols", "a.rs"]);
    let events: Vec<&str> = done.stderr.lines().filter(|line| line.contains("ast.cache.")).collect();
    let has = |name: &str| events.iter().any(|line| line.contains(name));
    assert!(has("ast.cache.miss") && has("ast.cache.write"), "{}", done.stderr);
    for line in &events {
        assert!(!line.contains('/') && !line.contains("a.rs"), "{line}");
    }
}
