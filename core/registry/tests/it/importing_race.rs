//! Many processes that find one file at once.

use std::collections::BTreeSet;
use std::path::PathBuf;

use conclave_registry::import::{self, Kind, Observer};
use conclave_registry::ports::{self, FirstBase};
use conclave_testkit::{Parent, Rerun, TempProject};

use crate::files::{column, open_global, open_state, variable};
use crate::originals::{AGENTS, BLOCKS, PORTS, STATE, agents, blocks, names, write};

const PROCESSES: usize = 16;
const ROUNDS: usize = 6;

// runtime-state 8.22 and 8.23
#[test]
fn of_many_processes_one_imports_and_all_get_blocks() {
    if let Some(mut parent) = Parent::of_this_process() {
        let folder = PathBuf::from(variable("FOLDER"));
        let own = folder.join(format!("p{}", parent.number()));
        std::fs::create_dir(&own).unwrap();
        parent.wait_for_release();
        let global = open_global(&folder);
        let state = open_state(&folder);
        let mut made = 0;
        for (db, kind, name) in [(&global, Kind::Ports, "ports.json"), (&state, Kind::State, "state.json")] {
            let file = folder.join(".agent-farm").join(name);
            let report = import::take_over(db, kind, &file, &Observer::default()).unwrap();
            if let Some(report) = report {
                assert_eq!(report.warnings, Vec::<String>::new());
                made += report.rows;
            }
        }
        parent.say(&ports::block_of(&global, &own, FirstBase::USUAL).unwrap().base.to_string());
        parent.say(&made.to_string());
        return;
    }
    for round in 0..ROUNDS {
        let folder = TempProject::new();
        write(folder.root(), "state.json", STATE);
        write(folder.root(), "ports.json", PORTS);
        let mut fleet = Rerun::of("importing_race::of_many_processes_one_imports_and_all_get_blocks")
            .variable("FOLDER", folder.root().display().to_string())
            .start_fleet(PROCESSES);
        fleet.release();
        let said = fleet.finish();
        let bases: BTreeSet<&str> = said.iter().map(|lines| lines[0].as_str()).collect();
        assert_eq!(bases.len(), PROCESSES, "round {round}: {said:?}");
        assert!(!bases.contains("4200") && !bases.contains("4400"), "round {round}: {said:?}");
        let made: u64 = said.iter().map(|lines| lines[1].parse::<u64>().unwrap()).sum();
        assert_eq!(made, 7, "round {round}: {said:?}");
        let (state, global) = (open_state(folder.root()), open_global(folder.root()));
        assert_eq!(agents(&state), AGENTS, "round {round}");
        assert_eq!(blocks(&global).len(), PROCESSES + 2, "round {round}");
        assert!(BLOCKS.iter().all(|row| blocks(&global).iter().any(|other| other == row)), "round {round}");
        assert_eq!(names(&folder.path(".agent-farm")), ["ports.json.bak", "state.json.bak"], "round {round}");
        for db in [&state, &global] {
            assert_eq!(
                column::<i64>(db, "SELECT count(*) FROM registry_imports WHERE archived_at IS NOT NULL"),
                [1]
            );
        }
    }
}
