//! The thread that keeps the file small while the UI is open: it runs the vacuum daemon of `core/db`.
//!
//! It opens the state for writing only after its first minute: the first frame is not to wait for it, and a UI
//! that somebody opens for a look writes nothing. While the program is stopped (Ctrl-Z) the daemon has ended, so
//! that nobody waits for a lock of a stopped process.

use std::time::Duration;

use conclave_db::vacuum::{VacuumDaemon, VacuumSchedule, spawn_daemon};
use tokio::sync::{mpsc, oneshot};
use tokio::time::timeout;

use super::Shared;

/// How long the UI is open before the daemon starts, and is tried again after it could not.
const FIRST: Duration = Duration::from_mins(1);

/// What the caretaker is told.
#[derive(Debug)]
pub(super) enum Order {
    /// End the daemon, and say when it has ended.
    Rest(oneshot::Sender<()>),
    /// Go on.
    GoOn,
}

/// Serves until the sender of orders is gone.
pub(super) fn serve(shared: &Shared, mut orders: mpsc::UnboundedReceiver<Order>) {
    match tokio::runtime::Builder::new_current_thread().enable_time().build() {
        Ok(runtime) => runtime.block_on(take_care(shared, &mut orders)),
        Err(error) => tracing::warn!(%error, "no vacuum daemon"),
    }
}

async fn take_care(shared: &Shared, orders: &mut mpsc::UnboundedReceiver<Order>) {
    let mut daemon: Option<VacuumDaemon> = None;
    let mut resting = false;
    loop {
        let order = if daemon.is_some() || resting {
            orders.recv().await
        } else if let Ok(order) = timeout(FIRST, orders.recv()).await {
            order
        } else {
            daemon = start(shared);
            continue;
        };
        match order {
            Some(Order::Rest(ended)) => {
                resting = true;
                if let Some(daemon) = daemon.take() {
                    daemon.shutdown().await;
                }
                // Who asked may have gone on without waiting.
                let _ = ended.send(());
            }
            Some(Order::GoOn) => resting = false,
            None => {
                if let Some(daemon) = daemon.take() {
                    daemon.shutdown().await;
                }
                return;
            }
        }
    }
}

/// `None` where there is no state yet, or none that can be written now.
fn start(shared: &Shared) -> Option<VacuumDaemon> {
    let project = shared.project();
    if !project.has_state() {
        return None;
    }
    let opened = project.open().map_err(|failure| failure.message);
    let started =
        opened.and_then(|db| spawn_daemon(db, VacuumSchedule::default()).map_err(|error| error.to_string()));
    started.inspect_err(|error| tracing::warn!(error, "no vacuum daemon; it is tried again")).ok()
}
