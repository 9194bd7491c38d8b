//! What is refused before anything is sent (R17).

use crate::error::{LlmError, Result};

/// Bytes of a prompt where the configuration says nothing: more than the context of any model of today.
const LIMIT: u64 = 2 << 20;

/// The prompt as text.
///
/// # Errors
/// A blank one (Ollama would only load the model), one that is too long, and one that is not UTF-8.
pub(super) fn read(prompt: &[u8], limit: Option<u64>) -> Result<&str> {
    let limit = limit.unwrap_or(LIMIT);
    let length = u64::try_from(prompt.len()).unwrap_or(u64::MAX);
    if length > limit {
        return Err(LlmError::Invalid {
            message: format!("the prompt has {length} bytes, and may have {limit}"),
            hint: Some("shorten it, or raise `max_prompt_bytes` in `[llm]`".to_owned()),
        });
    }
    let text = std::str::from_utf8(prompt).map_err(|error| {
        LlmError::invalid(format!("the prompt is not UTF-8 at byte {}", error.valid_up_to()))
    })?;
    if text.trim().is_empty() {
        return Err(LlmError::invalid("the prompt is empty"));
    }
    Ok(text)
}

#[cfg(test)]
mod tests {
    use super::read;

    // llm L53
    #[test]
    fn a_prompt_without_words_is_refused() {
        for (prompt, word) in [
            (b"".as_slice(), "empty"),
            (b" \n\t", "empty"),
            (b"ab\xffcd", "byte 2"),
            (&[b'a'; 11], "11 bytes, and may have 10"),
        ] {
            let error = read(prompt, Some(10)).unwrap_err();
            assert!(error.to_string().contains(word), "{error}");
        }
        assert!(read(&vec![b'a'; 3 << 20], None).is_err());
        assert_eq!(read(b"a\0b", None).unwrap(), "a\0b");
    }
}
