//! What a load counts, without a clock that matters.

use std::time::Duration;

use super::{Load, Record, Run, Window, on_tasks, on_threads, summed};

const RUN: Run = Run { from: Duration::from_secs(1), until: Duration::from_secs(2) };
const WINDOW: Window = Window { warm: Duration::ZERO, measured: Duration::from_millis(5) };

fn at(millis: u64) -> Duration {
    Duration::from_millis(millis)
}

#[test]
fn only_what_happens_inside_the_window_is_counted() {
    let mut record = Record::default();
    record.keep(&RUN, at(900), at(1100), Ok(()));
    record.keep(&RUN, at(1100), at(1200), Ok(()));
    // Too late to count as done, but somebody waited for it.
    record.keep(&RUN, at(1900), at(2500), Ok(()));
    record.keep(&RUN, at(1300), at(1350), Err("locked".into()));
    let load = summed(Ok(vec![record]), Window::of(Duration::from_secs(1))).unwrap();
    assert_eq!(load.done, [1]);
    assert_eq!((load.p50_us, load.worst_us), (100_000, 600_000));
    assert_eq!((load.errors, load.first_error.as_deref()), (1, Some("locked")));
    assert!((load.per_second() - 1.0).abs() < 1e-9);
}

#[test]
fn the_smallest_share_is_of_what_would_be_fair() {
    let load = |done: &[u64]| Load { done: done.to_vec(), seconds: 1.0, ..Load::default() };
    let share = |done: &[u64]| load(done).smallest_share();
    assert!((share(&[10, 10]) - 1.0).abs() < 1e-9);
    assert!((share(&[5, 15]) - 0.5).abs() < 1e-9);
    assert!(share(&[0, 15]).abs() < 1e-9);
    assert!(share(&[0, 0]).abs() < 1e-9);
    let together = Load::of_processes(&[load(&[1, 2]), load(&[4])]);
    assert_eq!(together.done, [3, 4]);
}

#[test]
fn workers_work_until_the_time_is_over() {
    let threads =
        on_threads(3, WINDOW, Ok, |worker| if *worker == 2 { Err("two".into()) } else { Ok(()) }).unwrap();
    assert_eq!(threads.done.len(), 3);
    assert_eq!((threads.done[2], threads.first_error.as_deref()), (0, Some("two")));
    let tasks = on_tasks(4, WINDOW, || async { Ok(()) }).unwrap();
    assert_eq!((tasks.done.len(), tasks.errors), (4, 0));
    assert!(on_threads(1, WINDOW, |_| Err::<(), _>("no".into()), |()| Ok(())).is_err());
}
