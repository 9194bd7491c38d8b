//! Test support for all crates: temporary projects, child processes that start together, and a driver that
//! kills them at a random moment.
//!
//! Tests of concurrency use real processes, since SQLite's locks, the fair turn and `kill -9` are about
//! processes. A test starts *itself* again: the child is the same binary with the same test name, told by the
//! environment that it is one. Parent and child talk over one Unix socket: the child says that it is ready
//! and waits (the barrier), is released, and then acknowledges what it did, line by line. What it has said
//! before it is killed can still be read afterwards, so "acknowledged" means exactly that.
//!
//! ```no_run
//! use conclave_testkit::{KillDriver, Parent, Rerun};
//! use std::time::Duration;
//!
//! // Inside `#[test] fn acknowledged_write_survives_kill()` of module `durability`:
//! if let Some(mut parent) = Parent::of_this_process() {
//!     parent.wait_for_release();
//!     for n in 0.. {
//!         // … write row n, durably …
//!         parent.say(&n.to_string());
//!     }
//! }
//! let child = Rerun::of("durability::acknowledged_write_survives_kill").start();
//! let killed = KillDriver::new(7).run_and_kill(child, 50, Duration::from_millis(2));
//! // … open the file: every row in `killed.lines` is there …
//! ```
//!
//! A disk that fails at the n-th write or sync, and that forgets at a power cut what was never synced, is
//! [`FaultDisk`]. A server for models that fails as it is told is [`ModelServer`].
//!
//! Never linked into the program: everything here panics where a test should fail.
#![expect(
    clippy::expect_used,
    clippy::panic,
    clippy::missing_panics_doc,
    reason = "test support: a panic is a failed test"
)]

mod child;
mod disk;
mod kill;
mod model_server;
mod mutate;
mod notices;
mod project;
mod random;
mod vfs;

pub use conclave_retry::ManualClock;

pub use self::child::{Child, Fleet, Parent, Rerun};
pub use self::disk::{SmallDisk, UnwritableFolder};
pub use self::kill::{KillDriver, Killed};
pub use self::model_server::{Act, ModelServer, Reply, Request, Speaks};
pub use self::mutate::mutated;
pub use self::notices::notices_of;
pub use self::project::TempProject;
pub use self::random::Random;
pub use self::vfs::{Failure, Fault, FaultDisk, Op, PowerCut, Recording};

/// Says why a test ends without having tested anything: a program or a right is missing here.
#[expect(clippy::print_stdout, reason = "shown by the test harness")]
pub fn skipped(why: &str) {
    println!("skipped: {why}");
}
