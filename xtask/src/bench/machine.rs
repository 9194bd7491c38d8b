//! Where it was measured: without this no number means anything.

use std::fs::File;
use std::io::Write;
use std::path::Path;
use std::time::Duration;

use conclave_retry::{Clock, SystemClock};
use serde::Serialize;

use crate::outcome::Outcome;

/// The machine, its disk, and how long one sync takes.
#[derive(Debug, Clone, Serialize)]
pub(crate) struct Machine {
    pub(crate) cpu: String,
    pub(crate) cores: usize,
    pub(crate) memory_gib: u64,
    pub(crate) kernel: String,
    pub(crate) file_system: String,
    pub(crate) sync_p50_us: u64,
    pub(crate) sync_p99_us: u64,
    pub(crate) load_average: String,
    pub(crate) sqlite: &'static str,
    pub(crate) build: &'static str,
    pub(crate) journal: &'static str,
}

impl Machine {
    /// Looks at the machine, and syncs some pages in `folder`.
    pub(crate) fn look(folder: &Path) -> Outcome<Self> {
        std::fs::create_dir_all(folder)?;
        let (sync_p50_us, sync_p99_us) = syncs(folder)?;
        Ok(Self {
            cpu: field("/proc/cpuinfo", "model name"),
            cores: std::thread::available_parallelism()?.get(),
            memory_gib: memory_gib(),
            kernel: line("/proc/sys/kernel/osrelease"),
            file_system: file_system(folder)?,
            sync_p50_us,
            sync_p99_us,
            load_average: load_average(),
            sqlite: rusqlite::version(),
            build: if cfg!(debug_assertions) { "debug" } else { "release" },
            journal: "WAL, synchronous=FULL, checkpoint at 1,000 pages (the mutex peer: rollback journal, FULL)",
        })
    }
}

/// The load of the last minute, five and fifteen.
pub(crate) fn load_average() -> String {
    line("/proc/loadavg").split_whitespace().take(3).collect::<Vec<_>>().join(" ")
}

/// The time of `fdatasync` after writing 4 KiB at the end of a file: median and 99th percentile.
pub(super) fn syncs(folder: &Path) -> Outcome<(u64, u64)> {
    const TIMES: usize = 500;
    let path = folder.join("sync");
    let mut file = File::create(&path)?;
    let mut took = Vec::with_capacity(TIMES);
    for _ in 0..TIMES {
        file.write_all(&[7; 4096])?;
        let begun = SystemClock.monotonic();
        file.sync_data()?;
        took.push(SystemClock.monotonic().saturating_sub(begun));
    }
    std::fs::remove_file(path)?;
    took.sort_unstable();
    let micros = |time: Duration| u64::try_from(time.as_micros()).unwrap_or(u64::MAX);
    Ok((micros(took[TIMES / 2]), micros(took[TIMES * 99 / 100])))
}

/// The type of the file system, by the magic numbers of `statfs(2)`.
fn file_system(folder: &Path) -> Outcome<String> {
    let kind = rustix::fs::statfs(folder)?.f_type;
    Ok(match kind {
        0xEF53 => "ext4".to_owned(),
        0x5846_5342 => "xfs".to_owned(),
        0x9123_683E => "btrfs".to_owned(),
        0x0102_1994 => "tmpfs".to_owned(),
        0x794C_7630 => "overlayfs".to_owned(),
        0x2FC1_2FC1 => "zfs".to_owned(),
        other => format!("type {other:#x}"),
    })
}

fn memory_gib() -> u64 {
    let kib = field("/proc/meminfo", "MemTotal");
    let kib: u64 = kib.split_whitespace().next().and_then(|kib| kib.parse().ok()).unwrap_or(0);
    kib.div_ceil(1024 * 1024)
}

/// The most memory that this process has ever had in RAM, KiB.
pub(super) fn most_resident_kib() -> u64 {
    let kib = field("/proc/self/status", "VmHWM");
    kib.split_whitespace().next().and_then(|kib| kib.parse().ok()).unwrap_or(0)
}

/// Forgets it: from here on it is counted anew. Where the kernel does not allow that, it is not.
pub(super) fn forget_most_resident() {
    let _ = std::fs::write("/proc/self/clear_refs", "5");
}

fn field(file: &str, name: &str) -> String {
    let text = std::fs::read_to_string(file).unwrap_or_default();
    let found = text.lines().find(|line| line.starts_with(name)).and_then(|line| line.split_once(':'));
    found.map_or_else(|| "unknown".to_owned(), |(_, value)| value.trim().to_owned())
}

fn line(file: &str) -> String {
    std::fs::read_to_string(file).map_or_else(|_| "unknown".to_owned(), |text| text.trim().to_owned())
}
