//! What a person decides is what the agent does.

use futures_util::future::join_all;
use gander::core::decision::{Risk, State, Verdict};

use crate::common::cards::{click, open_card, reject};
use crate::common::process::sandbox;
use crate::gates_standin::{ALL, Kind, Outcome};
use crate::gates_world::{World, maya, rejected};

#[tokio::test(flavor = "multi_thread")]
async fn what_the_rules_allow_runs_and_what_they_deny_does_not_and_nobody_is_asked() {
    for kind in ALL {
        let world = World::new();
        let agent = world.agent(kind, "1m").await;
        assert_eq!(
            agent.call(world.pre(kind, "git status && ls src | head -3")).await,
            Outcome::Ran,
            "{kind:?}"
        );
        let told = agent.call(world.pre(kind, "ls && sudo make install")).await.denied();
        assert!(
            told.contains("Agents do not act as another user.")
                && told.contains("do without the call"),
            "{told}"
        );
        assert!(world.asked(0).await.is_empty());
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn an_approval_lets_the_call_run_and_is_taken_with_it() {
    for kind in ALL {
        let world = World::new();
        let agent = world.agent(kind, "1m").await;
        let hooked = agent.start(world.pre(kind, "cargo test && git push").as_bytes()).unwrap();
        let (outcome, asked) = tokio::join!(agent.end(hooked), async {
            let asked = world.asked(1).await.remove(0);
            world.decides(&asked, Verdict::approved()).await;
            asked
        });
        assert_eq!(outcome, Outcome::Ran, "{kind:?}");
        assert_eq!((asked.request.kind.as_str(), asked.terms.risk), ("permission", Risk::High));
        assert_eq!(
            (asked.request.title.as_str(), asked.request.body.as_str()),
            ("Run cargo test && git push in work", "cargo test && git push")
        );
        assert_eq!(asked.request.agent.name, kind.name());
        assert!(asked.request.agent.session.is_some() && asked.offers_session());
        let details: Vec<(&str, &str)> = asked
            .request
            .details
            .iter()
            .map(|detail| (detail.name.as_str(), detail.value.as_str()))
            .collect();
        assert_eq!(details[0], ("Directory", world.project().to_str().unwrap()));
        let State::Resolved(resolved) = world.decision(1).await.state else {
            panic!("it is decided")
        };
        assert!(resolved.claimed_at.is_some(), "{resolved:?}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_rejection_goes_to_the_agent_word_for_word() {
    let reason = "Not on a Friday — “wait”, <b>please</b>;\nuse a branch \\ `x` $HOME";
    for kind in ALL {
        let world = World::new();
        let agent = world.agent(kind, "1m").await;
        let hooked = agent.start(world.pre(kind, "git push").as_bytes()).unwrap();
        let (outcome, ()) = tokio::join!(agent.end(hooked), async {
            let asked = world.asked(1).await.remove(0);
            world.decides(&asked, rejected(reason)).await;
        });
        let told = outcome.denied();
        assert_eq!(told, format!("Rejected by Maya (decision #1): {reason}"), "{kind:?}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_put_off_is_denied_until_then_and_deferred_where_the_agent_can() {
    for kind in ALL {
        let world = World::new();
        let mut agent = world.agent(kind, "1m").await;
        let hooked = agent.start(world.pre(kind, "git push").as_bytes()).unwrap();
        let (outcome, asked) = tokio::join!(agent.end(hooked), async {
            let asked = world.asked(1).await.remove(0);
            world.defers(&asked).await;
            asked
        });
        let told = outcome.denied();
        assert!(
            told.contains("Maya deferred decision #1 until")
                && told.contains("for the same decision"),
            "{told}"
        );
        agent.env.push(("CLAUDE_CODE_ENTRYPOINT".into(), "sdk-cli".into()));
        let again = agent.call(world.pre(kind, "git push")).await;
        match again {
            Outcome::Deferred(told) if kind == Kind::ClaudeCode => {
                assert!(told.contains("deferred decision #1"), "{told}")
            }
            other => assert!(kind != Kind::ClaudeCode && other.denied().contains("#1"), "{kind:?}"),
        }
        // Resumed, it gets the answer.
        world.decides(&asked, Verdict::approved()).await;
        assert_eq!(agent.call(world.pre(kind, "git push")).await, Outcome::Ran);
        assert_eq!(world.asked(1).await.len(), 1);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn an_answer_that_comes_too_late_for_a_call_is_for_the_next_one_and_only_for_that() {
    for kind in ALL {
        let world = World::new();
        let agent = world.agent(kind, "3s").await;
        let told = agent.call(world.pre(kind, "git push")).await.denied();
        for words in [
            "Not decided yet: decision #1",
            "Status:",
            "gander serve",
            "repeat the same call later",
        ] {
            assert!(told.contains(words), "{words:?} is missing in {told}");
        }
        // Introduced otherwise, it is the same.
        let again = world
            .pre(kind, "git push")
            .replace("As the plan says", "Trying once more")
            .replace("toolu_01ABC", "toolu_99");
        assert!(agent.call(&again).await.denied().contains("decision #1"));
        let asked = world.asked(1).await;
        assert_eq!((asked.len(), asked[0].revision.0), (1, 1));
        world.decides(&asked[0], Verdict::approved()).await;
        assert_eq!(agent.call(&again).await, Outcome::Ran, "{kind:?}");
        // A verdict is handed over once.
        assert!(agent.call(&again).await.denied().contains("decision #2"), "{kind:?}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn an_approval_for_the_session_covers_the_next_call_and_not_another() {
    for kind in ALL {
        let world = World::new();
        let agent = world.agent(kind, "3s").await;
        let push = world.pre(kind, "git push");
        agent.call(&push).await.denied();
        let asked = world.asked(1).await.remove(0);
        world.decides(&asked, Verdict::for_session()).await;
        for _ in 0..3 {
            assert_eq!(agent.call(&push).await, Outcome::Ran, "{kind:?}");
        }
        assert_eq!(world.asked(1).await.len(), 1);
        let session = world.decision(1).await.request.agent.session.unwrap();
        for other in [
            world.pre(kind, "git push origin main"),
            push.replace(&session, "another-session"),
            push.replace("work\"", "work/sub\""),
        ] {
            assert!(agent.call(&other).await.denied().starts_with("Not decided yet"), "{other}");
        }
        assert_eq!(world.asked(4).await.len(), 4);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn an_approval_for_the_session_that_was_undone_covers_nothing() {
    let world = World::new();
    let agent = world.agent(Kind::ClaudeCode, "3s").await;
    let push = world.pre(Kind::ClaudeCode, "git push");
    agent.call(&push).await.denied();
    let asked = world.asked(1).await.remove(0);
    world.decides(&asked, Verdict::for_session()).await;
    world.handle.approvals().undo(asked.id, &maya()).await.unwrap();
    assert!(agent.call(&push).await.denied().contains("decision #1"));
    // Approved as something lesser, it does not cover what the rules take for worse now.
    let asked = world.decision(1).await;
    world.decides(&asked, Verdict::for_session()).await;
    assert_eq!(agent.call(&push).await, Outcome::Ran);
    std::fs::write(
        world.home.path().join("gates.toml"),
        "[[rules]]\ndo = \"ask\"\nrisk = \"critical\"\n",
    )
    .unwrap();
    assert!(agent.call(&push).await.denied().contains("decision #2"));
}

#[tokio::test(flavor = "multi_thread")]
async fn fifty_calls_at_once() {
    let world = World::new();
    let agent = world.agent(Kind::ClaudeCode, "10m").await;
    let same: Vec<String> = (0..25)
        .map(|n| {
            world.pre(Kind::ClaudeCode, "git push").replace("toolu_01ABC", &format!("toolu_{n}"))
        })
        .collect();
    let others: Vec<String> =
        (0..25).map(|n| world.pre(Kind::ClaudeCode, &format!("make target-{n}"))).collect();
    let calls = same.iter().chain(&others).map(|input| agent.call(input));
    let (outcomes, asked) = tokio::join!(join_all(calls), async {
        let asked = world.asked(26).await;
        for decision in &asked {
            let odd = decision.request.title.contains('7');
            world
                .decides(decision, if odd { rejected("No sevens") } else { Verdict::approved() })
                .await;
        }
        asked
    });
    assert_eq!((outcomes.len(), asked.len()), (50, 26));
    for (input, outcome) in same.iter().chain(&others).zip(outcomes) {
        let seven = input.contains("target-")
            && input.split("target-").nth(1).unwrap().split('"').next().unwrap().contains('7');
        assert_eq!(matches!(outcome, Outcome::Denied(_)), seven, "{input}: {outcome:?}");
        assert!(!matches!(outcome, Outcome::Open(_)));
    }
    assert_eq!(world.asked(26).await.len(), 26);
}

#[tokio::test(flavor = "multi_thread")]
async fn the_agents_own_permission_prompt_asks_for_more() {
    let world = World::new();
    let agent = world.agent(Kind::Codex, "3s").await;
    let (pre, own) =
        (world.pre(Kind::Codex, "git push"), world.says("codex-permission-request", "git push"));
    assert!(agent.call(&pre).await.denied().contains("#1"));
    assert!(agent.call(&own).await.denied().contains("#2"));
    let asked = world.asked(2).await;
    let of = |id: i64| asked.iter().find(|asked| asked.id.0 == id).unwrap();
    assert!(of(2).request.body.ends_with("description: \"May I leave the sandbox?\""));
    world.decides(of(1), Verdict::for_session()).await;
    // The command is approved; to run it outside of Codex's sandbox is not.
    assert_eq!(agent.call(&pre).await, Outcome::Ran);
    assert!(agent.call(&own).await.denied().contains("#2"));
    world.decides(of(2), Verdict::approved()).await;
    assert_eq!(agent.call(&own).await, Outcome::Ran);
    assert!(agent.call(&own).await.denied().contains("#3"), "an approval is for one call");
    // Claude Code's is answered too, for those who hook it themselves.
    let said = world.says("claude-code-permission-request", "ls");
    let answered = gate(&world, "claude-code", &said).await;
    assert_eq!(answered["hookSpecificOutput"]["decision"]["behavior"], "allow", "{answered}");
    let answered = gate(&world, "claude-code", &said.replace("\"ls\"", "\"sudo ls\"")).await;
    assert_eq!(answered["hookSpecificOutput"]["decision"]["behavior"], "deny", "{answered}");
}

/// Codex need not say in the call that it wants to leave its sandbox.
#[tokio::test(flavor = "multi_thread")]
async fn the_agents_own_prompt_without_words_asks_for_more_too() {
    let world = World::new();
    let agent = world.agent(Kind::Codex, "3s").await;
    let own = |command: &str| {
        let said = world.says("codex-permission-request", command);
        said.replace(",\"description\":\"May I leave the sandbox?\"", "")
    };
    assert_eq!(agent.call(world.pre(Kind::Codex, "git status")).await, Outcome::Ran);
    assert!(agent.call(own("git status")).await.denied().contains("#1"));
    assert!(world.decision(1).await.request.insight.why_it_matters.contains("sandbox"));
    // The call is approved for the session; what the prompt asks for is not.
    let pre = world.pre(Kind::Codex, "npm test");
    assert!(agent.call(&pre).await.denied().contains("#2"));
    world.decides(&world.decision(2).await, Verdict::for_session()).await;
    assert_eq!(agent.call(&pre).await, Outcome::Ran);
    assert!(agent.call(own("npm test")).await.denied().contains("#3"));
    world.decides(&world.decision(3).await, Verdict::for_session()).await;
    assert_eq!(agent.call(own("npm test")).await, Outcome::Ran);
}

/// Codex asks for a host in the words beside a command.
#[tokio::test(flavor = "multi_thread")]
async fn an_approval_for_one_host_is_none_for_another() {
    let world = World::new();
    let agent = world.agent(Kind::Codex, "3s").await;
    let network = world.says("codex-network", "");
    let other = network.replace("collect.evil.example", "registry.example");
    let plain = network.replace("network-access https://collect.evil.example:443", "");
    assert!(agent.call(&plain).await.denied().contains("#1"));
    world.decides(&world.decision(1).await, Verdict::for_session()).await;
    assert_eq!(agent.call(&plain).await, Outcome::Ran);
    assert!(agent.call(&network).await.denied().contains("#2"));
    let asked = world.decision(2).await;
    assert!(asked.request.body.contains("network-access https://collect.evil.example:443"));
    let shown = asked.request.details.iter().any(|detail| detail.value.contains("evil.example"));
    assert!(shown, "also below a long command: {:?}", asked.request.details);
    world.decides(&asked, Verdict::for_session()).await;
    assert_eq!(agent.call(&network).await, Outcome::Ran);
    assert!(agent.call(&other).await.denied().contains("#3"));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_plan_is_approved_with_all_that_it_asks_for() {
    let world = World::new();
    let agent = world.agent(Kind::ClaudeCode, "3s").await;
    let grants = world.says("claude-code-plan-grants", "");
    assert!(agent.call(&grants).await.denied().contains("#1"));
    let asked = world.decision(1).await;
    for shown in ["# Plan\n\nTidy the report.", "drop the old tables", "plans/tidy.md"] {
        assert!(asked.request.body.contains(shown), "{}", asked.request.body);
    }
    assert_eq!(asked.terms.risk, Risk::High);
    world.decides(&asked, Verdict::approved()).await;
    assert_eq!(agent.call(&grants).await, Outcome::Ran);
    let more = grants.replace("drop the old tables", "drop all tables");
    assert!(agent.call(&more).await.denied().contains("#2"));
    // Nobody approves for a session what the call does not show.
    assert!(agent.call(world.says("claude-code-plan-empty", "")).await.denied().contains("#3"));
    let empty = world.decision(3).await;
    assert!(!empty.offers_session() && empty.terms.risk == Risk::High);
    assert!(empty.request.insight.why_it_matters.contains("no plan"), "{empty:?}");
}

async fn gate(world: &World, agent: &str, input: &str) -> serde_json::Value {
    use tokio::io::AsyncWriteExt as _;
    let mut command = world.home.gander(&["gate", agent, "--timeout", "3s"]);
    let mut child = command
        .stdin(std::process::Stdio::piped())
        .stdout(std::process::Stdio::piped())
        .spawn()
        .unwrap();
    child.stdin.take().unwrap().write_all(input.as_bytes()).await.unwrap();
    serde_json::from_slice(&child.wait_with_output().await.unwrap().stdout).unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_change_is_shown_as_the_diff_that_it_makes() {
    let world = World::new();
    let workflow = world.project().join(".github/workflows");
    std::fs::create_dir_all(&workflow).unwrap();
    std::fs::write(
        workflow.join("ci.yml"),
        "on: push\njobs:\n  test:\n    runs-on: ubuntu-22.04\n",
    )
    .unwrap();
    let claude = world.agent(Kind::ClaudeCode, "3s").await;
    claude.call(world.says("claude-code-edit", "")).await.denied();
    let codex = world.agent(Kind::Codex, "3s").await;
    codex.call(world.says("codex-apply-patch", "")).await.denied();
    let asked = world.asked(2).await;
    let shown: Vec<String> = asked
        .iter()
        .map(|asked| {
            format!(
                "{} risk: {}\n{}\n{}",
                asked.terms.risk,
                asked.request.title,
                asked.request.insight.why_it_matters,
                asked.request.body
            )
        })
        .collect();
    insta::assert_snapshot!(shown.join("\n\n"));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_click_on_discord_lets_a_call_run_and_a_form_stops_another() {
    let (sandbox, world) = (sandbox().await, World::new());
    let _bot = world.home.serving(&sandbox).await;
    let agent = world.agent(Kind::ClaudeCode, "1m").await;
    let maya = sandbox.user("maya").unwrap();
    let (outcome, ()) =
        tokio::join!(agent.call(world.pre(Kind::ClaudeCode, "cargo test")), async {
            let card = open_card(&sandbox, 1).await;
            click(&maya, &card, "approve").await;
        });
    assert_eq!(outcome, Outcome::Ran);
    let (outcome, ()) =
        tokio::join!(agent.call(world.pre(Kind::ClaudeCode, "cargo bench")), async {
            let card = open_card(&sandbox, 2).await;
            reject(&maya, &card, "Not on battery").await;
        });
    assert!(outcome.clone().denied().ends_with("(decision #2): Not on battery"), "{outcome:?}");
}

/// Files on the disk, not names alone, say where a write goes and what git would obey.
#[tokio::test(flavor = "multi_thread")]
async fn what_lies_on_the_disk_counts() {
    let world = World::new();
    let _claude = world.agent(Kind::ClaudeCode, "3s").await;
    let elsewhere = world.home.path().join("elsewhere/deep");
    std::fs::create_dir_all(&elsewhere).unwrap();
    std::os::unix::fs::symlink(&elsewhere, world.project().join("link")).unwrap();
    let behind = world.project().join("link/../x");
    let write = serde_json::json!({ "file_path": behind, "content": "x" });
    let call = |tool: &str, input: &serde_json::Value| {
        let call = serde_json::json!({
            "hook_event_name": "PreToolUse", "session_id": "s", "cwd": world.project(),
            "tool_name": tool, "tool_input": input,
        });
        call.to_string()
    };
    let decided =
        |answer: serde_json::Value| answer["hookSpecificOutput"]["permissionDecision"].clone();
    assert_eq!(
        decided(gate(&world, "claude-code", &call("Write", &write)).await),
        "deny",
        "it lies outside"
    );
    let inside = serde_json::json!({ "file_path": world.project().join("x"), "content": "x" });
    assert_eq!(decided(gate(&world, "claude-code", &call("Write", &inside)).await), "allow");
    let git = call("Bash", &serde_json::json!({ "command": "git status" }));
    assert_eq!(decided(gate(&world, "claude-code", &git).await), "allow");
    std::fs::write(world.project().join("HEAD"), "ref: refs/heads/main\n").unwrap();
    assert_eq!(
        decided(gate(&world, "claude-code", &git).await),
        "deny",
        "nobody has decided whether git may obey these files"
    );
}
