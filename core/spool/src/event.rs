//! An event: a flat JSON object of fifteen keys. What is none is refused with the reason.
//!
//! A line is read in one pass and without a tree: strings stay where they are in the line unless they have escapes.

use std::borrow::Cow;
use std::fmt;

use serde::de::{Deserialize, Deserializer, IgnoredAny, MapAccess, SeqAccess, Visitor};

use crate::monitor::Monitors;

/// What an event can be about.
const SUBJECTS: [&str; 5] = ["app", "window", "file", "url", "none"];

/// An event, as it goes into a row. Borrowed from its line.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Event<'l> {
    pub(crate) id: Cow<'l, str>,
    /// Milliseconds since 1970.
    pub(crate) ts_utc: i64,
    pub(crate) monitor: Cow<'l, str>,
    pub(crate) action: Cow<'l, str>,
    pub(crate) subject_type: Cow<'l, str>,
    pub(crate) session_id: Cow<'l, str>,
    pub(crate) subject_id: Option<Cow<'l, str>>,
    pub(crate) batch_id: Option<Cow<'l, str>>,
    pub(crate) pid: Option<i64>,
    pub(crate) exe_name: Option<Cow<'l, str>>,
    pub(crate) exe_path_hash: Option<Cow<'l, str>>,
    pub(crate) window_title_hash: Option<Cow<'l, str>>,
    pub(crate) url_hash: Option<Cow<'l, str>>,
    pub(crate) file_path_hash: Option<Cow<'l, str>>,
    /// JSON as a string.
    pub(crate) attrs_json: Option<Cow<'l, str>>,
}

/// Why a line is no event: a word, and what about it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Refused {
    /// Such as `not_json`, `not_an_object`, `missing_key`, `wrong_type`, `out_of_range`, `empty`, `unknown_monitor`,
    /// `unknown_subject`, `too_long`.
    pub(crate) reason: &'static str,
    /// In words, with the key.
    pub(crate) detail: String,
}

impl<'l> Event<'l> {
    /// Reads a line. Keys that are none of ours are passed over; of a key that stands twice the last counts.
    pub(crate) fn parse(line: &'l [u8], monitors: &Monitors) -> Result<Self, Refused> {
        let line = std::str::from_utf8(line).map_err(|error| {
            let byte = error.valid_up_to();
            refuse("not_json", format!("it is no UTF-8 from byte {byte} on"))
        })?;
        let mut found: Object<'l> = serde_json::from_str(line).map_err(|error| {
            if error.is_data() {
                refuse("not_an_object", "it is JSON, but no object".to_owned())
            } else {
                refuse("not_json", error.to_string())
            }
        })?;
        let event = Self {
            id: found.text(Key::Id)?,
            ts_utc: found.number(Key::Time)?.ok_or_else(|| missing(Key::Time))?,
            monitor: found.text(Key::Monitor)?,
            action: found.text(Key::Action)?,
            subject_type: found.text(Key::Subject)?,
            session_id: found.text(Key::Session)?,
            subject_id: found.optional(Key::SubjectId)?,
            batch_id: found.optional(Key::Batch)?,
            pid: found.number(Key::Pid)?,
            exe_name: found.optional(Key::ExeName)?,
            exe_path_hash: found.optional(Key::ExePath)?,
            window_title_hash: found.optional(Key::Title)?,
            url_hash: found.optional(Key::Url)?,
            file_path_hash: found.optional(Key::FilePath)?,
            attrs_json: found.optional(Key::Attributes)?,
        };
        if event.id.is_empty() {
            return Err(refuse("empty", "id is empty".to_owned()));
        }
        if !monitors.knows(&event.monitor) {
            return Err(refuse(
                "unknown_monitor",
                format!("monitor {:?} is not known", shown(&event.monitor)),
            ));
        }
        if !SUBJECTS.contains(&&*event.subject_type) {
            let subject = shown(&event.subject_type);
            return Err(refuse(
                "unknown_subject",
                format!("subject_type {subject:?} is none of {SUBJECTS:?}"),
            ));
        }
        Ok(event)
    }
}

const fn refuse(reason: &'static str, detail: String) -> Refused {
    Refused { reason, detail }
}

fn missing(key: Key) -> Refused {
    refuse("missing_key", format!("{} is missing", key.name()))
}

/// As much of a text as a message needs.
fn shown(text: &str) -> String {
    text.chars().take(80).collect()
}

/// The keys, in the order of the columns.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Key {
    Id,
    Time,
    Monitor,
    Action,
    Subject,
    Session,
    SubjectId,
    Batch,
    Pid,
    ExeName,
    ExePath,
    Title,
    Url,
    FilePath,
    Attributes,
    Other,
}

/// How many keys an event has.
const KEYS: usize = Key::Other as usize;

impl Key {
    const fn name(self) -> &'static str {
        match self {
            Self::Id => "id",
            Self::Time => "ts_utc",
            Self::Monitor => "monitor",
            Self::Action => "action",
            Self::Subject => "subject_type",
            Self::Session => "session_id",
            Self::SubjectId => "subject_id",
            Self::Batch => "batch_id",
            Self::Pid => "pid",
            Self::ExeName => "exe_name",
            Self::ExePath => "exe_path_hash",
            Self::Title => "window_title_hash",
            Self::Url => "url_hash",
            Self::FilePath => "file_path_hash",
            Self::Attributes => "attrs_json",
            Self::Other => "",
        }
    }

    fn of(name: &str) -> Self {
        match name {
            "id" => Self::Id,
            "ts_utc" => Self::Time,
            "monitor" => Self::Monitor,
            "action" => Self::Action,
            "subject_type" => Self::Subject,
            "session_id" => Self::Session,
            "subject_id" => Self::SubjectId,
            "batch_id" => Self::Batch,
            "pid" => Self::Pid,
            "exe_name" => Self::ExeName,
            "exe_path_hash" => Self::ExePath,
            "window_title_hash" => Self::Title,
            "url_hash" => Self::Url,
            "file_path_hash" => Self::FilePath,
            "attrs_json" => Self::Attributes,
            _ => Self::Other,
        }
    }
}

/// A value, as far as an event can have it.
#[derive(Debug, Default)]
enum Value<'l> {
    /// The key is not there.
    #[default]
    Absent,
    Null,
    Text(Cow<'l, str>),
    Number(i64),
    /// A number that no column holds.
    TooLarge,
    /// Anything else, by its name.
    Other(&'static str),
}

/// The values of the keys.
#[derive(Debug)]
struct Object<'l>([Value<'l>; KEYS]);

impl<'l> Object<'l> {
    fn take(&mut self, key: Key) -> Value<'l> {
        self.0.get_mut(key as usize).map(std::mem::take).unwrap_or_default()
    }

    fn text(&mut self, key: Key) -> Result<Cow<'l, str>, Refused> {
        match self.take(key) {
            Value::Text(text) => Ok(text),
            Value::Absent => Err(missing(key)),
            other => Err(wrong(key, &other, "a string")),
        }
    }

    fn optional(&mut self, key: Key) -> Result<Option<Cow<'l, str>>, Refused> {
        match self.take(key) {
            Value::Text(text) => Ok(Some(text)),
            Value::Absent | Value::Null => Ok(None),
            other => Err(wrong(key, &other, "a string or null")),
        }
    }

    /// A whole number; `None` where it is not there. Null is a number's absence for `pid` alone.
    fn number(&mut self, key: Key) -> Result<Option<i64>, Refused> {
        match self.take(key) {
            Value::Number(number) => Ok(Some(number)),
            Value::Absent => Ok(None),
            Value::Null if key == Key::Pid => Ok(None),
            Value::TooLarge => {
                Err(refuse("out_of_range", format!("{} does not fit into 64 bits", key.name())))
            }
            other => Err(wrong(key, &other, "a whole number")),
        }
    }
}

fn wrong(key: Key, found: &Value<'_>, wanted: &str) -> Refused {
    let found = match found {
        Value::Absent => "nothing",
        Value::Null => "null",
        Value::Text(_) => "a string",
        Value::Number(_) | Value::TooLarge => "a number",
        Value::Other(what) => what,
    };
    refuse("wrong_type", format!("{} is {found}, not {wanted}", key.name()))
}

impl<'de> Deserialize<'de> for Object<'de> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Reader;

        impl<'de> Visitor<'de> for Reader {
            type Value = Object<'de>;

            fn expecting(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
                formatter.write_str("an object")
            }

            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Self::Value, A::Error> {
                let mut found = Object(std::array::from_fn(|_| Value::Absent));
                while let Some(key) = map.next_key::<Key>()? {
                    match found.0.get_mut(key as usize) {
                        Some(place) => *place = map.next_value()?,
                        None => drop(map.next_value::<IgnoredAny>()?),
                    }
                }
                Ok(found)
            }
        }

        deserializer.deserialize_map(Reader)
    }
}

impl<'de> Deserialize<'de> for Key {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Reader;

        impl Visitor<'_> for Reader {
            type Value = Key;

            fn expecting(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
                formatter.write_str("a key")
            }

            fn visit_str<E>(self, name: &str) -> Result<Key, E> {
                Ok(Key::of(name))
            }
        }

        deserializer.deserialize_str(Reader)
    }
}

impl<'de> Deserialize<'de> for Value<'de> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Reader;

        impl<'de> Visitor<'de> for Reader {
            type Value = Value<'de>;

            fn expecting(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
                formatter.write_str("a value")
            }

            fn visit_borrowed_str<E>(self, text: &'de str) -> Result<Self::Value, E> {
                Ok(Value::Text(Cow::Borrowed(text)))
            }

            fn visit_str<E>(self, text: &str) -> Result<Self::Value, E> {
                Ok(Value::Text(Cow::Owned(text.to_owned())))
            }

            fn visit_i64<E>(self, number: i64) -> Result<Self::Value, E> {
                Ok(Value::Number(number))
            }

            fn visit_u64<E>(self, number: u64) -> Result<Self::Value, E> {
                Ok(i64::try_from(number).map_or(Value::TooLarge, Value::Number))
            }

            // serde_json reads whole numbers beyond 64 bits as floating point too.
            fn visit_f64<E>(self, number: f64) -> Result<Self::Value, E> {
                let whole = number.fract() == 0.0 && number.abs() >= 9.2e18;
                Ok(if whole { Value::TooLarge } else { Value::Other("a number with a fraction") })
            }

            fn visit_bool<E>(self, _: bool) -> Result<Self::Value, E> {
                Ok(Value::Other("a boolean"))
            }

            fn visit_unit<E>(self) -> Result<Self::Value, E> {
                Ok(Value::Null)
            }

            fn visit_seq<A: SeqAccess<'de>>(self, mut seq: A) -> Result<Self::Value, A::Error> {
                while seq.next_element::<IgnoredAny>()?.is_some() {}
                Ok(Value::Other("an array"))
            }

            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Self::Value, A::Error> {
                while map.next_entry::<IgnoredAny, IgnoredAny>()?.is_some() {}
                Ok(Value::Other("an object"))
            }
        }

        deserializer.deserialize_any(Reader)
    }
}

#[cfg(test)]
mod tests;
