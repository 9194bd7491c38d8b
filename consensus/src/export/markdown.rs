//! The page for people.

use std::fmt::Write as _;

use crate::runs::RunDetail;
use crate::time::rfc3339;

/// The run as Markdown. Contents stand in fences that they cannot close.
pub(super) fn page(run: &RunDetail) -> String {
    let summary = &run.summary;
    let time = |ms: Option<i64>| ms.and_then(rfc3339).unwrap_or_else(|| "unknown".into());
    let mut page = String::new();
    // Writing to a String cannot fail.
    let _ = writeln!(page, "# {} {}\n", line(&summary.spec), line(&summary.stage));
    let _ = writeln!(page, "- run: {} (`{}`)", summary.id, line(&summary.run_key));
    let _ = writeln!(page, "- status: {}", summary.status);
    if let Some(verdict) = &run.verdict {
        let _ = writeln!(page, "- reason: {}", line(&verdict.reason));
    }
    if let Some(recorded) = &summary.recorded {
        let _ = writeln!(page, "- recorded: {}", line(recorded));
    }
    let _ = writeln!(page, "- started: {}", time(summary.started_at));
    let _ = writeln!(page, "- outputs: {}", summary.output_count);
    if let Some(source) = &summary.source {
        let _ = writeln!(page, "- source: {}", line(source));
    }
    if let Some(synthesis) = &run.synthesis {
        let _ = writeln!(page, "\n## Synthesis\n");
        match synthesis.get("output_markdown").and_then(|text| text.as_str()) {
            Some(text) => fenced(&mut page, text, "markdown"),
            None => fenced(&mut page, &synthesis.to_string(), "json"),
        }
    }
    for output in &run.outputs {
        let _ = writeln!(page, "\n## {}", line(&output.agent));
        let model =
            output.model_version.as_deref().map_or_else(String::new, |model| format!(", {}", line(model)));
        let _ = writeln!(
            page,
            "\nattempt {}, answer {}, {}{model}, {} bytes{}\n",
            output.attempt,
            output.sequence,
            time(output.completed_at),
            output.bytes,
            if output.valid_json { "" } else { ", no JSON" }
        );
        fenced(&mut page, &output.content, if output.valid_json { "json" } else { "" });
    }
    page
}

/// Text that must stay on its line.
fn line(text: &str) -> String {
    text.chars().map(|char| if char.is_control() { ' ' } else { char }).collect()
}

fn fenced(page: &mut String, text: &str, language: &str) {
    let longest = text.split(|char| char != '`').map(str::len).max().unwrap_or(0);
    let fence = "`".repeat(longest.max(2) + 1);
    let newline = if text.ends_with('\n') || text.is_empty() { "" } else { "\n" };
    let _ = write!(page, "{fence}{language}\n{text}{newline}{fence}\n");
}
