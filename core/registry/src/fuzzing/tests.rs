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
fn state_files_of_any_bytes() {
    each("state", 3_000, state);
}

#[test]
fn ports_files_of_any_bytes() {
    each("ports", 3_000, ports);
}
