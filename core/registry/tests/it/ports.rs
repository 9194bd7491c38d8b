//! Blocks of ports: who gets which, and when they are free again.

use std::path::Path;
use std::time::Duration;

use conclave_registry::RegistryErrorKind;
use conclave_registry::ports::{self, Block, FirstBase};

use crate::files::{Files, NOW, column, sql};

fn base(files: &Files, root: &Path) -> u16 {
    ports::block_of(&files.global, root, FirstBase::USUAL).unwrap().base
}

fn bases(files: &Files) -> Vec<u16> {
    ports::list(&files.global).unwrap().into_iter().map(|row| row.base).collect()
}

// runtime-state 8.25
#[test]
fn projects_get_one_block_after_the_other_and_keep_it() {
    let files = Files::new();
    let roots: Vec<_> = (0..5).map(|n| files.project(&format!("p{n}"))).collect();
    let given: Vec<u16> = roots.iter().map(|root| base(&files, root)).collect();
    assert_eq!(given, [4200, 4300, 4400, 4500, 4600]);
    files.clock.advance(Duration::from_millis(1500));
    assert_eq!(base(&files, &roots[1]), 4300);
    let rows = ports::list(&files.global).unwrap();
    assert_eq!(rows.len(), 5);
    assert_eq!((rows[1].registered_at_ms, rows[1].last_used_at_ms), (NOW, NOW + 1500));
    assert_eq!(rows[0].last_used_at_ms, NOW);
    assert_eq!(
        (rows[1].project.as_str(), rows[1].pid, rows[1].exists),
        (roots[1].to_str().unwrap(), None, true)
    );
    let text: Vec<String> =
        column(&files.global, "SELECT last_used_at FROM port_allocations WHERE base_port = 4300");
    assert_eq!(text, ["2026-07-01T00:00:01.500Z"]);
    // A clock that was set back takes nothing back.
    files.clock.set_wall_ms(NOW - 5000);
    assert_eq!(base(&files, &roots[1]), 4300);
    assert_eq!(ports::list(&files.global).unwrap()[1].last_used_at_ms, NOW + 1500);
}

// runtime-state 8.26
#[test]
fn one_project_has_one_block_however_its_path_is_spelled() {
    let files = Files::new();
    let root = files.project("x/r");
    std::os::unix::fs::symlink(&root, files.folder.path("link")).unwrap();
    let slash = format!("{}/", root.display());
    for other in [root.clone(), slash.into(), root.join("../r"), files.folder.path("link"), root.join(".")] {
        assert_eq!(base(&files, &other), 4200, "{}", other.display());
        assert_eq!(ports::known_block(&files.global, &other).unwrap(), Some(Block { base: 4200 }));
    }
    assert_eq!(base(&files, Path::new("remote:u@h:/p")), 4300);
    assert_eq!(base(&files, Path::new("remote:u@h:/p/")), 4300);
    assert_eq!(base(&files, Path::new("remote:u@h:/p//")), 4300);
    assert_eq!(base(&files, Path::new("remote:u@h:/x/../p")), 4400, "taken as it is");
    assert_eq!(bases(&files).len(), 3);
    // Where a project lay that is gone.
    std::fs::remove_dir(&root).unwrap();
    assert_eq!(ports::known_block(&files.global, &root).unwrap(), Some(Block { base: 4200 }));
}

// runtime-state 8.27
#[test]
fn the_first_gap_is_filled_and_5000_is_left_out() {
    let files = Files::new();
    let roots: Vec<_> = (0..57).map(|n| files.project(&format!("p{n}"))).collect();
    let given: Vec<u16> = roots.iter().map(|root| base(&files, root)).collect();
    assert_eq!((given[7], given[8], given[56]), (4900, 5100, 9900));
    let error = ports::block_of(&files.global, &files.project("more"), FirstBase::USUAL).unwrap_err();
    assert_eq!(error.to_string(), "no available port blocks (57 of 57 in use)");
    assert_eq!(error.kind(), RegistryErrorKind::Exhausted);
    // Who has one keeps it; the hint helps.
    assert_eq!(base(&files, &roots[56]), 9900);
    assert!(error.hint().unwrap().contains("`conclave ports cleanup`"), "{:?}", error.hint());
    std::fs::remove_dir(&roots[20]).unwrap();
    let cleaned = ports::cleanup(&files.global).unwrap();
    assert_eq!((cleaned.removed, cleaned.remaining), (vec![roots[20].to_str().unwrap().to_owned()], 56));
    assert_eq!(base(&files, &files.project("more")), given[20]);
    // The other way out.
    assert!(error.hint().unwrap().contains("`conclave ports release PATH`"));
    assert_eq!(ports::release(&files.global, &roots[3], |_| Ok(())).unwrap(), Some(Block { base: given[3] }));
    assert_eq!(ports::release(&files.global, &roots[3], |_| Ok(())).unwrap(), None);
    assert_eq!(base(&files, &files.project("another")), given[3]);
    // Other bases are other blocks.
    let far = FirstBase::parse("20000").unwrap();
    assert_eq!(ports::block_of(&files.global, &files.project("far"), far).unwrap().base, 20000);
}

#[test]
fn a_block_outside_of_the_range_uses_up_nothing() {
    let files = Files::new();
    sql(
        &files.global,
        "INSERT INTO port_allocations(project_path, base_port) VALUES('/high', 65400), ('/odd', 5000)",
    );
    for n in 0..57 {
        base(&files, &files.project(&format!("p{n}")));
    }
    assert_eq!(bases(&files).len(), 59);
}

// runtime-state 8.30
#[test]
fn cleanup_frees_what_is_gone_and_forgets_the_dead() {
    let files = Files::new();
    let (here, there) = (files.project("here"), files.project("there"));
    let live = std::process::id();
    let rows = [
        ("/conclave/no/such/project".to_owned(), 4200, live),
        (here.display().to_string(), 4300, 999_999_999),
        (there.display().to_string(), 4400, live),
        // Pid 1 belongs to root: no signal of ours would reach it. It is no agent of ours either.
        (files.project("one").display().to_string(), 4500, 1),
        ("remote:u@h:/p".to_owned(), 4600, 999_999_999),
    ];
    for (path, base, pid) in rows {
        sql(
            &files.global,
            &format!(
                "INSERT INTO port_allocations(project_path, base_port, pid) VALUES('{path}', {base}, {pid})"
            ),
        );
    }
    for (n, pid) in [0_i64, -1, i64::MAX, i64::MIN].into_iter().enumerate() {
        let path = files.project(&format!("odd{n}"));
        let base = 4700 + 100 * n;
        sql(
            &files.global,
            &format!(
                "INSERT INTO port_allocations(project_path, base_port, pid) VALUES('{}', {base}, {pid})",
                path.display()
            ),
        );
    }
    let cleaned = ports::cleanup(&files.global).unwrap();
    assert_eq!(cleaned.removed, ["/conclave/no/such/project"]);
    assert_eq!(cleaned.remaining, 8);
    let left = ports::list(&files.global).unwrap();
    let pids: Vec<_> = left.iter().map(|row| (row.base, row.pid)).collect();
    assert_eq!(
        pids,
        [
            (4300, None),
            (4400, Some(i64::from(live))),
            (4500, None),
            (4600, None),
            (4700, None),
            (4800, None),
            (4900, None),
            (5000, None)
        ]
    );
    let again = ports::cleanup(&files.global).unwrap();
    assert_eq!((again.removed.len(), again.remaining), (0, 8));
}

// runtime-state 8.30: a process of another user
#[test]
fn a_live_process_of_another_user_is_kept() {
    let Some(other) = process_of_another_user() else {
        conclave_testkit::skipped("no process of another user to be seen here");
        return;
    };
    let files = Files::new();
    let path = files.project("p");
    sql(
        &files.global,
        &format!(
            "INSERT INTO port_allocations(project_path, base_port, pid) VALUES('{}', 4200, {other})",
            path.display()
        ),
    );
    ports::cleanup(&files.global).unwrap();
    assert_eq!(ports::list(&files.global).unwrap()[0].pid, Some(i64::from(other)));
}

fn process_of_another_user() -> Option<u32> {
    use std::os::unix::fs::MetadataExt as _;
    let me = std::fs::metadata("/proc/self").ok()?.uid();
    std::fs::read_dir("/proc").ok()?.flatten().find_map(|entry| {
        let pid: u32 = entry.file_name().to_str()?.parse().ok()?;
        let owner = entry.metadata().ok()?.uid();
        (pid > 1 && owner != me).then_some(pid)
    })
}

#[test]
fn a_name_that_stands_in_the_list_is_released_before_the_path_that_it_leads_to() {
    let files = Files::new();
    let root = files.project("r");
    let link = files.folder.path("link");
    std::os::unix::fs::symlink(&root, &link).unwrap();
    base(&files, &root);
    sql(
        &files.global,
        &format!("INSERT INTO port_allocations(project_path, base_port) VALUES('{}', 4300)", link.display()),
    );
    assert_eq!(ports::release(&files.global, &link, |_| Ok(())).unwrap(), Some(Block { base: 4300 }));
    assert_eq!(ports::release(&files.global, &link, |_| Ok(())).unwrap(), Some(Block { base: 4200 }));
    assert_eq!(ports::release(&files.global, Path::new("remote:x/"), |_| Ok(())).unwrap(), None);
}

#[test]
fn a_path_that_is_no_text_is_refused() {
    use std::os::unix::ffi::OsStrExt as _;
    let files = Files::new();
    let name = std::ffi::OsStr::from_bytes(b"\xff");
    let error =
        ports::block_of(&files.global, &files.folder.root().join(name), FirstBase::USUAL).unwrap_err();
    assert_eq!(error.kind(), RegistryErrorKind::Invalid);
    assert!(error.to_string().contains("no UTF-8"), "{error}");
}

/// A path that cannot be looked at may be there: its block is not given away.
#[test]
fn cleanup_keeps_what_cannot_be_looked_at() {
    let files = Files::new();
    let link = files.folder.path("loop");
    std::os::unix::fs::symlink(&link, &link).unwrap();
    sql(
        &files.global,
        &format!(
            "INSERT INTO port_allocations(project_path, base_port) VALUES('{}', 4200)",
            link.join("p").display()
        ),
    );
    assert_eq!(ports::cleanup(&files.global).unwrap().remaining, 1);
    assert_eq!(bases(&files), [4200]);
}

#[test]
fn a_project_whose_block_was_forgotten_gets_the_one_back_that_its_agents_are_in() {
    let files = Files::new();
    let [old, new, third] = ["old", "new", "third"].map(|name| files.project(name));
    let with = |root: &Path, ports: &[u16]| {
        ports::block_with(&files.global, root, FirstBase::USUAL, ports).unwrap().base
    };
    assert_eq!(with(&old, &[4410, 4411]), 4400);
    assert_eq!(with(&old, &[4210]), 4400, "what it has it keeps");
    assert_eq!(with(&new, &[4410]), 4200, "that is another project's");
    assert_eq!(with(&third, &[0, 80, 65535]), 4300, "there can be no such block");
}

#[test]
fn a_block_that_is_in_use_is_not_released_and_one_that_was_is_not_confirmed() {
    let files = Files::new();
    let root = files.project("p");
    let block = Block { base: base(&files, &root) };
    let refuse =
        |block: Block| Err(conclave_registry::RegistryError::Invalid(format!("{} is in use", block.base)));
    let error = ports::release(&files.global, &root, refuse).unwrap_err();
    assert_eq!(error.to_string(), "4200 is in use");
    assert!(ports::confirm(&files.global, &root, block).unwrap());
    assert!(!ports::confirm(&files.global, &root, Block { base: 4300 }).unwrap());
    ports::release(&files.global, &root, |_| Ok(())).unwrap().unwrap();
    assert!(!ports::confirm(&files.global, &root, block).unwrap());
    // An agent gets a port just after nobody had one.
    let block = Block { base: base(&files, &root) };
    let looked = std::cell::Cell::new(0);
    let error = ports::release(&files.global, &root, |block| {
        looked.set(looked.get() + 1);
        if looked.get() == 1 {
            assert!(ports::confirm(&files.global, &root, block).unwrap());
            return Ok(());
        }
        refuse(block)
    });
    assert_eq!(error.unwrap_err().to_string(), "4200 is in use");
    assert!(ports::confirm(&files.global, &root, block).unwrap());
    ports::release(&files.global, &root, |_| Ok(())).unwrap().unwrap();
    // Who has none is not asked for.
    assert_eq!(ports::release(&files.global, &root, refuse).unwrap(), None);
}
