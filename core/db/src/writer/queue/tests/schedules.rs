//! Every interleaving of a few callers, by breadth-first search.
//!
//! Each operation of the queue is atomic, under its lock, so an execution is an order of operations. The search
//! replays orders on a real queue and goes on from each state that it has not seen. It looks for what threads
//! show once in a million runs: two leaders, a lead that is lost, a job run twice or never.

use std::collections::{HashSet, VecDeque};
use std::fmt::Write as _;
use std::sync::Arc;

use super::super::{Entered, Passed, Phase, Queue, Waiter};

/// What a caller wants.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Kind {
    /// Waits on its thread, as long as it takes.
    Patient,
    /// Waits on its thread, and may give up.
    Impatient,
    /// Never leads, and may be dropped.
    Async,
    /// Wants the lead for itself.
    Alone,
    /// The helper thread.
    Helper,
}

/// Where a caller stands.
#[derive(Debug)]
enum At {
    Outside,
    Waiting,
    Leading,
    /// Has passed the lead; these are to be answered.
    Answering,
    Done,
    GaveUp,
}

struct Actor {
    kind: Kind,
    at: At,
    waiter: Option<Arc<Waiter<usize>>>,
    taken: Vec<(Arc<Waiter<usize>>, usize)>,
    ran: u32,
}

struct World {
    queue: Queue<usize>,
    actors: Vec<Actor>,
    helper_wanted: bool,
}

/// What a caller does next.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Step {
    Enter,
    /// Looks whether it is answered or leads.
    Look,
    GiveUp,
    Take,
    Pass,
    Answer,
    Wake,
}

impl World {
    fn new(kinds: &[Kind]) -> Self {
        let actors = kinds
            .iter()
            .map(|kind| Actor { kind: *kind, at: At::Outside, waiter: None, taken: Vec::new(), ran: 0 })
            .collect();
        Self { queue: Queue::new(), actors, helper_wanted: false }
    }

    fn steps(&self) -> Vec<(usize, Step)> {
        let mut steps = Vec::new();
        for (number, actor) in self.actors.iter().enumerate() {
            let mut can = |step| steps.push((number, step));
            match actor.at {
                At::Outside if actor.kind == Kind::Helper => {
                    if self.helper_wanted {
                        can(Step::Wake);
                    }
                }
                At::Outside => can(Step::Enter),
                At::Waiting => {
                    let phase = actor.waiter.as_ref().map(|waiter| waiter.phase());
                    if matches!(phase, Some(Phase::Answered | Phase::Leads)) {
                        can(Step::Look);
                    }
                    // Also in the moment in which it was taken or given the lead.
                    if matches!(actor.kind, Kind::Impatient | Kind::Async) {
                        can(Step::GiveUp);
                    }
                }
                At::Leading => {
                    if self.queue.len() > 0 && actor.taken.len() < 2 && actor.kind != Kind::Alone {
                        can(Step::Take);
                    }
                    can(Step::Pass);
                }
                At::Answering => can(Step::Answer),
                At::Done | At::GaveUp => {}
            }
        }
        steps
    }

    fn run(&mut self, (number, step): (usize, Step)) {
        let actor = &mut self.actors[number];
        match step {
            Step::Enter => {
                let entered = match actor.kind {
                    Kind::Async => {
                        let (waiter, helper) = self.queue.enter_async(number);
                        self.helper_wanted |= helper;
                        Entered::Waits(waiter)
                    }
                    Kind::Alone => self.queue.enter_to_lead(),
                    _ => self.queue.enter(number),
                };
                match entered {
                    Entered::Leads(job) => {
                        actor.ran += u32::from(job.is_some());
                        actor.at = At::Leading;
                    }
                    Entered::Waits(waiter) => {
                        actor.waiter = Some(waiter);
                        actor.at = At::Waiting;
                    }
                }
            }
            Step::Look => {
                let waiter = actor.waiter.as_ref().unwrap();
                if waiter.phase() == Phase::Leads {
                    let job = waiter.reclaim();
                    actor.ran += u32::from(job.is_some());
                    actor.at = At::Leading;
                } else {
                    actor.at = At::Done;
                }
            }
            Step::GiveUp => {
                if self.queue.leave(actor.waiter.as_ref().unwrap()).is_ok() {
                    actor.at = At::GaveUp;
                }
            }
            Step::Wake => {
                self.helper_wanted = false;
                actor.at = At::Leading;
            }
            Step::Take => {
                if let Some((waiter, job)) = self.queue.take(|_| true) {
                    self.actors[job].ran += 1;
                    self.actors[number].taken.push((waiter, job));
                }
            }
            Step::Pass => {
                self.helper_wanted |= self.queue.pass() == Passed::NeedsHelper;
                actor.at = At::Answering;
            }
            Step::Answer => match actor.taken.pop() {
                Some((waiter, _)) => waiter.answered(),
                None => actor.at = if actor.kind == Kind::Helper { At::Outside } else { At::Done },
            },
        }
        assert!(self.leaders() <= 1, "two lead at once");
    }

    fn leaders(&self) -> usize {
        let leading = self.actors.iter().filter(|actor| {
            matches!(actor.at, At::Leading)
                || matches!(actor.at, At::Waiting)
                    && actor.waiter.as_ref().is_some_and(|waiter| waiter.phase() == Phase::Leads)
        });
        leading.count() + usize::from(self.helper_wanted)
    }

    /// Everything that the future depends on.
    fn digest(&self) -> String {
        let mut digest = format!("{} {}", self.queue.len(), self.helper_wanted);
        for actor in &self.actors {
            let phase = actor.waiter.as_ref().map(|waiter| waiter.phase());
            let taken: Vec<usize> = actor.taken.iter().map(|(_, job)| *job).collect();
            let _ = write!(digest, "|{:?} {phase:?} {taken:?} {}", actor.at, actor.ran);
        }
        let order: Vec<Option<usize>> = self
            .queue
            .state()
            .waiting
            .iter()
            .map(|waiting| {
                self.actors.iter().position(|actor| {
                    actor.waiter.as_ref().is_some_and(|waiter| Arc::ptr_eq(waiter, waiting))
                })
            })
            .collect();
        let _ = write!(digest, "{order:?}");
        digest
    }

    /// Nobody can do anything any more: is everyone served?
    fn check_end(&self, path: &[(usize, Step)]) {
        for (number, actor) in self.actors.iter().enumerate() {
            let jobs = u32::from(!matches!(actor.kind, Kind::Alone | Kind::Helper));
            match actor.at {
                At::Done => assert_eq!(actor.ran, jobs, "{number} was run {} times: {path:?}", actor.ran),
                At::GaveUp => assert_eq!(actor.ran, 0, "{number} gave up and was run: {path:?}"),
                At::Outside if actor.kind == Kind::Helper => {}
                _ => panic!("{number} is stuck at {:?}: {path:?}", actor.at),
            }
        }
        assert_eq!(self.leaders(), 0);
        assert!(matches!(self.queue.enter(99), Entered::Leads(_)), "the lead is lost: {path:?}");
    }
}

fn explore(kinds: &[Kind]) -> usize {
    let mut seen = HashSet::new();
    let mut open = VecDeque::from([Vec::new()]);
    while let Some(path) = open.pop_front() {
        let mut world = World::new(kinds);
        for step in &path {
            world.run(*step);
        }
        if !seen.insert(world.digest()) {
            continue;
        }
        let steps = world.steps();
        // Giving up in vain changes nothing, so it is no way out of being stuck.
        if steps.iter().all(|(_, step)| *step == Step::GiveUp) {
            let stuck =
                steps.iter().all(|(number, _)| self::waiter_phase(&world, *number) != Some(Phase::Queued));
            if stuck {
                world.check_end(&path);
                continue;
            }
        }
        for step in steps {
            let mut longer = path.clone();
            longer.push(step);
            open.push_back(longer);
        }
    }
    seen.len()
}

fn waiter_phase(world: &World, number: usize) -> Option<Phase> {
    world.actors[number].waiter.as_ref().map(|waiter| waiter.phase())
}

#[test]
fn no_schedule_loses_the_lead_or_a_job() {
    use Kind::{Alone, Async, Helper, Impatient, Patient};
    for (kinds, states) in [
        (vec![Patient, Patient, Patient], 300),
        (vec![Patient, Impatient, Impatient], 300),
        (vec![Async, Patient, Helper], 50),
        (vec![Async, Async, Helper], 50),
        (vec![Alone, Patient, Impatient], 100),
        (vec![Alone, Async, Patient, Helper], 300),
        (vec![Alone, Alone, Async, Helper], 100),
        (vec![Patient, Impatient, Async, Helper], 500),
        (vec![Patient, Impatient, Async, Alone, Helper], 2_000),
    ] {
        let found = explore(&kinds);
        assert!(found >= states, "{kinds:?}: only {found} states");
    }
}
