//! What is a function of its arguments: the UI's update and view, and what answers are taken for.

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

/// What makes a verdict of rows, and rows of what agents wrote.
const JUDGES: &[&str] = &[
    "consensus/src/answer/",
    "consensus/src/gates/",
    "consensus/src/names.rs",
    "consensus/src/stages.rs",
    "consensus/src/stages/",
    "consensus/src/synthesis.rs",
    "consensus/src/synthesis/",
    "consensus/src/verdict/",
];

fn is_no_judge(file: &SourceFile) -> bool {
    // The gates' way to their rows.
    !file.is_in(JUDGES) || file.is_in(&["consensus/src/gates/stored.rs"])
}

const JUDGING: Pattern = Pattern {
    rule: "pure-judges",
    advice: "a verdict is a function of the rows: hand in what it depends on",
    within: Within::Code,
    lines: Lines::Production,
    find: Find::Name(&[
        "fs",
        "env",
        "io",
        "process",
        "thread",
        "conclave_db",
        "Db",
        "Clock",
        "SystemClock",
        "Random",
        "tokio",
    ]),
    except: is_no_judge,
    caught: ("consensus/src/verdict/judge.rs", "fn judge(db: &Db, case: &Case) {}"),
    passed: ("consensus/src/gates/stored.rs", "fn record(db: &Db) {}"),
};

pub(crate) const PATTERNS: &[Pattern] = &[
    JUDGING,
    Pattern {
        rule: "pure-ui",
        advice: "models, updates and views do no I/O and ask no clock: return an effect, take the time from the message",
        within: Within::Code,
        lines: Lines::Production,
        find: Find::Name(&[
            "fs",
            "env",
            "net",
            "io",
            // The module; a field may be called so.
            "std::process",
            "process::",
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
    },
];
