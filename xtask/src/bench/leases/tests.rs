use std::time::Duration;

use super::{Place, Session, ours, theirs};
use crate::bench::load::Window;

#[test]
fn everybody_takes_it_and_gives_it_back_without_an_error() {
    let window = Window { warm: Duration::ZERO, measured: Duration::from_millis(100) };
    for load in [ours(window).unwrap(), theirs(window).unwrap()] {
        assert!(load.done.iter().sum::<u64>() > 0 && load.errors == 0, "{:?}", load.first_error);
    }
}

#[test]
fn a_server_takes_it_and_gives_it_back_where_there_is_one() {
    match Session::open(&Place::of_environment()) {
        Ok(mut session) => (0..3).for_each(|_| session.lock_and_unlock(4711).unwrap()),
        // Whoever wants to measure beside one has one; here it only must not hang.
        Err(error) => println!("no PostgreSQL here: {error}"),
    }
}
