//! Whom we trust: the roots of the web, and the certificates of `ca_file`. There is no switch to trust everybody.
