//! What is said of programs that are there, are not, or do not do what they should.

use std::os::unix::fs::PermissionsExt as _;

use conclave_db::doctor::CheckState;

use super::checks;
use crate::project::{Environment, Places, Project};

#[test]
fn each_program_is_started_once_in_a_home_of_its_own() {
    let dir = tempfile::tempdir().unwrap();
    let root = dir.path().canonicalize().unwrap();
    let programs = root.join("bin");
    std::fs::create_dir_all(root.join(".conclave")).unwrap();
    std::fs::create_dir(&programs).unwrap();
    for (name, script) in [
        ("claude", "echo run >> \"$0.log\"; echo \"claude 9 in <$HOME> for <$CONCLAVE_ACTOR>\""),
        ("codex", "echo broken >&2; exit 3"),
        ("mine", "echo must not run > \"$0.log\""),
    ] {
        let file = programs.join(name);
        std::fs::write(&file, format!("#!/bin/sh\n{script}\n")).unwrap();
        std::fs::set_permissions(&file, std::fs::Permissions::from_mode(0o755)).unwrap();
    }
    let config = "[[agents]]\nname = 'claude'\ncopies = 2\n[[agents]]\nname = 'codex'\n[[agents]]\nname = 'gemini'\n\
                  [[agents]]\nname = 'm'\ncommand = ['mine']\n";
    std::fs::write(root.join(".conclave/config.toml"), config).unwrap();
    let path = format!("{}:/usr/bin:/bin", programs.display());
    let environment = Environment::new(&root, &[("PATH", &path), ("HOME", "/h"), ("CONCLAVE_ACTOR", "x")]);
    let project = Project::find(&environment, &Places::default()).unwrap();
    let found = checks(&project, &environment);
    let states: Vec<CheckState> = found.iter().map(|check| check.state).collect();
    assert_eq!(states, [CheckState::Ok, CheckState::Warn, CheckState::Warn, CheckState::Ok], "{found:?}");
    let details: Vec<&str> = found.iter().map(|check| check.detail.as_str()).collect();
    assert!(
        details[0].starts_with("claude#1, claude#2: claude 9 in </") && details[0].contains("for <>"),
        "{details:?}"
    );
    assert!(!details[0].contains("</h>"), "{details:?}");
    assert!(details[1].contains("--version: exit 3 broken"), "{details:?}");
    assert_eq!(details[2], "gemini: \"gemini\" is not installed");
    assert!(found[2].advice.as_ref().unwrap().contains("npm install"), "{found:?}");
    assert_eq!(
        std::fs::read_to_string(programs.join("claude.log")).unwrap(),
        "run\n",
        "once for both copies"
    );
    assert!(!programs.join("mine.log").exists(), "a command of one's own is not started");
}

#[test]
fn without_agents_it_warns_and_says_what_to_do() {
    let dir = tempfile::tempdir().unwrap();
    let root = dir.path().canonicalize().unwrap();
    std::fs::create_dir_all(root.join(".conclave")).unwrap();
    let environment = Environment::new(&root, &[("PATH", root.to_str().unwrap()), ("HOME", "/h")]);
    let project = Project::find(&environment, &Places::default()).unwrap();
    let found = checks(&project, &environment);
    assert_eq!((found.len(), found[0].state), (1, CheckState::Warn), "{found:?}");
    let advice = found[0].advice.as_deref().unwrap();
    assert!(advice.contains("[[agents]]") && advice.contains("conclave demo"), "{advice}");
}

#[test]
fn a_model_is_looked_for_among_the_hosts() {
    let dir = tempfile::tempdir().unwrap();
    let root = dir.path().canonicalize().unwrap();
    std::fs::create_dir_all(root.join(".conclave")).unwrap();
    let config = "[[hosts]]\nname = 'h'\nurl = 'http://h:1'\ndialect = 'ollama'\nmodels = ['m:1']\n\
                  [[agents]]\nname = 'x'\nmodel = 'm:1'\n[[agents]]\nname = 'y'\nmodel = 'n'\n\
                  [[agents]]\nname = 'z'\nroute = 'code'\n";
    std::fs::write(root.join(".conclave/config.toml"), config).unwrap();
    let environment = Environment::new(&root, &[("PATH", "/usr/bin:/bin")]);
    let project = Project::find(&environment, &Places::default()).unwrap();
    let found = checks(&project, &environment);
    let said: Vec<_> = found.iter().map(|check| (check.state, check.detail.as_str())).collect();
    let wanted = [
        (CheckState::Ok, "x: model m:1, at h"),
        (CheckState::Warn, "y: no host has the model \"n\""),
        (CheckState::Ok, "z: task type code, at h"),
    ];
    assert_eq!(said, wanted);
}

#[test]
fn what_may_be_a_mistake_is_told() {
    let dir = tempfile::tempdir().unwrap();
    let root = dir.path().canonicalize().unwrap();
    std::fs::create_dir_all(root.join(".conclave")).unwrap();
    std::fs::write(root.join("agent.sh"), "#!/bin/sh\n").unwrap();
    let host = |name: &str, more: &str| {
        format!(
            "[[hosts]]\nname = '{name}'\nurl = 'http://{name}:1'\ndialect = 'ollama'\ntasks = ['code']\n{more}\n"
        )
    };
    let agents = "[[agents]]\nname = 'x'\nmodel = 'm:1'\n[[agents]]\nname = 'z'\nroute = 'poems'\n\
                  [[agents]]\nname = 's'\ncommand = ['./agent.sh']\n";
    let config = host("h", "models = ['m:1']") + &host("i", "") + agents;
    std::fs::write(root.join(".conclave/config.toml"), config).unwrap();
    let environment = Environment::new(&root, &[("PATH", "/usr/bin:/bin")]);
    let project = Project::find(&environment, &Places::default()).unwrap();
    let found = checks(&project, &environment);
    let said: Vec<_> = found.iter().map(|check| (check.state, check.detail.as_str())).collect();
    let wanted = [
        (CheckState::Warn, "s: \"./agent.sh\" is not executable"),
        (CheckState::Ok, "x: model m:1, at h, i if it has it"),
        (CheckState::Warn, "z: no host lists the task type \"poems\", so all are asked: h, i"),
    ];
    assert_eq!(said, wanted);
    assert!(found[0].advice.as_ref().unwrap().starts_with("`chmod +x "), "{found:?}");
}
