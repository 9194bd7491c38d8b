//! Who is asked, by what is configured and what is installed.

use std::path::Path;

use super::{choose, find_program, known};
use crate::config::Config;
use crate::project::Environment;

/// A folder with the configuration and a program for each name; what they do does not matter.
struct Place {
    dir: tempfile::TempDir,
}

impl Place {
    fn new(text: &str, programs: &[&str]) -> Self {
        use std::os::unix::fs::PermissionsExt as _;
        let dir = tempfile::tempdir().unwrap();
        std::fs::write(dir.path().join("c.toml"), text).unwrap();
        for program in programs {
            let file = dir.path().join(program);
            std::fs::write(&file, "").unwrap();
            std::fs::set_permissions(&file, std::fs::Permissions::from_mode(0o755)).unwrap();
        }
        Self { dir }
    }

    fn environment(&self) -> Environment {
        Environment::new(self.dir.path(), &[("PATH", self.dir.path().to_str().unwrap())])
    }

    fn config(&self) -> Config {
        Config::load_named(&self.dir.path().join("c.toml")).unwrap()
    }

    fn names(&self, stage: &str, named: Option<&[&str]>) -> Result<Vec<String>, String> {
        let named: Option<Vec<String>> =
            named.map(|names| names.iter().map(|name| (*name).to_owned()).collect());
        choose(&self.config(), &self.environment(), self.dir.path(), stage, named.as_deref())
            .map(|agents| agents.into_iter().map(|agent| agent.name).collect())
            .map_err(|failure| failure.message)
    }
}

const TWO: &str = "[[agents]]\nname = 'a'\ncommand = ['x']\ncopies = 2\n[[agents]]\nname = 'b'\ncommand = ['./x']\nstages = ['spec-audit']\n";

#[test]
fn all_who_take_part_in_the_stage_are_asked() {
    let place = Place::new(TWO, &["x"]);
    assert_eq!(place.names("plan", None).unwrap(), ["a#1", "a#2"]);
    assert_eq!(place.names("audit", None).unwrap(), ["a#1", "a#2", "b"]);
    assert_eq!(place.names("plan", Some(&["b", "a#2"])).unwrap(), ["b", "a#2"], "whoever is named is asked");
    assert_eq!(place.names("plan", Some(&["a"])).unwrap(), ["a#1", "a#2"], "all copies");
    assert_eq!(place.names("plan", Some(&["c"])).unwrap_err(), "--agents: no agent \"c\"");
    assert_eq!(place.names("plan", Some(&["a", "a#1"])).unwrap_err(), "--agents names \"a#1\" twice");
    let only = Place::new("[[agents]]\nname = 'a'\ncommand = ['x']\nstages = ['audit']\n", &["x"]);
    assert_eq!(only.names("plan", None).unwrap_err(), "no agent is configured for the stage \"plan\"");
}

#[test]
fn a_program_that_is_not_there_is_named_before_anything_starts() {
    let place = Place::new(TWO, &[]);
    assert_eq!(
        place.names("audit", None).unwrap_err(),
        "not installed: a#1 (\"x\"), a#2 (\"x\"), b (\"./x\")"
    );
    std::fs::write(place.dir.path().join("x"), "").unwrap();
    assert!(find_program("x", &place.environment(), place.dir.path()).is_none(), "no right to run it");
    assert!(find_program("sh", &Environment::new(Path::new("/"), &[]), Path::new("/")).is_some());
}

#[test]
fn without_configured_agents_those_on_the_path_are_asked() {
    let place = Place::new("agents = []\n", &["claude", "gemini", "x"]);
    assert!(!known(&place.config(), &place.environment()).configured);
    assert_eq!(place.names("plan", None).unwrap(), ["claude", "gemini"]);
    assert_eq!(place.names("plan", Some(&["gemini"])).unwrap(), ["gemini"]);
    assert_eq!(place.names("plan", Some(&["codex"])).unwrap_err(), "not installed: codex");
    assert_eq!(place.names("plan", Some(&["x"])).unwrap_err(), "--agents: no agent \"x\"");
    let empty = Place::new("", &[]);
    assert!(
        empty
            .names("plan", None)
            .unwrap_err()
            .starts_with("no agents: none is configured, and none of claude")
    );
}
