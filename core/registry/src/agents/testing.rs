//! A project's state of its own for a unit test.

use std::process::{Child, Command, Stdio};
use std::sync::Arc;

use conclave_db::process::{self, ProcessIdentity};
use conclave_db::{Db, DbOptions, FIRST_VERSION, Migration, Schema, Step};
use conclave_testkit::{ManualClock, TempProject};

use super::{Agent, BuilderType, NewAgent, Role, register};
use crate::ports::{Block, Probe};

/// What other crates put before this one's tables; of no concern here.
const BEFORE: &[Migration] = &[empty(FIRST_VERSION), empty(FIRST_VERSION + 1), empty(FIRST_VERSION + 2)];

const fn empty(version: i32) -> Migration {
    Migration { version, name: "of others", up: Step::Sql(""), down: None, rewrites: false }
}

/// A state that goes with its test, at a time that the test sets.
pub(crate) struct State {
    pub(crate) db: Db,
    pub(crate) clock: Arc<ManualClock>,
    pub(crate) project: TempProject,
}

impl State {
    pub(crate) fn new() -> Self {
        let project = TempProject::with_state();
        let clock = Arc::new(ManualClock::new());
        let schema = Schema::assemble(&[BEFORE, crate::STATE_MIGRATIONS], &[]).unwrap();
        let options = DbOptions::new(project.state_db(), schema)
            .clock(Arc::clone(&clock) as Arc<dyn conclave_retry::Clock>);
        Self { db: Db::open(options).unwrap(), clock, project }
    }

    /// The same with the system's clock, for what waits for real processes.
    pub(crate) fn real() -> Self {
        let project = TempProject::with_state();
        let schema = Schema::assemble(&[BEFORE, crate::STATE_MIGRATIONS], &[]).unwrap();
        let db = Db::open(DbOptions::new(project.state_db(), schema)).unwrap();
        Self { db, clock: Arc::new(ManualClock::new()), project }
    }

    /// Some SQL, as somebody's hand in the file would run it.
    pub(crate) fn execute(&self, sql: &str) {
        let sql = sql.to_owned();
        self.db.write("test", move |tx| tx.execute_batch(&sql)).unwrap();
    }

    /// One number.
    pub(crate) fn number(&self, sql: &str) -> i64 {
        self.db.read(|conn| conn.query_row(sql, [], |row| row.get(0))).unwrap()
    }

    pub(crate) fn register(&self, role: Role) -> Agent {
        register(&self.db, &new(role), None).unwrap()
    }
}

/// Registered without anything to run.
pub(crate) fn new(role: Role) -> NewAgent {
    NewAgent { role, cmd: String::new(), worktrees: None, adopt: None }
}

pub(crate) fn architect(name: &str) -> Role {
    Role::Architect { name: name.to_owned() }
}

pub(crate) fn spec(id: &str) -> Role {
    Role::Builder { kind: BuilderType::Spec, id: Some(id.to_owned()), task_text: None, protocol: None }
}

pub(crate) fn builder(kind: BuilderType) -> Role {
    Role::Builder { kind, id: None, task_text: None, protocol: None }
}

/// Says that these ports are taken by somebody else.
#[derive(Debug)]
pub(crate) struct Taken(pub(crate) &'static [u16]);

impl Probe for Taken {
    fn is_free(&self, port: u16) -> crate::Result<bool> {
        Ok(!self.0.contains(&port))
    }
}

pub(crate) const BLOCK: Block = Block { base: 4200 };

/// A process that does nothing. Killed when dropped.
pub(crate) struct Sleeper(Child);

impl Sleeper {
    pub(crate) fn new() -> Self {
        Self(Command::new("sleep").arg("1000").stdin(Stdio::null()).spawn().unwrap())
    }

    pub(crate) fn who(&self) -> ProcessIdentity {
        process::of(self.0.id()).unwrap().unwrap()
    }
}

impl Drop for Sleeper {
    fn drop(&mut self) {
        self.0.kill().unwrap();
        self.0.wait().unwrap();
    }
}
