//! Whether two JSON values say the same: blanks, escapes and the order of members aside. Numbers are what they are
//! spelled as. No recursion: values are nested up to 10,000 deep.

use sha2::{Digest, Sha256};

use crate::json;

/// A hash of what a value says.
pub(super) type Fingerprint = [u8; 32];

/// Whether both values, which a record holds, say the same.
pub(super) fn same(left: &[u8], right: &[u8]) -> bool {
    left == right || fingerprint(left) == fingerprint(right)
}

/// The same where either may be absent.
pub(super) fn same_or_absent(left: Option<&[u8]>, right: Option<&[u8]>) -> bool {
    match (left, right) {
        (None, None) => true,
        (Some(left), Some(right)) => same(left, right),
        _ => false,
    }
}

/// An array or object that has begun.
struct Open {
    is_object: bool,
    key: Option<String>,
    items: Vec<(String, Fingerprint)>,
}

/// The hash of what a value says that [`json::check`] has passed; of anything else some hash.
pub(super) fn fingerprint(value: &[u8]) -> Fingerprint {
    let mut open: Vec<Open> = Vec::new();
    let mut whole = Fingerprint::default();
    let mut at = 0;
    while let Some(byte) = value.get(at) {
        let begin = at;
        at += 1;
        let said = match byte {
            b' ' | b'\t' | b'\r' | b'\n' | b',' | b':' => continue,
            b'{' | b'[' => {
                open.push(Open { is_object: *byte == b'{', key: None, items: Vec::new() });
                continue;
            }
            b'}' | b']' => match open.pop() {
                Some(closed) => of_container(closed),
                None => continue,
            },
            b'"' => {
                at = end_of_text(value, at);
                let quoted = value.get(begin..at).unwrap_or_default();
                let text = json::decode(quoted);
                if let Some(object) = open.last_mut().filter(|top| top.is_object && top.key.is_none()) {
                    object.key = Some(text.unwrap_or_default());
                    continue;
                }
                of_scalar(b"text", text.as_deref().map_or(quoted, str::as_bytes))
            }
            _ => {
                let rest = value.get(at..).unwrap_or_default();
                at += rest.iter().position(|byte| b" \t\r\n,:]}".contains(byte)).unwrap_or(rest.len());
                of_scalar(b"word", value.get(begin..at).unwrap_or_default())
            }
        };
        match open.last_mut() {
            Some(top) => {
                let key = top.key.take().unwrap_or_default();
                top.items.push((key, said));
            }
            None => whole = said,
        }
    }
    whole
}

/// Behind the closing quote of a text whose opening one was just read.
fn end_of_text(value: &[u8], begin: usize) -> usize {
    let mut at = begin;
    loop {
        match value.get(at) {
            None => return at,
            Some(b'"') => return at + 1,
            Some(b'\\') => at += 2,
            Some(_) => at += 1,
        }
        at = at.min(value.len());
    }
}

fn of_scalar(kind: &[u8], bytes: &[u8]) -> Fingerprint {
    Sha256::new().chain_update(kind).chain_update([0]).chain_update(bytes).finalize().into()
}

fn of_container(mut closed: Open) -> Fingerprint {
    let mut hash = Sha256::new();
    if closed.is_object {
        closed.items.sort();
        hash.update(b"object\0");
    } else {
        hash.update(b"array\0");
    }
    for (key, item) in closed.items {
        hash.update((key.len() as u64).to_le_bytes());
        hash.update(key);
        hash.update(item);
    }
    hash.finalize().into()
}

#[cfg(test)]
mod tests;
