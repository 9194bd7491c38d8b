//! Values of the command line, checked where the answer can be the line that scripts read.

use std::ffi::{OsStr, OsString};
use std::time::Duration;

use conclave_db::process::{self, Liveness, ProcessIdentity};
use conclave_leases::{Fence, HolderId, LeaseName, Mode, Request, Ttl};

use super::args::Wish;
use super::refusal::Refusal;
use crate::durations;
use crate::failure::Doing as _;

/// The text of an argument; bytes that are none are refused with this reason.
fn text<'given>(given: &'given OsStr, reason: &'static str, what: &str) -> Result<&'given str, Refusal> {
    given.to_str().ok_or_else(|| Refusal::usage(reason, format!("{what} is no UTF-8 text")))
}

pub(super) fn name(given: &OsStr) -> Result<LeaseName, Refusal> {
    Ok(LeaseName::parse(text(given, "invalid_name", "the name")?)?)
}

pub(super) fn names(given: &[OsString]) -> Result<Vec<LeaseName>, Refusal> {
    given.iter().map(|given| name(given)).collect()
}

pub(super) fn ttl(given: Option<&OsString>) -> Result<Ttl, Refusal> {
    let Some(given) = given else { return Ok(Ttl::USUAL) };
    Ok(Ttl::parse(text(given, "invalid_ttl", "the time to live")?)?)
}

/// The number of a grant.
pub(super) fn fence(given: &OsStr) -> Result<Fence, Refusal> {
    let digits = given.to_str().filter(|text| text.bytes().all(|byte| byte.is_ascii_digit()));
    digits.and_then(|digits| digits.parse().ok()).ok_or_else(|| {
        Refusal::usage("invalid_fence", "the fence must be the number that the grant came with")
    })
}

/// What is asked for.
pub(super) fn request(wish: &Wish) -> Result<Request, Refusal> {
    let holder = match &wish.holder {
        None => None,
        Some(given) => Some(HolderId::parse(text(given, "invalid_holder", "the label")?)?),
    };
    Ok(Request {
        names: names(&wish.names)?,
        mode: if wish.shared { Mode::Shared } else { Mode::Exclusive },
        ttl: ttl(wish.ttl_sec.as_ref())?,
        holder,
        bound_to: None,
        ends_with_boot: false,
        wait: wish.wait.as_deref().map(wait).transpose()?,
    })
}

fn wait(given: &OsStr) -> Result<Duration, Refusal> {
    durations::parse(text(given, "invalid_wait", "the time to wait")?)
        .map_err(|wrong| Refusal::usage("invalid_wait", format!("--wait {wrong}")))
}

/// A process that lives and can be told from a later one with its number.
pub(super) fn bound(given: &OsStr) -> Result<ProcessIdentity, Refusal> {
    let refuse = |why: &str| Refusal::usage("invalid_pid", format!("--bind-pid {}: {why}", given.display()));
    let digits = given.to_str().filter(|text| text.bytes().all(|byte| byte.is_ascii_digit()));
    let pid = digits.and_then(|digits| digits.parse::<u32>().ok()).filter(|pid| *pid > 0);
    let pid = pid.ok_or_else(|| refuse("must be the number of a process"))?;
    let found = process::of(pid).doing(format!("look at process {pid}"))?;
    let found = found.ok_or_else(|| refuse("no such process"))?;
    match process::liveness(&found) {
        Liveness::Alive => Ok(found),
        Liveness::Dead => Err(refuse("the process has ended")),
        Liveness::Unknown => Err(refuse("the process is hidden from here, so its end could not be seen")),
    }
}
