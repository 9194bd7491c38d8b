//! Where a token comes from, and the file that keeps one: it opens the lease to whoever reads it, so nobody else may.

use std::ffi::OsStr;
use std::fs::{File, OpenOptions};
use std::io::{self, Read};
use std::os::unix::fs::{MetadataExt as _, OpenOptionsExt as _};
use std::path::{Path, PathBuf};

use conclave_leases::Token;
use rustix::fs::{Access, OFlags, access};

use super::args::TokenSource;
use super::refusal::Refusal;
use crate::cli::context::Context;
use crate::failure::Failure;
use crate::project::create_whole;

/// More than any token has; what is longer is none.
const LONGEST: u64 = 4096;
/// Where a token may stand in the environment.
pub(super) const VARIABLE: &str = "CONCLAVE_OWNER_TOKEN";

/// The token that the command line names, else that of the environment.
pub(super) fn given(context: &Context, source: &TokenSource) -> Result<Token, Refusal> {
    if let Some(file) = &source.owner_token_file {
        return parse(&of_file(&context.environment.folder.join(file))?);
    }
    match &source.owner_token {
        Some(word) if word == "-" => {
            let failed = |error| Failure::io("read standard input", &error).into();
            parse(&all_of(io::stdin().lock()).map_err(|error: io::Error| -> Refusal { failed(error) })?)
        }
        Some(word) => parse(word.as_encoded_bytes()),
        None => match context.environment.get(VARIABLE) {
            Some(value) => parse(value.as_encoded_bytes()),
            None => Err(refused(
                "invalid_token",
                "no token is given".to_owned(),
                &format!(
                    "give --owner-token-file FILE, {VARIABLE}, or --owner-token - and the token on standard input"
                ),
            )),
        },
    }
}

/// A token with the line feed that a file or a pipe may end it with. What it is stands in no message.
fn parse(bytes: &[u8]) -> Result<Token, Refusal> {
    let text = std::str::from_utf8(bytes)
        .map_err(|_| Refusal::usage("invalid_token", "the token is no UTF-8 text"))?;
    Ok(Token::parse(text.trim_end_matches(['\n', '\r']))?)
}

fn all_of(from: impl Read) -> io::Result<Vec<u8>> {
    let mut bytes = Vec::new();
    from.take(LONGEST).read_to_end(&mut bytes)?;
    Ok(bytes)
}

fn of_file(path: &Path) -> Result<Vec<u8>, Refusal> {
    let failed = |error: io::Error| Failure::io(format!("read {}", path.display()), &error);
    // A pipe is not waited for, and what a symlink points to was chosen by whoever made it.
    let flags = OFlags::NOFOLLOW | OFlags::NONBLOCK;
    let flags = i32::try_from(flags.bits()).unwrap_or_default();
    let opened = OpenOptions::new().read(true).custom_flags(flags).open(path);
    let file = opened.map_err(|error| match error.raw_os_error() {
        Some(code) if code == rustix::io::Errno::LOOP.raw_os_error() => unsafe_file(path, "is a symlink"),
        _ => failed(error).into(),
    })?;
    check(path, &file)?;
    Ok(all_of(file).map_err(failed)?)
}

/// Whoever else could read or replace it could release the lease.
fn check(path: &Path, file: &File) -> Result<(), Refusal> {
    let found = file.metadata().map_err(|error| Failure::io(format!("read {}", path.display()), &error))?;
    if !found.is_file() {
        return Err(unsafe_file(path, "is no regular file"));
    }
    if found.uid() != rustix::process::geteuid().as_raw() {
        return Err(unsafe_file(path, "belongs to another user"));
    }
    if found.mode() & 0o077 != 0 {
        let why = format!("can be read or written by others (mode {:04o})", found.mode() & 0o7777);
        let hint = format!("chmod 600 {}", path.display());
        return Err(refused("invalid_token_file", format!("{} {why}", path.display()), &hint));
    }
    Ok(())
}

fn unsafe_file(path: &Path, why: &str) -> Refusal {
    let hint = "`conclave lease acquire --owner-token-file FILE` makes such a file as it must be";
    refused("invalid_token_file", format!("{} {why}", path.display()), hint)
}

fn refused(reason: &'static str, message: String, hint: &str) -> Refusal {
    let mut refusal = Refusal::usage(reason, message);
    refusal.failure = refusal.failure.hint(hint.to_owned());
    refusal
}

/// A file that is to get a token.
#[derive(Debug)]
pub(super) struct NewFile(PathBuf);

impl NewFile {
    /// Looks whether it can be made, before anything is acquired: a token that lands nowhere would hold the name in vain.
    pub(super) fn plan(context: &Context, file: &Path) -> Result<Self, Refusal> {
        let path = context.environment.folder.join(file);
        if path.symlink_metadata().is_ok() {
            return Err(exists(&path));
        }
        let folder = path.parent().filter(|folder| *folder != OsStr::new("")).unwrap_or(Path::new("."));
        access(folder, Access::WRITE_OK | Access::EXEC_OK)
            .map_err(|errno| Failure::io(format!("write {}", path.display()), &errno.into()))?;
        Ok(Self(path))
    }

    /// Writes it, 0600. It gets its name when it is whole and durable, and never that of a file that came meanwhile.
    pub(super) fn write(&self, token: &Token) -> Result<(), Refusal> {
        create_whole(&self.0, &format!("{}\n", token.reveal())).map_err(|error| {
            if error.kind() == io::ErrorKind::AlreadyExists {
                return exists(&self.0);
            }
            Failure::io(format!("write {}", self.0.display()), &error).into()
        })
    }

    /// Removes what was written: the token opens nothing any more.
    pub(super) fn remove(&self) {
        if let Err(error) = std::fs::remove_file(&self.0) {
            tracing::warn!(%error, "a file with a token that opens nothing stays");
        }
    }
}

fn exists(path: &Path) -> Refusal {
    let hint = "name a new file; one that is there may keep the token of another lease";
    refused("invalid_token_file", format!("{} is there already", path.display()), hint)
}
