//! JSON as bytes: where things stand in it, without taking it apart and putting it together again.
//!
//! A tree would lose what must survive: how a number is spelled, which escapes a text has, keys that nobody knows.
//! So a record is checked once as a whole and looked at by the spans of its members.

mod keys;
mod scan;
mod text;

pub use scan::{DEPTH, Flaw, Kind, Member, check, elements, members};
pub(crate) use scan::{Span, check_members, trim};
pub use text::{decode, encode};
