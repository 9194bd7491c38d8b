use std::collections::{BTreeMap, BTreeSet};

use serde_json::Value;

use super::{File, chain, dense, free, layers, real};

fn records(file: &File) -> Vec<Value> {
    file.bytes
        .split(|byte| *byte == b'\n')
        .filter(|line| !line.is_empty())
        .map(|line| serde_json::from_slice(line).unwrap())
        .collect()
}

fn edges(records: &[Value]) -> Vec<(String, String, String)> {
    let text = |value: &Value| value.as_str().unwrap().to_owned();
    let of = |record: &Value| {
        let edges = record["dependencies"].as_array().cloned().unwrap_or_default();
        let edge = |edge: Value| (text(&edge["issue_id"]), text(&edge["depends_on_id"]), text(&edge["type"]));
        edges.into_iter().map(edge).collect::<Vec<_>>()
    };
    records.iter().flat_map(of).collect()
}

fn ids(records: &[Value]) -> BTreeSet<String> {
    records.iter().map(|record| record["id"].as_str().unwrap().to_owned()).collect()
}

#[test]
fn the_file_has_the_shape_of_the_real_one() {
    let file = real();
    let records = records(&file);
    let mut statuses = BTreeMap::new();
    for record in &records {
        *statuses.entry(record["status"].as_str().unwrap().to_owned()).or_insert(0) += 1;
    }
    let expected = [("closed", 2259), ("hooked", 13), ("open", 131), ("tombstone", 3319)];
    assert_eq!(statuses, expected.map(|(status, count)| (status.to_owned(), count)).into());
    let bytes = file.bytes.len();
    assert!((3_900_000..4_400_000).contains(&bytes), "{bytes} bytes; the real one has 4,145,263");
    let ids = ids(&records);
    assert_eq!(ids.len(), 5722, "no id is there twice");
    let (kept, missing): (Vec<_>, Vec<_>) =
        edges(&records).into_iter().partition(|(_, target, _)| ids.contains(target));
    assert!((940..1000).contains(&kept.len()), "{} edges", kept.len());
    assert!((40..70).contains(&missing.len()), "{} edges lead nowhere", missing.len());
    assert_eq!(real().bytes, file.bytes, "always the same");
    assert!(file.ids.is_sorted());
}

#[test]
fn the_dense_file_has_as_many_edges_as_it_says() {
    let records = records(&dense(10_000));
    assert_eq!(ids(&records).len(), 10_000);
    let count = |wanted: &str| edges(&records).iter().filter(|(_, _, kind)| kind == wanted).count();
    assert_eq!((count("blocks"), count("parent-child")), (10_000, 9_800));
}

#[test]
fn graphs_for_cycle_checks_have_ten_thousand_edges() {
    for (file, tasks) in [(layers(10_000), 1010), (chain(10_000), 10_001)] {
        let records = records(&file);
        assert_eq!((ids(&records).len(), edges(&records).len()), (tasks, 10_000));
    }
    assert!(edges(&records(&free(20))).is_empty());
}
