//! What the filter languages of all lists share: words, and `field:value` for the fields that a list has.

/// A filter's text, taken apart. Understands any text: what names no field is a word.
#[derive(Debug)]
pub(crate) struct FilterWords<'text, Field> {
    pub(crate) words: Vec<String>,
    /// Values as they were typed; one that is still empty is left out.
    pub(crate) fields: Vec<(Field, &'text str)>,
    /// The first name before a colon that is no field.
    pub(crate) unknown: Option<String>,
}

impl<'text, Field: Copy> FilterWords<'text, Field> {
    pub(crate) fn parse(text: &'text str, names: &[(&str, Field)]) -> Self {
        let mut found = Self { words: Vec::new(), fields: Vec::new(), unknown: None };
        for word in text.split_whitespace() {
            let named = word.split_once(':');
            let field = named.and_then(|(name, value)| {
                let (_, field) = names.iter().find(|(known, _)| *known == name)?;
                Some((*field, value))
            });
            match field {
                None => {
                    let is_name = |name: &&str| !name.is_empty() && name.chars().all(char::is_alphabetic);
                    if found.unknown.is_none() {
                        found.unknown = named.map(|(name, _)| name).filter(is_name).map(ToOwned::to_owned);
                    }
                    found.words.push(word.to_owned());
                }
                // Still being typed.
                Some((_, "")) => {}
                Some(field) => found.fields.push(field),
            }
        }
        found
    }
}
