//! Fuzzes `conclave_consensus::fuzzing::answer`.
#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| conclave_consensus::fuzzing::answer(bytes));
