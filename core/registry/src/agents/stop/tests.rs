use std::io::{BufRead as _, BufReader};
use std::os::unix::process::{CommandExt as _, ExitStatusExt as _};
use std::process::{Child, Command, Stdio};

use super::super::testing::{State, architect, new, spec};
use super::super::{NewAgent, ended, find, list, note_lost, register, started};
use super::*;

const QUICK: Stopping = Stopping { grace: Duration::from_secs(1) };

/// A shell in a group of its own, which has run its script up to the first line that it prints.
fn shell(script: &str) -> Child {
    let mut shell = Command::new("sh");
    shell.args(["-c", script]).stdin(Stdio::null()).stdout(Stdio::piped()).process_group(0);
    let mut shell = shell.spawn().unwrap();
    let mut line = String::new();
    BufReader::new(shell.stdout.as_mut().unwrap()).read_line(&mut line).unwrap();
    shell
}

fn adopt(state: &State, id: &str, pid: u32) -> Agent {
    register(&state.db, &NewAgent { adopt: Some(pid), ..new(spec(id)) }, None).unwrap()
}

/// The system clock moves by itself: these wait for real processes.
fn real() -> State {
    State::real()
}

#[test]
fn a_stop_asks_first_and_then_kills_the_whole_group() {
    let state = real();
    // The first ends when it is asked; of the second one nobody does.
    for (script, signal) in
        [("echo; exec sleep 1000", Signal::TERM), ("trap '' TERM; sleep 1000 & echo; wait", Signal::KILL)]
    {
        let mut child = shell(script);
        let agent = adopt(&state, &format!("a{}", child.id()), child.id());
        // The zombie counts as ended.
        assert_eq!(stop(&state.db, &agent, QUICK).unwrap(), Stopped::Ended);
        assert_eq!(child.wait().unwrap().signal(), Some(signal.as_raw()));
        assert!(process::members(child.id()).is_empty());
        let now = find(&state.db, &agent.key.id).unwrap();
        assert_eq!((now.ended.unwrap().how, now.port), (End::Stopped, None));
        assert_eq!(
            stop(&state.db, &find(&state.db, &agent.key.id).unwrap(), QUICK).unwrap(),
            Stopped::WasNotRunning
        );
    }
}

#[test]
fn who_is_left_of_a_group_when_its_leader_has_gone_is_ended_too() {
    let state = real();
    // The leader ends when it is asked, and is waited for at once; what it started does not.
    let mut child = shell("(trap '' TERM; echo; exec sleep 1000) & exec sleep 1000");
    let pid = child.id();
    let agent = adopt(&state, "a", pid);
    assert_eq!(process::members(pid).len(), 2);
    let waiting = std::thread::spawn(move || child.wait().unwrap().signal());
    assert_eq!(stop(&state.db, &agent, QUICK).unwrap(), Stopped::Ended);
    assert_eq!(waiting.join().unwrap(), Some(Signal::TERM.as_raw()));
    assert!(process::members(pid).is_empty());
}

// runtime-state 8.49
#[test]
fn numbers_that_are_no_agents_get_no_signal_and_their_rows_are_cleared() {
    let state = real();
    let mut bystander = shell("echo; exec sleep 1000");
    let own = std::process::id();
    for (number, pid) in [0, 1, -1, i64::from(own), i64::from(bystander.id())].into_iter().enumerate() {
        state.execute(&format!(
            "INSERT INTO builders(id, name, port, pid) VALUES('b{number}', '', {}, {pid})",
            4210 + number
        ));
    }
    state.register(architect("main"));
    note_lost(&state.db).unwrap();
    let mut outcomes = Vec::new();
    for agent in list(&state.db).unwrap() {
        outcomes.push((agent.key.id.clone(), stop(&state.db, &agent, QUICK).unwrap()));
    }
    outcomes.sort_by(|left, right| left.0.cmp(&right.0));
    let outcome: Vec<Stopped> = outcomes.into_iter().map(|(_, stopped)| stopped).collect();
    use Stopped::{Forgotten, WasNotRunning};
    assert_eq!(outcome, [WasNotRunning, WasNotRunning, WasNotRunning, Forgotten, Forgotten, WasNotRunning]);
    assert_eq!(bystander.try_wait().unwrap(), None, "nobody was signalled");
    assert!(list(&state.db).unwrap().iter().all(|agent| agent.ended.is_some() && agent.port.is_none()));
    bystander.kill().unwrap();
    bystander.wait().unwrap();
}

#[test]
fn one_of_another_container_is_left_alone_and_its_row_too() {
    let state = real();
    let mut child = shell("echo; exec sleep 1000");
    adopt(&state, "a", child.id());
    state.execute("UPDATE builders SET pid_namespace = pid_namespace + 1, port = 4210");
    let agent = find(&state.db, "a").unwrap();
    assert_eq!(agent.life(), Life::Unknown);
    assert_eq!(stop(&state.db, &agent, QUICK).unwrap(), Stopped::NotOurs);
    assert_eq!(find(&state.db, "a").unwrap(), agent);
    assert_eq!(child.try_wait().unwrap(), None);
    child.kill().unwrap();
    child.wait().unwrap();
}

#[test]
fn one_that_was_suspended_is_ended_as_well() {
    let state = real();
    let mut child = shell("echo; exec sleep 1000");
    let agent = adopt(&state, "a", child.id());
    process::signal(agent.process.as_ref().unwrap(), Signal::STOP);
    assert_eq!(stop(&state.db, &agent, Stopping::default()).unwrap(), Stopped::Ended);
    assert_eq!(child.wait().unwrap().signal(), Some(Signal::TERM.as_raw()));
}

#[test]
fn what_was_started_since_the_look_is_stopped_all_the_same() {
    let state = real();
    let new = NewAgent { cmd: "sleep 1".to_owned(), ..new(spec("a")) };
    let seen = register(&state.db, &new, None).unwrap();
    let mut child = shell("echo; exec sleep 1000");
    let process = process::of(child.id()).unwrap().unwrap();
    // Whoever waits for it is this process, which does not end by that.
    started(&state.db, &seen, &process, &process).unwrap();
    assert_eq!((seen.life(), seen.pid), (Life::None, None), "it is of before");
    assert_eq!(stop(&state.db, &seen, QUICK).unwrap(), Stopped::Ended);
    assert_eq!(child.wait().unwrap().signal(), Some(Signal::TERM.as_raw()));
    assert_eq!(find(&state.db, "a").unwrap().ended.unwrap().how, End::Stopped);
}

#[test]
fn what_is_stopped_before_it_was_started_will_not_be() {
    let state = real();
    let new = NewAgent { cmd: "sleep 1".to_owned(), ..new(spec("a")) };
    let seen = register(&state.db, &new, None).unwrap();
    assert_eq!(stop(&state.db, &seen, QUICK).unwrap(), Stopped::BeforeStart);
    let me = process::current().unwrap();
    assert!(started(&state.db, &seen, &me, &me).is_err());
    assert_eq!(stop(&state.db, &seen, QUICK).unwrap(), Stopped::WasNotRunning);
}

#[test]
fn of_two_who_record_an_end_the_one_who_knows_better_is_believed() {
    let state = real();
    let me = process::current().unwrap();
    let record = |id: &str, order: [(End, Option<i32>); 2]| {
        let new = NewAgent { cmd: "sleep 1".to_owned(), ..new(spec(id)) };
        let agent = started(&state.db, &register(&state.db, &new, None).unwrap(), &me, &me).unwrap();
        for (how, code) in order {
            let agent = agent.clone();
            assert!(state.db.write("test", move |tx| rows::end(tx, &agent, how, code)).unwrap());
        }
        let ended = find(&state.db, id).unwrap().ended.unwrap();
        (ended.how, ended.exit_status)
    };
    use End::{Exited, Lost, Stopped};
    assert_eq!(record("a", [(Exited, Some(3)), (Stopped, None)]), (Stopped, Some(3)));
    assert_eq!(record("b", [(Stopped, None), (Exited, Some(3))]), (Stopped, Some(3)));
    assert_eq!(record("c", [(Lost, None), (Exited, Some(3))]), (Exited, Some(3)));
    assert_eq!(record("d", [(Exited, Some(3)), (Lost, None)]), (Exited, Some(3)));
    assert_eq!(record("e", [(Lost, None), (Stopped, None)]), (Stopped, None));
    // An end that nobody saw is none with the code 0.
    let new = NewAgent { cmd: "sleep 1".to_owned(), ..new(spec("f")) };
    let agent = started(&state.db, &register(&state.db, &new, None).unwrap(), &me, &me).unwrap();
    assert!(ended(&state.db, &agent, None).unwrap());
    let end = find(&state.db, "f").unwrap().ended.unwrap();
    assert_eq!((end.how, end.exit_status), (Lost, None));
}
