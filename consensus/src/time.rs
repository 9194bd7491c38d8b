//! Times as people and JSON see them: RFC 3339 with milliseconds, UTC.

use serde::Serializer;

/// The RFC 3339 form of `ms`, absent for a moment that the calendar does not reach (years −9999 to 9999).
pub(crate) fn rfc3339(ms: i64) -> Option<String> {
    let moment = jiff::Timestamp::from_millisecond(ms).ok()?;
    Some(moment.strftime("%Y-%m-%dT%H:%M:%S%.3fZ").to_string())
}

/// The text that the original would store for `ms`, with milliseconds where there are any; absent outside of the
/// years 0 to 9999, for which it has none.
pub(crate) fn legacy(ms: i64) -> Option<String> {
    let moment = jiff::civil::DateTime::constant(1970, 1, 1, 0, 0, 0, 0)
        .checked_add(jiff::SignedDuration::from_millis(ms))
        .ok()
        .filter(|moment| moment.year() >= 0)?;
    let format = if ms.rem_euclid(1000) == 0 { "%Y-%m-%d %H:%M:%S" } else { "%Y-%m-%d %H:%M:%S%.3f" };
    Some(moment.strftime(format).to_string())
}

#[expect(clippy::ref_option, reason = "serde gives the field by reference")]
pub(crate) fn serialize<S: Serializer>(ms: &Option<i64>, serializer: S) -> Result<S::Ok, S::Error> {
    match ms.and_then(rfc3339) {
        Some(text) => serializer.serialize_str(&text),
        None => serializer.serialize_none(),
    }
}

/// The same for a moment that is always known.
#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde gives the field by reference")]
pub(crate) fn serialize_known<S: Serializer>(ms: &i64, serializer: S) -> Result<S::Ok, S::Error> {
    serialize(&Some(*ms), serializer)
}

#[cfg(test)]
mod tests {
    use conclave_db::sql::ValueRef;
    use proptest::prelude::*;

    use super::{legacy, rfc3339};
    use crate::canonical::time_ms;

    proptest! {
        /// What is written means the same moment, to the millisecond.
        #[test]
        fn a_legacy_time_is_exact(ms in -62_167_219_200_000_i64..=253_402_300_799_999) {
            let text = legacy(ms).unwrap();
            prop_assert_eq!(time_ms(ValueRef::Text(text.as_bytes())), Some(ms), "{}", text);
        }
    }

    #[test]
    fn a_moment_beyond_the_years_has_no_legacy_time() {
        for ms in [-62_167_219_200_001, 253_402_300_800_000, i64::MIN, i64::MAX] {
            assert_eq!(legacy(ms), None);
        }
    }

    #[test]
    fn a_millisecond_time_keeps_its_year() {
        assert_eq!(rfc3339(1_762_828_400_123).as_deref(), Some("2025-11-11T02:33:20.123Z"));
        assert_eq!(rfc3339(-1).as_deref(), Some("1969-12-31T23:59:59.999Z"));
        assert_eq!(rfc3339(i64::MAX), None);
    }
}
