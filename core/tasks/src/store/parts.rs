//! What a task has several of: labels, edges, comments; and its words.

use std::collections::HashSet;

use conclave_db::WriteTx;
use conclave_db::sql::params;

use crate::error::Result;
use crate::moment::Moment;
use crate::record::{Comment, Edge, Record};

/// Adds all of a new task but its words.
pub(super) fn insert(tx: &WriteTx<'_>, number: i64, record: &Record) -> Result<()> {
    let now = record.projection();
    for label in &now.labels {
        add_label(tx, number, label)?;
    }
    for edge in &now.dependencies {
        add_edge(tx, number, edge)?;
    }
    for (position, comment) in (0_i64..).zip(&now.comments) {
        add_comment(tx, number, position, comment)?;
    }
    Ok(())
}

/// Takes all of a task away, whatever is there, and adds it again.
pub(super) fn renew(tx: &WriteTx<'_>, number: i64, record: &Record) -> Result<()> {
    tx.execute("DELETE FROM task_labels WHERE task = ?1", [number])?;
    tx.execute("DELETE FROM task_edges WHERE task = ?1", [number])?;
    tx.execute("DELETE FROM task_comments WHERE task = ?1", [number])?;
    insert(tx, number, record)?;
    renew_words(tx, number, record)
}

/// Writes what differs, but for the words: whether those differ.
pub(super) fn replace(tx: &WriteTx<'_>, number: i64, before: &Record, after: &Record) -> Result<bool> {
    let (was, now) = (before.projection(), after.projection());
    if was.labels != now.labels {
        let (old, new): (HashSet<&String>, HashSet<&String>) =
            (was.labels.iter().collect(), now.labels.iter().collect());
        for label in was.labels.iter().filter(|label| !new.contains(label)) {
            tx.execute("DELETE FROM task_labels WHERE task = ?1 AND label = ?2", params![number, label])?;
        }
        for label in now.labels.iter().filter(|label| !old.contains(label)) {
            add_label(tx, number, label)?;
        }
    }
    if was.dependencies != now.dependencies {
        tx.execute("DELETE FROM task_edges WHERE task = ?1", [number])?;
        for edge in &now.dependencies {
            add_edge(tx, number, edge)?;
        }
    }
    if was.comments != now.comments {
        // Mostly one more at the end.
        let same = was.comments.iter().zip(&now.comments).take_while(|(was, now)| was == now).count();
        let first = i64::try_from(same).unwrap_or(i64::MAX);
        tx.execute("DELETE FROM task_comments WHERE task = ?1 AND position >= ?2", [number, first])?;
        for (position, comment) in (first..).zip(&now.comments[same..]) {
            add_comment(tx, number, position, comment)?;
        }
    }
    Ok(was.title != now.title || words(before) != words(after))
}

/// Puts other words in the place of those of a task.
pub(super) fn renew_words(tx: &WriteTx<'_>, number: i64, record: &Record) -> Result<()> {
    forget(tx, number)?;
    add_words(tx, number, record)
}

/// Takes the words of a task out of the index.
pub(super) fn forget(tx: &WriteTx<'_>, number: i64) -> Result<()> {
    tx.execute("DELETE FROM task_search WHERE rowid = ?1", [number])?;
    Ok(())
}

fn add_label(tx: &WriteTx<'_>, number: i64, label: &str) -> Result<()> {
    let sql = "INSERT INTO task_labels(task, label) VALUES(?1, ?2) ON CONFLICT DO NOTHING";
    tx.execute(sql, params![number, label])?;
    Ok(())
}

fn add_edge(tx: &WriteTx<'_>, number: i64, edge: &Edge) -> Result<()> {
    let sql = "INSERT INTO task_edges(task, target, kind, spawner, any_child) VALUES(?1, ?2, ?3, ?4, ?5)
               ON CONFLICT DO NOTHING";
    tx.execute(sql, params![number, edge.target, edge.kind, edge.spawner, edge.any_child])?;
    Ok(())
}

fn add_comment(tx: &WriteTx<'_>, number: i64, position: i64, comment: &Comment) -> Result<()> {
    tx.execute(
        "INSERT INTO task_comments(task, position, comment_id, author, body, created_at) VALUES(?1, ?2, ?3, ?4, ?5, ?6)",
        params![number, position, comment.id, comment.author, comment.text, column(comment.created_at)],
    )?;
    Ok(())
}

/// Puts the words of a new task into the index.
pub(super) fn add_words(tx: &WriteTx<'_>, number: i64, record: &Record) -> Result<()> {
    let now = record.projection();
    tx.execute(
        "INSERT INTO task_search(rowid, id, title, body) VALUES(?1, ?2, ?3, ?4)",
        params![number, now.id, now.title, words(record)],
    )?;
    Ok(())
}

/// What is searched beside id and title.
fn words(record: &Record) -> String {
    let now = record.projection();
    let texts = ["description", "design", "acceptance_criteria", "notes"].map(|key| record.text(key));
    let comments = now.comments.iter().filter_map(|comment| comment.text.as_deref());
    let parts = texts.iter().filter_map(Option::as_deref).chain(comments);
    let mut words = String::new();
    for part in parts.chain(now.labels.iter().map(String::as_str)) {
        words.push_str(part);
        words.push('\n');
    }
    words
}

/// A time as it is kept in a column.
pub(super) fn column(moment: Option<Moment>) -> Option<i64> {
    moment.map(Moment::nanoseconds)
}

/// A number as it is kept in a column.
pub(super) fn count(number: u64) -> i64 {
    i64::try_from(number).unwrap_or(i64::MAX)
}
