//! What needs a person, and what the doctor looks over: one answer for the command line and the UI.

mod hosts;
mod stores;

use conclave_consensus::gates::{self, OpenIssue};
use conclave_consensus::migrate::{self, Attention};
use conclave_consensus::workflow::{self, Owner, Pipeline, Unfinished};
use conclave_db::Db;
use conclave_db::doctor::{self, Check, CheckState};
use conclave_registry::agents::Agent;
use conclave_tasks::health;
use conclave_tasks::read::{self, ListQuery};
use conclave_tasks::work::dispatch;

use self::hosts::word as shell_word;
pub(crate) use self::hosts::{host_checks, hosts, of_hosts, unusable};
pub(crate) use self::stores::{of_cache, of_spool, of_stores};
use crate::event_spool;
use crate::failure::{Doing, Failure};
use crate::machine::Machine;
use crate::project::Project;

/// So many tasks are counted.
const TOLD: u64 = 50;

/// Everything that needs a person, the most urgent first. Cheap however large the state is: of the doctor's
/// checks those that read next to nothing.
pub(crate) fn attention(db: &Db) -> Result<Vec<Attention>, Failure> {
    let failed = doctor::cheap_checks(db).into_iter().filter(|check| check.state == CheckState::Fail);
    let mut waiting = questions(db)?;
    waiting.extend(interrupted_runs(db)?);
    waiting.extend(failed.map(|check| Attention {
        kind: "check",
        name: check.name.to_owned(),
        why: check.detail,
        advice: check.advice.unwrap_or_default(),
        since: None,
    }));
    waiting.extend(lost_agents(db)?);
    waiting.extend(given_up(db)?);
    waiting.extend(migrate::attention(db).doing("read what needs you")?);
    Ok(waiting)
}

/// Agents that are gone without anybody having seen how.
fn lost_agents(db: &Db) -> Result<Vec<Attention>, Failure> {
    let lost = conclave_registry::health::lost(db).doing("look for lost agents")?;
    let entry = |(agent, clean_up): (Agent, String)| Attention {
        kind: "agent",
        why: format!("{} {} is gone, and nobody saw how", agent.key.kind.as_str(), agent.key.id),
        advice: match agent.worktree {
            Some(_) => {
                format!("`{clean_up}` removes it with its worktree, unless work in it is not committed")
            }
            None => format!("`{clean_up}` removes it from the list"),
        },
        since: Some(agent.ended.map_or(agent.updated_at_ms, |ended| ended.at_ms)),
        name: agent.key.id,
    };
    Ok(lost.into_iter().map(entry).collect())
}

/// Tasks that look ready and that no dispatcher takes any more, since they have failed too often.
fn given_up(db: &Db) -> Result<Option<Attention>, Failure> {
    let labels = vec![dispatch::FAILED_LABEL.to_owned()];
    let query = ListQuery { labels, limit: Some(TOLD + 1), ..ListQuery::default() };
    let tasks = read::list(db, &query).doing("look for tasks that failed too often")?;
    let Some(first) = tasks.first() else { return Ok(None) };
    let (id, title) = (first.id(), first.title());
    let why = match tasks.len() as u64 {
        1 => format!("{id} has failed too often, and `conclave work` leaves it alone: {title}"),
        many => {
            let more = if many > TOLD { format!("more than {TOLD}") } else { many.to_string() };
            format!(
                "{more} tasks have failed too often, and `conclave work` leaves them alone: {id} and others"
            )
        }
    };
    let advice = format!(
        "`conclave task show {}` has what was tried; `conclave work --retry` tries once more",
        shell_word(id)
    );
    Ok(Some(Attention { kind: "task", name: id.to_owned(), why, advice, since: None }))
}

/// Questions of quality gates that a person must answer, the oldest first.
fn questions(db: &Db) -> Result<Vec<Attention>, Failure> {
    let open = gates::open(db).doing("read the open questions")?;
    let entry = |open: gates::OpenIssue| {
        let question = open.issue.questions.first().cloned().unwrap_or_default();
        Attention {
            kind: "gate",
            name: open.run.to_string(),
            why: format!("{} of {} asks {}: {question}", open.gate, open.spec, open.issue.id),
            advice: format!("`{}`", answer_command(&open)),
            since: Some(open.since),
        }
    };
    Ok(open.into_iter().map(entry).collect())
}

/// Pipelines that somebody may go on with, by their specs, and then the runs that nobody drives, have not ended, and
/// are steps of none of those.
fn interrupted_runs(db: &Db) -> Result<Vec<Attention>, Failure> {
    let pipelines = workflow::unfinished_pipelines(db).doing("look for unfinished pipelines")?;
    let unfinished = workflow::unfinished(db).doing("look for unfinished runs")?;
    let goes_on: Vec<&Pipeline> = pipelines.iter().filter(|pipeline| pipeline.can_go_on).collect();
    let is_step = |left: &Unfinished| goes_on.iter().any(|pipeline| pipeline.run_key == left.run_key);
    let left = unfinished.iter().filter(|run| matches!(run.owner, Owner::Nobody | Owner::Ended));
    let left = left.filter(|run| !is_step(run)).map(interrupted_run);
    let unreadable = pipelines.iter().filter(|pipeline| pipeline.unreadable.is_some());
    Ok(goes_on.iter().copied().chain(unreadable).map(interrupted_pipeline).chain(left).collect())
}

fn interrupted_pipeline(pipeline: &Pipeline) -> Attention {
    let spec = &pipeline.spec;
    let last = pipeline.steps.iter().rev().find_map(|step| Some((&step.name, step.run?)));
    let (why, advice) = match (&pipeline.unreadable, last) {
        (Some(why), _) => (
            format!("the way of {spec} through its stages cannot be read: {why}"),
            format!("`conclave auto {spec} --from STAGE` begins anew"),
        ),
        (None, Some((step, run))) => (
            format!("{spec} stands on its way through its stages, at {step} (run {run})"),
            format!("`conclave resume {run}` goes on with it"),
        ),
        (None, None) => (
            format!("{spec} stands before the first of its stages"),
            format!("`conclave auto {spec}` goes on with it"),
        ),
    };
    Attention { kind: "pipeline", name: spec.clone(), why, advice, since: Some(pipeline.started_at) }
}

fn interrupted_run(left: &Unfinished) -> Attention {
    Attention {
        kind: "run",
        name: left.run.to_string(),
        why: format!(
            "{} {} was interrupted: {} of {} have answered",
            left.spec, left.stage, left.answered, left.expected
        ),
        advice: format!("`conclave resume {}` goes on with it", left.run),
        since: Some(left.driven_at),
    }
}

/// Imports that were begun and did not end.
pub(crate) fn unfinished_imports(db: &Db) -> Result<Vec<Attention>, Failure> {
    let waiting = migrate::attention(db).doing("read what needs you")?;
    Ok(waiting.into_iter().filter(|waiting| waiting.kind == "import").collect())
}

/// Every check, of the file and of what it holds, and with the machine-wide file of what both say of agents.
pub(crate) fn checks(db: &Db, project: &Project, machine: Result<Machine, Failure>) -> Vec<Check> {
    let statuses = project.config.tasks.statuses.as_deref().unwrap_or_default();
    let mut checks = doctor::checks(db);
    checks.extend(migrate::checks(db));
    // Of an error the checks of the migration have told.
    let waiting = migrate::attention(db).unwrap_or_default();
    let unfinished = waiting.into_iter().filter(|one| matches!(one.kind, "import" | "backfill"));
    checks.extend(unfinished.map(|one| Check::warn(one.kind, one.why, one.advice)));
    checks.extend(health::checks(db, statuses).unwrap_or_else(|error| {
        let advice = error.hint().unwrap_or("`conclave db check` says what is wrong with the file");
        vec![Check::fail("tasks", format!("cannot be checked: {error}"), advice)]
    }));
    checks.extend(registry_checks(db, project, machine));
    checks.extend(spool_checks(db, project));
    checks
}

fn spool_checks(db: &Db, project: &Project) -> Vec<Check> {
    match event_spool::of(project, Some(db.clone())) {
        Ok(spool) => conclave_spool::health::checks(&spool, Some(db)),
        Err(failure) => {
            vec![Check::fail("spool", failure.message, failure.hint.unwrap_or_default())]
        }
    }
}

/// The machine-wide file is only read, and only where it is there.
fn registry_checks(db: &Db, project: &Project, machine: Result<Machine, Failure>) -> Vec<Check> {
    let failed = |name, failure: Failure| {
        let advice = failure.hint.unwrap_or("look at the log with `--log-stderr -v`".into());
        Check::fail(name, failure.message, advice)
    };
    let mut checks = Vec::new();
    let opened = machine.and_then(|machine| machine.open_read_only());
    let global = opened.unwrap_or_else(|failure| {
        checks.push(failed("machine", failure));
        None
    });
    let found = conclave_registry::health::checks(db, global.as_ref(), &project.root, project.owner());
    checks.extend(found.unwrap_or_else(|error| vec![failed("registry", error.into())]));
    checks
}

/// The command line that answers a question, to be copied into a shell: agents make up the ids, so one that is not
/// plain is named by its number.
pub(crate) fn answer_command(open: &OpenIssue) -> String {
    format!("conclave runs answer {} {} TEXT", open.run, word_of(&open.issue.id, open.number))
}

/// What a question is called in a shell.
pub(crate) fn word_of(id: &str, number: u64) -> String {
    let plain = |letter: char| letter.is_ascii_alphanumeric() || matches!(letter, '.' | '_' | '-' | ':');
    let is_plain = id.starts_with(|first: char| first.is_ascii_alphanumeric()) && id.chars().all(plain);
    if is_plain { id.to_owned() } else { format!("@{number}") }
}
