//! A spool: where it is, how it is run, and what it is told the time by.

use std::fmt::Debug;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use conclave_db::Db;
use conclave_retry::{Clock, Sleeper, SystemClock, SystemSleeper};

use crate::drops::{self, Otherwise, Reason};
use crate::error::Result;
use crate::layout::Layout;
use crate::monitor::MonitorName;
use crate::notices;
use crate::options::SpoolOptions;
use crate::pressure::Memory;
use crate::quota::Gate;
use crate::writer::SpoolWriter;

/// What is asked about the disk below the spool.
pub trait Disk: Debug + Send + Sync + 'static {
    /// Bytes that this user may still write there, and bytes in all (statvfs(3)).
    fn room(&self, folder: &Path) -> std::io::Result<(u64, u64)>;
}

/// The system's answer.
#[derive(Debug, Clone, Copy, Default)]
pub struct SystemDisk;

impl Disk for SystemDisk {
    fn room(&self, folder: &Path) -> std::io::Result<(u64, u64)> {
        let found = rustix::fs::statvfs(folder)?;
        Ok((found.f_bavail.saturating_mul(found.f_frsize), found.f_blocks.saturating_mul(found.f_frsize)))
    }
}

/// A spool. Cloning it costs a counter; clones share what waits in memory and what is known of the quota.
#[derive(Debug, Clone)]
pub struct Spool {
    shared: Arc<Shared>,
}

#[derive(Debug)]
pub(crate) struct Shared {
    pub(crate) layout: Layout,
    pub(crate) options: SpoolOptions,
    pub(crate) clock: Arc<dyn Clock>,
    pub(crate) sleeper: Arc<dyn Sleeper>,
    pub(crate) disk: Arc<dyn Disk>,
    /// Where ledger, drops and the state of the quota are kept; without it they are kept in files, or not.
    pub(crate) state: Option<Db>,
    pub(crate) gate: Gate,
    pub(crate) memory: Memory,
}

/// How a spool is made.
#[derive(Debug, Clone)]
pub struct SpoolBuilder {
    root: std::path::PathBuf,
    options: SpoolOptions,
    clock: Arc<dyn Clock>,
    sleeper: Arc<dyn Sleeper>,
    disk: Arc<dyn Disk>,
    state: Option<Db>,
}

impl SpoolBuilder {
    /// What time is asked of; wall time names the segments, monotonic time measures.
    pub fn clock(mut self, clock: Arc<dyn Clock>) -> Self {
        self.clock = clock;
        self
    }

    /// What waits above the soft limit.
    pub fn sleeper(mut self, sleeper: Arc<dyn Sleeper>) -> Self {
        self.sleeper = sleeper;
        self
    }

    /// What is asked for free space.
    pub fn disk(mut self, disk: Arc<dyn Disk>) -> Self {
        self.disk = disk;
        self
    }

    /// Where ledger, drops and the state of the quota are kept: `state.db`. A handle that can only read is only read.
    pub fn state(mut self, state: Option<Db>) -> Self {
        self.state = state;
        self
    }

    /// The spool. Touches nothing.
    pub fn build(self) -> Spool {
        let layout = Layout::at(self.root);
        let Self { options, clock, sleeper, disk, state, .. } = self;
        let gate = Gate::new(options.limits);
        let memory = Memory::new(options.memory_bytes);
        Spool { shared: Arc::new(Shared { layout, options, clock, sleeper, disk, state, gate, memory }) }
    }
}

impl Spool {
    /// The spool in this folder, which need not be there. Touches nothing.
    pub fn at(root: impl AsRef<Path>, options: SpoolOptions) -> SpoolBuilder {
        SpoolBuilder {
            root: root.as_ref().to_path_buf(),
            options,
            clock: Arc::new(SystemClock),
            sleeper: Arc::new(SystemSleeper),
            disk: Arc::new(SystemDisk),
            state: None,
        }
    }

    /// Becomes the writer of a monitor: makes its folder, takes its lock, and goes on after what a dead writer left there
    /// (which is recovered first). Waits up to `patience` while another process is.
    ///
    /// # Errors
    /// [`MonitorBusy`](crate::SpoolError::MonitorBusy) where another one stays, and what the file system says.
    pub fn writer(&self, monitor: &MonitorName, patience: Duration) -> Result<SpoolWriter> {
        SpoolWriter::open(self, monitor, patience)
    }

    /// Counts events of a monitor as dropped that never came to a writer, such as those of one that could not become it. Needs
    /// no lock. Durable when this returns.
    ///
    /// # Errors
    /// Neither the state nor a file of the monitor's folder can be written.
    pub fn count_dropped(&self, monitor: &MonitorName, reason: Reason, events: u64) -> Result<()> {
        drops::count(&self.shared, monitor, reason, events, Otherwise::Apart)?;
        if events > 0 {
            notices::dropped(monitor, reason, events);
        }
        Ok(())
    }

    /// Its folders.
    pub fn layout(&self) -> &Layout {
        &self.shared.layout
    }

    /// How it is run.
    pub fn options(&self) -> &SpoolOptions {
        &self.shared.options
    }

    pub(crate) fn shared(&self) -> &Shared {
        &self.shared
    }
}
