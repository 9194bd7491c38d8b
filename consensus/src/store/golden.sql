-- Facts 5.5: fourteen rows that hold every trap of real legacy files, in tables as the original creates them.
CREATE TABLE consensus_artifacts (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    spec_id TEXT NOT NULL, stage TEXT NOT NULL, agent_name TEXT NOT NULL,
    content_json TEXT NOT NULL, response_text TEXT, run_id TEXT,
    created_at TIMESTAMP DEFAULT CURRENT_TIMESTAMP);
CREATE INDEX idx_spec_stage ON consensus_artifacts(spec_id, stage);
CREATE TABLE consensus_synthesis (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    spec_id TEXT NOT NULL, stage TEXT NOT NULL, output_markdown TEXT NOT NULL,
    output_path TEXT, status TEXT NOT NULL, artifacts_count INTEGER,
    agreements TEXT, conflicts TEXT, degraded BOOLEAN DEFAULT 0,
    run_id TEXT, created_at TIMESTAMP DEFAULT CURRENT_TIMESTAMP);
CREATE INDEX idx_synthesis_spec_stage ON consensus_synthesis(spec_id, stage);
CREATE TABLE agent_executions (
    agent_id TEXT PRIMARY KEY, spec_id TEXT NOT NULL, stage TEXT NOT NULL,
    phase_type TEXT NOT NULL, agent_name TEXT NOT NULL, run_id TEXT,
    spawned_at TEXT NOT NULL, completed_at TEXT, response_text TEXT, extraction_error TEXT);
CREATE INDEX idx_agent_executions_spec ON agent_executions(spec_id, stage);
CREATE INDEX idx_agent_executions_run ON agent_executions(run_id);
INSERT INTO consensus_artifacts
    (id, spec_id, stage, agent_name, content_json, response_text, run_id, created_at) VALUES
    (1, 'S1', 'spec-plan', 'gemini', '{"agent":"gemini","model":"gemini-2.5-pro"}', 'raw', 'run_A', '2025-11-11 02:33:20'),
    (2, 'S1', 'spec-plan', 'claude', '{}', NULL, 'run_A', '2025-11-11 02:33:20'),
    (3, 'S1', 'spec-plan', 'gpt_pro', '', NULL, 'run_A', '2025-11-11 02:33:21'),
    (4, 'S1', 'spec-plan', 'gemini', '{"v":2}', NULL, 'run_B', '2025-11-11 02:33:20'),
    (5, 'S1', 'spec-plan', 'gemini', '{}', NULL, NULL, '2025-11-03 02:54:13'),
    (6, 'S1', 'spec-plan', 'claude', '{}', NULL, NULL, '2025-11-03 02:54:13'),
    (7, 'S1', 'spec-plan', 'gemini', '{}', NULL, NULL, '2025-11-03 03:08:05'),
    (8, 'S1', 'spec-plan', 'gemini', '{"dup":1}', NULL, 'run_A', '2025-11-11 02:33:22'),
    (9, 'S1', 'spec-tasks', 'code', '{ "id": string }', NULL, 'run_A', '2025-11-11 02:34:35'),
    (10, 'S2', 'spec-plan', 'gemini', '{}', NULL, 'run_C', 'garbage'),
    (11, 'S2', 'spec-plan', 'gemini', '{}', NULL, 'run_D', 1762828295),
    (12, 'S2', 'spec-plan', 'gemini', '{}', NULL, 'run_E', 1762828295123),
    (13, 'S2', 'spec-plan', 'gemini', '{}', NULL, '', '2025-11-11T02:33:20.123Z'),
    (14, 'S2', 'spec-plan', 'gemini', '{}', NULL, 'run_F', NULL);
