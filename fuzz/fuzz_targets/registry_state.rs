//! Fuzzes `conclave_registry::fuzzing::state`.
#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| conclave_registry::fuzzing::state(bytes));
