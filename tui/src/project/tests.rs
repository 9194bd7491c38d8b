//! Which folder is the project, by what lies around.

use std::path::Path;

use super::{Environment, Places, Project};

fn find(folder: &Path) -> Project {
    Project::find(&Environment::new(folder, &[("HOME", "/home/x")]), &Places::default()).unwrap()
}

#[test]
fn the_nearest_folder_with_state_is_the_project() {
    let dir = tempfile::tempdir().unwrap();
    let top = dir.path().canonicalize().unwrap();
    let deep = top.join("a/b/c");
    std::fs::create_dir_all(&deep).unwrap();
    assert_eq!(find(&deep).root, deep, "nothing around: the folder itself");
    std::fs::create_dir(top.join("a/.git")).unwrap();
    assert_eq!(find(&deep).root, top.join("a"), "the top of the checkout");
    std::fs::create_dir(top.join(".conclave")).unwrap();
    assert_eq!(find(&deep).root, top, "state above a checkout");
    std::fs::create_dir(top.join("a/b/.conclave")).unwrap();
    assert_eq!(find(&deep).root, top.join("a/b"));
    std::os::unix::fs::symlink(&deep, top.join("link")).unwrap();
    assert_eq!(find(&top.join("link")).root, top.join("a/b"), "through a link");
    assert!(!find(&deep).has_state());
}

#[test]
fn the_configuration_may_name_the_database() {
    let dir = tempfile::tempdir().unwrap();
    let top = dir.path().canonicalize().unwrap();
    std::fs::create_dir(top.join(".conclave")).unwrap();
    let config = top.join(".conclave/config.toml");
    for (path, wanted) in [
        ("old/x.db", top.join("old/x.db")),
        ("/abs/x.db", "/abs/x.db".into()),
        ("~/x.db", "/home/x/x.db".into()),
    ] {
        std::fs::write(&config, format!("[state]\npath = '{path}'\n")).unwrap();
        assert_eq!(find(&top).database, wanted);
    }
    let places = Places { state_dir: Some("s".into()), ..Places::default() };
    let elsewhere = Project::find(&Environment::new(&top, &[]), &places).unwrap();
    assert_eq!(elsewhere.database, top.join("s/state.db"), "--state-dir replaces the folder as a whole");
}

#[test]
fn agents_are_read_again_and_the_state_stays_where_it_is() {
    let dir = tempfile::tempdir().unwrap();
    let mut project = find(dir.path());
    project.init().unwrap();
    let (config, database) = (project.state_dir.join("config.toml"), project.database.clone());
    let agent = "[state]\npath = 'x.db'\n[[agents]]\nname = 'one'\ncommand = ['true']\n";
    std::fs::write(&config, agent).unwrap();
    project.read_agents_again().unwrap();
    std::fs::write(&config, "[[agents").unwrap();
    project.read_agents_again().unwrap_err();
    assert_eq!(project.config.agents.unwrap()[0].name, "one", "as it was last good");
    assert_eq!(project.database, database);
}

#[test]
fn init_makes_what_is_missing_and_nothing_twice() {
    let dir = tempfile::tempdir().unwrap();
    let project = find(dir.path());
    assert_eq!(project.init().unwrap().len(), 2);
    assert_eq!(project.init().unwrap(), Vec::<std::path::PathBuf>::new());
    let ignore = std::fs::read_to_string(project.state_dir.join(".gitignore")).unwrap();
    assert_eq!(ignore, "*\n!.gitignore\n!config.toml\n!prompts/\n!prompts/*.md\n");
}
