-- Version 100: consensus runs and the migration's own state. Parses on SQLite 3.37, since an older program's
-- SQLite reads this schema whenever it opens the file.

CREATE TABLE import_sources(
  id INTEGER PRIMARY KEY,
  path TEXT NOT NULL UNIQUE,
  kind TEXT NOT NULL CHECK (kind IN ('legacy', 'later', 'both')),
  sha256 TEXT NOT NULL,
  bytes INTEGER NOT NULL,
  actor TEXT NOT NULL,
  started_at INTEGER NOT NULL,
  finished_at INTEGER
) STRICT;

CREATE TABLE consensus_runs(
  id INTEGER PRIMARY KEY AUTOINCREMENT,
  run_key TEXT NOT NULL,
  spec_id TEXT NOT NULL,
  stage TEXT NOT NULL,
  -- The smallest known time of its rows.
  run_timestamp INTEGER,
  consensus_ok INTEGER CHECK (consensus_ok IN (0, 1)),
  degraded INTEGER CHECK (degraded IN (0, 1)),
  synthesis_json TEXT CHECK (synthesis_json IS NULL OR json_valid(synthesis_json)),
  status TEXT NOT NULL DEFAULT 'unknown'
    CHECK (status IN ('ok', 'conflict', 'degraded', 'insufficient', 'unknown', 'running')),
  started_at INTEGER,
  -- The greatest known time of its rows.
  updated_at INTEGER,
  -- A run that legacy rows made goes with its last row; one that Conclave made stays.
  origin TEXT NOT NULL DEFAULT 'conclave' CHECK (origin IN ('legacy', 'conclave')),
  source_id INTEGER REFERENCES import_sources(id),
  UNIQUE (run_key, spec_id, stage)
) STRICT;
CREATE INDEX idx_consensus_spec_stage ON consensus_runs(spec_id, stage);
CREATE INDEX idx_consensus_timestamp ON consensus_runs(run_timestamp);

CREATE TABLE agent_outputs(
  id INTEGER PRIMARY KEY AUTOINCREMENT,
  run_id INTEGER NOT NULL REFERENCES consensus_runs(id) ON DELETE CASCADE,
  agent_name TEXT NOT NULL,
  model_version TEXT,
  content TEXT NOT NULL,
  output_timestamp INTEGER,
  attempt INTEGER NOT NULL DEFAULT 1 CHECK (attempt >= 1),
  -- Order of arrival within (run, agent, attempt); never renumbered.
  sequence INTEGER NOT NULL CHECK (sequence >= 1),
  state TEXT NOT NULL DEFAULT 'completed' CHECK (state <> ''),
  response_text TEXT,
  valid_json INTEGER NOT NULL DEFAULT 0 CHECK (valid_json IN (0, 1)),
  source_id INTEGER REFERENCES import_sources(id),
  -- The mirrored legacy row, and as written what canonical form would lose.
  legacy_id INTEGER,
  legacy_stage ANY,
  legacy_run_id ANY,
  legacy_created_at ANY,
  -- The phase in which a trigger last took it from an older program's write; absent where we wrote it.
  captured_phase INTEGER,
  -- The writer's own name for the write, by which a repeated one is known.
  write_key TEXT,
  UNIQUE (run_id, agent_name, attempt, sequence)
) STRICT;
CREATE INDEX idx_agent_outputs_run ON agent_outputs(run_id);
CREATE INDEX idx_agent_outputs_agent ON agent_outputs(agent_name);
CREATE UNIQUE INDEX idx_agent_outputs_legacy ON agent_outputs(legacy_id) WHERE legacy_id IS NOT NULL;
CREATE UNIQUE INDEX idx_agent_outputs_write ON agent_outputs(write_key) WHERE write_key IS NOT NULL;

CREATE TABLE run_syntheses(
  id INTEGER PRIMARY KEY AUTOINCREMENT,
  run_id INTEGER NOT NULL REFERENCES consensus_runs(id) ON DELETE CASCADE,
  output_markdown TEXT,
  output_path TEXT,
  status TEXT,
  artifacts_count ANY,
  agreements TEXT,
  conflicts TEXT,
  degraded ANY,
  created_at INTEGER,
  source_id INTEGER REFERENCES import_sources(id),
  legacy_id INTEGER,
  legacy_stage ANY,
  legacy_run_id ANY,
  legacy_created_at ANY,
  captured_phase INTEGER,
  write_key TEXT
) STRICT;
CREATE INDEX idx_run_syntheses_run ON run_syntheses(run_id);
CREATE UNIQUE INDEX idx_run_syntheses_legacy ON run_syntheses(legacy_id) WHERE legacy_id IS NOT NULL;
CREATE UNIQUE INDEX idx_run_syntheses_write ON run_syntheses(write_key) WHERE write_key IS NOT NULL;

CREATE TABLE run_attempts(
  id INTEGER PRIMARY KEY AUTOINCREMENT,
  agent_id TEXT NOT NULL UNIQUE,
  run_id INTEGER NOT NULL REFERENCES consensus_runs(id) ON DELETE CASCADE,
  agent_name TEXT NOT NULL,
  attempt INTEGER NOT NULL DEFAULT 1 CHECK (attempt >= 1),
  phase_type TEXT,
  spawned_at INTEGER,
  completed_at INTEGER,
  state TEXT NOT NULL DEFAULT 'spawned' CHECK (state <> ''),
  exit_code INTEGER,
  signal INTEGER,
  extraction_error TEXT,
  response_text TEXT,
  branch_id TEXT,
  source_id INTEGER REFERENCES import_sources(id),
  -- Whether a legacy row with this agent_id is mirrored here.
  mirrored INTEGER NOT NULL DEFAULT 0 CHECK (mirrored IN (0, 1)),
  legacy_stage ANY,
  legacy_run_id ANY,
  legacy_spawned_at ANY,
  legacy_completed_at ANY,
  captured_phase INTEGER
) STRICT;
CREATE INDEX idx_run_attempts_run ON run_attempts(run_id, agent_name);

-- A mirrored row that goes by another hand than that of the capture triggers may leave its legacy row alone:
-- nobody knows any more that all are mapped. One line each, as the statements are told apart by their ends.
CREATE TRIGGER mirrored_output_gone AFTER DELETE ON agent_outputs
WHEN OLD.legacy_id IS NOT NULL AND NOT EXISTS (SELECT 1 FROM capture_row)
BEGIN UPDATE migration_state SET mapped = 0 WHERE mapped = 1; END;
CREATE TRIGGER mirrored_synthesis_gone AFTER DELETE ON run_syntheses
WHEN OLD.legacy_id IS NOT NULL AND NOT EXISTS (SELECT 1 FROM capture_row)
BEGIN UPDATE migration_state SET mapped = 0 WHERE mapped = 1; END;
CREATE TRIGGER mirrored_attempt_gone AFTER DELETE ON run_attempts
WHEN OLD.mirrored = 1 AND NOT EXISTS (SELECT 1 FROM capture_row)
BEGIN UPDATE migration_state SET mapped = 0 WHERE mapped = 1; END;

-- Where an imported row went when its id alone does not say it: its id was taken, or there is no legacy side.
CREATE TABLE imported_rows(
  kind TEXT NOT NULL CHECK (kind IN ('artifact', 'synthesis', 'execution', 'output', 'run')),
  source_row ANY NOT NULL,
  source_id INTEGER NOT NULL REFERENCES import_sources(id),
  target_id INTEGER NOT NULL,
  PRIMARY KEY (kind, source_row, source_id)
) STRICT, WITHOUT ROWID;
CREATE INDEX idx_imported_rows_target ON imported_rows(target_id, kind);

CREATE TABLE migration_state(
  id INTEGER PRIMARY KEY CHECK (id = 1),
  phase INTEGER NOT NULL CHECK (phase BETWEEN 1 AND 5),
  -- When the phase began; absent while it is the file's first.
  phase_since INTEGER,
  -- The soak of the phase: when it began, or began again, how much of it had passed when somebody last looked,
  -- and by which clocks that was.
  soak_since INTEGER,
  soak_passed_ms INTEGER NOT NULL DEFAULT 0,
  soak_seen_at INTEGER,
  soak_seen_boot TEXT,
  soak_seen_boot_ms INTEGER,
  -- How many writes of older programs had been counted then.
  soak_seen_writes INTEGER NOT NULL DEFAULT 0,
  paused_at INTEGER,
  paused_by TEXT,
  -- The last row of each legacy table whose chunk is committed; absent before the first.
  artifact_cursor INTEGER,
  execution_cursor INTEGER,
  synthesis_cursor INTEGER,
  -- The last row of each new table that the way back from phase 4 has copied.
  artifact_back INTEGER,
  execution_back INTEGER,
  synthesis_back INTEGER,
  verified_at INTEGER,
  differences INTEGER NOT NULL DEFAULT 0,
  -- Of those, legacy rows without their counterpart. Who copies such rows takes them off both.
  missing_in_new INTEGER NOT NULL DEFAULT 0,
  -- Whether changed rows are noted in capture_changed, for a comparison that is under way, and how often that
  -- was begun.
  comparing INTEGER NOT NULL DEFAULT 0 CHECK (comparing IN (0, 1)),
  comparison INTEGER NOT NULL DEFAULT 0,
  -- Whether every legacy row had its counterpart, or its notice in migration_pending, when somebody last knew;
  -- as long as the triggers stand, it stays so.
  mapped INTEGER NOT NULL DEFAULT 1 CHECK (mapped IN (0, 1))
) STRICT;
-- A file that holds legacy tables begins in phase 1, a new one has nothing to migrate.
INSERT INTO migration_state(id, phase)
SELECT 1, CASE WHEN EXISTS (
  SELECT 1 FROM sqlite_master
  WHERE type = 'table' AND name IN ('consensus_artifacts', 'consensus_synthesis', 'agent_executions')
) THEN 1 ELSE 5 END;

CREATE TABLE migration_events(
  id INTEGER PRIMARY KEY AUTOINCREMENT,
  at INTEGER NOT NULL,
  actor TEXT NOT NULL,
  kind TEXT NOT NULL,
  detail TEXT NOT NULL CHECK (json_valid(detail))
) STRICT;

-- Legacy rows that the new tables cannot hold. Each counts as a difference.
CREATE TABLE migration_pending(
  id INTEGER PRIMARY KEY AUTOINCREMENT,
  legacy_table TEXT NOT NULL,
  legacy_rowid INTEGER NOT NULL,
  reason TEXT NOT NULL,
  noticed_at INTEGER,
  UNIQUE (legacy_table, legacy_rowid)
) STRICT;

-- What the last comparison of both sides found: the first 1000 differences. migration_state counts all.
CREATE TABLE migration_findings(
  id INTEGER PRIMARY KEY AUTOINCREMENT,
  found_at INTEGER NOT NULL,
  kind TEXT NOT NULL CHECK (kind IN ('missing_in_new', 'missing_in_legacy', 'different')),
  legacy_table TEXT NOT NULL,
  legacy_id INTEGER,
  agent_id TEXT,
  output_id INTEGER,
  field TEXT
) STRICT;

-- While this has its row, the capture triggers are silent: our own dual-writes put it there and take it away in
-- one transaction. The deferred key makes a marker that was left behind impossible to commit.
CREATE TABLE capture_never(id INTEGER PRIMARY KEY) STRICT;
CREATE TABLE capture_off(
  id INTEGER PRIMARY KEY CHECK (id = 1),
  never INTEGER NOT NULL REFERENCES capture_never(id) DEFERRABLE INITIALLY DEFERRED
) STRICT;

-- The runs that the row at hand leaves and enters. Empty outside of a capture trigger.
CREATE TABLE capture_runs(run INTEGER PRIMARY KEY) STRICT;

-- The change at hand of a legacy row: its keys before and after, and what the row is worked out to, once for all
-- statements that mirror it. Empty outside of a capture trigger.
CREATE TABLE capture_row(
  kind TEXT NOT NULL,
  before, before_rowid INTEGER, after, after_rowid INTEGER,
  refused INTEGER NOT NULL DEFAULT 1,
  run_key, spec, stage, agent, name, at, ended, valid, model,
  run INTEGER
);

-- What older programs have written: all of it, and of it what came in phase 4 and later.
CREATE TABLE capture_seen(
  id INTEGER PRIMARY KEY CHECK (id = 1),
  writes INTEGER NOT NULL DEFAULT 0,
  late_writes INTEGER NOT NULL DEFAULT 0,
  last_at INTEGER,
  sqlite_version TEXT
) STRICT;
INSERT INTO capture_seen(id) VALUES(1);

-- Legacy rows that changed while a comparison is under way, in order; no more than a bound, which the last id
-- tells. One whose process died leaves it as it is, and the next one goes on from there.
CREATE TABLE capture_changed(
  id INTEGER PRIMARY KEY,
  legacy_table TEXT NOT NULL,
  legacy_key ANY NOT NULL
) STRICT;
