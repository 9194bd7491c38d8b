//! Files of others are read, and their schemas run nothing.

use conclave_db::{BulkWriter, DbError, ErrorKind, Source, foreign};

use crate::fixture::Scratch;

/// `rtreedepth` can do no harm, but SQLite has not been told so: it stands for every function that can.
const HOSTILE: &str = "CREATE TABLE plain(x); INSERT INTO plain VALUES(zeroblob(8));
  CREATE VIEW trap AS SELECT rtreedepth(x) AS x FROM plain;
  CREATE VIEW harmless AS SELECT length(x) AS x FROM plain;";

#[test]
fn a_foreign_schema_calls_nothing_that_may_do_harm() {
    let scratch = Scratch::new();
    let path = scratch.dir.path().join("hostile.db");
    foreign::create(&path, HOSTILE).unwrap();
    let refused = |error: DbError| {
        assert_eq!(error.kind(), ErrorKind::Statement, "{error}");
        assert!(error.to_string().contains("unsafe use of rtreedepth"), "{error}");
    };
    let source = Source::open(&path).unwrap();
    let number = |sql| source.read(|conn| conn.query_row(sql, [], |row| row.get::<_, i64>(0)));
    assert_eq!(number("SELECT x FROM harmless").unwrap(), 8);
    assert_eq!(number("SELECT rtreedepth(x) FROM plain").unwrap(), 0, "our own statement may");
    refused(number("SELECT x FROM trap").unwrap_err());

    let mut bulk = BulkWriter::open(&scratch.open(), Some(&path)).unwrap();
    let mut number =
        |sql| bulk.prepare::<i64, DbError>(|tx| tx.query_row(sql, [], |row| row.get::<_, i64>(0)));
    assert_eq!(number("SELECT x FROM source.harmless").unwrap(), 8);
    refused(number("SELECT x FROM source.trap").unwrap_err());
    // What is made for the copy is ours.
    bulk.prepare::<(), DbError>(|tx| {
        tx.execute_batch("CREATE TEMP VIEW ours AS SELECT rtreedepth(x) AS x FROM source.plain")?;
        assert_eq!(tx.query_row("SELECT x FROM temp.ours", [], |row| row.get::<_, i64>(0))?, 0);
        Ok(())
    })
    .unwrap();
}
