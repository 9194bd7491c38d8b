//! Texts that stand on standard input: of one command one may.

use std::io::Read as _;

use super::values::Text;
use crate::failure::Failure;

/// The texts of one command, each with the name of its option.
pub(super) fn resolve<const N: usize>(
    texts: [(&str, Option<Text>); N],
) -> Result<[Option<String>; N], Failure> {
    let asked: Vec<&str> =
        texts.iter().filter(|(_, text)| *text == Some(Text::StandardInput)).map(|(name, _)| *name).collect();
    let mut input = match asked.as_slice() {
        [] => None,
        [_] => Some(read()?),
        several => {
            return Err(Failure::usage(format!("{} cannot all be standard input", several.join(" and ")))
                .hint("give `-` for one of them only"));
        }
    };
    Ok(texts.map(|(_, text)| match text {
        None => None,
        Some(Text::Given(text)) => Some(text),
        Some(Text::StandardInput) => input.take(),
    }))
}

/// Standard input as it is.
fn read() -> Result<String, Failure> {
    let mut bytes = Vec::new();
    let read = std::io::stdin().lock().read_to_end(&mut bytes);
    read.map_err(|error| Failure::io("read standard input", &error))?;
    String::from_utf8(bytes).map_err(|_| Failure::usage("standard input is no UTF-8 text"))
}
