//! Many callers at once, and hosts that take only so many.

use std::sync::Barrier;
use std::sync::mpsc::channel;
use std::time::Duration;

use conclave_llm::{Host, LlmErrorKind, Options, Timeouts, Why};
use conclave_retry::{CancelToken, Clock, ManualClock};
use conclave_testkit::{ModelServer, Speaks};

use crate::scene::{MODEL, Scene, answering, ollama, openai, scripted};

// llm L16
#[test]
fn a_host_with_one_slot_never_has_two_calls_and_nobody_goes_to_the_cloud() {
    let busy = scripted(Speaks::Ollama, Speaks::Ollama.answer(MODEL, "a").after(Duration::from_millis(150)));
    let cloud = ModelServer::answering(Speaks::Anthropic, &["cloud-1"], "from the cloud");
    let scene = Scene::new(vec![ollama("a", &busy, 1)]).with_cloud(&cloud);
    let answers: Vec<_> = std::thread::scope(|scope| {
        // Each as its own process: nothing is shared but the file.
        let asked: Vec<_> = (0..6)
            .map(|_| {
                let client = scene.waiting_client();
                scope.spawn(move || crate::scene::ask(&client))
            })
            .collect();
        asked.into_iter().map(|thread| thread.join().unwrap().unwrap()).collect()
    });
    assert!(answers.iter().all(|answer| answer.text == "a" && answer.attempts.len() == 1), "{answers:?}");
    assert_eq!((busy.questions(), busy.most_at_once(), cloud.questions()), (6, 1, 0));
    // The last one has waited for five others.
    let longest = answers.iter().map(|answer| answer.queued_ms).max().unwrap();
    assert!(longest >= 5 * 150, "{longest}");
    assert_eq!(scene.breaker("a"), ("closed".to_owned(), 0));
    assert_eq!((scene.view("a").in_flight, scene.view("a").waiting), (0, 0));
}

// llm L17: the slow one answers last of all, when it is told to.
#[test]
fn a_slow_host_holds_up_one_call_and_no_other() {
    let slow = scripted(Speaks::Ollama, Speaks::Ollama.answer(MODEL, "a").held());
    let quick = |text: &str| {
        scripted(Speaks::OpenAi, Speaks::OpenAi.answer(MODEL, text).after(Duration::from_millis(20)))
    };
    let (b, c) = (quick("b"), quick("c"));
    let four = |host: Host| Host { max_concurrent: Some(4), ..host };
    let scene = Scene::new(vec![ollama("a", &slow, 1), four(openai("b", &b, 2)), four(openai("c", &c, 3))]);
    let (sender, answers) = channel();
    std::thread::scope(|scope| {
        for _ in 0..64 {
            let (client, sender) = (scene.waiting_client(), sender.clone());
            scope.spawn(move || sender.send(crate::scene::ask(&client).unwrap()).unwrap());
        }
        for n in 0..63 {
            let answer =
                answers.recv_timeout(Duration::from_mins(2)).unwrap_or_else(|_| panic!("only {n} answers"));
            assert_ne!(answer.text, "a");
        }
        slow.release_all();
        assert_eq!(answers.recv_timeout(Duration::from_mins(1)).unwrap().text, "a");
    });
    assert_eq!((slow.questions(), slow.most_at_once()), (1, 1));
    assert!(b.most_at_once() <= 4 && c.most_at_once() <= 4);
    assert_eq!(b.questions() + c.questions(), 63);
}

// llm L19
#[test]
fn a_queue_is_left_when_its_time_is_over() {
    let full = scripted(Speaks::Ollama, Speaks::Ollama.answer(MODEL, "a").held());
    let cloud = ModelServer::answering(Speaks::Anthropic, &["cloud-1"], "from the cloud");
    let mut scene = Scene::new(vec![ollama("a", &full, 1)]);
    scene.hosts.queue_timeout = Some(Duration::from_millis(200));
    std::thread::scope(|scope| {
        let client = scene.waiting_client();
        let first = scope.spawn(move || crate::scene::ask(&client).unwrap());
        full.wait_for(Speaks::Ollama.path(), 1);
        let failed = crate::scene::failed(crate::scene::ask(&scene.waiting_client()));
        assert_eq!((failed.kind, failed.attempts.len()), (LlmErrorKind::Unavailable, 0));
        assert_eq!((failed.skipped.len(), failed.skipped[0].why), (1, Why::Full));
        assert!(failed.hint.unwrap().contains("queue_timeout"));
        full.release_all();
        assert_eq!(first.join().unwrap().text, "a");
    });
    assert_eq!(full.questions(), 1);
    let scene = scene.with_cloud(&cloud);
    let held = scripted(Speaks::Ollama, Speaks::Ollama.answer(MODEL, "a").held());
    let scene = scene.with_hosts(vec![ollama("a", &held, 1)]);
    std::thread::scope(|scope| {
        let client = scene.waiting_client();
        let first = scope.spawn(move || crate::scene::ask(&client).unwrap());
        held.wait_for(Speaks::Ollama.path(), 1);
        let answer = crate::scene::ask(&scene.waiting_client()).unwrap();
        assert!(answer.fallback && answer.queued_ms >= 200, "{answer:?}");
        held.release_all();
        first.join().unwrap();
    });
}

// S3: whoever is next looks often, so that a host that answers quickly is not left idle.
#[test]
fn the_first_in_the_queue_looks_often() {
    let full = scripted(Speaks::Ollama, Speaks::Ollama.answer(MODEL, "a").held());
    let mut scene = Scene::new(vec![ollama("a", &full, 1)]);
    scene.hosts.queue_timeout = Some(Duration::from_secs(2));
    std::thread::scope(|scope| {
        let client = scene.waiting_client();
        let first = scope.spawn(move || crate::scene::ask(&client).unwrap());
        full.wait_for(Speaks::Ollama.path(), 1);
        let clock = ManualClock::at_wall_ms(1_800_000_000_000);
        crate::scene::failed(crate::scene::ask(&scene.client_at(&clock)));
        let looks = clock.sleeps();
        assert!(looks.iter().all(|look| *look <= Duration::from_millis(50)), "{looks:?}");
        full.release_all();
        first.join().unwrap();
    });
}

#[test]
fn evidence_of_one_process_is_good_for_the_next() {
    let a = answering(Speaks::OpenAi, "a");
    let b = answering(Speaks::OpenAi, "b");
    let scene = Scene::new(vec![openai("a", &a, 1), openai("b", &b, 2)]);
    for _ in 0..3 {
        scene.ask().unwrap();
    }
    // The second is looked at only where the first takes its time.
    assert!(a.count("/v1/models") == 1 && b.count("/v1/models") <= 1);
}

// llm L4: the processes of this test are clients over one file.
#[test]
fn one_of_sixteen_tries_an_open_host_out_and_the_others_go_on() {
    for _ in 0..5 {
        let clock = ManualClock::at_wall_ms(1_800_000_000_000);
        let mut gone = answering(Speaks::Ollama, "a");
        let b = answering(Speaks::OpenAi, "b");
        let scene =
            Scene::new(vec![ollama("a", &gone, 1), Host { max_concurrent: Some(16), ..openai("b", &b, 2) }]);
        let address = gone.address().to_string();
        gone.kill();
        assert_eq!(crate::scene::ask(&scene.client_at(&clock)).unwrap().text, "b");
        let back = ModelServer::on(&address);
        back.lists(Speaks::Ollama, &[MODEL]);
        back.script(Speaks::Ollama.path(), Speaks::Ollama.answer(MODEL, "a").held());
        clock.advance(Duration::from_secs(31));
        let barrier = Barrier::new(16);
        let (sender, answers) = channel();
        std::thread::scope(|scope| {
            for _ in 0..16 {
                let (client, sender, barrier) = (scene.client_at(&clock), sender.clone(), &barrier);
                scope.spawn(move || {
                    barrier.wait();
                    sender.send(crate::scene::ask(&client).unwrap()).unwrap();
                });
            }
            // The one that tries it out answers last: nobody waits for it.
            for _ in 0..15 {
                let answer = answers.recv_timeout(Duration::from_mins(1)).unwrap();
                assert_eq!((answer.text.as_str(), answer.skipped[0].why), ("b", Why::Probing));
                assert_eq!((answer.waited_ms, answer.queued_ms), (0, 0));
            }
            back.release_all();
            assert_eq!(answers.recv_timeout(Duration::from_mins(1)).unwrap().text, "a");
        });
        assert_eq!((back.count("/api/tags"), back.questions(), back.connections()), (1, 1, 2));
        assert_eq!(scene.breaker("a"), ("closed".to_owned(), 0));
    }
}

// R4: who waits looks again soon where another tries the host out.
#[test]
fn with_wait_the_end_of_another_ones_probe_is_waited_for() {
    let mut gone = answering(Speaks::Ollama, "a");
    // The waits of the second move the time of the first as well, as fast as the machine is.
    let long = Some(Duration::from_hours(24));
    let timeouts = Timeouts { first_byte: long, idle: long, total: long, ..Timeouts::default() };
    let scene = Scene::new(vec![Host { timeouts, ..ollama("a", &gone, 1) }]);
    let address = gone.address().to_string();
    gone.kill();
    let clock = ManualClock::at_wall_ms(1_800_000_000_000);
    crate::scene::ask(&scene.client_at(&clock)).unwrap_err();
    clock.advance(Duration::from_secs(31));
    let back = ModelServer::on(&address);
    back.lists(Speaks::Ollama, &[MODEL]);
    back.script(Speaks::Ollama.path(), Speaks::Ollama.answer(MODEL, "a").held());
    std::thread::scope(|scope| {
        let client = scene.client_at(&clock);
        let first = scope.spawn(move || crate::scene::ask(&client).unwrap());
        back.wait_for(Speaks::Ollama.path(), 1);
        let failed = crate::scene::failed(crate::scene::ask(&scene.client_at(&clock)));
        assert_eq!((failed.kind, failed.skipped[0].why), (LlmErrorKind::Unavailable, Why::Probing));
        let client = scene.client_at(&clock);
        let wait = Options { wait: true, ..Options::default() };
        let second = scope.spawn(move || client.generate(b"hello", "code", &wait, &CancelToken::new()));
        // It has looked some times; its waits move the time.
        let begin = Clock::monotonic(&clock);
        while Clock::monotonic(&clock) < begin + Duration::from_secs(1) && !second.is_finished() {
            std::thread::yield_now();
        }
        back.release_all();
        let second = second.join().unwrap().unwrap();
        assert!(second.waited_ms >= 1000, "{}", second.waited_ms);
        assert_eq!((first.join().unwrap().text, second.text), ("a".to_owned(), "a".to_owned()));
    });
}
