//! Quality gates: questions that agents raise before a stage, merged, answered where that is allowed, or left to a
//! person.
