//! The plain way: somebody answers.

use conclave_llm::{Finish, Options};
use conclave_testkit::Speaks;

use crate::scene::{MODEL, Scene, answering, host, stream};

#[test]
fn each_dialect_is_asked_and_heard() {
    for speaks in Speaks::ALL {
        let server = answering(speaks, "héllo");
        let scene = Scene::new(vec![host("a", &server.url(), speaks, 1)]);
        let answer = scene.ask().unwrap();
        assert_eq!((answer.text.as_str(), answer.host.as_str()), ("héllo", "a"), "{speaks:?}");
        assert_eq!((answer.model.as_str(), answer.finish), (MODEL, Finish::Stop));
        assert_eq!(
            (answer.tokens.input, answer.tokens.output, answer.tokens.estimated),
            (Some(21), Some(3), false)
        );
        assert_eq!(answer.served_model.as_deref(), Some(MODEL));
        assert!(!answer.fallback && answer.skipped.is_empty() && answer.warnings.is_empty(), "{answer:?}");
        assert_eq!(answer.attempts.len(), 1);
        assert_eq!(stream(&scene.client(), &Options::default()), ["text:héllo", "done:héllo"]);
        assert_eq!(server.questions(), 2);
    }
}
