use super::*;
use crate::layout::ensure_folder;
use crate::quota::fixture::Place;

fn drops(events: u64) -> Drops {
    Drops::from([("quota".to_owned(), events)])
}

#[test]
fn a_file_is_one_line_of_json_that_nobody_else_may_read() {
    use std::os::unix::fs::PermissionsExt as _;

    let (place, keyboard) = (Place::new(), MonitorName::parse("keyboard").unwrap());
    let layout = Layout::at(place.root());
    let folder = layout.monitor(&keyboard);
    ensure_folder(&layout, &folder).unwrap();
    let id = "0123456789abcdef0123456789abcdef";
    merge(&layout, &keyboard, id, &drops(3)).unwrap();
    merge(&layout, &keyboard, &"f".repeat(32), &drops(4)).unwrap();
    let path = folder.join(DROPS);
    let text = std::fs::read_to_string(&path).unwrap();
    assert_eq!(text, "{\"id\":\"0123456789abcdef0123456789abcdef\",\"drops\":{\"quota\":7}}\n");
    assert_eq!(path.metadata().unwrap().permissions().mode() & 0o777, 0o600);
    // What a dead process was writing is in nobody's way.
    std::fs::write(folder.join(NEW), "{").unwrap();
    merge(&layout, &keyboard, id, &drops(1)).unwrap();
    assert_eq!(all(&layout, &keyboard).unwrap(), [(id.to_owned(), drops(8))]);
}

#[test]
fn ids_are_32_digits_and_never_the_same() {
    let ids: std::collections::BTreeSet<String> = (0..100).map(|_| new_id().unwrap()).collect();
    assert_eq!(ids.len(), 100);
    assert!(ids.iter().all(|id| is_id(id)));
}

#[test]
fn a_file_that_is_seen_under_both_names_counts_once() {
    let (place, keyboard) = (Place::new(), MonitorName::parse("keyboard").unwrap());
    let layout = Layout::at(place.root());
    let folder = layout.monitor(&keyboard);
    ensure_folder(&layout, &folder).unwrap();
    let id = "0".repeat(32);
    merge(&layout, &keyboard, &id, &drops(3)).unwrap();
    std::fs::copy(folder.join(DROPS), folder.join(apart_name(&id))).unwrap();
    assert_eq!(all(&layout, &keyboard).unwrap(), [(id, drops(3))]);
}

#[test]
fn a_file_of_another_name_than_its_id_is_set_aside() {
    let (place, keyboard) = (Place::new(), MonitorName::parse("keyboard").unwrap());
    let layout = Layout::at(place.root());
    let folder = layout.monitor(&keyboard);
    ensure_folder(&layout, &folder).unwrap();
    set_apart(&layout, &keyboard, &"0".repeat(32), &drops(3)).unwrap();
    std::fs::rename(folder.join(apart_name(&"0".repeat(32))), folder.join(apart_name(&"1".repeat(32))))
        .unwrap();
    assert_eq!(set_all_apart(&layout, &keyboard).unwrap(), []);
    assert!(folder.join(DAMAGED).exists());
}

#[test]
fn what_is_reserved_is_used_and_is_nobody_elses_file() {
    let (place, keyboard) = (Place::new(), MonitorName::parse("keyboard").unwrap());
    let layout = Layout::at(place.root());
    let folder = layout.monitor(&keyboard);
    ensure_folder(&layout, &folder).unwrap();
    let id = "0".repeat(32);
    let theirs = place.root().join("theirs");
    std::fs::write(&theirs, "theirs").unwrap();
    for link in [false, true] {
        let new = folder.join(NEW);
        if link {
            std::os::unix::fs::symlink(&theirs, &new).unwrap();
        } else {
            std::fs::hard_link(&theirs, &new).unwrap();
        }
        reserve(&layout, &keyboard).unwrap();
        assert_eq!(new.symlink_metadata().unwrap().len(), RESERVED as u64);
        reserve(&layout, &keyboard).unwrap();
        merge(&layout, &keyboard, &id, &drops(3)).unwrap();
        assert!(!new.exists());
    }
    assert_eq!(std::fs::read_to_string(&theirs).unwrap(), "theirs");
    let text = std::fs::read_to_string(folder.join(DROPS)).unwrap();
    assert_eq!(text, format!("{{\"id\":\"{id}\",\"drops\":{{\"quota\":6}}}}\n"));
    reserve(&layout, &keyboard).unwrap();
    release(&layout, &keyboard);
    assert!(!folder.join(NEW).exists());
}

#[test]
fn a_count_is_written_over_the_old_one_where_there_is_no_room_for_another() {
    let (place, keyboard) = (Place::new(), MonitorName::parse("keyboard").unwrap());
    let layout = Layout::at(place.root());
    let folder = layout.monitor(&keyboard);
    ensure_folder(&layout, &folder).unwrap();
    let refused = || SpoolError::io("write", None, ErrorKind::StorageFull.into());
    let counted = |events| Counted { id: "0".repeat(32), drops: drops(events) };
    overwrite(&layout, &folder, &counted(1), refused()).unwrap_err();
    for events in [1_000_000, 2, 30] {
        merge(&layout, &keyboard, &"0".repeat(32), &drops(1_000_000)).unwrap();
        overwrite(&layout, &folder, &counted(events), refused()).unwrap();
        assert_eq!(all(&layout, &keyboard).unwrap(), [("0".repeat(32), drops(events))]);
    }
}
