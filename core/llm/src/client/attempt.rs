//! One admitted call: the request, what is noted of it, and what follows from its failure.

use super::asking::{Again, Asking, Stop, estimate};
use super::ear::Filter;
use crate::admission::Ticket;
use crate::answer::{Answer, AttemptReport, Finish, Tokens, Why};
use crate::call::{CHECK, Called, call, limits, millis};
use crate::class::{Class, Next, Same};
use crate::health::look::{self, Depth, look};
use crate::host::Dialect;
use crate::shared::Outcome;
use crate::stream::OnCut;
use crate::wire::{self, Failure, Question, Reply};

/// Characters of a message.
const MESSAGE: usize = 200;

impl Asking<'_> {
    /// Uses the ticket. `None` where somebody else is to be asked.
    pub(super) fn attempt(&mut self, mut ticket: Ticket) -> Result<Option<Answer>, Stop> {
        let index = ticket.index;
        let Some(track) = self.tracks.get_mut(index) else { return Ok(None) };
        if let Some(failure) = track.presumed.take() {
            return self.conclude_unsent(ticket, &failure, 0).map(|()| None);
        }
        let before = track.requests;
        if before > 0 && !self.pays(index) {
            if let Some(track) = self.tracks.get_mut(index) {
                track.is_barred = true;
            }
            return Ok(None);
        }
        let is_named = self.choices.get(index).is_some_and(|choice| choice.model.is_some());
        if ticket.is_probe || !is_named {
            if let Some((failure, took_ms)) = self.try_out(index) {
                return self.conclude_unsent(ticket, &failure, took_ms).map(|()| None);
            }
            if !self.settle_model(index) {
                // It is there and has nothing to ask: the next caller looks again.
                return Ok(None);
            }
        }
        if !is_named && let Some(model) = self.choices.get(index).and_then(|choice| choice.model.as_deref()) {
            self.inner.shared.name_model(&mut ticket, model);
        }
        let mut is_repeat = before > 0;
        loop {
            let with_usage = self.wants_usage(index);
            let called = self.request(index, &ticket, with_usage);
            let failure = match called.reply {
                Ok(ref reply) => {
                    let answer = self.answer(index, reply);
                    self.conclude(ticket, None, &called, answer.tokens, is_repeat);
                    return Ok(Some(answer));
                }
                Err(ref failure) => failure.clone(),
            };
            if with_usage && failure.without_usage {
                self.forget_usage(index);
                // The same question without a word that this server does not know: at once, and where no attempt is left too.
                if self.is_budgeted(index) {
                    self.conclude(ticket, Some(&failure), &called, Tokens::default(), false);
                    let Some(next) = self.admit_one(index)? else { return Ok(None) };
                    ticket = next;
                }
                continue;
            }
            if !self.knocks_again(index, &failure) {
                self.conclude(ticket, Some(&failure), &called, Tokens::default(), false);
                return self.follow(index, &failure, called).map(|()| None);
            }
            is_repeat = true;
            let delay = self.delays.next().unwrap_or_default();
            if let Err(stop) = self.pause(delay) {
                self.conclude(ticket, Some(&failure), &called, Tokens::default(), false);
                self.note_verdict(index, &failure);
                return Err(stop);
            }
        }
    }

    /// A host that was open, or whose model nobody knows, is asked for its list before it gets the question (B9).
    fn try_out(&mut self, index: usize) -> Option<(Failure, u64)> {
        let choice = self.choices.get(index)?;
        if choice.host.dialect == Dialect::Anthropic {
            return None;
        }
        let (key, proxy) = (choice.key.as_ref(), choice.proxy.as_deref());
        let clock = &self.inner.sources.clock;
        let depth = if choice.model.is_some() { Depth::Glance } else { Depth::Loaded };
        let looked = look(choice.host, key, proxy, depth, CHECK, self.left(), clock, self.cancel);
        self.inner.known.hear(choice.host, clock.monotonic(), &looked.listing);
        looked.failure.map(|failure| (failure, looked.took_ms))
    }

    /// A host that failed before it got the question: the call's result, but no request of it.
    fn conclude_unsent(&mut self, ticket: Ticket, failure: &Failure, took_ms: u64) -> Result<(), Stop> {
        let index = ticket.index;
        let message = self.redactor.line(&failure.message, MESSAGE);
        let outcome = Outcome { total_ms: took_ms, attempt: 0, ..self.outcome(Some(failure), &message) };
        self.inner.shared.conclude(ticket, &outcome);
        let is_pause = matches!(failure.class, Class::Overloaded | Class::Throttled);
        if let Some(track) = self.tracks.get_mut(index) {
            track.is_barred = !is_pause;
            track.is_passed = true;
            track.again = if is_pause { Again::AfterBlock } else { Again::No };
        }
        match failure.class {
            Class::Cancelled => Err(Stop::Cancelled),
            Class::Deadline => Err(Stop::Deadline),
            Class::Auth | Class::Quota | Class::Overloaded | Class::Throttled => {
                self.fell(index, failure, Why::Blocked, false);
                Ok(())
            }
            _ => {
                // Without a deadline it is tried out once, not for ever.
                let may_wait = self.left().is_some();
                self.fell(index, failure, Why::Down, may_wait);
                Ok(())
            }
        }
    }

    /// Sends the question and notes how it went.
    fn request(&mut self, index: usize, ticket: &Ticket, with_usage: bool) -> Called {
        if Some(index) != self.cloud {
            self.spent += 1;
        }
        if let Some(track) = self.tracks.get_mut(index) {
            track.requests += 1;
        }
        let is_cold = self.is_cold(index);
        let left = self.left();
        let Self { inner, choices, ear, redactor, cancel, prompt, options, .. } = self;
        let Some(choice) = choices.get(index) else { return nothing() };
        let host = choice.host;
        let limits = limits(host, is_cold, left);
        let question = Question {
            model: choice.model.as_deref().unwrap_or_default(),
            system: options.system.as_deref(),
            prompt,
            temperature: options.temperature,
            usage_in_stream: with_usage,
        };
        let mut filter = Filter::new(redactor);
        let mut has_token = false;
        let mut hear = |piece| {
            if !std::mem::replace(&mut has_token, true) {
                inner.shared.first_token(ticket);
            }
            if let Some(piece) = filter.pass(piece) {
                ear.hear(piece, &host.name);
            }
        };
        let (key, proxy) = (choice.key.as_ref(), choice.proxy.as_deref());
        let mut called = call(host, key, proxy, &question, &limits, &inner.sources.clock, cancel, &mut hear);
        for piece in filter.end() {
            ear.hear(piece, &host.name);
        }
        called.partial = redactor.text(&called.partial);
        self.report(index, &called);
        called
    }

    /// Whether it is asked to count tokens: not where it has refused the word for that.
    fn wants_usage(&self, index: usize) -> bool {
        self.choices.get(index).is_some_and(|choice| !self.inner.known.refuses_usage(choice.host))
    }

    fn forget_usage(&self, index: usize) {
        if let Some(choice) = self.choices.get(index) {
            self.inner.known.refused_usage(choice.host);
        }
    }

    /// Whether each request to it stands in a budget.
    fn is_budgeted(&self, index: usize) -> bool {
        self.choices.get(index).is_some_and(|choice| choice.fallback.is_some())
    }

    /// Whether the model may have to be loaded first. Ollama alone says which are; it is asked where nobody has yet, and
    /// where the configuration does not set the limit that depends on it.
    fn is_cold(&self, index: usize) -> bool {
        let Some(choice) = self.choices.get(index) else { return false };
        let host = choice.host;
        if host.dialect != Dialect::Ollama || host.timeouts.first_byte.is_some() || !host.stream {
            return false;
        }
        let model = choice.model.as_deref().unwrap_or_default();
        let clock = &self.inner.sources.clock;
        let known = self.inner.known.listing(host, clock.monotonic());
        let is_loaded = known.and_then(|listing| look::loads(host, model, &listing)).or_else(|| {
            let (key, proxy) = (choice.key.as_ref(), choice.proxy.as_deref());
            look::is_loaded(host, model, key, proxy, self.left(), clock, self.cancel)
        });
        is_loaded != Some(true)
    }

    fn report(&mut self, index: usize, called: &Called) {
        let Some(choice) = self.choices.get(index) else { return };
        let failure = called.reply.as_ref().err();
        let line = |text: &str| self.redactor.line(text, MESSAGE);
        let report = AttemptReport {
            n: u32::try_from(self.ledger.attempts.len()).unwrap_or(u32::MAX).saturating_add(1),
            host: choice.host.name.clone(),
            model: choice.model.clone().unwrap_or_default(),
            class: failure.map(|failure| failure.class),
            status: failure.map_or(Some(200), |failure| failure.status),
            connect_ms: called.took.connect_ms,
            first_ms: called.took.first_ms,
            total_ms: called.took.total_ms,
            wait_before_ms: millis(std::mem::take(&mut self.wait_before)),
            retry_after_ms: failure.and_then(|failure| failure.retry_after).map(millis),
            partial_bytes: u64::try_from(called.partial.len()).unwrap_or(u64::MAX),
            request_id: called.request_id.as_deref().map(line),
            message: failure.map(|failure| line(&failure.message)),
        };
        self.ledger.attempts.push(report);
    }

    /// `is_repeat`: it was paid for out of the budget for repeats.
    fn conclude(
        &self,
        ticket: Ticket,
        failure: Option<&Failure>,
        called: &Called,
        tokens: Tokens,
        is_repeat: bool,
    ) {
        let message =
            failure.map(|failure| self.redactor.line(&failure.message, MESSAGE)).unwrap_or_default();
        let outcome = Outcome {
            connect_ms: called.took.connect_ms,
            first_ms: called.took.token_ms.or(called.took.first_ms),
            total_ms: called.took.total_ms,
            tokens,
            context: self.context_of(ticket.index),
            is_repeat,
            ..self.outcome(failure, &message)
        };
        self.inner.shared.conclude(ticket, &outcome);
    }

    fn outcome<'o>(&'o self, failure: Option<&Failure>, message: &'o str) -> Outcome<'o> {
        Outcome {
            class: failure.map(|failure| failure.class),
            of_model: failure.is_some_and(|failure| failure.of_model),
            status: failure.map_or(Some(200), |failure| failure.status),
            message,
            retry_after: failure.and_then(|failure| failure.retry_after),
            task: Some(self.task).filter(|task| !task.is_empty()),
            run: self.options.run.as_deref(),
            connect_ms: None,
            first_ms: None,
            total_ms: 0,
            queued_ms: self.ledger.queued_ms(),
            waited_ms: self.ledger.waited_ms(),
            tokens: Tokens::default(),
            attempt: u32::try_from(self.ledger.attempts.len()).unwrap_or(u32::MAX).max(1),
            context: None,
            is_repeat: false,
        }
    }

    /// A host that cannot be reached is asked again only where there is nobody else: it may be starting. Its failure counts
    /// when the call leaves it (B4).
    fn knocks_again(&mut self, index: usize, failure: &Failure) -> bool {
        failure.class.consequence().same == Same::IfAlone
            && self.is_alone
            && self.has_attempts_left()
            && self.pays(index)
    }

    /// What follows from a failure for this question.
    fn follow(&mut self, index: usize, failure: &Failure, called: Called) -> Result<(), Stop> {
        let class = failure.class;
        self.note_verdict(index, failure);
        let is_shown = self.ear.has_shown && self.options.on_cut == OnCut::Fail;
        let has_shown = self.ear.has_shown;
        if has_shown {
            self.ledger.partial = called.partial;
        } else {
            self.ledger.keep_partial(called.partial);
        }
        let consequence = class.consequence();
        let is_final = match consequence.next {
            // It would think as long again, and so would others.
            _ if class == Class::Empty && failure.never_again => true,
            Next::No => true,
            Next::Yes | Next::IfNothingShown | Next::LargerContext => false,
        };
        match class {
            Class::Cancelled => return Err(Stop::Cancelled),
            Class::Deadline => return Err(Stop::Deadline),
            _ if is_shown => return Err(Stop::Final(class)),
            _ => {}
        }
        self.ear.restart();
        if is_final {
            return Err(Stop::HostsOver(class));
        }
        if consequence.next == Next::LargerContext {
            // Where its context is not known, the prompt tells by its size.
            let context = self.context_of(index).unwrap_or_else(|| estimate(self.prompt.len()));
            self.more_context_than = Some(context);
        }
        let is_billed = self.choices.get(index).is_some_and(|choice| choice.host.billed);
        let Some(track) = self.tracks.get_mut(index) else { return Ok(()) };
        track.again = match consequence.same {
            // R9: the work may be done, and be paid for.
            _ if is_billed && called.sent_unanswered => Again::No,
            _ if failure.never_again => Again::No,
            Same::Yes => Again::Yes,
            Same::Once if !track.once.contains(&class) => {
                track.once.push(class);
                Again::Yes
            }
            Same::AfterBlock => Again::AfterBlock,
            Same::Once | Same::No | Same::IfAlone => Again::No,
        };
        track.is_barred = track.again == Again::No;
        Ok(())
    }

    /// Notes why a host failed, and whether that is a reason for the fallback: a wrong certificate or proxy is not, and an
    /// empty account only for another key.
    pub(super) fn note_verdict(&mut self, index: usize, failure: &Failure) {
        let key = |index: Option<usize>| index.and_then(|index| self.choices.get(index)?.key.as_ref());
        let may_go_to_cloud = match failure.class {
            Class::LocalNet => !failure.is_local_trust,
            Class::Quota => key(self.cloud) != key(Some(index)),
            _ => true,
        };
        self.ledger.verdict(failure.class, may_go_to_cloud);
    }

    /// The context of a host's model, where the configuration or the host says it.
    pub(super) fn context_of(&self, index: usize) -> Option<u64> {
        let choice = self.choices.get(index)?;
        if let Some(context) = choice.host.context {
            return Some(u64::from(context));
        }
        let model = choice.model.as_deref()?;
        let listing = self.inner.known.listing(choice.host, self.inner.sources.clock.monotonic());
        let is_it = |name: &str| wire::is_same_model(choice.host.dialect, name, model);
        let contexts = listing.map(|listing| listing.contexts).unwrap_or_default();
        let said = contexts.iter().find(|(name, _)| is_it(name)).map(|(_, context)| *context);
        said.or_else(|| self.inner.shared.context(choice.host.endpoint.as_str(), model))
    }

    /// Whether the host is known to take a prompt that another one could not take.
    pub(super) fn has_context(&self, index: usize) -> bool {
        let Some(before) = self.more_context_than else { return true };
        self.context_of(index).is_some_and(|context| context > before)
    }

    fn answer(&self, index: usize, reply: &Reply) -> Answer {
        let choice = self.choices.get(index);
        let name = |text: &str| self.redactor.line(text, MESSAGE);
        let model = choice.and_then(|choice| choice.model.clone()).unwrap_or_default();
        let system = self.options.system.as_ref().map_or(0, String::len);
        Answer {
            text: self.redactor.text(&reply.text),
            host: choice.map(|choice| choice.host.name.clone()).unwrap_or_default(),
            served_model: reply.served_model.as_deref().map(name),
            fallback: choice.is_some_and(|choice| choice.fallback.is_some()),
            finish: reply.finish,
            tokens: counted(reply, self.prompt.len() + system),
            latency_ms: self.latency_ms(),
            queued_ms: self.ledger.queued_ms(),
            waited_ms: self.ledger.waited_ms(),
            attempts: self.ledger.attempts.clone(),
            skipped: choice.map(|choice| self.ledger.skipped_for(&choice.host.name)).unwrap_or_default(),
            warnings: self.warnings(index, &model, reply),
            model,
        }
    }

    fn warnings(&self, index: usize, model: &str, reply: &Reply) -> Vec<String> {
        let mut warnings: Vec<String> = self.inner.shared.warning().into_iter().collect();
        let Some(choice) = self.choices.get(index) else { return warnings };
        let host = &choice.host.name;
        // Whatever was no end of its own: the text may be a part.
        let ended = match reply.finish {
            Finish::Stop => None,
            Finish::Length => Some("is cut short: its limit of tokens was reached"),
            Finish::Refused => Some("may be a part: the model or its filter refused"),
            Finish::Tool => Some("may be a part: the model asked for a tool, which it has not"),
            Finish::Other => Some("may be a part: the server gave no known reason for its end"),
        };
        if let Some(ended) = ended {
            warnings.push(format!("the answer of {host} {ended}"));
        }
        if let Some(served) = &reply.served_model
            && !is_served(choice.host.dialect, model, served)
        {
            let served = self.redactor.line(served, MESSAGE);
            warnings.push(format!("{host} answered with the model {served}, not with {model}"));
        }
        if reply.is_of_cut_prompt(choice.host.dialect, self.prompt.len()) {
            let read = reply.tokens.input.unwrap_or(0);
            let sent = estimate(self.prompt.len());
            warnings.push(format!(
                "the prompt was cut by the server: {host} read {read} tokens of about {sent}; a larger `context` may help"
            ));
        }
        warnings
    }
}

/// Whether the model that answered is the one that was asked for: also a dated version of it (`name-2025-01-01`).
fn is_served(dialect: Dialect, model: &str, served: &str) -> bool {
    let is_version = |rest: &str| rest.starts_with(['-', '@', ':']);
    wire::is_same_model(dialect, model, served) || served.strip_prefix(model).is_some_and(is_version)
}

/// The server's counts; what it does not say is estimated from bytes.
fn counted(reply: &Reply, asked: usize) -> Tokens {
    let Tokens { input, output, estimated } = reply.tokens;
    Tokens {
        input: input.or_else(|| Some(estimate(asked))),
        output: output.or_else(|| Some(estimate(reply.text.len()))),
        estimated: estimated || input.is_none() || output.is_none(),
    }
}

fn nothing() -> Called {
    Called {
        reply: Err(Failure::new(Class::Config, "there is no such host")),
        took: crate::call::Took::default(),
        request_id: None,
        partial: String::new(),
        sent_unanswered: false,
    }
}
