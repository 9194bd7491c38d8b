//! Server-sent events (the WHATWG's HTML standard, 9.2.6), as far as models use them.
