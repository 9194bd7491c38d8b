//! Legacy and normalised schema, import, verification and reading of consensus runs.
