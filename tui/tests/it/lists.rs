//! Lists and single runs, as scripts and people read them.

use std::os::unix::ffi::OsStrExt as _;

use serde_json::{Value, json};

use crate::scratch::Scratch;

/// What every run has in JSON, in a list and alone.
pub(crate) const KEYS: [&str; 13] = [
    "id",
    "run_key",
    "spec",
    "stage",
    "status",
    "consensus_ok",
    "degraded",
    "recorded",
    "output_count",
    "agents",
    "started_at",
    "updated_at",
    "source",
];

fn ids(list: &Value) -> Vec<i64> {
    list.as_array().unwrap().iter().map(|run| run["id"].as_i64().unwrap()).collect()
}

#[test]
fn a_run_in_a_list_has_every_key() {
    let scratch = Scratch::with_runs();
    let list = scratch.json(&["runs", "list"]);
    for run in list.as_array().unwrap() {
        for key in KEYS {
            assert!(run.get(key).is_some(), "{key}: {run}");
        }
        assert!(run["started_at"].is_null() || run["started_at"].as_str().unwrap().ends_with('Z'));
        assert!(run["agents"].as_array().unwrap().iter().all(Value::is_string));
    }
    let times: Vec<Option<&str>> =
        list.as_array().unwrap().iter().map(|run| run["started_at"].as_str()).collect();
    let mut sorted = times.clone();
    sorted.sort_by_key(|time| std::cmp::Reverse(*time));
    assert_eq!(times, sorted, "newest first, unknown last");
}

#[test]
fn lists_are_narrowed_and_cut() {
    let scratch = Scratch::with_runs();
    let all = ids(&scratch.json(&["runs", "list"]));
    assert_eq!(all.len(), 10);
    assert_eq!(ids(&scratch.json(&["runs", "list", "--limit", "3"])), all[..3]);
    assert_eq!(ids(&scratch.json(&["runs", "list", "--limit", "1000"])), all);
    assert_eq!(scratch.json(&["runs", "list", "--spec", "S1"]).as_array().unwrap().len(), 5);
    assert_eq!(scratch.json(&["runs", "list", "--stage", "spec-tasks"]).as_array().unwrap().len(), 1);
    assert_eq!(ids(&scratch.json(&["runs", "list", "--status", "ok"])), Vec::<i64>::new());
    let cut = scratch.run(&["runs", "list", "--limit", "2"]);
    assert!(cut.stderr.contains("--limit"), "{}", cut.stderr);
    assert_eq!(cut.text().lines().count(), 3, "the heading and two runs");
}

#[test]
fn a_run_is_found_by_number_key_and_prefix() {
    let scratch = Scratch::with_runs();
    let list = scratch.json(&["runs", "list"]);
    let run_a = list.as_array().unwrap().iter().filter(|run| run["run_key"] == "run_A").collect::<Vec<_>>();
    assert_eq!(run_a.len(), 2, "one key, two stages");
    let id = run_a.iter().find(|run| run["stage"] == "tasks").unwrap()["id"].clone();
    assert_eq!(scratch.json(&["runs", "show", "run_A/tasks"])["id"], id);
    assert_eq!(scratch.json(&["runs", "show", &id.to_string()])["id"], id);
    assert_eq!(scratch.json(&["runs", "show", "run_B"])["run_key"], "run_B");
    for ambiguous in ["run_", "run_A"] {
        let done = scratch.run(&["runs", "show", ambiguous]);
        assert!(done.refused(2).contains("run_A/plan"), "the candidates are named: {}", done.stderr);
    }
    for unknown in ["99", "nothing", "", "run_A/audit", "-1"] {
        scratch.run(&["runs", "show", "--", unknown]).refused(1);
    }
}

#[test]
fn a_run_has_its_outputs_whole() {
    let scratch = Scratch::with_runs();
    let run = scratch.json(&["runs", "show", "run_A/plan"]);
    let outputs = run["outputs"].as_array().unwrap();
    assert_eq!(outputs.len(), 4);
    for output in outputs {
        for key in [
            "id",
            "agent",
            "model_version",
            "attempt",
            "sequence",
            "state",
            "bytes",
            "valid_json",
            "content",
            "response_text",
            "completed_at",
        ] {
            assert!(output.get(key).is_some(), "{key}");
        }
    }
    assert!(run.get("verdict").is_some() && run.get("synthesis").is_some());
    let text = scratch.ok(&["runs", "show", "run_A/plan"]);
    assert!(text.contains("gemini-2.5-pro") && text.contains("run_A"), "{text}");
}

/// What the answers make of a run stands beside what was recorded, in lists, in words and in JSON.
#[test]
fn a_verdict_is_printed_beside_the_recorded_claim() {
    let scratch = Scratch::new();
    let fixture = scratch.fixture();
    let answers = r#"
      INSERT INTO consensus_artifacts(spec_id, stage, agent_name, content_json, run_id) VALUES
      ('S9', 'spec-unlock', 'gemini', '{"unlock_decision":"go","risks":[{"severity":"high"}],"n":1}', 'judged'),
      ('S9', 'spec-unlock', 'claude', '{"unlock_decision":"hold","risks":[{"severity":"high"}],"n":1,
        "conflicts":["wait for the rows"]}', 'judged'),
      ('S9', 'spec-unlock', 'code', '', 'judged');
      INSERT INTO consensus_synthesis(spec_id, stage, output_markdown, status, degraded, run_id)
      VALUES('S9', 'spec-unlock', '# S', 'ok', 0, 'judged');"#;
    conclave_db::foreign::run(&fixture, answers).unwrap();
    scratch.ok(&["migrate", "import", fixture.to_str().unwrap()]);
    let run = scratch.json(&["runs", "show", "judged"]);
    assert_eq!((&run["status"], &run["recorded"]), (&json!("conflict"), &json!("ok")));
    assert_eq!(run["verdict"]["status"], "conflict");
    assert_eq!(run["verdict"]["missing"], json!(["code"]));
    assert_eq!(scratch.json(&["runs", "list", "--status", "conflict"])[0]["id"], run["id"]);
    assert_eq!(scratch.json(&["runs", "list", "--status", "ok"]), json!([]));
    let text = scratch.ok(&["runs", "show", "judged"]);
    for line in [
        "status    ✗ conflict",
        "recorded  ok",
        "reason    agents differ on unlock_decision; claude names 1 conflict",
        "2 of 3 answers count, quorum 2 · agents agree on 2 of 3 fields · 1 split · score 0.8333 · 2 families",
        "unlock_decision  ✗ tie     claude: hold · gemini: go",
        "risks            ✓ 2 of 2  1 item",
        "  claude: \"wait for the rows\"",
        "  unlock_decision: claude: hold · gemini: go",
        "missing: code answered nothing · required fields found: unlock_decision",
    ] {
        assert!(text.contains(line), "{line}\n{text}");
    }
}

#[test]
fn an_output_is_byte_exact() {
    let scratch = Scratch::with_runs();
    let raw = |words: &[&str]| scratch.run(&[&["runs", "output"], words, &["--raw"]].concat());
    assert_eq!(
        raw(&["run_A/plan", "gemini", "--sequence", "1"]).stdout,
        br#"{"agent":"gemini","model":"gemini-2.5-pro"}"#
    );
    assert_eq!(raw(&["run_A/plan", "gemini"]).stdout, br#"{"dup":1}"#, "the newest by default");
    assert_eq!(raw(&["run_A/plan", "gpt_pro"]).stdout, b"", "an empty one is empty");
    assert_eq!(raw(&["run_A/tasks", "code"]).stdout, b"{ \"id\": string }");
    assert_eq!(scratch.ok(&["runs", "output", "run_A/tasks", "code"]), "{ \"id\": string }\n");
    let document = scratch.json(&["runs", "output", "run_A/plan", "gemini", "--sequence", "1"]);
    assert_eq!((&document["valid_json"], &document["response_text"]), (&json!(true), &json!("raw")));
    let done = scratch.run(&["runs", "output", "run_A/plan", "nobody"]);
    done.refused(1);
    assert!(done.stderr.contains("hint: it has outputs of claude, gemini, gpt_pro"), "{}", done.stderr);
    raw(&["run_A/plan", "gemini", "--attempt", "7"]).refused(1);
}

/// A legacy row may hold any bytes as its agent's name.
#[test]
fn an_output_of_an_agent_whose_name_is_no_text_is_found() {
    let scratch = Scratch::new();
    let fixture = scratch.fixture();
    let row = "INSERT INTO consensus_artifacts(spec_id, stage, agent_name, content_json, run_id)
      VALUES('S', 'plan', CAST(x'61ff' AS TEXT), 'odd', 'odd-run')";
    conclave_db::foreign::run(&fixture, row).unwrap();
    scratch.ok(&["migrate", "import", fixture.to_str().unwrap()]);
    let name = std::ffi::OsStr::from_bytes(b"a\xff");
    let words = ["runs", "output", "odd-run"].map(std::ffi::OsStr::new);
    let done = scratch.run(&[&words[..], &[name, "--raw".as_ref()]].concat());
    assert_eq!((done.code, done.stdout), (Some(0), b"odd".to_vec()), "{}", done.stderr);
    scratch.run(&[&words[..], &["a".as_ref()]].concat()).refused(1);
}

#[test]
fn an_export_is_one_document_and_one_page() {
    let scratch = Scratch::with_runs();
    let report = scratch.json(&["runs", "export", "run_A/plan", "--dir", "out"]);
    let files: Vec<&str> =
        report["files"].as_array().unwrap().iter().map(|file| file.as_str().unwrap()).collect();
    assert_eq!(files.len(), 2);
    for file in &files {
        assert!(
            std::path::Path::new(file).starts_with(scratch.project().canonicalize().unwrap().join("out")),
            "{file}"
        );
    }
    let json = files.iter().find(|file| file.ends_with(".json")).unwrap();
    let run: Value = serde_json::from_slice(&std::fs::read(json).unwrap()).unwrap();
    assert_eq!(run["run_key"], "run_A");
    assert!(files.iter().any(|file| file.ends_with(".md")));
}

fn set_phase(scratch: &Scratch, phase: u8) {
    let step = format!("UPDATE migration_state SET phase = {phase}");
    conclave_db::foreign::run(&scratch.database(), &step).unwrap();
}

/// Which side a read believes makes no difference to who reads, as long as both are equal.
#[test]
fn every_phase_prints_the_same() {
    let scratch = Scratch::with_runs();
    conclave_db::foreign::run(
        &scratch.database(),
        "INSERT INTO consensus_synthesis(spec_id, stage, output_markdown, status, degraded, run_id, created_at)
           VALUES('S1', 'spec-plan', '# A', 'conflict', 1, 'run_A', '2025-11-11 02:33:25');
         INSERT INTO agent_executions(agent_id, spec_id, stage, phase_type, agent_name, run_id, spawned_at)
           VALUES('x-1', 'S1', 'spec-plan', 'regular_stage', 'gemini', 'run_A', '2025-11-11 02:33:00');",
    )
    .unwrap();
    let list = scratch.json(&["runs", "list"]);
    let printed = || {
        let mut all = vec![scratch.ok(&["runs", "list"]), scratch.ok(&["runs", "list", "--json"])];
        for run in list.as_array().unwrap() {
            let id = run["id"].to_string();
            all.push(scratch.ok(&["runs", "show", &id]));
            all.push(scratch.ok(&["runs", "show", &id, "--json"]));
            for agent in run["agents"].as_array().unwrap() {
                all.push(scratch.ok(&["runs", "output", &id, agent.as_str().unwrap(), "--raw"]));
            }
        }
        all
    };
    let first = printed();
    assert!(first.iter().any(|text| text.contains("conflict")), "the synthesis is read");
    for phase in [2, 3, 4] {
        set_phase(&scratch, phase);
        assert_eq!(printed(), first, "phase {phase}");
    }
}

#[test]
fn a_run_that_only_legacy_rows_know_is_listed_and_shown() {
    let scratch = Scratch::with_runs();
    set_phase(&scratch, 3);
    conclave_db::foreign::run(
        &scratch.database(),
        "DROP TRIGGER capture_consensus_artifacts_insert;
         INSERT INTO consensus_artifacts(spec_id, stage, agent_name, content_json, run_id, created_at)
           VALUES('S9', 'spec-plan', 'late', '{\"late\":1}', 'run_Z', '2030-01-01 00:00:00');",
    )
    .unwrap();
    let list = scratch.json(&["runs", "list"]);
    assert_eq!(list.as_array().unwrap().len(), 11);
    let id = list[0]["id"].as_i64().unwrap().to_string();
    assert_eq!((list[0]["run_key"].as_str(), id.starts_with('-')), (Some("run_Z"), true));
    for name in [id.as_str(), "run_Z"] {
        assert_eq!(scratch.json(&["runs", "show", name])["outputs"][0]["agent"], "late");
        assert_eq!(scratch.ok(&["runs", "output", name, "late", "--raw"]), "{\"late\":1}");
    }
}
