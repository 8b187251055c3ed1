//! What an agent asks its person at the gate, and what the agent gets back, word for word: the
//! hook's standard output, the permission tool of MCP, and the answer over a connection.

use gander::core::decision::{Answer, Decision, Expects, Outcome, Risk, State, Verdict};
use serde_json::{Value, json};
use tokio::io::AsyncWriteExt as _;

use crate::gates_world::{World, rejected};

const LIBRARY: &str = "Which library should format the dates?";
const PLACE: &str = "Where should the export go?";
const FORMATS: &str = "Which formats do you want?";

/// Runs the hook; returns its standard output, and standard error if it denied by exit status.
async fn hook(world: &World, agent: &str, input: &str, timeout: &str) -> (Value, String) {
    let mut command = world.home.gander(&["gate", agent, "--timeout", timeout]);
    command.stdin(std::process::Stdio::piped()).stdout(std::process::Stdio::piped());
    let mut child = command.stderr(std::process::Stdio::piped()).spawn().unwrap();
    child.stdin.take().unwrap().write_all(input.as_bytes()).await.unwrap();
    let output = child.wait_with_output().await.unwrap();
    let said = String::from_utf8(output.stderr).unwrap();
    (serde_json::from_slice(&output.stdout).unwrap_or_default(), said)
}

/// Runs the hook while a person decides.
async fn decided(world: &World, agent: &str, case: &str, verdict: Verdict) -> (Value, Decision) {
    let input = world.says(case, "");
    let (said, asked) = tokio::join!(hook(world, agent, &input, "1m"), async {
        let asked = world.asked(1).await.remove(0);
        world.decides(&asked, verdict).await;
        asked
    });
    (said.0["hookSpecificOutput"].clone(), asked)
}

fn answer(question: &str, options: &[&str], text: Option<&str>) -> Answer {
    let options = options.iter().map(|name| (*name).to_owned()).collect();
    Answer { question: question.into(), options, text: text.map(ToOwned::to_owned) }
}

fn answers(answers: &[Answer]) -> Verdict {
    Verdict::Answered { text: String::new(), answers: answers.to_vec() }
}

#[tokio::test(flavor = "multi_thread")]
async fn claude_code_gets_the_answer_as_the_input_of_its_tool() {
    for (verdict, says) in [
        (Verdict::Chosen { option: "jiff".into() }, "jiff"),
        (Verdict::answered("icu, for\nthe translations".into()), "icu, for\nthe translations"),
    ] {
        let world = World::new();
        let (said, asked) = decided(&world, "claude-code", "claude-code-question", verdict).await;
        assert_eq!((asked.request.kind.as_str(), asked.terms.risk), ("question", Risk::Low));
        assert_eq!(asked.request.expects, Expects::Choose);
        assert_eq!(asked.request.title, LIBRARY);
        assert!(!asked.is_call() && asked.request.body.contains("fn date() {}"));
        assert_eq!(said["permissionDecision"], "allow", "{said}");
        let input: Value = serde_json::from_str(&world.says("claude-code-question", "")).unwrap();
        assert_eq!(
            said["updatedInput"],
            json!({
                "questions": input["tool_input"]["questions"],
                "answers": { LIBRARY: says },
            })
        );
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn several_answers_are_given_together_and_none_is_the_agents_own() {
    let world = World::new();
    let given =
        answers(&[answer(PLACE, &["Menu"], None), answer(FORMATS, &["CSV", "PDF"], Some("XLSX"))]);
    let (said, asked) = decided(&world, "claude-code", "claude-code-questions", given).await;
    assert_eq!(asked.request.title, "2 questions: Place, Formats");
    let input = &said["updatedInput"];
    assert_eq!(input["answers"], json!({ PLACE: "Menu", FORMATS: "CSV, PDF, XLSX" }));
    assert_eq!(input["metadata"], json!({ "source": "plan" }));
    assert_eq!(input.get("annotations"), None, "what the agent wrote there is nobody's note");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_text_answers_every_question() {
    let world = World::new();
    let all = Verdict::answered("You decide.".into());
    let (said, _) = decided(&world, "claude-code", "claude-code-questions", all).await;
    let given = json!({ PLACE: "You decide.", FORMATS: "You decide." });
    assert_eq!(said["updatedInput"]["answers"], given);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_question_that_is_refused_or_not_answered_is_denied() {
    let world = World::new();
    let why = "Look into Cargo.toml first.";
    let (said, _) = decided(&world, "claude-code", "claude-code-question", rejected(why)).await;
    assert_eq!(said["permissionDecision"], "deny");
    assert!(said["permissionDecisionReason"].as_str().unwrap().ends_with(why), "{said}");
    let input = world.says("claude-code-question", "");
    let (said, _) = hook(&world, "claude-code", &input, "1s").await;
    let said = &said["hookSpecificOutput"];
    assert_eq!((&said["permissionDecision"], said.get("updatedInput")), (&json!("deny"), None));
    // The answer that comes too late is for the question that is asked again.
    world.decides(&world.decision(2).await, Verdict::Chosen { option: "time".into() }).await;
    let (said, _) = hook(&world, "claude-code", &input, "1s").await;
    let input = &said["hookSpecificOutput"]["updatedInput"];
    assert_eq!(input["answers"], json!({ LIBRARY: "time" }));
}

/// Claude Code carries out what its file says by then: nobody has approved that.
#[tokio::test(flavor = "multi_thread")]
async fn a_plan_that_changed_after_its_approval_is_on_record_as_not_run() {
    let world = World::new();
    let file = world.home.path().join("plan.md");
    std::fs::write(&file, "1. Sweep\n").unwrap();
    let input = json!({
        "hook_event_name": "PreToolUse", "session_id": "s", "cwd": world.home.path(),
        "tool_name": "ExitPlanMode",
        "tool_input": { "plan": "1. Sweep", "planFilePath": file },
    })
    .to_string();
    let ((said, _), asked) = tokio::join!(hook(&world, "claude-code", &input, "1m"), async {
        let asked = world.asked(1).await.remove(0);
        std::fs::write(&file, "1. Sweep\n2. Publish\n").unwrap();
        world.decides(&asked, Verdict::approved()).await;
        asked
    });
    let said = &said["hookSpecificOutput"];
    assert_eq!(said["permissionDecision"], "deny", "{said}");
    assert!(said["permissionDecisionReason"].as_str().unwrap().contains("has changed"), "{said}");
    let State::Resolved(resolved) = world.decision(asked.id.0).await.state else { panic!() };
    assert_eq!(resolved.reported.unwrap().outcome, Outcome::NotRun);
}

#[tokio::test(flavor = "multi_thread")]
async fn the_rules_deny_a_question_or_leave_it_to_the_agents_own_prompt() {
    let world = World::new();
    let input = world.says("claude-code-question", "");
    let form = world.says("claude-code-elicitation", "");
    let rules = |text: &str| std::fs::write(world.home.path().join("gates.toml"), text).unwrap();
    rules("[[rules]]\ndo = \"deny\"\ntools = [\"AskUserQuestion\"]\nreason = \"Do not ask.\"\n");
    let (said, _) = hook(&world, "claude-code", &input, "1m").await;
    let said = said["hookSpecificOutput"]["permissionDecisionReason"].as_str().unwrap().to_owned();
    assert!(said.contains("Do not ask."), "{said}");
    rules("[[rules]]\ndo = \"allow\"\ntools = [\"AskUserQuestion\", \"Elicitation(tickets)\"]\n");
    let (said, _) = hook(&world, "claude-code", &input, "1m").await;
    let said = &said["hookSpecificOutput"];
    // Without an input, Claude Code shows its own prompt all the same.
    assert_eq!((&said["permissionDecision"], said.get("updatedInput")), (&json!("allow"), None));
    assert_eq!(hook(&world, "claude-code", &form, "1m").await, (Value::Null, String::new()));
    assert!(world.asked(0).await.is_empty());
    rules("[[rules]]\ndo = \"ask\"\ntools = [\"Elicitation(other)\"]\nrisk = \"critical\"\n");
    let (said, _) = hook(&world, "claude-code", &form, "1s").await;
    assert_eq!(said["hookSpecificOutput"]["action"], "cancel", "{said}");
    // Without a rule of its own it is a question of low risk.
    assert_eq!(world.decision(1).await.terms.risk, Risk::Low);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_question_that_nobody_could_answer_is_denied_with_what_to_change() {
    let world = World::new();
    let input = world.says("claude-code-question", "");
    for (option, says) in [("j\\u0456ff", "looks like another"), ("", "has no name")] {
        let alike = input.replace("\"time\"", &format!("\"{option}\""));
        let (said, _) = hook(&world, "claude-code", &alike, "1m").await;
        let said = &said["hookSpecificOutput"]["permissionDecisionReason"];
        assert!(said.as_str().unwrap().contains(says), "{said}");
    }
    assert!(world.asked(0).await.is_empty());
}

#[tokio::test(flavor = "multi_thread")]
async fn an_approved_plan_runs_as_it_was_read_and_a_refused_one_says_what_to_change() {
    let world = World::new();
    let approved = Verdict::noted(Some("Cart first.".into()));
    let (said, asked) = decided(&world, "claude-code", "claude-code-plan", approved).await;
    assert!(asked.request.plan && asked.request.title == "Carry out the plan: Split the shop");
    assert_eq!(asked.request.kind.as_str(), "design_review");
    let input: Value = serde_json::from_str(&world.says("claude-code-plan", "")).unwrap();
    assert_eq!(said["permissionDecision"], "allow");
    // With the input, Claude Code's own prompt does not appear, and the file is not read again.
    assert_eq!(said["updatedInput"], input["tool_input"]);
    assert!(said["additionalContext"].as_str().unwrap().ends_with("says: Cart first."), "{said}");
    let world = World::new();
    let why = "Move the till first;\n*then* the cart.";
    let (said, _) = decided(&world, "claude-code", "claude-code-plan", rejected(why)).await;
    let told = format!("Rejected by Maya (decision #1): {why}");
    assert_eq!(said["permissionDecisionReason"], told.as_str());
    // A rule that allows plans approves none: Claude Code asks itself.
    let rules = "[[rules]]\ndo = \"allow\"\ntools = [\"ExitPlanMode\"]\n";
    std::fs::write(world.home.path().join("gates.toml"), rules).unwrap();
    let (said, _) = hook(&world, "claude-code", &world.says("claude-code-plan", ""), "1m").await;
    assert_eq!(said["hookSpecificOutput"].get("updatedInput"), None);
}

#[tokio::test(flavor = "multi_thread")]
async fn an_mcp_server_gets_the_form_that_a_person_filled_in() {
    let world = World::new();
    let filled = answers(&[
        answer("queue", &["Web shop"], None),
        answer("urgent", &["No"], None),
        answer("hours", &[], Some("3")),
    ]);
    let (said, asked) = decided(&world, "claude-code", "claude-code-elicitation", filled).await;
    assert_eq!(asked.request.title, "3 questions: Hours, Queue, urgent");
    assert_eq!(asked.request.insight.observation, "Which queue should the ticket go to?");
    let content = json!({ "queue": "web", "urgent": false, "hours": 3 });
    let expected = json!({
        "hookEventName": "Elicitation", "action": "accept", "content": content,
    });
    assert_eq!(said, expected);
    for (verdict, action) in [
        (Verdict::Chosen { option: "Accept".into() }, "accept"),
        (Verdict::Chosen { option: "Decline".into() }, "decline"),
        (rejected("I do not know this server."), "decline"),
    ] {
        let world = World::new();
        let (said, asked) =
            decided(&world, "claude-code", "claude-code-elicitation-url", verdict).await;
        assert_eq!(asked.request.links[0].url, "https://tickets.example/login?state=7");
        assert_eq!(said["action"], action, "{said}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn other_agents_read_the_answer_in_the_reason_of_the_denial() {
    let world = World::new();
    let chosen = Verdict::Chosen { option: "Postgres".into() };
    let (said, asked) = decided(&world, "codex", "codex-question", chosen).await;
    assert_eq!(asked.request.expects, Expects::Choose);
    assert_eq!(said["permissionDecision"], "deny");
    assert_eq!(
        said["permissionDecisionReason"],
        "Answered by Maya (decision #1). Go on with this answer, and do not ask again:\n\
         db: Postgres"
    );
    // Nobody types a secret into Discord: Codex asks for it itself.
    let world = World::new();
    let secret = world.says("codex-question", "").replace("\"id\"", "\"isSecret\":true,\"id\"");
    let (said, _) = hook(&world, "codex", &secret, "1s").await;
    assert_eq!(said["hookSpecificOutput"]["permissionDecision"], "deny");
    let asked = world.decision(1).await;
    assert!(asked.request.expects == Expects::Approve && asked.request.questions.is_empty());
}

#[tokio::test(flavor = "multi_thread")]
async fn over_a_connection_the_answer_is_the_same() {
    let world = crate::http_world::World::new().await;
    let agent = world.agent().await;
    let call = json!({
        "agent": "claude-code", "session": "s-1", "tool": "AskUserQuestion", "cwd": "/home/ada",
        "input": { "questions": [{
            "question": "Which?", "header": "", "options": [{ "label": "A" }, { "label": "B" }],
        }] },
    });
    let post = |path: &str, body: &Value| {
        let request = agent.post(path, body);
        async move { crate::http_world::got(request).await.must(200) }
    };
    let told = post("/v1/gate", &call).await;
    assert_eq!(told["answer"], "wait", "{told}");
    let decision = world.decision(1).await;
    let chosen = Verdict::Chosen { option: "B".into() };
    let via = gander::core::decision::Via::Discord;
    let maya = crate::http_world::maya();
    let approvals = world.handle.approvals();
    approvals.resolve(decision.id, decision.revision, &maya, via, chosen).await.unwrap();
    let told = post("/v1/gate/1/wait?timeout=0&revision=1", &json!({})).await;
    // An earlier gate reads a denial with the answer.
    assert_eq!(told["answer"], "deny");
    assert!(told["words"].as_str().unwrap().ends_with("Which? B"), "{told}");
    assert_eq!(told["answers"], json!([{ "question": "Which?", "options": ["B"] }]));
    let seen = crate::http_world::got(agent.get("/v1/decisions/1")).await.must(200);
    assert_eq!(seen["questions"][0]["options"][1]["name"], "B");
    assert_eq!(seen["option"], "B");
}
