//! What `doctor` asks of the spool.

use std::collections::BTreeSet;

use conclave_db::Db;
use conclave_db::doctor::Check;

use crate::advice::{self, Quarantined};
use crate::catalogue;
use crate::error::Result;
use crate::ledger::ledger;
use crate::quota::{QuotaState, gauge};
use crate::spool::Spool;
use crate::verify::is_live;

/// The ledger, the quota, what waits in quarantine or to be recovered. Writes nothing, and reads no file to its end.
pub fn checks(spool: &Spool, state: Option<&Db>) -> Vec<Check> {
    type Look = fn(&Spool, Option<&Db>) -> Result<Check>;
    let looks: [(&'static str, Look); 4] = [
        ("spool-ledger", check_ledger),
        ("spool-quota", check_quota),
        ("spool-recovery", check_recovery),
        ("spool-quarantine", check_quarantine),
    ];
    looks
        .into_iter()
        .map(|(name, look)| {
            look(spool, state).unwrap_or_else(|error| {
                let advice = error.hint().unwrap_or("see that the spool's folder can be read");
                Check::fail(name, error.to_string(), advice)
            })
        })
        .collect()
}

fn check_ledger(spool: &Spool, state: Option<&Db>) -> Result<Check> {
    let found = ledger(spool, state)?;
    let name = "spool-ledger";
    let off: Vec<&str> = found
        .monitors
        .iter()
        .filter(|(_, entry)| !entry.balances())
        .map(|(monitor, _)| monitor.as_str())
        .collect();
    if let ([], Some(first)) = (&*off, found.unread.first()) {
        let more = match found.unread.len() {
            1 => String::new(),
            files => format!(", and {} more", files - 1),
        };
        let advice =
            "see that the files in the spool's folder can be read; `conclave spool verify` names each";
        return Ok(Check::warn(name, format!("{first}{more}"), advice));
    }
    if off.is_empty() {
        let unknown = unknown(spool, state)?;
        if unknown > 0 {
            let detail =
                format!("{unknown} files in `_done` that this state knows nothing of, as after a restore");
            let advice = "`conclave spool verify` names them; in the folder of their monitor `conclave spool flush` \
                          imports what is not there yet";
            return Ok(Check::warn(name, detail, advice));
        }
        let total = found.total;
        return Ok(Check::ok(name, format!("{} written, {} of them pending", total.written, total.pending)));
    }
    let detail = format!("written is not pending + imported + quarantined + dropped for {}", off.join(", "));
    let advice =
        "`conclave spool verify` names the files; `conclave spool flush` counts what is gone as dropped";
    Ok(Check::fail(name, detail, advice))
}

/// How many files of `_done` are not in the catalogue.
fn unknown(spool: &Spool, state: Option<&Db>) -> Result<usize> {
    let Some(state) = state else { return Ok(0) };
    let mut unknown = 0;
    for monitor in spool.layout().monitors()? {
        // Files first: what is imported meanwhile is not among them.
        let done = spool.layout().segments(&spool.layout().done(&monitor))?;
        let rows = catalogue::rows(state, &monitor)?;
        let known: BTreeSet<_> = rows.iter().map(|row| (&*row.file, row.bytes)).collect();
        unknown += done.iter().filter(|found| !known.contains(&(&*found.file, found.bytes))).count();
    }
    Ok(unknown)
}

fn check_quota(spool: &Spool, state: Option<&Db>) -> Result<Check> {
    let gauge = gauge(spool, state)?;
    let name = "spool-quota";
    let limits = &spool.options().limits;
    let (used, quota) = (gauge.usage.used, limits.quota_mb());
    if gauge.state == QuotaState::Normal && gauge.why.is_none() {
        return Ok(Check::ok(name, format!("{} of {quota} MiB, {}", used >> 20, gauge.state.as_str())));
    }
    // Whole MiB would be none of a small quota that is nearly used up.
    let percent = u128::from(used) * 100 / u128::from(limits.quota().max(1));
    let detail = format!("{percent} % of {quota} MiB, {}", gauge.state.as_str());
    Ok(Check::warn(name, detail, advice::room(spool, &gauge)))
}

fn check_recovery(spool: &Spool, _: Option<&Db>) -> Result<Check> {
    let layout = spool.layout();
    let (mut left, mut live) = (0, 0);
    for monitor in layout.monitors()? {
        let folder = layout.monitor(&monitor);
        let parts = layout.parts(&folder)?.len();
        if parts == 0 {
            continue;
        }
        if is_live(&folder)? {
            live += parts;
        } else {
            left += parts;
        }
    }
    let name = "spool-recovery";
    Ok(if left == 0 {
        Check::ok(name, format!("{live} segments are being written"))
    } else {
        let advice = "`conclave spool recover`, or `flush`, makes segments of them";
        Check::warn(name, format!("{left} segments of writers that are gone"), advice)
    })
}

fn check_quarantine(spool: &Spool, _: Option<&Db>) -> Result<Check> {
    let Quarantined { segments: files, rejects } = advice::quarantined(spool)?;
    let name = "spool-quarantine";
    let said = |count: u64, one: &str, more: &str| match count {
        0 => None,
        1 => Some(format!("1 {one}")),
        count => Some(format!("{count} {more}")),
    };
    let parts = [
        said(files, "segment", "segments"),
        said(rejects, "file of rejected lines", "files of rejected lines"),
    ];
    let parts: Vec<String> = parts.into_iter().flatten().collect();
    Ok(if parts.is_empty() {
        Check::ok(name, "nothing is in quarantine")
    } else {
        let advice = "look at them in the spool's `_quarantine`: `*.rej.ndjson` has each rejected line with the reason, \
                      and docs/spool.md says how they come back; remove them when they are of no use";
        Check::warn(name, format!("{} in quarantine", parts.join(" and ")), advice)
    })
}
