//! Which hosts are understood, and what is said of the rest.

use std::path::Path;
use std::time::Duration;

use conclave_llm::{Class, Dialect, Fallback, Hosts, KeySource, ProxySetting};

use super::super::{Config, Source, of_text};

fn check(text: &str) -> Result<Hosts, String> {
    let config = of_text(text).map_err(|failure| failure.message)?;
    Ok(config.hosts.resolved(Path::new("/project"), Some(Path::new("/home/me"))))
}

const HOST: &str = "[[hosts]]\nname = 'a'\nurl = 'http://a:1'\ndialect = 'ollama'\n";
const FALLBACK: &str = "[fallback]\ndialect = 'anthropic'\nmodel = 'm'\n";

#[test]
fn a_host_is_what_its_table_says_and_the_rest_is_usual() {
    let hosts = check(
        "[[hosts]]\nname = 'surtr'\nurl = 'http://SURTR:11434/'\ndialect = 'ollama'\nmodels = ['codellama:34b', 'a b/c']
tasks = ['code-generation']\npriority = -1\nmax_concurrent = 2\ntimeouts = { connect = '2s', first_byte = 120, idle = '1m', total = '10m' }
api_key_file = '~/keys/surtr'\nbreaker = 'off'\nproxy = 'direct'\nca_file = 'own.pem'\nstream = false\nmax_tokens = 7\ncontext = 8192\nbilled = true
[[hosts]]\nname = 'b'\nurl = 'https://example.com/v1'\ndialect = 'openai'\napi_key_env = 'B_KEY'\nproxy = 'http://proxy:3128'\nmax_completion_tokens = true\n
[llm]\nqueue_timeout = '5s'\nmax_prompt_bytes = '1KiB'\n",
    )
    .unwrap();
    let first = &hosts.hosts[0];
    assert_eq!((first.name.as_str(), first.endpoint.as_str()), ("surtr", "http://surtr:11434"));
    assert_eq!((first.dialect, first.priority, first.max_concurrent), (Dialect::Ollama, -1, Some(2)));
    assert_eq!(first.models, ["codellama:34b", "a b/c"]);
    assert_eq!(first.tasks, ["code-generation"]);
    let timeouts = first.timeouts;
    let seconds = |time: Option<Duration>| time.map(|time| time.as_secs());
    let found = [timeouts.connect, timeouts.first_byte, timeouts.idle, timeouts.total].map(seconds);
    assert_eq!(found, [Some(2), Some(120), Some(60), Some(600)]);
    assert_eq!(first.key, Some(KeySource::File("/home/me/keys/surtr".into())), "below the home");
    assert_eq!(first.ca_file.as_deref(), Some(Path::new("/project/own.pem")), "below the project");
    assert!(!first.breaker && !first.stream && first.billed);
    assert_eq!((first.max_tokens, first.context), (Some(7), Some(8192)));
    assert_eq!(first.proxy, ProxySetting::Direct);
    let second = &hosts.hosts[1];
    assert_eq!(second.endpoint.as_str(), "https://example.com");
    assert_eq!(second.key, Some(KeySource::Env("B_KEY".into())));
    assert_eq!(second.proxy, ProxySetting::Url("http://proxy:3128".into()));
    assert!(second.breaker && second.stream && second.billed, "a key beyond the own network costs");
    assert!(second.max_completion_tokens && second.tasks.is_empty() && second.models.is_empty());
    assert_eq!((hosts.queue_timeout, hosts.max_prompt_bytes), (Some(Duration::from_secs(5)), Some(1024)));
    assert!(hosts.fallback.is_none(), "nobody answers unless somebody says so");
    assert!(!check(HOST).unwrap().hosts[0].billed);
}

#[test]
fn the_fallback_is_the_vendors_unless_said() {
    let fallback = check(FALLBACK).unwrap().fallback.unwrap();
    assert_eq!(
        (fallback.host.name.as_str(), fallback.host.models.as_slice()),
        ("fallback", &["m".to_owned()][..])
    );
    assert_eq!(fallback.host.endpoint.as_str(), "https://api.anthropic.com");
    assert_eq!(fallback.on, Fallback::ON);
    assert_eq!((fallback.calls_per_hour, fallback.tokens_per_day), (None, None));
    assert!(fallback.host.billed && !fallback.is_for(Class::Auth));
    let text = format!(
        "{FALLBACK}name = 'cloud'\nurl = 'http://127.0.0.1:9/v1'\non = ['auth', 'busy']\ncalls_per_hour = 0\ntokens_per_day = 5000000000\n"
    );
    let fallback = check(&text).unwrap().fallback.unwrap();
    assert_eq!(
        (fallback.host.name.as_str(), fallback.host.endpoint.as_str()),
        ("cloud", "http://127.0.0.1:9")
    );
    assert_eq!(fallback.on, [Class::Auth, Class::Busy]);
    assert_eq!((fallback.calls_per_hour, fallback.tokens_per_day), (Some(0), Some(5_000_000_000)));
}

#[test]
fn mistakes_in_hosts_are_named() {
    let host = |line: &str| format!("{HOST}{line}\n");
    let fallback = |line: &str| format!("{FALLBACK}{line}\n");
    for (text, wanted) in [
        ("hosts = 1\n".to_owned(), "1:9: hosts: wanted [[hosts]], a list of tables, found a number"),
        ("[[hosts]]\nurl = 'http://a'\ndialect = 'ollama'\n".to_owned(), "1:1: hosts.name: is missing"),
        ("[[hosts]]\nname = 'a'\ndialect = 'ollama'\n".to_owned(), "1:1: hosts.url: is missing"),
        ("[[hosts]]\nname = 'a'\nurl = 'http://a'\n".to_owned(), "1:1: hosts.dialect: is missing"),
        (
            "[[hosts]]\nname = 'a,b'\nurl = 'http://a'\ndialect = 'ollama'\n".to_owned(),
            "2:8: hosts.name: wanted at most 64 characters",
        ),
        (
            "[[hosts]]\nname = 'a'\nurl = 'http://a'\ndialect = 'gpt'\n".to_owned(),
            "4:11: hosts.dialect: wanted one of \"ollama\", \"openai\", \"anthropic\", found \"gpt\"",
        ),
        (
            "[[hosts]]\nname = 'a'\nurl = 'https://a'\ndialect = 'anthropic'\n".to_owned(),
            "1:1: hosts.models: is missing: with this dialect nobody says which there are",
        ),
        (format!("{HOST}{HOST}"), "6:8: hosts.name: \"a\" is the name of another host (line 2)"),
        (host("model = 'm'"), "5:1: hosts.model: no such key"),
        (host("on = ['busy']"), "5:1: hosts.on: no such key"),
        (host("models = 'm'"), "5:10: hosts.models: wanted a list such as"),
        (host("models = ['']"), "5:11: hosts.models: is empty"),
        (host("tasks = ['code', 1]"), "5:18: hosts.tasks: wanted text in quotes, found a number"),
        (host("priority = 1.5"), "5:12: hosts.priority: wanted a whole number from -1000000"),
        (host("max_concurrent = 0"), "5:18: hosts.max_concurrent: wanted a whole number from 1"),
        (host("timeouts = '5s'"), "5:12: hosts.timeouts: wanted a table, found text"),
        (host("timeouts = { header = '5s' }"), "5:14: hosts.timeouts.header: no such key"),
        (host("timeouts = { idle = 0 }"), "5:21: hosts.timeouts.idle: is no time at all"),
        (host("timeouts = { idle = 'x' }"), "5:21: hosts.timeouts.idle: \"x\" is no duration"),
        (host("breaker = true"), "5:11: hosts.breaker: wanted text in quotes, found a boolean"),
        (host("breaker = 'no'"), "5:11: hosts.breaker: wanted one of \"on\", \"off\", found \"no\""),
        (host("proxy = 'proxy:3128'"), "5:9: hosts.proxy: wanted \"env\", \"direct\" or a URL"),
        (host("api_version = 'a b'"), "5:15: hosts.api_version: wanted a word such as"),
        (
            host("api_key_env = 'A'\napi_key_file = 'b'"),
            "6:16: hosts.api_key_file: api_key_env says already where the key is",
        ),
        (fallback("models = ['m']"), "4:1: fallback.models: no such key"),
        (fallback("priority = 1"), "4:1: fallback.priority: no such key"),
        (fallback("on = 'busy'"), "4:6: fallback.on: wanted a list such as"),
        (fallback("on = ['bussy']"), "4:7: fallback.on: wanted one of \"unreachable\", \"local_net\""),
        (fallback("on = ['cancelled']"), "4:7: fallback.on: wanted one of"),
        (fallback("calls_per_hour = -1"), "4:18: fallback.calls_per_hour: wanted a whole number from 0"),
        (fallback("tokens_per_day = 'x'"), "4:18: fallback.tokens_per_day: wanted a whole number from 0"),
        ("[fallback]\nmodel = 'm'\n".to_owned(), "1:1: fallback.dialect: is missing"),
        ("[fallback]\ndialect = 'openai'\n".to_owned(), "1:1: fallback.model: is missing"),
        ("[llm]\nqueue = 1\n".to_owned(), "2:1: llm.queue: no such key"),
        (
            "[llm]\nmax_prompt_bytes = '2GiB'\n".to_owned(),
            "2:20: llm.max_prompt_bytes: wanted 1B to 1GiB, found 2GiB",
        ),
    ] {
        let found = check(&text).unwrap_err();
        assert!(found.starts_with(&format!("configuration: config.toml:{wanted}")), "{text}: {found}");
    }
}

#[test]
fn what_is_missing_is_shown_as_it_would_stand_there() {
    for (text, wanted) in [
        ("[[hosts]]\nname = 'a'\ndialect = 'ollama'\n", "`url = "),
        ("[fallback]\ndialect = 'openai'\n", "`model = "),
        ("[[hosts]]\nname = 'a'\nurl = 'https://a'\ndialect = 'anthropic'\nmodels = []\n", "`models = ["),
    ] {
        let hint = of_text(text).unwrap_err().hint.unwrap();
        assert!(hint.starts_with(&format!("add a line such as {wanted}")), "{hint}");
    }
}

// llm L46
#[test]
fn a_url_that_cannot_be_used_is_refused_with_its_place() {
    for url in ["h:11434", "ftp://h", "http://[::1", "http://h/?key=1", "http://h:1/v1"] {
        let text = format!("[[hosts]]\nname = 'a'\nurl = '{url}'\ndialect = 'ollama'\n");
        let failure = of_text(&text).unwrap_err();
        assert!(failure.message.starts_with("configuration: config.toml:3:7: hosts.url: "), "{failure:?}");
        assert!(failure.hint.is_some(), "{failure:?}");
    }
    let password = "[[hosts]]\nname = 'a'\nurl = 'ftp://u:hunter2@h'\ndialect = 'ollama'\n";
    let failure = of_text(password).unwrap_err();
    assert!(!format!("{failure:?}").contains("hunter2"), "{failure:?}");
}

// llm L50: people paste keys where their names belong.
#[test]
fn a_key_in_the_configuration_is_refused_and_never_repeated() {
    for line in [
        "api_key = 'sk-test-AAAA'",
        "token = 'sk-test-AAAA'",
        "api_key_env = 'sk-test-AAAA'",
        "api_key_env = '$KEY sk-test-AAAA'",
        "proxy = 'u:sk-test-AAAA@proxy'",
    ] {
        for table in [HOST, FALLBACK] {
            let failure = of_text(&format!("{table}{line}\n")).unwrap_err();
            assert!(!format!("{failure:?}").contains("sk-test"), "{failure:?}");
        }
    }
    let failure = of_text(&format!("{HOST}api_key = 'x'\n")).unwrap_err();
    assert!(failure.hint.unwrap().contains("api_key_env"));
}

#[test]
fn a_key_in_plain_text_beyond_the_own_network_must_be_wanted() {
    let host = |url: &str, more: &str| {
        format!("[[hosts]]\nname = 'a'\nurl = '{url}'\ndialect = 'openai'\napi_key_env = 'K'\n{more}\n")
    };
    let found = check(&host("http://models.example.com", "")).unwrap_err();
    assert!(
        found.starts_with("configuration: config.toml:5:15: hosts: the key would go in plain text"),
        "{found}"
    );
    for (url, more) in [
        ("http://models.example.com", "allow_plain_key = true"),
        ("https://models.example.com", ""),
        ("http://127.0.0.1:1", ""),
        ("http://192.168.1.7:1", ""),
        ("http://surtr:1", ""),
    ] {
        assert!(check(&host(url, more)).is_ok(), "{url} {more}");
    }
}

#[test]
fn lists_of_hosts_are_replaced_as_a_whole_and_names_must_not_meet() {
    let dir = tempfile::tempdir().unwrap();
    let files = [dir.path().join("project"), dir.path().join("user")];
    let load = |project: &str, user: &str| {
        std::fs::write(&files[0], project).unwrap();
        std::fs::write(&files[1], user).unwrap();
        Source::Files(files.to_vec()).load().map(|config: Config| config.hosts.resolved(Path::new("/"), None))
    };
    let user = format!("{}{FALLBACK}", HOST.replace("'a'", "'u'"));
    let hosts = load(HOST, &user).unwrap();
    let names: Vec<&str> = hosts.hosts.iter().map(|host| host.name.as_str()).collect();
    assert_eq!((names, hosts.fallback.is_some()), (vec!["a"], true));
    assert_eq!(load("[llm]\nqueue_timeout = 1\n", &user).unwrap().hosts[0].name, "u");
    let failure = load(&HOST.replace("'a'", "'fallback'"), FALLBACK).unwrap_err();
    assert!(failure.message.contains("fallback.name: \"fallback\" is the name of a host"), "{failure:?}");
}
