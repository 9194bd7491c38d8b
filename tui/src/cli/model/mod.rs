//! `conclave ask`, and `conclave host …`.

pub(crate) mod args;
mod ask;
mod host;
mod host_line;
mod page;

pub(super) use self::ask::run as ask;
pub(super) use self::host::run as host;
