//! `PostgreSQL` advisory locks over TCP, spoken by hand: a benchmark is no reason to depend on a driver.
//!
//! Of the protocol (<https://www.postgresql.org/docs/current/protocol.html>) there is what two prepared statements
//! need, on a server that lets the user in without a password, as one for tests does.

use std::io::{BufReader, BufWriter, Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::time::Duration;

use crate::outcome::Outcome;

pub(crate) const NAME: &str = "PostgreSQL, advisory lock and unlock, prepared, TCP";

/// Nobody there says so at once on this machine.
const PATIENCE: Duration = Duration::from_secs(5);
/// Longer answers are none to what is asked here.
const LONGEST: usize = 1 << 16;

/// A session.
#[derive(Debug)]
pub(crate) struct Session {
    input: BufReader<TcpStream>,
    output: BufWriter<TcpStream>,
}

/// Where the server is and who asks, as its own tools are told: `PGPORT`, `PGUSER`, `PGDATABASE`; only on this machine.
#[derive(Debug, Clone)]
pub(crate) struct Place {
    address: SocketAddr,
    user: String,
    database: String,
}

impl Place {
    pub(crate) fn of_environment() -> Self {
        let variable = |name: &str| std::env::var(name).ok().filter(|value| !value.is_empty());
        let port = variable("PGPORT").and_then(|port| port.parse().ok()).unwrap_or(5432);
        let user = variable("PGUSER").unwrap_or_else(|| "postgres".to_owned());
        let database = variable("PGDATABASE").unwrap_or_else(|| user.clone());
        Self { address: SocketAddr::from(([127, 0, 0, 1], port)), user, database }
    }
}

impl Session {
    /// Connects and prepares both statements; fails where nobody is there or a password is wanted.
    pub(crate) fn open(place: &Place) -> Outcome<Self> {
        let stream = TcpStream::connect_timeout(&place.address, PATIENCE)?;
        stream.set_nodelay(true)?;
        stream.set_read_timeout(Some(PATIENCE))?;
        let mut session = Self { input: BufReader::new(stream.try_clone()?), output: BufWriter::new(stream) };
        let mut hello = 196_608_u32.to_be_bytes().to_vec();
        for text in ["user", &place.user, "database", &place.database, ""] {
            zero_ended(&mut hello, text);
        }
        session.output.write_all(&u32::try_from(hello.len() + 4)?.to_be_bytes())?;
        session.output.write_all(&hello)?;
        session.output.flush()?;
        session.until_ready()?;
        for (name, sql) in
            [("lock", "SELECT pg_try_advisory_lock($1)"), ("unlock", "SELECT pg_advisory_unlock($1)")]
        {
            let mut parse = Vec::new();
            zero_ended(&mut parse, name);
            zero_ended(&mut parse, sql);
            // One parameter, a bigint (its number in `pg_type`).
            parse.extend(1_u16.to_be_bytes());
            parse.extend(20_u32.to_be_bytes());
            session.send(b'P', &parse)?;
            session.sync()?;
        }
        Ok(session)
    }

    /// Takes the lock and gives it back.
    pub(crate) fn lock_and_unlock(&mut self, key: i64) -> Outcome {
        for statement in ["lock", "unlock"] {
            if !self.execute(statement, key)? {
                return Err(format!("{statement}: false").into());
            }
        }
        Ok(())
    }

    /// One statement, one round trip.
    fn execute(&mut self, statement: &str, key: i64) -> Outcome<bool> {
        let mut bind = Vec::new();
        // The portal without a name; the parameter and the result in binary.
        zero_ended(&mut bind, "");
        zero_ended(&mut bind, statement);
        for word in [1_u16, 1, 1] {
            bind.extend(word.to_be_bytes());
        }
        bind.extend(8_u32.to_be_bytes());
        bind.extend(key.to_be_bytes());
        for word in [1_u16, 1] {
            bind.extend(word.to_be_bytes());
        }
        self.send(b'B', &bind)?;
        let mut execute = Vec::new();
        zero_ended(&mut execute, "");
        execute.extend(0_u32.to_be_bytes());
        self.send(b'E', &execute)?;
        let row = self.sync()?.ok_or("no row")?;
        // One column of one byte.
        Ok(row.ends_with(&[0, 0, 0, 1, 1]))
    }

    fn sync(&mut self) -> Outcome<Option<Vec<u8>>> {
        self.send(b'S', &[])?;
        self.output.flush()?;
        self.until_ready()
    }

    fn send(&mut self, kind: u8, body: &[u8]) -> Outcome {
        self.output.write_all(&[kind])?;
        self.output.write_all(&u32::try_from(body.len() + 4)?.to_be_bytes())?;
        Ok(self.output.write_all(body)?)
    }

    /// Reads until the server waits for the next question; gives the row of the answer, if it had one.
    fn until_ready(&mut self) -> Outcome<Option<Vec<u8>>> {
        let mut row = None;
        loop {
            let mut head = [0; 5];
            self.input.read_exact(&mut head)?;
            let [kind, length @ ..] = head;
            let length = usize::try_from(u32::from_be_bytes(length))?.saturating_sub(4);
            if length > LONGEST {
                return Err("no PostgreSQL answers here".into());
            }
            let mut body = vec![0; length];
            self.input.read_exact(&mut body)?;
            match kind {
                b'Z' => return Ok(row),
                b'D' => row = Some(body),
                b'R' if body != [0; 4] => return Err("the server wants a password".into()),
                b'E' => return Err(String::from_utf8_lossy(&body).replace('\0', " ").into()),
                _ => {}
            }
        }
    }
}

fn zero_ended(into: &mut Vec<u8>, text: &str) {
    into.extend(text.as_bytes());
    into.push(0);
}
