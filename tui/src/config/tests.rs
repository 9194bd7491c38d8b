//! What is accepted, and what is said of the rest.

use std::path::Path;

use proptest::prelude::*;

use super::{COMMENTED, Config, parse};

fn check(text: &str) -> Result<Config, String> {
    parse(Path::new("c.toml"), text).map_err(|failure| failure.message)
}

#[test]
fn mistakes_are_named_with_file_line_and_key() {
    for (text, wanted) in [
        ("[state]\npth = 'x'\n", "configuration: c.toml:2: state.pth: no such key"),
        (
            "\n\n[state]\npath = 3\n",
            "configuration: c.toml:4: state.path: wanted a path in quotes, found a number",
        ),
        ("[state]\npath = ''\n", "configuration: c.toml:2: state.path: is empty, wanted a path"),
        ("state = 1\n", "configuration: c.toml:1: state: wanted a table, found a number"),
        ("[ui]\nmouse = 'no'\n", "configuration: c.toml:2: ui.mouse: wanted true or false, found text"),
        ("[stat]\n", "configuration: c.toml:1: stat: no such key"),
        ("[migration]\nsoak = '7d'\n", "configuration: c.toml:2: migration.soak: no such key"),
        (
            "[migration]\nsoak_before_3 = true\n",
            "configuration: c.toml:2: migration.soak_before_3: wanted a duration such as \"7d\", found a boolean",
        ),
        (
            "[migration]\nsoak_before_4 = '-7d'\n",
            "configuration: c.toml:2: migration.soak_before_4: \"-7d\" is no duration, such as 500ms, 5s, 2m, 1h, 7d or a number of seconds",
        ),
    ] {
        assert_eq!(check(text).unwrap_err(), wanted);
    }
    let broken = check("[state]\npath = \n").unwrap_err();
    assert!(broken.starts_with("configuration: c.toml:2: "), "{broken}");
    assert!(!broken.contains('\n'), "{broken}");
}

#[test]
fn the_file_of_init_is_valid_with_and_without_its_comments() {
    assert_eq!(check(COMMENTED).unwrap(), Config::default());
    let uncommented: String = COMMENTED
        .lines()
        .map(|line| line.strip_prefix("# ").filter(|rest| rest.contains(" = ")).unwrap_or(line))
        .flat_map(|line| [line, "\n"])
        .collect();
    let config = check(&uncommented).unwrap();
    assert_eq!(config.state_path.as_deref(), Some(Path::new(".conclave/state.db")));
    assert_eq!(config.mouse, Some(true));
}

#[test]
fn the_first_file_wins_key_by_key() {
    let dir = tempfile::tempdir().unwrap();
    let files = [dir.path().join("first"), dir.path().join("missing"), dir.path().join("second")];
    std::fs::write(&files[0], "[ui]\nmouse = false\n").unwrap();
    std::fs::write(&files[2], "[ui]\nmouse = true\n[state]\npath = 'x'\n").unwrap();
    let config = Config::load(&files).unwrap();
    let wanted = Config { state_path: Some("x".into()), mouse: Some(false), ..Config::default() };
    assert_eq!(config, wanted);
    assert!(Config::load_named(&files[1]).is_err());
}

proptest! {
    #[test]
    fn no_text_panics(text in "[\\[\\]a-z=\"'\n .#0-9]{0,80}") {
        let _ = check(&text);
    }
}

#[test]
fn soak_times_are_read_and_the_usual_ones_hold_otherwise() {
    let hours = |hours| std::time::Duration::from_hours(hours);
    let config = check("[migration]\nsoak_before_3 = '1h'\nsoak_before_5 = 0\n").unwrap();
    let other = check("[migration]\nsoak_before_3 = '9h'\nsoak_before_4 = '2h'\n").unwrap();
    let soak = config.clone().or(other).soak();
    let found = (soak.before_reads_flipped, soak.before_new_only, soak.before_cleaned_up);
    assert_eq!(found, (hours(1), hours(2), hours(0)));
    let soak = Config::default().soak();
    let usual = (soak.before_reads_flipped, soak.before_new_only, soak.before_cleaned_up);
    assert_eq!(usual, (hours(7 * 24), hours(7 * 24), hours(14 * 24)));
}
