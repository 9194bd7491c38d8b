//! What the screen knows of tasks: what it draws, and not the records themselves, which may be large.

use conclave_db::process::ProcessIdentity;
use conclave_tasks::moment::Moment;
use conclave_tasks::read::{self, AttemptRow, AuditRow, Blocker, TaskRow, Tree};
use conclave_tasks::words;

use super::at_work::AtWork;

/// Most nodes of a tree that are kept: what is larger is no tree for a screen.
const NODES: usize = 1_000;
/// Most characters of a title that are kept.
const TITLE: usize = 500;

/// A task in a list.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub(crate) struct Row {
    pub(crate) id: String,
    pub(crate) title: String,
    /// The effective one; `None` where the record's cannot be read.
    pub(crate) status: Option<String>,
    pub(crate) priority: Option<u8>,
    /// Its type.
    pub(crate) kind: Option<String>,
    pub(crate) who: Option<String>,
    /// Whose claim has expired.
    pub(crate) expired_claim_of: Option<String>,
    /// When the claim ends, milliseconds since 1970.
    pub(crate) expires: Option<i64>,
    pub(crate) labels: Vec<String>,
    /// Milliseconds since 1970, as the following two.
    pub(crate) created: Option<i64>,
    pub(crate) updated: Option<i64>,
    pub(crate) closed: Option<i64>,
    /// Kept in sight, never ready.
    pub(crate) pinned: bool,
    /// Not to be kept, never ready.
    pub(crate) ephemeral: bool,
    /// Until when it is put off, milliseconds since 1970.
    pub(crate) until: Option<i64>,
    /// Whether others hold it up.
    pub(crate) blocked: bool,
    /// What holds it up, in the list of blocked ones.
    pub(crate) by: Vec<Blocker>,
    /// What `conclave work` does with it now.
    pub(crate) at_work: Option<AtWork>,
}

impl Row {
    /// What is drawn of a task.
    pub(crate) fn of(task: &TaskRow) -> Self {
        let says = task.record.projection();
        let has_expired = task.expired_claim_of.is_some();
        Self {
            id: task.id().to_owned(),
            title: task.title().chars().take(TITLE).collect(),
            status: task.status.clone(),
            priority: says.priority,
            kind: says.issue_type.clone(),
            who: task.assignee.clone(),
            expired_claim_of: task.expired_claim_of.clone(),
            expires: says.claim_expires_at.filter(|_| !has_expired).map(Moment::ms),
            labels: says.labels.clone(),
            created: says.created_at.map(Moment::ms),
            updated: says.updated_at.map(Moment::ms),
            closed: says.closed_at.map(Moment::ms),
            pinned: says.pinned,
            ephemeral: says.ephemeral,
            until: says.defer_until.map(Moment::ms),
            blocked: task.blocked,
            by: Vec::new(),
            at_work: None,
        }
    }
}

/// The other end of an edge.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Neighbour {
    pub(crate) id: String,
    /// The type of the edge.
    pub(crate) kind: String,
    /// The task, where it exists.
    pub(crate) row: Option<Row>,
}

impl Neighbour {
    fn of(other: &read::Neighbour) -> Self {
        Self { id: other.id.clone(), kind: other.kind.clone(), row: other.row.as_ref().map(Row::of) }
    }
}

/// A node of a tree, in the order in which it is drawn.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Node {
    pub(crate) depth: u32,
    pub(crate) id: String,
    /// The type of the edge to its parent in the tree.
    pub(crate) kind: Option<String>,
    /// Title and status, where it exists; an open one that others hold up is `blocked`.
    pub(crate) task: Option<(String, Option<String>)>,
    /// What is below it was drawn before.
    pub(crate) repeated: bool,
}

impl Node {
    fn of(node: &Tree) -> Self {
        let told = |row: &TaskRow| {
            let is_held_up = row.blocked && row.status.as_deref() == Some(words::OPEN);
            let status = if is_held_up { Some(words::BLOCKED.to_owned()) } else { row.status.clone() };
            (row.title().chars().take(TITLE).collect(), status)
        };
        let task = node.row.as_ref().map(told);
        Self {
            depth: node.depth,
            id: node.id.clone(),
            kind: node.kind.clone(),
            task,
            repeated: node.repeated,
        }
    }
}

/// A comment.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Comment {
    pub(crate) author: Option<String>,
    pub(crate) text: String,
    /// Milliseconds since 1970.
    pub(crate) at: Option<i64>,
}

/// One task with what surrounds it.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Detail {
    pub(crate) row: Row,
    pub(crate) ready: bool,
    pub(crate) by: Vec<Blocker>,
    pub(crate) dependencies: Vec<Neighbour>,
    pub(crate) dependents: Vec<Neighbour>,
    /// Changes, the newest first: a few, or all where `whole` is there.
    pub(crate) audit: Vec<AuditRow>,
    pub(crate) description: String,
    /// What only its own page shows.
    pub(crate) whole: Option<Whole>,
}

/// What only the page of a task shows.
#[derive(Debug, Clone, PartialEq, Default)]
pub(crate) struct Whole {
    /// Filled texts with their names, but for the description.
    pub(crate) texts: Vec<(&'static str, String)>,
    pub(crate) down: Vec<Node>,
    pub(crate) up: Vec<Node>,
    pub(crate) comments: Vec<Comment>,
    pub(crate) attempts: Vec<AttemptRow>,
    /// What breaks a rule of what Conclave writes, in words.
    pub(crate) oddities: Vec<String>,
}

/// Texts of a task beside its description.
const TEXTS: [(&str, &str); 7] = [
    ("design", "Design"),
    ("acceptance_criteria", "Acceptance"),
    ("notes", "Notes"),
    ("result", "Result"),
    ("last_error", "Last error"),
    ("close_reason", "Close reason"),
    ("external_ref", "Reference"),
];

impl Detail {
    /// What the pane shows of a task.
    pub(crate) fn of(
        found: &read::Detail,
        audit: Vec<AuditRow>,
        is_there: fn(&ProcessIdentity) -> bool,
    ) -> Self {
        let at_work = AtWork::among(&found.attempts, is_there);
        Self {
            row: Row { at_work, ..Row::of(&found.row) },
            ready: found.ready,
            by: found.blockers.clone(),
            dependencies: found.dependencies.iter().map(Neighbour::of).collect(),
            dependents: found.dependents.iter().map(Neighbour::of).collect(),
            audit,
            description: found.row.record.text("description").unwrap_or_default(),
            whole: None,
        }
    }
}

impl Whole {
    /// The rest of what its own page shows.
    pub(crate) fn of(task: &TaskRow, down: &[Tree], up: &[Tree], attempts: Vec<AttemptRow>) -> Self {
        let says = task.record.projection();
        let text = |(key, name): &(&str, &'static str)| {
            task.record.text(key).filter(|text| !text.trim().is_empty()).map(|text| (*name, text))
        };
        let comment = |one: &conclave_tasks::record::Comment| Comment {
            author: one.author.clone(),
            text: one.text.clone().unwrap_or_default(),
            at: one.created_at.map(Moment::ms),
        };
        Self {
            texts: TEXTS.iter().filter_map(text).collect(),
            down: down.iter().take(NODES).map(Node::of).collect(),
            up: up.iter().take(NODES).map(Node::of).collect(),
            comments: says.comments.iter().map(comment).collect(),
            attempts,
            oddities: says.oddities.iter().map(conclave_tasks::record::Oddity::reason).collect(),
        }
    }
}
