//! Whether a request goes through a proxy (R14): by scheme, with `NO_PROXY` as it is meant (trimmed, any case, exact or a
//! suffix of the domain, `host:port`, CIDR, IPv6, `*`); this machine never does.

use std::ffi::OsString;

use crate::endpoint::Endpoint;
use crate::error::Result;
use crate::host::ProxySetting;

/// The proxy of a request, `None` for none.
///
/// # Errors
/// A proxy whose URL cannot be used; what may be a password in it is not repeated.
pub(crate) fn of(
    endpoint: &Endpoint,
    setting: &ProxySetting,
    environment: &dyn Fn(&str) -> Option<OsString>,
) -> Result<Option<String>> {
    let _ = (endpoint, setting, environment);
    todo!("t")
}
