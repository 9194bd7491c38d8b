use super::*;

#[test]
fn the_beginning_is_kept_and_all_is_counted() {
    for (limit, pieces, bytes, truncated) in [
        (0, &["ab"][..], "", true),
        (0, &[""], "", false),
        (4, &["ab", "cd"], "abcd", false),
        (4, &["ab", "cde", "f"], "abcd", true),
        (4, &["abcde"], "abcd", true),
    ] {
        let mut capture = Capture::default();
        for piece in pieces {
            capture.take(piece.as_bytes(), limit);
        }
        let total = pieces.iter().map(|piece| piece.len() as u64).sum::<u64>();
        assert_eq!(capture.finish(), Capture { bytes: bytes.into(), total, truncated }, "{limit} {pieces:?}");
    }
}

#[test]
fn memory_grows_as_needed_and_never_beyond_the_bound() {
    const LIMIT: usize = 100_000;
    let mut capture = Capture::default();
    for _ in 0..1000 {
        capture.take(&[b'x'; 777], LIMIT);
        assert!(capture.bytes.capacity() <= LIMIT.min(2 * capture.bytes.len() + LEAST));
    }
    assert_eq!((capture.bytes.len(), capture.total, capture.truncated), (LIMIT, 777_000, true));
}
