use std::collections::BTreeSet;

use proptest::collection::vec;
use proptest::prelude::*;

use super::{Direction, cycles, cycles_of, tree};
use crate::error::TaskErrorKind;
use crate::testing::{Store, line, on};

fn drawn(store: &Store, id: &str, direction: Direction) -> Vec<String> {
    let nodes = tree(&store.db, id, direction).unwrap();
    let draw = |node: &super::Tree| {
        let kind = node.kind.as_deref().map(|kind| format!(" {kind}")).unwrap_or_default();
        let missing = if node.row.is_none() { " missing" } else { "" };
        let repeated = if node.repeated { " again" } else { "" };
        format!("{}{}{kind}{missing}{repeated}", ".".repeat(node.depth as usize), node.id)
    };
    nodes.iter().map(draw).collect()
}

#[test]
fn a_tree_draws_every_task_once_and_ends_in_cycles() {
    let two = "\"dependencies\":[{\"depends_on_id\":\"d\",\"type\":\"related\"},{\"depends_on_id\":\"b\",\"type\":\"blocks\"},\
        {\"depends_on_id\":\"nowhere\",\"type\":\"blocks\"}]";
    let lines = line("a", two) + &line("b", &on("parent-child", "d")) + &line("d", &on("blocks", "a"));
    let store = Store::with(&lines);
    assert_eq!(
        drawn(&store, "a", Direction::Down),
        [
            "a",
            ".d related",
            "..a blocks again",
            ".b blocks",
            "..d parent-child again",
            ".nowhere blocks missing"
        ]
    );
    assert_eq!(
        drawn(&store, "d", Direction::Up),
        ["d", ".a related", "..d blocks again", ".b parent-child", "..a blocks again"]
    );
    assert_eq!(tree(&store.db, "nowhere", Direction::Up).unwrap_err().kind(), TaskErrorKind::NotFound);
}

#[test]
fn a_cycle_is_named_once_and_begins_with_the_least_id() {
    let lines = [
        line("m", &on("blocks", "k")),
        line("k", &on("parent-child", "z")),
        line("z", &on("waits-for", "m")),
        line("self", &on("conditional-blocks", "self")),
        line("r1", &on("related", "r2")),
        line("r2", &on("blocks", "r1")),
        line("into", &on("blocks", "m")),
    ];
    let store = Store::with(&lines.concat());
    assert_eq!(cycles(&store.db).unwrap(), [vec!["k", "z", "m"], vec!["self"]]);
}

#[test]
fn a_long_chain_needs_no_stack() {
    let chain = |n: usize| {
        let lines: String = (0..n)
            .map(|i| line(&format!("t{i:05}"), &on("blocks", &format!("t{:05}", (i + 1) % n))))
            .collect();
        Store::with(&lines)
    };
    let store = chain(3_000);
    assert_eq!(cycles(&store.db).unwrap()[0].len(), 3_000);
    let nodes = tree(&store.db, "t00000", Direction::Down).unwrap();
    assert_eq!((nodes.len(), nodes[3_000].repeated, nodes[3_000].depth), (3_001, true, 3_000));
    let ring: Vec<Vec<usize>> = (0..200_000).map(|node| vec![(node + 1) % 200_000]).collect();
    assert_eq!(cycles_of(&ring)[0].len(), 200_000);
}

/// Which nodes can be reached from one, itself only around a cycle.
fn reached(edges: &[Vec<usize>], from: usize) -> BTreeSet<usize> {
    let mut reached = BTreeSet::new();
    let mut waiting = edges[from].clone();
    while let Some(node) = waiting.pop() {
        if reached.insert(node) {
            waiting.extend(&edges[node]);
        }
    }
    reached
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 300, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn every_part_that_goes_around_has_one_true_cycle(pairs in vec((0..9_usize, 0..9_usize), 0..16)) {
        let mut edges = vec![Vec::new(); 9];
        for (from, to) in pairs {
            edges[from].push(to);
        }
        let found = cycles_of(&edges);
        let mut parts = BTreeSet::new();
        for node in 0..9 {
            if reached(&edges, node).contains(&node) {
                let part: Vec<usize> =
                    (0..9).filter(|other| reached(&edges, node).contains(other) && reached(&edges, *other).contains(&node)).collect();
                parts.insert(part);
            }
        }
        prop_assert_eq!(found.len(), parts.len());
        for (cycle, part) in found.iter().zip(parts) {
            prop_assert_eq!(cycle[0], part[0]);
            for (place, node) in cycle.iter().enumerate() {
                prop_assert!(edges[*node].contains(&cycle[(place + 1) % cycle.len()]));
            }
        }
    }
}
