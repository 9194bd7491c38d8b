//! What of a caller travels with its closure to whatever thread runs it, and how it is named there.

use std::sync::{Arc, Mutex};
use std::time::Duration;

use conclave_retry::ManualClock;
use conclave_testkit::notices_of;
use tracing::span::Id;
use tracing::{Level, Subscriber};
use tracing_subscriber::Layer;
use tracing_subscriber::layer::{Context, SubscriberExt};
use tracing_subscriber::registry::LookupSpan;

use super::{Write, fixture, fixture_with, insert, kinds};
use crate::{Db, DbError, DbOptions};

/// Notes which span is entered on which thread.
#[derive(Clone, Default)]
struct Entered(Arc<Mutex<Vec<String>>>);

impl<S: Subscriber + for<'span> LookupSpan<'span>> Layer<S> for Entered {
    fn on_enter(&self, id: &Id, context: Context<'_, S>) {
        let span = context.span(id).unwrap();
        let thread = std::thread::current();
        let noted = format!("{} on {}", span.name(), thread.name().unwrap_or_default());
        self.0.lock().unwrap().push(noted);
    }
}

#[test]
fn a_closure_runs_in_the_span_of_its_caller() {
    let fixture = fixture();
    let entered = Entered::default();
    let spans = tracing_subscriber::registry().with(entered.clone());
    let future = tracing::subscriber::with_default(spans, || {
        let _inside = tracing::info_span!("caller").entered();
        // Kept from running until the span of this thread has ended.
        fixture.db.maintain(|_| Ok(fixture.db.write_async("async", |_| Ok::<_, DbError>(())))).unwrap()
    });
    super::block_on(future).unwrap();
    let noted = entered.0.lock().unwrap();
    assert!(noted.contains(&"caller on conclave-writer".to_owned()), "{noted:?}");
}

#[test]
fn a_closure_has_the_clock_of_its_callers_handle() {
    let fixture = fixture();
    let handle = |wall_ms| {
        let clock = Arc::new(ManualClock::at_wall_ms(wall_ms));
        Db::open(DbOptions::new(fixture.db.path(), super::schema()).clock(clock)).unwrap()
    };
    let writes = [handle(1_000), handle(2_000), handle(3_000)].map(|own| {
        Box::new(move |_: &Db| {
            own.write("now", |tx| {
                assert_eq!(tx.clock().wall_ms(), tx.now_ms());
                let now = tx.now_ms().to_string();
                tx.execute("INSERT INTO item(text) VALUES(?1)", [now]).map(drop)
            })
        }) as Write
    });
    let before = fixture.commits();
    assert_eq!(kinds(&fixture.as_one_group(writes.into())), [None; 3]);
    assert_eq!(fixture.commits() - before, 1, "led by one of them");
    assert_eq!(fixture.texts(), ["1000", "2000", "3000"]);
}

/// Everyone else waited for it: whose it was must be found.
#[test]
fn a_slow_closure_is_named() {
    for (ms, named) in [(99, false), (100, true)] {
        let clock = ManualClock::new();
        let fixture = fixture_with(|options| options.clock(Arc::new(clock.clone())));
        let ((), told) = notices_of(Level::WARN, || {
            insert("quick")(&fixture.db).unwrap();
            let slow = fixture.db.write("the slow one", move |_| {
                clock.advance(Duration::from_millis(ms));
                Ok::<_, DbError>(())
            });
            slow.unwrap();
        });
        let told: Vec<_> = told.iter().filter(|line| line.contains("slow write")).collect();
        assert_eq!(told.len(), usize::from(named), "{ms} ms: {told:?}");
        assert!(told.iter().all(|line| line.contains("the slow one")), "{told:?}");
    }
}
