//! What goes into a child and what comes out of it.

use super::*;
use conclave_consensus::child::Why;

#[test]
fn an_end_is_told_as_it_was() {
    for (script, exit_code, signal, stdout, stderr) in [
        ("exit 0", Some(0), None, &b""[..], &b""[..]),
        ("printf out; printf err >&2; exit 3", Some(3), None, b"out", b"err"),
        ("printf 'a\\377\\376\\0b'", Some(0), None, b"a\xff\xfe\0b", b""),
        ("printf out; kill -9 $$", None, Some(9), b"out", b""),
        ("printf out; exec >&- 2>&-; cat /dev/null; exit 5", Some(5), None, b"out", b""),
        // Without a prompt there is nothing to read, and no terminal.
        ("cat", Some(0), None, b"", b""),
    ] {
        let done = run(sh(script), &patient(), 0);
        assert_eq!((done.exit_code, done.signal, done.why), (exit_code, signal, Why::Exited), "{script}");
        assert_eq!((&*done.stdout.bytes, &*done.stderr.bytes), (stdout, stderr), "{script}");
        assert!(done.stdout.cut.is_none() && done.stdout.total == stdout.len() as u64, "{script}");
    }
}

#[test]
fn what_cannot_be_started_says_why() {
    let missing = Command { program: "no-such-program-anywhere".into(), ..sh("") };
    let nowhere = Command { directory: "/no/such/folder".into(), ..sh("") };
    in_runtime(async {
        let error = start(missing).unwrap_err();
        assert_eq!(error.kind(), std::io::ErrorKind::NotFound);
        let error = start(nowhere).unwrap_err();
        assert_eq!(error.to_string(), "/no/such/folder: no such folder");
    });
    let outside = start(sh("exit 0")).unwrap_err();
    assert_eq!(outside.to_string(), "a child process is started inside of a runtime only");
}

/// Both pipes are full long before either side is done.
#[test]
fn a_long_prompt_is_fed_while_the_answer_is_heard() {
    let prompt: Vec<u8> = (0..10_000_000_u32).map(|n| n.to_le_bytes()[1]).collect();
    let done = run(Command { stdin: prompt.clone(), ..sh("tee /dev/stderr") }, &patient(), 0);
    assert!(done.stdout.bytes == prompt && done.stderr.bytes == prompt);
}

#[test]
fn a_prompt_that_nobody_reads_is_no_failure() {
    for script in ["printf out", "exec <&-; printf out", "head -c 1000 >/dev/null; printf out"] {
        let done = run(Command { stdin: vec![b'x'; 10_000_000], ..sh(script) }, &patient(), 0);
        assert_eq!((done.exit_code, &*done.stdout.bytes), (Some(0), &b"out"[..]), "{script}");
    }
}

/// The environment is the given one and the mark; the folder is the given one.
#[test]
fn a_child_sees_what_it_is_given() {
    let folder = tempfile::tempdir().unwrap();
    let folder = folder.path().canonicalize().unwrap();
    let path = std::env::var_os("PATH").unwrap();
    let env = vec![("PATH".into(), path), (MARK.into(), "outer".into()), ("SAID".into(), "yes".into())];
    let command = Command { directory: folder.clone(), env, ..sh("pwd; exec env") };
    let mark = command.mark.clone();
    let text = String::from_utf8(run(command, &patient(), 0).stdout.bytes).unwrap();
    let mut lines: Vec<_> = text.lines().filter(|line| !line.starts_with("PATH=")).collect();
    assert_eq!(lines.remove(0), folder.to_str().unwrap());
    // The shell sets the rest itself.
    lines.retain(|line| !["PWD=", "SHLVL=", "OLDPWD=", "_="].iter().any(|own| line.starts_with(own)));
    lines.sort_unstable();
    assert_eq!(lines, [format!("{MARK}={mark}"), "SAID=yes".to_owned()]);
}

#[test]
fn the_last_line_is_always_given_on() {
    let mut lines = Vec::new();
    in_runtime(async {
        let running = start(sh("seq 100000; printf end >&2")).unwrap();
        running.wait(&patient(), &Stop::new(), |line| lines.push(line.to_owned())).await
    });
    assert!(lines.iter().any(|line| line == "end"), "{lines:?}");
    // Far fewer than were written: nobody reads more than ten a second.
    assert!(lines.len() < 1000, "{}", lines.len());
}
