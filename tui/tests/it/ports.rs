//! `conclave ports`, in the real binary.

use std::path::{Path, PathBuf};
use std::process::{Child, Output, Stdio};

use conclave_db::sql::FromSql;
use conclave_db::{Db, DbOptions};
use serde_json::{Value, json};

use crate::scratch::{Done, Scratch};

fn base(done: &Done) -> u64 {
    assert_eq!(done.code, Some(0), "{}", done.stderr);
    done.text().trim().parse().unwrap()
}

fn get(scratch: &Scratch, folder: &Path) -> Done {
    Done::of(scratch.command().current_dir(folder).args(["ports", "get"]))
}

fn folder(scratch: &Scratch, name: &str) -> PathBuf {
    let folder = scratch.path(name);
    std::fs::create_dir_all(&folder).unwrap();
    std::fs::canonicalize(folder).unwrap()
}

fn machine(scratch: &Scratch) -> PathBuf {
    scratch.path("home").join(".local/share/conclave/global.db")
}

/// One column of the machine-wide file.
fn column<T: FromSql>(scratch: &Scratch, query: &str) -> Vec<T> {
    let options = DbOptions::new(machine(scratch), conclave::state::global_schema().unwrap());
    Db::open(options).unwrap().read(|conn| conn.query_all(query, [], |row| row.get(0))).unwrap()
}

/// Every file but the log, which a command that writes has begun.
fn files(scratch: &Scratch) -> Vec<PathBuf> {
    let mut files = scratch.files();
    files.retain(|file| !file.ends_with("conclave.log"));
    files
}

// runtime-state 8.25, 8.26 and 8.29
#[test]
fn a_project_has_one_block_and_asking_for_it_makes_no_state() {
    let scratch = Scratch::new();
    let before = files(&scratch);
    let listed = scratch.run(&["ports", "list", "--json"]);
    assert_eq!((listed.code, listed.text()), (Some(0), "[]\n"));
    assert!(listed.stderr.contains("no state here"), "{}", listed.stderr);
    assert_eq!(scratch.json(&["ports", "cleanup"]), json!({ "removed": [], "remaining": 0 }));
    scratch.run(&["ports", "release"]).refused(1);
    assert_eq!(files(&scratch), before, "nothing was made");

    let done = scratch.run(&["ports", "get"]);
    assert_eq!((done.text(), done.stderr.as_str()), ("4200\n", ""));
    let root = std::fs::canonicalize(scratch.project()).unwrap();
    let wanted = json!({ "project": root, "base": 4200, "count": 100 });
    assert_eq!(scratch.json(&["ports", "get"]), wanted);
    assert!(!scratch.project().join(".conclave").exists());
    for (n, wanted) in [4300, 4400, 4500, 4600].into_iter().enumerate() {
        assert_eq!(base(&get(&scratch, &folder(&scratch, &format!("other{n}")))), wanted);
    }
    scratch.ok(&["init"]);
    let sub = folder(&scratch, "p/sub/deep");
    std::os::unix::fs::symlink(&root, scratch.path("link")).unwrap();
    for same in [root.clone(), sub, scratch.path("link"), root.join("../p")] {
        assert_eq!(base(&get(&scratch, &same)), 4200, "{}", same.display());
    }
    let listed = scratch.json(&["ports", "list"]);
    let bases: Vec<&Value> = listed.as_array().unwrap().iter().map(|row| &row["base"]).collect();
    assert_eq!(bases, [4200, 4300, 4400, 4500, 4600]);
    let first = &listed[0];
    assert_eq!(
        (&first["project"], &first["pid"], &first["exists"]),
        (&json!(root), &Value::Null, &json!(true))
    );
    assert!(first["last_used_at"].as_str().unwrap() > first["registered_at"].as_str().unwrap(), "{first}");
    let text = scratch.ok(&["ports", "list"]);
    assert!(text.contains("4200-4299") && text.lines().count() == 6, "{text}");
}

// runtime-state 8.27 and 8.28
#[test]
fn a_used_up_registry_says_so_and_still_works() {
    let scratch = Scratch::new();
    let gone = folder(&scratch, "gone");
    assert_eq!(base(&get(&scratch, &gone)), 4200);
    let options = DbOptions::new(machine(&scratch), conclave::state::global_schema().unwrap());
    let fill = "WITH RECURSIVE n(base) AS (SELECT 4300 UNION ALL SELECT base + 100 FROM n WHERE base < 9900)
        INSERT INTO port_allocations(project_path, base_port) SELECT 'remote:' || base, base FROM n WHERE base <> 5000";
    Db::open(options).unwrap().write("test", move |tx| tx.execute(fill, [])).unwrap();
    let done = scratch.run(&["ports", "get"]);
    let wanted = "error: get a block of ports: no available port blocks (57 of 57 in use)";
    assert_eq!(done.refused(1), wanted);
    assert!(done.stderr.contains("hint: `conclave ports cleanup`"), "{}", done.stderr);
    assert_eq!(scratch.json(&["ports", "list"]).as_array().unwrap().len(), 57);
    assert_eq!(scratch.json(&["ports", "cleanup"]), json!({ "removed": [], "remaining": 57 }));
    scratch.ok(&["status"]);
    // The hint, word by word.
    std::fs::remove_dir(&gone).unwrap();
    assert_eq!(
        scratch.ok(&["ports", "cleanup"]),
        format!("freed the block of {}\n56 blocks are taken\n", gone.display())
    );
    assert_eq!(base(&scratch.run(&["ports", "get"])), 4200);
    assert_eq!(get(&scratch, &folder(&scratch, "another")).code, Some(1));
    let released = scratch.json(&["ports", "release", "remote:7700/"]);
    assert_eq!(released, json!({ "project": "remote:7700/", "base": 7700, "count": 100 }));
    assert_eq!(base(&get(&scratch, &folder(&scratch, "another"))), 7700);
}

// runtime-state 8.31
#[test]
fn a_wrong_base_is_refused_before_there_is_a_file() {
    let scratch = Scratch::new();
    let before = files(&scratch);
    for wrong in ["3000", "4250", "abc", "65500", " 4200"] {
        let done = Done::of(scratch.command().env("CONCLAVE_BASE_PORT", wrong).args(["ports", "get"]));
        let wanted = format!(
            "error: CONCLAVE_BASE_PORT: {wrong:?} is no base of ports: a multiple of 100 from 4200 to 65400 is"
        );
        assert_eq!(done.refused(2), wanted);
    }
    assert_eq!(files(&scratch), before, "nothing was made");
    let user = folder(&scratch, "home/.config/conclave");
    std::fs::write(user.join("config.toml"), "[ports]\nbase = 20000\n").unwrap();
    assert_eq!(base(&scratch.run(&["ports", "get"])), 20000);
    let other = folder(&scratch, "other");
    let done = Done::of(
        scratch.command().current_dir(other).env("CONCLAVE_BASE_PORT", "30000").args(["ports", "get"]),
    );
    assert_eq!(base(&done), 30000, "the environment goes before the file");
    assert_eq!(scratch.json(&["ports", "list"])[0]["base"], 20000);
}

#[test]
fn a_block_is_released_unless_an_agent_lives_on_it() {
    let scratch = Scratch::new();
    scratch.ok(&["init"]);
    let root = std::fs::canonicalize(scratch.project()).unwrap();
    assert_eq!(base(&scratch.run(&["ports", "get"])), 4200);
    let insert = |rows: String| {
        let options = DbOptions::new(scratch.database(), conclave::state::schema().unwrap());
        Db::open(options).unwrap().write("test", move |tx| tx.execute_batch(&rows)).unwrap();
    };
    // Of one of them nothing lives, of the other nobody can say: its pid is in use.
    insert("INSERT INTO builders(id, name, port, pid) VALUES('dead', 'd', 4211, 999999999)".to_owned());
    insert(format!(
        "INSERT INTO builders(id, name, port, pid) VALUES('b7', 'x', 4210, {})",
        std::process::id()
    ));
    let sub = folder(&scratch, "p/sub");
    let elsewhere = folder(&scratch, "elsewhere");
    for (from, words) in [(&root, vec![]), (&sub, vec![]), (&elsewhere, vec![root.to_str().unwrap()])] {
        let done = Done::of(scratch.command().current_dir(from).args(["ports", "release"]).args(words));
        assert_eq!(
            done.refused(1),
            "error: release the block of ports: builder b7 lives and has the port 4210"
        );
        assert!(done.stderr.contains("`conclave stop b7`"), "{}", done.stderr);
    }
    let failure: Value =
        serde_json::from_slice(&scratch.run(&["ports", "release", "--json"]).stdout).unwrap();
    assert_eq!(failure["error"]["kind"], "refused");
    insert("UPDATE builders SET port = 4310 WHERE id = 'b7'".to_owned());
    assert_eq!(
        scratch.ok(&["ports", "release", "sub"]),
        format!("released 4200-4299, the block of {}\n", root.display())
    );
    let done = scratch.run(&["ports", "release"]);
    assert_eq!(done.refused(1), "error: release the block of ports: no block of ports for this project");
    // One that is gone, by its path.
    assert_eq!(base(&get(&scratch, &elsewhere)), 4200);
    std::fs::remove_dir(&elsewhere).unwrap();
    scratch.ok(&["ports", "release", "../elsewhere"]);
    assert_eq!(scratch.json(&["ports", "list"]), json!([]));
    scratch.run(&["--read-only", "ports", "get"]).refused(2);
}

fn started(scratch: &Scratch, folder: &Path) -> Child {
    let mut command = scratch.command();
    command.current_dir(folder).args(["ports", "get"]).stdout(Stdio::piped()).stderr(Stdio::piped());
    command.spawn().unwrap()
}

// runtime-state 8.22 and 8.23
#[test]
fn processes_that_start_at_once_get_different_blocks() {
    for ports in [true, false] {
        let scratch = Scratch::new();
        if ports {
            let farm = folder(&scratch, "home/.agent-farm");
            let text = r#"{"version":1,"entries":{"/project/one":{"basePort":4300,"registered":"2024-01-01T00:00:00.000Z"}}}"#;
            std::fs::write(farm.join("ports.json"), text).unwrap();
        }
        let projects: Vec<PathBuf> = (0..12).map(|n| folder(&scratch, &format!("r{n}"))).collect();
        let running: Vec<Child> = projects.iter().map(|project| started(&scratch, project)).collect();
        let mut bases = std::collections::BTreeSet::new();
        for process in running {
            let Output { status, stdout, stderr } = process.wait_with_output().unwrap();
            assert!(status.success(), "{}", String::from_utf8_lossy(&stderr));
            bases.insert(String::from_utf8(stdout).unwrap());
        }
        assert_eq!(bases.len(), 12, "{bases:?}");
        assert!(!ports || !bases.contains("4300\n"), "{bases:?}");
        let rows: Vec<String> =
            column(&scratch, "SELECT project_path FROM port_allocations WHERE base_port = 4300");
        assert_eq!(rows.len(), 1);
        let farm = scratch.path("home/.agent-farm");
        assert_eq!((farm.join("ports.json").exists(), farm.join("ports.json.bak").exists()), (false, ports));
        assert!(!farm.join("ports.json.bak.1").exists());
    }
}

#[test]
fn a_block_stays_while_any_agent_has_a_port_of_it() {
    let scratch = Scratch::new();
    scratch.ok(&["init"]);
    let id = scratch.json(&["spawn", "--shell"])["id"].as_str().unwrap().to_owned();
    let done = scratch.run(&["ports", "release"]);
    let wanted = format!("error: release the block of ports: builder {id} is registered with the port 4210");
    assert_eq!(done.refused(1), wanted);
    scratch.ok(&["stop", &id]);
    scratch.ok(&["ports", "release"]);
    // A file from before the block was given, or none at all: the agents say which one it was.
    let id = scratch.json(&["spawn", "--shell"])["id"].as_str().unwrap().to_owned();
    let options = DbOptions::new(machine(&scratch), conclave::state::global_schema().unwrap());
    Db::open(options).unwrap().write("test", |tx| tx.execute("DELETE FROM port_allocations", [])).unwrap();
    let elsewhere = folder(&scratch, "elsewhere");
    assert_eq!(base(&scratch.run(&["ports", "get"])), 4200);
    assert_eq!(base(&get(&scratch, &elsewhere)), 4300);
    // Another project was first.
    let swap = "UPDATE port_allocations SET base_port = 4400 WHERE base_port = 4200";
    let options = DbOptions::new(machine(&scratch), conclave::state::global_schema().unwrap());
    Db::open(options).unwrap().write("test", |tx| tx.execute(swap, [])).unwrap();
    let done = scratch.run(&["spawn", "--shell", "--json"]);
    assert_eq!(done.code, Some(0), "{}", done.stderr);
    let wanted = format!(
        "{id} has the port 4210, and the project's block is 4400-4499: another project may get it; \
         `conclave stop {id}` frees it"
    );
    assert!(done.stderr.contains(&wanted), "{}", done.stderr);
    assert_eq!(serde_json::from_slice::<Value>(&done.stdout).unwrap()["port"], 4410);
}

#[test]
fn agents_of_two_states_of_one_project_get_different_ports() {
    let scratch = Scratch::new();
    let states: Vec<PathBuf> = ["a", "b"].map(|name| scratch.path(name)).into();
    let spawn = |state: &Path| scratch.json(&["--state-dir", state.to_str().unwrap(), "spawn", "--shell"]);
    let ports: Vec<Value> = states.iter().map(|state| spawn(state)["port"].clone()).collect();
    assert_eq!(ports, [4210, 4310]);
    let known: Vec<Value> = scratch
        .json(&["ports", "list"])
        .as_array()
        .unwrap()
        .iter()
        .map(|row| row["project"].clone())
        .collect();
    let wanted: Vec<PathBuf> = states.iter().map(|state| std::fs::canonicalize(state).unwrap()).collect();
    assert_eq!(known, wanted.iter().map(|state| json!(state)).collect::<Vec<_>>());
    assert_eq!(base(&scratch.run(&["ports", "get"])), 4400, "that of the state where it usually lies");
    // By the name in the list, from anywhere: it is the agents of that state that count.
    let done = scratch.run(&["ports", "release", wanted[0].to_str().unwrap()]);
    assert!(done.refused(1).ends_with("is registered with the port 4210"), "{}", done.stderr);
    scratch.ok(&["ports", "release"]);
}
