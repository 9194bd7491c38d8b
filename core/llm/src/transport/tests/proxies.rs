//! Requests that go through a proxy.

use std::io::{Read, Write};
use std::net::TcpStream;

use super::encryption::{answer, certificates};
use super::server::{Peer, Server, closed_port};
use super::{Request, SHORT, TransportError};

/// A name that nobody has: only the proxy can know where it is.
const HOST: &str = "http://host.invalid:8080";

fn request(url: &str, proxy: &str) -> Request {
    let mut request = Request::to(url);
    request.proxy = Some(proxy.to_owned());
    request
}

/// A proxy that answers requests itself.
fn proxy(status: &'static str, kind: &'static str, body: &'static str) -> Server {
    Server::new(move |peer| {
        peer.request();
        peer.answer(status, kind, body);
    })
}

fn local(error: &TransportError, word: &str) {
    assert!(matches!(error, TransportError::Local(why) if why.contains(word)), "{error:?}");
}

fn untrusted(error: &TransportError, word: &str) {
    assert!(matches!(error, TransportError::Untrusted(why) if why.contains(word)), "{error:?}");
}

#[test]
fn without_encryption_the_proxy_reads_the_whole_url() {
    let server = proxy("200 OK", "application/json", "{}");
    let with_user = server.url().replace("http://", "http://name:hunter2@");
    for (url, user) in [(server.url(), None), (with_user, Some("Basic bmFtZTpodW50ZXIy"))] {
        assert_eq!(request(HOST, &url).whole().expect("an answer").1, "{}");
        let sent = server.request();
        assert!(sent.starts_with("POST http://host.invalid:8080/v1/chat/completions HTTP/1.1\r\n"), "{sent}");
        assert!(sent.contains("host: host.invalid:8080\r\n"), "{sent}");
        let found = sent.lines().find_map(|line| line.strip_prefix("proxy-authorization: "));
        assert_eq!(found, user);
        assert!(sent.ends_with(r#"{"model":"m"}"#), "{sent}");
    }
}

#[test]
fn with_encryption_the_proxy_only_connects() {
    let server = Server::new(|peer| answer(peer, "HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\n{}"));
    let target = server.address;
    let tunnel = Server::new(move |peer| {
        let _ = peer.request();
        // What it says besides is the proxy's, and no byte after it may be lost.
        peer.write("HTTP/1.1 200 Connection established\r\nvia: proxy\r\n\r\n");
        let mut forth = TcpStream::connect(target).unwrap();
        let mut back = (forth.try_clone().unwrap(), peer.stream.try_clone().unwrap());
        std::thread::spawn(move || {
            let _ = std::io::copy(&mut back.0, &mut back.1);
            let _ = back.1.shutdown(std::net::Shutdown::Both);
        });
        let mut buffer = [0; 1000];
        while let Ok(count @ 1..) = peer.stream.read(&mut buffer) {
            if forth.write_all(&buffer[..count]).is_err() {
                break;
            }
        }
    });
    let url = format!("https://127.0.0.1:{}", target.port());
    let with_user = tunnel.url().replace("http://", "http://name:hunter2@");
    let mut request = request(&url, &with_user);
    request.ca_file = Some(certificates("authority.pem"));
    assert_eq!(request.whole().expect("an answer").1, "{}");
    let sent = tunnel.request();
    assert!(sent.starts_with(&format!("CONNECT {target} HTTP/1.1\r\nHost: {target}\r\n")), "{sent}");
    assert!(sent.contains("Proxy-Authorization: Basic bmFtZTpodW50ZXIy\r\n"), "{sent}");
    assert!(!sent.contains("authorization: Bearer"), "{sent}");
}

// llm L12: none of this is the host's.
#[test]
fn what_a_proxy_does_wrong_is_not_the_hosts() {
    let dead = format!("http://{}", closed_port());
    for url in [HOST, "https://host.invalid"] {
        local(&request(url, &dead).error(), "connection refused");
        local(&request(url, "socks5://127.0.0.1:1").error(), "neither http nor https");
        for status in ["502 Bad Gateway", "503 Service Unavailable", "504 Gateway Timeout"] {
            local(&request(url, &proxy(status, "text/plain", "no").url()).error(), &status[..3]);
        }
        for user in ["", "name:hunter2@"] {
            let proxy = proxy("407 Proxy Authentication Required", "text/html", "no");
            let error = request(url, &proxy.url().replace("http://", &format!("http://{user}"))).error();
            untrusted(&error, "407");
            assert!(!format!("{error:?}").contains("hunter2"), "{error:?}");
        }
    }
    local(
        &request(HOST, &proxy("200 OK", "text/html; charset=utf-8", "<h1>Log in").url()).error(),
        "in place of",
    );
    let silent = Server::new(Peer::wait_for_close);
    let mut request = request("https://host.invalid", &silent.url());
    request.limits.connect = SHORT;
    local(&request.error(), "300 ms");
}

#[test]
fn what_comes_from_behind_a_proxy_is_the_hosts() {
    for status in ["400 Bad Request", "500 Internal Server Error", "503 Service Unavailable"] {
        let proxy = proxy(status, "application/json; charset=utf-8", r#"{"error":"busy"}"#);
        let (found, body) = request(HOST, &proxy.url()).whole().expect("an answer");
        assert_eq!((found.to_string().as_str(), body.as_str()), (&status[..3], r#"{"error":"busy"}"#));
    }
}

#[test]
fn a_proxy_that_answers_nonsense_to_connect_is_told() {
    for (answer, word) in [
        ("", "closed"),
        ("SSH-2.0\r\n\r\n", "no HTTP"),
        ("HTTP/1.1 x\r\n\r\n", "no HTTP"),
        ("HTTP/1.1 403 Forbidden\r\n\r\n", "403"),
        ("HTTP/1.0 200", "closed"),
    ] {
        let proxy = Server::new(move |peer| {
            peer.request();
            peer.write(answer);
        });
        local(&request("https://host.invalid", &proxy.url()).error(), word);
    }
    let endless = Server::new(|peer| {
        peer.request();
        peer.write("HTTP/1.1 200 OK\r\n");
        while peer.write("x: y\r\n") {}
    });
    local(&request("https://host.invalid", &endless.url()).error(), "no end");
    endless.wait_for_end();
}
