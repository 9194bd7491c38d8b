//! Fuzzes `conclave_spool::fuzzing::written`.
#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| conclave_spool::fuzzing::written(bytes));
