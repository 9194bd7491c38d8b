//! The table itself, and what is found on PATH.

use std::os::unix::fs::PermissionsExt as _;
use std::time::Duration;

use super::{PRESETS, installed, preset};

#[test]
fn every_preset_has_its_name_and_lower_case_signs() {
    for row in PRESETS {
        assert_eq!(preset(row.name), Some(row));
        assert_eq!(PRESETS.iter().filter(|other| other.name == row.name).count(), 1);
        for (sign, _) in row.signs {
            assert_eq!(*sign, sign.to_lowercase(), "compared with text in lower case");
        }
        let environment = row.environment();
        assert!(environment.contains(&"HTTPS_PROXY"));
        for name in &environment {
            assert_eq!(environment.iter().filter(|other| *other == name).count(), 1, "{name} twice");
        }
    }
    assert_eq!(preset("Claude"), None);
    assert_eq!(preset(""), None);
}

#[test]
fn an_agent_without_configuration_has_the_usual_limits() {
    let agent = preset("gemini").unwrap().definition();
    assert_eq!((agent.timeout, agent.retries), (Duration::from_mins(20), 2));
    assert_eq!((agent.command, agent.family.as_deref()), (vec!["gemini".to_owned()], Some("google")));
}

#[test]
fn programs_are_found_on_path() {
    let (first, second) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    let put = |dir: &tempfile::TempDir, name: &str, mode: u32| {
        let file = dir.path().join(name);
        std::fs::write(&file, "").unwrap();
        std::fs::set_permissions(&file, std::fs::Permissions::from_mode(mode)).unwrap();
        file
    };
    put(&first, "claude", 0o644);
    std::fs::create_dir(first.path().join("codex")).unwrap();
    let claude = put(&second, "claude", 0o755);
    let gemini = put(&first, "gemini", 0o755);
    put(&second, "gemini", 0o755);
    let path = std::env::join_paths(["".as_ref(), "no/such".as_ref(), first.path(), second.path()]).unwrap();
    let found: Vec<_> = installed(&path).into_iter().map(|(preset, file)| (preset.name, file)).collect();
    assert_eq!(found, [("claude", claude), ("gemini", gemini)]);
    assert_eq!(installed("".as_ref()), []);
    // A folder by a relative name is another one wherever a run's own folder is.
    let up = "../".repeat(std::env::current_dir().unwrap().components().count());
    let relative = format!("{up}{}", second.path().display());
    assert!(std::path::Path::new(&relative).join("gemini").is_file());
    assert_eq!(installed(relative.as_ref()), []);
}
