//! Whatever is given: one line, the right exit code, and no byte changed.

use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;

use serde_json::Value;

use crate::scratch::{Done, Scratch, files_below};

/// `user_version` in the header of a database file (<https://sqlite.org/fileformat.html#user_version_number>).
const USER_VERSION: usize = 60;
/// `application_id` in the header.
const APPLICATION_ID: usize = 68;

fn patch(file: &Path, at: usize, value: u32) {
    let mut bytes = std::fs::read(file).unwrap();
    bytes[at..at + 4].copy_from_slice(&value.to_be_bytes());
    std::fs::write(file, bytes).unwrap();
}

#[test]
fn sources_that_cannot_be_imported_are_refused_and_nothing_is_made() {
    let scratch = Scratch::new();
    let sources = scratch.path("sources");
    std::fs::create_dir_all(sources.join("folder")).unwrap();
    std::fs::write(sources.join("hello"), "hello, not a db!").unwrap();
    std::fs::write(sources.join("short"), "x").unwrap();
    std::fs::write(sources.join("empty"), "").unwrap();
    let before = files_below(&sources);
    for (name, codes) in
        // What is too short to be a database is an empty one to SQLite.
        [("hello", &[3][..]), ("folder", &[3]), ("missing", &[3]), ("short", &[2]), ("empty", &[2])]
    {
        let done = scratch.run(&["migrate", "import", sources.join(name).to_str().unwrap()]);
        let code = done.code.unwrap();
        assert!(codes.contains(&code), "{name}: {code} {}", done.stderr);
        assert!(done.refused(code).contains(name), "{}", done.stderr);
        assert_eq!(
            files_below(&scratch.project()),
            Vec::<std::path::PathBuf>::new(),
            "{name} made something"
        );
    }
    assert_eq!(files_below(&sources), before, "something lies beside the sources");
    assert_eq!(std::fs::read(sources.join("hello")).unwrap(), b"hello, not a db!");
}

#[test]
fn a_damaged_input_is_not_taken_for_damaged_state() {
    let scratch = Scratch::new();
    scratch.ok(&["init"]);
    let file = scratch.fixture();
    let mut bytes = std::fs::read(&file).unwrap();
    // The kind of the schema's first page.
    bytes[100] = 0xff;
    std::fs::write(&file, bytes).unwrap();
    let file = file.to_str().unwrap();
    for (words, names) in
        [(["migrate", "import", file], "this input file"), (["db", "restore", file], "this backup")]
    {
        let done = scratch.run(&words);
        done.refused(3);
        assert!(done.stderr.contains(names), "{words:?}: {}", done.stderr);
        assert!(!done.stderr.contains("newest backup"), "{words:?}: {}", done.stderr);
    }
}

/// A way to spoil a state file, the exit code, and what the message must name.
type Spoiled = (&'static str, fn(&Path), i32, &'static str);

const SPOILED: &[Spoiled] = &[
    ("garbage", |file| std::fs::write(file, b"garbage".repeat(3000)).unwrap(), 3, "not a database"),
    ("newer", |file| patch(file, USER_VERSION, 9999), 3, "9999"),
    ("another program's", |file| patch(file, APPLICATION_ID, 77), 3, "77"),
    (
        "a folder",
        |file| {
            std::fs::remove_file(file).unwrap();
            std::fs::create_dir(file).unwrap();
        },
        3,
        "folder",
    ),
];

#[test]
fn a_state_file_that_cannot_be_used_is_named_and_not_touched() {
    for (what, spoil, code, names) in SPOILED {
        let scratch = Scratch::new();
        scratch.ok(&["init"]);
        let file = scratch.database();
        spoil(&file);
        let before = file.is_file().then(|| std::fs::read(&file).unwrap());
        for words in
            [&["runs", "list"][..], &["init"], &["status"], &["migrate"], &["doctor"], &["db", "vacuum"]]
        {
            let done = scratch.run(words);
            let error = done.refused(*code);
            assert!(error.contains(names), "{what}, {words:?}: {error}");
            let after = file.is_file().then(|| std::fs::read(&file).unwrap());
            assert!(after == before, "{what}, {words:?}: the file was touched");
        }
    }
}

#[test]
fn a_broken_state_says_the_way_out_and_the_way_leads_out() {
    let scratch = Scratch::with_runs();
    let junk = || std::fs::write(scratch.database(), b"garbage".repeat(3000)).unwrap();
    let kept = scratch.path("kept.db");
    scratch.ok(&["db", "backup", kept.to_str().unwrap()]);
    junk();
    let without = scratch.run(&["status"]);
    assert!(without.stderr.contains("`conclave db restore FILE`"), "{}", without.stderr);
    scratch.ok(&["db", "restore", kept.to_str().unwrap()]);
    scratch.ok(&["db", "backup"]);
    junk();
    let done = scratch.run(&["doctor", "--json"]);
    let document: Value = serde_json::from_str(done.text()).unwrap();
    let check = &document["checks"][0];
    assert_eq!((&check["name"], &check["state"]), (&"state".into(), &"fail".into()), "{document}");
    assert!(check["advice"].as_str().unwrap().contains("`conclave db restore` puts the newest"), "{check}");
    assert!(document["error"]["kind"].is_string(), "{document}");
    done.refused(3);
    let done = scratch.run(&["doctor"]);
    assert!(done.text().contains("fail  state") && done.stderr.contains("db restore"), "{done:?}");
    scratch.ok(&["db", "restore"]);
    assert_eq!(scratch.json(&["runs", "list"]).as_array().unwrap().len(), 10);
}

/// What is to be done stands beside what went wrong.
#[test]
fn failures_come_with_advice() {
    let scratch = Scratch::with_runs();
    let (taken, broken) = (scratch.path("taken.db"), scratch.path("broken.toml"));
    std::fs::write(&taken, "x").unwrap();
    std::fs::write(&broken, "[ui\n").unwrap();
    let (taken, broken) = (taken.to_str().unwrap(), broken.to_str().unwrap());
    for (words, advice) in [
        (&["runs", "export", "1", "--dir", "/proc"][..], "--dir DIR"),
        (&["db", "backup", taken], "not there yet"),
        (&["db", "restore", ".conclave/state.db"], "`conclave db restore FILE`"),
        (&["--config", "/nope", "status"], "`--config`"),
        (&["--config", broken, "status"], "mend this line"),
        (
            &["runs", "output", "run_A/plan", "gemini", "--sequence", "9"],
            "gemini has attempt 1 with sequence 1-",
        ),
    ] {
        let done = scratch.run(words);
        assert!(!done.stderr.contains(".export-"), "{words:?}: {}", done.stderr);
        let hint = done.stderr.lines().find_map(|line| line.strip_prefix("hint: "));
        assert!(hint.is_some_and(|hint| hint.contains(advice)), "{words:?}: {}", done.stderr);
    }
    let empty = Scratch::new();
    empty.ok(&["init"]);
    assert!(empty.run(&["runs", "show", "1"]).stderr.contains("there are no runs yet"));
    let shell = empty.run(&["completions", "tcsh"]);
    assert!(shell.stderr.contains("bash") && !shell.stderr.contains("similar"), "{}", shell.stderr);
    let limit = empty.run(&["runs", "list", "--limit", "x"]);
    assert!(limit.stderr.contains("whole number"), "{}", limit.stderr);
}

#[test]
fn a_backup_of_nothing_is_none() {
    let scratch = Scratch::new();
    scratch.run(&["db", "backup"]).refused(1);
    assert_eq!(files_below(&scratch.project()), Vec::<std::path::PathBuf>::new());
}

#[test]
fn a_state_that_may_not_be_written_can_be_read() {
    let scratch = Scratch::with_runs();
    let folder = scratch.project().join(".conclave");
    let rights = |mode| std::fs::set_permissions(&folder, std::fs::Permissions::from_mode(mode)).unwrap();
    for file in files_below(&folder) {
        std::fs::set_permissions(file, std::fs::Permissions::from_mode(0o400)).unwrap();
    }
    rights(0o500);
    // Root may write everywhere: then there is nothing to refuse.
    let is_root = std::fs::write(folder.join("probe"), "").is_ok();
    if is_root {
        conclave_testkit::skipped("root may write everywhere");
    } else {
        assert_eq!(scratch.json(&["runs", "list"]).as_array().unwrap().len(), 10);
        scratch.run(&["migrate", "backfill"]).refused(3);
    }
    rights(0o700);
}

#[test]
fn a_wrong_line_is_one_error_and_a_hint() {
    let scratch = Scratch::new();
    for words in [
        &["runs", "list", "--no-such-flag"][..],
        &["runs", "list", "--limit", "0"],
        &["runs", "list", "--limit", "x"],
        &["runs", "list", "--status", "fine"],
        &["runs"],
        &["frobnicate"],
        &["migrate", "import"],
        &["--actor", "a b", "status"],
        &["--color", "maybe", "status"],
        &["completions", "tcsh"],
        &["runs", "show"],
        &["--config", "/nowhere/c.toml", "status"],
    ] {
        let done = scratch.run(words);
        done.refused(2);
        let hints = done.stderr.lines().filter(|line| line.starts_with("hint: ")).count();
        assert!(hints <= 1 && done.stderr.lines().count() == 1 + hints, "{words:?}: {}", done.stderr);
        assert!(done.stdout.is_empty(), "{words:?}");
    }
    assert_eq!(files_below(&scratch.project()), Vec::<std::path::PathBuf>::new());
}

#[test]
fn with_json_a_failure_is_one_document_as_well() {
    let scratch = Scratch::new();
    scratch.ok(&["init"]);
    let failing: [&[&str]; 4] = [
        &["runs", "list", "--limit", "0"],
        &["runs", "show", "99"],
        &["migrate", "import", "/none"],
        &["nonsense"],
    ];
    for words in failing {
        let done = scratch.run(&[words, &["--json"]].concat());
        let document: Value =
            serde_json::from_str(done.text()).unwrap_or_else(|error| panic!("{words:?}: {error}"));
        let error = document.get("error").unwrap();
        assert!(error["kind"].is_string() && error["message"].is_string(), "{words:?}: {error}");
        assert!(error.get("hint").is_some(), "{words:?}");
        done.refused(done.code.unwrap());
    }
}

/// One block (512 bytes or 1 KiB) is less than a page of the database.
#[test]
fn a_limit_on_file_sizes_is_an_error_and_no_sudden_end() {
    let scratch = Scratch::new();
    let script = format!("ulimit -f 1; exec '{}' init --json", env!("CARGO_BIN_EXE_conclave"));
    let done = Done::of(&mut scratch.shell(&script));
    let document: Value = serde_json::from_str(done.text()).unwrap();
    assert!(document["error"]["kind"].is_string(), "{document}");
    done.refused(3);
}

#[test]
fn odd_names_are_taken_as_they_are() {
    use std::os::unix::ffi::OsStrExt as _;
    let scratch = Scratch::new();
    let odd = scratch.path("no utf8").join(std::ffi::OsStr::from_bytes(b"\xff\xfe\nx"));
    std::fs::create_dir_all(&odd).unwrap();
    let run = |words: &[&str]| Done::of(scratch.command().current_dir(&odd).args(words));
    assert_eq!(run(&["init"]).code, Some(0));
    assert_eq!(run(&["status", "--json"]).code, Some(0));
    let missing = odd.join(std::ffi::OsStr::from_bytes(b"gone\x1b[31m"));
    let done = Done::of(scratch.command().arg("migrate").arg("import").arg(&missing));
    let error = done.refused(3);
    assert!(!error.contains('\u{1b}'), "escapes are shown, never sent: {error:?}");
    let refused = Done::of(scratch.command().arg(std::ffi::OsStr::from_bytes(b"\xff")));
    refused.refused(2);
}

#[test]
fn without_a_terminal_the_ui_says_what_works() {
    let scratch = Scratch::new();
    let done = scratch.run::<&str>(&[]);
    let error = done.refused(2);
    assert!(error.contains("conclave status"), "{error}");
    assert_eq!(done.stderr.lines().count(), 1, "one line: {}", done.stderr);
    assert_eq!(scratch.files(), Vec::<std::path::PathBuf>::new());
}
