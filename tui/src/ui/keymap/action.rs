//! What bindings do, and when they do something.

/// What a key or a command does.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(crate) enum Action {
    Quit,
    Help,
    Palette,
    NeedsYou,
    GoRuns,
    GoAgents,
    GoTasks,
    GoCoordination,
    GoHosts,
    GoStorage,
    Up,
    Down,
    PageUp,
    PageDown,
    Top,
    Bottom,
    Enter,
    Back,
    NextPane,
    NextTab,
    PreviousTab,
    Filter,
    Mark,
    Export,
    Copy,
    Diff,
    New,
    Cancel,
    GoOn,
    Auto,
    Reply,
    Delete,
    Editor,
    Choose,
    Start,
    Fold,
    FoldAll,
    Raw,
    NextMatch,
    PreviousMatch,
    OpenTask,
    ClaimTask,
    CloseTask,
    ReopenTask,
    EditTask,
    NewTask,
    DependTask,
    DeleteTask,
    FilterTasks,
    SearchTasks,
    ReadyTasks,
    BlockedTasks,
    SortTasks,
    StreamAgent,
    HoldLog,
    SearchLog,
    FilterAgents,
    StopAgent,
    DiffAgent,
    MergeAgent,
    CleanUpAgent,
    SpawnAgent,
    SetAgent,
    StartArchitect,
    CleanUpPorts,
    ReleasePorts,
    OpenLease,
    BreakLease,
    FilterLeases,
    OpenCalls,
    CheckHost,
    OpenHost,
    CloseHost,
    ResetHost,
    AskModel,
    ShowAnswer,
    CopyLine,
    Refresh,
    Mouse,
    Suspend,
    Vacuum,
    Backup,
    Checkpoint,
    Doctor,
    Convert,
    Verify,
    Backfill,
    Advance,
    RollBack,
    Repair,
    Pause,
    Resume,
    FlushSpool,
    TrimSpool,
    ClearCache,
    Migrate,
    Init,
    Demo,
    Import,
    #[cfg(debug_assertions)]
    Panic,
}

/// When a binding does something at its place. The footer leaves it out where it would not; the key says why.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum When {
    Always,
    /// There is a run to do it with.
    AnyRun,
    /// The run that is looked at is not closed.
    OpenRun,
    /// The run that is looked at is not closed, and nobody drives it.
    LeftRun,
    /// A question of the run waits for an answer.
    OpenQuestion,
    /// There is an agent to do it with.
    AnyAgent,
    /// There is one that the registry has.
    RegisteredAgent,
    /// There is one that runs, as far as anybody knows.
    LivingAgent,
    /// There is one with a worktree.
    AgentWithWorktree,
    /// There is one with a branch.
    AgentWithBranch,
    /// There is a lease to do it with.
    AnyLease,
    /// The lease that is looked at is held.
    HeldLease,
    /// There is a host to do it with.
    AnyHost,
    /// There is one whose breaker is not open by hand.
    UnforcedHost,
    /// Something was asked from here.
    AnyAnswer,
    /// The state has an older schema.
    OldSchema,
    /// Something waits in the spool.
    WaitingEvents,
    /// Files of the spool may go.
    TrimmableSpool,
    /// There is a cache with something in it.
    AnyCache,
}
