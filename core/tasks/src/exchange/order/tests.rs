//! The order of lines.

use super::*;

#[derive(Debug, Clone, Copy, PartialEq)]
struct Of(bool, Option<&'static str>, u8);

impl Ranked for Of {
    fn rank(&self) -> (u8, &str) {
        rank(self.0, self.1)
    }
}

#[test]
fn headers_ids_and_the_rest() {
    let file = [
        Of(false, None, 1),
        Of(false, Some("bd-2"), 2),
        Of(true, None, 3),
        Of(false, Some("é"), 4),
        Of(false, Some("bd-10"), 5),
        Of(true, Some("a"), 6),
        Of(false, None, 7),
        Of(false, Some("Z"), 8),
    ];
    let mut lines = file;
    arrange(&mut lines, Order::Id);
    assert_eq!(lines.map(|line| line.2), [3, 6, 8, 5, 2, 4, 1, 7]);
    let mut lines = file;
    arrange(&mut lines, Order::File);
    assert_eq!(lines, file);
    assert_eq!(join([&b"a"[..], b"b"].into_iter()), b"a\nb\n");
    assert_eq!(join([].into_iter()), b"");
}
