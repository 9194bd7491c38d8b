//! The UI's update and view are functions of their arguments.

use super::{Find, Lines, Pattern, Within};
use crate::tidy::tree::SourceFile;

/// What owns the terminal, the threads and the database; everything else in the UI is pure.
const IMPURE: &[&str] = &[
    "tui/src/ui/event_loop.rs",
    "tui/src/ui/terminal.rs",
    "tui/src/ui/runner/",
    "tui/src/ui/fixture.rs",
    "tui/src/ui/fixture/",
];

fn is_no_pure_part(file: &SourceFile) -> bool {
    !file.is_in(&["tui/src/ui/"]) || file.is_in(IMPURE)
}

pub(crate) const PATTERNS: &[Pattern] = &[Pattern {
    rule: "pure-ui",
    advice: "models, updates and views do no I/O and ask no clock: return an effect, take the time from the message",
    within: Within::Code,
    lines: Lines::Production,
    find: Find::Name(&[
        "fs",
        "env",
        "net",
        "io",
        "process",
        "thread",
        "File",
        "Db",
        "dyn Clock",
        "impl Clock",
        "SystemClock",
        "tokio",
    ]),
    except: is_no_pure_part,
    caught: ("tui/src/ui/screens/runs/update.rs", "fn update(model: &mut Model, db: &Db) {}"),
    passed: ("tui/src/ui/runner/mod.rs", "fn run(db: &Db) {}"),
}];
