//! Rust: items, those of modules and `impl` blocks too. What stands in the body of a function is its own affair.

use tree_sitter::Node;

use super::{Found, Rule, Within};
use crate::symbols::SymbolKind;

pub(super) fn rule<'tree>(node: Node<'tree>, within: Within, source: &[u8]) -> Rule<'tree> {
    match node.kind() {
        "source_file" | "declaration_list" | "foreign_mod_item" => Rule::Enter,
        "function_item" | "function_signature_item" => Found::of(within.function(), node),
        "struct_item" => {
            // Of a tuple struct the fields are the head.
            let body =
                node.child_by_field_name("body").filter(|body| body.kind() == "field_declaration_list");
            Found::named(SymbolKind::Struct, node.child_by_field_name("name"), body)
        }
        "union_item" => Found::of(SymbolKind::Struct, node),
        "enum_item" => Found::of(SymbolKind::Enum, node),
        "trait_item" => Found::scope(SymbolKind::Trait, node),
        "mod_item" => Found::scope(SymbolKind::Module, node),
        "impl_item" => {
            node.child_by_field_name("type").map_or(Rule::Enter, |of| Rule::Scope(without_arguments(of)))
        }
        "type_item" | "associated_type" => Found::of(SymbolKind::Type, node),
        // `const _: () = …` is there to be checked, and has no name.
        "const_item" if name(node, source) == Some(b"_") => Rule::Skip,
        "const_item" | "static_item" => Found::value(SymbolKind::Constant, node),
        "macro_definition" => {
            // Its rules have no node around them: the body begins after `macro_rules!` and the name.
            Found::named(SymbolKind::Macro, node.child_by_field_name("name"), node.child(2))
        }
        _ => Rule::Skip,
    }
}

fn name<'source>(node: Node<'_>, source: &'source [u8]) -> Option<&'source [u8]> {
    source.get(node.child_by_field_name("name")?.byte_range())
}

/// `Stack` of `Stack<T>`.
fn without_arguments(of: Node<'_>) -> Node<'_> {
    if of.kind() == "generic_type" { of.child_by_field_name("type").unwrap_or(of) } else { of }
}
