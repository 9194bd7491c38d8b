//! `[spool]`: how much of the disk event streams may have, and which there are.

use std::ops::RangeInclusive;
use std::time::Duration;

use conclave_spool::{Limits, MonitorName, SpoolOptions};

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

/// MiB of a quota: up to 1 EiB.
const QUOTA_MB: RangeInclusive<i64> = 1..=1 << 40;
/// Shares of the quota.
const SHARES: RangeInclusive<i64> = 1..=100;
/// Shares of the disk that stay free.
const FREE: RangeInclusive<i64> = 0..=50;

/// What the table says; the options of the library are the rest.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub(crate) struct SpoolSettings {
    /// MiB that the spool may have.
    pub(crate) quota_mb: Option<i64>,
    /// The share from which on flushes are put off.
    pub(crate) soft_pct: Option<i64>,
    /// The share from which on nothing is written.
    pub(crate) hard_pct: Option<i64>,
    /// The share below which all is normal again.
    pub(crate) resume_pct: Option<i64>,
    /// The share of the disk that stays free.
    pub(crate) keep_free_pct: Option<i64>,
    /// Events between two sync points, at most.
    pub(crate) sync_events: Option<u32>,
    /// Monitors that are known beside the usual ones.
    pub(crate) monitors: Option<Vec<MonitorName>>,
    /// Monitors whose events are dropped first.
    pub(crate) low_priority: Option<Vec<MonitorName>>,
    /// How long the log is told nothing new of pressure.
    pub(crate) log_interval: Option<Duration>,
    /// `transcripts`: whether `run` spools what the agents print.
    pub(crate) transcripts: Option<bool>,
}

impl SpoolSettings {
    /// The other's where this one is silent.
    pub(super) fn or(self, other: Self) -> Self {
        Self {
            quota_mb: self.quota_mb.or(other.quota_mb),
            soft_pct: self.soft_pct.or(other.soft_pct),
            hard_pct: self.hard_pct.or(other.hard_pct),
            resume_pct: self.resume_pct.or(other.resume_pct),
            keep_free_pct: self.keep_free_pct.or(other.keep_free_pct),
            sync_events: self.sync_events.or(other.sync_events),
            monitors: self.monitors.or(other.monitors),
            low_priority: self.low_priority.or(other.low_priority),
            log_interval: self.log_interval.or(other.log_interval),
            transcripts: self.transcripts.or(other.transcripts),
        }
    }

    /// How the spool is run. What one file says must fit what the other says: so it is checked here, and refused with the
    /// key that is wrong (exit 2).
    pub(crate) fn options(&self) -> Result<SpoolOptions, Failure> {
        let usual = SpoolOptions::default();
        let percent = |said: Option<i64>, usual: u32| said.unwrap_or_else(|| i64::from(usual));
        let quota = i64::try_from(usual.limits.quota_mb()).unwrap_or(i64::MAX);
        let limits = Limits::new(
            self.quota_mb.unwrap_or(quota),
            percent(self.soft_pct, usual.limits.soft_pct()),
            percent(self.hard_pct, usual.limits.hard_pct()),
            percent(self.resume_pct, usual.limits.resume_pct()),
            percent(self.keep_free_pct, usual.limits.keep_free_pct()),
        )?;
        let mut monitors = usual.monitors.with(self.monitors.iter().flatten().cloned());
        if let Some(low) = &self.low_priority {
            if let Some(unknown) = low.iter().find(|name| !monitors.is_known(name)) {
                return Err(Failure::configuration(format!(
                    "configuration: spool.low_priority: nobody has made {unknown} known"
                ))
                .hint("`[spool] monitors` makes more of them known"));
            }
            monitors = monitors.low_priority(low);
        }
        Ok(SpoolOptions {
            limits,
            monitors,
            sync_events: self.sync_events.unwrap_or(usual.sync_events),
            log_interval: self.log_interval.unwrap_or(usual.log_interval),
            ..usual
        })
    }
}

pub(super) fn read(reader: &Reader<'_>, value: &Value<'_>) -> Result<SpoolSettings, Failure> {
    let mut settings = SpoolSettings::default();
    for (key, value) in reader.table("spool", value)? {
        let name = key.get_ref().as_ref();
        let number = |bounds| reader.integer(&format!("spool.{name}"), value, &bounds).map(Some);
        match name {
            "quota_mb" => settings.quota_mb = number(QUOTA_MB)?,
            "soft_pct" => settings.soft_pct = number(SHARES)?,
            "hard_pct" => settings.hard_pct = number(SHARES)?,
            "resume_pct" => settings.resume_pct = number(SHARES)?,
            "keep_free_pct" => settings.keep_free_pct = number(FREE)?,
            "sync_events" => {
                settings.sync_events = Some(reader.number("spool.sync_events", value, 1..1_000_001)?);
            }
            "monitors" => settings.monitors = Some(names(reader, "spool.monitors", value)?),
            "low_priority" => settings.low_priority = Some(names(reader, "spool.low_priority", value)?),
            "log_interval" => settings.log_interval = Some(interval(reader, value)?),
            "transcripts" => settings.transcripts = Some(reader.boolean("spool.transcripts", value)?),
            other => return Err(reader.unknown(key.span(), "spool.", other, &KEYS)),
        }
    }
    Ok(settings)
}

fn names(reader: &Reader<'_>, key: &str, value: &Value<'_>) -> Result<Vec<MonitorName>, Failure> {
    let mut names = Vec::new();
    for one in reader.list(key, value, "a list such as [\"build\"]")? {
        let text = reader.text(key, one)?;
        let name = MonitorName::parse(&text);
        names.push(name.map_err(|wrong| reader.refuse(&one.span(), &format!("{key}: {wrong}")))?);
    }
    Ok(names)
}

/// Without any time at all every line would be told to the log.
fn interval(reader: &Reader<'_>, value: &Value<'_>) -> Result<Duration, Failure> {
    let key = "spool.log_interval";
    let interval = reader.duration(key, value)?;
    if interval.is_zero() {
        return Err(reader.refuse(&value.span(), &format!("{key}: is no time at all")));
    }
    Ok(interval)
}
