//! The ports and the architects, below or beside the leases.

use ratatui::Frame;
use ratatui::layout::Rect;
use ratatui::text::{Line, Span};

use crate::text::{counted, fit_with, visible};
use crate::ui::model::Model;
use crate::ui::render::{draw_line, joined, wrapped};
use crate::ui::screens::agents;
use crate::ui::theme::Theme;

/// A pane below this width says one thing on each line.
const WIDE_PANE: u16 = 60;

/// Draws the pane.
pub(super) fn draw(model: &Model, frame: &mut Frame<'_>, area: Rect) {
    let lines = lines(model, area);
    for (y, line) in (area.y..area.bottom()).zip(lines) {
        draw_line(frame, Rect { y, height: 1, ..area }, line);
    }
}

fn lines(model: &Model, area: Rect) -> Vec<Line<'static>> {
    let theme = model.setting.theme;
    let mut lines = Vec::new();
    let parts = [("Ports", ports(model)), ("Architects", architects(model))];
    let room = usize::from(area.width).saturating_sub(4);
    let mark = theme.sign("…", "~");
    for (name, facts) in parts {
        if area.width >= WIDE_PANE {
            let mut texts = joined(&facts, theme.dot(), room.saturating_sub(10)).into_iter();
            lines.push(Line::from(vec![
                Span::styled(format!(" {name:<10} "), Theme::strong()),
                Span::raw(texts.next().unwrap_or_default()),
            ]));
            lines.extend(texts.map(|text| Line::raw(format!("            {text}"))));
        } else {
            lines.push(Line::styled(format!(" {name}"), Theme::strong()));
            let cut = |text: &String| Line::raw(format!("   {}", fit_with(text, room, mark)));
            lines.extend(facts.iter().map(cut));
            lines.push(Line::raw(""));
        }
    }
    if let Some(problem) = &model.coordination.found.problem {
        for text in wrapped(&visible(&problem.text), room) {
            lines.push(Line::styled(format!(" {text}"), theme.bad()));
        }
    }
    lines
}

fn ports(model: &Model) -> Vec<String> {
    let found = &model.coordination.found;
    let Some(ports) = &found.ports else {
        let why = if found.problem.is_some() { "unknown" } else { "no project has a block yet" };
        return vec![why.to_owned()];
    };
    let mut facts = Vec::new();
    match ports.here {
        Some(base) => facts.push(format!("{base} this project")),
        None => facts.push("this project has none yet".to_owned()),
    }
    facts.extend(ports.others.iter().map(|(base, name)| format!("{base} {}", visible(name))));
    facts.push(format!("{} free", counted(ports.free, "block", "blocks")));
    facts
}

fn architects(model: &Model) -> Vec<String> {
    let theme = model.setting.theme;
    let told = |row: &agents::Row| {
        let (sign, word, _) = agents::state(theme, row);
        visible(&format!("{}{} {sign} {word}", row.id, agents::pid_in_brackets(row.pid))).into_owned()
    };
    let all: Vec<String> = model.coordination.found.architects.iter().map(told).collect();
    if all.is_empty() { vec!["none; `conclave start` registers one".to_owned()] } else { all }
}
