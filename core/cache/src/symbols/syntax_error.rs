//! Where a source is wrong.

use tree_sitter::{Node, Tree};

/// Characters of the source that are shown.
const SHOWN: usize = 20;

/// The first place that the grammar does not allow, in words; `None` where there is none.
pub(super) fn first(tree: &Tree, source: &[u8]) -> Option<String> {
    if !tree.root_node().has_error() {
        return None;
    }
    let mut cursor = tree.walk();
    loop {
        let node = cursor.node();
        if node.is_error() || node.is_missing() {
            return Some(told(node, source));
        }
        // Only where there is an error below.
        if node.has_error() && cursor.goto_first_child() {
            continue;
        }
        while !cursor.goto_next_sibling() {
            if !cursor.goto_parent() {
                return Some("the parser found it wrong, and does not say where".to_owned());
            }
        }
    }
}

fn told(node: Node<'_>, source: &[u8]) -> String {
    let place = node.start_position();
    let before =
        source.get(node.start_byte().saturating_sub(place.column)..node.start_byte()).unwrap_or_default();
    let (line, column) = (place.row + 1, String::from_utf8_lossy(before).chars().count() + 1);
    if node.is_missing() {
        let kind = node.kind();
        let what = if node.is_named() { kind.replace('_', " ") } else { format!("{kind:?}") };
        return format!("line {line}, column {column}: {what} is missing");
    }
    // Four bytes for each character, at most.
    let end = node.end_byte().min(node.start_byte() + SHOWN * 4);
    let text = String::from_utf8_lossy(source.get(node.start_byte()..end).unwrap_or_default());
    let shown: String = text.lines().next().unwrap_or_default().chars().take(SHOWN).collect();
    format!("line {line}, column {column}: not understood: {shown:?}")
}
