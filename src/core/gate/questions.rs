//! Calls by which an agent asks its person: for an answer, not for permission to run something.
//!
//! Two shapes are known. Claude Code's `AskUserQuestion` has siblings in other agents: a list of
//! questions with options, and a person may always write something else. An *elicitation* is the
//! form of an MCP server, described by a small JSON schema, that the agent passes on. A call of
//! another shape is a tool call as any other. Does not depend on how people are shown the questions
//! ([`crate::core::decision::question`]).

use std::collections::BTreeSet;

use gander_client::types::{LONGEST_OPTION, MAX_OPTIONS};
use serde_json::{Map, Value, json};

use super::{ToolCall, tools};
use crate::core::decision::{Answer, AnswerFormat, Choice, Expects, Question};

/// The tools with a list of questions, in small letters and without separators: of Claude Code,
/// Qwen Code and Kimi; Gemini CLI and Copilot; Codex; OpenCode.
const ASKING: [&str; 4] = ["askuserquestion", "askuser", "requestuserinput", "question"];
/// The tool whose input takes the answers.
const TAKES_ANSWERS: &str = "askuserquestion";
/// The tool that stands for an elicitation, which is no tool of an agent.
pub const ELICITATION: &str = "Elicitation";
/// The field of an elicitation with the server that asks.
pub const SERVER: &str = "mcp_server_name";
const MESSAGE: &str = "message";
/// The address that a server asks a person to visit.
pub const ADDRESS: &str = "url";
const SCHEMA: &str = "requested_schema";
/// All that an elicitation says.
pub const ELICITATION_FIELDS: [&str; 6] =
    [SERVER, MESSAGE, ADDRESS, SCHEMA, "mode", "elicitation_id"];

/// The one question of an elicitation without fields, and its two options.
const ACTION: &str = "action";
/// The option that accepts.
pub const ACCEPT: &str = "Accept";
const DECLINE: &str = "Decline";
/// The options of a field that is true or false.
const YES: &str = "Yes";
const NO: &str = "No";

/// How an agent asks.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Shape {
    List,
    Elicitation,
}

/// An option as people see it, and the value that it stands for.
struct Labelled {
    choice: Choice,
    value: Value,
}

impl ToolCall {
    /// The questions that the call asks. `None`: the call asks nothing, or in a shape that is not
    /// known, or for a secret, which nobody types into Discord. Not checked:
    /// [`crate::core::decision::question::check_questions`].
    #[must_use]
    pub fn questions(&self) -> Option<Vec<Question>> {
        match self.shape()? {
            Shape::List => listed(&self.input),
            Shape::Elicitation => Some(elicited(&self.input)),
        }
    }

    /// The call's input with the answers: what the agent's tool takes for answered. For an
    /// elicitation, the content for the server. `None`: the tool takes no answers, or the person
    /// has declined.
    #[must_use]
    pub fn answered(&self, answers: &[Answer]) -> Option<Value> {
        match self.shape()? {
            Shape::List => answered(&self.tool, &self.input, answers),
            Shape::Elicitation => content(&self.input, answers),
        }
    }

    fn shape(&self) -> Option<Shape> {
        let name = spelled(tools::own_name(self)?);
        if self.tool == ELICITATION {
            Some(Shape::Elicitation)
        } else {
            ASKING.contains(&name.as_str()).then_some(Shape::List)
        }
    }
}

/// The input of an agent's own tool with the answers; see [`ToolCall::answered`].
#[must_use]
pub fn answered(tool: &str, input: &Value, answers: &[Answer]) -> Option<Value> {
    (spelled(tool) == TAKES_ANSWERS && input["questions"].is_array())
        .then(|| with_answers(input, answers))
}

/// A tool's name in small letters, without separators.
fn spelled(tool: &str) -> String {
    tool.chars().filter(|c| *c != '_').flat_map(char::to_lowercase).collect()
}

/// The kind of answer that questions expect: one choice among a few, or answers of their own.
#[must_use]
pub fn expects(questions: &[Question]) -> Expects {
    match questions {
        [one]
            if (2..=MAX_OPTIONS).contains(&one.options.len())
                && !one.many
                && !one.optional
                && one.options.iter().all(|o| o.name.chars().count() <= LONGEST_OPTION) =>
        {
            Expects::Choose
        }
        _ => Expects::Answer,
    }
}

fn text(value: &Value, names: &[&str]) -> String {
    let found = names.iter().find_map(|name| value.get(name)?.as_str());
    found.unwrap_or_default().to_owned()
}

fn says(value: &Value, names: &[&str]) -> bool {
    names.iter().any(|name| value.get(name) == Some(&Value::Bool(true)))
}

fn denies(value: &Value, names: &[&str]) -> bool {
    names.iter().any(|name| value.get(name) == Some(&Value::Bool(false)))
}

fn choice(name: &str) -> Choice {
    Choice { name: name.to_owned(), description: String::new() }
}

/// The questions of a list, or the one question that Copilot's tool takes.
fn listed(input: &Value) -> Option<Vec<Question>> {
    match input.get("questions") {
        Some(list) => {
            let list = list.as_array().filter(|list| !list.is_empty())?;
            list.iter().map(listed_question).collect()
        }
        None => Some(vec![listed_question(input)?]),
    }
}

fn listed_question(asked: &Value) -> Option<Question> {
    let words = text(asked, &["question"]);
    if words.trim().is_empty() || says(asked, &["isSecret", "is_secret"]) {
        return None;
    }
    let id = Some(text(asked, &["id"])).filter(|id| !id.trim().is_empty());
    let option = |option: &Value| {
        let name = option.as_str().map_or_else(|| text(option, &["label"]), str::to_owned);
        Choice { name, description: text(option, &["description"]) }
    };
    let options = asked.get("options").or_else(|| asked.get("choices"));
    let options = match (text(asked, &["type"]).as_str(), options) {
        ("yesno", _) => [YES, NO].map(choice).to_vec(),
        ("text", _) | (_, None | Some(Value::Null)) => Vec::new(),
        (_, Some(options)) => options.as_array()?.iter().map(option).collect(),
    };
    Some(Question {
        id: id.unwrap_or_else(|| words.clone()),
        header: text(asked, &["header"]),
        text: words,
        many: says(asked, &["multiSelect", "multi_select", "multiple"]) && !options.is_empty(),
        other: !options.is_empty() && !denies(asked, &["custom", "allow_freeform"]),
        options,
        optional: false,
        format: AnswerFormat::Text,
    })
}

/// The input with the answers and nothing else that could pass for the person's words: an agent may
/// have filled in answers and notes itself.
fn with_answers(input: &Value, answers: &[Answer]) -> Value {
    let said = |answer: &Answer| {
        let parts: Vec<&str> = answer.parts().collect();
        (answer.question.clone(), Value::from(parts.join(", ")))
    };
    let of = |id: &Value| {
        let id = id.as_str().filter(|id| !id.trim().is_empty())?;
        answers.iter().find(|answer| answer.question == id)
    };
    // Claude Code knows a question by its text.
    let by_text = |asked: &Value| {
        let answer = of(&asked["id"]).or_else(|| of(&asked["question"]))?;
        Some((text(asked, &["question"]), said(answer).1))
    };
    let list = input["questions"].as_array();
    let said: Map<String, Value> = list.into_iter().flatten().filter_map(by_text).collect();
    let mut answered = json!({ "questions": input["questions"], "answers": said });
    if let Some(metadata) = input.get("metadata").filter(|metadata| !metadata.is_null()) {
        answered["metadata"] = metadata.clone();
    }
    answered
}

/// The questions of a form: one for each field, or whether to accept.
fn elicited(input: &Value) -> Vec<Question> {
    let header = text(input, &[SERVER]);
    let fields = fields(input);
    if fields.is_empty() {
        let words = [text(input, &[MESSAGE]), text(input, &[ADDRESS])];
        let words: Vec<String> = words.into_iter().filter(|words| !words.is_empty()).collect();
        return vec![Question {
            id: ACTION.into(),
            header,
            text: words.join("\n"),
            options: [ACCEPT, DECLINE].map(choice).to_vec(),
            ..Question::default()
        }];
    }
    let required: BTreeSet<&str> = input[SCHEMA]["required"]
        .as_array()
        .into_iter()
        .flatten()
        .filter_map(Value::as_str)
        .collect();
    fields
        .iter()
        .map(|(name, field)| Question {
            id: (*name).clone(),
            header: Some(text(field, &["title"]))
                .filter(|title| !title.trim().is_empty())
                .unwrap_or_else(|| (*name).clone()),
            text: text(field, &["description"]),
            options: labelled(field).into_iter().map(|labelled| labelled.choice).collect(),
            many: field["type"] == "array",
            other: false,
            optional: !required.contains(name.as_str()),
            format: match field["type"].as_str() {
                Some("number") => AnswerFormat::Number,
                Some("integer") => AnswerFormat::Integer,
                _ => AnswerFormat::Text,
            },
        })
        .collect()
}

fn fields(input: &Value) -> Vec<(&String, &Value)> {
    input[SCHEMA]["properties"].as_object().into_iter().flatten().collect()
}

/// The options of a field.
fn labelled(field: &Value) -> Vec<Labelled> {
    let list = |value: &Value| value.as_array().cloned().unwrap_or_default();
    let of = if field["type"] == "array" { &field["items"] } else { field };
    if field["type"] == "boolean" {
        let option = |(name, value)| Labelled { choice: choice(name), value: Value::Bool(value) };
        return [(YES, true), (NO, false)].map(option).into();
    }
    let titled = [&of["oneOf"], &of["anyOf"]].into_iter().flat_map(list).filter_map(|option| {
        let value = option.get("const")?.clone();
        let title = Some(text(&option, &["title"])).filter(|title| !title.trim().is_empty());
        let name = title.unwrap_or_else(|| shown(&value));
        Some(Labelled {
            choice: Choice { name, description: text(&option, &["description"]) },
            value,
        })
    });
    let names = list(&of["enumNames"]);
    let plain = list(&of["enum"]).into_iter().enumerate().map(|(at, value)| {
        let name =
            names.get(at).and_then(Value::as_str).map_or_else(|| shown(&value), str::to_owned);
        Labelled { choice: choice(&name), value }
    });
    titled.chain(plain).collect()
}

fn shown(value: &Value) -> String {
    value.as_str().map_or_else(|| value.to_string(), str::to_owned)
}

/// The content of an accepted form; `None` if it was declined.
fn content(input: &Value, answers: &[Answer]) -> Option<Value> {
    let fields = fields(input);
    if fields.is_empty() {
        let accepts = |answer: &Answer| answer.options == [ACCEPT];
        return answers.iter().any(accepts).then(|| json!({}));
    }
    let value = |(name, field): (&String, &Value)| {
        let answer = answers.iter().find(|answer| answer.question == *name)?;
        let options = labelled(field);
        let chosen =
            |option: &String| options.iter().find(|labelled| labelled.choice.name == *option);
        let mut chosen = answer.options.iter().filter_map(chosen);
        let value = match (&answer.text, field["type"].as_str()) {
            (_, Some("array")) => Value::Array(chosen.map(|one| one.value.clone()).collect()),
            (None, _) => chosen.next()?.value.clone(),
            (Some(text), Some("integer")) => text.trim().parse::<i64>().ok()?.into(),
            (Some(text), Some("number")) => text.trim().parse::<f64>().ok()?.into(),
            (Some(text), _) => text.clone().into(),
        };
        Some((name.clone(), value))
    };
    Some(Value::Object(fields.into_iter().filter_map(value).collect()))
}

#[cfg(test)]
mod tests;
