//! Everything about one name, in one statement: what an acquirer must know.

use std::sync::LazyLock;

use conclave_db::{DbError, ReadConn};

use super::fences::Numbers;
use super::grants::{self, Stored};
use crate::error::Result;
use crate::model::Fence;
use crate::name::LeaseName;

/// A name as it stands.
#[derive(Debug, Clone)]
pub(crate) struct Look {
    pub(crate) name: LeaseName,
    /// Its numbers, once it was granted.
    pub(crate) numbers: Option<Numbers>,
    /// The number that a name begins with that has none.
    pub(crate) first_fence: Fence,
    /// The latest wall clock that was written down.
    pub(crate) wall_high_ms: i64,
    /// Whether anybody waits for it, dead or alive.
    pub(crate) awaited: bool,
    /// Its grants, the oldest first, expired ones too.
    pub(crate) grants: Vec<Stored>,
}

/// Looks at a name.
pub(crate) fn at(conn: &ReadConn<'_>, name: &LeaseName) -> Result<Look> {
    static SQL: LazyLock<String> = LazyLock::new(|| {
        format!(
            "SELECT c.first_fence, c.wall_high_ms, EXISTS(SELECT 1 FROM lease_waits WHERE name = ?1),
               f.next, f.reserved, f.boot_id, {}
             FROM lease_clock AS c LEFT JOIN lease_fences AS f ON f.name = ?1
               LEFT JOIN lease_holders AS h ON h.name = ?1
             WHERE c.id = 1 ORDER BY h.fence",
            grants::COLUMNS
        )
    });
    let mut look: Option<Look> = None;
    conn.for_each::<crate::LeaseError, _>(&SQL, [name.as_str()], |row| {
        let seen = match &mut look {
            Some(look) => look,
            none => {
                let next: Option<Fence> = row.get(3).map_err(DbError::from)?;
                let numbers = match next {
                    Some(next) => Some(Numbers {
                        next,
                        reserved: row.get(4).map_err(DbError::from)?,
                        boot_id: row.get(5).map_err(DbError::from)?,
                    }),
                    None => None,
                };
                none.insert(Look {
                    name: name.clone(),
                    numbers,
                    first_fence: row.get(0).map_err(DbError::from)?,
                    wall_high_ms: row.get(1).map_err(DbError::from)?,
                    awaited: row.get(2).map_err(DbError::from)?,
                    grants: Vec::new(),
                })
            }
        };
        if row.get::<_, Option<Fence>>(6).map_err(DbError::from)?.is_some() {
            seen.grants.push(grants::stored(row, 6, name.clone()).map_err(DbError::from)?);
        }
        Ok(())
    })?;
    look.ok_or_else(|| DbError::Invalid("lease_clock has no row".to_owned()).into())
}
