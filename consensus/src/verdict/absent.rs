//! Sentences that only say that there is nothing to list. One word beyond that, and it is an entry: "no conflicts in
//! the plan, but the tests fail" names one.

/// Whether every sentence of the text says that there is none.
pub(super) fn says_none(text: &str) -> bool {
    let lower = text.to_lowercase();
    let bare = lower.trim_matches(|c: char| c.is_whitespace() || "*_`\"'()[]{}".contains(c));
    // An abbreviation ends no sentence.
    if matches!(bare, "n/a" | "n.a." | "n.a") {
        return true;
    }
    bare.split(['.', '!', ';', '\n']).all(|sentence| {
        let words: Vec<&str> = sentence
            .split([' ', '\t', ',', '/', '\u{a0}'])
            .map(|word| word.trim_matches(['*', '_', '`', '"', '\'']))
            .filter(|word| !word.is_empty())
            .collect();
        is_none(&words)
    })
}

fn is_none(words: &[&str]) -> bool {
    if words.is_empty() {
        return true;
    }
    let words = match words {
        // "Conflicts: none".
        [label, rest @ ..] if label.strip_suffix(':').is_some_and(is_thing) => rest,
        _ => words,
    };
    let words = match words {
        ["there", "are" | "is" | "were" | "was", rest @ ..] => without(rest, &["currently", "now"]),
        [
            "i" | "we",
            "found" | "find" | "see" | "saw" | "identified" | "detected" | "have" | "had",
            rest @ ..,
        ] => without(rest, &["found", "identified", "detected", "seen"]),
        ["found" | "identified" | "detected", rest @ ..] => rest,
        _ => words,
    };
    match words {
        ["-" | "–" | "—" | "no" | "nil" | "null" | "false" | "0" | "na"] | ["not", "applicable"] => true,
        ["none" | "nothing", rest @ ..] => is_said_of_none(rest),
        ["no" | "zero", rest @ ..] => {
            let rest = without(rest, QUALITIES);
            things(rest).is_some_and(is_said_of_none)
        }
        ["not", "any", rest @ ..] => things(without(rest, QUALITIES)).is_some_and(is_said_of_none),
        _ => false,
    }
}

/// What a conflict may be, so that none of these is none at all. "No major conflicts" leaves room for others.
const QUALITIES: &[&str] = &[
    "known",
    "open",
    "remaining",
    "unresolved",
    "outstanding",
    "further",
    "other",
    "additional",
    "new",
    "current",
    "apparent",
    "explicit",
    "such",
];

fn is_thing(word: &str) -> bool {
    let singular = word.strip_suffix('s').unwrap_or(word);
    matches!(
        singular,
        "conflict"
            | "disagreement"
            | "contradiction"
            | "objection"
            | "dispute"
            | "discrepancy"
            | "issue"
            | "concern"
    ) || matches!(word, "discrepancies" | "inconsistency" | "inconsistencies" | "agreements")
}

/// What follows on one thing or several: "conflicts or contradictions".
fn things<'a, 'b>(words: &'a [&'b str]) -> Option<&'a [&'b str]> {
    let (first, mut rest) = words.split_first()?;
    if !is_thing(first) {
        return None;
    }
    loop {
        rest = match rest {
            ["or" | "and", next, after @ ..] if is_thing(next) => after,
            [next, after @ ..] if is_thing(next) => after,
            _ => return Some(rest),
        };
    }
}

fn without<'a, 'b>(mut words: &'a [&'b str], these: &[&str]) -> &'a [&'b str] {
    while let [first, rest @ ..] = words
        && these.contains(first)
    {
        words = rest;
    }
    words
}

/// The words behind the first of these phrases that they begin with.
fn past<'a, 'b>(words: &'a [&'b str], phrases: &[&str]) -> &'a [&'b str] {
    for phrase in phrases {
        let count = phrase.split(' ').count();
        if let Some((begin, rest)) = words.split_at_checked(count)
            && begin.iter().copied().eq(phrase.split(' '))
        {
            return rest;
        }
    }
    words
}

/// Whether the words only say that it was looked for, when, or where.
fn is_said_of_none(words: &[&str]) -> bool {
    let words = without(words, &["that", "which", "i", "we"]);
    let words = past(past(words, BEING), BEING);
    match past(past(words, LOOKED_FOR), WHEN) {
        [] => true,
        // Where: nothing but names of what is worked on.
        ["between" | "among" | "amongst" | "with" | "in" | "within" | "across", places @ ..] => {
            !places.is_empty() && places.iter().all(|word| PLACES.contains(word))
        }
        _ => false,
    }
}

const BEING: &[&str] = &["were", "was", "are", "is", "have been", "has been", "have", "could be", "am"];

const LOOKED_FOR: &[&str] = &[
    "found",
    "identified",
    "detected",
    "noted",
    "observed",
    "reported",
    "known",
    "seen",
    "discovered",
    "remaining",
    "remain",
    "exist",
    "exists",
    "present",
    "raised",
    "listed",
    "apparent",
    "outstanding",
    "to report",
    "to note",
    "to list",
    "to mention",
    "to add",
    "to declare",
    "aware of",
    "know of",
];

const WHEN: &[&str] = &[
    "so far",
    "at this time",
    "at this point",
    "at this stage",
    "at the moment",
    "at present",
    "at all",
    "currently",
    "yet",
    "now",
    "here",
];

const PLACES: &[&str] = &[
    "the",
    "this",
    "these",
    "any",
    "all",
    "and",
    "or",
    "of",
    "agent",
    "agents",
    "answer",
    "answers",
    "plan",
    "plans",
    "spec",
    "specs",
    "specification",
    "requirement",
    "requirements",
    "task",
    "tasks",
    "stage",
    "stages",
    "document",
    "documents",
    "artifact",
    "artifacts",
    "code",
    "codebase",
    "repository",
    "constitution",
    "design",
    "existing",
    "current",
    "provided",
];

#[cfg(test)]
mod tests {
    use super::says_none;

    #[test]
    fn a_sentence_that_only_says_that_there_is_none_is_none() {
        for text in [
            "",
            " \n",
            "-",
            "–",
            "none",
            "None.",
            "**None**",
            "(none)",
            "\"none\"",
            "N/A",
            "n.a.",
            "Not applicable.",
            "no",
            "nil",
            "[]",
            "Nothing to report.",
            "No conflict",
            "No conflicts.",
            "no agreements",
            "No conflicts found.",
            "No conflicts identified",
            "No conflicts were found.",
            "No conflicts have been identified so far.",
            "No conflicts exist at this time!",
            "None identified.",
            "None found",
            "None known at this stage.",
            "None that I am aware of.",
            "No known conflicts",
            "No remaining or",
            "No unresolved issues.",
            "No conflicts or contradictions detected.",
            "No conflicts, disagreements, or objections.",
            "There are no conflicts.",
            "There are currently no open conflicts",
            "I found no conflicts.",
            "We have identified no conflicts",
            "Conflicts: none",
            "Conflicts: none identified.",
            "None. No conflicts found.",
            "No conflicts between the agents.",
            "No conflicts with the existing code.",
            "Zero conflicts",
        ] {
            // A sentence that was cut short says nothing.
            assert_eq!(says_none(text), text != "No remaining or", "{text:?}");
        }
    }

    #[test]
    fn a_sentence_that_says_more_is_an_entry() {
        for text in [
            "x",
            "no rows",
            "No tests for conflicts",
            "No conflict resolution is defined",
            "None of the tasks covers the rollback",
            "No conflicts were resolved",
            "No conflicts in the plan, but the tests fail",
            "No conflicts found except for R2",
            "No conflicts found. R2 contradicts R3.",
            "None; however R2 contradicts R3",
            "No major conflicts",
            "No blocking conflicts",
            "No agreement on the schema",
            "No issue tracker exists",
            "No concern was addressed",
            "Nothing is tested",
            "Nothing found in the backup",
            "No, R2 contradicts R3",
            "Conflicts: R2 and R3",
            "Conflicts",
            "Found",
            "There are",
            "There are no backups",
            "There are no conflicts only if R2 is dropped",
            "I have no access to the code",
            "No conflicts with R2's timeout",
            "Not any more",
            "the tree is dirty",
            "b",
        ] {
            assert!(!says_none(text), "{text:?}");
        }
    }
}
