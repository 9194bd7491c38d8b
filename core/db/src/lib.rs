//! One writer, many readers.
