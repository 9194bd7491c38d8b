//! Driving a run from where it stands to its verdict.

use std::sync::Arc;
use std::time::Duration;

use conclave_db::{Db, DbError, process};
use tokio::task::{JoinError, JoinSet};

use super::asking::{Asked, ask};
use super::driving::{Driveable, Driving};
use super::scratch;
use super::stage::Stage;
use super::stage_time::StageTime;
use super::writing::write;
use super::{Driven, Event, Owner, Session};
use crate::agents::AgentDefinition;
use crate::child;
use crate::error::{ConsensusError, Result};
use crate::runs::RunId;
use crate::stages;
use crate::store::workflow::{self as store, Past, Taken};

/// How often is looked whether somebody asked for the end of a run.
const LOOK: Duration = Duration::from_millis(250);

/// Drives a run from where it stands to its verdict: asks everybody in the roster who has not answered, stores every
/// attempt, and closes the run when all are done or its time is over. A run that nobody alive drives is taken up:
/// what is left of its processes is ended, attempts without an end are lost, answers are kept. One that is closed is
/// left alone.
///
/// What an event tells is durable before it is told. Dropped, the agents are killed and the run is left unfinished,
/// as after a crash.
///
/// # Errors
///
/// [`ConsensusError::Refused`] where a living process drives it, or one that cannot be seen from here, and for a run
/// that Conclave did not begin; [`ConsensusError::NotFound`]; failures of the storage, after which the run is left
/// unfinished. That agents fail is no error.
pub async fn drive(db: &Db, run: RunId, session: &Session) -> Result<Driven> {
    let _driving = Driving::begin(db, Driveable::Run(run))?;
    let me = process::current()?;
    let own = me.clone();
    match write(db, "take run", move |tx| store::take(tx, run, &own)).await? {
        Taken::Ours => {}
        Taken::Closed => return closed(db, run).await,
        Taken::Refused(owner) => return Err(driven_elsewhere(run, owner)),
    }
    let (driven, roster) = db
        .read_async(move |conn| {
            let driven = store::driven_run(conn, run)?;
            Ok::<_, ConsensusError>((store::must_be_there(driven, run)?, store::roster(conn, run)?))
        })
        .await?;
    let time = StageTime::begin(Arc::clone(db.clock()), Duration::from_millis(driven.timeout_ms));
    let stage = Arc::new(Stage {
        db: db.clone(),
        run,
        me: me.clone(),
        schema: stages::stage(&driven.stage).map(stages::Stage::schema),
        driven,
        session: session.clone(),
        time,
        stop: session.stop.below(),
    });
    session.tell(Event::Begun { run });
    let drove = match lose_dangling(&stage).await {
        Ok(()) => ask_all(&stage, &roster).await,
        Err(error) => Err(error),
    };
    let stopped = match drove {
        Ok(asked) => asked == Asked::Stopped,
        Err(error) => {
            release(&stage).await;
            return Err(error);
        }
    };
    let cancelled = db.read_async(move |conn| store::is_cancelled(conn, run)).await?;
    if stopped && !cancelled {
        release(&stage).await;
        return Ok(Driven::interrupted(run));
    }
    let verdict = write(db, "close run", move |tx| store::close(tx, run, &me)).await?;
    session.tell(Event::Closed { run, verdict: Box::new(verdict.clone()) });
    Ok(Driven::closed(run, verdict))
}

async fn closed(db: &Db, run: RunId) -> Result<Driven> {
    let verdict = db.read_async(move |conn| store::closed(conn, run)).await?;
    Ok(Driven { run, verdict })
}

/// That a run cannot be driven here.
fn driven_elsewhere(run: RunId, owner: Owner) -> ConsensusError {
    match owner {
        Owner::Unknown { pid } => ConsensusError::refused(
            format!("run {run} is driven by process {pid} of another container"),
            Some("end it where it runs: whether it still lives cannot be seen from here"),
        ),
        Owner::Alive { pid } => ConsensusError::refused(
            format!("run {run} is driven by process {pid}"),
            Some("wait for it, or end it there; `conclave runs show` follows it"),
        ),
        Owner::Nobody | Owner::Ended | Owner::Here => {
            ConsensusError::refused(format!("run {run} is driven by somebody else"), None)
        }
    }
}

/// Nobody drives it any more. Where that cannot be stored, it is found out when this process has ended.
async fn release(stage: &Stage) {
    let (run, me) = (stage.run, stage.me.clone());
    if let Err(error) = write(&stage.db, "release run", move |tx| store::release(tx, run, &me)).await {
        tracing::warn!(%error, %run, "failed to give up a run");
    }
}

/// Ends what is left of the processes of attempts that nobody drives any more, and marks these as lost.
async fn lose_dangling(stage: &Arc<Stage>) -> Result<()> {
    let run = stage.run;
    let past = stage.db.read_async(move |conn| store::past(conn, run)).await?;
    let dangling: Vec<Past> = past.into_iter().filter(|attempt| attempt.end.is_none()).collect();
    if dangling.is_empty() {
        return Ok(());
    }
    let mut leftovers = JoinSet::new();
    for attempt in &dangling {
        let (mark, process) = (stage.mark(&attempt.agent_id), attempt.process.clone());
        let grace = stage.time.lead();
        leftovers.spawn(async move {
            let ended = child::end_leftovers(&mark, process.as_ref(), grace).await;
            // A folder that stays is no reason to stop.
            let _ = tokio::task::spawn_blocking(move || scratch::clear(&mark)).await;
            ended
        });
    }
    for ended in leftovers.join_all().await {
        if ended.left > 0 {
            tracing::warn!(%run, left = ended.left, "processes of a lost attempt could not be ended");
        }
    }
    let ids: Vec<String> = dangling.into_iter().map(|attempt| attempt.agent_id).collect();
    let lost = move |tx: &conclave_db::WriteTx<'_>| {
        for id in &ids {
            store::lost(tx, run, id)?;
        }
        Ok(())
    };
    write(&stage.db, "lose attempts", lost).await
}

/// Asks everybody, all at once or one after the other, and sees to it that all end together.
async fn ask_all(stage: &Arc<Stage>, roster: &[AgentDefinition]) -> Result<Asked> {
    let mut agents = JoinSet::new();
    if stage.driven.sequential {
        let (stage, roster) = (Arc::clone(stage), roster.to_vec());
        agents.spawn(async move { one_after_the_other(&stage, &roster).await });
    } else {
        for definition in roster {
            let (stage, definition) = (Arc::clone(stage), definition.clone());
            agents.spawn(async move { ask_unless_answered(&stage, &definition, &[]).await });
        }
    }
    let mut outcome = Ok(Asked::Done);
    let mut look = tokio::time::interval(LOOK);
    loop {
        tokio::select! {
            ended = agents.join_next() => match ended {
                None => return outcome,
                Some(ended) => match ended.map_err(|error| panicked(&error)).flatten() {
                    Ok(Asked::Stopped) if outcome.is_ok() => outcome = Ok(Asked::Stopped),
                    Ok(_) => {}
                    // What cannot be stored need not be waited for.
                    Err(error) => {
                        stage.stop.cancel();
                        outcome = outcome.and(Err(error));
                    }
                },
            },
            _ = look.tick(), if !stage.stop.is_cancelled() => {
                let run = stage.run;
                match stage.db.read_async(move |conn| store::is_cancelled(conn, run)).await {
                    Ok(true) => stage.stop.cancel(),
                    Ok(false) => {}
                    Err(error) => tracing::warn!(%error, %run, "failed to look whether a run is cancelled"),
                }
            }
        }
    }
}

fn panicked(error: &JoinError) -> ConsensusError {
    ConsensusError::Storage(DbError::Panicked { label: "drive", message: error.to_string() })
}

/// Each gets what those before it answered. That one fails costs nobody else.
async fn one_after_the_other(stage: &Stage, roster: &[AgentDefinition]) -> Result<Asked> {
    for (place, definition) in roster.iter().enumerate() {
        let run = stage.run;
        let mut answers = stage.db.read_async(move |conn| store::answers(conn, run)).await?;
        let before = roster.iter().take(place);
        let earlier: Vec<_> = before.filter_map(|agent| answers.remove_entry(&agent.name)).collect();
        if ask_unless_answered(stage, definition, &earlier).await? == Asked::Stopped {
            return Ok(Asked::Stopped);
        }
    }
    Ok(Asked::Done)
}

async fn ask_unless_answered(
    stage: &Stage,
    definition: &AgentDefinition,
    earlier: &[(String, Vec<u8>)],
) -> Result<Asked> {
    let (run, name) = (stage.run, definition.name.clone());
    let (answered, past) = stage
        .db
        .read_async(move |conn| {
            let past = store::past(conn, run)?;
            let own: Vec<Past> = past.into_iter().filter(|attempt| attempt.agent == name).collect();
            Ok::<_, ConsensusError>((store::has_answered(conn, run, &name)?, own))
        })
        .await?;
    if answered {
        return Ok(Asked::Done);
    }
    ask(stage, definition, &past, earlier).await
}
