use conclave_db::process::ProcessIdentity;

use super::*;

fn name(text: &str) -> LeaseName {
    LeaseName::parse(text).unwrap()
}

fn mode(letter: char) -> Mode {
    if letter == 's' { Mode::Shared } else { Mode::Exclusive }
}

/// `xAB` waits for A and B alone, `sA` would share A. Their ids count from 1.
fn queue(words: &str) -> Vec<Place> {
    let process = ProcessIdentity { boot_id: String::new(), pid_namespace: 0, pid: 1, start_time: 0 };
    words
        .split_whitespace()
        .zip(1..)
        .map(|(word, id)| Place {
            id,
            ticket: id * 10,
            holder: HolderId::stored(format!("w{id}")),
            mode: mode(word.chars().next().unwrap()),
            process: process.clone(),
            since_utc_ms: 0,
            could_since_boot_ms: None,
            asleep: false,
            names: word.chars().skip(1).map(|letter| name(&letter.to_string())).collect(),
        })
        .collect()
}

fn held(words: &str) -> Held {
    words.split_whitespace().map(|word| (name(&word[1..]), mode(word.chars().next().unwrap()))).collect()
}

#[test]
fn who_could_take_what_it_waits_for() {
    let cases: [(&str, &str, &[usize]); 11] = [
        ("xA", "", &[0]),
        ("xA xA", "", &[0]),
        ("xA", "xA", &[]),
        ("xA", "sA", &[]),
        ("sA sA xA sA", "", &[0, 1]),
        ("sA sA xA sA", "sA", &[0, 1]),
        ("sA", "xA", &[]),
        ("xA xB", "", &[0, 1]),
        ("xAB xA xB xC", "", &[0, 3]),
        // Who waits for both keeps its place in both, though it can take neither.
        ("xAB xA xB xC", "xB", &[3]),
        ("xAB sA", "xB", &[]),
    ];
    for (waiting, taken, wanted) in cases {
        assert_eq!(able(&queue(waiting), &held(taken)), wanted, "{waiting} while {taken}");
    }
}

#[test]
fn who_asks_is_behind_those_who_came_before_and_stand_against_it() {
    // Who asks, what it waits for, among whom, what is held, who is before it, and whether it takes.
    let cases = [
        (None, "xA", "", "", None, true),
        (None, "xA", "", "xA", None, false),
        (None, "sA", "", "sA", None, true),
        (None, "xA", "xA", "", Some("w1"), false),
        (None, "xA", "xB", "", None, true),
        (None, "xAB", "xC xB", "", Some("w2"), false),
        (None, "sA", "sA", "", None, true),
        (None, "sA", "sA xA", "", Some("w2"), false),
        (Some(1), "xA", "xA xA", "", None, true),
        (Some(2), "xA", "xA xA", "", Some("w1"), false),
        (Some(2), "xB", "xA xB", "xA", None, true),
        (Some(7), "xA", "xA xA", "", Some("w1"), false),
    ];
    for (id, wants, waiting, taken, behind, takes) in cases {
        let names: Vec<LeaseName> = queue(wants)[0].names.iter().cloned().collect();
        let asking = Asking { id, names: &names, mode: queue(wants)[0].mode };
        let plan = decide(&queue(waiting), &held(taken), &asking, 0);
        let found = plan.behind.as_ref().map(|(holder, _)| holder.as_str());
        assert_eq!((found, plan.takes), (behind, takes), "{id:?} {wants} among {waiting} while {taken}");
    }
}

#[test]
fn the_time_to_take_it_runs_for_those_who_could() {
    let names = [name("A")];
    let asking = Asking { id: Some(3), names: &names, mode: Mode::Exclusive };
    let mut places = queue("xA xA xA sA");
    let plan = decide(&places, &held(""), &asking, 50);
    assert_eq!((&plan.begins[..], &plan.ends[..]), (&[1][..], &[][..]));
    places[0].could_since_boot_ms = Some(50);
    assert!(!decide(&places, &held(""), &asking, 49 + PATIENCE_MS).changes());
    // It is the next one's turn, whose time begins.
    let plan = decide(&places, &held(""), &asking, 50 + PATIENCE_MS);
    assert_eq!((&plan.overdue[..], &plan.begins[..], plan.takes), (&[1][..], &[2][..], false));
    // Somebody takes it: nobody's time runs.
    let plan = decide(&places, &held("sA"), &asking, 50 + PATIENCE_MS);
    assert_eq!((&plan.overdue[..], &plan.ends[..]), (&[][..], &[1][..]));
    places.remove(1);
    let plan = decide(&places, &held(""), &asking, 50 + PATIENCE_MS);
    assert_eq!((&plan.overdue[..], &plan.begins[..], plan.takes), (&[1][..], &[][..], true));
    // Its own time is never over.
    let mine = Asking { id: Some(1), ..asking };
    assert!(decide(&places, &held(""), &mine, 50 + PATIENCE_MS).takes);
}

#[test]
fn it_matters_whether_those_live_who_could_take_it_and_who_is_in_the_way() {
    let names = [name("A")];
    let asking = Asking { id: None, names: &names, mode: Mode::Exclusive };
    let ids = |waiting: &str, taken: &str| -> Vec<i64> {
        candidates(&queue(waiting), &held(taken), &asking).iter().map(|place| place.id).collect()
    };
    assert_eq!(ids("xA xA", "xA"), [1]);
    assert_eq!(ids("xAB xA", "xB"), [1]);
    assert_eq!(ids("sA sA", ""), [1, 2, 1]);
    assert_eq!(ids("xB xC", "xC"), [1]);
}
