//! `conclave lease status`: one compact JSON object with sorted keys, with and without `--json`.
//!
//! Of a name that several share the keys of the object itself are those of the grant that ends last: then it is free.

use conclave_leases::{Lease, Status};
use serde_json::{Map, Value, json};

use super::args::One;
use super::refusal::Refusal;
use super::{shape, target, values};
use crate::cli::context::Context;
use crate::failure::{Exit, Failure};

pub(super) fn run(context: &Context, line: &One) -> Result<Exit, Refusal> {
    let name = values::name(&line.name)?;
    let found = match target::open_read_only(context, line.place)? {
        None => None,
        Some((leases, _)) => leases.status(&name)?,
    };
    let text = serde_json::to_string(&object(found.as_ref()))
        .map_err(|error| Failure::internal(format!("write JSON: {error}")))?;
    context.output.print(format_args!("{text}\n"))?;
    Ok(Exit::Done)
}

fn object(found: Option<&Status>) -> Value {
    let Some(Status { leases, waiters, .. }) = found else { return json!({ "exists": false }) };
    let last = leases.iter().max_by_key(|lease| (!lease.expired, lease.expires_utc_ms, lease.fence));
    let mut object = last.map_or_else(Map::new, shape::grant);
    object.insert("exists".to_owned(), last.is_some().into());
    object.insert("waiters".to_owned(), shape::waiters(waiters));
    if last.is_some() {
        object.insert("holders".to_owned(), leases.iter().map(holder).collect());
    }
    Value::Object(object)
}

fn holder(lease: &Lease) -> Value {
    Value::Object(shape::grant(lease))
}
