//! What was written is read; nothing else is, and nothing panics.

use proptest::prelude::*;

use super::{HEADER, SymbolsView, encode};
use crate::symbols::{Extracted, Owned, SymbolKind};

/// What a view shows, with texts of its own.
fn owned(view: SymbolsView<'_>) -> Extracted {
    let symbols = view.iter().map(|one| Owned {
        kind: one.kind,
        name: one.name.to_owned(),
        qualified_name: one.qualified_name.to_owned(),
        start_line: one.start_line,
        end_line: one.end_line,
        signature: one.signature.to_owned(),
    });
    Extracted { symbols: symbols.collect(), syntax_error: view.syntax_error().map(str::to_owned) }
}

fn symbols() -> impl Strategy<Value = Owned> {
    let texts = (".{0,12}", ".{0,6}", ".{0,20}", any::<bool>());
    (0..SymbolKind::ALL.len(), texts, any::<(u32, u32)>()).prop_map(
        |(kind, texts, (start_line, end_line))| {
            let (name, before, signature, is_end) = texts;
            let qualified_name = if is_end { format!("{before}{name}") } else { before };
            Owned { kind: SymbolKind::ALL[kind], name, qualified_name, start_line, end_line, signature }
        },
    )
}

fn extracted() -> impl Strategy<Value = Extracted> {
    (prop::collection::vec(symbols(), 0..12), prop::option::of(".{0,20}"))
        .prop_map(|(symbols, syntax_error)| Extracted { symbols, syntax_error })
}

proptest! {
    #[test]
    fn what_was_written_is_read(extracted in extracted()) {
        let bytes = encode(&extracted);
        let view = SymbolsView::read(&bytes).expect("our own bytes");
        prop_assert_eq!(view.len(), extracted.symbols.len());
        prop_assert_eq!(view.is_empty(), extracted.symbols.is_empty());
        prop_assert_eq!(owned(view), extracted);
    }

    #[test]
    fn no_bytes_panic(bytes in prop::collection::vec(any::<u8>(), 0..200)) {
        let _ = SymbolsView::read(&bytes).map(owned);
        let ours = [&b"CSY\x01"[..], &bytes].concat();
        let _ = SymbolsView::read(&ours).map(owned);
    }

    /// What is read has as many symbols as it says, whatever was changed, and would be written the same.
    #[test]
    fn a_changed_byte_is_refused_or_read_whole(extracted in extracted(), at in any::<prop::sample::Index>(), to: u8) {
        let mut bytes = encode(&extracted);
        *at.get_mut(&mut bytes) = to;
        if let Some(view) = SymbolsView::read(&bytes) {
            prop_assert_eq!(owned(view).symbols.len(), view.len());
        }
    }

    #[test]
    fn what_is_cut_or_has_more_is_refused(extracted in extracted(), at in any::<prop::sample::Index>(), more: u8) {
        let mut bytes = encode(&extracted);
        prop_assert!(SymbolsView::read(&bytes[..at.index(bytes.len())]).is_none());
        bytes.push(more);
        prop_assert!(SymbolsView::read(&bytes).is_none());
    }
}

#[test]
fn another_version_is_refused() {
    let mut bytes = encode(&Extracted::default());
    assert_eq!(bytes.len(), HEADER);
    bytes[3] += 1;
    assert!(SymbolsView::read(&bytes).is_none());
}

/// What a later version might write there is not taken for something else.
#[test]
fn a_record_that_means_nothing_is_refused() {
    let symbol = Owned {
        kind: SymbolKind::Macro,
        name: "one".into(),
        qualified_name: "one".into(),
        start_line: 1,
        end_line: 1,
        signature: String::new(),
    };
    let sound = encode(&Extracted { symbols: vec![symbol], syntax_error: None });
    assert!(SymbolsView::read(&sound).is_some());
    let last = u8::try_from(SymbolKind::ALL.len()).unwrap() - 1;
    assert_eq!(sound[HEADER..HEADER + 4], [last, 1, 0, 0]);
    for (at, to) in [(0, last + 1), (0, 255), (1, 2), (2, 1), (3, 1)] {
        let mut bytes = sound.clone();
        bytes[HEADER + at] = to;
        assert!(SymbolsView::read(&bytes).is_none(), "{to} at {at}");
    }
    let mut no_text = sound;
    *no_text.last_mut().unwrap() = 0xff;
    assert!(SymbolsView::read(&no_text).is_none());
}

#[test]
fn the_texts_are_those_of_the_value() {
    let symbol = Owned {
        kind: SymbolKind::Method,
        name: "grow".into(),
        qualified_name: "Stack::grow".into(),
        start_line: 3,
        end_line: 9,
        signature: "fn grow(&mut self)".into(),
    };
    let bytes = encode(&Extracted { symbols: vec![symbol], syntax_error: None });
    let within = bytes.as_ptr_range();
    let view = SymbolsView::read(&bytes).unwrap();
    let read = view.iter().next().unwrap();
    for text in [read.name, read.qualified_name, read.signature] {
        assert!(within.contains(&text.as_ptr()), "{text} is a copy");
    }
}
