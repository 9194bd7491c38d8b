//! The model server's own promises.
#![expect(clippy::unwrap_used, reason = "a panic is a failed test")]

use std::io::{ErrorKind, Read, Write};
use std::net::TcpStream;
use std::time::Duration;

use conclave_testkit::{ModelServer, Reply, Speaks};

/// Sends a request and leaves the connection to the caller.
fn ask(server: &ModelServer, text: &str) -> TcpStream {
    let mut stream = TcpStream::connect(server.address()).unwrap();
    stream.write_all(text.as_bytes()).unwrap();
    stream
}

fn get(path: &str) -> String {
    format!("GET {path} HTTP/1.1\r\nhost: h\r\nconnection: close\r\n\r\n")
}

fn post(path: &str, body: &str) -> String {
    format!("POST {path} HTTP/1.1\r\nX-Api-Key: k\r\ncontent-length: {}\r\n\r\n{body}", body.len())
}

/// Everything until the end of the connection.
fn all(mut stream: TcpStream) -> String {
    let mut text = String::new();
    stream.read_to_string(&mut text).unwrap();
    text
}

#[test]
fn each_path_has_its_answer_and_what_was_asked_is_kept() {
    let server = ModelServer::answering(Speaks::Ollama, &["m:1"], "héllo");
    server.once("/api/chat", Speaks::Ollama.failure(503, "", "server busy").close());
    let busy = all(ask(&server, &post("/api/chat?x=1", "{\"a\":1}")));
    assert!(busy.starts_with("HTTP/1.1 503 ") && busy.ends_with("{\"error\":\"server busy\"}"), "{busy}");
    let answer = all(ask(&server, &post("/api/chat", "{}")));
    assert!(
        answer.contains("\"hé\"") && answer.contains("\"llo\"") && answer.contains("\"done\":true"),
        "{answer}"
    );
    assert_eq!((server.connections(), server.count("/api/chat"), server.questions()), (2, 2, 2));
    let first = &server.requests()[0];
    assert_eq!((first.header("x-api-key"), first.text().as_str()), (Some("k"), "{\"a\":1}"));
    assert_eq!((first.query.as_deref(), first.connection), (Some("x=1"), 1));
}

#[test]
fn a_connection_is_used_again_and_chunks_are_read() {
    let server = ModelServer::start();
    server.script("/a", Reply::json(200, "{}"));
    let mut stream =
        ask(&server, "POST /a HTTP/1.1\r\ntransfer-encoding: chunked\r\n\r\n3\r\nabc\r\n1\r\nd\r\n0\r\n\r\n");
    server.wait_for("/a", 1);
    stream.write_all(get("/none").as_bytes()).unwrap();
    server.wait_for("/none", 1);
    drop(stream);
    let requests = server.requests();
    assert_eq!((requests[0].text().as_str(), requests[1].method.as_str()), ("abcd", "GET"));
    assert_eq!(server.connections(), 1);
}

#[test]
fn held_ones_are_counted_and_wait_until_they_are_released() {
    let server = ModelServer::start();
    server.script("/a", Reply::json(200, "1").close().held());
    let streams: Vec<TcpStream> = (0..3).map(|_| ask(&server, &post("/a", "{}"))).collect();
    server.wait_for("/a", 3);
    assert_eq!((server.most_at_once(), server.most_open_at_once()), (3, 3));
    let look = |stream: &TcpStream| {
        stream.set_nonblocking(true).unwrap();
        let looked = stream.peek(&mut [0]).map_err(|error| error.kind());
        stream.set_nonblocking(false).unwrap();
        looked
    };
    assert!(
        streams.iter().all(|stream| look(stream) == Err(ErrorKind::WouldBlock)),
        "nobody has an answer yet"
    );
    server.release(3);
    for stream in streams {
        assert!(all(stream).ends_with("\r\n\r\n1"));
    }
    server.wait_until_idle();
    assert_eq!(server.gone(), 0);
}

#[test]
fn a_client_that_goes_is_noticed() {
    let server = ModelServer::start();
    server.script("/hang", Reply::hang());
    server
        .script("/ping", Reply::stream("text/event-stream").forever(": ping\n\n", Duration::from_millis(1)));
    server
        .script("/slow", Reply::stream("text/plain").trickle("x".repeat(1 << 20), Duration::from_millis(1)));
    for (number, path) in ["/hang", "/ping", "/slow"].into_iter().enumerate() {
        let stream = ask(&server, &get(path));
        server.wait_for(path, 1);
        drop(stream);
        server.wait_for_gone(number + 1);
    }
    server.wait_until_idle();
}

#[test]
fn a_reset_is_one_and_a_close_is_in_order() {
    let server = ModelServer::start();
    server.script("/reset", Reply::new().write("HTTP").reset());
    server.script("/close", Reply::new().in_pieces("HTTP/1.1", 3).close());
    let mut stream = ask(&server, &get("/reset"));
    let mut text = String::new();
    let error = stream.read_to_string(&mut text).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::ConnectionReset);
    assert_eq!(all(ask(&server, &get("/close"))), "HTTP/1.1");
}

#[test]
fn a_killed_server_refuses_and_closes_what_it_held() {
    let mut server = ModelServer::start();
    server.script("/hang", Reply::hang());
    let stream = ask(&server, &get("/hang"));
    server.wait_for("/hang", 1);
    server.kill();
    assert_eq!(all(stream), "");
    assert_eq!(TcpStream::connect(server.address()).unwrap_err().kind(), ErrorKind::ConnectionRefused);
    assert_eq!((server.gone(), server.connections()), (0, 1));
    // Another one can stand where it stood.
    let again = ModelServer::on(&server.address().to_string());
    assert_eq!(again.url(), server.url());
    assert!(ModelServer::nowhere().starts_with("http://127.0.0.1:"));
}

#[test]
fn every_dialect_has_a_whole_answer_and_a_cut_one() {
    for speaks in Speaks::ALL {
        let (whole, cut) = (speaks.body("m", "some text"), speaks.beginning("m", "some text"));
        assert!(whole.starts_with(&cut) && whole.len() > cut.len(), "{whole}");
        assert!(whole.contains("some") && whole.contains("text"), "{whole}");
    }
}
