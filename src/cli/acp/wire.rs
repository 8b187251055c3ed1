//! JSON-RPC on a line, as far as the relay must understand it. Everything else stays as it came.
//!
//! A line is read without its parameters: a text in them may have what the parser of another
//! program accepts and ours does not (half of a surrogate pair, for example), and still passes.

use std::fmt;

use serde::Deserialize;
use serde_json::Value;
use serde_json::value::RawValue;

/// The agent asks before a tool call.
pub(super) const PERMISSION: &str = "session/request_permission";
/// The agent, or a server of the agent, asks for a form to be filled in.
pub(super) const ELICITATION: &str = "elicitation/create";
/// What the agent tells of its work.
pub(super) const UPDATE: &str = "session/update";
/// Either side gives up a request of its own.
pub(super) const CANCEL_REQUEST: &str = "$/cancel_request";
/// The client stops the agent's turn.
pub(super) const CANCEL: &str = "session/cancel";
pub(super) const INITIALIZE: &str = "initialize";
pub(super) const NEW: &str = "session/new";
pub(super) const LOAD: &str = "session/load";
pub(super) const RESUME: &str = "session/resume";
pub(super) const FORK: &str = "session/fork";
pub(super) const PROMPT: &str = "session/prompt";
pub(super) const SET_MODE: &str = "session/set_mode";
pub(super) const SET_OPTION: &str = "session/set_config_option";

/// Error code: the method does not exist, or is not offered.
pub(super) const NO_METHOD: i64 = -32601;
/// Error code: the request is refused.
pub(super) const INVALID_REQUEST: i64 = -32600;
/// Error code: the sender of the request gave it up.
pub(super) const GIVEN_UP: i64 = -32800;

/// Longest id of a request, in bytes.
const LONGEST_ID: usize = 1_000;

/// The id of a request. Both sides number their requests, so an id is one only with its direction.
#[derive(Clone)]
pub(super) struct Id {
    /// As it was sent, to be sent back.
    text: Box<RawValue>,
    /// Equal for ids that any program takes for equal: `1` and `1.0`.
    key: String,
}

impl Id {
    /// `None`: neither a number nor a text, or longer than any program needs.
    fn of(text: &RawValue) -> Option<Self> {
        (text.get().len() <= LONGEST_ID).then_some(())?;
        let key = match serde_json::from_str(text.get()).ok()? {
            Value::Number(number) => format!("number {}", number.as_f64()?),
            Value::String(text) => format!("text {text}"),
            _ => return None,
        };
        Some(Self { text: text.to_owned(), key })
    }

    /// Equal for equal ids.
    pub(super) fn key(&self) -> &str {
        &self.key
    }

    pub(super) fn of_number(number: u64) -> Self {
        let text = RawValue::from_string(number.to_string()).unwrap_or_default();
        Self { text, key: format!("number {}", number as f64) }
    }

    /// The id in the parameters of a message that gives up a request.
    pub(super) fn given_up(params: Option<&RawValue>) -> Option<Self> {
        #[derive(Deserialize)]
        struct GivenUp<'a> {
            #[serde(borrow, rename = "requestId")]
            request: &'a RawValue,
        }
        let GivenUp { request } = serde_json::from_str(params?.get()).ok()?;
        Self::of(request)
    }
}

impl PartialEq for Id {
    fn eq(&self, other: &Self) -> bool {
        self.key == other.key
    }
}

impl Eq for Id {}

impl fmt::Debug for Id {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.text.get())
    }
}

/// A message.
#[derive(Debug)]
pub(super) enum Message<'a> {
    /// Wants an answer.
    Request { id: Id, method: String, params: Option<&'a RawValue> },
    /// Wants none. A request without a usable id is one: nobody could answer it.
    Notification { method: String, params: Option<&'a RawValue> },
    /// Answers a request of the other side. `result`: `None` for an error.
    Response { id: Id, result: Option<&'a RawValue>, error: Option<&'a RawValue> },
}

/// The fields of a message. A field that is there twice is an error: of two, programs read the
/// first or the last.
#[derive(Deserialize)]
struct Fields<'a> {
    #[serde(borrow, default)]
    id: Option<&'a RawValue>,
    #[serde(default)]
    method: Option<String>,
    #[serde(borrow, default)]
    params: Option<&'a RawValue>,
    #[serde(borrow, default)]
    result: Option<&'a RawValue>,
    #[serde(borrow, default)]
    error: Option<&'a RawValue>,
}

impl<'a> Message<'a> {
    /// Reads a line. `None`: no message, or several.
    pub(super) fn read(line: &'a [u8]) -> Option<Self> {
        // A list would do as well for the parser's taste.
        line.trim_ascii_start().starts_with(b"{").then_some(())?;
        let Fields { id, method, params, result, error } = serde_json::from_slice(line).ok()?;
        let id = match id {
            None => None,
            Some(id) => Some(Id::of(id)?),
        };
        Some(match (method, id) {
            (Some(method), Some(id)) => Self::Request { id, method, params },
            (Some(method), None) => Self::Notification { method, params },
            (None, Some(id)) => Self::Response { id, result, error },
            (None, None) => return None,
        })
    }
}

/// Reads parameters, or a result. `None`: they have another shape, or name a field twice.
pub(super) fn read<T: serde::de::DeserializeOwned>(text: Option<&RawValue>) -> Option<T> {
    serde_json::from_str(text?.get()).ok()
}

fn line(message: &Value) -> Vec<u8> {
    let mut line = message.to_string().into_bytes();
    line.push(b'\n');
    line
}

fn answered(id: &Id, field: &str, value: &Value) -> Vec<u8> {
    // The id is written as it came: a number may have more digits than ours keep.
    format!("{{\"jsonrpc\":\"2.0\",\"id\":{},\"{field}\":{value}}}\n", id.text.get()).into_bytes()
}

/// The answer to a request.
pub(super) fn result(id: &Id, result: &Value) -> Vec<u8> {
    answered(id, "result", result)
}

/// The answer to a request that is refused.
pub(super) fn error(id: &Id, code: i64, words: &str) -> Vec<u8> {
    answered(id, "error", &serde_json::json!({ "code": code, "message": words }))
}

/// A request.
pub(super) fn request(id: u64, method: &str, params: &Value) -> Vec<u8> {
    line(&serde_json::json!({ "jsonrpc": "2.0", "id": id, "method": method, "params": params }))
}

/// A message that wants no answer.
pub(super) fn notification(method: &str, params: &Value) -> Vec<u8> {
    line(&serde_json::json!({ "jsonrpc": "2.0", "method": method, "params": params }))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn id(text: &str) -> Id {
        let line = format!(r#"{{"id":{text},"method":"x"}}"#);
        match Message::read(line.as_bytes()) {
            Some(Message::Request { id, .. }) => id,
            other => panic!("{text}: {other:?}"),
        }
    }

    #[test]
    fn an_id_is_a_number_or_a_text_and_goes_back_as_it_came() {
        assert_eq!(id("1"), id("1.0"));
        assert_ne!(id("1"), id("\"1\""));
        assert_eq!(id("\"a\""), id(r#""\u0061""#));
        for text in ["7", "1.0", "-3", "123456789012345678901234567890", "\"x-1\""] {
            let sent = String::from_utf8(result(&id(text), &serde_json::json!({}))).unwrap();
            assert_eq!(sent, format!("{{\"jsonrpc\":\"2.0\",\"id\":{text},\"result\":{{}}}}\n"));
        }
        let long = format!("\"{}\"", "x".repeat(LONGEST_ID));
        for none in ["true", "[1]", "{}", &long] {
            let line = format!(r#"{{"id":{none},"method":"x"}}"#);
            assert!(Message::read(line.as_bytes()).is_none(), "{none}");
        }
        assert!(matches!(
            Message::read(br#"{"id":null,"method":"x"}"#),
            Some(Message::Notification { .. })
        ));
    }

    #[test]
    fn a_line_is_one_message_or_none() {
        for none in [
            "",
            "hello",
            "[]",
            r#"[1,"session/request_permission",{}]"#,
            "7",
            "{}",
            r#"[{"method":"session/request_permission","id":1}]"#,
            r#"{"method":"x","method":"session/request_permission","id":1}"#,
            r#"{"id":1,"id":2,"method":"x"}"#,
            "{\"x\":1}\r{\"method\":\"x\"}",
            "\u{feff}{\"method\":\"x\"}",
            r#"{"method":"x""#,
        ] {
            assert!(Message::read(none.as_bytes()).is_none(), "{none}");
        }
        assert!(Message::read(b"{\"method\":\"\xff\"}").is_none());
        // Half of a pair stands in a chunk of text that was cut.
        let cut = r#"{"method":"session/update","params":{"text":"\ud83d"}}"#;
        assert!(matches!(Message::read(cut.as_bytes()), Some(Message::Notification { .. })));
        let escaped = br#"{"method":"session\/request_permission","id":1}"#;
        assert!(matches!(
            Message::read(escaped),
            Some(Message::Request { method, .. }) if method == PERMISSION
        ));
    }
}
