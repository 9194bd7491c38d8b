//! Which entries were read since the last flush, and what was counted: kept in memory so that reads need not write.
