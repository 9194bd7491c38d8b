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
fn values_of_any_bytes() {
    each("value", 5_000, value);
}

#[test]
fn sources_of_any_bytes() {
    each("source", 600, source);
}
