//! `conclave lease …` through the binary: lines, exit codes, refusals. Numbers such as B1 are those of the scenarios.

use std::ffi::{OsStr, OsString};
use std::os::unix::ffi::OsStrExt as _;
use std::process::{Child, Stdio};

use conclave_db::foreign::Client;
use conclave_db::{Db, DbOptions, Schema};
use conclave_testkit::SmallDisk;
use serde_json::{Value, json};

use crate::patience::{output_of, until};
use crate::scratch::{Done, Scratch};

/// The values of one line, in their order.
pub(crate) fn pairs(line: &str) -> Vec<(String, String)> {
    let line = line.strip_suffix('\n').unwrap_or_else(|| panic!("no line: {line:?}"));
    assert!(!line.contains('\n'), "more than a line: {line:?}");
    let pair = |pair: &str| pair.split_once('=').map(|(key, value)| (key.to_owned(), value.to_owned()));
    line.split(',').map(|each| pair(each).unwrap_or_else(|| panic!("no pair: {line:?}"))).collect()
}

/// One value of a line.
#[track_caller]
pub(crate) fn value(line: &str, key: &str) -> String {
    let found = pairs(line).into_iter().find(|(name, _)| name == key);
    found.unwrap_or_else(|| panic!("no {key} in {line:?}")).1
}

fn keys(line: &str) -> Vec<String> {
    pairs(line).into_iter().map(|(key, _)| key).collect()
}

/// Acquires one name for five minutes; gives the line.
pub(crate) fn acquired(scratch: &Scratch, name: &str, more: &[&str]) -> String {
    scratch.ok(&[&["lease", "acquire", "--lock-name", name][..], more].concat())
}

/// Expects a refusal with this exit code and reason, told as one line on stdout; gives that.
#[track_caller]
pub(crate) fn refused(done: &Done, code: i32, reason: &str) -> String {
    let line = done.text().to_owned();
    assert_eq!(done.code, Some(code), "{line} {}", done.stderr);
    assert!(line.starts_with(&format!("success=false,reason={reason}")), "{line} {}", done.stderr);
    assert_eq!(value(&line, "reason"), reason, "{line}");
    // A state that says no is no error.
    let is_error = matches!(code, 2 | 3);
    assert_eq!(done.stderr.contains("error: "), is_error, "{}", done.stderr);
    assert!(!done.stderr.contains("panicked"), "{}", done.stderr);
    line
}

fn status(scratch: &Scratch, name: &str) -> Value {
    serde_json::from_str(&scratch.ok(&["lease", "status", "--lock-name", name])).unwrap()
}

fn waiters(scratch: &Scratch, name: &str) -> usize {
    status(scratch, name)["waiters"].as_array().map_or(0, Vec::len)
}

fn start(scratch: &Scratch, words: &[&str]) -> Child {
    let mut command = scratch.command();
    command.args(words).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap()
}

// B1, B3
#[test]
fn what_is_acquired_is_told_in_one_line() {
    let scratch = Scratch::new();
    scratch.ok(&["init"]);
    let done = scratch.run(&["ai", "lock", "acquire", "--lock-name", "L", "--ttl-sec", "30"]);
    assert_eq!((done.code, done.stderr.as_str()), (Some(0), ""));
    let line = done.text();
    assert_eq!(keys(line), ["success", "owner_token", "expires_utc_ms", "fence"], "{line}");
    let token = value(line, "owner_token");
    let is_hexadecimal = |byte: u8| byte.is_ascii_digit() || (b'a'..=b'f').contains(&byte);
    assert!(token.len() == 32 && token.bytes().all(is_hexadecimal), "{token}");
    assert_eq!((value(line, "success"), value(line, "fence")), ("true".into(), "1".into()));
    let status = scratch.ok(&["ai", "lock", "status", "--lock-name", "L"]);
    let found: Value = serde_json::from_str(&status).unwrap();
    assert_eq!(found["expires_utc_ms"].to_string(), value(line, "expires_utc_ms"));
    let remaining = found["remaining_ms"].as_i64().unwrap();
    assert!((1..=30_000).contains(&remaining), "{status}");
    // Compact, with sorted keys, the same with and without `--json`.
    assert_eq!(status, format!("{found}\n"));
    assert!(status.starts_with(r#"{"acquired_utc_ms":"#) && !status.contains(&token), "{status}");
    assert_eq!(
        (&found["exists"], &found["expired"], &found["fence"]),
        (&json!(true), &json!(false), &json!(1))
    );
    assert_eq!((&found["mode"], &found["waiters"]), (&json!("exclusive"), &json!([])));
    assert_eq!(scratch.ok(&["lease", "status", "--lock-name", "other"]), "{\"exists\":false}\n");
}

// B2
#[test]
fn a_contender_hears_who_holds() {
    let scratch = Scratch::new();
    let line = acquired(&scratch, "L", &["--holder", "ada@host"]);
    let done = scratch.run(&["lease", "acquire", "--lock-name", "L"]);
    let said = refused(&done, 1, "lock_held");
    assert_eq!(keys(&said), ["success", "reason", "held_by", "expires_utc_ms"]);
    assert_eq!(value(&said, "held_by"), "ada@host");
    assert_eq!(value(&said, "expires_utc_ms"), value(&line, "expires_utc_ms"));
    assert_eq!(done.stderr, "");
    let done = scratch.run(&["lease", "acquire", "--lock-name", "L", "--json"]);
    let object: Value = serde_json::from_str(done.text()).unwrap();
    assert_eq!(done.code, Some(1));
    assert_eq!((&object["success"], &object["reason"]), (&json!(false), &json!("lock_held")));
    assert_eq!((&object["held_by"], &object["error"]["kind"]), (&json!("ada@host"), &json!("lock_held")));
}

// B4, B5, B13, B15
#[test]
fn renewing_and_releasing_say_what_became_of_it() {
    let scratch = Scratch::new();
    let line = acquired(&scratch, "L", &["--ttl-sec", "600"]);
    let token = value(&line, "owner_token");
    let call = |word: &str, name: &str, token: &str| {
        scratch.run(&["lease", word, "--lock-name", name, "--owner-token", token])
    };
    // Never shorter than before.
    let words = ["lease", "renew", "--owner-token", &token, "--ttl-sec", "1"];
    let renewed = scratch.ok(&words);
    assert_eq!(keys(&renewed), ["success", "expires_utc_ms", "fence"]);
    assert_eq!(value(&renewed, "expires_utc_ms"), value(&line, "expires_utc_ms"));
    let stranger = "0".repeat(32);
    for word in ["renew", "release"] {
        refused(&call(word, "L", &stranger), 1, "not_owner");
        refused(&call(word, "other", &token), 1, "not_found");
    }
    assert_eq!(call("release", "L", &token).text(), "success=true\n");
    refused(&call("release", "L", &token), 1, "not_found");
    refused(&call("renew", "L", &token), 1, "not_found");
    refused(&scratch.run(&["lease", "release", "--owner-token", &token]), 1, "not_found");
    // The number rises whatever became of the one before.
    let second = acquired(&scratch, "L", &["--ttl-sec", "1"]);
    assert_eq!(value(&second, "fence"), "2");
    until("the lease is over", || status(&scratch, "L")["expired"] == json!(true));
    let late = value(&second, "owner_token");
    for word in ["renew", "release"] {
        refused(&call(word, "L", &late), 1, "expired");
    }
    refused(&scratch.run(&["lease", "guard", "--lock-name", "L", "--fence", "2"]), 1, "expired");
    let third = acquired(&scratch, "L", &[]);
    assert_eq!(value(&third, "fence"), "3");
    for word in ["renew", "release"] {
        refused(&call(word, "L", &late), 1, "not_owner");
    }
    refused(&scratch.run(&["lease", "guard", "--lock-name", "L", "--fence", "2"]), 1, "stale_fence");
    refused(&scratch.run(&["lease", "guard", "--lock-name", "other", "--fence", "2"]), 1, "not_found");
    assert_eq!(scratch.ok(&["lease", "guard", "--lock-name", "L", "--fence", "3"]), "success=true,fence=3\n");
}

// B6
#[test]
fn a_time_to_live_is_1_to_86400_whole_seconds() {
    let scratch = Scratch::new();
    let times = [
        "0",
        "-5",
        "86401",
        "9223372036854775",
        "9223372036854775807",
        "99999999999999999999",
        "abc",
        "1.5",
        "",
    ];
    for word in ["acquire", "renew"] {
        for ttl in times {
            let done = scratch.run(&["lease", word, "--lock-name", "T", "--ttl-sec", ttl]);
            refused(&done, 2, "invalid_ttl");
            assert!(done.stderr.contains("1 to 86400"), "{}", done.stderr);
        }
    }
    let bytes =
        [OsStr::new("lease"), OsStr::new("acquire"), OsStr::new("--lock-name=T"), OsStr::new("--ttl-sec")];
    let done = scratch.run(&[&bytes[..], &[OsStr::from_bytes(b"\xff")]].concat());
    refused(&done, 2, "invalid_ttl");
    assert!(!scratch.database().exists(), "something was made for a line that is wrong");
    for (name, ttl) in [("one", "1"), ("two", "86400")] {
        acquired(&scratch, name, &["--ttl-sec", ttl]);
    }
    let done = scratch.run(&["lease", "run", "--lock-name", "T", "--ttl-sec", "0", "--", "true"]);
    assert_eq!((done.text(), done.refused(2).contains("1 to 86400")), ("", true));
}

// B7
#[test]
fn a_name_is_one_line_of_at_most_128_bytes() {
    let scratch = Scratch::new();
    let acquire = |name: &OsStr| {
        let mut words: Vec<OsString> = ["lease", "acquire", "--lock-name"].map(OsString::from).to_vec();
        words.push(name.to_owned());
        scratch.run(&words)
    };
    let long = "n".repeat(100_000);
    for name in ["", " ", "a\nb,owner_token=x", "a\u{7f}b", "a\u{2028}b", &"n".repeat(129), &long] {
        refused(&acquire(OsStr::new(name)), 2, "invalid_name");
    }
    refused(&acquire(OsStr::from_bytes(b"a\xffb")), 2, "invalid_name");
    for name in ["锁😀", "e\u{301}", "Foo", "foo", &"n".repeat(128), "-x", "a,owner_token=x"] {
        let done = acquire(OsStr::new(name));
        assert_eq!(done.code, Some(0), "{name:?}: {}", done.stderr);
        assert_eq!(keys(done.text()).len(), 4, "{name:?}: {}", done.text());
    }
    // The same letter, written in another way.
    refused(&acquire(OsStr::new("\u{e9}")), 1, "lock_held");
    // No name looks like a pair of the line.
    let words = ["lease", "acquire", "--lock-name", "b,owner_token=x", "--lock-name", "a"];
    let line = scratch.ok(&words);
    let all = keys(&line);
    let expected = ["success", "owner_token", "expires_utc_ms", "lock_name", "fence", "lock_name", "fence"];
    assert_eq!(all, expected, "{line}");
    assert_eq!(value(&line, "lock_name"), "b%2Cowner_token%3Dx");
}

#[test]
fn other_words_that_are_wrong_have_their_reasons_too() {
    let scratch = Scratch::new();
    let acquire = ["lease", "acquire", "--lock-name", "L"];
    for (more, reason) in [
        (&["--holder", ""][..], "invalid_holder"),
        (&["--holder", "a b"], "invalid_holder"),
        (&["--holder", "x=y,z"], "invalid_holder"),
        (&["--wait", "-1s"], "invalid_wait"),
        (&["--wait", ""], "invalid_wait"),
        (&["--bind-pid", "0"], "invalid_pid"),
        (&["--bind-pid", "-1"], "invalid_pid"),
        (&["--bind-pid", "4294967296"], "invalid_pid"),
        (&["--bind-pid", "4194305"], "invalid_pid"),
        (&["--bogus"], "usage"),
        (&["--owner-token"], "usage"),
    ] {
        refused(&scratch.run(&[&acquire[..], more].concat()), 2, reason);
    }
    refused(&scratch.run(&["lease", "acquire"]), 2, "usage");
    refused(&scratch.run(&["lease", "guard", "--lock-name", "L", "--fence", "-1"]), 2, "invalid_fence");
    refused(&scratch.run(&[&["--read-only"], &acquire[..]].concat()), 2, "read_only");
    let done = scratch.run(&["lease", "acquire", "--json"]);
    let object: Value = serde_json::from_str(done.text()).unwrap();
    assert_eq!((&object["reason"], &object["error"]["kind"]), (&json!("usage"), &json!("usage")));
    assert!(!scratch.database().exists());
}

#[test]
fn what_only_reads_creates_nothing() {
    let scratch = Scratch::new();
    for more in [&[][..], &["--global"]] {
        let call = |words: &[&str]| scratch.run(&[words, more].concat());
        assert_eq!(call(&["lease", "status", "--lock-name", "L"]).text(), "{\"exists\":false}\n");
        assert_eq!(call(&["lease", "list", "--json"]).text(), "[]\n");
        assert_eq!(call(&["lease", "list"]).text(), "");
        refused(&call(&["lease", "guard", "--lock-name", "L", "--fence", "1"]), 1, "not_found");
        refused(&call(&["lease", "release", "--lock-name", "L", "--owner-token", "x"]), 1, "not_found");
        refused(&call(&["lease", "renew", "--owner-token", "x"]), 1, "not_found");
    }
    let made = scratch.files();
    assert!(made.iter().all(|file| file.ends_with("conclave.log")), "{made:?}");
}

// B8
#[test]
fn of_many_on_a_new_file_one_wins() {
    for _ in 0..3 {
        let scratch = Scratch::new();
        let all: Vec<Child> =
            (0..24).map(|_| start(&scratch, &["lease", "acquire", "--lock-name", "L"])).collect();
        let ended: Vec<_> = all.into_iter().map(output_of).collect();
        let count = |code: i32, word: &str| {
            let is = |said: &[u8]| String::from_utf8_lossy(said).contains(word);
            ended.iter().filter(|one| one.status.code() == Some(code) && is(&one.stdout)).count()
        };
        let said: Vec<_> = ended.iter().map(|one| String::from_utf8_lossy(&one.stderr)).collect();
        assert_eq!((count(0, "fence=1"), count(1, "reason=lock_held")), (1, 23), "{said:?}");
    }
}

#[test]
fn several_names_are_taken_together_or_not_at_all() {
    let scratch = Scratch::new();
    let all = ["lease", "acquire", "--lock-name", "b", "--lock-name", "a", "--lock-name", "b"];
    let line = scratch.ok(&all);
    let expected = [("lock_name", "b"), ("fence", "1"), ("lock_name", "a"), ("fence", "1")];
    let told: Vec<(String, String)> = pairs(&line).split_off(3);
    assert_eq!(told, expected.map(|(key, value)| (key.to_owned(), value.to_owned())), "{line}");
    // B21: nothing of it is held where one is another's.
    refused(&scratch.run(&["lease", "acquire", "--lock-name", "c", "--lock-name", "a"]), 1, "lock_held");
    assert_eq!(status(&scratch, "c"), json!({ "exists": false }));
    let token = value(&line, "owner_token");
    let one = scratch.json(&["lease", "renew", "--owner-token", &token, "--lock-name", "a"]);
    assert_eq!((&one["success"], &one["fence"]), (&json!(true), &json!(1)));
    assert_eq!(one["leases"], json!([{ "lock_name": "a", "fence": 1 }]));
    let both = scratch.json(&["lease", "renew", "--owner-token", &token]);
    let leases = json!([{ "lock_name": "a", "fence": 1 }, { "lock_name": "b", "fence": 1 }]);
    assert_eq!((&both["leases"], both.get("fence")), (&leases, None));
    let line = scratch.ok(&["lease", "release", "--owner-token", &token]);
    assert_eq!(line, "success=true,lock_name=a,fence=1,lock_name=b,fence=1\n");
    assert_eq!(scratch.json(&["lease", "list"]), json!([]));
}

// B21
#[test]
fn two_who_wait_for_each_other_come_to_an_end() {
    let scratch = Scratch::new();
    acquired(&scratch, "x", &[]);
    acquired(&scratch, "y", &[]);
    let one = start(&scratch, &["lease", "acquire", "--lock-name", "y", "--wait", "300ms"]);
    let other = start(&scratch, &["lease", "acquire", "--lock-name", "x", "--wait", "300ms"]);
    for child in [one, other] {
        let ended = output_of(child);
        let line = String::from_utf8(ended.stdout).unwrap();
        assert_eq!(ended.status.code(), Some(4), "{line}");
        assert_eq!(value(&line, "reason"), "wait_timeout", "{line}");
        assert_eq!(ended.stderr, b"");
    }
    assert_eq!((waiters(&scratch, "x"), waiters(&scratch, "y")), (0, 0));
}

// B22
#[test]
fn waiters_are_served_in_their_order() {
    let scratch = Scratch::new();
    let token = value(&acquired(&scratch, "L", &[]), "owner_token");
    let waiting: Vec<Child> = (0..10)
        .map(|number| {
            let script = format!("echo {number} >> order");
            let words = ["lease", "run", "--lock-name", "L", "--wait", "60s", "--", "sh", "-c", &script];
            let child = start(&scratch, &words);
            until("it waits", || waiters(&scratch, "L") > number);
            child
        })
        .collect();
    // Nobody overtakes those who wait, also not where the lease is free for a moment.
    scratch.ok(&["lease", "release", "--owner-token", &token]);
    for child in waiting {
        let ended = output_of(child);
        assert_eq!(ended.status.code(), Some(0), "{}", String::from_utf8_lossy(&ended.stderr));
    }
    let order = std::fs::read_to_string(scratch.project().join("order")).unwrap();
    assert_eq!(
        order.lines().map(|line| line.parse().unwrap()).collect::<Vec<u32>>(),
        (0..10).collect::<Vec<_>>()
    );
}

#[test]
fn those_who_wait_are_told_and_come_before_others() {
    let scratch = Scratch::new();
    let token = value(&acquired(&scratch, "L", &["--holder", "first"]), "owner_token");
    let words = ["lease", "acquire", "--lock-name", "L", "--wait", "1m", "--holder", "second"];
    let child = start(&scratch, &words);
    until("it waits", || waiters(&scratch, "L") == 1);
    let list = scratch.json(&["lease", "list"]);
    let waiter = &list[0]["waiters"][0];
    assert_eq!((&list[0]["name"], &list[0]["holder_id"]), (&json!("L"), &json!("first")));
    assert_eq!((&waiter["holder_id"], &waiter["pid"]), (&json!("second"), &json!(child.id())));
    assert!(waiter["since"].as_str().unwrap().ends_with('Z') && waiter["mode"] == "exclusive", "{list}");
    let text = scratch.ok(&["lease", "list"]);
    assert!(text.starts_with("name") && text.contains("first") && text.contains("second"), "{text}");
    scratch.ok(&["lease", "release", "--owner-token", &token]);
    let ended = output_of(child);
    assert_eq!(value(&String::from_utf8(ended.stdout).unwrap(), "fence"), "2");
    assert_eq!(status(&scratch, "L")["holder_id"], "second");
}

#[test]
fn several_may_share_a_name() {
    let scratch = Scratch::new();
    acquired(&scratch, "L", &["--shared", "--holder", "one", "--ttl-sec", "100"]);
    acquired(&scratch, "L", &["--shared", "--holder", "two", "--ttl-sec", "900"]);
    refused(&scratch.run(&["lease", "acquire", "--lock-name", "L"]), 1, "lock_held");
    let found = status(&scratch, "L");
    // Of the one that ends last, and all of them.
    assert_eq!(
        (&found["mode"], &found["holder_id"], &found["fence"]),
        (&json!("shared"), &json!("two"), &json!(2))
    );
    let holders: Vec<&str> =
        found["holders"].as_array().unwrap().iter().map(|one| one["holder_id"].as_str().unwrap()).collect();
    assert_eq!(holders, ["one", "two"]);
    for fence in ["1", "2"] {
        scratch.ok(&["lease", "guard", "--lock-name", "L", "--fence", fence]);
    }
    assert_eq!(scratch.json(&["lease", "list"]).as_array().unwrap().len(), 2);
    assert_eq!(scratch.json(&["lease", "list", "--limit", "1"]).as_array().unwrap().len(), 1);
}

#[test]
fn those_of_the_machine_are_others_than_those_of_the_project() {
    let scratch = Scratch::new();
    let line = acquired(&scratch, "gpu", &["--global"]);
    assert!(!scratch.database().exists());
    acquired(&scratch, "gpu", &[]);
    refused(&scratch.run(&["lease", "acquire", "--lock-name", "gpu", "--global"]), 1, "lock_held");
    std::fs::create_dir(scratch.path("q")).unwrap();
    let elsewhere = |words: &[&str]| Done::of(scratch.command().current_dir(scratch.path("q")).args(words));
    refused(&elsewhere(&["lease", "acquire", "--lock-name", "gpu", "--global"]), 1, "lock_held");
    let token = value(&line, "owner_token");
    refused(&scratch.run(&["lease", "release", "--owner-token", &token]), 1, "not_found");
    assert_eq!(elsewhere(&["lease", "release", "--global", "--owner-token", &token]).code, Some(0));
}

// B16
#[test]
fn a_lease_may_end_with_a_process() {
    let scratch = Scratch::new();
    let mut holder = scratch.shell("exec sleep 600").spawn().unwrap();
    let pid = holder.id().to_string();
    acquired(&scratch, "bound", &["--bind-pid", &pid]);
    refused(&scratch.run(&["lease", "acquire", "--lock-name", "bound"]), 1, "lock_held");
    holder.kill().unwrap();
    holder.wait().unwrap();
    assert_eq!(status(&scratch, "bound")["expired"], json!(true));
    assert_eq!(value(&acquired(&scratch, "bound", &[]), "fence"), "2");
    // Without it the process that acquired is long gone, and the lease lives on.
    acquired(&scratch, "free", &[]);
    refused(&scratch.run(&["lease", "acquire", "--lock-name", "free"]), 1, "lock_held");
}

// B18
#[test]
fn a_storage_that_fails_is_told_in_the_line_too() {
    let acquire = ["lease", "acquire", "--lock-name", "L"];
    let status = ["lease", "status", "--lock-name", "L"];
    let folder = Scratch::new();
    std::fs::create_dir_all(folder.database()).unwrap();
    refused(&folder.run(&acquire), 3, "storage_error");
    refused(&folder.run(&status), 3, "storage_error");
    let broken = Scratch::new();
    broken.ok(&["init"]);
    std::fs::write(broken.database(), "no database".repeat(1000)).unwrap();
    refused(&broken.run(&acquire), 3, "storage_error");
    refused(&broken.run(&["lease", "list"]), 3, "storage_error");
    let done = broken.run(&["lease", "acquire", "--lock-name", "L", "--json"]);
    let object: Value = serde_json::from_str(done.text()).unwrap();
    assert_eq!((done.code, &object["reason"]), (Some(3), &json!("storage_error")));
    assert_eq!(object["error"]["kind"], "not-a-database");
    let Some(disk) = SmallDisk::of(16) else { return };
    let scratch = Scratch::new();
    let place = disk.path().join("state");
    let call = |words: &[&str]| scratch.run(&[&["--state-dir", place.to_str().unwrap()], words].concat());
    assert_eq!(call(&acquire).code, Some(0));
    disk.fill("filler", 0);
    // The ballast lets some pass.
    let fails = (0..2000).find_map(|number| {
        let done = call(&["lease", "acquire", "--lock-name", &format!("L{number}")]);
        (done.code != Some(0)).then_some(done)
    });
    refused(&fails.unwrap(), 3, "storage_error");
    disk.clear("filler");
    disk.forbid_writing();
    refused(&call(&["lease", "acquire", "--lock-name", "M"]), 3, "storage_error");
    let read = call(&status);
    assert_eq!((read.code, read.text().contains("\"fence\":1,")), (Some(0), true), "{}", read.stderr);
}

// B20
#[test]
fn a_file_of_before_leases_gets_them_and_one_of_later_is_refused() {
    let scratch = Scratch::new();
    std::fs::create_dir(scratch.database().parent().unwrap()).unwrap();
    let before =
        Schema::assemble(&[conclave_consensus::MIGRATIONS], conclave_consensus::LEGACY_TABLES).unwrap();
    drop(Db::open(DbOptions::new(scratch.database(), before)).unwrap());
    let reads = scratch.run(&["lease", "status", "--lock-name", "L"]);
    refused(&reads, 3, "storage_error");
    assert!(reads.stderr.contains("conclave migrate"), "{}", reads.stderr);
    assert_eq!(value(&acquired(&scratch, "L", &[]), "fence"), "1");
    conclave_db::foreign::run(&scratch.database(), "PRAGMA user_version = 999").unwrap();
    refused(&scratch.run(&["lease", "acquire", "--lock-name", "M"]), 3, "storage_error");
    refused(&scratch.run(&["lease", "status", "--lock-name", "L"]), 3, "storage_error");
}

#[test]
fn status_counts_who_holds_and_who_waits() {
    let scratch = Scratch::new();
    let absent = scratch.json(&["status"]);
    assert_eq!(absent["leases"], json!({ "held": 0, "waiting": 0, "global": { "held": 0, "waiting": 0 } }));
    assert_eq!(absent["registry"]["ports"], 0);
    let token = value(&acquired(&scratch, "L", &[]), "owner_token");
    acquired(&scratch, "gpu", &["--global"]);
    let child = start(&scratch, &["lease", "acquire", "--lock-name", "L", "--wait", "1m", "--ttl-sec", "1"]);
    until("it waits", || scratch.json(&["status"])["leases"]["waiting"] == 1);
    let leases = scratch.json(&["status"])["leases"].clone();
    assert_eq!(leases, json!({ "held": 1, "waiting": 1, "global": { "held": 1, "waiting": 0 } }));
    let text = scratch.ok(&["status"]);
    assert!(text.contains("1 held · 1 waiting · machine-wide 1 held · 0 waiting"), "{text}");
    scratch.ok(&["lease", "release", "--owner-token", &token]);
    assert_eq!(output_of(child).status.code(), Some(0));
    // One that is over is not held.
    until("it is over", || scratch.json(&["status"])["leases"]["held"] == 0);
}

#[test]
fn a_machine_wide_file_that_is_broken_does_not_hide_the_project() {
    let scratch = Scratch::new();
    acquired(&scratch, "gpu", &["--global"]);
    acquired(&scratch, "L", &[]);
    std::fs::write(scratch.path("home/.local/share/conclave/global.db"), "no database".repeat(1000)).unwrap();
    let done = scratch.run(&["status", "--json"]);
    let status: Value = serde_json::from_str(done.text()).unwrap();
    assert_eq!(
        (done.code, &status["leases"]),
        (Some(0), &json!({ "held": 1, "waiting": 0, "global": null }))
    );
    assert_eq!(status["registry"]["ports"], Value::Null);
    assert!(done.stderr.starts_with("open the machine-wide file"), "{}", done.stderr);
}

#[test]
fn who_is_asked_to_end_while_the_storage_is_kept_holds_nothing() {
    let scratch = Scratch::new();
    scratch.ok(&["init"]);
    let client = Client::open(&scratch.database()).unwrap();
    client.run("BEGIN IMMEDIATE").unwrap();
    // The wait is kept, too.
    let done = scratch.run(&["lease", "acquire", "--lock-name", "L", "--wait", "300ms"]);
    refused(&done, 4, "wait_timeout");
    let child = start(&scratch, &["lease", "acquire", "--lock-name", "L"]);
    until("it listens", || listens(child.id()));
    let pid = rustix::process::Pid::from_raw(i32::try_from(child.id()).unwrap()).unwrap();
    rustix::process::kill_process(pid, rustix::process::Signal::TERM).unwrap();
    let ended = output_of(child);
    assert_eq!((ended.status.code(), ended.stdout), (Some(143), Vec::new()));
    client.run("COMMIT").unwrap();
    assert_eq!(status(&scratch, "L"), json!({ "exists": false }));
}

/// Whether the process has a handler for SIGTERM, as proc(5) says.
fn listens(pid: u32) -> bool {
    let status = std::fs::read_to_string(format!("/proc/{pid}/status")).unwrap_or_default();
    let mask = status.lines().find_map(|line| line.strip_prefix("SigCgt:"));
    mask.and_then(|mask| u64::from_str_radix(mask.trim(), 16).ok()).is_some_and(|mask| mask >> 14 & 1 == 1)
}

#[test]
fn the_process_that_a_lease_ends_with_is_shown_and_one_that_is_gone_is_not() {
    let scratch = Scratch::new();
    let me = std::process::id();
    acquired(&scratch, "L", &["--bind-pid", &me.to_string()]);
    let found = status(&scratch, "L");
    assert_eq!((&found["bound_pid"], &found["pid"]), (&json!(me), &Value::Null), "{found}");
}

// B18, where nobody has the file open.
#[test]
fn on_a_full_disk_what_is_held_can_still_be_read() {
    let Some(disk) = SmallDisk::of(8) else { return };
    let scratch = Scratch::new();
    let place = disk.path().join("state");
    let call = |words: &[&str]| scratch.run(&[&["--state-dir", place.to_str().unwrap()], words].concat());
    assert_eq!(call(&["lease", "acquire", "--lock-name", "L"]).code, Some(0));
    disk.fill("filler", 0);
    let read = call(&["lease", "status", "--lock-name", "L"]);
    assert_eq!((read.code, read.text().contains("\"fence\":1,")), (Some(0), true), "{}", read.stderr);
}
