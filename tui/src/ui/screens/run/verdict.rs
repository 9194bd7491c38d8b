//! The vote, drawn: what it comes to, field by field, and what the agents contradict each other on.

use std::fmt::Write as _;

use conclave_consensus::verdict::{Conflict, FieldVote, Verdict};
use ratatui::text::{Line, Span};

use super::model::Run;
use crate::text::{fit_with, pad, visible, width};
use crate::ui::model::Model;
use crate::ui::theme::Theme;
use crate::ui::voted;
use crate::verdict_words;

/// `◐ 12 of 13` fits.
const OUTCOME: usize = 11;
/// Narrowest column of an agent.
const AGENT: usize = 8;
/// Conflicts that are shown below the list; the text has all.
const CONFLICTS: usize = 3;

/// What the vote comes to, why, and the heads of the columns.
pub(super) fn above(model: &Model, run: &Run, room: usize) -> Vec<Line<'static>> {
    let theme = model.setting.theme;
    let Some(verdict) = run.verdict() else { return Vec::new() };
    let cut =
        |text: &str| fit_with(&visible(text), room.saturating_sub(2), theme.sign("…", "~")).into_owned();
    let mut lines = vec![
        Line::raw(format!(" {}", cut(&verdict_words::agreement(verdict, theme.dot())))),
        Line::raw(format!(" {}", cut(&verdict.reason))),
    ];
    if !verdict.fields.is_empty() {
        let columns = Columns::of(model, verdict);
        let mut head =
            format!("   {}  {}", pad("field", columns.field, false), pad("outcome", OUTCOME, false));
        for agent in columns.agents(verdict) {
            let _ = write!(head, "  {}", pad(&cut_to(theme, agent, columns.agent), columns.agent, false));
        }
        lines.push(Line::styled(head, theme.dim()));
    }
    lines
}

/// One line for each field.
pub(super) fn rows(model: &Model, verdict: &Verdict) -> Vec<Vec<Span<'static>>> {
    let columns = Columns::of(model, verdict);
    verdict.fields.iter().map(|field| row(model, verdict, &columns, field)).collect()
}

fn row(model: &Model, verdict: &Verdict, columns: &Columns, vote: &FieldVote) -> Vec<Span<'static>> {
    let theme = model.setting.theme;
    let (sign, words, style) = voted::outcome(theme, vote);
    let mut spans = vec![
        Span::raw(pad(&cut_to(theme, &vote.field, columns.field), columns.field, false)),
        Span::styled(format!("  {}", pad(&format!("{sign} {words}"), OUTCOME, false)), style),
    ];
    for agent in columns.agents(verdict) {
        let given = vote.positions.iter().find(|position| position.agents.iter().any(|one| one == agent));
        let value = given.map_or(theme.nothing().to_owned(), |position| voted::short(&position.value));
        let value = pad(&cut_to(theme, &value, columns.agent), columns.agent, false);
        spans.push(Span::raw(format!("  {value}")));
    }
    spans
}

fn cut_to(theme: Theme, text: &str, columns: usize) -> String {
    fit_with(&visible(text), columns, theme.sign("…", "~")).into_owned()
}

/// How wide each column is.
struct Columns {
    field: usize,
    agent: usize,
    /// How many agents have one: what does not fit stands in the text.
    shown: usize,
}

impl Columns {
    fn of(model: &Model, verdict: &Verdict) -> Self {
        let columns = usize::from(model.size.0);
        let room = if columns >= 110 { columns / 5 * 3 } else { columns };
        let longest = verdict.fields.iter().map(|vote| width(&visible(&vote.field))).max().unwrap_or(0);
        let room = room.saturating_sub(3 + 2 + OUTCOME + 1);
        let field = longest.clamp(5, (room / 2).clamp(8, 34));
        let room = room.saturating_sub(field);
        let shown = verdict.agents.len().min(room / (AGENT + 2));
        let agent = room.checked_div(shown).map_or(0, |each| (each - 2).min(20));
        Self { field, agent, shown }
    }

    fn agents<'verdict>(&self, verdict: &'verdict Verdict) -> impl Iterator<Item = &'verdict str> {
        verdict.agents.iter().take(self.shown).map(|agent| agent.agent.as_str())
    }
}

/// Conflicts in the agents' words, and who is missing.
pub(super) fn below(model: &Model, verdict: &Verdict, room: usize) -> Vec<Line<'static>> {
    let theme = model.setting.theme;
    let cut = |text: &str| cut_to(theme, text, room.saturating_sub(4));
    let mut lines = Vec::new();
    let said: Vec<(&str, &str)> = verdict
        .conflicts
        .iter()
        .filter_map(|conflict| match conflict {
            Conflict::Said { agent, text } => Some((agent.as_str(), text.as_str())),
            Conflict::Decision { .. } => None,
        })
        .collect();
    if !said.is_empty() {
        lines.push(Line::styled(" Conflicts said by the agents", Theme::strong()));
        for (agent, text) in said.iter().take(CONFLICTS) {
            lines.push(Line::raw(format!("   {}", cut(&format!("{agent}: \"{text}\"")))));
        }
        if said.len() > CONFLICTS {
            lines.push(Line::styled(format!("   and {} more", said.len() - CONFLICTS), theme.dim()));
        }
    }
    let mut missing = verdict_words::missing(verdict, theme.dot());
    if let Some(first) = missing.get_mut(..1) {
        first.make_ascii_uppercase();
    }
    lines.push(Line::raw(format!(" {}", cut(&missing))));
    lines
}
