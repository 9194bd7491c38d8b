-- Entries. `seq` says when one was used last: a number that rises, no time. `checksum` is of the value.
CREATE TABLE entries(
  hash BLOB NOT NULL PRIMARY KEY CHECK(length(hash) = 32),
  subject BLOB CHECK(subject IS NULL OR length(subject) = 32),
  maker INTEGER NOT NULL,
  seq INTEGER NOT NULL,
  bytes INTEGER NOT NULL CHECK(bytes = length(value)),
  checksum INTEGER NOT NULL,
  value BLOB NOT NULL
) STRICT;
CREATE INDEX entries_by_seq ON entries(seq, bytes);
CREATE INDEX entries_by_subject ON entries(subject) WHERE subject IS NOT NULL;

-- One row: sums, the highest `seq`, and what was counted since the last reset.
CREATE TABLE counters(
  only INTEGER NOT NULL PRIMARY KEY DEFAULT 1 CHECK(only = 1),
  entries INTEGER NOT NULL DEFAULT 0,
  bytes INTEGER NOT NULL DEFAULT 0,
  seq INTEGER NOT NULL DEFAULT 0,
  hits INTEGER NOT NULL DEFAULT 0,
  misses INTEGER NOT NULL DEFAULT 0,
  stale INTEGER NOT NULL DEFAULT 0,
  errors INTEGER NOT NULL DEFAULT 0,
  evictions INTEGER NOT NULL DEFAULT 0
) STRICT;
INSERT INTO counters DEFAULT VALUES;
