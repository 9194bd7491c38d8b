//! A question that was asked from here, and what comes of it.

use conclave_llm::Answer;

use super::answer_page;
use super::form::Asked;
use crate::ui::document::Document;
use crate::ui::effect::Effect;
use crate::ui::model::{Model, Screen};
use crate::ui::problem::Problem;

/// A part of what comes of a question.
#[derive(Debug, Clone)]
pub(crate) enum Piece {
    /// More of the text.
    Text(String),
    /// What came before is to be forgotten: this host begins again.
    Restarted { host: String },
    /// The end: the whole answer, or why there is none, with all of it that came.
    Ended(Reply),
}

/// The end of a question.
#[derive(Debug, Clone)]
pub(crate) enum Reply {
    Answered(Box<Answer>),
    /// Nobody answered; or the user does not want it any more.
    Failed {
        problem: Problem,
        partial: String,
        cancelled: bool,
    },
}

/// The question, and how far its answer is.
#[derive(Debug, Clone)]
pub(crate) struct Answering {
    /// Which of the questions it is.
    pub(super) number: u64,
    pub(crate) asked: Asked,
    /// Milliseconds since 1970.
    pub(super) since: i64,
    pub(super) ended: Option<i64>,
    /// The user has asked it to end.
    pub(super) stopping: bool,
    /// What is read: the text, and behind it why it ends where it does.
    pub(super) document: Document,
    /// Whether the end of the text is kept in sight.
    pub(super) follows: bool,
    pub(super) restarted: Option<String>,
    pub(super) reply: Option<Reply>,
}

impl Answering {
    /// Whether more may come.
    pub(crate) const fn goes_on(&self) -> bool {
        self.reply.is_none()
    }
}

/// Asks, unless the question before is still being answered.
pub(super) fn ask(model: &mut Model, asked: Asked) -> Vec<Effect> {
    if model.hosts.is_asking() {
        model.complain(Problem {
            kind: "busy",
            text: "the question before is still being answered".to_owned(),
            hint: Some("A shows it, and Esc there ends it".to_owned()),
        });
        return Vec::new();
    }
    model.hosts.asked += 1;
    let number = model.hosts.asked;
    model.hosts.answer = Some(Answering {
        number,
        asked: asked.clone(),
        since: model.now_ms,
        ended: None,
        stopping: false,
        document: Document::plain(""),
        follows: true,
        restarted: None,
        reply: None,
    });
    model.hosts.reads_answer = true;
    answer_page::fit(model);
    vec![Effect::Ask { number, asked: Box::new(asked) }]
}

/// More has come of a question.
pub(crate) fn arrived(model: &mut Model, number: u64, piece: Piece) {
    let now = model.now_ms;
    let is_seen = model.screen == Screen::Hosts && model.hosts.reads_answer;
    let Some(answer) = model.hosts.answer.as_mut().filter(|answer| answer.number == number) else { return };
    match piece {
        Piece::Text(text) => answer.document.append(&text),
        Piece::Restarted { host } => {
            answer.document = Document::plain("");
            answer.restarted = Some(host);
        }
        Piece::Ended(reply) => {
            answer.ended = Some(now);
            let text = text_of(&reply);
            // Where it is the same nothing jumps.
            if answer.document.text() != text {
                let line = answer.document.line();
                answer.document.replace(&text, line);
            }
            let said = match &reply {
                Reply::Answered(whole) => Ok(format!("{} has answered", whole.host)),
                Reply::Failed { cancelled: true, .. } => Ok("the question is taken back".to_owned()),
                Reply::Failed { problem, .. } => Err(Problem {
                    text: problem.text.lines().next().unwrap_or_default().to_owned(),
                    ..problem.clone()
                }),
            };
            answer.reply = Some(reply);
            match said {
                // Whoever sees the page needs no other word.
                _ if is_seen => {}
                Ok(said) => model.tell(said),
                Err(problem) => model.complain(problem),
            }
        }
    }
    answer_page::fit(model);
}

/// What is read at the end.
fn text_of(reply: &Reply) -> String {
    match reply {
        Reply::Answered(answer) => answer.text.clone(),
        Reply::Failed { partial, cancelled: true, .. } => partial.clone(),
        Reply::Failed { problem, partial, .. } => {
            let mut text = problem.text.clone();
            if let Some(hint) = &problem.hint {
                text.extend(["\n", hint]);
            }
            if !partial.is_empty() {
                text.extend(["\n\nWhat came before that:\n\n", partial]);
            }
            text
        }
    }
}
