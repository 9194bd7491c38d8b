//! Python: functions, classes, and what the module assigns.

use tree_sitter::Node;

use super::{Found, Part, Rule, Within, names};
use crate::symbols::SymbolKind;

pub(super) fn rule<'tree>(node: Node<'tree>, within: Within, source: &[u8]) -> Rule<'tree> {
    match node.kind() {
        "module"
        | "decorated_definition"
        | "expression_statement"
        | "block"
        | "if_statement"
        | "elif_clause"
        | "else_clause"
        | "try_statement"
        | "except_clause"
        | "except_group_clause"
        | "finally_clause"
        | "for_statement"
        | "while_statement"
        | "match_statement"
        | "case_clause"
        | "with_statement" => Rule::Enter,
        "function_definition" => Found::of(within.function(), node),
        "class_definition" => Found::scope(SymbolKind::Class, node),
        "type_alias_statement" => {
            let (left, right) = (node.child_by_field_name("left"), node.child_by_field_name("right"));
            Found::named(SymbolKind::Type, left.map(alias), right)
        }
        "assignment" if within == Within::Module => assignment(node, source),
        _ => Rule::Skip,
    }
}

/// `Pair` of `type Pair[T] = …`, where it stands in nodes for the type and its parameters.
fn alias(left: Node<'_>) -> Node<'_> {
    let mut of = left;
    // `type`, `generic_type`, `identifier`.
    for _ in 0..4 {
        match of.named_child(0) {
            Some(first) if of.kind() != "identifier" => of = first,
            _ => break,
        }
    }
    if of.kind() == "identifier" { of } else { left }
}

/// `a, b = c = 1, 2`
fn assignment<'tree>(node: Node<'tree>, source: &[u8]) -> Rule<'tree> {
    let mut found = Vec::new();
    let mut one = Some(node);
    let mut value = None;
    while let Some(assigns) = one {
        if let Some(left) = assigns.child_by_field_name("left") {
            found.extend(names(left, part));
        }
        value = assigns.child_by_field_name("right");
        one = value.filter(|value| value.kind() == "assignment");
    }
    // A convention of PEP 8, and all that the language has for it.
    let is_constant = |name: &Node<'_>| {
        let text = source.get(name.byte_range()).unwrap_or_default();
        text.iter().any(u8::is_ascii_uppercase) && !text.iter().any(u8::is_ascii_lowercase)
    };
    let kind = if found.iter().all(is_constant) { SymbolKind::Constant } else { SymbolKind::Variable };
    Rule::Symbol(Found { kind, names: found, body: value, owner: None, is_scope: false })
}

/// What an attribute or an element is assigned to has no name of its own.
fn part(node: Node<'_>) -> Part<'_> {
    match node.kind() {
        "identifier" => Part::Name,
        "pattern_list" | "tuple_pattern" | "list_pattern" | "list_splat_pattern" => Part::All,
        _ => Part::None,
    }
}
