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
fn configurations_of_any_bytes() {
    each("configuration", 3_000, configuration);
}

#[test]
fn filters_of_any_text() {
    each("filter", 3_000, filter);
}
