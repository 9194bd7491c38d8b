//! Hosts, a fallback, a machine-wide file and a client over them, with limits of some 100 ms in place of minutes.

use std::collections::HashMap;
use std::ffi::OsString;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use conclave_db::clock::{BootClock, SystemBootClock};
use conclave_db::{Db, DbOptions, FIRST_VERSION, Migration, Schema, Step};
use conclave_llm::{
    Answer, Class, Client, ClientOptions, Dialect, Endpoint, Event, Failed, Fallback, GLOBAL_MIGRATIONS,
    Host, HostView, Hosts, KeySource, LlmError, Options, ProxySetting, Result, Shared, Sources, Timeouts,
    overview,
};
use conclave_retry::{CancelToken, Clock, ManualClock, SeededRandom, Sleeper, SystemClock, SystemSleeper};
use conclave_testkit::{ModelServer, Speaks, TempProject};

pub(crate) const MODEL: &str = "m:1";

/// Longer than any request on a slow machine takes that is answered at once.
pub(crate) const SHORT: Duration = Duration::from_millis(400);

/// The steps of other crates in the machine-wide file.
const OTHERS: &[Migration] = &[empty(FIRST_VERSION), empty(FIRST_VERSION + 1)];

const fn empty(version: i32) -> Migration {
    Migration { version, name: "another crate's", up: Step::Sql("SELECT 1"), down: None, rewrites: false }
}

pub(crate) struct Scene {
    folder: TempProject,
    pub(crate) db: Db,
    pub(crate) hosts: Hosts,
    pub(crate) sleeper: Naps,
    environment: HashMap<String, OsString>,
    seed: u64,
}

impl Scene {
    pub(crate) fn new(hosts: Vec<Host>) -> Self {
        let folder = TempProject::new();
        let schema = Schema::assemble(&[OTHERS, GLOBAL_MIGRATIONS], &[]).unwrap();
        let db = Db::open(DbOptions::new(folder.path("global.db"), schema)).unwrap();
        let hosts = Hosts { hosts, ..Hosts::default() };
        Self { folder, db, hosts, sleeper: Naps::default(), environment: HashMap::new(), seed: 7 }
    }

    /// With a cloud that speaks as Anthropic does.
    pub(crate) fn with_cloud(mut self, cloud: &ModelServer) -> Self {
        let host =
            Host { priority: 99, billed: true, ..host("fallback", &cloud.url(), Speaks::Anthropic, 99) };
        self.hosts.fallback = Some(Fallback {
            host: Host { models: vec!["cloud-1".to_owned()], tasks: Vec::new(), ..host },
            on: Fallback::ON.to_vec(),
            calls_per_hour: None,
            tokens_per_day: None,
        });
        self
    }

    pub(crate) fn with_hosts(mut self, hosts: Vec<Host>) -> Self {
        self.hosts.hosts = hosts;
        self
    }

    pub(crate) fn with_variable(mut self, name: &str, value: &str) -> Self {
        self.environment.insert(name.to_owned(), value.into());
        self
    }

    /// A client as a new process would have it: over the same file, with nothing else known. Waits between requests take
    /// no time and are noted.
    pub(crate) fn client(&self) -> Client {
        let clock: Arc<dyn Clock> = Arc::new(SystemClock);
        self.client_with(clock, Arc::new(SystemBootClock), Arc::new(self.sleeper.clone()))
    }

    /// One whose waits are real.
    pub(crate) fn waiting_client(&self) -> Client {
        self.client_with(Arc::new(SystemClock), Arc::new(SystemBootClock), Arc::new(SystemSleeper))
    }

    /// One whose time moves only by waits.
    pub(crate) fn client_at(&self, clock: &ManualClock) -> Client {
        self.client_with(Arc::new(clock.clone()), Arc::new(Boot(clock.clone())), Arc::new(clock.clone()))
    }

    fn client_with(
        &self,
        clock: Arc<dyn Clock>,
        boot: Arc<dyn BootClock>,
        sleeper: Arc<dyn Sleeper>,
    ) -> Client {
        let random = Arc::new(SeededRandom::new(self.seed));
        let shared = Shared::new(Some(self.db.clone()), Arc::clone(&clock), boot, random.clone());
        let environment = self.environment.clone();
        let environment = Arc::new(move |name: &str| environment.get(name).cloned());
        let sources = Sources { clock, sleeper, random, environment };
        Client::new(self.hosts.clone(), shared, sources, ClientOptions::default())
    }

    /// What a new process hears.
    pub(crate) fn ask(&self) -> Result<Answer> {
        self.ask_with(&Options::default())
    }

    pub(crate) fn ask_with(&self, options: &Options) -> Result<Answer> {
        self.client().generate(b"hello", "code", options, &CancelToken::new())
    }

    pub(crate) fn fails(&self) -> Failed {
        failed(self.ask())
    }

    pub(crate) fn view(&self, name: &str) -> HostView {
        let views = overview(Some(&self.db), &self.hosts).unwrap();
        views.into_iter().find(|view| view.name == name).unwrap()
    }

    /// The state of a breaker and its failures in a row.
    pub(crate) fn breaker(&self, name: &str) -> (String, i64) {
        let breaker = self.view(name).breaker;
        (breaker.state, breaker.failures)
    }

    pub(crate) fn path(&self, inside: &str) -> std::path::PathBuf {
        self.folder.path(inside)
    }
}

/// The events of a stream, in order, with equal ones joined: `text:…`, `restarted:B`, `done:…`, `failed:…`.
pub(crate) fn stream(client: &Client, options: &Options) -> Vec<String> {
    let mut events: Vec<String> = Vec::new();
    client.generate_stream(b"hello", "code", options, &CancelToken::new(), &mut |event| match event {
        Event::Text(text) => match events.last_mut() {
            Some(last) if last.starts_with("text:") => last.push_str(&text),
            _ => events.push(format!("text:{text}")),
        },
        Event::Thinking(text) => events.push(format!("thinking:{text}")),
        Event::Restarted { host } => events.push(format!("restarted:{host}")),
        Event::Done(answer) => events.push(format!("done:{}", answer.text)),
        Event::Failed(error) => events.push(format!("failed:{}", failed(Err(*error)).partial)),
    });
    events
}

pub(crate) fn ask(client: &Client) -> Result<Answer> {
    client.generate(b"hello", "code", &Options::default(), &CancelToken::new())
}

pub(crate) fn failed(result: Result<Answer>) -> Failed {
    match result {
        Err(LlmError::Failed(failed)) => *failed,
        other => panic!("no failure of hosts but {other:?}"),
    }
}

/// A server of this name and place that has the model and answers `text`.
pub(crate) fn answering(speaks: Speaks, text: &str) -> ModelServer {
    ModelServer::answering(speaks, &[MODEL], text)
}

/// A host that has the model, and what it answers to questions.
pub(crate) fn scripted(speaks: Speaks, reply: conclave_testkit::Reply) -> ModelServer {
    let server = ModelServer::answering(speaks, &[MODEL], "unused");
    server.script(speaks.path(), reply);
    server
}

pub(crate) fn host(name: &str, url: &str, speaks: Speaks, priority: i64) -> Host {
    let dialect = match speaks {
        Speaks::Ollama => Dialect::Ollama,
        Speaks::OpenAi => Dialect::Openai,
        Speaks::Anthropic => Dialect::Anthropic,
    };
    Host {
        name: name.to_owned(),
        endpoint: Endpoint::parse(url, dialect).unwrap(),
        dialect,
        models: vec![MODEL.to_owned()],
        tasks: vec!["code".to_owned()],
        priority,
        max_concurrent: None,
        timeouts: Timeouts { first_byte: Some(Duration::from_secs(20)), ..Timeouts::default() },
        key: None,
        breaker: true,
        proxy: ProxySetting::Direct,
        ca_file: None,
        allow_plain_key: false,
        stream: true,
        api_version: None,
        max_tokens: None,
        max_completion_tokens: false,
        context: None,
        billed: false,
    }
}

/// The same over Ollama's dialect for a running server.
pub(crate) fn ollama(name: &str, server: &ModelServer, priority: i64) -> Host {
    host(name, &server.url(), Speaks::Ollama, priority)
}

pub(crate) fn openai(name: &str, server: &ModelServer, priority: i64) -> Host {
    host(name, &server.url(), Speaks::OpenAi, priority)
}

pub(crate) fn with_key(host: Host) -> Host {
    Host { key: Some(KeySource::Env("KEY".to_owned())), ..host }
}

pub(crate) fn classes(failed: &Failed) -> Vec<Option<Class>> {
    failed.attempts.iter().map(|attempt| attempt.class).collect()
}

/// Waits that take no time.
#[derive(Debug, Clone, Default)]
pub(crate) struct Naps(Arc<Mutex<Vec<Duration>>>);

impl Naps {
    pub(crate) fn taken(&self) -> Vec<Duration> {
        std::mem::take(&mut *self.0.lock().unwrap())
    }
}

impl Sleeper for Naps {
    fn sleep(&self, duration: Duration) {
        self.0.lock().unwrap().push(duration);
    }

    fn sleep_unless(&self, duration: Duration, cancel: &CancelToken) -> bool {
        self.sleep(duration);
        !cancel.is_cancelled()
    }
}

/// Boot time that moves as the manual clock does.
#[derive(Debug)]
struct Boot(ManualClock);

impl BootClock for Boot {
    fn since_boot(&self) -> Duration {
        self.0.monotonic().saturating_add(Duration::from_hours(1))
    }
}
