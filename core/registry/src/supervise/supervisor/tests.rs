use super::*;
use crate::RegistryErrorKind;
use crate::agents::testing::{State, spec};

/// What comes of a supervisor that runs this script.
fn started_by(script: &str, patience: Duration) -> Result<u32> {
    let state = State::new();
    let agent = state.register(spec("a"));
    let command = Command {
        program: "nope".into(),
        args: Vec::new(),
        directory: state.project.root().to_owned(),
        env: Vec::new(),
    };
    let supervisor = ["/bin/sh", "-c", script].map(OsString::from);
    let home = state.project.root();
    in_background(&supervisor, home, &home.join("state.db"), &agent, &command, &home.join("log"), patience)
}

const LONG: Duration = Duration::from_mins(1);

#[test]
fn a_supervisor_that_hangs_is_not_waited_for() {
    let error = started_by("exec sleep 1000", Duration::from_millis(200)).unwrap_err();
    assert!(error.to_string().contains("said nothing for"), "{error}");
}

#[test]
fn what_a_supervisor_says_arrives_as_it_was() {
    assert_eq!(started_by(r#"echo '{"started":42}'; exec sleep 0.1"#, LONG).unwrap(), 42);
    for error in [
        RegistryError::io("open the log", io::ErrorKind::NotFound.into()),
        RegistryError::Refused { text: "it's no".to_owned(), hint: Some("a hint".to_owned()) },
        RegistryError::Storage(conclave_db::DbError::Invalid("two\nlines".to_owned())),
    ] {
        let mut line = Vec::new();
        let (kind, text) = (error.kind(), error.to_string());
        let hint = error.hint().map(str::to_owned);
        word::say(&mut line, &Word::Failed(error));
        let line = String::from_utf8(line).unwrap().replace('\'', r"'\''");
        let told = started_by(&format!("printf %s '{line}'"), LONG).unwrap_err();
        assert_eq!((told.kind(), told.to_string(), told.hint()), (kind, text, hint.as_deref()));
    }
    for script in ["exit 3", "echo started 42", "echo"] {
        let error = started_by(script, LONG).unwrap_err();
        assert_eq!(error.kind(), RegistryErrorKind::Command);
        assert!(error.to_string().contains("without a word"), "{error}");
    }
}

#[test]
fn every_kind_has_its_word() {
    for kind in conclave_db::ErrorKind::ALL {
        assert_eq!(RegistryErrorKind::of(true, kind.as_str()), Some(RegistryErrorKind::Storage(kind)));
    }
    assert_eq!(RegistryErrorKind::of(false, "exhausted"), Some(RegistryErrorKind::Exhausted));
    assert_eq!(RegistryErrorKind::of(false, "x"), None);
}
