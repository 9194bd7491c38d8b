//! Which crate may depend on which: arrows point down only.

use toml::{Table, Value};

use crate::tidy::Finding;
use crate::tidy::tree::{Tree, line_at};

/// A crate and what it may know.
struct Layer {
    folder: &'static str,
    name: &'static str,
    /// Crates of ours that it may depend on.
    below: &'static [&'static str],
    /// Foreign crates that it must not name, in no table.
    never: &'static [&'static str],
}

const SQLITE: &[&str] = &["rusqlite", "libsqlite3-sys", "r2d2", "r2d2_sqlite", "sqlx"];
const NO_RUNTIME: &[&str] = &["rusqlite", "libsqlite3-sys", "r2d2", "r2d2_sqlite", "sqlx", "tokio"];

/// From the bottom up, with those that are still to come.
const LAYERS: &[Layer] = &[
    Layer { folder: "retry", name: "conclave-retry", below: &[], never: NO_RUNTIME },
    Layer { folder: "core/db", name: "conclave-db", below: &["conclave-retry"], never: &["sqlx"] },
    domain("core/leases", "conclave-leases", &["conclave-db", "conclave-retry"]),
    domain("core/tasks", "conclave-tasks", &["conclave-db", "conclave-retry"]),
    domain("core/registry", "conclave-registry", &["conclave-db", "conclave-retry"]),
    domain("core/spool", "conclave-spool", &["conclave-db", "conclave-retry"]),
    domain("core/cache", "conclave-cache", &["conclave-db", "conclave-retry", "conclave-leases"]),
    domain("core/llm", "conclave-llm", &["conclave-db", "conclave-retry"]),
    Layer {
        folder: "core/testkit",
        name: "conclave-testkit",
        below: &["conclave-db", "conclave-retry"],
        never: &["sqlx"],
    },
    domain(
        "consensus",
        "conclave-consensus",
        &["conclave-db", "conclave-retry", "conclave-leases", "conclave-spool", "conclave-llm"],
    ),
    domain(
        "tui",
        "conclave",
        &[
            "conclave-db",
            "conclave-retry",
            "conclave-leases",
            "conclave-tasks",
            "conclave-registry",
            "conclave-spool",
            "conclave-cache",
            "conclave-llm",
            "conclave-consensus",
        ],
    ),
    Layer {
        folder: "xtask",
        name: "xtask",
        below: &[
            "conclave",
            "conclave-consensus",
            "conclave-db",
            "conclave-retry",
            "conclave-tasks",
            "conclave-leases",
            "conclave-registry",
            "conclave-spool",
            "conclave-cache",
            "conclave-llm",
        ],
        never: &["sqlx"],
    },
];

const fn domain(folder: &'static str, name: &'static str, below: &'static [&'static str]) -> Layer {
    Layer { folder, name, below, never: SQLITE }
}

/// Only tests may have it, and the tasks of those who work on Conclave: benchmarks ask its servers.
const TESTKIT: &str = "conclave-testkit";

/// The folders of the workspace's members.
pub(crate) fn members(tree: &Tree) -> Vec<String> {
    let manifest = manifest(tree, "Cargo.toml").unwrap_or_default();
    let members = manifest.get("workspace").and_then(|workspace| workspace.get("members"));
    let folders = members.and_then(Value::as_array).into_iter().flatten();
    folders.filter_map(Value::as_str).map(str::to_owned).collect()
}

pub(crate) fn check(tree: &Tree) -> Vec<Finding> {
    members(tree).iter().flat_map(|folder| member(tree, folder)).collect()
}

fn member(tree: &Tree, folder: &str) -> Vec<Finding> {
    let path = format!("{folder}/Cargo.toml");
    let finding = |word: &str, advice: String| {
        let text = tree.text(&path).unwrap_or_default();
        let line = text.find(word).map_or(0, |place| line_at(text, place));
        Finding { path: path.clone(), line, rule: "layers", advice }
    };
    let Some(layer) = LAYERS.iter().find(|layer| layer.folder == folder) else {
        return vec![finding(
            "name",
            "say in xtask/src/tidy/rules/layers.rs what this crate may know".to_owned(),
        )];
    };
    let Some(manifest) = manifest(tree, &path) else {
        return vec![finding("", "cannot be read as TOML".to_owned())];
    };
    let mut findings = Vec::new();
    let name = manifest.get("package").and_then(|package| package.get("name")).and_then(Value::as_str);
    if name != Some(layer.name) {
        findings.push(finding("name", format!("the crate in {folder} is called {}", layer.name)));
    }
    for (kind, dependency) in dependencies(tree, &manifest) {
        let is_dev = kind == "dev-dependencies";
        let ours = LAYERS.iter().any(|layer| layer.name == dependency);
        if dependency == TESTKIT && !is_dev && layer.folder != "xtask" {
            findings.push(finding(&dependency, "the test kit is for dev-dependencies only".to_owned()));
        } else if ours && dependency != TESTKIT && !layer.below.contains(&dependency.as_str()) {
            let text = format!("{} must not know {dependency}: arrows point down only", layer.name);
            findings.push(finding(&dependency, text));
        } else if layer.never.contains(&dependency.as_str()) && !(is_dev && dependency == "tokio") {
            findings.push(finding(&dependency, format!("{} must not know {dependency}", layer.name)));
        }
    }
    findings
}

/// Each dependency with the table that it stands in, those of single targets too.
fn dependencies(tree: &Tree, manifest: &Table) -> Vec<(&'static str, String)> {
    const KINDS: [&str; 3] = ["dependencies", "dev-dependencies", "build-dependencies"];
    let root = self::manifest(tree, "Cargo.toml").unwrap_or_default();
    let shared = root.get("workspace").and_then(|workspace| workspace.get("dependencies"));
    let targets = manifest.get("target").and_then(Value::as_table).into_iter().flat_map(Table::values);
    let tables = std::iter::once(manifest).chain(targets.filter_map(Value::as_table));
    tables
        .flat_map(|table| KINDS.into_iter().filter_map(|kind| Some((kind, table.get(kind)?.as_table()?))))
        .flat_map(|(kind, table)| {
            table.iter().map(move |(name, value)| (kind, real_name(name, value, shared)))
        })
        .collect()
}

/// A dependency may be renamed, here or where the workspace's are named.
fn real_name(name: &str, value: &Value, shared: Option<&Value>) -> String {
    let renamed = |value: &Value| value.get("package").and_then(Value::as_str).map(str::to_owned);
    let is_shared = value.get("workspace").and_then(Value::as_bool) == Some(true);
    let shared = shared.filter(|_| is_shared).and_then(|shared| shared.get(name));
    renamed(value).or_else(|| renamed(shared?)).unwrap_or_else(|| name.to_owned())
}

fn manifest(tree: &Tree, path: &str) -> Option<Table> {
    tree.text(path)?.parse().ok()
}
