use std::path::PathBuf;

use super::{Ledger, World};
use crate::chance::Chance;
use crate::crash::row::{Author, Kind, Row};
use crate::crash::work::{Effect, Role, Worker, older, tasker};

fn worker(role: Role) -> Worker {
    Worker { role, place: 2, seed: 7, folder: PathBuf::new() }
}

fn row(name: &str) -> Row {
    Row::any(&mut Chance::of(1, &[]), Kind::Output, name.to_owned(), Author::Older)
}

/// The first operation whose word is this one, and how many statements it has.
fn find(worker: &Worker, word: &str) -> (u64, usize) {
    (0..1000)
        .map(|number| (number, older::operation(worker, number)))
        .find(|(_, (found, _))| *found == word)
        .map(|(number, (_, statements))| (number, statements.len()))
        .unwrap()
}

#[test]
fn an_operation_is_the_same_whenever_it_is_asked_for() {
    let worker = worker(Role::Older);
    for number in 0..200 {
        let [once, again] = [0, 1].map(|_| older::operation(&worker, number));
        assert_eq!(once.0, again.0);
        let sql = |statements: &[older::Statement]| {
            statements.iter().map(|one| one.sql.clone()).collect::<Vec<_>>()
        };
        assert_eq!(sql(&once.1), sql(&again.1));
    }
}

#[test]
fn a_cut_off_operation_leaves_two_worlds_and_a_later_one_decides() {
    let worker = worker(Role::Older);
    let (insert, _) = find(&worker, "old insert");
    let mut ledger = Ledger::new(Vec::new());
    ledger.cut_off(&worker, insert);
    let sizes: Vec<usize> = ledger.worlds.iter().map(|world| world.rows.len()).collect();
    assert_eq!(sizes, [0, 1]);
    let (update, _) = find(&worker, "old update");
    let Some(Effect::Become(row) | Effect::Insert(row)) = worker.effects(update).into_iter().next() else {
        // A rewrite names its row in another way; the seed is chosen so that it is none.
        panic!("another seed");
    };
    let mut either = Ledger::new(Vec::new());
    let there: World = Ledger::new(vec![row]).worlds.remove(0);
    either.worlds.push(there);
    either.done(&worker, update, &["old-update", "1"]).unwrap();
    assert_eq!(either.worlds.len(), 1, "it changed a row, so the row was there");
    assert_eq!(either.worlds[0].rows.len(), 1);
}

#[test]
fn an_acknowledged_row_that_an_older_program_does_not_find_is_a_loss_until_the_cleanup() {
    let mut world = Ledger::new(vec![row("old-1")]).worlds.remove(0);
    let delete = Effect::Delete { kind: Kind::Output, name: "old-1".to_owned() };
    assert!(!world.clone().apply(&delete, Some(0), false));
    assert!(world.clone().apply(&delete, Some(0), true), "the table was dropped");
    assert!(world.apply(&delete, Some(1), false));
    assert!(world.rows.is_empty());
    assert!(!world.apply(&delete, Some(1), false), "it cannot be deleted twice");
}

#[test]
fn a_repeated_write_is_one() {
    let mut world = World::default();
    for _ in 0..2 {
        assert!(world.apply(&Effect::Insert(row("own0-1")), None, false));
    }
    assert_eq!(world.rows.len(), 1);
}

#[test]
fn rows_of_an_import_that_was_cut_off_are_open_until_it_is_acknowledged() {
    let worker = worker(Role::Caretaker);
    let import = (0..1000).find(|number| !worker.effects(*number).is_empty()).unwrap();
    let rows = worker.effects(import).len();
    let mut ledger = Ledger::new(Vec::new());
    ledger.cut_off(&worker, import);
    assert_eq!((ledger.perhaps.len(), ledger.worlds[0].rows.len()), (rows, 0));
    ledger.done(&worker, import, &["paused"]).unwrap();
    assert_eq!(ledger.perhaps.len(), rows, "it was not done");
    ledger.done(&worker, import, &["import"]).unwrap();
    assert_eq!((ledger.perhaps.len(), ledger.worlds[0].rows.len()), (0, rows));
}

#[test]
fn after_the_cleanup_what_was_cut_off_may_have_made_a_row_and_not_found_the_other() {
    let worker = worker(Role::Older);
    let both = |number: &u64| {
        matches!(worker.effects(*number).as_slice(), [Effect::Insert(_), Effect::Delete { .. }])
    };
    let number = (0..10_000).find(both).unwrap();
    let effects = worker.effects(number);
    let [_, Effect::Delete { name, .. }] = effects.as_slice() else { unreachable!() };
    for (cleaned, sizes) in [(false, vec![1, 1]), (true, vec![1, 1, 2])] {
        let mut ledger = Ledger::new(vec![row(name)]);
        ledger.cleaned = cleaned;
        ledger.cut_off(&worker, number);
        let found: Vec<usize> = ledger.worlds.iter().map(|world| world.rows.len()).collect();
        assert_eq!(found, sizes, "cleaned: {cleaned}");
    }
}

#[test]
fn what_is_said_of_tasks_is_counted_and_makes_no_rows() {
    let worker = worker(Role::Tasker);
    assert!(worker.repeats(), "what was cut off is done again");
    let mut ledger = Ledger::new(vec![row("old-1")]);
    let before = ledger.worlds.clone();
    for number in 0..50 {
        assert!(worker.effects(number).is_empty());
        let word = tasker::Operation::of(&worker, number).word();
        let is_shared = matches!(tasker::Operation::of(&worker, number), tasker::Operation::Shared(_));
        let words = if is_shared { vec![word, "pool-2-1"] } else { vec![word] };
        ledger.begun(&worker, number);
        ledger.cut_off(&worker, number);
        ledger.done(&worker, number, &words).unwrap();
    }
    assert_eq!((ledger.cut_off, ledger.acknowledged.values().sum::<u64>()), (50, 50));
    assert_eq!(ledger.worlds, before);
    let claim =
        (0..1000).find(|number| tasker::Operation::of(&worker, *number).word() == "task-claim").unwrap();
    assert!(ledger.done(&worker, claim, &["task-claim"]).is_err(), "a claim of nothing");
}
