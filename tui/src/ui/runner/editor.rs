//! A text in the user's own editor.

use std::ffi::OsString;
use std::io::Write as _;
use std::process::Command;

use crate::failure::{Exit, Failure};
use crate::project::Environment;

/// The most that is taken back.
const LARGEST: u64 = 4 * 1024 * 1024;

/// Waits until the editor has ended, and gives the text as it left it. The terminal must be the editor's meanwhile.
pub(in crate::ui) fn edit(environment: &Environment, text: &str) -> Result<String, Failure> {
    let io = |error: std::io::Error| Failure::io("edit the text", &error);
    let mut file = tempfile::Builder::new().prefix("conclave-text-").suffix(".md").tempfile().map_err(io)?;
    file.write_all(text.as_bytes()).map_err(io)?;
    file.flush().map_err(io)?;
    let editor = ["VISUAL", "EDITOR"].into_iter().find_map(|name| environment.get(name)).cloned();
    let editor = editor.filter(|editor| !editor.is_empty()).unwrap_or_else(|| OsString::from("vi"));
    // The variable may hold arguments: a shell takes it apart, as git does.
    let mut script = editor.clone();
    script.push(" \"$@\"");
    let status =
        Command::new("sh").arg("-c").arg(script).arg(&editor).arg(file.path()).status().map_err(io)?;
    if !status.success() {
        let text = format!("the editor {} ended with {status}; the text is as before", editor.display());
        return Err(Failure::new(Exit::Usage, "editor", text).hint("$VISUAL or $EDITOR names another one"));
    }
    let size = std::fs::metadata(file.path()).map_err(io)?.len();
    if size > LARGEST {
        let text = format!("the text is larger than {}", crate::text::size(LARGEST));
        return Err(Failure::usage(text).hint("name files in the text instead of putting them into it"));
    }
    // Editors put a new file in the place of the old one: it is read by its name.
    let bytes = std::fs::read(file.path()).map_err(io)?;
    String::from_utf8(bytes).map_err(|_| Failure::usage("the text is no UTF-8"))
}
