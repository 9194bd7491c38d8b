//! The thread that does what may take long: one thing at a time, its progress told.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::Path;
use std::sync::mpsc::{Receiver, Sender};
use std::sync::{Mutex, MutexGuard, PoisonError};

use conclave_consensus::migrate::{self, BackfillOptions};
use conclave_consensus::runs::{self, RunId};
use conclave_db::{backup, checkpoint, doctor, vacuum};
use conclave_registry::import::kind_of;

use super::{Shared, deeds, steps};
use crate::failure::{Doing, Exit, Failure};
use crate::machine::Machine;
use crate::project::{Environment, Places, Project};
use crate::text::{count, counted, size};
use crate::ui::effect::Work;
use crate::ui::message::{Msg, Outcome};
use crate::ui::model::{CheckRow, CheckState};
use crate::{agent_checks, attention, demo, find_run, import, life_cycle, registry_import, times};

/// Backups that the UI keeps.
const KEPT_BACKUPS: usize = 7;

/// Serves until nobody asks any more.
pub(super) fn serve(shared: &Shared, works: &Receiver<Work>, messages: &Sender<Msg>) {
    while let Ok(work) = works.recv() {
        if messages.send(done(shared, messages, work)).is_err() {
            return;
        }
    }
}

/// Does it, and gives what came of it; of a defect, that it was one.
pub(super) fn done(shared: &Shared, messages: &Sender<Msg>, work: Work) -> Msg {
    let worker = Worker { shared, messages };
    let outcome = catch_unwind(AssertUnwindSafe(|| worker.carry_out(&work)));
    let outcome =
        outcome.unwrap_or_else(|_| Err(Failure::internal("the work failed by a defect; the log has more")));
    Msg::Worked { work, outcome: outcome.map_err(Into::into) }
}

struct Worker<'shared> {
    shared: &'shared Shared,
    messages: &'shared Sender<Msg>,
}

impl Worker<'_> {
    fn carry_out(&self, work: &Work) -> Result<Outcome, Failure> {
        let project = self.shared.project();
        // These wait for others, and must not keep anybody from writing or from suspending the program.
        if let Some(done) = deeds::carry_out(self.shared, &project, work) {
            return done;
        }
        let mut writing = Writing::begin(&self.shared.writing);
        let mut progress = |done: u64, total: u64, phase: &'static str| {
            let _ = self.messages.send(Msg::Progress { done, total, phase });
            writing.breathe();
        };
        match work {
            Work::Vacuum => {
                let db = project.open()?;
                let _guard = life_cycle::guard(db.path(), "vacuum")?;
                let stats = vacuum::run_until_done(&db, &mut |at| {
                    progress(at.freed, at.freed + at.left, "pages freed");
                });
                let stats = stats.doing("vacuum")?;
                let held = stats.held_up_by.map_or(String::new(), |by| format!("; held up by {by}"));
                Ok(Outcome::Said(format!(
                    "vacuum: file and log {} before, {} after; {} given back in {}, longest stall {}{held}",
                    size(stats.size_before),
                    size(stats.size_after),
                    counted(stats.pages_freed, "free page", "free pages"),
                    times::took(stats.took),
                    times::took(stats.longest_stall),
                )))
            }
            Work::Backup => {
                let db = project.open_read_only()?.ok_or_else(gone)?;
                // A slash at the end says that it is a folder, also where it is not there yet.
                let folder = backup::default_folder(db.path()).join("");
                let options = backup::BackupOptions { keep: Some(KEPT_BACKUPS), replace: false };
                let report = backup::backup(&db, &folder, &options).doing("back up")?;
                Ok(Outcome::Said(format!(
                    "backup: {} verified, {}",
                    report.path.display(),
                    size(report.bytes)
                )))
            }
            Work::Checkpoint => {
                let db = project.open()?;
                let report =
                    checkpoint::checkpoint(&db, checkpoint::CheckpointMode::Passive).doing("checkpoint")?;
                let held = report.held_up_by.map_or(String::new(), |by| format!("; held up by {by}"));
                Ok(Outcome::Said(format!(
                    "checkpoint: {} of {} pages copied{held}",
                    report.copied_pages, report.log_pages
                )))
            }
            Work::Doctor => {
                let db = project.open_read_only()?.ok_or_else(gone)?;
                let environment = Environment::of_process()?;
                let machine = Machine::find(&environment, &Places::default());
                let global = machine.clone().and_then(|machine| machine.open_read_only()).ok().flatten();
                let mut checks = attention::checks(&db, &project, machine);
                checks.extend(agent_checks::checks(&project, &environment));
                let hosts = attention::hosts(&project, &environment, global.as_ref());
                checks.extend(attention::host_checks(&project, &environment, &hosts));
                Ok(Outcome::Checks(checks.into_iter().map(check_row).collect()))
            }
            Work::Convert => {
                let db = project.open()?;
                let _guard = life_cycle::guard(db.path(), "convert")?;
                Ok(Outcome::Said(match vacuum::convert(&db).doing("convert")? {
                    Some(stats) => format!(
                        "converted: {} before, {} after",
                        size(stats.size_before),
                        size(stats.size_after)
                    ),
                    None => "nothing to convert: free pages can be given back already".to_owned(),
                }))
            }
            Work::Verify => {
                let (db, not_kept) = project.open_to_keep(self.shared.read_only)?.ok_or_else(gone)?;
                let report = migrate::verify(&db, &self.shared.actor, &mut |at| {
                    progress(at.done_rows, at.total_rows, at.phase);
                });
                let report = report.doing("verify")?;
                let checked = counted(report.checked, "row", "rows");
                let not_kept =
                    not_kept.map_or(String::new(), |failure| format!("; not kept: {}", failure.message));
                if report.equal {
                    return Ok(Outcome::Said(format!("verify: {checked} compared, all equal{not_kept}")));
                }
                let differ = counted(report.differences, "differs", "differ");
                let differ = format!("verify: {checked} compared, {differ}{not_kept}");
                let advice = report.advice().join("; ");
                Err(Failure::new(Exit::StateSaysNo, "differs", differ)
                    .hint(format!("`conclave migrate verify` lists them; {advice}")))
            }
            Work::Backfill => {
                let db = project.open()?;
                let options =
                    BackfillOptions { actor: self.shared.actor.clone(), ..BackfillOptions::default() };
                let report = migrate::backfill(&db, &options, &mut |at| {
                    progress(at.done_rows, at.total_rows, at.phase);
                });
                let report = report.doing("backfill")?;
                let copied = counted(report.copied, "row", "rows");
                Ok(Outcome::Said(format!("backfill: {copied} copied, {} left", count(report.remaining))))
            }
            Work::Advance { confirm } => steps::advance(self.shared, &project, *confirm, &mut progress),
            Work::RollBack => steps::roll_back(self.shared, &project, &mut progress),
            Work::Repair => steps::repair(self.shared, &project, &mut progress),
            Work::Pause | Work::Resume => steps::pause(self.shared, *work == Work::Pause),
            Work::Migrate => {
                let db = project.open()?;
                let migrated = db.migrated();
                let left = migrate::status(&db).map_or(0, |status| status.backfill.remaining);
                let next = match left {
                    0 => String::new(),
                    rows => {
                        format!("; `:migrate backfill` copies {}", counted(rows, "legacy row", "legacy rows"))
                    }
                };
                Ok(Outcome::Said(format!("migrated from version {} to {}{next}", migrated.from, migrated.to)))
            }
            Work::Init => {
                project.init()?;
                drop(project.open()?);
                Ok(Outcome::Said(format!("created {}", project.state_dir.display())))
            }
            Work::Demo => {
                let environment = Environment::of_process()?;
                let demo = demo::begin(&environment, &self.shared.actor)?;
                let said = format!("the demo's project lies in {}", demo.project.root.display());
                Ok(self.move_to(demo.project, said, Some(demo.run)))
            }
            Work::Import(file) => {
                let file = absolute(&project, file);
                if let Ok(Some(kind)) = kind_of(&file) {
                    let machine = || {
                        let machine = self.shared.machine.clone();
                        machine.ok_or_else(|| Failure::not_found("no machine-wide file"))
                    };
                    let report = registry_import::import_file(&project, machine, kind, &file, false)?;
                    let outcome = registry_import::outcome(&report);
                    let said = std::iter::once(format!("imported {}: {outcome}", file.display()));
                    let said: Vec<String> = said.chain(registry_import::warnings(&report)).collect();
                    return Ok(Outcome::Said(said.join("; ")));
                }
                let options = import::options(&self.shared.actor, false);
                let report = import::import(&project, &file, &options, &mut |at| {
                    progress(at.done_rows, at.total_rows, at.phase);
                })?;
                Ok(Outcome::Said(format!("imported {}: {}", file.display(), import::in_words(&report))))
            }
            Work::Delete(run) => {
                let db = project.open()?;
                let was_there = runs::delete(&db, *run).doing("delete")?;
                let said = if was_there { "is deleted" } else { "was not there" };
                Ok(Outcome::Said(format!("run {run} {said}")))
            }
            Work::StopAgent(_)
            | Work::DiffAgent(_)
            | Work::MergeAgent(_)
            | Work::CleanUpAgent { .. }
            | Work::Spawn(_)
            | Work::SetAgent { .. }
            | Work::CleanUpPorts
            | Work::FlushSpool
            | Work::PlanTrim
            | Work::TrimSpool
            | Work::ClearCache
            | Work::BreakLease { .. } => Err(Failure::internal("work that is done elsewhere")),
            Work::Export(ids) => self.export(&project, ids),
            Work::ExportNamed(name) => {
                let db = project.open_read_only()?.ok_or_else(gone)?;
                let id = find_run::find_one(&db, name)?;
                self.export(&project, &[id])
            }
        }
    }

    fn export(&self, project: &Project, ids: &[RunId]) -> Result<Outcome, Failure> {
        let db = project.open_read_only()?.ok_or_else(gone)?;
        let folder =
            std::env::current_dir().map_err(|error| Failure::io("find the current folder", &error))?;
        for (done, id) in ids.iter().enumerate() {
            let _ = self.messages.send(Msg::Progress {
                done: done as u64,
                total: ids.len() as u64,
                phase: "runs",
            });
            conclave_consensus::export::export_run(&db, *id, &folder).doing(format!("export run {id}"))?;
        }
        Ok(Outcome::Said(format!(
            "exported {} to {}",
            counted(ids.len() as u64, "run", "runs"),
            folder.display()
        )))
    }

    fn move_to(&self, project: Project, said: String, drive: Option<RunId>) -> Outcome {
        let (root, database) = (project.root.display().to_string(), project.database.display().to_string());
        *self.shared.project.lock().unwrap_or_else(PoisonError::into_inner) = project;
        Outcome::Moved { root, database, said, drive }
    }
}

/// The right to write, which a suspension takes away between two steps of long work.
struct Writing<'lock> {
    lock: &'lock Mutex<()>,
    held: Option<MutexGuard<'lock, ()>>,
}

impl<'lock> Writing<'lock> {
    fn begin(lock: &'lock Mutex<()>) -> Self {
        Self { lock, held: Some(lock.lock().unwrap_or_else(PoisonError::into_inner)) }
    }

    fn breathe(&mut self) {
        self.held = None;
        self.held = Some(self.lock.lock().unwrap_or_else(PoisonError::into_inner));
    }
}

fn gone() -> Failure {
    Failure::not_found("no state here").hint("conclave init")
}

fn absolute(project: &Project, file: &Path) -> std::path::PathBuf {
    match (file.strip_prefix("~"), std::env::home_dir()) {
        (Ok(rest), Some(home)) => home.join(rest),
        _ => std::path::absolute(file).unwrap_or_else(|_| project.root.join(file)),
    }
}

fn check_row(check: doctor::Check) -> CheckRow {
    let state = match check.state {
        doctor::CheckState::Ok => CheckState::Ok,
        doctor::CheckState::Warn => CheckState::Warn,
        doctor::CheckState::Fail => CheckState::Fail,
    };
    CheckRow { name: check.name.to_owned(), state, detail: check.detail, advice: check.advice }
}
