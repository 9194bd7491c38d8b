//! What the commands answer: one line `success=…,key=value,…` that scripts take apart at its commas, or with `--json`
//! one object.

use std::fmt::Write as _;

use conclave_leases::{Fence, LeaseName};
use serde_json::{Map, Value, json};

use crate::cli::output::Output;
use crate::failure::Failure;
use crate::text::visible;

/// An answer: keys and values in the order of the line.
#[derive(Debug)]
pub(super) struct Line {
    pairs: Vec<(&'static str, Value)>,
    /// What stands in the object alone.
    more: Vec<(&'static str, Value)>,
}

impl Line {
    pub(super) fn new(success: bool) -> Self {
        Self { pairs: vec![("success", success.into())], more: Vec::new() }
    }

    pub(super) fn with(mut self, key: &'static str, value: impl Into<Value>) -> Self {
        self.pairs.push((key, value.into()));
        self
    }

    /// In the object alone.
    pub(super) fn beside(mut self, key: &'static str, value: impl Into<Value>) -> Self {
        self.more.push((key, value.into()));
        self
    }

    /// The numbers of grants: of one its number, of several each with its name. The object has all of them as `leases`.
    pub(super) fn fences(mut self, fences: &[(LeaseName, Fence)]) -> Self {
        let one = |(name, fence): &(LeaseName, Fence)| json!({ "lock_name": name, "fence": fence });
        self.more.push(("leases", fences.iter().map(one).collect()));
        if let [(_, fence)] = fences {
            return self.with("fence", *fence);
        }
        for (name, fence) in fences {
            self = self.with("lock_name", name.as_str()).with("fence", *fence);
        }
        self
    }

    /// Prints it.
    pub(super) fn print(&self, output: &Output) -> Result<(), Failure> {
        if output.json { output.document(&self.object()) } else { output.print(self.text()) }
    }

    fn text(&self) -> String {
        let mut line = String::new();
        for (key, value) in self.pairs.iter().filter(|(_, value)| !value.is_null()) {
            let comma = if line.is_empty() { "" } else { "," };
            let _ = match value {
                Value::String(text) => write!(line, "{comma}{key}={}", plain(text)),
                other => write!(line, "{comma}{key}={other}"),
            };
        }
        line.push('\n');
        line
    }

    /// Of several names the pairs would overwrite each other: there `leases` has them.
    fn object(&self) -> Value {
        let several = self.pairs.iter().any(|(key, _)| *key == "lock_name");
        let pairs = self.pairs.iter().filter(|(key, _)| !several || !matches!(*key, "lock_name" | "fence"));
        let all = pairs.chain(&self.more).map(|(key, value)| ((*key).to_owned(), value.clone()));
        Value::Object(all.collect::<Map<_, _>>())
    }
}

/// A value that cannot be taken for another pair of the line, nor for an escape: `,`, `=` and `%` as in a URL.
fn plain(text: &str) -> String {
    let mut shown = String::with_capacity(text.len());
    for character in visible(text).chars() {
        match character {
            '%' => shown.push_str("%25"),
            ',' => shown.push_str("%2C"),
            '=' => shown.push_str("%3D"),
            other => shown.push(other),
        }
    }
    shown
}

#[cfg(test)]
mod tests;
