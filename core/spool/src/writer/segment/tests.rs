use super::*;

fn folder() -> (tempfile::TempDir, Layout, MonitorName, Names) {
    let folder = tempfile::tempdir().unwrap();
    let layout = Layout::at(folder.path());
    let monitor = MonitorName::parse("keyboard").unwrap();
    std::fs::create_dir(layout.monitor(&monitor)).unwrap();
    let mut names = Names::of(&layout, &monitor);
    names.go_on_to(Hour::of_ms(1_757_442_600_000));
    (folder, layout, monitor, names)
}

fn share(bytes: u64) -> Share {
    Share { bytes, raw: bytes, lines: 1 }
}

#[test]
fn a_member_that_is_taken_back_leaves_no_byte() {
    let (_folder, layout, monitor, mut names) = folder();
    let mut segment = Segment::create(&layout, &monitor, &mut names).unwrap();
    segment.append(b"first", share(5)).unwrap();
    segment.append(b"second, longer", share(14)).unwrap();
    segment.take_back(share(14));
    segment.append(b"2nd", share(3)).unwrap();
    assert_eq!((segment.holds().bytes, segment.holds().lines), (8, 2));
    let name = segment.finalise(&layout, &monitor, &mut names).unwrap().unwrap();
    assert_eq!(std::fs::read(layout.monitor(&monitor).join(name.file_name())).unwrap(), b"first2nd");
}

#[test]
fn a_segment_without_a_member_leaves_no_file() {
    let (_folder, layout, monitor, mut names) = folder();
    let mut segment = Segment::create(&layout, &monitor, &mut names).unwrap();
    segment.append(b"first", share(5)).unwrap();
    segment.take_back(share(5));
    assert_eq!(segment.finalise(&layout, &monitor, &mut names).unwrap(), None);
    assert_eq!(std::fs::read_dir(layout.monitor(&monitor)).unwrap().count(), 0);
}

#[test]
fn parts_of_others_are_passed_over() {
    let (_folder, layout, monitor, mut names) = folder();
    let other = layout.monitor(&monitor).join("20250909-18.ndjson.gz.part");
    let first = names.next().unwrap();
    names.give_back(&first);
    std::fs::write(&other, b"theirs").unwrap();
    let segment = Segment::create(&layout, &monitor, &mut names).unwrap();
    assert_eq!(segment.shown(&monitor), "keyboard/20250909-18-001.ndjson.gz.part");
    assert_eq!(std::fs::read(other).unwrap(), b"theirs");
}

// A write that failed half way, and whose rest could not be cut off just then.
#[test]
fn what_could_not_be_cut_off_is_gone_before_anything_else_is_done() {
    for then in [Some(b"2nd".as_slice()), None] {
        let (_folder, layout, monitor, mut names) = folder();
        let mut segment = Segment::create(&layout, &monitor, &mut names).unwrap();
        segment.append(b"first", share(5)).unwrap();
        let file = segment.file.try_clone().unwrap();
        file.write_all_at(b"half of a longer member", 5).unwrap();
        segment.swap(file, true);
        if let Some(then) = then {
            segment.append(then, share(then.len() as u64)).unwrap();
            assert_eq!(segment.file.metadata().unwrap().len(), segment.holds().bytes);
        }
        let name = segment.finalise(&layout, &monitor, &mut names).unwrap().unwrap();
        let wanted = [b"first", then.unwrap_or_default()].concat();
        assert_eq!(std::fs::read(layout.monitor(&monitor).join(name.file_name())).unwrap(), wanted);
    }
}

#[test]
fn behind_the_last_number_that_there_is_an_earlier_one_is_taken() {
    let (_folder, layout, monitor, mut names) = folder();
    let folder = layout.monitor(&monitor);
    let last = "20250909-18-4294967295.ndjson.gz";
    std::fs::write(folder.join(last), b"theirs").unwrap();
    std::fs::create_dir(folder.join("20250909-18.ndjson.gz")).unwrap();
    for expected in ["20250909-18-001.ndjson.gz", "20250909-18-002.ndjson.gz"] {
        let mut segment = Segment::create(&layout, &monitor, &mut names).unwrap();
        segment.append(b"ours", share(4)).unwrap();
        let name = segment.finalise(&layout, &monitor, &mut names).unwrap().unwrap();
        assert_eq!(name.file_name(), expected);
    }
    assert_eq!(std::fs::read(folder.join(last)).unwrap(), b"theirs");
}
