//! What an agent is asked: its role, the prompt of the run, and in sequential mode what others answered before.

use crate::stages::Required;

/// Most bytes that all earlier answers together take in a prompt.
const EARLIER: usize = 256 * 1024;

/// Most bytes of an answer in words that is to be given again as JSON.
const IN_WORDS: usize = 64 * 1024;

/// An earlier answer: who gave it, and its content.
pub(super) type Earlier = (String, Vec<u8>);

/// What one agent is asked.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Question<'a> {
    pub(super) role: Option<&'a str>,
    /// The prompt of the run.
    pub(super) prompt: &'a [u8],
    /// The keys that an answer must have and the prompt need not name.
    pub(super) keys: &'a [Required],
    pub(super) earlier: &'a [Earlier],
    /// Its own answer that was no JSON.
    pub(super) in_words: Option<&'a [u8]>,
}

impl Question<'_> {
    /// All of it. The bytes of the run's prompt stand in it unchanged.
    pub(super) fn compose(&self) -> Vec<u8> {
        let mut composed = Vec::with_capacity(self.prompt.len() + 256);
        if let Some(role) = self.role.filter(|role| !role.trim().is_empty()) {
            composed.extend_from_slice(format!("Your role: {role}\n\n").as_bytes());
        }
        composed.extend_from_slice(self.prompt);
        if !self.keys.is_empty() {
            let keys: Vec<String> = self.keys.iter().map(|key| format!("\"{}\"", key.name)).collect();
            let keys = keys.join(", ");
            let line = format!(
                "\n\nAnswer with one JSON object and nothing else. It must have at least these keys: {keys}\n"
            );
            composed.extend_from_slice(line.as_bytes());
        }
        if let Some(share) = EARLIER.checked_div(self.earlier.len()) {
            composed
                .extend_from_slice(b"\n\nThese answers were given before yours. Judge them for yourself.\n");
            for (agent, content) in self.earlier {
                composed.extend_from_slice(format!("\nAnswer of {agent}:\n\n").as_bytes());
                add(&mut composed, content, share);
            }
        }
        if let Some(words) = self.in_words {
            composed.extend_from_slice(
                b"\n\nYou were asked this before, and your answer was no JSON. Give it again as JSON alone: one \
                  object, no text before or after it, no code fence. Your answer was:\n\n",
            );
            add(&mut composed, words, IN_WORDS);
        }
        composed
    }
}

/// Adds the content, cut where it is too long.
fn add(composed: &mut Vec<u8>, content: &[u8], most: usize) {
    let kept = beginning(content, most);
    composed.extend_from_slice(kept);
    if kept.len() < content.len() {
        let cut = format!("\n[cut here: {} of {} bytes]", kept.len(), content.len());
        composed.extend_from_slice(cut.as_bytes());
    }
    composed.push(b'\n');
}

/// At most this many bytes from the beginning, cut between characters where it is text.
fn beginning(content: &[u8], most: usize) -> &[u8] {
    let Some(cut) = content.get(..most) else { return content };
    match std::str::from_utf8(cut) {
        Err(error) if error.error_len().is_none() => cut.get(..error.valid_up_to()).unwrap_or(cut),
        _ => cut,
    }
}

#[cfg(test)]
mod tests;
