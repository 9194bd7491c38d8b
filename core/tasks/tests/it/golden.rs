//! The rules of what is ready (facts 2.6), on a file made for them: each task is named for the rule that it shows. The
//! golden was read line by line; a rule that changes shows as a line of it.

use std::fmt::Write as _;

use conclave_tasks::read::{self, ReadyQuery, Semantics, Sort};

use crate::importing::import;
use crate::project::{Project, ids};

const FILE: &[u8] = include_bytes!("../fixtures/ready.jsonl");
const GOLDEN: &str = include_str!("../fixtures/ready.golden");
/// 2026-02-01
const NOW: i64 = 1_769_904_000_000;

#[test]
fn ready_and_blocked_are_as_they_were_recorded() {
    let project = Project::new();
    project.clock.set_wall_ms(NOW);
    import(&project.db, FILE);
    let mut found = String::new();
    for (name, semantics, sort) in [
        ("ready", Semantics::Classic, Sort::Priority),
        ("oldest", Semantics::Classic, Sort::Oldest),
        ("hybrid", Semantics::Classic, Sort::Hybrid),
        ("1.x", Semantics::One, Sort::Priority),
    ] {
        let query = ReadyQuery { semantics, sort, ..ReadyQuery::default() };
        let rows = read::ready(&project.db, &query).unwrap();
        writeln!(found, "{name} {}\n{}\n", rows.len(), ids(&rows).join("\n")).unwrap();
    }
    let blocked = read::blocked(&project.db, None).unwrap();
    writeln!(found, "blocked {}", blocked.len()).unwrap();
    for one in &blocked {
        let why: Vec<&str> = one.by.iter().map(|by| by.why.as_str()).collect();
        writeln!(found, "{}: {}", one.row.id(), why.join("; ")).unwrap();
    }
    assert_eq!(found, GOLDEN, "found:\n{found}");
    let stats = read::stats(&project.db).unwrap();
    let ready = read::ready(&project.db, &ReadyQuery::default()).unwrap();
    assert_eq!((stats.ready, stats.blocked), (ready.len() as u64, blocked.len() as u64));
}
