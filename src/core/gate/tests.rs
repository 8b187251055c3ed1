//! Identity of calls, and the decision requests for calls.

use serde_json::json;

use super::*;

fn call(tool: &str, input: Value) -> ToolCall {
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
        before: None,
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
    ] {
        assert_ne!(one.key(), other.key(), "{other:?}");
    }
    // For other tools, every argument is significant.
    assert_ne!(
        call("mcp__x__y", json!({"id": 1})).key(),
        call("mcp__x__y", json!({"id": 2})).key()
    );
    let long = ToolCall { session: Some("s".repeat(5000)), ..one };
    assert!(long.key().len() < 200, "{}", long.key());
}

#[test]
fn what_is_asked_shows_what_will_run() {
    let lines: Vec<String> = [
        call("Bash", json!({"command": "git push origin main", "description": "x"})),
        call("Bash", json!({"command": "set -e\nmake\nmake install"})),
        call("shell", json!({"command": ["bash", "-lc", "git push"]})),
        call("shell", json!({"command": ["git", "commit", "-m", "it's done"]})),
        call("Write", json!({"file_path": "/home/maya/shop/a.txt", "content": "a\nb\n"})),
        ToolCall {
            before: Some("a\nb\n".into()),
            ..call("Edit", json!({"file_path": "a.txt", "old_string": "b", "new_string": "c"}))
        },
        call("WebFetch", json!({"url": "https://example.org/x", "prompt": "Read it"})),
        call("ExitPlanMode", json!({"plan": "1. Look\n2. Leap"})),
        call("mcp__shop__refund", json!({"order": 7})),
    ]
    .iter()
    .map(|call| {
        let asked = call.request(None, Risk::High, None, Some("Others see it.".into()));
        assert_eq!(asked.dedup_key, Some(call.key()));
        format!("# {}\n{}", asked.title, asked.body)
    })
    .collect();
    insta::assert_snapshot!(lines.join("\n\n"));
}

#[test]
fn all_of_a_call_is_shown() {
    for (tool, input, hidden) in [
        ("Bash", json!({"command": "ls", "env": {"PATH": "./evil"}}), "./evil"),
        ("shell", json!({"command": ["ls"], "workdir": "/elsewhere"}), "/elsewhere"),
        (
            "developer__write",
            json!({"path": "x", "content": "EVIL", "before": "a", "after": "b"}),
            "EVIL",
        ),
        (
            "developer__edit",
            json!({"path": "x", "before": "a", "after": "EVIL", "edits": []}),
            "EVIL",
        ),
        (
            "Edit",
            json!({"file_path": "x", "edits": [{"old_string": "a", "new_string": "b", "content": "EVIL"}]}),
            "EVIL",
        ),
        (
            "NotebookEdit",
            json!({"notebook_path": "x", "new_source": "", "edit_mode": "EVIL"}),
            "EVIL",
        ),
        (
            "apply_patch",
            json!({"input": "*** Begin Patch\n*** Add File: a\n+x", "patch": "*** Begin Patch EVIL"}),
            "EVIL",
        ),
    ] {
        let asked = call(tool, input).request(None, Risk::High, None, None);
        assert!(asked.body.contains(hidden), "{tool}: {}", asked.body);
    }
}
