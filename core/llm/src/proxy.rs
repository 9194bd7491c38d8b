//! Whether a request goes through a proxy (R14): by scheme, with `NO_PROXY` as it is meant (trimmed, any case, exact or a
//! suffix of the domain, `host:port`, CIDR, IPv6, `*`); this machine never does.

use std::ffi::OsString;
use std::net::IpAddr;

use crate::endpoint::{Endpoint, Place, Split, host_and_port};
use crate::error::{LlmError, Result};
use crate::host::ProxySetting;
use crate::secret::Secret;

/// The proxy of a request, `None` for none.
///
/// # Errors
/// A proxy whose URL cannot be used; what may be a password in it is not repeated.
pub(crate) fn of(
    endpoint: &Endpoint,
    setting: &ProxySetting,
    environment: &dyn Fn(&str) -> Option<OsString>,
) -> Result<Option<String>> {
    if endpoint.is_loopback() {
        return Ok(None);
    }
    match setting {
        ProxySetting::Direct => Ok(None),
        ProxySetting::Url(url) => checked(url, "proxy").map(Some),
        ProxySetting::Env => {
            let Some((name, url)) = named(endpoint.place(), environment)? else {
                return Ok(None);
            };
            if is_excepted(endpoint.place(), environment)? { Ok(None) } else { checked(&url, name).map(Some) }
        }
    }
}

/// What must be found nowhere of a proxy's URL: its user and password.
pub(crate) fn secrets(proxy: Option<&str>) -> Vec<Secret> {
    proxy.and_then(|url| Split::of(url).ok()).map(Split::secrets).unwrap_or_default()
}

/// The variable that names the proxy, and what it says. One that is set and empty says that there is none.
fn named(
    place: &Place,
    environment: &dyn Fn(&str) -> Option<OsString>,
) -> Result<Option<(&'static str, String)>> {
    // HTTP_PROXY in capitals may be a header of somebody's request where a server runs programs for it (CGI):
    // https://httpoxy.org.
    let names: &[&'static str] = if place.is_https {
        &["https_proxy", "HTTPS_PROXY", "all_proxy", "ALL_PROXY"]
    } else {
        &["http_proxy", "all_proxy", "ALL_PROXY"]
    };
    for name in names {
        if let Some(value) = text_of(name, environment)? {
            return Ok((!value.is_empty()).then_some((*name, value)));
        }
    }
    Ok(None)
}

fn text_of(name: &str, environment: &dyn Fn(&str) -> Option<OsString>) -> Result<Option<String>> {
    match environment(name).map(OsString::into_string) {
        None => Ok(None),
        Some(Ok(value)) => Ok(Some(value.trim().to_owned())),
        Some(Err(_)) => Err(LlmError::invalid(format!("the variable {name} is no UTF-8"))),
    }
}

/// A URL with scheme, such as the transport takes.
fn checked(url: &str, name: &str) -> Result<String> {
    let url = url.trim();
    let url = if url.contains("://") { url.to_owned() } else { format!("http://{url}") };
    let refused = |why: String| LlmError::Invalid {
        message: format!("the proxy of {name} cannot be used: {why}"),
        hint: Some("write http://host:port, or proxy = \"direct\" at the host".to_owned()),
    };
    let split = Split::of(&url).map_err(|error| refused(error.to_string()))?;
    if split.is_https {
        return Err(refused(
            "it wants HTTPS on the way to the proxy itself, which is not supported".to_owned(),
        ));
    }
    if split.has_path() {
        return Err(refused("it has a path".to_owned()));
    }
    Ok(url)
}

fn is_excepted(place: &Place, environment: &dyn Fn(&str) -> Option<OsString>) -> Result<bool> {
    let list = match text_of("no_proxy", environment)? {
        Some(list) => list,
        None => text_of("NO_PROXY", environment)?.unwrap_or_default(),
    };
    Ok(list.split(|c: char| c == ',' || c.is_whitespace()).any(|entry| excepts(entry, place)))
}

/// Whether one entry of `NO_PROXY` speaks of this host. What cannot be read speaks of none.
fn excepts(entry: &str, place: &Place) -> bool {
    if entry == "*" {
        return true;
    }
    if let Some((network, bits)) = entry.split_once('/') {
        let network = network.trim_start_matches('[').trim_end_matches(']').parse();
        return match (network, bits.parse(), place.address()) {
            (Ok(network), Ok(bits), Some(address)) => is_within(unmapped(address), unmapped(network), bits),
            _ => false,
        };
    }
    // Without brackets, a whole IPv6 address has no port.
    if let Ok(address) = entry.parse::<IpAddr>() {
        return place.address().is_some_and(|other| unmapped(other) == unmapped(address));
    }
    let name = entry.strip_prefix("*.").or_else(|| entry.strip_prefix('.')).unwrap_or(entry);
    let Ok((name, port)) = host_and_port(name, "NO_PROXY") else {
        return false;
    };
    if port.is_some_and(|port| port != place.port) {
        return false;
    }
    if let Ok(address) = name.parse::<IpAddr>() {
        return place.address().is_some_and(|other| unmapped(other) == unmapped(address));
    }
    let (host, name) = (place.host.trim_end_matches('.'), name.trim_end_matches('.'));
    place.address().is_none()
        && (host == name || host.strip_suffix(name).is_some_and(|front| front.ends_with('.')))
}

/// An IPv4 address that is written as IPv6, as IPv4.
fn unmapped(address: IpAddr) -> IpAddr {
    address.to_canonical()
}

fn is_within(address: IpAddr, network: IpAddr, bits: u32) -> bool {
    match (address, network) {
        (IpAddr::V4(address), IpAddr::V4(network)) => {
            bits <= 32 && (address.to_bits() ^ network.to_bits()).checked_shr(32 - bits).unwrap_or(0) == 0
        }
        (IpAddr::V6(address), IpAddr::V6(network)) => {
            bits <= 128 && (address.to_bits() ^ network.to_bits()).checked_shr(128 - bits).unwrap_or(0) == 0
        }
        _ => false,
    }
}

#[cfg(test)]
mod tests;
