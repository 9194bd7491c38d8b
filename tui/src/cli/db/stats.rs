//! `conclave db stats`

use std::collections::BTreeMap;
use std::fmt::Write as _;

use conclave_db::query::Viewer;
use conclave_db::{AutoVacuum, FileStats};
use serde::Serialize;
use serde_json::json;

use super::INDEXES;
use super::target::Target;
use crate::failure::{Doing, Exit, Failure};
use crate::text::{count, counted, size, visible};

/// What stands in the JSON beside the numbers of the file.
#[derive(Debug, Serialize)]
struct Document<'stats> {
    #[serde(flatten)]
    file: &'stats FileStats,
    /// Bytes of the file and its log.
    total_bytes: u64,
    /// The rows of each table.
    tables: BTreeMap<&'stats str, u64>,
}

pub(super) fn run(target: &Target<'_>) -> Result<Exit, Failure> {
    let output = &target.context.output;
    let Some(viewer) = target.viewer()? else {
        if output.json {
            output.document(&json!({}))?;
        }
        return Ok(Exit::Done);
    };
    let tables = rows(&viewer)?;
    let stats = conclave_db::stats(&target.open_read_only()?).doing("read the file's numbers")?;
    if output.json {
        output.document(&Document {
            file: &stats,
            total_bytes: stats.total_bytes(),
            tables: tables.iter().map(|(name, rows)| (name.as_str(), *rows)).collect(),
        })?;
    } else {
        output.print(page(&stats, &tables))?;
    }
    Ok(Exit::Done)
}

/// The tables that a dump has, each with the number of its rows.
fn rows(viewer: &Viewer) -> Result<Vec<(String, u64)>, Failure> {
    let mut tables = Vec::new();
    viewer.each_table(INDEXES, |table| {
        tables.push((table.name().to_owned(), table.count().doing("count the rows")?));
        Ok::<_, Failure>(())
    })?;
    Ok(tables)
}

fn page(stats: &FileStats, tables: &[(String, u64)]) -> String {
    let vacuum = match stats.auto_vacuum {
        AutoVacuum::Incremental => "incremental",
        AutoVacuum::Full => "full",
        AutoVacuum::None => "none (conversion needed: conclave db convert)",
    };
    let pages = format!("{} of {}", counted(stats.page_count, "page", "pages"), size(stats.page_size));
    let free = format!("{} ({} %)", size(stats.free_bytes()), stats.free_percent());
    let mut text = [
        ("file", stats.path.display().to_string()),
        ("size", size(stats.file_bytes)),
        ("log", size(stats.wal_bytes)),
        ("together", size(stats.total_bytes())),
        ("pages", pages),
        ("free", free),
        ("vacuum", vacuum.to_owned()),
        (
            "journal",
            if stats.as_it_lies {
                format!("{}, read as it lies", stats.journal_mode)
            } else {
                stats.journal_mode.clone()
            },
        ),
        ("schema", stats.user_version.to_string()),
        ("SQLite", stats.sqlite_version.to_owned()),
    ]
    .map(|(label, value)| format!("{label:<9}{}\n", visible(&value)))
    .concat();
    let widest = tables.iter().map(|(_, rows)| count(*rows).len()).max().unwrap_or_default();
    for (position, (name, rows)) in tables.iter().enumerate() {
        let label = if position == 0 { "rows" } else { "" };
        let _ = writeln!(text, "{label:<9}{:>widest$}  {}", count(*rows), visible(name));
    }
    text
}
