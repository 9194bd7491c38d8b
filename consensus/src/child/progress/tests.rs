use super::*;

/// All lines that are given on when the reader takes each at once.
fn lines_of(pieces: &[&[u8]]) -> Vec<String> {
    let mut found = Vec::new();
    let mut progress = Progress::new(|line: &str| found.push(line.to_owned()));
    let mut lines = Lines::default();
    for piece in pieces {
        lines.take(piece, &mut progress);
        progress.finish();
    }
    lines.end(&mut progress);
    progress.finish();
    drop(progress);
    found
}

#[test]
fn the_newest_whole_line_counts() {
    let long = [b'x'; 3 * LONGEST];
    let cut = "x".repeat(LONGEST);
    for (pieces, wanted) in [
        (&[&b"a\nb\n"[..]][..], vec!["b"]),
        (&[b"a\n", b"b"], vec!["a", "b"]),
        (&[b"a", b"b\nc", b"d\n"], vec!["ab", "cd"]),
        (&[b"10%\r20%\r"], vec!["20%"]),
        (&[b"a\n\n  \r\n\n"], vec!["a"]),
        (&[b"\xff\n"], vec!["\u{fffd}"]),
        (&[&long, &long, b"\nend"], vec![&cut, "end"]),
        (&[b"", b"\n"], vec![]),
    ] {
        assert_eq!(lines_of(pieces), wanted, "{pieces:?}");
    }
}
