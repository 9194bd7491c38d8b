//! Copying through the terminal: OSC 52, which also works over ssh.
//!
//! Nobody answers, so nobody knows whether the terminal took it; what is too large for terminals to take goes
//! to a file instead, and that is said.

/// The most bytes, before base64, that terminals are known to take.
pub(crate) const MOST: usize = 74_994;

/// The sequence for a text; `None` for one that is too large. Under tmux it is sent a second time, wrapped
/// in its passthrough: which of the two tmux lets through depends on its settings.
pub(crate) fn sequence(text: &str, in_tmux: bool) -> Option<Vec<u8>> {
    if text.len() > MOST {
        return None;
    }
    let plain = format!("\x1b]52;c;{}\x07", base64(text.as_bytes()));
    let mut bytes = plain.clone().into_bytes();
    if in_tmux {
        let wrapped = plain.replace('\x1b', "\x1b\x1b");
        bytes.extend(format!("\x1bPtmux;{wrapped}\x1b\\").into_bytes());
    }
    Some(bytes)
}

fn base64(bytes: &[u8]) -> String {
    const LETTERS: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    let mut text = String::with_capacity(bytes.len().div_ceil(3) * 4);
    for chunk in bytes.chunks(3) {
        let group =
            chunk.iter().fold(0_u32, |group, byte| group << 8 | u32::from(*byte)) << (8 * (3 - chunk.len()));
        for place in 0..4 {
            if place > chunk.len() {
                text.push('=');
            } else {
                let letter = LETTERS[(group >> (18 - 6 * place) & 63) as usize];
                text.push(char::from(letter));
            }
        }
    }
    text
}

#[cfg(test)]
mod tests {
    use super::{MOST, base64, sequence};

    #[test]
    fn base64_as_everyone_writes_it() {
        for (text, wanted) in
            [("", ""), ("f", "Zg=="), ("fo", "Zm8="), ("foo", "Zm9v"), ("foobar", "Zm9vYmFy")]
        {
            assert_eq!(base64(text.as_bytes()), wanted);
        }
        assert_eq!(base64(&[0xff, 0xfe, 0xfd]), "//79");
    }

    #[test]
    fn tmux_gets_it_twice_and_too_much_is_refused() {
        assert_eq!(sequence("foo", false).unwrap(), b"\x1b]52;c;Zm9v\x07");
        assert_eq!(
            sequence("foo", true).unwrap(),
            b"\x1b]52;c;Zm9v\x07\x1bPtmux;\x1b\x1b]52;c;Zm9v\x07\x1b\\"
        );
        assert!(sequence(&"x".repeat(MOST), false).is_some());
        assert!(sequence(&"x".repeat(MOST + 1), false).is_none());
    }
}
