//! Where a source is wrong.

use tree_sitter::{Node, Tree};

use super::language::Language;

/// Characters of the source that are shown.
const SHOWN: usize = 20;

/// The first place that the grammar does not allow, in words; `None` where there is none.
pub(super) fn first(language: Language, tree: &Tree, source: &[u8]) -> Option<String> {
    if !tree.root_node().has_error() {
        return None;
    }
    let mut cursor = tree.walk();
    // One without others in it, or with the last bracket that is open, says more than one around half of the file.
    let mut around = None;
    loop {
        let node = cursor.node();
        let is_inner = node.is_error() && !(node.children(&mut node.walk())).any(|child| child.has_error());
        if is_inner || node.is_missing() {
            return Some(told(node, source));
        }
        if node.is_error() && around.is_none() {
            around = Some(node);
        }
        // Only where there is an error below.
        if node.has_error() && cursor.goto_first_child() {
            continue;
        }
        while !cursor.goto_next_sibling() {
            if !cursor.goto_parent() {
                return match around {
                    Some(node) => Some(told(node, source)),
                    // The grammar of Go wants a `;` before each `)`, which the language does not
                    // (<https://go.dev/ref/spec#Semicolons>), and the one that is missing cannot be seen in the tree.
                    None if language == Language::Go => None,
                    None => Some("the parser found it wrong, and does not say where".to_owned()),
                };
            }
        }
    }
}

/// The last bracket among the children of an error that none of them closes.
fn open_bracket(error: Node<'_>) -> Option<Node<'_>> {
    let mut open: Vec<Node<'_>> = Vec::new();
    for child in error.children(&mut error.walk()) {
        match child.kind() {
            "(" | "[" | "{" => open.push(child),
            ")" | "]" | "}" => {
                open.pop();
            }
            _ => {}
        }
    }
    open.pop()
}

fn told(node: Node<'_>, source: &[u8]) -> String {
    let is_long = node.end_position().row > node.start_position().row;
    let bracket = Some(node).filter(|node| node.is_error() && is_long).and_then(open_bracket);
    let is_open = bracket.is_some();
    let node = bracket.unwrap_or(node);
    let place = node.start_position();
    let before =
        source.get(node.start_byte().saturating_sub(place.column)..node.start_byte()).unwrap_or_default();
    let (line, column) = (place.row + 1, String::from_utf8_lossy(before).chars().count() + 1);
    if is_open {
        return format!("line {line}, column {column}: {:?} is not closed", node.kind());
    }
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
