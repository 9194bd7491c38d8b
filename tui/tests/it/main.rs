//! The real binary, driven as a user drives it: on scratch projects with a home of their own.

mod bad_input;
mod commands;
mod demo;
mod lists;
mod pipes;
mod places;
mod scratch;
mod terminal;
