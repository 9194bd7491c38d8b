//! Lines that end with LF, CRLF or CR, out of chunks that end anywhere.
