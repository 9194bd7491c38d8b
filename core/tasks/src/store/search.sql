-- Words, with their texts: an index without them (`contentless_delete`, SQLite 3.43) cannot even be listed by the
-- clients of older systems, and `.dump` ends there.
DROP TABLE task_search;

CREATE VIRTUAL TABLE task_search USING fts5(
  id, title, body, tokenize = 'unicode61 remove_diacritics 2'
);
