//! What the manuals show runs as it stands there.

use conclave_db::foreign::Client;
use conclave_testkit::{ModelServer, Speaks, skipped};

use crate::scratch::{Done, Scratch};

/// A project in git, with what the examples take for the reader's own: a `./deploy.sh`, a `./agent.sh`, a `claude`.
fn project() -> Option<Scratch> {
    let scratch = Scratch::new();
    // The disk may be as full as it is.
    let config = scratch.path("home/.config/conclave");
    std::fs::create_dir_all(&config).unwrap();
    std::fs::write(config.join("config.toml"), "[spool]\nkeep_free_pct = 0\n").unwrap();
    let bin = scratch.path("bin");
    std::fs::create_dir(&bin).unwrap();
    std::os::unix::fs::symlink(env!("CARGO_BIN_EXE_conclave"), bin.join("conclave")).unwrap();
    let made = Done::of(&mut scratch.shell(
        "set -e; for program in ./deploy.sh ./agent.sh ../bin/claude; do \
           printf '#!/bin/sh\\necho \"$0\" did it\\n' > $program; chmod +x $program; done; \
         git init -q; git add deploy.sh agent.sh; \
         git -c user.name=t -c user.email=t@example.com commit -qm first",
    ));
    if made.code != Some(0) {
        skipped("no git");
        return None;
    }
    Some(scratch)
}

/// Runs a block as it stands, and ends at the first line that fails.
#[track_caller]
fn run_block(scratch: &Scratch, block: &str) {
    let bin = scratch.path("bin");
    let path = std::env::var("PATH").unwrap();
    let mut shell = scratch.shell(&format!("set -e\n{block}"));
    let done = Done::of(shell.env("PATH", format!("{}:{path}", bin.display())));
    assert_eq!(done.code, Some(0), "{block}\n{}\n{}", String::from_utf8_lossy(&done.stdout), done.stderr);
}

/// The blocks of a manual in this language.
fn blocks<'text>(manual: &'text str, language: &str) -> Vec<&'text str> {
    let fence = format!("```{language}\n");
    manual.split(fence.as_str()).skip(1).map(|rest| rest.split("```").next().unwrap()).collect()
}

/// Whether the program is called in the block, as the first word of a line or of a pipe's part.
fn needs(block: &str, program: &str) -> bool {
    block.lines().flat_map(|line| line.split('|')).any(|part| part.split_whitespace().next() == Some(program))
}

fn has(program: &str) -> bool {
    std::process::Command::new(program).arg("--version").output().is_ok()
}

#[track_caller]
fn runs_as_it_stands(manual: &str, least: usize) {
    if let Some(scratch) = project() {
        runs_there(&scratch, manual, least);
    }
}

#[track_caller]
fn runs_there(scratch: &Scratch, manual: &str, least: usize) {
    let found = blocks(manual, "sh");
    assert!(found.len() >= least, "{} blocks", found.len());
    for block in found {
        if let Some(missing) = ["flock", "zcat", "jq"].iter().find(|name| needs(block, name) && !has(name)) {
            skipped(&format!("no {missing}"));
            continue;
        }
        run_block(scratch, block);
    }
}

#[test]
fn the_manual_of_leases_runs_as_it_stands() {
    runs_as_it_stands(include_str!("../../../docs/leases.md"), 3);
}

#[test]
fn the_manual_of_the_registry_runs_as_it_stands() {
    runs_as_it_stands(include_str!("../../../docs/registry.md"), 2);
}

#[cfg(feature = "rust")]
#[test]
fn the_manual_of_the_cache_runs_as_it_stands() {
    runs_as_it_stands(include_str!("../../../docs/cache.md"), 2);
}

#[test]
fn the_settings_in_the_manual_of_the_cache_fit_a_new_project() {
    let scratch = Scratch::new();
    scratch.ok(&["init"]);
    let path = scratch.project().join(".conclave/config.toml");
    let config = std::fs::read_to_string(&path).unwrap();
    let settings = blocks(include_str!("../../../docs/cache.md"), "toml");
    assert_eq!(settings.len(), 1);
    std::fs::write(&path, config + &settings.concat()).unwrap();
    assert_eq!(scratch.json(&["cache", "stats"])["max_entries"], 10_000);
}

#[test]
fn the_manual_of_the_spool_runs_as_it_stands() {
    let manual = include_str!("../../../docs/spool.md");
    runs_as_it_stands(manual, 3);
    let scratch = Scratch::new();
    let settings = blocks(manual, "toml");
    assert_eq!(settings.len(), 1);
    scratch.configure(settings[0]);
    scratch.ok(&["status"]);
}

#[test]
fn the_words_on_leases_and_agents_in_the_readme_run_as_they_stand() {
    let readme = include_str!("../../../README.md");
    let section =
        readme.split("\n## With leases\n").nth(1).unwrap().split("\n## With your old data").next().unwrap();
    runs_as_it_stands(section, 2);
}

/// The hosts of the manual are ours for the time of the test, and the cloud is not asked.
#[test]
fn the_manual_of_models_runs_as_it_stands() {
    let manual = include_str!("../../../docs/models.md");
    let Some(scratch) = project() else { return };
    let surtr = ModelServer::answering(Speaks::Ollama, &["codellama:34b"], "fn parse() {}");
    let fenrir = ModelServer::answering(Speaks::OpenAi, &["granite"], "Because of Rayleigh.");
    let settings = blocks(manual, "toml");
    assert_eq!(settings.len(), 2);
    let (hosts, cloud) = (settings[0], settings[1]);
    scratch.configure(&(hosts.to_owned() + cloud));
    assert!(scratch.ok(&["host", "list", "--all"]).contains("fallback"));
    let ours = hosts.replace("http://surtr:11434", &surtr.url());
    scratch.configure(&ours.replace("http://fenrir:8000", &fenrir.url()));
    runs_there(&scratch, manual, 3);
    assert!(surtr.questions() >= 1 && fenrir.questions() >= 2);
    let readme = include_str!("../../../README.md");
    let section = readme.split("\n## With models\n").nth(1).unwrap().split("\n## ").next().unwrap();
    runs_there(&scratch, section, 1);
}

#[test]
fn the_settings_in_the_manual_of_the_registry_fit_a_new_project() {
    let scratch = Scratch::new();
    scratch.ok(&["init"]);
    let path = scratch.project().join(".conclave/config.toml");
    let config = std::fs::read_to_string(&path).unwrap();
    let settings = blocks(include_str!("../../../docs/registry.md"), "toml");
    assert_eq!(settings.len(), 2);
    std::fs::write(&path, config + &settings.concat()).unwrap();
    assert_eq!(scratch.ok(&["ports", "get"]), "14200\n");
}

/// The right column of the table runs; what the left one does with our tables is why it is there.
#[test]
fn the_old_queries_in_the_manual_have_new_ones_that_run() {
    let scratch = Scratch::new();
    scratch.ok(&["start", "main", "--no-port"]);
    let client = Client::open(&scratch.database()).unwrap();
    let manual = include_str!("../../../docs/registry.md");
    let table = manual.split("| question |").nth(1).unwrap();
    let mut asked = 0;
    for row in table.lines().skip(2).take_while(|line| line.starts_with('|')) {
        let ours = row.rsplit('`').nth(1).unwrap();
        if let Some(condition) = ours.strip_prefix('…') {
            scratch.ok(&["db", "query", &format!("SELECT id FROM builders{condition}")]);
        } else if ours.starts_with("SELECT") {
            scratch.ok(&["db", "query", ours]);
        } else {
            client.run(ours).unwrap();
        }
        asked += 1;
    }
    assert_eq!(asked, 7, "all rows of the table");
}

#[test]
fn the_manual_of_work_runs_as_it_stands() {
    let manual = include_str!("../../../docs/work.md");
    let Some(scratch) = project() else { return };
    let settings = blocks(manual, "toml");
    assert_eq!(settings.len(), 1);
    scratch.configure(settings[0]);
    let shown = blocks(manual, "sh");
    assert_eq!(shown.len(), 1);
    run_block(&scratch, shown[0]);
    assert_eq!(scratch.json(&["task", "stats"])["summary"]["closed"], 1);
}
