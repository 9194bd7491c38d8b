//! What a `ports.json` says: blocks of the machine, in both shapes of the original.

use std::collections::BTreeMap;
use std::path::Path;

use super::json::{Document, Fields, Member, Place};
use crate::error::Result;
use crate::ports::{is_base, key};
use crate::words::quoted;

/// The versions that are understood. The original wrote 1, and took 0 for a file without a version.
const VERSIONS: [i64; 2] = [0, 1];

/// One block.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct BlockRow {
    /// Where its record stands.
    pub(crate) place: Place,
    /// The project as the file spells it.
    given: String,
    pub(crate) project: String,
    pub(crate) base: u16,
    pub(crate) pid: Option<i64>,
    pub(crate) registered_ms: i64,
    pub(crate) used_ms: i64,
}

/// What the file says.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct PortsFile {
    pub(super) rows: Vec<BlockRow>,
    pub(super) warnings: Vec<String>,
}

/// Reads it as a whole: one wrong record and nothing of it is used.
pub(super) fn read(path: &Path, bytes: &[u8]) -> Result<PortsFile> {
    let value = Document::new(path, bytes)?.value()?;
    let mut top = Fields::of(value, "the file")?;
    let mut file = PortsFile::default();
    let (version, entries) = (top.optional("version"), top.optional("entries"));
    let members = if version.is_none() && entries.is_none() {
        // Before there were versions the file was what `entries` is now.
        value.members("the file")?
    } else {
        let version = top.required("version")?;
        let found = top.as_whole("version", version)?;
        if !VERSIONS.contains(&found) {
            return Err(top.refuse(
                version,
                "version",
                format_args!("{found} is none that is known here: 0 and 1 are"),
            ));
        }
        let entries = top.required("entries")?;
        file.warnings.extend(top.unknown());
        entries.members("entries")?
    };
    for member in members {
        file.take(path, &member)?;
    }
    file.refuse_twice(path)?;
    Ok(file)
}

impl PortsFile {
    fn take(&mut self, path: &Path, member: &Member<'_>) -> Result<()> {
        let record = format!("{:?}", member.key);
        let mut fields = Fields::of(member.value, record.clone())?;
        let project = self.project(path, member, &record)?;
        let base = fields.required("basePort")?;
        let found = fields.as_whole("basePort", base)?;
        let Some(base) = u16::try_from(found).ok().filter(|base| is_base(*base)) else {
            let what = format_args!("wanted a multiple of 100 from 4200 to 65400, found {found}");
            return Err(fields.refuse(base, "basePort", what));
        };
        let registered_ms = fields.time("registered")?;
        let used_ms = match fields.optional("lastUsed") {
            Some(_) => fields.time("lastUsed")?,
            None => registered_ms,
        };
        let pid = fields.optional_whole("pid")?;
        self.warnings.extend(fields.unknown());
        let place = member.key_place(&record);
        self.rows.push(BlockRow {
            place,
            given: member.key.clone(),
            project,
            base,
            pid,
            registered_ms,
            used_ms,
        });
        Ok(())
    }

    /// The name that the project has here: its path, resolved. The original resolved no links, so two of its paths may be
    /// one project; the second then keeps its block under the path that stands there.
    fn project(&mut self, path: &Path, member: &Member<'_>, record: &str) -> Result<String> {
        let place = member.key_place(record);
        let given = member.key.as_str();
        if !key::is_opaque(given) && !Path::new(given).is_absolute() {
            return Err(place.refuse(path, "wanted an absolute path, or a name that begins with \"remote:\""));
        }
        let name = key::of(Path::new(given)).map_err(|error| place.refuse(path, error))?;
        let Some(first) = self.rows.iter_mut().find(|row| row.project == name) else { return Ok(name) };
        // Whichever is spelled as the project is called keeps the name.
        let is = format!("leads to {name}, which has a block under its own name");
        let (own, other) = if name == given {
            first.project.clone_from(&first.given);
            (name, first.given.clone())
        } else {
            (given.to_owned(), given.to_owned())
        };
        let release = quoted(Path::new(&other));
        self.warnings.push(format!("{other}: {is}; `conclave ports release {release}` frees the second one"));
        Ok(own)
    }

    fn refuse_twice(&self, path: &Path) -> Result<()> {
        let (mut bases, mut projects) = (BTreeMap::new(), BTreeMap::new());
        for row in &self.rows {
            let record = &row.place.record;
            if let Some(first) = bases.insert(row.base, record) {
                let what = format!("field \"basePort\": {} is the block of {first} too", row.base);
                return Err(row.place.refuse(path, what));
            }
            if let Some(first) = projects.insert(&row.project, record) {
                return Err(row.place.refuse(path, format!("is the project of {first} too")));
            }
        }
        Ok(())
    }
}
