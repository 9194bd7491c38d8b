//! What a `state.json` says: agents of the original, in the shapes that its versions wrote.

use std::collections::BTreeMap;
use std::path::Path;

use super::json::{Document, Fields, Place, Value};
use crate::agents::Kind;
use crate::error::Result;

const STATUSES: [&str; 5] = ["spawning", "implementing", "blocked", "pr-ready", "complete"];
const TYPES: [&str; 6] = ["spec", "task", "protocol", "shell", "worktree", "bugfix"];
const PARENTS: [&str; 3] = ["architect", "builder", "util"];

/// The keys at the top, each with what it holds; the name of the only architect of the original.
const LISTS: [(&str, Kind); 3] =
    [("builders", Kind::Builder), ("utils", Kind::Util), ("annotations", Kind::Annotation)];
const ARCHITECT: &str = "main";

/// One agent, whichever table it goes to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct AgentRow {
    /// Where its record stands.
    pub(crate) place: Place,
    pub(crate) kind: Kind,
    pub(crate) id: String,
    pub(crate) name: String,
    pub(crate) port: Option<u16>,
    pub(crate) pid: Option<i64>,
    pub(crate) tmux_session: Option<String>,
    /// Only architects have it.
    pub(crate) started_ms: Option<i64>,
    pub(crate) cmd: String,
    pub(crate) status: String,
    pub(crate) phase: String,
    pub(crate) worktree: String,
    pub(crate) branch: String,
    pub(crate) builder_type: String,
    pub(crate) task_text: Option<String>,
    pub(crate) protocol_name: Option<String>,
    pub(crate) file: String,
    pub(crate) parent_type: String,
    pub(crate) parent_id: Option<String>,
}

/// What the file says.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct StateFile {
    pub(super) rows: Vec<AgentRow>,
    pub(super) warnings: Vec<String>,
}

/// Reads it as a whole: one wrong record and nothing of it is used.
pub(super) fn read(path: &Path, bytes: &[u8]) -> Result<StateFile> {
    let mut top = Fields::of(Document::new(path, bytes)?.value()?, "the file")?;
    let mut file = StateFile::default();
    if let Some(value) = top.optional("architect") {
        file.take(Kind::Architect, Fields::of(value, "architect")?)?;
    }
    for (key, kind) in LISTS {
        let Some(value) = top.optional(key) else { continue };
        for (number, element) in value.elements(key)?.into_iter().enumerate() {
            file.take(kind, Fields::of(element, format!("{key}[{number}]"))?)?;
        }
    }
    file.warnings.extend(top.unknown());
    file.refuse_twice(path)?;
    Ok(file)
}

impl StateFile {
    fn take(&mut self, kind: Kind, mut fields: Fields<'_>) -> Result<()> {
        let row = row(kind, &mut fields)?;
        self.warnings.extend(fields.unknown());
        self.rows.push(row);
        Ok(())
    }

    /// No id twice in a table, no port twice anywhere.
    fn refuse_twice(&self, path: &Path) -> Result<()> {
        let (mut ids, mut ports) = (BTreeMap::new(), BTreeMap::new());
        for row in &self.rows {
            let record = &row.place.record;
            if let Some(first) = ids.insert((row.kind, &row.id), record) {
                let what = format!("field \"id\": {:?} is the id of {first} too", row.id);
                return Err(row.place.refuse(path, what));
            }
            let Some(port) = row.port else { continue };
            if let Some(first) = ports.insert(port, record) {
                return Err(row
                    .place
                    .refuse(path, format!("field \"port\": {port} is the port of {first} too")));
            }
        }
        Ok(())
    }
}

fn row(kind: Kind, fields: &mut Fields<'_>) -> Result<AgentRow> {
    let id = match kind {
        Kind::Architect => ARCHITECT.to_owned(),
        _ => id(fields)?,
    };
    let mut row = AgentRow {
        place: fields.place(),
        kind,
        name: id.clone(),
        id,
        port: port(fields)?,
        pid: fields.optional_whole("pid")?,
        tmux_session: fields.optional_text("tmuxSession")?,
        started_ms: None,
        cmd: String::new(),
        status: String::new(),
        phase: String::new(),
        worktree: String::new(),
        branch: String::new(),
        builder_type: String::new(),
        task_text: None,
        protocol_name: None,
        file: String::new(),
        parent_type: String::new(),
        parent_id: None,
    };
    match kind {
        Kind::Architect => {
            row.cmd = fields.text("cmd")?;
            row.started_ms = Some(fields.time("startedAt")?);
        }
        Kind::Builder => {
            row.name = fields.text("name")?;
            let status = fields.required("status")?;
            row.status = one_of(fields, "status", status, &STATUSES)?;
            // Older than the day on which builders got a type.
            row.builder_type = match fields.optional("type") {
                Some(value) => one_of(fields, "type", value, &TYPES)?,
                None => "spec".to_owned(),
            };
            row.phase = fields.optional_text("phase")?.unwrap_or_default();
            row.worktree = fields.optional_text("worktree")?.unwrap_or_default();
            row.branch = fields.optional_text("branch")?.unwrap_or_default();
            row.task_text = fields.optional_text("taskText")?;
            row.protocol_name = fields.optional_text("protocolName")?;
        }
        Kind::Util => row.name = fields.text("name")?,
        Kind::Annotation => {
            row.file = fields.text("file")?;
            let parent = fields.required("parent")?;
            let mut parent = Fields::of(parent, format!("{}: field \"parent\"", fields.record))?;
            let parent_type = parent.required("type")?;
            row.parent_type = one_of(&parent, "type", parent_type, &PARENTS)?;
            row.parent_id = parent.optional_text("id")?;
        }
    }
    Ok(row)
}

/// From here on the record is called by it too.
fn id(fields: &mut Fields<'_>) -> Result<String> {
    let value = fields.required("id")?;
    let id = fields.text("id")?;
    if id.is_empty() {
        return Err(fields.refuse(value, "id", "is empty"));
    }
    fields.record = format!("{} {id:?}", fields.record);
    Ok(id)
}

/// 0 is no port: later versions of the original wrote it for agents without one.
fn port(fields: &mut Fields<'_>) -> Result<Option<u16>> {
    let Some(value) = fields.optional("port") else { return Ok(None) };
    let found = fields.as_whole("port", value)?;
    let port = u16::try_from(found).map_err(|_| {
        fields.refuse(value, "port", format_args!("wanted a port from 1 to 65535, found {found}"))
    })?;
    Ok((port > 0).then_some(port))
}

fn one_of(fields: &Fields<'_>, key: &'static str, value: Value<'_>, words: &[&str]) -> Result<String> {
    let text = fields.as_text(key, value)?;
    if words.contains(&text.as_str()) {
        return Ok(text);
    }
    Err(fields.refuse(value, key, format_args!("{text:?} is none of {}", words.join(", "))))
}
