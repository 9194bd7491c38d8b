//! Claims: one winner each, times to live, and what is never given.

use std::time::Duration;

use conclave_tasks::TaskErrorKind as Kind;
use conclave_tasks::read::{ReadyQuery, Sort};
use conclave_tasks::work::{self, Change, How, NewTask, Set};

use crate::project::{Project, ids, texts, titled};

const MINUTE: Option<Duration> = Some(Duration::from_mins(1));

fn claim_ready(project: &Project, who: &str, limit: Option<u64>) -> Vec<String> {
    let query = ReadyQuery { limit, ..ReadyQuery::default() };
    ids(&work::claim_ready(&project.db, who, &query, None).unwrap())
}

#[test]
fn claim_is_won_once_and_held_by_its_winner() {
    let project = Project::new();
    project.task("bd-1");
    let won = work::claim(&project.db, "bob", "bd-1", None).unwrap();
    assert_eq!(won.how, How::Taken);
    assert_eq!((won.row.status.as_deref(), won.row.assignee.as_deref()), (Some("in_progress"), Some("bob")));
    let bytes = won.row.record.bytes().to_vec();
    assert_eq!(project.ready(), Vec::<String>::new());
    let error = work::claim(&project.db, "carol", "bd-1", None).unwrap_err();
    assert_eq!(error.kind(), Kind::NotClaimable);
    assert_eq!(error.to_string(), "bd-1: bob has it");
    project.clock.advance(Duration::from_secs(1));
    let again = work::claim(&project.db, "bob", "bd-1", None).unwrap();
    assert_eq!((again.how, again.row.record.bytes()), (How::Held, bytes.as_slice()));
    assert_eq!(project.operations("bd-1"), ["created", "claimed"]);
    assert_eq!(project.audit("bd-1")[1].new_status.as_deref(), Some("in_progress"));
}

#[test]
fn what_is_not_open_or_another_ones_cannot_be_claimed() {
    let project = Project::new();
    for id in ["bd-closed", "bd-deferred", "bd-gone", "bd-alices", "bd-bobs", "bd-nobodys"] {
        project.task(id);
    }
    work::close(&project.db, "alice", &texts(&["bd-closed"]), &work::Closing::default()).unwrap();
    work::delete(&project.db, "alice", &texts(&["bd-gone"]), None).unwrap();
    let set = |id: &str, change: Change| work::update(&project.db, "alice", &texts(&[id]), change).unwrap();
    let status = |status: &str| Change { status: Some(status.to_owned()), ..Change::default() };
    set("bd-deferred", status("deferred"));
    set("bd-nobodys", status("pinned"));
    set("bd-alices", Change { assignee: Set::To("alice".to_owned()), ..Change::default() });
    set("bd-bobs", Change { assignee: Set::To("bob".to_owned()), ..Change::default() });
    for (id, why) in [
        ("bd-closed", "its status is closed, and not open"),
        ("bd-deferred", "its status is deferred, and not open"),
        ("bd-nobodys", "its status is pinned, and not open"),
        ("bd-gone", "it is deleted"),
        ("bd-alices", "it is assigned to alice"),
    ] {
        let before = project.record(id);
        let error = work::claim(&project.db, "bob", id, MINUTE).unwrap_err();
        assert_eq!(error.kind(), Kind::NotClaimable, "{id}");
        assert_eq!(error.to_string(), format!("{id}: {why}"));
        assert_eq!(project.record(id), before);
    }
    assert_eq!(work::claim(&project.db, "bob", "bd-9", None).unwrap_err().kind(), Kind::NotFound);
    assert_eq!(work::claim(&project.db, "bob", "bd-bobs", None).unwrap().how, How::Taken);
    assert_eq!(claim_ready(&project, "bob", Some(9)), Vec::<String>::new(), "alice's is not bob's to take");
    assert_eq!(claim_ready(&project, "alice", Some(9)), ["bd-alices"]);
}

#[test]
fn blocked_task_can_be_claimed_by_name_only() {
    let project = Project::new();
    project.task("bd-1");
    let dependencies = vec![("bd-1".to_owned(), "blocks".to_owned())];
    project.make(NewTask { id: Some("bd-2".to_owned()), dependencies, ..titled("blocked") });
    assert_eq!(claim_ready(&project, "bob", Some(9)), ["bd-1"]);
    assert_eq!(work::claim(&project.db, "bob", "bd-2", None).unwrap().how, How::Taken);
}

#[test]
fn claim_expires_unless_it_is_repeated() {
    let project = Project::new();
    project.task("bd-1");
    let first = work::claim(&project.db, "bob", "bd-1", MINUTE).unwrap();
    assert_eq!(first.row.record.text("claim_expires_at").as_deref(), Some("2026-01-02T03:05:05.006Z"));
    project.clock.advance(Duration::from_secs(59));
    // Without a time the claim keeps what it has; with one it goes on from now.
    let kept = work::claim(&project.db, "bob", "bd-1", None).unwrap();
    assert_eq!(kept.row.record.text("claim_expires_at").as_deref(), Some("2026-01-02T03:05:05.006Z"));
    let longer = work::claim(&project.db, "bob", "bd-1", MINUTE).unwrap();
    assert_eq!(longer.how, How::Held);
    assert_eq!(longer.row.record.text("claim_expires_at").as_deref(), Some("2026-01-02T03:06:04.006Z"));
    project.clock.advance(Duration::from_millis(59_999));
    assert_eq!(work::claim(&project.db, "carol", "bd-1", None).unwrap_err().kind(), Kind::NotClaimable);
    project.clock.advance(Duration::from_millis(1));
    let row = project.row("bd-1");
    assert_eq!((row.status.as_deref(), row.assignee.as_deref()), (Some("open"), None));
    assert_eq!(row.expired_claim_of.as_deref(), Some("bob"));
    assert_eq!(project.ready(), ["bd-1"]);
    let over = work::claim(&project.db, "carol", "bd-1", None).unwrap();
    assert_eq!(over.how, How::TakenOver { from: "bob".to_owned() });
    assert_eq!(
        (over.row.assignee.as_deref(), over.row.record.value("claim_expires_at")),
        (Some("carol"), None)
    );
    assert_eq!(work::claim(&project.db, "bob", "bd-1", None).unwrap_err().to_string(), "bd-1: carol has it");
    assert_eq!(project.operations("bd-1"), ["created", "claimed", "claimed", "taken_over"]);
    let row = project.audit("bd-1").pop().unwrap();
    assert!(row.changes.unwrap().contains("\"assignee\":{\"old\":\"bob\",\"new\":\"carol\"}"));
}

#[test]
fn own_expired_claim_is_taken_anew() {
    let project = Project::new();
    project.task("bd-1");
    work::claim(&project.db, "bob", "bd-1", MINUTE).unwrap();
    project.clock.advance(Duration::from_mins(1));
    let again = work::claim(&project.db, "bob", "bd-1", None).unwrap();
    assert_eq!((again.how, again.row.record.value("claim_expires_at")), (How::Taken, None));
    assert_eq!(again.row.status.as_deref(), Some("in_progress"));
}

#[test]
fn time_to_live_makes_sense() {
    let project = Project::new();
    project.task("bd-1");
    let claim = |ttl| work::claim(&project.db, "bob", "bd-1", Some(ttl));
    assert_eq!(claim(Duration::ZERO).unwrap_err().kind(), Kind::Invalid);
    assert_eq!(claim(Duration::from_nanos(999_999)).unwrap_err().kind(), Kind::Invalid);
    let ever = claim(Duration::MAX).unwrap();
    assert_eq!(ever.row.status.as_deref(), Some("in_progress"), "as long as there are years");
    assert_eq!(ever.row.record.projection().oddities, []);
}

#[test]
fn ready_list_is_claimed_from_its_beginning() {
    let project = Project::new();
    for (id, priority) in [("bd-a", 3), ("bd-b", 1), ("bd-c", 2), ("bd-d", 0)] {
        let assignee = (id == "bd-d").then(|| "carol".to_owned());
        project.make(NewTask { id: Some(id.to_owned()), priority: Some(priority), assignee, ..titled(id) });
    }
    assert_eq!(project.ready(), ["bd-d", "bd-b", "bd-c", "bd-a"]);
    // One without a limit; never the same again; an open task of carol's is hers.
    assert_eq!(claim_ready(&project, "bob", None), ["bd-b"]);
    assert_eq!(claim_ready(&project, "bob", Some(9)), ["bd-c", "bd-a"]);
    assert_eq!(claim_ready(&project, "bob", Some(9)), Vec::<String>::new());
    let query =
        ReadyQuery { sort: Sort::Oldest, assignee: Some("carol".to_owned()), ..ReadyQuery::default() };
    let rows = work::claim_ready(&project.db, "carol", &query, MINUTE).unwrap();
    assert_eq!(ids(&rows), ["bd-d"]);
    assert!(rows[0].record.value("claim_expires_at").is_some());
    project.clock.advance(Duration::from_mins(1));
    assert_eq!(claim_ready(&project, "bob", None), ["bd-d"], "carol's claim has expired");
    assert_eq!(project.operations("bd-d"), ["created", "claimed", "taken_over"]);
}
