//! The graph: trees of one task, and cycles. Both linear in edges, whatever the graph.

use std::collections::{BTreeMap, BTreeSet, HashMap, VecDeque};

use conclave_db::{Db, ReadConn};

use super::list::TaskRow;
use crate::error::{Result, TaskError};
use crate::store::{graph, reading};

/// Where a tree grows.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Direction {
    /// To what a task depends on.
    #[default]
    Down,
    /// To what depends on it.
    Up,
}

/// A tree, in the order in which it is drawn.
#[derive(Debug, Clone, PartialEq)]
pub struct Tree {
    /// How deep, from 0.
    pub depth: u32,
    /// Its id.
    pub id: String,
    /// The type of the edge to its parent in the tree; `None` for the root.
    pub kind: Option<String>,
    /// The task, where it exists.
    pub row: Option<TaskRow>,
    /// It was drawn before: what is below it is not repeated.
    pub repeated: bool,
}

/// A cycle: ids, each depending on the next, the last on the first; begins with the least id.
pub type Cycle = Vec<String>;

/// The tree of a task, over edges of all types. What is below a task is in the order of its record, upwards in the order
/// of ids.
pub fn tree(db: &Db, id: &str, direction: Direction) -> Result<Vec<Tree>> {
    let now = reading::now_ns(db);
    db.read(|conn| {
        let mut nodes: Vec<Tree> = Vec::new();
        // Where each was drawn first.
        let mut drawn: HashMap<String, usize> = HashMap::new();
        let mut waiting = vec![(0, id.to_owned(), None)];
        while let Some((depth, id, kind)) = waiting.pop() {
            if let Some(&first) = drawn.get(&id) {
                let row = nodes.get(first).and_then(|node| node.row.clone());
                nodes.push(Tree { depth, kind, row, repeated: true, id });
                continue;
            }
            let row = reading::row(conn, &id, now)?;
            if depth == 0 && row.is_none() {
                return Err(TaskError::not_found(id));
            }
            let below = neighbours(conn, &id, row.as_ref(), direction)?;
            waiting.extend(below.into_iter().rev().map(|(id, kind)| (depth + 1, id, Some(kind))));
            drawn.insert(id.clone(), nodes.len());
            nodes.push(Tree { depth, kind, row, repeated: false, id });
        }
        Ok(nodes)
    })
}

fn neighbours(
    conn: &ReadConn<'_>,
    id: &str,
    row: Option<&TaskRow>,
    direction: Direction,
) -> Result<Vec<(String, String)>> {
    match direction {
        Direction::Down => {
            let edges = row.into_iter().flat_map(|row| &row.record.projection().dependencies);
            Ok(edges.map(|edge| (edge.target.clone(), edge.kind.clone())).collect())
        }
        Direction::Up => graph::dependents(conn, id),
    }
}

/// Cycles over the types that block or inherit: one for each strongly connected part, in the order of ids.
pub fn cycles(db: &Db) -> Result<Vec<Cycle>> {
    db.read(cycles_in)
}

/// The same in a snapshot that is there already.
pub(crate) fn cycles_in(conn: &ReadConn<'_>) -> Result<Vec<Cycle>> {
    let tasks = graph::tasks(conn)?;
    let places: BTreeMap<i64, usize> =
        tasks.iter().enumerate().map(|(place, (number, _))| (*number, place)).collect();
    let mut edges = vec![Vec::new(); tasks.len()];
    graph::holding_edges(conn, |task, target| {
        if let (Some(&task), Some(&target)) = (places.get(&task), places.get(&target)) {
            edges[task].push(target);
        }
    })?;
    for targets in &mut edges {
        targets.sort_unstable();
    }
    let named = |cycle: Vec<usize>| cycle.into_iter().map(|place| tasks[place].1.clone()).collect();
    Ok(cycles_of(&edges).into_iter().map(named).collect())
}

/// One cycle of each strongly connected part of a graph: the shortest through its least node.
fn cycles_of(edges: &[Vec<usize>]) -> Vec<Vec<usize>> {
    let mut cycles: Vec<Vec<usize>> = parts(edges)
        .into_iter()
        .filter(|part| part.len() > 1 || part.iter().any(|node| edges[*node].contains(node)))
        .filter_map(|part| shortest_cycle(edges, &part))
        .collect();
    cycles.sort_unstable();
    cycles
}

/// Tarjan's strongly connected components, with a stack of its own: a chain may be as long as there are tasks.
fn parts(edges: &[Vec<usize>]) -> Vec<BTreeSet<usize>> {
    const UNSEEN: usize = usize::MAX;
    let mut order = vec![UNSEEN; edges.len()];
    let mut low = vec![0; edges.len()];
    let mut is_open = vec![false; edges.len()];
    let (mut open, mut parts, mut next) = (Vec::new(), Vec::new(), 0);
    for root in 0..edges.len() {
        if order[root] != UNSEEN {
            continue;
        }
        let mut path = vec![(root, 0)];
        while let Some((node, step)) = path.pop() {
            if step == 0 {
                order[node] = next;
                low[node] = next;
                next += 1;
                open.push(node);
                is_open[node] = true;
            }
            if let Some(&target) = edges[node].get(step) {
                path.push((node, step + 1));
                if order[target] == UNSEEN {
                    path.push((target, 0));
                } else if is_open[target] {
                    low[node] = low[node].min(order[target]);
                }
                continue;
            }
            if let Some(&(above, _)) = path.last() {
                low[above] = low[above].min(low[node]);
            }
            if low[node] == order[node] {
                let mut part = BTreeSet::new();
                while let Some(member) = open.pop() {
                    is_open[member] = false;
                    part.insert(member);
                    if member == node {
                        break;
                    }
                }
                parts.push(part);
            }
        }
    }
    parts
}

/// The shortest way from the least node of a part back to it, breadth first.
fn shortest_cycle(edges: &[Vec<usize>], part: &BTreeSet<usize>) -> Option<Vec<usize>> {
    let &least = part.first()?;
    let mut from = BTreeMap::new();
    let mut waiting = VecDeque::from([least]);
    while let Some(node) = waiting.pop_front() {
        for &target in edges[node].iter().filter(|target| part.contains(target)) {
            if target == least {
                let mut cycle = vec![node];
                while let Some(&before) = cycle.last().and_then(|node| from.get(node)) {
                    cycle.push(before);
                }
                cycle.reverse();
                return Some(cycle);
            }
            if let std::collections::btree_map::Entry::Vacant(place) = from.entry(target) {
                place.insert(node);
                waiting.push_back(target);
            }
        }
    }
    None
}

#[cfg(test)]
mod tests;
