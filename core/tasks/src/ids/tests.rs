use super::*;

/// 2024-01-02T03:04:05.006Z
const CREATED: i128 = 1_704_164_645_006_000_000;

#[test]
fn hashes_are_those_of_bd() {
    let seed =
        Seed { title: "Fix login", description: "Details", creator: "jira-import", created_ns: CREATED };
    let vectors = [
        (3, ["bd-vju", "bd-i8b", "bd-r6a"]),
        (4, ["bd-8d8e", "bd-ln8f", "bd-d8tc"]),
        (5, ["bd-bi3tk", "bd-lx7zm", "bd-66old"]),
        (6, ["bd-8bi3tk", "bd-plx7zm", "bd-266old"]),
        (7, ["bd-r5sr6bm", "bd-23w8t95", "bd-jfziw06"]),
        (8, ["bd-8r5sr6bm", "bd-523w8t95", "bd-7jfziw06"]),
    ];
    for (length, wanted) in vectors {
        for (nonce, wanted) in (0..).zip(wanted) {
            assert_eq!(hashed("bd", &seed, length, nonce), wanted, "length {length}, nonce {nonce}");
        }
    }
}

#[test]
fn hash_knows_the_instant_and_not_its_spelling() {
    // 2026-01-01T00:00:00.123456789-07:00
    let seed = Seed {
        title: "日本語 タスク 🚀",
        description: "",
        creator: "alice",
        created_ns: 1_767_250_800_123_456_789,
    };
    assert_eq!(hashed("bd", &seed, 4, 0), "bd-7hne");
    assert_ne!(hashed("bd", &Seed { created_ns: seed.created_ns + 1, ..seed.clone() }, 4, 0), "bd-7hne");
}

#[test]
fn length_grows_with_the_number_of_tasks() {
    // n² / (2·36^L) <= -ln(0.75): the last numbers at which each length will do.
    for (tasks, wanted) in
        [(0, 3), (163, 3), (164, 4), (983, 4), (984, 5), (5898, 5), (5899, 6), (u64::MAX, 8)]
    {
        assert_eq!(length_for(tasks), wanted, "{tasks} tasks");
    }
}

#[test]
fn prefix_is_what_stands_before_the_hash() {
    for (id, wanted) in [
        ("bd-a3f8", Some("bd")),
        ("bd-12", Some("bd")),
        ("bd-a3f8.1.2", Some("bd")),
        ("bd-abc", Some("bd")),
        ("my-app-a3f8", Some("my-app")),
        ("my-app-7", Some("my-app")),
        ("my-app-a3f8.1.2", Some("my-app")),
        ("my.app-7", Some("my.app")),
        ("hq-mayor-role", Some("hq")),
        ("bd-wisp-abcd", Some("bd")),
        ("plain", None),
        ("-a3f8", None),
        ("", None),
        ("x.1", None),
        ("日本-語", Some("日本")),
    ] {
        assert_eq!(prefix_of(id), wanted, "{id}");
    }
}

#[test]
fn child_has_a_number_behind_its_last_dot() {
    for (id, wanted) in [
        ("bd-1.2", Some(("bd-1", 2))),
        ("bd-1.2.30", Some(("bd-1.2", 30))),
        ("bd-1", None),
        ("bd-1.", None),
        ("bd-1.x2", None),
        (".2", None),
        ("bd-1.99999999999999999999", None),
    ] {
        assert_eq!(child_number(id), wanted, "{id}");
    }
}

#[test]
fn folder_gives_a_prefix_of_letters_digits_and_dashes() {
    for (name, wanted) in [
        ("conclave", "conclave"),
        ("My Project", "my-project"),
        ("a__b..c", "a-b-c"),
        ("_x_", "x"),
        ("日本", "task"),
        ("", "task"),
        ("Ünïcode", "n-code"),
    ] {
        assert_eq!(prefix_of_folder(name), wanted, "{name}");
    }
}
