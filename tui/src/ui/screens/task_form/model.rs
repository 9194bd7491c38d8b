//! A task while it is being filled in.

use std::sync::Arc;

use conclave_tasks::work::{Change, NewTask, Set};

use crate::ui::effect::Write;
use crate::ui::field::LongText;
use crate::ui::input::Input;
use crate::ui::screens::tasks::Detail;

/// The most bytes of a title.
const LONGEST_TITLE: usize = 500;

/// The parts of the form, from top to bottom.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Field {
    Title,
    Priority,
    Type,
    Assignee,
    Labels,
    Description,
}

impl Field {
    pub(super) const ALL: [(&'static str, Self); 6] = [
        ("title", Self::Title),
        ("priority", Self::Priority),
        ("type", Self::Type),
        ("assignee", Self::Assignee),
        ("labels", Self::Labels),
        ("description", Self::Description),
    ];
}

/// The form.
#[derive(Debug, Clone)]
pub(crate) struct Form {
    pub(crate) field: Field,
    /// The task that is changed; `None`: a new one.
    pub(super) before: Option<Arc<Detail>>,
    pub(super) title: Input,
    pub(super) priority: Input,
    pub(super) kind: Input,
    pub(super) assignee: Input,
    pub(super) labels: Input,
    pub(super) description: LongText,
    /// What it began with.
    begun: Vec<String>,
    /// It was sent, and is being written.
    pub(crate) sent: bool,
}

impl Form {
    pub(super) fn new(title: &str) -> Self {
        let mut form = Self {
            field: Field::Title,
            before: None,
            title: Input::new(title),
            priority: Input::offering("2"),
            kind: Input::offering("task"),
            assignee: Input::default(),
            labels: Input::default(),
            description: LongText::default(),
            begun: Vec::new(),
            sent: false,
        };
        form.begun = form.texts();
        form
    }

    /// Whether something was typed that would be lost.
    pub(super) fn has_changed(&self) -> bool {
        !self.sent && self.texts() != self.begun
    }

    fn texts(&self) -> Vec<String> {
        let lines = [&self.title, &self.priority, &self.kind, &self.assignee, &self.labels];
        let lines = lines.into_iter().map(|input| input.text().to_owned());
        lines.chain([self.description.text().to_owned()]).collect()
    }

    pub(super) fn of(detail: &Arc<Detail>) -> Self {
        let row = &detail.row;
        let priority = row.priority.map_or_else(String::new, |priority| priority.to_string());
        let mut form = Self {
            field: Field::Title,
            title: Input::new(&row.title),
            priority: Input::new(&priority),
            kind: Input::new(row.kind.as_deref().unwrap_or_default()),
            assignee: Input::new(row.who.as_deref().unwrap_or_default()),
            labels: Input::new(&row.labels.join(", ")),
            description: LongText::new(&detail.description),
            before: Some(Arc::clone(detail)),
            begun: Vec::new(),
            sent: false,
        };
        form.begun = form.texts();
        form
    }

    /// The line of a field that is one.
    pub(super) const fn input(&mut self, field: Field) -> &mut Input {
        match field {
            Field::Title => &mut self.title,
            Field::Priority => &mut self.priority,
            Field::Type => &mut self.kind,
            Field::Assignee => &mut self.assignee,
            Field::Labels => &mut self.labels,
            Field::Description => &mut self.description.typed,
        }
    }

    fn labels(&self) -> Vec<String> {
        let labels = self.labels.text().split(',').map(str::trim).filter(|label| !label.is_empty());
        let mut all: Vec<String> = Vec::new();
        for label in labels {
            if !all.iter().any(|known| known == label) {
                all.push(label.to_owned());
            }
        }
        all
    }

    fn priority(&self) -> Result<Option<u8>, (Field, &'static str)> {
        match self.priority.text().trim() {
            "" => Ok(None),
            text => match text.trim_start_matches(['p', 'P']).parse() {
                Ok(priority) if priority <= 4 => Ok(Some(priority)),
                _ => Err((Field::Priority, "a priority is a number from 0, the most urgent, to 4")),
            },
        }
    }

    /// The new task that the form asks for; or what is missing, and where.
    pub(super) fn asked(&self) -> Result<NewTask, (Field, &'static str)> {
        let filled = |input: &Input| Some(input.text().trim().to_owned()).filter(|text| !text.is_empty());
        Ok(NewTask {
            title: self.title()?,
            description: self.description.text().trim_end().to_owned(),
            priority: self.priority()?,
            issue_type: filled(&self.kind),
            assignee: filled(&self.assignee),
            labels: self.labels(),
            ..NewTask::default()
        })
    }

    fn title(&self) -> Result<String, (Field, &'static str)> {
        match self.title.text().trim() {
            "" => Err((Field::Title, "a task needs a title")),
            text if text.len() > LONGEST_TITLE => Err((Field::Title, "a title has at most 500 bytes")),
            text => Ok(text.to_owned()),
        }
    }

    /// What is to be written; `None` where nothing has changed.
    pub(super) fn write(&self) -> Result<Option<Write>, (Field, &'static str)> {
        let Some(before) = &self.before else {
            return Ok(Some(Write::Create(Box::new(self.asked()?))));
        };
        let change = self.change(before)?;
        let id = before.row.id.clone();
        let has_changed = change != Change::default();
        Ok(has_changed.then(|| Write::Update { id, change: Box::new(change) }))
    }

    /// Only what differs: what others change meanwhile stays as they have it.
    fn change(&self, before: &Arc<Detail>) -> Result<Change, (Field, &'static str)> {
        // Not the task itself: what a field cannot hold as it is has not been changed by anybody.
        let fresh = Self::of(before);
        let mut change = Change::default();
        if self.title.text() != fresh.title.text() {
            change.title = Some(self.title()?);
        }
        if self.priority.text() != fresh.priority.text() {
            change.priority = self.priority()?;
            if change.priority.is_none() {
                return Err((Field::Priority, "a priority can be changed, and not be taken away"));
            }
        }
        if self.kind.text() != fresh.kind.text() {
            let kind = self.kind.text().trim();
            if kind.is_empty() {
                return Err((Field::Type, "a type can be changed, and not be taken away"));
            }
            change.issue_type = Some(kind.to_owned());
        }
        if self.labels.text() != fresh.labels.text() {
            change.set_labels = Some(self.labels());
        }
        change.assignee = set(self.assignee.text().trim(), fresh.assignee.text().trim());
        change.description = set(self.description.text().trim_end(), fresh.description.text().trim_end());
        Ok(change)
    }
}

fn set(now: &str, before: &str) -> Set<String> {
    match now {
        same if same == before => Set::Keep,
        "" => Set::Clear,
        other => Set::To(other.to_owned()),
    }
}
