//! What the reading thread reads of the logs of agents: a page at a time, from the log and from the one before it,
//! which was put aside when it had grown large.

use std::fs::File;
use std::io;
use std::os::unix::fs::{FileExt as _, MetadataExt as _};
use std::path::{Path, PathBuf};

use crate::failure::Failure;
use crate::ui::screens::agents::{At, LogAsk, LogPage, LogRead, Position};

/// Bytes of a page, about.
const PAGE: u64 = 64 * 1024;

/// The log that is looked at, as it was when it was read.
#[derive(Debug)]
pub(super) struct Followed {
    pub(super) id: String,
    path: PathBuf,
    seen: Option<(u64, u64)>,
}

impl Followed {
    /// Whether something was written since, or another file has come into its place.
    pub(super) fn has_grown(&self) -> bool {
        stamp(&self.path) != self.seen
    }
}

/// Which file it is, and how large.
fn stamp(path: &Path) -> Option<(u64, u64)> {
    let found = std::fs::symlink_metadata(path).ok()?;
    Some((found.ino(), found.len()))
}

/// Both files as one text: the older one first.
struct Log {
    files: Vec<(u64, u64, File)>,
}

impl Log {
    fn open(paths: &[PathBuf]) -> io::Result<Self> {
        let mut files: Vec<(u64, u64, File)> = Vec::new();
        for path in paths {
            // What is no plain file is no log: reading from a pipe would wait for somebody to write.
            match std::fs::symlink_metadata(path) {
                Ok(found) if found.is_file() => {}
                Ok(_) => continue,
                Err(error) if error.kind() == io::ErrorKind::NotFound => continue,
                Err(error) => return Err(error),
            }
            let file = match File::open(path) {
                Ok(file) => file,
                Err(error) if error.kind() == io::ErrorKind::NotFound => continue,
                Err(error) => return Err(error),
            };
            let found = file.metadata()?;
            // Between the two it may have been put aside: it is read once.
            if !files.iter().any(|(known, ..)| *known == found.ino()) {
                files.push((found.ino(), found.len(), file));
            }
        }
        Ok(Self { files })
    }

    fn bytes(&self) -> u64 {
        self.files.iter().map(|(_, bytes, _)| bytes).sum()
    }

    /// How many bytes come before a place; of a file that is gone, none.
    fn place(&self, position: Position) -> u64 {
        let mut before = 0;
        for (file, bytes, _) in &self.files {
            if *file == position.file {
                return before + position.offset.min(*bytes);
            }
            before += bytes;
        }
        0
    }

    fn position(&self, place: u64) -> Position {
        let mut left = place;
        for (at, (file, bytes, _)) in self.files.iter().enumerate() {
            if left < *bytes || at + 1 == self.files.len() {
                return Position { file: *file, offset: left.min(*bytes) };
            }
            left -= bytes;
        }
        Position { file: 0, offset: 0 }
    }

    /// The bytes between two places; fewer where a file was cut off meanwhile.
    fn between(&self, begin: u64, end: u64) -> io::Result<Vec<u8>> {
        let mut text = Vec::new();
        let mut before = 0;
        for (_, bytes, file) in &self.files {
            let (from, to) = (begin.max(before), end.min(before + bytes));
            if from < to {
                let length = usize::try_from(to - from).unwrap_or(0);
                let mut part = vec![0; length];
                let mut filled = 0;
                while filled < length {
                    match file.read_at(&mut part[filled..], from - before + filled as u64) {
                        Ok(0) => break,
                        Ok(read) => filled += read,
                        Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                        Err(error) => return Err(error),
                    }
                }
                part.truncate(filled);
                text.extend(part);
            }
            before += bytes;
        }
        Ok(text)
    }

    /// The page that ends at a place: it begins with a line, but where a line is longer than a page.
    fn before(&self, end: u64) -> io::Result<(u64, Vec<u8>)> {
        let begin = end.saturating_sub(PAGE);
        let mut text = self.between(begin, end)?;
        if begin == 0 {
            return Ok((0, text));
        }
        let first = text.iter().position(|byte| *byte == b'\n').map_or(0, |at| at + 1);
        // A line feed that is the last byte ends the line that is too long.
        let first = if first >= text.len() { 0 } else { first };
        text.drain(..first);
        Ok((begin + first as u64, text))
    }

    /// The page that begins at a place: it ends with a line, but where a line is longer than a page, or at the end.
    fn after(&self, begin: u64) -> io::Result<(u64, Vec<u8>)> {
        let all = self.bytes();
        let end = begin.saturating_add(PAGE).min(all);
        let mut text = self.between(begin, end)?;
        if end < all
            && let Some(last) = text.iter().rposition(|byte| *byte == b'\n')
        {
            text.truncate(last + 1);
        }
        Ok((begin + text.len() as u64, text))
    }

    fn page(&self, begin: u64, end: u64, text: &[u8], line: Option<usize>) -> LogPage {
        LogPage {
            text: as_a_terminal_shows(&String::from_utf8_lossy(text)),
            begin: self.position(begin),
            end: self.position(end),
            at_start: begin == 0,
            at_end: end >= self.bytes(),
            line,
        }
    }

    fn read(&self, at: &At, is_old: &dyn Fn() -> bool) -> io::Result<Option<LogPage>> {
        let page = match at {
            At::Nothing => return Ok(None),
            At::End => {
                let end = self.bytes();
                let (begin, text) = self.before(end)?;
                self.page(begin, end, &text, None)
            }
            At::Start => {
                let (end, text) = self.after(0)?;
                self.page(0, end, &text, None)
            }
            At::Before(position) => {
                let end = self.place(*position);
                let (begin, text) = self.before(end)?;
                self.page(begin, end, &text, None)
            }
            At::After(position) => {
                let begin = self.place(*position);
                let (end, text) = self.after(begin)?;
                self.page(begin, end, &text, None)
            }
            At::FindBefore { needle, from } => {
                let mut end = self.place(*from);
                loop {
                    if end == 0 || is_old() {
                        return Ok(None);
                    }
                    let (begin, text) = self.before(end)?;
                    if let Some(line) = lines_with(&text, needle).next_back() {
                        break self.page(begin, end, &text, Some(line));
                    }
                    end = begin;
                }
            }
            At::FindAfter { needle, from } => {
                let mut begin = self.place(*from);
                loop {
                    let (end, text) = self.after(begin)?;
                    if text.is_empty() || is_old() {
                        return Ok(None);
                    }
                    if let Some(line) = lines_with(&text, needle).next() {
                        break self.page(begin, end, &text, Some(line));
                    }
                    begin = end;
                }
            }
        };
        Ok(Some(page))
    }
}

/// Of lines that were written over, such as those that tell of progress, what was written last.
fn as_a_terminal_shows(text: &str) -> String {
    if !text.contains('\r') {
        return text.to_owned();
    }
    let last = |line: &str| {
        let line = line.trim_end_matches('\r');
        line.rsplit('\r').next().unwrap_or_default().to_owned()
    };
    text.split('\n').map(last).collect::<Vec<_>>().join("\n")
}

/// The numbers of the lines that have the text, letter case aside.
fn lines_with(text: &[u8], needle: &str) -> impl DoubleEndedIterator<Item = usize> + use<> {
    let needle = needle.to_lowercase();
    let text = String::from_utf8_lossy(text);
    let found = text.split('\n').enumerate().filter(|(_, line)| line.to_lowercase().contains(&needle));
    found.map(|(at, _)| at).collect::<Vec<_>>().into_iter()
}

/// Reads a part of the log of an agent, and begins to look at it. A search ends as soon as its answer is `is_old`.
pub(super) fn read(
    state_dir: &Path,
    asked: LogAsk,
    is_old: &dyn Fn() -> bool,
) -> (Result<LogRead, Failure>, Option<Followed>) {
    // An id that leads out of the folder is none that a log was ever made for.
    if asked.id.is_empty() || asked.id.contains(['/', '\0']) {
        return (Ok(LogRead { asked, bytes: None, page: None }), None);
    }
    let [older, path] = paths(state_dir, &asked.id);
    let followed = Followed { id: asked.id.clone(), seen: stamp(&path), path: path.clone() };
    let read = || {
        let log = Log::open(&[older, path.clone()])?;
        if log.files.is_empty() {
            return Ok((None, None));
        }
        Ok((Some(log.bytes()), log.read(&asked.at, is_old)?))
    };
    let read = match read() {
        Ok((bytes, page)) => Ok(LogRead { asked, bytes, page }),
        Err(error) => Err(Failure::io(format!("read {}", path.display()), &error)),
    };
    (read, Some(followed))
}

/// The log before, and the log.
fn paths(state_dir: &Path, id: &str) -> [PathBuf; 2] {
    let folder = state_dir.join("agents");
    [folder.join(format!("{id}.log.1")), folder.join(format!("{id}.log"))]
}

#[cfg(test)]
mod tests;
