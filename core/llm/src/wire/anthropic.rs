//! The messages of Anthropic (2.4).
