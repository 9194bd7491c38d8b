//! What a lookup says, with and without a cache.

use std::fs;
use std::path::{Path, PathBuf};

use conclave_db::ErrorKind;
use tempfile::TempDir;

use super::{CacheStatus, Looked, Lookup};
use crate::cache::{Cache, Found, Put, Stats};
use crate::disk::{DiskCache, OpenOptions};
use crate::error::{CacheError, Result};
use crate::key::CacheKey;
use crate::limits::CacheLimits;
use crate::memory::MemoryCache;
use crate::symbols::MAX_SOURCE;

fn memory() -> MemoryCache {
    MemoryCache::new(CacheLimits::default())
}

fn written(folder: &TempDir, name: &str, source: &[u8]) -> PathBuf {
    let path = folder.path().join(name);
    fs::write(&path, source).unwrap();
    path
}

/// How it went, and the names of the symbols.
fn names(lookup: &Lookup<'_>, path: &Path) -> (Looked, Vec<String>) {
    let mut names = Vec::new();
    let mut calls = 0;
    let looked = lookup.file(path, &mut |view| {
        calls += 1;
        names = view.iter().map(|symbol| symbol.name.to_owned()).collect();
    });
    assert_eq!(calls, usize::from(looked.usable), "{looked:?}");
    (looked, names)
}

#[track_caller]
fn check(lookup: &Lookup<'_>, path: &Path, status: CacheStatus, wanted: &[&str]) {
    let (looked, names) = names(lookup, path);
    assert_eq!(
        (looked.status, &names[..]),
        (status, &wanted.iter().map(ToString::to_string).collect::<Vec<_>>()[..])
    );
    assert_eq!(looked.cached, status == CacheStatus::Hit);
}

#[cfg(feature = "rust")]
#[test]
fn what_was_parsed_once_is_a_hit_until_it_changes() {
    let folder = tempfile::tempdir().unwrap();
    let disk = DiskCache::open(&folder.path().join("cache.db"), OpenOptions::default()).unwrap();
    for cache in [&memory() as &dyn Cache, &disk] {
        let path = written(&folder, "a.rs", b"fn one() {}\nstruct Two;\n");
        let lookup = Lookup::new(Some(cache), folder.path());
        check(&lookup, &path, CacheStatus::Miss, &["one", "Two"]);
        check(&lookup, &path, CacheStatus::Hit, &["one", "Two"]);
        written(&folder, "a.rs", b"fn uno() {}\nstruct Two;\n");
        check(&lookup, &path, CacheStatus::Stale, &["uno", "Two"]);
        check(&lookup, &path, CacheStatus::Hit, &["uno", "Two"]);
        // What it was before is there, too.
        written(&folder, "a.rs", b"fn one() {}\nstruct Two;\n");
        check(&lookup, &path, CacheStatus::Hit, &["one", "Two"]);
        let stats = cache.stats().unwrap();
        assert_eq!((stats.entries, stats.hits, stats.misses, stats.stale), (2, 3, 1, 1));
    }
}

/// Every lookup reads the file: neither its size nor its time nor its inode say that it is the same.
#[cfg(feature = "rust")]
#[test]
fn what_was_rewritten_with_the_same_size_time_and_inode_is_stale() {
    use std::os::unix::fs::MetadataExt as _;
    let folder = tempfile::tempdir().unwrap();
    let path = written(&folder, "a.rs", b"fn one() {}\n");
    let identity = || {
        let found = path.metadata().unwrap();
        (found.ino(), found.len(), found.modified().unwrap())
    };
    let before = identity();
    let cache = memory();
    let lookup = Lookup::new(Some(&cache), folder.path());
    check(&lookup, &path, CacheStatus::Miss, &["one"]);
    written(&folder, "a.rs", b"fn uno() {}\n");
    fs::File::options().write(true).open(&path).unwrap().set_modified(before.2).unwrap();
    assert_eq!(identity(), before);
    check(&lookup, &path, CacheStatus::Stale, &["uno"]);
}

#[cfg(feature = "rust")]
#[test]
fn the_same_file_by_another_way_is_the_same_subject() {
    let folder = tempfile::tempdir().unwrap();
    let path = written(&folder, "a.rs", b"fn one() {}\n");
    fs::create_dir(folder.path().join("below")).unwrap();
    let cache = memory();
    let lookup = Lookup::new(Some(&cache), folder.path());
    check(&lookup, &path, CacheStatus::Miss, &["one"]);
    check(&lookup, &folder.path().join("below/../././a.rs"), CacheStatus::Hit, &["one"]);
    // Below another root it is another file; the content alone is no subject.
    let other = written(&folder, "b.rs", b"fn one() {}\n");
    check(&lookup, &other, CacheStatus::Miss, &["one"]);
}

// cache C15
#[cfg(feature = "python")]
#[test]
fn a_syntax_error_is_said_every_time() {
    let folder = tempfile::tempdir().unwrap();
    let path = written(&folder, "bad.py", b"def ok(): pass\ndef x(:\n");
    let cache = memory();
    let lookup = Lookup::new(Some(&cache), folder.path());
    let (first, names_first) = names(&lookup, &path);
    assert_eq!((first.status, first.cached, first.usable), (CacheStatus::Error, false, true));
    assert_eq!(first.error.as_deref(), Some("line 2, column 7: \")\" is missing"));
    let (second, names_second) = names(&lookup, &path);
    assert_eq!(second, Looked { cached: true, ..first });
    assert_eq!((&names_first, names_first.first().map(String::as_str)), (&names_second, Some("ok")));
}

// cache C17
#[cfg(feature = "rust")]
#[test]
fn no_name_is_too_strange() {
    let folder = tempfile::tempdir().unwrap();
    let cache = memory();
    let lookup = Lookup::new(Some(&cache), folder.path());
    let long = ["d".repeat(200), "e".repeat(200)].join("/");
    fs::create_dir_all(folder.path().join(&long)).unwrap();
    let names =
        ["a:b.rs", "a.rs", "C:\\x\\y.rs", " .rs", "a b .rs", "a\nb.rs", "é.rs", &format!("{long}/f.rs")];
    for name in names {
        let path = written(&folder, name, b"fn one() {}\n");
        check(&lookup, &path, CacheStatus::Miss, &["one"]);
        check(&lookup, &path, CacheStatus::Hit, &["one"]);
    }
    assert_eq!(cache.stats().unwrap().entries, names.len() as u64);
    // The same name in another form of Unicode.
    check(&lookup, &written(&folder, "e\u{301}.rs", b"fn one() {}\n"), CacheStatus::Hit, &["one"]);
}

#[test]
fn what_there_is_nothing_to_be_had_of_is_told() {
    let folder = tempfile::tempdir().unwrap();
    let cache = memory();
    let lookup = Lookup::new(Some(&cache), folder.path());
    fs::create_dir(folder.path().join("folder.rs")).unwrap();
    written(&folder, "large.rs", &vec![b'\n'; MAX_SOURCE + 1]);
    written(&folder, "plain.txt", b"fn one() {}\n");
    for (name, why) in [
        ("missing.rs", "cannot be read: No such file"),
        ("folder.rs", "is no regular file"),
        ("large.rs", "is larger than 4 MiB"),
        (".", "is a folder: name its files"),
        ("plain.txt", "its language is not known"),
        ("none", "its language is not known"),
    ] {
        let (looked, _) = names(&lookup, &folder.path().join(name));
        assert_eq!(
            (looked.status, looked.cached, looked.usable),
            (CacheStatus::Error, false, false),
            "{name}"
        );
        let error = looked.error.unwrap();
        let is_missing_grammar = !cfg!(feature = "rust") && error.starts_with("built without");
        assert!(error.starts_with(why) || is_missing_grammar, "{name}: {error}");
    }
    assert_eq!(cache.stats().unwrap().misses, 0, "the cache is not asked");
}

/// A cache whose every use fails, and how often it was used.
#[derive(Debug, Default)]
struct Broken {
    used: std::sync::atomic::AtomicU32,
    holds: Option<&'static [u8]>,
}

impl Broken {
    fn fails<T>(&self) -> Result<T> {
        self.used.fetch_add(1, std::sync::atomic::Ordering::Relaxed);
        Err(CacheError::Storage(conclave_db::DbError::file(ErrorKind::Io, Path::new("cache.db"), "is gone")))
    }
}

impl Cache for Broken {
    fn get(&self, _: &CacheKey, read: &mut dyn FnMut(&[u8])) -> Result<Found> {
        match self.holds {
            Some(value) => {
                read(value);
                Ok(Found::Hit)
            }
            None => self.fails(),
        }
    }

    fn put(&self, _: &CacheKey, _: &[u8]) -> Result<Put> {
        self.fails()
    }

    fn delete(&self, _: &CacheKey) -> Result<bool> {
        self.fails()
    }

    fn clear(&self) -> Result<u64> {
        self.fails()
    }

    fn stats(&self) -> Result<Stats> {
        self.fails()
    }

    fn reset_stats(&self) -> Result<()> {
        self.fails()
    }

    fn flush(&self) -> Result<()> {
        self.fails()
    }
}

#[cfg(feature = "rust")]
#[test]
fn a_cache_that_fails_is_gone_around_and_asked_once() {
    let folder = tempfile::tempdir().unwrap();
    let path = written(&folder, "a.rs", b"fn one() {}\n");
    let broken = Broken::default();
    let lookup = Lookup::new(Some(&broken), folder.path());
    assert!(lookup.failure().is_none());
    check(&lookup, &path, CacheStatus::Bypass, &["one"]);
    check(&lookup, &path, CacheStatus::Bypass, &["one"]);
    assert_eq!(broken.used.into_inner(), 1);
    check(&Lookup::new(None, folder.path()), &path, CacheStatus::Bypass, &["one"]);
}

#[cfg(feature = "rust")]
#[test]
fn a_value_that_is_none_of_ours_is_parsed_anew() {
    let folder = tempfile::tempdir().unwrap();
    let path = written(&folder, "a.rs", b"fn one() {}\n");
    let strange = Broken { holds: Some(b"{bad"), ..Broken::default() };
    let lookup = Lookup::new(Some(&strange), folder.path());
    check(&lookup, &path, CacheStatus::Bypass, &["one"]);
    assert!(lookup.failure().is_some(), "it could not be put in its place");
    check(&lookup, &path, CacheStatus::Bypass, &["one"]);
}

/// A cache that cannot be written, such as one on a disk that is full.
#[derive(Debug)]
struct Unwritable {
    holds: MemoryCache,
    puts: std::sync::atomic::AtomicU32,
}

impl Cache for Unwritable {
    fn get(&self, key: &CacheKey, read: &mut dyn FnMut(&[u8])) -> Result<Found> {
        self.holds.get(key, read)
    }

    fn put(&self, _: &CacheKey, _: &[u8]) -> Result<Put> {
        self.puts.fetch_add(1, std::sync::atomic::Ordering::Relaxed);
        Broken::default().fails()
    }

    fn delete(&self, key: &CacheKey) -> Result<bool> {
        self.holds.delete(key)
    }

    fn clear(&self) -> Result<u64> {
        self.holds.clear()
    }

    fn stats(&self) -> Result<Stats> {
        self.holds.stats()
    }

    fn reset_stats(&self) -> Result<()> {
        self.holds.reset_stats()
    }

    fn flush(&self) -> Result<()> {
        self.holds.flush()
    }
}

// cache C22
#[cfg(feature = "rust")]
#[test]
fn a_cache_that_cannot_be_written_is_read() {
    let folder = tempfile::tempdir().unwrap();
    let (a, b) = (written(&folder, "a.rs", b"fn a() {}\n"), written(&folder, "b.rs", b"fn b() {}\n"));
    let holds = memory();
    check(&Lookup::new(Some(&holds), folder.path()), &a, CacheStatus::Miss, &["a"]);
    let cache = Unwritable { holds, puts: 0.into() };
    let lookup = Lookup::new(Some(&cache), folder.path());
    for _ in 0..2 {
        check(&lookup, &b, CacheStatus::Bypass, &["b"]);
        check(&lookup, &a, CacheStatus::Hit, &["a"]);
    }
    assert!(lookup.unwritten().is_some());
    assert_eq!(cache.puts.into_inner(), 1, "each further one might wait as long as the first");
}

#[cfg(feature = "rust")]
#[test]
fn what_is_larger_than_the_cache_is_told() {
    let folder = tempfile::tempdir().unwrap();
    let path = written(&folder, "a.rs", b"fn one() {}\n");
    let cache = MemoryCache::new(CacheLimits::new(10, 20).unwrap());
    let lookup = Lookup::new(Some(&cache), folder.path());
    check(&lookup, &path, CacheStatus::Bypass, &["one"]);
    assert_eq!((lookup.too_large(), lookup.failure().is_none()), (1, true));
}

/// What took too long may go well the next time: nothing of it is kept.
#[cfg(feature = "rust")]
#[test]
fn what_was_not_parsed_in_time_is_not_kept() {
    let folder = tempfile::tempdir().unwrap();
    let path = written(&folder, "a.rs", "fn one() {}\n".repeat(1_000).as_bytes());
    let cache = memory();
    // Time flies whenever somebody looks.
    let fast = std::sync::Arc::new(crate::symbols::Fast::default());
    let (looked, _) = names(&Lookup::new(Some(&cache), folder.path()).clock(fast), &path);
    assert_eq!((looked.status, looked.cached, looked.usable), (CacheStatus::Error, false, false));
    assert_eq!(looked.error.as_deref(), Some("the parser did not get through it within 3 s: given up"));
    assert_eq!(cache.stats().unwrap().entries, 0);
    let (looked, found) = names(&Lookup::new(Some(&cache), folder.path()), &path);
    assert_eq!((looked.status, found.len()), (CacheStatus::Miss, 1_000));
}

/// Such as a pipe, or what the kernel makes up while it is read.
#[cfg(feature = "rust")]
#[test]
fn a_file_that_gives_nothing_is_not_waited_for() {
    let folder = tempfile::tempdir().unwrap();
    let lookup = Lookup::new(None, folder.path());
    let pipe = folder.path().join("pipe.rs");
    rustix::fs::mknodat(
        rustix::fs::CWD,
        &pipe,
        rustix::fs::FileType::Fifo,
        rustix::fs::Mode::from_raw_mode(0o600),
        0,
    )
    .unwrap();
    let (looked, _) = names(&lookup, &pipe);
    assert_eq!(looked.error.as_deref(), Some("is no regular file"));
    // Nothing may be there to be read, or nobody may: never does it wait.
    let endless = folder.path().join("endless.rs");
    std::os::unix::fs::symlink("/proc/kmsg", &endless).unwrap();
    let _ = names(&lookup, &endless);
}
