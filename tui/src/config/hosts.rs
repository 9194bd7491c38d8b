//! `[[hosts]]`, `[fallback]` and `[llm]`: the models behind HTTP, and who answers where none of them does.
//!
//! A key never stands here, only where it is to be found: configuration files are shown, copied and committed.

use std::path::Path;
use std::time::Duration;

use conclave_llm::{
    Class, Dialect, Endpoint, Fallback, Host, Hosts, KeySource, LlmError, ProxySetting, Timeouts,
};
use toml::Spanned;
use toml::de::DeTable;

use super::reader::{Reader, Value};
use crate::failure::Failure;

/// The keys of a host that those of the fallback are too.
pub(super) const KEYS: [&str; 16] = [
    "name",
    "url",
    "dialect",
    "max_concurrent",
    "timeouts",
    "api_key_env",
    "api_key_file",
    "breaker",
    "proxy",
    "ca_file",
    "allow_plain_key",
    "stream",
    "api_version",
    "max_tokens",
    "max_completion_tokens",
    "context",
];
/// Of a host alone.
pub(super) const OF_HOST: [&str; 4] = ["models", "tasks", "priority", "billed"];
/// Of the fallback alone.
pub(super) const OF_FALLBACK: [&str; 4] = ["model", "on", "calls_per_hour", "tokens_per_day"];
/// The keys of `[llm]`.
pub(super) const OF_LLM: [&str; 2] = ["queue_timeout", "max_prompt_bytes"];
/// The limits of a call.
const LIMITS: [&str; 4] = ["connect", "first_byte", "idle", "total"];

/// Bytes that a prompt may be allowed to have.
const PROMPTS: std::ops::RangeInclusive<u64> = 1..=1 << 30;
/// Bytes of a model's name: servers have theirs, and some are long.
const MODEL: usize = 1024;
/// The fallback's name where it has none.
const FALLBACK: &str = "fallback";

/// What the three tables say.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub(crate) struct HostSettings {
    /// `[[hosts]]`: those of the first file that has any.
    hosts: Option<Vec<Host>>,
    /// `[fallback]`, as a whole.
    fallback: Option<Fallback>,
    /// How long a call waits for a free slot.
    queue_timeout: Option<Duration>,
    /// Bytes of a prompt, at most.
    max_prompt_bytes: Option<u64>,
}

impl HostSettings {
    /// The other's where this one is silent.
    pub(super) fn or(self, other: Self) -> Self {
        Self {
            hosts: self.hosts.or(other.hosts),
            fallback: self.fallback.or(other.fallback),
            queue_timeout: self.queue_timeout.or(other.queue_timeout),
            max_prompt_bytes: self.max_prompt_bytes.or(other.max_prompt_bytes),
        }
    }

    /// Whether anybody can be asked.
    pub(crate) fn is_empty(&self) -> bool {
        self.fallback.is_none() && self.hosts.as_ref().is_none_or(Vec::is_empty)
    }

    /// What the fallback is called, where there is one.
    pub(crate) fn fallback_name(&self) -> Option<&str> {
        self.fallback.as_ref().map(|fallback| fallback.host.name.as_str())
    }

    /// Bytes of a prompt, where that is said.
    pub(crate) const fn max_prompt_bytes(&self) -> Option<u64> {
        self.max_prompt_bytes
    }

    /// All hosts, with their relative paths below this folder; `~` is `home`.
    pub(crate) fn resolved(&self, folder: &Path, home: Option<&Path>) -> Hosts {
        let place = |path: &Path| match (path.strip_prefix("~"), home) {
            (Ok(rest), Some(home)) => home.join(rest),
            _ => folder.join(path),
        };
        let resolve = |host: &Host| Host {
            ca_file: host.ca_file.as_deref().map(place),
            key: host.key.as_ref().map(|key| match key {
                KeySource::File(path) => KeySource::File(place(path)),
                other @ KeySource::Env(_) => other.clone(),
            }),
            ..host.clone()
        };
        Hosts {
            hosts: self.hosts.iter().flatten().map(resolve).collect(),
            fallback: self
                .fallback
                .as_ref()
                .map(|fallback| Fallback { host: resolve(&fallback.host), ..fallback.clone() }),
            queue_timeout: self.queue_timeout,
            max_prompt_bytes: self.max_prompt_bytes,
        }
    }

    /// What one file says must fit what the other says: a name means one of them.
    pub(super) fn check(&self) -> Result<(), Failure> {
        let Some(fallback) = &self.fallback else { return Ok(()) };
        let name = &fallback.host.name;
        if self.hosts.iter().flatten().any(|host| host.name == *name) {
            return Err(Failure::configuration(format!(
                "configuration: fallback.name: {name:?} is the name of a host"
            ))
            .hint("give the fallback a name of its own, such as `name = \"cloud\"`"));
        }
        Ok(())
    }
}

/// `[[hosts]]`, in their order.
pub(super) fn read(
    reader: &Reader<'_>,
    value: &Value<'_>,
    settings: &mut HostSettings,
) -> Result<(), Failure> {
    let mut found: Vec<(Host, usize)> = Vec::new();
    for one in reader.list("hosts", value, "[[hosts]], a list of tables")? {
        let place = Place { reader, prefix: "hosts", table: reader.table("hosts", one)?, whole: one };
        place.refuse_unknown(&OF_HOST)?;
        let (host, at) = host(&place)?;
        if let Some((_, line)) = found.iter().find(|(other, _)| other.name == host.name) {
            let name = &host.name;
            return Err(reader
                .refuse(&at, &format!("hosts.name: {name:?} is the name of another host (line {line})"))
                .hint("every host has a name of its own; what is known of a host belongs to its URL"));
        }
        found.push((host, reader.line(at.start)));
    }
    settings.hosts = Some(found.into_iter().map(|(host, _)| host).collect());
    Ok(())
}

/// `[fallback]`.
pub(super) fn read_fallback(
    reader: &Reader<'_>,
    value: &Value<'_>,
    settings: &mut HostSettings,
) -> Result<(), Failure> {
    let place = Place { reader, prefix: "fallback", table: reader.table("fallback", value)?, whole: value };
    place.refuse_unknown(&OF_FALLBACK)?;
    let mut host = common(&place, || Ok((FALLBACK.to_owned(), Endpoint::usual)))?;
    host.models = vec![model(&place, place.wanted("model")?, "fallback.model")?];
    // It is the one that costs, unless somebody has another one.
    host.billed = true;
    let on = match place.value("on") {
        None => Fallback::ON.to_vec(),
        Some(value) => {
            let words = reader.list("fallback.on", value, "a list such as [\"unreachable\"]")?;
            words.iter().map(|word| class(reader, word)).collect::<Result<_, _>>()?
        }
    };
    let number = |name: &str| {
        let integer = |value| reader.integer(&format!("fallback.{name}"), value, &(0..=i64::MAX));
        place.value(name).map(integer).transpose()
    };
    let calls_per_hour = place
        .value("calls_per_hour")
        .map(|value| reader.number("fallback.calls_per_hour", value, 0..u32::MAX))
        .transpose()?;
    let tokens_per_day = number("tokens_per_day")?.and_then(|number| u64::try_from(number).ok());
    settings.fallback = Some(Fallback { host, on, calls_per_hour, tokens_per_day });
    Ok(())
}

/// `[llm]`.
pub(super) fn read_llm(
    reader: &Reader<'_>,
    value: &Value<'_>,
    settings: &mut HostSettings,
) -> Result<(), Failure> {
    for (key, value) in reader.table("llm", value)? {
        match key.get_ref().as_ref() {
            "queue_timeout" => {
                settings.queue_timeout = Some(reader.duration("llm.queue_timeout", value)?);
            }
            "max_prompt_bytes" => {
                let bounds = (&PROMPTS, "1B to 1GiB");
                settings.max_prompt_bytes =
                    Some(reader.bytes("llm.max_prompt_bytes", value, "2MiB", bounds)?);
            }
            other => return Err(reader.unknown(key.span(), "llm.", other, &OF_LLM)),
        }
    }
    Ok(())
}

/// One table of a file.
struct Place<'all, 'file, 'text> {
    reader: &'all Reader<'file>,
    prefix: &'static str,
    table: &'all DeTable<'text>,
    whole: &'all Value<'text>,
}

impl<'all, 'text> Place<'all, '_, 'text> {
    fn value(&self, name: &str) -> Option<&'all Value<'text>> {
        self.table.iter().find(|(key, _)| key.get_ref() == name).map(|(_, value)| value)
    }

    fn wanted(&self, name: &str) -> Result<&'all Value<'text>, Failure> {
        self.value(name).ok_or_else(|| self.missing(name))
    }

    /// Nothing stands in for it, so no other setting's hint fits.
    fn missing(&self, name: &str) -> Failure {
        let example = match name {
            "name" => "\"surtr\"",
            "url" => "\"http://surtr:11434\"",
            "dialect" => "\"openai\" (or \"ollama\", \"anthropic\")",
            _ => "\"claude-sonnet-4-5\"",
        };
        self.reader
            .refuse(&self.whole.span(), &format!("{}: is missing", self.key(name)))
            .hint(format!("add a line such as `{name} = {example}` to this table"))
    }

    fn key(&self, name: &str) -> String {
        format!("{}.{name}", self.prefix)
    }

    /// What may stand here beside the common keys.
    fn refuse_unknown(&self, own: &[&str]) -> Result<(), Failure> {
        for (key, _) in self.table {
            let name = key.get_ref().as_ref();
            if matches!(name, "api_key" | "key" | "token" | "api_token") {
                let what = format!("{}: a key never stands here", self.key(name));
                return Err(self.reader.refuse(&key.span(), &what).hint(
                    "name the variable that holds it (`api_key_env`), or a file that only you can read (`api_key_file`)",
                ));
            }
            if !KEYS.contains(&name) && !own.contains(&name) {
                let known: Vec<&str> = KEYS.iter().chain(own).copied().collect();
                return Err(self.reader.unknown(key.span(), &format!("{}.", self.prefix), name, &known));
            }
        }
        Ok(())
    }

    fn boolean(&self, name: &str) -> Result<Option<bool>, Failure> {
        self.value(name).map(|value| self.reader.boolean(&self.key(name), value)).transpose()
    }

    /// A number of something of which there is at least one.
    fn number(&self, name: &str) -> Result<Option<u32>, Failure> {
        let number = |value| self.reader.number(&self.key(name), value, 1..u32::MAX);
        self.value(name).map(number).transpose()
    }

    /// One of a few words.
    fn word(&self, name: &str, words: &[&'static str]) -> Result<Option<&'static str>, Failure> {
        let Some(value) = self.value(name) else { return Ok(None) };
        let text = self.reader.text(&self.key(name), value)?;
        one_of(self.reader, &self.key(name), value, &text, words).map(Some)
    }
}

/// One host, and the place of its name.
fn host(place: &Place<'_, '_, '_>) -> Result<(Host, std::ops::Range<usize>), Failure> {
    let reader = place.reader;
    let at = place.wanted("name")?.span();
    let mut host = common(place, || Err(place.missing("url")))?;
    if let Some(value) = place.value("models") {
        let models = reader.list("hosts.models", value, "a list such as [\"codellama:34b\"]")?;
        host.models =
            models.iter().map(|value| model(place, value, "hosts.models")).collect::<Result<_, _>>()?;
    }
    // Whoever speaks this need not list what he has, so nobody is asked for a list before a question (R10).
    if host.dialect == Dialect::Anthropic && host.models.is_empty() {
        return Err(reader
            .refuse(
                &place.whole.span(),
                "hosts.models: is missing: with this dialect nobody says which there are",
            )
            .hint("add a line such as `models = [\"claude-sonnet-4-5\"]` to this table"));
    }
    if let Some(value) = place.value("tasks") {
        let tasks = reader.list("hosts.tasks", value, "a list such as [\"code-generation\"]")?;
        host.tasks =
            tasks.iter().map(|value| reader.filled("hosts.tasks", value)).collect::<Result<_, _>>()?;
    }
    if let Some(value) = place.value("priority") {
        host.priority = reader.integer("hosts.priority", value, &(-1_000_000..=1_000_000))?;
    }
    // A key beyond the own network is somebody's invoice.
    host.billed = place.boolean("billed")?.unwrap_or(host.key.is_some() && !host.endpoint.is_private());
    Ok((host, at))
}

/// What hosts and the fallback have in common. `usual` gives name and URL where none stands here.
fn common(
    place: &Place<'_, '_, '_>,
    usual: impl Fn() -> Result<(String, fn(Dialect) -> Endpoint), Failure>,
) -> Result<Host, Failure> {
    let reader = place.reader;
    let name = match place.value("name") {
        Some(value) => reader.name(&place.key("name"), value)?,
        None => usual()?.0,
    };
    place.wanted("dialect")?;
    let words = Dialect::ALL.map(Dialect::as_str);
    let spoken = place.word("dialect", &words)?;
    let dialect = Dialect::ALL.into_iter().find(|dialect| Some(dialect.as_str()) == spoken);
    let dialect = dialect.unwrap_or(Dialect::Openai);
    let endpoint = match place.value("url") {
        Some(value) => {
            let text = reader.text(&place.key("url"), value)?;
            Endpoint::parse(&text, dialect)
                .map_err(|error| refused(reader, value, &place.key("url"), &error))?
        }
        None => usual()?.1(dialect),
    };
    let key = key(place)?;
    let allow_plain_key = place.boolean("allow_plain_key")?.unwrap_or(false);
    if let (Some((_, value)), false) = (&key, allow_plain_key)
        && endpoint.as_str().starts_with("http:")
        && !endpoint.is_private()
    {
        let what = format!(
            "{}: the key would go in plain text to {}, which is no address of your own network",
            place.prefix,
            endpoint.as_str()
        );
        return Err(reader
            .refuse(&value.span(), &what)
            .hint("use https, or say `allow_plain_key = true` if everybody on the way may read the key"));
    }
    Ok(Host {
        name,
        endpoint,
        dialect,
        models: Vec::new(),
        tasks: Vec::new(),
        priority: 0,
        max_concurrent: place.number("max_concurrent")?,
        timeouts: timeouts(place)?,
        key: key.map(|(key, _)| key),
        breaker: place.word("breaker", &["on", "off"])?.is_none_or(|word| word == "on"),
        proxy: proxy(place)?,
        ca_file: place.value("ca_file").map(|value| reader.path(&place.key("ca_file"), value)).transpose()?,
        allow_plain_key,
        stream: place.boolean("stream")?.unwrap_or(true),
        api_version: place.value("api_version").map(|value| header(place, value)).transpose()?,
        max_tokens: place.number("max_tokens")?,
        max_completion_tokens: place.boolean("max_completion_tokens")?.unwrap_or(false),
        context: place.number("context")?,
        billed: false,
    })
}

fn refused(reader: &Reader<'_>, value: &Value<'_>, key: &str, error: &LlmError) -> Failure {
    let failure = reader.refuse(&value.span(), &format!("{key}: {error}"));
    match error.hint() {
        Some(hint) => failure.hint(hint.to_owned()),
        None => failure,
    }
}

/// Where the key comes from, and what says so. Nothing is repeated: people paste keys where their names belong.
fn key<'all, 'text>(
    place: &Place<'all, '_, 'text>,
) -> Result<Option<(KeySource, &'all Value<'text>)>, Failure> {
    let reader = place.reader;
    match (place.value("api_key_env"), place.value("api_key_file")) {
        (None, None) => Ok(None),
        (Some(_), Some(value)) => {
            let what = format!("{}: api_key_env says already where the key is", place.key("api_key_file"));
            Err(reader.refuse(&value.span(), &what).hint("leave one of the two out"))
        }
        (Some(value), None) => {
            let key = place.key("api_key_env");
            let name = reader.filled(&key, value)?;
            let fits = !name.starts_with(|first: char| first.is_ascii_digit())
                && name.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'_');
            if !fits {
                let what = format!("{key}: wanted the name of a variable, of A-Z a-z 0-9 _");
                return Err(reader
                    .refuse(&value.span(), &what)
                    .hint("the key itself never stands here: name the variable that holds it"));
            }
            Ok(Some((KeySource::Env(name), value)))
        }
        (None, Some(value)) => {
            Ok(Some((KeySource::File(reader.path(&place.key("api_key_file"), value)?), value)))
        }
    }
}

fn timeouts(place: &Place<'_, '_, '_>) -> Result<Timeouts, Failure> {
    let mut timeouts = Timeouts::default();
    let Some(value) = place.value("timeouts") else { return Ok(timeouts) };
    for (key, value) in place.reader.table(&place.key("timeouts"), value)? {
        let name = key.get_ref().as_ref();
        let limit = match name {
            "connect" => &mut timeouts.connect,
            "first_byte" => &mut timeouts.first_byte,
            "idle" => &mut timeouts.idle,
            "total" => &mut timeouts.total,
            _ => {
                let table = format!("{}.timeouts.", place.prefix);
                return Err(place.reader.unknown(key.span(), &table, name, &LIMITS));
            }
        };
        let key = format!("{}.timeouts.{name}", place.prefix);
        *limit = Some(some_time(place.reader, &key, value)?);
    }
    Ok(timeouts)
}

fn some_time(reader: &Reader<'_>, key: &str, value: &Value<'_>) -> Result<Duration, Failure> {
    let time = reader.duration(key, value)?;
    if time.is_zero() {
        return Err(reader.refuse(&value.span(), &format!("{key}: is no time at all")));
    }
    Ok(time)
}

/// `env`, `direct`, or the URL of a proxy, which may hold a password and is not repeated.
fn proxy(place: &Place<'_, '_, '_>) -> Result<ProxySetting, Failure> {
    let Some(value) = place.value("proxy") else { return Ok(ProxySetting::Env) };
    let key = place.key("proxy");
    let text = place.reader.filled(&key, value)?;
    match text.as_str() {
        "env" => Ok(ProxySetting::Env),
        "direct" => Ok(ProxySetting::Direct),
        url if url.get(..7).is_some_and(|scheme| scheme.eq_ignore_ascii_case("http://"))
            && url.len() > 7
            && !url.chars().any(|other| other.is_whitespace() || other.is_control()) =>
        {
            Ok(ProxySetting::Url(text))
        }
        _ => {
            let what = format!("{key}: wanted \"env\", \"direct\" or a URL such as \"http://proxy:3128\"");
            Err(place.reader.refuse(&value.span(), &what))
        }
    }
}

/// The name of a model, which is sent as it stands.
fn model(place: &Place<'_, '_, '_>, value: &Value<'_>, key: &str) -> Result<String, Failure> {
    let name = place.reader.filled(key, value)?;
    if name.len() > MODEL {
        return Err(place.reader.refuse(&value.span(), &format!("{key}: wanted at most {MODEL} bytes")));
    }
    Ok(name)
}

/// What can stand in a header.
fn header(place: &Place<'_, '_, '_>, value: &Value<'_>) -> Result<String, Failure> {
    let key = place.key("api_version");
    let text = place.reader.filled(&key, value)?;
    if !text.bytes().all(|byte| byte.is_ascii_graphic()) {
        return Err(place
            .reader
            .refuse(&value.span(), &format!("{key}: wanted a word such as \"2023-06-01\"")));
    }
    Ok(text)
}

/// A class after which the fallback is asked. After those of the caller's own will nobody is.
fn class(reader: &Reader<'_>, value: &Spanned<toml::de::DeValue<'_>>) -> Result<Class, Failure> {
    let text = reader.text("fallback.on", value)?;
    let is_asked = |class: &Class| !matches!(class, Class::Deadline | Class::Cancelled);
    let words: Vec<&str> =
        Class::ALL.iter().filter(|class| is_asked(class)).map(|class| class.as_str()).collect();
    let word = one_of(reader, "fallback.on", value, &text, &words)?;
    Class::parse(word).ok_or_else(|| reader.refuse(&value.span(), "fallback.on: no such class"))
}

fn one_of<'words>(
    reader: &Reader<'_>,
    key: &str,
    value: &Value<'_>,
    text: &str,
    words: &[&'words str],
) -> Result<&'words str, Failure> {
    let known = || words.iter().map(|word| format!("{word:?}")).collect::<Vec<_>>().join(", ");
    words.iter().find(|word| **word == text).copied().ok_or_else(|| {
        reader.refuse(&value.span(), &format!("{key}: wanted one of {}, found {text:?}", known()))
    })
}

#[cfg(test)]
mod tests;
