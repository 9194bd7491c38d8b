//! Only `core/db` opens SQLite; SQL of a domain stands in its `store`; some of SQLite's traps are closed.

use std::path::Path;

use super::{Find, Lines, Pattern, Within, nothing};
use crate::tidy::tree::SourceFile;

/// The engine itself, the shim below it, and the peers that it is measured against.
fn may_bind(file: &SourceFile) -> bool {
    file.is_in(&[
        "core/db/",
        "core/testkit/src/vfs/",
        "core/testkit/tests/",
        "xtask/src/bench/",
        "xtask/peers/",
    ])
}

/// Where connections are opened: for the engine, for files that are not ours, and for the peers.
fn may_open(file: &SourceFile) -> bool {
    file.is_in(&[
        "core/db/src/open.rs",
        "core/db/src/foreign.rs",
        "core/db/src/pool.rs",
        "xtask/src/bench/",
        "xtask/peers/",
    ])
}

/// The engine, and the store of a domain crate.
fn may_hold_sql(file: &SourceFile) -> bool {
    let is_store = file.path.contains("/src/store/") || file.path.ends_with("/src/store.rs");
    is_store && !file.is_in(&["tui/"])
        || file.is_in(&["core/db/", "core/testkit/", "consensus/src/golden/", "xtask/"])
}

fn is_sql(file: &SourceFile) -> bool {
    Path::new(&file.path).extension().is_some_and(|extension| extension == "sql")
}

pub(crate) const PATTERNS: &[Pattern] = &[
    Pattern {
        rule: "open",
        advice: "only core/db opens SQLite (open.rs, pool.rs, and foreign.rs for other programs' files): use conclave_db::Db",
        within: Within::Code,
        lines: Lines::Production,
        find: Find::Name(&[
            "Connection::open",
            "Connection::open_with_flags",
            "Connection::open_in_memory",
            "SqliteConnectionManager::file",
            "SqliteConnectionManager::memory",
            // Under another name clippy still knows the functions; the manager's it is not asked for.
            "Connection as",
            "SqliteConnectionManager as",
        ]),
        except: may_open,
        caught: ("core/db/src/backup/mod.rs", "let conn = Connection::open(path)?;"),
        passed: ("core/db/src/open.rs", "let conn = Connection::open(path)?;"),
    },
    Pattern {
        rule: "binding",
        advice: "only core/db names the SQLite binding; SQL in other crates uses conclave_db::sql",
        within: Within::Code,
        lines: Lines::All,
        find: Find::Name(&["rusqlite", "libsqlite3_sys", "r2d2_sqlite", "r2d2"]),
        except: may_bind,
        caught: ("consensus/src/store/runs.rs", "use rusqlite::params;"),
        passed: ("core/db/src/lib.rs", "pub use rusqlite::params;"),
    },
    Pattern {
        rule: "sql-in-store",
        advice: "SQL of a domain crate stands in its store.rs or store/, and the UI has none: call a function there",
        within: Within::Literals,
        lines: Lines::Production,
        find: Find::Judge(looks_like_sql),
        except: may_hold_sql,
        caught: ("tui/src/ui/runs.rs", "const ALL: &str = \"SELECT id FROM consensus_runs\";"),
        passed: ("consensus/src/store/runs.rs", "const ALL: &str = \"SELECT id FROM consensus_runs\";"),
    },
    Pattern {
        rule: "sql-file-in-store",
        advice: "SQL files of a domain crate lie in its store/",
        within: Within::Text,
        lines: Lines::All,
        find: Find::Judge(|_| true),
        except: |file| !is_sql(file) || may_hold_sql(file),
        caught: ("tui/src/runs.sql", "SELECT 1"),
        passed: ("consensus/src/store/schema.sql", "SELECT 1"),
    },
    Pattern {
        rule: "last-insert-rowid",
        advice: "wrong after an upsert that updated: use RETURNING id",
        within: Within::Code,
        lines: Lines::All,
        find: Find::Name(&["last_insert_rowid"]),
        except: nothing,
        caught: ("core/db/src/transactions.rs", "let id = conn.last_insert_rowid();"),
        passed: ("core/db/src/transactions.rs", "// last_insert_rowid() would be wrong"),
    },
    Pattern {
        rule: "last-insert-rowid-in-sql",
        advice: "wrong after an upsert that updated: use RETURNING id",
        within: Within::Literals,
        lines: Lines::Production,
        find: Find::Name(&["last_insert_rowid()"]),
        except: |file| file.is_in(&["xtask/src/tidy/"]),
        caught: ("consensus/src/store/runs.rs", "const ID: &str = \"SELECT last_insert_rowid()\";"),
        passed: (
            "consensus/src/store/runs.rs",
            "const ID: &str = \"INSERT INTO run(a) VALUES(1) RETURNING id\";",
        ),
    },
    Pattern {
        rule: "incremental-vacuum",
        advice: "one execute frees one page, not N: step the pragma to its end, as vacuum/slice.rs does",
        within: Within::Text,
        lines: Lines::All,
        find: Find::Any(&[
            "execute_batch(\"PRAGMA incremental_vacuum",
            "execute(\"PRAGMA incremental_vacuum",
        ]),
        except: |file| file.is_in(&["xtask/src/tidy/"]),
        caught: ("core/db/src/vacuum/mod.rs", "conn.execute_batch(\"PRAGMA incremental_vacuum(20)\")?;"),
        passed: ("core/db/src/vacuum/mod.rs", "conn.prepare(\"PRAGMA incremental_vacuum(20)\")?;"),
    },
    Pattern {
        rule: "no-file-copy",
        advice: "closing a copy's descriptor drops SQLite's locks (sqlite.org/howtocorrupt.html): use the backup module",
        within: Within::Code,
        lines: Lines::Production,
        find: Find::Name(&["fs::copy"]),
        except: |file| file.is_in(&["xtask/"]),
        caught: ("core/db/src/backup/copy.rs", "fn f() { std::fs::copy(from, to)?; }"),
        passed: ("core/db/tests/it/backup.rs", "fn f() { std::fs::copy(from, to)?; }"),
    },
];

/// Whether a string is a statement and not prose that begins like one.
fn looks_like_sql(literal: &str) -> bool {
    let statement = begun(literal);
    let words: Vec<&str> = statement
        .split(|each: char| each.is_whitespace() || "()".contains(each))
        .filter(|word| !word.is_empty())
        .collect();
    let Some(first) = words.first() else { return false };
    // Prose begins with a capital at most; statements are written in one case.
    if *first != first.to_uppercase() && *first != first.to_lowercase() {
        return false;
    }
    let word = |place: usize| words.get(place).map(|word| word.to_uppercase()).unwrap_or_default();
    let has = |wanted: &str| words.iter().any(|word| *word == wanted || *word == wanted.to_lowercase());
    let shouts = *first == first.to_uppercase();
    match word(0).as_str() {
        "SELECT" => has("FROM") || shouts,
        "INSERT" => matches!(word(1).as_str(), "INTO" | "OR"),
        "REPLACE" => word(1) == "INTO",
        "UPDATE" => has("SET"),
        "DELETE" => word(1) == "FROM" && (shouts || has("WHERE")),
        "WITH" => has("AS") && has("SELECT"),
        "CREATE" | "DROP" => matches!(
            word(1).as_str(),
            "TABLE" | "INDEX" | "UNIQUE" | "TRIGGER" | "VIEW" | "TEMP" | "VIRTUAL" if shouts || has("ON") || words.len() > 3
        ),
        "ALTER" => word(1) == "TABLE",
        "PRAGMA" | "ATTACH" | "DETACH" | "VACUUM" | "REINDEX" | "ANALYZE" | "SAVEPOINT" => shouts,
        "EXPLAIN" => shouts && words.len() > 1,
        "VALUES" => shouts && statement[first.len()..].trim_start().starts_with('('),
        "BEGIN" => shouts && matches!(word(1).as_str(), "IMMEDIATE" | "EXCLUSIVE" | "DEFERRED"),
        _ => false,
    }
}

/// What is left of a literal behind what may stand before a statement: space, also as an escape, brackets and
/// comments.
fn begun(literal: &str) -> String {
    let mut text = literal.replace("\\n", "\n").replace("\\t", " ").replace("\\\n", " ");
    loop {
        let rest = text.trim_start_matches(|each: char| each.is_whitespace() || each == '(' || each == ';');
        let rest = if let Some(comment) = rest.strip_prefix("--") {
            comment.split_once('\n').map_or("", |(_, rest)| rest)
        } else if let Some(comment) = rest.strip_prefix("/*") {
            comment.split_once("*/").map_or("", |(_, rest)| rest)
        } else {
            return rest.to_owned();
        };
        text = rest.to_owned();
    }
}
