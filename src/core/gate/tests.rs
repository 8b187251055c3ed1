//! Identity of calls, and the decision requests for calls.

use serde_json::json;

use super::*;

pub(crate) fn call(tool: &str, input: Value) -> ToolCall {
    ToolCall {
        agent: "claude-code".into(),
        session: Some("s-1".into()),
        tool: tool.into(),
        input,
        cwd: "/home/maya/shop".into(),
        roots: vec!["/home/maya/shop".into()],
        home: None,
        real: Vec::new(),
        poses_as_repository: false,
        own_prompt: false,
        before: Before::Absent,
        facts: Facts::default(),
    }
}

#[test]
fn the_same_action_is_the_same_however_it_is_introduced() {
    let one =
        call("Bash", json!({"command": "git push", "description": "Push it", "timeout": 1000}));
    let same =
        call("Bash", json!({"timeout": 2, "command": "git push", "description": "Now push"}));
    assert_eq!(one.key(), same.key());
    assert!(one.key().starts_with("gate:claude-code:s-1:"), "{}", one.key());
    for other in [
        call("Bash", json!({"command": "git push -f"})),
        call("Bash", json!({"command": "git push", "dangerouslyDisableSandbox": true})),
        call("mcp__x__bash", json!({"command": "git push"})),
        ToolCall { session: Some("s-2".into()), ..one.clone() },
        ToolCall { agent: "goose".into(), ..one.clone() },
        ToolCall { cwd: "/home/maya/other".into(), ..one.clone() },
        ToolCall { own_prompt: true, ..one.clone() },
    ] {
        assert_ne!(one.key(), other.key(), "{other:?}");
    }
    // For other tools, every argument is significant.
    assert_ne!(
        call("mcp__x__y", json!({"id": 1})).key(),
        call("mcp__x__y", json!({"id": 2})).key()
    );
    // What widens a call is part of it; Codex asks for the network in a command's description.
    let network = |host: &str| ToolCall {
        agent: "codex".into(),
        ..call("Bash", json!({"command": "ls", "description": format!("network-access {host}")}))
    };
    let plain = ToolCall { agent: "codex".into(), ..call("Bash", json!({"command": "ls"})) };
    assert_ne!(network("https://a.example:443").key(), network("https://b.example:443").key());
    assert_ne!(network("https://a.example:443").key(), plain.key());
    let plan = |input: Value| call("ExitPlanMode", input).key();
    assert_ne!(plan(json!({"plan": "x"})), plan(json!({"plan": "x", "allowedPrompts": ["y"]})));
    assert_ne!(
        call("Bash", json!({"command": "ls"})).key(),
        call("Bash", json!({"command": "ls", "run_in_background": true})).key()
    );
    let long = ToolCall { session: Some("s".repeat(5000)), ..one };
    assert!(long.key().len() < 200, "{}", long.key());
}
