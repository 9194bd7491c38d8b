//! What is asked, of whom, while it is being filled in.

use crate::ui::field::LongText;
use crate::ui::input::Input;

/// Somebody who can be asked.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Choice {
    pub(crate) name: String,
    pub(crate) family: Option<String>,
    /// The stages that it takes part in; all where empty.
    pub(crate) stages: Vec<String>,
    /// Whether its program is there.
    pub(crate) installed: bool,
}

/// What is to be started.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Asked {
    pub(crate) spec: String,
    pub(crate) stage: String,
    /// The stage's own prompt where absent.
    pub(crate) prompt: Option<String>,
    pub(crate) agents: Vec<String>,
    /// Whether these are all that take part in the stage.
    pub(crate) everybody: bool,
    pub(crate) quorum: Option<usize>,
}

/// The parts of the form, from top to bottom.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Field {
    Spec,
    Stage,
    Prompt,
    Agents,
    Quorum,
}

impl Field {
    pub(super) const ALL: [(&'static str, Self); 5] = [
        ("spec", Self::Spec),
        ("stage", Self::Stage),
        ("prompt", Self::Prompt),
        ("agents", Self::Agents),
        ("quorum", Self::Quorum),
    ];
}

/// The form.
#[derive(Debug, Clone)]
pub(crate) struct Form {
    pub(crate) field: Field,
    pub(crate) spec: Input,
    pub(crate) stage: Input,
    pub(crate) prompt: LongText,
    pub(crate) quorum: Input,
    /// `None` until they are known.
    pub(crate) choices: Option<Vec<Choice>>,
    /// Those that were chosen or left out by hand.
    pub(crate) by_hand: Vec<(String, bool)>,
    /// The agent under the cursor.
    pub(crate) agent: usize,
    /// The spec that it began with.
    begun: String,
    /// It was sent, and is being begun.
    pub(crate) sent: bool,
}

impl Form {
    pub(super) fn new(spec: Input) -> Self {
        Self {
            field: Field::Spec,
            begun: spec.text().to_owned(),
            spec,
            stage: Input::offering("plan"),
            prompt: LongText::default(),
            quorum: Input::default(),
            choices: None,
            by_hand: Vec::new(),
            agent: 0,
            sent: false,
        }
    }

    /// Whether something was typed or chosen that would be lost.
    pub(super) fn has_changed(&self) -> bool {
        let is_filled = self.prompt().is_some() || !self.quorum.is_empty() || !self.by_hand.is_empty();
        !self.sent && (is_filled || self.spec.text() != self.begun)
    }

    pub(crate) fn choices(&self) -> &[Choice] {
        self.choices.as_deref().unwrap_or_default()
    }

    /// Whether the agent takes part in the stage unless somebody says otherwise.
    fn takes_part(&self, choice: &Choice) -> bool {
        let stage = self.stage.text().trim();
        choice.installed && (choice.stages.is_empty() || choice.stages.iter().any(|one| one == stage))
    }

    pub(crate) fn is_chosen(&self, choice: &Choice) -> bool {
        let by_hand = self.by_hand.iter().find(|(name, _)| *name == choice.name);
        by_hand.map_or_else(|| self.takes_part(choice), |(_, chosen)| *chosen)
    }

    /// Chooses the agent under the cursor, or leaves it out.
    pub(super) fn toggle(&mut self) {
        let Some(choice) = self.choices().get(self.agent).cloned() else { return };
        let chosen = !self.is_chosen(&choice);
        self.by_hand.retain(|(name, _)| *name != choice.name);
        self.by_hand.push((choice.name, chosen));
    }

    /// The prompt, where one was given.
    pub(crate) fn prompt(&self) -> Option<&str> {
        Some(self.prompt.text()).filter(|text| !text.trim().is_empty())
    }

    /// What the form asks for; or what is missing, and where.
    pub(crate) fn asked(&self) -> Result<Asked, (Field, &'static str)> {
        let filled = |input: &Input, field, missing| match input.text().trim() {
            "" => Err((field, missing)),
            text => Ok(text.to_owned()),
        };
        let spec = filled(&self.spec, Field::Spec, "a run needs a spec: what the question is about")?;
        let stage = filled(&self.stage, Field::Stage, "a run needs a stage, such as plan")?;
        let chosen = self.choices().iter().filter(|choice| self.is_chosen(choice));
        let agents: Vec<String> = chosen.map(|choice| choice.name.clone()).collect();
        if agents.is_empty() {
            let missing = match &self.choices {
                None => "nobody can be asked before it is known who is there",
                Some(none) if none.is_empty() => {
                    "nobody can be asked: [[agents]] in config.toml names agents"
                }
                Some(_) => "nobody is chosen: space chooses an agent",
            };
            return Err((Field::Agents, missing));
        }
        let quorum = match self.quorum.text().trim() {
            "" => None,
            text => match text.parse() {
                Ok(quorum) if (1..=agents.len()).contains(&quorum) => Some(quorum),
                _ => return Err((Field::Quorum, "the quorum is a number from 1 to that of the agents")),
            },
        };
        let everybody = self.choices().iter().all(|choice| self.is_chosen(choice) == self.takes_part(choice));
        Ok(Asked { spec, stage, prompt: self.prompt().map(str::to_owned), agents, everybody, quorum })
    }
}
