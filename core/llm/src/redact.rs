//! Keys taken out of whatever leaves this crate: those in use, in plain, URL-encoded and base64 form, and whatever looks
//! like one (`sk-…`, `Bearer …`). Servers repeat keys in their errors.

mod decoded;

use std::collections::{BTreeMap, HashSet};
use std::ops::Range;

use base64::Engine;
use base64::prelude::{BASE64_STANDARD_NO_PAD, BASE64_URL_SAFE_NO_PAD};

use self::decoded::{Decoded, Loose, find_decoded};
use crate::secret::Secret;

/// What stands in place of a key.
const MARK: &str = "[key]";

/// A shorter secret is none, and taking it out would spoil every other word.
pub(crate) const MIN_KEY: usize = 3;

/// The same for what is left of one in base64.
const MIN_ENCODED: usize = 6;

/// Characters from which on the beginning of a key, at the end of a text that was cut there, is taken out.
const MIN_CUT: usize = 6;

/// The shortest key, or form of one, of which a part is looked for too; and how long such a part is.
const MIN_PARTED: usize = 12;
const PART: std::ops::RangeInclusive<usize> = 8..=12;

/// Characters after `sk-` or `Bearer` from which on it looks like a key.
const MIN_TOKEN: usize = 8;

/// What is taken out.
#[derive(Clone, Default)]
pub(crate) struct Redactor {
    /// All in ASCII.
    forms: Vec<String>,
    /// Parts of the long ones by their length, in small letters: a message may show a key but for some characters.
    parts: BTreeMap<usize, HashSet<Vec<u8>>>,
}

impl Redactor {
    pub(crate) fn new<'a>(secrets: impl IntoIterator<Item = &'a Secret>) -> Self {
        let mut forms = Vec::new();
        for secret in secrets {
            let key = secret.expose();
            if key.len() >= MIN_KEY {
                forms.push(key.to_owned());
                forms.extend(in_base64(key.as_bytes()).filter(|form| form.len() >= MIN_ENCODED));
            }
        }
        forms.sort_unstable();
        forms.dedup();
        let mut parts: BTreeMap<usize, HashSet<Vec<u8>>> = BTreeMap::new();
        for form in forms.iter().filter(|form| form.len() >= MIN_PARTED) {
            let length = (form.len() * 2 / 3).clamp(*PART.start(), *PART.end());
            let form = form.to_ascii_lowercase();
            parts.entry(length).or_default().extend(form.as_bytes().windows(length).map(<[u8]>::to_vec));
        }
        Self { forms, parts }
    }

    /// The text with `[key]` in place of every key, and of what is most of one, on one line, without control characters, at
    /// most `limit` characters.
    pub(crate) fn line(&self, text: &str, limit: usize) -> String {
        // First on one line: no key is put together by what is dropped, and none is cut before it is found.
        let flat = flat(text);
        let mut spans = self.keys(&flat);
        spans.extend(self.cut_key(&flat));
        spans.extend(self.nearly(&flat));
        spans.extend(tokens(&flat));
        let mut line = replaced(&flat, spans);
        if let Some((at, _)) = line.char_indices().nth(limit) {
            let keep = line.char_indices().nth(limit.saturating_sub(1)).map_or(at, |(at, _)| at);
            line.truncate(keep);
            if limit > 0 {
                line.push('…');
            }
        }
        line
    }

    /// The text as it is, but for the keys in use: for answers, in which examples of keys may stand. It may end within one,
    /// cut or by its limit of tokens.
    pub(crate) fn text(&self, text: &str) -> String {
        let mut spans = self.keys(text);
        spans.extend(self.cut_key(text));
        replaced(text, spans)
    }

    /// Whether a key stands in it.
    #[cfg(test)]
    pub(crate) fn finds(&self, text: &str) -> bool {
        !self.keys(text).is_empty()
    }

    /// The same as [`text`](Self::text) for a text that comes in pieces.
    pub(crate) fn pieces(&self) -> Pieces<'_> {
        Pieces { redactor: self, held: String::new() }
    }

    /// Where keys in use stand, as they are or escaped.
    fn keys(&self, text: &str) -> Vec<Range<usize>> {
        let mut spans = find_decoded(text, &self.forms);
        for form in &self.forms {
            spans.extend(text.match_indices(form.as_str()).map(|(at, found)| at..at + found.len()));
        }
        spans
    }

    /// Where most of a long key stands: some characters masked, with white space inside, in capitals, escaped twice.
    fn nearly(&self, text: &str) -> Vec<Range<usize>> {
        let mut spans = Vec::new();
        if self.parts.is_empty() {
            return spans;
        }
        let loose = Loose::of(text);
        for (length, parts) in &self.parts {
            spans.extend(loose.find(*length, |part| parts.contains(part)));
        }
        spans
    }

    /// The beginning of a key with which the text ends.
    fn cut_key(&self, text: &str) -> Option<Range<usize>> {
        let begin = self.unfinished(text)?;
        (text.len() - begin >= MIN_CUT).then_some(begin..text.len())
    }

    /// From where on what comes next could make a key of the end of the text.
    fn unfinished(&self, text: &str) -> Option<usize> {
        let longest = self.forms.iter().map(String::len).max()?;
        let skipped = text.len().saturating_sub(decoded::longest_escaped(longest));
        let decoded = Decoded::of(text.as_bytes().get(skipped..).unwrap_or_default());
        let mut begin = decoded.as_ref().and_then(|decoded| decoded.unfinished).map(|begin| skipped + begin);
        for form in &self.forms {
            let form = form.as_bytes();
            let raw = overlap(text.as_bytes(), form).map(|length| text.len() - length);
            let escaped = decoded.as_ref().and_then(|decoded| {
                let length = overlap(&decoded.bytes, form)?;
                Some(skipped + decoded.starts.get(decoded.bytes.len() - length)?)
            });
            begin = [begin, raw, escaped].into_iter().flatten().min();
        }
        begin
    }
}

/// A text that comes in pieces: what may be the beginning of a key is held back until it is clear.
pub(crate) struct Pieces<'a> {
    redactor: &'a Redactor,
    held: String,
}

impl Pieces<'_> {
    /// Takes a piece, and gives what can be shown.
    pub(crate) fn push(&mut self, piece: &str) -> String {
        if self.redactor.forms.is_empty() {
            return piece.to_owned();
        }
        self.held.push_str(piece);
        let spans = self.redactor.keys(&self.held);
        let mut cut = self.redactor.unfinished(&self.held).unwrap_or(self.held.len());
        // One key may begin as another ends: none is torn.
        while let Some(span) = spans.iter().find(|span| span.start < cut && cut < span.end) {
            cut = span.start;
        }
        let rest = self.held.split_off(cut);
        let ready = std::mem::replace(&mut self.held, rest);
        replaced(&ready, spans.into_iter().filter(|span| span.end <= cut).collect())
    }

    /// Nothing more comes: what was held back.
    pub(crate) fn end(self) -> String {
        self.redactor.text(&self.held)
    }
}

/// What base64 makes of these bytes wherever they begin in a longer text, such as `user:key` or `Bearer key`: the
/// characters that no neighbour changes, for each of the three places in a group, in both alphabets (RFC 4648).
fn in_base64(key: &[u8]) -> impl Iterator<Item = String> {
    (0..3_usize).flat_map(move |before| {
        let mut padded = vec![0; before];
        padded.extend_from_slice(key);
        let own = (before * 8).div_ceil(6)..padded.len() * 8 / 6;
        [BASE64_STANDARD_NO_PAD.encode(&padded), BASE64_URL_SAFE_NO_PAD.encode(&padded)]
            .into_iter()
            .filter_map(move |encoded| encoded.get(own.clone()).map(str::to_owned))
    })
}

/// The longest beginning of `form`, but not all of it, with which `text` ends.
fn overlap(text: &[u8], form: &[u8]) -> Option<usize> {
    (1..form.len().min(text.len() + 1))
        .rev()
        .find(|length| form.get(..*length).is_some_and(|head| text.ends_with(head)))
}

/// What looks like a key, whoever it belongs to.
fn tokens(text: &str) -> Vec<Range<usize>> {
    let mut spans = Vec::new();
    let lower = text.to_ascii_lowercase();
    let begins_word = |at: usize| {
        !text
            .get(..at)
            .is_some_and(|before| before.ends_with(|c: char| c.is_alphanumeric() || c == '-' || c == '_'))
    };
    // Servers show parts of keys with stars between.
    let is_of_key = |c: char| c.is_ascii_alphanumeric() || "-_.*+/=~".contains(c);
    let token = |from: usize| {
        let rest = text.get(from..).unwrap_or_default();
        let end = rest.find(|c| !is_of_key(c)).unwrap_or(rest.len());
        rest.get(..end).unwrap_or_default().trim_end_matches('.')
    };
    for (at, found) in text.match_indices("sk-").filter(|(at, _)| begins_word(*at)) {
        let token = token(at + found.len());
        if token.len() >= MIN_TOKEN {
            spans.push(at..at + found.len() + token.len());
        }
    }
    for scheme in ["bearer", "basic"] {
        for (at, found) in lower.match_indices(scheme).filter(|(at, _)| begins_word(*at)) {
            let rest = text.get(at + found.len()..).unwrap_or_default();
            let between = rest.strip_prefix("%20").unwrap_or(rest);
            let value = between.trim_start_matches([' ', '"', '\'', '+', ':', '=']);
            let begin = text.len() - value.len();
            let token = token(begin);
            // "Bearer authentication is required" names none.
            let is_word = token.len() < 20 && token.bytes().all(|byte| byte.is_ascii_alphabetic());
            if value.len() < rest.len() && token.len() >= MIN_TOKEN && !is_word {
                spans.push(begin..begin + token.len());
            }
        }
    }
    spans
}

/// On one line: what controls a terminal, or is not seen, is a space, and there are never two in a row.
fn flat(text: &str) -> String {
    let mut flat = String::with_capacity(text.len());
    for c in text.chars() {
        let unseen = matches!(c, '\u{200B}'..='\u{200F}' | '\u{2028}'..='\u{202E}' | '\u{2060}'..='\u{2069}' | '\u{FEFF}');
        if c.is_control() || c.is_whitespace() || unseen {
            if !flat.ends_with(' ') {
                flat.push(' ');
            }
        } else {
            flat.push(c);
        }
    }
    flat.trim().to_owned()
}

/// The text with the mark in place of each span; those that touch are one.
fn replaced(text: &str, mut spans: Vec<Range<usize>>) -> String {
    spans.sort_unstable_by_key(|span| (span.start, span.end));
    let mut out = String::with_capacity(text.len());
    let mut at = 0;
    let mut is_open = false;
    for span in spans {
        if span.start > at || !is_open {
            out.push_str(text.get(at..span.start).unwrap_or_default());
            out.push_str(MARK);
            is_open = true;
        }
        at = at.max(span.end);
    }
    out.push_str(text.get(at..).unwrap_or_default());
    out
}

#[cfg(test)]
mod tests;
