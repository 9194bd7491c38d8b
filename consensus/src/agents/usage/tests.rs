//! Usage in the words of each agent.

use serde_json::json;

use super::Usage;

#[test]
fn figures_are_told_apart_and_unknown_stays_unknown() {
    let claude = json!({"total_cost_usd": 0.25, "usage": {"input_tokens": 3, "output_tokens": 40,
        "cache_read_input_tokens": 500, "cache_creation_input_tokens": 6}});
    let wanted = Usage {
        input_tokens: Some(3),
        output_tokens: Some(40),
        cache_read_tokens: Some(500),
        cache_write_tokens: Some(6),
        reasoning_tokens: None,
        cost_usd: Some(0.25),
        cost_source: Some("agent".to_owned()),
    };
    assert_eq!(Usage::of_claude(&claude), wanted);
    let codex = json!({"input_tokens": 100, "cached_input_tokens": 80, "output_tokens": 30, "reasoning_output_tokens": 10});
    let wanted = Usage {
        input_tokens: Some(20),
        output_tokens: Some(20),
        cache_read_tokens: Some(80),
        reasoning_tokens: Some(10),
        ..Usage::default()
    };
    assert_eq!(Usage::of_codex(&codex), wanted);
    let gemini = json!({"models": {
        "pro": {"tokens": {"prompt": 100, "candidates": 20, "total": 125, "cached": 60, "thoughts": 5, "tool": 0}},
        "flash": {"tokens": {"prompt": 10, "candidates": 2, "total": 12, "cached": 0, "thoughts": 0, "tool": 0}}}});
    let wanted = Usage {
        input_tokens: Some(50),
        output_tokens: Some(22),
        cache_read_tokens: Some(60),
        reasoning_tokens: Some(5),
        ..Usage::default()
    };
    assert_eq!(Usage::of_gemini(&gemini), wanted);
    let opencode = json!({"cost": 0, "tokens": {"input": 1, "output": 2, "reasoning": 0, "cache": {"read": 3, "write": 4}}});
    let wanted = Usage {
        input_tokens: Some(1),
        output_tokens: Some(2),
        cache_read_tokens: Some(3),
        cache_write_tokens: Some(4),
        reasoning_tokens: Some(0),
        cost_usd: Some(0.0),
        cost_source: Some("agent".to_owned()),
    };
    assert_eq!(Usage::of_opencode(&opencode), wanted);
    for nothing in
        [json!({}), json!(null), json!([]), json!({"usage": -1, "total_cost_usd": -0.5, "cost": "1"})]
    {
        for usage in [
            Usage::of_claude(&nothing),
            Usage::of_codex(&nothing),
            Usage::of_gemini(&nothing),
            Usage::of_opencode(&nothing),
        ] {
            assert_eq!(usage, Usage::default());
        }
    }
}

#[test]
fn aider_reports_in_words() {
    let line = "Tokens: 2.1k sent, 1k cache write, 1.5M cache hit, 345 received. Cost: $0.01 message, $0.02 session.";
    let usage = Usage::of_aider(line).unwrap();
    let tokens = [usage.input_tokens, usage.cache_write_tokens, usage.cache_read_tokens, usage.output_tokens]
        .map(Option::unwrap);
    assert_eq!(tokens, [2100, 1000, 1_500_000, 345]);
    assert_eq!(usage.cost_usd, Some(0.01));
    let without_cost = Usage::of_aider("Tokens: 12 sent, 3 received.").unwrap();
    assert_eq!(
        (without_cost.input_tokens, without_cost.cost_usd, without_cost.cost_source),
        (Some(12), None, None)
    );
    for other in ["", "Tokens: ", "Tokens: many sent.", "Tokens: 1é sent", "Tokens are words."] {
        assert_eq!(Usage::of_aider(other), None, "{other}");
    }
}

#[test]
fn a_sum_knows_what_either_knows() {
    let one = Usage { input_tokens: Some(u64::MAX), cost_usd: Some(0.5), ..Usage::default() };
    let other = Usage { input_tokens: Some(1), output_tokens: Some(2), ..Usage::default() };
    let sum = one.and(&other);
    assert_eq!((sum.input_tokens, sum.output_tokens, sum.reasoning_tokens), (Some(u64::MAX), Some(2), None));
    assert_eq!(sum.cost_usd, Some(0.5));
}
