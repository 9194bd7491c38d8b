//! What the tables of the registry refuse, asked with raw SQL as any other client may write it.

use conclave_db::foreign::Client;
use conclave_db::sql::Value;

use crate::db_files::both;

const IDENTITY: &str = "INSERT INTO builders(id, name, port, status) VALUES";

/// Runs each of them; `expected` says whether it is stored.
fn check(client: &Client, expected: bool, statements: &[&str]) {
    for sql in statements {
        let stored = client.run(sql);
        assert_eq!(stored.is_ok(), expected, "{sql}: {stored:?}");
    }
}

// runtime-state 8.2, 8.3
#[test]
fn what_is_no_agent_and_no_block_is_refused() {
    let (_scratch, [state, global]) = both();
    let (state, global) = (state.client(), global.client());
    check(
        &state,
        true,
        &[
            "INSERT INTO architect(pid, port, cmd) VALUES (1, 4201, 'x')",
            "INSERT INTO builders(id, name, port, pid, status) VALUES ('a', 'a', 4210, 77, 'pr-ready')",
            "INSERT INTO annotations(id, file, parent_type) VALUES ('n', 'f', 'util')",
            "INSERT INTO builders(id, name, type) VALUES ('bug', 'b', 'bugfix')",
        ],
    );
    check(
        &state,
        false,
        &[
            // The one without a name is the main one, and there is one of it.
            "INSERT INTO architect(pid) VALUES (2)",
            &format!("{IDENTITY}('b', 'b', 4211, 'idle')"),
            &format!("{IDENTITY}('b', 'b', 4211, ' blocked')"),
            &format!("{IDENTITY}('b', 'b', 4211, 'Blocked')"),
            &format!("{IDENTITY}('b', 'b', 4210, 'blocked')"),
            &format!("{IDENTITY}('b', 'b', 4230.5, 'blocked')"),
            &format!("{IDENTITY}('b', 'b', 0, 'blocked')"),
            &format!("{IDENTITY}('b', 'b', -1, 'blocked')"),
            &format!("{IDENTITY}('b', 'b', 70000, 'blocked')"),
            &format!("{IDENTITY}('b', 'b', 'abc', 'blocked')"),
            &format!("{IDENTITY}(NULL, 'b', 4211, 'blocked')"),
            &format!("{IDENTITY}('', 'b', 4211, 'blocked')"),
            "INSERT INTO builders(id, name, type) VALUES ('b', 'b', 'Spec')",
            "INSERT INTO builders(id, name, pid) VALUES ('b', 'b', 1.25)",
            "INSERT INTO builders(id, name, started_at) VALUES ('b', 'b', '2026-07-01 00:00:00')",
            "INSERT INTO annotations(id, file, parent_type) VALUES ('m', 'f', 'file')",
            "INSERT INTO utils(id, name) VALUES (NULL, 'u')",
            // One port, one agent, whichever table it stands in.
            "INSERT INTO utils(id, name, port) VALUES ('u', 'u', 4210)",
            "INSERT INTO annotations(id, file, parent_type, port) VALUES ('m', 'f', 'util', 4201)",
            "UPDATE architect SET port = 4210",
        ],
    );
    let block = |path: &str, base: &str| {
        format!("INSERT INTO port_allocations(project_path, base_port) VALUES ('{path}', {base})")
    };
    check(&global, true, &[&block("/a", "4200"), &block("/b", "65400")]);
    for base in ["4100", "4250", "65500", "65600", "99900", "4300.5", "'abc'", "NULL"] {
        check(&global, false, &[&block("/c", base)]);
    }
    check(
        &global,
        false,
        &[
            "INSERT INTO port_allocations(project_path, base_port) VALUES ('/other', 4200)",
            "INSERT INTO port_allocations(project_path, base_port) VALUES (NULL, 4300)",
            "INSERT INTO port_allocations(project_path, base_port) VALUES ('', 4300)",
        ],
    );
}

// runtime-state 8.4
#[test]
fn agents_without_a_port_do_not_collide() {
    let (_scratch, [state, _]) = both();
    let client = state.client();
    check(
        &client,
        true,
        &[
            "INSERT INTO builders(id, name) VALUES ('a', 'a')",
            "INSERT INTO builders(id, name) VALUES ('b', 'b')",
            "INSERT INTO builders(id, name, port) VALUES ('c', 'c', 4215)",
        ],
    );
    check(&client, false, &["INSERT INTO builders(id, name, port) VALUES ('d', 'd', 4215)"]);
}

// runtime-state 8.6
#[test]
fn a_change_by_hand_is_seen_in_updated_at_whatever_the_triggers_do() {
    let (_scratch, [state, _]) = both();
    let client = state.client();
    client.run("PRAGMA recursive_triggers=ON").unwrap();
    client
        .run("INSERT INTO builders(id, name, updated_at) VALUES ('a', 'a', '2000-01-01T00:00:00.000Z')")
        .unwrap();
    let updated = || match &client.rows("SELECT updated_at FROM builders").unwrap()[0][0] {
        Value::Text(text) => text.clone(),
        other => panic!("{other:?}"),
    };
    let mut last = updated();
    for number in 0..2 {
        client.run(&format!("UPDATE builders SET phase = 'p{number}'")).unwrap();
        let now = updated();
        assert!(now > last, "{now} after {last}");
        last = now;
        // The next millisecond: SQLite's clock is asked until it has come.
        let wait = format!("SELECT strftime('%Y-%m-%dT%H:%M:%fZ', 'now') > '{last}'");
        crate::patience::until("the next millisecond", || {
            client.rows(&wait).unwrap()[0][0] == Value::Integer(1)
        });
    }
    // What sets it itself is left alone.
    client.run("UPDATE builders SET phase = 'x', updated_at = '2030-01-01T00:00:00.000Z'").unwrap();
    assert_eq!(updated(), "2030-01-01T00:00:00.000Z");
}

// runtime-state 8.7
#[test]
fn every_time_has_one_format_so_that_text_order_is_time_order() {
    let (_scratch, [state, global]) = both();
    let (state, global) = (state.client(), global.client());
    check(
        &state,
        true,
        &[
            "INSERT INTO builders(id, name) VALUES ('now', 'now')",
            "INSERT INTO builders(id, name, started_at) VALUES ('then', 'then', '2026-07-01T00:00:00.000Z')",
            "INSERT INTO utils(id, name) VALUES ('u', 'u')",
            "INSERT INTO architect(name) VALUES ('main')",
        ],
    );
    check(&global, true, &["INSERT INTO port_allocations(project_path, base_port) VALUES ('/p', 4200)"]);
    let format =
        "GLOB '[0-9][0-9][0-9][0-9]-[0-9][0-9]-[0-9][0-9]T[0-9][0-9]:[0-9][0-9]:[0-9][0-9].[0-9][0-9][0-9]Z'";
    for (client, table, column) in [
        (&state, "agents", "started_at"),
        (&state, "agents", "updated_at"),
        (&global, "port_allocations", "registered_at"),
        (&global, "port_allocations", "last_used_at"),
    ] {
        let rows = client.rows(&format!("SELECT min({column} {format}), count(*) > 0 FROM {table}")).unwrap();
        assert_eq!(rows[0], [Value::Integer(1), Value::Integer(1)], "{table}.{column}");
    }
}
