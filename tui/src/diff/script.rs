//! The shortest way from one sequence to another, after Myers; with a bound on how far it looks.

use std::collections::HashMap;
use std::hash::Hash;

/// Most insertions and removals that are looked for. The memory needed grows with its square: 9 MB at the most.
const FARTHEST: usize = 1_500;

/// One step on the way.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Step {
    /// This many are the same.
    Same(usize),
    /// This many on the left have become this many on the right; never none of both.
    Replaced { left: usize, right: usize },
}

/// The steps from `left` to `right`, and whether the way was found. Where it is too far, all between the common
/// beginning and the common end is replaced.
pub(super) fn between<T: Eq + Hash>(left: &[T], right: &[T]) -> (Vec<Step>, bool) {
    let begin = left.iter().zip(right).take_while(|(one, other)| one == other).count();
    let (left_rest, right_rest) =
        (left.get(begin..).unwrap_or_default(), right.get(begin..).unwrap_or_default());
    let end =
        left_rest.iter().rev().zip(right_rest.iter().rev()).take_while(|(one, other)| one == other).count();
    let left_middle = left_rest.get(..left_rest.len() - end).unwrap_or_default();
    let right_middle = right_rest.get(..right_rest.len() - end).unwrap_or_default();
    // Comparing numbers is quicker than comparing what they stand for.
    let mut known = HashMap::new();
    let mut number = |item| {
        let next = known.len();
        *known.entry(item).or_insert(next)
    };
    let left_numbers: Vec<usize> = left_middle.iter().map(&mut number).collect();
    let right_numbers: Vec<usize> = right_middle.iter().map(&mut number).collect();
    let mut steps = Steps::default();
    steps.same(begin);
    let found = shortest(&left_numbers, &right_numbers);
    let complete = found.is_some();
    match found {
        Some(moves) => moves.into_iter().for_each(|each| match each {
            Move::Both => steps.same(1),
            Move::Left => steps.replaced(1, 0),
            Move::Right => steps.replaced(0, 1),
        }),
        None => steps.replaced(left_numbers.len(), right_numbers.len()),
    }
    steps.same(end);
    (steps.done, complete)
}

/// Puts steps of one kind together.
#[derive(Debug, Default)]
struct Steps {
    done: Vec<Step>,
}

impl Steps {
    fn same(&mut self, length: usize) {
        match self.done.last_mut() {
            _ if length == 0 => {}
            Some(Step::Same(before)) => *before += length,
            _ => self.done.push(Step::Same(length)),
        }
    }

    fn replaced(&mut self, gone: usize, come: usize) {
        match self.done.last_mut() {
            _ if gone + come == 0 => {}
            Some(Step::Replaced { left, right }) => {
                *left += gone;
                *right += come;
            }
            _ => self.done.push(Step::Replaced { left: gone, right: come }),
        }
    }
}

#[derive(Debug, Clone, Copy)]
enum Move {
    Both,
    Left,
    Right,
}

/// For each number of changes, how far each diagonal was reached with it. A diagonal is `x - y`.
struct Reached {
    /// Of the diagonals `-changes`, `-changes + 2` and so on.
    rounds: Vec<Vec<u32>>,
}

impl Reached {
    /// How far to the left's end the diagonal was reached; `None` where it was not.
    fn at(&self, changes: usize, diagonal: isize) -> Option<usize> {
        let place = diagonal.checked_add_unsigned(changes)?;
        let place = usize::try_from(place).ok()? / 2;
        self.rounds.get(changes)?.get(place).map(|reached| *reached as usize)
    }

    /// Where a change leads onto the diagonal from, and which: the one that reaches further.
    fn enter(&self, changes: usize, diagonal: isize) -> Option<(usize, Move)> {
        let before = changes.checked_sub(1)?;
        // From the diagonal above an item of the right came, from the one below an item of the left went.
        let added = self.at(before, diagonal + 1).filter(|_| diagonal < before.cast_signed());
        let removed = self.at(before, diagonal - 1).filter(|_| diagonal > -before.cast_signed());
        match (added, removed) {
            (Some(added), Some(removed)) if removed < added => Some((added, Move::Right)),
            (Some(added), None) => Some((added, Move::Right)),
            (_, Some(removed)) => Some((removed + 1, Move::Left)),
            (None, None) => None,
        }
    }
}

/// The moves from one to the other with the fewest changes; `None` where there are too many.
fn shortest(left: &[usize], right: &[usize]) -> Option<Vec<Move>> {
    let last = left.len().checked_signed_diff(right.len())?;
    let mut reached = Reached { rounds: Vec::new() };
    for changes in 0..=FARTHEST.min(left.len() + right.len()) {
        let mut round = Vec::with_capacity(changes + 1);
        let mut arrived = false;
        for step in 0..=changes {
            let diagonal = (2 * step).checked_signed_diff(changes)?;
            let mut x = reached.enter(changes, diagonal).map_or(0, |(x, _)| x);
            let mut y = x.checked_add_signed(-diagonal).unwrap_or(0);
            while x < left.len() && left.get(x) == right.get(y) {
                x += 1;
                y += 1;
            }
            arrived |= diagonal == last && x >= left.len() && y >= right.len();
            round.push(u32::try_from(x).ok()?);
        }
        reached.rounds.push(round);
        if arrived {
            return Some(way_back(&reached, left.len(), right.len(), changes));
        }
    }
    None
}

fn way_back(reached: &Reached, mut x: usize, mut y: usize, changes: usize) -> Vec<Move> {
    let mut moves = Vec::with_capacity(x.max(y));
    for changes in (0..=changes).rev() {
        let diagonal = x.cast_signed() - y.cast_signed();
        let entered = reached.enter(changes, diagonal);
        let start = entered.map_or(0, |(start, _)| start);
        while x > start {
            moves.push(Move::Both);
            x -= 1;
            y = y.saturating_sub(1);
        }
        match entered {
            Some((_, Move::Right)) => {
                moves.push(Move::Right);
                y = y.saturating_sub(1);
            }
            Some((_, _)) => {
                moves.push(Move::Left);
                x = x.saturating_sub(1);
            }
            None => {}
        }
    }
    moves.reverse();
    moves
}
