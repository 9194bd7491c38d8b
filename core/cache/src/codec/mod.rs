//! Symbols as bytes: a binary form with a version whose strings are read in place.
//!
//! All numbers are little-endian. Twelve bytes: `CSY`, the version, how many symbols, how long the syntax error is (all ones:
//! there is none). Then 24 bytes for each symbol: kind, whether its name is the end of its qualified name, two zeros, first
//! line, last line, and the lengths of qualified name, signature and name. Then the texts, without anything between them:
//! the syntax error, and for each symbol its qualified name, its signature, and its name where that is not the end of the
//! first.

use std::str::from_utf8;

use crate::symbols::{Extracted, Owned, Symbol, SymbolKind};

/// Rises with every change to the form.
pub(crate) const VERSION: u16 = 1;

const MAGIC: [u8; 4] = [b'C', b'S', b'Y', VERSION as u8];
const HEADER: usize = 12;
const RECORD: usize = 24;
/// The length of a syntax error that is not there.
const NONE: u32 = u32::MAX;

/// Symbols, and the syntax error of their file, read out of a value's bytes without copying.
#[derive(Debug, Clone, Copy)]
pub struct SymbolsView<'v> {
    records: &'v [[u8; RECORD]],
    /// The texts of the symbols.
    texts: &'v str,
    syntax_error: Option<&'v str>,
}

impl<'v> SymbolsView<'v> {
    /// Reads a value. `None` where it is damaged, cut or of another version: every offset, length and text is checked here
    /// once, so that what follows cannot fail.
    pub fn read(bytes: &'v [u8]) -> Option<Self> {
        let (header, rest) = bytes.split_first_chunk::<HEADER>()?;
        if header[..4] != MAGIC {
            return None;
        }
        let count = usize::try_from(number(header, 4)).ok()?;
        let (records, texts) = rest.split_at_checked(count.checked_mul(RECORD)?)?;
        let (records, []) = records.as_chunks::<RECORD>() else { return None };
        let texts = from_utf8(texts).ok()?;
        let (syntax_error, texts) = match number(header, 8) {
            NONE => (None, texts),
            length => {
                let (error, texts) = texts.split_at_checked(usize::try_from(length).ok()?)?;
                (Some(error), texts)
            }
        };
        let mut left = texts;
        for record in records {
            (_, left) = split(record, left)?;
        }
        left.is_empty().then_some(Self { records, texts, syntax_error })
    }

    /// The syntax error of the file.
    pub const fn syntax_error(&self) -> Option<&'v str> {
        self.syntax_error
    }

    /// How many symbols there are.
    pub const fn len(&self) -> usize {
        self.records.len()
    }

    /// Whether there are none.
    pub const fn is_empty(&self) -> bool {
        self.records.is_empty()
    }

    /// The symbols, in the order of the file.
    pub fn iter(&self) -> impl Iterator<Item = Symbol<'v>> + use<'v> {
        let mut left = self.texts;
        self.records.iter().map_while(move |record| {
            // `read` has seen that it is there.
            let (symbol, rest) = split(record, left)?;
            left = rest;
            Some(symbol)
        })
    }
}

/// The number that stands at this place.
fn number<const N: usize>(bytes: &[u8; N], at: usize) -> u32 {
    let mut four = [0; 4];
    four.copy_from_slice(&bytes[at..at + 4]);
    u32::from_le_bytes(four)
}

/// A symbol whose texts stand first in `texts`, and the texts after it.
fn split<'v>(record: &[u8; RECORD], texts: &'v str) -> Option<(Symbol<'v>, &'v str)> {
    let length = |at| usize::try_from(number(record, at)).ok();
    let kind = *SymbolKind::ALL.get(usize::from(record[0]))?;
    let (qualified_name, rest) = texts.split_at_checked(length(12)?)?;
    let (signature, rest) = rest.split_at_checked(length(16)?)?;
    let (name, rest) = match record[1..4] {
        [0, 0, 0] => rest.split_at_checked(length(20)?)?,
        [1, 0, 0] => (qualified_name.get(qualified_name.len().checked_sub(length(20)?)?..)?, rest),
        _ => return None,
    };
    let (start_line, end_line) = (number(record, 4), number(record, 8));
    Some((Symbol { kind, name, qualified_name, start_line, end_line, signature }, rest))
}

/// The bytes of what was extracted. A text of 4 GiB or more, which no source holds, is left out.
pub fn encode(extracted: &Extracted) -> Vec<u8> {
    let symbols = extracted.symbols.get(..u32::MAX as usize).unwrap_or(&extracted.symbols);
    let texts: usize =
        symbols.iter().map(|one| one.qualified_name.len() + one.signature.len() + one.name.len()).sum();
    let mut bytes = Vec::with_capacity(HEADER + symbols.len() * RECORD + texts);
    bytes.extend_from_slice(&MAGIC);
    bytes.extend_from_slice(&length(symbols.len()).to_le_bytes());
    let syntax_error = extracted.syntax_error.as_deref().map(fitting);
    bytes.extend_from_slice(&syntax_error.map_or(NONE, |error| length(error.len())).to_le_bytes());
    for symbol in symbols {
        let [qualified_name, signature, name] = texts_of(symbol);
        let kind = SymbolKind::ALL.iter().position(|kind| *kind == symbol.kind).unwrap_or_default();
        bytes.extend_from_slice(&[u8::try_from(kind).unwrap_or_default(), u8::from(is_end(symbol)), 0, 0]);
        let numbers = [symbol.start_line, symbol.end_line];
        let lengths = [qualified_name, signature, name].map(|text| length(text.len()));
        for number in numbers.into_iter().chain(lengths) {
            bytes.extend_from_slice(&number.to_le_bytes());
        }
    }
    bytes.extend_from_slice(syntax_error.unwrap_or_default().as_bytes());
    for symbol in symbols {
        let [qualified_name, signature, name] = texts_of(symbol);
        bytes.extend_from_slice(qualified_name.as_bytes());
        bytes.extend_from_slice(signature.as_bytes());
        if !is_end(symbol) {
            bytes.extend_from_slice(name.as_bytes());
        }
    }
    bytes
}

fn texts_of(symbol: &Owned) -> [&str; 3] {
    [&symbol.qualified_name, &symbol.signature, &symbol.name].map(|text| fitting(text))
}

fn is_end(symbol: &Owned) -> bool {
    let [qualified_name, _, name] = texts_of(symbol);
    qualified_name.ends_with(name)
}

/// The text, where its length can be written, and is not the mark for none.
fn fitting(text: &str) -> &str {
    if text.len() < NONE as usize { text } else { "" }
}

fn length(length: usize) -> u32 {
    u32::try_from(length).unwrap_or_default()
}

#[cfg(test)]
mod tests;
