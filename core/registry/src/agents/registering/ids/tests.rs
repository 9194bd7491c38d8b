use super::*;

#[test]
fn an_id_can_be_a_file_a_folder_and_a_branch() {
    for good in ["0031", "main", "task-a3f8", "a.b_c-D", "0031-sqlite-runtime-state", &"x".repeat(64)] {
        assert!(check("an id", good).is_ok(), "{good}");
    }
    let long = "x".repeat(65);
    for bad in
        ["", ".", "..", "a..b", "-a", ".a", "a/b", "a b", "a\n", "ä", "a.", "a.lock", "a:b", "*", &long]
    {
        assert!(check("an id", bad).is_err(), "{bad}");
    }
}

#[test]
fn a_made_up_id_is_the_stem_and_four_digits_or_letters_and_never_one_that_is_there() {
    let root = tempfile::tempdir().unwrap();
    let worktrees = root.path().join(".builders");
    for _ in 0..100 {
        let id = make_up("task", &[], Some(&worktrees)).unwrap();
        let digits = id.strip_prefix("task-").unwrap();
        assert!(digits.len() == 4 && digits.bytes().all(|digit| ALPHABET.contains(&digit)), "{id}");
    }
    std::fs::create_dir_all(worktrees.join("task-0000")).unwrap();
    std::fs::create_dir_all(root.path().join(".git/refs/heads/builder")).unwrap();
    std::fs::write(root.path().join(".git/refs/heads/builder/task-0001"), "").unwrap();
    assert!(has_folder_or_branch(&worktrees, "task-0000"));
    assert!(has_folder_or_branch(&worktrees, "task-0001"));
    assert!(!has_folder_or_branch(&worktrees, "task-0002"));
}
