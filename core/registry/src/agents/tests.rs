use super::testing::{Sleeper, State, architect, builder, spec};
use super::*;

fn ids(agents: &[Agent]) -> Vec<&str> {
    agents.iter().map(|agent| agent.key.id.as_str()).collect()
}

#[test]
fn the_list_has_architects_first_and_then_the_newest() {
    let state = State::new();
    state.register(spec("0001"));
    state.clock.advance(std::time::Duration::from_secs(1));
    state.register(Role::Util);
    state.clock.advance(std::time::Duration::from_secs(1));
    state.register(architect("main"));
    state.register(spec("0002"));
    let list = list(&state.db).unwrap();
    assert_eq!(ids(&list)[..2], ["main", "0002"]);
    assert_eq!(ids(&list)[3], "0001");
    let counts = counts(&state.db).unwrap();
    assert_eq!(counts, Counts { architects: 1, builders: 2, utils: 1, annotations: 0 });
}

// runtime-state 8.50
#[test]
fn an_exact_id_wins_then_a_unique_prefix_and_never_a_substring() {
    let state = State::new();
    for id in ["0009", "0009-tutorial-mode", "0010-a", "0010-b"] {
        state.register(spec(id));
    }
    state.register(architect("main"));
    let found = |given: &str| find(&state.db, given).map(|agent| agent.key.id);
    assert_eq!(found("0009").unwrap(), "0009");
    assert_eq!(found("0009-t").unwrap(), "0009-tutorial-mode");
    assert_eq!(found("main").unwrap(), "main");
    for given in ["mode", "tutorial", "mai", "m", "0011", "%", "_", "0009%", "000_"] {
        let error = found(given).unwrap_err();
        assert_eq!(error.kind(), crate::RegistryErrorKind::NotFound, "{given}: {error}");
    }
    assert_eq!(found("").unwrap_err().kind(), crate::RegistryErrorKind::Invalid);
    let error = found("0010").unwrap_err();
    assert_eq!(error.to_string(), "\"0010\" is short for 0010-a, 0010-b");
}

#[test]
fn of_two_kinds_with_one_id_the_kind_says_which() {
    let state = State::new();
    state.register(spec("x1"));
    state.execute("INSERT INTO utils(id, name) VALUES('x1', 'by hand')");
    let error = find(&state.db, "x1").unwrap_err();
    assert_eq!(error.to_string(), "\"x1\" is short for builder:x1, util:x1");
    assert_eq!(find(&state.db, "util:x1").unwrap().key.kind, Kind::Util);
    assert_eq!(find(&state.db, "builder:x1").unwrap().key.kind, Kind::Builder);
}

#[test]
fn what_a_builder_says_is_kept_key_by_key() {
    let state = State::new();
    state.register(spec("0031"));
    let agent = set(&state.db, "003", Some(BuilderStatus::PrReady), None).unwrap();
    assert_eq!((agent.status.as_deref(), agent.phase.as_deref()), (Some("pr-ready"), Some("")));
    let agent = set(&state.db, "0031", None, Some("tests")).unwrap();
    assert_eq!((agent.status.as_deref(), agent.phase.as_deref()), (Some("pr-ready"), Some("tests")));
    state.register(architect("main"));
    let error = set(&state.db, "main", None, Some("x")).unwrap_err();
    assert_eq!(error.kind(), crate::RegistryErrorKind::Refused);
}

#[test]
fn what_is_removed_is_gone_and_removing_it_again_says_so() {
    let state = State::new();
    let agent = state.register(builder(BuilderType::Shell));
    assert!(remove(&state.db, &agent, Removal::Ended).unwrap());
    assert_eq!(list(&state.db).unwrap(), []);
    assert!(!remove(&state.db, &agent, Removal::Ended).unwrap());
}

fn to_run(id: &str) -> NewAgent {
    NewAgent { cmd: "sleep 1".to_owned(), ..super::testing::new(spec(id)) }
}

#[test]
fn a_later_agent_of_the_same_id_is_not_removed_nor_changed() {
    let state = State::new();
    let me = process::current().unwrap();
    let first = register(&state.db, &to_run("a"), None).unwrap();
    assert_eq!(stop(&state.db, &first, Stopping::default()).unwrap(), Stopped::BeforeStart);
    // In the same millisecond: nothing but the registration tells them apart.
    let second = register(&state.db, &to_run("a"), None).unwrap();
    assert_eq!(second.started_at_ms, first.started_at_ms);
    assert!(!remove(&state.db, &first, Removal::Whatever).unwrap());
    assert!(!ended(&state.db, &first, Some(0)).unwrap());
    assert_eq!(started(&state.db, &first, &me, &me).unwrap_err().kind(), crate::RegistryErrorKind::Refused);
    let error = stop(&state.db, &first, Stopping::default()).unwrap_err();
    assert!(error.to_string().contains("another agent was registered with its id"), "{error}");
    assert_eq!(list(&state.db).unwrap(), [second]);
}

#[test]
fn one_that_runs_is_not_removed_unless_that_is_asked_for() {
    let state = State::new();
    let me = process::current().unwrap();
    // We run, and wait for ourselves.
    let agent = register(&state.db, &to_run("a"), None).unwrap();
    started(&state.db, &agent, &me, &me).unwrap();
    let error = remove(&state.db, &agent, Removal::Ended).unwrap_err();
    assert_eq!(error.kind(), crate::RegistryErrorKind::Refused);
    assert!(error.to_string().contains("a runs (pid "), "{error}");
    assert!(remove(&state.db, &agent, Removal::Whatever).unwrap());
    // Our own that has not begun may go; one that another process is about to start may not.
    let agent = register(&state.db, &to_run("b"), None).unwrap();
    let sleeper = Sleeper::new();
    let starts = sleeper.who();
    state.execute(&format!(
        "UPDATE builders SET supervisor_pid = {}, supervisor_start_time = {}",
        starts.pid, starts.start_time
    ));
    let error = remove(&state.db, &agent, Removal::Ended).unwrap_err();
    assert!(error.to_string().contains("b is being started"), "{error}");
    state.execute("UPDATE builders SET supervisor_pid = NULL");
    assert!(remove(&state.db, &agent, Removal::Ended).unwrap());
}

#[test]
fn every_write_notes_who_is_lost() {
    let state = State::new();
    let agent = state.register(spec("a"));
    let lose = || {
        state.execute(
            "DELETE FROM utils; INSERT INTO utils(id, name, port, pid) VALUES('u', '', 4230, 999999999)",
        );
    };
    let is_noted =
        || state.number("SELECT COUNT(*) FROM utils WHERE ended_how = 'lost' AND port IS NULL") == 1;
    lose();
    set(&state.db, "a", None, Some("x")).unwrap();
    assert!(is_noted(), "set");
    lose();
    stop(&state.db, &agent, Stopping::default()).unwrap();
    assert!(is_noted(), "stop");
    lose();
    remove(&state.db, &agent, Removal::Ended).unwrap();
    assert!(is_noted(), "remove");
}

#[test]
fn what_was_registered_in_another_boot_is_lost_also_without_a_process() {
    let state = State::new();
    let agent = state.register(spec("a"));
    assert_eq!(agent.boot_id, Some(process::current().unwrap().boot_id));
    state.execute("UPDATE builders SET boot_id = 'older', port = 4210");
    let lost = note_lost(&state.db).unwrap();
    assert_eq!((ids(&lost), lost[0].port, lost[0].life()), (vec!["a"], None, Life::Lost));
}
