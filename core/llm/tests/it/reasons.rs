//! What calls for the fallback, how often something is asked, and what is told of it.

use std::time::Duration;

use conclave_llm::{Class, Fallback, Host, LlmErrorKind, Options, Why};
use conclave_retry::{CancelToken, ManualClock};
use conclave_testkit::{ModelServer, Reply, Speaks};

use crate::scene::{MODEL, Scene, answering, classes, failed, host, ollama, openai, scripted, with_key};

const WALL: i64 = 1_800_000_000_000;

fn cloud() -> ModelServer {
    ModelServer::answering(Speaks::Anthropic, &["cloud-1"], "from the cloud")
}

fn on(scene: &mut Scene, classes: &[Class]) {
    scene.hosts.fallback.as_mut().unwrap().on = classes.to_vec();
}

fn broken(speaks: Speaks) -> ModelServer {
    scripted(speaks, speaks.failure(500, "", "it broke").close())
}

fn wrong() -> ModelServer {
    scripted(Speaks::OpenAi, Speaks::OpenAi.failure(400, "invalid", "no such option").close())
}

fn waiting(seconds: u64) -> Options {
    Options { wait: true, timeout: Some(Duration::from_secs(seconds)), ..Options::default() }
}

// The table of section 3: the text of a server decides nothing.
#[test]
fn the_words_of_a_refused_key_call_for_no_cloud() {
    let a = scripted(Speaks::OpenAi, Reply::hang());
    let words = "this key was throttled, the host is overloaded";
    a.script("/v1/models", Speaks::OpenAi.failure(401, "authentication_error", words).close());
    let cloud = cloud();
    let mut scene = Scene::new(vec![with_key(openai("a", &a, 1))])
        .with_cloud(&cloud)
        .with_variable("KEY", "k-0123456789");
    on(&mut scene, &[Class::Throttled, Class::Overloaded]);
    for _ in 0..2 {
        let failed = scene.fails();
        assert_eq!(failed.skipped[0].why, Why::Blocked);
        assert_eq!(failed.skipped[0].class, Some(Class::Auth));
    }
    assert_eq!(cloud.connections(), 0);
    on(&mut scene, &[Class::Auth]);
    assert!(scene.ask().unwrap().fallback);
}

// R5: a class that ends the hosts is a reason for the fallback where the configuration says so, and only then.
#[test]
fn a_wrong_request_goes_to_the_cloud_where_that_was_asked_for() {
    let (broken, wrong, cloud) = (broken(Speaks::OpenAi), wrong(), cloud());
    let mut scene = Scene::new(vec![openai("a", &broken, 1), openai("b", &wrong, 2)]).with_cloud(&cloud);
    // That another host has failed makes it no better.
    assert_eq!(scene.fails().class, Some(Class::BadRequest));
    assert_eq!(cloud.connections(), 0);
    let mut classes = Fallback::ON.to_vec();
    classes.push(Class::BadRequest);
    on(&mut scene, &classes);
    let answer = scene.ask().unwrap();
    assert_eq!((answer.fallback, answer.text.as_str()), (true, "from the cloud"));
    let told: Vec<_> = answer.attempts.iter().map(|attempt| attempt.class).collect();
    assert_eq!(told, [Some(Class::Fault), Some(Class::BadRequest), None]);
    // It is asked once, and what it says is the end.
    cloud.script("/v1/messages", Speaks::Anthropic.failure(400, "invalid_request_error", "no").close());
    let before = cloud.questions();
    assert_eq!(scene.fails().class, Some(Class::BadRequest));
    assert_eq!(cloud.questions(), before + 1);
}

// R5
#[test]
fn a_host_that_cannot_be_configured_calls_for_the_cloud_where_that_was_asked_for() {
    let (a, cloud) = (answering(Speaks::OpenAi, "a"), cloud());
    let mut scene = Scene::new(vec![with_key(openai("a", &a, 1))]).with_cloud(&cloud);
    assert_eq!(scene.fails().class, Some(Class::Config));
    on(&mut scene, &[Class::Config]);
    assert!(scene.ask().unwrap().fallback);
}

// R5: `--local` has the last word.
#[test]
fn local_never_asks_the_fallback_by_name_either() {
    let (a, cloud) = (answering(Speaks::Ollama, "a"), cloud());
    let scene = Scene::new(vec![ollama("a", &a, 1)]).with_cloud(&cloud);
    let options = Options { local: true, host: Some("fallback".to_owned()), ..Options::default() };
    let error = scene.ask_with(&options).unwrap_err();
    assert_eq!(error.kind(), LlmErrorKind::Invalid, "{error}");
    assert!(error.hint().is_some());
    assert_eq!(cloud.connections(), 0);
}

// R4: what this very question found out is waited for too.
#[test]
fn hosts_that_fail_their_check_are_waited_for() {
    let gone = [ModelServer::nowhere(), ModelServer::nowhere()];
    let [one, other] = &gone;
    let hosts = || vec![host("a", one, Speaks::Ollama, 1), host("b", other, Speaks::Ollama, 2)];
    let scene = Scene::new(hosts());
    let clock = ManualClock::at_wall_ms(WALL);
    let client = scene.client_at(&clock);
    let failed = failed(client.generate(b"hello", "code", &waiting(300), &CancelToken::new()));
    assert_eq!(failed.kind, LlmErrorKind::Failed);
    // The first period of an opening; whoever has the time waits for the longer ones after it, too.
    let first = clock.sleeps().into_iter().find(|wait| wait.as_secs() > 5).unwrap_or_default();
    assert!((29..=30).contains(&first.as_secs()), "{first:?}");
    // It tells how long there was to wait where that is too long.
    let scene = Scene::new(hosts());
    let client = scene.client_at(&ManualClock::at_wall_ms(WALL));
    let failed = crate::scene::failed(client.generate(b"hello", "code", &waiting(5), &CancelToken::new()));
    let until = failed.retry_at.unwrap() - WALL;
    assert!((29_000..=31_000).contains(&until), "{until}");
}

// R3
#[test]
fn a_question_that_waits_asks_the_cloud_no_more_often() {
    let gone = ModelServer::nowhere();
    let cloud = cloud();
    cloud.script("/v1/messages", Speaks::Anthropic.failure(500, "api_error", "no").close());
    let mut scene = Scene::new(vec![host("a", &gone, Speaks::Ollama, 1)]).with_cloud(&cloud);
    scene.hosts.fallback.as_mut().unwrap().host.breaker = false;
    let clock = ManualClock::at_wall_ms(WALL);
    for n in 1..=2 {
        let client = scene.client_at(&clock);
        let failed = failed(client.generate(b"hello", "code", &waiting(300), &CancelToken::new()));
        assert_eq!((classes(&failed).len(), cloud.questions()), (2, 2 * n));
    }
}

#[test]
fn a_model_that_is_asked_for_by_name_needs_no_task() {
    let (a, b) = (answering(Speaks::OpenAi, "a"), answering(Speaks::OpenAi, "b"));
    let other = |host: Host| Host { models: vec!["m:2".to_owned()], tasks: vec!["chat".to_owned()], ..host };
    let scene = Scene::new(vec![openai("a", &a, 1), other(openai("b", &b, 2))]);
    let options = |model: &str| Options { model: Some(model.to_owned()), ..Options::default() };
    assert_eq!(scene.ask_with(&options("m:2")).unwrap().text, "b");
    assert_eq!(scene.ask_with(&options(MODEL)).unwrap().text, "a");
    assert_eq!(scene.ask_with(&options("m:3")).unwrap_err().kind(), LlmErrorKind::Invalid);
}

// llm L54
#[test]
fn hosts_are_told_in_the_order_of_the_route() {
    let (gone, server) = (ModelServer::nowhere(), answering(Speaks::OpenAi, "b"));
    let hosts = || {
        vec![
            with_key(openai("c", &server, 5)),
            host("bb", &gone, Speaks::Ollama, 4),
            host("b", &gone, Speaks::Ollama, 2),
            with_key(openai("a", &server, 1)),
        ]
    };
    let names = |skipped: &[conclave_llm::Skipped]| -> Vec<String> {
        skipped.iter().map(|skipped| skipped.host.clone()).collect()
    };
    assert_eq!(names(&Scene::new(hosts()).fails().skipped), ["a", "b", "bb", "c"]);
    // Whoever stands behind the one that answered was not passed over.
    let mut more = hosts();
    more.push(openai("d", &server, 3));
    let answer = Scene::new(more).ask().unwrap();
    assert_eq!((answer.host.as_str(), names(&answer.skipped)), ("d", vec!["a".to_owned(), "b".to_owned()]));
}

// A mistake of the configuration is no state that passes.
#[test]
fn a_host_that_lists_no_models_and_names_none_is_configured_wrongly() {
    let a = answering(Speaks::Anthropic, "a");
    let nameless = Host { models: Vec::new(), ..host("a", &a.url(), Speaks::Anthropic, 1) };
    let scene = Scene::new(vec![nameless]);
    let failed = scene.fails();
    assert_eq!((failed.kind, failed.skipped[0].why), (LlmErrorKind::Refused, Why::Config));
    assert!(failed.skipped[0].message.as_ref().unwrap().contains("`models`"), "{failed:?}");
    let named = Options { host: Some("a".to_owned()), ..Options::default() };
    let error = scene.ask_with(&named).unwrap_err();
    assert_eq!(error.kind(), LlmErrorKind::Invalid, "{error}");
    assert_eq!(a.connections(), 0);
}

#[test]
fn two_hosts_of_one_name_are_refused() {
    let a = answering(Speaks::Ollama, "a");
    let scene = Scene::new(vec![ollama("a", &a, 1), openai("a", &a, 2)]);
    let error = scene.ask().unwrap_err();
    assert_eq!(error.kind(), LlmErrorKind::Invalid, "{error}");
    assert_eq!(a.connections(), 0);
}

// Section 4, the retry budget.
#[test]
fn a_host_whose_repeats_are_spent_says_so() {
    let a = broken(Speaks::Ollama);
    let scene = Scene::new(vec![Host { breaker: false, ..ollama("a", &a, 1) }]);
    for _ in 0..50 {
        assert_eq!(scene.fails().attempts.len(), 3);
    }
    let failed = scene.fails();
    assert_eq!(failed.attempts.len(), 1);
    let message = failed.attempts[0].message.clone().unwrap();
    assert!(message.contains("it broke") && message.contains("budget"), "{message}");
}

// Section 3: once because of this failure, not once in all.
#[test]
fn a_cut_answer_is_asked_for_again_though_the_host_was_busy_before() {
    let a = answering(Speaks::OpenAi, "whole");
    let headers = [("content-type", "application/json"), ("retry-after", "1")];
    a.once(Speaks::OpenAi.path(), Reply::http(503, &headers, r#"{"error":{"message":"busy"}}"#).close());
    a.once(Speaks::OpenAi.path(), Speaks::OpenAi.cut(MODEL, "half"));
    let scene = Scene::new(vec![openai("a", &a, 1)]);
    let client = scene.client_at(&ManualClock::at_wall_ms(WALL));
    let answer = client.generate(b"hello", "code", &Options::default(), &CancelToken::new()).unwrap();
    let told: Vec<_> = answer.attempts.iter().map(|attempt| attempt.class).collect();
    assert_eq!(told, [Some(Class::Overloaded), Some(Class::Cut), None]);
}

fn without_usage() -> ModelServer {
    let server = ModelServer::start();
    server.lists(Speaks::OpenAi, &[MODEL]);
    server.script_with("/v1/chat/completions", |request| {
        if request.text().contains("stream_options") {
            Speaks::OpenAi.failure(400, "invalid_request_error", "stream_options is not supported").close()
        } else {
            Speaks::OpenAi.answer(MODEL, "without")
        }
    });
    server
}

// R2, L20: what was sent is told, and stands in the budget of the fallback.
#[test]
fn a_request_that_was_refused_for_one_word_is_told_and_counts() {
    let server = without_usage();
    let scene = Scene::new(vec![openai("a", &server, 1)]);
    let client = scene.client();
    for classes in [&[Some(Class::BadRequest), None] as &[_], &[None]] {
        let answer = crate::scene::ask(&client).unwrap();
        let told: Vec<_> = answer.attempts.iter().map(|attempt| attempt.class).collect();
        assert_eq!((answer.text.as_str(), told.as_slice()), ("without", classes));
    }
    let broken = broken(Speaks::Ollama);
    for (limit, questions) in [(1, 1), (2, 2)] {
        let server = without_usage();
        let mut scene = Scene::new(vec![ollama("a", &broken, 1)]).with_cloud(&server);
        let fallback = scene.hosts.fallback.as_mut().unwrap();
        fallback.host = Host { name: "fallback".to_owned(), ..openai("fallback", &server, 99) };
        fallback.calls_per_hour = Some(limit);
        let answer = scene.ask();
        assert_eq!((server.questions(), answer.is_ok()), (questions, limit == 2), "{answer:?}");
    }
}
