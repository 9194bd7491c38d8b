//! Which hosts a question goes to, and when it begins.

use std::time::Duration;

use conclave_llm::{Client, Host, LlmErrorKind, Options, Why};
use conclave_retry::CancelToken;
use conclave_testkit::{ModelServer, Reply, Speaks};

use crate::scene::{MODEL, Scene, answering, host, ollama, openai, scripted};

fn ask(client: &Client, prompt: &[u8], task: &str, model: Option<&str>) -> conclave_llm::Result<String> {
    let options = Options { model: model.map(str::to_owned), ..Options::default() };
    Ok(client.generate(prompt, task, &options, &CancelToken::new())?.text)
}

// llm L45
#[test]
fn a_task_that_nobody_lists_goes_to_those_that_take_all_and_never_to_the_cloud() {
    let (listing, all) = (answering(Speaks::Ollama, "lists"), answering(Speaks::Ollama, "takes all"));
    let cloud = ModelServer::answering(Speaks::Anthropic, &["cloud-1"], "from the cloud");
    let takes_all = |host: Host| Host { tasks: Vec::new(), ..host };
    let mut scene =
        Scene::new(vec![ollama("a", &listing, 1), takes_all(ollama("b", &all, 2))]).with_cloud(&cloud);
    let client = scene.client();
    assert_eq!(ask(&client, b"hello", "code", None).unwrap(), "lists");
    for task in ["reasoning", "", "unheard of"] {
        assert_eq!(ask(&client, b"hello", task, None).unwrap(), "takes all", "{task}");
    }
    scene.hosts.hosts.pop();
    assert_eq!(ask(&scene.client(), b"hello", "reasoning", None).unwrap(), "lists");
    assert_eq!(cloud.connections(), 0);
}

#[test]
fn a_model_is_asked_for_where_it_is_and_one_that_nobody_has_is_refused() {
    let (a, b) = (answering(Speaks::OpenAi, "a"), answering(Speaks::OpenAi, "b"));
    let other = Host { models: vec!["other".to_owned(), "m:2".to_owned()], ..openai("a", &a, 1) };
    let cloud = ModelServer::answering(Speaks::Anthropic, &["cloud-1"], "from the cloud");
    let scene = Scene::new(vec![other, openai("b", &b, 2)]).with_cloud(&cloud);
    let client = scene.client();
    assert_eq!(ask(&client, b"hello", "", Some("m:2")).unwrap(), "a");
    assert!(a.requests().last().unwrap().text().contains(r#""model":"m:2""#));
    assert_eq!(ask(&client, b"hello", "code", Some(MODEL)).unwrap(), "b");
    let error = ask(&client, b"hello", "code", Some("m:9")).unwrap_err();
    assert_eq!(error.kind(), LlmErrorKind::Invalid);
    assert_eq!(
        (error.to_string().as_str(), error.hint()),
        (r#"no host has a model "m:9""#, Some("there are other, m:2, m:1"))
    );
    assert_eq!(cloud.connections(), 0);
    assert_eq!(ask(&client, b"hello", "code", Some("cloud-1")).unwrap(), "from the cloud");
}

#[test]
fn models_that_the_configuration_does_not_name_are_asked_for() {
    let server = ModelServer::start();
    for (path, listing) in Speaks::Ollama.listings(&["big:1", "small:1"], &["small:1"]) {
        server.script(path, listing);
    }
    server.script_with("/api/chat", |request| {
        let model = if request.text().contains("small:1") { "small:1" } else { "big:1" };
        Speaks::Ollama.answer(model, model)
    });
    let mut discovered = Host { models: Vec::new(), ..ollama("a", &server, 1) };
    discovered.timeouts.first_byte = None;
    let scene = Scene::new(vec![discovered]);
    let client = scene.client();
    assert_eq!(ask(&client, b"hello", "code", None).unwrap(), "small:1", "the one that is loaded");
    assert_eq!(ask(&client, b"hello", "code", Some("big:1")).unwrap(), "big:1");
    let error = ask(&client, b"hello", "code", Some("none:1")).unwrap_err();
    assert_eq!(error.kind(), LlmErrorKind::Unavailable);
    assert!(error.to_string().contains("it has no none:1"), "{error}");
}

// llm L28 and R10: a host that says it has not the model is passed over without a question.
#[test]
fn a_host_without_the_model_is_passed_over() {
    let without = ModelServer::answering(Speaks::Ollama, &["another:1"], "unused");
    let b = answering(Speaks::Ollama, "b");
    let scene = Scene::new(vec![ollama("a", &without, 1), ollama("b", &b, 2)]);
    for _ in 0..2 {
        let answer = scene.ask().unwrap();
        assert_eq!((answer.text.as_str(), answer.skipped[0].why), ("b", Why::NoModel));
    }
    assert_eq!((without.questions(), without.count("/api/tags")), (0, 1), "for a minute nobody asks again");
    without.lists(Speaks::Ollama, &[MODEL]);
    let found = conclave_llm::check(&scene.client(), None, &CancelToken::new());
    assert_eq!(found[0].models.as_deref(), Some(&[MODEL.to_owned()][..]));
    assert_eq!(scene.ask().unwrap().text, "unused");
}

// llm L52
#[test]
fn hosts_that_hang_cost_two_seconds_together() {
    let hanging: Vec<ModelServer> = (0..5)
        .map(|_| {
            let server = ModelServer::start();
            server.otherwise(Reply::hang());
            server
        })
        .collect();
    let well = answering(Speaks::Ollama, "well");
    let mut hosts: Vec<Host> =
        hanging.iter().zip(1..).map(|(server, n)| ollama(&format!("h{n}"), server, n)).collect();
    hosts.push(ollama("well", &well, 9));
    let scene = Scene::new(hosts);
    let answer = scene.ask().unwrap();
    assert_eq!((answer.text.as_str(), answer.attempts.len()), ("well", 1));
    assert_eq!(answer.skipped.iter().filter(|host| host.why == Why::Down).count(), 5);
    let message = answer.skipped[0].message.as_deref();
    assert_eq!(message, Some("timeout: it did not answer a check within 2 s"), "of a check, not of a call");
    // One after the other they would take ten; the machine may be slow.
    assert!((1900..6000).contains(&answer.latency_ms), "{}", answer.latency_ms);
    assert!(hanging.iter().all(|server| server.connections() == 1));
}

#[test]
fn the_best_placed_host_that_is_well_is_not_held_up_by_others() {
    let hanging = ModelServer::start();
    hanging.otherwise(Reply::hang());
    let well = answering(Speaks::Ollama, "well");
    let scene = Scene::new(vec![ollama("well", &well, 1), ollama("hanging", &hanging, 2)]);
    let answer = scene.ask().unwrap();
    assert_eq!(answer.text, "well");
    assert!(answer.latency_ms < 1900, "{}", answer.latency_ms);
    // With evidence of the last minute nobody is checked.
    let lists = well.count("/api/tags");
    assert_eq!(scene.ask().unwrap().text, "well");
    assert_eq!(well.count("/api/tags"), lists);
}

// llm L53
#[test]
fn a_prompt_that_is_none_is_refused_before_anything_is_sent() {
    let server = answering(Speaks::Ollama, "a");
    let client = Scene::new(vec![ollama("a", &server, 1)]).client();
    for prompt in [b"".as_slice(), b" \n ", &vec![b'a'; 3 << 20], b"a\xff"] {
        assert_eq!(ask(&client, prompt, "code", None).unwrap_err().kind(), LlmErrorKind::Invalid);
    }
    assert_eq!(server.connections(), 0);
}

// llm L56
#[test]
fn a_model_may_have_any_name() {
    for name in ["two words", "org/model:latest", "\u{1F999}", &"long".repeat(75), "a\"b\\c\u{1b}[31m"] {
        let server = ModelServer::answering(Speaks::OpenAi, &[name], "a");
        let scene = Scene::new(vec![Host { models: vec![name.to_owned()], ..openai("a", &server, 1) }]);
        let answer = scene.ask().unwrap();
        assert_eq!(answer.model, name);
        let body: serde_json::Value =
            serde_json::from_str(&server.requests().last().unwrap().text()).unwrap();
        assert_eq!(body["model"], name);
        server.script(Speaks::OpenAi.path(), Speaks::OpenAi.failure(500, "", "it broke").close());
        let error = scene.ask().unwrap_err().to_string();
        assert!(!error.contains('\u{1b}') && error.contains("fault"), "{error}");
    }
}

// llm L57
#[test]
fn a_server_that_answers_with_another_model_is_told() {
    let server = ModelServer::answering(Speaks::OpenAi, &["tiny.gguf"], "unused");
    server.script(Speaks::OpenAi.path(), Speaks::OpenAi.answer("tiny.gguf", "noise"));
    let scene = Scene::new(vec![openai("a", &server, 1)]);
    let answer = scene.ask().unwrap();
    assert_eq!(answer.served_model.as_deref(), Some("tiny.gguf"));
    assert_eq!(answer.warnings, ["a answered with the model tiny.gguf, not with m:1"]);
    // A dated version of what was asked for is that.
    server.script(Speaks::OpenAi.path(), Speaks::OpenAi.answer("m:1-2026-10-21", "dated"));
    assert!(scene.ask().unwrap().warnings.is_empty());
}

#[test]
fn a_host_by_name_is_the_only_one() {
    let (a, b) = (answering(Speaks::Ollama, "a"), answering(Speaks::Ollama, "b"));
    let scene = Scene::new(vec![ollama("a", &a, 1), ollama("b", &b, 2)]);
    let named = |name: &str| Options { host: Some(name.to_owned()), ..Options::default() };
    assert_eq!(scene.ask_with(&named("b")).unwrap().text, "b");
    assert_eq!(a.connections(), 0);
    let error = scene.ask_with(&named("c")).unwrap_err();
    assert_eq!((error.kind(), error.hint()), (LlmErrorKind::Invalid, Some("there are a, b")));
    assert!(Scene::new(Vec::new()).ask().unwrap_err().hint().unwrap().contains("[[hosts]]"));
}

// R10, B11: what a check finds is told, and noted for all.
#[test]
fn a_check_tells_what_each_host_says_of_itself() {
    let mut well = answering(Speaks::Ollama, "a");
    let refusing = scripted(Speaks::OpenAi, Reply::hang());
    refusing.script("/v1/models", Speaks::OpenAi.failure(401, "authentication_error", "no").close());
    let scene = Scene::new(vec![
        ollama("well", &well, 1),
        host("gone", &ModelServer::nowhere(), Speaks::Ollama, 2),
        openai("refusing", &refusing, 3),
    ]);
    let found = conclave_llm::check(&scene.client(), None, &CancelToken::new());
    let classes: Vec<_> = found
        .iter()
        .map(|health| (health.host.as_str(), health.failure.as_ref().map(|(class, _)| class.as_str())))
        .collect();
    assert_eq!(classes, [("well", None), ("gone", Some("unreachable")), ("refusing", Some("auth"))]);
    assert_eq!(found[0].loaded.as_deref(), Some(&[MODEL.to_owned()][..]));
    let only = conclave_llm::check(&scene.client(), Some(&["well".to_owned()]), &CancelToken::new());
    assert_eq!(only.len(), 1);
    assert!(found[0].took < Duration::from_secs(2));
    well.kill();
}
