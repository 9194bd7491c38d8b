//! Which project a path belongs to, on real folders.

use std::ffi::OsString;
use std::fs;
use std::os::unix::fs::{PermissionsExt, symlink};
use std::path::{Path, PathBuf};

use conclave_db::ErrorKind;
use conclave_db::paths::{Environment, Found, canonical, canonical_prefix, ensure_state_dir, locate};
use conclave_testkit::{TempProject, skipped};

fn check(start: &Path, root: &Path, found: Found) {
    let located = locate(start).unwrap();
    assert_eq!((located.path(), located.found()), (root, found), "from {}", start.display());
    assert_eq!(located.state_dir(), root.join(".conclave"));
    assert_eq!(located.has_state(), root.join(".conclave").is_dir());
}

#[test]
fn every_spelling_of_a_project_is_one_project() {
    let project = TempProject::with_state();
    let root = project.root();
    let deep = project.folder("a/b/c");
    let link = root.with_file_name("link");
    symlink(root, &link).unwrap();
    let mut with_slash = root.as_os_str().to_owned();
    with_slash.push("/");
    for start in [
        root.to_path_buf(),
        PathBuf::from(with_slash),
        link.clone(),
        link.join("a/b"),
        deep.clone(),
        deep.join("../../."),
        project.state_dir(),
    ] {
        check(&start, root, Found::Nearest);
    }
}

#[test]
fn without_state_the_git_top_or_the_start_would_be_the_root() {
    let project = TempProject::new();
    let plain = project.folder("plain/deep");
    check(&plain, &plain, Found::Start);
    let checkout = project.git_checkout("checkout");
    let inside = project.folder("checkout/src/deep");
    check(&inside, &checkout, Found::GitTop);
    assert!(!checkout.join(".conclave").exists(), "looking creates nothing");
}

#[test]
fn a_file_named_like_the_state_folder_is_no_state() {
    let project = TempProject::new();
    project.file(".conclave", b"");
    check(project.root(), project.root(), Found::Start);
}

#[test]
fn a_worktree_uses_the_main_checkouts_state() {
    let project = TempProject::new();
    let main = project.git_checkout("main");
    let worktree = project.git_worktree(&main, "elsewhere/feature");
    let inside = project.folder("elsewhere/feature/src");
    check(&inside, &worktree, Found::GitTop);
    project.folder("main/.conclave");
    check(&inside, &main, Found::MainCheckout);
    // State of its own is nearer.
    project.folder("elsewhere/feature/.conclave");
    check(&inside, &worktree, Found::Nearest);
}

#[test]
fn a_builders_worktree_belongs_to_the_main_checkout() {
    let project = TempProject::new();
    let main = project.git_checkout("main");
    project.git_worktree(&main, "main/.builders/b7");
    let inside = project.folder("main/.builders/b7/src");
    check(&inside, &main, Found::BuildersOwner);
    project.folder("main/.conclave");
    check(&inside, &main, Found::BuildersOwner);
    // A committed `.conclave/config.toml` is checked out in each worktree; it is not the builder's state.
    project.file("main/.builders/b7/.conclave/config.toml", b"");
    check(&inside, &main, Found::BuildersOwner);
    // A builder inside a builder.
    project.git_worktree(&main, "main/.builders/b7/.builders/c1");
    check(&project.path("main/.builders/b7/.builders/c1"), &main, Found::BuildersOwner);
    // The folder of the builders itself is a part of the main checkout.
    check(&project.path("main/.builders"), &main, Found::Nearest);
}

#[test]
fn a_builder_of_a_project_below_the_git_top_finds_it() {
    let project = TempProject::new();
    let main = project.git_checkout("main");
    let above = project.folder(".conclave").parent().unwrap().to_path_buf();
    project.git_worktree(&main, "main/.builders/b7");
    check(&project.path("main/.builders/b7"), &above, Found::BuildersOwner);
    // No git at all: the owner of `.builders`.
    let plain = TempProject::with_state();
    let builder = plain.folder(".builders/b1/src");
    check(&builder, plain.root(), Found::BuildersOwner);
    // The outermost builder decides, also where an inner one has a state folder.
    plain.folder(".builders/b1/.conclave");
    check(&plain.folder(".builders/b1/.builders/c1"), plain.root(), Found::BuildersOwner);
}

#[test]
fn a_builder_belongs_to_the_project_that_made_it() {
    let project = TempProject::new();
    let main = project.git_checkout("main");
    // A project below the top of its checkout.
    project.folder("main/part/.conclave");
    project.git_worktree(&main, "main/part/.builders/b7");
    let part = project.path("main/part");
    check(&project.folder("main/part/.builders/b7/src"), &part, Found::BuildersOwner);
    // A project in a worktree, also where the main checkout is one too.
    let linked = project.git_worktree(&main, "linked");
    project.folder("linked/.conclave");
    project.folder("main/.conclave");
    project.git_worktree(&main, "linked/.builders/b8");
    check(&project.path("linked/.builders/b8"), &linked, Found::BuildersOwner);
    // Somebody else's project is not the one.
    project.folder("other/.conclave");
    project.git_worktree(&main, "other/.builders/b9");
    check(&project.path("other/.builders/b9"), &main, Found::BuildersOwner);
}

#[test]
fn relative_pointers_submodules_bare_and_pruned_worktrees() {
    let project = TempProject::new();
    let main = project.git_checkout("main");
    project.folder("main/.conclave");
    // `git worktree add --relative-paths`.
    let relative = project.git_worktree(&main, "relative");
    fs::write(relative.join(".git"), "gitdir: ../main/.git/worktrees/relative\n").unwrap();
    check(&relative, &main, Found::MainCheckout);
    // A submodule has a pointer, but is a project of its own; here the nearest state is its owner's.
    let sub = project.folder("main/sub");
    fs::write(sub.join(".git"), "gitdir: ../.git/modules/sub\n").unwrap();
    check(&sub, &main, Found::Nearest);
    let lone = project.folder("lone");
    fs::write(lone.join(".git"), "gitdir: ../main/.git/modules/lone\n").unwrap();
    check(&lone, &lone, Found::GitTop);
    // A bare repository has no main checkout; the state beside it is of something else.
    project.folder("bare/.conclave");
    project.file("bare/bare.git/worktrees/w/commondir", b"../..\n");
    let bare = project.folder("w");
    fs::write(
        bare.join(".git"),
        format!("gitdir: {}\n", project.path("bare/bare.git/worktrees/w").display()),
    )
    .unwrap();
    check(&bare, &bare, Found::GitTop);
    // A pruned worktree points nowhere.
    let pruned = project.folder("pruned");
    fs::write(pruned.join(".git"), "gitdir: /nowhere/.git/worktrees/pruned\n").unwrap();
    check(&pruned, &pruned, Found::GitTop);
    // Something else in a file named `.git`.
    let odd = project.folder("odd");
    fs::write(odd.join(".git"), b"\xff\xfe").unwrap();
    check(&odd, &odd, Found::GitTop);
}

#[test]
fn a_worktree_with_blanks_in_its_name_is_understood() {
    let project = TempProject::new();
    let main = project.git_checkout("my main");
    project.folder("my main/.conclave");
    let worktree = project.git_worktree(&main, "a feature ");
    check(&worktree, &main, Found::MainCheckout);
}

/// What git itself writes. Skipped with a line where there is no git.
#[test]
fn git_agrees() {
    let project = TempProject::new();
    let main = project.folder("main");
    let git = |arguments: &[&str]| {
        std::process::Command::new("git")
            .args(["-c", "user.name=t", "-c", "user.email=t@t", "-c", "init.defaultBranch=main"])
            .args(arguments)
            .current_dir(&main)
            .output()
    };
    let Ok(made) = git(&["init"]) else {
        skipped("no git here");
        return;
    };
    assert!(made.status.success(), "{made:?}");
    for arguments in [
        ["commit", "--allow-empty", "-m", "first"].as_slice(),
        &["worktree", "add", "../feature"],
        &["worktree", "add", ".builders/b1"],
    ] {
        let done = git(arguments).unwrap();
        assert!(done.status.success(), "{done:?}");
    }
    project.folder("main/.conclave");
    check(&project.path("feature"), &main, Found::MainCheckout);
    check(&project.path("main/.builders/b1"), &main, Found::BuildersOwner);
}

#[test]
fn a_missing_start_is_an_error_with_its_name() {
    let project = TempProject::new();
    let error = locate(&project.path("nowhere")).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Missing);
    assert!(error.to_string().contains("nowhere"), "{error}");
}

#[test]
fn what_does_not_exist_yet_is_resolved_as_far_as_it_does() {
    let project = TempProject::new();
    let link = project.path("link");
    project.folder("real");
    symlink(project.path("real"), &link).unwrap();
    assert_eq!(canonical_prefix(&link.join("new/file")).unwrap(), project.path("real/new/file"));
    assert_eq!(canonical_prefix(&link).unwrap(), canonical(&project.path("real")).unwrap());
    let refused = canonical_prefix(&project.path("new/../x")).unwrap_err();
    assert_eq!(refused.kind(), ErrorKind::Invalid);
}

fn mode(path: &Path) -> u32 {
    fs::metadata(path).unwrap().permissions().mode() & 0o777
}

#[test]
fn the_state_folder_is_private_and_out_of_git() {
    let project = TempProject::new();
    let made = ensure_state_dir(&project.state_dir()).unwrap();
    assert_eq!((made.path.as_path(), made.created), (project.state_dir().as_path(), true));
    assert_eq!(mode(&made.path), 0o700);
    let ignored = project.state_dir().join(".gitignore");
    assert_eq!(
        fs::read_to_string(&ignored).unwrap(),
        "*\n!.gitignore\n!config.toml\n!prompts/\n!prompts/*.md\n"
    );
    // A second time changes nothing, not even what the user changed.
    fs::write(&ignored, "mine").unwrap();
    assert!(!ensure_state_dir(&project.state_dir()).unwrap().created);
    assert_eq!(fs::read_to_string(&ignored).unwrap(), "mine");
    // Killed between folder and file.
    fs::remove_file(&ignored).unwrap();
    assert!(!ensure_state_dir(&project.state_dir()).unwrap().created);
    assert!(ignored.exists());
    // Killed between file and content.
    fs::write(&ignored, "").unwrap();
    ensure_state_dir(&project.state_dir()).unwrap();
    assert_eq!(
        fs::read_to_string(&ignored).unwrap(),
        "*\n!.gitignore\n!config.toml\n!prompts/\n!prompts/*.md\n"
    );
}

#[test]
fn a_chosen_folder_that_exists_is_left_as_it_is() {
    let project = TempProject::new();
    let chosen = project.folder("chosen");
    fs::set_permissions(&chosen, fs::Permissions::from_mode(0o755)).unwrap();
    assert!(!ensure_state_dir(&chosen).unwrap().created);
    assert_eq!(fs::read_dir(&chosen).unwrap().count(), 0);
    assert_eq!(mode(&chosen), 0o755);
    let new = project.path("a/b/new");
    assert!(ensure_state_dir(&new).unwrap().created);
    assert!(new.join(".gitignore").exists());
    assert_eq!(mode(&project.path("a/b")), 0o700);
    let file = project.file("file", b"");
    assert!(ensure_state_dir(&file).is_err());
}

fn environment(variables: &[(&str, &str)]) -> Environment {
    Environment::from_lookup(|name| {
        variables.iter().find(|(known, _)| *known == name).map(|(_, value)| OsString::from(value))
    })
}

#[test]
fn places_outside_of_the_project_follow_the_xdg_rules() {
    let home = [("HOME", "/home/ada")];
    let global = |variables: &[(&str, &str)]| environment(variables).global_dir().unwrap();
    assert_eq!(global(&home), Path::new("/home/ada/.local/share/conclave"));
    assert_eq!(global(&[home[0], ("XDG_DATA_HOME", "/data")]), Path::new("/data/conclave"));
    assert_eq!(global(&[home[0], ("XDG_DATA_HOME", "")]), Path::new("/home/ada/.local/share/conclave"));
    let relative = [home[0], ("XDG_DATA_HOME", "data")];
    assert_eq!(global(&relative), Path::new("/home/ada/.local/share/conclave"), "relative is ignored");
    assert_eq!(global(&[("CONCLAVE_GLOBAL_DIR", "/g/x")]), Path::new("/g/x"), "replaces the whole");
    let all = environment(&[home[0], ("XDG_CONFIG_HOME", "/etc/ada")]);
    assert_eq!(all.config_file().unwrap(), Path::new("/etc/ada/conclave/config.toml"));
    assert_eq!(all.log_dir().unwrap(), Path::new("/home/ada/.local/state/conclave/log"));
    assert_eq!(all.state_dir, None);
    let error = environment(&[]).global_dir().unwrap_err();
    assert!(error.to_string().contains("HOME"), "{error}");
}
