//! The breaker against a model that remembers every call and counts them anew for each decision.

use proptest::prelude::*;

use super::*;

#[derive(Debug, Clone)]
enum Step {
    Begin,
    /// Ends one of the calls that are running, chosen by the number.
    End(usize, Verdict),
    Wait(u64),
    ForceOpen,
    Disable,
    Close,
    /// Saves and loads into a new breaker, as a new process would.
    Reload,
}

fn steps() -> impl Strategy<Value = Vec<Step>> {
    let verdict = prop_oneof![
        5 => Just(Verdict::Failure),
        4 => Just(Verdict::Success),
        1 => Just(Verdict::Ignored)
    ];
    let step = prop_oneof![
        20 => Just(Step::Begin),
        20 => (any::<usize>(), verdict).prop_map(|(index, verdict)| Step::End(index, verdict)),
        6 => (0..8_u64).prop_map(Step::Wait),
        3 => (8..50_u64).prop_map(Step::Wait),
        1 => (50..400_u64).prop_map(Step::Wait),
        1 => Just(Step::ForceOpen),
        1 => Just(Step::Disable),
        2 => Just(Step::Close),
        2 => Just(Step::Reload),
    ];
    proptest::collection::vec(step, 0..120)
}

const SLOW_OVER: u64 = 5;
const IDLE: u64 = 60;
const OPEN_FOR: u64 = 10;
const OPEN_LIMIT: u64 = 35;
const PROBES: usize = 2;

fn policy() -> BreakerPolicy {
    let slow = Some(SlowSettings { over: secs(SLOW_OVER), percent: 60 });
    let settings = BreakerSettings {
        consecutive: Some(4),
        window: Some(WindowSettings { size: 8, minimum: 5, failure_percent: 50, slow }),
        open_for: secs(OPEN_FOR),
        open_limit: secs(OPEN_LIMIT),
        open_jitter_percent: 0,
        probes: 2,
        idle: secs(IDLE),
    };
    BreakerPolicy::new(settings).unwrap()
}

struct Running {
    permit: Permit,
    began: u64,
    /// The model's count of changes when it began.
    change: u64,
}

#[derive(Debug)]
struct Model {
    now: u64,
    state: BreakerState,
    open_until: u64,
    openings: u32,
    changes: u64,
    /// All calls counted since it was last closed: when, failed, slow.
    calls: Vec<(u64, bool, bool)>,
}

impl Model {
    fn change(&mut self, state: BreakerState) {
        self.state = state;
        self.changes += 1;
        if state == BreakerState::Closed {
            self.openings = 0;
            self.calls.clear();
        }
        if state == BreakerState::Open {
            let period = (0..self.openings).fold(OPEN_FOR, |period, _| period * 2).min(OPEN_LIMIT);
            self.open_until = self.now + period;
            self.openings += 1;
        }
    }

    fn admits(&mut self, probes_out: usize) -> bool {
        if self.state == BreakerState::Open && self.now >= self.open_until {
            self.change(BreakerState::HalfOpen);
            return true;
        }
        match self.state {
            BreakerState::Closed | BreakerState::Disabled => true,
            BreakerState::HalfOpen => probes_out < PROBES,
            _ => false,
        }
    }

    fn ends(&mut self, began: u64, change: u64, verdict: Verdict) {
        let slow = self.now - began > SLOW_OVER;
        if change != self.changes || verdict == Verdict::Ignored {
            return;
        }
        let failed = verdict == Verdict::Failure;
        match self.state {
            BreakerState::Closed => {
                self.calls.push((self.now, failed, slow));
                if self.too_many_in_a_row() || self.too_many_in_the_window() {
                    self.change(BreakerState::Open);
                }
            }
            BreakerState::HalfOpen if failed || slow => self.change(BreakerState::Open),
            BreakerState::HalfOpen => self.change(BreakerState::Closed),
            _ => {}
        }
    }

    fn too_many_in_a_row(&self) -> bool {
        let mut row = 0;
        let mut later = self.now;
        for (at, failed, _) in self.calls.iter().rev() {
            if !failed || later - at >= IDLE {
                break;
            }
            row += 1;
            later = *at;
        }
        row >= 4
    }

    fn too_many_in_the_window(&self) -> bool {
        let mut window = Vec::new();
        let mut later = self.now;
        for call in self.calls.iter().rev().take(8) {
            if later - call.0 >= IDLE {
                break;
            }
            window.push(call);
            later = call.0;
        }
        let count = |which: fn(&&&(u64, bool, bool)) -> bool| window.iter().filter(which).count();
        let failed = count(|call| call.1);
        let slow = count(|call| call.2);
        window.len() >= 5 && (failed * 2 >= window.len() || slow * 10 >= window.len() * 6)
    }
}

fn check(steps: Vec<Step>) -> Result<(), TestCaseError> {
    let mut bench = Bench::new(policy());
    let state = BreakerState::Closed;
    let mut model = Model { now: 0, state, open_until: 0, openings: 0, changes: 0, calls: Vec::new() };
    let mut running: Vec<Running> = Vec::new();
    for step in steps {
        match step {
            Step::Begin => {
                let changes = model.changes;
                let probes_out = running.iter().filter(|call| call.change == changes).count();
                let admitted = bench.breaker.try_acquire();
                prop_assert_eq!(admitted.is_ok(), model.admits(probes_out));
                if let Ok(permit) = admitted {
                    running.push(Running { permit, began: model.now, change: model.changes });
                }
            }
            Step::End(..) if running.is_empty() => {}
            Step::End(index, verdict) => {
                let call = running.swap_remove(index % running.len());
                call.permit.conclude(verdict);
                model.ends(call.began, call.change, verdict);
            }
            Step::Wait(seconds) => {
                bench.clock.advance(secs(seconds));
                model.now += seconds;
            }
            Step::ForceOpen => {
                bench.breaker.force_open();
                model.change(BreakerState::ForcedOpen);
            }
            Step::Disable => {
                bench.breaker.disable();
                model.change(BreakerState::Disabled);
            }
            Step::Close => {
                bench.breaker.close();
                model.change(BreakerState::Closed);
            }
            Step::Reload => {
                let snapshot = bench.breaker.snapshot();
                running.clear(); // the calls die with their process
                bench = Bench::new(policy());
                bench.clock.advance(secs(model.now));
                prop_assert!(bench.breaker.restore(&snapshot, Duration::ZERO).is_ok());
                if model.state == BreakerState::HalfOpen {
                    (model.state, model.open_until) = (BreakerState::Open, model.now);
                }
            }
        }
        prop_assert_eq!(bench.breaker.state(), model.state);
        if model.state == BreakerState::Open {
            let left = secs(model.open_until.saturating_sub(model.now));
            prop_assert_eq!(bench.breaker.snapshot().open_remaining, left);
        }
    }
    Ok(())
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(400))]
    #[test]
    fn the_breaker_does_what_the_model_does(steps in steps()) {
        check(steps)?;
    }
}
