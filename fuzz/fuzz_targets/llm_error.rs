//! Fuzzes `conclave_llm::fuzzing::error`.
#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| conclave_llm::fuzzing::error(bytes));
