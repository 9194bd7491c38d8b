//! Moments of records: RFC 3339 with any number of fractional digits and any offset, compared as instants.

/// Seconds of 0000-01-01T00:00:00Z, and the last second of the year 9999.
const YEARS: (i64, i64) = (-62_167_219_200, 253_402_300_799);
const DAY: i64 = 86_400;

/// An instant that a record names, exact to the nanosecond.
///
/// Not `jiff::Timestamp`: that ends at 9999-12-30T22:00:00Z, and "9999-12-31" for "never" is a text that people write.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Moment {
    /// Since 1970, rounded down.
    seconds: i64,
    /// Of the second.
    nanoseconds: u32,
}

impl Moment {
    /// Parses RFC 3339 text; `None` for what is none. Exact to the nanosecond, further digits are cut; years 0000 to
    /// 9999. `t`, `z` and a blank for the `T` are read too. A leap second is read as the second before it.
    pub fn parse(text: &str) -> Option<Self> {
        let bytes = text.as_bytes();
        let (head, tail) = bytes.split_first_chunk::<19>()?;
        let number = |from: usize, count: usize| digits(head.get(from..from + count)?);
        let is_at = |at: usize, marks: &[u8]| head.get(at).is_some_and(|byte| marks.contains(byte));
        if !(is_at(4, b"-") && is_at(7, b"-") && is_at(10, b"Tt ") && is_at(13, b":") && is_at(16, b":")) {
            return None;
        }
        let (year, month, day) = (number(0, 4)?, number(5, 2)?, number(8, 2)?);
        let (hour, minute, second) = (number(11, 2)?, number(14, 2)?, number(17, 2)?);
        if !(1..=12).contains(&month) || !(1..=days_of(year, month)).contains(&day) {
            return None;
        }
        if hour > 23 || minute > 59 || second > 60 {
            return None;
        }
        let (nanoseconds, zone) = fraction(tail)?;
        let seconds = days_since_1970(year, month, day) * DAY + hour * 3600 + minute * 60 + second.min(59);
        Some(Self { seconds: seconds - offset(zone)?, nanoseconds })
    }

    /// A moment of a clock, milliseconds since 1970; clamped to the years that RFC 3339 has.
    pub fn from_ms(ms: i64) -> Self {
        let ms = ms.clamp(YEARS.0 * 1000, YEARS.1 * 1000 + 999);
        let rest = u32::try_from(ms.rem_euclid(1000)).unwrap_or_default();
        Self { seconds: ms.div_euclid(1000), nanoseconds: rest * 1_000_000 }
    }

    /// Nanoseconds since 1970, the form of the store's columns; clamped to what fits (the years 1677 to 2262).
    pub fn nanoseconds(self) -> i64 {
        let exact = i128::from(self.seconds) * 1_000_000_000 + i128::from(self.nanoseconds);
        i64::try_from(exact).unwrap_or(if exact < 0 { i64::MIN } else { i64::MAX })
    }

    /// Milliseconds since 1970, rounded down.
    pub fn ms(self) -> i64 {
        self.seconds * 1000 + i64::from(self.nanoseconds / 1_000_000)
    }

    /// As Conclave writes it: UTC with milliseconds, `2026-01-02T03:04:05.006Z`. An offset can lead out of the years
    /// that RFC 3339 has: then the first or last millisecond of those.
    pub fn text(self) -> String {
        let ms = self.ms().clamp(YEARS.0 * 1000, YEARS.1 * 1000 + 999);
        let (seconds, ms) = (ms.div_euclid(1000), ms.rem_euclid(1000));
        let (year, month, day) = date(seconds.div_euclid(DAY));
        let second = seconds.rem_euclid(DAY);
        let (hour, minute, second) = (second / 3600, second / 60 % 60, second % 60);
        format!("{year:04}-{month:02}-{day:02}T{hour:02}:{minute:02}:{second:02}.{ms:03}Z")
    }
}

/// The number of a few digits.
fn digits(bytes: &[u8]) -> Option<i64> {
    bytes
        .iter()
        .try_fold(0, |number, byte| byte.is_ascii_digit().then(|| number * 10 + i64::from(byte - b'0')))
}

/// The nanoseconds after the seconds, and what follows them.
fn fraction(tail: &[u8]) -> Option<(u32, &[u8])> {
    let Some(rest) = tail.strip_prefix(b".") else { return Some((0, tail)) };
    let count = rest.iter().take_while(|byte| byte.is_ascii_digit()).count();
    if count == 0 {
        return None;
    }
    let (digits, zone) = rest.split_at(count);
    let digit = |place: usize| digits.get(place).map_or(0, |byte| u32::from(byte - b'0'));
    Some(((0..9).fold(0, |number, place| number * 10 + digit(place)), zone))
}

/// The seconds that an offset is ahead of UTC.
fn offset(zone: &[u8]) -> Option<i64> {
    let sign = match zone {
        b"Z" | b"z" => return Some(0),
        [b'+', ..] => 1,
        [b'-', ..] => -1,
        _ => return None,
    };
    let &[_, h1, h2, b':', m1, m2] = zone else { return None };
    let (hours, minutes) = (digits(&[h1, h2])?, digits(&[m1, m2])?);
    (hours <= 23 && minutes <= 59).then_some(sign * (hours * 3600 + minutes * 60))
}

const fn days_of(year: i64, month: i64) -> i64 {
    match month {
        2 if year % 4 == 0 && (year % 100 != 0 || year % 400 == 0) => 29,
        2 => 28,
        4 | 6 | 9 | 11 => 30,
        _ => 31,
    }
}

/// Days of the proleptic Gregorian calendar, counted in years that begin in March: the leap day is the last one then
/// (<https://howardhinnant.github.io/date_algorithms.html>).
const fn days_since_1970(year: i64, month: i64, day: i64) -> i64 {
    let year = if month <= 2 { year - 1 } else { year };
    let era = year.div_euclid(400);
    let year_of_era = year.rem_euclid(400);
    let day_of_year = (153 * ((month + 9) % 12) + 2) / 5 + day - 1;
    era * 146_097 + year_of_era * 365 + year_of_era / 4 - year_of_era / 100 + day_of_year - 719_468
}

/// The other way round: year, month, day.
const fn date(days: i64) -> (i64, i64, i64) {
    let days = days + 719_468;
    let era = days.div_euclid(146_097);
    let day_of_era = days.rem_euclid(146_097);
    let year_of_era = (day_of_era - day_of_era / 1_460 + day_of_era / 36_524 - day_of_era / 146_096) / 365;
    let day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    let shifted = (5 * day_of_year + 2) / 153;
    let month = if shifted < 10 { shifted + 3 } else { shifted - 9 };
    let year = era * 400 + year_of_era + if month <= 2 { 1 } else { 0 };
    (year, month, day_of_year - (153 * shifted + 2) / 5 + 1)
}

#[cfg(test)]
mod tests;
