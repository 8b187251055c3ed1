//! What a repository sets around a call: variables, definitions of agents, the shape of arguments.

use gander::core::decision::Risk;
use serde_json::{Value, json};

use crate::gates_standin::{Kind, Outcome};
use crate::gates_world::World;

fn call(world: &World, tool: &str, input: &Value) -> String {
    json!({
        "hook_event_name": "PreToolUse", "session_id": "s", "cwd": world.project(),
        "tool_name": tool, "tool_input": input,
    })
    .to_string()
}

fn write(world: &World, path: &str, text: &str) {
    let path = world.project().join(path);
    std::fs::create_dir_all(path.parent().unwrap()).unwrap();
    std::fs::write(path, text).unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn the_environment_does_not_choose_what_git_and_others_run() {
    let world = World::new();
    write(&world, "evil/ls", "x");
    let mut agent = world.agent(Kind::ClaudeCode, "1s").await;
    let usual = agent.env.clone();
    let path = std::env::var("PATH").unwrap();
    let shell = |command: &str| call(&world, "Bash", &json!({ "command": command }));
    for command in ["git status", "rg KEY", "ls"] {
        assert_eq!(agent.call(shell(command)).await, Outcome::Ran, "{command}");
    }
    let evil = world.project().join("evil").display().to_string();
    for (name, value, command) in [
        ("GIT_EXTERNAL_DIFF", evil.clone(), "git diff"),
        ("GIT_CONFIG_COUNT", "1".to_owned(), "git status"),
        ("GIT_CONFIG_GLOBAL", "evil/config".to_owned(), "git status"),
        ("GIT_CONFIG_PARAMETERS", "'core.fsmonitor=x'".to_owned(), "git status"),
        ("XDG_CONFIG_HOME", evil.clone(), "git status"),
        ("RIPGREP_CONFIG_PATH", "evil/rg".to_owned(), "rg KEY"),
        ("PATH", format!("evil:{path}"), "ls"),
        ("PATH", format!("{evil}:{path}"), "ls"),
    ] {
        agent.env.clone_from(&usual);
        agent.env.push((name.to_owned(), value.clone()));
        agent.call(shell(command)).await.denied();
        assert_eq!(agent.call(shell("cat evil/ls")).await, Outcome::Ran, "{name}={value}");
    }
    // Settings that the person has, or that agents set themselves.
    agent.env.clone_from(&usual);
    for (name, value) in
        [("GIT_PAGER", "cat"), ("GIT_EDITOR", "true"), ("GIT_TERMINAL_PROMPT", "0")]
    {
        agent.env.push((name.to_owned(), value.to_owned()));
    }
    agent.env.push(("PATH".to_owned(), format!("{path}:{evil}")));
    for command in ["git status", "ls"] {
        assert_eq!(agent.call(shell(command)).await, Outcome::Ran, "{command}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn an_agent_that_the_folder_defines_is_asked() {
    let world = World::new();
    let agent = world.agent(Kind::ClaudeCode, "1s").await;
    let task = |name: &str| {
        let input = json!({ "subagent_type": name, "description": "x", "prompt": "x" });
        call(&world, "Task", &input)
    };
    write(&world, ".claude/agents/reviewer.md", "---\nname: reviewer\ndescription: Plan\n---\n");
    for name in ["Explore", "Plan", "general-purpose"] {
        assert_eq!(agent.call(task(name)).await, Outcome::Ran, "{name}");
    }
    write(&world, ".claude/agents/Explore.md", "---\nhooks: x\n---\n");
    write(&world, ".claude/agents/deep/x.md", "---\nname: Plan\n---\n");
    for name in ["Explore", "Plan"] {
        agent.call(task(name)).await.denied();
    }
    assert_eq!(agent.call(task("general-purpose")).await, Outcome::Ran);
    let asked = world.asked(2).await.pop().unwrap();
    assert!(asked.request.insight.why_it_matters.contains("definition"));
}

#[tokio::test(flavor = "multi_thread")]
async fn an_input_that_can_be_read_in_two_ways_is_no_call() {
    let world = World::new();
    let agent = world.agent(Kind::ClaudeCode, "1s").await;
    let said = call(&world, "Bash", &json!({ "command": "ls" }));
    assert_eq!(agent.call(&said).await, Outcome::Ran);
    let twice = said.replace("\"command\"", "\"command\":\"rm -rf x\",\"c\\u006fmmand\"");
    assert!(agent.call(twice).await.denied().contains("twice"));
    let outside = format!(" {}", world.home.path().join(".bashrc").display());
    for (tool, input) in [
        ("Read", json!({ "file_path": outside })),
        ("Write", json!({ "file_path": outside, "content": "x" })),
    ] {
        agent.call(call(&world, tool, &input)).await.denied();
    }
    for decision in world.asked(2).await {
        assert_eq!(decision.terms.risk, Risk::High);
    }
}
