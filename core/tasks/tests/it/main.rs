//! The integration tests of tasks: real files, real processes.

mod real;
