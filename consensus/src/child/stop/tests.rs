use super::*;
use std::task::{Context, Waker};

fn is_ready(future: impl Future<Output = ()>) -> bool {
    Box::pin(future).as_mut().poll(&mut Context::from_waker(Waker::noop())).is_ready()
}

#[test]
fn the_second_request_is_to_stop_at_once() {
    let stop = Stop::new();
    assert!(!stop.is_cancelled() && !is_ready(stop.cancelled()) && !is_ready(stop.killed()));
    stop.clone().cancel();
    assert!(stop.is_cancelled() && is_ready(stop.cancelled()) && !is_ready(stop.killed()));
    stop.clone().cancel();
    assert!(is_ready(stop.killed()));
}

#[test]
fn a_stop_reaches_those_below_and_no_others() {
    let session = Stop::new();
    let (run, other) = (session.below(), session.below());
    let attempt = run.below();
    run.cancel();
    assert!(attempt.is_cancelled() && !other.is_cancelled() && !session.is_cancelled());
    session.kill();
    for stop in [&session, &run, &other, &attempt] {
        assert!(stop.is_cancelled() && is_ready(stop.cancelled()) && is_ready(stop.killed()));
    }
}
