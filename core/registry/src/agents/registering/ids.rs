//! Ids of agents: what is allowed, and how one is made up.

use std::path::Path;

use super::folder_of;
use crate::agents::{Agent, BuilderType};
use crate::error::{RegistryError, Result};

/// The longest id. It becomes a file's name with some characters added.
const LONGEST: usize = 64;
/// Characters behind the stem of an id that is made up.
const DIGITS: usize = 4;
/// What they are made of.
const ALPHABET: &[u8; 36] = b"0123456789abcdefghijklmnopqrstuvwxyz";
/// So many are tried before it counts as used up.
const TRIES: usize = 1000;

/// Where an id comes from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Stem {
    /// Somebody said it.
    Given(String),
    /// It is this, `-` and four digits or letters.
    MadeUp(String),
}

/// Refuses an id that could not be the name of a folder, a log file and a branch: 1 to 64 of `[A-Za-z0-9._-]`, beginning
/// with a letter or a digit, without `..`, and not ending in `.` or `.lock`.
pub(super) fn check(what: &str, id: &str) -> Result<()> {
    let is_allowed = |letter: char| letter.is_ascii_alphanumeric() || "._-".contains(letter);
    let is_good = id.len() <= LONGEST
        && id.starts_with(|first: char| first.is_ascii_alphanumeric())
        && id.chars().all(is_allowed)
        && !id.contains("..")
        && !id.ends_with('.')
        && !id.ends_with(".lock");
    if is_good {
        return Ok(());
    }
    Err(RegistryError::Invalid(format!(
        "{id:?} is not {what}: 1 to {LONGEST} letters, digits, `.`, `_` and `-`, the first a letter or a digit, \
         without `..` and with neither `.` nor `.lock` at its end"
    )))
}

/// The id of a builder, or how it is made up.
pub(super) fn of_builder(kind: BuilderType, id: Option<&str>, protocol: Option<&str>) -> Result<Stem> {
    if let Some(id) = id {
        check("the id of a builder", id)?;
        return Ok(Stem::Given(id.to_owned()));
    }
    Ok(Stem::MadeUp(match (kind, protocol) {
        (BuilderType::Protocol, Some(protocol)) => {
            // With what is put behind it.
            check("the name of a protocol", &format!("{protocol}-0000")).map(|()| protocol.to_owned())?
        }
        _ => kind.as_str().to_owned(),
    }))
}

/// An id that no row, no folder of a worktree and no branch has.
pub(super) fn make_up(stem: &str, others: &[Agent], worktrees: Option<&Path>) -> Result<String> {
    for _ in 0..TRIES {
        let id = format!("{stem}-{}", digits()?);
        let is_taken = others.iter().any(|other| other.key.id == id)
            || worktrees.is_some_and(|worktrees| has_folder_or_branch(worktrees, &id));
        if !is_taken {
            return Ok(id);
        }
    }
    Err(RegistryError::Exhausted {
        text: format!("no free id that begins with {stem:?}"),
        hint: "`conclave cleanup ID` removes agents that are done with",
    })
}

/// Branches that git has packed away, or keeps elsewhere, are found by whoever makes the worktree.
fn has_folder_or_branch(worktrees: &Path, id: &str) -> bool {
    let is_there = |path: &Path| path.symlink_metadata().is_ok();
    let branches = worktrees.parent().map(|root| root.join(".git/refs/heads/builder"));
    is_there(&folder_of(worktrees, id)) || branches.is_some_and(|branches| is_there(&branches.join(id)))
}

fn digits() -> Result<String> {
    let mut bytes = [0_u8; DIGITS * 4];
    getrandom::fill(&mut bytes)
        .map_err(|error| RegistryError::io("make up an id", std::io::Error::other(error)))?;
    let digit = |four: &[u8]| {
        let number = four.iter().fold(0_usize, |number, byte| number << 8 | usize::from(*byte));
        char::from(ALPHABET[number % ALPHABET.len()])
    };
    Ok(bytes.chunks_exact(4).map(digit).collect())
}

#[cfg(test)]
mod tests;
