//! What waits in memory for room on the disk: all monitors of a process together, within a hard bound.

use std::collections::{BTreeMap, VecDeque};
use std::sync::{Mutex, MutexGuard, PoisonError};

use crate::monitor::{MonitorName, Priority};

/// What a line counts for at least: what it takes beside its own bytes.
const LEAST: u64 = 64;

/// Lines in memory, in the order in which they came.
///
/// A line counts with its bytes, a very short one with what it takes to keep it. Lines that were taken out count until they
/// are settled ([`Memory::settle`], or whatever the monitor does next), so that there is room to put them back.
#[derive(Debug)]
pub(crate) struct Memory {
    per_monitor: u64,
    held: Mutex<Held>,
}

/// What had to go so that something could be kept: by monitor, how many lines.
pub(crate) type Evicted = Vec<(MonitorName, u64)>;

#[derive(Debug, Default)]
struct Held {
    monitors: BTreeMap<MonitorName, Queue>,
    /// What all lines in queues count for, and all that were taken and are not settled.
    counted: u64,
    /// The number of the next line: what is older has a lower one.
    next: i64,
}

#[derive(Debug)]
struct Queue {
    priority: Priority,
    lines: VecDeque<(i64, Vec<u8>)>,
    /// What the lines in it count for.
    counted: u64,
    /// The lines that were taken and are not settled: their numbers, and what they count for.
    taken: Vec<(i64, u64)>,
    /// Lines that were driven out since the monitor joined.
    lost: u64,
}

impl Memory {
    /// Room for so many bytes of lines per monitor that takes part ([`Memory::join`]).
    pub(crate) fn new(per_monitor: u64) -> Self {
        Self { per_monitor, held: Mutex::default() }
    }

    /// A monitor takes part, and brings its share of room; until [`Memory::leave`].
    pub(crate) fn join(&self, monitor: &MonitorName, priority: Priority) {
        let queue = Queue { priority, lines: VecDeque::new(), counted: 0, taken: Vec::new(), lost: 0 };
        self.held().monitors.entry(monitor.clone()).or_insert(queue);
    }

    /// A monitor ends: gives what it still has in here, and takes its share of room along. Where others have used of it, they
    /// keep what they have, but nothing more comes until all fits again.
    pub(crate) fn leave(&self, monitor: &MonitorName) -> Vec<Vec<u8>> {
        let mut held = self.held();
        let Some(queue) = held.monitors.remove(monitor) else { return Vec::new() };
        held.counted -= queue.counted + queue.taken_counts();
        queue.lines.into_iter().map(|(_, line)| line).collect()
    }

    /// Keeps a line. Where there is no room, lines of low priority go first, the oldest first, then the oldest of all; but
    /// a line of low priority drives out none of normal priority, and one that fits nowhere goes itself, and nothing for it.
    /// The bound holds at any time. A monitor that has not joined brings no room, and drives nothing out.
    pub(crate) fn keep(&self, monitor: &MonitorName, line: &[u8]) -> Evicted {
        let mut held = self.held();
        held.settle(monitor);
        let bound = self.bound(&held);
        let mut evicted = Evicted::new();
        let Some(priority) = held.monitors.get(monitor).map(|queue| queue.priority) else {
            return vec![(monitor.clone(), 1)];
        };
        let counted = counts_for(line);
        if held.stays(priority).saturating_add(counted) > bound {
            held.lose(monitor);
            return vec![(monitor.clone(), 1)];
        }
        while held.counted.saturating_add(counted) > bound {
            let Some(from) = held.next_to_go() else { break };
            held.drop_oldest(&from);
            match evicted.iter_mut().find(|(monitor, _)| *monitor == from) {
                Some((_, lines)) => *lines += 1,
                None => evicted.push((from, 1)),
            }
        }
        let number = held.next;
        held.next += 1;
        held.push_back(monitor, number, line.to_vec());
        evicted
    }

    /// Takes the oldest lines of a monitor out, up to so many lines and bytes (one at least, where there is one).
    pub(crate) fn take(&self, monitor: &MonitorName, lines: usize, bytes: u64) -> Vec<Vec<u8>> {
        let mut held = self.held();
        held.settle(monitor);
        let Some(queue) = held.monitors.get_mut(monitor) else { return Vec::new() };
        let (mut taken, mut size) = (Vec::new(), 0_u64);
        while let Some((number, line)) = queue.lines.front() {
            size = size.saturating_add(line.len() as u64);
            if !taken.is_empty() && (taken.len() >= lines || size > bytes) {
                break;
            }
            let counted = counts_for(line);
            queue.counted -= counted;
            queue.taken.push((*number, counted));
            taken.extend(queue.lines.pop_front().map(|(_, line)| line));
        }
        taken
    }

    /// Puts lines back that were taken last and could not be written, all of them or the last ones: before all others of the
    /// monitor, and as old as they were.
    pub(crate) fn put_back(&self, monitor: &MonitorName, lines: Vec<Vec<u8>>) {
        let mut held = self.held();
        let numbers = held.settle(monitor);
        let Some(queue) = held.monitors.get(monitor) else { return };
        let mut oldest = queue.lines.front().map_or(held.next, |(number, _)| *number);
        let mut numbers = numbers.into_iter().rev();
        for line in lines.into_iter().rev() {
            oldest = numbers.next().map_or(oldest - 1, |(number, _)| number);
            held.push_front(monitor, oldest, line);
        }
    }

    /// What was taken has been written, or given up: there is room again.
    pub(crate) fn settle(&self, monitor: &MonitorName) {
        self.held().settle(monitor);
    }

    /// Lines of a monitor that wait.
    pub(crate) fn waiting(&self, monitor: &MonitorName) -> u64 {
        self.held().monitors.get(monitor).map_or(0, |queue| queue.lines.len() as u64)
    }

    /// Lines of a monitor that were driven out since it joined, by itself or by others.
    pub(crate) fn lost(&self, monitor: &MonitorName) -> u64 {
        self.held().monitors.get(monitor).map_or(0, |queue| queue.lost)
    }

    /// What all lines that wait count for.
    pub(crate) fn bytes(&self) -> u64 {
        self.held().monitors.values().map(|queue| queue.counted).sum()
    }

    fn bound(&self, held: &Held) -> u64 {
        self.per_monitor.saturating_mul(held.monitors.len() as u64)
    }

    fn held(&self) -> MutexGuard<'_, Held> {
        self.held.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// What a line counts for.
fn counts_for(line: &[u8]) -> u64 {
    (line.len() as u64).max(LEAST)
}

impl Queue {
    fn taken_counts(&self) -> u64 {
        self.taken.iter().map(|(_, counted)| counted).sum()
    }
}

impl Held {
    /// What a line of this priority may not drive out.
    fn stays(&self, priority: Priority) -> u64 {
        let goes = self.monitors.values().filter(|queue| queue.priority <= priority);
        self.counted.saturating_sub(goes.map(|queue| queue.counted).sum())
    }

    /// Whose oldest line goes next.
    fn next_to_go(&self) -> Option<MonitorName> {
        let fronts = self.monitors.iter().filter_map(|(name, queue)| {
            queue.lines.front().map(|(number, _)| ((queue.priority, *number), name))
        });
        fronts.min().map(|(_, name)| name.clone())
    }

    fn drop_oldest(&mut self, monitor: &MonitorName) {
        let Some(queue) = self.monitors.get_mut(monitor) else { return };
        if let Some((_, line)) = queue.lines.pop_front() {
            let counted = counts_for(&line);
            queue.counted -= counted;
            queue.lost += 1;
            self.counted -= counted;
        }
    }

    fn lose(&mut self, monitor: &MonitorName) {
        if let Some(queue) = self.monitors.get_mut(monitor) {
            queue.lost += 1;
        }
    }

    fn settle(&mut self, monitor: &MonitorName) -> Vec<(i64, u64)> {
        let Some(queue) = self.monitors.get_mut(monitor) else { return Vec::new() };
        self.counted -= queue.taken_counts();
        std::mem::take(&mut queue.taken)
    }

    fn push_back(&mut self, monitor: &MonitorName, number: i64, line: Vec<u8>) {
        if let Some(queue) = self.monitors.get_mut(monitor) {
            self.counted += counts_for(&line);
            queue.counted += counts_for(&line);
            queue.lines.push_back((number, line));
        }
    }

    fn push_front(&mut self, monitor: &MonitorName, number: i64, line: Vec<u8>) {
        if let Some(queue) = self.monitors.get_mut(monitor) {
            self.counted += counts_for(&line);
            queue.counted += counts_for(&line);
            queue.lines.push_front((number, line));
        }
    }
}

#[cfg(test)]
mod tests;
