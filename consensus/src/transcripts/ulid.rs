//! Ids that rise with time: 48 bits of milliseconds, then 80 bits of chance, in base 32 (github.com/ulid/spec).

use std::sync::{Mutex, PoisonError};

use conclave_retry::Random;

/// The digits of Crockford's base 32, which has no I, L, O and U.
const DIGITS: &[u8; 32] = b"0123456789ABCDEFGHJKMNPQRSTVWXYZ";
/// Bits of chance.
const CHANCE: u32 = 80;
/// Bits of a digit.
const DIGIT: u32 = 5;
/// Digits of an id.
const LENGTH: u32 = 26;

/// The last id of this process: each is above the one before, also where the clock is set back.
static LAST: Mutex<u128> = Mutex::new(0);

/// An id of this time, ms since 1970; unlike any other, and above all that this process had before.
pub(super) fn ulid(at_ms: i64, random: &dyn Random) -> String {
    let mut last = LAST.lock().unwrap_or_else(PoisonError::into_inner);
    *last = after(*last, at_ms, random);
    shown(*last)
}

/// The id that follows on `last`.
fn after(last: u128, at_ms: i64, random: &dyn Random) -> u128 {
    let at = u128::from(u64::try_from(at_ms).unwrap_or(0)) & ((1 << 48) - 1);
    if at > last >> CHANCE {
        let chance = u128::from(random.next_u64()) << 64 | u128::from(random.next_u64());
        return at << CHANCE | chance >> (u128::BITS - CHANCE);
    }
    // When all the chance of a millisecond is used up, this is the next millisecond.
    last.wrapping_add(1)
}

fn shown(id: u128) -> String {
    let digit = |at: u32| {
        let place = usize::try_from(id >> (DIGIT * at) & 31).unwrap_or(0);
        char::from(DIGITS.get(place).copied().unwrap_or(b'0'))
    };
    (0..LENGTH).rev().map(digit).collect()
}

#[cfg(test)]
mod tests {
    use conclave_retry::SeededRandom;

    use super::{after, shown, ulid};

    #[test]
    fn ids_rise_whatever_the_clock_does() {
        let random = SeededRandom::new(3);
        let times = [1_762_914_800_000, 1_762_914_800_000, 5, 1_762_914_800_001, -7, 1_762_914_800_001];
        let ids: Vec<String> = times.iter().map(|at| ulid(*at, &random)).collect();
        assert!(ids.windows(2).all(|pair| pair[0] < pair[1]), "{ids:?}");
        assert!(ids.iter().all(|id| id.len() == 26));
    }

    /// The time is that of the example in the specification.
    #[test]
    fn the_first_ten_digits_are_the_time() {
        assert!(shown(after(0, 1_469_918_176_385, &SeededRandom::new(1))).starts_with("01ARYZ6S41"));
        assert_eq!(shown(u128::MAX), "7ZZZZZZZZZZZZZZZZZZZZZZZZZ");
    }
}
