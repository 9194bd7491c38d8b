//! The order of lines, and how they are put together.

/// The order of the lines.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Order {
    /// Headers, then by id (bytewise), records without one last in the order of their file.
    #[default]
    Id,
    /// As they were read; new ones last.
    File,
}

/// A line that has a place by its id.
pub(crate) trait Ranked {
    /// See [`rank`].
    fn rank(&self) -> (u8, &str);
}

impl<T: Ranked> Ranked for &T {
    fn rank(&self) -> (u8, &str) {
        (**self).rank()
    }
}

/// The place of a line by its id.
pub(crate) fn rank(is_header: bool, id: Option<&str>) -> (u8, &str) {
    match id {
        _ if is_header => (0, ""),
        Some(id) => (1, id),
        None => (2, ""),
    }
}

/// Brings lines that are in the order of their file into this one.
pub(crate) fn arrange<T: Ranked>(lines: &mut [T], order: Order) {
    match order {
        Order::Id => lines.sort_by(|one, other| one.rank().cmp(&other.rank())),
        Order::File => {}
    }
}

/// Lines with their ends.
pub(crate) fn join<'line>(lines: impl Iterator<Item = &'line [u8]>) -> Vec<u8> {
    let mut bytes = Vec::new();
    for line in lines {
        bytes.extend_from_slice(line);
        bytes.push(b'\n');
    }
    bytes
}

#[cfg(test)]
mod tests;
