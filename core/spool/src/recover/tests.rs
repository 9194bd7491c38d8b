use super::*;

#[test]
fn a_recovered_segment_has_the_name_of_its_part() {
    for (part, number, wanted) in [
        ("20250909-18.ndjson.gz.part", 0, "20250909-18_recovered.ndjson.gz"),
        ("20250909-18.ndjson.gz.part", 2, "20250909-18_recovered-2.ndjson.gz"),
        ("20250909-18-003.ndjson.gz.part", 1, "20250909-18-003_recovered-1.ndjson.gz"),
        ("20250909-18_recovered.ndjson.gz.part", 1, "20250909-18_recovered-1.ndjson.gz"),
        ("guest.ndjson.gz.part", 0, "guest_recovered.ndjson.gz"),
        ("guest.ndjson.part", 3, "guest_recovered-3.ndjson.gz"),
        ("guest.part", 0, "guest_recovered.ndjson.gz"),
        (".part", 0, "_recovered.ndjson.gz"),
    ] {
        assert_eq!(recovered_name(part, number), wanted, "{part}");
    }
}
