//! Fuzzes `conclave_cache::fuzzing::source`.
#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| conclave_cache::fuzzing::source(bytes));
