-- Version 101: the workflow. What a run that Conclave drives was asked, of whom, and what became of each try.
-- Only tables of its own: the tables of version 100 stay as they are, with their capture triggers.

CREATE TABLE run_settings(
  run_id INTEGER PRIMARY KEY REFERENCES consensus_runs(id) ON DELETE CASCADE,
  -- The bytes that every agent is asked with, fixed before the first is started.
  prompt BLOB NOT NULL,
  quorum INTEGER NOT NULL CHECK (quorum >= 1),
  accept TEXT NOT NULL,
  timeout_ms INTEGER NOT NULL CHECK (timeout_ms > 0),
  sequential INTEGER NOT NULL CHECK (sequential IN (0, 1)),
  -- 'regular_stage' or 'quality_gate'.
  phase_type TEXT NOT NULL,
  -- The folder that the agents work in.
  directory TEXT NOT NULL,
  actor TEXT NOT NULL,
  -- Who drives it now: a process identity as JSON. Absent when nobody does.
  owner TEXT CHECK (owner IS NULL OR json_valid(owner)),
  -- When the stage was begun, or taken up again; its deadline counts from there.
  driven_at INTEGER NOT NULL,
  -- When somebody asked for its end before its time.
  cancelled_at INTEGER,
  ended_at INTEGER
) STRICT;
CREATE INDEX idx_run_settings_open ON run_settings(run_id) WHERE ended_at IS NULL;

-- The roster: who is expected to answer.
CREATE TABLE run_roster(
  run_id INTEGER NOT NULL REFERENCES consensus_runs(id) ON DELETE CASCADE,
  position INTEGER NOT NULL CHECK (position >= 1),
  agent_name TEXT NOT NULL,
  family TEXT,
  -- What it is started with, as JSON; values of its environment are left out.
  definition TEXT NOT NULL CHECK (json_valid(definition)),
  PRIMARY KEY (run_id, position),
  UNIQUE (run_id, agent_name)
) STRICT, WITHOUT ROWID;

-- What Conclave knows of an attempt beyond run_attempts.
CREATE TABLE attempt_details(
  agent_id TEXT PRIMARY KEY,
  run_id INTEGER NOT NULL REFERENCES consensus_runs(id) ON DELETE CASCADE,
  -- The process, whose group is its own: a process identity as JSON.
  process TEXT CHECK (process IS NULL OR json_valid(process)),
  -- 'answered', 'failed', 'timed_out', 'cancelled' or 'lost'; absent while it runs.
  outcome TEXT CHECK (outcome IN ('answered', 'failed', 'timed_out', 'cancelled', 'lost')),
  -- The class of the failure, its reason, and a line for people with what to do.
  class TEXT,
  reason TEXT,
  message TEXT,
  hint TEXT,
  -- When the next attempt begins, while that is waited for.
  retry_at INTEGER,
  -- The end of what it wrote to standard error.
  stderr TEXT,
  stdout_bytes INTEGER,
  stderr_bytes INTEGER,
  truncated INTEGER NOT NULL DEFAULT 0 CHECK (truncated IN (0, 1)),
  session_id TEXT,
  -- Usage as the agent reports it; unknown is NULL, not 0.
  input_tokens INTEGER,
  output_tokens INTEGER,
  cache_read_tokens INTEGER,
  cache_write_tokens INTEGER,
  reasoning_tokens INTEGER,
  cost_usd REAL,
  cost_source TEXT
) STRICT, WITHOUT ROWID;
CREATE INDEX idx_attempt_details_run ON attempt_details(run_id);

-- The verdict of a run that was closed: a function of its rows, kept for lists and for what was said then.
CREATE TABLE run_verdicts(
  run_id INTEGER PRIMARY KEY REFERENCES consensus_runs(id) ON DELETE CASCADE,
  status TEXT NOT NULL CHECK (status IN ('ok', 'conflict', 'degraded', 'insufficient')),
  verdict TEXT NOT NULL CHECK (json_valid(verdict)),
  computed_at INTEGER NOT NULL
) STRICT;
CREATE INDEX idx_run_verdicts_status ON run_verdicts(status);

-- Whoever changes the outputs of a run that has its verdict: that is none any more. Old programs write these
-- rows too, through the capture triggers.
CREATE TRIGGER verdict_outdated_by_insert AFTER INSERT ON agent_outputs
WHEN EXISTS (SELECT 1 FROM run_verdicts WHERE run_id = NEW.run_id)
BEGIN DELETE FROM run_verdicts WHERE run_id = NEW.run_id; END;
CREATE TRIGGER verdict_outdated_by_update AFTER UPDATE OF run_id, agent_name, content, attempt, sequence ON agent_outputs
WHEN EXISTS (SELECT 1 FROM run_verdicts WHERE run_id IN (OLD.run_id, NEW.run_id))
BEGIN DELETE FROM run_verdicts WHERE run_id IN (OLD.run_id, NEW.run_id); END;
CREATE TRIGGER verdict_outdated_by_delete AFTER DELETE ON agent_outputs
WHEN EXISTS (SELECT 1 FROM run_verdicts WHERE run_id = OLD.run_id)
BEGIN DELETE FROM run_verdicts WHERE run_id = OLD.run_id; END;

-- What became of a quality gate when its run was closed.
CREATE TABLE gate_results(
  run_id INTEGER PRIMARY KEY REFERENCES consensus_runs(id) ON DELETE CASCADE,
  -- How many agents gave a payload that could be read.
  payloads INTEGER NOT NULL CHECK (payloads >= 0),
  -- Why the gate failed, for people; absent where it did not. A failed gate has no issues.
  failed TEXT,
  -- Whose answers were none, and why, as JSON.
  rejected TEXT NOT NULL CHECK (json_valid(rejected)),
  recorded_at INTEGER NOT NULL
) STRICT;

-- The issues of a quality gate, merged by their id, and what was decided on each.
CREATE TABLE gate_issues(
  run_id INTEGER NOT NULL REFERENCES consensus_runs(id) ON DELETE CASCADE,
  issue_id TEXT NOT NULL,
  position INTEGER NOT NULL CHECK (position >= 1),
  -- The merged issue as JSON: question, answers by agent, confidence, magnitude, resolvability.
  issue TEXT NOT NULL CHECK (json_valid(issue)),
  -- The answer that stands; absent while a person is waited for.
  answer TEXT,
  -- 'agents' or the actor who answered.
  answered_by TEXT,
  answered_at INTEGER,
  PRIMARY KEY (run_id, issue_id),
  CHECK ((answer IS NULL) = (answered_by IS NULL))
) STRICT, WITHOUT ROWID;
CREATE INDEX idx_gate_issues_open ON gate_issues(run_id) WHERE answer IS NULL;

-- A spec on its way through the stages.
CREATE TABLE pipelines(
  id INTEGER PRIMARY KEY AUTOINCREMENT,
  -- The key of all its runs.
  run_key TEXT NOT NULL UNIQUE,
  spec_id TEXT NOT NULL,
  -- What was asked for at its begin: prompts, first stage, agents, settings, as JSON.
  request TEXT NOT NULL CHECK (json_valid(request)),
  actor TEXT NOT NULL,
  -- 'waiting' is for a person; 'replaced' by another one of the spec.
  state TEXT NOT NULL CHECK (state IN ('running', 'waiting', 'halted', 'done', 'replaced')),
  -- Why it is in this state, for people.
  reason TEXT,
  -- Who drives it now: a process identity as JSON. Absent when nobody does.
  owner TEXT CHECK (owner IS NULL OR json_valid(owner)),
  started_at INTEGER NOT NULL,
  ended_at INTEGER,
  CHECK ((ended_at IS NULL) = (state IN ('running', 'waiting')))
) STRICT;
-- A spec goes one way at a time.
CREATE UNIQUE INDEX idx_pipelines_open ON pipelines(spec_id) WHERE ended_at IS NULL;
