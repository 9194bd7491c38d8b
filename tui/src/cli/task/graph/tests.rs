//! How trees are drawn.

use conclave_tasks::read::Tree;

use super::{DRAWN, drawn};
use crate::cli::output::Output;
use crate::task_words::End;

/// Nodes that do not exist, at these depths.
fn nodes(depths: &[u32]) -> Vec<Tree> {
    let node = |(at, depth): (usize, &u32)| Tree {
        depth: *depth,
        id: format!("t-{at}"),
        kind: (*depth > 0).then(|| "blocks".to_owned()),
        row: None,
        repeated: false,
    };
    depths.iter().enumerate().map(node).collect()
}

#[test]
fn branches_end_where_no_sibling_follows() {
    let text = drawn(&Output::plain(false), &nodes(&[0, 1, 2, 2, 1, 2]), End::Issue);
    let wanted = "\
t-0  does not exist
|- waits for t-1  does not exist
|  |- waits for t-2  does not exist
|  `- waits for t-3  does not exist
`- waits for t-4  does not exist
   `- waits for t-5  does not exist
";
    assert_eq!(text, wanted);
}

#[test]
fn a_deep_chain_is_drawn_in_little() {
    let depths: Vec<u32> = (0..10_000).collect();
    let text = drawn(&Output::plain(false), &nodes(&depths), End::Issue);
    assert_eq!(text.lines().count(), 10_000);
    let last = text.lines().last().unwrap();
    assert!(last.contains("(9999 deep)") && last.len() < 200, "{last}");
    assert!(!text.lines().nth(DRAWN as usize).unwrap().contains("deep"));
}
