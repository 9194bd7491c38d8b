//! Time since the machine was started: the one clock that all processes of a machine share and nobody sets.
//!
//! The wall clock jumps, and a process's monotonic clock means nothing to another process. `CLOCK_BOOTTIME`
//! counts through suspend and starts at zero with each boot, so together with the boot's identity
//! (see [`crate::process`]) it says when something recorded by another process runs out.

use std::fmt::Debug;
use std::time::Duration;

/// A source of boot time.
pub trait BootClock: Debug + Send + Sync + 'static {
    /// Time since boot, suspend included. The same for all processes of the machine; never goes back.
    fn since_boot(&self) -> Duration;
}

/// The operating system's boot clock.
#[derive(Debug, Clone, Copy, Default)]
pub struct SystemBootClock;

impl BootClock for SystemBootClock {
    fn since_boot(&self) -> Duration {
        #[cfg(any(target_os = "linux", target_os = "android"))]
        let clock = rustix::time::ClockId::Boottime;
        // Elsewhere the monotonic clock starts at boot too.
        #[cfg(not(any(target_os = "linux", target_os = "android")))]
        let clock = rustix::time::ClockId::Monotonic;
        let now = rustix::time::clock_gettime(clock);
        let seconds = u64::try_from(now.tv_sec).unwrap_or(0);
        let nanoseconds = u32::try_from(now.tv_nsec).unwrap_or(0);
        Duration::new(seconds, nanoseconds)
    }
}

#[cfg(test)]
mod tests;
