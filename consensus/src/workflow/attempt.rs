//! One attempt: recorded, started, heard to its end.

mod ended;

pub(super) use self::ended::judge;

use std::io;

use conclave_retry::ErrorClass;

use super::Event;
use super::launching::{Came, Order, Prepared, prepare, start};
use super::prompt::{Earlier, Question};
use super::retrying::Failures;
use super::stage::Stage;
use super::writing::write;
use crate::agents::AgentDefinition;
use crate::error::Result;
use crate::record::SpawnRecord;
use crate::store::workflow::{self as store, Spawned};

/// What came of an attempt.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Attempted {
    Answered,
    /// Answered in words where JSON is wanted.
    AnsweredInWords,
    /// Without an answer: the next attempt begins at this time, ms; there is none where it is absent.
    Failed {
        class: ErrorClass,
        message: String,
        retry_at: Option<i64>,
    },
    /// Somebody ended it, or it was not begun at all.
    Stopped,
}

/// An attempt that is to be made.
#[derive(Debug, Clone, Copy)]
pub(super) struct Attempt<'a> {
    pub(super) definition: &'a AgentDefinition,
    /// Which one, from 1.
    pub(super) number: i64,
    /// How often it was begun before and lost: then it has another id.
    pub(super) lost: i64,
    pub(super) failures: Failures,
    pub(super) earlier: &'a [Earlier],
    /// The answer in words that is to be given again as JSON. Such an attempt is not repeated, and brings JSON or
    /// nothing.
    pub(super) in_words: Option<&'a [u8]>,
}

impl Attempt<'_> {
    pub(super) async fn make(&self, stage: &Stage) -> Result<Attempted> {
        let agent_id = stage.agent_id(&self.definition.name, self.number, self.lost);
        let spawn = SpawnRecord {
            agent_id: agent_id.clone(),
            run: stage.run,
            agent: self.definition.name.clone(),
            attempt: self.number,
            phase_type: stage.driven.phase_type.clone(),
            at: None,
        };
        let me = stage.me.clone();
        if write(&stage.db, "spawn", move |tx| store::spawn(tx, &spawn, &me)).await? == Spawned::Cancelled {
            stage.stop.cancel();
            return Ok(Attempted::Stopped);
        }
        let mut session_id = None;
        let mut transcript = stage.transcript(&self.definition.name, self.number);
        let came = match self.launch(stage, &agent_id).await {
            Err(error) => Came::NotStarted(error),
            Ok(prepared) => {
                session_id = prepared.session_id;
                match start(prepared.command).await {
                    Err(error) => Came::NotStarted(error),
                    Ok(running) => {
                        let (id, process) = (agent_id.clone(), running.identity().clone());
                        let pid = process.pid;
                        write(&stage.db, "started", move |tx| store::started(tx, &id, &process)).await?;
                        self.tell_started(stage, pid);
                        if let Some(transcript) = &mut transcript {
                            transcript.started(pid);
                        }
                        let limits = stage.time.limits(self.definition.timeout);
                        let line = |line: &str| {
                            let (agent, text) = (self.definition.name.clone(), line.to_owned());
                            stage.session.tell(Event::Line { agent, text });
                        };
                        let piece = |output, piece: &[u8]| {
                            if let Some(transcript) = &mut transcript {
                                transcript.heard(output, piece);
                            }
                        };
                        let done = running.wait_hearing(&limits, &stage.stop, line, piece).await;
                        drop(prepared.scratch);
                        Came::of(done)
                    }
                }
            }
        };
        // Now, and not when it is stored: that may have to wait for others.
        let at = stage.db.clock().wall_ms();
        let exit = came.exit();
        let (attempted, end) = self.store(stage, agent_id, session_id, came, at).await?;
        if let Some(transcript) = transcript {
            transcript.ended(end, exit);
        }
        Ok(attempted)
    }

    fn tell_started(&self, stage: &Stage, pid: u32) {
        let number = u32::try_from(self.number).unwrap_or(u32::MAX);
        stage.session.tell(Event::Started {
            agent: self.definition.name.clone(),
            attempt: number,
            // A repair may be one more.
            limit: self.definition.retries.saturating_add(1).max(number),
            pid,
        });
    }

    /// Everything that the process needs.
    async fn launch(&self, stage: &Stage, agent_id: &str) -> io::Result<Prepared> {
        let mut definition = self.definition.clone();
        definition.env = stage.session.values_of(&definition.name);
        let is_built_in = stage.asks_built_in();
        let question = Question {
            role: definition.role.as_deref(),
            prompt: &stage.driven.prompt,
            // Another prompt may ask for more than the schema lets through.
            keys: if is_built_in { &[] } else { stage.required() },
            earlier: self.earlier,
            in_words: self.in_words,
        };
        let order = Order {
            prompt: question.compose(),
            schema: stage.schema.clone().filter(|_| is_built_in),
            directory: stage.directory(),
            mark: stage.mark(agent_id),
            run: stage.run.to_string(),
            time: stage.time.limits(definition.timeout).timeout,
            definition,
        };
        prepare(&stage.session, order).await
    }
}
