//! What the nodes of each language mean.

mod go;
mod python;
mod rust;
mod typescript;

use tree_sitter::Node;

use super::SymbolKind;
use super::language::Language;

/// What a node is for the list of symbols.
#[derive(Debug)]
pub(super) enum Rule<'tree> {
    /// Nothing below it is listed.
    Skip,
    /// What is listed may stand below it.
    Enter,
    /// The same, and it begins what stands directly below it: `export`, `const`.
    Lead,
    /// It gives what stands below it a name, and is no symbol itself.
    Scope(Node<'tree>),
    /// A symbol.
    Symbol(Found<'tree>),
}

/// A symbol in the tree.
#[derive(Debug)]
pub(super) struct Found<'tree> {
    /// What it is.
    pub(super) kind: SymbolKind,
    /// Its names: with most one, `const a, b` has two.
    pub(super) names: Vec<Node<'tree>>,
    /// Where its head ends: what stands from here on is its body.
    pub(super) body: Option<Node<'tree>>,
    /// The type that it belongs to, where it does not stand in it.
    pub(super) owner: Option<Node<'tree>>,
    /// What stands in it is listed as well, with its name before it.
    pub(super) is_scope: bool,
}

impl<'tree> Found<'tree> {
    /// A symbol with the node's own name and body.
    fn of(kind: SymbolKind, node: Node<'tree>) -> Rule<'tree> {
        Self::named(kind, node.child_by_field_name("name"), node.child_by_field_name("body"))
    }

    /// The same, and others stand in it.
    fn scope(kind: SymbolKind, node: Node<'tree>) -> Rule<'tree> {
        match Self::of(kind, node) {
            Rule::Symbol(found) => Rule::Symbol(Self { is_scope: true, ..found }),
            other => other,
        }
    }

    /// A symbol with a value: the head ends before it.
    fn value(kind: SymbolKind, node: Node<'tree>) -> Rule<'tree> {
        Self::named(kind, node.child_by_field_name("name"), node.child_by_field_name("value"))
    }

    /// Without a name it is none: the parser has made it of something else.
    fn named(kind: SymbolKind, name: Option<Node<'tree>>, body: Option<Node<'tree>>) -> Rule<'tree> {
        let Some(name) = name else { return Rule::Enter };
        Rule::Symbol(Self { kind, names: vec![name], body, owner: None, is_scope: false })
    }
}

/// What the parts of a pattern are: `a, (b, *c)`.
enum Part<'tree> {
    /// A name that it gives.
    Name,
    /// Its children are parts.
    All,
    /// This one is.
    One(Option<Node<'tree>>),
    /// It gives no name.
    None,
}

/// The names that a pattern gives, in their order.
fn names<'tree>(pattern: Node<'tree>, part: fn(Node<'tree>) -> Part<'tree>) -> Vec<Node<'tree>> {
    let mut names = Vec::new();
    let mut left = vec![pattern];
    while let Some(node) = left.pop() {
        match part(node) {
            Part::Name => names.push(node),
            Part::All => {
                let first = left.len();
                left.extend(node.named_children(&mut node.walk()));
                left[first..].reverse();
            }
            Part::One(one) => left.extend(one),
            Part::None => {}
        }
    }
    names
}

/// In what a node stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Within {
    /// The file itself, or a module.
    Module,
    /// A type: functions are its methods.
    Type,
}

impl Within {
    /// What a function is here.
    const fn function(self) -> SymbolKind {
        match self {
            Self::Module => SymbolKind::Function,
            Self::Type => SymbolKind::Method,
        }
    }
}

/// What begins the nodes directly below it.
#[derive(Debug, Clone, Copy)]
pub(super) struct Lead<'tree> {
    pub(super) node: Node<'tree>,
    /// Where it begins, or the first of several: `export` of `export const`.
    pub(super) begins: usize,
}

/// Where a node stands.
#[derive(Debug, Clone, Copy)]
pub(super) struct Place<'source, 'tree> {
    pub(super) within: Within,
    /// The node directly above, where that is a [`Rule::Lead`]. Asking a node for its parent searches from the root.
    pub(super) lead: Option<Lead<'tree>>,
    pub(super) source: &'source [u8],
}

/// What a node is. What the grammar could not read is looked into: symbols that stand in it are symbols.
pub(super) fn rule<'tree>(language: Language, node: Node<'tree>, place: Place<'_, 'tree>) -> Rule<'tree> {
    if node.is_error() {
        return Rule::Enter;
    }
    match language {
        Language::Rust => rust::rule(node, place.within, place.source),
        Language::Python => python::rule(node, place.within, place.source),
        Language::TypeScript | Language::Tsx | Language::JavaScript => typescript::rule(node, place),
        Language::Go => go::rule(node, place.source),
    }
}

/// What stands between the names of a qualified name.
pub(super) const fn separator(language: Language) -> &'static str {
    match language {
        Language::Rust => "::",
        _ => ".",
    }
}
