//! What a fuzzer may reach, and what must hold of any bytes. Built for tests and by cargo-fuzz (`--cfg fuzzing`) alone.
#![expect(clippy::missing_panics_doc, reason = "a panic is a finding")]

use crate::config;
use crate::ui::filter::Filter;
use crate::ui::json_tree;
use crate::ui::screens::{agents, coordination, tasks};

/// Any text as configuration: refused with its place, or every setting can be used.
pub fn configuration(bytes: &[u8]) {
    let Ok(text) = std::str::from_utf8(bytes) else { return };
    match config::of_text(text) {
        Ok(config) => {
            // Limits that do not fit together are refused by name, not taken.
            if let Err(failure) = config.spool.options() {
                assert!(!failure.message.is_empty());
            }
            if let Err(failure) = config.cache.limits() {
                assert!(!failure.message.is_empty());
            }
        }
        Err(failure) => assert!(failure.message.contains("config.toml"), "{}", failure.message),
    }
}

/// Any text as what is typed into the filter of each list, and as JSON that is shown as a tree.
pub fn filter(bytes: &[u8]) {
    let Ok(text) = std::str::from_utf8(bytes) else { return };
    assert_eq!(Filter::parse(text).text(), text.trim());
    assert_eq!(tasks::filter::Filter::parse(text).text(), text.trim());
    assert_eq!(agents::filter::Filter::parse(text).text(), text.trim());
    assert_eq!(coordination::filter::Filter::parse(text).text(), text.trim());
    if let Some(lines) = json_tree::parse(text) {
        assert!(!lines.is_empty());
    }
}

/// Inputs to begin with, by the name of the function.
pub fn samples(name: &str) -> Vec<Vec<u8>> {
    if name == "configuration" {
        let mut uncommented = String::new();
        for line in config::COMMENTED.lines() {
            let setting =
                line.strip_prefix("# ").filter(|line| line.contains(" = ") || line.starts_with('['));
            uncommented.push_str(setting.unwrap_or(line));
            uncommented.push('\n');
        }
        let small = "[spool]\nquota_mb = 1\nsoft_pct = 90\n[cache]\nmax_bytes = \"1 MiB\"\n[agents.x]\ncommand = [\"a\"]\n";
        return vec![config::COMMENTED.into(), uncommented.into(), small.into()];
    }
    let texts = [
        "status:failed agent:claude plan  ",
        "label:ä who:ana p:1 type:bug status:open id:bd-1 text:some words",
        "spec:SPEC-1 unknown:x key: : ::",
        r#"{"a":[1,{"b":null}],"ä":"x","n":1.50}"#,
    ];
    texts.iter().map(|text| text.as_bytes().to_vec()).collect()
}

#[cfg(test)]
mod tests;
