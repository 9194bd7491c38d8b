//! Files as the original wrote them.

use std::path::{Path, PathBuf};

use conclave_db::Db;

use crate::files::column;

/// `state.json` with one of everything.
pub(crate) const STATE: &str = r#"{
  "architect": {
    "port": 4201,
    "pid": 1234,
    "cmd": "claude --dangerously-skip-permissions",
    "startedAt": "2024-01-01T00:00:00.000Z",
    "tmuxSession": "af-architect-4201"
  },
  "builders": [
    {"id": "0031", "name": "0031-sqlite", "port": 4210, "pid": 5678, "status": "implementing", "phase": "init",
     "worktree": "/p/.builders/0031", "branch": "builder/0031-sqlite", "tmuxSession": "builder-0031", "type": "spec"},
    {"id": "task-aB3x", "name": "Task: Fix it", "port": 4211, "pid": 5679, "status": "blocked", "phase": "init",
     "worktree": "/p/.builders/task-aB3x", "branch": "builder/task-aB3x", "type": "task", "taskText": "Fix it",
     "protocolName": null}
  ],
  "utils": [{"id": "U001", "name": "test-util", "port": 4230, "pid": 9012, "tmuxSession": "util-session"}],
  "annotations": [
    {"id": "A001", "file": "/path/to/file.ts", "port": 4250, "pid": 3456, "parent": {"type": "builder", "id": "0031"}}
  ]
}
"#;

/// `ports.json` of two projects that are nowhere.
pub(crate) const PORTS: &str = r#"{"version":1,"entries":{
  "/project/one":{"basePort":4200,"registered":"2024-01-01T00:00:00.000Z","lastUsed":"2024-01-02T00:00:00.000Z","pid":1234},
  "/project/two":{"basePort":4400,"registered":"2024-01-01T00:00:00.000Z","pid":null}}}
"#;

/// What [`STATE`] becomes, a line for each agent; what is the time of the import is left out.
pub(crate) fn agents(state: &Db) -> Vec<String> {
    column(
        state,
        "SELECT concat_ws('|', kind, id, name, type, status, phase, task_text, protocol_name, file, parent_type, \
         parent_id, worktree, branch, port, cmd, tmux_session, pid) FROM agents ORDER BY kind, id",
    )
}

pub(crate) const AGENTS: [&str; 5] = [
    "annotation|A001|/path/to/file.ts|annotation|/path/to/file.ts|builder|0031|||4250||3456",
    "architect|main|main|architect|||4201|claude --dangerously-skip-permissions|af-architect-4201|1234",
    "builder|0031|0031-sqlite|spec|implementing|init|/p/.builders/0031|builder/0031-sqlite|4210||builder-0031|5678",
    "builder|task-aB3x|Task: Fix it|task|blocked|init|Fix it|/p/.builders/task-aB3x|builder/task-aB3x|4211||5679",
    "util|U001|test-util|util|||4230||util-session|9012",
];

pub(crate) fn blocks(global: &Db) -> Vec<String> {
    column(
        global,
        "SELECT concat_ws('|', project_path, base_port, ifnull(pid, '-'), registered_at, last_used_at) \
         FROM port_allocations ORDER BY base_port",
    )
}

pub(crate) const BLOCKS: [&str; 2] = [
    "/project/one|4200|1234|2024-01-01T00:00:00.000Z|2024-01-02T00:00:00.000Z",
    "/project/two|4400|-|2024-01-01T00:00:00.000Z|2024-01-01T00:00:00.000Z",
];

/// The names in a folder, but for those of databases.
pub(crate) fn names(folder: &Path) -> Vec<String> {
    let entries =
        std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().file_name().into_string().unwrap());
    let mut names: Vec<String> = entries.filter(|name| !name.contains(".db")).collect();
    names.sort();
    names
}

/// Writes a file into the folder of the original.
pub(crate) fn write(folder: &Path, name: &str, text: &str) -> PathBuf {
    let farm = folder.join(".agent-farm");
    std::fs::create_dir_all(&farm).unwrap();
    std::fs::write(farm.join(name), text).unwrap();
    farm.join(name)
}
