//! Claude Code itself, with a scripted model on loopback: `--permission-prompt-tool` stops each
//! tool call at a person.
//!
//! Skipped where `claude` is not on the path; with `GANDER_TEST_AGENTS=1` that fails. Nothing
//! leaves the machine.

use gander::core::decision::{DecisionId, Revision, Verdict, Via};
use serde_json::json;

use crate::common::agents;
use crate::common::agents::ended;
use crate::common::scripted::{Call, Model};
use crate::mcp_permission::asked;
use crate::mcp_world::{World, person};

#[tokio::test(flavor = "multi_thread")]
async fn claude_code_runs_what_a_person_approved_and_hears_why_not() {
    let Some(claude) = agents::installed("claude") else { return };
    let world = World::new();
    let shell = |command: &str| {
        vec![Call::new("Bash", json!({ "command": command, "description": "As scripted" }))]
    };
    // One after the other.
    let model =
        Model::start(["touch first", "touch second", "touch first"].map(shell).into()).await;
    let args = json!(["mcp", "--store", world.home.store(), "--config", world.home.config()]);
    let servers = json!({ "mcpServers": { "gander": { "command": env!("CARGO_BIN_EXE_gander"),
        "args": args } } });
    let mut command = agents::command(&claude, &world.home, &model);
    command.args([
        "-p",
        "go",
        "--output-format",
        "json",
        "--strict-mcp-config",
        "--mcp-config",
        &servers.to_string(),
    ]);
    let child = command
        .args(["--permission-prompt-tool", "mcp__gander__permission_prompt"])
        .spawn()
        .unwrap();
    let ran = |name: &str| world.home.work().join(name).exists();
    let decide = async {
        let first = asked(&world, 1).await;
        assert!(first.request.body == "touch first" && first.offers_session(), "{first:#?}");
        assert!(!ran("first"));
        world
            .handle
            .approvals()
            .resolve(DecisionId(1), Revision(1), &person(), Via::Discord, Verdict::for_session())
            .await
            .unwrap();
        assert_eq!(asked(&world, 2).await.request.body, "touch second");
        let no = Verdict::Rejected { reason: "one file is enough".into() };
        world
            .handle
            .approvals()
            .resolve(DecisionId(2), Revision(1), &person(), Via::Discord, no)
            .await
            .unwrap();
    };
    let (said, ()) = tokio::join!(ended(child), decide);
    assert!(ran("first") && !ran("second"), "{said}");
    let told = model.results();
    assert!(told.len() == 3 && told[1].contains("one file is enough"), "{told:#?}\n{said}");
    // The third call was covered by the approval for the session.
    assert!(world.handle.approvals().get(DecisionId(3)).await.is_err());
    println!("{said}");
}
