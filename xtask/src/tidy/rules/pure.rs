//! The UI's update and view are functions of their arguments.

use super::{Find, Lines, Pattern, Within};
use crate::tidy::tree::SourceFile;

fn is_no_pure_part(file: &SourceFile) -> bool {
    !(file.path.starts_with("tui/src/ui/")
        && matches!(file.name(), "update.rs" | "view.rs" | "model.rs" | "render.rs"))
}

pub(crate) const PATTERNS: &[Pattern] = &[Pattern {
    rule: "pure-ui",
    advice: "models, updates and views do no I/O and ask no clock: return an effect, take the time from the message",
    within: Within::Code,
    lines: Lines::Production,
    find: Find::Name(&[
        "std::fs",
        "std::process",
        "std::thread",
        "Db",
        "dyn Clock",
        "impl Clock",
        "SystemClock",
        "tokio",
    ]),
    except: is_no_pure_part,
    caught: ("tui/src/ui/screens/runs/update.rs", "fn update(model: &mut Model, db: &Db) {}"),
    passed: ("tui/src/ui/runner.rs", "fn run(db: &Db) {}"),
}];
