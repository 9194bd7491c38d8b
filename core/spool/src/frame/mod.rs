//! Segments as bytes: gzip members (RFC 1952) of whole lines.
//!
//! A member of ours says in its header (FEXTRA, subfield `CV`) how long it is and how many lines it has, so that lines are
//! counted by hopping from header to header; whoever does not know the subfield skips it, as the RFC asks. What a header
//! says is a hint that is checked: where it leads to no further header, the rest is inflated.

mod header;
mod inflate;
mod member;
mod read;
mod tally;

pub(crate) use self::member::{MemberMaker, member};
pub(crate) use self::read::{End, Line, Lines, is_blank};
pub(crate) use self::tally::{Tally, tally};
