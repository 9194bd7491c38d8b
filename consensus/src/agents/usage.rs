//! What an attempt used up, as far as the agent says it.

use serde::Serialize;
use serde_json::Value;

/// Tokens and money; what the agent does not report is unknown, not 0.
///
/// No token is counted twice: where an agent's figure includes what was read from a cache, or the reasoning, that is
/// taken off.
#[derive(Debug, Clone, Default, PartialEq, Serialize)]
pub struct Usage {
    /// Tokens of the prompt that were read anew.
    pub input_tokens: Option<u64>,
    /// Tokens of the answer.
    pub output_tokens: Option<u64>,
    /// Tokens read from a cache.
    pub cache_read_tokens: Option<u64>,
    /// Tokens written to a cache.
    pub cache_write_tokens: Option<u64>,
    /// Tokens of reasoning.
    pub reasoning_tokens: Option<u64>,
    /// US dollars.
    pub cost_usd: Option<f64>,
    /// Who says what it cost: `agent` for its own figure.
    pub cost_source: Option<String>,
}

impl Usage {
    /// Both together: what either of them knows.
    pub fn and(&self, other: &Self) -> Self {
        let sum = |a: Option<u64>, b: Option<u64>| match (a, b) {
            (Some(a), Some(b)) => Some(a.saturating_add(b)),
            (one, other) => one.or(other),
        };
        let cost = match (self.cost_usd, other.cost_usd) {
            (Some(a), Some(b)) => Some(a + b),
            (one, other) => one.or(other),
        };
        Self {
            input_tokens: sum(self.input_tokens, other.input_tokens),
            output_tokens: sum(self.output_tokens, other.output_tokens),
            cache_read_tokens: sum(self.cache_read_tokens, other.cache_read_tokens),
            cache_write_tokens: sum(self.cache_write_tokens, other.cache_write_tokens),
            reasoning_tokens: sum(self.reasoning_tokens, other.reasoning_tokens),
            cost_usd: cost,
            cost_source: self.cost_source.clone().or_else(|| other.cost_source.clone()),
        }
    }

    /// With the agent's own figure for what it cost; one that is no amount is unknown.
    pub(super) fn costing(mut self, dollars: Option<f64>) -> Self {
        self.cost_usd = dollars.filter(|dollars| dollars.is_finite() && *dollars >= 0.0);
        self.cost_source = self.cost_usd.map(|_| "agent".to_owned());
        self
    }

    /// `usage` of a result line of claude.
    pub(super) fn of_claude(result: &Value) -> Self {
        let usage = &result["usage"];
        Self {
            input_tokens: usage["input_tokens"].as_u64(),
            output_tokens: usage["output_tokens"].as_u64(),
            cache_read_tokens: usage["cache_read_input_tokens"].as_u64(),
            cache_write_tokens: usage["cache_creation_input_tokens"].as_u64(),
            ..Self::default()
        }
        .costing(result["total_cost_usd"].as_f64())
    }

    /// `usage` of the end of a turn of codex. Its input includes what came from the cache, its output the reasoning.
    pub(super) fn of_codex(usage: &Value) -> Self {
        let cached = usage["cached_input_tokens"].as_u64();
        let reasoning = usage["reasoning_output_tokens"].as_u64();
        Self {
            input_tokens: without(usage["input_tokens"].as_u64(), cached),
            output_tokens: without(usage["output_tokens"].as_u64(), reasoning),
            cache_read_tokens: cached,
            reasoning_tokens: reasoning,
            ..Self::default()
        }
    }

    /// `stats` of gemini: the sum of its models. The prompt includes what came from the cache.
    pub(super) fn of_gemini(stats: &Value) -> Self {
        let models = stats["models"].as_object();
        let of_model = |model: &Value| {
            let tokens = &model["tokens"];
            let cached = tokens["cached"].as_u64();
            Self {
                input_tokens: without(tokens["prompt"].as_u64(), cached),
                output_tokens: tokens["candidates"].as_u64(),
                cache_read_tokens: cached,
                reasoning_tokens: tokens["thoughts"].as_u64(),
                ..Self::default()
            }
        };
        let models = models.into_iter().flat_map(serde_json::Map::values);
        models.map(of_model).fold(Self::default(), |sum, model| sum.and(&model))
    }

    /// `tokens` of `conclave ask`. What was counted from bytes, since the server said nothing, is not known.
    pub(super) fn of_model(tokens: &Value) -> Self {
        let said = |key: &str| tokens[key].as_u64().filter(|_| tokens["estimated"] != true);
        Self { input_tokens: said("in"), output_tokens: said("out"), ..Self::default() }
    }

    /// The part at the end of a step of opencode.
    pub(super) fn of_opencode(part: &Value) -> Self {
        let tokens = &part["tokens"];
        Self {
            input_tokens: tokens["input"].as_u64(),
            output_tokens: tokens["output"].as_u64(),
            cache_read_tokens: tokens["cache"]["read"].as_u64(),
            cache_write_tokens: tokens["cache"]["write"].as_u64(),
            reasoning_tokens: tokens["reasoning"].as_u64(),
            ..Self::default()
        }
        .costing(part["cost"].as_f64())
    }

    /// A line of aider: `Tokens: 2.1k sent, 1.0k cache hit, 345 received. Cost: $0.01 message, $0.02 session.`
    pub(super) fn of_aider(line: &str) -> Option<Self> {
        let figures = line.strip_prefix("Tokens: ")?;
        let (tokens, cost) = figures.split_once(" Cost: ").map_or((figures, None), |(t, c)| (t, Some(c)));
        let mut usage = Self::default();
        for figure in tokens.trim_end_matches(['.', ' ']).split(", ") {
            let (number, what) = figure.split_once(' ')?;
            let number = Some(short_number(number)?);
            match what {
                "sent" => usage.input_tokens = number,
                "cache write" => usage.cache_write_tokens = number,
                "cache hit" => usage.cache_read_tokens = number,
                "received" => usage.output_tokens = number,
                _ => {}
            }
        }
        let message = cost.and_then(|cost| cost.split_once(" message")?.0.trim().strip_prefix('$'));
        Some(usage.costing(message.and_then(|dollars| dollars.parse().ok())))
    }
}

fn without(all: Option<u64>, part: Option<u64>) -> Option<u64> {
    all.map(|all| all.saturating_sub(part.unwrap_or(0)))
}

/// `345`, `2.1k`, `12k`, `1.2M`.
fn short_number(text: &str) -> Option<u64> {
    let (digits, factor) = match text.char_indices().next_back()? {
        (at, 'k') => (text.get(..at)?, 1e3),
        (at, 'M') => (text.get(..at)?, 1e6),
        _ => (text, 1.0),
    };
    let number: f64 = digits.replace(',', "").parse().ok()?;
    let number = (number * factor).round();
    #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "checked in the same line")]
    (0.0..1e15).contains(&number).then_some(number as u64)
}

#[cfg(test)]
mod tests;
