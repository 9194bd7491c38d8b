//! A disk that fails on request and forgets what was never synced: a shim over SQLite's own VFS.
//!
//! [`FaultDisk::watch`] makes the shim the default VFS of this process and watches one folder. Every SQLite
//! connection that is opened there from then on goes through it, whoever opens it; all others are left alone,
//! so tests of one process do not meet. Two things can be done with a watched folder:
//!
//! - **Faults**: the n-th write, sync, truncate, read, open or delete fails, once or from then on
//!   ([`FaultDisk::fail`]), or is where the process dies ([`Failure::Kill`], in a child of the test). A sweep runs its workload with `nth` = 1, 2, 3 … until one ends without the fault
//!   having fired: then every point has been visited. This is how SQLite tests itself
//!   (<https://sqlite.org/testing.html#i_o_error_testing>).
//! - **Power cuts**: all that SQLite does to the files is recorded, with the test's own marks in between
//!   ([`FaultDisk::mark`], mostly "this was acknowledged"). [`Recording::cut`] then writes the files into a
//!   fresh folder as they may lie after a power loss at some point of the workload; a thousand cuts cost one
//!   run of the workload.
//!
//! What a cut takes: each write, truncate, creation and deletion that no sync has made durable is kept, lost or
//! (writes) torn, each for itself, so also out of order. A sync makes the content of its file durable; a new
//! name or the end of one is durable after a sync of the folder, which SQLite's own VFS does at the first sync
//! of a journal or log and where a deletion asks for it. After a *failed* sync the operations before it may be
//! lost although a later sync succeeds, as Linux does it (<https://lwn.net/Articles/752063/>). The `-shm`
//! file, which lives in memory, is gone.
//!
//! Limits: one process; what is done to the folder without SQLite (`rename`, `sync_all`) is not seen, and a
//! file is taken as durable as it lies when SQLite first opens it; no bytes outside of a write are damaged
//! (SQLite's default assumption, <https://sqlite.org/psow.html>); memory maps are not used in the folder;
//! syncs are only recorded there, not passed on to the real disk, which makes sweeps quick.
//!
//! ```
//! use conclave_testkit::{Failure, Fault, FaultDisk, Op};
//!
//! let folder = tempfile::tempdir().expect("a folder");
//! let disk = FaultDisk::watch(folder.path());
//! // … write with `conclave_db::Db`, and after each acknowledgement: disk.mark("row 1") …
//! disk.fail(Fault { op: Op::Sync, nth: 1, error: Failure::Io, sticky: false });
//! // … the next sync fails …
//! assert_eq!(disk.fired(), 0);
//! let image = tempfile::tempdir().expect("a folder");
//! let cut = disk.recording().cut(7, image.path());
//! assert!(cut.marks.is_empty());
//! // … open the database in `image`: what `cut.marks` says is there …
//! ```

mod cut;
mod disk;
mod fault;
mod recording;
mod shim;

pub use self::cut::PowerCut;
pub use self::disk::FaultDisk;
pub use self::fault::{Failure, Fault, Op};
pub use self::recording::Recording;
