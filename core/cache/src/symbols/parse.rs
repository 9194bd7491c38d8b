//! Runs a parser so that no source takes the process with it, and none holds it for long.
//!
//! tree-sitter gives up what it tried in vain by a function in C that calls itself, once for each token in a row: a few
//! hundred kB of garbage are more than a usual stack holds. So each source is parsed on a thread of its own, whose stack is as
//! large as that source could need. The system gives a stack its memory when it is touched: for a usual source some kB are.

use std::ops::ControlFlow;
use std::panic::resume_unwind;
use std::thread;
use std::time::Duration;

use conclave_retry::Clock;
use tree_sitter::{ParseOptions, Parser, Tree};

/// The largest source that is parsed. Of garbage, the tree takes up to 300 times as much memory.
pub const MAX_SOURCE: usize = 4 << 20;
/// What parsing needs whatever the source is.
const STACK: usize = 1 << 20;
/// What a byte of source may need of the stack: measured was one frame of 112 bytes for each token of a byte.
const STACK_PER_BYTE: usize = 256;
/// How long the parser may take for any source. Sound ones of 10 kB take some ms.
const TIME: Duration = Duration::from_secs(3);
/// And for each MiB of it. Sound ones take a tenth of it.
const TIME_PER_MIB: Duration = Duration::from_secs(1);

/// Why a source was not parsed. Only [`TooLarge`](Self::TooLarge) is sure to come again.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum NotParsed {
    /// The grammar was not built in, or is of another age than the library.
    #[error("its grammar does not fit this program")]
    NoGrammar,
    /// Larger than [`MAX_SOURCE`].
    #[error("is larger than {} MiB, which is not parsed", MAX_SOURCE >> 20)]
    TooLarge,
    /// The parser took too long. What it had by then is nothing to go by.
    #[error("the parser did not get through it within {} s: given up", .0.as_secs())]
    TooLong(Duration),
    /// The system gave no thread, or no room for its stack.
    #[error("no memory for the parser's stack ({} MiB)", .0 >> 20)]
    NoStack(usize),
}

/// Runs `work` on a stack that a source of `length` bytes cannot overflow.
pub(super) fn apart<T: Send>(
    length: usize,
    work: impl FnOnce() -> Result<T, NotParsed> + Send,
) -> Result<T, NotParsed> {
    if length > MAX_SOURCE {
        return Err(NotParsed::TooLarge);
    }
    let stack = STACK + length * STACK_PER_BYTE;
    thread::scope(|scope| {
        let thread = thread::Builder::new().name("parser".to_owned()).stack_size(stack);
        let thread = thread.spawn_scoped(scope, work).map_err(|_| NotParsed::NoStack(stack))?;
        thread.join().unwrap_or_else(|panic| resume_unwind(panic))
    })
}

/// The tree of a source; `None` where the parser does not get ahead with it, however long it tries.
pub(super) fn tree(parser: &mut Parser, source: &[u8], clock: &dyn Clock) -> Result<Option<Tree>, NotParsed> {
    let most_time = TIME + TIME_PER_MIB * u32::try_from(source.len() >> 20).unwrap_or_default();
    let begin = clock.monotonic();
    let mut is_late = false;
    let mut steps = 0;
    // Sound sources take one call for some fifty bytes. Of garbage, each step looks at many ways to go on, and may read all
    // that follows: steps alone do not bound time.
    let most_steps = 2_000 + source.len() / 8;
    let mut go_on = |_: &_| {
        steps += 1;
        is_late = clock.monotonic().saturating_sub(begin) > most_time;
        if is_late || steps > most_steps { ControlFlow::Break(()) } else { ControlFlow::Continue(()) }
    };
    let mut text = |at: usize, _| source.get(at..).unwrap_or_default();
    let options = ParseOptions::new().progress_callback(&mut go_on);
    let tree = parser.parse_with_options(&mut text, None, Some(options));
    if tree.is_none() && is_late { Err(NotParsed::TooLong(most_time)) } else { Ok(tree) }
}

#[cfg(test)]
pub(super) mod tests;
