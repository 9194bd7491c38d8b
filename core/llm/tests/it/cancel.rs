//! A caller who does not want it any more (L44), and one whose time is over.

use std::pin::pin;
use std::sync::Arc;
use std::task::{Context, Poll, Wake, Waker};
use std::time::Duration;

use conclave_llm::{Client, Host, LlmErrorKind, Options, Timeouts};
use conclave_retry::{CancelToken, Clock, SystemClock};
use conclave_testkit::{ModelServer, Reply, Speaks};

use crate::scene::{MODEL, SHORT, Scene, answering, failed, ollama, openai, scripted};

/// Cancels the question when `is_there` returns, and says how it ended. Nothing of it may count or stay.
fn cancelled(scene: &Scene, name: &str, is_there: impl FnOnce()) {
    let cancel = CancelToken::new();
    let client = scene.waiting_client();
    let error = std::thread::scope(|scope| {
        let cancel_ = cancel.clone();
        let asked = scope.spawn(move || client.generate(b"hello", "code", &Options::default(), &cancel_));
        is_there();
        let began = SystemClock.monotonic();
        cancel.cancel();
        let result = asked.join().unwrap();
        let took = SystemClock.monotonic().saturating_sub(began);
        // 200 ms on a machine that has time; what is waited for here never comes.
        assert!(took < Duration::from_secs(5), "{took:?}");
        failed(result)
    });
    assert_eq!(error.kind, LlmErrorKind::Cancelled);
    assert_eq!(scene.breaker(name), ("closed".to_owned(), 0));
    assert_eq!(scene.view(name).waiting, 0);
}

/// Looks every few milliseconds.
fn until(is_so: impl Fn() -> bool) {
    let (_sender, never) = std::sync::mpsc::channel::<()>();
    while !is_so() {
        let _ = never.recv_timeout(Duration::from_millis(5));
    }
}

// llm L44
#[test]
fn a_question_that_is_given_up_ends_in_every_state() {
    let path = Speaks::Ollama.path();
    let begun = Reply::stream("application/x-ndjson").write(Speaks::Ollama.beginning(MODEL, "half"));
    for reply in [Reply::hang(), begun.hold()] {
        let server = scripted(Speaks::Ollama, reply);
        let scene = Scene::new(vec![ollama("a", &server, 1)]);
        cancelled(&scene, "a", || server.wait_for(path, 1));
        server.wait_for_gone(1);
        assert_eq!(scene.view("a").in_flight, 0);
    }
    // In the check of a host that hangs.
    let server = ModelServer::start();
    server.otherwise(Reply::hang());
    let well = answering(Speaks::Ollama, "well");
    let scene = Scene::new(vec![ollama("a", &server, 1), ollama("b", &well, 2)]);
    cancelled(&scene, "a", || server.wait_for("/api/tags", 1));
    // In a queue.
    let full = scripted(Speaks::Ollama, Speaks::Ollama.answer(MODEL, "a").held());
    let scene = Scene::new(vec![ollama("a", &full, 1)]);
    std::thread::scope(|scope| {
        let client = scene.waiting_client();
        let first = scope.spawn(move || crate::scene::ask(&client));
        full.wait_for(path, 1);
        cancelled(&scene, "a", || until(|| scene.view("a").waiting > 0));
        assert_eq!(scene.view("a").in_flight, 1);
        full.release_all();
        first.join().unwrap().unwrap();
    });
    // In the wait for the end of a block.
    let throttled = answering(Speaks::OpenAi, "a");
    throttled.script(Speaks::OpenAi.path(), Reply::http(429, &[("retry-after", "50")], "{}").close());
    let scene = Scene::new(vec![openai("a", &throttled, 1)]);
    cancelled(&scene, "a", || {
        throttled.wait_for(Speaks::OpenAi.path(), 1);
        until(|| scene.view("a").blocked_until.is_some());
    });
    assert_eq!(throttled.questions(), 1);
}

// llm L12, the part of the deadline
#[test]
fn the_callers_deadline_ends_it_and_is_nobodys_failure() {
    let server = scripted(Speaks::Ollama, Reply::hang());
    let b = answering(Speaks::Ollama, "b");
    let cloud = ModelServer::answering(Speaks::Anthropic, &["cloud-1"], "from the cloud");
    let scene = Scene::new(vec![ollama("a", &server, 1), ollama("b", &b, 2)]).with_cloud(&cloud);
    for timeout in [SHORT, Duration::from_millis(1), Duration::ZERO] {
        for _ in 0..4 {
            let options = Options { timeout: Some(timeout), ..Options::default() };
            let failed = failed(scene.ask_with(&options));
            assert_eq!(failed.kind, LlmErrorKind::Deadline, "{timeout:?}");
            assert!(failed.hint.unwrap().contains("--timeout"));
        }
    }
    assert_eq!(
        (scene.breaker("a"), scene.breaker("b")),
        (("closed".to_owned(), 0), ("closed".to_owned(), 0))
    );
    assert_eq!((b.questions(), cloud.questions()), (0, 0));
}

// R4
#[test]
fn with_wait_the_first_host_that_may_be_tried_out_is_waited_for() {
    let clock = conclave_retry::ManualClock::at_wall_ms(1_800_000_000_000);
    let mut server = answering(Speaks::Ollama, "back");
    let host: Vec<Host> = vec![ollama("a", &server, 1)];
    let address = server.address().to_string();
    server.kill();
    let scene = Scene::new(host);
    let ask =
        |options: &Options| scene.client_at(&clock).generate(b"hello", "code", options, &CancelToken::new());
    assert_eq!(failed(ask(&Options::default())).kind, LlmErrorKind::Failed);
    let wait = |seconds: u64| Options {
        wait: true,
        timeout: Some(Duration::from_secs(seconds)),
        ..Options::default()
    };
    let short = failed(ask(&wait(10)));
    assert_eq!((short.kind, short.retry_at.is_some()), (LlmErrorKind::Unavailable, true));
    let again = ModelServer::on(&address);
    again.lists(Speaks::Ollama, &[MODEL]);
    again.script(Speaks::Ollama.path(), Speaks::Ollama.answer(MODEL, "back"));
    let answer = ask(&wait(600)).unwrap();
    assert_eq!(answer.text, "back");
    assert!((25_000..=31_000).contains(&answer.waited_ms), "{}", answer.waited_ms);
    // One look and one question: it was a probe, and has closed the breaker.
    assert_eq!((again.count("/api/tags"), again.questions()), (1, 1));
    assert_eq!(scene.breaker("a"), ("closed".to_owned(), 0));
}

/// Wakes a thread.
struct Thread(std::thread::Thread);

impl Wake for Thread {
    fn wake(self: Arc<Self>) {
        self.0.unpark();
    }
}

fn waker() -> Waker {
    Arc::new(Thread(std::thread::current())).into()
}

fn asked(client: &Client) -> impl Future<Output = conclave_llm::Result<conclave_llm::Answer>> + use<> {
    client.generate_async(b"hello".to_vec(), "code".to_owned(), Options::default())
}

#[test]
fn a_question_as_a_future_is_answered_and_ends_when_it_is_dropped() {
    let server = answering(Speaks::Ollama, "later");
    let scene = Scene::new(vec![ollama("a", &server, 1)]);
    let mut future = pin!(asked(&scene.waiting_client()));
    let waker = waker();
    let answer = loop {
        match future.as_mut().poll(&mut Context::from_waker(&waker)) {
            Poll::Ready(answer) => break answer,
            Poll::Pending => std::thread::park(),
        }
    };
    assert_eq!(answer.unwrap().text, "later");

    let hanging = scripted(Speaks::Ollama, Reply::hang());
    let patient = Timeouts { first_byte: Some(Duration::from_mins(5)), ..Timeouts::default() };
    let scene = Scene::new(vec![Host { timeouts: patient, ..ollama("a", &hanging, 1) }]);
    let future = asked(&scene.waiting_client());
    hanging.wait_for(Speaks::Ollama.path(), 1);
    drop(future);
    hanging.wait_for_gone(1);
}
