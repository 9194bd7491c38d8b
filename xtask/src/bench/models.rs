//! Calls of models: what a client costs beside a bare request to the same server on loopback, and whether a slow host
//! holds up the calls to the others.

pub(crate) mod bare;
mod client;

use std::path::Path;
use std::process::{Command, Stdio};
use std::time::Duration;

use conclave_llm::Options;
use conclave_retry::{CancelToken, Clock, SystemClock};
use conclave_testkit::{ModelServer, Reply, Speaks};

use self::client::{client, host};
use super::harness::Harness;
use super::row::{Measured, Target, real};
use crate::outcome::Outcome;

const MODEL: &str = "m:1";
const PROMPT: &[u8] = b"Why is the sky blue?";
const ANSWER: &str = "Because of how light is scattered by what is smaller than its waves.";

const P50: &str = "a model's answer, p50";
const P95: &str = "a model's answer, p95";
const IN_PROCESS: &str = "in process";
const PROCESS: &str = "a process each: conclave ask --json";
const ADMISSION_P50: &str = "a model's answer, what all processes know of hosts, p50";
const ADMISSION_P95: &str = "a model's answer, what all processes know of hosts, p95";
const ADMISSION: &str = "in process, global.db";
const TWIN: &str = "what this process alone knows";
const SLOW: &str = "a model's answer beside a slow host, p95";
const SIXTY_FOUR: &str = "64 at once to two hosts of 4 slots and 50 ms; a third of 1 slot takes 5 s";
const WITHOUT: &str = "without the third host";

/// Measures all lines.
pub(crate) fn run(harness: &mut Harness) -> Outcome {
    let wants = |condition, rows: [&str; 2]| rows.iter().any(|row| harness.wants(row, condition));
    let (inside, outside) = (wants(IN_PROCESS, [P50, P95]), wants(PROCESS, [P50, P95]));
    if inside || wants(ADMISSION, [ADMISSION_P50, ADMISSION_P95]) {
        in_process(harness)?;
    }
    if outside {
        processes(harness)?;
    }
    if harness.wants(SLOW, SIXTY_FOUR) {
        beside_a_slow_host(harness)?;
    }
    Ok(())
}

/// The times of repeats of one contender, ms: the middle ones and the late ones.
#[derive(Debug, Default)]
struct Quantiles {
    p50: Vec<f64>,
    p95: Vec<f64>,
}

impl Quantiles {
    fn of(repeats: Vec<Vec<f64>>) -> Self {
        let mut all = Self::default();
        for mut times in repeats {
            times.sort_by(f64::total_cmp);
            all.p50.push(quantile(&times, 50));
            all.p95.push(quantile(&times, 95));
        }
        all
    }

    fn add_beside(
        &self,
        harness: &mut Harness,
        (rows, condition): ([&str; 2], &str),
        name: &str,
        peer: &Self,
    ) {
        for (row, ours, peer) in [(rows[0], &self.p50, &peer.p50), (rows[1], &self.p95, &peer.p95)] {
            harness.add(Measured::beside((row, condition, "ms"), ours, (name, peer), Target::None));
            let costs: Vec<f64> = ours.iter().zip(peer).map(|(ours, peer)| ours - peer).collect();
            harness
                .note(format!("{row}, {condition}: {:.3} ms more than {name}", super::row::median(&costs)));
        }
    }
}

/// By nearest rank, of sorted values.
fn quantile(sorted: &[f64], percent: usize) -> f64 {
    let place = (sorted.len() * percent).div_ceil(100).saturating_sub(1);
    sorted.get(place).copied().unwrap_or(0.0)
}

/// How long each of so many took, ms.
fn times(count: usize, mut work: impl FnMut() -> Outcome) -> Outcome<Vec<f64>> {
    let mut times = Vec::with_capacity(count);
    for _ in 0..count {
        let begun = SystemClock.monotonic();
        work()?;
        times.push(SystemClock.monotonic().saturating_sub(begun).as_secs_f64() * 1000.0);
    }
    Ok(times)
}

fn in_process(harness: &mut Harness) -> Outcome {
    let server = ModelServer::answering(Speaks::Ollama, &[MODEL], ANSWER);
    let folder = Harness::folder()?;
    let shared = client(vec![host("h", &server, 1)?], Some(folder.path()))?;
    let alone = client(vec![host("h", &server, 1)?], None)?;
    let ask = |client: &conclave_llm::Client| -> Outcome {
        let answer = client.generate(PROMPT, "", &Options::default(), &CancelToken::new())?;
        if answer.text == ANSWER { Ok(()) } else { Err("another answer".into()) }
    };
    // Whether it is well is known from now on, and what is asked is known to the peer.
    ask(&shared)?;
    ask(&alone)?;
    let body = asked(&server)?;
    let count = if harness.quick { 100 } else { 400 };
    let measured = Harness::in_turns(harness.repeats(), 3, |contender| match contender {
        0 => times(count, || ask(&shared)),
        1 => times(count, || ask(&alone)),
        _ => times(count, || bare::ask(server.address(), &body)),
    })?;
    let mut measured = measured.into_iter().map(Quantiles::of);
    let (Some(shared), Some(alone), Some(bare)) = (measured.next(), measured.next(), measured.next()) else {
        return Err("three were measured".into());
    };
    shared.add_beside(harness, ([P50, P95], IN_PROCESS), bare::NAME, &bare);
    shared.add_beside(harness, ([ADMISSION_P50, ADMISSION_P95], ADMISSION), TWIN, &alone);
    Ok(())
}

/// The body of the newest question.
fn asked(server: &ModelServer) -> Outcome<Vec<u8>> {
    let question = server.requests().into_iter().rev().find(|request| request.method == "POST");
    Ok(question.ok_or("nobody has asked")?.body)
}

fn processes(harness: &mut Harness) -> Outcome {
    let server = ModelServer::answering(Speaks::Ollama, &[MODEL], ANSWER);
    let folder = Harness::folder()?;
    let (root, program) = (folder.path(), std::env::current_exe()?);
    std::fs::create_dir_all(root.join(".conclave"))?;
    let config = format!(
        "[[hosts]]\nname = 'h'\nurl = '{}'\ndialect = 'ollama'\nmodels = ['{MODEL}']\n",
        server.url()
    );
    std::fs::write(root.join(".conclave/config.toml"), config)?;
    let ask = || {
        let mut command = Command::new(&program);
        command.args(["bench-program", "ask", "--json"]).arg(String::from_utf8_lossy(PROMPT).as_ref());
        command.env("HOME", root).env("CONCLAVE_GLOBAL_DIR", root);
        ended(&mut command, root)
    };
    ask()?;
    let body = root.join("body");
    std::fs::write(&body, asked(&server)?)?;
    let bare = || {
        let mut command = Command::new(&program);
        command.arg("bench-bare").arg(server.address().to_string()).arg(&body);
        ended(&mut command, root)
    };
    let count = if harness.quick { 20 } else { 60 };
    let measured = Harness::in_turns(harness.repeats(), 2, |contender| {
        if contender == 0 { times(count, ask) } else { times(count, bare) }
    })?;
    let mut measured = measured.into_iter().map(Quantiles::of);
    let (Some(ours), Some(peer)) = (measured.next(), measured.next()) else {
        return Err("two were measured".into());
    };
    ours.add_beside(harness, ([P50, P95], PROCESS), "a process each: one request over a socket", &peer);
    Ok(())
}

fn ended(command: &mut Command, folder: &Path) -> Outcome {
    let output = command.current_dir(folder).stdin(Stdio::null()).output()?;
    if output.status.success() {
        return Ok(());
    }
    Err(String::from_utf8_lossy(&output.stderr).into_owned().into())
}

fn beside_a_slow_host(harness: &mut Harness) -> Outcome {
    let repeats = if harness.quick { 1 } else { 3 };
    let measured = Harness::in_turns(repeats, 2, |contender| {
        let at_once = sixty_four(contender == 0)?;
        if contender == 0 && at_once.most_at_slow > 1 {
            return Err(format!("the slow host had {} calls at once", at_once.most_at_slow).into());
        }
        Ok(at_once)
    })?;
    let late = |all: &[AtOnce]| all.iter().map(|one| quantile(&one.times, 95)).collect::<Vec<f64>>();
    let [ours, without] = &measured[..] else { return Err("two were measured".into()) };
    let (with, peer) = (late(ours), late(without));
    harness.add(Measured::beside(
        (SLOW, SIXTY_FOUR, "ms"),
        &with,
        (WITHOUT, &peer),
        Target::RatioAtMost(1.2),
    ));
    let at_slow: usize = ours.iter().map(|one| one.at_slow).sum();
    harness
        .note(format!("{SLOW}: {at_slow} calls went to the slow host in {repeats} repeats, one at a time"));
    Ok(())
}

/// 64 calls that begin together.
struct AtOnce {
    /// Of those that the two hosts answered, from the question to the answer, ms, sorted.
    times: Vec<f64>,
    at_slow: usize,
    most_at_slow: usize,
}

fn sixty_four(with_slow: bool) -> Outcome<AtOnce> {
    let slow = serving(Duration::from_secs(5));
    let (b, c) = (serving(Duration::from_millis(50)), serving(Duration::from_millis(50)));
    let folder = Harness::folder()?;
    let mut hosts = vec![host("b", &b, 4)?, host("c", &c, 4)?];
    if with_slow {
        hosts.insert(0, host("a", &slow, 1)?);
    }
    let client = client(hosts, Some(folder.path()))?;
    let barrier = std::sync::Barrier::new(64);
    let answers = std::thread::scope(|scope| {
        let asking: Vec<_> = (0..64)
            .map(|_| {
                scope.spawn(|| {
                    barrier.wait();
                    client.generate(PROMPT, "", &Options::default(), &CancelToken::new())
                })
            })
            .collect();
        asking
            .into_iter()
            .map(|one| one.join().map_err(|_| "a caller panicked"))
            .collect::<Result<Vec<_>, _>>()
    })?;
    let (mut times, mut at_slow) = (Vec::new(), 0);
    for answer in answers {
        let answer = answer?;
        if answer.host == "a" {
            at_slow += 1;
        } else {
            times.push(real(answer.latency_ms));
        }
    }
    times.sort_by(f64::total_cmp);
    Ok(AtOnce { times, at_slow, most_at_slow: slow.most_at_once() })
}

/// A server whose answers take so long.
fn serving(time: Duration) -> ModelServer {
    let server = ModelServer::answering(Speaks::Ollama, &[MODEL], ANSWER);
    let reply: Reply = Speaks::Ollama.answer(MODEL, ANSWER).after(time);
    server.script(Speaks::Ollama.path(), reply);
    server
}

#[cfg(test)]
mod tests;
