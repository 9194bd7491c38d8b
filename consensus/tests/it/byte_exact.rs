//! What a legacy file holds arrives byte for byte, whatever it is.

use std::path::Path;

use conclave_consensus::runs;
use conclave_db::sql::Value;
use conclave_db::{Db, DbError, DbOptions, Source};

use crate::project::{Project, rows, schema};

/// Contents that have gone wrong somewhere before: 12 of 72,279 bytes, one of 50 MB, and the small nasty ones.
const NASTY: &str = r#"
INSERT INTO consensus_artifacts(spec_id, stage, agent_name, content_json, response_text, run_id, created_at)
WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 12)
SELECT 'S', 'spec-plan', 'a' || i, '{"t":"' || substr(hex(zeroblob(40000)), 1, 72271) || '"}', NULL, 'run', '2025-11-11 02:33:20' FROM n;
INSERT INTO consensus_artifacts(spec_id, stage, agent_name, content_json, response_text, run_id, created_at) VALUES
('S', 'spec-plan', 'big', CAST(zeroblob(50000000) AS TEXT), NULL, 'run', NULL),
('S', 'spec-plan', 'nul', 'a' || char(0) || 'b', char(0), 'run', NULL),
('S', 'spec-plan', 'emoji', '{"e":"🦀 é 漢"}', '🦀', 'run', NULL),
('S', 'spec-plan', 'crlf', '{' || char(13, 10) || '"a": 1' || char(13, 10) || '}', char(13, 10), 'run', NULL),
('S', 'spec-plan', 'surrogate', '{"s":"\ud800"}', '\ud800', 'run', NULL),
('S', 'spec-plan', 'latin', CAST(x'7b2261223a22e922207d' AS TEXT), CAST(x'ff00fe' AS TEXT), 'run', NULL),
('S', 'spec-plan', 'latin', CAST(x'7b2261223a22e9227d' AS TEXT), CAST(x'ff00fe' AS TEXT), 'run', NULL),
('S', 'spec-plan', 'blob', x'00ff7b7d00', x'00', 'run', NULL),
('S', 'spec-plan', 'empty', '', '', 'run', NULL),
('S', 'spec-plan', 'number', 17, 1.5, 'run', NULL),
('S', 'spec-plan', 'nested', '{"a":' || substr(replace(hex(zeroblob(600)), '0', '['), 1, 1200) || substr(replace(hex(zeroblob(600)), '0', ']'), 1, 1200) || '}', NULL, 'run', NULL);
INSERT INTO consensus_artifacts(spec_id, stage, agent_name, content_json, run_id, created_at) VALUES
('S', 'spec-plan', 'odd', '{}', CAST(x'ff40' AS TEXT), x'ff00'),
('S', 'spec-plan', 'odd', '{}', NULL, x'ff00'),
('S', 'spec-plan', 'odd', '{}', NULL, 1762828295.123),
('S', 'spec-plan', CAST(x'ff' AS TEXT), '{}', '@', '@');
INSERT INTO consensus_synthesis(spec_id, stage, output_markdown, output_path, status, artifacts_count, agreements, conflicts, degraded, run_id, created_at)
VALUES('S', 'spec-plan', CAST(x'23ff00' AS TEXT), char(0), 'ok' || char(10), 'many', x'ff', '["🦀"]', 'maybe', 'run', 'later');
"#;

fn contents(read: impl FnOnce(&str) -> Vec<Vec<Value>>, table: &str, content: &str) -> Vec<Vec<Value>> {
    read(&format!(
        "SELECT agent_name, hex({content}), hex(response_text) FROM {table} WHERE agent_name <> 'big' ORDER BY id"
    ))
}

fn source_rows(path: &Path, query: &str) -> Vec<Vec<Value>> {
    let source = Source::open(path).unwrap();
    source.read(|conn| Ok::<_, DbError>(crate::project::values(conn, query))).unwrap()
}

#[test]
fn nasty_contents_arrive_byte_for_byte() {
    let project = Project::new();
    let path = project.legacy("nasty.db", NASTY);
    let report = project.import(&path);
    assert_eq!((report.outputs, report.syntheses, report.refused), (27, 1, 0));
    assert_eq!(
        contents(|query| project.rows(query), "agent_outputs", "content"),
        contents(|query| source_rows(&path, query), "consensus_artifacts", "content_json"),
    );
    let big = "SELECT count(*) FROM agent_outputs WHERE CAST(content AS BLOB) = zeroblob(50000000)";
    assert_eq!(project.number(big), 1);
    // Readers of the new table see text where there was text, as a plain client does.
    assert_eq!(project.number("SELECT count(*) FROM agent_outputs WHERE typeof(content) <> 'text'"), 0);
    // The legacy side has the very rows, with their storage classes.
    let legacy = "SELECT id, spec_id, stage, agent_name, typeof(content_json), hex(content_json),
      typeof(response_text), hex(response_text), typeof(run_id), hex(run_id), typeof(created_at), hex(created_at)
      FROM consensus_artifacts WHERE agent_name <> 'big' ORDER BY id";
    assert_eq!(project.rows(legacy), source_rows(&path, legacy));
    let synthesis =
        "SELECT hex(output_markdown), hex(output_path), hex(status), artifacts_count, hex(agreements),
      conflicts, degraded FROM ";
    assert_eq!(
        project.rows(&format!("{synthesis} run_syntheses")),
        source_rows(&path, &format!("{synthesis} consensus_synthesis"))
    );

    // No UTF-8 is no JSON, and neither is what is nested deeper than SQLite reads.
    let valid = "SELECT group_concat(agent_name) FROM agent_outputs WHERE valid_json = 1 AND agent_name NOT GLOB 'a[0-9]*'";
    assert_eq!(
        project.rows(valid),
        [[Value::Blob(b"emoji,crlf,surrogate,number,odd,odd,odd,\xff".to_vec())]]
    );
    assert_eq!(report.invalid_json, 7);
    // Times and keys that are none have a run, and are named.
    assert_eq!(project.number("SELECT count(*) FROM consensus_runs"), 5);
    assert!(project.verify().equal);
    assert_eq!(project.import(&path).already_present, 28);
    // The odd ones can be read.
    for run in runs::list(&project.db, &runs::RunFilter::default(), None, None).unwrap() {
        let detail = runs::show(&project.db, run.id).unwrap().unwrap();
        assert_eq!(detail.outputs.len() as u64, run.output_count);
    }
    let run = runs::list(&project.db, &runs::RunFilter::default(), None, None).unwrap();
    let run = run.iter().find(|run| run.run_key == "run").unwrap();
    let latin = runs::output(&project.db, run.id, "latin", None, Some(2)).unwrap().unwrap();
    assert_eq!(latin.content, b"{\"a\":\"\xe9\"}");
    assert_eq!(latin.response.as_deref(), Some(b"\xff\0\xfe".as_slice()));
    project.assert_sound();
}

/// The same rows in place: the backfill keeps them as the import does.
#[test]
fn nasty_contents_survive_a_backfill() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("state.db");
    let nasty = NASTY.replace("zeroblob(50000000)", "zeroblob(500000)");
    conclave_db::foreign::create(&path, &format!("{}{nasty}", crate::project::LEGACY_DDL)).unwrap();
    let before = source_rows(&path, "SELECT hex(content_json), hex(response_text) FROM consensus_artifacts");
    let project = Project::over(dir, &path);
    assert_eq!(project.backfill().copied, 28);
    let after = "SELECT hex(content), hex(response_text) FROM agent_outputs ORDER BY legacy_id";
    assert_eq!(project.rows(after), before);
    assert!(project.verify().equal);
    // And going in both ways gives the same rows.
    let other = Project::new();
    let source = other.legacy("nasty.db", &nasty);
    other.import(&source);
    let same = "SELECT run_id, agent_name, model_version, content, output_timestamp, sequence, valid_json, legacy_id,
      legacy_stage, legacy_run_id, legacy_created_at FROM agent_outputs ORDER BY id";
    assert_eq!(project.rows(same), other.rows(same));
}

/// A row is the same for a plain client and through this program.
#[test]
fn text_stays_text() {
    let project = Project::new();
    project.import(&project.golden());
    let db = Db::open(DbOptions::new(project.db.path(), schema())).unwrap();
    assert_eq!(
        rows(&db, "SELECT DISTINCT typeof(content), typeof(run_id) FROM agent_outputs"),
        [[Value::Text("text".into()), Value::Text("integer".into())]]
    );
}
