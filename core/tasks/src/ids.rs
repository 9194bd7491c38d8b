//! Names of new tasks: short hashes, as bd makes them, never one that was ever given.
//!
//! The instant and a nonce are part of what is hashed: without them a task that is made again with the same title
//! would get the id of the one that was deleted (beads issue 592).

use sha2::{Digest, Sha256};

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

/// The lengths that a hash can have.
pub const LENGTHS: std::ops::RangeInclusive<usize> = 3..=8;

/// How many nonces are tried at one length before the next length is.
pub const NONCES: u32 = 10;

const DIGITS: &[u8; 36] = b"0123456789abcdefghijklmnopqrstuvwxyz";

/// `<prefix>-<hash>` of this length (3 to 8) and nonce.
pub fn hashed(prefix: &str, seed: &Seed<'_>, length: usize, nonce: u32) -> String {
    let length = length.clamp(*LENGTHS.start(), *LENGTHS.end());
    let Seed { title, description, creator, created_ns } = seed;
    let hash = Sha256::digest(format!("{title}|{description}|{creator}|{created_ns}|{nonce}"));
    let bytes = match length {
        3 => 2,
        4 => 3,
        5 | 6 => 4,
        _ => 5,
    };
    let mut number = hash.iter().take(bytes).fold(0_u64, |number, byte| number << 8 | u64::from(*byte));
    // The least significant digits, the leading ones padded with zeros.
    let mut digits = vec!['0'; length];
    for digit in digits.iter_mut().rev() {
        *digit = char::from(DIGITS[(number % 36) as usize]);
        number /= 36;
    }
    let digits: String = digits.into_iter().collect();
    format!("{prefix}-{digits}")
}

/// The length to begin with among so many top-level tasks: the smallest of 3 to 8 at which the chance of a collision
/// is at most a quarter.
pub fn length_for(tasks: u64) -> usize {
    #[expect(clippy::cast_precision_loss, reason = "a chance needs no more than 52 bits")]
    let tasks = tasks as f64;
    let mut names = 36_f64.powi(2);
    for length in LENGTHS {
        names *= 36.0;
        // The birthday problem, as bd reckons it.
        if 1.0 - (-tasks * tasks / (2.0 * names)).exp() <= 0.25 {
            return length;
        }
    }
    *LENGTHS.end()
}

/// The part of an id before its hash or number; `None` for one without.
///
/// A prefix may contain `-` itself: the last part counts as the hash where it looks like one (a number, three letters
/// or digits, or four to eight of them with a digit among them); else, as in `hq-mayor-role`, the prefix ends at the
/// first `-`. Numbers of children (`.1.2`) do not count.
pub fn prefix_of(id: &str) -> Option<&str> {
    let mut top = id;
    while let Some((parent, _)) = child_number(top) {
        top = parent;
    }
    let (first, last) = (top.find('-')?, top.rfind('-')?);
    let end = if looks_like_hash(&top[last + 1..]) { last } else { first };
    (end > 0).then(|| &top[..end])
}

fn looks_like_hash(part: &str) -> bool {
    let lower = part.bytes().all(|byte| byte.is_ascii_digit() || byte.is_ascii_lowercase());
    let digits = part.bytes().filter(u8::is_ascii_digit).count();
    let is_number = !part.is_empty() && digits == part.len();
    is_number || lower && (part.len() == 3 || LENGTHS.contains(&part.len()) && digits > 0)
}

/// The parent's id and the number behind its last `.`; `None` for an id that is no child's. Numbers that are too
/// large to be counted on are none.
pub fn child_number(id: &str) -> Option<(&str, u64)> {
    let (parent, number) = id.rsplit_once('.')?;
    if parent.is_empty() || number.is_empty() || !number.bytes().all(|byte| byte.is_ascii_digit()) {
        return None;
    }
    Some((parent, number.parse().ok()?))
}

/// The prefix that a folder's name makes: `[a-z0-9-]`, else `task`.
pub fn prefix_of_folder(name: &str) -> String {
    let mut prefix = String::with_capacity(name.len());
    for character in name.chars() {
        match character.to_ascii_lowercase() {
            letter @ ('a'..='z' | '0'..='9') => prefix.push(letter),
            // What is left out parts words, once.
            _ if prefix.ends_with('-') || prefix.is_empty() => {}
            _ => prefix.push('-'),
        }
    }
    prefix.truncate(prefix.trim_end_matches('-').len());
    if prefix.is_empty() { "task".to_owned() } else { prefix }
}

#[cfg(test)]
mod tests;
