//! Reading: lists by keyset, one run whole, one output's bytes.

use std::collections::BTreeMap;
use std::fmt;

use conclave_db::{Db, ErrorKind, ReadConn};
use serde::Serialize;

use crate::agents::Usage;
use crate::error::{ConsensusErrorKind, Result};
use crate::shadow;
use crate::store::control::Phase;
use crate::store::reading::{self, Lead, View};
use crate::store::workflow;
use crate::verdict::{Unusable, Verdict};
use crate::workflow::{AgentState, AttemptDetails, RosterEntry, RunSettings};

/// The number of a run, as printed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize)]
#[serde(transparent)]
pub struct RunId(pub i64);

impl fmt::Display for RunId {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(formatter)
    }
}

/// What is known of a run's outcome.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum RunStatus {
    /// The agents agree.
    Ok,
    /// Agents contradict each other.
    Conflict,
    /// Usable, but something expected is missing.
    Degraded,
    /// Too few usable answers.
    Insufficient,
    /// Nobody answered and nobody was expected; as a claim: words that mean nothing here.
    Unknown,
    /// Not ended yet.
    Running,
}

impl RunStatus {
    /// All, in the order of the command line's help.
    pub const ALL: [Self; 6] =
        [Self::Ok, Self::Conflict, Self::Degraded, Self::Insufficient, Self::Unknown, Self::Running];

    /// The word for it in JSON and in the database.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Ok => "ok",
            Self::Conflict => "conflict",
            Self::Degraded => "degraded",
            Self::Insufficient => "insufficient",
            Self::Unknown => "unknown",
            Self::Running => "running",
        }
    }

    /// The status behind a word.
    pub fn parse(text: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|status| status.as_str() == text)
    }
}

impl fmt::Display for RunStatus {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.pad(self.as_str())
    }
}

/// Which runs a list shows. Everything that is absent does not narrow.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct RunFilter {
    /// Exactly this spec.
    pub spec: Option<String>,
    /// This stage, in either spelling.
    pub stage: Option<String>,
    /// This status, as computed.
    pub status: Option<RunStatus>,
}

/// Where a page ended: the next one begins after it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct RunCursor {
    /// When the last run of the page started, ms.
    pub started_at: Option<i64>,
    /// The last run of the page.
    pub id: RunId,
}

impl From<&RunSummary> for RunCursor {
    fn from(run: &RunSummary) -> Self {
        Self { started_at: run.started_at, id: run.id }
    }
}

/// One line of a list.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct RunSummary {
    /// Its number; negative where only legacy rows know the run.
    pub id: RunId,
    /// Its key; bytes that are no UTF-8 are replaced.
    pub run_key: String,
    /// The spec.
    pub spec: String,
    /// The stage in canonical form.
    pub stage: String,
    /// What is computed of its outcome, or that it is under way; unknown where nobody answered and nobody was
    /// expected.
    pub status: RunStatus,
    /// Whether it is under way and nobody drives it, so that it is to be taken up again: judged at every read.
    pub interrupted: bool,
    /// Whether the status is ok; absent where it is not known.
    pub consensus_ok: Option<bool>,
    /// Whether the status is degraded; absent where it is not known.
    pub degraded: Option<bool>,
    /// The status that the newest synthesis claims, in its words; without one, what was recorded with the run.
    pub recorded: Option<String>,
    /// How many outputs it has.
    pub output_count: u64,
    /// Who answered or was started, by name, each once.
    pub agents: Vec<String>,
    /// The smallest known time of its rows, ms.
    #[serde(serialize_with = "crate::time::serialize")]
    pub started_at: Option<i64>,
    /// The greatest known time of its rows, ms.
    #[serde(serialize_with = "crate::time::serialize")]
    pub updated_at: Option<i64>,
    /// The file that it was imported from.
    pub source: Option<String>,
}

impl RunSummary {
    /// How it stands, in a word for people.
    pub const fn word(&self) -> &'static str {
        if self.interrupted { "interrupted" } else { self.status.as_str() }
    }
}

/// One answer.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct OutputDetail {
    /// Its number; negative where only the legacy tables have it.
    pub id: i64,
    /// Who answered.
    pub agent: String,
    /// The model that the content names.
    pub model_version: Option<String>,
    /// Which attempt, from 1.
    pub attempt: i64,
    /// Which answer of the attempt, from 1, in order of arrival.
    pub sequence: i64,
    /// `completed`, or what else became of it.
    pub state: String,
    /// Bytes of the content.
    pub bytes: u64,
    /// Whether the content is JSON.
    pub valid_json: bool,
    /// Why the content cannot count at the run's stage. In JSON the verdict says it, of the answers that were judged.
    #[serde(skip)]
    pub unusable: Option<Unusable>,
    /// The answer; bytes that are no UTF-8 are replaced.
    pub content: String,
    /// The raw text that it was taken from.
    pub response_text: Option<String>,
    /// When it came, ms.
    #[serde(serialize_with = "crate::time::serialize")]
    pub completed_at: Option<i64>,
}

/// One agent that was started.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct AttemptDetail {
    /// Its own id.
    pub agent_id: String,
    /// The agent's name.
    pub agent: String,
    /// Which attempt of this agent in the run, from 1.
    pub attempt: i64,
    /// `regular_stage` or `quality_gate`.
    pub phase_type: Option<String>,
    /// `spawned`, `completed`, `failed`, or what else became of it.
    pub state: String,
    /// When it was started, ms.
    #[serde(serialize_with = "crate::time::serialize")]
    pub spawned_at: Option<i64>,
    /// When it ended, ms.
    #[serde(serialize_with = "crate::time::serialize")]
    pub completed_at: Option<i64>,
    /// How it exited.
    pub exit_code: Option<i64>,
    /// The signal that ended it.
    pub signal: Option<i64>,
    /// Why no answer could be taken from its text.
    pub extraction_error: Option<String>,
    /// Its raw text.
    pub response_text: Option<String>,
    /// What is known beyond that where Conclave drove it.
    #[serde(flatten)]
    pub details: AttemptDetails,
}

/// A run with everything that hangs on it.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct RunDetail {
    /// As in a list.
    #[serde(flatten)]
    pub summary: RunSummary,
    /// Its outputs, by time, then by arrival.
    pub outputs: Vec<OutputDetail>,
    /// The synthesis as JSON: an object, or text where it is none.
    pub synthesis: Option<serde_json::Value>,
    /// The agents that were started.
    pub attempts: Vec<AttemptDetail>,
    /// What it was begun with and where it stands; absent for a run that Conclave did not drive.
    pub settings: Option<RunSettings>,
    /// Who is expected to answer, in order; empty for a run that Conclave did not drive.
    pub roster: Vec<RosterEntry>,
    /// What its attempts used up together, as far as they say it.
    pub usage: Usage,
    /// Computed from the outputs and the roster; absent where there are neither, and while the run is under way.
    pub verdict: Option<Verdict>,
}

/// The bytes of one output.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OutputContent {
    /// Its number.
    pub id: i64,
    /// Who answered.
    pub agent: String,
    /// Which attempt, from 1.
    pub attempt: i64,
    /// Which answer of the attempt, from 1.
    pub sequence: i64,
    /// Whether the content is JSON.
    pub valid_json: bool,
    /// The answer, as stored.
    pub content: Vec<u8>,
    /// The raw text, as stored.
    pub response: Option<Vec<u8>>,
}

/// Where an agent of a run stands, for a list.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct AgentMark {
    /// Its name.
    pub agent: String,
    /// Where it stands.
    pub stand: Stand,
    /// How many attempts there were.
    pub attempts: u64,
}

/// How far an agent of a run is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Stand {
    /// It answered, with something that counts.
    Answered,
    /// It answered with something that does not count.
    Unusable,
    /// It is at it.
    Running,
    /// It failed, and is asked again.
    Retrying,
    /// It failed.
    Failed,
    /// Nothing came of it, or not yet.
    Nothing,
}

impl From<AgentState> for Stand {
    fn from(state: AgentState) -> Self {
        match state {
            AgentState::Answered => Self::Answered,
            AgentState::Running => Self::Running,
            AgentState::Retrying => Self::Retrying,
            AgentState::Failed => Self::Failed,
            AgentState::Waiting | AgentState::Left => Self::Nothing,
        }
    }
}

/// What a run's name leads to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Found {
    /// One run.
    One(RunId),
    /// Several begin like this: the first of them, newest first.
    Ambiguous(Vec<RunSummary>),
    /// Nothing.
    None,
}

/// How many candidates an ambiguous name lists.
const CANDIDATES: usize = 20;

/// A read on the side that the phase names, now and then compared with the other one; from the legacy tables where
/// the new ones cannot be read. `touched` gives the runs that an answer is about.
fn read<T: PartialEq>(
    db: &Db,
    what: &'static str,
    touched: impl Fn(&T) -> Vec<RunId>,
    query: impl Fn(&ReadConn<'_>, View) -> Result<T>,
) -> Result<T> {
    let mut view = None;
    let answer = db.read(|conn| {
        let asked = View::of(conn)?;
        view = Some(asked);
        let answer = query(conn, asked)?;
        if asked.phase == Phase::DualWrite && asked.lead == Lead::Legacy && shadow::watched(db).is_due() {
            compare(db, conn, asked, what, &answer, &touched, &query);
        }
        Ok(answer)
    });
    let Err(error) = answer else { return answer };
    let unreadable =
        matches!(error.kind(), ConsensusErrorKind::Storage(ErrorKind::Corrupt | ErrorKind::Statement));
    let Some(view) = view.filter(|view| unreadable && view.legacy) else { return Err(error) };
    let alone = view.believing(Lead::LegacyAlone);
    let Ok(answer) = db.read(|conn| query(conn, alone)) else { return Err(error) };
    tracing::warn!(%error, what, "the new tables cannot be read; the legacy tables answer");
    shadow::watched(db).fell_back();
    Ok(answer)
}

/// Makes the read on the new side too. Whatever comes of it, the answer of the legacy side stands.
fn compare<T: PartialEq>(
    db: &Db,
    conn: &ReadConn<'_>,
    view: View,
    what: &'static str,
    answer: &T,
    touched: &impl Fn(&T) -> Vec<RunId>,
    query: &impl Fn(&ReadConn<'_>, View) -> Result<T>,
) {
    let watched = shadow::watched(db);
    watched.compared();
    let other = match query(conn, view.believing(Lead::New)) {
        Ok(other) if other == *answer => return,
        Ok(other) => touched(&other),
        Err(error) => {
            tracing::warn!(%error, what, "the new tables cannot be read");
            watched.differed(Vec::new());
            return;
        }
    };
    let mut runs = touched(answer);
    runs.extend(other);
    runs.sort_unstable();
    runs.dedup();
    let mut findings = Vec::new();
    for run in runs {
        if findings.len() < FINDINGS {
            findings.extend(reading::shadow::differences(conn, view, run).unwrap_or_default());
        }
    }
    tracing::warn!(what, ?findings, "a read differs between the legacy and the new side");
    watched.differed(findings);
}

/// Most findings that one read looks for.
const FINDINGS: usize = 20;

/// Runs, newest first, those without a known time last; after `cursor`, at most `limit`.
pub fn list(
    db: &Db,
    filter: &RunFilter,
    cursor: Option<&RunCursor>,
    limit: Option<usize>,
) -> Result<Vec<RunSummary>> {
    let touched = |runs: &Vec<RunSummary>| runs.iter().map(|run| run.id).collect();
    read(db, "list", touched, |conn, view| reading::list(conn, view, filter, cursor, limit))
}

/// How many runs there are.
pub fn count(db: &Db, filter: &RunFilter) -> Result<u64> {
    read(db, "count", |_| Vec::new(), |conn, view| reading::count(conn, view, filter))
}

/// The run behind a name: the number as printed, or a unique prefix of the run key, with `/stage` when the
/// key spans stages. An exact number or key always wins.
pub fn find(db: &Db, text: &str) -> Result<Found> {
    read(
        db,
        "find",
        |_| Vec::new(),
        |conn, view| {
            // Digits alone, behind a minus where only legacy rows know the run: "+5" is how a key may begin, but no
            // number as printed.
            let digits = text.strip_prefix('-').unwrap_or(text).bytes().all(|byte| byte.is_ascii_digit());
            if let Some(number) = text.parse::<i64>().ok().filter(|_| digits)
                && let Some(run) = reading::locate(conn, view, RunId(number))?
            {
                return Ok(Found::One(run.summary.id));
            }
            if text.is_empty() {
                return Ok(Found::None);
            }
            let staged = text.rsplit_once('/').filter(|(key, _)| !key.is_empty());
            for exact in [true, false] {
                // A key may hold a slash itself: the whole text is tried before its part.
                let whole = (text, None);
                let parts = staged.map(|(key, stage)| (key, Some(stage)));
                for (key, stage) in std::iter::once(whole).chain(parts) {
                    let mut runs = reading::by_key(conn, view, key, exact, stage, CANDIDATES)?;
                    match runs.len() {
                        0 => {}
                        1 => return Ok(Found::One(runs.remove(0).id)),
                        _ => return Ok(Found::Ambiguous(runs)),
                    }
                }
            }
            Ok(Found::None)
        },
    )
}

/// A run with everything that hangs on it, of one moment.
pub fn show(db: &Db, id: RunId) -> Result<Option<RunDetail>> {
    let touched = |run: &Option<RunDetail>| run.iter().map(|run| run.summary.id).collect();
    read(db, "show", touched, |conn, view| {
        let Some(mut run) = reading::locate(conn, view, id)? else { return Ok(None) };
        let synthesis = reading::synthesis(conn, view, &run)?
            .map(|text| serde_json::from_str(&text).unwrap_or(serde_json::Value::String(text)));
        let attempts = reading::attempts(conn, view, &run)?;
        let verdict = reading::verdict(conn, view, &mut run, &attempts)?;
        let (settings, roster) = reading::driven(conn, view, &run, &attempts)?;
        Ok(Some(RunDetail {
            outputs: reading::outputs(conn, view, &run)?,
            synthesis,
            usage: attempts.iter().fold(Usage::default(), |sum, attempt| sum.and(&attempt.details.usage)),
            attempts,
            settings,
            roster,
            verdict,
            summary: run.summary,
        }))
    })
}

/// Where the agents of some runs stand, those of the roster first and in its order. Runs that only legacy rows know
/// are left out.
pub fn marks(db: &Db, runs: &[RunId]) -> Result<BTreeMap<RunId, Vec<AgentMark>>> {
    db.read(|conn| reading::marks(conn, runs))
}

/// One output's bytes: the newest of the agent unless attempt or sequence say otherwise. The agent's name is
/// taken as bytes, since a stored one may be no UTF-8.
pub fn output(
    db: &Db,
    id: RunId,
    agent: impl AsRef<[u8]>,
    attempt: Option<i64>,
    sequence: Option<i64>,
) -> Result<Option<OutputContent>> {
    let touched = |output: &Option<OutputContent>| output.iter().map(|_| id).collect();
    read(db, "output", touched, |conn, view| {
        let Some(run) = reading::locate(conn, view, id)? else { return Ok(None) };
        reading::output(conn, view, &run, agent.as_ref(), attempt, sequence)
    })
}

/// The newest synthesis of the runs of a spec and stage, with its run; later outputs do not hide it.
pub fn latest_synthesis(db: &Db, spec: &str, stage: &str) -> Result<Option<(RunId, String)>> {
    let touched = |found: &Option<(RunId, String)>| found.iter().map(|(id, _)| *id).collect();
    read(db, "latest synthesis", touched, |conn, view| reading::latest_synthesis(conn, view, spec, stage))
}

/// Deletes a run with everything that hangs on it, in every phase on both sides; gives whether there was one. What a
/// live process drives is refused; processes that a dead one left are ended first, which takes some seconds where they
/// resist. Durable when it returns.
pub fn delete(db: &Db, id: RunId) -> Result<bool> {
    crate::workflow::end_before_delete(db, id)?;
    db.write("delete run", move |tx| workflow::delete(tx, id))
}
