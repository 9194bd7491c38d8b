use std::ffi::OsString;
use std::os::unix::ffi::OsStringExt;
use std::os::unix::fs::PermissionsExt;
use std::path::PathBuf;

use tempfile::TempDir;

use super::{Secret, load};
use crate::error::{LlmError, LlmErrorKind};
use crate::host::KeySource;

const KEY: &str = "sk-test-AAAA0123456789";

fn of_variable(value: Option<OsString>) -> Result<Secret, LlmError> {
    load(&KeySource::Env("SOME_KEY".to_owned()), &move |name| {
        assert_eq!(name, "SOME_KEY");
        value.clone()
    })
}

fn file(directory: &TempDir, bytes: &[u8], mode: u32) -> PathBuf {
    let path = directory.path().join("key");
    std::fs::write(&path, bytes).unwrap();
    std::fs::set_permissions(&path, std::fs::Permissions::from_mode(mode)).unwrap();
    path
}

fn of_file(bytes: &[u8], mode: u32) -> Result<Secret, LlmError> {
    let directory = TempDir::new().unwrap();
    load(&KeySource::File(file(&directory, bytes, mode)), &|_| None)
}

/// It is refused with this word, and nothing of the key is repeated.
fn refused(result: Result<Secret, LlmError>, word: &str) {
    let Err(error) = result else { panic!("a key was read where {word:?} was expected") };
    let said = format!("{error} {error:?} {:?}", error.hint());
    assert!(said.contains(word), "{said}");
    assert!(!said.contains("AAAA"), "{said}");
    assert_eq!(error.kind(), LlmErrorKind::Invalid);
}

fn is_key(result: Result<Secret, LlmError>) {
    assert_eq!(result.map(|key| key.expose().to_owned()).expect("a key"), KEY);
}

#[test]
fn a_variable_is_a_key() {
    is_key(of_variable(Some(KEY.into())));
    is_key(of_variable(Some(format!(" {KEY}\r\n").into())));
    refused(of_variable(None), "SOME_KEY is not set");
    refused(of_variable(Some("".into())), "is empty");
    refused(of_variable(Some(" \n".into())), "is empty");
    refused(of_variable(Some(" ab\n".into())), "too short");
    refused(of_variable(Some(format!("{KEY}\n{KEY}").into())), "line break");
    refused(of_variable(Some(format!("{KEY}\u{7f}").into())), "control");
    refused(of_variable(Some(format!("{KEY}é").into())), "ASCII");
    refused(of_variable(Some(OsString::from_vec([KEY.as_bytes(), &[0xFF]].concat()))), "ASCII");
}

// llm L51
#[test]
fn a_file_is_a_key_where_only_its_user_may_read_it() {
    let line = format!("{KEY}\n");
    for mode in [0o600, 0o400] {
        is_key(of_file(line.as_bytes(), mode));
    }
    is_key(of_file(format!("{KEY}\r\n\r\n").as_bytes(), 0o600));
    for mode in [0o644, 0o640, 0o604, 0o660, 0o601] {
        refused(of_file(line.as_bytes(), mode), "others");
    }
}

// llm L51
#[test]
fn what_no_key_has_is_refused_without_being_repeated() {
    refused(of_file(format!("{KEY}\n{KEY}\n").as_bytes(), 0o600), "line break");
    refused(of_file(format!("{KEY}\0").as_bytes(), 0o600), "control");
    refused(of_file(&[KEY.as_bytes(), &[0xFF]].concat(), 0o600), "ASCII");
    refused(of_file(b"\n", 0o600), "is empty");
    refused(of_file(&KEY.as_bytes().repeat(2000), 0o600), "too long");
}

#[test]
fn what_is_no_file_is_refused_and_never_waited_for() {
    let directory = TempDir::new().unwrap();
    let load = |path: PathBuf| load(&KeySource::File(path), &|_| None);
    refused(load(directory.path().join("absent")), "cannot be opened");
    refused(load(directory.path().to_owned()), "is no file");
    let pipe = directory.path().join("pipe");
    rustix::fs::mknodat(
        rustix::fs::CWD,
        &pipe,
        rustix::fs::FileType::Fifo,
        rustix::fs::Mode::from_raw_mode(0o600),
        0,
    )
    .unwrap();
    refused(load(pipe), "is no file");
    // A link to a good file is one: that is how secrets are mounted into containers.
    let link = directory.path().join("link");
    std::os::unix::fs::symlink(file(&directory, KEY.as_bytes(), 0o600), &link).unwrap();
    is_key(load(link));
}
