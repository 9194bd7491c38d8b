use super::*;

#[test]
fn index_that_another_connection_has_merged_is_sound() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("words.db");
    crate::foreign::create(&path, "CREATE VIRTUAL TABLE \"my \"\"words\" USING fts5(body, content = '')")
        .unwrap();
    let conn = crate::open::connect_foreign(&path, crate::pool::Snapshot::Live).unwrap();
    for n in 0..40 {
        crate::foreign::run(&path, &format!("INSERT INTO \"my \"\"words\" VALUES('word {n}')")).unwrap();
        for depth in [Depth::Quick, Depth::Full] {
            assert_eq!(problems(&conn, depth).unwrap(), Vec::<String>::new(), "after {n}");
        }
    }
}

#[test]
fn module_is_known_by_its_whole_name() {
    for (sql, wanted) in [
        ("CREATE VIRTUAL TABLE words USING fts5(body)", true),
        ("CREATE VIRTUAL TABLE words using FTS5 (body)", true),
        ("CREATE VIRTUAL TABLE words\nUSING\n\t\"fts5\"(body)", true),
        ("CREATE VIRTUAL TABLE \"a \"\" using fts5(x)\" USING fts5(body)", true),
        ("CREATE VIRTUAL TABLE [a b]USING fts5(body)", true),
        ("CREATE VIRTUAL TABLE v USING fts5vocab(words, row)", false),
        ("CREATE VIRTUAL TABLE v USING fts4(using, fts5)", false),
        ("CREATE VIRTUAL TABLE \"x USING fts5(\" USING rtree(id, a, b)", false),
        ("CREATE VIRTUAL TABLE \"", false),
        ("CREATE VIRTUAL TABLE", false),
    ] {
        assert_eq!(is_fts5(sql), wanted, "{sql}");
    }
}

#[test]
fn vocabulary_of_an_index_that_is_gone_is_no_damage() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("words.db");
    crate::foreign::create(
        &path,
        "CREATE VIRTUAL TABLE words USING fts5(body); CREATE VIRTUAL TABLE v USING fts5vocab(gone, row)",
    )
    .unwrap();
    let conn = crate::open::connect_foreign(&path, crate::pool::Snapshot::Live).unwrap();
    for depth in [Depth::Quick, Depth::Full] {
        assert_eq!(problems(&conn, depth).unwrap(), Vec::<String>::new());
    }
}
