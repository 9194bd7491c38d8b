//! What agents put around their answers: result lines, event streams, reports on what it cost.

use serde_json::Value;

use super::Usage;
use super::presets::Format;

/// What the output of an attempt says.
#[derive(Debug, Clone, Default, PartialEq)]
pub(super) struct Said {
    /// The answer, without what was around it.
    pub(super) answer: Option<Vec<u8>>,
    /// That it failed, in the agent's words.
    pub(super) error: Option<String>,
    /// The HTTP status of the failure, where the agent passes it on.
    pub(super) status: Option<u16>,
    /// What is not the end yet: "Reconnecting... 2/5".
    pub(super) progress: Option<String>,
    pub(super) usage: Usage,
    pub(super) session_id: Option<String>,
}

/// Takes the wrapper off. Output that is not in the format of the preset is an answer as it is: the configured command
/// may ask for another format, or be another program.
pub(super) fn unwrap(format: Option<Format>, stdout: &[u8]) -> Said {
    let said = match format {
        Some(Format::Claude) => claude(stdout),
        Some(Format::Codex) => codex(stdout),
        Some(Format::Gemini) => gemini(stdout),
        Some(Format::Opencode) => opencode(stdout),
        Some(Format::Aider) => Some(aider(stdout)),
        None => None,
    };
    said.unwrap_or_else(|| Said { answer: Some(stdout.to_vec()), ..Said::default() })
}

/// The objects that stand alone on a line, in order.
fn lines(stdout: &[u8]) -> impl DoubleEndedIterator<Item = Value> {
    stdout.split(|byte| *byte == b'\n').filter_map(|line| {
        let line = line.trim_ascii();
        let value: Value = line.starts_with(b"{").then(|| serde_json::from_slice(line).ok())??;
        Some(value)
    })
}

fn text(value: &Value) -> Option<String> {
    value.as_str().filter(|text| !text.trim().is_empty()).map(str::to_owned)
}

fn status(value: &Value) -> Option<u16> {
    value.as_u64().and_then(|status| u16::try_from(status).ok())
}

/// The last result line; with `--verbose` all messages are one list.
fn claude(stdout: &[u8]) -> Option<Said> {
    let is_result = |value: &Value| value["type"] == "result" && value.get("is_error").is_some();
    let result = lines(stdout).rev().find(is_result).or_else(|| {
        let all: Vec<Value> = serde_json::from_slice(stdout).ok()?;
        all.into_iter().rev().find(is_result)
    });
    let Some(result) = result else {
        // A stream that was cut off has its messages, and no result.
        let begun = lines(stdout).next().filter(|event| event["type"] == "system")?;
        return Some(Said { session_id: text(&begun["session_id"]), ..Said::default() });
    };
    let mut said = Said {
        usage: Usage::of_claude(&result),
        session_id: text(&result["session_id"]),
        status: status(&result["api_error_status"]),
        ..Said::default()
    };
    let written = text(&result["result"]);
    // "subtype" says "success" beside an error too.
    if result["is_error"] == false && result["subtype"] == "success" {
        let structured = result.get("structured_output").filter(|value| !value.is_null());
        let is_json = |text: &String| serde_json::from_str::<Value>(text).is_ok();
        said.answer = match (written, structured) {
            (Some(written), Some(_)) if is_json(&written) => Some(written.into_bytes()),
            (_, Some(structured)) => Some(structured.to_string().into_bytes()),
            (written, None) => written.map(String::into_bytes),
        };
    } else {
        let errors = result["errors"].as_array().into_iter().flatten().find_map(text);
        said.error = written.or(errors).or_else(|| text(&result["subtype"]));
        said.error.get_or_insert_with(|| "the result is an error".to_owned());
    }
    Some(said)
}

/// Events: the last message of the agent is the answer, unless the turn failed.
fn codex(stdout: &[u8]) -> Option<Said> {
    let mut said: Option<Said> = None;
    for event in lines(stdout) {
        let kind = event["type"].as_str().unwrap_or_default();
        if !kind.starts_with("thread.")
            && !kind.starts_with("turn.")
            && !kind.starts_with("item.")
            && kind != "error"
        {
            continue;
        }
        let said = said.get_or_insert_default();
        let item = &event["item"];
        match kind {
            "thread.started" => said.session_id = text(&event["thread_id"]),
            "item.completed" if item["type"] == "agent_message" => {
                said.answer = text(&item["text"]).map(String::into_bytes);
            }
            "item.completed" if item["type"] == "error" => {
                said.progress = said.progress.take().or_else(|| text(&item["message"]));
            }
            "turn.completed" => {
                said.usage = said.usage.and(&Usage::of_codex(&event["usage"]));
                // It came through after all.
                said.error = None;
            }
            "turn.failed" => said.error = text(&event["error"]["message"]).or(said.error.take()),
            "error" => {
                let message = text(&event["message"]);
                if message.as_deref().is_some_and(|message| message.starts_with("Reconnecting")) {
                    // The last of these says least: "waiting for network". The first cause stays.
                    said.progress = said.progress.take().or(message);
                } else {
                    said.error = message;
                }
            }
            _ => {}
        }
    }
    said
}

/// One object, after lines of other kinds or without them.
fn gemini(stdout: &[u8]) -> Option<Said> {
    let result = first_object(stdout)?;
    if result.get("response").is_none() && result.get("error").is_none() && result.get("stats").is_none() {
        return None;
    }
    let error = &result["error"];
    let failed = || text(&error["message"]).or_else(|| text(&error["type"]));
    Some(Said {
        answer: text(&result["response"]).map(String::into_bytes),
        error: error.is_object().then(failed).flatten(),
        status: status(&error["code"]).filter(|status| *status >= 400),
        usage: Usage::of_gemini(&result["stats"]),
        session_id: text(&result["session_id"]),
        progress: None,
    })
}

/// The object that begins at the first line with nothing but its brace, or at the first byte.
pub(super) fn first_object(bytes: &[u8]) -> Option<Value> {
    let mut begin = 0;
    for line in bytes.split_inclusive(|byte| *byte == b'\n') {
        if line.starts_with(b"{") {
            let rest = bytes.get(begin..)?;
            return serde_json::Deserializer::from_slice(rest).into_iter::<Value>().next()?.ok();
        }
        begin += line.len();
    }
    None
}

/// Events: the texts of the last message are the answer.
fn opencode(stdout: &[u8]) -> Option<Said> {
    let mut said: Option<Said> = None;
    let (mut message, mut answer) = (None, Vec::new());
    for event in lines(stdout).filter(|event| event.get("sessionID").is_some()) {
        let said = said.get_or_insert_default();
        said.session_id = text(&event["sessionID"]).or(said.session_id.take());
        let part = &event["part"];
        match event["type"].as_str().unwrap_or_default() {
            "text" => {
                let of = text(&part["messageID"]);
                if of != message {
                    answer.clear();
                    message = of;
                }
                if !answer.is_empty() {
                    answer.push(b'\n');
                }
                answer.extend_from_slice(part["text"].as_str().unwrap_or_default().as_bytes());
            }
            "step_finish" => said.usage = said.usage.and(&Usage::of_opencode(part)),
            "error" => {
                let error = &event["error"];
                let (name, says) = (text(&error["name"]), text(&error["data"]["message"]));
                said.status = status(&error["data"]["statusCode"]);
                said.error = match (name, says) {
                    (Some(name), Some(says)) => Some(format!("{name}: {says}")),
                    (name, says) => says.or(name).or_else(|| Some("an error without words".to_owned())),
                };
            }
            _ => {}
        }
    }
    let mut said = said?;
    said.answer = Some(answer).filter(|answer| !answer.is_empty());
    Some(said)
}

/// The text without the report on tokens; the lines about the program itself end with the first empty one.
fn aider(stdout: &[u8]) -> Said {
    let mut said = Said::default();
    let mut answer = Vec::new();
    let mut in_banner = stdout.starts_with(b"Aider v");
    for line in stdout.split_inclusive(|byte| *byte == b'\n') {
        let bare = line.trim_ascii();
        let usage = std::str::from_utf8(bare).ok().and_then(Usage::of_aider);
        if in_banner {
            in_banner = !bare.is_empty();
        } else if let Some(usage) = &usage {
            said.usage = said.usage.and(usage);
        } else {
            answer.extend_from_slice(line);
        }
    }
    said.answer = Some(answer);
    said
}

#[cfg(test)]
mod tests;
