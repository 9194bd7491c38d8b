//! What the reading thread reads of leases, ports and architects.

use conclave_db::process::{self, Liveness, ProcessIdentity};
use conclave_db::{Db, FileIdentity};
use conclave_leases::Leases;
use conclave_registry::agents::{self, Kind};
use conclave_registry::ports;

use super::Shared;
use crate::failure::{Doing, Failure};
use crate::machine::Machine;
use crate::project::Project;
use crate::ui::problem::Problem;
use crate::ui::screens::agents::Row as AgentRow;
use crate::ui::screens::coordination::{Found, Ports, Row};

/// The machine-wide file, open as long as it is the same one.
#[derive(Debug, Default)]
pub(super) struct Global {
    open: Option<(FileIdentity, Db)>,
}

impl Global {
    /// The file; `None` where there is none.
    pub(super) fn opened(&mut self, machine: &Machine) -> Result<Option<Db>, Failure> {
        let identity = FileIdentity::of(machine.database()).ok().flatten();
        if let Some((known, db)) = &self.open
            && Some(*known) == identity
        {
            return Ok(Some(db.clone()));
        }
        let db = machine.open_read_only()?;
        self.open = identity.zip(db.clone());
        Ok(db)
    }
}

/// All that the screen shows. What cannot be read of the machine-wide file is told beside the rest.
pub(super) fn read(db: &Db, global: &mut Global, shared: &Shared) -> Result<Found, Failure> {
    let project = shared.project();
    let agents = agents::list(db).doing("read the architects")?;
    let architects = agents.iter().filter(|agent| agent.key.kind == Kind::Architect);
    let mut found = Found {
        leases: leases(db, false)?,
        architects: architects.map(|agent| AgentRow::of(agent, &project.root)).collect(),
        ..Found::default()
    };
    let Some(machine) = &shared.machine else { return Ok(found) };
    match global.opened(machine).and_then(|db| db.map(|db| of_machine(&db, &project, shared)).transpose()) {
        Ok(None) => {}
        Ok(Some((leases, ports))) => {
            found.leases.extend(leases);
            found.ports = Some(ports);
        }
        Err(failure) => {
            let failure = failure.doing("read what the machine has");
            found.problem = Some(Problem::from(failure));
        }
    }
    Ok(found)
}

fn of_machine(global: &Db, project: &Project, shared: &Shared) -> Result<(Vec<Row>, Ports), Failure> {
    Ok((leases(global, true)?, of_ports(global, project, shared)?))
}

fn leases(db: &Db, is_global: bool) -> Result<Vec<Row>, Failure> {
    let known = Leases::new(db.clone()).and_then(|leases| leases.list()).doing("read the leases")?;
    let now = db.clock().wall_ms();
    Ok(known.iter().map(|status| Row::of(status, is_global, now, is_there)).collect())
}

/// Whether it still runs, or may: whoever acquires a lease by a command of its own is gone when that ends, and its
/// number may be anybody's by then.
fn is_there(process: &ProcessIdentity) -> bool {
    process::liveness(process) != Liveness::Dead
}

fn of_ports(global: &Db, project: &Project, shared: &Shared) -> Result<Ports, Failure> {
    let all = ports::blocks(global).doing("read the ports")?;
    let here = ports::known_block(global, project.owner()).doing("read the ports")?.map(|block| block.base);
    let name = |path: &str| {
        let last = path.trim_end_matches('/').rsplit('/').next();
        last.filter(|name| !name.is_empty()).unwrap_or(path).to_owned()
    };
    let others = all.iter().filter(|(base, _)| Some(*base) != here);
    let is_free = |base: &u16| !all.iter().any(|(taken, _)| taken == base);
    let first = project.first_base(&shared.environment)?;
    Ok(Ports {
        here,
        others: others.map(|(base, project)| (*base, name(project))).collect(),
        free: first.bases().filter(is_free).count() as u64,
    })
}
