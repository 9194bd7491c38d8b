//! Conclave's own writes, each with a name by which a repeated one is known.

use conclave_consensus::record::{
    CompletionRecord, OutputRecord, RunRecord, SpawnRecord, SynthesisRecord, record_completion,
    record_output, record_run, record_spawn, record_synthesis,
};
use conclave_consensus::runs::RunId;
use conclave_db::Db;

use super::{Effect, Work, Worker};
use crate::chance::Chance;
use crate::crash::row::{self, Author, Kind, Row, Run};
use crate::outcome::Outcome;

#[derive(Debug)]
pub(crate) enum Operation {
    Run(Run),
    Record(Row),
    Complete { name: String, body: Vec<u8>, ended: i64 },
}

/// Which of the operations starts an execution.
fn is_spawn(worker: &Worker, number: u64) -> bool {
    kind(worker, number).1 == Some(Kind::Execution)
}

/// The choices that are made first.
fn kind(worker: &Worker, number: u64) -> (Chance, Option<Kind>, bool) {
    let mut chance = Chance::of(worker.seed, &[worker.place, number]);
    let (kind, completes) = match chance.below(20) {
        0..=9 => (Some(Kind::Output), false),
        10..=12 => (Some(Kind::Synthesis), false),
        13..=15 => (Some(Kind::Execution), false),
        16..=18 => (None, true),
        _ => (None, false),
    };
    (chance, kind, completes)
}

fn name(worker: &Worker, number: u64) -> String {
    format!("own{}-{number}", worker.place)
}

impl Operation {
    pub(crate) fn of(worker: &Worker, number: u64) -> Self {
        let (mut chance, kind, completes) = kind(worker, number);
        // The newest that was started, whether it has ended or not.
        let started = (0..number).rev().take(30).find(|before| completes && is_spawn(worker, *before));
        match (kind, started) {
            (Some(kind), _) => {
                let mut row = Row::any(&mut chance, kind, name(worker, number), Author::Conclave);
                row.body = row.body.filter(|_| kind != Kind::Execution);
                Self::Record(row)
            }
            (None, Some(started)) => Self::Complete {
                name: name(worker, started),
                body: row::noise(&mut chance, 2000),
                ended: row::time(&mut chance),
            },
            (None, None) => Self::Run(Run::any(&mut chance, true)),
        }
    }

    pub(crate) fn effects(self) -> Vec<Effect> {
        match self {
            Self::Run(run) => vec![Effect::Run(run)],
            Self::Record(row) => vec![Effect::Run(row.run.clone()), Effect::Insert(row)],
            Self::Complete { name, body, ended } => vec![Effect::End { name, body, ended }],
        }
    }
}

/// A process of Conclave.
#[derive(Debug)]
pub(crate) struct Own {
    worker: Worker,
    db: Db,
}

impl Own {
    pub(crate) fn new(worker: Worker) -> Outcome<Self> {
        let db = super::open(&worker.folder)?;
        Ok(Self { worker, db })
    }

    fn run(&self, run: &Run, at: Option<i64>) -> Outcome<RunId> {
        Ok(record_run(
            &self.db,
            &RunRecord {
                run_id: run.id.clone().unwrap_or_default(),
                spec: run.spec.to_owned(),
                stage: run.stage.to_owned(),
                at,
                ..RunRecord::default()
            },
        )?)
    }

    fn record(&self, row: Row) -> Outcome<&'static str> {
        let run = self.run(&row.run, Some(row.at))?;
        let (at, write_key, agent) = (Some(row.at), Some(row.name.clone()), row.agent.to_owned());
        let content = row.body.unwrap_or_default();
        match row.kind {
            Kind::Output => {
                let (attempt, response) = (row.attempt, row.response);
                record_output(
                    &self.db,
                    &OutputRecord { run, agent, attempt, content, response, at, write_key },
                )?;
                Ok("output")
            }
            Kind::Synthesis => {
                let (output_markdown, status) = (String::from_utf8(content)?, Row::STATUS.to_owned());
                let synthesis =
                    SynthesisRecord { output_markdown, status, at, write_key, ..SynthesisRecord::default() };
                record_synthesis(&self.db, run, &synthesis)?;
                Ok("synthesis")
            }
            Kind::Execution => {
                let (attempt, phase_type) = (row.attempt, Row::PHASE_TYPE.to_owned());
                record_spawn(
                    &self.db,
                    &SpawnRecord { agent_id: row.name, run, agent, attempt, phase_type, at },
                )?;
                Ok("spawn")
            }
        }
    }
}

impl Work for Own {
    fn act(&mut self, number: u64) -> Outcome<String> {
        let word = match Operation::of(&self.worker, number) {
            Operation::Run(run) => {
                self.run(&run, None)?;
                "run"
            }
            Operation::Record(row) => self.record(row)?,
            Operation::Complete { name, body, ended } => {
                let completion = CompletionRecord {
                    agent_id: name,
                    response: Some(body),
                    at: Some(ended),
                    ..CompletionRecord::default()
                };
                record_completion(&self.db, &completion)?;
                "completion"
            }
        };
        Ok(word.to_owned())
    }
}
