//! The token of a lease: seen by whoever acquired it, and by nobody else.

use std::os::unix::fs::{PermissionsExt as _, symlink};
use std::path::Path;
use std::process::{Child, Stdio};

use conclave_testkit::skipped;

use crate::interrupted::hold;
use crate::lease::{acquired, refused, value};
use crate::patience::{output_of, until};
use crate::scratch::{Done, Scratch};

/// Runs with this on stdin.
fn fed(scratch: &Scratch, words: &[&str], input: &str) -> Done {
    let file = scratch.path("input");
    std::fs::write(&file, input).unwrap();
    let input = std::fs::File::open(file).unwrap();
    Done::of(scratch.command().args(words).stdin(input))
}

fn mode(file: &Path) -> u32 {
    std::fs::metadata(file).unwrap().permissions().mode() & 0o7777
}

// B2, B3
#[test]
fn nobody_else_sees_it() {
    let scratch = Scratch::new();
    let token = value(&acquired(&scratch, "L", &["-vv"]), "owner_token");
    let renew = ["lease", "renew", "--owner-token", &token, "-vv"];
    let mut said = scratch.ok(&renew);
    for words in [
        &["lease", "acquire", "--lock-name", "L", "-vv", "--log-stderr"][..],
        &["lease", "acquire", "--lock-name", "L", "--json"],
        &["lease", "status", "--lock-name", "L"],
        &["lease", "list"],
        &["lease", "list", "--json"],
        &["lease", "run", "--lock-name", "L", "--", "true"],
        &["lease", "renew", "--lock-name", "other", "--owner-token", &token, "-vv", "--log-stderr"],
        &["lease", "release", "--lock-name", "L", "--owner-token", &token.to_uppercase()],
    ] {
        let done = scratch.run(words);
        said += done.text();
        said += &done.stderr;
    }
    assert!(!said.contains(&token), "{said}");
    // What the contender is told opens nothing.
    let list = scratch.json(&["lease", "list"]);
    let holder = list[0]["holder_id"].as_str().unwrap();
    let words = ["lease", "release", "--lock-name", "L", "--owner-token", holder];
    refused(&scratch.run(&words), 1, "not_owner");
    let is_in = |file: &Path| String::from_utf8_lossy(&std::fs::read(file).unwrap()).contains(&token);
    let found: Vec<_> = scratch.files().into_iter().filter(|file| is_in(file)).collect();
    assert!(found.is_empty(), "{found:?}");
}

// B17
#[test]
fn only_the_whole_token_opens() {
    let scratch = Scratch::new();
    let token = value(&acquired(&scratch, "L", &[]), "owner_token");
    let release =
        |token: &str| scratch.run(&["lease", "release", "--lock-name", "L", "--owner-token", token]);
    let longer = format!("{token}0");
    for other in [&token.to_uppercase(), &token[..31], &longer, "' OR 1=1--", "-x"] {
        // A token of digits alone has no upper case.
        if other != token {
            refused(&release(other), 1, "not_owner");
        }
    }
    refused(&release(""), 2, "invalid_token");
    refused(&scratch.run(&["lease", "release", "--lock-name", "L"]), 2, "invalid_token");
    assert_eq!(release(&token).code, Some(0));
}

#[test]
fn it_comes_from_where_others_do_not_look() {
    let scratch = Scratch::new();
    let renew = ["lease", "renew", "--lock-name", "L"];
    let token = value(&acquired(&scratch, "L", &[]), "owner_token");
    let mut command = scratch.command();
    let done = Done::of(command.args(renew).env("CONCLAVE_OWNER_TOKEN", &token));
    assert_eq!(done.code, Some(0), "{}", done.stderr);
    let words = [&renew[..], &["--owner-token", "-"]].concat();
    for input in [token.clone(), format!("{token}\n"), format!("{token}\r\n")] {
        assert_eq!(fed(&scratch, &words, &input).code, Some(0), "{input:?}");
    }
    refused(&fed(&scratch, &words, ""), 2, "invalid_token");
    refused(&fed(&scratch, &words, &"x".repeat(1_000_000)), 1, "not_owner");
    // What the line says counts for more than the environment.
    let mut command = scratch.command();
    let other = Done::of(
        command.args([&renew[..], &["--owner-token", "x"]].concat()).env("CONCLAVE_OWNER_TOKEN", &token),
    );
    refused(&other, 1, "not_owner");
    let both = [&renew[..], &["--owner-token", "x", "--owner-token-file", "f"]].concat();
    refused(&scratch.run(&both), 2, "usage");
}

// B24
#[test]
fn a_file_keeps_it_from_the_line_and_from_others() {
    let scratch = Scratch::new();
    let line = acquired(&scratch, "L", &["--owner-token-file", "key"]);
    assert!(!line.contains("owner_token") && line.contains("fence=1"), "{line}");
    let file = scratch.project().join("key");
    let token = std::fs::read_to_string(&file).unwrap();
    assert_eq!((mode(&file), token.trim_end().len()), (0o600, 32));
    // Nothing is acquired for a file that is there, and nothing is written over.
    let words = ["lease", "acquire", "--lock-name", "M", "--owner-token-file", "key"];
    refused(&scratch.run(&words), 2, "invalid_token_file");
    assert_eq!(std::fs::read_to_string(&file).unwrap(), token);
    let words = ["lease", "acquire", "--lock-name", "M", "--owner-token-file", "no/such/folder"];
    refused(&scratch.run(&words), 3, "storage_error");
    symlink("nowhere", scratch.project().join("dangling")).unwrap();
    let words = ["lease", "acquire", "--lock-name", "M", "--owner-token-file", "dangling"];
    refused(&scratch.run(&words), 2, "invalid_token_file");
    assert_eq!(scratch.ok(&["lease", "status", "--lock-name", "M"]), "{\"exists\":false}\n");
    // What others could read or replace is not taken.
    let renew = |file: &str| scratch.run(&["lease", "renew", "--owner-token-file", file]);
    assert_eq!(renew("key").code, Some(0));
    symlink("key", scratch.project().join("link")).unwrap();
    refused(&renew("link"), 2, "invalid_token_file");
    for mode in [0o640, 0o604, 0o620] {
        std::fs::set_permissions(&file, std::fs::Permissions::from_mode(mode)).unwrap();
        let done = renew("key");
        refused(&done, 2, "invalid_token_file");
        assert!(done.stderr.contains("hint: chmod 600 "), "{}", done.stderr);
    }
    std::fs::set_permissions(&file, std::fs::Permissions::from_mode(0o400)).unwrap();
    assert_eq!(renew("key").code, Some(0));
    refused(&renew("."), 2, "invalid_token_file");
    refused(&renew("missing"), 3, "storage_error");
    if Done::of(&mut scratch.shell("mkfifo -m 600 pipe")).code == Some(0) {
        refused(&renew("pipe"), 2, "invalid_token_file");
    } else {
        skipped("no mkfifo here");
    }
}

// B24
#[test]
fn the_process_table_does_not_have_it() {
    let scratch = Scratch::new();
    acquired(&scratch, "L", &["--owner-token-file", "key"]);
    let token = std::fs::read_to_string(scratch.project().join("key")).unwrap();
    let (release, holder) = hold(&scratch);
    let mut command = scratch.command();
    command.args(["lease", "renew", "--owner-token-file", "key"]).stdout(Stdio::piped());
    let child = command.stderr(Stdio::piped()).spawn().unwrap();
    let read = |child: &Child, what: &str| {
        String::from_utf8_lossy(&std::fs::read(format!("/proc/{}/{what}", child.id())).unwrap_or_default())
            .into_owned()
    };
    until("it runs", || read(&child, "cmdline").contains("--owner-token-file"));
    assert!(
        !read(&child, "cmdline").contains(token.trim()) && !read(&child, "environ").contains(token.trim())
    );
    drop(release);
    holder.join().unwrap();
    assert_eq!(output_of(child).status.code(), Some(0));
}

/// What was acquired for nobody is given back.
#[test]
fn a_token_that_nobody_took_is_no_success_and_leaves_nothing() {
    let scratch = Scratch::new();
    scratch.ok(&["init"]);
    let file = scratch.path("key");
    for words in [&[][..], &["--owner-token-file", file.to_str().unwrap()]] {
        let mut command = scratch.command();
        command.args(["lease", "acquire", "--lock-name", "L"]).args(words);
        let mut child = command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
        // Closed before the first byte comes.
        drop(child.stdout.take());
        let ended = output_of(child);
        assert_eq!((ended.status.code(), ended.stderr), (Some(3), Vec::new()), "{words:?}");
        assert!(!file.exists());
        assert_eq!(scratch.ok(&["lease", "status", "--lock-name", "L"]), "{\"exists\":false}\n");
    }
}

#[test]
fn a_command_does_not_find_the_token_of_another_lease() {
    let scratch = Scratch::new();
    let mut command = scratch.command();
    command.env("CONCLAVE_OWNER_TOKEN", "00000000000000000000000000000000");
    let done = Done::of(command.args(["lease", "run", "--lock-name", "L", "--", "env"]));
    assert_eq!(done.code, Some(0), "{}", done.stderr);
    assert!(done.text().contains("CONCLAVE_FENCE=1") && !done.text().contains("OWNER_TOKEN"));
}
