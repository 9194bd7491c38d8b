//! Two clones that have changed the same file, merged by git through our driver.

use std::path::Path;
use std::process::Command;

use conclave_db::{Db, DbOptions};
use conclave_tasks::exchange::{self, Limits, Order};
use conclave_tasks::merge::{self, MergeOptions};
use conclave_tasks::record::Line;
use conclave_testkit::{TempProject, skipped};

use crate::project::schema;

/// The driver as git starts it: `PROGRAM task merge BASE OURS THEIRS -o OURS`.
fn drive(words: &str) {
    let words: Vec<&str> = words.split(' ').collect();
    let &["task", "merge", base, left, right, "-o", out] = words.as_slice() else {
        return assert!(words.is_empty(), "{words:?}");
    };
    let [base, left, right] =
        [base, left, right].map(|file| exchange::read_file(Path::new(file), Limits::default()).unwrap());
    let merged = merge::merge_files(&base, &left, &right, Order::Id, &MergeOptions::new(0)).unwrap();
    std::fs::write(out, merged.bytes).unwrap();
}

fn git(folder: &Path, words: &[&str]) -> String {
    let mut command = Command::new("git");
    for variable in ["GIT_DIR", "GIT_WORK_TREE", "GIT_INDEX_FILE"] {
        command.env_remove(variable);
    }
    let ran = command
        .args(["-c", "user.name=Ana", "-c", "user.email=ana@example.org"])
        .current_dir(folder)
        .args(words)
        .output()
        .unwrap();
    let said = [ran.stdout, ran.stderr].concat();
    let said = String::from_utf8_lossy(&said).into_owned();
    assert!(ran.status.success(), "git {words:?}: {said}");
    said
}

#[test]
fn diverged_clones_lose_nothing() {
    if let Ok(words) = std::env::var("CONCLAVE_MERGE_WORDS") {
        return drive(&words);
    }
    if Command::new("git").arg("--version").output().is_err() {
        return skipped("there is no git");
    }
    let folder = TempProject::new();
    // The test itself is the driver, under a name that `sh` must be told with quotes.
    let program = folder.file(
        "bin/it's a driver",
        format!(
            "#!/bin/sh\nCONCLAVE_MERGE_WORDS=\"$*\" exec '{}' git::diverged_clones_lose_nothing --exact >/dev/null\n",
            std::env::current_exe().unwrap().display()
        )
        .as_bytes(),
    );
    std::fs::set_permissions(&program, std::os::unix::fs::PermissionsExt::from_mode(0o755)).unwrap();

    let origin = folder.folder("origin");
    git(&origin, &["init", "-q", "-b", "main"]);
    let installed = merge::install(&origin, &["*.jsonl".to_owned()], &program.display().to_string()).unwrap();
    assert_eq!(installed.attributes, origin.join(".gitattributes"));
    let task = |id: &str, day: u8, more: &str| {
        format!("{{\"id\":\"{id}\",\"updated_at\":\"2026-01-0{day}T00:00:00Z\"{more}}}")
    };
    let comment = |who: &str, day: u8| {
        format!(
            "{{\"id\":1,\"author\":\"{who}\",\"text\":\"by {who}\",\"created_at\":\"2026-01-0{day}T00:00:00Z\"}}"
        )
    };
    let edge = |on: &str| format!("{{\"issue_id\":\"a\",\"depends_on_id\":\"{on}\",\"type\":\"blocks\"}}");
    let unchanged = "{ \"id\":\"z\", \"n\":1e3, \"t\":\"\\u003c\" }";
    let write = |lines: &[&str], message: &str| {
        std::fs::write(origin.join("tasks.jsonl"), lines.join("\n") + "\n").unwrap();
        git(&origin, &["add", "-A"]);
        git(&origin, &["commit", "-q", "-m", message]);
    };
    write(
        &[
            &task("a", 1, ",\"title\":\"A\",\"labels\":[\"old\"]"),
            &task("b", 1, ""),
            &task("c", 1, ""),
            unchanged,
        ],
        "base",
    );
    git(&origin, &["checkout", "-q", "-b", "theirs"]);
    let theirs = format!(
        ",\"title\":\"A\",\"priority\":0,\"labels\":[\"old\",\"theirs\"],\"dependencies\":[{}],\"comments\":[{}]",
        edge("b"),
        comment("theirs", 3)
    );
    write(
        &[&task("a", 3, &theirs), &task("b", 1, ""), &task("new-theirs", 3, ""), unchanged],
        "theirs: a changed, c removed",
    );
    git(&origin, &["checkout", "-q", "main"]);
    let ours = format!(
        ",\"title\":\"ours\",\"labels\":[\"ours\"],\"dependencies\":[{}],\"comments\":[{}]",
        edge("missing"),
        comment("ours", 2)
    );
    write(
        &[
            &task("a", 2, &ours),
            &task("b", 2, ",\"status\":\"closed\""),
            &task("c", 1, ""),
            &task("new-ours", 2, ""),
            unchanged,
        ],
        "ours: a and b changed",
    );
    git(&origin, &["merge", "-q", "--no-edit", "theirs"]);

    let merged = exchange::read_file(&origin.join("tasks.jsonl"), Limits::default()).unwrap();
    merged.refuse_bad().unwrap();
    let records: Vec<_> = merged
        .good
        .iter()
        .map(|(_, line)| match line {
            Line::Task(record) => record.clone(),
            Line::Other(other) => panic!("{other:?}"),
        })
        .collect();
    let ids: Vec<&str> = records.iter().map(conclave_tasks::record::Record::id).collect();
    assert_eq!(ids, ["a", "b", "new-ours", "new-theirs", "z"]);
    let a = records[0].projection();
    assert_eq!((a.title.as_deref(), a.priority), (Some("ours"), Some(0)));
    assert_eq!(a.labels, ["ours", "theirs"], "`old` was removed by ours");
    assert_eq!(a.dependencies.iter().map(|edge| edge.target.as_str()).collect::<Vec<_>>(), ["missing", "b"]);
    let authors: Vec<_> = a.comments.iter().filter_map(|comment| comment.author.clone()).collect();
    assert_eq!(authors, ["ours", "theirs"]);
    assert_eq!(records[1].projection().status.as_deref(), Some("closed"));
    assert_eq!(records[4].bytes(), unchanged.as_bytes());
    // And it comes into a store.
    let db = Db::open(DbOptions::new(folder.path("state.db"), schema())).unwrap();
    let report = exchange::import(&db, "ana", merged, exchange::ImportOptions::default()).unwrap();
    assert_eq!(report.created, 5);
}

#[test]
fn a_driver_that_is_gone_or_refuses_leaves_markers() {
    if Command::new("git").arg("--version").output().is_err() {
        return skipped("there is no git");
    }
    for program in ["/nowhere/conclave", "false"] {
        let folder = TempProject::new();
        let clone = folder.root();
        git(clone, &["init", "-q", "-b", "main"]);
        merge::install(clone, &["*.jsonl".to_owned()], program).unwrap();
        let write = |lines: &str, message: &str| {
            std::fs::write(clone.join("tasks.jsonl"), lines).unwrap();
            git(clone, &["add", "-A"]);
            git(clone, &["commit", "-q", "-m", message]);
        };
        write("{\"id\":\"a\"}\n", "base");
        git(clone, &["checkout", "-q", "-b", "theirs"]);
        write("{\"id\":\"a\"}\n{\"id\":\"theirs\"}\n", "theirs");
        git(clone, &["checkout", "-q", "main"]);
        write("{\"id\":\"a\"}\n{\"id\":\"ours\"}\n", "ours");
        let merged = Command::new("git").current_dir(clone).args(["merge", "-q", "theirs"]).output().unwrap();
        assert!(!merged.status.success(), "{program}");
        let file = exchange::read_file(&clone.join("tasks.jsonl"), Limits::default()).unwrap();
        let error = file.refuse_bad().unwrap_err().to_string();
        assert!(error.contains("conflict marker") && file.good.len() == 3, "{program}: {error}");
    }
}
