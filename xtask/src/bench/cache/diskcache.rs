//! python-diskcache (PyPI), as its manual shows it: one process, one `Cache`, `get` of bytes.

use std::io::{BufRead as _, BufReader, Write as _};
use std::process::{Child, Command, Stdio};

use tempfile::TempDir;

use crate::bench::harness::Harness;
use crate::outcome::Outcome;

/// Its name in the table.
pub(super) const NAME: &str = "python-diskcache";

/// For each number that it reads: so many `get`, and the middle time in nanoseconds.
const PROGRAM: &str = r#"
import sys, time
from diskcache import Cache
folder, file = sys.argv[1:]
value = open(file, "rb").read()
cache = Cache(folder)
cache.set("bench", value)
clock = time.perf_counter_ns
print("ready", flush=True)
for line in sys.stdin:
    times = []
    for _ in range(int(line)):
        begun = clock()
        found = cache.get("bench")
        times.append(clock() - begun)
        assert found == value
    times.sort()
    print(times[len(times) // 2], flush=True)
"#;

/// The process that it runs in.
pub(super) struct DiskCachePeer {
    child: Child,
    lines: BufReader<std::process::ChildStdout>,
    _folder: TempDir,
}

/// The interpreter: `CONCLAVE_BENCH_PYTHON`, else `python3`.
pub(super) fn python() -> String {
    std::env::var("CONCLAVE_BENCH_PYTHON").unwrap_or_else(|_| "python3".to_owned())
}

impl DiskCachePeer {
    /// Starts it; `None` where there is no Python, or it has no diskcache.
    pub(super) fn start(value: &[u8]) -> Outcome<Option<Self>> {
        let folder = Harness::folder()?;
        let file = folder.path().join("value");
        std::fs::write(&file, value)?;
        let mut command = Command::new(python());
        command.args(["-c", PROGRAM]).arg(folder.path().join("cache")).arg(&file);
        command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::null());
        let Ok(mut child) = command.spawn() else { return Ok(None) };
        let stdout = child.stdout.take().ok_or("no stdout")?;
        let mut peer = Self { child, lines: BufReader::new(stdout), _folder: folder };
        Ok((peer.line()? == "ready").then_some(peer))
    }

    /// The middle time of so many, in microseconds.
    pub(super) fn round(&mut self, times: usize) -> Outcome<f64> {
        let stdin = self.child.stdin.as_mut().ok_or("no stdin")?;
        writeln!(stdin, "{times}")?;
        Ok(self.line()?.parse::<f64>()? / 1e3)
    }

    fn line(&mut self) -> Outcome<String> {
        let mut line = String::new();
        self.lines.read_line(&mut line)?;
        Ok(line.trim_end().to_owned())
    }
}

impl Drop for DiskCachePeer {
    fn drop(&mut self) {
        // Does nothing where the process has ended.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
