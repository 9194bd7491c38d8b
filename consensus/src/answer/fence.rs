//! Fenced blocks of Markdown (<https://spec.commonmark.org/0.31.2/#fenced-code-blocks>), at any indentation: agents
//! put them into lists.

/// The contents of the blocks, in order. One that is never closed goes to the end of the text.
pub(super) fn blocks(text: &[u8]) -> Vec<&[u8]> {
    let (mut blocks, mut open, mut position) = (Vec::new(), None, 0);
    for line in text.split_inclusive(|byte| *byte == b'\n') {
        let end = position + line.len();
        match (open, edge(line)) {
            (None, Some(edge)) if edge.may_open => open = Some((edge, end)),
            (Some((begin, from)), Some(edge)) if edge.closes(begin) => {
                blocks.push(text.get(from..position).unwrap_or_default());
                open = None;
            }
            _ => {}
        }
        position = end;
    }
    if let Some((_, from)) = open {
        blocks.push(text.get(from..).unwrap_or_default());
    }
    blocks
}

/// The content of the block that the whole text is.
pub(super) fn only_block(text: &[u8]) -> Option<&[u8]> {
    let begins = text.split(|byte| *byte == b'\n').next().and_then(edge).is_some_and(|edge| edge.may_open);
    let last = text.rsplit(|byte| *byte == b'\n').next().and_then(edge);
    let [block] = (begins && last.is_some_and(|edge| edge.bare)).then(|| blocks(text))?[..] else {
        return None;
    };
    Some(block)
}

/// A line that begins with three or more marks.
#[derive(Clone, Copy)]
struct Edge {
    mark: u8,
    length: usize,
    /// Nothing but marks.
    bare: bool,
    may_open: bool,
}

impl Edge {
    fn closes(self, begin: Self) -> bool {
        self.bare && self.mark == begin.mark && self.length >= begin.length
    }
}

fn edge(line: &[u8]) -> Option<Edge> {
    let line = line.trim_ascii();
    let mark = *line.first().filter(|mark| matches!(mark, b'`' | b'~'))?;
    let length = line.iter().take_while(|byte| **byte == mark).count();
    let info = line.get(length..).unwrap_or_default();
    // A backtick behind backticks: code within a line.
    let may_open = mark == b'~' || !info.contains(&b'`');
    (length >= 3).then_some(Edge { mark, length, bare: info.is_empty(), may_open })
}
