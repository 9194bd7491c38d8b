//! The project's state and the machine-wide file, as `conclave db` finds them: both in every scenario.

use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};

use conclave_db::foreign::Client;
use conclave_db::{Db, DbOptions};
use conclave_testkit::UnwritableFolder;
use serde_json::{Value, json};

use crate::scratch::{Done, Scratch, files_below};

/// One of the two files, and how it is named on the command line.
#[derive(Debug, Clone)]
pub(crate) struct Target {
    pub(crate) file: PathBuf,
    pub(crate) words: &'static [&'static str],
    /// A table of it.
    pub(crate) table: &'static str,
}

impl Target {
    pub(crate) fn client(&self) -> Client {
        Client::open(&self.file).unwrap()
    }

    /// The words of a command about this file.
    pub(crate) fn words<'word>(&self, words: &[&'word str]) -> Vec<&'word str> {
        [&["db"], words, self.words].concat()
    }
}

/// A project with both files.
pub(crate) fn both() -> (Scratch, [Target; 2]) {
    let scratch = Scratch::new();
    scratch.ok(&["init"]);
    let global = scratch.path("home/.local/share/conclave/global.db");
    drop(Db::open(DbOptions::new(&global, conclave::state::global_schema().unwrap())).unwrap());
    let state = Target { file: scratch.database(), words: &[], table: "builders" };
    let global = Target { file: global, words: &["--global"], table: "port_allocations" };
    (scratch, [state, global])
}

/// Every file with its bytes, but for the index of the log, in which readers leave their marks.
pub(crate) fn bytes_below(folder: &Path) -> Vec<(PathBuf, Vec<u8>)> {
    let files = files_below(folder).into_iter().filter(|file| !file.to_string_lossy().ends_with("-shm"));
    let files = files.map(|file| (file.clone(), std::fs::read(file).unwrap()));
    // A log without a byte is what a reader leaves beside a file that had none.
    files.filter(|(file, bytes)| !(bytes.is_empty() && file.to_string_lossy().ends_with("-wal"))).collect()
}

/// The words of `conclave db` that only read.
const READING: &[&[&str]] =
    &[&["schema-version"], &["dump"], &["query", "SELECT name FROM sqlite_schema"], &["stats"], &["check"]];

// runtime-state 8.1: the dump has every table of the file.
#[test]
fn a_fresh_file_has_its_tables_and_all_of_them_are_empty() {
    let (scratch, targets) = both();
    for target in &targets {
        let dump = scratch.json(&target.words(&["dump"]));
        let keys: Vec<&String> = dump.as_object().unwrap().keys().collect();
        assert!(keys.is_sorted() && keys.iter().any(|key| *key == target.table), "{keys:?}");
        assert_eq!(dump[target.table], json!([]));
        assert_eq!(dump["lease_holders"], json!([]));
        for internal in ["schema_migrations", "sqlite_sequence", "task_search", "task_search_data"] {
            assert!(dump.get(internal).is_none(), "{internal}");
        }
        let mode = scratch.json(&target.words(&["query", "PRAGMA journal_mode"]));
        assert_eq!(mode, json!([{ "journal_mode": "wal" }]));
        let version = scratch.ok(&target.words(&["schema-version"]));
        let found = &target.client().rows("PRAGMA user_version").unwrap()[0][0];
        let conclave_db::sql::Value::Integer(found) = found else { panic!("{found:?}") };
        assert_eq!(version, format!("version={found}\n"));
        assert_eq!(scratch.json(&target.words(&["schema-version"])), json!({ "version": found }));
    }
    for table in ["annotations", "architect", "builders", "utils"] {
        assert_eq!(scratch.json(&["db", "dump"])[table], json!([]));
    }
    let indexes = "SELECT name FROM sqlite_schema WHERE name IN
        ('idx_builders_status', 'idx_builders_port', 'builders_updated_at') ORDER BY name";
    assert_eq!(scratch.json(&["db", "query", indexes]).as_array().unwrap().len(), 3);
}

// runtime-state 8.8
#[test]
fn a_newer_file_is_named_with_both_versions_and_not_touched() {
    let (scratch, targets) = both();
    for target in &targets {
        let wanted: i64 = scratch.json(&target.words(&["schema-version"]))["version"].as_i64().unwrap();
        target.client().run("PRAGMA user_version=9999; PRAGMA wal_checkpoint(TRUNCATE)").unwrap();
        let folder = target.file.parent().unwrap();
        let before = bytes_below(folder);
        for words in [READING, &[&["vacuum"], &["checkpoint"]]].concat() {
            let done = scratch.run(&target.words(words));
            let error = done.refused(3);
            assert!(error.contains("9999") && error.contains(&wanted.to_string()), "{words:?}: {error}");
            assert!(done.stderr.contains("hint: update this program"), "{}", done.stderr);
        }
        assert!(bytes_below(folder) == before, "something changed");
    }
}

/// An older file is shown by what looks at it as it is; to look is no reason to migrate.
#[test]
fn an_older_file_is_shown_as_it_is() {
    let scratch = Scratch::new();
    std::fs::create_dir(scratch.project().join(".conclave")).unwrap();
    std::fs::copy(scratch.fixture(), scratch.database()).unwrap();
    let before = std::fs::read(scratch.database()).unwrap();
    assert_eq!(scratch.ok(&["db", "schema-version"]), "version=0\n");
    let rows = scratch.json(&["db", "query", "SELECT count(*) AS n FROM consensus_artifacts"]);
    let dump = scratch.json(&["db", "dump"]);
    assert_eq!(json!(dump["consensus_artifacts"].as_array().unwrap().len()), rows[0]["n"]);
    assert!(std::fs::read(scratch.database()).unwrap() == before);
}

// runtime-state 8.9
#[test]
fn a_broken_file_is_named_and_an_empty_one_is_none_yet() {
    let (scratch, targets) = both();
    for target in &targets {
        for suffix in ["-wal", "-shm"] {
            let _ = std::fs::remove_file(format!("{}{suffix}", target.file.display()));
        }
        std::fs::write(&target.file, "no database at all\n".repeat(500)).unwrap();
        let before = std::fs::read(&target.file).unwrap();
        for words in READING {
            let done = scratch.run(&target.words(words));
            assert!(done.refused(3).contains(target.file.to_str().unwrap()), "{words:?}: {}", done.stderr);
            let one_document = |text: &str| serde_json::from_str::<Value>(text).is_ok();
            let done = scratch.run(&[&target.words(words)[..], &["--json"]].concat());
            assert!(one_document(done.text()), "{words:?}: {}", done.text());
        }
        assert!(std::fs::read(&target.file).unwrap() == before);
        std::fs::write(&target.file, "").unwrap();
        assert_eq!(scratch.json(&target.words(&["dump"])), json!({}));
        std::fs::remove_file(&target.file).unwrap();
        std::fs::create_dir(&target.file).unwrap();
        for words in READING {
            assert!(scratch.run(&target.words(words)).refused(3).contains("is a folder"), "{words:?}");
        }
    }
}

// runtime-state 8.11
#[test]
fn folders_and_files_are_for_their_owner_alone() {
    let scratch = Scratch::new();
    let made = Done::of(
        scratch.shell(&format!("umask 022; exec '{}' init", env!("CARGO_BIN_EXE_conclave"))).arg("sh"),
    );
    assert_eq!(made.code, Some(0), "{}", made.stderr);
    let mode = |path: &Path| std::fs::metadata(path).unwrap().permissions().mode() & 0o777;
    assert_eq!(mode(scratch.database().parent().unwrap()), 0o700);
    let db = Db::open(DbOptions::new(scratch.database(), conclave::state::schema().unwrap())).unwrap();
    let files = files_below(scratch.database().parent().unwrap());
    let of_state: Vec<&PathBuf> =
        files.iter().filter(|file| file.to_string_lossy().contains("state.db")).collect();
    assert!(of_state.iter().any(|file| file.to_string_lossy().ends_with("-wal")), "{of_state:?}");
    for file in of_state {
        assert_eq!(mode(file), 0o600, "{}", file.display());
    }
    drop(db);
}

// runtime-state 8.37
#[test]
fn who_reads_does_not_wait_for_who_writes() {
    let (scratch, targets) = both();
    let writers: Vec<Client> = targets.iter().map(Target::client).collect();
    for (writer, target) in writers.iter().zip(&targets) {
        writer.run("BEGIN IMMEDIATE").unwrap();
        writer.run(&format!("UPDATE lease_clock SET wall_high_ms = {}", i64::MAX)).unwrap();
        let seen = scratch.json(&target.words(&["query", "SELECT wall_high_ms AS at FROM lease_clock"]));
        assert_eq!(seen, json!([{ "at": 0 }]), "what is not committed is not seen");
    }
    for target in &targets {
        for words in READING {
            scratch.ok(&target.words(words));
        }
    }
    for words in [
        &["status"][..],
        &["agents"],
        &["ports", "list"],
        &["lease", "list"],
        &["lease", "list", "--global"],
        &["lease", "status", "--lock-name", "L"],
    ] {
        scratch.ok(words);
    }
    for writer in writers {
        writer.run("ROLLBACK").unwrap();
    }
}

// runtime-state 8.40
#[test]
fn stats_count_what_is_there_and_the_log_too() {
    let (scratch, targets) = both();
    for target in &targets {
        let client = target.client();
        client.run("CREATE TABLE \"odd name\"(a); INSERT INTO \"odd name\" VALUES (1), (2), (3)").unwrap();
        let stats = scratch.json(&target.words(&["stats"]));
        for (table, rows) in stats["tables"].as_object().unwrap() {
            let counted = client.rows(&format!("SELECT count(*) FROM \"{table}\"")).unwrap();
            assert_eq!(json!(rows), json!(integer(&counted[0][0])), "{table}");
        }
        assert_eq!(stats["tables"]["odd name"], 3);
        let bytes =
            |suffix: &str| std::fs::metadata(format!("{}{suffix}", target.file.display())).unwrap().len();
        assert!(bytes("-wal") > 0, "this client has it open");
        assert_eq!(stats["total_bytes"], json!(bytes("") + bytes("-wal")));
        let page = scratch.ok(&target.words(&["stats"]));
        assert!(page.contains("3  odd name\n") && page.contains("together "), "{page}");
    }
}

fn integer(value: &conclave_db::sql::Value) -> i64 {
    match value {
        conclave_db::sql::Value::Integer(number) => *number,
        other => panic!("{other:?}"),
    }
}

#[test]
fn a_folder_that_cannot_be_written_is_read() {
    let (scratch, targets) = both();
    scratch.ok(&["db", "checkpoint", "--truncate"]);
    let copied = UnwritableFolder::filled(|folder| {
        std::fs::copy(&targets[0].file, folder.join("state.db")).unwrap();
    });
    let Some(folder) = copied else { return };
    let before = files_below(folder.path());
    let folder_name = folder.path().to_str().unwrap();
    for words in READING {
        let done = scratch.run(&[&["--state-dir", folder_name, "db"], *words].concat());
        // The check finds fault with the folder.
        assert!(done.code == Some(0) || words == &["check"], "{words:?}: {}", done.stderr);
    }
    let done =
        scratch.run(&["--state-dir", folder_name, "db", "query", "SELECT count(*) AS n FROM builders"]);
    assert_eq!(done.text(), "[\n{\"n\":0}\n]\n");
    assert!(done.stderr.contains("read as it lies"), "{}", done.stderr);
    assert_eq!(files_below(folder.path()), before, "nothing was put beside it");
}

#[test]
fn the_machine_wide_file_is_checked_too() {
    let (scratch, [_, global]) = both();
    let checks = scratch.json(&["db", "check", "--global"]);
    assert!(
        checks["checks"].as_array().unwrap().iter().any(|check| check["name"] == "integrity"),
        "{checks}"
    );
    std::fs::remove_file(&global.file).unwrap();
    assert_eq!(scratch.json(&["db", "check", "--global"])["checks"], json!([]));
}
