//! Fuzzes `conclave_consensus::fuzzing::output`.
#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| conclave_consensus::fuzzing::output(bytes));
