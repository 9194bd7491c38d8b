//! Which writes count as beside the backfill.

use std::time::Duration;

use super::Waits;

#[test]
fn a_write_that_overlaps_is_beside() {
    let ms = Duration::from_millis;
    // One that ended before, one across the begin, one inside, one across the end, one after.
    let writes = [(0, 4), (9, 12), (13, 14), (18, 25), (26, 90)].map(|(from, until)| (ms(from), ms(until)));
    let waits = Waits::of(&writes, ms(10), ms(20));
    assert_eq!(waits.beside, 3);
    assert_eq!((waits.p99_ms, waits.worst_ms), (7.0, 7.0));
    assert_eq!((waits.alone_p99_ms, waits.alone_worst_ms), (4.0, 4.0));
    let none = Waits::of(&[], ms(10), ms(20));
    assert_eq!((none.beside, none.p99_ms), (0, 0.0));
}
