//! Real Claude Code asks its person: the answer given on Discord is what its model hears, and no
//! prompt of its own appears.

use gander::core::decision::{Answer, Verdict};
use serde_json::{Value, json};

use super::Real;
use crate::common::agents::{PATIENCE, ended, installed};
use crate::common::process::Program;
use crate::common::scripted::{Call, Model};
use crate::common::tools;
use crate::gates_standin::Kind;
use crate::gates_world::{World, rejected};

/// Claude Code has its tools for questions only where somebody could answer: at a desk, or with a
/// permission tool.
fn with_permission_tool(world: &World) -> Vec<String> {
    let args = json!(["mcp", "--store", world.home.store(), "--config", world.home.config()]);
    let gander = json!({ "command": env!("CARGO_BIN_EXE_gander"), "args": args });
    let servers = json!({ "mcpServers": { "gander": gander } }).to_string();
    let words = ["--strict-mcp-config", "--mcp-config", &servers, "--permission-prompt-tool"];
    words.into_iter().chain(["mcp__gander__permission_prompt"]).map(str::to_owned).collect()
}

fn question() -> Call {
    let option = |label: &str| json!({ "label": label, "description": "As scripted" });
    Call::new(
        "AskUserQuestion",
        json!({ "questions": [
            { "question": "Which one?", "header": "One", "multiSelect": false,
                "options": [option("Red"), option("Blue")] },
            { "question": "Which ones?", "header": "Ones", "multiSelect": true,
                "options": [option("Large"), option("Round")] },
        ] }),
    )
}

fn answers() -> Verdict {
    let answer = |question: &str, options: &[&str], text: Option<&str>| Answer {
        question: question.into(),
        options: options.iter().map(|name| (*name).to_owned()).collect(),
        text: text.map(ToOwned::to_owned),
    };
    let answers = vec![
        answer("Which one?", &[], Some("Green, please")),
        answer("Which ones?", &["Large", "Round"], None),
    ];
    Verdict::Answered { text: String::new(), answers }
}

#[tokio::test(flavor = "multi_thread")]
async fn real_claude_code_hears_the_answers_to_its_questions() {
    let Some(real) = Real::calling(Kind::ClaudeCode, "100s", vec![vec![question()]]).await else {
        return;
    };
    let args = with_permission_tool(&real.world);
    let args: Vec<&str> = args.iter().map(String::as_str).collect();
    let (said, ()) = tokio::join!(ended(real.start(&args)), async {
        let asked = real.world.asked_within(1, PATIENCE).await.remove(0);
        assert!(asked.request.is_walked_through(), "{asked:#?}");
        real.world.decides(&asked, answers()).await;
    });
    let told = real.model.told();
    assert!(
        told.contains("Green, please") && told.contains("Large, Round"),
        "{}",
        real.story(&said)
    );
    assert_eq!(real.world.asked(1).await.len(), 1, "nobody is asked twice");
}

#[tokio::test(flavor = "multi_thread")]
async fn real_claude_code_hears_the_answers_from_its_permission_tool_too() {
    let Some(real) = Real::calling(Kind::ClaudeCode, "100s", vec![vec![question()]]).await else {
        return;
    };
    // Without the gate, and where the rules would let the question pass.
    std::fs::remove_file(real.hooks()).unwrap();
    let rules = "[[rules]]\ndo = \"allow\"\ntools = [\"AskUserQuestion\"]\n";
    std::fs::write(real.world.home.path().join("gates.toml"), rules).unwrap();
    let args = with_permission_tool(&real.world);
    let args: Vec<&str> = args.iter().map(String::as_str).collect();
    let (said, ()) = tokio::join!(ended(real.start(&args)), async {
        let asked = real.world.asked_within(1, PATIENCE).await.remove(0);
        real.world.decides(&asked, answers()).await;
    });
    let told = real.model.told();
    assert!(
        told.contains("Green, please") && told.contains("Large, Round"),
        "{}",
        real.story(&said)
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn real_claude_code_hears_why_its_question_is_refused() {
    let Some(real) = Real::calling(Kind::ClaudeCode, "100s", vec![vec![question()]]).await else {
        return;
    };
    let args = with_permission_tool(&real.world);
    let args: Vec<&str> = args.iter().map(String::as_str).collect();
    let (said, ()) = tokio::join!(ended(real.start(&args)), async {
        let asked = real.world.asked_within(1, PATIENCE).await.remove(0);
        real.world.decides(&asked, rejected("Read the issue first")).await;
    });
    assert!(real.model.told().contains("Read the issue first"), "{}", real.story(&said));
}

/// Writes a plan where Claude Code says that its plan goes.
fn write_plan(heard: &str) -> Value {
    let end = heard.find(".md using the Write tool").map(|at| at + ".md".len());
    let path = end.and_then(|end| heard[..end].rsplit([' ', '"']).next());
    json!({ "file_path": path.expect("the place of the plan"), "content": PLAN })
}

const PLAN: &str = "# Tidy up\n\n1. Sweep\n";

#[tokio::test(flavor = "multi_thread")]
async fn real_claude_code_carries_out_an_approved_plan_and_hears_what_to_change() {
    for approve in [true, false] {
        // Beside `--dangerously-skip-permissions`, Claude Code ignores `--permission-mode plan`.
        let calls = vec![
            vec![Call::new("EnterPlanMode", json!({}))],
            vec![Call::of_heard("Write", write_plan)],
            vec![Call::new("ExitPlanMode", json!({}))],
        ];
        let Some(real) = Real::calling(Kind::ClaudeCode, "100s", calls).await else { return };
        let args = with_permission_tool(&real.world);
        let args: Vec<&str> = args.iter().map(String::as_str).collect();
        let (said, asked) = tokio::join!(ended(real.start(&args)), async {
            // The plan's file lies in the home folder, outside of the project.
            let written = real.world.asked_within(1, PATIENCE).await.remove(0);
            assert!(written.request.title.contains(".claude/plans/"), "{written:#?}");
            real.world.decides(&written, Verdict::approved()).await;
            let asked = real.world.asked_within(2, PATIENCE).await.remove(1);
            let verdict =
                if approve { Verdict::approved() } else { rejected("Dust before you sweep") };
            real.world.decides(&asked, verdict).await;
            asked
        });
        assert!(asked.request.plan && asked.request.body.contains("1. Sweep"), "{asked:#?}");
        let told = real.model.results().pop().unwrap_or_default();
        let heard = if approve { "approved" } else { "Dust before you sweep" };
        assert!(told.contains(heard), "{}", real.story(&said));
        assert_eq!(real.world.asked(2).await.len(), 2, "nobody is asked twice");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn an_mcp_server_behind_real_claude_code_gets_what_a_person_filled_in() {
    let (Some(claude), Some(python)) = (installed("claude"), tools::find("python3")) else {
        return;
    };
    let model = Model::start(vec![vec![Call::new("mcp__tickets__file", json!({}))]]).await;
    let Some(real) = Real::with(Kind::ClaudeCode, "100s", model).await else { return };
    // Once more, with Claude Code on the path: the gate asks which version it is.
    let place = real.world.project();
    let install = ["gate", "install", "claude-code", "--project", place.to_str().unwrap()];
    let mut command = real.world.home.gander(&install);
    command.args(["--timeout", "100s", "--yes"]).env("PATH", claude.parent().unwrap());
    Program::start(command).ended().await.must(0, &["Elicitation"]);
    let rules = "[[rules]]\ndo = \"allow\"\ntools = [\"mcp__tickets__file\"]\n";
    std::fs::write(real.world.home.path().join("gates.toml"), rules).unwrap();
    let script = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/agents/gates_real/elicits.py");
    let tickets = json!({ "command": python, "args": [script] });
    let servers = json!({ "mcpServers": { "tickets": tickets } }).to_string();
    let args = ["--strict-mcp-config", "--mcp-config", &servers];
    let (said, asked) = tokio::join!(ended(real.start(&args)), async {
        let asked = real.world.asked_within(1, PATIENCE).await.remove(0);
        let answer = |question: &str, option: &str| Answer {
            question: question.into(),
            options: vec![option.into()],
            text: None,
        };
        let answers = vec![answer("queue", "web"), answer("urgent", "Yes")];
        let filled = Verdict::Answered { text: String::new(), answers };
        real.world.decides(&asked, filled).await;
        asked
    });
    assert_eq!(asked.request.insight.observation, "Which queue?");
    let told = real.model.told().replace('\\', "");
    assert!(told.contains("\"action\": \"accept\""), "{}", real.story(&said));
    assert!(told.contains("{\"queue\": \"web\", \"urgent\": true}"), "{}", real.story(&said));
}

#[tokio::test(flavor = "multi_thread")]
async fn real_codex_reads_the_answer_in_the_reason_of_the_denial() {
    let option = |label: &str| json!({ "label": label, "description": "As scripted" });
    let question = json!({ "questions": [{
        "id": "db", "header": "Database", "question": "Which database?",
        "options": [option("Redis"), option("Postgres")],
    }] });
    let calls = vec![vec![Call::new("request_user_input", question)]];
    let Some(real) = Real::calling(Kind::Codex, "100s", calls).await else { return };
    // Otherwise Codex has the tool in its plan mode only, which needs a person at the desk.
    let config = real.world.home.path().join(".codex/config.toml");
    let mut text = std::fs::read_to_string(&config).unwrap();
    text.push_str("\n[features]\ndefault_mode_request_user_input = true\n");
    std::fs::write(&config, text).unwrap();
    let (said, ()) = tokio::join!(ended(real.start(&[])), async {
        let asked = real.world.asked_within(1, PATIENCE).await.remove(0);
        real.world.decides(&asked, Verdict::Chosen { option: "Postgres".into() }).await;
    });
    assert!(real.model.told().contains("db: Postgres"), "{}", real.story(&said));
}
