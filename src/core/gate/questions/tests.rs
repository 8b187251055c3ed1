//! Recorded questions of agents, and what the agents get back.

use serde_json::{Value, json};

use super::*;
use crate::core::decision::question::check_questions;
use crate::core::gate::tests::call;

fn asked() -> Value {
    json!({
        "questions": [
            {
                "question": "Which library should we use?",
                "header": "Library",
                "multiSelect": false,
                "options": [
                    { "label": "chrono", "description": "Already there" },
                    { "label": "jiff", "description": "Newer", "preview": "use jiff::Zoned;" },
                ],
            },
            {
                "question": "Which features do you want?",
                "header": "Features",
                "multiSelect": true,
                "options": [
                    { "label": "Export", "description": "" },
                    { "label": "Import", "description": "" },
                ],
            },
        ],
        "metadata": { "source": "remember" },
    })
}

fn answer(question: &str, options: &[&str], text: Option<&str>) -> Answer {
    let options = options.iter().map(|name| (*name).to_owned()).collect();
    Answer { question: question.into(), options, text: text.map(ToOwned::to_owned) }
}

#[test]
fn a_list_of_questions_is_read_in_each_agents_spelling() {
    let questions = call("AskUserQuestion", asked()).questions().unwrap();
    let [library, features] = questions.as_slice() else { panic!("{questions:?}") };
    assert_eq!((library.id.as_str(), library.header.as_str()), (library.text.as_str(), "Library"));
    assert_eq!((library.many, library.other, features.many), (false, true, true));
    assert_eq!(library.options[0].description, "Already there");
    assert_eq!(check_questions(&questions), Ok(()));
    for tool in ["ask_user_question", "ask_user", "request_user_input", "question"] {
        assert!(call(tool, asked()).questions().is_some(), "{tool}");
    }
    // A server's tool may mean anything.
    assert!(call("mcp__x__AskUserQuestion", asked()).questions().is_none());
    assert!(call("Bash", asked()).questions().is_none());
    let gemini = json!({ "questions": [
        { "question": "Name?", "header": "Name", "type": "text", "placeholder": "x" },
        { "question": "Deploy?", "header": "Deploy", "type": "yesno" },
    ] });
    let questions = call("ask_user", gemini).questions().unwrap();
    assert!(questions[0].options.is_empty() && questions[0].takes_text());
    let names: Vec<&str> = questions[1].options.iter().map(|o| o.name.as_str()).collect();
    assert_eq!(names, ["Yes", "No"]);
    let codex = json!({ "questions": [{
        "id": "db", "header": "Database", "question": "Which?",
        "options": [{ "label": "A", "description": "" }, { "label": "B", "description": "" }],
    }] });
    assert_eq!(call("request_user_input", codex.clone()).questions().unwrap()[0].id, "db");
    let mut secret = codex;
    secret["questions"][0]["isSecret"] = true.into();
    assert!(call("request_user_input", secret).questions().is_none(), "nobody types a secret");
    for strange in [json!({}), json!({"questions": []}), json!({"questions": [{"question": 1}]})] {
        assert!(call("AskUserQuestion", strange.clone()).questions().is_none(), "{strange}");
    }
}

#[test]
fn a_few_options_of_one_question_are_a_choice() {
    let one = |count: usize, change: &dyn Fn(&mut Question)| {
        let options = (0..count).map(|n| choice(&n.to_string())).collect();
        let mut question = Question { id: "q".into(), options, ..Question::default() };
        change(&mut question);
        expects(&[question])
    };
    assert_eq!(one(2, &|_| ()), Expects::Choose);
    assert_eq!(one(25, &|_| ()), Expects::Choose);
    for count in [0, 1, 26] {
        assert_eq!(one(count, &|_| ()), Expects::Answer, "{count}");
    }
    assert_eq!(one(2, &|question| question.many = true), Expects::Answer);
    assert_eq!(one(2, &|question| question.optional = true), Expects::Answer);
    assert_eq!(one(2, &|question| question.options[0].name = "x".repeat(101)), Expects::Answer);
    assert_eq!(expects(&[Question::default(), Question::default()]), Expects::Answer);
}

#[test]
fn the_answers_are_the_persons_and_nobody_elses() {
    let mut input = asked();
    input["answers"] = json!({ "Which library should we use?": "chrono" });
    input["annotations"] = json!({ "Which library should we use?": { "notes": "Maya agrees" } });
    let answers = [
        answer("Which library should we use?", &[], Some("time, the crate")),
        answer("Which features do you want?", &["Import", "Export"], Some("and sync")),
    ];
    let said = call("AskUserQuestion", input).answered(&answers).unwrap();
    assert_eq!(
        said,
        json!({
            "questions": asked()["questions"],
            "answers": {
                "Which library should we use?": "time, the crate",
                "Which features do you want?": "Import, Export, and sync",
            },
            "metadata": { "source": "remember" },
        })
    );
    // Other agents read the answer in a denial.
    assert_eq!(call("request_user_input", asked()).answered(&answers), None);
    assert_eq!(call("Bash", json!({"command": "ls"})).answered(&answers), None);
}

fn form(properties: Value, required: &[&str]) -> ToolCall {
    let schema = json!({ "type": "object", "properties": properties, "required": required });
    call(
        ELICITATION,
        json!({
            "mcp_server_name": "github",
            "message": "Please fill in",
            "mode": "form",
            "requested_schema": schema,
        }),
    )
}

#[test]
fn each_field_of_a_form_is_a_question() {
    let call = form(
        json!({
            "name": { "type": "string", "title": "Your name", "description": "As on the card" },
            "age": { "type": "integer", "minimum": 0 },
            "rate": { "type": "number" },
            "subscribe": { "type": "boolean" },
            "colour": { "type": "string", "enum": ["r", "g"], "enumNames": ["Red", "Green"] },
            "size": { "type": "string", "oneOf": [
                { "const": "s", "title": "Small" }, { "const": "l", "title": "Large" },
            ] },
            "tags": { "type": "array", "items": { "type": "string", "enum": ["a", "b", "c"] } },
        }),
        &["name", "colour"],
    );
    let questions = call.questions().unwrap();
    assert_eq!(check_questions(&questions), Ok(()));
    let of = |id: &str| questions.iter().find(|question| question.id == id).unwrap();
    assert_eq!((of("name").header.as_str(), of("name").optional), ("Your name", false));
    assert_eq!(
        (of("age").format, of("rate").format),
        (AnswerFormat::Integer, AnswerFormat::Number)
    );
    assert!(of("age").optional && of("tags").many && !of("colour").other);
    assert_eq!(of("size").options[1].name, "Large");
    let answers = [
        answer("name", &[], Some("Maya")),
        answer("age", &[], Some(" 41 ")),
        answer("rate", &[], Some("0.5")),
        answer("subscribe", &["No"], None),
        answer("colour", &["Green"], None),
        answer("size", &["Large"], None),
        answer("tags", &["c", "a"], None),
    ];
    assert_eq!(
        call.answered(&answers).unwrap(),
        json!({
            "name": "Maya", "age": 41, "rate": 0.5, "subscribe": false, "colour": "g",
            "size": "l", "tags": ["c", "a"],
        })
    );
    assert_eq!(call.answered(&answers[..1]).unwrap(), json!({ "name": "Maya" }));
}

#[test]
fn a_form_without_fields_is_accepted_or_declined() {
    let mut address = form(json!({}), &[]);
    address.input = json!({
        "mcp_server_name": "github", "message": "Sign in", "mode": "url",
        "url": "https://github.example/login", "elicitation_id": "e-1",
    });
    for call in [form(json!({}), &[]), address.clone()] {
        let questions = call.questions().unwrap();
        assert_eq!(expects(&questions), Expects::Choose);
        assert_eq!(call.answered(&[answer("action", &["Accept"], None)]), Some(json!({})));
        assert_eq!(call.answered(&[answer("action", &["Decline"], None)]), None);
        assert_eq!(call.answered(&[]), None);
    }
    let shown = address.questions().unwrap().remove(0);
    assert_eq!(shown.text, "Sign in\nhttps://github.example/login");
}

#[test]
fn two_values_that_look_alike_cannot_be_told_apart() {
    let alike = form(json!({ "x": { "type": "string", "enum": ["a", "A"] } }), &[]);
    assert!(check_questions(&alike.questions().unwrap()).is_err());
}
