//! Where a host is: a URL in canonical form (R12), which is also its name in `global.db`.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use crate::error::{LlmError, Result};
use crate::host::Dialect;
use crate::redact::Redactor;
use crate::secret::Secret;

/// A base URL: scheme, lower-case host, port; no trailing slash, no `/v1` or `/api`, no query. User information is
/// kept apart, becomes a header, and is never printed.
#[derive(Clone, PartialEq, Eq)]
pub struct Endpoint {
    canonical: String,
    place: Place,
    user: Option<User>,
}

/// `user:password` of a URL.
#[derive(Clone, PartialEq, Eq)]
struct User {
    both: Secret,
    password: Secret,
}

/// What is connected to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Place {
    /// In lower case, an IPv6 address without brackets.
    pub(crate) host: String,
    pub(crate) port: u16,
    pub(crate) is_https: bool,
}

impl Endpoint {
    /// Reads a URL.
    ///
    /// # Errors
    /// One that is refused, with why and a hint; what may be a password in it is not repeated.
    pub fn parse(url: &str, dialect: Dialect) -> Result<Self> {
        let split = Split::of(url)?;
        let place = Place { host: split.host, port: split.port, is_https: split.is_https };
        let path = base_path(&split.path, dialect, &place)?;
        Ok(Self { canonical: format!("{}{path}", place.origin()), place, user: split.user })
    }

    /// The vendor's own, where the dialect has one (`https://api.anthropic.com`, `https://api.openai.com`,
    /// `http://127.0.0.1:11434`).
    pub fn usual(dialect: Dialect) -> Self {
        let (host, port, is_https) = match dialect {
            Dialect::Anthropic => ("api.anthropic.com", 443, true),
            Dialect::Openai => ("api.openai.com", 443, true),
            Dialect::Ollama => ("127.0.0.1", 11434, false),
        };
        let place = Place { host: host.to_owned(), port, is_https };
        Self { canonical: place.origin(), place, user: None }
    }

    /// The canonical URL, without user information: what is printed, and the key in `global.db`.
    pub fn as_str(&self) -> &str {
        &self.canonical
    }

    /// Whether it is this machine, or an address of a private network (or a name without a dot).
    pub fn is_private(&self) -> bool {
        self.is_loopback()
            || match self.place.address() {
                Some(IpAddr::V4(address)) => is_private_v4(address),
                Some(IpAddr::V6(address)) => is_private_v6(address),
                None => is_private_name(self.place.name()),
            }
    }

    /// Whether it is this machine.
    pub fn is_loopback(&self) -> bool {
        self.place.is_loopback()
    }

    /// Whether what is sent there is encrypted.
    pub fn is_https(&self) -> bool {
        self.place.is_https
    }

    /// The URL of a path, such as `/v1/models`.
    pub(crate) fn url(&self, path: &str) -> String {
        format!("{}{path}", self.canonical)
    }

    pub(crate) fn place(&self) -> &Place {
        &self.place
    }

    /// `user:password` of the URL, for `Authorization: Basic` (RFC 7617), which [`crate::transport`] writes.
    pub(crate) fn authorization(&self) -> Option<&Secret> {
        self.user.as_ref().map(|user| &user.both)
    }

    /// What must be found nowhere: user information as a whole, and its password alone.
    pub(crate) fn secrets(&self) -> impl Iterator<Item = &Secret> {
        self.user.iter().flat_map(|user| [&user.both, &user.password])
    }
}

impl std::fmt::Debug for Endpoint {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&self.canonical)
    }
}

impl Place {
    /// The address, where the host is one.
    pub(crate) fn address(&self) -> Option<IpAddr> {
        self.host.parse().ok()
    }

    /// Whether it is this machine: RFC 6761 section 6.3 has all of `localhost` stay on it.
    pub(crate) fn is_loopback(&self) -> bool {
        match self.address() {
            Some(IpAddr::V4(address)) => address.is_loopback() || address.is_unspecified(),
            Some(IpAddr::V6(address)) => match address.to_ipv4_mapped() {
                Some(mapped) => mapped.is_loopback() || mapped.is_unspecified(),
                None => address.is_loopback() || address.is_unspecified(),
            },
            None => self.is_localhost(),
        }
    }

    /// Whether it is the name of this machine.
    pub(crate) fn is_localhost(&self) -> bool {
        self.name() == "localhost" || self.name().ends_with(".localhost")
    }

    /// `host`, with brackets where they are needed.
    pub(crate) fn bracketed(&self) -> String {
        if self.host.contains(':') { format!("[{}]", self.host) } else { self.host.clone() }
    }

    /// `host:port`.
    pub(crate) fn authority(&self) -> String {
        format!("{}:{}", self.bracketed(), self.port)
    }

    /// `scheme://host:port`, the port only where it is not the usual one.
    pub(crate) fn origin(&self) -> String {
        let scheme = if self.is_https { "https" } else { "http" };
        if self.port == usual_port(self.is_https) {
            format!("{scheme}://{}", self.bracketed())
        } else {
            format!("{scheme}://{}", self.authority())
        }
    }

    /// Without the dot that ends an absolute name.
    fn name(&self) -> &str {
        self.host.strip_suffix('.').unwrap_or(&self.host)
    }
}

const fn usual_port(is_https: bool) -> u16 {
    if is_https { 443 } else { 80 }
}

/// The parts of a URL, for hosts and for proxies.
pub(crate) struct Split {
    pub(crate) host: String,
    pub(crate) port: u16,
    pub(crate) is_https: bool,
    /// From the first slash on.
    path: String,
    user: Option<User>,
}

impl Split {
    pub(crate) fn of(url: &str) -> Result<Self> {
        let url = url.trim_matches(|c: char| c.is_ascii_whitespace());
        let shown = shown(url);
        let Some((scheme, rest)) = url.split_once("://") else {
            let hint = if is_host_and_port(url) {
                format!("write http://{url} or https://{url}")
            } else {
                "write http:// or https:// before the host".to_owned()
            };
            return Err(refused(format!("{shown} has no scheme"), &hint));
        };
        let is_https = match scheme.to_ascii_lowercase().as_str() {
            "http" => false,
            "https" => true,
            _ => {
                return Err(refused(format!("{shown} is neither http nor https"), "use http:// or https://"));
            }
        };
        if rest.contains(['?', '#']) {
            return Err(refused(
                format!("{shown} has a query or a fragment"),
                "give the base URL only; keys come from api_key_env or api_key_file; \
                 in a password write %3F for ? and %23 for #",
            ));
        }
        if let Some(bad) = rest.chars().find(|c| !c.is_ascii_graphic() || "\\\"<>^`{|}".contains(*c)) {
            return Err(refused(
                format!("{shown} has a character that no URL has (U+{:04X})", u32::from(bad)),
                "write it percent-encoded, and a host outside of ASCII in its xn-- form",
            ));
        }
        let (authority, path) = match rest.find('/') {
            Some(slash) => rest.split_at(slash),
            None => (rest, ""),
        };
        let (user, server) = match authority.rsplit_once('@') {
            Some((user, server)) => (Some(User::of(user, &shown)?), server),
            None => (None, authority),
        };
        let (host, port) = host_and_port(server, &shown)?;
        let port = port.unwrap_or(usual_port(is_https));
        Ok(Self { host, port, is_https, path: path.to_owned(), user })
    }

    /// Whether there is more than scheme, host and port.
    pub(crate) fn has_path(&self) -> bool {
        !self.path.trim_matches('/').is_empty()
    }

    /// `user:password`.
    pub(crate) fn user(&self) -> Option<&Secret> {
        self.user.as_ref().map(|user| &user.both)
    }

    /// What must be found nowhere: user information as a whole, and its password alone.
    pub(crate) fn secrets(self) -> Vec<Secret> {
        self.user.map(|user| vec![user.both, user.password]).unwrap_or_default()
    }
}

impl User {
    fn of(encoded: &str, shown: &str) -> Result<Self> {
        let (name, password) = encoded.split_once(':').unwrap_or((encoded, ""));
        let decoded = |part: &str| {
            percent_decoded(part)
                .and_then(|bytes| String::from_utf8(bytes).ok())
                .filter(|text| !text.chars().any(char::is_control))
                .ok_or_else(|| {
                    refused(
                        format!("{shown} has user information that cannot be read"),
                        "write % as %25 and @ as %40 in it",
                    )
                })
        };
        let (name, password) = (decoded(name)?, decoded(password)?);
        if name.contains(':') {
            // RFC 7617 section 2: it would be read as the beginning of the password.
            return Err(refused(
                format!("{shown} has a colon in the user's name"),
                "a name with a colon cannot be sent",
            ));
        }
        Ok(Self { both: Secret::new(format!("{name}:{password}")), password: Secret::new(password) })
    }
}

/// What of a URL is repeated where it is refused: scheme and host. A key may stand anywhere else, by whatever mistake;
/// an "@" means that a password may stand in place of the host too.
fn shown(url: &str) -> String {
    let scheme = ["http://", "https://"]
        .into_iter()
        .find(|scheme| url.get(..scheme.len()).is_some_and(|start| start.eq_ignore_ascii_case(scheme)));
    let Some(scheme) = scheme.filter(|_| !url.contains('@')) else {
        return if is_host_and_port(url) { format!("the URL {url:?}") } else { "the URL".to_owned() };
    };
    let rest = url.get(scheme.len()..).unwrap_or_default();
    let end = rest.find(|c: char| !c.is_ascii_alphanumeric() && !"-_.".contains(c)).unwrap_or(rest.len());
    let (host, more) = rest.split_at(end);
    let more = if more.is_empty() { "" } else { "…" };
    format!("the URL \"{scheme}{}{more}\"", Redactor::default().line(host, 253))
}

/// Whether it is a URL without its scheme, and surely nothing else.
fn is_host_and_port(text: &str) -> bool {
    text.split_once(':')
        .is_some_and(|(host, port)| host_name(host, "").is_ok() && port_number(port).is_some())
}

/// `%41` as `A`; `None` for a `%` without two digits.
fn percent_decoded(text: &str) -> Option<Vec<u8>> {
    let mut decoded = Vec::with_capacity(text.len());
    let mut bytes = text.bytes();
    while let Some(byte) = bytes.next() {
        if byte == b'%' {
            let high = char::from(bytes.next()?).to_digit(16)?;
            let low = char::from(bytes.next()?).to_digit(16)?;
            decoded.push(u8::try_from(high * 16 + low).ok()?);
        } else {
            decoded.push(byte);
        }
    }
    Some(decoded)
}

fn refused(message: String, hint: &str) -> LlmError {
    LlmError::Invalid { message, hint: Some(hint.to_owned()) }
}

/// Host in lower case without brackets, and the port where one is named.
pub(crate) fn host_and_port(server: &str, shown: &str) -> Result<(String, Option<u16>)> {
    let (host, port) = if let Some(rest) = server.strip_prefix('[') {
        let Some((address, after)) = rest.split_once(']') else {
            return Err(refused(format!("{shown} has a [ without its ]"), "write http://[::1]:11434"));
        };
        // A zone (fe80::1%eth0) is of this machine only and stands in no URL that others read.
        let Ok(address) = address.parse::<Ipv6Addr>() else {
            return Err(refused(
                format!("{shown} has no IPv6 address in its brackets"),
                "write http://[::1]:11434",
            ));
        };
        let port = match after.strip_prefix(':') {
            Some(port) => Some(port),
            None if after.is_empty() => None,
            None => {
                return Err(refused(
                    format!("{shown} has something between ] and the port"),
                    "write [::1]:11434",
                ));
            }
        };
        (address.to_string(), port)
    } else {
        let (host, port) = match server.split_once(':') {
            Some((_, port)) if port.contains(':') => {
                return Err(refused(
                    format!("{shown} has more than one port"),
                    "an IPv6 address stands in brackets",
                ));
            }
            Some((host, port)) => (host, Some(port)),
            None => (server, None),
        };
        (host_name(host, shown)?, port)
    };
    let port = match port {
        None | Some("") => None,
        Some(digits) => Some(port_number(digits).ok_or_else(|| {
            refused(
                format!("{shown} has no port between 1 and 65535 after its colon"),
                "write http://host:11434",
            )
        })?),
    };
    Ok((host, port))
}

fn port_number(digits: &str) -> Option<u16> {
    // `parse` takes a plus sign too.
    let is_number = digits.bytes().all(|byte| byte.is_ascii_digit());
    digits.parse().ok().filter(|port| is_number && *port != 0)
}

fn host_name(host: &str, shown: &str) -> Result<String> {
    let host = host.to_ascii_lowercase();
    let name = host.strip_suffix('.').unwrap_or(&host);
    let is_name = name.len() <= 253
        && name.split('.').all(|label| {
            (1..=63).contains(&label.len())
                && label.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'-' || byte == b'_')
        });
    if !is_name {
        let what = if name.is_empty() { "has no host" } else { "has a host that is no name and no address" };
        return Err(refused(format!("{shown} {what}"), "write http://host:11434"));
    }
    // The system's resolver takes 2130706433, 0x7f.1 and 010.0.0.1 as addresses, and not all alike. Whoever decides by
    // the text whether an address is private would be fooled: one form only.
    let last = name.rsplit('.').next().unwrap_or(name);
    let looks_numeric = last.bytes().all(|byte| byte.is_ascii_digit())
        || last.strip_prefix("0x").is_some_and(|digits| digits.bytes().all(|byte| byte.is_ascii_hexdigit()));
    if looks_numeric && host.parse::<Ipv4Addr>().is_err() {
        return Err(refused(
            format!("{shown} has a number that is no address"),
            "write four numbers, as in 127.0.0.1",
        ));
    }
    Ok(host)
}

/// What stays of the path: what a proxy in front of the server wants, without what every dialect adds itself.
fn base_path(path: &str, dialect: Dialect, place: &Place) -> Result<String> {
    let mut parts: Vec<&str> = path.split('/').filter(|part| !part.is_empty()).collect();
    if parts.iter().any(|part| {
        matches!(part.to_ascii_lowercase().as_str(), "." | ".." | "%2e" | "%2e%2e" | ".%2e" | "%2e.")
    }) {
        return Err(refused("the URL has . or .. in its path".to_owned(), "write the path without them"));
    }
    if percent_decoded(path).is_none() {
        return Err(refused("the URL has a % without two digits in its path".to_owned(), "write %25 for %"));
    }
    let added = match dialect {
        Dialect::Ollama => "api",
        Dialect::Openai | Dialect::Anthropic => "v1",
    };
    if dialect == Dialect::Ollama && parts.last() == Some(&"v1") {
        return Err(refused(
            format!(
                "the URL of the Ollama host {} ends with /v1, which speaks OpenAI's dialect",
                place.authority()
            ),
            "drop /v1 (better: the context can be set), or set dialect = \"openai\"",
        ));
    }
    if parts.last() == Some(&added) {
        parts.pop();
    }
    Ok(parts.iter().flat_map(|part| ["/", part]).collect())
}

fn is_private_v4(address: Ipv4Addr) -> bool {
    let [first, second, ..] = address.octets();
    // RFC 6598 is what carriers and overlay networks (Tailscale) use; it is not routed on the internet.
    let is_shared = first == 100 && (64..128).contains(&second);
    address.is_private() || address.is_link_local() || is_shared
}

fn is_private_v6(address: Ipv6Addr) -> bool {
    match address.to_ipv4_mapped() {
        Some(mapped) => is_private_v4(mapped),
        None => address.is_unique_local() || address.is_unicast_link_local(),
    }
}

/// Names that no server of the internet answers for: RFC 6762 (`local`), RFC 8375 (`home.arpa`), and `internal`, which
/// ICANN keeps free.
fn is_private_name(name: &str) -> bool {
    !name.contains('.') || [".local", ".home.arpa", ".internal"].iter().any(|suffix| name.ends_with(suffix))
}

#[cfg(test)]
mod tests;
