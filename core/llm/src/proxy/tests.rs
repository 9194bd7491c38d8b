use std::ffi::OsString;

use super::of;
use crate::endpoint::Endpoint;
use crate::host::{Dialect, ProxySetting};

/// The proxy of a host under these variables, `name=value` each.
fn proxy(url: &str, setting: &ProxySetting, variables: &[&str]) -> Result<Option<String>, String> {
    let endpoint = Endpoint::parse(url, Dialect::Openai).unwrap();
    let environment = |name: &str| {
        variables
            .iter()
            .filter_map(|variable| variable.split_once('='))
            .find(|(set, _)| *set == name)
            .map(|(_, value)| OsString::from(value))
    };
    of(&endpoint, setting, &environment).map_err(|error| error.to_string())
}

fn check(url: &str, variables: &[&str], expected: Option<&str>) {
    let found = proxy(url, &ProxySetting::Env, variables).unwrap();
    assert_eq!(found.as_deref(), expected, "{url} under {variables:?}");
}

const P: Option<&str> = Some("http://p:1");
const Q: Option<&str> = Some("http://q:2");

// llm L48
#[test]
fn a_proxy_is_named_by_scheme() {
    let (plain, safe) = ("http://host.example", "https://host.example");
    check(plain, &[], None);
    check(plain, &["http_proxy=http://p:1"], P);
    check(plain, &["HTTP_PROXY=http://p:1"], None);
    check(plain, &["https_proxy=http://p:1", "HTTPS_PROXY=http://p:1"], None);
    check(plain, &["all_proxy=http://p:1"], P);
    check(plain, &["ALL_PROXY=http://p:1"], P);
    check(plain, &["http_proxy=http://p:1", "all_proxy=http://q:2"], P);
    check(safe, &["http_proxy=http://p:1"], None);
    check(safe, &["https_proxy=http://p:1"], P);
    check(safe, &["HTTPS_PROXY=http://p:1"], P);
    check(safe, &["https_proxy=http://p:1", "HTTPS_PROXY=http://q:2"], P);
    check(safe, &["all_proxy=http://q:2", "http_proxy=http://p:1"], Q);
    check(safe, &["https_proxy=", "HTTPS_PROXY=http://p:1", "all_proxy=http://q:2"], None);
    check(safe, &["https_proxy= p:1 "], P);
    check(safe, &["https_proxy=http://u:secret@p:1/"], Some("http://u:secret@p:1/"));
    // A single-label name is no exception: its network may be behind the proxy.
    check("http://surtr:8080", &["http_proxy=http://p:1"], P);
}

// llm L48
#[test]
fn this_machine_never_goes_through_a_proxy() {
    let all = ["http_proxy=http://p:1", "https_proxy=http://p:1", "all_proxy=http://p:1"];
    for url in [
        "http://localhost:1",
        "http://127.0.0.1",
        "https://127.8.8.8",
        "http://[::1]:1",
        "https://x.localhost",
    ] {
        check(url, &all, None);
        assert_eq!(proxy(url, &ProxySetting::Url("http://p:1".to_owned()), &all), Ok(None));
    }
}

// llm L48
#[test]
fn exceptions_are_what_they_say() {
    let excepted = |list: &str, url: &str| {
        let lower = format!("no_proxy={list}");
        let upper = format!("NO_PROXY={list}");
        let found: Vec<bool> = [lower, upper]
            .iter()
            .map(|list| proxy(url, &ProxySetting::Env, &["all_proxy=http://p:1", list]).unwrap().is_none())
            .collect();
        assert_eq!(found[0], found[1]);
        found[0]
    };
    for (list, url) in [
        ("*", "https://anything.example"),
        ("host.example", "http://host.example"),
        ("HOST.Example", "http://host.example:99"),
        ("example", "http://host.example"),
        (".example", "http://host.example"),
        (".host.example", "http://host.example"),
        ("*.example", "http://host.example"),
        (" other , host.example ", "http://host.example"),
        ("other host.example", "http://host.example"),
        ("host.example.", "http://host.example"),
        ("host.example", "http://host.example."),
        ("host.example:99", "http://host.example:99"),
        ("host.example:443", "https://host.example"),
        (".example:80", "http://host.example"),
        ("surtr", "http://surtr:8080"),
        ("10.0.0.0/8", "http://10.1.2.3:8080"),
        ("10.1.2.3", "http://10.1.2.3:8080"),
        ("10.1.2.3:8080", "http://10.1.2.3:8080"),
        ("10.1.2.3/32", "http://10.1.2.3"),
        ("0.0.0.0/0", "http://8.8.8.8"),
        ("10.0.0.0/8", "http://[::ffff:10.1.2.3]"),
        ("fd00::/8", "http://[fd12::1]"),
        ("[fd00::]/8", "http://[fd12::1]"),
        ("fd12::1", "http://[fd12::1]:9"),
        ("[fd12::1]", "http://[fd12::1]:9"),
        ("[fd12::1]:9", "http://[fd12::1]:9"),
        ("FD12:0::1", "http://[fd12::1]"),
        ("::/0", "http://[fd12::1]"),
    ] {
        assert!(excepted(list, url), "{list:?} excepts {url}");
    }
    for (list, url) in [
        ("", "http://host.example"),
        (",", "http://host.example"),
        ("host", "http://host.example"),
        ("st.example", "http://host.example"),
        ("xhost.example", "http://host.example"),
        ("a.host.example", "http://host.example"),
        ("host.example:98", "http://host.example:99"),
        ("host.example:443", "http://host.example"),
        ("host.example/8", "http://host.example"),
        ("10.0.0.0/8", "http://11.1.2.3"),
        ("10.0.0.0/33", "http://10.0.0.0"),
        ("10.0.0.0/x", "http://10.0.0.0"),
        ("10.0.0.0/8", "http://10.example"),
        ("2.3", "http://10.1.2.3"),
        ("::/0", "http://10.1.2.3"),
        ("fd00::/8", "http://[fe80::1]"),
        ("[fd12::1]:8", "http://[fd12::1]:9"),
        ("[", "http://host.example"),
        ("://", "http://host.example"),
    ] {
        assert!(!excepted(list, url), "{list:?} does not except {url}");
    }
    // The lower one counts where both are set.
    let both = ["all_proxy=http://p:1", "no_proxy=", "NO_PROXY=*"];
    check("http://host.example", &both, P);
}

// llm L48
#[test]
fn a_host_may_have_its_own() {
    let variables = ["all_proxy=http://p:1", "no_proxy=*"];
    let own = ProxySetting::Url("http://q:2".to_owned());
    assert_eq!(proxy("http://host.example", &own, &variables), Ok(Q.map(str::to_owned)));
    assert_eq!(proxy("http://host.example", &ProxySetting::Direct, &variables[..1]), Ok(None));
}

#[test]
fn a_proxy_that_cannot_be_used_is_named_without_its_password() {
    for url in [
        "socks5://u:hunter2@p:1",
        "https://u:hunter2@p:1",
        "http://u:hunter2@p:x",
        "http://u:hunter2@p:1/path",
        "u:hunter2@",
        "http://u:hunter2 @p",
    ] {
        let variable = format!("https_proxy={url}");
        let error = proxy("https://host.example", &ProxySetting::Env, &[&variable]).expect_err(url);
        assert!(error.contains("https_proxy") && !error.contains("hunter2"), "{error}");
    }
    // Where it is not used, it is no error.
    check("https://host.example", &["https_proxy=socks5://p", "no_proxy=host.example"], None);
    check("http://host.example", &["https_proxy=socks5://p"], None);
}

#[test]
fn what_may_be_a_key_is_not_repeated_where_a_proxy_is_refused() {
    for value in ["garbage hunter2", "http://p:hunter2", "p:1?hunter2", "p/hunter2", "u:hunter2@p:x"] {
        let error = proxy("http://host.example", &ProxySetting::Env, &[&format!("http_proxy={value}")]);
        let error = error.expect_err(value);
        assert!(!error.contains("hunter2"), "{value}: {error}");
    }
}
