//! What an attempt used up, as far as the agent says it.

use serde::Serialize;

/// Tokens and money; what the agent does not report is unknown, not 0.
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
    /// What several used up together. A figure that none of them says stays unknown.
    pub fn sum<'a>(usages: impl Iterator<Item = &'a Self>) -> Self {
        let mut sum = Self::default();
        for usage in usages {
            for (sum, figure) in [
                (&mut sum.input_tokens, usage.input_tokens),
                (&mut sum.output_tokens, usage.output_tokens),
                (&mut sum.cache_read_tokens, usage.cache_read_tokens),
                (&mut sum.cache_write_tokens, usage.cache_write_tokens),
                (&mut sum.reasoning_tokens, usage.reasoning_tokens),
            ] {
                if let Some(figure) = figure {
                    *sum = Some(sum.unwrap_or(0).saturating_add(figure));
                }
            }
            if let Some(cost) = usage.cost_usd {
                sum.cost_usd = Some(sum.cost_usd.unwrap_or(0.0) + cost);
                sum.cost_source = match sum.cost_source.take() {
                    None => usage.cost_source.clone(),
                    // Figures of several sources are nobody's.
                    Some(source) if usage.cost_source.as_deref() != Some(source.as_str()) => {
                        Some("mixed".to_owned())
                    }
                    source => source,
                };
            }
        }
        sum
    }
}
