//! The breaker of a host as a value: what a stored row becomes by a failure, a success, a claim, time (B2–B6). Knows no
//! database and no clock: it is given the time.
