//! `[spool]`: how much of the disk event streams may have, and which there are.

use conclave_spool::SpoolOptions;

use super::reader::{Reader, Value};
use crate::failure::Failure;

/// The keys of the table.
pub(super) const KEYS: [&str; 10] = [
    "quota_mb",
    "soft_pct",
    "hard_pct",
    "resume_pct",
    "keep_free_pct",
    "sync_events",
    "monitors",
    "low_priority",
    "log_interval",
    "transcripts",
];

/// What the table says; the options of the library are the rest.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub(crate) struct SpoolSettings {
    /// `transcripts`: whether `run` spools what the agents print.
    pub(crate) transcripts: Option<bool>,
}

impl SpoolSettings {
    /// The other's where this one is silent.
    pub(super) fn or(self, other: Self) -> Self {
        Self { transcripts: self.transcripts.or(other.transcripts) }
    }

    /// How the spool is run. What one file says must fit what the other says: so it is checked here, and refused with the
    /// key that is wrong (exit 2).
    pub(crate) fn options(&self) -> Result<SpoolOptions, Failure> {
        todo!("s4")
    }
}

pub(super) fn read(reader: &Reader<'_>, value: &Value<'_>) -> Result<SpoolSettings, Failure> {
    let mut settings = SpoolSettings::default();
    for (key, value) in reader.table("spool", value)? {
        match key.get_ref().as_ref() {
            "transcripts" => settings.transcripts = Some(reader.boolean("spool.transcripts", value)?),
            other => return Err(reader.unknown(key.span(), "spool.", other, &KEYS)),
        }
    }
    Ok(settings)
}
