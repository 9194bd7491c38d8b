-- Names and columns are those of the original (architect, builders, utils, annotations); what its schema let through
-- is refused here. A time is text in one format, RFC 3339 with milliseconds in UTC, so that text order is time order.
-- Who a process is takes four columns (boot, namespace, pid, start time); a pid alone, as an import brings, is never
-- enough to signal. A port is there while its agent may use it, and NULL otherwise: 0 is no port. An id can be given
-- away again; `registration` is of one row alone, by chance, so that nobody changes a later row of the same id. The boot
-- and the namespace are those of whoever registered the agent, until it has a process.
CREATE TABLE architect(
  name TEXT NOT NULL PRIMARY KEY DEFAULT 'main' CHECK(name <> ''),
  pid INTEGER,
  port INTEGER CHECK(port BETWEEN 1 AND 65535),
  cmd TEXT NOT NULL DEFAULT '',
  tmux_session TEXT,
  registration INTEGER NOT NULL DEFAULT (abs(random() % 9007199254740992)),
  start_time INTEGER,
  boot_id TEXT,
  pid_namespace INTEGER,
  supervisor_pid INTEGER,
  supervisor_start_time INTEGER,
  exit_status INTEGER,
  ended_at TEXT CHECK(ended_at GLOB '[0-9][0-9][0-9][0-9]-[0-9][0-9]-[0-9][0-9]T[0-9][0-9]:[0-9][0-9]:[0-9][0-9].[0-9][0-9][0-9]Z'),
  ended_how TEXT CHECK(ended_how IN ('exited', 'stopped', 'lost')),
  started_at TEXT NOT NULL DEFAULT (strftime('%Y-%m-%dT%H:%M:%fZ', 'now'))
    CHECK(started_at GLOB '[0-9][0-9][0-9][0-9]-[0-9][0-9]-[0-9][0-9]T[0-9][0-9]:[0-9][0-9]:[0-9][0-9].[0-9][0-9][0-9]Z'),
  updated_at TEXT NOT NULL DEFAULT (strftime('%Y-%m-%dT%H:%M:%fZ', 'now'))
    CHECK(updated_at GLOB '[0-9][0-9][0-9][0-9]-[0-9][0-9]-[0-9][0-9]T[0-9][0-9]:[0-9][0-9]:[0-9][0-9].[0-9][0-9][0-9]Z'),
  CHECK((ended_at IS NULL) = (ended_how IS NULL))
) STRICT;

CREATE TABLE builders(
  id TEXT NOT NULL PRIMARY KEY CHECK(id <> ''),
  name TEXT NOT NULL,
  port INTEGER CHECK(port BETWEEN 1 AND 65535),
  pid INTEGER,
  status TEXT NOT NULL DEFAULT 'spawning'
    CHECK(status IN ('spawning', 'implementing', 'blocked', 'pr-ready', 'complete')),
  phase TEXT NOT NULL DEFAULT '',
  worktree TEXT NOT NULL DEFAULT '',
  branch TEXT NOT NULL DEFAULT '',
  tmux_session TEXT,
  type TEXT NOT NULL DEFAULT 'spec'
    CHECK(type IN ('spec', 'task', 'protocol', 'shell', 'worktree', 'bugfix')),
  task_text TEXT,
  protocol_name TEXT,
  cmd TEXT NOT NULL DEFAULT '',
  -- The commit that the worktree's branch began at; NULL without a worktree of ours.
  base_commit TEXT,
  registration INTEGER NOT NULL DEFAULT (abs(random() % 9007199254740992)),
  start_time INTEGER,
  boot_id TEXT,
  pid_namespace INTEGER,
  supervisor_pid INTEGER,
  supervisor_start_time INTEGER,
  exit_status INTEGER,
  ended_at TEXT CHECK(ended_at GLOB '[0-9][0-9][0-9][0-9]-[0-9][0-9]-[0-9][0-9]T[0-9][0-9]:[0-9][0-9]:[0-9][0-9].[0-9][0-9][0-9]Z'),
  ended_how TEXT CHECK(ended_how IN ('exited', 'stopped', 'lost')),
  started_at TEXT NOT NULL DEFAULT (strftime('%Y-%m-%dT%H:%M:%fZ', 'now'))
    CHECK(started_at GLOB '[0-9][0-9][0-9][0-9]-[0-9][0-9]-[0-9][0-9]T[0-9][0-9]:[0-9][0-9]:[0-9][0-9].[0-9][0-9][0-9]Z'),
  updated_at TEXT NOT NULL DEFAULT (strftime('%Y-%m-%dT%H:%M:%fZ', 'now'))
    CHECK(updated_at GLOB '[0-9][0-9][0-9][0-9]-[0-9][0-9]-[0-9][0-9]T[0-9][0-9]:[0-9][0-9]:[0-9][0-9].[0-9][0-9][0-9]Z'),
  CHECK((ended_at IS NULL) = (ended_how IS NULL))
) STRICT;

CREATE TABLE utils(
  id TEXT NOT NULL PRIMARY KEY CHECK(id <> ''),
  name TEXT NOT NULL,
  port INTEGER CHECK(port BETWEEN 1 AND 65535),
  pid INTEGER,
  tmux_session TEXT,
  cmd TEXT NOT NULL DEFAULT '',
  registration INTEGER NOT NULL DEFAULT (abs(random() % 9007199254740992)),
  start_time INTEGER,
  boot_id TEXT,
  pid_namespace INTEGER,
  supervisor_pid INTEGER,
  supervisor_start_time INTEGER,
  exit_status INTEGER,
  ended_at TEXT CHECK(ended_at GLOB '[0-9][0-9][0-9][0-9]-[0-9][0-9]-[0-9][0-9]T[0-9][0-9]:[0-9][0-9]:[0-9][0-9].[0-9][0-9][0-9]Z'),
  ended_how TEXT CHECK(ended_how IN ('exited', 'stopped', 'lost')),
  started_at TEXT NOT NULL DEFAULT (strftime('%Y-%m-%dT%H:%M:%fZ', 'now'))
    CHECK(started_at GLOB '[0-9][0-9][0-9][0-9]-[0-9][0-9]-[0-9][0-9]T[0-9][0-9]:[0-9][0-9]:[0-9][0-9].[0-9][0-9][0-9]Z'),
  updated_at TEXT NOT NULL DEFAULT (strftime('%Y-%m-%dT%H:%M:%fZ', 'now'))
    CHECK(updated_at GLOB '[0-9][0-9][0-9][0-9]-[0-9][0-9]-[0-9][0-9]T[0-9][0-9]:[0-9][0-9]:[0-9][0-9].[0-9][0-9][0-9]Z'),
  CHECK((ended_at IS NULL) = (ended_how IS NULL))
) STRICT;

CREATE TABLE annotations(
  id TEXT NOT NULL PRIMARY KEY CHECK(id <> ''),
  file TEXT NOT NULL,
  port INTEGER CHECK(port BETWEEN 1 AND 65535),
  pid INTEGER,
  parent_type TEXT NOT NULL CHECK(parent_type IN ('architect', 'builder', 'util')),
  parent_id TEXT,
  tmux_session TEXT,
  cmd TEXT NOT NULL DEFAULT '',
  registration INTEGER NOT NULL DEFAULT (abs(random() % 9007199254740992)),
  start_time INTEGER,
  boot_id TEXT,
  pid_namespace INTEGER,
  supervisor_pid INTEGER,
  supervisor_start_time INTEGER,
  exit_status INTEGER,
  ended_at TEXT CHECK(ended_at GLOB '[0-9][0-9][0-9][0-9]-[0-9][0-9]-[0-9][0-9]T[0-9][0-9]:[0-9][0-9]:[0-9][0-9].[0-9][0-9][0-9]Z'),
  ended_how TEXT CHECK(ended_how IN ('exited', 'stopped', 'lost')),
  started_at TEXT NOT NULL DEFAULT (strftime('%Y-%m-%dT%H:%M:%fZ', 'now'))
    CHECK(started_at GLOB '[0-9][0-9][0-9][0-9]-[0-9][0-9]-[0-9][0-9]T[0-9][0-9]:[0-9][0-9]:[0-9][0-9].[0-9][0-9][0-9]Z'),
  updated_at TEXT NOT NULL DEFAULT (strftime('%Y-%m-%dT%H:%M:%fZ', 'now'))
    CHECK(updated_at GLOB '[0-9][0-9][0-9][0-9]-[0-9][0-9]-[0-9][0-9]T[0-9][0-9]:[0-9][0-9]:[0-9][0-9].[0-9][0-9][0-9]Z'),
  CHECK((ended_at IS NULL) = (ended_how IS NULL))
) STRICT;

CREATE INDEX idx_builders_status ON builders(status);
CREATE UNIQUE INDEX idx_architect_port ON architect(port) WHERE port IS NOT NULL;
CREATE UNIQUE INDEX idx_builders_port ON builders(port) WHERE port IS NOT NULL;
CREATE UNIQUE INDEX idx_utils_port ON utils(port) WHERE port IS NOT NULL;
CREATE UNIQUE INDEX idx_annotations_port ON annotations(port) WHERE port IS NOT NULL;

-- All agents in one shape.
CREATE VIEW agents AS
SELECT 'architect' AS kind, name AS id, name, 'architect' AS type, NULL AS status, NULL AS phase, NULL AS task_text,
  NULL AS protocol_name, NULL AS file, NULL AS parent_type, NULL AS parent_id, '' AS worktree, '' AS branch,
  NULL AS base_commit, port, cmd, tmux_session, registration, pid, start_time, boot_id, pid_namespace, supervisor_pid,
  supervisor_start_time, exit_status, ended_at, ended_how, started_at, updated_at FROM architect
UNION ALL
SELECT 'builder', id, name, type, status, phase, task_text, protocol_name, NULL, NULL, NULL, worktree, branch,
  base_commit, port, cmd, tmux_session, registration, pid, start_time, boot_id, pid_namespace, supervisor_pid,
  supervisor_start_time, exit_status, ended_at, ended_how, started_at, updated_at FROM builders
UNION ALL
SELECT 'util', id, name, 'util', NULL, NULL, NULL, NULL, NULL, NULL, NULL, '', '',
  NULL, port, cmd, tmux_session, registration, pid, start_time, boot_id, pid_namespace, supervisor_pid,
  supervisor_start_time, exit_status, ended_at, ended_how, started_at, updated_at FROM utils
UNION ALL
SELECT 'annotation', id, file, 'annotation', NULL, NULL, NULL, NULL, file, parent_type, parent_id, '', '',
  NULL, port, cmd, tmux_session, registration, pid, start_time, boot_id, pid_namespace, supervisor_pid,
  supervisor_start_time, exit_status, ended_at, ended_how, started_at, updated_at FROM annotations;

-- What was imported from a state.json, in the transaction that brought its rows; `archived_at` once the file is kept
-- under another name and removed.
CREATE TABLE registry_imports(
  path TEXT NOT NULL,
  sha256 TEXT NOT NULL,
  imported_at TEXT NOT NULL,
  kept_as TEXT,
  archived_at TEXT,
  PRIMARY KEY(path, sha256)
) STRICT;

-- One port, one agent, whichever table it stands in.
CREATE TRIGGER architect_port_insert BEFORE INSERT ON architect WHEN NEW.port IS NOT NULL AND EXISTS(
  SELECT 1 FROM builders WHERE port = NEW.port
  UNION ALL SELECT 1 FROM utils WHERE port = NEW.port
  UNION ALL SELECT 1 FROM annotations WHERE port = NEW.port)
BEGIN SELECT RAISE(ABORT, 'the port is taken by another agent'); END;
CREATE TRIGGER architect_port_update BEFORE UPDATE OF port ON architect WHEN NEW.port IS NOT NULL AND EXISTS(
  SELECT 1 FROM builders WHERE port = NEW.port
  UNION ALL SELECT 1 FROM utils WHERE port = NEW.port
  UNION ALL SELECT 1 FROM annotations WHERE port = NEW.port)
BEGIN SELECT RAISE(ABORT, 'the port is taken by another agent'); END;
CREATE TRIGGER builders_port_insert BEFORE INSERT ON builders WHEN NEW.port IS NOT NULL AND EXISTS(
  SELECT 1 FROM architect WHERE port = NEW.port
  UNION ALL SELECT 1 FROM utils WHERE port = NEW.port
  UNION ALL SELECT 1 FROM annotations WHERE port = NEW.port)
BEGIN SELECT RAISE(ABORT, 'the port is taken by another agent'); END;
CREATE TRIGGER builders_port_update BEFORE UPDATE OF port ON builders WHEN NEW.port IS NOT NULL AND EXISTS(
  SELECT 1 FROM architect WHERE port = NEW.port
  UNION ALL SELECT 1 FROM utils WHERE port = NEW.port
  UNION ALL SELECT 1 FROM annotations WHERE port = NEW.port)
BEGIN SELECT RAISE(ABORT, 'the port is taken by another agent'); END;
CREATE TRIGGER utils_port_insert BEFORE INSERT ON utils WHEN NEW.port IS NOT NULL AND EXISTS(
  SELECT 1 FROM architect WHERE port = NEW.port
  UNION ALL SELECT 1 FROM builders WHERE port = NEW.port
  UNION ALL SELECT 1 FROM annotations WHERE port = NEW.port)
BEGIN SELECT RAISE(ABORT, 'the port is taken by another agent'); END;
CREATE TRIGGER utils_port_update BEFORE UPDATE OF port ON utils WHEN NEW.port IS NOT NULL AND EXISTS(
  SELECT 1 FROM architect WHERE port = NEW.port
  UNION ALL SELECT 1 FROM builders WHERE port = NEW.port
  UNION ALL SELECT 1 FROM annotations WHERE port = NEW.port)
BEGIN SELECT RAISE(ABORT, 'the port is taken by another agent'); END;
CREATE TRIGGER annotations_port_insert BEFORE INSERT ON annotations WHEN NEW.port IS NOT NULL AND EXISTS(
  SELECT 1 FROM architect WHERE port = NEW.port
  UNION ALL SELECT 1 FROM builders WHERE port = NEW.port
  UNION ALL SELECT 1 FROM utils WHERE port = NEW.port)
BEGIN SELECT RAISE(ABORT, 'the port is taken by another agent'); END;
CREATE TRIGGER annotations_port_update BEFORE UPDATE OF port ON annotations WHEN NEW.port IS NOT NULL AND EXISTS(
  SELECT 1 FROM architect WHERE port = NEW.port
  UNION ALL SELECT 1 FROM builders WHERE port = NEW.port
  UNION ALL SELECT 1 FROM utils WHERE port = NEW.port)
BEGIN SELECT RAISE(ABORT, 'the port is taken by another agent'); END;

-- For those who change rows by hand; what sets `updated_at` itself is left alone, and the trigger does not fire itself.
CREATE TRIGGER architect_updated_at AFTER UPDATE OF name, pid, port, cmd, tmux_session, start_time, boot_id, pid_namespace, supervisor_pid,
  supervisor_start_time, exit_status, ended_at, ended_how, started_at
  ON architect WHEN NEW.updated_at IS OLD.updated_at
BEGIN UPDATE architect SET updated_at = strftime('%Y-%m-%dT%H:%M:%fZ', 'now') WHERE name = NEW.name; END;
CREATE TRIGGER builders_updated_at AFTER UPDATE OF id, name, port, pid, status, phase, worktree, branch, tmux_session, type, task_text,
  protocol_name, cmd, base_commit, start_time, boot_id, pid_namespace, supervisor_pid,
  supervisor_start_time, exit_status, ended_at, ended_how, started_at
  ON builders WHEN NEW.updated_at IS OLD.updated_at
BEGIN UPDATE builders SET updated_at = strftime('%Y-%m-%dT%H:%M:%fZ', 'now') WHERE id = NEW.id; END;
CREATE TRIGGER utils_updated_at AFTER UPDATE OF id, name, port, pid, tmux_session, cmd, start_time, boot_id, pid_namespace, supervisor_pid,
  supervisor_start_time, exit_status, ended_at, ended_how, started_at
  ON utils WHEN NEW.updated_at IS OLD.updated_at
BEGIN UPDATE utils SET updated_at = strftime('%Y-%m-%dT%H:%M:%fZ', 'now') WHERE id = NEW.id; END;
CREATE TRIGGER annotations_updated_at AFTER UPDATE OF id, file, port, pid, parent_type, parent_id, tmux_session, cmd, start_time, boot_id,
  pid_namespace, supervisor_pid, supervisor_start_time, exit_status, ended_at, ended_how,
  started_at
  ON annotations WHEN NEW.updated_at IS OLD.updated_at
BEGIN UPDATE annotations SET updated_at = strftime('%Y-%m-%dT%H:%M:%fZ', 'now') WHERE id = NEW.id; END;
