//! The client against servers on this machine that fail on purpose.
