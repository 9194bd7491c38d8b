//! Where a host is: a URL in canonical form (R12), which is also its name in `global.db`.

use crate::error::Result;
use crate::host::Dialect;

/// A base URL: scheme, lower-case host, port; no trailing slash, no `/v1` or `/api`, no query. User information is
/// kept apart, becomes a header, and is never printed.
#[derive(Clone, PartialEq, Eq)]
pub struct Endpoint {
    canonical: String,
    /// `user:password` of the URL.
    user: Option<crate::secret::Secret>,
}

impl Endpoint {
    /// Reads a URL.
    ///
    /// # Errors
    /// One that is refused, with why and a hint; what may be a password in it is not repeated.
    pub fn parse(url: &str, dialect: Dialect) -> Result<Self> {
        let _ = (url, dialect);
        todo!("t")
    }

    /// The vendor's own, where the dialect has one (`https://api.anthropic.com`, `https://api.openai.com`,
    /// `http://127.0.0.1:11434`).
    pub fn usual(dialect: Dialect) -> Self {
        let _ = dialect;
        todo!("t")
    }

    /// The canonical URL, without user information: what is printed, and the key in `global.db`.
    pub fn as_str(&self) -> &str {
        &self.canonical
    }

    /// Whether it is this machine, or an address of a private network (or a name without a dot).
    pub fn is_private(&self) -> bool {
        todo!("t")
    }

    /// Whether it is this machine.
    pub fn is_loopback(&self) -> bool {
        todo!("t")
    }

    /// The URL of a path, such as `/v1/models`.
    pub(crate) fn url(&self, path: &str) -> String {
        format!("{}{path}", self.canonical)
    }

    /// `Authorization` of the user information.
    pub(crate) fn authorization(&self) -> Option<&crate::secret::Secret> {
        self.user.as_ref()
    }
}

impl std::fmt::Debug for Endpoint {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&self.canonical)
    }
}
