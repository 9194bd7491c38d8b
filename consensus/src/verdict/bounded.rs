//! Reading JSON of any size and depth into a value of bounded size and depth.

use std::cell::Cell;
use std::fmt;

use serde::de::{DeserializeSeed, Error, IgnoredAny, MapAccess, SeqAccess, Visitor};
use serde_json::{Map, Number, Value};

/// Objects and lists inside each other that are read; real answers have some six.
const DEPTH: usize = 64;
/// Values that are read of one answer.
const VALUES: usize = 20_000;

/// An answer, read.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Parsed {
    pub(crate) value: Value,
    /// How many values were left out.
    pub(crate) cut: usize,
}

/// Reads JSON; nothing where the bytes are none. What is left out, because it is too deep or comes after too many
/// others, is the text `mark`, which no other answer has.
pub(crate) fn parse(bytes: &[u8], mark: &str) -> Option<Parsed> {
    let (left, cut) = (Cell::new(VALUES), Cell::new(0));
    let mut deserializer = serde_json::Deserializer::from_slice(bytes);
    let value = Limited { depth: 0, left: &left, cut: &cut, mark }.deserialize(&mut deserializer).ok()?;
    deserializer.end().ok()?;
    Some(Parsed { value, cut: cut.get() })
}

#[derive(Clone, Copy)]
struct Limited<'a> {
    depth: usize,
    left: &'a Cell<usize>,
    cut: &'a Cell<usize>,
    mark: &'a str,
}

impl Limited<'_> {
    fn deeper(self) -> Self {
        Self { depth: self.depth + 1, ..self }
    }
}

impl<'de> DeserializeSeed<'de> for Limited<'_> {
    type Value = Value;

    fn deserialize<D: serde::Deserializer<'de>>(self, deserializer: D) -> Result<Value, D::Error> {
        let Some(left) = self.left.get().checked_sub(1).filter(|_| self.depth < DEPTH) else {
            // Skipped without recursion, however deep it is.
            deserializer.deserialize_ignored_any(IgnoredAny)?;
            self.cut.set(self.cut.get() + 1);
            return Ok(Value::String(self.mark.to_owned()));
        };
        self.left.set(left);
        deserializer.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for Limited<'_> {
    type Value = Value;

    fn expecting(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("JSON")
    }

    fn visit_unit<E: Error>(self) -> Result<Value, E> {
        Ok(Value::Null)
    }

    fn visit_bool<E: Error>(self, value: bool) -> Result<Value, E> {
        Ok(Value::Bool(value))
    }

    fn visit_i64<E: Error>(self, value: i64) -> Result<Value, E> {
        Ok(value.into())
    }

    fn visit_u64<E: Error>(self, value: u64) -> Result<Value, E> {
        Ok(value.into())
    }

    fn visit_f64<E: Error>(self, value: f64) -> Result<Value, E> {
        Ok(Number::from_f64(value).map_or(Value::Null, Value::Number))
    }

    fn visit_str<E: Error>(self, value: &str) -> Result<Value, E> {
        Ok(Value::String(value.to_owned()))
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut items: A) -> Result<Value, A::Error> {
        let mut list = Vec::new();
        while self.left.get() > 0 {
            let Some(item) = items.next_element_seed(self.deeper())? else { return Ok(Value::Array(list)) };
            list.push(item);
        }
        let mut rest = 0;
        while items.next_element::<IgnoredAny>()?.is_some() {
            rest += 1;
        }
        if rest > 0 {
            self.cut.set(self.cut.get() + rest);
            list.push(Value::String(self.mark.to_owned()));
        }
        Ok(Value::Array(list))
    }

    fn visit_map<A: MapAccess<'de>>(self, mut entries: A) -> Result<Value, A::Error> {
        let mut object = Map::new();
        while self.left.get() > 0 {
            let Some(key) = entries.next_key::<String>()? else { return Ok(Value::Object(object)) };
            object.insert(key, entries.next_value_seed(self.deeper())?);
        }
        let mut rest = 0;
        while entries.next_entry::<IgnoredAny, IgnoredAny>()?.is_some() {
            rest += 1;
        }
        self.cut.set(self.cut.get() + rest);
        Ok(Value::Object(object))
    }
}
