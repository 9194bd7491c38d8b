//! What is accepted, and what is said of the rest.

use std::path::Path;

use conclave_registry::ports::FirstBase;
use conclave_spool::{MonitorName, Priority, SpoolOptions};
use proptest::prelude::*;

use super::{
    COMMENTED, CacheSettings, Config, SOAKS, SpoolSettings, TABLES, TaskSettings, WorktreeSettings, agents,
    cache, hosts, parse, ports, spool, stages, tasks, worktree,
};

fn check(text: &str) -> Result<Config, String> {
    parse(Path::new("c.toml"), text).map_err(|failure| failure.message)
}

#[test]
fn mistakes_are_named_with_file_line_and_key() {
    for (text, wanted) in [
        ("[state]\npth = 'x'\n", "configuration: c.toml:2:1: state.pth: no such key"),
        (
            "\n\n[state]\npath = 3\n",
            "configuration: c.toml:4:8: state.path: wanted a path in quotes, found a number",
        ),
        ("[state]\npath = ''\n", "configuration: c.toml:2:8: state.path: is empty, wanted a path"),
        ("state = 1\n", "configuration: c.toml:1:9: state: wanted a table, found a number"),
        ("[ui]\nmouse = 'no'\n", "configuration: c.toml:2:9: ui.mouse: wanted true or false, found text"),
        ("[stat]\n", "configuration: c.toml:1:2: stat: no such key"),
        ("[migration]\nsoak = '7d'\n", "configuration: c.toml:2:1: migration.soak: no such key"),
        (
            "[migration]\nsoak_before_3 = true\n",
            "configuration: c.toml:2:17: migration.soak_before_3: wanted a duration such as \"7d\", found a boolean",
        ),
        (
            "[migration]\nsoak_before_4 = '-7d'\n",
            "configuration: c.toml:2:17: migration.soak_before_4: \"-7d\" is no duration, such as 500ms, 5s, 2m, 1h, 7d or a number of seconds",
        ),
    ] {
        assert_eq!(check(text).unwrap_err(), wanted);
    }
    let broken = check("[state]\npath = \n").unwrap_err();
    assert!(broken.starts_with("configuration: c.toml:2:"), "{broken}");
    assert!(!broken.contains('\n'), "{broken}");
}

#[test]
fn the_file_of_init_is_valid_with_and_without_its_comments() {
    assert_eq!(check(COMMENTED).unwrap(), Config::default());
    let uncommented = uncommented();
    let config = check(&uncommented).unwrap();
    assert_eq!(config.state_path.as_deref(), Some(Path::new(".conclave/state.db")));
    assert_eq!(config.mouse, Some(true));
    let agent = &config.agents.unwrap()[0];
    assert_eq!((agent.name.as_str(), agent.preset.as_deref()), ("claude", Some("claude")));
    assert_eq!(config.prompts["plan"], "Write a plan.");
    let wanted = TaskSettings {
        prefix: Some("bd".into()),
        statuses: Some(vec!["review".into()]),
        types: Some(vec!["spec".into()]),
        max_line: Some(64 << 20),
        tombstone_days: Some(30),
        concat: Some(false),
    };
    assert_eq!(config.tasks, wanted);
    assert_eq!(config.first_base.map(FirstBase::get), Some(4200));
    let words = |last: &str| Some(vec!["make".to_owned(), last.to_owned()]);
    assert_eq!(config.worktree, WorktreeSettings { setup: words("setup"), teardown: words("clean") });
    let options = config.spool.options().unwrap();
    let usual = SpoolOptions::default();
    assert_eq!(options.limits, usual.limits, "what stands there is what holds without it");
    let rest = (options.sync_events, options.log_interval, config.spool.transcripts);
    assert_eq!(rest, (usual.sync_events, usual.log_interval, Some(true)));
    let build = MonitorName::parse("build").unwrap();
    assert!(options.monitors.is_known(&build));
    for name in options.monitors.iter().filter(|name| **name != build) {
        assert_eq!(options.monitors.priority(name), usual.monitors.priority(name), "{name}");
    }
    let wanted = CacheSettings {
        max_entries: Some(10_000),
        max_bytes: Some(100 << 20),
        lock_timeout: Some(std::time::Duration::from_secs(5)),
        on_lock_timeout: Some(conclave_cache::OnLockTimeout::Fail),
    };
    assert_eq!(config.cache, wanted);
    let hosts = config.hosts.resolved(Path::new("/p"), Some(Path::new("/h")));
    let (host, fallback) = (&hosts.hosts[0], hosts.fallback.unwrap());
    assert_eq!((host.name.as_str(), host.endpoint.as_str()), ("surtr", "http://surtr:11434"));
    assert_eq!(fallback.on, conclave_llm::Fallback::ON, "what stands there is what holds without it");
    assert_eq!(
        fallback.host.key,
        Some(conclave_llm::KeySource::File("/h/.config/conclave/anthropic.key".into()))
    );
}

/// The file of `init` with every key in force.
fn uncommented() -> String {
    let key = |rest: &&str| rest.contains(" = ") || rest.starts_with('[');
    let line = |line: &'static str| line.strip_prefix("# ").filter(key).unwrap_or(line);
    COMMENTED.lines().map(line).flat_map(|line| [line, "\n"]).collect()
}

#[test]
fn every_key_stands_in_the_file_of_init() {
    let keys =
        ["path", "mouse"].iter().chain(&SOAKS).chain(&agents::KEYS).chain(&stages::KEYS).chain(&tasks::KEYS);
    let keys = keys.chain(&ports::KEYS).chain(&worktree::KEYS).chain(&spool::KEYS).chain(&cache::KEYS);
    let keys =
        keys.chain(&hosts::KEYS).chain(&hosts::OF_HOST).chain(&hosts::OF_FALLBACK).chain(&hosts::OF_LLM);
    let keys = keys.chain(&super::work::KEYS);
    for key in keys {
        let commented = format!("\n# {key} = ");
        assert!(COMMENTED.contains(&commented), "{key}");
    }
    for table in TABLES {
        assert!(uncommented().contains(&format!("[{table}")), "{table}");
    }
}

#[test]
fn the_first_file_wins_key_by_key() {
    let dir = tempfile::tempdir().unwrap();
    let files = [dir.path().join("first"), dir.path().join("missing"), dir.path().join("second")];
    std::fs::write(&files[0], "[ui]\nmouse = false\n").unwrap();
    std::fs::write(&files[2], "[ui]\nmouse = true\n[state]\npath = 'x'\n").unwrap();
    let config = Config::load(&files).unwrap();
    let wanted = Config { state_path: Some("x".into()), mouse: Some(false), ..Config::default() };
    assert_eq!(config, wanted);
    assert!(Config::load_named(&files[1]).is_err());
}

proptest! {
    #[test]
    fn no_text_panics(text in "[\\[\\]a-z=\"'\n .#0-9]{0,80}") {
        let _ = check(&text);
    }
}

// spool A13
#[test]
fn mistakes_in_the_settings_of_the_spool_are_named() {
    for (text, wanted) in [
        ("quota_mb = 0", "2:12: spool.quota_mb: wanted a whole number from 1 to 1099511627776, found 0"),
        ("quota_mb = -1", "2:12: spool.quota_mb: wanted a whole number from 1 to 1099511627776, found -1"),
        ("quota_mb = 99999999999999999999", "2:12: spool.quota_mb: wanted a whole number from 1"),
        (
            "quota_mb = 0.5",
            "2:12: spool.quota_mb: wanted a whole number from 1 to 1099511627776, found a number",
        ),
        (
            "quota_mb = 'abc'",
            "2:12: spool.quota_mb: wanted a whole number from 1 to 1099511627776, found text",
        ),
        ("soft_pct = 0", "2:12: spool.soft_pct: wanted a whole number from 1 to 100, found 0"),
        ("hard_pct = 150", "2:12: spool.hard_pct: wanted a whole number from 1 to 100, found 150"),
        ("resume_pct = 101", "2:14: spool.resume_pct: wanted a whole number from 1 to 100, found 101"),
        ("keep_free_pct = 51", "2:17: spool.keep_free_pct: wanted a whole number from 0 to 50, found 51"),
        ("sync_events = 0", "2:15: spool.sync_events: wanted a whole number from 1 to 1000000, found 0"),
        ("monitors = 'build'", "2:12: spool.monitors: wanted a list such as [\"build\"], found text"),
        ("monitors = ['../evil']", "2:13: spool.monitors: \"../evil\" is no monitor"),
        ("monitors = ['']", "2:13: spool.monitors: \"\" is no monitor"),
        ("low_priority = ['_done']", "2:17: spool.low_priority: \"_done\" is no monitor"),
        ("log_interval = 0", "2:16: spool.log_interval: is no time at all"),
        ("log_interval = 'abc'", "2:16: spool.log_interval: \"abc\" is no duration"),
        ("transcripts = 1", "2:15: spool.transcripts: wanted true or false, found a number"),
        ("qouta_mb = 1", "2:1: spool.qouta_mb: no such key"),
    ] {
        let found = check(&format!("[spool]\n{text}\n")).unwrap_err();
        assert!(found.starts_with(&format!("configuration: c.toml:{wanted}")), "{text}: {found}");
    }
    assert_eq!(check("[spool]\n").unwrap().spool, SpoolSettings::default());
}

// spool A13
#[test]
fn what_both_files_say_of_the_spool_must_fit_together() {
    for (first, second, key) in [
        ("soft_pct = 100\nhard_pct = 90", "", "spool.soft_pct"),
        ("soft_pct = 95", "hard_pct = 90", "spool.soft_pct"),
        ("resume_pct = 90", "", "spool.resume_pct"),
        ("soft_pct = 80", "", "spool.resume_pct"),
        ("low_priority = ['build']", "", "spool.low_priority"),
    ] {
        let read = |text| check(&format!("[spool]\n{text}\n")).unwrap();
        let failure = read(first).or(read(second)).spool.options().unwrap_err();
        assert_eq!((failure.kind, failure.exit), ("configuration", crate::failure::Exit::Usage));
        assert!(failure.message.starts_with(&format!("configuration: {key}: ")), "{}", failure.message);
    }
    let both = check("[spool]\nlow_priority = ['build']\n").unwrap();
    let both = both.or(check("[spool]\nmonitors = ['build']\nquota_mb = 7\n").unwrap());
    let options = both.spool.options().unwrap();
    assert_eq!(options.limits.quota_mb(), 7);
    let priority = |name| options.monitors.priority(&MonitorName::parse(name).unwrap());
    assert_eq!((priority("build"), priority("heartbeat")), (Priority::Low, Priority::Normal));
}

#[test]
fn soak_times_are_read_and_the_usual_ones_hold_otherwise() {
    let hours = |hours| std::time::Duration::from_hours(hours);
    let config = check("[migration]\nsoak_before_3 = '1h'\nsoak_before_5 = 0\n").unwrap();
    let other = check("[migration]\nsoak_before_3 = '9h'\nsoak_before_4 = '2h'\n").unwrap();
    let soak = config.clone().or(other).soak();
    let found = (soak.before_reads_flipped, soak.before_new_only, soak.before_cleaned_up);
    assert_eq!(found, (hours(1), hours(2), hours(0)));
    let soak = Config::default().soak();
    let usual = (soak.before_reads_flipped, soak.before_new_only, soak.before_cleaned_up);
    assert_eq!(usual, (hours(7 * 24), hours(7 * 24), hours(14 * 24)));
}

#[test]
fn mistakes_in_agents_are_named() {
    let sh = "[[agents]]\nname = 'a'\ncommand = ['sh']\n";
    for (text, wanted) in [
        ("agents = 3\n".to_owned(), "1:10: agents: wanted [[agents]], a list of tables, found a number"),
        (
            "[agents]\nname = 'a'\n".to_owned(),
            "1:1: agents: wanted [[agents]], a list of tables, found a table",
        ),
        ("agents = ['claude']\n".to_owned(), "1:11: agents: wanted a table, found text"),
        ("[[agents]]\ncommand = ['sh']\n".to_owned(), "1:1: agents.name: is missing"),
        ("[[agents]]\nname = ''\n".to_owned(), "2:8: agents.name: is empty"),
        ("[[agents]]\nname = 7\n".to_owned(), "2:8: agents.name: wanted text in quotes, found a number"),
        (
            "[[agents]]\nname = 'a,b'\ncommand = ['sh']\n".to_owned(),
            "2:8: agents.name: wanted at most 64 characters",
        ),
        ("[[agents]]\nname = 'x'\n".to_owned(), "2:8: agents.command: is missing, and \"x\" is no preset"),
        ("[[agents]]\nname = 'x'\npreset = 'gpt'\n".to_owned(), "3:10: agents.preset: \"gpt\" is no preset"),
        (
            "[[agents]]\nname = 'a'\ncommand = []\n".to_owned(),
            "3:11: agents.command: is empty, wanted a program",
        ),
        (
            "[[agents]]\nname = 'a'\ncommand = [' ']\n".to_owned(),
            "3:11: agents.command: is empty, wanted a program",
        ),
        (
            "[[agents]]\nname = 'a'\ncommand = 'sh -c x'\n".to_owned(),
            "3:11: agents.command: wanted a list such as",
        ),
        (
            "[[agents]]\nname = 'a'\ncommand = ['sh', 1]\n".to_owned(),
            "3:18: agents.command: wanted text in quotes, found a number",
        ),
        (
            "[[agents]]\nname = 'a'\ncommand = [\"a\\u0000\"]\n".to_owned(),
            "3:12: agents.command: holds a NUL character",
        ),
        (format!("{sh}model = 'm'\n"), "3:11: agents.command: the agent has `model` already"),
        (format!("{sh}route = 'r'\n"), "3:11: agents.command: the agent has `route` already"),
        (
            "[[agents]]\nname = 'a'\nmodel = 'm'\nroute = 'r'\n".to_owned(),
            "4:9: agents.route: the agent has `model` already",
        ),
        (
            "[[agents]]\nname = 'a'\nroute = 'r'\npreset = 'claude'\n".to_owned(),
            "4:10: agents.preset: the agent has `route` already",
        ),
        ("[[agents]]\nname = 'a'\nmodel = ' '\n".to_owned(), "3:9: agents.model: is empty"),
        (format!("{sh}colour = 1\n"), "4:1: agents.colour: no such key"),
        (format!("{sh}timeout = '0s'\n"), "4:11: agents.timeout: is no time at all"),
        (format!("{sh}timeout = 'soon'\n"), "4:11: agents.timeout: \"soon\" is no duration"),
        (
            format!("{sh}timeout = []\n"),
            "4:11: agents.timeout: wanted a duration such as \"7d\", found a list",
        ),
        (
            format!("{sh}retries = -1\n"),
            "4:11: agents.retries: wanted a whole number from 0 to 100, found -1",
        ),
        (
            format!("{sh}retries = 1.5\n"),
            "4:11: agents.retries: wanted a whole number from 0 to 100, found a number",
        ),
        (format!("{sh}copies = 0\n"), "4:10: agents.copies: wanted a whole number from 1 to 100, found 0"),
        (
            format!("{sh}copies = true\n"),
            "4:10: agents.copies: wanted a whole number from 1 to 100, found a boolean",
        ),
        (format!("{sh}stages = 'plan'\n"), "4:10: agents.stages: wanted a list such as"),
        (format!("{sh}stages = ['']\n"), "4:11: agents.stages: is empty"),
        (format!("{sh}env_pass = ['A=B']\n"), "4:13: agents.env_pass: \"A=B\" is no name of a variable"),
        (
            format!("{sh}env_pass = ['CONCLAVE_ACTOR']\n"),
            "4:13: agents.env_pass: CONCLAVE_ACTOR is Conclave's own",
        ),
        (format!("{sh}env = ['A']\n"), "4:7: agents.env: wanted a table, found a list"),
        (format!("{sh}env = {{ A = 1 }}\n"), "4:13: agents.env.A: wanted text in quotes, found a number"),
        (
            format!("{sh}env = {{ CONCLAVE_ATTEMPT = '1' }}\n"),
            "4:9: agents.env: CONCLAVE_ATTEMPT is set by Conclave",
        ),
        (format!("{sh}role = ''\n"), "4:8: agents.role: is empty"),
        (format!("{sh}{sh}"), "5:8: agents.name: \"a\" is the name of another agent (line 2)"),
        (
            format!("{sh}copies = 2\n[[agents]]\nname = 'a#2'\ncommand = ['sh']\n"),
            "6:8: agents.name: \"a#2\" is the name",
        ),
        ("[tasks]\nprefx = 'a'\n".to_owned(), "2:1: tasks.prefx: no such key"),
        ("[tasks]\nprefix = 'a b'\n".to_owned(), "2:10: tasks.prefix: wanted 1 to 50 of"),
        ("[tasks]\nprefix = 'a-'\n".to_owned(), "2:10: tasks.prefix: wanted 1 to 50 of"),
        ("[tasks]\nprefix = ''\n".to_owned(), "2:10: tasks.prefix: is empty"),
        ("[tasks]\nstatuses = 'a'\n".to_owned(), "2:12: tasks.statuses: wanted a list such as"),
        ("[tasks]\nstatuses = ['a', 'B']\n".to_owned(), "2:18: tasks.statuses: wanted 1 to 50 of a-z"),
        ("[tasks]\ntypes = ['']\n".to_owned(), "2:10: tasks.types: is empty"),
        ("[tasks]\nmax_line = '64MB'\n".to_owned(), "2:12: tasks.max_line: \"64MB\" is no size"),
        ("[tasks]\nmax_line = 5\n".to_owned(), "2:12: tasks.max_line: wanted 1KiB to 512MiB, found 5"),
        ("[tasks]\nmax_line = true\n".to_owned(), "2:12: tasks.max_line: wanted a size such as"),
        (
            "[tasks]\ntombstone_days = 6\n".to_owned(),
            "2:18: tasks.tombstone_days: wanted a whole number from 7 to 36500, found 6",
        ),
        ("[tasks]\ntext_conflicts = 'x'\n".to_owned(), "2:18: tasks.text_conflicts: wanted \"later\" or"),
        ("tasks = 1\n".to_owned(), "1:9: tasks: wanted a table, found a number"),
        ("stages = 1\n".to_owned(), "1:10: stages: wanted a table, found a number"),
        ("[stages.plan]\nprmpt = ''\n".to_owned(), "2:1: stages.plan.prmpt: no such key"),
        ("[stages.plan]\nprompt = ' '\n".to_owned(), "2:10: stages.plan.prompt: is empty"),
        (
            "[stages.plan]\nprompt = 1\n".to_owned(),
            "2:10: stages.plan.prompt: wanted text in quotes, found a number",
        ),
        (
            "[stages.plan]\nprompt = 'a'\n[stages.spec-plan]\nprompt = 'b'\n".to_owned(),
            "3:9: stages.spec-plan: the stage \"plan\" stands here twice",
        ),
        ("# a ü\n'ü' = 1\n".to_owned(), "2:1: ü: no such key"),
        ("state.'ü' = 1\n".to_owned(), "1:7: state.ü: no such key"),
    ] {
        let found = check(&text).unwrap_err();
        assert!(found.starts_with(&format!("configuration: c.toml:{wanted}")), "{text}: {found}");
    }
    let hint = parse(Path::new("c"), "[[agents]]\nname = 'a'\nx = 1\n").unwrap_err().hint.unwrap();
    assert!(hint.starts_with("known here: name, preset, command"), "{hint}");
}

#[test]
fn an_agent_is_what_its_table_says_and_the_rest_is_usual() {
    let config = check(
        "[[agents]]\nname = 'q'\ncommand = ['sh', '-c', 'x']\nrole = 'r'\ntimeout = '5s'\nretries = 0x10\ncopies = 2\nfamily = 'f'
stages = ['spec-plan', 'my']\nenv_pass = ['A']\nenv = { B = 'c' }\n[[agents]]\nname = 'claude'\n[[agents]]\nname = 'mine'\npreset = 'codex'\ncommand = ['codex2']\n",
    );
    let agents = config.unwrap().agents.unwrap();
    let names: Vec<&str> = agents.iter().map(|agent| agent.name.as_str()).collect();
    assert_eq!(names, ["q#1", "q#2", "claude", "mine"]);
    let first = &agents[0];
    assert_eq!((first.command.len(), first.retries, first.preset.as_deref()), (3, 16, None));
    assert_eq!(
        (first.timeout.as_secs(), first.role.as_deref(), first.family.as_deref()),
        (5, Some("r"), Some("f"))
    );
    assert_eq!(first.stages, ["plan", "my"], "in canonical form");
    assert_eq!(
        (first.env_pass.as_slice(), first.env.as_slice()),
        (&["A".to_owned()][..], &[("B".to_owned(), "c".to_owned())][..])
    );
    let claude = &agents[2];
    assert_eq!(
        (claude.preset.as_deref(), claude.retries, claude.timeout.as_secs()),
        (Some("claude"), 2, 1200)
    );
    assert!(claude.family.is_some() && !claude.command.is_empty());
    assert_eq!(
        (agents[3].preset.as_deref(), agents[3].command.as_slice()),
        (Some("codex"), &["codex2".to_owned()][..])
    );
}

#[test]
fn agents_of_the_project_replace_those_of_the_user_and_prompts_add_up() {
    let project = check("[[agents]]\nname = 'p'\ncommand = ['x']\n[stages.plan]\nprompt = 'p'\n").unwrap();
    let user = check("[[agents]]\nname = 'u'\ncommand = ['x']\n[stages.plan]\nprompt = 'u'\n[stages.audit]\nprompt = 'u'\n").unwrap();
    let both = project.or(user.clone());
    assert_eq!(both.agents.unwrap().len(), 1);
    assert_eq!((both.prompts["plan"].as_str(), both.prompts["audit"].as_str()), ("p", "u"));
    assert_eq!(Config::default().or(user).agents.unwrap()[0].name, "u");
}

#[test]
fn ports_and_worktrees_are_read() {
    // runtime-state 8.31
    for (text, wanted) in [
        (
            "base = 3000",
            "2:8: ports.base: \"3000\" is no base of ports: a multiple of 100 from 4200 to 65400 is",
        ),
        (
            "base = 4250",
            "2:8: ports.base: \"4250\" is no base of ports: a multiple of 100 from 4200 to 65400 is",
        ),
        (
            "base = 65500",
            "2:8: ports.base: \"65500\" is no base of ports: a multiple of 100 from 4200 to 65400 is",
        ),
        (
            "base = -4200",
            "2:8: ports.base: \"-4200\" is no base of ports: a multiple of 100 from 4200 to 65400 is",
        ),
        ("base = 'abc'", "2:8: ports.base: wanted a number such as 4200, found text"),
        ("bases = 1", "2:1: ports.bases: no such key"),
    ] {
        assert_eq!(
            check(&format!("[ports]\n{text}\n")).unwrap_err(),
            format!("configuration: c.toml:{wanted}")
        );
    }
    for (text, wanted) in [
        ("setup = 'make'", "2:9: worktree.setup: wanted a list such as [\"make\", \"setup\"], found text"),
        ("setup = ['']", "2:9: worktree.setup: is empty, wanted a program"),
        ("teardown = ['a', 7]", "2:18: worktree.teardown: wanted text in quotes, found a number"),
        ("set = []", "2:1: worktree.set: no such key"),
    ] {
        assert_eq!(
            check(&format!("[worktree]\n{text}\n")).unwrap_err(),
            format!("configuration: c.toml:{wanted}")
        );
    }
    let one = check("[ports]\nbase = 6_000\n[worktree]\nsetup = []\n").unwrap();
    let other = check("[ports]\nbase = 7000\n[worktree]\nsetup = ['x']\nteardown = ['y', '']\n").unwrap();
    let both = one.or(other);
    assert_eq!(both.first_base.map(FirstBase::get), Some(6000));
    let wanted = WorktreeSettings { setup: Some(vec![]), teardown: Some(vec!["y".into(), String::new()]) };
    assert_eq!(both.worktree, wanted);
}

// cache C4
#[test]
fn mistakes_in_the_cache_are_named() {
    for (text, wanted) in [
        ("max_entries = 0", "2:15: cache.max_entries: wanted a whole number from 1 to 1000000000, found 0"),
        ("max_entries = -1", "2:15: cache.max_entries: wanted a whole number from 1 to 1000000000, found -1"),
        ("max_bytes = 0", "2:13: cache.max_bytes: wanted 1B to 1TiB, found 0"),
        ("max_bytes = '2TiB'", "2:13: cache.max_bytes: wanted 1B to 1TiB, found 2TiB"),
        ("max_bytes = true", "2:13: cache.max_bytes: wanted a size such as \"100MiB\", found a boolean"),
        (
            "on_lock_timeout = 'wait'",
            "2:19: cache.on_lock_timeout: wanted \"fail\" or \"bypass\", found \"wait\"",
        ),
        ("size = 1", "2:1: cache.size: no such key"),
    ] {
        assert_eq!(
            check(&format!("[cache]\n{text}\n")).unwrap_err(),
            format!("configuration: c.toml:{wanted}")
        );
    }
    let config =
        check("[cache]\nmax_bytes = '1KiB'\non_lock_timeout = 'bypass'\nlock_timeout = 0\n").unwrap();
    assert_eq!(config.cache.max_bytes, Some(1024));
    assert_eq!(config.cache.on_lock_timeout, Some(conclave_cache::OnLockTimeout::Bypass));
}
