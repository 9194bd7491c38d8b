//! Times as the tables have them: text, RFC 3339 with milliseconds in UTC.

/// The time of so many milliseconds since 1970, such as `2026-07-01T00:00:00.000Z`. What lies outside of the years 0 to
/// 9999, the last day of which jiff leaves to other time zones, is brought to the nearer end.
pub(crate) fn text_of(ms: i64) -> String {
    let ms = ms.clamp(-62_167_219_200_000, jiff::Timestamp::MAX.as_second() * 1000);
    let time = jiff::Timestamp::from_millisecond(ms).unwrap_or(jiff::Timestamp::UNIX_EPOCH);
    format!("{time:.3}")
}

/// Milliseconds since 1970 of a time with an offset, to the millisecond below.
pub(crate) fn ms_of(text: &str) -> Option<i64> {
    text.parse::<jiff::Timestamp>().ok().map(jiff::Timestamp::as_millisecond)
}

#[cfg(test)]
mod tests {
    use super::{ms_of, text_of};

    #[test]
    fn a_time_has_one_text() {
        assert_eq!(text_of(1_782_864_000_000), "2026-07-01T00:00:00.000Z");
        assert_eq!(ms_of("2026-07-01T02:00:00.0009+02:00"), Some(1_782_864_000_000));
        assert_eq!(text_of(i64::MAX), "9999-12-30T22:00:00.000Z");
        assert_eq!(text_of(i64::MIN), "0000-01-01T00:00:00.000Z");
    }
}
