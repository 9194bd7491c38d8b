//! Views of hosts.
