//! Files of tasks that follow from a number: one with the shape of Beads' own file of January 2026, and one with as
//! many edges as tasks.
//!
//! The real file (5,722 records, 4,145,263 bytes) cannot lie in this repository. What counts for the measurements is
//! taken over from it: how many tasks have which status, how many edges of which types lead where, how many lead
//! nowhere, and how long the lines are.

use std::fmt::Write as _;

use crate::chance::Chance;

/// Of the real file: a status, how many, and how many edges they have in all.
const STATUSES: [(&str, usize, usize); 4] =
    [("open", 131, 96), ("hooked", 13, 4), ("closed", 2259, 680), ("tombstone", 3319, 244)];
/// Types of edges, and how many of a hundred have them.
const KINDS: [(&str, u64); 6] = [
    ("blocks", 44),
    ("parent-child", 43),
    ("discovered-from", 7),
    ("tracks", 4),
    ("relates-to", 1),
    ("related", 1),
];
/// Types of tasks, and how many of a hundred have them.
const TYPES: [(&str, u64); 7] = [
    ("task", 83),
    ("bug", 6),
    ("feature", 4),
    ("epic", 2),
    ("merge-request", 2),
    ("convoy", 1),
    ("chore", 2),
];
const WORDS: [&str; 16] = [
    "the", "daemon", "exports", "every", "record", "of", "a", "file", "when", "its", "lock", "is", "held",
    "too", "long", "again",
];

/// A file as it is read, its lines in the order of ids.
#[derive(Debug)]
pub(crate) struct File {
    pub(crate) bytes: Vec<u8>,
    pub(crate) ids: Vec<String>,
}

impl File {
    fn of(mut lines: Vec<(String, String)>) -> Self {
        lines.sort();
        let mut file = Self { bytes: Vec::new(), ids: Vec::new() };
        for (id, line) in lines {
            file.bytes.extend(line.as_bytes());
            file.bytes.push(b'\n');
            file.ids.push(id);
        }
        file
    }
}

/// One task before it is a line.
#[derive(Debug)]
struct Draft {
    id: String,
    status: &'static str,
    kind: &'static str,
    edges: Vec<(String, &'static str)>,
}

impl Draft {
    fn open(id: String) -> Self {
        Self { id, status: "open", kind: "task", edges: Vec::new() }
    }
}

/// The file like the real one.
pub(crate) fn real() -> File {
    let mut chance = Chance::of(5722, &[]);
    let mut drafts: Vec<Draft> = Vec::new();
    for (status, count, _) in STATUSES {
        for _ in 0..count {
            let number = drafts.len();
            // 4 of 100 are children of another one.
            let id = if number > 200 && chance.percent(4) {
                format!("{}.{number}", drafts[place(&mut chance, 200)].id)
            } else {
                let prefix = if chance.percent(63) { "hq" } else { "bd" };
                // The same letters never come again: 48,271 has an inverse.
                format!("{prefix}-{}", base36(number * 48_271 % 1_679_616))
            };
            let kind = weighed(&mut chance, &TYPES);
            drafts.push(Draft { id, status, kind, edges: Vec::new() });
        }
    }
    let mut begins = 0;
    for (status, count, edges) in STATUSES {
        for number in 0..edges {
            // Tasks that depend on something depend on one and a half others.
            let of = begins + place(&mut chance, count * 2 / 3);
            let target = match chance.below(1024) {
                // 55 edges lead nowhere.
                0..55 => format!("gone-{number}"),
                // Half of what an open task depends on is open too; no edge leads to a later one, so none is a cycle.
                _ if status == "open" && chance.percent(54) => {
                    drafts[place(&mut chance, of.max(1))].id.clone()
                }
                _ if status == "open" => drafts[144 + place(&mut chance, 2259)].id.clone(),
                _ => drafts[place(&mut chance, of)].id.clone(),
            };
            let kind = weighed(&mut chance, &KINDS);
            let edges = &mut drafts[of].edges;
            if edges.iter().all(|edge| edge.0 != target) {
                edges.push((target, kind));
            }
        }
        begins += count;
    }
    File::of(drafts.into_iter().map(|draft| (draft.id.clone(), line(&mut chance, &draft))).collect())
}

/// `tasks` live tasks: two hundred of them epics, whose children the others are, with as many `blocks` edges.
pub(crate) fn dense(tasks: usize) -> File {
    let mut chance = Chance::of(10_000, &[]);
    let id = |number: usize| format!("bd-{number:05}");
    let mut drafts: Vec<Draft> = (0..tasks).map(|number| Draft::open(id(number))).collect();
    for (number, draft) in drafts.iter_mut().enumerate().skip(200) {
        // Half are children of an epic, half of any earlier task.
        let before = if chance.percent(50) { 200 } else { number };
        draft.edges.push((id(place(&mut chance, before)), "parent-child"));
    }
    let mut blocks = 0;
    while blocks < tasks {
        let source = 1 + place(&mut chance, tasks - 1);
        let target = id(place(&mut chance, source));
        let edges = &mut drafts[source].edges;
        if !edges.contains(&(target.clone(), "blocks")) {
            edges.push((target, "blocks"));
            blocks += 1;
        }
    }
    File::of(drafts.into_iter().map(|draft| (draft.id.clone(), line(&mut chance, &draft))).collect())
}

/// Open tasks in layers of ten, each of which depends on all of the layer below: as many ways through as there can be.
pub(crate) fn layers(edges: usize) -> File {
    let mut chance = Chance::of(100, &[]);
    let id = |layer: usize, number: usize| format!("bd-{layer:04}-{number}");
    let mut lines = Vec::new();
    for layer in 0..=edges / 100 {
        for number in 0..10 {
            let below = if layer == 0 { 0 } else { 10 };
            let edges = (0..below).map(|below| (id(layer - 1, below), "blocks")).collect();
            let draft = Draft { edges, ..Draft::open(id(layer, number)) };
            lines.push((draft.id.clone(), line(&mut chance, &draft)));
        }
    }
    File::of(lines)
}

/// Open tasks, each of which depends on the one before.
pub(crate) fn chain(edges: usize) -> File {
    let mut chance = Chance::of(1, &[]);
    let id = |number: usize| format!("bd-{number:05}");
    let draft = |number: usize| Draft {
        edges: (number > 0).then(|| (id(number.saturating_sub(1)), "blocks")).into_iter().collect(),
        ..Draft::open(id(number))
    };
    File::of((0..=edges).map(|number| (id(number), line(&mut chance, &draft(number)))).collect())
}

/// Open tasks without edges.
pub(crate) fn free(tasks: usize) -> File {
    let mut chance = Chance::of(2000, &[]);
    let draft = |number: usize| Draft::open(format!("bd-{number:05}"));
    File::of((0..tasks).map(draft).map(|draft| (draft.id.clone(), line(&mut chance, &draft))).collect())
}

/// As Beads writes it: compact, in its order of members.
fn line(chance: &mut Chance, draft: &Draft) -> String {
    let mut line = String::from("{");
    let mut member = |text: String| {
        if line.len() > 1 {
            line.push(',');
        }
        line.push_str(&text);
    };
    let Draft { id, status, kind, edges } = draft;
    let is_tombstone = *status == "tombstone";
    member(format!("\"id\":\"{id}\""));
    let length = 10 + chance.below(if is_tombstone { 45 } else { 60 });
    member(format!("\"title\":\"{}\"", text(chance, length)));
    // Most tombstones are mere events with a line of text; the rest has up to some pages.
    let length = match (is_tombstone, chance.below(100)) {
        (true, 0..75) => 25 + chance.below(30),
        (false, 0..8) => 0,
        (_, 99) => 3000 + chance.below(6000),
        (_, 75..99) => 400 + chance.below(800),
        _ => 60 + chance.below(380),
    };
    if length > 0 {
        member(format!("\"description\":\"{}\"", text(chance, length)));
    }
    member(format!("\"status\":\"{status}\""));
    member(format!("\"priority\":{}", chance.pick(&[2, 2, 2, 2, 2, 2, 2, 1, 3, 0])));
    member(format!("\"issue_type\":\"{kind}\""));
    // What is assigned to somebody is nobody else's to claim.
    if *status != "open" && chance.percent(15) {
        member("\"assignee\":\"beads/refinery\"".to_owned());
    }
    let created = time(chance);
    member(format!("\"created_at\":\"{created}\""));
    if chance.percent(15) {
        member("\"created_by\":\"mayor\"".to_owned());
    }
    let updated = time(chance);
    member(format!("\"updated_at\":\"{updated}\""));
    if *status == "closed" {
        member(format!("\"closed_at\":\"{updated}\""));
        if chance.percent(50) {
            let length = 10 + chance.below(80);
            member(format!("\"close_reason\":\"{}\"", text(chance, length)));
        }
    }
    if chance.percent(if is_tombstone { 28 } else { 3 }) {
        member("\"labels\":[\"gt:agent\",\"role:polecat\"]".to_owned());
    }
    if !edges.is_empty() {
        let edges: Vec<String> = edges
            .iter()
            .map(|(target, kind)| {
                format!(
                    "{{\"issue_id\":\"{id}\",\"depends_on_id\":\"{target}\",\"type\":\"{kind}\",\
                     \"created_at\":\"{created}\",\"created_by\":\"daemon\"}}"
                )
            })
            .collect();
        member(format!("\"dependencies\":[{}]", edges.join(",")));
    }
    if chance.percent(1) && !is_tombstone {
        let length = 40 + chance.below(600);
        let words = text(chance, length);
        member(format!(
            "\"comments\":[{{\"id\":7,\"issue_id\":\"{id}\",\"author\":\"ana\",\"text\":\"{words}\",\
             \"created_at\":\"{updated}\"}}]"
        ));
    }
    if is_tombstone {
        member(format!(
            "\"deleted_at\":\"{updated}\",\"deleted_by\":\"batch delete\",\"delete_reason\":\"batch delete\",\
             \"original_type\":\"{kind}\""
        ));
    }
    line.push('}');
    line
}

/// Words, with the escapes that Beads writes.
fn text(chance: &mut Chance, bytes: u64) -> String {
    let bytes = usize::try_from(bytes).unwrap_or(usize::MAX);
    let mut text = String::new();
    while text.len() < bytes {
        text.push_str(chance.pick(&WORDS));
        text.push_str(match chance.below(40) {
            0 if bytes > 100 => "\\n\\n- ",
            1 if bytes > 100 => " \\u003e ",
            2 if bytes > 100 => " \\\"\u{2192}\\\" ",
            _ => " ",
        });
    }
    text.push('.');
    text
}

/// Some instant of December 2025, in the offset and with the digits that Beads writes.
fn time(chance: &mut Chance) -> String {
    let mut time = String::from("2025-12-");
    let [day, hour, minute, second, micros] = [31, 24, 60, 60, 1_000_000].map(|end| chance.below(end));
    let _ = write!(time, "{:02}T{hour:02}:{minute:02}:{second:02}.{micros:06}-08:00", day + 1);
    time
}

fn weighed(chance: &mut Chance, of: &[(&'static str, u64)]) -> &'static str {
    let mut drawn = chance.below(of.iter().map(|(_, weight)| weight).sum());
    for (word, weight) in of {
        match drawn.checked_sub(*weight) {
            None => return word,
            Some(rest) => drawn = rest,
        }
    }
    of[0].0
}

fn place(chance: &mut Chance, end: usize) -> usize {
    usize::try_from(chance.below(end as u64)).unwrap_or(0)
}

fn base36(mut number: usize) -> String {
    let mut digits = Vec::new();
    while digits.len() < 4 {
        let digit = u32::try_from(number % 36).unwrap_or(0);
        digits.push(char::from_digit(digit, 36).unwrap_or('0'));
        number /= 36;
    }
    digits.iter().rev().collect()
}

#[cfg(test)]
mod tests;
