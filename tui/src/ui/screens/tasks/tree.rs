//! Trees of dependencies, drawn.

use super::row::Node;
use super::task_words;
use crate::text::visible;
use crate::ui::theme::Theme;

/// The deepest level that is drawn with rails; what is deeper says how deep it is.
const DEEPEST: usize = 12;

/// The lines of a tree, each with the id that it is about; its root is left out.
pub(crate) fn lines(theme: Theme, nodes: &[Node]) -> Vec<(String, String)> {
    let lasts = lasts(nodes);
    let mut rails: Vec<bool> = Vec::new();
    let mut lines = Vec::new();
    for (node, is_last) in nodes.iter().zip(lasts) {
        let depth = usize::try_from(node.depth).unwrap_or(usize::MAX).min(rails.len() + 1);
        if depth == 0 {
            continue;
        }
        rails.truncate(depth - 1);
        let mut text = String::new();
        if depth > DEEPEST {
            text = format!("{} {depth} ", theme.sign("…", "~"));
        } else {
            for goes_on in &rails {
                text.push_str(if *goes_on { theme.sign("│  ", "|  ") } else { "   " });
            }
            text.push_str(if is_last { theme.sign("└─ ", "`- ") } else { theme.sign("├─ ", "|- ") });
        }
        rails.push(!is_last);
        text.push_str(&told(theme, node));
        lines.push((text, node.id.clone()));
    }
    lines
}

/// Whether each node is the last among its siblings.
fn lasts(nodes: &[Node]) -> Vec<bool> {
    // Levels at which a node follows, seen from the end.
    let mut follows: Vec<bool> = Vec::new();
    let mut lasts: Vec<bool> = nodes
        .iter()
        .rev()
        .map(|node| {
            let depth = usize::try_from(node.depth).unwrap_or(0).min(nodes.len());
            if follows.len() <= depth {
                follows.resize(depth + 1, false);
            }
            follows.truncate(depth + 1);
            !std::mem::replace(&mut follows[depth], true)
        })
        .collect();
    lasts.reverse();
    lasts
}

fn told(theme: Theme, node: &Node) -> String {
    let mut text = visible(&node.id).into_owned();
    match &node.task {
        Some((_, status)) => {
            let (sign, word, _) = task_words::status(theme, status.as_deref());
            text = format!("{text}  {sign} {word}");
        }
        None => text.push_str("  ? does not exist"),
    }
    if let Some(kind) = node.kind.as_ref().filter(|kind| *kind != "blocks") {
        text = format!("{text}  [{}]", visible(kind));
    }
    if node.repeated {
        text.push_str("  (see above)");
    }
    // Last, since it may be cut.
    if let Some((title, _)) = &node.task {
        text = format!("{text}  {}", visible(title));
    }
    text
}

#[cfg(test)]
mod tests {
    use super::{Node, lines};
    use crate::cli::Signs;
    use crate::ui::theme::Theme;

    fn nodes(levels: &[u32]) -> Vec<Node> {
        let node = |(at, depth): (usize, &u32)| Node {
            depth: *depth,
            id: format!("t-{at}"),
            kind: None,
            task: None,
            repeated: false,
        };
        levels.iter().enumerate().map(node).collect()
    }

    #[test]
    fn rails_lead_to_what_follows() {
        let theme = Theme { colour: false, signs: Signs::Ascii };
        let drawn = lines(theme, &nodes(&[0, 1, 2, 2, 1, 2]));
        let drawn: Vec<&str> =
            drawn.iter().map(|(text, _)| text.trim_end_matches("  ? does not exist")).collect();
        assert_eq!(drawn, ["|- t-1", "|  |- t-2", "|  `- t-3", "`- t-4", "   `- t-5"]);
    }

    #[test]
    fn any_levels_are_drawn() {
        let theme = Theme { colour: false, signs: Signs::Unicode };
        let deep: Vec<u32> = (0..10_000).collect();
        assert_eq!(lines(theme, &nodes(&deep)).len(), 9_999);
        for levels in [&[][..], &[5, 3, u32::MAX, 0], &[1, 1], &[0, 7, 7]] {
            lines(theme, &nodes(levels));
        }
    }
}
