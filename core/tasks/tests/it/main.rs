//! The integration tests of tasks: real files, real processes.

mod edits;
mod json;
mod real;
mod spelled;
