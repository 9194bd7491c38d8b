//! What all processes know together, in `global.db`; in this process alone where that cannot be used (B13).

mod hosts;

use std::sync::{Arc, Mutex, MutexGuard, PoisonError, Weak};
use std::time::Duration;

use conclave_db::clock::BootClock;
use conclave_db::{Db, DbError, Durability, ErrorKind, FileMark, Journal};
use conclave_retry::{BreakerState, Clock, Random};

use crate::admission::{Admission, Candidate, Seat, Ticket};
use crate::answer::Skipped;
use crate::beats::Beats;
use crate::breaker::Now;
use crate::change::{
    Admit, Admitted, Adopt, Change, Checked, Conclude, Context, Done, Enqueue, FirstToken, Leave, MarkAbsent,
    PayRetry,
};
use crate::choose::{self, Asked};
use crate::class::Class;
use crate::ledger::{Flight, Ledger, Look};
use crate::presence::{BEAT, Presence};
use crate::store;
use crate::twin::Twin;

/// How long a change waits for the file (B13): with what the twin takes, a call is held up by at most 250 ms.
const PATIENCE: Duration = Duration::from_millis(200);
/// How often a change waits so long again while others write: a file that many use is busy, not stuck.
const ROUNDS: u32 = 25;
/// How long a process leaves a file alone that failed it. Commands are over before that; a UI lives for days.
const AWAY: Duration = Duration::from_mins(1);

/// The shared state. Clones are the same. Its writes survive kill -9 (`Durability::Process`); a power cut may undo the
/// last of them.
#[derive(Debug, Clone)]
pub struct Shared {
    inner: Arc<Inner>,
}

#[derive(Debug)]
pub(crate) struct Inner {
    db: Option<Db>,
    clock: Arc<dyn Clock>,
    boot: Arc<dyn BootClock>,
    random: Arc<dyn Random>,
    presence: Presence,
    patience: Duration,
    twin: Mutex<Twin>,
    away: Mutex<Away>,
    beats: Arc<Beats>,
    /// Rows in the file whose calls are over and that could not be removed then.
    leaked: Mutex<Vec<i64>>,
    /// Tickets whose rows are in the twin, though there is a file.
    strays: Mutex<Vec<Weak<Seat>>>,
    /// Held by who brings them there.
    adopting: Mutex<()>,
}

/// Whether the file is left alone.
#[derive(Debug, Default)]
struct Away {
    /// Until then, by the monotonic clock.
    until: Option<Duration>,
    warning: Option<String>,
    told: bool,
}

/// Where a ticket's row is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Place {
    File,
    Twin,
}

/// What came of an admitted call, for breaker, block, statistics and budget.
#[derive(Debug, Clone)]
pub(crate) struct Outcome<'a> {
    /// `None` where it answered.
    pub(crate) class: Option<Class>,
    /// Whether the failure concerns this model alone.
    pub(crate) of_model: bool,
    pub(crate) status: Option<u16>,
    /// At most 200 characters, redacted.
    pub(crate) message: &'a str,
    pub(crate) retry_after: Option<Duration>,
    pub(crate) task: Option<&'a str>,
    pub(crate) run: Option<&'a str>,
    pub(crate) connect_ms: Option<u64>,
    pub(crate) first_ms: Option<u64>,
    pub(crate) total_ms: u64,
    pub(crate) queued_ms: u64,
    pub(crate) waited_ms: u64,
    pub(crate) tokens: crate::answer::Tokens,
    /// From 1; 0 where no call was sent, since the check before a probe failed: then it counts for the breaker and stands
    /// in no statistics.
    pub(crate) attempt: u32,
    /// The context of the model, where the host says it.
    pub(crate) context: Option<u64>,
    /// Whether it was paid for out of the budget for repeats: that is given back where it answers.
    pub(crate) is_repeat: bool,
}

impl Shared {
    /// Over a machine-wide file, or in this process alone. Where the file fails later (locked for more than 200 ms, full,
    /// read-only, damaged), calls go on with what this process knows, and [`warning`](Self::warning) says so once. A file
    /// that was opened to be read is where this process begins from, and stays as it is.
    pub fn new(
        db: Option<Db>,
        clock: Arc<dyn Clock>,
        boot: Arc<dyn BootClock>,
        random: Arc<dyn Random>,
    ) -> Self {
        Self::with(db, clock, boot, random, Presence::of_this_process(), PATIENCE, BEAT)
    }

    pub(crate) fn with(
        db: Option<Db>,
        clock: Arc<dyn Clock>,
        boot: Arc<dyn BootClock>,
        random: Arc<dyn Random>,
        presence: Presence,
        patience: Duration,
        beat: Duration,
    ) -> Self {
        let writable = db.as_ref().is_some_and(|db| !db.is_read_only());
        let twin = db.as_ref().filter(|_| !writable).and_then(last_known).unwrap_or_default();
        let inner = Inner {
            db: db.filter(|_| writable),
            clock,
            boot,
            random,
            presence,
            patience,
            twin: Mutex::new(twin),
            away: Mutex::default(),
            beats: Arc::new(Beats::every(beat)),
            leaked: Mutex::default(),
            strays: Mutex::default(),
            adopting: Mutex::default(),
        };
        Self { inner: Arc::new(inner) }
    }

    /// What to tell the user once, where the file could not be used: given to the first who asks.
    pub fn warning(&self) -> Option<String> {
        self.inner.away().warning.take()
    }

    /// Chooses one of the candidates and notes the call, in one transaction (B7, S1–S3). `waiting` is the row of a caller
    /// that waits in a queue, which becomes the call.
    pub(crate) fn admit(&self, candidates: &[Candidate<'_>], waiting: Option<&Ticket>) -> Admission {
        let candidates: Vec<Asked> = candidates.iter().map(Asked::new).collect();
        let needs_salt = candidates.iter().any(|asked| asked.key().is_some());
        let ask = |waiting: Option<&Ticket>| Admit {
            candidates: candidates.clone(),
            waiting: waiting.map(|ticket| ticket.entry().row),
            salt: if needs_salt { new_salt() } else { Vec::new() },
        };
        let in_file = |ticket: &&Ticket| ticket.place() == Place::File;
        let (admitted, place) = self.inner.change("admit a model call", ask(waiting.filter(in_file)), || {
            ask(waiting.filter(|ticket| !in_file(ticket)))
        });
        match admitted {
            Admitted::Go { entry, skipped } => {
                if let Some(waiting) = waiting.filter(|waiting| waiting.place() == place) {
                    waiting.end();
                }
                Admission::Go { ticket: Ticket::new(entry, place, self.clone()), skipped }
            }
            Admitted::Full { shortest, ahead, skipped } => Admission::Full { shortest, ahead, skipped },
            Admitted::Nobody { skipped } => Admission::Nobody { skipped },
        }
    }

    /// Takes a place in the queue of a candidate that is full: first come, first served (S3). Not to be held by a caller
    /// who does not ask again at least every second.
    pub(crate) fn queue(&self, candidate: &Candidate<'_>) -> Ticket {
        let asked = Asked::new(candidate);
        let again = asked.clone();
        let (entry, place) = self.inner.change("wait for a model host", Enqueue(asked), || Enqueue(again));
        Ticket::new(entry, place, self.clone())
    }

    /// The first token of a probe: the breaker closes (B9). Nothing for other calls.
    pub(crate) fn first_token(&self, ticket: &Ticket) {
        if !ticket.is_probe {
            return;
        }
        let (entry, place) = ticket.entry_and_place();
        let generations = self.inner.change_at(place, "a probe answers", FirstToken(entry));
        if let Some(generations) = generations {
            ticket.set_generations(generations);
        }
    }

    /// The call is over: its row goes, and its result counts where its generation is current (B6).
    #[expect(clippy::needless_pass_by_value, reason = "nothing can be done with a ticket after this")]
    pub(crate) fn conclude(&self, ticket: Ticket, outcome: &Outcome<'_>) {
        ticket.end();
        let (entry, was_in) = ticket.entry_and_place();
        let row = entry.row;
        let done = Done::new(outcome, &entry);
        let at = |is_here| Conclude { entry: entry.clone(), is_here, done: done.clone() };
        let in_file = was_in == Place::File;
        // The twin that begins now knows of the call what the file knew.
        let ((), place) = self.inner.change("conclude a model call", at(in_file), || at(true));
        match (was_in, place) {
            (Place::File, Place::Twin) => self.inner.leaked().push(row),
            (Place::Twin, Place::File) => {
                self.inner.change_at(Place::Twin, "", Leave(row));
            }
            (Place::File, Place::File) | (Place::Twin, Place::Twin) => {}
        }
    }

    /// The check of a host succeeded or failed, outside of a call. A success makes an open host's next call a probe; it
    /// never closes (B11). A failure counts as that of a call does, while the host is closed or this process tries it out.
    pub(crate) fn checked(
        &self,
        endpoint: &str,
        dialect: &str,
        name: &str,
        failure: Option<(Class, &str)>,
        slots: Option<u32>,
    ) {
        let checked = || Checked {
            endpoint: endpoint.to_owned(),
            dialect: dialect.to_owned(),
            name: name.to_owned(),
            failure: failure.map(|(class, message)| (class, message.to_owned())),
            slots,
        };
        self.inner.change("check a model host", checked(), checked);
    }

    /// How old the newest sign is that the host is well, ms; `None` where there is none (R10).
    pub(crate) fn evidence_age_ms(&self, endpoint: &str) -> Option<u64> {
        let host = self.inner.look(&Evidence(endpoint))?;
        // A sign of the future is from before the clock was set back: nobody knows how old it is.
        u64::try_from(self.inner.clock.wall_ms().saturating_sub(host)).ok()
    }

    /// Tokens of the context of a model there, where the host said it.
    pub(crate) fn context(&self, endpoint: &str, model: &str) -> Option<u64> {
        self.inner.look(&KnownContext(endpoint, model))
    }

    /// Whether the host's breaker is anything but closed: then it is looked at by nobody but the one call that may try it
    /// out (B9).
    pub(crate) fn is_open(&self, endpoint: &str) -> bool {
        self.inner.look(&Opened(endpoint))
    }

    /// Marks a model as absent from a host for a minute; `absent` false takes the mark away.
    pub(crate) fn mark_absent(&self, endpoint: &str, model: &str, absent: bool) {
        let mark = || MarkAbsent { endpoint: endpoint.to_owned(), model: model.to_owned(), absent };
        self.inner.change("mark a model as absent", mark(), mark);
    }

    /// Pays for one retry out of the budget of the host; false where that is spent.
    pub(crate) fn pay_retry(&self, endpoint: &str) -> bool {
        let pay = || PayRetry { endpoint: endpoint.to_owned() };
        self.inner.change("pay for a retry", pay(), pay).0
    }

    /// The candidates that nobody may ask now, each with why; changes nothing.
    pub(crate) fn refused(&self, candidates: &[Candidate<'_>]) -> Vec<Skipped> {
        let candidates: Vec<Asked> = candidates.iter().map(Asked::new).collect();
        let (now, presence) = (self.inner.now(), self.inner.presence.clone());
        self.inner.look(&Refused { candidates, now, presence })
    }

    /// A ticket begins.
    pub(crate) fn begun(&self, seat: &Arc<Seat>) {
        if self.inner.db.is_none() {
            return;
        }
        let is_stray = seat.stray().is_some();
        if is_stray {
            self.inner.strays().push(Arc::downgrade(seat));
        }
        self.inner.beats.begun(&self.inner, is_stray);
    }

    /// A ticket is gone.
    pub(crate) fn ended(&self) {
        if self.inner.db.is_some() {
            self.inner.beats.ended();
        }
    }

    /// A ticket was dropped: its row goes, at the latest with the next change of this process.
    pub(crate) fn give_up(&self, row: i64, place: Place) {
        if self.inner.change_at(place, "give a model call up", Leave(row)).is_none() {
            self.inner.leaked().push(row);
        }
    }
}

impl Inner {
    /// Makes a change in the file; where that fails, `again` in the twin. Says where it was made.
    fn change<C: Change + Send + Sync + 'static>(
        &self,
        label: &'static str,
        change: C,
        again: impl FnOnce() -> C,
    ) -> (C::Out, Place)
    where
        C::Out: Send + 'static,
    {
        match self.change_file(label, change) {
            Some(out) => (out, Place::File),
            None => (self.change_twin(&again()), Place::Twin),
        }
    }

    /// Makes a change in one of the two only; `None` where that is the file and it cannot be used.
    fn change_at<C: Change + Send + Sync + 'static>(
        &self,
        place: Place,
        label: &'static str,
        change: C,
    ) -> Option<C::Out>
    where
        C::Out: Send + 'static,
    {
        match place {
            Place::File => self.change_file(label, change),
            Place::Twin => Some(self.change_twin(&change)),
        }
    }

    fn change_twin<C: Change>(&self, change: &C) -> C::Out {
        let context = self.source(Vec::new()).context();
        let mut twin = self.twin();
        let Ok(out) = change.apply(&mut *twin, &context);
        out
    }

    fn change_file<C: Change + Send + Sync + 'static>(&self, label: &'static str, change: C) -> Option<C::Out>
    where
        C::Out: Send + 'static,
    {
        let db = self.usable()?;
        // Calls that are not there yet would not be counted.
        if let Err(error) = self.adopt(db)? {
            self.leave_alone(db, &error);
            return None;
        }
        let leaked = std::mem::take(&mut *self.leaked());
        match self.in_turn(db, label, &leaked, change) {
            Ok(out) => Some(out),
            Err(error) => {
                self.leaked().extend(leaked);
                self.leave_alone(db, &error);
                None
            }
        }
    }

    /// Makes a change in the file. While others write, it waits on: it would be wrong to call without knowing of them.
    fn in_turn<C: Change + Send + Sync + 'static>(
        &self,
        db: &Db,
        label: &'static str,
        leaked: &[i64],
        change: C,
    ) -> Result<C::Out, DbError>
    where
        C::Out: Send + 'static,
    {
        let change = Arc::new(change);
        let mut mark = FileMark::of(db.path());
        let mut rounds = 0;
        loop {
            let (change, source) = (Arc::clone(&change), self.source(leaked.to_vec()));
            let writing = db.writing(label).durability(Durability::Process).deadline(self.patience);
            // The clocks are read where the lock is held: what is decided later is later.
            let done = writing.run(move |tx| change.apply(&mut store::InFile::new(tx), &source.context()));
            match done {
                Err(error) if error.kind() == ErrorKind::Busy && rounds < ROUNDS => {
                    let now = FileMark::of(db.path());
                    if now == mark {
                        return Err(error);
                    }
                    (mark, rounds) = (now, rounds + 1);
                }
                done => return done,
            }
        }
    }

    /// Brings the calls into the file that were let through without it: others do not count them before. `None` where
    /// another thread does so now.
    fn adopt(&self, db: &Db) -> Option<Result<(), DbError>> {
        if self.strays().is_empty() {
            return Some(Ok(()));
        }
        let _adopting = self.adopting.try_lock().ok()?;
        let strays: Vec<(Arc<Seat>, i64)> = self
            .strays()
            .iter()
            .filter_map(|seat| seat.upgrade().and_then(|seat| seat.stray().map(|row| (seat, row))))
            .collect();
        let (mut seats, mut flights): (Vec<(Arc<Seat>, i64)>, Vec<Flight>) = (Vec::new(), Vec::new());
        {
            let twin = self.twin();
            for (seat, row) in strays {
                if let Some(flight) = twin.flights.get(&row) {
                    flights.push(flight.clone());
                    seats.push((seat, row));
                }
            }
        }
        if !flights.is_empty() {
            let leaked = std::mem::take(&mut *self.leaked());
            match self.in_turn(db, "bring model calls into the file", &leaked, Adopt(flights)) {
                Ok(rows) => {
                    for ((seat, old), row) in seats.into_iter().zip(rows) {
                        if seat.move_to_file(row) {
                            let Ok(()) = self.twin().leave(old);
                        } else {
                            self.leaked().push(row);
                        }
                    }
                }
                Err(error) => {
                    self.leaked().extend(leaked);
                    return Some(Err(error));
                }
            }
        }
        self.strays().retain(|seat| seat.upgrade().is_some_and(|seat| seat.stray().is_some()));
        Some(Ok(()))
    }

    /// Looks at the file, or at the twin.
    fn look<Q: Query>(&self, query: &Q) -> Q::Out {
        if let Some(db) = self.usable() {
            match db.read(|conn| query.ask(&store::Rows::new(conn))) {
                Ok(out) => return out,
                Err(error) => self.leave_alone(db, &error),
            }
        }
        let twin = self.twin();
        let Ok(out) = query.ask(&&*twin);
        out
    }

    fn usable(&self) -> Option<&Db> {
        let db = self.db.as_ref()?;
        let mut away = self.away();
        match away.until {
            Some(until) if self.clock.monotonic() < until => None,
            _ => {
                away.until = None;
                Some(db)
            }
        }
    }

    /// The file failed: for a while this process goes on with what the file said last.
    fn leave_alone(&self, db: &Db, error: &DbError) {
        tracing::warn!(%error, file = %db.path().display(), "model hosts: going on without the machine-wide file");
        // What fails to be read would only take more time.
        let readable = matches!(error.kind(), ErrorKind::Busy | ErrorKind::Full | ErrorKind::ReadOnly);
        let known = if readable { last_known(db) } else { None };
        let mut away = self.away();
        if away.until.is_none() {
            away.until = Some(self.clock.monotonic().saturating_add(AWAY));
            if let Some(known) = known {
                let mut twin = self.twin();
                let known = known.after(&twin);
                *twin = known;
            }
        }
        if !away.told {
            away.told = true;
            away.warning = Some(format!(
                "{}: {error}; what is known of the model hosts is this process's own for now",
                db.path().display()
            ));
        }
    }

    /// Whether something of this process should be in the file, or should not be there any more.
    pub(crate) fn is_behind(&self) -> bool {
        self.db.is_some() && !(self.leaked().is_empty() && self.strays().is_empty())
    }

    /// Touches the rows of this process, and brings the file up to date where it could not be used before.
    pub(crate) fn beat(&self) {
        let Some(db) = &self.db else { return };
        if self.is_behind() {
            let leaked = std::mem::take(&mut *self.leaked());
            let done = self.adopt(db).unwrap_or(Ok(())).and_then(|()| {
                self.in_turn(db, "remove model calls that are over", &leaked, Adopt(Vec::new()))
            });
            if let Err(error) = done {
                self.leaked().extend(leaked);
                tracing::debug!(%error, "what this process knows of model calls is not in the file yet");
                return;
            }
            // It answers again.
            self.away().until = None;
        }
        let Some(db) = self.usable() else { return };
        let (me, boot) = (self.presence.me().clone(), Arc::clone(&self.boot));
        let writing =
            db.writing("beat for model calls").durability(Durability::Process).deadline(self.patience);
        // A beat that is missed is made up for by the next; three fit into the time after which a call counts as dead.
        if let Err(error) = writing.run(move |tx| store::beat(tx, &me, millis(boot.since_boot()))) {
            tracing::debug!(%error, "no beat for model calls");
        }
    }

    fn now(&self) -> Now {
        self.source(Vec::new()).context().now
    }

    fn source(&self, leaked: Vec<i64>) -> Source {
        Source {
            clock: Arc::clone(&self.clock),
            boot: Arc::clone(&self.boot),
            random: Arc::clone(&self.random),
            presence: self.presence.clone(),
            leaked,
        }
    }

    fn away(&self) -> MutexGuard<'_, Away> {
        self.away.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn twin(&self) -> MutexGuard<'_, Twin> {
        self.twin.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn strays(&self) -> MutexGuard<'_, Vec<Weak<Seat>>> {
        self.strays.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn leaked(&self) -> MutexGuard<'_, Vec<i64>> {
        self.leaked.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Where contexts come from, on whatever thread a change runs.
struct Source {
    clock: Arc<dyn Clock>,
    boot: Arc<dyn BootClock>,
    random: Arc<dyn Random>,
    presence: Presence,
    leaked: Vec<i64>,
}

impl Source {
    fn context(&self) -> Context {
        Context {
            now: Now {
                boot_ms: millis(self.boot.since_boot()),
                wall_ms: self.clock.wall_ms(),
                boot_id: self.presence.me().boot_id.clone(),
            },
            presence: self.presence.clone(),
            random: Arc::clone(&self.random),
            leaked: self.leaked.clone(),
        }
    }
}

/// A question to the records.
trait Query {
    type Out;
    fn ask<L: Look>(&self, look: &L) -> Result<Self::Out, L::Error>;
}

struct Evidence<'a>(&'a str);

impl Query for Evidence<'_> {
    type Out = Option<i64>;

    fn ask<L: Look>(&self, look: &L) -> Result<Option<i64>, L::Error> {
        Ok(look.host(self.0)?.and_then(|host| host.evidence_at))
    }
}

struct Opened<'a>(&'a str);

impl Query for Opened<'_> {
    type Out = bool;

    fn ask<L: Look>(&self, look: &L) -> Result<bool, L::Error> {
        Ok(look.host(self.0)?.is_some_and(|host| host.breaker.state != BreakerState::Closed))
    }
}

struct KnownContext<'a>(&'a str, &'a str);

impl Query for KnownContext<'_> {
    type Out = Option<u64>;

    fn ask<L: Look>(&self, look: &L) -> Result<Option<u64>, L::Error> {
        Ok(look.pair(self.0, self.1)?.and_then(|pair| pair.context))
    }
}

struct Refused {
    candidates: Vec<Asked>,
    now: Now,
    presence: Presence,
}

impl Query for Refused {
    type Out = Vec<Skipped>;

    fn ask<L: Look>(&self, look: &L) -> Result<Vec<Skipped>, L::Error> {
        choose::refused(look, &self.candidates, &self.now, &self.presence)
    }
}

/// All that the file says, where reading it does not wait for those who write.
fn last_known(db: &Db) -> Option<Twin> {
    if db.journal() != Journal::Wal {
        return None;
    }
    match db.read(store::everything) {
        Ok(twin) => Some(twin),
        Err(error) => {
            tracing::debug!(%error, "nothing is known of the model hosts");
            None
        }
    }
}

/// A salt for the hashes of keys. Where the system has no chance to give, all hashes are of one salt: they are short
/// enough to say little of a key even so.
fn new_salt() -> Vec<u8> {
    let mut salt = vec![0; 16];
    if let Err(error) = getrandom::fill(&mut salt) {
        tracing::debug!(%error, "no random salt");
    }
    salt
}

fn millis(duration: Duration) -> i64 {
    i64::try_from(duration.as_millis()).unwrap_or(i64::MAX)
}

#[cfg(test)]
pub(crate) mod tests;
