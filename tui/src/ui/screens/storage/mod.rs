//! Screen 6: the database file, its writer, its backups, the migration, and the doctor.

mod migration;
mod model;
mod update;
pub(crate) mod view;

#[cfg(test)]
mod tests;

pub(crate) use self::model::{Backup, FileNumbers, Numbers, Storage, WriterNumbers};
pub(crate) use self::update::act;
