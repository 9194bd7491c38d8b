//! Which runs a filter lets through.

use conclave_consensus::runs::{RunId, RunStatus, RunSummary};
use proptest::prelude::*;

use super::Filter;

fn run() -> RunSummary {
    RunSummary {
        id: RunId(41),
        run_key: "run_KIT-900_1762828295_44b21920".into(),
        spec: "KIT-900".into(),
        stage: "plan".into(),
        status: RunStatus::Conflict,
        interrupted: false,
        consensus_ok: Some(false),
        degraded: None,
        recorded: Some("conflict".into()),
        output_count: 3,
        agents: vec!["gemini".into(), "claude".into()],
        started_at: Some(1),
        updated_at: Some(2),
        source: None,
    }
}

#[test]
fn words_match_anywhere_and_fields_one_column() {
    for (text, wanted) in [
        ("", true),
        ("41", true),
        ("kit9", true),
        ("kit plan gem", true),
        ("tasks", false),
        ("stage:plan", true),
        ("stage:PLA", true),
        ("stage:tasks", false),
        ("agent:claude spec:900", true),
        ("agent:code", false),
        ("key:44b2", true),
        ("stage:", true),
        ("nofield:plan", false),
        ("status:conf", true),
    ] {
        assert_eq!(Filter::parse(text).matches(&run()), wanted, "{text}");
    }
}

#[test]
fn the_database_answers_a_whole_status() {
    let filter = Filter::parse("status:ok");
    assert_eq!(filter.exact().status, Some(RunStatus::Ok));
    assert!(filter.is_exact() && !filter.is_empty());
    assert!(!Filter::parse("status:ok x").is_exact());
    assert!(Filter::parse("  ").is_empty());
}

proptest! {
    #[test]
    fn any_text_is_understood(text in any::<String>()) {
        let filter = Filter::parse(&text);
        let _ = filter.matches(&run());
        prop_assert_eq!(filter.text(), text.trim());
    }
}
