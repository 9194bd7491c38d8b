//! Fuzzes `conclave_tasks::fuzzing::merge`.
#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| conclave_tasks::fuzzing::merge(bytes));
