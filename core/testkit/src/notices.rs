//! What the code under test told through `tracing`, for tests that promise a notice.

use std::fmt::{Debug, Write as _};
use std::sync::{Arc, Mutex, PoisonError};

use tracing::field::{Field, Visit};
use tracing::span::{Attributes, Id, Record};
use tracing::{Event, Level, Metadata, Subscriber};

/// Runs `action` and gives the notices that this thread made meanwhile, each as `LEVEL message field=value …`,
/// down to and including `level`.
pub fn notices_of<T>(level: Level, action: impl FnOnce() -> T) -> (T, Vec<String>) {
    let told = Arc::new(Mutex::new(Vec::new()));
    let listener = Listener { level, told: Arc::clone(&told) };
    let done = tracing::subscriber::with_default(listener, action);
    let told = told.lock().unwrap_or_else(PoisonError::into_inner).clone();
    (done, told)
}

struct Listener {
    level: Level,
    told: Arc<Mutex<Vec<String>>>,
}

impl Subscriber for Listener {
    fn enabled(&self, metadata: &Metadata<'_>) -> bool {
        *metadata.level() <= self.level
    }

    fn new_span(&self, _: &Attributes<'_>) -> Id {
        Id::from_u64(1)
    }

    fn record(&self, _: &Id, _: &Record<'_>) {}

    fn record_follows_from(&self, _: &Id, _: &Id) {}

    fn event(&self, event: &Event<'_>) {
        let mut line = Line { text: event.metadata().level().to_string(), fields: String::new() };
        event.record(&mut line);
        line.text.push_str(&line.fields);
        self.told.lock().unwrap_or_else(PoisonError::into_inner).push(line.text);
    }

    fn enter(&self, _: &Id) {}

    fn exit(&self, _: &Id) {}
}

struct Line {
    text: String,
    fields: String,
}

impl Visit for Line {
    fn record_debug(&mut self, field: &Field, value: &dyn Debug) {
        // Writing to a string cannot fail.
        let _ = match field.name() {
            "message" => write!(self.text, " {value:?}"),
            name => write!(self.fields, " {name}={value:?}"),
        };
    }
}
