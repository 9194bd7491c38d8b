use super::super::testing::{BLOCK, Sleeper, State, Taken, architect, builder, new, spec};
use super::super::{ended, list, note_lost, remove, started};
use super::*;
use crate::RegistryErrorKind;

fn wish(taken: &'static [u16]) -> Wish {
    Wish { block: BLOCK, probe: Arc::new(Taken(taken)) }
}

#[test]
fn each_kind_gets_a_port_of_its_range_that_nobody_has() {
    let state = State::new();
    let port = |role: Role| register(&state.db, &new(role), Some(&wish(&[4211]))).unwrap().port;
    assert_eq!(port(architect("main")), Some(4201));
    assert_eq!(port(spec("a")), Some(4210));
    assert_eq!(port(spec("b")), Some(4212), "4211 is taken by a stranger");
    assert_eq!(port(Role::Util), Some(4230));
    let file =
        Role::Annotation { file: "/p/a.rs".into(), parent: Some(("builder".to_owned(), "a".to_owned())) };
    assert_eq!(port(file), Some(4250));
    assert_eq!(register(&state.db, &new(spec("c")), None).unwrap().port, None);
}

#[test]
fn what_cannot_be_registered_leaves_nothing() {
    let state = State::new();
    let orphan =
        Role::Annotation { file: "/p/a.rs".into(), parent: Some(("builder".to_owned(), "x".to_owned())) };
    let error = register(&state.db, &new(orphan), None).unwrap_err();
    assert_eq!(error.kind(), RegistryErrorKind::NotFound);
    assert_eq!(register(&state.db, &new(spec("a/b")), None).unwrap_err().kind(), RegistryErrorKind::Invalid);
    for pid in [0, 1, std::process::id()] {
        let adopt = NewAgent { adopt: Some(pid), ..new(spec("a")) };
        assert_eq!(
            register(&state.db, &adopt, None).unwrap_err().kind(),
            RegistryErrorKind::Invalid,
            "{pid}"
        );
    }
    let nobody = NewAgent { adopt: Some(1 << 30), ..new(spec("a")) };
    assert_eq!(register(&state.db, &nobody, None).unwrap_err().to_string(), "no process 1073741824 runs");
    assert_eq!(list(&state.db).unwrap(), []);
}

// runtime-state 8.48
#[test]
fn one_that_lives_is_refused_and_one_that_has_ended_is_replaced() {
    let state = State::new();
    let sleeper = Sleeper::new();
    let live = NewAgent { adopt: Some(sleeper.who().pid), ..new(architect("main")) };
    register(&state.db, &live, Some(&wish(&[]))).unwrap();
    let error = register(&state.db, &new(architect("main")), None).unwrap_err();
    assert!(error.to_string().contains("architect main is already running (pid "), "{error}");
    assert_eq!(error.kind(), RegistryErrorKind::Refused);
    // A pid that is in use, and nothing else, may be it.
    state.execute("UPDATE architect SET start_time = NULL");
    let error = register(&state.db, &new(architect("main")), None).unwrap_err();
    assert!(error.to_string().contains("architect main is already running, as far as"), "{error}");
    // Its process is gone, and nobody recorded that.
    state.execute("UPDATE architect SET pid = 999999999");
    let agent = register(&state.db, &new(architect("main")), Some(&wish(&[]))).unwrap();
    assert_eq!((agent.pid, agent.port, agent.ended), (None, Some(4201), None));
    // Registered twice an architect is what it was; a builder may be somebody else's.
    register(&state.db, &new(architect("main")), None).unwrap();
    state.register(spec("0031"));
    let error = register(&state.db, &new(spec("0031")), None).unwrap_err();
    assert!(error.to_string().contains("builder 0031 is registered already"), "{error}");
    let error = register(&state.db, &new(architect("0031")), None).unwrap_err();
    assert!(error.to_string().contains("there is builder:0031 with this id already"), "{error}");
}

#[test]
fn one_that_has_ended_with_a_worktree_is_kept() {
    let state = State::new();
    let agent = state.register(spec("0031"));
    state.execute(
        "UPDATE builders SET ended_at = started_at, ended_how = 'exited', worktree = '/p/.builders/0031'",
    );
    let error = register(&state.db, &new(spec("0031")), None).unwrap_err();
    assert!(error.to_string().contains("its worktree /p/.builders/0031 is still there"), "{error}");
    assert!(error.hint().unwrap().contains("conclave cleanup 0031"));
    state.execute("UPDATE builders SET worktree = ''");
    let again = register(&state.db, &new(spec("0031")), None).unwrap();
    assert_eq!((again.ended, again.key), (None, agent.key));
}

#[test]
fn a_process_is_one_agent() {
    let state = State::new();
    let sleeper = Sleeper::new();
    let adopt =
        |role: Role| register(&state.db, &NewAgent { adopt: Some(sleeper.who().pid), ..new(role) }, None);
    let agent = adopt(spec("a")).unwrap();
    assert_eq!((agent.process.clone(), agent.life()), (Some(sleeper.who()), Life::Unsupervised));
    let error = adopt(builder(BuilderType::Shell)).unwrap_err();
    assert!(error.to_string().contains("is builder:a already"), "{error}");
}

#[test]
fn the_steps_of_a_process_are_recorded_for_the_registration_that_they_belong_to() {
    let state = State::new();
    let to_run = |id: &str| NewAgent { cmd: "sleep 1".to_owned(), ..new(spec(id)) };
    let me = process::current().unwrap();
    let sleeper = Sleeper::new();
    let agent = register(&state.db, &to_run("a"), Some(&wish(&[]))).unwrap();
    assert_eq!(
        (agent.supervisor.as_ref(), agent.life()),
        (Some(&me), Life::None),
        "we are about to start it"
    );
    let running = started(&state.db, &agent, &sleeper.who(), &me).unwrap();
    assert_eq!((running.process.clone(), running.life()), (Some(sleeper.who()), Life::Running));
    // Nobody starts it twice.
    assert_eq!(started(&state.db, &agent, &me, &me).unwrap_err().kind(), RegistryErrorKind::Refused);
    drop(sleeper);
    // We live, and will say how it ended: nobody else may.
    assert_eq!(note_lost(&state.db).unwrap(), []);
    assert_eq!(list(&state.db).unwrap()[0].life(), Life::Ended);
    assert!(ended(&state.db, &running, Some(7)).unwrap());
    let over = list(&state.db).unwrap().remove(0);
    assert_eq!((over.port, over.ended.as_ref().unwrap().exit_status), (None, Some(7)));
    // Another agent of the same id has nothing to do with the old process.
    let again = register(&state.db, &to_run("a"), None).unwrap();
    assert!(!ended(&state.db, &running, Some(9)).unwrap());
    assert_eq!(list(&state.db).unwrap(), [again]);
}

#[test]
fn what_vanished_is_lost_and_its_port_is_free() {
    let state = State::new();
    let me = process::current().unwrap();
    let sleeper = Sleeper::new();
    let (boot, pid, since) = (me.boot_id.clone(), sleeper.who().pid, sleeper.who().start_time);
    let row = |id: &str, port: u16, pid: i64, since: u64, boot: &str| {
        state.execute(&format!(
            "INSERT INTO builders(id, name, port, pid, start_time, boot_id, pid_namespace)
             VALUES('{id}', '', {port}, {pid}, {since}, '{boot}', {})",
            me.pid_namespace
        ));
    };
    row("lives", 4210, pid.into(), since, &boot);
    row("other-start", 4211, pid.into(), since + 1, &boot);
    row("other-boot", 4212, pid.into(), since, "an older boot");
    state.execute("UPDATE builders SET supervisor_pid = pid, supervisor_start_time = start_time WHERE id = 'other-boot'");
    for (number, pid) in [0, 1, -1].into_iter().enumerate() {
        row(&format!("pid-{number}"), 4213 + u16::try_from(number).unwrap(), pid, 7, &boot);
    }
    let lost = note_lost(&state.db).unwrap();
    let mut ids: Vec<&str> = lost.iter().map(|agent| agent.key.id.as_str()).collect();
    ids.sort_unstable();
    assert_eq!(ids, ["other-boot", "other-start", "pid-0", "pid-1", "pid-2"]);
    assert!(lost.iter().all(|agent| agent.life() == Life::Lost && agent.port.is_none()));
    assert_eq!(state.number("SELECT COUNT(*) FROM builders WHERE port IS NOT NULL"), 1);
    assert_eq!(note_lost(&state.db).unwrap(), []);
}

/// Removed and registered anew while it was about to be started: it is another agent by now.
#[test]
fn who_was_replaced_before_it_was_started_does_not_go_on() {
    let state = State::new();
    let to_run = NewAgent { cmd: "sleep 1".to_owned(), ..new(spec("a")) };
    let me = process::current().unwrap();
    let old = register(&state.db, &to_run, None).unwrap();
    assert!(remove(&state.db, &old, crate::agents::Removal::Whatever).unwrap());
    state.clock.advance(std::time::Duration::from_secs(1));
    let again = register(&state.db, &to_run, None).unwrap();
    let refused = started(&state.db, &old, &me, &me).unwrap_err();
    assert_eq!(refused.kind(), RegistryErrorKind::Refused);
    assert_eq!(list(&state.db).unwrap(), [again]);
}

/// Whoever stops an agent and whoever waits for it both record its end, in whatever order: it was stopped, with its code.
#[test]
fn a_stop_stays_a_stop_and_keeps_the_code() {
    use crate::agents::End;
    for stop_first in [true, false] {
        let state = State::new();
        let me = process::current().unwrap();
        let sleeper = Sleeper::new();
        let to_run = NewAgent { cmd: "sleep 1".to_owned(), ..new(spec("a")) };
        let agent = register(&state.db, &to_run, Some(&wish(&[]))).unwrap();
        let agent = started(&state.db, &agent, &sleeper.who(), &me).unwrap();
        let stop = || {
            let agent = agent.clone();
            let record = move |tx: &conclave_db::WriteTx<'_>| rows::end(tx, &agent, End::Stopped, None);
            assert!(state.db.write("test", record).unwrap());
        };
        if stop_first {
            stop();
        }
        assert!(ended(&state.db, &agent, Some(143)).unwrap());
        if !stop_first {
            stop();
        }
        let over = list(&state.db).unwrap().remove(0);
        let end = over.ended.unwrap();
        assert_eq!((end.how, end.exit_status, over.port), (End::Stopped, Some(143), None), "{stop_first}");
    }
}

/// The port of one that has vanished is given away in the same transaction that finds it lost.
#[test]
fn the_port_of_one_that_vanished_is_had_again_at_once() {
    let state = State::new();
    state.execute("INSERT INTO builders(id, name, port, pid) VALUES('a', '', 4210, 999999999)");
    let agent = register(&state.db, &new(spec("b")), Some(&wish(&[]))).unwrap();
    assert_eq!(agent.port, Some(4210));
}
