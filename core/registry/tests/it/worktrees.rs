//! Making worktrees: what they hold, what is refused, and what a failure leaves.

use std::collections::BTreeSet;
use std::ffi::OsStr;
use std::os::unix::ffi::OsStrExt as _;
use std::os::unix::fs::{PermissionsExt as _, symlink};

use conclave_registry::RegistryErrorKind;
use conclave_registry::worktree::{self, Hooks, Orphan};

use crate::repository::{FORCE, Repository, USUAL, assert_refused, git, script, write};

#[test]
fn a_worktree_begins_at_head_on_a_branch_of_its_own() {
    let Some(repository) = Repository::new() else { return };
    let made = repository.create("0031", &Hooks::default()).unwrap();
    assert_eq!(made.folder, repository.worktree("0031"));
    assert_eq!(
        (made.branch.as_str(), made.base_commit.as_str()),
        ("builder/0031", repository.head().as_str())
    );
    assert_eq!(git(&made.folder, &["branch", "--show-current"]), "builder/0031");
    assert_eq!(std::fs::read_to_string(made.folder.join("README")).unwrap(), "first\n");
    let row = repository.agent("0031");
    assert_eq!(row.worktree, Some(made.folder));
    assert_eq!((row.branch, row.base_commit), (Some(made.branch), Some(made.base_commit)));
    assert_eq!(repository.git(&["status", "--porcelain"]), "");
    repository.built("0032");
    let exclude = std::fs::read_to_string(repository.path(".git/info/exclude")).unwrap();
    assert_eq!(exclude.lines().filter(|line| *line == ".builders/").count(), 1, "{exclude}");
    assert_eq!(worktree::orphans(&repository.state, repository.root()).unwrap(), []);
}

#[test]
fn what_git_ignores_and_worktreeinclude_names_is_copied_and_nothing_else() {
    let Some(repository) = Repository::new() else { return };
    let odd: Vec<&OsStr> =
        [&b"a\nb.secret"[..], b"it's \"quoted\".secret", b"not\xfftext.secret", b" - .secret"]
            .map(OsStr::from_bytes)
            .into();
    for name in &odd {
        std::fs::write(repository.root().join(name), name.as_bytes()).unwrap();
    }
    repository.write(".worktreeinclude", "*.secret\n!sub/no.secret\nplain.txt\n/build/keep\nlink.secret\n");
    for name in ["sub/yes.secret", "sub/no.secret", "plain.txt", "build/keep/deep/file", "build/other"] {
        repository.write(name, name);
    }
    let tool = repository.path("sub/tool.secret");
    write(&tool, "#!/bin/sh\n");
    std::fs::set_permissions(&tool, std::fs::Permissions::from_mode(0o750)).unwrap();
    symlink("/etc/passwd", repository.path("link.secret")).unwrap();
    // Never copied, whatever the rules say.
    for name in [".conclave/token.secret", "deep/.conclave/x.secret", ".builders/old/x.secret"] {
        repository.write(name, name);
    }
    rustix::fs::mkfifoat(rustix::fs::CWD, repository.path("pipe.secret"), 0o600.into()).unwrap();
    let made = repository.create("0031", &Hooks::default()).unwrap();
    let mut wanted: BTreeSet<std::ffi::OsString> = odd.iter().map(std::ffi::OsString::from).collect();
    wanted.extend(
        ["sub/yes.secret", "sub/tool.secret", "build/keep/deep/file", "link.secret"]
            .map(std::ffi::OsString::from),
    );
    assert_eq!(made.included, wanted.len() as u64);
    let listed = conclave_ignored(&made.folder);
    assert_eq!(listed, wanted);
    for name in &odd {
        assert_eq!(std::fs::read(made.folder.join(name)).unwrap(), name.as_bytes());
    }
    let mode = std::fs::metadata(made.folder.join("sub/tool.secret")).unwrap().permissions().mode();
    assert_eq!(mode & 0o777, 0o750);
    assert_eq!(
        std::fs::read_link(made.folder.join("link.secret")).unwrap(),
        std::path::Path::new("/etc/passwd")
    );
    assert!(!made.folder.join("plain.txt").exists(), "git does not ignore it");
}

/// The files in a checkout that git ignores.
fn conclave_ignored(folder: &std::path::Path) -> BTreeSet<std::ffi::OsString> {
    let out = crate::repository::try_git(
        folder,
        &["ls-files", "-z", "--others", "--ignored", "--exclude-standard"],
    );
    let names = out.stdout.split(|byte| *byte == 0).filter(|name| !name.is_empty());
    names.map(|name| OsStr::from_bytes(name).to_owned()).collect()
}

#[test]
fn nothing_is_written_through_a_link_that_the_branch_has() {
    let Some(repository) = Repository::new() else { return };
    let outside = tempfile::tempdir().unwrap();
    symlink(outside.path(), repository.path("sub")).unwrap();
    repository.git(&["add", "-A"]);
    repository.git(&["commit", "-qm", "a link"]);
    // In the checkout, not committed, it is a folder.
    std::fs::remove_file(repository.path("sub")).unwrap();
    repository.write("sub/x.secret", "x");
    repository.write(".worktreeinclude", "*.secret\n");
    let made = repository.create("0031", &Hooks::default()).unwrap();
    assert_eq!(made.included, 0);
    assert_eq!(std::fs::read_dir(outside.path()).unwrap().count(), 0);
}

#[test]
fn an_existing_branch_or_folder_is_refused_with_both_names() {
    let Some(repository) = Repository::new() else { return };
    repository.git(&["branch", "builder/a"]);
    repository.write(".builders/b/file", "mine");
    repository.git(&["branch", "builder/c"]);
    repository.write(".builders/c/file", "mine");
    for (id, words) in [("a", "the branch is there"), ("b", "the folder is there"), ("c", "both are there")] {
        let error = repository.create(id, &Hooks::default()).unwrap_err();
        let folder = repository.worktree(id);
        assert_refused(&error, &[words, &format!("builder/{id}"), folder.to_str().unwrap()]);
        assert!(error.hint().is_some());
        assert_eq!(repository.agent(id).worktree, None);
    }
    assert!(repository.has_branch("builder/a"));
    assert_eq!(std::fs::read_to_string(repository.path(".builders/b/file")).unwrap(), "mine");
}

#[test]
fn where_no_worktree_can_be_there_is_one_line() {
    let Some(plain) = Repository::without_git() else { return };
    let error = plain.create("x", &Hooks::default()).unwrap_err();
    assert_refused(&error, &["in no git repository", plain.root().to_str().unwrap()]);

    let Some(empty) = Repository::empty() else { return };
    assert_refused(&empty.create("x", &Hooks::default()).unwrap_err(), &["has no commit yet"]);

    let Some(detached) = Repository::new() else { return };
    detached.git(&["checkout", "-q", "--detach"]);
    assert_refused(&detached.create("x", &Hooks::default()).unwrap_err(), &["is detached"]);

    let Some(bare) = Repository::without_git() else { return };
    bare.git(&["init", "-q", "--bare"]);
    assert_refused(&bare.create("x", &Hooks::default()).unwrap_err(), &["is a bare repository"]);

    let Some(broken) = Repository::new() else { return };
    broken.write(".git/config", "[core\n");
    assert_refused(&broken.create("x", &Hooks::default()).unwrap_err(), &["git rev-parse", "bad config"]);
    for repository in [&plain, &empty, &detached, &bare, &broken] {
        assert_eq!(repository.agent("x").worktree, None);
        assert!(!repository.path(".builders").exists());
    }
}

#[test]
fn an_id_that_leads_elsewhere_is_none() {
    let Some(repository) = Repository::new() else { return };
    let agent = repository.builder("x");
    for id in ["..", ".", "../y", "/tmp/y", "a/b", "a b", "a..b", "a.lock", "a\nb", ""] {
        let mut agent = agent.clone();
        agent.key.id = id.to_owned();
        let error =
            worktree::create(&repository.state, repository.root(), &agent, &Hooks::default()).unwrap_err();
        assert_eq!(error.kind(), RegistryErrorKind::Invalid, "{id:?}: {error}");
    }
    assert_eq!(repository.git(&["worktree", "list"]).lines().count(), 1);
}

#[test]
fn a_setup_that_fails_leaves_nothing_but_its_last_lines() {
    let Some(repository) = Repository::new() else { return };
    let noisy = "seq 1 100; echo some work > new; git add new; git commit -qm work; sleep 1000 & echo it broke >&2; exit 3";
    let hooks = Hooks { setup: script(noisy), ..Hooks::default() };
    let error = repository.create("0031", &hooks).unwrap_err();
    assert_refused(&error, &["[worktree] setup", "exit status: 3", "97 | 98 | 99 | 100 | it broke"]);
    assert!(!error.to_string().contains("95"), "{error}");
    let row = repository.agent("0031");
    assert_eq!((row.worktree, row.branch, row.base_commit), (None, None, None));
    assert!(!repository.worktree("0031").exists() && !repository.has_branch("builder/0031"));
    assert_eq!(repository.git(&["worktree", "list"]).lines().count(), 1);
    let hooks = Hooks { setup: vec!["no-such-program".to_owned()], ..Hooks::default() };
    let again = repository.create("0032", &hooks).unwrap_err();
    assert_refused(&again, &["no-such-program", "cannot be started"]);
    assert!(!repository.worktree("0032").exists());
    let setup =
        "test -f README && echo \"$CONCLAVE_AGENT_ID $CONCLAVE_WORKTREE $CONCLAVE_ROOT\" > seen.secret";
    let hooks = Hooks { setup: script(setup), ..Hooks::default() };
    let made = repository.create("0033", &hooks).unwrap();
    let seen = std::fs::read_to_string(made.folder.join("seen.secret")).unwrap();
    assert_eq!(seen, format!("0033 {} {}\n", made.folder.display(), repository.root().display()));
}

/// What a kill leaves: the second try says what is there, and the cleanup takes it away.
#[test]
fn whatever_a_kill_leaves_is_said_and_can_be_removed() {
    let Some(repository) = Repository::new() else { return };
    let records = |id: &str| {
        repository.builder(id);
        let (folder, head) = (repository.worktree(id), repository.head());
        crate::files::sql(
            &repository.state,
            &format!(
                "UPDATE builders SET worktree = '{}', branch = 'builder/{id}', base_commit = '{head}' WHERE id = '{id}'",
                folder.display()
            ),
        );
    };
    let again = |id: &str| {
        let agent = repository.agent(id);
        worktree::create(&repository.state, repository.root(), &agent, &Hooks::default())
    };
    // Before git ran: the row alone. The second try just goes on.
    records("a");
    assert_eq!(worktree::orphans(&repository.state, repository.root()).unwrap(), [Orphan::Row("a".into())]);
    again("a").unwrap();
    // After git ran.
    records("b");
    let folder = repository.worktree("b");
    repository.git(&["worktree", "add", "-q", "-b", "builder/b", folder.to_str().unwrap()]);
    assert_refused(&again("b").unwrap_err(), &["both are there already", "builder/b"]);
    // In the middle of git: its lock says so, and nothing is in the index.
    records("c");
    let folder = repository.worktree("c");
    repository.git(&["worktree", "add", "-q", "--no-checkout", "-b", "builder/c", folder.to_str().unwrap()]);
    repository.git(&["worktree", "lock", "--reason", "initializing", folder.to_str().unwrap()]);
    assert_refused(&again("c").unwrap_err(), &["both are there already"]);
    // The branch alone.
    records("d");
    repository.git(&["branch", "builder/d"]);
    assert_refused(&again("d").unwrap_err(), &["the branch is there already"]);
    for id in ["a", "b", "c", "d"] {
        let done = repository.clean_up(id, USUAL).unwrap_or_else(|error| panic!("{id}: {error}"));
        assert_eq!(done.deleted_branch, Some(format!("builder/{id}")));
        repository.assert_gone(id);
        assert!(!repository.has_branch(&format!("builder/{id}")));
        repository.create(id, &Hooks::default()).unwrap();
    }
    // The folder alone, without a row: the doctor's business.
    let foreign = repository.worktree("e");
    repository.git(&["worktree", "add", "-q", "-b", "builder/e", foreign.to_str().unwrap()]);
    assert_eq!(worktree::orphans(&repository.state, repository.root()).unwrap(), [Orphan::Folder(foreign)]);
    repository.clean_up("a", FORCE).unwrap();
}

/// Killed in the middle, there is a row that leads `cleanup` to what was made; and the branch begins where the row says,
/// whoever commits meanwhile.
#[test]
fn the_row_is_there_before_the_folder_and_says_where_the_branch_begins() {
    let Some(repository) = Repository::new() else { return };
    let before = repository.head();
    // Git runs this in the middle of `worktree add`.
    let hook = "#!/bin/sh\ncp \"$ROOT/.conclave/state.db-wal\" \"$ROOT/.conclave/seen\"\n";
    let hook = hook.replace("$ROOT", &repository.root().display().to_string());
    crate::repository::write(&repository.path(".git/hooks/post-checkout"), &hook);
    let rights = std::os::unix::fs::PermissionsExt::from_mode(0o755);
    std::fs::set_permissions(repository.path(".git/hooks/post-checkout"), rights).unwrap();
    let made = repository.create("x", &Hooks::default()).unwrap();
    let seen = std::fs::read(repository.path(".conclave/seen")).unwrap();
    let has = |text: &str| seen.windows(text.len()).any(|bytes| bytes == text.as_bytes());
    assert!(has("builder/x") && has(&before), "the row was not durable while git made the folder");
    assert_eq!((made.base_commit, repository.git(&["rev-parse", "builder/x"])), (before.clone(), before));
}

#[test]
fn a_list_of_files_that_is_a_pipe_is_refused_and_nobody_waits_for_it() {
    let Some(repository) = Repository::new() else { return };
    if !std::process::Command::new("mkfifo")
        .arg(repository.path(".worktreeinclude"))
        .status()
        .is_ok_and(|s| s.success())
    {
        conclave_testkit::skipped("no mkfifo(1) here");
        return;
    }
    let error = repository.create("x", &Hooks::default()).unwrap_err();
    assert_refused(&error, &[".worktreeinclude is no regular file"]);
    assert!(error.hint().is_some());
    assert!(!repository.worktree("x").exists() && !repository.has_branch("builder/x"));
}

#[test]
fn a_setup_that_fails_says_where_it_stands_and_what_became_of_the_worktree() {
    let Some(repository) = Repository::new() else { return };
    let hooks = Hooks { setup: script("exit 4"), ..Hooks::default() };
    let error = repository.create("x", &hooks).unwrap_err();
    assert_eq!(
        error.hint(),
        Some("worktree and branch are removed again; mend `setup` in the section [worktree] of config.toml")
    );
    assert!(!repository.worktree("x").exists() && !repository.has_branch("builder/x"));
}
