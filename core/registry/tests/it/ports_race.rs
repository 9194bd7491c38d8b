//! Many processes that ask for blocks at once.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use conclave_registry::ports::{self, FirstBase};
use conclave_testkit::{Parent, Rerun, TempProject};

use crate::files::{open_global, variable};

const PROCESSES: usize = 16;
const ROUNDS: usize = 5;

// runtime-state 8.23
#[test]
fn processes_that_start_together_on_no_file_get_different_blocks() {
    if let Some(mut parent) = Parent::of_this_process() {
        let folder = PathBuf::from(variable("FOLDER"));
        let own = folder.join(format!("p{}", parent.number()));
        std::fs::create_dir(&own).unwrap();
        parent.wait_for_release();
        let global = open_global(&folder.join("machine"));
        for root in [own.as_path(), folder.as_path(), own.as_path()] {
            let block = ports::block_of(&global, root, FirstBase::USUAL).unwrap();
            parent.say(&block.base.to_string());
        }
        return;
    }
    for round in 0..ROUNDS {
        let folder = TempProject::new();
        let said = raced(folder.root());
        let own: BTreeSet<&str> = said.iter().map(|lines| lines[0].as_str()).collect();
        let shared: BTreeSet<&str> = said.iter().map(|lines| lines[1].as_str()).collect();
        assert_eq!((own.len(), shared.len()), (PROCESSES, 1), "round {round}: {said:?}");
        assert!(said.iter().all(|lines| lines[0] == lines[2]), "round {round}: {said:?}");
        let rows = ports::list(&open_global(&folder.path("machine"))).unwrap();
        let bases: Vec<u16> = rows.iter().map(|row| row.base).collect();
        let wanted: Vec<u16> =
            (42..).map(|n| n * 100).filter(|base| *base != 5000).take(PROCESSES + 1).collect();
        assert_eq!(bases, wanted, "round {round}: no gap is left");
    }
}

fn raced(folder: &Path) -> Vec<Vec<String>> {
    let mut fleet = Rerun::of("ports_race::processes_that_start_together_on_no_file_get_different_blocks")
        .variable("FOLDER", folder.display().to_string())
        .start_fleet(PROCESSES);
    fleet.release();
    fleet.finish()
}
