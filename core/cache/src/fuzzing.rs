//! What a fuzzer may reach, and what must hold of any bytes. Built for tests and by cargo-fuzz (`--cfg fuzzing`) alone.
#![expect(clippy::missing_panics_doc, reason = "a panic is a finding")]

use crate::codec::{SymbolsView, encode};
use crate::symbols::{Extracted, Language, Owned, Symbol, SymbolKind, extract};

const LANGUAGES: [Language; 6] = [
    Language::Rust,
    Language::Python,
    Language::TypeScript,
    Language::Tsx,
    Language::JavaScript,
    Language::Go,
];

/// Any bytes as a value: it is refused, or it is a list of symbols that can be written and read again.
pub fn value(bytes: &[u8]) {
    let Some(view) = SymbolsView::read(bytes) else { return };
    let extracted = owned(view);
    assert_eq!(extracted.symbols.len(), view.len());
    assert_eq!(view.is_empty(), extracted.symbols.is_empty());
    let again = encode(&extracted);
    assert_eq!(SymbolsView::read(&again).map(owned), Some(extracted));
}

/// Any bytes as source; the first one chooses the language. What comes out lies in the file, and survives the codec.
pub fn source(bytes: &[u8]) {
    let Some((first, source)) = bytes.split_first() else { return };
    let Some(language) = LANGUAGES.get(usize::from(*first) % LANGUAGES.len()) else { return };
    let Ok(extracted) = extract(*language, source, &conclave_retry::SystemClock) else { return };
    let lines = source.split(|byte| *byte == b'\n').count() as u64;
    for symbol in &extracted.symbols {
        assert!(symbol.start_line >= 1 && symbol.start_line <= symbol.end_line, "{symbol:?}");
        assert!(u64::from(symbol.end_line) <= lines, "{symbol:?} of {lines} lines");
        assert!(!symbol.signature.contains('\n'), "{symbol:?}");
    }
    let value = encode(&extracted);
    assert_eq!(SymbolsView::read(&value).map(owned), Some(extracted));
}

/// Inputs to begin with, by the name of the function.
pub fn samples(name: &str) -> Vec<Vec<u8>> {
    let sources: [&str; 6] = [
        "/// Doc\npub struct P { x: f64 }\nimpl P {\n  pub fn new(x: f64) -> Self { Self { x } }\n}\nenum E { A }\nfn f(\n a: u8,\n) {}\nmacro_rules! m { () => {} }\nmod n { const C: u8 = 1; }\n",
        "import os\n@d\nclass A(B):\n    def m(self, x: int = 1) -> str:\n        return ''\nasync def f(): pass\nX = 1\n",
        "export interface I { a: string }\nexport class C<T> extends D { private m(x: T): void {} }\ntype T = 1\nenum E { A }\nconst f = (a: number) => a\nnamespace N { export function g() {} }\n",
        "const C = (p: { a: string }) => <div>{p.a}</div>;\nexport default function App() { return <C a=\"1\"/> }\n",
        "class A { static m() {} #p = 1 }\nfunction* g() {}\nmodule.exports = { f: async () => {} }\nvar v = 1\n",
        "package p\ntype S struct { X int }\ntype I interface { M() }\nfunc (s *S) M() {}\nfunc F[T any](x T) error { return nil }\nconst C = 1\nvar V int\n",
    ];
    if name == "source" {
        return sources
            .iter()
            .zip(0_u8..)
            .map(|(text, place)| [&[place], text.as_bytes()].concat())
            .collect();
    }
    let symbol = |(place, kind): (u32, &SymbolKind)| Owned {
        kind: *kind,
        name: format!("n{place}"),
        qualified_name: format!("Ä::n{place}"),
        start_line: place + 1,
        end_line: place + 3,
        signature: "fn n()".to_owned(),
    };
    let symbols = (0..).zip(&SymbolKind::ALL).map(symbol).collect();
    let error = Some("line 3, column 4: ä".to_owned());
    vec![encode(&Extracted::default()), encode(&Extracted { symbols, syntax_error: error })]
}

fn owned(view: SymbolsView<'_>) -> Extracted {
    let symbol = |symbol: Symbol<'_>| Owned {
        kind: symbol.kind,
        name: symbol.name.to_owned(),
        qualified_name: symbol.qualified_name.to_owned(),
        start_line: symbol.start_line,
        end_line: symbol.end_line,
        signature: symbol.signature.to_owned(),
    };
    Extracted {
        symbols: view.iter().map(symbol).collect(),
        syntax_error: view.syntax_error().map(str::to_owned),
    }
}

#[cfg(test)]
mod tests;
