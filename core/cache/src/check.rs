//! Looking a cache file over.

use std::path::Path;

use conclave_db::doctor::{self, Check, Depth};
use conclave_db::{Db, ErrorKind};

use crate::disk::{DiskCache, OpenOptions, db_options};
use crate::error::Result;
use crate::limits::CacheLimits;
use crate::store::counters::{self, Sums};
use crate::store::entries;

/// The checks of any database that say something of this one; others are about a state that must not be lost.
const OF_ANY_FILE: [&str; 2] = ["schema", "permissions"];

const FIX: &str = "run `conclave cache check --fix`";
const BEGIN_ANEW: &str =
    "run `conclave cache check --fix`, which puts the file aside and begins an empty one";

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
                ErrorKind::Corrupt
                | ErrorKind::NotADatabase
                | ErrorKind::Foreign
                | ErrorKind::NeedsMigration
                | ErrorKind::Statement => Ok(vec![Check::fail("integrity", error.to_string(), BEGIN_ANEW)]),
                _ => Err(error.into()),
            };
        }
    };
    let mut checks = doctor::cheap_checks(&db);
    checks.retain(|check| OF_ANY_FILE.contains(&check.name));
    checks.push(check_integrity(&db));
    checks.push(check_values(&db));
    checks.extend(check_sums(&db, options.limits));
    checks.extend(check_put_aside(file)?);
    Ok(checks)
}

/// Other than with the state, nothing is lost with the file: there is no need for a backup.
fn check_integrity(db: &Db) -> Check {
    const NAME: &str = "integrity";
    match doctor::problems(db, Depth::Full) {
        Ok(problems) => match problems.first() {
            None => Check::ok(NAME, "sound"),
            Some(first) => {
                let detail = format!("problems: {}, the first: {first}", problems.len());
                Check::fail(NAME, detail, BEGIN_ANEW)
            }
        },
        Err(error) => Check::fail(NAME, error.to_string(), error.hint().unwrap_or(FIX)),
    }
}

/// Says that there are damaged files, where there are some.
fn check_put_aside(file: &Path) -> Result<Option<Check>> {
    let files = DiskCache::damaged_files(file)?;
    let names = files.iter().filter_map(|path| path.file_name()).map(|name| name.to_string_lossy());
    let names = names.collect::<Vec<_>>().join(", ");
    let advice = "`conclave cache clear` removes what was put aside, with all entries; or delete it";
    Ok((!files.is_empty())
        .then(|| Check::warn("put-aside", format!("{names}: damaged, or no cache"), advice)))
}

fn check_values(db: &Db) -> Check {
    const NAME: &str = "values";
    match db.read(entries::damaged) {
        Ok(damaged) if damaged.is_empty() => Check::ok(NAME, "every value is what was put"),
        Ok(damaged) => {
            let detail = format!("{} cannot be used; each is replaced when it is asked for", damaged.len());
            Check::warn(NAME, detail, "run `conclave cache check --fix` to be rid of them at once")
        }
        Err(error) => Check::fail(NAME, error.to_string(), BEGIN_ANEW),
    }
}

fn check_sums(db: &Db, limits: CacheLimits) -> Vec<Check> {
    const COUNTERS: &str = "counters";
    const LIMITS: &str = "limits";
    let read = db.read(|conn| {
        let sums = (counters::sums(conn)?, counters::true_sums(conn)?);
        Ok::<_, crate::CacheError>((sums, counters::is_in_order(conn)?))
    });
    let ((counted, is), is_in_order) = match read {
        Ok(read) => read,
        Err(error) => return vec![Check::fail(COUNTERS, error.to_string(), BEGIN_ANEW)],
    };
    let words = |sums: Sums| format!("{} entries of {} bytes", sums.entries, sums.bytes);
    let counters = match counted {
        None => Check::fail(COUNTERS, "their row is missing", FIX),
        Some(counted) if counted != is => {
            Check::fail(COUNTERS, format!("{} are counted, {} are there", words(counted), words(is)), FIX)
        }
        Some(_) if !is_in_order => Check::fail(COUNTERS, "numbers that cannot be", FIX),
        Some(_) => Check::ok(COUNTERS, words(is)),
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
