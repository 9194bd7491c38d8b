//! Lines of the log about pressure, in the words of the original: one per change of state and interval, one at its end.
