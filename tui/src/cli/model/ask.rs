//! `conclave ask`: one question, one answer; who was asked and why stands on standard error or in the document.

use std::fmt::Write as _;
use std::io::IsTerminal as _;
use std::os::unix::ffi::OsStringExt as _;
use std::path::Path;
use std::sync::mpsc::{RecvTimeoutError, channel};
use std::sync::{Arc, OnceLock};

use conclave_llm::{Answer, Client, Event, LlmError, LlmErrorKind, OnCut, Options, Skipped};
use conclave_retry::CancelToken;
use signal_hook::consts::SIGPIPE;

use super::args::AskLine;
use super::page::{self, Page};
use crate::cli::context::Context;
use crate::cli::interrupt::{Heard, Listening, end_at_once};
use crate::cli::output::give_up_stderr;
use crate::failure::{Exit, Failure};
use crate::text::visible;
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
    let (answered, page) = if streams {
        let page = Page::start(output, &ending.cancel)?;
        (stream(&made.client, &wanted, &ending.cancel, &page)?, Some(page))
    } else {
        (made.client.generate(&wanted.prompt, &wanted.task, &wanted.options, &ending.cancel), None)
    };
    // From here on nothing is asked: a signal ends the process where it is, and whoever prints may wait for the reader.
    let heard = ending.over();
    let is_late = answered.as_ref().is_err_and(|error| error.kind() == LlmErrorKind::Deadline);
    let is_read = page.map(|page| page.end(heard.is_some() || is_late));
    let is_stuck = match is_read {
        Some(Err(failure)) if heard.is_none() => return Err(left(failure)),
        Some(Err(_) | Ok(false)) => true,
        Some(Ok(true)) | None => false,
    };
    let answered = match heard {
        Some(exit) => Err(Failure { exit, ..answered.map_or_else(Failure::from, |_| interrupted()) }),
        None => answered.map_err(Failure::from),
    };
    let warning = made.warning();
    match answered {
        Ok(mut answer) => {
            answer.warnings.extend(warning.filter(|text| !answer.warnings.contains(text)));
            if output.json {
                output.document(&model_shapes::answer(&answer))?;
            } else if !streams {
                page::whole(output, &answer.text)?;
            }
            say(context, &answer);
            Ok(Exit::Done)
        }
        Err(failure) => {
            let output = output.clone();
            let told = failure.clone();
            let tell = move || {
                if let Some(warning) = warning {
                    output.notice(format!("warning: {}", visible(&warning)));
                }
                if is_stuck {
                    output.complain(&told);
                }
            };
            if is_stuck {
                in_time(tell);
            } else {
                tell();
            }
            Err(Failure { silent: is_stuck, ..failure })
        }
    }
}

/// Says it, where standard error takes it: whoever does not read the one may well not read the other.
fn in_time(tell: impl FnOnce() + Send + 'static) {
    let (ended, end) = channel();
    let tell = move || {
        tell();
        // Whoever does not wait for it wants no word of it.
        let _ = ended.send(());
    };
    let started = std::thread::Builder::new().name("tell".to_owned()).spawn(tell);
    if started.is_ok() && end.recv_timeout(page::PATIENCE) == Err(RecvTimeoutError::Timeout) {
        give_up_stderr();
    }
}

/// A whole answer came, and somebody wants it no more.
fn interrupted() -> Failure {
    Failure::new(Exit::Interrupted, LlmErrorKind::Cancelled.as_str(), "interrupted after the answer came")
}

/// The reader left before the end, which ended the call: quiet as elsewhere, but no success. A shell knows it as the end of
/// a program that wrote into a closed pipe.
fn left(failure: Failure) -> Failure {
    let exit =
        if failure.silent { Exit::Signal(u8::try_from(SIGPIPE).unwrap_or(u8::MAX)) } else { failure.exit };
    Failure { exit, ..failure }
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
    listening: Listening,
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
        Self { cancel, first, listening }
    }

    /// The call is over: from now on the first ends the process. Gives how it is to end, where it was asked to.
    fn over(self) -> Option<Exit> {
        drop(self.listening);
        self.first.get().map(|heard| heard.exit())
    }
}

/// Prints each piece as it comes.
fn stream(
    client: &Client,
    wanted: &Wanted,
    cancel: &CancelToken,
    page: &Page,
) -> Result<Result<Answer, LlmError>, Failure> {
    let mut ended = None;
    client.generate_stream(&wanted.prompt, &wanted.task, &wanted.options, cancel, &mut |event| match event {
        Event::Text(text) => page.piece(&text),
        Event::Done(answer) => ended = Some(Ok(*answer)),
        Event::Failed(error) => ended = Some(Err(*error)),
        // Neither was asked for.
        Event::Thinking(_) | Event::Restarted { .. } => {}
    });
    ended.ok_or_else(|| Failure::internal("a stream ended without a last event"))
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
