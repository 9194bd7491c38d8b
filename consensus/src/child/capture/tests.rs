use proptest::prelude::*;

use super::*;

#[test]
fn beginning_and_end_are_kept_and_all_is_counted() {
    for (limit, pieces, bytes, cut) in [
        (0, &["ab"][..], "", Some(0)),
        (0, &[""], "", None),
        (1, &["ab", "c"], "c", Some(0)),
        (4, &["ab", "cd"], "abcd", None),
        (4, &["ab", "cde", "f"], "abef", Some(2)),
        (4, &["abcde"], "abde", Some(2)),
        (4, &["abcd", "e", "fghijklm", "n"], "abmn", Some(2)),
        (5, &["abcdefgh", "i"], "abghi", Some(2)),
    ] {
        let mut keeping = Keeping::default();
        for piece in pieces {
            keeping.take(piece.as_bytes(), limit);
        }
        let total = pieces.iter().map(|piece| piece.len() as u64).sum::<u64>();
        assert_eq!(keeping.finish(), Capture { bytes: bytes.into(), total, cut }, "{limit} {pieces:?}");
    }
}

#[test]
fn what_is_missing_is_said_in_its_place() {
    let whole = Capture { bytes: b"ab".to_vec(), total: 2, cut: None };
    assert_eq!(whole.into_told(), b"ab");
    let cut = Capture { bytes: b"abyz".to_vec(), total: 26, cut: Some(2) };
    assert_eq!(cut.into_told(), b"ab\n[cut here: 22 of 26 bytes are missing]\nyz");
}

#[test]
fn memory_grows_as_needed_and_never_beyond_the_bound() {
    const LIMIT: usize = 100_000;
    let mut keeping = Keeping::default();
    for _ in 0..1000 {
        keeping.take(&[b'x'; 777], LIMIT);
        let bytes = &keeping.capture.bytes;
        assert!(bytes.capacity() <= LIMIT.min(2 * bytes.len() + LEAST));
    }
    let capture = keeping.finish();
    assert_eq!((capture.bytes.len(), capture.total, capture.cut), (LIMIT, 777_000, Some(LIMIT / 2)));
}

proptest! {
    #[test]
    fn however_it_comes_the_same_is_kept(
        pieces in prop::collection::vec(prop::collection::vec(any::<u8>(), 0..40), 0..12),
        limit in 0..60_usize,
    ) {
        let mut keeping = Keeping::default();
        for piece in &pieces {
            keeping.take(piece, limit);
        }
        let all = pieces.concat();
        let wanted = if all.len() <= limit {
            all
        } else {
            let (head, tail) = (limit / 2, limit - limit / 2);
            [&all[..head], &all[all.len() - tail..]].concat()
        };
        prop_assert_eq!(keeping.finish().bytes, wanted);
    }
}
