//! Search by words.

use conclave_db::Db;

use super::list::TaskRow;
use crate::error::Result;
use crate::store::{finding, reading};

/// More words are not looked for.
const WORDS: usize = 64;

/// Tasks that have all these words (the last may be a beginning), the best first. No input is an error; without a word
/// nothing is found, and beyond 64 none is looked at. Tombstones are left out.
pub fn search(db: &Db, words: &str, limit: Option<u64>) -> Result<Vec<TaskRow>> {
    let Some(query) = query(words) else { return Ok(Vec::new()) };
    let now = reading::now_ns(db);
    db.read(|conn| {
        let numbers = finding::search(conn, &query, limit)?;
        reading::rows(conn, &numbers, now)
    })
}

/// The words as FTS5 wants them: each in quotes, so that none of its own words or signs is meant. They are parted where
/// `unicode61` parts them (<https://sqlite.org/fts5.html#unicode61_tokenizer>); a mark on a letter belongs to it.
fn query(words: &str) -> Option<String> {
    let words: Vec<String> = words
        .split(|character: char| !character.is_alphanumeric() && !is_mark(character))
        .filter(|word| word.contains(char::is_alphanumeric))
        .take(WORDS)
        .map(|word| format!("\"{word}\""))
        .collect();
    (!words.is_empty()).then(|| words.join(" ") + " *")
}

/// Marks that are written on the letter before them.
const fn is_mark(character: char) -> bool {
    matches!(character, '\u{300}'..='\u{36f}')
}

#[cfg(test)]
mod tests;
