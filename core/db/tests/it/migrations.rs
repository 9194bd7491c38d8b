//! Steps forward and back, the ledger, and what a broken step leaves behind.

use conclave_db::{Db, DbError, DbOptions, ErrorKind, FIRST_VERSION, Migration, Schema, Step};

use crate::fixture::{ITEMS, Scratch, insert, texts};

const TAGS: Migration = Migration {
    version: FIRST_VERSION + 1,
    name: "tags",
    up: Step::Sql("CREATE TABLE tag(item INTEGER NOT NULL REFERENCES item(id), name TEXT NOT NULL) STRICT;"),
    down: Some(Step::Sql("DROP TABLE tag;")),
    rewrites: false,
};

fn options(scratch: &Scratch, steps: &[Migration]) -> DbOptions {
    DbOptions::new(scratch.path(), Schema::assemble(&[steps], &[]).unwrap())
}

#[test]
fn versions_have_neither_gap_nor_double() {
    let gap = Migration { version: FIRST_VERSION + 2, ..TAGS };
    assert!(Schema::assemble(&[&[ITEMS], &[gap]], &[]).is_err());
    assert!(Schema::assemble(&[&[ITEMS], &[ITEMS]], &[]).is_err());
    assert_eq!(Schema::assemble(&[&[TAGS], &[ITEMS]], &[]).unwrap().version(), FIRST_VERSION + 1);
}

#[test]
fn a_plan_touches_nothing_and_says_what_comes() {
    let scratch = Scratch::new();
    let both = [ITEMS, TAGS];
    let plan = Db::plan(&options(&scratch, &both)).unwrap();
    assert_eq!((plan.from, plan.to, plan.steps), (0, 101, vec!["items", "tags"]));
    assert_eq!(std::fs::read_dir(scratch.dir.path()).unwrap().count(), 0);
    drop(scratch.open());
    let plan = Db::plan(&options(&scratch, &both)).unwrap();
    assert_eq!((plan.from, plan.to, plan.steps), (100, 101, vec!["tags"]));
    assert_eq!(Db::open_read_only(options(&scratch, &both)).unwrap_err().kind(), ErrorKind::NeedsMigration);
    let db = Db::open(options(&scratch, &both)).unwrap();
    assert_eq!((db.migrated().from, db.migrated().to), (100, 101));
}

#[test]
fn a_step_goes_back_where_nothing_is_lost() {
    let scratch = Scratch::new();
    let db = Db::open(options(&scratch, &[ITEMS, TAGS])).unwrap();
    insert(&db, "a").unwrap();
    assert_eq!(db.clone().roll_back(FIRST_VERSION).unwrap(), ["tags"]);
    assert_eq!(db.read(|conn| conn.pragma::<i32>("user_version")).unwrap(), FIRST_VERSION);
    // The first step has no way back: refused before anything is done.
    assert_eq!(db.roll_back(FIRST_VERSION - 1).unwrap_err().kind(), ErrorKind::Invalid);
    let db = Db::open(options(&scratch, &[ITEMS])).unwrap();
    assert_eq!(texts(&db), ["a"]);
    drop(db);
    assert_eq!(Db::open(options(&scratch, &[ITEMS, TAGS])).unwrap().migrated().applied, ["tags"]);
}

/// Below the first version is no file of ours, and what a newer program did is not ours to take back.
#[test]
fn going_back_ends_where_this_program_does() {
    let scratch = Scratch::new();
    let items = Migration { down: Some(Step::Sql("DROP TABLE item;")), ..ITEMS };
    let old = Db::open(options(&scratch, &[items])).unwrap();
    insert(&old, "stays").unwrap();
    for target in [FIRST_VERSION - 1, 0, -1] {
        assert_eq!(old.clone().roll_back(target).unwrap_err().kind(), ErrorKind::Invalid, "{target}");
    }
    assert_eq!(texts(&old), ["stays"]);
    // Another process brings the file further meanwhile.
    scratch.foreign("PRAGMA user_version=101;");
    assert_eq!(old.clone().roll_back(FIRST_VERSION).unwrap_err().kind(), ErrorKind::Invalid);
    assert_eq!(old.read(|conn| conn.pragma::<i32>("user_version")).unwrap(), FIRST_VERSION + 1);
    assert_eq!(texts(&old), ["stays"]);
}

/// A step back may leave rows without their parent as well as a step forward.
#[test]
fn a_step_back_that_leaves_dangling_rows_is_not_taken() {
    let scratch = Scratch::new();
    let down = "PRAGMA defer_foreign_keys=ON; DELETE FROM item;";
    let tags = Migration { down: Some(Step::Sql(down)), ..TAGS };
    let db = Db::open(options(&scratch, &[ITEMS, tags])).unwrap();
    insert(&db, "a").unwrap();
    db.write("tag", |tx| tx.execute("INSERT INTO tag SELECT id, 'x' FROM item", [])).unwrap();
    let refused = db.clone().roll_back(FIRST_VERSION).unwrap_err();
    assert_eq!(refused.kind(), ErrorKind::Constraint, "{refused}");
    assert!(refused.to_string().contains("step 101"), "{refused}");
    assert_eq!(texts(&db), ["a"]);
    assert_eq!(db.read(|conn| conn.pragma::<i32>("user_version")).unwrap(), FIRST_VERSION + 1);
}

#[test]
fn a_step_that_fails_leaves_the_version_before_it() {
    let broken: &[(&str, Step)] = &[
        (
            "wrong SQL at its end",
            Step::Sql("CREATE TABLE half(x) STRICT; CREATE TABLE half2(x INTEGER); NONSENSE;"),
        ),
        (
            "dangling rows",
            Step::Sql(
                "INSERT INTO item(id, text) VALUES(1, 'a'); CREATE TABLE c(i INTEGER REFERENCES item(id) DEFERRABLE INITIALLY DEFERRED) STRICT; INSERT INTO c VALUES(9);",
            ),
        ),
        (
            "code that fails",
            Step::Code {
                revision: "1",
                run: |tx| {
                    tx.execute("INSERT INTO item(text) VALUES('half')", [])?;
                    Err(DbError::Invalid("on purpose".into()))
                },
            },
        ),
    ];
    for (name, up) in broken {
        let scratch = Scratch::new();
        drop(scratch.open());
        let step = Migration { up: *up, ..TAGS };
        assert!(Db::open(options(&scratch, &[ITEMS, step])).is_err(), "{name}");
        let db = scratch.open();
        assert_eq!(texts(&db), Vec::<String>::new(), "{name}");
        let tables: i64 = db
            .read(|conn| {
                conn.query_row(
                    "SELECT count(*) FROM sqlite_schema WHERE name LIKE 'half%' OR name = 'c'",
                    [],
                    |row| row.get(0),
                )
            })
            .unwrap();
        assert_eq!(tables, 0, "{name}");
    }
}

#[test]
fn a_step_that_was_changed_after_it_was_applied_is_noticed() {
    let scratch = Scratch::new();
    drop(scratch.open());
    let changed =
        Migration { up: Step::Sql("CREATE TABLE item(id INTEGER PRIMARY KEY, text TEXT);"), ..ITEMS };
    let error = Db::open(options(&scratch, &[changed])).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Foreign);
    assert!(error.to_string().contains("100"), "{error}");
}

#[test]
fn another_schema_with_our_mark_is_refused_before_any_step() {
    let scratch = Scratch::new();
    drop(scratch.open());
    let other = Migration { up: Step::Sql("CREATE TABLE other(name TEXT NOT NULL) STRICT;"), ..ITEMS };
    let before = std::fs::read(scratch.path()).unwrap();
    let refused = Db::open(options(&scratch, &[other, TAGS])).unwrap_err();
    assert_eq!(refused.kind(), ErrorKind::Foreign, "{refused}");
    assert!(
        refused.to_string().ends_with("it has another schema: its step 100 is not this program's"),
        "{refused}"
    );
    assert_eq!(Db::open_read_only(options(&scratch, &[other])).unwrap_err().kind(), ErrorKind::Foreign);
    assert!(std::fs::read(scratch.path()).unwrap() == before);
    scratch.open();
}
