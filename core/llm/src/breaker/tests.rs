//! The breaker as a value.
