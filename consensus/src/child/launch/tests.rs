use std::io::ErrorKind;
use std::os::unix::fs::PermissionsExt as _;

use super::{look_for, refused};

#[test]
fn only_the_launchers_own_words_count() {
    let said = b"a/1@/x: could not be started: Exec (os error 8)\n";
    assert_eq!(refused("a/1@/x", Some(126), said), Some(8));
    for (mark, code, said) in [
        ("a/2@/x", Some(126), &said[..]),
        ("a/1@/x", Some(1), said),
        ("a/1@/x", None, said),
        ("a/1@/x", Some(126), b"a/1@/x: could not be started: Exec (os error 8)\nmore\n"),
        ("a/1@/x", Some(126), b"sh: not found\n"),
        ("a/1@/x", Some(126), b""),
    ] {
        assert_eq!(refused(mark, code, said), None, "{mark} {code:?}");
    }
}

#[test]
fn a_program_is_found_as_the_system_finds_it() {
    let dir = tempfile::tempdir().unwrap();
    let folder = dir.path();
    for (name, mode) in [("bin/runs", 0o755), ("bin/text", 0o644), ("more/text", 0o755)] {
        let file = folder.join(name);
        std::fs::create_dir_all(file.parent().unwrap()).unwrap();
        std::fs::write(&file, "#!/bin/sh\n").unwrap();
        std::fs::set_permissions(&file, std::fs::Permissions::from_mode(mode)).unwrap();
    }
    let look = |program: &str, path: Option<&str>| {
        let env: Vec<_> = path.into_iter().map(|path| ("PATH".into(), path.into())).collect();
        look_for(program.as_ref(), &env, folder).map_err(|error| error.kind())
    };
    assert_eq!(look("runs", Some("nowhere:bin")), Ok(()));
    assert_eq!(look("sh", None), Ok(()));
    assert_eq!(look("bin/runs", None), Ok(()));
    assert_eq!(look("text", Some("bin:more")), Ok(()), "the next folder has one");
    assert_eq!(look("text", Some("bin")), Err(ErrorKind::PermissionDenied));
    assert_eq!(look("./bin/text", Some("bin")), Err(ErrorKind::PermissionDenied));
    assert_eq!(look("./bin", Some("bin")), Err(ErrorKind::PermissionDenied));
    assert_eq!(look("runs", Some("more")), Err(ErrorKind::NotFound));
    assert_eq!(look("bin/none", Some("bin")), Err(ErrorKind::NotFound));
    assert_eq!(look("", Some("bin")), Err(ErrorKind::NotFound));
}
