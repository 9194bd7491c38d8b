//! Which of the candidates a call goes to: by priority, then by load, passing over whoever may not be asked or is full
//! (S1–S3). Looks only; what follows from the choice is done in the same transaction by whoever asked.

use crate::admission::Candidate;
use crate::answer::{Skipped, Why};
use crate::breaker::{Now, Pass};
use crate::class::Class;
use crate::ledger::{Flight, HostRow, Kind, Look, PairRow};
use crate::presence::{Presence, is_fresh};

/// A caller in the queue that was not heard of for so long is stopped, or its machine sleeps: others go past it.
const STOPPED_MS: i64 = 10_000;
/// A block from another boot is never longer than this: no host can ask for more ([`conclave_retry::RETRY_AFTER_LIMIT`]).
pub(crate) const LONGEST_BLOCK_MS: i64 = 3_600_000;
/// How fast what a host was slow at is forgotten (S4).
pub(crate) const DECAY_MS: f64 = 600_000.0;
/// How long a model counts as absent.
pub(crate) const ABSENT_MS: i64 = 60_000;

/// A candidate that can go to another thread.
#[derive(Clone)]
pub(crate) struct Asked {
    pub(crate) index: usize,
    pub(crate) name: String,
    pub(crate) endpoint: String,
    pub(crate) dialect: &'static str,
    pub(crate) model: String,
    pub(crate) priority: i64,
    pub(crate) slots: Option<u32>,
    pub(crate) breaker: bool,
    key: Option<String>,
    pub(crate) calls_per_hour: Option<u32>,
    pub(crate) tokens_per_day: Option<u64>,
    pub(crate) reserved_tokens: u64,
}

impl Asked {
    pub(crate) fn new(candidate: &Candidate<'_>) -> Self {
        Self {
            index: candidate.index,
            name: candidate.name.to_owned(),
            endpoint: candidate.endpoint.to_owned(),
            dialect: candidate.dialect,
            model: candidate.model.to_owned(),
            priority: candidate.priority,
            slots: candidate.slots,
            breaker: candidate.breaker,
            key: candidate.key.map(str::to_owned),
            calls_per_hour: candidate.calls_per_hour,
            tokens_per_day: candidate.tokens_per_day,
            reserved_tokens: candidate.reserved_tokens,
        }
    }

    pub(crate) const fn has_budget(&self) -> bool {
        self.calls_per_hour.is_some() || self.tokens_per_day.is_some()
    }

    pub(crate) fn key(&self) -> Option<&str> {
        self.key.as_deref()
    }

    fn skipped(&self, why: Why, until: Option<i64>, message: Option<String>) -> Skipped {
        Skipped { host: self.name.clone(), why, until, message, class: None }
    }
}

/// Calls at once where nobody says how many (S2).
pub(crate) fn usual_slots(dialect: &str) -> u32 {
    match dialect {
        "ollama" => 1,
        "anthropic" => 8,
        _ => 4,
    }
}

/// What there is to know of a candidate at this moment.
pub(crate) struct Standing {
    /// Its place in the list of candidates (not its `index`).
    pub(crate) at: usize,
    pub(crate) host: Option<HostRow>,
    pub(crate) pair: Option<PairRow>,
    /// Why it may not be asked; `None` where it may.
    refusal: Option<Skipped>,
    pub(crate) probes_host: bool,
    pub(crate) probes_pair: bool,
    pub(crate) key_hash: String,
    running: u32,
    waiting: u32,
    /// Those who wait for it before this caller.
    ahead: u32,
    slots: u32,
    /// To the first token, as it counts now.
    mean_ms: f64,
}

impl Standing {
    fn is_full(&self) -> bool {
        self.running.saturating_add(self.ahead) >= self.slots
    }

    fn load(&self) -> f64 {
        f64::from(self.running) / f64::from(self.slots.max(1))
    }

    fn queue(&self) -> f64 {
        f64::from(self.running.saturating_add(self.waiting)) / f64::from(self.slots.max(1))
    }

    /// How long the first token would take behind those who are there, as far as anybody knows.
    fn expected_ms(&self) -> f64 {
        self.mean_ms * (f64::from(self.running) + 1.0)
    }
}

/// What came of looking at all.
pub(crate) enum Choice {
    Go {
        standing: Box<Standing>,
        skipped: Vec<Skipped>,
    },
    /// `ahead`: how many wait before this caller where the fewest do.
    Full {
        shortest: usize,
        ahead: u32,
        skipped: Vec<Skipped>,
    },
    Nobody {
        skipped: Vec<Skipped>,
    },
}

/// Chooses. `waiting` is the row of a caller that is in a queue already.
pub(crate) fn choose<L: Look>(
    look: &L,
    candidates: &[Asked],
    waiting: Option<i64>,
    now: &Now,
    presence: &Presence,
) -> Result<Choice, L::Error> {
    let standings = standings(look, candidates, waiting, now, presence)?;
    let mut skipped = Vec::new();
    let mut shortest: Option<(f64, usize)> = None;
    let mut fewest = u32::MAX;
    for standing in standings {
        let asked = &candidates[standing.at];
        if let Some(refusal) = standing.refusal {
            skipped.push(refusal);
        } else if standing.is_full() {
            let queue = standing.queue();
            fewest = fewest.min(standing.ahead);
            if shortest.is_none_or(|(least, _)| queue < least) {
                shortest = Some((queue, asked.index));
            }
            let message = format!("{} of {} slots in use", standing.running, standing.slots);
            let message = match standing.ahead {
                0 => message,
                ahead => format!("{message}, {ahead} waiting before"),
            };
            skipped.push(asked.skipped(Why::Full, None, Some(message)));
        } else {
            return Ok(Choice::Go { standing: Box::new(standing), skipped });
        }
    }
    if let Some((_, shortest)) = shortest {
        return Ok(Choice::Full { shortest, ahead: fewest, skipped });
    }
    Ok(Choice::Nobody { skipped })
}

/// Those that may not be asked now, whether full or not.
pub(crate) fn refused<L: Look>(
    look: &L,
    candidates: &[Asked],
    now: &Now,
    presence: &Presence,
) -> Result<Vec<Skipped>, L::Error> {
    let standings = standings(look, candidates, None, now, presence)?;
    Ok(standings.into_iter().filter_map(|standing| standing.refusal).collect())
}

/// All, the best-placed first.
fn standings<L: Look>(
    look: &L,
    candidates: &[Asked],
    waiting: Option<i64>,
    now: &Now,
    presence: &Presence,
) -> Result<Vec<Standing>, L::Error> {
    let mut all = Vec::with_capacity(candidates.len());
    for (at, asked) in candidates.iter().enumerate() {
        all.push(standing(look, at, asked, waiting, now, presence)?);
    }
    all.sort_by(|one, other| {
        let (a, b) = (&candidates[one.at], &candidates[other.at]);
        a.priority
            .cmp(&b.priority)
            .then_with(|| one.load().total_cmp(&other.load()))
            .then_with(|| one.expected_ms().total_cmp(&other.expected_ms()))
            .then_with(|| a.name.cmp(&b.name))
            .then_with(|| one.at.cmp(&other.at))
    });
    Ok(all)
}

fn standing<L: Look>(
    look: &L,
    at: usize,
    asked: &Asked,
    waiting: Option<i64>,
    now: &Now,
    presence: &Presence,
) -> Result<Standing, L::Error> {
    let flights: Vec<Flight> = look
        .flights(&asked.endpoint)?
        .into_iter()
        .filter(|flight| presence.lives(flight, now.boot_ms))
        .collect();
    let host = look.host(&asked.endpoint)?;
    let pair = look.pair(&asked.endpoint, &asked.model)?;
    let key_hash = match &asked.key {
        Some(key) => look.salt()?.map(|salt| hash_of(&salt, key)),
        None => Some(String::new()),
    };
    let waits = || {
        let others = flights.iter().filter(|flight| flight.kind == Kind::Wait && Some(flight.id) != waiting);
        others.filter(|flight| is_fresh(flight, now.boot_ms, STOPPED_MS))
    };
    let mut standing = Standing {
        at,
        refusal: None,
        probes_host: false,
        probes_pair: false,
        key_hash: key_hash.clone().unwrap_or_default(),
        running: count(flights.iter().filter(|flight| flight.kind != Kind::Wait)),
        waiting: count(waits()),
        ahead: count(waits().filter(|flight| waiting.is_none_or(|mine| flight.id < mine))),
        slots: slots(asked, host.as_ref()),
        mean_ms: host.as_ref().map_or(0.0, |host| faded_ms(host, now.boot_ms)),
        host,
        pair,
    };
    let runs = |row: Option<i64>| row.is_some_and(|row| flights.iter().any(|flight| flight.id == row));
    standing.refusal = match blocked(look, asked, key_hash.as_deref(), now)? {
        Some(refusal) => Some(refusal),
        None => standing.judge(asked, now, &runs),
    };
    if standing.refusal.is_none() && asked.has_budget() {
        standing.refusal = over_budget(look, asked, &flights, now)?;
    }
    Ok(standing)
}

impl Standing {
    /// What breakers and marks say.
    fn judge(&mut self, asked: &Asked, now: &Now, runs: &dyn Fn(Option<i64>) -> bool) -> Option<Skipped> {
        if let Some(host) = &self.host {
            match host.breaker.pass(now, runs(host.breaker.probe_row)) {
                Pass::Forced => {
                    return Some(asked.skipped(Why::ForcedOpen, None, Some("opened by hand".to_owned())));
                }
                Pass::Open(left) if asked.breaker => {
                    return Some(asked.skipped(
                        Why::Open,
                        Some(now.wall_ms.saturating_add(left)),
                        last_error(&host.breaker),
                    ));
                }
                Pass::Probing if asked.breaker => {
                    return Some(asked.skipped(Why::Probing, None, last_error(&host.breaker)));
                }
                Pass::Probe => self.probes_host = asked.breaker,
                Pass::Yes | Pass::Open(_) | Pass::Probing => {}
            }
        }
        let pair = self.pair.as_ref()?;
        if let Some(until) = absent_until(pair, now) {
            let message = format!("it has no model {}", asked.model);
            return Some(asked.skipped(Why::NoModel, Some(until), Some(message)));
        }
        if !asked.breaker {
            return None;
        }
        match pair.breaker.pass(now, runs(pair.breaker.probe_row)) {
            Pass::Open(left) => {
                let until = Some(now.wall_ms.saturating_add(left));
                Some(asked.skipped(Why::Open, until, last_error(&pair.breaker)))
            }
            Pass::Probing => Some(asked.skipped(Why::Probing, None, last_error(&pair.breaker))),
            Pass::Forced => Some(asked.skipped(Why::ForcedOpen, None, None)),
            Pass::Probe => {
                self.probes_pair = true;
                None
            }
            Pass::Yes => None,
        }
    }
}

/// The mean, which fades while no call says anything new: else a host that was slow once would lose against its equals
/// for ever, and never have the chance to be fast again (S4). A mean of the future is of another boot and says nothing.
fn faded_ms(host: &HostRow, now_boot_ms: i64) -> f64 {
    match (host.ewma_first_ms, host.ewma_at) {
        (Some(mean), Some(at)) if at <= now_boot_ms => {
            #[expect(clippy::cast_precision_loss, reason = "a time in ms is far below 2^52")]
            let age = now_boot_ms.saturating_sub(at) as f64;
            mean * (-age / DECAY_MS).exp()
        }
        _ => 0.0,
    }
}

fn slots(asked: &Asked, host: Option<&HostRow>) -> u32 {
    let said = || host.and_then(|host| host.slots);
    asked.slots.or_else(said).unwrap_or_else(|| usual_slots(asked.dialect)).max(1)
}

fn blocked<L: Look>(
    look: &L,
    asked: &Asked,
    key_hash: Option<&str>,
    now: &Now,
) -> Result<Option<Skipped>, L::Error> {
    // Without a salt no key was ever hashed, so none is blocked.
    let Some(key_hash) = key_hash else { return Ok(None) };
    let Some(block) = look.block(&asked.endpoint, key_hash)? else { return Ok(None) };
    Ok(match block.until.left_ms(now, LONGEST_BLOCK_MS) {
        0 => None,
        left => {
            let until = Some(now.wall_ms.saturating_add(left));
            let class = Class::parse(&block.reason);
            Some(Skipped { class, ..asked.skipped(Why::Blocked, until, Some(block.reason)) })
        }
    })
}

/// Until when a model counts as absent. A mark that claims more than a mark can last is from a clock that was set back.
pub(crate) fn absent_until(pair: &PairRow, now: &Now) -> Option<i64> {
    let until = pair.absent_until?;
    (1..=ABSENT_MS).contains(&until.saturating_sub(now.wall_ms)).then_some(until)
}

/// Whether a budget is spent: by what was used, and by what is still running (L20).
fn over_budget<L: Look>(
    look: &L,
    asked: &Asked,
    flights: &[Flight],
    now: &Now,
) -> Result<Option<Skipped>, L::Error> {
    let used = look.usage(&asked.endpoint, now.wall_ms)?;
    let running = || flights.iter().filter(|flight| flight.kind != Kind::Wait);
    let calls = used.calls.saturating_add(u64::from(count(running())));
    let reserved = running().fold(0_u64, |sum, flight| sum.saturating_add(flight.reserved_tokens));
    let tokens = used.tokens.saturating_add(reserved);
    if let Some(limit) = asked.calls_per_hour.filter(|limit| calls >= u64::from(*limit)) {
        let message = format!("{calls} of {limit} calls per hour are used");
        return Ok(Some(asked.skipped(Why::Budget, None, Some(message))));
    }
    let over = |limit: &u64| tokens.saturating_add(asked.reserved_tokens) > *limit || *limit == 0;
    Ok(asked.tokens_per_day.filter(over).map(|limit| {
        let message = format!("{tokens} of {limit} tokens per day are used or reserved");
        asked.skipped(Why::Budget, None, Some(message))
    }))
}

fn last_error(breaker: &crate::breaker::Breaker) -> Option<String> {
    let error = breaker.last_error.as_deref().filter(|error| !error.is_empty());
    match (breaker.last_class.as_deref(), error) {
        (Some(class), Some(error)) => Some(format!("{class}: {error}")),
        (class, error) => error.or(class).map(str::to_owned),
    }
}

/// Eight hexadecimal digits of a salted hash: enough to tell one's own keys apart, too little to find one by.
pub(crate) fn hash_of(salt: &[u8], key: &str) -> String {
    let mut hasher = blake3::Hasher::new();
    hasher.update(salt);
    hasher.update(key.as_bytes());
    hasher.finalize().to_hex().chars().take(8).collect()
}

fn count<'a>(flights: impl Iterator<Item = &'a Flight>) -> u32 {
    u32::try_from(flights.count()).unwrap_or(u32::MAX)
}
