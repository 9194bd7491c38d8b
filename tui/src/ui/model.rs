//! Everything that the screen is made of.

use conclave_consensus::migrate::Attention;
use conclave_consensus::runs::{RunDetail, RunId, RunStatus, RunSummary};

use super::effect::{Effect, Read, Work};
use super::keymap::{Place, When};
use super::live::{self, Live};
use super::overlay::Overlay;
use super::problem::Problem;
use super::screens::agents::Agents;
use super::screens::coordination::Coordination;
use super::screens::form::Form;
use super::screens::hosts::Hosts;
use super::screens::run::Run;
use super::screens::runs::Runs;
use super::screens::storage::Storage;
use super::screens::tasks::Tasks;
use super::theme::Theme;

/// The smallest size that is drawn.
pub(crate) const SMALLEST: (u16, u16) = (40, 10);

/// The screens that exist, with the number that reaches them.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Screen {
    Runs,
    Agents,
    Tasks,
    Coordination,
    Hosts,
    Storage,
}

impl Screen {
    pub(crate) const ALL: [(char, &'static str, Self); 6] = [
        ('1', "Runs", Self::Runs),
        ('2', "Agents", Self::Agents),
        ('3', "Tasks", Self::Tasks),
        ('4', "Coord", Self::Coordination),
        ('5', "Hosts", Self::Hosts),
        ('6', "Storage", Self::Storage),
    ];
}

/// What is known of the database.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum State {
    Opening,
    /// There is none: the welcome page.
    Absent,
    Ready,
    Failed(Problem),
}

/// A line above the footer that stays until a key is pressed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Notice {
    /// Something went well.
    Said(String),
    /// Something happened, which need not be good.
    News(String),
    Problem(Problem),
}

/// What is being done to an agent, beside other work.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Deed {
    pub(crate) work: Work,
    /// Since when, in milliseconds since 1970.
    pub(crate) since: i64,
}

/// Work that goes on.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Working {
    pub(crate) work: Work,
    pub(crate) done: u64,
    pub(crate) total: u64,
    pub(crate) phase: &'static str,
}

/// One check of the doctor.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct CheckRow {
    pub(crate) name: String,
    pub(crate) state: CheckState,
    pub(crate) detail: String,
    pub(crate) advice: Option<String>,
}

/// How a check ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum CheckState {
    Ok,
    Warn,
    Fail,
}

/// What does not change while the UI runs.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Setting {
    /// The project's folder, as it is shown.
    pub(crate) root: String,
    pub(crate) database: String,
    pub(crate) actor: String,
    pub(crate) read_only: bool,
    pub(crate) theme: Theme,
}

/// The model.
#[derive(Debug, Clone)]
pub(crate) struct Model {
    pub(crate) setting: Setting,
    pub(crate) size: (u16, u16),
    pub(crate) now_ms: i64,
    pub(crate) mouse: bool,
    pub(crate) state: State,
    pub(crate) screen: Screen,
    pub(crate) runs: Runs,
    /// The run that is open, over the list.
    pub(crate) run: Option<Run>,
    pub(crate) storage: Storage,
    pub(crate) tasks: Tasks,
    pub(crate) agents: Agents,
    pub(crate) coordination: Coordination,
    pub(crate) hosts: Hosts,
    pub(crate) overlay: Option<Overlay>,
    pub(crate) notice: Option<Notice>,
    /// What the last command said, for the palette.
    pub(crate) last_result: Option<String>,
    pub(crate) working: Option<Working>,
    /// What is being done to agents meanwhile.
    pub(crate) deeds: Vec<Deed>,
    /// The form of a new run, over everything.
    pub(crate) form: Option<Form>,
    /// What this process drives.
    pub(crate) live: Live,
    /// The run to show as soon as there is a state to read it from.
    pub(crate) first: Option<RunId>,
    /// The program ends as soon as it drives nothing any more.
    pub(crate) leaving: bool,
    pub(crate) needs: Vec<Attention>,
    /// How the program ends, once it does.
    pub(crate) exit: crate::failure::Exit,
    /// Whether the screen shows something else than at the last frame.
    pub(crate) dirty: bool,
}

impl Model {
    /// The model at the start, and what is to be done first.
    pub(crate) fn new(setting: Setting, size: (u16, u16), mouse: bool, now_ms: i64) -> (Self, Vec<Effect>) {
        let model = Self {
            setting,
            size,
            now_ms,
            mouse,
            state: State::Opening,
            screen: Screen::Runs,
            runs: Runs::default(),
            run: None,
            storage: Storage::default(),
            tasks: Tasks::default(),
            agents: Agents::default(),
            coordination: Coordination::default(),
            hosts: Hosts::default(),
            overlay: None,
            notice: None,
            last_result: None,
            working: None,
            deeds: Vec::new(),
            form: None,
            live: Live::default(),
            first: None,
            leaving: false,
            needs: Vec::new(),
            exit: crate::failure::Exit::Done,
            dirty: true,
        };
        (model, vec![Effect::Read(Read::Open)])
    }

    /// Where the keys go.
    pub(crate) fn place(&self) -> Place {
        match (&self.state, self.screen, &self.run) {
            (State::Absent, ..) => Place::Welcome,
            (State::Failed(_), ..) => Place::Trouble,
            _ if self.form.is_some() => Place::Form,
            (_, Screen::Storage, _) => Place::Storage,
            (_, Screen::Agents, _) if self.agents.form.is_some() => Place::SpawnForm,
            (_, Screen::Agents, _) if self.agents.diff.is_some() => Place::AgentDiff,
            (_, Screen::Agents, _) if self.agents.streams => Place::Stream,
            (_, Screen::Agents, _) => Place::Agents,
            (_, Screen::Coordination, _) if self.coordination.open.is_some() => Place::Lease,
            (_, Screen::Coordination, _) => Place::Leases,
            (_, Screen::Hosts, _) if self.hosts.form.is_some() => Place::AskForm,
            (_, Screen::Hosts, _) if self.hosts.shown_answer().is_some() => Place::ModelAnswer,
            (_, Screen::Hosts, _) if self.hosts.calls.is_some() => Place::HostCalls,
            (_, Screen::Hosts, _) => Place::Hosts,
            (_, Screen::Tasks, _) if self.tasks.form.is_some() => Place::TaskForm,
            (_, Screen::Tasks, _) if !self.tasks.open.is_empty() => Place::Task,
            (_, Screen::Tasks, _) => Place::Tasks,
            (_, Screen::Runs, Some(run)) if run.is_zoomed() => Place::Answer,
            (_, Screen::Runs, Some(_)) => Place::Run,
            (_, Screen::Runs, None) => Place::Runs,
        }
    }

    /// Whether something is shown whose times change with every second.
    pub(crate) fn ticks(&self) -> bool {
        // How long one is waited for is told.
        !self.deeds.is_empty()
            || self.state == State::Ready
                && match self.screen {
                    Screen::Runs => !self.live.is_empty() || self.shown().is_some_and(live::is_driven),
                    Screen::Tasks => self.tasks.ticks(),
                    Screen::Agents => self.agents.ticks(),
                    Screen::Coordination => self.coordination.ticks(),
                    Screen::Hosts => self.hosts.ticks(),
                    Screen::Storage => false,
                }
    }

    /// The run that is seen: the open one, else the one under the cursor.
    pub(crate) fn shown(&self) -> Option<&RunDetail> {
        let detail = match &self.run {
            Some(run) => run.detail.as_ref(),
            None => self.runs.preview.as_ref(),
        };
        detail.map(AsRef::as_ref)
    }

    /// Whether a binding with this condition does something now.
    pub(crate) fn is_so(&self, when: When) -> bool {
        let row = super::screens::runs::selected(&self.runs).filter(|_| self.run.is_none());
        // What is in the lower pane may still be the run before.
        let is_here = |detail: &&RunDetail| row.is_some_and(|row| row.id == detail.summary.id);
        let detail = self.shown().filter(|detail| self.run.is_some() || is_here(detail));
        match when {
            When::Always => true,
            When::AnyRun => row.is_some(),
            When::OpenRun => match detail {
                Some(detail) => live::is_open(detail),
                None => row.is_some_and(|row| row.status == RunStatus::Running),
            },
            When::LeftRun => match detail {
                Some(detail) => {
                    live::is_left(detail) || !live::is_open(detail) && self.is_left_step(&detail.summary)
                }
                None => row.is_some_and(|row| row.interrupted || self.is_left_step(row)),
            },
            When::AnyAgent => super::screens::agents::selected(&self.agents).is_some(),
            When::RegisteredAgent => super::screens::agents::selected(&self.agents)
                .is_some_and(super::screens::agents::Row::is_registered),
            When::LivingAgent => super::screens::agents::selected(&self.agents)
                .is_some_and(|row| row.is_registered() && row.may_live()),
            When::AgentWithWorktree => super::screens::agents::selected(&self.agents)
                .is_some_and(|row| row.is_registered() && !row.place.is_empty()),
            When::AgentWithBranch => super::screens::agents::selected(&self.agents)
                .is_some_and(|row| row.is_registered() && row.branch.is_some()),
            When::AnyLease => super::screens::coordination::selected(&self.coordination).is_some(),
            When::HeldLease => super::screens::coordination::selected(&self.coordination)
                .is_some_and(|row| row.held().next().is_some()),
            When::AnyHost => super::screens::hosts::selected(&self.hosts).is_some(),
            When::UnforcedHost => super::screens::hosts::selected(&self.hosts)
                .is_some_and(|host| host.breaker.state != "forced_open"),
            When::AnyAnswer => self.hosts.answer.is_some(),
            When::OpenQuestion => self.run.as_ref().is_some_and(|run| run.open_question().is_some()),
            When::WaitingEvents => self.storage.events_wait(),
            When::TrimmableSpool => self.storage.may_trim(),
            When::AnyCache => self.storage.cached().is_some_and(|entries| entries > 0),
            When::OldSchema => {
                matches!(&self.state, State::Failed(problem) if problem.kind == "needs-migration")
            }
        }
    }

    /// Whether a run belongs to a pipeline that somebody may go on with: it was begun on that way.
    fn is_left_step(&self, run: &RunSummary) -> bool {
        let leads = |need: &Attention| {
            need.kind == "pipeline"
                && need.name == run.spec
                && need.since.zip(run.started_at).is_some_and(|(since, started)| started >= since)
        };
        self.needs().any(leads)
    }

    /// Whether there is room for more than one line.
    pub(crate) const fn fits(&self) -> bool {
        self.size.0 >= SMALLEST.0 && self.size.1 >= SMALLEST.1
    }

    /// What waits for a person. An import that goes on here waits for nobody.
    pub(crate) fn needs(&self) -> impl Iterator<Item = &Attention> {
        let imports =
            self.working.as_ref().is_some_and(|working| matches!(working.work, Work::Import(_) | Work::Demo));
        self.needs.iter().filter(move |need| !(imports && need.kind == "import"))
    }

    /// Says something until the next key.
    pub(crate) fn say(&mut self, text: impl Into<String>) {
        let text = text.into();
        self.last_result = Some(text.clone());
        self.notice = Some(Notice::Said(text));
    }

    /// Tells what happened, good or not, until the next key.
    pub(crate) fn tell(&mut self, text: impl Into<String>) {
        let text = text.into();
        self.last_result = Some(text.clone());
        self.notice = Some(Notice::News(text));
    }

    /// Shows a failure until the next key.
    pub(crate) fn complain(&mut self, problem: Problem) {
        self.last_result = Some(problem.text.clone());
        self.notice = Some(Notice::Problem(problem));
    }
}
