//! What the doctor says of tasks, and mends.
//!
//! The records are the truth: what stands beside them can always be made again. What is odd in a record itself came
//! in so, and stays so until a command touches it: `close`, `reopen` and `update` set right when a task was closed,
//! `update` also whatever field it sets; all else that is odd stays, and goes out as it came.

use conclave_db::doctor::Check;
use conclave_db::{Db, ReadConn};

use crate::error::Result;
use crate::read::cycles_in;
use crate::store::{blocked, inspecting, tasks};

/// So many records are compared; reading more takes a coffee break.
const RECORDS: u64 = 50_000;
/// So many are mended in one transaction.
const SLICE: u64 = 2_000;
/// So many reasons, types and tasks are named.
const NAMED: u64 = 10;
/// So many tasks of a cycle are named.
const STEPS: usize = 10;

/// The checks: the projection equals the records, `blocked` is what the recursive rule says, records that break rules
/// (counted by reason), dependency types without effect, edges to tasks that do not exist, cycles. `statuses` are those
/// that the configuration allows beside the known ones. Of more than 50,000 records the first are compared; of the words
/// that a search finds only that there are some, as the index keeps no texts to compare. Writes nothing.
pub fn checks(db: &Db, statuses: &[String]) -> Result<Vec<Check>> {
    db.read(|conn| {
        let many = inspecting::tasks(conn)?;
        if many == 0 {
            return Ok(vec![Check::ok("tasks", "none")]);
        }
        Ok(vec![
            projection(conn, many)?,
            is_blocked(conn)?,
            odd(conn, statuses)?,
            unknown_kinds(conn)?,
            dangling(conn)?,
            cycles(conn)?,
        ])
    })
}

/// Mends what can be mended without losing anything: the projection and `blocked` are computed again. Gives what was
/// done, in words; nothing to do is an empty list. No record changes, so the audit log has nothing of it; `who` is for
/// the log of this program.
pub fn fix(db: &Db, who: &str) -> Result<Vec<String>> {
    let mut done = Vec::new();
    let (mut after, mut mended) = (Some(0), 0_u64);
    while let Some(from) = after {
        let (found, next) = db.read(|conn| inspecting::compare(conn, from, SLICE))?;
        after = next;
        if !found.wrong.is_empty() {
            mended += db.write("tasks: mend", move |tx| {
                let mut mended = 0_u64;
                for (number, _) in &found.wrong {
                    if let Some(record) = inspecting::record(tx, *number)? {
                        tasks::project(tx, *number, &record)?;
                        mended += 1;
                    }
                }
                Ok::<_, crate::TaskError>(mended)
            })?;
        }
    }
    if mended > 0 {
        done.push(format!("made again what stands beside the records of {mended} tasks"));
    }
    // Looked for first: a sound store is not written at all.
    if !db.read(|conn| blocked::wrong(conn, 1))?.is_empty() {
        let wrong = db.write("tasks: mend", blocked::rebuild)?;
        done.push(format!("computed again who is blocked; {wrong} tasks were wrong"));
    }
    if !done.is_empty() {
        tracing::info!(who, ?done, "mended the store of tasks");
    }
    Ok(done)
}

fn projection(conn: &ReadConn<'_>, many: u64) -> Result<Check> {
    const NAME: &str = "task-records";
    let (found, _) = inspecting::compare(conn, 0, RECORDS)?;
    if let Some(first) = found.damaged.first() {
        let detail = format!("{} cannot be read, the first: {first}", found.damaged.len());
        let advice = "another program wrote here; restore a backup: conclave db restore";
        return Ok(Check::fail(NAME, detail, advice));
    }
    if let Some((_, first)) = found.wrong.first() {
        let detail =
            format!("beside {} of them stands something else, the first: {first}", found.wrong.len());
        return Ok(Check::fail(NAME, detail, "conclave doctor --fix makes it again from the records"));
    }
    let all = if found.looked_at == many { String::new() } else { format!(" of {many}") };
    Ok(Check::ok(NAME, format!("{}{all} agree with what stands beside them", found.looked_at)))
}

fn is_blocked(conn: &ReadConn<'_>) -> Result<Check> {
    const NAME: &str = "task-blocked";
    let wrong = blocked::wrong(conn, NAMED)?;
    if wrong.is_empty() {
        return Ok(Check::ok(NAME, "who is blocked is what the edges say"));
    }
    let more = if wrong.len() as u64 == NAMED { " and perhaps more" } else { "" };
    let detail = format!("not what the edges say of {}{more}", wrong.join(", "));
    Ok(Check::fail(NAME, detail, "conclave doctor --fix computes it again"))
}

fn odd(conn: &ReadConn<'_>, statuses: &[String]) -> Result<Check> {
    const NAME: &str = "task-rules";
    let odd = inspecting::odd(conn, statuses, NAMED)?;
    if odd.is_empty() {
        return Ok(Check::ok(NAME, "every record is as Conclave itself would write it"));
    }
    let advice = "nothing is lost and an export gives them back as they came; `conclave task update ID` sets right when a task \
         was closed, and every field that it sets";
    Ok(Check::warn(NAME, times(&odd), advice))
}

fn unknown_kinds(conn: &ReadConn<'_>) -> Result<Check> {
    const NAME: &str = "task-dependency-types";
    let kinds = inspecting::unknown_kinds(conn, NAMED)?;
    if kinds.is_empty() {
        return Ok(Check::ok(NAME, "all known"));
    }
    let advice = "types that are not known hold nothing up; `conclave task dep add` with a known one does";
    Ok(Check::warn(NAME, times(&kinds), advice))
}

/// "12 × no priority, 3 × …"
fn times(counted: &[(String, u64)]) -> String {
    let parts: Vec<String> = counted.iter().map(|(what, times)| format!("{times} × {what}")).collect();
    let more = if counted.len() as u64 == NAMED { ", and perhaps more" } else { "" };
    parts.join(", ") + more
}

fn dangling(conn: &ReadConn<'_>) -> Result<Check> {
    const NAME: &str = "task-edges";
    Ok(match inspecting::dangling(conn)? {
        (many, Some((task, target))) if many > 0 => Check::warn(
            NAME,
            format!("{many} to tasks that do not exist, the first: {task} depends on {target}"),
            "they hold nothing up, and an export gives them back; `conclave task dep rm` takes one away",
        ),
        _ => Check::ok(NAME, "every edge leads to a task"),
    })
}

fn cycles(conn: &ReadConn<'_>) -> Result<Check> {
    const NAME: &str = "task-cycles";
    let cycles = cycles_in(conn)?;
    let Some(first) = cycles.first() else { return Ok(Check::ok(NAME, "none")) };
    let mut path: Vec<&str> = first.iter().take(STEPS).map(String::as_str).collect();
    path.push(if first.len() > path.len() { "…" } else { &first[0] });
    let detail = format!("{}, the first: {}", cycles.len(), path.join(" → "));
    let advice = "tasks in it may wait for each other for ever; `conclave task dep cycles` names all";
    Ok(Check::warn(NAME, detail, advice))
}

#[cfg(test)]
mod tests;
