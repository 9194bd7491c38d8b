//! A row as its writer knows it, and how each side must hold it.

use conclave_db::sql::Value;

use crate::chance::Chance;

/// 2026-11-20T00:00:00Z, ms. All times of the work lie on this day, so that their text needs no calendar.
const DAY: i64 = 1_795_132_800_000;
const RUNS: [&str; 5] = ["run-a", "run-b", "@odd", "", "run-c"];
const SPECS: [&str; 2] = ["SPEC-1", "SPEC-2"];
const STAGES: [&str; 3] = ["spec-plan", "spec-tasks", "spec-audit"];
const AGENTS: [&str; 3] = ["claude", "codex", "gemini"];
/// The most bytes of a content: several pages, so that a row is torn where anything tears.
const LARGEST: u64 = 9000;

/// The kinds of rows, each with a table on either side.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Kind {
    Output,
    Synthesis,
    Execution,
}

impl Kind {
    pub(crate) const ALL: [Self; 3] = [Self::Output, Self::Synthesis, Self::Execution];

    pub(crate) fn any(chance: &mut Chance) -> Self {
        chance.pick(&[Self::Output, Self::Output, Self::Output, Self::Synthesis, Self::Execution])
    }

    pub(crate) const fn legacy_table(self) -> &'static str {
        match self {
            Self::Output => "consensus_artifacts",
            Self::Synthesis => "consensus_synthesis",
            Self::Execution => "agent_executions",
        }
    }

    pub(crate) const fn new_table(self) -> &'static str {
        match self {
            Self::Output => "agent_outputs",
            Self::Synthesis => "run_syntheses",
            Self::Execution => "run_attempts",
        }
    }
}

/// Which run a row belongs to.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Run {
    /// As written; `None` is NULL.
    pub(crate) id: Option<String>,
    pub(crate) spec: &'static str,
    /// In the original's spelling.
    pub(crate) stage: &'static str,
}

impl Run {
    /// Any run; only the original's programs write rows without a run id.
    pub(crate) fn any(chance: &mut Chance, with_id: bool) -> Self {
        let id = match chance.pick(&RUNS) {
            "" if with_id => Some("run-d".to_owned()),
            "" => None,
            id => Some(id.to_owned()),
        };
        Self { id, spec: chance.pick(&SPECS), stage: chance.pick(&STAGES) }
    }

    /// The key by which the new side knows it; a row without run id is known by its time.
    pub(crate) fn key(&self, at: i64) -> String {
        match &self.id {
            Some(id) if id.starts_with('@') => format!("@id:{id}"),
            Some(id) => id.clone(),
            None => format!("@text:{}", time_text(at)),
        }
    }

    pub(crate) fn canonical_stage(&self) -> &'static str {
        self.stage.trim_start_matches("spec-")
    }
}

/// Who writes a row first.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Author {
    /// Conclave, which gives the row's name as write key.
    Conclave,
    /// A program of the old age.
    Older,
    /// The file of an import.
    Import,
}

/// A row. Its name never changes and is in its content, so that either side tells it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Row {
    pub(crate) kind: Kind,
    pub(crate) name: String,
    pub(crate) author: Author,
    pub(crate) run: Run,
    pub(crate) agent: &'static str,
    pub(crate) attempt: i64,
    /// Content, markdown, or the raw text of an execution.
    pub(crate) body: Option<Vec<u8>>,
    /// The raw text of an output.
    pub(crate) response: Option<Vec<u8>>,
    pub(crate) at: i64,
    pub(crate) ended: Option<i64>,
}

impl Row {
    /// A new row of this name.
    pub(crate) fn any(chance: &mut Chance, kind: Kind, name: String, author: Author) -> Self {
        // A synthesis without run id has a run of its own for its file.
        let with_id = match author {
            Author::Conclave => true,
            Author::Older => kind == Kind::Execution,
            Author::Import => kind != Kind::Output,
        };
        let run = Run::any(chance, with_id);
        let response = (kind == Kind::Output && chance.below(3) == 0).then(|| noise(chance, 600));
        let body = (kind != Kind::Execution).then(|| body(chance, kind, &name));
        let attempt = if author == Author::Conclave { 1 + signed(chance.below(2)) } else { 1 };
        Self {
            kind,
            author,
            run,
            agent: chance.pick(&AGENTS),
            attempt,
            body,
            response,
            at: time(chance),
            ended: None,
            name,
        }
    }

    pub(crate) const STATUS: &'static str = "degraded";
    pub(crate) const PHASE_TYPE: &'static str = "regular_stage";

    /// The columns that [`super::look`] reads of the new side.
    pub(crate) fn on_new(&self) -> Vec<Value> {
        let mut values = vec![
            text(&self.run.key(self.at)),
            text(self.run.spec),
            text(self.run.canonical_stage()),
            blob(self.body.as_deref()),
            Value::Integer(self.at),
        ];
        let key = if self.author == Author::Conclave { text(&self.name) } else { Value::Null };
        match self.kind {
            Kind::Output => {
                values.extend([
                    text(self.agent),
                    Value::Integer(self.attempt),
                    blob(self.response.as_deref()),
                    key,
                ]);
            }
            Kind::Synthesis => values.extend([text(Self::STATUS), key]),
            Kind::Execution => values.extend([
                text(self.agent),
                Value::Integer(self.attempt),
                text(Self::PHASE_TYPE),
                self.ended.map_or(Value::Null, Value::Integer),
                text(if self.ended.is_some() { "completed" } else { "spawned" }),
            ]),
        }
        values
    }

    /// The columns that [`super::look`] reads of the legacy side.
    pub(crate) fn on_legacy(&self) -> Vec<Value> {
        let mut values = vec![
            self.run.id.as_deref().map_or(Value::Null, text),
            text(self.run.spec),
            text(self.run.stage),
            blob(self.body.as_deref()),
            text(&time_text(self.at)),
        ];
        match self.kind {
            Kind::Output => values.extend([text(self.agent), blob(self.response.as_deref())]),
            Kind::Synthesis => values.push(text(Self::STATUS)),
            Kind::Execution => values.extend([
                text(self.agent),
                text(Self::PHASE_TYPE),
                self.ended.map_or(Value::Null, |ended| text(&time_text(ended))),
            ]),
        }
        values
    }
}

/// A content that begins with the name: JSON, text that is none, or bytes that are no UTF-8.
pub(crate) fn body(chance: &mut Chance, kind: Kind, name: &str) -> Vec<u8> {
    let most = if chance.below(4) == 0 { LARGEST } else { 300 };
    let mut bytes = format!("{{\"name\":\"{name}\",\"text\":\"").into_bytes();
    match chance.below(4) {
        // The new side keeps a synthesis as text for people.
        0 if kind == Kind::Output => bytes.extend([0xFF, 0xC3, 0x28]),
        1 => bytes.extend(noise(chance, most)),
        _ => {
            bytes.extend(noise(chance, most));
            bytes.extend(b"\",\"model\":\"m\"}");
        }
    }
    bytes
}

/// The name in a content.
pub(crate) fn name_in(body: &[u8]) -> Option<String> {
    let rest = body.strip_prefix(b"{\"name\":\"")?;
    let end = rest.iter().position(|byte| *byte == b'"')?;
    String::from_utf8(rest[..end].to_vec()).ok()
}

/// Up to `most` letters.
pub(crate) fn noise(chance: &mut Chance, most: u64) -> Vec<u8> {
    let length = chance.below(most);
    let first = chance.below(26);
    (0..length).map(|place| b'a' + u8::try_from((first + place * place) % 26).unwrap_or(0)).collect()
}

pub(crate) fn time(chance: &mut Chance) -> i64 {
    let seconds = signed(chance.below(86_000)) * 1000;
    DAY + seconds + if chance.below(2) == 0 { 0 } else { signed(chance.below(1000)) }
}

/// A moment of that day as the original writes it.
pub(crate) fn time_text(at: i64) -> String {
    let (seconds, millis) = ((at - DAY) / 1000, (at - DAY) % 1000);
    let (hour, minute, second) = (seconds / 3600, seconds / 60 % 60, seconds % 60);
    let whole = format!("2026-11-20 {hour:02}:{minute:02}:{second:02}");
    if millis == 0 { whole } else { format!("{whole}.{millis:03}") }
}

fn signed(number: u64) -> i64 {
    i64::try_from(number).unwrap_or(i64::MAX)
}

fn text(text: &str) -> Value {
    Value::Text(text.to_owned())
}

fn blob(bytes: Option<&[u8]>) -> Value {
    bytes.map_or(Value::Null, |bytes| Value::Blob(bytes.to_vec()))
}
