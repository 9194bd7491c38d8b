//! The binary `conclave`.
fn main() {}
