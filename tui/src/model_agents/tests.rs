//! Who has a model, and what the children that ask it are given.

use std::ffi::OsString;
use std::path::Path;

use super::{missing, serving};
use crate::config::Config;
use crate::project::{Environment, Places, Project};

const HOSTS: &str = "[[hosts]]\nname = 'a'\nurl = 'http://a:1'\ndialect = 'ollama'\nmodels = ['m:7b', 'n']\n\
                     tasks = ['code']\napi_key_env = 'KEY_OF_A'\n\
                     [[hosts]]\nname = 'b'\nurl = 'http://b:1'\ndialect = 'openai'\nmodels = ['o']\n";
const CLOUD: &str =
    "[fallback]\nname = 'cloud'\ndialect = 'anthropic'\nmodel = 'c'\napi_key_env = 'CONCLAVE_CLOUD'\n";

fn config(folder: &Path, text: &str) -> Config {
    let file = folder.join("c.toml");
    std::fs::write(&file, text).unwrap();
    Config::load_named(&file).unwrap()
}

#[test]
fn a_model_is_at_the_hosts_that_have_it() {
    let dir = tempfile::tempdir().unwrap();
    let check = |hosts: &str, asked: &str, wanted: Result<&[&str], &str>| {
        let config = config(dir.path(), &format!("{hosts}[[agents]]\nname = 'x'\n{asked}\n"));
        let agent = &config.agents.as_ref().unwrap()[0];
        match (missing(agent, &config), wanted) {
            (None, Ok(names)) => assert_eq!(serving(agent, &config), names, "{asked}"),
            (Some((why, _)), Err(wanted)) => assert_eq!(why, wanted, "{asked}"),
            (found, wanted) => panic!("{asked}: {found:?}, not {wanted:?}"),
        }
    };
    check(HOSTS, "model = 'm:7b'", Ok(&["a"]));
    check(HOSTS, "model = 'n:latest'", Ok(&["a"]));
    check(HOSTS, "model = 'm'", Err("x: no host has the model \"m\""));
    check(HOSTS, "route = 'code'", Ok(&["a", "b"]));
    check(HOSTS, "route = 'poems'", Ok(&["b"]));
    check("", "model = 'm'", Err("x: no host for models is configured"));
    check("", "route = 'code'", Err("x: no host for models is configured"));
    check("", "command = ['sh']", Ok(&[]));
    check(&format!("{HOSTS}{CLOUD}"), "model = 'm:7b'", Ok(&["a", "cloud"]));
}

// llm R1
#[test]
fn a_task_type_that_no_host_takes_is_told() {
    let dir = tempfile::tempdir().unwrap();
    let one =
        |tasks: &str| format!("[[hosts]]\nname = 'a'\nurl = 'http://a:1'\ndialect = 'ollama'\n{tasks}\n");
    let is_served = |hosts: &str| super::is_served("poems", &config(dir.path(), hosts));
    assert!(!is_served(&one("tasks = ['code']")) && !is_served(&(one("tasks = ['code']") + CLOUD)));
    assert!(is_served(&one("tasks = ['code', 'poems']")) && is_served(&one("")) && is_served(HOSTS));
    assert!(is_served(CLOUD), "the cloud is all there is");
}

#[test]
fn an_agent_that_is_a_model_has_its_family_and_one_retry() {
    let dir = tempfile::tempdir().unwrap();
    let text =
        "[[agents]]\nname = 'claude'\nmodel = 'codellama:34b'\n[[agents]]\nname = 'r'\nroute = 'code'\n";
    let agents = config(dir.path(), text).agents.unwrap();
    let [model, route] = &agents[..] else { panic!("{agents:?}") };
    assert_eq!((model.family.as_deref(), model.retries, &model.preset), (Some("codellama"), 1, &None));
    assert!(model.command.is_empty() && model.is_model() && route.is_model());
    assert_eq!((route.route.as_deref(), &route.family), (Some("code"), &None));
}

#[test]
fn children_find_the_same_configuration_and_the_keys() {
    let dir = tempfile::tempdir().unwrap();
    let root = dir.path().canonicalize().unwrap();
    std::fs::create_dir(root.join(".conclave")).unwrap();
    std::fs::write(root.join("c.toml"), format!("{HOSTS}{CLOUD}")).unwrap();
    let environment = Environment::new(&root, &[("CONCLAVE_GLOBAL_DIR", "/g"), ("KEY_OF_A", "sk-a")]);
    let places = Places { config: Some("c.toml".into()), ..Places::default() };
    let project = Project::find(&environment, &places).unwrap();
    let state = root.join(".conclave").into_os_string();
    let file = root.join("c.toml").into_os_string();
    let wanted: Vec<OsString> =
        vec!["--state-dir".into(), state, "--config".into(), file, "--global-dir".into(), "/g".into()];
    assert_eq!(project.options, wanted);
    let asked = super::asked_by(&project, &environment);
    assert_eq!(asked.variables, ["KEY_OF_A", "CONCLAVE_CLOUD"]);
    // A test is not the program.
    assert!(asked.program.is_empty());
    assert!(!format!("{asked:?}").contains("sk-a"));
}
