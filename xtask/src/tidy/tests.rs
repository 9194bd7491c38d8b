//! The workspace is tidy, and every rule can fail.

use std::collections::BTreeSet;

use super::rules::{self, patterns};
use super::tree::{SourceFile, Tree};
use super::{Finding, findings};

#[test]
fn the_workspace_is_tidy() {
    let findings = findings().unwrap();
    let lines: Vec<String> = findings.iter().map(Finding::to_string).collect();
    assert!(lines.is_empty(), "{} findings:\n{}", lines.len(), lines.join("\n"));
}

#[test]
fn every_pattern_catches_what_it_forbids_and_passes_the_rest() {
    for pattern in patterns() {
        assert!(pattern.is_sound(), "{}: {:?} or {:?}", pattern.rule, pattern.caught, pattern.passed);
    }
}

#[test]
fn rules_have_names_of_their_own() {
    let names: BTreeSet<&str> = patterns().map(|pattern| pattern.rule).collect();
    assert_eq!(names.len(), patterns().count());
}

/// A workspace that breaks nothing, in the fewest files.
fn tidy_workspace() -> Vec<(&'static str, String)> {
    let docs = "//! What it promises.\n//!\n//! What it does not.\n//!\n//! How it fails.\n";
    let mut files = vec![
        ("Cargo.toml", "[workspace]\nmembers = [\"retry\", \"tui\"]\n".to_owned()),
        ("retry/Cargo.toml", "[package]\nname = \"conclave-retry\"\n".to_owned()),
        ("retry/src/lib.rs", docs.to_owned()),
        (
            "tui/Cargo.toml",
            "[package]\nname = \"conclave\"\n[dependencies]\nconclave-retry.workspace = true\n".to_owned(),
        ),
        ("tui/src/lib.rs", docs.to_owned()),
        ("ARCHITECTURE.md", "`retry/` and `tui/`".to_owned()),
    ];
    for path in [
        "README.md",
        "CHANGELOG.md",
        "LICENSE",
        "LICENSE-MIT",
        "LICENSE-APACHE",
        "Cargo.lock",
        ".ci/run",
        "clippy.toml",
    ] {
        files.push((path, "text".to_owned()));
    }
    files
}

/// What is found after each change of one file of the tidy workspace.
fn found(path: &str, text: Option<&str>) -> Vec<(String, &'static str)> {
    let mut files: Vec<SourceFile> = tidy_workspace()
        .into_iter()
        .filter(|(name, _)| *name != path)
        .map(|(name, text)| SourceFile::new(name, text))
        .collect();
    files.extend(text.map(|text| SourceFile::new(path, text)));
    rules::check(&Tree { files }).into_iter().map(|finding| (finding.path, finding.rule)).collect()
}

#[test]
fn every_rule_on_the_tree_can_fail() {
    assert_eq!(found("nothing", None), []);
    let long = format!("//! Docs.\n{}", "fn f() {}\n".repeat(801));
    let package = "[package]\nname = \"conclave-retry\"\n";
    let cases = [
        ("README.md", None, "presence"),
        ("retry/src/lib.rs", Some("//! Short.\n".to_owned()), "crate-docs"),
        ("retry/src/new.rs", Some("fn f() {}\n".to_owned()), "module-docs"),
        ("retry/src/long.rs", Some(long), "length"),
        ("retry/src/utils.rs", Some("//! Docs.\n".to_owned()), "module-name"),
        ("retry/src/common/x.rs", Some("//! Docs.\n".to_owned()), "module-name"),
        ("ARCHITECTURE.md", Some("`retry/` only".to_owned()), "code-map"),
        ("retry/Cargo.toml", Some(format!("{package}[dependencies]\nconclave.workspace = true\n")), "layers"),
        ("retry/Cargo.toml", Some(format!("{package}[dependencies]\nrusqlite = \"0.40\"\n")), "layers"),
        ("retry/Cargo.toml", Some(format!("{package}[dependencies]\ntokio.workspace = true\n")), "layers"),
        (
            "retry/Cargo.toml",
            Some(format!("{package}[dependencies]\nx = {{ package = \"rusqlite\" }}\n")),
            "layers",
        ),
        (
            "retry/Cargo.toml",
            Some(format!("{package}[target.'cfg(unix)'.dependencies]\nrusqlite = \"0.40\"\n")),
            "layers",
        ),
        (
            "retry/Cargo.toml",
            Some(format!("{package}[dependencies]\nconclave-testkit.workspace = true\n")),
            "layers",
        ),
        ("retry/Cargo.toml", Some("[package]\nname = \"other\"\n".to_owned()), "layers"),
        ("retry/Cargo.toml", Some("not TOML".to_owned()), "layers"),
        (
            "tui/Cargo.toml",
            Some("[package]\nname = \"conclave\"\n[dev-dependencies]\nrusqlite = \"0.40\"\n".to_owned()),
            "layers",
        ),
    ];
    for (path, text, rule) in cases {
        assert_eq!(found(path, text.as_deref()), [(path.to_owned(), rule)], "{path} for {rule}");
    }
    let members = "[workspace]\nmembers = [\"retry\", \"tui\", \"new\"]\n";
    let rules: Vec<&str> = found("Cargo.toml", Some(members)).into_iter().map(|(_, rule)| rule).collect();
    assert_eq!(rules, ["layers", "code-map"]);
}

#[test]
fn tests_may_depend_on_the_test_kit_and_a_runtime() {
    let dev = "[package]\nname = \"conclave-retry\"\n[dev-dependencies]\nconclave-testkit.workspace = true\ntokio = \"1\"\n";
    assert_eq!(found("retry/Cargo.toml", Some(dev)), []);
}

#[test]
fn long_files_must_stay_few() {
    let files = |lines: usize, count: usize| {
        (0..count).map(move |n| {
            SourceFile::new(format!("retry/src/m{n}.rs"), format!("//! Docs.\n{}", "\n".repeat(lines)))
        })
    };
    let found = |files: Vec<SourceFile>| {
        let findings = rules::check(&Tree { files }).into_iter().filter(|finding| finding.rule == "lengths");
        findings.map(|finding| finding.advice).collect::<Vec<_>>()
    };
    assert_eq!(found(files(100, 8).chain(files(600, 2)).collect()).len(), 1, "nine of ten are short");
    assert_eq!(found(files(100, 4).chain(files(300, 5)).collect()).len(), 1, "half are short");
    assert_eq!(found(files(100, 19).chain(files(600, 1)).collect()), Vec::<String>::new());
}

#[test]
fn test_modules_inside_a_file_are_known() {
    let text = "//! Docs.\nfn f() {}\n#[cfg(test)]\nmod tests {\n    fn g() { \"}\"; }\n}\nfn h() {}\n#[cfg(test)]\nmod more;\nfn i() {}\n";
    let file = SourceFile::new("retry/src/x.rs", text);
    let tests: Vec<usize> = (1..=10).filter(|line| file.is_test(*line)).collect();
    assert_eq!(tests, [3, 4, 5, 6]);
    assert!(SourceFile::new("retry/src/x/tests.rs", "fn f() {}").is_test(1));
}

#[test]
fn statements_and_prose_are_told_apart() {
    let cases = [
        ("SELECT a FROM b", 1),
        ("select count(*) from b", 1),
        ("\n  INSERT OR IGNORE INTO b VALUES(1)", 1),
        ("PRAGMA user_version", 1),
        ("WITH x AS (SELECT 1) SELECT * FROM x", 1),
        ("UPDATE b SET a = 1", 1),
        ("CREATE TABLE b(a)", 1),
        ("Select a run from the list", 0),
        ("update available", 0),
        ("delete from the list", 0),
        ("create index", 0),
        ("vacuum", 0),
        ("\\nSELECT a FROM b", 1),
        ("\\\n   SELECT a FROM b", 1),
        ("SELECT\\ta FROM b", 1),
        ("SELECT(1)", 1),
        ("(SELECT 1)", 1),
        ("-- all of them\nSELECT a FROM b", 1),
        ("/* all */ DELETE FROM b", 1),
        ("EXPLAIN QUERY PLAN SELECT 1", 1),
        ("VALUES (1)", 1),
        ("REINDEX b", 1),
        ("with a hint", 0),
        ("VALUES", 0),
        ("(select a run)", 0),
        ("-- SELECT", 0),
        ("", 0),
    ];
    for (literal, wanted) in cases {
        let file = SourceFile::new("tui/src/ui/x.rs", format!("//! Docs.\nconst X: &str = \"{literal}\";\n"));
        let found = rules::check(&Tree { files: vec![file] });
        let found = found.iter().filter(|finding| finding.rule == "sql-in-store").count();
        assert_eq!(found, wanted, "{literal:?}");
    }
}

#[test]
fn only_tokios_clock_may_be_asked_elsewhere() {
    let cases = [
        ("use std::time::{Duration, Instant};\nfn f() { Instant::now(); tokio::time::sleep(X); }", 1),
        ("fn f() { std::time::Instant::now(); tokio::time::sleep(X); }", 1),
        ("use tokio::time::Instant;\nfn f() { Instant::now(); SystemTime::now(); }", 2),
        ("use std::time::Duration;\nuse tokio::time::Instant;\nfn f() { Instant::now(); }", 0),
        ("fn f() { tokio::time::Instant::now(); }", 0),
    ];
    for (text, wanted) in cases {
        let mut findings = Vec::new();
        let file = SourceFile::new("core/db/src/x.rs", text.replace(';', ";\n"));
        patterns()
            .filter(|pattern| pattern.rule == "clock")
            .for_each(|pattern| pattern.check(&file, &mut findings));
        assert_eq!(findings.len(), wanted, "{text}");
    }
}

/// What ARCHITECTURE.md calls an invariant, and ways around it that somebody might take without a bad thought.
#[test]
fn nobody_gets_round_an_invariant() {
    let cases = [
        // Time is injected.
        ("retry/src/budget.rs", "use std::time as t;\nfn f() { t::SystemTime::now(); }", "clock"),
        ("retry/src/budget.rs", "use std::time::SystemTime as Wall;", "clock"),
        ("core/db/src/vacuum/daemon.rs", "use std::time::{Duration, Instant as Moment};", "clock"),
        ("core/db/src/vacuum/daemon.rs", "fn f() { SystemTime::UNIX_EPOCH.elapsed(); }", "clock"),
        ("consensus/src/time.rs", "fn f() { jiff::Timestamp::now(); }", "clock"),
        ("tui/src/times.rs", "fn f() { jiff::Zoned::now(); }", "clock"),
        ("core/db/tests/it/pool.rs", "use std::thread::{self, sleep};", "sleep"),
        // No other crate opens a SQLite connection.
        ("consensus/src/store/runs.rs", "use rusqlite::Connection;", "binding"),
        ("tui/src/state.rs", "extern crate rusqlite as sql;", "binding"),
        ("core/db/src/vacuum/mod.rs", "use rusqlite::Connection as Plain;", "open"),
        ("core/db/src/vacuum/mod.rs", "fn f() { SqliteConnectionManager::file(path); }", "open"),
        ("core/db/src/readers.rs", "fn f() { SqliteConnectionManager::memory(); }", "open"),
        // SQL stands in `store` modules, and not in the UI at all.
        ("consensus/src/runs.rs", "const ALL: &str = \"\\\n  SELECT id FROM runs\";", "sql-in-store"),
        ("consensus/src/runs.rs", "fn f() { concat!(\"SELECT \", \"id FROM runs\"); }", "sql-in-store"),
        ("consensus/src/runs.rs", "const ALL: &str = r#\"-- all\nselect id from runs\"#;", "sql-in-store"),
        ("tui/src/store/runs.rs", "const ALL: &str = \"SELECT id FROM runs\";", "sql-in-store"),
        ("tui/src/store/runs.sql", "SELECT id FROM runs", "sql-file-in-store"),
        // Models, updates and views do no I/O.
        ("tui/src/ui/update.rs", "use std::{fs, mem};", "pure-ui"),
        ("tui/src/ui/overlay/mod.rs", "fn f() { std::env::var(name); }", "pure-ui"),
        ("tui/src/ui/document.rs", "use std::io::Read as _;", "pure-ui"),
        ("tui/src/ui/screens/run/model.rs", "fn f(db: &conclave_db::Db) {}", "pure-ui"),
        // Only the binary prints.
        ("core/db/src/output.rs", "fn f() { println!(); }", "print"),
        ("core/db/src/backup/mod.rs", "fn f() { writeln!(io::stderr(), text); }", "print-by-hand"),
        // What hides from the other rules.
        ("retry/src/budget.rs", "#[cfg_attr(unix, allow(dead_code))]\nfn f() {}", "expect-not-allow"),
        ("retry/tests/it/endings.rs", "#[test]\n#[cfg_attr(unix, ignore)]\nfn f() {}", "no-ignored-test"),
    ];
    for (path, text, rule) in cases {
        let docs = if SourceFile::new(path, "text").is_rust() { "//! Docs.\n" } else { "" };
        let found = found(path, Some(&format!("{docs}{text}\n")));
        assert_eq!(found, [(path.to_owned(), rule)], "{text}");
    }
}

/// A dependency that is renamed where the workspace's are named is no other one.
#[test]
fn a_name_that_the_workspace_gives_hides_no_dependency() {
    let root = "[workspace]\nmembers = [\"retry\", \"tui\"]\n[workspace.dependencies]\nlite = { package = \"rusqlite\", version = \"0.40\" }\n";
    let uses = "[package]\nname = \"conclave-retry\"\n[dependencies]\nlite.workspace = true\n";
    let kept =
        tidy_workspace().into_iter().filter(|(name, _)| !["Cargo.toml", "retry/Cargo.toml"].contains(name));
    let mut files: Vec<SourceFile> = kept.map(|(name, text)| SourceFile::new(name, text)).collect();
    files.extend([SourceFile::new("Cargo.toml", root), SourceFile::new("retry/Cargo.toml", uses)]);
    let findings = rules::check(&Tree { files });
    let found: Vec<_> = findings.iter().map(|finding| (finding.path.as_str(), finding.rule)).collect();
    assert_eq!(found, [("retry/Cargo.toml", "layers")]);
}
