//! What is not as it should be with the spool is said, with what helps, and `attention` tells of it.

use serde_json::Value;

use crate::scratch::Scratch;
use crate::spool::events;

fn kinds(scratch: &Scratch) -> Vec<String> {
    let status = scratch.json(&["status"]);
    let kind = |one: &Value| one["kind"].as_str().unwrap().to_owned();
    status["attention"].as_array().unwrap().iter().map(kind).collect()
}

#[track_caller]
fn has_all(text: &str, wanted: &[&str]) {
    for wanted in wanted {
        assert!(text.contains(wanted), "{wanted:?} in: {text}");
    }
}

#[test]
fn files_of_a_monitor_that_is_not_known_are_named_wherever_one_looks() {
    let scratch = Scratch::spooling("monitors = [\"build\"]\n");
    scratch.fed(&["spool", "write", "build"], events("build", 0, 3));
    let config = scratch.path("home/.config/conclave/config.toml");
    std::fs::write(config, "[spool]\nkeep_free_pct = 0\n").unwrap();
    let done = scratch.run(&["spool", "flush"]);
    assert_eq!(done.code, Some(0), "{}", done.stderr);
    has_all(
        &done.stderr,
        &["1 file was left alone: no monitor build is known", "`[spool] monitors = [\"build\"]`"],
    );
    assert_eq!(scratch.json(&["spool", "flush"])["unknown"]["build"], 1);
    assert_eq!(kinds(&scratch), ["spool-monitor"]);
    has_all(&scratch.run(&["diag"]).stderr, &["?? is no monitor that is known: its files are left alone"]);
    let named = scratch.run(&["spool", "flush", "-m", "build"]);
    assert_eq!(named.code, Some(2));
    has_all(&named.stderr, &["known here: active_window, agent, browser", "`[spool] monitors`"]);
}

#[test]
fn rejected_lines_wait_for_somebody_until_they_are_removed() {
    let scratch = Scratch::spooling("");
    scratch.fed(&["spool", "write", "mouse"], "{\"id\":\"one\"}\n".repeat(5));
    assert_eq!(kinds(&scratch), [""; 0]);
    let done = scratch.run(&["spool", "flush"]);
    has_all(&done.stderr, &["5 lines are in quarantine", "*.rej.ndjson", "docs/spool.md says how"]);
    assert_eq!(kinds(&scratch), ["spool-quarantine"]);
    has_all(&scratch.ok(&["status"]), &["in the spool's quarantine: 1 file of rejected lines"]);
    std::fs::remove_dir_all(scratch.spool().join("_quarantine/mouse")).unwrap();
    assert_eq!(kinds(&scratch), [""; 0]);
}

#[test]
fn events_of_a_file_that_somebody_removed_are_said_by_the_flush_that_drops_them() {
    let scratch = Scratch::spooling("");
    scratch.ok(&["spool", "generate", "file", "--count", "50"]);
    std::fs::remove_file(scratch.spool().join(&scratch.segments()[0])).unwrap();
    let done = scratch.run(&["spool", "flush"]);
    has_all(
        &done.stderr,
        &["50 events of pending files that somebody removed: counted as dropped (missing)"],
    );
    assert_eq!(scratch.json(&["spool", "flush"])["missing"], 0, "once");
}

#[test]
fn a_quota_that_presses_needs_somebody_and_the_advice_is_what_helps() {
    let scratch = Scratch::spooling("quota_mb = 1\n");
    scratch.large("_quarantine/keyboard/20250909-10.ndjson.gz", 1_020_000);
    scratch.ok(&["init"]);
    assert_eq!(kinds(&scratch), ["spool-quota", "spool-quarantine"]);
    let text = scratch.ok(&["status"]);
    has_all(
        &text,
        &["0.97MB / 1MB (soft)", "97 % of the spool's quota are used", "raise `[spool] quota_mb`"],
    );
    assert!(
        !text.contains("spool flush") && !text.contains("spool trim"),
        "nothing that does not help: {text}"
    );
    has_all(&scratch.ok(&["diag"]), &["Usage: 0.97MB / 1MB (soft)"]);
    has_all(scratch.run(&["doctor"]).text(), &["97 % of 1 MiB, soft"]);
    let trimmed = scratch.run(&["spool", "trim"]);
    has_all(&trimmed.stderr, &["nothing is left that may be trimmed: look through `_quarantine`; raise"]);
    scratch.large("_quarantine/keyboard/20250909-11.ndjson.gz", 1 << 20);
    let refused = scratch.fed(&["spool", "write", "mouse"], events("mouse", 0, 3));
    assert_eq!(refused.code, Some(1));
    has_all(&refused.stderr, &["look through `_quarantine`; raise `[spool] quota_mb`"]);
    has_all(&scratch.ok(&["status"]), &["the spool stores nothing"]);
}

#[test]
fn a_cache_that_cannot_be_used_needs_somebody() {
    let scratch = Scratch::spooling("");
    scratch.ok(&["init"]);
    std::fs::write(
        scratch.project().join(".conclave/cache.db"),
        "no database at all, and long enough".repeat(40),
    )
    .unwrap();
    assert_eq!(kinds(&scratch), ["cache"]);
    assert!(!scratch.ok(&["status"]).contains("nothing needs you"));
}
