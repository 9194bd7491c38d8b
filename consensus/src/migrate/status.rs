//! Where the migration stands, and what the next step needs.

use std::path::PathBuf;

use conclave_db::{Db, ReadConn, backup};
use serde::Serialize;

use super::cause::Cause;
use super::soak::{Moment, Seen, Soak, SoakStatus};
use super::{BackfillStatus, Counts, ImportedSource, OlderProgram, Paused};
use crate::error::Result;
use crate::store::capture::{self, Capture};
use crate::store::control::older::Writes;
use crate::store::control::{self, Phase, State};
use crate::store::counting;

/// What the next phase needs.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub struct NextPhase {
    /// Its number; absent at the end.
    pub phase: Option<u8>,
    /// Whether the step may be taken now. It still compares both sides, and the last one wants to be confirmed.
    pub allowed: bool,
    /// What is missing for it.
    pub missing: Vec<String>,
}

/// The newest backup beside the state file. What has the name of one was verified when it was made.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct MigrationBackup {
    /// The copy.
    pub path: PathBuf,
    /// When it was made, ms.
    #[serde(serialize_with = "crate::time::serialize")]
    pub taken_at: Option<i64>,
    /// Its bytes.
    pub bytes: u64,
}

/// Where the migration stands.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub struct MigrationStatus {
    /// 1 to 5.
    pub phase: u8,
    /// The phase in words.
    pub phase_name: &'static str,
    /// When the phase began, ms; absent while it is the file's first.
    #[serde(serialize_with = "crate::time::serialize")]
    pub phase_since: Option<i64>,
    /// The backfill.
    pub backfill: BackfillStatus,
    /// Rows of each table.
    pub counts: Counts,
    /// Differences that the last comparison found and nobody has closed.
    pub mismatches: u64,
    /// Of those, legacy rows that the new tables cannot hold, as far as they were noticed.
    pub refused: u64,
    /// Whether the legacy tables have their capture triggers, as this program makes them.
    pub capture_triggers: bool,
    /// Whether the legacy tables have triggers that are other than this program makes them, or lack some.
    pub capture_broken: bool,
    /// When the soak ends, ms.
    #[serde(serialize_with = "crate::time::serialize")]
    pub soak_until: Option<i64>,
    /// The soak, in the phases that have one.
    pub soak: Option<SoakStatus>,
    /// What older programs write.
    pub older_program: OlderProgram,
    /// Whether an older program has made its tables anew after they were dropped.
    pub legacy_tables_returned: bool,
    /// Who paused it.
    pub paused: Option<Paused>,
    /// The next phase.
    pub next: NextPhase,
    /// When both sides were last compared as a whole, ms.
    #[serde(serialize_with = "crate::time::serialize")]
    pub verified_at: Option<i64>,
    /// The newest backup.
    pub backup: Option<MigrationBackup>,
    /// The files that were imported.
    pub sources: Vec<ImportedSource>,
}

/// What decides whether a step may be taken, but for the comparison that the step makes itself.
#[derive(Debug, Clone)]
pub(super) struct Facts {
    pub(super) state: State,
    /// Differences that are open, and rows that the new tables cannot hold.
    pub(super) differences: u64,
    /// Of those, what is about rows on both sides.
    pub(super) mirrored_differences: u64,
    pub(super) older: Writes,
    pub(super) stands: Seen,
    pub(super) soak: Option<SoakStatus>,
    pub(super) uncopied: Uncopied,
    /// Rows that were noticed as ones that the new tables cannot hold; they may have been mended since.
    pub(super) noticed: u64,
}

/// Legacy rows that hold up the step to phase 3; none elsewhere.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Uncopied {
    /// All without a counterpart.
    remaining: u64,
    /// Those that the new tables cannot hold.
    refused: u64,
}

impl Facts {
    /// At a cost that does not grow with the file.
    pub(super) fn read(conn: &ReadConn<'_>, soak: &Soak, now: &Moment) -> Result<Self> {
        let state = control::state(conn)?;
        let older = control::older::writes(conn)?;
        let stands = control::soak::seen(conn)?.at(now, older.late_writes());
        let required = soak.required(state.phase);
        let noticed = control::pending(conn)?;
        Ok(Self {
            noticed,
            differences: state.differences.max(noticed),
            mirrored_differences: state.differences.saturating_sub(state.missing_in_new),
            soak: required.map(|required| SoakStatus::of(&stands, required, now.wall_ms)),
            state,
            older,
            stands,
            uncopied: Uncopied::default(),
        })
    }

    /// What the step from the present phase still misses.
    pub(super) fn missing(&self, skip_soak: bool) -> Vec<Cause> {
        let mut missing = Vec::new();
        let phase = self.state.phase;
        let Uncopied { remaining, refused } = self.uncopied;
        let differences =
            if phase == Phase::TablesCreated { self.mirrored_differences } else { self.differences };
        if remaining > refused {
            missing.push(Cause::NotCopied(remaining - refused));
        }
        let differences = if phase == Phase::CleanedUp { 0 } else { differences };
        let noticed = if phase == Phase::TablesCreated { 0 } else { self.noticed };
        missing.extend(Cause::open(differences, refused.max(noticed)));
        if let Some(soak) = self.soak.as_ref().filter(|soak| !soak.passed && !skip_soak) {
            missing.push(Cause::Soak(soak.left()));
        }
        missing
    }

    /// What lasts whatever the comparison finds.
    pub(super) fn lasting(&self, skip_soak: bool) -> Vec<Cause> {
        Self { differences: 0, mirrored_differences: 0, noticed: 0, ..self.clone() }.missing(skip_soak)
    }

    /// With the rows that the backfill has left, which are counted one by one.
    pub(super) fn counted(self, conn: &ReadConn<'_>, remaining: u64) -> Result<Self> {
        if self.state.phase != Phase::DualWrite || remaining == 0 {
            return Ok(self);
        }
        let refused = control::refused(conn)?.min(remaining);
        Ok(Self { uncopied: Uncopied { remaining, refused }, ..self })
    }
}

/// Where the migration stands, with the soak times that hold by default. Reads only.
pub fn status(db: &Db) -> Result<MigrationStatus> {
    status_with(db, &Soak::default())
}

/// Where the migration stands. Reads only.
pub fn status_with(db: &Db, soak: &Soak) -> Result<MigrationStatus> {
    let now = soak.moment(db.clock().wall_ms());
    let newest = backup::list(&backup::default_folder(db.path()), db.path())?.into_iter().next();
    db.read(|conn| {
        let facts = Facts::read(conn, soak, &now)?;
        let phase = facts.state.phase;
        let counts = counting::counts(conn)?;
        let backfill = counting::backfill_status(conn, &counts)?;
        let capture = capture::state(conn)?;
        let facts = facts.counted(conn, backfill.remaining)?;
        let missing: Vec<String> = facts.missing(false).iter().map(Cause::words).collect();
        let next = phase.next();
        Ok(MigrationStatus {
            phase: phase.number(),
            phase_name: phase.name(),
            phase_since: facts.state.phase_since,
            next: NextPhase {
                phase: next.map(Phase::number),
                allowed: next.is_some() && missing.is_empty(),
                missing: if next.is_some() { missing } else { Vec::new() },
            },
            backfill,
            counts,
            mismatches: facts.differences,
            refused: facts.noticed,
            capture_triggers: capture == Capture::On,
            capture_broken: capture == Capture::Broken,
            soak_until: facts.soak.as_ref().and_then(|soak| soak.ends_at),
            soak: facts.soak,
            older_program: OlderProgram::of(facts.older, now.wall_ms),
            legacy_tables_returned: phase == Phase::CleanedUp && capture != Capture::NothingToWatch,
            paused: control::pause::paused(conn)?.map(|(by, at)| Paused { by, at }),
            verified_at: facts.state.verified_at,
            backup: newest.map(|newest| MigrationBackup {
                path: newest.path,
                taken_at: Some(newest.taken_ms),
                bytes: newest.bytes,
            }),
            sources: control::sources(conn)?,
        })
    })
}

/// The phase of this number in words.
pub fn phase_name(number: u8) -> Option<&'static str> {
    Phase::of(number).map(Phase::name)
}
