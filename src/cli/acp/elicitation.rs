//! `elicitation/create`: a form that the agent, or a server of the agent, wants filled in.
//!
//! A form of one field is a question that people answer with a choice or a text. Any other form is
//! left to the client, or declined.

use std::collections::BTreeSet;

use serde::Deserialize;
use serde_json::{Map, Value, json};

use crate::core::decision::Choice;
use crate::core::untrusted::{one_line, shape};

/// Most options of a choice, and the longest name of one in characters.
const MOST_OPTIONS: usize = 25;
const LONGEST_NAME: usize = 100;
/// End of the name of a field in which a person may write another answer than the options (Claude).
const OTHER_ANSWER: &str = "_custom";
/// Words, in small letters and without separators, for what nobody types into Discord: in the name
/// or title of a field, or in the message of a form with a text.
const SECRETS: [&str; 8] = [
    "password",
    "passphrase",
    "secret",
    "token",
    "apikey",
    "credential",
    "privatekey",
    "onetimecode",
];

/// The request's parameters.
#[derive(Debug, Clone, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct ElicitationRequest {
    #[serde(default)]
    pub(super) session_id: Option<String>,
    #[serde(default)]
    pub(super) tool_call_id: Option<String>,
    #[serde(default = "form")]
    pub(super) mode: String,
    #[serde(default)]
    pub(super) message: String,
    #[serde(default)]
    pub(super) requested_schema: Value,
}

fn form() -> String {
    FORM.into()
}

const FORM: &str = "form";

/// A form that people can fill in on a card.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Form {
    /// The name of the field.
    field: String,
    /// What the field asks for, beside the message.
    pub(super) header: String,
    pub(super) wants: Wants,
}

/// What a form wants.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Wants {
    /// One of these, each with the value that it stands for.
    Choice(Vec<(Choice, Value)>),
    /// A text.
    Text,
}

impl ElicitationRequest {
    /// The form, if people can fill it in on a card. `None`: it has several fields, or one of
    /// another kind, or asks for a secret, or wants a page to be visited.
    pub(super) fn form(&self) -> Option<Form> {
        let fields = self.requested_schema["properties"].as_object()?;
        if self.mode != FORM {
            return None;
        }
        let mut asked = fields.iter().filter(|(name, _)| !self.may_be_left_out(fields, name));
        let ((name, field), None) = (asked.next()?, asked.next()) else { return None };
        let header = one_line(field["title"].as_str().unwrap_or(name));
        let wants = match field["type"].as_str() {
            Some("boolean") => {
                let option = |(name, value)| (choice(name, ""), Value::Bool(value));
                Wants::Choice([("Yes", true), ("No", false)].map(option).into())
            }
            Some("string") => match options(field)? {
                options if options.is_empty() => Wants::Text,
                options => Wants::Choice(options),
            },
            _ => return None,
        };
        let title = field["title"].as_str().unwrap_or_default();
        let message = if wants == Wants::Text { self.message.as_str() } else { "" };
        let is_secret =
            field["format"] == "password" || [name, title, message].iter().any(names_secret);
        if is_secret {
            return None;
        }
        Some(Form { field: name.clone(), header, wants })
    }

    /// Whether a field is for another answer than the options of the field beside it.
    fn may_be_left_out(&self, fields: &Map<String, Value>, name: &str) -> bool {
        let required = self.requested_schema["required"].as_array().into_iter().flatten();
        let beside = name.strip_suffix(OTHER_ANSWER).and_then(|name| fields.get(name));
        fields[name]["type"] == "string"
            && beside.is_some_and(|field| options(field).is_some_and(|all| !all.is_empty()))
            && !required.into_iter().any(|required| required == name)
    }
}

fn choice(name: &str, description: &str) -> Choice {
    Choice { name: name.to_owned(), description: description.to_owned() }
}

/// The options of a field; none for a text. `None`: nobody could choose among them.
fn options(field: &Value) -> Option<Vec<(Choice, Value)>> {
    let titled = ["oneOf", "anyOf"].into_iter().filter_map(|name| field[name].as_array()).flatten();
    let titled = titled.map(|option| {
        let value = option.get("const")?.clone();
        let title = option["title"].as_str().map(one_line).filter(|title| !title.is_empty());
        let name = title.or_else(|| value.as_str().map(one_line))?;
        Some((choice(&name, option["description"].as_str().unwrap_or_default()), value))
    });
    let plain = field["enum"].as_array().into_iter().flatten();
    let plain = plain.map(|value| Some((choice(&one_line(value.as_str()?), ""), value.clone())));
    let all: Vec<(Choice, Value)> = titled.chain(plain).collect::<Option<_>>()?;
    let names: BTreeSet<String> = all.iter().map(|(choice, _)| shape(&choice.name)).collect();
    let fits =
        |(choice, _): &(Choice, Value)| (1..=LONGEST_NAME).contains(&choice.name.chars().count());
    let can_choose = all.len() != 1 && all.len() <= MOST_OPTIONS;
    (can_choose && names.len() == all.len() && all.iter().all(fits)).then_some(all)
}

/// Whether a text names what is never typed into Discord.
fn names_secret(text: &&str) -> bool {
    let letters = text.chars().filter(|c| c.is_alphanumeric());
    let plain: String = letters.flat_map(char::to_lowercase).collect();
    SECRETS.iter().any(|secret| plain.contains(secret))
}

impl Form {
    /// The answer to the request with the option that a person chose. `None`: there is none of
    /// this name.
    pub(super) fn chosen(&self, option: &str) -> Option<Value> {
        let Wants::Choice(options) = &self.wants else { return None };
        let (_, value) = options.iter().find(|(choice, _)| choice.name == option)?;
        Some(self.accepted(value.clone()))
    }

    /// The answer to the request with the text that a person wrote.
    pub(super) fn written(&self, text: &str) -> Value {
        self.accepted(text.into())
    }

    fn accepted(&self, value: Value) -> Value {
        json!({ "action": "accept", "content": { &self.field: value } })
    }
}

/// The answer that the person does not want to.
pub(super) fn declined() -> Value {
    json!({ "action": "decline" })
}

/// The answer that nobody decided.
pub(super) fn cancelled() -> Value {
    json!({ "action": "cancel" })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn request(schema: Value) -> ElicitationRequest {
        let request = json!({ "sessionId": "s", "mode": "form", "message": "Which?",
            "requestedSchema": schema });
        serde_json::from_value(request).unwrap()
    }

    fn fields(fields: Value) -> ElicitationRequest {
        request(json!({ "type": "object", "properties": fields }))
    }

    #[test]
    fn a_form_of_one_field_is_a_question() {
        let kimi = json!({ "q0": { "type": "string", "title": "DB", "oneOf": [
            { "const": "pg", "title": "Postgres", "description": "a" },
            { "const": "sqlite", "title": "SQLite" },
        ] } });
        let form = fields(kimi).form().unwrap();
        assert_eq!(form.header, "DB");
        assert_eq!(
            form.chosen("Postgres"),
            Some(json!({ "action": "accept", "content": { "q0": "pg" } }))
        );
        assert_eq!(form.chosen("pg"), None);
        let plain = json!({ "size": { "type": "string", "enum": ["small", "large"] } });
        assert!(fields(plain).form().unwrap().chosen("large").is_some());
        let sure = fields(json!({ "sure": { "type": "boolean" } })).form().unwrap();
        assert_eq!(sure.chosen("No").unwrap()["content"], json!({ "sure": false }));
        let text = fields(json!({ "name": { "type": "string" } })).form().unwrap();
        assert_eq!(text.wants, Wants::Text);
        assert_eq!(text.written("Ann")["content"], json!({ "name": "Ann" }));
    }

    #[test]
    fn another_answer_beside_options_may_be_left_out() {
        let claude = json!({
            "question_0": { "type": "string", "title": "DB", "oneOf": [
                { "const": "pg", "title": "pg — a" }, { "const": "sqlite", "title": "sqlite — b" },
            ] },
            "question_0_custom": { "type": "string", "title": "Other" },
        });
        let form = fields(claude.clone()).form().unwrap();
        assert_eq!(form.chosen("pg — a").unwrap()["content"], json!({ "question_0": "pg" }));
        let all = json!({ "type": "object", "properties": claude,
            "required": ["question_0", "question_0_custom"] });
        assert_eq!(request(all).form(), None);
    }

    #[test]
    fn any_other_form_is_left_alone() {
        for other in [
            json!({}),
            json!({ "a": { "type": "string" }, "b": { "type": "string" } }),
            json!({ "a": { "type": "string" }, "a_custom": { "type": "string" } }),
            json!({ "a": { "type": "integer" } }),
            json!({ "a": { "type": "array", "items": { "enum": ["x", "y"] } } }),
            json!({ "a": { "type": "string", "enum": ["x"] } }),
            json!({ "a": { "type": "string", "enum": ["x", "x\u{200b}"] } }),
            json!({ "a": { "type": "string", "enum": ["x", 7] } }),
            json!({ "a": { "type": "string", "oneOf": [{ "title": "x" }, { "const": "y" }] } }),
            json!({ "apiKey": { "type": "string" } }),
            json!({ "a": { "type": "string", "title": "Your password" } }),
            json!({ "a": { "type": "string", "format": "password" } }),
        ] {
            assert_eq!(fields(other.clone()).form(), None, "{other}");
        }
        let many: Vec<String> = (0..26).map(|n| n.to_string()).collect();
        assert_eq!(fields(json!({ "a": { "type": "string", "enum": many } })).form(), None);
        let mut key = fields(json!({ "a": { "type": "string" } }));
        key.message = "Paste your API key".into();
        assert_eq!(key.form(), None);
        let mut page = fields(json!({ "a": { "type": "string" } }));
        page.mode = "url".into();
        assert_eq!(page.form(), None);
    }
}
