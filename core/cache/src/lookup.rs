//! Symbols of files through a cache.

use std::fs::OpenOptions;
use std::io::Read as _;
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::{Component, Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, OnceLock};

use conclave_retry::{Clock, SystemClock};
use rustix::fs::OFlags;

use crate::cache::{Cache, Found, Put};
use crate::codec::{SymbolsView, encode};
use crate::error::CacheError;
use crate::key::CacheKey;
use crate::symbols::{Language, MAX_SOURCE, NotParsed, extract, maker};

/// How a lookup went, in truth.
#[derive(Debug, Clone, Copy, PartialEq, Eq, serde::Serialize)]
#[serde(rename_all = "lowercase")]
pub enum CacheStatus {
    /// From the cache.
    Hit,
    /// Parsed, and put into the cache; nothing was known of this file.
    Miss,
    /// Parsed, and put into the cache; the file had other content before, or the parser is another.
    Stale,
    /// Parsed without the cache, or not put into it: what comes next will have to parse it again.
    Bypass,
    /// There are no symbols, or not all: a syntax error, an unknown language, a file that cannot be read.
    Error,
}

impl CacheStatus {
    /// Its name, as in JSON.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Hit => "hit",
            Self::Miss => "miss",
            Self::Stale => "stale",
            Self::Bypass => "bypass",
            Self::Error => "error",
        }
    }
}

/// What a lookup gave.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Looked {
    /// The language, where it is known.
    pub language: Option<Language>,
    /// How it went.
    pub status: CacheStatus,
    /// What was found came from the cache.
    pub cached: bool,
    /// A syntax error, or why there is nothing.
    pub error: Option<String>,
    /// The file itself could be read and parsed (a syntax error does not count): exit 0.
    pub usable: bool,
}

impl Looked {
    /// There is nothing to be had of this file.
    fn nothing(language: Option<Language>, why: String) -> Self {
        Self { language, status: CacheStatus::Error, cached: false, error: Some(why), usable: false }
    }

    /// There are symbols; a syntax error is said every time, and is never a plain hit.
    fn symbols(language: Language, status: CacheStatus, syntax_error: Option<String>) -> Self {
        let cached = status == CacheStatus::Hit;
        let status = if syntax_error.is_some() { CacheStatus::Error } else { status };
        Self { language: Some(language), status, cached, error: syntax_error, usable: true }
    }
}

/// Looks symbols up. A cache that fails is gone around: the symbols do not depend on it.
#[derive(Debug)]
pub struct Lookup<'c> {
    cache: Option<&'c dyn Cache>,
    root: PathBuf,
    clock: Arc<dyn Clock>,
    /// Why the cache is not read any more: each further failure might take as long as the first.
    unread: OnceLock<CacheError>,
    /// Why nothing is put into it any more. What is there is still read.
    unwritten: OnceLock<CacheError>,
    too_large: AtomicU64,
}

impl<'c> Lookup<'c> {
    /// Files are named in keys by their path below `root`. Without a cache everything is parsed.
    pub fn new(cache: Option<&'c dyn Cache>, root: &Path) -> Self {
        Self {
            cache,
            root: root.to_path_buf(),
            clock: Arc::new(SystemClock),
            unread: OnceLock::new(),
            unwritten: OnceLock::new(),
            too_large: AtomicU64::new(0),
        }
    }

    /// The same, and `clock` says when the parser has had its time.
    #[must_use]
    pub fn clock(self, clock: Arc<dyn Clock>) -> Self {
        Self { clock, ..self }
    }

    /// The failure after which the cache was not read any more, or nothing more was put into it.
    pub fn failure(&self) -> Option<&CacheError> {
        self.unread.get().or_else(|| self.unwritten.get())
    }

    /// The failure after which the cache was read, and nothing more was put into it.
    pub fn unwritten(&self) -> Option<&CacheError> {
        self.unwritten.get().filter(|_| self.unread.get().is_none())
    }

    /// Files whose symbols were not kept, since they are larger than the whole cache may be.
    pub fn too_large(&self) -> u64 {
        self.too_large.load(Ordering::Relaxed)
    }

    /// Reads the file, hashes it, and gives its symbols to `read`, in place: from the cache, or parsed and put there.
    /// `read` is called once, or not at all where the file is not [`usable`](Looked::usable). A relative path is one of the
    /// current folder.
    pub fn file(&self, path: &Path, read: &mut dyn FnMut(SymbolsView<'_>)) -> Looked {
        let Some(language) = Language::of(path) else {
            let is_folder = path.is_dir();
            let why = if is_folder {
                "is a folder: name its files"
            } else {
                "its language is not known by its ending"
            };
            return Looked::nothing(None, why.to_owned());
        };
        if !language.is_built_in() {
            let (name, feature) = (language.as_str(), language.feature());
            let why = format!("built without the grammar of {name} (Cargo feature `{feature}`)");
            return Looked::nothing(Some(language), why);
        }
        let source = match source(path) {
            Ok(source) => source,
            Err(why) => return Looked::nothing(Some(language), why),
        };
        let key =
            || CacheKey::symbols(&self.subject(path), blake3::hash(&source).as_bytes(), maker(language));
        let asked = self.cache.filter(|_| self.unread.get().is_none()).map(|cache| (cache, key()));
        let mut status = CacheStatus::Bypass;
        if let Some((cache, key)) = &asked {
            let mut syntax_error = None;
            let mut is_read = false;
            let found = cache.get(key, &mut |value| {
                // Bytes that are not ours were put there by somebody else: they are replaced, as an entry that is damaged.
                if let Some(view) = SymbolsView::read(value).filter(|_| !is_read) {
                    syntax_error = view.syntax_error().map(str::to_owned);
                    is_read = true;
                    read(view);
                }
            });
            if is_read {
                return Looked::symbols(language, CacheStatus::Hit, syntax_error);
            }
            status = match found {
                Ok(Found::Hit | Found::Miss) => CacheStatus::Miss,
                Ok(Found::Stale) => CacheStatus::Stale,
                Err(error) => {
                    let _ = self.unread.set(error);
                    CacheStatus::Bypass
                }
            };
        }
        let extracted = match extract(language, &source, &*self.clock) {
            Ok(extracted) => extracted,
            Err(why) => return Looked::nothing(Some(language), why.to_string()),
        };
        let value = encode(&extracted);
        if let Some((cache, key)) = asked.filter(|_| status != CacheStatus::Bypass)
            && !self.is_kept(cache, &key, &value)
        {
            status = CacheStatus::Bypass;
        }
        if let Some(view) = SymbolsView::read(&value) {
            read(view);
        }
        Looked::symbols(language, status, extracted.syntax_error)
    }

    /// Puts a value into the cache; whether it is there.
    fn is_kept(&self, cache: &dyn Cache, key: &CacheKey, value: &[u8]) -> bool {
        if self.unwritten.get().is_some() {
            return false;
        }
        match cache.put(key, value) {
            Ok(Put::Stored { .. }) => true,
            Ok(Put::TooLarge) => {
                self.too_large.fetch_add(1, Ordering::Relaxed);
                false
            }
            Err(error) => {
                let _ = self.unwritten.set(error);
                false
            }
        }
    }

    /// The path below the root, without `.` and `..`: what an entry is about. Only staleness depends on it, so links are
    /// not followed.
    fn subject(&self, path: &Path) -> PathBuf {
        let mut plain = PathBuf::new();
        for part in path.components() {
            match part {
                Component::CurDir => {}
                Component::ParentDir
                    if matches!(plain.components().next_back(), Some(Component::Normal(_))) =>
                {
                    plain.pop();
                }
                part => plain.push(part),
            }
        }
        match plain.strip_prefix(&self.root) {
            Ok(below) => below.to_path_buf(),
            Err(_) => plain,
        }
    }
}

/// The file as a whole; of one that is no regular file, or too large to be parsed, why not.
fn source(path: &Path) -> Result<Vec<u8>, String> {
    let unreadable = |error: std::io::Error| format!("cannot be read: {error}");
    // Neither opening nor reading waits for somebody, whatever the name stands for: a pipe, or a file that the kernel makes
    // up while it is read.
    let flags = OFlags::NONBLOCK.bits().cast_signed();
    let file = OpenOptions::new().read(true).custom_flags(flags).open(path).map_err(unreadable)?;
    let found = file.metadata().map_err(unreadable)?;
    if !found.is_file() {
        return Err("is no regular file".to_owned());
    }
    let most = MAX_SOURCE as u64;
    let room = usize::try_from(found.len().min(most)).unwrap_or_default();
    // One byte more than it has, so that its end is seen without making room again.
    let mut bytes = Vec::with_capacity(room + 1);
    file.take(most + 1).read_to_end(&mut bytes).map_err(unreadable)?;
    if bytes.len() > MAX_SOURCE {
        return Err(NotParsed::TooLarge.to_string());
    }
    Ok(bytes)
}

#[cfg(test)]
mod tests;
