//! How a task ends: nobody matches on its errors, people read them.

use std::error::Error;

/// The error of a task. `Send + Sync`, since benchmarks run on many threads.
pub(crate) type Failure = Box<dyn Error + Send + Sync>;

/// What a task gives, or why it could not.
pub(crate) type Outcome<T = ()> = Result<T, Failure>;
