//! Moments of records: RFC 3339 with any number of fractional digits and any offset, compared as instants.

/// An instant that a record names.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Moment(jiff::Timestamp);

impl Moment {
    /// Parses RFC 3339 text; `None` for what is none. Exact to the nanosecond; years −9999 to 9999.
    pub fn parse(text: &str) -> Option<Self> {
        let _ = text;
        todo!("B1")
    }

    /// A moment of a clock, milliseconds since 1970; clamped to the years that RFC 3339 has.
    pub fn from_ms(ms: i64) -> Self {
        let _ = ms;
        todo!("B1")
    }

    /// Nanoseconds since 1970, the form of the store's columns; clamped to what fits (the years 1677 to 2262).
    pub fn nanoseconds(self) -> i64 {
        todo!("B1")
    }

    /// Milliseconds since 1970.
    pub fn ms(self) -> i64 {
        self.0.as_millisecond()
    }

    /// As Conclave writes it: UTC with milliseconds, `2026-01-02T03:04:05.006Z`.
    pub fn text(self) -> String {
        todo!("B1")
    }
}
