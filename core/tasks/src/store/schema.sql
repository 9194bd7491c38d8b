-- Version 102: tasks. The record is the truth; every column beside it is a projection of it, but for `place`
-- and `blocked`. Times are nanoseconds since 1970, NULL where there is none or none that can be read.

CREATE TABLE tasks(
  number INTEGER PRIMARY KEY,
  id TEXT NOT NULL UNIQUE CHECK (id <> ''),
  -- Where it stood in the file that it came from, for an export in that order; new ones come last.
  place INTEGER NOT NULL,
  title TEXT,
  -- Missing is 'open'; NULL is one that cannot be read, and has no part in anything.
  status TEXT CHECK (status IS NULL OR length(CAST(status AS BLOB)) BETWEEN 1 AND 50),
  -- Missing is 0; NULL is one that cannot be read, and sorts last.
  priority INTEGER CHECK (priority IS NULL OR priority BETWEEN 0 AND 4),
  issue_type TEXT,
  assignee TEXT,
  close_reason TEXT,
  created_at INTEGER,
  updated_at INTEGER,
  closed_at INTEGER,
  defer_until INTEGER,
  claim_expires_at INTEGER,
  pinned INTEGER NOT NULL DEFAULT 0 CHECK (pinned IN (0, 1)),
  ephemeral INTEGER NOT NULL DEFAULT 0 CHECK (ephemeral IN (0, 1)),
  attempt_count INTEGER NOT NULL DEFAULT 0 CHECK (attempt_count >= 0),
  -- What breaks a rule, as a JSON array of reasons; NULL where nothing does.
  oddities TEXT CHECK (oddities IS NULL OR json_valid(oddities)),
  -- Whether others, or a blocked parent, hold it up by the rules of bd 0.49. Set in the transaction that changes it.
  blocked INTEGER NOT NULL DEFAULT 0 CHECK (blocked IN (0, 1)),
  -- The bytes of the line, one JSON object. Last, so that a look at the others never reads the pages of a long one.
  record BLOB NOT NULL
) STRICT;
-- Lists in their order: unknown priorities and times come last. What else is asked of each task stands behind, so that
-- counting reads no records.
CREATE INDEX idx_tasks_ready
  ON tasks(ifnull(priority, 5), ifnull(created_at, 9223372036854775807), id,
    status, claim_expires_at, issue_type, defer_until, pinned, ephemeral, assignee)
  WHERE blocked = 0 AND status IN ('open', 'in_progress');
CREATE INDEX idx_tasks_blocked
  ON tasks(ifnull(priority, 5), ifnull(created_at, 9223372036854775807), id, status) WHERE blocked = 1;
CREATE INDEX idx_tasks_live
  ON tasks(ifnull(priority, 5), ifnull(created_at, 9223372036854775807), id)
  WHERE ifnull(status, '') NOT IN ('closed', 'tombstone');
CREATE INDEX idx_tasks_status ON tasks(status);

CREATE TABLE task_labels(
  task INTEGER NOT NULL REFERENCES tasks(number) ON DELETE CASCADE,
  label TEXT NOT NULL,
  PRIMARY KEY (task, label)
) STRICT, WITHOUT ROWID;
CREATE INDEX idx_task_labels_label ON task_labels(label);

-- What depends on what. The target is an id: it need not exist.
CREATE TABLE task_edges(
  task INTEGER NOT NULL REFERENCES tasks(number) ON DELETE CASCADE,
  target TEXT NOT NULL,
  kind TEXT NOT NULL,
  -- Of 'waits-for': whose children are waited for, and whether one is enough.
  spawner TEXT,
  any_child INTEGER NOT NULL DEFAULT 0 CHECK (any_child IN (0, 1)),
  PRIMARY KEY (task, target, kind)
) STRICT, WITHOUT ROWID;
CREATE INDEX idx_task_edges_target ON task_edges(target, kind);
CREATE INDEX idx_task_edges_spawner ON task_edges(spawner) WHERE spawner IS NOT NULL;

CREATE TABLE task_comments(
  task INTEGER NOT NULL REFERENCES tasks(number) ON DELETE CASCADE,
  position INTEGER NOT NULL,
  -- As it is spelled in the record.
  comment_id TEXT,
  author TEXT,
  body TEXT,
  created_at INTEGER,
  PRIMARY KEY (task, position)
) STRICT, WITHOUT ROWID;

-- Every change of a task, also of one that is gone.
CREATE TABLE task_audit(
  number INTEGER PRIMARY KEY AUTOINCREMENT,
  task_id TEXT NOT NULL,
  -- Milliseconds since 1970.
  at INTEGER NOT NULL,
  who TEXT NOT NULL,
  -- 'created', 'imported', 'replaced', 'updated', 'claimed', 'taken_over', 'closed', 'reopened', 'deleted', 'removed',
  -- 'synced', 'conflict', 'mended'.
  operation TEXT NOT NULL,
  old_status TEXT,
  new_status TEXT,
  -- {"KEY": {"old": VALUE, "new": VALUE}, …} of the keys that changed; an absent value is an absent key.
  -- No json_valid here: SQLite's own stops at a depth of 1,000 (sqlite.org/json1.html), records at 10,000.
  changes TEXT,
  -- The record before it was replaced as a whole or removed.
  old_record BLOB
) STRICT;
CREATE INDEX idx_task_audit_task ON task_audit(task_id, number);
CREATE INDEX idx_task_audit_conflicts ON task_audit(number) WHERE operation = 'conflict';

-- What was tried, with what came of it, whole.
CREATE TABLE task_attempts(
  number INTEGER PRIMARY KEY,
  task_id TEXT NOT NULL,
  attempt INTEGER NOT NULL,
  at INTEGER NOT NULL,
  who TEXT NOT NULL,
  status TEXT,
  result TEXT,
  error TEXT
) STRICT;
CREATE INDEX idx_task_attempts_task ON task_attempts(task_id, number);

-- Lines of a file that are no tasks: headers, memories, kinds that nobody knows.
CREATE TABLE task_lines(
  number INTEGER PRIMARY KEY,
  id TEXT UNIQUE,
  -- Of a header what its `_schema` says, as JSON. Without an id there is one header of each.
  schema TEXT,
  place INTEGER NOT NULL,
  line BLOB NOT NULL,
  -- Of a line with neither: it is itself, once.
  sha256 BLOB UNIQUE,
  CHECK ((sha256 IS NULL) = (id IS NOT NULL OR schema IS NOT NULL))
) STRICT;
CREATE UNIQUE INDEX idx_task_lines_schema ON task_lines(schema) WHERE id IS NULL AND schema IS NOT NULL;

-- Ids that are never given to a new task though no task has them: those of lines that were quarantined, and of tasks
-- that a sync has removed.
CREATE TABLE task_reserved_ids(id TEXT PRIMARY KEY) STRICT, WITHOUT ROWID;

-- The file as the store last took it in, per canonical path: the base of the next sync.
CREATE TABLE task_sync_bases(
  path TEXT PRIMARY KEY,
  base BLOB NOT NULL,
  -- What was about to be written to it when `base` was taken in; NULL once it is known to stand there.
  next BLOB,
  at INTEGER NOT NULL
) STRICT, WITHOUT ROWID;

-- Words. Contentless: what it indexes stands in the records.
CREATE VIRTUAL TABLE task_search USING fts5(
  id, title, body, content = '', contentless_delete = 1, tokenize = 'unicode61 remove_diacritics 2'
);
