//! Names of agents. They are kept as written; the table says which spellings older programs used for one agent.

#[cfg(test)]
mod tests;

/// An agent that older programs knew, whose model it is, and all its spellings, with `_` for `-`, space and dot.
type Known = (&'static str, &'static str, &'static [&'static str]);

const TABLE: &[Known] = &[
    (
        "gemini",
        "google",
        &[
            "gemini",
            "gemini_cli",
            "gemini_flash",
            "gemini_pro",
            "gemini_1_5_pro",
            "gemini_2_5_pro",
            "gemini_2_5_flash",
            "gemini_2_5_flash_lite",
            "gemini_25_pro",
            "gemini_25_flash",
            "gemini_25_flashlite",
        ],
    ),
    (
        "claude",
        "anthropic",
        &[
            "claude",
            "claude_code",
            "claude_haiku",
            "claude_sonnet",
            "claude_opus",
            "claude_haiku_45",
            "claude_sonnet_45",
            "claude_opus_41",
            "claude_haiku_4_5",
            "claude_sonnet_4_5",
            "claude_opus_4_1",
        ],
    ),
    // The program of that name, which is neither of the next two.
    ("code", "openai", &["code"]),
    ("gpt_codex", "openai", &["gpt_codex", "codex", "codex_cli", "codex_mini", "gpt_5_codex", "gpt5_codex"]),
    (
        "gpt_pro",
        "openai",
        &[
            "gpt_pro",
            "gpt_low",
            "gpt_5",
            "gpt_5_pro",
            "gpt5",
            "gpt5_pro",
            "gpt5_high",
            "gpt5_medium",
            "gpt5_low",
            "gpt5_minimal",
            "gpt_4o",
            "gpt_4o_mini",
        ],
    ),
];

fn known(written: &str) -> Option<&'static Known> {
    let plain: String = written
        .trim()
        .chars()
        .map(|one| if matches!(one, '-' | ' ' | '.') { '_' } else { one.to_ascii_lowercase() })
        .collect();
    TABLE.iter().find(|(_, _, spellings)| spellings.contains(&plain.as_str()))
}

/// The agent that a spelling in the table stands for. Any other name stands for itself alone.
pub fn canonical(written: &str) -> Option<&'static str> {
    known(written).map(|(name, ..)| *name)
}

/// Whose model answers under this name: as it is `said`, else as the name alone says it, else the agent itself. Copies
/// (`claude#2`) are of one family.
pub fn family<'name>(written: &'name str, said: Option<&'name str>) -> &'name str {
    let plain = without_copy(written);
    said.filter(|family| !family.is_empty())
        .unwrap_or_else(|| known(plain).map_or(plain, |(_, family, _)| *family))
}

/// The name of a copy of an agent that is asked several times: `claude#2`.
pub fn copy(agent: &str, number: u32) -> String {
    format!("{agent}#{number}")
}

/// The agent that a copy is one of: `claude` of `claude#2`; any other name is its own.
pub fn without_copy(agent: &str) -> &str {
    match agent.rsplit_once('#') {
        Some((name, number))
            if !name.is_empty() && !number.is_empty() && number.bytes().all(|byte| byte.is_ascii_digit()) =>
        {
            name
        }
        _ => agent,
    }
}
