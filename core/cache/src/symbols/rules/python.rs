//! Python: functions, classes, and what the module assigns.

use tree_sitter::Node;

use super::{Found, Rule, Within};
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
        | "with_statement" => Rule::Enter,
        "function_definition" => Found::of(within.function(), node),
        "class_definition" => Found::scope(SymbolKind::Class, node),
        "type_alias_statement" => {
            let (left, right) = (node.child_by_field_name("left"), node.child_by_field_name("right"));
            Found::named(SymbolKind::Type, left, right)
        }
        "assignment" if within == Within::Module => {
            let left = node.child_by_field_name("left").filter(|left| left.kind() == "identifier");
            let Some(left) = left else { return Rule::Skip };
            let text = source.get(left.byte_range()).unwrap_or_default();
            // A convention of PEP 8, and all that the language has for it.
            let is_constant =
                text.iter().any(u8::is_ascii_uppercase) && !text.iter().any(u8::is_ascii_lowercase);
            let kind = if is_constant { SymbolKind::Constant } else { SymbolKind::Variable };
            Found::named(kind, Some(left), node.child_by_field_name("right"))
        }
        _ => Rule::Skip,
    }
}
