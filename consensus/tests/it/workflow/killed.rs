//! A run whose process is killed at any of its durable writes goes on, and ends with the rows of one that was left
//! in peace.

use std::path::Path;
use std::time::Duration;

use conclave_consensus::runs::RunId;
use conclave_consensus::workflow;
use conclave_db::sql::Value;
use conclave_db::{Db, DbOptions};
use conclave_testkit::{Failure, Fault, FaultDisk, Op, Parent, Rerun};

use super::{PLAN, agent, drive, good, request, runtime, session};
use crate::project::{Project, schema};

/// One that answers at once, one that fails the first time, one that
/// takes its time and answers in words first. Each says that it was asked.
fn asked(project: &Project) -> workflow::RunRequest {
    let mut fails = agent(
        "b",
        &format!(
            "echo b >> asked; case \"$CONCLAVE_ATTEMPT\" in */1/b@*|*/1.?/b@*) echo 'HTTP 503' >&2; exit 1;; esac; echo '{PLAN}'"
        ),
    );
    fails.retries = 2;
    let agents = vec![
        agent("a", &format!("echo a >> asked; echo '{PLAN}'")),
        fails,
        agent(
            "c",
            &format!(
                "echo c >> asked; case \"$CONCLAVE_ATTEMPT\" in */1/c@*|*/1.?/c@*) echo words; exit;; esac; sleep 0.1; echo '{PLAN}'"
            ),
        ),
    ];
    workflow::RunRequest { timeout: Duration::from_mins(2), ..request(project, agents) }
}

/// Begins and drives; dies at the given operation of the disk.
fn run_in_child(mut parent: Parent) {
    let variable = |name: &str| std::env::var(name).unwrap();
    let state = variable("STATE");
    let folder = Path::new(&state).parent().unwrap();
    let disk = FaultDisk::watch(folder);
    let db = Db::open(DbOptions::new(&state, schema())).unwrap();
    let op = if variable("OP") == "sync" { Op::Sync } else { Op::Write };
    let asked: workflow::RunRequest = {
        // The folder stands in the request.
        let dir = tempfile::tempdir().unwrap();
        let project = Project { dir, db: db.clone() };
        workflow::RunRequest { directory: folder.to_path_buf(), ..asked(&project) }
    };
    parent.wait_for_release();
    disk.fail(Fault { op, nth: variable("NTH").parse().unwrap(), error: Failure::Kill, sticky: false });
    let id = workflow::begin(&db, &asked).unwrap();
    drive(&db, id, &session());
    parent.say("closed");
}

/// What must be the same, whoever was killed.
fn outcome(project: &Project) -> Vec<Vec<Value>> {
    let mut all = Vec::new();
    for query in [
        "SELECT run_key, spec_id, stage, status, consensus_ok, degraded, synthesis_json, origin FROM consensus_runs",
        "SELECT agent_name, attempt, sequence, content, response_text, state, write_key FROM agent_outputs
           ORDER BY agent_name, attempt",
        "SELECT agent_name, attempt, state, exit_code FROM run_attempts WHERE state <> 'lost' ORDER BY agent_name, attempt",
        "SELECT output_markdown, status, artifacts_count, agreements, conflicts, degraded, write_key FROM run_syntheses",
        "SELECT status, verdict FROM run_verdicts",
        "SELECT owner, cancelled_at, ended_at IS NOT NULL FROM run_settings",
        "SELECT agent_name, family FROM run_roster ORDER BY position",
        "SELECT count(*) FROM run_attempts WHERE completed_at IS NULL",
    ] {
        all.extend(project.rows(query));
    }
    if project.number("SELECT phase FROM migration_state") < 5 {
        for query in [
            "SELECT agent_name, content_json, response_text FROM consensus_artifacts ORDER BY agent_name, id",
            "SELECT status, output_markdown, artifacts_count FROM consensus_synthesis",
        ] {
            all.extend(project.rows(query));
        }
    }
    all
}

fn times_asked(project: &Project, agent: &str) -> usize {
    let log = std::fs::read_to_string(project.path("asked")).unwrap_or_default();
    log.lines().filter(|line| *line == agent).count()
}

/// Kills at the n-th operation, for every n until none is left; gives how many were killed and how many of these
/// had attempts without an end.
fn kill_everywhere(test: &str, phase: u8, op: &str, step: usize) -> (u32, u32) {
    let undisturbed = Project::in_phase(phase);
    let id = workflow::begin(&undisturbed.db, &asked(&undisturbed)).unwrap();
    drive(&undisturbed.db, id, &session());
    let wanted = outcome(&undisturbed);
    let (mut killed, mut dangling) = (0, 0);
    for nth in (1_u64..).step_by(step) {
        let project = Project::in_phase(phase);
        let mut child = Rerun::of(test)
            .variable("STATE", project.db.path().display().to_string())
            .variable("OP", op)
            .variable("NTH", nth.to_string())
            .start();
        child.release();
        let said = child.lines();
        child.wait();
        let lost = project.number("SELECT count(*) FROM run_attempts WHERE completed_at IS NULL");
        dangling += u32::from(lost > 0);
        let before: Vec<(String, usize)> = project
            .rows("SELECT agent_name FROM agent_outputs WHERE valid_json")
            .into_iter()
            .map(|row| {
                let name = match row.into_iter().next() {
                    Some(Value::Text(name)) => name,
                    other => format!("{other:?}"),
                };
                let times = times_asked(&project, &name);
                (name, times)
            })
            .collect();
        for torn in [
            // An answer and the end of its attempt come together,
            "SELECT count(*) FROM run_attempts t WHERE (t.state = 'completed') <> EXISTS (
               SELECT 1 FROM agent_outputs o WHERE o.agent_name = t.agent_name AND o.attempt = t.attempt)",
            // and so does all that closes a run.
            "SELECT count(*) FROM consensus_runs r JOIN run_settings s ON s.run_id = r.id
             WHERE (s.ended_at IS NOT NULL) <> (r.status <> 'running')
               OR (s.ended_at IS NOT NULL) <> (r.synthesis_json IS NOT NULL)
               OR (s.ended_at IS NOT NULL) <> EXISTS (SELECT 1 FROM run_syntheses y WHERE y.run_id = r.id)
               OR (s.ended_at IS NOT NULL) <> EXISTS (SELECT 1 FROM run_verdicts v WHERE v.run_id = r.id)",
        ] {
            assert_eq!(project.number(torn), 0, "phase {phase}, {op} {nth}: {torn}");
        }
        if project.number("SELECT count(*) FROM consensus_runs") == 0 {
            workflow::begin(&project.db, &asked(&project)).unwrap();
        }
        let context = format!("phase {phase}, {op} {nth}");
        assert!(drive(&project.db, RunId(1), &session()).verdict.is_some(), "{context}");
        assert_eq!(outcome(&project), wanted, "{context}");
        for (name, times) in before {
            assert_eq!(times_asked(&project, &name), times, "{context}: {name} had answered");
        }
        assert_eq!(
            project.number("SELECT count(*) FROM run_attempts WHERE state = 'lost'"),
            lost,
            "{context}"
        );
        // Nobody is started who is not recorded: such a one would be found by no resume.
        for name in ["a", "b", "c"] {
            let recorded =
                project.number(&format!("SELECT count(*) FROM run_attempts WHERE agent_name = '{name}'"));
            let times = i64::try_from(times_asked(&project, name)).unwrap();
            assert!(times <= recorded, "{context}: {name} was asked {times} times, {recorded} are recorded");
        }
        if phase < 4 {
            assert!(project.verify().equal, "{context}");
        }
        project.assert_sound();
        let rows = project.state();
        drive(&project.db, RunId(1), &session());
        assert_eq!(project.state(), rows, "{context}: a second time does nothing");
        if said == ["closed"] {
            return (killed, dangling);
        }
        killed += 1;
    }
    unreachable!("some child comes to its end")
}

/// In the child the run, in the parent all kills.
fn killed_anywhere(test: &str, phase: u8, op: &str, step: usize) {
    if let Some(parent) = Parent::of_this_process() {
        return run_in_child(parent);
    }
    // Begun, taken, three spawned and started and ended, one of them twice, closed; writes may share a sync.
    let (killed, dangling) = kill_everywhere(test, phase, op, step);
    assert!(killed >= 4 && dangling >= 2, "phase {phase}: {killed} killed, {dangling} with attempts lost");
}

#[test]
fn a_run_killed_at_any_sync_goes_on() {
    killed_anywhere("workflow::killed::a_run_killed_at_any_sync_goes_on", 5, "sync", 1);
}

#[test]
fn a_run_killed_in_the_middle_of_a_write_goes_on() {
    killed_anywhere("workflow::killed::a_run_killed_in_the_middle_of_a_write_goes_on", 5, "write", 7);
}

#[test]
fn a_run_killed_in_phase_1_goes_on() {
    killed_anywhere("workflow::killed::a_run_killed_in_phase_1_goes_on", 1, "sync", 1);
}

#[test]
fn a_run_killed_in_phase_2_goes_on() {
    killed_anywhere("workflow::killed::a_run_killed_in_phase_2_goes_on", 2, "sync", 1);
}

#[test]
fn a_run_killed_in_phase_3_goes_on() {
    killed_anywhere("workflow::killed::a_run_killed_in_phase_3_goes_on", 3, "sync", 1);
}

/// What a killed process left running is ended before anybody is asked again.
#[test]
fn processes_of_lost_attempts_are_ended() {
    if let Some(mut parent) = Parent::of_this_process() {
        let db = Db::open(DbOptions::new(std::env::var("STATE").unwrap(), schema())).unwrap();
        parent.wait_for_release();
        let parent = std::sync::Mutex::new(parent);
        let observer = move |event| {
            if let workflow::Event::Line { agent, .. } = event
                && agent == "a"
            {
                // The other one writes lines too, and may be first.
                parent.lock().unwrap().say("up");
            }
        };
        let session = workflow::Session { observer: std::sync::Arc::new(observer), ..session() };
        drive(&db, RunId(1), &session);
        return;
    }
    let project = Project::new();
    // The second time it answers; the first time it hears no SIGTERM, and neither does what it started, which left
    // the group.
    let script = format!(
        "[ -e left ] && echo '{PLAN}' && exit; trap '' TERM; setsid sh -c 'trap \"\" TERM; echo $$ > left; exec sleep 60' & \
         while [ ! -s left ]; do sleep 0.02; done; echo up; wait; wait"
    );
    let asked = request(&project, vec![agent("a", &script), good("b")]);
    let id = workflow::begin(&project.db, &asked).unwrap();
    project.write("UPDATE run_settings SET owner = NULL");
    let mut child = Rerun::of("workflow::killed::processes_of_lost_attempts_are_ended")
        .variable("STATE", project.db.path().display().to_string())
        .start();
    child.release();
    assert_eq!(child.line().as_deref(), Some("up"));
    child.kill();
    let left: u32 = std::fs::read_to_string(project.path("left")).unwrap().trim().parse().unwrap();
    let process = conclave_db::process::of(left).unwrap().expect("it lives on");
    let short = workflow::cancel(&project.db, id, "ana");
    assert!(matches!(runtime().block_on(short).unwrap(), workflow::Cancel::Closed(_)));
    assert_eq!(conclave_db::process::liveness(&process), conclave_db::process::Liveness::Dead);
}
