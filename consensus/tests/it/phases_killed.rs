//! A step that is killed anywhere leaves the old phase or the new one, never something between.

use std::time::Duration;

use conclave_consensus::migrate::{AdvanceOptions, RollbackOptions, advance, rollback};
use conclave_db::{Db, DbOptions};
use conclave_testkit::{KillDriver, Parent, Random, Rerun};

use crate::project::{Project, schema};

/// One step of a child, which says when it begins and when it is done.
fn step_in_child(parent: &mut Parent) {
    let db = Db::open(DbOptions::new(std::env::var_os("STATE").unwrap(), schema())).unwrap();
    parent.wait_for_release();
    let to = std::env::var("TO").unwrap().parse().unwrap();
    let compared = |parent: &mut Parent| parent.say("compared");
    if std::env::var_os("BACK").is_some() {
        let options = RollbackOptions { to: Some(to), actor: "child".into(), ..Default::default() };
        rollback(&db, &options, &mut |_| compared(parent)).unwrap();
    } else {
        let options = AdvanceOptions {
            to: Some(to),
            skip_soak: true,
            confirm: true,
            actor: "child".into(),
            ..Default::default()
        };
        advance(&db, &options, &mut |_| compared(parent)).unwrap();
    }
    parent.say("done");
}

/// What must be so in each phase.
fn assert_whole(project: &Project, from: i64, to: i64) {
    let phase = project.number("SELECT phase FROM migration_state");
    assert!(phase == from || phase == to, "{from} to {to}: {phase}");
    let steps = "SELECT count(*) FROM migration_events WHERE kind = 'phase' AND actor = 'child'";
    assert_eq!(project.number(steps), i64::from(phase == to), "the event comes with the step");
    let tables = project.number(
        "SELECT count(*) FROM sqlite_schema WHERE type = 'table' AND name IN
      ('consensus_artifacts', 'consensus_synthesis', 'agent_executions')",
    );
    let triggers =
        project.number("SELECT count(*) FROM sqlite_schema WHERE type = 'trigger' AND name LIKE 'capture%'");
    assert_eq!((tables, triggers), if phase == 5 { (0, 0) } else { (3, 12) }, "phase {phase}");
    assert_eq!(project.number("SELECT count(*) FROM agent_outputs"), 14);
    let ids = "SELECT seq FROM sqlite_sequence WHERE name = 'consensus_artifacts'";
    assert_eq!(project.number(ids), 14);
    assert_eq!(project.number("SELECT count(*) FROM capture_off"), 0);
    assert!(project.verify().equal);
    project.assert_sound();
}

#[test]
fn a_step_killed_anywhere_leaves_the_old_phase_or_the_new_one() {
    if let Some(mut parent) = Parent::of_this_process() {
        return step_in_child(&mut parent);
    }
    let mut driver = KillDriver::with(Random::new(21));
    let mut seen = std::collections::BTreeSet::new();
    for (from, to) in [(1, 2), (2, 3), (3, 4), (4, 5), (4, 3), (4, 2), (3, 1)].repeat(3) {
        let project = Project::new();
        project.import(&project.golden());
        for to in 2..=from {
            let options = AdvanceOptions { to: Some(to), skip_soak: true, ..Default::default() };
            advance(&project.db, &options, &mut |_| {}).unwrap();
        }
        let mut rerun =
            Rerun::of("phases_killed::a_step_killed_anywhere_leaves_the_old_phase_or_the_new_one")
                .variable("STATE", project.db.path().display().to_string())
                .variable("TO", to.to_string());
        if to < from {
            rerun = rerun.variable("BACK", "1");
        }
        let killed = driver.run_and_kill(rerun.start(), 2, Duration::from_millis(12));
        assert_whole(&project, i64::from(from), i64::from(to));
        let phase = project.number("SELECT phase FROM migration_state");
        if killed.lines.iter().any(|line| line == "done") {
            assert_eq!(phase, i64::from(to), "what was said is so");
        }
        seen.insert(phase == i64::from(to));
        // Whoever takes the step again is not in the way of what was killed.
        if phase == i64::from(from) && to == from + 1 {
            let options = AdvanceOptions { skip_soak: true, confirm: true, ..Default::default() };
            assert_eq!(advance(&project.db, &options, &mut |_| {}).unwrap().phase, to);
        }
    }
    assert_eq!(seen.len(), 2, "some were killed before their step and some after");
}
