//! Random sequences of everything that holders, clocks and machines do, beside a model without a store: the same answers
//! and the same leases; never two holders, and numbers that only rise.
// B23

use std::collections::BTreeMap;
use std::time::Duration;

use conclave_leases::{Fence, LeaseErrorKind, LeaseName, Leases, Mode, Request, Token};
use proptest::prelude::*;

use crate::fixture::{Machine, acquire, name, request, seconds};

const NAMES: [&str; 3] = ["a", "b", "c"];

/// Something that happens. Tokens are meant by their number, modulo how many there are.
#[derive(Debug, Clone)]
enum Step {
    Acquire { names: Vec<usize>, shared: bool, ttl: u32 },
    Renew { token: usize, names: Vec<usize>, ttl: u32 },
    Release { token: usize, names: Vec<usize> },
    Break { name: usize },
    Pass { ms: u64 },
    Wall { ms: i64 },
    Boot { age_ms: u64 },
}

fn step() -> impl Strategy<Value = Step> {
    let names = |least: usize| prop::collection::vec(0..NAMES.len(), least..3);
    let token = any::<usize>();
    prop_oneof![
        8 => (names(1), prop::bool::weighted(0.4), 1_u32..6)
            .prop_map(|(names, shared, ttl)| Step::Acquire { names, shared, ttl }),
        3 => (token, names(0), 1_u32..6).prop_map(|(token, names, ttl)| Step::Renew { token, names, ttl }),
        4 => (token, names(0)).prop_map(|(token, names)| Step::Release { token, names }),
        1 => (0..NAMES.len()).prop_map(|name| Step::Break { name }),
        4 => (0_u64..4000).prop_map(|ms| Step::Pass { ms }),
        1 => prop_oneof![-10_000_i64..10_000, -4_000_000_i64..4_000_000].prop_map(|ms| Step::Wall { ms }),
        1 => (0_u64..3000).prop_map(|age_ms| Step::Boot { age_ms }),
    ]
}

/// A grant that was not released. What is over stands until the name is taken.
#[derive(Debug, Clone)]
struct Held {
    token: usize,
    name: LeaseName,
    fence: Fence,
    mode: Mode,
    boot: u32,
    /// By the clock of its boot.
    ends_ms: u128,
    /// How long it can live at most, in another boot.
    most_ms: u128,
    /// As it is now.
    over: bool,
}

struct Model {
    machine: Machine,
    boot: u32,
    tokens: Vec<Token>,
    held: Vec<Held>,
    /// The greatest number of each name, and the boot it was given in.
    given: BTreeMap<LeaseName, (Fence, u32)>,
}

impl Model {
    fn leases(&self) -> Leases {
        self.machine.leases()
    }

    /// Looks which grants of earlier boots are over: what the wall clock says of them is not foreseen here, only that it is
    /// not later than the boot clock can tell.
    fn settle(&mut self) {
        let (leases, now) = (self.machine.leases(), self.machine.boot_ms());
        for held in &mut self.held {
            if held.boot == self.boot {
                held.over = now >= held.ends_ms;
                continue;
            }
            let over = leases.guard(&held.name, held.fence).is_err();
            assert!(over || now < held.most_ms, "{held:?} at {now}");
            held.over = over;
        }
    }

    fn live(&self) -> impl Iterator<Item = &Held> {
        self.held.iter().filter(|held| !held.over)
    }

    /// The grants of a token by these names, or why not.
    fn owned(&self, token: usize, names: &[LeaseName]) -> Result<Vec<(LeaseName, Fence)>, LeaseErrorKind> {
        let mine = |held: &&Held| held.token == token;
        let mut owned: Vec<&Held> = Vec::new();
        if names.is_empty() {
            owned = self.held.iter().filter(mine).collect();
            owned.sort_by_key(|held| &held.name);
        }
        for name in names {
            if owned.iter().any(|held| held.name == *name) {
                continue;
            }
            match self.held.iter().filter(mine).find(|held| held.name == *name) {
                Some(held) => owned.push(held),
                None if self.live().any(|held| held.name == *name) => return Err(LeaseErrorKind::NotOwner),
                None => return Err(LeaseErrorKind::NotFound),
            }
        }
        match &owned[..] {
            [] => Err(LeaseErrorKind::NotFound),
            owned if owned.iter().any(|held| held.over) => Err(LeaseErrorKind::Expired),
            owned => Ok(owned.iter().map(|held| (held.name.clone(), held.fence)).collect()),
        }
    }

    fn take(&mut self, step: &Step) {
        self.settle();
        let (leases, now) = (self.leases(), self.machine.boot_ms());
        let named = |names: &[usize]| -> Vec<LeaseName> { names.iter().map(|&at| name(NAMES[at])).collect() };
        match step {
            Step::Acquire { names, shared, ttl } => {
                let mode = if *shared { Mode::Shared } else { Mode::Exclusive };
                let mut names = named(names);
                let asked = Request { names: names.clone(), mode, ..request(&[], *ttl) };
                let answer = acquire(&leases, &asked);
                names.sort_unstable();
                names.dedup();
                let against = |held: &Held| {
                    names.contains(&held.name) && (mode == Mode::Exclusive || held.mode == Mode::Exclusive)
                };
                if self.live().any(against) {
                    assert_eq!(answer.unwrap_err().kind(), LeaseErrorKind::Held);
                    return;
                }
                let grant = answer.unwrap();
                assert_eq!(grant.fences.len(), names.len());
                self.tokens.push(grant.token.clone());
                self.held.retain(|held| !(held.over && names.contains(&held.name)));
                let ttl = u128::from(*ttl) * 1000;
                for (name, fence) in grant.fences {
                    let (last, boot) = self.given.get(&name).copied().unwrap_or((0, self.boot));
                    assert!(fence > last, "{fence} after {last}");
                    assert!(boot != self.boot || fence == last + 1, "{fence} after {last}");
                    self.given.insert(name.clone(), (fence, self.boot));
                    self.held.push(Held {
                        token: self.tokens.len() - 1,
                        name,
                        fence,
                        mode,
                        boot: self.boot,
                        ends_ms: now + ttl,
                        most_ms: ttl,
                        over: false,
                    });
                }
            }
            Step::Renew { token, names, ttl } if !self.tokens.is_empty() => {
                let (token, names) = (token % self.tokens.len(), named(names));
                let ttl = u128::from(*ttl) * 1000;
                let left: BTreeMap<(LeaseName, Fence), u128> = self
                    .list()
                    .into_iter()
                    .map(|lease| ((lease.name, lease.fence), lease.remaining.as_millis()))
                    .collect();
                let wanted = self.owned(token, &names);
                let seconds = seconds(u32::try_from(ttl / 1000).unwrap());
                let answer = leases.renew(&self.tokens[token], &names, seconds);
                assert_eq!(answer.map(|renewed| renewed.fences).map_err(|error| error.kind()), wanted);
                for renewed in wanted.unwrap_or_default() {
                    let is_it = |held: &&mut Held| (&held.name, held.fence) == (&renewed.0, renewed.1);
                    let held = self.held.iter_mut().find(is_it).unwrap();
                    let left = left[&renewed].max(ttl);
                    (held.boot, held.ends_ms, held.most_ms) = (self.boot, now + left, left);
                }
            }
            Step::Release { token, names } if !self.tokens.is_empty() => {
                let (token, names) = (token % self.tokens.len(), named(names));
                let wanted = self.owned(token, &names);
                let answer = leases.release(&self.tokens[token], &names);
                assert_eq!(answer.map_err(|error| error.kind()), wanted);
                let gone = wanted.unwrap_or_default();
                self.held.retain(|held| !gone.contains(&(held.name.clone(), held.fence)));
            }
            Step::Break { name: at } => {
                let name = name(NAMES[*at]);
                let wanted: Vec<Fence> =
                    self.held.iter().filter(|held| held.name == name).map(|held| held.fence).collect();
                let mut ended = leases.break_lease(&name, &wanted).unwrap();
                ended.sort_unstable();
                assert_eq!(ended, wanted);
                self.held.retain(|held| held.name != name);
            }
            Step::Pass { ms } => self.machine.pass(*ms),
            Step::Wall { ms } => self.machine.wall_jumps(*ms),
            Step::Boot { age_ms } => {
                self.boot += 1;
                self.machine.reboot(&format!("boot {}", self.boot), Duration::from_millis(*age_ms));
            }
            Step::Renew { .. } | Step::Release { .. } => {}
        }
    }

    fn list(&self) -> Vec<conclave_leases::Lease> {
        self.leases().list().unwrap().into_iter().flat_map(|status| status.leases).collect()
    }

    /// The store says what the model says.
    fn compare(&mut self) {
        self.settle();
        let leases = self.leases();
        let mut wanted: Vec<(LeaseName, Fence, Mode, bool)> =
            self.held.iter().map(|held| (held.name.clone(), held.fence, held.mode, held.over)).collect();
        wanted.sort_by(|a, b| (&a.0, a.1).cmp(&(&b.0, b.1)));
        let found: Vec<(LeaseName, Fence, Mode, bool)> = self
            .list()
            .into_iter()
            .map(|lease| (lease.name, lease.fence, lease.mode, lease.expired))
            .collect();
        assert_eq!(found, wanted);
        assert_eq!(leases.counts().unwrap().held, self.live().map(|_| 1).sum::<u64>());
        for one in self.live().filter(|held| held.mode == Mode::Exclusive) {
            assert_eq!(self.live().filter(|held| held.name == one.name).count(), 1, "two hold {}", one.name);
        }
        for (name, (last, _)) in &self.given {
            for fence in last.saturating_sub(4)..=last + 1 {
                let live = self.live().any(|held| held.name == *name && held.fence == fence);
                assert_eq!(leases.guard(name, fence).is_ok(), live, "{fence} of {name}");
            }
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 48, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn leases_are_what_a_model_says(steps in prop::collection::vec(step(), 1..60)) {
        let mut model = Model {
            machine: Machine::new(),
            boot: 0,
            tokens: Vec::new(),
            held: Vec::new(),
            given: BTreeMap::new(),
        };
        for step in &steps {
            model.take(step);
            model.compare();
        }
    }
}
