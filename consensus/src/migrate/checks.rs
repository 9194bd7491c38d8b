//! What `doctor` says of the migration.

use conclave_db::Db;
use conclave_db::doctor::Check;

use super::cause::Cause;
use super::status;
use crate::store::control::{self, Phase};

/// What `doctor` says of the migration. Writes nothing.
pub fn checks(db: &Db) -> Vec<Check> {
    let status = match status(db) {
        Ok(status) => status,
        Err(error) => {
            let hint = error.hint().unwrap_or("restore a backup: conclave db restore");
            return vec![Check::fail("migration", error.to_string(), hint)];
        }
    };
    let mut checks = Vec::new();
    if !db.read(control::rows::missing).unwrap_or_default().is_empty() {
        let hint = "conclave doctor --fix makes them again";
        checks.push(Check::fail("migration", "the counts of older programs' writes are missing", hint));
    }
    let phase = format!("phase {} {}", status.phase, status.phase_name);
    let open = Cause::open(status.mismatches, status.refused);
    if open.is_empty() {
        checks.push(Check::ok("migration", phase));
    } else {
        checks
            .extend(open.iter().map(|cause| {
                Check::warn("migration", format!("{phase}, {}", cause.words()), cause.advice())
            }));
    }
    if status.legacy_tables_returned {
        let rows = match status.backfill.remaining {
            1 => "1 row is".to_owned(),
            rows => format!("{rows} rows are"),
        };
        let detail = format!("an older program has made its tables again; {rows} not taken over");
        checks.push(if status.backfill.complete && status.capture_triggers && status.mismatches == 0 {
            Check::ok("legacy-tables", "an older program has made its tables again; all is taken over")
        } else {
            Check::warn("legacy-tables", detail, Cause::TablesBack.advice())
        });
    } else if status.capture_broken {
        checks.push(Check::fail("capture-triggers", Cause::Triggers.words(), Cause::Triggers.advice()));
    } else if status.capture_triggers {
        checks.push(Check::ok("capture-triggers", "on"));
    }
    if matches!(db.read(control::cleanup::has_leftovers), Ok(true)) {
        checks.push(Check::warn(
            "dropped-tables",
            "rows of the dropped legacy tables still take room",
            "conclave doctor --fix deletes them",
        ));
    }
    if let Some(phase) = Phase::of(status.phase) {
        let causes = status.older_program.causes(phase);
        checks.extend(causes.iter().map(|cause| Check::warn("older-program", cause.words(), cause.advice())));
    }
    checks
}
