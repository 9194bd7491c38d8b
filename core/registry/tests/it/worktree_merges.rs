//! What an agent has changed, and merging it.

use std::ffi::OsStr;
use std::os::unix::ffi::OsStrExt as _;

use conclave_registry::worktree;

use crate::repository::{Repository, assert_refused, git, write};

#[test]
fn a_diff_has_everything_since_the_base_and_applies_to_it() {
    let Some(repository) = Repository::new() else { return };
    let agent = repository.built("0031");
    let folder = repository.worktree("0031");
    repository.commit("0031", "committed", "committed\n");
    write(&folder.join("README"), "first\nchanged\n");
    write(&folder.join("staged"), "staged\n");
    git(&folder, &["add", "staged"]);
    let odd = OsStr::from_bytes(b"new \"odd\"\n\xff.txt");
    std::fs::write(folder.join(odd), b"\x00\x01binary\xff").unwrap();
    write(&folder.join("-n"), "like an option\n");
    write(&folder.join("ignored.secret"), "never told");
    // A repository inside of this one is not its file.
    git(&folder, &["init", "-q", "inner"]);
    // The main checkout goes on; the base is where the branch began.
    repository.write("later", "later\n");
    repository.git(&["add", "later"]);
    repository.git(&["commit", "-qm", "later"]);
    let before = git(&folder, &["status", "--porcelain"]);
    let diff = worktree::diff(repository.root(), &agent, false).unwrap();
    assert_eq!(git(&folder, &["status", "--porcelain"]), before);
    let text = String::from_utf8_lossy(&diff);
    for name in ["committed", "README", "staged", "-n"] {
        assert!(text.contains(&format!("a/{name}")), "{name}: {text}");
    }
    assert!(!text.contains("never told") && !text.contains("later") && !text.contains("inner"), "{text}");
    assert!(!diff.contains(&0x1b));
    assert!(worktree::diff(repository.root(), &agent, true).unwrap().contains(&0x1b));
    // Elsewhere it makes the same files.
    let elsewhere = repository.path("elsewhere");
    let base = agent.base_commit.unwrap();
    repository.git(&["worktree", "add", "-q", "--detach", elsewhere.to_str().unwrap(), &base]);
    let patch = tempfile::NamedTempFile::new().unwrap();
    std::fs::write(patch.path(), &diff).unwrap();
    git(&elsewhere, &["apply", "--binary", patch.path().to_str().unwrap()]);
    for name in [OsStr::new("committed"), OsStr::new("README"), OsStr::new("staged"), odd, OsStr::new("-n")] {
        let (one, other) = (std::fs::read(elsewhere.join(name)), std::fs::read(folder.join(name)));
        assert_eq!(one.unwrap(), other.unwrap(), "{name:?}");
    }
}

#[test]
fn without_a_recorded_base_it_is_the_newest_that_both_have() {
    let Some(repository) = Repository::new() else { return };
    repository.built("0031");
    let base = repository.head();
    crate::files::sql(&repository.state, "UPDATE builders SET base_commit = NULL");
    repository.commit("0031", "new", "new\n");
    assert_eq!(worktree::base(repository.root(), &repository.agent("0031")).unwrap(), base);
    let plain = repository.builder("plain");
    assert_refused(
        &worktree::diff(repository.root(), &plain, false).unwrap_err(),
        &["plain has no worktree"],
    );
    std::fs::remove_dir_all(repository.worktree("0031")).unwrap();
    let gone = worktree::diff(repository.root(), &repository.agent("0031"), false).unwrap_err();
    assert_refused(&gone, &["of 0031 is gone"]);
}

#[test]
fn a_merge_brings_the_branch_and_a_second_one_nothing() {
    let Some(repository) = Repository::new() else { return };
    repository.built("a");
    repository.commit("a", "from-a", "a\n");
    repository.built("b");
    repository.commit("b", "from-b", "b\n");
    for id in ["a", "b"] {
        let merged = worktree::merge(repository.root(), &repository.agent(id), false).unwrap();
        assert_eq!((&merged.commit, merged.into.as_str()), (&repository.head(), "main"));
        assert_eq!((merged.checkout.as_path(), merged.is_new), (repository.root(), true));
        assert!(repository.path(&format!("from-{id}")).exists());
        let again = worktree::merge(repository.root(), &repository.agent(id), false).unwrap();
        assert_eq!(again, worktree::Merged { is_new: false, ..merged });
    }
    assert_eq!(repository.git(&["log", "-1", "--format=%s"]), "Merge branch 'builder/b'");
}

#[test]
fn a_squash_is_one_commit_and_a_second_one_none() {
    let Some(repository) = Repository::new() else { return };
    repository.built("a");
    repository.commit("a", "one", "1\n");
    repository.commit("a", "two", "2\n");
    let before = repository.head();
    let commit = worktree::merge(repository.root(), &repository.agent("a"), true).unwrap().commit;
    assert_eq!(repository.git(&["rev-parse", "HEAD^@"]), before);
    let message = repository.git(&["log", "-1", "--format=%B"]);
    assert!(message.contains("* one of a\n* two of a"), "{message}");
    let again = worktree::merge(repository.root(), &repository.agent("a"), true).unwrap();
    assert_eq!((again.commit, again.is_new), (commit, false));
    assert_eq!(repository.git(&["status", "--porcelain"]), "");
}

/// Everything that a merge could have touched.
fn state_of(repository: &Repository) -> Vec<String> {
    let status = repository.git(&["status", "--porcelain=v2", "--branch"]);
    let files = std::fs::read_dir(repository.path(".git")).unwrap();
    let files = files.map(|entry| entry.unwrap().file_name().to_string_lossy().into_owned());
    let mut left: Vec<String> = files
        .filter(|name| name.contains("MERGE_") || name.contains("SQUASH") || name.contains("lock"))
        .collect();
    left.sort();
    left.extend([status, repository.head(), std::fs::read_to_string(repository.path("README")).unwrap()]);
    left
}

#[test]
fn a_conflict_leaves_everything_as_it_was_and_names_the_files() {
    let Some(repository) = Repository::new() else { return };
    repository.built("a");
    repository.commit("a", "README", "theirs\n");
    repository.commit("a", "another", "new\n");
    repository.write("README", "ours\n");
    repository.git(&["commit", "-qam", "ours"]);
    repository.write("not known to git", "mine");
    let before = state_of(&repository);
    for squash in [false, true] {
        let error = worktree::merge(repository.root(), &repository.agent("a"), squash).unwrap_err();
        assert_refused(&error, &["builder/a does not merge into main", "README"]);
        assert!(!error.to_string().contains("another"), "{error}");
        assert_eq!(state_of(&repository), before, "squash: {squash}");
        assert!(repository.path("not known to git").exists() && !repository.path("another").exists());
    }
    // What the hint says works.
    let folder = repository.worktree("a");
    let merged = crate::repository::try_git(&folder, &["merge", "main"]);
    assert!(!merged.status.success());
    repository.commit("a", "README", "settled\n");
    worktree::merge(repository.root(), &repository.agent("a"), false).unwrap();
    assert_eq!(std::fs::read_to_string(repository.path("README")).unwrap(), "settled\n");
}

#[test]
fn a_file_in_the_way_or_a_hook_that_refuses_leaves_everything_as_it_was() {
    let Some(repository) = Repository::new() else { return };
    repository.built("a");
    repository.commit("a", "new", "theirs\n");
    repository.write("other", "ours\n");
    repository.git(&["add", "-A"]);
    repository.git(&["commit", "-qm", "ours"]);
    repository.write("new", "mine, and not known to git");
    for squash in [false, true] {
        let before = state_of(&repository);
        let error = worktree::merge(repository.root(), &repository.agent("a"), squash).unwrap_err();
        assert_refused(&error, &["git merge", "new"]);
        assert_eq!(state_of(&repository), before);
        assert_eq!(std::fs::read_to_string(repository.path("new")).unwrap(), "mine, and not known to git");
    }
    std::fs::remove_file(repository.path("new")).unwrap();
    for (hook, squash) in [("pre-merge-commit", false), ("pre-commit", true)] {
        let file = repository.path(&format!(".git/hooks/{hook}"));
        write(&file, "#!/bin/sh\necho not on a Friday >&2\nexit 1\n");
        std::fs::set_permissions(&file, std::os::unix::fs::PermissionsExt::from_mode(0o755)).unwrap();
        let before = state_of(&repository);
        let error = worktree::merge(repository.root(), &repository.agent("a"), squash).unwrap_err();
        assert_refused(&error, &["not on a Friday"]);
        assert_eq!(state_of(&repository), before, "{hook}");
        std::fs::remove_file(file).unwrap();
    }
}

#[test]
fn work_that_is_not_committed_is_refused_on_both_sides() {
    let Some(repository) = Repository::new() else { return };
    repository.built("a");
    repository.commit("a", "new", "new\n");
    let merge = || worktree::merge(repository.root(), &repository.agent("a"), false);
    write(&repository.worktree("a").join("draft"), "not yet");
    assert_refused(&merge().unwrap_err(), &["a has work in", "draft"]);
    std::fs::remove_file(repository.worktree("a").join("draft")).unwrap();
    git(&repository.worktree("a"), &["switch", "-q", "-c", "another"]);
    assert_refused(&merge().unwrap_err(), &["another is checked out, and not builder/a"]);
    git(&repository.worktree("a"), &["switch", "-q", "builder/a"]);
    repository.write("README", "changed\n");
    assert_refused(&merge().unwrap_err(), &["has changes that are not committed: README"]);
    repository.git(&["checkout", "-q", "README"]);
    // Somebody's own merge is not ours to abort.
    std::fs::write(repository.path(".git/MERGE_HEAD"), format!("{}\n", repository.head())).unwrap();
    assert_refused(&merge().unwrap_err(), &["a merge is under way"]);
    assert!(repository.path(".git/MERGE_HEAD").exists());
    std::fs::remove_file(repository.path(".git/MERGE_HEAD")).unwrap();
    repository.git(&["checkout", "-q", "--detach"]);
    assert_refused(&merge().unwrap_err(), &["is detached"]);
    repository.git(&["checkout", "-q", "main"]);
    merge().unwrap();
    let plain = repository.builder("plain");
    let error = worktree::merge(repository.root(), &plain, false).unwrap_err();
    assert_refused(&error, &["plain has no branch"]);
}

#[test]
fn from_another_worktree_the_branch_goes_into_the_one_that_is_checked_out_there() {
    let Some(repository) = Repository::new() else { return };
    repository.built("a");
    repository.commit("a", "from-a", "a\n");
    let place = tempfile::tempdir().unwrap();
    let linked = place.path().canonicalize().unwrap().join("l");
    repository.git(&["worktree", "add", "-q", linked.to_str().unwrap(), "-b", "l"]);
    let main = repository.head();
    for folder in [repository.root(), &repository.worktree("a"), place.path()] {
        assert_eq!(worktree::checkout_at(repository.root(), folder), repository.root());
    }
    std::fs::create_dir(linked.join("sub")).unwrap();
    let checkout = worktree::checkout_at(repository.root(), &linked.join("sub"));
    assert_eq!(checkout, linked);
    let merged = worktree::merge(&checkout, &repository.agent("a"), false).unwrap();
    assert_eq!((merged.into.as_str(), merged.is_new), ("l", true));
    assert!(linked.join("from-a").exists());
    assert_eq!(repository.head(), main);
}

#[test]
fn gitignore_is_offered_only_for_files_that_git_does_not_know() {
    let Some(repository) = Repository::new() else { return };
    repository.built("a");
    repository.commit("a", "from-a", "a\n");
    let hint = || {
        let error = worktree::merge(repository.root(), &repository.agent("a"), false).unwrap_err();
        error.hint().unwrap().to_owned()
    };
    crate::repository::write(&repository.worktree("a").join("new"), "new\n");
    assert_eq!(hint(), "commit it there first, or add it to .gitignore");
    crate::repository::write(&repository.worktree("a").join("README"), "changed\n");
    assert_eq!(hint(), "commit it there first");
}

/// One that is taken back must not take with it what another one merged meanwhile.
#[test]
fn merges_at_once_lose_nothing_of_each_other() {
    let Some(repository) = Repository::new() else { return };
    for round in 0..6 {
        let agents = ["a", "b"].map(|name| {
            let id = format!("{name}{round}");
            repository.built(&id);
            repository.commit(&id, &format!("of-{id}"), "x\n");
            repository.agent(&id)
        });
        let done = std::thread::scope(|scope| {
            let merging = agents
                .each_ref()
                .map(|agent| scope.spawn(|| worktree::merge(repository.root(), agent, false).is_ok()));
            merging.map(|merge| merge.join().unwrap())
        });
        assert_eq!(done, [true, true]);
        for agent in &agents {
            repository.git(&["cat-file", "-e", &format!("HEAD:of-{}", agent.key.id)]);
        }
    }
}
