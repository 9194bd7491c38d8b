//! What a fuzzer may reach, and what must hold of any bytes. Built for tests and by cargo-fuzz (`--cfg fuzzing`) alone.

use crate::import::{Kind, rows_of};

/// Any bytes as `state.json`: refused in words, or understood.
pub fn state(bytes: &[u8]) {
    understood(Kind::State, bytes);
}

/// Any bytes as `ports.json`.
pub fn ports(bytes: &[u8]) {
    understood(Kind::Ports, bytes);
}

fn understood(kind: Kind, bytes: &[u8]) {
    match rows_of(kind, bytes) {
        Ok(rows) => assert!(rows <= bytes.len() as u64, "{rows} rows of {} bytes", bytes.len()),
        Err(error) => assert!(!error.to_string().is_empty()),
    }
}

/// Inputs to begin with, by the name of the function.
pub fn samples(name: &str) -> Vec<Vec<u8>> {
    let samples: &[&str] = match name {
        "state" => &[
            r#"{"architect":{"port":4201,"pid":123,"startedAt":"2024-01-01T00:00:00.000Z"},"builders":[{"id":"0031","name":"n","port":4210,"pid":1,"status":"implementing","phase":"p","worktree":"/w","branch":"b","type":"spec"},{"id":"task-aB3x","name":"m","port":4211,"pid":0,"status":"pr-ready","phase":"","worktree":"/w2","branch":"c","type":"task","taskText":"do \u00e4"}],"utils":[{"id":"U7","name":"u","port":4212,"pid":5}],"annotations":[{"id":"A1","file":"f","port":4213,"pid":6,"parent":{"type":"architect"}}]}"#,
            r#"{"architect": null, "builders": null, "utils": null, "annotations": null}"#,
            "{\"utils\": [{\"id\": \"U1\", \"name\": \"n\", \"port\": 0, \"pid\": 0,\n \"terminalId\": \"t\"}],\n \"version\": 3}",
        ],
        _ => &[
            r#"{"version":1,"entries":{"/project/one":{"basePort":4200,"registered":"2024-01-01T00:00:00Z","lastUsed":"2024-01-02T00:00:00Z","pid":1},"/project/two":{"basePort":4300}}}"#,
            r#"{"/p":{"basePort":4200}}"#,
        ],
    };
    samples.iter().map(|text| text.as_bytes().to_vec()).collect()
}

#[cfg(test)]
mod tests;
