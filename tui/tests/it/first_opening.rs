//! Reading while another process makes the state: there is none yet, or the whole of it.

use std::process::Stdio;

use crate::scratch::{Done, Scratch};

/// The first command that writes, and those that read the same file meanwhile.
const RACES: &[(&[&str], [&[&str]; 3])] = &[
    (
        &["lease", "acquire", "--lock-name", "first"],
        [&["status"], &["agents"], &["lease", "status", "--lock-name", "first"]],
    ),
    (&["spawn", "--shell", "--no-port"], [&["agents", "--json"], &["lease", "list"], &["status", "--json"]]),
    (
        &["lease", "acquire", "--lock-name", "first", "--global"],
        [&["lease", "list", "--global"], &["db", "schema-version", "--global"], &["status"]],
    ),
];

#[test]
fn whoever_reads_while_the_state_is_made_finds_none_or_the_whole() {
    for round in 0..64 {
        let scratch = Scratch::new();
        let (first, readers) = RACES[round % RACES.len()];
        let mut writer = scratch.command();
        let mut writer = writer.args(first).stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap();
        std::thread::scope(|scope| {
            for words in readers {
                let scratch = &scratch;
                // More than one look each, since processes do not start at once.
                scope.spawn(move || {
                    for _ in 0..3 {
                        let done: Done = scratch.run(words);
                        assert_eq!(done.code, Some(0), "round {round}, {words:?}: {}", done.stderr);
                    }
                });
            }
        });
        assert!(writer.wait().unwrap().success(), "round {round}: {first:?}");
    }
}
