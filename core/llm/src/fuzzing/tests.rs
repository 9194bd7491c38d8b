//! The short version of the fuzz targets: inputs that are nearly right, the same ones each time. `CONCLAVE_SEED` gives
//! others.

use conclave_testkit::mutated;

use super::*;

fn each(name: &str, times: u64, check: fn(&[u8])) {
    for bytes in mutated(&samples(name), times, 9) {
        check(&bytes);
    }
}

#[test]
fn events_of_any_bytes() {
    each("sse", 3_000, sse);
}

#[test]
fn lines_of_any_bytes() {
    each("ndjson", 3_000, ndjson);
}

#[test]
fn errors_of_any_bytes() {
    each("error", 3_000, error);
}
