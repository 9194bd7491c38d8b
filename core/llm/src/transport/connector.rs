//! The socket below ureq: connects to each address in turn (both families of `localhost`), reads and writes with the
//! limits of the request, and can be shut down from another thread.
