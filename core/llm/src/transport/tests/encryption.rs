//! TLS: whom we trust and whom not. The certificates beside it are valid from 2020 to 2120; the authority's key is thrown away,
//! the server's opens nothing but this test.

use std::io::{Read, Write};
use std::net::TcpStream;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use rustls::{ServerConfig, ServerConnection, StreamOwned};
use rustls_pki_types::pem::PemObject;
use rustls_pki_types::{CertificateDer, PrivateKeyDer};

use super::server::{PATIENCE, Peer, Server};
use super::{LONG, Request, SHORT, TransportError};

/// A file of certificates of this test.
pub(super) fn certificates(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("src/transport/tests/certificates").join(name)
}

fn server_config() -> Arc<ServerConfig> {
    let chain: Vec<_> =
        CertificateDer::pem_file_iter(certificates("server.pem")).unwrap().map(Result::unwrap).collect();
    let key = PrivateKeyDer::from_pem_file(certificates("server.key")).unwrap();
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let config = ServerConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_no_client_auth()
        .with_single_cert(chain, key)
        .unwrap();
    Arc::new(config)
}

/// Speaks TLS with the client and answers one request; a client that does not trust us is gone before.
pub(super) fn answer(peer: &mut Peer, answer: &str) {
    if let Some(mut tls) = heard(peer) {
        tls.write_all(answer.as_bytes()).unwrap();
        tls.flush().unwrap();
    }
}

/// The same with a record of its own for the end of the answer, which is sent in thirteen pieces.
pub(super) fn answer_slowly(peer: &mut Peer, begin: &str, end: &str, pause: &dyn Fn()) {
    let mut tls = heard(peer).unwrap();
    tls.write_all(begin.as_bytes()).unwrap();
    tls.flush().unwrap();
    tls.conn.writer().write_all(end.as_bytes()).unwrap();
    let mut record = Vec::new();
    tls.conn.write_tls(&mut record).unwrap();
    for piece in record.chunks(record.len().div_ceil(13)) {
        pause();
        peer.write(piece);
    }
}

/// A connection whose request has been read.
fn heard(peer: &mut Peer) -> Option<StreamOwned<ServerConnection, TcpStream>> {
    let stream = peer.stream.try_clone().unwrap();
    stream.set_read_timeout(Some(PATIENCE)).unwrap();
    let mut tls = StreamOwned::new(ServerConnection::new(server_config()).unwrap(), stream);
    let mut request = Vec::new();
    while !request.ends_with(b"}") {
        let mut buffer = [0; 1000];
        match tls.read(&mut buffer) {
            Ok(count @ 1..) => request.extend_from_slice(&buffer[..count]),
            _ => return None,
        }
    }
    Some(tls)
}

const ANSWER: &str = "HTTP/1.1 200 OK\r\ncontent-length: 6\r\n\r\nsecret";

fn server() -> (Server, String) {
    let server = Server::new(|peer| answer(peer, ANSWER));
    let url = format!("https://127.0.0.1:{}", server.address.port());
    (server, url)
}

fn request(url: &str, ca_file: Option<&str>) -> Request {
    let mut request = Request::to(url);
    request.ca_file = ca_file.map(certificates);
    request
}

// llm L49
#[test]
fn a_certificate_of_nobody_known_is_refused_and_one_of_the_file_accepted() {
    let (server, url) = server();
    for ca_file in [None, Some("other.pem")] {
        let error = request(&url, ca_file).error();
        assert!(matches!(&error, TransportError::Untrusted(why) if why.contains("not trusted")), "{error:?}");
    }
    let by_name = url.replace("127.0.0.1", "localhost");
    for url in [&url, &by_name] {
        let answer = request(url, Some("authority.pem")).whole();
        assert_eq!(answer.expect("an answer"), (200, "secret".to_owned()), "{url}");
    }
    assert_eq!(server.connections(), 4);
}

// llm L49
#[test]
fn a_certificate_of_another_name_is_refused() {
    let (_server, url) = server();
    let error = request(&url.replace("127.0.0.1", "wrong.localhost"), Some("authority.pem")).error();
    assert!(matches!(&error, TransportError::Untrusted(why) if why.contains("wrong.localhost")), "{error:?}");
}

// llm L12, L49
#[test]
fn a_file_of_certificates_that_cannot_be_used_is_named_and_nothing_is_sent() {
    let (server, url) = server();
    for (file, word) in [("absent.pem", "No such file"), ("server.key", "none in it"), ("", "directory")] {
        let error = request(&url, Some(file)).error();
        assert!(matches!(&error, TransportError::Untrusted(why) if why.contains(word)), "{file}: {error:?}");
    }
    let broken = tempfile::NamedTempFile::new().unwrap();
    for text in [
        "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n",
        "-----BEGIN CERTIFICATE-----\nAAAA",
    ] {
        std::fs::write(broken.path(), text).unwrap();
        let mut request = request(&url, None);
        request.ca_file = Some(broken.path().to_owned());
        let error = request.error();
        assert!(matches!(&error, TransportError::Untrusted(_)), "{error:?}");
    }
    assert_eq!(server.connections(), 0);
}

#[test]
fn a_body_that_ends_without_farewell_is_as_long_as_it_is() {
    let server = Server::new(|peer| answer(peer, "HTTP/1.1 200 OK\r\n\r\nuntil the end"));
    let url = format!("https://127.0.0.1:{}", server.address.port());
    let whole = request(&url, Some("authority.pem")).whole();
    assert_eq!(whole.expect("an answer").1, "until the end");
    let server =
        Server::new(|peer| answer(peer, "HTTP/1.1 200 OK\r\ncontent-length: 99\r\n\r\nuntil the end"));
    let url = format!("https://127.0.0.1:{}", server.address.port());
    let error = request(&url, Some("authority.pem")).error();
    assert!(matches!(error, TransportError::Cut(_)), "{error:?}");
}

#[test]
fn a_server_without_encryption_is_told() {
    let server = Server::new(|peer| {
        peer.write("HTTP/1.1 400 Bad Request\r\n\r\n");
        peer.wait_for_close();
    });
    let error = request(&format!("https://{}", server.address), None).error();
    assert!(matches!(&error, TransportError::Garbage(why) if why.contains("http://")), "{error:?}");
    let server = Server::new(|_| {});
    let error = request(&format!("https://{}", server.address), None).error();
    assert!(matches!(error, TransportError::Closed { sent: false, .. }), "{error:?}");
}

/// The greeting belongs to the connecting.
#[test]
fn a_server_that_is_silent_while_tls_is_agreed_on_is_not_connected_to() {
    let server = Server::new(Peer::wait_for_close);
    let mut request = request(&format!("https://{}", server.address), None);
    request.limits.connect = SHORT;
    request.limits.first_byte = LONG;
    let error = request.error();
    assert!(matches!(&error, TransportError::Unreachable(why) if why.contains("300 ms")), "{error:?}");
    server.wait_for_end();
}
