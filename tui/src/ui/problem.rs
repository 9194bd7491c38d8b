//! What went wrong, in the words of the screen.

use conclave_registry::RegistryErrorKind;

use crate::failure::Failure;

/// A failure that is shown instead of ending the program.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Problem {
    pub(crate) kind: &'static str,
    pub(crate) text: String,
    pub(crate) hint: Option<String>,
}

impl Problem {
    /// Whether it is uncommitted work that was in the way: only force passes over that, and loses it.
    pub(crate) fn is_uncommitted(&self) -> bool {
        self.kind == RegistryErrorKind::Uncommitted.as_str()
    }
}

impl From<Failure> for Problem {
    fn from(failure: Failure) -> Self {
        Self {
            kind: failure.kind,
            text: failure.message,
            hint: failure.hint.map(std::borrow::Cow::into_owned),
        }
    }
}

impl<E: Into<Failure>> From<(&str, E)> for Problem {
    fn from((doing, error): (&str, E)) -> Self {
        error.into().doing(doing).into()
    }
}
