//! What agents put around their answers: result lines, event streams, reports on what it cost.

use std::borrow::Cow;
use std::collections::BTreeSet;

use serde_json::Value;

use super::failure::Away;
use super::presets::Format;
use super::{Usage, Written};

/// What the output of an attempt says.
#[derive(Debug, Clone, Default, PartialEq)]
pub(super) struct Said<'a> {
    /// The answer, without what was around it.
    pub(super) answer: Option<Cow<'a, [u8]>>,
    /// That it failed, in the agent's words.
    pub(super) error: Option<String>,
    /// The HTTP status of the failure, where the agent passes it on.
    pub(super) status: Option<u16>,
    /// Whether the answer has a part missing.
    pub(super) is_in_parts: bool,
    /// What is not the end yet: "Reconnecting... 2/5".
    pub(super) progress: Option<String>,
    pub(super) usage: Usage,
    pub(super) session_id: Option<String>,
    /// That the failure is none of the question's, but that no host takes one.
    pub(super) away: Option<Away>,
}

/// Takes the wrapper off. Output that is not in the format of the preset is an answer as it is: the configured command
/// may ask for another format, or be another program.
///
/// Where a part of it is missing, nothing is read across the gap, and what came before it is no answer: another may
/// have followed.
pub(super) fn unwrap(format: Option<Format>, stdout: Written<'_>) -> Said<'_> {
    let said = match format {
        Some(Format::Claude) => claude(stdout),
        Some(Format::Codex) => codex(stdout),
        Some(Format::Gemini) => gemini(stdout),
        Some(Format::Opencode) => opencode(stdout),
        Some(Format::Model) => model(stdout),
        Some(Format::Aider) if !stdout.is_cut() => Some(aider(stdout.bytes)),
        Some(Format::Aider) | None => None,
    };
    said.unwrap_or_else(|| {
        let answer = plain(format, stdout);
        Said { is_in_parts: stdout.is_cut(), answer, ..Said::default() }
    })
}

/// Output without a wrapper. The beginning of one whose other end was not found is no answer.
fn plain(format: Option<Format>, stdout: Written<'_>) -> Option<Cow<'_, [u8]>> {
    let Some(end) = stdout.end() else { return Some(stdout.bytes.into()) };
    let is_wrapper = matches!(stdout.bytes.trim_ascii_start().first(), Some(b'{' | b'['));
    if is_wrapper && format.is_some_and(|format| format != Format::Aider) {
        return None;
    }
    Some([stdout.beginning(), b"[cut here: some of the output is missing]\n", end].concat().into())
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
fn claude(stdout: Written<'_>) -> Option<Said<'static>> {
    let is_result = |value: &Value| value["type"] == "result" && value.get("is_error").is_some();
    let result = lines(stdout.end().unwrap_or(stdout.bytes)).rev().find(is_result).or_else(|| {
        let whole = (!stdout.is_cut()).then_some(stdout.bytes)?;
        let all: Vec<Value> = serde_json::from_slice(whole).ok()?;
        all.into_iter().rev().find(is_result)
    });
    let Some(result) = result else {
        // A stream that was cut off has its messages, and no result.
        let begun = lines(stdout.beginning()).next().filter(|event| event["type"] == "system")?;
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
            (Some(written), Some(_)) if is_json(&written) => Some(written.into_bytes().into()),
            (_, Some(structured)) => Some(structured.to_string().into_bytes().into()),
            (written, None) => written.map(|written| written.into_bytes().into()),
        };
    } else {
        let errors = result["errors"].as_array().into_iter().flatten().find_map(text);
        said.error = written.or(errors).or_else(|| text(&result["subtype"]));
        said.error.get_or_insert_with(|| "the result is an error".to_owned());
    }
    Some(said)
}

/// Events: the last message of the agent is the answer, unless the turn failed.
fn codex(stdout: Written<'_>) -> Option<Said<'static>> {
    let mut said = codex_events(None, lines(stdout.beginning()));
    if let Some(end) = stdout.end() {
        let before = said.take().map(|before| Said { answer: None, error: None, ..before });
        let mut closed = false;
        let events = lines(end).inspect(|event| match event["type"].as_str().unwrap_or_default() {
            "turn.completed" => closed = true,
            kind if kind.starts_with("item.") || kind.starts_with("turn.") => closed = false,
            _ => {}
        });
        said = codex_events(before, events);
        if !closed && let Some(said) = &mut said {
            said.answer = None;
        }
    }
    said
}

fn codex_events(
    mut said: Option<Said<'static>>,
    events: impl Iterator<Item = Value>,
) -> Option<Said<'static>> {
    for event in events {
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
                said.answer = text(&item["text"]).map(|text| text.into_bytes().into());
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
fn gemini(stdout: Written<'_>) -> Option<Said<'static>> {
    let is_result = |value: &Value| ["response", "error", "stats"].iter().any(|key| value.get(key).is_some());
    let result = objects(stdout.end().unwrap_or(stdout.bytes)).find(is_result)?;
    let error = &result["error"];
    let failed = || text(&error["message"]).or_else(|| text(&error["type"]));
    Some(Said {
        answer: text(&result["response"]).map(|text| text.into_bytes().into()),
        error: error.is_object().then(failed).flatten(),
        status: status(&error["code"]).filter(|status| *status >= 400),
        usage: Usage::of_gemini(&result["stats"]),
        session_id: text(&result["session_id"]),
        ..Said::default()
    })
}

/// The objects that begin at the first byte of a line, in order.
pub(super) fn objects(bytes: &[u8]) -> impl Iterator<Item = Value> {
    let mut position = 0;
    std::iter::from_fn(move || {
        loop {
            let rest = bytes.get(position..).filter(|rest| !rest.is_empty())?;
            let line = rest.iter().position(|byte| *byte == b'\n').map_or(rest.len(), |at| at + 1);
            position += line;
            if !rest.starts_with(b"{") {
                continue;
            }
            let mut values = serde_json::Deserializer::from_slice(rest).into_iter::<Value>();
            if let Some(Ok(value)) = values.next() {
                position += values.byte_offset().saturating_sub(line);
                return Some(value);
            }
        }
    })
}

/// The one document of `conclave ask --json`: an answer, or an error with what happened at every host.
fn model(stdout: Written<'_>) -> Option<Said<'static>> {
    let is_ours = |value: &Value| value["text"].is_string() || value["error"].is_object();
    let said: Value = objects(stdout.end().unwrap_or(stdout.bytes)).find(is_ours)?;
    let error = &said["error"];
    if !error.is_object() {
        let answer = said["text"].as_str().map(|text| text.as_bytes().to_vec().into());
        return Some(Said { answer, usage: Usage::of_model(&said["tokens"]), ..Said::default() });
    }
    let list = |key: &str| error[key].as_array().map(Vec::as_slice).unwrap_or_default();
    let asked = list("attempts").iter().filter_map(|attempt| {
        let (host, message) = (text(&attempt["host"])?, text(&attempt["message"])?);
        Some(format!("{host}: {message}"))
    });
    let passed = list("skipped").iter().filter_map(|skipped| {
        let (host, why) = (text(&skipped["host"])?, text(&skipped["why"])?);
        let message = text(&skipped["message"]).map(|message| format!(": {message}")).unwrap_or_default();
        Some(format!("{host} is passed over ({why}){message}"))
    });
    let words: Vec<String> = text(&error["message"]).into_iter().chain(asked).chain(passed).collect();
    let words = if words.is_empty() { "an error without words".to_owned() } else { words.join("; ") };
    let status = match error["class"].as_str() {
        Some("auth") => 401,
        Some("quota") => 402,
        _ => 400,
    };
    Some(Said { error: Some(words), status: Some(status), away: away(error), ..Said::default() })
}

/// What is known of the hosts where no question would have been answered: they are not there, have their hands full, or are
/// left alone for a while. An answer that failed half-way may have failed for the question.
fn away(error: &Value) -> Option<Away> {
    const OF_HOSTS: [&str; 5] = ["unreachable", "local_net", "overloaded", "throttled", "busy"];
    let is_of_hosts = |class: &Value| class.as_str().is_some_and(|class| OF_HOSTS.contains(&class));
    let has_all = |key: &str, is_one: &dyn Fn(&Value) -> bool| {
        error[key].as_array().is_none_or(|list| list.iter().all(is_one))
    };
    let is_away = error["kind"] == "unavailable" || is_of_hosts(&error["class"]);
    if !is_away || !has_all("attempts", &|attempt| is_of_hosts(&attempt["class"])) {
        return None;
    }
    let waits = |skipped: &Value| skipped["why"] == "full" || skipped["why"] == "probing";
    let is_full = error["class"] == "busy" || !has_all("skipped", &|skipped| !waits(skipped));
    let until = error["retry_at"].as_str().and_then(|at| at.parse::<jiff::Timestamp>().ok());
    Some(Away { until: until.map(jiff::Timestamp::as_millisecond), is_full })
}

/// Events: the texts of the last message are the answer.
fn opencode(stdout: Written<'_>) -> Option<Said<'static>> {
    let Some(end) = stdout.end() else { return opencode_events(lines(stdout.bytes)) };
    // All texts of a message are known where its beginning was heard, and its end.
    let (mut begun, mut last, mut closed) = (BTreeSet::new(), None, false);
    let events = lines(end).inspect(|event| {
        let message = text(&event["part"]["messageID"]);
        match event["type"].as_str().unwrap_or_default() {
            "step_start" => begun.extend(message),
            "step_finish" => closed |= message == last,
            "text" => (last, closed) = (message, false),
            _ => {}
        }
    });
    let said = opencode_events(events).or_else(|| opencode_events(lines(stdout.beginning()).take(1)))?;
    let is_whole = closed && last.is_some_and(|last| begun.contains(&last));
    // What was used up in the missing part is not known.
    Some(Said { usage: Usage::default(), answer: said.answer.filter(|_| is_whole), ..said })
}

fn opencode_events(events: impl Iterator<Item = Value>) -> Option<Said<'static>> {
    let mut said: Option<Said<'static>> = None;
    let (mut message, mut answer) = (None, Vec::new());
    for event in events.filter(|event| event.get("sessionID").is_some()) {
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
    said.answer = Some(answer).filter(|answer| !answer.is_empty()).map(Cow::Owned);
    Some(said)
}

/// The text without the report on tokens; the lines about the program itself end with the first empty one.
fn aider(stdout: &[u8]) -> Said<'static> {
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
    said.answer = Some(answer.into());
    said
}

#[cfg(test)]
mod tests;
