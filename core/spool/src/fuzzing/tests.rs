//! The short version of the fuzz targets: inputs that are nearly right, the same ones each time. `CONCLAVE_SEED` gives
//! others.

use conclave_testkit::mutated;

use super::*;

fn each(name: &str, times: u64, check: fn(&[u8])) {
    for bytes in mutated(&samples(name), times, 8) {
        check(&bytes);
    }
}

#[test]
fn segments_of_any_bytes() {
    each("segment", 3_000, segment);
}

#[test]
fn segments_that_are_cut_off() {
    each("written", 1_500, written);
}

#[test]
fn events_of_any_bytes() {
    each("event", 5_000, event);
}
