//! The window into the list.

use crate::ui::fixture::{model, press, send};
use crate::ui::message::Msg;
use crate::ui::model::Model;

fn number(model: &Model) -> i64 {
    super::selected(&model.runs).map_or(0, |run| run.id.0)
}

/// The numbers in the order of the list: those without a time come last.
fn order(count: i64) -> Vec<i64> {
    let timed = (1..=count).rev().filter(|number| number % 7 != 0);
    timed.chain((1..=count).rev().filter(|number| number % 7 == 0)).collect()
}

/// Says where two long lists part, not all of both.
fn check_same(found: &[i64], wanted: &[i64]) {
    let parts = found.iter().zip(wanted).position(|(one, other)| one != other);
    let around = |list: &[i64], at: usize| list[at.saturating_sub(3)..(at + 3).min(list.len())].to_vec();
    if let Some(at) = parts {
        panic!("at {at}: {:?}, wanted {:?}", around(found, at), around(wanted, at));
    }
    assert_eq!(found.len(), wanted.len());
}

#[test]
fn walking_down_and_up_meets_every_run_once() {
    let count = 1700;
    let mut model = model((80, 24), count);
    let mut down = vec![number(&model)];
    for _ in 1..count {
        press(&mut model, count, &["j"]);
        down.push(number(&model));
        assert!(model.runs.rows.len() <= 800);
    }
    check_same(&down, &order(count));
    let mut up = vec![number(&model)];
    for _ in 1..count {
        press(&mut model, count, &["k"]);
        up.push(number(&model));
    }
    up.reverse();
    check_same(&up, &down);
}

#[test]
fn the_end_is_reached_at_once_and_the_way_back_is_whole() {
    let count = 1700;
    let mut model = model((80, 24), count);
    press(&mut model, count, &["G"]);
    assert_eq!(number(&model), *order(count).last().unwrap());
    let mut up = vec![number(&model)];
    for _ in 1..count {
        press(&mut model, count, &["k"]);
        up.push(number(&model));
    }
    up.reverse();
    check_same(&up, &order(count));
    press(&mut model, count, &["G", "g"]);
    assert_eq!(number(&model), order(count)[0]);
}

#[test]
fn new_runs_come_in_on_top_without_moving_what_is_looked_at() {
    let mut model = model((80, 24), 100);
    press(&mut model, 100, &["jjj"]);
    let before = (number(&model), model.runs.cursor.selected - model.runs.cursor.top);
    send(&mut model, Msg::Changed, 103);
    assert_eq!((number(&model), model.runs.cursor.selected - model.runs.cursor.top), before);
    assert_eq!(model.runs.new_above(), 3);
    press(&mut model, 103, &["g"]);
    assert_eq!((number(&model), model.runs.new_above()), (103, 0));
    send(&mut model, Msg::Changed, 104);
    assert_eq!(number(&model), 104, "at the top the newest is followed");
}

#[test]
fn a_filter_narrows_as_it_is_typed_and_escape_gives_all_back() {
    let mut model = model((80, 24), 100);
    press(&mut model, 100, &["/", "stage:audit"]);
    assert!(model.runs.rows.iter().all(|run| run.stage == "audit"));
    assert_eq!(model.runs.matching, Some(25));
    press(&mut model, 100, &["esc"]);
    assert_eq!((model.runs.rows.len(), model.runs.matching), (100, Some(100)));
}

#[test]
fn answers_to_older_questions_are_dropped() {
    use crate::ui::effect::{Effect, Part, Read};
    use crate::ui::message::PageRead;
    use crate::ui::update::update;
    let mut model = model((80, 24), 100);
    let refresh = crate::ui::keys::Key::of(ratatui::crossterm::event::KeyCode::F(5));
    let first = update(&mut model, Msg::Key(refresh));
    let Some(Effect::Read(Read::Page(page))) = first.first().cloned() else { panic!("{first:?}") };
    update(&mut model, Msg::Key(refresh));
    let late = PageRead {
        generation: page.generation,
        part: Part::First,
        after: None,
        rows: Vec::new(),
        marks: std::collections::BTreeMap::new(),
        at_end: true,
        before: Vec::new(),
    };
    update(&mut model, Msg::Page(Box::new(late)));
    assert_eq!(model.runs.rows.len(), 100);
}
