//! The SQLite of the system, as an older program would use it: Python's module, one statement a line.

use std::io::{BufRead, BufReader, Write};
use std::path::Path;
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};

const PROGRAM: &str = r"
import json, sqlite3, sys
conn = sqlite3.connect(sys.argv[1], isolation_level=None)
print(json.dumps(sqlite3.sqlite_version), flush=True)
for line in sys.stdin:
    try:
        conn.execute(json.loads(line)).fetchall()
        error = None
    except sqlite3.Error as failure:
        error = str(failure)
    print(json.dumps([error, conn.in_transaction]), flush=True)
";

pub(crate) struct Python {
    child: Child,
    statements: ChildStdin,
    answers: BufReader<ChildStdout>,
    /// Of its SQLite.
    pub(crate) version: String,
}

impl Python {
    /// Nothing where Python is not installed.
    pub(crate) fn open(path: &Path) -> Option<Self> {
        let mut command = Command::new("python3");
        command.args(["-c", PROGRAM]).arg(path).stdin(Stdio::piped()).stdout(Stdio::piped());
        let mut child = command.spawn().ok()?;
        let statements = child.stdin.take()?;
        let mut answers = BufReader::new(child.stdout.take()?);
        let mut version = String::new();
        answers.read_line(&mut version).ok()?;
        let version = serde_json::from_str(&version).ok()?;
        Some(Self { child, statements, answers, version })
    }

    /// The error's text, if any, and whether a transaction is open now.
    pub(crate) fn run(&mut self, statement: &str) -> (Option<String>, bool) {
        writeln!(self.statements, "{}", serde_json::Value::from(statement)).unwrap();
        let mut answer = String::new();
        self.answers.read_line(&mut answer).unwrap();
        serde_json::from_str(&answer).unwrap()
    }
}

impl Drop for Python {
    fn drop(&mut self) {
        // A failed test must not wait for it.
        drop(self.child.kill());
        drop(self.child.wait());
    }
}
