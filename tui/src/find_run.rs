//! Finding the run that a person means.

use conclave_consensus::runs::{self, Found, RunFilter, RunId, RunSummary};
use conclave_db::Db;

use crate::failure::{Doing, Exit, Failure};

/// Most candidates that are named.
const NAMED: usize = 10;

/// The one run behind a number or a unique prefix of a key.
pub(crate) fn find_one(db: &Db, name: &str) -> Result<RunId, Failure> {
    match runs::find(db, name).doing("find the run")? {
        Found::One(id) => Ok(id),
        Found::Ambiguous(candidates) => Err(ambiguous(name, &candidates)),
        Found::None => {
            let any = !runs::list(db, &RunFilter::default(), None, Some(1)).doing("find the run")?.is_empty();
            let hint = if any {
                "`conclave runs list` shows what is there"
            } else {
                "there are no runs yet: `conclave run` makes one, `conclave migrate import FILE` brings some in"
            };
            Err(Failure::not_found(format!("no run {name:?}")).hint(hint))
        }
    }
}

fn ambiguous(name: &str, candidates: &[RunSummary]) -> Failure {
    let named: Vec<String> = candidates
        .iter()
        .take(NAMED)
        .map(|run| format!("{} ({}/{})", run.id, run.run_key, run.stage))
        .collect();
    let more = if candidates.len() > NAMED { ", …" } else { "" };
    Failure::new(Exit::Usage, "ambiguous", format!("run {name:?} may be {}{more}", named.join(", ")))
        .hint("give the number, or a longer prefix with /stage")
}
