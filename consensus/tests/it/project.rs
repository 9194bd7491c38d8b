//! A project in a folder of its own, and plain looks into its database.

use std::path::{Path, PathBuf};

use conclave_consensus::import::{ImportOptions, ImportReport, import_file};
use conclave_consensus::{LEGACY_TABLES, MIGRATIONS, Result};
use conclave_db::sql::{Value, ValueRef};
use conclave_db::{Db, DbError, DbOptions, ReadConn, Schema, WriteTx};

/// A scratch project.
pub(crate) struct Project {
    pub(crate) dir: tempfile::TempDir,
    pub(crate) db: Db,
}

/// The schema of this crate alone.
pub(crate) fn schema() -> Schema {
    Schema::assemble(&[MIGRATIONS], LEGACY_TABLES).unwrap()
}

impl Project {
    /// With a fresh database.
    pub(crate) fn new() -> Self {
        let dir = tempfile::tempdir().unwrap();
        let db = Db::open(DbOptions::new(dir.path().join("state.db"), schema())).unwrap();
        Self { dir, db }
    }

    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.dir.path().join(name)
    }

    /// A legacy file made of these statements, in the tables of the original.
    pub(crate) fn legacy(&self, name: &str, statements: &str) -> PathBuf {
        let path = self.path(name);
        let sql = format!("{LEGACY_DDL}{statements}");
        conclave_db::foreign::create(&path, &sql).unwrap();
        path
    }

    pub(crate) fn golden(&self) -> PathBuf {
        let path = self.path("golden.db");
        conclave_consensus::golden::write_legacy_fixture(&path).unwrap();
        path
    }

    pub(crate) fn import(&self, source: &Path) -> ImportReport {
        self.try_import(source).unwrap()
    }

    pub(crate) fn try_import(&self, source: &Path) -> Result<ImportReport> {
        import_file(&self.db, source, &ImportOptions::default(), &mut |_| {})
    }

    pub(crate) fn number(&self, query: &str) -> i64 {
        self.db.read(|conn| conn.query_row(query, [], |row| row.get::<_, i64>(0))).unwrap()
    }

    /// All rows of a query.
    pub(crate) fn rows(&self, query: &str) -> Vec<Vec<Value>> {
        rows(&self.db, query)
    }

    /// Runs statements as a plain write.
    pub(crate) fn write(&self, sql: &'static str) {
        self.db.write("test", move |tx| tx.execute_batch(sql)).unwrap();
    }

    /// Runs statements that no capture trigger sees.
    pub(crate) fn tamper(&self, sql: &str) {
        let sql = format!("INSERT INTO capture_off VALUES(1, 1); {sql}; DELETE FROM capture_off");
        self.db.write("tamper", move |tx| tx.execute_batch(&sql)).unwrap();
    }

    pub(crate) fn refuse(&self, sql: &'static str) -> DbError {
        self.db.write("test", move |tx| tx.execute_batch(sql)).unwrap_err()
    }

    /// Everything that an import or a backfill makes, with its ids.
    pub(crate) fn state(&self) -> Vec<Vec<Value>> {
        let mut all = Vec::new();
        for query in [
            "SELECT * FROM consensus_runs ORDER BY id",
            "SELECT * FROM agent_outputs ORDER BY id",
            "SELECT * FROM run_syntheses ORDER BY id",
            "SELECT * FROM run_attempts ORDER BY id",
            "SELECT * FROM imported_rows",
            "SELECT id, path, kind, sha256, finished_at IS NULL FROM import_sources",
            "SELECT phase FROM migration_state",
        ] {
            all.extend(self.rows(query));
        }
        for table in LEGACY_TABLES {
            let there = format!("SELECT count(*) FROM sqlite_schema WHERE name = '{table}'");
            if self.number(&there) > 0 {
                all.extend(self.rows(&format!("SELECT * FROM {table} ORDER BY rowid")));
            }
        }
        all
    }

    pub(crate) fn assert_sound(&self) {
        assert_eq!(self.rows("PRAGMA integrity_check"), [[Value::Text("ok".into())]]);
        assert!(self.rows("PRAGMA foreign_key_check").is_empty());
    }
}

pub(crate) fn rows(db: &Db, query: &str) -> Vec<Vec<Value>> {
    db.read(|conn| Ok::<_, DbError>(values(conn, query))).unwrap()
}

/// All rows of a query. Text that is no UTF-8 comes as a blob.
pub(crate) fn values(conn: &ReadConn<'_>, query: &str) -> Vec<Vec<Value>> {
    conn.query_all(query, [], |row| {
        (0..row.as_ref().column_count())
            .map(|index| {
                Ok(match row.get_ref(index)? {
                    ValueRef::Text(bytes) => match std::str::from_utf8(bytes) {
                        Ok(text) => Value::Text(text.to_owned()),
                        Err(_) => Value::Blob(bytes.to_vec()),
                    },
                    _ => row.get(index)?,
                })
            })
            .collect()
    })
    .unwrap()
}

/// The legacy tables exactly as the original creates them.
pub(crate) const LEGACY_DDL: &str = "
CREATE TABLE IF NOT EXISTS consensus_artifacts (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    spec_id TEXT NOT NULL, stage TEXT NOT NULL, agent_name TEXT NOT NULL,
    content_json TEXT NOT NULL, response_text TEXT, run_id TEXT,
    created_at TIMESTAMP DEFAULT CURRENT_TIMESTAMP);
CREATE INDEX IF NOT EXISTS idx_spec_stage ON consensus_artifacts(spec_id, stage);
CREATE TABLE IF NOT EXISTS consensus_synthesis (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    spec_id TEXT NOT NULL, stage TEXT NOT NULL, output_markdown TEXT NOT NULL,
    output_path TEXT, status TEXT NOT NULL, artifacts_count INTEGER,
    agreements TEXT, conflicts TEXT, degraded BOOLEAN DEFAULT 0,
    run_id TEXT, created_at TIMESTAMP DEFAULT CURRENT_TIMESTAMP);
CREATE INDEX IF NOT EXISTS idx_synthesis_spec_stage ON consensus_synthesis(spec_id, stage);
CREATE TABLE IF NOT EXISTS agent_executions (
    agent_id TEXT PRIMARY KEY, spec_id TEXT NOT NULL, stage TEXT NOT NULL,
    phase_type TEXT NOT NULL, agent_name TEXT NOT NULL, run_id TEXT,
    spawned_at TEXT NOT NULL, completed_at TEXT, response_text TEXT, extraction_error TEXT);
CREATE INDEX IF NOT EXISTS idx_agent_executions_spec ON agent_executions(spec_id, stage);
CREATE INDEX IF NOT EXISTS idx_agent_executions_run ON agent_executions(run_id);
";

impl Project {
    /// With empty legacy tables under their triggers, in this phase.
    pub(crate) fn in_phase(phase: u8) -> Self {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("state.db");
        if phase < 5 {
            conclave_db::foreign::create(&path, LEGACY_DDL).unwrap();
        }
        let project = Self::over(dir, &path);
        project.set_phase(phase);
        project
    }

    /// A step of the phase as it governs writes and reads, without what a person's step asks for.
    pub(crate) fn set_phase(&self, phase: u8) {
        let step =
            move |tx: &WriteTx<'_>| tx.execute("UPDATE migration_state SET phase = ?1 WHERE id = 1", [phase]);
        self.db.write("set phase", step).unwrap();
    }

    /// What a plain client of the old age does to the file.
    pub(crate) fn old_program(&self, sql: &str) {
        conclave_db::foreign::run(self.db.path(), sql).unwrap();
    }

    /// Over an existing file in `dir`.
    pub(crate) fn over(dir: tempfile::TempDir, path: &Path) -> Self {
        let db = Db::open(DbOptions::new(path, schema())).unwrap();
        Self { dir, db }
    }

    pub(crate) fn verify(&self) -> conclave_consensus::migrate::VerifyReport {
        conclave_consensus::migrate::verify(&self.db, "ana", &mut |_| {}).unwrap()
    }

    pub(crate) fn backfill(&self) -> conclave_consensus::migrate::BackfillReport {
        conclave_consensus::migrate::backfill(
            &self.db,
            &conclave_consensus::migrate::BackfillOptions::default(),
            &mut |_| {},
        )
        .unwrap()
    }
}
