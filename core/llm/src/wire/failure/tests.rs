use std::time::Duration;

use serde_json::{Value, json};

use super::super::retry_after::refilled;
use super::*;

/// 2026-10-21T07:27:00Z.
const NOW_MS: i64 = 1_792_567_620_000;

const NONE: &[(&str, &str)] = &[];

fn headers(pairs: &[(&str, &str)]) -> Vec<(String, String)> {
    pairs.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect()
}

fn failed(dialect: Dialect, status: u16, pairs: &[(&str, &str)], body: &str) -> Failure {
    let headers = headers(pairs);
    of_answer(&Heard { dialect, status, headers: &headers, body: body.as_bytes(), now_ms: NOW_MS }, None)
}

fn class(status: u16, body: &str) -> Class {
    failed(Dialect::Openai, status, NONE, body).class
}

fn reported(value: Value) -> Failure {
    let heard = Heard { dialect: Dialect::Openai, status: 200, headers: &[], body: &[], now_ms: NOW_MS };
    of_answer(&heard, Some(&Unread::Reported(value)))
}

// The table of the specification, section 3, row by row.
#[test]
fn statuses_and_their_classes() {
    let rows: &[(Class, &[u16])] = &[
        (Class::Fault, &[408, 425, 499, 500, 502, 503, 504, 507, 520, 522, 525, 527, 599]),
        (Class::BadRequest, &[400, 406, 409, 411, 415, 418, 422, 451, 501, 505]),
        (Class::Overloaded, &[529]),
        (Class::Throttled, &[429]),
        (Class::Quota, &[402]),
        (Class::Auth, &[401, 403]),
        (Class::WrongPath, &[404, 405]),
        (Class::TooLong, &[413]),
        (Class::Redirect, &[300, 301, 302, 303, 304, 307, 308]),
        (Class::LocalNet, &[407]),
        (Class::Garbage, &[100, 204, 206, 600]),
    ];
    for (expected, statuses) in rows {
        for status in *statuses {
            for body in [
                "",
                "words",
                "{\"error\":\"words\"}",
                "<html>model not found, out of memory</html>",
                "\u{1f}\u{fffd}",
            ] {
                let failure = failed(Dialect::Openai, *status, NONE, body);
                assert_eq!(failure.class, *expected, "{status} {body:?}");
                assert_eq!(failure.status, Some(*status));
                assert!(
                    !failure.message.is_empty() && !failure.of_model && !failure.without_usage,
                    "{failure:?}"
                );
                assert_eq!(failure.is_local_trust, *status == 407);
            }
        }
    }
}

#[test]
fn words_that_say_more_than_the_status() {
    let rows: &[(u16, &str, Class)] = &[
        // Money and the account, llm L25.
        (
            429,
            r#"{"error":{"message":"You exceeded your current quota","type":"insufficient_quota","code":"insufficient_quota"}}"#,
            Class::Quota,
        ),
        (
            429,
            r#"{"type":"error","error":{"type":"rate_limit_error","message":"x","details":{"error_code":"enforced_spend_limit_reached"}}}"#,
            Class::Quota,
        ),
        (
            429,
            r#"{"type":"error","error":{"type":"rate_limit_error","message":"x","details":{"error_code":"contract_spend_limit_reached"}}}"#,
            Class::Quota,
        ),
        (
            403,
            r#"{"type":"error","error":{"type":"permission_error","message":"x","details":{"error_code":"organization_on_hold"}}}"#,
            Class::Quota,
        ),
        (
            400,
            r#"{"type":"error","error":{"type":"invalid_request_error","message":"You have reached your specified API usage limits."}}"#,
            Class::Quota,
        ),
        (403, r#"{"error":{"type":"billing_error","message":"x"}}"#, Class::Quota),
        (
            429,
            r#"{"type":"error","error":{"type":"rate_limit_error","message":"x","details":{"error_code":"ramp_limit_exceeded"}}}"#,
            Class::Throttled,
        ),
        // Keys.
        (
            400,
            r#"{"error":{"message":"No connected db.","type":"no_db_connection","param":null,"code":"400"}}"#,
            Class::Auth,
        ),
        (
            401,
            r#"{"error":{"message":"Invalid API Key","type":"authentication_error","code":401}}"#,
            Class::Auth,
        ),
        // Models, llm L28.
        (404, r#"{"error":"model 'x' not found"}"#, Class::NoModel),
        (404, r#"{"error":"model \"a/b:c\" not found, try pulling it first"}"#, Class::NoModel),
        (
            404,
            r#"{"error":{"message":"The model `x` does not exist","type":"NotFoundError","code":404}}"#,
            Class::NoModel,
        ),
        (
            404,
            r#"{"object":"error","message":"The model `x` does not exist.","type":"NotFoundError","param":null,"code":404}"#,
            Class::NoModel,
        ),
        (
            404,
            r#"{"error":{"message":"x","type":"invalid_request_error","code":"model_not_found"}}"#,
            Class::NoModel,
        ),
        (
            400,
            r#"{"error":{"message":"/chat/completions: Invalid model name passed in model=nope. Call `/v1/models`","type":"None","param":"None","code":"400"}}"#,
            Class::NoModel,
        ),
        (400, r#"{"error":"No models loaded. Please load a model in the developer page"}"#, Class::NoModel),
        (404, r#"{"detail":"Not Found"}"#, Class::WrongPath),
        (404, "404 page not found", Class::WrongPath),
        (
            404,
            r#"{"error":{"message":"File Not Found","type":"not_found_error","code":404}}"#,
            Class::WrongPath,
        ),
        (400, r#"{"error":"the model wants more. the file was not found"}"#, Class::BadRequest),
        // Length.
        (
            400,
            r#"{"error":{"code":400,"message":"the request exceeds the available context size","type":"exceed_context_size_error","n_prompt_tokens":900,"n_ctx":512}}"#,
            Class::TooLong,
        ),
        (
            400,
            r#"{"error":{"message":"This model's maximum context length is 4096 tokens","type":"BadRequestError","code":400}}"#,
            Class::TooLong,
        ),
        (
            400,
            r#"{"error":{"message":"x","type":"invalid_request_error","code":"context_length_exceeded"}}"#,
            Class::TooLong,
        ),
        (
            400,
            r#"{"type":"error","error":{"type":"invalid_request_error","message":"prompt is too long: 210000 tokens > 200000 maximum"}}"#,
            Class::TooLong,
        ),
        (400, r#"{"error":"the input length exceeds the context length"}"#, Class::TooLong),
        (
            400,
            r#"{"error":{"message":"litellm.ContextWindowExceededError: x","code":"400"}}"#,
            Class::TooLong,
        ),
        (413, r#"{"type":"error","error":{"type":"request_too_large","message":"x"}}"#, Class::TooLong),
        (413, "<html><title>413 Request Entity Too Large</title></html>", Class::TooLong),
        // Hosts that are well and busy, llm L26.
        (
            503,
            r#"{"error":"server busy, please try again.  maximum pending requests exceeded"}"#,
            Class::Overloaded,
        ),
        (
            503,
            r#"{"error":{"code":503,"message":"Loading model","type":"unavailable_error"}}"#,
            Class::Overloaded,
        ),
        (503, r#"{"error":"overloaded"}"#, Class::Fault),
        (
            529,
            r#"{"type":"error","error":{"type":"overloaded_error","message":"Overloaded"}}"#,
            Class::Overloaded,
        ),
        (
            500,
            r#"{"type":"error","error":{"type":"overloaded_error","message":"Overloaded"}}"#,
            Class::Overloaded,
        ),
        // In whatever case.
        (404, r#"{"error":"Model 'X' NOT FOUND"}"#, Class::NoModel),
        (429, r#"{"error":{"code":"INSUFFICIENT_QUOTA","message":"x"}}"#, Class::Quota),
        (503, r#"{"error":"Server Busy"}"#, Class::Overloaded),
        // Nothing is read out of bare numbers and words.
        (400, r#"{"error":"the value 429 of lock_timeout_auth is out of range"}"#, Class::BadRequest),
        (500, r#"{"error":"401 unauthorized by the rate limit"}"#, Class::Fault),
    ];
    for (status, body, expected) in rows {
        assert_eq!(class(*status, body), *expected, "{status} {body}");
    }
    let missing = r#"{"type":"error","error":{"type":"not_found_error","message":"model: claude-x"},"request_id":"req_7"}"#;
    let failure = failed(Dialect::Anthropic, 404, NONE, missing);
    assert_eq!((failure.class, failure.request_id.as_deref()), (Class::NoModel, Some("req_7")));
}

// llm L29
#[test]
fn a_model_that_could_not_be_loaded_is_its_own_failure() {
    for words in [
        "CUDA error: out of memory",
        "model requires more system memory (5.6 GiB) than is available (3.1 GiB)",
        "llama runner process has terminated: cudaMalloc failed: Out of Memory",
        "model failed to load, this may be due to resource limitations",
        "unable to load model: /x",
    ] {
        let failure = failed(Dialect::Ollama, 500, NONE, &json!({ "error": words }).to_string());
        assert_eq!((failure.class, failure.of_model, failure.message.as_str()), (Class::Fault, true, words));
        let failure = reported(json!({ "error": words }));
        assert_eq!((failure.class, failure.of_model), (Class::Fault, true));
    }
    assert!(!failed(Dialect::Ollama, 500, NONE, r#"{"error":"unexpected EOF"}"#).of_model);
    assert!(!failed(Dialect::Ollama, 503, NONE, r#"{"error":"out of memory"}"#).of_model);
}

// llm L32
#[test]
fn an_error_says_the_same_in_all_its_forms() {
    let words = "the temperature is too high";
    let forms = [
        json!({ "error": words }),
        json!({ "error": { "message": words } }),
        json!({ "error": { "message": words, "type": "invalid_request_error", "param": null, "code": null } }),
        json!({ "error": { "message": words, "type": "BadRequestError", "code": 400 } }),
        json!({ "error": { "message": words, "code": "400" } }),
        json!({ "error": { "message": words, "code": "some_code" } }),
        json!({ "object": "error", "message": words, "type": "BadRequestError", "param": null, "code": 400 }),
        json!({ "type": "error", "error": { "type": "invalid_request_error", "message": words } }),
        json!({ "error": json!({ "error": { "message": words, "code": 400 } }).to_string() }),
        json!({ "error": json!({ "error": words }).to_string() }),
        json!({ "message": words }),
        json!({ "detail": words }),
        json!({ "detail": [{ "loc": ["body"], "msg": words }] }),
        json!([{ "error": { "message": words, "code": 400 } }]),
        json!(words),
    ];
    let bodies = forms.iter().map(Value::to_string).chain([words.to_owned(), format!("\n  {words}\r\n")]);
    for body in bodies {
        let failure = failed(Dialect::Openai, 400, NONE, &body);
        assert_eq!((failure.class, failure.message.as_str()), (Class::BadRequest, words), "{body}");
    }
    for form in forms.into_iter().filter(|form| form.to_string().contains("400")) {
        let failure = reported(form.clone());
        assert_eq!(
            (failure.class, failure.message.as_str(), failure.status),
            (Class::BadRequest, words, Some(200)),
            "{form}"
        );
    }
}

#[test]
fn an_error_in_an_answer_has_the_class_of_its_kind() {
    let rows = [
        ("invalid_request_error", Class::BadRequest),
        ("authentication_error", Class::Auth),
        ("billing_error", Class::Quota),
        ("permission_error", Class::Auth),
        ("request_too_large", Class::TooLong),
        ("rate_limit_error", Class::Throttled),
        ("api_error", Class::Fault),
        ("timeout_error", Class::Fault),
        ("overloaded_error", Class::Overloaded),
        ("unavailable_error", Class::Fault),
        ("NotFoundError", Class::NoModel),
        ("not_found_error", Class::Fault),
        ("anything", Class::Fault),
    ];
    for (kind, expected) in rows {
        let failure = reported(json!({ "error": { "type": kind, "message": "x" } }));
        assert_eq!(failure.class, expected, "{kind}");
    }
    for (words, expected) in [
        ("prompt is too long", Class::TooLong),
        ("server busy, please try again", Class::Overloaded),
        ("model 'x' not found", Class::NoModel),
        ("insufficient_quota", Class::Quota),
        ("429", Class::Fault),
    ] {
        assert_eq!(reported(json!({ "error": words })).class, expected, "{words}");
    }
    for (code, expected) in
        [(json!(429), Class::Throttled), (json!("503"), Class::Fault), (json!(7), Class::Fault)]
    {
        assert_eq!(reported(json!({ "error": { "code": code, "message": "x" } })).class, expected);
    }
    let heard = Heard { dialect: Dialect::Ollama, status: 200, headers: &[], body: &[], now_ms: NOW_MS };
    assert_eq!(of_answer(&heard, Some(&Unread::Cut)).class, Class::Cut);
    assert_eq!(of_answer(&heard, Some(&Unread::Garbage("x".to_owned()))).class, Class::Garbage);
}

// llm L24
#[test]
fn retry_after_in_its_forms() {
    let hour = Some(conclave_retry::RETRY_AFTER_LIMIT);
    let seconds = |count| Some(Duration::from_secs(count));
    let ms = |count| Some(Duration::from_millis(count));
    let after = |value| [("retry-after", value)];
    let rows = [
        (after("5").to_vec(), seconds(5)),
        (after("0.5").to_vec(), ms(500)),
        (after("-1").to_vec(), seconds(0)),
        (after("99999999999").to_vec(), hour),
        (after("abc").to_vec(), None),
        (after("Wed, 21 Oct 2026 07:28:00 GMT").to_vec(), seconds(60)),
        (after("Wed, 21 Oct 2026 07:26:00 GMT").to_vec(), seconds(0)),
        (vec![("retry-after-ms", "250")], ms(250)),
        (vec![("retry-after", "9"), ("retry-after-ms", "250.0")], ms(250)),
        (vec![("retry-after", "9"), ("retry-after-ms", "soon")], seconds(9)),
        (vec![("retry-after-ms", "-250")], seconds(0)),
        (vec![("retry-after-ms", "99999999999999999999999999")], hour),
        (vec![("retry-after-ms", "inf")], None),
        (vec![("retry-after-ms", "Wed, 21 Oct 2026 07:28:00 GMT")], None),
    ];
    for (pairs, expected) in rows {
        for status in [429, 503, 529, 500] {
            let failure = failed(Dialect::Openai, status, &pairs, "");
            assert_eq!(failure.retry_after, expected, "{status} {pairs:?}");
            // A 503 that says when is a host that is well.
            let is_busy = status == 529 || status == 503 && expected.is_some();
            assert_eq!(failure.class == Class::Overloaded, is_busy, "{status} {pairs:?}");
        }
        assert_eq!(failed(Dialect::Openai, 401, &pairs, "").retry_after, None);
        assert_eq!(failed(Dialect::Openai, 402, &pairs, "").retry_after, None);
    }
}

#[test]
fn rates_that_are_used_up() {
    let wait = |pairs: &[(&str, &str)]| refilled(&headers(pairs), NOW_MS);
    let anthropic = |remaining, reset| {
        [("anthropic-ratelimit-tokens-remaining", remaining), ("anthropic-ratelimit-tokens-reset", reset)]
    };
    assert_eq!(wait(&anthropic("0", "2026-10-21T07:27:30Z")), Some(Duration::from_secs(30)));
    assert_eq!(wait(&anthropic("0", "2026-10-21T09:27:30.5+02:00")), Some(Duration::from_millis(30_500)));
    assert_eq!(wait(&anthropic("0", "2026-10-21T07:26:30Z")), Some(Duration::ZERO));
    assert_eq!(wait(&anthropic("0", "2036-10-21T07:26:30Z")), Some(conclave_retry::RETRY_AFTER_LIMIT));
    assert_eq!(wait(&anthropic("3", "2026-10-21T07:27:30Z")), None);
    assert_eq!(wait(&anthropic("0", "soon")), None);
    let openai = |reset| [("x-ratelimit-remaining-requests", "0"), ("x-ratelimit-reset-requests", reset)];
    for (reset, expected) in [
        ("1s", Some(Duration::from_secs(1))),
        ("6m0.5s", Some(Duration::from_millis(360_500))),
        ("20ms", Some(Duration::from_millis(20))),
        ("9h", Some(conclave_retry::RETRY_AFTER_LIMIT)),
        ("", None),
        ("5", None),
        ("5x", None),
        ("1.2.3s", None),
        ("ms", None),
    ] {
        assert_eq!(wait(&openai(reset)), expected, "{reset:?}");
    }
    let both = [anthropic("0", "2026-10-21T07:27:30Z"), openai("40s")].concat();
    assert_eq!(wait(&both), Some(Duration::from_secs(40)));
    assert_eq!(failed(Dialect::Anthropic, 429, &both, "").retry_after, Some(Duration::from_secs(40)));
    let with_after = [both, vec![("retry-after", "2")]].concat();
    assert_eq!(failed(Dialect::Anthropic, 429, &with_after, "").retry_after, Some(Duration::from_secs(2)));
}

#[test]
fn what_else_an_answer_says() {
    let told = [("x-should-retry", "False"), ("request-id", "req_1")];
    let failure = failed(Dialect::Anthropic, 500, &told, "");
    assert!(failure.never_again);
    assert_eq!(failure.request_id.as_deref(), Some("req_1"));
    assert!(!failed(Dialect::Anthropic, 500, &[("x-should-retry", "true")], "").never_again);
    let hidden = failed(Dialect::Openai, 500, &[("x-request-id", "a\u{1b}[2J")], "");
    assert_eq!(hidden.request_id, None);
    for (status, body) in [
        (400, r#"{"error":{"message":"Unknown parameter: stream_options","param":"stream_options"}}"#),
        (400, r#"{"error":{"message":"x","param":"stream_options.include_usage"}}"#),
        (
            422,
            r#"{"detail":[{"type":"extra_forbidden","loc":["body","stream_options"],"msg":"Extra inputs"}]}"#,
        ),
    ] {
        let failure = failed(Dialect::Openai, status, NONE, body);
        assert!(failure.without_usage && failure.class == Class::BadRequest, "{failure:?}");
        assert!(!failed(Dialect::Ollama, status, NONE, body).without_usage);
    }
}

// llm L30
#[test]
fn redirects_say_where_to_and_no_more() {
    let to = |location| failed(Dialect::Openai, 308, &[("location", location)], "").message;
    assert!(to("https://u:secret@new.example/v1/?key=secret#x").contains("https://new.example/v1/,"));
    assert!(!to("https://u:secret@new.example/v1/?key=secret#x").contains("secret"));
    assert!(!to("//u:secret@host").contains("secret"));
    assert!(to("/elsewhere").contains("/elsewhere"));
    assert!(failed(Dialect::Openai, 302, NONE, "").message.contains("without saying where"));
}

// llm L50
#[test]
fn messages_are_one_line_and_no_word_of_them_is_cut() {
    let key = format!("sk-test-{}", "A".repeat(90));
    for start in (0..1100).step_by(7) {
        let body = format!("{{\"error\":\"{} {key} rest\"}}", "w ".repeat(start / 2));
        let message = failed(Dialect::Openai, 401, NONE, &body).message;
        assert!(message.contains(&key) || !message.contains("sk-"), "{message}");
        assert!(message.len() < 1100);
    }
    let failure = failed(Dialect::Openai, 500, NONE, "a\r\n\u{1b}[31mb\tc\u{0}d\u{85}e");
    assert_eq!(failure.message, "a [31mb c d e");
    assert_eq!(failed(Dialect::Openai, 500, NONE, &"x".repeat(5000)).message, "(a text without words)");
    assert!(failed(Dialect::Openai, 502, NONE, " <html>").message.contains("HTML"));
    assert!(failed(Dialect::Openai, 502, NONE, "").message.contains("502"));
}

#[test]
fn failed_exchanges_and_their_classes() {
    let why = || "no\nroute".to_owned();
    let rows = [
        (TransportError::Unreachable(why()), Class::Unreachable),
        (TransportError::Local(why()), Class::LocalNet),
        (TransportError::Untrusted(why()), Class::LocalNet),
        (TransportError::TimedOut(Limit::FirstByte), Class::Timeout),
        (TransportError::TimedOut(Limit::Idle), Class::Timeout),
        (TransportError::TimedOut(Limit::Total), Class::Timeout),
        (TransportError::Deadline, Class::Deadline),
        (TransportError::Cancelled, Class::Cancelled),
        (TransportError::Closed { sent: true, message: why() }, Class::Fault),
        (TransportError::Cut(why()), Class::Cut),
        (TransportError::Garbage(why()), Class::Garbage),
    ];
    for (error, expected) in rows {
        let failure = of_transport(&error);
        assert_eq!(failure.class, expected, "{error:?}");
        assert_eq!(failure.is_local_trust, matches!(error, TransportError::Untrusted(_)));
        assert!(!failure.message.is_empty() && !failure.message.contains('\n'), "{failure:?}");
        assert_eq!((failure.status, failure.retry_after), (None, None));
    }
}
