//! Where bindings hold.

/// Where a binding holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(crate) enum Place {
    /// Everywhere but in overlays.
    Global,
    /// Wherever something scrolls or has a cursor.
    Movement,
    /// The list of runs.
    Runs,
    /// One run.
    Run,
    /// One answer at full width.
    Answer,
    /// The form of a new run: its keys are its own, these are written in footer and help.
    Form,
    /// The list of agents.
    Agents,
    /// The log of one agent.
    Stream,
    /// What an agent has changed.
    AgentDiff,
    /// The form of a new agent: its keys are its own, these are written in footer and help.
    SpawnForm,
    /// The lists of tasks.
    Tasks,
    /// One task.
    Task,
    /// The form of a task: its keys are its own, these are written in footer and help.
    TaskForm,
    /// The list of leases.
    Leases,
    /// Who holds one lease.
    Lease,
    /// The list of hosts of models.
    Hosts,
    /// The calls of one host.
    HostCalls,
    /// The form of a question to a model: its keys are its own, these are written in footer and help.
    AskForm,
    /// The answer of a model.
    ModelAnswer,
    /// The storage screen.
    Storage,
    /// A folder without state.
    Welcome,
    /// A state that cannot be used as it is.
    Trouble,
}

impl Place {
    /// All places, in the order of the help.
    pub(crate) const ALL: [Self; 22] = [
        Self::Runs,
        Self::Run,
        Self::Answer,
        Self::Form,
        Self::Agents,
        Self::Stream,
        Self::AgentDiff,
        Self::SpawnForm,
        Self::Tasks,
        Self::Task,
        Self::TaskForm,
        Self::Leases,
        Self::Lease,
        Self::Hosts,
        Self::HostCalls,
        Self::AskForm,
        Self::ModelAnswer,
        Self::Storage,
        Self::Welcome,
        Self::Trouble,
        Self::Movement,
        Self::Global,
    ];

    /// The heading above its keys.
    pub(crate) const fn heading(self) -> &'static str {
        match self {
            Self::Global => "Everywhere",
            Self::Movement => "Moving",
            Self::Runs => "Runs",
            Self::Run => "A run",
            Self::Answer => "An answer",
            Self::Form => "A new run",
            Self::Agents => "Agents",
            Self::Stream => "The log of an agent",
            Self::AgentDiff => "The changes of an agent",
            Self::SpawnForm => "A new agent",
            Self::Tasks => "Tasks",
            Self::Task => "A task",
            Self::TaskForm => "A new or changed task",
            Self::Leases => "Coordination",
            Self::Lease => "A lease",
            Self::Hosts => "Hosts",
            Self::HostCalls => "The calls of a host",
            Self::AskForm => "A question to a model",
            Self::ModelAnswer => "The answer of a model",
            Self::Storage => "Storage",
            Self::Welcome => "Start",
            Self::Trouble => "The state cannot be used",
        }
    }
}
