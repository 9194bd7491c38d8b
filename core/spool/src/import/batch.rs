//! Events on their way into a transaction: all texts of a batch in one piece of memory.
//!
//! A closure of a write may run on another thread and more than once, so it cannot borrow from the lines; a copy of each
//! text would be fourteen allocations per event.

use std::borrow::Cow;

use crate::event::Event;

/// Where a text is; `None` for null.
type Span = Option<(u32, u32)>;

#[derive(Debug, Clone)]
struct Row {
    ts_utc: i64,
    pid: Option<i64>,
    texts: [Span; 13],
}

/// Events in the order in which they came.
#[derive(Debug, Clone, Default)]
pub(crate) struct Batch {
    texts: String,
    rows: Vec<Row>,
}

/// A batch this large is written, however few events it has: spans are of 32 bits.
pub(crate) const MOST_BYTES: usize = 8 << 20;

impl Batch {
    /// Adds an event.
    pub(crate) fn push(&mut self, event: &Event<'_>) {
        let texts = [
            self.keep(&event.id),
            self.keep(&event.monitor),
            self.keep(&event.action),
            self.keep(&event.subject_type),
            self.keep(&event.session_id),
            self.keep_optional(event.subject_id.as_ref()),
            self.keep_optional(event.batch_id.as_ref()),
            self.keep_optional(event.exe_name.as_ref()),
            self.keep_optional(event.exe_path_hash.as_ref()),
            self.keep_optional(event.window_title_hash.as_ref()),
            self.keep_optional(event.url_hash.as_ref()),
            self.keep_optional(event.file_path_hash.as_ref()),
            self.keep_optional(event.attrs_json.as_ref()),
        ];
        self.rows.push(Row { ts_utc: event.ts_utc, pid: event.pid, texts });
    }

    fn keep(&mut self, text: &str) -> Span {
        let from = u32::try_from(self.texts.len()).ok()?;
        self.texts.push_str(text);
        Some((from, u32::try_from(self.texts.len()).ok()?))
    }

    fn keep_optional(&mut self, text: Option<&Cow<'_, str>>) -> Span {
        text.and_then(|text| self.keep(text))
    }

    /// How many events.
    pub(crate) const fn len(&self) -> usize {
        self.rows.len()
    }

    /// Bytes of texts.
    pub(crate) const fn bytes(&self) -> usize {
        self.texts.len()
    }

    /// The events.
    pub(crate) fn events(&self) -> impl Iterator<Item = Event<'_>> {
        self.rows.iter().map(|row| {
            let [id, monitor, action, subject, session, texts @ ..] = &row.texts;
            let [subject_id, batch, exe, exe_path, title, url, file, attributes] = texts;
            Event {
                id: self.text(*id).unwrap_or_default(),
                ts_utc: row.ts_utc,
                monitor: self.text(*monitor).unwrap_or_default(),
                action: self.text(*action).unwrap_or_default(),
                subject_type: self.text(*subject).unwrap_or_default(),
                session_id: self.text(*session).unwrap_or_default(),
                subject_id: self.text(*subject_id),
                batch_id: self.text(*batch),
                pid: row.pid,
                exe_name: self.text(*exe),
                exe_path_hash: self.text(*exe_path),
                window_title_hash: self.text(*title),
                url_hash: self.text(*url),
                file_path_hash: self.text(*file),
                attrs_json: self.text(*attributes),
            }
        })
    }

    fn text(&self, span: Span) -> Option<Cow<'_, str>> {
        let (from, to) = span?;
        self.texts.get(from as usize..to as usize).map(Cow::Borrowed)
    }
}

#[cfg(test)]
mod tests;
