//! Looking a cache file over.

use std::path::Path;

use conclave_db::doctor::{self, Check, CheckState, Depth};
use conclave_db::{Db, ErrorKind};

use crate::disk::{OpenOptions, db_options};
use crate::error::Result;
use crate::limits::CacheLimits;
use crate::store::counters::{self, Sums};
use crate::store::entries;

/// The checks of any database that say something of this one; others are about a state that must not be lost.
const OF_ANY_FILE: [&str; 3] = ["schema", INTEGRITY, "permissions"];

const INTEGRITY: &str = "integrity";

const FIX: &str = "run `conclave cache check --fix`";

/// Checks the file: `integrity_check`, checksums of all values, counters against their sums, limits. Writes nothing. A file
/// that is not there has no checks.
///
/// # Errors
/// None of a damaged file: that is a failed check. What keeps it from being looked at, such as missing rights or a newer
/// version.
#[expect(clippy::needless_pass_by_value, reason = "as wherever else a cache is opened")]
pub fn checks(file: &Path, options: OpenOptions) -> Result<Vec<Check>> {
    let db_options = db_options(file, &options)?;
    let opened = match Db::is_unfinished(&db_options) {
        Ok(true) => return Ok(Vec::new()),
        Ok(false) => Db::open_read_only(db_options),
        Err(error) => Err(error),
    };
    let db = match opened {
        Ok(db) => db,
        Err(error) => {
            return match error.kind() {
                ErrorKind::Missing => Ok(Vec::new()),
                ErrorKind::Corrupt | ErrorKind::NotADatabase | ErrorKind::Foreign => {
                    let advice = "the next use of the cache puts the file aside and makes a new one";
                    Ok(vec![Check::fail(INTEGRITY, error.to_string(), advice)])
                }
                _ => Err(error.into()),
            };
        }
    };
    let mut checks = doctor::checks_to(&db, Depth::Full);
    checks.retain(|check| OF_ANY_FILE.contains(&check.name));
    for check in checks.iter_mut().filter(|check| check.name == INTEGRITY && check.state == CheckState::Fail)
    {
        // Of this file there is no backup, and none is needed.
        check.advice = Some(FIX.into());
    }
    checks.push(check_values(&db));
    checks.extend(check_sums(&db, options.limits));
    Ok(checks)
}

fn check_values(db: &Db) -> Check {
    const NAME: &str = "values";
    match db.read(entries::damaged) {
        Ok(0) => Check::ok(NAME, "every value is what was put"),
        Ok(damaged) => {
            let detail = format!("{damaged} cannot be used; each is replaced when it is asked for");
            Check::warn(NAME, detail, "run `conclave cache clear` to be rid of them at once")
        }
        Err(error) => Check::fail(NAME, error.to_string(), FIX),
    }
}

fn check_sums(db: &Db, limits: CacheLimits) -> Vec<Check> {
    const COUNTERS: &str = "counters";
    const LIMITS: &str = "limits";
    let read =
        db.read(|conn| Ok::<_, crate::CacheError>((counters::sums(conn)?, counters::true_sums(conn)?)));
    let (counted, is) = match read {
        Ok(sums) => sums,
        Err(error) => return vec![Check::fail(COUNTERS, error.to_string(), FIX)],
    };
    let words = |sums: Sums| format!("{} entries of {} bytes", sums.entries, sums.bytes);
    let counters = if counted == is {
        Check::ok(COUNTERS, words(is))
    } else {
        Check::fail(COUNTERS, format!("{} are counted, {} are there", words(counted), words(is)), FIX)
    };
    let limits = if is.has_room_for(0, 0, limits) {
        Check::ok(LIMITS, format!("within {} entries and {} bytes", limits.max_entries(), limits.max_bytes()))
    } else {
        let most = format!("{} entries of {} bytes", limits.max_entries(), limits.max_bytes());
        Check::warn(LIMITS, format!("{}, {most} at most", words(is)), FIX)
    };
    vec![counters, limits]
}

#[cfg(test)]
mod tests;
