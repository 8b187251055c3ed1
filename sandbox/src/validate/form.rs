//! What a form may hold, as tables of rules, and the words for what breaks them. Codes and words
//! are those of Discord's form library, as people paste them into public reports; each rule's
//! source stands beside its case in `tests/server/fixtures/invalid`.

use chrono::{DateTime, NaiveDate, NaiveDateTime};
use serde_json::{Map, Value};

use super::address::{self, Schemes};
use crate::mentions::id_of;
use crate::refusal::Problems;

/// What a value must be.
pub(super) enum Rule {
    Text(Length),
    /// A whole number between two, both included.
    Int(i64, i64),
    /// One of these numbers.
    Number(&'static [i64]),
    /// One of these words.
    Word(&'static [&'static str]),
    Real,
    Bool,
    Id,
    /// A date and time in ISO 8601.
    Time,
    Address(Schemes, Length),
    List(&'static Rule, Length),
    /// A list that holds nothing twice.
    Set(&'static Rule, Length),
    Object(&'static [Field]),
    /// What no table can say.
    Other(fn(&Value, &str, &mut Problems)),
}

/// How long a text or list may be, in characters or elements.
#[derive(Clone, Copy)]
pub(super) enum Length {
    Any,
    UpTo(usize),
    /// At least one; an empty text counts as absent.
    Filled(usize),
    Between(usize, usize),
}

/// A field of an object.
pub(super) struct Field {
    name: &'static str,
    required: bool,
    rule: Rule,
}

/// A field that must be there.
pub(super) const fn required(name: &'static str, rule: Rule) -> Field {
    Field { name, required: true, rule }
}

/// A field that may be absent or null.
pub(super) const fn optional(name: &'static str, rule: Rule) -> Field {
    Field { name, required: false, rule }
}

/// A path below another, which may be the root.
pub(super) fn below(path: &str, field: &str) -> String {
    if path.is_empty() { field.to_owned() } else { format!("{path}.{field}") }
}

/// Checks the fields of an object.
pub(super) fn fields(value: &Value, path: &str, fields: &[Field], problems: &mut Problems) {
    let Some(object) = object(value, path, problems) else { return };
    for field in fields {
        let path = below(path, field.name);
        match object.get(field.name) {
            None | Some(Value::Null) if field.required => problems.required(&path),
            None | Some(Value::Null) => {}
            Some(value) => field.rule.check(value, &path, problems),
        }
    }
}

/// The object that a value must be.
pub(super) fn object<'a>(
    value: &'a Value,
    path: &str,
    problems: &mut Problems,
) -> Option<&'a Map<String, Value>> {
    if value.is_null() {
        let words = "List item values of ModelType are required";
        problems.add(path, "LIST_ITEM_VALUE_REQUIRED", words);
    } else if !value.is_object() {
        problems.add(path, "MODEL_TYPE_CONVERT", "Expected an object/dictionary.");
    }
    value.as_object()
}

/// The elements of a list that may be absent.
pub(super) fn list<'a>(value: &'a Value, path: &str, problems: &mut Problems) -> &'a [Value] {
    if !value.is_null() && !value.is_array() {
        let words = "Only iterables may be used in a ListType";
        problems.add(path, "LIST_TYPE_CONVERT", words);
    }
    value.as_array().map_or(&[], Vec::as_slice)
}

/// The `type` of an object that can be one of several kinds.
pub(super) fn tag(
    value: &Value,
    path: &str,
    kinds: &[u64],
    problems: &mut Problems,
) -> Option<u64> {
    object(value, path, problems)?;
    if value["type"].is_null() {
        let words = "Field \"type\" is required to determine the model type.";
        problems.add(path, "TAG_FIELD_MISSING", words);
        return None;
    }
    let kind = value["type"].as_u64().filter(|kind| kinds.contains(kind));
    if kind.is_none() {
        let words = format!("Value of field \"type\" must be one of {}.", tuple(kinds));
        problems.add(path, "UNION_TYPE_CHOICES", words);
    }
    kind
}

impl Rule {
    pub(super) fn check(&self, value: &Value, path: &str, problems: &mut Problems) {
        match self {
            Self::Text(length) => text(value, path, *length, problems),
            Self::Int(least, most) => int(value, path, *least, *most, problems),
            Self::Number(of) => number(value, path, of, problems),
            Self::Word(of) => word(value, path, of, problems),
            Self::Real if value.is_number() => {}
            Self::Real => not(value, path, "float", problems),
            Self::Bool if value.is_boolean() => {}
            Self::Bool => {
                problems.add(path, "BOOLEAN_TYPE_CONVERT", "Must be either true or false.");
            }
            Self::Id => id(value, path, problems),
            Self::Time => time(value, path, problems),
            Self::Address(schemes, length) => {
                text(value, path, *length, problems);
                if let Some(text) = value.as_str() {
                    address::check(text, path, *schemes, problems);
                }
            }
            Self::List(of, length) => {
                elements(value, path, of, *length, problems);
            }
            Self::Set(of, length) => {
                let values = elements(value, path, of, *length, problems);
                for (index, value) in values.iter().enumerate() {
                    if values[..index].contains(value) {
                        let words = "The set already contains this value";
                        let path = below(path, &index.to_string());
                        problems.add(&path, "SET_TYPE_ALREADY_CONTAINS_VALUE", words);
                    }
                }
            }
            Self::Object(of) => fields(value, path, of, problems),
            Self::Other(check) => check(value, path, problems),
        }
    }
}

fn elements<'a>(
    value: &'a Value,
    path: &str,
    of: &Rule,
    length: Length,
    problems: &mut Problems,
) -> &'a [Value] {
    let values = list(value, path, problems);
    if value.is_array() {
        length.check(values.len(), path, problems);
    }
    for (index, value) in values.iter().enumerate() {
        of.check(value, &below(path, &index.to_string()), problems);
    }
    values
}

impl Length {
    /// Checks a number of characters or elements.
    pub(super) fn check(self, length: usize, path: &str, problems: &mut Problems) {
        match self {
            Self::Filled(_) if length == 0 => problems.required(path),
            Self::UpTo(most) | Self::Filled(most) if length > most => {
                let words = format!("Must be {most} or fewer in length.");
                problems.add(path, "BASE_TYPE_MAX_LENGTH", words);
            }
            Self::Between(least, most) if length < least || length > most => {
                let words = format!("Must be between {least} and {most} in length.");
                problems.add(path, "BASE_TYPE_BAD_LENGTH", words);
            }
            _ => {}
        }
    }
}

/// Characters of a text; 0 for anything else.
pub(super) fn characters(value: &Value) -> usize {
    value.as_str().map_or(0, |text| text.chars().count())
}

fn text(value: &Value, path: &str, length: Length, problems: &mut Problems) {
    if value.is_string() {
        return length.check(characters(value), path, problems);
    }
    let words = format!("Could not interpret \"{}\" as string.", literal(value));
    problems.add(path, "STRING_TYPE_CONVERT", words);
}

fn int(value: &Value, path: &str, least: i64, most: i64, problems: &mut Problems) {
    match value.as_f64() {
        // Some libraries write whole numbers with a point: `1.0`.
        Some(number) if number.fract() == 0.0 => {
            let whole = value.as_i64().map_or(number as i128, i128::from);
            if whole < i128::from(least) {
                at_least(least, path, problems);
            } else if whole > i128::from(most) {
                at_most(most, path, problems);
            }
        }
        _ => not(value, path, "int", problems),
    }
}

/// Notes that a number is too small.
pub(super) fn at_least(least: i64, path: &str, problems: &mut Problems) {
    let words = format!("int value should be greater than or equal to {least}.");
    problems.add(path, "NUMBER_TYPE_MIN", words);
}

/// Notes that a number is too large.
pub(super) fn at_most(most: i64, path: &str, problems: &mut Problems) {
    let words = format!("int value should be less than or equal to {most}.");
    problems.add(path, "NUMBER_TYPE_MAX", words);
}

/// Notes that a value is no number of this kind.
pub(super) fn not(value: &Value, path: &str, kind: &str, problems: &mut Problems) {
    let given = value.as_str().map_or_else(|| literal(value), str::to_owned);
    problems.add(path, "NUMBER_TYPE_COERCE", format!("Value \"{given}\" is not {kind}."));
}

fn number(value: &Value, path: &str, of: &[i64], problems: &mut Problems) {
    match value.as_i64() {
        None => not(value, path, "int", problems),
        Some(value) if of.contains(&value) => {}
        Some(_) => {
            let of: Vec<_> = of.iter().map(i64::to_string).collect();
            choices(path, &format!("{{{}}}", of.join(", ")), problems);
        }
    }
}

fn word(value: &Value, path: &str, of: &[&str], problems: &mut Problems) {
    if !value.as_str().is_some_and(|word| of.contains(&word)) {
        let of: Vec<_> = of.iter().map(|word| format!("'{word}'")).collect();
        let comma = if of.len() == 1 { "," } else { "" };
        choices(path, &format!("({}{comma})", of.join(", ")), problems);
    }
}

/// Notes that a value is none of those that it can be.
pub(super) fn choices(path: &str, of: &str, problems: &mut Problems) {
    problems.add(path, "BASE_TYPE_CHOICES", format!("Value must be one of {of}."));
}

fn id(value: &Value, path: &str, problems: &mut Problems) {
    if id_of(value).is_none() {
        not(value, path, "snowflake", problems);
    }
}

fn time(value: &Value, path: &str, problems: &mut Problems) {
    let parsed = value.as_str().is_some_and(|text| {
        DateTime::parse_from_rfc3339(text).is_ok()
            || text.parse::<NaiveDateTime>().is_ok()
            || text.parse::<NaiveDate>().is_ok()
    });
    if !parsed {
        let given = value.as_str().map_or_else(|| literal(value), str::to_owned);
        let words = format!("Could not parse {given}. Should be ISO8601.");
        problems.add(path, "DATE_TIME_TYPE_PARSE", words);
    }
}

/// Numbers as Discord lists them: `(1,)`, `(2, 3)`.
fn tuple(numbers: &[u64]) -> String {
    let numbers: Vec<_> = numbers.iter().map(u64::to_string).collect();
    match numbers.as_slice() {
        [one] => format!("({one},)"),
        many => format!("({})", many.join(", ")),
    }
}

/// A value as Discord quotes it, which is as Python writes it.
fn literal(value: &Value) -> String {
    match value {
        Value::Null => "None".to_owned(),
        Value::Bool(true) => "True".to_owned(),
        Value::Bool(false) => "False".to_owned(),
        Value::Number(number) => number.to_string(),
        Value::String(text) => format!("'{text}'"),
        Value::Array(values) => {
            let values: Vec<_> = values.iter().map(literal).collect();
            format!("[{}]", values.join(", "))
        }
        Value::Object(fields) => {
            let fields: Vec<_> = fields
                .iter()
                .map(|(name, value)| format!("'{name}': {}", literal(value)))
                .collect();
            format!("{{{}}}", fields.join(", "))
        }
    }
}
