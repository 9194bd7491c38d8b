//! Where the agents of runs stand, as a list shows it.

use std::sync::{Arc, Mutex};

use conclave_consensus::runs::{self, RunId, Stand};
use conclave_consensus::verdict::Unusable;
use conclave_consensus::workflow::{self, AgentState, Event, Session};

use super::{agent, drive, good, request, session};
use crate::project::Project;

fn marks(db: &conclave_db::Db, run: RunId) -> Vec<(String, Stand, u64)> {
    let marks = runs::marks(db, &[run, RunId(-1), RunId(99)]).unwrap();
    assert!(marks.keys().all(|known| *known == run), "only what is there");
    let marks = marks.into_values().next().unwrap_or_default();
    marks.into_iter().map(|mark| (mark.agent, mark.stand, mark.attempts)).collect()
}

#[test]
fn signs_follow_a_run_from_its_begin_to_its_end() {
    let project = Project::new();
    let mut moody = agent("moody", "cat >/dev/null; echo '429 Too Many Requests' >&2; exit 1");
    moody.retries = 1;
    let mut asked = request(&project, vec![good("zoe"), moody]);
    // One after the other, so that the order of events is one.
    asked.sequential = true;
    let id = workflow::begin(&project.db, &asked).unwrap();
    let stand = |name: &str, stand, attempts| (name.to_owned(), stand, attempts);
    let nothing = [stand("zoe", Stand::Nothing, 0), stand("moody", Stand::Nothing, 0)];
    assert_eq!(marks(&project.db, id), nothing, "in the order of the roster");

    let seen = Arc::new(Mutex::new(Vec::new()));
    let (keeps, db) = (Arc::clone(&seen), project.db.clone());
    let observer = move |event: Event| {
        if matches!(event, Event::Started { .. } | Event::Waiting { .. }) {
            keeps.lock().unwrap().push(marks(&db, id));
        }
    };
    drive(&project.db, id, &Session { observer: Arc::new(observer), ..session() });
    let zoe = stand("zoe", Stand::Answered, 1);
    let wanted = [
        [stand("zoe", Stand::Running, 1), stand("moody", Stand::Nothing, 0)],
        [zoe.clone(), stand("moody", Stand::Running, 1)],
        [zoe.clone(), stand("moody", Stand::Retrying, 1)],
        [zoe.clone(), stand("moody", Stand::Running, 2)],
    ];
    assert_eq!(*seen.lock().unwrap(), wanted);
    assert_eq!(marks(&project.db, id), [zoe, stand("moody", Stand::Failed, 2)]);
}

/// What was cancelled did not fail, in the list as in the detail.
#[test]
fn a_list_and_a_detail_say_the_same() {
    let project = Project::new();
    let agents = vec![good("a"), agent("b", "exit 2"), agent("c", "echo up; sleep 60"), good("d")];
    let asked = workflow::RunRequest { sequential: true, ..request(&project, agents) };
    let id = workflow::begin(&project.db, &asked).unwrap();
    let mut session = session();
    let stop = session.stop.clone();
    session.observer = Arc::new(move |event| {
        if matches!(event, Event::Line { agent, .. } if agent == "c") {
            stop.cancel();
        }
    });
    drive(&project.db, id, &session);
    let both = || {
        let shown = runs::show(&project.db, id).unwrap().unwrap();
        let states: Vec<AgentState> = shown.roster.iter().map(|entry| entry.state).collect();
        let stands: Vec<Stand> = marks(&project.db, id).into_iter().map(|(_, stand, _)| stand).collect();
        (states, stands)
    };
    let wanted = (
        vec![AgentState::Answered, AgentState::Failed, AgentState::Left, AgentState::Waiting],
        vec![Stand::Answered, Stand::Failed, Stand::Nothing, Stand::Nothing],
    );
    assert_eq!(both(), wanted);
    super::runtime().block_on(workflow::cancel(&project.db, id, "ana")).unwrap();
    assert_eq!(both(), wanted);
}

/// Whether the verdict is stored, is gone, or is not spoken yet.
#[test]
fn an_answer_that_does_not_count_is_no_answer_in_a_list() {
    let project = Project::new();
    let words = agent("words", "cat >/dev/null; echo 'It cannot be planned.'");
    let asked = workflow::RunRequest { sequential: true, ..request(&project, vec![words, good("zoe")]) };
    let id = workflow::begin(&project.db, &asked).unwrap();
    let before = Arc::new(Mutex::new(None));
    let (keeps, db) = (Arc::clone(&before), project.db.clone());
    let observer = move |event: Event| {
        if matches!(event, Event::Started { agent, .. } if agent == "zoe") {
            *keeps.lock().unwrap() = marks(&db, id).into_iter().next();
        }
    };
    drive(&project.db, id, &Session { observer: Arc::new(observer), ..session() });
    let unusable = ("words".to_owned(), Stand::Unusable, 2);
    assert_eq!(before.lock().unwrap().as_ref(), Some(&unusable));
    let wanted = [unusable, ("zoe".to_owned(), Stand::Answered, 1)];
    assert_eq!(marks(&project.db, id), wanted);
    project.write("DELETE FROM run_verdicts");
    assert_eq!(marks(&project.db, id), wanted);
    let shown = runs::show(&project.db, id).unwrap().unwrap();
    let why = shown.outputs.iter().map(|output| (output.agent.as_str(), output.unusable));
    assert_eq!(why.collect::<Vec<_>>(), [("words", Some(Unusable::NotJson)), ("zoe", None)]);
}

/// However many an agent gave, as in the legacy files in which every row is of one run.
#[test]
fn the_latest_answer_is_the_one_that_counts_in_a_list() {
    for (last, stand) in [("{\"tasks\":[]}", Stand::Answered), ("{", Stand::Unusable)] {
        let project = Project::new();
        let source = project.legacy(
            "many.db",
            &format!(
                "INSERT INTO consensus_artifacts(spec_id, stage, agent_name, content_json, run_id)
                 WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 5000)
                 SELECT 'S', 'tasks', 'a', iif(i = 5000, '{last}', iif(i % 2, '{{}}', 'words')), 'R' FROM n"
            ),
        );
        project.import(&source);
        assert_eq!(marks(&project.db, RunId(1)), [("a".to_owned(), stand, 0)], "{last}");
    }
}
