//! The frame: one line on top, the screen, a notice where there is one, one line at the bottom.

use ratatui::Frame;
use ratatui::layout::Rect;
use ratatui::text::{Line, Span};

use super::effect::Work;
use super::keymap::{self, Action, Binding, Place};
use super::model::{Deed, Model, Notice, SMALLEST, Screen, State};
use super::overlay;
use super::screens::{
    agents, coordination, form, hosts, run, runs, spawn_form, storage, task, task_form, tasks, trouble,
    welcome,
};
use super::theme::Theme;
use crate::cli::Signs;
use crate::text::{fit_with, visible, width};
use crate::times;

/// From this width on the top line says that nothing can be written; below, the footer does.
const ROOM_FOR_READ_ONLY: u16 = 50;

/// From this width on the top line names all screens.
const ROOM_FOR_NAMES: u16 = 66;

/// Draws the model. Keeps nothing.
pub(crate) fn render(model: &Model, frame: &mut Frame<'_>) {
    let area = frame.area();
    if area.width < SMALLEST.0 || area.height < SMALLEST.1 || !model.fits() {
        let times = model.setting.theme.sign("×", "x");
        let text = format!("needs {}{times}{}", SMALLEST.0, SMALLEST.1);
        draw_line(frame, Rect { height: area.height.min(1), ..area }, Line::raw(text));
        return;
    }
    draw_top(model, frame, Rect { height: 1, ..area });
    match (&model.state, model.screen, &model.run) {
        (State::Absent, ..) => welcome::draw(model, frame),
        (State::Failed(problem), ..) => trouble::draw(model, problem, frame),
        _ if let Some(form) = &model.form => form::view::draw(model, form, frame),
        (_, Screen::Storage, _) => storage::view::draw(model, frame),
        (_, Screen::Tasks, _) => match (&model.tasks.form, model.tasks.open.last()) {
            (Some(form), _) => task_form::view::draw(model, form, frame),
            (None, Some(open)) => task::view::draw(model, open, frame),
            (None, None) => tasks::view::draw(model, frame),
        },
        (_, Screen::Agents, _) => draw_agents(model, frame),
        (_, Screen::Coordination, _) => match model.coordination.open {
            Some(top) => coordination::holder::draw(model, top, frame),
            None => coordination::view::draw(model, frame),
        },
        (_, Screen::Hosts, _) => draw_hosts(model, frame),
        (_, Screen::Runs, Some(run)) => run::view::draw(model, run, frame),
        (_, Screen::Runs, None) => runs::view::draw(model, frame),
    }
    if let Some(overlay) = &model.overlay {
        overlay::draw(model, overlay, frame);
    }
    let footer = area.height - 1;
    let notice = notice(model);
    let above = footer.saturating_sub(u16::try_from(notice.len()).unwrap_or(0));
    for (y, line) in (above..footer).zip(notice) {
        draw_line(frame, Rect { y, height: 1, ..area }, Line::raw(""));
        draw_line(frame, Rect { y, height: 1, ..area }, line);
    }
    draw_footer(model, frame, Rect { y: footer, height: 1, ..area });
    if model.setting.theme.signs == Signs::Ascii {
        spell_in_ascii(frame);
    }
}

fn draw_agents(model: &Model, frame: &mut Frame<'_>) {
    let screen = &model.agents;
    match (&screen.form, &screen.diff, &screen.log) {
        (Some(form), ..) => spawn_form::view::draw(model, form, frame),
        (None, Some(diff), _) => agents::diff::draw(model, diff, frame),
        (None, None, Some(log)) if screen.streams => agents::stream::draw(model, log, frame),
        _ => agents::view::draw(model, frame),
    }
}

fn draw_hosts(model: &Model, frame: &mut Frame<'_>) {
    let screen = &model.hosts;
    match (&screen.form, screen.shown_answer(), &screen.calls) {
        (Some(form), ..) => hosts::draw_form(model, form, frame),
        (None, Some(answer), _) => hosts::draw_answer(model, answer, frame),
        (None, None, Some(calls)) => hosts::draw_calls(model, calls, frame),
        (None, None, None) => hosts::view::draw(model, frame),
    }
}

/// Where the terminal cannot draw other letters, those of the content become `?` as well.
fn spell_in_ascii(frame: &mut Frame<'_>) {
    for cell in &mut frame.buffer_mut().content {
        if !cell.symbol().is_ascii() {
            let sign = if cell.symbol() == "…" { "~" } else { "?" };
            cell.set_symbol(sign);
        }
    }
}

/// The part of the screen that belongs to the content.
pub(crate) fn body(model: &Model) -> Rect {
    let (columns, lines) = model.size;
    let noticed = u16::try_from(notice(model).len()).unwrap_or(0);
    Rect { x: 0, y: 1, width: columns, height: lines.saturating_sub(2 + noticed) }
}

/// Draws one line, cut where it does not fit, over whatever was there.
pub(crate) fn draw_line(frame: &mut Frame<'_>, area: Rect, line: Line<'_>) {
    // The terminal may have shrunk since the model heard of its size.
    let area = area.intersection(frame.area());
    if area.height > 0 && area.width > 0 {
        frame.render_widget(line, Rect { height: 1, ..area });
    }
}

/// Draws a rule.
pub(crate) fn rule(model: &Model, frame: &mut Frame<'_>, area: Rect) {
    let theme = model.setting.theme;
    let inner = usize::from(area.width.saturating_sub(2));
    draw_line(frame, area, Line::styled(format!(" {}", theme.rule().repeat(inner)), theme.dim()));
}

/// Text in lines of at most `columns`, cut at spaces.
pub(crate) fn wrapped(text: &str, columns: usize) -> Vec<String> {
    let columns = columns.max(1);
    let mut lines = vec![String::new()];
    for word in text.split_whitespace() {
        let line = lines.last().map_or(0, |line| width(line));
        let word = fit_with(word, columns, "~");
        if line > 0 && line + 1 + width(&word) > columns {
            lines.push(word.into_owned());
        } else if let Some(last) = lines.last_mut() {
            if line > 0 {
                last.push(' ');
            }
            last.push_str(&word);
        }
    }
    lines
}

/// Facts in lines of at most `columns`, with a dot between two; a fact is cut only where it is longer than a line.
pub(crate) fn joined(facts: &[String], dot: &str, columns: usize) -> Vec<String> {
    let mut lines: Vec<String> = Vec::new();
    for fact in facts {
        match lines.last_mut() {
            Some(line) if width(line) + width(fact) + 4 <= columns => {
                line.extend([" ", dot, " ", fact]);
            }
            last => {
                if let Some(line) = last {
                    line.extend([" ", dot]);
                }
                lines.extend(wrapped(fact, columns));
            }
        }
    }
    lines
}

fn draw_top(model: &Model, frame: &mut Frame<'_>, area: Rect) {
    let theme = model.setting.theme;
    let mut spans = vec![Span::styled(" conclave ", Theme::strong())];
    for (label, screen) in screen_labels(model) {
        let is_here = screen == model.screen && matches!(model.state, State::Ready | State::Opening);
        let style = if is_here { Theme::chosen() } else { ratatui::style::Style::new() };
        spans.push(Span::raw(" "));
        spans.push(Span::styled(label, style));
    }
    if model.setting.read_only && area.width >= ROOM_FOR_READ_ONLY {
        spans.push(Span::styled("  read-only", theme.warning()));
    }
    let used: usize = spans.iter().map(Span::width).sum();
    draw_line(frame, area, Line::from(spans));
    let needs = model.needs().count();
    let right = match needs {
        0 => String::new(),
        1 => "! 1 needs you ".to_owned(),
        more => format!("! {more} need you "),
    };
    // On a narrow screen the sign and the number say it.
    let right = if needs > 0 && used + 1 + width(&right) > usize::from(area.width) {
        format!("! {needs} ")
    } else {
        right
    };
    let room = u16::try_from(width(&right)).unwrap_or(0).min(area.width);
    let place = Rect { x: area.right() - room, width: room, ..area };
    draw_line(frame, place, Line::styled(right, theme.warning()));
    draw_project(model, frame, Rect { width: area.width - room, ..area }, used);
}

/// Which project this is, where there is room for a name that can be told from others.
fn draw_project(model: &Model, frame: &mut Frame<'_>, area: Rect, used: usize) {
    const LEAST: usize = 8;
    let root = visible(&model.setting.root);
    let name = root.rsplit('/').find(|part| !part.is_empty()).unwrap_or("/");
    let room = usize::from(area.width).saturating_sub(used + 3);
    if room < LEAST.min(width(name)) {
        return;
    }
    let name = format!("{} ", fit_with(name, room, model.setting.theme.sign("…", "~")));
    let wide = u16::try_from(width(&name)).unwrap_or(0).min(area.width);
    let place = Rect { x: area.right() - wide, width: wide, ..area };
    draw_line(frame, place, Line::styled(name, model.setting.theme.dim()));
}

/// The screens as the top line names them; where there is no room for all names, the others have only their numbers.
fn screen_labels(model: &Model) -> impl Iterator<Item = (String, Screen)> {
    let is_narrow = model.size.0 < ROOM_FOR_NAMES;
    let here = model.screen;
    Screen::ALL.into_iter().map(move |(key, name, screen)| {
        let label = if is_narrow && screen != here { key.to_string() } else { format!("{key} {name}") };
        (label, screen)
    })
}

/// Which screen a click on the top line means.
pub(crate) fn clicked_screen(model: &Model, column: u16) -> Option<Screen> {
    let mut left = 10;
    for (label, screen) in screen_labels(model) {
        let end = left + 1 + u16::try_from(label.len()).unwrap_or(0);
        if (left..end).contains(&column) {
            return Some(screen);
        }
        left = end;
    }
    None
}

/// Most lines that a notice takes.
const fn most_lines(model: &Model) -> usize {
    // On a low screen the content keeps the greater part.
    if model.size.1 < 20 { 3 } else { 5 }
}

/// What stands above the footer: what happened with its hint, or what goes on.
fn notice(model: &Model) -> Vec<Line<'static>> {
    let theme = model.setting.theme;
    let (text, hint, style) = match (&model.notice, &model.working) {
        (Some(Notice::Problem(problem)), _) => {
            let text = format!("{} {}", theme.sign("✗", "x"), problem.text);
            (text, problem.hint.clone(), theme.bad())
        }
        (Some(Notice::Said(text)), _) => (format!("{} {text}", theme.sign("✓", "+")), None, theme.good()),
        (Some(Notice::News(text)), _) => (format!("{} {text}", theme.dot()), None, theme.warning()),
        (None, Some(working)) => {
            let far = match (working.total, working.phase) {
                (0, "") => String::new(),
                (0, phase) => format!(": {phase}"),
                (total, phase) => {
                    let percent = u128::from(working.done.min(total)) * 100 / u128::from(total);
                    format!(": {phase} {percent} %")
                }
            };
            (format!("{} {}{far}", theme.sign("●", "*"), working.work.name()), None, theme.accent())
        }
        (None, None) => match model.deeds.first() {
            Some(deed) => (goes_on(model, deed), None, theme.accent()),
            None => return Vec::new(),
        },
    };
    let room = usize::from(model.size.0).saturating_sub(2);
    let paragraph = |text: &str| {
        wrapped(&visible(text), room).into_iter().map(|line| format!(" {line}")).collect::<Vec<_>>()
    };
    let most = most_lines(model);
    let room_for_text = if hint.is_some() { most - 1 } else { most };
    let mut lines: Vec<Line<'static>> =
        paragraph(&text).into_iter().take(room_for_text).map(|line| Line::styled(line, style)).collect();
    if let Some(hint) = hint {
        let left = most - lines.len();
        let hint = paragraph(&format!("  {hint}")).into_iter().take(left);
        lines.extend(hint.map(|line| Line::raw(format!("  {}", line.trim_start()))));
    }
    lines
}

/// What is being done to an agent, for how long, and what it waits for.
fn goes_on(model: &Model, deed: &Deed) -> String {
    /// Milliseconds until whoever does not end by itself is ended.
    const PATIENCE: i64 = 10_000;
    let theme = model.setting.theme;
    let passed = model.now_ms.saturating_sub(deed.since).max(0);
    let id = deed.work.beside().map_or_else(String::new, |who| format!(" of {}", who.id()));
    let waits = match &deed.work {
        Work::MergeAgent(_) => "git is at it".to_owned(),
        _ if passed < PATIENCE => format!("asked to end, killed in {}", times::clock(PATIENCE - passed)),
        Work::CleanUpAgent { .. } => "its worktree is being removed, or its teardown runs".to_owned(),
        _ => "it is being killed".to_owned(),
    };
    let more = match model.deeds.len() {
        0 | 1 => String::new(),
        many => format!(" {} {} more", theme.dot(), many - 1),
    };
    format!("{} {}{id} for {}: {waits}{more}", theme.sign("●", "*"), deed.work.name(), times::clock(passed))
}

fn draw_footer(model: &Model, frame: &mut Frame<'_>, area: Rect) {
    let theme = model.setting.theme;
    // Where the top line has no room for it: whoever cannot write acts as nobody.
    let actor = if model.setting.read_only && area.width < ROOM_FOR_READ_ONLY {
        "read-only ".to_owned()
    } else {
        format!("as {} ", model.setting.actor)
    };
    let room = usize::from(area.width).saturating_sub(1);
    let mut spans = vec![Span::raw(" ")];
    let mut used = 1;
    for (key, word) in hints(model) {
        let wide = width(&key) + 1 + width(word) + 2;
        if used + wide > room {
            continue;
        }
        used += wide;
        spans.push(Span::styled(key, theme.accent()));
        spans.push(Span::raw(format!(" {word}  ")));
    }
    draw_line(frame, area, Line::from(spans));
    if used + width(&actor) <= room {
        let wide = u16::try_from(width(&actor)).unwrap_or(0);
        draw_line(
            frame,
            Rect { x: area.right() - wide, width: wide, ..area },
            Line::styled(actor, theme.dim()),
        );
    }
}

/// Keys and words of the footer, from the keymap.
fn hints(model: &Model) -> Vec<(String, &'static str)> {
    use super::overlay::Overlay;
    let fixed =
        |pairs: &[(&str, &'static str)]| pairs.iter().map(|(key, word)| ((*key).to_owned(), *word)).collect();
    match &model.overlay {
        Some(Overlay::Help { .. }) => return fixed(&[("up/down", "scroll"), ("esc", "back")]),
        Some(Overlay::Palette(_)) => {
            return fixed(&[("enter", "run"), ("tab", "complete"), ("up/down", "choose"), ("esc", "back")]);
        }
        Some(Overlay::NeedsYou { .. }) if model.needs().next().is_some() => {
            return fixed(&[("enter", "go there"), ("up/down", "choose"), ("esc", "back")]);
        }
        Some(Overlay::NeedsYou { .. } | Overlay::Prompt { .. }) => return fixed(&[("esc", "back")]),
        Some(Overlay::Leave) => return fixed(&[("w", "wait"), ("c", "cancel them"), ("s", "stay")]),
        Some(Overlay::Ask { .. }) => return fixed(&[("y", "yes"), ("n", "no"), ("esc", "back")]),
        None => {}
    }
    let in_agents = match model.place() {
        Place::Agents => model.agents.editing.is_some(),
        Place::AgentDiff => model.agents.diff.as_ref().is_some_and(|diff| diff.searching.is_some()),
        Place::Stream => model.agents.log.as_ref().is_some_and(|log| log.searching.is_some()),
        Place::Leases => model.coordination.editing.is_some(),
        _ => false,
    };
    if in_agents {
        let (keep, clear) = if matches!(model.place(), Place::Agents | Place::Leases) {
            ("keep", "clear")
        } else {
            ("find", "back")
        };
        return fixed(&[("enter", keep), ("esc", clear)]);
    }
    if model.tasks.editing.is_some() && model.place() == Place::Tasks {
        return fixed(&[("enter", "keep"), ("esc", "clear")]);
    }
    let in_runs =
        model.runs.editing.is_some() || model.run.as_ref().is_some_and(|run| run.searching.is_some());
    if in_runs && model.screen == Screen::Runs {
        return fixed(&[("enter", "keep"), ("esc", "clear")]);
    }
    let place = model.place();
    if matches!(place, Place::Form | Place::TaskForm | Place::SpawnForm | Place::AskForm) {
        // Other keys are typed.
        let own = keymap::BINDINGS.iter().filter(move |binding| binding.place == place);
        return kept_whole(model, own.collect());
    }
    let shown = |binding: &&Binding| {
        !binding.hint.is_empty() && binding.is_open(model.setting.read_only) && model.is_so(binding.when)
    };
    kept_whole(model, keymap::at(place).filter(shown).collect())
}

/// As many of the hints as there is room for, the way back and the way out among them.
fn kept_whole(model: &Model, mut bindings: Vec<&Binding>) -> Vec<(String, &'static str)> {
    // The way back and the way out are never cut off.
    let (last, first): (Vec<&Binding>, Vec<&Binding>) = bindings
        .drain(..)
        .partition(|binding| binding.place == Place::Global || binding.action == Action::Back);
    let names = |binding: &&Binding| match binding.action {
        Action::HoldLog if model.agents.log.as_ref().is_some_and(|log| log.held) => {
            (binding.key_name(), "follow")
        }
        Action::Back if model.place() == Place::ModelAnswer && model.hosts.is_asking() => {
            (binding.key_name(), "take back")
        }
        Action::Choose if binding.keys.len() > 1 => ("left/right".to_owned(), binding.hint),
        _ => (binding.key_name(), binding.hint),
    };
    let mut last: Vec<_> = last.iter().map(names).collect();
    // On the list of agents, which has most keys, the help names the way out.
    let all: usize = first
        .iter()
        .chain(&[])
        .map(names)
        .chain(last.clone())
        .map(|(key, word)| width(&key) + width(word) + 3)
        .sum();
    if model.place() == Place::Agents && all + 2 > usize::from(model.size.0) {
        last.retain(|(key, _)| key != "q");
    }
    let kept: usize = last.iter().map(|(key, word)| width(key) + width(word) + 3).sum();
    let mut room = usize::from(model.size.0).saturating_sub(2 + kept);
    let mut hints: Vec<_> = Vec::new();
    for (key, word) in first.iter().map(names) {
        let wide = width(&key) + width(word) + 3;
        if wide <= room {
            room -= wide;
            hints.push((key, word));
        }
    }
    hints.extend(last);
    hints
}

#[cfg(test)]
mod tests;
