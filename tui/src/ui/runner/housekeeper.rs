//! The thread that keeps the vacuum daemon of core/db running while the UI is open.
//!
//! It begins a minute after the start: a program that starts has better things to do, and most sessions are
//! shorter. It follows the project when the UI moves to another, and a file that was replaced.

use std::sync::mpsc::Sender;
use std::time::Duration;

use conclave_db::FileIdentity;
use conclave_db::vacuum::{VacuumDaemon, VacuumSchedule, VacuumStats, spawn_daemon};

use super::Shared;
use crate::project::Project;
use crate::ui::message::Msg;

/// How long after the start it begins, and how often it looks whether the file is still the same.
const LOOK: Duration = Duration::from_mins(1);

/// Keeps the daemon running until nobody listens any more.
pub(super) fn serve(shared: &Shared, messages: &Sender<Msg>) {
    let runtime = match tokio::runtime::Builder::new_current_thread().enable_time().build() {
        Ok(runtime) => runtime,
        Err(error) => {
            tracing::warn!(%error, "no vacuum in this session");
            return;
        }
    };
    runtime.block_on(async {
        let mut running: Option<Running> = None;
        loop {
            tokio::time::sleep(LOOK).await;
            let project = shared.project();
            let identity = FileIdentity::of(&project.database).ok().flatten();
            if let Some(old) = running.take_if(|running| Some(running.identity) != identity) {
                old.daemon.shutdown().await;
            }
            if running.is_none()
                && let Some(identity) = identity
            {
                running = begin(&project, identity);
            }
            if let Some(running) = &mut running
                && let Some(stats) = running.news()
                && messages.send(Msg::Vacuumed(Box::new(stats))).is_err()
            {
                return;
            }
        }
    });
}

struct Running {
    daemon: VacuumDaemon,
    identity: FileIdentity,
    told: Option<VacuumStats>,
}

impl Running {
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
    let daemon = spawn_daemon(project.open().ok()?, VacuumSchedule::default());
    let daemon = daemon.inspect_err(|error| tracing::warn!(%error, "no vacuum in this session")).ok()?;
    Some(Running { daemon, identity, told: None })
}
