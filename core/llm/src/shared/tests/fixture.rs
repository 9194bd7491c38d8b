//! Processes, candidates and outcomes for the tests.

use std::path::Path;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use conclave_db::clock::BootClock;
use conclave_db::process::ProcessIdentity;
use conclave_db::{Db, DbOptions, FIRST_VERSION, Migration, Schema, Step};
use conclave_retry::{ManualClock, SeededRandom};

use crate::admission::{Admission, Candidate, Ticket};
use crate::answer::{Skipped, Tokens, Why};
use crate::class::Class;
use crate::ledger::HostRow;
use crate::presence::Presence;
use crate::shared::{Outcome, Shared};

pub(crate) const A: &str = "http://a:1";
pub(crate) const B: &str = "http://b:1";
pub(crate) const C: &str = "http://c:1";

/// The boot clock of a made-up machine.
#[derive(Debug, Clone, Default)]
pub(crate) struct Boot(Arc<Mutex<Duration>>);

impl Boot {
    pub(crate) fn set(&self, since: Duration) {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner) = since;
    }
}

impl BootClock for Boot {
    fn since_boot(&self) -> Duration {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// A machine: its clocks and its file.
pub(crate) struct Machine {
    pub(crate) dir: tempfile::TempDir,
    pub(crate) wall: ManualClock,
    pub(crate) boot: Boot,
    pub(crate) boot_id: String,
}

/// A wall clock of 2026.
pub(crate) const WALL: i64 = 1_795_000_000_000;

impl Machine {
    pub(crate) fn new() -> Self {
        let boot = Boot::default();
        boot.set(Duration::from_hours(10));
        let wall = ManualClock::at_wall_ms(WALL);
        Self { dir: tempfile::tempdir().unwrap(), wall, boot, boot_id: own_boot() }
    }

    pub(crate) fn advance(&self, by: Duration) {
        self.wall.advance(by);
        self.boot.set(self.boot.since_boot() + by);
    }

    pub(crate) fn seconds(&self, seconds: u64) {
        self.advance(Duration::from_secs(seconds));
    }

    pub(crate) fn db(&self) -> Db {
        open(&self.dir.path().join("global.db"))
    }

    /// A process that begins now.
    pub(crate) fn process(&self) -> Shared {
        self.with(Some(self.db()))
    }

    /// One without a file.
    pub(crate) fn alone(&self) -> Shared {
        self.with(None)
    }

    pub(crate) fn with(&self, db: Option<Db>) -> Shared {
        let me = conclave_db::process::current().unwrap();
        self.as_process(db, ProcessIdentity { boot_id: self.boot_id.clone(), ..me })
    }

    pub(crate) fn as_process(&self, db: Option<Db>, me: ProcessIdentity) -> Shared {
        self.beating(db, me, Duration::from_hours(1))
    }

    pub(crate) fn beating(&self, db: Option<Db>, me: ProcessIdentity, beat: Duration) -> Shared {
        Shared::with(
            db,
            Arc::new(self.wall.clone()),
            Arc::new(self.boot.clone()),
            Arc::new(SeededRandom::new(7)),
            Presence::new(me),
            // The machine may be slow; how long the file is waited for has a test of its own.
            Duration::from_secs(30),
            beat,
        )
    }

    /// The row of a host, read past everything.
    pub(crate) fn row(&self, endpoint: &str) -> Option<HostRow> {
        use crate::ledger::Look;
        self.db().read(|conn| crate::store::Rows::new(conn).host(endpoint)).unwrap()
    }

    pub(crate) fn count(&self, table: &str) -> i64 {
        let sql = format!("SELECT count(*) FROM {table}");
        self.db().read(|conn| conn.query_row(&sql, [], |row| row.get(0))).unwrap()
    }
}

/// The steps of other crates, which come before ours.
pub(crate) const OTHERS: &[Migration] = &[empty(FIRST_VERSION), empty(FIRST_VERSION + 1)];

const fn empty(version: i32) -> Migration {
    Migration { version, name: "another's", up: Step::Sql("SELECT 1"), down: None, rewrites: false }
}

pub(crate) fn open(path: &Path) -> Db {
    let schema = Schema::assemble(&[OTHERS, crate::GLOBAL_MIGRATIONS], &[]).unwrap();
    Db::open(DbOptions::new(path, schema)).unwrap()
}

fn own_boot() -> String {
    conclave_db::process::current().unwrap().boot_id
}

/// A host with four slots, priority 1.
pub(crate) fn host(index: usize, endpoint: &'static str) -> Candidate<'static> {
    Candidate {
        index,
        name: endpoint.trim_start_matches("http://"),
        endpoint,
        dialect: "openai",
        model: "m",
        priority: 1,
        slots: Some(4),
        breaker: true,
        key: None,
        calls_per_hour: None,
        tokens_per_day: None,
        reserved_tokens: 0,
    }
}

/// How an answer went that came.
pub(crate) fn answered() -> Outcome<'static> {
    Outcome {
        class: None,
        of_model: false,
        status: Some(200),
        message: "",
        retry_after: None,
        task: None,
        run: None,
        connect_ms: Some(1),
        first_ms: Some(50),
        total_ms: 100,
        queued_ms: 0,
        waited_ms: 0,
        tokens: Tokens { input: Some(10), output: Some(20), estimated: false },
        attempt: 1,
        context: None,
        is_repeat: false,
    }
}

pub(crate) fn failed(class: Class) -> Outcome<'static> {
    Outcome { class: Some(class), status: None, message: "it broke", first_ms: None, ..answered() }
}

/// A call that is let through.
pub(crate) fn go(shared: &Shared, candidates: &[Candidate<'_>]) -> Ticket {
    match shared.admit(candidates, None) {
        Admission::Go { ticket, .. } => ticket,
        other => panic!("not let through: {other:?}"),
    }
}

/// Why nobody may be asked, or nobody has room.
pub(crate) fn skips(shared: &Shared, candidates: &[Candidate<'_>]) -> Vec<Skipped> {
    match shared.admit(candidates, None) {
        Admission::Go { ticket, .. } => panic!("let through to {}", ticket.entry().endpoint),
        Admission::Full { skipped, .. } | Admission::Nobody { skipped } => skipped,
    }
}

pub(crate) fn why(shared: &Shared, candidate: &Candidate<'_>) -> Why {
    skips(shared, std::slice::from_ref(candidate))[0].why
}

/// One call with this end.
pub(crate) fn call(shared: &Shared, candidate: &Candidate<'_>, outcome: &Outcome<'_>) {
    let ticket = go(shared, std::slice::from_ref(candidate));
    shared.conclude(ticket, outcome);
}

/// Ends without the file having failed: else the tests would be of the twin.
pub(crate) fn in_file(shared: &Shared) {
    assert_eq!(shared.warning(), None);
}
