//! What of the model hosts needs a person, and what the doctor says of them.

use conclave_consensus::migrate::Attention;
use conclave_db::Db;
use conclave_db::doctor::Check;
use conclave_llm::{Host, HostView, KeySource};
use conclave_retry::{Clock as _, SystemClock};

use crate::failure::{Doing as _, Failure};
use crate::model_client;
use crate::project::{Environment, Project};
use crate::text::visible;
use crate::times;

/// The hosts as they stand; nothing is asked of the machine-wide file where nobody is configured.
pub(crate) fn hosts(
    project: &Project,
    environment: &Environment,
    global: Option<&Db>,
) -> Result<Vec<HostView>, Failure> {
    if project.config.hosts.is_empty() {
        return Ok(Vec::new());
    }
    conclave_llm::overview(global, &model_client::hosts(project, environment)).doing("read the hosts")
}

/// Hosts that no call goes to: open ones, and those whose key or account is refused.
pub(crate) fn of_hosts(views: &[HostView]) -> Vec<Attention> {
    let now = SystemClock.wall_ms();
    views.iter().filter_map(|view| of_host(view, now)).collect()
}

fn of_host(view: &HostView, now: i64) -> Option<Attention> {
    let name = visible(&view.name);
    let word = word(&view.name);
    let last = view.last_error.as_deref().map(|error| format!(": {}", visible(error))).unwrap_or_default();
    let (why, advice) = match view.breaker.state.as_str() {
        "forced_open" => (
            format!("{name} was opened by hand: no call goes to it"),
            format!("`conclave host close {word}`"),
        ),
        "open" => (
            format!("{name} is open: no call goes to it{last}"),
            match view.breaker.retry_at.filter(|at| *at > now) {
                Some(at) => format!(
                    "it is tried out in {}; once it is mended, `conclave host check {word}` makes that at once",
                    times::ago(at, now)
                ),
                None => format!("its next call tries it out; `conclave host check {word}` looks at it now"),
            },
        ),
        _ if is_refused(view, now) => (
            format!("{name} refuses the key or the account: no call goes to it{last}"),
            format!("mend the key or the account; `conclave host reset {word}` asks again at once"),
        ),
        _ => return None,
    };
    Some(Attention { kind: "host", name: view.name.clone(), why, advice, since: view.opened_at })
}

/// A pause for load passes by itself; one for the key or for money does not.
fn is_refused(view: &HostView, now: i64) -> bool {
    let is_blocked = view.blocked_until.is_some_and(|until| until > now);
    is_blocked && matches!(view.blocked_why.as_deref(), Some("auth" | "quota"))
}

/// One check for each host, and those of the configuration. Nothing is sent, and no key is read.
pub(crate) fn host_checks(
    project: &Project,
    environment: &Environment,
    views: &Result<Vec<HostView>, Failure>,
) -> Vec<Check> {
    const NAME: &str = "hosts";
    let mut checks = Vec::new();
    let views = match views {
        Ok(views) => views.as_slice(),
        Err(failure) => {
            let advice = failure.hint.clone().unwrap_or("look at the log with `--log-stderr -v`".into());
            checks.push(Check::fail(NAME, failure.message.clone(), advice));
            &[]
        }
    };
    let waiting = of_hosts(views);
    for host in model_client::everybody(project, environment) {
        let name = visible(&host.name).into_owned();
        if let Some(missing) = unusable(&host, environment) {
            let advice = "until then it is passed over; a variable must be set where `conclave` starts";
            checks.push(Check::warn(NAME, format!("{name}: {missing}"), advice));
        } else if let Some(waiting) = waiting.iter().find(|waiting| waiting.name == host.name) {
            checks.push(Check::warn(NAME, waiting.why.clone(), waiting.advice.clone()));
        } else {
            checks.push(Check::ok(
                NAME,
                format!("{name}: {} {}", host.dialect.as_str(), host.endpoint.as_str()),
            ));
        }
    }
    checks
}

/// What a host needs that is not there: it is passed over then.
pub(crate) fn unusable(host: &Host, environment: &Environment) -> Option<String> {
    let certificates = || {
        let missing = host.ca_file.as_ref().filter(|file| std::fs::File::open(file).is_err())?;
        Some(format!("{} cannot be read (ca_file)", missing.display()))
    };
    host.key.as_ref().and_then(|key| unreadable(key, environment)).or_else(certificates)
}

/// What is wrong with the place of a key.
fn unreadable(key: &KeySource, environment: &Environment) -> Option<String> {
    match key {
        KeySource::Env(name) => {
            environment.get(name).is_none().then(|| format!("the variable {name} is not set (api_key_env)"))
        }
        KeySource::File(file) => {
            use std::os::unix::fs::MetadataExt as _;
            match std::fs::metadata(file) {
                Err(error) => Some(format!("{}: {error} (api_key_file)", file.display())),
                Ok(found) if !found.is_file() => {
                    Some(format!("{} is no file (api_key_file)", file.display()))
                }
                Ok(found) if found.mode() & 0o077 != 0 => Some(format!(
                    "{} may be read by others, so it is not used: `chmod 600` (api_key_file)",
                    file.display()
                )),
                Ok(_) => None,
            }
        }
    }
}

/// A name in a shell: one that is not plain in quotes.
pub(super) fn word(name: &str) -> String {
    let is_plain = |letter: char| letter.is_ascii_alphanumeric() || matches!(letter, '.' | '_' | '-' | ':');
    if name.starts_with(|first: char| first.is_ascii_alphanumeric()) && name.chars().all(is_plain) {
        return name.to_owned();
    }
    format!("-- '{}'", name.replace('\'', r"'\''"))
}

#[cfg(test)]
mod tests {
    use super::word;

    #[test]
    fn names_can_be_copied_into_a_shell() {
        assert_eq!(word("surtr-1"), "surtr-1");
        assert_eq!(word("my host"), "-- 'my host'");
        assert_eq!(word("-x's"), r"-- '-x'\''s'");
    }
}
