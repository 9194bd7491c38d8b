//! What a fuzzer may reach, and what must hold of any bytes. Built for tests and by cargo-fuzz (`--cfg fuzzing`) alone.
#![expect(clippy::missing_panics_doc, reason = "a panic is a finding")]

use crate::agents::{Ended, Judged, PRESETS, Written, judge};
use crate::answer::{Found, extract};

/// Any bytes as an answer: what is found stands in it, and is JSON where that is what was found.
pub fn answer(bytes: &[u8]) {
    for wants_json in [false, true] {
        let Ok((content, found)) = extract(bytes, wants_json) else { continue };
        assert!(!content.is_empty() && bytes.windows(content.len()).any(|window| window == content));
        let is_json = serde_json::from_slice::<serde::de::IgnoredAny>(&content).is_ok();
        assert!(is_json || found == Found::Text, "{found:?} is no JSON");
    }
}

/// Any bytes as what an attempt has written; the first three choose the agent, how it ended, and where something is
/// missing.
pub fn output(bytes: &[u8]) {
    let Some(([agent, ending, cut], bytes)) = bytes.split_first_chunk::<3>() else { return };
    let preset = PRESETS.get(usize::from(*agent) % (PRESETS.len() + 1));
    let stdout = Written { bytes, cut: (cut % 2 == 1).then(|| bytes.len() * usize::from(*cut) / 256) };
    let ended = Ended {
        exit_code: Some(i32::from(ending % 3)),
        timed_out: ending % 16 == 15,
        stdout,
        stderr: Written::whole(bytes.get(bytes.len() / 2..).unwrap_or_default()),
        ..Ended::default()
    };
    match judge(preset, &ended, ending % 2 == 0) {
        Judged::Answer(answer) => assert!(!answer.content.is_empty()),
        Judged::Failed(failed) => {
            assert!(!failed.message.is_empty() && !failed.message.contains('\n'), "{:?}", failed.message);
        }
    }
}

/// Inputs to begin with, by the name of the function.
pub fn samples(name: &str) -> Vec<Vec<u8>> {
    let answers = [
        r#"{"findings":[{"text":"Ä"}],"confidence":0.5}"#,
        "Here it is:\n```json\n{\"a\": [1, 2]}\n```\nDone {not json}.",
        "some words { \"a\": {\"b\": \"}\"} } and more {\"c\":1}",
        "```\n[1,2]\n```\n```json\n{\"x\":1}",
        "no JSON at all",
    ];
    let outputs = [
        r#"{"type":"result","subtype":"success","is_error":false,"result":"{\"a\":1}","session_id":"s","total_cost_usd":0.1,"usage":{"input_tokens":3,"output_tokens":4}}"#,
        "{\"type\":\"thread.started\",\"thread_id\":\"t\"}\n{\"type\":\"item.completed\",\"item\":{\"type\":\"agent_message\",\"text\":\"{\\\"a\\\":1}\"}}\n{\"type\":\"turn.completed\",\"usage\":{\"input_tokens\":1}}",
        r#"{"response":"text","stats":{"models":{"m":{"tokens":{"prompt":1,"candidates":2}}}}}"#,
        "{\"type\":\"text\",\"part\":{\"text\":\"x\"}}\n{\"type\":\"step_finish\",\"part\":{\"cost\":0.1,\"tokens\":{\"input\":1}}}",
        "Tokens: 1.2k sent, 3 received. Cost: $0.01 message\n{\"type\":\"error\",\"message\":\"429 Too Many Requests\"}",
    ];
    if name == "answer" {
        return answers.iter().map(|text| text.as_bytes().to_vec()).collect();
    }
    let first = |place: u8, text: &str| [&[place % 8, place / 8, 0], text.as_bytes()].concat();
    (0..).zip(outputs.iter().chain(&answers)).map(|(place, text)| first(place, text)).collect()
}

#[cfg(test)]
mod tests;
