//! What the end of an attempt means: an answer, or why there is none.

use std::io;

use conclave_retry::{ErrorClass, PermanentReason, RetryReason, io_kind};

use super::wrapper::{Said, objects, unwrap};
use super::{Preset, Usage, Written, signs};
use crate::answer::{Answer, NoAnswer, extract};

/// The longest message, in characters.
const MESSAGE_LIMIT: usize = 300;

/// The most that is read of an agent's complaint, in characters.
const WORDS_LIMIT: usize = 4000;

/// How many lines of standard error are looked through, from either end.
const LINES: usize = 200;

/// A failed attempt, judged.
#[derive(Debug, Clone, PartialEq)]
pub struct Failed {
    /// Whether trying again can help.
    pub class: ErrorClass,
    /// One line: what happened, in the agent's words where it has any.
    pub message: String,
    /// What a person can do about it.
    pub hint: Option<String>,
    /// What the attempt used up all the same.
    pub usage: Usage,
    /// The session, in the agent's words.
    pub session_id: Option<String>,
    /// What is known of the hosts, where the question was not taken by any and is not to blame: somebody else could not
    /// have been answered either.
    pub away: Option<Away>,
}

/// When hosts that take no question now may take one again.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Away {
    /// When the first may be asked, milliseconds since 1970; absent where nobody knows.
    pub until: Option<i64>,
    /// Whether one of them is well and has its hands full: there it is a matter of waiting.
    pub is_full: bool,
}

impl Failed {
    /// A failure of which nothing else is known.
    pub fn new(class: ErrorClass, message: impl Into<String>) -> Self {
        let (usage, message) = (Usage::default(), message.into());
        Self { class, message, hint: None, usage, session_id: None, away: None }
    }
}

/// The end of an attempt.
#[derive(Debug, Clone, Copy, Default)]
pub struct Ended<'a> {
    /// The exit code; absent where a signal ended it.
    pub exit_code: Option<i32>,
    /// The signal that ended it.
    pub signal: Option<i32>,
    /// Whether its time was over.
    pub timed_out: bool,
    /// Why it could not be started.
    pub not_started: Option<&'a io::Error>,
    /// What it wrote to standard output, up to a limit.
    pub stdout: Written<'a>,
    /// What it wrote to standard error, up to a limit.
    pub stderr: Written<'a>,
}

/// What an attempt came to.
#[derive(Debug, Clone, PartialEq)]
pub enum Judged {
    /// It answered.
    Answer(Answer),
    /// It failed.
    Failed(Failed),
}

/// What the end of an attempt means.
///
/// Only exit code 0 brings an answer: what stands on standard output beside another one is the agent's complaint.
/// Exit code 0 without an answer is a failure of class degraded: one more try.
pub fn judge(preset: Option<&Preset>, ended: &Ended<'_>, wants_json: bool) -> Judged {
    if let Some(error) = ended.not_started {
        return Judged::Failed(not_started(preset, error));
    }
    let said = unwrap(preset.map(|preset| preset.format), ended.stdout);
    let failed = if ended.timed_out {
        timed_out(preset, ended, &said)
    } else if let Some(signal) = ended.signal {
        Failed::new(
            by_signal(signal),
            with_words(&format!("ended by signal {signal}"), words(preset, ended, &said)),
        )
    } else if ended.exit_code == Some(0) && said.error.is_none() {
        match answer(ended, &said, wants_json) {
            Ok(answer) => return Judged::Answer(answer),
            Err(why) => without_answer(preset, ended, &said, why),
        }
    } else {
        refused(preset, ended, &said)
    };
    Judged::Failed(Failed { usage: said.usage, session_id: said.session_id, away: said.away, ..failed })
}

fn answer(ended: &Ended<'_>, said: &Said<'_>, wants_json: bool) -> Result<Answer, &'static str> {
    if said.is_in_parts && wants_json {
        return Err("its output was cut at the limit, and what is left holds no whole JSON");
    }
    let text = said.answer.as_deref().unwrap_or_default();
    let (content, found) = extract(text, wants_json).map_err(|why| match why {
        NoAnswer::Empty if ended.stdout.is_cut() => {
            "its output was cut at the limit, and what is left holds no answer"
        }
        NoAnswer::Empty => "it ended well, and answered nothing",
        NoAnswer::Template => "its answer is the template, echoed back",
    })?;
    let (usage, session_id) = (said.usage.clone(), said.session_id.clone());
    Ok(Answer { content, found, usage, session_id, is_in_parts: said.is_in_parts })
}

fn not_started(preset: Option<&Preset>, error: &io::Error) -> Failed {
    let class = match error.kind() {
        // Somebody is writing the program: an update, which ends.
        io::ErrorKind::ExecutableFileBusy => ErrorClass::retryable(RetryReason::Interrupted),
        io::ErrorKind::ArgumentListTooLong => ErrorClass::permanent(PermanentReason::InvalidInput),
        kind => io_kind(kind),
    };
    let hint = match (error.kind(), preset) {
        (io::ErrorKind::NotFound, Some(preset)) => Some(format!("install it: {}", preset.install)),
        (io::ErrorKind::NotFound, None) => Some("check the first word of `command`, and PATH".to_owned()),
        (io::ErrorKind::PermissionDenied, _) => {
            Some("the program is not executable for this user".to_owned())
        }
        (io::ErrorKind::ArgumentListTooLong, _) => {
            Some("use {prompt_file} in its command, or standard input, in place of {prompt}".to_owned())
        }
        _ => None,
    };
    Failed { hint, ..Failed::new(class, format!("could not be started: {error}")) }
}

/// Whoever reconnects until its time is over says why; everybody else was just slow.
fn timed_out(preset: Option<&Preset>, ended: &Ended<'_>, said: &Said<'_>) -> Failed {
    let words =
        said.error.clone().or_else(|| said.progress.clone()).or_else(|| telling_line(preset, ended.stderr));
    let class = match words.as_deref().map(|words| (signs::known(preset, None, words), words)) {
        Some((Some(class @ ErrorClass::Permanent { .. }), _)) => class,
        Some((_, words)) => match signs::class_of(preset, None, said.status, words) {
            class @ ErrorClass::Retryable { .. } => class,
            _ => ErrorClass::retryable(RetryReason::Timeout),
        },
        None => ErrorClass::retryable(RetryReason::Timeout),
    };
    let hint = signs::hint(preset, class, words.as_deref().unwrap_or_default());
    Failed { hint, ..Failed::new(class, with_words("no answer within its time", words)) }
}

/// Somebody else ended it, or it crashed: both may pass. A program for another machine does not.
fn by_signal(signal: i32) -> ErrorClass {
    const ILLEGAL_INSTRUCTION: i32 = 4;
    if signal == ILLEGAL_INSTRUCTION {
        ErrorClass::permanent(PermanentReason::Unknown)
    } else {
        ErrorClass::retryable(RetryReason::Interrupted)
    }
}

fn without_answer(preset: Option<&Preset>, ended: &Ended<'_>, said: &Said<'_>, why: &str) -> Failed {
    let words = said.progress.clone().or_else(|| telling_line(preset, ended.stderr));
    let class = match words.as_deref().and_then(|words| signs::known(preset, None, words)) {
        Some(class @ ErrorClass::Permanent { .. }) => class,
        _ => ErrorClass::Degraded { succeeded: 0, total: 1 },
    };
    let hint = signs::hint(preset, class, words.as_deref().unwrap_or_default());
    Failed { hint, ..Failed::new(class, with_words(why, words)) }
}

fn refused(preset: Option<&Preset>, ended: &Ended<'_>, said: &Said<'_>) -> Failed {
    let words = words(preset, ended, said);
    let heard = words.clone().unwrap_or_default();
    let class = signs::class_of(preset, ended.exit_code, said.status, &heard);
    let ended_with = match ended.exit_code {
        Some(0) => "reports an error".to_owned(),
        Some(code) => format!("exit code {code}"),
        None => "ended without an exit code".to_owned(),
    };
    let hint = signs::hint(preset, class, &heard);
    Failed { hint, ..Failed::new(class, with_words(&ended_with, words)) }
}

/// What the agent says about its failure: in its wrapper, on standard error, on standard output.
fn words(preset: Option<&Preset>, ended: &Ended<'_>, said: &Said<'_>) -> Option<String> {
    let in_errors = || {
        let parts = [Some(ended.stderr.beginning()), ended.stderr.end()];
        let mut errors = parts.into_iter().flatten().flat_map(objects);
        errors.find_map(|error| error["error"]["message"].as_str().map(str::to_owned))
    };
    let words = said
        .error
        .clone()
        .or_else(in_errors)
        .or_else(|| telling_line(preset, ended.stderr))
        .or_else(|| said.progress.clone())
        .or_else(|| telling_line(preset, Written::whole(said.answer.as_deref().unwrap_or_default())));
    words.map(bounded)
}

fn bounded(mut words: String) -> String {
    if let Some((end, _)) = words.char_indices().nth(WORDS_LIMIT) {
        words.truncate(end);
    }
    words
}

/// The line that says most: one with a known sign, else one that calls itself an error, else the last.
fn telling_line(preset: Option<&Preset>, output: Written<'_>) -> Option<String> {
    let (beginning, end) = (
        String::from_utf8_lossy(output.beginning()),
        String::from_utf8_lossy(output.end().unwrap_or_default()),
    );
    let lines = || {
        let lines = beginning.lines().chain(end.lines());
        lines.filter(|line| line.chars().any(char::is_alphanumeric))
    };
    let both_ends = || lines().take(LINES).chain(lines().rev().take(LINES));
    let by_sign = both_ends().find(|line| signs::known(preset, None, line).is_some());
    let is_error = |line: &&str| {
        let line = line.trim_start().to_lowercase();
        ["error", "fatal", "failed"].iter().any(|word| line.starts_with(word)) || line.contains("error:")
    };
    let line =
        by_sign.or_else(|| lines().rev().take(LINES).find(is_error)).or_else(|| lines().next_back())?;
    Some(bounded(line.to_owned()))
}

fn with_words(what: &str, words: Option<String>) -> String {
    match words.map(|words| one_line(&words)).filter(|words| !words.is_empty()) {
        Some(words) => format!("{what}: {words}"),
        None => what.to_owned(),
    }
}

/// A text as a message: one line, without colours and control characters, bounded.
fn one_line(text: &str) -> String {
    let (mut line, mut count, mut chars) = (String::new(), 0, text.trim().chars().peekable());
    while let Some(c) = chars.next() {
        if c == '\u{1b}' && chars.next_if_eq(&'[').is_some() {
            // Parameters, then the letter that ends the sequence.
            while chars.next().is_some_and(|c| !c.is_ascii_alphabetic()) {}
            continue;
        }
        let c = if c.is_whitespace() { ' ' } else { c };
        if c.is_control() || (c == ' ' && line.ends_with(' ')) {
            continue;
        }
        if count == MESSAGE_LIMIT {
            line.push('…');
            break;
        }
        line.push(c);
        count += 1;
    }
    line.trim_end().to_owned()
}

#[cfg(test)]
mod tests;
