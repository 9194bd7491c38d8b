//! From source to symbols.

use std::collections::HashSet;

use conclave_retry::Clock;
use tree_sitter::{Node, Tree};

use super::SymbolKind;
use super::grammar;
use super::head::{self, Head};
use super::language::Language;
use super::parse::{self, NotParsed};
use super::rules::{Found, Lead, Place, Rule, Within, rule, separator};
use super::syntax_error;

/// A file with more is no source that a person reads: the rest is left out, and that is said.
const MAX_SYMBOLS: usize = 20_000;
/// Bytes of a name; what is longer is cut.
const MAX_NAME: usize = 256;
/// Bytes of a qualified name. What would have a longer one is not listed: so depth costs nothing.
const MAX_QUALIFIED: usize = 512;

/// A symbol with its own texts, as it comes out of the parser.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Owned {
    /// What it is.
    pub kind: SymbolKind,
    /// Its name.
    pub name: String,
    /// With what it stands in.
    pub qualified_name: String,
    /// Its first line, from 1.
    pub start_line: u32,
    /// Its last line.
    pub end_line: u32,
    /// Its head on one line.
    pub signature: String,
}

/// What a source file holds.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Extracted {
    /// The symbols, in the order of the file.
    pub symbols: Vec<Owned>,
    /// The first syntax error: where and what. The symbols are then those that could be read.
    pub syntax_error: Option<String>,
}

/// Parses and extracts. Works on any bytes: what is no UTF-8 is shown with replacement characters in names.
///
/// It ends for any input, and soon: the parser has some seconds by `clock`. A source that it does not get ahead with has no
/// symbols, and an error that says so.
///
/// # Errors
/// There is nothing to say of the source, and nothing that is worth keeping: see [`NotParsed`].
pub fn extract(language: Language, source: &[u8], clock: &dyn Clock) -> Result<Extracted, NotParsed> {
    parse::apart(source.len(), || {
        let mut parser = grammar::parser(language).ok_or(NotParsed::NoGrammar)?;
        let Some(tree) = parse::tree(&mut parser, source, clock)? else {
            return Ok(Extracted::failed("the parser cannot make sense of it".to_owned()));
        };
        Ok(Walk::new(language, source).over(&tree))
    })
}

impl Extracted {
    fn failed(why: String) -> Self {
        Self { symbols: Vec::new(), syntax_error: Some(why) }
    }
}

/// What the nodes below a node stand in.
struct Scope {
    /// The depth of that node.
    depth: usize,
    /// How much of the qualified name was there before it.
    before: usize,
    within: Within,
}

/// One pass over a tree.
struct Walk<'source> {
    language: Language,
    source: &'source [u8],
    /// The names of the scopes, each with the separator after it.
    prefix: String,
    scopes: Vec<Scope>,
    /// What a Python module has assigned: the first time is the definition.
    assigned: HashSet<String>,
    /// Something was left out for the length of its qualified name.
    is_too_deep: bool,
    found: Extracted,
}

impl<'source> Walk<'source> {
    fn new(language: Language, source: &'source [u8]) -> Self {
        Self {
            language,
            source,
            prefix: String::new(),
            scopes: Vec::new(),
            assigned: HashSet::new(),
            is_too_deep: false,
            found: Extracted::default(),
        }
    }

    /// A cursor goes where a function that calls itself would: a tree may be as deep as its source is long.
    fn over(mut self, tree: &Tree) -> Extracted {
        self.found.syntax_error = syntax_error::first(self.language, tree, self.source);
        let mut cursor = tree.walk();
        let mut leads: Vec<Option<Lead<'_>>> = vec![None];
        loop {
            let depth = leads.len();
            let lead = leads.last().copied().flatten();
            let (goes_down, lead) = self.visit(cursor.node(), depth, lead);
            if self.found.symbols.len() > MAX_SYMBOLS {
                self.found.symbols.truncate(MAX_SYMBOLS);
                let more = format!("more than {MAX_SYMBOLS} symbols: the others are left out");
                self.found.syntax_error.get_or_insert(more);
                return self.found;
            }
            if goes_down && cursor.goto_first_child() {
                leads.push(lead);
                continue;
            }
            while !cursor.goto_next_sibling() {
                leads.pop();
                if !cursor.goto_parent() {
                    return self.told();
                }
            }
        }
    }

    /// What was found, and that something was left out.
    fn told(mut self) -> Extracted {
        if self.is_too_deep {
            let why = format!("qualified names longer than {MAX_QUALIFIED} bytes: what has one is left out");
            self.found.syntax_error.get_or_insert(why);
        }
        self.found
    }

    /// Takes down what a node is; whether to look below it, and what leads there.
    fn visit<'tree>(
        &mut self,
        node: Node<'tree>,
        depth: usize,
        lead: Option<Lead<'tree>>,
    ) -> (bool, Option<Lead<'tree>>) {
        while let Some(over) = self.scopes.pop_if(|scope| scope.depth >= depth) {
            self.prefix.truncate(over.before);
        }
        let within = self.scopes.last().map_or(Within::Module, |scope| scope.within);
        match rule(self.language, node, Place { within, lead, source: self.source }) {
            Rule::Skip => (false, None),
            Rule::Enter => (true, None),
            Rule::Lead => {
                let begins = lead.map_or_else(|| head::begins(node), |above| above.begins);
                (true, Some(Lead { node, begins }))
            }
            Rule::Scope(name) => {
                (self.open(&head::name(self.source, name, MAX_NAME), depth, Within::Type), None)
            }
            Rule::Symbol(found) => (self.symbol(node, &found, depth, lead), None),
        }
    }

    /// Puts a name before those of what stands below; whether there is room for it.
    fn open(&mut self, name: &str, depth: usize, within: Within) -> bool {
        let separator = separator(self.language);
        let before = self.prefix.len();
        if before + name.len() + separator.len() > MAX_QUALIFIED {
            self.is_too_deep = true;
            return false;
        }
        self.prefix.push_str(name);
        self.prefix.push_str(separator);
        self.scopes.push(Scope { depth, before, within });
        true
    }

    fn symbol(&mut self, node: Node<'_>, found: &Found<'_>, depth: usize, lead: Option<Lead<'_>>) -> bool {
        let head = Head::of(self.source, node, found.body, lead.map(|lead| lead.begins));
        let owner = found.owner.map(|owner| head::name(self.source, owner, MAX_NAME));
        let mut goes_down = false;
        for name in &found.names {
            let name = head::name(self.source, *name, MAX_NAME);
            let owner = owner.as_deref().map(|owner| [owner, separator(self.language)].concat());
            let qualified_name = [&self.prefix, owner.as_deref().unwrap_or_default(), &name].concat();
            let is_assigned = matches!(found.kind, SymbolKind::Variable | SymbolKind::Constant);
            let is_known = self.language == Language::Python
                && is_assigned
                && !self.assigned.insert(qualified_name.clone());
            if is_known {
                continue;
            }
            if qualified_name.len() > MAX_QUALIFIED {
                self.is_too_deep = true;
                continue;
            }
            // One more is seen, and cut.
            if self.found.symbols.len() > MAX_SYMBOLS {
                return false;
            }
            if found.is_scope {
                let within = if found.kind == SymbolKind::Module { Within::Module } else { Within::Type };
                goes_down = self.open(&name, depth, within);
            }
            self.found.symbols.push(Owned {
                kind: found.kind,
                name,
                qualified_name,
                start_line: head.start_line,
                end_line: head.end_line,
                signature: head.signature.clone(),
            });
        }
        goes_down
    }
}

#[cfg(test)]
mod tests;
