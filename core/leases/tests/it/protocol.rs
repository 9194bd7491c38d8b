//! The protocol of leases and fences, checked for every order of what may happen, to a depth: each state is what the file
//! holds, what of it a power cut may take, which time it is in which boot, and what each process believes. The actions are
//! the transactions of the crate itself.
//!
//! `CONCLAVE_PROTOCOL_DEPTH=7` goes deeper, `CONCLAVE_PROTOCOL_PROCESSES=3` lets more take part.

use std::collections::{HashSet, VecDeque};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use conclave_db::clock::BootClock;
use conclave_db::process::{self, ProcessIdentity};
use conclave_db::sql::{Value, params_from_iter};
use conclave_db::{Db, DbError, DbOptions, Durability};
use conclave_leases::{Fence, LeaseError, LeaseErrorKind, Leases, Result, Token};
use conclave_testkit::{FaultDisk, ManualClock, Op};

use crate::fixture::{NOW, acquire, fence, name, request, schema, seconds};

const DEPTH: usize = 5;
const PROCESSES: usize = 2;
/// How long a lease lives, and how far time goes in one step.
const TTL_MS: u64 = 1000;
const HOUR_MS: i64 = 3_600_000;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Action {
    Acquire(usize),
    Renew(usize),
    Release(usize),
    /// Changes what the lease protects.
    Change(usize),
    /// It ends and has told nobody; its lease stays.
    Forget(usize),
    Time,
    Wall(i64),
    /// The power goes and comes back; so many of the commits that were not synced are gone, the latest first.
    Cut(usize),
}

/// The rows of a file.
type Rows = Vec<(&'static str, Vec<Vec<Value>>)>;

const TABLES: [&str; 4] = ["lease_fences", "lease_holders", "lease_clock", "guarded"];

/// What a process believes to hold.
#[derive(Debug, Clone)]
struct Belief {
    token: Token,
    fence: Fence,
    /// Nobody may take it before this time of this boot.
    sure_until: Option<(u32, u64)>,
}

#[derive(Debug, Clone)]
struct State {
    rows: Rows,
    /// The states before each commit that a power cut may take, the oldest first.
    undone: Vec<Rows>,
    boot: u32,
    boot_ms: u64,
    wall_ms: i64,
    beliefs: Vec<Option<Belief>>,
    /// The greatest number that anybody was ever given.
    given: Fence,
    /// No grant lives past this time of this boot.
    ends_ms: u64,
    way: Vec<Action>,
}

impl State {
    /// What makes it different from others.
    fn digest(&self) -> String {
        let believed: Vec<_> = self.beliefs.iter().flatten().map(|b| (b.fence, b.sure_until)).collect();
        // Tokens are by chance: who holds is in the numbers.
        let mut rows = vec![self.rows.clone()];
        rows.extend(self.undone.iter().cloned());
        for (table, rows) in rows.iter_mut().flatten() {
            if *table == "lease_holders" {
                for row in rows {
                    row.retain(|value| !matches!(value, Value::Blob(_)));
                    row.remove(3);
                }
            }
        }
        let time = (self.boot, self.boot_ms, self.wall_ms);
        format!("{rows:?} {time:?} {believed:?} {} {}", self.given, self.ends_ms)
    }
}

#[derive(Debug, Default)]
struct Boot(AtomicU64);

impl BootClock for Boot {
    fn since_boot(&self) -> Duration {
        Duration::from_millis(self.0.load(Ordering::Relaxed))
    }
}

/// The file that all states are put into, one after the other.
struct World {
    db: Db,
    disk: FaultDisk,
    clock: ManualClock,
    boot: Arc<Boot>,
    me: ProcessIdentity,
    _dir: tempfile::TempDir,
}

impl World {
    fn new() -> Self {
        let dir = tempfile::tempdir().unwrap();
        let disk = FaultDisk::watch(dir.path());
        let clock = ManualClock::at_wall_ms(NOW);
        let options = DbOptions::new(dir.path().join("state.db"), schema()).clock(Arc::new(clock.clone()));
        let db = Db::open(options).unwrap();
        Self { db, disk, clock, boot: Arc::default(), me: process::current().unwrap(), _dir: dir }
    }

    fn rows(&self) -> Rows {
        let read = |table: &'static str| {
            let all = format!("SELECT * FROM {table}");
            let rows = self.db.read(|conn| {
                let row = |row: &conclave_db::sql::Row<'_>| {
                    (0..row.as_ref().column_count()).map(|column| row.get(column)).collect()
                };
                conn.query_all(&all, [], row)
            });
            (table, rows.unwrap())
        };
        TABLES.map(read).to_vec()
    }

    fn put(&self, rows: &Rows) {
        let rows = rows.clone();
        let put = move |tx: &conclave_db::WriteTx<'_>| {
            tx.execute_batch("DELETE FROM lease_holders; DELETE FROM lease_fences; DELETE FROM lease_clock; DELETE FROM guarded")?;
            for (table, rows) in &rows {
                for row in rows {
                    let places = vec!["?"; row.len()].join(", ");
                    tx.execute(&format!("INSERT INTO {table} VALUES({places})"), params_from_iter(row))?;
                }
            }
            Ok::<_, DbError>(())
        };
        self.db.writing("test").durability(Durability::Process).run(put).unwrap();
    }

    fn leases(&self, state: &State) -> Leases {
        self.boot.0.store(state.boot_ms, Ordering::Relaxed);
        self.clock.set_wall_ms(state.wall_ms);
        let here = ProcessIdentity { boot_id: format!("boot {}", state.boot), ..self.me.clone() };
        Leases::with(self.db.clone(), Arc::clone(&self.boot) as Arc<dyn BootClock>, here)
    }

    /// Takes the step from a state, if it can be taken there.
    fn step(&self, from: &State, action: Action) -> Option<State> {
        let mut state = from.clone();
        state.way.push(action);
        let who = match action {
            Action::Renew(who) | Action::Release(who) | Action::Change(who) | Action::Forget(who) => {
                Some(from.beliefs[who].clone().map(|belief| (who, belief))?)
            }
            _ => None,
        };
        match action {
            Action::Time => {
                state.boot_ms += TTL_MS;
                state.wall_ms += i64::try_from(TTL_MS).unwrap();
                return Some(state);
            }
            Action::Wall(by) => {
                state.wall_ms += by;
                return Some(state);
            }
            Action::Forget(who) => {
                state.beliefs[who] = None;
                return Some(state);
            }
            Action::Cut(lost) => {
                if lost > from.undone.len() {
                    return None;
                }
                if lost > 0 {
                    state.rows.clone_from(&from.undone[from.undone.len() - lost]);
                }
                state.undone.clear();
                state.boot += 1;
                state.boot_ms = 0;
                state.ends_ms = TTL_MS;
                for belief in state.beliefs.iter_mut().flatten() {
                    belief.sure_until = None;
                }
                return Some(state);
            }
            _ => {}
        }
        self.put(&from.rows);
        let leases = self.leases(&state);
        let syncs = self.disk.count(Op::Sync);
        match (action, who) {
            (Action::Acquire(who), _) => take(&leases, &mut state, who),
            (Action::Renew(_), Some((who, belief))) => {
                if let Ok(renewed) = leases.renew(&belief.token, &[name("L")], seconds(1)) {
                    assert_eq!(renewed.fences[0].1, belief.fence);
                    prolong(&mut state, who);
                } else {
                    not_sure(&state, &belief);
                    state.beliefs[who] = None;
                }
            }
            (Action::Release(_), Some((who, belief))) => {
                if leases.release(&belief.token, &[name("L")]).is_err() {
                    not_sure(&state, &belief);
                }
                state.beliefs[who] = None;
            }
            (Action::Change(_), Some((_, belief))) => {
                if change(&self.db, &leases, belief.fence).is_err() {
                    not_sure(&state, &belief);
                }
            }
            _ => unreachable!("the others change no row"),
        }
        state.rows = self.rows();
        if self.disk.count(Op::Sync) > syncs {
            state.undone.clear();
        } else if format!("{:?}", state.rows) != format!("{:?}", from.rows) {
            state.undone.push(from.rows.clone());
        }
        Some(state)
    }

    /// What holds in every state.
    fn check(&self, state: &State) {
        self.put(&state.rows);
        let leases = self.leases(state);
        let mut holders = 0;
        for belief in state.beliefs.iter().flatten() {
            match leases.guard(&name("L"), belief.fence) {
                Ok(()) => holders += 1,
                Err(_) => not_sure(state, belief),
            }
        }
        assert!(holders <= 1, "{holders} holders: {:?}", state.way);
        let live = leases.counts().unwrap().held;
        assert!(live <= 1 && live >= holders, "{live} grants: {:?}", state.way);
        let fences: Vec<Fence> = self
            .db
            .read(|conn| conn.query_all("SELECT fence FROM guarded ORDER BY rowid", [], |row| row.get(0)))
            .unwrap();
        assert!(fences.is_sorted(), "an old holder changed it: {fences:?} {:?}", state.way);
    }
}

fn take(leases: &Leases, state: &mut State, who: usize) {
    match acquire(leases, &request(&["L"], 1)) {
        Ok(grant) => {
            assert!(fence(&grant) > state.given, "{} after {}: {:?}", fence(&grant), state.given, state.way);
            for belief in state.beliefs.iter().flatten() {
                not_sure(state, belief);
            }
            state.given = fence(&grant);
            state.beliefs[who] =
                Some(Belief { token: grant.token.clone(), fence: fence(&grant), sure_until: None });
            prolong(state, who);
        }
        Err(error) => {
            assert_eq!(error.kind(), LeaseErrorKind::Held, "{error}");
            assert!(state.boot_ms < state.ends_ms, "it is over and not to be had: {:?}", state.way);
        }
    }
}

/// A process that may be sure of its lease has it.
fn not_sure(state: &State, belief: &Belief) {
    let sure = belief.sure_until.is_some_and(|(boot, ms)| boot == state.boot && state.boot_ms < ms);
    assert!(!sure, "{} was taken from its holder: {:?}", belief.fence, state.way);
}

fn prolong(state: &mut State, who: usize) {
    let until = state.boot_ms + TTL_MS;
    state.ends_ms = state.ends_ms.max(until);
    let boot = state.boot;
    if let Some(belief) = &mut state.beliefs[who] {
        belief.sure_until = Some((boot, until));
    }
}

/// Changes what is protected, as who has this number.
fn change(db: &Db, leases: &Leases, fence: Fence) -> Result<()> {
    let leases = leases.clone();
    db.writing("change").durability(Durability::Process).run(move |tx| {
        leases.require_fence(tx, &name("L"), fence)?;
        // Once is enough to see who came last.
        tx.execute("DELETE FROM guarded WHERE fence = ?1", [fence])?;
        tx.execute("INSERT INTO guarded(who, fence) VALUES('', ?1)", [fence])?;
        Ok::<_, LeaseError>(())
    })
}

fn from_environment(variable: &str, usual: usize) -> usize {
    std::env::var(variable).map_or(usual, |value| value.parse().unwrap())
}

#[test]
fn no_order_of_events_gives_two_holders_or_a_number_twice() {
    let world = World::new();
    let processes = from_environment("CONCLAVE_PROTOCOL_PROCESSES", PROCESSES);
    let depth = from_environment("CONCLAVE_PROTOCOL_DEPTH", DEPTH);
    let start = State {
        rows: world.rows(),
        undone: Vec::new(),
        boot: 1,
        boot_ms: 60_000,
        wall_ms: NOW,
        beliefs: vec![None; processes],
        given: 0,
        ends_ms: 0,
        way: Vec::new(),
    };
    // Another beginning: one number of those that were reserved is left.
    let mut short = world.step(&start, Action::Acquire(0)).unwrap();
    short = world.step(&short, Action::Release(0)).unwrap();
    world.put(&short.rows);
    world.db.write("test", |tx| tx.execute("UPDATE lease_fences SET next = reserved - 1", [])).unwrap();
    short = State { rows: world.rows(), given: 999, undone: Vec::new(), way: Vec::new(), ..short };
    let mut actions = vec![Action::Time, Action::Wall(HOUR_MS), Action::Wall(-HOUR_MS)];
    actions.extend((0..=3).map(Action::Cut));
    for who in 0..processes {
        actions.extend([Action::Acquire(who), Action::Renew(who), Action::Release(who)]);
        actions.extend([Action::Change(who), Action::Forget(who)]);
    }
    let mut queue = VecDeque::from([start, short]);
    let mut seen: HashSet<String> = queue.iter().map(State::digest).collect();
    let mut steps = 0;
    let mut boots = 0;
    while let Some(state) = queue.pop_front() {
        for action in &actions {
            let Some(next) = world.step(&state, *action) else { continue };
            steps += 1;
            if seen.insert(next.digest()) {
                world.check(&next);
                boots = boots.max(next.boot);
                if next.way.len() < depth {
                    queue.push_back(next);
                }
            }
        }
    }
    println!("{} states, {steps} steps", seen.len());
    assert!(seen.len() > 500 && boots > 3, "{} states, {boots} boots", seen.len());
}
