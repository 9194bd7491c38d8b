//! `[stages.NAME]`: what is asked in a stage.

use std::collections::BTreeMap;

use conclave_consensus::canonical;

use super::reader::{Reader, Value};
use crate::failure::Failure;

/// The keys of one stage.
pub(super) const KEYS: [&str; 1] = ["prompt"];

/// The prompts by stage, in canonical form.
pub(super) fn read(reader: &Reader<'_>, value: &Value<'_>) -> Result<BTreeMap<String, String>, Failure> {
    let mut prompts = BTreeMap::new();
    for (name, value) in reader.table("stages", value)? {
        let written = name.get_ref().as_ref();
        let stage = canonical::stage(written);
        if stage.trim().is_empty() {
            return Err(reader.refuse(&name.span(), "stages: a stage has a name, such as [stages.plan]"));
        }
        for (key, value) in reader.table(&format!("stages.{written}"), value)? {
            let "prompt" = key.get_ref().as_ref() else {
                return Err(reader.unknown(key.span(), &format!("stages.{written}."), key.get_ref(), &KEYS));
            };
            let prompt = reader.filled(&format!("stages.{written}.prompt"), value)?;
            if prompts.insert(stage.to_owned(), prompt).is_some() {
                let what =
                    format!("stages.{written}: the stage {stage:?} stands here twice, in two spellings");
                return Err(reader.refuse(&name.span(), &what));
            }
        }
    }
    Ok(prompts)
}
