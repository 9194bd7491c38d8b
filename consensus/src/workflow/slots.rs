//! How many agents may run at once in this process: as many as it has file descriptors for.

use std::sync::OnceLock;

use rustix::process::{Resource, getrlimit};
use tokio::sync::{Semaphore, SemaphorePermit};

/// File descriptors that one agent takes, and some while it is started.
const OF_ONE: u64 = 8;
/// The most that makes sense on any machine.
const MOST: u64 = 1024;

fn slots() -> &'static Semaphore {
    static SLOTS: OnceLock<Semaphore> = OnceLock::new();
    SLOTS.get_or_init(|| {
        // Half of them are for everything else: connections, watches, what the caller has open.
        let files = getrlimit(Resource::Nofile).current.unwrap_or(u64::MAX) / 2;
        let slots = (files / OF_ONE).clamp(4, MOST);
        Semaphore::new(usize::try_from(slots).unwrap_or(4))
    })
}

/// Waits until another agent may be started; it may as long as this is held.
pub(super) async fn take() -> Option<SemaphorePermit<'static>> {
    // It is never closed.
    slots().acquire().await.ok()
}
