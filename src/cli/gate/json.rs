//! JSON files of others, changed without moving what else is in them: the order of keys stays, and how it is indented.

use std::fmt;

use serde::de::{MapAccess, SeqAccess, Visitor};
use serde::ser::{SerializeMap as _, SerializeSeq as _};
use serde::{Deserialize, Deserializer, Serialize, Serializer};

/// A value whose objects keep their order.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Json {
    Object(Vec<(String, Self)>),
    Array(Vec<Self>),
    /// Anything else, as it is.
    Plain(serde_json::Value),
}

impl Json {
    /// Reads a file's text.
    ///
    /// # Errors
    /// What is wrong with it, and what to do.
    pub(super) fn read(text: &str) -> Result<Self, String> {
        serde_json::from_str(text.strip_prefix('\u{feff}').unwrap_or(text)).map_err(|error| {
            let remarks = text.lines().any(|line| line.trim_start().starts_with("//") || line.trim_start().starts_with("/*"));
            let hint =
                if remarks { ". Comments are kept by nobody who writes JSON: take them out, or add the hook by hand" } else { "" };
            format!("{error}{hint}")
        })
    }

    /// As a file's text, indented as another was.
    pub(super) fn write(&self, like: &str) -> String {
        let indent = like.lines().find_map(|line| {
            let blanks = &line[..line.len() - line.trim_start().len()];
            (!blanks.is_empty() && !line.trim().is_empty()).then_some(blanks)
        });
        let mut text = Vec::new();
        let format = serde_json::ser::PrettyFormatter::with_indent(indent.unwrap_or("  ").as_bytes());
        // Writing what was read, into memory, cannot fail.
        let _ = self.serialize(&mut serde_json::Serializer::with_formatter(&mut text, format));
        text.push(b'\n');
        String::from_utf8_lossy(&text).into_owned()
    }

    pub(super) fn text(text: impl Into<String>) -> Self {
        Self::Plain(serde_json::Value::String(text.into()))
    }

    pub(super) fn as_text(&self) -> Option<&str> {
        if let Self::Plain(value) = self { value.as_str() } else { None }
    }

    pub(super) fn get(&self, name: &str) -> Option<&Self> {
        let Self::Object(fields) = self else { return None };
        fields.iter().find_map(|(field, value)| (field == name).then_some(value))
    }

    /// The value of a field, made if it is missing; `None` if this is no object.
    pub(super) fn field(&mut self, name: &str, usual: Self) -> Option<&mut Self> {
        let Self::Object(fields) = self else { return None };
        let at = fields.iter().position(|(field, _)| field == name).unwrap_or_else(|| {
            fields.push((name.to_owned(), usual));
            fields.len() - 1
        });
        fields.get_mut(at).map(|(_, value)| value)
    }

    pub(super) fn items(&self) -> &[Self] {
        if let Self::Array(items) = self { items } else { &[] }
    }
}

impl Serialize for Json {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self {
            Self::Object(fields) => {
                let mut map = serializer.serialize_map(Some(fields.len()))?;
                for (name, value) in fields {
                    map.serialize_entry(name, value)?;
                }
                map.end()
            }
            Self::Array(items) => {
                let mut list = serializer.serialize_seq(Some(items.len()))?;
                for item in items {
                    list.serialize_element(item)?;
                }
                list.end()
            }
            Self::Plain(value) => value.serialize(serializer),
        }
    }
}

impl<'de> Deserialize<'de> for Json {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Any;
        impl<'de> Visitor<'de> for Any {
            type Value = Json;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("JSON")
            }

            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Json, A::Error> {
                let mut fields = Vec::new();
                while let Some(field) = map.next_entry()? {
                    fields.push(field);
                }
                Ok(Json::Object(fields))
            }

            fn visit_seq<A: SeqAccess<'de>>(self, mut list: A) -> Result<Json, A::Error> {
                let mut items = Vec::new();
                while let Some(item) = list.next_element()? {
                    items.push(item);
                }
                Ok(Json::Array(items))
            }

            fn visit_bool<E>(self, value: bool) -> Result<Json, E> {
                Ok(Json::Plain(value.into()))
            }

            fn visit_i64<E>(self, value: i64) -> Result<Json, E> {
                Ok(Json::Plain(value.into()))
            }

            fn visit_u64<E>(self, value: u64) -> Result<Json, E> {
                Ok(Json::Plain(value.into()))
            }

            fn visit_f64<E>(self, value: f64) -> Result<Json, E> {
                Ok(Json::Plain(value.into()))
            }

            fn visit_str<E>(self, value: &str) -> Result<Json, E> {
                Ok(Json::text(value))
            }

            fn visit_unit<E>(self) -> Result<Json, E> {
                Ok(Json::Plain(serde_json::Value::Null))
            }
        }
        deserializer.deserialize_any(Any)
    }
}
