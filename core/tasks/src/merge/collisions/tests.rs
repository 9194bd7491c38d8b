//! Two tasks with one id.

use std::path::Path;

use super::super::MergeOptions;
use super::super::sides::{Combined, Entry, Sided, combine};
use crate::exchange::{Limits, read_lines};

const DAY: [&str; 3] = ["2026-01-01T00:00:00Z", "2026-01-02T00:00:00Z", "2026-01-03T00:00:00Z"];

/// What another id for `x-1` of the second day is.
const NEW: &str = "x-j4o6";

fn side(lines: &[&str]) -> Sided {
    let lines = read_lines(&mut lines.join("\n").as_bytes(), Path::new("f"), Limits::default()).unwrap();
    assert!(lines.bad.is_empty(), "{:?}", lines.bad);
    Sided::of_lines(&lines)
}

fn task(id: &str, day: usize, more: &str) -> String {
    format!(r#"{{"id":"{id}","created_at":"{0}","updated_at":"{0}"{more}}}"#, DAY[day])
}

fn lines(combined: &Combined) -> Vec<String> {
    let mut lines: Vec<_> =
        combined.entries.iter().map(|entry| String::from_utf8(entry.bytes().to_vec()).unwrap()).collect();
    lines.sort();
    lines
}

fn one_way(base: &[&str], left: &[&str], right: &[&str]) -> Vec<String> {
    ids(&lines(&combine(&side(base), &side(left), &side(right), &MergeOptions::new(0))))
}

/// Lines and what was decided.
type Outcome = (Vec<String>, Vec<String>);

/// Both ways round.
fn both_ways(base: &[&str], left: &[&str], right: &[&str]) -> (Outcome, Outcome) {
    let [base, left, right] = [base, left, right].map(side);
    let merge = |left, right| {
        let combined = combine(&base, left, right, &MergeOptions::new(0));
        let decided = combined.conflicts.iter().map(|conflict| conflict.decided.clone()).collect();
        (lines(&combined), decided)
    };
    (merge(&left, &right), merge(&right, &left))
}

/// Both ways round, which must come to the same.
fn merged(base: &[&str], left: &[&str], right: &[&str]) -> Outcome {
    let (there, back) = both_ways(base, left, right);
    assert_eq!(there, back);
    there
}

fn ids(lines: &[String]) -> Vec<String> {
    side(&lines.iter().map(String::as_str).collect::<Vec<_>>())
        .entries
        .iter()
        .filter_map(Entry::id)
        .map(str::to_owned)
        .collect()
}

#[test]
fn the_later_one_gets_an_id_that_is_the_same_everywhere() {
    let (first, second, third) =
        (task("x-1", 0, r#","title":"A""#), task("x-1", 1, r#","title":"B""#), task("x-1", 2, ""));
    let (lines, decided) = merged(&[], &[&first], &[&second]);
    assert_eq!(decided, [format!("two tasks had this id: the later one is now {NEW}")]);
    assert_eq!(lines, [first.clone(), second.replace("x-1", NEW)]);
    let edited = second.replace("\"B\"", "\"Z\"");
    assert_eq!(merged(&[], &[&first], &[&edited]).0, [first.clone(), edited.replace("x-1", NEW)]);
    // Three clones, in any order, and again.
    let pair: Vec<&str> = lines.iter().map(String::as_str).collect();
    let all = merged(&[], &pair, &[&third]).0;
    assert_eq!(all.len(), 3);
    let others = merged(&[], &[&first], &[&third]).0;
    let others: Vec<&str> = others.iter().map(String::as_str).collect();
    assert_eq!(merged(&[], &others, &[&second]).0, all);
    assert_eq!(merged(&[], &others, &pair), (all, vec![]));
    // The one without a hash.
    let (one, two) = (task("plain", 0, ""), task("plain", 1, ""));
    let found = ids(&merged(&[], &[&one], &[&two]).0);
    assert!(
        found.contains(&"plain".to_owned()) && found.iter().any(|id| id.starts_with("task-")),
        "{found:?}"
    );
}

#[test]
fn an_id_that_is_taken_by_another_is_not_given() {
    let (first, second) = (task("x-1", 0, ""), task("x-1", 1, ""));
    let stranger = task(NEW, 2, "");
    let found = ids(&merged(&[], &[&first, &stranger], &[&second]).0);
    assert_eq!(found.len(), 3, "{found:?}");
    assert!(found.contains(&"x-1".to_owned()) && found.contains(&NEW.to_owned()), "{found:?}");
}

#[test]
fn what_its_own_side_says_of_it_follows() {
    let first = task("x-1", 0, "");
    let own = r#","dependencies":[{"issue_id":"x-1", "depends_on_id":"x-9","type":"blocks"}],"comments":[{"id":1,"issue_id":"x-1","text":"x-1"}]"#;
    let second = task("x-1", 1, own);
    let edges = |id: &str| {
        format!(
            r#","dependencies":["{id}",{{"issue_id":"t","depends_on_id":"{id}","type":"waits-for","metadata":"{{\"spawner_id\":\"{id}\"}}"}},{{"depends_on_id":"x-9","metadata":{{"spawner_id":"{id}"}}}}]"#
        )
    };
    let (ours, theirs) = (task("s", 0, &edges("x-1")), task("t", 0, &edges("x-1")));
    let (lines, _) = merged(&[], &[&first, &ours], &[&second, &theirs]);
    let mut wanted = [
        first.clone(),
        ours.clone(),
        task("t", 0, &edges(NEW)),
        second
            .replace("\"x-1\"", &format!("\"{NEW}\""))
            .replace(&format!("\"text\":\"{NEW}\""), "\"text\":\"x-1\""),
    ];
    wanted.sort();
    assert_eq!(lines, wanted);
    // What the base knew of the id before, or what both sides say alike, is of no side.
    let known = task("k", 0, r#","dependencies":["x-1"]"#);
    let (lines, _) = merged(&[&known], &[&known, &first], &[&known, &task("x-1", 1, "")]);
    assert!(lines.contains(&known), "{lines:?}");
    let (lines, _) = merged(&[], &[&known, &first], &[&known, &task("x-1", 1, "")]);
    assert!(lines.contains(&known), "{lines:?}");
}

#[test]
fn whoever_still_has_the_old_id_follows_the_one_who_has_changed_it() {
    let (first, second) = (task("x-1", 0, ""), task("x-1", 1, r#","title":"B""#));
    let edited = second.replace("\"B\"", "\"Z\"").replacen("02T", "03T", 2).replacen("03T", "02T", 1);
    let (elsewhere, decided) = merged(&[], &[&first], &[&second]);
    assert_eq!(decided.len(), 1);
    let elsewhere: Vec<&str> = elsewhere.iter().map(String::as_str).collect();
    let wanted = vec![first.clone(), edited.replace("x-1", NEW)];
    // Whose task has got another id is told; who has it by that id already was told then.
    let told = (wanted.clone(), vec![format!("two tasks had this id: the later one is now {NEW}")]);
    let (there, back) = both_ways(&[&second], &[&edited], &elsewhere);
    assert_eq!((&there, &back), (&told, &(wanted.clone(), vec![])));
    // Once.
    let after: Vec<&str> = wanted.iter().map(String::as_str).collect();
    assert_eq!(merged(&elsewhere, &after, &elsewhere), (wanted.clone(), vec![]));
    assert_eq!(merged(&[&second], &after, &after), (wanted, vec![]));
}

/// What a task depends on, sorted.
fn targets(lines: &[String], id: &str) -> Vec<String> {
    let side = side(&lines.iter().map(String::as_str).collect::<Vec<_>>());
    let Some(Entry::Task(record)) = side.get(id) else { panic!("{id}: {lines:?}") };
    let mut targets: Vec<_> =
        record.projection().dependencies.iter().map(|edge| edge.target.clone()).collect();
    targets.sort();
    targets
}

#[test]
fn what_each_side_says_of_it_in_a_task_of_both_names_its_own() {
    let (first, second) = (task("x-1", 0, ""), task("x-1", 1, ""));
    let epic = task("x-9", 0, "");
    let with = |edges: &str| task("x-9", 0, &format!(r#","dependencies":[{edges}]"#));
    let by = |who: &str| {
        format!(r#"{{"issue_id":"x-9","depends_on_id":"x-1","type":"blocks","created_by":"{who}"}}"#)
    };
    let (ana, bob) = (with(&by("ana")), with(&by("bob")));
    let found = |base: &str, left: &str, right: &str| {
        let (there, back) = both_ways(&[base], &[left, &first], &[right, &second]);
        let [there, back] = [there, back].map(|(lines, _)| targets(&lines, "x-9"));
        assert_eq!(there, back);
        there
    };
    assert_eq!(found(&epic, &ana, &bob), ["x-1", NEW]);
    assert_eq!(found(&epic, &ana, &epic), ["x-1"]);
    assert_eq!(found(&epic, &epic, &bob), [NEW]);
    // Beside one that was there, also where that one has changed since.
    let before = with(r#""x-1""#);
    let (changed, more) = (by("bob"), by("bob").replace("blocks", "related"));
    assert_eq!(found(&before, &before, &with(&changed)), ["x-1"]);
    assert_eq!(found(&before, &before, &with(&format!("{changed},{more}"))), ["x-1", NEW]);
    // One that was there names it besides.
    let waits = r#"{"depends_on_id":"x-5","type":"waits-for"}"#;
    let spawned = waits.replace('}', r#","metadata":"{\"spawner_id\":\"x-1\"}"}"#);
    let (lines, _) = merged(&[&with(waits)], &[&with(waits), &first], &[&with(&spawned), &second]);
    assert!(lines.contains(&with(&spawned.replace("x-1", NEW))), "{lines:?}");
    // The same on both sides.
    assert_eq!(found(&epic, &ana, &with(&format!("{},{more}", by("ana")))), ["x-1", NEW]);
}

#[test]
fn what_a_task_of_the_same_id_says_is_of_another_task() {
    // Each side has the later one of one pair.
    let edge = r#","dependencies":["x-1"]"#;
    let (ours, theirs) =
        ([task("x-1", 0, ""), task("x-2", 1, edge)], [task("x-1", 1, ""), task("x-2", 0, edge)]);
    let (lines, _) = merged(&[], &[&ours[0], &ours[1]], &[&theirs[0], &theirs[1]]);
    assert_eq!(targets(&lines, "x-2"), [NEW]);
}

#[test]
fn one_task_stays_one() {
    let whole = task("x-1", 0, r#","title":"A""#);
    let exact = whole.replacen("00Z", "00.4Z", 1);
    let unreadable = whole.replacen(DAY[0], "once", 1);
    for other in [&exact, &unreadable, &whole.replace(&format!("\"created_at\":\"{}\",", DAY[0]), "")] {
        assert_eq!(one_way(&[], &[&whole], &[other]), ["x-1"], "{other}");
    }
    // A time of creation that was corrected: the base has it.
    let corrected = whole.replacen(DAY[0], DAY[1], 1);
    assert_eq!(one_way(&[&whole], &[&corrected], &[&whole.replace("\"A\"", "\"B\"")]), ["x-1"]);
}
