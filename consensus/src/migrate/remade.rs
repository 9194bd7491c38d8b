//! Making legacy tables anew that somebody has dropped before phase 5, with the rows that the new tables mirror.

use conclave_db::{BulkWriter, Db};

use super::mending::{Done, Mender};
use super::{FindingKind, verify};
use crate::error::{ConsensusError, Result};
use crate::store::capture;
use crate::store::control::{pause, soak};
use crate::store::remade;
use crate::store::verify::{Key, Pair};

/// Rows that get their legacy row in one transaction.
const AT_ONCE: usize = 64;
/// How often it is looked for rows without: what is remembered of one look has a bound.
const MOST_ROUNDS: u32 = 200;

/// Makes the missing legacy tables with their triggers and fills them; gives whether there was anything to do.
/// Killed, the next call goes on. Durable when this returns.
pub(super) fn make(db: &Db, actor: &str) -> Result<bool> {
    let (missing, unfilled) =
        db.read(|conn| Ok::<_, ConsensusError>((remade::missing(conn)?, remade::unfilled(conn)?)))?;
    if missing.is_empty() && unfilled.is_empty() {
        return Ok(false);
    }
    BulkWriter::open(db, None)?.write(capture::install)?;
    for table in db.read(remade::unfilled)? {
        fill(db, actor, table)?;
    }
    Ok(true)
}

fn fill(db: &Db, actor: &str, table: &'static str) -> Result<()> {
    let (mender, mut bulk) = Mender::open(db)?;
    let mut rows = 0;
    for _ in 0..MOST_ROUNDS {
        let pairs: Vec<Pair> = db.read(Pair::all)?.into_iter().filter(|pair| pair.table == table).collect();
        let [pair] = pairs.as_slice() else { break };
        let (found, _) = verify::look(db, &pairs, &mut |_| {})?;
        let keys: Vec<&Key> = found
            .rows
            .iter()
            .filter(|(_, finding)| finding.kind == FindingKind::MissingInLegacy)
            .map(|((_, key), _)| key)
            .collect();
        let mut filled = 0;
        for keys in keys.chunks(AT_ONCE) {
            let (done, _) = bulk.write(|tx| {
                pause::refuse_while_paused(tx)?;
                let mut done = 0;
                for key in keys {
                    done += u64::from(mender.mend(tx, pair, key, actor)? == Done::Mended);
                }
                Ok::<_, ConsensusError>(done)
            })?;
            filled += done;
        }
        rows += filled;
        if filled == 0 {
            break;
        }
    }
    bulk.write(|tx| {
        soak::restart(tx)?;
        remade::keep_filled(tx, table, rows, actor)
    })?;
    Ok(())
}
