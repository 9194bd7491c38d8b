//! Whether somebody listens on a port.

use std::net::{Ipv4Addr, Ipv6Addr, SocketAddr};

use rustix::io::Errno;
use rustix::net::sockopt::{set_ipv6_v6only, set_socket_reuseaddr};
use rustix::net::{AddressFamily, SocketFlags, SocketType, bind, listen, socket_with};

use crate::error::{RegistryError, Result};

/// Says whether a port is free now.
pub trait Probe: std::fmt::Debug + Send + Sync {
    /// Whether a server could listen on it, on every address.
    fn is_free(&self, port: u16) -> Result<bool>;
}

/// Binds and listens on 127.0.0.1, 0.0.0.0, ::1 and :: with `SO_REUSEADDR`; families that the machine lacks are skipped.
///
/// Without `SO_REUSEADDR` a port would count as taken for a minute after its server has ended. With it only `listen`
/// says for certain that nobody else does: Linux lets two bind what none of them listens on yet.
#[derive(Debug, Clone, Copy, Default)]
pub struct SystemProbe;

impl Probe for SystemProbe {
    fn is_free(&self, port: u16) -> Result<bool> {
        let addresses = [
            SocketAddr::from((Ipv4Addr::LOCALHOST, port)),
            SocketAddr::from((Ipv4Addr::UNSPECIFIED, port)),
            SocketAddr::from((Ipv6Addr::LOCALHOST, port)),
            SocketAddr::from((Ipv6Addr::UNSPECIFIED, port)),
        ];
        // One after the other: each socket is closed before the next one is bound, since they would exclude each other.
        for address in addresses {
            match listens(address) {
                Ok(()) => {}
                Err(Errno::ADDRINUSE) => return Ok(false),
                // The machine has no such family, or has it switched off.
                Err(Errno::AFNOSUPPORT | Errno::ADDRNOTAVAIL | Errno::PROTONOSUPPORT) => {}
                Err(error) => {
                    return Err(RegistryError::io(format!("try to listen on {address}"), error.into()));
                }
            }
        }
        Ok(true)
    }
}

/// Listens for a moment.
fn listens(address: SocketAddr) -> Result<(), Errno> {
    let family = if address.is_ipv4() { AddressFamily::INET } else { AddressFamily::INET6 };
    // A child that is started meanwhile must not keep the port taken.
    let socket = socket_with(family, SocketType::STREAM, SocketFlags::CLOEXEC, None)?;
    set_socket_reuseaddr(&socket, true)?;
    if address.is_ipv6() {
        // Else :: would stand for 0.0.0.0 too, which was asked before.
        set_ipv6_v6only(&socket, true)?;
    }
    bind(&socket, &address)?;
    listen(&socket, 1)
}

#[cfg(test)]
mod tests;
