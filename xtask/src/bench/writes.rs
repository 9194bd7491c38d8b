//! Listens to what the library traces of its writes: how long each took until it was durable.

use std::sync::{Mutex, Once, PoisonError};

use tracing::field::{Field, Visit};
use tracing::span::{Attributes, Id, Record};
use tracing::{Event, Metadata, Subscriber};

/// Where the workflow traces its writes.
const TARGET: &str = "conclave_consensus::workflow::writing";

static HEARD: Mutex<Vec<(String, u64)>> = Mutex::new(Vec::new());
static LISTENS: Once = Once::new();

/// Listens from now on, to everything in this process, and forgets what was heard before.
pub(super) fn listen() {
    LISTENS.call_once(|| {
        // Nobody else in this program sets one.
        let _ = tracing::subscriber::set_global_default(Listener);
    });
    HEARD.lock().unwrap_or_else(PoisonError::into_inner).clear();
}

/// The times of the writes with this label that were heard, µs.
pub(super) fn heard(label: &str) -> Vec<u64> {
    let heard = HEARD.lock().unwrap_or_else(PoisonError::into_inner);
    heard.iter().filter(|(found, _)| found == label).map(|(_, micros)| *micros).collect()
}

struct Listener;

#[derive(Default)]
struct Write {
    label: Option<String>,
    micros: Option<u64>,
}

impl Visit for Write {
    fn record_u64(&mut self, field: &Field, value: u64) {
        if field.name() == "micros" {
            self.micros = Some(value);
        }
    }

    fn record_str(&mut self, field: &Field, value: &str) {
        if field.name() == "write" {
            self.label = Some(value.to_owned());
        }
    }

    fn record_debug(&mut self, _: &Field, _: &dyn std::fmt::Debug) {}
}

impl Subscriber for Listener {
    fn enabled(&self, metadata: &Metadata<'_>) -> bool {
        metadata.is_event() && metadata.target() == TARGET
    }

    fn event(&self, event: &Event<'_>) {
        let mut write = Write::default();
        event.record(&mut write);
        if let (Some(label), Some(micros)) = (write.label, write.micros) {
            HEARD.lock().unwrap_or_else(PoisonError::into_inner).push((label, micros));
        }
    }

    fn new_span(&self, _: &Attributes<'_>) -> Id {
        Id::from_u64(1)
    }

    fn record(&self, _: &Id, _: &Record<'_>) {}

    fn record_follows_from(&self, _: &Id, _: &Id) {}

    fn enter(&self, _: &Id) {}

    fn exit(&self, _: &Id) {}
}
