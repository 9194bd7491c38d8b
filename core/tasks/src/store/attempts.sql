-- Version 107: attempts of `conclave work`. One is recorded before its agent starts; until `ended_at` stands there it is
-- under way, or its dispatcher is gone. `at` is when the row last changed. Rows that people write have none of this.

ALTER TABLE task_attempts ADD COLUMN agent TEXT;
-- Milliseconds since 1970, like `at`.
ALTER TABLE task_attempts ADD COLUMN started_at INTEGER;
ALTER TABLE task_attempts ADD COLUMN ended_at INTEGER;
-- 'retried': failed, and made again at once. 'failed': failed, and the task was given back.
ALTER TABLE task_attempts ADD COLUMN outcome TEXT
  CHECK (outcome IN ('answered', 'retried', 'failed', 'stopped', 'lost'));
-- The process that dispatches it, and its agent's, as JSON.
ALTER TABLE task_attempts ADD COLUMN owner TEXT CHECK (owner IS NULL OR json_valid(owner));
ALTER TABLE task_attempts ADD COLUMN child TEXT CHECK (child IS NULL OR json_valid(child));
-- What the agent printed, where that is not the result.
ALTER TABLE task_attempts ADD COLUMN output TEXT;
-- When the task may be taken again.
ALTER TABLE task_attempts ADD COLUMN retry_at INTEGER;
-- Whether the task was its dispatcher's before it was claimed: given back, it still is.
ALTER TABLE task_attempts ADD COLUMN keeps_assignee INTEGER NOT NULL DEFAULT 0 CHECK (keeps_assignee IN (0, 1));
CREATE INDEX idx_task_attempts_open ON task_attempts(number) WHERE started_at IS NOT NULL AND ended_at IS NULL;
