//! The table is consistent with itself.

use std::collections::HashSet;

use super::{Action, BINDINGS, Place, at, find, manual};
use crate::ui::keys::Key;

#[test]
fn no_key_means_two_things_at_one_place() {
    for place in Place::ALL {
        let mut seen = HashSet::new();
        for binding in BINDINGS.iter().filter(|binding| binding.place == place) {
            for key in binding.keys {
                assert!(seen.insert(*key), "{} twice at {place:?}", key.name());
            }
        }
    }
}

#[test]
fn commands_are_unique_and_every_binding_is_explained() {
    let mut seen = HashSet::new();
    for binding in BINDINGS {
        assert!((1..=54).contains(&binding.help.len()), "{:?} on one line of 80", binding.action);
        assert!(binding.command.is_empty() || seen.insert(binding.command), "{} twice", binding.command);
        assert!(
            !binding.keys.is_empty() || !binding.command.is_empty(),
            "{:?} cannot be reached",
            binding.action
        );
    }
}

#[test]
fn the_own_binding_of_a_place_wins() {
    let m = Key::char('m');
    assert_eq!(find(Place::Welcome, m).unwrap().action, Action::Import);
    assert_eq!(find(Place::Runs, m).unwrap().action, Action::Mouse);
    assert!(find(Place::Runs, Key::char('x')).is_none());
    assert_eq!(at(Place::Storage).next().unwrap().action, Action::Vacuum);
    assert!(manual().contains(".SS Storage"));
}
