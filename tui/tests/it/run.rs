//! `conclave run` with real child processes.

use serde_json::{Value, json};

use crate::asking::{agent, answers, plan, planner};
use crate::lists::KEYS;
use crate::scratch::{Done, Scratch, files_below};
use crate::terminal::Session;

/// Runs the stage plan of a spec with a prompt in a file.
fn plan_of(scratch: &Scratch, more: &[&str]) -> Done {
    let file = scratch.path("prompt");
    std::fs::write(&file, "do it").unwrap();
    let words = ["run", "S-1", "--stage", "plan", "--prompt", file.to_str().unwrap()];
    scratch.run(&[&words, more].concat())
}

fn only_run(scratch: &Scratch) -> Value {
    let runs = scratch.json(&["runs", "list"]);
    assert_eq!(runs.as_array().unwrap().len(), 1, "{runs}");
    scratch.json(&["runs", "show", "1"])
}

#[test]
fn agents_that_agree_are_ok() {
    let scratch = Scratch::configured(&(planner("a") + &planner("b")));
    let done = plan_of(&scratch, &[]);
    assert_eq!(done.code, Some(0), "{}", done.stderr);
    assert!(done.text().starts_with("ok  S-1 plan (run 1)"), "{}", done.text());
    for said in ["a: started, attempt 1 of 3", "a: answered", "b: answered", "asking a, b"] {
        assert!(done.stderr.contains(said), "{said}: {}", done.stderr);
    }
    let run = only_run(&scratch);
    assert_eq!(
        (&run["status"], &run["consensus_ok"], &run["degraded"]),
        (&json!("ok"), &json!(true), &json!(false))
    );
    assert_eq!(run["verdict"]["status"], "ok");
    assert_eq!(run["outputs"].as_array().unwrap().len(), 2);
    assert_eq!(run["settings"]["prompt"], "do it");
    assert_eq!(run["settings"]["actor"], "tester");
    assert!(run["synthesis"].is_object(), "{run}");
}

#[test]
fn with_json_a_run_is_one_document() {
    let scratch = Scratch::configured(&planner("a"));
    let done = plan_of(&scratch, &["--json"]);
    assert_eq!(done.code, Some(0), "{}", done.stderr);
    let run: Value = serde_json::from_str(done.text()).unwrap();
    for key in KEYS.into_iter().chain(["outputs", "verdict", "synthesis"]) {
        assert!(run.get(key).is_some(), "{key}: {run}");
    }
    assert_eq!((&run["spec"], &run["stage"], &run["agents"]), (&json!("S-1"), &json!("plan"), &json!(["a"])));
    assert_eq!(
        (&run["status"], &run["recorded"]),
        (&json!("ok"), &json!(null)),
        "nobody else claims anything"
    );
}

#[test]
fn contradiction_is_a_conflict() {
    let says = |name: &str, decision: &str| {
        agent(name, &answers(&format!(r#"{{"stage":"unlock","unlock_decision":"{decision}"}}"#)), "")
    };
    let scratch = Scratch::configured(&(says("a", "UNLOCK") + &says("b", "BLOCK")));
    let done = scratch.run(&["run", "S-1", "--stage", "spec-unlock"]);
    assert_eq!(done.code, Some(1), "{}", done.stderr);
    assert!(done.text().starts_with("conflict  S-1 unlock"), "{}", done.text());
    assert!(done.text().contains("unlock_decision: "), "{}", done.text());
    let listed = answers(&plan(r#""consensus":{"conflicts":["the port"]}"#));
    let scratch = Scratch::configured(&(planner("a") + &agent("b", &listed, "")));
    let done = plan_of(&scratch, &[]);
    assert_eq!(done.code, Some(1));
    assert!(done.text().contains("b: \"the port\""), "{}", done.text());
}

#[test]
fn whoever_fails_is_missing_and_too_few_are_insufficient() {
    let fails = |name: &str| agent(name, "echo 'no such account' >&2; exit 1", "retries = 0");
    let scratch = Scratch::configured(&(planner("a") + &planner("b") + &fails("c")));
    let done = plan_of(&scratch, &[]);
    assert_eq!(done.code, Some(1));
    assert!(done.text().starts_with("degraded"), "{}", done.text());
    assert!(done.text().contains("c: ") && done.text().contains("no such account"), "{}", done.text());
    assert_eq!(plan_of(&scratch, &["--agents", "a,b"]).code, Some(0));
    let done = plan_of(&scratch, &["--agents", "a,c"]);
    assert!(done.text().starts_with("insufficient"), "all of two are needed: {}", done.text());
    let done = plan_of(&scratch, &["--agents", "a,c", "--quorum", "1"]);
    assert!(done.text().starts_with("degraded"), "{}", done.text());
    plan_of(&scratch, &["--agents", "a", "--quorum", "2"]).refused(2);
}

#[test]
fn what_is_asked_has_an_order_of_precedence() {
    let scratch = Scratch::configured(&agent("a", &format!("cat > asked; {}", answers(&plan(""))), ""));
    let folder = scratch.project().join(".conclave");
    let asked = |words: &[&str]| {
        let done = scratch.run(&[&["run", "S-9", "--stage", "plan"], words].concat());
        assert_eq!(done.code, Some(0), "{}", done.stderr);
        std::fs::read_to_string(scratch.project().join("asked")).unwrap()
    };
    let built_in = asked(&[]);
    assert!(built_in.contains("work_breakdown") && built_in.contains("S-9"), "{built_in}");
    std::fs::create_dir(folder.join("prompts")).unwrap();
    std::fs::write(folder.join("prompts/plan.md"), "of the project").unwrap();
    let keys = "\n\nAnswer with one JSON object and nothing else. It must have at least these keys: \
                \"work_breakdown\", \"acceptance_mapping\"\n";
    assert_eq!(asked(&[]), format!("of the project{keys}"), "the built-in one asks for them itself");
    let config = std::fs::read_to_string(folder.join("config.toml")).unwrap();
    scratch.configure(&format!("{config}[stages.spec-plan]\nprompt = 'of the configuration'\n"));
    assert_eq!(asked(&[]), format!("of the configuration{keys}"));
    std::fs::write(scratch.project().join("p.txt"), b"of the file \xff").unwrap();
    let done = scratch.run(&["run", "S-9", "--stage", "plan", "--prompt", "p.txt"]);
    assert_eq!(done.code, Some(0), "{}", done.stderr);
    let bytes = std::fs::read(scratch.project().join("asked")).unwrap();
    assert_eq!(bytes, [b"of the file \xff", keys.as_bytes()].concat(), "byte for byte");
}

#[test]
fn a_prompt_that_cannot_be_is_refused_before_anything_is_made() {
    let scratch = Scratch::configured(&planner("a"));
    std::fs::write(scratch.path("empty"), " \n").unwrap();
    let (empty, folder, missing) = (scratch.path("empty"), scratch.path("home"), scratch.path("none"));
    for (file, code) in [(&empty, 2), (&folder, 3), (&missing, 3), (&"-".into(), 2)] {
        let done = scratch.run(&["run", "S", "--stage", "plan", "--prompt", file.to_str().unwrap()]);
        assert!(done.refused(code).contains("prompt"), "{}", done.stderr);
    }
    let done = scratch.run(&["run", "S", "--stage", "my-own"]);
    assert!(done.refused(2).contains("\"my-own\""), "{}", done.stderr);
    assert!(!scratch.database().exists());
}

#[test]
fn a_line_that_makes_no_sense_is_refused() {
    let scratch = Scratch::configured(&planner("a"));
    for words in [
        &["run"][..],
        &["run", "S"],
        &["run", "", "--stage", "plan"],
        &["run", "S", "--stage", ""],
        &["run", "S", "--stage", "plan", "--timeout", "0s"],
        &["run", "S", "--stage", "plan", "--timeout", "-1s"],
        &["run", "S", "--stage", "plan", "--timeout", "99999999999999999999d"],
        &["run", "S", "--stage", "plan", "--quorum", "0"],
        &["run", "S", "--stage", "plan", "--accept", "most"],
        &["run", "S", "--stage", "plan", "--agents", ""],
        &["run", "S", "--stage", "plan", "--agents", "nobody"],
        &["run", "S", "--stage", "plan", "--agents", "a,a"],
        &["run", "S", "--stage", "plan", "--run-key", ""],
        &["run", "S", "--stage", "plan", "--read-only"],
        &["auto", "S", "--read-only"],
        &["auto", "S", "--from", "nowhere"],
        &["resume", "--read-only"],
        &["runs", "delete", "1", "--read-only"],
        &["runs", "answer", "1", "Q-1"],
        &["runs", "diff", "1", "a"],
    ] {
        scratch.run(words).refused(2);
    }
    assert!(!scratch.database().exists());
}

#[test]
fn who_is_not_installed_is_named_before_anything_starts() {
    let more = "[[agents]]\nname = 'b'\ncommand = ['/nowhere/agent']\n[[agents]]\nname = 'codex'\n";
    let scratch = Scratch::configured(&(agent("a", "touch started", "") + more));
    let done = Done::of(scratch.command().env("PATH", "/usr/bin:/bin").args(["run", "S", "--stage", "plan"]));
    let error = done.refused(2);
    assert!(error.contains("b (\"/nowhere/agent\")") && error.contains("codex"), "{error}");
    assert!(!scratch.project().join("started").exists() && !scratch.database().exists());
    let scratch = Scratch::new();
    let done = Done::of(scratch.command().env("PATH", "/nowhere").args(["run", "S", "--stage", "plan"]));
    assert!(done.refused(2).contains("no agents"), "{}", done.stderr);
    assert!(done.stderr.contains("conclave demo"), "{}", done.stderr);
    assert_eq!(files_below(&scratch.project()), Vec::<std::path::PathBuf>::new());
}

#[test]
fn mistakes_in_the_configuration_are_named_with_their_place() {
    let scratch = Scratch::configured("[[agents]]\nname = 'a'\ncommand = ['sh']\ncolour = 'x'\n");
    let done = scratch.run(&["run", "S", "--stage", "plan"]);
    assert!(done.refused(2).contains("config.toml:4:1: agents.colour: no such key"), "{}", done.stderr);
}

#[test]
fn an_agent_is_asked_again_and_says_why() {
    let script = format!(
        "test -e once || {{ touch once; echo '503 Service Unavailable' >&2; exit 1; }}; {}",
        answers(&plan(""))
    );
    let scratch = Scratch::configured(&agent("a", &script, ""));
    let done = plan_of(&scratch, &[]);
    assert_eq!(done.code, Some(0), "{}", done.stderr);
    assert!(
        done.stderr.contains("a: attempt 1 failed") && done.stderr.contains("a: attempt 2 in "),
        "{}",
        done.stderr
    );
    assert!(done.stderr.contains("503 Service Unavailable"), "{}", done.stderr);
    let run = only_run(&scratch);
    assert_eq!(run["attempts"].as_array().unwrap().len(), 2);
}

#[test]
fn one_after_the_other_each_sees_the_earlier_answers() {
    let first = agent("a", &answers(&plan(r#""mark":"quince""#)), "");
    let second = agent("b", &format!("cat > asked; {}", answers(&plan(""))), "role = 'You come second.'");
    let scratch = Scratch::configured(&(first + &second));
    assert_eq!(plan_of(&scratch, &["--sequential"]).code, Some(0));
    let asked = std::fs::read_to_string(scratch.project().join("asked")).unwrap();
    assert!(
        asked.contains("You come second.") && asked.contains("do it") && asked.contains("quince"),
        "{asked}"
    );
    assert_eq!(plan_of(&scratch, &[]).code, Some(0));
    let asked = std::fs::read_to_string(scratch.project().join("asked")).unwrap();
    assert!(!asked.contains("quince"), "else nobody does: {asked}");
}

#[test]
fn the_same_key_is_the_same_run() {
    let scratch = Scratch::configured(&agent("a", &format!("echo x >> asked; {}", answers(&plan(""))), ""));
    const CLOSED: &str = "run 1 was closed before: nothing was asked";
    for again in [false, true] {
        let done = plan_of(&scratch, &["--run-key", "K"]);
        assert_eq!(done.code, Some(0), "{}", done.stderr);
        assert_eq!(done.stderr.contains(CLOSED), again, "{}", done.stderr);
    }
    assert!(!plan_of(&scratch, &["--run-key", "K", "--quiet"]).stderr.contains(CLOSED));
    assert_eq!(only_run(&scratch)["run_key"], "K");
    assert_eq!(std::fs::read_to_string(scratch.project().join("asked")).unwrap(), "x\n", "asked once");
}

#[test]
fn agents_see_what_they_may_and_values_are_never_stored() {
    let script = format!("env > seen; {}", answers(&plan("")));
    let more = "env_pass = ['LET_THROUGH']\nenv = { TOKEN = 'hunter2-hunter2' }\ncopies = 1";
    let scratch = Scratch::configured(&agent("a", &script, more));
    let mut command = scratch.command();
    command.env("LET_THROUGH", "yes").env("HIDDEN", "no").env("CONCLAVE_ACTOR", "me");
    let done = Done::of(command.args(["run", "S", "--stage", "plan"]));
    assert_eq!(done.code, Some(0), "{}", done.stderr);
    let seen = std::fs::read_to_string(scratch.project().join("seen")).unwrap();
    assert!(seen.contains("LET_THROUGH=yes") && seen.contains("TOKEN=hunter2-hunter2"), "{seen}");
    assert!(!seen.contains("HIDDEN") && !seen.contains("CONCLAVE_ACTOR"), "{seen}");
    for file in files_below(&scratch.project().join(".conclave")) {
        if file.file_name().is_some_and(|name| name.to_string_lossy().starts_with("state.db")) {
            let bytes = std::fs::read(&file).unwrap();
            assert!(!bytes.windows(7).any(|part| part == b"hunter2"), "{}", file.display());
        }
    }
}

#[test]
fn answers_are_compared_word_by_word() {
    let says =
        |name: &str, mark: &str| agent(name, &answers(&plan(&format!(r#""mark":"the {mark} cat""#))), "");
    let scratch = Scratch::configured(&(says("a", "black") + &says("b", "white") + &says("c", "black")));
    plan_of(&scratch, &[]);
    let text = scratch.ok(&["runs", "diff", "1", "a", "b"]);
    assert!(text.starts_with("--- a\n+++ b\n"), "{text}");
    assert!(text.contains("[-black-]") && text.contains("{+white+}"), "{text}");
    assert!(scratch.ok(&["runs", "diff", "1", "a", "c"]).contains("no difference"));
    let document = scratch.json(&["runs", "diff", "1", "a", "b"]);
    assert_eq!(
        (&document["equal"], &document["left"], &document["right"]),
        (&json!(false), &json!("a"), &json!("b"))
    );
    let changed = |row: &&Value| row["change"] == "changed";
    assert_eq!(document["rows"].as_array().unwrap().iter().filter(changed).count(), 1, "{document}");
    let first_two = scratch.json(&["runs", "diff", "1"]);
    assert!(first_two["left"] != first_two["right"]);
    let done = scratch.run(&["runs", "diff", "1", "a", "z"]);
    assert!(done.refused(1).contains("\"z\"") && done.stderr.contains("a, b, c"), "{}", done.stderr);
}

#[test]
fn where_fewer_than_two_have_answered_a_comparison_says_where_to_look() {
    let scratch = Scratch::configured(&(planner("a") + &agent("b", "exit 3", "retries = 0")));
    plan_of(&scratch, &[]);
    plan_of(&scratch, &["--agents", "b"]);
    for (run, who) in [("1", "of one agent only"), ("2", "of nobody")] {
        let done = scratch.run(&["runs", "diff", run]);
        assert!(done.refused(1).contains(who), "{}", done.stderr);
        assert!(done.stderr.contains(&format!("hint: `conclave runs show {run}`")), "{}", done.stderr);
    }
}

#[test]
fn a_review_is_an_audit_and_the_help_says_so() {
    let scratch = Scratch::configured(&agent("a", &answers(r#"{"audit_verdict":"pass"}"#), ""));
    let help = scratch.ok(&["run", "--help"]);
    let help = help.split_whitespace().collect::<Vec<_>>().join(" ");
    assert!(help.contains("`review` means `audit`"), "{help}");
    assert_eq!(scratch.json(&["run", "S-1", "--stage", "review"])["stage"], "audit");
}

#[test]
fn a_run_is_deleted_whole() {
    let scratch = Scratch::configured(&planner("a"));
    plan_of(&scratch, &[]);
    plan_of(&scratch, &[]);
    assert!(scratch.ok(&["runs", "delete", "1"]).contains("deleted run 1"));
    scratch.run(&["runs", "delete", "1"]).refused(1);
    assert_eq!(scratch.json(&["runs", "list"]).as_array().unwrap().len(), 1);
    assert_eq!(scratch.json(&["runs", "delete", "2"])["deleted"], 2);
    Scratch::new().run(&["runs", "delete", "1"]).refused(1);
}

#[test]
fn the_doctor_looks_at_agents_too() {
    let scratch = Scratch::configured(&(planner("a") + "[[agents]]\nname = 'b'\ncommand = ['/nowhere/b']\n"));
    scratch.ok(&["migrate"]);
    let checks = scratch.json(&["doctor"]);
    let of_agents: Vec<&Value> =
        checks["checks"].as_array().unwrap().iter().filter(|check| check["name"] == "agents").collect();
    assert_eq!((&of_agents[0]["state"], &of_agents[1]["state"]), (&json!("ok"), &json!("warn")), "{checks}");
    let of_file = scratch.json(&["db", "check"]);
    assert!(!of_file["checks"].as_array().unwrap().iter().any(|check| check["name"] == "agents"));
}

#[test]
fn a_terminal_shows_who_is_at_it() {
    let waits = format!("until test -e go; do sleep 0.01; done; {}", answers(&plan("")));
    let scratch = Scratch::configured(&(planner("a") + &agent("b", &waits, "")));
    let mut session = Session::start(&scratch, &["run", "S-1", "--stage", "plan"]);
    session.until("1 of 2 answered; b ");
    std::fs::write(scratch.project().join("go"), "").unwrap();
    let (code, seen) = session.said();
    assert_eq!(code, Some(0), "{seen}");
    assert!(seen.contains("2 of 2 answers count"), "{seen}");
}

#[test]
fn what_is_not_taken_for_a_closed_run_is_said() {
    let scratch = Scratch::configured(&(planner("a") + &planner("b")));
    let words = ["run", "S-1", "--stage", "Plan", "--run-key", "@k"];
    let first = scratch.run(&words);
    assert_eq!(first.code, Some(0), "{}", first.stderr);
    let again = scratch.run(&words);
    assert!(!again.stderr.contains("not taken"), "{}", again.stderr);
    std::fs::write(scratch.project().join("other.md"), "Something else").unwrap();
    let other = scratch.run(&[&words[..], &["--prompt", "other.md", "--agents", "a"]].concat());
    assert_eq!(other.code, Some(0), "{}", other.stderr);
    assert!(
        other.stderr.contains("run 1 was closed before: nothing was asked; another --run-key begins another run; not taken: prompt, agents"),
        "{}",
        other.stderr
    );
    assert_eq!(scratch.json(&["runs", "list"]).as_array().unwrap().len(), 1);
}

#[test]
fn on_a_terminal_a_deletion_asks_first() {
    let scratch = Scratch::configured(&planner("a"));
    plan_of(&scratch, &[]);
    let mut refused = Session::start(&scratch, &["runs", "delete", "1"]);
    refused.until("Delete run 1, S-1 plan, with its 1 answer?");
    refused.keys("\r");
    assert_eq!(refused.said().0, Some(1));
    only_run(&scratch);
    let mut agreed = Session::start(&scratch, &["runs", "delete", "1"]);
    agreed.until("[y/N]");
    agreed.keys("y\r");
    let (code, said) = agreed.said();
    assert_eq!(code, Some(0), "{said}");
    assert_eq!(scratch.json(&["runs", "list"]), json!([]));
    plan_of(&scratch, &[]);
    let (code, said) = Session::start(&scratch, &["runs", "delete", "2", "--yes"]).said();
    assert!(code == Some(0) && !said.contains("[y/N]"), "{said}");
}

#[test]
fn a_failure_without_another_try_says_why_at_once() {
    let scratch =
        Scratch::configured(&(planner("a") + &agent("b", "echo no luck >&2; exit 3", "retries = 0")));
    let done = plan_of(&scratch, &[]);
    let line = done.stderr.lines().find(|line| line.starts_with("b: attempt 1 failed")).unwrap_or_default();
    assert!(line.contains("no luck") && line.ends_with("; not tried again"), "{}", done.stderr);
}
