//! What `status` and `list` say of grants and of those who wait. Of a token nothing is known here.

use conclave_db::process::ProcessIdentity;
use conclave_leases::{Lease, Waiter};
use serde_json::{Map, Value, json};

use crate::times::rfc3339;

/// What is the same in both.
pub(super) fn grant(lease: &Lease) -> Map<String, Value> {
    let remaining_ms = u64::try_from(lease.remaining.as_millis()).unwrap_or(u64::MAX);
    let keys = [
        ("mode", json!(lease.mode)),
        ("holder_id", json!(lease.holder)),
        ("fence", json!(lease.fence)),
        ("acquired_utc_ms", json!(lease.acquired_utc_ms)),
        ("expires_utc_ms", json!(lease.expires_utc_ms)),
        ("remaining_ms", json!(remaining_ms)),
        ("expired", json!(lease.expired)),
        // Of who acquired it, while it is there; and of the process that it ends with.
        ("pid", json!(lease.process.as_ref().map(pid))),
        ("bound_pid", json!(lease.bound_to.as_ref().map(pid))),
    ];
    keys.map(|(key, value)| (key.to_owned(), value)).into_iter().collect()
}

pub(super) fn waiters(waiters: &[Waiter]) -> Value {
    let one = |waiter: &Waiter| {
        json!({
            "holder_id": waiter.holder, "pid": pid(&waiter.process),
            "since": rfc3339(waiter.since_utc_ms), "mode": waiter.mode,
        })
    };
    waiters.iter().map(one).collect()
}

fn pid(process: &ProcessIdentity) -> u32 {
    process.pid
}
