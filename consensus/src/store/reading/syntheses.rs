//! Syntheses. The claim of a run is that of its newest one, unless somebody recorded another for the run itself.

use conclave_db::ReadConn;
use conclave_db::sql::params;

use super::legacy::{self, Scope};
use super::{Lead, Target, View, list, optional_text, text};
use crate::canonical;
use crate::error::Result;
use crate::runs::RunId;
use crate::store::runs::claims;

/// Beside a run `r`, where the legacy side is believed: its newest synthesis `z` in the new tables; the newest `y`
/// that is our own or whose legacy row `l` is there.
pub(super) const JOINED: &str = "
  LEFT JOIN run_syntheses z ON z.id = (SELECT max(n.id) FROM run_syntheses n WHERE n.run_id = r.id)
  LEFT JOIN run_syntheses y ON y.id = (SELECT max(n.id) FROM run_syntheses n WHERE n.run_id = r.id
    AND (n.legacy_id IS NULL OR EXISTS (SELECT 1 FROM main.consensus_synthesis e WHERE e.id = n.legacy_id)))
  LEFT JOIN main.consensus_synthesis l ON l.id = y.legacy_id";

/// What the newest synthesis says of itself.
pub(super) const RECORDED: &str = "CASE WHEN l.id IS NULL THEN y.status ELSE CAST(l.status AS TEXT) END";

/// A column of a run as the legacy side has it: by its newest synthesis, unless the run's row claims otherwise than
/// the synthesis that was mirrored last.
pub(super) fn believed(column: &str) -> String {
    let of = |row: &str| claims(row).into_iter().find(|(name, _)| *name == column).map(|(_, value)| value);
    let mirrored = claims("z").map(|(_, value)| value).join(", ");
    let (legacy, own) = (of("l").unwrap_or_default(), of("y").unwrap_or_default());
    format!(
        "CASE WHEN z.id IS NULL
           OR (r.status, r.consensus_ok, r.degraded, r.synthesis_json) IS NOT ({mirrored}) THEN r.{column}
         WHEN l.id IS NOT NULL THEN {legacy} WHEN y.id IS NOT NULL THEN {own}
         ELSE {} END",
        if column == "status" { "'unknown'" } else { "NULL" }
    )
}

/// The synthesis of a run as stored.
pub(crate) fn synthesis(conn: &ReadConn<'_>, view: View, run: &Target) -> Result<Option<String>> {
    let newest = run.group.as_ref().and_then(|group| Some((group, group.synthesis.as_ref()?)));
    let Some(id) = run.real else { return Ok(newest.map(|(_, (_, text))| text.clone())) };
    if let Some((group, (_, text))) = newest
        && legacy::takes_claim(conn, id, group)?
    {
        return Ok(Some(text.clone()));
    }
    let column = match view.lead {
        Lead::Legacy => believed("synthesis_json"),
        _ => "r.synthesis_json".to_owned(),
    };
    let query = format!("SELECT {column} FROM {} WHERE r.id = ?1", list::from(view.lead));
    Ok(conn.query_optional(&query, [id.0], |row| optional_text(row, 0))?.flatten())
}

/// The number of the newest synthesis of a run `r` as the legacy side knows it; one that it does not know is newer,
/// and a claim that somebody recorded for the run itself is of no synthesis.
const NEWEST: &str =
    "(SELECT max(ifnull(n.legacy_id, 9223372036854775807)) FROM run_syntheses n WHERE n.run_id = r.id)";

/// The newest synthesis of the runs of a spec and stage: by the time of the run, and of one time the one that came
/// last. The numbers of the runs do not tell which that is, since before and after a copy they are others.
pub(crate) fn latest_synthesis(
    conn: &ReadConn<'_>,
    view: View,
    spec: &str,
    stage: &str,
) -> Result<Option<(RunId, String)>> {
    let stage = canonical::stage(stage);
    let mut latest = None;
    if view.lead != Lead::LegacyAlone {
        let column = match view.lead {
            Lead::Legacy => believed("synthesis_json"),
            _ => "r.synthesis_json".to_owned(),
        };
        let query = format!(
            "SELECT r.id, r.run_timestamp, {column} AS synthesis, {NEWEST} AS newest FROM {}
             WHERE r.spec_id = ?1 AND r.stage = ?2 AND synthesis IS NOT NULL
             ORDER BY r.run_timestamp DESC, newest DESC, r.id DESC LIMIT 1",
            list::from(view.lead)
        );
        latest = conn.query_optional(&query, params![spec, stage], |row| {
            let place = (row.get::<_, Option<i64>>(1)?, row.get::<_, Option<i64>>(3)?);
            Ok((place, RunId(row.get(0)?), text(row, 2)?))
        })?;
    }
    if view.legacy {
        let scope = Scope::Stage { spec: spec.into(), stage: stage.into() };
        for group in legacy::groups(conn, view, &scope)? {
            let Some((newest, text)) = group.synthesis.clone() else { continue };
            let mut place = (group.summary.started_at, Some(newest));
            if let Some(real) = group.real.filter(|_| view.lead != Lead::LegacyAlone) {
                if !legacy::takes_claim(conn, real, &group)? {
                    continue;
                }
                let time = "SELECT run_timestamp FROM consensus_runs WHERE id = ?1";
                place.0 = conn.query_row(time, [real.0], |row| row.get(0))?;
            }
            if latest.as_ref().is_none_or(|(found, ..)| *found <= place) {
                latest = Some((place, group.summary.id, text));
            }
        }
    }
    Ok(latest.map(|(_, id, text)| (id, text)))
}
