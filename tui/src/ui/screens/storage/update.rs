//! What the keys of the storage screen ask for. Everything that changes the file asks first.

use conclave_spool::trim::Trimmed;

use super::view;
use crate::text::{count, counted, size, visible};
use crate::ui::effect::{Effect, Read, Work};
use crate::ui::keymap::Action;
use crate::ui::model::{Model, Screen, State};
use crate::ui::overlay::Overlay;
use crate::ui::update::start_work;

/// Whether the file is known to need no conversion.
fn is_incremental(model: &Model) -> bool {
    let file = model.storage.numbers.as_ref().and_then(|numbers| numbers.file.as_ref().ok());
    file.is_some_and(|file| file.incremental)
}

/// What is read again while the screen is in front.
pub(crate) fn refresh(model: &Model) -> Vec<Effect> {
    if model.screen != Screen::Storage || model.state != State::Ready {
        return Vec::new();
    }
    vec![Effect::Read(Read::Storage), Effect::Read(Read::Stores)]
}

/// The same of spool and cache alone.
pub(crate) fn refresh_stores(model: &Model) -> Option<Effect> {
    refresh(model).into_iter().find(|effect| *effect == Effect::Read(Read::Stores))
}

/// Carries out an action of the screen.
pub(crate) fn act(model: &mut Model, action: Action) -> Vec<Effect> {
    let length = view::length(model);
    let seen = view::height(model);
    let last = length.saturating_sub(seen);
    let top = &mut model.storage.top;
    match action {
        Action::Up => *top = top.saturating_sub(1),
        Action::Down => *top = (*top + 1).min(last),
        Action::PageUp => *top = top.saturating_sub(seen.max(1)),
        Action::PageDown => *top = (*top + seen.max(1)).min(last),
        Action::Top => *top = 0,
        Action::Bottom => *top = last,
        Action::Copy => {
            let text = model.setting.database.clone();
            return vec![Effect::Copy { text, what: "the path of the database".to_owned() }];
        }
        Action::Doctor => return start_work(model, Work::Doctor),
        Action::Verify => return start_work(model, Work::Verify),
        Action::Backfill => {
            let question = "Copy the legacy rows that have no new row yet? Other writers go on meanwhile.";
            model.overlay = Some(Overlay::ask(question, Work::Backfill));
        }
        Action::Advance => advance(model),
        Action::RollBack => {
            let question = "Take the migration one step back? What only the new tables have is copied first.";
            model.overlay = Some(Overlay::ask(question, Work::RollBack));
        }
        Action::Repair => {
            let question =
                "Make the side that follows equal to the leading one, row by row? Each row is recorded.";
            model.overlay = Some(Overlay::ask(question, Work::Repair));
        }
        // These two are there to be used while other work goes on.
        Action::Pause => return vec![Effect::Work(Work::Pause)],
        Action::Resume => return vec![Effect::Work(Work::Resume)],
        Action::Vacuum => {
            let question = "Give the free pages of state.db back to the disk? Other writers go on meanwhile.";
            model.overlay = Some(Overlay::ask(question, Work::Vacuum));
        }
        // It adds, and takes nothing away.
        Action::FlushSpool => return start_work(model, Work::FlushSpool),
        // What would go is named in the question.
        Action::TrimSpool => return start_work(model, Work::PlanTrim),
        Action::ClearCache => clear_cache(model),
        Action::Backup => {
            let question = "Write a verified backup of state.db now?";
            model.overlay = Some(Overlay::ask(question, Work::Backup));
        }
        Action::Checkpoint => {
            let question = "Copy the write-ahead log into state.db now?";
            model.overlay = Some(Overlay::ask(question, Work::Checkpoint));
        }
        Action::Convert if is_incremental(model) => {
            model.say("nothing to convert: free pages can be given back already");
        }
        Action::Convert => {
            let question = "Rewrite the whole of state.db, so that it can give free pages back? Everyone else waits meanwhile.";
            model.overlay = Some(Overlay::ask(question, Work::Convert));
        }
        _ => {}
    }
    Vec::new()
}

/// Asks before everything goes out of the cache.
fn clear_cache(model: &mut Model) {
    let entries = match model.storage.cached() {
        Some(0) => return model.say("nothing to clear: the cache is empty"),
        Some(entries) => format!("{} out of", counted(entries, "entry", "entries")),
        None if matches!(model.storage.stores.as_ref().map(|stores| &stores.cache), Some(Ok(None))) => {
            return model.say("nothing to clear: there is no cache yet");
        }
        None => "everything out of".to_owned(),
    };
    let question = format!("Take {entries} the parse cache? What is needed again is parsed again.");
    model.overlay = Some(Overlay::ask(question, Work::ClearCache));
}

/// Asks before the files go that were found; says it where there are none.
pub(crate) fn ask_trim(model: &mut Model, plan: &Trimmed) {
    /// Names that stand in the question.
    const NAMED: usize = 3;
    if plan.files.is_empty() {
        return model.say(if plan.untrimmable {
            "nothing to trim: what is left is of this hour, or not imported yet; `!` says what makes room"
        } else {
            "nothing to trim: less is used than the quota asks for"
        });
    }
    // Whoever has gone on meanwhile is not asked out of the blue.
    if model.screen != Screen::Storage || model.overlay.is_some() {
        return model.say("the spool can be trimmed: `t` on the storage screen asks");
    }
    let files = plan.files.len() as u64;
    let named: Vec<_> = plan.files.iter().take(NAMED).map(|file| visible(file).into_owned()).collect();
    let more = match plan.files.len().saturating_sub(NAMED) {
        0 => String::new(),
        more => format!(" and {} more", count(more as u64)),
    };
    let what = counted(files, "imported file", "imported files");
    let question = format!("Remove {what}, {}? {}{more}", size(plan.bytes), named.join(", "));
    model.overlay = Some(Overlay::ask(question, Work::TrimSpool));
}

/// Asks for the next step of the migration, if it may be taken as far as is known.
fn advance(model: &mut Model) {
    let migration = model.storage.numbers.as_ref().and_then(|numbers| numbers.migration.as_ref().ok());
    let next = migration.and_then(|migration| migration.next.phase);
    let question = match next {
        Some(5) => "Drop the three legacy tables, after a verified backup? There is no way back from that."
            .to_owned(),
        Some(phase) => format!("Compare both sides, and go on to phase {phase} if nothing differs?"),
        None => {
            model.say("the migration is at its end");
            return;
        }
    };
    model.overlay = Some(Overlay::ask(question, Work::Advance { confirm: next == Some(5) }));
}
