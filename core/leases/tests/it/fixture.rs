//! Leases in a folder of their own, by clocks that stand still until a test moves them.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use conclave_db::clock::BootClock;
use conclave_db::process::{self, ProcessIdentity};
use conclave_db::sql::FromSql;
use conclave_db::{Db, DbOptions, FIRST_VERSION, Migration, Schema, Step};
use conclave_leases::{Fence, Grant, LeaseErrorKind, LeaseName, Leases, Mode, Request, Result, Token, Ttl};
use conclave_retry::{CancelToken, Clock};
use conclave_testkit::{FaultDisk, ManualClock};

/// 2026-01-02T03:04:05.006Z
pub(crate) const NOW: i64 = 1_767_323_045_006;

const MIGRATIONS: &[Migration] = &[
    conclave_leases::migration(FIRST_VERSION),
    Migration {
        version: FIRST_VERSION + 1,
        name: "what a lease protects",
        up: Step::Sql("CREATE TABLE guarded(who TEXT NOT NULL, fence INTEGER NOT NULL) STRICT"),
        down: None,
        rewrites: false,
    },
];

/// A table that a lease protects, and the leases.
pub(crate) fn schema() -> Schema {
    Schema::assemble(&[MIGRATIONS], &[]).unwrap()
}

/// The file at this path, by the clock of the system.
pub(crate) fn open(path: &Path) -> Db {
    Db::open(DbOptions::new(path, schema())).unwrap()
}

/// The boot clock of a machine that was started this long before the manual clock began.
#[derive(Debug)]
pub(crate) struct Boot {
    clock: ManualClock,
    /// What the clock shows more than the manual one, in milliseconds.
    ahead: AtomicU64,
}

impl BootClock for Boot {
    fn since_boot(&self) -> Duration {
        self.clock.monotonic() + Duration::from_millis(self.ahead.load(Ordering::Relaxed))
    }
}

/// A machine with one file, on a disk that takes no time to sync.
pub(crate) struct Machine {
    pub(crate) dir: tempfile::TempDir,
    pub(crate) clock: ManualClock,
    pub(crate) db: Db,
    boot: Arc<Boot>,
    process: ProcessIdentity,
    pub(crate) disk: FaultDisk,
}

impl Machine {
    /// Started an hour ago, at [`NOW`].
    pub(crate) fn new() -> Self {
        let dir = tempfile::tempdir().unwrap();
        let disk = FaultDisk::watch(dir.path());
        let clock = ManualClock::at_wall_ms(NOW);
        let path = dir.path().join("state.db");
        let options = DbOptions::new(path, schema());
        let options = options.clock(Arc::new(clock.clone())).sleeper(Arc::new(clock.clone()));
        let boot = Arc::new(Boot { clock: clock.clone(), ahead: AtomicU64::new(3_600_000) });
        let (db, process) = (Db::open(options).unwrap(), process::current().unwrap());
        Self { dir, clock, db, boot, process, disk }
    }

    pub(crate) fn path(&self) -> PathBuf {
        self.dir.path().join("state.db")
    }

    /// Its leases.
    pub(crate) fn leases(&self) -> Leases {
        Leases::with(self.db.clone(), Arc::clone(&self.boot) as Arc<dyn BootClock>, self.process.clone())
    }

    /// Starts it again, so long ago: all clocks but the wall clock begin anew.
    pub(crate) fn reboot(&mut self, name: &str, ago: Duration) {
        name.clone_into(&mut self.process.boot_id);
        let clock = ManualClock::at_wall_ms(self.clock.wall_ms());
        let ahead = AtomicU64::new(u64::try_from(ago.as_millis()).unwrap());
        self.boot = Arc::new(Boot { clock: clock.clone(), ahead });
        let options = DbOptions::new(self.path(), schema());
        self.db = Db::open(options.clock(Arc::new(clock.clone())).sleeper(Arc::new(clock.clone()))).unwrap();
        self.clock = clock;
    }

    /// The time since it was started, in milliseconds.
    pub(crate) fn boot_ms(&self) -> u128 {
        self.boot.since_boot().as_millis()
    }

    /// How long it is since then.
    pub(crate) fn since(&self, began: Duration) -> Duration {
        self.clock.monotonic().saturating_sub(began)
    }

    /// Moves all clocks.
    pub(crate) fn pass(&self, ms: u64) {
        self.clock.advance(Duration::from_millis(ms));
    }

    /// Moves the wall clock alone.
    pub(crate) fn wall_jumps(&self, ms: i64) {
        self.clock.set_wall_ms(self.clock.wall_ms() + ms);
    }

    /// One value of a query.
    pub(crate) fn value<T: FromSql>(&self, query: &str) -> T {
        self.db.read(|conn| conn.query_row(query, [], |row| row.get(0))).unwrap()
    }

    /// Runs a statement beside the crate.
    pub(crate) fn execute(&self, sql: &'static str) {
        self.db.write("test", move |tx| tx.execute(sql, [])).unwrap();
    }
}

pub(crate) fn name(text: &str) -> LeaseName {
    LeaseName::parse(text).unwrap()
}

pub(crate) fn seconds(seconds: u32) -> Ttl {
    Ttl::seconds(seconds).unwrap()
}

/// An exclusive one of these names, for so many seconds, without waiting.
pub(crate) fn request(names: &[&str], ttl: u32) -> Request {
    Request {
        names: names.iter().map(|text| name(text)).collect(),
        ttl: seconds(ttl),
        ..Request::of(name("x"))
    }
}

/// The same for sharing.
pub(crate) fn shared(names: &[&str], ttl: u32) -> Request {
    Request { mode: Mode::Shared, ..request(names, ttl) }
}

/// A request with a wait, in milliseconds.
pub(crate) fn waiting(request: Request, ms: u64) -> Request {
    Request { wait: Some(Duration::from_millis(ms)), ..request }
}

/// Acquires without an end to wait for.
pub(crate) fn acquire(leases: &Leases, request: &Request) -> Result<Grant> {
    leases.acquire(request, &CancelToken::new())
}

/// The first number of a grant.
pub(crate) fn fence(grant: &Grant) -> Fence {
    grant.fences[0].1
}

/// What kind of failure it is.
pub(crate) fn kind<T: std::fmt::Debug>(result: Result<T>) -> LeaseErrorKind {
    result.unwrap_err().kind()
}

/// A token that nobody has.
pub(crate) fn stranger() -> Token {
    Token::parse("00000000000000000000000000000000").unwrap()
}
