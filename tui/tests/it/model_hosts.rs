//! What is known of hosts, who may change it, and what becomes of a question where it cannot be kept.

use std::path::PathBuf;

use conclave_db::foreign::Client;
use conclave_testkit::{ModelServer, Reply, Speaks};

use crate::models::{document, host, listed, that, well, with_hosts};
use crate::scratch::{Done, Scratch};

fn global(scratch: &Scratch) -> PathBuf {
    scratch.path("home/.local/share/conclave/global.db")
}

// llm L13
#[test]
fn a_host_that_was_opened_by_hand_stays_so_until_it_is_reset() {
    let (a, b) = (well("a"), well("b"));
    let scratch = with_hosts(&[("a", &a.url()), ("b", &b.url())]);
    let opened = scratch.json(&["host", "open", "a"]);
    assert_eq!(opened[0]["breaker"]["state"], "forced_open", "{opened}");
    for _ in 0..4 {
        let answer = scratch.json(&["ask", "hello"]);
        assert_eq!(
            (answer["host"].as_str(), answer["skipped"][0]["why"].as_str()),
            (Some("b"), Some("forced_open"))
        );
    }
    // It is well, and that does not close it.
    assert_eq!(scratch.json(&["host", "check", "a"])[0]["healthy"], true);
    assert_eq!(listed(&scratch, "a")["breaker"]["state"], "forced_open");
    assert_eq!(a.questions(), 0);
    for word in ["reset", "close"] {
        scratch.ok(&["host", "open", "a"]);
        scratch.ok(&["host", word, "a"]);
        assert_eq!(listed(&scratch, "a")["breaker"]["state"], "closed", "{word}");
        assert_eq!(scratch.json(&["ask", "hello"])["host"], "a", "{word}");
    }
}

// llm L13
#[test]
fn a_host_without_a_breaker_is_asked_however_often_it_fails() {
    let (a, b) = (that(Speaks::Ollama.failure(500, "", "no")), well("b"));
    let scratch =
        Scratch::configured(&(host("a", &a.url(), 1, "breaker = 'off'") + &host("b", &b.url(), 2, "")));
    for _ in 0..5 {
        assert_eq!(scratch.json(&["ask", "hello"])["host"], "b");
    }
    assert_eq!((a.questions(), b.questions()), (5, 5));
}

// llm L14
#[test]
fn a_machine_wide_file_that_cannot_be_used_costs_one_warning_and_no_answer() {
    let a = well("a");
    let answers = |scratch: &Scratch, why: &str| {
        let done = scratch.run(&["ask", "hello"]);
        assert_eq!((done.code, done.text()), (Some(0), "a\n"), "{why}: {}", done.stderr);
        let warnings = done.stderr.lines().filter(|line| line.starts_with("warning: ")).count();
        assert_eq!((warnings, done.stderr.lines().count()), (1, 1), "{why}: {}", done.stderr);
        let json = scratch.json(&["ask", "hello"]);
        assert_eq!(
            (json["text"].as_str(), json["warnings"].as_array().unwrap().len()),
            (Some("a"), 1),
            "{why}: {json}"
        );
    };
    // Somebody else writes, and does not stop.
    let scratch = with_hosts(&[("a", &a.url())]);
    scratch.ok(&["ask", "hello"]);
    let holder = Client::open(&global(&scratch)).unwrap();
    holder.run("BEGIN IMMEDIATE").unwrap();
    answers(&scratch, "locked");
    assert!(holder.in_transaction(), "nobody waited for it");
    drop(holder);

    let scratch = with_hosts(&[("a", &a.url())]);
    std::fs::create_dir_all(global(&scratch).parent().unwrap()).unwrap();
    std::fs::write(global(&scratch), vec![0; 16 << 10]).unwrap();
    answers(&scratch, "zeros");
    assert_eq!(std::fs::read(global(&scratch)).unwrap(), vec![0; 16 << 10], "left as it is");

    let scratch = with_hosts(&[("a", &a.url())]);
    std::fs::create_dir_all(global(&scratch).parent().unwrap().parent().unwrap()).unwrap();
    std::fs::write(global(&scratch).parent().unwrap(), "a file").unwrap();
    answers(&scratch, "no folder");
}

#[test]
fn a_question_that_may_write_nothing_writes_nothing() {
    let a = well("a");
    let scratch = with_hosts(&[("a", &a.url())]);
    let done = scratch.run(&["ask", "hello", "--read-only"]);
    assert_eq!((done.code, done.text(), done.stderr.as_str()), (Some(0), "a\n", ""));
    assert!(!global(&scratch).exists());
    for word in ["check", "open", "close", "reset"] {
        let done = scratch.run(&["host", word, "a", "--read-only"]);
        assert!(done.refused(2).contains("read-only"), "{}", done.stderr);
    }
    assert_eq!(listed(&scratch, "a")["breaker"]["state"], "closed");
    assert!(!global(&scratch).exists(), "a list makes nothing");
    scratch.ok(&["ask", "hello"]);
    assert!(global(&scratch).exists());
}

#[test]
fn a_list_of_hosts_says_who_is_there_and_changes_nothing() {
    let a = well("a");
    let b = ModelServer::nowhere();
    let cloud =
        "[fallback]\nname = 'cloud'\ndialect = 'anthropic'\nurl = 'http://127.0.0.1:9'\nmodel = 'c'\n";
    let scratch = Scratch::configured(&(host("a", &a.url(), 1, "") + &host("b", &b, 2, "") + cloud));
    let new = scratch.json(&["host", "list", "--all"]);
    let names: Vec<&str> =
        new.as_array().unwrap().iter().map(|host| host["name"].as_str().unwrap()).collect();
    assert_eq!(names, ["a", "b", "cloud"]);
    for host in new.as_array().unwrap() {
        assert!(host["healthy"].is_null() && host["p50_ms"].is_null() && host["p95_ms"].is_null(), "{host}");
        assert_eq!(
            (host["in_flight"].as_i64(), host["breaker"]["state"].as_str()),
            (Some(0), Some("closed"))
        );
    }
    assert_eq!((new[0]["url"].as_str(), new[0]["slots"].as_i64()), (Some(a.url().as_str()), Some(1)));
    let checked = scratch.run(&["host", "check", "--all"]);
    assert_eq!(checked.code, Some(1), "{}", checked.stderr);
    assert!(checked.text().contains("a: ok in "), "{}", checked.text());
    assert!(checked.text().contains("b: unreachable: "), "{}", checked.text());
    for _ in 0..5 {
        scratch.ok(&["ask", "hello"]);
    }
    let table = scratch.ok(&["host", "list", "--all"]);
    assert_eq!(table.lines().count(), 4, "{table}");
    assert!(table.lines().next().unwrap().starts_with("host"), "{table}");
    assert!(listed(&scratch, "a")["p50_ms"].is_u64(), "five answers are enough");
    assert_eq!(listed(&scratch, "a")["healthy"], true);
}

#[test]
fn status_and_doctor_tell_of_hosts_that_nobody_asks() {
    let (mut a, b) = (well("a"), well("b"));
    a.kill();
    let key = "api_key_env = 'MISSING_KEY'";
    let scratch = Scratch::configured(&(host("a", &a.url(), 1, "") + &host("b", &b.url(), 2, "")));
    scratch.ok(&["init"]);
    let status = scratch.json(&["status"]);
    assert_eq!(
        (status["hosts"][0]["name"].as_str(), status["attention"].as_array().unwrap().len()),
        (Some("a"), 0)
    );
    scratch.ok(&["ask", "hello"]);
    let status = scratch.json(&["status"]);
    assert_eq!(status["hosts"][0]["breaker"]["state"], "open", "{status}");
    let needs = &status["attention"][0];
    assert_eq!((needs["kind"].as_str(), needs["name"].as_str()), (Some("host"), Some("a")), "{status}");
    assert!(needs["advice"].as_str().unwrap().contains("conclave host check a"), "{needs}");
    assert!(scratch.ok(&["status"]).contains("\nhosts      2 hosts · 1 open · 0 calls running\n"));
    let found = |scratch: &Scratch| {
        let done = document(&scratch.run(&["doctor", "--json"]));
        let checks = done["checks"].as_array().unwrap().clone();
        let of_hosts = checks.into_iter().filter(|check| check["name"] == "hosts");
        of_hosts
            .map(|check| (check["state"].as_str().unwrap().to_owned(), check["detail"].to_string()))
            .collect::<Vec<_>>()
    };
    let checks = found(&scratch);
    assert_eq!((checks.len(), checks[0].0.as_str(), checks[1].0.as_str()), (2, "warn", "ok"), "{checks:?}");
    scratch.configure(&host("a", &b.url(), 1, key));
    let checks = found(&scratch);
    assert!(checks[0].0 == "warn" && checks[0].1.contains("MISSING_KEY"), "{checks:?}");
    let list = scratch.ok(&["host", "list"]);
    assert!(list.contains("cannot be asked: the variable MISSING_KEY is not set"), "{list}");
}

// What the hints of `ask` say can be typed as it stands there.
#[test]
fn a_check_of_nobody_by_name_is_one_of_all_and_changes_want_names() {
    let (a, mut b) = (well("a"), well("b"));
    b.kill();
    let scratch = with_hosts(&[("a", &a.url()), ("b", &b.url())]);
    let checked = document(&scratch.run(&["host", "check", "--json"]));
    assert_eq!((checked[0]["healthy"].as_bool(), checked[1]["healthy"].as_bool()), (Some(true), Some(false)));
    for word in ["open", "close", "reset"] {
        let done = scratch.run(&["host", word]);
        done.refused(2);
        assert!(done.stderr.contains("no host is named") && done.stderr.contains("--all"), "{}", done.stderr);
    }
    let failed = &listed(&scratch, "b")["last_failure_at"];
    assert!(failed.as_str().is_some_and(|at| at.ends_with('Z')), "{failed}");
    let table = scratch.ok(&["host", "list"]);
    assert!(table.contains(" ago: "), "{table}");
}

#[test]
fn a_host_that_answers_the_second_time_is_not_its_own_stand_in() {
    let a = well("a");
    a.once(Speaks::Ollama.path(), Speaks::Ollama.failure(500, "", "no"));
    let scratch = with_hosts(&[("a", &a.url())]);
    let done = scratch.run(&["ask", "hello"]);
    assert_eq!((done.code, done.text()), (Some(0), "a\n"), "{}", done.stderr);
    assert!(done.stderr.contains("because an earlier request to it failed (fault)"), "{}", done.stderr);
}

// llm L45
#[test]
fn a_task_that_nobody_lists_goes_to_hosts_and_never_silently_to_the_cloud() {
    let (a, b) = (well("a"), well("b"));
    let cloud = ModelServer::answering(Speaks::Anthropic, &["c"], "cloud");
    let fallback = format!("[fallback]\ndialect = 'anthropic'\nurl = '{}'\nmodel = 'c'\n", cloud.url());
    let tables = host("a", &a.url(), 1, "tasks = ['reasoning']") + &host("b", &b.url(), 2, "") + &fallback;
    let scratch = Scratch::configured(&tables);
    assert_eq!(scratch.json(&["ask", "hello", "--task", "code"])["host"], "b");
    assert_eq!(scratch.json(&["ask", "hello", "--task", "reasoning"])["host"], "a");
    scratch.configure(&(host("a", &a.url(), 1, "tasks = ['reasoning']") + &fallback));
    assert_eq!(scratch.json(&["ask", "hello", "--task", "code"])["host"], "a");
    assert_eq!(scratch.json(&["ask", "hello"])["host"], "a");
    assert_eq!(cloud.connections(), 0);
}

#[test]
fn the_cloud_is_left_alone_where_it_is_to_be() {
    let a = that(Speaks::Ollama.failure(500, "", "no"));
    let cloud = ModelServer::answering(Speaks::Anthropic, &["c"], "cloud");
    let fallback = |more: &str| {
        let url = cloud.url();
        let table = format!("[fallback]\ndialect = 'anthropic'\nurl = '{url}'\nmodel = 'c'\n{more}\n");
        Scratch::configured(&(host("a", &a.url(), 1, "") + &table))
    };
    fallback("").run(&["ask", "hello", "--local"]).refused(3);
    fallback("").run(&["ask", "hello", "--host", "a"]).refused(3);
    fallback("on = ['busy']").run(&["ask", "hello"]).refused(3);
    fallback("calls_per_hour = 0").run(&["ask", "hello"]);
    assert_eq!(cloud.connections(), 0);
    let done = fallback("").run(&["ask", "hello"]);
    assert_eq!((done.code, done.text()), (Some(0), "cloud\n"), "{}", done.stderr);
    assert!(done.stderr.starts_with("answered by fallback (c), because a failed (fault)"), "{}", done.stderr);
}

#[test]
fn a_cloud_without_its_key_is_told_where_it_matters() {
    let (a, b) = (well("a"), that(Speaks::Ollama.failure(500, "", "no")));
    let cloud = "[fallback]\ndialect = 'anthropic'\nurl = 'http://127.0.0.1:9'\nmodel = 'c'\napi_key_env = 'MISSING_KEY'\n";
    let scratch = Scratch::configured(&(host("a", &a.url(), 1, "") + cloud));
    let done = scratch.run(&["ask", "hello"]);
    assert_eq!((done.text(), done.stderr.as_str()), ("a\n", ""), "the host has answered");
    assert_eq!(scratch.json(&["ask", "hello"])["skipped"][0]["why"], "config");
    scratch.configure(&(host("b", &b.url(), 1, "") + cloud));
    let done = scratch.run(&["ask", "hello"]);
    done.refused(3);
    assert!(done.stderr.contains("  fallback: ") && done.stderr.contains("MISSING_KEY"), "{}", done.stderr);
}

// llm L42, L57
#[test]
fn what_an_answer_is_to_be_taken_with_stands_on_standard_error() {
    let short = Speaks::Ollama.beginning("x", "half") + &Speaks::Ollama.ending("x", "length");
    let a = that(Reply::stream("application/x-ndjson").write(short).close());
    let scratch = with_hosts(&[("a", &a.url())]);
    let done = scratch.run(&["ask", "hello"]);
    assert_eq!((done.code, done.text()), (Some(0), "half\n"));
    assert_eq!(
        done.stderr.lines().filter(|line| line.starts_with("warning: ")).count(),
        2,
        "{}",
        done.stderr
    );
    let quiet = Done::of(scratch.command().args(["ask", "hello", "--quiet"]));
    assert_eq!((quiet.text(), quiet.stderr.as_str()), ("half\n", ""));
    let json = scratch.json(&["ask", "hello"]);
    assert_eq!(
        (json["finish"].as_str(), json["served_model"].as_str()),
        (Some("length"), Some("x")),
        "{json}"
    );
    assert_eq!(json["tokens"], serde_json::json!({"in": 21, "out": 3, "estimated": false}));
}
