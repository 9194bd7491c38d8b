//! TypeScript and JavaScript, which its grammar contains.

use tree_sitter::Node;

use super::{Found, Part, Place, Rule, Within, names};
use crate::symbols::SymbolKind;

pub(super) fn rule<'tree>(node: Node<'tree>, place: Place<'_, 'tree>) -> Rule<'tree> {
    let (within, lead) = (place.within, place.lead.map(|lead| lead.node));
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
        "assignment_expression" => assigned(node, place.source),
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
    let Some(name) = node.child_by_field_name("name") else { return Rule::Skip };
    let value = node.child_by_field_name("value");
    let is_pattern = name.kind() != "identifier";
    if let Some(value) = function(node).filter(|_| !is_pattern) {
        return Found::named(SymbolKind::Function, Some(name), value.child_by_field_name("body"));
    }
    if let Some(class) = value.filter(|value| value.kind() == "class" && !is_pattern) {
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
    Rule::Symbol(Found { kind, names: names(name, part), body: value, owner: None, is_scope: false })
}

/// `{ a, b: [c], d = 1, ...e }`
fn part(node: Node<'_>) -> Part<'_> {
    match node.kind() {
        "identifier" | "shorthand_property_identifier_pattern" => Part::Name,
        "object_pattern" | "array_pattern" | "rest_pattern" => Part::All,
        "pair_pattern" => Part::One(node.child_by_field_name("value")),
        "assignment_pattern" | "object_assignment_pattern" => Part::One(node.child_by_field_name("left")),
        _ => Part::None,
    }
}

/// Functions and classes that are assigned: `exports.a = …`, `module.exports = …`, `A.prototype.b = …`, `A.b = …`.
fn assigned<'tree>(node: Node<'tree>, source: &[u8]) -> Rule<'tree> {
    let (Some(left), Some(value)) = (node.child_by_field_name("left"), node.child_by_field_name("right"))
    else {
        return Rule::Skip;
    };
    let is_class = value.kind() == "class";
    let (Some(of), Some(name)) = (left.child_by_field_name("object"), left.child_by_field_name("property"))
    else {
        return Rule::Skip;
    };
    if !is_class && !is_function(value) {
        return Rule::Skip;
    }
    let text = |node: Node<'_>| source.get(node.byte_range()).unwrap_or_default();
    let (name, owner) = match (text(of), text(name)) {
        // What `require` gives, by its own name where it has one.
        (b"module", b"exports") => (value.child_by_field_name("name").unwrap_or(name), None),
        (b"exports" | b"module.exports", _) => (name, None),
        _ => {
            let of_type = (of.child_by_field_name("property"))
                .filter(|property| text(*property) == b"prototype")
                .and_then(|_| of.child_by_field_name("object"));
            (name, Some(of_type.unwrap_or(of)))
        }
    };
    let is_plain = |owner: Node<'_>| ["identifier", "member_expression"].contains(&owner.kind());
    if !owner.is_none_or(is_plain) {
        return Rule::Skip;
    }
    let kind = match owner {
        _ if is_class => SymbolKind::Class,
        Some(_) => SymbolKind::Method,
        None => SymbolKind::Function,
    };
    let body = value.child_by_field_name("body");
    Rule::Symbol(Found { kind, names: vec![name], body, owner, is_scope: is_class && owner.is_none() })
}

fn function(node: Node<'_>) -> Option<Node<'_>> {
    node.child_by_field_name("value").filter(|value| is_function(*value))
}

fn is_function(value: Node<'_>) -> bool {
    ["arrow_function", "function_expression", "generator_function"].contains(&value.kind())
}
