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

/// An argument of another name or shape may mean another file, or further rights.
#[test]
fn arguments_that_are_not_known_are_asked() {
    for (tool, input, expected) in [
        ("Read", json!("x"), "medium"),
        ("Read", json!({ "file": ["a", { "path": "/etc/hosts" }] }), "medium"),
        ("Read", json!({ "source": "/etc/hosts" }), "medium"),
        ("Read", json!({ "file_path": "a", "also": "/etc/hosts" }), "medium"),
        ("Read", json!({ "limit": 3 }), "medium"),
        ("view_image", json!({ "image": "/srv/x.png" }), "medium"),
        ("Read", json!({ "file_path": " /etc/hosts" }), "high"),
        ("Write", json!({ "file_path": " /etc/hosts", "content": "x" }), "high"),
        ("Grep", json!({ "pattern": "x", "where": "/etc" }), "medium"),
        ("Read", json!({ "file_path": "a", "offset": 1, "limit": 2, "pages": "1-3" }), "allow"),
        ("Read", json!({ "file_path": "a", "new_flag": true }), "allow"),
        (
            "Grep",
            json!({
                "pattern": "x", "path": "src", "glob": "*.rs", "type": "rust", "-n": true, "-A": 3,
                "output_mode": "content", "head_limit": 9, "multiline": false,
            }),
            "allow",
        ),
        ("Glob", json!({ "pattern": "**/*.rs", "path": "src" }), "allow"),
        ("view_image", json!({ "path": "a.png" }), "allow"),
        ("Task", json!({ "subagent_type": "Explore", "mode": "bypassPermissions" }), "medium"),
        ("Task", json!({ "subagent_type": "Explore", "isolation": "remote" }), "medium"),
        ("Agent", json!({ "subagent_type": "Plan", "tools": ["Bash"] }), "medium"),
        (
            "Task",
            json!({
                "subagent_type": "Explore", "description": "x", "prompt": "x", "model": "haiku",
                "run_in_background": true, "isolation": "worktree",
            }),
            "allow",
        ),
    ] {
        assert_eq!(ruling(&call(tool, input.clone())), expected, "{tool} {input}");
    }
}

#[test]
fn what_files_of_the_workspace_stand_in_for_is_asked() {
    let of = |tool: &str, input: Value, name: &str| {
        let mut call = call(tool, input);
        call.facts.shadowed = [name.to_owned()].into();
        ruling(&call)
    };
    let run = |command: &str| json!({ "command": command });
    for (tool, input, name, expected) in [
        ("Bash", run("ls"), "ls", "medium"),
        ("Bash", run("cat a | ls"), "ls", "medium"),
        ("Bash", run("git status"), "*", "medium"),
        ("Bash", run("cat a"), "ls", "allow"),
        ("Grep", json!({ "pattern": "x" }), "rg", "medium"),
        ("Task", json!({ "subagent_type": "Explore" }), "Explore", "medium"),
        ("Agent", json!({ "prompt": "x" }), "general-purpose", "medium"),
        ("Task", json!({ "subagent_type": "Plan" }), "Explore", "allow"),
        ("Bash", run("sudo ls"), "*", "deny"),
    ] {
        assert_eq!(of(tool, input.clone(), name), expected, "{tool} {input} {name}");
    }
}
