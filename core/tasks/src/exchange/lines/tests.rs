//! Lines, good and bad.

use super::*;

fn read(bytes: &[u8]) -> Lines {
    read_lines(&mut &*bytes, Path::new("f.jsonl"), Limits::default()).unwrap()
}

type Told = Vec<(u64, String)>;

/// Numbers and bytes of the good lines, numbers and causes of the bad ones.
fn told(lines: &Lines) -> (Told, Told) {
    let good = lines.good.iter().map(|(number, line)| {
        let bytes = match line {
            Line::Task(record) => record.bytes(),
            Line::Other(other) => &other.bytes,
        };
        (*number, String::from_utf8(bytes.to_vec()).unwrap())
    });
    let bad = lines.bad.iter().map(|bad| (bad.number, bad.cause.clone()));
    (good.collect(), bad.collect())
}

#[test]
fn ends_of_lines_blanks_and_a_bom_are_no_part_of_a_record() {
    let (one, two) = (r#"{"id":"a"}"#, r#"{"id":"b","x":1e3}"#);
    for file in [
        format!("{one}\n{two}\n"),
        format!("{one}\n{two}"),
        format!("{one}\r\n{two}\r\n"),
        format!("\u{feff}{one}\n {two}\t\n"),
    ] {
        let lines = read(file.as_bytes());
        assert_eq!(told(&lines), (vec![(1, one.to_owned()), (2, two.to_owned())], vec![]), "{file:?}");
        assert_eq!(lines.bytes, file.len() as u64);
        assert_eq!(lines.sha256[..], Sha256::digest(&file)[..]);
    }
    let (good, bad) = told(&read(format!("\n{one}\n \t\r\n\r\n{two}\n\n").as_bytes()));
    assert_eq!((good, bad.len()), (vec![(2, one.to_owned()), (5, two.to_owned())], 0));
    for nothing in [&b""[..], b"\n", b"\xef\xbb\xbf", b"\r\n\r\n"] {
        let lines = read(nothing);
        assert!(lines.good.is_empty() && lines.bad.is_empty(), "{nothing:?}");
    }
}

#[test]
fn a_bad_line_is_named_and_the_others_are_read() {
    let deep = format!("{{\"id\":\"a\",\"k\":{}}}", "[".repeat(crate::json::DEPTH + 1));
    for (line, cause) in [
        (&b"<<<<<<< HEAD"[..], "conflict marker of git"),
        (b"=======", "conflict marker of git"),
        (b">>>>>>> theirs", "conflict marker of git"),
        (b"||||||| base", "conflict marker of git"),
        (br#"{"id":"a","title":"to"#, ""),
        (br#"{"id":"a","id":"b"}"#, "twice"),
        (br#"{"id":"a","k":{"x":1,"\u0078":2}}"#, "twice"),
        (br#"{"id":"a","title":"\ud800"}"#, "surrogate"),
        (b"{\"id\":\"a\",\"title\":\"\xff\"}", "UTF-8"),
        (b"{\"id\":\"a\",\"title\":\"\0\"}", ""),
        (b"\0\0\0\0", ""),
        (b"[1]", ""),
        (b"17", ""),
        (deep.as_bytes(), ""),
        (br#"{"id":"a"} {"id":"b"}"#, ""),
    ] {
        let shown = String::from_utf8_lossy(&line[..line.len().min(40)]).into_owned();
        let file = [b"{\"id\":\"x\"}\n", line, b"\n{\"id\":\"y\"}\n"].concat();
        let lines = read(&file);
        assert_eq!(lines.good.len(), 2, "{shown}");
        let [bad] = &lines.bad[..] else { panic!("{shown}: {:?}", lines.bad) };
        assert!(bad.number == 2 && bad.cause.contains(cause) && !bad.cause.is_empty(), "{shown}: {bad:?}");
        assert_eq!(bad.bytes, line, "{shown}");
        let refused = lines.refuse_bad().unwrap_err().to_string();
        assert!(refused.starts_with("f.jsonl: line 2: "), "{refused}");
    }
}

#[test]
fn an_id_is_made_out_of_a_bad_line() {
    for (line, id) in [
        (r#"{"id":"a-1","title":"to"#, Some("a-1")),
        (r#"{"x":1, "id" : "\u0061\"b" "#, Some("a\"b")),
        (r#"{"id":"to"#, None),
        (r#"{"id":17,"id":"b"}"#, None),
        (r#"{"id":""#, None),
        (r#"{"id":"","k"#, None),
        ("<<<<<<< HEAD", None),
        (r#""id""#, None),
        (r#"{"id":"\ud800","#, None),
    ] {
        assert_eq!(guess_id(line.as_bytes()).as_deref(), id, "{line}");
    }
}

#[test]
fn a_line_that_is_too_long_is_skipped_unread() {
    let long = format!(r#"{{"id":"long","t":"{}"}}"#, "x".repeat(50_000));
    let limits = |line_bytes| Limits { line_bytes };
    for end in ["\n", "\r\n", ""] {
        let file = format!("{{\"id\":\"x\"}}\n{{\"id\":\"y\"}}\n{long}{end}");
        let read = |limits| read_lines(&mut file.as_bytes(), Path::new("f"), limits).unwrap();
        let lines = read(limits(long.len() as u64));
        assert_eq!((lines.good.len(), lines.bad.len()), (3, 0), "{end:?}");
        let lines = read(limits(long.len() as u64 - 1));
        assert_eq!((lines.good.len(), lines.bad.len()), (2, 1), "{end:?}");
        let bad = &lines.bad[0];
        assert_eq!((bad.number, bad.bytes.len(), bad.id.as_deref()), (3, BEGINNING, Some("long")));
        assert!(bad.cause.starts_with("longer than"), "{}", bad.cause);
        assert_eq!(lines.sha256[..], Sha256::digest(&file)[..], "also what was skipped");
    }
    // What comes after it is read.
    let file = format!("{long}\n{{\"id\":\"y\"}}");
    let lines = read_lines(&mut file.as_bytes(), Path::new("f"), limits(100)).unwrap();
    assert_eq!((lines.good.len(), lines.good[0].0), (1, 2));
}

/// Gives a few bytes at a time, counts them, and never ends a line.
struct Endless(u64);

impl Read for Endless {
    fn read(&mut self, buffer: &mut [u8]) -> std::io::Result<usize> {
        if self.0 == 0 {
            return Err(std::io::Error::other("the end of the test"));
        }
        let some = buffer.len().min(usize::try_from(self.0).unwrap());
        buffer[..some].fill(b'x');
        self.0 -= some as u64;
        Ok(some)
    }
}

#[test]
fn an_error_of_reading_is_no_bad_line() {
    let error = read_lines(&mut Endless(5_000_000), Path::new("f"), Limits { line_bytes: 10 }).unwrap_err();
    assert_eq!(error.kind(), crate::TaskErrorKind::Io);
    let folder = tempfile::tempdir().unwrap();
    for path in [folder.path().to_path_buf(), folder.path().join("none")] {
        let error = read_file(&path, Limits::default()).unwrap_err();
        assert_eq!(error.kind(), crate::TaskErrorKind::Io);
        assert!(error.to_string().contains(&path.display().to_string()), "{error}");
    }
}

proptest::proptest! {
    #[test]
    fn no_bytes_are_a_panic(bytes in proptest::collection::vec(proptest::prelude::any::<u8>(), 0..200), most in 0_u64..50) {
        let lines = read_lines(&mut &bytes[..], Path::new("f"), Limits { line_bytes: most }).unwrap();
        proptest::prop_assert_eq!(lines.bytes, bytes.len() as u64);
        proptest::prop_assert_eq!(&lines.sha256[..], &Sha256::digest(&bytes)[..]);
        proptest::prop_assert!(lines.bad.iter().all(|bad| bad.bytes.len() as u64 <= most + 5));
    }
}

#[test]
fn a_device_is_refused_and_a_pipe_is_read() {
    for device in ["/dev/zero", "/dev/full"] {
        let error = read_file(Path::new(device), Limits::default()).unwrap_err();
        assert_eq!(error.to_string(), format!("{device} is a device, not a file"));
    }
    let null = read_file(Path::new("/dev/null"), Limits::default()).unwrap();
    assert_eq!((null.bytes, null.good.len(), null.bad.len()), (0, 0, 0), "a file that is not there, to git");
    let (reader, mut writer) = std::io::pipe().unwrap();
    std::io::Write::write_all(&mut writer, b"{\"id\":\"a\"}").unwrap();
    drop(writer);
    let path = format!("/proc/self/fd/{}", std::os::fd::AsRawFd::as_raw_fd(&reader));
    assert_eq!(read_file(Path::new(&path), Limits::default()).unwrap().good.len(), 1);
}
