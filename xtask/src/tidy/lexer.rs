//! Tells code, comments and literals of a Rust file apart. Knows just enough of the language for that.

/// A string literal: where it begins, and what stands between its quotes, escapes and all.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Literal {
    /// 1-based.
    pub(crate) line: usize,
    pub(crate) text: String,
}

/// A file taken apart. Lines stay where they are.
#[derive(Debug, Clone, Default)]
pub(crate) struct Parts {
    /// The text with comments and the insides of literals blanked out.
    pub(crate) code: String,
    pub(crate) literals: Vec<Literal>,
}

/// Takes a Rust file apart.
pub(crate) fn split(text: &str) -> Parts {
    let mut lexer = Lexer { rest: text, line: 1, parts: Parts::default() };
    while !lexer.rest.is_empty() {
        lexer.step();
    }
    lexer.parts
}

struct Lexer<'text> {
    rest: &'text str,
    line: usize,
    parts: Parts,
}

impl Lexer<'_> {
    fn step(&mut self) {
        if self.rest.starts_with("//") {
            self.blank(self.rest.find('\n').unwrap_or(self.rest.len()));
        } else if self.rest.starts_with("/*") {
            self.blank(block_comment(self.rest));
        } else if let Some(hashes) = raw_string(self.rest).filter(|_| !self.after_word()) {
            let open = self.rest.find('"').map_or(0, |quote| quote + 1);
            self.keep(open);
            let close = format!("\"{}", "#".repeat(hashes));
            let end = self.rest.find(&close).unwrap_or(self.rest.len());
            self.literal(end, close.len());
        } else if self.rest.starts_with('"') {
            self.keep(1);
            self.literal(string_end(self.rest), 1);
        } else if let Some(length) = char_literal(self.rest) {
            self.blank(length);
        } else {
            self.keep(self.rest.chars().next().map_or(1, char::len_utf8));
        }
    }

    /// Whether what was kept last could go on, as the `r` of `for` or `br` of a name.
    fn after_word(&self) -> bool {
        self.parts.code.ends_with(|last: char| last.is_alphanumeric() || last == '_')
    }

    fn literal(&mut self, end: usize, close: usize) {
        self.parts.literals.push(Literal { line: self.line, text: self.rest[..end].to_owned() });
        self.blank(end);
        self.keep(close.min(self.rest.len()));
    }

    fn keep(&mut self, length: usize) {
        let (kept, rest) = self.rest.split_at(length);
        self.line += kept.matches('\n').count();
        self.parts.code.push_str(kept);
        self.rest = rest;
    }

    fn blank(&mut self, length: usize) {
        let (blanked, rest) = self.rest.split_at(length);
        self.line += blanked.matches('\n').count();
        self.parts.code.extend(blanked.chars().map(|each| if each == '\n' { '\n' } else { ' ' }));
        self.rest = rest;
    }
}

/// The number of `#` when a raw string begins here.
fn raw_string(text: &str) -> Option<usize> {
    let text = text.strip_prefix('b').or_else(|| text.strip_prefix('c')).unwrap_or(text);
    let text = text.strip_prefix('r')?;
    let after = text.trim_start_matches('#');
    after.starts_with('"').then_some(text.len() - after.len())
}

/// Where the string ends whose opening quote was just read.
fn string_end(text: &str) -> usize {
    let mut escaped = false;
    for (place, each) in text.char_indices() {
        match each {
            _ if escaped => escaped = false,
            '\\' => escaped = true,
            '"' => return place,
            _ => {}
        }
    }
    text.len()
}

/// The length of a character literal; a lifetime is none.
fn char_literal(text: &str) -> Option<usize> {
    let inside = text.strip_prefix('\'')?;
    let first = inside.chars().next()?;
    if first == '\\' {
        let after = inside.char_indices().nth(2)?.0;
        return Some(1 + after + inside.get(after..)?.find('\'')? + 1);
    }
    inside[first.len_utf8()..].starts_with('\'').then_some(first.len_utf8() + 2)
}

/// The length of a block comment, with those inside it.
fn block_comment(text: &str) -> usize {
    let (mut depth, mut place) = (0_usize, 0);
    while let Some(rest) = text.get(place..) {
        if rest.starts_with("/*") {
            depth += 1;
            place += 2;
        } else if rest.starts_with("*/") {
            depth -= 1;
            place += 2;
            if depth == 0 {
                return place;
            }
        } else if let Some(each) = rest.chars().next() {
            place += each.len_utf8();
        } else {
            break;
        }
    }
    text.len()
}

#[cfg(test)]
mod tests;
