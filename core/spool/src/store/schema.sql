-- Events of all monitors, as they were imported from the spool.
CREATE TABLE events(
  id TEXT NOT NULL PRIMARY KEY CHECK(id <> ''),
  ts_utc INTEGER NOT NULL,
  monitor TEXT NOT NULL,
  action TEXT NOT NULL,
  subject_type TEXT NOT NULL,
  session_id TEXT NOT NULL,
  subject_id TEXT,
  batch_id TEXT,
  pid INTEGER,
  exe_name TEXT,
  exe_path_hash TEXT,
  window_title_hash TEXT,
  url_hash TEXT,
  file_path_hash TEXT,
  attrs_json TEXT
) STRICT;
CREATE INDEX events_by_monitor ON events(monitor, ts_utc);

-- The ledger: lines by monitor. `written` grows when a segment is catalogued, the others in the transaction that ends its
-- import. What is pending is counted in the files.
CREATE TABLE spool_monitors(
  monitor TEXT NOT NULL PRIMARY KEY,
  written INTEGER NOT NULL DEFAULT 0 CHECK(written >= 0),
  imported INTEGER NOT NULL DEFAULT 0 CHECK(imported >= 0),
  duplicates INTEGER NOT NULL DEFAULT 0 CHECK(duplicates >= 0),
  quarantined INTEGER NOT NULL DEFAULT 0 CHECK(quarantined >= 0)
) STRICT, WITHOUT ROWID;

-- Lines that were not stored, by reason. They count as written too.
CREATE TABLE spool_drops(
  monitor TEXT NOT NULL,
  reason TEXT NOT NULL,
  events INTEGER NOT NULL CHECK(events >= 0),
  PRIMARY KEY(monitor, reason)
) STRICT, WITHOUT ROWID;

-- The `.drops.json` files that were folded in, so that none is twice.
CREATE TABLE spool_folded(
  id TEXT NOT NULL PRIMARY KEY,
  folded_at TEXT NOT NULL DEFAULT (strftime('%Y-%m-%dT%H:%M:%fZ', 'now'))
) STRICT, WITHOUT ROWID;

-- The catalogue of segments. `done` counts the physical lines whose rows are durable; a row goes when its file is trimmed.
-- `digest` (of what the file holds, and of when that was written) tells one that is yet to be moved from another of its name
-- and size.
CREATE TABLE spool_segments(
  monitor TEXT NOT NULL,
  file TEXT NOT NULL,
  bytes INTEGER NOT NULL CHECK(bytes >= 0),
  lines INTEGER NOT NULL CHECK(lines >= 0),
  state TEXT NOT NULL DEFAULT 'pending' CHECK(state IN ('pending', 'imported', 'quarantined')),
  done INTEGER NOT NULL DEFAULT 0,
  imported INTEGER NOT NULL DEFAULT 0,
  duplicates INTEGER NOT NULL DEFAULT 0,
  digest INTEGER,
  PRIMARY KEY(monitor, file, bytes)
) STRICT, WITHOUT ROWID;

-- The state of the quota in force, and when the log was told of it last (milliseconds since 1970).
CREATE TABLE spool_quota(
  only INTEGER NOT NULL PRIMARY KEY DEFAULT 1 CHECK(only = 1),
  state TEXT NOT NULL CHECK(state IN ('normal', 'soft', 'hard')),
  since_ms INTEGER NOT NULL,
  logged_ms INTEGER NOT NULL
) STRICT;
