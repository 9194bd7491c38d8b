use super::Plain;

#[test]
fn one_has_it_at_a_time_and_numbers_go_up() {
    let folder = tempfile::tempdir().unwrap();
    let plain = Plain::create(&folder.path().join("peer.db")).unwrap();
    assert_eq!(plain.acquire("n", "a", 0).unwrap(), Some(1));
    assert_eq!(plain.acquire("n", "b", 1).unwrap(), None);
    assert_eq!(plain.acquire("other", "b", 1).unwrap(), Some(1));
    assert_eq!(plain.acquire("n", "b", 300_000).unwrap(), Some(2), "its time was over");
    assert!(!plain.release("n", 1).unwrap() && plain.release("n", 2).unwrap());
    assert_eq!(plain.acquire("n", "a", 0).unwrap(), Some(3));
}
