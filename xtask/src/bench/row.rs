//! One line of the table: what was measured, beside what, and what was to be reached.

use serde::Serialize;

/// What a row has to reach to be met.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Target {
    /// Ours divided by the peer's.
    RatioAtLeast(f64),
    RatioAtMost(f64),
    /// Ours by itself.
    OursAtLeast(f64),
    OursAtMost(f64),
    /// Shown for what it is.
    None,
}

impl Target {
    fn text(self) -> String {
        match self {
            Self::RatioAtLeast(ratio) => format!("≥ {}×", number(ratio)),
            Self::RatioAtMost(ratio) => format!("≤ {}×", number(ratio)),
            Self::OursAtLeast(value) => format!("≥ {}", number(value)),
            Self::OursAtMost(value) => format!("≤ {}", number(value)),
            Self::None => String::new(),
        }
    }

    fn met(self, ours: f64, ratio: Option<f64>) -> Option<bool> {
        match self {
            Self::RatioAtLeast(wanted) => ratio.map(|ratio| ratio >= wanted),
            Self::RatioAtMost(wanted) => ratio.map(|ratio| ratio <= wanted),
            Self::OursAtLeast(wanted) => Some(ours >= wanted),
            Self::OursAtMost(wanted) => Some(ours <= wanted),
            Self::None => None,
        }
    }
}

/// A line as it goes into JSON.
#[derive(Debug, Clone, Serialize)]
pub(crate) struct Row {
    #[serde(rename = "row")]
    pub(crate) name: String,
    pub(crate) condition: String,
    pub(crate) ours: f64,
    pub(crate) peer: Option<f64>,
    pub(crate) peer_name: String,
    pub(crate) unit: &'static str,
    pub(crate) ratio: Option<f64>,
    pub(crate) target: String,
    pub(crate) met: Option<bool>,
}

/// A line with what it was computed from.
#[derive(Debug, Clone, Serialize)]
pub(crate) struct Measured {
    #[serde(flatten)]
    pub(crate) row: Row,
    /// How far single repeats lay from the medians: smallest and largest ratio, or value without a peer.
    #[serde(skip)]
    pub(crate) spread: (f64, f64),
    #[serde(skip)]
    pub(crate) repeats: usize,
}

impl Measured {
    /// Repeats of ours and of a peer, the nth of one run beside the nth of the other.
    pub(crate) fn beside(
        (row, condition, unit): (&str, &str, &'static str),
        ours: &[f64],
        (peer_name, peer): (&str, &[f64]),
        target: Target,
    ) -> Self {
        let ratios: Vec<f64> =
            ours.iter().zip(peer).filter(|(_, peer)| **peer > 0.0).map(|(ours, peer)| ours / peer).collect();
        let (ours_median, peer_median) = (median(ours), median(peer));
        // Each pair met the same noise, so the ratio of the pairs says more than the ratio of the medians.
        let ratio = (peer_median > 0.0).then(|| median(&ratios));
        let row = Row {
            name: row.to_owned(),
            condition: condition.to_owned(),
            ours: ours_median,
            peer: Some(peer_median),
            peer_name: peer_name.to_owned(),
            unit,
            ratio,
            target: target.text(),
            met: target.met(ours_median, ratio),
        };
        let spread = if ratio.is_some() { extremes(&ratios) } else { extremes(ours) };
        Self { row, spread, repeats: ours.len() }
    }

    /// Ours by itself.
    pub(crate) fn alone(
        (row, condition, unit): (&str, &str, &'static str),
        ours: &[f64],
        target: Target,
    ) -> Self {
        let value = median(ours);
        let row = Row {
            name: row.to_owned(),
            condition: condition.to_owned(),
            ours: value,
            peer: None,
            peer_name: String::new(),
            unit,
            ratio: None,
            target: target.text(),
            met: target.met(value, None),
        };
        Self { row, spread: extremes(ours), repeats: ours.len() }
    }
}

/// The middle value; 0 without values.
pub(crate) fn median(values: &[f64]) -> f64 {
    let mut sorted = values.to_vec();
    sorted.sort_by(f64::total_cmp);
    let middle = sorted.len() / 2;
    match (sorted.get(middle), sorted.len() % 2) {
        (Some(upper), 0) => f64::midpoint(sorted[middle - 1], *upper),
        (Some(value), _) => *value,
        (None, _) => 0.0,
    }
}

fn extremes(values: &[f64]) -> (f64, f64) {
    let smallest = values.iter().copied().min_by(f64::total_cmp).unwrap_or(0.0);
    (smallest, values.iter().copied().max_by(f64::total_cmp).unwrap_or(0.0))
}

/// A count to be divided.
#[expect(clippy::cast_precision_loss, reason = "nothing here is counted to 2^52")]
pub(crate) fn real(count: u64) -> f64 {
    count as f64
}

/// A number with about three digits that mean something.
pub(crate) fn number(value: f64) -> String {
    let digits = match value.abs() {
        size if size >= 100.0 || size == 0.0 => 0,
        size if size >= 10.0 => 1,
        size if size >= 0.995 => 2,
        _ => 3,
    };
    let text = format!("{value:.digits$}");
    let (sign, digits) = text.strip_prefix('-').map_or(("", text.as_str()), |digits| ("-", digits));
    let (whole, part) = digits.split_once('.').unwrap_or((digits, ""));
    let mut grouped = String::new();
    for (place, digit) in whole.chars().enumerate() {
        if place > 0 && (whole.len() - place) % 3 == 0 {
            grouped.push(',');
        }
        grouped.push(digit);
    }
    let part = part.trim_end_matches('0');
    if part.is_empty() { format!("{sign}{grouped}") } else { format!("{sign}{grouped}.{part}") }
}

#[cfg(test)]
mod tests;
