use super::*;

const NOW: Duration = Duration::from_secs(100);

fn key(number: u8) -> [u8; 32] {
    [number; 32]
}

#[test]
fn a_thousand_lookups_are_written_down_together() {
    let mut recency = Recency::default();
    let due: Vec<u64> = (1..=2500).filter(|_| recency.note(&key(1), Looked::Hit, NOW)).collect();
    assert_eq!(due, [1000, 2000]);
}

#[test]
fn what_is_kept_back_is_written_down_after_five_seconds() {
    let mut recency = Recency::default();
    assert!(!recency.note(&key(1), Looked::Miss, NOW));
    assert!(!recency.note(&key(1), Looked::Miss, NOW + Duration::from_millis(4999)));
    assert!(recency.note(&key(1), Looked::Miss, NOW + LONGEST));
    // It could not be written down: not at once again.
    assert!(!recency.note(&key(1), Looked::Miss, NOW + LONGEST));
    assert!(recency.note(&key(1), Looked::Miss, NOW + LONGEST * 2));
}

#[test]
fn entries_come_in_the_order_of_their_last_read() {
    let mut recency = Recency::default();
    for read in [1, 2, 3, 1] {
        recency.note(&key(read), Looked::Hit, NOW);
    }
    recency.note(&key(9), Looked::Stale, NOW);
    recency.note(&key(9), Looked::Damaged, NOW);
    let batch = recency.take();
    assert_eq!(batch.read, [key(2), key(3), key(1)]);
    assert_eq!(batch.counts, Counts { hits: 4, misses: 1, stale: 1, errors: 1 });
    assert!(recency.take().is_empty());
}

#[test]
fn what_comes_back_is_older_than_what_was_read_since() {
    let mut recency = Recency::default();
    recency.note(&key(1), Looked::Hit, NOW);
    recency.note(&key(2), Looked::Hit, NOW);
    let batch = recency.take();
    recency.note(&key(1), Looked::Hit, NOW);
    recency.give_back(&batch, NOW);
    let batch = recency.take();
    assert_eq!(batch.read, [key(2), key(1)]);
    assert_eq!(batch.counts.hits, 3);
}
