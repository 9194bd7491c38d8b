//! The names of segments: `YYYYMMDD-HH[-NNN][_recovered[-N]].ndjson.gz`, and what order they are in.

use jiff::Timestamp;
use jiff::civil::date;
use jiff::tz::TimeZone;

use crate::layout::{PART, SEGMENT};

/// Hours that a name of eight and two digits can have: from the year 1 to the last that jiff knows.
const FIRST_HOUR: i64 = -17_259_888;
const LAST_HOUR: i64 = 70_389_502;
/// Between the stem of what was torn and its number.
const RECOVERED: &str = "_recovered";
/// More digits than any sequence of ours has; longer ones are somebody else's.
const MAX_DIGITS: usize = 9;

/// An hour of UTC: whole hours since 1970.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Hour(pub i64);

impl Hour {
    /// The hour of a time in milliseconds since 1970.
    pub const fn of_ms(ms: i64) -> Self {
        Self(ms.div_euclid(3_600_000))
    }

    /// Reads `YYYYMMDD-HH`; `None` for what is no hour.
    fn parse(text: &str) -> Option<Self> {
        let (day, hour) = text.split_once('-')?;
        if day.len() != 8 || hour.len() != 2 || !day.bytes().chain(hour.bytes()).all(|b| b.is_ascii_digit()) {
            return None;
        }
        let number = |text: &str| text.parse::<i16>().ok();
        let small = |text: &str| text.parse::<i8>().ok();
        let (year, month, day) = (number(&day[..4])?, small(&day[4..6])?, small(&day[6..])?);
        if !(1..=12).contains(&month) || !(1..=31).contains(&day) || small(hour)? > 23 {
            return None;
        }
        // A day that the month does not have becomes another one, which the comparison below shows.
        let first = date(year, month, 1).to_zoned(TimeZone::UTC).ok()?.timestamp().as_second();
        let found = Self(first.div_euclid(3_600) + (i64::from(day) - 1) * 24 + i64::from(small(hour)?));
        (found.to_string() == text).then_some(found)
    }
}

impl std::fmt::Display for Hour {
    /// `YYYYMMDD-HH`. A time that no such name can have (a clock gone mad) becomes the nearest one that it can.
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let seconds = self.0.clamp(FIRST_HOUR, LAST_HOUR) * 3_600;
        let time = Timestamp::from_second(seconds).unwrap_or_default().to_zoned(TimeZone::UTC);
        write!(formatter, "{:04}{:02}{:02}-{:02}", time.year(), time.month(), time.day(), time.hour())
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
    ///
    /// The original also has `YYYYMMDD-HH-1` (a name that was taken in `_done`): it is read as that sequence, so two
    /// texts may be one name. Whoever wants the file keeps the text.
    pub fn parse(file: &str) -> Option<Self> {
        Self::of_stem(file.strip_suffix(SEGMENT)?)
    }

    fn of_stem(stem: &str) -> Option<Self> {
        let (plain, recovered) = match stem.split_once(RECOVERED) {
            Some((plain, "")) => (plain, Some(0)),
            Some((plain, number)) => (plain, Some(digits(number.strip_prefix('-')?)?)),
            None => (stem, None),
        };
        let (hour, rest) = plain.split_at_checked(11)?;
        let hour = Hour::parse(hour)?;
        let sequence = if rest.is_empty() { 0 } else { digits(rest.strip_prefix('-')?)? };
        Some(Self { hour, sequence, recovered })
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
        let mut name = self.hour.to_string();
        if self.sequence > 0 {
            name.push_str(&format!("-{:03}", self.sequence));
        }
        match self.recovered {
            None => {}
            Some(0) => name.push_str(RECOVERED),
            Some(number) => name.push_str(&format!("{RECOVERED}-{number}")),
        }
        name + SEGMENT
    }

    /// The name while it is written, with `.ndjson.gz.part`.
    pub fn part_name(&self) -> String {
        self.file_name() + PART
    }
}

fn digits(text: &str) -> Option<u32> {
    let fits = (1..=MAX_DIGITS).contains(&text.len()) && text.bytes().all(|byte| byte.is_ascii_digit());
    if fits { text.parse().ok() } else { None }
}

#[cfg(test)]
mod tests;
