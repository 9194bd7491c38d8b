//! What a record says: read by fixed rules, absent where it says nothing, and odd where it breaks a rule.

use crate::moment::Moment;
use crate::words;

/// What a record says. A known field of an unexpected type is `None` here, and an oddity.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Projection {
    /// `id`
    pub id: String,
    /// `title`
    pub title: Option<String>,
    /// `status`, as it is; `open` where the key is absent, `tombstone` for a deletion marker; 1 to 50 bytes.
    pub status: Option<String>,
    /// `priority`, 0 (most urgent) to 4; 0 where the key is absent.
    pub priority: Option<u8>,
    /// `issue_type`, else `type`; `task` where neither is there.
    pub issue_type: Option<String>,
    /// `assignee`; an empty text is `None`.
    pub assignee: Option<String>,
    /// `close_reason`
    pub close_reason: Option<String>,
    /// `external_ref`
    pub external_ref: Option<String>,
    /// `created_at`
    pub created_at: Option<Moment>,
    /// `updated_at`
    pub updated_at: Option<Moment>,
    /// `closed_at`
    pub closed_at: Option<Moment>,
    /// `due_at`
    pub due_at: Option<Moment>,
    /// `defer_until`
    pub defer_until: Option<Moment>,
    /// `deleted_at`, else `_deleted_at`
    pub deleted_at: Option<Moment>,
    /// `claim_expires_at`
    pub claim_expires_at: Option<Moment>,
    /// `pinned`
    pub pinned: bool,
    /// `ephemeral`, or its older name `wisp`
    pub ephemeral: bool,
    /// `attempt_count`; 0 where absent.
    pub attempt_count: u64,
    /// `labels`, in their order, without repeated ones.
    pub labels: Vec<String>,
    /// `dependencies`, in their order, without repeated ones.
    pub dependencies: Vec<Edge>,
    /// `comments`, in their order.
    pub comments: Vec<Comment>,
    /// What breaks a rule of what Conclave itself writes, sorted, without repeated ones.
    pub oddities: Vec<Oddity>,
}

impl Projection {
    /// Whether it is deleted.
    pub fn is_tombstone(&self) -> bool {
        self.status.as_deref() == Some(words::TOMBSTONE)
    }

    /// Whether a claim is over, at a time in nanoseconds since 1970: the task counts as open, and as nobody's.
    pub fn has_expired(&self, now_ns: i64) -> bool {
        let claimed = self.status.as_deref() == Some(words::IN_PROGRESS);
        claimed && self.claim_expires_at.is_some_and(|end| end.nanoseconds() <= now_ns)
    }
}

/// A dependency: the task depends on another.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Edge {
    /// `depends_on_id`: the task that is depended on, whether it exists or not. For `parent-child` the parent.
    pub target: String,
    /// `type`, byte for byte; `blocks` for a dependency that is a mere string or has none.
    pub kind: String,
    /// Of `waits-for`: whose children are waited for (`spawner_id` of its `metadata`, else the target).
    pub spawner: Option<String>,
    /// Of `waits-for`: the first child that ends is enough (`gate` of its `metadata` is `any-children`).
    pub any_child: bool,
}

/// A comment.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Comment {
    /// `id` as it is spelled, a number or a text.
    pub id: Option<String>,
    /// `author`
    pub author: Option<String>,
    /// `text`
    pub text: Option<String>,
    /// `created_at`
    pub created_at: Option<Moment>,
}

/// A rule of what Conclave itself writes that a record breaks.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Oddity {
    /// A known field of an unexpected type, or out of its range: the key.
    Unreadable(String),
    /// A time that is none: the key.
    NoTime(String),
    /// Closed without `closed_at`.
    ClosedWithoutTime,
    /// `closed_at`, and not closed.
    OpenWithClosedTime,
    /// No `priority`.
    NoPriority,
    /// No title, an empty one, or one of more than 500 bytes.
    Title,
    /// A status that is none of the known ones.
    Status(String),
    /// A dependency type that looks like one with an effect, and has none (`parent_child`, `parent`, `blocked-by`).
    DependencyType(String),
}

impl Oddity {
    /// The reason in a few fixed words, for reports that count: `closed without closed_at`.
    pub fn reason(&self) -> String {
        match self {
            Self::Unreadable(key) => format!("{key} cannot be read"),
            Self::NoTime(key) => format!("{key} is no time"),
            Self::ClosedWithoutTime => "closed without closed_at".to_owned(),
            Self::OpenWithClosedTime => "closed_at, and not closed".to_owned(),
            Self::NoPriority => "no priority".to_owned(),
            Self::Title => "title is missing, empty or over 500 bytes".to_owned(),
            Self::Status(status) => format!("unknown status {status:?}"),
            Self::DependencyType(kind) => format!("dependency type {kind:?} has no effect"),
        }
    }
}
