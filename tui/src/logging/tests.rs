//! The file that rolls.

use std::io::Write as _;

use super::{ROLL_BYTES, Rolling};

#[test]
fn a_large_file_is_followed_by_a_new_one_and_old_ones_go() {
    let dir = tempfile::tempdir().unwrap();
    let folder = dir.path().join("log");
    let mut rolling = Rolling::new(folder.clone());
    assert!(!folder.exists(), "nothing to say, no file");
    let line = vec![b'x'; usize::try_from(ROLL_BYTES).unwrap()];
    for round in 0..6_u8 {
        rolling.write_all(&[round]).unwrap();
        rolling.write_all(&line).unwrap();
    }
    let mut names: Vec<_> =
        std::fs::read_dir(&folder).unwrap().map(|entry| entry.unwrap().file_name()).collect();
    names.sort();
    assert_eq!(names, ["conclave.log", "conclave.log.1", "conclave.log.2", "conclave.log.3"]);
    assert_eq!(std::fs::read(folder.join("conclave.log")).unwrap()[0], 5);
    assert_eq!(std::fs::read(folder.join("conclave.log.3")).unwrap()[0], 2);
}
