//! The table of facts 2.7, and what must hold for any three records.

use proptest::prelude::*;

use super::*;

fn record(json: &str) -> Record {
    Record::read(json.as_bytes()).unwrap()
}

const T1: &str = "2026-01-01T00:00:00Z";
const T2: &str = "2026-01-02T00:00:00Z";

/// A record of an id, `updated_at` and these members.
fn task(updated: &str, members: &str) -> Record {
    let comma = if members.is_empty() { "" } else { "," };
    record(&format!(r#"{{"id":"a","updated_at":"{updated}"{comma}{members}}}"#))
}

fn merged(base: &Record, left: &Record, right: &Record) -> (Record, Vec<(String, String)>) {
    with(base, left, right, &MergeOptions::new(0))
}

fn with(
    base: &Record,
    left: &Record,
    right: &Record,
    options: &MergeOptions,
) -> (Record, Vec<(String, String)>) {
    let outcome = merge_records(Some(base), Some(left), Some(right), options);
    let again = merge_records(Some(base), Some(left), Some(right), options);
    assert_eq!(outcome, again, "the same each time");
    let conflicts = outcome.conflicts.into_iter().map(|conflict| (conflict.key, conflict.decided)).collect();
    (outcome.record.unwrap(), conflicts)
}

fn members(record: &Record) -> String {
    String::from_utf8(record.bytes().to_vec()).unwrap()
}

/// Base, left (updated first), right (updated later), the outcome's members, and the keys in conflict. Then the same
/// with the sides changed.
fn check(name: &str, base: &str, left: &str, right: &str, wanted: &str, conflicts: &[&str], other_way: &str) {
    let (base, left, right) = (task(T1, base), task(T1, left), task(T2, right));
    // A side that has changed was updated.
    let left = if left == base { left } else { task("2026-01-01T12:00:00Z", &inner(&left)) };
    for (one, other, wanted) in [(&left, &right, wanted), (&right, &left, other_way)] {
        let (record, found) = merged(&base, one, other);
        let keys: Vec<&str> = found.iter().map(|(key, _)| key.as_str()).collect();
        assert_eq!(keys, conflicts, "{name}: {found:?}");
        let wanted = task(T2, wanted);
        assert!(
            same(record.bytes(), wanted.bytes()),
            "{name}: {} is not {}",
            members(&record),
            members(&wanted)
        );
    }
}

fn inner(record: &Record) -> String {
    members(record)
        .split_once("Z\",")
        .map_or(String::new(), |(_, rest)| rest.trim_end_matches('}').to_owned())
}

#[test]
fn the_table_of_what_ours_does() {
    for (name, base, left, right, wanted, conflicts) in [
        (
            "priority: the more urgent one",
            r#""priority":2"#,
            r#""priority":0"#,
            r#""priority":1"#,
            r#""priority":0"#,
            &["priority"][..],
        ),
        (
            "priority: also where it is only not there",
            r#""priority":2"#,
            "",
            r#""priority":1"#,
            "",
            &["priority"],
        ),
        (
            "priority: raised by one",
            r#""priority":2"#,
            r#""priority":2"#,
            r#""priority":0"#,
            r#""priority":0"#,
            &[],
        ),
        (
            "reopened by one, edited by the other",
            r#""status":"closed","closed_at":"x","close_reason":"done","title":"A""#,
            r#""status":"open","title":"A""#,
            r#""status":"closed","closed_at":"x","close_reason":"done","title":"B""#,
            r#""status":"open","title":"B""#,
            &[],
        ),
        (
            "closed by one, edited by the other",
            r#""status":"open","title":"A""#,
            r#""status":"closed","closed_at":"x","title":"A""#,
            r#""status":"open","title":"B""#,
            r#""status":"closed","closed_at":"x","title":"B""#,
            &[],
        ),
        (
            "two statuses",
            r#""status":"open""#,
            r#""status":"deferred""#,
            r#""status":"in_progress""#,
            r#""status":"in_progress""#,
            &["status"],
        ),
        (
            "closed here, blocked there",
            r#""status":"open""#,
            r#""status":"closed","closed_at":"x","close_reason":"done""#,
            r#""status":"blocked""#,
            r#""status":"closed","closed_at":"x","close_reason":"done""#,
            &["status"],
        ),
        (
            "closed there, claimed later here",
            r#""status":"open""#,
            r#""status":"closed","closed_at":"x","close_reason":"done","result":"R""#,
            r#""status":"in_progress","assignee":"bob","claim_expires_at":"y""#,
            r#""status":"closed","closed_at":"x","close_reason":"done","result":"R""#,
            &["status", "assignee", "claim_expires_at"],
        ),
        (
            "both closed",
            r#""status":"open""#,
            r#""status":"closed","closed_at":"x""#,
            r#""status":"closed","closed_at":"y""#,
            r#""status":"closed","closed_at":"y""#,
            &["closed_at"],
        ),
        (
            "reopened here, deferred there",
            r#""status":"closed","closed_at":"x""#,
            r#""status":"deferred""#,
            r#""status":"open""#,
            r#""status":"open""#,
            &["status"],
        ),
        ("two titles", r#""title":"A""#, r#""title":"B""#, r#""title":"C""#, r#""title":"C""#, &["title"]),
        ("two notes", r#""notes":"A""#, r#""notes":"B""#, r#""notes":"C""#, r#""notes":"C""#, &["notes"]),
        (
            "notes: other lines",
            r#""notes":"a\nb\nc\nd""#,
            r#""notes":"A\nb\nc\nd""#,
            r#""notes":"a\nb\nc\nD\ne""#,
            r#""notes":"A\nb\nc\nD\ne""#,
            &[],
        ),
        ("labels added", "", r#""labels":["x"]"#, r#""labels":["y"]"#, r#""labels":["x","y"]"#, &[]),
        (
            "labels removed and added",
            r#""labels":["a","b","c"]"#,
            r#""labels":["b","c"]"#,
            r#""labels":["a","b","d"]"#,
            r#""labels":["b","d"]"#,
            &[],
        ),
        ("all labels removed", r#""labels":["a","b"]"#, r#""labels":["a"]"#, r#""labels":["b"]"#, "", &[]),
        (
            "comments added",
            "",
            r#""comments":[{"id":1,"author":"l","text":"x","created_at":"2026-01-01T02:00:00Z"}]"#,
            r#""comments":[{"id":1,"author":"r","text":"x","created_at":"2026-01-01T01:00:00-08:00"}]"#,
            r#""comments":[{"id":1,"author":"l","text":"x","created_at":"2026-01-01T02:00:00Z"},{"id":1,"author":"r","text":"x","created_at":"2026-01-01T01:00:00-08:00"}]"#,
            &[],
        ),
        (
            "a dependency removed",
            r#""dependencies":[{"depends_on_id":"x","type":"blocks"},{"depends_on_id":"y","type":"blocks"}]"#,
            r#""dependencies":[{"depends_on_id":"y","type":"blocks"}]"#,
            r#""title":"B","dependencies":[{"depends_on_id":"x","type":"blocks"},{"depends_on_id":"y","type":"blocks"}]"#,
            r#""title":"B","dependencies":[{"depends_on_id":"y","type":"blocks"}]"#,
            &[],
        ),
        ("due cleared", r#""due_at":"x""#, "", r#""due_at":"x","title":"B""#, r#""title":"B""#, &[]),
        ("two assignees", "", r#""assignee":"l""#, r#""assignee":"r""#, r#""assignee":"r""#, &["assignee"]),
        (
            "unknown keys",
            r#""k":1"#,
            r#""k":1,"l":1e3"#,
            r#""k":2,"r":[1.0]"#,
            r#""k":2,"l":1e3,"r":[1.0]"#,
            &[],
        ),
    ] {
        check(name, base, left, right, wanted, conflicts, wanted);
    }
    // Orders that follow the left side.
    check(
        "two dependencies",
        "",
        r#""dependencies":["x"]"#,
        r#""dependencies":[{"depends_on_id":"x","type":"related"}]"#,
        r#""dependencies":["x",{"depends_on_id":"x","type":"related"}]"#,
        &[],
        r#""dependencies":[{"depends_on_id":"x","type":"related"},"x"]"#,
    );
}

#[test]
fn equal_times_take_the_left_one() {
    let (base, left, right) =
        (task(T1, r#""title":"A""#), task(T2, r#""title":"B""#), task(T2, r#""title":"C""#));
    let (record, conflicts) = merged(&base, &left, &right);
    assert_eq!(record.bytes(), left.bytes());
    assert_eq!(conflicts, [("title".to_owned(), "left: both are of the same time".to_owned())]);
    assert_eq!(merged(&base, &right, &left).0.bytes(), right.bytes());
    // A time that cannot be read is earlier than any.
    let none = task("soon", r#""title":"C""#);
    assert_eq!(merged(&base, &none, &left).0.bytes(), left.bytes());
}

#[test]
fn the_later_time_is_kept_though_only_the_earlier_one_is_new() {
    // The left one's clock is behind.
    let (base, left, right) = (task(T2, ""), task(T1, r#""title":"B""#), task(T2, r#""k":1"#));
    for (one, other) in [(&left, &right), (&right, &left)] {
        let (record, conflicts) = merged(&base, one, other);
        assert_eq!((record.text("updated_at").as_deref(), conflicts.len()), (Some(T2), 0));
    }
}

#[test]
fn texts_can_stay_both() {
    let (base, left, right) =
        (task(T1, r#""notes":"A""#), task(T1, r#""notes":"B""#), task(T2, r#""notes":"C""#));
    let concat = MergeOptions { concat: true, ..MergeOptions::new(0) };
    let (record, conflicts) = with(&base, &left, &right, &concat);
    assert_eq!(record.text("notes").unwrap(), "B\n\n---\n\nC");
    assert_eq!(conflicts, [("notes".to_owned(), "both, one after the other".to_owned())]);
}

#[test]
fn removed_and_edited() {
    let (base, edited) = (task(T1, r#""title":"A""#), task(T2, r#""title":"B""#));
    let options = MergeOptions::new(0);
    for (left, right, word) in [(None, Some(&edited), "right"), (Some(&edited), None, "left")] {
        let outcome = merge_records(Some(&base), left, right, &options);
        assert_eq!(outcome.record.as_ref(), Some(&edited));
        assert!(outcome.conflicts[0].decided.starts_with(word), "{:?}", outcome.conflicts);
        // New on one side.
        let outcome = merge_records(None, left, right, &options);
        assert_eq!((outcome.record.as_ref(), outcome.conflicts.len()), (Some(&edited), 0));
    }
    // Only spelled differently is not edited.
    let spelled = record(r#"{ "updated_at" : "2026-01-01T00:00:00Z", "id":"\u0061", "title":"A"}"#);
    assert_eq!(merge_records(Some(&base), None, Some(&spelled), &options).record, None);
    assert_eq!(merge_records(Some(&base), None, None, &options).record, None);
    let dead = task(T2, r#""status":"tombstone""#);
    let outcome = merge_records(Some(&base), None, Some(&dead), &options);
    assert_eq!((outcome.record, outcome.conflicts.len()), (Some(dead), 0));
}

#[test]
fn a_tombstone_wins_while_it_is_young() {
    let base = task(T1, "");
    let dead = task(T1, r#""status":"tombstone","deleted_at":"2026-01-01T00:00:00Z""#);
    let edited = task(T2, r#""title":"B""#);
    let deleted = crate::moment::Moment::parse(T1).unwrap().ms();
    for (days, after_ms, wins) in [
        (30, 30 * DAY_MS + SKEW_MS - 1, true),
        (30, 30 * DAY_MS + SKEW_MS, false),
        // A week at least.
        (0, 7 * DAY_MS + SKEW_MS - 1, true),
        (0, 7 * DAY_MS + SKEW_MS, false),
    ] {
        let options =
            MergeOptions { now_ms: deleted + after_ms, tombstone_days: days, ..MergeOptions::new(0) };
        let wanted = if wins { &dead } else { &edited };
        for (left, right) in [(&dead, &edited), (&edited, &dead)] {
            let (record, conflicts) = with(&base, left, right, &options);
            assert_eq!(&record, wanted, "{days} {after_ms}");
            assert_eq!(conflicts.len(), 1);
        }
    }
    // Without a time it is never old.
    let dead = record(r#"{"id":"a","status":"tombstone"}"#);
    let options = MergeOptions { now_ms: i64::MAX, ..MergeOptions::new(0) };
    assert_eq!(with(&base, &dead, &edited, &options).0, dead);
}

#[test]
fn without_a_base_an_old_copy_revives_nothing() {
    let dead = record(
        r#"{"id":"a","status":"tombstone","deleted_at":"2026-01-01T12:00:00Z","updated_at":"2026-01-01T12:00:00Z"}"#,
    );
    // Whatever its age.
    for now_ms in [0, i64::MAX] {
        let options = MergeOptions::new(now_ms);
        // What has no time may be anything: it is dead, and told.
        for (at, conflicts) in [("2025-01-01T00:00:00Z", 0), ("2026-01-01T12:00:00Z", 0), ("no time", 1)] {
            let older = task(at, r#""title":"B""#);
            for (left, right) in [(&dead, &older), (&older, &dead)] {
                let outcome = merge_records(None, Some(left), Some(right), &options);
                let is = (outcome.record.as_ref(), outcome.conflicts.len());
                assert_eq!(is, (Some(&dead), conflicts), "{now_ms} {at}");
            }
        }
        // What was updated after the deletion is an edit.
        let later = task(T2, r#""title":"B""#);
        for (left, right) in [(&dead, &later), (&later, &dead)] {
            let outcome = merge_records(None, Some(left), Some(right), &options);
            let wanted = if now_ms == 0 { &dead } else { &later };
            assert_eq!((outcome.record.as_ref(), outcome.conflicts.len()), (Some(wanted), 1), "{now_ms}");
        }
    }
}

#[test]
fn a_claim_is_taken_from_one_side() {
    let ana = r#""status":"in_progress","assignee":"ana","claim_expires_at":"x""#;
    let bob = r#""status":"in_progress","assignee":"bob""#;
    let check = |base: Option<&str>, left: &str, right: &str, wanted: &str| {
        let (base, left, right) = (base.map(|base| task(T1, base)), task(T1, left), task(T2, right));
        for (one, other) in [(&left, &right), (&right, &left)] {
            let outcome = merge_records(base.as_ref(), Some(one), Some(other), &MergeOptions::new(0));
            let (merged, wanted) = (outcome.record.unwrap(), task(T2, wanted));
            assert!(same(merged.bytes(), wanted.bytes()), "{}", members(&merged));
        }
    };
    // Both have claimed it: nobody gets the other's end.
    check(None, ana, bob, bob);
    check(None, bob, ana, ana);
    check(Some(r#""status":"open""#), ana, bob, bob);
    // Taken over on one side, prolonged on the other, which was later.
    check(Some(ana), bob, &ana.replace("\"x\"", "\"y\""), bob);
    // Claimed on one side, given to somebody else on the other.
    check(Some(r#""status":"open""#), ana, r#""status":"open","assignee":"bob""#, ana);
    // Released on one side, taken over on the other.
    check(Some(ana), r#""status":"open""#, bob, r#""status":"open""#);
    // Where nobody has claimed it the assignee is a key like others.
    check(
        Some(r#""status":"open""#),
        r#""status":"closed""#,
        r#""status":"open","assignee":"bob""#,
        r#""status":"closed","assignee":"bob""#,
    );
}

#[test]
fn the_right_sides_changes_are_spliced_in() {
    let base = record(r#"{"id": "a", "title": "A", "n": 1e3, "k": 1, "updated_at": "2026-01-01T00:00:00Z"}"#);
    let left =
        record(r#"{"id": "a", "title": "\u0042", "n": 1e3, "k": 1, "updated_at": "2026-01-02T00:00:00Z"}"#);
    let right =
        record(r#"{"id":"a","title":"A","n":1e3,"k":2.50,"z":"\u00e9","updated_at":"2026-01-01T12:00:00Z"}"#);
    let (record, _) = merged(&base, &left, &right);
    assert_eq!(
        members(&record),
        r#"{"id": "a", "title": "\u0042", "n": 1e3, "k": 2.50, "updated_at": "2026-01-02T00:00:00Z", "z": "\u00e9"}"#
    );
}

#[test]
fn an_outcome_that_says_what_one_side_says_has_its_bytes() {
    let base = record(r#"{"id":"a","title":"A","k":1,"updated_at":"2026-01-01T00:00:00Z"}"#);
    let left = record(r#"{"id":"a","title":"A","k":2,"updated_at":"2026-01-01T00:00:00Z"}"#);
    let right = record(r#"{ "k":2, "title":"B" ,"id":"a","updated_at":"2026-01-02T00:00:00Z" }"#);
    assert_eq!(merged(&base, &left, &right).0.bytes(), right.bytes());
    assert_eq!(merged(&base, &right, &left).0.bytes(), right.bytes());
}

#[test]
fn a_comment_with_the_number_of_another_stays() {
    let comments = |list: &str| format!(r#""comments":[{list}]"#);
    let old = r#"{"id":5,"author":"a","text":"old","created_at":"2026-01-01T00:00:00Z"}"#;
    let l = r#"{"id":6,"author":"l","text":"left","created_at":"2026-01-03T00:00:00Z"}"#;
    let r = r#"{"id":6,"author":"r","text":"right","created_at":"2026-01-02T00:00:00Z"}"#;
    let (record, conflicts) = merged(
        &task(T1, &comments(old)),
        &task(T2, &comments(&format!("{old},{l}"))),
        &task(T2, &comments(&format!("{old},{r}"))),
    );
    let texts: Vec<_> =
        record.projection().comments.iter().map(|comment| comment.text.clone().unwrap()).collect();
    assert_eq!((texts, conflicts), (vec!["old".to_owned(), "right".to_owned(), "left".to_owned()], vec![]));
}

#[test]
fn two_of_the_same_edge_are_one() {
    let edge = |at: &str, more: &str| {
        format!(
            r#""dependencies":[{{"issue_id":"a","depends_on_id":"b","type":"waits-for","created_at":"{at}"{more}}}]"#
        )
    };
    let (base, left, right) = (task(T1, ""), task(T1, &edge(T1, "")), task(T2, &edge(T2, "")));
    let (record, conflicts) = merged(&base, &left, &right);
    assert_eq!(
        (record.bytes(), conflicts.len()),
        (right.bytes(), 0),
        "who added it, and when, is no conflict"
    );
    let left = task(T1, &edge(T1, r#","metadata":"{\"gate\":\"any-children\"}""#));
    let (record, conflicts) = merged(&base, &left, &right);
    assert_eq!((record.bytes(), conflicts.len()), (right.bytes(), 1), "what it says is");
}

#[test]
fn fields_of_other_types_are_merged_as_wholes() {
    let (base, left, right) =
        (task(T1, r#""labels":"x""#), task(T1, r#""labels":{"l":1}"#), task(T2, r#""labels":["r"]"#));
    assert_eq!(merged(&base, &left, &right).0.bytes(), right.bytes());
    assert_eq!(merged(&base, &right, &left).1.len(), 1);
    let (left, right) = (task(T1, r#""notes":[1]"#), task(T2, r#""notes":"x""#));
    assert_eq!(merged(&base, &left, &right).0.text("notes").as_deref(), Some("x"));
}

#[test]
fn depth_is_no_recursion() {
    let deep = |inside: &str| {
        let depth = json::DEPTH - 1;
        task(T2, &format!(r#""k":{}{inside}{}"#, "[".repeat(depth), "]".repeat(depth)))
    };
    let (base, left, right) = (deep("1"), deep("2"), deep("3"));
    assert_eq!(merged(&base, &left, &right).0.bytes(), left.bytes());
}

prop_compose! {
    fn any_comment()(n in 0_u8..6, at in 0_u8..4, id in 0_u8..3) -> String {
        format!(r#"{{"id":{id},"author":"w","text":"c{n}","created_at":"2026-01-01T0{at}:00:00Z"}}"#)
    }
}

prop_compose! {
    fn any_edge()(target in 0_u8..4, kind in prop::sample::select(vec!["blocks", "related"]), text: bool, made in 0_u8..2)
        -> String {
        if text { format!(r#""t{target}""#) } else {
            format!(r#"{{"depends_on_id":"t{target}","type":"{kind}","created_at":"{made}"}}"#)
        }
    }
}

fn list(key: &'static str, element: impl Strategy<Value = String>) -> impl Strategy<Value = String> {
    prop_oneof![
        3 => prop::collection::vec(element, 0..4).prop_map(move |all| format!(r#""{key}":[{}]"#, all.join(","))),
        1 => Just(String::new()),
        1 => prop::sample::select(vec!["null", "1", "{}"]).prop_map(move |odd| format!(r#""{key}":{odd}"#)),
    ]
}

prop_compose! {
    /// Any record of one id, from few values, so that sides meet.
    fn any_task()(
        updated in prop::sample::select(vec![r#""updated_at":"2026-01-01T00:00:00Z""#, r#""updated_at":"2026-01-02T00:00:00+01:00""#, r#""updated_at":"?""#, ""]),
        status in prop::sample::select(vec!["", r#""status":"open""#, r#""status":"closed","closed_at":"2026-01-01T00:00:00Z""#, r#""status":"in_progress","claim_expires_at":"x""#, r#""status":7"#, r#""status":"tombstone""#]),
        priority in prop::sample::select(vec!["", r#""priority":0"#, r#""priority":2"#, r#""priority":9"#, r#""priority":null"#]),
        notes in prop::sample::select(vec!["", r#""notes":"a\nb""#, r#""notes":"a\nb\nc\n""#, r#""notes":"\u0061\nB""#, r#""notes":[]"#]),
        unknown in prop::sample::select(vec!["", r#""u":1e3"#, r#""u":{"a":[1,2]}"#, r#""u":"\ud83d\ude00""#]),
        labels in list("labels", prop::sample::select(vec![r#""x""#, r#""y""#, r#""z""#, r#""\u0078""#, "1"]).prop_map(str::to_owned)),
        dependencies in list("dependencies", any_edge()),
        comments in list("comments", any_comment()),
        turned: bool,
        blank: bool,
    ) -> Record {
        let mut members: Vec<&str> = [updated, status, priority, notes, unknown, &labels, &dependencies, &comments]
            .into_iter().filter(|member| !member.is_empty()).collect();
        members.push(r#""id":"a""#);
        if turned { members.reverse(); }
        record(&format!("{{{}}}", members.join(if blank { ", " } else { "," })))
    }
}

/// Elements of an array, each by what it says.
fn said(record: Option<&Record>, key: &str) -> Vec<String> {
    let projection = record.map(Record::projection).cloned().unwrap_or_default();
    match key {
        "labels" => projection.labels,
        "dependencies" => {
            projection.dependencies.iter().map(|edge| format!("{} {}", edge.target, edge.kind)).collect()
        }
        _ => projection
            .comments
            .iter()
            .map(|comment| format!("{:?} {:?} {:?}", comment.author, comment.text, comment.created_at))
            .collect(),
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(600))]

    #[test]
    fn one_changed_side_is_the_outcome(base in any_task(), side in prop::option::of(any_task())) {
        let options = MergeOptions::new(0);
        let bytes = side.as_ref().map(|side| side.bytes().to_vec());
        for (base, left, right) in [
            (&base, side.as_ref(), Some(&base)),
            (&base, Some(&base), side.as_ref()),
            (&base, side.as_ref(), side.as_ref()),
        ] {
            let outcome = merge_records(Some(base), left, right, &options);
            prop_assert_eq!(outcome.record.map(|record| record.bytes().to_vec()), bytes.clone());
            prop_assert!(outcome.conflicts.is_empty());
        }
    }

    #[test]
    fn nothing_is_lost(base in prop::option::of(any_task()), left in any_task(), right in any_task()) {
        let outcome = merge_records(base.as_ref(), Some(&left), Some(&right), &MergeOptions::new(0));
        let record = outcome.record.expect("two sides have it");
        // What is spliced is a record, and says no more than was there.
        prop_assert!(Record::read(record.bytes()).is_ok());
        let deleted = is_tombstone(&left) != is_tombstone(&right);
        if deleted || outcome.conflicts.iter().any(|conflict| conflict.key.is_empty()) {
            return Ok(());
        }
        let arrays = |key: &str| [Some(&left), Some(&right), base.as_ref()].into_iter().flatten()
            .all(|side| side.value(key).is_none_or(|value| value.starts_with(b"[") || value == b"null"));
        for key in SETS.into_iter().filter(|key| arrays(key)) {
            let (was, l, r, is) =
                (said(base.as_ref(), key), said(Some(&left), key), said(Some(&right), key), said(Some(&record), key));
            for element in l.iter().chain(&r) {
                let removed = was.contains(element) && !(l.contains(element) && r.contains(element));
                prop_assert!(
                    is.contains(element) || removed,
                    "{} lost of {}: {:?} in {}", element, key, was, String::from_utf8_lossy(record.bytes())
                );
            }
            prop_assert!(is.iter().all(|element| l.contains(element) || r.contains(element)));
        }
        // Merged again with either side, as after a crash, it stays.
        for side in [&left, &right] {
            let again = merge_records(Some(side), Some(&record), Some(side), &MergeOptions::new(0));
            prop_assert_eq!(again.record.as_ref(), Some(&record));
            prop_assert!(again.conflicts.is_empty());
        }
    }
}
