use super::super::model::{Ended, Key, Kind};
use super::*;

fn who(pid: u32) -> ProcessIdentity {
    ProcessIdentity { boot_id: "boot".to_owned(), pid_namespace: 5, pid, start_time: u64::from(pid) }
}

fn agent(pid: Option<i64>, process: Option<u32>, supervisor: Option<u32>) -> Agent {
    Agent {
        key: Key { kind: Kind::Builder, id: "0031".to_owned() },
        registration: 1,
        name: String::new(),
        type_word: "spec".to_owned(),
        status: None,
        phase: None,
        task_text: None,
        protocol_name: None,
        file: None,
        parent: None,
        worktree: None,
        branch: None,
        base_commit: None,
        port: None,
        cmd: String::new(),
        pid,
        process: process.map(who),
        supervisor: supervisor.map(who),
        boot_id: Some("boot".to_owned()),
        ended: None,
        started_at_ms: 0,
        updated_at_ms: 0,
    }
}

/// Pids below 10 live, those from 20 on cannot be judged, the rest is dead.
fn life(agent: &Agent) -> Life {
    let look = |process: &ProcessIdentity| match process.pid {
        ..10 => Liveness::Alive,
        20.. => Liveness::Unknown,
        _ => Liveness::Dead,
    };
    agent.life_with(look, |pid| pid < 10, |boot| boot == "boot")
}

#[test]
fn life_is_what_the_process_and_who_waits_for_it_say() {
    let cases = [
        (agent(None, None, None), Life::None, "registered alone"),
        (agent(None, None, Some(2)), Life::None, "just being started"),
        (agent(None, None, Some(12)), Life::Lost, "whoever was to start it was killed"),
        (agent(Some(3), Some(3), Some(2)), Life::Running, "both live"),
        (agent(Some(3), Some(3), Some(12)), Life::Unsupervised, "the supervisor was killed"),
        (agent(Some(3), Some(3), Some(22)), Life::Unsupervised, "the supervisor cannot be seen"),
        (agent(Some(3), Some(3), None), Life::Unsupervised, "adopted"),
        (agent(Some(13), Some(13), Some(2)), Life::Ended, "its end is being recorded"),
        (agent(Some(13), Some(13), Some(12)), Life::Lost, "nobody saw it"),
        (agent(Some(13), Some(13), None), Life::Lost, "adopted, and gone"),
        (agent(Some(23), Some(23), Some(2)), Life::Unknown, "another namespace"),
        (agent(Some(3), None, None), Life::Unknown, "a pid alone, in use"),
        (agent(Some(13), None, None), Life::Lost, "a pid alone, free"),
        (agent(Some(1), None, None), Life::Lost, "1"),
        (agent(Some(0), None, None), Life::Lost, "0"),
        (agent(Some(-1), None, None), Life::Lost, "-1"),
        (agent(Some(i64::MAX), None, None), Life::Lost, "beyond all pids"),
    ];
    for (agent, wanted, why) in cases {
        assert_eq!(life(&agent), wanted, "{why}");
        assert_eq!(
            wanted.is_alive(),
            [None, Some(true), Some(false)][match wanted {
                Life::Unknown => 0,
                Life::Running | Life::Unsupervised => 1,
                _ => 2,
            }]
        );
    }
}

#[test]
fn what_was_registered_without_a_process_is_lost_in_another_boot() {
    let mut older = agent(None, None, None);
    older.boot_id = Some("older".to_owned());
    assert_eq!(life(&older), Life::Lost);
    // Nobody knows of which boot it is.
    older.boot_id = None;
    assert_eq!(life(&older), Life::None);
}

#[test]
fn a_recorded_end_counts_whatever_has_the_pid_now() {
    for (how, wanted) in [(End::Exited, Life::Ended), (End::Stopped, Life::Ended), (End::Lost, Life::Lost)] {
        let mut agent = agent(Some(3), Some(3), Some(2));
        agent.ended = Some(Ended { how, at_ms: 0, exit_status: None });
        assert_eq!(life(&agent), wanted);
    }
}
