//! The thread that keeps the vacuum daemon of core/db running while the UI is open, and what its reads find
//! different on both sides of a migration.
//!
//! It begins a minute after the start: a program that starts has better things to do, and most sessions are
//! shorter. It follows the project when the UI moves to another, and a file that was replaced.

use std::sync::mpsc::Sender;
use std::time::Duration;

use conclave_consensus::shadow;
use conclave_db::vacuum::{VacuumDaemon, VacuumSchedule, VacuumStats, spawn_daemon};
use conclave_db::{Db, FileIdentity};

use tokio::sync::{mpsc, oneshot};
use tokio::time::timeout;

use super::Shared;
use crate::project::Project;
use crate::ui::message::Msg;

/// How long after the start it begins, and how often it looks whether the file is still the same.
const LOOK: Duration = Duration::from_mins(1);

/// What the housekeeper is told.
#[derive(Debug)]
pub(super) enum Order {
    /// End the daemon, and say when it has ended: a process that is stopped must hold no lock.
    Rest(oneshot::Sender<()>),
    /// Go on.
    GoOn,
}

/// Keeps the daemon running until nobody gives orders or listens any more.
pub(super) fn serve(shared: &Shared, mut orders: mpsc::UnboundedReceiver<Order>, messages: &Sender<Msg>) {
    match tokio::runtime::Builder::new_current_thread().enable_time().build() {
        Ok(runtime) => runtime.block_on(keep_house(shared, &mut orders, messages)),
        Err(error) => tracing::warn!(%error, "no vacuum in this session"),
    }
}

async fn keep_house(shared: &Shared, orders: &mut mpsc::UnboundedReceiver<Order>, messages: &Sender<Msg>) {
    let mut running: Option<Running> = None;
    loop {
        match timeout(LOOK, orders.recv()).await {
            Ok(Some(Order::Rest(ended))) => {
                end(running.take()).await;
                // Who asked may have gone on without waiting.
                let _ = ended.send(());
                if orders.recv().await.is_none() {
                    return;
                }
            }
            Ok(Some(Order::GoOn)) => {}
            Ok(None) => return end(running.take()).await,
            Err(_elapsed) => {
                let project = shared.project();
                let identity = FileIdentity::of(&project.database).ok().flatten();
                end(running.take_if(|running| Some(running.identity) != identity)).await;
                if running.is_none()
                    && let Some(identity) = identity
                {
                    running = begin(&project, identity);
                }
                if let Some(running) = &mut running {
                    running.keep_differences(&shared.actor);
                    if let Some(stats) = running.news()
                        && messages.send(Msg::Vacuumed(Box::new(stats))).is_err()
                    {
                        return;
                    }
                }
            }
        }
    }
}

async fn end(running: Option<Running>) {
    if let Some(running) = running {
        running.daemon.shutdown().await;
    }
}

struct Running {
    db: Db,
    daemon: VacuumDaemon,
    identity: FileIdentity,
    told: Option<VacuumStats>,
}

impl Running {
    /// Reads write nothing: what they found waits here for somebody who may.
    fn keep_differences(&self, actor: &str) {
        if let Err(error) = shadow::keep(&self.db, shadow::take_findings(&self.db), actor) {
            tracing::warn!(%error, "keep what reads found");
        }
    }

    /// What the daemon did since the last time that it was asked.
    fn news(&mut self) -> Option<VacuumStats> {
        let last = self.daemon.last().filter(|last| Some(last) != self.told.as_ref())?;
        self.told = Some(last.clone());
        Some(last)
    }
}

fn begin(project: &Project, identity: FileIdentity) -> Option<Running> {
    // A state that needs a migration first is not opened for writing behind the user's back.
    project.open_read_only().ok().flatten()?;
    let db = project.open().ok()?;
    let daemon = spawn_daemon(db.clone(), VacuumSchedule::default());
    let daemon = daemon.inspect_err(|error| tracing::warn!(%error, "no vacuum in this session")).ok()?;
    Some(Running { db, daemon, identity, told: None })
}
