//! Names of new tasks: short hashes, as bd makes them, never one that was ever given.

/// Facts of a new task that its name is made of.
#[derive(Debug, Clone)]
pub struct Seed<'task> {
    /// The title.
    pub title: &'task str,
    /// The description, empty where there is none.
    pub description: &'task str,
    /// Who creates it.
    pub creator: &'task str,
    /// When, in nanoseconds since 1970.
    pub created_ns: i128,
}

/// `<prefix>-<hash>` of this length (3 to 8) and nonce.
pub fn hashed(prefix: &str, seed: &Seed<'_>, length: usize, nonce: u32) -> String {
    let _ = (prefix, seed, length, nonce);
    todo!("B2")
}

/// The length to begin with among so many top-level tasks: the smallest of 3 to 8 at which the chance of a collision
/// is at most a quarter.
pub fn length_for(tasks: u64) -> usize {
    let _ = tasks;
    todo!("B2")
}

/// The part of an id before its hash or number; `None` for one without.
pub fn prefix_of(id: &str) -> Option<&str> {
    let _ = id;
    todo!("B2")
}

/// The prefix that a folder's name makes: `[a-z0-9-]`, else `task`.
pub fn prefix_of_folder(name: &str) -> String {
    let _ = name;
    todo!("B2")
}
