//! Time is injected: only `clock.rs` asks the system.

use super::{Find, Lines, Pattern, Within};
use crate::tidy::tree::SourceFile;

fn is_clock(file: &SourceFile) -> bool {
    file.name() == "clock.rs" || file.path.ends_with("/clock/tests.rs")
}

/// Tokio's clock is injected already: tests pause it.
fn has_tokios(file: &SourceFile) -> bool {
    let code = &file.parts.code;
    let is_stds = |line: &str| line.contains("std::time::") && line.contains("Instant");
    code.contains("tokio::time::") && !code.contains("SystemTime::now") && !code.lines().any(is_stds)
}

pub(crate) const PATTERNS: &[Pattern] = &[
    Pattern {
        rule: "clock",
        advice: "inject conclave_retry::Clock; only a clock.rs asks the system for the time",
        within: Within::Code,
        lines: Lines::All,
        find: Find::Name(&[
            "SystemTime::now",
            "Instant::now",
            "Timestamp::now",
            "Zoned::now",
            "UNIX_EPOCH.elapsed",
            // Under another name.
            "SystemTime as",
            "Instant as",
        ]),
        except: |file| is_clock(file) || has_tokios(file),
        caught: ("retry/src/budget.rs", "fn f() -> Instant { Instant::now() }"),
        passed: ("retry/src/clock.rs", "fn f() -> Instant { Instant::now() }"),
    },
    Pattern {
        rule: "sleep",
        advice: "inject conclave_retry::Sleeper; a test that sleeps is slow or flaky, mostly both",
        within: Within::Code,
        lines: Lines::All,
        find: Find::Name(&["thread::sleep", "self, sleep", "sleep as"]),
        except: is_clock,
        caught: ("core/db/tests/it/pool.rs", "fn f() { std::thread::sleep(TIME) }"),
        passed: ("core/db/src/open.rs", "fn f() { sleeper.sleep(TIME) } // not thread::sleep"),
    },
];
