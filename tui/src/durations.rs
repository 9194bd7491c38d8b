//! Durations as people write them: a number with a unit, or a bare number of seconds.

use std::time::Duration;

/// The units, in milliseconds; `ms` before `m` and `s`, which it ends with and begins with.
const UNITS: [(&str, u64); 5] = [("ms", 1), ("s", 1000), ("m", 60_000), ("h", 3_600_000), ("d", 86_400_000)];

/// Reads a duration such as `500ms`, `5s`, `2m`, `1h`, `7d` or `90`.
pub(crate) fn parse(text: &str) -> Result<Duration, String> {
    let unit = UNITS.iter().find_map(|(unit, ms)| Some((text.strip_suffix(unit)?, *ms)));
    let (number, ms) = unit.unwrap_or((text, 1000));
    if number.is_empty() || !number.bytes().all(|byte| byte.is_ascii_digit()) {
        return Err(format!("{text:?} is no duration, such as 500ms, 5s, 2m, 1h, 7d or a number of seconds"));
    }
    let number: Option<u64> = number.parse().ok();
    // Beyond this many milliseconds the clocks that are compared with it cannot count.
    let ms = number.and_then(|number| number.checked_mul(ms)).filter(|ms| i64::try_from(*ms).is_ok());
    ms.map(Duration::from_millis).ok_or_else(|| format!("{text:?} is longer than can be counted"))
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::parse;

    #[test]
    fn durations_are_numbers_with_a_unit_or_seconds() {
        for (text, ms) in [
            ("500ms", 500),
            ("5s", 5000),
            ("2m", 120_000),
            ("1h", 3_600_000),
            ("7d", 604_800_000),
            ("90", 90_000),
            ("0", 0),
            ("0d", 0),
        ] {
            assert_eq!(parse(text), Ok(Duration::from_millis(ms)), "{text}");
        }
        for text in ["", "-1s", "s", "ms", "1.5h", "7 d", "7w", "+3", "1e3s", "９s"] {
            assert!(parse(text).unwrap_err().contains("is no duration"), "{text}");
        }
        for text in ["99999999999999999999s", "9223372036854775808ms", "300000000000d"] {
            assert!(parse(text).unwrap_err().contains("longer than can be counted"), "{text}");
        }
    }
}
