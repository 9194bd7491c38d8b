//! Writes the inputs that each target begins with to `fuzz/corpus/TARGET`.

use std::path::Path;

type Samples = fn(&str) -> Vec<Vec<u8>>;

const TARGETS: [(&str, &str, Samples); 16] = [
    ("spool_segment", "segment", conclave_spool::fuzzing::samples),
    ("spool_written", "written", conclave_spool::fuzzing::samples),
    ("spool_event", "event", conclave_spool::fuzzing::samples),
    ("cache_value", "value", conclave_cache::fuzzing::samples),
    ("cache_source", "source", conclave_cache::fuzzing::samples),
    ("tasks_lines", "lines", conclave_tasks::fuzzing::samples),
    ("tasks_merge", "merge", conclave_tasks::fuzzing::samples),
    ("registry_state", "state", conclave_registry::fuzzing::samples),
    ("registry_ports", "ports", conclave_registry::fuzzing::samples),
    ("agent_answer", "answer", conclave_consensus::fuzzing::samples),
    ("agent_output", "output", conclave_consensus::fuzzing::samples),
    ("llm_sse", "sse", conclave_llm::fuzzing::samples),
    ("llm_ndjson", "ndjson", conclave_llm::fuzzing::samples),
    ("llm_error", "error", conclave_llm::fuzzing::samples),
    ("configuration", "configuration", conclave::fuzzing::samples),
    ("filter", "filter", conclave::fuzzing::samples),
];

fn main() -> std::io::Result<()> {
    for (target, name, samples) in TARGETS {
        let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("corpus").join(target);
        std::fs::create_dir_all(&folder)?;
        for (place, bytes) in samples(name).into_iter().enumerate() {
            std::fs::write(folder.join(format!("sample-{place}")), bytes)?;
        }
    }
    Ok(())
}
