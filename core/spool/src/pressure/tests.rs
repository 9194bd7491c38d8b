use proptest::prelude::*;

use super::*;

fn monitor(name: &str) -> MonitorName {
    MonitorName::parse(name).unwrap()
}

fn line(text: &str, bytes: usize) -> Vec<u8> {
    let mut line = text.as_bytes().to_vec();
    line.resize(bytes, b'.');
    line
}

fn starts(lines: &[Vec<u8>]) -> Vec<String> {
    let text = |line: &Vec<u8>| String::from_utf8_lossy(line).trim_end_matches('.').to_owned();
    lines.iter().map(text).collect()
}

// spool A16
#[test]
fn low_priority_goes_first_and_the_bound_holds() {
    let (keyboard, heartbeat) = (monitor("keyboard"), monitor("heartbeat"));
    let memory = Memory::new(500);
    memory.join(&keyboard, Priority::Normal);
    memory.join(&heartbeat, Priority::Low);
    for n in 0..3 {
        assert_eq!(memory.keep(&keyboard, &line(&format!("k{n}"), 150)), []);
    }
    for n in 0..3 {
        assert_eq!(memory.keep(&heartbeat, &line(&format!("h{n}"), 150)), []);
    }
    assert_eq!(memory.bytes(), 900);
    for n in 3..6 {
        let gone = memory.keep(&keyboard, &line(&format!("k{n}"), 150));
        assert_eq!(gone, [(heartbeat.clone(), 1)]);
        assert!(memory.bytes() <= 1_000);
    }
    assert_eq!((memory.waiting(&keyboard), memory.waiting(&heartbeat)), (6, 0));
    // It fits nowhere, and takes nothing with it.
    assert_eq!(memory.keep(&keyboard, &line("large", 5_000)), [(keyboard.clone(), 1)]);
    assert_eq!(memory.waiting(&keyboard), 6);
    // A line of low priority drives none of normal priority out.
    assert_eq!(memory.keep(&heartbeat, &line("h3", 150)), [(heartbeat.clone(), 1)]);
    // With nothing of low priority left the oldest goes.
    assert_eq!(memory.keep(&keyboard, &line("k6", 150)), [(keyboard.clone(), 1)]);
    assert_eq!(starts(&memory.leave(&keyboard)), ["k1", "k2", "k3", "k4", "k5", "k6"]);
    assert_eq!(memory.bytes(), 0);
}

#[test]
fn a_line_of_low_priority_that_fits_nowhere_drives_none_of_its_kind_out() {
    let (keyboard, heartbeat) = (monitor("keyboard"), monitor("heartbeat"));
    let memory = Memory::new(500);
    memory.join(&keyboard, Priority::Normal);
    memory.join(&heartbeat, Priority::Low);
    memory.keep(&keyboard, &line("k", 700));
    memory.keep(&heartbeat, &line("h", 200));
    assert_eq!(memory.keep(&heartbeat, &line("x", 400)), [(heartbeat.clone(), 1)]);
    assert_eq!(memory.waiting(&heartbeat), 1);
    assert_eq!(memory.keep(&heartbeat, &line("y", 300)), [(heartbeat.clone(), 1)]);
    assert_eq!(starts(&memory.leave(&heartbeat)), ["y"]);
}

#[test]
fn of_one_priority_the_oldest_of_all_goes() {
    let (a, b) = (monitor("a"), monitor("b"));
    let memory = Memory::new(150);
    memory.join(&a, Priority::Normal);
    memory.join(&b, Priority::Normal);
    memory.keep(&a, &line("a0", 100));
    memory.keep(&b, &line("b0", 100));
    memory.keep(&a, &line("a1", 100));
    assert_eq!(memory.keep(&a, &line("a2", 200)), [(a.clone(), 1), (b.clone(), 1)]);
    assert_eq!((memory.lost(&a), memory.lost(&b)), (1, 1));
    assert_eq!(starts(&memory.take(&a, 9, 9_999)), ["a1", "a2"]);
}

#[test]
fn lines_are_taken_in_portions_and_put_back_in_front() {
    let a = monitor("a");
    let memory = Memory::new(1_000);
    memory.join(&a, Priority::Normal);
    for n in 0..5 {
        memory.keep(&a, &line(&format!("{n}"), 100));
    }
    assert_eq!(starts(&memory.take(&a, 2, 9_999)), ["0", "1"]);
    assert_eq!(starts(&memory.take(&a, 9, 250)), ["2", "3"]);
    assert_eq!(memory.bytes(), 100);
    memory.put_back(&a, vec![line("2", 100), line("3", 100)]);
    assert_eq!((memory.waiting(&a), memory.bytes()), (3, 300));
    // One at least, however large it is.
    assert_eq!(starts(&memory.take(&a, 0, 0)), ["2"]);
    memory.put_back(&a, vec![line("2", 100)]);
    assert_eq!(starts(&memory.leave(&a)), ["2", "3", "4"]);
}

#[test]
fn what_is_taken_keeps_its_room_until_it_is_settled() {
    let (a, b) = (monitor("a"), monitor("b"));
    let memory = Memory::new(100);
    memory.join(&a, Priority::Normal);
    memory.join(&b, Priority::Normal);
    memory.keep(&a, &line("a", 200));
    let taken = memory.take(&a, 9, 9_999);
    assert_eq!(memory.keep(&b, &line("b", 100)), [(b.clone(), 1)]);
    memory.put_back(&a, taken);
    assert_eq!(memory.bytes(), 200);
    memory.take(&a, 9, 9_999);
    memory.settle(&a);
    assert_eq!(memory.keep(&b, &line("b", 100)), []);
}

#[test]
fn who_leaves_takes_its_room_along() {
    let (a, b) = (monitor("a"), monitor("b"));
    let memory = Memory::new(100);
    memory.join(&a, Priority::Normal);
    memory.join(&b, Priority::Normal);
    memory.keep(&a, &line("0", 100));
    memory.keep(&a, &line("1", 100));
    assert_eq!(memory.leave(&b), Vec::<Vec<u8>>::new());
    assert_eq!(memory.waiting(&a), 2);
    assert_eq!(memory.keep(&a, &line("2", 64)), [(a.clone(), 2)]);
    assert_eq!(memory.keep(&b, &line("3", 64)), [(b.clone(), 1)]);
    assert_eq!(memory.bytes(), 64);
}

/// What a test does to a memory.
#[derive(Debug, Clone)]
enum Act {
    Keep(usize, usize),
    Take(usize, usize, u64),
    PutBack(usize, usize),
    Leave(usize),
    Join(usize),
}

fn acts() -> impl Strategy<Value = Vec<Act>> {
    let which = 0_usize..4;
    let act = prop_oneof![
        8 => (which.clone(), 64_usize..400).prop_map(|(which, bytes)| Act::Keep(which, bytes)),
        3 => (which.clone(), 0_usize..4, 0_u64..900).prop_map(|(which, lines, bytes)| Act::Take(which, lines, bytes)),
        2 => (which.clone(), 0_usize..3).prop_map(|(which, written)| Act::PutBack(which, written)),
        1 => which.clone().prop_map(Act::Leave),
        1 => which.prop_map(Act::Join),
    ];
    prop::collection::vec(act, 1..120)
}

/// Kept as simply as can be: one list in the order in which lines came.
#[derive(Default)]
struct Model {
    joined: Vec<usize>,
    /// Owner, number, line.
    lines: Vec<(usize, usize, Vec<u8>)>,
    taken: Vec<(usize, usize, Vec<u8>)>,
    came: usize,
}

const LOW: [usize; 2] = [1, 3];

impl Model {
    fn bytes(&self) -> usize {
        self.lines.iter().map(|(.., line)| line.len()).sum()
    }

    fn all_bytes(&self) -> usize {
        self.bytes() + self.taken.iter().map(|(.., line)| line.len()).sum::<usize>()
    }

    fn settle(&mut self, which: usize) -> Vec<(usize, usize, Vec<u8>)> {
        self.taken.extract_if(.., |(owner, ..)| *owner == which).collect()
    }

    /// Gives how many lines of whom are gone.
    fn keep(&mut self, which: usize, line: &[u8], bound: usize) -> Vec<usize> {
        let is_low = |which: usize| LOW.contains(&which);
        let may_go = |owner: usize| is_low(owner) || !is_low(which);
        let goes = self.lines.iter().filter(|(owner, ..)| may_go(*owner)).map(|(.., line)| line.len());
        let stays = self.all_bytes() - goes.sum::<usize>();
        if stays + line.len() > bound {
            return vec![which];
        }
        let mut gone = Vec::new();
        while self.all_bytes() + line.len() > bound {
            let low = self.lines.iter().position(|(owner, ..)| is_low(*owner));
            gone.push(self.lines.remove(low.unwrap_or(0)).0);
        }
        self.lines.push((which, self.came, line.to_vec()));
        gone
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(400))]

    /// Everything that is kept comes out in its order, everything that is not is said, and the bound holds.
    #[test]
    fn it_behaves_as_a_plain_list_does(acts in acts()) {
        const PER_MONITOR: usize = 500;
        let names = ["a", "b", "c", "d"].map(monitor);
        let memory = Memory::new(PER_MONITOR as u64);
        let mut model = Model::default();
        for act in acts {
            match act {
                Act::Join(which) => {
                    memory.join(&names[which], if LOW.contains(&which) { Priority::Low } else { Priority::Normal });
                    if !model.joined.contains(&which) {
                        model.joined.push(which);
                    }
                }
                Act::Keep(which, bytes) => {
                    model.came += 1;
                    let kept = line(&model.came.to_string(), bytes);
                    let gone = memory.keep(&names[which], &kept);
                    let bound = PER_MONITOR * model.joined.len();
                    let mut wanted = if model.joined.contains(&which) {
                        model.settle(which);
                        let before = model.all_bytes();
                        let gone = model.keep(which, &kept, bound);
                        // What others left room for stays after they have gone, but does not grow.
                        prop_assert!(model.all_bytes() <= bound.max(before));
                        gone
                    } else {
                        vec![which]
                    };
                    let mut gone: Vec<usize> = gone
                        .iter()
                        .flat_map(|(name, lines)| {
                            let which = names.iter().position(|known| known == name).unwrap();
                            std::iter::repeat_n(which, usize::try_from(*lines).unwrap())
                        })
                        .collect();
                    gone.sort_unstable();
                    wanted.sort_unstable();
                    prop_assert_eq!(gone, wanted);
                }
                Act::Take(which, most, bytes) => {
                    model.settle(which);
                    let taken = memory.take(&names[which], most, bytes);
                    let mut wanted: Vec<Vec<u8>> = Vec::new();
                    while let Some(at) = model.lines.iter().position(|(owner, ..)| *owner == which) {
                        let size = wanted.iter().map(Vec::len).sum::<usize>() + model.lines[at].2.len();
                        if !wanted.is_empty() && (wanted.len() >= most || size as u64 > bytes) {
                            break;
                        }
                        let line = model.lines.remove(at);
                        wanted.push(line.2.clone());
                        model.taken.push(line);
                    }
                    prop_assert_eq!(taken, wanted);
                }
                Act::PutBack(which, written) => {
                    let mut lines = model.settle(which);
                    lines.drain(..written.min(lines.len()));
                    memory.put_back(&names[which], lines.iter().map(|(.., line)| line.clone()).collect());
                    model.lines.extend(lines);
                    model.lines.sort_by_key(|(_, number, _)| *number);
                }
                Act::Leave(which) => {
                    model.settle(which);
                    let left = memory.leave(&names[which]);
                    let own = model.lines.extract_if(.., |(owner, ..)| *owner == which);
                    prop_assert_eq!(left, own.map(|(.., line)| line).collect::<Vec<_>>());
                    model.joined.retain(|joined| *joined != which);
                }
            }
            prop_assert_eq!(memory.bytes(), model.bytes() as u64);
            for (which, name) in names.iter().enumerate() {
                let wanted = model.lines.iter().filter(|(owner, ..)| *owner == which).count();
                prop_assert_eq!(memory.waiting(name), wanted as u64);
            }
        }
    }
}
