//! Dependencies between tasks.

use conclave_db::Db;

use super::change::Work;
use super::checks;
use crate::error::{Result, TaskError};
use crate::read::TaskRow;
use crate::record::Edge;
use crate::store::audit::Operation;
use crate::store::{edges, reading};
use crate::words;

/// How many tasks of a cycle a refusal names.
const NAMED: usize = 8;

/// A dependency that was added or taken away.
#[derive(Debug, Clone, PartialEq)]
pub struct Depended {
    /// The task that depends.
    pub issue: TaskRow,
    /// What it depends on; `None` where that does not exist.
    pub target: Option<TaskRow>,
    /// Its id.
    pub depends_on: String,
    /// The types.
    pub kinds: Vec<String>,
    /// Whether anything has changed.
    pub changed: bool,
}

/// `issue` depends on `on`: for `blocks` it waits for it, for `parent-child` `on` is its parent. Refused: a task on
/// itself, a target that does not exist, a cycle over the types that block or inherit. An edge that is there stays.
pub fn depend(db: &Db, who: &str, issue: &str, on: &str, kind: &str) -> Result<Depended> {
    checks::actor(who)?;
    checks::kind(kind)?;
    let (who, issue, on, kind) = (who.to_owned(), issue.to_owned(), on.to_owned(), kind.to_owned());
    db.write("task depend", move |tx| {
        let mut work = Work::new(tx, &who);
        let before = work.living(&issue)?;
        let was = before.record.projection();
        let is_there = was.dependencies.iter().any(|edge| edge.target == on && edge.kind == kind);
        if !is_there {
            work.living(&on)?;
            refuse_cycle(&work, &issue, &on, &kind)?;
            let now = work.after(&before.record);
            let mut edit = before.record.edit();
            edit.add_dependency(&edge(&on, &kind), &who, now);
            work.put(&before, edit, now, Operation::Updated)?;
        }
        answer(&mut work, &issue, &on, vec![kind.clone()], !is_there)
    })
}

/// Takes dependencies of `issue` on `on` away: of this type, or all. Refused where there is none. The target need
/// not exist.
pub fn undepend(db: &Db, who: &str, issue: &str, on: &str, kind: Option<&str>) -> Result<Depended> {
    checks::actor(who)?;
    let (who, issue, on) = (who.to_owned(), issue.to_owned(), on.to_owned());
    let kind = kind.map(str::to_owned);
    db.write("task undepend", move |tx| {
        let mut work = Work::new(tx, &who);
        let before = work.living(&issue)?;
        let edges = before.record.projection().dependencies.iter().filter(|edge| edge.target == on);
        let kinds: Vec<String> = edges
            .map(|edge| edge.kind.clone())
            .filter(|found| kind.as_ref().is_none_or(|kind| kind == found))
            .collect();
        if kinds.is_empty() {
            let how = kind.as_ref().map(|kind| format!(" by {kind}")).unwrap_or_default();
            let hint = Some("`conclave task show ID` lists what a task depends on");
            return Err(TaskError::refused(format!("{issue} does not depend on {on}{how}"), hint));
        }
        let now = work.after(&before.record);
        let mut edit = before.record.edit();
        edit.remove_dependency(&on, kind.as_deref());
        work.put(&before, edit, now, Operation::Updated)?;
        answer(&mut work, &issue, &on, kinds, true)
    })
}

/// A new dependency.
pub(super) fn edge(on: &str, kind: &str) -> Edge {
    Edge { target: on.to_owned(), kind: kind.to_owned(), spawner: None, any_child: false }
}

/// Refuses a dependency by which a task would wait for itself.
pub(super) fn refuse_cycle(work: &Work<'_, '_>, issue: &str, on: &str, kind: &str) -> Result<()> {
    if issue == on {
        return Err(TaskError::refused(format!("{issue} cannot depend on itself"), None));
    }
    if !words::WAITING.contains(&kind) {
        return Ok(());
    }
    let Some(path) = edges::path(work.tx, on, issue)? else { return Ok(()) };
    let shown = match path.as_slice() {
        [first, second, .., last] if path.len() > NAMED => format!("{first} → {second} → … → {last}"),
        path => path.join(" → "),
    };
    let why = format!("{issue} would wait for itself: {issue} → {shown}");
    Err(TaskError::refused(why, Some("`conclave task dep tree ID` shows what a task depends on")))
}

fn answer(
    work: &mut Work<'_, '_>,
    issue: &str,
    on: &str,
    kinds: Vec<String>,
    changed: bool,
) -> Result<Depended> {
    work.settle()?;
    let target = reading::row(work.tx, on, work.now_ns())?;
    Ok(Depended { issue: work.row(issue)?, target, depends_on: on.to_owned(), kinds, changed })
}
