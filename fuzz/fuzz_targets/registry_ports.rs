//! Fuzzes `conclave_registry::fuzzing::ports`.
#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| conclave_registry::fuzzing::ports(bytes));
