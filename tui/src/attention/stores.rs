//! What of spool and cache needs a person.

use conclave_cache::Stats;
use conclave_consensus::migrate::Attention;
use conclave_db::Db;
use conclave_spool::ledger::{Ledger, ledger};
use conclave_spool::quota::{Gauge, QuotaState, Why, gauge};
use conclave_spool::{MonitorName, Spool, advice};

use crate::failure::{Doing as _, Failure};
use crate::project::Project;
use crate::text::{counted, visible};
use crate::{event_spool, parse_cache};

/// Of both.
pub(crate) fn of_stores(project: &Project, db: &Db) -> Vec<Attention> {
    let spool = event_spool::of(project, Some(db.clone())).and_then(|spool| {
        let gauge = gauge(&spool, Some(db)).doing("look at the spool")?;
        let ledger = ledger(&spool, Some(db)).doing("add up the spool")?;
        Ok(of_spool(&spool, &gauge, &ledger))
    });
    let mut waiting = spool.unwrap_or_else(|failure| {
        // A state that is busy is no damage.
        if is_passing(&failure) { Vec::new() } else { vec![unreadable("spool", &failure, DOCTOR)] }
    });
    waiting.extend(of_cache(&parse_cache::stats(project)));
    waiting
}

/// Of the spool: a ledger that does not balance, a quota that presses, files of monitors that nobody knows, a quarantine.
pub(crate) fn of_spool(spool: &Spool, gauge: &Gauge, ledger: &Ledger) -> Vec<Attention> {
    let mut waiting = Vec::new();
    let off: Vec<_> = ledger.monitors.iter().filter(|(_, entry)| !entry.balances()).collect();
    if !off.is_empty() {
        let names: Vec<_> = off.iter().map(|(name, _)| visible(name)).collect();
        waiting.push(entry(
            "spool-ledger",
            names.join(", "),
            format!("the spool's ledger does not balance for {}", names.join(", ")),
            "`conclave spool verify` names the files".to_owned(),
        ));
    }
    if let Some(why) = pressure(gauge, spool) {
        waiting.push(entry("spool-quota", "spool".to_owned(), why, advice::room(spool, gauge)));
    }
    let is_known =
        |name: &str| MonitorName::parse(name).is_ok_and(|name| spool.options().monitors.is_known(&name));
    for (name, files) in gauge.usage.pending.iter().filter(|(name, files)| **files > 0 && !is_known(name)) {
        let name = visible(name).into_owned();
        let wait = counted(*files, "file waits", "files wait");
        waiting.push(entry(
            "spool-monitor",
            name.clone(),
            format!("{wait} in the spool for a monitor {name}, which is not known: nothing imports them"),
            format!("`[spool] monitors = [\"{name}\"]` makes it known, then `conclave spool flush`"),
        ));
    }
    waiting.extend(quarantine(spool));
    waiting
}

/// How the quota or the disk presses.
fn pressure(gauge: &Gauge, spool: &Spool) -> Option<String> {
    let quota = spool.options().limits.quota();
    let percent = u128::from(gauge.usage.used) * 100 / u128::from(quota.max(1));
    let and = if gauge.untrimmable { ", and nothing is left that may be trimmed" } else { "" };
    Some(match (gauge.state, gauge.why) {
        (_, Some(Why::KeepFree)) => {
            "the spool stores nothing: the disk has to keep free what is left".to_owned()
        }
        (QuotaState::Hard, _) => format!("the spool stores nothing: {percent} % of its quota are used{and}"),
        (QuotaState::Normal, Some(Why::Quota)) => {
            format!("the spool stores nothing: its quota is used up, with what is being written{and}")
        }
        (QuotaState::Soft, _) => format!("{percent} % of the spool's quota are used{and}"),
        (QuotaState::Normal, None) => return None,
    })
}

fn quarantine(spool: &Spool) -> Option<Attention> {
    let found = advice::quarantined(spool).ok()?;
    let parts = [
        (found.rejects, "file of rejected lines", "files of rejected lines"),
        (found.segments, "damaged file", "damaged files"),
    ];
    let parts: Vec<String> = parts
        .into_iter()
        .filter(|(number, ..)| *number > 0)
        .map(|(number, one, more)| counted(number, one, more))
        .collect();
    (!parts.is_empty()).then(|| {
        entry(
            "spool-quarantine",
            "_quarantine".to_owned(),
            format!("in the spool's quarantine: {}", parts.join(", ")),
            "look through `_quarantine` (docs/spool.md says how lines come back), and remove what is of no use"
                .to_owned(),
        )
    })
}

/// Of the cache: a file that cannot be used. What is only busy just now is left out.
pub(crate) fn of_cache(stats: &Result<Stats, Failure>) -> Option<Attention> {
    let failure = stats.as_ref().err().filter(|failure| !is_passing(failure))?;
    Some(unreadable("cache", failure, "`conclave cache check` says what is wrong with it"))
}

const DOCTOR: &str = "`conclave doctor` says what is wrong";

fn is_passing(failure: &Failure) -> bool {
    failure.kind == conclave_db::ErrorKind::Busy.as_str()
}

fn unreadable(kind: &'static str, failure: &Failure, usual: &str) -> Attention {
    let advice = failure.hint.clone().map_or_else(|| usual.to_owned(), std::borrow::Cow::into_owned);
    entry(kind, kind.to_owned(), visible(&failure.message).into_owned(), advice)
}

fn entry(kind: &'static str, name: String, why: String, advice: String) -> Attention {
    Attention { kind, name, why, advice, since: None }
}
