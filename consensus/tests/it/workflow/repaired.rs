//! Answers that are hard to get: in words where JSON is wanted, behind more output than is kept, to a prompt that
//! nobody wrote a schema for.

use std::os::unix::fs::PermissionsExt as _;

use conclave_consensus::agents::AgentDefinition;
use conclave_consensus::runs::{self, RunDetail, RunStatus};
use conclave_consensus::stages;
use conclave_consensus::verdict::Unusable;
use conclave_consensus::workflow::{self, AgentState, AttemptEnd, Event, RunRequest};

use super::{PLAN, agent, drive, listening, request, run};
use crate::project::Project;

const WORDS: &str = "All is well; the plan is: one, then two.";

/// Answers in words when it is asked first, then does this. Keeps what it was asked.
fn in_words(name: &str, then: &str) -> AgentDefinition {
    let script =
        format!("if [ -e {name}-1 ]; then cat > {name}-2; {then}; else cat > {name}-1; echo '{WORDS}'; fi");
    agent(name, &script)
}

fn shown(project: &Project, run: runs::RunId) -> RunDetail {
    runs::show(&project.db, run).unwrap().unwrap()
}

fn ends(shown: &RunDetail) -> Vec<(i64, Option<AttemptEnd>, Option<&str>)> {
    let end = |attempt: &runs::AttemptDetail| attempt.details.outcome;
    let attempts = shown.attempts.iter();
    attempts.map(|one| (one.attempt, end(one), one.details.reason.as_deref())).collect()
}

#[test]
fn an_answer_in_words_is_given_again_as_json() {
    let project = Project::new();
    let (session, events) = listening();
    let asked = request(&project, vec![in_words("a", &format!("echo '{PLAN}'"))]);
    let id = workflow::begin(&project.db, &asked).unwrap();
    let driven = drive(&project.db, id, &session);
    assert_eq!(driven.verdict.unwrap().status, RunStatus::Ok);
    let shown = shown(&project, id);
    let answered = Some(AttemptEnd::Answered);
    assert_eq!(ends(&shown), [(1, answered, Some("not_json")), (2, answered, Some("repair"))]);
    let contents: Vec<&str> = shown.outputs.iter().map(|output| output.content.as_str()).collect();
    assert_eq!(contents, [WORDS, PLAN]);
    assert_eq!(shown.outputs[0].response_text.as_deref(), Some(format!("{WORDS}\n").as_str()));
    assert_eq!(shown.roster[0].state, AgentState::Answered);
    let prompt = |number| std::fs::read_to_string(project.path(&format!("a-{number}"))).unwrap();
    assert!(prompt(2).starts_with(&prompt(1)) && prompt(2).contains(WORDS), "{}", prompt(2));
    let of_limit = |event: &Event| match event {
        Event::Started { attempt, limit, .. } => Some((*attempt, *limit)),
        _ => None,
    };
    let started: Vec<_> = events.lock().unwrap().iter().filter_map(of_limit).collect();
    assert_eq!(started, [(1, 1), (2, 2)], "it uses up no retry");
    let rows = project.state();
    drive(&project.db, id, &session);
    assert_eq!(project.state(), rows);
    project.assert_sound();
}

#[test]
fn a_repair_that_fails_takes_nothing_away() {
    for (then, end) in [
        ("echo 'Still words.'", AttemptEnd::Failed),
        ("exit 0", AttemptEnd::Failed),
        ("echo 'HTTP 503' >&2; exit 1", AttemptEnd::Failed),
        ("sleep 60", AttemptEnd::TimedOut),
    ] {
        let project = Project::new();
        let mut asked = in_words("a", then);
        asked.retries = 3;
        if end == AttemptEnd::TimedOut {
            asked.timeout = std::time::Duration::from_secs(1);
        }
        let driven = run(&project, &request(&project, vec![asked]));
        let shown = shown(&project, driven.run);
        assert_eq!(
            ends(&shown),
            [(1, Some(AttemptEnd::Answered), Some("not_json")), (2, Some(end), Some("repair"))],
            "{then}"
        );
        assert_eq!((shown.outputs.len(), shown.outputs[0].content.as_str()), (1, WORDS), "{then}");
        assert_eq!(shown.roster[0].state, AgentState::Answered);
        let verdict = driven.verdict.unwrap();
        assert_eq!(verdict.agents[0].why, Some(Unusable::NotJson), "{then}");
        let repair = &shown.attempts[1];
        assert!(repair.details.message.is_some() && repair.details.retry_at.is_none(), "{then}");
        project.assert_sound();
    }
}

#[test]
fn words_are_an_answer_where_nothing_else_is_asked_for() {
    let project = Project::new();
    let asked = RunRequest { stage: "free".into(), ..request(&project, vec![in_words("a", "exit 1")]) };
    let driven = run(&project, &asked);
    assert_eq!(ends(&shown(&project, driven.run)), [(1, Some(AttemptEnd::Answered), None)]);
    assert_eq!(std::fs::read(project.path("a-1")).unwrap(), b"do it");
}

/// In sequence, who comes later is told the answer that counts.
#[test]
fn a_repaired_answer_is_what_others_hear() {
    let project = Project::new();
    let agents =
        vec![in_words("a", &format!("echo '{PLAN}'")), agent("b", &format!("cat > heard; echo '{PLAN}'"))];
    run(&project, &RunRequest { sequential: true, ..request(&project, agents) });
    let heard = std::fs::read_to_string(project.path("heard")).unwrap();
    assert!(heard.contains(PLAN) && !heard.contains(WORDS), "{heard}");
}

/// A program called `claude` that keeps its arguments and what it is asked.
fn claude(project: &Project) -> AgentDefinition {
    let path = project.path("claude");
    let script = format!("#!/bin/sh\nprintf '%s\\n' \"$@\" > args; cat > asked; echo '{PLAN}'\n");
    std::fs::write(&path, script).unwrap();
    std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o755)).unwrap();
    let mut claude = agent("claude", "");
    claude.preset = Some("claude".into());
    claude.command = vec![path.to_str().unwrap().into()];
    claude
}

#[test]
fn a_schema_holds_an_agent_to_the_prompt_that_asks_for_it_alone() {
    let own = stages::stage("plan").unwrap().built_in_prompt("S-1");
    for (prompt, is_held) in [
        (own.clone(), true),
        (format!("What came before.\n\n{own}"), true),
        ("Plan it, with a key `cost`.".to_owned(), false),
    ] {
        let project = Project::new();
        let asked = RunRequest { prompt: prompt.clone().into(), ..request(&project, vec![claude(&project)]) };
        assert_eq!(run(&project, &asked).verdict.unwrap().status, RunStatus::Ok);
        let args = std::fs::read_to_string(project.path("args")).unwrap();
        assert_eq!(args.lines().any(|arg| arg == "--json-schema"), is_held, "{args}");
        let heard = std::fs::read_to_string(project.path("asked")).unwrap();
        let named = heard.strip_prefix(&prompt).unwrap();
        assert_eq!(named.is_empty(), is_held, "{named}");
        assert!(is_held || named.contains("\"work_breakdown\", \"acceptance_mapping\""), "{named}");
    }
}

#[test]
fn an_answer_behind_twenty_megabytes_of_events_is_found() {
    let noise = |event: &str| format!("yes '{event}' | head -c 20000000; echo");
    let plan = PLAN.replace('"', "\\\"");
    let codex = format!(
        "cat > /dev/null; echo '{{\"type\":\"thread.started\",\"thread_id\":\"t-1\"}}'
        echo '{{\"type\":\"item.completed\",\"item\":{{\"type\":\"agent_message\",\"text\":\"{{}}\"}}}}'
        {}
        cat <<'X'
{{\"type\":\"item.completed\",\"item\":{{\"type\":\"agent_message\",\"text\":\"{plan}\"}}}}
{{\"type\":\"turn.completed\",\"usage\":{{\"input_tokens\":7,\"output_tokens\":3}}}}
X",
        noise("{\"type\":\"item.started\",\"item\":{\"type\":\"command_execution\"}}")
    );
    // Without its closing event, what is there may be any message.
    let broken_off = codex.replace("turn.completed", "turn.started");
    for (script, is_answered) in [(codex, true), (broken_off, false)] {
        let project = Project::new();
        let mut asked = agent("a", &script);
        asked.preset = Some("codex".into());
        let driven = run(&project, &request(&project, vec![asked]));
        let shown = shown(&project, driven.run);
        let contents: Vec<&str> = shown.outputs.iter().map(|output| output.content.as_str()).collect();
        assert_eq!(contents, if is_answered { vec![PLAN] } else { vec![] });
        let attempt = &shown.attempts[0];
        assert!(attempt.details.truncated && attempt.details.stdout_bytes > Some(20_000_000));
        assert_eq!(attempt.details.session_id.as_deref(), Some("t-1"));
        assert_eq!(attempt.details.usage.output_tokens, is_answered.then_some(3));
        let raw = attempt.response_text.as_deref().unwrap();
        assert!(raw.contains("\n[cut here: ") && raw.len() < (16 << 20) + 100);
    }
}

#[test]
fn the_end_of_a_long_stderr_is_kept_and_judged() {
    let project = Project::new();
    let script = "cat > /dev/null; yes 'still at it' | head -c 20000000 >&2; echo >&2; echo 'HTTP 503: the end' >&2; exit 1";
    let driven = run(&project, &request(&project, vec![agent("a", script)]));
    let shown = shown(&project, driven.run);
    let details = &shown.attempts[0].details;
    assert!(details.stderr.as_deref().unwrap().ends_with("HTTP 503: the end\n"));
    assert!(details.message.as_deref().unwrap().ends_with("HTTP 503: the end"), "{:?}", details.message);
    assert_eq!(details.class.as_deref(), Some("retryable"));
    assert!(details.truncated && details.stderr_bytes > Some(20_000_000));
}
