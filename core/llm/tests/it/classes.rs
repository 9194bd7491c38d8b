//! What follows from each kind of failure.

use std::time::Duration;

use conclave_llm::{Class, LlmErrorKind, Options, Why};
use conclave_retry::{CancelToken, ManualClock};
use conclave_testkit::{ModelServer, Reply, Speaks};

use crate::scene::{MODEL, Scene, answering, classes, failed, host, ollama, openai, scripted, with_key};

const WALL: i64 = 1_800_000_000_000;

// llm L21
#[test]
fn a_wrong_request_is_sent_once_and_is_nobodys_failure() {
    for status in [400, 422, 409] {
        let a = scripted(Speaks::OpenAi, Speaks::OpenAi.failure(status, "invalid", "no such option").close());
        let b = answering(Speaks::OpenAi, "b");
        let cloud = ModelServer::answering(Speaks::Anthropic, &["cloud-1"], "from the cloud");
        let scene = Scene::new(vec![openai("a", &a, 1), openai("b", &b, 2)]).with_cloud(&cloud);
        let failed = scene.fails();
        assert_eq!((failed.kind, failed.class), (LlmErrorKind::Refused, Some(Class::BadRequest)));
        assert_eq!(failed.attempts.len(), 1);
        assert_eq!(failed.attempts[0].message.as_deref(), Some("no such option"));
        assert_eq!((a.questions(), b.questions(), cloud.questions()), (1, 0, 0));
        assert_eq!(scene.breaker("a"), ("closed".to_owned(), 0));
    }
}

// llm L22
#[test]
fn a_refused_key_is_used_once_a_minute_and_a_corrected_one_at_once() {
    let refuse = Speaks::OpenAi.failure(401, "authentication_error", "wrong key: wrong-0123456789").close();
    for speaks_of_lists in [true, false] {
        let a = ModelServer::start();
        a.script_with("/v1/chat/completions", {
            let refuse = refuse.clone();
            move |request| match request.header("authorization") {
                Some("Bearer right-0123456789") => Speaks::OpenAi.answer(MODEL, "a"),
                _ => refuse.clone(),
            }
        });
        // One lists its models to everybody, one only to those with a key.
        a.script_with("/v1/models", {
            let refuse = refuse.clone();
            let (_, list) = Speaks::OpenAi.listings(&[MODEL], &[]).into_iter().next().unwrap();
            move |request| match request.header("authorization") {
                Some("Bearer right-0123456789") => list.clone(),
                _ if speaks_of_lists => list.clone(),
                _ => refuse.clone(),
            }
        });
        let b = answering(Speaks::OpenAi, "b");
        let scene = Scene::new(vec![with_key(openai("a", &a, 1)), openai("b", &b, 2)])
            .with_variable("KEY", "wrong-0123456789");
        for n in 0..10 {
            let answer = scene.ask().unwrap();
            assert_eq!(answer.text, "b");
            assert!(!format!("{answer:?}").contains("wrong-0123456789"), "{answer:?}");
            if n > 0 {
                assert_eq!((answer.attempts.len(), answer.skipped[0].why), (1, Why::Blocked));
            }
        }
        assert_eq!(a.questions(), usize::from(speaks_of_lists), "one request with that key");
        assert_eq!(a.count("/v1/models"), 1);
        assert_eq!(scene.breaker("a"), ("closed".to_owned(), 0));
        let scene = scene.with_variable("KEY", "right-0123456789");
        assert_eq!(scene.ask().unwrap().text, "a");
    }
}

// llm L22: nobody but the caller can mend it, so the cloud is not asked.
#[test]
fn a_refused_key_is_no_reason_for_the_cloud() {
    let a = scripted(Speaks::OpenAi, Speaks::OpenAi.failure(401, "authentication_error", "no").close());
    let cloud = ModelServer::answering(Speaks::Anthropic, &["cloud-1"], "from the cloud");
    let scene = Scene::new(vec![with_key(openai("a", &a, 1))])
        .with_cloud(&cloud)
        .with_variable("KEY", "k-0123456789");
    let first = scene.fails();
    assert_eq!((first.kind, first.class), (LlmErrorKind::Refused, Some(Class::Auth)));
    assert!(first.hint.unwrap().contains("api_key_env"));
    let second = scene.fails();
    assert_eq!((second.kind, second.skipped[0].why), (LlmErrorKind::Unavailable, Why::Blocked));
    assert_eq!(cloud.connections(), 0);
}

fn throttling(times: usize) -> ModelServer {
    let server = answering(Speaks::OpenAi, "a");
    for _ in 0..times {
        let body = r#"{"error":{"message":"slow down","type":"rate_limit","code":null}}"#;
        let headers = [("content-type", "application/json"), ("retry-after", "2")];
        server.once(Speaks::OpenAi.path(), Reply::http(429, &headers, body).close());
    }
    server
}

// llm L23
#[test]
fn a_throttled_host_is_left_alone_while_another_answers() {
    let (a, b) = (throttling(1), answering(Speaks::OpenAi, "b"));
    let scene = Scene::new(vec![openai("a", &a, 1), openai("b", &b, 2)]);
    let clock = ManualClock::at_wall_ms(WALL);
    let ask = || {
        let client = scene.client_at(&clock);
        client.generate(b"hello", "code", &Options::default(), &CancelToken::new()).unwrap()
    };
    let answer = ask();
    assert_eq!((answer.text.as_str(), answer.attempts[0].class), ("b", Some(Class::Throttled)));
    assert_eq!(answer.attempts[0].retry_after_ms, Some(2000));
    clock.advance(Duration::from_millis(1500));
    let answer = ask();
    assert_eq!((answer.text.as_str(), answer.skipped[0].why), ("b", Why::Blocked));
    assert_eq!((a.questions(), scene.breaker("a").1), (1, 0));
    clock.advance(Duration::from_millis(600));
    assert_eq!(ask().text, "a");
}

// llm L23
#[test]
fn a_throttled_host_alone_is_waited_for_only_where_the_deadline_allows_it() {
    let a = throttling(1);
    let scene = Scene::new(vec![openai("a", &a, 1)]);
    let clock = ManualClock::at_wall_ms(WALL);
    let client = scene.client_at(&clock);
    let options = |seconds| Options { timeout: Some(Duration::from_secs(seconds)), ..Options::default() };
    let answer = client.generate(b"hello", "code", &options(10), &CancelToken::new()).unwrap();
    assert_eq!((answer.text.as_str(), answer.waited_ms), ("a", 2000));
    assert_eq!(clock.sleeps(), [Duration::from_secs(2)]);

    let a = throttling(1);
    let scene = Scene::new(vec![openai("a", &a, 1)]);
    let clock = ManualClock::at_wall_ms(WALL);
    let client = scene.client_at(&clock);
    let failed = failed(client.generate(b"hello", "code", &options(1), &CancelToken::new()));
    assert_eq!((failed.kind, failed.attempts.len()), (LlmErrorKind::Failed, 1));
    assert_eq!((failed.retry_at, failed.attempts[0].retry_after_ms), (Some(WALL + 2000), Some(2000)));
    assert!(conclave_llm::LlmError::Failed(Box::new(failed)).to_string().contains("pause of 2 s"));
    assert!(clock.sleeps().is_empty());
}

// R8: who gave no time for it waits for one pause, and hears how long the next one is.
#[test]
fn without_a_deadline_one_pause_is_waited_for() {
    let body = r#"{"error":{"message":"slow down"}}"#;
    let headers = [("content-type", "application/json"), ("retry-after", "20")];
    let a = scripted(Speaks::OpenAi, Reply::http(429, &headers, body).close());
    let scene = Scene::new(vec![openai("a", &a, 1)]);
    let clock = ManualClock::at_wall_ms(WALL);
    let client = scene.client_at(&clock);
    let failed = failed(client.generate(b"hello", "code", &Options::default(), &CancelToken::new()));
    assert_eq!(clock.sleeps(), [Duration::from_secs(20)]);
    assert_eq!((failed.attempts.len(), failed.retry_at), (2, Some(WALL + 40_000)));
}

// llm L26
#[test]
fn a_busy_ollama_is_blocked_for_longer_each_time_and_its_breaker_stays_closed() {
    let busy =
        Speaks::Ollama.failure(503, "", "server busy, please try again.  maximum pending requests exceeded");
    let a = scripted(Speaks::Ollama, busy.close());
    let scene = Scene::new(vec![ollama("a", &a, 1)]);
    let clock = ManualClock::at_wall_ms(WALL);
    // Too short for any block to be waited for.
    let options = Options { timeout: Some(Duration::from_millis(1)), ..Options::default() };
    let mut blocks = Vec::new();
    for _ in 0..10 {
        let client = scene.client_at(&clock);
        let failed = failed(client.generate(b"hello", "code", &options, &CancelToken::new()));
        assert_eq!(classes(&failed), [Some(Class::Overloaded)]);
        let client = scene.client_at(&clock);
        let blocked = crate::scene::failed(client.generate(b"hello", "code", &options, &CancelToken::new()));
        assert_eq!((blocked.kind, blocked.skipped[0].why), (LlmErrorKind::Unavailable, Why::Blocked));
        let block = blocked.skipped[0].until.unwrap() - clock_ms(&clock);
        blocks.push(block);
        clock.advance(Duration::from_millis(u64::try_from(block).unwrap()));
    }
    assert_eq!(blocks[..6], [2_000, 4_000, 8_000, 16_000, 32_000, 60_000]);
    assert_eq!((scene.breaker("a"), a.questions()), (("closed".to_owned(), 0), 10));

    let broken = scripted(Speaks::Ollama, Speaks::Ollama.failure(503, "", "no").close());
    let scene = Scene::new(vec![ollama("a", &broken, 1)]);
    assert_eq!(scene.fails().attempts.len(), 3);
    assert_eq!(scene.breaker("a"), ("open".to_owned(), 3));
}

fn clock_ms(clock: &ManualClock) -> i64 {
    conclave_retry::Clock::wall_ms(clock)
}

// llm L27
#[test]
fn an_overloaded_cloud_is_asked_once_more_after_its_block() {
    for (timeout, questions) in [(60, 2), (1, 1)] {
        let cloud = ModelServer::start();
        let overloaded = Speaks::Anthropic.failure(529, "overloaded_error", "Overloaded").close();
        cloud.script("/v1/messages", overloaded);
        let a = scripted(Speaks::Ollama, Speaks::Ollama.failure(500, "", "it broke").close());
        let scene = Scene::new(vec![ollama("a", &a, 1)]).with_cloud(&cloud);
        let clock = ManualClock::at_wall_ms(WALL);
        let client = scene.client_at(&clock);
        let options = Options { timeout: Some(Duration::from_secs(timeout)), ..Options::default() };
        let failed = failed(client.generate(b"hello", "code", &options, &CancelToken::new()));
        assert_eq!((failed.kind, failed.class), (LlmErrorKind::Failed, Some(Class::Overloaded)));
        assert_eq!((a.questions(), cloud.questions()), (3, questions), "within {timeout} s");
        let error = conclave_llm::LlmError::Failed(Box::new(failed)).to_string();
        assert!(error.contains("fallback, cloud-1: overloaded (HTTP 529)"), "{error}");
    }
}

// Section 3: only a host that is known to take more is asked after a prompt that was too long.
#[test]
fn a_prompt_that_is_too_long_goes_only_to_a_larger_context() {
    let long =
        Speaks::OpenAi.failure(400, "exceed_context_size_error", "the request exceeds the context").close();
    let a = scripted(Speaks::OpenAi, long);
    let (b, c) = (answering(Speaks::OpenAi, "b"), answering(Speaks::OpenAi, "c"));
    let context = |host, context| conclave_llm::Host { context, ..host };
    let scene = Scene::new(vec![
        context(openai("a", &a, 1), Some(4096)),
        context(openai("b", &b, 2), Some(2048)),
        context(openai("c", &c, 3), Some(8192)),
    ]);
    let answer = scene.ask().unwrap();
    assert_eq!((answer.text.as_str(), b.questions()), ("c", 0));
    let scene = Scene::new(vec![openai("a", &a, 1), openai("b", &b, 2)]);
    let failed = scene.fails();
    assert_eq!((failed.kind, failed.attempts.len()), (LlmErrorKind::Refused, 1));
}

// R9: what a vendor may have done already is not ordered again.
#[test]
fn a_billed_host_that_closes_without_a_word_is_not_asked_again() {
    for (billed, questions) in [(true, 1), (false, 3)] {
        let a = scripted(Speaks::OpenAi, Reply::new().close());
        let scene = Scene::new(vec![conclave_llm::Host { billed, ..openai("a", &a, 1) }]);
        assert_eq!(classes(&scene.fails())[0], Some(Class::Fault));
        assert_eq!(a.questions(), questions, "billed: {billed}");
    }
}

#[test]
fn a_server_that_refuses_a_word_of_the_request_is_asked_without_it() {
    let a = ModelServer::start();
    a.lists(Speaks::OpenAi, &[MODEL]);
    a.script_with("/v1/chat/completions", |request| {
        if request.text().contains("stream_options") {
            Speaks::OpenAi.failure(400, "invalid_request_error", "stream_options is not supported").close()
        } else {
            Speaks::OpenAi.answer(MODEL, "without")
        }
    });
    let scene = Scene::new(vec![openai("a", &a, 1)]);
    let client = scene.client();
    for (questions, attempts) in [(2, 2), (3, 1)] {
        let answer = client.generate(b"hello", "code", &Options::default(), &CancelToken::new()).unwrap();
        assert_eq!((answer.text.as_str(), answer.attempts.len()), ("without", attempts));
        assert_eq!(a.questions(), questions);
    }
}

#[test]
fn a_host_that_cannot_be_configured_is_passed_over_and_named() {
    let b = answering(Speaks::OpenAi, "b");
    let scene = Scene::new(vec![with_key(host("a", &b.url(), Speaks::OpenAi, 1)), openai("b", &b, 2)]);
    let answer = scene.ask().unwrap();
    assert_eq!((answer.text.as_str(), answer.skipped[0].why), ("b", Why::Config));
    let alone = Scene::new(vec![with_key(openai("a", &b, 1))]).fails();
    assert_eq!((alone.kind, alone.class), (LlmErrorKind::Refused, Some(Class::Config)));
}

// llm L12: what is wrong with this machine is nobody else's failure, and no reason to pay for the cloud.
#[test]
fn certificates_that_cannot_be_used_count_against_nobody() {
    let cloud = ModelServer::answering(Speaks::Anthropic, &["cloud-1"], "from the cloud");
    let a = host("a", "https://127.0.0.1:9", Speaks::OpenAi, 1);
    let a = conclave_llm::Host { ca_file: Some("/nowhere/ca.pem".into()), ..a };
    let scene = Scene::new(vec![a]).with_cloud(&cloud);
    for _ in 0..20 {
        let failed = scene.fails();
        assert_eq!((failed.kind, failed.class), (LlmErrorKind::Failed, Some(Class::LocalNet)));
        assert!(failed.hint.unwrap().contains("ca_file"));
    }
    assert_eq!((scene.breaker("a"), cloud.connections()), (("closed".to_owned(), 0), 0));
}
