//! Names of backups: `state-20261121T034512.123Z.db`, or `state-20261121T034512.123Z-before-101.db` when one
//! was made for a migration. They sort by time, and say everything that a rotation needs to know.

use std::ffi::OsStr;
use std::path::Path;

const MS_PER_DAY: i64 = 86_400_000;

/// What a name says.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Name {
    pub(super) taken_ms: i64,
    pub(super) before_version: Option<i32>,
}

/// Names for a backup of `database` made now: the first is the right one, the others in case it is taken.
pub(super) fn all(
    database: &Path,
    taken_ms: i64,
    before_version: Option<i32>,
) -> impl Iterator<Item = String> {
    let stem = stem(database).to_owned();
    let version = before_version.map_or_else(String::new, |version| format!("-before-{version}"));
    (0..1000).map(move |later| format!("{stem}-{}{version}.db", stamp(taken_ms + later)))
}

/// What the name of a backup of `database` says; `None` for any other name.
pub(super) fn parse(name: &OsStr, database: &Path) -> Option<Name> {
    let rest = name.to_str()?.strip_prefix(stem(database))?.strip_prefix('-')?.strip_suffix(".db")?;
    let (time, version) = match rest.split_once("-before-") {
        Some((time, version)) => (time, Some(version.parse().ok()?)),
        None => (rest, None),
    };
    Some(Name { taken_ms: parse_stamp(time)?, before_version: version })
}

fn stem(database: &Path) -> &str {
    database.file_stem().and_then(OsStr::to_str).unwrap_or("database")
}

/// `20261121T034512.123Z`: the moment in UTC, without characters that a file name must not have.
pub(super) fn stamp(ms: i64) -> String {
    let (days, ms) = (ms.div_euclid(MS_PER_DAY), ms.rem_euclid(MS_PER_DAY));
    let (year, month, day) = date_of(days);
    let (hour, minute, second) = (ms / 3_600_000, ms / 60_000 % 60, ms / 1000 % 60);
    format!("{year:04}{month:02}{day:02}T{hour:02}{minute:02}{second:02}.{:03}Z", ms % 1000)
}

fn parse_stamp(text: &str) -> Option<i64> {
    let digits = |range| text.get(range).filter(|part: &&str| part.bytes().all(|byte| byte.is_ascii_digit()));
    let number = |range| digits(range)?.parse::<i64>().ok();
    let marks = (text.get(8..9)?, text.get(15..16)?, text.get(19..)?);
    if marks != ("T", ".", "Z") {
        return None;
    }
    let days = days_of(number(0..4)?, number(4..6)?, number(6..8)?);
    let seconds = number(9..11)? * 3600 + number(11..13)? * 60 + number(13..15)?;
    let ms = days * MS_PER_DAY + seconds * 1000 + number(16..19)?;
    // Only what would be written is read: 30 February is nobody's backup.
    (stamp(ms) == text).then_some(ms)
}

/// Year, month and day of a day since 1970-01-01 in the Gregorian calendar. Counted in eras of 400 years from
/// 0000-03-01, so that the leap day is the last of its year.
fn date_of(days: i64) -> (i64, i64, i64) {
    let days = days + 719_468;
    let (era, day) = (days.div_euclid(146_097), days.rem_euclid(146_097));
    let year = (day - day / 1_460 + day / 36_524 - day / 146_096) / 365;
    let day = day - (365 * year + year / 4 - year / 100);
    let march = (5 * day + 2) / 153;
    let month = if march < 10 { march + 3 } else { march - 9 };
    (era * 400 + year + i64::from(month <= 2), month, day - (153 * march + 2) / 5 + 1)
}

/// The inverse of [`date_of`].
fn days_of(year: i64, month: i64, day: i64) -> i64 {
    let year = year - i64::from(month <= 2);
    let (era, year) = (year.div_euclid(400), year.rem_euclid(400));
    let march = (month + 9) % 12;
    let day = (153 * march + 2) / 5 + day - 1;
    era * 146_097 + year * 365 + year / 4 - year / 100 + day - 719_468
}

#[cfg(test)]
mod tests;
