use super::*;

fn stat(command: &str, state: char, start_time: u64) -> String {
    format!("7 ({command}) {state} 1 6 5 0 -1 4194560 1 2 3 4 5 6 7 8 20 0 1 0 {start_time} 9 9 9\n")
}

#[test]
fn fields_are_counted_from_the_last_parenthesis() {
    for command in ["sh", "a b", "a) S 1 (b", ")", "((", "1 2 3 4 5"] {
        let wanted = Stat { state: b'S', group: 6, start_time: 4711 };
        assert_eq!(Stat::parse(stat(command, 'S', 4711).as_bytes()), Some(wanted), "{command}");
    }
    for broken in
        ["", "7 (sh", "7 (sh)", "7 (sh) S 1 2 3", "7 (sh) S 1 7 7 0 -1 4 1 2 3 4 5 6 7 8 20 0 1 0 x"]
    {
        assert_eq!(Stat::parse(broken.as_bytes()), None, "{broken:?}");
    }
}

/// A `/proc` that holds what a test puts there.
fn fake_proc(entries: &[(u32, &str)]) -> tempfile::TempDir {
    let proc = tempfile::tempdir().unwrap();
    for (pid, stat) in entries {
        std::fs::create_dir(proc.path().join(pid.to_string())).unwrap();
        std::fs::write(proc.path().join(pid.to_string()).join("stat"), stat).unwrap();
    }
    proc
}

#[test]
fn a_process_is_judged_by_all_four_marks() {
    let (running, zombie) = (stat("sh", 'S', 100), stat("sh", 'Z', 100));
    let proc = fake_proc(&[(7, &running), (8, &zombie)]);
    let here = Here { boot_id: "boot".to_owned(), pid_namespace: 5, proc: proc.path() };
    // No pid is above 2^22 (proc(5), pid_max), so the last one is certainly free.
    const FREE: u32 = 1 << 30;
    let cases = [
        ("boot", 5, 7, 100, Liveness::Alive, "the same process"),
        ("boot", 5, 7, 99, Liveness::Dead, "its pid is another's now"),
        ("boot", 5, 7, 0, Liveness::Unknown, "it was hidden from whoever wrote it down"),
        ("boot", 5, FREE, 0, Liveness::Dead, "it was hidden, and is gone"),
        ("boot", 5, 8, 100, Liveness::Dead, "a zombie"),
        ("boot", 5, FREE, 100, Liveness::Dead, "no such process"),
        ("boot", 6, 7, 100, Liveness::Unknown, "another namespace"),
        ("boot", 6, FREE, 1, Liveness::Unknown, "another namespace, though the pid is free here"),
        ("older", 5, 7, 100, Liveness::Dead, "another boot"),
        ("older", 6, 7, 100, Liveness::Dead, "another boot and another namespace"),
        // Process 1 exists but is not in this /proc: hidden, so nothing can be said.
        ("boot", 5, 1, 100, Liveness::Unknown, "hidden"),
    ];
    for (boot_id, pid_namespace, pid, start_time, wanted, why) in cases {
        let process = ProcessIdentity { boot_id: boot_id.to_owned(), pid_namespace, pid, start_time };
        assert_eq!(here.liveness(&process), wanted, "{why}");
    }
}

#[test]
fn this_process_is_alive_and_knows_its_name() {
    let me = current().unwrap();
    assert_eq!(me.pid, std::process::id());
    assert_eq!(liveness(&me), Liveness::Alive);
    assert_eq!(of(me.pid).unwrap(), Some(me.clone()));
    let earlier = ProcessIdentity { start_time: me.start_time.wrapping_sub(1), ..me };
    assert_eq!(liveness(&earlier), Liveness::Dead);
    #[cfg(target_os = "linux")]
    assert!(command(std::process::id()).is_some());
}
