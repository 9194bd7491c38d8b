//! The cache of parse results: a warm hit beside parsing the same file again, and a point read beside others'.

mod diskcache;
pub(crate) mod writer;

use std::path::{Path, PathBuf};

use conclave_cache::symbols::extract;
use conclave_cache::{
    Cache, CacheKey, CacheLimits, CacheStatus, DiskCache, Found, Language, Lookup, MemoryCache, OpenOptions,
    encode,
};
use conclave_retry::{Clock as _, SystemClock};

use self::diskcache::DiskCachePeer;
use super::harness::Harness;
use super::row::{Measured, Target, real};
use crate::outcome::Outcome;
use crate::workspace;

const HIT: &str = "cache, a warm hit";
const READ: &str = "cache, a point read";
const ALONE: &str = "alone";
const BESIDE: &str = "beside 8 processes that write";
const WRITERS: usize = 8;
/// A source of ours of about 10 kB.
const SOURCE: &str = "core/leases/src/file_guard.rs";
/// What is done in one turn; of the times the middle one counts.
const HITS: usize = 400;
const PARSES: usize = 20;

/// Measures all lines.
pub(crate) fn run(harness: &mut Harness) -> Outcome {
    if [ALONE, BESIDE].iter().all(|load| !harness.wants(HIT, load) && !harness.wants(READ, load)) {
        return Ok(());
    }
    let bench = Bench::prepare()?;
    let mut peer = DiskCachePeer::start(&bench.value)?;
    if peer.is_none() {
        harness.note(format!("{READ}: no python-diskcache for `{}`", diskcache::python()));
    }
    measure(harness, &bench, peer.as_mut(), ALONE)?;
    let writers = writer::Writers::start(&bench.file, WRITERS)?;
    measure(harness, &bench, peer.as_mut(), BESIDE)?;
    let written = writers.stop()?;
    harness.note(format!("{HIT}, {BESIDE}: they wrote {written} values meanwhile"));
    Ok(())
}

/// What is looked up.
struct Bench {
    _folder: tempfile::TempDir,
    /// The file that all processes share.
    file: PathBuf,
    disk: DiskCache,
    memory: MemoryCache,
    source: PathBuf,
    text: Vec<u8>,
    value: Vec<u8>,
    key: CacheKey,
}

impl Bench {
    fn prepare() -> Outcome<Self> {
        let folder = Harness::folder()?;
        let file = folder.path().join("cache.db");
        let disk = DiskCache::open(&file, OpenOptions::default())?;
        let source = workspace::root().join(SOURCE);
        let text = std::fs::read(&source)?;
        let extracted = extract(Language::Rust, &text, &SystemClock)?;
        let value = encode(&extracted);
        let memory = MemoryCache::new(CacheLimits::default());
        let key = CacheKey::user("bench")?;
        disk.put(&key, &value)?;
        memory.put(&key, &value)?;
        Ok(Self { _folder: folder, file, disk, memory, source, text, value, key })
    }

    /// Microseconds of a lookup: the file is read and hashed, its value found and read.
    fn hit(&self) -> Outcome<f64> {
        let lookup = Lookup::new(Some(&self.disk), &workspace::root());
        // The first one may have to parse.
        lookup.file(&self.source, &mut |_| {});
        middle(HITS, || {
            let mut lines = 0;
            let looked = lookup.file(&self.source, &mut |view| {
                lines = view.iter().map(|symbol| symbol.end_line).max().unwrap_or_default();
            });
            if looked.status == CacheStatus::Hit && lines > 0 { Ok(()) } else { Err("no hit".into()) }
        })
    }

    fn parse(&self) -> Outcome<f64> {
        middle(PARSES, || {
            let extracted = extract(Language::Rust, &self.text, &SystemClock)?;
            if extracted.symbols.is_empty() { Err("no symbols".into()) } else { Ok(()) }
        })
    }

    /// Microseconds of finding a value by its key.
    fn read(&self, cache: &dyn Cache) -> Outcome<f64> {
        middle(HITS, || {
            let mut bytes = 0;
            let found = cache.get(&self.key, &mut |value| bytes = value.len())?;
            if found == Found::Hit && bytes == self.value.len() { Ok(()) } else { Err("no hit".into()) }
        })
    }
}

/// The middle time of so many, in microseconds.
fn middle(times: usize, mut one: impl FnMut() -> Outcome) -> Outcome<f64> {
    let mut nanos = Vec::with_capacity(times);
    for _ in 0..times {
        let begun = SystemClock.monotonic();
        one()?;
        nanos.push(SystemClock.monotonic().saturating_sub(begun).as_nanos());
    }
    nanos.sort_unstable();
    Ok(real(nanos.get(times / 2).and_then(|nanos| u64::try_from(*nanos).ok()).unwrap_or_default()) / 1e3)
}

fn measure(
    harness: &mut Harness,
    bench: &Bench,
    mut peer: Option<&mut DiskCachePeer>,
    load: &str,
) -> Outcome {
    let (repeats, _) = harness.reads();
    let contenders = if peer.is_some() { 5 } else { 4 };
    let micros = Harness::in_turns(repeats, contenders, |contender| match contender {
        0 => bench.hit(),
        1 => bench.parse(),
        2 => bench.read(&bench.disk),
        3 => bench.read(&bench.memory),
        _ => peer.as_deref_mut().ok_or("no peer")?.round(HITS),
    })?;
    let [hit, parse, disk, memory, theirs @ ..] = &micros[..] else { return Err("not measured".into()) };
    let bytes = bench.text.len();
    let condition = format!("{load}; {bytes} bytes of Rust: read, hashed, found, decoded");
    let target = Target::RatioAtMost(0.01);
    harness.add(Measured::beside((HIT, &condition, "µs"), hit, ("parse and extract", parse), target));
    let condition = format!("{load}; {} bytes; the memory tier beside", bench.value.len());
    harness.add(Measured::beside((READ, &condition, "µs"), disk, ("ours in memory", memory), Target::None));
    if let [theirs] = theirs {
        let condition = format!("{load}; {} bytes", bench.value.len());
        let name = diskcache::NAME;
        let target = Target::RatioAtMost(1.0 / 3.0);
        harness.add(Measured::beside((READ, &condition, "µs"), disk, (name, theirs), target));
        let condition = format!("{load}; {} bytes; in memory", bench.value.len());
        harness.add(Measured::beside((READ, &condition, "µs"), memory, (name, theirs), Target::None));
    }
    Ok(())
}

/// How the file of the cache is opened by all that take part.
pub(super) fn open(file: &Path) -> Outcome<DiskCache> {
    Ok(DiskCache::open(file, OpenOptions::default())?)
}
