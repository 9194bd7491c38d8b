//! Agents for tests: shell scripts in the configuration.

use crate::scratch::Scratch;

/// An entry of the configuration; `more` are further keys.
pub(crate) fn agent(name: &str, script: &str, more: &str) -> String {
    let command = serde_json::json!(["sh", "-c", script]);
    format!("[[agents]]\nname = {name:?}\ncommand = {command}\n{more}\n")
}

/// A script that reads the prompt and prints this JSON.
pub(crate) fn answers(json: &str) -> String {
    format!("cat > /dev/null; echo '{json}'")
}

/// A plan with all that is required, and what else is given.
pub(crate) fn plan(more: &str) -> String {
    let comma = if more.is_empty() { "" } else { "," };
    format!(r#"{{"stage":"plan","work_breakdown":[],"acceptance_mapping":[]{comma}{more}}}"#)
}

/// An agent that plans.
pub(crate) fn planner(name: &str) -> String {
    agent(name, &answers(&plan("")), "")
}

impl Scratch {
    /// With this configuration.
    pub(crate) fn configured(text: &str) -> Self {
        let scratch = Self::new();
        scratch.configure(text);
        scratch
    }

    pub(crate) fn configure(&self, text: &str) {
        let folder = self.project().join(".conclave");
        std::fs::create_dir_all(&folder).unwrap();
        std::fs::write(folder.join("config.toml"), text).unwrap();
    }
}
