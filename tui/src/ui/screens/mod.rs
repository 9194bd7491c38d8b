//! The screens. Each has its model, its update and its view.

pub(crate) mod agents;
pub(crate) mod coordination;
pub(crate) mod form;
pub(crate) mod hosts;
pub(crate) mod run;
pub(crate) mod runs;
pub(crate) mod spawn_form;
pub(crate) mod storage;
pub(crate) mod task;
pub(crate) mod task_form;
pub(crate) mod tasks;
pub(crate) mod trouble;
pub(crate) mod welcome;
