//! One attempt to take names, in one transaction.

use std::collections::BTreeSet;

use conclave_db::process::ProcessIdentity;
use conclave_db::{DbError, Durability, WriteTx};

use super::Request;
use crate::error::{LeaseError, LeaseErrorKind, Result};
use crate::here::{Here, Now};
use crate::model::{Fence, Mode};
use crate::name::{HolderId, LeaseName};
use crate::queue::{self, Asking, Held, Place, Plan};
use crate::store::fences::{self, Numbers};
use crate::store::grants::{self, Stored};
use crate::store::look::{self, Look};
use crate::store::waiters;
use crate::token::{Token, TokenHash};

/// So many numbers are reserved by one write that survives a power cut: a sync for each would be most of the work, and
/// no number is ever short.
const RESERVED_AT_ONCE: u64 = 1000;

/// A grant that ended this long ago is no news for anybody and is removed in passing.
const FORGOTTEN_MS: i64 = 86_400_000;

/// A request as the transaction wants it.
#[derive(Debug)]
pub(crate) struct Asked {
    /// In the order of bytes, each once.
    pub(crate) names: Vec<LeaseName>,
    mode: Mode,
    ttl_ms: i64,
    pub(crate) holder: HolderId,
    hash: TokenHash,
    bound: Option<ProcessIdentity>,
    ends_with_boot: bool,
}

impl Asked {
    pub(crate) fn new(request: &Request, token: &Token, label: HolderId) -> Result<Self> {
        let mut names = request.names.clone();
        names.sort_unstable();
        names.dedup();
        if names.is_empty() {
            let text = "no name was given".to_owned();
            return Err(LeaseError::Invalid { kind: LeaseErrorKind::InvalidName, text });
        }
        Ok(Self {
            names,
            mode: request.mode,
            ttl_ms: request.ttl.ms(),
            holder: request.holder.clone().unwrap_or(label),
            hash: token.hash(),
            bound: request.bound_to.clone(),
            ends_with_boot: request.ends_with_boot,
        })
    }

    pub(crate) fn asking(&self, id: Option<i64>) -> Asking<'_> {
        Asking { id, names: &self.names, mode: self.mode }
    }
}

/// What an attempt came to.
#[derive(Debug)]
pub(crate) enum Answer {
    Granted(Granted),
    Refused(Refusal),
    /// It stands in the queue now, under this id.
    Queued(i64),
}

/// What was taken.
#[derive(Debug)]
pub(crate) struct Granted {
    /// The number of each name, in the order of the names.
    pub(crate) fences: Vec<Fence>,
    pub(crate) expires_utc_ms: i64,
    pub(crate) expires_boot_ms: i64,
}

/// Why not.
#[derive(Debug)]
pub(crate) struct Refusal {
    pub(crate) name: LeaseName,
    pub(crate) by: HolderId,
    expires_utc_ms: Option<i64>,
}

impl Refusal {
    pub(crate) fn held(self) -> LeaseError {
        LeaseError::Held { name: self.name, by: self.by, expires_utc_ms: self.expires_utc_ms }
    }
}

/// Takes the names if they are to be had; else, where it `waits`, takes a place in the queue or keeps its own, and where
/// it does not gives its place up. `None`: numbers are to be reserved, which this durability may not.
pub(crate) fn attempt(
    tx: &WriteTx<'_>,
    here: &Here,
    asked: &Asked,
    id: Option<i64>,
    waits: bool,
    durability: Durability,
) -> Result<Option<Answer>> {
    let looks = asked.names.iter().map(|name| look::at(tx, name)).collect::<Result<Vec<Look>>>()?;
    let wall_high_ms = looks.first().map_or(0, |look| look.wall_high_ms);
    let now = here.now(tx.now_ms(), wall_high_ms);
    let (over, live): (Vec<&Stored>, Vec<&Stored>) =
        looks.iter().flat_map(|look| &look.grants).partition(|grant| now.is_over(grant));
    let mut held = held_by(&live);
    let mut stands = false;
    let mut plan = if id.is_some() || looks.iter().any(|look| look.awaited) {
        let queue = settled(tx, &now, asked, id, &mut held)?;
        stands = queue.iter().any(|place| Some(place.id) == id);
        queue::decide(&queue, &held, &asked.asking(id), now.boot_ms)
    } else {
        Plan { takes: queue::is_free(&held, &asked.names, asked.mode), ..Plan::default() }
    };
    let answer = if plan.takes {
        if durability != Durability::Power
            && looks.iter().any(|look| !has_numbers(look.numbers.as_ref(), here))
        {
            return Ok(None);
        }
        if let Some(id) = id {
            waiters::remove(tx, id)?;
        }
        Answer::Granted(grant(tx, here, &now, asked, &looks, &over)?)
    } else {
        match (id, waits) {
            (Some(id), true) if stands || waiters::wakes(tx, id)? => Answer::Queued(id),
            (_, true) => {
                let process = &here.process;
                let id = waiters::insert(tx, &asked.names, asked.mode, &asked.holder, process, now.wall_ms)?;
                Answer::Queued(id)
            }
            (id, false) => {
                if let Some(id) = id {
                    waiters::remove(tx, id)?;
                }
                Answer::Refused(refusal(asked, &live, plan.behind.take(), &now)?)
            }
        }
    };
    write_down(tx, &plan, &now)?;
    Ok(Some(answer))
}

/// How the names of these grants are held.
pub(super) fn held_by(live: &[&Stored]) -> Held {
    live.iter().map(|grant| (grant.name.clone(), grant.mode)).collect()
}

/// The queue around the names in the order of tickets, without those who sleep and those who have ended as far as they matter now; adds to
/// `held` what is held of the other names that somebody in it waits for.
fn settled(
    tx: &WriteTx<'_>,
    now: &Now<'_>,
    asked: &Asked,
    id: Option<i64>,
    held: &mut Held,
) -> Result<Vec<Place>> {
    let (asleep, mut queue): (Vec<Place>, Vec<Place>) =
        around(tx, &asked.names)?.into_iter().partition(|place| place.asleep);
    for place in asleep.iter().filter(|place| now.has_ended(&place.process)) {
        waiters::remove(tx, place.id)?;
    }
    let others: BTreeSet<LeaseName> = queue
        .iter()
        .flat_map(|place| &place.names)
        .filter(|name| asked.names.binary_search(name).is_err())
        .cloned()
        .collect();
    for name in others {
        let grants = grants::of_name(tx, &name)?;
        let live: Vec<&Stored> = grants.iter().filter(|grant| !now.is_over(grant)).collect();
        held.extend(held_by(&live));
    }
    let mut lives = BTreeSet::from_iter(id);
    loop {
        let asked_about = queue::candidates(&queue, held, &asked.asking(id));
        let unknown = asked_about.into_iter().find(|place| !lives.contains(&place.id));
        let Some(place) = unknown else { return Ok(queue) };
        let (next, ended) = (place.id, now.has_ended(&place.process));
        if ended {
            waiters::remove(tx, next)?;
            queue.retain(|place| place.id != next);
        } else {
            lives.insert(next);
        }
    }
}

/// The queue around several names, by ticket, with those who sleep.
pub(super) fn around(conn: &conclave_db::ReadConn<'_>, names: &[LeaseName]) -> Result<Vec<Place>> {
    let mut queue: Vec<Place> = Vec::new();
    for name in names {
        if !queue.iter().any(|place| place.names.contains(name)) {
            queue.extend(waiters::around(conn, name)?);
        }
    }
    queue.sort_unstable_by_key(|place| place.ticket);
    Ok(queue)
}

/// Whether a number may be given without asking the disk again.
fn has_numbers(numbers: Option<&Numbers>, here: &Here) -> bool {
    numbers.is_some_and(|numbers| numbers.next < numbers.reserved && numbers.boot_id == here.process.boot_id)
}

fn grant(
    tx: &WriteTx<'_>,
    here: &Here,
    now: &Now<'_>,
    asked: &Asked,
    looks: &[Look],
    over: &[&Stored],
) -> Result<Granted> {
    for grant in over {
        grants::delete(tx, &grant.name, grant.fence)?;
    }
    let life = now.life(asked.ttl_ms);
    let mut fences = Vec::with_capacity(looks.len());
    let mut reserved = false;
    for look in looks {
        let fence = match &look.numbers {
            Some(numbers) if has_numbers(Some(numbers), here) => {
                fences::take(tx, &look.name)?;
                numbers.next
            }
            numbers => {
                reserved = true;
                reserve(tx, here, &look.name, look.first_fence, numbers.as_ref())?
            }
        };
        fences.push(fence);
        let grant = Stored {
            name: look.name.clone(),
            fence,
            mode: asked.mode,
            holder: asked.holder.clone(),
            hash: asked.hash,
            acquired_utc_ms: now.wall_ms,
            life: life.clone(),
            process: here.process.clone(),
            bound: asked.bound.clone(),
            ends_with_boot: asked.ends_with_boot,
        };
        grants::insert(tx, &grant)?;
    }
    if now.is_new() {
        fences::set_wall_high_ms(tx, now.wall_ms)?;
    }
    // Each thousandth grant, and each second that a file is in use.
    if reserved || now.is_new() {
        grants::purge(tx, &here.process.boot_id, now.boot_ms, FORGOTTEN_MS)?;
    }
    Ok(Granted { fences, expires_utc_ms: life.expires_utc_ms, expires_boot_ms: life.expires_boot_ms })
}

/// Reserves numbers and gives the first of them. In another boot than that of the reservation some of the numbers below
/// its end may have been given by writes that the power cut took: they are left out.
fn reserve(
    tx: &WriteTx<'_>,
    here: &Here,
    name: &LeaseName,
    first: Fence,
    numbers: Option<&Numbers>,
) -> Result<Fence> {
    let boot_id = &here.process.boot_id;
    let fence = match numbers {
        None => first,
        Some(numbers) if numbers.boot_id == *boot_id => numbers.next,
        Some(numbers) => numbers.reserved,
    };
    // Where boots have no names one cannot be told from another: each number is reserved for itself.
    let count = if boot_id.is_empty() { 1 } else { RESERVED_AT_ONCE };
    let reserved = fence.checked_add(count).filter(|end| i64::try_from(*end).is_ok());
    let reserved = reserved.ok_or_else(|| DbError::Invalid(format!("{name} has no numbers left")))?;
    fences::put(tx, name, &Numbers { next: fence + 1, reserved, boot_id: boot_id.clone() })?;
    Ok(fence)
}

/// Who has it: of those who hold against it the one that holds longest, else who is before it in the queue.
fn refusal(
    asked: &Asked,
    live: &[&Stored],
    behind: Option<(HolderId, LeaseName)>,
    now: &Now<'_>,
) -> Result<Refusal> {
    let against = live.iter().filter(|grant| asked.mode.excludes(grant.mode));
    let last = against.max_by_key(|grant| now.remaining_ms(&grant.life));
    match (last, behind) {
        (Some(grant), _) => Ok(Refusal {
            name: grant.name.clone(),
            by: grant.holder.clone(),
            expires_utc_ms: Some(grant.life.expires_utc_ms),
        }),
        (None, Some((by, name))) => Ok(Refusal { name, by, expires_utc_ms: None }),
        (None, None) => Err(DbError::Invalid("refused, and by nobody".to_owned()).into()),
    }
}

fn write_down(tx: &WriteTx<'_>, plan: &Plan, now: &Now<'_>) -> Result<()> {
    for id in &plan.overdue {
        waiters::sleeps(tx, *id)?;
    }
    for id in &plan.begins {
        waiters::set_could_since(tx, *id, Some(now.boot_ms))?;
    }
    for id in &plan.ends {
        waiters::set_could_since(tx, *id, None)?;
    }
    Ok(())
}
