//! OpenCode's plugin, as Node runs it. Skipped where there is none.

use tokio::process::Command;

use super::*;
use crate::common::process::Program;
use crate::common::tools;

/// Loads the plugin as OpenCode does, and calls its hooks.
const HARNESS: &str = r#"
const [plugin, directory, command, meddle] = process.argv.slice(2)
const hooks = await (await import(plugin)).GanderGate({ directory })
const config = { permission: { "*": "deny", bash: "ask" } }
await hooks.config(config)
console.log("permission", JSON.stringify(config.permission))
const output = { args: { command } }
const call = hooks["tool.execute.before"]({ tool: "bash", sessionID: "s", callID: "c" }, output)
if (meddle) output.args.command = meddle
try {
  await call
  console.log("ran", output.args.command)
  try { output.args.command = "other" } catch { console.log("frozen") }
} catch (error) {
  console.log("denied", error.message)
}
"#;

#[tokio::test(flavor = "multi_thread")]
async fn the_plugin_denies_whatever_is_no_yes() {
    if !tools::is_there("node", tools::find("node").is_some(), tools::TOOLS) {
        return;
    }
    let world = World::new();
    let agent = world.other(Kind::OpenCode, "1s").await;
    let harness = world.home.path().join("harness.mjs");
    std::fs::write(&harness, HARNESS).unwrap();
    let run = async |text: &str, args: &[&str]| {
        // Node takes only such a file for a module.
        let plugin = world.home.path().join("plugin.mjs");
        std::fs::write(&plugin, text).unwrap();
        let mut node = Command::new("node");
        node.arg(&harness).arg(&plugin).arg(&agent.project).args(args);
        node.env("HOME", world.home.path());
        Program::start(node).ended().await.out
    };
    let plugin = std::fs::read_to_string(agent.hook_file()).unwrap();
    let said = run(&plugin, &["ls"]).await;
    assert!(said.contains(r#"permission {"*":"allow","bash":"ask"}"#), "{said}");
    assert!(said.contains("ran ls\nfrozen\n"), "{said}");
    for (args, words) in [
        (&["sudo ls"][..], "denied Denied by the rules"),
        (&["git push"], "denied Not decided yet: decision #1"),
        (&["ls", "rm -rf x"], "denied The call changed while Gander asked"),
    ] {
        let said = run(&plugin, args).await;
        assert!(said.contains(words) && !said.contains("ran "), "{said}");
    }
    for (from, to, words) in [
        (env!("CARGO_BIN_EXE_gander"), "/nowhere/gander", "did not answer, so this is denied"),
        ("/bin/sh", "/nowhere/sh", "Gander's gate did not start"),
        ("\"-c\", COMMAND", "\"-c\", \"true\"", "Gander's gate did not answer"),
        ("\"-c\", COMMAND", "\"-c\", \"echo not json\"", "Gander's gate did not answer"),
        ("\"-c\", COMMAND", "\"-c\", \"kill -KILL $$\"", "Gander's gate did not answer"),
        ("\"-c\", COMMAND", "\"-c\", `echo '{\"decision\":\"allow\"}'; exit 1`", "did not answer"),
    ] {
        let changed = plugin.replace(from, to);
        assert_ne!(changed, plugin);
        let said = run(&changed, &["ls"]).await;
        assert!(said.contains("denied ") && said.contains(words), "{to}: {said}");
    }
}
