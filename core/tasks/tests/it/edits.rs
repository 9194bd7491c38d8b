//! Changes of records beside a model that is made of the pieces of their text.

use conclave_tasks::json::{decode, encode};
use conclave_tasks::moment::Moment;
use conclave_tasks::record::{Edit, Record};
use proptest::prelude::*;
use proptest::sample::Index;

use crate::spelled::{self, Piece};

const THEN: &str = r#""2026-01-02T03:04:05.006Z""#;

#[derive(Debug, Clone)]
enum Step {
    /// Sets one of the keys that are there.
    Set(Index, String),
    /// Takes one of them away.
    Remove(Index),
    /// Sets one of a few keys that are not there at the beginning.
    Add(u8, String),
}

fn step() -> BoxedStrategy<Step> {
    prop_oneof![
        (any::<Index>(), spelled::value()).prop_map(|(index, value)| Step::Set(index, value)),
        any::<Index>().prop_map(Step::Remove),
        (0..3u8, spelled::value()).prop_map(|(key, value)| Step::Add(key, value)),
    ]
    .boxed()
}

/// What must come out, told by pieces.
struct Model {
    before: Vec<Piece>,
    /// The values now; `None` for a key that is gone.
    values: Vec<Option<String>>,
    added: Vec<(String, String)>,
}

impl Model {
    fn new(before: Vec<Piece>) -> Self {
        let values = before.iter().map(|piece| Some(piece.value.clone())).collect();
        Self { before, values, added: Vec::new() }
    }

    fn place(&self, key: &str) -> Option<usize> {
        self.before.iter().position(|piece| decode(piece.key.as_bytes()).as_deref() == Some(key))
    }

    fn set(&mut self, key: &str, value: &str) {
        let same = |old: &str| {
            old == value || decode(old.as_bytes()).is_some_and(|old| Some(old) == decode(value.as_bytes()))
        };
        match self.place(key) {
            // Back to what it was is back to how it was spelled.
            Some(place) if same(&self.before[place].value) => {
                self.values[place] = Some(self.before[place].value.clone());
            }
            Some(place) if self.values[place].as_deref().is_some_and(same) => {}
            Some(place) => self.values[place] = Some(value.to_owned()),
            None if self.added.iter().any(|(other, old)| other == key && same(old)) => {}
            None => {
                self.added.retain(|(other, _)| other != key);
                self.added.push((key.to_owned(), value.to_owned()));
            }
        }
    }

    fn changed(&self) -> Vec<String> {
        let old = self
            .before
            .iter()
            .zip(&self.values)
            .filter(|(piece, value)| Some(&piece.value) != value.as_ref());
        let old = old.map(|(piece, _)| decode(piece.key.as_bytes()).unwrap());
        let mut keys: Vec<_> = old.chain(self.added.iter().map(|(key, _)| key.clone())).collect();
        keys.sort();
        keys
    }

    fn text(&self) -> String {
        let first = &self.before[0];
        let comma = match self.before.get(1) {
            Some(second) => (first.after.clone(), second.before.clone()),
            None => (String::new(), if first.colon.ends_with(' ') { " ".to_owned() } else { String::new() }),
        };
        let mut pieces: Vec<Piece> = Vec::new();
        let (mut begin, mut end) = (first.before.clone(), self.before[self.before.len() - 1].after.clone());
        for (piece, value) in self.before.iter().zip(&self.values) {
            let Some(value) = value else {
                // What stood before the comma of the one that is gone goes with it.
                if let Some(last) = pieces.last_mut() {
                    last.after.clone_from(&piece.after);
                }
                continue;
            };
            let mut piece = Piece { value: value.clone(), ..piece.clone() };
            if pieces.is_empty() {
                piece.before = std::mem::take(&mut begin);
            }
            pieces.push(piece);
        }
        // Ours come last, `updated_at` first among them: it is the only field. The others come by their names.
        let mut added = self.added.clone();
        added.sort_by_key(|(key, _)| (key != "updated_at", key.clone()));
        for (key, value) in added {
            if let Some(last) = pieces.last_mut() {
                last.after.clone_from(&comma.0);
            }
            pieces.push(Piece {
                before: comma.1.clone(),
                key: encode(&key),
                colon: first.colon.clone(),
                value,
                after: String::new(),
            });
        }
        if let Some(last) = pieces.last_mut() {
            last.after = std::mem::take(&mut end);
        }
        spelled::object(&pieces)
    }
}

fn run(model: &mut Model, edit: &mut Edit, steps: Vec<Step>) {
    for step in steps {
        match step {
            Step::Set(index, _) | Step::Remove(index)
                if decode(model.before[index.index(model.before.len())].key.as_bytes()).as_deref()
                    == Some("id") => {}
            Step::Set(index, value) => {
                let key = decode(model.before[index.index(model.before.len())].key.as_bytes()).unwrap();
                let value = value.replace('\r', " ");
                edit.set(&key, value.as_bytes());
                model.set(&key, &value);
            }
            Step::Remove(index) => {
                let place = index.index(model.before.len());
                edit.remove(&decode(model.before[place].key.as_bytes()).unwrap());
                model.values[place] = None;
            }
            Step::Add(number, value) => {
                let (key, value) = (format!("new {number}"), value.replace('\r', " "));
                edit.set(&key, value.as_bytes());
                model.set(&key, &value);
            }
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

    /// Only what changes is touched: every other byte of the record is the one that was there.
    #[test]
    fn a_change_touches_what_it_changes(pieces in spelled::record(), steps in prop::collection::vec(step(), 0..6)) {
        let before = spelled::object(&pieces);
        let record = Record::read(before.as_bytes()).unwrap();
        prop_assert_eq!(record.bytes(), before.as_bytes());
        let (mut model, mut edit) = (Model::new(pieces), record.edit());
        run(&mut model, &mut edit, steps);
        let changed = model.changed();
        prop_assert_eq!(edit.changed_keys(), changed.clone());
        prop_assert_eq!(edit.has_changed(), !changed.is_empty());
        if !changed.is_empty() {
            model.set("updated_at", THEN);
        }
        let after = edit.finish(Moment::parse(&THEN[1..25]).unwrap()).unwrap();
        prop_assert_eq!(std::str::from_utf8(after.bytes()).unwrap(), model.text());
    }

    /// What the elements mean is what a list of labels says, whatever the array was before.
    #[test]
    fn labels_are_what_was_added_and_not_removed(
        array in prop::collection::vec((spelled::blank(), "[a-c]", spelled::blank()), 0..5),
        steps in prop::collection::vec((any::<bool>(), "[a-d]"), 0..8),
    ) {
        let spelled: Vec<_> = array.iter().map(|(before, label, after)| format!("{before}\"{label}\"{after}")).collect();
        let record = Record::read(format!(r#"{{"id":"a","labels":[{}]}}"#, spelled.join(",")).as_bytes()).unwrap();
        let mut model: Vec<_> = array.into_iter().map(|(_, label, _)| label).collect();
        let mut edit = record.edit();
        for (is_added, label) in steps {
            if !is_added {
                model.retain(|other| *other != label);
                edit.remove_label(&label);
                continue;
            }
            if !model.contains(&label) {
                let is_sorted = model.is_sorted();
                model.push(label.clone());
                if is_sorted {
                    model.sort();
                }
            }
            edit.add_label(&label);
        }
        let after = edit.finish(Moment::from_ms(0)).unwrap();
        let texts: Vec<String> = after.value("labels").map(|labels| serde_json::from_slice(labels).unwrap()).unwrap_or_default();
        prop_assert_eq!(texts, model);
    }

    /// No record makes these fail, whatever stands where arrays are expected.
    #[test]
    fn steps_on_anything_never_panic(labels in spelled::value(), dependencies in spelled::value(), comments in spelled::value()) {
        let text = format!(r#"{{"id":"a","labels":{labels},"dependencies":{dependencies},"comments":{comments}}}"#);
        let record = Record::read(text.as_bytes()).unwrap();
        let mut edit = record.edit();
        edit.remove_label("a").remove_dependency("a", None).set_elements("comments", &[b"1".to_vec()]);
        prop_assert!(edit.finish(Moment::from_ms(0)).is_ok());
        let mut edit = record.edit();
        edit.add_label("a").add_comment(b"1", "a", "b", Moment::from_ms(0));
        let is_array = |text: &str| text.starts_with('[') || text == "null";
        prop_assert_eq!(edit.finish(Moment::from_ms(0)).is_ok(), is_array(&labels) && is_array(&comments));
    }
}
