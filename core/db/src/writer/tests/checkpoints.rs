//! A checkpoint is the writer's own affair: nobody waits for it who need not.

use std::fs::File;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::{Receiver, channel};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use conclave_retry::{Clock, SystemClock};

use super::{block_on, fixture_with};
use crate::Db;
use crate::file::beside;

/// The time, which the writer asks for first when it checkpoints: then this looks around.
#[derive(Debug)]
struct LooksAround {
    /// Whose checkpoint it is; nobody's before and after.
    db: Mutex<Option<Db>>,
    answered: Mutex<Receiver<()>>,
    in_time: AtomicBool,
    turn_free: AtomicBool,
}

impl Clock for LooksAround {
    fn monotonic(&self) -> Duration {
        let checkpoints = self.db.lock().unwrap().take_if(|db| db.metrics().checkpoints > 0);
        if let Some(db) = checkpoints {
            let turn = File::options().write(true).open(beside(db.path(), "-turn")).unwrap();
            self.turn_free.store(turn.try_lock().is_ok(), Ordering::SeqCst);
            let answered = self.answered.lock().unwrap().recv_timeout(Duration::from_secs(10));
            self.in_time.store(answered.is_ok(), Ordering::SeqCst);
        }
        SystemClock.monotonic()
    }

    fn wall_ms(&self) -> i64 {
        SystemClock.wall_ms()
    }
}

#[test]
fn neither_callers_nor_other_processes_wait_for_a_checkpoint() {
    let (tell, answered) = channel();
    let clock = Arc::new(LooksAround {
        db: Mutex::default(),
        answered: Mutex::new(answered),
        in_time: AtomicBool::new(false),
        turn_free: AtomicBool::new(false),
    });
    let as_clock: Arc<dyn Clock> = Arc::<LooksAround>::clone(&clock);
    let fixture = fixture_with(|options| options.clock(as_clock).checkpoint_pages(1));
    *clock.db.lock().unwrap() = Some(fixture.db.clone());
    let write =
        fixture.db.write_async("due", |tx| tx.execute("INSERT INTO item(text) VALUES('a')", []).map(drop));
    block_on(write).unwrap();
    tell.send(()).unwrap();
    // The writer is at the checkpoint still, or through with it when this is.
    fixture.db.maintain(|_| Ok(())).unwrap();
    assert_eq!(fixture.db.metrics().checkpoints, 1);
    assert!(clock.in_time.load(Ordering::SeqCst), "the caller waited for the checkpoint");
    assert!(clock.turn_free.load(Ordering::SeqCst), "other processes waited for the checkpoint");
}
