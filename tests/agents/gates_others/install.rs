//! `gander gate install` for the other agents keeps what is there, says what an agent cannot hold,
//! and takes exactly its own back.

use super::*;

/// A configuration of the person's own, and what of it is no more after an uninstallation.
fn settings(kind: Kind) -> &'static str {
    match kind {
        Kind::Copilot => {
            "{\"version\": 1, \"hooks\": {\"preToolUse\": [{\"type\":\"command\",\"bash\":\"a\"}]}}"
        }
        Kind::Cursor => {
            "{\n\t\"version\": 1,\n\t\"hooks\": {\n\t\t\"preToolUse\": [{ \
             \"command\": \"./log.sh\" }],\n\t\t\"stop\": []\n\t}\n}\n"
        }
        Kind::Gemini => {
            "{\n  \"ui\": { \"theme\": \"x\" },\n  \"hooks\": { \"BeforeTool\": [{\"hooks\": []}] \
             }\n}\n"
        }
        Kind::OpenCode => "",
        Kind::Qwen => "{\"hooks\":{\"Stop\":[]},\"a\":1e2}",
        Kind::Kimi => {
            "# mine\ndefault_model = \"k2\"\n\n[[hooks]]\nevent = \"Stop\" # bell\ncommand = \
             \"say\"\n\n[providers.x]\ntype = \"kimi\"\n"
        }
        Kind::Crush => "{ \"lsp\" : {\"go\":{\"command\":\"gopls\"}} }",
        Kind::Kiro => "",
    }
}

fn uninstall(kind: Kind, project: &str) -> Vec<&str> {
    let mut args = vec!["gate", "uninstall", kind.name(), "--yes"];
    if kind.is_of_project() {
        args.extend(["--project", project]);
    }
    args
}

#[tokio::test(flavor = "multi_thread")]
async fn what_others_have_written_stays_byte_by_byte() {
    for kind in ALL {
        let text = settings(kind);
        if text.is_empty() {
            continue;
        }
        let world = World::new();
        let (place, file) = (world.project(), kind.file(world.home.path(), &world.project()));
        std::fs::create_dir_all(file.parent().unwrap()).unwrap();
        std::fs::write(&file, text).unwrap();
        for patience in ["30s", "40s", "40s"] {
            let (home, project) = (world.home.path().to_owned(), place.clone());
            let mut args = vec!["gate", "install", kind.name(), "--timeout", patience, "--yes"];
            if kind.is_of_project() {
                args.extend(["--project", place.to_str().unwrap()]);
            }
            world.home.run(&args).await.must(0, &[]);
            let agent = Agent { kind, home, project, patience: None };
            let installed = std::fs::read_to_string(&file).unwrap();
            let gates = installed.matches(&format!("gate {} --timeout", kind.name())).count();
            assert_eq!(gates, if kind == Kind::Cursor { 2 } else { 1 }, "{installed}");
            assert_eq!(agent.call(world.shell_call(kind, "ls")).await, Outcome::Ran, "{kind:?}");
        }
        let back = uninstall(kind, place.to_str().unwrap());
        world.home.run(&back).await.must(0, &["wrote", "-"]);
        assert_eq!(std::fs::read_to_string(&file).unwrap(), text);
        world.home.run(&back).await.must(0, &["nothing to change"]);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_file_that_it_made_it_takes_away() {
    for kind in ALL {
        let world = World::new();
        let agent = world.other(kind, "30s").await;
        let project = agent.project.to_str().unwrap().to_owned();
        let status = world.home.run(&["gate", "status", "--project", &project]).await;
        // Nothing of Crush and Kiro was ever run.
        let says = match kind {
            Kind::Crush | Kind::Kiro => "has a hook, untried",
            _ => "stops at the gate",
        };
        let line = status.out.lines().find(|line| {
            line.starts_with(kind.name()) && line.contains(agent.hook_file().to_str().unwrap())
        });
        assert!(line.unwrap().contains(says), "{status:?}");
        world.home.run(&uninstall(kind, &project)).await.must(0, &["removed"]);
        assert!(!agent.hook_file().exists(), "{kind:?}");
        assert!(!agent.project.join(".opencode/opencode.json").exists());
        let call = world.shell_call(kind, "ls");
        assert!(matches!(agent.call(call).await, Outcome::Open(_)));
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_an_agent_cannot_hold_is_said_before() {
    let world = World::new();
    let project = world.project();
    let project = project.to_str().unwrap();
    for (args, words) in [
        (vec!["qwen", "--timeout", "1h"], "--timeout can be at most 40s"),
        (vec!["kimi", "--timeout", "10m"], "--timeout can be at most 570s"),
        (vec!["kimi", "--project", project], "leave out --project"),
        (vec!["kiro"], "give it with --project"),
    ] {
        let args = [&["gate", "install", "--yes"], args.as_slice()].concat();
        world.home.run(&args).await.must(2, &[words]);
    }
    let usual = ["gate", "install", "qwen", "--yes"];
    let words = ["--timeout 40s", "waits for you at most 40 s", "--approval-mode yolo"];
    world.home.run(&usual).await.must(0, &words);
    let longest = ["gate", "install", "kimi", "--yes", "--timeout", "570s"];
    world.home.run(&longest).await.must(0, &["timeout = 600"]);
    let untried = ["gate", "install", "kiro", "--yes", "--project", project];
    world.home.run(&untried).await.must(0, &["could not be tried", "do not rely on this gate"]);
}

/// What takes the gate from an agent is found, and named.
#[tokio::test(flavor = "multi_thread")]
async fn what_switches_a_gate_off_is_said() {
    let off = "{\"disableAllHooks\": true}";
    for (kind, file, text, words) in [
        (Kind::Copilot, "work/.claude/settings.json", off, "disableAllHooks"),
        (Kind::Copilot, "work/.github/copilot/settings.local.json", off, "disableAllHooks"),
        (Kind::Copilot, ".copilot/settings.json", off, "disableAllHooks"),
        (Kind::Qwen, ".qwen/settings.json", off, "disableAllHooks"),
        (
            Kind::Gemini,
            ".gemini/settings.json",
            "{ // mine\n\"hooksConfig\": {\"enabled\": false}}",
            "hooksConfig.enabled",
        ),
        (
            Kind::Gemini,
            ".gemini/settings.json",
            "{\"hooksConfig\": {\"disabled\": [\"gander\"]}}",
            "hooksConfig.disabled",
        ),
        (
            Kind::Gemini,
            ".gemini/trustedFolders.json",
            "{\"{project}\": \"DO_NOT_TRUST\"}",
            "not trusted",
        ),
    ] {
        let world = World::new();
        let agent = world.other(kind, "30s").await;
        let project = agent.project.to_str().unwrap();
        let file = world.home.path().join(file);
        std::fs::create_dir_all(file.parent().unwrap()).unwrap();
        std::fs::write(&file, text.replace("{project}", project)).unwrap();
        let status = world.home.run(&["gate", "status", "--project", project]).await;
        status.must(1, &["bypasses the gate", words, file.to_str().unwrap()]);
        let install = ["gate", "install", kind.name(), "--project", project, "--yes"];
        world.home.run(&install).await.must(2, &[words, "Nothing was changed"]);
    }
    for (kind, from, to, words) in [
        (Kind::Cursor, "\"preToolUse\"", "\"beforeAll\": [], \"preToolUse\"", "does not know"),
        (Kind::Cursor, "failClosed\": true", "x\": \"http://y\", \"failClosed\": true", "cannot"),
        (Kind::Kimi, "timeout = 60", "timeout = 60\n[[hooks]]\nevent = \"All\"", "no hook at all"),
    ] {
        let world = World::new();
        let agent = world.other(kind, "30s").await;
        agent.edit_hooks(|text| text.replacen(from, to, 1));
        let project = agent.project.to_str().unwrap();
        let status = world.home.run(&["gate", "status", "--project", project]).await;
        status.must(1, &["bypasses the gate", words]);
        let call = world.shell_call(kind, "ls");
        assert!(matches!(agent.call(call).await, Outcome::Open(_)), "the agent ignores it");
    }
}

/// OpenCode's own tools are locked while the plugin does not load.
#[tokio::test(flavor = "multi_thread")]
async fn the_lock_of_opencode_is_put_beside_other_permissions() {
    let world = World::new();
    let place = world.project();
    let file = place.join(".opencode/opencode.json");
    let text = "{\n  \"permission\": {\n    \"bash\": \"ask\"\n  }\n}\n";
    std::fs::create_dir_all(file.parent().unwrap()).unwrap();
    std::fs::write(&file, text).unwrap();
    let agent = world.other(Kind::OpenCode, "30s").await;
    let locked = std::fs::read_to_string(&file).unwrap();
    assert!(locked.contains("\"*\": \"deny\",\n    \"bash\": \"ask\""), "{locked}");
    world.home.run(&uninstall(Kind::OpenCode, place.to_str().unwrap())).await.must(0, &["-"]);
    assert_eq!(std::fs::read_to_string(&file).unwrap(), text);
    assert!(!agent.hook_file().exists());
    std::fs::write(&file, text.replace("\"bash\"", "\"*\"")).unwrap();
    let install = ["gate", "install", "opencode", "--project", place.to_str().unwrap(), "--yes"];
    world.home.run(&install).await.must(2, &["must be \"deny\"", "Nothing was changed"]);
    assert!(!agent.hook_file().exists());
}

/// Another plugin or hook of this name is the person's.
#[tokio::test(flavor = "multi_thread")]
async fn a_file_of_its_name_that_is_anothers_is_left_alone() {
    for (kind, text) in [
        (Kind::OpenCode, "export const Mine = async () => ({})\n"),
        (Kind::Kiro, "{\"version\": \"v1\", \"hooks\": []}"),
    ] {
        let world = World::new();
        let place = world.project();
        let file = kind.file(world.home.path(), &place);
        std::fs::create_dir_all(file.parent().unwrap()).unwrap();
        std::fs::write(&file, text).unwrap();
        let place = place.to_str().unwrap();
        let install = ["gate", "install", kind.name(), "--project", place, "--yes"];
        world.home.run(&install).await.must(2, &["Nothing was changed"]);
        world.home.run(&uninstall(kind, place)).await.must(0, &["nothing to change"]);
        assert_eq!(std::fs::read_to_string(&file).unwrap(), text);
    }
}
