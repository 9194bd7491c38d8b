//! Where JSON values begin and end in a text, without recursion and in one pass: depth and length are the agent's.

/// Why no value begins here, and where that showed.
#[derive(Debug, PartialEq, Eq)]
enum Broken {
    /// The text ended before the value did.
    Cut,
    /// A byte that cannot stand where it does.
    At(usize),
}

/// Whether the text is one JSON value (RFC 8259), with white space around it or not.
pub(super) fn is_json(text: &[u8]) -> bool {
    std::str::from_utf8(text).is_ok()
        && value_end(text, 0).is_ok_and(|end| skip_space(text, end) == text.len())
}

/// Whether the text is one JSON object or list.
pub(super) fn is_container(text: &[u8]) -> bool {
    matches!(text.first(), Some(b'{' | b'[')) && is_json(text)
}

/// The objects and lists of objects among the sentences of a text, the outermost ones, in order.
///
/// A region in braces that is no JSON is passed over as a whole: what is whole inside of it is a part of a broken
/// answer, not an answer. One that the end of the text cut off ends the search for the same reason.
pub(super) fn objects(text: &[u8]) -> Vec<&[u8]> {
    let (mut found, mut position, mut closing) = (Vec::new(), 0, None);
    while let Some(begin) = next_begin(text, position) {
        match value_end(text, begin) {
            Ok(end) => {
                let value = text.get(begin..end).unwrap_or_default();
                if std::str::from_utf8(value).is_ok() {
                    found.push(value);
                }
                position = end;
            }
            Err(Broken::Cut) => break,
            Err(Broken::At(wrong)) => {
                let closing: &Vec<(usize, usize)> = closing.get_or_insert_with(|| pairs(text));
                let pair = closing.binary_search_by_key(&begin, |(open, _)| *open).ok();
                let end = pair.and_then(|at| closing.get(at)).map(|(_, close)| close + 1);
                // Never back before what was read: that would be read again and again.
                position = end.unwrap_or(wrong).max(wrong).max(begin + 1);
            }
        }
    }
    found
}

/// Where the next object, or list of objects, may begin.
fn next_begin(text: &[u8], from: usize) -> Option<usize> {
    let rest = text.get(from..)?;
    let begins = |(at, byte): (usize, &u8)| match byte {
        b'{' => true,
        b'[' => text.get(skip_space(text, from + at + 1)) == Some(&b'{'),
        _ => false,
    };
    rest.iter().enumerate().position(begins).map(|at| from + at)
}

/// The braces and brackets that belong together, by the position of the opening one; what stands in quotes is
/// counted like the rest, as quotes among sentences pair up with anything.
fn pairs(text: &[u8]) -> Vec<(usize, usize)> {
    let (mut open, mut pairs) = (Vec::new(), Vec::new());
    for (at, byte) in text.iter().enumerate() {
        match byte {
            b'{' | b'[' => open.push((at, byte + 2)),
            b'}' | b']' => {
                // One that was never closed inside of one that is: a stray.
                while let Some((begin, end)) = open.pop() {
                    if end == *byte {
                        pairs.push((begin, at));
                        break;
                    }
                }
            }
            _ => {}
        }
    }
    pairs.sort_unstable();
    pairs
}

fn skip_space(text: &[u8], from: usize) -> usize {
    let is_space = |byte: &&u8| matches!(byte, b' ' | b'\t' | b'\n' | b'\r');
    from + text.get(from..).unwrap_or_default().iter().take_while(is_space).count()
}

/// What may come next.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Next {
    Value,
    /// A value or the end of the list.
    First,
    /// A key or the end of the object.
    FirstKey,
    Key,
    /// A comma or the end of what is open.
    After,
}

/// The position behind the value that begins at `from`, or behind white space there.
fn value_end(text: &[u8], from: usize) -> Result<usize, Broken> {
    // The closing byte of everything that is open.
    let mut open: Vec<u8> = Vec::new();
    let (mut at, mut next) = (from, Next::Value);
    loop {
        at = skip_space(text, at);
        let byte = *text.get(at).ok_or(Broken::Cut)?;
        match (next, byte) {
            (Next::First, b']') | (Next::FirstKey, b'}') => {
                open.pop();
                (at, next) = (at + 1, Next::After);
            }
            (Next::After, b',') => {
                let in_object = open.last() == Some(&b'}');
                (at, next) = (at + 1, if in_object { Next::Key } else { Next::Value });
            }
            (Next::After, close) if open.last() == Some(&close) => {
                open.pop();
                at += 1;
            }
            (Next::Key | Next::FirstKey, b'"') => {
                at = skip_space(text, string_end(text, at)?);
                match text.get(at) {
                    Some(b':') => (at, next) = (at + 1, Next::Value),
                    Some(_) => return Err(Broken::At(at)),
                    None => return Err(Broken::Cut),
                }
            }
            (Next::Value | Next::First, b'{') => {
                open.push(b'}');
                (at, next) = (at + 1, Next::FirstKey);
            }
            (Next::Value | Next::First, b'[') => {
                open.push(b']');
                (at, next) = (at + 1, Next::First);
            }
            (Next::Value | Next::First, _) => (at, next) = (scalar_end(text, at)?, Next::After),
            _ => return Err(Broken::At(at)),
        }
        if open.is_empty() {
            return Ok(at);
        }
    }
}

fn scalar_end(text: &[u8], at: usize) -> Result<usize, Broken> {
    let word = |word: &[u8]| {
        let rest = text.get(at..).unwrap_or_default();
        if rest.starts_with(word) {
            Ok(at + word.len())
        } else if word.starts_with(rest) {
            Err(Broken::Cut)
        } else {
            Err(Broken::At(at))
        }
    };
    match text.get(at) {
        Some(b'"') => string_end(text, at),
        Some(b't') => word(b"true"),
        Some(b'f') => word(b"false"),
        Some(b'n') => word(b"null"),
        Some(b'-' | b'0'..=b'9') => number_end(text, at),
        _ => Err(Broken::At(at)),
    }
}

fn string_end(text: &[u8], begin: usize) -> Result<usize, Broken> {
    let mut at = begin + 1;
    loop {
        match text.get(at).ok_or(Broken::Cut)? {
            b'"' => return Ok(at + 1),
            b'\\' => match text.get(at + 1).ok_or(Broken::Cut)? {
                b'"' | b'\\' | b'/' | b'b' | b'f' | b'n' | b'r' | b't' => at += 2,
                b'u' => {
                    for digit in at + 2..at + 6 {
                        if !text.get(digit).ok_or(Broken::Cut)?.is_ascii_hexdigit() {
                            return Err(Broken::At(digit));
                        }
                    }
                    at += 6;
                }
                _ => return Err(Broken::At(at + 1)),
            },
            0..0x20 => return Err(Broken::At(at)),
            _ => at += 1,
        }
    }
}

fn number_end(text: &[u8], begin: usize) -> Result<usize, Broken> {
    let digits = |from: usize| {
        let count =
            text.get(from..).unwrap_or_default().iter().take_while(|byte| byte.is_ascii_digit()).count();
        match (count, text.get(from)) {
            (0, None) => Err(Broken::Cut),
            (0, Some(_)) => Err(Broken::At(from)),
            _ => Ok(from + count),
        }
    };
    let mut at = begin + usize::from(text.get(begin) == Some(&b'-'));
    at = if text.get(at) == Some(&b'0') { at + 1 } else { digits(at)? };
    if text.get(at) == Some(&b'.') {
        at = digits(at + 1)?;
    }
    if matches!(text.get(at), Some(b'e' | b'E')) {
        let signed = matches!(text.get(at + 1), Some(b'+' | b'-'));
        at = digits(at + 1 + usize::from(signed))?;
    }
    Ok(at)
}

#[cfg(test)]
mod tests;
