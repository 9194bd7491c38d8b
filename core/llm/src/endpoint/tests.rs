use super::Endpoint;
use crate::host::Dialect;

fn parsed(url: &str) -> Endpoint {
    Endpoint::parse(url, Dialect::Openai).unwrap_or_else(|error| panic!("{url}: {error}"))
}

// llm L46
#[test]
fn every_way_to_write_a_url_is_one_name() {
    let check = |url: &str, dialect: Dialect, canonical: &str| {
        let endpoint = Endpoint::parse(url, dialect).unwrap_or_else(|error| panic!("{url}: {error}"));
        assert_eq!(endpoint.as_str(), canonical, "{url}");
        assert_eq!(endpoint.url("/v1/models"), format!("{canonical}/v1/models"));
        // What is canonical stays as it is.
        assert_eq!(Endpoint::parse(canonical, dialect).unwrap().as_str(), canonical);
    };
    for url in [
        "http://h:1",
        "http://h:1/",
        "http://h:1//",
        "http://h:1/v1",
        "http://h:1/v1/",
        "HTTP://H:1",
        " http://h:1\n",
    ] {
        check(url, Dialect::Openai, "http://h:1");
        if !url.contains("v1") {
            check(url, Dialect::Ollama, "http://h:1");
        }
    }
    check("http://h:1/v1", Dialect::Anthropic, "http://h:1");
    check("http://h:1/api/", Dialect::Ollama, "http://h:1");
    check("http://h:80", Dialect::Ollama, "http://h");
    check("https://h:443/", Dialect::Ollama, "https://h");
    check("https://h:80", Dialect::Ollama, "https://h:80");
    check("http://h:", Dialect::Ollama, "http://h");
    check("http://[::1]:1", Dialect::Ollama, "http://[::1]:1");
    check("http://[0:0:0:0:0:0:0:1]:1", Dialect::Ollama, "http://[::1]:1");
    check("http://[FE80::A]", Dialect::Ollama, "http://[fe80::a]");
    check("http://u:p@h:1", Dialect::Ollama, "http://h:1");
    check("https://openrouter.ai/api/v1", Dialect::Openai, "https://openrouter.ai/api");
    check("https://gateway.example//Models/v1", Dialect::Openai, "https://gateway.example/Models");
    check("https://gateway.example/a%20b", Dialect::Ollama, "https://gateway.example/a%20b");
    check("http://surtr.", Dialect::Ollama, "http://surtr.");
    check("http://a_b-c.d:65535", Dialect::Ollama, "http://a_b-c.d:65535");
}

// llm L46
#[test]
fn what_is_refused_says_why_and_what_to_do() {
    let check = |url: &str, dialect: Dialect, word: &str| {
        let error = Endpoint::parse(url, dialect).expect_err(url);
        assert!(error.to_string().contains(word), "{url}: {error}");
        assert!(error.hint().is_some_and(|hint| !hint.is_empty()), "{url}");
    };
    check("h:11434", Dialect::Ollama, "no scheme");
    check("", Dialect::Ollama, "no scheme");
    check("//h", Dialect::Ollama, "no scheme");
    check("ftp://h", Dialect::Ollama, "neither http nor https");
    check("http://[::1", Dialect::Ollama, "without its ]");
    check("http://[::1]x", Dialect::Ollama, "between ] and the port");
    check("http://[fe80::1%25eth0]", Dialect::Ollama, "no IPv6 address");
    check("http://::1:80", Dialect::Ollama, "more than one port");
    check("http://", Dialect::Ollama, "no host");
    check("http:///v1", Dialect::Openai, "no host");
    check("http://h:0", Dialect::Ollama, "port");
    check("http://h:65536", Dialect::Ollama, "port");
    check("http://h:+1", Dialect::Ollama, "port");
    check("http://h:x", Dialect::Ollama, "port");
    check("http://h?key=1", Dialect::Ollama, "query");
    check("http://h/#x", Dialect::Ollama, "fragment");
    check("http://h h", Dialect::Ollama, "U+0020");
    check("http://h/\u{1b}[2J", Dialect::Ollama, "U+001B");
    check("http://hüte.example", Dialect::Ollama, "U+00FC");
    check("http://h\\@evil", Dialect::Ollama, "U+005C");
    check("http://a..b", Dialect::Ollama, "no name and no address");
    check("http://2130706433", Dialect::Ollama, "no address");
    check("http://0x7f.1", Dialect::Ollama, "no address");
    check("http://010.0.0.1", Dialect::Ollama, "no address");
    check("http://1.2.3.4.", Dialect::Ollama, "no address");
    check("http://h/../admin", Dialect::Ollama, "..");
    check("http://h/%2E%2e", Dialect::Ollama, "..");
    check("http://h/100%", Dialect::Ollama, "%");
    check("http://h:1/v1", Dialect::Ollama, "/v1");
    check("http://u:p%zz@h", Dialect::Ollama, "user information");
    check("http://u:p%0d@h", Dialect::Ollama, "user information");
    check("http://a%3ab:p@h", Dialect::Ollama, "colon");
}

// llm L46, L50
#[test]
fn a_password_is_repeated_nowhere() {
    let endpoint = parsed("http://us%40er:pass%3Aw0rd@h:1");
    assert_eq!(endpoint.as_str(), "http://h:1");
    assert_eq!(format!("{endpoint:?}"), "http://h:1");
    assert_eq!(endpoint.authorization().map(super::Secret::expose), Some("us@er:pass:w0rd"));
    let secrets: Vec<&str> = endpoint.secrets().map(super::Secret::expose).collect();
    assert_eq!(secrets, ["us@er:pass:w0rd", "pass:w0rd"]);
    assert_eq!(parsed("http://u@h").authorization().map(super::Secret::expose), Some("u:"));
    assert!(parsed("http://h").authorization().is_none());
    // Wherever the mistake is.
    for url in [
        "u:hunter2@h:11434",
        "ftp://u:hunter2@h",
        "http://u:hunter2/x@h:1",
        "http://u:hunter2?x@h:1",
        "http://u:hunter2#x@h:1",
        "http://u:hunter2@h:port",
        "http://u:hunter2@[::1",
        "http://u:hunter2%@h",
        "http://u:hunter2 @h",
        "http://u:hunter2@",
        "http://u:hunter2@h/v1",
    ] {
        let error = Endpoint::parse(url, Dialect::Ollama).expect_err(url);
        let said = format!("{error} {error:?} {:?}", error.hint());
        assert!(!said.contains("hunter2"), "{url}: {said}");
    }
}

/// People put keys into URLs, where they do not belong and are refused.
#[test]
fn what_may_be_a_key_is_not_repeated_where_a_url_is_refused() {
    for url in [
        "http://h:1?k=hunter2",
        "http://h:1/x#hunter2",
        "http://h:hunter2",
        "h:hunter2",
        "garbage hunter2",
        "http://garbage hunter2",
        "hunter2://h",
        "http://h hunter2",
        "http://[::1]hunter2",
        "http://[hunter2]",
        "http://h/hunter2/../x",
        "http://1:2:hunter2",
    ] {
        let error = Endpoint::parse(url, Dialect::Ollama).expect_err(url);
        let said = format!("{error} {error:?} {:?}", error.hint());
        assert!(!said.contains("hunter2"), "{url}: {said}");
    }
    let error = Endpoint::parse("http://surtr:1?k=v", Dialect::Ollama).unwrap_err();
    assert!(error.to_string().contains("http://surtr…"), "{error}");
    let error = Endpoint::parse("surtr:11434", Dialect::Ollama).unwrap_err();
    assert!(error.hint().is_some_and(|hint| hint.contains("http://surtr:11434")), "{error}");
}

#[test]
fn private_places_are_known() {
    let check = |url: &str, is_loopback: bool, is_private: bool| {
        let endpoint = parsed(url);
        assert_eq!((endpoint.is_loopback(), endpoint.is_private()), (is_loopback, is_private), "{url}");
    };
    for url in [
        "http://localhost",
        "http://LOCALHOST.:1",
        "http://a.localhost",
        "http://127.9.9.9",
        "http://[::1]",
        "http://[::ffff:127.0.0.1]",
        "http://0.0.0.0",
        "http://[::]",
    ] {
        check(url, true, true);
    }
    for url in [
        "http://surtr",
        "http://surtr.",
        "http://10.1.2.3",
        "http://172.31.0.1",
        "http://192.168.0.1",
        "http://169.254.1.1",
        "http://100.64.0.1",
        "http://[fd00::1]",
        "http://[fe80::1]",
        "http://[::ffff:10.0.0.1]",
        "http://nas.local",
        "http://x.home.arpa",
        "http://x.internal",
    ] {
        check(url, false, true);
    }
    for url in [
        "http://example.com",
        "http://8.8.8.8",
        "http://172.32.0.1",
        "http://100.128.0.1",
        "http://[2001:db8::1]",
        "http://[::ffff:8.8.8.8]",
        "http://localhost.example.com",
        "http://notlocalhost.de",
        "http://local.example",
    ] {
        check(url, false, false);
    }
}

#[test]
fn vendors_have_their_own() {
    assert_eq!(Endpoint::usual(Dialect::Anthropic).as_str(), "https://api.anthropic.com");
    assert_eq!(Endpoint::usual(Dialect::Openai).as_str(), "https://api.openai.com");
    assert_eq!(Endpoint::usual(Dialect::Ollama).as_str(), "http://127.0.0.1:11434");
    for dialect in Dialect::ALL {
        let usual = Endpoint::usual(dialect);
        assert_eq!(Endpoint::parse(usual.as_str(), dialect).unwrap(), usual);
    }
}

proptest::proptest! {
    #[test]
    fn no_text_panics_and_what_is_read_is_canonical(text in "(https?://)?[a-zA-Z0-9:@/%.\\[\\]é -]{0,40}") {
        for dialect in Dialect::ALL {
            if let Ok(endpoint) = Endpoint::parse(&text, dialect) {
                // "/v1/v1" loses one of them each time it is read: a base is what its user has written.
                if !text.contains("v1") && !text.contains("api") {
                    let again = Endpoint::parse(endpoint.as_str(), dialect).unwrap();
                    proptest::prop_assert_eq!(again.as_str(), endpoint.as_str());
                }
                proptest::prop_assert!(endpoint.url("/x").parse::<ureq::http::Uri>().is_ok(), "{:?}", endpoint);
            }
        }
    }
}
