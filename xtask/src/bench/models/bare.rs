//! The peer: one request over a socket, read until the server closes.

use std::io::{Read as _, Write as _};
use std::net::{SocketAddr, TcpStream};
use std::path::PathBuf;
use std::process::ExitCode;

use crate::outcome::Outcome;

pub(super) const NAME: &str = "one request over a socket, no client";

/// What one process is to ask.
#[derive(Debug, clap::Args)]
pub(crate) struct Options {
    address: SocketAddr,
    /// The body of the question.
    body: PathBuf,
}

/// The child's side.
pub(crate) fn child(options: &Options) -> Outcome<ExitCode> {
    ask(options.address, &std::fs::read(&options.body)?)?;
    Ok(ExitCode::SUCCESS)
}

/// Asks, and looks whether the end of an answer of Ollama came.
pub(super) fn ask(address: SocketAddr, body: &[u8]) -> Outcome {
    let mut stream = TcpStream::connect(address)?;
    stream.set_nodelay(true)?;
    let length = body.len();
    let mut request = format!(
        "POST /api/chat HTTP/1.1\r\nhost: {address}\r\ncontent-type: application/json\r\ncontent-length: {length}\r\n\r\n"
    )
    .into_bytes();
    request.extend_from_slice(body);
    stream.write_all(&request)?;
    let mut answer = Vec::with_capacity(4096);
    stream.read_to_end(&mut answer)?;
    const END: &[u8] = b"\"done\":true";
    if answer.windows(END.len()).any(|piece| piece == END) { Ok(()) } else { Err("no whole answer".into()) }
}
