//! Statuses, types and dependency types: which are known, and what they do.

/// A task nobody has begun.
pub const OPEN: &str = "open";
/// Somebody works on it.
pub const IN_PROGRESS: &str = "in_progress";
/// Somebody says that it is blocked; not the same as blocked by others.
pub const BLOCKED: &str = "blocked";
/// Put off.
pub const DEFERRED: &str = "deferred";
/// Done.
pub const CLOSED: &str = "closed";
/// Kept in sight, never ready.
pub const PINNED: &str = "pinned";
/// On an agent's hook.
pub const HOOKED: &str = "hooked";
/// Deleted; its id is never given again.
pub const TOMBSTONE: &str = "tombstone";

/// All statuses that Conclave writes without being told to by the configuration.
pub const STATUSES: [&str; 8] = [OPEN, IN_PROGRESS, BLOCKED, DEFERRED, CLOSED, PINNED, HOOKED, TOMBSTONE];

/// `blocks`: the task waits until its target is finished.
pub const BLOCKS: &str = "blocks";
/// `parent-child`: the target is the parent; being blocked is inherited.
pub const PARENT_CHILD: &str = "parent-child";
/// `conditional-blocks`: the task is for when its target fails.
pub const CONDITIONAL_BLOCKS: &str = "conditional-blocks";
/// `waits-for`: the task waits for children of its target.
pub const WAITS_FOR: &str = "waits-for";

/// The dependency types over which a task waits, or inherits that its parent does. A cycle of these waits for ever.
pub const WAITING: [&str; 4] = [BLOCKS, PARENT_CHILD, CONDITIONAL_BLOCKS, WAITS_FOR];

/// Dependency types that are well known; any text of 1 to 50 bytes is one.
pub const DEPENDENCY_TYPES: [&str; 19] = [
    BLOCKS,
    PARENT_CHILD,
    CONDITIONAL_BLOCKS,
    WAITS_FOR,
    "related",
    "discovered-from",
    "replies-to",
    "relates-to",
    "duplicates",
    "supersedes",
    "authored-by",
    "assigned-to",
    "approved-by",
    "attests",
    "tracks",
    "until",
    "caused-by",
    "validates",
    "delegated-from",
];

/// Types of tasks that are never ready.
pub const NEVER_READY: [&str; 7] = ["merge-request", "gate", "molecule", "message", "agent", "role", "rig"];

/// Parts of ids of tasks that are never ready.
pub const NEVER_READY_IDS: [&str; 2] = ["-mol-", "-wisp-"];

/// Words of a close reason that mean a failure, in any case, anywhere in it.
pub const FAILURES: [&str; 11] = [
    "failed",
    "rejected",
    "wontfix",
    "won't fix",
    "cancelled",
    "canceled",
    "abandoned",
    "blocked",
    "error",
    "timeout",
    "aborted",
];
