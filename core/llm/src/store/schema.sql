-- Times are ms: `_at` and `_wall` of the wall clock since 1970, `_boot` of the clock that runs since the machine started.
CREATE TABLE llm_salt(one INTEGER PRIMARY KEY CHECK(one = 1), salt BLOB NOT NULL) STRICT;
CREATE TABLE llm_host(
  endpoint TEXT PRIMARY KEY CHECK(endpoint <> ''), -- canonical URL, without user information
  dialect TEXT NOT NULL,
  last_name TEXT NOT NULL,
  state TEXT NOT NULL DEFAULT 'closed' CHECK(state IN ('closed', 'open', 'half_open', 'forced_open', 'disabled')),
  generation INTEGER NOT NULL DEFAULT 0,
  failures INTEGER NOT NULL DEFAULT 0,
  opens INTEGER NOT NULL DEFAULT 0,
  last_failure_at INTEGER,
  last_class TEXT,
  last_error TEXT,
  open_boot INTEGER, -- the end of the opening, as the next
  open_wall INTEGER,
  open_for INTEGER, -- its whole length
  boot_id TEXT,
  probe_row INTEGER,
  evidence_at INTEGER,
  ewma_first_ms REAL,
  ewma_at INTEGER, -- boot clock
  retry_tokens REAL NOT NULL DEFAULT 500,
  retry_at INTEGER,
  slots INTEGER
) STRICT;
CREATE TABLE llm_pair(
  endpoint TEXT NOT NULL CHECK(endpoint <> ''),
  model TEXT NOT NULL,
  state TEXT NOT NULL DEFAULT 'closed' CHECK(state IN ('closed', 'open', 'half_open', 'forced_open', 'disabled')),
  generation INTEGER NOT NULL DEFAULT 0,
  failures INTEGER NOT NULL DEFAULT 0,
  opens INTEGER NOT NULL DEFAULT 0,
  last_failure_at INTEGER,
  last_class TEXT,
  last_error TEXT,
  open_boot INTEGER, -- the end of the opening, as the next
  open_wall INTEGER,
  open_for INTEGER, -- its whole length
  boot_id TEXT,
  probe_row INTEGER,
  context INTEGER,
  absent_until INTEGER,
  PRIMARY KEY(endpoint, model)
) STRICT;
CREATE TABLE llm_block(
  endpoint TEXT NOT NULL,
  key_hash TEXT NOT NULL, -- 8 hexadecimal digits; empty without a key
  until_boot INTEGER NOT NULL,
  until_wall INTEGER NOT NULL,
  boot_id TEXT NOT NULL,
  reason TEXT NOT NULL,
  n INTEGER NOT NULL,
  PRIMARY KEY(endpoint, key_hash)
) STRICT;
CREATE TABLE llm_inflight(
  -- Never given twice: the number of a probe that has ended must not come to life again as another's.
  id INTEGER PRIMARY KEY AUTOINCREMENT,
  endpoint TEXT NOT NULL,
  model TEXT NOT NULL,
  kind TEXT NOT NULL CHECK(kind IN ('wait', 'call', 'probe')),
  pid INTEGER NOT NULL,
  pid_start INTEGER NOT NULL,
  pid_ns TEXT NOT NULL,
  boot_id TEXT NOT NULL,
  started INTEGER NOT NULL, -- boot clock, as the next
  beat INTEGER NOT NULL,
  generation INTEGER NOT NULL,
  reserved_tokens INTEGER NOT NULL DEFAULT 0
) STRICT;
CREATE INDEX llm_inflight_endpoint ON llm_inflight(endpoint, id);
CREATE TABLE llm_call(
  id INTEGER PRIMARY KEY,
  endpoint TEXT NOT NULL,
  model TEXT NOT NULL,
  at INTEGER NOT NULL,
  kind TEXT NOT NULL CHECK(kind IN ('wait', 'call', 'probe')),
  budgeted INTEGER NOT NULL DEFAULT 0, -- of a fallback with a budget: kept for its 24 hours
  task TEXT,
  run_id TEXT,
  outcome TEXT NOT NULL CHECK(outcome IN ('ok', 'failed')),
  class TEXT,
  status INTEGER,
  connect_ms INTEGER,
  first_ms INTEGER,
  total_ms INTEGER NOT NULL,
  queued_ms INTEGER,
  waited_ms INTEGER,
  tokens_in INTEGER,
  tokens_out INTEGER,
  estimated INTEGER NOT NULL DEFAULT 0,
  attempt INTEGER NOT NULL
) STRICT;
CREATE INDEX llm_call_recent ON llm_call(endpoint, outcome, id DESC, total_ms);
