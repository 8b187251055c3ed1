//! Edits other programs' JSON files and keeps all other bytes: only inserted or removed text
//! differs, so removing an insertion restores the file byte for byte.
//!
//! Kept by hand: `jsonc-parser`'s editor breaks one-line objects into lines, removes blank lines
//! and refuses a byte order mark, and removing an insertion does not restore the file. Comments
//! stay an error, because the agents themselves reject a file with comments.

use std::fmt;
use std::ops::Range;

use serde::de::{MapAccess, SeqAccess, Visitor};
use serde::{Deserialize, Deserializer, Serialize};
use serde_json::value::RawValue;

/// A byte range in the text.
pub(super) type ByteRange = Range<usize>;

/// A value of an object or list, with its byte range.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct JsonPart {
    /// The field's name in an object; empty in a list.
    pub(super) name: String,
    pub(super) value: ByteRange,
}

/// How strings are written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Spelling {
    /// As usual.
    Plain,
    /// Without `//` and `/*`, for an agent that takes these for comments even within strings.
    WithoutCommentMarks,
}

/// A JSON file's text, known to be valid.
#[derive(Debug, Clone)]
pub(super) struct Json {
    text: String,
    spelling: Spelling,
}

impl Json {
    /// Reads and validates a file's text.
    ///
    /// # Errors
    /// Problem and remedy, as text.
    pub(super) fn read(text: &str) -> Result<Self, String> {
        let plain = text.strip_prefix('\u{feff}').unwrap_or(text);
        let read = serde_json::from_str::<serde::de::IgnoredAny>(plain);
        let whole = || Self { text: text.to_owned(), spelling: Spelling::Plain };
        read.map(|_| whole()).map_err(|error| {
            let remarks = text.lines().any(|line| {
                line.trim_start().starts_with("//") || line.trim_start().starts_with("/*")
            });
            let hint = if remarks {
                ". Comments in JSON cannot be kept: remove them, or add the hook by hand"
            } else {
                ""
            };
            format!("{error}{hint}")
        })
    }

    /// Writes strings in this spelling.
    pub(super) fn spelled(self, spelling: Spelling) -> Self {
        Self { spelling, ..self }
    }

    pub(super) fn text(&self) -> &str {
        &self.text
    }

    pub(super) fn into_text(self) -> String {
        self.text
    }

    /// The range of the whole value.
    pub(super) fn whole(&self) -> ByteRange {
        let start = self.text.len()
            - self.text.trim_start_matches(['\u{feff}', ' ', '\t', '\r', '\n']).len();
        start..self.text.trim_end().len()
    }

    /// The fields of an object, in order; `None` for any other value.
    pub(super) fn fields(&self, object: &ByteRange) -> Option<Vec<JsonPart>> {
        let parts: Parts<'_> = serde_json::from_str(&self.text[object.clone()]).ok()?;
        self.text[object.clone()].starts_with('{').then(|| self.located(parts))
    }

    /// Rejects an object with a duplicate field, because readers differ in which field they use.
    ///
    /// # Errors
    /// A message that names the field.
    pub(super) fn names_each_once(&self, object: &ByteRange) -> Result<(), String> {
        let mut seen = std::collections::BTreeSet::new();
        let twice = self
            .fields(object)
            .unwrap_or_default()
            .into_iter()
            .find(|field| !seen.insert(field.name.clone()));
        twice.map_or(Ok(()), |field| {
            Err(format!(
                "{:?} appears twice, and agents differ in which one they read: remove one",
                field.name
            ))
        })
    }

    /// The values of a list; `None` for any other value.
    pub(super) fn items(&self, list: &ByteRange) -> Option<Vec<JsonPart>> {
        let parts: Parts<'_> = serde_json::from_str(&self.text[list.clone()]).ok()?;
        self.text[list.clone()].starts_with('[').then(|| self.located(parts))
    }

    fn located(&self, parts: Parts<'_>) -> Vec<JsonPart> {
        let place = |raw: &str| raw.as_ptr() as usize - self.text.as_ptr() as usize;
        let part = |(name, raw): (String, &RawValue)| {
            let start = place(raw.get());
            JsonPart { name, value: start..start + raw.get().len() }
        };
        parts.0.into_iter().map(part).collect()
    }

    /// The value of a field.
    pub(super) fn get(&self, object: &ByteRange, name: &str) -> Option<ByteRange> {
        self.fields(object)?.into_iter().find(|field| field.name == name).map(|field| field.value)
    }

    /// A string value, unescaped; `None` for any other value.
    pub(super) fn as_text(&self, value: &ByteRange) -> Option<String> {
        serde_json::from_str(&self.text[value.clone()]).ok()
    }

    /// A whole number; `None` for any other value.
    pub(super) fn as_number(&self, value: &ByteRange) -> Option<u64> {
        serde_json::from_str(&self.text[value.clone()]).ok()
    }

    /// Any value.
    pub(super) fn as_value(&self, value: &ByteRange) -> Option<serde_json::Value> {
        serde_json::from_str(&self.text[value.clone()]).ok()
    }

    /// Removes a field from an object.
    pub(super) fn cut(&mut self, object: &ByteRange, name: &str) {
        let fields = self.fields(object).unwrap_or_default();
        if let Some(at) = fields.iter().position(|field| field.name == name) {
            self.take_out(object, &fields, at);
        }
    }

    /// Removes a part from an object or list, with its comma.
    pub(super) fn take_out(&mut self, whole: &ByteRange, parts: &[JsonPart], at: usize) {
        let gap = if at > 0 {
            parts[at - 1].value.end..parts[at].value.end
        } else if let Some(next) = parts.get(1) {
            // The next part moves to the start of the removed one.
            let rest = &self.text[parts[0].value.end..next.value.start];
            let blanks = rest.len() - rest.trim_start().len();
            let after = rest[blanks..].trim_start_matches(',');
            let skipped = rest.len() - after.trim_start().len();
            let begin = whole.start + 1 + blanks_at(&self.text[whole.start + 1..]);
            begin..parts[0].value.end + skipped
        } else {
            whole.start + 1..whole.end - 1
        };
        self.text.replace_range(gap, "");
    }

    /// Appends a value to an object or list, with the layout of the existing parts.
    pub(super) fn append_part(
        &mut self,
        whole: &ByteRange,
        parts: &[JsonPart],
        name: Option<&str>,
        value: &impl Serialize,
    ) {
        let Some(last) = parts.last() else {
            let new = match self.indent_of_line(whole.start) {
                Some(close) => {
                    let depth = format!("{close}{}", self.indent());
                    format!("\n{depth}{}\n{close}", self.format_value(name, value, Some(&depth)))
                }
                None => self.format_value(name, value, None),
            };
            self.text.replace_range(whole.start + 1..whole.end - 1, &new);
            return;
        };
        // On a separate line, if the last part is on a separate line.
        let before = &self.text[..last.value.start];
        let line = &before[before.rfind('\n').map_or(before.len(), |end| end + 1)..];
        let depth = &line[..blanks_at(line)];
        let is_alone = before.contains('\n')
            && line[depth.len()..].split('"').count() == if name.is_some() { 3 } else { 1 };
        let own = is_alone.then_some(depth);
        let new = self.format_value(name, value, own);
        let new = own.map_or_else(|| format!(", {new}"), |depth| format!(",\n{depth}{new}"));
        self.text.insert_str(last.value.end, &new);
    }

    /// Puts a field at the start of an object, with the layout of the existing fields.
    pub(super) fn prepend_part(
        &mut self,
        object: &ByteRange,
        fields: &[JsonPart],
        name: &str,
        value: &impl Serialize,
    ) {
        if fields.is_empty() {
            return self.append_part(object, fields, Some(name), value);
        }
        let blanks = blanks_at(&self.text[object.start + 1..]);
        let first = object.start + 1 + blanks;
        let gap = &self.text[object.start + 1..first];
        let gap = if gap.is_empty() { " " } else { gap };
        let new = format!("{},{gap}", self.format_value(Some(name), value, None));
        self.text.insert_str(first, &new);
    }

    /// Replaces a value. An equal value keeps its layout; another is on one line if the present one
    /// is.
    pub(super) fn exchange(&mut self, part: &ByteRange, value: &impl Serialize) {
        let there = serde_json::from_str::<serde_json::Value>(&self.text[part.clone()]).ok();
        let is_spelled = self.spelling == Spelling::Plain || !has_marks(&self.text[part.clone()]);
        if is_spelled && there == serde_json::to_value(value).ok() {
            return;
        }
        let is_laid_out = self.text[part.clone()].contains('\n');
        let depth = self.indent_of_line(part.start).filter(|_| is_laid_out);
        let new = self.format_value(None, value, depth);
        self.text.replace_range(part.clone(), &new);
    }

    /// Formats a value and its name: over several lines indented by `depth`, or on one line.
    fn format_value(
        &self,
        name: Option<&str>,
        value: &impl Serialize,
        depth: Option<&str>,
    ) -> String {
        let mut text = Vec::new();
        // Serialising plain strings and numbers into memory cannot fail.
        let _ = match depth {
            Some(_) => {
                let format =
                    serde_json::ser::PrettyFormatter::with_indent(self.indent().as_bytes());
                value.serialize(&mut serde_json::Serializer::with_formatter(&mut text, format))
            }
            None => value.serialize(&mut serde_json::Serializer::new(&mut text)),
        };
        let mut text = String::from_utf8_lossy(&text)
            .replace('\n', &format!("\n{}", depth.unwrap_or_default()));
        if self.spelling == Spelling::WithoutCommentMarks {
            // Slashes stand only within strings.
            text = text.replace("/*", "/\\u002a").replace("//", "/\\u002f");
        }
        name.map_or(text.clone(), |name| format!("{}: {text}", serde_json::Value::from(name)))
    }

    /// The indentation of the line at this byte; `None` if the text is a single line.
    fn indent_of_line(&self, at: usize) -> Option<&str> {
        self.text.trim_end().contains('\n').then(|| {
            let line = &self.text[self.text[..at].rfind('\n').map_or(0, |end| end + 1)..];
            &line[..blanks_at(line)]
        })
    }

    /// The indentation of one level: that of the first indented line, else two spaces.
    fn indent(&self) -> &str {
        let first = self.text.lines().find(|line| blanks_at(line) > 0 && !line.trim().is_empty());
        first.map_or("  ", |line| &line[..blanks_at(line)])
    }
}

/// The text without comments outside of its strings.
pub(super) fn without_comments(text: &str) -> String {
    let mut plain = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(next) = rest.chars().next() {
        let skipped = match rest.as_bytes() {
            [b'/', b'/', ..] => rest.find('\n').unwrap_or(rest.len()),
            [b'/', b'*', ..] => rest[2..].find("*/").map_or(rest.len(), |end| end + 4),
            _ => 0,
        };
        let kept = if skipped > 0 { 0 } else { string_at(rest).unwrap_or(next.len_utf8()) };
        plain.push_str(&rest[..kept]);
        rest = &rest[skipped + kept..];
    }
    plain
}

/// The length of the string at the start of a text, with its quotation marks.
fn string_at(text: &str) -> Option<usize> {
    let mut escaped = false;
    for (at, c) in text.strip_prefix('"')?.char_indices() {
        match c {
            _ if escaped => escaped = false,
            '\\' => escaped = true,
            '"' => return Some(at + 2),
            _ => {}
        }
    }
    Some(text.len())
}

/// Whether a text has the marks of comments.
fn has_marks(text: &str) -> bool {
    text.contains("//") || text.contains("/*")
}

/// Number of leading blank bytes.
fn blanks_at(text: &str) -> usize {
    text.len() - text.trim_start_matches([' ', '\t', '\r', '\n']).len()
}

/// The parts of an object or list as raw text, with empty names for list items.
struct Parts<'a>(Vec<(String, &'a RawValue)>);

impl<'de: 'a, 'a> Deserialize<'de> for Parts<'a> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Any;
        impl<'de> Visitor<'de> for Any {
            type Value = Vec<(String, &'de RawValue)>;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("an object or a list")
            }

            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Self::Value, A::Error> {
                let mut fields = Vec::new();
                while let Some(field) = map.next_entry()? {
                    fields.push(field);
                }
                Ok(fields)
            }

            fn visit_seq<A: SeqAccess<'de>>(self, mut list: A) -> Result<Self::Value, A::Error> {
                let mut items = Vec::new();
                while let Some(item) = list.next_element()? {
                    items.push((String::new(), item));
                }
                Ok(items)
            }
        }
        deserializer.deserialize_any(Any).map(Parts)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn comments_are_left_out_and_strings_are_not() {
        for (text, plain) in [
            ("{\"a\": 1} // b", "{\"a\": 1} "),
            ("{ /* \" */ \"a\": \"http://x/*\\\"//\" }", "{  \"a\": \"http://x/*\\\"//\" }"),
            ("1 /* open", "1 "),
            ("\"open // \\", "\"open // \\"),
            ("é // ü\né", "é \né"),
        ] {
            assert_eq!(without_comments(text), plain);
        }
    }
}
