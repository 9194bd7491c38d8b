//! How an agent that is a model is asked: by this program, as a child like every other.

use std::ffi::OsString;
use std::time::Duration;

use crate::agents::CommandLine;

/// A model is asked this long before its attempt is ended at most, so that it can say itself what was tried.
const LONGEST_LEAD: Duration = Duration::from_secs(2);

/// What the children need that ask models. Nothing of it is stored: a run that is taken up again has it anew.
#[derive(Debug, Clone, Default)]
pub struct Models {
    /// This program, and the options with which it finds the same configuration; `conclave` on PATH where empty.
    pub program: Vec<OsString>,
    /// The names of the variables that hold keys of hosts.
    pub variables: Vec<String>,
}

impl Models {
    /// Makes the command line of a question one of this program's. It ends by itself a little before `time`, that of the
    /// attempt, is over; `run` is what stands with it in the statistics.
    pub fn complete(&self, line: &mut CommandLine, time: Duration, run: &str) {
        let time = time.saturating_sub((time / 10).min(LONGEST_LEAD));
        line.args.extend([
            "--timeout".into(),
            format!("{}ms", time.as_millis().max(1)).into(),
            "--run".into(),
            run.into(),
        ]);
        if let Some((own, options)) = self.program.split_first() {
            line.program.clone_from(own);
            line.args.splice(..0, options.iter().cloned());
        }
    }

    /// The keys among the caller's variables.
    pub fn variables(&self, caller: &[(OsString, OsString)]) -> Vec<(OsString, OsString)> {
        let is_key = |name: &OsString| self.variables.iter().any(|key| name == key.as_str());
        caller.iter().filter(|(name, _)| is_key(name)).cloned().collect()
    }
}

#[cfg(test)]
mod tests {
    use super::{CommandLine, Duration, Models, OsString};

    #[test]
    fn a_question_is_one_of_this_program_and_ends_before_its_attempt() {
        let models = Models {
            program: ["/own", "--config", "/c"].map(OsString::from).to_vec(),
            variables: vec!["CONCLAVE_KEY".to_owned()],
        };
        let check = |models: &Models, seconds, wanted: &str| {
            let mut line = CommandLine {
                program: "conclave".into(),
                args: vec!["ask".into()],
                env: Vec::new(),
                stdin: Vec::new(),
                files: Vec::new(),
                session_id: None,
            };
            models.complete(&mut line, Duration::from_secs(seconds), "7");
            line.args.insert(0, line.program);
            let args: Vec<_> = line.args.iter().map(|arg| arg.to_string_lossy()).collect();
            assert_eq!(args.join(" "), wanted);
        };
        check(&models, 60, "/own --config /c ask --timeout 58000ms --run 7");
        check(&Models::default(), 1, "conclave ask --timeout 900ms --run 7");
        let caller = [("CONCLAVE_KEY", "k"), ("OTHER", "o")].map(|(name, value)| (name.into(), value.into()));
        assert_eq!(models.variables(&caller), caller[..1]);
    }
}
