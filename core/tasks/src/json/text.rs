//! Texts: escapes resolved, and written only where JSON demands them.

use std::fmt::Write as _;

/// Half of a surrogate pair, which no UTF-8 can hold.
pub(super) const HALF: &str = "half of a surrogate pair";

/// The text of a JSON string with its quotes; `None` for what is none, or half of a surrogate pair.
pub fn decode(quoted: &[u8]) -> Option<String> {
    let inner = std::str::from_utf8(quoted).ok()?.strip_prefix('"')?.strip_suffix('"')?;
    let bytes = inner.as_bytes();
    let mut end = plain_end(bytes, 0);
    if end == bytes.len() {
        return Some(inner.to_owned());
    }
    let mut text = String::with_capacity(bytes.len());
    let mut begin = 0;
    loop {
        text.push_str(inner.get(begin..end)?);
        match bytes.get(end) {
            None => return Some(text),
            Some(b'\\') => {
                let (character, length) = escape(bytes, end).ok()?;
                text.push(character);
                begin = end + length;
                end = plain_end(bytes, begin);
            }
            Some(_) => return None,
        }
    }
}

/// A JSON string with its quotes. Escaped are quotes, backslashes and control characters, nothing else.
pub fn encode(text: &str) -> String {
    let bytes = text.as_bytes();
    let mut quoted = String::with_capacity(bytes.len() + 2);
    quoted.push('"');
    let mut begin = 0;
    loop {
        let end = plain_end(bytes, begin);
        quoted.push_str(text.get(begin..end).unwrap_or_default());
        match bytes.get(end) {
            None => break,
            Some(b'"') => quoted.push_str("\\\""),
            Some(b'\\') => quoted.push_str("\\\\"),
            Some(b'\n') => quoted.push_str("\\n"),
            Some(b'\r') => quoted.push_str("\\r"),
            Some(b'\t') => quoted.push_str("\\t"),
            Some(0x08) => quoted.push_str("\\b"),
            Some(0x0c) => quoted.push_str("\\f"),
            Some(control) => {
                // Writing to a String cannot fail.
                let _ = write!(quoted, "\\u{control:04x}");
            }
        }
        begin = end + 1;
    }
    quoted.push('"');
    quoted
}

/// Where the bytes end that stand for themselves in a string: at a quote, a backslash, a control character or the end.
pub(super) fn plain_end(bytes: &[u8], begin: usize) -> usize {
    let mut at = begin;
    // Eight at once: most of a record is long texts. The lowest byte that is marked is a right one; those above it may
    // be marked by a borrow, and do not count.
    while let Some(eight) = bytes.get(at..).and_then(<[u8]>::first_chunk::<8>) {
        let marked = special(u64::from_le_bytes(*eight));
        if marked != 0 {
            return at + marked.trailing_zeros() as usize / 8;
        }
        at += 8;
    }
    while bytes.get(at).is_some_and(|&byte| byte >= b' ' && byte != b'"' && byte != b'\\') {
        at += 1;
    }
    at
}

/// The high bit of each byte that is a quote, a backslash or below a blank.
const fn special(eight: u64) -> u64 {
    const ONES: u64 = 0x0101_0101_0101_0101;
    const HIGH: u64 = 0x8080_8080_8080_8080;
    const fn zero(eight: u64) -> u64 {
        eight.wrapping_sub(ONES) & !eight
    }
    let quote = zero(eight ^ (ONES * b'"' as u64));
    let backslash = zero(eight ^ (ONES * b'\\' as u64));
    let control = eight.wrapping_sub(ONES * b' ' as u64) & !eight;
    (quote | backslash | control) & HIGH
}

/// The character of the escape that begins at this backslash, and its length; both halves of a pair are one escape.
pub(super) fn escape(bytes: &[u8], at: usize) -> Result<(char, usize), &'static str> {
    let short = match bytes.get(at + 1) {
        Some(b'u') => {
            let unit = unit(bytes, at).ok_or("an escape that is none")?;
            return match unit {
                0xD800..=0xDBFF => {
                    let low =
                        unit_after(bytes, at).filter(|low| (0xDC00..=0xDFFF).contains(low)).ok_or(HALF)?;
                    let code = 0x1_0000 + ((unit - 0xD800) << 10) + (low - 0xDC00);
                    char::from_u32(code).map(|character| (character, 12)).ok_or(HALF)
                }
                _ => char::from_u32(unit).map(|character| (character, 6)).ok_or(HALF),
            };
        }
        Some(&byte @ (b'"' | b'\\' | b'/')) => char::from(byte),
        Some(b'b') => '\u{8}',
        Some(b'f') => '\u{c}',
        Some(b'n') => '\n',
        Some(b'r') => '\r',
        Some(b't') => '\t',
        _ => return Err("an escape that is none"),
    };
    Ok((short, 2))
}

/// The second escape of a pair.
fn unit_after(bytes: &[u8], at: usize) -> Option<u32> {
    (bytes.get(at + 6..at + 8)? == b"\\u").then(|| unit(bytes, at + 6)).flatten()
}

/// The number of a `\uXXXX`.
fn unit(bytes: &[u8], at: usize) -> Option<u32> {
    bytes
        .get(at + 2..at + 6)?
        .iter()
        .try_fold(0, |unit, &byte| Some(unit << 4 | char::from(byte).to_digit(16)?))
}

#[cfg(test)]
mod tests;
