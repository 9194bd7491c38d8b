//! Events as monitors give them: some 240 bytes each, of a day's work of one person; no two alike.

use crate::chance::Chance;

/// Crockford's base 32, in which ULIDs are written.
const DIGITS: &[u8; 32] = b"0123456789ABCDEFGHJKMNPQRSTVWXYZ";
const PROGRAMS: [&str; 9] =
    ["firefox", "code", "alacritty", "slack", "zoom", "libreoffice", "gimp", "thunderbird", "nautilus"];
const SITES: [&str; 5] = ["docs.rs", "github.com", "sqlite.org", "news.example.org", "mail.example.com"];
const WORDS: [&str; 12] = [
    "review", "plan", "fix", "merge", "spool", "cache", "lease", "ledger", "budget", "draft", "meeting",
    "notes",
];
const FIRST_MS: u64 = 1_795_207_257_216;

/// The lines of `events` events of one monitor, newlines included, and how many bytes each has with its own.
pub(crate) fn lines(monitor: &str, events: u64, seed: u64) -> Vec<String> {
    let mut chance = Chance::of(seed, &[77]);
    let session = ulid(&mut chance, FIRST_MS);
    let mut at = FIRST_MS;
    let event = |_| {
        at += chance.below(700);
        line(&mut chance, monitor, &session, at)
    };
    (0..events).map(event).collect()
}

fn line(chance: &mut Chance, monitor: &str, session: &str, at: u64) -> String {
    let id = ulid(chance, at);
    let head = format!(r#"{{"id":"{id}","ts_utc":{at},"monitor":"{monitor}","session_id":"{session}""#);
    match chance.below(10) {
        0..4 => format!(
            r#"{head},"action":"key_press","subject_type":"none","attrs_json":"{{\"keys_per_minute\": {}, \"special_keys\": {}}}"}}"#,
            chance.below(400),
            chance.below(20)
        ),
        4..6 => format!(
            r#"{head},"action":"focus","subject_type":"window","pid":{},"exe_name":"{}","window_title_hash":"{:016x}{:016x}"}}"#,
            1000 + chance.below(30_000),
            chance.pick(&PROGRAMS),
            chance.below(u64::MAX),
            chance.below(u64::MAX)
        ),
        6..8 => format!(
            r#"{head},"action":"click","subject_type":"app","exe_name":"{}","attrs_json":"{{\"x\": {}, \"y\": {}, \"button\": \"left\"}}"}}"#,
            chance.pick(&PROGRAMS),
            chance.below(3840),
            chance.below(2160)
        ),
        8 => format!(
            r#"{head},"action":"visit","subject_type":"url","url_hash":"{:016x}{:016x}","attrs_json":"{{\"host\": \"{}\", \"seconds\": {}}}"}}"#,
            chance.below(u64::MAX),
            chance.below(u64::MAX),
            chance.pick(&SITES),
            chance.below(900)
        ),
        _ => format!(
            r#"{head},"action":"save","subject_type":"file","pid":{},"exe_name":"{}","attrs_json":"{{\"name\": \"{}-{}.md\", \"bytes\": {}}}"}}"#,
            1000 + chance.below(30_000),
            chance.pick(&PROGRAMS),
            chance.pick(&WORDS),
            chance.pick(&WORDS),
            chance.below(1 << 22)
        ),
    }
}

/// A ULID: 48 bits of time and 80 of chance in 26 digits.
fn ulid(chance: &mut Chance, at: u64) -> String {
    let number =
        u128::from(at) << 80 | u128::from(chance.below(u64::MAX)) << 16 | u128::from(chance.below(1 << 16));
    let digit = |place: u32| {
        let value = number >> (5 * place) & 31;
        char::from(DIGITS[usize::try_from(value).unwrap_or(0)])
    };
    (0..26).rev().map(digit).collect()
}
