//! What is shown while it comes (R6).

use crate::redact::{Pieces, Redactor};
use crate::stream::Event;
use crate::wire::Piece;

/// Shows pieces to a listener, where there is one.
pub(super) struct Ear<'t> {
    tell: Option<&'t mut (dyn FnMut(Event) + 't)>,
    thinking: bool,
    /// Whether the listener has got something of the present attempt.
    pub(super) has_shown: bool,
    /// Whether something of an earlier attempt is to be forgotten before the next piece.
    must_restart: bool,
}

impl<'t> Ear<'t> {
    pub(super) fn new(tell: Option<&'t mut (dyn FnMut(Event) + 't)>, thinking: bool) -> Self {
        Self { tell, thinking, has_shown: false, must_restart: false }
    }

    /// One piece of this host. Thinking is shown to those who asked for it, and counts as shown only for them.
    pub(super) fn hear(&mut self, piece: Piece, host: &str) {
        let Some(tell) = self.tell.as_mut() else { return };
        let event = match piece {
            Piece::Text(text) => Event::Text(text),
            Piece::Thinking(text) if self.thinking => Event::Thinking(text),
            Piece::Thinking(_) => return,
        };
        if std::mem::take(&mut self.must_restart) {
            tell(Event::Restarted { host: host.to_owned() });
        }
        self.has_shown = true;
        tell(event);
    }

    /// What was shown so far is void: the next piece begins the answer again.
    pub(super) fn restart(&mut self) {
        if std::mem::take(&mut self.has_shown) {
            self.must_restart = true;
        }
    }
}

/// Keys taken out of pieces, also where they are cut in two: what may be the beginning of one comes with the next piece.
pub(super) struct Filter<'r> {
    text: Pieces<'r>,
    thinking: Pieces<'r>,
}

impl<'r> Filter<'r> {
    pub(super) fn new(redactor: &'r Redactor) -> Self {
        Self { text: redactor.pieces(), thinking: redactor.pieces() }
    }

    /// What of the piece can be shown now.
    pub(super) fn pass(&mut self, piece: Piece) -> Option<Piece> {
        let (piece, is_empty) = match piece {
            Piece::Text(text) => {
                let text = self.text.push(&text);
                let is_empty = text.is_empty();
                (Piece::Text(text), is_empty)
            }
            Piece::Thinking(text) => {
                let text = self.thinking.push(&text);
                let is_empty = text.is_empty();
                (Piece::Thinking(text), is_empty)
            }
        };
        (!is_empty).then_some(piece)
    }

    /// What was held back to the end.
    pub(super) fn end(self) -> impl Iterator<Item = Piece> {
        let thinking = Some(self.thinking.end()).filter(|text| !text.is_empty()).map(Piece::Thinking);
        let text = Some(self.text.end()).filter(|text| !text.is_empty()).map(Piece::Text);
        thinking.into_iter().chain(text)
    }
}
