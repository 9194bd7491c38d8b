//! Whether somebody listens on a port.

use crate::error::Result;

/// Says whether a port is free now.
pub trait Probe: std::fmt::Debug + Send + Sync {
    /// Whether a server could listen on it, on every address.
    fn is_free(&self, port: u16) -> Result<bool>;
}

/// Binds and listens on 127.0.0.1, 0.0.0.0, ::1 and :: with `SO_REUSEADDR`; families that the machine lacks are skipped.
#[derive(Debug, Clone, Copy, Default)]
pub struct SystemProbe;

impl Probe for SystemProbe {
    fn is_free(&self, _port: u16) -> Result<bool> {
        todo!("P")
    }
}
