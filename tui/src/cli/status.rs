//! `conclave status`: counts of everything on one screen, and of the machine-wide file what concerns the project. Parts
//! that come with later versions count nothing.
//!
//! It answers at once however much there is: of large tables it says what costs nothing to know, and that it is
//! no exact count. `conclave migrate status` counts.
//!
//! Of a state that cannot be read it says why, and what there is beside it: the spool stands in files.

use conclave_cache::Stats;
use conclave_consensus::migrate::{self, Attention, Overview};
use conclave_db::{Db, FileStats};
use conclave_leases::Leases;
use conclave_llm::HostView;
use conclave_registry::{agents, ports};
use conclave_tasks::read::{self, Counts};
use serde_json::{Value, json};

use super::context::Context;
use super::output::Output;
use super::spool::report::Report;
use crate::attention::{attention, hosts, of_cache, of_hosts};
use crate::failure::{Doing, Exit, Failure};
use crate::text::{count, counted, size, visible, wrapped};
use crate::{event_spool, model_shapes, parse_cache};

/// How wide the labels are.
const LABEL: usize = 11;

pub(super) fn run(context: &Context) -> Result<Exit, Failure> {
    let (db, mut failure) = match context.open_read_only() {
        Ok(db) => (db, None),
        Err(failure) => (None, Some(failure)),
    };
    let found = db.as_ref().and_then(|db| kept(look(db), &mut failure));
    let is_unread = failure.is_some();
    let (machine, hosts) = MachineWide::look(context);
    let spool = look_at_spool(context, db.as_ref(), &mut failure);
    let cache = parse_cache::stats(&context.project);
    let failed = failure.as_ref();
    let mut attention: Vec<Attention> = match (failed.filter(|_| is_unread), &found) {
        (Some(failure), _) => vec![needs_mending(failure)],
        (None, Some(found)) => found.attention.clone(),
        (None, None) => Vec::new(),
    };
    attention.extend(spool.iter().flat_map(|report| report.attention.iter().cloned()));
    attention.extend(of_cache(&cache));
    attention.extend(of_hosts(&hosts));
    let whole = Whole {
        found: found.as_ref(),
        is_unread,
        machine,
        spool: spool.as_ref(),
        cache: &cache,
        hosts: &hosts,
        attention: &attention,
        failure: failed,
    };
    if let Some(failure) = &failure {
        context.output.complain(failure);
    }
    if context.output.json {
        context.output.document(&document(context, &whole))?;
    } else {
        context.output.print(page(context, &whole))?;
    }
    Ok(failure.map_or(Exit::Done, |failure| failure.exit))
}

/// The result; of failures the first is kept, and the rest of the page made without.
fn kept<T>(result: Result<T, Failure>, failure: &mut Option<Failure>) -> Option<T> {
    match result {
        Ok(found) => Some(found),
        Err(failed) => {
            failure.get_or_insert(failed);
            None
        }
    }
}

/// With the state, and where that cannot be read without it.
fn look_at_spool(context: &Context, db: Option<&Db>, failure: &mut Option<Failure>) -> Option<Report> {
    let look = |db: Option<&Db>| Report::look(&event_spool::of(&context.project, db.cloned())?, db);
    let with_state = db.and_then(|db| kept(look(Some(db)), failure));
    with_state.or_else(|| kept(look(None), failure))
}

/// Everything that the page is made of.
#[derive(Clone, Copy)]
struct Whole<'all> {
    /// What stands in the state.
    found: Option<&'all Found>,
    /// There is a state, and it could not be read.
    is_unread: bool,
    machine: MachineWide,
    spool: Option<&'all Report>,
    cache: &'all Result<Stats, Failure>,
    hosts: &'all [HostView],
    attention: &'all [Attention],
    failure: Option<&'all Failure>,
}

/// What there is.
struct Found {
    stats: FileStats,
    overview: Overview,
    tasks: Counts,
    agents: agents::Counts,
    /// How many of them have a process that runs.
    running: u64,
    leases: conclave_leases::Counts,
    attention: Vec<Attention>,
}

/// What the machine-wide file says.
#[derive(Debug, Clone, Copy, Default)]
struct MachineWide {
    /// Blocks of ports; unknown where the file cannot be read: that is no reason to keep quiet about the project.
    ports: Option<u64>,
    leases: Option<conclave_leases::Counts>,
}

impl MachineWide {
    /// With it the model hosts, of which it says what is known.
    fn look(context: &Context) -> (Self, Vec<HostView>) {
        let say = |failure: &Failure| context.output.notice(&failure.message);
        let opened = context.machine().and_then(|machine| machine.open_read_only());
        let db = opened.inspect_err(say);
        let found = match &db {
            Ok(db) => Self::try_look(db.as_ref()).inspect_err(say).unwrap_or_default(),
            Err(_) => Self::default(),
        };
        let hosts = |db| hosts(&context.project, &context.environment, db);
        let known = hosts(db.as_ref().ok().and_then(Option::as_ref)).or_else(|failure| {
            say(&failure);
            hosts(None)
        });
        (found, known.unwrap_or_default())
    }

    fn try_look(db: Option<&Db>) -> Result<Self, Failure> {
        let Some(db) = db else {
            return Ok(Self { ports: Some(0), leases: Some(conclave_leases::Counts::default()) });
        };
        let blocks = ports::list(db).doing("read the blocks of ports")?.len() as u64;
        Ok(Self { ports: Some(blocks), leases: Some(count_leases(db)?) })
    }
}

fn count_leases(db: &Db) -> Result<conclave_leases::Counts, Failure> {
    Leases::new(db.clone()).and_then(|leases| leases.counts()).doing("count the leases")
}

fn look(db: &Db) -> Result<Found, Failure> {
    let stats = conclave_db::stats(db).doing("read the file's numbers")?;
    let overview = migrate::overview(db).doing("read the counts")?;
    let tasks = read::counts(db).doing("count the tasks")?;
    let agents = agents::counts(db).doing("count the agents")?;
    let running = agents::list(db).doing("look which agents run")?;
    let running = running.iter().filter(|agent| agent.life().is_alive() == Some(true)).count() as u64;
    let leases = count_leases(db)?;
    let attention = attention(db)?;
    Ok(Found { stats, overview, tasks, agents, running, leases, attention })
}

fn document(context: &Context, whole: &Whole<'_>) -> Value {
    let Whole { found, is_unread, machine, spool, cache, hosts, attention, failure } = *whole;
    let path = context.project.database.to_string_lossy();
    let database = match found {
        None => json!({
            "state": "absent", "path": path, "file_bytes": 0, "wal_bytes": 0, "free_bytes": 0,
            "schema": null, "journal_mode": null, "sqlite_version": null,
        }),
        Some(Found { stats, .. }) => json!({
            "state": "ok", "path": path, "file_bytes": stats.file_bytes, "wal_bytes": stats.wal_bytes,
            "free_bytes": stats.free_bytes(), "schema": stats.user_version,
            "journal_mode": stats.journal_mode, "sqlite_version": stats.sqlite_version,
        }),
    };
    let consensus = match found {
        None => json!({
            "runs": 0, "outputs": 0, "syntheses": 0, "attempts": 0,
            "phase": null, "phase_name": null, "backfill_remaining": 0, "mismatches": 0,
            "estimated": [],
        }),
        Some(Found { overview, .. }) => json!({
            "runs": overview.counts.runs, "outputs": overview.counts.outputs,
            "syntheses": overview.counts.syntheses, "attempts": overview.counts.attempts,
            "phase": overview.phase, "phase_name": overview.phase_name,
            "backfill_remaining": overview.backfill_remaining, "mismatches": overview.mismatches,
            "estimated": overview.estimated,
        }),
    };
    let agents = found.map(|found| found.agents).unwrap_or_default();
    let leases = found.map(|found| found.leases).unwrap_or_default();
    let mut document = json!({
        "database": database,
        "consensus": consensus,
        "tasks": found.map(|found| found.tasks).unwrap_or_default(),
        "registry": {
            "architects": agents.architects, "builders": agents.builders, "utils": agents.utils,
            "annotations": agents.annotations, "running": found.map_or(0, |found| found.running),
            "ports": machine.ports,
        },
        "leases": { "held": leases.held, "waiting": leases.waiting, "global": machine.leases },
        "spool": spool.map(Report::block),
        "cache": super::cache::object(cache),
        "hosts": hosts.iter().filter(|host| !host.fallback).map(model_shapes::host).collect::<Vec<_>>(),
        "attention": attention,
    });
    if let Some(failure) = failure {
        if is_unread {
            unknown(&mut document);
            document["database"]["state"] = json!("error");
            document["database"]["path"] = json!(path);
        }
        document["error"] = failure.object();
    }
    document
}

fn needs_mending(failure: &Failure) -> Attention {
    Attention {
        kind: "check",
        name: "state".to_owned(),
        why: failure.message.clone(),
        advice: failure.hint.clone().unwrap_or_default().into_owned(),
        since: None,
    }
}

/// What stands in a state that cannot be read is not zero.
fn unknown(document: &mut Value) {
    let in_state: [(&str, &[&str]); 5] = [
        ("database", &[]),
        ("consensus", &["estimated"]),
        ("tasks", &[]),
        ("registry", &["ports"]),
        ("leases", &["global"]),
    ];
    for (part, elsewhere) in in_state {
        let keys = document.get_mut(part).and_then(Value::as_object_mut).into_iter().flatten();
        for (_, value) in keys.filter(|(key, _)| !elsewhere.contains(&key.as_str())) {
            *value = Value::Null;
        }
    }
}

fn page(context: &Context, whole: &Whole<'_>) -> String {
    let output = &context.output;
    let Whole { found, is_unread, machine, spool, cache, hosts, attention, failure } = *whole;
    let mut text = line("project", &context.project.root.display().to_string());
    if let (true, Some(failure)) = (is_unread, failure) {
        text.push_str(&line("database", &format!("cannot be read: {}", failure.kind)));
        text.push_str(&spool_lines(output, spool));
        text.push_str(&line("cache", &super::cache::line(output, cache)));
        text.push_str(&line("hosts", &host_counts(output, hosts)));
        text.push_str(&attention_lines(output, attention));
        return text;
    }
    let Some(Found { stats, overview, tasks, agents, running, leases, .. }) = found else {
        text.push_str(&line("database", "absent"));
        text.push_str(&line("consensus", &join(output, &["0 runs", "0 outputs", "0 syntheses"])));
        text.push_str(&line("tasks", &task_counts(output, Counts::default())));
        text.push_str(&line("agents", &agent_counts(output, agents::Counts::default(), 0)));
        text.push_str(&line("ports", &block_counts(machine)));
        text.push_str(&line("leases", &lease_counts(output, conclave_leases::Counts::default(), machine)));
        text.push_str(&spool_lines(output, spool));
        text.push_str(&line("cache", &super::cache::line(output, cache)));
        text.push_str(&line("hosts", &host_counts(output, hosts)));
        text.push_str(&attention_lines(output, attention));
        return text;
    };
    let file =
        context.project.database.strip_prefix(&context.project.root).unwrap_or(&context.project.database);
    text.push_str(&line(
        "database",
        &join(
            output,
            &[
                &file.display().to_string(),
                &size(stats.file_bytes),
                &format!("wal {}", size(stats.wal_bytes)),
                &format!("free {} %", stats.free_percent()),
                &format!("schema {}", stats.user_version),
            ],
        ),
    ));
    let counts = &overview.counts;
    let rows = |name: &str, number: u64, one: &str, many: &str| {
        let about = if overview.is_estimated(name) { "about " } else { "" };
        format!("{about}{}", counted(number, one, many))
    };
    text.push_str(&line(
        "consensus",
        &join(
            output,
            &[
                &rows("runs", counts.runs, "run", "runs"),
                &rows("outputs", counts.outputs, "output", "outputs"),
                &rows("syntheses", counts.syntheses, "synthesis", "syntheses"),
                &rows("attempts", counts.attempts, "attempt", "attempts"),
            ],
        ),
    ));
    text.push_str(&line(
        "migration",
        &join(
            output,
            &[
                &format!("phase {} {}", overview.phase, overview.phase_name),
                &copied(overview),
                &counted(overview.mismatches, "difference", "differences"),
            ],
        ),
    ));
    text.push_str(&line("tasks", &task_counts(output, *tasks)));
    text.push_str(&line("agents", &agent_counts(output, *agents, *running)));
    text.push_str(&line("ports", &block_counts(machine)));
    text.push_str(&line("leases", &lease_counts(output, *leases, machine)));
    text.push_str(&spool_lines(output, spool));
    text.push_str(&line("cache", &super::cache::line(output, cache)));
    text.push_str(&line("hosts", &host_counts(output, hosts)));
    if attention.is_empty() {
        text.push_str(&line("attention", "nothing needs you"));
    }
    text.push_str(&attention_lines(output, attention));
    text
}

/// What needs a person, each with what to do.
fn attention_lines(output: &Output, attention: &[Attention]) -> String {
    let mut text = String::new();
    for (at, one) in attention.iter().enumerate() {
        text.push_str(&long_line(output, if at == 0 { "attention" } else { "" }, &one.why));
        text.push_str(&long_line(output, "", &format!("  {}", one.advice)));
    }
    text
}

fn task_counts(output: &Output, counts: Counts) -> String {
    let parts = [
        (counts.ready, "ready"),
        (counts.in_progress, "in progress"),
        (counts.blocked, "blocked"),
        (counts.closed, "closed"),
    ]
    .map(|(number, what)| format!("{} {what}", count(number)));
    join(output, &parts.each_ref().map(String::as_str))
}

/// Only what there is: few projects have all four kinds.
fn agent_counts(output: &Output, counts: agents::Counts, running: u64) -> String {
    let mut parts = vec![counted(counts.builders, "builder", "builders")];
    let others = [
        (counts.architects, "architect", "architects"),
        (counts.utils, "util", "utils"),
        (counts.annotations, "annotation", "annotations"),
    ];
    parts.extend(
        others.iter().filter(|kind| kind.0 > 0).map(|(number, one, many)| counted(*number, one, many)),
    );
    parts.push(format!("{} running", count(running)));
    join(output, &parts.iter().map(String::as_str).collect::<Vec<_>>())
}

/// Those of all projects: they share them.
fn block_counts(machine: MachineWide) -> String {
    let blocks = machine.ports.map(|ports| counted(ports, "block", "blocks"));
    blocks.map_or_else(|| "unknown".to_owned(), |blocks| format!("{blocks} taken on this machine"))
}

fn lease_counts(output: &Output, counts: conclave_leases::Counts, machine: MachineWide) -> String {
    let mut parts =
        vec![format!("{} held", count(counts.held)), format!("{} waiting", count(counts.waiting))];
    if let Some(global) = machine.leases.filter(|global| global.held > 0 || global.waiting > 0) {
        parts.push(format!("machine-wide {} held", count(global.held)));
        parts.push(format!("{} waiting", count(global.waiting)));
    }
    join(output, &parts.iter().map(String::as_str).collect::<Vec<_>>())
}

/// How many models there are to ask, and how many are not asked now.
fn host_counts(output: &Output, hosts: &[HostView]) -> String {
    if hosts.is_empty() {
        return "none configured".to_owned();
    }
    let number = |is: fn(&HostView) -> bool| hosts.iter().filter(|host| is(host)).count() as u64;
    let mut parts = vec![counted(number(|host| !host.fallback), "host", "hosts")];
    if let Some(fallback) = hosts.iter().find(|host| host.fallback) {
        parts.push(match fallback.name.as_str() {
            "fallback" => "fallback".to_owned(),
            name => format!("fallback {name}"),
        });
    }
    parts.push(format!("{} open", count(number(|host| host.breaker.state.contains("open")))));
    parts
        .push(format!("{} running", counted(hosts.iter().map(|host| host.in_flight).sum(), "call", "calls")));
    join(output, &parts.iter().map(String::as_str).collect::<Vec<_>>())
}

/// The quota, and below it the ledger where there is something in it.
fn spool_lines(output: &Output, spool: Option<&Report>) -> String {
    let Some(report) = spool else { return line("spool", "unknown") };
    let joined = |parts: &[String]| join(output, &parts.iter().map(String::as_str).collect::<Vec<_>>());
    let mut text = line("spool", &joined(&report.quota_parts()));
    if let Some(parts) = report.ledger_parts() {
        text.push_str(&line("", &joined(&parts)));
    }
    text
}

/// How much of the legacy tables is copied.
fn copied(overview: &Overview) -> String {
    let counts = &overview.counts;
    let all = counts.legacy_artifacts.saturating_add(counts.legacy_syntheses);
    let all = all.saturating_add(counts.legacy_executions);
    let left = overview.backfill_remaining;
    match (overview.is_estimated("backfill_remaining"), left) {
        (false, _) => format!("{} of {} rows copied", count(all.saturating_sub(left)), count(all)),
        (true, 0) => format!("about {} rows, the newest are copied", count(all)),
        (true, _) => format!("about {} rows, at least {} to copy", count(all), count(left)),
    }
}

fn line(label: &str, value: &str) -> String {
    format!("{label:<LABEL$}{}\n", visible(value))
}

/// A line that the terminal would cut in the middle of a word.
fn long_line(output: &Output, label: &str, value: &str) -> String {
    let whole = line(label, value);
    wrapped(whole.trim_end(), output.columns, &" ".repeat(LABEL + 2))
}

fn join(output: &Output, parts: &[&str]) -> String {
    parts.join(output.sign(" · ", " - "))
}
