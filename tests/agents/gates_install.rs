//! `gander gate install` keeps what is there, shows what it does, and takes exactly that back.

use crate::common::process::{Program, copy_program};
use crate::gates_standin::{ALL, Kind, Outcome};
use crate::gates_world::World;

const SETTINGS: &str = r#"{
    "zeta": 1,
    "permissions": { "deny": ["Read(./secrets/**)"] },
    "hooks": {
        "Stop": [{ "hooks": [{ "type": "command", "command": "say done" }] }],
        "PreToolUse": [
            { "matcher": "Bash", "hooks": [{ "type": "command", "command": "./log.sh" }] }
        ]
    },
    "alpha": [1, 2.50, "ü", null]
}
"#;

fn settled(text: &str) -> serde_json::Value {
    serde_json::from_str(text).unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_there_stays_and_twice_is_once_and_taking_it_back_leaves_nothing() {
    for kind in ALL {
        let world = World::new();
        let file = kind.file(&world.project());
        std::fs::create_dir_all(file.parent().unwrap()).unwrap();
        std::fs::write(&file, SETTINGS).unwrap();
        world.agent(kind, "1h").await;
        let installed = std::fs::read_to_string(&file).unwrap();
        let keys: Vec<usize> = [
            "\"zeta\"",
            "\"permissions\"",
            "\"Stop\"",
            "\"PreToolUse\"",
            "./log.sh",
            "gander",
            "\"alpha\"",
            "2.5",
        ]
        .iter()
        .map(|key| installed.find(key).unwrap_or_else(|| panic!("{key} is missing in {installed}")))
        .collect();
        assert!(keys.is_sorted() && installed.contains("\n    \"hooks\""), "{installed}");
        let place = world.project();
        let again = [
            "gate",
            "install",
            kind.name(),
            "--project",
            place.to_str().unwrap(),
            "--timeout",
            "1h",
            "--yes",
        ];
        world.home.run(&again).await.must(0, &["nothing to change"]);
        // With another time-out it is exchanged, where it stands.
        world.agent(kind, "2h").await;
        let exchanged = std::fs::read_to_string(&file).unwrap();
        assert_eq!(
            exchanged,
            installed.replace("--timeout 3600s", "--timeout 7200s").replace("3630", "7230")
        );
        let back =
            ["gate", "uninstall", kind.name(), "--project", place.to_str().unwrap(), "--yes"];
        world.home.run(&back).await.must(0, &["wrote", "-"]);
        assert_eq!(std::fs::read_to_string(&file).unwrap(), SETTINGS);
        world.home.run(&back).await.must(0, &["nothing to change"]);
    }
}

/// However a file is laid out: what is put in and taken out again leaves every byte as it was.
#[tokio::test(flavor = "multi_thread")]
async fn what_others_have_written_stays_as_they_laid_it_out() {
    let own = r#"{"type":"command","command":"./log.sh"}"#;
    let files = [
        r#"{"a":1}"#.to_owned(),
        "\u{feff}{ \"a\" : [1,\t2.50, \"hooks\"] }\r\n".to_owned(),
        "\n\n{\n\t\"hooks\": {\"Stop\": []},\n\t\"z\": {}}".to_owned(),
        format!(
            r#"{{"hooks":{{"PreToolUse":[{{"matcher":"Bash","hooks":[{own}]}}],"PermissionRequest":[{{"hooks":[{own}]}}]}},"a":1e2}}"#
        ),
        format!(
            "{{\n  \"hooks\": {{\n    \"PreToolUse\": [{{\n      \"hooks\": [{own}]\n    }}]\n  \
             }}\n}}\n"
        ),
        format!(
            "{{\"x\": \"}}\\\"]\",\n \"hooks\":\n {{ \"PreToolUse\":\n [\n {{ \"hooks\": [{own},\n \
             {own}] }} ] }}\n}}"
        ),
    ];
    for (kind, text) in ALL.into_iter().flat_map(|kind| files.iter().map(move |text| (kind, text)))
    {
        let world = World::new();
        let file = kind.file(&world.project());
        std::fs::create_dir_all(file.parent().unwrap()).unwrap();
        std::fs::write(&file, text).unwrap();
        world.agent(kind, "1h").await;
        let installed = std::fs::read_to_string(&file).unwrap();
        let read = settled(installed.trim_start_matches('\u{feff}'));
        let groups = read["hooks"]["PreToolUse"].as_array().unwrap();
        assert!(
            groups.last().unwrap()["hooks"][0]["command"].as_str().unwrap().contains("gander"),
            "{installed}"
        );
        assert_eq!(
            installed.trim_end().contains('\n'),
            text.trim_end().contains('\n'),
            "{installed}"
        );
        world.agent(kind, "2h").await;
        let place = world.project();
        let back =
            ["gate", "uninstall", kind.name(), "--project", place.to_str().unwrap(), "--yes"];
        world.home.run(&back).await.must(0, &["wrote"]);
        assert_eq!(&std::fs::read_to_string(&file).unwrap(), text, "{installed}");
    }
}

/// The gate's hook among those of others, in a group and as the first of several.
#[tokio::test(flavor = "multi_thread")]
async fn only_the_gates_own_hooks_are_taken_out() {
    let world = World::new();
    let file = Kind::ClaudeCode.file(&world.project());
    std::fs::create_dir_all(file.parent().unwrap()).unwrap();
    let ours = r#"{"command":"gander gate claude-code --timeout 5s"}"#;
    let text = format!(
        r#"{{"hooks":{{"PreToolUse":[{{"hooks":[{ours}]}}, {{"hooks":[{ours}, {{"command":"a"}}, {ours}]}},{{"hooks":[{ours}]}}],"Stop":[{{"hooks":[{ours}]}}]}}}}"#
    );
    std::fs::write(&file, text).unwrap();
    let place = world.project();
    world
        .home
        .run(&["gate", "uninstall", "claude-code", "--project", place.to_str().unwrap(), "--yes"])
        .await
        .must(0, &["wrote"]);
    assert_eq!(
        std::fs::read_to_string(&file).unwrap(),
        r#"{"hooks":{"PreToolUse":[{"hooks":[{"command":"a"}]}]}}"#
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn a_file_that_it_made_it_takes_away() {
    for kind in ALL {
        let world = World::new();
        let agent = world.agent(kind, "1h").await;
        assert_eq!(
            agent.project.join(".agents/plugins/gander/plugin.json").exists(),
            kind == Kind::Goose
        );
        let status =
            world.home.run(&["gate", "status", "--project", agent.project.to_str().unwrap()]).await;
        assert!(
            status
                .out
                .lines()
                .any(|line| line.starts_with(kind.name()) && line.contains("stops at the gate")),
            "{status:?}"
        );
        let back = [
            "gate",
            "uninstall",
            kind.name(),
            "--project",
            agent.project.to_str().unwrap(),
            "--yes",
        ];
        world.home.run(&back).await.must(0, &["removed"]);
        assert!(
            !kind.file(&agent.project).exists()
                && !agent.project.join(".agents/plugins/gander/plugin.json").exists()
        );
        assert!(world.home.path().join("gates.toml").exists(), "the rules are the person's");
        assert!(matches!(agent.call(world.pre(kind, "ls")).await, Outcome::Open(_)));
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn nothing_is_written_before_somebody_has_said_so() {
    let world = World::new();
    let place = world.project();
    let (place, file) = (place.to_str().unwrap(), Kind::ClaudeCode.file(&world.project()));
    let dry =
        world.home.run(&["gate", "install", "claude-code", "--project", place, "--dry-run"]).await;
    dry.must(
        0,
        &[
            "+++ ",
            "+            \"timeout\": 3630",
            "+            \"onFailure\": \"block\"",
            "nothing was written",
        ],
    );
    world
        .home
        .run(&["gate", "install", "claude-code", "--project", place])
        .await
        .must(2, &["no terminal", "--yes"]);
    assert!(!file.exists() && !world.home.path().join("gates.toml").exists());
    world
        .home
        .run(&["gate", "install", "claude-code", "--project", "/nowhere/at/all", "--yes"])
        .await
        .must(2, &["folder does not exist"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_it_cannot_keep_it_does_not_touch() {
    let world = World::new();
    let place = world.project();
    let file = Kind::ClaudeCode.file(&place);
    std::fs::create_dir_all(file.parent().unwrap()).unwrap();
    for (text, words) in [
        ("{\n  // mine\n  \"a\": 1\n}\n", "Comments in JSON cannot be kept"),
        ("{\"a\": 1,}", "line 1"),
        ("[]", "it is not an object"),
        ("{\"hooks\": []}", "its hooks are not an object"),
        ("{\"hooks\": {\"PreToolUse\": {}}}", "are not a list"),
        ("{\"hooks\": {\"PreToolUse\": []}, \"hooks\": {}}", "\"hooks\" appears twice"),
        ("{\"hooks\": {\"PreToolUse\": [], \"PreToolUse\": []}}", "\"PreToolUse\" appears twice"),
    ] {
        std::fs::write(&file, text).unwrap();
        let install = world
            .home
            .run(&["gate", "install", "claude-code", "--project", place.to_str().unwrap(), "--yes"])
            .await;
        install.must(2, &[words, "settings.local.json", "Nothing was changed"]);
        assert_eq!(std::fs::read_to_string(&file).unwrap(), text);
    }
    let codex = place.join(".codex");
    std::fs::create_dir(&codex).unwrap();
    std::fs::write(codex.join("config.toml"), "[features]\nhooks = false\n").unwrap();
    let install = world
        .home
        .run(&["gate", "install", "codex", "--project", place.to_str().unwrap(), "--yes"])
        .await;
    install.must(2, &["hooks = false", "remove that first"]);
    std::fs::write(codex.join("config.toml"), "model = \"x\"\n").unwrap();
    let install = world
        .home
        .run(&["gate", "install", "codex", "--project", place.to_str().unwrap(), "--yes"])
        .await;
    install.must(0, &["/hooks", "trust both"]);
}

/// Wherever the program and the store lie, a shell finds them.
#[tokio::test(flavor = "multi_thread")]
async fn names_that_a_shell_would_take_apart_hold_together() {
    for kind in ALL {
        let world = World::new();
        let odd = world.home.path().join("it's $HOME; \"so\" `to` say");
        std::fs::create_dir(&odd).unwrap();
        copy_program(&odd.join("gander")).await;
        let (store, config) = (odd.join("my store.db"), odd.join("gander.toml"));
        std::fs::write(&config, "time_zone = \"UTC\"\n").unwrap();
        let mut install = tokio::process::Command::new(odd.join("gander"));
        install
            .args(["gate", "install", kind.name(), "--yes", "--timeout", "1s", "--project"])
            .arg(world.project());
        install
            .arg("--store")
            .arg(&store)
            .arg("--config")
            .arg(&config)
            .env_clear()
            .env("HOME", world.home.path());
        Program::start(install).ended().await.must(0, &["wrote"]);
        let agent = crate::gates_standin::Agent {
            kind,
            project: world.project(),
            env: Vec::new(),
            on_failure: false,
            patience: None,
        };
        assert_eq!(agent.call(world.pre(kind, "ls")).await, Outcome::Ran, "{kind:?}");
        assert!(agent.call(world.pre(kind, "git push")).await.denied().contains("decision #1"));
        assert!(store.exists());
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_link_to_the_settings_stays_a_link() {
    let world = World::new();
    let file = Kind::ClaudeCode.file(&world.project());
    std::fs::create_dir_all(file.parent().unwrap()).unwrap();
    let real = world.home.path().join("dotfiles.json");
    std::fs::write(&real, "{}\n").unwrap();
    std::os::unix::fs::symlink(&real, &file).unwrap();
    world.agent(Kind::ClaudeCode, "1h").await;
    assert!(file.symlink_metadata().unwrap().is_symlink());
    assert!(std::fs::read_to_string(real).unwrap().contains("gander"));
}

/// goose has settings that switch a plugin off, and takes a project's folder for the person's own
/// plugin of that name.
#[tokio::test(flavor = "multi_thread")]
async fn what_takes_the_gate_from_goose_is_said() {
    let world = World::new();
    let place = world.project();
    let project = place.to_str().unwrap();
    let install = ["gate", "install", "goose", "--yes"];
    let install_here = ["gate", "install", "goose", "--project", project, "--yes"];
    let status = ["gate", "status", "--project", project];
    world.home.run(&install).await.must(0, &["wrote"]);
    let says = world.home.run(&status).await;
    assert!(!says.out.contains("bypasses the gate"), "{says:?}");
    let theirs = place.join(".agents/plugins/gander");
    std::fs::create_dir_all(&theirs).unwrap();
    world
        .home
        .run(&status)
        .await
        .must(1, &["bypasses the gate", "instead of your own", theirs.to_str().unwrap()]);
    world.home.run(&install_here).await.must(0, &["wrote", "only when started in this folder"]);
    let says = world.home.run(&status).await;
    assert!(!says.out.contains("bypasses the gate"), "{says:?}");
    world
        .home
        .run(&["gate", "uninstall", "goose", "--project", project, "--yes"])
        .await
        .must(0, &["removed"]);
    assert!(!theirs.exists());
    for (file, text) in [
        (
            place.join(".config/goose/settings.json"),
            r#"{"disabledPlugins": ["gander"]}"#.to_owned(),
        ),
        (
            world.home.path().join(".config/goose/config.yaml"),
            format!("plugins:\n  {}:\n    enabled: false\n", theirs.display()),
        ),
    ] {
        std::fs::create_dir_all(file.parent().unwrap()).unwrap();
        std::fs::write(&file, text).unwrap();
        world.home.run(&install_here).await.must(2, &["remove that first", file.to_str().unwrap()]);
        std::fs::remove_file(file).unwrap();
    }
}

/// Another program's hook may have such words in it.
#[tokio::test(flavor = "multi_thread")]
async fn what_only_looks_like_the_gates_hook_is_another_ones() {
    for kind in ALL {
        let world = World::new();
        let file = kind.file(&world.project());
        std::fs::create_dir_all(file.parent().unwrap()).unwrap();
        let theirs = format!(
            r#"{{"type":"command","command":"/opt/audit gate {} --timeout 3 --log"}}"#,
            kind.name()
        );
        let text =
            format!(r#"{{"hooks":{{"PreToolUse":[{{"matcher":".*","hooks":[{theirs}]}}]}}}}"#);
        std::fs::write(&file, &text).unwrap();
        let place = world.project();
        let place = place.to_str().unwrap();
        let status = world.home.run(&["gate", "status", "--project", place]).await;
        assert!(!status.out.contains("stops at the gate"), "{status:?}");
        world
            .home
            .run(&["gate", "uninstall", kind.name(), "--project", place, "--yes"])
            .await
            .must(0, &["nothing to change"]);
        assert_eq!(std::fs::read_to_string(&file).unwrap(), text);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_gate_that_is_not_heeded_is_not_said_to_stop_anything() {
    let world = World::new();
    let agent = world.agent(Kind::ClaudeCode, "1h").await;
    let (place, file) = (agent.project.to_str().unwrap(), Kind::ClaudeCode.file(&agent.project));
    let installed = std::fs::read_to_string(&file).unwrap();
    let status = async || world.home.run(&["gate", "status", "--project", place]).await.out;
    assert!(status().await.contains("stops at the gate"));
    for (from, to) in [("\"*\"", "\"Edit\""), ("\"type\": \"command\"", "\"type\": \"prompt\"")] {
        std::fs::write(&file, installed.replacen(from, to, 1)).unwrap();
        assert!(!status().await.contains("stops at the gate"), "{to}");
    }
    std::fs::write(&file, &installed).unwrap();
    std::fs::write(file.with_file_name("settings.json"), "{\"disableAllHooks\": true}").unwrap();
    let status = ["gate", "status", "--project", place];
    let words = ["bypasses the gate", "disableAllHooks", "claude-code is installed, but off"];
    world.home.run(&status).await.must(1, &words);
    let doctor = ["doctor", "--offline"];
    world.home.run(&doctor).await.must(1, &["settings.local.json) is installed, but off"]);
    let again = ["gate", "install", "claude-code", "--project", place, "--yes", "--timeout", "9m"];
    world.home.run(&again).await.must(2, &["disableAllHooks", "Nothing was changed"]);
}

#[cfg(unix)]
#[tokio::test(flavor = "multi_thread")]
async fn a_link_that_somebody_has_laid_leads_on_to_a_file() {
    let world = World::new();
    let file = Kind::ClaudeCode.file(&world.project());
    let target = world.home.path().join("kept.json");
    std::fs::create_dir_all(file.parent().unwrap()).unwrap();
    std::fs::write(&target, "{}").unwrap();
    std::os::unix::fs::symlink(&target, &file).unwrap();
    world.agent(Kind::ClaudeCode, "1h").await;
    let place = world.project();
    world
        .home
        .run(&["gate", "uninstall", "claude-code", "--project", place.to_str().unwrap(), "--yes"])
        .await
        .must(0, &["wrote"]);
    assert!(file.symlink_metadata().unwrap().is_symlink());
    assert_eq!(std::fs::read_to_string(&target).unwrap().trim().replace('\n', ""), "{}");
}
