//! The adapters with inputs as the agents send them (`fixtures/gates`). Those of Crush and Kiro are
//! made by their source and manual; the others were recorded.

use std::path::Path;

use serde_json::Value;

use super::*;
use crate::cli::gate::hook::{HookInput, Installed, parse_input};
use crate::config::gates;
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
    let installed = Installed { root: Some(folder.to_owned()), own: Vec::new() };
    parse_input(named(agent).unwrap(), input.as_bytes(), installed)
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
        let refused = ended(agent.refuse("Denied".into()));
        assert_eq!(agent.contract().fate(&refused), Fate::Denies, "{agent:?}");
        // What the hook's command prints when the gate itself is gone.
        let gone = Ended { status: Some(2), out: String::new(), err: "Denied".into() };
        assert_eq!(agent.contract().fate(&gone), Fate::Denies, "{agent:?}");
    }
}
