//! The steps between the phases: which are allowed, which are refused and why, and what each leaves behind.

use std::sync::Arc;
use std::time::Duration;

use conclave_consensus::ConsensusErrorKind;
use conclave_consensus::migrate::{
    self, AdvanceOptions, MigrationStatus, RollbackOptions, Soak, StepReport, advance, rollback,
};
use conclave_db::clock::BootClock;
use conclave_db::sql::Value;
use conclave_db::{Db, DbOptions};
use conclave_retry::Clock;
use conclave_testkit::{ManualClock, Parent, Rerun};

use crate::project::{Project, schema};

const DAY: Duration = Duration::from_hours(24);

/// A boot clock that stands still until a test moves it.
#[derive(Debug)]
struct Boot(ManualClock);

impl BootClock for Boot {
    fn since_boot(&self) -> Duration {
        self.0.monotonic()
    }
}

/// A project with the golden rows imported, and clocks of its own.
pub(crate) struct Timed {
    pub(crate) project: Project,
    pub(crate) clock: ManualClock,
    boot: &'static str,
}

impl Timed {
    pub(crate) fn new() -> Self {
        let dir = tempfile::tempdir().unwrap();
        let clock = ManualClock::at_wall_ms(1_795_000_000_000);
        let options = DbOptions::new(dir.path().join("state.db"), schema()).clock(Arc::new(clock.clone()));
        let project = Project { db: Db::open(options).unwrap(), dir };
        project.import(&project.golden());
        Self { project, clock, boot: "first" }
    }

    fn soak(&self) -> Soak {
        Soak { clock: Arc::new(Boot(self.clock.clone())), boot: self.boot.into(), ..Soak::default() }
    }

    pub(crate) fn status(&self) -> MigrationStatus {
        migrate::status_with(&self.project.db, &self.soak()).unwrap()
    }

    pub(crate) fn options(&self) -> AdvanceOptions {
        AdvanceOptions { actor: "ana".into(), soak: self.soak(), ..AdvanceOptions::default() }
    }

    /// A step without soak, confirmed.
    pub(crate) fn force(&self, to: u8) -> StepReport {
        let options = AdvanceOptions { to: Some(to), skip_soak: true, confirm: true, ..self.options() };
        advance(&self.project.db, &options, &mut |_| {}).unwrap()
    }

    fn advance(&self) -> Result<StepReport, String> {
        let options = AdvanceOptions { confirm: true, ..self.options() };
        advance(&self.project.db, &options, &mut |_| {}).map_err(|error| error.to_string())
    }

    pub(crate) fn back(&self, to: Option<u8>) -> Result<StepReport, String> {
        let options = RollbackOptions { to, actor: "ana".into(), soak: self.soak(), ..Default::default() };
        rollback(&self.project.db, &options, &mut |_| {}).map_err(|error| error.to_string())
    }

    /// In this phase, without having soaked.
    pub(crate) fn in_phase(phase: u8) -> Self {
        let timed = Self::new();
        for to in 2..=phase {
            timed.force(to);
        }
        assert_eq!(timed.phase(), phase);
        timed
    }

    pub(crate) fn phase(&self) -> u8 {
        u8::try_from(self.project.number("SELECT phase FROM migration_state")).unwrap()
    }
}

/// What an older program writes: one artifact.
pub(crate) const OLDER_WRITE: &str =
    "INSERT INTO consensus_artifacts(spec_id, stage, agent_name, content_json, run_id)
  VALUES('OLD', 'spec-plan', 'a', '{}', 'run_OLD')";

#[test]
fn scenario_21_every_move_is_allowed_or_refused_with_its_reason() {
    // By phase: what an advance to 1 … 5 and a rollback to 1 … 5 says; "" is allowed.
    const REACHED: &str = "is reached already";
    const SKIPS: &str = "one step at a time";
    const FORWARD: &str = "does not lie before";
    const NO_WAY: &str = "no way back";
    const END: &str = "is the last";
    let advances = [
        [REACHED, "", SKIPS, SKIPS, SKIPS],
        [REACHED, REACHED, "", SKIPS, SKIPS],
        [REACHED, REACHED, REACHED, "", SKIPS],
        [REACHED, REACHED, REACHED, REACHED, ""],
        [END, END, END, END, END],
    ];
    let rollbacks = [
        [FORWARD, FORWARD, FORWARD, FORWARD, FORWARD],
        ["", FORWARD, FORWARD, FORWARD, FORWARD],
        ["", "", FORWARD, FORWARD, FORWARD],
        ["", "", "", FORWARD, FORWARD],
        [NO_WAY, NO_WAY, NO_WAY, NO_WAY, NO_WAY],
    ];
    for from in 1..=5_u8 {
        let mut timed = Timed::in_phase(from);
        for to in 1..=5_u8 {
            let wanted = advances[usize::from(from) - 1][usize::from(to) - 1];
            let options = AdvanceOptions { to: Some(to), skip_soak: true, confirm: true, ..timed.options() };
            let before = timed.project.state();
            match advance(&timed.project.db, &options, &mut |_| {}) {
                Ok(report) => {
                    assert_eq!((wanted, report.from, report.phase), ("", from, to), "advance {from} to {to}");
                    timed = Timed::in_phase(from);
                }
                Err(error) => {
                    assert_eq!(error.kind(), ConsensusErrorKind::Refused);
                    let said = error.to_string();
                    assert!(!wanted.is_empty() && said.contains(wanted), "advance {from} to {to}: {said}");
                    assert_eq!(timed.project.state(), before, "a refused step changes nothing");
                }
            }
            let wanted = rollbacks[usize::from(from) - 1][usize::from(to) - 1];
            match timed.back(Some(to)) {
                Ok(report) => {
                    assert_eq!((wanted, report.from, report.phase), ("", from, to), "back {from} to {to}");
                    timed = Timed::in_phase(from);
                }
                Err(said) => {
                    assert!(!wanted.is_empty() && said.contains(wanted), "back {from} to {to}: {said}");
                }
            }
        }
    }
    let timed = Timed::new();
    let none = AdvanceOptions { to: Some(6), ..timed.options() };
    let error = advance(&timed.project.db, &none, &mut |_| {}).unwrap_err();
    assert_eq!(error.kind(), ConsensusErrorKind::Invalid);
    assert!(timed.back(None).unwrap_err().contains("phase 1 is the first"));
}

#[test]
fn each_step_is_soaked_and_recorded() {
    let timed = Timed::new();
    assert_eq!(timed.advance().unwrap().phase, 2, "before the dual-write there is no soak");
    for (days, phase) in [(7_u32, 3), (7, 4), (14, 5)] {
        let status = timed.status();
        assert_eq!(status.next.missing, [format!("soak {days} d")]);
        assert!(!status.next.allowed);
        timed.clock.advance(Duration::from_mins(u64::from(days) * 24 * 60 - 1));
        assert!(timed.advance().unwrap_err().contains("missing: soak 1 min"));
        timed.clock.advance(Duration::from_mins(1));
        assert!(timed.status().next.allowed);
        let report = timed.advance().unwrap();
        assert_eq!((report.phase, report.skipped_soak), (phase, false));
    }
    let events = timed.project.rows(
        "SELECT actor || ' ' || json_extract(detail, '$.from') || json_extract(detail, '$.to')
           || ' ' || ifnull(json_extract(detail, '$.checked'), '-') FROM migration_events
         WHERE kind = 'phase' ORDER BY id",
    );
    let text = |text: &str| vec![Value::Text(text.into())];
    let wanted = ["unknown 51 -", "ana 12 14", "ana 23 14", "ana 34 14", "ana 45 14"];
    assert_eq!(events, wanted.map(text));
    assert_eq!(timed.status().next.phase, None);
}

#[test]
fn going_without_the_soak_is_recorded() {
    let timed = Timed::in_phase(2);
    assert!(timed.force(3).skipped_soak);
    let recorded = "SELECT json_extract(detail, '$.skipped_soak') FROM migration_events WHERE kind = 'phase'
      AND json_extract(detail, '$.to') = 3";
    assert_eq!(timed.project.number(recorded), 1);
}

#[test]
fn the_clock_of_the_wall_does_not_shorten_a_soak() {
    let mut timed = Timed::in_phase(2);
    timed.clock.set_wall_ms(timed.clock.wall_ms() + 400 * 86_400_000);
    assert!(timed.advance().unwrap_err().contains("soak 7 d"));
    timed.clock.set_wall_ms(0);
    timed.clock.advance(DAY * 3);
    assert!(timed.status().next.missing[0].contains("soak 4 d"), "{:?}", timed.status().next);
    // Whoever asks in vain leaves how it stands, so that a reboot does not lose it.
    assert!(timed.advance().unwrap_err().contains("soak 4 d"));
    timed.boot = "second";
    timed.clock.advance(DAY * 4);
    assert_eq!(timed.advance().unwrap().phase, 3);
}

/// A difference found begins the soak anew, and stops the step until it is mended.
#[test]
fn a_difference_stops_the_step_and_begins_the_soak_anew() {
    for phase in [2, 3] {
        let timed = Timed::in_phase(phase);
        timed.clock.advance(DAY * 8);
        timed.project.tamper("UPDATE agent_outputs SET content = 'other' WHERE id = 3");
        assert!(timed.status().next.allowed, "nobody has looked yet");
        let said = timed.advance().unwrap_err();
        assert!(said.contains("missing: 1 open difference"), "{said}");
        assert_eq!(timed.phase(), phase);
        let status = timed.status();
        assert_eq!((status.mismatches, status.soak.unwrap().passed), (1, false));
        timed.project.tamper("UPDATE agent_outputs SET content = '' WHERE id = 3");
        assert!(timed.project.verify().equal);
        assert!(timed.advance().unwrap_err().contains("soak"));
        assert_eq!(timed.force(phase + 1).phase, phase + 1);
    }
}

#[test]
fn the_reads_are_not_flipped_before_the_backfill_is_complete() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("state.db");
    conclave_consensus::golden::write_legacy_fixture(&path).unwrap();
    let timed = Timed { project: Project::over(dir, &path), clock: ManualClock::new(), boot: "first" };
    let step = timed.force(2);
    assert_eq!((step.phase, step.missing_in_new), (2, 14), "nothing is mirrored yet, so nothing differs");
    assert_eq!(step.found(), "14 legacy rows without their counterpart: conclave migrate backfill");
    assert_eq!(timed.status().mismatches, 14);
    let options = AdvanceOptions { skip_soak: true, ..timed.options() };
    let said = advance(&timed.project.db, &options, &mut |_| {}).unwrap_err();
    assert!(said.to_string().contains("14 legacy rows without their counterpart"), "{said}");
    assert_eq!(said.hint(), Some("`conclave migrate backfill` copies them"));
    let some = migrate::BackfillOptions { limit: Some(5), ..Default::default() };
    migrate::backfill(&timed.project.db, &some, &mut |_| {}).unwrap();
    let status = timed.status();
    assert_eq!((status.backfill.remaining, status.mismatches), (9, 9), "what is copied differs no more");
    timed.project.backfill();
    assert_eq!(timed.status().mismatches, 0);
    assert_eq!(timed.project.number("SELECT count(*) FROM migration_findings"), 0);
    let step = timed.force(3);
    assert_eq!((step.phase, step.found().as_str()), (3, "all equal"));
}

#[test]
fn broken_triggers_are_put_on_again_and_what_they_missed_is_found() {
    let timed = Timed::new();
    timed.project.write("DROP TRIGGER capture_consensus_artifacts_update");
    assert!(timed.status().capture_broken);
    timed.project.write("UPDATE consensus_artifacts SET content_json = 'missed' WHERE id = 1");
    assert!(timed.advance().unwrap_err().contains("1 open difference"));
    assert!(timed.status().capture_triggers);
    timed.project.write("UPDATE consensus_artifacts SET content_json = 'seen' WHERE id = 1");
    assert_eq!(timed.advance().unwrap().phase, 2);
    // The way back puts them on too.
    timed.project.write("DROP TRIGGER capture_artifact");
    assert!(timed.status().capture_broken);
    timed.back(Some(1)).unwrap();
    assert!(timed.status().capture_triggers);
    let recorded = "SELECT count(*) FROM migration_events WHERE (kind, actor) = ('capture', 'ana')";
    assert_eq!(timed.project.number(recorded), 2);
}

#[test]
fn an_older_program_that_writes_in_phase_4_begins_the_soak_anew() {
    let timed = Timed::in_phase(4);
    timed.clock.advance(DAY * 13);
    // The trigger has the wall clock of the machine: the test's stands there too.
    let now = conclave_retry::SystemClock.wall_ms();
    timed.clock.set_wall_ms(now);
    timed.project.write(OLDER_WRITE);
    let status = timed.status();
    assert_eq!((status.older_program.late_writes, status.older_program.writing), (1, true));
    assert_eq!(status.next.missing, ["soak 14 d"]);
    timed.clock.advance(DAY * 13);
    assert!(timed.advance().unwrap_err().contains("soak"));
    timed.clock.advance(DAY * 2);
    assert_eq!(timed.advance().unwrap().phase, 5);
    // What it wrote is there.
    assert_eq!(timed.project.number("SELECT count(*) FROM agent_outputs WHERE captured_phase = 4"), 1);
}

/// Also in the time in which the step compares both sides: the soak is read where the phase moves.
#[test]
fn a_late_write_during_the_step_begins_the_soak_anew() {
    let timed = Timed::in_phase(4);
    timed.clock.advance(DAY * 14);
    timed.clock.set_wall_ms(conclave_retry::SystemClock.wall_ms());
    let options = AdvanceOptions { confirm: true, ..timed.options() };
    let mut done = false;
    let error = advance(&timed.project.db, &options, &mut |_| {
        if !std::mem::replace(&mut done, true) {
            timed.project.write(OLDER_WRITE);
        }
    })
    .unwrap_err();
    assert!(error.to_string().contains("missing: soak 14 d"), "{error}");
    assert_eq!(timed.phase(), 4);
}

/// The steps of a dry run, and that it does nothing.
#[test]
fn a_dry_run_says_what_would_be_done() {
    let timed = Timed::in_phase(2);
    let version = timed.project.rows("PRAGMA data_version");
    let dry = AdvanceOptions { dry_run: true, ..timed.options() };
    let report = advance(&timed.project.db, &dry, &mut |_| {}).unwrap();
    assert_eq!((report.from, report.phase, report.rows, report.allowed), (2, 3, 14, false));
    assert_eq!(report.steps, ["compare both sides", "begin phase 3"]);
    assert_eq!(report.missing, ["soak 7 d"]);
    let dry = RollbackOptions { dry_run: true, soak: timed.soak(), ..Default::default() };
    assert_eq!(rollback(&timed.project.db, &dry, &mut |_| {}).unwrap().steps, ["begin phase 1"]);
    assert_eq!(timed.project.rows("PRAGMA data_version"), version);
    let timed = Timed::in_phase(4);
    let dry = AdvanceOptions { dry_run: true, skip_soak: true, ..timed.options() };
    let report = advance(&timed.project.db, &dry, &mut |_| {}).unwrap();
    assert!(report.missing[0].contains("--confirm") && report.disk_bytes > 0);
    assert_eq!(report.steps.len(), 4);
    assert!(timed.status().backup.is_none());
}

/// Two processes take the same step: one does it, the other is told.
#[test]
fn of_two_that_advance_at_once_one_does_it_and_the_other_is_told() {
    if let Some(mut parent) = Parent::of_this_process() {
        let path = std::env::var_os("STATE").unwrap();
        let db = Db::open(DbOptions::new(path, schema())).unwrap();
        parent.wait_for_release();
        let options = AdvanceOptions { to: Some(2), ..AdvanceOptions::default() };
        let said = match advance(&db, &options, &mut |_| {}) {
            Ok(report) => format!("done {}", report.phase),
            Err(error) => error.to_string(),
        };
        return parent.say(&said);
    }
    for _ in 0..5 {
        let project = Project::new();
        project.import(&project.golden());
        let mut fleet = Rerun::of("phases::of_two_that_advance_at_once_one_does_it_and_the_other_is_told")
            .variable("STATE", project.db.path().display().to_string())
            .start_fleet(2);
        fleet.release();
        let mut said: Vec<String> = fleet.finish().into_iter().flatten().collect();
        said.sort();
        assert_eq!(said[0], "done 2");
        assert!(said[1].contains("reached already") || said[1].contains("somebody else"), "{said:?}");
        let steps = "SELECT count(*) FROM migration_events WHERE kind = 'phase' AND detail LIKE '%\"to\":2%'";
        assert_eq!(project.number(steps), 1);
    }
}
