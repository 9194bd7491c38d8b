//! The page of an answer: it follows the text as it comes, and says who answered and why he did.

use conclave_llm::{Answer, Finish};
use ratatui::Frame;
use ratatui::layout::Rect;
use ratatui::text::Line;

use super::answer::{Answering, Reply};
use super::words::brief;
use crate::text::{count, counted, fit_with, visible};
use crate::times;
use crate::ui::effect::Effect;
use crate::ui::keymap::Action;
use crate::ui::model::Model;
use crate::ui::render::{body, draw_line, joined, rule, wrapped};
use crate::ui::screens::agents;
use crate::ui::theme::Theme;

/// Columns of the marker in front of a line.
const MARKER: u16 = 2;

/// Where the parts are: the question, what is known of the answer, its text.
struct Parts {
    head: Rect,
    notes: Vec<Line<'static>>,
    text: Rect,
}

fn parts(model: &Model, answer: &Answering) -> Parts {
    let area = body(model);
    let columns = usize::from(area.width).saturating_sub(2);
    // The text keeps most of the screen.
    let most = usize::from(area.height / 3).clamp(1, 6);
    let notes: Vec<Line<'static>> = notes(model, answer, columns).into_iter().take(most).collect();
    let above = (u16::try_from(notes.len()).unwrap_or(0) + 2).min(area.height);
    let text = Rect { y: area.y + above, height: area.height - above, ..area };
    Parts { head: Rect { height: 1.min(area.height), ..area }, notes, text }
}

/// Lays the text out where the width has changed; keeps its end in sight while it follows, else the cursor.
pub(super) fn fit(model: &mut Model) {
    let Some(answer) = &model.hosts.answer else { return };
    let area = parts(model, answer).text;
    let (width, height) = (usize::from(area.width.saturating_sub(MARKER + 1)), usize::from(area.height));
    let Some(answer) = &mut model.hosts.answer else { return };
    answer.document.fit(width, height);
    if answer.follows {
        answer.document.cursor.selected = answer.document.len().saturating_sub(1);
        answer.document.fit(width, height);
    }
}

/// Carries out an action of the page.
pub(super) fn act(model: &mut Model, action: Action) -> Vec<Effect> {
    let Some(height) = model.hosts.answer.as_ref().map(|answer| parts(model, answer).text.height) else {
        return Vec::new();
    };
    let page = isize::try_from(height.max(1)).unwrap_or(1);
    let Some(answer) = &mut model.hosts.answer else { return Vec::new() };
    let length = answer.document.len();
    let cursor = &mut answer.document.cursor;
    match action {
        Action::Up | Action::PageUp => {
            cursor.step(if action == Action::Up { -1 } else { -page }, length);
            answer.follows = false;
        }
        Action::Down => cursor.step(1, length),
        Action::PageDown => cursor.step(page, length),
        Action::Top => {
            cursor.selected = 0;
            answer.follows = false;
        }
        Action::Bottom => answer.follows = true,
        Action::Copy => {
            let text = answer.document.text().to_owned();
            return vec![Effect::Copy { text, what: "the answer".to_owned() }];
        }
        Action::CopyLine => {
            return vec![Effect::Copy { text: answer.asked.line(), what: "the command line".to_owned() }];
        }
        // The first ends the question, the next leaves the page.
        Action::Back if answer.goes_on() && !answer.stopping => {
            answer.stopping = true;
            return vec![Effect::StopAsking];
        }
        Action::Back => model.hosts.reads_answer = false,
        _ => {}
    }
    fit(model);
    Vec::new()
}

/// Draws the page.
pub(crate) fn draw(model: &Model, answer: &Answering, frame: &mut Frame<'_>) {
    let theme = model.setting.theme;
    let parts = parts(model, answer);
    let room = usize::from(parts.head.width).saturating_sub(3);
    let question = visible(answer.asked.prompt.trim()).into_owned();
    let question = fit_with(&question, room, theme.sign("…", "~")).into_owned();
    draw_line(frame, parts.head, Line::styled(format!(" {question}"), Theme::strong()));
    let mut y = parts.head.y + 1;
    for line in parts.notes {
        if y < parts.text.bottom() {
            draw_line(frame, Rect { y, height: 1, ..parts.head }, line);
            y += 1;
        }
    }
    if y < parts.text.bottom() {
        rule(model, frame, Rect { y, height: 1, ..parts.head });
    }
    agents::stream::draw_document(model, &answer.document, frame, parts.text, |_| {
        ratatui::style::Style::new()
    });
}

/// What is known of the answer: how it stands, who was tried, who was passed over, what is to be known of it.
fn notes(model: &Model, answer: &Answering, columns: usize) -> Vec<Line<'static>> {
    let theme = model.setting.theme;
    let took = answer.ended.unwrap_or(model.now_ms).saturating_sub(answer.since);
    let (text, style, more) = match &answer.reply {
        None if answer.stopping => {
            (format!("{} taking it back", theme.sign("●", "*")), theme.warning(), Vec::new())
        }
        None => {
            let whom = answer.asked.host.as_deref().unwrap_or("whoever is first in line");
            let far = match answer.document.text().chars().count() as u64 {
                0 => format!("asking {whom}"),
                letters => format!("answering, {}", counted(letters, "letter", "letters")),
            };
            let again = answer.restarted.as_ref();
            let again = again.map_or_else(String::new, |host| format!(", begun again by {host}"));
            let text = format!("{} {far}{again}  {}", theme.sign("●", "*"), times::clock(took));
            (text, theme.accent(), Vec::new())
        }
        Some(Reply::Answered(whole)) => {
            let text = format!("{} {}", theme.sign("✓", "+"), answered(theme, whole));
            let style = if whole.finish == Finish::Stop { theme.good() } else { theme.warning() };
            (text, style, tried(theme, whole))
        }
        Some(Reply::Failed { cancelled: true, .. }) => (
            format!("{} taken back after {}", theme.sign("○", "o"), times::clock(took)),
            theme.warning(),
            Vec::new(),
        ),
        Some(Reply::Failed { partial, .. }) => {
            let said = if partial.is_empty() { "nobody answered" } else { "the answer was cut off" };
            (
                format!("{} {said}, after {}", theme.sign("✗", "x"), times::clock(took)),
                theme.bad(),
                Vec::new(),
            )
        }
    };
    let line = |style| move |text: String| Line::styled(format!(" {text}"), style);
    let mut lines: Vec<Line<'static>> =
        wrapped(&visible(&text), columns).into_iter().map(line(style)).collect();
    lines.extend(more.into_iter().flat_map(|text| wrapped(&visible(&text), columns)).map(line(theme.dim())));
    lines
}

/// Who answered, how it ended, and what it took.
fn answered(theme: Theme, whole: &Answer) -> String {
    let model = whole.served_model.as_ref().unwrap_or(&whole.model);
    let by = if whole.fallback { ", the fallback" } else { "" };
    let mut facts = vec![format!("{} ({model}){by}", whole.host), brief(whole.latency_ms)];
    match whole.finish {
        Finish::Stop => {}
        Finish::Length => facts.push("cut short by the limit of tokens".to_owned()),
        Finish::Refused => facts.push("the model refused".to_owned()),
        Finish::Tool => facts.push("it wants to use a tool, which it has not".to_owned()),
        Finish::Other => facts.push("ended for a reason of the server's own".to_owned()),
    }
    let tokens = |tokens: Option<u64>| tokens.map_or_else(|| "?".to_owned(), count);
    if whole.tokens.input.is_some() || whole.tokens.output.is_some() {
        let about = if whole.tokens.estimated { "about " } else { "" };
        let (input, output) = (tokens(whole.tokens.input), tokens(whole.tokens.output));
        facts.push(format!("{about}{input} tokens in, {output} out"));
    }
    if whole.queued_ms >= 100 {
        facts.push(format!("{} in the queue", brief(whole.queued_ms)));
    }
    joined(&facts, theme.dot(), usize::MAX / 2).join(" ")
}

/// Who was tried before, who was passed over and why; what else is to be known.
fn tried(theme: Theme, whole: &Answer) -> Vec<String> {
    let failed: Vec<String> = whole
        .attempts
        .iter()
        .filter_map(|attempt| {
            let status = attempt.status.map_or_else(String::new, |status| format!(" {status}"));
            Some(format!("{} {}{status}", attempt.host, attempt.class?.as_str()))
        })
        .collect();
    let skipped: Vec<String> =
        whole.skipped.iter().map(|skipped| format!("{} {}", skipped.host, skipped.why.words())).collect();
    let mut lines = Vec::new();
    if !failed.is_empty() {
        lines.push(format!("failed before: {}", failed.join(", ")));
    }
    if !skipped.is_empty() {
        lines.push(format!("passed over: {}", skipped.join(", ")));
    }
    lines.extend(whole.warnings.iter().map(|warning| format!("{} {warning}", theme.sign("◐", "~"))));
    lines
}
