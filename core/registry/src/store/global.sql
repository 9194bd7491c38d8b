-- Blocks of 100 ports, one for each project, by the canonical path of its root.
CREATE TABLE port_allocations(
  project_path TEXT NOT NULL PRIMARY KEY CHECK(project_path <> ''),
  base_port INTEGER NOT NULL UNIQUE CHECK(base_port BETWEEN 4200 AND 65400 AND base_port % 100 = 0),
  pid INTEGER,
  registered_at TEXT NOT NULL DEFAULT (strftime('%Y-%m-%dT%H:%M:%fZ', 'now'))
    CHECK(registered_at GLOB '[0-9][0-9][0-9][0-9]-[0-9][0-9]-[0-9][0-9]T[0-9][0-9]:[0-9][0-9]:[0-9][0-9].[0-9][0-9][0-9]Z'),
  last_used_at TEXT NOT NULL DEFAULT (strftime('%Y-%m-%dT%H:%M:%fZ', 'now'))
    CHECK(last_used_at GLOB '[0-9][0-9][0-9][0-9]-[0-9][0-9]-[0-9][0-9]T[0-9][0-9]:[0-9][0-9]:[0-9][0-9].[0-9][0-9][0-9]Z')
) STRICT;

-- What was imported from a ports.json; as in the state.
CREATE TABLE registry_imports(
  path TEXT NOT NULL,
  sha256 TEXT NOT NULL,
  imported_at TEXT NOT NULL,
  kept_as TEXT,
  archived_at TEXT,
  PRIMARY KEY(path, sha256)
) STRICT;
