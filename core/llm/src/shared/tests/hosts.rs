//! Breakers, blocks and marks as calls meet them.

use super::fixture::*;
use crate::answer::Why;
use crate::class::Class;

// llm L3, B4: a host that refuses costs the first process, and nobody after it for 30 s.
#[test]
fn a_host_that_is_unreachable_is_closed_to_all_processes_at_once() {
    let machine = Machine::new();
    let first = machine.process();
    call(&first, &host(0, A), &failed(Class::Unreachable));
    for _ in 0..9 {
        let next = machine.process();
        let skipped = skips(&next, &[host(0, A)]);
        assert_eq!((skipped[0].why, skipped[0].until), (Why::Open, Some(WALL + 30_000)));
        in_file(&next);
    }
    machine.seconds(30);
    let ticket = go(&machine.process(), &[host(0, A)]);
    assert!(ticket.is_probe);
    in_file(&first);
}
