//! What needs a person, and what the doctor looks over: one answer for the command line and the UI.

use conclave_consensus::migrate::{self, Attention};
use conclave_db::Db;
use conclave_db::doctor::{self, Check, CheckState};

use crate::failure::{Doing, Failure};

/// Everything that needs a person, the most urgent first. Cheap however large the state is: of the doctor's
/// checks those that read next to nothing.
pub(crate) fn attention(db: &Db) -> Result<Vec<Attention>, Failure> {
    let failed = doctor::cheap_checks(db).into_iter().filter(|check| check.state == CheckState::Fail);
    let mut waiting: Vec<Attention> = failed
        .map(|check| Attention {
            kind: "check",
            name: check.name.to_owned(),
            why: check.detail,
            advice: check.advice.unwrap_or_default(),
            since: None,
        })
        .collect();
    waiting.extend(migrate::attention(db).doing("read what needs you")?);
    Ok(waiting)
}

/// Imports that were begun and did not end.
pub(crate) fn unfinished_imports(db: &Db) -> Result<Vec<Attention>, Failure> {
    let waiting = migrate::attention(db).doing("read what needs you")?;
    Ok(waiting.into_iter().filter(|waiting| waiting.kind == "import").collect())
}

/// Every check, of the file and of what it holds.
pub(crate) fn checks(db: &Db) -> Vec<Check> {
    let mut checks = doctor::checks(db);
    checks.extend(migrate::checks(db));
    // Of an error the checks of the migration have told.
    let waiting = migrate::attention(db).unwrap_or_default();
    let unfinished = waiting.into_iter().filter(|one| matches!(one.kind, "import" | "backfill"));
    checks.extend(unfinished.map(|one| Check::warn(one.kind, one.why, one.advice)));
    checks
}
