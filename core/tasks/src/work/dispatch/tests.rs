//! How long is waited.

use std::time::Duration;

use super::wait;

#[test]
fn each_wait_is_twice_as_long_and_none_is_beyond_the_longest() {
    let (base, longest) = (Duration::from_secs(30), Duration::from_hours(1));
    let waits: Vec<u64> = (0..9).map(|given_back| wait(base, longest, given_back).as_secs()).collect();
    assert_eq!(waits, [30, 60, 120, 240, 480, 960, 1920, 3600, 3600]);
    for given_back in [31, 32, 33, u32::MAX] {
        assert_eq!(wait(base, longest, given_back), longest, "{given_back}");
    }
    assert_eq!(wait(Duration::ZERO, longest, 7), Duration::ZERO);
}
