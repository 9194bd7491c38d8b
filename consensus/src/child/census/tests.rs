use super::*;

#[test]
fn the_mark_is_a_whole_entry() {
    for (environ, mark) in [
        (&b"A=1\0CONCLAVE_ATTEMPT=r.a.1\0B=2\0"[..], Some(&b"r.a.1"[..])),
        (b"CONCLAVE_ATTEMPT=", Some(b"")),
        (b"XCONCLAVE_ATTEMPT=r\0CONCLAVE_ATTEMPTS=r\0CONCLAVE_ATTEMPT\0", None),
        (b"A=CONCLAVE_ATTEMPT=r\0", None),
        (b"", None),
    ] {
        assert_eq!(mark_in(environ).as_deref(), mark, "{}", environ.escape_ascii());
    }
}
