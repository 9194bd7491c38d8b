//! A disk so small that it can be filled for real.

use std::path::Path;
use std::process::Command;

use tempfile::TempDir;

use crate::skipped;

/// A file system of a few mebibytes in memory, mounted in a temporary folder; both go with it.
#[derive(Debug)]
pub struct SmallDisk {
    folder: TempDir,
}

impl SmallDisk {
    /// One of this size. `None`, with a line that says so, where this process may not mount.
    pub fn of(mebibytes: u32) -> Option<Self> {
        let folder = tempfile::tempdir().expect("a temporary folder");
        let mounted = Command::new("mount")
            .args(["-t", "tmpfs", "-o", &format!("size={mebibytes}m,mode=700"), "none"])
            .arg(folder.path())
            .output();
        if mounted.is_ok_and(|mounted| mounted.status.success()) {
            return Some(Self { folder });
        }
        skipped("a small disk needs the right to mount");
        None
    }

    /// Where it is mounted.
    pub fn path(&self) -> &Path {
        self.folder.path()
    }

    /// Bytes that are free on it.
    pub fn free(&self) -> u64 {
        let found = rustix::fs::statvfs(self.path()).expect("the disk's state");
        found.f_bavail * found.f_frsize
    }

    /// Fills it with one file of this name until only about `left` bytes are free.
    pub fn fill(&self, name: &str, left: u64) {
        let bytes = usize::try_from(self.free().saturating_sub(left)).expect("a small disk");
        std::fs::write(self.path().join(name), vec![1; bytes]).expect("a file that fits");
    }

    /// Lets nobody write on it any more, root neither.
    pub fn forbid_writing(&self) {
        let mounted = Command::new("mount").args(["-o", "remount,ro"]).arg(self.path()).status();
        assert!(mounted.is_ok_and(|mounted| mounted.success()), "the disk cannot be mounted again");
    }

    /// Removes a file that filled it.
    pub fn clear(&self, name: &str) {
        std::fs::remove_file(self.path().join(name)).expect("the file");
    }
}

impl Drop for SmallDisk {
    fn drop(&mut self) {
        let _ = Command::new("umount").arg(self.path()).status();
    }
}

/// A folder that this process cannot write, not even as the superuser.
#[derive(Debug)]
pub struct UnwritableFolder {
    folder: TempDir,
    /// What the superuser needs: to that one, rights mean nothing.
    disk: Option<SmallDisk>,
}

impl UnwritableFolder {
    /// One that holds what `fill` puts there. `None`, with a line that says so, where there is no way to make one.
    pub fn filled(fill: impl Fn(&Path)) -> Option<Self> {
        let folder = tempfile::tempdir().expect("a temporary folder");
        fill(folder.path());
        set_mode(folder.path(), 0o555);
        if std::fs::write(folder.path().join("probe"), "").is_err() {
            return Some(Self { folder, disk: None });
        }
        let disk = SmallDisk::of(16)?;
        fill(disk.path());
        let protected = Command::new("mount").args(["-o", "remount,ro", "none"]).arg(disk.path()).status();
        if protected.is_ok_and(|status| status.success()) {
            return Some(Self { folder, disk: Some(disk) });
        }
        skipped("an unwritable folder needs the right to remount");
        None
    }

    /// Where it is.
    pub fn path(&self) -> &Path {
        self.disk.as_ref().map_or(self.folder.path(), SmallDisk::path)
    }
}

impl Drop for UnwritableFolder {
    fn drop(&mut self) {
        set_mode(self.folder.path(), 0o700);
    }
}

fn set_mode(folder: &Path, mode: u32) {
    use std::os::unix::fs::PermissionsExt;
    std::fs::set_permissions(folder, std::fs::Permissions::from_mode(mode)).expect("our folder");
}
