//! What the tests share: a spool on a disk of endless room, lines, and what stands in files.

use std::io::Read;
use std::path::Path;
use std::sync::Arc;

use conclave_spool::{Disk, MonitorName, Monitors, Spool, SpoolOptions};
use conclave_testkit::Random;

#[derive(Debug)]
struct Endless;

impl Disk for Endless {
    fn room(&self, _: &Path) -> std::io::Result<(u64, u64)> {
        Ok((1 << 40, 1 << 41))
    }
}

pub(crate) fn spool(root: &Path, options: SpoolOptions) -> Spool {
    Spool::at(root, options).disk(Arc::new(Endless)).build()
}

pub(crate) fn keyboard() -> MonitorName {
    Monitors::default().find("keyboard").unwrap()
}

/// So many words of 16 hexadecimal digits.
pub(crate) fn noise(random: &mut Random, words: usize) -> String {
    (0..words).fold(String::new(), |noise, _| format!("{noise}{:016x}", random.number()))
}

/// A line that does not compress to less than half. Of one number it is always the same.
pub(crate) fn line(number: u64) -> String {
    let mut random = Random::new(number);
    let noise = noise(&mut random, 6);
    format!("{{\"id\":\"{number}\",\"noise\":\"{noise}\"}}")
}

/// All lines of the finalised segments of the keyboard, in the order of their names; each file ends as it should.
pub(crate) fn lines(spool: &Spool) -> Vec<String> {
    let folder = spool.layout().monitor(&keyboard());
    let mut files: Vec<(conclave_spool::SegmentName, std::path::PathBuf)> = std::fs::read_dir(folder)
        .unwrap()
        .filter_map(|entry| {
            let entry = entry.unwrap();
            Some((conclave_spool::SegmentName::parse(entry.file_name().to_str()?)?, entry.path()))
        })
        .collect();
    files.sort();
    let mut text = String::new();
    for (_, path) in files {
        let file = std::fs::File::open(path).unwrap();
        flate2::read::MultiGzDecoder::new(file).read_to_string(&mut text).unwrap();
    }
    text.lines().map(str::to_owned).collect()
}

/// The lines with the numbers from 0 on.
pub(crate) fn first(count: u64) -> Vec<String> {
    (0..count).map(line).collect()
}

/// The `.part` files of the keyboard.
pub(crate) fn parts(spool: &Spool) -> Vec<String> {
    std::fs::read_dir(spool.layout().monitor(&keyboard()))
        .unwrap()
        .map(|entry| entry.unwrap().file_name().into_string().unwrap())
        .filter(|name| name.strip_suffix(".part").is_some())
        .collect()
}
