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

/// Waits for a turn to start a process; it is taken as long as this is held. More starts at once than there are
/// processors only take time from each other, and from everything else.
pub(super) async fn starting() -> Option<SemaphorePermit<'static>> {
    static STARTS: OnceLock<Semaphore> = OnceLock::new();
    let starts = STARTS.get_or_init(|| {
        let processors = std::thread::available_parallelism().map_or(1, std::num::NonZero::get);
        Semaphore::new(processors.div_ceil(2))
    });
    // It is never closed.
    starts.acquire().await.ok()
}

/// Waits until another agent may be started; it may as long as this is held.
pub(super) async fn take() -> Option<SemaphorePermit<'static>> {
    // It is never closed.
    slots().acquire().await.ok()
}
