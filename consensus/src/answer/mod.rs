//! Taking the answer from what an agent wrote: its wrapper, then JSON wherever it stands.
//!
//! Everything here is pure, total and takes time in proportion to the text: an agent may write anything.

mod fence;
mod json;
mod template;

use crate::agents::Usage;

pub use self::template::is_template;

/// What an agent answered.
#[derive(Debug, Clone, PartialEq)]
pub struct Answer {
    /// The answer, taken out of everything around it.
    pub content: Vec<u8>,
    /// Where the content stood.
    pub found: Found,
    /// What the attempt used up.
    pub usage: Usage,
    /// The session, in the agent's words.
    pub session_id: Option<String>,
    /// Whether a part of the text is missing, since there was more of it than is kept.
    pub is_in_parts: bool,
}

/// Where the content of an answer stood.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Found {
    /// The whole text is JSON.
    Whole,
    /// A fenced block of the text is JSON: the last one of those that are.
    Fence,
    /// An object or a list of objects in the text is JSON: the longest one, of equally long ones the last.
    Object,
    /// There is no JSON, or none was asked for: the text itself.
    Text,
}

/// Why a text is no answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum NoAnswer {
    /// Nothing but white space.
    Empty,
    /// The prompt's schema or example, echoed back.
    Template,
}

/// The answer in a text, without white space around it.
///
/// A text that is JSON is the answer whole. Where JSON is wanted it is looked for in fenced blocks and then among the
/// sentences, and templates are passed over; text without any is kept as it is, for the verdict to judge. Where
/// JSON is not wanted the text stays whole: the example at the end of a report is not the report.
pub fn extract(text: &[u8], wants_json: bool) -> Result<(Vec<u8>, Found), NoAnswer> {
    let text = trim(text);
    if text.is_empty() {
        return Err(NoAnswer::Empty);
    }
    if is_template(text) {
        return Err(NoAnswer::Template);
    }
    if json::is_json(text) {
        return Ok((text.to_vec(), Found::Whole));
    }
    if !wants_json {
        return Ok((text.to_vec(), Found::Text));
    }
    let mut templates = false;
    let mut is_answer = |candidate: &[u8]| {
        let template = is_template(candidate);
        templates |= template;
        !template
    };
    let blocks = fence::blocks(text);
    let fenced = blocks.iter().rev().map(|block| trim(block));
    if let Some(block) = fenced.filter(|block| json::is_container(block)).find(|block| is_answer(block)) {
        return Ok((block.to_vec(), Found::Fence));
    }
    let objects = json::objects(text).into_iter().filter(|object| is_answer(object));
    if let Some(object) = objects.max_by_key(|object| object.len()) {
        return Ok((object.to_vec(), Found::Object));
    }
    if templates { Err(NoAnswer::Template) } else { Ok((text.to_vec(), Found::Text)) }
}

/// A text without white space, byte order marks and zero bytes around it.
pub(crate) fn trim(text: &[u8]) -> &[u8] {
    const MARK: &[u8] = b"\xEF\xBB\xBF";
    let is_space = |byte: &u8| byte.is_ascii_whitespace() || *byte == 0 || *byte == 0x0B;
    let mut text = text;
    loop {
        let before = text.len();
        text = text.strip_prefix(MARK).unwrap_or(text);
        text = text.strip_suffix(MARK).unwrap_or(text);
        while let Some((_, rest)) = text.split_first().filter(|(byte, _)| is_space(byte)) {
            text = rest;
        }
        while let Some((_, rest)) = text.split_last().filter(|(byte, _)| is_space(byte)) {
            text = rest;
        }
        if text.len() == before {
            return text;
        }
    }
}

#[cfg(test)]
mod tests;
