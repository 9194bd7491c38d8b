//! Screen 6: the database file, its writer, its backups, the migration, spool and cache, and the doctor.

mod migration;
mod model;
mod stores;
mod update;
pub(crate) mod view;

#[cfg(test)]
mod tests;

pub(crate) use self::model::{Backup, FileNumbers, Numbers, SpoolNumbers, Storage, Stores, WriterNumbers};
pub(crate) use self::update::{act, ask_trim, refresh, refresh_stores};
