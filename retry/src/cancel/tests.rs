use std::pin::pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::mpsc;
use std::task::{Context, Poll, Wake, Waker};
use std::time::Duration;

use super::CancelToken;

/// Long enough that a test which relies on it has failed.
const NEVER: Duration = Duration::from_hours(1);
const PATIENCE: Duration = Duration::from_secs(30);

#[derive(Default)]
struct Count(AtomicU32);

impl Wake for Count {
    fn wake(self: Arc<Self>) {
        self.0.fetch_add(1, Ordering::SeqCst);
    }
}

fn waker() -> (Arc<Count>, Waker) {
    let count = Arc::new(Count::default());
    (Arc::clone(&count), Waker::from(count))
}

#[test]
fn clones_share_the_flag_and_it_stays() {
    let token = CancelToken::new();
    let clone = token.clone();
    assert!(!clone.is_cancelled());
    token.cancel();
    token.cancel();
    assert!(clone.is_cancelled());
    assert_eq!(format!("{clone:?}"), "CancelToken { cancelled: true }");
}

#[test]
fn a_wait_ends_by_itself_when_nobody_cancels() {
    assert!(!CancelToken::new().wait(Duration::ZERO));
}

#[test]
fn a_cancelled_token_does_not_wait() {
    let token = CancelToken::new();
    token.cancel();
    assert!(token.wait(NEVER));
}

#[test]
fn cancelling_wakes_waiting_threads() {
    let token = CancelToken::new();
    let (done, results) = mpsc::channel();
    for _ in 0..4 {
        let (token, done) = (token.clone(), done.clone());
        std::thread::spawn(move || done.send(token.wait(NEVER)));
    }
    token.cancel();
    for _ in 0..4 {
        assert!(results.recv_timeout(PATIENCE).unwrap());
    }
}

#[test]
fn cancelling_wakes_the_task_that_polled_last() {
    let token = CancelToken::new();
    let mut future = pin!(token.cancelled());
    let (first, first_waker) = waker();
    let (second, second_waker) = waker();
    assert_eq!(future.as_mut().poll(&mut Context::from_waker(&first_waker)), Poll::Pending);
    assert_eq!(future.as_mut().poll(&mut Context::from_waker(&second_waker)), Poll::Pending);
    token.cancel();
    assert_eq!(first.0.load(Ordering::SeqCst), 0);
    assert_eq!(second.0.load(Ordering::SeqCst), 1);
    assert_eq!(future.as_mut().poll(&mut Context::from_waker(&second_waker)), Poll::Ready(()));
}

#[test]
fn a_dropped_future_leaves_no_waker_behind() {
    let token = CancelToken::new();
    let (count, waker) = waker();
    {
        let mut future = pin!(token.cancelled());
        assert!(future.as_mut().poll(&mut Context::from_waker(&waker)).is_pending());
    }
    token.cancel();
    assert_eq!(count.0.load(Ordering::SeqCst), 0);
    assert_eq!(Arc::strong_count(&count), 2, "ours and the one in `waker`");
}
