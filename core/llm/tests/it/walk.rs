//! Hosts that fail in several ways, one after the other, and the cloud behind them.

use std::time::Duration;

use conclave_llm::{Class, Host, LlmErrorKind, Options, Timeouts, Why};
use conclave_testkit::{ModelServer, Reply, Speaks};

use crate::scene::{MODEL, SHORT, Scene, answering, classes, failed, host, ollama, scripted};

/// The same moment; each reading of two clocks is some ms beside another.
fn is_near(one: Option<i64>, other: Option<i64>) {
    assert!((one.unwrap() - other.unwrap()).abs() < 1000, "{one:?} {other:?}");
}

// llm L1
#[test]
fn three_hosts_that_fail_cost_one_request_each_and_the_fourth_question_skips_them() {
    let hanging = scripted(Speaks::Ollama, Reply::hang());
    let broken = scripted(Speaks::Ollama, Speaks::Ollama.failure(500, "", "it broke").close());
    let cut = scripted(Speaks::Ollama, Speaks::Ollama.cut(MODEL, "half"));
    let cloud = ModelServer::answering(Speaks::Anthropic, &["cloud-1"], "from the cloud");
    let timeouts = Timeouts { first_byte: Some(SHORT), ..Timeouts::default() };
    let scene = Scene::new(vec![
        Host { timeouts, ..ollama("a", &hanging, 1) },
        ollama("b", &broken, 2),
        ollama("c", &cut, 3),
    ])
    .with_cloud(&cloud);
    for n in 1..=3 {
        let answer = scene.ask().unwrap();
        assert_eq!((answer.text.as_str(), answer.fallback), ("from the cloud", true));
        let told: Vec<_> =
            answer.attempts.iter().map(|attempt| (attempt.host.as_str(), attempt.class)).collect();
        let [timeout, fault, cut_off] = [Class::Timeout, Class::Fault, Class::Cut].map(Some);
        assert_eq!(told, [("a", timeout), ("b", fault), ("c", cut_off), ("fallback", None)]);
        assert_eq!(answer.attempts[2].partial_bytes, 4);
        let waits: Vec<u64> = answer.attempts.iter().map(|attempt| attempt.wait_before_ms).collect();
        assert!(waits[0] == 0 && waits[1] <= 100 && waits[2] <= 200 && waits[3] == 0, "{waits:?}");
        let slept = scene.sleeper.taken();
        assert_eq!(slept.len(), 2, "{slept:?}");
        assert!(
            slept[0] <= Duration::from_millis(100) && slept[1] <= Duration::from_millis(200),
            "{slept:?}"
        );
        let state = if n < 3 { "closed" } else { "open" };
        for name in ["a", "b", "c"] {
            assert_eq!(scene.breaker(name), (state.to_owned(), n), "{name} after {n}");
        }
    }
    let before: Vec<usize> = [&hanging, &broken, &cut].map(ModelServer::connections).to_vec();
    let answer = scene.ask().unwrap();
    assert_eq!(answer.attempts.len(), 1);
    let skipped: Vec<_> = answer.skipped.iter().map(|host| (host.host.as_str(), host.why)).collect();
    assert_eq!(skipped, [("a", Why::Open), ("b", Why::Open), ("c", Why::Open)]);
    for (skipped, view) in answer.skipped.iter().zip(["a", "b", "c"].map(|name| scene.view(name))) {
        is_near(skipped.until, view.breaker.retry_at);
        let period = view.breaker.retry_at.unwrap() - view.opened_at.unwrap();
        assert!((299_000..=301_000).contains(&period), "{period}");
    }
    let after: Vec<usize> = [&hanging, &broken, &cut].map(ModelServer::connections).to_vec();
    assert_eq!(before, after);
    assert_eq!(cloud.questions(), 4);
    assert_eq!([&hanging, &broken, &cut].map(ModelServer::questions), [3, 3, 3]);
}

// llm L2: the processes of this test are clients over one file; those of tui/tests are real.
#[test]
fn a_host_that_refuses_is_contacted_once_by_ten_processes() {
    let refusing = ModelServer::nowhere();
    let well = answering(Speaks::Ollama, "b");
    let scene = Scene::new(vec![host("a", &refusing, Speaks::Ollama, 1), ollama("b", &well, 2)]);
    for n in 0..10 {
        let answer = scene.ask().unwrap();
        assert_eq!((answer.host.as_str(), answer.attempts.len()), ("b", 1));
        let why = if n == 0 { Why::Down } else { Why::Open };
        assert_eq!(answer.skipped.iter().map(|host| host.why).collect::<Vec<_>>(), [why]);
    }
    assert_eq!(well.questions(), 10);
    let calls = conclave_llm::calls(&scene.db, &scene.hosts.hosts[0], 100).unwrap();
    assert!(calls.is_empty(), "only its check was sent: {calls:?}");
}

// llm L3
#[test]
fn a_host_alone_that_refuses_is_knocked_at_three_times_and_then_left_alone() {
    let scene = Scene::new(vec![host("a", &ModelServer::nowhere(), Speaks::Ollama, 1)]);
    let first = scene.fails();
    assert_eq!(first.kind, LlmErrorKind::Failed);
    assert_eq!(classes(&first), [Some(Class::Unreachable); 3]);
    for _ in 0..9 {
        let next = scene.fails();
        assert_eq!((next.kind, next.attempts.len()), (LlmErrorKind::Unavailable, 0));
        assert_eq!((next.skipped[0].why, next.retry_at), (Why::Open, next.skipped[0].until));
        is_near(next.retry_at, scene.view("a").breaker.retry_at);
    }
}

// llm L54
#[test]
fn an_error_lists_each_host_with_class_status_and_time_in_order() {
    let broken = scripted(Speaks::Ollama, Speaks::Ollama.failure(500, "", "it broke").close());
    let absent = scripted(
        Speaks::OpenAi,
        Speaks::OpenAi.failure(404, "NotFoundError", "model `m:1` not found").close(),
    );
    let cut = scripted(Speaks::Ollama, Speaks::Ollama.cut(MODEL, "half"));
    let scene = Scene::new(vec![
        ollama("a", &broken, 1),
        crate::scene::openai("b", &absent, 2),
        ollama("c", &cut, 3),
        crate::scene::with_key(host("d", &broken.url(), Speaks::OpenAi, 4)),
    ]);
    let error = scene.ask().unwrap_err();
    let text = error.to_string();
    let lines: Vec<&str> = text.lines().map(str::trim).collect();
    assert_eq!(lines.len(), 5, "{text}");
    assert_eq!(lines[0], "no host answered: all 3 requests failed; 4 bytes of an answer came");
    for (line, (begin, end)) in lines[1..].iter().zip([
        ("1. a, m:1: fault (HTTP 500) after ", " ms: it broke"),
        ("2. b, m:1: no such model (no_model) (HTTP 404) after ", ": model `m:1` not found"),
        ("3. c, m:1: cut (HTTP 200) after ", " marker"),
        ("d: passed over, its configuration cannot be used: ", ""),
    ]) {
        assert!(line.starts_with(begin) && line.ends_with(end), "{line}\n{begin}{end}");
    }
    assert!(error.hint().is_some_and(|hint| hint.contains("conclave host")));
    let failed = failed(Err(error));
    assert_eq!((failed.kind, failed.partial.as_str()), (LlmErrorKind::Failed, "half"));
    assert!(serde_json::to_string(&failed.attempts).unwrap().contains(r#""class":"no_model""#));
}

// R3: a short route begins again with those whose failure allows it, and then the cloud is asked at once.
#[test]
fn a_short_route_begins_again_where_the_class_allows_it() {
    let broken = scripted(Speaks::Ollama, Speaks::Ollama.failure(500, "", "it broke").close());
    let scene = Scene::new(vec![ollama("a", &broken, 1)]);
    let failed = scene.fails();
    assert_eq!((failed.attempts.len(), broken.questions()), (3, 3));

    let cut = scripted(Speaks::Ollama, Speaks::Ollama.cut(MODEL, "half"));
    let scene = Scene::new(vec![ollama("a", &cut, 1)]);
    assert_eq!((scene.fails().attempts.len(), cut.questions()), (2, 2));

    let healed = scripted(Speaks::Ollama, Speaks::Ollama.answer(MODEL, "well"));
    healed.once(Speaks::Ollama.path(), Speaks::Ollama.failure(502, "", "restarting").close());
    let scene = Scene::new(vec![ollama("a", &healed, 1)]);
    let answer = scene.ask().unwrap();
    assert_eq!((answer.text.as_str(), answer.attempts.len()), ("well", 2));
    assert_eq!(answer.waited_ms, answer.attempts[1].wait_before_ms);
}

// R3: three hosts are no short route, though two of them are passed over.
#[test]
fn a_route_of_three_is_not_begun_again() {
    let broken = scripted(Speaks::Ollama, Speaks::Ollama.failure(500, "", "it broke").close());
    let nowhere = ModelServer::nowhere();
    let cloud = ModelServer::answering(Speaks::Anthropic, &["cloud-1"], "from the cloud");
    let gone = |name, priority| host(name, &nowhere, Speaks::Ollama, priority);
    let scene = Scene::new(vec![gone("a", 1), ollama("b", &broken, 2), gone("c", 3)]).with_cloud(&cloud);
    for n in 1..=2 {
        assert_eq!(scene.ask().unwrap().attempts.len(), 2);
        assert_eq!((broken.questions(), cloud.questions()), (n, n));
    }
}

#[test]
fn the_cloud_is_asked_only_for_its_reasons_and_never_with_local() {
    let broken = scripted(Speaks::Ollama, Speaks::Ollama.failure(500, "", "it broke").close());
    let cloud = ModelServer::answering(Speaks::Anthropic, &["cloud-1"], "from the cloud");
    let mut scene = Scene::new(vec![ollama("a", &broken, 1)]).with_cloud(&cloud);
    let local = Options { local: true, ..Options::default() };
    assert_eq!(failed(scene.ask_with(&local)).kind, LlmErrorKind::Failed);
    scene.hosts.fallback.as_mut().unwrap().on = vec![Class::Busy];
    assert_eq!(scene.fails().kind, LlmErrorKind::Unavailable, "its breaker is open");
    assert_eq!(cloud.connections(), 0);
    scene.hosts.fallback.as_mut().unwrap().on = vec![Class::Fault];
    assert!(scene.ask().unwrap().fallback);
    let named = Options { host: Some("fallback".to_owned()), ..Options::default() };
    let answer = scene.ask_with(&named).unwrap();
    assert_eq!((answer.host.as_str(), answer.model.as_str(), answer.fallback), ("fallback", "cloud-1", true));
}

#[test]
fn a_host_that_has_just_gone_is_asked_once_where_there_is_a_cloud() {
    let cloud = ModelServer::answering(Speaks::Anthropic, &["cloud-1"], "from the cloud");
    let mut gone = answering(Speaks::Ollama, "a");
    let scene = Scene::new(vec![ollama("a", &gone, 1)]).with_cloud(&cloud);
    assert_eq!(scene.ask().unwrap().text, "a");
    gone.kill();
    let answer = scene.ask().unwrap();
    let told: Vec<_> = answer.attempts.iter().map(|attempt| attempt.class).collect();
    assert_eq!(told, [Some(Class::Unreachable), None]);
    assert_eq!(answer.waited_ms, 0);
}
