//! The sample agents: what each does and answers. They think quickly and always the same.

use serde_json::{Value, json};

/// One of them.
pub(crate) struct Sample {
    pub(crate) name: &'static str,
    pub(super) family: &'static str,
    pub(super) role: &'static str,
    /// Milliseconds that it takes for each step that it tells.
    pub(crate) pace: u64,
    /// What it tells while it works.
    pub(crate) steps: &'static [&'static str],
    /// How its first attempts fail: what it says then.
    pub(crate) failures: &'static [&'static str],
    answer: fn() -> Value,
}

/// What an attempt comes to.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Act {
    /// It fails, with these words on standard error.
    Fail(&'static str),
    /// It answers.
    Answer(String),
}

impl Sample {
    /// What the n-th attempt comes to, from 0.
    pub(crate) fn act(&self, attempt: usize) -> Act {
        match self.failures.get(attempt) {
            Some(said) => Act::Fail(said),
            None => Act::Answer(format!("{:#}", (self.answer)())),
        }
    }
}

/// The agent of this name.
pub(crate) fn sample(name: &str) -> Option<&'static Sample> {
    SAMPLES.iter().find(|sample| sample.name == name)
}

/// All of them.
pub(crate) static SAMPLES: [Sample; 3] = [
    Sample {
        name: "architect",
        family: "north",
        role: "You care for what will still be right in a year.",
        pace: 400,
        steps: &["reading the prompt", "comparing token bucket and fixed window", "writing the plan"],
        failures: &[],
        answer: architect,
    },
    Sample {
        name: "skeptic",
        family: "south",
        role: "You look for what can go wrong.",
        pace: 500,
        steps: &[
            "reading the prompt",
            "what if two processes count at once?",
            "what if the disk is full?",
            "writing the plan",
        ],
        failures: &[],
        answer: skeptic,
    },
    Sample {
        name: "pragmatist",
        family: "west",
        role: "You want it done this week.",
        pace: 250,
        steps: &["reading the prompt", "writing the plan"],
        failures: &[
            "429 Too Many Requests: rate limit reached, retry after 1 second",
            "503 Service Unavailable: the model is overloaded, please try again",
        ],
        answer: pragmatist,
    },
];

fn architect() -> Value {
    json!({
        "stage": "plan",
        "agent": "architect",
        "algorithm": "token bucket",
        "storage": "SQLite, one row per key",
        "work_breakdown": [
            { "step": "Count requests per API key in a token bucket", "rationale": "bursts are normal", "success_signal": "a burst of 20 passes, the 21st waits" },
            { "step": "Keep the buckets in SQLite", "rationale": "counters survive a restart", "success_signal": "kill -9 loses no count" },
            { "step": "Answer 429 with Retry-After", "rationale": "callers can wait instead of guess", "success_signal": "the header names the second" },
        ],
        "acceptance_mapping": [
            { "requirement": "R1: 100 requests a minute for each key", "validation_step": "load test with two keys", "artifact": "bench/limits.json" },
            { "requirement": "R2: a caller knows when to return", "validation_step": "Retry-After is honoured by the client", "artifact": "tests/limits.rs" },
        ],
        "risks": [{ "risk": "one hot key makes one hot row", "owner": "backend", "mitigation": "count in groups, write once a second" }],
        "consensus": { "agreements": ["Limits are per API key", "Refused callers get Retry-After"], "conflicts": [] },
    })
}

fn skeptic() -> Value {
    json!({
        "stage": "plan",
        "agent": "skeptic",
        "algorithm": "token bucket",
        "storage": "memory, with a snapshot every minute",
        "work_breakdown": [
            { "step": "Count requests per API key in a token bucket", "rationale": "a fixed window lets twice the limit through", "success_signal": "no minute has more than 100" },
            { "step": "Keep the buckets in memory", "rationale": "a write per request doubles the latency", "success_signal": "p99 stays below 5 ms" },
            { "step": "Answer 429 with Retry-After", "rationale": "retries without it make it worse", "success_signal": "no client retries earlier" },
        ],
        "acceptance_mapping": [
            { "requirement": "R1: 100 requests a minute for each key", "validation_step": "load test across a restart", "artifact": "bench/restart.json" },
        ],
        "risks": [{ "risk": "a full disk stops the API", "owner": "operations", "mitigation": "limits fail open, and say so" }],
        "consensus": {
            "agreements": ["Limits are per API key", "Refused callers get Retry-After"],
            "conflicts": ["Where counters lie: a write for every request puts the disk into the path of every caller"],
        },
    })
}

fn pragmatist() -> Value {
    json!({
        "stage": "plan",
        "agent": "pragmatist",
        "algorithm": "token bucket",
        "storage": "SQLite, one row per key",
        "work_breakdown": [
            { "step": "Take the token bucket that the gateway has", "rationale": "it is tested", "success_signal": "a switch in the configuration" },
            { "step": "Answer 429 with Retry-After", "rationale": "one line", "success_signal": "curl shows it" },
        ],
        "acceptance_mapping": [
            { "requirement": "R2: a caller knows when to return", "validation_step": "curl in a loop", "artifact": "docs/limits.md" },
        ],
        "risks": [],
        "consensus": { "agreements": ["Refused callers get Retry-After"], "conflicts": [] },
    })
}

#[cfg(test)]
mod tests {
    use super::{Act, SAMPLES};

    #[test]
    fn one_fails_twice_and_one_disagrees() {
        let answers: Vec<(usize, serde_json::Value)> = SAMPLES
            .iter()
            .map(|sample| {
                let failures =
                    (0..9).take_while(|attempt| matches!(sample.act(*attempt), Act::Fail(_))).count();
                let Act::Answer(text) = sample.act(failures) else { panic!("{} only fails", sample.name) };
                (failures, serde_json::from_str(&text).unwrap())
            })
            .collect();
        let failures: Vec<usize> = answers.iter().map(|(failures, _)| *failures).collect();
        assert_eq!(failures, [0, 0, 2]);
        let storage: Vec<&str> =
            answers.iter().map(|(_, answer)| answer["storage"].as_str().unwrap()).collect();
        assert_eq!(storage[0], storage[2]);
        assert_ne!(storage[0], storage[1]);
        assert_eq!(answers[1].1["consensus"]["conflicts"].as_array().unwrap().len(), 1);
    }
}
