//! The built-in prompts.

use super::{Stage, shape};

/// What an agent is asked where the project has no words of its own for this stage.
pub(super) fn prompt(stage: &Stage, spec: &str) -> String {
    let kind = if stage.is_gate() { "quality gate" } else { "stage" };
    let example = shape::example(stage.shape);
    let conflicts = if example.contains("\"conflicts\"") {
        "List under `conflicts` only what stands against the work as asked and cannot be settled by you; leave it \
         empty otherwise.\n"
    } else {
        ""
    };
    format!(
        "You are one of several independent reviewers of the spec {spec}. This is the {kind} \"{title}\".\n\
         {task}\n\n\
         Read the spec and the code in the current folder as far as you need to; do not change any file.\n\
         {conflicts}\
         Answer with one JSON object and nothing else: no text before or after it, no code fence, no comments, and \
         none of the words in angle brackets. It has these keys:\n\n{example}\n",
        title = stage.title,
        task = stage.task,
    )
}
