use std::collections::BTreeSet;
use std::net::TcpListener;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use conclave_db::{Db, DbOptions, FIRST_VERSION, Migration, Schema, Step};
use conclave_testkit::{Parent, Rerun};

use super::{PortRole, choose};
use crate::error::{RegistryError, RegistryErrorKind, Result};
use crate::ports::{Block, Probe, SystemProbe};

const fn empty(version: i32) -> Migration {
    Migration { version, name: "of others", up: Step::Sql(""), down: None, rewrites: false }
}

/// What other crates put before this one's tables.
const BEFORE: &[Migration] = &[empty(FIRST_VERSION), empty(FIRST_VERSION + 1), empty(FIRST_VERSION + 2)];

fn state() -> (tempfile::TempDir, Db) {
    let dir = tempfile::tempdir().unwrap();
    let db = open(dir.path());
    (dir, db)
}

fn open(folder: &Path) -> Db {
    let schema = Schema::assemble(&[BEFORE, crate::STATE_MIGRATIONS], &[]).unwrap();
    Db::open(DbOptions::new(folder.join("state.db"), schema)).unwrap()
}

/// Foreign programs listen on these.
#[derive(Debug, Clone, Default)]
struct Taken(BTreeSet<u16>);

impl Probe for Taken {
    fn is_free(&self, port: u16) -> Result<bool> {
        Ok(!self.0.contains(&port))
    }
}

#[derive(Debug)]
struct Broken;

impl Probe for Broken {
    fn is_free(&self, _port: u16) -> Result<bool> {
        Err(RegistryError::io("try", std::io::ErrorKind::PermissionDenied.into()))
    }
}

const BLOCK: Block = Block { base: 4300 };

fn chosen(db: &Db, role: PortRole, probe: impl Probe + 'static) -> Result<u16> {
    let probe = Arc::new(probe);
    db.write("test", move |tx| choose(tx, BLOCK, role, &*probe))
}

fn sql(db: &Db, text: &'static str) {
    db.write("test", move |tx| tx.execute_batch(text)).unwrap();
}

#[test]
fn a_port_that_a_row_of_any_table_or_a_stranger_has_is_passed_over() {
    let (_dir, db) = state();
    assert_eq!(chosen(&db, PortRole::Builder, Taken::default()).unwrap(), 4310);
    sql(
        &db,
        "INSERT INTO architect(name, port) VALUES('main', 4310);
         INSERT INTO builders(id, name, port) VALUES('b', 'b', 4311);
         INSERT INTO utils(id, name, port) VALUES('u', 'u', 4312);
         INSERT INTO annotations(id, file, parent_type, port) VALUES('a', 'f', 'util', 4313);",
    );
    assert_eq!(chosen(&db, PortRole::Builder, Taken([4314, 4316].into())).unwrap(), 4315);
    sql(&db, "UPDATE utils SET port = NULL");
    assert_eq!(chosen(&db, PortRole::Builder, Taken::default()).unwrap(), 4312, "the first gap");
}

#[test]
fn each_role_has_its_range_and_says_when_it_is_used_up() {
    let (_dir, db) = state();
    for (role, first, last, text) in [
        (PortRole::Dashboard, 4300, 4300, "no free dashboard port (1 of 1 in use)"),
        (PortRole::Architect, 4301, 4301, "no free architect port (1 of 1 in use)"),
        (PortRole::Builder, 4310, 4329, "no free builder port (20 of 20 in use)"),
        (PortRole::Util, 4330, 4349, "no free util port (20 of 20 in use)"),
        (PortRole::Annotation, 4350, 4369, "no free annotation port (20 of 20 in use)"),
    ] {
        assert_eq!(chosen(&db, role, Taken::default()).unwrap(), first);
        assert_eq!(chosen(&db, role, Taken((first..last).collect())).unwrap(), last);
        let error = chosen(&db, role, Taken((first..=last).collect())).unwrap_err();
        assert_eq!((error.kind(), error.to_string().as_str()), (RegistryErrorKind::Exhausted, text));
        assert!(error.hint().unwrap().contains("--no-port"));
    }
}

#[test]
fn what_cannot_be_looked_at_is_no_free_port() {
    let (_dir, db) = state();
    assert_eq!(chosen(&db, PortRole::Util, Broken).unwrap_err().kind(), RegistryErrorKind::Io);
}

const PROCESSES: usize = 16;

/// Above what systems give to clients.
const RACED: Block = Block { base: 61000 };

#[test]
fn processes_that_choose_at_once_never_get_the_same_port() {
    if let Some(mut parent) = Parent::of_this_process() {
        let db = open(&PathBuf::from(std::env::var_os("FOLDER").unwrap()));
        let id = format!("b{}", parent.number());
        parent.wait_for_release();
        let chosen: Result<u16> = db.write("test", move |tx| {
            let port = choose(tx, RACED, PortRole::Builder, &SystemProbe)?;
            tx.execute("INSERT INTO builders(id, name, port) VALUES(?1, ?1, ?2)", (&id, port))?;
            Ok(port)
        });
        let port = chosen.unwrap();
        // As a child does that was given the port.
        let listener = TcpListener::bind(("127.0.0.1", port)).unwrap();
        parent.say(&port.to_string());
        parent.hear();
        drop(listener);
        return;
    }
    for round in 0..5 {
        let (dir, db) = state();
        let name = "ports::choosing::tests::processes_that_choose_at_once_never_get_the_same_port";
        let mut fleet =
            Rerun::of(name).variable("FOLDER", dir.path().to_str().unwrap()).start_fleet(PROCESSES);
        fleet.release();
        let said: Vec<u16> =
            fleet.children.iter_mut().map(|child| child.line().unwrap().parse().unwrap()).collect();
        let distinct: BTreeSet<u16> = said.iter().copied().collect();
        assert_eq!(distinct.len(), PROCESSES, "round {round}: {said:?}");
        assert!(distinct.iter().all(|port| (61010..=61029).contains(port)), "round {round}: {said:?}");
        let rows = db.read(|conn| crate::store::taken::ports(conn, RACED.ports())).unwrap();
        assert_eq!(rows.len(), PROCESSES, "round {round}");
        for child in &mut fleet.children {
            child.release();
        }
        fleet.finish();
    }
}
