//! `conclave sample-agent NAME`: one of the demo's agents, as the child process of a run. Nobody else's business, so
//! it stands in no help and no completions.

use std::ffi::OsString;
use std::io::{Read as _, sink};
use std::time::Duration;

use conclave_retry::{Sleeper as _, SystemSleeper};

use super::output::Output;
use crate::demo::{self, Act, Sample};
use crate::failure::{Exit, Failure};
use crate::project::Environment;

/// The word that calls them.
pub(crate) const WORD: &str = "sample-agent";

/// Answers a line that calls one of them.
pub(super) fn answer(line: &[OsString]) -> Option<Exit> {
    let [_, word, name] = line else { return None };
    if word != WORD {
        return None;
    }
    let output = Output::plain(false);
    let sample = name.to_str().and_then(demo::sample)?;
    let ended = Environment::of_process().and_then(|environment| work(&environment, &output, sample));
    Some(ended.unwrap_or_else(|failure| {
        output.failure(&failure);
        failure.exit
    }))
}

fn work(environment: &Environment, output: &Output, sample: &Sample) -> Result<Exit, Failure> {
    // Whatever it is asked: a prompt that is not read could end in a broken pipe.
    let _ = std::io::copy(&mut std::io::stdin().lock().take(u64::MAX), &mut sink());
    for step in sample.steps {
        output.notice(step);
        SystemSleeper.sleep(Duration::from_millis(sample.pace));
    }
    match sample.act(attempt(environment, sample.name)) {
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
