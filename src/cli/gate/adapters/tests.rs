//! The adapters with inputs as the agents send them (`fixtures/gates`). Those of Crush and Kiro are
//! made by their source and manual; the others were recorded.

use std::path::Path;

use serde_json::Value;

use super::*;
use crate::cli::gate::desk::{News, Notice, Prompt};
use crate::cli::gate::hook::{HookInput, Input, Installed, parse_input};
use crate::config::gates;
use crate::core::decision::OwnPrompt;
use crate::core::gate::rules::{GateRule, Ruling, judge};

/// The call of each agent's shell.
const SHELLS: [&str; 9] = [
    "copilot/bash",
    "crush/bash",
    "cursor/Shell",
    "gemini/run_shell_command",
    "kimi/Bash",
    "kiro/v3-execute_bash",
    "kiro/cli2-execute_bash",
    "opencode/bash",
    "qwen/run_shell_command",
];

fn defaults() -> Vec<GateRule> {
    let nowhere = tempfile::tempdir().unwrap();
    gates::load(Some(&nowhere.path().join("gander.toml"))).unwrap()
}

/// A recorded input for a call in this folder.
fn recorded(case: &str, folder: &Path, command: &str) -> String {
    let file = format!("{}/fixtures/gates/{case}.json", env!("CARGO_MANIFEST_DIR"));
    let text = std::fs::read_to_string(&file).unwrap_or_else(|error| panic!("{file}: {error}"));
    let command = Value::from(command).to_string();
    text.replace("{cwd}", folder.to_str().unwrap()).replace("\"{command}\"", &command)
}

fn parsed(agent: &str, folder: &Path, input: &str) -> Result<HookInput, String> {
    let installed = Installed { root: Some(folder.to_owned()), ..Installed::default() };
    match parse_input(named(agent).unwrap(), input.as_bytes(), installed)? {
        Input::Call(call) => Ok(*call),
        Input::Notice(..) => Err("a notice".into()),
    }
}

fn ruled(rules: &[GateRule], input: &HookInput) -> String {
    match judge(rules, &input.call) {
        Ruling::Allow => "allow".to_owned(),
        Ruling::Deny { .. } => "deny".to_owned(),
        Ruling::Ask { risk, .. } => risk.as_str().to_owned(),
    }
}

#[test]
fn the_rules_know_the_tools_of_every_agent() {
    let (temporary, rules) = (tempfile::tempdir().unwrap(), defaults());
    let folder = temporary.path().canonicalize().unwrap();
    std::fs::write(folder.join("a.txt"), "one\nuno\nhello\nbye\nx\n").unwrap();
    let listed = include_str!("../../../../fixtures/gates/rulings.tsv");
    let mut wrong = Vec::new();
    for line in listed.lines() {
        let [agent, case, tool, ruling]: [&str; 4] =
            line.split('\t').collect::<Vec<_>>().try_into().unwrap();
        let input = parsed(agent, &folder, &recorded(case, &folder, "git push")).unwrap();
        let found = (input.call.tool.clone(), ruled(&rules, &input));
        if found != (tool.to_owned(), ruling.to_owned()) {
            wrong.push(format!("{line}: {found:?}"));
        }
        let speaker = case.split('/').next().unwrap();
        assert_eq!((input.agent.name(), input.call.agent.as_str()), (speaker, speaker), "{line}");
        assert!(input.call.session.is_some() && input.call.cwd == folder, "{line}");
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
    for agent in AGENTS.iter().skip(3) {
        assert!(listed.contains(&format!("\n{}\t", agent.name())), "{agent:?}");
    }
}

/// Each agent's shell, with the same commands.
#[test]
fn the_rules_read_the_commands_of_every_agent() {
    let (temporary, rules) = (tempfile::tempdir().unwrap(), defaults());
    let folder = temporary.path().canonicalize().unwrap();
    for case in SHELLS {
        let agent = case.split('/').next().unwrap();
        for (command, ruling) in [
            ("ls -la && git status", "allow"),
            ("make", "medium"),
            ("psql", "high"),
            ("cat .env", "allow"),
            ("npm publish", "critical"),
            ("echo x | sudo tee /etc/x", "deny"),
            ("gander approve 1", "deny"),
        ] {
            let input = parsed(agent, &folder, &recorded(case, &folder, command)).unwrap();
            assert_eq!(ruled(&rules, &input), ruling, "{case} {command}");
        }
    }
}

/// Calls that mean something else than they seem to.
#[test]
fn what_an_agent_reads_in_its_own_way_is_asked() {
    let (temporary, rules) = (tempfile::tempdir().unwrap(), defaults());
    let folder = temporary.path().canonicalize().unwrap();
    std::fs::write(folder.join("a.txt"), "one\n").unwrap();
    std::fs::create_dir(folder.join("src")).unwrap();
    let elsewhere = tempfile::tempdir().unwrap();
    std::fs::write(elsewhere.path().join(".env"), "KEY=1\n").unwrap();
    let elsewhere = elsewhere.path().to_str().unwrap();
    let listed = include_str!("../../../../fixtures/gates/readings.tsv");
    for line in listed.lines().filter(|line| !line.starts_with('#')) {
        let [agent, tool, arguments, ruling]: [&str; 4] =
            line.split('\t').collect::<Vec<_>>().try_into().unwrap();
        let arguments: Value =
            serde_json::from_str(&arguments.replace("{elsewhere}", elsewhere)).unwrap();
        let case = SHELLS.iter().find(|case| case.starts_with(agent)).unwrap();
        let mut input: Value = serde_json::from_str(&recorded(case, &folder, "ls")).unwrap();
        let (name, given) =
            if agent == "copilot" { ("toolName", "toolArgs") } else { ("tool_name", "tool_input") };
        (input[name], input[given]) = (tool.into(), arguments);
        let input = parsed(agent, &folder, &input.to_string()).unwrap();
        assert_eq!(ruled(&rules, &input), ruling, "{line} {:?}", input.call);
    }
}

/// Whatever an agent's name for a tool is, another agent's tool of this name is not that tool.
#[test]
fn a_name_counts_for_its_agent_alone() {
    let (temporary, rules) = (tempfile::tempdir().unwrap(), defaults());
    let folder = temporary.path().canonicalize().unwrap();
    let cases = [
        ("copilot", "copilot/mcp", "toolName"),
        ("crush", "crush/mcp", "tool_name"),
        ("cursor", "cursor/MCP_echo", "tool_name"),
        ("gemini", "gemini/write_todos", "tool_name"),
        ("kiro", "kiro/v3-subagent", "tool_name"),
        ("opencode", "opencode/fs_echo", "tool_name"),
        ("qwen", "qwen/tool_search", "tool_name"),
    ];
    let foreign = ["LS", "update_plan", "developer__read", "view_image", "NotebookRead", "tree"];
    for ((agent, case, field), tool) in cases.iter().flat_map(|case| foreign.map(|it| (case, it))) {
        let mut input: Value = serde_json::from_str(&recorded(case, &folder, "ls")).unwrap();
        input[*field] = tool.into();
        let input = parsed(agent, &folder, &input.to_string()).unwrap();
        assert_eq!(input.call.tool, format!("{agent}__{tool}"));
        assert_eq!(ruled(&rules, &input), "medium", "{agent} {tool}");
    }
}

#[test]
fn an_input_that_hides_something_is_refused() {
    let temporary = tempfile::tempdir().unwrap();
    let folder = temporary.path().canonicalize().unwrap();
    let attack = recorded("crush/attack-case", &folder, "ls");
    assert!(parsed("crush", &folder, &attack).unwrap_err().contains("small letters"));
    let twice = recorded("cursor/beforeMCPExecution", &folder, "ls")
        .replace(r#"{\"text\":\"hi\"}"#, r#"{\"text\":\"hi\",\"text\":\"ho\"}"#);
    assert!(parsed("cursor", &folder, &twice).unwrap_err().contains("twice"), "{twice}");
    for agent in AGENTS {
        for input in ["null", "[]", "{}", "7", "\"x\""] {
            assert!(parsed(agent.name(), &folder, input).is_err(), "{agent:?} {input}");
        }
    }
}

/// Every denial is one to the agent that reads it, and every yes a yes, by the agent's contract.
#[test]
fn each_agent_understands_its_answers() {
    use crate::cli::gate::contract::{Ended, Fate};
    use crate::cli::gate::hook::HookAnswer;

    let ended = |output: HookOutput| Ended {
        status: Some(output.code.into()),
        out: output.out.map(|out| out.to_string()).unwrap_or_default(),
        err: output.err.unwrap_or_default(),
    };
    for agent in AGENTS {
        let event = HookEvent::PreToolUse;
        let fate = |answer| agent.contract().fate(&ended(agent.say(event, answer)));
        for note in [None, Some("Only once".to_owned())] {
            let yes = fate(HookAnswer::Allow { words: "Approved".into(), note, input: None });
            assert!(matches!(yes, Fate::Runs | Fate::Asks), "{agent:?} {yes:?}");
        }
        let words = "{\"decision\":\"allow\",\"permissionDecision\":\"allow\"}";
        assert_eq!(fate(HookAnswer::Deny(words.into())), Fate::Denies, "{agent:?}");
        // Where a person is to be asked, nothing runs without the person.
        assert_eq!(fate(HookAnswer::OwnPrompt(words.into())), Fate::Denies, "{agent:?}");
        let refused = ended(agent.refuse("Denied".into()));
        assert_eq!(agent.contract().fate(&refused), Fate::Denies, "{agent:?}");
        // What the hook's command prints when the gate itself is gone.
        let gone = Ended { status: Some(2), out: String::new(), err: "Denied".into() };
        assert_eq!(agent.contract().fate(&gone), Fate::Denies, "{agent:?}");
    }
}

#[test]
fn notices_are_heard_only_by_a_gate_that_was_installed_for_the_desk() {
    let folder = tempfile::tempdir().unwrap();
    let heard = |agent: &str, input: &Value, desk| {
        let installed = Installed { root: Some(folder.path().to_owned()), desk, own: Vec::new() };
        parse_input(named(agent).unwrap(), input.to_string().as_bytes(), installed)
    };
    let input = serde_json::json!({
        "session_id": "s-1", "cwd": folder.path(), "hook_event_name": "PostToolUse",
        "tool_name": "Bash", "tool_input": {"command": "make"}, "tool_use_id": "toolu_1",
    });
    let Ok(Input::Notice(_, notice)) = heard("claude-code", &input, true) else {
        panic!("a notice")
    };
    let news = News::Ran("toolu_1".into());
    assert_eq!(notice, Notice { session: "s-1".into(), news });
    for agent in AGENTS {
        let told = heard(agent.name(), &input, false);
        assert!(!matches!(told, Ok(Input::Notice(..))), "{agent:?}");
    }
    let events = [
        ("claude-code", "Stop", Some(None)),
        ("claude-code", "SubagentStop", Some(Some("a1".to_owned()))),
        ("codex", "Stop", Some(None)),
        ("codex", "UserPromptSubmit", Some(None)),
        ("claude-code", "UserPromptSubmit", None),
        ("goose", "Stop", None),
    ];
    for (agent, event, paused) in events {
        let input = serde_json::json!({
            "session_id": "s-1", "cwd": folder.path(), "hook_event_name": event, "agent_id": "a1",
        });
        let told = match heard(agent, &input, true) {
            Ok(Input::Notice(_, Notice { news: News::Paused { thread }, .. })) => Some(thread),
            _ => None,
        };
        assert_eq!(told, paused, "{agent} {event}");
    }
}

#[test]
fn codex_names_a_call_alike_before_and_after() {
    let codex = named("codex").unwrap();
    let name = |input: Value| codex.name_call(&input).call.unwrap();
    let call = |turn: &str, command: &str| {
        serde_json::json!({
            "turn_id": turn, "tool_name": "Bash", "tool_input": {"command": command},
        })
    };
    let mut before = call("t-1", "make");
    before["tool_input"]["description"] = "May I?".into();
    assert_eq!(name(before), name(call("t-1", "make")));
    assert_ne!(name(call("t-1", "make")), name(call("t-2", "make")));
    assert_ne!(name(call("t-1", "make")), name(call("t-1", "make x")));
}

#[test]
fn codex_is_left_to_its_prompt_only_if_a_person_reviews() {
    let folder = tempfile::tempdir().unwrap();
    let workspace = folder.path().join("shop");
    std::fs::create_dir(&workspace).unwrap();
    let record = folder.path().join("rollout.jsonl");
    let prompt = |record: &Path, event| {
        let input = serde_json::json!({ "turn_id": "t-2", "transcript_path": record });
        named("codex").unwrap().prompt(event, &input, std::slice::from_ref(&workspace))
    };
    let turn = |turn: &str, reviewer: &str| {
        serde_json::json!({
            "type": "turn_context",
            "payload": { "turn_id": turn, "approvals_reviewer": reviewer },
        })
    };
    let changed = |reviewer: &str| {
        serde_json::json!({
            "type": "event_msg",
            "payload": { "thread_settings": { "approvals_reviewer": reviewer } },
        })
    };
    let asks = |lines: &[Value]| {
        let lines: Vec<String> = lines.iter().map(Value::to_string).collect();
        std::fs::write(&record, lines.join("\n")).unwrap();
        prompt(&record, HookEvent::PermissionRequest) == Prompt::Offered(OwnPrompt::Alone)
    };
    assert!(asks(&[turn("t-1", "auto_review"), turn("t-2", "user")]));
    assert_eq!(prompt(&record, HookEvent::PreToolUse), Prompt::None, "it cannot be made to ask");
    let within = workspace.join("rollout.jsonl");
    std::fs::copy(&record, &within).unwrap();
    assert_eq!(prompt(&within, HookEvent::PermissionRequest), Prompt::None, "forged");
    assert!(!asks(&[turn("t-2", "auto_review")]));
    assert!(!asks(&[turn("t-1", "user")]), "of another turn");
    assert!(!asks(&[turn("t-2", "user"), changed("auto_review")]), "changed since");
    assert!(!asks(&[]) && !asks(&[Value::from("approvals_reviewer user")]));
    std::fs::remove_file(&record).unwrap();
    assert_eq!(prompt(&record, HookEvent::PermissionRequest), Prompt::None);
}
