//! What holds the migration up, in words, and what helps: one table for the steps, `status`, `attention` and
//! `doctor`.

/// Something that holds a step up, or waits for a person.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Cause {
    /// So many legacy rows have no counterpart yet.
    NotCopied(u64),
    /// So many legacy rows cannot have one.
    Refused(u64),
    /// So many differences are open.
    Differences(u64),
    /// So much of the soak is left, in words.
    Soak(String),
    /// The last step drops tables.
    Unconfirmed,
    /// A legacy table was altered while both sides were compared.
    Altered,
    /// An older program wrote after the backup that the last step rests on.
    StaleBackup,
    /// The capture triggers are not what they should be.
    Triggers,
    /// Legacy tables are there again after they were dropped.
    TablesBack,
    /// An older program writes where it should not any more.
    StillWriting,
    /// An older program writes with this SQLite, which has the WAL-reset bug.
    WalResetBug(String),
}

impl Cause {
    /// What is open of both sides, `refused` rows among the `differences`.
    pub(super) fn open(differences: u64, refused: u64) -> Vec<Self> {
        let refusals = (refused > 0).then_some(Self::Refused(refused));
        let others = (differences > refused).then(|| Self::Differences(differences - refused));
        refusals.into_iter().chain(others).collect()
    }

    pub(super) fn words(&self) -> String {
        match self {
            Self::NotCopied(rows) => format!("{} without {} counterpart", legacy_rows(*rows), its(*rows)),
            Self::Refused(rows) => format!("{} that the new tables cannot hold", legacy_rows(*rows)),
            Self::Differences(1) => "1 open difference".to_owned(),
            Self::Differences(number) => format!("{number} open differences"),
            Self::Soak(left) => format!("soak {left}"),
            Self::Unconfirmed => "`--confirm`, since the legacy tables are dropped".to_owned(),
            Self::Altered => "legacy tables that nobody alters meanwhile".to_owned(),
            Self::StaleBackup => "a backup after the last write of an older program".to_owned(),
            Self::Triggers => {
                "triggers on the legacy tables are missing or other than they should be".to_owned()
            }
            Self::TablesBack => {
                "an older program has made its tables again after they were dropped".to_owned()
            }
            Self::StillWriting => "an older program is still writing the legacy tables".to_owned(),
            Self::WalResetBug(version) => {
                format!("an older program writes with SQLite {version}, which can damage a file in WAL mode")
            }
        }
    }

    pub(super) const fn advice(&self) -> &'static str {
        match self {
            Self::NotCopied(_) => "`conclave migrate backfill` copies them",
            Self::Refused(_) => {
                "`conclave migrate verify` says which and why; mend or delete them with the older program"
            }
            Self::Differences(_) => {
                "`conclave migrate verify` lists them, `conclave migrate repair` mends them"
            }
            Self::Soak(_) => "wait, or do without with `--skip-soak`, which is recorded",
            Self::Unconfirmed => "`--dry-run` says what is dropped",
            Self::Altered => "run it again",
            Self::StaleBackup => "end the older program, and run it again",
            Self::Triggers => "`conclave doctor --fix` puts them on again; then `conclave migrate verify`",
            Self::TablesBack => {
                "`conclave doctor --fix`, or `conclave migrate backfill`, takes their rows over"
            }
            Self::StillWriting => "end it: its writes begin the soak anew",
            Self::WalResetBug(_) => "give it SQLite 3.51.3 or later",
        }
    }
}

fn legacy_rows(rows: u64) -> String {
    format!("{rows} legacy {}", if rows == 1 { "row" } else { "rows" })
}

const fn its(rows: u64) -> &'static str {
    if rows == 1 { "its" } else { "their" }
}
