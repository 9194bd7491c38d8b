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

/// What a sample agent plans; each of three texts as the keys of [`listed`] name them.
struct Plan {
    agent: &'static str,
    storage: &'static str,
    steps: &'static [[&'static str; 3]],
    acceptance: &'static [[&'static str; 3]],
    risks: &'static [[&'static str; 3]],
    agreements: &'static [&'static str],
    conflicts: &'static [&'static str],
}

impl Plan {
    fn told(&self) -> Value {
        json!({
            "stage": "plan",
            "agent": self.agent,
            "algorithm": "token bucket",
            "storage": self.storage,
            "work_breakdown": listed(self.steps, ["step", "rationale", "success_signal"]),
            "acceptance_mapping": listed(self.acceptance, ["requirement", "validation_step", "artifact"]),
            "risks": listed(self.risks, ["risk", "owner", "mitigation"]),
            "consensus": { "agreements": self.agreements, "conflicts": self.conflicts },
        })
    }
}

fn listed(rows: &[[&str; 3]], [first, second, third]: [&str; 3]) -> Value {
    rows.iter().map(|[one, two, three]| json!({ first: one, second: two, third: three })).collect()
}

fn architect() -> Value {
    Plan {
        agent: "architect",
        storage: "SQLite, one row per key",
        steps: &[
            [
                "Count requests per API key in a token bucket",
                "bursts are normal",
                "a burst of 20 passes, the 21st waits",
            ],
            ["Keep the buckets in SQLite", "counters survive a restart", "kill -9 loses no count"],
            [
                "Answer 429 with Retry-After",
                "callers can wait instead of guess",
                "the header names the second",
            ],
        ],
        acceptance: &[
            ["R1: 100 requests a minute for each key", "load test with two keys", "bench/limits.json"],
            ["R2: a caller knows when to return", "Retry-After is honoured by the client", "tests/limits.rs"],
        ],
        risks: &[["one hot key makes one hot row", "backend", "count in groups, write once a second"]],
        agreements: &["Limits are per API key", "Refused callers get Retry-After"],
        conflicts: &[],
    }
    .told()
}

fn skeptic() -> Value {
    Plan {
        agent: "skeptic",
        storage: "memory, with a snapshot every minute",
        steps: &[
            [
                "Count requests per API key in a token bucket",
                "a fixed window lets twice the limit through",
                "no minute has more than 100",
            ],
            ["Keep the buckets in memory", "a write per request doubles the latency", "p99 stays below 5 ms"],
            ["Answer 429 with Retry-After", "retries without it make it worse", "no client retries earlier"],
        ],
        acceptance: &[[
            "R1: 100 requests a minute for each key",
            "load test across a restart",
            "bench/restart.json",
        ]],
        risks: &[["a full disk stops the API", "operations", "limits fail open, and say so"]],
        agreements: &["Limits are per API key", "Refused callers get Retry-After"],
        conflicts: &[
            "Where counters lie: a write for every request puts the disk into the path of every caller",
        ],
    }
    .told()
}

fn pragmatist() -> Value {
    Plan {
        agent: "pragmatist",
        storage: "SQLite, one row per key",
        steps: &[
            ["Take the token bucket that the gateway has", "it is tested", "a switch in the configuration"],
            ["Answer 429 with Retry-After", "one line", "curl shows it"],
        ],
        acceptance: &[["R2: a caller knows when to return", "curl in a loop", "docs/limits.md"]],
        risks: &[],
        agreements: &["Refused callers get Retry-After"],
        conflicts: &[],
    }
    .told()
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
