//! What an agent asks its person, as a gate sends it: chosen, answered in words, walked through.

use discord_sandbox::{Outcome, Person};
use gander::core::decision::{Answer, Decision, Expects, Request, Risk, State, Verdict};
use gander::core::gate::ToolCall;
use gander::core::gate::edits::Before;
use gander::core::gate::facts::Facts;
use gander::engine::Claim;
use gander::engine::approvals::gates::GateReply;
use gander::presentation::gate::{QuestionTerms, question};
use serde_json::{Value, json};

use crate::bot::{
    Bot, can_decide, click, control, custom_ids, id, reject, submit, submit_fields, words,
};

/// A call of Claude Code.
pub(crate) fn call(tool: &str, input: Value) -> ToolCall {
    ToolCall {
        agent: "claude-code".into(),
        session: Some("3f2a9c41".into()),
        tool: tool.into(),
        input,
        cwd: "/home/maya/web-shop".into(),
        roots: vec!["/home/maya/web-shop".into()],
        home: None,
        real: Vec::new(),
        poses_as_repository: false,
        own_prompt: false,
        before: Before::Absent,
        facts: Facts::default(),
    }
}

pub(crate) fn asked(call: &ToolCall, risk: Risk) -> Request {
    let terms = QuestionTerms { risk, kind: None, reason: None, rules: String::new() };
    question(call, Some("web-shop".into()), terms).unwrap()
}

fn options(names: &[&str]) -> Value {
    names.iter().map(|name| json!({ "label": name, "description": "" })).collect()
}

pub(crate) fn libraries() -> ToolCall {
    call(
        "AskUserQuestion",
        json!({ "questions": [{
            "question": "Which library should format the dates?",
            "header": "Library",
            "multiSelect": false,
            "options": [
                { "label": "chrono", "description": "Already a dependency" },
                { "label": "jiff", "description": "Newer, with time zones" },
                { "label": "time", "description": "Small" },
                { "label": "None", "description": "Write it by hand", "preview": "fn date() {}" },
            ],
        }] }),
    )
}

pub(crate) fn two() -> ToolCall {
    call(
        "AskUserQuestion",
        json!({ "questions": [
            {
                "question": "Where should the export go?",
                "header": "Place",
                "multiSelect": false,
                "options": [
                    { "label": "Menu", "description": "Below File" },
                    { "label": "Toolbar", "description": "Beside Print" },
                ],
            },
            {
                "question": "Which formats do you want?",
                "header": "Formats",
                "multiSelect": true,
                "options": options(&["CSV", "JSON", "PDF"]),
            },
        ] }),
    )
}

async fn verdict(bot: &Bot, decision: &Decision) -> Verdict {
    let waited = bot.handle.approvals().wait(decision.id, None, Claim::Yes, None).await.unwrap();
    let State::Resolved(resolved) = waited.state else { panic!("{waited:?}") };
    resolved.verdict
}

fn answer(question: &str, options: &[&str], text: Option<&str>) -> Answer {
    let options = options.iter().map(|name| (*name).to_owned()).collect();
    Answer { question: question.into(), options, text: text.map(ToOwned::to_owned) }
}

/// The private message that an act has shown.
fn shown(outcome: &Outcome) -> Value {
    assert!(outcome.ok, "{outcome:?}");
    let message = outcome.message.clone().unwrap_or_else(|| panic!("nothing shown: {outcome:?}"));
    assert_eq!(message["flags"], 64, "one person alone sees it: {message:#}");
    message
}

async fn press(person: &Person, message: &Value, verb: &str) -> Value {
    shown(&click(person, message, verb).await)
}

async fn choose(person: &Person, message: &Value, verb: &str, values: &[&str]) -> Value {
    shown(&person.select(id(message), &control(message, verb), values).await)
}

/// The button that submits; its id names the answers.
fn submitting(message: &Value) -> String {
    let verb = |id: &String| id.split(':').nth(2).is_some_and(|verb| verb.starts_with("submit-"));
    custom_ids(message).into_iter().find(verb).unwrap_or_else(|| panic!("{message:#}"))
}

#[tokio::test(flavor = "multi_thread")]
async fn a_question_with_four_options_is_chosen_or_answered_otherwise() {
    let bot = Bot::start().await;
    let (pen, maya) = (bot.pen(), bot.person("maya"));
    let (chosen, card) = bot.ask_and_see(asked(&libraries(), Risk::Low)).await;
    assert_eq!(chosen.request.expects, Expects::Choose);
    let mut seen = format!("══ it waits\n{}", pen.message(&card));
    let done = click(&maya, &card, "choose-1").await;
    seen.push_str(&format!("══ chosen\n{}", pen.message(done.message.as_ref().unwrap())));
    assert_eq!(verdict(&bot, &chosen).await, Verdict::Chosen { option: "jiff".into() });
    let (other, card) = bot.ask_and_see(asked(&libraries(), Risk::Low)).await;
    let form = click(&maya, &card, "answer").await;
    assert!(words(&submit(&maya, &form, " \n").await).contains("empty"));
    let form = click(&maya, &card, "answer").await;
    let done = submit(&maya, &form, "icu, for the translations").await;
    seen.push_str(&format!("══ another answer\n{}", pen.message(done.message.as_ref().unwrap())));
    assert_eq!(verdict(&bot, &other).await, Verdict::answered("icu, for the translations".into()));
    insta::assert_snapshot!("question_chosen", seen);
    // What the agent gets back.
    let other = bot.handle.approvals().get(other.id).await.unwrap();
    let GateReply::Answer { words, answers } =
        bot.handle.gates().reply(&other, other.revision, false)
    else {
        panic!("it is answered")
    };
    assert!(words.contains("Answered by Maya") && words.contains("icu, for"), "{words}");
    let input = libraries().answered(&answers).unwrap();
    let said = &input["answers"]["Which library should format the dates?"];
    assert_eq!(said, "icu, for the translations");
}

#[tokio::test(flavor = "multi_thread")]
async fn two_questions_are_walked_through_and_given_together() {
    let bot = Bot::start().await;
    let (pen, maya) = (bot.pen(), bot.person("maya"));
    let (decision, card) = bot.ask_and_see(asked(&two(), Risk::Low)).await;
    let mut seen = format!("══ it waits\n{}", pen.message(&card));
    let first = press(&maya, &card, "questions").await;
    seen.push_str(&format!("══ the first question\n{}", pen.message(&first)));
    let second = choose(&maya, &first, "qpick-0.0", &["1"]).await;
    seen.push_str(&format!("══ the second question\n{}", pen.message(&second)));
    let second = choose(&maya, &second, "qpick-1.0", &["0", "2"]).await;
    let form = click(&maya, &second, "qwrite-1").await;
    let all = shown(&submit(&maya, &form, "and XLSX, one day").await);
    seen.push_str(&format!("══ all answers\n{}", pen.message(&all)));
    assert!(bot.handle.approvals().get(decision.id).await.unwrap().state.is_open());
    // Back to the first, and on.
    let back = choose(&maya, &all, "qgo", &["0"]).await;
    let menu = &back["components"][0]["components"][0];
    assert_eq!(menu["options"][1]["default"], true, "what was chosen stands: {menu:#}");
    let second = choose(&maya, &back, "qpick-0.0", &["0"]).await;
    let all = press(&maya, &second, "q-2").await;
    let done = maya.click(id(&all), &submitting(&all)).await;
    seen.push_str(&format!("══ submitted\n{}", words(&done)));
    let given = Verdict::Answered {
        text: String::new(),
        answers: vec![
            answer("Where should the export go?", &["Menu"], None),
            answer("Which formats do you want?", &["CSV", "PDF"], Some("and XLSX, one day")),
        ],
    };
    assert_eq!(verdict(&bot, &decision).await, given);
    let card = bot.card(decision.id, "answered", |card| !can_decide(card)).await;
    seen.push_str(&format!("\n══ the card\n{}", pen.message(&card)));
    insta::assert_snapshot!("questions_walked", seen);
    let answers = two().answered(&decision.request.answers_of(&given)).unwrap();
    assert_eq!(
        answers["answers"],
        json!({
            "Where should the export go?": "Menu",
            "Which formats do you want?": "CSV, PDF, and XLSX, one day",
        })
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn a_restart_in_the_middle_loses_nothing() {
    let bot = Bot::start().await;
    let (decision, card) = bot.ask_and_see(asked(&two(), Risk::Low)).await;
    let maya = bot.person("maya");
    let first = press(&maya, &card, "questions").await;
    let second = choose(&maya, &first, "qpick-0.0", &["1"]).await;
    let bot = bot.restart().await;
    let maya = bot.person("maya");
    // The message of before goes on where it was.
    let second = choose(&maya, &second, "qpick-1.0", &["1"]).await;
    let bot = bot.restart().await;
    let maya = bot.person("maya");
    // And so does one that is opened anew: nothing is missing.
    let all = press(&maya, &card, "questions").await;
    assert!(words_of(&all).contains("Nothing is sent until"), "{all:#}");
    let done = maya.click(id(&all), &submitting(&all)).await;
    assert!(done.ok, "{done:?}");
    let Verdict::Answered { answers, .. } = verdict(&bot, &decision).await else { panic!() };
    assert_eq!(answers[0].options, ["Toolbar"]);
    assert_eq!(answers[1].options, ["JSON"]);
    // Nothing is kept of it, and the other message says so.
    let late = maya.select(id(&second), &control(&second, "qpick-1.0"), &["2"]).await;
    assert!(words(&late).contains("already"), "{late:?}");
}

fn words_of(message: &Value) -> &str {
    message["content"].as_str().unwrap_or_default()
}

#[tokio::test(flavor = "multi_thread")]
async fn each_person_has_answers_of_their_own_and_the_first_to_submit_decides() {
    let bot = Bot::start().await;
    let (decision, card) = bot.ask_and_see(asked(&two(), Risk::Low)).await;
    let (maya, jonas) = (bot.person("maya"), bot.person("jonas"));
    let mut ready = Vec::new();
    for (person, place) in [(&maya, "0"), (&jonas, "1")] {
        let first = press(person, &card, "questions").await;
        let second = choose(person, &first, "qpick-0.0", &[place]).await;
        let second = choose(person, &second, "qpick-1.0", &["0"]).await;
        ready.push(press(person, &second, "q-2").await);
    }
    let buttons = [submitting(&ready[0]), submitting(&ready[1])];
    let (one, other) = tokio::join!(
        maya.click(id(&ready[0]), &buttons[0]),
        jonas.click(id(&ready[1]), &buttons[1]),
    );
    let told = [&one, &other]
        .into_iter()
        .filter(|outcome| words(outcome).contains("Another person was faster"))
        .count();
    assert_eq!(told, 1, "{one:?}\n{other:?}");
    let waited = bot.handle.approvals().wait(decision.id, None, Claim::No, None).await.unwrap();
    let State::Resolved(resolved) = &waited.state else { panic!("{waited:?}") };
    let Verdict::Answered { answers, .. } = &resolved.verdict else { panic!("{resolved:?}") };
    let place = if resolved.by.name == "Maya" { "Menu" } else { "Toolbar" };
    assert_eq!(answers[0].options, [place], "each gave what they chose");
    // Somebody who may not decide gets no question.
    let (_, card) = bot.ask_and_see(asked(&two(), Risk::Low)).await;
    let refused = click(&bot.person("sven"), &card, "questions").await;
    assert!(words(&refused).contains("to decide"), "{refused:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn answers_are_submitted_only_as_they_were_shown_and_only_if_none_is_missing() {
    let bot = Bot::start().await;
    let (decision, card) = bot.ask_and_see(asked(&two(), Risk::Low)).await;
    let maya = bot.person("maya");
    let phone = press(&maya, &card, "questions").await;
    let unfinished = press(&maya, &phone, "q-1").await;
    let unfinished = press(&maya, &unfinished, "q-2").await;
    assert!(words_of(&unfinished).contains("2 questions have no answer"), "{unfinished:#}");
    let refused = maya.click(id(&unfinished), &submitting(&unfinished)).await;
    assert!(!refused.ok, "the button is off: {refused:?}");
    let second = choose(&maya, &unfinished, "qgo", &["0"]).await;
    let second = choose(&maya, &second, "qpick-0.0", &["0"]).await;
    let second = choose(&maya, &second, "qpick-1.0", &["0"]).await;
    let all = press(&maya, &second, "q-2").await;
    // At the desk, she changes her mind.
    let desk = press(&maya, &card, "questions").await;
    let desk = choose(&maya, &desk, "qgo", &["0"]).await;
    choose(&maya, &desk, "qpick-0.0", &["1"]).await;
    let changed = shown(&maya.click(id(&all), &submitting(&all)).await);
    assert!(words_of(&changed).contains("changed since these were shown"), "{changed:#}");
    assert!(bot.handle.approvals().get(decision.id).await.unwrap().state.is_open());
    assert!(maya.click(id(&changed), &submitting(&changed)).await.ok);
    let Verdict::Answered { answers, .. } = verdict(&bot, &decision).await else { panic!() };
    assert_eq!(answers[0].options, ["Toolbar"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn an_answer_to_other_questions_decides_nothing() {
    let bot = Bot::start().await;
    let request = Request { dedup_key: Some("export".into()), ..asked(&two(), Risk::Low) };
    let (decision, card) = bot.ask_and_see(request.clone()).await;
    let maya = bot.person("maya");
    let first = press(&maya, &card, "questions").await;
    let second = choose(&maya, &first, "qpick-0.0", &["0"]).await;
    let second = choose(&maya, &second, "qpick-1.0", &["0"]).await;
    let all = press(&maya, &second, "q-2").await;
    // Two more messages of hers show the second question.
    let mut seconds = Vec::new();
    for _ in 0..2 {
        let again = press(&maya, &card, "questions").await;
        seconds.push(press(&maya, &again, "q-1").await);
    }
    let [writing, picking] = seconds.as_slice() else { panic!("two messages") };
    // The agent asks the same two with other options in their places.
    let mut other = request;
    other.questions[0].options.reverse();
    bot.ask(other).await;
    for (message, control) in [(&all, submitting(&all)), (writing, control(writing, "qwrite-1"))] {
        let outcome = maya.click(id(message), &control).await;
        assert!(words(&outcome).contains("changed after you saw it"), "{outcome:?}");
    }
    let outcome = maya.select(id(picking), &control(picking, "qpick-1.0"), &["1"]).await;
    assert!(words(&outcome).contains("changed after you saw it"), "{outcome:?}");
    assert!(bot.handle.approvals().get(decision.id).await.unwrap().state.is_open());
    // The answers to the earlier questions are not taken for answers to these.
    let fresh = |card: &Value| custom_ids(card).iter().any(|id| id.ends_with(":questions:1:2"));
    let card = bot.card(decision.id, "revised", fresh).await;
    let first = press(&maya, &card, "questions").await;
    assert!(words_of(&first).contains("question 1 of 2"), "{first:#}");
}

#[tokio::test(flavor = "multi_thread")]
async fn at_critical_risk_the_word_is_typed() {
    let bot = Bot::start().await;
    let maya = bot.person("maya");
    let (walked, card) = bot.ask_and_see(asked(&two(), Risk::Critical)).await;
    let first = press(&maya, &card, "questions").await;
    let second = choose(&maya, &first, "qpick-0.0", &["0"]).await;
    let second = choose(&maya, &second, "qpick-1.0", &["0"]).await;
    let all = press(&maya, &second, "q-2").await;
    for (word, decided) in [("yes", false), ("approve", true)] {
        let form = maya.click(id(&all), &submitting(&all)).await;
        let modal = form.modal.as_ref().unwrap()["modal_id"].as_str().unwrap().to_owned();
        let outcome = maya.submit(&modal, json!({ "word": word })).await;
        assert!(outcome.ok, "{outcome:?}");
        let decision = bot.handle.approvals().get(walked.id).await.unwrap();
        assert_eq!(decision.state.is_open(), !decided, "{word}");
    }
    let (other, card) = bot.ask_and_see(asked(&libraries(), Risk::Critical)).await;
    for (word, decided) in [("yes", false), ("APPROVE", true)] {
        let form = click(&maya, &card, "answer").await;
        let fields = json!({ "text": "icu", "word": word });
        let outcome = submit_fields(&maya, &form, fields).await;
        assert!(outcome.ok, "{outcome:?}");
        let decision = bot.handle.approvals().get(other.id).await.unwrap();
        assert_eq!(decision.state.is_open(), !decided, "{word}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn many_options_are_paged() {
    let bot = Bot::start().await;
    let maya = bot.person("maya");
    let names: Vec<String> = (1..=60).map(|n| format!("Zone {n} {}", "x".repeat(90))).collect();
    let names: Vec<&str> = names.iter().map(String::as_str).collect();
    let zones = call(
        "AskUserQuestion",
        json!({ "questions": [
            { "question": "Which one?", "header": "One", "options": options(&names) },
            { "question": "Which ones?", "header": "Ones", "multiSelect": true,
                "options": options(&names) },
        ] }),
    );
    let (decision, card) = bot.ask_and_see(asked(&zones, Risk::Low)).await;
    let first = press(&maya, &card, "questions").await;
    let options_of = |message: &Value| {
        message["components"][0]["components"][0]["options"].as_array().unwrap().len()
    };
    assert_eq!(options_of(&first), 25);
    let first = press(&maya, &first, "qpage-0.1").await;
    let last = press(&maya, &first, "qpage-0.2").await;
    assert_eq!(options_of(&last), 10);
    let second = choose(&maya, &last, "qpick-0.2", &["59"]).await;
    let second = choose(&maya, &second, "qpick-1.0", &["0", "24"]).await;
    let second = press(&maya, &second, "qpage-1.1").await;
    let second = choose(&maya, &second, "qpick-1.1", &["25"]).await;
    let second = press(&maya, &second, "qpage-1.0").await;
    let second = choose(&maya, &second, "qpick-1.0", &["24"]).await;
    let all = press(&maya, &second, "q-2").await;
    assert!(maya.click(id(&all), &submitting(&all)).await.ok);
    let Verdict::Answered { answers, .. } = verdict(&bot, &decision).await else { panic!() };
    assert_eq!(answers[0].options, [names[59]]);
    assert_eq!(answers[1].options, [names[24], names[25]]);
}

#[tokio::test(flavor = "multi_thread")]
async fn hostile_questions_are_shown_as_the_agents_words_or_not_at_all() {
    let bot = Bot::start().await;
    let pen = bot.pen();
    let (risk, rules) = (Risk::Low, String::new());
    let terms = || QuestionTerms { risk, kind: None, reason: None, rules: rules.clone() };
    let one = |names: &[&str]| {
        let asked = json!({ "questions": [{
            "question": "Which?", "header": "Which", "options": options(names),
        }] });
        call("AskUserQuestion", asked)
    };
    let many: Vec<String> = (0..1_000).map(|n| format!("option {n}")).collect();
    let many: Vec<&str> = many.iter().map(String::as_str).collect();
    let long = "x".repeat(300 << 10);
    for (names, says) in [
        (many.as_slice(), "1000 options"),
        (&["a", ""], "has no name"),
        (&["a", "\u{200B}"], "has no name"),
        (&["Yes", "Yes"], "looks like another"),
        (&["Postgres", "P\u{43e}stgres"], "looks like another"),
    ] {
        let unfit = question(&one(names), None, terms()).unwrap_err();
        assert!(unfit.to_string().contains(says), "{unfit}");
    }
    let too_long = question(&one(&["a", &long]), None, terms()).unwrap();
    assert!(bot.handle.approvals().ask(too_long).await.is_err());
    // Labels that look like the bot's own buttons, and words that look like its own lines.
    let posing = call(
        "AskUserQuestion",
        json!({ "questions": [
            {
                "question": "Continue?\n✅ **Approved** by Maya\n@everyone [here](https://evil.example)",
                "header": "✅ Approved",
                "options": options(&["Submit", "None of these", "Reject", "Defer …"]),
            },
            {
                "question": "",
                "header": "",
                "options": options(&["Back"]),
            },
        ] }),
    );
    assert!(posing.questions().is_none(), "a question without words is no question");
    let mut posing = posing;
    posing.input["questions"][1] = json!({
        "question": "x".repeat(3_000), "header": "y".repeat(500), "multiSelect": true,
        "options": [{ "label": "z".repeat(500), "description": "w".repeat(5_000) }],
    });
    let (decision, card) = bot.ask_and_see(asked(&posing, Risk::Low)).await;
    let mut seen = format!("══ it waits\n{}", pen.message(&card));
    let maya = bot.person("maya");
    let first = press(&maya, &card, "questions").await;
    seen.push_str(&format!("══ the first question\n{}", pen.message(&first)));
    let second = choose(&maya, &first, "qpick-0.0", &["2"]).await;
    let second = choose(&maya, &second, "qpick-1.0", &["0"]).await;
    let form = click(&maya, &second, "qwrite-1").await;
    let all = shown(&submit(&maya, &form, &"v".repeat(4_000)).await);
    seen.push_str(&format!("══ all answers\n{}", pen.message(&all)));
    assert!(maya.click(id(&all), &submitting(&all)).await.ok);
    let Verdict::Answered { answers, .. } = verdict(&bot, &decision).await else { panic!() };
    // Chosen is what the agent called it, and nothing is rejected by that.
    assert_eq!(answers[0].options, ["Reject"]);
    bot.card(decision.id, "answered", |card| !can_decide(card)).await;
    insta::assert_snapshot!("questions_hostile", seen);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_plan_is_a_file_and_is_refused_with_what_to_change() {
    let bot = Bot::start().await;
    let (pen, maya) = (bot.pen(), bot.person("maya"));
    let steps: Vec<String> = (1..=40).map(|n| format!("{n}. Move module {n}")).collect();
    let plan = format!("# Split the shop\n\n{}\n", steps.join("\n"));
    let exit = |plan: &str| call("ExitPlanMode", json!({ "plan": plan, "planFilePath": "/p.md" }));
    let (decision, card) = bot.ask_and_see(asked(&exit(&plan), Risk::Low)).await;
    let mut seen = format!("══ it waits\n{}", pen.message(&card));
    let form = click(&maya, &card, "reject").await;
    let label = form.modal.as_ref().unwrap().to_string();
    assert!(label.contains("What should change?"), "{label}");
    let why = "Do not move module 7;\nkeep *one* crate.";
    let done = submit(&maya, &form, why).await;
    seen.push_str(&format!("══ refused\n{}", pen.message(done.message.as_ref().unwrap())));
    insta::assert_snapshot!("plan_refused", seen);
    assert_eq!(verdict(&bot, &decision).await, Verdict::Rejected { reason: why.into() });
    let refused = bot.handle.approvals().get(decision.id).await.unwrap();
    let GateReply::Deny(words) = bot.handle.gates().reply(&refused, refused.revision, false) else {
        panic!("it is refused")
    };
    assert!(words.ends_with(why), "word for word: {words}");
    // A short plan is a file, too.
    let (short, card) = bot.ask_and_see(asked(&exit("Tidy up."), Risk::Low)).await;
    assert_eq!(card["attachments"][0]["filename"], "decision-2-plan.md");
    assert!(click(&maya, &card, "approve").await.ok);
    assert_eq!(verdict(&bot, &short).await, Verdict::approved());
    let (_, card) = bot.ask_and_see(asked(&two(), Risk::Low)).await;
    assert!(reject(&maya, &card, "Ask me tomorrow.").await.ok);
}
