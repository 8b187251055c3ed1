//! Tools by name: the agents' own, those of servers, and those that the folder's files define.

use serde_json::{Value, json};

use super::*;

/// The name of a server's tool is the server's choice.
#[test]
fn a_tool_of_a_server_is_allowed_only_by_name() {
    let of = |agent: &str, tool: &str, input: Value| {
        ruling(&ToolCall { agent: agent.into(), ..call(tool, input) })
    };
    for (tool, input) in [
        ("mcp__prod_db__analyze", json!({ "query": "DELETE FROM orders" })),
        ("mcp__prod__terminal", json!({ "command": "ls" })),
        ("mcp__prod__bash", json!({ "command": "git status" })),
        ("mcp__prod__Read", json!({ "file_path": "src/a.rs" })),
        ("mcp__prod__write", json!({ "path": "src/a.rs", "content": "x" })),
        ("mcp__crm__delegate", json!({ "ticket": 7 })),
        ("mcp__web__fetch", json!({ "url": "https://example.org" })),
        ("prod__shell", json!({ "command": "ls" })),
        ("prod__analyze", json!({ "path": "." })),
        ("prod__search_available_extensions", json!({})),
    ] {
        for agent in ["claude-code", "codex", "goose"] {
            assert_eq!(of(agent, tool, input.clone()), "medium", "{agent} {tool}");
        }
    }
    // What a server might run here is stopped all the same.
    assert_eq!(of("codex", "mcp__prod__terminal", json!({ "command": "sudo ls" })), "deny");
    let secret = json!({ "path": "/home/maya/.ssh/id_rsa" });
    assert_eq!(of("codex", "mcp__fs__read", secret), "high");
    // goose's own tools, with and without the extension's name.
    for tool in ["shell", "developer__shell"] {
        assert_eq!(of("goose", tool, json!({ "command": "ls" })), "allow", "{tool}");
    }
    assert_eq!(of("goose", "analyze__analyze", json!({ "path": "src" })), "allow");
    assert_eq!(of("codex", "developer__shell", json!({ "command": "ls" })), "medium");
}

#[test]
fn a_rule_that_allows_a_tool_of_a_server_names_the_server() {
    for (pattern, allows) in [
        ("mcp__prod_db__analyze", true),
        ("mcp__prod_db__*", true),
        ("*__analyze", false),
        ("mcp__*", false),
        ("mcp__prod*", false),
        ("*", false),
    ] {
        let text = format!("[[rules]]\ndo = \"allow\"\ntools = [\"{pattern}\"]");
        let rules = understand(Path::new(FILE), &text).unwrap();
        let ruling = judge(&rules, &call("mcp__prod_db__analyze", json!({ "query": "x" })));
        assert_eq!(ruling == Ruling::Allow, allows, "{pattern}");
    }
    // Nor does a rule without tools.
    let rules = understand(Path::new(FILE), "[[rules]]\ndo = \"allow\"").unwrap();
    assert_ne!(judge(&rules, &call("mcp__x__y", json!({}))), Ruling::Allow);
    assert_eq!(judge(&rules, &call("Read", json!({}))), Ruling::Allow);
}

#[test]
fn what_a_repository_defines_is_asked() {
    for (tool, input, expected) in [
        ("Skill", json!({ "skill": "deploy" }), "medium"),
        ("SlashCommand", json!({ "command": "/deploy" }), "medium"),
        ("load_skill", json!({ "name": "deploy" }), "medium"),
        ("Task", json!({ "subagent_type": "deployer", "prompt": "x" }), "medium"),
        ("Task", json!({ "subagent_type": "Explore", "prompt": "x" }), "allow"),
        ("Agent", json!({ "prompt": "x" }), "allow"),
        ("Agent", json!({ "subagent_type": 7 }), "medium"),
    ] {
        assert_eq!(ruling(&call(tool, input.clone())), expected, "{tool} {input}");
    }
    let text = "[[rules]]\ndo = \"allow\"\ntools = [\"Skill(pdf)\"]";
    let rules = understand(Path::new(FILE), text).unwrap();
    assert_eq!(judge(&rules, &call("Skill", json!({ "skill": "pdf" }))), Ruling::Allow);
    assert_ne!(judge(&rules, &call("Skill", json!({ "skill": "pdfs" }))), Ruling::Allow);
}
