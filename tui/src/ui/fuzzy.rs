//! Fuzzy matching: the letters in their order, better the closer they stand and the nearer to word starts.

/// How well `needle` matches `text`, letter case aside; `None` when it does not. An empty needle matches all.
pub(crate) fn score(needle: &str, text: &str) -> Option<i64> {
    let letters: Vec<char> = text.chars().flat_map(char::to_lowercase).collect();
    let wanted: Vec<char> =
        needle.chars().filter(|letter| !letter.is_whitespace()).flat_map(char::to_lowercase).collect();
    if wanted.is_empty() {
        return Some(0);
    }
    // From each place where the first letter stands: what follows is taken as early as possible.
    letters
        .iter()
        .enumerate()
        .filter(|(_, letter)| **letter == wanted[0])
        .filter_map(|(start, _)| score_from(&letters, &wanted, start))
        .max()
}

fn score_from(letters: &[char], wanted: &[char], start: usize) -> Option<i64> {
    let mut score = 0_i64;
    let mut at = start;
    let mut last = None;
    for letter in wanted {
        at += letters.get(at..)?.iter().position(|other| other == letter)?;
        let follows = last.is_some_and(|last: usize| last + 1 == at);
        let begins_word = at == 0 || letters.get(at - 1).is_some_and(|before| !before.is_alphanumeric());
        score += 1 + 4 * i64::from(follows) + 3 * i64::from(begins_word);
        last = Some(at);
        at += 1;
    }
    // Of two equal matches the shorter text is meant.
    let spread = i64::try_from(at - start).unwrap_or(i64::MAX).min(1000);
    Some(score * 1000 - spread * 10 - i64::try_from(letters.len()).unwrap_or(0).min(1000))
}

#[cfg(test)]
mod tests {
    use super::score;

    #[test]
    fn letters_count_in_their_order_and_close_ones_more() {
        assert!(score("", "x").is_some());
        assert!(score("kit9", "KIT-900 plan").is_some());
        assert!(score("9kit", "KIT-900 plan").is_none());
        let better = |needle: &str, one: &str, other: &str| score(needle, one) > score(needle, other);
        assert!(better("exp", "runs export", "e x p"));
        assert!(better("db b", "db backup", "double bubble"));
        assert!(better("plan", "plan", "plan again"));
    }
}
