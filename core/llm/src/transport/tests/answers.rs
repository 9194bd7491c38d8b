//! Answers that come, and those that do not come whole.

use super::server::{Server, closed_port};
use super::{Request, TransportError};

#[test]
fn a_request_is_written_and_its_answer_read() {
    let server = Server::new(|peer| {
        peer.request();
        peer.answer("200 OK", "application/json", "{}");
    });
    let request = Request::to(&server.url());
    assert_eq!(request.whole().expect("an answer"), (200, "{}".to_owned()));
    let sent = server.request();
    assert!(sent.starts_with("POST /v1/chat/completions HTTP/1.1\r\n"), "{sent}");
    assert!(sent.contains(&format!("host: {}\r\n", server.address)), "{sent}");
    assert!(sent.contains("user-agent: conclave/"), "{sent}");
    assert!(!sent.to_lowercase().contains("expect:"), "{sent}");
    assert!(sent.ends_with(r#"{"model":"m"}"#), "{sent}");
}

#[test]
fn a_closed_port_is_unreachable() {
    let error = Request::to(&format!("http://{}", closed_port())).error();
    assert!(matches!(&error, TransportError::Unreachable(why) if why.contains("refused")), "{error:?}");
}
