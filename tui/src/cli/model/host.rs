//! `conclave host list|check|open|close|reset`

use conclave_db::Db;
use conclave_llm::{Health, HostView};
use conclave_retry::{CancelToken, Clock as _, SystemClock};

use super::args::{Host, Named};
use super::host_line::{COLUMNS, row};
use crate::cli::context::Context;
use crate::cli::table::Table;
use crate::failure::{Doing as _, Exit, Failure};
use crate::text::visible;
use crate::{attention, model_client, model_shapes};

pub(in crate::cli) fn run(context: &Context, command: &Host) -> Result<Exit, Failure> {
    match command {
        Host::List { all } => list(context, *all),
        Host::Check(named) => check(context, named),
        Host::Open(named) => change(context, named, conclave_llm::force_open),
        Host::Close(named) => change(context, named, conclave_llm::close),
        Host::Reset(named) => change(context, named, conclave_llm::reset),
    }
}

fn list(context: &Context, all: bool) -> Result<Exit, Failure> {
    let output = &context.output;
    let hosts = model_client::hosts(&context.project, &context.environment);
    if context.project.config.hosts.is_empty() {
        let nobody = model_client::nobody(&context.project);
        output.notice(&nobody.message);
        output.notice(format!("hint: {}", nobody.hint.unwrap_or_default()));
    }
    let global = context.machine()?.open_read_only()?;
    if let Some(db) = &global {
        context.say_how_it_is_read(db);
    }
    let mut views = conclave_llm::overview(global.as_ref(), &hosts).doing("read the hosts")?;
    // Scripts count on hosts alone.
    views.retain(|view| all || !view.fallback);
    show(context, &views)?;
    Ok(Exit::Done)
}

fn show(context: &Context, views: &[HostView]) -> Result<(), Failure> {
    let output = &context.output;
    if output.json {
        return output.document(&views.iter().map(model_shapes::host).collect::<Vec<_>>());
    }
    if views.is_empty() {
        return Ok(());
    }
    let now = SystemClock.wall_ms();
    let hosts = model_client::everybody(&context.project, &context.environment);
    let unusable = |view: &HostView| {
        let host = hosts.iter().find(|host| host.name == view.name)?;
        attention::unusable(host, &context.environment)
    };
    let rows: Vec<Vec<String>> = views.iter().map(|view| row(view, unusable(view), now)).collect();
    output.print(Table::new(COLUMNS, output.columns).lines(&rows, true))
}

/// Exit 1 where one is not well.
fn check(context: &Context, named: &Named) -> Result<Exit, Failure> {
    let output = &context.output;
    // Who names nobody means all: to look harms nobody.
    let all = Named { names: named.names.clone(), all: named.all || named.names.is_empty() };
    let names = names(context, &all)?;
    let made = model_client::of(&context.project, context.machine(), &context.environment, true)?;
    // Two seconds are the longest that it takes: Ctrl-C ends the process.
    let found = conclave_llm::check(&made.client, Some(&names), &CancelToken::new());
    if output.json {
        output.document(&found.iter().map(model_shapes::health).collect::<Vec<_>>())?;
    } else {
        output.print(found.iter().map(line).collect::<String>())?;
    }
    if let Some(warning) = made.warning() {
        output.notice(format!("warning: {}", visible(&warning)));
    }
    let is_well = found.iter().all(|health| health.failure.is_none());
    Ok(if is_well { Exit::Done } else { Exit::StateSaysNo })
}

fn line(health: &Health) -> String {
    let name = visible(&health.host);
    if let Some((class, message)) = &health.failure {
        return format!("{name}: {}: {}\n", class.as_str(), visible(message));
    }
    let list = |names: &[String]| names.iter().map(|name| visible(name)).collect::<Vec<_>>().join(", ");
    let models = match health.models.as_deref() {
        None => String::new(),
        Some([]) => "; no models".to_owned(),
        Some(models) => format!("; models {}", list(models)),
    };
    let loaded = match health.loaded.as_deref() {
        None | Some([]) => String::new(),
        Some(loaded) => format!("; in memory {}", list(loaded)),
    };
    format!("{name}: ok in {} ms{models}{loaded}\n", health.took.as_millis())
}

/// Does it to each, and shows them as they are then.
fn change(
    context: &Context,
    named: &Named,
    change: fn(&Db, &conclave_llm::Host) -> conclave_llm::Result<()>,
) -> Result<Exit, Failure> {
    let names = names(context, named)?;
    let hosts = model_client::named(&context.project, &context.environment, &names)?;
    let global = context.machine()?.open()?;
    for host in &hosts {
        change(&global, host).doing(format_args!("change {}", host.name))?;
    }
    let all = model_client::hosts(&context.project, &context.environment);
    let mut views = conclave_llm::overview(Some(&global), &all).doing("read the hosts")?;
    views.retain(|view| names.contains(&view.name));
    show(context, &views)?;
    Ok(Exit::Done)
}

/// The hosts that are meant, each once.
fn names(context: &Context, named: &Named) -> Result<Vec<String>, Failure> {
    if !named.all && named.names.is_empty() {
        return Err(Failure::usage("no host is named")
            .hint("name them as `conclave host list` shows them, or say `--all`"));
    }
    let hosts = if named.all {
        if context.project.config.hosts.is_empty() {
            return Err(model_client::nobody(&context.project));
        }
        model_client::everybody(&context.project, &context.environment)
    } else {
        model_client::named(&context.project, &context.environment, &named.names)?
    };
    let mut names: Vec<String> = Vec::new();
    for host in hosts {
        if !names.contains(&host.name) {
            names.push(host.name);
        }
    }
    Ok(names)
}
