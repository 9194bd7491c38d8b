use conclave_db::{Db, DbOptions, Schema};
use conclave_testkit::TempProject;

use super::{New, all, delete_unused_since, insert, touch};

/// A cleanup looks before its transaction; whoever asked for the block since then keeps it.
#[test]
fn a_block_that_was_used_since_it_was_looked_at_stays() {
    let project = TempProject::new();
    let schema = Schema::assemble(&[crate::GLOBAL_MIGRATIONS], &[]).unwrap();
    let global = Db::open(DbOptions::new(project.path("global.db"), schema)).unwrap();
    let new = |tx: &conclave_db::WriteTx<'_>| {
        insert(tx, &New { project: "/p", base: 4200, pid: None, registered_ms: 1000, used_ms: 1000 })
    };
    global.write("test", new).unwrap();
    let looked_at = global.read(all).unwrap().remove(0);
    global.write("test", |tx| touch(tx, "/p", 2000)).unwrap();
    let now = global.read(all).unwrap().remove(0);
    assert!(!global.write("test", move |tx| delete_unused_since(tx, &looked_at)).unwrap());
    assert!(global.write("test", move |tx| delete_unused_since(tx, &now)).unwrap());
}
