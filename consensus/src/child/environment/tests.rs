use super::*;

#[test]
fn only_what_is_named_gets_through() {
    let caller = [
        ("PATH", "/bin"),
        ("HOME", "/home/ada"),
        ("USER", "ada"),
        ("LANG", "C"),
        ("LC_ALL", "C.UTF-8"),
        ("TERM", "dumb"),
        ("TMPDIR", "/tmp"),
        ("SECRET", "s"),
        ("API_KEY", "k"),
        ("CONCLAVE_ATTEMPT", "outer"),
        ("CONCLAVE_ACTOR", "x"),
        ("PATHS", "no"),
    ];
    let caller = caller.map(|(name, value)| (OsString::from(name), OsString::from(value)));
    let set = [("TERM".to_owned(), "xterm".to_owned()), ("NEW".to_owned(), String::new())];
    let found = environment(caller, &["API_KEY", "ABSENT", "CONCLAVE_ACTOR"], &set);
    let wanted = [
        ("API_KEY", "k"),
        ("HOME", "/home/ada"),
        ("LANG", "C"),
        ("LC_ALL", "C.UTF-8"),
        ("NEW", ""),
        ("PATH", "/bin"),
        ("TERM", "xterm"),
        ("TMPDIR", "/tmp"),
        ("USER", "ada"),
    ];
    assert_eq!(found, wanted.map(|(name, value)| (OsString::from(name), OsString::from(value))));
}
