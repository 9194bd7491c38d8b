//! The hand-over alone: one leader at a time, everyone answered once, in order of arrival.

use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use super::{Entered, Passed, Phase, Queue, Waited};

const LONG: Duration = Duration::from_mins(1);

/// Leads one "group": runs what is queued, answers it, passes on.
fn lead(queue: &Queue<usize>, own: Option<usize>, leading: &AtomicBool, ran: &Mutex<Vec<usize>>) {
    assert!(!leading.swap(true, Ordering::SeqCst), "two lead at once");
    ran.lock().unwrap().extend(own);
    let mut taken = Vec::new();
    while let Some((waiter, job)) = queue.take(|_| true) {
        ran.lock().unwrap().push(job);
        taken.push(waiter);
        if taken.len() == 3 {
            break;
        }
    }
    assert!(leading.swap(false, Ordering::SeqCst));
    queue.pass();
    for waiter in taken {
        waiter.answered();
    }
}

#[test]
fn everyone_is_run_once_by_one_leader_at_a_time() {
    let (queue, leading, ran) = (Queue::new(), AtomicBool::new(false), Mutex::new(Vec::new()));
    std::thread::scope(|scope| {
        for thread in 0..16 {
            let (queue, leading, ran) = (&queue, &leading, &ran);
            scope.spawn(move || {
                for n in 0..200 {
                    match queue.enter(thread * 1000 + n) {
                        Entered::Leads(job) => lead(queue, job, leading, ran),
                        Entered::Waits(waiter) => match queue.wait(&waiter, || LONG) {
                            Waited::Answered => {}
                            Waited::Leads(job) => lead(queue, job, leading, ran),
                            Waited::TimedOut => panic!("nobody came within a minute"),
                        },
                    }
                }
            });
        }
    });
    let mut ran = ran.into_inner().unwrap();
    assert_eq!(ran.len(), 16 * 200);
    // In order of arrival: each thread's own jobs come in its own order.
    for thread in 0..16 {
        let own: Vec<_> = ran.iter().filter(|job| **job / 1000 == thread).collect();
        assert!(own.is_sorted());
    }
    ran.sort_unstable();
    ran.dedup();
    assert_eq!(ran.len(), 16 * 200);
    assert_eq!(queue.len(), 0);
    assert!(matches!(queue.enter(1), Entered::Leads(Some(1))), "the lead was lost");
}

#[test]
fn who_leaves_is_neither_run_nor_leads() {
    let queue = Queue::new();
    assert!(matches!(queue.enter(0), Entered::Leads(Some(0))));
    let Entered::Waits(first) = queue.enter(1) else { panic!("led twice") };
    let Entered::Waits(second) = queue.enter(2) else { panic!("led twice") };
    assert_eq!(queue.leave(&first), Ok(Some(1)));
    assert_eq!(queue.leave(&first), Err(Phase::Left));
    assert_eq!(queue.pass(), Passed::ToWaiter);
    assert_eq!(second.phase(), Phase::Leads);
    assert!(matches!(queue.wait(&second, || Duration::ZERO), Waited::Leads(Some(2))));
    assert_eq!(queue.pass(), Passed::ToNobody);
}

#[test]
fn who_was_taken_waits_for_its_answer_beyond_its_time() {
    let queue = Arc::new(Queue::new());
    assert!(matches!(queue.enter(0), Entered::Leads(Some(0))));
    let answered = Arc::new(AtomicUsize::new(0));
    let (waiting, counter) = (Arc::clone(&queue), Arc::clone(&answered));
    let follower = std::thread::spawn(move || {
        let Entered::Waits(waiter) = waiting.enter(1) else { panic!("led twice") };
        // Its time is up as soon as it was taken.
        let outcome =
            waiting.wait(&waiter, || if waiter.phase() == Phase::Queued { LONG } else { Duration::ZERO });
        assert!(matches!(outcome, Waited::Answered));
        counter.load(Ordering::SeqCst)
    });
    let (waiter, job) = loop {
        if let Some(taken) = queue.take(|_| true) {
            break taken;
        }
        std::thread::yield_now();
    };
    assert_eq!(job, 1);
    assert!(queue.leave(&waiter).is_err());
    answered.store(1, Ordering::SeqCst);
    waiter.answered();
    assert_eq!(follower.join().unwrap(), 1);
}

#[test]
fn the_lead_of_an_async_waiter_stays_taken_for_its_helper() {
    let queue = Queue::new();
    let (_, needs_helper) = queue.enter_async(1);
    assert!(needs_helper);
    let (second, needs_helper) = queue.enter_async(2);
    assert!(!needs_helper);
    assert_eq!(queue.pass(), Passed::NeedsHelper);
    assert!(matches!(queue.enter(3), Entered::Waits(_)), "the lead was given away twice");
    assert_eq!(queue.take_overdue(|job| *job == 2).len(), 1);
    assert_eq!(second.phase(), Phase::Taken);
    assert_eq!(queue.take(|job| *job == 9).map(|(_, job)| job), None);
    assert_eq!(queue.take(|_| true).map(|(_, job)| job), Some(1));
    assert_eq!(queue.pass(), Passed::ToWaiter);
}

#[test]
fn who_wants_the_lead_alone_is_not_taken_into_a_group() {
    let queue = Queue::new();
    assert!(matches!(queue.enter(0), Entered::Leads(_)));
    let Entered::Waits(alone) = queue.enter_to_lead() else { panic!("led twice") };
    let Entered::Waits(_after) = queue.enter(1) else { panic!("led twice") };
    assert!(queue.take(|_| true).is_none());
    assert_eq!(queue.pass(), Passed::ToWaiter);
    assert_eq!(alone.phase(), Phase::Leads);
}

mod schedules;
