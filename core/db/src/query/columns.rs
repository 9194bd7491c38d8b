//! The names of an answer's columns, made distinct.

use std::collections::{HashMap, HashSet};

/// The names in their order. A name that comes again gets a number: `a`, `a_2`, `a_3`. One that has no such
/// number keeps its own, whatever else is named so.
pub(super) fn distinct(names: &[&str]) -> Vec<String> {
    let mut taken: HashSet<String> = names.iter().map(|name| (*name).to_owned()).collect();
    let mut times: HashMap<&str, usize> = HashMap::new();
    let mut made = Vec::with_capacity(names.len());
    for name in names {
        let time = times.entry(name).or_default();
        *time += 1;
        if *time == 1 {
            made.push((*name).to_owned());
            continue;
        }
        let mut numbered = format!("{name}_{time}");
        while !taken.insert(numbered.clone()) {
            *time += 1;
            numbered = format!("{name}_{time}");
        }
        made.push(numbered);
    }
    made
}

#[cfg(test)]
mod tests;
