//! The lines of spool and cache, at any width and for any numbers.

use std::collections::BTreeMap;

use conclave_cache::Stats;
use conclave_spool::QuotaState;
use conclave_spool::ledger::{Entry, Ledger};
use conclave_spool::quota::{Limits, Why};
use proptest::prelude::*;

use super::{bar, difference, equation, lines};
use crate::cli::Signs;
use crate::text::width;
use crate::ui::fixture::{model, problem, stores};
use crate::ui::model::Model;
use crate::ui::screens::storage::{SpoolNumbers, Stores};

/// The lines as text, for these stores.
fn drawn(columns: u16, change: impl FnOnce(&mut Stores)) -> String {
    let mut model = model((columns, 24), 3);
    let mut shown = stores();
    change(&mut shown);
    model.storage.stores = Some(shown);
    text_of(&model)
}

fn text_of(model: &Model) -> String {
    let text: Vec<String> = lines(model).iter().map(|line| line.to_string().trim_end().to_owned()).collect();
    text.join("\n")
}

fn spool(stores: &mut Stores) -> &mut SpoolNumbers {
    stores.spool.as_mut().unwrap()
}

#[test]
fn they_are_as_they_are_drawn() {
    let wanted = " \
Spool       ██████████████░░░░░░ 71 % of 512 MiB · ✓ normal
             written 120,411 = pending 811 + imported 119,600 + quarantined 0 +
             dropped 0                                               ✓ balances
 Cache       9,120 of 10,000 · 94.1 % hits · 71.2 MiB of 100.0 MiB";
    assert_eq!(drawn(80, |_| {}), wanted);
    let wide = drawn(120, |_| {});
    assert!(wide.contains("+ dropped 0      ") && wide.contains("✓ balances"), "{wide}");
    let narrow = drawn(40, |_| {});
    assert!(narrow.contains("\n             written 120,411 =\n             pending 811 +\n"), "{narrow}");
}

#[test]
fn each_state_is_told_without_colour() {
    let said = |state, why| {
        drawn(80, |stores| {
            let gauge = spool(stores).gauge.as_mut().unwrap();
            (gauge.state, gauge.why, gauge.untrimmable) = (state, why, true);
        })
    };
    let soft = said(QuotaState::Soft, Some(Why::Quota));
    assert!(soft.contains("◐ soft: what is written is put off"), "{soft}");
    assert!(soft.contains("nothing may be trimmed"), "{soft}");
    let hard = said(QuotaState::Hard, Some(Why::Quota));
    assert!(hard.contains("✗ hard: nothing is written"), "{hard}");
    let free = said(QuotaState::Normal, Some(Why::KeepFree));
    assert!(free.contains("the disk is to keep some room free"), "{free}");
}

#[test]
fn a_ledger_that_does_not_balance_says_where() {
    let off = drawn(80, |stores| {
        let ledger = spool(stores).ledger.as_mut().unwrap();
        ledger.total.written += 1;
        ledger.monitors.get_mut("agent").unwrap().written += 1;
    });
    assert!(off.contains("✗ does not balance") && !off.contains("✓ balances"), "{off}");
    assert!(off.contains("agent: 1 line is missing"), "{off}");
    // Two that make up for each other.
    let off = drawn(80, |stores| {
        let monitors = &mut spool(stores).ledger.as_mut().unwrap().monitors;
        monitors.insert("mouse".into(), Entry { written: 2, ..Entry::default() });
        monitors.insert("file".into(), Entry { imported: 2, ..Entry::default() });
    });
    assert!(off.contains("✗ does not balance"), "{off}");
    assert!(off.contains("file: 2 lines too many, mouse: 2 lines are missing"), "{off}");
}

#[test]
fn what_was_dropped_has_its_reasons() {
    let dropped = drawn(120, |stores| {
        let total = &mut spool(stores).ledger.as_mut().unwrap().total;
        total.dropped = BTreeMap::from([("quota".into(), 10), ("too_long".into(), 2), ("missing".into(), 0)]);
        total.written += 12;
    });
    assert!(dropped.contains("dropped 12 (quota 10, too_long 2)"), "{dropped}");
    assert!(dropped.contains("✓ balances"), "{dropped}");
}

#[test]
fn what_is_not_there_or_cannot_be_read_is_said_in_its_place() {
    let none = drawn(80, |stores| stores.cache = Ok(None));
    assert!(none.contains("Cache       no cache yet"), "{none}");
    let unasked = drawn(80, |stores| stores.cache = Ok(Some(Stats::default())));
    assert!(unasked.contains("not asked yet"), "{unasked}");
    let broken = drawn(80, |stores| {
        spool(stores).ledger = Err(problem());
        stores.cache = Err(problem());
    });
    assert!(broken.contains("71 % of 512 MiB"), "the gauge is there: {broken}");
    assert_eq!(broken.matches("database is locked").count(), 2, "{broken}");
    let mut model = model((80, 24), 3);
    model.storage.stores = None;
    assert_eq!(text_of(&model), " Spool       reading\n Cache       reading");
}

#[test]
fn a_gauge_is_full_only_when_everything_is_used() {
    let drawn = |used, quota| bar("#", "-", ".", used, quota);
    assert_eq!(drawn(0, 100), ".".repeat(20));
    assert_eq!(drawn(99, 100), "#".repeat(19) + "-");
    assert_eq!(drawn(100, 100), "#".repeat(20));
    assert_eq!(drawn(u64::MAX, 1), "#".repeat(20));
    assert_eq!(drawn(5, 0), ".".repeat(20));
    assert_eq!(bar("#", "", ".", 52, 100), "#".repeat(10) + &".".repeat(10));
}

fn any_entry() -> impl Strategy<Value = Entry> {
    let count = prop_oneof![0_u64..5, 0_u64..u64::MAX / 16];
    let dropped = prop::collection::btree_map("[a-z_]{0,30}", count.clone(), 0..4);
    (count.clone(), count.clone(), count.clone(), count, dropped).prop_map(
        |(written, pending, imported, quarantined, dropped)| Entry {
            written,
            pending,
            imported,
            quarantined,
            dropped,
        },
    )
}

proptest! {
    /// Whatever the numbers are and however narrow it is: nothing panics, and every line fits.
    #[test]
    fn every_line_fits(
        total in any_entry(),
        monitors in prop::collection::btree_map("[a-z0-9_]{1,64}", any_entry(), 0..4),
        used in any::<u64>(),
        quota_mb in 1_i64..1 << 40,
        columns in 30_u16..200,
        plain in any::<bool>(),
    ) {
        let mut model = model((columns, 24), 0);
        if plain {
            model.setting.theme.signs = Signs::Ascii;
        }
        let mut shown = stores();
        let numbers = shown.spool.as_mut().unwrap();
        numbers.limits = Limits::new(quota_mb, 90, 100, 80, 5).unwrap();
        numbers.gauge.as_mut().unwrap().usage.used = used;
        let _ = monitors.values().map(difference).count();
        numbers.ledger = Ok(Ledger { total: total.clone(), monitors, ..Ledger::default() });
        model.storage.stores = Some(shown);
        for line in lines(&model) {
            prop_assert!(width(&line.to_string()) <= usize::from(columns), "{line}");
        }
        let room = usize::from(columns) - 13;
        let joined: String = equation(&total, room).concat();
        prop_assert_eq!(joined.matches('+').count(), 3);
    }
}
