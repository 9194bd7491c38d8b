//! `docs/schema.md` is what the migrations make, not what somebody remembers of it.

use std::fmt::Write as _;
use std::process::ExitCode;

use conclave_db::{Db, DbOptions, FIRST_VERSION, Schema};

use super::Finding;
use super::tree::Tree;
use crate::outcome::Outcome;
use crate::{output, workspace};

/// The document, from the root.
const DOCUMENT: &str = "docs/schema.md";

/// The words of `cargo xtask schema`.
#[derive(Debug, clap::Args)]
pub(crate) struct Options {
    /// Fail if docs/schema.md is not what the migrations make (without it: print what they make)
    #[arg(long)]
    check: bool,
    /// Write docs/schema.md
    #[arg(long, conflicts_with = "check")]
    bless: bool,
}

/// Prints, checks or writes the document.
pub(crate) fn run(options: &Options) -> Outcome<ExitCode> {
    let made = document()?;
    let path = workspace::root().join(DOCUMENT);
    if options.bless {
        if let Some(folder) = path.parent() {
            std::fs::create_dir_all(folder)?;
        }
        std::fs::write(path, made)?;
    } else if options.check {
        let found = std::fs::read_to_string(path).unwrap_or_default();
        if let Some(finding) = compare(&found, &made) {
            output::line(finding);
            return Ok(ExitCode::FAILURE);
        }
    } else {
        output::line(made.trim_end());
    }
    Ok(ExitCode::SUCCESS)
}

/// A finding when the document is not what the migrations make.
pub(crate) fn check(tree: &Tree) -> Outcome<Option<Finding>> {
    Ok(compare(tree.text(DOCUMENT).unwrap_or_default(), &document()?))
}

fn compare(found: &str, made: &str) -> Option<Finding> {
    if found == made {
        return None;
    }
    let same = found.lines().zip(made.lines()).take_while(|(found, made)| found == made).count();
    Some(Finding {
        path: DOCUMENT.to_owned(),
        line: same + 1,
        rule: "schema",
        advice: "not what the migrations make: run `cargo xtask schema --bless`, and look at the difference"
            .to_owned(),
    })
}

/// Makes both files as every command does, and writes down what is in them.
fn document() -> Outcome<String> {
    let mut text = String::from(
        "# Schema of our files\n\nWritten by `cargo xtask schema --bless` from what the migrations make; \
         `cargo xtask tidy` compares. The project's state comes first, then the machine-wide file.\n",
    );
    file(&mut text, "state.db", conclave::state::schema()?)?;
    file(&mut text, "global.db", conclave::state::global_schema()?)?;
    Ok(text)
}

/// What is in one of them.
fn file(text: &mut String, name: &str, schema: Schema) -> Outcome {
    let folder = tempfile::tempdir()?;
    let steps = schema.migrations().to_vec();
    let db = Db::open(DbOptions::new(folder.path().join(name), schema))?;
    let _ = write!(
        text,
        "\n## `{name}`\n\nNumbers begin at {FIRST_VERSION}.\n\n| version | brings | way back |\n|---|---|---|\n"
    );
    for step in steps {
        let back = if step.down.is_some() { "yes" } else { "no" };
        let _ = writeln!(text, "| {} | {} | {back} |", step.version, step.name);
    }
    let objects: Vec<(String, String, String)> = db.read(|conn| {
        conn.query_all(
            "SELECT type, tbl_name, sql FROM sqlite_schema WHERE sql IS NOT NULL
             ORDER BY tbl_name, CASE type WHEN 'table' THEN 0 WHEN 'index' THEN 1 ELSE 2 END, name",
            [],
            |row| Ok((row.get(0)?, row.get(1)?, row.get(2)?)),
        )
    })?;
    let mut last = String::new();
    for (kind, table, sql) in objects {
        if table.starts_with("sqlite_") {
            continue;
        }
        if table != last {
            if !last.is_empty() {
                text.push_str("```\n");
            }
            let _ = write!(text, "\n### `{name}`: `{table}`\n\n```sql\n");
        }
        let gap = if kind == "trigger" { "\n" } else { "" };
        let _ = writeln!(text, "{gap}{sql};");
        last = table;
    }
    if !last.is_empty() {
        text.push_str("```\n");
    }
    Ok(())
}

#[cfg(test)]
mod tests;
