//! Trees of dependencies, drawn.

use super::row::Node;
use super::task_words;
use crate::text::visible;
use crate::ui::theme::Theme;

/// Columns of a level.
const LEVEL: usize = 3;
/// The part of a line that is for rails; the rest is for what the line says.
const PART: usize = 3;
/// Most levels that are drawn.
const DEEPEST: usize = 12;

/// The lines of a tree for a page of this width, each with the id that it is about; its root is left out. Of a deep
/// one the innermost rails are drawn: what is said of it has its room.
pub(crate) fn lines(theme: Theme, nodes: &[Node], width: usize) -> Vec<(String, String)> {
    let deepest = (width / PART / LEVEL).clamp(2, DEEPEST);
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
        let outer = depth.saturating_sub(deepest);
        if outer > 0 {
            text.push_str(theme.sign("…  ", "~  "));
        }
        for goes_on in rails.iter().skip(outer) {
            text.push_str(if *goes_on { theme.sign("│  ", "|  ") } else { "   " });
        }
        text.push_str(if is_last { theme.sign("└─ ", "`- ") } else { theme.sign("├─ ", "|- ") });
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
    use super::{DEEPEST, LEVEL, Node, PART, lines};
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
        let drawn = lines(theme, &nodes(&[0, 1, 2, 2, 1, 2]), 80);
        let drawn: Vec<&str> =
            drawn.iter().map(|(text, _)| text.trim_end_matches("  ? does not exist")).collect();
        assert_eq!(drawn, ["|- t-1", "|  |- t-2", "|  `- t-3", "`- t-4", "   `- t-5"]);
    }

    #[test]
    fn any_levels_are_drawn() {
        let theme = Theme { colour: false, signs: Signs::Unicode };
        let deep: Vec<u32> = (0..10_000).collect();
        for width in [0, 36, 76, 1000] {
            let drawn = lines(theme, &nodes(&deep), width);
            assert_eq!(drawn.len(), 9_999);
            // The title of the deepest one is in sight.
            let most = LEVEL * ((width / PART / LEVEL).clamp(2, DEEPEST) + 1);
            let said = |text: &str| text.find("t-").map(|at| crate::text::width(&text[..at]));
            assert!(drawn.iter().all(|(text, _)| said(text).is_some_and(|at| at <= most)), "{width}");
        }
        for levels in [&[][..], &[5, 3, u32::MAX, 0], &[1, 1], &[0, 7, 7]] {
            lines(theme, &nodes(levels), 80);
        }
    }
}
