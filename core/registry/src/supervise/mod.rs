//! Starting an agent's process and waiting for its end.
