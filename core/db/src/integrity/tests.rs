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
