//! Rows of `events`.

use conclave_db::WriteTx;
use conclave_db::sql::params;

use crate::error::Result;
use crate::import::Batch;

/// Puts the events of a batch in; those whose id is there stay as they are. Gives how many were new.
pub(crate) fn insert(tx: &WriteTx<'_>, batch: &Batch) -> Result<u64> {
    let mut new: u64 = 0;
    for event in batch.events() {
        // Only a known id is no error: `OR IGNORE` would swallow every other refusal too.
        let added = tx.execute(
            "INSERT INTO events(id, ts_utc, monitor, action, subject_type, session_id, subject_id, batch_id, pid,
               exe_name, exe_path_hash, window_title_hash, url_hash, file_path_hash, attrs_json)
             VALUES(?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13, ?14, ?15)
             ON CONFLICT(id) DO NOTHING",
            params![
                event.id,
                event.ts_utc,
                event.monitor,
                event.action,
                event.subject_type,
                event.session_id,
                event.subject_id,
                event.batch_id,
                event.pid,
                event.exe_name,
                event.exe_path_hash,
                event.window_title_hash,
                event.url_hash,
                event.file_path_hash,
                event.attrs_json,
            ],
        )?;
        new += u64::try_from(added).unwrap_or(0);
    }
    Ok(new)
}
