//! How long a request may take (R8). What the configuration says wins over every number here.

use std::time::Duration;

use crate::host::{Dialect, Host};
use crate::transport::Limits;

/// To a machine of one's own network, and to the world.
const CONNECT: [Duration; 2] = [Duration::from_secs(2), Duration::from_secs(5)];

/// To the first byte, the prompt's reading included.
const FIRST_BYTE: Duration = Duration::from_mins(2);

/// The same where Ollama has to load the model first: its own limit for that is five minutes (`OLLAMA_LOAD_TIMEOUT`),
/// and whoever gives up earlier makes it begin again (2.2, trap a).
const FIRST_BYTE_COLD: Duration = Duration::from_mins(5);

const IDLE: Duration = Duration::from_mins(1);
const TOTAL: Duration = Duration::from_mins(10);

/// All checks together.
pub(crate) const CHECK: Duration = Duration::from_secs(2);

/// The limits of a question. `is_cold`: whether the model may have to be loaded first.
pub(crate) fn limits(host: &Host, is_cold: bool, deadline: Option<Duration>) -> Limits {
    let total = host.timeouts.total.unwrap_or(TOTAL);
    let usual = if !host.stream {
        // Nothing comes before all is there.
        total
    } else if is_cold && host.dialect == Dialect::Ollama {
        FIRST_BYTE_COLD
    } else {
        FIRST_BYTE
    };
    Limits {
        connect: connect(host),
        first_byte: host.timeouts.first_byte.unwrap_or(usual),
        idle: host.timeouts.idle.unwrap_or(IDLE),
        total,
        deadline,
    }
}

/// The limits of a check.
pub(crate) fn of_check(host: &Host, left: Duration, deadline: Option<Duration>) -> Limits {
    let left = left.min(CHECK);
    Limits { connect: connect(host).min(left), first_byte: left, idle: left, total: left, deadline }
}

fn connect(host: &Host) -> Duration {
    let [near, far] = CONNECT;
    host.timeouts.connect.unwrap_or(if host.endpoint.is_private() { near } else { far })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::endpoint::Endpoint;
    use crate::host::{ProxySetting, Timeouts};

    fn host(url: &str, dialect: Dialect, timeouts: Timeouts, stream: bool) -> Host {
        Host {
            name: "a".to_owned(),
            endpoint: Endpoint::parse(url, dialect).unwrap(),
            dialect,
            models: Vec::new(),
            tasks: Vec::new(),
            priority: 1,
            max_concurrent: None,
            timeouts,
            key: None,
            breaker: true,
            proxy: ProxySetting::Direct,
            ca_file: None,
            allow_plain_key: false,
            stream,
            api_version: None,
            max_tokens: None,
            max_completion_tokens: false,
            context: None,
            billed: false,
        }
    }

    // llm L40, R8
    #[test]
    fn a_cold_model_of_ollama_has_five_minutes() {
        let near = "http://surtr:11434";
        let of = |dialect, is_cold, stream, timeouts| {
            let limits = limits(&host(near, dialect, timeouts, stream), is_cold, None);
            limits.first_byte.as_secs()
        };
        let usual = Timeouts::default();
        let short = Timeouts { first_byte: Some(Duration::from_secs(7)), ..usual };
        for (dialect, is_cold, stream, timeouts, seconds) in [
            (Dialect::Ollama, true, true, usual, 300),
            (Dialect::Ollama, false, true, usual, 120),
            (Dialect::Openai, true, true, usual, 120),
            (Dialect::Ollama, true, true, short, 7),
            // Nothing comes before the whole answer is there.
            (Dialect::Openai, false, false, usual, 600),
        ] {
            assert_eq!(of(dialect, is_cold, stream, timeouts), seconds, "{dialect:?} {is_cold} {stream}");
        }
    }

    #[test]
    fn the_world_has_more_time_to_connect_and_a_check_has_two_seconds() {
        let connect =
            |url| limits(&host(url, Dialect::Openai, Timeouts::default(), true), false, None).connect;
        assert_eq!(connect("http://surtr:1"), Duration::from_secs(2));
        assert_eq!(connect("https://models.example.com"), Duration::from_secs(5));
        let host = host("https://models.example.com", Dialect::Openai, Timeouts::default(), true);
        let checked = of_check(&host, Duration::from_secs(9), None);
        assert_eq!((checked.connect, checked.first_byte, checked.total), (CHECK, CHECK, CHECK));
        let rest = Duration::from_millis(300);
        assert_eq!(of_check(&host, rest, Some(rest)).total, rest);
    }
}
