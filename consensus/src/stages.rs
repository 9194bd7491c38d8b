//! The stages and gates that Conclave knows: what each asks for, and where answers put it.
//!
//! The six stages and the three gates want JSON; a stage of any other name wants whatever its prompt says, and has
//! no required fields. One table of shapes feeds the built-in prompts and the schemas.

mod shape;
#[cfg(test)]
mod tests;
mod text;

use crate::canonical;

use self::shape::Field;

/// A stage or a gate.
#[derive(Debug)]
pub struct Stage {
    /// Its name in canonical form.
    pub name: &'static str,
    /// Its name for people.
    pub title: &'static str,
    /// The stage that it stands before, where it is a quality gate.
    pub before: Option<&'static str>,
    /// What must be in at least one answer.
    pub required: &'static [Required],
    /// What is asked, in a sentence or two.
    task: &'static str,
    /// What an answer looks like.
    shape: &'static [Field],
}

/// A field that must be in at least one answer.
#[derive(Debug)]
pub struct Required {
    /// What it is called.
    pub name: &'static str,
    /// The keys that stand for it, at the top of an answer or inside its `final_plan`: the prompts of the original
    /// ask for other names than its check did.
    pub keys: &'static [&'static str],
}

const fn required(name: &'static str, keys: &'static [&'static str]) -> Required {
    Required { name, keys }
}

/// The fields that decide: where two agents give different values for one, that is a conflict. The answers to the
/// issues of a gate decide too.
pub const DECISIONS: [&str; 2] = ["unlock_decision", "audit_verdict"];

/// The stages in the order of a pipeline.
pub const STAGES: [Stage; 6] = [
    Stage {
        name: "plan",
        title: "Plan",
        before: None,
        required: &[
            required("work_breakdown", &["work_breakdown"]),
            required("acceptance_mapping", &["acceptance_mapping"]),
        ],
        task: "Plan the work: break it down into steps, and say for every requirement how it will be checked.",
        shape: shape::PLAN,
    },
    Stage {
        name: "tasks",
        title: "Tasks",
        before: None,
        required: &[required("tasks", &["tasks", "validated_tasks"])],
        task: "Turn the plan into tasks that one person can finish in a day each, in an order that respects what \
               they depend on.",
        shape: shape::TASKS,
    },
    Stage {
        name: "implement",
        title: "Implement",
        before: None,
        required: &[required("implementation", &["implementation", "checklist"])],
        task: "Say how the tasks are implemented: which files change, how, and what to look out for.",
        shape: shape::IMPLEMENT,
    },
    Stage {
        name: "validate",
        title: "Validate",
        before: None,
        required: &[required("test_strategy", &["test_strategy", "final_plan"])],
        task: "Say how it is shown that the work does what the spec asks: which tests, at which level, run how.",
        shape: shape::VALIDATE,
    },
    Stage {
        name: "audit",
        title: "Audit",
        before: None,
        required: &[required("audit_verdict", &["audit_verdict", "recommendation"])],
        task: "Audit what was done: correctness, security, whether it is what the spec asks for. Decide.",
        shape: shape::AUDIT,
    },
    Stage {
        name: "unlock",
        title: "Unlock",
        before: None,
        required: &[required("unlock_decision", &["unlock_decision"])],
        task: "Decide whether the work may be released, and say why.",
        shape: shape::UNLOCK,
    },
];

/// The quality gates in the order of a pipeline.
pub const GATES: [Stage; 3] = [
    Stage {
        name: "clarify",
        title: "Clarify",
        before: Some("plan"),
        required: &[required("issues", &["issues"])],
        task: "Find what is ambiguous in the spec: every question that two people could answer differently, with \
               the answer that you would give.",
        shape: shape::ISSUES,
    },
    Stage {
        name: "checklist",
        title: "Checklist",
        before: Some("tasks"),
        required: &[required("requirements", &["requirements", "issues"])],
        task: "Score every requirement of the spec and the plan from 0 to 10, and say what would mend the weak ones.",
        shape: shape::REQUIREMENTS,
    },
    Stage {
        name: "analyze",
        title: "Analyze",
        before: Some("implement"),
        required: &[required("issues", &["issues"])],
        task: "Find what contradicts itself or is missing between spec, plan and tasks: every finding as a question, \
               with the answer that you would give.",
        shape: shape::ISSUES,
    },
];

/// The stage or gate with this name, in any spelling that is in use: `spec-plan`, `review`, `quality-gate-clarify`.
///
/// Capitals and blanks around it do not matter. A gate is also known by where the original puts it.
pub fn stage(written: &str) -> Option<&'static Stage> {
    let name = written.trim().to_lowercase().replace('_', "-");
    let name = match canonical::stage(name.strip_prefix("quality-gate-").unwrap_or(&name)) {
        "before-specify" => "clarify",
        "after-specify" => "checklist",
        "after-tasks" => "analyze",
        other => other,
    };
    STAGES.iter().chain(&GATES).find(|stage| stage.name == name)
}

/// The one spelling of a stage's or gate's name; of one that is not known, the canonical form.
pub fn name(written: &str) -> &str {
    stage(written).map_or_else(|| canonical::stage(written), |stage| stage.name)
}

/// The quality gate with this name, in any spelling.
pub fn gate(written: &str) -> Option<&'static Stage> {
    stage(written).filter(|stage| stage.is_gate())
}

impl Stage {
    /// Whether it is a quality gate.
    pub const fn is_gate(&self) -> bool {
        self.before.is_some()
    }

    /// The prompt for this stage where nobody wrote one. `spec` is what the run is about.
    pub fn built_in_prompt(&self, spec: &str) -> String {
        text::prompt(self, spec)
    }

    /// The shape of an answer as JSON Schema, for agents that can be held to one: every key required, no others.
    pub fn schema(&self) -> String {
        shape::schema(self.shape).to_string()
    }
}
