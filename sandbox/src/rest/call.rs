//! A REST request taken apart, and its answer: what the routes work on instead of HTTP.

use std::collections::HashMap;

use axum::body::Bytes;
use axum::extract::{DefaultBodyLimit, FromRequest, Multipart, Request};
use axum::http::{HeaderMap, header};
use serde_json::{Value, json};

use crate::refusal::{Problems, Refusal};
use crate::snowflake::Snowflake;
use crate::state::StoredFile;

/// Largest file in bytes (Discord's limit for a server without boosts).
pub(crate) const LARGEST_FILE: usize = 10 * 1024 * 1024;

/// Largest body in bytes: several files and some air.
pub(crate) const LARGEST_BODY: usize = 32 * 1024 * 1024;

/// Characters of a reason for the audit log.
const LONGEST_REASON: usize = 512;

/// A request.
#[derive(Debug)]
pub(crate) struct Call {
    pub(crate) method: String,
    /// The path below `/api/v10`, decoded, in parts.
    pub(crate) segments: Vec<String>,
    /// The application whose token came along.
    pub(crate) application: Option<Snowflake>,
    /// Those parts of the path that vary, by their names in the operation's template.
    pub(crate) parameters: Vec<(&'static str, String)>,
    pub(crate) query: HashMap<String, String>,
    /// The JSON body; `null` without one.
    pub(crate) body: Value,
    pub(crate) files: Vec<Upload>,
    /// Why it is made, for the audit log: the header `X-Audit-Log-Reason`.
    pub(crate) reason: Option<String>,
}

/// A file that came with a request as `files[n]`.
#[derive(Clone, Debug)]
pub(crate) struct Upload {
    pub(crate) n: u64,
    pub(crate) file: StoredFile,
}

/// An answer.
#[derive(Clone, Debug)]
pub(crate) struct Reply {
    pub(crate) status: u16,
    /// The JSON body; `null` for none.
    pub(crate) body: Value,
}

impl Reply {
    /// 200 with a body.
    pub(crate) fn ok(body: impl Into<Value>) -> Self {
        Self { status: 200, body: body.into() }
    }

    /// 204 without a body.
    pub(crate) fn empty() -> Self {
        Self { status: 204, body: Value::Null }
    }
}

/// What a route answers.
pub(crate) type Answer = Result<Reply, Refusal>;

impl Call {
    /// Takes a path below `/api/v10` apart.
    pub(crate) fn new(method: &str, path: &str, query: &str) -> Self {
        Self {
            method: method.to_owned(),
            segments: path.split('/').filter(|segment| !segment.is_empty()).map(decode).collect(),
            application: None,
            parameters: Vec::new(),
            query: pairs(query),
            body: Value::Null,
            files: Vec::new(),
            reason: None,
        }
    }

    /// Whether a parameter of the query is set: `true` or `1`, as Discord reads it.
    pub(crate) fn is_set(&self, parameter: &str) -> bool {
        let value = self.query.get(parameter);
        value.is_some_and(|value| value == "1" || value.eq_ignore_ascii_case("true"))
    }

    /// Reads the body, JSON or a form with `payload_json` and `files[n]`.
    pub(crate) async fn read(&mut self, headers: &HeaderMap, bytes: Bytes) -> Result<(), Refusal> {
        self.reason = reason(headers)?;
        let kind = headers
            .get(header::CONTENT_TYPE)
            .and_then(|value| value.to_str().ok())
            .unwrap_or_default();
        if kind.starts_with("multipart/form-data") {
            return self.read_form(kind, bytes).await;
        }
        if kind.starts_with("application/x-www-form-urlencoded") {
            return self.read_fields(&bytes);
        }
        if !bytes.is_empty() {
            if !kind.starts_with("application/json") {
                return Err(Refusal::content_type());
            }
            self.body = serde_json::from_slice(&bytes).map_err(|_| Refusal::invalid_json())?;
        }
        Ok(())
    }

    /// Reads a form without files, as aiohttp sends it: `payload_json` holds the body, or else each
    /// field is a text of its own.
    fn read_fields(&mut self, bytes: &[u8]) -> Result<(), Refusal> {
        let mut fields = pairs(&String::from_utf8_lossy(bytes));
        self.body = match fields.remove("payload_json") {
            Some(json) => serde_json::from_str(&json).map_err(|_| Refusal::invalid_json())?,
            None => json!(fields),
        };
        Ok(())
    }

    async fn read_form(&mut self, kind: &str, bytes: Bytes) -> Result<(), Refusal> {
        let broken = |_| Refusal::bare(400);
        let mut request = Request::builder()
            .header(header::CONTENT_TYPE, kind)
            .body(bytes.into())
            .map_err(|_| Refusal::bare(400))?;
        // The whole body was read within its limit before.
        DefaultBodyLimit::disable().apply(&mut request);
        let mut form =
            Multipart::from_request(request, &()).await.map_err(|_| Refusal::bare(400))?;
        while let Some(field) = form.next_field().await.map_err(broken)? {
            let name = field.name().unwrap_or_default().to_owned();
            let file_name = field.file_name().map(str::to_owned);
            let content_type = field.content_type().map(str::to_owned);
            let bytes = field.bytes().await.map_err(broken)?;
            if bytes.len() > LARGEST_FILE {
                return Err(Refusal::too_large());
            }
            if name == "payload_json" {
                self.body = serde_json::from_slice(&bytes).map_err(|_| Refusal::invalid_json())?;
            } else if let Some(n) = file_number(&name) {
                let name = safe_name(file_name.as_deref().unwrap_or("unknown"));
                let content_type = content_type.unwrap_or_else(|| guess(&name).to_owned());
                self.files.push(Upload {
                    n,
                    file: StoredFile { name, content_type, bytes: bytes.to_vec() },
                });
            } else {
                return Err(Refusal::bare(400));
            }
        }
        Ok(())
    }

    /// An id in the query.
    pub(crate) fn wanted(&self, name: &str) -> Result<Option<Snowflake>, Refusal> {
        self.query.get(name).map(|text| id(text, name)).transpose()
    }

    /// The bot that sends the request.
    pub(crate) fn bot(&self) -> Result<Snowflake, Refusal> {
        self.application.ok_or_else(|| Refusal::bare(401))
    }

    /// A part of the path, by its name in the operation's template.
    pub(crate) fn parameter(&self, name: &str) -> &str {
        let found = self.parameters.iter().find(|(known, _)| *known == name);
        found.map_or("", |(_, value)| value)
    }

    /// An id in the path, by its name in the operation's template.
    pub(crate) fn id(&self, name: &str) -> Result<Snowflake, Refusal> {
        id(self.parameter(name), name)
    }

    /// The body as the journal keeps it: files by name and size.
    pub(crate) fn for_journal(&self) -> Value {
        if self.files.is_empty() {
            return self.body.clone();
        }
        let files: Vec<_> = self
            .files
            .iter()
            .map(|upload| json!({ "name": upload.file.name, "bytes": upload.file.bytes.len() }))
            .collect();
        let mut body = self.body.clone();
        if !body.is_object() {
            body = json!({});
        }
        body["(files)"] = json!(files);
        body
    }
}

/// An id in a path; what is none gets Discord's answer to that.
pub(crate) fn id(text: &str, field: &str) -> Result<Snowflake, Refusal> {
    text.parse().map_err(|_| {
        let digits = !text.is_empty() && text.chars().all(|c| c.is_ascii_digit());
        let (code, words) = if digits {
            let words = format!("snowflake value should be less than or equal to {}.", i64::MAX);
            ("NUMBER_TYPE_MAX", words)
        } else {
            ("NUMBER_TYPE_COERCE", format!("Value \"{text}\" is not snowflake."))
        };
        Problems::one(field, code, words)
    })
}

/// The fields of a query or of a form without files.
fn pairs(text: &str) -> HashMap<String, String> {
    text.split('&')
        .filter_map(|pair| pair.split_once('='))
        .map(|(name, value)| (decode(name), decode(value)))
        .collect()
}

/// The reason for the audit log. The page "Audit Log" of Discord's documentation gives its
/// encoding and its limit, but not the words of the refusal.
fn reason(headers: &HeaderMap) -> Result<Option<String>, Refusal> {
    let Some(header) = headers.get("x-audit-log-reason") else {
        return Ok(None);
    };
    let text = decode(&String::from_utf8_lossy(header.as_bytes()));
    if text.chars().count() > LONGEST_REASON {
        let words = format!("Must be {LONGEST_REASON} or fewer in length.");
        return Err(Problems::one("reason", "BASE_TYPE_MAX_LENGTH", words));
    }
    Ok(Some(text).filter(|text| !text.is_empty()))
}

/// The `n` of `files[n]`; plain `file` counts as 0.
fn file_number(name: &str) -> Option<u64> {
    if name == "file" {
        return Some(0);
    }
    name.strip_prefix("files[")?.strip_suffix(']')?.parse().ok()
}

/// A file name without anything that could mean a path or break an address.
pub(crate) fn safe_name(name: &str) -> String {
    name.chars()
        .map(|c| match c {
            c if c.is_alphanumeric() || matches!(c, '.' | '-' | '_') => c,
            _ => '_',
        })
        .collect()
}

/// A content type by the file name's ending.
pub(crate) fn guess(name: &str) -> &'static str {
    match name.rsplit_once('.').map(|(_, ending)| ending) {
        Some("png") => "image/png",
        Some("jpg" | "jpeg") => "image/jpeg",
        Some("gif") => "image/gif",
        Some("webp") => "image/webp",
        Some("json") => "application/json",
        Some("txt" | "md" | "log" | "diff" | "patch" | "csv" | "toml" | "yaml" | "yml") => {
            "text/plain; charset=utf-8"
        }
        _ => "application/octet-stream",
    }
}

/// Undoes percent-encoding; what is not properly encoded stays as it is.
fn decode(text: &str) -> String {
    let mut bytes = Vec::with_capacity(text.len());
    let mut rest = text.as_bytes();
    while let Some((&first, tail)) = rest.split_first() {
        let hex = tail.get(..2).and_then(|hex| std::str::from_utf8(hex).ok());
        match (first, hex.and_then(|hex| u8::from_str_radix(hex, 16).ok())) {
            (b'%', Some(byte)) => {
                bytes.push(byte);
                rest = &tail[2..];
            }
            _ => {
                bytes.push(if first == b'+' { b' ' } else { first });
                rest = tail;
            }
        }
    }
    String::from_utf8_lossy(&bytes).into_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_path_comes_apart() {
        let call = Call::new("GET", "/webhooks/1/t/messages/%40original", "wait=true&q=a+b");
        assert_eq!(call.segments[4], "@original");
        assert_eq!(call.query["wait"], "true");
        assert_eq!(call.query["q"], "a b");
    }

    #[test]
    fn file_names_cannot_leave_their_folder() {
        assert_eq!(safe_name("../a b.txt"), ".._a_b.txt");
    }
}
