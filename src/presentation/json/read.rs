//! Reads JSON from other programs, and reports each mistake with place and remedy.

use serde::de::DeserializeOwned;

use crate::core::values::did_you_mean::did_you_mean;

/// Why a text was rejected.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ReadError {
    /// The text ends too early, perhaps because the sender is still writing.
    UnexpectedEnd(String),
    /// The text is not JSON.
    NotJson(String),
    /// The text is valid JSON with invalid content.
    InvalidContent(String),
}

/// A field name that is valid elsewhere but not here, and the advice to give.
pub type Hint = (&'static str, &'static str);

/// Parses a JSON object. Skips a byte order mark, which some systems write.
///
/// # Errors
/// [`ReadError`], with a text that names line, column and, if known, the field.
pub fn read<T: DeserializeOwned>(bytes: &[u8], hints: &[Hint]) -> Result<T, ReadError> {
    let Ok(text) = std::str::from_utf8(bytes) else {
        return Err(ReadError::NotJson("it is not UTF-8 text: save it as UTF-8".into()));
    };
    let text = text.strip_prefix('\u{FEFF}').unwrap_or(text);
    if text.trim_start().starts_with('[') {
        return Err(ReadError::InvalidContent(
            "line 1: it is a list; write one object, { … }".into(),
        ));
    }
    let mut json = serde_json::Deserializer::from_str(text);
    let read = serde_path_to_error::deserialize(&mut json).map_err(|error| {
        let path = error.path().to_string();
        wrong(&error.into_inner(), &path, hints)
    })?;
    json.end().map_err(|error| wrong(&error, ".", hints))?;
    match bare_list(text) {
        Some(field) => Err(ReadError::InvalidContent(format!(
            "{field}: it is a list: write an object with names, such as {{\"name\": …}}"
        ))),
        None => Ok(read),
    }
}

/// Finds a list of bare values in place of an object: serde accepts such a list as a struct, the
/// schema does not.
fn bare_list(text: &str) -> Option<String> {
    bare_list_in(&serde_json::from_str(text).ok()?)
}

fn bare_list_in(whole: &serde_json::Value) -> Option<String> {
    let objects = whole.as_object()?;
    let bare = ["insight", "agent"]
        .into_iter()
        .find(|field| objects.get(*field).is_some_and(serde_json::Value::is_array));
    let within = || {
        let questions = objects.get("questions")?.as_array()?;
        questions
            .iter()
            .enumerate()
            .find_map(|(at, question)| Some(format!("questions[{at}].{}", bare_list_in(question)?)))
    };
    bare.map(ToOwned::to_owned).or_else(within).or_else(|| {
        ["details", "links", "options", "questions"].into_iter().find_map(|field| {
            let index =
                objects.get(field)?.as_array()?.iter().position(serde_json::Value::is_array)?;
            Some(format!("{field}[{index}]"))
        })
    })
}

fn wrong(error: &serde_json::Error, path: &str, hints: &[Hint]) -> ReadError {
    let place = match error.line() {
        // An error about the whole text has no position.
        0 => String::new(),
        line => format!("line {line}, column {}", error.column()),
    };
    let message = error.to_string();
    let message = message.rsplit_once(" at line ").map_or(message.as_str(), |(message, _)| message);
    match error.classify() {
        serde_json::error::Category::Data => {
            let field = if path == "." || message.starts_with("unknown field") {
                String::new()
            } else {
                format!(", {path}")
            };
            let found = format!("{place}{field}");
            let place = found.trim_start_matches(", ");
            let words = hint(message, hints);
            ReadError::InvalidContent(if place.is_empty() {
                words
            } else {
                format!("{place}: {words}")
            })
        }
        _ if error.is_eof() => ReadError::UnexpectedEnd(format!("{place}: it ends too early")),
        _ => ReadError::NotJson(format!("{place}: it is not JSON ({message})")),
    }
}

/// Advice for fields that other interfaces accept.
const COMMON_HINTS: [Hint; 2] = [
    ("asked_by", "leave out `asked_by`: it is for people who ask; name an agent in `agent`"),
    ("sla_seconds", "write `sla` instead of `sla_seconds`, such as \"2h\""),
];

fn hint(message: &str, hints: &[Hint]) -> String {
    for (field, words) in hints.iter().chain(&COMMON_HINTS) {
        if message.starts_with(&format!("unknown field `{field}`")) {
            return (*words).to_owned();
        }
    }
    let mut words = did_you_mean(message);
    for (jargon, plain) in [
        ("f64", "a number"),
        ("u32", "a whole number"),
        ("u64", "a whole number"),
        ("usize", "a whole number"),
        ("i64", "a whole number"),
        ("struct Insight", "an object"),
        ("struct Agent", "an object"),
        ("struct Detail", "an object"),
        ("struct Link", "an object"),
        ("struct Choice", "an object"),
        ("struct Question", "an object"),
        ("a sequence", "a list"),
        ("a map", "an object"),
    ] {
        words = words.replace(&format!("expected {jargon}"), &format!("expected {plain}"));
    }
    words
}
