//! What does not belong into a committed file.

use super::{Find, Lines, Pattern, Within, nothing};
use crate::tidy::tree::SourceFile;

/// Tidy's own rules name what they forbid.
fn is_tidy(file: &SourceFile) -> bool {
    file.is_in(&["xtask/src/tidy/"])
}

/// The modules that print on behalf of everyone else.
fn may_print(file: &SourceFile) -> bool {
    file.name() == "build.rs"
        || file.is_in(&["tui/", "xtask/"]) && matches!(file.name(), "output.rs" | "main.rs")
}

/// The crates that never print.
fn is_no_library(file: &SourceFile) -> bool {
    !file.is_in(&["retry/", "core/", "consensus/"])
}

fn is_lock_or_tidy(file: &SourceFile) -> bool {
    is_tidy(file) || file.name() == "Cargo.lock"
}

pub(crate) const PATTERNS: &[Pattern] = &[
    Pattern {
        rule: "expect-not-allow",
        advice: "use #[expect(…, reason = \"…\")]: it says why, and complains when it is no longer needed",
        within: Within::Code,
        lines: Lines::All,
        find: Find::Any(&["#[allow(", "#![allow(", ", allow("]),
        except: nothing,
        caught: ("retry/src/lib.rs", "#[allow(dead_code)]\nfn f() {}"),
        passed: (
            "retry/src/lib.rs",
            "#[expect(dead_code, reason = \"an #[allow(…)] would stay\")]\nfn f() {}",
        ),
    },
    Pattern {
        rule: "no-ignored-test",
        advice: "a test that is not run is deleted; one that needs a missing program says so in a line and returns",
        within: Within::Code,
        lines: Lines::All,
        find: Find::Any(&["#[ignore", ", ignore)]", ", ignore = "]),
        except: nothing,
        caught: ("retry/src/budget/tests.rs", "#[test]\n#[ignore = \"slow\"]\nfn f() {}"),
        passed: ("retry/src/budget/tests.rs", "#[test]\nfn ignore() {}"),
    },
    Pattern {
        rule: "unsafe",
        advice: "only the shim below SQLite is unsafe: find a safe interface",
        within: Within::Code,
        lines: Lines::All,
        find: Find::Name(&["unsafe", "unsafe_code"]),
        except: |file| file.is_in(&["core/testkit/src/vfs/shim.rs"]),
        caught: ("core/testkit/src/vfs/disk.rs", "fn f() { unsafe { g() } }"),
        passed: ("core/testkit/src/vfs/shim.rs", "fn f() { unsafe { g() } }"),
    },
    Pattern {
        rule: "unfinished",
        advice: "finish it, or write an issue: what is committed works",
        within: Within::Code,
        lines: Lines::All,
        find: Find::Name(&["todo!", "unimplemented!", "dbg!"]),
        except: nothing,
        caught: ("consensus/src/runs.rs", "fn f() -> u64 {\n    todo!()\n}"),
        passed: ("consensus/src/runs.rs", "fn f() -> &'static str { \"todo!\" }"),
    },
    Pattern {
        rule: "unfinished-note",
        advice: "do it, or write an issue: a note in the code is read by nobody",
        within: Within::Text,
        lines: Lines::All,
        find: Find::Name(&["FIXME", "TODO", "XXX"]),
        except: is_tidy,
        caught: ("README.md", "FIXME: say how"),
        passed: ("README.md", "a todo list"),
    },
    Pattern {
        rule: "print",
        advice: "libraries do not print: return it, or log it with tracing; a binary prints in its output.rs",
        within: Within::Code,
        lines: Lines::Production,
        find: Find::Name(&["println!", "eprintln!", "print!", "eprint!"]),
        except: may_print,
        caught: ("consensus/src/import.rs", "fn f() { println!(\"x\") }"),
        passed: ("tui/src/cli/output.rs", "fn f() { println!(\"x\") }"),
    },
    Pattern {
        rule: "print-by-hand",
        advice: "libraries do not print: return it, or log it with tracing",
        within: Within::Code,
        lines: Lines::Production,
        // Not the bare names: those are also what a child process has.
        find: Find::Any(&["stdout()", "stderr()", "io::stdout", "io::stderr", "stdout as ", "stderr as "]),
        except: is_no_library,
        caught: ("consensus/src/import.rs", "fn f() { std::io::stdout().write_all(b\"x\") }"),
        passed: ("tui/src/cli/output.rs", "fn f() { std::io::stdout().write_all(b\"x\") }"),
    },
    Pattern {
        rule: "no-panic",
        advice: "return an error: clippy's ban on unwrap and expect has no exceptions outside of tests",
        within: Within::Code,
        lines: Lines::Production,
        find: Find::Name(&["clippy::unwrap_used", "clippy::expect_used"]),
        except: nothing,
        caught: ("tui/src/main.rs", "#[expect(clippy::unwrap_used, reason = \"it is there\")]"),
        passed: ("tui/src/cli/tests.rs", "#[expect(clippy::unwrap_used, reason = \"it is there\")]"),
    },
    Pattern {
        rule: "machine-path",
        advice: "a path of somebody's machine: find it out when the program runs",
        within: Within::Text,
        lines: Lines::All,
        find: Find::Any(&["/work/", "/root/", "/Users/"]),
        except: is_lock_or_tidy,
        caught: ("docs/a.md", "lies in /root/x"),
        passed: ("docs/a.md", "lies in <root>/x"),
    },
    Pattern {
        rule: "machine-home",
        advice: "a home of somebody's machine: ask the environment; an invented one is /home/ada",
        within: Within::Text,
        lines: Lines::Production,
        find: Find::Without("/home/", "ada"),
        except: is_lock_or_tidy,
        caught: (".cargo/config.toml", "linker = \"/home/grace/ld\""),
        passed: ("core/db/tests/it/paths.rs", "const HOME: &str = \"/home/ada\";"),
    },
    Pattern {
        rule: "registry",
        advice: "everybody builds from crates.io: no registries, mirrors or replaced sources in the repository",
        within: Within::Text,
        lines: Lines::All,
        find: Find::Any(&[
            "[source.",
            "[registries.",
            "[registry]",
            "replace-with",
            "registry = \"",
            "sparse+http",
        ]),
        except: is_tidy,
        caught: (".cargo/config.toml", "[source.crates-io]"),
        passed: (".cargo/config.toml", "[alias]"),
    },
    Pattern {
        rule: "registry-locked",
        advice: "every package in a Cargo.lock comes from crates.io",
        within: Within::Text,
        lines: Lines::All,
        find: Find::Judge(foreign_source),
        except: |file| file.name() != "Cargo.lock",
        caught: ("Cargo.lock", "source = \"registry+https://example.org/index\""),
        passed: ("Cargo.lock", "source = \"registry+https://github.com/rust-lang/crates.io-index\""),
    },
];

fn foreign_source(lock: &str) -> bool {
    let crates_io = "source = \"registry+https://github.com/rust-lang/crates.io-index\"";
    lock.lines().any(|line| line.starts_with("source = ") && line != crates_io)
}
