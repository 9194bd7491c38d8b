-- The numbers of grants: no row is ever deleted. A commit that survives a power cut reserves the numbers below
-- `reserved`; those that survive a kill hand them out. So in a boot other than `boot_id` the next one is `reserved`.
CREATE TABLE lease_fences(
  name TEXT NOT NULL PRIMARY KEY CHECK(name <> ''),
  next INTEGER NOT NULL CHECK(next >= 1),
  reserved INTEGER NOT NULL CHECK(reserved >= next),
  boot_id TEXT NOT NULL
) STRICT, WITHOUT ROWID;

-- Grants that were not released; an expired one stands until somebody takes the name. Only the hash of a token is
-- stored. Within `boot_id` the boot clock decides when one ends, in another boot the wall clock.
CREATE TABLE lease_holders(
  name TEXT NOT NULL REFERENCES lease_fences(name),
  fence INTEGER NOT NULL,
  mode TEXT NOT NULL CHECK(mode IN ('exclusive', 'shared')),
  holder_id TEXT NOT NULL CHECK(holder_id <> ''),
  token_hash BLOB NOT NULL CHECK(length(token_hash) = 32),
  acquired_utc_ms INTEGER NOT NULL,
  expires_utc_ms INTEGER NOT NULL,
  boot_id TEXT NOT NULL,
  expires_boot_ms INTEGER NOT NULL,
  -- How long it lived when it was given or last renewed: in another boot it is over at the latest when that boot is as
  -- old, whatever the wall clock says.
  ttl_ms INTEGER NOT NULL CHECK(ttl_ms > 0),
  -- Who acquired it, for people; a renewal in another boot changes `boot_id` and not this one.
  process_boot_id TEXT NOT NULL,
  pid_namespace INTEGER NOT NULL,
  pid INTEGER NOT NULL,
  start_time INTEGER NOT NULL,
  -- The process that it ends with, if any: of `process_boot_id`, so that it is over in another boot.
  bound_pid_namespace INTEGER,
  bound_pid INTEGER,
  bound_start_time INTEGER,
  -- Whether it is over in another boot also without such a process: what it was taken for ran in this one.
  ends_with_boot INTEGER NOT NULL CHECK(ends_with_boot IN (0, 1)),
  PRIMARY KEY(name, fence),
  CHECK((bound_pid IS NULL) = (bound_start_time IS NULL) AND (bound_pid IS NULL) = (bound_pid_namespace IS NULL))
) STRICT, WITHOUT ROWID;

CREATE INDEX lease_holders_token ON lease_holders(token_hash);

-- Those who wait, in the order of their tickets. Who does not take what is free is asleep, stopped or hung: it goes to
-- the end, behind all who come, and gets a new ticket when it wakes. An id is never given again, so that one who was away
-- for long finds its own place or none.
CREATE TABLE lease_waiters(
  id INTEGER PRIMARY KEY AUTOINCREMENT,
  ticket INTEGER NOT NULL UNIQUE,
  holder_id TEXT NOT NULL CHECK(holder_id <> ''),
  mode TEXT NOT NULL CHECK(mode IN ('exclusive', 'shared')),
  boot_id TEXT NOT NULL,
  pid_namespace INTEGER NOT NULL,
  pid INTEGER NOT NULL,
  start_time INTEGER NOT NULL,
  since_utc_ms INTEGER NOT NULL,
  -- Since when it could take all that it waits for, as others have seen it, by the boot clock; NULL while it could not.
  could_since_boot_ms INTEGER,
  asleep INTEGER NOT NULL DEFAULT 0 CHECK(asleep IN (0, 1))
) STRICT;

CREATE TABLE lease_waits(
  name TEXT NOT NULL,
  waiter INTEGER NOT NULL REFERENCES lease_waiters(id) ON DELETE CASCADE,
  PRIMARY KEY(name, waiter)
) STRICT, WITHOUT ROWID;

CREATE INDEX lease_waits_waiter ON lease_waits(waiter);

-- What holds for all names of the file: the latest wall clock that a decision was made by, and the number that a name
-- begins with that has none yet (1, until a file is replaced whose numbers could not be read).
CREATE TABLE lease_clock(
  id INTEGER PRIMARY KEY CHECK(id = 1),
  wall_high_ms INTEGER NOT NULL,
  first_fence INTEGER NOT NULL CHECK(first_fence >= 1)
) STRICT;

INSERT INTO lease_clock(id, wall_high_ms, first_fence) VALUES(1, 0, 1);
