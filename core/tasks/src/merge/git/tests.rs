//! What git and `sh` read.

use conclave_testkit::{TempProject, skipped};

use super::*;

#[test]
fn names_are_quoted_for_whom_they_are_for() {
    for (pattern, written) in [
        ("*.jsonl", "*.jsonl"),
        (".beads/issues.jsonl", ".beads/issues.jsonl"),
        ("a b.jsonl", "\"a b.jsonl\""),
        ("#x", "\"#x\""),
        ("a\tb\"\\", "\"a\\011b\\\"\\\\\""),
        ("é x", "\"\\303\\251 x\""),
    ] {
        assert_eq!(quoted_pattern(pattern), written);
    }
    for (program, written) in [
        ("conclave", "conclave"),
        ("/usr/local/bin/conclave-1.2", "/usr/local/bin/conclave-1.2"),
        ("/a b/c", "'/a b/c'"),
        ("/it's/50%", "'/it'\\''s/50%%'"),
        ("", "''"),
    ] {
        assert_eq!(quoted_program(program), written);
    }
}

fn has_git() -> bool {
    Command::new("git").arg("--version").output().is_ok()
}

#[test]
fn twice_changes_nothing() {
    if !has_git() {
        return skipped("there is no git");
    }
    let project = TempProject::new();
    git(project.root(), &["init", "-q"]).unwrap();
    let attributes = project.file(".gitattributes", b"*.png binary");
    let inside = project.folder("sub");
    let patterns = ["*.jsonl".to_owned(), "a b.jsonl".to_owned()];
    let first = install(&inside, &patterns, "/opt/con clave").unwrap();
    assert_eq!(first.attributes, attributes);
    let written = "*.png binary\n*.jsonl merge=conclave-tasks\n\"a b.jsonl\" merge=conclave-tasks\n";
    assert_eq!(std::fs::read_to_string(&attributes).unwrap(), written);
    assert_eq!(install(&inside, &patterns, "/opt/con clave").unwrap(), first);
    assert_eq!(std::fs::read_to_string(&attributes).unwrap(), written);
    for (name, value) in &first.config {
        assert_eq!(git(project.root(), &["config", "--get-all", name]).unwrap(), format!("{value}\n"));
    }
    let attribute = git(project.root(), &["check-attr", "merge", "x.jsonl", "a b.jsonl", "x.png"]).unwrap();
    assert_eq!(
        attribute,
        "x.jsonl: merge: conclave-tasks\na b.jsonl: merge: conclave-tasks\nx.png: merge: unset\n"
    );
}

#[test]
fn a_folder_without_a_checkout_is_refused() {
    if !has_git() {
        return skipped("there is no git");
    }
    let project = TempProject::new();
    let error = install(project.root(), &["*.jsonl".to_owned()], "conclave").unwrap_err();
    assert_eq!(error.kind(), crate::TaskErrorKind::Refused);
    assert!(error.to_string().contains("not a git repository"), "{error}");
    for pattern in ["", " ", "!x"] {
        let error = install(project.root(), &[pattern.to_owned()], "conclave").unwrap_err();
        assert_eq!(error.kind(), crate::TaskErrorKind::Invalid, "{pattern:?}");
    }
}
