use std::path::PathBuf;

use sha2::{Digest, Sha256};

use super::{ReadyQuery, Semantics, Sort, blocked, ready};
use crate::read::{TaskRow, counts, stats};
use crate::testing::{Store, line, on};
use crate::work::{claim, claim_ready};

/// 2026-02-01, later than everything in the fixtures.
const NOW: i64 = 1_769_904_000_000;

fn ids(store: &Store, query: &ReadyQuery) -> Vec<String> {
    ready(&store.db, query).unwrap().iter().map(|row| row.id().to_owned()).collect()
}

fn store(lines: &[(&str, String)]) -> Store {
    let store = Store::with(&lines.iter().map(|(id, members)| line(id, members)).collect::<String>());
    store.clock.set_wall_ms(NOW);
    store
}

/// What real files do not show: inherited blocking, conditions, other reasons, order by instant.
fn rules() -> Store {
    let closed = |reason: &str| {
        format!("\"status\":\"closed\",\"closed_at\":\"2026-01-02T00:00:00Z\",\"close_reason\":\"{reason}\"")
    };
    let text = str::to_owned;
    store(&[
        ("busy", text("\"status\":\"in_progress\",\"assignee\":\"ann\"")),
        ("waits-busy", on("blocks", "busy")),
        ("base", text("")),
        ("held", on("blocks", "base")),
        ("held.1", on("parent-child", "held")),
        ("held.1.1", on("parent-child", "held.1")),
        ("gone-wrong", closed("Won't fix")),
        ("went-well", closed("shipped")),
        ("after-wrong", on("blocks", "gone-wrong")),
        ("if-wrong", on("conditional-blocks", "gone-wrong")),
        ("if-well", on("conditional-blocks", "went-well")),
        ("dangling", on("blocks", "nowhere")),
        ("misspelled", on("parent_child", "held")),
        ("related", on("related", "base")),
        ("later", text("\"defer_until\":\"2099-01-01T00:00:00Z\"")),
        ("unreadable-defer", text("\"defer_until\":\"soon\"")),
        ("over", text("\"defer_until\":\"2026-01-03T00:00:00+01:00\"")),
        ("pinned", text("\"pinned\":true")),
        ("fleeting", text("\"ephemeral\":true")),
        ("gate", text("\"issue_type\":\"gate\"")),
        ("x-mol-1", text("")),
        ("x-wisp-1", text("")),
        ("urgent", text("\"priority\":0")),
        ("no-priority", text("\"priority\":\"high\"")),
        ("west", text("\"created_at\":\"2026-01-01T01:00:00-08:00\"")),
        ("east", text("\"created_at\":\"2026-01-01T02:00:00Z\"")),
        ("no-time", text("\"created_at\":\"yesterday\"")),
        ("custom", text("\"status\":\"draft\"")),
        ("numeric", text("\"status\":5")),
        ("gone", text("\"status\":\"tombstone\"")),
    ])
}

#[test]
fn ready_follows_every_rule_of_bd() {
    let store = rules();
    let expected = [
        "urgent",
        "after-wrong",
        "base",
        "dangling",
        "if-wrong",
        "misspelled",
        "over",
        "related",
        "unreadable-defer",
        "east",
        "west",
        "no-time",
        "no-priority",
    ];
    assert_eq!(ids(&store, &ReadyQuery::default()), expected);
    let held_up: Vec<_> =
        blocked(&store.db, None).unwrap().iter().map(|blocked| blocked.row.id().to_owned()).collect();
    assert_eq!(held_up, ["held", "held.1", "held.1.1", "if-well", "waits-busy"]);
    let limited = ReadyQuery { limit: Some(3), ..ReadyQuery::default() };
    assert_eq!(ids(&store, &limited), expected[..3]);
}

#[test]
fn the_numbers_are_the_lengths_of_the_lists() {
    let store = rules();
    let (numbers, few) = (stats(&store.db).unwrap(), counts(&store.db).unwrap());
    assert_eq!((numbers.ready, numbers.blocked), (13, 5));
    assert_eq!((numbers.total, numbers.open, numbers.in_progress, numbers.closed), (29, 24, 1, 2));
    assert_eq!((numbers.tombstone, numbers.pinned, numbers.other, numbers.deferred), (1, 1, 2, 0));
    assert_eq!((few.ready, few.blocked, few.in_progress, few.closed), (13, 5, 1, 2));
    assert_eq!(numbers.average_lead_time_hours, Some(24.0));
}

#[test]
fn why_a_task_is_blocked_is_said_in_words() {
    let store = rules();
    let why: Vec<_> = blocked(&store.db, None)
        .unwrap()
        .into_iter()
        .map(|blocked| {
            (blocked.row.id().to_owned(), blocked.by.into_iter().map(|by| by.why).collect::<Vec<_>>())
        })
        .collect();
    let expected = [
        ("held", "waits for base (open): base"),
        ("held.1", "its parent held is blocked itself: held"),
        ("held.1.1", "its parent held.1 is blocked itself: held.1"),
        ("if-well", "is for when went-well fails, and it did not: went-well"),
        ("waits-busy", "waits for busy (in_progress): busy"),
    ];
    assert_eq!(why, expected.map(|(id, why)| (id.to_owned(), vec![why.to_owned()])));
}

#[test]
fn children_are_waited_for_all_or_any() {
    let gate = |gate: &str| {
        format!(
            "\"dependencies\":[{{\"depends_on_id\":\"s\",\"type\":\"waits-for\",\
             \"metadata\":\"{{\\\"gate\\\":\\\"{gate}\\\"}}\"}}]"
        )
    };
    let child = |status: &str| format!("\"status\":\"{status}\",{}", on("parent-child", "s"));
    let with = |first: &str, second: &str| {
        let store = store(&[
            ("s", String::new()),
            ("s.1", child(first)),
            ("s.2", child(second)),
            ("all", gate("all-children")),
            ("any", gate("any-children")),
        ]);
        let ready = ids(&store, &ReadyQuery::default());
        ["all", "any"].map(|id| ready.iter().any(|ready| ready == id))
    };
    assert_eq!(with("open", "open"), [false, false]);
    assert_eq!(with("closed", "open"), [false, true]);
    assert_eq!(with("closed", "tombstone"), [true, true]);
}

#[test]
fn the_later_rules_know_more_blockers_and_newest_first() {
    let one = ReadyQuery { semantics: Semantics::One, ..ReadyQuery::default() };
    let store = store(&[
        ("draft", "\"status\":\"draft\"".into()),
        ("after-draft", on("blocks", "draft")),
        ("pin", "\"status\":\"pinned\"".into()),
        ("after-pin", on("blocks", "pin")),
        ("off", "\"status\":\"deferred\"".into()),
        ("off.1", on("parent-child", "off")),
        ("off.1.1", on("parent-child", "off.1")),
        ("later", "\"defer_until\":\"2099-01-01T00:00:00Z\"".into()),
        ("later.1", on("parent-child", "later")),
        ("old", "\"created_at\":\"2025-01-01T00:00:00Z\"".into()),
        ("new", "\"created_at\":\"2026-01-31T00:00:00Z\"".into()),
        ("lonely", "\"dependencies\":[{\"depends_on_id\":\"old\",\"type\":\"waits-for\",\"metadata\":\"{\\\"gate\\\":\\\"any-children\\\"}\"}]".into()),
    ]);
    assert_eq!(ids(&store, &one), ["new", "after-pin", "lonely", "old"]);
    // By the column `lonely` is blocked, by these rules nobody here is.
    assert!(ready(&store.db, &one).unwrap().iter().all(|row| !row.blocked));
    assert_eq!(
        ids(&store, &ReadyQuery::default()),
        ["old", "after-draft", "after-pin", "later.1", "off.1", "off.1.1", "new"]
    );
}

#[test]
fn lists_sort_by_age_and_by_new_before_old() {
    let at = |created: &str, priority: u8| format!("\"created_at\":\"{created}\",\"priority\":{priority}");
    let store = store(&[
        ("a", at("2026-01-31T12:00:00Z", 3)),
        ("b", at("2026-01-31T13:00:00Z", 1)),
        ("c", at("2026-01-30T00:00:00Z", 1)),
        ("d", at("2026-01-29T23:59:59.999999999Z", 0)),
        ("e", at("2025-01-01T00:00:00Z", 4)),
        ("f", at("never", 0)),
    ]);
    let sorted = |sort| ids(&store, &ReadyQuery { sort, ..ReadyQuery::default() });
    assert_eq!(sorted(Sort::Priority), ["d", "f", "c", "b", "a", "e"]);
    assert_eq!(sorted(Sort::Oldest), ["e", "d", "c", "a", "b", "f"]);
    assert_eq!(sorted(Sort::Hybrid), ["c", "b", "a", "e", "d", "f"]);
}

#[test]
fn filters_hold_together() {
    let store = store(&[
        ("a", "\"labels\":[\"ui\",\"bug\"],\"assignee\":\"ann\"".into()),
        ("b", "\"labels\":[\"ui\"]".into()),
        ("c", "\"assignee\":\"ann\"".into()),
    ]);
    let of = |labels: &[&str], assignee: Option<&str>| {
        let labels = labels.iter().map(|label| (*label).to_owned()).collect();
        ids(&store, &ReadyQuery { labels, assignee: assignee.map(str::to_owned), ..ReadyQuery::default() })
    };
    assert_eq!(of(&["ui"], None), ["a", "b"]);
    assert_eq!(of(&["ui", "bug"], None), ["a"]);
    assert_eq!(of(&[], Some("ann")), ["a", "c"]);
    assert_eq!(of(&["ui"], Some("ann")), ["a"]);
    assert_eq!(of(&["it's"], None), Vec::<String>::new());
}

#[test]
fn an_expired_claim_counts_as_open_everywhere() {
    let claimed =
        "\"status\":\"in_progress\",\"assignee\":\"ann\",\"claim_expires_at\":\"2026-02-01T00:00:00Z\"";
    let store =
        store(&[("a", claimed.into()), ("b", "\"status\":\"in_progress\",\"assignee\":\"ann\"".into())]);
    store.clock.set_wall_ms(NOW - 1);
    assert_eq!(ids(&store, &ReadyQuery::default()), Vec::<String>::new());
    assert_eq!(stats(&store.db).unwrap().in_progress, 2);
    store.clock.set_wall_ms(NOW);
    let rows = ready(&store.db, &ReadyQuery::default()).unwrap();
    assert_eq!(rows.len(), 1);
    assert_eq!((rows[0].id(), rows[0].status.as_deref(), &rows[0].assignee), ("a", Some("open"), &None));
    assert_eq!(rows[0].expired_claim_of.as_deref(), Some("ann"));
    let (numbers, few) = (stats(&store.db).unwrap(), counts(&store.db).unwrap());
    assert_eq!((numbers.open, numbers.in_progress, numbers.ready), (1, 1, 1));
    assert_eq!((few.in_progress, few.ready), (1, 1));
    let of_ann = ReadyQuery { assignee: Some("ann".into()), ..ReadyQuery::default() };
    assert_eq!(ids(&store, &of_ann), Vec::<String>::new());
}

#[test]
fn claiming_what_is_ready_leaves_what_is_assigned_to_others() {
    let store = store(&[
        ("a", "\"assignee\":\"ann\"".into()),
        ("b", "\"assignee\":\"ben\"".into()),
        ("c", String::new()),
        ("d", String::new()),
    ]);
    claim(&store.db, "cy", "c", None).unwrap();
    let query = ReadyQuery { limit: Some(2), ..ReadyQuery::default() };
    let rows = claim_ready(&store.db, "ben", &query, None).unwrap();
    assert_eq!(rows.iter().map(TaskRow::id).collect::<Vec<_>>(), ["b", "d"]);
    assert_eq!(ids(&store, &ReadyQuery::default()), ["a"]);
}

/// Where real files lie that are not ours to commit.
const FILES: &str = "CONCLAVE_BEADS";

#[test]
fn real_files_have_the_ready_lists_that_were_recorded() {
    let Some(folder) = std::env::var_os(FILES).map(PathBuf::from) else {
        conclave_testkit::skipped("CONCLAVE_BEADS names no folder of real files");
        return;
    };
    let hash = |ids: &[String]| -> String {
        let digest = Sha256::digest(ids.join("\n"));
        digest.iter().take(6).fold(String::new(), |hex, byte| hex + &format!("{byte:02x}"))
    };
    for (file, expected, priority, oldest, held_up) in [
        ("bd_2025-10-12_first_seq-ids", 14, "9a32070f89e7", None, None),
        ("bd_2025-12-16_10519-tombstones-dupids-nopriority", 89, "459a4d4e7469", None, Some(5)),
        ("bd_2026-01-21_5722-largest", 85, "366176526c90", Some("9f13b997a0bc"), Some(24)),
    ] {
        let Ok(bytes) = std::fs::read(folder.join(file).with_extension("jsonl")) else { continue };
        let store = Store::new();
        store.clock.set_wall_ms(NOW);
        store.load(&bytes);
        let found = ids(&store, &ReadyQuery::default());
        assert_eq!((found.len() as u64, hash(&found).as_str()), (expected, priority), "{file}");
        let numbers = stats(&store.db).unwrap();
        assert_eq!(numbers.ready, expected, "{file}");
        let listed = blocked(&store.db, None).unwrap();
        assert_eq!(numbers.blocked, listed.len() as u64, "{file}");
        assert!(listed.iter().all(|blocked| !blocked.by.is_empty()), "{file}");
        // Those that are finished are counted in the record of what is blocked, and in no list.
        if let Some(held_up) = held_up {
            let sql = "SELECT count(*) FROM tasks WHERE blocked = 1";
            let marked: usize = store.db.read(|conn| conn.query_row(sql, (), |row| row.get(0))).unwrap();
            assert_eq!(marked, held_up, "{file}");
        }
        if let Some(oldest) = oldest {
            let found = ids(&store, &ReadyQuery { sort: Sort::Oldest, ..ReadyQuery::default() });
            assert_eq!(hash(&found), oldest, "{file}");
        }
    }
}
