//! Random statements of an older program, as text, so that any SQLite can run them.

use conclave_testkit::Random;

const SPECS: &[&str] = &["'S'", "'T'", "x'53'", "'S-ä'", "7"];
const STAGES: &[&str] = &["'spec-plan'", "'plan'", "'review'", "'spec-tasks'", "'Plan'", "x'00ff'", "''"];
const AGENTS: &[&str] = &["'a'", "'b'", "''", "'gpt-4o-mini'", "x'c3'", "'a' || char(0) || 'b'"];
const RUN_IDS: &[&str] = &["NULL", "''", "'r1'", "'r2'", "'@r'", "'@id:r'", "x'ff00'", "5", "'r1/plan'"];
const TIMES: &[&str] = &[
    "NULL",
    "''",
    "'garbage'",
    "'now'",
    "'12:00'",
    "'2025-02-30 00:00:00'",
    "'2025-11-11 02:33:20'",
    "'2025-11-11T02:33:20.123Z'",
    "'2025-11-11 02:33:20+05:00'",
    "'2025-11-11'",
    "1762828295",
    "1762828295123",
    "1762828295.5",
    "-1",
    "1e300",
    "x'3230'",
];
const CONTENTS: &[&str] = &[
    "'{}'",
    "''",
    "'{\"model\":\"m\"}'",
    "'{\"model\":{\"a\":1}}'",
    "'{ \"id\": string }'",
    "x'00ff80'",
    "'a' || char(0) || 'b'",
    "replace(hex(zeroblob(600)), '0', '[') || replace(hex(zeroblob(600)), '0', ']')",
    "'line' || char(13, 10) || 'line'",
    "'\"\\ud800\"'",
    "12.5",
];
const STATUSES: &[&str] = &["'ok'", "'conflict'", "'degraded'", "'insufficient'", "'OK'", "''", "x'6f6b'"];
const ANYTHING: &[&str] = &["NULL", "0", "1", "2", "'many'", "1.5", "x'01'", "'1'"];
const EXECUTIONS: &[&str] = &["'e1'", "'e2'", "'e3'", "'E1'", "''", "NULL", "x'6531'", "4"];
const POLICIES: &[&str] = &["", "", "", "OR REPLACE ", "OR IGNORE ", "OR ABORT ", "OR FAIL ", "OR ROLLBACK "];

/// The columns of a table, each with the values that it gets.
type Columns = &'static [(&'static str, &'static [&'static str])];

const ARTIFACTS: Columns = &[
    ("spec_id", SPECS),
    ("stage", STAGES),
    ("agent_name", AGENTS),
    ("content_json", CONTENTS),
    ("response_text", CONTENTS),
    ("run_id", RUN_IDS),
    ("created_at", TIMES),
];
const SYNTHESES: Columns = &[
    ("spec_id", SPECS),
    ("stage", STAGES),
    ("output_markdown", CONTENTS),
    ("output_path", AGENTS),
    ("status", STATUSES),
    ("artifacts_count", ANYTHING),
    ("agreements", CONTENTS),
    ("conflicts", CONTENTS),
    ("degraded", ANYTHING),
    ("run_id", RUN_IDS),
    ("created_at", TIMES),
];
const RUNS: Columns = &[
    ("agent_id", EXECUTIONS),
    ("spec_id", SPECS),
    ("stage", STAGES),
    ("phase_type", AGENTS),
    ("agent_name", AGENTS),
    ("run_id", RUN_IDS),
    ("spawned_at", TIMES),
    ("completed_at", TIMES),
    ("response_text", CONTENTS),
    ("extraction_error", AGENTS),
];

struct Table {
    name: &'static str,
    key: &'static str,
    columns: Columns,
}

const TABLES: [Table; 3] = [
    Table { name: "consensus_artifacts", key: "id", columns: ARTIFACTS },
    Table { name: "consensus_synthesis", key: "id", columns: SYNTHESES },
    Table { name: "agent_executions", key: "agent_id", columns: RUNS },
];

/// Ids are few, so that they meet.
const IDS: u64 = 9;

/// The next statement. `in_transaction` is whether one is open.
pub(crate) fn next(random: &mut Random, in_transaction: bool) -> String {
    if in_transaction && random.below(6) == 0 {
        return ["COMMIT", "ROLLBACK"][usize::from(random.below(3) == 0)].into();
    }
    if !in_transaction && random.below(12) == 0 {
        return "BEGIN IMMEDIATE".into();
    }
    if !in_transaction && random.below(25) == 0 {
        let pragma = pick(random, &["recursive_triggers", "foreign_keys"]);
        return format!("PRAGMA {pragma} = {}", random.below(2));
    }
    let table = &TABLES[usize::try_from(random.below(3)).unwrap_or(0)];
    match random.below(10) {
        0..4 => insert(random, table),
        4..7 => update(random, table),
        7 => delete(random, table),
        8 => upsert(random, table),
        _ => insert_select(random, table),
    }
}

fn pick(random: &mut Random, values: &[&'static str]) -> &'static str {
    values[usize::try_from(random.below(values.len() as u64)).unwrap_or(0)]
}

fn row(random: &mut Random, table: &Table) -> String {
    let mut values: Vec<String> = Vec::new();
    if table.key == "id" {
        values.push(if random.below(3) == 0 { "NULL".into() } else { (1 + random.below(IDS)).to_string() });
    }
    values.extend(table.columns.iter().map(|(_, of)| pick(random, of).to_owned()));
    format!("({})", values.join(", "))
}

fn names(table: &Table) -> String {
    let names: Vec<&str> = table.columns.iter().map(|(name, _)| *name).collect();
    let id = if table.key == "id" { "id, " } else { "" };
    format!("{id}{}", names.join(", "))
}

fn insert(random: &mut Random, table: &Table) -> String {
    let policy = pick(random, POLICIES);
    let rows: Vec<String> = (0..=random.below(3)).map(|_| row(random, table)).collect();
    format!("INSERT {policy}INTO {}({}) VALUES {}", table.name, names(table), rows.join(", "))
}

fn insert_select(random: &mut Random, table: &Table) -> String {
    let policy = pick(random, POLICIES);
    let id = if table.key == "id" { format!("id + {}, ", random.below(4)) } else { String::new() };
    let list: Vec<String> = table
        .columns
        .iter()
        .map(|(name, of)| {
            if *name == "agent_id" || random.below(4) == 0 {
                pick(random, of).to_owned()
            } else {
                (*name).into()
            }
        })
        .collect();
    format!(
        "INSERT {policy}INTO {}({}) SELECT {id}{} FROM {} WHERE {} LIMIT 3",
        table.name,
        names(table),
        list.join(", "),
        table.name,
        condition(random, table)
    )
}

fn upsert(random: &mut Random, table: &Table) -> String {
    let (name, _) = table.columns[1 + usize::try_from(random.below(6)).unwrap_or(0)];
    format!(
        "INSERT INTO {}({}) VALUES {} ON CONFLICT({}) DO UPDATE SET {name} = excluded.{name}",
        table.name,
        names(table),
        row(random, table),
        table.key
    )
}

fn update(random: &mut Random, table: &Table) -> String {
    let policy = pick(random, POLICIES);
    let mut set: Vec<String> = (0..=random.below(2))
        .map(|_| {
            let at = usize::try_from(random.below(table.columns.len() as u64)).unwrap_or(0);
            let (name, of) = table.columns[at];
            format!("{name} = {}", pick(random, of))
        })
        .collect();
    if table.key == "id" && random.below(3) == 0 {
        set.push(match random.below(3) {
            0 => "id = id + 1".into(),
            1 => "id = -id".into(),
            _ => format!("id = {}", 1 + random.below(IDS)),
        });
    }
    format!("UPDATE {policy}{} SET {} WHERE {}", table.name, set.join(", "), condition(random, table))
}

fn delete(random: &mut Random, table: &Table) -> String {
    format!("DELETE FROM {} WHERE {}", table.name, condition(random, table))
}

fn condition(random: &mut Random, table: &Table) -> String {
    match random.below(6) {
        0 => "1".into(),
        1 => format!("run_id IS {}", pick(random, RUN_IDS)),
        2 => "length(spec_id) = 1".into(),
        _ if table.key == "id" => format!("id = {}", 1 + random.below(IDS)),
        _ => format!("agent_id IS {}", pick(random, EXECUTIONS)),
    }
}
