//! What an agent is asked: its role, the prompt of the run, and in sequential mode what others answered before.

/// Most bytes that all earlier answers together take in a prompt.
const EARLIER: usize = 256 * 1024;

/// An earlier answer: who gave it, and its content.
pub(super) type Earlier = (String, Vec<u8>);

/// The prompt of one agent. The bytes of the run's prompt stand in it unchanged.
pub(super) fn compose(role: Option<&str>, prompt: &[u8], earlier: &[Earlier]) -> Vec<u8> {
    let mut composed = Vec::with_capacity(prompt.len() + 64);
    if let Some(role) = role.filter(|role| !role.trim().is_empty()) {
        composed.extend_from_slice(format!("Your role: {role}\n\n").as_bytes());
    }
    composed.extend_from_slice(prompt);
    let Some(share) = EARLIER.checked_div(earlier.len()) else { return composed };
    composed.extend_from_slice(b"\n\nThese answers were given before yours. Judge them for yourself.\n");
    for (agent, content) in earlier {
        composed.extend_from_slice(format!("\nAnswer of {agent}:\n\n").as_bytes());
        let kept = beginning(content, share);
        composed.extend_from_slice(kept);
        if kept.len() < content.len() {
            let cut = format!("\n[cut here: {} of {} bytes]", kept.len(), content.len());
            composed.extend_from_slice(cut.as_bytes());
        }
        composed.push(b'\n');
    }
    composed
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
