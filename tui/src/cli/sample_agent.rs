//! `conclave sample-agent`: one of the demo's agents, as the child process of a run.

use std::io::{Read as _, sink};
use std::time::Duration;

use conclave_retry::{Sleeper as _, SystemSleeper};

use super::output::Output;
use crate::demo::{self, Act};
use crate::failure::{Exit, Failure};
use crate::project::Environment;

pub(super) fn run(environment: &Environment, output: &Output, name: &str) -> Result<Exit, Failure> {
    let sample = demo::sample(name).ok_or_else(|| {
        Failure::usage(format!("no sample agent {name:?}")).hint("`conclave demo` asks all of them")
    })?;
    // Whatever it is asked: a prompt that is not read could end in a broken pipe.
    let _ = std::io::copy(&mut std::io::stdin().lock().take(u64::MAX), &mut sink());
    for step in sample.steps {
        output.notice(step);
        SystemSleeper.sleep(Duration::from_millis(sample.pace));
    }
    match sample.act(attempt(environment, name)) {
        Act::Fail(said) => {
            output.notice(said);
            Ok(Exit::StateSaysNo)
        }
        Act::Answer(answer) => {
            output.print(format_args!("{answer}\n"))?;
            Ok(Exit::Done)
        }
    }
}

/// Which attempt this is, from 0: it is counted in a file beside the state. Where that cannot be, none was before
/// that one could know of, and it answers.
fn attempt(environment: &Environment, name: &str) -> usize {
    let file = environment.folder.join(conclave_db::paths::STATE_DIR).join(format!("sample-agent-{name}"));
    let before =
        std::fs::read_to_string(&file).ok().and_then(|text| text.trim().parse::<usize>().ok()).unwrap_or(0);
    match std::fs::write(&file, before.saturating_add(1).to_string()) {
        Ok(()) => before,
        Err(_) => usize::MAX,
    }
}
