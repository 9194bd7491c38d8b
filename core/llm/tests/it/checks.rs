//! What hosts are asked before a question, by whom, and what follows.

use std::time::Duration;

use conclave_llm::{Class, Host, LlmErrorKind, Options, Why};
use conclave_retry::{CancelToken, Clock, ManualClock, SystemClock};
use conclave_testkit::{ModelServer, Reply, Speaks};

use crate::scene::{MODEL, Scene, answering, ask, failed, host, ollama, openai, with_key};

const WALL: i64 = 1_800_000_000_000;

fn discovered(host: Host) -> Host {
    Host { models: Vec::new(), ..host }
}

/// A scene in which `a` was gone once, and `b` is well; `a`'s port has a server again.
fn back(a: impl Fn(&str) -> Host, b: &ModelServer, clock: &ManualClock) -> (Scene, ModelServer) {
    let mut gone = ModelServer::start();
    let (address, url) = (gone.address().to_string(), gone.url());
    gone.kill();
    let scene = Scene::new(vec![a(&url), openai("b", b, 2)]);
    assert_eq!(ask(&scene.client_at(clock)).unwrap().text, "b");
    assert_eq!(scene.breaker("a"), ("open".to_owned(), 1));
    clock.advance(Duration::from_secs(31));
    (scene, ModelServer::on(&address))
}

// B8, B9, llm L4: a host whose models only it knows is tried out by one call as well.
#[test]
fn an_open_host_that_must_say_its_models_is_asked_by_the_one_that_tries_it_out() {
    let clock = ManualClock::at_wall_ms(WALL);
    let b = answering(Speaks::OpenAi, "b");
    let (scene, back) = back(|url| discovered(host("a", url, Speaks::OpenAi, 1)), &b, &clock);
    back.script("/v1/models", Speaks::OpenAi.failure(500, "", "it starts").close());
    for n in 0..5 {
        let answer = ask(&scene.client_at(&clock)).unwrap();
        assert_eq!(answer.text, "b");
        assert_eq!(answer.skipped[0].why, if n == 0 { Why::Down } else { Why::Open });
    }
    assert_eq!((back.count("/v1/models"), back.questions()), (1, 0), "one GET, by one");
    assert_eq!(scene.breaker("a"), ("open".to_owned(), 2), "open again, and longer");
    clock.advance(Duration::from_mins(11));
    back.lists(Speaks::OpenAi, &[MODEL]);
    back.script(Speaks::OpenAi.path(), Speaks::OpenAi.answer(MODEL, "a"));
    let answer = ask(&scene.client_at(&clock)).unwrap();
    assert_eq!((answer.text.as_str(), answer.model.as_str()), ("a", MODEL));
    assert_eq!((back.count("/v1/models"), scene.breaker("a").0.as_str()), (2, "closed"));
    let calls = conclave_llm::calls(&scene.db, &scene.hosts.hosts[0], 10).unwrap();
    assert_eq!((calls.len(), calls[0].model.as_str()), (1, MODEL));
}

// R10, llm L16: a host that answers one connection at a time is no dead host while it answers us.
#[test]
fn a_host_that_answers_a_question_of_this_machine_is_not_checked() {
    for models in [vec![MODEL.to_owned()], Vec::new()] {
        let clock = ManualClock::at_wall_ms(WALL);
        let (a, b) = (answering(Speaks::OpenAi, "a"), answering(Speaks::OpenAi, "b"));
        a.script(Speaks::OpenAi.path(), Speaks::OpenAi.answer(MODEL, "a").held());
        let mut one = Host { max_concurrent: Some(1), models, ..openai("a", &a, 1) };
        one.timeouts.first_byte = Some(Duration::from_mins(5));
        let scene = Scene::new(vec![one, openai("b", &b, 2)]);
        std::thread::scope(|scope| {
            let client = scene.client_at(&clock);
            let first = scope.spawn(move || ask(&client).unwrap());
            a.wait_for(Speaks::OpenAi.path(), 1);
            a.script("/v1/models", Reply::hang());
            let lists = a.count("/v1/models");
            clock.advance(Duration::from_secs(62));
            for _ in 0..4 {
                let answer = ask(&scene.client_at(&clock)).unwrap();
                assert_eq!((answer.text.as_str(), answer.skipped[0].why), ("b", Why::Full));
            }
            assert_eq!((a.count("/v1/models"), scene.breaker("a")), (lists, ("closed".to_owned(), 0)));
            a.release_all();
            assert_eq!(first.join().unwrap().text, "a");
        });
    }
}

// The same for the check of a person: what it finds is told, and counts for nothing.
#[test]
fn a_persons_check_of_a_busy_host_counts_for_nothing() {
    let a = answering(Speaks::OpenAi, "a");
    a.script(Speaks::OpenAi.path(), Speaks::OpenAi.answer(MODEL, "a").held());
    let scene = Scene::new(vec![openai("a", &a, 1)]);
    std::thread::scope(|scope| {
        let client = scene.client();
        let first = scope.spawn(move || ask(&client).unwrap());
        a.wait_for(Speaks::OpenAi.path(), 1);
        a.script("/v1/models", Reply::hang());
        let found = conclave_llm::check(&scene.client(), None, &CancelToken::new());
        let (class, message) = found[0].failure.clone().unwrap();
        assert_eq!(class, Class::Timeout);
        assert!(message.contains("within 2 s; a question of this machine"), "{message}");
        assert_eq!(scene.breaker("a"), ("closed".to_owned(), 0));
        a.release_all();
        first.join().unwrap();
    });
}

// S2: before the first question, alone or not, and again when it is checked again.
#[test]
fn a_server_says_how_many_calls_it_takes() {
    let a = answering(Speaks::OpenAi, "a");
    a.script("/props", Reply::json(200, r#"{"total_slots":1}"#));
    let b = answering(Speaks::OpenAi, "b");
    let alone = vec![openai("a", &a, 1)];
    let both = vec![openai("a", &a, 1), openai("b", &b, 2)];
    for hosts in [alone.clone(), both.clone()] {
        let scene = Scene::new(hosts);
        assert_eq!(scene.ask().unwrap().text, "a");
        assert_eq!(scene.view("a").slots, 1);
    }
    // It is asked while nobody knows, and where it must be checked.
    let clock = ManualClock::at_wall_ms(WALL);
    let scene = Scene::new(alone);
    let before = a.count("/props");
    for _ in 0..2 {
        ask(&scene.client_at(&clock)).unwrap();
        clock.advance(Duration::from_secs(62));
    }
    assert_eq!(a.count("/props"), before + 1);
    a.script("/props", Reply::json(200, r#"{"total_slots":3}"#));
    let scene = scene.with_hosts(both);
    ask(&scene.client_at(&clock)).unwrap();
    assert_eq!(scene.view("a").slots, 3);
    // What the configuration says counts, and nobody is asked.
    let scene = Scene::new(vec![Host { max_concurrent: Some(2), ..openai("a", &a, 1) }]);
    let before = a.connections();
    scene.ask().unwrap();
    assert_eq!(a.connections(), before + 1);
}

// A model that the configuration does not name is looked for before it is asked for, also at the only host.
#[test]
fn a_model_that_the_only_host_has_not_is_not_answered_by_another() {
    let a = ModelServer::answering(Speaks::OpenAi, &["tiny"], "a");
    let scene = Scene::new(vec![discovered(openai("a", &a, 1))]);
    let named = |model: &str| Options { model: Some(model.to_owned()), ..Options::default() };
    let failed = failed(scene.ask_with(&named("none")));
    assert_eq!((failed.skipped[0].why, a.questions()), (Why::NoModel, 0));
    assert_eq!(failed.skipped[0].message.as_deref(), Some("it has no none"));
    assert_eq!(scene.ask_with(&named("tiny")).unwrap().text, "a");
}

// R16, llm L50: names of models go everywhere.
#[test]
fn a_key_given_back_as_the_name_of_a_model_is_no_name() {
    let key = "sk-test-AAAABBBBCCCCDDDD";
    let named = format!("m-{key}");
    let a = ModelServer::answering(Speaks::OpenAi, &[&named, MODEL], "a");
    let scene = Scene::new(vec![with_key(discovered(openai("a", &a, 1)))]).with_variable("KEY", key);
    let answer = scene.ask().unwrap();
    assert_eq!(answer.model, MODEL);
    let found = conclave_llm::check(&scene.client(), None, &CancelToken::new());
    assert_eq!(found[0].models.as_deref(), Some(&[MODEL.to_owned()][..]));
    assert!(!format!("{answer:?}{found:?}").contains(key));
    a.lists(Speaks::OpenAi, &[&named]);
    let failed = scene.fails();
    assert_eq!(failed.skipped[0].why, Why::NoModel);
    for file in ["global.db", "global.db-wal"] {
        let bytes = std::fs::read(scene.path(file)).unwrap_or_default();
        assert!(!bytes.windows(key.len()).any(|window| window == key.as_bytes()), "{file}");
    }
}

// R4
#[test]
fn with_wait_hosts_that_failed_the_check_of_this_question_are_waited_for() {
    let hosts = || {
        let gone = |name, priority| host(name, &ModelServer::nowhere(), Speaks::Ollama, priority);
        vec![gone("a", 1), gone("b", 2)]
    };
    let (scene, clock) = (Scene::new(hosts()), ManualClock::at_wall_ms(WALL));
    let wait = |seconds: Option<u64>| Options {
        wait: true,
        timeout: seconds.map(Duration::from_secs),
        ..Options::default()
    };
    let client = scene.client_at(&clock);
    let failed = failed(client.generate(b"hello", "code", &wait(Some(45)), &CancelToken::new()));
    assert_eq!((failed.kind, failed.attempts.len()), (LlmErrorKind::Failed, 0));
    assert_eq!(clock.sleeps().iter().sum::<Duration>().as_secs(), 30);
    assert!(failed.skipped.iter().all(|skipped| skipped.until.is_some()), "{:?}", failed.skipped);
    // Without a deadline each is tried out once, not for ever.
    let (scene, clock) = (Scene::new(hosts()), ManualClock::at_wall_ms(WALL));
    let client = scene.client_at(&clock);
    client.generate(b"hello", "code", &wait(None), &CancelToken::new()).unwrap_err();
    assert_eq!(clock.sleeps().iter().sum::<Duration>().as_secs(), 30);
    // Without `--wait` nobody waits, and the time is told.
    let (scene, clock) = (Scene::new(hosts()), ManualClock::at_wall_ms(WALL));
    let failed = crate::scene::failed(ask(&scene.client_at(&clock)));
    assert_eq!((failed.retry_at, clock.sleeps().len()), (Some(WALL + 30_000), 0));
}

#[test]
fn a_host_behind_one_that_is_well_is_left_in_peace() {
    let a = answering(Speaks::Ollama, "a");
    let hanging = ModelServer::start();
    hanging.otherwise(Reply::hang());
    let scene = Scene::new(vec![ollama("a", &a, 1)]);
    scene.ask().unwrap();
    let scene = scene.with_hosts(vec![ollama("a", &a, 1), ollama("b", &hanging, 2)]);
    for _ in 0..3 {
        assert_eq!(scene.ask().unwrap().text, "a");
    }
    assert_eq!(hanging.connections(), 0);
    // Where the first fails, the second is looked at.
    a.script(Speaks::Ollama.path(), Speaks::Ollama.failure(500, "", "it broke").close());
    let failed = scene.fails();
    assert!(failed.skipped.iter().any(|skipped| skipped.host == "b" && skipped.why == Why::Down));
}

#[test]
fn what_a_check_finds_after_the_answer_is_noted_too() {
    let a = answering(Speaks::Ollama, "a");
    let late = ModelServer::start();
    late.otherwise(Speaks::Ollama.failure(500, "", "it broke").held().close());
    let scene = Scene::new(vec![ollama("a", &a, 1), ollama("b", &late, 1)]);
    assert_eq!(scene.ask().unwrap().text, "a");
    late.wait_for("/api/tags", 1);
    late.release_all();
    let begin = SystemClock.monotonic();
    while scene.breaker("b").1 == 0 && SystemClock.monotonic() < begin + Duration::from_secs(20) {
        std::thread::yield_now();
    }
    assert_eq!(scene.breaker("b"), ("closed".to_owned(), 1));
}

// R10: something that is no list is no sign that a host is well, and no reason to leave it out.
#[test]
fn a_page_in_place_of_a_list_is_told() {
    for page in ["<html>hello</html>", "null", "[[[[", "{}"] {
        let a = answering(Speaks::OpenAi, "a");
        a.script("/v1/models", Reply::http(200, &[("content-type", "text/html")], page));
        let scene = Scene::new(vec![openai("a", &a, 1)]);
        let found = conclave_llm::check(&scene.client(), None, &CancelToken::new());
        assert_eq!(found[0].failure.as_ref().map(|(class, _)| *class), Some(Class::Garbage), "{page}");
        assert_eq!((scene.view("a").healthy, scene.breaker("a").1), (None, 0), "{page}");
        let b = answering(Speaks::OpenAi, "b");
        let scene = scene.with_hosts(vec![openai("a", &a, 1), openai("b", &b, 2)]);
        assert_eq!(scene.ask().unwrap().text, "a", "{page}");
    }
}

// One transaction for all names, not one for each.
#[test]
fn a_host_with_very_many_models_is_checked_soon() {
    let names: Vec<String> = (0..10_000).map(|n| format!("m:{n}")).collect();
    let names: Vec<&str> = names.iter().map(String::as_str).collect();
    let a = ModelServer::start();
    a.lists(Speaks::Ollama, &names);
    let scene = Scene::new(vec![ollama("a", &a, 1)]);
    let begin = SystemClock.monotonic();
    let found = conclave_llm::check(&scene.client(), None, &CancelToken::new());
    assert_eq!(found[0].failure, None);
    assert_eq!(found[0].models.as_ref().map(Vec::len), Some(4096));
    let took = SystemClock.monotonic().saturating_sub(begin);
    assert!(took < Duration::from_secs(10), "{took:?}");
}
