//! Leases: one process takes one and gives it back, over and over.

use conclave_db::{Db, DbOptions};
use conclave_leases::{LeaseName, Leases, Request};
use conclave_retry::{CancelToken, Clock, SystemClock};

use super::harness::Harness;
use super::load::{self, Load};
use super::peers::leases as plain;
use super::peers::postgres::{self, Place, Session};
use super::row::{Measured, Target, real};
use crate::outcome::Outcome;

const ROW: &str = "leases, acquire and release";
const SERVER: &str = "one process, one connection, prepared; a server's locks in memory beside";
const FILE: &str = "one process, one connection, prepared; two durable writes beside";
const HOLDER: &str = "bench";

/// Who runs, in turns.
enum Contender {
    Ours,
    Plain,
    Server,
}

/// Measures both lines in one go: ours is the same.
pub(crate) fn run(harness: &mut Harness) -> Outcome {
    if !harness.wants(ROW, SERVER) && !harness.wants(ROW, FILE) {
        return Ok(());
    }
    let place = Place::of_environment();
    let mut contenders = vec![Contender::Ours, Contender::Plain];
    match Session::open(&place) {
        Ok(_) => contenders.push(Contender::Server),
        Err(error) => harness.note(format!("{ROW}: no PostgreSQL on 127.0.0.1: {error}")),
    }
    let window = harness.window();
    let loads =
        Harness::in_turns(harness.repeats(), contenders.len(), |contender| match contenders[contender] {
            Contender::Ours => ours(window),
            Contender::Plain => theirs(window),
            Contender::Server => {
                let mut session = Session::open(&place)?;
                load::by_one(window, || session.lock_and_unlock(4711))
            }
        })?;
    let rates = |loads: &[Load]| loads.iter().map(Load::per_second).collect::<Vec<f64>>();
    let mut names = vec!["ours", plain::NAME];
    if let [ours, _, server] = &loads[..] {
        names.push(postgres::NAME);
        let beside = (postgres::NAME, &*rates(server));
        harness.add(Measured::beside((ROW, SERVER, "/s"), &rates(ours), beside, Target::RatioAtLeast(1.0)));
    }
    let beside = (plain::NAME, &*rates(&loads[1]));
    harness.add(Measured::beside((ROW, FILE, "/s"), &rates(&loads[0]), beside, Target::None));
    for (loads, whose) in loads.iter().zip(names) {
        harness.note_errors(&format!("{ROW}, {whose}"), loads);
        if let Some(last) = loads.last() {
            harness.note(format!(
                "{ROW}, {whose}: a pair in the last repeat p50 {:.3} ms, p99 {:.3} ms, worst {:.1} ms",
                real(last.p50_us) / 1e3,
                real(last.p99_us) / 1e3,
                real(last.worst_us) / 1e3
            ));
        }
    }
    Ok(())
}

fn ours(window: load::Window) -> Outcome<Load> {
    let folder = Harness::folder()?;
    let schema = conclave::state::schema()?;
    let leases = Leases::new(Db::open(DbOptions::new(folder.path().join("state.db"), schema))?)?;
    let request = Request::of(LeaseName::parse("bench")?);
    let never = CancelToken::new();
    let mut last = 0;
    load::by_one(window, || {
        let grant = leases.acquire(&request, &never)?;
        let fence = grant.fences.first().map_or(0, |(_, fence)| *fence);
        if fence <= last {
            return Err(format!("fence {fence} after {last}").into());
        }
        last = fence;
        leases.release(&grant.token, &[])?;
        Ok(())
    })
}

fn theirs(window: load::Window) -> Outcome<Load> {
    let folder = Harness::folder()?;
    let plain = plain::Plain::create(&folder.path().join("peer.db"))?;
    load::by_one(window, || {
        let fence = plain.acquire("bench", HOLDER, SystemClock.wall_ms())?.ok_or("somebody has it")?;
        if plain.release("bench", fence)? { Ok(()) } else { Err("nobody had it".into()) }
    })
}

#[cfg(test)]
mod tests;
