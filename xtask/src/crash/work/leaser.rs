//! Leases: who has one, has it alone, and the number of a grant never comes twice.
//!
//! Who gets what does not follow from the seed: the workers say so. Who holds exclusively also leaves a mark in a file
//! while it does, and whoever gets the name next must find that one dead: so that two holders at one time are seen by
//! themselves, whatever the database says.

use std::fmt::Write as _;
use std::path::PathBuf;
use std::time::Duration;

use conclave_db::Db;
use conclave_db::process::{self, Liveness, ProcessIdentity};
use conclave_leases::{Fence, LeaseErrorKind, LeaseName, Leases, Mode, Request, Status, Token, Ttl};
use conclave_retry::CancelToken;

use super::{Work, Worker, open};
use crate::chance::Chance;
use crate::outcome::Outcome;

/// Names whose leases end with their process, and live longer than a stopped one stands.
pub(crate) const BOUND: [&str; 4] = ["a", "b", "c", "ä d"];
/// A name whose leases end by time alone: a second.
pub(crate) const TIMED: &str = "timed";

/// A process that takes leases.
#[derive(Debug)]
pub(crate) struct Leaser {
    worker: Worker,
    db: Db,
    leases: Leases,
    here: ProcessIdentity,
    held: Vec<Held>,
}

/// What it holds now.
#[derive(Debug)]
struct Held {
    token: Token,
    mode: Mode,
    names: Vec<(LeaseName, Fence)>,
}

impl Held {
    fn is_timed(&self) -> bool {
        self.names.iter().any(|(name, _)| name.as_str() == TIMED)
    }

    /// As it is acknowledged.
    fn words(&self, word: &str) -> String {
        let place = |name: &LeaseName| BOUND.iter().position(|bound| *bound == name.as_str());
        let name = |name| place(name).map_or_else(|| TIMED.to_owned(), |place| place.to_string());
        let names: Vec<String> =
            self.names.iter().map(|(lease, fence)| format!("{}:{fence}", name(lease))).collect();
        format!("{word} {}", names.join(" "))
    }
}

/// The name behind the word of an acknowledgement.
pub(crate) fn name_of(word: &str) -> Option<&'static str> {
    if word == TIMED { Some(TIMED) } else { BOUND.get(word.parse::<usize>().ok()?).copied() }
}

impl Leaser {
    pub(crate) fn new(worker: Worker) -> Outcome<Self> {
        let db = open(&worker.folder)?;
        Ok(Self { leases: Leases::new(db.clone())?, here: process::current()?, db, held: Vec::new(), worker })
    }

    fn acquire(&mut self, chance: &mut Chance) -> Outcome<String> {
        let is_timed = chance.percent(25);
        let mut names = Vec::new();
        for _ in 0..if is_timed { 0 } else { 1 + chance.below(3) } {
            names.push(LeaseName::parse(chance.pick(&BOUND))?);
        }
        if is_timed {
            names.push(LeaseName::parse(TIMED)?);
        }
        names.sort();
        names.dedup();
        // Nobody takes again what he has.
        names.retain(|name| !self.held.iter().flat_map(|held| &held.names).any(|(other, _)| other == name));
        if names.is_empty() {
            return Ok("lease-none".to_owned());
        }
        let request = Request {
            names,
            mode: if chance.percent(70) { Mode::Exclusive } else { Mode::Shared },
            ttl: if is_timed { Ttl::seconds(1)? } else { Ttl::USUAL },
            holder: None,
            bound_to: (!is_timed).then(|| self.here.clone()),
            ends_with_boot: false,
            wait: chance.percent(50).then(|| Duration::from_millis(20 + chance.below(150))),
        };
        match self.leases.acquire(&request, &CancelToken::new()) {
            Ok(grant) => {
                let held = Held { token: grant.token, mode: request.mode, names: grant.fences };
                if !is_timed {
                    self.mark(&held)?;
                }
                let words = held.words("lease-acquire");
                self.held.push(held);
                Ok(words)
            }
            Err(error) if error.kind() == LeaseErrorKind::Held => Ok("lease-held".to_owned()),
            Err(error) if error.kind() == LeaseErrorKind::WaitTimeout => Ok("lease-timeout".to_owned()),
            Err(error) => Err(error.into()),
        }
    }

    /// Nobody else who lives may have left a mark that excludes this one.
    fn mark(&self, held: &Held) -> Outcome {
        for (name, fence) in &held.names {
            for entry in std::fs::read_dir(self.marks()?)? {
                let path = entry?.path();
                let file = path.file_name().and_then(|file| file.to_str()).unwrap_or_default();
                let Some((of, mode)) =
                    file.split_once('-').and_then(|(of, rest)| Some((of, rest.split_once('-')?.0)))
                else {
                    continue;
                };
                let excludes = held.mode == Mode::Exclusive || mode == Mode::Exclusive.as_str();
                // A mark may be taken away between the two.
                let Ok(text) = std::fs::read_to_string(&path) else { continue };
                if of != hexadecimal(name) || !excludes {
                    continue;
                }
                // Whoever was killed while writing has left no whole one.
                let Ok(other) = serde_json::from_str::<ProcessIdentity>(&text) else { continue };
                if other != self.here && process::liveness(&other) == Liveness::Alive {
                    return Err(format!(
                        "{name} was given with {fence} to {}, and {} lives and has it: {file}",
                        self.here.pid, other.pid
                    )
                    .into());
                }
            }
            std::fs::write(self.mark_of(name, held.mode)?, serde_json::to_string(&self.here)?)?;
        }
        Ok(())
    }

    fn unmark(&self, held: &Held) -> Outcome {
        if held.is_timed() {
            return Ok(());
        }
        for (name, _) in &held.names {
            std::fs::remove_file(self.mark_of(name, held.mode)?)?;
        }
        Ok(())
    }

    fn marks(&self) -> Outcome<PathBuf> {
        let folder = self.worker.folder.join("marks");
        std::fs::create_dir_all(&folder)?;
        Ok(folder)
    }

    fn mark_of(&self, name: &LeaseName, mode: Mode) -> Outcome<PathBuf> {
        Ok(self.marks()?.join(format!("{}-{}-{}", hexadecimal(name), mode.as_str(), self.worker.place)))
    }

    /// Does it with one that is held; a timed one may be over.
    fn with(
        &mut self,
        place: usize,
        word: &str,
        act: impl FnOnce(&Self, &Held) -> Result<(), conclave_leases::LeaseError>,
    ) -> Outcome<String> {
        let Some(held) = self.held.get(place) else { return Ok("lease-none".to_owned()) };
        match act(self, held) {
            Ok(()) => Ok(held.words(word)),
            Err(error) if held.is_timed() && is_over(error.kind()) => {
                self.held.remove(place);
                Ok("lease-over".to_owned())
            }
            Err(error) => Err(format!("{}: {error}", held.words(word)).into()),
        }
    }

    fn release(&mut self, place: usize) -> Outcome<String> {
        let Some(held) = self.held.get(place) else { return Ok("lease-none".to_owned()) };
        self.unmark(held)?;
        let words =
            self.with(place, "lease-release", |this, held| this.leases.release(&held.token, &[]).map(drop))?;
        if words != "lease-over" {
            self.held.remove(place);
        }
        Ok(words)
    }
}

impl Work for Leaser {
    fn act(&mut self, number: u64) -> Outcome<String> {
        let mut chance = Chance::of(self.worker.seed, &[self.worker.place, number]);
        let place = usize::try_from(chance.below(self.held.len() as u64))?;
        match chance.below(10) {
            _ if self.held.is_empty() => self.acquire(&mut chance),
            0..3 => self.acquire(&mut chance),
            3 => self.with(place, "lease-renew", |this, held| {
                let ttl = if held.is_timed() { Ttl::seconds(1)? } else { Ttl::USUAL };
                this.leases.renew(&held.token, &[], ttl).map(drop)
            }),
            4 => self.with(place, "lease-guard", |this, held| {
                let (leases, names) = (this.leases.clone(), held.names.clone());
                this.db.write("what a lease protects", move |tx| {
                    names.iter().try_for_each(|(name, fence)| leases.require_fence(tx, name, *fence))
                })
            }),
            5 => {
                self.leases.list()?.iter().try_for_each(exclusive)?;
                Ok("lease-list".to_owned())
            }
            _ => self.release(place),
        }
    }
}

/// Of the live grants of a name one is alone, or all are shared.
pub(crate) fn exclusive(status: &Status) -> Outcome {
    let live = || status.leases.iter().filter(|lease| !lease.expired);
    if live().count() > 1 && live().any(|lease| lease.mode == Mode::Exclusive) {
        return Err(format!("several hold what one has alone: {status:?}").into());
    }
    Ok(())
}

const fn is_over(kind: LeaseErrorKind) -> bool {
    matches!(
        kind,
        LeaseErrorKind::Expired
            | LeaseErrorKind::NotOwner
            | LeaseErrorKind::NotFound
            | LeaseErrorKind::StaleFence
    )
}

fn hexadecimal(name: &LeaseName) -> String {
    name.as_str().bytes().fold(String::new(), |mut text, byte| {
        // Writing into a string does not fail.
        let _ = write!(text, "{byte:02x}");
        text
    })
}
