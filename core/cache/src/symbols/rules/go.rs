//! Go: declarations of the package; methods belong to the type of their receiver.

use tree_sitter::Node;

use super::{Found, Rule};
use crate::symbols::SymbolKind;

pub(super) fn rule<'tree>(node: Node<'tree>, source: &[u8]) -> Rule<'tree> {
    match node.kind() {
        "source_file" | "var_spec_list" | "interface_type" => Rule::Enter,
        "type_declaration" | "const_declaration" | "var_declaration" => Rule::Lead,
        "function_declaration" => Found::of(SymbolKind::Function, node),
        "method_declaration" => match Found::of(SymbolKind::Method, node) {
            Rule::Symbol(found) => Rule::Symbol(Found { owner: receiver(node), ..found }),
            other => other,
        },
        "method_elem" => Found::of(SymbolKind::Method, node),
        "type_spec" => named_type(node),
        "type_alias" => Found::named(SymbolKind::Type, node.child_by_field_name("name"), None),
        "const_spec" => several(SymbolKind::Constant, node, source),
        "var_spec" => several(SymbolKind::Variable, node, source),
        _ => Rule::Skip,
    }
}

fn named_type(node: Node<'_>) -> Rule<'_> {
    let name = node.child_by_field_name("name");
    let of = node.child_by_field_name("type");
    let Some((of, kind)) = of.and_then(|of| Some((of, of.kind()))) else { return Rule::Enter };
    // The body begins at the brace, `struct` and `interface` belong to the head.
    let brace = || (0..of.child_count()).find_map(|at| of.child(at).filter(|child| child.kind() == "{"));
    match kind {
        "struct_type" => Found::named(SymbolKind::Struct, name, of.named_child(0)),
        "interface_type" => match Found::named(SymbolKind::Interface, name, brace()) {
            Rule::Symbol(found) => Rule::Symbol(Found { is_scope: true, ..found }),
            other => other,
        },
        _ => Found::named(SymbolKind::Type, name, None),
    }
}

/// The type of `(s *Stack[T])`, without pointer and arguments.
fn receiver(node: Node<'_>) -> Option<Node<'_>> {
    let mut of = node.child_by_field_name("receiver")?.named_child(0)?.child_by_field_name("type")?;
    // A pointer to a generic type in parentheses is three steps; nobody writes more.
    for _ in 0..8 {
        of = match of.kind() {
            "pointer_type" | "parenthesized_type" => of.named_child(0)?,
            "generic_type" => of.child_by_field_name("type")?,
            _ => return Some(of),
        };
    }
    None
}

/// `a, b = 1, 2`; the blank one is no name.
fn several<'tree>(kind: SymbolKind, node: Node<'tree>, source: &[u8]) -> Rule<'tree> {
    let mut cursor = node.walk();
    let names = node.children_by_field_name("name", &mut cursor);
    let names = names.filter(|name| name.is_named() && source.get(name.byte_range()) != Some(b"_"));
    let names: Vec<_> = names.collect();
    let body = node.child_by_field_name("value");
    Rule::Symbol(Found { kind, names, body, owner: None, is_scope: false })
}
