//! Canonical forms: the one spelling of a stage, the key of a run, a time in milliseconds.
//!
//! Each has a twin in SQL (`store/canonical.rs`), because rows are copied by statements and not one by one; a
//! table of cases and random values hold the twins together. Values are taken as SQLite stores them, with their
//! storage class, and text as bytes: a legacy file may hold anything anywhere.

use std::borrow::Cow;

use conclave_db::sql::ValueRef;

/// The nine stages that the original writes with `spec-` before their name.
const STAGES: [&str; 9] =
    ["plan", "tasks", "implement", "validate", "audit", "unlock", "clarify", "analyze", "checklist"];

/// The canonical spelling of a stage: `spec-plan` is `plan`, `review` is `audit`, anything else is kept.
pub fn stage(written: &str) -> &str {
    match written {
        "review" | "spec-review" => "audit",
        other => match other.strip_prefix("spec-") {
            Some(name) if STAGES.contains(&name) => name,
            _ => other,
        },
    }
}

/// The spelling of a canonical stage that the original writes: `plan` is `spec-plan`, anything else is kept.
pub fn legacy_stage(stage: &str) -> Cow<'_, str> {
    if STAGES.contains(&stage) { Cow::Owned(format!("spec-{stage}")) } else { Cow::Borrowed(stage) }
}

/// All spellings of a canonical stage that rows may have.
pub(crate) fn stage_spellings(stage: &[u8]) -> Vec<Vec<u8>> {
    let mut spellings = vec![stage.to_vec()];
    if let Ok(Cow::Owned(legacy)) = std::str::from_utf8(stage).map(legacy_stage) {
        spellings.push(legacy.into_bytes());
    }
    if stage == b"audit" {
        spellings.extend([b"review".to_vec(), b"spec-review".to_vec()]);
    }
    spellings
}

/// The key of the run that a row belongs to: its run id, or for one without (NULL or empty) `@`, the type of its
/// time, `:` and the time's text as stored. A run id that begins with `@` gets `@id:` before it.
pub fn run_key(run_id: Option<&[u8]>, time: ValueRef<'_>) -> Vec<u8> {
    match run_id {
        None | Some(b"") => {
            let (kind, text) = match time {
                ValueRef::Null => ("null", Vec::new()),
                ValueRef::Integer(number) => ("integer", number.to_string().into_bytes()),
                ValueRef::Real(number) => ("real", real_text(number).into_bytes()),
                ValueRef::Text(bytes) => ("text", bytes.to_vec()),
                ValueRef::Blob(bytes) => ("blob", bytes.to_vec()),
            };
            [b"@".as_slice(), kind.as_bytes(), b":", &text].concat()
        }
        Some(id) if id.starts_with(b"@") => [b"@id:", id].concat(),
        Some(id) => id.to_vec(),
    }
}

/// Milliseconds since 1970, UTC; nothing where the value is no time. Numbers below 10^11 in size are seconds,
/// others milliseconds; text must begin with a date that exists.
pub fn time_ms(value: ValueRef<'_>) -> Option<i64> {
    const SECONDS_BELOW: i64 = 100_000_000_000;
    match value {
        ValueRef::Integer(number) if number.unsigned_abs() < SECONDS_BELOW.unsigned_abs() => {
            Some(number * 1000)
        }
        ValueRef::Integer(number) => Some(number),
        ValueRef::Real(number) if number.abs() < 1e11 => Some(rounded(number * 1000.0)),
        ValueRef::Real(number) => Some(rounded(number)),
        ValueRef::Text(bytes) => text_ms(bytes),
        ValueRef::Null | ValueRef::Blob(_) => None,
    }
}

/// As `CAST(round(x) AS INTEGER)`: half away from zero, ends at the range's ends.
#[expect(clippy::cast_possible_truncation, reason = "saturates, as SQLite's CAST does")]
fn rounded(number: f64) -> i64 {
    const WHOLE: f64 = 4_503_599_627_370_496.0;
    if number.abs() > WHOLE { number as i64 } else { (number + 0.5_f64.copysign(number)) as i64 }
}

/// A real number as SQLite's `printf('%!.15g')` writes it: 15 digits, always a point. Its own CAST writes
/// 15 or 17 digits, by version.
fn real_text(number: f64) -> String {
    if number.is_infinite() {
        return if number > 0.0 { "Inf" } else { "-Inf" }.to_owned();
    }
    if number == 0.0 {
        return "0.0".to_owned();
    }
    // Cut behind the 16th digit of the exact expansion, then rounded by that digit: SQLite rounds halves away
    // from zero, where the standard library rounds them to even.
    let exact = format!("{:.60e}", number.abs());
    let (mantissa, exponent) = exact.split_once('e').unwrap_or((&exact, "0"));
    let mut exponent: i32 = exponent.parse().unwrap_or(0);
    let leading = mantissa.bytes().filter(u8::is_ascii_digit).take(16);
    let sixteen = leading.fold(0_u64, |value, digit| value * 10 + u64::from(digit - b'0'));
    let mut fifteen = sixteen / 10 + u64::from(sixteen % 10 >= 5);
    if fifteen == 1_000_000_000_000_000 {
        (fifteen, exponent) = (100_000_000_000_000, exponent + 1);
    }
    let sign = if number < 0.0 { "-" } else { "" };
    let digits = fifteen.to_string();
    let digits = digits.trim_end_matches('0');
    if !(-4..15).contains(&exponent) {
        let (first, rest) = digits.split_at(1);
        let rest = if rest.is_empty() { "0" } else { rest };
        let direction = if exponent < 0 { '-' } else { '+' };
        return format!("{sign}{first}.{rest}e{direction}{:02}", exponent.abs());
    }
    let Ok(whole) = usize::try_from(exponent + 1) else {
        // Below 1: zeros stand between the point and the digits.
        let zeros = usize::try_from(-1 - exponent).unwrap_or(0);
        return format!("{sign}0.{}{digits}", "0".repeat(zeros));
    };
    if whole == 0 {
        format!("{sign}0.{digits}")
    } else if digits.len() <= whole {
        format!("{sign}{digits}{}.0", "0".repeat(whole - digits.len()))
    } else {
        let (before, after) = digits.split_at(whole);
        format!("{sign}{before}.{after}")
    }
}

/// The text of a date and time in the forms that SQLite's `julianday` takes
/// (<https://sqlite.org/lang_datefunc.html#time_values>), and no other.
fn text_ms(bytes: &[u8]) -> Option<i64> {
    const MINUTE: i64 = 60_000;
    // SQLite's date functions take their argument as a C string.
    let text = bytes.split(|byte| *byte == 0).next().unwrap_or_default();
    let mut text = Reader { rest: text };
    let (year, month, day) = (text.number(4)?, text.after(b'-')?.number(2)?, text.after(b'-')?.number(2)?);
    let date =
        jiff::civil::Date::new(i16::try_from(year).ok()?, i8::try_from(month).ok()?, i8::try_from(day).ok()?)
            .ok()?;
    let days = jiff::civil::date(1970, 1, 1).until(date).ok()?.get_days();
    let midnight = i64::from(days) * 1440 * MINUTE;
    text.skip(|byte| is_space(byte) || byte == b'T');
    let ms = if text.rest.is_empty() {
        midnight
    } else {
        let (hours, minutes) = (text.number(2)?, text.after(b':')?.number(2)?);
        let mut within_minute = 0;
        if text.rest.first() == Some(&b':') {
            let seconds = text.after(b':')?.number(2)?;
            within_minute = milliseconds(seconds, text.fraction())?;
        }
        let offset = text.offset()?;
        if hours > 24 || minutes > 59 {
            return None;
        }
        midnight + (hours * 60 + minutes) * MINUTE + within_minute - offset * MINUTE
    };
    // The last millisecond of the year 9999 is the last that SQLite knows; the first lies far before year 0.
    (ms <= 253_402_300_799_999).then_some(ms)
}

/// Seconds and their fraction in ms, with SQLite's own rounding: never into the next second.
fn milliseconds(seconds: i64, fraction: f64) -> Option<i64> {
    let whole = u8::try_from(seconds).ok().filter(|seconds| *seconds <= 59)?;
    #[expect(clippy::cast_possible_truncation, reason = "below a minute")]
    let ms = ((f64::from(whole) + fraction.min(0.999)) * 1000.0 + 0.5) as i64;
    Some(ms)
}

const fn is_space(byte: u8) -> bool {
    matches!(byte, b' ' | 0x09..=0x0D)
}

/// What is left of a text that is read from its start.
struct Reader<'text> {
    rest: &'text [u8],
}

impl Reader<'_> {
    /// A number of exactly `digits` digits.
    fn number(&mut self, digits: usize) -> Option<i64> {
        let (number, rest) = self.rest.split_at_checked(digits)?;
        let value = number
            .iter()
            .try_fold(0, |value, byte| byte.is_ascii_digit().then(|| value * 10 + i64::from(byte - b'0')))?;
        self.rest = rest;
        Some(value)
    }

    /// Goes on behind `byte`, which must come next.
    fn after(&mut self, byte: u8) -> Option<&mut Self> {
        self.rest = self.rest.strip_prefix(&[byte])?;
        Some(self)
    }

    fn skip(&mut self, skipped: impl Fn(u8) -> bool) {
        while let Some((_, rest)) = self.rest.split_first().filter(|(first, _)| skipped(**first)) {
            self.rest = rest;
        }
    }

    /// The fraction of a second, 0 where none follows.
    fn fraction(&mut self) -> f64 {
        let (mut value, mut scale) = (0.0, 1.0);
        if let [b'.', digit, ..] = self.rest
            && digit.is_ascii_digit()
        {
            self.rest = &self.rest[1..];
            while let Some((digit, rest)) =
                self.rest.split_first().filter(|(digit, _)| digit.is_ascii_digit())
            {
                value = value * 10.0 + f64::from(digit - b'0');
                scale *= 10.0;
                self.rest = rest;
            }
        }
        value / scale
    }

    /// Minutes east of UTC up to the end of the text.
    fn offset(&mut self) -> Option<i64> {
        self.skip(is_space);
        let offset = match self.rest.first() {
            None => return Some(0),
            Some(b'Z' | b'z') => {
                self.rest = &self.rest[1..];
                0
            }
            Some(sign @ (b'+' | b'-')) => {
                let sign = if *sign == b'+' { 1 } else { -1 };
                self.rest = &self.rest[1..];
                let (hours, minutes) = (self.number(2)?, self.after(b':')?.number(2)?);
                if hours > 14 || minutes > 59 {
                    return None;
                }
                sign * (hours * 60 + minutes)
            }
            Some(_) => return None,
        };
        self.skip(is_space);
        self.rest.is_empty().then_some(offset)
    }
}

#[cfg(test)]
mod tests;
