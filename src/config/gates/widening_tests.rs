//! Calls with arguments that make them do more than a rule has allowed.

use std::path::Path;

use serde_json::{Value, json};

use super::tests::call;
use super::*;
use crate::core::decision::Kind;
use crate::core::gate::ToolCall;
use crate::core::gate::rules::{AskReason, Ruling, judge};

/// What Codex asks beside a command, in the command's description, is more than the command.
#[test]
fn what_widens_a_call_is_not_allowed_by_a_rule_for_less() {
    let text = "[[rules]]\ndo = \"allow\"\ncommands = [\"npm run test*\"]\n\
        [[rules]]\ndo = \"allow\"\ntools = [\"ExitPlanMode\", \"Edit\"]\n";
    let rules = understand(Path::new(FILE), text).unwrap();
    let judged = |agent: &str, tool: &str, input: Value| {
        let call = ToolCall { agent: agent.into(), ..call(tool, input) };
        match judge(&rules, &call) {
            Ruling::Ask { risk, reason, .. } => format!("{risk}: {:?}", reason.unwrap()),
            ruling => format!("{ruling:?}"),
        }
    };
    let run = |beside: Value| {
        let mut input = json!({ "command": "npm run test" });
        input.as_object_mut().unwrap().extend(beside.as_object().unwrap().clone());
        input
    };
    let more = "medium: ExtraArguments";
    for (agent, beside, expected) in [
        ("codex", json!({}), "Allow"),
        ("codex", json!({ "description": null }), "Allow"),
        ("codex", json!({ "description": "network-access https://evil.example:443" }), more),
        ("codex", json!({ "description": "May I leave the sandbox?" }), more),
        ("codex", json!({ "justification": "It needs the network" }), more),
        ("codex", json!({ "sandbox_permissions": "require_escalated" }), more),
        ("another", json!({ "description": "Network-access udp://evil.example:53" }), more),
        ("another", json!({ "description": "Runs the tests" }), "Allow"),
        ("my Codex", json!({ "description": "May I leave the sandbox?" }), more),
        ("claude-code", json!({ "description": "Runs the tests", "timeout": 9 }), "Allow"),
        ("claude-code", json!({ "description": "Fetches https://example.org/x" }), "Allow"),
        ("another", json!({ "description": "Fetches https://example.org/x" }), more),
        ("claude-code", json!({ "description": { "network": true } }), more),
        ("claude-code", json!({ "timeout": "9; rm x" }), more),
        ("claude-code", json!({ "run_in_background": true }), "Allow"),
        ("claude-code", json!({ "dangerouslyDisableSandbox": false }), "Allow"),
        // What is unknown may grant something by being false.
        ("claude-code", json!({ "sandbox": false }), more),
    ] {
        assert_eq!(judged(agent, "Bash", run(beside.clone())), expected, "{agent} {beside}");
    }
    let grants = json!([{ "tool": "Bash", "prompt": "drop the old tables" }]);
    for (input, expected) in [
        (json!({ "plan": "Tidy." }), "Allow"),
        (json!({ "plan": "Tidy.", "planFilePath": "y.md", "allowedPrompts": [] }), "Allow"),
        (json!({ "plan": "Tidy.", "planFilePath": "/x/y.md" }), "medium: Place(Outside)"),
        (json!({}), "high: NoPlan"),
        (json!({ "plan": " \n" }), "high: NoPlan"),
        (json!({ "plan": ["Tidy."] }), "high: NoPlan"),
        (json!({ "plan": "Tidy.", "allowedPrompts": grants }), "high: PlanGrants"),
        (json!({ "allowedPrompts": grants }), "high: PlanGrants"),
    ] {
        assert_eq!(judged("claude-code", "ExitPlanMode", input.clone()), expected, "{input}");
    }
}

/// A reason for asking does not change who is asked.
#[test]
fn what_widens_a_call_keeps_the_kind_of_its_rule() {
    let text = "[[rules]]\ndo = \"ask\"\nkind = \"deploy\"\ncommands = [\"./deploy.sh*\"]\n";
    let rules = understand(Path::new(FILE), text).unwrap();
    for input in [
        json!({ "command": "./deploy.sh", "env": { "A": "b" } }),
        json!({ "command": "./deploy.sh\u{202E}" }),
    ] {
        let Ruling::Ask { kind, reason, .. } = judge(&rules, &call("Bash", input)) else {
            panic!("it is asked")
        };
        assert_eq!(kind.as_ref().map(Kind::as_str), Some("deploy"), "{reason:?}");
    }
}

/// An agent's own prompt asks for what no rule speaks of, whatever it says beside the call.
#[test]
fn no_rule_that_allows_a_call_answers_the_agents_own_prompt() {
    let rules = understand(Path::new(FILE), "[[rules]]\ndo = \"allow\"\n").unwrap();
    let defaults = understand(Path::new(FILE), DEFAULTS).unwrap();
    let patch = "*** Begin Patch\n*** Add File: a.rs\n+x\n*** End Patch";
    for (tool, input, expected) in [
        ("Bash", json!({ "command": "git status" }), "medium"),
        ("Bash", json!({ "command": "git push" }), "high"),
        ("apply_patch", json!({ "command": patch }), "medium"),
        ("update_plan", json!({}), "medium"),
        ("mcp__a__b", json!({}), "medium"),
    ] {
        let own = ToolCall { own_prompt: true, ..call(tool, input) };
        let Ruling::Ask { risk, reason, .. } = judge(&defaults, &own) else { panic!("{own:?}") };
        assert_eq!(risk.to_string(), expected, "{own:?}");
        assert!(matches!(reason, Some(AskReason::OwnPrompt(_))), "{reason:?}");
        assert_ne!(judge(&rules, &own), Ruling::Allow, "{own:?}");
    }
    let denied = ToolCall { own_prompt: true, ..call("Bash", json!({ "command": "sudo ls" })) };
    assert!(matches!(judge(&defaults, &denied), Ruling::Deny { .. }));
}
