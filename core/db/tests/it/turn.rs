//! Between processes: who writes has the turn in hand, and gives it back.

use std::fs::File;
use std::path::{Path, PathBuf};

use conclave_db::sql::TransactionBehavior;
use conclave_db::{Db, DbError};

use crate::fixture::{Scratch, insert};

/// Whether somebody holds the lock file now. Another descriptor sees the locks of this process too.
fn is_held(path: &Path, suffix: &str) -> bool {
    let mut name = path.as_os_str().to_owned();
    name.push(suffix);
    File::options().write(true).open(PathBuf::from(name)).unwrap().try_lock().is_err()
}

/// The turn, and the place in the queue for it.
fn held(path: &Path) -> (bool, bool) {
    (is_held(path, "-turn"), is_held(path, "-queue"))
}

type Write = fn(&Db, PathBuf) -> Result<(bool, bool), DbError>;

#[test]
fn every_way_to_write_has_the_turn_in_hand_and_the_queue_free() {
    let ways: &[(&str, Write)] = &[
        ("write", |db, path| db.write("look", move |_| Ok(held(&path)))),
        ("write_async", |db, path| {
            let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
            runtime.block_on(db.write_async("look", move |_| Ok(held(&path))))
        }),
        ("exclusive", |db, path| db.exclusive(|_| Ok(held(&path)))),
        ("a connection of its own", |db, path| {
            db.open_connection()?.transact(TransactionBehavior::Immediate, |_| Ok(held(&path)))
        }),
    ];
    let scratch = Scratch::new();
    let db = scratch.open();
    insert(&db, "first").unwrap();
    for (name, write) in ways {
        assert_eq!(write(&db, scratch.path()).unwrap(), (true, false), "{name}");
        assert_eq!(held(&scratch.path()), (false, false), "after {name}");
    }
    // A failure gives it back too.
    let failed = db.write("fails", |tx| tx.execute("INSERT INTO item(text) VALUES(NULL)", []));
    assert!(failed.is_err());
    let failed = db.exclusive(|_| Err::<(), _>(DbError::Invalid("on purpose".into())));
    assert!(failed.is_err());
    assert_eq!(held(&scratch.path()), (false, false));
}
