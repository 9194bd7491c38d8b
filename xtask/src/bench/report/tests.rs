//! What the table says of how it was measured.

use super::Report;
use crate::bench::harness::Harness;
use crate::bench::machine::Machine;
use crate::bench::row::{Measured, Target};

fn machine() -> Machine {
    Machine {
        cpu: "cpu".into(),
        cores: 2,
        memory_gib: 8,
        kernel: "6".into(),
        file_system: "ext4".into(),
        sync_p50_us: 100,
        sync_p99_us: 200,
        load_average: "0 0 0".into(),
        sqlite: "3",
        build: "release",
        journal: "WAL",
    }
}

/// Writes, reads, vacuum and import are repeated in other numbers: one for all would be wrong for most.
#[test]
fn each_row_says_how_often_it_was_measured() {
    let mut harness = Harness::new(true, None);
    let line = ("vacuum, time", "153 MB", "ms");
    let peer = ("VACUUM", &[1.0, 1.0, 1.0][..]);
    harness.add(Measured::beside(line, &[1.0, 2.0, 3.0], peer, Target::RatioAtMost(2.0)));
    harness.add(Measured::alone(("point reads", "1 thread", "reads/s"), &[5.0; 9], Target::None));
    let text = Report::new(machine(), harness).markdown();
    for row in [
        "| vacuum, time | 153 MB | 2 | 1 | VACUUM | ms | 3 | 2× | 1–3 | ≤ 2× | yes |",
        "| point reads | 1 thread | 5 | – |  | reads/s | 9 | – | 5–5 |  |  |",
        "- windows: writes 1000 ms after 100 ms of warm-up, reads 200 ms after 100 ms;",
    ] {
        assert!(text.contains(row), "{row}\n{text}");
    }
    let columns: Vec<usize> =
        text.lines().filter(|line| line.starts_with('|')).map(|line| line.matches('|').count()).collect();
    assert_eq!(columns, [12; 4]);
}
