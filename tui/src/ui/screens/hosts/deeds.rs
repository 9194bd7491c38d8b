//! What is done to hosts: each on a thread of its own, the one that does harm only after a question.

use super::update::selected;
use crate::ui::effect::Effect;
use crate::ui::keymap::Action;
use crate::ui::model::Model;
use crate::ui::overlay::{Overlay, Then};
use crate::ui::problem::Problem;

/// What is done to a host.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum DeedKind {
    /// Ask it whether it is well.
    Check,
    /// Refuse all calls to it.
    Open,
    /// Close its breaker.
    Close,
    /// The same, and forget its blocks and which models it has not.
    Reset,
}

/// Something that is done to a host.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Deed {
    pub(crate) kind: DeedKind,
    /// The host's name in the configuration; all where it is empty.
    pub(crate) host: String,
}

impl DeedKind {
    pub(super) const fn of(action: Action) -> Option<Self> {
        Some(match action {
            Action::CheckHost => Self::Check,
            Action::OpenHost => Self::Open,
            Action::CloseHost => Self::Close,
            Action::ResetHost => Self::Reset,
            _ => return None,
        })
    }

    /// The word on the command line.
    pub(crate) const fn word(self) -> &'static str {
        match self {
            Self::Check => "check",
            Self::Open => "open",
            Self::Close => "close",
            Self::Reset => "reset",
        }
    }
}

/// Does it to the host under the cursor; what changes how others are served, after a question.
pub(super) fn act(model: &mut Model, kind: DeedKind) -> Vec<Effect> {
    let host = match &model.hosts.calls {
        Some(calls) => Some(calls.host.clone()),
        None => selected(&model.hosts).map(|host| host.name.clone()),
    };
    host.map(|host| begin(model, Deed { kind, host })).unwrap_or_default()
}

/// Begins a deed, or asks whether to.
pub(super) fn begin(model: &mut Model, deed: Deed) -> Vec<Effect> {
    let name = &deed.host;
    let question = match deed.kind {
        DeedKind::Check => return start(model, deed),
        DeedKind::Open => {
            format!("Open the breaker of {name:?}? No process asks it until somebody closes it.")
        }
        DeedKind::Close => {
            format!("Close the breaker of {name:?}? All processes ask it again, with all counts at zero.")
        }
        DeedKind::Reset => format!(
            "Reset {name:?}? Its breaker closes, and blocks and missing models are forgotten: all processes ask it again."
        ),
    };
    model.overlay = Some(Overlay::Ask { question, then: Then::Host(deed) });
    Vec::new()
}

/// Starts it, unless something is being done to that host already.
pub(crate) fn start(model: &mut Model, deed: Deed) -> Vec<Effect> {
    if model.hosts.deeds.iter().any(|other| other.host == deed.host) {
        model.tell(format!("{} goes on there", deed.kind.word()));
        return Vec::new();
    }
    model.hosts.deeds.push(deed.clone());
    vec![Effect::Host(deed)]
}

/// It is done, or could not be.
pub(crate) fn done(model: &mut Model, deed: &Deed, outcome: Result<String, Problem>) -> Vec<Effect> {
    model.hosts.deeds.retain(|other| other != deed);
    match outcome {
        Ok(said) => model.tell(said),
        Err(problem) => model.complain(problem),
    }
    super::refresh_all(model)
}
