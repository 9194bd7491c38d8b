//! The names of segments: `YYYYMMDD-HH[-NNN][_recovered[-N]].ndjson.gz`, and what order they are in.

/// An hour of UTC: whole hours since 1970.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Hour(pub i64);

impl Hour {
    /// The hour of a time in milliseconds since 1970.
    pub const fn of_ms(ms: i64) -> Self {
        Self(ms.div_euclid(3_600_000))
    }
}

impl std::fmt::Display for Hour {
    /// `YYYYMMDD-HH`.
    fn fmt(&self, _: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        todo!("s1")
    }
}

/// The name of a finalised segment, taken apart. Ordered by hour, then sequence (the base name is 0), then what was
/// recovered: as the events came. Lexical order is another one.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct SegmentName {
    hour: Hour,
    sequence: u32,
    /// The n-th that was recovered of it; `None` for one that was finalised as usual.
    recovered: Option<u32>,
}

impl SegmentName {
    /// A name.
    pub const fn new(hour: Hour, sequence: u32) -> Self {
        Self { hour, sequence, recovered: None }
    }

    /// The same, recovered for the n-th time (from 0, which has no number in the name).
    pub fn recovered(&self, number: u32) -> Self {
        Self { recovered: Some(number), ..self.clone() }
    }

    /// Reads the name of a file; `None` where it is none of ours or the original's (such files are imported after all
    /// others, by their text).
    pub fn parse(file: &str) -> Option<Self> {
        let _ = file;
        todo!("s1")
    }

    /// The hour.
    pub const fn hour(&self) -> Hour {
        self.hour
    }

    /// The sequence within the hour; the base name is 0.
    pub const fn sequence(&self) -> u32 {
        self.sequence
    }

    /// The file's name, with `.ndjson.gz`.
    pub fn file_name(&self) -> String {
        todo!("s1")
    }

    /// The name while it is written, with `.ndjson.gz.part`.
    pub fn part_name(&self) -> String {
        todo!("s1")
    }
}
