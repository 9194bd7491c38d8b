//! Importing `state.json` and `ports.json`: what arrives, what is refused, and what becomes of the file.

use std::path::Path;

use conclave_registry::import::{self, Kind, Observer, Report};
use conclave_registry::{RegistryError, RegistryErrorKind};
use conclave_testkit::SmallDisk;

use crate::files::{Files, column, sql};
use crate::originals::{AGENTS, BLOCKS, PORTS, STATE, agents, blocks, names, write};

/// What the farm's folder holds.
fn farm(files: &Files) -> Vec<String> {
    names(&files.folder.path(".agent-farm"))
}

fn take_over(files: &Files, kind: Kind, file: &Path) -> Result<Option<Report>, RegistryError> {
    let db = if kind == Kind::State { &files.state } else { &files.global };
    import::take_over(db, kind, file, &Observer::default())
}

// runtime-state 8.12
#[test]
fn a_state_file_becomes_rows_and_is_kept_under_another_name() {
    let files = Files::new();
    let file = write(files.folder.root(), "state.json", STATE);
    let report = import::import_state(&files.state, &file).unwrap();
    assert_eq!((report.rows, report.already_present, report.warnings.len()), (5, false, 0), "{report:?}");
    assert_eq!(report.sha256.len(), 64);
    let kept = report.kept_as.unwrap();
    assert_eq!(kept, file.with_file_name("state.json.bak"));
    assert_eq!(std::fs::read(&kept).unwrap(), STATE.as_bytes());
    assert_eq!(farm(&files), ["state.json.bak"]);
    assert_eq!(agents(&files.state), AGENTS);
    // runtime-state 8.7: one format of times; what the file does not say began with the import.
    let times: Vec<String> =
        column(&files.state, "SELECT DISTINCT started_at FROM agents ORDER BY started_at");
    assert_eq!(times, ["2024-01-01T00:00:00.000Z", "2026-07-01T00:00:00.000Z"]);
    let markers: Vec<String> = column(
        &files.state,
        "SELECT concat_ws('|', path, sha256, imported_at, kept_as, archived_at) FROM registry_imports",
    );
    let wanted = format!(
        "{}|{}|2026-07-01T00:00:00.000Z|{}|2026-07-01T00:00:00.000Z",
        file.display(),
        report.sha256,
        kept.display()
    );
    assert_eq!(markers, [wanted]);
    // A second run finds nothing.
    assert_eq!(take_over(&files, Kind::State, &file).unwrap(), None);
}

// runtime-state 8.21
#[test]
fn a_ports_file_becomes_rows_in_all_its_shapes() {
    let legacy = PORTS.replacen("{\"version\":1,\"entries\":", "", 1).replacen("}}}", "}}", 1);
    let zero = PORTS.replacen("\"version\":1", "\"version\":0", 1);
    for text in [PORTS, &legacy, &zero] {
        let files = Files::new();
        let file = write(files.folder.root(), "ports.json", text);
        let report = take_over(&files, Kind::Ports, &file).unwrap().unwrap();
        assert_eq!((report.rows, report.warnings.len()), (2, 0), "{text}");
        assert_eq!(blocks(&files.global), BLOCKS, "{text}");
        assert_eq!(farm(&files), ["ports.json.bak"], "{text}");
    }
}

// runtime-state 8.16
#[test]
fn older_and_later_shapes_are_understood() {
    for (text, wanted, warnings) in [
        (
            r#"{"builders": [{"id": "1", "name": "n", "port": 4210, "pid": 1, "status": "complete", "phase": "x",
                "worktree": "", "branch": ""}]}"#,
            vec!["builder|1|n|spec|complete|x|||4210||1"],
            vec![],
        ),
        (r#"{"architect": null, "builders": null, "utils": null, "annotations": null}"#, vec![], vec![]),
        ("{}", vec![], vec![]),
        (
            "{\"utils\": [{\"id\": \"U1\", \"name\": \"n\", \"port\": 0, \"pid\": 0,\n \"terminalId\": \"t\", \"x\": {\"y\": []}}],\n \"version\": 3}",
            vec!["util|U1|n|util||||0"],
            vec![
                "line 2: utils[0] \"U1\": not taken over, since nobody here knows it: \"terminalId\", \"x\"",
                "line 3: the file: not taken over, since nobody here knows it: \"version\"",
            ],
        ),
        (
            r#"{"annotations": [{"id": "A1", "file": "f", "port": null, "pid": null, "parent": {"type": "architect"}}]}"#,
            vec!["annotation|A1|f|annotation|f|architect|||"],
            vec![],
        ),
    ] {
        let files = Files::new();
        let file = write(files.folder.root(), "state.json", text);
        let report = take_over(&files, Kind::State, &file).unwrap().unwrap();
        assert_eq!(report.warnings, warnings, "{text}");
        assert_eq!(agents(&files.state), wanted, "{text}");
        assert_eq!(farm(&files), ["state.json.bak"], "{text}");
    }
}

// runtime-state 8.18
#[test]
fn a_byte_order_mark_and_line_feeds_of_windows_are_fine() {
    let files = Files::new();
    let text = format!("\u{feff}{}", STATE.replace('\n', "\r\n"));
    let file = write(files.folder.root(), "state.json", &text);
    import::import_state(&files.state, &file).unwrap();
    assert_eq!(agents(&files.state), AGENTS);
    assert_eq!(std::fs::read_to_string(file.with_file_name("state.json.bak")).unwrap(), text);
}

// runtime-state 8.19
#[test]
fn a_copy_of_an_earlier_life_is_not_overwritten() {
    let files = Files::new();
    let file = write(files.folder.root(), "state.json", STATE);
    write(files.folder.root(), "state.json.bak", "mine");
    std::fs::create_dir(file.with_file_name("state.json.bak.1")).unwrap();
    let report = import::import_state(&files.state, &file).unwrap();
    assert_eq!(report.kept_as, Some(file.with_file_name("state.json.bak.2")));
    assert_eq!(std::fs::read_to_string(file.with_file_name("state.json.bak")).unwrap(), "mine");
    assert_eq!(farm(&files), ["state.json.bak", "state.json.bak.1", "state.json.bak.2"]);
}

// runtime-state 8.20
#[test]
fn a_file_that_comes_back_is_left_alone_until_somebody_asks() {
    let files = Files::new();
    let file = write(files.folder.root(), "state.json", STATE);
    import::import_state(&files.state, &file).unwrap();
    // The original still runs, and has written what it knows.
    let other = r#"{"utils": [{"id": "U9", "name": "late", "port": 4239, "pid": 7}]}"#;
    write(files.folder.root(), "state.json", other);
    for _ in 0..2 {
        let report = take_over(&files, Kind::State, &file).unwrap().unwrap();
        assert_eq!((report.rows, report.kept_as, report.warnings.len()), (0, None, 1));
        let explicit = format!("`conclave migrate import {}`", file.display());
        assert!(report.warnings[0].contains(&explicit), "{:?}", report.warnings);
        assert_eq!(std::fs::read_to_string(&file).unwrap(), other);
        assert_eq!(agents(&files.state), AGENTS);
    }
    let report = import::import_state(&files.state, &file).unwrap();
    assert_eq!((report.rows, report.kept_as), (1, Some(file.with_file_name("state.json.bak.1"))));
    assert_eq!(agents(&files.state).len(), 6);
    // The first one once more, byte for byte.
    write(files.folder.root(), "state.json", STATE);
    let report = take_over(&files, Kind::State, &file).unwrap().unwrap();
    assert!(report.warnings[0].contains("as it was imported"), "{:?}", report.warnings);
    let report = import::import_state(&files.state, &file).unwrap();
    assert_eq!((report.rows, report.already_present), (0, true));
    assert_eq!(report.kept_as, Some(file.with_file_name("state.json.bak")), "its copy is there");
    assert_eq!(farm(&files), ["state.json.bak", "state.json.bak.1"]);
}

/// Nothing came of it, and the file is as it was.
fn refused(kind: Kind, text: &str) -> String {
    let files = Files::new();
    let name = if kind == Kind::State { "state.json" } else { "ports.json" };
    let file = write(files.folder.root(), name, text);
    let error = take_over(&files, kind, &file).unwrap_err();
    assert_eq!(error.kind(), RegistryErrorKind::Input, "{text}: {error}");
    assert_eq!(import::check(kind, &file).unwrap_err().to_string(), error.to_string(), "{text}");
    assert_eq!(farm(&files), [name], "{text}");
    assert_eq!(std::fs::read_to_string(&file).unwrap(), text);
    assert_eq!((agents(&files.state).len(), blocks(&files.global).len()), (0, 0), "{text}");
    for db in [&files.state, &files.global] {
        assert_eq!(column::<i64>(db, "SELECT count(*) FROM registry_imports"), [0], "{text}");
    }
    assert_eq!(import::kind_of(&file).unwrap(), Some(kind), "{text}");
    let said = error.to_string();
    said.strip_prefix(&format!("{}: ", file.display())).unwrap_or("names another file").to_owned()
}

// runtime-state 8.13, 8.15 and 8.17
#[test]
fn a_state_file_with_anything_wrong_is_refused_with_its_place() {
    for (text, wanted) in [
        (
            "{\"architect\": null, \"builders\": [",
            "line 1, column 33: the text is cut off: EOF while parsing a list",
        ),
        ("", "line 1, column 1: the file is empty"),
        ("[]", "line 1, column 1: the file: wanted an object, found a list"),
        ("42", "line 1, column 1: the file: wanted an object, found a number"),
        ("null", "line 1, column 1: the file: wanted an object, found null"),
        ("\"\"", "line 1, column 1: the file: wanted an object, found text"),
        ("{\"builders\": {}}", "line 1, column 14: builders: wanted a list, found an object"),
        ("{\"utils\": [\n 7]}", "line 2, column 2: utils[0]: wanted an object, found a number"),
        ("{\"architect\": []}", "line 1, column 15: architect: wanted an object, found a list"),
        (
            "{\"utils\": [], \"utils\": []}",
            "line 1, column 15: the file: the key \"utils\" stands here twice, first in line 1",
        ),
    ] {
        assert_eq!(refused(Kind::State, text), wanted);
    }
    for (from, to, wanted) in [
        (
            "\"port\": 4211",
            "\"port\": 4210",
            "line 12, column 5: builders[1] \"task-aB3x\": field \"port\": 4210 is the port of builders[0] \"0031\" too",
        ),
        (
            "\"port\": 4230",
            "\"port\": 4250",
            "line 18, column 5: annotations[0] \"A001\": field \"port\": 4250 is the port of utils[0] \"U001\" too",
        ),
        (
            "\"blocked\"",
            "\"idle\"",
            "line 12, column 86: builders[1] \"task-aB3x\": field \"status\": \"idle\" is none of spawning, implementing, blocked, pr-ready, complete",
        ),
        (
            "\"status\": \"blocked\", ",
            "",
            "line 12, column 5: builders[1] \"task-aB3x\": field \"status\": is missing",
        ),
        (
            ", \"parent\": {\"type\": \"builder\", \"id\": \"0031\"}",
            "",
            "line 18, column 5: annotations[0] \"A001\": field \"parent\": is missing",
        ),
        (
            "\"type\": \"builder\"",
            "\"type\": \"file\"",
            "line 18, column 94: annotations[0] \"A001\": field \"parent\": field \"type\": \"file\" is none of architect, builder, util",
        ),
        (
            "    \"startedAt\": \"2024-01-01T00:00:00.000Z\",\n",
            "",
            "line 2, column 16: architect: field \"startedAt\": is missing",
        ),
        (
            "\"2024-01-01T00:00:00.000Z\"",
            "\"yesterday\"",
            "line 6, column 18: architect: field \"startedAt\": wanted a time such as \"2024-01-01T00:00:00.000Z\", found \"yesterday\"",
        ),
        (
            "\"id\": \"task-aB3x\"",
            "\"id\": \"0031\"",
            "line 12, column 5: builders[1] \"0031\": field \"id\": \"0031\" is the id of builders[0] \"0031\" too",
        ),
        ("\"id\": \"U001\"", "\"id\": \"\"", "line 16, column 20: utils[0]: field \"id\": is empty"),
        ("\"id\": \"U001\"", "\"id\": null", "line 16, column 13: utils[0]: field \"id\": is missing"),
        (
            "4230",
            "4230.5",
            "line 16, column 57: utils[0] \"U001\": field \"port\": wanted a whole number, found 4230.5",
        ),
        (
            "4230",
            "\"4230\"",
            "line 16, column 57: utils[0] \"U001\": field \"port\": wanted a whole number, found text",
        ),
        (
            "4230",
            "70000",
            "line 16, column 57: utils[0] \"U001\": field \"port\": wanted a port from 1 to 65535, found 70000",
        ),
        (
            "4230",
            "-1",
            "line 16, column 57: utils[0] \"U001\": field \"port\": wanted a port from 1 to 65535, found -1",
        ),
        (
            "9012",
            "1e3",
            "line 16, column 70: utils[0] \"U001\": field \"pid\": wanted a whole number, found 1e3",
        ),
        (
            "\"type\": \"task\"",
            "\"type\": \"pir\"",
            "line 13, column 83: builders[1] \"task-aB3x\": field \"type\": \"pir\" is none of spec, task, protocol, shell, worktree, bugfix",
        ),
    ] {
        let text = STATE.replacen(from, to, 1);
        assert_ne!(text, STATE, "{from}");
        assert_eq!(refused(Kind::State, &text), wanted, "{from} -> {to}");
    }
}

// runtime-state 8.21
#[test]
fn a_ports_file_with_anything_wrong_is_refused_with_its_place() {
    for (text, wanted) in [
        (
            "{\"version\":2,\"entries\":{}}",
            "line 1, column 12: the file: field \"version\": 2 is none that is known here: 0 and 1 are",
        ),
        (
            "{\"version\":\"1\",\"entries\":{}}",
            "line 1, column 12: the file: field \"version\": wanted a whole number, found text",
        ),
        ("{\"entries\":{}}", "line 1, column 1: the file: field \"version\": is missing"),
        ("{\"version\":1}", "line 1, column 1: the file: field \"entries\": is missing"),
        ("[]", "line 1, column 1: the file: wanted an object, found a list"),
        ("{\"/p\": 4200}", "line 1, column 8: \"/p\": wanted an object, found a number"),
        (
            "{\"version\":1,\"entries\":{\"/p\":{\"basePort\":42",
            "line 1, column 43: the text is cut off: EOF while parsing an object",
        ),
    ] {
        assert_eq!(refused(Kind::Ports, text), wanted);
    }
    for (from, to, wanted) in [
        (
            "4400",
            "4250",
            "line 3, column 30: \"/project/two\": field \"basePort\": wanted a multiple of 100 from 4200 to 65400, found 4250",
        ),
        (
            "4400",
            "4100",
            "line 3, column 30: \"/project/two\": field \"basePort\": wanted a multiple of 100 from 4200 to 65400, found 4100",
        ),
        (
            "4400",
            "65500",
            "line 3, column 30: \"/project/two\": field \"basePort\": wanted a multiple of 100 from 4200 to 65400, found 65500",
        ),
        (
            "4400",
            "4200",
            "line 3, column 3: \"/project/two\": field \"basePort\": 4200 is the block of \"/project/one\" too",
        ),
        (
            "\"registered\":\"2024-01-01T00:00:00.000Z\",\"pid\":null",
            "\"pid\":null",
            "line 3, column 18: \"/project/two\": field \"registered\": is missing",
        ),
        (
            "/project/two",
            "proj/",
            "line 3, column 3: \"proj/\": wanted an absolute path, or a name that begins with \"remote:\"",
        ),
        (
            "/project/two",
            "/project/one",
            "line 3, column 3: entries: the key \"/project/one\" stands here twice, first in line 2",
        ),
        (
            "/project/two",
            "/no/such/../folder",
            "line 3, column 3: \"/no/such/../folder\": /no/such/../folder: `..` behind a folder that does not exist",
        ),
        (
            "1234",
            "\"1234\"",
            "line 2, column 119: \"/project/one\": field \"pid\": wanted a whole number, found text",
        ),
    ] {
        let text = PORTS.replacen(from, to, 1);
        assert_ne!(text, PORTS, "{from}");
        assert_eq!(refused(Kind::Ports, &text), wanted, "{from} -> {to}");
    }
}

#[test]
fn two_paths_of_one_project_keep_their_blocks() {
    for link_first in [true, false] {
        let files = Files::new();
        let real = files.project("real");
        let link = files.folder.path("link");
        std::os::unix::fs::symlink(&real, &link).unwrap();
        let (first, second) = if link_first { (&link, &real) } else { (&real, &link) };
        let text = PORTS
            .replace("/project/one", first.to_str().unwrap())
            .replace("/project/two", &format!("{}/", second.to_str().unwrap()));
        let text = text.replace(&format!("{}/", real.display()), real.to_str().unwrap());
        let file = write(files.folder.root(), "ports.json", &text);
        let report = take_over(&files, Kind::Ports, &file).unwrap().unwrap();
        assert_eq!((report.rows, report.warnings.len()), (2, 1), "{report:?}");
        let rows = conclave_registry::ports::list(&files.global).unwrap();
        let of_real = rows.iter().find(|row| row.project == real.to_str().unwrap()).unwrap();
        assert_eq!(of_real.base, if link_first { 4400 } else { 4200 });
        // What the warning says works.
        let said = &report.warnings[0];
        let named =
            said.split("`conclave ports release ").nth(1).and_then(|rest| rest.split('`').next()).unwrap();
        let freed =
            conclave_registry::ports::release(&files.global, Path::new(named), |_| Ok(())).unwrap().unwrap();
        assert_eq!(freed.base, if link_first { 4200 } else { 4400 }, "{said}");
    }
    let files = Files::new();
    let text = PORTS.replace("/project/one", "remote:u@h:/p").replace("/project/two", "remote:u@h:/q/");
    let file = write(files.folder.root(), "ports.json", &text);
    take_over(&files, Kind::Ports, &file).unwrap();
    let rows: Vec<String> =
        column(&files.global, "SELECT project_path FROM port_allocations ORDER BY base_port");
    assert_eq!(rows, ["remote:u@h:/p", "remote:u@h:/q"]);
}

#[test]
fn what_is_there_already_and_differs_is_refused() {
    let files = Files::new();
    for (statement, wanted) in [
        (
            "INSERT INTO utils(id, name) VALUES('U001', 'other')",
            "line 16, column 13: utils[0] \"U001\": the state has the util \"U001\" already",
        ),
        (
            "INSERT INTO utils(id, name, port) VALUES('U7', 'x', 4210)",
            "line 10, column 5: builders[0] \"0031\": field \"port\": 4210 is the port of the util \"U7\" in the state",
        ),
    ] {
        sql(&files.state, &format!("DELETE FROM utils; {statement}"));
        let file = write(files.folder.root(), "state.json", STATE);
        let error = import::import_state(&files.state, &file).unwrap_err().to_string();
        assert!(error.ends_with(wanted), "{error}");
        let checked = import::check_against(&files.state, Kind::State, &file).unwrap_err().to_string();
        assert_eq!(checked, error);
        assert_eq!(agents(&files.state).len(), 1);
        assert_eq!(farm(&files), ["state.json"]);
    }
    std::fs::remove_file(files.folder.path(".agent-farm/state.json")).unwrap();
    for (row, wanted) in [
        (
            "'/other', 4200",
            "line 2, column 3: \"/project/one\": field \"basePort\": the block 4200 is that of /other already",
        ),
        (
            "'/project/two', 4300",
            "line 3, column 3: \"/project/two\": field \"basePort\": 4400 is wanted, and the project has the block 4300 already",
        ),
    ] {
        sql(
            &files.global,
            &format!(
                "DELETE FROM port_allocations; INSERT INTO port_allocations(project_path, base_port) VALUES({row})"
            ),
        );
        let file = write(files.folder.root(), "ports.json", PORTS);
        let error = import::import_ports(&files.global, &file).unwrap_err().to_string();
        assert!(error.ends_with(wanted), "{error}");
        assert_eq!(blocks(&files.global).len(), 1);
    }
    // What is there and the same is no row that was made.
    sql(
        &files.global,
        "DELETE FROM port_allocations; INSERT INTO port_allocations(project_path, base_port) VALUES('/project/two', 4400)",
    );
    let report = import::import_ports(&files.global, &files.folder.path(".agent-farm/ports.json")).unwrap();
    assert_eq!((report.rows, blocks(&files.global).len()), (1, 2));
}

/// A folder that can be closed to everybody, and opened again.
enum Door {
    Rights(std::path::PathBuf),
    Disk(SmallDisk),
}

impl Door {
    fn new(files: &Files) -> Option<Self> {
        let folder = files.project("probe");
        let door = Self::Rights(folder.clone());
        door.open(false);
        let closed = std::fs::write(folder.join("x"), "").is_err();
        door.open(true);
        // Rights mean nothing to the superuser, a disk that is mounted read-only does.
        if closed { Some(Self::Rights(files.project("farm"))) } else { SmallDisk::of(1).map(Self::Disk) }
    }

    fn folder(&self) -> &Path {
        match self {
            Self::Rights(folder) => folder,
            Self::Disk(disk) => disk.path(),
        }
    }

    fn open(&self, open: bool) {
        use std::os::unix::fs::PermissionsExt as _;
        match self {
            Self::Rights(folder) => {
                let mode = if open { 0o700 } else { 0o500 };
                std::fs::set_permissions(folder, std::fs::Permissions::from_mode(mode)).unwrap();
            }
            Self::Disk(disk) => {
                let way = if open { "remount,rw" } else { "remount,ro" };
                let done =
                    std::process::Command::new("mount").args(["-o", way, "none"]).arg(disk.path()).status();
                assert!(done.unwrap().success());
            }
        }
    }
}

// runtime-state 8.24
#[test]
fn a_file_that_cannot_be_put_aside_stays_and_the_next_run_finishes() {
    let files = Files::new();
    let Some(door) = Door::new(&files) else { return };
    let file = std::fs::canonicalize(door.folder()).unwrap().join("state.json");
    std::fs::write(&file, STATE).unwrap();
    door.open(false);
    for round in 0..2 {
        let report = take_over(&files, Kind::State, &file).unwrap().unwrap();
        assert_eq!((report.rows, report.kept_as), (if round == 0 { 5 } else { 0 }, None));
        assert_eq!(report.warnings.len(), 1, "{:?}", report.warnings);
        assert!(
            report.warnings[0].starts_with("is imported, and could not be put aside: "),
            "{:?}",
            report.warnings
        );
        assert_eq!(names(door.folder()), ["state.json"]);
        assert_eq!(agents(&files.state), AGENTS);
    }
    door.open(true);
    let report = take_over(&files, Kind::State, &file).unwrap().unwrap();
    assert_eq!((report.rows, report.already_present, report.warnings.len()), (0, true, 0));
    assert_eq!(names(door.folder()), ["state.json.bak"]);
}

// runtime-state 8.24: a full disk
#[test]
fn a_disk_too_full_for_the_copy_loses_nothing() {
    let Some(disk) = SmallDisk::of(1) else { return };
    let files = Files::new();
    let file = std::fs::canonicalize(disk.path()).unwrap().join("state.json");
    let text = STATE.replace("\"Fix it\"", &format!("\"{}\"", "words ".repeat(20_000)));
    std::fs::write(&file, &text).unwrap();
    disk.fill("ballast", 8192);
    let report = take_over(&files, Kind::State, &file).unwrap().unwrap();
    assert_eq!((report.rows, report.kept_as, report.warnings.len()), (5, None, 1));
    assert_eq!(std::fs::read_to_string(&file).unwrap(), text);
    disk.clear("ballast");
    let report = take_over(&files, Kind::State, &file).unwrap().unwrap();
    assert_eq!(report.kept_as, Some(file.with_file_name("state.json.bak")));
    assert_eq!(names(disk.path()), ["state.json.bak"]);
}

#[test]
fn what_is_no_file_is_an_error_of_the_disk() {
    let files = Files::new();
    let folder = files.project(".agent-farm/state.json");
    let error = take_over(&files, Kind::State, &folder).unwrap_err();
    assert_eq!(error.kind(), RegistryErrorKind::Io, "{error}");
    let missing = files.folder.path("missing.json");
    assert_eq!(import::import_state(&files.state, &missing).unwrap_err().kind(), RegistryErrorKind::Io);
    assert_eq!(take_over(&files, Kind::State, &missing).unwrap(), None);
}

#[test]
fn a_file_is_known_by_what_it_holds() {
    let files = Files::new();
    for (name, text, wanted) in [
        ("x", STATE, Some(Kind::State)),
        ("x", PORTS, Some(Kind::Ports)),
        ("x", "{\"/p\":{\"basePort\":4200}}", Some(Kind::Ports)),
        ("x", "{\"architect\": null, \"buil", Some(Kind::State)),
        ("x", "{\"version\":1,\"entries\":{\"/p\"", Some(Kind::Ports)),
        ("ports.json", STATE, Some(Kind::State)),
        ("state.json", "[]", Some(Kind::State)),
        ("ports.json", "", Some(Kind::Ports)),
        ("x", "", None),
        ("x", "[]", None),
        ("x", "{}", None),
        (
            "x",
            "{\"id\":\"t-1\",\"title\":\"the \\\"builders\\\"\"}\n{\"id\":\"t-2\",\"title\":\"x\"}\n",
            None,
        ),
        ("state.json", "SQLite format 3\0", None),
        ("state.db", "SQLite format 3\0{\"builders\":1}", None),
    ] {
        let file = files.folder.file(name, text.as_bytes());
        assert_eq!(import::kind_of(&file).unwrap(), wanted, "{name} {text}");
    }
}
