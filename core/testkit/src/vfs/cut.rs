//! What a power loss leaves of a recording.

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::Arc;

use super::recording::{Event, Recording};
use crate::random::Random;

/// What a power cut has left, and when it came.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PowerCut {
    /// How many events came before it.
    pub at: usize,
    /// The marks before it, in order.
    pub marks: Vec<String>,
    /// Operations that were not durable and are gone, in part or as a whole.
    pub lost: usize,
    /// The part of them that is half there.
    pub torn: usize,
}

impl Recording {
    /// Cuts at a point that follows from the seed, as does what is lost; writes the files into this folder.
    pub fn cut(&self, seed: u64, into: &Path) -> PowerCut {
        let at = Random::new(seed).below(self.len() as u64 + 1);
        self.cut_at(usize::try_from(at).expect("an index"), seed, into)
    }

    /// Cuts after so many events.
    pub fn cut_at(&self, at: usize, seed: u64, into: &Path) -> PowerCut {
        assert!(self.is_whole(), "too much was written to be recorded: cut a smaller workload");
        let mut loss = Loss::new(seed);
        let (mut folder, mut marks) = (Folder::default(), Vec::new());
        for event in &self.events[..at] {
            match event {
                Event::Mark(text) => marks.push(text.to_string()),
                event => folder.follow(event, &mut loss),
            }
        }
        // What SQLite found there later lay there already.
        for event in &self.events[at..] {
            if matches!(event, Event::Found { name, .. } if !folder.names.contains_key(name)) {
                folder.follow(event, &mut loss);
            }
        }
        folder.lose_power(&mut loss, into);
        PowerCut { at, marks, lost: loss.lost, torn: loss.torn }
    }
}

/// The durable content of a file, and what was done to it since.
#[derive(Debug, Default)]
struct File<'run> {
    durable: Vec<u8>,
    pending: Vec<&'run Event>,
}

/// The file that a name durably means, and what it was made to mean since; `None` for none.
#[derive(Debug, Default)]
struct Name {
    durable: Option<usize>,
    pending: Vec<Option<usize>>,
}

#[derive(Debug, Default)]
struct Folder<'run> {
    files: Vec<File<'run>>,
    names: BTreeMap<Arc<str>, Name>,
}

impl<'run> Folder<'run> {
    fn follow(&mut self, event: &'run Event, loss: &mut Loss) {
        match event {
            Event::Found { file, name, bytes } => {
                self.file(*file).durable.clone_from(bytes);
                *self.names.entry(Arc::clone(name)).or_default() =
                    Name { durable: Some(*file), pending: Vec::new() };
            }
            Event::Created { file, name } => {
                self.file(*file);
                self.names.entry(Arc::clone(name)).or_default().pending.push(Some(*file));
            }
            Event::Deleted { name } => {
                self.names.entry(Arc::clone(name)).or_default().pending.push(None);
            }
            Event::Write { file, .. } | Event::Truncate { file, .. } => self.file(*file).pending.push(event),
            Event::Sync { file, folder } => {
                self.file(*file).sync();
                if *folder {
                    self.sync();
                }
            }
            Event::SyncFailed { file } => self.file(*file).lose(loss),
            Event::FolderSync => self.sync(),
            Event::Mark(_) => {}
        }
    }

    fn file(&mut self, number: usize) -> &mut File<'run> {
        if self.files.len() <= number {
            self.files.resize_with(number + 1, File::default);
        }
        &mut self.files[number]
    }

    fn sync(&mut self) {
        for name in self.names.values_mut() {
            if let Some(last) = name.pending.drain(..).next_back() {
                name.durable = last;
            }
        }
    }

    fn lose_power(&mut self, loss: &mut Loss, into: &Path) {
        for file in &mut self.files {
            file.lose(loss);
        }
        for (name, state) in &self.names {
            // What happened to one name stays in order.
            let kept = loss.prefix(state.pending.len());
            loss.lost += state.pending.len() - kept;
            let means = if kept == 0 { state.durable } else { state.pending[kept - 1] };
            if let Some(file) = means {
                std::fs::write(into.join(&**name), &self.files[file].durable).expect("a file of the image");
            }
        }
    }
}

impl File<'_> {
    fn sync(&mut self) {
        for event in std::mem::take(&mut self.pending) {
            self.apply(event, |_| Sector::Kept);
        }
    }

    /// Each of the operations since the last sync for itself.
    fn lose(&mut self, loss: &mut Loss) {
        for event in std::mem::take(&mut self.pending) {
            match loss.fate() {
                Fate::Kept => self.apply(event, |_| Sector::Kept),
                Fate::Lost => loss.lost += 1,
                Fate::Torn => {
                    if matches!(event, Event::Write { .. }) {
                        loss.torn += 1;
                    }
                    loss.lost += 1;
                    let size = loss.sector_size;
                    let mut sectors = Sectors { random: loss.random.clone(), known: None };
                    self.apply(event, |place| sectors.of(place / size));
                    loss.random = sectors.random;
                }
            }
        }
    }

    /// Does the operation, each byte as its sector says.
    fn apply(&mut self, event: &Event, mut sector: impl FnMut(usize) -> Sector) {
        match event {
            Event::Write { at, bytes, .. } => {
                // The sectors of a write are those of the file; 512 divides all of their sizes.
                let mut place = *at;
                let end = at + bytes.len();
                while place < end {
                    let next = ((place / SMALLEST + 1) * SMALLEST).min(end);
                    let found = sector(place);
                    if found != Sector::Lost {
                        if self.durable.len() < next {
                            self.durable.resize(next, 0);
                        }
                        let into = &mut self.durable[place..next];
                        match found {
                            Sector::Garbage(byte) => into.fill(byte),
                            _ => into.copy_from_slice(&bytes[place - at..next - at]),
                        }
                    }
                    place = next;
                }
            }
            Event::Truncate { size, .. } if sector(0) == Sector::Kept => self.durable.truncate(*size),
            _ => {}
        }
    }
}

const SMALLEST: usize = 512;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Fate {
    Kept,
    Lost,
    Torn,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Sector {
    Kept,
    Lost,
    /// It was being written when the power went.
    Garbage(u8),
}

/// The sectors of one write, in order.
struct Sectors {
    random: Random,
    known: Option<(usize, Sector)>,
}

impl Sectors {
    fn of(&mut self, number: usize) -> Sector {
        if let Some((_, sector)) = self.known.filter(|(known, _)| *known == number) {
            return sector;
        }
        let sector = match self.random.below(16) {
            0 => Sector::Garbage(u8::try_from(self.random.below(256)).unwrap_or(0)),
            chance if chance < 8 => Sector::Lost,
            _ => Sector::Kept,
        };
        self.known = Some((number, sector));
        sector
    }
}

/// How much is lost, drawn once per cut, and what was.
#[derive(Debug)]
struct Loss {
    random: Random,
    /// Of 16 operations that are not durable, so many are kept …
    kept: u64,
    /// … and so many lost; the others are torn.
    gone: u64,
    sector_size: usize,
    lost: usize,
    torn: usize,
}

impl Loss {
    fn new(seed: u64) -> Self {
        // Not the numbers that chose the moment.
        let mut random = Random::new(seed ^ 0x5EC7_0125_5EC7_0125);
        // Disks that lose all, nothing, single writes, or tear much: each shows something else.
        let (kept, gone) = [(0, 16), (16, 0), (8, 8), (14, 1), (5, 5), (0, 0)]
            [usize::try_from(random.below(6)).unwrap_or(0)];
        let sector_size = if random.below(2) == 0 { SMALLEST } else { 4096 };
        Self { random, kept, gone, sector_size, lost: 0, torn: 0 }
    }

    fn fate(&mut self) -> Fate {
        match self.random.below(16) {
            chance if chance < self.kept => Fate::Kept,
            chance if chance < self.kept + self.gone => Fate::Lost,
            _ => Fate::Torn,
        }
    }

    /// How many of so many changes of one name are kept.
    fn prefix(&mut self, changes: usize) -> usize {
        match (self.kept, self.gone) {
            (16, _) => changes,
            (_, 16) => 0,
            _ => usize::try_from(self.random.below(changes as u64 + 1)).unwrap_or(0),
        }
    }
}
