//! The table itself.

use ratatui::crossterm::event::KeyCode;

use super::{Action, Binding, Place, When, bind};
use crate::ui::keys::Key;

const fn key(character: char) -> Key {
    Key::char(character)
}

const UP: Key = Key::of(KeyCode::Up);
const DOWN: Key = Key::of(KeyCode::Down);
const LEFT: Key = Key::of(KeyCode::Left);
const RIGHT: Key = Key::of(KeyCode::Right);
const ENTER: Key = Key::of(KeyCode::Enter);
const ESCAPE: Key = Key::of(KeyCode::Esc);
const TAB: Key = Key::of(KeyCode::Tab);
const BACK_TAB: Key = Key::of(KeyCode::BackTab);
const PAGE_UP: Key = Key::of(KeyCode::PageUp);
const PAGE_DOWN: Key = Key::of(KeyCode::PageDown);
const HOME: Key = Key::of(KeyCode::Home);
const END: Key = Key::of(KeyCode::End);

/// The table. Within a place the order is that of the footer and of the help.
pub(crate) const BINDINGS: &[Binding] = &[
    bind(Place::Runs, &[ENTER, key('l'), RIGHT], Action::Enter, "open", "Open the run under the cursor")
        .command("runs show")
        .argument("RUN")
        .when(When::AnyRun),
    bind(Place::Runs, &[key('n')], Action::New, "new run", "Start a run: a form that shows its command line")
        .command("run")
        .argument("SPEC")
        .writes(),
    bind(Place::Runs, &[key('c')], Action::Cancel, "cancel", "Close the run with the answers that it has")
        .command("runs cancel")
        .argument("RUN")
        .writes()
        .when(When::OpenRun),
    bind(
        Place::Runs,
        &[key('r')],
        Action::GoOn,
        "resume",
        "Go on with a run that nobody drives, or with all",
    )
    .command("resume")
    .argument("RUN")
    .writes()
    .when(When::LeftRun),
    bind(Place::Runs, &[], Action::Auto, "", "Lead a spec through its stages, or go on with it")
        .command("auto")
        .argument("SPEC")
        .writes(),
    bind(Place::Runs, &[], Action::Delete, "", "Delete a run with everything that belongs to it")
        .command("runs delete")
        .argument("RUN")
        .writes(),
    bind(Place::Runs, &[key(' ')], Action::Mark, "mark", "Mark the run, for export").when(When::AnyRun),
    bind(
        Place::Runs,
        &[key('e')],
        Action::Export,
        "export",
        "Export the run, or all that are marked, to files here",
    )
    .command("runs export")
    .argument("RUN")
    .when(When::AnyRun),
    bind(
        Place::Runs,
        &[key('/')],
        Action::Filter,
        "filter",
        "Filter: words, and spec: stage: status: agent: key:",
    )
    .command("runs list")
    .argument("FILTER"),
    bind(Place::Runs, &[key('y')], Action::Copy, "", "Copy the run's key to the clipboard"),
    bind(Place::Run, &[ENTER], Action::Enter, "open", "Read the answer at full width"),
    bind(Place::Run, &[RIGHT, key('l')], Action::NextTab, "tab", "The next tab"),
    bind(Place::Run, &[LEFT, key('h')], Action::PreviousTab, "", "The tab before"),
    bind(Place::Run, &[TAB, BACK_TAB], Action::NextPane, "pane", "Change between the list and the text"),
    bind(Place::Run, &[key('d')], Action::Diff, "diff", "Compare two answers; again: the next two")
        .command("runs diff")
        .argument("RUN"),
    bind(Place::Run, &[key('a')], Action::Reply, "answer", "Answer an open question of the gate")
        .command("runs answer")
        .argument("RUN")
        .writes()
        .when(When::OpenQuestion),
    bind(Place::Run, &[key('c')], Action::Cancel, "cancel", "Close the run with the answers that it has")
        .writes()
        .when(When::OpenRun),
    bind(Place::Run, &[key('r')], Action::GoOn, "resume", "Go on with the run, where nobody drives it")
        .writes()
        .when(When::LeftRun),
    bind(Place::Run, &[key('y')], Action::Copy, "copy", "Copy the text to the clipboard"),
    bind(Place::Run, &[key('e')], Action::Export, "export", "Export the run to files in the current folder"),
    bind(Place::Run, &[key('z')], Action::Fold, "", "Fold or unfold the JSON at the top line"),
    bind(Place::Run, &[key('Z')], Action::FoldAll, "", "Fold or unfold all JSON"),
    bind(Place::Run, &[key('R')], Action::Raw, "raw", "Change between the JSON tree and the text as it is"),
    bind(Place::Run, &[key('/')], Action::Filter, "search", "Search in the text"),
    bind(Place::Run, &[key('n')], Action::NextMatch, "", "The next match, or the next difference"),
    bind(Place::Run, &[key('N')], Action::PreviousMatch, "", "The match before"),
    bind(Place::Run, &[ESCAPE], Action::Back, "back", "Back to the list"),
    bind(Place::Answer, &[key('z'), ENTER], Action::Fold, "fold", "Fold or unfold the JSON at the top line"),
    bind(Place::Answer, &[key('Z')], Action::FoldAll, "all", "Fold or unfold all JSON"),
    bind(Place::Answer, &[key('/')], Action::Filter, "search", "Search in the text"),
    bind(Place::Answer, &[key('n')], Action::NextMatch, "", "The next match of the search"),
    bind(Place::Answer, &[key('N')], Action::PreviousMatch, "", "The match before"),
    bind(Place::Answer, &[key('R')], Action::Raw, "", "Change between the JSON tree and the text as it is"),
    bind(Place::Answer, &[key('y')], Action::Copy, "copy", "Copy the text to the clipboard"),
    bind(Place::Answer, &[ESCAPE], Action::Back, "back", "Back to the run"),
    bind(Place::Form, &[ENTER], Action::Start, "start", "Start the run"),
    bind(Place::Form, &[TAB, DOWN, UP], Action::NextPane, "field", "The next field, or the one before"),
    bind(Place::Form, &[key(' ')], Action::Choose, "choose", "Choose the agent, or leave it out"),
    bind(Place::Form, &[Key::control('o')], Action::Editor, "editor", "Write the prompt in $EDITOR"),
    bind(Place::Form, &[Key::control('y')], Action::Copy, "copy", "Copy the command line of this run"),
    bind(Place::Form, &[ESCAPE], Action::Back, "leave", "Leave the form; nothing is started"),
    bind(
        Place::Agents,
        &[ENTER, TAB],
        Action::StreamAgent,
        "stream",
        "The agent's log over the whole screen",
    )
    .command("agents log")
    .argument("AGENT")
    .when(When::AnyAgent),
    bind(Place::Agents, &[key('s')], Action::StopAgent, "stop", "Stop the agent")
        .command("stop")
        .argument("AGENT")
        .writes()
        .when(When::LivingAgent),
    bind(Place::Agents, &[key('d')], Action::DiffAgent, "diff", "What it has changed in its worktree")
        .command("agents diff")
        .argument("AGENT")
        .when(When::AgentWithWorktree),
    bind(
        Place::Agents,
        &[key('m')],
        Action::MergeAgent,
        "merge",
        "Merge its branch into the one checked out here",
    )
    .command("agents merge")
    .argument("AGENT")
    .writes()
    .when(When::AgentWithBranch),
    bind(
        Place::Agents,
        &[key('x')],
        Action::CleanUpAgent,
        "clean up",
        "End what runs in its worktree; remove both",
    )
    .command("cleanup")
    .argument("AGENT")
    .writes()
    .when(When::RegisteredAgent),
    bind(
        Place::Agents,
        &[key('n')],
        Action::SpawnAgent,
        "spawn",
        "Spawn an agent: a form that shows its command line",
    )
    .command("spawn")
    .argument("TASK")
    .writes(),
    bind(
        Place::Agents,
        &[key('/')],
        Action::FilterAgents,
        "filter",
        "Filter: words, and kind: type: life: status:",
    ),
    bind(Place::Agents, &[key('f')], Action::HoldLog, "", "Hold the log below, or follow it again"),
    bind(Place::Agents, &[key('y')], Action::Copy, "", "Copy the agent's id to the clipboard"),
    bind(Place::Agents, &[], Action::SetAgent, "", "Say how far a builder is: spawning … complete")
        .command("agents set")
        .argument("AGENT STATUS")
        .writes(),
    bind(Place::Agents, &[], Action::StartArchitect, "", "How an architect is started: in a shell")
        .command("start"),
    bind(Place::Stream, &[key('f')], Action::HoldLog, "hold", "Hold the log, or follow it again"),
    bind(Place::Stream, &[key('/')], Action::SearchLog, "search", "Search in all of the log, upwards"),
    bind(Place::Stream, &[key('N')], Action::PreviousMatch, "", "The match above"),
    bind(Place::Stream, &[key('n')], Action::NextMatch, "", "The match below"),
    bind(Place::Stream, &[key('s')], Action::StopAgent, "stop", "Stop the agent")
        .writes()
        .when(When::LivingAgent),
    bind(Place::Stream, &[key('d')], Action::DiffAgent, "diff", "What it has changed in its worktree")
        .when(When::AgentWithWorktree),
    bind(Place::Stream, &[key('y')], Action::Copy, "", "Copy the agent's id to the clipboard"),
    bind(Place::Stream, &[ESCAPE, TAB], Action::Back, "back", "Back to the list"),
    bind(Place::AgentDiff, &[key('/')], Action::SearchLog, "search", "Search in the changes"),
    bind(Place::AgentDiff, &[key('n')], Action::NextMatch, "", "The next match"),
    bind(Place::AgentDiff, &[key('N')], Action::PreviousMatch, "", "The match before"),
    bind(
        Place::AgentDiff,
        &[key('m')],
        Action::MergeAgent,
        "merge",
        "Merge its branch into the one checked out here",
    )
    .writes(),
    bind(Place::AgentDiff, &[key('y')], Action::Copy, "copy", "Copy the changes to the clipboard"),
    bind(Place::AgentDiff, &[ESCAPE], Action::Back, "back", "Back to where one came from"),
    bind(Place::SpawnForm, &[ENTER], Action::Start, "spawn", "Spawn the agent"),
    bind(Place::SpawnForm, &[TAB, DOWN, UP], Action::NextPane, "field", "The next field, or the one before"),
    bind(
        Place::SpawnForm,
        &[LEFT, RIGHT, key(' ')],
        Action::Choose,
        "choose",
        "The other choice of the field",
    ),
    bind(Place::SpawnForm, &[Key::control('y')], Action::Copy, "copy", "Copy the command line of this agent"),
    bind(Place::SpawnForm, &[ESCAPE], Action::Back, "leave", "Leave the form; nothing is spawned"),
    bind(Place::Tasks, &[ENTER], Action::OpenTask, "open", "Everything about the task under the cursor")
        .command("task show")
        .argument("TASK"),
    bind(Place::Tasks, &[key('c')], Action::ClaimTask, "claim", "Claim the task: one gets it")
        .command("task claim")
        .argument("TASK")
        .writes(),
    bind(Place::Tasks, &[key('x')], Action::CloseTask, "close", "Close the task")
        .command("task close")
        .argument("TASK")
        .writes(),
    bind(
        Place::Tasks,
        &[key('n')],
        Action::NewTask,
        "new",
        "Make a task: a form that shows its command line",
    )
    .command("task create")
    .argument("TITLE")
    .writes(),
    bind(Place::Tasks, &[TAB, RIGHT, key('l')], Action::NextTab, "list", "The next list"),
    bind(Place::Tasks, &[BACK_TAB, LEFT, key('h')], Action::PreviousTab, "", "The list before"),
    bind(
        Place::Tasks,
        &[key('/')],
        Action::FilterTasks,
        "filter",
        "Filter: words, label: who: p: type: status: id: text:",
    )
    .command("task list")
    .argument("FILTER"),
    bind(Place::Tasks, &[key('e')], Action::EditTask, "edit", "Change the task in a form")
        .command("task update")
        .argument("TASK")
        .writes(),
    bind(Place::Tasks, &[key('d')], Action::DependTask, "depends", "Say which other task this one waits for")
        .command("task dep add")
        .argument("TASK")
        .writes(),
    bind(Place::Tasks, &[key('o')], Action::ReopenTask, "reopen", "Open a closed task again")
        .command("task reopen")
        .argument("TASK")
        .writes(),
    bind(Place::Tasks, &[], Action::SearchTasks, "", "Search words in all texts of all tasks")
        .command("task search")
        .argument("WORDS"),
    bind(Place::Tasks, &[], Action::ReadyTasks, "", "The tasks that can be worked on now")
        .command("task ready"),
    bind(Place::Tasks, &[], Action::BlockedTasks, "", "The tasks that others hold up, and why")
        .command("task blocked"),
    bind(
        Place::Tasks,
        &[key('s')],
        Action::SortTasks,
        "sort",
        "Order ready: priority, oldest, new before old",
    ),
    bind(Place::Tasks, &[key('y')], Action::Copy, "", "Copy the task's id to the clipboard"),
    bind(Place::Tasks, &[key('D')], Action::DeleteTask, "", "Delete the task; a tombstone stays")
        .command("task delete")
        .argument("TASK")
        .writes(),
    bind(Place::Task, &[ENTER], Action::OpenTask, "go to", "Go to the task that this line is about"),
    bind(Place::Task, &[key('c')], Action::ClaimTask, "claim", "Claim the task: one gets it").writes(),
    bind(Place::Task, &[key('x')], Action::CloseTask, "close", "Close the task").writes(),
    bind(Place::Task, &[key('e')], Action::EditTask, "edit", "Change the task in a form").writes(),
    bind(Place::Task, &[key('d')], Action::DependTask, "depends", "Say which other task this one waits for")
        .writes(),
    bind(Place::Task, &[key('o')], Action::ReopenTask, "reopen", "Open a closed task again").writes(),
    bind(Place::Task, &[key('n')], Action::NewTask, "", "Make a task: a form that shows its command line")
        .writes(),
    bind(Place::Task, &[key('D')], Action::DeleteTask, "", "Delete the task; a tombstone stays").writes(),
    bind(Place::Task, &[key('y')], Action::Copy, "", "Copy the task's id to the clipboard"),
    bind(Place::Task, &[ESCAPE], Action::Back, "back", "Back to where one came from"),
    bind(Place::TaskForm, &[ENTER], Action::Start, "save", "Write the task"),
    bind(Place::TaskForm, &[TAB, DOWN, UP], Action::NextPane, "field", "The next field, or the one before"),
    bind(Place::TaskForm, &[Key::control('o')], Action::Editor, "editor", "Write the description in $EDITOR"),
    bind(Place::TaskForm, &[Key::control('y')], Action::Copy, "copy", "Copy the command line of a new task"),
    bind(Place::TaskForm, &[ESCAPE], Action::Back, "leave", "Leave the form; nothing is written"),
    bind(Place::Leases, &[ENTER], Action::OpenLease, "holder", "Who holds the lease, and who waits for it")
        .command("lease status")
        .argument("NAME")
        .when(When::AnyLease),
    bind(Place::Leases, &[key('R')], Action::BreakLease, "release", "Take the lease from its holder")
        .command("lease break")
        .argument("NAME")
        .writes()
        .when(When::HeldLease),
    bind(
        Place::Leases,
        &[key('/')],
        Action::FilterLeases,
        "filter",
        "Filter: words, name: holder: mode: waiting: where:",
    ),
    bind(Place::Leases, &[TAB], Action::NextPane, "", "Ports and architects, where the list hides them"),
    bind(Place::Leases, &[key('y')], Action::Copy, "", "Copy the lease's name to the clipboard"),
    bind(Place::Leases, &[], Action::CleanUpPorts, "", "Free the blocks of projects that are gone")
        .command("ports cleanup")
        .writes(),
    bind(Place::Leases, &[], Action::ReleasePorts, "", "How the block of a project is freed: in a shell")
        .command("ports release"),
    bind(Place::Lease, &[key('R')], Action::BreakLease, "release", "Take the lease from its holder")
        .writes()
        .when(When::HeldLease),
    bind(Place::Lease, &[key('y')], Action::Copy, "", "Copy the lease's name to the clipboard"),
    bind(Place::Lease, &[ESCAPE], Action::Back, "back", "Back to the list"),
    bind(Place::Hosts, &[ENTER], Action::OpenCalls, "calls", "The last calls of the host, the newest first")
        .command("host calls")
        .argument("HOST")
        .when(When::AnyHost),
    bind(Place::Hosts, &[key('c')], Action::CheckHost, "check", "Ask the host whether it is well")
        .command("host check")
        .argument("HOST")
        .when(When::AnyHost),
    bind(
        Place::Hosts,
        &[key('o')],
        Action::OpenHost,
        "open",
        "Open its breaker: no process asks it any more",
    )
    .command("host open")
    .argument("HOST")
    .writes()
    .when(When::UnforcedHost),
    bind(Place::Hosts, &[key('k')], Action::CloseHost, "close", "Close its breaker, with all counts at zero")
        .command("host close")
        .argument("HOST")
        .writes()
        .when(When::AnyHost),
    bind(
        Place::Hosts,
        &[key('r')],
        Action::ResetHost,
        "reset",
        "Close it; forget its blocks and which models it lacks",
    )
    .command("host reset")
    .argument("HOST")
    .writes()
    .when(When::AnyHost),
    bind(
        Place::Hosts,
        &[key('a')],
        Action::AskModel,
        "ask",
        "Ask a model: a form that shows its command line",
    )
    .command("ask")
    .argument("QUESTION")
    .when(When::AnyHost),
    bind(Place::Hosts, &[key('A')], Action::ShowAnswer, "answer", "What was asked from here last")
        .when(When::AnyAnswer),
    bind(Place::Hosts, &[key('y')], Action::Copy, "", "Copy the host's URL to the clipboard"),
    bind(Place::HostCalls, &[key('c')], Action::CheckHost, "check", "Ask the host whether it is well"),
    bind(
        Place::HostCalls,
        &[key('a')],
        Action::AskModel,
        "ask",
        "Ask this host: a form with its command line",
    ),
    bind(Place::HostCalls, &[key('y')], Action::Copy, "copy", "Copy what is known of the call"),
    bind(Place::HostCalls, &[ESCAPE], Action::Back, "back", "Back to the list"),
    bind(Place::AskForm, &[ENTER], Action::Start, "ask", "Ask"),
    bind(Place::AskForm, &[TAB, DOWN, UP], Action::NextPane, "field", "The next field, or the one before"),
    bind(Place::AskForm, &[LEFT, RIGHT, key(' ')], Action::Choose, "choose", "The other choice of the field"),
    bind(Place::AskForm, &[Key::control('o')], Action::Editor, "editor", "Write the question in $EDITOR"),
    bind(
        Place::AskForm,
        &[Key::control('y')],
        Action::Copy,
        "copy",
        "Copy the command line of this question",
    ),
    bind(Place::AskForm, &[ESCAPE], Action::Back, "leave", "Leave the form; nothing is asked"),
    bind(Place::ModelAnswer, &[key('y')], Action::Copy, "copy", "Copy the answer to the clipboard"),
    bind(
        Place::ModelAnswer,
        &[key('Y')],
        Action::CopyLine,
        "line",
        "Copy the command line that asks the same",
    ),
    bind(Place::ModelAnswer, &[key('a')], Action::AskModel, "ask again", "Ask again: the form, filled in"),
    bind(Place::ModelAnswer, &[ESCAPE], Action::Back, "back", "Take the question back; after its end, leave"),
    bind(Place::Storage, &[key('v')], Action::Vacuum, "vacuum", "Give free pages back to the disk")
        .command("db vacuum")
        .writes(),
    bind(Place::Storage, &[key('b')], Action::Backup, "backup", "Write a verified backup")
        .command("db backup"),
    bind(
        Place::Storage,
        &[key('f')],
        Action::FlushSpool,
        "flush",
        "Take what waits in the spool into the state",
    )
    .command("spool flush")
    .writes()
    .when(When::WaitingEvents),
    bind(
        Place::Storage,
        &[key('t')],
        Action::TrimSpool,
        "trim",
        "Remove imported files of the spool, oldest first",
    )
    .command("spool trim")
    .writes()
    .when(When::TrimmableSpool),
    bind(
        Place::Storage,
        &[key('x')],
        Action::ClearCache,
        "clear cache",
        "Take everything out of the parse cache",
    )
    .command("cache clear")
    .writes()
    .when(When::AnyCache),
    bind(Place::Storage, &[key('c')], Action::Checkpoint, "", "Copy the write-ahead log into the file")
        .command("db checkpoint")
        .writes(),
    bind(Place::Storage, &[key('>')], Action::Advance, "advance", "Take the migration's next step")
        .command("migrate advance")
        .writes(),
    bind(Place::Storage, &[key('<')], Action::RollBack, "roll back", "Take the migration one step back")
        .command("migrate rollback")
        .writes(),
    bind(
        Place::Storage,
        &[key('V')],
        Action::Verify,
        "verify",
        "Compare legacy rows with the new ones, byte for byte",
    )
    .command("migrate verify"),
    bind(Place::Storage, &[key('B')], Action::Backfill, "", "Copy legacy rows that have no new row yet")
        .command("migrate backfill")
        .writes(),
    bind(Place::Storage, &[key('p')], Action::Pause, "", "Pause a backfill, a repair, a way back")
        .command("migrate pause")
        .writes(),
    bind(Place::Storage, &[key('P')], Action::Resume, "", "Let paused work be started again")
        .command("migrate resume")
        .writes(),
    bind(Place::Storage, &[], Action::Repair, "", "Make the side that follows equal to the leading one")
        .command("migrate repair")
        .writes(),
    bind(Place::Storage, &[key('D')], Action::Doctor, "doctor", "Run all checks").command("doctor"),
    bind(Place::Storage, &[key('C')], Action::Convert, "", "Make an old file able to give free pages back")
        .command("db convert")
        .writes(),
    bind(Place::Storage, &[key('y')], Action::Copy, "", "Copy the path of the database to the clipboard"),
    bind(
        Place::Welcome,
        &[key('d')],
        Action::Demo,
        "demo",
        "A project with sample data in a temporary folder",
    )
    .command("demo"),
    bind(Place::Welcome, &[key('i')], Action::Init, "init", "Start here: create .conclave/")
        .command("init")
        .writes(),
    bind(
        Place::Welcome,
        &[key('m')],
        Action::Import,
        "import",
        "A consensus_artifacts.db, state.json or ports.json",
    )
    .command("migrate import")
    .argument("FILE")
    .writes(),
    bind(Place::Trouble, &[key('M')], Action::Migrate, "migrate", "Bring the state to the current schema")
        .command("migrate")
        .writes()
        .when(When::OldSchema),
    bind(Place::Movement, &[UP, key('k')], Action::Up, "", "Up"),
    bind(Place::Movement, &[DOWN, key('j')], Action::Down, "", "Down"),
    bind(Place::Movement, &[PAGE_UP, Key::control('u'), Key::control('b')], Action::PageUp, "", "A page up"),
    bind(
        Place::Movement,
        &[PAGE_DOWN, Key::control('d'), Key::control('f')],
        Action::PageDown,
        "",
        "A page down",
    ),
    bind(Place::Movement, &[key('g'), HOME], Action::Top, "", "To the first line"),
    bind(Place::Movement, &[key('G'), END], Action::Bottom, "", "To the last line"),
    bind(Place::Global, &[key('?')], Action::Help, "help", "The keys of this screen").command("help"),
    bind(Place::Global, &[key('q'), Key::control('c')], Action::Quit, "quit", "Quit").command("quit"),
    bind(Place::Global, &[key('1')], Action::GoRuns, "", "Runs").command("runs"),
    bind(Place::Global, &[key('2')], Action::GoAgents, "", "Agents").command("agents"),
    bind(Place::Global, &[key('3')], Action::GoTasks, "", "Tasks").command("tasks"),
    bind(Place::Global, &[key('4')], Action::GoCoordination, "", "Leases, ports and architects")
        .command("coordination"),
    bind(Place::Global, &[], Action::GoCoordination, "", "Who holds and awaits which lease")
        .command("leases"),
    bind(Place::Global, &[], Action::GoCoordination, "", "The blocks of ports of the machine")
        .command("ports"),
    bind(Place::Global, &[key('5')], Action::GoHosts, "", "The hosts of models").command("hosts"),
    bind(Place::Global, &[], Action::GoHosts, "", "How the hosts of models stand").command("host list"),
    bind(Place::Global, &[key('6')], Action::GoStorage, "", "Storage").command("storage"),
    bind(Place::Global, &[key(':')], Action::Palette, "", "All commands"),
    bind(Place::Global, &[key('!')], Action::NeedsYou, "", "What needs you").command("needs"),
    bind(Place::Global, &[Key::of(KeyCode::F(5)), key('r')], Action::Refresh, "", "Read everything again")
        .command("refresh"),
    bind(Place::Global, &[key('m')], Action::Mouse, "", "Take the mouse, or leave it to the terminal")
        .command("mouse"),
    bind(Place::Global, &[Key::control('z')], Action::Suspend, "", "Suspend; `fg` comes back")
        .command("suspend"),
    #[cfg(debug_assertions)]
    bind(Place::Global, &[], Action::Panic, "", "A defect on purpose, in debug builds").command("panic"),
];
