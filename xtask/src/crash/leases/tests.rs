use std::path::PathBuf;

use super::Grants;
use crate::crash::work::{Role, Worker};

fn worker(place: u64) -> Worker {
    Worker { role: Role::Leaser, place, seed: 1, folder: PathBuf::new() }
}

#[test]
fn a_number_comes_once_and_never_goes_back() {
    let mut grants = Grants::default();
    let said = |grants: &mut Grants, place, words: &[&str]| grants.done(&worker(place), words).is_ok();
    assert!(said(&mut grants, 1, &["lease-acquire", "0:1", "timed:7"]));
    assert!(said(&mut grants, 2, &["lease-acquire", "1:1"]), "another name has its own numbers");
    assert!(said(&mut grants, 2, &["lease-release", "1:1"]) && said(&mut grants, 2, &["lease-held"]));
    assert!(!said(&mut grants.clone(), 2, &["lease-acquire", "0:1"]), "it came before");
    assert!(said(&mut grants, 2, &["lease-acquire", "0:3"]));
    // What one is told comes in order; what two are told may be heard in another one.
    assert!(said(&mut grants.clone(), 1, &["lease-acquire", "0:2"]));
    assert!(!said(&mut grants.clone(), 2, &["lease-acquire", "0:2"]), "it goes back");
    grants.next.insert("a".to_owned(), 5);
    assert!(!said(&mut grants.clone(), 1, &["lease-acquire", "0:4"]), "the last check was told of 5");
    assert!(said(&mut grants, 1, &["lease-acquire", "0:5"]));
    assert!(!said(&mut grants, 1, &["lease-acquire", "9:5"]), "no such name");
}
