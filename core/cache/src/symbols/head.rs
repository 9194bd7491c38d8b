//! The head of a symbol: its name, its lines, and what stands before its body.

use std::ops::Range;

use tree_sitter::Node;

/// Bytes of a signature; what is longer is cut.
const MAX_SIGNATURE: usize = 256;
/// How much of the source is looked at for a signature: a head may be as long as the file.
const MAX_LOOKED_AT: usize = 4096;
/// What is put where something was cut.
const CUT: char = '…';

/// The lines of a symbol and its head.
pub(super) struct Head {
    pub(super) start_line: u32,
    pub(super) end_line: u32,
    pub(super) signature: String,
}

impl Head {
    /// Of a node that ends before `body`, and begins at `lead` where what stands there is a word for this node alone.
    pub(super) fn of(source: &[u8], node: Node<'_>, body: Option<Node<'_>>, lead: Option<usize>) -> Self {
        let own = after_decorators(node);
        let end = body.map_or(node.end_byte(), |body| body.start_byte());
        let start = lead.filter(|start| leads(source, *start..own.start_byte()));
        let row = |row: usize| u32::try_from(row).unwrap_or(u32::MAX).saturating_add(1);
        Self {
            start_line: row(own.start_position().row),
            end_line: row(last_row(node)),
            signature: signature(source, node, start.unwrap_or(own.start_byte())..end),
        }
    }
}

/// Where a node begins without the decorators before it: they are no part of the head.
fn after_decorators(node: Node<'_>) -> Node<'_> {
    let mut cursor = node.walk();
    let mut children = node.children(&mut cursor);
    match children.next() {
        Some(first) if first.kind() == "decorator" => {
            children.find(|child| child.kind() != "decorator").unwrap_or(node)
        }
        _ => node,
    }
}

/// Where a node begins, its decorators left out.
pub(super) fn begins(node: Node<'_>) -> usize {
    after_decorators(node).start_byte()
}

/// A node that ends with a line feed ends in the line before.
fn last_row(node: Node<'_>) -> usize {
    let (start, end) = (node.start_position(), node.end_position());
    if end.column == 0 && end.row > start.row { end.row - 1 } else { end.row }
}

/// Whether what stands between is a word such as `export default`: no group with others in it, and no decorator.
fn leads(source: &[u8], between: Range<usize>) -> bool {
    let text = source.get(between).unwrap_or_default();
    text.len() <= 64 && text.iter().all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_whitespace())
}

/// The text of a name, on one line.
pub(super) fn name(source: &[u8], node: Node<'_>, most: usize) -> String {
    let range = node.byte_range();
    let end = range.end.min(range.start.saturating_add(MAX_LOOKED_AT));
    let text = String::from_utf8_lossy(source.get(range.start..end).unwrap_or_default());
    one_line(&text, most)
}

fn signature(source: &[u8], node: Node<'_>, head: Range<usize>) -> String {
    let end = head.end.min(head.start.saturating_add(MAX_LOOKED_AT));
    let text = source.get(head.start..end).unwrap_or_default();
    let is_whole = end == head.end;
    let mut kept = Vec::with_capacity(text.len());
    let mut from = head.start;
    // A comment to the end of its line would swallow what follows on the one line.
    for comment in comments(node, text, head.start..end) {
        kept.extend_from_slice(source.get(from..comment.start).unwrap_or_default());
        kept.push(b' ');
        from = comment.end.min(end);
    }
    kept.extend_from_slice(source.get(from..end).unwrap_or_default());
    let mut line = one_line(&String::from_utf8_lossy(&kept), MAX_SIGNATURE);
    if is_whole && !line.ends_with(CUT) {
        let head = line.trim_end_matches([' ', '{', ';', ',']);
        let head = head.strip_suffix("=>").or_else(|| head.strip_suffix([':', '='])).unwrap_or(head);
        line.truncate(head.trim_end().len());
    }
    line
}

/// Where comments stand in a head, in order.
fn comments(node: Node<'_>, text: &[u8], head: Range<usize>) -> Vec<Range<usize>> {
    let mut found = Vec::new();
    let may_have =
        text.iter().any(|byte| *byte == b'#') || text.windows(2).any(|two| two == b"//" || two == b"/*");
    if !may_have {
        return found;
    }
    let mut cursor = node.walk();
    loop {
        let here = cursor.node();
        let is_before = here.start_byte() < head.end;
        if is_before && here.kind().ends_with("comment") && here.start_byte() >= head.start {
            found.push(here.byte_range());
        } else if is_before && cursor.goto_first_child() {
            continue;
        }
        while !cursor.goto_next_sibling() {
            if !cursor.goto_parent() {
                return found;
            }
        }
    }
}

/// Text with one space wherever there were some, line feeds and control characters too; cut after so many bytes.
fn one_line(text: &str, most: usize) -> String {
    let mut line = String::with_capacity(text.len().min(most + CUT.len_utf8()));
    let is_space = |found: char| found.is_whitespace() || found.is_control();
    for word in text.split(is_space).filter(|word| !word.is_empty()) {
        let gap = usize::from(!line.is_empty());
        if line.len() + gap + word.len() > most {
            if gap == 1 {
                line.push(' ');
            }
            let room = most.saturating_sub(line.len());
            line.push_str(word.get(..word.floor_char_boundary(room)).unwrap_or_default());
            line.push(CUT);
            return line;
        }
        if gap == 1 {
            line.push(' ');
        }
        line.push_str(word);
    }
    line
}
