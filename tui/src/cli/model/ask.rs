//! `conclave ask`: one question, one answer; who was asked and why stands on standard error or in the document.

use std::fmt::Write as _;
use std::io::IsTerminal as _;
use std::os::unix::ffi::OsStringExt as _;
use std::path::Path;
use std::sync::{Arc, OnceLock};

use conclave_llm::{Answer, Client, Event, LlmError, OnCut, Options, Skipped};
use conclave_retry::CancelToken;

use super::args::AskLine;
use crate::cli::context::Context;
use crate::cli::interrupt::{Heard, Listening, end_at_once};
use crate::cli::output::Output;
use crate::failure::{Exit, Failure};
use crate::text::{visible, visible_lines};
use crate::{model_client, model_shapes, prompts};

pub(in crate::cli) fn run(context: &Context, line: AskLine) -> Result<Exit, Failure> {
    let output = &context.output;
    if let Some(name) = &line.host {
        model_client::named(&context.project, &context.environment, std::slice::from_ref(name))?;
    }
    let made =
        model_client::of(&context.project, context.machine(), &context.environment, !context.read_only)?;
    let prompt = prompt(context, &line)?;
    let wanted = Wanted {
        prompt,
        task: line.task.unwrap_or_default(),
        options: Options {
            model: line.model,
            host: line.host,
            system: line.system,
            timeout: line.timeout,
            local: line.local,
            wait: line.wait,
            thinking: false,
            on_cut: OnCut::Fail,
            run: line.run,
            temperature: None,
        },
    };
    let ending = Ending::new();
    let streams = !output.json && (line.stream || output.is_terminal());
    let answered = if streams {
        stream(&made.client, &wanted, &ending.cancel, output)?
    } else {
        made.client.generate(&wanted.prompt, &wanted.task, &wanted.options, &ending.cancel)
    };
    let warning = made.warning();
    match answered {
        Ok(mut answer) => {
            answer.warnings.extend(warning.filter(|text| !answer.warnings.contains(text)));
            if output.json {
                output.document(&model_shapes::answer(&answer))?;
            } else if !streams {
                whole(output, &answer.text)?;
            }
            say(context, &answer);
            Ok(Exit::Done)
        }
        Err(error) => {
            if let Some(warning) = warning {
                output.notice(format!("warning: {}", visible(&warning)));
            }
            let failure = Failure::from(error);
            Err(match ending.exit() {
                Some(exit) => Failure { exit, ..failure },
                None => failure,
            })
        }
    }
}

/// One question.
struct Wanted {
    prompt: Vec<u8>,
    task: String,
    options: Options,
}

/// What is asked: the word on the line, a file, or standard input where that is none of a person's.
fn prompt(context: &Context, line: &AskLine) -> Result<Vec<u8>, Failure> {
    let most = model_client::longest_prompt(&context.project);
    let file = match (&line.question, &line.prompt) {
        // Its size and its letters are the client's to judge.
        (Some(question), _) => return Ok(question.clone().into_vec()),
        (None, Some(file)) => file.as_path(),
        (None, None) if std::io::stdin().is_terminal() => {
            return Err(Failure::usage("nothing is asked")
                .hint("conclave ask \"a question\", `--prompt FILE`, or a question on standard input"));
        }
        (None, None) => Path::new("-"),
    };
    prompts::at_most(file, &context.environment, most)
}

/// While this is there, Ctrl-C and its relatives end the call; a second one the process.
struct Ending {
    cancel: CancelToken,
    first: Arc<OnceLock<Heard>>,
    _listening: Listening,
}

impl Ending {
    fn new() -> Self {
        let cancel = CancelToken::new();
        let first = Arc::<OnceLock<Heard>>::default();
        let (token, seen) = (cancel.clone(), Arc::clone(&first));
        let listening = Listening::new(move |heard| match seen.set(heard) {
            Ok(()) => token.cancel(),
            Err(_) => end_at_once(heard),
        });
        Self { cancel, first, _listening: listening }
    }

    /// How the process is to end, where it was asked to.
    fn exit(&self) -> Option<Exit> {
        self.first.get().map(|heard| heard.exit())
    }
}

/// Prints each piece as it comes.
///
/// # Errors
/// Nobody reads any more, or what is read cannot be written; the call is ended then.
fn stream(
    client: &Client,
    wanted: &Wanted,
    cancel: &CancelToken,
    output: &Output,
) -> Result<Result<Answer, LlmError>, Failure> {
    let mut page = Page { output, is_open: false };
    let mut ended = None;
    let mut unprinted = None;
    client.generate_stream(&wanted.prompt, &wanted.task, &wanted.options, cancel, &mut |event| match event {
        Event::Text(text) if unprinted.is_none() => {
            if let Err(failure) = page.piece(&text) {
                unprinted = Some(failure);
                cancel.cancel();
            }
        }
        Event::Done(answer) => ended = Some(Ok(*answer)),
        Event::Failed(error) => ended = Some(Err(*error)),
        // Neither was asked for.
        Event::Text(_) | Event::Thinking(_) | Event::Restarted { .. } => {}
    });
    if let Some(failure) = unprinted {
        return Err(failure);
    }
    page.end()?;
    ended.ok_or_else(|| Failure::internal("a stream ended without a last event"))
}

/// Standard output, and whether its last line is open.
struct Page<'all> {
    output: &'all Output,
    is_open: bool,
}

impl Page<'_> {
    fn piece(&mut self, text: &str) -> Result<(), Failure> {
        if !text.is_empty() {
            self.is_open = !text.ends_with('\n');
        }
        self.output.bytes(shown(self.output, text).as_bytes())
    }

    /// What comes next begins on a line of its own.
    fn end(&self) -> Result<(), Failure> {
        if self.is_open { self.output.bytes(b"\n") } else { Ok(()) }
    }
}

/// A whole answer, with a line feed at its end.
fn whole(output: &Output, text: &str) -> Result<(), Failure> {
    let mut page = Page { output, is_open: false };
    page.piece(text)?;
    page.end()
}

/// A terminal obeys what it is sent; whatever else reads it gets it as it came.
fn shown<'text>(output: &Output, text: &'text str) -> std::borrow::Cow<'text, str> {
    if output.is_terminal() { visible_lines(text) } else { text.into() }
}

/// Who answered, where it was not the first that was to be asked; and what the answer is to be taken with.
fn say(context: &Context, answer: &Answer) {
    let output = &context.output;
    let because = because(answer, context.project.config.hosts.fallback_name());
    if answer.fallback || !because.is_empty() {
        let mut text = format!("answered by {} ({})", visible(&answer.host), visible(&answer.model));
        if !because.is_empty() {
            let _ = write!(text, ", because {}", visible(&because));
        }
        output.notice(text);
    }
    for warning in &answer.warnings {
        output.notice(format!("warning: {}", visible(warning)));
    }
}

/// What happened before, each once and in order: those who were asked, and those who were not. That the fallback could not
/// have answered is no reason for a host to.
fn because(answer: &Answer, fallback: Option<&str>) -> String {
    let mut reasons: Vec<String> = Vec::new();
    let asked = answer.attempts.iter().filter_map(|attempt| {
        let class = attempt.class?;
        // The same host, asked once more, is no other's stand-in.
        let who = if attempt.host == answer.host { "an earlier request to it" } else { &attempt.host };
        Some(format!("{who} failed ({})", class.as_str()))
    });
    let is_reason = |skipped: &&Skipped| answer.fallback || Some(skipped.host.as_str()) != fallback;
    let passed = answer.skipped.iter().filter(is_reason);
    let passed = passed.map(|skipped| format!("{} {}", skipped.host, skipped.why.words()));
    for reason in asked.chain(passed) {
        if !reasons.contains(&reason) {
            reasons.push(reason);
        }
    }
    reasons.join(", ")
}
