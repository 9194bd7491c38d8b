use super::*;

/// The moment of all changes here, and its text.
const NOW: i64 = 1_767_323_045_006;
const THEN: &str = "2026-01-02T03:04:05.006Z";

/// Reads `before`, changes it, and compares; NOW stands for the time of the change.
#[track_caller]
fn check(before: &str, change: impl FnOnce(&mut Edit), after: &str) {
    let changed = changed(before, change).unwrap();
    assert_eq!(std::str::from_utf8(changed.bytes()).unwrap(), after.replace("NOW", THEN));
}

fn changed(before: &str, change: impl FnOnce(&mut Edit)) -> Result<Record, Flaw> {
    let record = Record::read(before.as_bytes()).unwrap();
    let mut edit = record.edit();
    change(&mut edit);
    edit.finish(now())
}

fn now() -> Moment {
    Moment::from_ms(NOW)
}

fn edge(target: &str, kind: &str) -> Edge {
    Edge { target: target.to_owned(), kind: kind.to_owned(), spawner: None, any_child: false }
}

/// A record whose labels, or whatever `key` is, are this array, in the style of the first member.
#[track_caller]
fn check_array(key: &str, before: &str, change: impl FnOnce(&mut Edit), after: &str) {
    let record = |array: &str, updated_at: &str| {
        format!(r#"{{"id":"a","{key}":{array},"updated_at":"{updated_at}"}}"#)
    };
    let expected = if after == before { record(before, "u") } else { record(after, THEN) };
    check(&record(before, "u"), change, &expected);
}

#[test]
fn a_changed_value_is_replaced_in_place() {
    for (before, after) in [
        (
            r#"{"id":"a","updated_at":"u","status":"open"}"#,
            r#"{"id":"a","updated_at":"NOW","status":"closed"}"#,
        ),
        (r#"{"status":7,"id":"a","updated_at":null}"#, r#"{"status":"closed","id":"a","updated_at":"NOW"}"#),
        (
            r#"{ "id" : "a" , "status" : [1] , "updated_at":  "u" }"#,
            r#"{ "id" : "a" , "status" : "closed" , "updated_at":  "NOW" }"#,
        ),
        (
            r#"{"id":"a","st\u0061tus":"","x":1e3,"upd\u0061ted_at":1,"y":1.0}"#,
            r#"{"id":"a","st\u0061tus":"closed","x":1e3,"upd\u0061ted_at":"NOW","y":1.0}"#,
        ),
        (
            r#"{"id":"a","u":"\u003cb\u003e","n":12345678901234567890,"status":{"a":"}"},"z":[ 1,2 ],"updated_at":"u"}"#,
            r#"{"id":"a","u":"\u003cb\u003e","n":12345678901234567890,"status":"closed","z":[ 1,2 ],"updated_at":"NOW"}"#,
        ),
    ] {
        check(before, |edit| _ = edit.set_text("status", "closed"), after);
    }
}

#[test]
fn new_keys_come_last_in_the_order_of_the_fields() {
    let change = |edit: &mut Edit| {
        edit.set("zz", b"1").set("yy", b"[1, 2]").set_text("result", "r").set_text("close_reason", "<é>\n");
        edit.set_text("closed_at", "t");
    };
    for (before, after) in [
        (
            r#"{"id":"a"}"#,
            r#"{"id":"a","updated_at":"NOW","closed_at":"t","close_reason":"<é>\n","result":"r","yy":[1, 2],"zz":1}"#,
        ),
        (
            r#"{"id": "a"}"#,
            r#"{"id": "a", "updated_at": "NOW", "closed_at": "t", "close_reason": "<é>\n", "result": "r", "yy": [1, 2], "zz": 1}"#,
        ),
        (
            r#"{"id": "a", "labels":["x"],"x":1 }"#,
            r#"{"id": "a", "labels":["x"],"x":1, "updated_at": "NOW", "closed_at": "t", "close_reason": "<é>\n", "result": "r", "yy": [1, 2], "zz": 1 }"#,
        ),
        (
            r#"{ "id" :"a" ,"x":1}"#,
            r#"{ "id" :"a" ,"x":1 ,"updated_at" :"NOW" ,"closed_at" :"t" ,"close_reason" :"<é>\n" ,"result" :"r" ,"yy" :[1, 2] ,"zz" :1}"#,
        ),
    ] {
        check(before, change, after);
    }
}

#[test]
fn a_removed_key_goes_with_one_comma() {
    let cases: [(&str, &[&str], &str); 9] = [
        (r#"{"x":1,"id":"a","updated_at":"u"}"#, &["x"], r#"{"id":"a","updated_at":"NOW"}"#),
        (r#"{ "x": 1, "id": "a", "updated_at": "u" }"#, &["x"], r#"{ "id": "a", "updated_at": "NOW" }"#),
        (r#"{"id":"a","x":{"y":[1,2]},"updated_at":"u"}"#, &["x"], r#"{"id":"a","updated_at":"NOW"}"#),
        (r#"{"id":"a" , "x" : 1 , "updated_at":"u"}"#, &["x"], r#"{"id":"a" , "updated_at":"NOW"}"#),
        (r#"{"id":"a","updated_at":"u","x":1}"#, &["x"], r#"{"id":"a","updated_at":"NOW"}"#),
        (r#"{"id":"a", "updated_at":"u" , "x":1 }"#, &["x"], r#"{"id":"a", "updated_at":"NOW" }"#),
        (
            r#"{"x":1,"y":2,"id":"a","z":3,"updated_at":"u","w":4}"#,
            &["x", "y", "z", "w"],
            r#"{"id":"a","updated_at":"NOW"}"#,
        ),
        (r#"{"\u0078":1,"id":"a","updated_at":"u"}"#, &["x"], r#"{"id":"a","updated_at":"NOW"}"#),
        (r#"{"id":"a","updated_at":"u"}"#, &["x"], r#"{"id":"a","updated_at":"u"}"#),
    ];
    for (before, keys, after) in cases {
        let remove = |edit: &mut Edit| {
            for key in keys {
                edit.remove(key);
            }
        };
        check(before, remove, after);
    }
}

#[test]
fn a_step_that_changes_nothing_does_nothing() {
    let before = r#"{"id":"a","title":"\u003cb\u003e","n":1.0,"labels":["x"],"empty":[],"updated_at":"u","dependencies":["b"]}"#;
    let steps: [fn(&mut Edit); 11] = [
        |_| (),
        |edit| _ = edit.set_text("title", "<b>"),
        |edit| _ = edit.set("title", br#""<b\u003e""#),
        |edit| _ = edit.set("n", b" 1.0 "),
        |edit| _ = edit.remove("nothing"),
        |edit| _ = edit.add_label("x").remove_label("y"),
        |edit| {
            edit.set_elements("labels", &[br#""x""#.to_vec()])
                .set_elements("nothing", &[])
                .set_elements("empty", &[]);
        },
        |edit| {
            edit.add_dependency(&edge("b", "blocks"), "me", now()).remove_dependency("b", Some("related"));
        },
        |edit| _ = edit.remove("n").set("n", b"1.0"),
        |edit| _ = edit.set_text("title", "other").set_text("title", "<b>"),
        |edit| _ = edit.set("new", b"1").remove("new"),
    ];
    for (number, step) in steps.into_iter().enumerate() {
        let record = Record::read(before.as_bytes()).unwrap();
        let mut edit = record.edit();
        step(&mut edit);
        assert!(!edit.has_changed() && edit.changed_keys().is_empty(), "step {number}");
        assert_eq!(edit.finish(now()).unwrap().bytes(), before.as_bytes());
    }
    // Other spellings of a number are other numbers: which of them is meant is not ours to say.
    check(
        r#"{"id":"a","n":1.0,"updated_at":"u"}"#,
        |edit| _ = edit.set("n", b"1"),
        r#"{"id":"a","n":1,"updated_at":"NOW"}"#,
    );
}

#[test]
fn labels_are_sorted_in_where_they_were_sorted() {
    for (before, after) in [
        ("[]", r#"["m"]"#),
        ("[ ]", r#"["m"]"#),
        ("null", r#"["m"]"#),
        (r#"["a"]"#, r#"["a","m"]"#),
        (r#"["z"]"#, r#"["m","z"]"#),
        (r#"["a","b"]"#, r#"["a","b","m"]"#),
        (r#"["a", "z"]"#, r#"["a", "m", "z"]"#),
        (r#"[ "a" , "z" ]"#, r#"[ "a" , "m" , "z" ]"#),
        (r#"["\u0061","z"]"#, r#"["\u0061","m","z"]"#),
        (r#"["z","a"]"#, r#"["z","a","m"]"#),
        (r#"["a",1,"z"]"#, r#"["a",1,"z","m"]"#),
        (r#"[1,"z"]"#, r#"[1,"z","m"]"#),
        (r#"["a","\u006d"]"#, r#"["a","\u006d"]"#),
        (r#"["z","m","a"]"#, r#"["z","m","a"]"#),
        (r#"["a", "b","z"]"#, r#"["a", "b", "m","z"]"#),
    ] {
        check_array("labels", before, |edit| _ = edit.add_label("m"), after);
    }
    check(
        r#"{"id": "a"}"#,
        |edit| _ = edit.add_label("z").add_label("b"),
        r#"{"id": "a", "updated_at": "NOW", "labels": ["b", "z"]}"#,
    );
}

#[test]
fn labels_go_every_time_and_the_last_one_with_the_key() {
    for (before, after) in [
        (r#"["m","z"]"#, r#"["z"]"#),
        (r#"["a","m","z"]"#, r#"["a","z"]"#),
        (r#"["a" , "m"]"#, r#"["a"]"#),
        (r#"[ "m", "a", "\u006d", 7, "m" ]"#, r#"[ "a", 7 ]"#),
        (r#"["a"]"#, r#"["a"]"#),
        ("[]", "[]"),
        ("null", "null"),
        (r#""m""#, r#""m""#),
    ] {
        check_array("labels", before, |edit| _ = edit.remove_label("m"), after);
    }
    let last = r#"{"id":"a","labels":["m" , "m"],"updated_at":"u"}"#;
    check(last, |edit| _ = edit.remove_label("m"), r#"{"id":"a","updated_at":"NOW"}"#);
}

#[test]
fn dependencies_are_added_last() {
    let added =
        r#"{"issue_id":"a","depends_on_id":"x","type":"blocks","created_at":"NOW","created_by":"me"}"#
            .replace("NOW", THEN);
    for (before, after) in [
        ("[]".to_owned(), format!("[{added}]")),
        ("null".to_owned(), format!("[{added}]")),
        (r#"["z"]"#.to_owned(), format!(r#"["z",{added}]"#)),
        (
            r#"["z", {"depends_on_id":"x","type":"parent-child"}]"#.to_owned(),
            format!(r#"["z", {{"depends_on_id":"x","type":"parent-child"}}, {added}]"#),
        ),
        (r#"["x"]"#.to_owned(), r#"["x"]"#.to_owned()),
        (r#"[{"depends_on_id":"\u0078"}]"#.to_owned(), r#"[{"depends_on_id":"\u0078"}]"#.to_owned()),
    ] {
        check_array(
            "dependencies",
            &before,
            |edit| _ = edit.add_dependency(&edge("x", "blocks"), "me", now()),
            &after,
        );
    }
    check(
        r#"{"id": "a", "updated_at": "u"}"#,
        |edit| _ = edit.add_dependency(&edge("x", "blocks"), "m\"e", now()),
        r#"{"id": "a", "updated_at": "NOW", "dependencies": [{"issue_id": "a", "depends_on_id": "x", "type": "blocks", "created_at": "NOW", "created_by": "m\"e"}]}"#,
    );
}

#[test]
fn a_waits_for_is_read_as_it_was_added() {
    for (spawner, any_child) in
        [(None, false), (None, true), (Some("s\"\\"), false), (Some("s"), true), (Some("x"), true)]
    {
        let added = Edge { spawner: spawner.map(str::to_owned), any_child, ..edge("x", "waits-for") };
        let record = changed(r#"{"id":"a"}"#, |edit| _ = edit.add_dependency(&added, "me", now())).unwrap();
        let expected = Edge { spawner: Some(spawner.unwrap_or("x").to_owned()), ..added };
        assert_eq!(record.projection().dependencies, [expected]);
    }
}

#[test]
fn a_waits_for_says_no_more_than_it_must() {
    for (spawner, any_child, metadata) in [
        (None, false, ""),
        (Some("x"), false, ""),
        (Some("x"), true, r#","metadata":"{\"gate\":\"any-children\"}""#),
        (Some("s"), false, r#","metadata":"{\"gate\":\"all-children\",\"spawner_id\":\"s\"}""#),
    ] {
        let added = Edge { spawner: spawner.map(str::to_owned), any_child, ..edge("x", "waits-for") };
        let head = r#"{"issue_id":"a","depends_on_id":"x","type":"waits-for""#;
        let after = format!(r#"[{head},"created_at":"{THEN}","created_by":"me"{metadata}}}]"#);
        check_array("dependencies", "[]", |edit| _ = edit.add_dependency(&added, "me", now()), &after);
    }
}

#[test]
fn dependencies_go_by_target_and_type() {
    let array = r#"["x", {"depends_on_id":"x"},{"depends_on_id":"x","type":"parent-child"} ,{"depends_on_id":"y","type":"related"}, 7]"#;
    for (target, kind, after) in [
        ("x", None, r#"[{"depends_on_id":"y","type":"related"}, 7]"#),
        (
            "x",
            Some("blocks"),
            r#"[{"depends_on_id":"x","type":"parent-child"} ,{"depends_on_id":"y","type":"related"}, 7]"#,
        ),
        (
            "x",
            Some("parent-child"),
            r#"["x", {"depends_on_id":"x"} ,{"depends_on_id":"y","type":"related"}, 7]"#,
        ),
        ("y", Some("blocks"), array),
        (
            "y",
            Some("related"),
            r#"["x", {"depends_on_id":"x"},{"depends_on_id":"x","type":"parent-child"}, 7]"#,
        ),
        ("z", None, array),
    ] {
        check_array("dependencies", array, |edit| _ = edit.remove_dependency(target, kind), after);
    }
    let last = r#"{"id":"a","dependencies":["x"],"updated_at":"u"}"#;
    check(last, |edit| _ = edit.remove_dependency("x", Some("blocks")), r#"{"id":"a","updated_at":"NOW"}"#);
}

#[test]
fn comments_are_added_last() {
    let comment = |id: &str| {
        format!(r#"{{"id":{id},"issue_id":"a","author":"me","text":"a\n\"b\"","created_at":"{THEN}"}}"#)
    };
    let old = r#"{"text":"\u003c","id":1}"#;
    for (id, before, after) in [
        ("7", "[]".to_owned(), format!("[{}]", comment("7"))),
        ("\"c\"", format!("[ {old}]"), format!("[ {old},{}]", comment("\"c\""))),
        (" 1e3 ", format!("[1 ,{old} ]"), format!("[1 ,{old} ,{} ]", comment("1e3"))),
    ] {
        check_array(
            "comments",
            &before,
            |edit| _ = edit.add_comment(id.as_bytes(), "me", "a\n\"b\"", now()),
            &after,
        );
    }
    // The same one again is another one.
    check_array(
        "comments",
        "[]",
        |edit| _ = edit.add_comment(b"1", "me", "a\n\"b\"", now()).add_comment(b"1", "me", "a\n\"b\"", now()),
        &format!("[{},{}]", comment("1"), comment("1")),
    );
}

#[test]
fn whole_arrays_keep_what_stays() {
    let elements = |texts: &[&str]| texts.iter().map(|text| text.as_bytes().to_vec()).collect::<Vec<_>>();
    for (before, new, after) in [
        ("[]", vec!["1", "2"], "[1,2]"),
        ("null", vec!["1", "2"], "[1,2]"),
        (r#""text""#, vec!["1"], "[1]"),
        ("[ 1 , 2,3 ]", vec!["1", "3", "4"], "[ 1,3 , 4 ]"),
        ("[ 1 , 2,3 ]", vec!["0", "2", "3"], "[ 0 , 2,3 ]"),
        ("[1, 1, 2]", vec!["2", "1", "1", "1"], "[2, 1, 1, 1]"),
        ("[1, 2]", vec!["[\n1 ]"], "[[ 1 ]]"),
    ] {
        check_array("labels", before, |edit| _ = edit.set_elements("labels", &elements(&new)), after);
    }
    let none = r#"{"id":"a","labels":[1,2],"updated_at":"u"}"#;
    check(none, |edit| _ = edit.set_elements("labels", &[]), r#"{"id":"a","updated_at":"NOW"}"#);
}

#[test]
fn steps_follow_each_other() {
    check(
        r#"{"id":"a","labels":["b"],"x":1}"#,
        |edit| {
            edit.remove_label("b").add_label("c").add_label("a").remove_label("c").set("x", b"2").remove("x");
        },
        r#"{"id":"a","labels":["a"],"updated_at":"NOW"}"#,
    );
    // The second spelling of a text that was set already is no change.
    check(
        r#"{"id":"a","x":1,"updated_at":"u"}"#,
        |edit| _ = edit.set("x", br#""\u003c""#).set_text("x", "<"),
        r#"{"id":"a","x":"\u003c","updated_at":"NOW"}"#,
    );
}

#[test]
fn the_changed_keys_are_named() {
    let record = Record::read(br#"{"id":"a","x":1,"y":2,"labels":["l"]}"#).unwrap();
    let mut edit = record.edit();
    edit.set("y", b"3").remove("x").add_label("m").set_text("b", "").set("id", br#""\u0061""#);
    assert_eq!(edit.changed_keys(), ["b", "labels", "x", "y"]);
    assert!(edit.has_changed());
    let as_it_is = edit.finish_as_it_is().unwrap();
    assert_eq!(as_it_is.bytes(), br#"{"id":"a","y":3,"labels":["l","m"],"b":""}"#);
}

#[test]
fn a_step_that_cannot_be_done_fails_at_the_end() {
    type Step = fn(&mut Edit);
    let steps: [(Step, &str); 8] = [
        (|edit| _ = edit.set("x", b"{").set("y", b"1"), "expected a key, not the end at byte 1"),
        (|edit| _ = edit.set("x", b"1,\"id\":2"), "more after the end of the value at byte 1"),
        (
            |edit| _ = edit.set_elements("labels", &[b"1".to_vec(), b"".to_vec()]),
            "expected a value, not the end at byte 0",
        ),
        (|edit| _ = edit.add_comment(b"no", "me", "x", now()), "expected a value at byte 0"),
        (|edit| _ = edit.add_label("x"), "labels is no array at byte 0"),
        (
            |edit| _ = edit.add_dependency(&edge("x", "blocks"), "me", now()),
            "dependencies is no array at byte 0",
        ),
        (|edit| _ = edit.set_text("id", ""), "no record of a task at byte 0"),
        (|edit| _ = edit.remove("id"), "no record of a task at byte 0"),
    ];
    for (step, flaw) in steps {
        let found =
            changed(r#"{"id":"a","labels":"b","dependencies":{}}"#, step).map_err(|flaw| flaw.to_string());
        assert_eq!(found, Err(flaw.to_owned()));
    }
}

#[test]
fn a_value_of_several_lines_becomes_one_line() {
    check(
        r#"{"id":"a","updated_at":"u"}"#,
        |edit| _ = edit.set("metadata", b"{\r\n\"a\": \"\\n\",\n\"b\":1}\n"),
        r#"{"id":"a","updated_at":"NOW","metadata":{  "a": "\n", "b":1}}"#,
    );
}

#[test]
fn a_record_as_deep_as_can_be_is_changed() {
    let deep = |value: &str| {
        format!(r#"{{"id":"a","deep":{}{},"updated_at":"{value}"}}"#, "[".repeat(9_999), "]".repeat(9_999))
    };
    check(&deep("u"), |edit| _ = edit.set_text("updated_at", "x"), &deep("NOW"));
    assert!(changed(&deep("u"), |edit| _ = edit.set("x", deep("u").as_bytes())).is_err());
}

#[test]
fn a_record_of_many_keys_is_changed() {
    let members = |value: u32| {
        (0..1000).map(|key| format!(r#","\u006bey {key}":{value}"#)).collect::<Vec<_>>().concat()
    };
    let change = |edit: &mut Edit| {
        for key in 0..1000 {
            edit.set(&format!("key {key}"), b"2");
        }
    };
    let record = |value: u32, updated_at: &str| {
        format!(r#"{{"id":"a"{},"updated_at":"{updated_at}"}}"#, members(value))
    };
    check(&record(1, "u"), change, &record(2, "NOW"));
}

#[test]
fn many_labels_change_at_once_as_they_would_one_by_one() {
    for labels in [r#"["a","c","e"]"#, r#"["e","a","e"]"#, r#"["a", 7, "b"]"#, "[]", "null", "7"] {
        for (add, remove) in [
            (&["d", "b", "d", "a"][..], &["e", "x"][..]),
            (&[], &["a", "b", "c", "e"]),
            (&["a"], &["a"]),
            (&[], &["x"]),
            (&[], &[]),
        ] {
            let record = Record::read(format!(r#"{{"id":"x","labels":{labels}}}"#).as_bytes()).unwrap();
            let (mut at_once, mut one_by_one) = (record.edit(), record.edit());
            at_once.change_labels(add, remove);
            for label in remove {
                one_by_one.remove_label(label);
            }
            for label in add {
                one_by_one.add_label(label);
            }
            let done = |edit: Edit| edit.finish_as_it_is().map_err(|flaw| flaw.to_string());
            assert_eq!(done(at_once), done(one_by_one), "{labels} {add:?} {remove:?}");
        }
    }
    // A line may have a million of them.
    let labels: Vec<String> = (0..100_000).map(|number| format!("l{number:06}")).collect();
    let mut edit = Record::read(br#"{"id":"x"}"#).unwrap().edit();
    edit.change_labels(&labels, &[]);
    let record = edit.finish_as_it_is().unwrap();
    assert_eq!(record.projection().labels, labels);
    let mut edit = record.edit();
    edit.set_labels(&labels[1..]);
    assert_eq!(edit.finish_as_it_is().unwrap().projection().labels, labels[1..]);
}
