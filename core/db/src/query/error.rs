//! Why a statement of a user has no answer.

use std::time::Duration;

use crate::error::{DbError, ErrorKind};

/// Why a statement of a user has no answer, or not all of it.
#[derive(Debug, thiserror::Error)]
pub enum QueryError {
    /// It would do more than read, or is not one statement.
    #[error("{0}")]
    Refused(String),
    /// It is wrong, in SQLite's own words.
    #[error("{0}")]
    Wrong(String),
    /// Its time was over.
    #[error("no answer within {0:?}")]
    TimedOut(Duration),
    /// The file could not be read.
    #[error(transparent)]
    Storage(DbError),
}

impl From<DbError> for QueryError {
    fn from(error: DbError) -> Self {
        match error.kind() {
            ErrorKind::Statement | ErrorKind::Constraint => Self::Wrong(error.to_string()),
            _ => Self::Storage(error),
        }
    }
}

impl QueryError {
    /// What a person can do about it.
    pub fn hint(&self) -> Option<&'static str> {
        match self {
            Self::Refused(_) => {
                Some("give one SELECT, WITH … SELECT, VALUES, EXPLAIN or a PRAGMA that only tells")
            }
            Self::Wrong(_) => Some("`SELECT name, sql FROM sqlite_schema` shows what there is"),
            Self::TimedOut(_) => Some("ask for less, or give it more time with `--timeout`"),
            Self::Storage(error) => error.hint(),
        }
    }
}
