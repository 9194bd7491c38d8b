//! TypeScript and JavaScript, which its grammar contains.

use tree_sitter::Node;

use super::{Found, Rule, Within};
use crate::symbols::SymbolKind;

pub(super) fn rule<'tree>(node: Node<'tree>, within: Within, lead: Option<Node<'tree>>) -> Rule<'tree> {
    match node.kind() {
        "program"
        | "statement_block"
        | "class_body"
        | "interface_body"
        | "object_type"
        | "expression_statement" => Rule::Enter,
        "export_statement" | "ambient_declaration" | "lexical_declaration" | "variable_declaration" => {
            Rule::Lead
        }
        "function_declaration" | "generator_function_declaration" | "function_signature" => {
            Found::of(SymbolKind::Function, node)
        }
        "class_declaration" | "abstract_class_declaration" => Found::scope(SymbolKind::Class, node),
        // The value of a variable, which has the name.
        "class" if within == Within::Type => Rule::Enter,
        "class" => default(SymbolKind::Class, node, lead),
        "arrow_function" | "function_expression" | "generator_function" => {
            default(SymbolKind::Function, node, lead)
        }
        "interface_declaration" => Found::scope(SymbolKind::Interface, node),
        "enum_declaration" => Found::of(SymbolKind::Enum, node),
        "type_alias_declaration" => Found::value(SymbolKind::Type, node),
        "internal_module" | "module" => Found::scope(SymbolKind::Module, node),
        "method_definition" | "method_signature" | "abstract_method_signature" => {
            Found::of(SymbolKind::Method, node)
        }
        "public_field_definition" | "field_definition" => field(node),
        "variable_declarator" => variable(node, lead),
        _ => Rule::Skip,
    }
}

/// A field is a method where its value is a function.
fn field(node: Node<'_>) -> Rule<'_> {
    let name = node.child_by_field_name("name").or_else(|| node.child_by_field_name("property"));
    match function(node) {
        Some(value) => Found::named(SymbolKind::Method, name, value.child_by_field_name("body")),
        None => Rule::Skip,
    }
}

/// What is exported without a name of its own is imported as `default`.
fn default<'tree>(kind: SymbolKind, node: Node<'tree>, lead: Option<Node<'tree>>) -> Rule<'tree> {
    let word =
        || lead.and_then(|lead| (0..4).find_map(|at| lead.child(at).filter(|word| word.kind() == "default")));
    let Some(name) = node.child_by_field_name("name").or_else(word) else { return Rule::Skip };
    let body = node.child_by_field_name("body");
    Rule::Symbol(Found { kind, names: vec![name], body, owner: None, is_scope: kind == SymbolKind::Class })
}

fn variable<'tree>(node: Node<'tree>, lead: Option<Node<'tree>>) -> Rule<'tree> {
    let name = node.child_by_field_name("name").filter(|name| name.kind() == "identifier");
    let Some(name) = name else { return Rule::Skip };
    let value = node.child_by_field_name("value");
    if let Some(value) = function(node) {
        return Found::named(SymbolKind::Function, Some(name), value.child_by_field_name("body"));
    }
    if let Some(class) = value.filter(|value| value.kind() == "class") {
        let body = class.child_by_field_name("body");
        return Rule::Symbol(Found {
            kind: SymbolKind::Class,
            names: vec![name],
            body,
            owner: None,
            is_scope: true,
        });
    }
    // A declaration of constants begins with its word.
    let is_constant = lead.and_then(|lead| lead.child(0)).is_some_and(|word| word.kind() == "const");
    let kind = if is_constant { SymbolKind::Constant } else { SymbolKind::Variable };
    Found::named(kind, Some(name), value)
}

fn function(node: Node<'_>) -> Option<Node<'_>> {
    let value = node.child_by_field_name("value")?;
    matches!(value.kind(), "arrow_function" | "function_expression" | "generator_function").then_some(value)
}
