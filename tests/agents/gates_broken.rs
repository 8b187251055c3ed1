//! Whatever goes wrong, the call does not run, and the agent is told what to do.

use std::time::Duration;

use crate::gates_reach::acts_on;
use crate::gates_standin::{ALL, Kind, Outcome};
use crate::gates_world::World;
use gander::core::decision::Verdict;

#[tokio::test(flavor = "multi_thread")]
async fn what_cannot_be_understood_is_denied() {
    for kind in ALL {
        let world = World::new();
        let agent = world.agent(kind, "30s").await;
        let pre = world.pre(kind, "ls");
        let deep = format!("{}{}", "[".repeat(200_000), "]".repeat(200_000));
        let cases: Vec<(Vec<u8>, &str)> = vec![
            (b"".to_vec(), "standard input is empty"),
            (b" \n".to_vec(), "standard input is empty"),
            (b"rm -rf /".to_vec(), "not JSON"),
            (pre.as_bytes()[..pre.len() / 2].to_vec(), "not JSON"),
            (deep.into_bytes(), "not JSON"),
            (b"null".to_vec(), "does not support the hook"),
            (b"[]".to_vec(), "does not support the hook"),
            (vec![0xFF, 0xFE, b'{'], "not UTF-8"),
            (
                pre.replace("PreToolUse", "BeforeEverything").into_bytes(),
                "does not support the hook \"BeforeEverything\"",
            ),
            (pre.replace("\"tool_name\"", "\"name\"").into_bytes(), "does not name the tool"),
            (
                pre.replace(world.project().to_str().unwrap(), "work").into_bytes(),
                "does not name the working directory",
            ),
            (world.pre(kind, &"x".repeat(1 << 20)).into_bytes(), "longer than 1024 KiB"),
            (vec![b'x'; 3 << 20], "longer than 1024 KiB"),
        ];
        for (input, words) in cases {
            let told = agent.call(&input).await.denied();
            acts_on(&told, &[words, "so the call is denied", "Tell the person who runs Gander"]);
        }
        assert!(world.asked(0).await.is_empty());
    }
}

/// As much as is taken, and more than a card shows: it is asked, and denied only because nobody
/// answers.
#[tokio::test(flavor = "multi_thread")]
async fn a_megabyte_is_asked() {
    let world = World::new();
    let agent = world.agent(Kind::ClaudeCode, "2m").await;
    let command = format!("make {}", "x".repeat((1 << 20) - 2000));
    let (outcome, ()) = tokio::join!(agent.call(world.pre(Kind::ClaudeCode, &command)), async {
        let asked = world.asked(1).await.remove(0);
        assert_eq!(asked.request.body, command);
        world.decides(&asked, Verdict::Rejected { reason: "Too long.".into() }).await;
    });
    acts_on(&outcome.denied(), &["Too long."]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_missing_program_denies() {
    for kind in ALL {
        let world = World::new();
        let agent = world.agent(kind, "30s").await;
        let file = kind.file(&agent.project);
        let there = std::fs::read_to_string(&file).unwrap();
        std::fs::write(&file, there.replace(env!("CARGO_BIN_EXE_gander"), "/nowhere/gander"))
            .unwrap();
        acts_on(
            &agent.call(world.pre(kind, "ls")).await.denied(),
            &["did not answer, so this is denied"],
        );
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_killed_gate_denies() {
    for kind in ALL {
        let world = World::new();
        let agent = world.agent(kind, "1m").await;
        let hooked = agent.start(world.pre(kind, "git push").as_bytes()).unwrap();
        hooked.kill_gate().await;
        acts_on(&agent.end(hooked).await.denied(), &["did not answer, so this is denied"]);
    }
}

/// The gate answers before its hook's limit; where an agent kills it all the same, goose and the
/// newest Claude Code deny.
#[tokio::test(flavor = "multi_thread")]
async fn the_agents_own_time_out_comes_after_the_gates() {
    for kind in ALL {
        let world = World::new();
        let mut agent = world.agent(kind, "90s").await;
        let file: serde_json::Value =
            serde_json::from_str(&std::fs::read_to_string(kind.file(&agent.project)).unwrap())
                .unwrap();
        for group in file["hooks"].as_object().unwrap().values() {
            assert_eq!(group[0]["hooks"][0]["timeout"], 120);
        }
        (agent.patience, agent.on_failure) = (Some(Duration::from_millis(500)), true);
        let outcome = agent.call(world.pre(kind, "git push")).await;
        match kind {
            Kind::Codex => assert_eq!(outcome, Outcome::Open("timed out".into())),
            Kind::ClaudeCode | Kind::Goose => {
                assert_eq!(outcome, Outcome::Denied("timed out".into()))
            }
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_locked_store_denies() {
    for kind in ALL {
        let world = World::new();
        let agent = world.agent(kind, "2s").await;
        let mut other = rusqlite::Connection::open(world.home.store()).unwrap();
        let held =
            other.transaction_with_behavior(rusqlite::TransactionBehavior::Immediate).unwrap();
        acts_on(
            &agent.call(world.pre(kind, "git push")).await.denied(),
            &["so the call is denied", "locked by another process"],
        );
        drop(held);
        acts_on(&agent.call(world.pre(kind, "git push")).await.denied(), &["decision #1"]);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_store_that_cannot_be_read_denies() {
    let world = World::new();
    let agent = world.agent(Kind::Goose, "5s").await;
    let file = Kind::Goose.file(&agent.project);
    let there = std::fs::read_to_string(&file).unwrap();
    let broken = world.home.path().join("no.db");
    std::fs::write(&broken, "This is a letter, and no database at all. ".repeat(200)).unwrap();
    std::fs::write(&file, there.replace("gander.db", "no.db")).unwrap();
    acts_on(
        &agent.call(world.pre(Kind::Goose, "git push")).await.denied(),
        &["so the call is denied", "no.db"],
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn broken_rules_and_a_broken_configuration_deny() {
    for kind in ALL {
        let world = World::new();
        let agent = world.agent(kind, "1s").await;
        let rules = world.home.path().join("gates.toml");
        let usual = std::fs::read_to_string(&rules).unwrap();
        for (broken, words) in [
            ("[[rules]]\ndo = \"alow\"\n", "gates.toml:2"),
            ("\u{0}", "gates.toml:1"),
            ("[[rules]]\ndo = \"allow\"\ncomand = 1", "comand"),
        ] {
            std::fs::write(&rules, broken).unwrap();
            acts_on(
                &agent.call(world.pre(kind, "ls")).await.denied(),
                &[words, "so the call is denied"],
            );
        }
        std::fs::remove_file(&rules).unwrap();
        std::fs::create_dir(&rules).unwrap();
        acts_on(
            &agent.call(world.pre(kind, "ls")).await.denied(),
            &["gates.toml", "so the call is denied"],
        );
        std::fs::remove_dir(&rules).unwrap();
        // Without a file the usual rules hold.
        assert_eq!(agent.call(world.pre(kind, "ls")).await, Outcome::Ran);
        std::fs::write(&rules, usual).unwrap();
        world.home.configure("aprovers = 3\n");
        acts_on(
            &agent.call(world.pre(kind, "git push")).await.denied(),
            &["aprovers", "so the call is denied"],
        );
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_lies_in_the_working_directory_sets_no_rules() {
    let world = World::new();
    let agent = world.agent(Kind::ClaudeCode, "1s").await;
    std::fs::write(world.project().join("gates.toml"), "[[rules]]\ndo = \"allow\"\n").unwrap();
    acts_on(&agent.call(world.pre(Kind::ClaudeCode, "git push")).await.denied(), &["decision #1"]);
    // It may name the project, and nothing that decides.
    std::fs::write(
        world.project().join("gander.toml"),
        "project = \"shop\"\nrisk = \"low\"\ndefault = \"approve\"\nsla = \"1s\"\n",
    )
    .unwrap();
    acts_on(&agent.call(world.pre(Kind::ClaudeCode, "git push")).await.denied(), &["decision #2"]);
    let asked = world.asked(2).await.remove(1);
    assert_eq!((asked.request.project.as_str(), asked.terms.risk.as_str()), ("shop", "high"));
    assert_eq!((asked.request.safe_default, asked.request.sla_seconds), (None, None));
    std::fs::write(world.project().join("gander.toml"), "approvers = []\n").unwrap();
    acts_on(
        &agent.call(world.pre(Kind::ClaudeCode, "git push")).await.denied(),
        &["so the call is denied"],
    );
}

/// An answer that nobody hears is none: silence would be a yes to some.
#[tokio::test(flavor = "multi_thread")]
async fn an_answer_that_cannot_be_said_denies() {
    for (kind, output) in ALL
        .into_iter()
        .flat_map(|kind| [">/dev/full", ">&-", "1</dev/null", ">/dev/null"].map(|to| (kind, to)))
    {
        let world = World::new();
        let agent = world.agent(kind, "5s").await;
        let file = kind.file(&agent.project);
        let there = std::fs::read_to_string(&file).unwrap();
        std::fs::write(&file, there.replace("--timeout 5s", &format!("--timeout 5s {output}")))
            .unwrap();
        let denied = agent.call(world.pre(kind, "sudo ls")).await.denied();
        // goose is told of a denial on standard error.
        let words = if kind == Kind::Goose {
            "Agents do not act as another user."
        } else {
            "could not write the answer"
        };
        acts_on(&denied, &[words]);
        let allowed = agent.call(world.pre(kind, "ls")).await;
        match kind {
            // It is not told of a yes; it goes on where nothing is said.
            Kind::Codex => assert_eq!(allowed, Outcome::Ran, "{output}"),
            Kind::ClaudeCode | Kind::Goose => {
                acts_on(&allowed.denied(), &["could not write the answer"])
            }
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn nobody_else_asks_as_a_gate() {
    let world = World::new();
    let asked = world
        .home
        .run(&["ask", "Run ls", "--kind", "permission", "--dedup-key", "gate:claude-code:s:0"])
        .await;
    asked.must(2, &["begin with gate: are reserved"]);
}
