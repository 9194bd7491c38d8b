//! An answer as it is printed: on a thread of its own, so that a reader who does not read holds up neither the call nor
//! the host's place, and whoever ends the call is heard.

use std::sync::mpsc::{Receiver, RecvTimeoutError, channel};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use conclave_retry::CancelToken;

use crate::cli::output::Output;
use crate::failure::Failure;
use crate::text::visible_lines;

/// How long a reader is waited for where the call was ended: twice at most, of the 200 ms that Ctrl-C may take in all.
pub(super) const PATIENCE: Duration = Duration::from_millis(40);

/// Standard output. What waits for its reader is the answer at most, which the client bounds.
#[derive(Debug)]
pub(super) struct Page {
    desk: Arc<Desk>,
    is_terminal: bool,
    /// How printing ended.
    end: Receiver<Result<(), Failure>>,
}

/// Where the text lies until it is printed.
#[derive(Debug, Default)]
struct Desk {
    sheet: Mutex<Sheet>,
    changed: Condvar,
}

#[derive(Debug, Default)]
struct Sheet {
    text: Vec<u8>,
    /// Whether the last line is not ended.
    is_open: bool,
    /// Nothing more is laid down.
    is_last: bool,
    /// Nobody prints any more.
    is_left: bool,
}

impl Desk {
    fn sheet(&self) -> MutexGuard<'_, Sheet> {
        self.sheet.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Prints until the last piece; what cannot be printed ends the call.
    fn print(&self, output: &Output, call: &CancelToken) -> Result<(), Failure> {
        loop {
            let waits = |sheet: &mut Sheet| sheet.text.is_empty() && !sheet.is_last;
            let sheet = self.changed.wait_while(self.sheet(), waits);
            let text = std::mem::take(&mut sheet.unwrap_or_else(PoisonError::into_inner).text);
            if text.is_empty() {
                return Ok(());
            }
            if let Err(failure) = output.bytes(&text) {
                *self.sheet() = Sheet { is_left: true, ..Sheet::default() };
                call.cancel();
                return Err(failure);
            }
        }
    }
}

impl Page {
    /// Begins to print. Where that fails, or nobody reads any more, the call is ended.
    pub(super) fn start(output: &Output, call: &CancelToken) -> Result<Self, Failure> {
        let (ended, end) = channel();
        let desk = Arc::<Desk>::default();
        let print = {
            let (desk, output, call) = (Arc::clone(&desk), output.clone(), call.clone());
            // Whoever does not wait for it wants no word of it.
            move || drop(ended.send(desk.print(&output, &call)))
        };
        let thread = std::thread::Builder::new().name("print".to_owned()).spawn(print);
        thread.map_err(|error| Failure::io("start a thread that prints", &error))?;
        Ok(Self { desk, is_terminal: output.is_terminal(), end })
    }

    /// Prints a piece; never waits for the reader.
    pub(super) fn piece(&self, text: &str) {
        let shown = shown(self.is_terminal, text);
        let mut sheet = self.desk.sheet();
        if sheet.is_left || text.is_empty() {
            return;
        }
        sheet.is_open = !text.ends_with('\n');
        sheet.text.extend_from_slice(shown.as_bytes());
        drop(sheet);
        self.desk.changed.notify_one();
    }

    /// Ends the last line, and waits for the reader: for good, or not for long where that is `urgent`. Gives whether all
    /// of it was taken.
    ///
    /// # Errors
    /// Nobody reads any more, or what is read cannot be written.
    pub(super) fn end(self, urgent: bool) -> Result<bool, Failure> {
        {
            let mut sheet = self.desk.sheet();
            if std::mem::take(&mut sheet.is_open) {
                sheet.text.push(b'\n');
            }
            sheet.is_last = true;
        }
        self.desk.changed.notify_one();
        let defect = || Failure::internal("printing ended by a defect; the log has more");
        if !urgent {
            return self.end.recv().unwrap_or_else(|_| Err(defect())).map(|()| true);
        }
        match self.end.recv_timeout(PATIENCE) {
            Ok(ended) => ended.map(|()| true),
            Err(RecvTimeoutError::Timeout) => Ok(false),
            Err(RecvTimeoutError::Disconnected) => Err(defect()),
        }
    }
}

/// A whole answer, with a line feed at its end.
pub(super) fn whole(output: &Output, text: &str) -> Result<(), Failure> {
    let end = if text.is_empty() || text.ends_with('\n') { "" } else { "\n" };
    output.print(format_args!("{}{end}", shown(output.is_terminal(), text)))
}

/// A terminal obeys what it is sent; whatever else reads it gets it as it came.
fn shown(is_terminal: bool, text: &str) -> std::borrow::Cow<'_, str> {
    if is_terminal { visible_lines(text) } else { text.into() }
}
