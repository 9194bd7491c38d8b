//! `[work]`: how the dispatcher hands out tasks.

use std::time::Duration;

use super::reader::{Reader, Value};
use crate::failure::Failure;

/// The keys of the table.
pub(super) const KEYS: [&str; 6] = ["prompt", "agents", "jobs", "max_attempts", "wait", "claim"];

/// The most tasks at a time of one process.
pub(crate) const JOBS: u32 = 256;
/// The shortest claim: it is renewed three times before it is over.
const CLAIM: Duration = Duration::from_secs(1);

/// The settings of the dispatcher.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub(crate) struct WorkSettings {
    /// What an agent is asked, with `{id}` and so on.
    pub(crate) prompt: Option<String>,
    /// The names of those who are given tasks.
    pub(crate) agents: Option<Vec<String>>,
    /// Tasks at a time.
    pub(crate) jobs: Option<u32>,
    /// How often a task is given back before it is left alone.
    pub(crate) max_attempts: Option<u32>,
    /// The first wait of a task that failed.
    pub(crate) wait: Option<Duration>,
    /// How long a claim lives.
    pub(crate) claim: Option<Duration>,
}

impl WorkSettings {
    /// The other's where this one is silent.
    pub(super) fn or(self, other: Self) -> Self {
        Self {
            prompt: self.prompt.or(other.prompt),
            agents: self.agents.or(other.agents),
            jobs: self.jobs.or(other.jobs),
            max_attempts: self.max_attempts.or(other.max_attempts),
            wait: self.wait.or(other.wait),
            claim: self.claim.or(other.claim),
        }
    }
}

pub(super) fn read(reader: &Reader<'_>, value: &Value<'_>) -> Result<WorkSettings, Failure> {
    let mut settings = WorkSettings::default();
    for (key, value) in reader.table("work", value)? {
        match key.get_ref().as_ref() {
            "prompt" => settings.prompt = Some(reader.filled("work.prompt", value)?),
            "agents" => {
                settings.agents = Some(reader.texts("work.agents", value, "a list such as [\"claude\"]")?);
            }
            "jobs" => settings.jobs = Some(reader.number("work.jobs", value, 1..JOBS + 1)?),
            "max_attempts" => {
                settings.max_attempts = Some(reader.number("work.max_attempts", value, 1..1001)?);
            }
            "wait" => settings.wait = Some(reader.duration("work.wait", value)?),
            "claim" => {
                let claim = reader.duration("work.claim", value)?;
                if claim < CLAIM {
                    return Err(reader.refuse(&value.span(), "work.claim: wanted 1s at least"));
                }
                settings.claim = Some(claim);
            }
            other => return Err(reader.unknown(key.span(), "work.", other, &KEYS)),
        }
    }
    Ok(settings)
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::WorkSettings;
    use crate::config::of_text;

    #[test]
    fn what_one_file_leaves_open_the_other_says() {
        let all = |word: &str, number: u32| WorkSettings {
            prompt: Some(word.to_owned()),
            agents: Some(vec![word.to_owned()]),
            jobs: Some(number),
            max_attempts: Some(number),
            wait: Some(Duration::from_secs(u64::from(number))),
            claim: Some(Duration::from_secs(u64::from(number))),
        };
        let (one, other) = (all("one", 7), all("other", 8));
        assert_eq!(WorkSettings::default().or(other.clone()), other);
        assert_eq!(one.clone().or(other), one);
    }

    #[test]
    fn mistakes_are_named() {
        for (text, wanted) in [
            ("prompt = ' '", "2:10: work.prompt: is empty"),
            ("agents = 'a'", "2:10: work.agents: wanted a list such as [\"claude\"], found text"),
            ("jobs = 0", "2:8: work.jobs: wanted a whole number from 1 to 256, found 0"),
            ("max_attempts = 0", "2:16: work.max_attempts: wanted a whole number from 1 to 1000, found 0"),
            ("wait = '-1s'", "2:8: work.wait: \"-1s\" is no duration"),
            ("claim = '10ms'", "2:9: work.claim: wanted 1s at least"),
            ("retries = 1", "2:1: work.retries: no such key"),
        ] {
            let failure = of_text(&format!("[work]\n{text}\n")).unwrap_err();
            assert!(failure.message.contains(wanted), "{text}: {}", failure.message);
        }
    }
}
