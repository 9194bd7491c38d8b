//! Fuzzes `conclave::fuzzing::configuration`.
#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| conclave::fuzzing::configuration(bytes));
